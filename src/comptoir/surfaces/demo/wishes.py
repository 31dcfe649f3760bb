"""What buyers ask customer service for, as functions of their orders; None where an order does not lend itself to it.

Only orders of which every unit costs what its line says are changed in part: those that web, app and phone place with
reductions have these in a line of their own, so that one unit would be given back at the shelf price.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.changes.contracts import (
    AddItem,
    Allow,
    AnyAction,
    CancelUnits,
    ChangeAddress,
    ChangeDraft,
    ChangeKind,
    ChangeService,
    Extra,
    Reason,
    ReturnDraft,
    Units,
)
from comptoir.modules.orders.contracts import Order, OrderLine
from comptoir.sdk.orders import Address
from comptoir.surfaces.demo.furnishing import APPROVAL_ABOVE
from comptoir.surfaces.demo.telling import REDUCTIONS

Draft = ChangeDraft | ReturnDraft
_MUCH = 120
"""Percent of what may be given without a second person."""


class Wish(NamedTuple):
    """What buyers ask for: of a hundred ids those below `until`, and from that of the wish before."""

    until: int
    ask: Callable[[Order], Draft | None]


def plain(order: Order) -> bool:
    """Whether every unit costs what its line says."""
    return all(line.name != REDUCTIONS for line in order.lines)


def _change(order: Order, kind: ChangeKind, actions: Sequence[AnyAction], reason: str, note: str = "") -> ChangeDraft:
    return ChangeDraft(order_id=order.id, kind=kind, actions=tuple(actions), reason=reason, note=note)


def _with_buyer(order: Order) -> OrderLine | None:
    """A line of which the buyer has units that were paid for."""
    lines = [line for line in order.lines if line.sku is not None and line.shipped > line.returned and line.total > 0]
    return max(lines, key=lambda line: line.total, default=None)


def _each(line: OrderLine) -> int:
    return line.total // line.quantity


# Before it leaves


def cancelled(order: Order) -> Draft | None:
    """The whole order, its reductions too."""
    if order.shipped or order.cancelled:
        return None
    actions = [CancelUnits(line_no=line.line_no, quantity=line.quantity) for line in order.lines]
    return _change(order, ChangeKind.CANCEL, actions, "customer")


def without_one(order: Order) -> Draft | None:
    """A whole line less."""
    lines = [line for line in order.lines if line.sku is not None and not line.shipped and not line.cancelled]
    if len(lines) < 2 or not plain(order):
        return None
    return _change(order, ChangeKind.CANCEL, [CancelUnits(line_no=lines[-1].line_no, quantity=lines[-1].quantity)], "customer")


def fewer(order: Order) -> Draft | None:
    """A unit less of something."""
    line = next((one for one in order.lines if one.sku is not None and one.stocked and one.quantity - one.shipped > 1), None)
    if line is None or order.shipped or not plain(order):
        return None
    return _change(order, ChangeKind.EDIT, [CancelUnits(line_no=line.line_no, quantity=1)], "customer")


def express(order: Order) -> Draft | None:
    if order.shipped or order.ship_to is None:
        return None
    return _change(order, ChangeKind.EDIT, [ChangeService(service=Service.EXPRESS)], "customer", "Needs it before the weekend")


def elsewhere(order: Order) -> Draft | None:
    """To a neighbour's door."""
    if order.shipped or order.ship_to is None:
        return None
    moved = msgspec.structs.replace(msgspec.convert(order.ship_to, Address), line2="Back door")
    return _change(order, ChangeKind.EDIT, [ChangeAddress(address=moved)], "customer")


# When it has come, or never will


def broken(order: Order) -> Draft | None:
    """The same once more, for nothing."""
    line = _with_buyer(order)
    if line is None or line.sku is None:
        return None
    return _change(order, ChangeKind.CLAIM, [AddItem(sku=line.sku, quantity=1, unit_price=0)], "damaged")


def wrong(order: Order) -> Draft | None:
    """What one unit has cost; the buyer keeps what they got."""
    line = _with_buyer(order)
    if line is None or not plain(order) or not _each(line):
        return None
    return _change(order, ChangeKind.CLAIM, [Allow(line_no=line.line_no, units=1, amount=_each(line))], "wrong")


def lost(order: Order) -> Draft | None:
    """All that was in it once more."""
    lines = [line for line in order.lines if line.sku is not None and line.shipped > line.returned]
    if not lines:
        return None
    actions = [AddItem(sku=line.sku or "", quantity=line.shipped - line.returned, unit_price=0) for line in lines]
    return _change(order, ChangeKind.CLAIM, actions, "lost")


def something_off(order: Order) -> Draft | None:
    """A tenth off the dearest line."""
    line = _with_buyer(order)
    if line is None or not plain(order) or line.total < 50:
        return None
    return _change(order, ChangeKind.ADJUSTMENT, [Allow(amount=line.total // 10, line_no=line.line_no)], "price")


def much_off(order: Order) -> Draft | None:
    """More than may be given without a second person."""
    amount = APPROVAL_ABOVE * _MUCH // 100
    if not plain(order) or order.total < 2 * amount:
        return None
    return _change(
        order, ChangeKind.ADJUSTMENT, [Allow(amount=amount)], "goodwill", "A regular, and the third parcel that is late"
    )


def another(order: Order, skus: Sequence[str]) -> ReturnDraft | None:
    """Something else, at today's price; what it replaces comes back."""
    line = _with_buyer(order)
    sku = next((sku for sku in skus if line is not None and sku != line.sku), None)
    if line is None or sku is None or not plain(order):
        return None
    back = Units(line.line_no, 1, Reason.WRONG_ITEM)
    return ReturnDraft(order_id=order.id, units=(back,), exchange=(Extra(sku, 1),))


def unwanted(order: Order, reason: Reason) -> Draft | None:
    """A unit of the dearest line comes back."""
    line = _with_buyer(order)
    if line is None or not plain(order):
        return None
    return ReturnDraft(order_id=order.id, units=(Units(line.line_no, 1, reason),))
