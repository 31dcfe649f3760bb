"""Row by row: each becomes a record, or a rejected row, or is blank and skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from comptoir.kernel.time import time_zone
from comptoir.sdk.orderfiles import (
    Field,
    FieldKind,
    MissingColumns,
    Record,
    RejectedRow,
    RowId,
    RowProblem,
    Setting,
    field_columns,
)
from comptoir.sdk.tabular import Options, Table, Watch, survey

T = TypeVar("T")

_SURVEYED = 20_000
_TRUE = {"1", "true", "yes", "y", "x", "oui", "o", "vrai", "ja", "wahr", "si", "sí"}
_FALSE = {"0", "false", "no", "n", "non", "faux", "nein", "falsch"}


@dataclass(frozen=True, slots=True)
class PlainFile:
    """A table seen through fields. Making it raises MissingColumns, or Undecided for what reads in two ways."""

    table: Table
    columns: dict[str, str]
    setting: Setting

    def records(self, watch: Watch | None = None) -> Iterator[Record]:
        for row in self.table.rows(None, watch):
            yield Record(RowId(0, row.line), row.cells, self.columns, self.setting, row.problem)


def plain_file(table: Table, fields: Sequence[Field], options: Options) -> PlainFile:
    columns = field_columns(fields, table.header)
    missing = {item.name: list(item.aliases) for item in fields if item.required and item.name not in columns}
    if missing:
        raise MissingColumns(", ".join(missing), columns=missing)
    kinds = {kind: [columns[item.name] for item in fields if item.kind is kind and item.name in columns] for kind in FieldKind}
    conventions = survey(table, kinds[FieldKind.NUMBER], kinds[FieldKind.DATE], options, _SURVEYED)
    return PlainFile(table, columns, Setting(options, (conventions,), time_zone(options.time_zone or "UTC")))


def read_rows(records: Iterable[Record], make: Callable[[Record], T]) -> Iterator[T | RejectedRow]:
    """What `make` makes of each row that is not blank, or why it is rejected."""
    for record in records:
        try:
            if record.problem:
                record.refuse(
                    "unreadable", record.problem, "Correct the row: quotes in pairs, as many cells as the header has."
                )
            if any(cell.strip() for cell in record.cells.values()):
                yield make(record)
        except RowProblem as problem:
            yield RejectedRow(record.row, problem.code, problem.reason, problem.advice, record.cells)


def yes_or_no(record: Record, field: str) -> bool | None:
    """A truth in any of our languages; None for an empty cell."""
    text = record.text(field).casefold()
    if not text:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    return record.refuse("not_yes_or_no", f"{field}: {text!r} is neither yes nor no.", "Write yes or no.")


def whole_number(record: Record, field: str, *, least: int = 0, most: int = 1_000_000_000) -> int | None:
    """A whole number within bounds; None for an empty cell."""
    number = record.number(field)
    if number is None:
        return None
    if number != number.to_integral_value() or not least <= number <= most:
        record.refuse("not_a_quantity", f"{field}: {number} is not a whole number from {least} to {most}.", f"Correct {field}.")
    return int(number)
