"""Third parties who do the work of a location: what they are asked, what they answer, and what follows from it.

Who refuses what was submitted, or stops when asked to, gives the units back: the fulfilment order ends, and they are routed
again, never to the same location. What a third party has accepted is theirs: nobody takes units away from it before they have
answered. Where no answer comes, what nobody has accepted goes elsewhere after `ANSWER_WITHIN`; what they have accepted is for a
person to settle, who says what the third party did.
"""

from __future__ import annotations

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
from comptoir.modules.fulfilment.store import work
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, OrderId
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.events import Recorded

ANSWER_WITHIN = timedelta(hours=24)
"""In which a third party accepts what is submitted, where the rules do not say otherwise; and answers anything else."""
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
    if step is Handshake.ACCEPT and one.state in domain.NOT_BEGUN:
        return await working.begin(tx, one.id)
    return await working.load(tx, one.id)


async def _give_back(tx: Tx, one: Fulfilment) -> Fulfilment:
    """All that has not left goes elsewhere, never to this location again."""
    named = {line.line_no: line.open for line in one.lines if line.open}
    reason = RejectReason.THIRD_PARTY
    await orders.reject(tx, one.order_id, one.location_id, [LineQuantity(no, n) for no, n in named.items()], reason)
    return await working.lessen(tx, one, named)


async def taken(reader: Reader, order_id: OrderId, lines: Collection[int] | None) -> list[Fulfilment]:
    """What third parties have accepted of these lines of an order (None is all of them)."""
    return [
        one
        for one in await work.of_orders(reader, [order_id])
        if domain.is_taken(one) and any(line.open and (lines is None or line.line_no in lines) for line in one.lines)
    ]


async def require_free(reader: Reader, order_id: OrderId, lines: Collection[int] | None) -> None:
    """Raises AtThirdParty where a third party has accepted some of these lines (None is all of them)."""
    found = await taken(reader, order_id, lines)
    if found:
        raise AtThirdParty(fulfilments=[one.number for one in found])


async def ask_back(tx: Tx, order_id: OrderId, lines: Collection[int] | None, note: str = "") -> list[Fulfilment]:
    """Asks for the cancellation of whatever third parties have accepted of these lines. Gives those who have to answer."""
    waiting: list[Fulfilment] = []
    for one in await taken(tx, order_id, lines):
        asked = one.request is Request.CANCELLATION_REQUESTED
        waiting.append(one if asked else await say(tx, one.id, Handshake.ASK_CANCELLATION, note))
    return waiting


async def submit_new(tx: Tx, events: Sequence[Recorded]) -> None:
    """What can be begun at a location that a third party runs is submitted to it by itself."""
    ids = sorted({FulfilmentId(UUID(str(event.data["fulfilment_id"]))) for event in events})
    found = [one for one in await work.get(tx, ids) if one.state is State.OPEN and one.request is Request.UNSUBMITTED]
    theirs = await locations.third_parties(tx, sorted({one.location_id for one in found})) if found else set[LocationId]()
    for one in sorted(found, key=lambda one: (one.order_id, one.id)):
        if one.location_id in theirs and one.method is not Method.HAND_OUT:
            await say(tx, one.id, Handshake.SUBMIT)
