"""All open work by stage, age and location, and what of it misses a deadline."""

from __future__ import annotations

from datetime import datetime, timedelta

from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import Deadline, Fulfilment, FulfilmentFilter, HoldReason, OpenWork, Stage
from support.shop import Shop

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def work(shop: Shop, **more: object) -> Fulfilment:
    """A fulfilment order with these columns, whatever would have led there."""
    placed = await shop.place("web", {"TEA": 1})
    await shop.settle()
    (one,) = await shop.work(placed.id)
    if more:
        values = ", ".join(f"{name} = %({name})s" for name in more)
        async with shop.database.transaction() as tx:
            await tx.run(f"UPDATE fulfilment.orders SET {values} WHERE id = %(id)s", more | {"id": one.id})
    return one


async def counted(shop: Shop, now: datetime, ahead: timedelta = timedelta()) -> OpenWork:
    late = Deadline(now, now.date())
    until = now + ahead
    bounds = [now - 3 * DAY, now - DAY]
    async with shop.database.read() as reader:
        return await api.ages(reader, bounds, late=late, risk=Deadline(until, until.date(), foreseen=True))


async def found(shop: Shop, wanted: FulfilmentFilter) -> list[int]:
    async with shop.database.read() as reader:
        page = await api.find(reader, wanted, sort="due")
        assert (await api.count(reader, wanted)).rows == len(page.items)
    return [one.number for one in page.items]


async def test_open_work_is_counted_by_stage_and_by_when_its_order_was_placed(shop: Shop) -> None:
    now = utcnow()
    await shop.product("TEA", stock={"paris": 50})
    fresh = await work(shop)
    await work(shop, placed_at=now - 2 * DAY)
    old = await work(shop, placed_at=now - 9 * DAY)
    async with shop.database.transaction() as tx:
        await api.pick(tx, old.id)
    gone = await work(shop)
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE fulfilment.orders SET state = 'cancelled' WHERE id = %(id)s", {"id": gone.id})
    counts = await counted(shop, now)
    assert {(one.stage, one.band): one.count for one in counts.ages} == {
        (Stage.TO_PICK, 2): 1,
        (Stage.TO_PICK, 1): 1,
        (Stage.TO_PACK, 0): 1,
    }
    paris = shop.locations["paris"]
    assert {(one.location_id, one.stage): one.count for one in counts.places} == {
        (paris, Stage.TO_PICK): 2,
        (paris, Stage.TO_PACK): 1,
    }
    youngest = FulfilmentFilter(stages=(Stage.TO_PICK,), placed_from=now - DAY)
    assert await found(shop, youngest) == [fresh.number]
    assert await found(shop, FulfilmentFilter(stages=(Stage.TO_PACK,), placed_before=now - 3 * DAY)) == [old.number]
    assert await found(shop, FulfilmentFilter(stages=(Stage.TO_PACK,), placed_from=now - 3 * DAY)) == []


async def test_what_may_still_go_elsewhere_is_told_from_what_is_held(shop: Shop) -> None:
    now = utcnow()
    await shop.product("TEA", stock={"paris": 50})
    held = await work(shop)
    async with shop.database.transaction() as tx:
        await api.hold(tx, held.id, HoldReason.PAYMENT, "")
    scheduled = await work(shop, state="scheduled", release_at=now + HOUR)
    stuck = await work(shop, state="on_hold", hold_reason="unroutable")
    counts = await counted(shop, now)
    assert sorted((one.stage, one.settled, one.count) for one in counts.ages) == [
        (Stage.WAITING, False, 2),
        (Stage.WAITING, True, 1),
    ]
    waiting = FulfilmentFilter(stages=(Stage.WAITING,))
    assert await found(shop, FulfilmentFilter(stages=(Stage.WAITING,), settled=True)) == [held.number]
    assert await found(shop, FulfilmentFilter(stages=(Stage.WAITING,), settled=False)) == [scheduled.number, stuck.number]
    assert len(await found(shop, waiting)) == 3


async def test_what_misses_a_deadline_is_what_should_have_left_or_been_there_or_will_come_too_late(shop: Shop) -> None:
    now = utcnow()
    today = now.date()
    await shop.product("TEA", stock={"paris": 50})
    late = await work(shop, leaves_by=now - HOUR)
    soon = await work(shop, leaves_by=now + 2 * HOUR)
    overdue = await work(shop, leaves_by=now + 9 * DAY, promised_on=today - 3 * DAY)
    foreseen = await work(shop, leaves_by=now + 8 * DAY, promised_on=today + DAY, arrives_on=today + 2 * DAY)
    await work(shop, leaves_by=now + 9 * DAY, promised_on=today + 9 * DAY, arrives_on=today + 9 * DAY)
    ready = await work(shop, leaves_by=now - HOUR, method="collect", picked=1, ready_at=now)
    counts = await counted(shop, now, 4 * HOUR)
    assert {(one.stage, one.late, one.at_risk) for one in counts.ages} == {(Stage.TO_PICK, 2, 4), (Stage.READY, 0, 0)}
    assert {(one.stage, one.late) for one in counts.places} == {(Stage.TO_PICK, 2), (Stage.READY, 0)}
    open_stages = (Stage.TO_PICK, Stage.READY)
    missed = FulfilmentFilter(stages=open_stages, due=Deadline(now, today))
    assert await found(shop, missed) == [overdue.number, late.number]
    ahead = now + 4 * HOUR
    at_risk = FulfilmentFilter(stages=open_stages, due=Deadline(ahead, ahead.date(), foreseen=True))
    assert await found(shop, at_risk) == [overdue.number, late.number, soon.number, foreseen.number]
    assert ready.number not in await found(shop, at_risk)


async def test_what_has_least_time_left_comes_first_page_by_page(shop: Shop) -> None:
    now = utcnow()
    await shop.product("TEA", stock={"paris": 50})
    never = await work(shop, leaves_by=None)
    third, first, second = [await work(shop, leaves_by=now + hours * HOUR) for hours in (9, 1, 4)]
    wanted = FulfilmentFilter(stages=(Stage.TO_PICK,), channel="web")
    seen: list[int] = []
    cursor: str | None = None
    async with shop.database.read() as reader:
        while True:
            page = await api.find(reader, wanted, sort="due", limit=1, cursor=cursor)
            seen += [one.number for one in page.items]
            cursor = page.next
            if cursor is None:
                break
    assert seen == [first.number, second.number, third.number, never.number]
    assert await found(shop, FulfilmentFilter(stages=(Stage.TO_PICK,), channel="market")) == []
