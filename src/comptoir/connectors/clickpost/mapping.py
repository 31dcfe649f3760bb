"""From our values to ClickPost's and back, as functions of values.

Orders weigh in grams and measure in centimetres; serviceability weighs in kilograms. Times are India's, also those that end in
Z.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from comptoir.connectors.clickpost.messages import Additional, Meta, Placed, Service, Status, Tracked, Webhook
from comptoir.kernel.errors import Fault
from comptoir.kernel.money import Currency, Money, round_half_even
from comptoir.sdk.carriers import (
    Address,
    CarrierUnavailable,
    Item,
    Label,
    LabelRequest,
    NotAuthorised,
    NotUnderstood,
    Parcel,
    PickupRequest,
    Rate,
    RateRequest,
    ShipmentRejected,
)
from comptoir.sdk.tracking import Scan, TrackingUpdate, distinct, mapped

KEY = "clickpost"
INDIA = ZoneInfo("Asia/Kolkata")
INR = Currency("INR")

PLACED = 200
ALREADY_PLACED = frozenset({303, 323})
IN_PROGRESS = frozenset({102, 202})
CANCELLED = frozenset({200, 600})
NOT_THERE = frozenset({204, 321, 400, 404})
_ACCOUNT = frozenset({301, 306, 316, 320, 351, 352, 353})
_PASSING = frozenset({322, 329, 500})
_UNEXPLAINED = frozenset({354})

NDR_REASONS: Mapping[int, str] = {
    0: "Unknown Exception",
    1: "Customer Unavailable",
    2: "Rejected by Customer",
    3: "Delivery Rescheduled",
    4: "No Attempt",
    5: "Customer Unreachable",
    6: "Address Issue",
    7: "Payment Issue",
    8: "Out Of Delivery Area",
    9: "Order Already Cancelled",
    10: "Self Collect",
    11: "Shipment Seized By Customer",
}
"""Why a delivery failed, by ClickPost's own codes: they are `ndr:<code>` in the detail of a scan."""


# Services


def service_name(courier: int, account: str) -> str:
    return f"{courier}/{account}" if account else str(courier)


def courier_of(service: str) -> tuple[int, str]:
    """The courier's number and the account with it; raises ShipmentRejected for what is no service of ClickPost."""
    courier, _, account = service.partition("/")
    if not courier.isdecimal():
        raise ShipmentRejected(KEY, f"{service!r} is not a courier's number and an account: 4/Express", reason="service")
    return int(courier), account


def serviceability_body(request: RateRequest) -> list[dict[str, Any]]:
    parcel = request.parcel
    optional = {
        "length": _centimetres(parcel.length),
        "breadth": _centimetres(parcel.width),
        "height": _centimetres(parcel.height),
        "weight": parcel.weight / 1000,
        "invoice_value": _rupees(worth(request)),
        "service_type": "FORWARD",
    }
    pins = {"drop_pincode": request.recipient.postcode, "pickup_pincode": request.sender.postcode}
    return [pins | {"optional": optional}]


def our_rates(services: Iterable[Service], *, collect: bool) -> list[Rate]:
    """Cheapest first. A service without a price is left out: prices are kept per courier at ClickPost, and may be missing."""
    rates: list[Rate] = []
    for service in services:
        able, charges = service.serviceable, service.shipping_charge
        takes = able is not None and (able.cod if collect else able.prepaid)
        charge = None if charges is None else (charges.cod if collect else charges.prepaid)
        if takes and charge is not None:
            rates.append(
                Rate(
                    carrier=str(service.cp_id),
                    service=service_name(service.cp_id, service.account_code),
                    name=service.account_code,
                    cost=Money(round_half_even(charge.scaleb(2)), INR),
                    days=service.comitted_sla,
                )
            )
    return sorted(rates, key=lambda rate: (rate.cost.minor, rate.service))


# Orders


def worth(request: RateRequest) -> Money:
    """Raises ShipmentRejected when the items are not in rupees."""
    try:
        return request.worth(INR)
    except ValueError as problem:
        raise _not_rupees() from problem


def _not_rupees() -> ShipmentRejected:
    return ShipmentRejected(KEY, "amounts within India are in rupees", reason="currency")


def order_body(request: LabelRequest, now: datetime, *, tax_number: str = "") -> dict[str, Any]:
    shipment = request.shipment
    courier, account = courier_of(request.service)
    value, collect = worth(shipment), shipment.collect
    ready = (shipment.ship_at or now).astimezone(UTC)
    additional: dict[str, Any] = {"label": True, "async": False, "delivery_type": "FORWARD"}
    if account:
        additional["account_code"] = account
    return {
        "pickup_info": _end("pickup", shipment.sender)
        | {
            "email": shipment.sender.email,
            "pickup_time": f"{ready:%Y-%m-%dT%H:%M:%SZ}",
            "tin": shipment.sender.tax_number or tax_number,
        },
        "drop_info": _end("drop", shipment.recipient) | {"drop_email": shipment.recipient.email},
        "shipment_details": {
            "order_type": "PREPAID" if collect is None else "COD",
            "delivery_type": "FORWARD",
            "cod_value": 0 if collect is None else _rupees(collect),
            "invoice_value": _rupees(value),
            "invoice_number": shipment.invoice_number or request.reference,
            "invoice_date": (shipment.invoiced_on or ready.astimezone(INDIA).date()).isoformat(),
            "reference_number": request.reference,
            "courier_partner": courier,
            "weight": shipment.parcel.weight,
            "items": [_item(item) for item in shipment.items],
        }
        | _sides(shipment.parcel),
        "additional": additional,
    }


