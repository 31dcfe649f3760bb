"""The rules of orders, as functions of values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from comptoir.modules.locations.contracts import LocationId


class FulfilmentStatus(StrEnum):
    """Derived from the counters: see `fulfilment_status`."""

    UNFULFILLED = "unfulfilled"
    BACKORDERED = "backordered"
    PARTIAL = "partial"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


class PaymentStatus(StrEnum):
    PENDING = "pending"
    AUTHORISED = "authorised"
    PARTIAL = "partial"
    PAID = "paid"
    OVERPAID = "overpaid"
    """More is here than what is left of the order comes to: the buyer is owed the rest."""
    NOTHING_DUE = "nothing_due"
    """Nothing is left of it, and nothing was paid."""
    REFUNDED = "refunded"
    PARTLY_REFUNDED = "partly_refunded"


class ReturnStatus(StrEnum):
    NONE = "none"
    PARTIAL = "partial"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Counters:
    """How the units of a line stand, or those of an order: the sum over its items, charges not counted."""

    quantity: int
    cancelled: int = 0
    backordered: int = 0
    shipped: int = 0
    returned: int = 0

    @property
    def reserved(self) -> int:
        """What is promised and still here: everything that is neither cancelled, waiting for stock, nor gone."""
        return self.quantity - self.cancelled - self.backordered - self.shipped


class UnitPlace(StrEnum):
    """Where a unit of an order is. Each is in one place at a time."""

    RESERVED = "reserved"
    """Promised, and still here."""
    WAITING = "waiting"
    """For stock."""
    CANCELLED = "cancelled"
    SHIPPED = "shipped"
    RETURNED = "returned"


class UnitStep(StrEnum):
    ALLOCATE = "allocate"
    RELEASE = "release"
    CANCEL = "cancel"
    SHIP = "ship"
    TAKE_BACK = "take_back"
    GIVE_BACK = "give_back"


_P, _U = UnitPlace, UnitStep
UNIT_STEPS: Mapping[tuple[UnitPlace, UnitStep], UnitPlace] = {
    (_P.WAITING, _U.ALLOCATE): _P.RESERVED,
    (_P.RESERVED, _U.RELEASE): _P.WAITING,
    (_P.WAITING, _U.CANCEL): _P.CANCELLED,
    (_P.RESERVED, _U.CANCEL): _P.CANCELLED,
    (_P.WAITING, _U.SHIP): _P.SHIPPED,  # what has left has left, whatever was promised
    (_P.RESERVED, _U.SHIP): _P.SHIPPED,
    (_P.SHIPPED, _U.TAKE_BACK): _P.RETURNED,
    (_P.RETURNED, _U.GIVE_BACK): _P.SHIPPED,
}
"""The life of a unit. The counters of its line change by what `counted` makes of a step."""

_COUNTED: Mapping[UnitPlace, Counters] = {
    _P.RESERVED: Counters(0),
    _P.WAITING: Counters(0, backordered=1),
    _P.CANCELLED: Counters(0, cancelled=1),
    _P.SHIPPED: Counters(0, shipped=1),
    _P.RETURNED: Counters(0, shipped=1, returned=1),
}
"""By which counters a unit is known to be where it is."""


def counted(step: UnitStep, units: Mapping[UnitPlace, int]) -> Counters:
    """By how much a line's counters change when so many units of each place take a step that leads on from there."""
    cancelled = backordered = shipped = returned = 0
    for place, n in units.items():
        before, after = _COUNTED[place], _COUNTED[UNIT_STEPS[place, step]]
        cancelled += n * (after.cancelled - before.cancelled)
        backordered += n * (after.backordered - before.backordered)
        shipped += n * (after.shipped - before.shipped)
        returned += n * (after.returned - before.returned)
    return Counters(0, cancelled, backordered, shipped, returned)


