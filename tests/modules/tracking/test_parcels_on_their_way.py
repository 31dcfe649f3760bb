from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

from comptoir.kernel.time import utcnow
from comptoir.modules.orders import api as orders
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Kept, Kind, TroubleKind
from comptoir.runtime.database import Database
from comptoir.sdk.tracking import TrackingStatus, TrackingUpdate
from support.depot import Depot, scan

TODAY = utcnow().astimezone(ZoneInfo("Europe/Paris")).date()
"""Where the parcels go."""


async def test_a_shipment_becomes_one_parcel_however_often_it_is_told(depot: Depot) -> None:
    order_id = await depot.shipped("T1", promised_on=TODAY + timedelta(days=3))
    parcel = await depot.parcel(order_id)
    async with depot.database.transaction() as tx:
        assert await tracking.begin(tx, [parcel.shipment_id, parcel.shipment_id]) == 0
    assert (await depot.parcel(order_id)).id == parcel.id
    assert parcel.account_id == depot.account_id
    assert (parcel.origin_country, parcel.origin_region, parcel.destination_region) == ("FR", "75", "13")
    assert parcel.status is TrackingStatus.UNKNOWN
    assert parcel.next_poll_at is not None


async def test_scans_in_any_order_and_repeated_end_in_the_same_place(depot: Depot) -> None:
    story = [scan("in_transit", hours=30), scan("out_for_delivery", hours=5), scan("delivered", hours=1)]
    for n, order in enumerate(permutations(story)):
        order_id = await depot.shipped(f"P{n}")
        for one in (*order, *order):
            await depot.say(f"P{n}", one)
        parcel = await depot.parcel(order_id)
        assert parcel.status is TrackingStatus.DELIVERED
        assert parcel.delivered_at == story[-1].at
        assert len((await depot.details(order_id)).scans) == 3


async def test_a_delivery_that_is_told_before_its_shipment_waits_for_it(depot: Depot) -> None:
    assert await depot.say("EARLY", scan("delivered", hours=1)) == 0
    order_id = await depot.shipped("EARLY")
    assert (await depot.parcel(order_id)).status is TrackingStatus.DELIVERED
    assert [kind for kind, _ in await depot.events()] == ["parcel.delivered"]


async def test_each_move_is_told_once_on_the_timeline_of_the_order(depot: Depot) -> None:
    order_id = await depot.shipped("T2", promised_on=TODAY + timedelta(days=5))
    for one in (scan("picked_up", hours=9), scan("in_transit", hours=8), scan("in_transit", hours=7), scan("delivered")):
        await depot.say("T2", one)
        await depot.say("T2", one)
    async with depot.database.read() as reader:
        entries = (await orders.timeline(reader, order_id)).items
    assert [entry.type for entry in entries if entry.type.startswith("parcel.")] == [
        "parcel.moved",
        "parcel.moved",
        "parcel.delivered",
    ]
    assert entries[-1].data["late"] is False


async def test_a_number_that_a_carrier_uses_again_is_the_later_parcels(depot: Depot) -> None:
    first = await depot.shipped("AGAIN")
    await depot.aged(first, 200)
    await depot.say("AGAIN", scan("delivered", hours=190 * 24))
    second = await depot.shipped("AGAIN")
    assert (await depot.parcel(second)).status is TrackingStatus.UNKNOWN
    await depot.say("AGAIN", scan("in_transit"))
    assert (await depot.parcel(second)).status is TrackingStatus.IN_TRANSIT
    assert (await depot.parcel(first)).status is TrackingStatus.DELIVERED


async def test_the_estimate_follows_the_scans_and_a_delay_is_told_once(depot: Depot) -> None:
    order_id = await depot.shipped("LATE", promised_on=TODAY)
    await depot.say("LATE", scan("in_transit"), estimated_on=TODAY + timedelta(days=4))
    await depot.say("LATE", scan("in_transit", at=utcnow() + timedelta(seconds=1)))
    parcel = await depot.parcel(order_id)
    assert parcel.estimated_on == TODAY + timedelta(days=4)
    assert [kind for kind, _ in await depot.events()] == ["parcel.moved", "parcel.delayed"]
    await depot.say("LATE", scan("delivered", at=utcnow() + timedelta(seconds=2)))
    assert (await depot.parcel(order_id)).estimated_on == TODAY


