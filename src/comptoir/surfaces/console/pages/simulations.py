"""What would have happened under other rules: asked for, followed while it runs, and read side by side with what did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency
from comptoir.kernel.time import utcnow
from comptoir.modules.channels.contracts import ChannelKind
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationFilter
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderFilter
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import (
    LONGEST_SIMULATION,
    RULE_SET_PREFIX,
    SIMULATION_PREFIX,
    Outcome,
    RuleSetId,
    RuleSetState,
    Simulation,
    SimulationDraft,
    SimulationId,
    SimulationState,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import simulated
from comptoir.surfaces.console.pages.amounts import house_currency
from comptoir.surfaces.console.pages.locations import map_of
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit
from comptoir.surfaces.simulation_task import enqueue

area = Area("routing")

USUAL_DAYS = 30
"""So many days up to the latest order are proposed."""
STATES: Mapping[SimulationState, str] = {
    SimulationState.QUEUED: "queued",
    SimulationState.RUNNING: "running",
    SimulationState.DONE: "done",
    SimulationState.FAILED: "failed",
    SimulationState.CANCELLED: "cancelled",
}
PROBLEMS: Mapping[str, str] = {
    "no_orders": N_("No order of these channels was placed in that time."),
    "unknown_rule_set": N_("The rule set is not there any more."),
}
_BUSIEST = 8
"""So many locations are compared in the chart."""


def simulation_href(simulation_id: SimulationId) -> str:
    return f"/routing/simulations/{to_text(SIMULATION_PREFIX, simulation_id)}"


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure of what would have happened, beside what did."""

    label: str
    value: str
    words: str
    delta: str
    tone: str


# The list


@area.get("/routing/simulations", Permission.ROUTING_READ)
async def simulation_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        page = await routing.simulations(reader, limit=PAGE_SIZE, cursor=visit.cursor)
        currency = await house_currency(reader)
    return visit.respond(
        "routing/simulations.html",
        rows=[(one, _period(visit, one), _headline(visit, one, currency)) for one in page.items],
        before=page.previous,
        after=page.next,
        href=simulation_href,
        states=STATES,
        may_write=visit.may(Permission.ROUTING_WRITE),
    )


def _period(visit: Visit, one: Simulation) -> str:
    first = formatting.day(one.since, visit.page.locale, visit.page.zone)
    last = formatting.day(one.until - timedelta(microseconds=1), visit.page.locale, visit.page.zone)
    return f"{first} – {last}"


def _headline(visit: Visit, one: Simulation, currency: Currency) -> str:
    if one.happened is None or one.tried is None:
        return ""
    before, after = one.happened, one.tried
    saved = formatting.money(after.cost - before.cost, currency, visit.page.locale)
    parcels = formatting.signed(after.parcels - before.parcels, visit.page.locale)
    return visit.say(N_("%(parcels)s parcels, %(cost)s"), parcels=parcels, cost=saved)


# Asking


@area.get("/routing/simulations/new", Permission.ROUTING_WRITE)
async def new_simulation(visit: Visit) -> Answer:
    """The form, for the days up to the latest order."""
    async with visit.read() as reader:
        latest = (await orders.find(reader, OrderFilter(), limit=1)).items
    last = (latest[0].placed_at if latest else utcnow()).astimezone(visit.page.zone).date()
    first = last - timedelta(days=USUAL_DAYS - 1)
    values = {"rule_set": visit.param("rule_set"), "since": first.isoformat(), "until": last.isoformat(), "name": ""}
    values |= dict.fromkeys(_OPTIONS, "")
    return await _form(visit, values, {})


_OPTIONS = ("for_all", "with_runs", "with_mishaps")


