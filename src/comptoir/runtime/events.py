"""The event log: rows written in the transaction that caused them, read in commit order.

A serial number is not commit order: a transaction that took number 5 may commit after one that took number 6. Each row
therefore carries its transaction's id, and a reader goes by (tx, seq) and stops before the oldest transaction that is still
in flight (`pg_snapshot_xmin`): everything before it has either committed or vanished.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NewType
from uuid import UUID

import msgspec

from comptoir.kernel.ids import ActorId, uuid7
from comptoir.runtime import arrays

EventId = NewType("EventId", UUID)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, in the past tense. Subclasses state a stable `type` such as `order.placed`.

    `subject` is the id of the one thing that it is about: its timeline is the events of that subject.
    """

    type: ClassVar[str]

    @property
    def subject(self) -> UUID | None:
        return None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it stands in the log."""

    tx: int
    seq: int
    id: UUID
    type: str
    at: datetime
    actor: str
    request_id: str
    subject: UUID | None
    data: dict[str, object]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """How far a consumer has read: everything up to and including this row."""

    tx: int = 0
    seq: int = 0


APPEND_EVENTS = """
INSERT INTO runtime.events (id, type, at, actor, request_id, subject, data)
SELECT id, type, %(at)s, actor, request_id, subject, data::jsonb
FROM unnest(%(ids)s::uuid[], %(types)s::text[], %(actors)s::text[], %(request_ids)s::text[], %(subjects)s::uuid[],
  %(data)s::text[]) WITH ORDINALITY AS e (id, type, actor, request_id, subject, data, n)
ORDER BY n
"""

READ_EVENTS = """
SELECT e.tx::text::bigint AS tx, e.seq, e.id, e.type, e.at, e.actor, e.request_id, e.subject, e.data
FROM runtime.events e
WHERE (e.tx, e.seq) > (%(tx)s::text::xid8, %(seq)s)
  AND e.tx < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY e.tx, e.seq
LIMIT %(limit)s
"""

_encoder = msgspec.json.Encoder()


def encode_events(events: Sequence[tuple[Event, ActorId, str]], at: datetime) -> dict[str, object]:
    """The parameters of APPEND_EVENTS, from (event, actor, request id)."""
    return {
        "ids": arrays.uuids([uuid7() for _ in events]),
        "types": arrays.texts([event.type for event, _, _ in events]),
        "subjects": arrays.optional_uuids([event.subject for event, _, _ in events]),
        "data": arrays.raw_texts([_encoder.encode(event) for event, _, _ in events]),
        "actors": arrays.texts([actor for _, actor, _ in events]),
        "request_ids": arrays.texts([request_id for _, _, request_id in events]),
        "at": at,
    }
