"""What a layout of order files is, and what becomes of the rows that are read through it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, NoReturn, Protocol
from zoneinfo import ZoneInfo

from comptoir.kernel.money import MAX_MINOR, Currency, exponent, round_half_even
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.sdk.orders import ChannelOrder
from comptoir.sdk.tabular import Conventions, Options, parse_number, parse_time


class FieldKind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a layout reads, by any of the names that its column may have. Case and spaces of names do not count."""

    name: str
    aliases: tuple[str, ...]
    kind: FieldKind = FieldKind.TEXT
    required: bool = False


class Facet(NamedTuple):
    """A field of which the distinct values and the blanks are counted for the report (customers, countries)."""

    label: str
    field: str


class RowId(NamedTuple):
    """A row by the file that it is in (0 for the first) and the line on which it begins."""

    file: int
    line: int


class RowProblem(Exception):  # noqa: N818 - it becomes a rejected row, not an error
    """A row that cannot be taken: raised by a mapper; the engine rejects it and all others of its order."""

    def __init__(self, row: RowId, code: str, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.row = row
        self.code = code
        self.reason = reason
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Setting:
    """How one file is to be understood: what was set, what was found, and the zone of times without an offset."""

    options: Options
    conventions: tuple[Conventions, ...]
    """Per file."""
    zone: ZoneInfo


class Record:
    """One row seen through a layout's fields. Its readers raise RowProblem naming the column as the file does."""

    __slots__ = ("_columns", "_setting", "cells", "problem", "row")

    def __init__(
        self, row: RowId, cells: dict[str, str], columns: Mapping[str, str], setting: Setting, problem: str = ""
    ) -> None:
        self.row = row
        self.cells = cells
        self.problem = problem
        self._columns = columns
        self._setting = setting

    def has(self, field: str) -> bool:
        """Whether the file has a column for this field."""
        return field in self._columns

    def raw(self, field: str) -> str:
        """The cell as it stands; empty when the file has no such column or the row is short."""
        return self.cells.get(self._columns.get(field, ""), "")

    def text(self, field: str) -> str:
        """The cell without the spaces around it."""
        return self.raw(field).strip()

    def needed(self, field: str) -> str:
        if text := self.text(field):
            return text
        column = self._columns.get(field, field)
        return self.refuse("missing", f"{column} is empty.", f"Fill in {column}.")

    def number(self, field: str) -> Decimal | None:
        """The number in the cell; None for an empty one."""
        text = self.text(field)
        if not text:
            return None
        column = self._columns[field]
        try:
            return parse_number(text, self._setting.conventions[self.row.file].mark(column))
        except ValueError as problem:
            return self.refuse("not_a_number", f"{column}: {problem}.", f"Write {column} in digits.")

    def amount(self, field: str, code: Currency) -> int:
        """The amount in minor units; 0 for an empty cell. More decimals than the currency has are rounded half to even."""
        number = self.number(field)
        return 0 if number is None else self.minor(number, code)

    def minor(self, number: Decimal, code: Currency) -> int:
        """A number of major units in minor ones, rounded once, half to even."""
        scaled = number.scaleb(exponent(code))
        if abs(scaled) > MAX_MINOR:
            return self.refuse("too_large", f"{number} is larger than any order.", "Correct the amount.")
        return round_half_even(scaled)

    def quantity(self, field: str) -> int:
        """A whole number that is not zero; negative ones are let through for the layouts in which they mean something."""
        self.needed(field)
        number, column = self.number(field) or Decimal(0), self._columns[field]
        if number != number.to_integral_value():
            return self.refuse(
                "fractional_quantity", f"{column}: {number} is not a whole number.", "Split or round the quantity."
            )
        if not number:
            return self.refuse("zero_quantity", f"{column} is zero.", "Correct the quantity, or leave the row out.")
        if abs(number) > MAX_QUANTITY:
            return self.refuse("too_large", f"{column}: {number} is more than is ever sold.", "Correct the quantity.")
        return int(number)

    def units(self, field: str) -> int:
        """A quantity of at least one."""
        quantity = self.quantity(field)
        if quantity < 0:
            return self.refuse(
                "negative_quantity", f"{self._columns[field]}: {quantity} is below zero.", "Correct the quantity."
            )
        return quantity

    def time(self, field: str) -> datetime | None:
        """The instant in the cell; None for an empty one."""
        text = self.text(field)
        if not text:
            return None
        column = self._columns[field]
        try:
            return parse_time(text, self._setting.conventions[self.row.file].date_order, self._setting.zone)
        except ValueError as problem:
            return self.refuse("bad_date", f"{column}: {problem}.", f"Write {column} as YYYY-MM-DD HH:MM.")

    def day(self, field: str) -> date | None:
        """The day in the cell; None for an empty one."""
        at = self.time(field)
        return None if at is None else at.astimezone(self._setting.zone).date()

    def needed_time(self, field: str) -> datetime:
        self.needed(field)
        at = self.time(field)
        assert at is not None
        return at

    def refuse(self, code: str, reason: str, advice: str) -> NoReturn:
        raise RowProblem(self.row, code, reason, advice)


class Caution(NamedTuple):
    """Something about an order that was taken all the same and that a person may want to look at."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class TakenOrder:
    """An order, and the rows that it was made of."""

    order: ChannelOrder
    rows: tuple[RowId, ...]
    cautions: tuple[Caution, ...] = ()


@dataclass(frozen=True, slots=True)
class StockAdjustmentRow:
    """A row that says that stock was found or lost, not that anything was sold. `quantity` is the signed change."""

    row: RowId
    external_id: str
    """Names this adjustment in its channel, so that it is done once however often the file is imported."""
    sku: str
    quantity: int
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A row in which there is nothing to take: a blank line, a footer, a repetition."""

    row: RowId
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that could not be taken, why, what to do, and its cells as they came."""

    row: RowId
    code: str
    reason: str
    advice: str
    cells: Mapping[str, str]


Outcome = TakenOrder | StockAdjustmentRow | SkippedRow | RejectedRow
Mapper = Callable[[Sequence[Record]], Sequence[TakenOrder | StockAdjustmentRow | SkippedRow]]
"""Maps all the rows of one order. Raises RowProblem when they cannot be taken. May remember across orders, so the engine
gives it every order of the file in order, also the ones that an earlier import has taken."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the rows of one order, or of one row that belongs to none.

    Save all of it in one transaction together with `position`; `OrderFile.settle(after=position)` goes on after it.
    """

    position: int
    """How many rows of the file(s) have been consumed when this is complete."""
    outcomes: tuple[Outcome, ...]


class OrderFileLayout(Protocol):
    """One layout of order files."""

    @property
    def name(self) -> str:
        """Names it in commands and records: `uci`, `shopify`."""
        ...

    @property
    def label(self) -> str: ...

    @property
    def fields(self) -> tuple[Field, ...]: ...

    @property
    def facets(self) -> tuple[Facet, ...]: ...

    @property
    def time_zone(self) -> str:
        """The zone of its times that have no offset, unless one is set."""
        ...

    def detect(self, header: Sequence[str]) -> float:
        """From 0 (not this layout) to 1."""
        ...

    def key(self, record: Record) -> str:
        """Which order a row belongs to; empty for a row that belongs to none and is mapped on its own."""
        ...

    def mapper(self, setting: Setting) -> Mapper:
        """A fresh mapper for one reading of a file."""
        ...


def _plain(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum() or char in "%#/")


def field_columns(fields: Sequence[Field], header: Sequence[str]) -> dict[str, str]:
    """Which column of the header each field is read from; a field without a column is left out. The first alias wins."""
    by_name = {_plain(name): name for name in reversed(header)}
    found = (
        (field.name, next((by_name[key] for alias in field.aliases if (key := _plain(alias)) in by_name), None))
        for field in fields
    )
    return {name: column for name, column in found if column is not None}


def header_score(fields: Sequence[Field], header: Sequence[str]) -> float:
    """How well a header fits: 0 when a required field is missing, else the share of the header's columns that are known."""
    columns = field_columns(fields, header)
    if any(field.required and field.name not in columns for field in fields):
        return 0.0
    return len(set(columns.values())) / max(1, len(header))
