"""What there is of a SKU over all locations, for lists and charts. It reads levels and ledger; nothing here writes.

The statements belong to this screen rather than to the stock module: they sum up over locations, which no rule of stock does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from psycopg.rows import TupleRow

from comptoir.modules.inventory.contracts import LevelState
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Key, KeyKind, Listing, Where, sorts

_FREE = "on_hand - reserved - damaged - quality"
_SUMS = f"""
SELECT sku, sum(on_hand)::bigint AS on_hand, sum(reserved)::bigint AS reserved, sum(safety)::bigint AS safety,
  sum(damaged)::bigint AS damaged, sum(quality)::bigint AS quality, sum(incoming)::bigint AS incoming,
  sum(greatest(0, {_FREE} - safety))::bigint AS available, sum(greatest(0, {_FREE}))::bigint AS free,
  count(*) AS locations, count(*) FILTER (WHERE on_hand < 0) AS negative,
  count(*) FILTER (WHERE reserved > greatest(0, on_hand - damaged - quality)) AS oversold
FROM inventory.levels"""

_OF_SKUS = f"{_SUMS} WHERE sku = ANY(%(skus)s::text[]) GROUP BY sku"

_DAYS = """
SELECT (at AT TIME ZONE %(zone)s)::date AS day, sum(on_hand)::bigint
FROM inventory.entries WHERE sku = %(sku)s AND at >= %(since)s AND on_hand <> 0
GROUP BY 1 ORDER BY 1"""


class Totals(NamedTuple):
    """The buckets of a SKU over all locations. `available` is what may be promised: a location that is short counts as 0."""

    sku: str
    on_hand: int = 0
    reserved: int = 0
    safety: int = 0
    damaged: int = 0
    quality: int = 0
    incoming: int = 0
    available: int = 0
    free: int = 0
    """Available, and safety stock beside it."""
    locations: int = 0
    negative: int = 0
    """At how many locations less than nothing is on hand."""
    oversold: int = 0
    """At how many locations promised units are not there."""

    @property
    def aside(self) -> int:
        return self.damaged + self.quality

    @property
    def state(self) -> str:
        """The code of a state: see `console.states`."""
        if self.oversold:
            return "oversold"
        if self.free <= 0:
            return "out_of_stock"
        return "low" if self.free <= self.safety else "in_stock"


def _totals(row: TupleRow) -> Totals:
    return Totals(*row)


TOTALS = Listing(
    "sku, on_hand, reserved, safety, damaged, quality, incoming, available, free, locations, negative, oversold",
    f"({_SUMS} GROUP BY sku) AS totals",
    _totals,
    sorts(
        ("sku", [Key("sku")]),
        *((name, [Key(name, KeyKind.INTEGER), Key("sku")]) for name in ("on_hand", "reserved", "available", "incoming")),
    ),
)

_STATES = {
    LevelState.OUT: "free <= 0",
    LevelState.LOW: "free > 0 AND free <= safety",
    LevelState.NEGATIVE: "negative > 0",
    LevelState.OVERSOLD: "oversold > 0",
    LevelState.INCOMING: "incoming > 0",
    LevelState.ASIDE: "damaged + quality > 0",
}


def where_totals(state: LevelState | None, begins: str = "", skus: Sequence[str] = ()) -> Where:
    """In that state, and where something was searched: the SKU begins so, or is one of these."""
    where = Where()
    if state is not None:
        where.add(f"({_STATES[state]})")
    where.begins("sku", begins, ways=["sku = ANY(%(skus)s::text[])"], skus=arrays.texts(skus))
    return where


async def totals_of(reader: Reader, skus: Sequence[str]) -> dict[str, Totals]:
    """Of each of these SKUs; one that has no level anywhere has nothing."""
    rows = await reader.rows(_OF_SKUS, {"skus": arrays.texts(skus)}) if skus else []
    return {sku: Totals(sku) for sku in skus} | {row[0]: Totals(*row) for row in rows}


@dataclass(frozen=True, slots=True)
class Course:
    """What was on hand at the end of each day, the last of which is today."""

    days: tuple[date, ...]
    on_hand: tuple[int, ...]


async def course_of(reader: Reader, sku: str, now: datetime, on_hand: int, zone: str, days: int = 30) -> Course:
    """Back from what is on hand now: the ledger says what each day has changed."""
    today = now.date()
    begin = datetime.combine(today - timedelta(days=days - 1), datetime.min.time(), now.tzinfo)
    changed = dict(await reader.rows(_DAYS, {"sku": sku, "since": begin, "zone": zone}))
    course: list[int] = []
    calendar = [today - timedelta(days=back) for back in range(days)]
    level = on_hand
    for day in calendar:
        course.append(level)
        level -= changed.get(day, 0)
    return Course(tuple(reversed(calendar)), tuple(reversed(course)))
