"""What webhooks does when something happens: a delivery for everybody who listens."""

from __future__ import annotations

from comptoir.modules.webhooks import api
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded


async def _fan_out(tx: Tx, events: list[Recorded]) -> None:
    await api.fan_out(tx, events)


CONSUMER = Consumer("webhooks", {"*": _fan_out})
