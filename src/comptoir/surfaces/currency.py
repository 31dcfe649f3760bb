"""The currency that the house reckons costs in."""

from __future__ import annotations

from collections import Counter

from comptoir.kernel.money import Currency
from comptoir.modules.pricing import api as pricing
from comptoir.runtime.database import Reader

_EUR = Currency("EUR")


async def house_currency(reader: Reader) -> Currency:
    """The currency that costs are reckoned in: that of most markets, of equals the first by code; euros where there is none."""
    counted = Counter(market.currency for market in await pricing.markets(reader))
    return min(counted, key=lambda code: (-counted[code], code)) if counted else _EUR
