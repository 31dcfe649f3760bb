"""The floor: vans that leave in part, walks by zones, two clerks, receipts that are short, and what a phone keeps."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest_asyncio

from comptoir.kernel.ids import ActorId, from_text, to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, Method, Stage, WaveKind
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Level
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationDraft, LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, OrderId
from comptoir.runtime.database import Context
from comptoir.surfaces.console.pages.store import FEW_PLACES
from comptoir.surfaces.console.pages.store_desk import COOKIE, text_of
from comptoir.surfaces.services import Services
from support.back_office import audited, level, said
from support.console import Shop, Staff, counted_statements, fields_of, place, worker
from support.consumers import drained

LOAF, BATTERIES, SHAMPOO = "840361", "1070820", "883404"
BEN = Context(ActorId("user:ben"))


async def placed(parts: Services, lines: list[tuple[str, int]], **more: object) -> Fulfilment:
    made = await place(parts, "web", lines, **more)  # pyright: ignore[reportArgumentType]
    await drained(parts.database, worker(parts))
    async with parts.database.read() as reader:
        return next(one for one in await fulfilment.of_orders(reader, [made.id]))


async def now(parts: Services, one: Fulfilment) -> Fulfilment:
    async with parts.database.read() as reader:
        return await fulfilment.get(reader, one.id)


async def packed(parts: Services, one: Fulfilment) -> None:
    async with parts.database.transaction() as tx:
        await fulfilment.pick(tx, one.id)
        await fulfilment.pack(tx, one.id)


@pytest_asyncio.fixture(loop_scope="session")
async def cincinnati(owner: Staff, shop: Shop) -> Staff:
    owner.client.cookies.set(COOKIE, to_text("loc", shop.locations["WH-CIN"]))
    return owner


# The van


async def test_one_bad_box_keeps_no_other_off_the_van_and_is_named(cincinnati: Staff, parts: Services) -> None:
    good, bad = await placed(parts, [(LOAF, 1)]), await placed(parts, [(BATTERIES, 1)])
    for one in (good, bad):
        await packed(parts, one)
    page = await cincinnati.get("/store/out")
    assert page.headers["permissions-policy"].startswith("camera=(self)")
    boxes = re.findall(r'name="box" value="([^"]+)"', page.text)
    form = fields_of(page.text, "/store/out") | {"box": boxes, "carrier": "UPS", "_key": "f" * 32}
    async with parts.database.transaction() as tx:
        await orders.cancel(tx, bad.order_id, [LineQuantity(1, 1)], "buyer")
    await drained(parts.database, worker(parts))
    answer = await cincinnati.send("/store/out", form)
    told = said(answer.text)
    assert answer.status_code == 409
    assert "1 box has left." in told
    assert "1 order stays here" in told
    assert f"F{bad.number}" in told
    assert "Take it off the van" in told
    assert (await now(parts, good)).stage is Stage.DONE
    again = await cincinnati.send("/store/out", form)
    assert "1 order stays here" in said(again.text)


async def test_labels_are_scanned_for_the_van_in_place(cincinnati: Staff, parts: Services) -> None:
    one = await placed(parts, [(LOAF, 1)])
    await packed(parts, one)
    page = (await cincinnati.get("/store/out")).text
    assert "data-scans" in page
    fields = fields_of(page, "/store/out/scan") | {"_key": "a" * 32}
    marked = await cincinnati.send("/store/out/scan", fields | {"code": f"F{one.number}"}, x_scan="yes")
    assert f'data-tone="good" data-words="Goes along: F{one.number}-1' in marked.text
    assert "<html" not in marked.text
    assert 'data-left="0"' in marked.text
    foreign = await cincinnati.send("/store/out/scan", fields | {"code": "nobody", "_key": "b" * 32}, x_scan="yes")
    assert (foreign.status_code, 'data-tone="bad"' in foreign.text) == (404, True)


async def test_what_is_done_leads_to_what_is_next(cincinnati: Staff, parts: Services) -> None:
    one = await placed(parts, [(LOAF, 1)])
    await packed(parts, one)
    page = f"/store/pack/{text_of(one.id)}"
    gone = await cincinnati.submit(page, f"{page}/hand-over", {})
    after = (await cincinnati.get(gone.headers["location"])).text
    assert "Pick this now" in after
    assert 'class="best-link" href="/store/pick/' in after


# Two clerks


async def test_nobody_gives_away_what_somebody_else_picks_from_a_stale_page(cincinnati: Staff, parts: Services) -> None:
    one = await placed(parts, [(LOAF, 2)])
    page = f"/store/pick/{text_of(one.id)}"
    await cincinnati.submit(page, f"{page}/scan", {"code": LOAF})
    stale = (await cincinnati.get(page)).text
    leave = fields_of(stale, f"{page}/put-back")
    async with parts.database.transaction(BEN) as tx:
        await fulfilment.begin(tx, one.id, take_over=True)
    for step, given in (("put-back", {}), ("give-back", {"reason": "no_staff"})):
        refused = await cincinnati.send(f"{page}/{step}", leave | given)
        assert refused.status_code == 409
        assert "Take it over" in said(refused.text)
    after = await now(parts, one)
    assert (after.picked, after.assignee, after.quantity) == (1, "user:ben", 2)


async def test_some_of_many_are_taken_and_a_phone_is_answered_in_place(cincinnati: Staff, parts: Services) -> None:
    one = await placed(parts, [(LOAF, 6)])
    page = f"/store/pick/{text_of(one.id)}"
    html = (await cincinnati.get(page)).text
    assert "How many of 6" in html
    given = fields_of(html, f"{page}/take") | {"line": "1", "quantity": "4", "_key": "a" * 32}
    for _ in range(2):
        taken = await cincinnati.send(f"{page}/take", given, x_scan="yes")
        assert 'data-tone="good" data-words="Picked."' in taken.text
    assert (await now(parts, one)).picked == 4
    late = await cincinnati.send(f"{page}/take", given | {"_key": "b" * 32}, x_scan="yes")
    assert (late.status_code, 'data-tone="bad"' in late.text) == (409, True)


# Walks


async def test_a_walk_by_zones_is_shared_and_has_all_that_picking_has(cincinnati: Staff, parts: Services, shop: Shop) -> None:
    first, second = await placed(parts, [(LOAF, 2), (BATTERIES, 1)]), await placed(parts, [(LOAF, 1), (SHAMPOO, 1)])
    async with parts.database.transaction() as tx:
        bins = {LOAF: "A-03-2", BATTERIES: "B-01-4", SHAMPOO: "B-02-1"}
        await fulfilment.put_bins(tx, shop.locations["WH-CIN"], bins)
    ids = [text_of(first.id), text_of(second.id)]
    started = await cincinnati.submit("/store/pick", "/store/waves", {"chosen": ids, "kind": "zone"})
    wave = started.headers["location"]
    with counted_statements() as statements:
        page = said((await cincinnati.get(wave)).text)
    assert len(statements) <= 23
    assert "By zones" in page
    assert page.index("Zone A") < page.index("Zone B")
    async with parts.database.transaction(BEN) as tx:
        (found,) = (await fulfilment.find_waves(tx, shop.locations["WH-CIN"], limit=1)).items
        await fulfilment.take_zone(tx, found.id, "B")
        await fulfilment.take(tx, found.id, BATTERIES, 1)
    await cincinnati.submit(wave, f"{wave}/take-zone", {"zone": "A"})
    form = fields_of((await cincinnati.get(wave)).text, f"{wave}/scan")
    taken = await cincinnati.send(f"{wave}/scan", form | {"code": LOAF, "quantity": "2", "_key": "a" * 32}, x_scan="yes")
    assert "Into slot 1" in taken.text
    theirs = await cincinnati.send(f"{wave}/scan", form | {"code": SHAMPOO, "quantity": "1", "_key": "b" * 32}, x_scan="yes")
    assert (theirs.status_code, "works on it" in theirs.text) == (409, True)
    back = await cincinnati.send(f"{wave}/undo", form | {"sku": LOAF, "quantity": "1", "_key": "c" * 32}, x_scan="yes")
    assert "It lies in its place again." in back.text
    assert [(await now(parts, one)).picked for one in (first, second)] == [2, 0]
    lost = form | {"sku": LOAF, "quantity": "1", "reason": "not_found", "_key": "d" * 32}
    assert (await cincinnati.send(f"{wave}/give-up", lost)).status_code == 303
    assert [(await now(parts, one)).quantity for one in (first, second)] == [3, 1]
    await cincinnati.send(f"{wave}/drop", form | {"order": text_of(second.id), "_key": "e" * 32})
    dropped = await now(parts, second)
    assert (dropped.wave_id, dropped.state) == (None, "in_progress")
    left = await cincinnati.send(f"{wave}/leave", form | {"_key": "f" * 32})
    assert left.headers["location"] == "/store/pick"
    assert [entry.action for entry in await audited(parts)][:3] == [
        "fulfilment.walk_leave",
        "fulfilment.walk_drop",
        "fulfilment.walk_give_up",
    ]


async def test_each_kind_of_walk_can_be_begun(cincinnati: Staff, parts: Services) -> None:
    for kind in WaveKind:
        pair = [await placed(parts, [(LOAF, 1)]) for _ in range(2)]
        assert f'name="kind" value="{kind}"' in (await cincinnati.get("/store/pick")).text
        chosen = {"chosen": [text_of(one.id) for one in pair], "kind": str(kind)}
        wave = (await cincinnati.submit("/store/pick", "/store/waves", chosen)).headers["location"]
        assert (await cincinnati.get(wave)).status_code == 200
        if kind is WaveKind.ZONE:  # it is everybody's: its page is its walk
            async with parts.database.read() as reader:
                found = await fulfilment.get(reader, pair[0].id)
            assert (found.assignee, found.state) == ("", "in_progress")


# Time, and what a phone keeps


async def test_what_goes_elsewhere_says_until_when_it_is_there(cincinnati: Staff, parts: Services) -> None:
    one = await placed(parts, [(LOAF, 1)])
    async with parts.database.transaction() as tx:
        await fulfilment.await_answer(tx, one.id, utcnow() + timedelta(minutes=12))
    for page in ("/store", "/store/pick", f"/store/pick/{text_of(one.id)}"):
        assert "or it goes elsewhere" in said((await cincinnati.get(page)).text), page


async def test_a_phone_is_told_what_to_keep(cincinnati: Staff, parts: Services) -> None:
    mine, theirs = await placed(parts, [(LOAF, 1)]), await placed(parts, [(BATTERIES, 1)])
    async with parts.database.transaction(BEN) as tx:
        await fulfilment.begin(tx, theirs.id)
    with counted_statements() as statements:
        kept = (await cincinnati.get("/store/kept")).json()
    assert len(statements) <= 11
    assert f"/store/pick/{text_of(mine.id)}" in kept["pages"]
    assert f"/store/pick/{text_of(theirs.id)}" not in kept["pages"]
    for address in kept["pages"]:
        assert (await cincinnati.get(address)).status_code == 200, address
    worker_js = await cincinnati.get("/store/worker.js")
    assert worker_js.headers["service-worker-allowed"] == "/store"
    assert worker_js.headers["content-type"].startswith("text/javascript")
    await cincinnati.send("/sign-out", fields_of((await cincinnati.get("/store")).text, "/sign-out"))
    assert (await cincinnati.get("/store/kept", **{"hx-request": "true"})).status_code == 401
    assert (await cincinnati.get("/store/worker.js")).status_code == 200


async def test_what_a_phone_keeps_does_not_take_the_message_of_the_page(cincinnati: Staff, parts: Services) -> None:
    one = await placed(parts, [(LOAF, 1)])
    page = f"/store/pick/{text_of(one.id)}"
    await cincinnati.submit(page, f"{page}/scan", {"code": "nobody"})
    words = "The catalogue does not know the code nobody."
    assert words not in said((await cincinnati.get(page, **{"x-keep": "yes"})).text)
    assert words in said((await cincinnati.get(page)).text)


async def test_the_camera_is_open_where_its_button_is(cincinnati: Staff, parts: Services, shop: Shop) -> None:
    one = await placed(parts, [(LOAF, 1)])
    for page in ("/store/pack", f"/store/pack/{text_of(one.id)}", "/store/out", f"/store/collect/{text_of(one.id)}"):
        assert (await cincinnati.get(page)).headers["permissions-policy"].startswith("camera=(self)"), page
    new = await cincinnati.get("/orders/new?from=store")
    assert new.headers["permissions-policy"].startswith("camera=(self)")
    assert 'data-camera="#find"' in new.text
    assert (await cincinnati.get("/orders")).headers["permissions-policy"].startswith("camera=()")


# Receipts


async def sent(parts: Services, shop: Shop, units: int) -> Fulfilment:
    """So many loaves that the warehouse has sent to Columbus."""
    made = await place(parts, "web", [(LOAF, units)], person=1, pickup=shop.locations["S367"])
    await drained(parts.database, worker(parts))
    async with parts.database.transaction() as tx:
        (one,) = await fulfilment.of_orders(tx, [made.id])
        await fulfilment.pick(tx, one.id)
        await fulfilment.pack(tx, one.id)
        await fulfilment.hand_over(tx, one.id)
        return next(other for other in await fulfilment.of_orders(tx, [made.id]) if other.method is Method.HAND_OUT)


async def test_what_is_missing_or_damaged_is_said_before_the_buyer_is_told(owner: Staff, parts: Services, shop: Shop) -> None:
    one = await sent(parts, shop, 25)
    owner.client.cookies.set(COOKIE, to_text("loc", shop.locations["S367"]))
    before: Level = await level(parts, shop, LOAF, "S367")
    page = f"/store/collect/{text_of(one.id)}"
    wrong = await owner.submit(page, f"{page}/receive", {"missing:1": "20", "damaged:1": "9"})
    assert (wrong.status_code, "That is more than was sent." in wrong.text) == (422, True)
    assert (await now(parts, one)).stage is Stage.TO_RECEIVE
    done = await owner.submit(page, f"{page}/receive", {"missing:1": "2", "damaged:1": "1", "shelf": "C-1"})
    assert "3 units are paid back" in said((await owner.get(done.headers["location"])).text)
    after = await now(parts, one)
    assert (after.stage, after.quantity, after.picked) == (Stage.READY, 22, 22)
    stock = await level(parts, shop, LOAF, "S367")
    assert (stock.on_hand - before.on_hand, stock.damaged - before.damaged) == (1, 1)
    async with parts.database.read() as reader:
        standing = await orders.standing(reader, one.order_id)
        assert await inventory.reservations_for(reader, one.order_id) == []
    assert standing.value == 22 * 599
    other = await sent(parts, shop, 25)
    page = f"/store/collect/{text_of(other.id)}"
    nothing = await owner.submit(page, f"{page}/receive", {"missing:1": "25"})
    assert nothing.headers["location"] == "/store/ready"
    assert (await now(parts, other)).stage in {Stage.DONE, Stage.CANCELLED}


# The endless aisle


async def test_a_store_orders_through_its_own_channel_and_says_where_and_when(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    here = to_text("loc", shop.locations["S367"])
    owner.client.cookies.set(COOKIE, here)
    form = (await owner.get("/orders/new?from=store")).text
    assert '<option value="tills" selected' in form
    line = said((await owner.get(f"/orders/new/line?read={LOAF}&channel=tills&from=store")).text)
    assert "30 here" in line
    assert re.search(r"20 at Store 406, Dayton.*\(10\d km\)|60 at Cincinnati warehouse", line), line
    query = f"/orders/new/promise?from=store&channel=tills&sku={LOAF}&quantity=2&pickup={here}"
    told = said((await owner.get(query)).text)
    assert "Collected here" in told
    assert "lies there" in told
    assert "Sent home" in told
    assert (await owner.get("/orders/new/line?read=nobody&channel=tills&from=store")).status_code == 404
    given = {"channel": "web", "sku": LOAF, "quantity": "1", "pickup": here, "buyer_name": "Bell", "fill": "all"}
    made = await owner.submit("/orders/new?from=store", "/orders/new", given)
    assert made.status_code == 303
    assert '<option value="web" selected' in (await owner.get("/orders/new?from=store")).text
    assert '<option value="tills"' not in (await owner.get("/orders/new")).text


async def test_what_a_customer_is_told_at_the_counter_is_kept_with_the_order(owner: Staff, parts: Services, shop: Shop) -> None:
    here = to_text("loc", shop.locations["S367"])
    owner.client.cookies.set(COOKIE, here)
    told = (await owner.get(f"/orders/new/promise?from=store&channel=web&sku={LOAF}&quantity=1")).text
    days = dict(re.findall(r'name="told-(\S+)" value="(\S+)"', told))
    assert {here, "standard", "express"} <= days.keys()
    typed = {"channel": "web", "sku": LOAF, "quantity": "1", "fill": "all", "buyer_name": "Bell"}
    home = {"pickup": "", "to_line1": "1 High Street", "to_city": "Columbus", "to_country": "US"}
    for chosen, service, day in (
        ({"pickup": here}, "pickup", days[here]),
        (home | {"service": "express"}, "express", days["express"]),
        (home, "standard", days["standard"]),
    ):
        said_then = {f"told-{way}": said_day for way, said_day in days.items()}
        made = await owner.submit("/orders/new?from=store", "/orders/new", typed | chosen | said_then)
        assert made.status_code == 303
        async with parts.database.read() as reader:
            order = await orders.order(reader, OrderId(from_text("ord", made.headers["location"].rpartition("/")[2])))
        assert (order.service, str(order.promised_on)) == (service, day)


async def test_any_counter_can_be_chosen_where_there_are_many(owner: Staff, parts: Services) -> None:
    async with parts.database.transaction() as tx:
        for n in range(205):
            draft = LocationDraft(
                code=f"z{n}",
                name=f"Counter {n:03}",
                kind=LocationKind.STORE,
                country="FR",
                time_zone="Europe/Paris",
                pickup=True,
            )
            await locations.create(tx, draft)
    parts.counters.forget()
    page = said((await owner.get("/orders/new")).text)
    assert all(f"Counter {n:03}" in page for n in range(205))


async def test_a_store_is_searched_where_there_are_many(owner: Staff, parts: Services) -> None:
    async with parts.database.transaction() as tx:
        for n in range(FEW_PLACES + 1):
            draft = LocationDraft(
                code=f"m{n}",
                name=f"Marché {n}",
                kind=LocationKind.STORE,
                city="Rouen",
                postcode=f"760{n:02}",
                country="FR",
                time_zone="Europe/Paris",
            )
            await locations.create(tx, draft)
    parts.counters.forget()
    everything = said((await owner.get("/store/here")).text)
    assert "Name, code, town or postcode" in everything
    found = said((await owner.get("/store/here?q=rouen 76003")).text)
    assert ("Marché 3" in found, "Marché 4" in found) == (True, False)
    assert "No location is called that" in said((await owner.get("/store/here?q=nowhere")).text)
