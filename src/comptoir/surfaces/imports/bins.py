"""Where SKUs lie, from a file: the bin of each, its zone and its number on the walk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from comptoir.connectors.plain import read_bins
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import BinRow
from comptoir.modules.locations import api as locations
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.orderfiles import RejectedRow, RowId
from comptoir.sdk.records import BinRecord
from comptoir.sdk.tabular import open_table
from comptoir.surfaces.imports.cells import reject_rows
from comptoir.surfaces.imports.reading import Chunk, Importer, Seen, Watch
from comptoir.surfaces.imports.report import Report, add
from comptoir.surfaces.imports.request import ImportRequest

_CHUNK = 2_000
Row = BinRecord | RejectedRow


class BinImporter(Importer[Row]):
    layout = "bins"

    def __init__(self, request: ImportRequest, watch: Watch) -> None:
        self._options = request.options
        self._table = open_table(request.paths[0], request.options)
        self._watch = watch

    @property
    def headers(self) -> Sequence[tuple[Sequence[str], str]]:
        return [(self._table.header, self._table.dialect.separator)]

    def chunks(self, after: int) -> Iterator[Chunk[Row]]:
        rows = read_bins(self._table, self._options, lambda seen: self._watch(Seen("reading", *seen)))
        left = islice(enumerate(rows, start=1), after, None)
        while chunk := list(islice(left, _CHUNK)):
            yield Chunk(chunk)

    async def apply(self, tx: Tx, chunk: Chunk[Row], report: Report) -> Sequence[RejectedRow]:
        wanted, rejected = await self._judge(tx, chunk)
        if wanted:
            done = await fulfilment.load_bins(tx, wanted)
            add(report.outcomes, {"created": done.created, "changed": done.changed, "unchanged": done.unchanged})
        report.taken += len(wanted)
        report.reject(rejected)
        return rejected

    async def preview(self, reader: Reader, chunk: Chunk[Row], report: Report) -> Sequence[RejectedRow]:
        wanted, rejected = await self._judge(reader, chunk)
        report.taken += len(wanted)
        report.reject(rejected)
        return rejected

    def reject(self, item: Row, problem: Exception) -> Sequence[RejectedRow]:
        if isinstance(item, RejectedRow):
            return [item]
        return reject_rows([self._table], {RowId(0, item.line): ("not_valid", f"{problem}.", "Correct the row.")})

    async def _judge(self, reader: Reader, chunk: Chunk[Row]) -> tuple[list[BinRow], list[RejectedRow]]:
        rejected = [row for _, row in chunk.items if isinstance(row, RejectedRow)]
        records = [row for _, row in chunk.items if isinstance(row, BinRecord)]
        places = await locations.ids(reader, sorted({record.location for record in records})) if records else {}
        skus = sorted({record.sku for record in records if record.sku})
        known = await catalogue.known(reader, skus) if skus else set[str]()
        wanted: list[BinRow] = []
        wrong: dict[RowId, tuple[str, str, str]] = {}
        for record in records:
            row = RowId(0, record.line)
            if record.location not in places:
                reason = f"There is no location {record.location}."
                wrong[row] = ("unknown_location", reason, "Import it with the locations, or correct the row.")
            elif record.sku and record.sku not in known:
                wrong[row] = (
                    "unknown_sku",
                    f"There is no SKU {record.sku}.",
                    "Import it with the products, or correct the row.",
                )
            else:
                wanted.append(BinRow(places[record.location], record.sku, record.bin, record.zone, record.sequence))
        return wanted, rejected + reject_rows([self._table], wrong)
