"""Third parties who do the work of a location: what they are asked, what they answer, and what follows from it.

Who refuses what was submitted, or stops when asked to, gives the units back: the fulfilment order ends, and they are routed
again, never to the same location. What a third party has accepted is theirs: nobody takes units away from it before they have
answered, whoever it is that does not want them any more. What a channel cancels, and what nobody has collected, waits for the
answer as an exception of its order (`orders.stopping`), and so does what they could not stop. Where no answer comes, what
nobody has accepted goes elsewhere after `ANSWER_WITHIN`; what they have accepted is for a person to settle, who says what the
third party did, or comes back by itself after as long as the house has set (`give_way`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from comptoir.kernel.checking import Checks
from comptoir.modules.fulfilment import domain, working
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentId,
    FulfilmentRequested,
    Handshake,
    Method,
    RejectReason,
    Request,
    State,
)
from comptoir.modules.fulfilment.errors import AtThirdParty, NotInThatState
from comptoir.modules.fulfilment.store import reading, work
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ExceptionId, ExceptionKind, LineQuantity, OrderId
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.events import Recorded

ANSWER_WITHIN = timedelta(hours=24)
"""In which a third party accepts what is submitted, where the rules do not say otherwise; and answers anything else."""
NO_ANSWER = "no answer"
_GIVEN_BACK = frozenset({Handshake.REJECT, Handshake.ACCEPT_CANCELLATION})


async def say(tx: Tx, fulfilment_id: FulfilmentId, step: Handshake, note: str = "") -> Fulfilment:
    """A step of the handshake with a third party who does the work.

    Who rejects a submission or accepts a cancellation gives the units back: the fulfilment order ends, and they are routed
    elsewhere. Raises NotInThatState.
    """
    checks = Checks()
    note = checks.words("note", note, most=500)
    checks.done()
    one = await working.load_with_order(tx, fulfilment_id)
    request = domain.answer(one.request, step)
    if request is None:
        raise NotInThatState(step=step, state=one.request)
    if step is not Handshake.CLOSE and (one.state not in domain.ACTIVE or one.method is Method.HAND_OUT):
        raise NotInThatState(step=step, state=one.state)
    values: dict[str, object] = {"request": request, "asked_at": tx.now}
    if step is Handshake.SUBMIT and one.answer_by is None and one.state is State.OPEN:
        values["answer_by"] = tx.now + ANSWER_WITHIN
    await work.put(tx, [one.id], values)
    tx.emit(
        FulfilmentRequested(
            order_id=one.order_id,
            fulfilment_id=one.id,
            location_id=one.location_id,
            number=one.number,
            step=step,
            request=request,
            note=note,
        )
    )
    if step in _GIVEN_BACK:
        return await _give_back(tx, await working.load(tx, one.id))
    if step is Handshake.REJECT_CANCELLATION:
        await orders.could_not_stop(tx, one.order_id, one.location_id, _lines(one), note)
    if step is Handshake.ACCEPT and one.state in domain.NOT_BEGUN:
        return await working.begin(tx, one.id)
    return await working.load(tx, one.id)


async def _give_back(tx: Tx, one: Fulfilment) -> Fulfilment:
    """All that has not left goes elsewhere, never to this location again."""
    named = {line.line_no: line.open for line in one.lines if line.open}
    reason = RejectReason.THIRD_PARTY
    await orders.reject(tx, one.order_id, one.location_id, [LineQuantity(no, n) for no, n in named.items()], reason)
    await orders.stopped(tx, one.order_id, one.location_id, _lines(one))
    return await working.lessen(tx, one, named)


def _lines(one: Fulfilment) -> set[int]:
    return {line.line_no for line in one.lines}


async def bound(reader: Reader, order_id: OrderId) -> dict[tuple[int, LocationId], int]:
    """What third parties have in hand of an order, by line and location."""
    found: Counter[tuple[int, LocationId]] = Counter()
    for one in await taken(reader, order_id, None):
        found.update({(line.line_no, one.location_id): line.open for line in one.lines if line.open})
    return dict(found)


async def taken(reader: Reader, order_id: OrderId, lines: Collection[int] | None) -> list[Fulfilment]:
    """What third parties have accepted of these lines of an order (None is all of them)."""
    return [
        one
        for one in await work.of_orders(reader, [order_id])
        if domain.is_taken(one) and any(line.open and (lines is None or line.line_no in lines) for line in one.lines)
    ]


async def require_free(reader: Reader, order_id: OrderId, lines: Collection[int] | None, at: LocationId | None = None) -> None:
    """Raises AtThirdParty where a third party has accepted some of these lines (None is all of them), there or anywhere."""
    found = [one for one in await taken(reader, order_id, lines) if at is None or one.location_id == at]
    if found:
        raise AtThirdParty(fulfilments=[one.number for one in found])


async def require_free_at(reader: Reader, fulfilment_id: FulfilmentId) -> None:
    """Raises AtThirdParty where a third party has accepted this one."""
    found = [one for one in await work.get(reader, [fulfilment_id]) if domain.is_taken(one)]
    if found:
        raise AtThirdParty(fulfilments=[one.number for one in found])


async def ask_back(tx: Tx, order_id: OrderId, lines: Collection[int] | None, note: str = "") -> list[Fulfilment]:
    """Asks for the cancellation of whatever third parties have accepted of these lines. Gives those who have to answer."""
    waiting: list[Fulfilment] = []
    for one in await taken(tx, order_id, lines):
        asked = one.request is Request.CANCELLATION_REQUESTED
        waiting.append(one if asked else await say(tx, one.id, Handshake.ASK_CANCELLATION, note))
    return waiting


async def withdraw(tx: Tx, order_id: OrderId, lines: Sequence[LineQuantity], reason: str) -> int:
    """Cancels these units: at once what nobody else has in hand, and the rest as soon as third parties have stopped. Gives how
    many wait for that.
    """
    hands = await bound(tx, order_id)
    order = await orders.load(tx, order_id)
    opened = {line.line_no: line.open for line in order.lines}
    now: list[LineQuantity] = []
    later: Counter[tuple[int, LocationId]] = Counter()
    for line in lines:
        own = {place: units for (no, place), units in sorted(hands.items()) if no == line.line_no}
        free = min(line.quantity, max(0, opened.get(line.line_no, 0) - sum(own.values())))
        left = line.quantity - free
        if free:
            now.append(LineQuantity(line.line_no, free))
        for place, units in own.items():
            later[line.line_no, place] += min(left, units)
            left -= min(left, units)
    if now:
        await orders.cancel(tx, order_id, now, reason, keeping=hands)
    await orders.wait_for_stop(tx, order_id, later, reason)
    return sum(later.values())


async def not_stopped(tx: Tx, order_id: OrderId, wanted: Sequence[LineQuantity], reason: str, note: str = "") -> None:
    """Whoever has these units in hand has said that they could not stop: whoever cancelled them is told, and a person chooses
    what becomes of them.
    """
    for one in await taken(tx, order_id, {line.line_no for line in wanted}):
        if one.request is not Request.CANCELLATION_REJECTED:
            continue
        here = {line.line_no: line.open for line in one.lines}
        units = {
            (line.line_no, one.location_id): min(line.quantity, here[line.line_no]) for line in wanted if here.get(line.line_no)
        }
        await orders.wait_for_stop(tx, order_id, units, reason)
        await orders.could_not_stop(tx, order_id, one.location_id, {no for no, _ in units}, note)


async def ask_about(tx: Tx, events: Sequence[Recorded]) -> None:
    """Something is cancelled that third parties have in hand: they are asked to stop, once."""
    ids = {OrderId(UUID(str(e.data["order_id"]))) for e in events if e.data.get("kind") == ExceptionKind.AT_THIRD_PARTY}
    for order_id in sorted(ids):
        await orders.load(tx, order_id)
        open_now = [one for one in await orders.stops(tx, [order_id]) if "refused" not in one.data]
        for one in await taken(tx, order_id, {stop.line_no for stop in open_now if stop.line_no is not None}):
            there = any(stop.location_id == one.location_id for stop in open_now)
            if there and one.request is Request.ACCEPTED:
                await say(tx, one.id, Handshake.ASK_CANCELLATION, str(open_now[0].data.get("reason", "")))


async def ask_again(tx: Tx, exception_id: ExceptionId) -> None:
    """A person has whoever could not stop asked once more. Raises NotFound, NotThatKind, ExceptionClosed, and NotInThatState
    where nothing is in their hands any more.
    """
    found, order_id = await orders.stop_of(tx, exception_id)
    theirs = [one for one in await taken(tx, order_id, {found.line_no or 0}) if one.location_id == found.location_id]
    if not theirs:
        raise NotInThatState(step=Handshake.ASK_CANCELLATION, state="gone")
    await orders.asked_again(tx, exception_id)
    for one in theirs:
        if one.request is not Request.CANCELLATION_REQUESTED:
            await say(tx, one.id, Handshake.ASK_CANCELLATION)


async def give_way(tx: Tx, hours: int) -> int:
    """Who has not answered for so long whether they could stop is taken to have stopped; says how many, one at a time, so that
    locks are taken in order. 0 waits for ever.
    """
    late = await reading.unstopped(tx, tx.now - timedelta(hours=hours), 1) if hours else []
    for key in late:
        await say(tx, key, Handshake.ACCEPT_CANCELLATION, NO_ANSWER)
    return len(late)


async def submit_new(tx: Tx, events: Sequence[Recorded]) -> None:
    """What can be begun at a location that a third party runs is submitted to it by itself."""
    ids = sorted({FulfilmentId(UUID(str(event.data["fulfilment_id"]))) for event in events})
    found = [one for one in await work.get(tx, ids) if one.state is State.OPEN and one.request is Request.UNSUBMITTED]
    theirs = await locations.third_parties(tx, sorted({one.location_id for one in found})) if found else set[LocationId]()
    for one in sorted(found, key=lambda one: (one.order_id, one.id)):
        if one.location_id in theirs and one.method is not Method.HAND_OUT:
            await say(tx, one.id, Handshake.SUBMIT)