def fulfilment_status(c: Counters) -> FulfilmentStatus:
    """The axis of fulfilment. FULFILMENT_STATUS_SQL says the same to the database; a property test holds them together."""
    if c.quantity == 0:
        return FulfilmentStatus.FULFILLED
    if c.cancelled == c.quantity:
        return FulfilmentStatus.CANCELLED
    if c.cancelled + c.shipped == c.quantity:
        return FulfilmentStatus.FULFILLED
    if c.shipped > 0:
        return FulfilmentStatus.PARTIAL
    if c.backordered > 0:
        return FulfilmentStatus.BACKORDERED
    return FulfilmentStatus.UNFULFILLED


FULFILMENT_STATUS_SQL = """CASE
WHEN quantity = 0 THEN 'fulfilled'
WHEN cancelled = quantity THEN 'cancelled'
WHEN cancelled + shipped = quantity THEN 'fulfilled'
WHEN shipped > 0 THEN 'partial'
WHEN backordered > 0 THEN 'backordered'
ELSE 'unfulfilled' END"""


def payment_status(  # noqa: PLR0911 - a table, read from the top
    total: int, value: int, authorised: int, captured: int, refunded: int
) -> PaymentStatus:
    """The axis of money, by what is due now: `value` is what is left of an order whose `total` was sold.

    A credit's value is negative: it is refunded when that much has gone back.
    """
    if captured > 0 and captured - refunded > value:
        return PaymentStatus.OVERPAID
    if refunded > 0 and refunded >= captured and refunded >= -value:
        return PaymentStatus.REFUNDED
    if refunded > 0:
        return PaymentStatus.PARTLY_REFUNDED
    if captured == 0 == value != total:
        return PaymentStatus.AUTHORISED if authorised > 0 else PaymentStatus.NOTHING_DUE
    if captured >= value >= 0:
        return PaymentStatus.PAID
    if captured > 0:
        return PaymentStatus.PARTIAL
    if authorised > 0:
        return PaymentStatus.AUTHORISED
    return PaymentStatus.PENDING


PAYMENT_STATUS_SQL = """CASE
WHEN captured > 0 AND captured - refunded > value THEN 'overpaid'
WHEN refunded > 0 AND refunded >= captured AND refunded >= -value THEN 'refunded'
WHEN refunded > 0 THEN 'partly_refunded'
WHEN captured = 0 AND value = 0 AND total <> 0 AND authorised > 0 THEN 'authorised'
WHEN captured = 0 AND value = 0 AND total <> 0 THEN 'nothing_due'
WHEN captured >= value AND value >= 0 THEN 'paid'
WHEN captured > 0 THEN 'partial'
WHEN authorised > 0 THEN 'authorised'
ELSE 'pending' END"""


OWED_SQL = "captured - refunded - value"
"""What the buyer is owed; below nothing, what the buyer owes."""


def return_status(c: Counters) -> ReturnStatus:
    if c.returned == 0:
        return ReturnStatus.NONE
    return ReturnStatus.RETURNED if c.returned == c.shipped else ReturnStatus.PARTIAL


RETURN_STATUS_SQL = """CASE
WHEN returned = 0 THEN 'none'
WHEN returned = shipped THEN 'returned'
ELSE 'partial' END"""


def share(amount: int, quantity: int, first: int, units: int) -> int:
    """The part of a line's amount that its units `first` to `first + units - 1` stand for, counted from 0.

    The amount is split over the units once and for all (largest remainder), so that the shares of any partition add up to it.
    """
    # What kernel.money.split gives with equal weights, without making the list:
    # the remainder goes to the earliest units, one minor unit each.
    whole, rest = divmod(abs(amount), quantity)
    extra = max(0, min(first + units, rest) - first)
    return (whole * units + extra) * (1 if amount >= 0 else -1)


class Place(NamedTuple):
    """A location that a channel may sell from, and whether it sends parcels."""

    location_id: LocationId
    ships: bool


def senders(places: Iterable[Place]) -> tuple[LocationId, ...]:
    """Who may send what is promised. Where nobody ships, what is sold is collected or handed out: anybody may promise it."""
    there = tuple(places)
    return tuple([place.location_id for place in there if place.ships] or [place.location_id for place in there])
