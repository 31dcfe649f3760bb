"""What lies where when the year begins, and what lorries bring each week. All of it is ours; the data set has only sales.

A (product, location) pair that sells less than once a month opens with its year's demand and a little more. The others are
reviewed every fourth week (the fastest every second): the order covers the sales until the next review as if somebody had
forecast them, with an error of up to a fifth either way and a small safety stock, and now and then the lorry does not bring
what was ordered. That leaves each day a few shelves empty, for which the next review makes up.

Sales from the till and pickups draw on their store, everything that is shipped on the warehouse nearest to the household. When
a shop's stock takes another way (a promise served from another location because that warehouse was out) the levels differ from
these, but not their sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comptoir.surfaces.demo.catalogue import ITEM, Catalogue
from comptoir.surfaces.demo.hashing import below
from comptoir.surfaces.demo.stream import Year

CHUNK = 20_000
WEEKS = 53

_REVIEWED_LINES = 12
_FAST_LINES = 52
_ERROR_PER_CENT = 20
_MISSED_PER_MILLE = 10
_SHELF_OF_FUEL = 2_000_000
"""Thousandths of a gallon that stay in the tank."""


@dataclass(frozen=True, slots=True)
class Stock:
    """Rows of stock to receive, as columns; `location` is an index into the plan's places, `product` into its catalogue."""

    location: NDArray[np.int16]
    product: NDArray[np.int32]
    quantity: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.quantity)

    def chunks(self, size: int = CHUNK) -> Iterator[Stock]:
        for first in range(0, len(self), size):
            rows = slice(first, first + size)
            yield Stock(self.location[rows], self.product[rows], self.quantity[rows])


@dataclass(frozen=True, slots=True)
class Replenishment:
    """The opening stock, the receipts of each week, and what follows from them when every sale draws where it is meant to."""

    opening: Stock
    receipts: Stock
    """Ordered by week, location and product."""
    closing: Stock
    """Where a pair closes below zero, its last delivery was missed."""
    shortages: NDArray[np.int64]
    """For each day of the year, the lines that find less than they need."""
    _week: NDArray[np.int64]
    """Where each week's receipts begin; week w has those from index w - 1 to w."""

    def of_week(self, week: int) -> Stock:
        """What arrives at the beginning of that week of the data set (1 to 53), before its first sale."""
        rows = slice(int(self._week[week - 1]), int(self._week[week]))
        return Stock(self.receipts.location[rows], self.receipts.product[rows], self.receipts.quantity[rows])


@dataclass(frozen=True, slots=True)
class _Demand:
    """Every pair that sells (`pair`: location times the number of products, plus product), and the lines that draw on it."""

    pair: NDArray[np.int32]
    total: NDArray[np.int32]
    lines: NDArray[np.int32]
    first_week: NDArray[np.uint8]
    of_line: NDArray[np.int32]
    quantity: NDArray[np.int32]
    basket: NDArray[np.int32]
    week: NDArray[np.uint8]


def _demand(year: Year, source: NDArray[np.int16], products: int) -> _Demand:
    stocked = year.kind == ITEM
    basket = np.repeat(np.arange(len(year), dtype=np.int32), np.diff(year.start))[stocked]
    key = source[basket] * np.int32(products)
    key += year.product[stocked]
    pair, of_line = np.unique(key, return_inverse=True)
    del key
    of_line = of_line.astype(np.int32)
    quantity, week = year.quantity[stocked], year.week[basket]
    first_week = np.full(len(pair), WEEKS, np.uint8)
    np.minimum.at(first_week, of_line, week)
    return _Demand(
        pair=pair,
        total=np.bincount(of_line, weights=quantity).astype(np.int32),
        lines=np.bincount(of_line).astype(np.int32),
        first_week=first_week,
        of_line=of_line,
        quantity=quantity,
        basket=basket,
        week=week,
    )


@dataclass(frozen=True, slots=True)
class _Supply:
    """By pair the opening quantity, and receipts as (week, pair number, quantity)."""

    opening: NDArray[np.int32]
    week: NDArray[np.uint8]
    pair: NDArray[np.int32]
    quantity: NDArray[np.int32]