def _end(prefix: str, address: Address) -> dict[str, Any]:
    return {
        f"{prefix}_name": address.name or address.company,
        f"{prefix}_phone": address.phone,
        f"{prefix}_address": ", ".join(line for line in (address.line1, address.line2) if line),
        f"{prefix}_city": address.city,
        f"{prefix}_state": address.region,
        f"{prefix}_pincode": address.postcode,
        f"{prefix}_country": address.country,
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "sku": item.sku,
        "description": item.description,
        "quantity": item.quantity,
        "price": _rupees(item.value),
        "weight": item.weight,
    }


def _sides(parcel: Parcel) -> dict[str, int]:
    sides = {"length": parcel.length, "breadth": parcel.width, "height": parcel.height}
    return {name: _centimetres(side) for name, side in sides.items()}


def _centimetres(millimetres: int) -> int:
    """Begun centimetres, and one at least: ClickPost takes no 0."""
    return max(1, -(-millimetres // 10))


def _rupees(amount: Money) -> float:
    if amount.currency != INR:
        raise _not_rupees()
    return float(amount.major)


def label_of(placed: Placed, reference: str, service: str = "", cost: Money | None = None) -> Label:
    """Of an order that has a waybill."""
    assert placed.waybill, "an order without a waybill is not placed yet"
    courier = placed.courier_partner_id
    told = "" if courier is None else service_name(courier, placed.account_code or "")
    return Label(
        reference=placed.reference_number or reference,
        tracking_number=placed.waybill,
        shipment_id=placed.waybill,
        service=service or told,
        carrier=placed.courier_name or "",
        url=placed.label or "",
        cost=cost,
    )


def pickup_body(request: PickupRequest, service: str) -> dict[str, Any]:
    courier, account = courier_of(service)
    address = request.address
    return _end("pickup", address) | {
        "pickup_date": f"{request.from_at.astimezone(INDIA):%Y-%m-%dT%H:%M:%S}",
        "pickup_email": address.email,
        "courier_partner": courier,
        "account_code": account,
        "items": f"{len(request.labels)} package(s), {request.weight} grams",
    }


# What went wrong


def fault_of(meta: Meta, words: str) -> Fault:
    if meta.status in _ACCOUNT:
        return NotAuthorised(KEY, words)
    if meta.status in _PASSING:
        return CarrierUnavailable(KEY, words)
    if meta.status in _UNEXPLAINED:
        return NotUnderstood(KEY, words)
    return ShipmentRejected(KEY, words, reason=str(meta.status))


# Tracking


def update_of_poll(waybill: str, tracked: Tracked) -> TrackingUpdate:
    more = tracked.additional or Additional()
    latest = None if tracked.latest_status is None else scan_of(tracked.latest_status, _ndr(more))
    scans = [scan_of(status) for status in tracked.scans]
    return _update(waybill, scans, latest, more)


def update_of_webhook(message: Webhook) -> TrackingUpdate | None:
    """The outer scan is history, the latest status is what to act on. None for a parcel that has no number yet."""
    if not message.waybill:
        return None
    more = message.additional or Additional()
    told = message.latest_status or more.latest_status
    outer = Status(message.clickpost_status_code, message.timestamp, message.status, message.remark, message.location)
    latest = None if told is None else scan_of(told, _ndr(more))
    return _update(message.waybill, [scan_of(outer, _ndr(more))], latest, more)


def _update(waybill: str, scans: list[Scan], latest: Scan | None, more: Additional) -> TrackingUpdate:
    known = distinct([*scans, latest] if latest is not None else scans)
    return TrackingUpdate(
        tracking_number=waybill,
        scans=tuple(known),
        latest=latest,
        estimated_on=_day(more.courier_partner_edd),
        carrier=more.courier_name or more.courier_partner_name or "",
        reference=more.reference_number or "",
    )


def _ndr(more: Additional) -> int | None:
    return more.ndr_status_code if more.ndr is None else more.ndr.ndr_bucket_code


def scan_of(status: Status, ndr: int | None = None) -> Scan:
    """Its id is left out: polls have one, webhooks have none, and the same scan must be the same either way."""
    code = str(status.clickpost_status_code)
    failed = ndr is not None and code == "9"
    return Scan(
        status=mapped(KEY, code),
        at=moment(status.timestamp),
        raw_code=code,
        detail=f"ndr:{ndr}" if failed else status.status or "",
        text=status.remark or status.status or "",
        place=status.location or "",
    )


def moment(text: str) -> datetime:
    """The instant of a time of ClickPost: India's, whatever a Z behind it says, unless it has an offset in figures.

    Raises NotUnderstood.
    """
    try:
        at = datetime.fromisoformat(text.strip().removesuffix("Z"))
    except ValueError as problem:
        raise NotUnderstood(KEY, f"{text[:40]!r} is not a time") from problem
    return (at if at.tzinfo is not None else at.replace(tzinfo=INDIA)).astimezone(UTC)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
