"""What is cancelled after it was picked or packed: it comes out of its box, goes back, and the rest leaves."""

from __future__ import annotations

import pytest

from comptoir.kernel.errors import Refusal
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import BackReason, Fulfilment, LineUnits, Parcel, ParcelDraft, PutBack, Stage, State
from comptoir.modules.fulfilment.domain import out_of_boxes
from comptoir.modules.fulfilment.errors import BoxRecalled, NothingToDo, NotRecalled, NotThatMany
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, Tracking
from comptoir.runtime.database import Context
from support.shop import Shop

ANNA = Context("usr_anna", "r")  # pyright: ignore[reportArgumentType]


async def packed(shop: Shop, units: dict[str, int], *boxes: tuple[LineUnits, ...]) -> tuple[Fulfilment, list[Parcel]]:
    """The fulfilment order of a new order, picked, and packed into these boxes (none is one box with everything)."""
    placed = await shop.place("web", units)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    async with shop.database.transaction(ANNA) as tx:
        await api.pick(tx, one.id)
        return one, [await api.pack(tx, one.id, ParcelDraft(lines=lines)) for lines in boxes or ((),)]


async def cancel(shop: Shop, one: Fulfilment, *lines: LineQuantity) -> Fulfilment:
    async with shop.database.transaction() as tx:
        await orders.cancel(tx, one.order_id, lines or None, "asked")
    await shop.settle()
    await shop.doctors()
    async with shop.database.read() as reader:
        return await api.get(reader, one.id)


async def boxes_of(shop: Shop, one: Fulfilment) -> list[Parcel]:
    async with shop.database.read() as reader:
        return await api.parcels(reader, [one.id])


async def to_put_back(shop: Shop, place: str = "paris") -> list[PutBack]:
    async with shop.database.read() as reader:
        return await api.put_backs(reader, shop.locations[place])


async def test_what_is_cancelled_in_a_box_is_taken_out_and_the_rest_leaves(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    one, (box,) = await packed(shop, {"TEA": 3})
    after = await cancel(shop, one, LineQuantity(1, 1))
    assert (after.stage, after.quantity, after.packed) == (Stage.TO_HAND_OVER, 2, 2)
    (recalled,) = await boxes_of(shop, one)
    assert (recalled.lines, recalled.recalled, recalled.unwanted) == ((LineUnits(1, 2),), (LineUnits(1, 1),), False)
    assert recalled.recalled_at is not None
    for tracking in (None, {box.id: Tracking("acme", "1Z")}):
        with pytest.raises(BoxRecalled):
            async with shop.database.transaction(ANNA) as tx:
                await api.hand_over(tx, one.id, tracking)
    async with shop.database.transaction(ANNA) as tx:
        opened = await api.take_recalled(tx, one.id, box.id)
        assert opened is not None
        assert (opened.lines, opened.recalled, opened.recalled_at) == ((LineUnits(1, 2),), (), None)
        left, _ = await api.hand_over(tx, one.id)
    assert (left.state, left.gone) == (State.CLOSED, 2)
    await shop.settle()
    await shop.doctors()
    assert (await shop.level("TEA", "paris")).on_hand == 3


async def test_what_is_not_to_be_taken_out_is_refused_and_nothing_changes(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    await shop.product("CUP", stock={"paris": 5})
    one, (box,) = await packed(shop, {"TEA": 2, "CUP": 2})
    async with shop.database.transaction(ANNA) as tx:
        with pytest.raises(NothingToDo):
            await api.take_recalled(tx, one.id, box.id)
    await cancel(shop, one, LineQuantity(1, 2))
    before = await boxes_of(shop, one)
    async with shop.database.transaction(ANNA) as tx:
        for code in ("CUP", "MUG"):
            with pytest.raises(NotRecalled):
                await api.scan_recalled(tx, one.id, box.id, code)
        with pytest.raises(NotThatMany):
            await api.take_recalled(tx, one.id, box.id, [LineUnits(1, 3)])
    assert await boxes_of(shop, one) == before
    async with shop.database.transaction(ANNA) as tx:
        sku, still = await api.scan_recalled(tx, one.id, box.id, "TEA")
        assert (sku, still and still.recalled) == ("TEA", (LineUnits(1, 1),))
        _, done = await api.scan_recalled(tx, one.id, box.id, "TEA")
        assert done is not None
        assert (done.recalled, done.lines) == ((), (LineUnits(2, 2),))


async def test_when_everything_is_cancelled_the_box_is_emptied_and_is_no_more(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    one, (box,) = await packed(shop, {"TEA": 3})
    after = await cancel(shop, one)
    assert (after.state, after.packed) == (State.CANCELLED, 0)
    async with shop.database.read() as reader:
        (recalled,) = await api.recalled_boxes(reader, shop.locations["paris"])
        assert [found.id for found in await api.unwanted_boxes(reader)] == [box.id]
        assert await api.unwanted_boxes(reader, recalled) == []
        assert (await api.waiting_count(reader, shop.locations["paris"], recalled.packed_at)).recalled == 1
    assert recalled.unwanted
    async with shop.database.transaction(ANNA) as tx:
        assert await api.take_recalled(tx, one.id, box.id) is None
    assert await boxes_of(shop, one) == []


async def test_a_recalled_box_is_unpacked_whatever_has_become_of_its_work(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9})
    whole, (first,) = await packed(shop, {"TEA": 3})
    part, (second,) = await packed(shop, {"TEA": 3})
    await cancel(shop, whole)
    await cancel(shop, part, LineQuantity(1, 1))
    async with shop.database.transaction(ANNA) as tx:
        assert (await api.unpack(tx, whole.id, first.id)).state is State.CANCELLED
        opened = await api.unpack(tx, part.id, second.id)
        assert (opened.stage, opened.picked, opened.packed) == (Stage.TO_PACK, 2, 0)
        await api.pack(tx, part.id)
        left, _ = await api.hand_over(tx, part.id)
    assert (left.state, left.gone) == (State.CLOSED, 2)


async def test_the_boxes_that_nobody_recalled_leave_without_waiting(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9})
    await shop.product("CUP", stock={"paris": 9})
    one, (tea, cup) = await packed(shop, {"TEA": 2, "CUP": 1}, (LineUnits(1, 2),), ())
    await cancel(shop, one, LineQuantity(1, 2))
    async with shop.database.transaction(ANNA) as tx:
        left, _ = await api.hand_over(tx, one.id, {cup.id: Tracking("acme", "1Z")})
    assert (left.state, left.gone) == (State.CLOSED, 1)
    (recalled,) = [box for box in await boxes_of(shop, one) if box.recalled]
    assert (recalled.id, recalled.unwanted) == (tea.id, True)


async def test_what_was_picked_or_packed_is_somebodys_task_to_put_back(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9})
    one, (box,) = await packed(shop, {"TEA": 5}, (LineUnits(1, 3),))
    await cancel(shop, one, LineQuantity(1, 4))
    tasks = sorted((task.units, task.shelf, task.reason) for task in await to_put_back(shop))
    assert tasks == [(2, "", BackReason.RECALLED), (2, f"F{one.number}-{box.number}", BackReason.RECALLED)]
    async with shop.database.read() as reader:
        told = (await orders.timeline(reader, one.order_id)).items
    (event,) = [entry for entry in told if entry.type == "fulfilment.recalled"]
    assert (event.data["picked"], event.data["boxed"]) == (4, 2)


