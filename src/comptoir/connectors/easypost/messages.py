"""What EasyPost answers, as far as it is read: API v2, by the samples of its documentation."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct, field


class Rate(Struct, frozen=True):
    carrier: str
    service: str
    rate: Decimal
    currency: str
    id: str = ""
    """Rates that were asked for without a shipment have none."""
    delivery_days: int | None = None
    est_delivery_days: int | None = None
    delivery_date: datetime | None = None
    delivery_date_guaranteed: bool | None = None


class PostageLabel(Struct, frozen=True):
    label_url: str | None = None
    label_file_type: str | None = None
    label_pdf_url: str | None = None
    label_zpl_url: str | None = None


class Message(Struct, frozen=True):
    """Why one of the carriers has no rate."""

    carrier: str | None = None
    type: str | None = None
    message: Any = None


class Location(Struct, frozen=True):
    city: str | None = None
    state: str | None = None
    country: str | None = None
    zip: str | None = None


class TrackingDetail(Struct, frozen=True):
    status: str
    datetime: datetime
    status_detail: str | None = None
    message: str | None = None
    description: str | None = None
    carrier_code: str | None = None
    tracking_location: Location | None = None


class CarrierDetail(Struct, frozen=True):
    est_delivery_date_local: str | None = None


class Tracker(Struct, frozen=True):
    id: str
    tracking_code: str
    status: str
    created_at: datetime
    status_detail: str | None = None
    est_delivery_date: datetime | None = None
    carrier: str | None = None
    signed_by: str | None = None
    public_url: str | None = None
    tracking_details: list[TrackingDetail] = field(default_factory=list[TrackingDetail])
    carrier_detail: CarrierDetail | None = None


class Shipment(Struct, frozen=True):
    id: str
    created_at: datetime
    reference: str | None = None
    tracking_code: str | None = None
    rates: list[Rate] = field(default_factory=list[Rate])
    selected_rate: Rate | None = None
    postage_label: PostageLabel | None = None
    refund_status: str | None = None
    tracker: Tracker | None = None
    messages: list[Message] = field(default_factory=list[Message])


class Shipments(Struct, frozen=True):
    """A page, the newest first."""

    shipments: list[Shipment]
    has_more: bool = False


class Rates(Struct, frozen=True):
    rates: list[Rate] = field(default_factory=list[Rate])
    messages: list[Message] = field(default_factory=list[Message])


class Pickup(Struct, frozen=True):
    id: str
    status: str
    reference: str | None = None
    confirmation: str | None = None
    pickup_rates: list[Rate] = field(default_factory=list[Rate])
    messages: list[Message] = field(default_factory=list[Message])


class ScanForm(Struct, frozen=True):
    id: str
    status: str | None = None
    message: str | None = None
    tracking_codes: list[str] = field(default_factory=list[str])
    form_url: str | None = None


class Event(Struct, frozen=True):
    """The body of a webhook. `result` is whatever the event is about."""

    id: str
    description: str
    result: Any = None


class Error(Struct, frozen=True):
    code: str = ""
    message: Any = ""
    errors: list[Any] = field(default_factory=list[Any])


class Failure(Struct, frozen=True):
    error: Error