async def _form(visit: Visit, values: Mapping[str, str], errors: Mapping[str, str], ticked: Sequence[str] = ()) -> Answer:
    async with visit.read() as reader:
        channels = [one for one in await visit.console.channels(reader) if one.kind is not ChannelKind.POS]
        page = await routing.find(reader, retired=False, limit=200)
    chosen = set(ticked) or {one.code for one in channels if one.pool_id == channels[0].pool_id}
    return visit.respond(
        "routing/simulation_new.html",
        status=422 if errors else 200,
        values=values,
        errors=errors,
        rule_sets=[(to_text(RULE_SET_PREFIX, one.id), one.name) for one in page.items],
        channels=[(one.code, one.name or one.code, one.code in chosen) for one in channels],
    )


@area.post("/routing/simulations/new", Permission.ROUTING_WRITE)
async def ask_simulation(visit: Visit) -> Answer:
    fields = visit.fields()
    name = fields.text("name")
    rule_set = fields.optional_id("rule_set", RULE_SET_PREFIX)
    since, until = _day(fields, "since"), _day(fields, "until")
    ticked = fields.all("channels")
    async with visit.read() as reader:
        known = {one.code: one for one in await visit.console.channels(reader)}
    chosen = [known[code] for code in ticked if code in known]
    if not chosen:
        fields.refuse("channels", N_("Tick at least one."))
    elif len({one.pool_id for one in chosen}) > 1:
        fields.refuse("channels", N_("These sell from different stock pools: try one pool at a time."))
    if not fields.errors and until < since:
        fields.refuse("until", N_("This is before the first day."))
    if not fields.errors and until - since >= LONGEST_SIMULATION:
        fields.refuse("since", N_("At most three years at once."))
    if fields.errors:
        return await _form(
            visit, {one: fields.raw(one) for one in ("rule_set", "since", "until", "name", *_OPTIONS)}, fields.errors, ticked
        )
    draft = SimulationDraft(
        name=name,
        pool_id=chosen[0].pool_id,
        channels=tuple(one.code for one in chosen),
        since=_begin(visit, since),
        until=_begin(visit, until + timedelta(days=1)),
        rule_set_id=None if rule_set is None else RuleSetId(rule_set),
        for_all=fields.checked("for_all"),
        with_runs=fields.checked("with_runs"),
        with_mishaps=fields.checked("with_mishaps"),
    )

    async def work(tx: Tx) -> Done:
        made = await routing.create_simulation(tx, draft)
        await enqueue(tx, made.id)
        return Done(simulation_href(made.id), visit.say(N_("The simulation has begun")))

    return await visit.act(work)


def _day(fields: Fields, name: str) -> date:
    return fields.parsed(name, date.fromisoformat, date.min, N_("Type a day such as 2026-03-03."))


def _begin(visit: Visit, day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), visit.page.zone)


# One of them


@area.get("/routing/simulations/{simulation_id:str}", Permission.ROUTING_READ)
async def simulation_page(visit: Visit) -> Answer:
    """The whole page, or what changes of it while it runs."""
    simulation_id = SimulationId(visit.path_id("simulation_id", SIMULATION_PREFIX))
    async with visit.read() as reader:
        one = await routing.simulation(reader, simulation_id)
        currency = await house_currency(reader)
        rule_set = None if one.rule_set_id is None else await routing.get(reader, one.rule_set_id)
        places = [place async for place in locations.stream(reader, LocationFilter(pool=one.pool_id))]
        channels = {channel.code: channel.name or channel.code for channel in await visit.console.channels(reader)}
        panels = simulated.panels(one, await simulated.names_of(visit, reader, one)) if one.groups else []
    running = one.state in {SimulationState.QUEUED, SimulationState.RUNNING}
    tried = rule_set is not None and rule_set.version == one.version and rule_set.state is RuleSetState.DRAFT
    may_live = visit.may(Permission.ROUTING_WRITE) and tried
    answer = visit.respond(
        "routing/simulation.html",
        "routing/_simulation.html",
        one=one,
        href=simulation_href(one.id),
        state=STATES[one.state],
        title=one.name or visit.say(N_("As is decided now")),
        period=_period(visit, one),
        channels=", ".join(channels.get(code, code) for code in one.channels),
        running=running,
        left=simulated.left_words(visit, one, visit.page.now) if running else "",
        panels=panels,
        problem=visit.say(PROBLEMS[one.problem]) if one.problem in PROBLEMS else one.problem,
        rule_set=rule_set,
        rule_set_href="" if rule_set is None else f"/routing/{to_text(RULE_SET_PREFIX, rule_set.id)}",
        may_live=may_live,
        tiles=_tiles(visit, one.happened, one.tried, currency) if one.happened and one.tried else [],
        share=None if rule_set is None or one.for_all else rule_set.share,
        took=_took(visit, one),
        dates=_dates(visit, one),
        days=_by_day(visit, one.happened, one.tried) if one.happened and one.tried else None,
        stores=_by_location(visit, places, one.happened, one.tried) if one.happened and one.tried else None,
        spec=_map(visit, places, one.happened, one.tried) if one.happened and one.tried else None,
        may_write=visit.may(Permission.ROUTING_WRITE),
    )
    if visit.is_fragment and not running:
        answer.headers["HX-Refresh"] = "true"
    return answer


