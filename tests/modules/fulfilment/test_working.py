"""Picking, packing, giving back, handing over, collecting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentCreated,
    FulfilmentFilter,
    FulfilmentId,
    FulfilmentMerged,
    FulfilmentSplit,
    Handshake,
    HoldReason,
    LineUnits,
    ParcelDraft,
    RejectReason,
    Request,
    Scanned,
    Stage,
    State,
    WaveKind,
    WaveState,
)
from comptoir.modules.fulfilment.errors import AtThirdParty, NotInThatState, NotPicked, NotThatMany, NotTogether, SomebodyElse
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Counted
from comptoir.modules.locations import api as locations
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, Tracking
from comptoir.runtime.database import Context
from support.shop import Shop

ANNA, BEN = Context("usr_anna", "r"), Context("usr_ben", "r")  # pyright: ignore[reportArgumentType]


async def work_for(shop: Shop, units: dict[str, int], **more: object) -> Fulfilment:
    """The one fulfilment order of a new order."""
    placed = await shop.place("web", units, **more)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    return one


async def open_work(shop: Shop, one: Fulfilment) -> list[Fulfilment]:
    return [other for other in await shop.work(one.order_id) if other.state not in {State.CANCELLED, State.CLOSED}]


async def test_from_the_first_scan_to_the_carrier(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    await shop.product("CUP", stock={"paris": 5})
    one = await work_for(shop, {"TEA": 2, "CUP": 1})
    async with shop.database.transaction(ANNA) as tx:
        outcomes = [(await api.scan(tx, one.id, code)).outcome for code in ("TEA", "TEA", "TEA", "MUG", "CUP")]
    assert outcomes == [Scanned.PICKED, Scanned.PICKED, Scanned.TOO_MANY, Scanned.UNKNOWN, Scanned.ALL_PICKED]
    async with shop.database.transaction(ANNA) as tx:
        picked = await api.get(tx, one.id)
        assert (picked.state, picked.stage, picked.assignee) == (State.IN_PROGRESS, Stage.TO_PACK, "usr_anna")
        first = await api.pack(tx, one.id, ParcelDraft(lines=(LineUnits(1, 2),), carton="S", weight=400))
        second = await api.pack(tx, one.id)
        packed = await api.get(tx, one.id)
        assert (packed.stage, first.number, second.number, second.lines) == (
            Stage.TO_HAND_OVER,
            1,
            2,
            (LineUnits(2, 1),),
        )
        left, shipments = await api.hand_over(tx, one.id, {first.id: Tracking("acme", "1Z1", "https://t/1Z1")})
        assert (left.gone, left.state, len(shipments)) == (2, State.IN_PROGRESS, 1)
        left, _ = await api.hand_over(tx, one.id)
        assert (left.gone, left.state, left.stage) == (3, State.CLOSED, Stage.DONE)
    await shop.settle()
    details = await shop.details(one.order_id)
    assert details.order.fulfilment_status == "fulfilled"
    assert [(s.carrier, s.tracking_number) for s in details.shipments if s.tracking_number] == [("acme", "1Z1")]
    assert await open_work(shop, one) == []
    await shop.doctors()


async def test_a_gtin_on_a_label_means_its_sku(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    async with shop.database.transaction() as tx:
        product = await catalogue.by_code(tx, "p-TEA")
        variants = [VariantDraft(sku="TEA", gtin="4006381333931", weight=250)]
        await catalogue.update(tx, product.id, ProductDraft(code="p-TEA", names={"fr": "TEA"}, variants=variants))
    one = await work_for(shop, {"TEA": 2})
    async with shop.database.transaction(ANNA) as tx:
        assert (await api.scan(tx, one.id, " 4006381333931 ")).outcome is Scanned.PICKED
        assert (await api.scan(tx, one.id, "4006381333931")).outcome is Scanned.ALL_PICKED
        assert (await api.pack(tx, one.id)).weight == 500


async def test_an_item_of_the_shop_that_is_not_in_the_order_is_told_apart_from_rubbish(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    await shop.product("MUG")
    one = await work_for(shop, {"TEA": 2})
    async with shop.database.transaction(ANNA) as tx:
        assert (await api.scan(tx, one.id, "MUG")).outcome is Scanned.NOT_IN_ORDER
        assert (await api.scan(tx, one.id, "??")).outcome is Scanned.UNKNOWN
        assert (await api.get(tx, one.id)).picked == 0


async def test_two_clerks_at_the_same_task_know_of_each_other(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    one = await work_for(shop, {"TEA": 2})
    async with shop.database.transaction(ANNA) as tx:
        await api.begin(tx, one.id)
    async with shop.database.transaction(BEN) as tx:
        with pytest.raises(SomebodyElse) as refused:
            await api.scan(tx, one.id, "TEA")
        assert refused.value.data == {"assignee": "usr_anna"}
        assert (await api.begin(tx, one.id, take_over=True)).assignee == "usr_ben"
        assert (await api.scan(tx, one.id, "TEA")).outcome is Scanned.PICKED


async def test_what_is_not_found_is_sent_by_another_location_and_counted_here(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 3, "lyon": 5})
    one = await work_for(shop, {"TEA": 3})
    async with shop.database.transaction(ANNA) as tx:
        await api.pick(tx, one.id, [LineUnits(1, 1)])
        after = await api.reject(tx, one.id, [LineUnits(1, 2)], RejectReason.NOT_FOUND)
        assert (after.quantity, after.picked, after.state) == (1, 1, State.IN_PROGRESS)
    await shop.settle()
    assert await shop.reserved(one.order_id) == {(1, "paris"): 1, (1, "lyon"): 2}
    here, there = await open_work(shop, one)
    assert (there.location_id, there.quantity) == (shop.locations["lyon"], 2)
    level = await shop.level("TEA", "paris")
    assert (level.on_hand, level.quality, level.reserved) == (3, 2, 1)
    async with shop.database.transaction() as tx:
        (task,) = await api.count_tasks(tx, shop.locations["paris"])
        assert (task.sku, task.units, task.order_id) == ("TEA", 2, one.order_id)
        await inventory.count(tx, shop.locations["paris"], [Counted("TEA", 2)])
    await shop.settle()
    level = await shop.level("TEA", "paris")
    assert (level.on_hand, level.quality) == (2, 0)
    async with shop.database.read() as reader:
        assert await api.count_tasks(reader, shop.locations["paris"]) == []
    assert here.id == one.id
    await shop.doctors()


async def test_a_location_is_never_asked_again_for_what_it_gave_back(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 3})
    one = await work_for(shop, {"TEA": 3})
    async with shop.database.transaction() as tx:
        await api.reject(tx, one.id, None, RejectReason.NO_STAFF)
    await shop.settle()
    assert await shop.reserved(one.order_id) == {}
    assert [(e.kind, e.quantity) for e in await shop.open_exceptions()] == [("unroutable", 3)]
    await shop.receive("TEA", "paris", 10)
    await shop.settle()
    assert await shop.reserved(one.order_id) == {}
    await shop.receive("TEA", "store", 2)
    await shop.settle()
    assert await shop.reserved(one.order_id) == {(1, "store"): 2}
    await shop.receive("TEA", "lyon", 2)
    await shop.settle()
    assert await shop.reserved(one.order_id) == {(1, "store"): 2, (1, "lyon"): 1}
    assert await shop.open_exceptions() == []
    await shop.doctors()


async def test_what_is_damaged_is_set_aside(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 1, "lyon": 1})
    one = await work_for(shop, {"TEA": 1})
    async with shop.database.transaction() as tx:
        await api.pick(tx, one.id)
        await api.reject(tx, one.id, None, RejectReason.DAMAGED)
    await shop.settle()
    level = await shop.level("TEA", "paris")
    assert (level.on_hand, level.damaged, level.reserved) == (1, 1, 0)
    (other,) = await open_work(shop, one)
    assert other.location_id == shop.locations["lyon"]


async def test_collecting_in_two_visits(shop: Shop) -> None:
    await shop.product("TEA", stock={"store": 3})
    one = await work_for(shop, {"TEA": 3}, pickup_location_id=shop.locations["store"])
    async with shop.database.transaction(ANNA) as tx:
        with pytest.raises(NotPicked):
            await api.ready(tx, one.id)
        await api.pick(tx, one.id)
        assert (await api.ready(tx, one.id)).stage is Stage.READY
        half = await api.collect(tx, one.id, [LineUnits(1, 1)])
        assert (half.gone, half.stage) == (1, Stage.READY)
        assert (await api.collect(tx, one.id)).state is State.CLOSED
    assert (await shop.order(one.order_id)).fulfilment_status == "fulfilled"


async def test_what_is_held_is_not_begun_and_what_is_begun_is_not_held(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    one = await work_for(shop, {"TEA": 1})
    async with shop.database.transaction() as tx:
        held = await api.hold(tx, one.id, HoldReason.ADDRESS, "no street number")
        assert (held.state, held.hold_reason, held.hold_note) == (State.ON_HOLD, HoldReason.ADDRESS, "no street number")
        with pytest.raises(NotInThatState):
            await api.begin(tx, one.id)
        await api.resume(tx, one.id)
        await api.begin(tx, one.id)
        with pytest.raises(NotInThatState):
            await api.hold(tx, one.id, HoldReason.FRAUD)


async def test_split_and_merged_again(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    one = await work_for(shop, {"TEA": 3})
    async with shop.database.transaction() as tx:
        other = await api.split(tx, one.id, [LineUnits(1, 2)])
        assert ((await api.get(tx, one.id)).quantity, other.quantity) == (1, 2)
    await shop.settle()
    assert [x.quantity for x in await open_work(shop, one)] == [1, 2]
    async with shop.database.transaction() as tx:
        assert (await api.merge(tx, [other.id, one.id])).quantity == 3
        with pytest.raises(NotTogether):
            await api.merge(tx, [one.id])
    await shop.settle()
    assert [x.quantity for x in await open_work(shop, one)] == [3]


async def test_a_person_moves_it_to_a_location_that_has_it(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5, "lyon": 1})
    one = await work_for(shop, {"TEA": 3})
    async with shop.database.transaction() as tx:
        await api.move(tx, one.id, shop.locations["lyon"], [LineUnits(1, 1)])
    await shop.settle()
    assert [(x.location_id, x.quantity) for x in await open_work(shop, one)] == [
        (shop.locations["paris"], 2),
        (shop.locations["lyon"], 1),
    ]


async def test_units_that_are_cancelled_while_in_hand_are_recalled(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    one = await work_for(shop, {"TEA": 3})
    async with shop.database.transaction() as tx:
        await api.pick(tx, one.id)
        await api.pack(tx, one.id, ParcelDraft(lines=(LineUnits(1, 1),)))
    async with shop.database.transaction() as tx:
        await orders.cancel(tx, one.order_id, [LineQuantity(1, 1)], "changed mind")
    await shop.settle()
    async with shop.database.read() as reader:
        after = await api.get(reader, one.id)
        events = (await orders.timeline(reader, one.order_id, sort="-at")).items
    assert (after.quantity, after.picked, after.packed) == (2, 2, 1)
    recalled = next(event for event in events if event.type == "fulfilment.recalled")
    assert recalled.data["picked"] == 1


async def test_the_handshake_with_a_third_party(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    one = await work_for(shop, {"TEA": 1})
    async with shop.database.transaction() as tx:
        submitted = await api.say(tx, one.id, Handshake.SUBMIT)
        assert (submitted.request, submitted.asked_at) == (Request.SUBMITTED, tx.now)
        assert submitted.answer_by == tx.now + api.ANSWER_WITHIN
        accepted = await api.say(tx, one.id, Handshake.ACCEPT)
        assert (accepted.request, accepted.state) == (Request.ACCEPTED, State.IN_PROGRESS)
        with pytest.raises(AtThirdParty):
            await api.move(tx, one.id, shop.locations["lyon"])
        await api.say(tx, one.id, Handshake.ASK_CANCELLATION, "the buyer changed their mind")
        with pytest.raises(NotInThatState):
            await api.say(tx, one.id, Handshake.SUBMIT)
        assert (await api.say(tx, one.id, Handshake.REJECT_CANCELLATION)).request is Request.CANCELLATION_REJECTED


@pytest.mark.parametrize(
    "steps",
    [
        (Handshake.SUBMIT, Handshake.REJECT),
        (Handshake.SUBMIT, Handshake.ACCEPT, Handshake.ASK_CANCELLATION, Handshake.ACCEPT_CANCELLATION),
    ],
)
async def test_what_a_third_party_gives_back_is_sent_by_another_location(shop: Shop, steps: Sequence[Handshake]) -> None:
    await shop.product("TEA", stock={"paris": 5, "lyon": 5})
    one = await work_for(shop, {"TEA": 2})
    async with shop.database.transaction() as tx:
        said = [await api.say(tx, one.id, step) for step in steps]
        assert said[-1].state is State.CANCELLED
        with pytest.raises(NotInThatState):
            await api.say(tx, one.id, Handshake.SUBMIT)
    await shop.settle()
    (elsewhere,) = await open_work(shop, one)
    assert elsewhere.location_id != one.location_id
    assert (elsewhere.quantity, elsewhere.request) == (2, Request.UNSUBMITTED)
    await shop.doctors()


async def test_what_a_third_party_does_not_answer_goes_elsewhere(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5, "lyon": 5})
    one = await work_for(shop, {"TEA": 2})
    async with shop.database.transaction() as tx:
        await api.say(tx, one.id, Handshake.SUBMIT)
        await tx.run("UPDATE fulfilment.orders SET answer_by = now() - interval '1 hour' WHERE id = %(id)s", {"id": one.id})
    async with shop.database.transaction() as tx:
        assert await api.expire(tx) == 1
    await shop.settle()
    (elsewhere,) = await open_work(shop, one)
    assert elsewhere.location_id != one.location_id


async def test_what_a_third_party_runs_is_submitted_by_itself(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    async with shop.database.transaction() as tx:
        paris = await locations.get(tx, shop.locations["paris"])
        await locations.update(tx, paris.id, replace(paris, third_party=True))
    one = await work_for(shop, {"TEA": 1})
    (found,) = await shop.work(one.order_id)
    assert found.request is Request.SUBMITTED
    async with shop.database.transaction() as tx:
        waiting = (await api.find(tx, FulfilmentFilter(requests=(Request.SUBMITTED,)))).items
        assert one.id in {other.id for other in waiting}
        assert not (await api.find(tx, FulfilmentFilter(requests=(Request.ACCEPTED,), order_id=one.order_id))).items


async def test_somebody_else_goes_on_with_what_was_left_half_way(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    one = await work_for(shop, {"TEA": 2})
    async with shop.database.transaction(ANNA) as tx:
        await api.scan(tx, one.id, "TEA")
    async with shop.database.transaction(BEN) as tx:
        with pytest.raises(SomebodyElse):
            await api.stop(tx, one.id)
    async with shop.database.transaction(ANNA) as tx:
        left = await api.stop(tx, one.id)
        assert (left.state, left.assignee, left.picked) == (State.INCOMPLETE, "", 1)
    async with shop.database.transaction(BEN) as tx:
        assert (await api.scan(tx, one.id, "TEA")).outcome is Scanned.ALL_PICKED
        assert (await api.get(tx, one.id)).assignee == "usr_ben"
        await api.pack(tx, one.id)
        with pytest.raises(NotInThatState):
            await api.stop(tx, one.id)


async def test_split_and_merge_are_told(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    one = await work_for(shop, {"TEA": 3})
    async with shop.database.transaction() as tx:
        other = await api.split(tx, one.id, [LineUnits(1, 2)])
        split = next(event for event in tx.emitted if isinstance(event, FulfilmentSplit))
        assert (split.into_fulfilment_id, split.into, split.lines) == (other.id, other.number, (LineUnits(1, 2),))
        assert [event.fulfilment_id for event in tx.emitted if isinstance(event, FulfilmentCreated)] == [other.id]
        await api.merge(tx, [one.id, other.id])
        merged = next(event for event in tx.emitted if isinstance(event, FulfilmentMerged))
        assert (merged.fulfilment_id, merged.merged) == (one.id, (other.number,))


async def test_a_wave_is_one_way_through_the_bins(shop: Shop) -> None:
    bins = {"A": "A-02-1", "B": "A-10-1", "C": "B-01-1", "D": "B-09-1", "E": ""}
    for sku in bins:
        await shop.product(sku, stock={"paris": 50})
    ids: Sequence[FulfilmentId] = [
        (await work_for(shop, units)).id for units in ({"A": 1, "D": 1}, {"B": 2, "A": 1}, {"C": 1, "E": 1})
    ]
    async with shop.database.transaction(ANNA) as tx:
        await api.put_bins(tx, shop.locations["paris"], bins)
        wave = await api.start(tx, ids, WaveKind.BATCH)
        walk = await api.route(tx, wave, await api.members(tx, wave.id))
        assert [(stop.bin, stop.sku, stop.quantity) for stop in walk] == [
            ("A-02-1", "A", 2),
            ("A-10-1", "B", 2),
            ("B-09-1", "D", 1),
            ("B-01-1", "C", 1),
            ("", "E", 1),
        ]
        for stop in walk:
            await api.take(tx, wave.id, stop.sku, stop.quantity)
        assert (await api.wave(tx, wave.id)).state is WaveState.DONE
        with pytest.raises(NotThatMany):
            await api.take(tx, wave.id, "A", 1)
    async with shop.database.transaction(BEN) as tx:
        with pytest.raises(SomebodyElse):
            await api.start(tx, ids[:1], WaveKind.SINGLE)


async def test_who_puts_it_back_leaves_it_to_others(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    one = await work_for(shop, {"TEA": 2})
    async with shop.database.transaction(ANNA) as tx:
        await api.pick(tx, one.id, [LineUnits(1, 1)])
        back = await api.put_back(tx, one.id)
        assert (back.state, back.picked, back.assignee) == (State.OPEN, 0, "")
    async with shop.database.transaction(BEN) as tx:
        assert (await api.pick(tx, one.id)).stage is Stage.TO_PACK


async def test_a_box_is_opened_again(shop: Shop) -> None:
    await shop.product("TEA", stock={"paris": 5})
    one = await work_for(shop, {"TEA": 2})
    async with shop.database.transaction(ANNA) as tx:
        await api.pick(tx, one.id)
        parcel = await api.pack(tx, one.id)
        assert (await api.unpack(tx, one.id, parcel.id)).packed == 0
        parcel = await api.pack(tx, one.id)
        await api.hand_over(tx, one.id)
        with pytest.raises(NotInThatState):
            await api.unpack(tx, one.id, parcel.id)


@pytest.mark.parametrize("named", [[LineUnits(1, 3)], [LineUnits(2, 1)], [LineUnits(1, 1), LineUnits(1, 2)]])
async def test_more_than_there_is_is_refused_and_nothing_changes(shop: Shop, named: list[LineUnits]) -> None:
    await shop.product("TEA", stock={"paris": 5})
    one = await work_for(shop, {"TEA": 2})
    with pytest.raises(NotThatMany):
        async with shop.database.transaction(ANNA) as tx:
            await api.pick(tx, one.id, named)
    with pytest.raises(NotThatMany):
        async with shop.database.transaction(ANNA) as tx:
            await api.reject(tx, one.id, named, RejectReason.OTHER)
    async with shop.database.read() as reader:
        after = await api.get(reader, one.id)
    assert (after.picked, after.state, after.quantity) == (0, State.OPEN, 2)
