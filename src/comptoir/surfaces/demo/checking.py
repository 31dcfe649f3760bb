"""Whether what has played is in the books to the cent: the recorded orders against the data set's own sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import numpy as np

from comptoir.runtime.database import Reader
from comptoir.surfaces.demo import state
from comptoir.surfaces.demo.plan import Plan
from comptoir.surfaces.demo.stream import CHANNELS, FACTS, Channel
from comptoir.surfaces.demo.telling import REDUCTIONS


@dataclass(frozen=True, slots=True)
class Difference:
    """One sum that is not the data set's. `what` is baskets, lines, cents or discounts."""

    channel: Channel
    week: int
    what: str
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was compared: everything before `position`."""

    position: int
    of: int
    baskets: int
    lines: int
    cents: int
    differences: tuple[Difference, ...]


_SUMS = """
SELECT o.channel_code, width_bucket(extract(epoch FROM o.placed_at)::bigint, %(weeks)s::bigint[]), count(*),
  sum(l.lines)::bigint, sum(o.total)::bigint, sum(o.discount)::bigint
FROM orders.orders o
CROSS JOIN LATERAL (
  SELECT count(*) AS lines FROM orders.lines l
  WHERE l.order_id = o.id AND NOT (l.kind = 'adjustment' AND l.name = %(reductions)s)
) l
WHERE o.channel_code = ANY(%(channels)s::text[]) AND 'demo' = ANY(o.tags) AND o.placed_at <= %(until)s
  AND o.external_id <> ALL(%(after)s::text[])
GROUP BY 1, 2
"""
"""Reading another module's tables is the point: what is checked must not be what it is checked with."""

_CHANGED = """
SELECT o.channel_code, width_bucket(extract(epoch FROM o.placed_at)::bigint, %(weeks)s::bigint[]), o.external_id,
  array_agg(l.total ORDER BY l.line_no) FILTER (WHERE l.kind <> 'adjustment' OR l.name <> %(reductions)s)
FROM orders.orders o JOIN orders.lines l ON l.order_id = o.id
WHERE o.id IN (SELECT order_id FROM changes.changes WHERE state = 'confirmed' UNION SELECT order_id FROM changes.returns)
  AND o.channel_code = ANY(%(channels)s::text[]) AND 'demo' = ANY(o.tags) AND o.placed_at <= %(until)s
  AND o.external_id <> ALL(%(after)s::text[])
GROUP BY 1, 2, 3
"""
"""Orders that buyers had changed: what came on top, a claim sent again or something else instead, has the lines after those of
the basket, and is none of the data set's."""


async def verify(reader: Reader, plan: Plan) -> Verdict:
    """Compares by channel and week what has played with what must have been recorded.

    Discounts are compared where orders are facts: a promise has them in a line of its own, see `telling`. Exact also while the
    player runs, if `reader` has one snapshot.
    """
    at = await state.lanes(reader)
    position = min(at.get(name, 0) for name in state.PLAYING)
    found = await _found(reader, plan, position) if position else {}
    expected = plan.expected_totals(position)
    differences: list[Difference] = []
    for row, channel in enumerate(CHANNELS):
        for week in range(1, len(plan.weeks) + 1):
            baskets, lines, cents, discounts = found.get((channel.value, week), (0, 0, 0, 0))
            compared = [
                ("baskets", int(expected.baskets[row, week - 1]), baskets),
                ("lines", int(expected.lines[row, week - 1]), lines),
                ("cents", int(expected.cents[row, week - 1]), cents),
            ]
            if channel in FACTS:
                compared.append(("discounts", int(expected.discounts[row, week - 1]), discounts))
            differences.extend(Difference(channel, week, what, must, is_) for what, must, is_ in compared if must != is_)
    sums = list(found.values())
    return Verdict(
        position=position,
        of=len(plan.year),
        baskets=sum(one[0] for one in sums),
        lines=sum(one[1] for one in sums),
        cents=sum(one[2] for one in sums),
        differences=tuple(differences),
    )


async def _found(reader: Reader, plan: Plan, position: int) -> dict[tuple[str, int], tuple[int, int, int, int]]:
    """(Baskets, lines, cents, discounts) by channel and week. Of the baskets at the instant of the last that has played, those
    that come after it are left out.
    """
    year = plan.year
    last = int(year.at[position - 1])
    after: list[str] = []
    for chunk in plan.baskets(position, chunk=100, until=year.position_at(last)):
        after.extend(plan.external_id(basket) for basket in chunk.baskets())
    asked = {
        "weeks": [mark.at for mark in plan.weeks],
        "reductions": REDUCTIONS,
        "channels": [channel.value for channel in CHANNELS],
        "until": datetime.fromtimestamp(last, UTC),
        "after": after,
    }
    sums = {(code, max(1, week)): tuple(found) for code, week, *found in await reader.rows(_SUMS, asked)}
    changed = await reader.rows(_CHANGED, asked)
    sizes = _sizes(plan, [external_id for _, _, external_id, _ in changed])
    for code, week, external_id, totals in changed:
        on_top = totals[sizes[external_id] :]
        baskets, lines, cents, discounts = sums[code, max(1, week)]
        sums[code, max(1, week)] = (baskets, lines - len(on_top), cents - sum(on_top), discounts)
    return cast("dict[tuple[str, int], tuple[int, int, int, int]]", sums)


def _sizes(plan: Plan, external_ids: Sequence[str]) -> dict[str, int]:
    """How many lines the baskets of these orders have in the data set."""
    if not external_ids:
        return {}
    year = plan.year
    numbers = np.array([int(one.rpartition("-")[2]) for one in external_ids])
    order = np.argsort(year.number)
    at = order[np.searchsorted(year.number, numbers, sorter=order)]
    return dict(zip(external_ids, (year.start[at + 1] - year.start[at]).tolist(), strict=True))
