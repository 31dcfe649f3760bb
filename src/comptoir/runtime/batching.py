"""What arrives together is done together.

A process takes all that is waiting (up to `limit`), does it as one batch and gives each caller its own answer. Meanwhile the
next one gathers, so that the batch size follows the load: one at a time when it is quiet. Where `worth_another` are waiting, up
to `at_once` batches are done side by side: one has work for the processor while the other waits for the database.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from comptoir.kernel.errors import Fault, Remedy

Q = TypeVar("Q")
A = TypeVar("A")


class Overloaded(Fault):
    """More is waiting than will be done soon; nothing was begun."""

    code = "overloaded"


class Batcher(Generic[Q, A]):
    """Runs `work` on batches. `work` gives one answer or one exception per question, in order.

    When `work` itself raises anything but a `Fault`, the batch is halved and tried again, so that a question that breaks it
    breaks alone; a `Fault` is everybody's (the database is away) and goes to every caller.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]],
        *,
        limit: int = 256,
        at_once: int = 1,
        worth_another: int = 1,
        waiting_limit: int = 8192,
    ) -> None:
        self._work = work
        self._limit = limit
        self._at_once = at_once
        self._worth_another = worth_another
        self._waiting_limit = waiting_limit
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._future: Callable[[], asyncio.Future[A]] = asyncio.Future
        """Makes a future of the running loop; asking which loop runs costs a call to the system."""
        self._beginning = False
        """`_begin` is about to be called."""
        self._running: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def start(self) -> None:
        assert self._loop is None, "started already"
        self._loop = asyncio.get_running_loop()
        self._future = self._loop.create_future
        self._soon()

    async def stop(self) -> None:
        """Finishes the batches that are under way; whoever still waits is told to retry."""
        if self._loop is None:
            return
        self._loop = None
        if self._running:
            await asyncio.wait(self._running)
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_exception(Overloaded("shutting down", remedy=Remedy.WAIT, retry_after=1))

    async def submit(self, question: Q) -> A:
        """The answer to this question; raises what `work` gave for it."""
        if len(self._waiting) >= self._waiting_limit:
            raise Overloaded(f"{len(self._waiting)} are waiting already", remedy=Remedy.WAIT, retry_after=1)
        future = self._future()
        self._waiting.append((question, future))
        if not self._beginning and self._may_begin():
            self._soon()
        return await future

    def _may_begin(self) -> bool:
        running = len(self._running)
        return not running or (running < self._at_once and len(self._waiting) >= self._worth_another)

    def _soon(self) -> None:
        """Once everybody who is on the way has arrived: what one turn of the loop brings is one batch."""
        if self._loop is not None:
            self._beginning = True
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        self._beginning = False
        while self._loop is not None and self._waiting and self._may_begin():
            entries = [self._waiting.popleft() for _ in range(min(self._limit, len(self._waiting)))]
            batch = [entry for entry in entries if not entry[1].done()]
            if batch:
                task = self._loop.create_task(self._answer(batch))
                self._running.add(task)
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not self._beginning:
            self._begin()

    async def _answer(self, batch: list[tuple[Q, asyncio.Future[A]]]) -> None:
        try:
            answers = await self._work([question for question, _ in batch])
        except Fault as fault:
            for _, future in batch:
                if not future.done():
                    future.set_exception(fault)
            return
        except Exception as problem:  # noqa: BLE001 - isolated by halving, then handed to the one caller that it belongs to
            if len(batch) == 1:
                if not batch[0][1].done():
                    batch[0][1].set_exception(problem)
                return
            half = len(batch) // 2
            await self._answer(batch[:half])
            await self._answer(batch[half:])
            return
        assert len(answers) == len(batch), "one answer per question"
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
