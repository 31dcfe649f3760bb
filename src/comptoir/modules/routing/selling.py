"""What locations sell in a day: read only where rules ask for how long stock lasts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.routing.contracts import Rules
from comptoir.modules.routing.domain.rating import rates_lasting
from comptoir.runtime.database import Reader


async def sold_daily(reader: Reader, rules: Iterable[Rules], skus: Sequence[str], now: datetime) -> Mapping[Spot, float]:
    """Units a day of these SKUs by location, in one statement; none, and no statement, where none of the rules asks for it."""
    if not skus or not any(rates_lasting(one) for one in rules):
        return {}
    return await inventory.sold_daily(reader, skus, now)
