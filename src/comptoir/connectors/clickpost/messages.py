"""What ClickPost answers, as far as it is read: orders v3, cancellation v1, pickups v1, serviceability v1, tracking v2."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct, field


class Meta(Struct, frozen=True):
    """How it went: ClickPost answers 200 to almost everything and says here what it means."""

    status: int = 0
    success: bool = False
    message: Any = ""


class Placed(Struct, frozen=True):
    """An order with a courier."""

    waybill: str | None = None
    reference_number: str | None = None
    label: str | None = None
    courier_partner_id: int | None = None
    courier_name: str | None = None
    account_code: str | None = None


class OrderAnswer(Struct, frozen=True):
    meta: Meta
    result: Placed | None = None


class PlainAnswer(Struct, frozen=True):
    meta: Meta
    result: Any = None


class Charges(Struct, frozen=True, rename="upper"):
    prepaid: Decimal | None = None
    cod: Decimal | None = None


class Serviceable(Struct, frozen=True, rename="upper"):
    prepaid: bool = False
    cod: bool = False


class Service(Struct, frozen=True):
    """One account with one courier between two pin codes."""

    cp_id: int
    account_code: str
    serviceable: Serviceable | None = None
    comitted_sla: int | None = None
    shipping_charge: Charges | None = None
    zone: str | None = None


class ServiceAnswer(Struct, frozen=True):
    meta: Meta
    result: list[Service] | None = None


class Confirmation(Struct, frozen=True):
    confirmation_number: Any = None


class PickupAnswer(Struct, frozen=True):
    meta: Meta
    result: Confirmation | None = None


class Status(Struct, frozen=True):
    """A scan."""

    clickpost_status_code: int
    timestamp: str
    status: str | None = None
    remark: str | None = None
    location: str | None = None


class Undelivered(Struct, frozen=True):
    ndr_bucket_code: int | None = None


class Additional(Struct, frozen=True):
    latest_status: Status | None = None
    courier_partner_edd: str | None = None
    courier_name: str | None = None
    courier_partner_name: str | None = None
    reference_number: str | None = None
    ndr_status_code: int | None = None
    ndr: Undelivered | None = None


class Tracked(Struct, frozen=True):
    latest_status: Status | None = None
    scans: list[Status] = field(default_factory=list[Status])
    valid: bool = True
    additional: Additional | None = None


class TrackAnswer(Struct, frozen=True):
    meta: Meta
    result: dict[str, Tracked] | None = None


class Webhook(Struct, frozen=True):
    """The scan that it is about; the status to act on is `latest_status`, outside or in `additional`."""

    clickpost_status_code: int
    timestamp: str
    waybill: str | None = None
    cp_id: int | None = None
    status: str | None = None
    remark: str | None = None
    location: str | None = None
    latest_status: Status | None = None
    additional: Additional | None = None
