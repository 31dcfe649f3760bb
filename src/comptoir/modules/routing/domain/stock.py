"""What the sites have and how busy they are, while many jobs are decided one after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing.contracts import Decision, Pick
from comptoir.modules.routing.domain.network import Floats, Ints, Network


class Situation:
    """Units available for each SKU at each site, and the orders that each site has to prepare today.

    Arrays are by the network's positions. What is decided is taken off at once, so that the next job sees what is left.
    """

    def __init__(
        self,
        network: Network,
        available: Mapping[Spot, int],
        load: Mapping[LocationId, int] | None = None,
        sold_daily: Mapping[Spot, float] | None = None,
    ) -> None:
        """`sold_daily` is in units by SKU and site, where rules ask for how long stock lasts."""
        self._network = network
        self._daily: dict[str, Floats] = {}
        for (sku, location), units in (sold_daily or {}).items():
            position = network.position.get(location)
            if position is not None:
                self._daily.setdefault(sku, np.zeros(len(network.sites)))[position] = units
        self._nothing: Ints = np.zeros(len(network.sites), dtype=np.int64)
        self._of: dict[str, Ints] = {}
        for (sku, location), units in available.items():
            position = network.position.get(location)
            if position is not None and units > 0:
                row = self._of.get(sku)
                if row is None:
                    row = self._of[sku] = self._nothing.copy()
                row[position] = units
        self.load: Floats = np.zeros(len(network.sites))
        for location, orders in (load or {}).items():
            if location in network.position:
                self.load[network.position[location]] = orders

    @classmethod
    def of_arrays(
        cls,
        network: Network,
        rows: Mapping[str, Ints],
        load: Mapping[LocationId, int] | None = None,
        sold_daily: Mapping[Spot, float] | None = None,
    ) -> Situation:
        """For looking only: by SKU the units at each site, in the order of the network. Nothing is copied."""
        situation = cls(network, {}, load, sold_daily)
        situation._of = dict(rows)
        return situation

    def of(self, sku: str) -> Ints:
        """Units at each site; not to be written to."""
        return self._of.get(sku, self._nothing)

    def daily(self, sku: str) -> Floats | None:
        """Units sold in a day at each site, not to be written to; None where nobody knows, or nobody sells any."""
        return self._daily.get(sku)

    def take(self, decision: Decision) -> None:
        """Takes off what a decision uses; its places in the day's work too."""
        self._change(decision, -1)

    def give_back(self, decision: Decision) -> None:
        """Undoes `take`. What went from sites that the network does not know changes nothing here."""
        self._change(decision, 1)

    def _change(self, decision: Decision, sign: int) -> None:
        for parcel in decision.parcels:
            position = self._network.position.get(parcel.site)
            if position is not None:
                self.load[position] -= sign
                self._move(parcel.picks, position, sign)

    def _move(self, picks: Iterable[Pick], position: int, sign: int) -> None:
        for pick in picks:
            row = self._of.get(pick.sku)
            if row is None:
                row = self._of[pick.sku] = self._nothing.copy()
            row[position] += sign * pick.quantity

    def copy(self) -> Situation:
        """For trying something out."""
        other = Situation(self._network, {})
        other._of = {sku: row.copy() for sku, row in self._of.items()}
        other.load = self.load.copy()
        other._daily = self._daily
        return other
