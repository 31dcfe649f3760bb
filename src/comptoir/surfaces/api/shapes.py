"""What the fields of requests and answers are made of. Their names say what they mean, their constraints what is accepted.

Amounts are whole minor units (cents) of the `currency` that stands beside them; times are RFC 3339, given out in UTC; ids are
text with a prefix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from comptoir.kernel.money import MAX_MINOR
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.runtime.paging import MAX_LIMIT
from comptoir.surfaces.api.identifiers import id_meta

OrderRef = Annotated[str, id_meta("order")]
ShipmentRef = Annotated[str, id_meta("shipment")]
ReturnRef = Annotated[str, id_meta("return")]
PaymentRef = Annotated[str, id_meta("payment")]
GrantRef = Annotated[str, id_meta("grant")]
AccountRef = Annotated[str, id_meta("account")]
ChangeRef = Annotated[str, id_meta("change")]
ReturnCaseRef = Annotated[str, id_meta("return_case")]
ReceivedRef = Annotated[str, id_meta("received")]
PolicyRef = Annotated[str, id_meta("policy")]
PictureRef = Annotated[str, id_meta("picture")]
ExceptionRef = Annotated[str, id_meta("exception")]
HoldRef = Annotated[str, id_meta("hold")]
TransferRef = Annotated[str, id_meta("transfer")]
PurchaseRef = Annotated[str, id_meta("purchase")]
ProposalRef = Annotated[str, id_meta("proposal")]
SupplyRef = Annotated[str, id_meta("supply")]
CountRef = Annotated[str, id_meta("count")]
LocationRef = Annotated[str, id_meta("location")]
PoolRef = Annotated[str, id_meta("pool")]
ChannelRef = Annotated[str, id_meta("channel")]
CarrierServiceRef = Annotated[str, id_meta("carrier_service")]
CarrierAccountRef = Annotated[str, id_meta("carrier_account")]
TrackedRef = Annotated[str, id_meta("tracked")]
LabelRef = Annotated[str, id_meta("label")]
ManifestRef = Annotated[str, id_meta("manifest")]
PickupRef = Annotated[str, id_meta("pickup")]
CartonRef = Annotated[str, id_meta("carton")]
TroubleRef = Annotated[str, id_meta("trouble")]
HandScanRef = Annotated[str, id_meta("scan")]
NoticeRef = Annotated[str, id_meta("notice")]
RuleSetRef = Annotated[str, id_meta("rule_set")]
RunScheduleRef = Annotated[str, id_meta("run_schedule")]
DecisionRef = Annotated[str, id_meta("decision")]
SimulationRef = Annotated[str, id_meta("simulation")]
InvoiceRef = Annotated[str, id_meta("invoice")]
FulfilmentRef = Annotated[str, id_meta("fulfilment")]
ParcelRef = Annotated[str, id_meta("parcel")]
WaveRef = Annotated[str, id_meta("wave")]
PutBackRef = Annotated[str, id_meta("put_back")]
TermsRef = Annotated[str, id_meta("terms")]
LockerRef = Annotated[str, id_meta("locker")]
ProductRef = Annotated[str, id_meta("product")]
VariantRef = Annotated[str, id_meta("variant")]
CustomerRef = Annotated[str, id_meta("customer")]
EventRef = Annotated[str, id_meta("event")]
EndpointRef = Annotated[str, id_meta("endpoint")]
DeliveryRef = Annotated[str, id_meta("delivery")]
UserRef = Annotated[str, id_meta("user")]
TokenRef = Annotated[str, id_meta("token")]
ImportRef = Annotated[str, id_meta("import")]

PRINTABLE = r"^[^\u0000-\u001f\u007f-\u009f]*$"
NO_NUL = r"^[^\u0000]*$"

Code = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        examples=["web-fr"],
        description="A name for machines, unique in its kind.",
    ),
]
SkuText = Annotated[
    str,
    Meta(min_length=1, max_length=80, pattern=PRINTABLE, examples=["TEE-RED-M"], description="Names what is stocked and sold."),
]
FreeCode = Annotated[
    str, Meta(min_length=1, max_length=80, pattern=PRINTABLE, examples=["LYON-1"], description="Your own name for it, unique.")
]
Quantity = Annotated[int, Meta(ge=1, le=MAX_QUANTITY, examples=[2], description="Whole units; thousandths of what is weighed.")]
Count = Annotated[int, Meta(ge=0, le=MAX_QUANTITY, examples=[12])]
Minor = Annotated[int, Meta(ge=-MAX_MINOR, le=MAX_MINOR, examples=[1999], description="Minor units (cents) of the currency.")]
Amount = Annotated[int, Meta(ge=0, le=MAX_MINOR, examples=[1999], description="Minor units (cents) of the currency.")]
Positive = Annotated[int, Meta(ge=1, le=MAX_MINOR, examples=[1999], description="Minor units (cents) of the currency.")]
LineNo = Annotated[int, Meta(ge=1, le=100_000, examples=[1], description="Which line of the order.")]
CurrencyCode = Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["EUR"], description="ISO 4217.")]
CountryCode = Annotated[str, Meta(pattern="^[A-Z]{2}$", examples=["FR"], description="ISO 3166-1 alpha-2.")]
Words = Annotated[str, Meta(max_length=200, pattern=PRINTABLE, examples=["Lyon Part-Dieu"])]
Reference = Annotated[str, Meta(max_length=200, pattern=PRINTABLE, examples=["2026-1042"])]
Note = Annotated[str, Meta(max_length=500, pattern=PRINTABLE, examples=["Left at the reception."])]
Prose = Annotated[str, Meta(max_length=5000, pattern=NO_NUL, examples=["The customer has called twice."])]
Rate = Annotated[
    str, Meta(pattern=r"^(0(\.[0-9]{1,5})?|1(\.0{1,5})?)$", examples=["0.2"], description="A fraction: 0.2 is 20 %.")
]
Exact = Annotated[
    str,
    Meta(pattern=r"^-?[0-9]{1,13}(\.[0-9]{1,6})?$", examples=["9.995"], description="A decimal number of major units (euros)."),
]
Instant = Annotated[datetime, Meta(tz=True, examples=["2026-11-23T09:30:00Z"], description="RFC 3339, with its zone.")]
Day = Annotated[date, Meta(examples=["2026-12-01"])]
Version = Annotated[int, Meta(ge=1, examples=[3], description="Grows with every change; the ETag begins with it.")]
Latitude = Annotated[float, Meta(ge=-90, le=90, examples=[45.7606], description="WGS 84 degrees.")]
Longitude = Annotated[float, Meta(ge=-180, le=180, examples=[4.8610], description="WGS 84 degrees.")]
Cursor = Annotated[
    str,
    Meta(
        max_length=4096, pattern="^[A-Za-z0-9_-]*$", description="Where to go on: `next` of the page before, of this very list."
    ),
]
Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT, description="How many at most.")]
Search = Annotated[str, Meta(max_length=200, pattern=NO_NUL, examples=["lyon"])]
Actor = Annotated[str, Meta(examples=["token:tok_01kag8v6w3e9n8r2t5y7z4c6bd"], description="Who did it.")]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What comes in: a field that nobody knows is a mistake that is told."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What goes out. Fields are only ever added."""


