"""Reads files of orders through a layout: twice, because only a whole file says where an order ends and how it writes dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from comptoir.kernel.errors import Refusal
from comptoir.kernel.time import time_zone
from comptoir.sdk.orderfiles.contract import (
    FieldKind,
    Mapper,
    OrderFileLayout,
    Outcome,
    Record,
    RejectedRow,
    RowId,
    RowProblem,
    Setting,
    Settled,
    SkippedRow,
    TakenOrder,
    field_columns,
)
from comptoir.sdk.orderfiles.grouping import MAX_HELD, Gathering, Held
from comptoir.sdk.tabular import Conventions, Options, Progress, Survey, Table

_FAINT = 0.2


class UnknownLayout(Refusal):
    """No layout reads a file with such a header. `data["header"]` has it."""

    code = "unknown_layout"
    status = 422
    title = "No known layout has these columns"


class MissingColumns(Refusal):
    """The file lacks columns that the layout needs. `data["columns"]` has, for each, the names it may go by."""

    code = "missing_columns"
    status = 422
    title = "Columns are missing"


def choose_layout(layouts: Iterable[OrderFileLayout], header: Sequence[str]) -> OrderFileLayout:
    """The layout that fits a header best; raises UnknownLayout when none does."""
    scores = {layout.name: (layout.detect(header), layout) for layout in layouts}
    score, layout = max(scores.values(), key=lambda scored: scored[0], default=(0.0, None))
    if layout is None or score < _FAINT:
        raise UnknownLayout(header=list(header), layouts=sorted(scores))
    return layout


@dataclass(slots=True)
class _Index:
    """What the first pass finds: each order's last row, and the conventions."""

    last: dict[str, int] = field(default_factory=dict[str, int])
    rows: int = 0


@dataclass(slots=True)
class FacetCount:
    """The distinct values of a facet, and the rows in which it is blank."""

    values: set[str] = field(default_factory=set[str])
    blank_rows: int = 0

    def see(self, value: str) -> None:
        if value:
            self.values.add(value)
        else:
            self.blank_rows += 1


