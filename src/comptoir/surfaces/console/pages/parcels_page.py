"""One parcel with everything that was said of it, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import RETURN_CASE_PREFIX, ReturnCase, ReturnState
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Notice, NoticeFilter
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    LABEL_PREFIX,
    TRACKED_PREFIX,
    TROUBLE_PREFIX,
    Account,
    AnswerKind,
    Case,
    CaseInstruction,
    CaseState,
    CaseStep,
    Kind,
    PurchasedLabel,
    Tracked,
    TrackedDetails,
    TrackedId,
    Trouble,
    TroubleKind,
)
from comptoir.runtime.database import Reader
from comptoir.sdk.carriers import Capability
from comptoir.sdk.tracking import Scan, TrackingStatus, distinct
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import picks
from comptoir.surfaces.console.pages.naming import Channels, People, channels_of, people_of, places_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.parcel_words import NOTICE_WORDS, TRACKING_WORDS
from comptoir.surfaces.console.pages.parcels import lateness, parcel_href, parcel_name, safe_url
from comptoir.surfaces.console.pages.parcels_words import (
    ANSWER_CHOICES,
    CASE_TONES,
    CASE_WORDS,
    FAIL_WORDS,
    INSTRUCTION_WORDS,
    LABEL_TONES,
    LABEL_WORDS,
    MEDIUM_ICONS,
    NOTICE_STATE_WORDS,
    NOTICE_TONES,
    RESOLUTION_WORDS,
    STATUS_TONES,
    TROUBLE_TONES,
    TROUBLE_WORDS,
    Tones,
)
from comptoir.surfaces.console.pages.return_words import return_href
from comptoir.surfaces.console.web import Answer, Area, Visit
from comptoir.surfaces.public.links import PublicLinks

area = Area("parcels")

_NOTICES = 20


@dataclass(frozen=True, slots=True)
class ShownScan:
    """A scan in our words and in the carrier's."""

    at: datetime
    status: str
    tones: Tones
    theirs: str
    code: str
    place: str
    by: str
    """Who wrote it down; empty for the carrier's own."""
    back: str
    """Where it is taken back; empty where that cannot be."""


@dataclass(frozen=True, slots=True)
class ShownTrouble:
    words: str
    tones: Tones
    reason: str
    opened_at: datetime
    resolved_at: datetime | None
    resolution: str
    id: str


@dataclass(frozen=True, slots=True)
class ShownNotice:
    words: str
    icon: str
    state: str
    tones: Tones
    at: datetime


@dataclass(frozen=True, slots=True)
class Around:
    """What is read beside the parcel itself."""

    found: TrackedDetails
    account: Account | None
    label: PurchasedLabel | None
    notices: Sequence[Notice]
    place: str
    channels: Channels
    people: People
    brought_back: ReturnCase | None
    """What its carrier brings back, or has."""


def parcel_id(visit: Visit) -> TrackedId:
    return TrackedId(visit.path_id("tracked_id", TRACKED_PREFIX))


async def _around(visit: Visit, reader: Reader) -> Around:
    found = await tracking.get(reader, parcel_id(visit))
    parcel = found.parcel
    label = await tracking.labels.by_number(reader, parcel.tracking_number) if parcel.tracking_number else None
    told = await notices.find(reader, NoticeFilter(order_id=parcel.order_id), limit=_NOTICES)
    account = await tracking.accounts.get(reader, parcel.account_id) if parcel.account_id is not None else None
    channels = await channels_of(visit, reader)
    places = await places_of(reader, [parcel.location_id])
    people = await people_of(visit, reader, found.by_hand.values(), channels)
    backwards = parcel.status in {TrackingStatus.RETURNING, TrackingStatus.RETURNED}
    returns = await changes.brought_back(reader, [parcel.shipment_id]) if backwards else {}
    back = returns.get(parcel.shipment_id)
    return Around(found, account, label, told.items, places[LocationId(parcel.location_id)], channels, people, back)