class PageQuery(Request, frozen=True, kw_only=True):
    """Where a list begins and how much of it is wanted."""

    limit: Limit = 50
    cursor: Cursor | None = None


class Bulk(Shape, frozen=True, kw_only=True):
    """What a bulk did: how many are new, differ now, and were so already."""

    created: int
    changed: int
    unchanged: int


class AddressShape(Request, frozen=True, kw_only=True):
    """Where a parcel goes, or a bill. The coordinates, where they are known, let the nearest location serve it."""

    name: Words = ""
    company: Words = ""
    line1: Words = ""
    line2: Words = ""
    postcode: Annotated[str, Meta(max_length=20, pattern=PRINTABLE, examples=["69003"])] = ""
    city: Words = ""
    region: Words = ""
    country: Annotated[str, Meta(pattern="^([A-Z]{2})?$", examples=["FR"], description="ISO 3166-1 alpha-2.")] = ""
    phone: Annotated[str, Meta(max_length=40, pattern=PRINTABLE, examples=["+33 4 72 00 00 00"])] = ""
    latitude: Latitude | None = None
    longitude: Longitude | None = None


class BuyerShape(Request, frozen=True, kw_only=True):
    """Whoever buys, by whichever keys are known; all of them empty is somebody anonymous."""

    name: Words = ""
    email: Annotated[str, Meta(max_length=254, pattern=PRINTABLE, examples=["camille@example.com"])] = ""
    phone: Annotated[str, Meta(max_length=40, pattern=PRINTABLE, examples=["+33 6 12 34 56 78"])] = ""
    loyalty_number: Reference = ""
    external_id: Annotated[Reference, Meta(description="The customer's id on that channel.")] = ""
    company: Words = ""
    purchase_order: Annotated[Reference, Meta(description="A business buyer's own reference.")] = ""
    notify: Annotated[
        tuple[Literal["email", "sms", "whatsapp"], ...],
        Meta(
            max_length=3,
            description="By which ways the buyer has agreed to be told of the order. E-mail needs no consent.",
            examples=[["sms"]],
        ),
    ] = ()


def given(patch: msgspec.Struct) -> dict[str, Any]:
    """What a PATCH names."""
    return {name: value for name in patch.__struct_fields__ if (value := getattr(patch, name)) is not msgspec.UNSET}


def plain(number: Decimal) -> str:
    """A decimal without exponent and without zeros at its end."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def fields(value: Mapping[str, Any] | None, names: Sequence[str]) -> dict[str, Any]:
    """Those of the names that the stored JSON has."""
    return {name: value[name] for name in names if value and value.get(name) is not None}
