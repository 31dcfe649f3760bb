"""Changes of orders: what is previewed is what is done, once, by whoever comes first."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import pytest

from comptoir.kernel.errors import Refusal, Stale
from comptoir.kernel.ids import ActorId, uuid7
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import (
    AddCharge,
    AddItem,
    Allow,
    CancelUnits,
    ChangeAddress,
    ChangeId,
    ChangeKind,
    ChangePickup,
    ChangeService,
    ChangeState,
    Extra,
    PolicyDraft,
    Reason,
    ReturnDraft,
    StockEffect,
    TakeBack,
    Units,
    Why,
)
from comptoir.modules.changes.errors import (
    ActionNotAllowed,
    ApprovalNeeded,
    ChangeOpen,
    ChangeStepRefused,
    NoAddress,
    NotCollectedThere,
    NothingToPayOut,
    OwnApproval,
    PickingBegun,
)
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity
from comptoir.modules.orders.errors import OverAllowance, QuantityNotOpen
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Role, UserDraft, UserId
from comptoir.runtime.database import Context, Tx
from comptoir.sdk.orders import Address, LineKind
from comptoir.surfaces.changing import SETTING
from modules.changes.conftest import Desk


async def test_a_line_on_top_is_priced_promised_and_owed(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1, shipped=False)
    done = await desk.change(order_id, ChangeKind.EDIT, AddItem(sku="CUP", quantity=2))
    (effect,) = done.effects
    assert effect.value == 2000
    assert effect.stock == (StockEffect(2, "CUP", desk.shop.locations["paris"], 2, 0, 0, 0),)
    assert (done.after.owed_by_buyer, done.after.owed_to_buyer, done.granted) == (2000, 0, 0)
    assert await desk.shop.reserved(order_id) == {(1, "paris"): 1, (2, "paris"): 2}
    line = (await desk.shop.order(order_id)).lines[1]
    assert (line.total, line.tax, str(line.unit_price)) == (2000, 333, "10.000000")
    assert sum(one.quantity for one in await desk.shop.work(order_id) if one.state == "open") == 3


async def test_units_of_a_new_line_that_are_not_there_wait_or_are_refused(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1, shipped=False)
    done = await desk.change(order_id, ChangeKind.EDIT, AddItem(sku="CUP", quantity=12))
    assert {(one.location_id, one.reserved, one.waiting) for one in done.effects[0].stock} == {
        (desk.shop.locations["paris"], 10, 0),
        (None, 0, 2),
    }
    strict = await desk.sold(channel="strict", TEA=1, shipped=False)
    with pytest.raises(InsufficientStock):
        await desk.request(strict, ChangeKind.EDIT, AddItem(sku="CUP", quantity=1))
    assert len((await desk.shop.order(strict)).lines) == 1


async def test_cancelling_a_part_promises_its_exact_share_and_a_dearer_line_takes_it_back(desk: Desk) -> None:
    order_id = await desk.sold(TEA=3, CUP=1, shipped=False)
    done = await desk.change(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=2))
    assert (done.after.value, done.after.granted, done.granted) == (1333, 666, 666)
    done = await desk.change(order_id, ChangeKind.EDIT, AddItem(sku="TEA", quantity=1))
    assert (done.after.granted, done.granted, done.after.owed_to_buyer) == (333, -333, 333)
    first, second = await desk.grants(order_id)
    assert (first.state, second.state, second.amount) == ("withdrawn", "pending", 333)


async def test_a_preview_changes_nothing_and_tells_nobody(desk: Desk) -> None:
    order_id = await desk.sold(TEA=2, shipped=False)
    before = await desk.shop.details(order_id)
    draft = desk.draft(
        order_id, ChangeKind.EDIT, CancelUnits(line_no=1, quantity=1), AddItem(sku="CUP", quantity=1, unit_price=1)
    )

    async def look(tx: Tx) -> int:
        await api.preview(tx, draft, SETTING)
        return len(tx.emitted)

    assert await desk.do(look) == 0
    assert await desk.shop.details(order_id) == before
    assert await desk.grants(order_id) == []


async def test_of_two_clerks_who_confirm_one_change_one_does_it(desk: Desk) -> None:
    order_id = await desk.sold(TEA=3, shipped=False)
    change, _ = await desk.request(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=1))
    answers = await asyncio.gather(*(desk.confirm(change) for _ in range(5)))
    assert sum(done is not None for _, done in answers) == 1
    assert {one.state for one, _ in answers} == {ChangeState.CONFIRMED}
    assert (await desk.shop.order(order_id)).cancelled == 1
    assert sum(one.amount for one in await desk.grants(order_id)) == 333


async def test_a_change_of_an_order_that_has_changed_since_is_stale(desk: Desk) -> None:
    order_id = await desk.sold(TEA=3, shipped=False)
    change, _ = await desk.request(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=1))
    await desk.do(lambda tx: orders.cancel(tx, order_id, [LineQuantity(1, 1)], "elsewhere"))
    with pytest.raises(Stale):
        await desk.confirm(change)
    assert (await desk.shop.order(order_id)).cancelled == 1
    with pytest.raises(Stale):
        await desk.do(
            lambda tx: api.request_change(
                tx, desk.draft(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=1)), SETTING, version=1
            )
        )


async def test_an_order_has_one_open_change(desk: Desk) -> None:
    order_id = await desk.sold(TEA=3, shipped=False)
    asked = [CancelUnits(line_no=1, quantity=1)]
    answers = await asyncio.gather(
        *(desk.request(order_id, ChangeKind.CANCEL, *asked) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(one, ChangeOpen) for one in answers) == 3
    change = next(one[0] for one in answers if not isinstance(one, BaseException))
    cancelled = await desk.do(lambda tx: api.cancel_change(tx, change.id))
    assert (cancelled.state, cancelled.ended_by) == ("cancelled", "system")
    await desk.request(order_id, ChangeKind.CANCEL, *asked)
    with pytest.raises(ChangeStepRefused):
        await desk.confirm(change)


async def test_what_gives_back_much_waits_for_approval(desk: Desk) -> None:
    await desk.do(lambda tx: api.create_policy(tx, PolicyDraft(code="careful", position=1, approval_above=500)))
    order_id = await desk.sold(TEA=3, shipped=False)
    small, seen = await desk.request(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=1))
    assert not seen.needs_approval
    await desk.do(lambda tx: api.cancel_change(tx, small.id))
    large, seen = await desk.request(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=2))
    assert seen.needs_approval
    with pytest.raises(ApprovalNeeded):
        await desk.confirm(large)
    approved = await desk.do(lambda tx: api.approve_change(tx, large.id, SETTING))
    assert (approved.state, approved.decided_by) == ("approved", "system")
    done, _ = await desk.confirm(large)
    assert done.state is ChangeState.CONFIRMED
    other, _ = await desk.request(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=1))
    declined = await desk.do(lambda tx: api.decline_change(tx, other.id, "no need"))
    assert (declined.state, declined.decision) == (ChangeState.DECLINED, "no need")
    with pytest.raises(ChangeStepRefused):
        await desk.confirm(other)


async def test_an_edit_leaves_what_is_picked_alone_and_a_cancellation_recalls_it(desk: Desk) -> None:
    order_id = await desk.sold(TEA=3, shipped=False)
    await desk.shop.settle()
    (work,) = await desk.shop.work(order_id)
    await desk.do(lambda tx: fulfilment.pick(tx, work.id))
    for action in (
        CancelUnits(line_no=1, quantity=1),
        ChangeAddress(address=Address(city="Lille", country="FR")),
        ChangeService(service=Service.EXPRESS),
    ):
        with pytest.raises(PickingBegun):
            await desk.request(order_id, ChangeKind.EDIT, action)
    await desk.change(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=3))
    (work,) = await desk.shop.work(order_id)
    assert work.state == "cancelled"


async def test_address_and_service_change_before_picking(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1, shipped=False)
    done = await desk.change(
        order_id,
        ChangeKind.EDIT,
        ChangeAddress(address=Address(city="Lille", country="FR")),
        ChangeService(service=Service.EXPRESS),
        AddCharge(kind=LineKind.SHIPPING, name="Express", amount=500, tax_rate="0.2"),
    )
    assert [effect.value for effect in done.effects] == [0, 0, 500]
    order = await desk.shop.order(order_id)
    assert (order.ship_to or {})["city"] == "Lille"
    assert (order.service, order.total, order.tax) == ("express", 833, 56 + 83)


async def test_a_kind_does_only_what_it_is_for(desk: Desk) -> None:
    order_id = await desk.sold(TEA=1, shipped=False)
    with pytest.raises(ActionNotAllowed) as refused:
        await desk.request(order_id, ChangeKind.CANCEL, AddItem(sku="CUP", quantity=1))
    assert refused.value.data["actions"] == [0]
    with pytest.raises(QuantityNotOpen):
        await desk.request(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=2))


async def test_over_the_counter_another_size_costs_nothing(desk: Desk) -> None:
    order_id = await desk.sold(CUP=1)
    done = await desk.change(
        order_id,
        ChangeKind.EXCHANGE,
        TakeBack(line_no=1, quantity=1, location_id=desk.shop.locations["store"]),
        AddItem(sku="CUP", quantity=1),
    )
    assert [effect.value for effect in done.effects] == [-1000, 1000]
    assert (done.after.owed_by_buyer, done.after.owed_to_buyer, done.granted) == (0, 0, 0)
    assert (await desk.shop.level("CUP", "store")).on_hand == 1


async def test_a_claim_on_one_of_three_units_goes_with_that_unit(desk: Desk) -> None:
    order_id = await desk.sold(CUP=3)
    done = await desk.change(order_id, ChangeKind.CLAIM, Allow(line_no=1, units=1, amount=1000))
    assert (done.after.value, done.after.granted) == (2000, 1000)
    store = desk.shop.locations["store"]
    done = await desk.change(order_id, ChangeKind.RETURN, TakeBack(line_no=1, quantity=2, location_id=store))
    assert (done.after.value, done.after.granted) == (0, 3000)
    done = await desk.change(order_id, ChangeKind.RETURN, TakeBack(line_no=1, quantity=1, location_id=store))
    assert (done.after.value, done.after.granted, done.granted) == (0, 3000, 0)


async def test_no_more_is_allowed_off_than_is_left(desk: Desk) -> None:
    order_id = await desk.sold(TEA=2, CUP=1)
    await desk.change(order_id, ChangeKind.ADJUSTMENT, Allow(amount=1000))
    with pytest.raises(OverAllowance) as refused:
        await desk.request(order_id, ChangeKind.ADJUSTMENT, Allow(amount=667))
    assert refused.value.data["left"] == 666
    await desk.change(order_id, ChangeKind.ADJUSTMENT, Allow(amount=666))
    assert (await desk.standing(order_id)).value == 0


async def test_nothing_is_promised_for_what_was_not_paid(desk: Desk) -> None:
    order_id = await desk.sold(TEA=2, paid=False)
    store = desk.shop.locations["store"]
    done = await desk.change(order_id, ChangeKind.RETURN, TakeBack(line_no=1, quantity=1, location_id=store))
    assert (done.granted, done.after.owed_by_buyer) == (0, 333)


async def test_an_unknown_change_is_told(desk: Desk) -> None:
    with pytest.raises(Refusal, match="No such change"):
        await desk.do(lambda tx: api.confirm_change(tx, ChangeId(uuid7()), SETTING))


async def approvers(desk: Desk, *names: str) -> list[str]:
    """People who may approve; gives what events say of them."""

    async def make(tx: Tx) -> list[str]:
        found: list[str] = []
        for name in names:
            draft = UserDraft(email=f"{name}@example.com", name=name, role=Role.OPERATIONS)
            found.append(f"user:{(await staff.create_user(tx, draft, 'a long enough phrase')).id}")
        return found

    return await desk.do(make)


def as_one(desk: Desk, actor: str) -> AbstractAsyncContextManager[Tx]:
    return desk.shop.database.transaction(Context(ActorId(actor)))


async def test_whoever_asked_does_not_approve_unless_nobody_else_could(desk: Desk) -> None:
    await desk.do(lambda tx: api.create_policy(tx, PolicyDraft(code="careful", position=1, approval_above=100)))
    (ada,) = await approvers(desk, "ada")
    order_id = await desk.sold(TEA=3, shipped=False)
    draft = desk.draft(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=1))
    async with as_one(desk, ada) as tx:
        made, _ = await api.request_change(tx, draft, SETTING)
    (bob,) = await approvers(desk, "bob")
    with pytest.raises(OwnApproval) as refused:
        async with as_one(desk, ada) as tx:
            await api.approve_change(tx, made.id, SETTING)
    assert refused.value.data["approvers"] == [bob]
    async with as_one(desk, bob) as tx:
        approved = await api.approve_change(tx, made.id, SETTING, "it was late")
    assert (approved.decided_by, approved.decision) == (bob, "it was late")
    await desk.confirm(made)
    async with as_one(desk, ada) as tx:
        alone, _ = await api.request_change(tx, draft, SETTING)
        await staff.set_active(tx, UserId(UUID(bob.removeprefix("user:"))), active=False)
    async with as_one(desk, ada) as tx:
        assert (await api.approve_change(tx, alone.id, SETTING)).state is ChangeState.APPROVED


async def test_a_change_of_an_order_that_changed_is_renewed_and_approved_again(desk: Desk) -> None:
    await desk.do(lambda tx: api.create_policy(tx, PolicyDraft(code="careful", position=1, approval_above=500)))
    order_id = await desk.sold(TEA=3, shipped=False)
    made, _ = await desk.request(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=2))
    await desk.do(lambda tx: api.approve_change(tx, made.id, SETTING))
    await desk.do(lambda tx: orders.allow(tx, order_id, 1, 300, "late"))
    with pytest.raises(Stale):
        await desk.confirm(made)
    renewed, seen = await desk.do(lambda tx: api.renew_change(tx, made.id, SETTING))
    assert (renewed.state, renewed.decided_by, renewed.needs_approval) == (ChangeState.REQUESTED, None, False)
    assert seen.given == 466
    done, _ = await desk.confirm(renewed)
    assert done.state is ChangeState.CONFIRMED


async def test_what_is_given_away_below_its_price_needs_approval_as_money_does(desk: Desk) -> None:
    await desk.do(lambda tx: api.create_policy(tx, PolicyDraft(code="careful", position=1, approval_above=500)))
    order_id = await desk.sold(CUP=1)
    again = AddItem(sku="CUP", quantity=1, unit_price=0)
    _, seen = await desk.request(order_id, ChangeKind.CLAIM, again)
    assert (seen.given, seen.approval_above, seen.needs_approval) == (1000, 500, True)


async def test_what_is_collected_elsewhere_finds_its_place_anew(desk: Desk) -> None:
    order_id, other = await desk.sold(TEA=3, shipped=False), await desk.sold(CUP=1, shipped=False)
    await desk.shop.settle()
    store, paris = desk.shop.locations["store"], desk.shop.locations["paris"]
    await desk.shop.receive("TEA", "store", 3)
    done = await desk.change(order_id, ChangeKind.EDIT, ChangePickup(location_id=store))
    order = await desk.shop.order(order_id)
    assert (order.service, order.pickup_location_id) == ("pickup", store)
    assert await desk.shop.reserved(order_id) == {(1, "store"): 3}
    assert sum(one.reserved for one in done.effects[0].stock) == 0
    await desk.change(other, ChangeKind.EDIT, ChangePickup(location_id=store))
    assert await desk.shop.reserved(other) == {(1, "paris"): 1}
    for key, place, method in ((order_id, store, "collect"), (other, paris, "send_to_store")):
        work = [one for one in await desk.shop.work(key) if one.state == "open"]
        assert [(one.location_id, one.method, one.service) for one in work] == [(place, method, "pickup")]
    with pytest.raises(NotCollectedThere):
        await desk.request(order_id, ChangeKind.EDIT, ChangePickup(location_id=paris))
    with pytest.raises(NoAddress):
        await desk.request(order_id, ChangeKind.EDIT, ChangePickup(location_id=None))
    home = ChangeAddress(address=Address(city="Lille", country="FR"))
    await desk.change(order_id, ChangeKind.EDIT, home, ChangeService(service=Service.EXPRESS))
    order = await desk.shop.order(order_id)
    assert (order.service, order.pickup_location_id) == ("express", None)
    assert await desk.shop.reserved(order_id) == {(1, "paris"): 3}
    assert {(one.method, one.service) for one in await desk.shop.work(order_id) if one.state == "open"} == {("ship", "express")}


async def test_what_is_packed_is_told_to_be_called_back(desk: Desk) -> None:
    order_id = await desk.sold(TEA=3, shipped=False)
    await desk.shop.settle()
    (work,) = await desk.shop.work(order_id)
    await desk.do(lambda tx: fulfilment.pick(tx, work.id))
    done = await desk.change(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=2))
    (recall,) = done.recalls
    assert (recall.number, recall.location_id, recall.picked, recall.packed) == (work.number, work.location_id, 2, 0)
    (work,) = await desk.shop.work(order_id)
    assert (work.quantity, work.picked) == (1, 1)


async def test_an_exchange_by_parcel_is_seen_before_it_is_announced(desk: Desk) -> None:
    order_id = await desk.sold(CUP=1)
    draft = ReturnDraft(order_id=order_id, units=(Units(1, 1),), exchange=(Extra("TEA", 2),))
    seen = await desk.do(lambda tx: api.preview_exchange(tx, draft, SETTING))
    assert await desk.shop.reserved(order_id) == {}
    case, done = await desk.do(lambda tx: api.announce_exchange(tx, draft, SETTING))
    assert done == seen
    assert (done.effects[0].value, done.after.owed_by_buyer) == (666, 666)
    assert await desk.shop.reserved(order_id) == {(2, "paris"): 2}
    assert tuple(case.exchange_lines) == (2,)


async def test_what_is_promised_becomes_store_credit(desk: Desk) -> None:
    order_id = await desk.sold(CUP=2, shipped=False)
    await desk.change(order_id, ChangeKind.CANCEL, CancelUnits(line_no=1, quantity=1))
    account, code, total = await desk.do(lambda tx: api.credit_out(tx, order_id))
    assert (account.balance, total, code is not None) == (1000, 1000, True)
    assert (await desk.standing(order_id)).granted == 0
    with pytest.raises(NothingToPayOut):
        await desk.do(lambda tx: api.credit_out(tx, order_id))


async def test_a_change_is_no_way_round_the_return_policies(desk: Desk) -> None:
    await desk.do(lambda tx: api.create_policy(tx, PolicyDraft(code="final", position=1, final_sale=True, exempt=True)))
    order_id = await desk.sold(CUP=2)
    store = desk.shop.locations["store"]
    change, seen = await desk.request(order_id, ChangeKind.RETURN, TakeBack(line_no=1, quantity=1, location_id=store))
    assert (seen.needs_approval, seen.against) == (True, ((1, Why.FINAL_SALE),))
    with pytest.raises(ApprovalNeeded):
        await desk.confirm(change)
    await desk.do(lambda tx: api.cancel_change(tx, change.id))
    faulty = TakeBack(line_no=1, quantity=1, location_id=store, reason=Reason.DEFECTIVE)
    done = await desk.change(order_id, ChangeKind.RETURN, faulty)
    assert (done.needs_approval, done.against) == (False, ())
