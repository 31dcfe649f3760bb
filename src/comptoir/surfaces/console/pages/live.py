"""*Live*: what is being sold and moved now, and what waits for a person; a replayed year's time where a demo plays."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from jinja2.utils import htmlsafe_json_dumps

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.inventory.contracts import EntryKind, LedgerEntry
from comptoir.modules.locations.contracts import LOCATION_PREFIX
from comptoir.modules.orders.contracts import EXCEPTION_PREFIX, ExceptionSummary
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import timelines
from comptoir.surfaces.console.pages.feed import Feed, Snapshot
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.rendering import Page, render
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.demo import state as demo

area = Area("live")

STREAM_FOR = 300.0
"""Seconds after which a stream ends and the browser opens it again: who may watch is asked anew."""
PARTS = ("tiles", "exceptions", "moves", "latest", "channels", "lag", "replay")
CAUSES = {
    EntryKind.RECEIVED: N_("Received"),
    EntryKind.EXPECTED: N_("Expected"),
    EntryKind.SOLD: N_("Sold at the till"),
    EntryKind.RESERVED: N_("Reserved"),
    EntryKind.RELEASED: N_("Released"),
    EntryKind.SHIPPED: N_("Shipped"),
    EntryKind.TRANSFERRED: N_("Transferred"),
    EntryKind.COUNTED: N_("Counted"),
    EntryKind.ADJUSTED: N_("Corrected"),
    EntryKind.RETURNED: N_("Returned"),
    EntryKind.DAMAGED: N_("Damaged"),
    EntryKind.QUALITY: N_("Quality hold"),
    EntryKind.SAFETY: N_("Safety stock"),
}


def feed_of(visit: Visit) -> Feed:
    found = visit.console.extras.get("feed")
    assert isinstance(found, Feed)
    return found


@area.get("/")
async def live_page(visit: Visit) -> Answer:
    if not visit.may(Permission.FIGURES_READ):
        return visit.redirect(visit.page.nav[0].href if visit.page.nav else "/account")
    seen = await feed_of(visit).look()
    return visit.respond("live/live.html", **_values(visit, seen))


@area.get("/live/stream", Permission.FIGURES_READ)
async def stream(visit: Visit) -> Answer:
    return visit.stream(_events(visit))


async def _events(visit: Visit) -> AsyncIterator[str]:
    """Fragments of the page, each when it has changed."""
    yield "retry: 2000\n\n"
    ends = time.monotonic() + STREAM_FOR
    sent: dict[str, str] = {}
    async for seen in feed_of(visit).watch():
        visit.page = page_now(visit.page)
        for name, text in _pieces(visit, seen).items():
            if sent.get(name) != text:
                sent[name] = text
                yield "".join((f"event: {name}\n", *(f"data: {line}\n" for line in text.split("\n")), "\n"))
        if time.monotonic() > ends:
            return


def page_now(page: Page) -> Page:
    """The same page, read now."""
    return Page(
        page.locale, page.zone, page.user, page.place, page.url, page.request_id, page.theme, page.nav, page.counts
    )  # fmt: skip


def _pieces(visit: Visit, seen: Snapshot) -> dict[str, str]:
    values = _values(visit, seen)
    pieces = {name: render(f"live/_{name}.html", visit.page, visit=visit, **values) for name in PARTS}
    pieces["chart"] = str(htmlsafe_json_dumps(values["chart"]))
    pieces["map"] = str(htmlsafe_json_dumps(values["places_map"]))
    return pieces


class Money(NamedTuple):
    """An amount of one currency; most houses have one."""

    amount: int
    currency: str


class Tile(NamedTuple):
    """A channel's trade: of the day, and altogether."""

    name: str
    icon: str
    orders: int
    today: list[Money]
    total: list[Money]


