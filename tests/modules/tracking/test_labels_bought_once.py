from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from comptoir.kernel.errors import Fault, Refusal
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import LabelState, TroubleKind
from comptoir.modules.tracking.errors import LabelBusy, LabelNotInThatState
from comptoir.sdk.carriers import CarrierUnavailable, NotAuthorised, OutcomeUnknown, ShipmentRejected
from support.depot import Depot


async def test_a_label_is_bought_once_however_often_it_is_asked_for(depot: Depot) -> None:
    order_id, box = await depot.order(), uuid4()
    first = await depot.desk.buy(depot.wanted(order_id, box))
    again = await depot.desk.buy(depot.wanted(order_id, box))
    assert first.id == again.id
    assert (first.state, first.cost, first.currency) == (LabelState.BOUGHT, 820, "USD")
    assert depot.far.bought() == 1
    assert [kind for kind, _ in await depot.events("label.")] == ["label.bought"]


async def test_a_label_whose_answer_was_lost_is_found_and_no_second_one_is_bought(depot: Depot) -> None:
    order_id, box = await depot.order(), uuid4()
    depot.far.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await depot.desk.buy(depot.wanted(order_id, box))
    assert depot.far.bought() == 1
    found = await depot.desk.buy(depot.wanted(order_id, box))
    assert found.state is LabelState.BOUGHT
    assert found.tracking_number
    assert depot.far.bought() == 1


async def test_a_lost_answer_is_also_looked_up_without_anybody_asking(depot: Depot) -> None:
    order_id, box = await depot.order(), uuid4()
    depot.far.lose_answer(502)
    with pytest.raises(OutcomeUnknown):
        await depot.desk.buy(depot.wanted(order_id, box))
    await depot.free()
    assert await depot.desk.settle_all() == 1
    async with depot.database.read() as reader:
        (row,) = await tracking.labels.of_subjects(reader, [box])
    assert row.state is LabelState.BOUGHT
    assert depot.far.bought() == 1


async def test_a_clerk_who_dies_before_the_answer_leaves_a_row_that_is_looked_up(depot: Depot) -> None:
    order_id, box = await depot.order(), uuid4()
    async with depot.database.transaction() as tx:
        asked = await tracking.labels.ask(tx, depot.keyring, depot.wanted(order_id, box))
    _, carrier = await depot.carriage.account(depot.account_id)
    assert asked.request is not None
    await carrier.buy(asked.request)  # and nobody wrote it down
    with pytest.raises(LabelBusy):
        await depot.desk.buy(depot.wanted(order_id, box))
    await depot.free()
    assert (await depot.desk.buy(depot.wanted(order_id, box))).state is LabelState.BOUGHT
    assert depot.far.bought() == 1


async def test_of_two_clerks_at_once_one_buys_and_the_other_is_told_so(depot: Depot) -> None:
    order_id, box = await depot.order(), uuid4()
    answers = await asyncio.gather(*(depot.desk.buy(depot.wanted(order_id, box)) for _ in range(5)), return_exceptions=True)
    assert depot.far.bought() == 1
    bought = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert bought
    assert len({label.id for label in bought}) == 1
    assert all(isinstance(answer, LabelBusy) for answer in answers if isinstance(answer, BaseException))


async def test_a_carrier_that_is_down_is_a_clear_fault_and_loses_nothing(depot: Depot) -> None:
    order_id, box = await depot.order(), uuid4()
    depot.far.fail(503, retry_after=30)
    with pytest.raises(CarrierUnavailable) as caught:
        await depot.desk.buy(depot.wanted(order_id, box))
    assert caught.value.retry_after == 30
    depot.far.recover()
    async with depot.database.read() as reader:
        (row,) = await tracking.labels.of_subjects(reader, [box])
    assert (row.state, row.problem_code) == (LabelState.ASKED, "carrier_unavailable")
    assert (await depot.desk.settle(row.id)).state is LabelState.BOUGHT
    assert depot.far.bought() == 1


async def test_a_slow_carrier_is_not_waited_for_for_ever(depot: Depot) -> None:
    order_id, box = await depot.order(), uuid4()
    depot.far.stall()
    depot.desk._patience = 0.2
    with pytest.raises((OutcomeUnknown, CarrierUnavailable)):
        await depot.desk.buy(depot.wanted(order_id, box))
    depot.far.recover()
    depot.desk._patience = 30
    assert (await depot.desk.buy(depot.wanted(order_id, box))).state is LabelState.BOUGHT
    assert depot.far.bought() == 1


async def test_a_parcel_that_the_carrier_does_not_take_is_put_before_a_person(depot: Depot) -> None:
    order_id, box = await depot.order(), uuid4()
    depot.far.buy_error = (422, "ADDRESS.INVALID")
    with pytest.raises(ShipmentRejected):
        await depot.desk.buy(depot.wanted(order_id, box))
    (trouble,) = await depot.troubles()
    assert (trouble.kind, trouble.order_id) == (TroubleKind.REJECTED, order_id)
    async with depot.database.read() as reader:
        assert await reader.value("SELECT request FROM tracking.labels") is None
    corrected = await depot.desk.buy(depot.wanted(order_id, box))
    assert corrected.state is LabelState.BOUGHT
    assert depot.far.bought() == 1


