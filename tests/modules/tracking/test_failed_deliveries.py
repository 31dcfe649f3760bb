from __future__ import annotations

from datetime import timedelta

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.kernel.time import utcnow
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Answer, AnswerKind, CaseState, CaseStep, FailReason, LabelState, TroubleKind
from comptoir.modules.tracking.domain.states import CASE_STEPS, ENDED, LABEL_STEPS, fail_reason
from comptoir.modules.tracking.errors import CaseClosed
from support.depot import Depot, scan

ADDRESS = Answer(kind=AnswerKind.ADDRESS, line1="5 rue des Lilas", postcode="13001", city="Marseille")


async def failed(depot: Depot, number: str = "F1", detail: str = "recipient_unavailable") -> OrderId:
    order_id = await depot.shipped(number)
    await depot.say(number, scan("out_for_delivery", hours=5), scan("delivery_failed", hours=1, detail=detail))
    return order_id


async def answer(depot: Depot, order_id: OrderId, given: Answer) -> CaseState:
    parcel = await depot.parcel(order_id)
    async with depot.database.transaction() as tx:
        return (await tracking.cases.answer(tx, parcel.id, given)).state


async def carry_out(depot: Depot, order_id: OrderId, step: CaseStep) -> CaseState:
    parcel = await depot.parcel(order_id)
    async with depot.database.transaction() as tx:
        return (await tracking.cases.carry_out(tx, parcel.id, step)).state


async def test_a_failed_delivery_asks_its_buyer_once_and_is_seen(depot: Depot) -> None:
    order_id = await failed(depot)
    case = await depot.case(order_id)
    assert (case.state, case.reason, case.attempts) == (CaseState.ASKED, FailReason.ABSENT, 1)
    assert [(trouble.kind, trouble.reason) for trouble in await depot.troubles()] == [(TroubleKind.FAILED, "asked: absent")]
    await depot.say("F1", scan("delivery_failed", hours=1, detail="recipient_unavailable", text="other words"))
    kinds = [kind for kind, _ in await depot.events()]
    assert kinds.count("parcel.failed") == 2  # said in other words, it is another attempt
    assert (await depot.case(order_id)).attempts == 2


async def test_a_failure_that_is_told_after_the_delivery_asks_nobody(depot: Depot) -> None:
    order_id = await depot.shipped("F2")
    await depot.say("F2", scan("delivered"))
    await depot.say("F2", scan("delivery_failed", hours=24))
    assert (await depot.details(order_id)).case is None


async def test_an_answer_is_carried_out_and_the_parcel_arrives(depot: Depot) -> None:
    order_id = await failed(depot, detail="address_correction")
    assert (await depot.case(order_id)).reason is FailReason.ADDRESS
    assert await answer(depot, order_id, ADDRESS) is CaseState.ANSWERED
    assert [trouble.reason for trouble in await depot.troubles()] == ["answered: address"]
    changed = Answer(kind=AnswerKind.DATE, on=utcnow().date() + timedelta(days=2))
    assert await answer(depot, order_id, changed) is CaseState.ANSWERED
    assert await carry_out(depot, order_id, CaseStep.TRY_AGAIN) is CaseState.REATTEMPT
    assert await depot.troubles() == []
    with pytest.raises(CaseClosed):
        await answer(depot, order_id, ADDRESS)
    await depot.say("F1", scan("delivered"))
    case = await depot.case(order_id)
    assert case.state is CaseState.DELIVERED
    assert case.closed_at is not None


async def test_what_a_buyer_answers_is_not_in_the_log_of_events(depot: Depot) -> None:
    order_id = await failed(depot)
    await answer(depot, order_id, ADDRESS)
    assert "Lilas" not in repr(await depot.events())


async def test_a_second_failure_asks_again(depot: Depot) -> None:
    order_id = await failed(depot)
    await answer(depot, order_id, Answer(kind=AnswerKind.PICKUP, pickup_point="Relais du Port"))
    await carry_out(depot, order_id, CaseStep.TRY_AGAIN)
    await depot.say("F1", scan("delivery_failed", at=utcnow(), text="Address incorrect"))
    case = await depot.case(order_id)
    assert (case.state, case.attempts, case.answer) == (CaseState.ASKED, 2, None)
    await answer(depot, order_id, Answer(kind=AnswerKind.RETURN))
    assert await carry_out(depot, order_id, CaseStep.SEND_BACK) is CaseState.RETURNING
    await depot.say("F1", scan("returning", at=utcnow() + timedelta(seconds=1)))
    await depot.say("F1", scan("returned", at=utcnow() + timedelta(seconds=2)))
    assert (await depot.case(order_id)).state is CaseState.RETURNED


async def test_a_buyer_who_says_nothing_is_not_waited_for_for_ever(depot: Depot) -> None:
    order_id = await failed(depot)
    async with depot.database.transaction() as tx:
        assert await tracking.cases.time_out(tx, 10) == 0
        await tx.run("UPDATE tracking.cases SET answer_until = now() - interval '1 minute'")
        assert await tracking.cases.time_out(tx, 10) == 1
    assert (await depot.case(order_id)).state is CaseState.UNANSWERED
    assert [trouble.reason for trouble in await depot.troubles()] == ["unanswered: try_again"]


