"""What a Karrio server answers, as far as it is read. Almost everything may be null, and older servers leave much of it out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct, field


class Message(Struct, frozen=True):
    """What a carrier behind Karrio says, or Karrio itself in its place."""

    message: Any = None
    code: Any = None
    details: Any = None
    carrier_name: str | None = None


class Rate(Struct, frozen=True):
    carrier_name: str
    service: str | None = None
    id: str | None = None
    total_charge: Decimal | None = None
    currency: str | None = None
    transit_days: int | None = None
    estimated_delivery: str | None = None
    meta: dict[str, Any] | None = None


class Rates(Struct, frozen=True):
    rates: list[Rate] = field(default_factory=list[Rate])


class Document(Struct, frozen=True):
    """A paper: in the answer to a purchase, and where it is asked for by itself, it comes along."""

    category: str | None = None
    format: str | None = None
    base64: str | None = None
    url: str | None = None


class Shipment(Struct, frozen=True):
    id: str
    status: str = ""
    reference: str | None = None
    tracking_number: str | None = None
    carrier_name: str | None = None
    service: str | None = None
    selected_rate: Rate | None = None
    rates: list[Rate] | None = None
    messages: list[Message] | None = None
    label_type: str | None = None
    label_url: str | None = None
    tracking_url: str | None = None
    shipping_documents: list[Document] | None = None
    shipper: dict[str, Any] | None = None
    is_return: bool | None = None
    """Left out by servers that know no returns."""
    metadata: dict[str, Any] | None = None
    meta: dict[str, Any] | None = None


class Shipments(Struct, frozen=True):
    """A page, the newest first."""

    results: list[Shipment]
    next: str | None = None


class Charge(Struct, frozen=True):
    amount: Decimal | None = None
    currency: str | None = None


class Pickup(Struct, frozen=True):
    """Servers until 2025 know no status of it: what was cancelled is gone, and has no id any more."""

    id: str | None = None
    status: str | None = None
    confirmation_number: str | None = None
    pickup_charge: Charge | None = None
    metadata: dict[str, Any] | None = None


class Pickups(Struct, frozen=True):
    results: list[Pickup]
    next: str | None = None


class Manifest(Struct, frozen=True):
    id: str
    manifest_url: str | None = None


class TrackingEvent(Struct, frozen=True):
    """A scan. `status` and `timestamp` are since 2026; before, there are a day and a time as the carrier writes it."""

    date: str | None = None
    time: str | None = None
    timestamp: str | None = None
    status: str | None = None
    reason: str | None = None
    code: str | None = None
    description: str | None = None
    location: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class TrackingInfo(Struct, frozen=True):
    signed_by: str | None = None


class Tracker(Struct, frozen=True):
    tracking_number: str
    carrier_name: str | None = None
    status: str | None = None
    estimated_delivery: str | None = None
    events: list[TrackingEvent] | None = None
    info: TrackingInfo | None = None


class Event(Struct, frozen=True):
    """The body of a webhook. `data` is whatever the event is about."""

    event: str
    data: Any = None


class Failure(Struct, frozen=True):
    """Karrio's own errors, or what its carriers say."""

    errors: list[Message] | None = None
    messages: list[Message] | None = None
