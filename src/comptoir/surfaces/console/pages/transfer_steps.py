"""What is done with a transfer: it is sent, received in whole or in part, or its plan is dropped."""

from __future__ import annotations

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Quantity, TransferId, TransferState
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists, store_desk
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.lists import Goods
from comptoir.surfaces.console.pages.stock_acts import units
from comptoir.surfaces.console.pages.stock_words import TRANSFER_PREFIX
from comptoir.surfaces.console.pages.store_pick import codes_of
from comptoir.surfaces.console.pages.transfers import id_of, rows_of, transfer_href, typed_quantity
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("stock")


@area.get("/transfers/{transfer_id:str}/{step:str}", Permission.STOCK_TRANSFER)
async def step_form(visit: Visit) -> Answer:
    return await _step_form(visit, asking.NOTHING_TYPED)


_STEPS = {
    "send": (N_("Send it"), N_("The units leave at once; they are on the road until they are received."), N_("Send"), "truck"),
    "receive": (N_("Receive it"), N_("Type what came. What came on top is taken in as well."), N_("Receive"), "package-import"),
    "cancel": (N_("Drop this plan?"), N_("Nothing has moved. It stays in the list as cancelled."), N_("Drop the plan"), "ban"),
}  # fmt: skip
_FROM = {
    "send": (TransferState.DRAFT,),
    "receive": (TransferState.IN_TRANSIT, TransferState.PARTLY_RECEIVED),
    "cancel": (TransferState.DRAFT,),
}
"""The states in which a step can be taken."""
_OTHERWISE = {
    TransferState.DRAFT: N_("This transfer has not been sent yet."),
    TransferState.IN_TRANSIT: N_("This transfer is on the road already."),
    TransferState.PARTLY_RECEIVED: N_("This transfer is on the road already."),
    TransferState.RECEIVED: N_("This transfer is complete: nothing of it is on the road any more."),
    TransferState.CANCELLED: N_("This plan was dropped."),
}
"""What to say where it cannot."""


async def _step_form(visit: Visit, typed: Typed) -> Answer:
    name = visit.path("step")
    if name not in _STEPS:
        raise NotFound(kind="page", id=name)
    async with visit.read() as reader:
        transfer = await inventory.transfer(reader, id_of(visit))
        rows = await rows_of(reader, transfer)
        places = await lists.sites(reader)
        codes = await codes_of(reader, [row.line.sku for row in rows]) if name == "receive" else {}
    href = transfer_href(transfer.id)
    if transfer.state not in _FROM[name] and not typed.refused:
        return visit.finish(Done(href, visit.say(_OTHERWISE[transfer.state]), tone="warn"))
    title, words, confirm, icon = _STEPS[name]
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
        f"line:{row.line.sku}": typed_quantity(row.line.open, weighed=row.weighed) for row in rows if row.line.open
    }
    answer = asking.ask(
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
        codes=codes,
    )
    return store_desk.with_camera(answer)


@area.post("/transfers/{transfer_id:str}/{step:str}", Permission.STOCK_TRANSFER)
async def take_step(visit: Visit) -> Answer:
    name, fields, transfer_id = visit.path("step"), visit.fields(), id_of(visit)
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
