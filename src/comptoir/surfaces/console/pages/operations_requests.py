"""What third parties were asked to do, and have to answer; a person answers in their place where they do it by telephone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentFilter, Handshake, Request
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.pages import lists, store_desk
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("operations")

_WAITING = (Request.SUBMITTED, Request.CANCELLATION_REQUESTED)
_TABS: Mapping[str, tuple[str, tuple[Request, ...]]] = {
    "": (N_("Waiting for an answer"), _WAITING),
    "accepted": (N_("In their hands"), (Request.ACCEPTED, Request.CANCELLATION_REJECTED)),
}
_WORDS: Mapping[Request, tuple[str, str, str]] = {
    Request.SUBMITTED: (N_("Asked to do it"), "warn", "hourglass"),
    Request.ACCEPTED: (N_("Does it"), "active", "check"),
    Request.CANCELLATION_REQUESTED: (N_("Asked to stop"), "warn", "hand-stop"),
    Request.CANCELLATION_REJECTED: (N_("Could not stop"), "neutral", "alert-circle"),
}
_STEPS: Mapping[Handshake, tuple[str, str, str]] = {
    Handshake.ACCEPT: (N_("They do it"), "check", N_("They have accepted it.")),
    Handshake.REJECT: (N_("They do not do it"), "x", N_("They do not do it: another location is found.")),
    Handshake.ASK_CANCELLATION: (N_("Ask them to stop"), "hand-stop", N_("They are asked to stop.")),
    Handshake.ACCEPT_CANCELLATION: (
        N_("They have stopped"),
        "check",
        N_("They have stopped: what is still wanted goes elsewhere."),
    ),
    Handshake.REJECT_CANCELLATION: (N_("They could not stop"), "x", N_("They could not stop: it is sent.")),
}
_OFFERED: Mapping[Request, tuple[Handshake, ...]] = {
    Request.SUBMITTED: (Handshake.ACCEPT, Handshake.REJECT),
    Request.ACCEPTED: (Handshake.ASK_CANCELLATION,),
    Request.CANCELLATION_REQUESTED: (Handshake.ACCEPT_CANCELLATION, Handshake.REJECT_CANCELLATION),
    Request.CANCELLATION_REJECTED: (Handshake.ASK_CANCELLATION,),
}


@dataclass(frozen=True, slots=True)
class Row:
    one: Fulfilment
    id: str
    href: str
    order_href: str
    place: str
    words: str
    tone: str
    icon: str
    late: bool
    steps: Sequence[tuple[str, str, str]]
    """(step, words, icon)."""


@area.get("/operations/requests", Permission.ORDERS_READ)
async def requests(visit: Visit) -> Answer:
    return await _show(visit)


async def _show(visit: Visit, refusal: Refusal | None = None) -> Answer:
    which = visit.param("show")
    which = which if which in _TABS else ""
    wanted = FulfilmentFilter(locations=visit.places(), requests=_TABS[which][1], search=visit.param("q").strip())
    async with visit.read() as reader:
        sites = await lists.sites(reader)
        page = await fulfilment.find(reader, wanted, sort="placed", limit=PAGE_SIZE, cursor=visit.cursor)
        total = await fulfilment.count(reader, wanted)
        rows = await _rows(visit, reader, page.items, sites)
    return visit.respond(
        "operations/requests.html",
        "operations/_requests.html",
        status=refusal.status if refusal else 200,
        refused="" if refusal is None else visit.refusal(refusal),
        rows=rows,
        before=page.previous,
        after=page.next,
        words=lists.rows_words(visit, total),
        sites=sites.own(visit),
        tabs=[(visit.say(word), visit.page.href(show=code or None), code == which, None) for code, (word, _) in _TABS.items()],
        may_act=visit.may(Permission.FULFIL),
        is_narrow=bool(set(visit.page.query) - {"show"}),
    )


async def _rows(visit: Visit, _reader: Reader, found: Sequence[Fulfilment], sites: lists.Sites) -> list[Row]:
    rows: list[Row] = []
    for one in found:
        words, tone, icon = _WORDS[one.request]
        waits = one.request in _WAITING
        late = waits and one.asked_at is not None and one.asked_at + fulfilment.ANSWER_WITHIN < visit.page.now
        rows.append(
            Row(
                one,
                store_desk.text_of(one.id),
                store_desk.page_of(one),
                order_href(one.order_id),
                sites[one.location_id],
                visit.say(words),
                "bad" if late else tone,
                icon,
                late,
                [(step.value, visit.say(_STEPS[step][0]), _STEPS[step][1]) for step in _OFFERED[one.request]],
            )
        )
    return rows


@area.post("/operations/requests/{fulfilment_id:str}/{step:str}", Permission.FULFIL)
async def answer(visit: Visit) -> Answer:
    """Says for the third party what it has said by another way."""
    fulfilment_id, text, fields = store_desk.id_of(visit), visit.path("step"), visit.fields()
    step = next((step for step in _STEPS if step.value == text), None)
    if step is None:
        raise NotFound(kind="page", id=text)
    note = fields.text("note", most=500)

    async def work(tx: Tx) -> Done:
        fields.done()
        after = await fulfilment.say(tx, fulfilment_id, step, note)
        data = {"number": after.number, "step": step.value, "note": note}
        await visit.record(tx, "fulfilment.request", store_desk.text_of(fulfilment_id), data)
        return Done("/operations/requests", visit.say(_STEPS[step][2]))

    try:
        return await visit.act(work)
    except Refusal as refusal:
        return await _show(visit, refusal)
