"""The account that an import gives of its file: every row is in exactly one of its counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self, cast

import msgspec

from comptoir.sdk.orderfiles import FacetCount, RejectedRow, Tally

Counts = dict[str, int]
_NAMED = 1000
"""How many unknown SKUs, and orders that are there already, are kept by name."""


def _counts() -> Counts:
    return {}


@dataclass(slots=True, kw_only=True)
class Report:
    """What became of the rows, and of the things that they speak of. Amounts are minor units by currency."""

    taken: int = 0
    """Rows that say what is now recorded, whether it was before or not."""
    adjusted: int = 0
    """Rows of a file of orders that correct stock."""
    skipped: Counts = field(default_factory=_counts)
    """Rows in which there is nothing to take, by reason."""
    rejected: Counts = field(default_factory=_counts)
    """Rows that could not be taken, by reason."""
    outcomes: Counts = field(default_factory=_counts)
    """What the rows speak of (orders, products, levels, …): created, changed or updated, unchanged or known."""
    kinds: Counts = field(default_factory=_counts)
    tags: Counts = field(default_factory=_counts)
    tagged_rows: Counts = field(default_factory=_counts)
    net: Counts = field(default_factory=_counts)
    cautions: Counts = field(default_factory=_counts)
    made: Counts = field(default_factory=_counts)
    """What was made beside: product stubs, prices."""
    facets: dict[str, Counts] = field(default_factory=dict[str, Counts])
    """Of the whole file, once it is through: distinct values and blank rows."""
    prepared: list[str] = field(default_factory=list[str])
    """What had to be there before, and was made: the channel, its market, a location."""
    foreseen: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Of a dry run: the first orders that are known already, and those that would be updated, by their external ids."""
    unknown_skus: set[str] = field(default_factory=set[str])
    """Of a dry run: those that the catalogue does not know."""

    @property
    def rows(self) -> int:
        return self.taken + self.adjusted + sum(self.skipped.values()) + sum(self.rejected.values())

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Self:
        return msgspec.convert({name: value for name, value in data.items() if name != "rows"}, cls)

    def to_json(self) -> Mapping[str, object]:
        data = cast("dict[str, object]", msgspec.to_builtins(self))
        return data | {"rows": self.rows, "unknown_skus": sorted(self.unknown_skus)[:_NAMED]}

    def copy(self) -> Self:
        return self.from_json(self.to_json())

    def count(self, tally: Tally) -> None:
        """Adds what a tally of orders has seen."""
        self.taken += tally.ordered_rows
        self.adjusted += tally.adjusted_rows
        add(self.skipped, tally.skipped)
        add(self.rejected, tally.rejected)
        add(self.kinds, {str(kind): count for kind, count in tally.orders.items()})
        add(self.tags, tally.tags)
        add(self.tagged_rows, tally.tagged_rows)
        add(self.net, tally.net)
        add(self.cautions, tally.cautions)

    def reject(self, rows: Iterable[RejectedRow]) -> None:
        for row in rows:
            add(self.rejected, {row.code: 1})

    def foresee(self, outcome: str, external_id: str) -> None:
        """An order that is there already, in a dry run."""
        named = self.foreseen.setdefault(outcome, [])
        if len(named) < _NAMED:
            named.append(external_id)

    def see(self, facets: Mapping[str, FacetCount]) -> None:
        self.facets = {label: {"distinct": len(seen.values), "blank_rows": seen.blank_rows} for label, seen in facets.items()}


def add(counts: Counts, more: Mapping[str, int]) -> None:
    for name, count in more.items():
        if count:
            counts[name] = counts.get(name, 0) + count