@area.get("/parcels/{tracked_id:str}", Permission.ORDERS_READ)
async def parcel_page(visit: Visit) -> Answer:
    async with visit.read() as reader:
        around = await _around(visit, reader)
    parcel, case = around.found.parcel, around.found.case
    may_act = visit.may(Permission.ORDERS_ACT)
    note, tone = lateness(visit, parcel)
    return visit.respond(
        "parcels/parcel.html",
        parcel=parcel,
        href=parcel_href(parcel.id),
        name=parcel_name(visit, parcel),
        where=visit.say(TRACKING_WORDS[parcel.status]),
        tones=STATUS_TONES[parcel.status],
        note=note,
        note_tone=tone,
        scans=_scans(visit, around, may_act=may_act),
        followed=parcel.account_id is not None and bool(parcel.tracking_number),
        carried=parcel.kind is Kind.PARCEL,
        promise_rows=_promise(visit, parcel),
        corrections=_corrections(visit, around.found),
        case=case,
        case_state=None if case is None else (visit.say(CASE_WORDS[case.state]), CASE_TONES[case.state]),
        case_rows=[] if case is None else _case(visit, case, around.found.instruction),
        answerable=may_act and case is not None and case.state in tracking.ANSWERABLE,
        steps=steps_of(visit, case) if may_act else [],
        can_tell=may_act and case is not None and case.state in TELLABLE and can_tell(visit, around.account),
        label_rows=_label(visit, around),
        label_state=_label_state(visit, around.label),
        notices=[_notice(visit, one) for one in around.notices],
        troubles=[_trouble(visit, one) for one in reversed(around.found.troubles)],
        about_rows=_about(visit, around),
        order_href=order_href(parcel.order_id),
        claim_href=f"{order_href(parcel.order_id)}/change/claim",
        buyer_link=buyer_link(visit, parcel),
        carrier_url=safe_url(parcel.tracking_url),
        may_act=may_act,
        coming_back=_coming_back(visit, around),
    )


def _coming_back(visit: Visit, around: Around) -> tuple[str, str, str, str] | None:
    """(title, words of the step, icon, address) of a parcel on its way back, or back."""
    parcel = around.found.parcel
    open_ = any(one.kind is TroubleKind.RETURNED and one.resolved_at is None for one in around.found.troubles)
    if parcel.status is TrackingStatus.RETURNED and open_:
        title = visit.say(N_("It is back at %(place)s: receive it, then send it again or refund it."), place=around.place)
        return title, *seen_to_by(visit, parcel, around.brought_back)
    if around.brought_back is None:
        return None
    title = N_("It comes back to %(place)s.") if parcel.status is TrackingStatus.RETURNING else N_("It came back to %(place)s.")
    return (
        visit.say(title, place=around.place),
        visit.say(N_("The return")),
        "truck-return",
        return_href(around.brought_back.id),
    )


def buyer_link(visit: Visit, parcel: Tracked) -> str:
    """The page that the buyer sees; whoever has this address sees it for half a year."""
    links = PublicLinks(visit.console.keyring, visit.console.settings.public_url.rstrip("/"))
    return links.tracking(parcel.order_id, visit.page.now)


def _scans(visit: Visit, around: Around, *, may_act: bool) -> list[ShownScan]:
    """The latest first."""
    by_hand = around.found.by_hand
    return [_scan(visit, one, around, by_hand, may_act=may_act) for one in reversed(distinct(around.found.scans))]


def _scan(visit: Visit, scan: Scan, around: Around, by_hand: Mapping[str, str], *, may_act: bool) -> ShownScan:
    actor = by_hand.get(scan.id)
    own = scan.detail.replace("_", " ")
    theirs = scan.text or (own if own != scan.raw_code else "")
    back = f"{parcel_href(around.found.parcel.id)}/scans/{scan.id.partition(':')[2]}/back" if actor is not None else ""
    return ShownScan(
        scan.at,
        visit.say(TRACKING_WORDS[scan.status]),
        STATUS_TONES[scan.status],
        theirs,
        " · ".join(dict.fromkeys(part for part in (scan.raw_code, scan.detail) if part)) if actor is None else "",
        scan.place,
        "" if actor is None else around.people[actor],
        back if may_act else "",
    )


def _day(visit: Visit, value: object) -> str:
    page = visit.page
    return formatting.day(value, page.locale, page.zone) if isinstance(value, datetime | type(page.now.date())) else ""


def _promise(visit: Visit, parcel: Tracked) -> list[tuple[str, str]]:
    promise = tracking.promise_of(parcel, visit.page.now)
    rows = [
        (N_("Promised for"), _day(visit, parcel.promised_on) or visit.say(N_("no day was promised"))),
        (N_("Arrived on"), _day(visit, promise.happened_on)),
        (N_("Expected on"), "" if promise.happened_on else _day(visit, parcel.estimated_on)),
        (N_("The carrier expects"), "" if promise.happened_on else _day(visit, parcel.carrier_estimate)),
        (N_("Usual days on this way"), formatting.number(parcel.usual_days, visit.page.locale) if parcel.usual_days else ""),
        (N_("Signed by"), parcel.signed_by),
    ]
    return [(visit.say(word), value) for word, value in rows if value]


