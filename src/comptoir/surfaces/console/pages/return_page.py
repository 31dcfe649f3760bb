"""One return: its life, its units, the money that is promised and that has moved, and what can be done about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import RETURN_CASE_PREFIX, LabelStanding, ReturnCase, ReturnCaseId, ReturnState
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Grant
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.runtime.database import Tx
from comptoir.surfaces.changing import SETTING, facts_of
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, return_extras, return_ways, shown_once, store_desk
from comptoir.surfaces.console.pages.naming import Channels, People, channels_of, people_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.return_desk import CREDIT_SHOWN, money_told, with_code
from comptoir.surfaces.console.pages.return_inspect import case_id_of
from comptoir.surfaces.console.pages.return_words import (
    CONDITION_WORDS,
    FATE_WORDS,
    METHOD_WORDS,
    MOMENT_WORDS,
    REASON_WORDS,
    SIGN_TITLES,
    method_word,
    return_href,
    signal_words,
    stamp,
    why_words,
)
from comptoir.surfaces.console.pages.returns import is_late
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.notices.credit import on_credit, tell_credit
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.returning_papers import qr
from comptoir.surfaces.return_pictures import ACCEPT

area = Area("returns")

_S = ReturnState


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened to it."""

    at: datetime
    what: str
    who: str
    icon: str
    tone: str = "neutral"
    detail: str = ""


@area.get("/returns/{return_id:str}", Permission.ORDERS_READ)
async def return_page(visit: Visit) -> Answer:
    return await show(visit, case_id_of(visit), Fields({}, visit.page.locale))


async def show(visit: Visit, case_id: ReturnCaseId, fields: Fields, refused: str = "") -> Answer:
    async with visit.read() as reader:
        case = await changes.get_return(reader, case_id)
        order = await orders.order(reader, case.order_id) if case.order_id is not None else None
        grants = await payments.grants_of(reader, order.id) if order else []
        entries = await payments.entries_of(reader, order.id) if order else []
        facts = await facts_of(reader, order.channel_id) if order else None
        channels = await channels_of(visit, reader)
        places = await lists.sites(reader)
        names = await lists.goods(reader, {one.sku for one in (*case.items, *case.received)})
        pictures = await changes.pictures_of(reader, case.id)
        parcel = await tracking.coming.get(reader, case.id) if case.label is LabelStanding.BOUGHT else None
        actors = [*_actors(case, grants), *[one.added_by for one in pictures]]
        people = await people_of(visit, reader, actors, channels)
        gone = await return_ways.gone_rows(visit, reader, case, order, places)
        others = [one for one in await SETTING.approvers_of(reader) if one != visit.principal.actor]
    async with visit.database.transaction(visit.context, snapshot=True) as tx:
        signals = await changes.signals_of(tx, case)
    to_pay = sum(one.open for one in grants)
    secret = shown_once.shown(visit)
    links = PublicLinks(visit.console.keyring, visit.console.settings.public_url)
    return visit.respond(
        "returns/detail.html",
        status=422 if refused else 200,
        case=case,
        order=order,
        order_href=order_href(order.id) if order else "",
        code=changes.return_code(case.number),
        href=return_href(case.id),
        stamp=stamp(visit, case),
        late=is_late(visit, case),
        steps=_steps(visit, case),
        facts=_facts(visit, case, channels, places, order),
        line_names={line.line_no: line.name for line in order.lines} if order else {},
        names=names,
        places=places,
        reason_words={item.line_no: visit.say(REASON_WORDS[item.reason]) for item in case.items},
        conditions=dict(lists.options_of(visit, CONDITION_WORDS)),
        fates=dict(lists.options_of(visit, FATE_WORDS)),
        signals=[(visit.say(SIGN_TITLES[one.sign]), signal_words(visit, one)) for one in signals],
        grants=grants,
        to_pay=to_pay,
        parts=[(method_word(visit, method), part) for method, part in payments.as_paid(entries, to_pay)],
        terminal=any(method == "card_terminal" for method, _ in payments.as_paid(entries, to_pay)),
        marketplace=channels[case.channel].name if facts is not None and facts.marketplace else "",
        undecided=changes.undecided(case) and case.state in {_S.REQUESTED, _S.RECEIVED},
        acts=_possible(visit, case, order, to_pay, marketplace=facts is not None and facts.marketplace, others=bool(others)),
        own=_took(visit, case) and bool(others),
        pictures=return_extras.pictures(visit, case, pictures, people),
        gone=gone,
        accept=ACCEPT,
        label_stamp=return_extras.label_stamp(visit, case),
        label_problem=return_extras.label_problem(visit, case),
        label_way_on=return_extras.way_on(visit),
        parcel=return_extras.parcel_rows(visit, parcel),
        goods_words={one.value: visit.say(word) for one, word in return_extras.GOODS_WORDS.items()},
        keep_fates=[(fate.value, visit.say(FATE_WORDS[fate])) for fate in changes.KEPT_AS],
        happened=_happened(visit, case, grants, people, places, order),
        qr=qr(changes.return_code(case.number)),
        buyers_page=links.returning(order.id, utcnow()) if order else "",
        credit=secret.secret if secret and secret.what == CREDIT_SHOWN and secret.of == _text(case.id) else "",
        values=fields.values,
        errors=fields.errors,
        refused=refused,
    )