@area.post("/routing/simulations/{simulation_id:str}/cancel", Permission.ROUTING_WRITE)
async def cancel_simulation(visit: Visit) -> Answer:
    simulation_id = SimulationId(visit.path_id("simulation_id", SIMULATION_PREFIX))

    async def work(tx: Tx) -> Done:
        await routing.cancel_simulation(tx, simulation_id)
        return Done(simulation_href(simulation_id), visit.say(N_("The simulation was stopped")), tone="neutral")

    return await visit.act(work)


# Figures


def _took(visit: Visit, one: Simulation) -> str:
    """How long it took, with the waiting before."""
    if one.finished_at is None:
        return ""
    return formatting.duration((one.finished_at - one.created_at).total_seconds(), visit.page.locale)


def _dates(visit: Visit, one: Simulation) -> tuple[str, str] | None:
    """The share of dates that would have been kept, and what went wrong."""
    found = one.rehearsed
    if found is None:
        return None
    locale = visit.page.locale
    words = visit.say(
        N_("%(kept)s of %(promised)s dates, told %(days)s days ahead; stores gave back %(rejects)s, late were %(late)s"),
        kept=formatting.number(found.kept, locale),
        promised=formatting.number(found.promised, locale),
        days=formatting.number(round(found.days / found.promised, 1) if found.promised else 0, locale),
        rejects=formatting.percent(found.rejects, locale),
        late=formatting.percent(found.late, locale),
    )
    return formatting.percent(found.kept / found.promised, locale) if found.promised else "–", words


