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
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.pages import timelines
from comptoir.surfaces.console.pages.change_money import (
    read_payment,
    read_payout,
    read_refund,
    read_spend,
    read_withdraw,
    show_payment,
    show_payout,
    show_refund,
    show_spend,
    show_withdraw,
)
from comptoir.surfaces.console.pages.consent_words import read_consent, show_consent
from comptoir.surfaces.console.pages.naming import channels_of, people_of, places_of
from comptoir.surfaces.console.pages.order_forms import Act, Asked, Sent, Values, Work
from comptoir.surfaces.console.pages.order_units import (
    read_allocate,
    read_move,
    read_release,
    read_ship,
    show_allocate,
    show_move,
    show_release,
    show_ship,
)
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("orders")


async def _show_nothing(_at: Asked) -> Values:
    return {}


def _read_note(sent: Sent) -> Work:
    text = sent.fields.text("note", required=True, most=2000, lines=True)

    async def work(tx: Tx, locked: Order) -> str:
        await orders.note(tx, locked.id, text)
        return sent.visit.say(N_("The note is written."))

    return work


ACTS = {
    act.name: act
    for act in (
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
            "payment", N_("Record a payment"),
            N_("This writes down money that has moved; it moves none itself."),
            N_("Write it down"), "cash", "primary", show_payment, read_payment,
        ),
        Act(
            "spend", N_("Pay with a gift card or store credit"), "", N_("Pay"), "gift", "primary", show_spend, read_spend,
        ),
        Act(
            "refund", N_("Grant a refund"),
            N_("This promises the buyer what they are owed. Paying it out is a step of its own."),
            N_("Grant it"), "receipt-refund", "primary", show_refund, read_refund,
        ),
        Act(
            "payout", N_("Pay a refund out"),
            N_("This writes down money that has gone back; cards and cash are moved by whoever is at the terminal or till."),
            N_("It is paid out"), "cash", "primary", show_payout, read_payout,
        ),
        Act(
            "withdraw", N_("Withdraw a refund"),
            N_("What has not been paid out is promised no more."),
            N_("Withdraw it"), "ban", "danger", show_withdraw, read_withdraw,
        ),
        Act(
            "consent", N_("What may be sent instead"),
            N_("What the buyer agrees to when something is not on the shelf. Who prepares the order sees it."),
            N_("Write it down"), "switch-horizontal", "primary", show_consent, read_consent,
        ),
        Act("note", N_("Add a note"), "", N_("Add the note"), "message", "primary", _show_nothing, _read_note),
    )
}  # fmt: skip


# One way for all of them


@area.get("/orders/{order_id:str}/{act:str}", Permission.ORDERS_ACT)
async def act_form(visit: Visit) -> Answer:
    elsewhere = _elsewhere(visit)
    if elsewhere:
        return visit.redirect(elsewhere)
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
            told = {name: value for name, value in fields.values.items() if name != "code"}
            await visit.record(tx, f"order.{act.name}", to_text(ORDER_PREFIX, order_id), {"number": locked.number, **told})
            return said if isinstance(said, Done) else Done(order_href(order_id), said)

        return await visit.act(once)
    except Stale:
        return await _form(visit, act, fields.values, refused=await _since(visit, order_id, fields.raw("seen")))
    except Refusal as refusal:
        words = visit.say(N_("Something is not right yet.")) if fields.errors else visit.refusal(refusal)
        return await _form(visit, act, fields.values, fields.errors, words)


def _elsewhere(visit: Visit) -> str:
    """Where that is done now which was an action of its own once: addresses that somebody has kept still lead there."""
    order_id = to_text(ORDER_PREFIX, _order_id(visit))
    moved = {"cancel": f"/orders/{order_id}/change/cancel", "return": f"/returns/new?order={order_id}"}
    return moved.get(visit.path("act"), "")


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


async def _since(visit: Visit, order_id: OrderId, seen: str) -> str:
    words = await what_changed(visit, order_id, seen)
    return f"{words} {visit.say(N_('Check the form against it, then send it again.'))}"


async def what_changed(visit: Visit, order_id: OrderId, seen: str) -> str:
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
    return f"{words} {what}." if what else words
