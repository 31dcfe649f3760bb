"""Transfers: units that go from one location to another, and are on the road in between.

Here they are planned and sent; how they are picked is in `transfer_picking`, how they arrive in `transfer_receiving`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import checking, domain, transfer_domain
from comptoir.modules.inventory.contracts import (
    Quantity,
    Transfer,
    TransferDrafted,
    TransferId,
    TransferLine,
    TransferMoved,
    TransferState,
)
from comptoir.modules.inventory.domain import TransferStep
from comptoir.modules.inventory.errors import InsufficientStock, NothingPicked, TransferStateRefused, UnknownTransfer
from comptoir.modules.inventory.ledger import lock, write
from comptoir.modules.inventory.store import transfers as store
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Tx


async def create_transfer(
    tx: Tx,
    from_location_id: LocationId,
    to_location_id: LocationId,
    lines: Sequence[Quantity],
    note: str = "",
    *,
    expected_on: date | None = None,
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
            expected_on=expected_on,
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
    expected_on: date | None = None,
    version: int | None = None,
) -> Transfer:
    """Changes a draft; what is None stays. `version` is the one that the caller decided on. What was packed is not packed any
    more when its lines change.

    Raises Invalid, UnknownLocation, UnknownTransfer, Stale, and TransferStateRefused for what has been sent.
    """
    transfer = await locked(tx, transfer_id, version)
    if transfer.state is not TransferState.DRAFT:
        raise TransferStateRefused(state=transfer.state, step="edit")
    checks = Checks()
    edited = replace(
        transfer,
        lines=transfer.lines if lines is None else _kept(transfer, checking.quantities(checks, lines)),
        note=transfer.note if note is None else checking.note(checks, note),
        from_location_id=from_location_id or transfer.from_location_id,
        to_location_id=to_location_id or transfer.to_location_id,
        expected_on=expected_on or transfer.expected_on,
    )
    if edited.lines != transfer.lines:
        edited = replace(edited, packed_at=None, boxes=0)
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

    Raises UnknownTransfer, Stale, TransferStateRefused, InsufficientStock, and NothingPicked where none of the plan was there.
    """
    transfer = await locked(tx, transfer_id, version)
    state = step(transfer, TransferStep.SEND)
    if not any(line.quantity for line in transfer.lines):
        raise NothingPicked
    origin, target = transfer.from_location_id, transfer.to_location_id
    before = await lock(tx, [(line.sku, place) for line in transfer.lines for place in (origin, target)])
    short = [
        {"sku": line.sku, "requested": line.quantity, "available": max(0, before[line.sku, origin].available)}
        for line in transfer.lines
        if line.quantity > max(0, before[line.sku, origin].available)
    ]
    if short and not force:
        raise InsufficientStock(lines=short)
    await write(tx, before, transfer_domain.leaving(transfer))
    return await moved(tx, replace(transfer, state=state, sent_at=tx.now))


async def expect_transfer(tx: Tx, transfer_id: TransferId, expected_on: date, *, version: int | None = None) -> Transfer:
    """It is to arrive on that day: said when it is planned, or when it is late and still on its way.

    Raises UnknownTransfer, Stale, and TransferStateRefused for what has arrived or was dropped.
    """
    transfer = await locked(tx, transfer_id, version)
    if transfer.state in {TransferState.RECEIVED, TransferState.CANCELLED}:
        raise TransferStateRefused(state=transfer.state, step="expect")
    return await kept(tx, replace(transfer, expected_on=expected_on))


async def cancel_transfer(tx: Tx, transfer_id: TransferId, *, version: int | None = None) -> Transfer:
    """A plan that is dropped. Raises UnknownTransfer, Stale and TransferStateRefused."""
    transfer = await locked(tx, transfer_id, version)
    return await moved(tx, replace(transfer, state=step(transfer, TransferStep.CANCEL)))


def _lines(quantities: Sequence[Quantity]) -> tuple[TransferLine, ...]:
    return tuple(TransferLine(row.sku, row.quantity) for row in sorted(quantities, key=lambda row: row.sku))


def _kept(transfer: Transfer, quantities: Sequence[Quantity]) -> tuple[TransferLine, ...]:
    """Other units of the same SKUs: what is picked of them stays picked."""
    picked = {line.sku: line.picked for line in transfer.lines}
    return tuple(replace(line, picked=min(picked.get(line.sku, 0), line.quantity)) for line in _lines(quantities))


# What all steps share


def step(transfer: Transfer, taken: TransferStep) -> TransferState:
    """Where it leads. Raises TransferStateRefused."""
    state = domain.next_state(transfer.state, taken)
    if state is None:
        raise TransferStateRefused(state=transfer.state, step=taken)
    return state


async def locked(tx: Tx, transfer_id: TransferId, version: int | None = None) -> Transfer:
    """Raises UnknownTransfer and Stale."""
    transfer = await store.get(tx, transfer_id, lock=True)
    if transfer is None:
        raise UnknownTransfer(kind="transfer", id=transfer_id)
    if version is not None and version != transfer.version:
        raise Stale(kind="transfer", id=transfer_id, version=transfer.version)
    return transfer


async def moved(tx: Tx, transfer: Transfer) -> Transfer:
    after = await kept(tx, transfer)
    tx.emit(TransferMoved(transfer_id=after.id, state=after.state))
    return after


async def kept(tx: Tx, transfer: Transfer) -> Transfer:
    """As `moved`, for what others need not be told."""
    after = replace(transfer, version=transfer.version + 1)
    await store.update(tx, after)
    return after
