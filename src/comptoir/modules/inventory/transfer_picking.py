"""Transfers where they leave: picked scan by scan, by one person or several, and packed; then they are sent.

A scan locks the transfer, so that nobody's is lost, and leaves its version alone: whoever has its page open may go on.
"""

from __future__ import annotations

from dataclasses import replace

from comptoir.kernel.checking import Checks
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.inventory import checking, domain
from comptoir.modules.inventory.contracts import (
    EntryKind,
    Movement,
    Packed,
    Taken,
    Transfer,
    TransferDiffers,
    TransferDrafted,
    TransferId,
    TransferLine,
    TransferScan,
    TransferState,
)
from comptoir.modules.inventory.errors import NothingPicked, QuantityTooLarge, TransferStateRefused
from comptoir.modules.inventory.ledger import lock, write
from comptoir.modules.inventory.store import transfers as store
from comptoir.modules.inventory.transfers import kept, locked
from comptoir.runtime.database import Tx


async def pick_transfer(tx: Tx, transfer_id: TransferId, sku: str, units: int = 1) -> TransferScan:
    """Units are in somebody's hands: one, or so many. Raises Invalid, UnknownTransfer and TransferStateRefused."""
    sku, units = _checked(sku, units)
    transfer = await _open(tx, transfer_id, "pick")
    line = _line(transfer, sku)
    if line is None:
        return TransferScan(Taken.NOT_LISTED, sku, 0, _left(transfer))
    if line.picked + units > line.quantity:
        return TransferScan(Taken.TOO_MANY, sku, line.picked, _left(transfer))
    await store.put_picked(tx, transfer_id, sku, line.picked + units)
    left = _left(transfer) - units
    return TransferScan(Taken.COUNTED if left else Taken.COMPLETE, sku, line.picked + units, left)


async def pick_whole_transfer(tx: Tx, transfer_id: TransferId) -> Transfer:
    """All that is left to pick. Raises UnknownTransfer and TransferStateRefused."""
    transfer = await _open(tx, transfer_id, "pick")
    return await kept(tx, replace(transfer, lines=tuple(replace(line, picked=line.quantity) for line in transfer.lines)))


async def unpick_transfer(tx: Tx, transfer_id: TransferId, sku: str, units: int = 1) -> Transfer:
    """They lie in their place again. Raises Invalid, UnknownTransfer, TransferStateRefused and QuantityTooLarge."""
    sku, units = _checked(sku, units)
    transfer = await _open(tx, transfer_id, "unpick")
    line = _line(transfer, sku)
    there = 0 if line is None else line.picked
    if units > there:
        raise QuantityTooLarge(sku=sku, open=there, asked=units)
    await store.put_picked(tx, transfer_id, sku, there - units)
    return transfer


async def lack_for_transfer(tx: Tx, transfer_id: TransferId, sku: str, units: int, *, damaged: bool = False) -> Transfer:
    """Units of the plan are not on the shelf, or are damaged: they do not leave. They are set aside at the origin, and counted.

    Raises Invalid, UnknownTransfer, TransferStateRefused and QuantityTooLarge.
    """
    sku, units = _checked(sku, units)
    transfer = await _open(tx, transfer_id, "not_there")
    line = _line(transfer, sku)
    left = 0 if line is None else line.quantity - line.picked
    if units > left:
        raise QuantityTooLarge(sku=sku, open=left, asked=units)
    origin = transfer.from_location_id
    before = await lock(tx, [(sku, origin)])
    aside = min(units, domain.free_of_defects(before[sku, origin]))
    if aside:
        held = Movement(EntryKind.QUALITY, sku, origin, quality=aside, transfer_id=transfer_id, reason="held")
        broken = Movement(EntryKind.DAMAGED, sku, origin, damaged=aside, transfer_id=transfer_id, reason="marked")
        await write(tx, before, [broken if damaged else held])
    lines = tuple(
        replace(one, quantity=one.quantity - units, short=one.short + units) if one.sku == sku else one
        for one in transfer.lines
    )
    tx.emit(
        TransferDiffers(
            transfer_id=transfer_id,
            from_location_id=origin,
            to_location_id=transfer.to_location_id,
            not_found={} if damaged else {sku: aside},
            broken={sku: aside} if damaged else {},
        )
    )
    return await kept(tx, replace(transfer, lines=lines))


async def pack_transfer(
    tx: Tx, transfer_id: TransferId, packed: Packed | None = None, *, version: int | None = None
) -> Transfer:
    """What is picked is packed, and is all that leaves; what is not stays behind.

    Raises Invalid, UnknownTransfer, Stale, TransferStateRefused and NothingPicked.
    """
    packed = packed or Packed()
    checks = Checks()
    boxes = checks.whole("boxes", packed.boxes, 1, 999)
    carrier = checks.words("carrier", packed.carrier, most=64)
    number = checks.words("tracking_number", packed.tracking_number, most=100)
    checks.done()
    transfer = await _open(tx, transfer_id, "pack", version)
    if not any(line.picked for line in transfer.lines):
        raise NothingPicked
    lines = tuple(
        replace(line, quantity=line.picked, short=line.short + line.quantity - line.picked) for line in transfer.lines
    )
    return await _drafted(
        tx,
        replace(
            transfer,
            lines=lines,
            boxes=boxes,
            carrier=carrier,
            tracking_number=number,
            expected_on=packed.expected_on or transfer.expected_on,
            packed_at=tx.now,
        ),
    )


async def unpack_transfer(tx: Tx, transfer_id: TransferId, *, version: int | None = None) -> Transfer:
    """It is picked once more: what had been left behind is wanted again.

    Raises UnknownTransfer, Stale and TransferStateRefused.
    """
    transfer = await locked(tx, transfer_id, version)
    if transfer.state is not TransferState.DRAFT or transfer.packed_at is None:
        raise TransferStateRefused(state=transfer.state, step="unpack")
    lines = tuple(replace(line, quantity=line.quantity + line.short, short=0) for line in transfer.lines)
    return await _drafted(tx, replace(transfer, lines=lines, packed_at=None, boxes=0))


async def _drafted(tx: Tx, transfer: Transfer) -> Transfer:
    after = await kept(tx, transfer)
    tx.emit(TransferDrafted(transfer_id=after.id, created=False))
    return after


async def _open(tx: Tx, transfer_id: TransferId, step: str, version: int | None = None) -> Transfer:
    """Locked, and to be picked still."""
    transfer = await locked(tx, transfer_id, version)
    if transfer.state is not TransferState.DRAFT or transfer.packed_at is not None:
        raise TransferStateRefused(state=transfer.state, step=step)
    return transfer


def _checked(sku: str, units: int) -> tuple[str, int]:
    checks = Checks()
    found = checking.clean_sku(checks, "sku", sku), checks.whole("quantity", units, 1, MAX_QUANTITY)
    checks.done()
    return found


def _line(transfer: Transfer, sku: str) -> TransferLine | None:
    return next((line for line in transfer.lines if line.sku == sku), None)


def _left(transfer: Transfer) -> int:
    return sum(line.quantity - line.picked for line in transfer.lines)
