"""Consumers of the event log: each reads in commit order, at its own pace, and moves its cursor in the transaction of its
effects.

- **Exactly once.** What a handler writes and how far the consumer has read commit together, so a crash repeats nothing.
- **Side by side.** Any number of workers may run the same consumers: the cursor's row is locked while a batch is being handled,
  and whoever finds it locked leaves that consumer alone.
- **A poisoned event** is found by halving its batch, tried again a few times, then parked in `runtime.parked_events` for a
  person; the consumer goes on with the next. A `Fault` that says WAIT parks nothing: the consumer waits at that event.
- **Order.** A handler gets its events in commit order, those of all patterns that name it together. When several handlers of
  one consumer fit the same batch they run one after the other, each over the whole batch.
- **Only what is wanted.** A consumer reads the events that fit its patterns and steps over the others, as many as there are; a
  notice wakes those that something is new for, the others move on when they poll.
- **The horizon.** A row is read once every older transaction of the server has ended, so one that stays open (also in another
  database of the same server) delays all consumers. Handlers are therefore short, and the database limits idle transactions.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

import psycopg
import structlog

from comptoir.kernel.errors import Fault, NotFound, Remedy
from comptoir.kernel.ids import ActorId
from comptoir.runtime.database import WAKE_CHANNEL, Context, Database, DatabaseUnavailable, Reader, Tx
from comptoir.runtime.events import READ_EVENTS, Position, Recorded
from comptoir.runtime.presence import REMIND_EVERY

Handler = Callable[[Tx, list[Recorded]], Awaitable[None]]
Outcome = Literal["idle", "moved", "busy", "wait"]

log = structlog.get_logger("comptoir.consumers")

_POLL = 1.0
_LAG_CAP = 100_000
"""Counting stops there: that far behind, the exact number no longer matters."""
_LONGEST_WAIT = 30.0
_SCAN = 10_000

_REGISTER = """
INSERT INTO runtime.consumers (name, tx, seq, moved_at)
SELECT %(name)s, CASE WHEN %(beginning)s THEN '0'::xid8 ELSE pg_snapshot_xmin(pg_current_snapshot()) END, 0, now()
ON CONFLICT (name) DO NOTHING
"""

_AHEAD = """
SELECT e.tx >= pg_snapshot_xmax(pg_current_snapshot()) FROM runtime.events e ORDER BY e.tx DESC, e.seq DESC LIMIT 1
"""

_BEHIND = """
SELECT c.name FROM runtime.consumers c
WHERE c.name = %(name)s AND (
  (
    SELECT e.tx < pg_snapshot_xmin(pg_current_snapshot()) FROM runtime.events e
    WHERE (e.tx, e.seq) > (c.tx, c.seq) ORDER BY e.tx, e.seq LIMIT 1
  )
  OR EXISTS (SELECT FROM runtime.parked_events p WHERE p.consumer = c.name AND p.attempts = 0)
)
"""
"""The first event after it says it all: asked whether there is any, the planner reads the whole log to find none."""

_HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS tx, 0 AS seq"

_NEWS = """
SELECT DISTINCT ON (fresh.type) fresh.type, fresh.tx::text::bigint, fresh.seq FROM (
  SELECT tx, seq, type FROM runtime.events
  WHERE (tx, seq) > (%(tx)s::text::xid8, %(seq)s) AND tx < pg_snapshot_xmin(pg_current_snapshot())
  ORDER BY tx, seq LIMIT %(scan)s
) fresh ORDER BY fresh.type, fresh.tx DESC, fresh.seq DESC
"""

_LOCK = "SELECT tx::text::bigint AS tx, seq FROM runtime.consumers WHERE name = %(name)s FOR UPDATE SKIP LOCKED"

_MOVE = "UPDATE runtime.consumers SET tx = %(tx)s::text::xid8, seq = %(seq)s, moved_at = %(now)s WHERE name = %(name)s"

_PARK = """
INSERT INTO runtime.parked_events (consumer, event_id, tx, seq, problem, attempts, at)
VALUES (%(consumer)s, %(id)s, %(tx)s::text::xid8, %(seq)s, %(problem)s, %(attempts)s, %(now)s)
"""

_PARK_AGAIN = """
UPDATE runtime.parked_events SET problem = %(problem)s, attempts = %(attempts)s, at = %(now)s
WHERE consumer = %(consumer)s AND event_id = %(id)s
"""

_PARKED = """
SELECT p.consumer, p.event_id, e.type, e.at AS happened_at, p.problem, p.attempts, p.at
FROM runtime.parked_events p LEFT JOIN runtime.events e ON (e.tx, e.seq) = (p.tx, p.seq)
WHERE %(name)s::text IS NULL OR p.consumer = %(name)s
ORDER BY p.consumer, p.tx, p.seq
LIMIT %(limit)s
"""

_UNPARKED = """
SELECT e.tx::text::bigint AS tx, e.seq, e.id, e.type, e.at, e.actor, e.request_id, e.subject, e.data
FROM runtime.parked_events p JOIN runtime.events e ON (e.tx, e.seq) = (p.tx, p.seq)
WHERE p.consumer = %(name)s AND p.attempts = 0
ORDER BY p.tx, p.seq
LIMIT 1
FOR UPDATE OF p SKIP LOCKED
"""

_LAG = """
SELECT c.name, coalesce(waiting.events, 0) AS events,
  greatest(coalesce(extract(epoch FROM clock_timestamp() - waiting.oldest), 0), 0)::float AS seconds,
  (SELECT count(*) FROM runtime.parked_events p WHERE p.consumer = c.name) AS parked
