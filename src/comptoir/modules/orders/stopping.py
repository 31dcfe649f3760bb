"""Units that were cancelled while a third party has them in hand: they stay promised until it has said that it has stopped.

A channel's cancellation is a fact, and what is in somebody's hands is one, too: between the two stands an exception, from the
cancellation until the answer, and on after a no, until a person has chosen what becomes of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import exceptions, lifecycle, store
from comptoir.modules.orders.contracts import (
    ExceptionId,
    ExceptionKind,
    LineQuantity,
    Order,
    OrderCancellationRefused,
    OrderException,
    OrderId,
    Resolution,
)
from comptoir.modules.orders.errors import ExceptionClosed, NotThatKind
from comptoir.modules.orders.exceptions import Opening
from comptoir.runtime.database import Reader, Tx

Bound = Mapping[tuple[int, LocationId], int]
"""By line and location, the units that a third party has in hand."""
BoundOf = Callable[[Reader, OrderId], Awaitable[Bound]]
KIND = ExceptionKind.AT_THIRD_PARTY
CHANNEL = "channel"


async def stops(reader: Reader, order_ids: Sequence[OrderId]) -> list[OrderException]:
    """What was cancelled of these orders and is still with third parties."""
    return await store.open_of_orders(reader, KIND, order_ids) if order_ids else []


async def wait_for_stop(
    tx: Tx, order_id: OrderId, units: Bound, reason: str, *, shrunk: Bound | None = None
) -> list[ExceptionId]:
    """These units are cancelled as soon as whoever has them in hand has stopped; of those that are `shrunk` the line has never
    had any then. Gives the exceptions that are new.
    """
    if not any(units.values()):
        return []
    skus = {line.line_no: line.sku for line in (await lifecycle.load(tx, order_id)).lines}
    rows = [(no, place, n) for (no, place), n in sorted(units.items()) if n > 0]
    new = await exceptions.open_exceptions(tx, [Opening(KIND, order_id, no, skus.get(no), place, n) for no, place, n in rows])
    for one in await stops(tx, [order_id]):
        key = (one.line_no or 0, one.location_id or LocationId(one.id))
        if one.id in new or key in units:
            known = {"reason": reason} if one.id in new else {}
            await store.note_exception(tx, one.id, {**known, "shrunk": (shrunk or {}).get(key, 0)})
    return new


async def stopped(tx: Tx, order_id: OrderId, location_id: LocationId, lines: Collection[int]) -> int:
    """Whoever had these lines in hand at a location has stopped: what waited for that is cancelled. Gives the units."""
    done = 0
    for one in await _there(tx, order_id, location_id, lines):
        line = next(line for line in (await lifecycle.load(tx, order_id)).lines if line.line_no == one.line_no)
        await exceptions.close(tx, one, Resolution.CANCELLED)
        units, reason = min(one.quantity, line.open), str(one.data.get("reason", ""))
        if units:
            await lifecycle.cancel(tx, order_id, [LineQuantity(line.line_no, units)], reason, at=location_id)
        shrunk = min(units, int(str(one.data.get("shrunk", 0))))
        if shrunk:
            await store.change_lines(tx, order_id, [store.LineChange(line.line_no, quantity=-shrunk, cancelled=-shrunk)])
            await store.sum_up(tx, order_id)
        done += units
        if units and reason != CHANNEL:
            await _cancel_beside(tx, order_id, reason)
    return done


async def _cancel_beside(tx: Tx, order_id: OrderId, reason: str) -> None:
    """Whoever gets nothing pays no charges either; what a channel charges it says itself."""
    order = await lifecycle.load(tx, order_id)
    items = [line for line in order.lines if line.sku is not None]
    if order.shipped == 0 and all(line.open == 0 for line in items) and any(line.open for line in order.lines):
        await lifecycle.cancel(tx, order_id, None, reason)


async def could_not_stop(tx: Tx, order_id: OrderId, location_id: LocationId, lines: Collection[int], note: str) -> None:
    """Whoever has these lines in hand goes on: whoever cancelled them is told, and a person chooses what becomes of it."""
    order = await lifecycle.load(tx, order_id)
    for one in await _there(tx, order_id, location_id, lines):
        await _told(tx, order, one, note)


async def _told(tx: Tx, order: Order, one: OrderException, note: str) -> None:
    assert one.location_id is not None, "it is written with whoever has the units in hand"
    await store.note_exception(tx, one.id, {"refused": tx.now.isoformat(), "note": note})
    tx.emit(
        OrderCancellationRefused(
            order_id=order.id,
            number=order.number,
            channel=order.channel_code,
            lines=(LineQuantity(one.line_no or 0, one.quantity),),
            location_id=one.location_id,
            reason=str(one.data.get("reason", "")),
            note=note,
        )
    )


async def _there(tx: Tx, order_id: OrderId, location_id: LocationId, lines: Collection[int]) -> list[OrderException]:
    found = await stops(tx, [order_id])
    return sorted(
        [one for one in found if one.location_id == location_id and one.line_no in lines], key=lambda one: one.line_no or 0
    )


async def stop_of(tx: Tx, exception_id: ExceptionId) -> tuple[OrderException, OrderId]:
    """An open one, its order locked. Raises NotFound, NotThatKind and ExceptionClosed."""
    found = await exceptions.get(tx, exception_id)
    if found.kind != KIND or found.order_id is None:
        raise NotThatKind(kind=found.kind)
    await lifecycle.load(tx, found.order_id)
    found = await exceptions.get(tx, exception_id)
    if found.state != "open" or found.order_id is None:
        raise ExceptionClosed(resolution=found.resolution)
    return found, found.order_id


async def expect(tx: Tx, exception_id: ExceptionId) -> None:
    """A person's choice: a return is announced as soon as it has left."""
    await store.note_exception(tx, exception_id, {"expect_back": True})


async def asked_again(tx: Tx, exception_id: ExceptionId) -> None:
    """The third party has been asked once more: there is no answer yet."""
    await store.note_exception(tx, exception_id, {}, but=("refused", "note"))


async def review_stops(tx: Tx, changed: Collection[OrderId]) -> None:
    """What has become of these orders otherwise is waited for no longer: nothing is open, and nothing is with the buyer. What
    has left before anybody answered could not be stopped.
    """
    for one in await stops(tx, sorted(changed)):
        assert one.order_id is not None
        order = await lifecycle.load(tx, one.order_id)
        line = next((line for line in order.lines if line.line_no == one.line_no), None)
        if line is None or (line.open == 0 and line.shipped == line.returned):
            await exceptions.close(tx, one, Resolution.CANCELLED)
        elif line.open == 0 and "refused" not in one.data:
            await _told(tx, order, one, "")
