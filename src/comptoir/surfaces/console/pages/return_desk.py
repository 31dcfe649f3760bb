"""The desk where things are brought back: scan, say why and how it is, see what the terms and the money are, take it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Foreseen, RefundMethod, ReturnCase, ReturnDraft, Verdict
from comptoir.modules.changes.errors import NothingToPayOut
from comptoir.modules.locations.contracts import Location, LocationId
from comptoir.modules.lots import api as lots
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, Order, OrderId, OrderLine
from comptoir.modules.payments import api as payments
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces import returned_lots
from comptoir.surfaces.changing import SETTING, facts_of
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, return_finding, shown_once, store_desk
from comptoir.surfaces.console.pages.lot_fields import lot_refused, read_of
from comptoir.surfaces.console.pages.naming import channels_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.return_hand import Hand, in_hand
from comptoir.surfaces.console.pages.return_words import (
    CONDITION_WORDS,
    FATE_WORDS,
    REASON_WORDS,
    SIGN_TITLES,
    method_word,
    reasons,
    return_href,
    signal_words,
    stamp,
    verdict_words,
)
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.foreseeing import foresee
from comptoir.surfaces.notices.credit import on_credit, tell_credit

area = Area("returns")

NOW, LATER, CREDIT = "now", "later", "credit"
"""When and how the money goes back."""
CREDIT_SHOWN = "store_credit"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of which the buyer has units."""

    line: OrderLine
    most: int
    verdict: str
    allowed: bool
    fee: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would come of it: foreseen, or refused with a way on."""

    foreseen: Foreseen | None = None
    refused: str = ""
    parts: tuple[str, ...] = ()
    """How the money would go back as it was paid."""
    terminal: bool = False
    """Whether a terminal moves some of it, whose receipt is asked for."""
    signals: tuple[tuple[str, str], ...] = ()
    """Title and words of what a person should look at."""

    @property
    def rest(self) -> int:
        """What is not given back because it was not paid."""
        one = self.foreseen
        return 0 if one is None else max(0, one.worth - one.fee - one.costs - one.granted)


@area.get("/returns/new", Permission.ORDERS_ACT)
async def desk(visit: Visit) -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        order_id = return_finding.order_named(visit.param("order")) if visit.param("order") else None
        if order_id is None:
            return await _search(visit, reader, place)
        order = await orders.order(reader, order_id)
    chosen = {f"units-{line.line_no}": "1" for line in order.lines if line.sku and line.sku == visit.param("sku")}
    return await _show(visit, place, order, Fields({name: [value] for name, value in chosen.items()}, visit.page.locale))


async def _search(visit: Visit, reader: Reader, place: Location) -> Answer:
    findings = await return_finding.find(visit, reader, visit.param("q"))
    if len(findings.found) == 1 and not findings.cases:
        return visit.redirect(_href(findings.found[0].order_id, findings.sku))
    names = await lists.goods(reader, {sku for one in findings.found for _, sku, _ in one.lines} | {findings.sku} - {""})
    answer = visit.respond(
        "returns/desk.html",
        place=lists.label(place),
        findings=findings,
        names=names,
        channels=await channels_of(visit, reader),
        href=partial(_href, sku=findings.sku),
        case_href=return_href,
        code=changes.return_code,
        stamp=partial(stamp, visit),
        keep_href=f"/returns/receive?unknown=yes&sku={quote(findings.sku, safe='')}",
    )
    return store_desk.with_camera(answer)


def _href(order_id: OrderId, sku: str = "") -> str:
    text = f"/returns/new?order={to_text(ORDER_PREFIX, order_id)}"
    return f"{text}&sku={quote(sku, safe='')}" if sku else text


@area.post("/returns/new", Permission.ORDERS_ACT)
async def act(visit: Visit) -> Answer:
    fields = visit.fields()
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        order_id = OrderId(fields.id("order", ORDER_PREFIX))
        fields.done()
        order = await orders.order(reader, order_id)
        if fields.raw("step") == "scan" and fields.raw("code"):
            fields = await _scanned(visit, reader, fields, order)
    if fields.raw("step") != "do":
        return await _show(visit, place, order, fields)
    hand = in_hand(fields, order)
    if not hand.units:
        fields.refuse("units", N_("Scan or choose what comes back."))
    try:
        fields.done()
        return await visit.act(_taking(visit, fields, order, place, hand))
    except NotFound:
        raise
    except Refusal as refusal:
        lot_refused(visit, fields, refusal, {line.sku: f"lot-{line.line_no}" for line in order.lines if line.sku})
        words = visit.say(N_("Something is not right yet.")) if fields.errors else visit.refusal(refusal)
        return await _show(visit, place, order, fields, words)


async def _scanned(visit: Visit, reader: Reader, fields: Fields, order: Order) -> Fields:
    """The form with one more of what was scanned."""
    code = fields.raw("code")[:100]
    values = dict(fields.values) | {"code": ""}
    sku = await lists.sku_of(reader, code)
    line = next((line for line in order.lines if line.sku is not None and line.sku == sku), None)
    if line is not None:
        name = f"units-{line.line_no}"
        units = int(values[name]) if values.get(name, "").isdecimal() else 0
        values[name] = str(min(units + 1, line.shipped - line.returned))
        label = catalogue.read_label(code)
        if label.lot or label.expires_on:
            values[f"lot-{line.line_no}"] = label.lot
            values[f"expires-{line.line_no}"] = label.expires_on.isoformat() if label.expires_on else ""
    done = Fields({name: [value] for name, value in values.items()}, visit.page.locale)
    if line is None:
        done.refuse("code", N_("%(code)s is not in this order. If it is what was in the box, say so at the line."), code=code)
    elif line.shipped <= line.returned:
        done.refuse("code", N_("%(code)s has come back already, or has not left yet."), code=code)
    return done


def _taking(visit: Visit, fields: Fields, order: Order, place: Location, hand: Hand) -> Callable[[Tx], Awaitable[Done]]:
    money = fields.raw("money") or LATER
    reference = fields.text("reference", most=120)
    draft = _draft(fields, order, hand, RefundMethod.STORE_CREDIT if money == CREDIT else None)
    approve = fields.checked("approve") and visit.may(Permission.ORDERS_APPROVE)
    read = {one.line_no: read_of(fields, f"lot-{one.line_no}", f"expires-{one.line_no}") for one in hand.seen}

    async def work(tx: Tx) -> Done:
        case = await returned_lots.at_counter(tx, draft, order, place.id, hand.seen, SETTING, read, approve=approve)
        data = {
            "number": changes.return_code(case.number),
            "order": order.number,
            "units": sum(one.quantity for one in hand.units),
        }
        await visit.record(tx, "return.taken", _text(case), data)
        if changes.undecided(case):
            words = visit.say(N_("The units are here. Somebody has to approve it before the money goes back."))
            return Done(return_href(case.id), words, tone="warn")
        return await _paid(visit, tx, case, order, money, reference, place.id)

    return work


async def _paid(visit: Visit, tx: Tx, case: ReturnCase, order: Order, money: str, reference: str, at: LocationId) -> Done:
    """Gives the money back, where that was asked for, and says how much."""
    href, taken = return_href(case.id), visit.say(N_("Taken back."))
    facts = await facts_of(tx, order.channel_id)
    if money == LATER or facts.marketplace:
        return Done(href, taken)
    try:
        if money == CREDIT:
            account, code, amount = await changes.pay_out_credit(tx, case.id, SETTING, at=at)
            paid = changes.PaidBack((("store_credit", amount),), account, code)
        else:
            paid = await changes.pay_back(tx, case.id, SETTING, reference, at=at)
    except NothingToPayOut:
        return Done(href, taken, detail=visit.say(N_("Nothing was paid that could go back.")))
    await tell_credit(tx, visit.console.settings, order.id, on_credit(paid.parts), paid.code)
    told = money_told(visit, paid, order)
    await visit.record(tx, "return.paid_out", _text(case), {"number": changes.return_code(case.number), "how": told})
    return Done(with_code(visit, case, paid), taken, detail=told)


def money_told(visit: Visit, paid: changes.PaidBack, order: Order) -> str:
    """`12.00 by card, 3.00 by store credit`."""
    parts = [
        visit.say(
            N_("%(amount)s by %(method)s"),
            amount=formatting.money(amount, order.currency, visit.page.locale),
            method=method_word(visit, method),
        )
        for method, amount in paid.parts
    ]
    return ", ".join(parts)


def with_code(visit: Visit, case: ReturnCase, paid: changes.PaidBack) -> str:
    """The page of the return, which shows the code of new store credit this once."""
    href = return_href(case.id)
    if paid.code is None:
        return href
    return f"{href}?shown={shown_once.seal(visit, shown_once.Shown(CREDIT_SHOWN, _text(case), paid.code))}"


def _text(case: ReturnCase) -> str:
    return return_href(case.id).rpartition("/")[2]


def _draft(fields: Fields, order: Order, hand: Hand, method: RefundMethod | None = None) -> ReturnDraft:
    return ReturnDraft(
        order_id=order.id,
        units=hand.units,
        note=fields.text("note", most=500),
        override=fields.checked("override"),
        method=method,
    )


async def _show(visit: Visit, place: Location, order: Order, fields: Fields, refused: str = "") -> Answer:
    hand = in_hand(Fields({name: [value] for name, value in fields.values.items()}, visit.page.locale), order)
    outlook = await _outlook(visit, place, order, fields, hand)
    async with visit.read() as reader:
        offers = await changes.offers(reader, order.id, SETTING, visit.page.now)
        cases = await changes.returns_of(reader, order.id)
        channels = await channels_of(visit, reader)
        places = await lists.sites(reader)
        names = await lists.goods(reader, {line.sku for line in order.lines if line.sku is not None})
        known = await lots.known_of(reader, order.id, sorted({unit.sku for unit in order.lines if unit.sku and unit.stocked}))
        others = [one for one in await SETTING.approvers_of(reader) if one != visit.principal.actor]
    verdicts = offers | dict(outlook.foreseen.verdicts if outlook.foreseen else {})
    answer = visit.respond(
        "returns/desk_order.html",
        "returns/_desk_order.html",
        status=422 if refused or fields.errors else 200,
        place=lists.label(place),
        order=order,
        order_text=to_text(ORDER_PREFIX, order.id),
        order_href=order_href(order.id),
        channel=channels[order.channel_code],
        rows=_rows(visit, order, verdicts),
        names=names,
        lots_known=known,
        values=fields.values,
        errors=fields.errors,
        refused=refused,
        outlook=outlook,
        hand=hand,
        cases=cases,
        case_href=return_href,
        code=changes.return_code,
        stamp=partial(stamp, visit),
        reasons=partial(reasons, visit),
        reason_options=lists.options_of(visit, REASON_WORDS),
        condition_options=lists.options_of(visit, CONDITION_WORDS),
        fate_options=lists.options_of(visit, FATE_WORDS),
        fates=dict(lists.options_of(visit, FATE_WORDS)),
        places=[option for option in places.active if option[0] != lists.Sites.text(place.id)],
        may_approve=visit.may(Permission.ORDERS_APPROVE) and not others,
        exchange_href=f"{order_href(order.id)}/change/exchange",
    )
    return store_desk.with_camera(answer)


def _rows(visit: Visit, order: Order, verdicts: Mapping[int, Verdict]) -> list[Row]:
    rows: list[Row] = []
    for line in order.lines:
        verdict = verdicts.get(line.line_no)
        if line.sku is None or line.shipped <= line.returned or verdict is None:
            continue
        most = line.shipped - line.returned
        rows.append(Row(line, most, verdict_words(visit, verdict), verdict.allowed, verdict.fee))
    return rows


async def _outlook(visit: Visit, place: Location, order: Order, fields: Fields, hand: Hand) -> Outlook:
    """What the units that were chosen would come to; nothing where none are."""
    if not hand.units:
        return Outlook()
    draft = _draft(fields, order, hand)
    try:
        foreseen, entries = await foresee(visit.database, visit.context, draft, place.id)
    except Refusal as refusal:
        return Outlook(refused=visit.refusal(refusal))
    parts = payments.as_paid(entries, foreseen.granted)
    words = tuple(
        [
            visit.say(
                N_("%(amount)s by %(method)s"),
                amount=formatting.money(part, order.currency, visit.page.locale),
                method=method_word(visit, method),
            )
            for method, part in parts
        ]
    )
    signals = tuple([(visit.say(SIGN_TITLES[one.sign]), signal_words(visit, one)) for one in foreseen.signals])
    return Outlook(foreseen, parts=words, terminal=any(method == "card_terminal" for method, _ in parts), signals=signals)
