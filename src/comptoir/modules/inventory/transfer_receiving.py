"""Transfers where they arrive: scanned by one person or several, taken in, and what is otherwise than the papers say.

What is scanned is a tally: it moves nothing until it is taken in, is written under the lock of the transfer, so that nobody's
scan is lost, and leaves the version of the transfer alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from comptoir.kernel.checking import Checks
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.inventory import checking, transfer_domain
from comptoir.modules.inventory.contracts import (
    Absence,
    Damaged,
    DamageReason,
    Movement,
    Quantity,
    Settled,
    Taken,
    Tallied,
    Transfer,
    TransferDiffers,
    TransferId,
    TransferLine,
    TransferScan,
    TransferState,
)
from comptoir.modules.inventory.domain import TransferStep
from comptoir.modules.inventory.errors import QuantityTooLarge
from comptoir.modules.inventory.ledger import record
from comptoir.modules.inventory.store import transfers as store
from comptoir.modules.inventory.transfers import locked, moved, step
from comptoir.runtime.database import Tx

# Scanning


async def tally_transfer(
    tx: Tx, transfer_id: TransferId, sku: str, units: int = 1, *, damage: DamageReason | None = None, on_top: bool = False
) -> TransferScan:
    """Units are in somebody's hands: one, or so many. `on_top` takes what was not sent, or more than was; when somebody has
    said that, more of the same needs no saying. Damaged units are those that were scanned before, as far as there are any.

    Raises Invalid, UnknownTransfer and TransferStateRefused.
    """
    sku, units = _checked(sku, units)
    transfer = await locked(tx, transfer_id)
    step(transfer, TransferStep.RECEIVE_PART)
    rows = await store.tallies(tx, transfer_id)
    scanned = _by_sku(rows)
    expected = {line.sku: line.open for line in transfer.lines}
    there, due = scanned[sku], expected.get(sku, 0)
    good = sum(row.units for row in rows if row.sku == sku and row.damage is None)
    again = min(good, units) if damage is not None else 0
    refused = not on_top and there <= due < there + units - again
    left = sum(max(0, open_ - scanned[name]) for name, open_ in expected.items())
    if refused:
        listed = due > 0 or any(line.sku == sku for line in transfer.lines)
        return TransferScan(Taken.TOO_MANY if listed else Taken.NOT_LISTED, sku, there, left)
    kinds = {(row.sku, str(row.damage or "")): row.units for row in rows if row.sku == sku}
    kinds[sku, ""] = kinds.get((sku, ""), 0) - again
    key = sku, str(damage or "")
    kinds[key] = kinds.get(key, 0) + units
    after = there + units - again
    _fits(sku, after)
    await store.put_tally(tx, transfer_id, kinds)
    left -= max(0, due - there) - max(0, due - after)
    return TransferScan(Taken.COUNTED if left else Taken.COMPLETE, sku, after, left)


async def tally_whole_transfer(tx: Tx, transfer_id: TransferId) -> Transfer:
    """All that is on the road has come. Raises UnknownTransfer and TransferStateRefused."""
    transfer = await locked(tx, transfer_id)
    step(transfer, TransferStep.RECEIVE_PART)
    rows = await store.tallies(tx, transfer_id)
    scanned, good = _by_sku(rows), {row.sku: row.units for row in rows if row.damage is None}
    missing = {line.sku: line.open - scanned[line.sku] for line in transfer.lines if line.open > scanned[line.sku]}
    await store.put_tally(tx, transfer_id, {(sku, ""): good.get(sku, 0) + units for sku, units in missing.items()})
    return transfer


async def untally_transfer(tx: Tx, transfer_id: TransferId, sku: str, units: int = 1) -> Transfer:
    """They were not there after all; good ones are taken back first.

    Raises Invalid, UnknownTransfer, TransferStateRefused and QuantityTooLarge.
    """
    sku, units = _checked(sku, units)
    transfer = await locked(tx, transfer_id)
    step(transfer, TransferStep.RECEIVE_PART)
    rows = [row for row in await store.tallies(tx, transfer_id) if row.sku == sku]
    there = sum(row.units for row in rows)
    if units > there:
        raise QuantityTooLarge(sku=sku, open=there, asked=units)
    kinds: dict[tuple[str, str], int] = {}
    for row in rows:
        part = min(units, row.units)
        units -= part
        kinds[sku, str(row.damage or "")] = row.units - part
    await store.put_tally(tx, transfer_id, kinds)
    return transfer


async def take_in_transfer(tx: Tx, transfer_id: TransferId, *, settled: Sequence[Settled] = ()) -> Transfer:
    """What was scanned is on hand, and what somebody has decided about the rest is done.

    Raises Invalid, UnknownTransfer, TransferStateRefused and QuantityTooLarge.
    """
    transfer = await locked(tx, transfer_id)
    step(transfer, TransferStep.RECEIVE_PART)
    rows = await store.tallies(tx, transfer_id)
    checks = Checks()
    checks.require("lines", bool(rows or settled), "has at least one row")
    checks.done()
    await store.clear_tally(tx, transfer_id)
    return await _receive(tx, transfer, rows, _clean(settled))


# At once


async def receive_transfer(
    tx: Tx,
    transfer_id: TransferId,
    arrived: Sequence[Quantity] | None = None,
    *,
    damaged: Sequence[Damaged] = (),
    settled: Sequence[Settled] = (),
    close: bool = False,
    version: int | None = None,
) -> Transfer:
    """Units have arrived: these, or all that were on the road. What was never sent is taken in too, off the origin's books.

    `damaged` came as well, and is not in `arrived`. `settled` says what became of some that did not; `close` that no more will
    come: what is open then is lost. A transfer of which nothing is open any more is received.
    Raises Invalid, UnknownTransfer, Stale, TransferStateRefused and QuantityTooLarge.
    """
    checks = Checks()
    clean = None if arrived is None else checking.quantities(checks, arrived) if arrived else []
    names = [checking.clean_sku(checks, f"damaged[{n}].sku", row.sku) for n, row in enumerate(damaged)]
    for n, row in enumerate(damaged):
        checks.whole(f"damaged[{n}].quantity", row.quantity, 1, MAX_QUANTITY)
    checks.require("lines", clean != [] or close or bool(damaged or settled), "has at least one row")
    decided = _clean(settled, checks)
    checks.done()
    transfer = await locked(tx, transfer_id, version)
    step(transfer, TransferStep.RECEIVE_PART)
    broken = [Tallied(sku, row.quantity, row.reason) for sku, row in zip(names, damaged, strict=True)]
    if clean is None:
        taken = _by_sku(broken) + Counter({row.sku: row.quantity for row in decided})
        rest = {line.sku: line.open - taken[line.sku] for line in transfer.lines}
        clean = [Quantity(sku, units) for sku, units in rest.items() if units > 0]
    return await _receive(tx, transfer, [*(Tallied(row.sku, row.quantity) for row in clean), *broken], decided, close=close)


async def settle_transfer(
    tx: Tx, transfer_id: TransferId, settled: Sequence[Settled], *, version: int | None = None
) -> Transfer:
    """Somebody has decided what became of units that did not arrive: lost, or never sent.

    Raises Invalid, UnknownTransfer, Stale, TransferStateRefused and QuantityTooLarge.
    """
    checks = Checks()
    checks.require("lines", bool(settled), "has at least one row")
    decided = _clean(settled, checks)
    checks.done()
    transfer = await locked(tx, transfer_id, version)
    step(transfer, TransferStep.RECEIVE_PART)
    return await _receive(tx, transfer, [], decided)


async def find_lost(
    tx: Tx,
    transfer_id: TransferId,
    found: Sequence[Quantity],
    *,
    damaged: Sequence[Damaged] = (),
    version: int | None = None,
) -> Transfer:
    """Units that were given up as lost have turned up at the target.

    Raises Invalid, UnknownTransfer, Stale, TransferStateRefused, and QuantityTooLarge when fewer were lost.
    """
    checks = Checks()
    clean = checking.quantities(checks, found) if found or not damaged else []
    for n, row in enumerate(damaged):
        checks.whole(f"damaged[{n}].quantity", row.quantity, 1, MAX_QUANTITY)
    checks.done()
    transfer = await locked(tx, transfer_id, version)
    step(transfer, TransferStep.FIND)
    rows = [
        *(Tallied(row.sku, row.quantity) for row in clean),
        *(Tallied(row.sku, row.quantity, row.reason) for row in damaged),
    ]
    lost = {line.sku: line.missing for line in transfer.lines}
    for sku, units in _by_sku(rows).items():
        if units > lost.get(sku, 0):
            raise QuantityTooLarge(sku=sku, open=lost.get(sku, 0), asked=units)
    # Nothing comes off the road: what is open stays open.
    aside = replace(transfer, lines=tuple(replace(line, quantity=line.quantity - line.open) for line in transfer.lines))
    after = await _work_out(tx, aside, rows, [])
    back = {line.sku: line.quantity for line in transfer.lines}
    lines = tuple(replace(line, quantity=back[line.sku]) for line in after)
    return await moved(tx, replace(transfer, lines=lines))


@dataclass(slots=True)
class _Differences:
    """What is otherwise than the papers say, for whoever wants to know."""

    units: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])

    def add(self, name: str, sku: str, units: int) -> None:
        if units:
            self.units.setdefault(name, Counter())[sku] += units


async def _receive(
    tx: Tx, transfer: Transfer, rows: Sequence[Tallied], settled: Sequence[Settled], *, close: bool = False
) -> Transfer:
    after = await _work_out(tx, transfer, rows, settled, close=close)
    taken = TransferStep.RECEIVE_PART if any(line.open for line in after) else TransferStep.RECEIVE_ALL
    state = step(transfer, taken)
    received_at = tx.now if state is TransferState.RECEIVED else None
    if state is TransferState.RECEIVED:
        await store.clear_tally(tx, transfer.id)
    return await moved(tx, replace(transfer, state=state, received_at=received_at, lines=tuple(after)))


async def _work_out(
    tx: Tx, transfer: Transfer, rows: Sequence[Tallied], settled: Sequence[Settled], *, close: bool = False
) -> list[TransferLine]:
    """The lines as they are then, with everything that the ledger is told of it."""
    lines = {line.sku: line for line in transfer.lines}
    kinds: dict[str, dict[DamageReason | None, int]] = {}
    for row in rows:
        of = kinds.setdefault(row.sku, {})
        of[row.damage] = of.get(row.damage, 0) + row.units
    decided = list(settled)
    told = _Differences()
    movements: list[Movement] = []
    for sku, came in kinds.items():
        line = lines.get(sku, TransferLine(sku, 0))
        _fits(sku, line.received + sum(came.values()))
        movements += transfer_domain.coming(transfer, line, came)
        _, found, surplus = transfer_domain.parts(line, sum(came.values()))
        told.add("found", sku, found)
        told.add("surplus", sku, surplus)
        told.add("damaged", sku, sum(units for damage, units in came.items() if damage is not None))
        lines[sku] = transfer_domain.arrived(line, came)
    for row in decided:
        lines[row.sku] = _settled(lines.get(row.sku), row)
    if close:
        rest = [Settled(line.sku, line.open, Absence.LOST) for line in lines.values() if line.open]
        lines |= {row.sku: _settled(lines[row.sku], row) for row in rest}
        decided += rest
    for row in decided:
        movements += transfer_domain.staying(transfer, row.sku, row.quantity, row.fate)
        told.add(str(row.fate), row.sku, row.quantity)
    await record(tx, movements)
    if told.units:
        tx.emit(
            TransferDiffers(
                transfer_id=transfer.id,
                from_location_id=transfer.from_location_id,
                to_location_id=transfer.to_location_id,
                **{name: dict(units) for name, units in told.units.items()},
            )
        )
    return [lines[sku] for sku in sorted(lines)]


def _settled(line: TransferLine | None, row: Settled) -> TransferLine:
    if line is None or row.quantity > line.open:
        raise QuantityTooLarge(sku=row.sku, open=0 if line is None else line.open, asked=row.quantity)
    return transfer_domain.settled(line, row.quantity, row.fate)


def _clean(settled: Sequence[Settled], checks: Checks | None = None) -> list[Settled]:
    own = checks or Checks()
    clean = [
        Settled(
            checking.clean_sku(own, f"settled[{n}].sku", row.sku),
            own.whole(f"settled[{n}].quantity", row.quantity, 1, MAX_QUANTITY),
            row.fate,
        )
        for n, row in enumerate(settled)
    ]
    if checks is None:
        own.done()
    return clean


def _checked(sku: str, units: int) -> tuple[str, int]:
    checks = Checks()
    found = checking.clean_sku(checks, "sku", sku), checks.whole("quantity", units, 1, MAX_QUANTITY)
    checks.done()
    return found


def _by_sku(rows: Sequence[Tallied]) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in rows:
        found[row.sku] += row.units
    return found


def _fits(sku: str, units: int) -> None:
    if units > MAX_QUANTITY:
        raise QuantityTooLarge(sku=sku, open=MAX_QUANTITY, asked=units)
