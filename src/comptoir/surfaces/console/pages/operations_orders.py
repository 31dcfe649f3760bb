"""Lists behind the figures of the control tower: exactly the pieces of work that a figure counts, and promises at risk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from comptoir.i18n import N_
from comptoir.modules.fulfilment.contracts import Method
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.paging import MAX_LIMIT
from comptoir.surfaces.console.forms import FormRefused
from comptoir.surfaces.console.pages import lists, operations_risks
from comptoir.surfaces.console.pages import operations_sources as sources
from comptoir.surfaces.console.pages.lists import Chips
from comptoir.surfaces.console.pages.naming import channels_of
from comptoir.surfaces.console.pages.operations_sources import Look, Wanted
from comptoir.surfaces.console.pages.operations_standings import (
    BANDS,
    STAGES,
    STANDINGS,
    TROUBLE_WORDS,
    WITHIN,
    Shown,
    Standing,
    clock,
    horizon,
)
from comptoir.surfaces.console.pages.store_arrange import REASONS
from comptoir.surfaces.console.pages.work_words import HOLD_WORDS, METHOD_WORDS
from comptoir.surfaces.console.web import Answer, Area, Visit

area = Area("operations")

EVERYTHING = Shown(N_("To do"), N_("What locations have to do, whatever comes next."), "list-check")
TABS = {
    "locations": N_("At the locations"),
    "carriers": N_("With carriers"),
    "stock": N_("Waiting for stock"),
}


@area.get("/operations/orders", Permission.ORDERS_READ)
async def open_orders(visit: Visit) -> Answer:
    if visit.wants_csv:
        return visit.csv("open-work", [visit.say(word) for word in _COLUMNS], _exported(visit, sources.wanted_of(visit)))
    return await show(visit)


async def show(visit: Visit, refusal: FormRefused | None = None, *, chosen: Sequence[str] = ()) -> Answer:
    """The list; with what was typed and ticked where that was refused."""
    wanted = sources.wanted_of(visit)
    async with visit.read() as reader:
        sites = await lists.sites(reader)
        channels = await channels_of(visit, reader)
        look = Look(visit, reader, wanted, sites, await clock(reader, visit.page.now))
        page = await sources.rows(look, visit.cursor)
        total = await sources.count(look)
    shown = EVERYTHING if wanted.standing is None else STANDINGS[wanted.standing]
    at_locations = wanted.standing is None or wanted.standing in STAGES
    return visit.respond(
        "operations/orders.html",
        "operations/_orders.html",
        status=refusal.status if refusal else 200,
        choosing=at_locations and visit.may(Permission.FULFIL) and any(row.id for row in page.items),
        chosen=frozenset(chosen),
        errors={} if refusal is None else refusal.errors,
        typed={} if refusal is None else refusal.values,
        refused="" if refusal is None else visit.refusal(refusal),
        hold_reasons=[(reason.value, visit.say(HOLD_WORDS[reason])) for reason in REASONS],
        targets=sites.active,
        title=visit.say(shown.word),
        meaning=visit.say(shown.meaning),
        rows=page.items,
        before=page.previous,
        after=page.next,
        words=lists.rows_words(visit, total),
        tabs=_tabs(visit, wanted),
        bands=[(band.code, visit.say(band.word)) for band in BANDS],
        channels=channels.options,
        sites=sites.own(visit),
        methods=lists.options_of(visit, METHOD_WORDS) if at_locations else [],
        kinds=lists.options_of(visit, TROUBLE_WORDS) if wanted.standing is Standing.TROUBLE else [],
        may_be_late=wanted.standing is not Standing.TROUBLE,
        carried=wanted.standing in {Standing.ON_THE_WAY, Standing.TROUBLE},
        chips=_chips(visit, wanted, dict(channels.options), dict(sites.options)),
        is_narrow=bool(set(visit.page.query) - {"stage"}),
    )


_COLUMNS = (
    N_("Order"), N_("For"), N_("Waits for"), N_("Time left"), N_("Who"), N_("Task"), N_("Location"), N_("Channel"), N_("Since"),
    N_("Until"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: Wanted) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        look = Look(visit, reader, wanted, await lists.sites(reader), await clock(reader, visit.page.now))
        async for row in lists.every(lambda cursor: sources.rows(look, cursor, MAX_LIMIT)):
            yield (
                row.number, row.who_for, row.waits, row.due.words, row.worker, row.task, row.place, row.channel.name, row.since,
                row.ends,
            )  # fmt: skip


def _tabs(visit: Visit, wanted: Wanted) -> list[tuple[str, str, bool, None]]:
    """Each standing under the same filters, but those that are of one alone."""
    tabs: list[tuple[str, str, bool, None]] = [
        (visit.say(EVERYTHING.word), visit.page.href(stage=None, kind=None), wanted.standing is None, None)
    ]
    for standing, one in STANDINGS.items():
        own = {} if standing in STAGES else {"method": None}
        tabs.append(
            (visit.say(one.word), visit.page.href(stage=standing.value, kind=None, **own), wanted.standing is standing, None)
        )
    return tabs


def _chips(visit: Visit, wanted: Wanted, channels: dict[str, str], sites: dict[str, str]) -> Chips:
    bands = {band.code: visit.say(band.word) for band in BANDS}
    methods = {method.value: visit.say(METHOD_WORDS[method]) for method in Method}
    kinds = {kind.value: visit.say(word) for kind, word in TROUBLE_WORDS.items()}
    known = [
        (N_("Age"), "age", bands),
        (N_("Location"), "location", sites),
        (N_("Channel"), "channel", channels),
        (N_("Method"), "method", methods),
        (N_("Only"), "late", {"yes": visit.say(N_("what is late"))}),
    ]
    if wanted.standing is Standing.TROUBLE:
        known.append((N_("Trouble"), "kind", kinds))
    return lists.chips(visit, known)


@area.get("/operations/promises", Permission.ORDERS_READ)
async def promises(visit: Visit) -> Answer:
    """Everything at risk, in three lists: what is still here, what is on its way, and what waits for stock."""
    ahead = horizon(visit)
    which = visit.param("where")
    which = which if which in TABS else "locations"
    async with visit.read() as reader:
        sites = await lists.sites(reader)
        found = await operations_risks.listed(visit, reader, sites, ahead, which)
    return visit.respond(
        "operations/promises.html",
        "operations/_orders.html",
        rows=found.rows,
        before=found.before,
        after=found.after,
        words=lists.rows_words(visit, found.totals[which]),
        tabs=[
            (visit.say(word), visit.page.href(where=code), code == which, found.totals[code].rows)
            for code, word in TABS.items()
        ],
        within=[(code, visit.say(word), code == ahead.code) for code, (word, _) in WITHIN.items()],
        which=which,
        choosing=False,
        carried=which == "carriers",
        chips=[],
        is_narrow=False,
    )
