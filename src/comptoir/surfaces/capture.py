"""The capture desk of one process: it gathers the requests of all callers and lets `orders.capture` answer them together.

Answers are bytes that are stored with the idempotency keys in the transaction that does the work; nobody is answered before
it has committed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from comptoir.kernel.errors import Fault, Refusal, Remedy
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.api import CaptureRequest
from comptoir.modules.orders.contracts import Candidates, Held, Placed, Placement, Widen
from comptoir.runtime import idempotency
from comptoir.runtime.batching import Batcher
from comptoir.runtime.database import Contended, Database, Locked, Outrun, Tx
from comptoir.runtime.idempotency import IdempotencyKeyReused
from comptoir.runtime.metrics import Metrics

_ATTEMPTS = 5


class Outcome(NamedTuple):
    """What the caller is told: an HTTP status and a body."""

    status: int
    body: bytes
    replayed: bool = False


class Key(NamedTuple):
    """The caller's idempotency key, and what it is for."""

    scope: str
    key: str
    fingerprint: bytes


class Call(msgspec.Struct, frozen=True):
    """One request at the desk."""

    request: CaptureRequest
    whole_pool: Callable[[], Candidates]
    """All locations that may serve it, in order; asked only when the nearest do not have it all."""
    answer: Callable[[Placed | Held | Refusal], Outcome]
    key: Key | None


