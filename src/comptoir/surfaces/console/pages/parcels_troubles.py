"""What went wrong with parcels and labels: what cannot wait first, each with the best next step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from comptoir.i18n import N_
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import ReturnCase
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId, ShipmentId
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    LABEL_PREFIX,
    TROUBLE_PREFIX,
    Case,
    CaseInstruction,
    CaseState,
    CaseStep,
    InstructionState,
    Tracked,
    TrackedId,
    Trouble,
    TroubleId,
    TroubleKind,
)
from comptoir.modules.tracking.errors import UnknownTrouble
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.naming import channels_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.parcels import Row, parcel_href, row_of
from comptoir.surfaces.console.pages.parcels_page import TELLABLE, answer_words, instruction_words, resolution_words, seen_to_by
from comptoir.surfaces.console.pages.parcels_tabs import parcel_tabs
from comptoir.surfaces.console.pages.parcels_words import CASE_WORDS, FAIL_WORDS, TROUBLE_TONES, TROUBLE_WORDS, Tones
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit, own_address

area = Area("parcels")

SORTS = ("urgent", "opened")
_HERE = "/parcels/troubles"


@dataclass(frozen=True, slots=True)
class Step:
    """The best thing to do next. `post` is a button that does it at once; else it leads to where it is done."""

    words: str
    icon: str
    href: str
    post: bool = False
    opens: bool = False
    """It opens as a dialog."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A trouble in the list."""

    trouble: Trouble
    id: str
    words: str
    tones: Tones
    row: Row | None
    number: int | None
    order_href: str
    detail: str
    step: Step | None
    resolution: str


@area.get(_HERE, Permission.ORDERS_READ)
async def trouble_list(visit: Visit) -> Answer:
    kind, over = lists.chosen(visit, "kind", TroubleKind), visit.param("state") == "resolved"
    sort = visit.sort(SORTS, "-opened" if over else "urgent")
    kinds = () if kind is None else (kind,)
    if visit.wants_csv:
        return visit.csv("parcel-troubles", [visit.say(word) for word in _COLUMNS], _exported(visit, kinds, open_only=not over))
    async with visit.read() as reader:
        page = await tracking.find_troubles(
            reader,
            kinds,
            locations=visit.places(),
            resolved_only=over,
            sort=sort,
            limit=PAGE_SIZE,
            cursor=visit.cursor,
        )
        counts = await tracking.counts_of_troubles(reader, visit.places())
        shown = await _shown(visit, reader, page.items)
        channels = await channels_of(visit, reader)
    return visit.respond(
        "parcels/troubles.html",
        "parcels/_troubles.html",
        rows=shown,
        before=page.previous,
        after=page.next,
        sort=sort,
        over=over,
        channels=channels,
        tabs=parcel_tabs(visit, "troubles"),
        kinds=_tabs(visit, counts, kind, over=over),
        meaning=visit.say(TROUBLE_WORDS[kind][1]) if kind is not None else "",
        is_clear=not counts,
        may_act=visit.may(Permission.ORDERS_ACT),
    )


def _tabs(
    visit: Visit, counts: Mapping[TroubleKind, int], kind: TroubleKind | None, *, over: bool
) -> list[tuple[str, str, bool, int | None]]:
    clean: dict[str, None] = {"kind": None, "state": None, "sort": None}
    tabs: list[tuple[str, str, bool, int | None]] = [
        (visit.say(N_("All that is open")), visit.page.href(**clean), kind is None and not over, sum(counts.values()))
    ]
    tabs += [
        (visit.say(words), visit.page.href(**clean | {"kind": code.value}), kind is code and not over, counts.get(code, 0))
        for code, (words, _) in TROUBLE_WORDS.items()
        if counts.get(code) or kind is code
    ]
    return [*tabs, (visit.say(N_("Resolved")), visit.page.href(**clean | {"state": "resolved"}), over, None)]


