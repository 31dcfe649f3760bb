"""What a whole file says about its numbers and dates, and the questions that it leaves open."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType

from comptoir.kernel.errors import Refusal
from comptoir.sdk.tabular.formats import COMMA, POINT, DateEvidence, DateOrder, DecimalMark, NumberEvidence, dominant
from comptoir.sdk.tabular.source import Options, Table


class Undecided(Refusal):
    """The file can be read in two ways and nothing in it says which.

    `data["setting"]` names the option to set, `data["choices"]` what it may be and `data["example"]` a cell that is unclear.
    """

    code = "undecided"
    status = 422
    title = "The file can be read in two ways"


@dataclass(frozen=True, slots=True)
class Conventions:
    """How a file writes numbers and dates, as set or as found."""

    marks: Mapping[str, DecimalMark] = field(default_factory=lambda: MappingProxyType(dict[str, DecimalMark]()))
    """The decimal mark by column; columns that are not named use a point."""
    date_order: DateOrder | None = None

    def mark(self, column: str) -> DecimalMark:
        return self.marks.get(column, ".")


@dataclass(slots=True)
class Survey:
    """Collects the evidence of the columns that hold numbers and dates, row by row, then decides."""

    numbers: Collection[str]
    dates: Collection[str]
    _marks: dict[str, NumberEvidence] = field(default_factory=dict[str, NumberEvidence])
    _order: DateEvidence = field(default_factory=DateEvidence)

    def __post_init__(self) -> None:
        self._marks = {name: NumberEvidence() for name in self.numbers}

    def see(self, cells: Mapping[str, str]) -> None:
        for name, evidence in self._marks.items():
            if text := cells.get(name):
                evidence.see(text)
        for name in self.dates:
            if text := cells.get(name):
                self._order.see(text)

    def conclude(self, options: Options) -> Conventions:
        """The file's conventions; raises Undecided where the evidence is missing or contradicts itself, and nothing is set."""
        return Conventions(self._conclude_marks(options), options.date_order or self._conclude_order())

    def _conclude_marks(self, options: Options) -> Mapping[str, DecimalMark]:
        if options.decimal:
            return dict.fromkeys(self._marks, options.decimal)
        whole_file: DecimalMark | None = dominant(
            (POINT, sum(bool(seen.point) for seen in self._marks.values())),
            (COMMA, sum(bool(seen.comma) for seen in self._marks.values())),
        )
        marks: dict[str, DecimalMark] = {}
        for name, seen in self._marks.items():
            mark: DecimalMark | None = seen.verdict() or (whole_file if not seen.point + seen.comma else None)
            if mark is None and (seen.unclear or seen.point + seen.comma):
                raise Undecided(
                    f"The decimal mark of {name!r} is not clear",
                    setting="decimal", choices=[".", ","], column=name, example=seen.unclear,
                )  # fmt: skip
            marks[name] = mark or "."
        return marks

    def _conclude_order(self) -> DateOrder | None:
        order, seen = self._order.verdict(), self._order
        if order is None and (seen.unclear or seen.day_first + seen.month_first):
            raise Undecided(
                "The dates could have the day or the month first",
                setting="date_order", choices=list(DateOrder), example=seen.unclear,
            )  # fmt: skip
        return order


def survey(
    table: Table, numbers: Iterable[str], dates: Iterable[str], options: Options, rows: int | None = None
) -> Conventions:
    """The conventions of a file on the evidence of its first `rows` rows, or of all of them."""
    seen = Survey([name for name in numbers if name in table.written], [name for name in dates if name in table.written])
    if seen.numbers or seen.dates:
        for row in islice(table.rows(), rows):
            seen.see(row.cells)
    return seen.conclude(options)
