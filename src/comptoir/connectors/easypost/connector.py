"""EasyPost: one account before a hundred carriers.

A purchase takes three calls: whether the reference has bought something already, a shipment with our reference on it (which
costs nothing), and buying one of its rates. EasyPost does not refuse a reference that it knows, so that looking first is what
keeps a label from being bought twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from comptoir.connectors.easypost import mapping
from comptoir.connectors.easypost.messages import Event, Failure, Pickup, Rates, ScanForm, Shipment, Shipments, Tracker
from comptoir.connectors.easypost.signing import check_signature
from comptoir.kernel.errors import Fault
from comptoir.runtime.http import HttpClient, Response
from comptoir.sdk import carriers
from comptoir.sdk.carriers import (
    AuthField,
    Caller,
    Capability,
    CarrierInfo,
    CarrierUnavailable,
    ForgedWebhook,
    Label,
    LabelFormat,
    LabelRequest,
    Manifest,
    NotUnderstood,
    OutcomeUnknown,
    PartialCarrier,
    PickupRequest,
    PickupState,
    Rate,
    RateLimit,
    RateRequest,
    ReferenceSpent,
    ShipmentRejected,
    UnreadableWebhook,
    Void,
    VoidState,
    Waybill,
)
from comptoir.sdk.tracking import TrackingUpdate

URL = "https://api.easypost.com/v2"

INFO = CarrierInfo(
    key=mapping.KEY,
    name="EasyPost",
    capabilities=frozenset(Capability) - {Capability.COLLECT, Capability.INSTRUCT, Capability.DANGEROUS, Capability.POINTS},
    missing={
        Capability.COLLECT: "Each of EasyPost's carriers has options of its own for it, which are not mapped.",
        Capability.INSTRUCT: "EasyPost takes no instructions for a parcel that has left: each carrier has its own pages.",
        Capability.POINTS: "The pages of EasyPost's that this was written by describe no call that tells pickup points.",
        Capability.DANGEROUS: "Each of EasyPost's carriers has options of its own for it, which are not mapped.",
    },
    spec="EasyPost API v2, by the sample responses of its documentation (2025-05)",
    auth=(
        AuthField("api_key", "API key", help="A test key begins with EZTK, a production key with EZAK."),
        AuthField("webhook_secret", "Webhook secret", required=False),
        AuthField("customs_signer", "Who signs for customs", secret=False, required=False),
    ),
    limits=(RateLimit("lists", 5.0, 5),),
    formats=frozenset(LabelFormat),
    pickup_at_once=1,
)

_UNSETTLED = frozenset({"SHIPMENT.POSTAGE.TIMED_OUT", "SHIPMENT.POSTAGE.NO_RESPONSE", "SHIPMENT.PURCHASE.IN_PROGRESS"})
"""EasyPost itself does not know yet whether the carrier has sold the label."""
_BOUGHT = "SHIPMENT.POSTAGE.EXISTS"
_PAGE = 100
_MOST_PAGES = 50


@dataclass(frozen=True, slots=True)
class EasyPostAccount:
    api_key: str = field(repr=False)
    webhook_secret: str = field(default="", repr=False)
    customs_signer: str = ""
    carrier_accounts: tuple[str, ...] = ()
    """Ids of the carrier accounts to ask; empty for all of them."""
    url: str = URL


class EasyPost(PartialCarrier):
    info = INFO

    def __init__(self, http: HttpClient, account: EasyPostAccount, *, seconds: float = 30.0) -> None:
        """`seconds` is how long an answer may take; carriers behind EasyPost may need many of them to sell a label."""
        self._account = account
        self._caller = Caller(http, INFO.key, (account.api_key, account.webhook_secret), seconds=seconds)

    def __repr__(self) -> str:
        return f"EasyPost({self._account.url})"

    async def rates(self, request: RateRequest) -> list[Rate]:
        self.check(request)
        made, _ = self._shipment(await self._post("/shipments", {"shipment": self._body(request)}))
        return mapping.our_rates(made.rates)

    async def buy(self, request: LabelRequest) -> Label:
        self.check(request.shipment)
        body = self._body(request.shipment, reference=request.reference, label=request.format)
        bought, begun = await self._search(request.reference)
        if bought is not None:
            return _unspent(mapping.label_of(bought))
        if begun is not None and mapping.begun_already(body, begun[1]):
            shipment = await self._rated_anew(begun[0])
        else:
            shipment, _ = self._shipment(await self._post("/shipments", {"shipment": body}))
        rate = mapping.chosen_rate(shipment, request)
        response = await self._caller.purchase(
            request.reference,
            "POST",
            self._url(f"/shipments/{quote(shipment.id, safe='')}/buy"),
            auth=self._auth,
            json={"rate": {"id": rate.id}},
        )
        if response.status in {200, 201}:
            return self._sold(response, request.reference)
        if self._failure(response)[0] == _BOUGHT:
            response = await self._there(f"/shipments/{quote(shipment.id, safe='')}")
            return self._sold(response, request.reference)
        raise self._no(response, request.reference)

    async def find_label(self, reference: str) -> Label | None:
        bought, _ = await self._search(reference)
        return None if bought is None else mapping.label_of(bought)

    async def void(self, label: Label) -> Void:
        response = await self._caller.write(
            "POST", self._url(f"/shipments/{quote(label.shipment_id, safe='')}/refund"), auth=self._auth
        )
        if response.status in {200, 201}:
            shipment, _ = self._shipment(response)
        else:
            shipment, _ = self._shipment(await self._there(f"/shipments/{quote(label.shipment_id, safe='')}"))
        state = mapping.void_state(shipment.refund_status)
        if state is None:
            return Void(VoidState.REFUSED, self._failure(response)[1])
        return Void(state, shipment.refund_status or "")

    async def schedule_pickup(self, request: PickupRequest) -> carriers.Pickup:
        if len(request.labels) != 1:
            self.cannot(Capability.PICKUP, "EasyPost collects several parcels at once by a batch only: ask for one at a time.")
        known = await self._get(f"/pickups/{quote(request.reference, safe='')}")
        if known is not None and (pickup := self._caller.decoded(known, Pickup)).status == "scheduled":
            return _our_pickup(pickup, request.reference)
        body = {
            "reference": request.reference,
            "shipment": {"id": request.labels[0].shipment_id},
            "address": mapping.address_body(request.address),
            "min_datetime": request.from_at.isoformat(),
            "max_datetime": request.until_at.isoformat(),
            "instructions": request.instructions,
            "is_account_address": False,
        }
        pickup = self._caller.decoded(await self._post("/pickups", {"pickup": body}), Pickup)
        if not pickup.pickup_rates:
            raise ShipmentRejected(INFO.key, self._caller.clean(mapping.complaints(pickup.messages)) or "nobody collects there")
        rate = min(pickup.pickup_rates, key=lambda rate: rate.rate)
        response = await self._caller.purchase(
            request.reference,
            "POST",
            self._url(f"/pickups/{quote(pickup.id, safe='')}/buy"),
            auth=self._auth,
            json={"carrier": rate.carrier, "service": rate.service},
        )
        if response.status not in {200, 201}:
            raise self._no(response, request.reference)
        return _our_pickup(self._caller.decoded(response, Pickup), request.reference)

    async def cancel_pickup(self, pickup: carriers.Pickup) -> carriers.Pickup:
        url = self._url(f"/pickups/{quote(pickup.id, safe='')}")
        response = await self._caller.write("POST", f"{url}/cancel", auth=self._auth)
        if response.status != 200:
            refused = self._no(response)
            response = await self._caller.read("GET", url, auth=self._auth)
            if response.status != 200 or self._caller.decoded(response, Pickup).status != "canceled":
                raise refused
        return _our_pickup(self._caller.decoded(response, Pickup), pickup.reference)

    async def manifest(self, labels: Sequence[Label]) -> Manifest:
        body = {"shipments": [{"id": label.shipment_id} for label in labels]}
        form = self._caller.decoded(await self._post("/scan_forms", body), ScanForm)
        if form.status == "failed":
            raise ShipmentRejected(INFO.key, self._caller.clean(form.message or "the scan form failed"))
        return Manifest(
            id=form.id, tracking_numbers=tuple(form.tracking_codes), url=form.form_url or "", ready=bool(form.form_url)
        )

    async def track(self, waybills: Sequence[Waybill]) -> list[TrackingUpdate]:
        """EasyPost keeps a tracker for each number that it was ever asked about, and gives the same one again."""
        updates: list[TrackingUpdate] = []
        for waybill in waybills:
            wanted = {"tracking_code": waybill.tracking_number}
            if carrier := waybill.service.partition("/")[0]:
                wanted["carrier"] = carrier
            response = await self._caller.read("POST", self._url("/trackers"), auth=self._auth, json={"tracker": wanted})
            if response.status in {200, 201}:
                updates.append(mapping.update_of(self._caller.decoded(response, Tracker)))
            elif response.status not in {404, 422}:
                raise self._no(response)
        return updates

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        if not self._account.webhook_secret:
            raise ForgedWebhook(reason="no webhook secret is set")
        check_signature(headers, body, self._account.webhook_secret, now)

    def read_webhook(self, body: bytes) -> list[TrackingUpdate]:
        try:
            event = msgspec.json.decode(body, type=Event)
            if not event.description.startswith("tracker."):
                return []
            return [mapping.update_of(msgspec.convert(event.result, Tracker), event.id)]
        except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
            raise UnreadableWebhook(self._caller.clean(str(problem))) from problem

    # What the calls have in common

    @property
    def _auth(self) -> tuple[str, str]:
        return (self._account.api_key, "")

    def _url(self, path: str) -> str:
        return f"{self._account.url}{path}"

    def _body(self, request: RateRequest, **given: Any) -> dict[str, Any]:
        account = self._account
        return mapping.shipment_body(request, accounts=account.carrier_accounts, signer=account.customs_signer, **given)

    async def _post(self, path: str, body: dict[str, Any]) -> Response:
        """For what costs nothing."""
        response = await self._caller.write("POST", self._url(path), auth=self._auth, json=body)
        if response.status not in {200, 201}:
            raise self._no(response)
        return response

    async def _get(self, path: str, params: Mapping[str, str | int] | None = None) -> Response | None:
        """None when there is nothing by that name."""
        response = await self._caller.read("GET", self._url(path), auth=self._auth, params=params)
        if response.status == 404:
            return None
        if response.status != 200:
            raise self._no(response)
        return response

    async def _there(self, path: str, params: Mapping[str, str | int] | None = None) -> Response:
        """What has to be there. Raises NotUnderstood when it is not."""
        response = await self._get(path, params)
        if response is None:
            raise NotUnderstood(INFO.key, "what EasyPost has given us is not there")
        return response

    def _shipment(self, response: Response) -> tuple[Shipment, Any]:
        return self._caller.decoded(response, Shipment), self._caller.decoded(response, dict[str, Any])

    async def _rated_anew(self, shipment: Shipment) -> Shipment:
        """With rates of today: those of a shipment that was begun some time ago may hold no more."""
        rates = self._caller.decoded(await self._post(f"/shipments/{quote(shipment.id, safe='')}/rerate", {}), Rates)
        return msgspec.structs.replace(shipment, rates=rates.rates, messages=rates.messages)

    async def _search(self, reference: str) -> tuple[Shipment | None, tuple[Shipment, Any] | None]:
        """What was bought with a reference, else a shipment with it that was begun and not bought.

        Several shipments have one reference when somebody corrected something between two attempts. A new one is begun only
        when none before it was bought, so that what was bought is not older than any that was not.
        """
        response = await self._get(f"/shipments/{quote(reference, safe='')}")
        if response is None:
            return None, None
        shipment, raw = self._shipment(response)
        if mapping.is_bought(shipment):
            return shipment, None
        return await self._among_the_bought(reference, shipment.created_at), (shipment, raw)

    async def _among_the_bought(self, reference: str, since: datetime) -> Shipment | None:
        params: dict[str, str | int] = {"purchased": "true", "page_size": _PAGE, "start_datetime": since.isoformat()}
        for _ in range(_MOST_PAGES):
            page = self._caller.decoded(await self._there("/shipments", params), Shipments)
            for shipment in page.shipments:
                if shipment.reference == reference and mapping.is_bought(shipment):
                    return shipment
            if not page.has_more or not page.shipments:
                return None
            params["before_id"] = page.shipments[-1].id
        raise NotUnderstood(INFO.key, f"more than {_MOST_PAGES * _PAGE} labels since {reference} was begun")

    def _sold(self, response: Response, reference: str) -> Label:
        """Raises OutcomeUnknown for an answer that cannot be read: it was a yes."""
        detail = "the answer has no label"
        try:
            shipment = self._shipment(response)[0]
            if mapping.is_bought(shipment):
                return mapping.label_of(shipment)
        except NotUnderstood as problem:
            detail = problem.detail
        raise OutcomeUnknown(INFO.key, reference, detail)

    def _failure(self, response: Response) -> tuple[str, str]:
        """EasyPost's own code and words."""
        try:
            error = self._caller.decoded(response, Failure).error
        except NotUnderstood:
            return "", f"answered {response.status}"
        words = [str(error.message), *(_complaint(one) for one in error.errors)]
        return error.code, self._caller.clean(" ".join(words)) or f"answered {response.status}"

    def _no(self, response: Response, reference: str = "") -> Fault:
        code, words = self._failure(response)
        if code in _UNSETTLED:
            return OutcomeUnknown(INFO.key, reference, words) if reference else CarrierUnavailable(INFO.key, words)
        if 300 <= response.status < 400:
            return NotUnderstood(INFO.key, words)
        return ShipmentRejected(INFO.key, words, reason=code)


def _complaint(one: Any) -> str:
    """A line of an error: EasyPost gives words, or which field is wrong and how."""
    match one:
        case {"field": str(name), "message": str(message)}:
            return f"{name}: {message}"
        case _:
            return str(one)


def _unspent(label: Label) -> Label:
    if label.voided:
        raise ReferenceSpent(reference=label.reference)
    return label


def _our_pickup(pickup: Pickup, reference: str) -> carriers.Pickup:
    rate = min(pickup.pickup_rates, key=lambda rate: rate.rate, default=None)
    return carriers.Pickup(
        reference=pickup.reference or reference,
        id=pickup.id,
        state=PickupState.CANCELLED if pickup.status == "canceled" else PickupState.SCHEDULED,
        confirmation=pickup.confirmation or "",
        cost=None if rate is None else mapping.money(rate.rate, rate.currency),
    )
