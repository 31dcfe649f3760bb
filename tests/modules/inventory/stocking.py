"""Places with stock, for the tests of inventory."""

from __future__ import annotations

import asyncio
from typing import TypeVar
from uuid import UUID

from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import Level, PromiseId, Quantity, Reservation
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationDraft, LocationId, LocationKind
from comptoir.runtime.database import Database, Reader, Tx
from comptoir.runtime.events import Event

E = TypeVar("E", bound=Event)


async def places(database: Database, count: int) -> list[LocationId]:
    """Ids of new locations, in the order in which levels are locked."""
    async with database.transaction() as tx:
        made = [
            await locations.create(
                tx,
                LocationDraft(
                    code=f"place-{n}", name=f"Place {n}", kind=LocationKind.STORE, country="FR", time_zone="Europe/Paris"
                ),
            )
            for n in range(count)
        ]
    return sorted(location.id for location in made)


async def stock(database: Database, location_id: LocationId, **skus: int) -> None:
    async with database.transaction() as tx:
        await api.receive(tx, location_id, [Quantity(sku, quantity) for sku, quantity in skus.items()])


async def promise(tx: Tx, sku: str, location_id: LocationId, quantity: int) -> Reservation:
    """A promise to a new order, of what is available."""
    available = await api.lock_available(tx, [(sku, location_id)])
    assert available[sku, location_id] >= quantity
    reservation = Reservation(PromiseId(uuid7()), 1, location_id, sku, quantity)
    await api.reserve(tx, [reservation])
    return reservation


async def level(reader: Reader, sku: str, location_id: LocationId) -> Level:
    """None of anything where there is no level."""
    return (await api.levels_at(reader, [(sku, location_id)])).get((sku, location_id), Level())


def told(tx: Tx, kind: type[E]) -> list[E]:
    """The events of one kind that this transaction will write."""
    return [event for event in tx.emitted if isinstance(event, kind)]


async def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """All that inventory holds, and the log: to see that a refusal has changed nothing."""
    async with database.read() as reader:
        return {
            table: sorted(map(tuple, await reader.rows(f"SELECT * FROM {table}")), key=repr)
            for table in (
                "inventory.levels",
                "inventory.entries",
                "inventory.reservations",
                "inventory.holds",
                "inventory.supplies",
                "inventory.transfers",
                "inventory.transfer_lines",
                "inventory.transfer_tallies",
                "inventory.counts",
                "inventory.count_lines",
                "runtime.events",
            )
        }


async def settled(reader: Reader) -> None:
    """Waits until everything that is in the ledger is older than every open transaction; those of other tests count as well."""
    young = "SELECT 1 FROM inventory.entries WHERE tx >= pg_snapshot_xmin(pg_current_snapshot()) LIMIT 1"
    while await reader.value(young):  # noqa: ASYNC110 - nobody tells when another test's transaction ends
        await asyncio.sleep(0.005)


ORDER = UUID("00000000-0000-7000-8000-00000000000a")
