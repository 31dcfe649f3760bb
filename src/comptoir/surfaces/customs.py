"""Customs papers: which parcels need one, and what stands on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from comptoir.kernel.money import Money
from comptoir.sdk import carriers
from comptoir.sdk.carriers import RateRequest
from comptoir.surfaces.documents.contracts import Address, CustomsDeclaration, CustomsForm, CustomsItem, CustomsKind

_UNION = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MC MT NL PL PT RO SE SI SK"
CUSTOMS_UNION = frozenset(_UNION.split())
"""Countries among which nothing is declared: the customs union of the EU, with Monaco."""

CN22_UP_TO: Mapping[str, int] = {
    "EUR": 33_000, "USD": 38_000, "GBP": 28_000, "CHF": 31_000, "CAD": 52_000, "AUD": 56_000, "SEK": 360_000, "NOK": 380_000,
    "DKK": 245_000, "PLN": 140_000, "JPY": 55_000,
}  # fmt: skip
"""Minor units that are surely not more than 300 special drawing rights, whatever the day: beyond them, and in other currencies,
CN 23 is filled in, which is right for every value."""


def needed(request: RateRequest) -> bool:
    """Whether the parcel leaves the customs territory that it is in."""
    return crosses(request.sender.country, request.recipient.country)


def crosses(here: str, there: str) -> bool:
    """Whether there is a customs border between two countries; not to where nobody knows."""
    return bool(there) and here != there and not {here, there} <= CUSTOMS_UNION


def form_for(value: Money) -> CustomsForm:
    return CustomsForm.CN22 if value.minor <= CN22_UP_TO.get(value.currency, 0) else CustomsForm.CN23


def declaration(
    request: RateRequest, *, tracking_number: str, on: date, signed_by: str, form: CustomsForm | None = None
) -> CustomsDeclaration:
    """Of a sale. `request` has its items."""
    items = tuple(
        [
            CustomsItem(
                description=item.description,
                quantity=item.quantity,
                weight=item.weight * item.quantity,
                value=item.value * item.quantity,
                hs_code=item.hs_code,
                origin=item.origin,
            )
            for item in request.items
        ]
    )
    value = Money(sum(item.value.minor for item in items), items[0].value.currency)
    return CustomsDeclaration(
        form=form or form_for(value),
        kind=CustomsKind.SALE,
        sender=_address(request.sender),
        recipient=_address(request.recipient),
        items=items,
        tracking_number=tracking_number,
        gross_weight=request.parcel.weight,
        sender_reference=request.sender.tax_number,
        recipient_email=request.recipient.email,
        invoice_number=request.invoice_number,
        declared_on=on,
        signed_by=signed_by,
    )


def _address(one: carriers.Address) -> Address:
    return Address(
        name=one.name,
        company=one.company,
        line1=one.line1,
        line2=one.line2,
        postcode=one.postcode,
        city=one.city,
        region=one.region,
        country=one.country,
        phone=one.phone,
    )
