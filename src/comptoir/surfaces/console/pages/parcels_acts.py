"""What can be done with a parcel: asking its carrier, writing down what one has heard, answering for the buyer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, NotFound, Refusal
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Answer as BuyersAnswer
from comptoir.modules.tracking.contracts import AnswerKind, CaseStep, TrackedDetails
from comptoir.modules.tracking.errors import CaseClosed, UnknownTracked
from comptoir.runtime.database import Tx
from comptoir.sdk.tracking import Scan, TrackingStatus
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.parcel_words import TRACKING_WORDS
from comptoir.surfaces.console.pages.parcels import parcel_href, parcel_name, parcel_text
from comptoir.surfaces.console.pages.parcels_page import can_tell, parcel_id, steps_of
from comptoir.surfaces.console.pages.parcels_tabs import fault_words
from comptoir.surfaces.console.pages.parcels_words import ANSWER_CHOICES
from comptoir.surfaces.console.web import Answer, Area, Done, Visit, own_address

area = Area("parcels")

_SAID = tuple(status for status in TrackingStatus if status is not TrackingStatus.UNKNOWN)
_LOCAL = "%Y-%m-%dT%H:%M"


async def _found(visit: Visit) -> TrackedDetails:
    async with visit.read() as reader:
        return await tracking.get(reader, parcel_id(visit))


def _crumbs(visit: Visit, found: TrackedDetails) -> list[tuple[str, str]]:
    return [(visit.say(N_("Parcels")), "/parcels"), (parcel_name(visit, found.parcel), parcel_href(found.parcel.id))]


@area.post("/parcels/{tracked_id:str}/poll", Permission.ORDERS_ACT)
async def ask_carrier(visit: Visit) -> Answer:
    """Asked twice, a carrier says the same twice."""
    tracked_id = parcel_id(visit)
    back = own_address(visit.fields().raw("back") or parcel_href(tracked_id))
    try:
        news = await visit.console.services.parcels.ask_now(tracked_id, visit.context)
    except UnknownTracked:
        raise
    except Refusal as refusal:
        return visit.finish(Done(back, visit.refusal(refusal), tone="warn"))
    except Fault as fault:
        words, detail = fault_words(visit, fault)
        return visit.finish(Done(back, words, detail=detail, tone="bad"))

    async def work(tx: Tx) -> Done:
        await visit.record(tx, "parcel.asked", parcel_text(tracked_id), {"news": news})
        words = N_("The carrier has something new to say.") if news else N_("The carrier has nothing new to say.")
        return Done(back, visit.say(words))

    return await visit.act(work)


# A scan by hand


@area.get("/parcels/{tracked_id:str}/scans/new", Permission.ORDERS_ACT)
async def new_scan(visit: Visit) -> Answer:
    return await _scan_form(visit, asking.NOTHING_TYPED)


async def _scan_form(visit: Visit, typed: Typed) -> Answer:
    found = await _found(visit)
    href = parcel_href(found.parcel.id)
    question = Question(
        title=visit.say(N_("Note a scan")),
        fields="parcels/_scan_fields.html",
        action=f"{href}/scans/new",
        back=href,
        confirm=visit.say(N_("Note it")),
        icon="pencil",
        words=visit.say(
            N_(
                "What you have seen, or heard from the carrier. It counts as if the carrier had said it: "
                "buyers are told as well."
            )
        ),
        crumbs=_crumbs(visit, found),
    )
    proposed = visit.param("status")
    return asking.ask(
        visit,
        question,
        typed,
        {
            "status": proposed if proposed in set(_SAID) else "",
            "at": visit.page.now.astimezone(visit.page.zone).strftime(_LOCAL),
        },
        statuses=[(status.value, visit.say(TRACKING_WORDS[status])) for status in _SAID],
    )


@area.post("/parcels/{tracked_id:str}/scans/new", Permission.ORDERS_ACT)
async def note_scan(visit: Visit) -> Answer:
    tracked_id, fields = parcel_id(visit), visit.fields()
    scan = Scan(
        status=TrackingStatus(fields.one_of("status", [status.value for status in _SAID])),
        at=_instant(visit, fields, "at"),
        text=fields.text("text", most=300),
        place=fields.text("place", most=300),
    )

    async def work(tx: Tx) -> Done:
        after = await tracking.note_by_hand(tx, tracked_id, scan)
        data = {"status": scan.status.value, "at": scan.at.isoformat(), "text": scan.text}
        await visit.record(tx, "parcel.scan_noted", parcel_text(tracked_id), data)
        where = visit.say(TRACKING_WORDS[after.status])
        return Done(parcel_href(tracked_id), visit.say(N_("It is noted. The parcel stands at: %(state)s."), state=where))

    return await asking.answer(visit, fields, work, lambda typed: _scan_form(visit, typed))


def _instant(visit: Visit, fields: Fields, name: str) -> datetime:
    """A time of the reader's clock, to the minute."""

    def parsed(text: str) -> datetime:
        return datetime.strptime(text[:16], _LOCAL).replace(tzinfo=visit.page.zone).astimezone(UTC)

    return fields.parsed(name, parsed, visit.page.now, N_("Type a day and a time."))


