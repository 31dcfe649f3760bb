from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
import pytest_asyncio

from comptoir.kernel.time import utcnow
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    AccountDraft,
    Answer,
    AnswerKind,
    CaseInstruction,
    CaseState,
    InstructionState,
)
from comptoir.modules.tracking.errors import AccountInactive, CarrierBeingTold, CaseClosed, NotFollowed
from comptoir.sdk.carriers import CarrierCannot, NotAuthorised, OutcomeUnknown, ShipmentRejected
from comptoir.surfaces.carriage import Carriage, ConnectorKind
from comptoir.surfaces.parcels import ParcelDesk
from support.carriers import simulated
from support.depot import Depot, scan
from support.doorstep import INFO, Doorstep, DoorstepSimulator


@pytest_asyncio.fixture
async def far() -> AsyncIterator[DoorstepSimulator]:
    async with simulated(DoorstepSimulator()) as simulator:
        yield simulator


@pytest_asyncio.fixture
async def told(depot: Depot, far: DoorstepSimulator) -> Depot:
    """Whose parcels go with a carrier that takes instructions."""
    kinds = {**depot.carriage.kinds, INFO.key: ConnectorKind(INFO, lambda http, _: Doorstep(http, far.url))}
    depot.carriage = Carriage(depot.database, depot.keyring, depot.http, kinds)
    depot.desk = ParcelDesk(depot.database, depot.keyring, depot.http, depot.carriage)
    async with depot.database.transaction() as tx:
        draft = AccountDraft(connector=INFO.key, name="Doorstep", carriers=(INFO.key,))
        depot.account_id = (await tracking.accounts.create(tx, depot.keyring, draft, {})).id
    return depot


async def failed(depot: Depot, far: DoorstepSimulator | None, number: str = "D1", carrier: str = INFO.key) -> OrderId:
    order_id = await depot.order()
    await depot.ship(order_id, number, carrier=carrier)
    await depot.say(number, scan("out_for_delivery", hours=5), scan("delivery_failed", hours=1))
    if far is not None:
        far.parcels.add(number)
    return order_id


async def answer(depot: Depot, order_id: OrderId, given: Answer, *, long_ago: bool = True) -> None:
    parcel = await depot.parcel(order_id)
    async with depot.database.transaction() as tx:
        await tracking.cases.answer(tx, parcel.id, given)
        if long_ago:
            await tx.run("UPDATE tracking.cases SET answered_at = answered_at - interval '1 hour'")


async def instruction(depot: Depot, order_id: OrderId) -> CaseInstruction:
    found = (await depot.details(order_id)).instruction
    assert found is not None
    return found


async def later(depot: Depot) -> None:
    """As if every pause and every lease had ended."""
    async with depot.database.transaction() as tx:
        await tx.run("UPDATE tracking.instructions SET next_at = now(), busy_until = NULL")


def in_two_days() -> date:
    return utcnow().date() + timedelta(days=2)


async def test_what_the_buyer_answers_is_told_to_the_carrier(told: Depot, far: DoorstepSimulator) -> None:
    order_id = await failed(told, far)
    assert await told.desk.teller.instruct_all() == 0  # the buyer has said nothing
    await answer(told, order_id, Answer(kind=AnswerKind.DATE, on=in_two_days(), note="Ring twice."))
    assert await told.desk.teller.instruct_all() == 1
    (said,) = far.taken.values()
    assert (said["number"], said["kind"], said["on"]) == ("D1", "reattempt", in_two_days().isoformat())
    assert (said["to"], said["note"]) == (["Camille Roux", "3 rue des Lilas", "13001", "Marseille", "FR"], "Ring twice.")
    assert (await told.case(order_id)).state is CaseState.REATTEMPT
    assert await told.troubles() == []
    row = await instruction(told, order_id)
    assert (row.state, row.confirmation, row.reference) == (InstructionState.TOLD, "DS-1", said["reference"])
    assert [kind for kind, _ in await told.events()][-2:] == ["parcel.answered", "parcel.instructed"]
    assert await told.desk.teller.instruct_all() == 0
    assert len(far.taken) == 1


async def test_another_address_is_told_whole_and_stays_out_of_the_log(told: Depot, far: DoorstepSimulator) -> None:
    order_id = await failed(told, far)
    await answer(told, order_id, Answer(kind=AnswerKind.ADDRESS, line1="5 rue des Lys", postcode="13002", city="Marseille"))
    assert await told.desk.teller.instruct_all() == 1
    (said,) = far.taken.values()
    assert (said["kind"], said["to"]) == ("address", ["Camille Roux", "5 rue des Lys", "13002", "Marseille", "FR"])
    assert "Lys" not in repr(await told.events())


