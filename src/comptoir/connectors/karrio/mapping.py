"""From our values to Karrio's and back, as functions of values. Weights go in kilograms, sides in centimetres."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec

from comptoir.connectors.karrio.messages import Charge, Message, Rate, Shipment
from comptoir.kernel.money import Money, currency, exponent, round_half_even
from comptoir.sdk import carriers
from comptoir.sdk.carriers import (
    Address,
    Item,
    Label,
    LabelFormat,
    LabelRequest,
    Parcel,
    PickupRequest,
    RateRequest,
    ShipmentRejected,
)

KEY = "karrio"

REFERENCE, CONTENTS, ASKED_AT = "comptoir_reference", "comptoir_contents", "comptoir_asked_at"
"""What we note with what is Karrio's: whose it is, what was asked for, and when a purchase of it was begun."""
SETTLES_IN = timedelta(minutes=3)
"""So long after a purchase without an answer, Karrio may still be busy with it."""
INTERNAL = "SHIPPING_SDK_INTERNAL_ERROR"
"""Karrio swallowed whatever happened between it and the carrier: the answer may be among it."""

_DRAFT, _CANCELLED = "draft", "cancelled"
_FROM_THE_LAST = ("id", "object_type", "validation", "meta")
"""What Karrio adds to an address that it gives back, and does not take."""


# What we ask


def rates_body(request: RateRequest, *, connections: tuple[str, ...] = ()) -> dict[str, Any]:
    """Of a return Karrio wants the ends as they were on the way to the buyer, and switches them itself."""
    ends = (request.recipient, request.sender) if request.is_return else (request.sender, request.recipient)
    body: dict[str, Any] = {
        "shipper": address_body(ends[0]),
        "recipient": address_body(ends[1]),
        "parcels": [parcel_body(request.parcel)],
    }
    if request.ship_at is not None:
        body["options"] = {"shipping_date": f"{request.ship_at:%Y-%m-%dT%H:%M}"}
    if connections:
        body["carrier_ids"] = list(connections)
    return body


def shipment_body(request: LabelRequest, *, connections: tuple[str, ...] = (), signer: str = "") -> dict[str, Any]:
    """A draft of a shipment. It names the service, so that only its carrier is asked for a price."""
    shipment = request.shipment
    body = rates_body(shipment, connections=connections) | {
        "services": [service_code(request.service)],
        "reference": request.reference,
        "label_type": request.format.value.upper(),
    }
    if shipment.is_return:
        body["is_return"] = True
    if shipment.crosses_a_border:
        body["customs"] = customs_body(shipment, signer)
    return body | {"metadata": {REFERENCE: request.reference, CONTENTS: fingerprint(body)}}


def fingerprint(body: Mapping[str, Any]) -> str:
    """The same for the same body: Karrio writes phone numbers and postcodes in its own way, so that its echo tells nothing."""
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()[:32]


def address_body(address: Address) -> dict[str, Any]:
    body = {
        "person_name": address.name,
        "company_name": address.company,
        "address_line1": address.line1,
        "address_line2": address.line2,
        "city": address.city,
        "state_code": address.region,
        "postal_code": address.postcode,
        "country_code": address.country,
        "phone_number": address.phone,
        "email": address.email,
        "federal_tax_id": address.tax_number,
        "residential": address.residential,
    }
    return {name: value for name, value in body.items() if value not in {"", None}}


def parcel_body(parcel: Parcel) -> dict[str, Any]:
    """Karrio takes all three sides or none."""
    body: dict[str, Any] = {"weight": _kilograms(parcel.weight), "weight_unit": "KG"}
    sides = {"length": parcel.length, "width": parcel.width, "height": parcel.height}
    if all(sides.values()):
        body |= {name: float(Decimal(side) / 10) for name, side in sides.items()} | {"dimension_unit": "CM"}
    return body


def _kilograms(grams: int) -> float:
    return float(Decimal(max(1, grams)) / 1000)


def customs_body(request: RateRequest, signer: str) -> dict[str, Any]:
    """Raises ShipmentRejected when there is nothing to declare."""
    if not request.items:
        raise ShipmentRejected(KEY, "a parcel that crosses a border needs its items", reason="customs_items_missing")
    code = request.items[0].value.currency
    body: dict[str, Any] = {
        "content_type": "return_merchandise" if request.is_return else "merchandise",
        "commercial_invoice": True,
        "certify": True,
        "signer": (signer or request.sender.name)[:50],
        "commodities": [_commodity(item) for item in request.items],
    }
    if all(item.value.currency == code for item in request.items):
        body["duty"] = {"paid_by": "recipient", "currency": code, "declared_value": float(request.worth(code).major)}
    if request.invoice_number:
        body["invoice"] = request.invoice_number
    if request.invoiced_on is not None:
        body["invoice_date"] = request.invoiced_on.isoformat()
    if request.export_reference:
        body["options"] = {"aes": request.export_reference}
    return body


