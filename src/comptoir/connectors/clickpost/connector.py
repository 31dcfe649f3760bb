"""ClickPost: one account before India's couriers.

Its key and user name go in the address of every call, so that no address of a call may ever be shown. An order with a reference
that it knows is not placed again: it answers 323, and the order is there.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from comptoir.connectors.clickpost import mapping
from comptoir.connectors.clickpost.messages import (
    Meta,
    OrderAnswer,
    PickupAnswer,
    Placed,
    PlainAnswer,
    ServiceAnswer,
    TrackAnswer,
    Webhook,
)
from comptoir.kernel.money import Money
from comptoir.kernel.time import utcnow
from comptoir.runtime.http import HttpClient, Response
from comptoir.sdk.carriers import (
    AuthField,
    Caller,
    Capability,
    CarrierInfo,
    CarrierUnavailable,
    ForgedWebhook,
    Label,
    LabelDearer,
    LabelFormat,
    LabelRequest,
    NotUnderstood,
    OutcomeUnknown,
    PartialCarrier,
    Pickup,
    PickupRequest,
    PickupState,
    Rate,
    RateRequest,
    ReferenceSpent,
    ServiceNotOffered,
    ShipmentRejected,
    UnreadableWebhook,
    Void,
    VoidState,
    Waybill,
)
from comptoir.sdk.tracking import TrackingStatus, TrackingUpdate, status_of

INFO = CarrierInfo(
    key=mapping.KEY,
    name="ClickPost",
    capabilities=frozenset(
        {
            Capability.RATES,
            Capability.LABELS,
            Capability.VOID,
            Capability.PICKUP,
            Capability.TRACK,
            Capability.WEBHOOKS,
            Capability.COLLECT,
        }
    ),
    missing={
        Capability.CANCEL_PICKUP: "ClickPost describes no call that takes a pickup back: cancel the parcels.",
        Capability.MANIFEST: "ClickPost's couriers take parcels by the pickup that was asked for.",
        Capability.CUSTOMS: "Orders v3 are for parcels within India; those abroad are another interface (v4).",
        Capability.INSTRUCT: "ClickPost's pages on actions after a failed delivery do not say at which address they are taken.",
        Capability.POINTS: "The pages of ClickPost's that this was written by describe no call that tells pickup points.",
        Capability.DANGEROUS: "ClickPost describes no way to declare dangerous goods.",
        Capability.RETURNS: "Couriers collect returns by ClickPost's reverse pickup, which is not mapped: print our own label.",
    },
    spec="ClickPost documentation, orders v3 and tracking v2 (read 2026-11)",
    auth=(
        AuthField("username", "User name"),
        AuthField("key", "License key"),
        AuthField("webhook_key", "Webhook key", required=False, help="What ClickPost sends as webhook_key with every message."),
        AuthField("tax_number", "GST number", secret=False, required=False),
    ),
    formats=frozenset({LabelFormat.PDF}),
    track_at_once=5,
    covers=("IN",),
)

_LATER = 30.0
"""Seconds that a courier usually takes for an order that it does not take at once."""


@dataclass(frozen=True, slots=True)
class ClickPostAccount:
    username: str = field(repr=False)
    key: str = field(repr=False)
    webhook_key: str = field(default="", repr=False)
    tax_number: str = ""
    orders_url: str = "https://www.clickpost.in"
    tracking_url: str = "https://api.clickpost.in"
    services_url: str = "https://serviceability.clickpost.in"


class ClickPost(PartialCarrier):
    info = INFO

    def __init__(
        self, http: HttpClient, account: ClickPostAccount, *, seconds: float = 30.0, clock: Callable[[], datetime] = utcnow
    ) -> None:
        secrets = (account.key, account.username, account.webhook_key)
        self._account = account
        self._caller = Caller(http, INFO.key, secrets, seconds=seconds)
        self._clock = clock

    def __repr__(self) -> str:
        return f"ClickPost({self._account.orders_url})"

    async def rates(self, request: RateRequest) -> list[Rate]:
        self.check(request)
        if request.sender.country != "IN":
            return []
        body = mapping.serviceability_body(request)
        url = f"{self._account.services_url}/api/v1/serviceability_api/"
        answer = self._caller.decoded(await self._caller.read("POST", url, params=self._keys(), json=body), ServiceAnswer)
        if answer.meta.status != mapping.PLACED:
            raise mapping.fault_of(answer.meta, self._words(answer.meta))
        return mapping.our_rates(answer.result or (), collect=request.collect is not None)

    async def buy(self, request: LabelRequest) -> Label:
        self.check(request.shipment)
        if request.shipment.sender.country != "IN":
            raise ServiceNotOffered(service=request.service, offered=[])
        cost = await self._agreed(request)
        body = mapping.order_body(request, self._clock(), tax_number=self._account.tax_number)
        response = await self._caller.purchase(request.reference, "POST", self._orders, params=self._keys(), json=body)
        answer = self._answer(response, request.reference)
        if answer.meta.status in mapping.ALREADY_PLACED:
            return await self._placed_before(request, answer.result)
        return self._label(answer, request.reference, request.service, cost)

    async def find_label(self, reference: str) -> Label | None:
        placed = await self._placed(reference)
        if placed is None:
            return None
        return await self._with_its_fate(mapping.label_of(placed, reference))

    async def void(self, label: Label) -> Void:
        courier, account = mapping.courier_of(label.service)
        asked = {"waybill": label.tracking_number, "cp_id": courier, "account_code": account, "manually_update_status": "True"}
        url = f"{self._account.orders_url}/api/v1/cancel-order/"
        response = await self._caller.read("GET", url, params=self._keys(asked))
        meta = self._caller.decoded(response, PlainAnswer).meta
        if response.status == 202 or meta.status == 202:
            return Void(VoidState.REQUESTED, self._words(meta))
        if meta.status in mapping.CANCELLED:
            return Void(VoidState.VOIDED, self._words(meta))
        refused = mapping.fault_of(meta, self._words(meta))
        if not isinstance(refused, ShipmentRejected):
            raise refused
        return Void(VoidState.REFUSED, refused.detail)

    async def schedule_pickup(self, request: PickupRequest) -> Pickup:
        """ClickPost keeps no reference of ours with a pickup: after an OutcomeUnknown somebody has to ask the courier."""
        services = {label.service for label in request.labels}
        if len(services) != 1:
            self.cannot(Capability.PICKUP, "A courier comes for its own parcels: ask once for each service.")
        body = mapping.pickup_body(request, services.pop())
        url = f"{self._account.orders_url}/api/v1/create-pickup/"
        response = await self._caller.purchase(request.reference, "POST", url, params=self._keys(), json=body)
        answer = self._caller.decoded(response, PickupAnswer)
        if answer.meta.status != mapping.PLACED:
            raise mapping.fault_of(answer.meta, self._words(answer.meta))
        number = "" if answer.result is None else str(answer.result.confirmation_number or "")
        return Pickup(reference=request.reference, id=number, state=PickupState.SCHEDULED, confirmation=number)

    async def track(self, waybills: Sequence[Waybill]) -> list[TrackingUpdate]:
        by_courier: defaultdict[int, list[str]] = defaultdict(list)
        for waybill in waybills:
            by_courier[mapping.courier_of(waybill.service)[0]].append(waybill.tracking_number)
        updates: list[TrackingUpdate] = []
        for courier, numbers in by_courier.items():
            for begin in range(0, len(numbers), INFO.track_at_once):
                updates += await self._tracked(courier, numbers[begin : begin + INFO.track_at_once])
        return updates

    async def _tracked(self, courier: int, numbers: list[str]) -> list[TrackingUpdate]:
        url = f"{self._account.tracking_url}/api/v2/track-order/"
        params = self._keys({"waybill": ",".join(numbers), "cp_id": courier})
        answer = self._caller.decoded(await self._caller.read("GET", url, params=params), TrackAnswer)
        if answer.meta.status in mapping.NOT_THERE:
            return []
        if answer.meta.status != mapping.PLACED:
            raise mapping.fault_of(answer.meta, self._words(answer.meta))
        known = (answer.result or {}).items()
        return [mapping.update_of_poll(number, tracked) for number, tracked in known if tracked.valid]

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """ClickPost signs nothing: it sends a key that only we should know, and old messages look like new ones."""
        del body, now
        if not self._account.webhook_key:
            raise ForgedWebhook(reason="no webhook key is set")
        given = {name.lower().replace("-", "_"): value for name, value in headers.items()}.get("webhook_key")
        if given is None:
            raise ForgedWebhook(reason="there is no webhook_key")
        if not hmac.compare_digest(given.strip().encode(), self._account.webhook_key.encode()):
            raise ForgedWebhook(reason="the webhook_key does not fit")

    def read_webhook(self, body: bytes) -> list[TrackingUpdate]:
        try:
            update = mapping.update_of_webhook(msgspec.json.decode(body, type=Webhook))
        except (msgspec.MsgspecError, UnicodeDecodeError, NotUnderstood) as problem:
            raise UnreadableWebhook(self._caller.clean(str(problem))) from problem
        return [] if update is None else [update]

    # What the calls have in common

    @property
    def _orders(self) -> str:
        return f"{self._account.orders_url}/api/v3/create-order/"

    def _keys(self, more: Mapping[str, str | int] | None = None) -> dict[str, str | int]:
        return {"username": self._account.username, "key": self._account.key} | dict(more or {})

    def _words(self, meta: Meta) -> str:
        words: Any = meta.message
        return self._caller.clean(f"{words or 'no reason given'} ({meta.status})")

    async def _agreed(self, request: LabelRequest) -> Money | None:
        """What the label will cost, which an order does not say. Raises ServiceNotOffered and LabelDearer."""
        if request.at_most is None:
            return None
        rates = {rate.service: rate.cost for rate in await self.rates(request.shipment)}
        cost = rates.get(request.service)
        if cost is None:
            raise ServiceNotOffered(service=request.service, offered=sorted(rates))
        if not cost <= request.at_most:
            raise LabelDearer.than(request.at_most, cost)
        return cost

    def _answer(self, response: Response, reference: str) -> OrderAnswer:
        """Raises OutcomeUnknown unless it is a yes, a no, or that it was a yes before."""
        try:
            answer = self._caller.decoded(response, OrderAnswer)
        except NotUnderstood as problem:
            raise OutcomeUnknown(INFO.key, reference, problem.detail) from problem
        meta, words = answer.meta, self._words(answer.meta)
        if meta.status in mapping.IN_PROGRESS:
            raise OutcomeUnknown(INFO.key, reference, f"the courier is still at it: {words}", retry_after=_LATER)
        if meta.status == mapping.PLACED or meta.status in mapping.ALREADY_PLACED:
            return answer
        refused = mapping.fault_of(meta, words)
        if isinstance(refused, (CarrierUnavailable, NotUnderstood)):
            raise OutcomeUnknown(INFO.key, reference, words)
        raise refused

    def _label(self, answer: OrderAnswer, reference: str, service: str, cost: Money | None) -> Label:
        if answer.result is None or not answer.result.waybill:
            raise OutcomeUnknown(INFO.key, reference, "the answer has no waybill", retry_after=_LATER)
        return mapping.label_of(answer.result, reference, service, cost)

    async def _placed_before(self, request: LabelRequest, told: Placed | None) -> Label:
        placed = told if told is not None and told.waybill else await self._placed(request.reference)
        if placed is None or not placed.waybill:
            raise OutcomeUnknown(INFO.key, request.reference, "placed before, and not to be found yet", retry_after=_LATER)
        label = await self._with_its_fate(mapping.label_of(placed, request.reference, request.service))
        if label.voided:
            raise ReferenceSpent(reference=request.reference)
        return label

    async def _placed(self, reference: str) -> Placed | None:
        """The order with this reference; None when there is none. Raises OutcomeUnknown while the courier is at it."""
        response = await self._caller.read("GET", self._orders, params=self._keys({"reference_number": reference}))
        answer = self._caller.decoded(response, OrderAnswer)
        if answer.meta.status in mapping.NOT_THERE:
            return None
        answer = self._answer(response, reference)
        return answer.result if answer.result is not None and answer.result.waybill else None

    async def _with_its_fate(self, label: Label) -> Label:
        """An order does not say that it was cancelled; its tracking does."""
        if not label.service:
            return label
        for update in await self._tracked(mapping.courier_of(label.service)[0], [label.tracking_number]):
            if status_of(update.scans) is TrackingStatus.CANCELLED:
                return replace(label, voided=True)
        return label
