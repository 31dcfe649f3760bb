"""Supplies: what is on its way from a supplier to a location, and the day that it is promised for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Literal

from comptoir.kernel.checking import Checks
from comptoir.kernel.ids import uuid7
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.inventory import checking
from comptoir.modules.inventory.contracts import (
    EntryKind,
    Expectation,
    Level,
    Movement,
    Quantity,
    Spot,
    StockChanged,
    Supply,
    SupplyChanged,
    SupplyId,
)
from comptoir.modules.inventory.errors import UnknownSupply
from comptoir.modules.inventory.ledger import record
from comptoir.modules.inventory.store import supplies as store
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Tx


async def expect(tx: Tx, expectations: Sequence[Expectation], *, reference: str = "") -> list[Supply]:
    """Announces supplies; their units are incoming from now on. Raises Invalid and UnknownLocation."""
    checks = Checks()
    made = [
        Supply(
            id=SupplyId(uuid7()),
            sku=checking.clean_sku(checks, f"lines[{n}].sku", row.sku),
            location_id=row.location_id,
            quantity=checks.whole(f"lines[{n}].quantity", row.quantity, 1, MAX_QUANTITY),
            received=0,
            cancelled=0,
            expected_on=row.expected_on,
            reference=reference.strip(),
            at=tx.now,
        )
        for n, row in enumerate(expectations)
    ]
    checks.require("lines", bool(made), "has at least one row")
    reference = checking.note(checks, reference, "reference")
    checks.done()
    await checking.known(tx, *{supply.location_id for supply in made})
    await store.insert(tx, made, reference)
    await record(tx, [_incoming(supply, supply.quantity, "announced") for supply in made])
    _tell(tx, "announced", made)
    return made


async def move_supply(tx: Tx, supply_id: SupplyId, expected_on: date) -> Supply:
    """The supplier promises another day. Raises UnknownSupply."""
    (supply,) = await _locked(tx, [supply_id])
    if supply.expected_on == expected_on:
        return supply
    moved = replace(supply, expected_on=expected_on)
    await store.update(tx, [moved])
    _tell(tx, "moved", [moved])
    return moved


async def cancel_supply(tx: Tx, supply_id: SupplyId) -> Supply:
    """What has not come will not come. Doing it again changes nothing. Raises UnknownSupply."""
    (supply,) = await _locked(tx, [supply_id])
    if not supply.open:
        return supply
    cancelled = replace(supply, cancelled=supply.cancelled + supply.open)
    await store.update(tx, [cancelled])
    await record(tx, [_incoming(supply, -supply.open, "cancelled")])
    _tell(tx, "cancelled", [cancelled])
    return cancelled


async def receive_supplies(
    tx: Tx,
    received: Sequence[tuple[SupplyId, Quantity]],
    *,
    reference: str = "",
    location_id: LocationId | None = None,
) -> dict[Spot, Level]:
    """Supplies have arrived, whole or in part, each where it was expected. What comes on top of what was expected is taken in
    and recorded as well.

    Raises Invalid (also when a supply is of another SKU, or of another location than the one named) and UnknownSupply.
    """
    checks = Checks()
    checking.quantities(checks, [quantity for _, quantity in received])
    ids = [supply_id for supply_id, _ in received]
    checks.require("lines", len(set(ids)) == len(ids), "names a supply twice")
    note = checking.note(checks, reference, "reference")
    checks.done()
    supplies = await _locked(tx, ids)
    for n, (supply, (_, arrived)) in enumerate(zip(supplies, received, strict=True)):
        checks.require(f"lines[{n}].sku", supply.sku == arrived.sku.strip(), f"is not {supply.sku}, as the supply says")
        checks.require("location", location_id in (None, supply.location_id), "is not where the supply was expected")
        checks.require(f"lines[{n}].quantity", supply.received + arrived.quantity <= MAX_QUANTITY, "is too much")
    checks.done()
    after = [
        replace(supply, received=supply.received + arrived.quantity)
        for supply, (_, arrived) in zip(supplies, received, strict=True)
    ]
    movements = [
        Movement(
            EntryKind.RECEIVED,
            supply.sku,
            supply.location_id,
            on_hand=now.received - supply.received,
            incoming=now.open - supply.open,
            supply_id=supply.id,
            note=note or None,
        )
        for supply, now in zip(supplies, after, strict=True)
    ]
    await store.update(tx, after)
    levels = await record(tx, movements)
    _tell(tx, "received", after)
    by_location: dict[LocationId, list[str]] = {}
    for supply in after:
        by_location.setdefault(supply.location_id, []).append(supply.sku)
    for place, skus in by_location.items():
        tx.emit(StockChanged(kind=EntryKind.RECEIVED, location_id=place, reason="supply", note=note, skus=tuple(skus)))
    return levels


async def _locked(tx: Tx, ids: Sequence[SupplyId]) -> list[Supply]:
    """In the order of the ids given."""
    there = await store.lock(tx, ids)
    for supply_id in ids:
        if supply_id not in there:
            raise UnknownSupply(kind="supply", id=supply_id)
    return [there[supply_id] for supply_id in ids]


def _incoming(supply: Supply, change: int, reason: str) -> Movement:
    return Movement(EntryKind.EXPECTED, supply.sku, supply.location_id, incoming=change, supply_id=supply.id, reason=reason)


def _tell(tx: Tx, change: Literal["announced", "moved", "cancelled", "received"], supplies: Sequence[Supply]) -> None:
    tx.emit(
        *(
            SupplyChanged(
                supply_id=supply.id,
                sku=supply.sku,
                location_id=supply.location_id,
                open=supply.open,
                expected_on=supply.expected_on,
                change=change,
            )
            for supply in supplies
        )
    )
