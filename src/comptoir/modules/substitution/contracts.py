"""What crosses the door of substitution."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NewType
from uuid import UUID

from comptoir.modules.fulfilment.contracts import FulfilmentId
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Event

SubstitutionId = NewType("SubstitutionId", UUID)

MOST = 10
"""Substitutes of one SKU."""

Settle = Callable[[Tx, OrderId, SubstitutionId], Awaitable[int]]
"""Promises the buyer what they are owed now, and says by how much more that is; whoever knows refunds provides it."""


class Consent(StrEnum):
    """What a buyer has agreed to where something is not there. Whatever is taken, they never pay more than for what they
    ordered.
    """

    NONE = "none"
    SAME_PRICE = "same_price"
    """Something that is usually no dearer."""
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that may be taken instead, here and now."""

    sku: str
    name: str
    rank: int
    available: int
    unit_price: int
    """What the buyer pays for one, in minor units; for a whole kilogram of what is weighed."""
    weighed: bool
    gtin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitution:
    """Units that were taken instead of others."""

    id: SubstitutionId
    order_id: OrderId
    fulfilment_id: FulfilmentId
    location_id: LocationId
    line_no: int
    sku: str
    by_line_no: int
    by_sku: str
    quantity: int
    unit_price: int
    difference: int
    """By how much the buyer pays less, in minor units."""
    at: datetime
    actor: str


class OrderSubstituted(Event, frozen=True, kw_only=True):
    """Units of another SKU were taken instead of what was not there."""

    type: ClassVar[str] = "order.substituted"
    order_id: OrderId
    substitution_id: SubstitutionId
    fulfilment_id: FulfilmentId
    location_id: LocationId
    line_no: int
    sku: str
    name: str
    by_line_no: int
    by_sku: str
    by_name: str
    quantity: int
    weighed: bool
    difference: int

    @property
    def subject(self) -> UUID:
        return self.order_id
