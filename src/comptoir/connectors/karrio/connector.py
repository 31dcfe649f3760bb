"""Karrio: a server of the retailer's own before the carriers that it has contracts with.

Karrio knows no idempotency key. A purchase therefore takes four calls: whether the reference has bought something already, a
draft of a shipment with our reference on it (which costs nothing), a note on the draft that its purchase begins, and the
purchase. Where no answer comes, the note keeps it from being bought again for as long as Karrio may still be at it.
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import msgspec

from comptoir.connectors.karrio import mapping, messages, trackers
from comptoir.connectors.karrio.calling import Far
from comptoir.connectors.karrio.messages import Shipment, Shipments
from comptoir.kernel.errors import Fault
from comptoir.kernel.time import utcnow
from comptoir.runtime.http import HttpClient, Response
from comptoir.sdk.carriers import (
    AuthField,
    Capability,
    CarrierInfo,
    ForgedWebhook,
    Label,
    LabelFormat,
    LabelRequest,
    Manifest,
    NotUnderstood,
    OutcomeUnknown,
    PartialCarrier,
    Pickup,
    PickupRequest,
    PickupState,
    Rate,
    RateRequest,
    ReferenceSpent,
    UnreadableWebhook,
    Void,
    VoidState,
    Waybill,
)
from comptoir.sdk.tracking import TrackingUpdate

INFO = CarrierInfo(
    key=mapping.KEY,
    name="Karrio",
    capabilities=frozenset(
        {
            Capability.RATES,
            Capability.LABELS,
            Capability.VOID,
            Capability.PICKUP,
            Capability.CANCEL_PICKUP,
            Capability.MANIFEST,
            Capability.TRACK,
            Capability.WEBHOOKS,
            Capability.RETURNS,
            Capability.CUSTOMS,
        }
    ),
    missing={
        Capability.INSTRUCT: "Karrio has no call that tells a carrier what to do with a parcel that has left.",
        Capability.POINTS: "Karrio describes no call that tells the pickup points of its carriers.",
        Capability.COLLECT: "Karrio leaves out, without a word, what a carrier's part of it does not know: nobody collects.",
        Capability.DANGEROUS: "Karrio leaves out, without a word, what a carrier's part of it does not know: nobody is warned.",
    },
    spec="Karrio API v1, by the OpenAPI document and the server's source (2024.12 to 2026.1)",
    auth=(
        AuthField("server", "Address of the server", secret=False, help="Where its API is, such as https://karrio.example.com"),
        AuthField("api_key", "API key", help="It stands in Karrio's dashboard under Developers, and begins with key_."),
        AuthField(
            "webhook_secret",
            "Webhook secret",
            required=False,
            help="Karrio makes it: it stands beside the webhook in the dashboard, and begins with whsec_.",
            theirs=True,
        ),
        AuthField(
            "connections",
            "Connections to ask",
            secret=False,
            required=False,
            help="The carrier ids of some of Karrio's connections, with commas between; empty for all of them.",
        ),
        AuthField("customs_signer", "Who signs for customs", secret=False, required=False),
    ),
    formats=frozenset(LabelFormat),
    manifest_by_carrier=True,
)

_PAGE = 100
_MOST_PAGES = 20
_DONE = frozenset({200, 201, 202})


@dataclass(frozen=True, slots=True)
class KarrioAccount:
    server: str
    api_key: str = field(repr=False)
    webhook_secret: str = field(default="", repr=False)
    connections: tuple[str, ...] = ()
    """Carrier ids of Karrio's connections to ask; empty for all of them."""
    customs_signer: str = ""


