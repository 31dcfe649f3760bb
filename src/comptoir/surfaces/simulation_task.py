"""What a process needs to know of simulations that runs none: it is to be small, and the arithmetic is not."""

from __future__ import annotations

from comptoir.modules.routing.contracts import SimulationId
from comptoir.runtime import jobs
from comptoir.runtime.database import Tx

SIMULATION_TASK = "routing.simulate"


async def enqueue(tx: Tx, simulation_id: SimulationId) -> None:
    """A worker runs it once this transaction has committed."""
    await jobs.defer(tx, SIMULATION_TASK, queue="simulations", simulation=str(simulation_id))
