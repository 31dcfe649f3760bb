"""What crosses the door of webhooks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NewType
from uuid import UUID

from comptoir.runtime.events import Event

EndpointId = NewType("EndpointId", UUID)
DeliveryId = NewType("DeliveryId", UUID)

ENDPOINT_PREFIX = "whe"
DELIVERY_PREFIX = "whd"
EVENT_PREFIX = "evt"

TEST_TYPE = "webhook.tested"


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointDraft:
    """An endpoint as somebody wants it. `types` are event types, prefixes such as `order.*`, or `*`."""

    url: str
    types: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(EndpointDraft):
    """An endpoint as it is. It is also a draft: `replace(endpoint, url=…)` is what `update_endpoint` takes."""

    id: EndpointId
    active: bool
    created_at: datetime
    failing_since: datetime | None
    """No attempt has succeeded since; None after a success."""
    disabled_reason: str
    """Why it is not active, when it was not a person who switched it off."""
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFigures:
    """What an endpoint has waiting, and what it failed to take."""

    endpoint_id: EndpointId
    pending: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one endpoint. `attempts` counts those since it was last replayed."""

    id: DeliveryId
    endpoint_id: EndpointId
    event_id: UUID
    type: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_at: datetime | None
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try. `status` is None when no answer came; `problem` then says why."""

    n: int
    at: datetime
    status: int | None
    problem: str
    duration_ms: int
    response: str
    """The beginning of the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetail:
    delivery: Delivery
    payload: str
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """None and empty do not filter. `type` may be a prefix such as `order.*`."""

    endpoint_id: EndpointId | None = None
    state: DeliveryState | None = None
    type: str = ""
    event_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A delivery that is ours to send until `lease`: what to post where, and the sealed secrets to sign it with."""

    id: DeliveryId
    endpoint_id: EndpointId
    event_id: UUID
    url: str
    payload: str
    attempts: int
    lease: datetime
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a try."""

    status: int | None
    problem: str = ""
    response: str = ""
    retry_after: float | None = None


class EndpointDisabled(Event, frozen=True, kw_only=True):
    """An endpoint is no longer sent to: it said 410 Gone, or has failed for days."""

    type: ClassVar[str] = "webhook_endpoint.disabled"
    endpoint_id: EndpointId
    url: str
    reason: str

    @property
    def subject(self) -> UUID | None:
        return self.endpoint_id
