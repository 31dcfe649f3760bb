"""What can be done with an order at the console: each action is a form, decided on the version that was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal, Stale
from comptoir.kernel.ids import to_text
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import (
    ORDER_PREFIX,
    Order,
    OrderId,
)
from comptoir.modules.payments.contracts import EntryKind
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.exporting import plain_amount
from comptoir.surfaces.console.pages import timelines
from comptoir.surfaces.console.pages.naming import channels_of, people_of, places_of
from comptoir.surfaces.console.pages.order_forms import Act, Asked, Sent, Values, Work
from comptoir.surfaces.console.pages.order_money import PAYMENT_KINDS, refundable
from comptoir.surfaces.console.pages.order_units import (
    read_allocate,
    read_cancel,
    read_move,
    read_release,
    read_return,
    read_ship,
    show_allocate,
    show_cancel,
    show_move,
    show_release,
    show_return,
    show_ship,
)
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("orders")

METHODS = (N_("card"), N_("cash"), N_("bank transfer"), N_("gift card"), N_("store credit"))


async def _show_nothing(_at: Asked) -> Values:
    return {}


def _read_note(sent: Sent) -> Work:
    text = sent.fields.text("note", required=True, most=2000, lines=True)

    async def work(tx: Tx, locked: Order) -> str:
        await orders.note(tx, locked.id, text)
        return sent.visit.say(N_("The note is written."))

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
            N_("Cancel these units"), "ban", "danger", show_cancel, read_cancel,
        ),
        Act(
            "release", N_("Release the stock"),
            N_("The units lose their place and wait for stock again; others may have them."),
            N_("Release"), "lock-open", "primary", show_release, read_release,
        ),
        Act(
            "allocate", N_("Find stock"),
            N_("These units wait. Every location of the channel is looked at, the nearest first."),
            N_("Look for stock"), "search", "primary", show_allocate, read_allocate,
        ),
        Act(
            "move", N_("Move to another location"), "", N_("Move"), "switch-horizontal", "primary", show_move, read_move,
        ),
        Act("ship", N_("Ship"), "", N_("Ship"), "truck", "primary", show_ship, read_ship),
        Act(
            "return", N_("Take back"),
            N_("The units come on hand where they are handed in. The money is refunded in a step of its own."),
            N_("Take back"), "truck-return", "primary", show_return, read_return,
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
