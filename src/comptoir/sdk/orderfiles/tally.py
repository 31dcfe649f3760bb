"""The count of everything in a file of orders, kept while it is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from comptoir.sdk.orderfiles.contract import RejectedRow, Settled, SkippedRow, StockAdjustmentRow, TakenOrder
from comptoir.sdk.orderfiles.mapping import order_total
from comptoir.sdk.orders import OrderKind


@dataclass(slots=True)
class Tally:
    """How many rows went which way, and what the orders are worth. `rows` always equals the sum of the four ways."""

    orders: Counter[OrderKind] = field(default_factory=Counter[OrderKind])
    tags: Counter[str] = field(default_factory=Counter[str])
    """Orders by tag."""
    tagged_rows: Counter[str] = field(default_factory=Counter[str])
    net: Counter[str] = field(default_factory=Counter[str])
    """What the orders are worth in minor units, by currency; credits count against sales."""
    ordered_rows: int = 0
    adjusted_rows: int = 0
    skipped: Counter[str] = field(default_factory=Counter[str])
    """Rows by the reason for skipping them."""
    rejected: Counter[str] = field(default_factory=Counter[str])
    """Rows by the code of the rejection."""
    cautions: Counter[str] = field(default_factory=Counter[str])

    @property
    def rows(self) -> int:
        return self.ordered_rows + self.adjusted_rows + self.skipped.total() + self.rejected.total()

    def add(self, settled: Settled) -> None:
        for outcome in settled.outcomes:
            match outcome:
                case TakenOrder(order, rows, cautions):
                    self.orders[order.kind] += 1
                    self.ordered_rows += len(rows)
                    self.net[order.currency] += order_total(order)
                    self.cautions.update(caution.code for caution in cautions)
                    self.tags.update(order.tags)
                    self.tagged_rows.update(dict.fromkeys(order.tags, len(rows)))
                case StockAdjustmentRow():
                    self.adjusted_rows += 1
                case SkippedRow(code=code):
                    self.skipped[code] += 1
                case RejectedRow(code=code):
                    self.rejected[code] += 1