@area.get("/parcels/{tracked_id:str}/scans/{scan_id:str}/back", Permission.ORDERS_ACT)
async def ask_back(visit: Visit) -> Answer:
    return await _back_form(visit, asking.NOTHING_TYPED)


async def _back_form(visit: Visit, typed: Typed) -> Answer:
    found = await _found(visit)
    scan_id = visit.path("scan_id")
    scan = next((one for one in found.scans if one.id in found.by_hand and one.id.endswith(scan_id)), None)
    if scan is None:
        raise NotFound(kind="scan", id=scan_id)
    href = parcel_href(found.parcel.id)
    said = visit.say(TRACKING_WORDS[scan.status])
    question = Question(
        title=visit.say(N_("Take back a scan")),
        fields="",
        action=f"{href}/scans/{scan_id}/back",
        back=href,
        confirm=visit.say(N_("Take it back")),
        icon="arrow-back-up",
        tone="danger",
        words=visit.say(
            N_("“%(state)s” is forgotten, and the parcel is again where the others say. What the buyer was told stays told."),
            state=said,
        ),
        crumbs=_crumbs(visit, found),
    )
    return asking.ask(visit, question, typed, {})


@area.post("/parcels/{tracked_id:str}/scans/{scan_id:str}/back", Permission.ORDERS_ACT)
async def take_back(visit: Visit) -> Answer:
    tracked_id, scan_id = parcel_id(visit), visit.path("scan_id")

    async def work(tx: Tx) -> Done:
        after = await tracking.take_back_scan(tx, tracked_id, scan_id)
        await visit.record(tx, "parcel.scan_taken_back", parcel_text(tracked_id), {"status": after.status.value})
        where = visit.say(TRACKING_WORDS[after.status])
        return Done(parcel_href(tracked_id), visit.say(N_("It is taken back. The parcel stands at: %(state)s."), state=where))

    return await asking.answer(visit, visit.fields(), work, lambda typed: _back_form(visit, typed))


# Answering for the buyer


@area.get("/parcels/{tracked_id:str}/answer", Permission.ORDERS_ACT)
async def ask_answer(visit: Visit) -> Answer:
    return await _answer_form(visit, asking.NOTHING_TYPED)


async def _answer_form(visit: Visit, typed: Typed) -> Answer:
    found = await _found(visit)
    case = found.case
    if case is None:
        raise NotFound(kind="case", id=parcel_text(found.parcel.id))
    href = parcel_href(found.parcel.id)
    question = Question(
        title=visit.say(N_("Answer for the buyer")),
        fields="parcels/_answer_fields.html",
        action=f"{href}/answer",
        back=href,
        confirm=visit.say(N_("Keep the answer")),
        icon="message",
        words=visit.say(N_("What the buyer has told you, on the telephone say. Then the carrier has to be told.")),
        crumbs=_crumbs(visit, found),
    )
    choices = tracking.cases.choices(case)
    said = case.answer
    values: dict[str, object] = {"kind": choices[0].value}
    if said is not None:
        values |= {name: getattr(said, name) for name in _TEXTS}
        values |= {"kind": said.kind.value, "on": "" if said.on is None else said.on.isoformat()}
    return asking.ask(
        visit,
        question,
        typed,
        values,
        kinds=[(kind.value, visit.say(ANSWER_CHOICES[kind][0]), visit.say(ANSWER_CHOICES[kind][1])) for kind in choices],
    )


_TEXTS = ("line1", "line2", "postcode", "city", "pickup_point", "note")


def _answer(visit: Visit, fields: Fields) -> BuyersAnswer:
    """What the form says; only what belongs to its kind counts."""
    kind = fields.choice("kind", AnswerKind)
    texts = {name: fields.text(name) for name in _TEXTS}
    wanted = {AnswerKind.ADDRESS: ("line1", "postcode", "city"), AnswerKind.PICKUP: ("pickup_point",)}.get(kind, ())
    for name in wanted:
        if not texts[name]:
            fields.refuse(name, N_("Fill this in."))
    on = None
    if kind is AnswerKind.DATE:
        on = fields.parsed("on", date.fromisoformat, None, N_("Choose a day."))
        ahead = 0 if on is None else (on - visit.page.now.date()).days
        if on is not None and not 0 < ahead <= 14:
            fields.refuse("on", N_("Choose a day of the next two weeks."))
    own = {*wanted, "note", *(("line2",) if kind is AnswerKind.ADDRESS else ())}
    kept = {name: text if name in own else "" for name, text in texts.items()}
    return BuyersAnswer(kind=kind, on=on, **kept)


