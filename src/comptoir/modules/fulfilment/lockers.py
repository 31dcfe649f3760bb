"""Lockers: compartments of a location in which an order waits until somebody types its code.

What opens them is made by whoever runs them (`sdk.lockers`), sealed before it comes here, and forgotten with what lay inside.
"""

from __future__ import annotations

from comptoir.kernel.checking import Checks
from comptoir.kernel.ids import uuid7
from comptoir.modules.fulfilment import collecting, waiting
from comptoir.modules.fulfilment.contracts import (
    Checked,
    CodeVerdict,
    Fulfilment,
    FulfilmentId,
    FulfilmentStowed,
    HandedAt,
    HandingOver,
    Locker,
    LockerDraft,
    LockerId,
    LockerSize,
    LockerState,
    LockerStep,
    Stage,
)
from comptoir.modules.fulfilment.errors import (
    LockerCodeTaken,
    LockerStepRefused,
    NoLocker,
    NotInThatState,
    NotPaid,
    UnknownLocker,
)
from comptoir.modules.fulfilment.store import lockers as store
from comptoir.modules.fulfilment.working import load, load_with_order
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Reader, Tx


async def create_locker(tx: Tx, draft: LockerDraft) -> Locker:
    """Raises Invalid, UnknownLocation and LockerCodeTaken."""
    checks = Checks()
    code = checks.code("code", draft.code)
    bank = checks.words("bank", draft.bank, most=60)
    system = checks.code("system", draft.system)
    checks.done()
    await locations.get(tx, draft.location_id)
    locker_id = LockerId(uuid7())
    clean = LockerDraft(location_id=draft.location_id, code=code, size=draft.size, bank=bank, system=system)
    if not await store.insert(tx, locker_id, clean):
        raise LockerCodeTaken(code=code)
    return await get_locker(tx, locker_id)


async def get_locker(reader: Reader, locker_id: LockerId) -> Locker:
    """Raises UnknownLocker."""
    found = await store.get(reader, locker_id)
    if found is None:
        raise UnknownLocker(kind="locker", id=locker_id)
    return found[0]


async def lockers_at(reader: Reader, location_id: LocationId) -> list[Locker]:
    """By bank and code."""
    return await store.at(reader, location_id)


async def _locked(tx: Tx, locker_id: LockerId) -> tuple[Locker, int]:
    found = await store.get(tx, locker_id, lock=True)
    if found is None:
        raise UnknownLocker(kind="locker", id=locker_id)
    return found


def _next(locker: Locker, step: LockerStep) -> LockerState:
    state = waiting.next_locker_state(locker.state, step)
    if state is None:
        raise LockerStepRefused(step=step, state=locker.state)
    return state


async def assign(
    tx: Tx,
    fulfilment_id: FulfilmentId,
    *,
    locker_id: LockerId | None = None,
    size: LockerSize = LockerSize.S,
    bank: str = "",
) -> Locker:
    """A locker for what is picked, or ready: this one, or the smallest free one of that size or above. It is taken from now
    on, and has no code yet: see `stow`.

    Raises NotPaid, NotInThatState, NoLocker, UnknownLocker and LockerStepRefused.
    """
    one = await load_with_order(tx, fulfilment_id)
    if one.method not in collecting.AT_COUNTERS or one.stage not in {Stage.TO_PACK, Stage.READY, Stage.TO_RECEIVE}:
        raise NotInThatState(step="stow", state=one.stage)
    owed = await collecting.to_pay(tx, one.id)
    if owed.due:
        raise NotPaid(due=owed.due, currency=owed.currency)
    if await store.of(tx, one.id) is not None:
        raise NotInThatState(step="stow", state="in_a_locker")
    if locker_id is None:
        found = await store.free_one(tx, one.location_id, size, bank)
    else:
        found, _ = await _locked(tx, locker_id)
        if found.location_id != one.location_id:
            found = None
    if found is None:
        raise NoLocker(size=size)
    await store.put(tx, found.id, {"state": _next(found, LockerStep.ASSIGN), "fulfilment_id": one.id, "tries": 0})
    return await get_locker(tx, found.id)


async def stow(tx: Tx, fulfilment_id: FulfilmentId, sealed_code: bytes) -> Fulfilment:
    """It lies in its locker, which this code opens; it is ready, and the buyer is told."""
    one = await load(tx, fulfilment_id)
    locker_id = await store.of(tx, one.id)
    if locker_id is None:
        raise NotInThatState(step="stow", state=one.stage)
    locker, _ = await _locked(tx, locker_id)
    await store.put(tx, locker_id, {"sealed_code": sealed_code})
    moved = one.stage is Stage.READY
    after = await collecting.ready(tx, one.id)
    tx.emit(FulfilmentStowed(**collecting.about(one), locker_id=locker_id, locker=locker.code, moved=moved))
    return after


async def take_out(tx: Tx, fulfilment_id: FulfilmentId) -> Locker | None:
    """It lies on the counter again, or never came into the locker; gives the one that is free now."""
    await load(tx, fulfilment_id)
    locker_id = await store.of(tx, fulfilment_id)
    if locker_id is None:
        return None
    locker, _ = await _locked(tx, locker_id)
    await _freed(tx, locker, LockerStep.TAKE_OUT)
    return await get_locker(tx, locker_id)


async def _freed(tx: Tx, locker: Locker, step: LockerStep) -> None:
    state = _next(locker, step)
    await store.put(
        tx,
        locker.id,
        {"state": state, "fulfilment_id": None, "sealed_code": None, "tries": 0, "barred_until": None},
    )


async def open_locker(tx: Tx, locker_id: LockerId, *, right: bool) -> CodeVerdict:
    """Somebody has typed a code at a locker. The right one hands out what lies in it, all of it, and the locker is free.

    The caller knows whether it is right, and commits what this writes also when it is not. Raises UnknownLocker, and
    LockerStepRefused where nothing lies.
    """
    found = await get_locker(tx, locker_id)
    if found.fulfilment_id is None or found.state is not LockerState.TAKEN:
        raise LockerStepRefused(step=LockerStep.OPEN, state=found.state)
    await load_with_order(tx, found.fulfilment_id)
    locker, tries = await _locked(tx, locker_id)
    if locker.fulfilment_id != found.fulfilment_id or locker.state is not LockerState.TAKEN or locker.sealed_code is None:
        raise LockerStepRefused(step=LockerStep.OPEN, state=locker.state)
    if locker.barred_until is not None and locker.barred_until > tx.now:
        return CodeVerdict.BARRED
    if not right:
        until = waiting.barred(tries + 1, tx.now)
        await store.put(tx, locker_id, {"tries": 0 if until else tries + 1, "barred_until": until})
        return CodeVerdict.WRONG
    await collecting.hand_out(tx, found.fulfilment_id, None, HandingOver(checked=Checked.LOCKER, at=HandedAt.LOCKER))
    return CodeVerdict.RIGHT


async def step_locker(tx: Tx, locker_id: LockerId, step: LockerStep) -> Locker:
    """Emptied, broken, or mended. Raises UnknownLocker and LockerStepRefused."""
    locker, _ = await _locked(tx, locker_id)
    if step not in {LockerStep.EMPTY, LockerStep.BREAK, LockerStep.MEND}:
        raise LockerStepRefused(step=step, state=locker.state)
    await _freed(tx, locker, step)
    return await get_locker(tx, locker_id)
