"""What is done with several pieces of open work at once: they are held, let go on, opened before their run, or moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import from_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FULFILMENT_PREFIX, FulfilmentId, HoldReason
from comptoir.modules.fulfilment.errors import NotInThatState
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields, FormRefused
from comptoir.surfaces.console.pages import operations_orders, store_desk
from comptoir.surfaces.console.pages.operations_orders import area
from comptoir.surfaces.console.pages.store_arrange import read_hold
from comptoir.surfaces.console.web import Answer, Done, Visit, own_address

_HERE = "/operations/orders"
_MOST = 200
Act = Callable[[Tx, FulfilmentId], Awaitable[object]]


@area.post(_HERE, Permission.FULFIL)
async def act_on_many(visit: Visit) -> Answer:
    """Each in a transaction of its own: what one of them refuses keeps none of the others back."""
    fields = visit.fields()
    step = fields.raw("act")
    if step not in {"hold", "resume", "release", "move"}:
        raise NotFound(kind="page", id=step)
    back = own_address(fields.raw("back") or _HERE)
    ids = _ids(fields.all("id"))[:_MOST]
    if not ids:
        return visit.finish(Done(back, visit.say(N_("Tick what it is about.")), tone="warn"))
    try:
        act, data = _read(step, fields)
    except FormRefused as refusal:
        return await operations_orders.show(visit, refusal, chosen=fields.all("id"))
    done = 0
    refused: Counter[str] = Counter()
    for one in ids:

        async def work(tx: Tx, one: FulfilmentId = one) -> Done:
            await act(tx, one)
            await visit.record(tx, f"fulfilment.{step}", store_desk.text_of(one), data)
            return Done(back, "")

        try:
            await visit.once(work, part=store_desk.text_of(one))
            done += 1
        except Refusal as refusal:
            refused[visit.refusal(refusal)] += 1
    return visit.finish(_told(visit, back, done, refused))


def _told(visit: Visit, back: str, done: int, refused: Counter[str]) -> Done:
    words = visit.says("%(num)s task is done.", "%(num)s tasks are done.", done)
    if not refused:
        return Done(back, words)
    left = visit.says("%(num)s task stays as it is", "%(num)s tasks stay as they are", refused.total())
    detail = f"{left}: {' '.join(words for words, _ in refused.most_common(3))}"
    return Done(back, words, detail=detail, tone="warn" if done else "bad")


def _read(step: str, fields: Fields) -> tuple[Act, dict[str, object]]:
    """What is done with each, and what the audit trail says of it."""
    match step:
        case "hold":
            reason, note = read_hold(fields)
            return lambda tx, one: fulfilment.hold(tx, one, reason, note), {"reason": reason}
        case "resume":
            return _resume, {}
        case "release":
            return fulfilment.open_now, {}
        case _:
            target = LocationId(fields.id("to", LOCATION_PREFIX))
            fields.done()
            return lambda tx, one: fulfilment.move(tx, one, target), {"to": fields.raw("to")}


async def _resume(tx: Tx, fulfilment_id: FulfilmentId) -> None:
    """What no location may send is not let go on in passing: its order says what can be done."""
    one = await fulfilment.get(tx, fulfilment_id)
    if one.hold_reason is HoldReason.UNROUTABLE:
        raise NotInThatState(step="resume", state=HoldReason.UNROUTABLE)
    await fulfilment.resume(tx, fulfilment_id)


def _ids(texts: Sequence[str]) -> list[FulfilmentId]:
    """Each once; what is no id is nobody's."""
    found: dict[FulfilmentId, None] = {}
    for text in texts:
        try:
            found[FulfilmentId(from_text(FULFILMENT_PREFIX, text))] = None
        except ValueError:
            continue
    return list(found)