@area.post("/parcels/{tracked_id:str}/answer", Permission.ORDERS_ACT)
async def keep_answer(visit: Visit) -> Answer:
    tracked_id, fields = parcel_id(visit), visit.fields()
    given = _answer(visit, fields)

    async def work(tx: Tx) -> Done:
        await tracking.cases.answer(tx, tracked_id, given)
        await visit.record(tx, "parcel.answered", parcel_text(tracked_id), {"answer": given.kind.value})
        account_id = (await tracking.get(tx, tracked_id)).parcel.account_id
        account = None if account_id is None else await tracking.accounts.get(tx, account_id)
        words = N_("The answer is kept. Tell the carrier now, and say so here.")
        if can_tell(visit, account):
            words = N_("The answer is kept. The carrier is told within half an hour, or at once when you say so here.")
        return Done(parcel_href(tracked_id), visit.say(words))

    return await asking.answer(visit, fields, work, lambda typed: _answer_form(visit, typed))


# Telling the carrier


@area.post("/parcels/{tracked_id:str}/instruct", Permission.ORDERS_ACT)
async def tell_carrier(visit: Visit) -> Answer:
    """Told twice, a carrier takes it once."""
    tracked_id = parcel_id(visit)
    back = own_address(visit.fields().raw("back") or parcel_href(tracked_id))
    try:
        said = await visit.console.services.parcels.teller.instruct(tracked_id, visit.context)
    except UnknownTracked:
        raise
    except Refusal as refusal:
        return visit.finish(Done(back, visit.refusal(refusal), detail=str(refusal.data.get("reason", "")), tone="warn"))
    except Fault as fault:
        words, detail = fault_words(visit, fault)
        return visit.finish(Done(back, words, detail=detail, tone="bad"))

    async def work(tx: Tx) -> Done:
        await visit.record(tx, "parcel.instructed", parcel_text(tracked_id), {"instruction": said.kind.value})
        return Done(back, visit.say(N_("The carrier has taken it.")))

    return await visit.act(work)


_CARRIED: Mapping[CaseStep, tuple[str, str]] = {
    CaseStep.TRY_AGAIN: (
        N_("You have told the carrier to try again, or do so now: carriers take that on the telephone or on their pages."),
        N_("It is noted: the carrier tries again."),
    ),
    CaseStep.SEND_BACK: (
        N_("You have told the carrier to send it back, or do so now: carriers take that on the telephone or on their pages."),
        N_("It is noted: the parcel goes back to the sender."),
    ),
}


@area.get("/parcels/{tracked_id:str}/carry-out", Permission.ORDERS_ACT)
async def ask_carry_out(visit: Visit) -> Answer:
    return await _carry_form(visit, visit.param("step"), asking.NOTHING_TYPED)


async def _carry_form(visit: Visit, step: str, typed: Typed) -> Answer:
    found = await _found(visit)
    known = {code: words for code, words, _, _ in steps_of(visit, found.case)}
    if step not in {one.value for one in _CARRIED}:
        raise NotFound(kind="page", id=step)
    if step not in known and found.case is not None and not typed.refused:
        raise CaseClosed(state=found.case.state, step=step)
    href = parcel_href(found.parcel.id)
    question = Question(
        title=known.get(step, visit.say(N_("Tell the carrier"))),
        fields="",
        action=f"{href}/carry-out?step={step}",
        back=href,
        confirm=visit.say(N_("The carrier knows")),
        icon="phone",
        tone="primary" if step == CaseStep.TRY_AGAIN else "danger",
        words=visit.say(_CARRIED[CaseStep(step)][0]),
        crumbs=_crumbs(visit, found),
    )
    return asking.ask(visit, question, typed, {})


@area.post("/parcels/{tracked_id:str}/carry-out", Permission.ORDERS_ACT)
async def carry_out(visit: Visit) -> Answer:
    tracked_id, fields = parcel_id(visit), visit.fields()
    text = visit.param("step")
    if text not in {one.value for one in _CARRIED}:
        raise NotFound(kind="page", id=text)
    step = CaseStep(text)

    async def work(tx: Tx) -> Done:
        await tracking.cases.carry_out(tx, tracked_id, step)
        await visit.record(tx, "parcel.carried_out", parcel_text(tracked_id), {"step": step.value})
        return Done(parcel_href(tracked_id), visit.say(_CARRIED[step][1]))

    return await asking.answer(visit, fields, work, lambda typed: _carry_form(visit, text, typed))
