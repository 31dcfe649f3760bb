"""The year's baskets in time order, as columns.

What is the data set's and what is ours: store, household, time, products, quantities and sums are the data set's. That some
baskets came by web, app, phone or marketplace, and were shipped rather than carried home, is ours.

What the columns of the data set mean (its guide, by dunnhumby): `sales_value` is what the retailer receives, after the discount
of the loyalty card (`retail_disc`) and after matching a manufacturer's coupon (`coupon_match_disc`). So the shelf price of a
line is the sum of the three, and the two reductions are its discounts. The coupon itself (`coupon_disc`) is paid back by its
manufacturer: it reduces what the customer pays, not what the retailer receives: a means of payment rather than a discount.
The timestamps are UTC: the data set's weeks begin at 05:00 in winter and at 04:00 in summer, which is midnight in New York.

Odd rows, each of which stays a line with its exact sum:
 - quantity 0 (8,869 lines; 8,837 of them without any amount): an adjustment of quantity 1;
 - fuel (14,697 lines) counts thousandths of a gallon and is a weighed item; but 1,188 of these lines give only money, with a
   quantity of 1, and are fees: they move no stock;
 - coupons, gift cards, deposits, tickets and the 17 products that the product file does not list move no stock either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from comptoir.sdk.orders import LineKind
from comptoir.surfaces.demo import source
from comptoir.surfaces.demo.catalogue import ITEM, KINDS, Catalogue
from comptoir.surfaces.demo.hashing import below

ZONE = ZoneInfo("America/New_York")
"""The chain's days and weeks begin at midnight here."""

CHUNK = 500
"""Baskets in a chunk unless asked otherwise: about 4,700 lines."""

_MONEY_ONLY_FUEL = 100
ADJUSTMENT = KINDS.index(LineKind.ADJUSTMENT)
FEE = KINDS.index(LineKind.FEE)


class Channel(StrEnum):
    POS = "pos"
    """Tills: facts, at the basket's store."""
    WEB = "web"
    APP = "app"
    MARKETPLACE = "marketplace"
    """Facts, too: the marketplace sold them already."""
    PHONE = "phone"


CHANNELS = tuple(Channel)
"""Channels are kept as their position here."""
FACTS = frozenset({Channel.POS, Channel.MARKETPLACE})

_PER_MILLE_SMALL = {Channel.MARKETPLACE: 128, Channel.WEB: 165, Channel.APP: 114, Channel.PHONE: 25}
_PER_MILLE_LARGE = {Channel.MARKETPLACE: 0, Channel.WEB: 190, Channel.APP: 85, Channel.PHONE: 24}
"""Of the baskets that could have been shipped, so many come by each channel and the others by the till; small ones have up to
eight lines. Over all baskets this makes 68.6 % POS, 14.1 % web, 8.5 % app, 6.8 % marketplace and 2.1 % phone."""
_SMALL_BASKET = 8
_PICKUP_PER_MILLE = {Channel.WEB: 350, Channel.APP: 450, Channel.PHONE: 250}


class Line(NamedTuple):
    """One line. `amount` is before the discounts `retail` and `coupon_match`; `coupon` is what a manufacturer's coupon paid."""

    product: int
    kind: LineKind
    quantity: int
    amount: int
    retail: int
    coupon_match: int
    coupon: int

    @property
    def total(self) -> int:
        return self.amount - self.retail - self.coupon_match


@dataclass(frozen=True, slots=True)
class Basket:
    """`store` is an index into the stores, `household` into the households, a line's product into the catalogue."""

    position: int
    number: int
    channel: Channel
    at: datetime
    store: int
    household: int
    pickup: bool
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a day or a week begins: the instant, and the position of the first basket at or after it."""

    number: int
    """The week of the data set (1 to 53), or the day of the year (1 to 365)."""
    on: date
    at: int
    """Seconds since 1970."""
    position: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive baskets of one week as columns (views, not copies). Basket `i` has the lines `start[i]` to `start[i + 1]`."""

    position: int
    week: int
    number: NDArray[np.int64]
    at: NDArray[np.int64]
    """Seconds since 1970."""
    channel: NDArray[np.uint8]
    store: NDArray[np.int16]
    household: NDArray[np.int16]
    pickup: NDArray[np.bool_]
    start: NDArray[np.int32]
    product: NDArray[np.int32]
    kind: NDArray[np.uint8]
    quantity: NDArray[np.int32]
    total: NDArray[np.int32]
    """What the retailer receives; amount - retail - coupon_match."""
    retail: NDArray[np.int32]
    coupon_match: NDArray[np.int32]
    coupon: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.number)

    @property
    def amount(self) -> NDArray[np.int32]:
        """What the lines cost before discounts."""
        return self.total + self.retail + self.coupon_match

    def baskets(self) -> Iterator[Basket]:
        """The same, as values."""
        lines = [
            Line(product, KINDS[kind], quantity, amount, retail, match, coupon)
            for product, kind, quantity, amount, retail, match, coupon in zip(
                self.product.tolist(),
                self.kind.tolist(),
                self.quantity.tolist(),
                self.amount.tolist(),
                self.retail.tolist(),
                self.coupon_match.tolist(),
                self.coupon.tolist(),
                strict=True,
            )
        ]
        start = self.start.tolist()
        columns = zip(
            self.number.tolist(),
            self.at.tolist(),
            [CHANNELS[code] for code in cast("list[int]", self.channel.tolist())],
            self.store.tolist(),
            self.household.tolist(),
            self.pickup.tolist(),
            strict=True,
        )
        for i, (number, at, channel, store, household, pickup) in enumerate(columns):
            yield Basket(
                position=self.position + i,
                number=number,
                channel=channel,
                at=datetime.fromtimestamp(at, UTC),
                store=store,
                household=household,
                pickup=pickup,
                lines=tuple(lines[start[i] : start[i + 1]]),
            )


