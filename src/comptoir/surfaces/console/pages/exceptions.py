"""Exceptions: what a fact broke and a person has to decide, the best remedy first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.locations.contracts import LOCATION_PREFIX
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import (
    EXCEPTION_PREFIX,
    ExceptionFilter,
    ExceptionId,
    ExceptionKind,
    ExceptionSummary,
)
from comptoir.modules.pricing import api as pricing
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import parked_words, timelines
from comptoir.surfaces.console.pages.naming import channels_of, places_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.remedies import Remedy, best_remedies
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Visit

area = Area("exceptions")

SORTS = ("opened", "quantity")
KIND_WORDS: Mapping[ExceptionKind, tuple[str, str]] = {
    ExceptionKind.SHORTFALL: (
        N_("Promised units are not there"),
        N_("An order has been promised units that its location does not have any more."),
    ),
    ExceptionKind.UNROUTABLE: (
        N_("No location may send it"),
        N_("Nobody has the units of an order, or the rules of routing stop whoever does."),
    ),
    ExceptionKind.AT_THIRD_PARTY: (
        N_("Cancelled, and still with a third party"),
        N_("Units were cancelled that a third party has in hand: they stay promised until it has stopped."),
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
    ExceptionKind.UNROUTABLE: "alert-triangle",
    ExceptionKind.AT_THIRD_PARTY: "hand-stop",
    ExceptionKind.OVERDUE_BACKORDER: "hourglass",
    ExceptionKind.UNKNOWN_SKU: "zoom-question",
    ExceptionKind.NEGATIVE_STOCK: "scale",
}


@dataclass(frozen=True, slots=True)
class Row:
    """An exception in the list."""

    summary: ExceptionSummary
    name: str
    stake: int | None
    currency: Currency | None
    remedy: Remedy | None
    why: str
    """Why no location may send it; empty for what is no matter of that."""

    @property
    def id(self) -> str:
        return to_text(EXCEPTION_PREFIX, self.summary.exception.id)


def exception_href(exception_id: ExceptionId) -> str:
    return f"/exceptions/{to_text(EXCEPTION_PREFIX, exception_id)}"


def _wanted(visit: Visit) -> ExceptionFilter:
    kind, state = visit.param("kind"), visit.param("state", "open")
    return ExceptionFilter(
        kinds=(ExceptionKind(kind),) if kind in set(ExceptionKind) else (),
        state=None if state == "all" else "resolved" if state == "resolved" else "open",
        channel=visit.param("channel") or None,
        locations=visit.places(),
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
    remedies = await best_remedies(visit, reader, found, known) if visit.may(Permission.EXCEPTIONS_RESOLVE) else {}
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
                parked_words.main_reason(visit, one.exception),
            )
        )
    return rows
