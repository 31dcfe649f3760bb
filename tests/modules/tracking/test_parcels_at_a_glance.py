"""Everything that is on its way at this moment: how long already, what comes too late, and what is open about it."""

from __future__ import annotations

from datetime import date, timedelta

from comptoir.kernel.time import utcnow
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import InTroubleFilter, MovingFilter, ParcelAge, TroubleKind
from support.depot import Depot, scan

DAY = timedelta(days=1)


async def ages(depot: Depot) -> list[ParcelAge]:
    now = utcnow()
    async with depot.database.read() as reader:
        return await tracking.overview.ages(reader, [now - 3 * DAY, now - DAY], now)


async def moving(depot: Depot, wanted: MovingFilter) -> list[str]:
    async with depot.database.read() as reader:
        page = await tracking.overview.moving(reader, wanted, utcnow())
        assert (await tracking.overview.count_moving(reader, wanted, utcnow())).rows == len(page.items)
    return [parcel.tracking_number for parcel in page.items]


async def promised(depot: Depot, number: str, on: date, expected: date | None = None) -> OrderId:
    """A parcel with this promise, about which nobody has been told anything."""
    order_id = await depot.shipped(number)
    async with depot.database.transaction() as tx:
        await tx.run(
            "UPDATE tracking.parcels SET promised_on = %(on)s, estimated_on = %(expected)s WHERE order_id = %(id)s",
            {"on": on, "expected": expected or on, "id": order_id},
        )
    return order_id


async def lost(depot: Depot, order_id: OrderId) -> None:
    """As if somebody had to look at its parcel."""
    parcel = await depot.parcel(order_id)
    async with depot.database.transaction() as tx:
        await tx.run(
            "INSERT INTO tracking.troubles (id, kind, about, tracked_id, order_id, reason, opened_at) "
            "VALUES (gen_random_uuid(), 'stuck', %(id)s, %(id)s, %(order)s, 'silent', now())",
            {"id": parcel.id, "order": order_id},
        )


async def test_parcels_on_their_way_are_counted_by_when_they_left(depot: Depot) -> None:
    await depot.shipped("FRESH")
    old = await depot.shipped("OLD")
    await depot.aged(old, 5)
    done = await depot.shipped("DONE")
    await depot.say("DONE", scan("delivered"))
    forgotten = await depot.shipped("FORGOTTEN")
    await depot.aged(forgotten, 90)
    await depot.ship(await depot.order(), "UNHEARD", carrier="somebody")
    assert await ages(depot) == [ParcelAge(None, 0, 1, 0, 0), ParcelAge(None, 2, 1, 0, 0)]
    assert (await depot.parcel(done)).delivered_at is not None
    now = utcnow()
    assert set(await moving(depot, MovingFilter())) == {"FRESH", "OLD"}
    assert await moving(depot, MovingFilter(shipped_from=now - DAY)) == ["FRESH"]
    assert await moving(depot, MovingFilter(shipped_before=now - 3 * DAY)) == ["OLD"]
    assert await moving(depot, MovingFilter(search="FRE")) == ["FRESH"]
    assert await moving(depot, MovingFilter(channel="till")) == []


async def test_parcels_that_come_too_late_come_first_by_their_promise(depot: Depot) -> None:
    today = utcnow().date()
    await promised(depot, "KEPT", today + 3 * DAY)
    await promised(depot, "MISSED", today - 2 * DAY)
    await promised(depot, "OVERDUE", today - 5 * DAY)
    slow = await promised(depot, "SLOW", today + DAY, today + 4 * DAY)
    assert await moving(depot, MovingFilter(late_at=utcnow())) == ["OVERDUE", "MISSED", "SLOW"]
    await lost(depot, slow)
    counts = {one.kind: (one.count, one.late, one.at_risk) for one in await ages(depot)}
    assert counts[None] == (3, 2, 3)
    assert counts[TroubleKind.STUCK] == (1, 0, 0)
    assert await moving(depot, MovingFilter(in_trouble=True)) == ["SLOW"]
    assert "SLOW" not in await moving(depot, MovingFilter(in_trouble=False))


async def test_open_troubles_come_with_their_parcels(depot: Depot) -> None:
    order_id = await depot.shipped("STUCK")
    await lost(depot, order_id)
    label_only = await depot.order()
    async with depot.database.transaction() as tx:
        await tx.run(
            "INSERT INTO tracking.troubles (id, kind, about, order_id, reason, opened_at) "
            "VALUES (gen_random_uuid(), 'rejected', gen_random_uuid(), %(order)s, 'no such street', now())",
            {"order": label_only},
        )
    async with depot.database.read() as reader:
        found = (await tracking.overview.in_trouble(reader, InTroubleFilter())).items
        stuck = (await tracking.overview.in_trouble(reader, InTroubleFilter(kinds=(TroubleKind.STUCK,)))).items
        here = (await tracking.overview.in_trouble(reader, InTroubleFilter(locations=(depot.shop.locations["paris"],)))).items
        earlier = await tracking.overview.count_in_trouble(reader, InTroubleFilter(opened_before=utcnow() - DAY))
    assert {(one.kind, one.order_id) for one in found} == {
        (TroubleKind.STUCK, order_id),
        (TroubleKind.REJECTED, label_only),
    }
    assert [one.parcel and one.parcel.tracking_number for one in stuck] == ["STUCK"]
    assert stuck == here
    assert [one.parcel for one in found if one.kind is TroubleKind.REJECTED] == [None]
    assert earlier.rows == 0
