"""Plans of transfers: lines are added one by one, as in a count, until they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal, Stale
from comptoir.kernel.ids import to_text
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import (
    Level,
    Quantity,
    Transfer,
    TransferLine,
    TransferState,
)
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.lists import Sites
from comptoir.surfaces.console.pages.stock_acts import units
from comptoir.surfaces.console.pages.stock_words import TRANSFER_PREFIX
from comptoir.surfaces.console.pages.transfers import Row, id_of, transfer_href, typed_quantity
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("stock")

MOST_LINES = 500


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
        transfer = await inventory.transfer(reader, id_of(visit))
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
        origins=places.own_active(visit),
        origin=Sites.text(plan.origin) if plan.origin else "",
        target=Sites.text(plan.target) if plan.target else "",
        version=fields.raw("version") if fields else plan.transfer.version if plan.transfer else "",
        errors=errors,
        refused=refused,
        code=fields.raw("code") if errors and fields else "",
        number=fields.raw("number") if errors and fields else "",
        plain=typed_quantity,
    )


@area.post("/transfers/new", Permission.STOCK_TRANSFER)
async def plan_new(visit: Visit) -> Answer:
    return await _planning(visit, None)


@area.post("/transfers/{transfer_id:str}/edit", Permission.STOCK_TRANSFER)
async def plan_edited(visit: Visit) -> Answer:
    async with visit.read() as reader:
        transfer = await inventory.transfer(reader, id_of(visit))
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