async def _shown(visit: Visit, reader: Reader, found: Sequence[Trouble]) -> list[Shown]:
    """With their parcels, failed deliveries and orders, in a few queries for all of them."""
    ids = [one.tracked_id for one in found if one.tracked_id is not None]
    parcels = await tracking.some(reader, ids) if ids else {}
    cases = await tracking.cases.of_parcels(reader, ids) if ids else {}
    told = await tracking.instructing.latest(reader, [key for key, case in cases.items() if case.state in TELLABLE])
    numbers = await orders.numbers(reader, list({one.order_id for one in found if one.tracked_id is None}))
    came = {one.tracked_id for one in found if one.kind is TroubleKind.RETURNED}
    back = [parcel.shipment_id for key, parcel in parcels.items() if key in came]
    returns = await changes.brought_back(reader, back) if back else {}
    return [_one(visit, one, parcels, cases, told, numbers, returns) for one in found]


def _one(
    visit: Visit,
    one: Trouble,
    parcels: Mapping[TrackedId, Tracked],
    cases: Mapping[TrackedId, Case],
    told: Mapping[TrackedId, CaseInstruction],
    numbers: Mapping[OrderId, int],
    returns: Mapping[ShipmentId, ReturnCase],
) -> Shown:
    parcel = parcels.get(one.tracked_id) if one.tracked_id is not None else None
    case = cases.get(one.tracked_id) if one.tracked_id is not None else None
    said = None if case is None else told.get(case.tracked_id)
    return Shown(
        one,
        to_text(TROUBLE_PREFIX, one.id),
        visit.say(TROUBLE_WORDS[one.kind][0]),
        TROUBLE_TONES[one.kind],
        None if parcel is None else row_of(visit, parcel),
        numbers.get(one.order_id) if parcel is None else parcel.order_number,
        order_href(one.order_id),
        _detail(visit, one, parcel, case, said),
        None if one.resolved_at is not None else _step(visit, one, parcel, case, said, returns),
        resolution_words(visit, one.resolution),
    )


def _detail(visit: Visit, one: Trouble, parcel: Tracked | None, case: Case | None, told: CaseInstruction | None) -> str:
    """What exactly is wrong."""
    page = visit.page
    match one.kind:
        case TroubleKind.FAILED if case is not None:
            said = answer_words(visit, case)
            state = visit.say(CASE_WORDS[case.state])
            until = ""
            if case.state is CaseState.ASKED:
                until = visit.say(N_("until %(time)s"), time=formatting.instant(case.answer_until, page.locale, page.zone))
            late = visit.say(N_("its day has passed and nothing was scanned")) if _is_overdue(one) else ""
            return " · ".join(
                part
                for part in (late, visit.say(FAIL_WORDS[case.reason]), state, said, until, instruction_words(visit, told))
                if part
            )
        case TroubleKind.STUCK if parcel is not None:
            since = formatting.instant(parcel.last_at or parcel.shipped_at, page.locale, page.zone)
            return visit.say(N_("nothing heard since %(time)s"), time=since)
        case TroubleKind.LATE if parcel is not None and parcel.estimated_on and parcel.promised_on:
            days = {
                "expected": formatting.day(parcel.estimated_on, page.locale, page.zone),
                "promised": formatting.day(parcel.promised_on, page.locale, page.zone),
            }
            return visit.say(N_("%(expected)s instead of %(promised)s"), **days)
        case TroubleKind.REJECTED | TroubleKind.UNUSED:
            return one.reason
        case _:
            return ""


def _step(
    visit: Visit,
    one: Trouble,
    parcel: Tracked | None,
    case: Case | None,
    told: CaseInstruction | None,
    returns: Mapping[ShipmentId, ReturnCase],
) -> Step | None:
    """The best next step; None where one can only wait, or look."""
    if parcel is None:
        if one.label_id is None:
            return None
        href = f"/carriers/labels/{to_text(LABEL_PREFIX, one.label_id)}"
        return Step(visit.say(N_("Put it right")), "tag", href)
    href = parcel_href(parcel.id)
    match one.kind:
        case TroubleKind.FAILED:
            return _after_failure(visit, href, case, told) or _ask(visit, href, parcel)
        case TroubleKind.RETURNED:
            return Step(*seen_to_by(visit, parcel, returns.get(parcel.shipment_id)))
        case TroubleKind.LOST | TroubleKind.DAMAGED:
            return Step(visit.say(N_("Open a claim")), "hand-stop", f"{order_href(one.order_id)}/change/claim")
        case _:
            return _ask(visit, href, parcel)


