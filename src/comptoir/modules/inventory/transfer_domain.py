"""The rules of transfers, as functions of values: what becomes of a line, and what the ledger is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from comptoir.modules.inventory.contracts import Absence, DamageReason, EntryKind, Movement, Transfer, TransferLine

Kinds = Mapping[DamageReason | None, int]
"""Units that came, by why they are damaged; None is good."""


def parts(line: TransferLine, units: int) -> tuple[int, int, int]:
    """Of units that come: what was on the road, what was thought lost, and what comes on top."""
    road = min(units, line.open)
    found = min(units - road, line.missing)
    return road, found, units - road - found


def arrived(line: TransferLine, kinds: Kinds) -> TransferLine:
    """What comes on top has left the origin too, though nobody wrote it down."""
    units = sum(kinds.values())
    _, found, surplus = parts(line, units)
    return replace(
        line,
        received=line.received + units,
        missing=line.missing - found,
        surplus=line.surplus + surplus,
        damaged=line.damaged + units - kinds.get(None, 0),
    )


def settled(line: TransferLine, units: int, fate: Absence) -> TransferLine:
    """What is on the road is not on the road any more. Raises ValueError where less than that is."""
    if units > line.open:
        msg = f"{units} of {line.sku} are settled and {line.open} are on the road"
        raise ValueError(msg)
    if fate is Absence.LOST:
        return replace(line, missing=line.missing + units)
    return replace(line, unsent=line.unsent + units)


def leaving(transfer: Transfer) -> list[Movement]:
    """The units go from the one location onto the road to the other."""
    movements: list[Movement] = []
    for line in transfer.lines:
        if line.quantity:
            sku, kind = line.sku, EntryKind.TRANSFERRED
            movements.append(Movement(kind, sku, transfer.from_location_id, on_hand=-line.quantity, transfer_id=transfer.id))
            movements.append(Movement(kind, sku, transfer.to_location_id, incoming=line.quantity, transfer_id=transfer.id))
    return movements


def coming(transfer: Transfer, line: TransferLine, kinds: Kinds) -> Iterator[Movement]:
    """What the ledger is told when units of a line arrive: they come off the road, out of the origin's books, or are back from
    having been lost.
    """
    road, found, surplus = parts(line, sum(kinds.values()))
    pools = {"": road, "found": found, "surplus": surplus}
    for damage, units in kinds.items():
        left = units
        for pool, there in pools.items():
            part = min(left, there)
            if not part:
                continue
            pools[pool] -= part
            left -= part
            yield Movement(
                EntryKind.TRANSFERRED,
                line.sku,
                transfer.to_location_id,
                on_hand=part,
                damaged=0 if damage is None else part,
                incoming=0 if pool else -part,
                transfer_id=transfer.id,
                reason=damage or pool or None,
            )
    if surplus:
        yield Movement(
            EntryKind.TRANSFERRED,
            line.sku,
            transfer.from_location_id,
            on_hand=-surplus,
            transfer_id=transfer.id,
            reason="surplus",
        )


def staying(transfer: Transfer, sku: str, units: int, fate: Absence) -> Iterator[Movement]:
    """What the ledger is told of units that do not come. What never left is on hand where it was, and waits to be counted."""
    lost = fate is Absence.LOST
    yield Movement(
        EntryKind.TRANSFERRED,
        sku,
        transfer.to_location_id,
        incoming=-units,
        transfer_id=transfer.id,
        reason="missing" if lost else str(fate),
    )
    if not lost:
        yield Movement(
            EntryKind.TRANSFERRED,
            sku,
            transfer.from_location_id,
            on_hand=units,
            quality=units,
            transfer_id=transfer.id,
            reason=str(fate),
        )