FROM runtime.consumers c LEFT JOIN LATERAL (
  SELECT count(*) AS events, min(at) AS oldest
  FROM (SELECT e.at FROM runtime.events e WHERE (e.tx, e.seq) > (c.tx, c.seq) ORDER BY e.tx, e.seq LIMIT %(cap)s) e
) waiting ON true
ORDER BY c.name
"""

# The log is in the order of time, so that what is old stands at its beginning.
_PURGE = """
WITH oldest AS (
  SELECT tx, seq, at FROM runtime.events ORDER BY tx, seq LIMIT %(limit)s
), read AS (
  SELECT tx, seq FROM runtime.consumers ORDER BY tx, seq LIMIT 1
)
DELETE FROM runtime.events e USING oldest o, read r
WHERE (e.tx, e.seq) = (o.tx, o.seq) AND o.at < %(older_than)s AND (o.tx, o.seq) <= (r.tx, r.seq)
  AND NOT EXISTS (SELECT FROM runtime.parked_events p WHERE (p.tx, p.seq) = (o.tx, o.seq))
"""

_REWIND = """
UPDATE runtime.consumers SET tx = %(tx)s::text::xid8, seq = %(seq)s, moved_at = now() WHERE name = %(name)s
"""

_FIRST_SINCE = """
SELECT e.tx::text::bigint AS tx, e.seq - 1 AS seq FROM runtime.events e WHERE e.at >= %(at)s ORDER BY e.tx, e.seq LIMIT 1
"""

_SCAN_END = """
SELECT tx::text::bigint AS tx, seq FROM (
  SELECT tx, seq FROM runtime.events
  WHERE (tx, seq) > (%(tx)s::text::xid8, %(seq)s) AND tx < pg_snapshot_xmin(pg_current_snapshot())
  ORDER BY tx, seq LIMIT %(scan)s
) scanned ORDER BY scanned.tx DESC, seq DESC LIMIT 1
"""

_READ_TYPES = """
SELECT e.tx::text::bigint AS tx, e.seq, e.id, e.type, e.at, e.actor, e.request_id, e.subject, e.data
FROM runtime.events e
WHERE (e.tx, e.seq) > (%(tx)s::text::xid8, %(seq)s) AND (e.tx, e.seq) <= (%(end_tx)s::text::xid8, %(end_seq)s)
  AND (e.type = ANY(%(types)s::text[]) OR e.type LIKE ANY(%(prefixes)s::text[]))