async def test_what_nobody_has_picked_yet_is_nobodys_task(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9})
    placed = await shop.place("web", {"TEA": 3})
    await shop.settle()
    (one,) = await shop.work(placed.id)
    async with shop.database.transaction(ANNA) as tx:
        await api.pick(tx, one.id, [LineUnits(1, 1)])
    await cancel(shop, one, LineQuantity(1, 2))
    assert await to_put_back(shop) == []


async def test_a_box_that_left_past_us_has_left_with_its_shipment(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9})
    one, (box,) = await packed(shop, {"TEA": 3}, (LineUnits(1, 2),))
    async with shop.database.transaction() as tx:
        shipment = await orders.ship(tx, one.order_id, shop.locations["paris"], None, tracking_number="1Z9")
    await shop.settle()
    (left,) = await boxes_of(shop, one)
    assert (left.id, left.shipment_id, left.tracking_number) == (box.id, shipment, "1Z9")


async def test_what_left_past_us_out_of_a_box_can_be_followed_by_the_rest(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 9})
    one, (box,) = await packed(shop, {"TEA": 3})
    async with shop.database.transaction() as tx:
        await orders.ship(tx, one.order_id, shop.locations["paris"], [LineQuantity(1, 1)])
    await shop.settle()
    (there,) = await boxes_of(shop, one)
    assert (there.id, there.lines, there.recalled) == (box.id, (LineUnits(1, 2),), ())
    async with shop.database.transaction(ANNA) as tx:
        left, _ = await api.hand_over(tx, one.id)
    assert (left.state, left.gone, left.packed) == (State.CLOSED, 3, 3)


async def test_a_refused_step_leaves_no_trace_of_the_database(shop: Shop) -> None:
    """Whatever is tried with a box whose units are gone, the answer is ours."""
    await shop.product("TEA", stock={"paris": 9})
    one, (box,) = await packed(shop, {"TEA": 3})
    await cancel(shop, one, LineQuantity(1, 3))
    for tried in (api.hand_over, api.pack, api.pick, api.put_back, api.stop, api.begin):
        with pytest.raises(Refusal):
            async with shop.database.transaction(ANNA) as tx:
                await tried(tx, one.id)
    async with shop.database.transaction(ANNA) as tx:
        await api.unpack(tx, one.id, box.id)


def test_boxes_that_are_emptied_go_first_then_the_last_ones() -> None:
    def a_box(n: int, *lines: LineUnits) -> Parcel:
        return Parcel(id=n, fulfilment_id=0, number=n, lines=lines, packed_at=None, packed_by="")  # type: ignore[arg-type]

    three = [a_box(1, LineUnits(1, 2)), a_box(2, LineUnits(1, 3)), a_box(3, LineUnits(1, 1), LineUnits(2, 1))]
    assert out_of_boxes(three, {1: 2}) == {1: {1: 2}}
    assert out_of_boxes(three, {1: 1}) == {3: {1: 1}}
    assert out_of_boxes(three, {1: 4}) == {2: {1: 3}, 3: {1: 1}}
    assert out_of_boxes(three, {1: 9, 2: 9}) == {1: {1: 2}, 2: {1: 3}, 3: {1: 1, 2: 1}}
