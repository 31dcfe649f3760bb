"""Who sells, and the invoices of an order, on screen and through the API."""

from __future__ import annotations

from comptoir.kernel.ids import to_text
from comptoir.modules.invoicing import api as invoicing
from comptoir.surfaces import invoicing as issuing
from comptoir.surfaces.services import Services
from support.back_office import as_role, said
from support.console import Shop, Staff, place

SELLER = "/settings/seller"
DETAILS = {
    "name": "Maison Lumen", "legal_name": "Lumen & Filles", "form": "SAS", "capital": "10000", "siren": "552100554",
    "register": "RCS Lyon", "vat_number": "FR83552100554", "line1": "12, rue de la République", "postcode": "69001",
    "city": "Lyon", "country": "FR", "time_zone": "Europe/Paris",
}  # fmt: skip


async def test_nothing_is_invoiced_before_somebody_has_said_who_sells(owner: Staff, parts: Services, shop: Shop) -> None:
    page = f"/orders/{to_text('ord', shop.orders['fresh'])}"
    assert "it is issued by itself when all has left" in (await owner.get(page)).text
    sent = await owner.submit(page, f"{page}/invoices", {})
    assert sent.headers["location"] == SELLER
    assert "Say first, under Settings, who sells" in said((await owner.get(SELLER)).text)
    wrong = await owner.submit(SELLER, SELLER, DETAILS | {"country": "F1", "city": "Kept"})
    assert (wrong.status_code, 'value="Kept"' in wrong.text) == (422, True)
    await owner.submit(SELLER, SELLER, DETAILS)
    assert 'value="10000"' in (await owner.get(SELLER)).text
    await owner.submit(page, f"{page}/invoices", {})
    async with parts.database.read() as reader:
        (one,) = await invoicing.of_order(reader, shop.orders["fresh"])
    assert issuing.read(one).paper.seller.identity is not None
    text = (await owner.get(page)).text
    href = f"{page}/invoices/{to_text('inv', one.id)}"
    assert href in text
    assert one.number in said(text)
    paper = await owner.get(href)
    assert (paper.headers["content-type"], paper.content[:4]) == ("application/pdf", b"%PDF")
    other = to_text("ord", shop.orders["market"])
    assert (await owner.get(f"/orders/{other}/invoices/{to_text('inv', one.id)}")).status_code == 404


async def test_whoever_may_not_act_sees_invoices_and_issues_none(owner: Staff, parts: Services, shop: Shop) -> None:
    made = await place(parts, "web", [("840361", 1)])
    analyst = await as_role(owner, "analyst")
    page = f"/orders/{to_text('ord', made.id)}"
    text = (await analyst.get(page)).text
    assert "Invoices" in text
    assert f"{page}/invoices" not in text
    assert "disabled" in (await analyst.get(SELLER)).text
