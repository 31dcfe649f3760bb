"""What is promised to the buyer follows from how the order stands and from what is on its way back."""

from __future__ import annotations

from uuid import UUID

from comptoir.modules.changes import domain
from comptoir.modules.changes.store import returns as store
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.payments import api as payments
from comptoir.runtime.database import Tx


async def settle(tx: Tx, order_id: OrderId, reason: str, *, about: str, about_id: UUID | None) -> int:
    """Grants what the buyer is owed and was not promised yet, or withdraws what is not owed any more; says by how much."""
    order = await orders.load(tx, order_id)
    off = await orders.allowances(tx, order_id)
    there = await orders.standing_of(tx, order, off)
    cases = await store.of_order(tx, order_id)
    early = domain.advanced(cases, order.lines, off)
    target = domain.promised(there, early, domain.withheld(cases))
    return await payments.promise(tx, order_id, target, there.currency, reason, about=about, about_id=about_id)
