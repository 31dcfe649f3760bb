"""What webhooks does when something happens: a delivery for everybody who listens."""

from __future__ import annotations

from comptoir.modules.webhooks import api
from comptoir.modules.webhooks.domain import Outward
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded


def consumer(outward: Outward) -> Consumer:
    """`outward` writes the ids in an event's data as the API does."""

    async def fan_out(tx: Tx, events: list[Recorded]) -> None:
        await api.fan_out(tx, events, outward)

    return Consumer("webhooks", {"*": fan_out})
