"""Baskets as channels tell them: facts of tills and of the marketplace, and orders that web, app and phone ask us to promise.

A promise has one price per unit and no discounts yet. Its lines are therefore told at the shelf price, and what the loyalty
card and coupons take off as one more line, an adjustment: the order's total is the data set's to the cent, and so is its number
of items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from uuid import UUID

from comptoir.modules.customers.contracts import CustomerId
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import Candidates, Charge, Fact, Fill, Payment, Placement, PlacementLine
from comptoir.sdk.orders import Address, Buyer, ChannelLine, ChannelOrder, ChannelPayment, Discount, LineKind, PaymentKind
from comptoir.surfaces.demo.plan import COUPON_MATCH, MANUFACTURER_COUPON, RETAIL, UNRECORDED, USD, Plan
from comptoir.surfaces.demo.stream import Basket, Line
from comptoir.surfaces.selling import Counter

REDUCTIONS = "Loyalty price and coupons"
PROMISED = timedelta(days=6)
"""From the viewer's today to the day that a buyer is told."""
_TAGS = ("demo",)
_VERSION = "1"


@dataclass(frozen=True)
class Teller:
    """Tells baskets of the plan to a house where places and customers have these ids, in the plan's order."""

    plan: Plan
    places: Sequence[LocationId]
    customers: Sequence[CustomerId]

    @cached_property
    def _buyers(self) -> list[Buyer]:
        return [Buyer(loyalty_number=household.number) for household in self.plan.households]

    @cached_property
    def _homes(self) -> list[Address]:
        return [self.plan.ship_to(index) for index in range(len(self.plan.households))]

    @cached_property
    def _first_store(self) -> int:
        return len(self.plan.warehouses)

    @cached_property
    def _goods(self) -> list[tuple[str, str]]:
        """SKU and name by product. All of them at once: a product sells sixteen times in the year."""
        catalogue = self.plan.catalogue
        return [(catalogue.sku(index), catalogue.name(index)) for index in range(len(catalogue.ids))]

    def till_sale(self, basket: Basket, counter: Counter) -> Fact:
        """What left over the counter: a fact, all of it gone."""
        location = self._store(basket)
        order = ChannelOrder(
            external_id=str(basket.number),
            version=_VERSION,
            placed_at=basket.at,
            currency=USD,
            lines=tuple([self._line(line, line.quantity) for line in basket.lines]),
            buyer=self._buyers[basket.household],
            payments=self._payments(basket),
            tags=_TAGS,
        )
        return Fact(counter.terms, order, Candidates((location,), True), location, self._customer(basket))

    def marketplace_order(self, basket: Basket, counter: Counter) -> Fact:
        """What the marketplace has sold and we have to send."""
        home = self._homes[basket.household]
        order = ChannelOrder(
            external_id=self.external_id(basket),
            version=_VERSION,
            placed_at=basket.at,
            currency=USD,
            lines=tuple([self._line(line, 0) for line in basket.lines]),
            buyer=self._buyers[basket.household],
            ship_to=home,
            payments=self._payments(basket),
            tags=_TAGS,
        )
        return Fact(counter.terms, order, _nearest(counter, home, 1), None, self._customer(basket))

    def told_anyway(self, basket: Basket, counter: Counter) -> Fact:
        """An order that this house, as somebody has set it up since, would not promise: in the data it was sold."""
        fact = self.marketplace_order(basket, counter)
        if not basket.pickup:
            return fact
        location = self._store(basket)
        return Fact(fact.terms, fact.order, Candidates((location,), True), location, fact.customer_id)

    def placement(self, basket: Basket, counter: Counter, nearest: int | None = 1, today: date | None = None) -> Placement:
        """What web, app or phone ask for: sent from one of so many that are `nearest` (None: from the whole pool), or collected
        from the store that has it. With the viewer's `today` it is promised for a day soon after: parcels go at that pace.
        """
        home = self._homes[basket.household]
        lines: list[PlacementLine] = []
        total = told = 0
        for line in basket.lines:
            unit_price = -(-line.amount // line.quantity)
            lines.append(PlacementLine(self._goods[line.product][0], line.quantity, unit_price))
            total += line.total
            told += unit_price * line.quantity
        pickup = self._store(basket) if basket.pickup else None
        return Placement(
            terms=counter.terms,
            candidates=_nearest(counter, home, nearest) if pickup is None else Candidates((pickup,), True),
            lines=tuple(lines),
            fill=Fill.BACKORDER,
            charges=(Charge(LineKind.ADJUSTMENT, REDUCTIONS, total - told),) if total != told else (),
            buyer=self._buyers[basket.household],
            ship_to=home if pickup is None else None,
            pickup_location_id=pickup,
            expected_total=total,
            external_id=self.external_id(basket),
            payments=tuple([Payment(p.kind, p.method, p.amount) for p in self._payments(basket)]),
            tags=_TAGS,
            placed_at=basket.at,
            promised_on=None if today is None or pickup is not None else today + PROMISED,
        )

    def external_id(self, basket: Basket) -> str:
        return self.plan.external_id(basket)

    def _store(self, basket: Basket) -> LocationId:
        return self.places[self._first_store + basket.store]

    def _customer(self, basket: Basket) -> UUID:
        return self.customers[basket.household]

    def _line(self, line: Line, shipped: int) -> ChannelLine:
        sku, name = self._goods[line.product]
        item = line.kind is LineKind.ITEM
        return ChannelLine(
            line.kind,
            name,
            line.quantity,
            line.amount,
            sku if item else "",
            None,
            _discounts(line) if line.retail or line.coupon_match else (),
            (),
            0,
            shipped if item else 0,
        )

    def _payments(self, basket: Basket) -> tuple[ChannelPayment, ...]:
        due = coupons = 0
        for line in basket.lines:
            due += line.total
            coupons += line.coupon
        coupons = min(due, coupons)
        if not coupons:
            return (ChannelPayment(PaymentKind.CAPTURED, UNRECORDED, due, basket.at),) if due else ()
        paid = ((MANUFACTURER_COUPON, coupons), (UNRECORDED, due - coupons))
        return tuple([ChannelPayment(PaymentKind.CAPTURED, method, amount, basket.at) for method, amount in paid if amount])


def _discounts(line: Line) -> tuple[Discount, ...]:
    reductions = ((RETAIL, "Loyalty price", line.retail), (COUPON_MATCH, "Coupon match", line.coupon_match))
    return tuple([Discount(amount, code, label) for code, label, amount in reductions if amount])


def _nearest(counter: Counter, home: Address, first: int | None) -> Candidates:
    """The first of those that may send it, or all of them."""
    if first is None or first >= len(counter.ids):
        return counter.candidates(_point(home), whole_pool=True)
    return Candidates(counter.candidates(_point(home)).locations[:first], False)


def _point(home: Address) -> tuple[float, float]:
    assert home.latitude is not None
    assert home.longitude is not None
    return (home.latitude, home.longitude)
