"""The label that we buy for a return: wanted, bought, moved by its carrier, and given back where nobody needs it.

Carriers are asked elsewhere, between transactions; here is written down how it stands.
"""

from __future__ import annotations

from datetime import timedelta

from comptoir.modules.changes import domain
from comptoir.modules.changes.contracts import LabelStanding, ReturnCase, ReturnCaseId, ReturnState, ReturnStep
from comptoir.modules.changes.errors import NoLabelGiven, NotSoldByUs
from comptoir.modules.changes.returning import get_return, load, move, settled, unlabelled
from comptoir.modules.changes.store import returns as store
from comptoir.runtime.database import Tx

LABEL_FOR = timedelta(days=28)
"""For which a label waits to be used. Carriers take back what is unused for thirty days."""
TRIES = 10
"""Then a person has to look."""
_COMING = (ReturnState.APPROVED, ReturnState.IN_TRANSIT)
_MOST = 300


async def want_label(tx: Tx, case_id: ReturnCaseId, *, regardless: bool = False) -> ReturnCase:
    """Somebody asks for the label of a return that is awaited; the one that there is stays. `regardless` of the terms: one of
    us gives it.

    Raises NotSoldByUs, and NoLabelGiven where the terms give none, or the last one is not given back yet.
    """
    case, order = await load(tx, case_id)
    if order is None:
        raise NotSoldByUs(return_case_id=case_id)
    if case.label is LabelStanding.BOUGHT:
        return case
    given = case.prepaid or regardless
    if case.state is not ReturnState.APPROVED or not given or case.label is LabelStanding.TO_VOID:
        raise NoLabelGiven(return_case_id=case_id, state=case.state, label=case.label)
    if case.label is not LabelStanding.WANTED:
        await store.put(tx, case_id, _wanted(tx))
    return await get_return(tx, case_id)


def _wanted(tx: Tx) -> dict[str, object]:
    return {
        "label": LabelStanding.WANTED.value,
        "label_at": tx.now,
        "label_tries": 0,
        "label_problem": "",
        "label_code": "",
    }


async def label_asked(tx: Tx, case_id: ReturnCaseId) -> ReturnCase:
    """A carrier is about to be asked: from now on there may be a label. Raises NoLabelGiven where none is wanted any more."""
    case, _ = await load(tx, case_id)
    if case.label is not LabelStanding.WANTED or case.state is not ReturnState.APPROVED:
        raise NoLabelGiven(return_case_id=case_id, state=case.state, label=case.label)
    tries = case.label_tries + 1
    await store.put(tx, case_id, {"label_tries": tries, "label_at": tx.now + domain.pause(tries)})
    return await get_return(tx, case_id)


async def label_bought(tx: Tx, case_id: ReturnCaseId, carrier: str, tracking_number: str) -> ReturnCase:
    """It is there. Where the return was given up meanwhile, it is to be given back."""
    case, _ = await load(tx, case_id)
    if case.label not in {LabelStanding.WANTED, LabelStanding.REFUSED}:
        return case
    wanted = case.state in _COMING
    values: dict[str, object] = {"label_problem": "", "label_code": "", "label_at": tx.now}
    if wanted:
        values |= {"label": LabelStanding.BOUGHT.value, "carrier": carrier, "tracking_number": tracking_number}
    else:
        values |= {"label": LabelStanding.TO_VOID.value}
    await store.put(tx, case_id, values)
    return await get_return(tx, case_id)


async def label_failed(tx: Tx, case_id: ReturnCaseId, code: str, problem: str, *, again: bool) -> ReturnCase:
    """No carrier has sold it. It is tried `again` by itself, or a person has to look."""
    case, _ = await load(tx, case_id)
    if case.label is not LabelStanding.WANTED:
        return case
    values: dict[str, object] = {"label_code": code[:64], "label_problem": problem[:_MOST]}
    if not again or case.label_tries >= TRIES:
        values["label"] = LabelStanding.REFUSED.value
    await store.put(tx, case_id, values)
    return await get_return(tx, case_id)


async def label_unwanted(tx: Tx, case_id: ReturnCaseId) -> ReturnCase:
    """Nobody needs it, or it was not used for too long: it is to be given back."""
    case, _ = await load(tx, case_id)
    await store.put(tx, case_id, unlabelled(tx, case))
    return await get_return(tx, case_id)


async def label_voided(tx: Tx, case_id: ReturnCaseId, code: str = "", problem: str = "") -> ReturnCase:
    """It is given back; with a `problem`, its carrier does not take it, and it stays paid for."""
    case, _ = await load(tx, case_id)
    if case.label is not LabelStanding.TO_VOID:
        return case
    values: dict[str, object] = {
        "label": LabelStanding.VOIDED.value,
        "label_at": None,
        "label_code": code[:64],
        "label_problem": problem[:_MOST],
    }
    if case.sent_at is None:
        values |= {"carrier": "", "tracking_number": ""}
    await store.put(tx, case_id, values)
    return await get_return(tx, case_id)


async def label_put_off(tx: Tx, case_id: ReturnCaseId) -> None:
    """Its carrier could not be asked to take it back: again in an hour."""
    await store.put(tx, case_id, {"label_at": tx.now + timedelta(hours=1)})


async def first_scan(tx: Tx, case_id: ReturnCaseId) -> ReturnCase:
    """The carrier of our label has the parcel: the return is on its way, and what the terms refund then is promised."""
    case, _ = await load(tx, case_id)
    if case.state is not ReturnState.APPROVED or case.sent_at is not None:
        return case
    label = LabelStanding.BOUGHT.value  # one that was to be given back was used all the same
    return await settled(tx, await move(tx, case, ReturnStep.SEND, sent_at=tx.now, label=label))


async def labels_due(tx: Tx, limit: int) -> list[ReturnCase]:
    """Returns whose label is to be bought or given back now, those that wait longest first."""
    ids = await store.labels_due(tx, tx.now, tx.now - LABEL_FOR, limit)
    return [await get_return(tx, one) for one in ids]
