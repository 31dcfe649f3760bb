"""import_stock: a million stock rows through `inventory.load_levels`, against bare COPY of the same rows.

The bare side copies into twins of the two tables that a load fills, with their keys, indexes and checks, from text that has
been made beforehand, in one transaction. Ours includes making the text, in transactions of a hundred thousand rows.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from uuid import UUID

import psycopg
from psycopg import errors

from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import StockColumns
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Database

LOCATIONS = 457
CHUNK = 100_000

_LOCATION = """
INSERT INTO locations.locations (id, code, name, kind, country, time_zone, created_at, updated_at)
VALUES (%s, %s, %s, 'store', 'US', 'America/New_York', now(), now())
"""

_TWINS = (
    "CREATE SCHEMA bench_copy",
    "CREATE TABLE bench_copy.levels (LIKE inventory.levels INCLUDING ALL)",
    "CREATE TABLE bench_copy.entries (LIKE inventory.entries INCLUDING ALL)",
)


async def measure(url: str, rows: int = 1_000_000) -> dict[str, float]:
    """Seconds of both sides, and their ratio. `url` is a migrated database that is ours alone; it keeps the rows."""
    locations = [LocationId(uuid7()) for _ in range(LOCATIONS)]
    columns = _columns(rows, locations)
    with psycopg.connect(url, autocommit=True) as connection:
        for n, location in enumerate(locations):
            connection.execute(_LOCATION, (location, f"bench-{n}", f"Store {n}"))
        for statement in _TWINS:
            connection.execute(statement)
        _settle(connection)
        bare = _bare(connection, columns)
        _settle(connection)
    ours = await _ours(url, columns)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA bench_copy CASCADE")
    return {"rows": rows, "copy_s": bare, "load_s": ours, "ratio": ours / bare}


def _columns(rows: int, locations: list[LocationId]) -> StockColumns:
    """A chain's file: store by store, each with the same range."""
    skus = [f"SKU-{n:07d}" for n in range(-(-rows // len(locations)))]
    at = [location for location in locations for _ in skus][:rows]
    return StockColumns((skus * len(locations))[:rows], at, [n % 50 for n in range(rows)], [n % 3 for n in range(rows)])


def _settle(connection: psycopg.Connection) -> None:
    """Neither side pays for what the other has left to be written."""
    with contextlib.suppress(errors.InsufficientPrivilege):
        connection.execute("CHECKPOINT")


def _bare(connection: psycopg.Connection, columns: StockColumns) -> float:
    levels = list(_blocks(columns, ""))
    entries = list(_blocks(columns, "2026-01-01 00:00:00+00\tsystem\tadjusted\tinitial\t"))
    begun = time.perf_counter()
    with connection.transaction(), connection.cursor() as cursor:
        for table, blocks in (
            ("levels (sku, location_id, on_hand, safety)", levels),
            ("entries (at, actor, kind, reason, sku, location_id, on_hand, safety)", entries),
        ):
            with cursor.copy(f"COPY bench_copy.{table} FROM STDIN".encode()) as copy:
                for block in blocks:
                    copy.write(block)
    return time.perf_counter() - begun


def _blocks(columns: StockColumns, before: str) -> Iterator[bytes]:
    names: dict[UUID, str] = {location: str(location) for location in set(columns.location_ids)}
    safety = columns.safety or []
    for begin in range(0, len(columns.skus), CHUNK):
        end = begin + CHUNK
        part = zip(
            columns.skus[begin:end], columns.location_ids[begin:end], columns.on_hand[begin:end], safety[begin:end], strict=True
        )
        yield "".join([f"{before}{sku}\t{names[at]}\t{on_hand}\t{kept}\n" for sku, at, on_hand, kept in part]).encode()


async def _ours(url: str, columns: StockColumns) -> float:
    safety = columns.safety or []
    async with Database(url, max_connections=1, statement_timeout_ms=0) as database:
        begun = time.perf_counter()
        for begin in range(0, len(columns.skus), CHUNK):
            end = begin + CHUNK
            async with database.transaction() as tx:
                loaded = await inventory.load_levels(
                    tx,
                    StockColumns(
                        columns.skus[begin:end], columns.location_ids[begin:end], columns.on_hand[begin:end], safety[begin:end]
                    ),
                )
            assert loaded.created == len(columns.skus[begin:end]), "every row is a level that was not there"
        return time.perf_counter() - begun