@dataclass(slots=True)
class OrderFile:
    """One or more files of one layout, read as one (Etsy's orders and their items come in two).

    Opening reads the files once. Raises MissingColumns, and Undecided where decimals or dates can be read in two ways.
    """

    layout: OrderFileLayout
    tables: Sequence[Table]
    options: Options = field(default_factory=Options)
    watch: Callable[[Progress], None] | None = None
    """Told how far the reading of all files, both times over, has come."""
    max_held: int = MAX_HELD
    setting: Setting = field(init=False)
    """The conventions that were set or found."""
    facets: dict[str, FacetCount] = field(init=False, default_factory=dict[str, FacetCount])
    """What `settle` has counted of the layout's facets, over all rows however they end."""
    _columns: list[Mapping[str, str]] = field(init=False)
    _last: Mapping[str, int] = field(init=False)
    _rows: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._columns = [self._find_columns(table) for table in self.tables]
        zone = time_zone(self.options.time_zone or self.layout.time_zone)
        self.setting = Setting(self.options, (Conventions(),) * len(self.tables), zone)
        index = _Index()
        self.setting = Setting(self.options, tuple(self._survey(file, index) for file in range(len(self.tables))), zone)
        self._last, self._rows = index.last, index.rows

    @property
    def rows(self) -> int:
        """How many rows the files have."""
        return self._rows

    @property
    def groups(self) -> int:
        """How many orders the files name, counting those that will not be taken."""
        return len(self._last)

    def _find_columns(self, table: Table) -> Mapping[str, str]:
        columns = field_columns(self.layout.fields, table.header)
        missing = {item.name: list(item.aliases) for item in self.layout.fields if item.required and item.name not in columns}
        if missing:
            raise MissingColumns(", ".join(names[0] for names in missing.values()), columns=missing, layout=self.layout.name)
        return columns

    def _survey(self, file: int, index: _Index) -> Conventions:
        """One pass over a file: where each order ends, and the evidence of its numbers and dates."""
        table, columns = self.tables[file], self._columns[file]
        kinds = {item.name: item.kind for item in self.layout.fields}
        written = {name: column for name, column in columns.items() if column in table.written}
        survey = Survey(
            [column for name, column in written.items() if kinds[name] is FieldKind.NUMBER],
            [column for name, column in written.items() if kinds[name] is FieldKind.DATE],
        )
        wanted = {*survey.numbers, *survey.dates, *(columns[name] for name in columns if kinds[name] is FieldKind.TEXT)}
        if not (survey.numbers or survey.dates):
            wanted = {*self._key_columns(file)}
        for row in table.rows(wanted, self._progress(file, 0)):
            index.rows += 1
            survey.see(row.cells)
            if key := self._key(Record(RowId(file, row.line), row.cells, columns, self.setting, row.problem)):
                index.last[key] = index.rows
        return survey.conclude(self.options)

    def _key_columns(self, file: int) -> Iterable[str]:
        """The columns that the layout's key is made of, found by asking it once."""
        asked: set[str] = set()

        class Probe(Record):
            __slots__ = ()

            def raw(self, field: str) -> str:
                asked.update(column for column in (self._columns.get(field),) if column)
                return super().raw(field)

        self.layout.key(Probe(RowId(file, 0), {}, self._columns[file], self.setting))
        return asked

    def _key(self, record: Record) -> str:
        return self.layout.key(record) if record.cells else ""

    def settle(self, after: int = 0) -> Iterator[Settled]:
        """What becomes of every row, order by order as they are completed; `after` leaves out what was saved up to there."""
        mapper = self.layout.mapper(self.setting)
        self.facets = {facet.label: FacetCount() for facet in self.layout.facets}
        number = 0
        with Gathering(self._last, self.max_held) as gathering:
            for file, table in enumerate(self.tables):
                for row in table.rows(None, self._progress(file, 1)):
                    number += 1
                    held = Held(RowId(file, row.line), row.cells, row.problem)
                    key = self._key(self._record(held))
                    group = gathering.add(key, number, held) if key else [held]
                    if group:
                        records = [self._record(held) for held in group]
                        for record in records:
                            self._count(record)
                        outcomes = self._map(mapper, records)
                        if number > after:
                            yield Settled(number, outcomes)

    def _count(self, record: Record) -> None:
        for facet in self.layout.facets:
            self.facets[facet.label].see(record.text(facet.field))

    def _record(self, held: Held) -> Record:
        return Record(held.row, held.cells, self._columns[held.row.file], self.setting, held.problem)

    def _map(self, mapper: Mapper, records: Sequence[Record]) -> tuple[Outcome, ...]:
        try:
            for record in records:
                if record.problem:
                    record.refuse(
                        "unreadable", record.problem, "Correct the row: quotes in pairs, as many cells as the header has."
                    )
            if len(records) == 1 and not any(cell.strip() for cell in records[0].cells.values()):
                return (SkippedRow(records[0].row, "blank", "The row is blank."),)
            outcomes = tuple(mapper(records))
        except RowProblem as problem:
            return tuple(_reject(record, problem) for record in records)
        assert _covered(outcomes) == sorted(record.row for record in records), "a mapper lost or doubled a row"
        return outcomes

    def _progress(self, file: int, turn: int) -> Callable[[Progress], None] | None:
        watch, files = self.watch, len(self.tables)
        if watch is None:
            return None

        def tell(progress: Progress) -> None:
            whole = progress.total * files * 2
            watch(Progress(progress.total * (turn * files + file) + progress.done, whole))

        return tell


def _reject(record: Record, problem: RowProblem) -> RejectedRow:
    """The row with the problem says so; the others of its order say that they wait for it, since an order is taken whole."""
    if record.row == problem.row:
        return RejectedRow(record.row, problem.code, problem.reason, problem.advice, record.cells)
    reason = f"Line {problem.row.line} of the same order was rejected: {problem.reason}"
    return RejectedRow(record.row, "order_incomplete", reason, "Keep this row beside the corrected one.", record.cells)


def _covered(outcomes: Iterable[Outcome]) -> list[RowId]:
    rows: list[RowId] = []
    for outcome in outcomes:
        if isinstance(outcome, TakenOrder):
            rows.extend(outcome.rows)
        else:
            rows.append(outcome.row)
    return sorted(rows)