class CaptureDesk:
    """Open it with `start`, close it with `stop`. `submit` may be called from any number of tasks."""

    def __init__(self, database: Database, metrics: Metrics, *, batch: int = 128) -> None:
        self._database = database
        self._metrics = metrics
        self._batcher: Batcher[Call, Outcome] = Batcher(self._work, limit=batch, at_once=3, worth_another=batch // 2)
        metrics.watch_waiting(lambda: self._batcher.waiting)

    def start(self) -> None:
        self._batcher.start()

    async def stop(self) -> None:
        await self._batcher.stop()

    async def submit(self, call: Call) -> Outcome:
        """The answer, after the commit. Raises a Fault when the database does not answer, and IdempotencyKeyReused."""
        return await self._batcher.submit(call)

    async def _work(self, calls: Sequence[Call]) -> Sequence[Outcome | Exception]:
        """Does a batch.

        Calls that the hurried look does not settle are done again with their whole pool, in a transaction of their own, so
        that locks are always taken in one order. The others are settled by then: what goes wrong later is not theirs.
        """
        started = time.perf_counter()
        try:
            first = await self._attempt(calls, hurried=True)
        except Locked:
            # Somebody sits on one of the rows. Only those who need it are to wait for it.
            first = await self._attempt_apart(calls)
        answers: list[Outcome | Exception] = []
        again: list[int] = []
        for i, answer in enumerate(first):
            if isinstance(answer, Widen):
                again.append(i)
                answers.append(Contended("asked again", remedy=Remedy.WAIT))
            else:
                answers.append(answer)
        if again:
            wider = await self._attempt_wide([_wide(calls[i]) for i in again])
            for i, answer in zip(again, wider, strict=True):
                answers[i] = answer
        self._metrics.batch_done(len(calls), time.perf_counter() - started)
        self._count(calls, answers)
        return answers

    def _count(self, calls: Sequence[Call], answers: Sequence[Outcome | Exception]) -> None:
        done = Counter(
            ("order" if isinstance(call.request, Placement) else "hold", "promised" if answer.status < 300 else "refused")
            for call, answer in zip(calls, answers, strict=True)
            if isinstance(answer, Outcome)
        )
        for (kind, outcome), count in done.items():
            self._metrics.captured.labels(kind, outcome).inc(count)

    async def _attempt_apart(self, calls: Sequence[Call]) -> list[Outcome | Exception | Widen]:
        """As `_attempt`, for those who need none of the rows that somebody holds now; the others are told to come again."""
        async with self._database.transaction() as tx:
            busy = await orders.held_up(tx, [call.request for call in calls])
        free = [call for call, held_up in zip(calls, busy, strict=True) if not held_up]
        answers = iter(await self._attempt(free, hurried=True) if free else [])
        told = Locked("the stock of these SKUs is being changed by somebody else", remedy=Remedy.WAIT, retry_after=1)
        return [told if held_up else next(answers) for held_up in busy]

    async def _attempt_wide(self, calls: Sequence[Call]) -> list[Outcome | Exception]:
        """As `_attempt`, but with every failure as an answer to the calls that it belongs to."""
        try:
            answers = await self._attempt(calls)
        except Fault as fault:
            return [fault for _ in calls]
        except Exception as problem:  # noqa: BLE001 - isolated by halving, then handed to the one caller that it belongs to
            if len(calls) == 1:
                return [problem]
            half = len(calls) // 2
            return [*await self._attempt_wide(calls[:half]), *await self._attempt_wide(calls[half:])]
        settled = [answer for answer in answers if not isinstance(answer, Widen)]
        assert len(settled) == len(calls), "with the whole pool there is nothing wider"
        return settled

    async def _attempt(self, calls: Sequence[Call], *, hurried: bool = False) -> list[Outcome | Exception | Widen]:
        for attempt in range(_ATTEMPTS):
            try:
                async with self._database.transaction(pipelined=True) as tx:
                    return await _answer(tx, calls, hurried=hurried)
            except Contended as problem:
                if attempt == _ATTEMPTS - 1:
                    raise
                hurried = hurried and not isinstance(problem, Outrun)
        raise AssertionError


async def _answer(tx: Tx, calls: Sequence[Call], *, hurried: bool) -> list[Outcome | Exception | Widen]:
    answers: list[Outcome | Exception | Widen | None] = [None] * len(calls)
    first: dict[tuple[str, str], int] = {}
    same: list[tuple[int, int]] = []
    for i, call in enumerate(calls):
        if call.key is not None and first.setdefault((call.key.scope, call.key.key), i) != i:
            same.append((i, first[call.key.scope, call.key.key]))
    twice = {i for i, _ in same}
    ask = await idempotency.ask_many(tx, list(first)) if first else None
    prepared = await orders.prepare(tx, [call.request for call in calls], hurried=hurried)
    if ask is not None:
        for key, found in (await ask()).items():
            answers[first[key]] = _replay(calls[first[key]], *found)
    fresh = [i for i, answer in enumerate(answers) if answer is None and i not in twice]
    results = await orders.capture_prepared(tx, prepared, fresh)
    stored: list[idempotency.Row] = []
    for i, result in zip(fresh, results, strict=True):
        if isinstance(result, Widen):
            answers[i] = result
            continue
        call, outcome = calls[i], calls[i].answer(result)
        answers[i] = outcome
        if call.key is not None:
            stored.append((call.key.scope, call.key.key, call.key.fingerprint, outcome.status, outcome.body))
    await idempotency.store_many(tx, stored)
    for i, original in same:
        answer = answers[original]
        key, other = calls[i].key, calls[original].key
        assert key is not None
        assert other is not None
        if isinstance(answer, Outcome) and key.fingerprint == other.fingerprint:
            answer = answer._replace(replayed=True)
        elif isinstance(answer, Outcome):
            answer = IdempotencyKeyReused(key=key.key)
        answers[i] = answer
    return [answer for answer in answers if answer is not None]


def _wide(call: Call) -> Call:
    """The same call with every location of its pool."""
    return msgspec.structs.replace(call, request=msgspec.structs.replace(call.request, candidates=call.whole_pool()))


def _replay(call: Call, fingerprint: bytes, status: int, body: bytes) -> Outcome | Exception:
    assert call.key is not None
    if call.key.fingerprint != fingerprint:
        return IdempotencyKeyReused(key=call.key.key)
    return Outcome(status, body, replayed=True)
