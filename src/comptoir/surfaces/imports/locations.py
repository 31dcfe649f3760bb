"""Locations from a file: new ones are made, others changed; what the file does not say stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from comptoir.connectors.plain import read_locations
from comptoir.kernel.errors import Refusal
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationDraft, LocationKind
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.orderfiles import RejectedRow, RowId
from comptoir.sdk.records import LocationRecord
from comptoir.sdk.tabular import open_table
from comptoir.surfaces.imports.cells import reject_rows
from comptoir.surfaces.imports.hours import hours_of
from comptoir.surfaces.imports.reading import Chunk, Importer, Seen, Watch
from comptoir.surfaces.imports.report import Report, add
from comptoir.surfaces.imports.request import ImportRequest

_CHUNK = 500
_KINDS = {"shop": "store", "magasin": "store", "depot": "warehouse", "entrepôt": "warehouse", "fournisseur": "supplier"}
Row = LocationRecord | RejectedRow


class LocationImporter(Importer[Row]):
    layout = "locations"

    def __init__(self, request: ImportRequest, watch: Watch) -> None:
        self._options = request.options
        self._table = open_table(request.paths[0], request.options)
        self._watch = watch
        self._zone = request.options.time_zone or "UTC"

    @property
    def headers(self) -> Sequence[tuple[Sequence[str], str]]:
        return [(self._table.header, self._table.dialect.separator)]

    def chunks(self, after: int) -> Iterator[Chunk[Row]]:
        rows = read_locations(self._table, self._options, lambda seen: self._watch(Seen("reading", *seen)))
        left = islice(enumerate(rows, start=1), after, None)
        while chunk := list(islice(left, _CHUNK)):
            yield Chunk(chunk)

    async def apply(self, tx: Tx, chunk: Chunk[Row], report: Report) -> Sequence[RejectedRow]:
        drafts, rejected = await self._judge(tx, chunk)
        done = await locations.upsert(tx, drafts)
        add(report.outcomes, {"created": done.created, "changed": done.changed, "unchanged": done.unchanged})
        report.taken += len(drafts)
        report.reject(rejected)
        return rejected

    async def preview(self, reader: Reader, chunk: Chunk[Row], report: Report) -> Sequence[RejectedRow]:
        drafts, rejected = await self._judge(reader, chunk)
        codes = {draft.code for draft in drafts}
        there = await locations.ids(reader, sorted(codes))
        add(report.outcomes, {"created": len(codes - there.keys()), "there_already": len(there)})
        report.taken += len(drafts)
        report.reject(rejected)
        return rejected

    def reject(self, item: Row, problem: Exception) -> Sequence[RejectedRow]:
        if isinstance(item, RejectedRow):
            return [item]
        return reject_rows([self._table], {RowId(0, item.line): ("not_valid", f"{problem}.", "Correct the row.")})

    async def _judge(self, reader: Reader, chunk: Chunk[Row]) -> tuple[list[LocationDraft], list[RejectedRow]]:
        rejected = [row for _, row in chunk.items if isinstance(row, RejectedRow)]
        records = [row for _, row in chunk.items if isinstance(row, LocationRecord)]
        known = await locations.ids(reader, [record.code for record in records])
        drafts: list[LocationDraft] = []
        wrong: dict[RowId, tuple[str, str, str]] = {}
        for record in records:
            there = await locations.get(reader, known[record.code]) if record.code in known else None
            try:
                drafts.append(locations.check(self._draft(record, there)))
            except (Refusal, ValueError) as problem:
                wrong[RowId(0, record.line)] = ("not_valid", f"{problem}.", "Correct the row.")
        return drafts, rejected + reject_rows([self._table], wrong)

    def _draft(self, row: LocationRecord, there: LocationDraft | None) -> LocationDraft:
        """Raises ValueError for a kind or opening hours that are none."""
        draft = there or LocationDraft(code=row.code, name=row.name, kind=LocationKind.STORE, country="", time_zone=self._zone)
        said: dict[str, object] = {
            "name": row.name,
            "kind": LocationKind(_KINDS.get(row.kind, row.kind)) if row.kind else None,
            "line1": row.address or None,
            "postcode": row.postcode or None,
            "city": row.city or None,
            "country": row.country or None,
            "latitude": None if row.latitude is None else float(row.latitude),
            "longitude": None if row.longitude is None else float(row.longitude),
            "contact": row.contact or None,
            "phone": row.phone or None,
            "email": row.email or None,
            "time_zone": row.time_zone or None,
            "opening_hours": hours_of(row, draft.opening_hours, row.country or draft.country),
            "ships": row.ships,
            "pickup": row.pickup,
            "returns": row.returns,
            "daily_capacity": row.daily_capacity,
        }
        return replace(draft, **{name: value for name, value in said.items() if value is not None})
