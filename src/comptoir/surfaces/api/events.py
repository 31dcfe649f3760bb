"""The feed of events: everything that happened, in the order in which it was committed."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from comptoir.modules.staff.contracts import Scope
from comptoir.runtime import consumers
from comptoir.runtime.events import Position, Recorded
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.feeds import FeedCursor, feed_cursor, feed_position
from comptoir.surfaces.api.identifiers import outward, show, show_actor
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import Actor, EventRef, Instant, Request, Shape

events = Resource("Events", "Everything that happened, in the order in which it was committed. Webhooks bring the same to you.")

_Type = Annotated[str, Meta(max_length=100, pattern=r"^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$", examples=["order.*"])]


class EventQuery(Request, frozen=True, kw_only=True):
    after: FeedCursor = ""
    type: Annotated[tuple[_Type, ...], Meta(max_length=50, description="Event types, or prefixes such as `order.*`.")] = ()
    limit: Annotated[int, Meta(ge=1, le=1000, description="How many at most.")] = 100


class EventShape(Shape, frozen=True, kw_only=True):
    """Something that happened."""

    id: EventRef
    type: Annotated[str, Meta(examples=["order.placed"])]
    at: Instant
    actor: Actor
    request_id: str
    data: dict[str, Any]


class Feed(Shape, frozen=True, kw_only=True):
    """Events in the order of their commits."""

    items: list[EventShape]
    next: Annotated[str, Meta(description="Ask again `after` this.", examples=["AAAAAAAAA-gAAAAAAAAAKg"])]
    caught_up: Annotated[bool, Meta(description="There is nothing more to read now.")]


@events.get("/v1/events", Scope.EVENTS_READ)
async def list_events(call: Call, query: EventQuery) -> Answer[Feed]:
    """Read the feed of events.

    From the beginning, or `after` where you have got to. An event that was given is never followed by an older one. When few
    events are of the types that you ask for, an answer may have fewer than `limit`, or none, although there are more: go on
    until `caught_up`.
    """
    position = feed_position(query.after) if query.after else Position()
    async with call.reading() as reader:
        found, after = await consumers.read_log(reader, position, query.type, query.limit)
    return call.answer(Feed(items=[_shape(one) for one in found], next=feed_cursor(after), caught_up=after == position))


def _shape(event: Recorded) -> EventShape:
    return EventShape(
        id=show("event", event.id),
        type=event.type,
        at=event.at,
        actor=show_actor(event.actor),
        request_id=event.request_id,
        data=outward(event.data),
    )
