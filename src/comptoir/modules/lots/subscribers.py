"""What lots make of events: transfers take lots along, whoever has moved them."""

from __future__ import annotations

from uuid import UUID

from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import TransferId
from comptoir.modules.inventory.errors import UnknownTransfer
from comptoir.modules.lots.travelling import follow_transfer
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded

FOLLOWED = ("transfer.moved", "transfer.differs")


def consumers() -> list[Consumer]:
    return [Consumer("lots.transfers", dict.fromkeys(FOLLOWED, follow_transfers))]


async def follow_transfers(tx: Tx, events: list[Recorded]) -> None:
    """What became of transfers, as far as nobody has told it already; each once, as it stands now."""
    moved: dict[UUID, None] = dict.fromkeys(event.subject for event in events if event.subject is not None)
    for transfer_id in moved:
        try:
            transfer = await inventory.transfer(tx, TransferId(transfer_id))
        except UnknownTransfer:
            continue
        await follow_transfer(tx, transfer)
