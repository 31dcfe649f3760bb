"""Schedules of runs: when orders that wait are decided together, and which orders those are."""

from __future__ import annotations

import psycopg.errors

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.modules.routing.contracts import Schedule, ScheduleChanged, ScheduleDraft, ScheduleId
from comptoir.modules.routing.domain.timetables import checked_schedule
from comptoir.modules.routing.errors import ScheduleCodeTaken, UnknownRuleSet, UnknownSchedule
from comptoir.modules.routing.store import schedules as store
from comptoir.modules.routing.store import sets
from comptoir.runtime.database import Reader, Tx

MOST = 200
"""Of them all: each order is held against every one."""


async def create_schedule(tx: Tx, draft: ScheduleDraft) -> Schedule:
    """Raises Invalid, UnknownRuleSet and ScheduleCodeTaken."""
    clean = await _checked(tx, draft)
    checks = Checks()
    checks.require("code", len(await store.everything(tx)) < MOST, f"is one too many: there are {MOST} schedules already")
    checks.done()
    made = await store.insert(tx, clean)
    if made is None:
        raise ScheduleCodeTaken(code=clean.code)
    tx.emit(_changed(made))
    return made


async def update_schedule(tx: Tx, schedule_id: ScheduleId, draft: ScheduleDraft, *, version: int | None = None) -> Schedule:
    """The schedule as the draft has it. `version` is the one that the caller decided on; None is whichever.

    Raises Invalid, UnknownRuleSet, UnknownSchedule, Stale and ScheduleCodeTaken.
    """
    clean = await _checked(tx, draft)
    try:
        changed = await store.update(tx, schedule_id, clean, version)
    except psycopg.errors.UniqueViolation as problem:
        raise ScheduleCodeTaken(code=clean.code) from problem
    if changed is None:
        raise await _stale(tx, schedule_id)
    tx.emit(_changed(changed))
    return changed


async def delete_schedule(tx: Tx, schedule_id: ScheduleId, *, version: int | None = None) -> Schedule:
    """The schedule as it was. What waited for it waits for whatever is for it now. Raises UnknownSchedule and Stale."""
    gone = await store.delete(tx, schedule_id, version)
    if gone is None:
        raise await _stale(tx, schedule_id)
    tx.emit(_changed(gone, deleted=True))
    return gone


async def schedule(reader: Reader, schedule_id: ScheduleId) -> Schedule:
    """Raises UnknownSchedule."""
    found = await store.get(reader, schedule_id)
    if found is None:
        raise UnknownSchedule(kind="run_schedule", id=schedule_id)
    return found


async def schedules(reader: Reader) -> list[Schedule]:
    """All of them, in the order in which they are decided where they fall together."""
    return await store.everything(reader)


async def _checked(tx: Tx, draft: ScheduleDraft) -> ScheduleDraft:
    checks = Checks()
    clean = checked_schedule(draft, checks)
    checks.done()
    if clean.rule_set_id is not None and await sets.get(tx, clean.rule_set_id) is None:
        raise UnknownRuleSet(kind="rule_set", id=clean.rule_set_id)
    return clean


async def _stale(reader: Reader, schedule_id: ScheduleId) -> Stale:
    there = await schedule(reader, schedule_id)
    return Stale(kind="run_schedule", id=there.id, version=there.version)


def _changed(one: Schedule, *, deleted: bool = False) -> ScheduleChanged:
    return ScheduleChanged(run_schedule_id=one.id, code=one.code, active=one.active and not deleted, deleted=deleted)