async def test_a_buyer_has_a_while_to_think_again_and_the_last_word_is_told(told: Depot, far: DoorstepSimulator) -> None:
    order_id = await failed(told, far)
    await answer(told, order_id, Answer(kind=AnswerKind.DATE, on=in_two_days()), long_ago=False)
    assert await told.desk.teller.instruct_all() == 0
    await answer(told, order_id, Answer(kind=AnswerKind.RETURN))
    assert await told.desk.teller.instruct_all() == 1
    assert [said["kind"] for said in far.taken.values()] == ["return"]
    assert (await told.case(order_id)).state is CaseState.RETURNING


async def test_staff_tell_it_without_waiting(told: Depot, far: DoorstepSimulator) -> None:
    order_id = await failed(told, far)
    parcel = await told.parcel(order_id)
    with pytest.raises(CaseClosed):
        await told.desk.teller.instruct(parcel.id)
    await answer(told, order_id, Answer(kind=AnswerKind.RETURN), long_ago=False)
    assert (await told.desk.teller.instruct(parcel.id)).state is InstructionState.TOLD
    assert len(far.taken) == 1


async def test_silence_is_told_as_well(told: Depot, far: DoorstepSimulator) -> None:
    order_id = await failed(told, far)
    async with told.database.transaction() as tx:
        await tx.run("UPDATE tracking.cases SET answer_until = now() - interval '1 minute'")
        await tracking.cases.time_out(tx, 10)
    assert await told.desk.teller.instruct_all() == 1
    assert [(said["kind"], said["on"]) for said in far.taken.values()] == [("reattempt", None)]
    assert (await told.case(order_id)).state is CaseState.REATTEMPT


@pytest.mark.parametrize("status", [None, 500])
async def test_a_lost_answer_is_told_again_and_taken_once(told: Depot, far: DoorstepSimulator, status: int | None) -> None:
    order_id = await failed(told, far)
    await answer(told, order_id, Answer(kind=AnswerKind.RETURN))
    far.lose_answer(status)
    assert await told.desk.teller.instruct_all() == 0
    row = await instruction(told, order_id)
    assert (row.state, row.attempts, len(far.taken)) == (InstructionState.UNKNOWN, 1, 1)
    assert (await told.case(order_id)).state is CaseState.ANSWERED
    assert await told.desk.teller.instruct_all() == 0  # not at once
    await later(told)
    assert await told.desk.teller.instruct_all() == 1
    assert len(far.taken) == 1
    assert (await instruction(told, order_id)).state is InstructionState.TOLD
    assert (await told.case(order_id)).state is CaseState.RETURNING


async def test_a_carrier_that_never_answers_is_called_by_a_person(told: Depot, far: DoorstepSimulator) -> None:
    order_id = await failed(told, far)
    await answer(told, order_id, Answer(kind=AnswerKind.RETURN))
    far.fail(503)
    for _ in range(len(tracking.instructing.AGAIN_AFTER)):
        assert await told.desk.teller.instruct_all() == 0
        assert (await instruction(told, order_id)).state is InstructionState.UNKNOWN
        await later(told)
    assert await told.desk.teller.instruct_all() == 0
    assert (await instruction(told, order_id)).state is InstructionState.REFUSED
    assert [trouble.reason for trouble in await told.troubles()] == ["call the carrier: return"]
    await later(told)
    far.recover()
    assert await told.desk.teller.instruct_all() == 0  # a person has it now
    assert (await told.desk.teller.instruct((await told.parcel(order_id)).id)).state is InstructionState.TOLD


async def test_what_a_carrier_does_not_take_is_a_task_for_a_person(told: Depot, far: DoorstepSimulator) -> None:
    order_id = await failed(told, far)
    await answer(told, order_id, Answer(kind=AnswerKind.PICKUP, pickup_point="Relais du Port"))
    parcel = await told.parcel(order_id)
    with pytest.raises(CarrierCannot):
        await told.desk.teller.instruct(parcel.id)
    row = await instruction(told, order_id)
    assert (row.state, "no pickup points" in row.problem) == (InstructionState.CANNOT, True)
    assert [trouble.reason for trouble in await told.troubles()] == ["call the carrier: pickup"]
    assert (await told.case(order_id)).state is CaseState.ANSWERED
    assert await told.desk.teller.instruct_all() == 0
    assert far.taken == {}