async def test_a_key_that_is_not_accepted_is_told_on_the_account(depot: Depot) -> None:
    order_id = await depot.order()
    depot.far.revoke()
    with pytest.raises(NotAuthorised):
        await depot.desk.buy(depot.wanted(order_id))
    async with depot.database.read() as reader:
        account = await tracking.accounts.get(reader, depot.account_id)
    assert account.problem


async def test_a_label_that_was_given_back_makes_room_for_another(depot: Depot) -> None:
    order_id, box = await depot.order(), uuid4()
    depot.far.refund_status = "refunded"
    first = await depot.desk.buy(depot.wanted(order_id, box))
    assert (await depot.desk.void(first.id)).state is LabelState.VOIDED
    assert (await depot.desk.void(first.id)).state is LabelState.VOIDED
    second = await depot.desk.buy(depot.wanted(order_id, box))
    assert second.id != first.id
    assert second.reference != first.reference
    assert [kind for kind, _ in await depot.events("label.")] == ["label.bought", "label.voided", "label.bought"]


async def test_a_refund_that_takes_its_time_is_asked_for_until_it_is_there(depot: Depot) -> None:
    label = await depot.desk.buy(depot.wanted(await depot.order()))
    assert (await depot.desk.void(label.id)).state is LabelState.VOIDING
    await depot.free()
    await depot.desk.settle_all()
    assert (await depot.label(label.id)).state is LabelState.VOIDING
    depot.far.shipments[label.shipment_ref]["refund_status"] = "refunded"
    await depot.free()
    assert await depot.desk.settle_all() == 1
    assert (await depot.label(label.id)).state is LabelState.VOIDED
    with pytest.raises(LabelNotInThatState):
        async with depot.database.transaction() as tx:
            await tracking.labels.failed(tx, label.id, ShipmentRejected("easypost", "no"))
            await tracking.labels.missed(tx, label.id, go_on=True)


async def test_labels_go_on_one_manifest_once(depot: Depot) -> None:
    order_id = await depot.order()
    labels = [await depot.desk.buy(depot.wanted(order_id)) for _ in range(3)]
    (manifest,) = await depot.desk.manifest([label.id for label in labels])
    assert set(manifest.tracking_numbers) == {label.tracking_number for label in labels}
    assert await depot.desk.manifest([label.id for label in labels]) == []


async def test_credentials_and_addresses_are_not_readable_in_the_database(depot: Depot) -> None:
    order_id = await depot.order()
    depot.far.fail(503)
    with pytest.raises(Fault):
        await depot.desk.buy(depot.wanted(order_id))
    async with depot.database.read() as reader:
        sealed = await reader.value("SELECT credentials FROM tracking.accounts")
        request = await reader.value("SELECT request FROM tracking.labels")
    assert b"EZTK" not in sealed
    assert b"Redondo" not in request


@pytest.mark.parametrize("credentials", [{}, {"api_key": "  "}, {"api_key": "EZTK1", "pin": "1"}])
async def test_an_account_wants_its_credentials_and_no_others(depot: Depot, credentials: dict[str, str]) -> None:
    from comptoir.modules.tracking.contracts import AccountDraft  # noqa: PLC0415

    with pytest.raises(Refusal):
        async with depot.database.transaction() as tx:
            await depot.carriage.connect(tx, AccountDraft(connector="easypost", name="x"), credentials)


async def test_a_key_that_ends_while_a_lost_label_is_looked_for_does_not_make_room_for_a_second_one(depot: Depot) -> None:
    order_id, box = await depot.order(), uuid4()
    depot.far.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await depot.desk.buy(depot.wanted(order_id, box))
    depot.far.revoke()
    with pytest.raises(NotAuthorised):
        await depot.desk.buy(depot.wanted(order_id, box))
    depot.far.recover()
    assert (await depot.desk.buy(depot.wanted(order_id, box))).state is LabelState.BOUGHT
    assert depot.far.bought() == 1


async def test_a_label_that_nobody_wants_any_more_is_not_bought_by_itself_and_makes_room(depot: Depot) -> None:
    order_id, box = await depot.order(), uuid4()
    depot.far.fail(503)
    with pytest.raises(CarrierUnavailable):
        await depot.desk.buy(depot.wanted(order_id, box))
    depot.far.recover()
    await depot.free()
    await depot.desk.settle_all()
    assert depot.far.bought() == 0
    async with depot.database.transaction() as tx:
        (row,) = await tracking.labels.of_subjects(tx, [box])
        assert (await tracking.labels.give_up(tx, row.id)).state is LabelState.REFUSED
    other = await depot.desk.buy(depot.wanted(order_id, box, service="UPS/Ground"))
    assert (other.state, other.service) == (LabelState.BOUGHT, "UPS/Ground")


async def test_a_label_that_may_have_been_bought_cannot_be_given_up(depot: Depot) -> None:
    order_id, box = await depot.order(), uuid4()
    depot.far.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await depot.desk.buy(depot.wanted(order_id, box))
    with pytest.raises(LabelNotInThatState):
        async with depot.database.transaction() as tx:
            (row,) = await tracking.labels.of_subjects(tx, [box])
            await tracking.labels.give_up(tx, row.id)
