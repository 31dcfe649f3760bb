"""Bins by file: which SKU lies where, the zone of each bin and its number on the walk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from comptoir.modules.fulfilment.contracts import BinRow, BinsLoaded
from comptoir.modules.fulfilment.store import picking
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Reader, Tx

MAX_SEQUENCE = 1_000_000


async def load_bins(tx: Tx, rows: Sequence[BinRow]) -> BinsLoaded:
    """Of two rows of one SKU at a location, or of one bin, the later counts. A row whose SKU had no bin is created, one that
    changed the bin of its SKU or the place of its bin is changed. An empty bin takes the SKU out of its own.
    """
    skus = {(row.location_id, row.sku): row for row in rows if row.sku}
    places = {(row.location_id, row.bin): row for row in rows if row.bin and (row.zone is not None or row.sequence is not None)}
    moved = await picking.load_places(tx, list(places.values())) if places else set[tuple[LocationId, str]]()
    put = await picking.load_bins(tx, list(skus.values())) if skus else {}
    created = sum(1 for row in rows if put.get((row.location_id, row.sku), False))
    changed = sum(
        1
        for row in rows
        if put.get((row.location_id, row.sku)) is False
        or ((row.location_id, row.sku) not in put and (row.location_id, row.bin) in moved)
    )
    return BinsLoaded(created, changed, len(rows) - created - changed)


def stream_bins(reader: Reader, location_ids: Sequence[LocationId]) -> AsyncIterator[BinRow]:
    """Every row of these locations, as `load_bins` takes them."""
    return picking.stream_bins(reader, location_ids)