async def test_a_delay_that_becomes_much_worse_is_told_again(depot: Depot) -> None:
    await depot.shipped("WORSE", promised_on=TODAY)
    for n, days in enumerate((1, 2, 3, 5, 6)):
        await depot.say(
            "WORSE", scan("in_transit", at=utcnow() + timedelta(seconds=n)), estimated_on=TODAY + timedelta(days=days)
        )
    told = [data["estimated_on"] for kind, data in await depot.events() if kind == "parcel.delayed"]
    assert told == [str(TODAY + timedelta(days=days)) for days in (1, 5)]


async def test_a_day_of_the_carrier_that_has_passed_is_no_expectation(depot: Depot) -> None:
    order_id = await depot.shipped("PAST", promised_on=TODAY - timedelta(days=5))
    await depot.say("PAST", scan("in_transit", hours=6 * 24), estimated_on=TODAY - timedelta(days=5))
    parcel = await depot.parcel(order_id)
    assert parcel.estimated_on is not None
    assert parcel.estimated_on >= TODAY
    assert TroubleKind.LATE in [one.kind for one in await depot.troubles()]


async def review(database: Database) -> None:
    async with database.transaction() as tx:
        assert await tracking.review(tx, None, 100) is not None


async def test_of_a_carrier_that_tells_us_nothing_silence_says_nothing(depot: Depot) -> None:
    order_id = await depot.order(promised_on=TODAY - timedelta(days=7))
    await depot.ship(order_id, "OURVAN", carrier="our-van")
    assert (await depot.parcel(order_id)).account_id is None
    await depot.aged(order_id, 9)
    async with depot.database.transaction() as tx:
        assert await tracking.review(tx, None, 100) is None
    assert await depot.troubles() == []
    assert await depot.events() == []


async def test_a_silent_parcel_is_found_once_before_its_buyer_asks(depot: Depot) -> None:
    order_id = await depot.shipped("SILENT")
    await review(depot.database)
    assert await depot.troubles() == []
    await depot.aged(order_id, 20)
    await depot.say("SILENT", scan("in_transit", hours=12 * 24))
    await review(depot.database)
    await review(depot.database)
    (trouble,) = await depot.troubles()
    assert (trouble.kind, trouble.order_id) == (TroubleKind.STUCK, order_id)
    assert [kind for kind, _ in await depot.events()].count("parcel.stuck") == 1
    await depot.say("SILENT", scan("out_for_delivery"))
    assert await depot.troubles() == []


async def test_what_is_lost_is_a_trouble_until_it_is_found(depot: Depot) -> None:
    await depot.shipped("LOST", promised_on=TODAY)
    await depot.say("LOST", scan("in_transit", hours=30), scan("lost", hours=5))
    assert [trouble.kind for trouble in await depot.troubles()] == [TroubleKind.LOST]
    await depot.say("LOST", scan("delivered"))
    assert await depot.troubles() == []


async def test_lanes_add_up_to_what_became_of_their_parcels_also_after_corrections(depot: Depot) -> None:
    for n, (ends, late) in enumerate(
        [(("delivered",), 0), (("delivered",), 2), (("lost", "delivered"), 0), (("damaged",), 0), (("lost",), 0)]
    ):
        await depot.shipped(f"L{n}", promised_on=TODAY - timedelta(days=late))
        for hours, end in enumerate(ends):
            await depot.say(f"L{n}", scan(end, at=utcnow() + timedelta(seconds=hours)))
    async with depot.database.read() as reader:
        (lane,) = await tracking.performance(reader, TODAY)
    counts = lane.counts
    assert (counts.parcels, counts.delivered, counts.lost, counts.damaged) == (5, 3, 1, 1)
    assert (counts.promised, counts.on_time) == (5, 2)
    assert lane.on_time == 0.4
    assert lane.lane.carrier == "easypost"


