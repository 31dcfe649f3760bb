"""Schedules of runs: when orders that wait are decided together, and which orders those are."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import NotedRun
from comptoir.modules.locations.contracts import DAY
from comptoir.modules.routing import api
from comptoir.modules.routing.api import MAX_POSITION, MAX_TIMES
from comptoir.modules.routing.contracts import RuleSetId, Schedule, ScheduleDraft, ScheduleId
from comptoir.modules.routing.errors import ScheduleCodeTaken, ScheduleOff, UnknownRuleSet, UnknownSchedule
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Reader
from comptoir.surfaces import rulebook
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed_some, show, show_some
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.rule_shapes import ConditionShape, condition_of, condition_shape
from comptoir.surfaces.api.shapes import Code, Instant, Request, RuleSetRef, RunScheduleRef, Shape, Version, Words
from comptoir.surfaces.api.weekdays import Weekday, Weekdays, flags, weekdays
from comptoir.surfaces.run_task import ask_run

run_schedules = Resource(
    "Run schedules",
    "When orders that wait are decided together. An order waits for the first active schedule, by priority, then code, that is "
    "for it; else for the runs of its rule set (`every`); else it is decided at once.",
)

_Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["10:00"])]
_ClockEnd = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", examples=["20:00"])]
_Zone = Annotated[
    str, Meta(min_length=1, max_length=64, examples=["Europe/Paris"], description="The IANA time zone that its times are of.")
]
_Resting = Annotated[
    str,
    Meta(
        pattern="^[A-Z]{2}(-[A-Z0-9]{1,3})?$",
        examples=["FR"],
        description="The country, or the part of one, on whose public holidays there are no runs; null has them on every day.",
    ),
]
_Every = Annotated[
    int,
    Meta(
        ge=0,
        le=DAY,
        examples=[30],
        description="Also so many minutes after one another, from `opens` up to `closes`; 0 has only the times.",
    ),
]


class RunScheduleFields(Request, frozen=True, kw_only=True):
    """A schedule of runs as a whole: what is left out is as it usually is. `times` or `every` say when runs are."""

    code: Code
    name: Words = ""
    active: bool = True
    condition: ConditionShape = ConditionShape()
    rule_set_id: (
        Annotated[
            RuleSetRef, Meta(description="Only orders that this rule set decides; null are all, also without a rule set.")
        ]
        | None
    ) = None
    time_zone: _Zone = "UTC"
    days: Annotated[Weekdays, Meta(description="That have runs.")] = tuple(Weekday)
    times: Annotated[tuple[_Clock, ...], Meta(max_length=MAX_TIMES, examples=[["10:00", "14:00"]])] = ()
    every: _Every = 0
    opens: _Clock = "00:00"
    closes: _ClockEnd = "24:00"
    rests_in: _Resting | None = None
    priority: Annotated[
        int,
        Meta(
            ge=0,
            le=MAX_POSITION,
            examples=[1],
            description="Of those that fall together the lower decides first, and finds more.",
        ),
    ] = 0

    def draft(self) -> ScheduleDraft:
        rule_set_id = parsed_some("rule_set", self.rule_set_id)
        return ScheduleDraft(
            code=self.code,
            name=self.name,
            active=self.active,
            condition=condition_of(self.condition),
            rule_set_id=None if rule_set_id is None else RuleSetId(rule_set_id),
            time_zone=self.time_zone,
            works=flags(self.days),
            times=tuple(_minutes(clock) for clock in self.times),
            every=self.every,
            opens=_minutes(self.opens),
            closes=_minutes(self.closes),
            rests_in=self.rests_in or "",
            priority=self.priority,
        )


class LastRunShape(Shape, frozen=True, kw_only=True):
    """What the last run of a schedule did."""

    at: Instant
    orders: Annotated[int, Meta(description="That were decided together.", examples=[120])]
    moved: Annotated[int, Meta(description="That went elsewhere by it.", examples=[8])]
    saved: Annotated[
        int, Meta(description="What these cost less than before, in minor units of the house's currency.", examples=[2460])
    ]


class RunScheduleShape(Shape, frozen=True, kw_only=True):
    """A schedule of runs."""

    id: RunScheduleRef
    code: Code
    name: str
    active: bool
    condition: ConditionShape
    rule_set_id: RuleSetRef | None
    time_zone: _Zone
    days: Weekdays
    times: Annotated[list[_Clock], Meta(examples=[["10:00", "14:00"]])]
    every: _Every
    opens: _Clock
    closes: _ClockEnd
    rests_in: _Resting | None
    priority: int
    next_run_at: Annotated[Instant, Meta(description="Null while it is switched off.")] | None
    last_run: LastRunShape | None
    version: Version
    created_at: Instant
    updated_at: Instant


class RunSchedulesShape(Shape, frozen=True, kw_only=True):
    items: list[RunScheduleShape]


_EXAMPLE = {
    "code": "express",
    "name": "Express orders",
    "condition": {"services": ["express"], "least_value": 5000, "currency": "EUR"},
    "time_zone": "Europe/Paris",
    "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
    "times": ["10:00", "14:00"],
    "rests_in": "FR",
    "priority": 1,
}


@run_schedules.get("/v1/run-schedules", Scope.ROUTING_READ)
async def list_run_schedules(call: Call) -> Answer[RunSchedulesShape]:
    """List all schedules of runs, in the order in which those that fall together decide."""
    async with call.reading() as reader:
        found, noted = await api.schedules(reader), await fulfilment.noted_runs(reader)
    return call.answer(RunSchedulesShape(items=[_shape(one, noted.get(one.id)) for one in found]))


@run_schedules.post(
    "/v1/run-schedules", Scope.ROUTING_WRITE, status=201, refuses=(ScheduleCodeTaken, UnknownRuleSet), example=_EXAMPLE
)
async def create_run_schedule(call: Call, body: RunScheduleFields) -> Answer[RunScheduleShape]:
    """Add a schedule of runs. New orders that it is for wait for it; what waits already waits for whatever is for it now."""
    draft = body.draft()
    async with call.transaction() as tx:
        await rulebook.require_condition(tx, draft.condition)
        return await call.done(tx, _shape(await api.create_schedule(tx, draft), None))


@run_schedules.get("/v1/run-schedules/{run_schedule_id}", Scope.ROUTING_READ, refuses=(UnknownSchedule,))
async def get_run_schedule(call: Call) -> Answer[RunScheduleShape]:
    """Get a schedule of runs, with its next run and what its last one did."""
    async with call.reading() as reader:
        return call.answer(await _shown(reader, await api.schedule(reader, _id(call))))


@run_schedules.put(
    "/v1/run-schedules/{run_schedule_id}",
    Scope.ROUTING_WRITE,
    refuses=(UnknownSchedule, ScheduleCodeTaken, UnknownRuleSet),
    if_match=True,
    example=_EXAMPLE,
)
async def replace_run_schedule(call: Call, body: RunScheduleFields) -> Answer[RunScheduleShape]:
    """Replace a schedule of runs. What waits for a run is told anew for which: nothing waits for one that never comes."""
    draft = body.draft()
    async with call.transaction() as tx:
        await rulebook.require_condition(tx, draft.condition)
        changed = await api.update_schedule(tx, _id(call), draft, version=call.expected_version())
        return await call.done(tx, await _shown(tx, changed))


@run_schedules.delete("/v1/run-schedules/{run_schedule_id}", Scope.ROUTING_WRITE, status=204, refuses=(UnknownSchedule,))
async def delete_run_schedule(call: Call) -> Answer[None]:
    """Delete a schedule of runs. What waited for it waits for whatever is for it now, or is begun at once."""
    async with call.transaction() as tx:
        await api.delete_schedule(tx, _id(call))
        return await call.done(tx, None)


@run_schedules.post(
    "/v1/run-schedules/{run_schedule_id}/run", Scope.ROUTING_WRITE, status=202, refuses=(UnknownSchedule, ScheduleOff)
)
async def run_now(call: Call) -> Answer[RunScheduleShape]:
    """Run a schedule now, in the background: all that waits for it is decided together, and can be begun at once.

    `last_run` says when it is done. Its next run by the clock stays as it is.
    """
    async with call.transaction() as tx:
        return await call.done(tx, await _shown(tx, await ask_run(tx, _id(call))))


def _id(call: Call) -> ScheduleId:
    return ScheduleId(call.id("run_schedule"))


async def _shown(reader: Reader, one: Schedule) -> RunScheduleShape:
    return _shape(one, (await fulfilment.noted_runs(reader)).get(one.id))


def _shape(one: Schedule, last: NotedRun | None) -> RunScheduleShape:
    return RunScheduleShape(
        id=show("run_schedule", one.id),
        code=one.code,
        name=one.name,
        active=one.active,
        condition=condition_shape(one.condition),
        rule_set_id=show_some("rule_set", one.rule_set_id),
        time_zone=one.time_zone,
        days=weekdays(one.works),
        times=[_clock(minutes) for minutes in one.times],
        every=one.every,
        opens=_clock(one.opens),
        closes=_clock(one.closes),
        rests_in=one.rests_in or None,
        priority=one.priority,
        next_run_at=api.timetable(one).next_run(utcnow()) if one.active else None,
        last_run=None if last is None else LastRunShape(at=last.at, orders=last.orders, moved=last.moved, saved=last.saved),
        version=one.version,
        created_at=one.created_at,
        updated_at=one.updated_at,
    )


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
