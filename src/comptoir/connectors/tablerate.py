"""Carriers by table rates: what a service asks is a table of distances and weights that the retailer keeps.

For carriers who are agreed with by contract and called by telephone: there are prices, and nothing to call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from comptoir.kernel.time import utcnow
from comptoir.sdk.carriers import Capability, CarrierInfo, PartialCarrier, Rate, RateRequest, Tariff

_NOBODY = "Table rates are prices only: there is nobody to call."

INFO = CarrierInfo(
    key="tablerate",
    name="Table rates",
    capabilities=frozenset({Capability.RATES, Capability.DANGEROUS}),
    missing={capability: _NOBODY for capability in Capability if capability not in {Capability.RATES, Capability.DANGEROUS}}
    | {Capability.COLLECT: "Tables have no price for taking money at the door."},
    spec="none: the retailer's own tables",
)


class TableRates(PartialCarrier):
    info = INFO

    def __init__(self, tariffs: Sequence[Tariff], zone: ZoneInfo, *, clock: Callable[[], datetime] = utcnow) -> None:
        """`zone` is where parcels leave from: whose day it is when they do."""
        self._tariffs = tuple(tariffs)
        self._zone = zone
        self._clock = clock

    async def rates(self, request: RateRequest) -> list[Rate]:
        """Cheapest first, then soonest. A parcel whose distance is not known has none."""
        if request.collect is not None:
            self.cannot(Capability.COLLECT)
        leaves_on = self._day(request.ship_at or self._clock())
        found = [rate for tariff in self._tariffs if (rate := tariff.rate(request, leaves_on)) is not None]
        return sorted(found, key=lambda rate: (rate.cost.currency, rate.cost.minor, rate.deliver_on or date.max, rate.service))

    def _day(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()
