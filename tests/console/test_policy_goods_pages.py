"""Return policies for some articles at the console: pasted, found and ticked, refused where nobody knows them."""

from __future__ import annotations

import re

import pytest_asyncio

from comptoir.kernel.ids import to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import MOST_SKUS, Policy, PolicyDraft
from comptoir.modules.inventory import api as inventory
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, Placed
from comptoir.surfaces.console.pages.store_desk import COOKIE
from comptoir.surfaces.services import Services
from support.back_office import as_role, said
from support.back_office import place as place_text
from support.console import Shop, Staff, counted_statements, place

LOAF, BATTERIES = "840361", "1070820"
NEW = "/returns/policies/new"
GIVEN = {
    "code": "bread", "position": "5", "window": "7", "kind": "days", "moment": "inspection", "method": "original",
    "active": "yes",
}  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session")
async def clerk(owner: Staff, shop: Shop) -> Staff:
    """The owner, who stands in the store in Columbus."""
    owner.client.cookies.set(COOKIE, place_text(shop, "S367"))
    return owner


async def kept(parts: Services) -> list[Policy]:
    async with parts.database.read() as reader:
        return await changes.all_policies(reader)


async def sent(parts: Services) -> Placed:
    """Two loaves and a pack of batteries that have left."""
    made = await place(parts, "web", [(LOAF, 2), (BATTERIES, 1)], person=1)
    async with parts.database.transaction() as tx:
        held = await inventory.reservations_for(tx, made.id)
        for location in sorted({one.location_id for one in held}):
            await orders.ship(tx, made.id, location, None, carrier="UPS", tracking_number="1ZGOODS")
    return made


def listed_in(text: str) -> list[str]:
    """What stands in the list of SKUs."""
    found = re.search(r'<textarea[^>]*name="skus"[^>]*>\s*([^<]*)</textarea>', text)
    assert found is not None
    return found[1].split()


async def test_a_pasted_list_is_kept_and_read_in_words(clerk: Staff, parts: Services) -> None:
    done = await clerk.submit(NEW, NEW, GIVEN | {"skus": f"{LOAF}\r\n\r\n{BATTERIES}, {LOAF}\t{BATTERIES}"})
    assert done.headers["location"] == "/returns/policies"
    (made,) = await kept(parts)
    assert (made.skus, made.category) == ((LOAF, BATTERIES), ())
    assert made.id is not None
    page = await clerk.get(f"/returns/policies/{to_text('pol', made.id)}")
    assert listed_in(page.text) == [LOAF, BATTERIES]
    with counted_statements() as statements:
        listed = said((await clerk.get("/returns/policies")).text)
    assert len(statements) <= 12
    assert f"of Sourdough loaf ({LOAF}) and AA batteries, 8 pack ({BATTERIES})" in listed
    both = await clerk.submit(NEW, NEW, GIVEN | {"code": "both", "category": "Grocery", "skus": LOAF})
    assert both.status_code == 303
    assert f"of Grocery, or of Sourdough loaf ({LOAF})" in said((await clerk.get("/returns/policies")).text)


async def test_what_nobody_knows_is_refused_by_name_and_nothing_typed_is_lost(clerk: Staff, parts: Services) -> None:
    wrong = await clerk.submit(NEW, NEW, GIVEN | {"skus": f"{LOAF}\nBREAD-X", "found_sku": BATTERIES})
    assert wrong.status_code == 422
    assert "The catalogue does not know BREAD-X." in said(wrong.text)
    assert 'id="skus-error"' in wrong.text
    assert 'aria-describedby="skus-error"' in wrong.text
    assert listed_in(wrong.text) == [LOAF, "BREAD-X", BATTERIES]
    assert 'value="bread"' in wrong.text
    odd = await clerk.submit(NEW, NEW, GIVEN | {"skus": "X" * 200 + "\nA\x07B"})
    assert odd.status_code == 422
    many = await clerk.submit(NEW, NEW, GIVEN | {"skus": "\n".join(f"S{n}" for n in range(MOST_SKUS + 1))})
    assert "a policy names 1000 at most" in said(many.text)
    assert await kept(parts) == []


async def test_products_are_searched_and_ticked(clerk: Staff, parts: Services) -> None:
    found = await clerk.get("/returns/policies/products?find_sku=sourdough")
    assert f'value="{LOAF}"' in found.text
    assert "name=" not in found.text, "the script puts what is ticked into the list, which a draft keeps"
    assert "No product fits." in said((await clerk.get("/returns/policies/products?find_sku=zeppelin")).text)
    assert (await clerk.get("/returns/policies/products?find_sku=")).text.strip() == ""
    done = await clerk.submit(NEW, NEW, GIVEN | {"skus": BATTERIES, "found_sku": [LOAF, BATTERIES]})
    assert done.status_code == 303
    (made,) = await kept(parts)
    assert made.skus == (BATTERIES, LOAF)
    await as_role(clerk, "analyst")
    assert (await clerk.get("/returns/policies/products?find_sku=sourdough")).status_code == 403


async def test_the_search_works_without_a_script_and_saves_nothing(clerk: Staff, parts: Services) -> None:
    asked = GIVEN | {"skus": BATTERIES, "find_sku": "sourdough", "step": "find"}
    page = await clerk.submit(NEW, NEW, asked)
    assert page.status_code == 200
    assert re.search(rf'type="checkbox" name="found_sku" value="{LOAF}"', page.text)
    assert listed_in(page.text) == [BATTERIES]
    assert 'value="bread"' in page.text
    assert await kept(parts) == []


async def test_of_many_that_fit_some_are_shown(clerk: Staff, parts: Services) -> None:
    async with parts.database.transaction() as tx:
        variants = [VariantDraft(sku=f"CUP-{n:02}", options={"no": str(n)}) for n in range(30)]
        await catalogue.upsert(tx, [ProductDraft(code="CUP", names={"en": "Cup"}, variants=variants)])
    found = await clerk.get("/returns/policies/products?find_sku=CUP")
    assert found.text.count('type="checkbox"') == 20
    assert "More fit than are shown" in said(found.text)


async def test_a_final_sale_of_one_article_is_tried_out_and_holds_at_the_desk(clerk: Staff, parts: Services) -> None:
    order = await sent(parts)
    given = GIVEN | {"kind": "final", "skus": LOAF}
    tried = said((await clerk.submit(NEW, NEW, given | {"order": str(order.number), "step": "try"})).text)
    assert tried.count("Not returnable: a final sale.") == 1
    assert "by this policy" in tried
    assert "by the standard terms" in tried
    await clerk.submit(NEW, NEW, given)
    desk = said((await clerk.get(f"/returns/new?order={to_text(ORDER_PREFIX, order.id)}")).text)
    assert desk.count("Not returnable: a final sale.") == 1


async def test_what_the_catalogue_has_no_more_does_not_stop_a_change(clerk: Staff, parts: Services) -> None:
    async with parts.database.transaction() as tx:
        await catalogue.upsert(tx, [ProductDraft(code="OLD", names={"en": "Old"}, variants=[VariantDraft(sku="OLD-1")])])
        made = await changes.create_policy(tx, PolicyDraft(code="bread", position=1, skus=("OLD-1",)))
        await tx.run("DELETE FROM catalogue.variants WHERE sku = 'OLD-1'")
    assert made.id is not None
    href = f"/returns/policies/{to_text('pol', made.id)}"
    done = await clerk.submit(href, href, GIVEN | {"skus": "OLD-1", "window": "9"})
    assert done.status_code == 303
    (now,) = await kept(parts)
    assert (now.skus, now.window) == (("OLD-1",), 9)
