"""Transfers: units that go from one location to another, and are on the road in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.kernel.ids import uuid7
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.inventory import checking, domain
from comptoir.modules.inventory.contracts import (
    EntryKind,
    Movement,
    Quantity,
    Transfer,
    TransferDrafted,
    TransferId,
    TransferLine,
    TransferMoved,
    TransferState,
)
from comptoir.modules.inventory.domain import TransferStep
from comptoir.modules.inventory.errors import InsufficientStock, TransferStateRefused, UnknownTransfer
from comptoir.modules.inventory.ledger import lock, record, write
from comptoir.modules.inventory.store import transfers as store
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Tx


async def create_transfer(
    tx: Tx, from_location_id: LocationId, to_location_id: LocationId, lines: Sequence[Quantity], note: str = ""
) -> Transfer:
    """A plan: nothing moves, nothing is kept back. Raises Invalid and UnknownLocation."""
    checks = Checks()
    clean = checking.quantities(checks, lines)
    note = checking.note(checks, note)
    checks.require("to", from_location_id != to_location_id, "is where the units are already")
    checks.done()
    await checking.known(tx, from_location_id, to_location_id)
    made = await store.insert(
        tx,
        Transfer(
            id=TransferId(uuid7()),
            number=0,
            from_location_id=from_location_id,
            to_location_id=to_location_id,
            state=TransferState.DRAFT,
            note=note,
            created_at=tx.now,
            sent_at=None,
            received_at=None,
            actor=tx.actor,
            version=1,
            lines=_lines(clean),
        ),
    )
    tx.emit(TransferDrafted(transfer_id=made.id, created=True))
    return made


async def edit_transfer(
    tx: Tx,
    transfer_id: TransferId,
    *,
    lines: Sequence[Quantity] | None = None,
    note: str | None = None,
    from_location_id: LocationId | None = None,
    to_location_id: LocationId | None = None,
    version: int | None = None,
) -> Transfer:
    """Changes a draft; what is None stays. `version` is the one that the caller decided on.

    Raises Invalid, UnknownLocation, UnknownTransfer, Stale, and TransferStateRefused for what has been sent.
    """
    transfer = await _locked(tx, transfer_id, version)
    if transfer.state is not TransferState.DRAFT:
        raise TransferStateRefused(state=transfer.state, step="edit")
    checks = Checks()
    edited = replace(
        transfer,
        lines=transfer.lines if lines is None else _lines(checking.quantities(checks, lines)),
        note=transfer.note if note is None else checking.note(checks, note),
        from_location_id=from_location_id or transfer.from_location_id,
        to_location_id=to_location_id or transfer.to_location_id,
    )
    checks.require("to", edited.from_location_id != edited.to_location_id, "is where the units are already")
    checks.done()
    if edited == transfer:
        return transfer
    await checking.known(tx, edited.from_location_id, edited.to_location_id)
    edited = replace(edited, version=transfer.version + 1)
    await store.update(tx, edited)
    tx.emit(TransferDrafted(transfer_id=transfer_id, created=False))
    return edited


async def send_transfer(tx: Tx, transfer_id: TransferId, *, force: bool = False, version: int | None = None) -> Transfer:
    """The units leave. What is promised or kept back stays, unless somebody says that it has gone (`force`): then that is a
    fact, and what it breaks is told.

    Raises UnknownTransfer, Stale, TransferStateRefused and InsufficientStock.
    """
    transfer = await _locked(tx, transfer_id, version)
    state = _step(transfer, TransferStep.SEND)
    origin, target = transfer.from_location_id, transfer.to_location_id
    before = await lock(tx, [(line.sku, place) for line in transfer.lines for place in (origin, target)])
    short = [
        {"sku": line.sku, "requested": line.quantity, "available": max(0, before[line.sku, origin].available)}
        for line in transfer.lines
        if line.quantity > before[line.sku, origin].available
    ]
    if short and not force:
        raise InsufficientStock(lines=short)
    movements = [m for line in transfer.lines for m in _on_the_road(transfer, line)]
    await write(tx, before, movements)
    return await _moved(tx, replace(transfer, state=state, sent_at=tx.now))


async def receive_transfer(
    tx: Tx,
    transfer_id: TransferId,
    arrived: Sequence[Quantity] | None = None,
    *,
    close: bool = False,
    version: int | None = None,
) -> Transfer:
    """Units have arrived: these, or all that were still on the road. What was never sent is taken in too.

    `close` says that no more will come: what is still open is missing, and is written off the road. A transfer of which nothing
    is open any more is received. Raises Invalid, UnknownTransfer, Stale and TransferStateRefused.
    """
    checks = Checks()
    clean = None if arrived is None else checking.quantities(checks, arrived) if arrived else []
    checks.require("lines", clean != [] or close, "has at least one row")
    checks.done()
    transfer = await _locked(tx, transfer_id, version)
    _step(transfer, TransferStep.RECEIVE_PART)
    if clean is None:
        clean = [Quantity(line.sku, line.open) for line in transfer.lines if line.open]
    there = {row.sku: row.quantity for row in clean}
    lines = {line.sku: line for line in transfer.lines}
    lines |= {sku: TransferLine(sku, 0) for sku in there if sku not in lines}
    for n, sku in enumerate(there):
        checks.require(f"lines[{n}].quantity", lines[sku].received + there[sku] <= MAX_QUANTITY, "is too much")
    checks.done()
    after = [_arrived(line, there.get(line.sku, 0), close=close) for _, line in sorted(lines.items())]
    movements = [m for line in after for m in _off_the_road(transfer, lines[line.sku], line)]
    await record(tx, movements)
    step = TransferStep.RECEIVE_PART if any(line.open for line in after) else TransferStep.RECEIVE_ALL
    state = _step(transfer, step)
    received_at = tx.now if state is TransferState.RECEIVED else None
    return await _moved(tx, replace(transfer, state=state, received_at=received_at, lines=tuple(after)))


async def cancel_transfer(tx: Tx, transfer_id: TransferId, *, version: int | None = None) -> Transfer:
    """A plan that is dropped. Raises UnknownTransfer, Stale and TransferStateRefused."""
    transfer = await _locked(tx, transfer_id, version)
    return await _moved(tx, replace(transfer, state=_step(transfer, TransferStep.CANCEL)))


def _lines(quantities: Sequence[Quantity]) -> tuple[TransferLine, ...]:
    return tuple(TransferLine(row.sku, row.quantity) for row in sorted(quantities, key=lambda row: row.sku))


def _arrived(line: TransferLine, quantity: int, *, close: bool) -> TransferLine:
    taken = replace(line, received=line.received + quantity)
    return replace(taken, missing=taken.missing + taken.open) if close else taken


def _on_the_road(transfer: Transfer, line: TransferLine) -> tuple[Movement, Movement]:
    return (
        Movement(EntryKind.TRANSFERRED, line.sku, transfer.from_location_id, on_hand=-line.quantity, transfer_id=transfer.id),
        Movement(EntryKind.TRANSFERRED, line.sku, transfer.to_location_id, incoming=line.quantity, transfer_id=transfer.id),
    )


def _off_the_road(transfer: Transfer, before: TransferLine, after: TransferLine) -> list[Movement]:
    """What came, and apart from it what did not."""
    movements: list[Movement] = []
    came = after.received - before.received
    lost = after.missing - before.missing
    if came:
        movements.append(
            Movement(
                EntryKind.TRANSFERRED,
                after.sku,
                transfer.to_location_id,
                on_hand=came,
                incoming=-min(came, before.open),
                transfer_id=transfer.id,
                reason="surplus" if came > before.open else None,
            )
        )
    if lost:
        movements.append(
            Movement(
                EntryKind.TRANSFERRED,
                after.sku,
                transfer.to_location_id,
                incoming=-lost,
                transfer_id=transfer.id,
                reason="missing",
            )
        )
    return movements


def _step(transfer: Transfer, step: TransferStep) -> TransferState:
    state = domain.next_state(transfer.state, step)
    if state is None:
        raise TransferStateRefused(state=transfer.state, step=step)
    return state


async def _locked(tx: Tx, transfer_id: TransferId, version: int | None) -> Transfer:
    transfer = await store.get(tx, transfer_id, lock=True)
    if transfer is None:
        raise UnknownTransfer(kind="transfer", id=transfer_id)
    if version is not None and version != transfer.version:
        raise Stale(kind="transfer", id=transfer_id, version=transfer.version)
    return transfer


async def _moved(tx: Tx, transfer: Transfer) -> Transfer:
    moved = replace(transfer, version=transfer.version + 1)
    await store.update(tx, moved)
    tx.emit(TransferMoved(transfer_id=moved.id, state=moved.state))
    return moved