async def test_a_carrier_that_takes_no_instructions_is_called(told: Depot) -> None:
    async with told.database.read() as reader:
        easypost = next(one for one in await tracking.accounts.everything(reader) if one.connector == "easypost")
    told.account_id = easypost.id
    order_id = await failed(told, None, "E1", "easypost")
    await answer(told, order_id, Answer(kind=AnswerKind.RETURN))
    assert await told.desk.teller.instruct_all() == 0
    row = await instruction(told, order_id)
    assert (row.state, "EasyPost takes no instructions" in row.problem) == (InstructionState.CANNOT, True)


async def test_a_parcel_of_which_nobody_tells_is_a_task_for_a_person(told: Depot) -> None:
    order_id = await failed(told, None)
    async with told.database.transaction() as tx:
        await tx.run("UPDATE tracking.parcels SET account_id = NULL")
    await answer(told, order_id, Answer(kind=AnswerKind.RETURN))
    with pytest.raises(NotFollowed):
        await told.desk.teller.instruct((await told.parcel(order_id)).id)
    assert (await instruction(told, order_id)).state is InstructionState.CANNOT
    assert await told.desk.teller.instruct_all() == 0


async def test_a_refusal_a_key_and_a_switched_off_account_are_seen(told: Depot, far: DoorstepSimulator) -> None:
    order_id = await failed(told, None)  # the carrier does not know the parcel
    await answer(told, order_id, Answer(kind=AnswerKind.RETURN))
    parcel = await told.parcel(order_id)
    with pytest.raises(ShipmentRejected):
        await told.desk.teller.instruct(parcel.id)
    assert (await instruction(told, order_id)).state is InstructionState.REFUSED
    far.revoke()
    with pytest.raises(NotAuthorised):
        await told.desk.teller.instruct(parcel.id)
    async with told.database.transaction() as tx:
        account = await tracking.accounts.get(tx, told.account_id)
        assert "not accepted" in account.problem
        await tracking.accounts.update(tx, told.keyring, account.id, replace(account, active=False))
    told.carriage.forget(told.account_id)
    with pytest.raises(AccountInactive):
        await told.desk.teller.instruct(parcel.id)
    assert far.taken == {}


async def test_two_who_tell_at_once_tell_it_once(told: Depot, far: DoorstepSimulator) -> None:
    order_id = await failed(told, far)
    await answer(told, order_id, Answer(kind=AnswerKind.RETURN))
    parcel = await told.parcel(order_id)
    async with told.database.transaction() as tx:
        telling = await tracking.instructing.ask(tx, parcel.id)
    with pytest.raises(CarrierBeingTold):
        await told.desk.teller.instruct(parcel.id)
    assert await told.desk.teller.instruct_all() == 0
    await later(told)  # whoever told it has died
    assert await told.desk.teller.instruct_all() == 1
    assert set(far.taken) == {telling.instruction.reference}


async def test_an_answer_that_changes_while_the_old_one_is_told_is_told_next(told: Depot, far: DoorstepSimulator) -> None:
    order_id = await failed(told, far)
    await answer(told, order_id, Answer(kind=AnswerKind.RETURN))
    parcel = await told.parcel(order_id)
    async with told.database.transaction() as tx:
        telling = await tracking.instructing.ask(tx, parcel.id)
    await answer(told, order_id, Answer(kind=AnswerKind.DATE, on=in_two_days()))
    _, carrier = await told.carriage.account(told.account_id)
    came = await carrier.instruct(telling.instruction)
    async with told.database.transaction() as tx:
        await tracking.instructing.told(tx, telling.id, came)
    assert (await told.case(order_id)).state is CaseState.ANSWERED
    assert await told.desk.teller.instruct_all() == 1
    assert [said["kind"] for said in far.taken.values()] == ["return", "reattempt"]
    assert (await told.case(order_id)).state is CaseState.REATTEMPT


async def test_a_silent_carrier_is_not_waited_for_for_ever(told: Depot, far: DoorstepSimulator) -> None:
    order_id = await failed(told, far)
    await answer(told, order_id, Answer(kind=AnswerKind.RETURN))
    impatient = ParcelDesk(told.database, told.keyring, told.http, told.carriage, patience=0.2)
    far.stall()
    with pytest.raises(OutcomeUnknown):
        await impatient.teller.instruct((await told.parcel(order_id)).id)
    assert (await instruction(told, order_id)).state is InstructionState.UNKNOWN
