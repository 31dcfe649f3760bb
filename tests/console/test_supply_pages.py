"""Purchase orders, suppliers and proposed transfers at the console."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from comptoir.kernel.ids import to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind, Movement, Quantity, ReplenishmentTerms, TransferFilter
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationDraft, LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.purchasing.contracts import Purchase, PurchaseFilter
from comptoir.modules.substitution import api as substitution
from comptoir.modules.substitution.contracts import Consent
from comptoir.surfaces.pools import pool_id_of
from comptoir.surfaces.services import Services
from support.back_office import FRAGMENT, HOSTILE, as_role, audited, looked_at, place, rows, said, signed_in
from support.browser import browser
from support.console import Shop, Staff, counted_statements, fields_of, worker
from support.console import place as placed
from support.consumers import drained

__all__ = ["browser"]

LOAF, BANANAS = "840361", "1082185"


@pytest_asyncio.fixture(loop_scope="session")
async def supplier(parts: Services, shop: Shop) -> AsyncIterator[Purchase]:
    """A supplier, and an order of the web shop that is moved there."""
    async with parts.database.transaction() as tx:
        draft = LocationDraft(code="ACME", name="Acme", kind=LocationKind.SUPPLIER, country="FR", time_zone="Europe/Paris")
        acme = (await locations.create(tx, draft)).id
        await inventory.receive(tx, acme, [Quantity(LOAF, 20)])
    shop.locations["ACME"] = acme
    made = await placed(parts, "web", [(LOAF, 3)], person=0)
    runner = worker(parts)
    await drained(parts.database, runner)
    order_id = OrderId(made.id)
    async with parts.database.read() as reader:
        (work,) = await fulfilment.of_orders(reader, [order_id])
    async with parts.database.transaction() as tx:
        await orders.move(tx, order_id, 1, 3, from_location_id=work.location_id, to_location_id=acme, reason="person")
    async with parts.database.transaction() as tx:
        await fulfilment.settle(tx, [order_id], fulfilment.Setting(pool_id_of))
    async with parts.database.transaction() as tx:
        await purchasing.follow(tx, [order_id])
    async with parts.database.read() as reader:
        (one,) = (await purchasing.find(reader, PurchaseFilter(order_id=order_id))).items
    yield one
    del shop.locations["ACME"]


def href(one: Purchase) -> str:
    return f"/purchases/{to_text('pur', one.id)}"


async def now(parts: Services, one: Purchase) -> Purchase:
    async with parts.database.read() as reader:
        return await purchasing.get(reader, one.id)


async def test_a_purchase_order_is_answered_at_the_console(owner: Staff, parts: Services, supplier: Purchase) -> None:
    assert await rows(owner, "/purchases") == [f"P{supplier.number}"]
    assert await rows(owner, "/purchases?state=shipped") == []
    page = await owner.get(href(supplier))
    assert "Nothing was written to this supplier" in page.text
    assert "Not answered" in said(page.text)
    form = {"line:1": "2", "reason": "out_of_stock", "promised_on": "", "note": "by phone"}
    answer = await owner.submit(f"{href(supplier)}/accept", f"{href(supplier)}/accept", form)
    assert answer.status_code == 303, answer.text
    one = await now(parts, supplier)
    assert (one.state.value, one.lines[0].rejected, one.note) == ("acknowledged", 1, "by phone")
    form = {"carrier": "dhl", "tracking_number": "JD9", "tracking_url": "", "line:1": "2"}
    answer = await owner.submit(f"{href(supplier)}/ship", f"{href(supplier)}/ship", form)
    assert answer.status_code == 303, answer.text
    assert (await now(parts, supplier)).state.value == "shipped"
    assert [entry.action for entry in (await audited(parts))[:2]] == ["purchase.ship", "purchase.accept"]
    order = await owner.get(f"/orders/{to_text('ord', supplier.order_id)}")
    for words in ("Acme was sent purchase order", "Acme has accepted purchase order", "Acme has sent what was left"):
        assert words in order.text
    gone = await owner.get(f"{href(supplier)}/accept")
    assert gone.status_code == 303


async def test_what_was_typed_is_kept_with_what_is_wrong(owner: Staff, parts: Services, supplier: Purchase) -> None:
    form = {"carrier": HOSTILE, "tracking_number": "", "tracking_url": "", "line:1": "99"}
    answer = await owner.submit(f"{href(supplier)}/ship", f"{href(supplier)}/ship", form)
    assert answer.status_code == 422
    assert "Fill this in." in answer.text
    assert HOSTILE not in answer.text
    assert 'value="99"' in answer.text
    answer = await owner.submit(f"{href(supplier)}/ship", f"{href(supplier)}/ship", form | {"tracking_number": "X"})
    assert answer.status_code == 422
    assert "There are not that many units open" in answer.text
    assert (await now(parts, supplier)) == supplier


async def test_declining_and_taking_back(owner: Staff, parts: Services, supplier: Purchase) -> None:
    answer = await owner.submit(f"{href(supplier)}/withdraw", f"{href(supplier)}/withdraw", {})
    assert answer.status_code == 303, answer.text
    assert (await now(parts, supplier)).state.value == "cancelled"
    assert "Cancelled" in said((await owner.get(href(supplier))).text)


async def test_who_may_not_answer_sees_and_does_nothing(owner: Staff, supplier: Purchase) -> None:
    support = await as_role(owner, "support")
    page = await support.get(href(supplier))
    assert page.status_code == 200
    assert "/accept" not in page.text
    assert (await support.get(f"{href(supplier)}/accept")).status_code == 403
    assert (await support.get("/purchases/suppliers")).status_code == 200


async def test_terms_and_costs_of_a_supplier(owner: Staff, parts: Services, shop: Shop, supplier: Purchase) -> None:
    del supplier
    path = f"/purchases/suppliers/{place(shop, 'ACME')}"
    assert "Acme" in (await owner.get("/purchases/suppliers")).text
    form = {"email": "nobody", "locale": "en", "currency": "usd", "answer_within": "8", "remind_after": "2"}
    answer = await owner.submit(f"{path}/terms", f"{path}/terms", form)
    assert (answer.status_code, 'value="nobody"' in answer.text) == (422, True)
    answer = await owner.submit(f"{path}/terms", f"{path}/terms", form | {"email": "orders@acme.example"})
    assert answer.status_code == 303, answer.text
    costs = f"{LOAF};AC-1;2.50\n{BANANAS}\tAC-2\t0,40"
    for wrong, words in (("NOTHING;X;1", "does not know NOTHING"), (f"{LOAF};X;1.999", "is no amount"), ("", "Fill this in")):
        answer = await owner.submit(f"{path}/costs", f"{path}/costs", {"rows": wrong})
        assert (answer.status_code, words in answer.text) == (422, True), answer.text
    answer = await owner.submit(f"{path}/costs", f"{path}/costs", {"rows": costs})
    assert answer.status_code == 303, answer.text
    async with parts.database.read() as reader:
        page = await purchasing.articles(reader, shop.locations["ACME"])
    assert [(row.sku, row.supplier_sku, row.cost) for row in page.items] == [(BANANAS, "AC-2", 40), (LOAF, "AC-1", 250)]
    assert "$2.50" in (await owner.get(path)).text


async def test_a_purchase_order_as_a_list_and_as_a_file_costs_few_queries(owner: Staff, supplier: Purchase) -> None:
    await owner.get("/purchases")
    with counted_statements() as sent:
        assert (await owner.get("/purchases", **FRAGMENT)).status_code == 200
    assert len(sent) <= 8, sent
    with counted_statements() as sent:
        assert (await owner.get(href(supplier))).status_code == 200
    assert len(sent) <= 14, sent
    text = (await owner.get("/purchases?format=csv")).content.decode("utf-8-sig").splitlines()
    assert text[0].startswith("Number,State,Supplier")
    assert text[1].startswith(f"P{supplier.number},Not answered,Acme")


# Proposed transfers


async def sells_out(parts: Services, shop: Shop, code: str, origin: str, count: int = 1) -> None:
    """Loaves that are nearly gone at a store, whose warehouse has some."""
    async with parts.database.transaction() as tx:
        target, source = shop.locations[code], shop.locations[origin]
        await inventory.put_replenishment(tx, ReplenishmentTerms(source_id=source, location_id=target, reorder_days=14))
        for n in range(count):
            sku = LOAF if n == 0 else f"FAST-{n}"
            if n:
                variant = VariantDraft(sku=sku, name=f"Fast seller {n}")
                await catalogue.create(tx, ProductDraft(code=sku, names={"en": sku}, variants=[variant]))
            level = (await inventory.levels_at(tx, [(sku, target)])).get((sku, target))
            await inventory.receive(tx, source, [Quantity(sku, 500)])
            there = level.on_hand if level else 0
            movements = [Movement(EntryKind.RECEIVED, sku, target, on_hand=60 - there, reason="test")] if there < 60 else []
            await inventory.record(tx, [*movements, Movement(EntryKind.SOLD, sku, target, on_hand=-58, reason="test")])
        await inventory.propose(tx)


async def test_proposals_are_read_changed_and_made_a_transfer(owner: Staff, parts: Services, shop: Shop) -> None:
    await sells_out(parts, shop, "S381", "W1" if "W1" in shop.locations else next(iter(shop.locations)), count=2)
    listed = await owner.get("/transfers/proposals")
    found = re.search(r'class="row-link" href="(/transfers/proposals/[^"]+)"', listed.text)
    assert found is not None, listed.text
    page = await owner.get(found[1])
    assert "Sold 58 in 4 weeks" in said(page.text)
    keys = re.findall(r'name="chosen" value="([^"]+)"', page.text)
    assert len(keys) == 2
    wrong = {"chosen": keys[0], f"units:{keys[0]}": "0", f"units:{keys[1]}": "5", "act": "accept"}
    answer = await owner.submit(found[1], found[1], wrong)
    assert answer.status_code == 422
    assert 'value="0"' in answer.text
    answer = await owner.submit(found[1], found[1], wrong | {f"units:{keys[0]}": "7"})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith("/transfers/trf_")
    async with parts.database.read() as reader:
        (newest, *_) = (await inventory.find_transfers(reader, TransferFilter(), sort="-number")).items
        transfer = await inventory.transfer(reader, newest.id)
    assert [line.quantity for line in transfer.lines] == [7]
    rest = {"chosen": keys[1], f"units:{keys[1]}": "5", "act": "dismiss"}
    answer = await owner.submit(found[1], found[1], rest)
    assert answer.status_code == 303, answer.text
    assert (await audited(parts))[0].action == "transfer.dismissed"
    assert "Nothing is proposed here any more" in (await owner.get(found[1])).text


async def test_terms_are_set_at_the_console_and_thinking_again_is_a_button(owner: Staff, parts: Services, shop: Shop) -> None:
    assert "Nothing is filled up yet" in (await owner.get("/transfers/proposals")).text
    source, target = (place(shop, code) for code in list(shop.locations)[:2])
    form = {
        "of": target, "source": source, "cover_days": "14", "reorder_days": "20", "weeks": "4", "keep_days": "",
        "quiet_days": "5", "overstock_days": "", "active": "yes",
    }  # fmt: skip
    path = "/transfers/proposals/terms/edit"
    assert (await owner.submit(path, path, form)).status_code == 422
    assert (await owner.submit(path, path, form | {"reorder_days": "7"})).status_code == 303
    async with parts.database.read() as reader:
        (kept,) = await inventory.replenishment(reader)
    assert (kept.cover_days, kept.reorder_days, kept.quiet_days, kept.active) == (14, 7, 5, True)
    assert (await owner.get("/transfers/proposals/terms")).text.count("row-link") == 1
    answer = await owner.submit("/transfers/proposals", "/transfers/proposals/run", {})
    assert answer.status_code == 303


async def test_the_pages_are_accessible_and_fit_their_screens(
    browser: Browser, parts: Services, shop: Shop, supplier: Purchase
) -> None:
    origin = "W1" if "W1" in shop.locations else next(iter(shop.locations))
    await sells_out(parts, shop, "S381", origin)
    way = f"/transfers/proposals/{place(shop, origin)}/{place(shop, 'S381')}"
    pages = (
        "/purchases", href(supplier), f"{href(supplier)}/accept", f"/purchases/suppliers/{place(shop, 'ACME')}",
        "/transfers/proposals", way, "/transfers/proposals/terms/edit", "/substitutes", "/substitutes/edit",
    )  # fmt: skip
    async with signed_in(browser, parts) as page:
        await looked_at(page, "en", pages)
        await looked_at(page, "fr", pages[:2])


# Substitutes


async def test_something_else_is_taken_at_the_shelf_with_one_tap(owner: Staff, parts: Services, shop: Shop) -> None:
    form = {"rows": f"{LOAF};{BANANAS};NOTHING"}
    answer = await owner.submit("/substitutes/edit", "/substitutes/edit", form)
    assert (answer.status_code, "does not know NOTHING" in answer.text) == (422, True)
    answer = await owner.submit("/substitutes/edit", "/substitutes/edit", {"rows": f"{LOAF};{LOAF}"})
    assert answer.status_code == 422
    answer = await owner.submit("/substitutes/edit", "/substitutes/edit", {"rows": f"{LOAF};{BANANAS}"})
    assert answer.status_code == 303, answer.text
    assert len(await rows(owner, "/substitutes")) == 1
    made = await placed(parts, "web", [(LOAF, 2)], person=0)
    order_id = OrderId(made.id)
    await drained(parts.database, worker(parts))
    async with parts.database.transaction() as tx:
        (work,) = await fulfilment.of_orders(tx, [order_id])
        await inventory.receive(tx, work.location_id, [Quantity(BANANAS, 50)])
    page = f"/store/pick/{to_text('ful', work.id)}"
    assert "Or scan one of them" not in (await owner.get(page)).text
    async with parts.database.transaction() as tx:
        await substitution.agree(tx, order_id, {0: Consent.ANY})
    shown = (await owner.get(page)).text
    assert "Or scan one of them" in shown
    answer = await owner.send(
        f"{page}/instead", fields_of(shown, f"{page}/instead") | {"line": "1", "quantity": "2", "code": BANANAS}
    )
    assert answer.status_code == 303, answer.text
    async with parts.database.read() as reader:
        (after,) = await fulfilment.of_orders(reader, [order_id])
        (taken,) = await substitution.of_order(reader, order_id)
    assert [(line.sku, line.picked) for line in after.lines if line.quantity] == [(BANANAS, 2)]
    assert taken.quantity == 2
    assert (await audited(parts))[0].action == "fulfilment.instead"
    order = await owner.get(f"/orders/{to_text('ord', order_id)}")
    assert "instead of" in order.text
    wrong = await owner.send(
        f"{page}/instead", fields_of(shown, f"{page}/instead") | {"line": "1", "quantity": "1", "code": "X"}
    )
    assert wrong.status_code in {409, 422}


# What arrives otherwise than it was sent


async def test_a_short_and_an_over_receipt_are_shown_and_settled(owner: Staff, parts: Services, shop: Shop) -> None:
    origin, target = list(shop.locations.values())[:2]
    async with parts.database.transaction() as tx:
        await inventory.receive(tx, origin, [Quantity(LOAF, 50), Quantity(BANANAS, 50)])
        made = await inventory.create_transfer(tx, origin, target, [Quantity(LOAF, 10), Quantity(BANANAS, 10)])
        await inventory.send_transfer(tx, made.id)
    path = f"/transfers/{to_text('trf', made.id)}"
    form = {f"line:{LOAF}": "12", f"line:{BANANAS}": "7", "close": "yes"}
    answer = await owner.submit(f"{path}/receive", f"{path}/receive", form)
    assert answer.status_code == 303, answer.text
    page = said((await owner.get(path)).text)
    assert "More arrived than was sent" in page
    assert "2 on top" in page
    assert "Some units never arrived" in page
    async with parts.database.transaction(snapshot=True) as tx:
        found = await inventory.transfer(tx, made.id)
        assert [(line.sku, line.received, line.missing) for line in found.lines] == [(BANANAS, 7, 3), (LOAF, 12, 0)]
        assert (await inventory.audit(tx)).clean