ORDER BY e.tx, e.seq
LIMIT %(limit)s
"""


def fits(pattern: str, event_type: str) -> bool:
    """Whether a type falls under a pattern: itself, `prefix.*`, or `*` for all."""
    return pattern in {event_type, "*"} or (pattern.endswith(".*") and event_type.startswith(pattern[:-1]))


@dataclass(frozen=True, slots=True)
class Consumer:
    """One reader of the log. `start` says where it begins the first time that it is seen.

    "now" is the horizon: all that commits from then on, and what committed just before while older transactions were open.
    """

    name: str
    handlers: Mapping[str, Handler]
    batch: int = 500
    start: Literal["now", "beginning"] = "now"
    attempts: int = 5
    """How often an event that breaks a handler is tried before it is parked."""
    backoff: float = 0.2
    """Seconds before the second try; doubled for each further one."""


@dataclass(frozen=True, slots=True)
class ConsumerLag:
    """How far a consumer is behind; `events` counts to 100,000 and includes those that are not yet safe to read."""

    name: str
    events: int
    seconds: float
    parked: int


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    consumer: str
    event_id: UUID
    type: str | None
    happened_at: datetime | None
    problem: str
    attempts: int
    at: datetime


@dataclass(slots=True)
class _State:
    """What one process remembers of a consumer: the size of its next batch, and how often its next event broke it."""

    limit: int
    culprit: UUID | None = None
    tries: int = 0
    waits: int = 0
    wait_for: float = field(default=0.0)


async def lag(reader: Reader) -> list[ConsumerLag]:
    return await reader.all(ConsumerLag, _LAG, {"cap": _LAG_CAP})


async def parked(reader: Reader, name: str | None = None, limit: int = 200) -> list[ParkedEvent]:
    return await reader.all(ParkedEvent, _PARKED, {"name": name, "limit": limit})


async def unpark(tx: Tx, name: str, event_id: UUID) -> None:
    """Asks the workers to handle a parked event again; when it breaks once more it is parked again. Raises NotFound."""
    asked = await tx.run(
        "UPDATE runtime.parked_events SET attempts = 0 WHERE consumer = %(name)s AND event_id = %(id)s",
        {"name": name, "id": event_id},
    )
    if not asked:
        raise NotFound(kind="parked_event", consumer=name, event_id=str(event_id))


async def discard(tx: Tx, name: str, event_id: UUID) -> None:
    """Gives up on a parked event: this consumer will never see it. Raises NotFound."""
    gone = await tx.run(
        "DELETE FROM runtime.parked_events WHERE consumer = %(name)s AND event_id = %(id)s", {"name": name, "id": event_id}
    )
    if not gone:
        raise NotFound(kind="parked_event", consumer=name, event_id=str(event_id))


async def rewind(tx: Tx, name: str, to: Position | datetime) -> Position:
    """Makes a consumer read again all after a position, or all that happened from an instant on; gives where it now stands.

    Its handlers see those events a second time: only for handlers whose effects are idempotent. Waits for a batch under way.
    Raises NotFound for a consumer that does not exist, and when nothing happened since that instant.
    """
    if isinstance(to, datetime):
        first = await tx.one(Position, _FIRST_SINCE, {"at": to})
        if first is None:
            raise NotFound(kind="event", since=to.isoformat())
        to = first
    if not await tx.run(_REWIND, {"name": name, "tx": str(to.tx), "seq": to.seq}):
        raise NotFound(kind="consumer", name=name)
    return to


async def purge(tx: Tx, older_than: datetime, limit: int = 5_000) -> int:
    """Forgets events from before an instant that every consumer has read and none has parked, at most `limit`; gives how many.

    The timelines of orders are made of them. Readers of the feed that were away for longer miss them.
    """
    return await tx.run(_PURGE, {"older_than": older_than, "limit": limit})


async def read_log(
    reader: Reader, position: Position, types: Sequence[str] = (), limit: int = 100
) -> tuple[list[Recorded], Position]:
    """Events after a position in commit order, and the position to go on from; `types` may hold prefixes such as `order.*`.

    At most 10,000 events are looked at, so that a rare type costs no scan of the whole log: fewer than `limit` may come
    although there are more. Whoever gets back the position that was asked for has caught up.
    """
    params: dict[str, object] = {"tx": str(position.tx), "seq": position.seq, "limit": limit}
    if not types or "*" in types:
        found = await reader.all(Recorded, READ_EVENTS, params)
        return found, Position(found[-1].tx, found[-1].seq) if found else position
    # Up to `end` all transactions have ended, so that the second statement sees what the first one counted.
    end = await reader.one(Position, _SCAN_END, params | {"scan": _SCAN})
    if end is None:
        return [], position
    params |= {"end_tx": str(end.tx), "end_seq": end.seq}
    params["types"] = [name for name in types if not name.endswith(".*")]
    params["prefixes"] = [_starts_with(name[:-1]) for name in types if name.endswith(".*")]
    found = await reader.all(Recorded, _READ_TYPES, params)
    return found, Position(found[-1].tx, found[-1].seq) if len(found) == limit else end


def _starts_with(prefix: str) -> str:
    """A LIKE pattern."""
    return prefix.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


class ConsumerRunner:
    """Runs consumers in this process until `stop`. Each has a task of its own, so that a slow one holds up no other."""

    def __init__(self, database: Database, consumers: Sequence[Consumer], *, poll: float = _POLL) -> None:
        names = [consumer.name for consumer in consumers]
        assert len(set(names)) == len(names), "every consumer has a name of its own"
        self._database = database
        self._consumers = consumers
        self._poll = poll
        self._states = {consumer.name: _State(consumer.batch) for consumer in consumers}
        self._wakes = {consumer.name: asyncio.Event() for consumer in consumers}
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()
        self._heard: Position | None = None
        """Up to where it is known whom events are for."""
        self._listeners: list[asyncio.Task[None]] = []

    async def register(self) -> None:
        """Gives every new consumer its cursor. Done before the first event that must not be missed."""
        async with self._database.transaction() as tx:
            for consumer in self._consumers:
                await tx.run(_REGISTER, {"name": consumer.name, "beginning": consumer.start == "beginning"})

    async def start(self) -> None:
        await self.register()
        async with self._database.read() as reader:
            if await reader.value(_AHEAD):
                log.error("the event log is ahead of the server: restored from a dump? run `comptoir doctor --repair`")
        self._listeners = [
            asyncio.create_task(self._listen(), name="consumers-listen"),
            asyncio.create_task(self._spread(), name="consumers-spread"),
        ]
        self._tasks = [asyncio.create_task(self._loop(one), name=f"consumer-{one.name}") for one in self._consumers]

    async def stop(self) -> None:
        """Finishes the batches under way."""
        self._stopping.set()
        for wake in self._wakes.values():
            wake.set()
        for listener in self._listeners:
            listener.cancel()
        await asyncio.gather(*self._tasks, *self._listeners, return_exceptions=True)
        self._tasks, self._listeners = [], []

    async def run(self) -> None:
        """Until `stop`, or until a bug in here ends it."""
        while True:
            try:
                await self.start()
                break
            except DatabaseUnavailable as fault:
                self._complain(fault)
                await self._pause(self._poll)
            if self._stopping.is_set():
                return
        try:
            await asyncio.gather(*self._tasks)
        finally:
            await asyncio.shield(self.stop())

    async def drain(self) -> None:
        """Handles all that can be read now, consumer after consumer; for tests and for commands that end."""
        await self.register()
        for consumer in self._consumers:
            while True:
                outcome = await self._advance(consumer)
                if outcome in {"idle", "busy"}:
                    break
                if outcome == "wait":
                    await asyncio.sleep(self._states[consumer.name].wait_for)

    async def _listen(self) -> None:
        """Asks what is new at each notice, and each second; without a connection consumers poll."""
        while True:
            try:
                notices = cast("AsyncGenerator[psycopg.Notify | None]", self._database.listen(WAKE_CHANNEL))
                async with contextlib.aclosing(notices):
                    async for _ in notices:
                        self._news.set()
            except psycopg.Error:
                self._database.presence.lost()
            await asyncio.sleep(self._poll)

    async def _spread(self) -> None:
        """Wakes those that something is new for."""
        while True:
            await self._news.wait()
            self._news.clear()
            with contextlib.suppress(Fault):  # who is not woken polls
                await self._wake()

    async def _wake(self) -> None:
        types: set[str] = set()
        async with self._database.read() as reader:
            if self._heard is None:
                self._heard = await reader.one(Position, _HORIZON)
                types.add("*")
            while self._heard is not None:
                params = {"tx": str(self._heard.tx), "seq": self._heard.seq, "scan": _SCAN}
                rows = await reader.rows(_NEWS, params)
                if not rows:
                    break
                types.update(name for name, _, _ in rows)
                self._heard = Position(*max((tx, seq) for _, tx, seq in rows))
        for consumer in self._consumers:
            if "*" in types or any(fits(pattern, name) for pattern in consumer.handlers for name in types):
                self._wakes[consumer.name].set()

    async def _loop(self, consumer: Consumer) -> None:
        wake = self._wakes[consumer.name]
        while not self._stopping.is_set():
            wake.clear()
            try:
                outcome = await self._advance(consumer)
            except DatabaseUnavailable as fault:
                self._complain(fault)
                outcome = "idle"
            if outcome == "moved":
                continue
            if outcome == "wait":
                await self._pause(self._states[consumer.name].wait_for)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), self._poll)

    def _complain(self, fault: DatabaseUnavailable) -> None:
        if not self._database.presence.troubled:  # else it has been told
            log.warning("the database does not do what it is asked", problem=fault.detail, seldom=REMIND_EVERY)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _advance(self, consumer: Consumer) -> Outcome:
        """One batch. "busy" means that another worker has this consumer."""
        async with self._database.read() as reader:
            # A look without a lock: it takes no transaction id, which an idle worker would otherwise burn once a second.
            if await reader.value(_BEHIND, {"name": consumer.name}) is None:
                return "idle"
        state = self._states[consumer.name]
        batch: list[Recorded] = []
        try:
            async with self._database.transaction(Context(actor=_actor(consumer))) as tx:
                outcome = await self._take(tx, consumer, state.limit, batch)
        except Fault as fault:
            if fault.remedy is Remedy.WAIT or isinstance(fault, DatabaseUnavailable):
                _wait(consumer, state, len(batch), fault)
                if not self._database.presence.troubled:
                    log.info("waiting", consumer=consumer.name, problem=fault.detail, seconds=state.wait_for)
                return "wait"
            return await self._failed(consumer, state, batch, fault)
        except Exception as problem:  # noqa: BLE001 - isolated by halving, then parked with its reason for a person
            return await self._failed(consumer, state, batch, problem)
        if outcome == "moved":
            state.limit = min(state.limit * 2, consumer.batch)
            state.culprit, state.tries, state.waits = None, 0, 0
        return outcome

    async def _take(self, tx: Tx, consumer: Consumer, limit: int, batch: list[Recorded]) -> Outcome:
        """Handles what a person asked to be handled again, else what comes next; `batch` says what it was, also when it
        breaks.
        """
        cursor = await tx.one(Position, _LOCK, {"name": consumer.name})
        if cursor is None:
            return "busy"
        again = await tx.one(Recorded, _UNPARKED, {"name": consumer.name})
        if again is not None:
            batch.append(again)
            await self._handle(tx, consumer, batch)
            await discard(tx, consumer.name, again.id)
            return "moved"
        found, position = await read_log(tx, cursor, tuple(consumer.handlers), limit)
        batch.extend(found)
        if position == cursor:
            return "idle"
        if batch:
            await self._handle(tx, consumer, batch)
        else:
            await tx.run("SET LOCAL synchronous_commit TO off")  # who loses this steps over the same events once more
        await self._move(tx, consumer, position)
        return "moved"

    async def _handle(self, tx: Tx, consumer: Consumer, batch: list[Recorded]) -> None:
        patterns: dict[Handler, list[str]] = {}
        for pattern, handler in consumer.handlers.items():
            patterns.setdefault(handler, []).append(pattern)
        for handler, wanted in patterns.items():
            events = [event for event in batch if any(fits(pattern, event.type) for pattern in wanted)]
            if events:
                await handler(tx, events)

    async def _move(self, tx: Tx, consumer: Consumer, to: Position) -> None:
        moved = await tx.run(_MOVE, {"name": consumer.name, "tx": str(to.tx), "seq": to.seq, "now": tx.now})
        assert moved == 1, "the cursor is locked, so it is there"

    async def _failed(self, consumer: Consumer, state: _State, batch: list[Recorded], problem: Exception) -> Outcome:
        """Narrows a failing batch down to the one event; tries that some more; parks it."""
        if not batch:
            raise problem
        if len(batch) > 1:
            state.limit = len(batch) // 2
            return "moved"
        event = batch[0]
        state.tries = state.tries + 1 if state.culprit == event.id else 1
        state.culprit = event.id
        log.warning(
            "a handler broke", consumer=consumer.name, event_type=event.type, event_id=str(event.id), tries=state.tries,
            exc_info=problem,
        )  # fmt: skip
        if state.tries < consumer.attempts:
            state.wait_for = min(consumer.backoff * 2 ** (state.tries - 1), _LONGEST_WAIT)
            return "wait"
        await self._park(consumer, event, f"{type(problem).__name__}: {problem}", state.tries)
        state.culprit, state.tries = None, 0
        return "moved"

    async def _park(self, consumer: Consumer, event: Recorded, problem: str, tries: int) -> None:
        async with self._database.transaction(Context(actor=_actor(consumer))) as tx:
            cursor = await tx.one(Position, _LOCK, {"name": consumer.name})
            if cursor is None:  # another worker has taken over and will find out for itself
                return
            row = {
                "consumer": consumer.name,
                "id": event.id,
                "tx": str(event.tx),
                "seq": event.seq,
                "problem": problem[:2000].replace("\0", ""),
                "attempts": tries,
                "now": tx.now,
            }
            if await tx.run(_PARK_AGAIN, row):
                return
            if (event.tx, event.seq) > (cursor.tx, cursor.seq):  # else another worker has got past it meanwhile
                await tx.run(_PARK, row)
                await self._move(tx, consumer, Position(event.tx, event.seq))


def _actor(consumer: Consumer) -> ActorId:
    return ActorId(f"consumer:{consumer.name}")


def _wait(consumer: Consumer, state: _State, size: int, fault: Fault) -> None:
    """The world is away: nothing is parked, and the next try is smaller in case the batch was too much for it."""
    state.waits += 1
    state.limit = max(1, size // 2)
    state.wait_for = min(fault.retry_after or consumer.backoff * 2 ** min(state.waits - 1, 10), _LONGEST_WAIT)
