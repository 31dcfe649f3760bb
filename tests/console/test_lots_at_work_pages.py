"""Lots where people work: which to take, which to leave, what a delivery and a return ask, and what papers and the log say."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest_asyncio

from comptoir.kernel.ids import to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Arrived, Fate
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Expectation, Quantity
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Named, ShelfFilter, Terms, Tracks
from comptoir.modules.orders.contracts import ORDER_PREFIX
from comptoir.surfaces.console.pages.return_words import return_href
from comptoir.surfaces.console.pages.supplies import supply_text
from comptoir.surfaces.console.pages.transfers import transfer_href
from comptoir.surfaces.services import Services
from console.test_return_pages import LOAF, announced, desk_href, sent
from console.test_store_pages import BATTERIES, GTIN, key, placed, stand, work
from support.back_office import level, place, said
from support.console import Shop, Staff, counted_statements, fields_of, worker
from support.consumers import drained


def in_days(n: int) -> date:
    return datetime.now(UTC).date() + timedelta(days=n)


def label(code: str, days: int) -> str:
    return f"01{GTIN:0>14}17{in_days(days):%y%m%d}10{code}"


@pytest_asyncio.fixture(loop_scope="session")
async def loaves(parts: Services, shop: Shop) -> None:
    """Loaves have lots: in Cincinnati two that may be taken, and one that expires too soon."""
    variant = VariantDraft(sku=LOAF, gtin=GTIN)
    async with parts.database.transaction() as tx:
        await catalogue.upsert(tx, [ProductDraft(code=f"P{LOAF}", names={"en": "Sourdough loaf"}, variants=[variant])])
        await lots.put_terms(tx, [Terms(LOAF, Tracks.EXPIRY, shelf_life_left=2, transit_days=1)])
        rows = [Named(LOAF, 2, "OLD", in_days(1)), Named(LOAF, 3, "A1", in_days(20)), Named(LOAF, 3, "B1", in_days(30))]
        await lots.name(tx, shop.locations["WH-CIN"], rows)


@pytest_asyncio.fixture(loop_scope="session")
async def parcel(loaves: None, parts: Services, owner: Staff) -> Fulfilment:
    one = await placed(parts, [(LOAF, 2), (BATTERIES, 1)])
    stand(owner, one)
    return one


async def test_a_lot_out_of_turn_is_asked_about_and_one_that_nobody_may_get_is_refused(
    owner: Staff, parts: Services, parcel: Fulfilment
) -> None:
    page = f"/store/pick/{key(parcel)}"
    with counted_statements() as statements:
        html = (await owner.get(page)).text
    assert len(statements) <= 30
    told = said(html)
    assert "Leave it: lot OLD" in told
    assert told.index("lot A1") < told.index("lot B1") < told.index("Leave it: lot OLD")
    known = re.search(r'data-lots="([^"]*)" data-barred="([^"]*)"', html)
    assert known is not None
    assert json.loads(known[1].replace("&#34;", '"')) == [["A1", in_days(20).isoformat()], ["B1", in_days(30).isoformat()]]
    assert json.loads(known[2].replace("&#34;", '"')) == ["OLD"]
    fields = fields_of(html, f"{page}/scan")
    later = await owner.send(f"{page}/scan", fields | {"_key": "a" * 32, "code": label("B1", 30)}, x_scan="yes")
    assert later.status_code == 409
    assert 'data-tone="warn"' in later.text
    assert f'data-anyway="{label("B1", 30)}"' in later.text
    assert "Take lot A1 first: it expires on" in said(later.text)
    assert (await work(parts, parcel.order_id)).picked == 0
    bad = await owner.send(f"{page}/scan", fields | {"_key": "b" * 32, "code": label("OLD", 1)}, x_scan="yes")
    assert 'data-tone="bad"' in bad.text
    assert "Put it back: this lot has expired, expires too soon, or is recalled." in said(bad.text)
    insisted = fields | {"_key": "c" * 32, "code": label("B1", 30), "anyway": "yes"}
    assert 'data-tone="good"' in (await owner.send(f"{page}/scan", insisted, x_scan="yes")).text
    # Without a script the page asks with a button.
    first = await owner.submit(page, f"{page}/scan", {"code": label("A1", 20)})
    assert first.status_code == 303
    async with parts.database.read() as reader:
        assert {row.code for row in await lots.of_fulfilment(reader, parcel.id)} == {"A1", "B1"}
    slip = await owner.get(f"/store/papers/{key(parcel)}/slip.pdf")
    assert (slip.status_code, slip.content[:4]) == (200, b"%PDF")


async def test_without_a_script_a_button_takes_it_all_the_same(owner: Staff, parcel: Fulfilment) -> None:
    page = f"/store/pick/{key(parcel)}"
    asked = await owner.submit(page, f"{page}/scan", {"code": label("B1", 30)})
    assert asked.status_code == 409
    assert "Take this one all the same" in said(asked.text)
    fields = fields_of(asked.text, f"{page}/scan")
    again = await owner.send(f"{page}/scan", fields | {"code": label("B1", 30), "anyway": "yes", "_key": "d" * 32})
    assert again.status_code == 303


async def test_on_a_walk_the_same_holds_and_the_pick_list_says_what_to_take(
    owner: Staff, parts: Services, parcel: Fulfilment
) -> None:
    started = await owner.submit("/store/pick", "/store/waves", {"chosen": [key(parcel)], "kind": "batch"})
    walk = started.headers["location"]
    html = (await owner.get(walk)).text
    assert "lot A1" in said(html)
    fields = fields_of(html, f"{walk}/scan")
    later = await owner.send(f"{walk}/scan", fields | {"_key": "a" * 32, "code": label("B1", 30)}, x_scan="yes")
    assert (later.status_code, 'data-tone="warn"' in later.text) == (409, True)
    taken = await owner.send(
        f"{walk}/scan", fields | {"_key": "b" * 32, "code": label("B1", 30), "anyway": "yes"}, x_scan="yes"
    )
    assert 'data-tone="good"' in taken.text
    assert (await work(parts, parcel.order_id)).picked == 1
    paper = await owner.get(walk.replace("/store/", "/store/papers/") + "/pick-list.pdf")
    assert (paper.status_code, paper.content[:4]) == (200, b"%PDF")


async def test_what_a_phone_keeps_is_fetched_anew_when_a_lot_is_recalled(
    owner: Staff, parts: Services, parcel: Fulfilment
) -> None:
    page = f"/store/pick/{key(parcel)}"
    before = (await owner.get("/store/kept")).json()["pages"][page]
    assert (await owner.get("/store/kept")).json()["pages"][page] == before
    async with parts.database.transaction() as tx:
        await lots.block(tx, LOAF, "A1", "glass")
    assert (await owner.get("/store/kept")).json()["pages"][page] != before


async def test_what_comes_back_says_its_lot_and_a_recalled_one_stays_off_the_shelf(
    owner: Staff, parts: Services, shop: Shop, loaves: None
) -> None:
    order = await sent(parts, shop)
    case = await announced(parts, order, 2)
    async with parts.database.transaction() as tx:
        case = await changes.receive_return(tx, case.id, shop.locations["WH-CIN"], [Arrived(1, 2)])
        await lots.block(tx, LOAF, "A1", "glass")
    href = f"{return_href(case.id)}/inspect"
    html = (await owner.get(href)).text
    found = re.search(r'name="units-([^"]+)"', html)
    assert found is not None
    row = found[1]
    assert f'name="lot-{row}"' in html
    given = {f"units-{row}": "1", f"condition-{row}": "new", f"fate-{row}": Fate.RESTOCK.value}
    unsaid = await owner.submit(href, href, given)
    assert (unsaid.status_code, "Say which lot it is, or its date" in said(unsaid.text)) == (422, True)
    recalled = await owner.submit(href, href, given | {f"lot-{row}": "A1"})
    assert (recalled.status_code, "or is recalled" in said(recalled.text)) == (422, True)
    assert 'value="A1"' in recalled.text
    before = await level(parts, shop, LOAF, "WH-CIN")
    good = await owner.submit(href, href, given | {f"lot-{row}": label("B1", 30)})
    assert good.status_code == 303, said(good.text)
    after = await level(parts, shop, LOAF, "WH-CIN")
    assert after.available == before.available + 1
    async with parts.database.read() as reader:
        shelves = {one.code: one.on_hand for one in (await lots.find(reader, ShelfFilter(sku=LOAF))).items}
    assert shelves["B1"] == 4
    left = re.search(r'name="units-([^"]+)"', (await owner.get(href)).text)
    assert left is not None
    row = left[1]
    thrown = await owner.submit(
        href, href, {f"units-{row}": "1", f"condition-{row}": "unusable", f"fate-{row}": "destroy", f"lot-{row}": "A1"}
    )
    assert thrown.status_code == 303, said(thrown.text)


async def test_a_delivery_that_was_announced_says_its_lot(owner: Staff, parts: Services, shop: Shop, loaves: None) -> None:
    async with parts.database.transaction() as tx:
        expected = Expectation(LOAF, shop.locations["S367"], 6, in_days(0))
        (supply,) = await inventory.expect(tx, [expected], reference="PO-7")
    form = f"/supplies/{supply_text(supply.id)}/receive"
    page = await owner.get(form)
    assert "Scan the label, or type what stands on it." in said(page.text)
    wrong = await owner.submit(form, form, {"quantity": "4", "lot": "B1", "expires_on": in_days(31).isoformat()})
    assert (wrong.status_code, "This lot is known with another date" in said(wrong.text)) == (422, True)
    done = await owner.submit(form, form, {"quantity": "4", "lot": label("B1", 30), "expires_on": ""})
    assert done.status_code == 303, said(done.text)
    async with parts.database.read() as reader:
        here = (await lots.find(reader, ShelfFilter(sku=LOAF, location_ids=(shop.locations["S367"],)))).items
    assert [(one.code, one.on_hand) for one in here] == [("B1", 4)]


async def test_the_log_of_routing_names_the_lot_in_the_readers_language(
    owner: Staff, parts: Services, shop: Shop, loaves: None
) -> None:
    async with parts.database.transaction() as tx:
        there = (await inventory.levels_at(tx, [(LOAF, shop.locations["S367"])]))[LOAF, shop.locations["S367"]]
        await lots.name(tx, shop.locations["S367"], [Named(LOAF, there.available, "GONE", in_days(40))])
        await lots.block(tx, LOAF, "GONE", "glass")
    one = await placed(parts, [(LOAF, 1)])
    await drained(parts.database, worker(parts))
    address = f"/orders/{to_text(ORDER_PREFIX, one.order_id)}/routing?all=yes"
    told = said((await owner.get(address)).text)
    assert f"{there.available} units of lot GONE are recalled" in told or "1 unit of lot GONE is recalled" in told
    await owner.get("/preferences/language?to=fr&next=/orders")
    assert "du lot GONE" in said((await owner.get(address)).text)


async def test_a_recall_says_where_the_lot_lies_and_what_is_on_the_road(
    owner: Staff, parts: Services, shop: Shop, loaves: None
) -> None:
    async with parts.database.transaction() as tx:
        made = await inventory.create_transfer(tx, shop.locations["WH-CIN"], shop.locations["S367"], [Quantity(LOAF, 2)])
        await lots.tell_on_road(tx, made.id, [Named(LOAF, 2, "A1", in_days(20))], leaving=True)
        sent_away = await inventory.send_transfer(tx, made.id)
        await lots.follow_transfer(tx, sent_away)
    with counted_statements() as statements:
        told = said((await owner.get(f"/lots/orders?sku={LOAF}&lot=A1")).text)
    assert len(statements) <= 14
    assert f"Transfer {sent_away.number} Store 367, Columbus 2" in told
    assert "Where the lot lies" in told
    page = said((await owner.get(transfer_href(made.id))).text)
    assert "Lots Read at one end or the other" in page
    receive = f"{transfer_href(made.id)}/receive"
    done = await owner.submit(receive, receive, {f"line:{LOAF}": "1"})
    assert done.status_code == 303, said(done.text)
    async with parts.database.read() as reader:
        (one,) = await lots.carried(reader, made.id)
        here = (await lots.find(reader, ShelfFilter(sku=LOAF, location_ids=(shop.locations["S367"],)))).items
    assert (one.code, one.sent, one.received) == ("A1", 2, 1)
    assert [(row.code, row.on_hand) for row in here] == [("A1", 1)]


async def test_a_box_with_a_lot_that_was_recalled_stays_here(owner: Staff, parts: Services, parcel: Fulfilment) -> None:
    async with parts.database.transaction() as tx:
        await fulfilment.pick(tx, parcel.id)
        await lots.pick(tx, parcel.id, 1, "A1", 2)
        await fulfilment.pack(tx, parcel.id)
        await lots.block(tx, LOAF, "A1", "glass")
    page = f"/store/pack/{key(parcel)}"
    told = await owner.submit(page, f"{page}/hand-over", {})
    assert told.status_code == 409
    assert "Part of it is of a lot that is recalled." in said(told.text)
    async with parts.database.transaction() as tx:
        await lots.unblock(tx, LOAF, "A1")
    assert (await owner.submit(page, f"{page}/hand-over", {})).status_code == 303


async def test_the_desk_asks_for_the_lot_and_takes_it_from_the_label(
    owner: Staff, parts: Services, shop: Shop, loaves: None
) -> None:
    order = await sent(parts, shop)
    await owner.submit("/store/here", "/store/here", {"location": place(shop, "S367")})
    desk, before = desk_href(order), await level(parts, shop, LOAF, "S367")
    scanned = await owner.submit(desk, "/returns/new", {"code": label("B1", 30), "step": "scan"})
    assert re.search(r'name="lot-1"[^>]*value="B1"', scanned.text)
    given = {"units-1": "1", "reason-1": "changed_mind", "money": "later", "step": "do"}
    unsaid = await owner.submit(desk, "/returns/new", given)
    assert (unsaid.status_code, "Say which lot it is" in said(unsaid.text)) == (422, True)
    old = await owner.submit(desk, "/returns/new", given | {"lot-1": "OLD"})
    assert (old.status_code, "Put it back: this lot has expired" in said(old.text)) == (422, True)
    assert await level(parts, shop, LOAF, "S367") == before, "nothing was taken"
    done = await owner.submit(desk, "/returns/new", given | {"lot-1": "B1"})
    assert done.status_code == 303, said(done.text)
    assert (await level(parts, shop, LOAF, "S367")).available == before.available + 1
    async with parts.database.read() as reader:
        here = (await lots.find(reader, ShelfFilter(sku=LOAF, location_ids=(shop.locations["S367"],)))).items
    assert [(row.code, row.on_hand) for row in here] == [("B1", 1)]
