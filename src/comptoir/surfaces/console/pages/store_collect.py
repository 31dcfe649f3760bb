"""Click & collect at the counter: what waits there, who may have it, what has to be paid, and handing it out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    BackReason,
    Checked,
    CodeVerdict,
    Fulfilment,
    FulfilmentId,
    HandedAt,
    HandingOver,
    LineUnits,
    Locker,
    LockerId,
    LockerSize,
    Stage,
    State,
    ToPay,
    Waiting,
)
from comptoir.modules.fulfilment.errors import NotPaid
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import api as lots
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces import collecting
from comptoir.surfaces.collecting import PaidBy, Tender
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields, FormRefused
from comptoir.surfaces.console.pages import lists, store_arrivals, store_desk, store_next
from comptoir.surfaces.console.pages.collect_words import CHECKED_WORDS, CHECKS, PAID_WORDS, REFUSE_WORDS
from comptoir.surfaces.console.pages.store_desk import Due, Task
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("store")

_SOON = 86_400
"""Seconds before it is given back, from which on that is shown as urgent."""


@dataclass(frozen=True, slots=True)
class Row:
    """What waits at the counter, in a list."""

    task: Task
    shelf: str
    left: Due
    here: Waiting | None
    """Set when the buyer is there."""


def time_left(visit: Visit, there: Waiting | None) -> Due:
    """How long it still waits."""
    if there is None or there.waits_until is None:
        return Due("", "neutral", "")
    left = (there.waits_until - visit.page.now).total_seconds()
    if left <= 0:
        return Due(visit.say(N_("its time is over")), "bad", "alert-triangle")
    time = formatting.duration(left, visit.page.locale)
    return Due(visit.say(N_("waits %(time)s more"), time=time), "warn" if left < _SOON else "neutral", "hourglass")


def shelf_of(visit: Visit, there: Waiting | None, lockers: dict[LockerId, Locker]) -> str:
    """Where it lies, in words."""
    if there is None:
        return ""
    if there.locker_id is not None and there.locker_id in lockers:
        return visit.say(N_("Locker %(code)s"), code=lockers[there.locker_id].code)
    return there.shelf


@area.get("/store/ready", Permission.ORDERS_READ)
async def ready_list(visit: Visit) -> Answer:
    q = visit.param("q").strip()[:100]
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        rows = await _rows(visit, reader, place.id, q)
        count = await fulfilment.waiting_count(reader, place.id, visit.page.now)
        outside = await store_arrivals.arrivals(visit, reader, place.id, visit.page.now) if count.here else []
    answer = visit.respond(
        "store/ready.html",
        place=lists.label(place),
        rows=[row for row in rows if row.here is None or q],  # whoever is outside stands above
        q=q,
        count=count,
        arrivals=outside,
        may_set=visit.may(Permission.LOCATIONS_WRITE),
    )
    return store_desk.with_camera(answer)


async def _rows(visit: Visit, reader: Reader, location_id: LocationId, q: str) -> list[Row]:
    found = await fulfilment.at_counter(reader, location_id, Stage.READY, search=q)
    waiting = await fulfilment.waiting(reader, [one.id for one in found])
    lockers = await _lockers(reader, list(waiting.values()))
    rows: list[Row] = []
    for task in await store_desk.tasks(visit, reader, found):
        there = waiting.get(task.one.id)
        here = there if there is not None and there.here_at is not None else None
        rows.append(Row(task, shelf_of(visit, there, lockers), time_left(visit, there), here))
    return rows


async def _lockers(reader: Reader, waiting: Sequence[Waiting]) -> dict[LockerId, Locker]:
    ids = [one.locker_id for one in waiting if one.locker_id is not None]
    return await fulfilment.lockers(reader, ids) if ids else {}


@area.get("/store/arrivals", Permission.ORDERS_READ)
async def arrivals(visit: Visit) -> Answer:
    """The buyers who wait outside, as they come and go."""
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
    if place is None:
        raise NotFound(kind="location", id="")
    return visit.stream(_arrivals(visit, place.id))


async def _arrivals(visit: Visit, location_id: LocationId) -> AsyncIterator[str]:
    async for piece in store_arrivals.watch(visit, location_id):
        yield piece


# One of them


@area.get("/store/collect/{fulfilment_id:str}", Permission.ORDERS_READ)
async def collect_page(visit: Visit) -> Answer:
    return await _show(visit, store_desk.id_of(visit))


async def _verdict(visit: Visit, fulfilment_id: FulfilmentId, shown: str) -> CodeVerdict | None:
    """What becomes of the code that was scanned or typed. Tries are counted of whoever could hand it out."""
    if not shown:
        return None
    async with visit.database.transaction(visit.context) as tx:
        one = await fulfilment.get(tx, fulfilment_id)
        right = fulfilment.same_code(shown, collecting.code_of(visit.console.keyring, one))
        return await fulfilment.try_code(tx, fulfilment_id, right=right)


async def _show(visit: Visit, fulfilment_id: FulfilmentId, refusal: Refusal | None = None) -> Answer:
    fields = visit.fields() if visit.given is not None else None
    shown = fields.raw("code") if fields else visit.param("code").strip()[:40]
    verdict = await _verdict(visit, fulfilment_id, shown)
    async with visit.read() as reader:
        one = await fulfilment.get(reader, fulfilment_id)
        people = await store_desk.workers(visit, reader, [])
        elsewhere = await store_desk.elsewhere(visit, reader, one)
        names = await lists.goods(reader, [line.sku for line in one.lines])
        there = (await fulfilment.waiting(reader, [one.id])).get(one.id)
        collector = (await fulfilment.collectors(reader, [one.order_id])).get(one.order_id)
        owed = await fulfilment.to_pay(reader, one.id)
        lockers = await _lockers(reader, [] if there is None else [there])
        free = [found for found in await fulfilment.lockers_at(reader, one.location_id) if found.state == "free"]
        handouts = await fulfilment.handouts(reader, one.id)
        done = one.state in {State.CLOSED, State.CANCELLED}
        upcoming = await store_next.after(visit, reader, one.location_id) if done else None
    answer = visit.respond(
        "store/collect.html",
        status=refusal.status if refusal else 200,
        one=one,
        task=store_desk.task(visit, one, people),
        stamp=store_desk.stamp(visit, one),
        elsewhere=elsewhere,
        names=names,
        there=there,
        shelf=shelf_of(visit, there, lockers),
        left=time_left(visit, there),
        collector=collector.name if collector else "",
        owed=owed,
        due=formatting.money(owed.due, owed.currency, visit.page.locale),
        lines=[line for line in one.lines if line.picked > line.gone],
        shown=shown,
        verdict=verdict.value if verdict else "",
        ready=one.stage is Stage.READY,
        coming=one.stage is Stage.TO_RECEIVE,
        sizes=sorted({found.size for found in free}, key=list(LockerSize).index),
        checks=[(check.value, visit.say(CHECKED_WORDS[check])) for check in CHECKS],
        checked=_checked_by(fields, verdict),
        methods=[(method.value, visit.say(PAID_WORDS[method])) for method in PaidBy],
        reasons=[(reason.value, visit.say(word)) for reason, word in REFUSE_WORDS.items()],
        handouts=[(found, visit.say(CHECKED_WORDS[found.checked])) for found in handouts],
        refused=_refused(visit, refusal),
        errors=fields_errors(refusal),
        typed=fields.values if fields and refusal else {},
        action=f"/store/collect/{store_desk.text_of(one.id)}",
        papers=f"/store/papers/{store_desk.text_of(one.id)}",
        may_act=visit.may(Permission.FULFIL),
        upcoming=upcoming,
    )
    return store_desk.with_camera(answer)


def _checked_by(fields: Fields | None, verdict: CodeVerdict | None) -> str:
    typed = fields.raw("checked") if fields else ""
    return typed or (Checked.CODE.value if verdict is CodeVerdict.RIGHT else Checked.ID_CARD.value)


def fields_errors(refusal: Refusal | None) -> dict[str, str]:
    """What is wrong with each field of the form that was refused."""
    return refusal.errors if isinstance(refusal, FormRefused) else {}


def _refused(visit: Visit, refusal: Refusal | None) -> str:
    if isinstance(refusal, NotPaid):
        due = formatting.money(int(str(refusal.data["due"])), str(refusal.data["currency"]), visit.page.locale)
        return visit.say(N_("%(amount)s has to be paid first."), amount=due)
    return visit.refusal(refusal) if refusal else ""


@area.post("/store/collect/{fulfilment_id:str}", Permission.FULFIL)
async def collect(visit: Visit) -> Answer:
    fulfilment_id, fields = store_desk.id_of(visit), visit.fields()

    async def work(tx: Tx) -> Done:
        lines = _named(fields)
        given = HandingOver(
            collector=fields.text("collector", most=120),
            checked=fields.choice("checked", Checked, Checked.KNOWN),
            at=HandedAt.CAR if fields.checked("car") else HandedAt.COUNTER,
        )
        one = await fulfilment.get(tx, fulfilment_id)
        right = fulfilment.same_code(fields.raw("code"), collecting.code_of(visit.console.keyring, one))
        checked = given.checked is Checked.CODE
        if checked and await fulfilment.try_code(tx, fulfilment_id, right=right) is not CodeVerdict.RIGHT:
            fields.refuse("checked", N_("The code was not right: look at an identity card, or say that you know them."))
        fields.done()
        await lots.require_not_recalled(tx, fulfilment_id)
        return await _handed_out(visit, tx, one, lines, given, fields)

    try:
        return await visit.act(work)
    except Refusal as refusal:
        return await _show(visit, fulfilment_id, refusal)


async def _handed_out(
    visit: Visit, tx: Tx, one: Fulfilment, lines: Sequence[LineUnits], given: HandingOver, fields: Fields
) -> Done:
    """The money first. Where it does not suffice, it is taken, the goods stay, and what is lacking is said."""
    subject, page = store_desk.text_of(one.id), f"/store/collect/{store_desk.text_of(one.id)}"
    owed = await fulfilment.to_pay(tx, one.id, lines)
    if owed.due and fields.raw("method"):
        tender = _tender(fields, owed)
        fields.done()
        taken = await collecting.take(tx, one.id, lines, tender)
        await visit.record(tx, "fulfilment.paid", subject, {"number": one.number, "amount": taken, "method": tender.method})
        left = (await fulfilment.to_pay(tx, one.id, lines)).due
        if left:
            values = {
                "taken": formatting.money(taken, owed.currency, visit.page.locale),
                "left": formatting.money(left, owed.currency, visit.page.locale),
            }
            words = visit.say(N_("%(taken)s taken. %(left)s is still to be paid: take it another way."), **values)
            return Done(page, words, tone="warn")
    after = await fulfilment.hand_out(tx, one.id, lines, given)
    data = {
        "number": after.number,
        "units": sum(line.quantity for line in lines),
        "collector": given.collector,
        "checked": given.checked,
        "at": given.at,
    }
    await visit.record(tx, "fulfilment.collected", subject, data)
    if after.state is State.CLOSED:
        return Done("/store/ready", visit.say(N_("Handed out. Nothing of it is left here.")))
    return Done(page, visit.say(N_("Handed out. The rest stays here.")))


def _tender(fields: Fields, owed: ToPay) -> Tender:
    method = fields.choice("method", PaidBy)
    amount = fields.money("amount", owed.currency, most=max(1, owed.whole)) if fields.raw("amount") else None
    return Tender(
        method=method,
        amount=amount,
        reference=fields.text("reference", required=method is PaidBy.CARD_TERMINAL, most=100),
        code=fields.text("card", required=method is PaidBy.ACCOUNT, most=80),
    )


def _named(fields: Fields, prefix: str = "units") -> list[LineUnits]:
    named = {no: fields.whole(f"{prefix}:{no}", default=0) for no in fields.starting(f"{prefix}:") if no.isdecimal()}
    if not any(named.values()) and not fields.errors:
        fields.refuse(prefix, N_("Say what they take along.") if prefix == "units" else N_("Say what they do not want."))
    return [LineUnits(int(no), units) for no, units in named.items() if units]


# Everything else that is done there


@area.post("/store/collect/{fulfilment_id:str}/{step:str}", Permission.FULFIL)
async def take_step(visit: Visit) -> Answer:
    fulfilment_id, step, fields = store_desk.id_of(visit), visit.path("step"), visit.fields()
    if step not in {"receive", "shelf", "extend", "collector", "refuse", "gone"}:
        raise NotFound(kind="page", id=step[:40])

    async def work(tx: Tx) -> Done:
        words = await _taken(visit, tx, step, fulfilment_id, fields)
        after = await fulfilment.get(tx, fulfilment_id)
        subject = store_desk.text_of(fulfilment_id)
        await visit.record(tx, f"fulfilment.{AUDITED[step]}", subject, {"number": after.number})
        over = after.state in {State.CLOSED, State.CANCELLED}
        return Done("/store/ready" if over else f"/store/collect/{subject}", words)

    try:
        return await visit.act(work)
    except Refusal as refusal:
        return await _show(visit, fulfilment_id, refusal)


AUDITED = {
    "receive": "received",
    "shelf": "shelved",
    "extend": "extended",
    "collector": "collector_named",
    "refuse": "refused",
    "gone": "buyer_gone",
}


async def _taken(visit: Visit, tx: Tx, step: str, fulfilment_id: FulfilmentId, fields: Fields) -> str:
    match step:
        case "receive":
            return await _received(visit, tx, fulfilment_id, fields)
        case "shelf":
            shelf = fields.text("shelf", most=60)
            fields.done()
            await fulfilment.shelve(tx, fulfilment_id, shelf)
            return visit.say(N_("Noted where it lies."))
        case "extend":
            days = fields.whole("days", least=1, most=60)
            fields.done()
            await fulfilment.extend(tx, fulfilment_id, days)
            return visit.say(N_("It waits longer."))
        case "collector":
            one = await fulfilment.get(tx, fulfilment_id)
            name = fields.text("other", most=120)
            fields.done()
            await fulfilment.name_collector(tx, one.order_id, name, by_buyer=False)
            return visit.say(N_("Noted who may collect it."))
        case "refuse":
            lines = _named(fields, "refused")
            reason = fields.choice("reason", BackReason, BackReason.REFUSED)
            fields.done()
            given = await collecting.give_back(tx, fulfilment_id, lines, reason)
            return visit.says("%(num)s unit goes back.", "%(num)s units go back.", given.units)
        case _:
            await fulfilment.buyer_here(tx, fulfilment_id, waits=False)
            return visit.say(N_("The buyer is not here any more."))


async def _received(visit: Visit, tx: Tx, fulfilment_id: FulfilmentId, fields: Fields) -> str:
    """What came, with what is missing or damaged of it. The buyer is told of what is left alone."""
    shelf = fields.text("shelf", most=60)
    one = await fulfilment.get(tx, fulfilment_id)
    there = {line.line_no: line.picked - line.gone for line in one.lines}
    short: dict[BackReason, list[LineUnits]] = {}
    for prefix, reason in (("missing", BackReason.MISSING), ("damaged", BackReason.DAMAGED)):
        named = {int(no): fields.whole(f"{prefix}:{no}", default=0) for no in fields.starting(f"{prefix}:") if no.isdecimal()}
        short[reason] = [LineUnits(no, units) for no, units in sorted(named.items()) if units]
    for line_no, units in there.items():
        if sum(row.quantity for rows in short.values() for row in rows if row.line_no == line_no) > units:
            fields.refuse("short", N_("That is more than was sent."))
    fields.done()
    after = await collecting.receive(tx, fulfilment_id, short, shelf=shelf)
    lacking = sum(row.quantity for rows in short.values() for row in rows)
    if not lacking:
        return visit.say(N_("It is ready to collect, and the buyer is told."))
    if after.state in {State.CLOSED, State.CANCELLED}:
        return visit.say(N_("Nothing of it can be collected. What was paid for it is paid back."))
    return visit.says(
        "%(num)s unit is paid back; the rest is ready to collect, and the buyer is told.",
        "%(num)s units are paid back; the rest is ready to collect, and the buyer is told.",
        lacking,
    )
