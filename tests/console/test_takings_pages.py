"""Money by channel and place: what a desk pays out carries its place, the page of takings, and who sees what of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser

from comptoir.kernel.ids import to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Entry, EntryKind
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Role, UserDraft
from comptoir.surfaces import collecting
from comptoir.surfaces.collecting import PaidBy, Tender
from comptoir.surfaces.console.pages.store_desk import COOKIE
from comptoir.surfaces.services import Services
from support.back_office import looked_at, said, signed_in
from support.back_office import place as place_of
from support.browser import browser
from support.console import PASSWORD, Shop, Staff, application, counted_statements, place, visiting, worker
from support.consumers import drained

__all__ = ["browser"]

OWN, OTHER = "S367", "S406"


@pytest_asyncio.fixture(loop_scope="session")
async def clerk(parts: Services, shop: Shop) -> AsyncIterator[Staff]:
    """Somebody of support who works at the store in Columbus only."""
    draft = UserDraft(email="own@example.com", name="Olga", role=Role.SUPPORT, locale="en", locations=(shop.locations[OWN],))
    async with parts.database.transaction() as tx:
        await staff.create_user(tx, draft, PASSWORD)
    async with visiting(application(parts)) as visitor:
        await visitor.sign_in("own@example.com")
        yield visitor


async def ledger(parts: Services, shop: Shop, name: str) -> list[Entry]:
    async with parts.database.read() as reader:
        return await payments.entries_of(reader, shop.orders[name])


async def file_of(visitor: Staff, address: str) -> list[str]:
    return (await visitor.get(f"{address}?format=csv")).content.decode("utf-8-sig").splitlines()


async def cash(parts: Services, shop: Shop, at: str, amount: int) -> None:
    async with parts.database.transaction() as tx:
        await orders.pay(tx, shop.orders["unpaid"], EntryKind.CAPTURED, "cash", amount, location_id=shop.locations[at])


async def test_what_the_returns_desk_pays_out_carries_its_place(owner: Staff, parts: Services, shop: Shop) -> None:
    owner.client.cookies.set(COOKIE, place_of(shop, OWN))
    order = to_text(ORDER_PREFIX, shop.orders["shipped"])
    form = {"order": order, "units-1": "1", "step": "do", "money": "now"}
    taken = await owner.submit(f"/returns/new?order={order}", "/returns/new", form)
    assert taken.status_code == 303, said(taken.text)
    *_, first, last = await ledger(parts, shop, "shipped")
    assert (first.kind, first.channel_code, first.location_id) == ("captured", "web", None)
    assert (last.kind, last.channel_code, last.location_id) == ("refunded", "web", shop.locations[OWN])
    page = said((await owner.get(f"/orders/{order}")).text)
    assert "card · at Store 367, Columbus" in page
    assert "card · Web shop" in page


async def test_what_is_paid_at_the_counter_moved_there(parts: Services, shop: Shop) -> None:
    made = await place(parts, "web", [("840361", 1)], pickup=shop.locations[OWN], paid=False)
    await drained(parts.database, worker(parts))
    async with parts.database.transaction() as tx:
        (one,) = await fulfilment.of_orders(tx, [made.id])
        await collecting.take(tx, one.id, None, Tender(method=PaidBy.CASH, amount=100))
        await collecting.take_for_order(tx, made.id, Tender(method=PaidBy.CASH), shop.locations[OTHER])
    async with parts.database.read() as reader:
        entries = await payments.entries_of(reader, made.id)
    assert {(one.amount, one.channel_code, one.location_id) for one in entries} == {
        (100, "web", shop.locations[OWN]),
        (499, "web", shop.locations[OTHER]),
    }


async def test_cash_that_is_written_down_in_a_store_moved_there_and_a_transfer_did_not(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    owner.client.cookies.set(COOKIE, place_of(shop, OWN))
    href = f"/orders/{to_text(ORDER_PREFIX, shop.orders['unpaid'])}/payment"
    for method, amount in (("cash", "5"), ("bank transfer", "6")):
        sent = await owner.submit(href, href, {"kind": "captured", "method": method, "amount": amount})
        assert sent.status_code == 303, said(sent.text)
    *_, first, last = await ledger(parts, shop, "unpaid")
    assert {one.method: one.location_id for one in (first, last)} == {"cash": shop.locations[OWN], "bank transfer": None}


async def test_the_page_sums_up_by_day_method_channel_and_place(owner: Staff, parts: Services, shop: Shop) -> None:
    await cash(parts, shop, OWN, 700)
    await cash(parts, shop, OWN, 100)
    await cash(parts, shop, OTHER, 300)
    with counted_statements() as statements:
        page = said((await owner.get("/orders/takings")).text)
    assert len(statements) <= 14, statements
    assert ("$8.00" in page, "$3.00" in page, "Store 367, Columbus" in page) == (True, True, True)
    there = said((await owner.get(f"/orders/takings?location={place_of(shop, OTHER)}&q=cash")).text)
    assert ("$3.00" in there, "$8.00" in there) == (True, False)
    tills = said((await owner.get("/orders/takings?channel=tills")).text)
    assert "No money has moved" in tills
    file = await file_of(owner, "/orders/takings")
    assert sum("cash" in row for row in file) == 2, file


async def test_who_is_limited_sees_only_what_moved_at_theirs(clerk: Staff, parts: Services, shop: Shop) -> None:
    await cash(parts, shop, OWN, 700)
    await cash(parts, shop, OTHER, 300)
    page = said((await clerk.get("/orders/takings")).text)
    assert ("$7.00" in page, "$3.00" in page, "Web shop" in page.partition("Period")[2].partition("Day")[2]) == (
        True,
        False,
        False,
    )
    assert (await clerk.get(f"/orders/takings?location={place_of(shop, OTHER)}")).status_code == 403


async def test_refunds_are_filtered_by_channel_and_place(owner: Staff, parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        await orders.cancel(tx, shop.orders["fresh"], None, "customer")
        owed = (await orders.standing(tx, shop.orders["fresh"])).owed_to_buyer
        await orders.grant_refund(tx, shop.orders["fresh"], owed, "cancelled")
    number = str(shop.numbers["fresh"])
    for query, there in (("channel=web", True), ("channel=tills", False), (f"location={place_of(shop, OWN)}", False)):
        assert (number in said((await owner.get(f"/orders/refunds?{query}")).text)) is there, query
    (row,) = [one for one in await file_of(owner, "/orders/refunds") if number in one]
    assert "Web shop" in row


async def test_the_page_fits_every_screen_in_both_languages(browser: Browser, parts: Services, shop: Shop) -> None:
    await cash(parts, shop, OWN, 700)
    async with signed_in(browser, parts) as page:
        for language in ("en", "fr"):
            await looked_at(page, language, ["/orders/takings", "/orders/refunds"])