def connections_of(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is with a reference."""

    bought: Shipment | None
    drafts: list[Shipment]


class Karrio(PartialCarrier):
    info = INFO

    def __init__(
        self, http: HttpClient, account: KarrioAccount, *, seconds: float = 60.0, clock: Callable[[], datetime] = utcnow
    ) -> None:
        """`seconds` is how long an answer may take: Karrio itself waits for its carriers before it gives one."""
        self._account = account
        self._far = Far(http, account.server, account.api_key, (account.webhook_secret,), seconds=seconds)
        self._clock = clock

    def __repr__(self) -> str:
        return f"Karrio({self._far.root})"

    async def rates(self, request: RateRequest) -> list[Rate]:
        self.check(request)
        body = mapping.rates_body(request, connections=self._account.connections)
        response = await self._far.read("POST", "/v1/proxy/rates", json=body)
        if response.status not in {*_DONE, 207}:
            raise self._far.no(response)
        return mapping.our_rates(self._far.decoded(response, messages.Rates).rates)

    async def buy(self, request: LabelRequest) -> Label:
        self.check(request.shipment)
        account = self._account
        body = mapping.shipment_body(request, connections=account.connections, signer=account.customs_signer)
        found = await self._search(request.reference)
        if found.bought is not None:
            if mapping.is_cancelled(found.bought):
                raise ReferenceSpent(reference=request.reference)
            return await self._with_its_paper(found.bought)
        self._require_quiet(found, request.reference)
        contents = body["metadata"][mapping.CONTENTS]
        begun = next((one for one in found.drafts if (one.metadata or {}).get(mapping.CONTENTS) == contents), None)
        shipment = await self._rated_anew(begun, body) if begun is not None else await self._begun(body)
        if request.shipment.is_return and not shipment.is_return:
            self.cannot(Capability.RETURNS, "This Karrio server is older than its returns: bring it to 2026.1 or later.")
        rate = mapping.chosen_rate(shipment, request)
        await self._note(shipment.id, self._clock().astimezone(UTC).isoformat())
        return await self._purchase(shipment.id, rate, request)

    async def find_label(self, reference: str) -> Label | None:
        found = await self._search(reference)
        if found.bought is not None:
            return await self._with_its_paper(found.bought)
        self._require_quiet(found, reference)
        return None

    async def void(self, label: Label) -> Void:
        path = _path("/v1/shipments/", label.shipment_id)
        response = await self._far.write("POST", f"{path}/cancel")
        if response.status in _DONE:
            return Void(VoidState.VOIDED)
        failure = self._far.failure(response)
        if response.status == 409:
            there = self._far.shipment(await self._far.there(path))
            if mapping.is_cancelled(there):
                return Void(VoidState.VOIDED)
        elif response.status != 424 or mapping.is_unsettled(failure.codes):
            raise self._far.no(response)
        return Void(VoidState.REFUSED, failure.words)

    async def schedule_pickup(self, request: PickupRequest) -> Pickup:
        known = await self._pickup_with(request.reference)
        if known is not None:
            return _our_pickup(known, request.reference)
        names = {mapping.carrier_of(label.service) or label.carrier for label in request.labels}
        if len(names) != 1:
            self.cannot(Capability.PICKUP, "A carrier's driver comes for its own parcels: ask once for each carrier.")
        response = await self._far.purchase(
            request.reference,
            f"{_path('/v1/pickups/', names.pop())}/schedule",
            json=mapping.pickup_body(request),
        )
        if response.status not in _DONE:
            raise self._far.no(response, request.reference)
        pickup = self._far.decoded(response, messages.Pickup)
        return _our_pickup(pickup, request.reference)

    async def cancel_pickup(self, pickup: Pickup) -> Pickup:
        path = _path("/v1/pickups/", pickup.id)
        gone = replace(pickup, state=PickupState.CANCELLED)
        known = await self._far.get(path)
        if known is None or self._far.decoded(known, messages.Pickup).status == "cancelled":
            return gone
        response = await self._far.write("POST", f"{path}/cancel", json={})
        if response.status not in {*_DONE, 404}:
            raise self._far.no(response)
        return gone

    async def manifest(self, labels: Sequence[Label]) -> Manifest:
        names = {mapping.carrier_of(label.service) or label.carrier for label in labels}
        if len(names) != 1:
            self.cannot(Capability.MANIFEST, "A manifest is for the parcels of one carrier: ask once for each carrier.")
        first, *others = (label.shipment_id for label in labels)
        known = self._far.shipment(await self._far.there(_path("/v1/shipments/", first)))
        shipments = [known, *map(Shipment, others)]
        body = mapping.manifest_body(names.pop(), shipments, labels[0].reference)
        response = await self._far.write("POST", "/v1/manifests", json=body)
        if response.status not in _DONE:
            raise self._far.no(response)
        made = self._far.decoded(response, messages.Manifest)
        content = await self._far.document(f"{_path('/v1/manifests/', made.id)}/document", made.manifest_url or "")
        numbers = tuple(label.tracking_number for label in labels)
        return Manifest(id=made.id, tracking_numbers=numbers, content=content, ready=bool(content))

    async def track(self, waybills: Sequence[Waybill]) -> list[TrackingUpdate]:
        """Karrio keeps a tracker for each of its labels; asked by carrier it looks again, and begins one for strangers."""
        updates: list[TrackingUpdate] = []
        for waybill in waybills:
            response = await self._tracker(waybill)
            if response is not None:
                updates.append(trackers.update_of(self._far.decoded(response, messages.Tracker)))
        return updates

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Karrio signs nothing: it sends the webhook's secret as `X-Event-Id`, and old messages look like new ones."""
        del body, now
        if not self._account.webhook_secret:
            raise ForgedWebhook(reason="no webhook secret is set")
        given = {name.lower(): value for name, value in headers.items()}.get("x-event-id")
        if given is None:
            raise ForgedWebhook(reason="there is no X-Event-Id")
        if not hmac.compare_digest(given.strip().encode(), self._account.webhook_secret.encode()):
            raise ForgedWebhook(reason="the X-Event-Id does not fit")

    def read_webhook(self, body: bytes) -> list[TrackingUpdate]:
        try:
            event = msgspec.json.decode(body, type=messages.Event)
            if not event.event.startswith("tracker"):
                return []
            return [trackers.update_of(msgspec.convert(event.data, messages.Tracker))]
        except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
            raise UnreadableWebhook(self._far.clean(str(problem))) from problem

    # Purchases

    async def _search(self, reference: str) -> _Found:
        """By our reference, which Karrio finds also in the midst of another one."""
        params: dict[str, str | int] = {"reference": reference, "limit": _PAGE}
        bought: list[Shipment] = []
        drafts: list[Shipment] = []
        for number in range(_MOST_PAGES):
            response = await self._far.there("/v1/shipments", params | {"offset": number * _PAGE})
            page = self._far.decoded(response, Shipments)
            own = [one for one in page.results if one.reference == reference]
            bought += [one for one in own if mapping.is_bought(one)]
            drafts += [one for one in own if mapping.is_draft(one)]
            if page.next is None or not page.results:
                standing = (one for one in bought if not mapping.is_cancelled(one))
                return _Found(next(standing, bought[0] if bought else None), drafts)
        raise NotUnderstood(INFO.key, f"more than {_MOST_PAGES * _PAGE} shipments with {reference} in their reference")

    def _require_quiet(self, found: _Found, reference: str) -> None:
        """Raises OutcomeUnknown while Karrio may still be at a purchase that has not answered."""
        begun = max((at for one in found.drafts if (at := mapping.asked_at(one)) is not None), default=None)
        if begun is None:
            return
        left = (begun + mapping.SETTLES_IN - self._clock()) / timedelta(seconds=1)
        if left > 0:
            raise OutcomeUnknown(INFO.key, reference, "Karrio may still be buying it", retry_after=left)

    async def _begun(self, body: dict[str, Any]) -> Shipment:
        response = await self._far.write("POST", "/v1/shipments", json=body)
        if response.status not in _DONE:
            raise self._far.no(response)
        return self._far.shipment(response)

    async def _rated_anew(self, shipment: Shipment, body: Mapping[str, Any]) -> Shipment:
        """With rates of today: those of a shipment that was begun some time ago may hold no more."""
        asked = {name: body[name] for name in ("services", "carrier_ids", "options") if name in body}
        response = await self._far.write("POST", f"{_path('/v1/shipments/', shipment.id)}/rates", json=asked)
        if response.status not in _DONE:
            raise self._far.no(response)
        return self._far.shipment(response)

    async def _note(self, shipment_id: str, at: str) -> None:
        """Notes on a draft that its purchase begins; an empty time takes the note back."""
        body = {"metadata": {mapping.ASKED_AT: at}}
        response = await self._far.write("PUT", _path("/v1/shipments/", shipment_id), json=body)
        if response.status not in _DONE:
            raise self._far.no(response)

    async def _purchase(self, shipment_id: str, rate: str, request: LabelRequest) -> Label:
        path = _path("/v1/shipments/", shipment_id)
        try:
            response = await self._far.purchase(
                request.reference,
                f"{path}/purchase",
                json={"selected_rate_id": rate, "label_type": request.format.value.upper()},
            )
            if response.status not in _DONE:
                if response.status != 409:
                    raise self._far.no(response, request.reference)
                response = await self._far.there(path)
        except OutcomeUnknown:
            raise
        except Fault:
            with contextlib.suppress(Fault):
                await self._note(shipment_id, "")
            raise
        return await self._sold(response, request.reference)

    async def _sold(self, response: Response, reference: str) -> Label:
        """Raises OutcomeUnknown for an answer that cannot be read, and where the paper does not come: it was a yes."""
        try:
            shipment = self._far.shipment(response)
            if mapping.is_bought(shipment):
                return await self._with_its_paper(shipment)
            detail = "the answer has no label"
        except Fault as problem:
            detail = problem.detail.removeprefix(f"{INFO.key}: ")
        raise OutcomeUnknown(INFO.key, reference, detail)

    async def _with_its_paper(self, shipment: Shipment) -> Label:
        label = mapping.label_of(shipment, self._far.root)
        if label.content or label.voided:
            return label
        path = f"{_path('/v1/shipments/', shipment.id)}/documents/label"
        return replace(label, content=await self._far.document(path, label.url))

    async def _pickup_with(self, reference: str) -> messages.Pickup | None:
        """One that was scheduled with our reference and not cancelled since."""
        params: dict[str, str | int] = {"metadata_key": mapping.REFERENCE, "limit": _PAGE}
        for number in range(_MOST_PAGES):
            response = await self._far.there("/v1/pickups", params | {"offset": number * _PAGE})
            page = self._far.decoded(response, messages.Pickups)
            for one in page.results:
                if (one.metadata or {}).get(mapping.REFERENCE) == reference and one.status != "cancelled":
                    return one
            if page.next is None or not page.results:
                break
        return None

    async def _tracker(self, waybill: Waybill) -> Response | None:
        number, carrier = waybill.tracking_number, mapping.slug_of(waybill.service)
        if carrier:
            wanted = {"tracking_number": number, "carrier_name": carrier}
            response = await self._far.read("POST", "/v1/trackers", json=wanted)
            if response.status in _DONE:
                return response
        return await self._far.get(_path("/v1/trackers/", number))


def _path(before: str, name: str) -> str:
    return f"{before}{quote(name, safe='')}"


def _our_pickup(pickup: messages.Pickup, reference: str) -> Pickup:
    return Pickup(
        reference=reference,
        id=pickup.id or "",
        state=PickupState.CANCELLED if pickup.status == "cancelled" else PickupState.SCHEDULED,
        confirmation=pickup.confirmation_number or "",
        cost=mapping.charge_of(pickup.pickup_charge),
    )
