"""Erasing whom we have written to."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.modules.notices.contracts import NoticeState
from comptoir.modules.notices.domain import NOTICE_STEPS, NoticeStep
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Tx

_CONSENTS = "DELETE FROM notices.consents WHERE address = ANY(%(addresses)s::text[]) OR order_id = ANY(%(ids)s::uuid[])"

_OUTBOX = """
UPDATE notices.outbox SET sealed = NULL, next_at = NULL, state = CASE state WHEN 'pending' THEN %(state)s ELSE state END,
  problem = CASE state WHEN 'pending' THEN 'erased' ELSE problem END
WHERE order_id = ANY(%(ids)s::uuid[]) AND sealed IS NOT NULL"""


async def forget_buyers(tx: Tx, addresses: Sequence[str], order_ids: Sequence[OrderId]) -> int:
    """Consents of these addresses and orders, and to whom letters were to go; what has not gone out goes to nobody. Says how
    many consents there were.
    """
    params = {"addresses": arrays.texts(addresses), "ids": arrays.uuids(order_ids)}
    await tx.run(_OUTBOX, params | {"state": NOTICE_STEPS[NoticeState.PENDING, NoticeStep.FORGET].value})
    return await tx.run(_CONSENTS, params)
