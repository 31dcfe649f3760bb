"""Transfers: planned, sent, received in whole or in part, with what went missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal, Stale
from comptoir.kernel.ids import to_text
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import (
    Level,
    Quantity,
    Transfer,
    TransferFilter,
    TransferId,
    TransferLine,
    TransferState,
)
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists, stock_words
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.lists import Goods, Sites
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.stock import sku_href, tabs
from comptoir.surfaces.console.pages.stock_acts import units
from comptoir.surfaces.console.pages.stock_words import TRANSFER_PREFIX
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("stock")

MOST_LINES = 500
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
    location = visit.optional_id("location", LOCATION_PREFIX)
    wanted = TransferFilter(
        states=None if state is None else (state,), location_id=None if location is None else LocationId(location)
    )
    if visit.wants_csv:
        return visit.csv("transfers", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await inventory.find_transfers(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        places = await lists.sites(reader)
        people = await people_of(visit, reader, [one.actor for one in page.items], await channels_of(visit, reader))
    states = lists.options_of(visit, stock_words.TRANSFER_WORDS)
    return visit.respond(
        "stock/transfers.html",
        "stock/_transfers.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        sites=places.options,
        places=places,
        people=people,
        states=states,
        state_words=dict(states),
        tones=TONES,
        chips=lists.chips(visit, [(N_("State"), "state", dict(states)), (N_("Location"), "location", dict(places.options))]),
        tabs=tabs(visit, "transfers"),
        href=transfer_href,
        is_empty=not page.items and not visit.param("state") and not visit.param("location"),
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


async def _rows(reader: Reader, transfer: Transfer) -> list[Row]:
    skus = [line.sku for line in transfer.lines]
    names = await lists.goods(reader, skus)
    origin = transfer.from_location_id
    levels = await inventory.levels_at(reader, [(sku, origin) for sku in skus]) if skus else {}
    return [
        Row(line, names[line.sku], names.is_weighed(line.sku), levels.get((line.sku, origin), Level()).available)
        for line in transfer.lines
    ]


def _id(visit: Visit) -> TransferId:
    return TransferId(visit.path_id("transfer_id", TRANSFER_PREFIX))


@area.get("/transfers/{transfer_id:str}", Permission.STOCK_READ)
async def transfer_page(visit: Visit) -> Answer:
    async with visit.read() as reader:
        transfer = await inventory.transfer(reader, _id(visit))
        rows = await _rows(reader, transfer)
        places = await lists.sites(reader)
        people = await people_of(visit, reader, [transfer.actor], await channels_of(visit, reader))
    return visit.respond(
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
    )


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


# The plan: lines are added one by one, as in a count


@dataclass(frozen=True, slots=True)
class Plan:
    """A draft on a form. `transfer` is the one that is edited; None for a new one."""

    origin: LocationId | None
    target: LocationId | None
    lines: Mapping[str, int]
    note: str = ""
    transfer: Transfer | None = None


@area.get("/transfers/new", Permission.STOCK_TRANSFER)
async def new_transfer(visit: Visit) -> Answer:
    origin, target = visit.optional_id("from", LOCATION_PREFIX), visit.optional_id("to", LOCATION_PREFIX)
    plan = Plan(LocationId(origin) if origin else None, LocationId(target) if target else None, {})
    sku = visit.param("sku")
    if sku:
        async with visit.read() as reader:
            known = await lists.sku_of(reader, sku)
        plan = replace(plan, lines={known: 1} if known else {})
    return await _plan(visit, plan)


@area.get("/transfers/{transfer_id:str}/edit", Permission.STOCK_TRANSFER)
async def edit_transfer(visit: Visit) -> Answer:
    async with visit.read() as reader:
        transfer = await inventory.transfer(reader, _id(visit))
    if transfer.state is not TransferState.DRAFT:
        return visit.redirect(transfer_href(transfer.id))
    return await _plan(visit, _planned(transfer))


def _planned(transfer: Transfer) -> Plan:
    lines = {line.sku: line.quantity for line in transfer.lines}
    return Plan(transfer.from_location_id, transfer.to_location_id, lines, transfer.note, transfer)


async def _plan(visit: Visit, plan: Plan, fields: Fields | None = None, refused: str = "") -> Answer:
    async with visit.read() as reader:
        places = await lists.sites(reader)
        names = await lists.goods(reader, plan.lines)
        levels: Mapping[tuple[str, LocationId], Level] = {}
        if plan.origin is not None and plan.lines:
            levels = await inventory.levels_at(reader, [(sku, plan.origin) for sku in plan.lines])
    errors = fields.errors if fields else {}
    origin = plan.origin
    action = "/transfers/new" if plan.transfer is None else f"{transfer_href(plan.transfer.id)}/edit"
    return visit.respond(
        "stock/transfer_form.html",
        "stock/_transfer_form.html",
        status=422 if errors or refused else 200,
        plan=plan,
        action=action,
        back="/transfers" if plan.transfer is None else transfer_href(plan.transfer.id),
        rows=[
            Row(
                TransferLine(sku, quantity),
                names[sku],
                names.is_weighed(sku),
                levels.get((sku, origin), Level()).available if origin else 0,
            )
            for sku, quantity in plan.lines.items()
        ],
        sites=places.active,
        origin=Sites.text(plan.origin) if plan.origin else "",
        target=Sites.text(plan.target) if plan.target else "",
        version=fields.raw("version") if fields else plan.transfer.version if plan.transfer else "",
        errors=errors,
        refused=refused,
        code=fields.raw("code") if errors and fields else "",
        number=fields.raw("number") if errors and fields else "",
        plain=_typed_quantity,
    )


def _typed_quantity(quantity: int, *, weighed: bool) -> str:
    return f"{quantity / 1000:.3f}" if weighed else str(quantity)


@area.post("/transfers/new", Permission.STOCK_TRANSFER)
async def plan_new(visit: Visit) -> Answer:
    return await _planning(visit, None)


@area.post("/transfers/{transfer_id:str}/edit", Permission.STOCK_TRANSFER)
async def plan_edited(visit: Visit) -> Answer:
    async with visit.read() as reader:
        transfer = await inventory.transfer(reader, _id(visit))
    return await _planning(visit, transfer)


async def _planning(visit: Visit, transfer: Transfer | None) -> Answer:
    """Adds a line to the plan, or keeps the plan, as the button says."""
    fields = visit.fields()
    keeping = fields.one_of("step", ("add", "keep"), "add") == "keep"
    origin, target = fields.optional_id("from", LOCATION_PREFIX), fields.optional_id("to", LOCATION_PREFIX)
    typed = fields.starting("quantity:")
    async with visit.read() as reader:
        added = await _added(reader, fields)
        names = await lists.goods(reader, [*typed, *([added] if added else [])])
    lines = {
        sku: units(fields, f"quantity:{sku}", weighed=names.is_weighed(sku), least=1) for sku, text in typed.items() if text
    }
    if added and fields.errors.keys() <= {"code"}:
        weighed = names.is_weighed(added)
        before = lines.get(added, 0)
        more = units(fields, "number", weighed=weighed, least=1, default=1000 if weighed else 1)
        lines = {added: before + more} | {sku: quantity for sku, quantity in lines.items() if sku != added}
    if len(lines) > MOST_LINES:
        fields.refuse("code", N_("That is more than %(most)s lines: make two transfers of it."), most=MOST_LINES)
    note = fields.text("note", most=500)
    plan = Plan(
        LocationId(origin) if origin else None, LocationId(target) if target else None, lines, fields.raw("note"), transfer
    )
    if keeping:
        _require_whole(fields, plan)
    if not keeping or fields.errors:
        return await _plan(visit, plan, fields)
    return await _keep(visit, replace(plan, note=note), fields)


async def _added(reader: Reader, fields: Fields) -> str | None:
    text = fields.raw("code")[:100]
    if not text:
        return None
    found = await lists.sku_of(reader, text)
    if found is None:
        fields.refuse("code", N_("The catalogue does not know the code %(code)s."), code=fields.raw("code")[:100])
    return found


def _require_whole(fields: Fields, plan: Plan) -> None:
    if plan.origin is None:
        fields.refuse("from", N_("Choose one."))
    if plan.target is None:
        fields.refuse("to", N_("Choose one."))
    if plan.origin is not None and plan.origin == plan.target:
        fields.refuse("to", N_("This is where the units are already."))
    if not plan.lines:
        fields.refuse("code", N_("Add what is to be moved."))


async def _keep(visit: Visit, plan: Plan, fields: Fields) -> Answer:
    lines = [Quantity(sku, quantity) for sku, quantity in plan.lines.items()]
    there, origin, target = plan.transfer, plan.origin, plan.target
    assert origin is not None, "a plan that is kept is whole"
    assert target is not None, "a plan that is kept is whole"

    async def work(tx: Tx) -> Done:
        if there is None:
            made = await inventory.create_transfer(tx, origin, target, lines, plan.note)
            words, action = visit.say(N_("The transfer is planned. Nothing has moved yet.")), "transfer.created"
        else:
            made = await inventory.edit_transfer(
                tx,
                there.id,
                lines=lines,
                note=plan.note,
                from_location_id=origin,
                to_location_id=target,
                version=fields.whole("version", default=there.version),
            )
            words, action = visit.say(N_("The plan is changed.")), "transfer.changed"
        await visit.record(tx, action, to_text(TRANSFER_PREFIX, made.id), {"lines": len(lines), "note": plan.note})
        return Done(transfer_href(made.id), words)

    try:
        return await visit.act(work)
    except Stale as stale:
        return await _plan(visit, plan, fields, visit.refusal(stale))
    except NotFound:
        raise
    except Refusal as refusal:
        return await _plan(visit, plan, fields, visit.refusal(refusal))


# Send, receive, cancel


@area.get("/transfers/{transfer_id:str}/{step:str}", Permission.STOCK_TRANSFER)
async def step_form(visit: Visit) -> Answer:
    return await _step_form(visit, asking.NOTHING_TYPED)


_STEPS = {
    "send": (N_("Send it"), N_("The units leave at once; they are on the road until they are received."), N_("Send"), "truck"),
    "receive": (N_("Receive it"), N_("Type what came. What came on top is taken in as well."), N_("Receive"), "package-import"),
    "cancel": (N_("Drop this plan?"), N_("Nothing has moved. It stays in the list as cancelled."), N_("Drop the plan"), "ban"),
}  # fmt: skip


async def _step_form(visit: Visit, typed: Typed) -> Answer:
    name = visit.path("step")
    if name not in _STEPS:
        raise NotFound(kind="page", id=name)
    async with visit.read() as reader:
        transfer = await inventory.transfer(reader, _id(visit))
        rows = await _rows(reader, transfer)
        places = await lists.sites(reader)
    title, words, confirm, icon = _STEPS[name]
    href = transfer_href(transfer.id)
    question = Question(
        title=visit.say(title),
        fields=f"stock/transfer_steps/{name}.html",
        action=f"{href}/{name}",
        back=href,
        confirm=visit.say(confirm),
        icon=icon,
        tone="danger" if name == "cancel" else "primary",
        words=visit.say(words),
        crumbs=[(visit.say(N_("Transfers")), "/transfers"), (str(transfer.number), href)],
    )
    proposed: dict[str, object] = {
        f"line:{row.line.sku}": _typed_quantity(row.line.open, weighed=row.weighed) for row in rows if row.line.open
    }
    return asking.ask(
        visit,
        question,
        typed,
        {"version": transfer.version} | proposed,
        transfer=transfer,
        rows=rows,
        short=[row for row in rows if row.short],
        origin=places[transfer.from_location_id],
        target=places[transfer.to_location_id],
        refused_short=isinstance(typed.refusal, InsufficientStock),
    )


@area.post("/transfers/{transfer_id:str}/{step:str}", Permission.STOCK_TRANSFER)
async def take_step(visit: Visit) -> Answer:
    name, fields, transfer_id = visit.path("step"), visit.fields(), _id(visit)
    if name not in _STEPS:
        raise NotFound(kind="page", id=name)
    version = fields.whole("version", default=0)
    force, close = fields.checked("force"), fields.checked("close")
    arrived = await _arrived(visit, fields, transfer_id) if name == "receive" else []
    if name == "receive" and not arrived and not close and not fields.errors:
        fields.refuse("lines", N_("Type what came, or say that nothing more will come."))

    async def work(tx: Tx) -> Done:
        match name:
            case "send":
                await inventory.send_transfer(tx, transfer_id, force=force, version=version)
                words = visit.say(N_("The units are on the road."))
            case "receive":
                await inventory.receive_transfer(tx, transfer_id, arrived, close=close, version=version)
                words = visit.say(N_("What came is on hand now."))
            case _:
                await inventory.cancel_transfer(tx, transfer_id, version=version)
                words = visit.say(N_("The plan is dropped."))
        data = {"force": force} if name == "send" else {"units": sum(row.quantity for row in arrived), "closed": close}
        await visit.record(tx, f"transfer.{name}", to_text(TRANSFER_PREFIX, transfer_id), data)
        return Done(transfer_href(transfer_id), words)

    return await asking.answer(visit, fields, work, lambda typed: _step_form(visit, typed))


async def _arrived(visit: Visit, fields: Fields, transfer_id: TransferId) -> list[Quantity]:
    async with visit.read() as reader:
        transfer = await inventory.transfer(reader, transfer_id)
        names: Goods = await lists.goods(reader, [line.sku for line in transfer.lines])
    found = [
        Quantity(line.sku, units(fields, f"line:{line.sku}", weighed=names.is_weighed(line.sku), default=0))
        for line in transfer.lines
    ]
    return [row for row in found if row.quantity]
