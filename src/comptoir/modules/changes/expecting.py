"""What was cancelled, and left all the same because a third party could not stop: it is expected back as a return."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from uuid import UUID

from comptoir.modules.changes.contracts import Reason, ReturnCase, ReturnDraft, Setting, Units
from comptoir.modules.changes.errors import NotReturnable
from comptoir.modules.changes.returning import request_return
from comptoir.modules.changes.settling import settle
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ExceptionId, ExceptionKind, OrderId, Resolution
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded

CHANNEL = "channel"


async def expect_unstopped(tx: Tx, exception_id: ExceptionId, setting: Setting) -> ReturnCase | None:
    """Announces a return for the units of an exception that a third party could not stop; None where they have not left yet: it
    is announced when they have. What was announced for them already stands.

    Raises NotFound, NotThatKind and ExceptionClosed.
    """
    found, order_id = await orders.stop_of(tx, exception_id)
    order = await orders.load(tx, order_id)
    line = next(line for line in order.lines if line.line_no == found.line_no)
    away = min(found.quantity, line.shipped - line.returned)
    if away <= 0:
        await orders.expect(tx, exception_id)
        return None
    units = (Units(line.line_no, away, Reason.CHANGED_MIND),)
    case: ReturnCase | None = None
    with suppress(NotReturnable):  # the buyer has announced it meanwhile
        case = await request_return(tx, ReturnDraft(order_id=order_id, units=units, override=True), setting)
    await orders.resolve(tx, exception_id, Resolution.EXPECTED_BACK)
    return case


async def follow_stops(tx: Tx, events: Sequence[Recorded], setting: Setting) -> None:
    """What was to be expected back has left, or what was cancelled has been stopped: the buyer is owed it then. What a channel
    has cancelled it pays back itself.
    """
    shipped = {OrderId(event.subject) for event in events if event.type == "order.shipped" and event.subject is not None}
    for one in await orders.stops(tx, sorted(shipped)):
        if "expect_back" in one.data:
            await expect_unstopped(tx, one.id, setting)
    for event in events:
        if event.data.get("kind") != ExceptionKind.AT_THIRD_PARTY or event.data.get("resolution") != Resolution.CANCELLED:
            continue
        one = await orders.get_exception(tx, ExceptionId(UUID(str(event.data["exception_id"]))))
        if one.order_id is not None and one.data.get("reason") != CHANNEL:
            await settle(tx, one.order_id, str(one.data.get("reason", "")), about="change", about_id=None)
