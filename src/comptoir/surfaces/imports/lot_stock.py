"""Stock from a file that says its lots: each row is units of one lot, and the rows of a SKU at a location add up.

Such a file is read whole, row by row: lots are for goods that expire, not for a million SKUs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from comptoir.connectors.plain import STOCK_FIELDS, read_stock
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import StockColumns
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Named, Terms
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.orderfiles import RejectedRow, RowId, field_columns
from comptoir.sdk.records import StockRecord
from comptoir.sdk.tabular import open_table
from comptoir.surfaces.imports.advice import UNKNOWN_SKU
from comptoir.surfaces.imports.reading import Chunk, Importer, Seen, Watch
from comptoir.surfaces.imports.report import Report, add
from comptoir.surfaces.imports.request import ImportRequest
from comptoir.surfaces.imports.stock import StockImporter

_AT_ONCE = 200
Part = list[StockRecord] | list[RejectedRow]
"""All rows of a SKU at a location, or rows that do not read."""


def stock_importer(request: ImportRequest, watch: Watch) -> Importer[Any]:
    """Whoever reads this file of stock: with its lots, where it has such a column."""
    header = open_table(request.paths[0], request.options).header
    columns = field_columns(STOCK_FIELDS, header)
    return LotStockImporter(request, watch) if {"lot", "expires"} & set(columns) else StockImporter(request, watch)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database says of the rows at hand."""

    places: Mapping[str, LocationId]
    skus: set[str]
    terms: Mapping[str, Terms]
    days: Mapping[tuple[str, str], date | None]


class LotStockImporter(Importer[Part]):
    layout = "stock"

    def __init__(self, request: ImportRequest, watch: Watch) -> None:
        self._options = request.options
        self._table = open_table(request.paths[0], request.options)
        columns = field_columns(STOCK_FIELDS, self._table.header)
        self._columns = dict(sorted(columns.items(), key=lambda found: self._table.header.index(found[1])))
        self._watch = watch

    @property
    def headers(self) -> Sequence[tuple[Sequence[str], str]]:
        return [(self._table.header, self._table.dialect.separator)]

    def chunks(self, after: int) -> Iterator[Chunk[Part]]:
        position, ready = 0, list[tuple[int, Part]]()
        for part in self._parts():
            position += len(part)
            if position > after:
                ready.append((position, part))
            if len(ready) == _AT_ONCE:
                yield Chunk(ready)
                ready = []
        if ready:
            yield Chunk(ready)

    def _parts(self) -> Iterator[Part]:
        spots: dict[tuple[str, str], list[StockRecord]] = {}
        rejected: list[RejectedRow] = []
        for row in read_stock(self._table, self._options, lambda seen: self._watch(Seen("reading", *seen))):
            if isinstance(row, RejectedRow):
                rejected.append(row)
            else:
                spots.setdefault((row.sku, row.location), []).append(row)
        if rejected:
            yield rejected
        yield from spots.values()

    async def apply(self, tx: Tx, chunk: Chunk[Part], report: Report) -> Sequence[RejectedRow]:
        rejected, good, known = await self._judged(tx, chunk, report)
        if not good:
            return rejected
        columns = StockColumns(
            [rows[0].sku for rows in good],
            [known.places[rows[0].location] for rows in good],
            [sum(row.on_hand for row in rows) for rows in good],
            [next((row.safety for row in rows if row.safety is not None), None) for rows in good],
        )
        done = await inventory.load_levels(tx, columns, import_id=self.run_id)
        changed = done.changed
        for rows in sorted(good, key=lambda rows: (rows[0].sku, known.places[rows[0].location])):
            terms = known.terms.get(rows[0].sku)
            named = [Named(row.sku, row.on_hand, row.lot, row.expires) for row in rows if _says_lot(row) and row.on_hand]
            if terms is not None and any(_says_lot(row) for row in rows):
                await lots.put_shelves(tx, (rows[0].sku, known.places[rows[0].location]), named, terms)
        add(report.outcomes, {"created": done.created, "changed": changed, "unchanged": done.unchanged})
        return rejected

    async def preview(self, reader: Reader, chunk: Chunk[Part], report: Report) -> Sequence[RejectedRow]:
        return (await self._judged(reader, chunk, report))[0]

    def reject(self, item: Part, problem: Exception) -> Sequence[RejectedRow]:
        """All is checked before it is written: when the database refuses it nevertheless, that is a bug."""
        raise problem if item else AssertionError(problem)

    async def _judged(
        self, reader: Reader, chunk: Chunk[Part], report: Report
    ) -> tuple[list[RejectedRow], list[list[StockRecord]], _Known]:
        """The rows that cannot be taken, and those that can; of a SKU at a location all or none."""
        rejected = [row for _, part in chunk.items for row in part if isinstance(row, RejectedRow)]
        spots = [rows for _, part in chunk.items if (rows := [row for row in part if isinstance(row, StockRecord)])]
        known = await self._known(reader, [row for rows in spots for row in rows])
        good: list[list[StockRecord]] = []
        for rows in spots:
            problem = _problem(rows, known)
            if problem is None:
                good.append(rows)
            else:
                rejected += [self._rejected(row, *problem) for row in rows]
        report.taken += sum(len(rows) for rows in good)
        add(report.outcomes, {"units": sum(row.on_hand for rows in good for row in rows)})
        report.reject(rejected)
        return rejected, good, known

    async def _known(self, reader: Reader, rows: Sequence[StockRecord]) -> _Known:
        skus = sorted({row.sku for row in rows})
        named = sorted({(row.sku, _lot(row)) for row in rows if _says_lot(row)})
        return _Known(
            await locations.ids(reader, sorted({row.location for row in rows})),
            await catalogue.known(reader, skus),
            await lots.terms(reader, skus),
            await lots.days(reader, named),
        )

    def _rejected(self, row: StockRecord, code: str, reason: str, advice: str) -> RejectedRow:
        said = {
            "sku": row.sku,
            "location": row.location,
            "on_hand": str(row.on_hand),
            "safety": "" if row.safety is None else str(row.safety),
            "lot": row.lot,
            "expires": "" if row.expires is None else row.expires.isoformat(),
        }
        cells = {column: said[name] for name, column in self._columns.items()}
        return RejectedRow(RowId(0, row.line), code, reason, advice or UNKNOWN_SKU[self.origin], cells)


def _says_lot(row: StockRecord) -> bool:
    return bool(row.lot or row.expires)


def _lot(row: StockRecord) -> str:
    return row.lot or (row.expires.isoformat() if row.expires else "")


def _problem(rows: Sequence[StockRecord], known: _Known) -> tuple[str, str, str] | None:
    """(code, reason, advice) of the first thing that is wrong with the rows of a SKU at a location."""
    first = rows[0]
    if first.location not in known.places:
        reason = f"There is no location {first.location}."
        return "unknown_location", reason, "Import it with the locations, or correct the row."
    if first.sku not in known.skus:
        return "unknown_sku", f"There is no SKU {first.sku}.", ""
    if any(_says_lot(row) for row in rows) and first.sku not in known.terms:
        advice = "Say first that it has lots: in the file of products (column lots), or on the page of lots."
        return "lots_not_asked", f"{first.sku} has no lots.", advice
    days = {code: day for (sku, code), day in known.days.items() if sku == first.sku}
    for row in rows:
        before = days.get(_lot(row))
        if before is not None and row.expires is not None and before != row.expires:
            reason = f"Lot {row.lot} expires on {before}, and not on {row.expires}."
            return "lot_differs", reason, "Look at the label: a lot has one date everywhere."
        days[_lot(row)] = before or row.expires
    return None
