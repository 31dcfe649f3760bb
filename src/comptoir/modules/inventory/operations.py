"""What people do to stock: receive, adjust, count, set aside, keep back. Each is one step in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from comptoir.kernel.checking import Checks
from comptoir.kernel.ids import uuid7
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.inventory import checking, domain
from comptoir.modules.inventory.contracts import (
    Adjustment,
    AdjustReason,
    Counted,
    CountId,
    CountLine,
    EntryKind,
    Level,
    Movement,
    Quantity,
    SafetyStock,
    Spot,
    StockChanged,
    StockCount,
    StockCounted,
    SupplyId,
)
from comptoir.modules.inventory.errors import QuantityTooLarge, StaleQuantity
from comptoir.modules.inventory.ledger import lock, record, write
from comptoir.modules.inventory.store import counts as store
from comptoir.modules.inventory.supplies import receive_supplies
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Tx

Levels = dict[Spot, Level]
Before = Mapping[Spot, Level]


async def receive(
    tx: Tx,
    location_id: LocationId,
    quantities: Sequence[Quantity],
    *,
    reference: str = "",
    reason: str = "receipt",
    supply_id: SupplyId | None = None,
    import_id: UUID | None = None,
) -> Levels:
    """Units have arrived. `supply_id` names what they were expected as; `receive_supplies` takes many of those at once.

    Raises Invalid, UnknownLocation and UnknownSupply.
    """
    checks = Checks()
    clean = checking.quantities(checks, quantities)
    reference = checking.note(checks, reference, "reference")
    reason = checks.words("reason", reason, least=1, most=64)
    checks.require("lines", supply_id is None or len(clean) == 1, "has one SKU where it names a supply")
    checks.done()
    if supply_id is not None:
        return await receive_supplies(tx, [(supply_id, clean[0])], reference=reference, location_id=location_id)
    await checking.known(tx, location_id)
    movements = [
        Movement(
            EntryKind.RECEIVED,
            row.sku,
            location_id,
            on_hand=row.quantity,
            import_id=import_id,
            reason=reason,
            note=reference or None,
        )
        for row in clean
    ]
    return await _record(tx, EntryKind.RECEIVED, location_id, movements, reason, reference)


async def adjust(
    tx: Tx, location_id: LocationId, adjustments: Sequence[Adjustment], reason: AdjustReason, note: str = ""
) -> Levels:
    """Corrects what is on hand, if it is what the caller believes; all of it or nothing.

    Raises Invalid, UnknownLocation, StaleQuantity, and QuantityTooLarge when more is taken off than is there.
    """
    checks = Checks()
    names = [checking.clean_sku(checks, f"lines[{n}].sku", row.sku) for n, row in enumerate(adjustments)]
    checking.distinct(checks, "lines", names)
    checks.require("lines", bool(adjustments), "has at least one row")
    for n, row in enumerate(adjustments):
        checks.require(f"lines[{n}]", (row.delta is None) != (row.to is None), "has either delta or to")
        checks.whole(f"lines[{n}].delta", row.delta or 0, -MAX_QUANTITY, MAX_QUANTITY)
        checks.whole(f"lines[{n}].to", row.to or 0, 0, MAX_QUANTITY)
    note = checking.note(checks, note)
    checks.done()
    await checking.known(tx, location_id)
    before = await lock(tx, ((name, location_id) for name in names))
    movements: list[Movement] = []
    for name, row in zip(names, adjustments, strict=True):
        level = before[name, location_id]
        _expect(name, row.expected, level.on_hand)
        to = row.to if row.to is not None else level.on_hand + (row.delta or 0)
        if to < min(0, level.on_hand):
            raise QuantityTooLarge(sku=name, open=max(0, level.on_hand), asked=level.on_hand - to)
        if to > MAX_QUANTITY:
            raise QuantityTooLarge(sku=name, open=MAX_QUANTITY - level.on_hand, asked=to - level.on_hand)
        change = domain.recounted(level, to)
        if any(change):
            movements.append(_movement(EntryKind.ADJUSTED, name, location_id, change, reason, note))
    return await _write(tx, before, EntryKind.ADJUSTED, location_id, movements, reason, note)


async def set_safety(tx: Tx, location_id: LocationId, stocks: Sequence[SafetyStock], note: str = "") -> Levels:
    """Keeps units back from being promised. Raises Invalid, UnknownLocation and StaleQuantity."""
    checks = Checks()
    names = [checking.clean_sku(checks, f"lines[{n}].sku", row.sku) for n, row in enumerate(stocks)]
    checking.distinct(checks, "lines", names)
    checks.require("lines", bool(stocks), "has at least one row")
    for n, row in enumerate(stocks):
        checks.whole(f"lines[{n}].safety", row.safety, 0, MAX_QUANTITY)
    note = checking.note(checks, note)
    checks.done()
    await checking.known(tx, location_id)
    before = await lock(tx, ((name, location_id) for name in names))
    movements: list[Movement] = []
    for name, row in zip(names, stocks, strict=True):
        level = before[name, location_id]
        _expect(name, row.expected, level.safety)
        if row.safety != level.safety:
            change = Level(safety=row.safety - level.safety)
            movements.append(_movement(EntryKind.SAFETY, name, location_id, change, "safety", note))
    return await _write(tx, before, EntryKind.SAFETY, location_id, movements, "safety", note)


async def mark_damaged(tx: Tx, location_id: LocationId, quantities: Sequence[Quantity], note: str = "") -> Levels:
    """Units on hand turn out damaged; promises that this breaks are told.

    This and the next ones raise Invalid, UnknownLocation, and QuantityTooLarge when there are fewer such units.
    """
    return await _set_aside(
        tx, EntryKind.DAMAGED, "marked", location_id, quantities, note, Level(damaged=1), domain.free_of_defects
    )


async def repair_damaged(tx: Tx, location_id: LocationId, quantities: Sequence[Quantity], note: str = "") -> Levels:
    """Damaged units are good again."""
    return await _set_aside(
        tx, EntryKind.DAMAGED, "repaired", location_id, quantities, note, Level(damaged=-1), lambda level: level.damaged
    )


async def write_off_damaged(tx: Tx, location_id: LocationId, quantities: Sequence[Quantity], note: str = "") -> Levels:
    """Damaged units leave for good."""
    change = Level(on_hand=-1, damaged=-1)
    return await _set_aside(
        tx, EntryKind.DAMAGED, "written_off", location_id, quantities, note, change, lambda level: level.damaged
    )


async def hold_quality(tx: Tx, location_id: LocationId, quantities: Sequence[Quantity], note: str = "") -> Levels:
    """Units on hand wait for somebody to look at them; promises that this breaks are told."""
    return await _set_aside(
        tx, EntryKind.QUALITY, "held", location_id, quantities, note, Level(quality=1), domain.free_of_defects
    )


async def release_quality(
    tx: Tx, location_id: LocationId, quantities: Sequence[Quantity], note: str = "", *, damaged: bool = False
) -> Levels:
    """Somebody has looked: the units are good, or `damaged`."""
    change = Level(quality=-1, damaged=1 if damaged else 0)
    reason = "failed" if damaged else "passed"
    return await _set_aside(tx, EntryKind.QUALITY, reason, location_id, quantities, note, change, lambda level: level.quality)


async def count(tx: Tx, location_id: LocationId, counted: Sequence[Counted], note: str = "") -> StockCount:
    """Somebody has counted. Differences are written to the ledger; that there was none is written down too.

    Raises Invalid and UnknownLocation.
    """
    checks = Checks()
    names = [checking.clean_sku(checks, f"lines[{n}].sku", row.sku) for n, row in enumerate(counted)]
    checking.distinct(checks, "lines", names)
    checks.require("lines", bool(counted), "has at least one row")
    for n, row in enumerate(counted):
        checks.whole(f"lines[{n}].counted", row.counted, 0, MAX_QUANTITY)
        checks.whole(f"lines[{n}].expected", row.expected or 0, -MAX_QUANTITY, MAX_QUANTITY)
    note = checking.note(checks, note)
    checks.done()
    await checking.known(tx, location_id)
    before = await lock(tx, ((name, location_id) for name in names))
    count_id = CountId(uuid7())
    lines: list[CountLine] = []
    movements: list[Movement] = []
    for name, row in sorted(zip(names, counted, strict=True), key=lambda pair: pair[0]):
        level = before[name, location_id]
        line = CountLine(name, level.on_hand if row.expected is None else row.expected, row.counted)
        lines.append(line)
        change = domain.recounted(level, level.on_hand + line.difference)
        if any(change):
            movements.append(
                _movement(EntryKind.COUNTED, name, location_id, change, None, note, count_id=count_id),
            )
    differences = sum(1 for line in lines if line.difference)
    made = StockCount(count_id, location_id, tx.now, tx.actor, note, len(lines), differences, tuple(lines))
    await store.insert(tx, made)
    await write(tx, before, movements)
    tx.emit(StockCounted(count_id=count_id, location_id=location_id, skus=len(lines), differences=differences))
    return made


def _expect(sku: str, expected: int | None, found: int) -> None:
    if expected is not None and expected != found:
        raise StaleQuantity(sku=sku, expected=expected, found=found)


def _movement(
    kind: EntryKind,
    sku: str,
    location_id: LocationId,
    change: Level,
    reason: str | None,
    note: str,
    *,
    count_id: CountId | None = None,
) -> Movement:
    return Movement(kind, sku, location_id, *change, count_id=count_id, reason=reason, note=note or None)


async def _set_aside(
    tx: Tx,
    kind: EntryKind,
    reason: str,
    location_id: LocationId,
    quantities: Sequence[Quantity],
    note: str,
    unit: Level,
    most: Callable[[Level], int],
) -> Levels:
    """Changes each level by `unit` times the quantity, of which there is at `most` so much."""
    checks = Checks()
    clean = checking.quantities(checks, quantities)
    note = checking.note(checks, note)
    checks.done()
    await checking.known(tx, location_id)
    before = await lock(tx, ((row.sku, location_id) for row in clean))
    movements: list[Movement] = []
    for row in clean:
        there = most(before[row.sku, location_id])
        if row.quantity > there:
            raise QuantityTooLarge(sku=row.sku, open=there, asked=row.quantity)
        change = Level(*(bucket * row.quantity for bucket in unit))
        movements.append(_movement(kind, row.sku, location_id, change, reason, note))
    return await _write(tx, before, kind, location_id, movements, reason, note)


async def _record(
    tx: Tx, kind: EntryKind, location_id: LocationId, movements: Sequence[Movement], reason: str, note: str
) -> Levels:
    after = await record(tx, movements)
    _tell(tx, kind, location_id, movements, reason, note)
    return after


async def _write(
    tx: Tx,
    before: Before,
    kind: EntryKind,
    location_id: LocationId,
    movements: Sequence[Movement],
    reason: str,
    note: str,
) -> Levels:
    after = await write(tx, before, movements)
    _tell(tx, kind, location_id, movements, reason, note)
    return {**before, **after}


def _tell(tx: Tx, kind: EntryKind, location_id: LocationId, movements: Sequence[Movement], reason: str, note: str) -> None:
    if movements:
        skus = tuple(m.sku for m in movements)
        tx.emit(StockChanged(kind=kind, location_id=location_id, reason=reason, note=note, skus=skus))