async def test_promises_are_held_against_what_happened(depot: Depot) -> None:
    kept = await depot.shipped("K1", promised_on=TODAY)
    late = await depot.shipped("K2", promised_on=TODAY - timedelta(days=3))
    overdue = await depot.shipped("K3", promised_on=TODAY - timedelta(days=1))
    for number in ("K1", "K2"):
        await depot.say(number, scan("delivered"))
    found = []
    async with depot.database.read() as reader:
        for order_id in (kept, late, overdue):
            (promise,) = await tracking.promises(reader, order_id, utcnow())
            found.append((promise.kept, promise.days_late))
    assert found == [(Kept.KEPT, 0), (Kept.LATE, 3), (Kept.OVERDUE, 1)]


async def test_what_is_collected_has_kept_its_promise_at_the_counter(depot: Depot) -> None:
    store = depot.shop.locations["store"]
    order_id = (await depot.shop.place("web", {"TEA": 1}, pickup_location_id=store, promised_on=TODAY)).id
    async with depot.database.transaction() as tx:
        reserved = await depot.shop.reserved(order_id)
        ((_, where),) = reserved
        await tx.run("UPDATE orders.orders SET pickup_location_id = %(at)s WHERE id = %(id)s",
                     {"at": depot.shop.locations[where], "id": order_id})  # fmt: skip
        await orders.ship(tx, order_id, depot.shop.locations[where], None)
    await depot.settle()
    parcel = await depot.parcel(order_id)
    assert (parcel.kind, parcel.status) == (Kind.COLLECTION, TrackingStatus.DELIVERED)
    async with depot.database.read() as reader:
        (promise,) = await tracking.promises(reader, order_id, utcnow())
    assert promise.kept is Kept.KEPT


async def test_two_workers_who_hear_the_same_at_once_write_it_once(depot: Depot) -> None:
    order_id = await depot.shipped("TWICE")
    update = TrackingUpdate(tracking_number="TWICE", scans=(scan("in_transit"), scan("delivered", at=utcnow())))
    await asyncio.gather(*(depot.tell([update]) for _ in range(4)))
    assert len((await depot.details(order_id)).scans) == 2
    assert [kind for kind, _ in await depot.events()] == ["parcel.delivered"]


async def test_silence_of_a_carrier_is_asked_into_ever_more_seldom(depot: Depot) -> None:
    order_id = await depot.order()
    label = await depot.desk.buy(depot.wanted(order_id))
    await depot.ship(order_id, label.tracking_number)

    async def due() -> int:
        async with depot.database.transaction() as tx:
            await tx.run("UPDATE tracking.parcels SET next_poll_at = now() WHERE next_poll_at IS NOT NULL")
        return await depot.desk.poll()

    gaps = []
    for _ in range(3):
        assert await due() == 1
        parcel = await depot.parcel(order_id)
        assert parcel.next_poll_at is not None
        gaps.append(round((parcel.next_poll_at - utcnow()) / timedelta(hours=1)))
    assert gaps == [2, 4, 8]
    depot.far.scan(label.tracking_number, "delivered", utcnow())
    assert await due() == 1
    parcel = await depot.parcel(order_id)
    assert (parcel.status, parcel.next_poll_at) == (TrackingStatus.DELIVERED, None)
    assert await due() == 0


async def test_a_carrier_that_does_not_answer_loses_no_parcel(depot: Depot) -> None:
    order_id = await depot.order()
    label = await depot.desk.buy(depot.wanted(order_id))
    await depot.ship(order_id, label.tracking_number)
    async with depot.database.transaction() as tx:
        await tx.run("UPDATE tracking.parcels SET next_poll_at = now()")
    depot.far.revoke()
    assert await depot.desk.poll() == 1
    async with depot.database.read() as reader:
        account = await tracking.accounts.get(reader, depot.account_id)
    assert "not accepted" in account.problem
    assert (await depot.parcel(order_id)).next_poll_at is not None
