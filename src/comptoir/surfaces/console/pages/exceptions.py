"""Exceptions: what a fact broke, the best remedy first, and every choice that there is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from comptoir.i18n import N_, ngettext
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.kernel.money import Currency
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.channels.contracts import Channel
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Arrival
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId, Pool, PoolId, PoolMember
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
    Resolution,
)
from comptoir.modules.pricing import api as pricing
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import timelines
from comptoir.surfaces.console.pages.naming import channels_of, people_of, places_of
from comptoir.surfaces.console.pages.order_acts import Target, distance, nearest_sources, target_words
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("exceptions")

SORTS = ("opened", "quantity")
MOST_AT_ONCE = 200
KIND_WORDS: Mapping[ExceptionKind, tuple[str, str]] = {
    ExceptionKind.SHORTFALL: (
        N_("Promised units are not there"),
        N_("An order has been promised units that its location does not have any more."),
    ),
    ExceptionKind.OVERDUE_BACKORDER: (
        N_("The promised day has passed"),
        N_("The stock that an order waits for has not come."),
    ),
    ExceptionKind.UNKNOWN_SKU: (
        N_("Unknown SKU"),
        N_("A channel has sold something that the catalogue does not know."),
    ),
    ExceptionKind.NEGATIVE_STOCK: (
        N_("More left than there was"),
        N_("A location has sold more than it was thought to have: count it."),
    ),
}
"""In the order in which they hurt."""
KIND_ICONS = {
    ExceptionKind.SHORTFALL: "package-off",
    ExceptionKind.OVERDUE_BACKORDER: "hourglass",
    ExceptionKind.UNKNOWN_SKU: "zoom-question",
    ExceptionKind.NEGATIVE_STOCK: "scale",
}


@dataclass(frozen=True, slots=True)
class Remedy:
    """The one click that puts most of it right."""

    choice: Choice
    words: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """An exception in the list."""

    summary: ExceptionSummary
    name: str
    stake: int | None
    currency: Currency | None
    remedy: Remedy | None

    @property
    def id(self) -> str:
        return to_text(EXCEPTION_PREFIX, self.summary.exception.id)


def exception_href(exception_id: ExceptionId) -> str:
    return f"/exceptions/{to_text(EXCEPTION_PREFIX, exception_id)}"


def _wanted(visit: Visit) -> ExceptionFilter:
    kind, state = visit.param("kind"), visit.param("state", "open")
    location = visit.optional_id("location", LOCATION_PREFIX)
    return ExceptionFilter(
        kinds=(ExceptionKind(kind),) if kind in set(ExceptionKind) else (),
        state=None if state == "all" else "resolved" if state == "resolved" else "open",
        channel=visit.param("channel") or None,
        location=LocationId(location) if location is not None else None,
        sku=visit.param("q").strip(),
        opened_before=visit.day("on_to", end=True),
    )


@area.get("/exceptions", Permission.EXCEPTIONS_READ)
async def exception_list(visit: Visit) -> Answer:
    wanted, sort = _wanted(visit), visit.sort(SORTS, "opened")
    if visit.wants_csv:
        return visit.csv("exceptions", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await orders.find_exceptions(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        total = await orders.count_exceptions(reader, wanted)
        counts = await orders.counts_of_exceptions(reader)
        channels = await channels_of(visit, reader)
        places = await places_of(reader, [one.exception.location_id for one in page.items])
        rows = await _rows(visit, reader, page.items)
    groups = [
        (
            kind,
            visit.say(words),
            visit.say(meaning),
            KIND_ICONS[kind],
            [row for row in rows if row.summary.exception.kind == kind],
        )
        for kind, (words, meaning) in KIND_WORDS.items()
    ]
    return visit.respond(
        "exceptions/list.html",
        "exceptions/_results.html",
        groups=[group for group in groups if group[-1]],
        rows=rows,
        before=page.previous,
        after=page.next,
        total=total,
        sort=sort,
        channels=channels,
        places=places,
        tabs=_tabs(visit, counts),
        chips=_chips(visit, dict(channels.options)),
        order_href=order_href,
        may_resolve=visit.may(Permission.EXCEPTIONS_RESOLVE),
        resolution_word=partial(timelines.resolution_word, visit),
        is_clear=not sum(counts.values()),
    )


def _tabs(visit: Visit, counts: Mapping[ExceptionKind, int]) -> list[tuple[str, str, bool, int | None]]:
    kind, state = visit.param("kind"), visit.param("state")
    tabs: list[tuple[str, str, bool, int | None]] = [
        (visit.say(N_("All open")), visit.page.href(kind=None, state=None), not kind and not state, sum(counts.values()))
    ]
    tabs += [
        (visit.say(words), visit.page.href(kind=code.value, state=None), kind == code, counts.get(code, 0))
        for code, (words, _) in KIND_WORDS.items()
        if counts.get(code) or kind == code
    ]
    resolved = visit.page.href(kind=None, state="resolved")
    return [*tabs, (visit.say(N_("Resolved")), resolved, state == "resolved", None)]


def _chips(visit: Visit, channels: Mapping[str, str]) -> list[tuple[str, str, str]]:
    chips: list[tuple[str, str, str]] = []
    if visit.param("channel"):
        chips.append((visit.say(N_("Channel")), channels.get(visit.param("channel"), visit.param("channel")), "channel"))
    if visit.param("location"):
        chips.append((visit.say(N_("Location")), visit.param("location"), "location"))
    return chips


_COLUMNS = (
    N_("Exception"), N_("Order"), N_("Channel"), N_("SKU"), N_("Units"), N_("Location"), N_("Opened"), N_("Resolved"),
    N_("How"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: ExceptionFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        channels = await channels_of(visit, reader)
        async for row in orders.stream_exceptions(reader, wanted, sort=sort):
            one = row.exception
            yield (
                timelines.kind_word(visit, one.kind),
                row.order_number,
                channels[row.channel_code].name,
                one.sku,
                one.quantity,
                to_text(LOCATION_PREFIX, one.location_id) if one.location_id is not None else "",
                one.opened_at,
                one.resolved_at,
                timelines.resolution_word(visit, one.resolution),
            )


async def _rows(visit: Visit, reader: Reader, found: Sequence[ExceptionSummary]) -> list[Row]:
    """The list with names, what is at stake and what to do, in a few queries for all of them."""
    skus = sorted({one.exception.sku for one in found if one.exception.sku is not None})
    names = await catalogue.sellable(reader, skus) if skus else {}
    known = {one.code: one for one in await visit.console.channels(reader)}
    sold = {one.channel_code for one in found if one.channel_code is not None} & set(known)
    markets = {market.code: market for market in await pricing.markets(reader)} if sold else {}
    prices = {code: await pricing.prices(reader, code, skus) for code in {known[code].market for code in sold}}
    remedies = await _remedies(visit, reader, found, known) if visit.may(Permission.EXCEPTIONS_RESOLVE) else {}
    rows: list[Row] = []
    for one in found:
        channel = known.get(one.channel_code or "")
        price = prices[channel.market].get(one.exception.sku or "") if channel is not None else None
        rows.append(
            Row(
                one,
                names[one.exception.sku].name if one.exception.sku in names else one.exception.sku or "",
                price.amount * one.exception.quantity if price is not None else None,
                markets[channel.market].currency if channel is not None else None,
                remedies.get(one.exception.id),
            )
        )
    return rows


async def _remedies(
    visit: Visit, reader: Reader, found: Sequence[ExceptionSummary], known: Mapping[str, Channel]
) -> dict[ExceptionId, Remedy]:
    """For each shortfall the nearest location that has it all; else to wait, where some is on its way; else to cancel."""
    short = [one for one in found if one.exception.state == "open" and one.exception.kind == ExceptionKind.SHORTFALL]
    if not short:
        return {}
    pools: dict[PoolId, Pool] = {}
    codes = {one.channel_code for one in short if one.channel_code is not None} & set(known)
    for pool_id in sorted({known[code].pool_id for code in codes}):
        pools[pool_id] = pools.get(pool_id) or await locations.pool(reader, pool_id)
    members = {member.id: member for pool in pools.values() for member in pool.members if member.active}
    skus = sorted({one.exception.sku for one in short if one.exception.sku is not None})
    stock: dict[str, list[tuple[LocationId, int]]] = {sku: [] for sku in skus}
    for sku, location, available in await inventory.available_in_pool(reader, skus, list(members)):
        stock[sku].append((location, available))
    coming = await inventory.incoming(reader, skus, list(members))
    places = await places_of(reader, {location for rows in stock.values() for location, _ in rows})
    result: dict[ExceptionId, Remedy] = {}
    for one in short:
        own = one.exception
        channel = known.get(one.channel_code or "")
        pool = pools.get(channel.pool_id) if channel is not None else None
        inside = {member.id for member in pool.members} if pool is not None else set[LocationId]()
        fits = [row for row in stock.get(own.sku or "", []) if row[1] >= own.quantity and row[0] in inside]
        target = _nearest(own.location_id, [location for location, _ in fits if location != own.location_id], members)
        if target is not None:
            words = visit.say(N_("Move to %(place)s"), place=places[target])
            result[own.id] = Remedy(Choice.MOVE, words, to_text(LOCATION_PREFIX, target))
        elif coming.get(own.sku or ""):
            result[own.id] = Remedy(Choice.BACKORDER, visit.say(N_("Let it wait for stock")))
        else:
            result[own.id] = Remedy(Choice.CANCEL, visit.say(N_("Cancel these units")))
    return result


def _nearest(
    here: LocationId | None, others: Sequence[LocationId], members: Mapping[LocationId, PoolMember]
) -> LocationId | None:
    def far(location: LocationId) -> tuple[bool, float, LocationId]:
        kilometres = distance(members.get(here) if here is not None else None, members[location])
        return (kilometres is None, kilometres or 0.0, location)

    return min(others, key=far, default=None)


# One exception


async def _pool_of(visit: Visit, reader: Reader, channel_id: ChannelId) -> list[LocationId]:
    channel = next((one for one in await visit.console.channels(reader) if one.id == channel_id), None)
    if channel is None:
        return []
    return [member.id for member in (await locations.pool(reader, channel.pool_id)).members if member.active]


@area.get("/exceptions/{exception_id:str}", Permission.EXCEPTIONS_READ)
async def exception_page(visit: Visit) -> Answer:
    return await _page(visit)


async def _page(visit: Visit, refused: str = "", values: Mapping[str, str] | None = None) -> Answer:
    exception_id = ExceptionId(visit.path_id("exception_id", EXCEPTION_PREFIX))

    async def pool_of(reader: Reader, channel_id: ChannelId) -> list[LocationId]:
        return await _pool_of(visit, reader, channel_id)

    async with visit.read() as reader:
        details = await orders.exception(reader, exception_id, pool_of)
        found = details.exception
        channels = await channels_of(visit, reader)
        targets = await _targets(visit, reader, details)
        named = [found.location_id, *(t.location_id for t in targets), *(a.location_id for a in details.arrivals)]
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
        choices=[choice.value for choice in details.choices],
    )


async def _targets(visit: Visit, reader: Reader, details: ExceptionDetails) -> list[Target]:
    found, order = details.exception, details.order
    if Choice.MOVE not in details.choices or order is None or found.sku is None:
        return []
    channel = next((one for one in await visit.console.channels(reader) if one.code == order.channel_code), None)
    if channel is None:
        return []
    pool = await locations.pool(reader, channel.pool_id)
    near = await nearest_sources(reader, found.sku, pool.members, found.location_id)
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
    back = "/exceptions" if visit.param("back") == "list" else exception_href(exception_id)
    reason = fields.text("reason") or "exception"
    if choice is Choice.MOVE and to is None:
        fields.refuse("to", N_("Choose one."))

    async def work(tx: Tx) -> Done:
        said = await _apply(visit, tx, exception_id, choice, LocationId(to) if to is not None else None, reason)
        return Done(back, said)

    try:
        fields.done()
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _page(visit, next(iter(fields.errors.values()), "") or visit.refusal(refusal), fields.values)


async def _apply(visit: Visit, tx: Tx, exception_id: ExceptionId, choice: Choice, to: LocationId | None, reason: str) -> str:
    """Does what was chosen, with its entry in the audit trail."""
    said = visit.say(N_("The exception is resolved."))
    match choice:
        case Choice.MOVE:
            assert to is not None, "the form has asked for it"
            await orders.choose_move(tx, exception_id, to)
            said = visit.say(N_("The units come from another location now."))
        case Choice.BACKORDER:
            await orders.choose_backorder(tx, exception_id)
            said = visit.say(N_("The units wait for stock; the location's promise is free again."))
        case Choice.CANCEL:
            await orders.choose_cancel(tx, exception_id, reason)
            said = visit.say(N_("The units are cancelled; what was promised can be sold again."))
        case Choice.COUNT:
            await orders.resolve(tx, exception_id, Resolution.COUNTED)
        case Choice.IDENTIFY:
            await orders.resolve(tx, exception_id, Resolution.IDENTIFIED)
        case Choice.DISMISS | Choice.WAIT:
            await orders.resolve(tx, exception_id, Resolution.DISMISSED)
    subject = to_text(EXCEPTION_PREFIX, exception_id)
    await visit.record(tx, "exception.resolved", subject, {"choice": choice.value, "to": str(to) if to is not None else ""})
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
        found = await orders.find_exceptions(reader, ExceptionFilter(), sort="opened", limit=MOST_AT_ONCE)
        known = {one.code: one for one in await visit.console.channels(reader)}
        remedies = await _remedies(visit, reader, [one for one in found.items if one.exception.id in chosen], known)

    async def work(tx: Tx) -> Done:
        done = refused = 0
        for exception_id in sorted(chosen):
            remedy = remedies.get(exception_id)
            choice = Choice(what) if what != "best" else remedy.choice if remedy is not None else None
            to = from_text(LOCATION_PREFIX, remedy.to) if remedy is not None and remedy.to and what == "best" else None
            if choice is None or choice is Choice.CANCEL:
                refused += 1  # a cancellation takes a look and a click of its own
                continue
            await tx.run("SAVEPOINT one")
            try:
                await _apply(visit, tx, exception_id, choice, LocationId(to) if to is not None else None, "exception")
                done += 1
            except Refusal:
                await tx.run("ROLLBACK TO SAVEPOINT one")
                refused += 1
            await tx.run("RELEASE SAVEPOINT one")
        detail = (
            ngettext(visit.page.locale, "%(num)s needs a closer look.", "%(num)s need a closer look.", refused)
            if refused
            else ""
        )
        words = ngettext(visit.page.locale, "%(num)s exception is resolved.", "%(num)s exceptions are resolved.", done)
        return Done("/exceptions", words, detail=detail, tone="good" if done else "warn")

    return await visit.act(work)


def _ids(texts: Sequence[str]) -> list[ExceptionId]:
    found: list[ExceptionId] = []
    for text in texts:
        try:
            found.append(ExceptionId(from_text(EXCEPTION_PREFIX, text)))
        except ValueError:
            continue
    return found
