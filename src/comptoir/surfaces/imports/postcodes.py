"""Where postcodes are, from a file: new ones are added, others changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from comptoir.connectors.plain import read_postcodes
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Postcode
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.orderfiles import RejectedRow, RowId
from comptoir.sdk.records import PostcodeRecord
from comptoir.sdk.tabular import open_table
from comptoir.surfaces.imports.cells import reject_rows
from comptoir.surfaces.imports.reading import Chunk, Importer, Seen, Watch
from comptoir.surfaces.imports.report import Report, add
from comptoir.surfaces.imports.request import ImportRequest

_CHUNK = 2_000
Row = PostcodeRecord | RejectedRow


class PostcodeImporter(Importer[Row]):
    layout = "postcodes"

    def __init__(self, request: ImportRequest, watch: Watch) -> None:
        self._options = request.options
        self._table = open_table(request.paths[0], request.options)
        self._watch = watch

    @property
    def headers(self) -> Sequence[tuple[Sequence[str], str]]:
        return [(self._table.header, self._table.dialect.separator)]

    def chunks(self, after: int) -> Iterator[Chunk[Row]]:
        rows = read_postcodes(self._table, self._options, lambda seen: self._watch(Seen("reading", *seen)))
        left = islice(enumerate(rows, start=1), after, None)
        while chunk := list(islice(left, _CHUNK)):
            yield Chunk(chunk)

    async def apply(self, tx: Tx, chunk: Chunk[Row], report: Report) -> Sequence[RejectedRow]:
        wanted, rejected = _told(chunk)
        changed = await locations.put_postcodes(tx, wanted)
        add(report.outcomes, {"changed": changed, "unchanged": len(wanted) - changed})
        report.taken += len(wanted)
        report.reject(rejected)
        return rejected

    async def preview(self, reader: Reader, chunk: Chunk[Row], report: Report) -> Sequence[RejectedRow]:
        del reader
        wanted, rejected = _told(chunk)
        report.taken += len(wanted)
        report.reject(rejected)
        return rejected

    def reject(self, item: Row, problem: Exception) -> Sequence[RejectedRow]:
        if isinstance(item, RejectedRow):
            return [item]
        return reject_rows([self._table], {RowId(0, item.line): ("not_valid", f"{problem}.", "Correct the row.")})


def _told(chunk: Chunk[Row]) -> tuple[list[Postcode], list[RejectedRow]]:
    rows = [row for _, row in chunk.items]
    wanted = [
        Postcode(one.country, one.postcode, float(one.latitude), float(one.longitude), one.place)
        for one in rows
        if isinstance(one, PostcodeRecord)
    ]
    return wanted, [one for one in rows if isinstance(one, RejectedRow)]
