"""What a substitution comes to for its buyer: the house's way of promising money back."""

from __future__ import annotations

from comptoir.modules.changes import api as changes
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.substitution.contracts import SubstitutionId
from comptoir.runtime.database import Tx


async def settle(tx: Tx, order_id: OrderId, substitution_id: SubstitutionId) -> int:
    """Promises the buyer what is cheaper now; says by how much more that is."""
    return await changes.settle(tx, order_id, "substituted", about="substitution", about_id=substitution_id)
