"""What buyers have agreed to where something is not there: of an order (line 0), or of a line of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Reader, Tx


async def insert(tx: Tx, rows: Sequence[tuple[OrderId, int, str]]) -> None:
    """(order, line, consent), of orders that are new."""
    await tx.run(
        "INSERT INTO orders.consents (order_id, line_no, consent) "
        "SELECT * FROM unnest(%(orders)s::uuid[], %(lines)s::int[], %(consents)s::text[])",
        {
            "orders": arrays.uuids([order_id for order_id, _, _ in rows]),
            "lines": arrays.int4s([no for _, no, _ in rows]),
            "consents": arrays.texts([text for _, _, text in rows]),
        },
    )


async def put_consents(tx: Tx, order_id: OrderId, consents: Mapping[int, str]) -> None:
    """These and no others."""
    await tx.run("DELETE FROM orders.consents WHERE order_id = %(id)s", {"id": order_id})
    await insert(tx, [(order_id, no, text) for no, text in sorted(consents.items())])


async def consents(reader: Reader, order_id: OrderId) -> dict[int, str]:
    """By line, 0 for the order."""
    rows = await reader.rows("SELECT line_no, consent FROM orders.consents WHERE order_id = %(id)s", {"id": order_id})
    return {int(no): str(text) for no, text in rows}
