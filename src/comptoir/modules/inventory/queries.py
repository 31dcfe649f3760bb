"""Reading stock: levels, availability, the ledger, what is to come, and what has changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime

from comptoir.modules.inventory.contracts import (
    Arrival,
    Changes,
    CountId,
    LedgerEntry,
    LedgerFilter,
    Level,
    LevelFilter,
    Spot,
    SpotLevel,
    StockCount,
    Supply,
    SupplyFilter,
    SupplyId,
    Tallied,
    Transfer,
    TransferFilter,
    TransferId,
    TransferLine,
    TransferTasks,
)
from comptoir.modules.inventory.errors import UnknownCount, UnknownTransfer
from comptoir.modules.inventory.store import counts as count_store
from comptoir.modules.inventory.store import history, reading
from comptoir.modules.inventory.store import supplies as supply_store
from comptoir.modules.inventory.store import transfers as transfer_store
from comptoir.modules.inventory.store.reading import Locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.columnar import Columns
from comptoir.runtime.database import Reader
from comptoir.runtime.events import Position
from comptoir.runtime.paging import Count, Page


async def opening(reader: Reader, skus: Sequence[str], since: datetime) -> Columns:
    """What was free of these SKUs before an instant, as columns sku, location (UUID as text) and units."""
    return await history.opening(reader, skus, since)


async def flow(reader: Reader, skus: Sequence[str], since: datetime, until: datetime) -> Columns:
    """How what is free of these SKUs changed from one instant up to another, in the order of the ledger, as columns at
    (microseconds since 1970), sku, location and units. What was promised to orders and shipped for them is left out.
    """
    return await history.flow(reader, skus, since, until)


async def available_before(reader: Reader, skus: Sequence[str], tx: int) -> dict[Spot, int]:
    """What was available of these SKUs everywhere before a transaction, by its id: what the ledger has since is taken off.

    Transactions that ran beside it count by their ids, not by who was seen.
    """
    return await reading.available_before(reader, skus, tx)


async def levels(reader: Reader, skus: Sequence[str]) -> list[SpotLevel]:
    """Every level of these SKUs, by SKU and location."""
    return await reading.levels_of_skus(reader, skus)


async def levels_of_sku(reader: Reader, sku: str) -> list[SpotLevel]:
    """Where a SKU is, by location."""
    return await reading.levels_of_sku(reader, sku)


async def levels_at(reader: Reader, spots: Sequence[Spot]) -> dict[Spot, Level]:
    """The levels at exactly these spots; one that has none is not there."""
    return await reading.levels_at(reader, spots)


async def find_levels(
    reader: Reader, wanted: LevelFilter, *, sort: str = "sku", limit: int = 50, cursor: str | None = None
) -> Page[SpotLevel]:
    """Sorts: sku, location, available, on_hand, reserved, incoming, and each with a `-` before it."""
    return await reading.LEVELS.page(reader, reading.where_levels(wanted), sort=sort, limit=limit, cursor=cursor)


async def count_levels(reader: Reader, wanted: LevelFilter) -> Count:
    return await reading.LEVELS.count(reader, reading.where_levels(wanted))


def stream_levels(reader: Reader, wanted: LevelFilter, *, sort: str = "sku") -> AsyncIterator[SpotLevel]:
    """Every one of them, in order, for exports."""
    return reading.LEVELS.stream(reader, reading.where_levels(wanted), sort=sort)


async def availability_one(reader: Reader, sku: str, pool: Locations) -> int:
    """What a pool may promise of a SKU: the sum of what its locations have available, none of them counting below zero."""
    return await reading.available_one(reader, sku, pool)


async def availability_of_pool(reader: Reader, skus: Sequence[str], pool: Locations) -> dict[str, int]:
    """As `availability_one`, for many SKUs in one statement; each of them is there."""
    return dict.fromkeys(skus, 0) | await reading.available_of_pool(reader, skus, pool)


async def availability(reader: Reader, skus: Sequence[str], location_ids: Locations) -> dict[str, list[tuple[LocationId, int]]]:
    """What is available of each SKU at each of these locations that knows it; negative where it is oversold."""
    found: dict[str, list[tuple[LocationId, int]]] = {sku: [] for sku in skus}
    for sku, location, available in await reading.available_by_location(reader, skus, location_ids):
        found[sku].append((location, available))
    return found


async def incoming(reader: Reader, skus: Sequence[str], location_ids: Locations | None = None) -> Mapping[str, list[Arrival]]:
    """What is to come of each SKU, what is on the road from another location first, then by the day that it is promised for."""
    found: dict[str, list[Arrival]] = {sku: [] for sku in skus}
    for arrival in await reading.arrivals(reader, skus, location_ids):
        found[arrival.sku].append(arrival)
    return found


async def feed_position(reader: Reader) -> Position:
    """Where the feed is now. Take it, then read all levels, then follow `changed_since`: nothing is missed."""
    return await reading.horizon(reader)


async def changed_since(
    reader: Reader,
    position: Position,
    *,
    skus: Sequence[str] | None = None,
    location_ids: Sequence[LocationId] | None = None,
    limit: int = 1000,
) -> Changes:
    """What has changed after a position, each spot once and as it is now, in the order in which the changes were committed.

    `limit` bounds the entries that are read, of which some may be of other SKUs or the same spot. A change that is committed
    while an older transaction is still open is told when that one has ended.
    """
    entries = await reading.entries_after(reader, position, limit)
    if not entries:
        return Changes((), position, more=False)
    wanted_skus = None if skus is None else frozenset(skus)
    wanted_locations = None if location_ids is None else frozenset(location_ids)
    spots: dict[Spot, None] = {}
    for _, _, sku, location in entries:
        if (wanted_skus is None or sku in wanted_skus) and (wanted_locations is None or location in wanted_locations):
            spots[sku, location] = None
    there = await reading.levels_at(reader, list(spots)) if spots else {}
    tx, seq, _, _ = entries[-1]
    return Changes(
        tuple(SpotLevel(*spot, there[spot]) for spot in spots if spot in there),
        Position(tx, seq),
        more=len(entries) == limit,
    )


async def ledger(
    reader: Reader, wanted: LedgerFilter, *, sort: str = "newest", limit: int = 50, cursor: str | None = None
) -> Page[LedgerEntry]:
    """Sorts: newest, oldest."""
    return await reading.LEDGER.page(reader, reading.where_ledger(wanted), sort=sort, limit=limit, cursor=cursor)


async def count_ledger(reader: Reader, wanted: LedgerFilter) -> Count:
    return await reading.LEDGER.count(reader, reading.where_ledger(wanted))


def stream_ledger(reader: Reader, wanted: LedgerFilter, *, sort: str = "newest") -> AsyncIterator[LedgerEntry]:
    """Every one of them, in order, for exports."""
    return reading.LEDGER.stream(reader, reading.where_ledger(wanted), sort=sort)


async def transfer(reader: Reader, transfer_id: TransferId) -> Transfer:
    """With its lines. Raises UnknownTransfer."""
    found = await transfer_store.get(reader, transfer_id)
    if found is None:
        raise UnknownTransfer(kind="transfer", id=transfer_id)
    return found


async def find_transfers(
    reader: Reader, wanted: TransferFilter, *, sort: str = "-number", limit: int = 50, cursor: str | None = None
) -> Page[Transfer]:
    """Without their lines. Sorts: number, state, and each with a `-` before it."""
    return await transfer_store.LISTING.page(reader, transfer_store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def lines_of_transfers(reader: Reader, ids: Sequence[TransferId]) -> dict[TransferId, tuple[TransferLine, ...]]:
    """Their lines, for lists of them."""
    return await transfer_store.lines_of(reader, ids) if ids else {}


async def transfer_tasks(reader: Reader, location_id: LocationId, today: date) -> TransferTasks:
    """How many transfers wait at a location to be sent and received."""
    return await transfer_store.tasks(reader, location_id, today)


async def tallies(reader: Reader, transfer_id: TransferId) -> list[Tallied]:
    """What of a transfer is scanned where it arrives, and not taken in yet."""
    return await transfer_store.tallies(reader, transfer_id)


async def tallied(reader: Reader, ids: Sequence[TransferId]) -> dict[TransferId, int]:
    """How many units of these are scanned and not taken in yet."""
    return await transfer_store.tallied(reader, ids) if ids else {}


async def supplies(reader: Reader, ids: Sequence[SupplyId]) -> dict[SupplyId, Supply]:
    """Those of them that there are."""
    return await supply_store.read(reader, ids)


async def find_supplies(
    reader: Reader, wanted: SupplyFilter, *, sort: str = "expected", limit: int = 50, cursor: str | None = None
) -> Page[Supply]:
    """Sorts: expected, at, sku, and each with a `-` before it."""
    return await supply_store.LISTING.page(reader, supply_store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def stock_count(reader: Reader, count_id: CountId) -> StockCount:
    """With its lines. Raises UnknownCount."""
    found = await count_store.get(reader, count_id)
    if found is None:
        raise UnknownCount(kind="count", id=count_id)
    return found


async def find_counts(
    reader: Reader, location_ids: Sequence[LocationId] = (), *, sort: str = "-at", limit: int = 50, cursor: str | None = None
) -> Page[StockCount]:
    """Without their lines; of no locations is of all. Sorts: at and -at."""
    return await count_store.LISTING.page(reader, count_store.where(location_ids), sort=sort, limit=limit, cursor=cursor)
