"""A task that does not simply go its way: held, let go on, opened before its run, left half-way, split, merged or moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentId, HoldReason, LineUnits, Method, State
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.forms import Fields, FormRefused
from comptoir.surfaces.console.pages import lists, store_desk
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.work_words import HOLD_WORDS
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("store")

NOT_BEGUN = (State.SCHEDULED, State.OPEN, State.ON_HOLD)
REASONS = tuple(reason for reason in HoldReason if reason is not HoldReason.UNROUTABLE)
"""Why a person holds work; what no location may send is held by nobody."""
_FEW = 40


@area.get("/store/tasks/{fulfilment_id:str}", Permission.ORDERS_READ)
async def task_page(visit: Visit) -> Answer:
    return await _show(visit, store_desk.id_of(visit))


async def _show(visit: Visit, fulfilment_id: FulfilmentId, refusal: Refusal | None = None, step: str = "") -> Answer:
    async with visit.read() as reader:
        one = await fulfilment.get(reader, fulfilment_id)
        others = await fulfilment.of_orders(reader, [one.order_id])
        people = await people_of(visit, reader, [one.assignee], await channels_of(visit, reader))
        names = await lists.goods(reader, [line.sku for line in one.lines])
        elsewhere = await store_desk.elsewhere(visit, reader, one)
        left = {line.line_no: line.quantity - line.picked for line in one.lines if line.quantity > line.picked}
        targets = await _targets(visit, reader, one, left) if left else []
    typed = visit.fields().values if refusal is not None else {}
    held = one.hold_reason is not None
    unroutable = one.hold_reason is HoldReason.UNROUTABLE
    theirs = bool(one.assignee) and one.assignee != visit.principal.actor and one.state is State.IN_PROGRESS
    errors = refusal.errors if isinstance(refusal, FormRefused) else {}
    return visit.respond(
        "store/arrange.html",
        status=refusal.status if refusal else 200,
        one=one,
        task=store_desk.task(visit, one, people),
        stamp=store_desk.stamp(visit, one),
        elsewhere=elsewhere,
        action=f"/store/tasks/{store_desk.text_of(one.id)}",
        may_act=visit.may(Permission.FULFIL),
        hold=visit.say(HOLD_WORDS[one.hold_reason]) if one.hold_reason else "",
        routing=f"{order_href(one.order_id)}/routing" if unroutable else "",
        may_resume=held and not unroutable,
        may_hold=one.state in {State.OPEN, State.SCHEDULED},
        may_release=one.state is State.SCHEDULED,
        may_stop=one.state is State.IN_PROGRESS and one.ready_at is None and one.packed < one.quantity,
        may_split=one.state in NOT_BEGUN and one.method is not Method.HAND_OUT and sum(left.values()) > 1,
        alike=[f"F{other.number}" for other in others if other.id != one.id and is_alike(one, other)],
        targets=targets,
        rows=[(line, left[line.line_no], names.is_weighed(line.sku)) for line in one.lines if line.line_no in left],
        others=people[one.assignee] if theirs else "",
        reasons=[(reason.value, visit.say(HOLD_WORDS[reason])) for reason in REASONS],
        refused="" if refusal is None else visit.refusal(refusal),
        errors=errors,
        typed=typed,
        step=step,
    )


def is_alike(one: Fulfilment, other: Fulfilment) -> bool:
    """Whether both can become one."""
    alike = (one.location_id, one.method, one.state) == (other.location_id, other.method, other.state)
    return alike and one.state in NOT_BEGUN and one.method is not Method.HAND_OUT


async def _targets(visit: Visit, reader: Reader, one: Fulfilment, left: Mapping[int, int]) -> list[tuple[str, str]]:
    """Which other locations have what is left of it; those that have all of it first."""
    wanted: Counter[str] = Counter()
    for line in one.lines:
        wanted[line.sku] += left.get(line.line_no, 0)
    wanted = +wanted
    sites = await lists.sites(reader)
    places = [site.id for site in sites.rows if site.active and site.id != one.location_id]
    there: dict[LocationId, Counter[str]] = {}
    for sku, place, units in await inventory.available_in_pool(reader, sorted(wanted), places):
        there.setdefault(place, Counter())[sku] = min(units, wanted[sku])
    whole = wanted.total()
    ranked = sorted(there, key=lambda place: (-there[place].total(), sites[place].casefold(), place))
    return [
        (
            sites.text(place),
            visit.say(N_("%(place)s · has all of it"), place=sites[place])
            if there[place].total() >= whole
            else visit.say(N_("%(place)s · has a part of it"), place=sites[place]),
        )
        for place in ranked[:_FEW]
        if there[place].total() > 0
    ]


STEPS = ("hold", "resume", "release", "stop", "split", "merge", "move")


@area.post("/store/tasks/{fulfilment_id:str}/{step:str}", Permission.FULFIL)
async def take_step(visit: Visit) -> Answer:
    fulfilment_id, step, fields = store_desk.id_of(visit), visit.path("step"), visit.fields()
    if step not in STEPS:
        raise NotFound(kind="page", id=step)

    async def work(tx: Tx) -> Done:
        after, words, data = await _taken(tx, step, fulfilment_id, fields)
        data = {"number": after.number, **data}
        await visit.record(tx, f"fulfilment.{step}", store_desk.text_of(fulfilment_id), data)
        gone = after.state in {State.CANCELLED, State.CLOSED} or step == "stop"
        return Done("/store/pick" if gone else store_desk.page_of(after), visit.say(words))

    try:
        return await visit.act(work)
    except Refusal as refusal:
        return await _show(visit, fulfilment_id, refusal, step)


_PLAIN: Mapping[str, tuple[Callable[[Tx, FulfilmentId], Awaitable[Fulfilment]], str]] = {
    "resume": (fulfilment.resume, N_("It goes on.")),
    "release": (fulfilment.open_now, N_("It can be begun now.")),
}


async def _taken(tx: Tx, step: str, fulfilment_id: FulfilmentId, fields: Fields) -> tuple[Fulfilment, str, dict[str, object]]:
    match step:
        case "hold":
            reason, note = read_hold(fields)
            return await fulfilment.hold(tx, fulfilment_id, reason, note), N_("It is held."), {"reason": reason}
        case "resume" | "release":
            act, words = _PLAIN[step]
            return await act(tx, fulfilment_id), words, {}
        case "stop":
            take_over = fields.checked("take_over")
            after = await fulfilment.stop(tx, fulfilment_id, take_over=take_over)
            return after, N_("Somebody else goes on with it. What is picked stays picked."), {}
        case "split":
            lines = _units(fields)
            fields.done()
            after = await fulfilment.split(tx, fulfilment_id, lines)
            return after, N_("Split: this is the new task."), {"units": sum(line.quantity for line in lines)}
        case "merge":
            one = await fulfilment.get(tx, fulfilment_id)
            found = await fulfilment.of_orders(tx, [one.order_id])
            ids = [one.id, *(other.id for other in found if other.id != one.id and is_alike(one, other))]
            return await fulfilment.merge(tx, ids), N_("It is one task now."), {}
        case _:
            target = LocationId(fields.id("to", LOCATION_PREFIX))
            lines = _units(fields)
            fields.done()
            await fulfilment.move(tx, fulfilment_id, target, lines)
            after = await fulfilment.get(tx, fulfilment_id)
            return after, N_("Another location does it now."), {"to": fields.raw("to")}


def read_hold(fields: Fields) -> tuple[HoldReason, str]:
    """Why, as a person may say it."""
    reason = fields.choice("reason", HoldReason)
    if reason is HoldReason.UNROUTABLE:
        fields.refuse("reason", N_("Choose one."))
    note = fields.text("note", most=500)
    fields.done()
    return reason, note


def _units(fields: Fields) -> list[LineUnits]:
    """The units that stand beside the lines; those with none are left out."""
    found: list[LineUnits] = []
    for text in fields.starting("units:"):
        units = fields.whole(f"units:{text}", default=0)
        if text.isdecimal() and units:
            found.append(LineUnits(int(text), units))
    if not found and not fields.errors:
        fields.refuse("units", N_("Say how many units of what."))
    return found