def _review(
    weekly: NDArray[np.int32], keys: NDArray[np.int64], cycle: NDArray[np.int64], spare: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The opening stock of reviewed pairs, and what each week brings them, from each one's demand by week."""
    until = np.zeros((len(keys), WEEKS + 1), np.int32)
    np.cumsum(weekly, axis=1, out=until[:, 1:])
    row = np.arange(len(keys))
    phase = below(keys, 1_000, salt=11) % cycle
    first_review = np.where(phase == 0, cycle, phase)
    opening = until[row, first_review] + spare
    on_hand = opening.copy()
    brought = np.zeros_like(weekly)
    for week in range(1, WEEKS):
        on_hand -= weekly[:, week - 1]
        covered = until[row, np.minimum(week + cycle, WEEKS)] - until[:, week]
        error = below(keys * 64 + week, 2 * _ERROR_PER_CENT + 1, salt=12) - _ERROR_PER_CENT
        order = np.maximum(0, covered + covered * error // 100 + spare - on_hand)
        comes = ((week + cycle - phase) % cycle == 0) & (below(keys * 64 + week, 1_000, salt=13) >= _MISSED_PER_MILLE)
        brought[:, week] = np.where(comes, order, 0)
        on_hand += brought[:, week]
    return opening, brought


def _weekly(demand: _Demand, number: NDArray[np.int32], rows: int) -> NDArray[np.int32]:
    """Demand by pair and week of the pairs whose `number` is their row; the others have -1."""
    drawn = number[demand.of_line] >= 0
    cells = number[demand.of_line[drawn]] * np.int32(WEEKS) + demand.week[drawn] - 1
    sums = np.bincount(cells, weights=demand.quantity[drawn], minlength=rows * WEEKS)
    return sums.astype(np.int32).reshape(-1, WEEKS)


def _supply(demand: _Demand, weighed: NDArray[np.bool_], opening_weeks: int) -> tuple[_Supply, NDArray[np.int32]]:
    """The supply, and for each reviewed pair, in their order, what it has been supplied up to each week."""
    reviewed = np.flatnonzero(demand.lines >= _REVIEWED_LINES)
    number = np.full(len(demand.pair), -1, np.int32)
    number[reviewed] = np.arange(len(reviewed))
    spare = np.where(weighed, _SHELF_OF_FUEL, 1 + below(demand.pair, 3, salt=10)).astype(np.int32)
    safety = np.where(weighed, spare, spare + demand.total // (WEEKS * 2))[reviewed].astype(np.int64)
    opening_reviewed, brought = _review(
        _weekly(demand, number, len(reviewed)),
        demand.pair[reviewed].astype(np.int64),
        np.where(demand.lines[reviewed] >= _FAST_LINES, 2, 4),
        safety,
    )
    initial = demand.total + spare
    initial[reviewed] = opening_reviewed
    late = (number < 0) & (demand.first_week > opening_weeks)
    pair_of, week_of = np.nonzero(brought)
    supply = _Supply(
        opening=np.where(late, 0, initial).astype(np.int32),
        week=np.concatenate([(week_of + 1).astype(np.uint8), demand.first_week[late]]),
        pair=np.concatenate([reviewed[pair_of], np.flatnonzero(late)]).astype(np.int32),
        quantity=np.concatenate([brought[pair_of, week_of], initial[late]]),
    )
    return supply, (opening_reviewed[:, None] + np.cumsum(brought, axis=1)).astype(np.int32)


def _shortages(demand: _Demand, supplied: NDArray[np.int32], day_of_basket: NDArray[np.int64], days: int) -> NDArray[np.int64]:
    """Lines by day that find less than they need: those by which a pair's demand outruns what it was supplied so far."""
    reviewed = demand.lines >= _REVIEWED_LINES
    number = (np.cumsum(reviewed) - 1).astype(np.int32)
    lines = np.flatnonzero(reviewed[demand.of_line]).astype(np.int32)
    lines = lines[np.argsort(demand.of_line[lines], kind="stable")]
    pair = number[demand.of_line[lines]]
    running = np.cumsum(demand.quantity[lines], dtype=np.int64)
    begins = np.concatenate([[0], np.flatnonzero(np.diff(pair)) + 1])
    before = (running - demand.quantity[lines])[begins]
    drawn = running - np.repeat(before, np.diff(np.append(begins, len(pair))))
    short = drawn > supplied[pair, demand.week[lines].astype(np.int64) - 1]
    return np.bincount(day_of_basket[demand.basket[lines[short]]], minlength=days)


def replenish(year: Year, catalogue: Catalogue, source: NDArray[np.int16], *, opening_weeks: int = WEEKS) -> Replenishment:
    """The supply of a year whose baskets draw on the places `source`. Slow pairs that first sell after week `opening_weeks` get
    their stock with the receipts of that week rather than at the opening, which makes the opening shorter to load.
    """
    products = len(catalogue.ids)
    demand = _demand(year, source, products)
    supply, supplied = _supply(demand, catalogue.weighed[demand.pair % products], opening_weeks)
    position_of_day = np.array([mark.position for mark in year.days])
    day_of_basket = np.searchsorted(position_of_day, np.arange(len(year)), side="right") - 1

    def stock(pairs: NDArray[np.integer[Any]], quantity: NDArray[np.integer[Any]]) -> Stock:
        where, what = np.divmod(demand.pair[pairs], products)
        return Stock(where.astype(np.int16), what.astype(np.int32), quantity.astype(np.int32))

    order = np.lexsort((supply.pair, supply.week))
    present = np.flatnonzero(supply.opening)
    received = np.bincount(supply.pair, weights=supply.quantity, minlength=len(demand.pair)).astype(np.int64)
    return Replenishment(
        opening=stock(present, supply.opening[present]),
        receipts=stock(supply.pair[order], supply.quantity[order]),
        closing=stock(np.arange(len(demand.pair)), supply.opening + received - demand.total),
        shortages=_shortages(demand, supplied, day_of_basket, len(year.days)),
        _week=np.searchsorted(supply.week[order], np.arange(1, WEEKS + 2)),
    )