@dataclass(frozen=True, slots=True)
class Totals:
    """Exact sums over baskets, by channel and by week; `units` counts items only, a weighed line as one."""

    baskets: NDArray[np.int64]
    """Every array has one row per channel and one column per week 1 to 53."""
    lines: NDArray[np.int64]
    units: NDArray[np.int64]
    cents: NDArray[np.int64]
    discounts: NDArray[np.int64]

    def of(self, what: str, channel: Channel | None = None) -> int:
        """One sum, of all channels or of one: `of("cents")`."""
        table: NDArray[np.int64] = getattr(self, what)
        return int(table.sum() if channel is None else table[CHANNELS.index(channel)].sum())


@dataclass(frozen=True, slots=True)
class Year:
    """All baskets, in time order; a position is an index into them."""

    number: NDArray[np.int64]
    at: NDArray[np.int64]
    week: NDArray[np.uint8]
    channel: NDArray[np.uint8]
    store: NDArray[np.int16]
    household: NDArray[np.int16]
    pickup: NDArray[np.bool_]
    start: NDArray[np.int32]
    units: NDArray[np.int32]
    cents: NDArray[np.int32]
    discounts: NDArray[np.int32]
    product: NDArray[np.int32]
    kind: NDArray[np.uint8]
    quantity: NDArray[np.int32]
    total: NDArray[np.int32]
    retail: NDArray[np.int32]
    coupon_match: NDArray[np.int32]
    coupon: NDArray[np.int32]
    store_ids: NDArray[np.int32]
    household_ids: NDArray[np.int32]
    weeks: tuple[Mark, ...]
    days: tuple[Mark, ...]

    def __len__(self) -> int:
        return len(self.number)

    def baskets(self, from_position: int = 0, *, chunk: int = CHUNK, until: int | None = None) -> Iterator[Chunk]:
        """The baskets from that position on in chunks of up to that many; no chunk crosses the beginning of a week."""
        last = len(self) if until is None else min(until, len(self))
        boundaries = [mark.position for mark in self.weeks] + [len(self)]
        position = from_position
        while position < last:
            boundary = next(b for b in boundaries if b > position)
            end = min(position + chunk, boundary, last)
            yield self._chunk(position, end)
            position = end

    def _chunk(self, begin: int, end: int) -> Chunk:
        first, last = int(self.start[begin]), int(self.start[end])
        return Chunk(
            position=begin,
            week=int(self.week[begin]),
            number=self.number[begin:end],
            at=self.at[begin:end],
            channel=self.channel[begin:end],
            store=self.store[begin:end],
            household=self.household[begin:end],
            pickup=self.pickup[begin:end],
            start=self.start[begin : end + 1] - first,
            product=self.product[first:last],
            kind=self.kind[first:last],
            quantity=self.quantity[first:last],
            total=self.total[first:last],
            retail=self.retail[first:last],
            coupon_match=self.coupon_match[first:last],
            coupon=self.coupon[first:last],
        )

    def position_at(self, at: float) -> int:
        """The position of the first basket after that instant (seconds since 1970): everything before it is due."""
        return int(np.searchsorted(self.at, at, side="right"))

    def expected_totals(self, until: int | None = None) -> Totals:
        """What must have been recorded once the baskets before position `until` have played; of the year by default."""
        end = len(self) if until is None else until
        cells = self.channel[:end].astype(np.int64) * len(self.weeks) + self.week[:end] - 1
        shape = (len(CHANNELS), len(self.weeks))

        def table(weights: NDArray[Any] | None = None) -> NDArray[np.int64]:
            sums = np.bincount(cells, weights=weights, minlength=shape[0] * shape[1])
            return np.rint(sums).astype(np.int64).reshape(shape)

        return Totals(
            baskets=table(),
            lines=table(np.diff(self.start[: end + 1])),
            units=table(self.units[:end]),
            cents=table(self.cents[:end]),
            discounts=table(self.discounts[:end]),
        )


