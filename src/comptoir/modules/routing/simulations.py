"""Simulations: what was asked of the past, how far it is, and what came out."""

from __future__ import annotations

from uuid import UUID

from comptoir.kernel.checking import Checks
from comptoir.kernel.ids import uuid7
from comptoir.modules.routing.contracts import (
    LONGEST_SIMULATION,
    Outcome,
    Rehearsed,
    Rules,
    Simulation,
    SimulationDraft,
    SimulationId,
    SimulationState,
)
from comptoir.modules.routing.domain.asking import SIMULATION_STEPS, SimulationStep
from comptoir.modules.routing.domain.drilling import By, Drill, Drilled, Worse
from comptoir.modules.routing.domain.simulating import Tally
from comptoir.modules.routing.errors import SimulationOver, UnknownRuleSet, UnknownSimulation
from comptoir.modules.routing.store import sets as store
from comptoir.modules.routing.store import simulations as store_simulations
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page


async def create_simulation(tx: Tx, draft: SimulationDraft) -> Simulation:
    """To be run by somebody, with the rules as they are now, also of a draft. Raises Invalid and UnknownRuleSet."""
    checks = Checks()
    name = checks.words("name", draft.name)
    checks.require("until", draft.since < draft.until, "is after since")
    checks.require("until", draft.until - draft.since <= LONGEST_SIMULATION, "is at most three years after since")
    checks.require("channels", bool(draft.channels), "has one at least")
    checks.done()
    rules, version = Rules(), 0
    if draft.rule_set_id is not None:
        rule_set = await store.get(tx, draft.rule_set_id)
        if rule_set is None:
            raise UnknownRuleSet(kind="rule_set", id=draft.rule_set_id)
        rules, version, name = rule_set.rules, rule_set.version, name or rule_set.name
    simulation_id = SimulationId(uuid7())
    await store_simulations.insert(tx, simulation_id, draft, name, rules, version)
    return await simulation(tx, simulation_id)


async def simulation(reader: Reader, simulation_id: SimulationId) -> Simulation:
    """Raises UnknownSimulation."""
    found = await store_simulations.get(reader, simulation_id)
    if found is None:
        raise UnknownSimulation(kind="simulation", id=simulation_id)
    return found


async def simulations(reader: Reader, *, limit: int = 50, cursor: str | None = None) -> Page[Simulation]:
    """The latest first."""
    return await store_simulations.LISTING.page(
        reader, store_simulations.everywhere(), sort="-created", limit=limit, cursor=cursor
    )


async def simulation_begun(tx: Tx, simulation_id: SimulationId) -> bool:
    """Whether somebody still wants it; whoever runs it begins."""
    return await _step(tx, simulation_id, SimulationStep.BEGIN)


async def _step(tx: Tx, simulation_id: SimulationId, step: SimulationStep, problem: str = "") -> bool:
    """Whether it was in a state from which the step leads on."""
    before = [state for state, asked in SIMULATION_STEPS if asked is step]
    (after,) = {SIMULATION_STEPS[state, step] for state in before}
    return await store_simulations.move(tx, simulation_id, after, before=before, problem=problem)


async def simulation_goes_on(tx: Tx, simulation_id: SimulationId, done: int, orders: int) -> bool:
    """Tells how far it is; False where somebody has cancelled it."""
    return await store_simulations.go_on(tx, simulation_id, done, orders)


async def simulation_done(
    tx: Tx,
    simulation_id: SimulationId,
    happened: Tally,
    tried: Tally,
    *,
    reached: int | None = None,
    rehearsed: Rehearsed | None = None,
    drill: Drill | None = None,
) -> None:
    """`reached` is for how many orders the rule set that is tried decided; `drill` has seen each of them."""
    await store_simulations.finish(tx, simulation_id, outcome(happened), outcome(tried), reached, rehearsed, drill)


async def simulated_orders(
    reader: Reader, simulation_id: SimulationId, kind: Worse, by: By | None = None, value: str = "", *, limit: int = 50
) -> list[Drilled]:
    """The orders that would be done worse by, of all or of one group, the worst first."""
    return await store_simulations.simulated(reader, simulation_id, kind, by, value, limit)


async def simulated(reader: Reader, simulation_id: SimulationId, order_id: UUID) -> Drilled:
    """One of them. Raises UnknownSimulation for an order that is not kept."""
    found = await store_simulations.simulated_order(reader, simulation_id, order_id)
    if found is None:
        raise UnknownSimulation(kind="simulation", id=simulation_id)
    return found


async def simulation_failed(tx: Tx, simulation_id: SimulationId, problem: str) -> None:
    await _step(tx, simulation_id, SimulationStep.FAIL, problem)


async def cancel_simulation(tx: Tx, simulation_id: SimulationId) -> Simulation:
    """Raises UnknownSimulation, and SimulationOver for one that has ended."""
    if not await _step(tx, simulation_id, SimulationStep.CANCEL):
        there = await simulation(tx, simulation_id)
        if there.state is not SimulationState.CANCELLED:
            raise SimulationOver(state=there.state)
    return await simulation(tx, simulation_id)


def outcome(tally: Tally) -> Outcome:
    """What is kept of a tally."""
    return Outcome(
        orders=tally.orders,
        units=tally.units,
        parcels=tally.parcels,
        split=tally.split,
        unserved=tally.unserved,
        lacking=tally.lacking,
        cost=tally.cost,
        distance=round(tally.distance, 1),
        carbon=round(tally.carbon / 1000, 3),
        days=tally.days,
        late=tally.late,
        promised=tally.promised,
        load=dict(tally.load),
        by_day=dict(sorted(tally.by_day.items())),
        cancelled=tally.cancelled,
        measured=tally.measured,
    )
