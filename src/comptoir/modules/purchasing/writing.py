"""Writing a purchase order as it is now: its lines, its state, its costs, and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.modules.orders import api as orders
from comptoir.modules.purchasing import domain
from comptoir.modules.purchasing.contracts import (
    LetterKind,
    Purchase,
    PurchaseId,
    PurchaseLine,
    PurchaseMoved,
    PurchaseState,
    PurchaseStep,
    Units,
)
from comptoir.modules.purchasing.errors import PurchaseStepRefused, UnknownPurchase
from comptoir.modules.purchasing.store import asking
from comptoir.modules.purchasing.store import purchases as store
from comptoir.runtime.database import Tx


async def load(tx: Tx, purchase_id: PurchaseId) -> Purchase:
    """Locked, with its order before it. Raises UnknownPurchase."""
    found = await store.get(tx, [purchase_id])
    if not found:
        raise UnknownPurchase(kind="purchase", id=purchase_id)
    await orders.load(tx, found[0].order_id)
    (locked,) = await store.get(tx, [purchase_id], lock=True)
    return locked


def require_live(one: Purchase, step: str) -> None:
    if one.state not in domain.LIVE:
        raise PurchaseStepRefused(step=step, state=one.state)


def state_after(one: Purchase, step: PurchaseStep) -> PurchaseState:
    state = domain.next_state(one.state, step)
    if state is None:
        raise PurchaseStepRefused(step=step, state=one.state)
    return state


async def save(tx: Tx, one: Purchase, lines: Sequence[PurchaseLine], step: PurchaseStep | None, **values: object) -> Purchase:
    """With these lines from now on, one step further where there is one."""
    if list(lines) != list(one.lines):
        await store.put_lines(tx, one.id, lines)
    cost, booked = domain.costs(lines)
    values |= {"cost": cost, "booked": booked}
    if step is not None:
        state = state_after(one, step)
        values["state"] = state
        if state is not PurchaseState.ASKED:
            values["remind_at"] = None
        if state not in domain.LIVE:
            values["ended_at"] = tx.now
    await store.put(tx, one.id, values)
    (after,) = await store.get(tx, [one.id])
    return after


def tell(tx: Tx, one: Purchase, step: str, lines: Sequence[Units] = (), *, reason: str = "", note: str = "") -> None:
    tx.emit(
        PurchaseMoved(
            order_id=one.order_id,
            purchase_id=one.id,
            location_id=one.location_id,
            number=one.number,
            step=step,
            state=one.state,
            lines=tuple(lines),
            promised_on=one.promised_on,
            reason=reason,
            note=note,
        )
    )


async def write_to(tx: Tx, one: Purchase, kind: LetterKind) -> None:
    """Puts a letter into the outbox, where the supplier has an address."""
    terms = (await asking.terms(tx, [one.location_id])).get(one.location_id)
    if terms is not None and terms.email:
        await asking.insert_letter(tx, one.id, kind, one.revision)


def changed_units(before: Sequence[PurchaseLine], after: Sequence[PurchaseLine]) -> list[Units]:
    """By how many units, either way, lines are wanted otherwise than before."""
    was = {line.line_no: line.wanted for line in before}
    changes = [(line.line_no, line.wanted - was.get(line.line_no, 0)) for line in after]
    return [Units(no, abs(change)) for no, change in changes if change]
