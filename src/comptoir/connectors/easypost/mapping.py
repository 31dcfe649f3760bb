"""From our values to EasyPost's and back, as functions of values. EasyPost weighs in ounces and measures in inches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_UP, Decimal, InvalidOperation
from typing import Any, cast

from comptoir.connectors.easypost.messages import Message, Rate, Shipment, Tracker, TrackingDetail
from comptoir.kernel.money import Currency, Money, currency, exponent, round_half_even
from comptoir.sdk import carriers
from comptoir.sdk.carriers import (
    Address,
    Item,
    Label,
    LabelFormat,
    LabelRequest,
    NotUnderstood,
    Parcel,
    RateRequest,
    ShipmentRejected,
    VoidState,
)
from comptoir.sdk.tracking import Scan, TrackingStatus, TrackingUpdate, mapped

KEY = "easypost"

_GRAMS = Decimal("28.349523125")
_MILLIMETRES = Decimal("25.4")
_TENTH = Decimal("0.1")
_USD = Currency("USD")
_UNDECLARED = 250_000
"""Cents: up to 2,500 USD of one kind of goods leave the United States without a declaration (15 CFR 30.37(a))."""
_NO_DECLARATION = "NOEEI 30.37(a)"

_VOIDS = {
    "refunded": VoidState.VOIDED,
    "not_applicable": VoidState.VOIDED,
    "submitted": VoidState.REQUESTED,
    "rejected": VoidState.REFUSED,
}
_FORMATS = {"application/pdf": LabelFormat.PDF, "application/zpl": LabelFormat.ZPL, "image/png": LabelFormat.PNG}
_DETAILS = {"damaged": TrackingStatus.DAMAGED, "lost": TrackingStatus.LOST}
"""Where the finer code says more than the status that it comes with (`failure` or `error`)."""


# What we ask


def shipment_body(
    request: RateRequest,
    *,
    reference: str = "",
    label: LabelFormat | None = None,
    accounts: tuple[str, ...] = (),
    signer: str = "",
) -> dict[str, Any]:
    ends = {"to_address": address_body(request.recipient), "from_address": address_body(request.sender)}
    body: dict[str, Any] = {**(turned(ends) if request.is_return else ends), "parcel": parcel_body(request.parcel)}
    if request.is_return:
        body["is_return"] = True
    if reference:
        body["reference"] = reference
    if label is not None:
        body["options"] = {"label_format": label.value.upper()}
    if request.invoice_number:
        body.setdefault("options", {})["invoice_number"] = request.invoice_number
    if accounts:
        body["carrier_accounts"] = list(accounts)
    if request.crosses_a_border:
        body["customs_info"] = customs_body(request, signer)
    return body


def turned(body: Mapping[str, Any]) -> dict[str, Any]:
    """With its addresses switched. Of a return EasyPost wants them as they were on the way to the buyer, and switches them."""
    return {**body, "to_address": body["from_address"], "from_address": body["to_address"]}


def address_body(address: Address) -> dict[str, Any]:
    body = {
        "name": address.name,
        "company": address.company,
        "street1": address.line1,
        "street2": address.line2,
        "city": address.city,
        "state": address.region,
        "zip": address.postcode,
        "country": address.country,
        "phone": address.phone,
        "email": address.email,
        "federal_tax_id": address.tax_number,
        "residential": address.residential,
    }
    return {name: value for name, value in body.items() if value not in {"", None}}


def parcel_body(parcel: Parcel) -> dict[str, float]:
    """Rounded up to tenths: a parcel that is heavier or longer than it was said to be is charged for afterwards."""
    body = {"weight": _tenths(parcel.weight, _GRAMS)}
    sides = {"length": parcel.length, "width": parcel.width, "height": parcel.height}
    return body | {name: _tenths(side, _MILLIMETRES) for name, side in sides.items() if side}


def _tenths(ours: int, unit: Decimal) -> float:
    return float((ours / unit).quantize(_TENTH, rounding=ROUND_UP))


def customs_body(request: RateRequest, signer: str) -> dict[str, Any]:
    """Raises ShipmentRejected when there is nothing to declare, or when a declaration is needed and there is none."""
    if not request.items:
        raise ShipmentRejected(KEY, "a parcel that crosses a border needs its items", reason="customs_items_missing")
    return {
        "contents_type": "returned_goods" if request.is_return else "merchandise",
        "contents_explanation": "",
        "customs_certify": True,
        "customs_signer": signer or request.sender.name,
        "eel_pfc": _export_reference(request),
        "non_delivery_option": "return",
        "restriction_type": "none",
        "customs_items": [_customs_item(item) for item in request.items],
    }


def _export_reference(request: RateRequest) -> str:
    if request.export_reference or request.sender.country != "US":
        return request.export_reference or _NO_DECLARATION
    kinds: dict[str, int] = {}
    for item in request.items:
        if item.value.currency == _USD:
            kinds[item.hs_code] = kinds.get(item.hs_code, 0) + item.value.minor * item.quantity
    if any(worth > _UNDECLARED for worth in kinds.values()):
        detail = "goods worth over 2,500 USD leave the United States with an export declaration only"
        raise ShipmentRejected(KEY, detail, reason="export_reference_missing")
    return _NO_DECLARATION


def _customs_item(item: Item) -> dict[str, Any]:
    """Value and weight are of the whole line, unlike ours."""
    return {
        "description": item.description,
        "quantity": item.quantity,
        "value": float((item.value * item.quantity).major),
        "currency": item.value.currency,
        "weight": _tenths(max(1, item.weight * item.quantity), _GRAMS),
        "hs_tariff_number": item.hs_code,
        "origin_country": item.origin,
        "code": item.sku,
    }


def same_as_sent(sent: object, echoed: object) -> bool:
    """Whether EasyPost holds what we would send: all of ours is in it, whatever else it has added."""
    if isinstance(sent, Mapping):
        ours, theirs = cast("Mapping[str, object]", sent), echoed
        return isinstance(theirs, Mapping) and all(
            same_as_sent(value, cast("Mapping[str, object]", theirs).get(name)) for name, value in ours.items()
        )
    if isinstance(sent, list):
        ours, theirs = cast("list[object]", sent), cast("list[object]", echoed) if isinstance(echoed, list) else []
        return len(ours) == len(theirs) and all(map(same_as_sent, ours, theirs))
    return _plain(sent) == _plain(echoed)


def begun_already(sent: Mapping[str, Any], echoed: object) -> bool:
    """Whether a shipment that EasyPost holds is the one that we would send."""
    return same_as_sent(sent, echoed) or (bool(sent.get("is_return")) and same_as_sent(turned(sent), echoed))


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return value
    text = "" if value is None else " ".join(str(value).casefold().split())
    try:
        return Decimal(text)
    except InvalidOperation:
        return text


# What it answers


def money(amount: Decimal, code: str) -> Money:
    """In minor units, rounded half to even where EasyPost has fractions of a cent. Raises NotUnderstood."""
    try:
        known = currency(code)
    except ValueError as problem:
        raise NotUnderstood(KEY, f"{code[:20]!r} is not a currency") from problem
    return Money(round_half_even(amount.scaleb(exponent(known))), known)


def service_of(rate: Rate) -> str:
    return f"{rate.carrier}/{rate.service}"


def our_rates(rates: Iterable[Rate]) -> list[carriers.Rate]:
    """Cheapest first; of a service with several accounts the cheapest."""
    found: dict[str, carriers.Rate] = {}
    for rate in sorted(rates, key=_by_cost):
        found.setdefault(service_of(rate), _our_rate(rate))
    return list(found.values())


def _by_cost(rate: Rate) -> tuple[str, Decimal, str]:
    return (rate.currency, rate.rate, rate.id)


def _our_rate(rate: Rate) -> carriers.Rate:
    return carriers.Rate(
        carrier=rate.carrier,
        service=service_of(rate),
        name=rate.service,
        cost=money(rate.rate, rate.currency),
        days=rate.delivery_days if rate.delivery_days is not None else rate.est_delivery_days,
        deliver_on=None if rate.delivery_date is None else rate.delivery_date.date(),
        guaranteed=bool(rate.delivery_date_guaranteed),
    )


def chosen_rate(shipment: Shipment, request: LabelRequest) -> Rate:
    """Raises ServiceNotOffered and LabelDearer."""
    fitting = [rate for rate in shipment.rates if service_of(rate) == request.service]
    if not fitting:
        offered = sorted({service_of(rate) for rate in shipment.rates})
        why = complaints(shipment.messages)
        raise carriers.ServiceNotOffered(why, service=request.service, offered=offered)
    rate = min(fitting, key=_by_cost)
    cost = money(rate.rate, rate.currency)
    if request.at_most is not None and not cost <= request.at_most:
        raise carriers.LabelDearer.than(request.at_most, cost)
    return rate


def complaints(messages: Iterable[Message]) -> str:
    """What the carriers say instead of rates, on one line."""
    return "; ".join(f"{one.carrier or KEY}: {' '.join(str(one.message).split())}"[:200] for one in messages)


def is_bought(shipment: Shipment) -> bool:
    return shipment.postage_label is not None and bool(shipment.tracking_code)


def label_of(shipment: Shipment) -> Label:
    """Of a shipment that is bought."""
    paper, rate, tracker = shipment.postage_label, shipment.selected_rate, shipment.tracker
    assert paper is not None, "only what was bought has a label"
    return Label(
        reference=shipment.reference or "",
        tracking_number=shipment.tracking_code or "",
        shipment_id=shipment.id,
        service="" if rate is None else service_of(rate),
        carrier="" if rate is None else rate.carrier,
        format=_FORMATS.get(paper.label_file_type or "", LabelFormat.PDF),
        url=paper.label_url or paper.label_pdf_url or paper.label_zpl_url or "",
        cost=None if rate is None else money(rate.rate, rate.currency),
        tracking_url="" if tracker is None else tracker.public_url or "",
        voided=shipment.refund_status in {"submitted", "refunded", "not_applicable"},
    )


def void_state(refund_status: str | None) -> VoidState | None:
    """None for a shipment that nobody wanted to give back. Carriers that bill when they scan have nothing to refund."""
    return _VOIDS.get(refund_status or "")


# Tracking


def update_of(tracker: Tracker, event_id: str = "") -> TrackingUpdate:
    """All that EasyPost knows of a parcel. What is delivered after it was sent back is delivered to the sender."""
    details = sorted(tracker.tracking_details, key=lambda detail: _utc(detail.datetime))
    scans: list[Scan] = []
    returning = False
    for detail in details:
        scan = _scan(detail, returning=returning)
        returning = returning or scan.status is TrackingStatus.RETURNING
        scans.append(scan)
    if (own := _own_status(tracker, scans)) is not None:
        scans.append(own)
    return TrackingUpdate(
        tracking_number=tracker.tracking_code,
        scans=tuple(scans),
        latest=scans[-1] if scans else None,
        estimated_on=_estimated_on(tracker),
        carrier=tracker.carrier or "",
        signed_by=tracker.signed_by or "",
        event_id=event_id,
    )


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _status(code: str, detail: str | None, *, returning: bool) -> TrackingStatus:
    status = mapped(KEY, code)
    if status in {TrackingStatus.DELIVERY_FAILED, TrackingStatus.EXCEPTION}:
        return _DETAILS.get(detail or "", status)
    return TrackingStatus.RETURNED if returning and status is TrackingStatus.DELIVERED else status


def _scan(detail: TrackingDetail, *, returning: bool) -> Scan:
    where = detail.tracking_location
    parts = () if where is None else (where.city, where.state, where.zip, where.country)
    return Scan(
        status=_status(detail.status, detail.status_detail, returning=returning),
        at=_utc(detail.datetime),
        raw_code=detail.status,
        detail=detail.status_detail or "",
        text=detail.message or detail.description or "",
        place=", ".join(part for part in parts if part),
    )


def _own_status(tracker: Tracker, scans: list[Scan]) -> Scan | None:
    """The status of the parcel as a whole, where none of its details has it: it was cancelled, say, or nobody scanned it."""
    if mapped(KEY, tracker.status) is TrackingStatus.UNKNOWN and (scans or tracker.status == "unknown"):
        return None
    if any(scan.raw_code == tracker.status for scan in scans):
        return None
    return Scan(
        status=_status(tracker.status, tracker.status_detail, returning=False),
        at=scans[-1].at if scans else _utc(tracker.created_at),
        raw_code=tracker.status,
        detail=tracker.status_detail or "",
    )


def _estimated_on(tracker: Tracker) -> date | None:
    local = None if tracker.carrier_detail is None else tracker.carrier_detail.est_delivery_date_local
    if local:
        try:
            return date.fromisoformat(local[:10])
        except ValueError:
            return None
    return None if tracker.est_delivery_date is None else tracker.est_delivery_date.date()
