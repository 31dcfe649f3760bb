"""Bins on a phone: a product and its shelf are scanned, and found by either."""

from __future__ import annotations

from comptoir.kernel.ids import to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.surfaces.console.pages.store_desk import COOKIE
from comptoir.surfaces.services import Services
from support.back_office import as_role, said
from support.console import Shop, Staff, counted_statements

LOAF, COFFEE = "840361", "995242"
PAGE = "/store/bins"


async def test_a_product_and_its_shelf_are_scanned_and_found_by_either(owner: Staff, parts: Services, shop: Shop) -> None:
    owner.client.cookies.set(COOKIE, to_text("loc", shop.locations["S367"]))
    assert "No bins yet" in said((await owner.get(PAGE)).text)
    await owner.submit(PAGE, PAGE, {"code": LOAF, "bin": "A-03-2"})
    await owner.submit(PAGE, PAGE, {"code": COFFEE, "bin": "B-01-1"})
    with counted_statements() as statements:
        text = (await owner.get(PAGE)).text
    assert len(statements) <= 12
    assert text.index("A-03-2") < text.index("B-01-1")
    for q in ("a-03", LOAF, "Sourdough"):
        found = (await owner.get(f"{PAGE}?q={q}")).text
        assert ("A-03-2" in found, "B-01-1" in found) == (True, False), q
    wrong = await owner.submit(PAGE, PAGE, {"code": "nobody", "bin": "C-1"})
    assert (wrong.status_code, 'value="C-1"' in wrong.text) == (422, True)
    file = (await owner.get(f"{PAGE}?format=csv")).text.lstrip("\ufeff").splitlines()
    assert file[0].replace('"', "").split(";" if ";" in file[0] else ",") == ["location", "sku", "bin", "zone", "sequence"]
    assert ["A-03-2" in line for line in file[1:]] == [True, False]
    await owner.submit(PAGE, PAGE, {"code": LOAF, "bin": ""})
    async with parts.database.read() as reader:
        assert await fulfilment.bins(reader, shop.locations["S367"], [LOAF, COFFEE]) == {COFFEE: "B-01-1"}


async def test_whoever_may_not_fulfil_only_looks(owner: Staff, shop: Shop) -> None:
    analyst = await as_role(owner, "analyst")
    analyst.client.cookies.set(COOKIE, to_text("loc", shop.locations["S367"]))
    assert "It lies there" not in (await analyst.get(PAGE)).text
