"""Refunds over all orders: what is promised to buyers and has not been paid out, since when and by which way; and what has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.locations.contracts import LOCATION_PREFIX
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderFilter, OrderId, Owed
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import GRANT_PREFIX, Entry, EntryKind, Grant, GrantFilter, GrantState
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.change_words import reason_words
from comptoir.surfaces.console.pages.naming import Channels, channels_of, people_of, places_of
from comptoir.surfaces.console.pages.order_money import GRANT_STATES, method_words, parts_words
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Visit, plain_amount

area = Area("orders")

HREF = "/orders/refunds"
_OPEN = (GrantState.PENDING, GrantState.PARTLY)
TABS: Mapping[str, tuple[str, tuple[GrantState, ...]]] = {
    "": (N_("To pay out"), _OPEN),
    "done": (N_("Paid out"), (GrantState.EXECUTED,)),
    "withdrawn": (N_("Withdrawn"), (GrantState.WITHDRAWN,)),
}
_AGES: Mapping[str, tuple[str, timedelta]] = {
    "1": (N_("for more than a day"), timedelta(days=1)),
    "3": (N_("for more than 3 days"), timedelta(days=3)),
    "7": (N_("for more than a week"), timedelta(days=7)),
    "14": (N_("for more than 2 weeks"), timedelta(days=14)),
    "30": (N_("for more than a month"), timedelta(days=30)),
}
_LATE = timedelta(days=14)
"""From then on it stands out: by law a buyer who withdraws has the money back within fourteen days."""


class Row(NamedTuple):
    """A refund as the list shows it."""

    grant: Grant
    number: int | None
    channel: str
    href: str
    pay_href: str
    """Empty where nothing is left to be paid out."""
    why: str
    ways: str
    """How it goes back: as it was paid."""
    state: str
    tone: str
    late: bool


async def count_open(reader: Reader) -> int:
    return sum(one.count for one in await payments.to_pay(reader))


async def _wanted(visit: Visit, reader: Reader) -> GrantFilter:
    tab = visit.param("tab") if visit.param("tab") in TABS else ""
    age = _AGES.get(visit.param("age"))
    method = visit.param("method").strip()[:200]
    q = visit.param("q").strip().removeprefix("#")
    of = None
    if q:
        of = await orders.id_of(reader, int(q)) if q.isascii() and q.isdecimal() and len(q) < 19 else None
        of = of or OrderId(UUID(int=0))
    place = visit.optional_id("location", LOCATION_PREFIX)
    return GrantFilter(
        channels=(visit.param("channel")[:200],) if visit.param("channel") else (),
        location_id=place,
        order_id=of,
        states=TABS[tab][1],
        methods=(method,) if method else (),
        granted_before=visit.page.now - age[1] if age else None,
    )


@area.get("/orders/refunds", Permission.ORDERS_READ)
async def refund_list(visit: Visit) -> Answer:
    tab = visit.param("tab") if visit.param("tab") in TABS else ""
    sort = visit.sort(("granted",), "-granted" if tab else "granted")
    async with visit.read() as reader:
        wanted = await _wanted(visit, reader)
        if visit.wants_csv:
            return visit.csv("refunds", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
        page = await payments.find_grants(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        total = await payments.count_grants(reader, wanted)
        sums = await payments.to_pay(reader)
        methods = await payments.methods_to_pay(reader)
        owing = await orders.count(reader, OrderFilter(owed=Owed.TO_BUYER))
        channels, places = await channels_of(visit, reader), (await lists.sites(reader)).own(visit)
        rows = await _rows(visit, reader, page.items, channels)
    options = [(method, method_words(visit, method)) for method in methods]
    ages = [(key, visit.say(word)) for key, (word, _) in _AGES.items()]
    known = [
        (N_("Paid with"), "method", dict(options)),
        (N_("Channel"), "channel", dict(channels.options)),
        (N_("Money moved at"), "location", dict(places)),
        (N_("Promised"), "age", dict(ages)),
    ]
    chips = lists.chips(visit, known)
    return visit.respond(
        "refunds/list.html",
        "refunds/_results.html",
        rows=rows,
        before=page.previous,
        after=page.next,
        total=total,
        sort=sort,
        sums=sums,
        owing=owing,
        methods=options,
        ages=ages,
        channels=channels.options,
        places=places,
        chips=chips,
        tab=tab,
        tabs=[
            (
                visit.say(word),
                visit.page.href(tab=key or None, sort=None),
                key == tab,
                sum(s.count for s in sums) if not key else None,
            )
            for key, (word, _) in TABS.items()
        ],
        is_empty=not rows and not chips and not tab and not visit.param("q"),
        may_act=visit.may(Permission.ORDERS_ACT),
    )


async def _rows(visit: Visit, reader: Reader, grants: Sequence[Grant], channels: Channels) -> list[Row]:
    ids = sorted({OrderId(one.order_id) for one in grants})
    if not ids:
        return []
    numbers = await orders.numbers(reader, ids)
    entries = await payments.entries_of_some(reader, ids)
    return [_row(visit, one, numbers.get(OrderId(one.order_id)), entries.get(one.order_id, ()), channels) for one in grants]


def _channels(entries: Sequence[Entry], channels: Channels) -> str:
    """Through which the order was paid."""
    codes = dict.fromkeys(entry.channel_code for entry in entries if entry.kind == EntryKind.CAPTURED)
    return ", ".join(channels[code].name for code in codes)


def _row(visit: Visit, one: Grant, number: int | None, entries: Sequence[Entry], channels: Channels) -> Row:
    word, tone = GRANT_STATES[one.state]
    href, may = order_href(one.order_id), visit.may(Permission.ORDERS_ACT)
    parts = payments.as_paid(entries, one.open) if one.open else []
    pay = f"{href}/payout?grant={to_text(GRANT_PREFIX, one.id)}&back=refunds" if one.open and may else ""
    late = bool(one.open) and one.granted_at < visit.page.now - _LATE
    return Row(
        one,
        number,
        _channels(entries, channels),
        href,
        pay,
        reason_words(visit, one.reason),
        parts_words(visit, parts, one.currency),
        visit.say(word),
        tone,
        late,
    )


_COLUMNS = (
    N_("Order"), N_("Promised"), N_("By"), N_("Reason"), N_("State"), N_("Amount"), N_("Paid out"), N_("To pay out"),
    N_("Currency"), N_("Paid with"), N_("Channel"), N_("Money moved at"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: GrantFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    money = partial(plain_amount, locale=visit.page.locale)
    async with visit.read() as reader:
        channels = await channels_of(visit, reader)
        async for some in lists.by_many(payments.stream_grants(reader, wanted, sort=sort)):
            ids = sorted({OrderId(one.order_id) for one in some})
            numbers, entries = await orders.numbers(reader, ids), await payments.entries_of_some(reader, ids)
            people = await people_of(visit, reader, {one.actor for one in some}, channels)
            places = await places_of(reader, {entry.location_id for those in entries.values() for entry in those})
            for one in some:
                moved = entries.get(one.order_id, ())
                ways = payments.by_method(moved)
                yield (
                    numbers.get(OrderId(one.order_id), ""), one.granted_at, people[one.actor], reason_words(visit, one.reason),
                    visit.say(GRANT_STATES[one.state][0]), money(one.amount, one.currency), money(one.executed, one.currency),
                    money(one.open, one.currency), one.currency, ", ".join(method_words(visit, way.method) for way in ways),
                    _channels(moved, channels), ", ".join(dict.fromkeys(places[e.location_id] for e in moved if e.location_id)),
                )  # fmt: skip
