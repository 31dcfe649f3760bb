"""import_stock: a file of a million stock rows, imported as `comptoir import stock FILE` does it, against bare COPY of the same
rows.

The bare side copies into twins of the two tables that the import fills, with their keys, indexes and checks, from text that
has been made beforehand, in one transaction: once in the order of the file, once sorted by key, and the faster one counts. Ours
begins with the file: it finds out how it is written, checks every row, SKU and location, sets levels, writes the ledger and
keeps its account, in transactions that a crash would resume after.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import errors

from comptoir.kernel.ids import ActorId
from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import ImportKind
from comptoir.runtime.database import Context, Database
from comptoir.surfaces.imports import ImportRequest, Report, hash_of, open_importer, run_import

LOCATIONS = 457
_BLOCK = 100_000

_SHOP = """
INSERT INTO locations.locations (id, code, name, kind, country, time_zone, created_at, updated_at)
SELECT uuidv7(), 'bench-' || n, 'Store ' || n, 'store', 'US', 'America/New_York', now(), now()
FROM generate_series(0, {last}) n;
INSERT INTO catalogue.products (id, code, names) VALUES (uuidv7(), 'bench', '{{"en": "Product"}}');
INSERT INTO catalogue.variants (id, product_id, sku, name, unit)
SELECT uuidv7(), (SELECT id FROM catalogue.products WHERE code = 'bench'), 'SKU-' || lpad(n::text, 7, '0'), 'Product', 'unit'
FROM generate_series(0, {skus}) n;
ANALYZE locations.locations, catalogue.variants;
"""

_TWINS = """
DROP SCHEMA IF EXISTS bench_copy CASCADE;
CREATE SCHEMA bench_copy;
CREATE TABLE bench_copy.levels (LIKE inventory.levels INCLUDING ALL) WITH (fillfactor = 80);
CREATE TABLE bench_copy.entries (LIKE inventory.entries INCLUDING ALL);
"""


class _Row(NamedTuple):
    sku: str
    location: str
    on_hand: int
    safety: int


async def measure(url: str, folder: Path, rows: int = 1_000_000) -> dict[str, float]:
    """Seconds of both sides, and their ratio. `url` is a migrated database that is ours alone; it keeps the rows."""
    path = folder / "stock.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("sku,location,on_hand,safety\n")
        file.writelines(f"{row.sku},{row.location},{row.on_hand},{row.safety}\n" for row in _rows(rows))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_SHOP.format(last=LOCATIONS - 1, skus=rows // LOCATIONS).encode())
        as_filed, sorted_by_key = (_bare(connection, one) for one in (list(_rows(rows)), sorted(_rows(rows))))
        connection.execute("DROP SCHEMA bench_copy CASCADE")
        _settle(connection)
    ours = await _ours(url, path, rows)
    bare = min(as_filed, sorted_by_key)
    return {"rows": rows, "copy_s": bare, "copy_as_filed_s": as_filed, "import_s": ours, "ratio": ours / bare}


def _rows(rows: int) -> Iterator[_Row]:
    """A chain's file: store by store, each with the same range."""
    skus = [f"SKU-{n:07d}" for n in range(-(-rows // LOCATIONS))]
    spots = ((sku, f"bench-{at}") for at in range(LOCATIONS) for sku in skus)
    return (_Row(sku, at, n % 50, n % 3) for n, (sku, at) in enumerate(islice(spots, rows)))


def _settle(connection: psycopg.Connection) -> None:
    """Neither side pays for what the other has left to be written."""
    with contextlib.suppress(errors.InsufficientPrivilege):
        connection.execute("CHECKPOINT")


def _bare(connection: psycopg.Connection, rows: list[_Row]) -> float:
    at: dict[str, str] = dict(connection.execute("SELECT code, id::text FROM locations.locations").fetchall())
    levels = list(_blocks(rows, at, ""))
    entries = list(_blocks(rows, at, "2026-01-01 00:00:00+00\tsystem\tadjusted\tinitial\t"))
    connection.execute(_TWINS)
    _settle(connection)
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


def _blocks(rows: list[_Row], at: dict[str, str], before: str) -> Iterator[bytes]:
    for begin in range(0, len(rows), _BLOCK):
        part = rows[begin : begin + _BLOCK]
        yield "".join([f"{before}{row.sku}\t{at[row.location]}\t{row.on_hand}\t{row.safety}\n" for row in part]).encode()


async def _ours(url: str, path: Path, rows: int) -> float:
    """From the file to the finished run."""
    request = ImportRequest(kind=ImportKind.STOCK, files=(str(path),))
    context = Context(ActorId("system"))
    async with Database(url, max_connections=4) as database:
        begun = time.perf_counter()
        file_hash = hash_of(request.paths)
        async with database.transaction(context) as tx:
            assert await imports.same_file(tx, request.kind, file_hash) is None
            run = await imports.create(tx, request.draft(file_hash))
        done = await run_import(database, run.id, await open_importer(request), context)
        seconds = time.perf_counter() - begun
    assert Report.from_json(done.report).outcomes["created"] == rows, "every row is a level that was not there"
    return seconds
