"""Takings: what was taken and given back, by day, method, channel and place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, time, timedelta
from functools import partial

from comptoir.i18n import N_
from comptoir.kernel.checking import invalid
from comptoir.modules.locations.contracts import LOCATION_PREFIX
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import TakingsFilter
from comptoir.modules.staff.contracts import Permission
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.naming import channels_of, places_of
from comptoir.surfaces.console.pages.order_money import METHOD_WORDS, method_words
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Visit, plain_amount

area = Area("orders")

HREF = "/orders/takings"
_MONTH = timedelta(days=30)
_YEAR = timedelta(days=367)


def _wanted(visit: Visit) -> TakingsFilter:
    """Whoever is limited to some locations sees what moved there."""
    page = visit.page
    until = visit.day("on_to", end=True)
    if until is None:
        until = datetime.combine(page.now.astimezone(page.zone).date() + timedelta(days=1), time(), page.zone)
    since = visit.day("on_from") or until - _MONTH
    if until - since > _YEAR:
        raise invalid("on_from", visit.say(N_("At most a year is shown at once.")))
    place = visit.optional_id("location", LOCATION_PREFIX)
    typed = visit.param("q").strip()[:200]
    return TakingsFilter(
        since=since,
        until=until,
        zone=str(page.zone),
        channels=(visit.param("channel")[:200],) if visit.param("channel") else (),
        method=_method(visit, typed),
        locations=visit.principal.locations if place is None else frozenset({place}),
    )


def _method(visit: Visit, typed: str) -> str:
    """What we call a method that was typed in the reader's words."""
    return next((code for code in METHOD_WORDS if typed and typed.casefold() in method_words(visit, code).casefold()), typed)


@area.get(HREF, Permission.ORDERS_READ)
async def taking_list(visit: Visit) -> Answer:
    sort = visit.sort(("day",), "-day")
    wanted = _wanted(visit)
    async with visit.read() as reader:
        if visit.wants_csv:
            return visit.csv("takings", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
        page = await payments.find_takings(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        total = await payments.count_takings(reader, wanted)
        sums = await payments.takings_totals(reader, wanted)
        channels, sites = await channels_of(visit, reader), await lists.sites(reader)
        places = await places_of(reader, [one.location_id for one in page.items])
    mine = sites.own(visit)
    known = [(N_("Channel"), "channel", dict(channels.options)), (N_("Location"), "location", dict(mine))]
    first, last = wanted.since.date(), (wanted.until - timedelta(days=1)).date()
    return visit.respond(
        "takings/list.html",
        "takings/_results.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        total=total,
        sort=sort,
        sums=sums,
        channels=channels,
        places=places,
        sites=mine,
        first=first.isoformat(),
        last=last.isoformat(),
        chips=lists.chips(visit, known),
        method_word=partial(method_words, visit),
        limited=visit.principal.limited,
    )


_COLUMNS = (
    N_("Day"), N_("Method"), N_("Channel"), N_("Location"), N_("Received"), N_("Paid back"), N_("Net"), N_("Currency"),
    N_("Movements"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: TakingsFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    money = partial(plain_amount, locale=visit.page.locale)
    async with visit.read() as reader:
        channels = await channels_of(visit, reader)
        async for some in lists.by_many(payments.stream_takings(reader, wanted, sort=sort)):
            places = await places_of(reader, {one.location_id for one in some})
            for one in some:
                yield (
                    one.on, method_words(visit, one.method), channels[one.channel_code].name, places[one.location_id],
                    money(one.captured, one.currency), money(one.refunded, one.currency), money(one.net, one.currency),
                    one.currency, one.movements,
                )  # fmt: skip