def _text(case_id: ReturnCaseId) -> str:
    return to_text(RETURN_CASE_PREFIX, case_id)


def _took(visit: Visit, case: ReturnCase) -> bool:
    """Whether whoever looks has asked for it or taken it in."""
    return visit.principal.actor in {case.requested_by, *[row.received_by for row in case.received]}


def _possible(
    visit: Visit, case: ReturnCase, order: Order | None, to_pay: int, *, marketplace: bool, others: bool
) -> frozenset[str]:
    """What whoever looks may do now; `others` is whether somebody else may approve it."""
    may: set[str] = set()
    if not visit.may(Permission.ORDERS_ACT):
        return frozenset()
    undecided = changes.undecided(case)
    if visit.may(Permission.ORDERS_APPROVE):
        free = not (others and _took(visit, case))
        may |= {"approve"} if undecided and free and case.state in {_S.REQUESTED, _S.RECEIVED} else set()
        may |= {"decline"} if case.state is _S.REQUESTED or (case.state is _S.RECEIVED and case.to_inspect) else set()
        may |= {"keep"} if case.to_give_back else set()
    may |= {"give-back"} if case.to_give_back else set()
    may |= {"picture"} if case.state is not _S.CANCELLED else set()
    wanting = {LabelStanding.NONE, LabelStanding.WANTED, LabelStanding.REFUSED, LabelStanding.VOIDED}
    may |= {"label"} if order is not None and case.state is _S.APPROVED and case.label in wanting else set()
    may |= {"label-void"} if case.label is LabelStanding.BOUGHT and case.state is _S.APPROVED else set()
    may |= {"send"} if case.state is _S.APPROVED else set()
    may |= {"cancel"} if case.state in {_S.REQUESTED, _S.APPROVED} else set()
    may |= {"close"} if case.state in {_S.IN_TRANSIT, _S.INSPECTED} and not case.to_give_back else set()
    coming = order is not None and case.state in {_S.REQUESTED, _S.APPROVED, _S.IN_TRANSIT, _S.RECEIVED, _S.INSPECTED}
    may |= {"receive"} if coming and case.expected else set()
    may |= {"inspect"} if case.state is _S.RECEIVED and case.to_inspect and not undecided else set()
    may |= {"send-again"} if changes.may_send_again(case) else set()
    may |= {"pay"} if to_pay and not marketplace else set()
    may |= {"resend"} if order is not None and case.announced and case.state in {_S.APPROVED, _S.IN_TRANSIT} else set()
    return frozenset(may)


def _steps(visit: Visit, case: ReturnCase) -> list[tuple[str, str, str]]:
    """Asked for, on its way, received, inspected, done: how far it has come."""
    if case.state in {_S.DECLINED, _S.CANCELLED}:
        return [(visit.say(N_("Asked for")), "done", _clock(visit, case.requested_at)), (stamp(visit, case).word, "bad", "")]
    received = min([row.received_at for row in case.received], default=None)
    looked = max([row.inspected_at for row in case.received if row.inspected_at], default=None)
    done = (
        (N_("Asked for"), True, case.requested_at),
        (N_("Approved"), case.decided_at is not None or not case.announced, case.decided_at),
        (N_("On its way"), case.sent_at is not None or received is not None, case.sent_at),
        (N_("Received"), received is not None, received),
        (N_("Inspected"), case.state in {_S.INSPECTED, _S.CLOSED} and looked is not None, looked),
        (N_("Done"), case.state is _S.CLOSED, case.closed_at),
    )
    now = next((n for n, (_, is_done, _at) in enumerate(done) if not is_done), None)
    return [
        (visit.say(word), "done" if is_done else "now" if n == now else "next", _clock(visit, at) if at and is_done else "")
        for n, (word, is_done, at) in enumerate(done)
    ]


