"""The invoices of an order, for its buyer without an account: they say first what only they know of it (decision 26)."""

from __future__ import annotations

from comptoir.kernel.errors import NotFound
from comptoir.modules.invoicing import api as invoicing
from comptoir.modules.invoicing.contracts import Issued
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order, OrderId
from comptoir.runtime.database import Database, Reader


def known_of(order: Order) -> list[str]:
    """What only the buyer knows: the postcodes that the order names, and their e-mail address."""
    addresses = [order.ship_to or {}, order.bill_to or {}]
    found = [str(one.get("postcode") or "") for one in addresses]
    return [text for text in (*found, str((order.buyer or {}).get("email") or "")) if text.strip()]


async def provable(reader: Reader, order_id: OrderId) -> bool:
    """Whether there is anything to ask for. Raises NotFound."""
    return bool(known_of(await orders.order(reader, order_id)))


async def prove(database: Database, order_id: OrderId, given: str) -> bool:
    """Whether it is theirs; a wrong answer is counted. Raises NotFound and ProofBarred."""
    async with database.transaction() as tx:
        known = known_of(await orders.order(tx, order_id))
        return await invoicing.prove(tx, order_id, given, known)


async def paper_of(reader: Reader, order_id: OrderId, number: str) -> Issued:
    """Raises NotFound for what is of another order."""
    found = next((one for one in await invoicing.of_order(reader, order_id) if one.number == number), None)
    if found is None:
        raise NotFound(kind="invoice")
    return found
