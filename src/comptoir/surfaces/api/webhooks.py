"""Webhooks out: endpoints, their deliveries, and sending them again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from comptoir.modules.staff.contracts import Scope
from comptoir.modules.webhooks import api
from comptoir.modules.webhooks.contracts import (
    Attempt,
    Delivery,
    DeliveryDetail,
    DeliveryFilter,
    DeliveryId,
    DeliveryState,
    Endpoint,
    EndpointDraft,
    EndpointId,
)
from comptoir.modules.webhooks.errors import UnknownDelivery, UnknownEndpoint
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    DeliveryRef,
    EndpointRef,
    EventRef,
    Instant,
    Note,
    PageQuery,
    Request,
    Search,
    Shape,
    Version,
    given,
)

webhooks = Resource("Webhooks", "Events, signed as Standard Webhooks 1.0 and posted to you; retried for three days.")

_Url = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^https?://[!-~]+$", examples=["https://example.com/hooks"])]
_Type = Annotated[str, Meta(max_length=100, pattern=r"^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$", examples=["order.*"])]
_Types = Annotated[
    tuple[_Type, ...], Meta(min_length=1, max_length=50, description="Event types, prefixes such as `order.*`, or `*`.")
]


class EndpointShape(Shape, frozen=True, kw_only=True):
    """Who listens to which events."""

    id: EndpointRef
    url: str
    types: list[str]
    description: str
    active: bool
    created_at: Instant
    failing_since: Annotated[Instant, Meta(description="No attempt has succeeded since.")] | None
    disabled_reason: Annotated[str, Meta(description="Why it is off, when nobody switched it off.", examples=[""])]
    version: Version


class CreatedEndpointShape(EndpointShape, frozen=True, kw_only=True):
    """A new endpoint with its signing secret, which is shown this once."""

    secret: Annotated[str, Meta(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]


class SecretShape(Shape, frozen=True, kw_only=True):
    """A new signing secret, which is shown this once. The old one signs beside it for a while."""

    secret: Annotated[str, Meta(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]


class NewEndpoint(Request, frozen=True, kw_only=True):
    """An endpoint that is to be. It gets what happens from then on."""

    url: _Url
    types: _Types
    description: Note = ""


class ChangeEndpoint(Request, frozen=True, kw_only=True):
    """What is to be otherwise; the rest stays."""

    url: _Url | UnsetType = UNSET
    types: _Types | UnsetType = UNSET
    description: Note | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class RotateSecret(Request, frozen=True, kw_only=True):
    overlap: Annotated[
        int, Meta(ge=0, le=604_800, description="Seconds for which the old secret signs as well.", examples=[86400])
    ] = 86_400


class DeliveryShape(Shape, frozen=True, kw_only=True):
    """One event on its way to one endpoint. `attempts` counts those since it was last sent again."""

    id: DeliveryRef
    endpoint_id: EndpointRef
    event_id: EventRef
    type: str
    state: DeliveryState
    attempts: int
    created_at: Instant
    next_at: Instant | None
    delivered_at: Instant | None


class AttemptShape(Shape, frozen=True, kw_only=True):
    """One try."""

    n: int
    at: Instant
    status: Annotated[int, Meta(examples=[200])] | None
    problem: str
    duration_ms: int
    response: Annotated[str, Meta(description="The beginning of the answer.")]


class DeliveryDetailShape(DeliveryShape, frozen=True, kw_only=True):
    """A delivery with what is sent and every try."""

    payload: dict[str, Any]
    log: list[AttemptShape]


class Replayed(Shape, frozen=True, kw_only=True):
    """How many are sent again."""

    deliveries: int


class Started(Shape, frozen=True, kw_only=True):
    """The delivery that is on its way."""

    delivery_id: DeliveryRef


class EndpointQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["created", "-created", "url", "-url"] = "created"
    search: Search = ""
    active: bool | None = None


class DeliveryQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["created", "-created"] = "-created"
    endpoint_id: EndpointRef | None = None
    state: DeliveryState | None = None
    type: _Type | None = None
    event_id: EventRef | None = None
    since: Instant | None = None
    until: Instant | None = None


class ReplayMany(Request, frozen=True, kw_only=True):
    """Which deliveries of one endpoint are sent again: the failed ones of an outage, say."""

    endpoint_id: EndpointRef
    state: DeliveryState | None = DeliveryState.FAILED
    type: _Type | None = None
    since: Instant | None = None
    until: Instant | None = None


@webhooks.get("/v1/webhooks/endpoints", Scope.WEBHOOKS_WRITE)
async def list_webhook_endpoints(call: Call, query: EndpointQuery) -> Answer[PageOf[EndpointShape]]:
    """List endpoints."""
    async with call.reading() as reader:
        page = await api.find_endpoints(
            reader, query.search, active=query.active, sort=query.sort, limit=query.limit, cursor=query.cursor
        )
    return call.page(page, lambda one: EndpointShape(**_fields(one)))


@webhooks.post("/v1/webhooks/endpoints", Scope.WEBHOOKS_WRITE, status=201, sealed=True)
async def create_webhook_endpoint(call: Call, body: NewEndpoint) -> Answer[CreatedEndpointShape]:
    """Add an endpoint."""
    draft = EndpointDraft(url=body.url, types=body.types, description=body.description)
    async with call.transaction() as tx:
        made, secret = await api.create_endpoint(tx, call.services.keyring, draft, allow_private=call.services.may_call_private)
        return await call.done(tx, CreatedEndpointShape(**_fields(made), secret=secret))


@webhooks.get("/v1/webhooks/endpoints/{endpoint_id}", Scope.WEBHOOKS_WRITE, refuses=(UnknownEndpoint,))
async def get_webhook_endpoint(call: Call) -> Answer[EndpointShape]:
    """Get an endpoint."""
    async with call.reading() as reader:
        return call.answer(EndpointShape(**_fields(await api.get_endpoint(reader, _endpoint(call)))))


@webhooks.patch("/v1/webhooks/endpoints/{endpoint_id}", Scope.WEBHOOKS_WRITE, refuses=(UnknownEndpoint,))
async def change_webhook_endpoint(call: Call, body: ChangeEndpoint) -> Answer[EndpointShape]:
    """Change an endpoint, also for what is still to be delivered. Switched off, it keeps what is pending."""
    changes: dict[str, Any] = given(body)
    active = changes.pop("active", None)
    async with call.transaction() as tx:
        there = await api.get_endpoint(tx, _endpoint(call))
        changed = await api.update_endpoint(
            tx,
            there.id,
            replace(there, **changes),
            version=call.decided_on(there.version),
            allow_private=call.services.may_call_private,
        )
        if active is not None:
            changed = await api.set_active(tx, there.id, active=active)
        return await call.done(tx, EndpointShape(**_fields(changed)))


@webhooks.delete("/v1/webhooks/endpoints/{endpoint_id}", Scope.WEBHOOKS_WRITE, refuses=(UnknownEndpoint,))
async def delete_webhook_endpoint(call: Call) -> Answer[None]:
    """Remove an endpoint, with its deliveries and their log."""
    async with call.transaction() as tx:
        await api.delete_endpoint(tx, _endpoint(call))
        return await call.done(tx, None)


@webhooks.post("/v1/webhooks/endpoints/{endpoint_id}/secret", Scope.WEBHOOKS_WRITE, refuses=(UnknownEndpoint,), sealed=True)
async def rotate_webhook_secret(call: Call, body: RotateSecret) -> Answer[SecretShape]:
    """Make a new signing secret."""
    async with call.transaction() as tx:
        secret = await api.rotate_secret(tx, call.services.keyring, _endpoint(call), overlap=timedelta(seconds=body.overlap))
        return await call.done(tx, SecretShape(secret=secret))


@webhooks.post("/v1/webhooks/endpoints/{endpoint_id}/test", Scope.WEBHOOKS_WRITE, refuses=(UnknownEndpoint,))
async def test_webhook_endpoint(call: Call) -> Answer[Started]:
    """Send a `webhook.tested`, to see whether it arrives."""
    async with call.transaction() as tx:
        delivery = await api.send_test(tx, _endpoint(call))
        return await call.done(tx, Started(delivery_id=show("delivery", delivery)))


@webhooks.get("/v1/webhooks/deliveries", Scope.WEBHOOKS_WRITE)
async def list_webhook_deliveries(call: Call, query: DeliveryQuery) -> Answer[PageOf[DeliveryShape]]:
    """List deliveries."""
    endpoint = parsed_some("endpoint", query.endpoint_id)
    wanted = DeliveryFilter(
        endpoint_id=None if endpoint is None else EndpointId(endpoint),
        state=query.state,
        type=query.type or "",
        event_id=parsed_some("event", query.event_id),
        since=query.since,
        until=query.until,
    )
    async with call.reading() as reader:
        page = await api.find_deliveries(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, lambda one: DeliveryShape(**_delivery(one)))


@webhooks.get("/v1/webhooks/deliveries/{delivery_id}", Scope.WEBHOOKS_WRITE, refuses=(UnknownDelivery,))
async def get_webhook_delivery(call: Call) -> Answer[DeliveryDetailShape]:
    """Get a delivery with every try."""
    async with call.reading() as reader:
        found = await api.get_delivery(reader, DeliveryId(call.id("delivery")))
    return call.answer(_detail(found))


@webhooks.post("/v1/webhooks/deliveries/{delivery_id}/replay", Scope.WEBHOOKS_WRITE, refuses=(UnknownDelivery,))
async def replay_webhook_delivery(call: Call) -> Answer[Replayed]:
    """Send a delivery again now; also one that has arrived."""
    async with call.transaction() as tx:
        await api.replay(tx, DeliveryId(call.id("delivery")))
        return await call.done(tx, Replayed(deliveries=1))


@webhooks.post("/v1/webhooks/deliveries/replay", Scope.WEBHOOKS_WRITE)
async def replay_webhook_deliveries(call: Call, body: ReplayMany) -> Answer[Replayed]:
    """Send many deliveries of an endpoint again."""
    wanted = DeliveryFilter(
        endpoint_id=EndpointId(parsed("endpoint", body.endpoint_id)),
        state=body.state,
        type=body.type or "",
        since=body.since,
        until=body.until,
    )
    async with call.transaction() as tx:
        return await call.done(tx, Replayed(deliveries=await api.replay_many(tx, wanted)))


def _endpoint(call: Call) -> EndpointId:
    return EndpointId(call.id("endpoint"))


def _fields(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": show("endpoint", endpoint.id),
        "url": endpoint.url,
        "types": list(endpoint.types),
        "description": endpoint.description,
        "active": endpoint.active,
        "created_at": endpoint.created_at,
        "failing_since": endpoint.failing_since,
        "disabled_reason": endpoint.disabled_reason,
        "version": endpoint.version,
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": show("delivery", delivery.id),
        "endpoint_id": show("endpoint", delivery.endpoint_id),
        "event_id": show("event", delivery.event_id),
        "type": delivery.type,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "created_at": delivery.created_at,
        "next_at": delivery.next_at,
        "delivered_at": delivery.delivered_at,
    }


def _detail(found: DeliveryDetail) -> DeliveryDetailShape:
    return DeliveryDetailShape(
        **_delivery(found.delivery),
        payload=msgspec.json.decode(found.payload, type=dict[str, Any]),
        log=[_attempt(one) for one in found.attempts],
    )


def _attempt(one: Attempt) -> AttemptShape:
    return AttemptShape(
        n=one.n, at=one.at, status=one.status, problem=one.problem, duration_ms=one.duration_ms, response=one.response
    )