def _corrections(visit: Visit, found: TrackedDetails) -> list[tuple[datetime, str, str]]:
    """(when, which scan, what day it made of it), from the first to the last; the carrier's own day, or time, last."""
    steps = tracking.corrections(found.parcel, found.scans)
    rows = [
        (
            step.at,
            visit.say(TRACKING_WORDS[step.status]),
            _day(visit, step.expected_on) or visit.say(N_("will not arrive")),
        )
        for step in steps
    ]
    parcel = found.parcel
    last = steps[-1].expected_on if steps else parcel.promised_on
    if parcel.estimated_on is not None and parcel.estimated_on != last:
        carriers = parcel.estimated_on == parcel.carrier_estimate
        why = N_("the carrier's own day") if carriers else N_("days have passed without news")
        rows.append((parcel.last_at or parcel.shipped_at, visit.say(why), _day(visit, parcel.estimated_on)))
    return rows


# What came back


def seen_to_by(visit: Visit, parcel: Tracked, case: ReturnCase | None) -> tuple[str, str, str]:
    """(words, icon, address) of what is best done about a parcel that is back: it is received, then sent again or refunded."""
    if case is None:
        return visit.say(N_("Receive it")), "package-import", f"/returns/receive?q={quote(parcel.tracking_number)}"
    if case.state is ReturnState.IN_TRANSIT:
        return visit.say(N_("Receive it")), "package-import", f"/returns/receive?return={to_text(RETURN_CASE_PREFIX, case.id)}"
    return visit.say(N_("Send it again or refund it")), "truck-return", return_href(case.id)


# The failed delivery

TELLABLE = frozenset({CaseState.ANSWERED, CaseState.UNANSWERED})


def can_tell(visit: Visit, account: Account | None) -> bool:
    """Whether the carrier of an account is told by us what becomes of a failed delivery; else a person calls it."""
    kind = None if account is None or not account.active else visit.console.services.carriage.kinds.get(account.connector)
    return kind is not None and Capability.INSTRUCT in kind.info.capabilities


def instruction_words(visit: Visit, one: CaseInstruction | None) -> str:
    """`no answer came: it is told again by itself · EasyPost: answered 503`."""
    if one is None:
        return ""
    return " · ".join(part for part in (visit.say(INSTRUCTION_WORDS[one.state]), one.problem or one.confirmation) if part)


def answer_words(visit: Visit, case: Case) -> str:
    """What the buyer wants, with its particulars: `Another day: Mar 5, 2026`."""
    said = case.answer
    if said is None:
        return ""
    match said.kind:
        case AnswerKind.DATE:
            particulars = _day(visit, said.on)
        case AnswerKind.ADDRESS:
            town = " ".join(part for part in (said.postcode, said.city) if part)
            particulars = ", ".join(part for part in (said.line1, said.line2, town) if part)
        case AnswerKind.PICKUP:
            particulars = said.pickup_point
        case AnswerKind.RETURN:
            particulars = ""
    parts = [visit.say(ANSWER_CHOICES[said.kind][0]), particulars, said.note]
    return " · ".join(part for part in parts if part)


def _case(visit: Visit, case: Case, said: CaseInstruction | None) -> list[tuple[str, str]]:
    page = visit.page
    open_ = case.closed_at is None
    until = formatting.instant(case.answer_until, page.locale, page.zone)
    waits = case.state is CaseState.ASKED
    rows = [
        (N_("Reason"), visit.say(FAIL_WORDS[case.reason])),
        (N_("Attempts"), visit.says("%(num)s attempt", "%(num)s attempts", case.attempts)),
        (N_("Since"), formatting.instant(case.opened_at, page.locale, page.zone)),
        (N_("The buyer can answer until"), until if open_ and waits else ""),
        (N_("Without an answer"), visit.say(_SILENCE[tracking.after_silence(case.attempts)]) if open_ and waits else ""),
        (N_("The buyer's answer"), answer_words(visit, case)),
        (N_("Answered"), formatting.instant(case.answered_at, page.locale, page.zone) if case.answered_at else ""),
        (N_("Begins by"), formatting.instant(case.due_at, page.locale, page.zone) if case.due_at else ""),
        (
            N_("The buyer was reminded"),
            formatting.instant(case.reminded_at, page.locale, page.zone) if case.reminded_at else "",
        ),
        (N_("The carrier"), instruction_words(visit, said)),
        (N_("Over since"), formatting.instant(case.closed_at, page.locale, page.zone) if case.closed_at else ""),
    ]
    return [(visit.say(word), value) for word, value in rows if value]


