"""The staff of the demo's locations: they pick what they are given, pack it, and now and then cannot find something.

Who is watched works: while the year is replayed as fast as it goes, parcels leave without them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from comptoir.kernel.errors import Fault, Refusal
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentFilter, LineUnits, Method, RejectReason, Stage
from comptoir.runtime.database import Database, Tx
from comptoir.surfaces.demo import state
from comptoir.surfaces.demo.loading import DEMO
from comptoir.surfaces.demo.pace import UNLIMITED

_TICK = 1.0
_AT_ONCE = 8
"""Fulfilment orders of each stage that are worked on in one tick."""
_NOT_FOUND, _DAMAGED = 3, 1
"""Of a hundred fulfilment orders so many have a line that is not found, or damaged."""


class Crew:
    """`run` it; `stop` it from another task."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(Fault):
                await self.work()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TICK)

    async def work(self) -> int:
        """One tick; gives how many fulfilment orders were worked on."""
        async with self._database.read() as reader:
            wishes = await state.read(reader)
            if wishes is None or wishes.paused or wishes.speed == UNLIMITED:
                return 0
            found: list[Fulfilment] = []
            for stage in (Stage.TO_PICK, Stage.TO_PACK):
                page = await fulfilment.find(reader, FulfilmentFilter(stages=(stage,)), limit=_AT_ONCE)
                found += await fulfilment.get_all(reader, [one.id for one in page.items])
        for one in found:
            await self._do(_step(one))
        return len(found)

    async def _do(self, step: Callable[[Tx], Awaitable[object]]) -> None:
        """What is gone meanwhile, or somebody else works on, is left alone."""
        with contextlib.suppress(Refusal, Fault):
            async with self._database.transaction(DEMO) as tx:
                await step(tx)


def _step(one: Fulfilment) -> Callable[[Tx], Awaitable[object]]:
    """What is done next with it; always the same with the same one."""
    if one.stage is Stage.TO_PICK:
        luck = one.id.int % 100
        line = next((line for line in one.lines if line.picked < line.quantity), None)
        if line is not None and luck < _NOT_FOUND + _DAMAGED and one.picked == 0:
            reason = RejectReason.NOT_FOUND if luck < _NOT_FOUND else RejectReason.DAMAGED
            missing = [LineUnits(line.line_no, 1)]
            return lambda tx: fulfilment.reject(tx, one.id, missing, reason)
        return lambda tx: fulfilment.pick(tx, one.id)
    if one.method is Method.COLLECT:
        return lambda tx: fulfilment.ready(tx, one.id)
    return lambda tx: fulfilment.pack(tx, one.id)