async def test_a_late_answer_is_taken_as_long_as_nobody_has_acted(depot: Depot) -> None:
    order_id = await failed(depot)
    async with depot.database.transaction() as tx:
        await tx.run("UPDATE tracking.cases SET answer_until = now() - interval '1 minute'")
        await tracking.cases.time_out(tx, 10)
    assert await answer(depot, order_id, ADDRESS) is CaseState.ANSWERED
    assert [trouble.reason for trouble in await depot.troubles()] == ["answered: address"]
    await carry_out(depot, order_id, CaseStep.TRY_AGAIN)
    with pytest.raises(CaseClosed):
        await answer(depot, order_id, ADDRESS)


async def test_a_buyer_who_says_nothing_is_reminded_once_before_the_term_ends(depot: Depot) -> None:
    order_id = await failed(depot)
    version = (await depot.case(order_id)).version
    for left, reminded in (("30 hours", 0), ("20 hours", 1), ("10 hours", 0)):
        async with depot.database.transaction() as tx:
            await tx.run(f"UPDATE tracking.cases SET answer_until = now() + interval '{left}'")
            assert await tracking.cases.remind(tx, 10) == reminded
    case = await depot.case(order_id)
    assert case.reminded_at is not None
    assert case.version == version  # what the carrier is to be told is no other
    assert [data["reason"] for kind, data in await depot.events() if kind == "parcel.reminded"] == ["absent"]


async def test_an_answer_whose_day_has_passed_without_an_attempt_is_seen(depot: Depot) -> None:
    order_id = await failed(depot)
    tomorrow = utcnow().date() + timedelta(days=1)
    await answer(depot, order_id, Answer(kind=AnswerKind.DATE, on=tomorrow))
    await carry_out(depot, order_id, CaseStep.TRY_AGAIN)
    case = await depot.case(order_id)
    assert case.due_at is not None
    assert case.due_at.date() == tomorrow + timedelta(days=1)
    async with depot.database.transaction() as tx:
        assert await tracking.cases.chase(tx, 10) == 0
        await tx.run("UPDATE tracking.cases SET due_at = now() - interval '1 minute'")
        assert await tracking.cases.chase(tx, 10) == 1
        assert await tracking.cases.chase(tx, 10) == 0
    assert [(one.kind, one.reason) for one in await depot.troubles()] == [(TroubleKind.FAILED, "overdue: date")]
    await depot.say("F1", scan("out_for_delivery", at=utcnow()))
    assert await depot.troubles() == []


async def test_a_new_attempt_in_time_is_no_trouble(depot: Depot) -> None:
    order_id = await failed(depot)
    await answer(depot, order_id, ADDRESS)
    await carry_out(depot, order_id, CaseStep.TRY_AGAIN)
    await depot.say("F1", scan("out_for_delivery", at=utcnow()))
    assert (await depot.case(order_id)).due_at is None


@pytest.mark.parametrize(
    "given",
    [
        Answer(kind=AnswerKind.DATE),
        Answer(kind=AnswerKind.DATE, on=utcnow().date() - timedelta(days=1)),
        Answer(kind=AnswerKind.DATE, on=utcnow().date() + timedelta(days=60)),
        Answer(kind=AnswerKind.ADDRESS, line1="5 rue des Lilas"),
        Answer(kind=AnswerKind.PICKUP),
        Answer(kind=AnswerKind.RETURN, note="x" * 201),
    ],
)
async def test_an_answer_that_nobody_could_carry_out_is_refused_and_changes_nothing(depot: Depot, given: Answer) -> None:
    order_id = await failed(depot)
    with pytest.raises(Invalid):
        await answer(depot, order_id, given)
    assert (await depot.case(order_id)).state is CaseState.ASKED


def test_every_case_comes_to_an_end_and_every_label_too() -> None:
    reachable = {CaseState.ASKED}
    while True:
        further = reachable | {after for (state, _), after in CASE_STEPS.items() if state in reachable}
        if further == reachable:
            break
        reachable = further
    assert reachable == set(CaseState)
    for state in set(CaseState) - ENDED:
        assert any(after in ENDED for (before, _), after in CASE_STEPS.items() if before is state)
    assert {state for state, _ in LABEL_STEPS} | set(LABEL_STEPS.values()) == set(LabelState)


@pytest.mark.parametrize(
    ("detail", "text", "reason"),
    [
        ("ndr:1", "", FailReason.ABSENT),
        ("ndr:6", "", FailReason.ADDRESS),
        ("", "Livraison impossible : adresse incomplète", FailReason.ADDRESS),
        ("refused", "", FailReason.REFUSED),
        ("", "Business closed", FailReason.CLOSED),
        ("weather_delay", "", FailReason.CARRIER),
        ("", "Beamed up", FailReason.OTHER),
    ],
)
def test_a_reason_is_read_from_codes_and_words(detail: str, text: str, reason: FailReason) -> None:
    assert fail_reason(detail, text) is reason
