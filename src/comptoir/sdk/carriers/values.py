"""What is said to carriers and what they answer. Weights are grams, lengths millimetres, times UTC."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from comptoir.kernel.money import Currency, Money, total
from comptoir.sdk import orders

_EARTH_RADIUS_KM = 6371.0088


class Address(orders.Address, frozen=True, omit_defaults=True):
    """The address of an order with what carriers want besides."""

    email: str = ""
    residential: bool | None = None
    """None where nobody knows whether people live there."""
    tax_number: str = ""
    """Of the sender or the importer, where customs or the invoice ask for it."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One box. A length of 0 is not known: some carriers refuse that, others rate by weight alone."""

    weight: int
    length: int = 0
    width: int = 0
    height: int = 0

    def __post_init__(self) -> None:
        assert self.weight > 0, "a parcel weighs something"
        assert min(self.length, self.width, self.height) >= 0, "a length is not negative"


@dataclass(frozen=True, slots=True)
class Item:
    """What is in the box, for invoices and customs. `value` and `weight` are of one unit."""

    description: str
    quantity: int
    value: Money
    weight: int = 0
    sku: str = ""
    hs_code: str = ""
    """Of the Harmonised System, 6 to 10 digits."""
    origin: str = ""
    """The country in which it was made, ISO 3166-1 alpha-2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRequest:
    """One parcel that is to go from here to there."""

    sender: Address
    recipient: Address
    parcel: Parcel
    items: tuple[Item, ...] = ()
    ship_at: datetime | None = None
    """When it will be ready; None is now."""
    collect: Money | None = None
    """What the driver is to be paid at the door."""
    dangerous: bool = False
    invoice_number: str = ""
    invoiced_on: date | None = None
    export_reference: str = ""
    """The number of the export declaration, where there is one."""
    distance: float | None = None
    """Kilometres on the great circle; None to reckon them from the coordinates of the addresses."""
    place: UUID | None = None
    """What we know the place by that it leaves from, for tables that are ours. Carriers are not told."""
    is_return: bool = False
    """A buyer sends it back: `sender` is the buyer, who has paid for nothing, and `recipient` one of us."""

    @property
    def crosses_a_border(self) -> bool:
        return self.sender.country != self.recipient.country

    def worth(self, currency: Currency) -> Money:
        """What the items are worth together; raises ValueError when they are in another currency."""
        return total((item.value * item.quantity for item in self.items), currency)

    def kilometres(self) -> float | None:
        """The distance as it is given, else by the haversine formula; None where a coordinate is missing."""
        if self.distance is not None:
            return self.distance
        here, there = self.sender, self.recipient
        if here.latitude is None or here.longitude is None or there.latitude is None or there.longitude is None:
            return None
        lat1, lon1, lat2, lon2 = map(math.radians, (here.latitude, here.longitude, there.latitude, there.longitude))
        h = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
        return 2 * _EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one service asks for a parcel."""

    carrier: str
    """As the vendor names it: several vendors stand before many carriers."""
    service: str
    """What to ask for when buying; unique within a connector."""
    name: str = ""
    cost: Money
    days: int | None = None
    """Days in transit, where the carrier says."""
    deliver_on: date | None = None
    guaranteed: bool = False


class LabelFormat(StrEnum):
    PDF = "pdf"
    ZPL = "zpl"
    PNG = "png"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRequest:
    """A label to buy. `reference` is ours and names this one purchase for ever: asked for twice, it is bought once."""

    reference: str
    shipment: RateRequest
    service: str
    """The service of a rate."""
    format: LabelFormat = LabelFormat.PDF
    at_most: Money | None = None
    """What the caller has decided on: a service that has become dearer is not bought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A label that was bought."""

    reference: str
    tracking_number: str
    shipment_id: str
    """The carrier's id, for what is asked of it later."""
    service: str
    carrier: str = ""
    format: LabelFormat = LabelFormat.PDF
    url: str = ""
    """Where the document is; it may stop working after some days."""
    content: bytes = field(default=b"", repr=False)
    """The document, where it came along or was fetched (`label_content`)."""
    cost: Money | None = None
    tracking_url: str = ""
    voided: bool = False
    """It was given back, or is being given back."""


class VoidState(StrEnum):
    VOIDED = "voided"
    REQUESTED = "requested"
    """The carrier takes its time, up to weeks, and may still refuse."""
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Void:
    """What became of giving a label back."""

    state: VoidState
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickupRequest:
    """The driver is to come. `reference` is ours, as for labels; the times are told in the zone of the address."""

    reference: str
    address: Address
    labels: tuple[Label, ...]
    from_at: datetime
    until_at: datetime
    weight: int
    """Of all parcels together."""
    instructions: str = ""


class PickupState(StrEnum):
    SCHEDULED = "scheduled"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickup:
    """A driver who will come, or would have."""

    reference: str
    id: str
    state: PickupState
    confirmation: str = ""
    """What the driver's office knows it by."""
    cost: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The paper with which the carrier takes many parcels at once."""

    id: str
    tracking_numbers: tuple[str, ...]
    url: str = ""
    """Empty while the carrier is still making it, and where the document came along."""
    content: bytes = field(default=b"", repr=False)
    ready: bool = True


@dataclass(frozen=True, slots=True)
class Waybill:
    """A parcel to ask about: its number, and the service or carrier that gave it (numbers alone are not unique)."""

    tracking_number: str
    service: str = ""


class InstructionKind(StrEnum):
    """What is to become of a parcel that could not be handed over."""

    REATTEMPT = "reattempt"
    ADDRESS = "address"
    """It is to be delivered somewhere else."""
    PICKUP = "pickup"
    """It is to wait at a pickup point."""
    RETURN = "return"


@dataclass(frozen=True, slots=True, kw_only=True)
class PickupPoint:
    """Where a parcel can wait for its buyer."""

    id: str
    """As the carrier calls it."""
    name: str
    address: Address
    kilometres: float | None = None
    """From the address that was asked about, where the carrier says."""
    hours: tuple[str, ...] = ()
    """From Monday on, such as `09:00–12:00, 14:00–19:00`, empty for a day on which it is closed; none where nobody says."""
    is_locker: bool = False
    """Nobody stands behind it: it opens with a code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """Said of one parcel after a failed delivery. `reference` is ours: said twice with it, it is said once."""

    reference: str
    waybill: Waybill
    kind: InstructionKind
    on: date | None = None
    """The day on which it is to be tried again; None is the next that there is."""
    recipient: Address
    """Who gets it, and where: another address than the label's where the kind says so."""
    pickup_point: str = ""
    """As the buyer named it, where it is to wait."""
    point_id: str = ""
    """What the carrier calls that, where it was one of its own points (`CarrierConnector.points`)."""
    note: str = ""
    """For the driver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instructed:
    """The carrier has taken an instruction."""

    reference: str
    confirmation: str = ""
    """What the carrier calls it, where it gives it a name."""
