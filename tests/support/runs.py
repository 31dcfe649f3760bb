"""What the worker's clock does with runs, a step at a time."""

from __future__ import annotations

from datetime import datetime

from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.api import Batch, DueRun, Setting
from comptoir.runtime.database import Database, Reader
from comptoir.surfaces.pools import pool_id_of


async def due_batches(reader: Reader, setting: Setting, now: datetime) -> list[Batch]:
    """What all runs that are due would decide, if each were the only one."""
    found: list[Batch] = []
    for run in await fulfilment.due_runs(reader, setting, now):
        found += await fulfilment.due_batches(reader, setting, run)
    return found


async def clock(database: Database, now: datetime | None = None, seconds: float = 1.0) -> tuple[list[str], int]:
    """The runs that are due, one after another; gives their codes, and how many orders they moved."""
    setting, moved = Setting(pool_id_of), 0
    async with database.read() as reader:
        runs = await fulfilment.due_runs(reader, setting, now or utcnow())
    for run in runs:
        moved += await decide(database, setting, run, seconds)
    return [run.waits.code for run in runs], moved


async def decide(database: Database, setting: Setting, run: DueRun, seconds: float = 1.0) -> int:
    moved = 0
    async with database.read() as reader:
        batches = await fulfilment.due_batches(reader, setting, run)
    for batch in batches:
        decisions = fulfilment.decide_together(batch, seconds=seconds)
        async with database.transaction() as tx:
            moved += await fulfilment.carry_out(tx, setting, batch, decisions)
    async with database.transaction() as tx:
        await fulfilment.finish_run(tx, setting, run)
    return moved