def _commodity(item: Item) -> dict[str, Any]:
    """Value and weight are of one unit, as ours are."""
    body = {
        "title": item.description[:35],
        "description": item.description[:100],
        "quantity": item.quantity,
        "weight": _kilograms(item.weight),
        "weight_unit": "KG",
        "value_amount": float(item.value.major),
        "value_currency": item.value.currency,
        "sku": item.sku[:35],
        "hs_code": item.hs_code,
        "origin_country": item.origin,
    }
    return {name: value for name, value in body.items() if value != ""}


def pickup_body(request: PickupRequest) -> dict[str, Any]:
    """Day and hours are those of the place, which the times that we are given are told in."""
    return {
        "pickup_date": f"{request.from_at:%Y-%m-%d}",
        "ready_time": f"{request.from_at:%H:%M}",
        "closing_time": f"{request.until_at:%H:%M}",
        "instruction": request.instructions[:50],
        "address": address_body(request.address),
        "tracking_numbers": [label.tracking_number for label in request.labels],
        "metadata": {REFERENCE: request.reference},
    }


def manifest_body(carrier: str, shipments: Iterable[Shipment], reference: str) -> dict[str, Any]:
    """For parcels of one carrier, from where the first of them is sent."""
    known = list(shipments)
    nobody: dict[str, Any] = {}
    shipper = next((one.shipper for one in known if one.shipper), nobody)
    address = {name: value for name, value in shipper.items() if name not in _FROM_THE_LAST and value is not None}
    ids = [one.id for one in known]
    return {"carrier_name": carrier, "shipment_ids": ids, "address": address, "reference": reference}


# Services


def service_name(carrier: str, code: str) -> str:
    return f"{carrier}/{code}"


def carrier_of(service: str) -> str:
    """Empty for what is no service of Karrio."""
    carrier, found, _ = service.partition("/")
    return carrier if found else ""


def slug_of(service: str) -> str:
    """What Karrio calls the carrier of a parcel that somebody else has sent: `DHL Express` is `dhl_express`."""
    return "_".join(service.partition("/")[0].casefold().split())


def service_code(service: str) -> str:
    return service.partition("/")[2] or service


# What it answers


def money(amount: Decimal | None, code: str | None) -> Money | None:
    """In minor units, rounded half to even; None for an amount of which one cannot say how much it is."""
    if amount is None or not code:
        return None
    try:
        known = currency(code)
    except ValueError:
        return None
    return Money(round_half_even(amount.scaleb(exponent(known))), known)


def charge_of(charge: Charge | None) -> Money | None:
    return None if charge is None else money(charge.amount, charge.currency)


def our_rates(rates: Iterable[Rate]) -> list[carriers.Rate]:
    """Cheapest first; of a service with several connections the cheapest. What has no service or no price is left out."""
    found: dict[str, carriers.Rate] = {}
    for rate in rates:
        ours = _our_rate(rate)
        if ours is not None and (ours.service not in found or _by_cost(ours) < _by_cost(found[ours.service])):
            found[ours.service] = ours
    return sorted(found.values(), key=_by_cost)


def _by_cost(rate: carriers.Rate) -> tuple[str, int, str]:
    return (rate.cost.currency, rate.cost.minor, rate.service)


def _our_rate(rate: Rate) -> carriers.Rate | None:
    cost = money(rate.total_charge, rate.currency)
    if cost is None or cost.minor < 0 or not rate.service or not rate.carrier_name:
        return None
    return carriers.Rate(
        carrier=rate.carrier_name,
        service=service_name(rate.carrier_name, rate.service),
        name=str((rate.meta or {}).get("service_name") or rate.service),
        cost=cost,
        days=None if rate.transit_days is None else max(0, rate.transit_days),
        deliver_on=day_of(rate.estimated_delivery),
    )