_SILENCE = {
    CaseStep.TRY_AGAIN: N_("it is tried once more"),
    CaseStep.SEND_BACK: N_("it goes back to the sender"),
}


def steps_of(visit: Visit, case: Case | None) -> list[tuple[str, str, str, bool]]:
    """(step, words, icon, whether it is the one to take): what the carrier can have been told."""
    if case is None:
        return []
    best = None
    if case.state is CaseState.ANSWERED and case.answer is not None:
        best = tracking.after_answer(case.answer.kind)
    elif case.state is CaseState.UNANSWERED:
        best = tracking.after_silence(case.attempts)
    words = {
        CaseStep.TRY_AGAIN: (N_("The carrier is told to try again"), "truck-delivery"),
        CaseStep.SEND_BACK: (N_("The carrier is told to send it back"), "truck-return"),
    }
    return [
        (step.value, visit.say(word), icon, step is best)
        for step, (word, icon) in words.items()
        if (case.state, step) in tracking.CASE_STEPS and case.state is not CaseState.DELIVERED
    ]


# Beside it


def _label_state(visit: Visit, label: PurchasedLabel | None) -> tuple[str, Tones, str] | None:
    if label is None:
        return None
    return visit.say(LABEL_WORDS[label.state]), LABEL_TONES[label.state], f"/carriers/labels/{to_text(LABEL_PREFIX, label.id)}"


def _label(visit: Visit, around: Around) -> list[tuple[str, str]]:
    label, page = around.label, visit.page
    if label is None:
        return []
    cost = formatting.money(label.cost, label.currency, page.locale) if label.cost is not None else ""
    rows = [
        (N_("Cost"), cost),
        (N_("Service"), label.service),
        (N_("Account"), around.account.name if around.account is not None else ""),
        (N_("Bought"), formatting.instant(label.bought_at, page.locale, page.zone) if label.bought_at else ""),
        (N_("What went wrong last"), label.problem),
    ]
    return [(visit.say(word), value) for word, value in rows if value]


def _notice(visit: Visit, one: Notice) -> ShownNotice:
    return ShownNotice(
        visit.say(NOTICE_WORDS[one.kind]),
        MEDIUM_ICONS[one.medium],
        visit.say(NOTICE_STATE_WORDS[one.state]),
        NOTICE_TONES[one.state],
        one.sent_at or one.created_at,
    )


def _trouble(visit: Visit, one: Trouble) -> ShownTrouble:
    return ShownTrouble(
        visit.say(TROUBLE_WORDS[one.kind][0]),
        TROUBLE_TONES[one.kind],
        one.reason if one.kind in {TroubleKind.REJECTED, TroubleKind.UNUSED} else "",
        one.opened_at,
        one.resolved_at,
        resolution_words(visit, one.resolution),
        to_text(TROUBLE_PREFIX, one.id),
    )


def resolution_words(visit: Visit, resolution: str) -> str:
    """How a trouble ended: by hand, or by what the carrier said then."""
    if resolution in RESOLUTION_WORDS:
        return visit.say(RESOLUTION_WORDS[resolution])
    words: Mapping[str, str] = {code.value: word for code, word in (*CASE_WORDS.items(), *TRACKING_WORDS.items())}
    return visit.say(words[resolution]) if resolution in words else resolution


def _about(visit: Visit, around: Around) -> list[tuple[str, str]]:
    parcel, page = around.found.parcel, visit.page
    region = parcel.destination_region.upper()
    rows = [
        (N_("Channel"), around.channels[parcel.channel].name),
        (N_("From"), around.place),
        (N_("To"), " · ".join(p for p in (picks.country_name(parcel.destination_country, page.locale), region) if p)),
        (N_("Carrier"), " · ".join(p for p in (parcel.carrier, parcel.service) if p)),
        (N_("Account"), around.account.name if around.account is not None else visit.say(N_("none: nobody tells of it"))),
        (N_("Left"), formatting.instant(parcel.shipped_at, page.locale, page.zone)),
        (
            N_("The carrier is asked next"),
            formatting.instant(parcel.next_poll_at, page.locale, page.zone) if parcel.next_poll_at else "",
        ),
    ]
    return [(visit.say(word), value) for word, value in rows if value]
