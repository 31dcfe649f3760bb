"""Purchase orders to suppliers: what they were asked, what they have said, and what is done in their place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency, Money
from comptoir.kernel.time import utcnow
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId, LocationKind
from comptoir.modules.orders.contracts import ORDER_PREFIX
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.purchasing.contracts import (
    PURCHASE_PREFIX,
    LetterKind,
    LetterState,
    Purchase,
    PurchaseFilter,
    PurchaseId,
    PurchaseState,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Page
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.stock import sku_href, tabs
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Visit
from comptoir.surfaces.documents import api as documents
from comptoir.surfaces.public.supplying import REASON_WORDS
from comptoir.surfaces.supplying import SupplierLinks, address, name_of, paper_of

area = Area("stock")

STATE_WORDS: Mapping[PurchaseState, str] = {
    PurchaseState.ASKED: N_("Not answered"),
    PurchaseState.ACKNOWLEDGED: N_("Accepted"),
    PurchaseState.PARTLY_SHIPPED: N_("Sent in part"),
    PurchaseState.SHIPPED: N_("Sent"),
    PurchaseState.DECLINED: N_("Declined"),
    PurchaseState.EXPIRED: N_("Not answered in time"),
    PurchaseState.CANCELLED: N_("Cancelled"),
}
TONES: Mapping[PurchaseState, tuple[str, str]] = {
    PurchaseState.ASKED: ("warn", "hourglass"),
    PurchaseState.ACKNOWLEDGED: ("active", "circle-check"),
    PurchaseState.PARTLY_SHIPPED: ("active", "truck"),
    PurchaseState.SHIPPED: ("good", "truck-delivery"),
    PurchaseState.DECLINED: ("bad", "hand-stop"),
    PurchaseState.EXPIRED: ("bad", "clock"),
    PurchaseState.CANCELLED: ("neutral", "ban"),
}
LETTER_WORDS: Mapping[LetterKind, str] = {
    LetterKind.ORDER: N_("Purchase order"),
    LetterKind.CHANGED: N_("Change of the purchase order"),
    LetterKind.REMINDER: N_("Reminder"),
    LetterKind.CANCELLED: N_("Cancellation"),
}
LETTER_STATES: Mapping[LetterState, tuple[str, str, str]] = {
    LetterState.PENDING: (N_("waits"), "neutral", "clock"),
    LetterState.SENT: (N_("sent"), "good", "circle-check"),
    LetterState.FAILED: (N_("not sent"), "bad", "alert-circle"),
}


def purchase_href(purchase_id: PurchaseId) -> str:
    return f"/purchases/{to_text(PURCHASE_PREFIX, purchase_id)}"


def id_of(visit: Visit) -> PurchaseId:
    return PurchaseId(visit.path_id("purchase_id", PURCHASE_PREFIX))


def badge(visit: Visit, state: PurchaseState) -> tuple[str, str, str]:
    """(word, tone, icon)."""
    return (visit.say(STATE_WORDS[state]), *TONES[state])


@area.get("/purchases", Permission.ORDERS_READ)
async def purchase_list(visit: Visit) -> Answer:
    sort = visit.sort(("number",), "-number")
    wanted = _wanted(visit)
    if visit.wants_csv:
        return visit.csv("purchase-orders", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await purchasing.find(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        places = await lists.sites(reader)
    states = lists.options_of(visit, STATE_WORDS)
    suppliers = [(places.text(one.id), lists.label(one)) for one in places.rows if one.kind is LocationKind.SUPPLIER]
    return visit.respond(
        "purchases/list.html",
        "purchases/_results.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        places=places,
        suppliers=suppliers,
        states=states,
        badges={state: badge(visit, state) for state in PurchaseState},
        now=visit.page.now,
        chips=lists.chips(visit, [(N_("Supplier"), "location", dict(suppliers)), (N_("State"), "state", dict(states))]),
        tabs=tabs(visit, "purchases"),
        href=purchase_href,
        name_of=name_of,
        goods=_goods,
        is_empty=not page.items and not visit.page.query,
    )


def _wanted(visit: Visit) -> PurchaseFilter:
    state = lists.chosen(visit, "state", PurchaseState)
    location = visit.optional_id("location", LOCATION_PREFIX)
    return PurchaseFilter(
        locations=() if location is None else (LocationId(location),),
        states=() if state is None else (state,),
        search=visit.param("q").strip().removeprefix("P"),
    )


def _goods(one: Purchase) -> str:
    """The first things of it, in words."""
    names = [line.name or line.sku for line in one.lines]
    return ", ".join(names[:2]) + (f" +{len(names) - 2}" if len(names) > 2 else "")


_COLUMNS = (
    N_("Number"), N_("State"), N_("Supplier"), N_("Order"), N_("Created"), N_("Answer until"), N_("Leaves on"), N_("Cost"),
    N_("Booked"), N_("Currency"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: PurchaseFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        places = await lists.sites(reader)

        async def page_of(cursor: str | None) -> Page[Purchase]:
            return await purchasing.find(reader, wanted, sort=sort, limit=200, cursor=cursor)

        async for one in lists.every(page_of):
            cost, booked = (
                None if minor is None else Money(minor, Currency(one.currency)).major for minor in (one.cost, one.booked)
            )
            state = visit.say(STATE_WORDS[one.state])
            yield (
                name_of(one), state, places[one.location_id], one.order_number, one.created_at, one.answer_by, one.promised_on,
                cost, booked, one.currency,
            )  # fmt: skip


# One purchase order


@area.get("/purchases/{purchase_id:str}", Permission.ORDERS_READ)
async def purchase_page(visit: Visit) -> Answer:
    async with visit.read() as reader:
        one = await purchasing.get(reader, id_of(visit))
        supplier = await purchasing.supplier(reader, one.location_id)
        terms = await purchasing.terms_of(reader, one.location_id)
        letters = await purchasing.letters(reader, one.id)
        who = await _who(visit, reader, one)
    return visit.respond(
        "purchases/detail.html",
        one=one,
        name=name_of(one),
        supplier=supplier,
        supplier_href=f"/purchases/suppliers/{to_text(LOCATION_PREFIX, supplier.id)}",
        terms=terms,
        letters=letters,
        letter_words={kind: visit.say(word) for kind, word in LETTER_WORDS.items()},
        letter_states={state: (visit.say(word), tone, icon) for state, (word, tone, icon) in LETTER_STATES.items()},
        reasons={reason: visit.say(word) for reason, word in REASON_WORDS.items()},
        stamp=badge(visit, one.state),
        steps=_steps(visit, one),
        to=address(one.ship_to),
        who=who,
        live=one.state in purchasing.LIVE,
        href=purchase_href(one.id),
        order_href=f"/orders/{to_text(ORDER_PREFIX, one.order_id)}",
        page_link=links_of(visit).page(one.id, utcnow()),
        sku_href=sku_href,
        overdue=one.state is PurchaseState.ASKED and one.answer_by is not None and one.answer_by < visit.page.now,
    )


def links_of(visit: Visit) -> SupplierLinks:
    return SupplierLinks(visit.console.keyring, visit.console.settings.public_url)


async def _who(visit: Visit, reader: Reader, one: Purchase) -> str:
    if not one.answered_by:
        return ""
    if one.answered_by == "supplier":
        return visit.say(N_("The supplier, on their page"))
    return (await people_of(visit, reader, [one.answered_by], await channels_of(visit, reader)))[one.answered_by]


def _steps(visit: Visit, one: Purchase) -> list[tuple[str, str, str]]:
    def at(moment: datetime | None) -> str:
        return formatting.instant(moment, visit.page.locale, visit.page.zone) if moment else ""

    asked, said, left = visit.say(N_("Asked")), visit.say(N_("Answered")), visit.say(N_("Sent"))
    bad = {PurchaseState.DECLINED, PurchaseState.EXPIRED, PurchaseState.CANCELLED}
    if one.state in bad:
        return [(asked, "done", at(one.created_at)), (visit.say(STATE_WORDS[one.state]), "bad", at(one.ended_at))]
    waits = one.state is PurchaseState.ASKED
    shipped = "done" if one.state is PurchaseState.SHIPPED else "now" if one.state is PurchaseState.PARTLY_SHIPPED else "next"
    return [
        (asked, "now" if waits else "done", at(one.created_at)),
        (said, "next" if waits else "done" if shipped != "next" else "now", at(one.answered_at)),
        (left, shipped, at(one.ended_at)),
    ]


@area.get("/purchases/{purchase_id:str}/order.pdf", Permission.ORDERS_READ)
async def printed(visit: Visit) -> Answer:
    async with visit.read() as reader:
        one = await purchasing.get(reader, id_of(visit))
        paper, locale = await paper_of(reader, one, links_of(visit), utcnow())
    return visit.pdf(name_of(one), await documents.render(paper, locale))
