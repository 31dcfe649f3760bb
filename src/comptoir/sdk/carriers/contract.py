"""What a connector to a carrier is, and how it says what it can and what it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NoReturn, Protocol

from comptoir.sdk.carriers.errors import CarrierCannot
from comptoir.sdk.carriers.values import (
    Address,
    Instructed,
    Instruction,
    Label,
    LabelFormat,
    LabelRequest,
    Manifest,
    Pickup,
    PickupPoint,
    PickupRequest,
    Rate,
    RateRequest,
    Void,
    Waybill,
)
from comptoir.sdk.tracking import TrackingUpdate


class Capability(StrEnum):
    RATES = "rates"
    LABELS = "labels"
    """Buys labels, and finds one again by our reference."""
    VOID = "void"
    PICKUP = "pickup"
    CANCEL_PICKUP = "cancel_pickup"
    MANIFEST = "manifest"
    TRACK = "track"
    WEBHOOKS = "webhooks"
    INSTRUCT = "instruct"
    """Takes what is to become of a parcel that could not be handed over."""
    CUSTOMS = "customs"
    """Makes the papers for parcels that cross a border."""
    COLLECT = "collect"
    """Takes money at the door."""
    DANGEROUS = "dangerous"
    """Takes dangerous goods."""
    RETURNS = "returns"
    """Sells labels for parcels that come back from a buyer."""
    POINTS = "points"
    """Tells the pickup points near an address."""


@dataclass(frozen=True, slots=True)
class AuthField:
    """Something that the retailer types in to connect an account."""

    name: str
    label: str
    secret: bool = True
    required: bool = True
    help: str = ""
    theirs: bool = False
    """The far side makes it: we cannot make a new one."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many calls a second, and so many at once."""

    scope: str
    per_second: float
    burst: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierInfo:
    """What a connector says of itself. Every capability is there or is missing for a reason."""

    key: str
    """Names it in settings and records: `easypost`."""
    name: str
    capabilities: frozenset[Capability]
    missing: Mapping[Capability, str]
    """Why, in a sentence for whoever wonders."""
    spec: str
    """Which description of the vendor's it was written by, and from when."""
    auth: tuple[AuthField, ...] = ()
    limits: tuple[RateLimit, ...] = ()
    """As the vendor states them; none where it states none."""
    formats: frozenset[LabelFormat] = frozenset()
    track_at_once: int = 1
    """How many parcels are best asked about in one call."""
    pickup_at_once: int = 0
    """How many parcels one pickup may be for; 0 for no limit."""
    manifest_by_carrier: bool = False
    """Whether a manifest is for the parcels of one of the carriers that it stands before."""
    covers: tuple[str, ...] = field(default=())
    """Countries from which it takes parcels, ISO 3166-1 alpha-2; none for no limit."""

    def __post_init__(self) -> None:
        assert self.capabilities.isdisjoint(self.missing), "what is there is not missing"
        assert self.capabilities | self.missing.keys() == frozenset(Capability), "every capability is there or is missing"
        assert all(reason.strip() for reason in self.missing.values()), "what is missing is missing for a reason"


class CarrierConnector(Protocol):
    """One account with one carrier, or with a vendor who stands before many.

    It holds no transaction and no state of its own. Callers keep purchases with one reference from running side by side; one
    after the other they are safe, also after an `OutcomeUnknown`.
    """

    @property
    def info(self) -> CarrierInfo: ...

    async def rates(self, request: RateRequest) -> list[Rate]:
        """What the services ask, cheapest first; empty when none goes there."""
        ...

    async def buy(self, request: LabelRequest) -> Label:
        """The label; the one that is there when the reference has bought one already.

        Raises OutcomeUnknown when no answer came, ServiceNotOffered, LabelDearer, ReferenceSpent, and the faults of `errors`.
        """
        ...

    async def find_label(self, reference: str) -> Label | None:
        """What was bought with this reference; None when nothing was."""
        ...

    async def void(self, label: Label) -> Void:
        """Gives a label back. Twice does no harm."""
        ...

    async def schedule_pickup(self, request: PickupRequest) -> Pickup:
        """Raises OutcomeUnknown as `buy` does."""
        ...

    async def cancel_pickup(self, pickup: Pickup) -> Pickup: ...

    async def manifest(self, labels: Sequence[Label]) -> Manifest: ...

    async def track(self, waybills: Sequence[Waybill]) -> list[TrackingUpdate]:
        """What the carrier knows now; parcels that it does not know are left out."""
        ...

    async def instruct(self, instruction: Instruction) -> Instructed:
        """Tells what is to become of a parcel that could not be handed over. Twice with one reference does no harm.

        Raises OutcomeUnknown as `buy` does, ShipmentRejected where the carrier says no, and CarrierCannot with its reason: also
        for a kind of instruction that it does not take.
        """
        ...

    async def points(self, near: Address, most: int) -> list[PickupPoint]:
        """The pickup points at which a parcel for this address can wait, nearest first; none where there are none."""
        ...

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Raises ForgedWebhook. `body` is what came, to the byte."""
        ...

    def read_webhook(self, body: bytes) -> list[TrackingUpdate]:
        """The updates in a verified message; none when it is about something else. Raises UnreadableWebhook."""
        ...


class PartialCarrier:
    """To begin a connector with: refuses everything, with the reasons that its `info` gives."""

    info: CarrierInfo

    def cannot(self, capability: Capability, reason: str = "") -> NoReturn:
        why = reason or self.info.missing[capability]
        raise CarrierCannot(why, carrier=self.info.key, capability=capability.value, reason=why)

    def check(self, request: RateRequest) -> None:
        """Raises CarrierCannot when the parcel needs something that the carrier does not do."""
        needs = {
            Capability.CUSTOMS: request.crosses_a_border,
            Capability.COLLECT: request.collect is not None,
            Capability.DANGEROUS: request.dangerous,
            Capability.RETURNS: request.is_return,
        }
        for capability, needed in needs.items():
            if needed and capability in self.info.missing:
                self.cannot(capability)

    async def rates(self, request: RateRequest) -> list[Rate]:
        del request
        self.cannot(Capability.RATES)

    async def buy(self, request: LabelRequest) -> Label:
        del request
        self.cannot(Capability.LABELS)

    async def find_label(self, reference: str) -> Label | None:
        del reference
        self.cannot(Capability.LABELS)

    async def void(self, label: Label) -> Void:
        del label
        self.cannot(Capability.VOID)

    async def schedule_pickup(self, request: PickupRequest) -> Pickup:
        del request
        self.cannot(Capability.PICKUP)

    async def cancel_pickup(self, pickup: Pickup) -> Pickup:
        del pickup
        self.cannot(Capability.CANCEL_PICKUP)

    async def manifest(self, labels: Sequence[Label]) -> Manifest:
        del labels
        self.cannot(Capability.MANIFEST)

    async def track(self, waybills: Sequence[Waybill]) -> list[TrackingUpdate]:
        del waybills
        self.cannot(Capability.TRACK)

    async def instruct(self, instruction: Instruction) -> Instructed:
        del instruction
        self.cannot(Capability.INSTRUCT)

    async def points(self, near: Address, most: int) -> list[PickupPoint]:
        del near, most
        self.cannot(Capability.POINTS)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        del headers, body, now
        self.cannot(Capability.WEBHOOKS)

    def read_webhook(self, body: bytes) -> list[TrackingUpdate]:
        del body
        self.cannot(Capability.WEBHOOKS)
