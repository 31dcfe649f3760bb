"""How a run is asked for before its time: deciding takes seconds, and is the worker's to do."""

from __future__ import annotations

from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Schedule, ScheduleId
from comptoir.modules.routing.errors import ScheduleOff
from comptoir.runtime import jobs
from comptoir.runtime.database import Tx

RUN_TASK = "fulfilment.run"


async def ask_run(tx: Tx, schedule_id: ScheduleId) -> Schedule:
    """A worker runs it once this transaction has committed; one that is asked for again while it waits runs once.

    Raises UnknownSchedule and ScheduleOff.
    """
    schedule = await routing.schedule(tx, schedule_id)
    if not schedule.active:
        raise ScheduleOff(code=schedule.code)
    await jobs.defer(tx, RUN_TASK, once=f"{RUN_TASK}:{schedule.id}", key=str(schedule.id))
    return schedule
