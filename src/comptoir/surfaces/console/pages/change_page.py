"""Asking for a change of an order: a form, what it would come to, and doing it. Nothing happens before the last step."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal, Stale
from comptoir.kernel.ids import to_text
from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import (
    CHANGE_PREFIX,
    RETURN_CASE_PREFIX,
    Change,
    ChangeDraft,
    ChangeKind,
    Preview,
    ReturnDraft,
    ReturnState,
)
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, Order, OrderId
from comptoir.modules.payments import api as payments
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields, FormRefused
from comptoir.surfaces.console.pages import change_preview, shown_once
from comptoir.surfaces.console.pages.change_edit import EDIT
from comptoir.surfaces.console.pages.change_exchange import EXCHANGE
from comptoir.surfaces.console.pages.change_forms import Case, Kind, Wanted
from comptoir.surfaces.console.pages.change_give import CANCEL, CLAIM, PRICE
from comptoir.surfaces.console.pages.change_words import KIND_ICONS, MENU_WORDS, badge_of, change_href, is_marketplace, waiting
from comptoir.surfaces.console.pages.naming import channels_of
from comptoir.surfaces.console.pages.order_acts import what_changed
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.shown_once import Shown
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.notices.credit import tell_credit

area = Area("orders")

KINDS: Mapping[str, Kind] = {kind.kind.value: kind for kind in (EDIT, CANCEL, EXCHANGE, CLAIM, PRICE)}
PREVIEW, CONFIRM = "preview", "confirm"
_STEPS = {"", PREVIEW, CONFIRM}
_CREDIT = "store_credit"


def _kind(visit: Visit) -> Kind:
    found = KINDS.get(visit.path("kind"))
    if found is None:
        raise NotFound(kind="page", id=visit.path("kind"))
    return found


def _order_id(visit: Visit) -> OrderId:
    return OrderId(visit.path_id("order_id", ORDER_PREFIX))


@area.get("/orders/{order_id:str}/change/{kind:str}", Permission.ORDERS_ACT)
async def change_form(visit: Visit) -> Answer:
    fields = Fields({name: [value] for name, value in visit.page.query.items()}, visit.page.locale)
    return await _form(visit, fields, fresh=True)


@area.post("/orders/{order_id:str}/change/{kind:str}", Permission.ORDERS_ACT)
async def change_step(visit: Visit) -> Answer:
    """The form's buttons: those that only change the form, the one that shows what it comes to, and the one that does it."""
    fields = visit.fields()
    if fields.raw("step") not in _STEPS:
        return await _form(visit, fields)
    try:
        async with visit.read() as reader:
            case = await _case(visit, reader, fields)
            wanted = await _kind(visit).read(case)
        fields.done()
        if fields.raw("step") != CONFIRM:
            return await _preview(visit, fields, wanted)
        return await _confirm(visit, fields, wanted)
    except FormRefused:
        return await _form(visit, fields, refused=visit.say(N_("Something is not right yet.")))
    except NotFound:
        raise
    except Refusal as refusal:
        return await _form(visit, fields, refused=visit.refusal(refusal))


async def _case(visit: Visit, reader: Reader, fields: Fields, *, fresh: bool = False) -> Case:
    order = await orders.order(reader, _order_id(visit))
    off = await orders.allowances(reader, order.id)
    return Case(visit, reader, order, off, await orders.standing_of(reader, order, off), fields, fresh)


async def _form(visit: Visit, fields: Fields, *, fresh: bool = False, refused: str = "") -> Answer:
    kind = _kind(visit)
    async with visit.read() as reader:
        case = await _case(visit, reader, fields, fresh=fresh)
        opened = await api.of_order(reader, case.order.id)
        values = await kind.show(case)
        channels = await channels_of(visit, reader)
    order = case.order
    return visit.respond(
        "changes/form.html",
        "",
        status=422 if refused else 200,
        kind=kind.kind,
        fields=kind.template,
        title=visit.say(MENU_WORDS[kind.kind]),
        words=visit.say(kind.words),
        icon_name=KIND_ICONS[kind.kind],
        order=order,
        channel=channels[order.channel_code],
        href=order_href(order.id),
        action=f"{order_href(order.id)}/change/{kind.kind}",
        opened=[(change_href(one.id), badge_of(visit, one)) for one in opened],
        there=case.there,
        typed=fields.values,
        errors=fields.errors,
        refused=refused,
        **{"nothing_here": False} | values,
    )


# What it comes to


