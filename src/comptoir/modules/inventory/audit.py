"""The doctor of stock: adds everything up again, and puts right what does not add up.

What is true is, for each bucket: reserved is what the reservations say, incoming what open supplies and transfers say, and the
others what the ledger says, since every movement went through it. A level is only a sum that is kept, so it is the level that
yields. Nothing is changed silently: where a level and its ledger differ, a first entry records the change that the level has
had without an entry, which brings the ledger to the level; a second, ordinary one takes both from there to what is true.
Where nothing but the level was wrong the two cancel out, and the sum of the ledger is what it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from comptoir.kernel.time import utcnow
from comptoir.modules.inventory import ledger, promises
from comptoir.modules.inventory.contracts import (
    EntryKind,
    Finding,
    FindingKind,
    HoldId,
    HoldReleased,
    Level,
    Movement,
    Repaired,
    Report,
    StockRepaired,
)
from comptoir.modules.inventory.store import auditing as store
from comptoir.modules.inventory.store.auditing import Drift
from comptoir.modules.inventory.store.promises import reservations_of
from comptoir.runtime.database import Reader, Tx

DRIFT = "drift"
"""The reason of every entry that a repair writes."""

_GRACE = timedelta(minutes=15)
"""A hold that has expired waits for the sweep; only after this has it been forgotten."""


async def audit(reader: Reader, *, limit: int = 1000) -> Report:
    """What does not add up, at most `limit` of each sort in detail. Reads everything, changes nothing, and holds up nobody.

    In a `transaction(snapshot=True)` it is of one moment, takes the memory that it needs and has no time limit.
    """
    now = utcnow()
    if isinstance(reader, Tx):
        now = reader.now
        await store.give_room(reader)
    levels, entries = await store.counts(reader)
    drifts, spots = await store.drifts(reader, limit)
    dangling, left = await store.dangling(reader, now - _GRACE, limit)
    findings = [finding for drift in drifts for finding in _findings(drift)]
    findings += [Finding(FindingKind.HOLD, r.sku, r.location_id, "reserved", r.quantity, 0, r.promise_id) for r in dangling]
    return Report(levels, entries, spots, left, tuple(findings))


async def repair(tx: Tx, *, limit: int = 1000) -> Repaired:
    """Puts right the first `limit` spots, then, when all of them add up, as many reservations of holds that are over.

    Goes on where it stopped when it is called again, in another transaction, as long as there is `more`.
    """
    await store.give_room(tx)
    drifts, found = await store.drifts(tx, limit)
    spots = await _mend(tx, drifts)
    released = left = 0
    if found <= limit:
        released, left = await _release(tx, limit)
    if spots or released:
        tx.emit(StockRepaired(spots=spots, released=released))
    return Repaired(spots, released, more=found > limit or left > released)


async def _mend(tx: Tx, found: list[Drift]) -> int:
    if not found:
        return 0
    before = await ledger.lock(tx, (drift.spot for drift in found))
    # Somebody may have been at work between the look and the lock: add up again what nobody can change now.
    drifts = await store.drifts_at(tx, sorted(before))
    unrecorded = [(drift.spot, _less(drift.level, drift.ledger)) for drift in drifts if drift.level != drift.ledger]
    if unrecorded:
        await store.acknowledge(tx, unrecorded, DRIFT, "found: changed without an entry")
    movements = [
        Movement(EntryKind.ADJUSTED, *drift.spot, *_less(true, drift.level), reason=DRIFT, note="repaired")
        for drift in drifts
        if (true := _true(drift)) != drift.level
    ]
    await ledger.write(tx, before, movements)
    return len({spot for spot, _ in unrecorded} | {movement.spot for movement in movements})


async def _release(tx: Tx, limit: int) -> tuple[int, int]:
    """How many reservations of holds that are over were given back, and how many there were."""
    found, total = await store.dangling(tx, tx.now - _GRACE, limit)
    if not found:
        return 0, 0
    await ledger.lock(tx, {(r.sku, r.location_id) for r in found})
    ids = sorted({r.promise_id for r in found})
    keys = {(r.promise_id, r.line_no, r.location_id) for r in found}
    there = [r for r in await reservations_of(tx, ids) if (r.promise_id, r.line_no, r.location_id) in keys]
    await promises.release(tx, there)
    tx.emit(*(HoldReleased(hold_id=HoldId(i), expired=True) for i in await store.close_holds(tx, ids)))
    return len(there), total


def _less(a: Level, b: Level) -> Level:
    return Level(*(x - y for x, y in zip(a, b, strict=True)))


def _true(drift: Drift) -> Level:
    """The buckets as they should be. Entries that were lost may leave less than nothing set aside: that is none."""
    return drift.ledger._replace(
        reserved=drift.promised,
        incoming=drift.coming,
        safety=max(0, drift.ledger.safety),
        damaged=max(0, drift.ledger.damaged),
        quality=max(0, drift.ledger.quality),
    )


def _findings(drift: Drift) -> Iterator[Finding]:
    sku, location_id = drift.spot
    true = _true(drift)
    for bucket, found, summed in zip(Level._fields, drift.level, drift.ledger, strict=True):
        if found != summed:
            yield Finding(FindingKind.LEDGER, sku, location_id, bucket, found, summed)
        if found < 0 and bucket != "on_hand":
            yield Finding(FindingKind.NEGATIVE, sku, location_id, bucket, found, getattr(true, bucket))
    if drift.level.reserved != drift.promised:
        yield Finding(FindingKind.RESERVED, sku, location_id, "reserved", drift.level.reserved, drift.promised)
    if drift.level.incoming != drift.coming:
        yield Finding(FindingKind.INCOMING, sku, location_id, "incoming", drift.level.incoming, drift.coming)
