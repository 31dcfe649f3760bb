"""Returns that are not taken: before they come, or when the goods are here, which go back to the buyer or stay by agreement.

Until the goods have gone the order counts them as come back, and nobody is refunded for them; when they go, all that their
coming has done to the order is undone, to the cent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from comptoir.kernel.checking import Checks
from comptoir.modules.changes import domain
from comptoir.modules.changes.contracts import (
    Fate,
    Goods,
    ItemCondition,
    Look,
    ReceivedUnits,
    ReturnCase,
    ReturnCaseId,
    ReturnDeclined,
    ReturnGivenBack,
    ReturnState,
    ReturnStep,
)
from comptoir.modules.changes.errors import NothingToGiveBack
from comptoir.modules.changes.receiving import DEDUCTION, put_where_it_belongs
from comptoir.modules.changes.returning import following, get_return, give_up_exchange, load, move, settled, unlabelled
from comptoir.modules.changes.store import returns as store
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind, Movement
from comptoir.modules.inventory.errors import QuantityTooLarge
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Charge, LineQuantity, Order
from comptoir.runtime.database import Tx
from comptoir.sdk.orders import LineKind

KEPT_AS = (Fate.RESTOCK, Fate.REFURBISH, Fate.DAMAGED, Fate.DESTROY)
"""What may become of units that were declined and stay."""
_MOST = 500


async def decline_return(tx: Tx, case_id: ReturnCaseId, reason: str = "") -> ReturnCase:
    """Says no: to a return that is asked for, or to what of it is here and nobody has looked at, for a reason that the buyer is
    told. What they were to get instead, and has not left, is cancelled.

    Raises Invalid without a reason where goods are here, and ReturnStepRefused.
    """
    case, order = await load(tx, case_id)
    step = _step(case)
    following(case, step)
    checks = Checks()
    reason = checks.words("reason", reason, least=0 if step is ReturnStep.DECLINE and not case.received else 1, most=_MOST)
    checks.done()
    here = [row for row in case.received if row.to_inspect]
    await store.decline(tx, case_id)
    values: dict[str, object] = {"declined_because": reason}
    if step is ReturnStep.DECLINE:
        values |= {"decided_at": tx.now, "decided_by": tx.actor, **unlabelled(tx, case)}
    done = await move(tx, case, step, **values)
    if order is not None:
        if step is ReturnStep.DECLINE:
            await give_up_exchange(tx, order, case)
        code, goods = domain.return_code(case.number), Goods.WAITING.value if here else ""
        tx.emit(ReturnDeclined(return_case_id=case_id, order_id=order.id, code=code, reason=reason, goods=goods))
    return await settled(tx, done)


def _step(case: ReturnCase) -> ReturnStep:
    """Of goods of which somebody has taken some already, the rest is declined."""
    if case.state is ReturnState.RECEIVED and any(row.fate is not None for row in case.received):
        return ReturnStep.DECLINE_REST
    return ReturnStep.DECLINE


async def give_back(
    tx: Tx, case_id: ReturnCaseId, *, by_hand: bool, carrier: str = "", tracking_number: str = ""
) -> ReturnCase:
    """What was declined leaves: the buyer has taken it at the desk, or a carrier has it. The order is as if it had not come.

    Raises NothingToGiveBack, and QuantityTooLarge where it does not lie under quality hold any more.
    """
    checks = Checks()
    carrier = checks.words("carrier", carrier, most=64)
    tracking_number = checks.words("tracking_number", tracking_number, most=120)
    checks.done()
    case, order = await load(tx, case_id)
    following(case, ReturnStep.GIVE_BACK)
    rows = _waiting(case)
    await _take_off_stock(tx, case, rows)
    goods = Goods.HANDED if by_hand else Goods.SENT
    await store.go(tx, case_id, goods)
    values = await _undone(tx, case, order, rows) if order is not None else {}
    done = await move(tx, case, ReturnStep.GIVE_BACK, **values)
    if order is not None:
        tx.emit(
            ReturnGivenBack(
                return_case_id=case_id,
                order_id=order.id,
                code=domain.return_code(case.number),
                goods=goods.value,
                carrier=carrier,
                tracking_number=tracking_number,
            )
        )
    return await settled(tx, done)


def _waiting(case: ReturnCase) -> list[ReceivedUnits]:
    rows = [row for row in case.received if row.goods is Goods.WAITING]
    if not rows:
        raise NothingToGiveBack(return_case_id=case.id)
    return rows


async def _take_off_stock(tx: Tx, case: ReturnCase, rows: Sequence[ReceivedUnits]) -> None:
    """Undoes the entries with which it came on hand."""
    units = Counter({(row.sku, row.location_id): 0 for row in rows if row.stocked})
    for row in rows:
        if row.stocked:
            units[row.sku, row.location_id] += row.quantity
    if not units:
        return
    levels = await inventory.lock_levels(tx, sorted(units))
    for (sku, location_id), quantity in units.items():
        if levels[sku, location_id].quality < quantity:
            raise QuantityTooLarge(sku=sku, open=levels[sku, location_id].quality, asked=quantity)
    await inventory.record(
        tx,
        [
            Movement(
                kind=EntryKind.RETURNED,
                sku=sku,
                location_id=location_id,
                on_hand=-quantity,
                quality=-quantity,
                order_id=case.order_id,
                return_id=case.id,
                reason="given_back",
            )
            for (sku, location_id), quantity in sorted(units.items())
        ],
    )


async def _undone(tx: Tx, case: ReturnCase, order: Order, rows: Sequence[ReceivedUnits]) -> dict[str, object]:
    """The buyer has the units again, and pays for them and their delivery; what of the return's columns changes.

    The fee is kept only where something else of the return was taken.
    """
    units = Counter[int]()
    for row in rows:
        if row.line_no is not None:
            units[row.line_no] += row.quantity
    place = rows[0].location_id
    values: dict[str, object] = {}
    if units:
        charges = {
            line.line_no: min(line.returned, line.quantity - line.cancelled)
            for line in order.lines
            if line.line_no in case.shipping_lines and line.returned
        }
        lines = [LineQuantity(no, n) for no, n in sorted((units | charges).items())]
        await orders.give_back(tx, order.id, place, lines, "declined")
        values["shipping_lines"] = []
    return values | await _without_fee(tx, case, order)


async def _without_fee(tx: Tx, case: ReturnCase, order: Order) -> dict[str, object]:
    taken = any(row.line_no is not None and row.goods is None for row in case.received)
    if taken or case.fee_line is None:
        return {}
    await orders.cancel(tx, order.id, [LineQuantity(case.fee_line, 1)], "declined")
    return {"fee_charged": None, "fee_line": None}


async def keep_declined(
    tx: Tx, case_id: ReturnCaseId, agreement: str, fate: Fate, condition: ItemCondition = ItemCondition.USED
) -> ReturnCase:
    """What was declined stays here for nothing, as the buyer has agreed in writing: `agreement` says where that is.

    Raises NothingToGiveBack, and Invalid without an agreement or for a fate that is none of `KEPT_AS`.
    """
    checks = Checks()
    agreement = checks.words("agreement", agreement, least=1, most=_MOST)
    checks.require("fate", fate in KEPT_AS, f"is one of {', '.join(KEPT_AS)}")
    checks.done()
    case, order = await load(tx, case_id)
    following(case, ReturnStep.KEEP)
    for row in _waiting(case):
        found = Look(row.id, row.quantity, condition, fate, row.value)
        if row.stocked:
            await put_where_it_belongs(tx, row, found)
        if row.value and order is not None:
            charge = Charge(LineKind.FEE, DEDUCTION, row.value)
            await orders.add_lines(tx, order.id, [], [charge], [], backorder=False)
        await store.look(tx, row, found, row.value)
    await store.go(tx, case_id, Goods.KEPT)
    values = await _without_fee(tx, case, order) if order is not None else {}
    done = await move(tx, case, ReturnStep.KEEP, agreement=agreement, **values)
    return await settled(tx, await get_return(tx, done.id))