async def _preview(visit: Visit, fields: Fields, wanted: Wanted, news: str = "") -> Answer:
    """The change done, looked at and undone; with all that was typed, to go back to or to go on with."""
    kind, order_id = _kind(visit), _order_id(visit)
    async with visit.database.transaction(visit.context) as tx:
        found = await _rehearsed(tx, wanted)
        order = await orders.order(tx, order_id)
        entries = await payments.entries_of(tx, order_id)
        shown = await change_preview.shown(visit, tx, order, found, entries, requested_by=visit.principal.actor)
        last = (await orders.timeline(tx, order_id, sort="-at", limit=1)).items
        channels = await channels_of(visit, tx)
        marketplace = await is_marketplace(visit, tx, order)
    credits_at_once = shown.granted and not shown.needs_approval and not marketplace
    return visit.respond(
        "changes/preview.html",
        status=422 if news else 200,
        kind=kind.kind,
        title=visit.say(MENU_WORDS[kind.kind]),
        icon_name=KIND_ICONS[kind.kind],
        order=order,
        channel=channels[order.channel_code],
        href=order_href(order_id),
        action=f"{order_href(order_id)}/change/{kind.kind}",
        kept=_kept(visit),
        preview=shown,
        version=order.version,
        since=last[0].at.isoformat() if last else "",
        credits_at_once=credits_at_once,
        payout=fields.raw("payout"),
        told=news,
    )


def _kept(visit: Visit) -> list[tuple[str, str]]:
    """All that was typed, to be sent along."""
    own = {"step", "version", "seen", "since", "payout"}
    return [
        (name, value) for name, values in visit.form.items() if name not in own and not name.startswith("_") for value in values
    ]


async def _rehearsed(tx: Tx, wanted: Wanted) -> Preview:
    if isinstance(wanted, ChangeDraft):
        return await api.preview(tx, wanted, SETTING)
    return await api.preview_exchange(tx, wanted, SETTING)


# Doing it


async def _confirm(visit: Visit, fields: Fields, wanted: Wanted) -> Answer:
    version, seen = fields.whole("version", least=0), fields.raw("seen")
    credit = fields.raw("payout") == _CREDIT

    async def once(tx: Tx) -> Done:
        order = await orders.load(tx, wanted.order_id)
        if order.version != version:
            raise Stale(kind="order", id=str(order.id), version=order.version)
        if isinstance(wanted, ReturnDraft):
            return await _announce(visit, tx, order, wanted, seen)
        made, found = await api.request_change(tx, wanted, SETTING, version=version)
        _require_seen(found, seen)
        if made.needs_approval:
            await visit.record(tx, "change.requested", *told(made, order))
            words = visit.say(N_("It is asked for, and waits for somebody's approval."))
            return Done(change_href(made.id), words, tone="warn")
        after, _ = await api.confirm_change(tx, made.id, SETTING)
        waits = waiting(visit, after)
        await visit.record(tx, "change.requested" if waits else "change.done", *told(made, order))
        return waits or await done(visit, tx, order, credit=credit)

    try:
        return await visit.act(once)
    except Stale as stale:
        if stale.data.get("kind") == "order":
            news = await what_changed(visit, wanted.order_id, fields.raw("since"))
        else:
            news = visit.say(N_("Prices, stock or work have changed since you looked."))
        return await _preview(visit, fields, wanted, f"{news} {visit.say(N_('Below is what it comes to now.'))}")


def _require_seen(found: Preview, seen: str) -> None:
    """Raises Stale where it comes to something else than was shown."""
    if change_preview.digest(found) != seen:
        raise Stale(kind="preview")


def told(change: Change, order: Order, **more: object) -> tuple[str, dict[str, object]]:
    """What the audit trail is told of a change: its id, and what it is about."""
    data = {"number": order.number, "kind": change.kind.value, "reason": change.reason, "note": change.note}
    return to_text(CHANGE_PREFIX, change.id), data | more


async def done(visit: Visit, tx: Tx, order: Order, *, credit: bool) -> Done:
    """What to say of a change that has been done, and its money on store credit at once where that is wanted."""
    href, words = order_href(order.id), visit.say(N_("The order is changed."))
    there = await orders.standing(tx, order.id)
    if not (credit and there.granted):
        return Done(href, words, detail=_next(visit, there.granted, order))
    account, code, total = await api.credit_out(tx, order.id)
    await tell_credit(tx, visit.console.settings, order.id, total, code)
    amount = formatting.money(total, order.currency, visit.page.locale)
    detail = visit.say(N_("%(amount)s is on store credit ····%(end)s."), amount=amount, end=account.last4)
    if code is not None:
        href = f"{href}?shown={shown_once.seal(visit, Shown('account', amount, code))}"
    return Done(href, words, detail=detail)


def _next(visit: Visit, granted: int, order: Order) -> str:
    if not granted:
        return ""
    amount = formatting.money(granted, order.currency, visit.page.locale)
    return visit.say(N_("%(amount)s is to be paid out: see “Money”."), amount=amount)


async def _announce(visit: Visit, tx: Tx, order: Order, draft: ReturnDraft, seen: str) -> Done:
    case, found = await api.announce_exchange(tx, draft, SETTING)
    _require_seen(found, seen)
    data = {"number": order.number, "kind": ChangeKind.EXCHANGE.value, "note": draft.note}
    await visit.record(tx, "change.exchange", to_text(RETURN_CASE_PREFIX, case.id), data)
    if case.state is ReturnState.REQUESTED:
        words = visit.say(N_("It is asked for, and waits for somebody's approval."))
        return Done(order_href(order.id), words, tone="warn")
    return Done(order_href(order.id), visit.say(N_("The new one is reserved; the return of the other one is announced.")))
