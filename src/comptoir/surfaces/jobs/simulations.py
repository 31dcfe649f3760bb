"""Runs simulations in the worker: reads the past, decides it again in a thread, and tells how far it is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

from comptoir.kernel.errors import Fault, Refusal
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import Drill, Tally
from comptoir.modules.routing.contracts import SimulationId
from comptoir.runtime.database import Database
from comptoir.surfaces import simulation
from comptoir.surfaces.simulation import Ground, Question

_TELL_EVERY = 1.0


class SimulationJob:
    """A job of a `JobRunner`. One that was interrupted begins again from the start."""

    def __init__(self, database: Database, target: float = 0.98) -> None:
        """`target` is the share of dates that is to be kept, for what is rehearsed."""
        self._database = database
        self._target = target

    async def __call__(self, simulation: str) -> None:
        key = SimulationId(UUID(simulation))
        async with self._database.transaction() as tx:
            if not await routing.simulation_begun(tx, key):
                return
        try:
            await self._run(key)
        except Fault:
            raise
        except Refusal as refusal:
            async with self._database.transaction() as tx:
                await routing.simulation_failed(tx, key, refusal.code)

    async def _run(self, key: SimulationId) -> None:
        async with self._database.read() as reader:
            asked = await routing.simulation(reader, key)
            live = await routing.live(reader)
            tried = None if asked.rule_set_id is None else await routing.get(reader, asked.rule_set_id)
        question = Question(asked.pool_id, asked.channels, asked.since, asked.until)
        ground = await simulation.gather(self._database, question)
        if ground is None:
            async with self._database.transaction() as tx:
                await routing.simulation_failed(tx, key, "no_orders")
            return
        as_asked = None if tried is None else replace(tried, rules=asked.rules)
        chooser = simulation.by_rules(as_asked, live, for_all=asked.for_all)
        drill = simulation.drill_of(ground)
        tally = await self._decide(key, ground, chooser, drill, with_runs=asked.with_runs)
        if tally is None:
            return
        reached = None if as_asked is None else chooser.reached
        happened = await asyncio.to_thread(simulation.happened, ground)
        rehearsed = None
        if asked.with_mishaps:
            known = await simulation.measured(self._database, question, ground)
            rehearsed = await asyncio.to_thread(simulation.rehearsed, ground, chooser, known, self._target)
        async with self._database.transaction() as tx:
            await routing.simulation_done(tx, key, happened, tally, reached=reached, rehearsed=rehearsed, drill=drill)

    async def _decide(
        self, key: SimulationId, ground: Ground, chooser: simulation.Chooser, drill: Drill, *, with_runs: bool
    ) -> Tally | None:
        """None where somebody has stopped it."""
        progress = [0]
        stop = asyncio.Event()

        def watch(done: int) -> None:
            progress[0] = done
            if stop.is_set():
                raise _Cancelled

        work = asyncio.create_task(
            asyncio.to_thread(simulation.tried, ground, chooser, watch, with_runs=with_runs, drill=drill)
        )
        while not (await asyncio.wait([work], timeout=_TELL_EVERY))[0]:
            async with self._database.transaction() as tx:
                if not await routing.simulation_goes_on(tx, key, progress[0], len(ground.jobs)):
                    stop.set()
        try:
            return await work
        except _Cancelled:
            return None


class _Cancelled(Exception):  # noqa: N818 - it is no error
    """Somebody does not want it any more."""
