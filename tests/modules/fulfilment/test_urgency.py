"""In which order a person best does the work of a location."""

from __future__ import annotations

from datetime import timedelta

from comptoir.kernel.ids import ActorId
from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentId, Stage
from comptoir.runtime.database import Context
from support.shop import Shop

ME, OTHER = ActorId("user:me"), ActorId("user:other")


async def work(shop: Shop, units: dict[str, int]) -> Fulfilment:
    placed = await shop.place("web", units)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    return one


async def leaves(shop: Shop, one: Fulfilment, hours: float) -> None:
    async with shop.database.transaction() as tx:
        await tx.run(
            "UPDATE fulfilment.orders SET leaves_by = %(at)s WHERE id = %(id)s",
            {"id": one.id, "at": utcnow() + timedelta(hours=hours)},
        )


async def begun(shop: Shop, one: Fulfilment, actor: ActorId) -> None:
    async with shop.database.transaction(Context(actor)) as tx:
        await api.begin(tx, one.id)


async def order(shop: Shop) -> list[FulfilmentId]:
    async with shop.database.read() as reader:
        return [one.id for one in await api.urgent(reader, shop.locations["paris"], [Stage.TO_PICK], ME, utcnow())]


async def test_what_is_late_comes_first_then_ones_own_then_what_leaves_first_and_others_last(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 50})
    late, own, soon, later, theirs = [await work(shop, {"TEA": 1}) for _ in range(5)]
    for one, hours in ((late, -1), (own, 5), (soon, 1), (later, 3), (theirs, -2)):
        await leaves(shop, one, hours)
    await begun(shop, own, ME)
    await begun(shop, theirs, OTHER)
    assert await order(shop) == [late.id, own.id, soon.id, later.id, theirs.id]
    async with shop.database.read() as reader:
        assert (await api.firsts(reader, shop.locations["paris"], ME, utcnow()))[Stage.TO_PICK].id == late.id
        assert (await api.firsts(reader, shop.locations["paris"], OTHER, utcnow()))[Stage.TO_PICK].id == theirs.id
        assert await api.firsts(reader, shop.locations["lyon"], ME, utcnow()) == {}


async def test_a_product_finds_the_orders_that_still_lack_it(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 50})
    await shop.product("CUP", stock={"paris": 50})
    both, cup = await work(shop, {"TEA": 1, "CUP": 1}), await work(shop, {"CUP": 1})
    async with shop.database.transaction(Context(ME)) as tx:
        await api.scan(tx, both.id, "TEA")
    async with shop.database.read() as reader:
        place, now = shop.locations["paris"], utcnow()
        assert await api.wanting(reader, place, "TEA", ME, now) == []
        assert [one.id for one in await api.wanting(reader, place, "CUP", ME, now)] == [both.id, cup.id]


async def test_what_has_left_since_a_time_is_known(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 50})
    gone, here = await work(shop, {"TEA": 1}), await work(shop, {"TEA": 1})
    async with shop.database.transaction(Context(ME)) as tx:
        await api.pick(tx, gone.id)
        await api.pack(tx, gone.id)
        await api.hand_over(tx, gone.id)
        await api.pick(tx, here.id)
    async with shop.database.read() as reader:
        place, now = shop.locations["paris"], utcnow()
        assert await api.departed(reader, place, now - timedelta(minutes=5)) == [gone.id]
        assert await api.departed(reader, place, now + timedelta(minutes=5)) == []


async def test_what_goes_elsewhere_unless_somebody_begins_counts_as_leaving_then(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 50})
    leaving, answering = await work(shop, {"TEA": 1}), await work(shop, {"TEA": 1})
    await leaves(shop, leaving, 2)
    await leaves(shop, answering, 9)
    assert await order(shop) == [leaving.id, answering.id]
    async with shop.database.transaction() as tx:
        await api.await_answer(tx, answering.id, utcnow() + timedelta(hours=1))
    assert await order(shop) == [answering.id, leaving.id]
    async with shop.database.read() as reader:
        before = await api.pulse(reader, shop.locations["paris"])
        (stage,) = await api.stages(reader, [shop.locations["paris"]])
    assert (before.open, stage.newest) == (2, answering.number)
    await begun(shop, leaving, ME)
    async with shop.database.read() as reader:
        assert await api.pulse(reader, shop.locations["paris"]) != before
