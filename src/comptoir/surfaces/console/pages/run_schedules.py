"""Schedules of runs: when orders that wait are decided together, in which order, and what the last run of each did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from comptoir.i18n import N_
from comptoir.kernel.calendars import keeps_holidays
from comptoir.kernel.errors import NotFound, Refusal, Stale
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import NotedRun
from comptoir.modules.locations.contracts import DAY
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import MAX_POSITION, MAX_TIMES
from comptoir.modules.routing.contracts import (
    RULE_SET_PREFIX,
    SCHEDULE_PREFIX,
    RuleSet,
    RuleSetId,
    Schedule,
    ScheduleDraft,
    ScheduleId,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces import rulebook
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, condition_blanks, lists
from comptoir.surfaces.console.pages.amounts import house_currency
from comptoir.surfaces.console.pages.days import ticked_days, week
from comptoir.surfaces.console.pages.locations import zones
from comptoir.surfaces.console.pages.routing import rule_set_href, rule_set_text
from comptoir.surfaces.console.pages.routing_words import Teller, capital, teller
from comptoir.surfaces.console.pages.run_words import When, clock, did, place_of, runs_words, time_of, times_of, when
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.run_task import ask_run

area = Area("routing")

LIST = "/routing/schedules"
SINGLE = (
    "code", "name", "active", "priority", "rule_set", "time_zone", "times", "every", "opens", "closes", "rests_in", "version",
    *condition_blanks.SINGLE,
)  # fmt: skip
_BETWEEN = 10
"""Between the priorities of two schedules, so that others fit in."""


def schedule_text(schedule_id: ScheduleId) -> str:
    return to_text(SCHEDULE_PREFIX, schedule_id)


def schedule_href(schedule_id: ScheduleId) -> str:
    return f"{LIST}/{schedule_text(schedule_id)}"


def _id(visit: Visit) -> ScheduleId:
    return ScheduleId(visit.path_id("schedule_id", SCHEDULE_PREFIX))


# The list


@dataclass(frozen=True, slots=True)
class Row:
    """What has runs: a schedule, or a rule set with its own."""

    name: str
    code: str
    href: str
    orders: str
    runs: str
    next: When | None
    last: When | None
    did: str
    state: str
    run: str = ""
    """Where a run is asked for; empty where none can be."""


@area.get("/routing/schedules", Permission.ROUTING_READ)
async def schedule_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        found, live = await routing.schedules(reader), await routing.live(reader)
        noted = await fulfilment.noted_runs(reader)
        words = await teller(visit, reader, [])
        waiting = await fulfilment.waiting_orders(reader)
    names = {one.id: one.name for one in live}
    own = [_own_runs(words, one, noted.get(one.id)) for one in live if one.rules.every]
    return visit.respond(
        "routing/schedules.html",
        "routing/_schedules.html",
        rows=[*(_row(words, one, names, noted.get(one.id)) for one in found), *own],
        waiting=waiting,
    )


def _row(words: Teller, one: Schedule, names: Mapping[RuleSetId, str], run: NotedRun | None) -> Row:
    visit, href = words.visit, schedule_href(one.id)
    at = routing.timetable(one).next_run(visit.page.now) if one.active else None
    orders = words.meant(one.condition)
    if one.rule_set_id is not None:
        orders = visit.say(
            N_("%(orders)s that %(rules)s decides"),
            orders=orders,
            rules=names.get(one.rule_set_id, visit.say(N_("no live rule set"))),
        )
    return Row(
        one.name,
        one.code,
        href,
        capital(orders),
        capital(runs_words(visit, one)),
        None if at is None else when(visit, at, one.time_zone),
        None if run is None else when(visit, run.at, one.time_zone),
        "" if run is None else did(visit, run, words.currency),
        "active" if one.active else "disabled",
        f"{href}/run" if one.active else "",
    )


def _own_runs(words: Teller, one: RuleSet, run: NotedRun | None) -> Row:
    visit = words.visit
    at = routing.every(one.rules.every).next_run(visit.page.now)
    return Row(
        one.name,
        visit.say(N_("own runs of a rule set")),
        rule_set_href(one.id),
        capital(visit.say(N_("what it decides and no schedule above is for"))),
        capital(words.every(one.rules)),
        None if at is None else when(visit, at, str(visit.page.zone)),
        None if run is None else when(visit, run.at, str(visit.page.zone)),
        "" if run is None else did(visit, run, words.currency),
        "live",
    )


# One of them


@dataclass(frozen=True, slots=True)
class Sheet:
    """A schedule on a form: everything as it was typed."""

    values: Mapping[str, str]
    ticked: Mapping[str, Sequence[str]]
    works: Sequence[bool]
    errors: Mapping[str, str]


def _written(one: ScheduleDraft, house: Currency, locale: str) -> Sheet:
    values, ticked = condition_blanks.written(one.condition, house, locale)
    own = {
        "code": one.code,
        "name": one.name,
        "active": "yes" if one.active else "",
        "priority": str(one.priority),
        "rule_set": rule_set_text(one.rule_set_id) if one.rule_set_id else "",
        "time_zone": one.time_zone,
        "times": ", ".join(clock(at) for at in one.times),
        "every": str(one.every or ""),
        "opens": clock(one.opens) if one.every else "",
        "closes": clock(one.closes) if one.every else "",
        "rests_in": one.rests_in,
    }
    return Sheet(values | own, ticked, one.works, {})


def _typed(fields: Fields, errors: Mapping[str, str]) -> Sheet:
    _, ticked = condition_blanks.typed(fields)
    return Sheet({name: fields.raw(name) for name in SINGLE}, ticked, ticked_days(fields), errors)


@area.get("/routing/schedules/new", Permission.ROUTING_WRITE)
async def new_schedule(visit: Visit) -> Answer:
    async with visit.read() as reader:
        there = await routing.schedules(reader)
        house = await house_currency(reader)
    last = max((one.priority for one in there), default=0)
    priority = min(last // _BETWEEN * _BETWEEN + _BETWEEN, MAX_POSITION)
    begun = ScheduleDraft(code="", priority=priority, time_zone=str(visit.page.zone))
    return await _show(visit, None, _written(begun, house, visit.page.locale))


@area.get("/routing/schedules/{schedule_id:str}", Permission.ROUTING_READ)
async def schedule_page(visit: Visit) -> Answer:
    async with visit.read() as reader:
        one = await routing.schedule(reader, _id(visit))
        house = await house_currency(reader)
    return await _show(visit, one, _written(one, house, visit.page.locale))


async def _show(visit: Visit, one: Schedule | None, sheet: Sheet, refused: str = "") -> Answer:
    async with visit.read() as reader:
        places = await lists.sites(reader)
        choices = await condition_blanks.asked(visit, reader, places.rows)
        live = await routing.live(reader)
        noted = await fulfilment.noted_runs(reader)
        words = await teller(visit, reader, [])
    run = None if one is None else noted.get(one.id)
    at = routing.timetable(one).next_run(visit.page.now) if one is not None and one.active else None
    names = [(rule_set_text(rule_set.id), rule_set.name) for rule_set in live]
    chosen = sheet.values["rule_set"]
    if chosen and chosen not in dict(names):
        names.append((chosen, visit.say(N_("a rule set that is not live"))))
    countries = [(code, word) for code, word in choices.countries if keeps_holidays(code)]
    if sheet.values["rests_in"] and sheet.values["rests_in"] not in dict(countries):
        countries.append((sheet.values["rests_in"], sheet.values["rests_in"]))
    return visit.respond(
        "routing/schedule.html",
        "routing/_schedule.html",
        status=422 if refused or sheet.errors else 200,
        schedule=one,
        title=visit.say(N_("New schedule")) if one is None else one.name,
        href=f"{LIST}/new" if one is None else schedule_href(one.id),
        version="" if one is None else one.version,
        values=sheet.values,
        errors=sheet.errors,
        orders=condition_blanks.blanks(visit, sheet.values, sheet.ticked, sheet.errors, choices, words.currency),
        days=week(visit, sheet.works),
        zones=zones(),
        rule_sets=[("", visit.say(N_("any rules"))), *names],
        countries=[
            ("", visit.say(N_("also on public holidays"))),
            *((code, _resting(visit, word)) for code, word in countries),
        ],
        refused=refused or (visit.say(N_("Something is not right yet.")) if sheet.errors else ""),
        may_write=visit.may(Permission.ROUTING_WRITE),
        facts=[] if one is None else _facts(words, one, at, run),
    )


def _resting(visit: Visit, country: str) -> str:
    return visit.say(N_("not on those of %(country)s"), country=country)


def _facts(words: Teller, one: Schedule, at: datetime | None, run: NotedRun | None) -> list[tuple[str, str]]:
    visit = words.visit
    next_at = None if at is None else when(visit, at, one.time_zone)
    last_at = None if run is None else when(visit, run.at, one.time_zone)
    return [
        (visit.say(N_("Orders")), capital(words.meant(one.condition))),
        (visit.say(N_("Runs")), capital(runs_words(visit, one))),
        (visit.say(N_("By the clock of")), place_of(one.time_zone)),
        (visit.say(N_("Next run")), _both(next_at) or visit.say(N_("none: it is switched off"))),
        (visit.say(N_("Last run")), _both(last_at) or visit.say(N_("none yet"))),
        *([(visit.say(N_("What it did")), did(visit, run, words.currency))] if run else []),
    ]


def _both(at: When | None) -> str:
    return "" if at is None else f"{at.here} ({at.there})" if at.there else at.here


# Saving


def _meant(fields: Fields, house: Currency) -> ScheduleDraft:
    """What the form says; what is wrong with it is in `fields.errors`."""
    times, every = times_of(fields, "times"), fields.whole("every", most=DAY, default=0)
    works = ticked_days(fields)
    opens, closes = time_of(fields, "opens", 0), time_of(fields, "closes", DAY)
    if not times and not every:
        fields.refuse("times", N_("Say when runs are: at times, or every so many minutes."))
    if len(times) > MAX_TIMES:
        fields.refuse("times", N_("Type at most %(most)s times."), most=MAX_TIMES)
    if not any(works):
        fields.refuse("days", N_("Tick at least one."))
    if closes < opens or opens == DAY:
        fields.refuse("closes", N_("This is before the beginning."))
    rule_set_id = fields.optional_id("rule_set", RULE_SET_PREFIX)
    return ScheduleDraft(
        code=fields.text("code", required=True, most=64),
        name=fields.text("name"),
        active=fields.checked("active"),
        condition=condition_blanks.meant(fields, house),
        rule_set_id=None if rule_set_id is None else RuleSetId(rule_set_id),
        time_zone=fields.one_of("time_zone", [code for code, _ in zones()]),
        works=works,
        times=times,
        every=every,
        opens=opens if every else 0,
        closes=closes if every else DAY,
        rests_in=fields.raw("rests_in"),
        priority=fields.whole("priority", most=MAX_POSITION, default=0),
    )


@area.post("/routing/schedules/new", Permission.ROUTING_WRITE)
async def create_schedule(visit: Visit) -> Answer:
    return await _save(visit, None)


@area.post("/routing/schedules/{schedule_id:str}", Permission.ROUTING_WRITE)
async def save_schedule(visit: Visit) -> Answer:
    async with visit.read() as reader:
        one = await routing.schedule(reader, _id(visit))
    return await _save(visit, one)


async def _save(visit: Visit, one: Schedule | None) -> Answer:
    fields = visit.fields()
    async with visit.read() as reader:
        house = await house_currency(reader)
    draft, version = _meant(fields, house), fields.whole("version", default=0)

    async def work(tx: Tx) -> Done:
        await rulebook.require_condition(tx, draft.condition)
        if one is None:
            kept = await routing.create_schedule(tx, draft)
        else:
            kept = await routing.update_schedule(tx, one.id, draft, version=version)
        action = "run_schedule.created" if one is None else "run_schedule.changed"
        await visit.record(tx, action, schedule_text(kept.id), _said(kept))
        return Done(LIST, _saved_words(visit, kept))

    try:
        fields.done()
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _refused(visit, fields, one, draft, refusal)


async def _refused(visit: Visit, fields: Fields, one: Schedule | None, draft: ScheduleDraft, refusal: Refusal) -> Answer:
    """The form with what was typed; who was slower sends theirs again, or leaves it."""
    errors = fields.errors or condition_blanks.gone(visit, refusal, draft.condition)
    errors = errors or dict(asking.typed_of(visit, fields, refusal).errors)
    if one is not None and isinstance(refusal, Stale):
        async with visit.read() as reader:
            one = await routing.schedule(reader, one.id)
    return await _show(visit, one, _typed(fields, errors), "" if errors else visit.refusal(refusal))


def _saved_words(visit: Visit, kept: Schedule) -> str:
    at = routing.timetable(kept).next_run(visit.page.now)
    if not kept.active or at is None:
        return visit.say(N_("%(name)s is saved and switched off: no order waits for it."), name=kept.name)
    return visit.say(
        N_("%(name)s is saved. Its next run is %(when)s."), name=kept.name, when=_both(when(visit, at, kept.time_zone))
    )


def _said(one: Schedule) -> dict[str, object]:
    """What the audit trail keeps of it."""
    return {"code": one.code, "name": one.name, "version": one.version}


# Its life


@area.post("/routing/schedules/{schedule_id:str}/run", Permission.ROUTING_WRITE)
async def run_now(visit: Visit) -> Answer:
    async def work(tx: Tx) -> Done:
        one = await ask_run(tx, _id(visit))
        await visit.record(tx, "run_schedule.run", schedule_text(one.id), _said(one))
        words = visit.say(N_("The run of %(name)s begins within seconds."), name=one.name)
        return Done(
            LIST, words, detail=visit.say(N_("What waits for it can be begun when it is done. Look again in a moment."))
        )

    return await visit.act(work)


@area.post("/routing/schedules/{schedule_id:str}/delete", Permission.ROUTING_WRITE)
async def delete_schedule(visit: Visit) -> Answer:
    version = visit.fields().whole("version", default=0)
    schedule_id = _id(visit)

    async def work(tx: Tx) -> Done:
        gone = await routing.delete_schedule(tx, schedule_id, version=version)
        await visit.record(tx, "run_schedule.deleted", schedule_text(gone.id), _said(gone))
        words = N_("%(name)s is deleted. What waited for it moves to the next run that is for it, or can be begun.")
        return Done(LIST, visit.say(words, name=gone.name))

    try:
        return await visit.act(work)
    except Stale as refusal:
        one, house = await _now(visit, schedule_id)
        return await _show(visit, one, _written(one, house, visit.page.locale), visit.refusal(refusal))


async def _now(visit: Visit, schedule_id: ScheduleId) -> tuple[Schedule, Currency]:
    async with visit.read() as reader:
        return await routing.schedule(reader, schedule_id), await house_currency(reader)
