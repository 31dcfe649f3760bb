"""What can be done with an order at the console: each action is a form, decided on the version that was looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from comptoir.i18n import N_, ngettext
from comptoir.kernel.errors import NotFound, Refusal, Stale
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.channels.contracts import Channel
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Disposition
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationFilter, LocationId, PoolMember
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.api import share
from comptoir.modules.orders.contracts import (
    ORDER_PREFIX,
    LineQuantity,
    Order,
    OrderDetails,
    OrderId,
    OrderLine,
    ReturnLine,
)
from comptoir.modules.payments.contracts import EntryKind
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.exporting import plain_amount
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import timelines
from comptoir.surfaces.console.pages.naming import channels_of, people_of, places_of
from comptoir.surfaces.console.pages.orders import PAYMENT_KINDS, order_href
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("orders")

Values = dict[str, object]
Work = Callable[[Tx, Order], Awaitable[str]]
"""Does it with the locked order; gives what to say afterwards."""

REASONS = {
    "customer": N_("The customer asked"),
    "stock": N_("It cannot be found"),
    "payment": N_("It was not paid"),
    "fraud": N_("Suspected fraud"),
    "error": N_("Typed by mistake"),
}
DISPOSITIONS = {
    Disposition.RESTOCK: N_("Back to stock"),
    Disposition.DAMAGED: N_("Damaged"),
    Disposition.QUALITY: N_("To be inspected"),
}
METHODS = (N_("card"), N_("cash"), N_("bank transfer"), N_("gift card"), N_("store credit"))


@dataclass(frozen=True, slots=True)
class Row:
    """A line in a form: at most so many of its units can go this way, and so many are proposed."""

    line: OrderLine
    most: int
    value: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A form to be shown: for which order, and what was typed or linked to."""

    visit: Visit
    reader: Reader
    details: OrderDetails
    typed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that came in, and the order as it was just now."""

    visit: Visit
    fields: Fields
    order: Order


@dataclass(frozen=True, slots=True)
class Act:
    """An action: its words, what its form shows, and how to read it."""

    name: str
    title: str
    words: str
    confirm: str
    icon: str
    tone: Literal["primary", "danger"]
    show: Callable[[Asked], Awaitable[Values]]
    read: Callable[[Sent], Work]


def _rows(order: Order, open_units: Callable[[OrderLine], int], *, propose: bool = True) -> list[Row]:
    return [Row(line, units, units if propose else 0) for line in order.lines if (units := open_units(line)) > 0]


def _line_quantities(fields: Fields, order: Order, most: Mapping[int, int] | None = None) -> list[LineQuantity]:
    """The units that were typed for each line. What is more than the order has is refused here, the rest by the order."""
    chosen: list[LineQuantity] = []
    for line in order.lines:
        name = f"line-{line.line_no}"
        limit = line.quantity if most is None else most.get(line.line_no, line.quantity)
        units = fields.whole(name, least=0, most=limit, default=0)
        if units:
            chosen.append(LineQuantity(line.line_no, units))
    if not chosen and not fields.errors:
        fields.refuse("lines", N_("Choose at least one unit."))
    return chosen


# Cancel, release, find stock, note


async def _show_cancel(at: Asked) -> Values:
    reasons = [(code, at.visit.say(word)) for code, word in REASONS.items()]
    return {"rows": _rows(at.details.order, lambda line: line.open), "reasons": reasons}


def _read_cancel(sent: Sent) -> Work:
    chosen = _line_quantities(sent.fields, sent.order)
    reason = sent.fields.one_of("reason", tuple(REASONS))

    async def work(tx: Tx, locked: Order) -> str:
        await orders.cancel(tx, locked.id, chosen, reason)
        return sent.visit.say(N_("The units are cancelled; what was promised can be sold again."))

    return work


async def _show_release(at: Asked) -> Values:
    return {"rows": _rows(at.details.order, lambda line: line.reserved if line.stocked else 0)}


def _read_release(sent: Sent) -> Work:
    chosen = _line_quantities(sent.fields, sent.order)
    reason = sent.fields.text("reason")

    async def work(tx: Tx, locked: Order) -> str:
        await orders.release(tx, locked.id, chosen, reason)
        return sent.visit.say(N_("The stock is released; the order waits for new stock."))

    return work


async def _show_allocate(at: Asked) -> Values:
    return {"rows": _rows(at.details.order, lambda line: line.backordered)}


def _read_allocate(sent: Sent) -> Work:
    async def work(tx: Tx, locked: Order) -> str:
        channel = await _channel(sent.visit, tx, locked)
        pool = await locations.pool(tx, channel.pool_id)
        there = (locked.ship_to or {}).get("latitude"), (locked.ship_to or {}).get("longitude")
        goal = (float(str(there[0])), float(str(there[1]))) if there[0] is not None and there[1] is not None else None
        geometry = locations.PoolGeometry.of([member for member in pool.members if member.active])
        ranked = [geometry.members[int(i)].id for i in locations.rank(geometry, goal, None)]
        found = await orders.allocate(tx, locked.id, ranked)
        if not found:
            return sent.visit.say(N_("There is still no stock anywhere for what is waiting."))
        return ngettext(
            sent.visit.page.locale, "%(num)s unit has found its stock.", "%(num)s units have found their stock.", found
        )

    return work


async def _channel(visit: Visit, reader: Reader, order: Order) -> Channel:
    found = next((one for one in await visit.console.channels(reader) if one.code == order.channel_code), None)
    if found is None:
        raise NotFound(kind="channel", code=order.channel_code)
    return found


async def _show_nothing(_at: Asked) -> Values:
    return {}


def _read_note(sent: Sent) -> Work:
    text = sent.fields.text("note", required=True, most=2000, lines=True)

    async def work(tx: Tx, locked: Order) -> str:
        await orders.note(tx, locked.id, text)
        return sent.visit.say(N_("The note is written."))

    return work


# Ship and move


def _held(details: OrderDetails, location_id: LocationId | None) -> dict[int, int]:
    held: dict[int, int] = {}
    for reservation in details.reservations:
        if reservation.location_id == location_id:
            held[reservation.line_no] = held.get(reservation.line_no, 0) + reservation.quantity
    return held


def _origin(typed: Mapping[str, str], details: OrderDetails) -> LocationId | None:
    """The location that was named, or else the first that holds something for the order."""
    try:
        return LocationId(from_text(LOCATION_PREFIX, typed.get("from", "")))
    except ValueError:
        return details.reservations[0].location_id if details.reservations else None


async def _show_ship(at: Asked) -> Values:
    origin = _origin(at.typed, at.details)
    held = _held(at.details, origin)
    places = await places_of(at.reader, [origin])
    rows = _rows(at.details.order, lambda line: held.get(line.line_no, 0) if line.stocked else line.reserved)
    return {
        "rows": rows,
        "origin_id": to_text(LOCATION_PREFIX, origin) if origin else "",
        "words": at.visit.say(N_("These units leave %(place)s and its stock at once."), place=places[origin]),
    }


def _read_ship(sent: Sent) -> Work:
    chosen = _line_quantities(sent.fields, sent.order)
    origin = LocationId(sent.fields.id("from", LOCATION_PREFIX))
    carrier = sent.fields.text("carrier", most=100)
    number = sent.fields.text("tracking_number", most=100)
    address = sent.fields.text("tracking_url", most=500)
    if address and not address.startswith(("https://", "http://")):
        sent.fields.refuse("tracking_url", N_("An address begins with https://."))

    async def work(tx: Tx, locked: Order) -> str:
        await orders.ship(tx, locked.id, origin, chosen, carrier=carrier, tracking_number=number, tracking_url=address)
        return ngettext(
            sent.visit.page.locale,
            "%(num)s unit has been shipped.",
            "%(num)s units have been shipped.",
            sum(row.quantity for row in chosen),
        )

    return work


async def _show_move(at: Asked) -> Values:
    origin = _origin(at.typed, at.details)
    number = at.typed.get("line", "")
    line = next((line for line in at.details.order.lines if str(line.line_no) == number), None)
    if line is None or line.sku is None:
        raise NotFound(kind="line", id=number)
    channel = await _channel(at.visit, at.reader, at.details.order)
    pool = await locations.pool(at.reader, channel.pool_id)
    targets = await nearest_sources(at.reader, line.sku, pool.members, origin)
    places = await places_of(at.reader, [origin, *(target.location_id for target in targets)])
    return {
        "line": line,
        "origin_id": to_text(LOCATION_PREFIX, origin) if origin else "",
        "most": _held(at.details, origin).get(line.line_no, 0),
        "targets": [
            (to_text(LOCATION_PREFIX, t.location_id), target_words(at.visit, t, places[t.location_id])) for t in targets
        ],
        "words": at.visit.say(N_("%(product)s now stands at %(place)s."), product=line.name or line.sku, place=places[origin]),
    }


@dataclass(frozen=True, slots=True)
class Target:
    """A location that could serve instead, and how far it is, in km, where both places are known."""

    location_id: LocationId
    available: int
    distance: float | None


async def nearest_sources(
    reader: Reader, sku: str, members: Sequence[PoolMember], origin: LocationId | None, limit: int = 40
) -> list[Target]:
    """Who of a pool has some of the SKU, the nearest to the origin first."""
    by_id = {member.id: member for member in members if member.active}
    here = by_id.get(origin) if origin is not None else None
    found = await inventory.available_in_pool(reader, [sku], [one for one in by_id if one != origin])
    targets = [Target(location, available, distance(here, by_id[location])) for _, location, available in found]
    return sorted(targets, key=lambda t: (t.distance is None, t.distance or 0, -t.available, t.location_id))[:limit]


def distance(here: PoolMember | None, there: PoolMember) -> float | None:
    """In km, where both places are known."""
    if here is None or here.latitude is None or here.longitude is None or there.latitude is None or there.longitude is None:
        return None
    return locations.distance_km((here.latitude, here.longitude), (there.latitude, there.longitude))


def target_words(visit: Visit, target: Target, name: str) -> str:
    locale = visit.page.locale
    words = visit.say(N_("%(place)s · %(units)s available"), place=name, units=formatting.number(target.available, locale))
    if target.distance is None:
        return words
    return f"{words} · {formatting.number(round(target.distance), locale)} km"


def _read_move(sent: Sent) -> Work:
    quantity = sent.fields.whole("quantity", least=1)
    line_no = sent.fields.whole("line", least=1)
    origin, target = LocationId(sent.fields.id("from", LOCATION_PREFIX)), LocationId(sent.fields.id("to", LOCATION_PREFIX))

    async def work(tx: Tx, locked: Order) -> str:
        await orders.move(tx, locked.id, line_no, quantity, from_location_id=origin, to_location_id=target, reason="person")
        return sent.visit.say(N_("The units come from another location now."))

    return work


# Take back, and money


async def _show_return(at: Asked) -> Values:
    order = at.details.order
    found = await locations.find(at.reader, LocationFilter(active=True), sort="name", limit=200)
    default = order.location_id or (at.details.shipments[-1].location_id if at.details.shipments else None)
    names = {one.id: one.name or one.code for one in found.items if one.returns}
    if default is not None and default not in names:
        names[default] = (await places_of(at.reader, [default]))[default]
    return {
        "rows": _rows(order, lambda line: line.shipped - line.returned, propose=False),
        "dispositions": [(code.value, at.visit.say(word)) for code, word in DISPOSITIONS.items()],
        "locations": [(to_text(LOCATION_PREFIX, one), name) for one, name in names.items()],
        "location": to_text(LOCATION_PREFIX, default) if default else "",
        "refundable": refundable(order, at.typed),
    }


def refundable(order: Order, typed: Mapping[str, str]) -> int:
    """What the units that were typed stand for, to the cent."""
    total = 0
    for line in order.lines:
        text = typed.get(f"line-{line.line_no}", "")
        units = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        units = min(units, line.shipped - line.returned)
        if units > 0:
            total += share(line.total, line.quantity, line.returned, units)
    return total


def _read_return(sent: Sent) -> Work:
    chosen = _line_quantities(sent.fields, sent.order)
    where = LocationId(sent.fields.id("location", LOCATION_PREFIX))
    reason = sent.fields.text("reason")
    lines = [
        ReturnLine(
            row.line_no, row.quantity, sent.fields.choice(f"disposition-{row.line_no}", Disposition, Disposition.RESTOCK)
        )
        for row in chosen
    ]

    async def work(tx: Tx, locked: Order) -> str:
        _, amount = await orders.take_back(tx, locked.id, where, lines, reason)
        worth = formatting.money(amount, locked.currency, sent.visit.page.locale)
        return sent.visit.say(N_("Taken back. %(amount)s can be refunded."), amount=worth)

    return work


async def _show_payment(at: Asked) -> Values:
    order = at.details.order
    kind = EntryKind(at.typed["kind"]) if at.typed.get("kind") in set(EntryKind) else EntryKind.CAPTURED
    taken_back = sum(one.refundable for one in at.details.returns)
    proposed = {
        EntryKind.CAPTURED: order.total - order.captured + order.refunded,
        EntryKind.REFUNDED: min(max(taken_back - order.refunded, 0), order.captured - order.refunded)
        or order.captured - order.refunded,
    }.get(kind, 0)
    return {
        "kind": kind.value,
        "kinds": [(code.value, at.visit.say(word)) for code, word in PAYMENT_KINDS.items()],
        "amount": plain_amount(proposed, order.currency, at.visit.page.locale) if proposed > 0 else "",
        "methods": [at.visit.say(word) for word in METHODS],
    }


def _read_payment(sent: Sent) -> Work:
    kind = sent.fields.choice("kind", EntryKind)
    amount = sent.fields.money("amount", sent.order.currency)
    method = sent.fields.text("method", required=True, most=60)
    reference = sent.fields.text("reference", most=200)

    async def work(tx: Tx, locked: Order) -> str:
        if await orders.pay(tx, locked.id, kind, method, amount, reference):
            return sent.visit.say(N_("The payment is written down."))
        return sent.visit.say(N_("This payment was known already: nothing was written twice."))

    return work


ACTS = {
    act.name: act
    for act in (
        Act(
            "cancel", N_("Cancel units"),
            N_("What has not been shipped is released and can be sold again at once. This cannot be undone."),
            N_("Cancel these units"), "ban", "danger", _show_cancel, _read_cancel,
        ),
        Act(
            "release", N_("Release the stock"),
            N_("The units lose their place and wait for stock again; others may have them."),
            N_("Release"), "lock-open", "primary", _show_release, _read_release,
        ),
        Act(
            "allocate", N_("Find stock"),
            N_("These units wait. Every location of the channel is looked at, the nearest first."),
            N_("Look for stock"), "search", "primary", _show_allocate, _read_allocate,
        ),
        Act(
            "move", N_("Move to another location"), "", N_("Move"), "switch-horizontal", "primary", _show_move, _read_move,
        ),
        Act("ship", N_("Ship"), "", N_("Ship"), "truck", "primary", _show_ship, _read_ship),
        Act(
            "return", N_("Take back"),
            N_("The units come on hand where they are handed in. The money is refunded in a step of its own."),
            N_("Take back"), "truck-return", "primary", _show_return, _read_return,
        ),
        Act(
            "payment", N_("Record a payment"),
            N_("This writes down money that has moved; it moves none itself."),
            N_("Write it down"), "cash", "primary", _show_payment, _read_payment,
        ),
        Act("note", N_("Add a note"), "", N_("Add the note"), "message", "primary", _show_nothing, _read_note),
    )
}  # fmt: skip


# One way for all of them


@area.get("/orders/{order_id:str}/refundable", Permission.ORDERS_ACT)
async def show_refundable(visit: Visit) -> Answer:
    async with visit.read() as reader:
        order = await orders.order(reader, _order_id(visit))
    return visit.fragment("orders/acts/_refundable.html", refundable=refundable(order, visit.page.query), order=order)


@area.get("/orders/{order_id:str}/{act:str}", Permission.ORDERS_ACT)
async def act_form(visit: Visit) -> Answer:
    return await _form(visit, _act(visit), visit.page.query)


@area.post("/orders/{order_id:str}/{act:str}", Permission.ORDERS_ACT)
async def do_act(visit: Visit) -> Answer:
    act, order_id, fields = _act(visit), _order_id(visit), visit.fields()
    version = fields.whole("version", least=0)
    async with visit.read() as reader:
        order = await orders.order(reader, order_id)
    try:
        work = act.read(Sent(visit, fields, order))
        fields.done()

        async def once(tx: Tx) -> Done:
            locked = await orders.load(tx, order_id)
            _require_version(locked, version)
            said = await work(tx, locked)
            await visit.record(
                tx, f"order.{act.name}", to_text(ORDER_PREFIX, order_id), {"number": locked.number, **fields.values}
            )
            return Done(order_href(order_id), said)

        return await visit.act(once)
    except Stale:
        return await _form(visit, act, fields.values, refused=await _what_changed(visit, order_id, fields.raw("seen")))
    except Refusal as refusal:
        words = visit.say(N_("Something is not right yet.")) if fields.errors else visit.refusal(refusal)
        return await _form(visit, act, fields.values, fields.errors, words)


def _require_version(order: Order, version: int) -> None:
    if order.version != version:
        raise Stale(kind="order", id=str(order.id), version=order.version)


def _order_id(visit: Visit) -> OrderId:
    return OrderId(visit.path_id("order_id", ORDER_PREFIX))


def _act(visit: Visit) -> Act:
    found = ACTS.get(visit.path("act"))
    if found is None:
        raise NotFound(kind="page", id=visit.path("act"))
    return found


async def _form(
    visit: Visit,
    act: Act,
    typed: Mapping[str, str],
    errors: Mapping[str, str] | None = None,
    refused: str = "",
) -> Answer:
    order_id = _order_id(visit)
    async with visit.read() as reader:
        details = await orders.get(reader, order_id)
        last = (await orders.timeline(reader, order_id, sort="-at", limit=1)).items
        channels = await channels_of(visit, reader)
        shown = await act.show(Asked(visit, reader, details, typed))
    href = order_href(order_id)
    own: Values = {"words": visit.say(act.words) if act.words else ""} | shown
    return visit.respond(
        "orders/act.html",
        "orders/_act.html",
        status=422 if refused or errors else 200,
        act=act.name,
        action=f"{href}/{act.name}",
        href=href,
        title=visit.say(act.title),
        confirm=visit.say(act.confirm),
        icon_name=act.icon,
        tone=act.tone,
        order=details.order,
        channel=channels[details.order.channel_code],
        seen=last[0].at.isoformat() if last else "",
        values=dict(typed) if refused or errors else {},
        errors=dict(errors or {}),
        refused=refused,
        **own,
    )


async def _what_changed(visit: Visit, order_id: OrderId, seen: str) -> str:
    """Since the form was opened: who did what."""
    try:
        since = datetime.fromisoformat(seen)
    except ValueError:
        since = None
    async with visit.read() as reader:
        details = await orders.get(reader, order_id)
        entries = (await orders.timeline(reader, order_id, sort="-at", limit=10)).items
        news = [entry for entry in entries if since is None or (since.tzinfo is not None and entry.at > since)]
        channels = await channels_of(visit, reader)
        places = await places_of(reader, timelines.location_ids(news))
        people = await people_of(visit, reader, [entry.actor for entry in news], channels)
    told = timelines.told(visit, news, details, places, people, channels)
    what = "; ".join(f"{one.what} ({one.who})" for one in told[:5])
    words = visit.say(N_("Someone else has changed this order since you opened it."))
    return f"{words} {what}. {visit.say(N_('Check the form against it, then send it again.'))}" if what else words
