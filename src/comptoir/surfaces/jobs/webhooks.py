"""Sends webhooks: claims what is due, posts it outside of any transaction, records what came of it.

Any number of workers send side by side. Each sends at most `each` at a time to one endpoint, so that a slow one holds up its
own deliveries only, and leaves an endpoint alone for a while that says it is overloaded. A worker that is killed in the
middle loses its claims after a minute, and the deliveries are sent again: receivers tell by the webhook-id.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable

import structlog

from comptoir.kernel.errors import Fault
from comptoir.kernel.time import utcnow
from comptoir.modules.webhooks import api
from comptoir.modules.webhooks.contracts import Claimed, EndpointId, Result
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database, DatabaseUnavailable
from comptoir.runtime.http import HttpClient
from comptoir.runtime.presence import REMIND_EVERY

log = structlog.get_logger("comptoir.webhooks")

_READ_BYTES = 16_384
_MAX_STATUS = 999


class WebhookSender:
    """Runs until `stop`, which lets what is under way end."""

    def __init__(
        self,
        database: Database,
        http: HttpClient,
        keyring: Keyring,
        *,
        concurrency: int = 32,
        each: int = 4,
        poll: float = 1.0,
        send_within: float = api.SEND_WITHIN,
        attempted: Callable[[str, float], None] | None = None,
    ) -> None:
        """`attempted` hears of each attempt: outcome (delivered, retry, failed, gone or lost) and seconds."""
        self._database = database
        self._http = http
        self._keyring = keyring
        self._concurrency = concurrency
        self._each = each
        self._poll = poll
        self._send_within = send_within
        self._attempted = attempted
        self._busy: Counter[EndpointId] = Counter()
        self._paused: dict[EndpointId, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        self._stopping = False
        try:
            while not self._stopping:
                self._wake.clear()
                if not await self._begin_some():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), self._poll)
        finally:
            await self._finish()

    async def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        await self._finish()

    async def drain(self) -> None:
        """Sends all that is due now, then returns."""
        while await self._begin_some() or self._tasks:
            if self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    def wake(self) -> None:
        """There is something new to send."""
        self._wake.set()

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _begin_some(self) -> int:
        """Claims what there is room for and begins to send it; gives how many."""
        room = self._concurrency - len(self._tasks)
        if room <= 0:
            return 0
        now = asyncio.get_running_loop().time()
        self._paused = {endpoint: until for endpoint, until in self._paused.items() if until > now}
        busy = {endpoint: count for endpoint, count in self._busy.items() if count} | dict.fromkeys(self._paused, self._each)
        try:
            async with self._database.transaction() as tx:
                claimed = await api.claim(tx, limit=room, each=self._each, busy=busy)
        except DatabaseUnavailable as fault:
            if not self._database.presence.troubled:
                log.warning("deliveries wait", problem=fault.detail, seldom=REMIND_EVERY)
            return 0
        for one in claimed:
            self._busy[one.endpoint_id] += 1
            task = asyncio.create_task(self._deliver(one), name=f"webhook-{one.id}")
            self._tasks.add(task)
            task.add_done_callback(lambda done, endpoint=one.endpoint_id: self._ended(done, endpoint))
        return len(claimed)

    def _ended(self, task: asyncio.Task[None], endpoint: EndpointId) -> None:
        self._tasks.discard(task)
        self._busy[endpoint] -= 1
        if not self._busy[endpoint]:
            del self._busy[endpoint]
        self._wake.set()
        if not task.cancelled() and (problem := task.exception()) is not None:
            log.error("a delivery broke", exc_info=problem)

    async def _deliver(self, claimed: Claimed) -> None:
        clock = asyncio.get_running_loop().time
        at, begun = utcnow(), clock()
        result = await self._post(claimed)
        seconds = clock() - begun
        pause = api.pause_for(result)
        if pause:
            self._paused[claimed.endpoint_id] = clock() + pause
        verdict = None
        try:
            async with self._database.transaction() as tx:
                verdict = await api.record(
                    tx,
                    claimed,
                    result,
                    at=at,
                    seconds=seconds,
                    jitter=random.random(),  # noqa: S311 - spreads load
                )
        except DatabaseUnavailable as fault:
            log.warning("an attempt could not be recorded and will be repeated", delivery=str(claimed.id), problem=fault.detail)
        log.info("webhook", delivery=str(claimed.id), verdict=verdict or "lost", status=result.status, problem=result.problem)
        if self._attempted is not None:
            self._attempted(verdict or "lost", seconds)

    async def _post(self, claimed: Claimed) -> Result:
        try:
            body, headers = api.message(claimed, self._keyring, utcnow())
            response = await self._http.exchange(
                "POST",
                claimed.url,
                content=body,
                headers=headers,
                timeout=self._send_within,
                max_bytes=_READ_BYTES,
                compressed=False,
                cut=True,
            )
        except Fault as fault:
            return Result(status=None, problem=fault.detail, retry_after=fault.retry_after)
        status = min(response.status, _MAX_STATUS)
        problem = "" if response.status < 300 else f"answered {status}"
        return Result(status=status, problem=problem, response=response.text, retry_after=response.retry_after)