def chosen_rate(shipment: Shipment, request: LabelRequest) -> str:
    """The id of the rate to buy; of several connections the cheapest. Raises ServiceNotOffered and LabelDearer."""
    offered = {(one.id, ours.service): ours for one in shipment.rates or () if one.id and (ours := _our_rate(one)) is not None}
    fitting = sorted((_by_cost(ours), name, ours) for (name, service), ours in offered.items() if service == request.service)
    if not fitting:
        services = sorted({service for _, service in offered})
        raise carriers.ServiceNotOffered(complaints(shipment.messages or ()), service=request.service, offered=services)
    _, name, ours = fitting[0]
    if request.at_most is not None and not ours.cost <= request.at_most:
        raise carriers.LabelDearer.than(request.at_most, ours.cost)
    return name


def is_bought(shipment: Shipment) -> bool:
    """Also when it was cancelled since. It is `purchased` at first, or `created` on newer servers, and goes on from there."""
    return shipment.status != _DRAFT and bool(shipment.tracking_number)


def is_cancelled(shipment: Shipment) -> bool:
    return shipment.status == _CANCELLED


def is_draft(shipment: Shipment) -> bool:
    return shipment.status == _DRAFT


def asked_at(shipment: Shipment) -> datetime | None:
    """When a purchase of a draft was begun of which no answer has come; None when there was none."""
    try:
        return datetime.fromisoformat(str((shipment.metadata or {}).get(ASKED_AT) or ""))
    except ValueError:
        return None


def label_of(shipment: Shipment, server: str) -> Label:
    """Of a shipment that is bought. Its address is on the server, and may want the key."""
    rate = shipment.selected_rate
    carrier = shipment.carrier_name or ("" if rate is None else rate.carrier_name)
    code = shipment.service or ("" if rate is None else rate.service) or ""
    paper = next((one for one in shipment.shipping_documents or () if one.category == "label"), None)
    url = shipment.label_url or ("" if paper is None else paper.url) or ""
    return Label(
        reference=shipment.reference or "",
        tracking_number=shipment.tracking_number or "",
        shipment_id=shipment.id,
        service=service_name(carrier, code) if carrier and code else code,
        carrier=carrier,
        format=_format(("" if paper is None else paper.format) or shipment.label_type or ""),
        url=f"{server}{url}" if url.startswith("/") else url,
        content=decoded(None if paper is None else paper.base64),
        cost=None if rate is None else money(rate.total_charge, rate.currency),
        tracking_url=_tracking_url(shipment),
        voided=is_cancelled(shipment),
    )


def _format(text: str) -> LabelFormat:
    """A type may name its size as well: `PDF_4x6`."""
    return next((one for one in LabelFormat if text.upper().startswith(one.value.upper())), LabelFormat.PDF)


def _tracking_url(shipment: Shipment) -> str:
    """The carrier's page for its parcel: Karrio's own address asks for a key, which buyers do not have."""
    meta = shipment.meta or {}
    told = (meta.get("carrier_tracking_link"), meta.get("tracking_url"), shipment.tracking_url)
    return next((one for one in told if isinstance(one, str) and urlsplit(one).scheme in {"http", "https"}), "")


def decoded(text: str | None) -> bytes:
    """Empty where there is nothing, or nothing that can be read."""
    try:
        return base64.b64decode(text or "", validate=True)
    except (binascii.Error, ValueError):
        return b""


def day_of(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


# What went wrong


def codes_of(messages: Iterable[Message]) -> list[str]:
    return [str(one.code or "") for one in messages]


def is_unsettled(codes: Iterable[str]) -> bool:
    """Whether the carrier's answer got lost on its way to Karrio, which then says no all the same."""
    known = [code for code in codes if code]
    return not known or any(code == INTERNAL or (len(code) == 3 and code.isdecimal() and code >= "500") for code in known)


def complaints(messages: Iterable[Message]) -> str:
    """What Karrio and its carriers say, on one line."""
    return "; ".join(said for one in messages if (said := _said(one)))


def _said(one: Message) -> str:
    words = [*([str(one.message)] if one.message else []), *_flat(one.details)]
    text = " ".join(" ".join(words).split())[:200]
    return f"{one.carrier_name}: {text}" if one.carrier_name and text else text


def _flat(details: object, path: str = "") -> Iterable[str]:
    """What is wrong with which field: `{"recipient": {"postal_code": ["…"]}}` is `recipient postal code: …`."""
    match details:
        case dict():
            for name, below in cast("dict[object, object]", details).items():
                yield from _flat(below, f"{path} {str(name).replace('_', ' ')}".strip())
        case list():
            for below in cast("list[object]", details):
                yield from _flat(below, path)
        case None | "":
            return
        case _:
            yield f"{path}: {details}" if path else str(details)
