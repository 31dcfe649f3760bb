"""Transfers: planned, sent, received in whole or in part, with what went missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import (
    Level,
    Transfer,
    TransferFilter,
    TransferId,
    TransferLine,
    TransferState,
)
from comptoir.modules.lots import api as lots
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Page
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists, stock_words, store_desk, transfer_words
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.stock import sku_href, tabs
from comptoir.surfaces.console.pages.stock_words import TRANSFER_PREFIX
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Visit

area = Area("stock")

TONES = {
    TransferState.DRAFT: "draft",
    TransferState.IN_TRANSIT: "in_transit",
    TransferState.PARTLY_RECEIVED: "in_transit",
    TransferState.RECEIVED: "received",
    TransferState.CANCELLED: "cancelled",
}


def transfer_href(transfer_id: TransferId) -> str:
    return f"/transfers/{to_text(TRANSFER_PREFIX, transfer_id)}"


@area.get("/transfers", Permission.STOCK_READ)
async def transfer_list(visit: Visit) -> Answer:
    sort = visit.sort(("number", "state"), "-number")
    state = lists.chosen(visit, "state", TransferState)
    late = transfer_words.today_of(visit) if visit.param("late") == "yes" else None
    wanted = TransferFilter(states=None if state is None else (state,), location_ids=visit.places(), late_on=late)
    if visit.wants_csv:
        return visit.csv("transfers", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await inventory.find_transfers(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        places = await lists.sites(reader)
        people = await people_of(visit, reader, [one.actor for one in page.items], await channels_of(visit, reader))
    states = lists.options_of(visit, stock_words.TRANSFER_WORDS)
    late_options = [("yes", visit.say(N_("only what is late")))]
    return visit.respond(
        "stock/transfers.html",
        "stock/_transfers.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        sites=places.own(visit),
        places=places,
        people=people,
        states=states,
        late_options=late_options,
        state_words=dict(states),
        tones=TONES,
        chips=lists.chips(
            visit,
            [
                (N_("State"), "state", dict(states)),
                (N_("Location"), "location", dict(places.options)),
                (N_("Late"), "late", dict(late_options)),
            ],
        ),
        tabs=tabs(visit, "transfers"),
        href=transfer_href,
        is_empty=not page.items and not any(visit.param(name) for name in ("state", "location", "late")),
    )


_COLUMNS = (N_("Number"), N_("State"), N_("From"), N_("To"), N_("Created"), N_("Sent"), N_("Received"), N_("Note"))


async def _exported(visit: Visit, wanted: TransferFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        places = await lists.sites(reader)

        async def page_of(cursor: str | None) -> Page[Transfer]:
            return await inventory.find_transfers(reader, wanted, sort=sort, limit=200, cursor=cursor)

        async for one in lists.every(page_of):
            yield (
                one.number,
                visit.say(stock_words.TRANSFER_WORDS[one.state]),
                places[one.from_location_id],
                places[one.to_location_id],
                one.created_at,
                one.sent_at,
                one.received_at,
                one.note,
            )


# One transfer


@dataclass(frozen=True, slots=True)
class Row:
    line: TransferLine
    name: str
    weighed: bool
    available: int
    """At the origin, now."""

    @property
    def short(self) -> bool:
        return self.line.quantity > self.available


async def rows_of(reader: Reader, transfer: Transfer) -> list[Row]:
    skus = [line.sku for line in transfer.lines]
    names = await lists.goods(reader, skus)
    origin = transfer.from_location_id
    levels = await inventory.levels_at(reader, [(sku, origin) for sku in skus]) if skus else {}
    return [
        Row(line, names[line.sku], names.is_weighed(line.sku), levels.get((line.sku, origin), Level()).available)
        for line in transfer.lines
    ]


def typed_quantity(quantity: int, *, weighed: bool) -> str:
    """As it stands in a field of a form."""
    return f"{quantity / 1000:.3f}" if weighed else str(quantity)


def id_of(visit: Visit) -> TransferId:
    return TransferId(visit.path_id("transfer_id", TRANSFER_PREFIX))


@area.get("/transfers/{transfer_id:str}", Permission.STOCK_READ)
async def transfer_page(visit: Visit) -> Answer:
    async with visit.read() as reader:
        transfer = await inventory.transfer(reader, id_of(visit))
        rows = await rows_of(reader, transfer)
        road = await lots.carried(reader, transfer.id)
        places = await lists.sites(reader)
        people = await people_of(visit, reader, [transfer.actor], await channels_of(visit, reader))
    answer = visit.respond(
        "stock/transfer.html",
        transfer=transfer,
        rows=rows,
        origin=places[transfer.from_location_id],
        target=places[transfer.to_location_id],
        who=people[transfer.actor],
        href=transfer_href(transfer.id),
        sku_href=sku_href,
        tone=TONES[transfer.state],
        state_word=visit.say(stock_words.TRANSFER_WORDS[transfer.state]),
        steps=_steps(visit, transfer),
        short=[row for row in rows if row.short] if transfer.state is TransferState.DRAFT else [],
        open=sum(line.open for line in transfer.lines),
        missing=sum(line.missing for line in transfer.lines),
        unsent=sum(line.unsent for line in transfer.lines),
        surplus=sum(line.surplus for line in transfer.lines),
        damaged=sum(line.damaged for line in transfer.lines),
        behind=sum(line.short for line in transfer.lines),
        due=transfer_words.due(visit, transfer),
        floor=_floor(visit, transfer),
        lots=[(one, next((row for row in rows if row.line.sku == one.sku), None)) for one in road],
    )
    return store_desk.with_camera(answer)


def _floor(visit: Visit, transfer: Transfer) -> str:
    """Where it is picked or scanned on a phone; empty where that is not for whoever looks."""
    if transfer.state is TransferState.DRAFT and visit.principal.reaches(transfer.from_location_id):
        return transfer_words.sending_href(transfer.id)
    on_the_road = transfer.state in {TransferState.IN_TRANSIT, TransferState.PARTLY_RECEIVED}
    if on_the_road and visit.principal.reaches(transfer.to_location_id):
        return transfer_words.arriving_href(transfer.id)
    return ""


def _steps(visit: Visit, transfer: Transfer) -> list[tuple[str, str, str]]:
    def at(moment: datetime | None) -> str:
        return formatting.instant(moment, visit.page.locale, visit.page.zone) if moment else ""

    words = [visit.say(N_("Draft")), visit.say(N_("On the road")), visit.say(N_("Received"))]
    if transfer.state is TransferState.CANCELLED:
        return [(words[0], "done", at(transfer.created_at)), (visit.say(N_("Cancelled")), "bad", "")]
    road = "now" if transfer.state in {TransferState.IN_TRANSIT, TransferState.PARTLY_RECEIVED} else "done"
    sent = "next" if transfer.state is TransferState.DRAFT else road
    received = "done" if transfer.state is TransferState.RECEIVED else "next"
    arrived = sum(line.received for line in transfer.lines)
    part = visit.say(N_("in part")) if transfer.state is TransferState.PARTLY_RECEIVED and arrived else ""
    return [
        (words[0], "now" if transfer.state is TransferState.DRAFT else "done", at(transfer.created_at)),
        (words[1], sent, at(transfer.sent_at)),
        (words[2], received, at(transfer.received_at) or part),
    ]
