"""Erasing whom parcels went to."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import arrays
from comptoir.runtime.database import Tx

_OWN = "SELECT id FROM tracking.parcels WHERE order_id = ANY(%(ids)s::uuid[])"
_FORGET = (
    (
        "UPDATE tracking.scans s SET detail = '', text = '' FROM tracking.parcels p WHERE p.order_id = ANY(%(ids)s::uuid[]) "
        "AND s.account_id = p.account_id AND s.tracking_number = p.tracking_number AND p.tracking_number <> ''"
    ),
    f"UPDATE tracking.hand_scans SET text = '' WHERE tracked_id IN ({_OWN})",
    (
        "UPDATE tracking.cases SET answer = jsonb_build_object('kind', answer ->> 'kind') "
        "WHERE order_id = ANY(%(ids)s::uuid[]) AND answer IS NOT NULL"
    ),
    "UPDATE tracking.labels SET request = NULL, document = NULL, url = '' WHERE order_id = ANY(%(ids)s::uuid[])",
    "UPDATE tracking.parcels SET signed_by = '' WHERE order_id = ANY(%(ids)s::uuid[])",
)


async def forget_buyers(tx: Tx, order_ids: Sequence[OrderId]) -> None:
    """Who has signed, what they have answered, and labels, which bear the address; where parcels have been stays."""
    for statement in _FORGET:
        await tx.run(statement, {"ids": arrays.uuids(order_ids)})