def local_hours(at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Hours since 1970 on the chain's wall clock."""
    hours, inverse = np.unique(at // 3600, return_inverse=True)
    offsets = [_offset(int(hour) * 3600) for hour in hours.tolist()]
    return hours[inverse] + np.array(offsets, np.int64)[inverse]


def _offset(at: int) -> int:
    offset = datetime.fromtimestamp(at, ZONE).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) // 3600


def _marks(first: date, days: int, step: int, at: NDArray[np.int64]) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    for number, ahead in enumerate(range(0, days, step), start=1):
        day = first + timedelta(days=ahead)
        begins = int(datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp())
        marks.append(Mark(number, day, begins, int(np.searchsorted(at, begins, side="left"))))
    return tuple(marks)


def _channels(number: NDArray[np.int64], lines: NDArray[np.int64], *, remote: NDArray[np.bool_]) -> NDArray[np.uint8]:
    draw = below(number, 1000, salt=1)
    channel = np.zeros(len(number), np.uint8)
    for shares, these in (
        (_PER_MILLE_SMALL, remote & (lines <= _SMALL_BASKET)),
        (_PER_MILLE_LARGE, remote & (lines > _SMALL_BASKET)),
    ):
        low = 0
        for name, share in shares.items():
            channel[these & (draw >= low) & (draw < low + share)] = CHANNELS.index(name)
            low += share
    return channel


def _pickups(number: NDArray[np.int64], channel: NDArray[np.uint8]) -> NDArray[np.bool_]:
    limit = np.array([_PICKUP_PER_MILLE.get(name, 0) for name in CHANNELS])
    return below(number, 1000, salt=2) < limit[channel]


def _kinds(product: NDArray[np.int32], quantity: NDArray[np.int32], catalogue: Catalogue) -> NDArray[np.uint8]:
    kind = catalogue.kind[product]
    kind[catalogue.weighed[product] & (quantity < _MONEY_ONLY_FUEL)] = FEE
    kind[quantity == 0] = ADJUSTMENT
    return kind


def product_ids() -> NDArray[np.int32]:
    """The ids of all products that were sold."""
    return np.unique(source.small_integers("transactions", "product_id"))


def read(catalogue: Catalogue) -> Year:
    """The year from the data set's file. The file is in time order, and the lines of a basket follow each other in it."""
    basket = source.integers("transactions", "basket_id")
    first = np.concatenate([[0], np.flatnonzero(np.diff(basket)) + 1])
    start = np.append(first, len(basket)).astype(np.int32)
    number = basket[first]
    del basket
    at = source.seconds("transactions", "transaction_timestamp")[first]
    store_ids, store = np.unique(source.small_integers("transactions", "store_id")[first], return_inverse=True)
    household_ids, household = np.unique(source.small_integers("transactions", "household_id")[first], return_inverse=True)
    order = np.argsort(catalogue.ids)
    product = order[np.searchsorted(catalogue.ids, source.small_integers("transactions", "product_id"), sorter=order)].astype(
        np.int32
    )
    quantity = source.small_integers("transactions", "quantity")
    kind = _kinds(product, quantity, catalogue)
    # Only what can be packed is shipped: a basket with fuel, a counter's food or a line that is not an item was at the till.
    remote = np.logical_and.reduceat((kind == ITEM) & ~catalogue.till_only[product], first)
    channel = _channels(number, np.diff(start).astype(np.int64), remote=remote)
    np.maximum(quantity, 1, out=quantity)
    counted = np.where(catalogue.weighed[product], 1, quantity) * (kind == ITEM)
    units = np.add.reduceat(counted, first).astype(np.int32)
    del counted
    total, retail, match = (source.cents("transactions", name) for name in ("sales_value", "retail_disc", "coupon_match_disc"))
    return Year(
        number=number,
        at=at,
        week=source.small_integers("transactions", "week")[first].astype(np.uint8),
        channel=channel,
        store=store.astype(np.int16),
        household=household.astype(np.int16),
        pickup=_pickups(number, channel),
        start=start,
        units=units,
        cents=np.add.reduceat(total, first),
        discounts=np.add.reduceat(retail + match, first),
        product=product,
        kind=kind,
        quantity=quantity,
        total=total,
        retail=retail,
        coupon_match=match,
        coupon=source.cents("transactions", "coupon_disc"),
        store_ids=store_ids,
        household_ids=household_ids,
        weeks=_weeks(at),
        days=_marks(date(2017, 1, 1), 365, 1, at),
    )


def _weeks(at: NDArray[np.int64]) -> tuple[Mark, ...]:
    """The data set's weeks: the first is the one Sunday, and the others begin on Mondays."""
    sunday = _marks(date(2017, 1, 1), 1, 1, at)
    return sunday + tuple(
        Mark(mark.number + 1, mark.on, mark.at, mark.position) for mark in _marks(date(2017, 1, 2), 364, 7, at)
    )
