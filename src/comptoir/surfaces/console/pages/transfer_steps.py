"""What is done with a transfer: it is sent, received in whole or in part, or its plan is dropped; what is missing is waited
for, decided about, or found again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Absence, Quantity, Settled, TransferId, TransferState
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.lots import api as lots
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists, store_desk
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.lists import Goods
from comptoir.surfaces.console.pages.stock_acts import units
from comptoir.surfaces.console.pages.stock_words import TRANSFER_PREFIX
from comptoir.surfaces.console.pages.store_pick import codes_of
from comptoir.surfaces.console.pages.transfer_words import FATES, today_of
from comptoir.surfaces.console.pages.transfers import id_of, rows_of, transfer_href, typed_quantity
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("stock")


@area.get("/transfers/{transfer_id:str}/{step:str}", Permission.STOCK_TRANSFER)
async def step_form(visit: Visit) -> Answer:
    return await _step_form(visit, asking.NOTHING_TYPED)


_STEPS = {
    "send": (N_("Send it"), N_("The units leave at once; they are on the road until they are received."), N_("Send"), "truck"),
    "receive": (N_("Receive it"), N_("Type what came. What came on top is taken in as well."), N_("Receive"), "package-import"),
    "settle": (N_("What is missing"), N_("Say of each product what became of what did not come."), N_("Decide"), "check"),
    "found": (N_("It has turned up"), N_("What was lost is on hand at the target."), N_("Take it in"), "package-import"),
    "expect": (N_("When will it arrive?"), N_("It is late only after this day."), N_("Keep this day"), "calendar-event"),
    "cancel": (N_("Drop this plan?"), N_("Nothing has moved. It stays in the list as cancelled."), N_("Drop the plan"), "ban"),
}  # fmt: skip
_FROM = {
    "send": (TransferState.DRAFT,),
    "receive": (TransferState.IN_TRANSIT, TransferState.PARTLY_RECEIVED),
    "cancel": (TransferState.DRAFT,),
    "settle": (TransferState.IN_TRANSIT, TransferState.PARTLY_RECEIVED),
    "found": (TransferState.PARTLY_RECEIVED, TransferState.RECEIVED),
    "expect": (TransferState.IN_TRANSIT, TransferState.PARTLY_RECEIVED),
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
        f"line:{row.line.sku}": typed_quantity(units, weighed=row.weighed)
        for row in rows
        if (units := row.line.missing if name == "found" else row.line.open)
    }
    if name == "expect":
        proposed["expected_on"] = transfer.expected_on or ""
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
        fates=[("" if fate is None else fate.value, visit.say(word)) for fate, (word, _) in FATES.items()],
        first_day=today_of(visit).isoformat(),
    )
    return store_desk.with_camera(answer)


_SAID = {
    "send": N_("The units are on the road."),
    "receive": N_("What came is on hand now."),
    "settle": N_("It is decided."),
    "found": N_("What was lost is on hand now."),
    "expect": N_("It is expected on that day."),
    "cancel": N_("The plan is dropped."),
}


@area.post("/transfers/{transfer_id:str}/{step:str}", Permission.STOCK_TRANSFER)
async def take_step(visit: Visit) -> Answer:
    name, fields, transfer_id = visit.path("step"), visit.fields(), id_of(visit)
    if name not in _STEPS:
        raise NotFound(kind="page", id=name)
    rows = await _typed(visit, fields, transfer_id) if name in {"receive", "settle", "found"} else []

    async def work(tx: Tx) -> Done:
        data = await _taken(tx, name, transfer_id, fields, rows)
        await visit.record(tx, f"transfer.{name}", to_text(TRANSFER_PREFIX, transfer_id), data)
        return Done(transfer_href(transfer_id), visit.say(_SAID[name]))

    return await asking.answer(visit, fields, work, lambda typed: _step_form(visit, typed))


async def _taken(tx: Tx, name: str, transfer_id: TransferId, fields: Fields, rows: Sequence[Quantity]) -> Mapping[str, object]:
    """What is written into the audit trail of it."""
    version = fields.whole("version", default=0)
    units = sum(row.quantity for row in rows)
    match name:
        case "send":
            force = fields.checked("force")
            await lots.follow_transfer(tx, await inventory.send_transfer(tx, transfer_id, force=force, version=version))
            return {"force": force}
        case "receive":
            close = fields.checked("close")
            if not rows and not close:
                fields.refuse("lines", N_("Type what came, or say that nothing more will come."))
            fields.done()
            after = await inventory.receive_transfer(tx, transfer_id, rows, close=close, version=version)
            await lots.follow_transfer(tx, after)
            return {"units": units, "closed": close}
        case "settle":
            settled = _settled(fields, rows)
            await lots.follow_transfer(tx, await inventory.settle_transfer(tx, transfer_id, settled, version=version))
            return {fate.value: sum(row.quantity for row in settled if row.fate is fate) for fate in Absence}
        case "found":
            await lots.follow_transfer(tx, await inventory.find_lost(tx, transfer_id, rows, version=version))
            return {"units": units}
        case "expect":
            day = fields.parsed("expected_on", date.fromisoformat, date.min, N_("Type a day."))
            fields.done()
            await inventory.expect_transfer(tx, transfer_id, day, version=version)
            return {"day": day.isoformat()}
        case _:
            await inventory.cancel_transfer(tx, transfer_id, version=version)
            return {"units": 0}


def _settled(fields: Fields, rows: Sequence[Quantity]) -> list[Settled]:
    """What is still on its way is left out."""
    settled = [
        Settled(row.sku, row.quantity, fields.choice(f"fate:{row.sku}", Absence))
        for row in rows
        if fields.raw(f"fate:{row.sku}")
    ]
    if not settled:
        fields.refuse("lines", N_("Say of at least one product what became of it."))
    fields.done()
    return settled


async def _typed(visit: Visit, fields: Fields, transfer_id: TransferId) -> list[Quantity]:
    """How many of each line somebody has typed."""
    async with visit.read() as reader:
        transfer = await inventory.transfer(reader, transfer_id)
        names: Goods = await lists.goods(reader, [line.sku for line in transfer.lines])
    found = [
        Quantity(line.sku, units(fields, f"line:{line.sku}", weighed=names.is_weighed(line.sku), default=0))
        for line in transfer.lines
    ]
    return [row for row in found if row.quantity]
