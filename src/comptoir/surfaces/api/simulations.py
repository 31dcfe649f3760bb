"""Past orders under other rules."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from comptoir.kernel.checking import Checks
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.errors import UnknownChannel
from comptoir.modules.routing import api
from comptoir.modules.routing.contracts import (
    Outcome,
    Rehearsed,
    RuleSetId,
    Simulation,
    SimulationDraft,
    SimulationId,
    SimulationState,
)
from comptoir.modules.routing.errors import SimulationOver, UnknownRuleSet, UnknownSimulation
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed_some, show, show_actor, show_location, show_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    Actor,
    Code,
    Instant,
    LocationRef,
    Minor,
    PageQuery,
    PoolRef,
    Request,
    RuleSetRef,
    Shape,
    SimulationRef,
    Words,
)
from comptoir.surfaces.simulation_task import enqueue

simulations = Resource("Simulations", "What would have happened under other rules: past orders, decided again.")

_Count = Annotated[int, Meta(examples=[1200])]


class NewSimulation(Request, frozen=True, kw_only=True):
    """Channels that sell from one pool, and a stretch of the past."""

    name: Words = ""
    channels: Annotated[tuple[Code, ...], Meta(min_length=1, max_length=50)]
    since: Instant
    until: Instant
    rule_set_id: Annotated[RuleSetRef, Meta(description="Also a draft; without it, what decides now.")] | None = None
    for_all: Annotated[bool, Meta(description="Whatever its share of the orders is.")] = False
    with_runs: Annotated[bool, Meta(description="Rules with runs decide together, as they do live; it takes long.")] = False
    with_mishaps: Annotated[bool, Meta(description="Also rehearse how many dates are kept.")] = False


class LoadShape(Shape, frozen=True, kw_only=True):
    location_id: LocationRef
    parcels: _Count


class DayShape(Shape, frozen=True, kw_only=True):
    day: date
    parcels: _Count


class OutcomeShape(Shape, frozen=True, kw_only=True):
    """What a way of routing meant, with the rates and calendars of now."""

    orders: _Count
    units: _Count
    parcels: _Count
    split: Annotated[int, Meta(description="Orders in more than one parcel.", examples=[40])]
    unserved: Annotated[int, Meta(description="Orders of which nothing could be sent.", examples=[0])]
    lacking: Annotated[int, Meta(description="Units that nobody might send.", examples=[3])]
    cost: Minor
    distance_km: float
    carbon_kg: float
    days: Annotated[int, Meta(description="To the last parcel, over all orders that were served.", examples=[3000])]
    cancelled: Annotated[
        int,
        Meta(description="Units cancelled for want of stock; of `tried`, those that could not be sent either.", examples=[2]),
    ]
    late: _Count
    measured: Annotated[int, Meta(description="Promised orders of which it is known when they came.", examples=[900])]
    promised: Annotated[int, Meta(description="Orders that were promised for a day.", examples=[1100])]
    load: Annotated[list[LoadShape], Meta(description="The busiest first.")]
    by_day: list[DayShape]


class RehearsedShape(Shape, frozen=True, kw_only=True):
    """Dates told and kept, with stores giving back and parcels coming late as they were measured to."""

    promised: _Count
    kept: _Count
    days: Annotated[int, Meta(description="From the orders to the days that they were told.", examples=[3000])]
    rejected: Annotated[int, Meta(description="Parts that stores would have given back.", examples=[20])]
    rejects: Annotated[float, Meta(description="The share of parts that stores gave back.", examples=[0.06])]
    late: Annotated[float, Meta(description="The share of parcels that came late.", examples=[0.05])]


class SimulationShape(Shape, frozen=True, kw_only=True):
    """A simulation. What happened and what would have are there when it is done."""

    id: SimulationRef
    name: str
    pool_id: PoolRef
    channels: list[Code]
    since: Instant
    until: Instant
    rule_set_id: RuleSetRef | None
    rule_set_version: int
    for_all: bool
    with_runs: bool
    with_mishaps: bool
    state: SimulationState
    orders: _Count
    done: Annotated[int, Meta(description="Orders that have been decided.", examples=[800])]
    happened: OutcomeShape | None
    tried: OutcomeShape | None
    reached: Annotated[int, Meta(description="Orders that the rule set decided.", examples=[1200])] | None
    rehearsed: RehearsedShape | None
    problem: str
    created_at: Instant
    created_by: Actor
    finished_at: Instant | None


@simulations.post(
    "/v1/simulations",
    Scope.ROUTING_WRITE,
    status=202,
    refuses=(UnknownChannel, UnknownRuleSet),
    example={"channels": ["web-fr"], "since": "2026-10-01T00:00:00Z", "until": "2026-11-01T00:00:00Z"},
)
async def simulate(call: Call, body: NewSimulation) -> Answer[SimulationShape]:
    """Decide past orders again, under a rule set or as is decided now. It runs in the background and changes nothing."""
    rule_set_id = parsed_some("rule_set", body.rule_set_id)
    async with call.transaction() as tx:
        pools = {(await channels.by_code(tx, code)).pool_id for code in body.channels}
        checks = Checks()
        checks.require("channels", len(pools) == 1, "sell from one pool")
        checks.done()
        draft = SimulationDraft(
            name=body.name,
            pool_id=pools.pop(),
            channels=body.channels,
            since=body.since,
            until=body.until,
            rule_set_id=None if rule_set_id is None else RuleSetId(rule_set_id),
            for_all=body.for_all,
            with_runs=body.with_runs,
            with_mishaps=body.with_mishaps,
        )
        made = await api.create_simulation(tx, draft)
        await enqueue(tx, made.id)
        return await call.done(tx, _shape(made))


@simulations.get("/v1/simulations", Scope.ROUTING_READ)
async def list_simulations(call: Call, query: PageQuery) -> Answer[PageOf[SimulationShape]]:
    """List simulations, the latest first."""
    async with call.reading() as reader:
        page = await api.simulations(reader, limit=query.limit, cursor=query.cursor)
    return call.page(page, _shape)


@simulations.get("/v1/simulations/{simulation_id}", Scope.ROUTING_READ, refuses=(UnknownSimulation,))
async def get_simulation(call: Call) -> Answer[SimulationShape]:
    """Get a simulation: how far it is, and what came out."""
    async with call.reading() as reader:
        return call.answer(_shape(await api.simulation(reader, SimulationId(call.id("simulation")))))


@simulations.post("/v1/simulations/{simulation_id}/cancel", Scope.ROUTING_WRITE, refuses=(UnknownSimulation, SimulationOver))
async def cancel_simulation(call: Call) -> Answer[SimulationShape]:
    """Stop a simulation."""
    async with call.transaction() as tx:
        return await call.done(tx, _shape(await api.cancel_simulation(tx, SimulationId(call.id("simulation")))))


def _shape(one: Simulation) -> SimulationShape:
    return SimulationShape(
        id=show("simulation", one.id),
        name=one.name,
        pool_id=show("pool", one.pool_id),
        channels=list(one.channels),
        since=one.since,
        until=one.until,
        rule_set_id=show_some("rule_set", one.rule_set_id),
        rule_set_version=one.version,
        for_all=one.for_all,
        with_runs=one.with_runs,
        with_mishaps=one.with_mishaps,
        state=one.state,
        orders=one.orders,
        done=one.done,
        happened=None if one.happened is None else _outcome(one.happened),
        tried=None if one.tried is None else _outcome(one.tried),
        reached=one.reached,
        rehearsed=None if one.rehearsed is None else _rehearsed(one.rehearsed),
        problem=one.problem,
        created_at=one.created_at,
        created_by=show_actor(one.created_by),
        finished_at=one.finished_at,
    )


def _rehearsed(one: Rehearsed) -> RehearsedShape:
    return RehearsedShape(
        promised=one.promised, kept=one.kept, days=one.days, rejected=one.rejected, rejects=one.rejects, late=one.late
    )


def _outcome(one: Outcome) -> OutcomeShape:
    load = sorted(one.load.items(), key=lambda pair: (-pair[1], pair[0]))
    return OutcomeShape(
        orders=one.orders,
        units=one.units,
        parcels=one.parcels,
        split=one.split,
        unserved=one.unserved,
        lacking=one.lacking,
        cost=one.cost,
        distance_km=one.distance,
        carbon_kg=one.carbon,
        days=one.days,
        cancelled=one.cancelled,
        late=one.late,
        measured=one.measured,
        promised=one.promised,
        load=[LoadShape(location_id=show_location(place), parcels=parcels) for place, parcels in load],
        by_day=[DayShape(day=day, parcels=parcels) for day, parcels in one.by_day.items()],
    )