def _values(visit: Visit, seen: Snapshot) -> dict[str, Any]:
    totals = _sums(seen.today)
    return {
        "seen": seen,
        "orders_today": sum(row.orders for row in seen.today),
        "averages": _averages(seen),
        "orders_before": sum(row.orders for row in seen.yesterday),
        "revenue": totals,
        "revenue_before": {row.currency: row.total for row in seen.yesterday},
        "channel_rows": _channel_rows(seen),
        "chart": _chart(visit, seen),
        "places_map": _map(visit, seen),
        "spark": _spark(seen),
        "moves": [_move(visit, seen, entry) for entry in seen.moves],
        "latest": seen.latest,
        "exceptions": [_exception(visit, seen, one) for one in seen.exceptions],
        "href": order_href,
        "speeds": demo.SPEEDS,
        "is_empty": not seen.total and not seen.latest,
    }


def _averages(seen: Snapshot) -> list[Money]:
    """What an order comes to today, by currency in the order of the revenue."""
    orders: dict[str, int] = {}
    for row in seen.today:
        orders[row.currency] = orders.get(row.currency, 0) + row.orders
    return [Money(amount // orders[currency], currency) for amount, currency in _sums(seen.today) if orders[currency]]


def _sums(rows: Any) -> list[Money]:
    found: dict[str, int] = {}
    for row in rows:
        found[row.currency] = found.get(row.currency, 0) + row.total
    return [Money(amount, currency) for currency, amount in sorted(found.items(), key=lambda item: -item[1])]


def _channel_rows(seen: Snapshot) -> list[Tile]:
    codes = dict.fromkeys([*(row.channel for row in seen.today), *(row.channel for row in seen.total)])
    rows = [
        Tile(
            seen.channels[code].name,
            seen.channels[code].icon,
            sum(row.orders for row in seen.today if row.channel == code),
            _sums(row for row in seen.today if row.channel == code),
            _sums(row for row in seen.total if row.channel == code),
        )
        for code in codes
    ]
    return sorted(rows, key=lambda row: -sum(money.amount for money in row.total))


def _zone(visit: Visit, seen: Snapshot) -> tzinfo:
    """A replayed year is told in the stores' time, the present in the reader's."""
    return seen.zone if seen.demo is not None else visit.page.zone


def _chart(visit: Visit, seen: Snapshot) -> dict[str, Any]:
    """Orders per span by channel; those of the year with the most first, so that colours stay."""
    zone, locale, hourly = _zone(visit, seen), visit.page.locale, seen.grain == "hour"
    write = formatting.hour if hourly else formatting.clock
    places = {at: n for n, at in enumerate(seen.labels)}
    series: dict[str, list[int]] = {code: [0] * len(places) for code in sorted({row.channel for row in seen.total})}
    for row in seen.spans:
        if row.at in places:
            series.setdefault(row.channel, [0] * len(places))[places[row.at]] += row.orders
    ranked = sorted(series, key=lambda code: -sum(row.orders for row in seen.total if row.channel == code))
    return {
        "kind": "stack",
        "title": visit.say(N_("Orders per hour, last two days") if hourly else N_("Orders per minute")),
        "words": _chart_words(visit, seen),
        "whole": True,
        "labels": [write(at, locale, zone) for at in seen.labels],
        "series": [{"name": seen.channels[code].name, "values": series[code]} for code in ranked],
    }


def _spark(seen: Snapshot) -> list[int]:
    places = {at: n for n, at in enumerate(seen.labels)}
    values = [0] * len(places)
    for row in seen.spans:
        if row.at in places:
            values[places[row.at]] += row.orders
    return values


def _chart_words(visit: Visit, seen: Snapshot) -> str:
    per: dict[str, int] = {}
    for row in seen.spans:
        per[row.channel] = per.get(row.channel, 0) + row.orders
    if not per:
        return visit.say(N_("Nothing has been sold in this time."))
    first = max(per, key=lambda code: per[code])
    share = formatting.percent(per[first] / max(1, sum(per.values())), visit.page.locale, 0)
    count = formatting.number(sum(per.values()), visit.page.locale)
    return visit.say(
        N_("%(count)s orders; %(channel)s brings %(share)s of them."),
        count=count,
        channel=seen.channels[first].name,
        share=share,
    )


def _map(visit: Visit, seen: Snapshot) -> dict[str, Any]:
    points: list[dict[str, Any]] = []
    for one in seen.locations.values():
        if one.latitude is None or one.longitude is None:
            continue
        moves = seen.activity.get(one.id, 0.0)
        trouble = one.id in seen.trouble
        points.append(
            {
                "name": one.name or one.code,
                "lon": round(one.longitude, 3),
                "lat": round(one.latitude, 3),
                "value": round(moves),
                "tone": "bad" if trouble else "",
                "href": f"/stock?location={to_text(LOCATION_PREFIX, one.id)}",
                "words": visit.says("%(num)s movement lately", "%(num)s movements lately", round(moves))
                + (f" · {visit.say(N_('has an exception'))}" if trouble else ""),
            }
        )
    countries = {one.country for one in seen.locations.values()}
    name = "us" if countries <= {"US"} else "europe" if countries <= EUROPE else "world"
    return {"map": name, "words": _map_words(visit, seen), "points": points}


_EUROPEANS = """AD AL AT BA BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS
SE SI SK SM UA VA"""
EUROPE = frozenset(_EUROPEANS.split())


def _map_words(visit: Visit, seen: Snapshot) -> str:
    count = len(seen.locations)
    busy = sum(1 for value in seen.activity.values() if value >= 0.5)
    words = visit.says("%(num)s location", "%(num)s locations", count)
    words += ", " + visit.says("%(num)s with stock moving now", "%(num)s with stock moving now", busy)
    if seen.trouble:
        words += ", " + visit.says("%(num)s needs a person", "%(num)s need a person", len(seen.trouble))
    return words + "."


class Move(NamedTuple):
    """A change of stock, as it is told."""

    name: str
    href: str
    why: str
    change: int
    at: datetime


def _move(visit: Visit, seen: Snapshot, entry: LedgerEntry) -> Move:
    where = seen.locations.get(entry.location_id)
    change = entry.change.on_hand or -entry.change.reserved or entry.change.incoming
    name = (where.name or where.code) if where is not None else ""
    why = " · ".join(part for part in (visit.say(CAUSES[entry.kind]), name) if part)
    return Move(seen.names.get(entry.sku) or entry.sku, f"/stock/{entry.sku}", why, change, entry.at)


class Waiting(NamedTuple):
    """An exception in a short list."""

    title: str
    href: str
    words: str
    icon: str
    at: datetime | None


def _exception(visit: Visit, seen: Snapshot, one: ExceptionSummary) -> Waiting:
    found = one.exception
    where = seen.locations.get(found.location_id) if found.location_id is not None else None
    parts = (
        f"{formatting.number(found.quantity, visit.page.locale)} × {found.sku}" if found.sku else "",
        visit.say(N_("order %(number)s"), number=one.order_number) if one.order_number else "",
        (where.name or where.code) if where is not None else "",
    )
    icon = {"shortfall": "package-off", "unknown_sku": "zoom-question", "overdue_backorder": "hourglass"}.get(
        found.kind, "scale"
    )
    href = f"/exceptions/{to_text(EXCEPTION_PREFIX, found.id)}"
    return Waiting(timelines.kind_word(visit, found.kind), href, " · ".join(filter(None, parts)), icon, found.opened_at)


@area.post("/live/replay", Permission.FIGURES_READ)
async def control_replay(visit: Visit) -> Answer:
    """The viewer of the demo sets its speed, holds it, or begins the year anew."""
    fields = visit.fields()
    text = fields.raw("speed")
    speed = float(text) if text.replace(".", "", 1).isdecimal() else None
    paused = {"yes": True, "no": False}.get(fields.raw("paused"))
    reset = fields.raw("reset") == "yes"
    if reset:
        visit.require(Permission.SETTINGS_USERS)

    async def work(tx: Tx) -> Done:
        await demo.control(tx, speed=speed, paused=paused, reset=reset)
        await visit.record(tx, "demo.controlled", "", {"speed": speed, "paused": paused, "reset": reset})
        words = N_("The year begins anew.") if reset else N_("The replay follows within a second.")
        return Done("/", visit.say(words))

    return await visit.act(work)
