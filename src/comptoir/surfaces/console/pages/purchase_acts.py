"""What is done with a purchase order at the console: answered in the supplier's place, withdrawn, or written again."""

from __future__ import annotations

from datetime import date

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.purchasing.contracts import (
    PURCHASE_PREFIX,
    DeclineReason,
    LineAnswer,
    Purchase,
    PurchaseId,
    PurchaseState,
    Sent,
    Units,
)
from comptoir.modules.purchasing.contracts import (
    Answer as Said,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.purchases import id_of, purchase_href
from comptoir.surfaces.console.pages.stock_acts import units
from comptoir.surfaces.console.pages.transfers import typed_quantity
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.public.supplying import REASON_WORDS
from comptoir.surfaces.supplying import name_of

area = Area("stock")

STEPS = {
    "accept": (
        N_("The supplier sends it"), N_("Type what they accept. What they do not goes elsewhere at once."), N_("Accept"),
        "check", N_("The supplier's answer is kept."),
    ),
    "ship": (
        N_("A parcel has left the supplier"), N_("It is a shipment of the order, and is followed as any other."),
        N_("It has left"), "truck", N_("The parcel is on its way."),
    ),
    "decline": (
        N_("The supplier does not send it"), N_("What has not left goes elsewhere at once."), N_("Decline"), "hand-stop",
        N_("It goes elsewhere."),
    ),
    "withdraw": (
        N_("Withdraw it?"), N_("What has not left goes elsewhere at once, and the supplier is told."), N_("Withdraw it"),
        "ban", N_("It goes elsewhere, and the supplier is told."),
    ),
    "again": (
        N_("Write to the supplier once more?"), N_("The same purchase order goes out again, as it stands now."), N_("Send"),
        "send", N_("It goes out in a moment."),
    ),
}  # fmt: skip
"""(title, words, button, icon, what is said afterwards)."""
_FROM = {"accept": (PurchaseState.ASKED,)}


@area.get("/purchases/{purchase_id:str}/{step:str}", Permission.PURCHASES_ANSWER)
async def step_form(visit: Visit) -> Answer:
    return await _form(visit, asking.NOTHING_TYPED)


async def _form(visit: Visit, typed: Typed) -> Answer:
    name = visit.path("step")
    if name not in STEPS:
        raise NotFound(kind="page", id=name)
    async with visit.read() as reader:
        one = await purchasing.get(reader, id_of(visit))
    href = purchase_href(one.id)
    if one.state not in _FROM.get(name, purchasing.LIVE) and not typed.refused:
        return visit.finish(Done(href, visit.say(N_("Nothing of this can be done any more.")), tone="warn"))
    title, words, confirm, icon, _ = STEPS[name]
    question = Question(
        title=visit.say(title),
        fields=f"purchases/acts/{name}.html" if name in {"accept", "ship", "decline"} else "",
        action=f"{href}/{name}",
        back=href,
        confirm=visit.say(confirm),
        icon=icon,
        tone="danger" if name in {"decline", "withdraw"} else "primary",
        words=visit.say(words),
        crumbs=[(visit.say(N_("Purchase orders")), "/purchases"), (name_of(one), href)],
    )
    proposed: dict[str, object] = {
        f"line:{line.line_no}": typed_quantity(line.open, weighed=line.weighed) for line in one.lines
    }
    leaves = one.requested_on.isoformat() if one.requested_on is not None else ""
    values = proposed | {"promised_on": leaves, "reason": DeclineReason.OUT_OF_STOCK.value}
    reasons = [(reason.value, visit.say(word)) for reason, word in REASON_WORDS.items()]
    return asking.ask(visit, question, typed, values, one=one, lines=[line for line in one.lines if line.open], reasons=reasons)


@area.post("/purchases/{purchase_id:str}/{step:str}", Permission.PURCHASES_ANSWER)
async def take_step(visit: Visit) -> Answer:
    name, fields, purchase_id = visit.path("step"), visit.fields(), id_of(visit)
    if name not in STEPS:
        raise NotFound(kind="page", id=name)
    async with visit.read() as reader:
        one = await purchasing.get(reader, purchase_id)
    given = _given(name, fields, one)

    async def work(tx: Tx) -> Done:
        after = await _done(tx, name, purchase_id, given)
        data = {"state": after.state.value, "number": after.number}
        await visit.record(tx, f"purchase.{name}", to_text(PURCHASE_PREFIX, purchase_id), data)
        return Done(purchase_href(purchase_id), visit.say(STEPS[name][4]))

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, typed))


_Given = Said | Sent | tuple[DeclineReason, str] | None


def _given(name: str, fields: Fields, one: Purchase) -> _Given:
    match name:
        case "accept":
            reason = fields.choice("reason", DeclineReason, DeclineReason.OUT_OF_STOCK)
            lines = [LineAnswer(no, amount, reason) for no, amount in _amounts(fields, one)]
            return Said(lines=tuple(lines), promised_on=_day(fields), note=fields.text("note", most=500))
        case "ship":
            inside = tuple([Units(no, amount) for no, amount in _amounts(fields, one) if amount])
            if not inside and not fields.errors:
                fields.refuse("lines", N_("Type what is in the parcel."))
            return Sent(
                carrier=fields.text("carrier"),
                tracking_number=fields.text("tracking_number", required=True),
                tracking_url=fields.text("tracking_url", most=500),
                lines=inside,
            )
        case "decline":
            return fields.choice("reason", DeclineReason), fields.text("note", most=500)
        case _:
            return None


def _amounts(fields: Fields, one: Purchase) -> list[tuple[int, int]]:
    return [
        (line.line_no, units(fields, f"line:{line.line_no}", weighed=line.weighed, default=0))
        for line in one.lines
        if line.open
    ]


def _day(fields: Fields) -> date | None:
    if not fields.raw("promised_on"):
        return None
    return fields.parsed("promised_on", date.fromisoformat, date.min, N_("Type a day such as 2026-03-03."))


async def _done(tx: Tx, name: str, purchase_id: PurchaseId, given: _Given) -> Purchase:
    match given:
        case Said():
            return await purchasing.acknowledge(tx, purchase_id, given)
        case Sent():
            return await purchasing.ship(tx, purchase_id, [given])
        case (reason, note):
            return await purchasing.decline(tx, purchase_id, None, reason, note)
        case None:
            step = purchasing.withdraw if name == "withdraw" else purchasing.send_again
            return await step(tx, purchase_id)
