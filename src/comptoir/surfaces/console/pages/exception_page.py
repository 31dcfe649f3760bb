"""One exception with every choice that there is, and what is decided: for one, or for many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.changes import api as changes
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.api import WaysOut
from comptoir.modules.inventory.contracts import Arrival
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.api import share
from comptoir.modules.orders.contracts import (
    EXCEPTION_PREFIX,
    ChannelId,
    Choice,
    ExceptionDetails,
    ExceptionFilter,
    ExceptionId,
    ExceptionKind,
    ExceptionSummary,
    Place,
    Resolution,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists, parked_words, timelines
from comptoir.surfaces.console.pages.decision_words import FENCE_WORDS
from comptoir.surfaces.console.pages.exceptions import KIND_WORDS, exception_href
from comptoir.surfaces.console.pages.naming import Places, channels_of, people_of, places_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.remedies import best_remedies
from comptoir.surfaces.console.pages.sources import Target, nearest_sources, target_words
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("exceptions")

MOST_AT_ONCE = 200
FIRST_WAYS = 6
"""Locations that are shown before somebody asks for the others."""
_SERVICES = {
    Service.STANDARD: N_("Standard"),
    Service.EXPRESS: N_("Express"),
}
_HELPING = {
    Service.STANDARD: N_("Standard: a location may send it so"),
    Service.EXPRESS: N_("Express: a location may send it so"),
}
PAGE_SIZE = 200


async def _pool_of(visit: Visit, reader: Reader, channel_id: ChannelId) -> list[Place]:
    channel = next((one for one in await visit.console.channels(reader) if one.id == channel_id), None)
    if channel is None:
        return []
    return [Place(one.id, one.ships) for one in (await locations.pool(reader, channel.pool_id)).members if one.active]


@area.get("/exceptions/{exception_id:str}", Permission.EXCEPTIONS_READ)
async def exception_page(visit: Visit) -> Answer:
    return await _page(visit)


async def _page(visit: Visit, refused: str = "", values: Mapping[str, str] | None = None) -> Answer:
    exception_id = ExceptionId(visit.path_id("exception_id", EXCEPTION_PREFIX))

    async def pool_of(reader: Reader, channel_id: ChannelId) -> list[Place]:
        return await _pool_of(visit, reader, channel_id)

    async with visit.read() as reader:
        details = await orders.exception(reader, exception_id, pool_of)
        found = details.exception
        channels = await channels_of(visit, reader)
        targets = await _targets(visit, reader, details)
        ways = (await fulfilment.ways_out(reader, visit.console.services.releasing, [found], visit.page.now)).get(exception_id)
        named = [found.location_id, *(t.location_id for t in targets), *(a.location_id for a in details.arrivals)]
        named += [way.location_id for way in ways.ways] if ways is not None else []
        places = await places_of(reader, named)
        people = await people_of(visit, reader, [found.actor or ""], channels)
        names = await catalogue.sellable(reader, [found.sku]) if found.sku is not None else {}
    line, order = details.line, details.order
    units = min(found.quantity, line.open) if line is not None else found.quantity
    first = line.quantity - line.cancelled - units if line is not None else 0
    stake = share(line.total, line.quantity, first, units) if line is not None and units else None
    product = names[found.sku].name if found.sku in names else found.sku or ""
    words, meaning = KIND_WORDS[found.kind]
    return visit.respond(
        "exceptions/detail.html",
        status=422 if refused else 200,
        refused=refused,
        values=dict(values or {}),
        found=found,
        details=details,
        order=order,
        product=product,
        stake=stake,
        title=visit.say(words),
        meaning=visit.say(meaning),
        reasons=parked_words.reasons(visit, found),
        channel=channels[order.channel_code] if order is not None else None,
        places=places,
        targets=[(to_text(LOCATION_PREFIX, t.location_id), target_words(visit, t, places[t.location_id])) for t in targets],
        enough=[to_text(LOCATION_PREFIX, t.location_id) for t in targets if t.available >= found.quantity],
        arrivals=[_arrival_words(visit, one, places[one.location_id]) for one in details.arrivals],
        href=exception_href(exception_id),
        order_href=order_href(order.id) if order is not None else "",
        location=to_text(LOCATION_PREFIX, found.location_id) if found.location_id is not None else "",
        resolved=timelines.resolution_word(visit, found.resolution),
        by=people[found.actor] if found.actor else "",
        may_resolve=visit.may(Permission.EXCEPTIONS_RESOLVE) and found.state == "open",
        choices=_ordered(details, ways),
        best="" if ways is None else ways.best.value,
        first_ways=FIRST_WAYS,
        ways=[] if ways is None else _way_words(visit, ways, places),
        services=[] if ways is None else _service_words(visit, ways),
        would_go=ways is not None and ways.would_go,
    )


def _ordered(details: ExceptionDetails, ways: WaysOut | None) -> list[str]:
    """The choices, the best of them first."""
    offered = [choice.value for choice in details.choices if choice is not Choice.SEND or (ways is not None and ways.ways)]
    if ways is None or not ways.services:
        offered = [choice for choice in offered if choice != Choice.SERVICE]
    best = "" if ways is None else ways.best.value
    return sorted(offered, key=lambda choice: choice != best)


def _way_words(visit: Visit, ways: WaysOut, places: Places) -> list[tuple[str, str, str]]:
    """Each location with what it has, and what the rules say against it."""
    found: list[tuple[str, str, str]] = []
    for way in ways.ways:
        units = formatting.number(way.available, visit.page.locale)
        words = visit.say(N_("%(place)s · %(units)s available"), place=places[way.location_id], units=units)
        against = "" if way.fence is None else visit.say(FENCE_WORDS[way.fence])
        found.append((to_text(LOCATION_PREFIX, way.location_id), words, against))
    return found


def _service_words(visit: Visit, ways: WaysOut) -> list[tuple[str, str]]:
    return [
        (service.value, visit.say(_HELPING[service] if service in ways.helping else _SERVICES[service]))
        for service in sorted(ways.services, key=lambda one: one not in ways.helping)
    ]


async def _targets(visit: Visit, reader: Reader, details: ExceptionDetails) -> list[Target]:
    found, order = details.exception, details.order
    if Choice.MOVE not in details.choices or order is None or found.sku is None:
        return []
    channel = next((one for one in await visit.console.channels(reader) if one.code == order.channel_code), None)
    if channel is None:
        return []
    pool = await locations.pool(reader, channel.pool_id)
    senders = {source.location_id for source in details.sources}
    members = [one for one in pool.members if one.id in senders or one.id == found.location_id]
    near = await nearest_sources(reader, found.sku, members, found.location_id)
    return sorted(near, key=lambda target: target.available < found.quantity)


def _arrival_words(visit: Visit, arrival: Arrival, place: str) -> str:
    locale, zone = visit.page.locale, visit.page.zone
    units = formatting.number(arrival.quantity, locale)
    on: date | None = arrival.expected_on
    if on is None:
        return visit.say(N_("%(units)s on the road to %(place)s"), units=units, place=place)
    return visit.say(N_("%(units)s at %(place)s on %(day)s"), units=units, place=place, day=formatting.day(on, locale, zone))


@area.post("/exceptions/{exception_id:str}", Permission.EXCEPTIONS_RESOLVE)
async def decide(visit: Visit) -> Answer:
    exception_id = ExceptionId(visit.path_id("exception_id", EXCEPTION_PREFIX))
    fields = visit.fields()
    choice = fields.choice("choice", Choice)
    to = fields.optional_id("to", LOCATION_PREFIX) or visit.optional_id("to", LOCATION_PREFIX)
    back = {"list": "/exceptions", "operations": "/operations"}.get(visit.param("back")) or exception_href(exception_id)
    reason = fields.text("reason") or "exception"
    service = fields.choice("service", Service) if choice is Choice.SERVICE else None
    if choice in {Choice.MOVE, Choice.SEND} and to is None:
        fields.refuse("to", N_("Choose one."))

    async def work(tx: Tx) -> Done:
        where = LocationId(to) if to is not None else None
        return Done(back, await _apply(visit, tx, exception_id, choice, where, reason, service))

    try:
        fields.done()
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _page(visit, next(iter(fields.errors.values()), "") or visit.refusal(refusal), fields.values)


async def _apply(
    visit: Visit,
    tx: Tx,
    exception_id: ExceptionId,
    choice: Choice,
    to: LocationId | None,
    reason: str,
    service: Service | None = None,
) -> str:
    """Does what was chosen, with its entry in the audit trail."""
    if choice in {Choice.SEND, Choice.RETRY, Choice.SERVICE}:
        said = await _apply_parked(visit, tx, exception_id, choice, to, service)
    else:
        said = await _apply_other(visit, tx, exception_id, choice, to, reason)
    subject = to_text(EXCEPTION_PREFIX, exception_id)
    await visit.record(tx, "exception.resolved", subject, {"choice": choice.value, "to": str(to) if to is not None else ""})
    return said


async def _apply_parked(
    visit: Visit, tx: Tx, exception_id: ExceptionId, choice: Choice, to: LocationId | None, service: Service | None
) -> str:
    """What can be done about units that no location may send."""
    setting = visit.console.services.releasing
    if choice is Choice.SEND:
        assert to is not None, "the form has asked for it"
        await fulfilment.send_anyway(tx, setting, exception_id, to)
        return visit.say(N_("The location that you chose sends the units, and keeps them until it gives them back."))
    if choice is Choice.SERVICE:
        assert service is not None, "the form has asked for it"
        gone = await fulfilment.send_as(tx, setting, exception_id, service)
    else:
        gone = await fulfilment.retry(tx, setting, exception_id)
    return visit.say(N_("A location sends them now.")) if gone else visit.say(N_("Still no location may send them."))


async def _apply_other(
    visit: Visit, tx: Tx, exception_id: ExceptionId, choice: Choice, to: LocationId | None, reason: str
) -> str:
    said = visit.say(N_("The exception is resolved."))
    match choice:
        case Choice.EXPECT_BACK:
            case = await changes.expect_unstopped(tx, exception_id, SETTING)
            later = N_("A return is announced for it as soon as it has left.")
            said = visit.say(later if case is None else N_("A return is announced for it."))
        case Choice.ASK_AGAIN:
            await fulfilment.ask_again(tx, exception_id)
            said = visit.say(N_("They are asked to stop."))
        case Choice.MOVE:
            assert to is not None, "the form has asked for it"
            await orders.choose_move(tx, exception_id, to)
            said = visit.say(N_("The units come from another location now."))
        case Choice.BACKORDER:
            await orders.choose_backorder(tx, exception_id)
            said = visit.say(N_("The units wait for stock; the location's promise is free again."))
        case Choice.CANCEL:
            found = await orders.get_exception(tx, exception_id)
            cancel = fulfilment.cancel_stuck if found.kind == ExceptionKind.UNROUTABLE else orders.choose_cancel
            await cancel(tx, exception_id, reason)
            said = visit.say(N_("The units are cancelled; what was promised can be sold again."))
        case Choice.COUNT:
            await orders.resolve(tx, exception_id, Resolution.COUNTED)
        case Choice.IDENTIFY:
            await orders.resolve(tx, exception_id, Resolution.IDENTIFIED)
        case _:
            await orders.resolve(tx, exception_id, Resolution.DISMISSED)
    return said


@area.post("/exceptions", Permission.EXCEPTIONS_RESOLVE)
async def decide_many(visit: Visit) -> Answer:
    """The best remedy for each that is ticked, or to dismiss them; each stands and falls alone."""
    fields = visit.fields()
    chosen = _ids(fields.all("id"))[:MOST_AT_ONCE]
    what = fields.one_of("choice", ("best", Choice.DISMISS.value, Choice.BACKORDER.value), "best")
    if not chosen:
        return visit.finish(Done("/exceptions", visit.say(N_("Tick the exceptions first.")), tone="warn"))
    async with visit.read() as reader:
        found = await _open_among(reader, chosen)
        known = {one.code: one for one in await visit.console.channels(reader)}
        remedies = await best_remedies(visit, reader, found, known)

    async def work(tx: Tx) -> Done:
        done = refused = 0
        for exception_id in sorted(chosen):
            remedy = remedies.get(exception_id)
            choice = Choice(what) if what != "best" else remedy.choice if remedy is not None else None
            to = from_text(LOCATION_PREFIX, remedy.to) if remedy is not None and remedy.to and what == "best" else None
            if choice is None or (what == "best" and remedy is not None and not remedy.for_many):
                refused += 1  # a cancellation, and what the rules are against, take a look and a click of their own
                continue
            await tx.run("SAVEPOINT one")
            try:
                await _apply(visit, tx, exception_id, choice, LocationId(to) if to is not None else None, "exception")
                done += 1
            except Refusal:
                await tx.run("ROLLBACK TO SAVEPOINT one")
                refused += 1
            await tx.run("RELEASE SAVEPOINT one")
        detail = visit.says("%(num)s needs a closer look.", "%(num)s need a closer look.", refused) if refused else ""
        words = visit.says("%(num)s exception is resolved.", "%(num)s exceptions are resolved.", done)
        return Done("/exceptions", words, detail=detail, tone="good" if done else "warn")

    return await visit.act(work)


async def _open_among(reader: Reader, chosen: Sequence[ExceptionId]) -> list[ExceptionSummary]:
    """Those of the chosen that are still open, however far down the list they stand."""

    async def page_of(cursor: str | None) -> Page[ExceptionSummary]:
        return await orders.find_exceptions(reader, ExceptionFilter(), sort="opened", limit=PAGE_SIZE, cursor=cursor)

    found: list[ExceptionSummary] = []
    async for one in lists.every(page_of):
        if one.exception.id in chosen:
            found.append(one)
        if len(found) == len(chosen):
            break
    return found


def _ids(texts: Sequence[str]) -> list[ExceptionId]:
    found: list[ExceptionId] = []
    for text in texts:
        try:
            found.append(ExceptionId(from_text(EXCEPTION_PREFIX, text)))
        except ValueError:
            continue
    return found
