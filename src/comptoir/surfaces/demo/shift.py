"""What all people of the demo have in common: they do something every few seconds while somebody watches.

While the year is replayed as fast as it goes nobody works. What becomes of something follows from its id, so that it is always
the same with the same one. Their time is the viewer's: what takes a day in a shop takes seconds here.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from comptoir.kernel.errors import Fault, Refusal
from comptoir.kernel.ids import ActorId
from comptoir.kernel.time import utcnow
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Role
from comptoir.modules.staff.errors import UnknownUser
from comptoir.runtime.database import Context, Database, Reader, Tx
from comptoir.surfaces.demo import state
from comptoir.surfaces.demo.access import address
from comptoir.surfaces.demo.loading import DEMO
from comptoir.surfaces.demo.pace import UNLIMITED

Step = Callable[[Tx], Awaitable[object]]


class Shift(ABC):
    """`run` it; `stop` it from another task."""

    every: ClassVar[float] = 1.0
    """Seconds between two looks."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.speed = UNLIMITED
        """At which the year plays, as the last look found it."""
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(Fault):
                await self.work(utcnow())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self.every)

    async def work(self, now: datetime) -> int:
        """One look; gives how much was done."""
        async with self.database.read() as reader:
            wishes = await state.read(reader)
            if wishes is None or wishes.paused or wishes.speed == UNLIMITED:
                return 0
        self.speed = wishes.speed
        return await self.look(now)

    @abstractmethod
    async def look(self, now: datetime) -> int:
        """What is there to do, and doing it; gives how much was done."""

    async def do(self, step: Step, context: Context = DEMO) -> bool:
        """A transaction. What somebody else has done meanwhile is left as it is; False then, and when the step says so."""
        with contextlib.suppress(Refusal, Fault):
            async with self.database.transaction(context) as tx:
                return await step(tx) is not False
        return False


def luck(key: UUID, draw: int = 0) -> int:
    """From 0 to 99, always the same for the same id; each `draw` is another one."""
    return key.int // 100**draw % 100


def rested(since: datetime | None, now: datetime, seconds: float) -> bool:
    """Whether it lies as it is for so long already."""
    return since is not None and now - since >= timedelta(seconds=seconds)


async def member(reader: Reader, role: Role) -> Context | None:
    """The demo's user of that role as whoever asks; None where there is none."""
    with contextlib.suppress(UnknownUser):
        user = await staff.user_by_email(reader, address(role))
        return Context(actor=ActorId(f"user:{user.id}")) if user.active else None
    return None