def _ask(visit: Visit, href: str, parcel: Tracked) -> Step:
    if parcel.account_id is not None and parcel.tracking_number:
        return Step(visit.say(N_("Ask the carrier now")), "refresh", f"{href}/poll", post=True)
    return Step(visit.say(N_("Note a scan")), "pencil", f"{href}/scans/new", opens=True)


def _is_overdue(one: Trouble) -> bool:
    return one.reason.startswith(tracking.cases.OVERDUE) and one.resolved_at is None


_ON_ITS_WAY = frozenset({InstructionState.ASKED, InstructionState.UNKNOWN})


def _after_failure(visit: Visit, href: str, case: Case | None, said: CaseInstruction | None) -> Step | None:
    if case is None:
        return None
    if said is not None and said.state in _ON_ITS_WAY:
        return Step(visit.say(N_("Tell the carrier now")), "send", f"{href}/instruct", post=True)
    if case.state is CaseState.ASKED:
        return Step(visit.say(N_("Answer for the buyer")), "message", f"{href}/answer", opens=True)
    told = None
    if case.state is CaseState.ANSWERED and case.answer is not None:
        told = tracking.after_answer(case.answer.kind)
    elif case.state is CaseState.UNANSWERED:
        told = tracking.after_silence(case.attempts)
    if told is None:
        return None
    words = N_("Tell the carrier: try again") if told is CaseStep.TRY_AGAIN else N_("Tell the carrier: send it back")
    return Step(visit.say(words), "phone", f"{href}/carry-out?step={told.value}", opens=True)


_COLUMNS = (
    N_("What"), N_("Order"), N_("Tracking number"), N_("Carrier"), N_("Particulars"), N_("Opened"), N_("Resolved"), N_("How"),
)  # fmt: skip


async def _exported(visit: Visit, kinds: Sequence[TroubleKind], *, open_only: bool) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:

        async def page_of(cursor: str | None) -> Page[Trouble]:
            return await tracking.find_troubles(
                reader,
                kinds,
                locations=visit.places(),
                resolved_only=not open_only,
                sort="opened",
                limit=200,
                cursor=cursor,
            )

        async for some in lists.by_many(lists.every(page_of)):
            for shown in await _shown(visit, reader, some):
                parcel = None if shown.row is None else shown.row.parcel
                yield (
                    shown.words,
                    shown.number,
                    "" if parcel is None else parcel.tracking_number,
                    "" if parcel is None else parcel.carrier,
                    shown.detail,
                    shown.trouble.opened_at,
                    shown.trouble.resolved_at,
                    shown.resolution,
                )


@area.post(_HERE, Permission.ORDERS_ACT)
async def dismiss_troubles(visit: Visit) -> Answer:
    """Those that are ticked, or the one whose button was pressed: somebody has looked, and nothing is left to do."""
    fields = visit.fields()
    one = fields.raw("one")
    ids = _ids([one] if one else fields.all("id"))
    back = own_address(fields.raw("back") or _HERE)

    async def work(tx: Tx) -> Done:
        done = 0
        for trouble_id in ids:
            try:
                found = await tracking.dismiss(tx, trouble_id)
            except UnknownTrouble:
                continue  # somebody else, or the carrier, was quicker
            await visit.record(tx, "parcel.trouble_dismissed", to_text(TROUBLE_PREFIX, trouble_id), _about(found))
            done += 1
        if not done:
            words = N_("Tick what you have looked at.") if not ids else N_("Nothing of that is open any more.")
            return Done(back, visit.say(words), tone="warn")
        return Done(back, visit.says("%(num)s trouble is dismissed.", "%(num)s troubles are dismissed.", done))

    return await visit.act(work)


def _about(one: Trouble) -> dict[str, object]:
    opened: datetime = one.opened_at
    return {"kind": one.kind.value, "reason": one.reason, "opened_at": opened.isoformat()}


def _ids(texts: Sequence[str]) -> list[TroubleId]:
    """In key order, each once; what is no id is nobody's."""
    found: set[TroubleId] = set()
    for text in texts:
        try:
            found.add(TroubleId(from_text(TROUBLE_PREFIX, text)))
        except ValueError:
            continue
    return sorted(found)
