"""Stock from a file: what is on hand, and what is kept back, at each (SKU, location) that it names. Columns, not rows: a
million take seconds.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from comptoir.connectors.plain import STOCK_FIELDS, StockBatch, read_stock_batches
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import StockColumns
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.orderfiles import RejectedRow, RowId, field_columns
from comptoir.sdk.tabular import open_table
from comptoir.surfaces.imports.advice import UNKNOWN_SKU
from comptoir.surfaces.imports.products import UNDETERMINED
from comptoir.surfaces.imports.reading import Chunk, Importer, Seen, Watch
from comptoir.surfaces.imports.report import Report, add
from comptoir.surfaces.imports.request import ImportRequest

_REJECTS = 5000
_compute = cast("Any", pc)

Part = StockBatch | list[RejectedRow]
"""Rows that read well, or rows that do not."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """A batch without the rows whose SKU or location nobody knows."""

    skus: list[str]
    locations: list[LocationId]
    on_hand: list[int]
    safety: list[int | None] | None
    new_skus: list[str]
    rejected: list[RejectedRow]


class StockImporter(Importer[Part]):
    layout = "stock"

    def __init__(self, request: ImportRequest, watch: Watch) -> None:
        self._options = request.options
        self._create = bool(request.create_products)
        self._table = open_table(request.paths[0], request.options)
        columns = field_columns(STOCK_FIELDS, self._table.header)
        self._columns = dict(sorted(columns.items(), key=lambda found: self._table.header.index(found[1])))
        self._watch = watch

    @property
    def headers(self) -> Sequence[tuple[Sequence[str], str]]:
        return [(self._table.header, self._table.dialect.separator)]

    def chunks(self, after: int) -> Iterator[Chunk[Part]]:
        position = 0
        for part in self._parts():
            position += len(part)
            if position > after:
                yield Chunk([(position, part)])

    def _parts(self) -> Iterator[Part]:
        """The file's batches, the rejected rows between them gathered."""
        rows = read_stock_batches(self._table, self._options, lambda seen: self._watch(Seen("reading", *seen)))
        rejected: list[RejectedRow] = []
        for row in rows:
            if isinstance(row, RejectedRow):
                rejected.append(row)
            if rejected and (len(rejected) == _REJECTS or not isinstance(row, RejectedRow)):
                yield rejected
                rejected = []
            if isinstance(row, StockBatch):
                yield row
        if rejected:
            yield rejected

    async def apply(self, tx: Tx, chunk: Chunk[Part], report: Report) -> Sequence[RejectedRow]:
        return [row for _, part in chunk.items for row in await self._apply(tx, part, report)]

    async def _apply(self, tx: Tx, part: Part, report: Report) -> Sequence[RejectedRow]:
        if isinstance(part, list):
            report.reject(part)
            return part
        judged = await self._judge(tx, part)
        if judged.new_skus:
            drafts = [
                ProductDraft(code=sku, names={UNDETERMINED: sku}, variants=(VariantDraft(sku=sku),)) for sku in judged.new_skus
            ]
            add(report.made, {"products": (await catalogue.upsert(tx, drafts)).created})
        columns = StockColumns(judged.skus, judged.locations, judged.on_hand, judged.safety)
        done = await inventory.load_levels(tx, columns, import_id=self.run_id)
        add(report.outcomes, {"created": done.created, "changed": done.changed, "unchanged": done.unchanged})
        self._count(report, judged)
        return judged.rejected

    async def preview(self, reader: Reader, chunk: Chunk[Part], report: Report) -> Sequence[RejectedRow]:
        rejected: list[RejectedRow] = []
        for _, part in chunk.items:
            if isinstance(part, list):
                report.reject(part)
                rejected += part
                continue
            judged = await self._judge(reader, part)
            add(report.made, {"products": len(judged.new_skus)})
            self._count(report, judged)
            rejected += judged.rejected
        return rejected

    def _count(self, report: Report, judged: _Judged) -> None:
        report.taken += len(judged.skus)
        add(report.outcomes, {"units": sum(judged.on_hand)})
        report.reject(judged.rejected)

    def reject(self, item: Part, problem: Exception) -> Sequence[RejectedRow]:
        """A batch is checked before it is written: when the database refuses it nevertheless, that is a bug."""
        raise problem if isinstance(item, StockBatch) else AssertionError(problem)

    async def _judge(self, reader: Reader, batch: StockBatch) -> _Judged:
        skus = _compute.unique(batch.skus).to_pylist()
        places = await locations.ids(reader, _compute.unique(batch.locations).to_pylist())
        known = await catalogue.known(reader, skus)
        new = [sku for sku in skus if sku not in known]
        here = _is_in(batch.locations, list(places))
        fine = here if self._create or not new else here & _is_in(batch.skus, list(known))
        rejected: list[RejectedRow] = []
        chosen = batch
        if not fine.all():
            rejected = list(self._rejected(batch, ~fine, places, known))
            chosen = _where(batch, fine)
            new = [sku for sku in _compute.unique(chosen.skus).to_pylist() if sku not in known]
        safety: list[int | None] | None = None
        if (chosen.safety >= 0).any():
            safety = [None if value < 0 else value for value in chosen.safety.tolist()]
        return _Judged(
            chosen.skus.to_pylist(),
            [places[code] for code in chosen.locations.to_pylist()],
            chosen.on_hand.tolist(),
            safety,
            new if self._create else [],
            rejected,
        )

    def _rejected(
        self, batch: StockBatch, wrong: npt.NDArray[np.bool_], places: Mapping[str, LocationId], known: set[str]
    ) -> Iterator[RejectedRow]:
        for record in _where(batch, wrong).records():
            safety = "" if record.safety is None else str(record.safety)
            said = {"sku": record.sku, "location": record.location, "on_hand": str(record.on_hand), "safety": safety}
            cells = {column: said[name] for name, column in self._columns.items()}
            row = RowId(0, record.line)
            if record.location not in places:
                reason = f"There is no location {record.location}."
                yield RejectedRow(row, "unknown_location", reason, "Import it with the locations, or correct the row.", cells)
            else:
                assert record.sku not in known
                reason = f"There is no SKU {record.sku}."
                yield RejectedRow(row, "unknown_sku", reason, UNKNOWN_SKU[self.origin], cells)


def _is_in(column: Any, values: Sequence[str]) -> npt.NDArray[np.bool_]:
    return _compute.is_in(column, value_set=pa.array(values, pa.string())).to_numpy(zero_copy_only=False)


def _where(batch: StockBatch, chosen: npt.NDArray[np.bool_]) -> StockBatch:
    mask = pa.array(chosen)
    return StockBatch(
        batch.lines[chosen],
        batch.skus.filter(mask),
        batch.locations.filter(mask),
        batch.on_hand[chosen],
        batch.safety[chosen],
    )
