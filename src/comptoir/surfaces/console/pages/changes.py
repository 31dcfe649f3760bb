"""Changes of orders that were asked for: the list, and each one with what it comes to, to be approved, declined or done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal, Stale
from comptoir.modules.changes import api
from comptoir.modules.changes.contracts import (
    CHANGE_PREFIX,
    Change,
    ChangeFilter,
    ChangeId,
    ChangeKind,
    ChangeState,
    Preview,
)
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order
from comptoir.modules.payments import api as payments
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.console.forms import FormRefused
from comptoir.surfaces.console.pages import change_preview, lists
from comptoir.surfaces.console.pages.change_page import done, told
from comptoir.surfaces.console.pages.change_words import (
    KIND_ICONS,
    KIND_WORDS,
    STATE_WORDS,
    badge_of,
    change_href,
    reason_words,
    waiting,
)
from comptoir.surfaces.console.pages.naming import People, channels_of, people_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("orders")

OPEN = (ChangeState.REQUESTED, ChangeState.APPROVED)
TABS: Mapping[str, tuple[str, ChangeFilter]] = {
    "": (N_("Waiting for approval"), ChangeFilter(states=(ChangeState.REQUESTED,), needs_approval=True)),
    "open": (N_("Not finished"), ChangeFilter(states=OPEN)),
    "done": (N_("Carried out"), ChangeFilter(states=(ChangeState.CONFIRMED,))),
    "declined": (N_("Declined or given up"), ChangeFilter(states=(ChangeState.DECLINED, ChangeState.CANCELLED))),
}


@area.get("/orders/changes", Permission.ORDERS_READ)
async def change_list(visit: Visit) -> Answer:
    _, base = TABS.get(visit.param("tab"), TABS[""])
    kind = lists.chosen(visit, "kind", ChangeKind)
    wanted = ChangeFilter(kind=kind, states=base.states, needs_approval=base.needs_approval)
    sort = visit.sort(("requested",), "-requested")
    if visit.wants_csv:
        return visit.csv("changes", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await api.find_changes(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        waiting, opened = await api.open_changes(reader)
        numbers = await orders.numbers(reader, [one.order_id for one in page.items])
        people = await people_of(visit, reader, [one.requested_by for one in page.items], await channels_of(visit, reader))
    counts = {"": waiting, "open": opened}
    return visit.respond(
        "changes/list.html",
        "changes/_results.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        numbers=numbers,
        people=people,
        kinds=lists.options_of(visit, KIND_WORDS),
        kind_words={code: visit.say(word) for code, word in KIND_WORDS.items()},
        kind_icons=KIND_ICONS,
        chips=lists.chips(visit, [(N_("Kind"), "kind", dict(lists.options_of(visit, KIND_WORDS)))]),
        badge=partial(badge_of, visit),
        reason=partial(reason_words, visit),
        href=change_href,
        order_href=order_href,
        tab=visit.param("tab"),
        tabs=[
            (visit.say(word), visit.page.href(tab=key or None), key == visit.param("tab"), counts.get(key))
            for key, (word, _) in TABS.items()
        ],
    )


_COLUMNS = (
    N_("Number"), N_("Order"), N_("Kind"), N_("State"), N_("Reason"), N_("Note"), N_("Asked for"), N_("By"), N_("Decided"),
    N_("Decided by"), N_("Decision"), N_("Ended"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: ChangeFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        channels = await channels_of(visit, reader)

        async def page_of(cursor: str | None) -> Page[Change]:
            return await api.find_changes(reader, wanted, sort=sort, limit=200, cursor=cursor)

        async for some in lists.by_many(lists.every(page_of)):
            numbers = await orders.numbers(reader, list({one.order_id for one in some}))
            who = {one.requested_by for one in some} | {one.decided_by or "" for one in some}
            people = await people_of(visit, reader, who, channels)
            for one in some:
                yield (
                    one.number, numbers.get(one.order_id, ""), visit.say(KIND_WORDS[one.kind]),
                    visit.say(STATE_WORDS[one.state][0]), reason_words(visit, one.reason), one.note, one.requested_at,
                    people[one.requested_by], one.decided_at,
                    people[one.decided_by] if one.decided_by else "", one.decision, one.ended_at,
                )  # fmt: skip


# One change


def _id(visit: Visit) -> ChangeId:
    return ChangeId(visit.path_id("change_id", CHANGE_PREFIX))


@area.get("/orders/changes/{change_id:str}", Permission.ORDERS_READ)
async def change_page(visit: Visit) -> Answer:
    return await _page(visit)


async def _page(
    visit: Visit, *, refused: str = "", errors: Mapping[str, str] | None = None, typed: Mapping[str, str] | None = None
) -> Answer:
    """What is open is shown as it would come out now; of what is over, what was asked for."""
    async with visit.database.transaction(visit.context) as tx:
        change = await api.get_change(tx, _id(visit))
        order = await orders.order(tx, change.order_id)
        found, against = await _rehearsed(visit, tx, change)
        entries = await payments.entries_of(tx, order.id)
        preview = None
        if found is not None:
            preview = await change_preview.shown(visit, tx, order, found, entries, requested_by=change.requested_by)
        sentences = await change_preview.sentences_of(visit, tx, order, change.actions, None)
        channels = await channels_of(visit, tx)
        people = await people_of(
            visit, tx, [one for one in (change.requested_by, change.decided_by, change.ended_by) if one], channels
        )
    own = visit.principal.actor == change.requested_by
    waits = change.state is ChangeState.REQUESTED and (found.needs_approval if found else change.needs_approval)
    may_decide = visit.may(Permission.ORDERS_APPROVE) and waits
    return visit.respond(
        "changes/change.html",
        status=422 if refused or errors else 200,
        change=change,
        order=order,
        href=change_href(change.id),
        order_href=order_href(order.id),
        channel=channels[order.channel_code],
        kind_word=visit.say(KIND_WORDS[change.kind]),
        kind_icon=KIND_ICONS[change.kind],
        badge=badge_of(visit, change),
        reason=reason_words(visit, change.reason),
        asked=[sentences.action(action) for action in change.actions],
        preview=preview,
        against=against,
        is_open=change.state in OPEN,
        is_stale=change.state in OPEN and order.version != change.order_version,
        waits=waits,
        own=own,
        may_act=visit.may(Permission.ORDERS_ACT),
        may_approve=may_decide and (not own or (preview is not None and preview.may_self)),
        may_decline=may_decide,
        happened=_happened(visit, change, people),
        version=order.version,
        refused=refused,
        errors=dict(errors or {}),
        typed=dict(typed or {}),
    )


async def _rehearsed(visit: Visit, tx: Tx, change: Change) -> tuple[Preview | None, str]:
    """What an open change would come to now, or what stands against it."""
    if change.state not in OPEN:
        return None, ""
    try:
        return await api.preview(tx, api.draft_of(change), SETTING), ""
    except Refusal as refusal:
        return None, visit.refusal(refusal)


def _happened(visit: Visit, change: Change, people: People) -> list[dict[str, object]]:
    """Who asked, who decided, who did it; the latest first."""
    entries: list[dict[str, object]] = []

    def note(at: datetime | None, who: str | None, words: str, icon: str, tone: str, detail: str = "") -> None:
        if at is not None and who is not None:
            entries.append(
                {"at": at, "who": people[who], "what": visit.say(words), "icon": icon, "tone": tone, "detail": detail}
            )

    note(change.requested_at, change.requested_by, N_("Asked for"), "edit", "neutral", change.note)
    declined = change.state is ChangeState.DECLINED
    words = N_("Declined") if declined else N_("Approved")
    tone = "bad" if declined else "good"
    note(change.decided_at, change.decided_by, words, "circle-x" if declined else "circle-check", tone, change.decision)
    gone = change.state is ChangeState.CANCELLED
    note(
        change.ended_at, change.ended_by, N_("Given up") if gone else N_("Done"), "ban" if gone else "check",
        "neutral" if gone else "good",
    )  # fmt: skip
    return entries[::-1]


# Deciding


@area.post("/orders/changes/{change_id:str}/approve", Permission.ORDERS_APPROVE)
async def approve(visit: Visit) -> Answer:
    """Approves what was shown, and does it."""
    fields = visit.fields()
    reason = fields.text("reason", most=200)

    async def once(tx: Tx) -> Done:
        change, order, _ = await _as_seen(visit, tx)
        await api.approve_change(tx, change.id, SETTING, reason)
        after, _ = await api.confirm_change(tx, change.id, SETTING)
        own = change.requested_by == visit.principal.actor
        await visit.record(tx, "change.approved", *told(change, order, decision=reason, own=own))
        return waiting(visit, after) or await done(visit, tx, order, credit=False)

    return await _stepped(visit, once)


@area.post("/orders/changes/{change_id:str}/confirm", Permission.ORDERS_ACT)
async def confirm(visit: Visit) -> Answer:
    """Does what was shown; what turns out to need approval waits for it."""

    async def once(tx: Tx) -> Done:
        change, order, found = await _as_seen(visit, tx)
        if found.needs_approval and change.state is not ChangeState.APPROVED:
            words = visit.say(N_("It comes to more than may be given without approval, and waits for it now."))
            return Done(change_href(change.id), words, tone="warn")
        after, _ = await api.confirm_change(tx, change.id, SETTING)
        waits = waiting(visit, after)
        await visit.record(tx, "change.requested" if waits else "change.done", *told(change, order))
        return waits or await done(visit, tx, order, credit=False)

    return await _stepped(visit, once)


@area.post("/orders/changes/{change_id:str}/decline", Permission.ORDERS_APPROVE)
async def decline(visit: Visit) -> Answer:
    fields = visit.fields()
    reason = fields.text("reason", required=True, most=200)

    async def once(tx: Tx) -> Done:
        fields.done()
        change = await api.decline_change(tx, _id(visit), reason)
        await visit.record(tx, "change.declined", *told(change, await orders.order(tx, change.order_id), decision=reason))
        return Done(change_href(change.id), visit.say(N_("It is declined; the order stays as it is.")))

    return await _stepped(visit, once)


@area.post("/orders/changes/{change_id:str}/cancel", Permission.ORDERS_ACT)
async def cancel(visit: Visit) -> Answer:
    async def once(tx: Tx) -> Done:
        change = await api.cancel_change(tx, _id(visit))
        await visit.record(tx, "change.cancelled", *told(change, await orders.order(tx, change.order_id)))
        return Done(change_href(change.id), visit.say(N_("It is given up; the order stays as it is.")))

    return await _stepped(visit, once)


async def _as_seen(visit: Visit, tx: Tx) -> tuple[Change, Order, Preview]:
    """The change on the order as it is now, if it still comes to what was shown. Raises Stale."""
    fields = visit.fields()
    change = await api.get_change(tx, _id(visit))
    order = await orders.load(tx, change.order_id)
    if order.version != fields.whole("version", least=0):
        raise Stale(kind="order", id=str(order.id), version=order.version)
    if order.version == change.order_version:
        found = await api.preview(tx, api.draft_of(change), SETTING)
    else:
        change, found = await api.renew_change(tx, change.id, SETTING)
    if change_preview.digest(found) != fields.raw("seen"):
        raise Stale(kind="preview")
    return change, order, found


async def _stepped(visit: Visit, once: Callable[[Tx], Awaitable[Done]]) -> Answer:
    try:
        return await visit.act(once)
    except FormRefused as refusal:
        words = visit.say(N_("Something is not right yet."))
        return await _page(visit, refused=words, errors=refusal.errors, typed=refusal.values)
    except Stale:
        words = visit.say(N_("Something has changed since you looked. Below is what it comes to now."))
        return await _page(visit, refused=words, typed=visit.fields().values)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _page(visit, refused=visit.refusal(refusal), typed=visit.fields().values)


async def count_waiting(reader: Reader) -> int:
    """What waits for approval, for the menu."""
    return (await api.open_changes(reader))[0]