def _clock(visit: Visit, at: datetime) -> str:
    return formatting.instant(at, visit.page.locale, visit.page.zone)


def _facts(
    visit: Visit, case: ReturnCase, channels: Channels, places: lists.Sites, order: Order | None
) -> list[tuple[str, str]]:
    rows = [
        (N_("Taken because"), why_words(visit, case.why)),
        (N_("Money goes back"), f"{visit.say(MOMENT_WORDS[case.moment])}, {visit.say(METHOD_WORDS[case.method])}"),
        (N_("Channel"), channels[case.channel].name if case.channel else ""),
        (N_("Expected at"), places[case.location_id] if case.location_id is not None else ""),
        (N_("Carrier"), case.carrier),
        (N_("Tracking number"), case.tracking_number),
        (N_("Sent by"), case.sender),
        (N_("Declined because"), case.declined_because),
        (N_("Kept by agreement"), case.agreement),
        (N_("Note"), case.note),
    ]
    if order is not None and case.fee:
        fee = case.fee if case.fee_charged is None else case.fee_charged
        rows.insert(2, (N_("Return fee"), formatting.money(fee, order.currency, visit.page.locale)))
    if case.exchange:
        rows.insert(2, (N_("Exchanged for"), ", ".join(f"{one.quantity} × {one.sku}" for one in case.exchange)))
    return [(visit.say(word), value) for word, value in rows if value]


def _actors(case: ReturnCase, grants: Sequence[Grant]) -> list[str]:
    own = [case.requested_by, case.decided_by, case.closed_by]
    own += [one for row in case.received for one in (row.received_by, row.inspected_by)]
    return [one for one in (*own, *[grant.actor for grant in grants]) if one]


def _begun(case: ReturnCase) -> str:
    if case.why == changes.UNDELIVERABLE:
        return N_("It could not be delivered")
    return N_("Asked for") if case.announced else N_("Came without a word")


def _happened(
    visit: Visit, case: ReturnCase, grants: Sequence[Grant], people: People, places: lists.Sites, order: Order | None
) -> list[Entry]:
    """The latest first."""

    def who(actor: str | None) -> str:
        return people[actor] if actor else ""

    found = [
        Entry(
            case.requested_at,
            visit.say(_begun(case)),
            who(case.requested_by),
            "truck-return",
        )
    ]
    if case.decided_at is not None:
        declined = case.state is _S.DECLINED
        words = visit.say(N_("Declined") if declined else N_("Approved"))
        found.append(
            Entry(case.decided_at, words, who(case.decided_by), "ban" if declined else "check", "warn" if declined else "good")
        )
    if case.sent_at is not None:
        found.append(Entry(case.sent_at, visit.say(N_("On its way")), case.carrier, "truck", detail=case.tracking_number))
    for row in case.received:
        words = visit.say(
            N_("%(units)s × %(sku)s received at %(place)s"), units=row.quantity, sku=row.sku, place=places[row.location_id]
        )
        found.append(Entry(row.received_at, words, who(row.received_by), "package-import", detail=row.parcel))
        if row.inspected_at is not None and row.condition is not None and row.fate is not None:
            words = visit.say(N_("%(units)s × %(sku)s inspected"), units=row.quantity, sku=row.sku)
            detail = f"{visit.say(CONDITION_WORDS[row.condition])} · {visit.say(FATE_WORDS[row.fate])}"
            found.append(Entry(row.inspected_at, words, who(row.inspected_by), "clipboard-check", detail=detail))
    for grant in grants:
        if order is not None and grant.about_id == case.id:
            amount = formatting.money(grant.amount, order.currency, visit.page.locale)
            found.append(
                Entry(
                    grant.granted_at,
                    visit.say(N_("%(amount)s to be refunded"), amount=amount),
                    who(grant.actor),
                    "receipt-refund",
                )
            )
    if case.closed_at is not None:
        words = visit.say(N_("Given up") if case.state is _S.CANCELLED else N_("Finished"))
        found.append(Entry(case.closed_at, words, who(case.closed_by), "circle-check", "good"))
    return sorted(found, key=lambda one: one.at)[::-1]


# What can be done

Step = Callable[[Tx, ReturnCaseId, Fields], Awaitable[ReturnCase]]