def _tiles(visit: Visit, was: Outcome, now: Outcome, currency: Currency) -> list[Tile]:
    locale = visit.page.locale

    def number(value: float) -> str:
        return formatting.number(value, locale)

    def per(total: float, count: int) -> float:
        return total / count if count else 0.0

    rows: list[tuple[str, str, str, float, float]] = [
        (N_("Parcels"), number(now.parcels), number(was.parcels), was.parcels, now.parcels),
        (
            N_("Cost"),
            formatting.money(now.cost, currency, locale),
            formatting.money(was.cost, currency, locale),
            was.cost,
            now.cost,
        ),
        (
            N_("Distance"),
            visit.say(N_("%(number)s km"), number=number(round(now.distance))),
            visit.say(N_("%(number)s km"), number=number(round(was.distance))),
            was.distance,
            now.distance,
        ),
        (
            N_("CO₂"),
            visit.say(N_("%(number)s kg"), number=number(round(now.carbon, 1))),
            visit.say(N_("%(number)s kg"), number=number(round(was.carbon, 1))),
            was.carbon,
            now.carbon,
        ),
        (
            N_("Days to the last parcel"),
            number(round(per(now.days, now.orders - now.unserved), 2)),
            number(round(per(was.days, was.orders - was.unserved), 2)),
            per(was.days, was.orders - was.unserved),
            per(now.days, now.orders - now.unserved),
        ),
        (N_("Orders in several parcels"), number(now.split), number(was.split), was.split, now.split),
        (
            N_("Orders of which nobody might send anything"),
            number(now.unserved),
            number(was.unserved),
            was.unserved,
            now.unserved,
        ),
        (N_("Units that nobody might send"), number(now.lacking), number(was.lacking), was.lacking, now.lacking),
        (N_("Units cancelled for want of stock"), number(now.cancelled), number(was.cancelled), was.cancelled, now.cancelled),
        (N_("Locations that send"), number(len(now.load)), number(len(was.load)), 0, 0),
    ]
    if now.promised:
        rows.append((N_("Orders after the promised day"), number(now.late), number(was.late), was.late, now.late))
    tiles = [_tile(visit, *row) for row in rows]
    if was.measured:
        known = visit.say(
            N_("%(before)s happened; of %(known)s of %(all)s orders it is known when they came"),
            before=number(was.late),
            known=number(was.measured),
            all=number(was.promised),
        )
        tiles[-1] = replace(tiles[-1], words=known)
    return tiles


def _tile(visit: Visit, label: str, value: str, before: str, was: float, now: float) -> Tile:
    words = visit.say(N_("%(before)s happened"), before=before)
    if not was or was == now:
        return Tile(visit.say(label), value, words, "", "neutral")
    change = now / was - 1
    delta = formatting.percent(change, visit.page.locale)
    shown = delta if change < 0 else f"+{delta}"
    return Tile(visit.say(label), value, words, shown, "good" if change < -0.005 else "warn" if change > 0.005 else "neutral")


def _by_day(visit: Visit, was: Outcome, now: Outcome) -> dict[str, object]:
    """Parcels by day, or by week where there are many days."""
    days = sorted({*was.by_day, *now.by_day})
    step = 7 if len(days) > 62 else 1
    groups = [days[n : n + step] for n in range(0, len(days), step)]
    return {
        "kind": "line",
        "whole": True,
        "labels": [formatting.day(group[0], visit.page.locale, visit.page.zone) for group in groups],
        "series": [
            {
                "name": visit.say(N_("Would have been")),
                "values": [sum(now.by_day.get(d, 0) for d in group) for group in groups],
            },
            {
                "name": visit.say(N_("Happened")),
                "values": [sum(was.by_day.get(d, 0) for d in group) for group in groups],
                "dashed": True,
            },
        ],
    }


def _by_location(visit: Visit, places: Sequence[Location], was: Outcome, now: Outcome) -> dict[str, object]:
    """The busiest of either."""
    names = {place.id: place.name or place.code for place in places}
    most = sorted({*was.load, *now.load}, key=lambda one: (-max(was.load.get(one, 0), now.load.get(one, 0)), one))[:_BUSIEST]
    return {
        "kind": "rows",
        "whole": True,
        "labels": [names.get(one, str(one)) for one in most],
        "series": [
            {"name": visit.say(N_("Would have been")), "values": [now.load.get(one, 0) for one in most]},
            {"name": visit.say(N_("Happened")), "values": [was.load.get(one, 0) for one in most]},
        ],
    }


def _map(visit: Visit, places: Sequence[Location], was: Outcome, now: Outcome) -> dict[str, object] | None:
    """Every location that sends, as large as what it would send."""

    def sized(place: Location) -> tuple[float, str]:
        after, before = now.load.get(place.id, 0), was.load.get(place.id, 0)
        return max(1, after), visit.say(N_("%(now)s parcels, %(before)s happened"), now=after, before=before)

    return map_of(visit, [place for place in places if place.id in was.load or place.id in now.load], sized)
