"""Files of imports: what one looks like before it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import cast

from comptoir.connectors.orderlayouts import ORDER_LAYOUTS
from comptoir.connectors.plain import BIN_FIELDS, LOCATION_FIELDS, POSTCODE_FIELDS, PRODUCT_FIELDS, STOCK_FIELDS
from comptoir.kernel.errors import Refusal
from comptoir.modules.imports.contracts import ImportKind
from comptoir.sdk.orderfiles import Field, FieldKind, MissingColumns, OrderFileLayout, choose_layout, field_columns
from comptoir.sdk.tabular import Conventions, Options, Table, Undecided, open_table, survey

_FIELDS: dict[ImportKind, Sequence[Field]] = {
    ImportKind.PRODUCTS: PRODUCT_FIELDS,
    ImportKind.STOCK: STOCK_FIELDS,
    ImportKind.LOCATIONS: LOCATION_FIELDS,
    ImportKind.POSTCODES: POSTCODE_FIELDS,
    ImportKind.BINS: BIN_FIELDS,
}
_SURVEYED = 20_000
_SHOWN = 6
_COLUMNS = 12


@dataclass(frozen=True, slots=True)
class Look:
    """What a file looks like. `problem` is why it cannot be taken as it is; `setting` the option that would help."""

    name: str
    size: int
    kind: str = ""
    encoding: str = ""
    separator: str = ""
    compressed: bool = False
    layout: str = ""
    decimal: str = ""
    date_order: str = ""
    header: tuple[str, ...] = ()
    used: frozenset[str] = frozenset()
    """The columns that are read; the others are left alone."""
    rows: tuple[tuple[str, ...], ...] = ()
    more_columns: int = 0
    problem: Refusal | None = None
    setting: str = ""
    example: str = ""
    missing: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


def look_at(path: Path, name: str, kind: ImportKind, options: Options, layout: str) -> Look:
    """Reads its first rows; refuses nothing, but says what would be refused. Runs in a thread."""
    size = path.stat().st_size if path.exists() else 0
    try:
        table = open_table(path, options)
    except Refusal as problem:
        return Look(name, size, problem=problem)
    return _look(table, name, size, kind, options, layout)


def _look(table: Table, name: str, size: int, kind: ImportKind, options: Options, layout: str) -> Look:
    dialect, header = table.dialect, tuple(table.header)
    first = [tuple(row.cells.get(column, "") for column in header[:_COLUMNS]) for row in islice(table.rows(), _SHOWN)]
    looked = Look(
        name,
        size,
        kind=dialect.kind,
        encoding=dialect.encoding,
        separator=dialect.separator,
        compressed=dialect.compressed,
        header=header[:_COLUMNS],
        rows=tuple(first),
        more_columns=max(0, len(header) - _COLUMNS),
    )
    try:
        found = _layout(layout, header) if kind is ImportKind.ORDERS else None
        fields = _FIELDS[kind] if found is None else found.fields
        columns = field_columns(fields, header)
        looked = replace(looked, layout=found.name if found else kind.value, used=frozenset(columns.values()))
        conventions = _survey(table, fields, columns, options)
    except MissingColumns as problem:
        return replace(looked, problem=problem, missing=cast("dict[str, list[str]]", problem.data["columns"]))
    except Refusal as problem:
        setting, example = str(problem.data.get("setting", "")), str(problem.data.get("example", ""))
        return replace(looked, problem=problem, setting=setting, example=example)
    marks = " ".join(sorted(set(conventions.marks.values())))
    return replace(looked, decimal=marks, date_order=conventions.date_order or "")


def _layout(name: str, header: Sequence[str]) -> OrderFileLayout:
    named = next((layout for layout in ORDER_LAYOUTS if layout.name == name), None)
    return named or choose_layout(ORDER_LAYOUTS, header)


def _survey(table: Table, fields: Sequence[Field], columns: dict[str, str], options: Options) -> Conventions:
    """Raises MissingColumns and Undecided."""
    missing = {one.name: list(one.aliases) for one in fields if one.required and one.name not in columns}
    if missing:
        raise MissingColumns(", ".join(missing), columns=missing)
    numbers = [columns[one.name] for one in fields if one.kind is FieldKind.NUMBER and one.name in columns]
    dates = [columns[one.name] for one in fields if one.kind is FieldKind.DATE and one.name in columns]
    return survey(table, numbers, dates, options, _SURVEYED)


def unclear(look: Look) -> bool:
    """Somebody has to say how it is meant."""
    return isinstance(look.problem, Undecided)