async def _approve(tx: Tx, case_id: ReturnCaseId, fields: Fields) -> ReturnCase:
    done = await changes.approve_return(tx, case_id, SETTING, return_ways.way_of(fields))
    if done.state is _S.APPROVED:
        await changes.send_papers(tx, case_id)
    return done


async def _decline(tx: Tx, case_id: ReturnCaseId, fields: Fields) -> ReturnCase:
    return await changes.decline_return(tx, case_id, fields.raw("reason"))


async def _send(tx: Tx, case_id: ReturnCaseId, fields: Fields) -> ReturnCase:
    return await changes.send_return(tx, case_id, fields.raw("carrier"), fields.raw("tracking_number"))


_STEPS: Mapping[str, tuple[Permission, Step, str]] = {
    "approve": (Permission.ORDERS_APPROVE, _approve, N_("The return is approved.")),
    "decline": (Permission.ORDERS_APPROVE, _decline, N_("The return is declined.")),
    "cancel": (
        Permission.ORDERS_ACT, lambda tx, case_id, _: changes.cancel_return(tx, case_id), N_("The return is given up."),
    ),
    "close": (Permission.ORDERS_ACT, lambda tx, case_id, _: changes.close_return(tx, case_id), N_("The return is finished.")),
    "send": (Permission.ORDERS_ACT, _send, N_("The return is on its way.")),
    "resend": (
        Permission.ORDERS_ACT, lambda tx, case_id, _: changes.send_papers(tx, case_id),
        N_("The buyer gets the label and the slip again, where the channel writes to its buyers."),
    ),
    "send-again": (
        Permission.ORDERS_ACT, lambda tx, case_id, _: changes.send_again(tx, case_id, SETTING),
        N_("It goes to the buyer again: the units are promised, and nothing is refunded."),
    ),
}  # fmt: skip
RECORDED = ("approved", "declined", "cancelled", "closed", "sent", "papers_sent", "sent_again")
_ACTIONS = dict(zip(_STEPS, RECORDED, strict=True))


@area.post("/returns/{return_id:str}/{act:str}", Permission.ORDERS_ACT)
async def step(visit: Visit) -> Answer:
    case_id, act, fields = case_id_of(visit), visit.path("act"), visit.fields()
    work = _paying(visit, case_id, fields) if act == "pay" else _stepping(visit, case_id, act, fields)
    try:
        fields.done()
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        words = visit.say(N_("Something is not right yet.")) if fields.errors else visit.refusal(refusal)
        return await show(visit, case_id, fields, words)


def _stepping(visit: Visit, case_id: ReturnCaseId, act: str, fields: Fields) -> Callable[[Tx], Awaitable[Done]]:
    """Raises NotFound and NotPermitted."""
    if act not in _STEPS:
        raise NotFound(kind="page", id=act[:40])
    permission, do, words = _STEPS[act]
    visit.require(permission)
    fields.text("carrier", most=64)
    fields.text("tracking_number", most=120)
    fields.text("reason", most=500, lines=True)
    fields.text("sku", most=100)

    async def work(tx: Tx) -> Done:
        case = await do(tx, case_id, fields)
        own = {"own": True} if act == "approve" and _took(visit, case) else {}
        data = {"number": changes.return_code(case.number), **own}
        await visit.record(tx, f"return.{_ACTIONS[act]}", _text(case_id), data)
        return Done(return_href(case_id), visit.say(words))

    return work


def _paying(visit: Visit, case_id: ReturnCaseId, fields: Fields) -> Callable[[Tx], Awaitable[Done]]:
    credit = fields.raw("money") == "credit"
    reference, at = fields.text("reference", most=120), store_desk.place_of(visit)

    async def work(tx: Tx) -> Done:
        case = await changes.get_return(tx, case_id)
        if credit:
            account, code, amount = await changes.pay_out_credit(tx, case_id, SETTING, at=at)
            paid = changes.PaidBack((("store_credit", amount),), account, code)
        else:
            paid = await changes.pay_back(tx, case_id, SETTING, reference, at=at)
        assert case.order_id is not None, "what was not sold by us is refunded to nobody"
        await tell_credit(tx, visit.console.settings, case.order_id, on_credit(paid.parts), paid.code)
        told = money_told(visit, paid, await orders.order(tx, case.order_id))
        await visit.record(tx, "return.paid_out", _text(case_id), {"number": changes.return_code(case.number), "how": told})
        return Done(with_code(visit, case, paid), visit.say(N_("The money has gone back.")), detail=told)

    return work
