"""What pools may promise, remembered between questions and never out of date.

To add up a SKU over 457 locations takes the database a tenth of a millisecond, and a hundred SKUs a hundred times that,
although most of them have not changed since the last question. So the sums are kept, and each question first asks the ledger
which SKUs have changed since: one look at its end. A sum is given only if no entry of its SKU has become visible after it was
read; that holds whichever process wrote the entry, so nothing need be told to anybody.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from comptoir.modules.inventory.store import reading
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime import arrays
from comptoir.runtime.arrays import Packed
from comptoir.runtime.database import Reader

V = TypeVar("V")

_POOLS = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question: how much may this pool promise of these SKUs.

    `pool` names the set of `locations`, by its id and version, say: under one name there is always the same set.
    """

    pool: str
    locations: tuple[LocationId, ...]
    skus: tuple[str, ...]


class _Remembered(ABC, Generic[V]):
    """Answers questions about pools, several at once. One per process, and one `read` at a time: give it to a `Batcher`.

    What it keeps is bounded: when there are `most` values, the pool that was asked about least recently is forgotten.
    """

    def __init__(self, *, most: int = 200_000, most_changes: int = 10_000) -> None:
        self._most = most
        self._most_changes = most_changes
        self._kept: dict[str, dict[str, V]] = {}
        self._packed: dict[str, Packed] = {}
        self._snapshot: str | None = None
        self._reading = False

    async def read(self, reader: Reader, wanted: Sequence[Wanted]) -> list[list[V]]:
        """What each question asked for, in the order of its SKUs: as of now, or a moment that begins after the call."""
        assert not self._reading, "one read at a time"
        self._reading = True
        try:
            await self._forget(reader)
            await self._learn(reader, wanted)
        except BaseException:
            self._clear()
            raise
        finally:
            self._reading = False
        answers = [[self._kept[question.pool][sku] for sku in question.skus] for question in wanted]
        self._shrink()
        return answers

    @abstractmethod
    async def _look(self, reader: Reader, pool: Wanted, skus: Sequence[str], packed: Packed) -> Mapping[str, V]:
        """Reads a value for each of these SKUs; `pool` is a question about it, and `packed` its locations."""

    async def _forget(self, reader: Reader) -> None:
        """Drops what has changed since the last time."""
        if self._snapshot is None:
            self._snapshot = await reading.snapshot(reader)
            return
        self._snapshot, changed = await reading.changed_skus(reader, self._snapshot, self._most_changes)
        if changed is None:
            self._kept.clear()
            return
        for kept in self._kept.values():
            for sku in changed:
                kept.pop(sku, None)

    async def _learn(self, reader: Reader, wanted: Sequence[Wanted]) -> None:
        """Reads what is asked for and not there. The values are younger than the snapshot: they lack nothing that it has."""
        missing: dict[str, dict[str, None]] = {}
        questions: dict[str, Wanted] = {}
        for question in wanted:
            # Taken out and put back, a pool that is asked for is the youngest.
            kept = self._kept[question.pool] = self._kept.pop(question.pool, {})
            questions[question.pool] = question
            if question.pool not in self._packed:
                self._packed[question.pool] = arrays.uuids(question.locations)
            for sku in question.skus:
                if sku not in kept:
                    missing.setdefault(question.pool, {})[sku] = None
        for pool, skus in missing.items():
            self._kept[pool].update(await self._look(reader, questions[pool], list(skus), self._packed[pool]))

    def _shrink(self) -> None:
        there = sum(map(len, self._kept.values()))
        while there > self._most and self._kept:
            oldest = next(iter(self._kept))
            there -= len(self._kept.pop(oldest))
            del self._packed[oldest]

    def _clear(self) -> None:
        self._kept.clear()
        self._packed.clear()
        self._snapshot = None


class AvailabilityCache(_Remembered[int]):
    """How much each pool may promise, over all its locations."""

    async def _look(self, reader: Reader, pool: Wanted, skus: Sequence[str], packed: Packed) -> Mapping[str, int]:  # noqa: ARG002
        if len(skus) == 1:
            return {skus[0]: await reading.available_one(reader, skus[0], packed)}
        return dict.fromkeys(skus, 0) | await reading.available_of_pool(reader, skus, packed)


_SPOT = np.dtype([("high", ">u8"), ("low", ">u8"), ("units", ">i4")])


class _Index:
    """Where among some locations an id is, for many ids at once."""

    def __init__(self, locations: Sequence[LocationId]) -> None:
        low = np.array([location.int & _LOW for location in locations], dtype=np.uint64)
        self._order = np.argsort(low)
        self._low = low[self._order]
        self._high = np.array([location.int >> 64 for location in locations], dtype=np.uint64)
        assert not (self._low[1:] == self._low[:-1]).any(), "62 bits at random are not the same twice"

    def put(self, packed: bytes, found: NDArray[np.int64]) -> None:
        """Writes the units of those locations that it knows; the others are passed over."""
        spots = np.frombuffer(packed, dtype=_SPOT)
        at = np.minimum(np.searchsorted(self._low, spots["low"]), len(self._low) - 1)
        places = self._order[at]
        known = (self._low[at] == spots["low"]) & (self._high[places] == spots["high"])
        found[places[known]] = spots["units"][known]


_LOW = 2**64 - 1


class SpotCache(_Remembered[NDArray[np.int64]]):
    """What each location of a pool may promise, in the order of the question's locations; not to be written to."""

    def __init__(self, *, most: int = 20_000, most_changes: int = 10_000) -> None:
        super().__init__(most=most, most_changes=most_changes)
        self._indexes: dict[str, _Index] = {}

    async def _look(
        self,
        reader: Reader,
        pool: Wanted,
        skus: Sequence[str],
        packed: Packed,  # noqa: ARG002 - all locations are read
    ) -> Mapping[str, NDArray[np.int64]]:
        found = {sku: np.zeros(len(pool.locations), dtype=np.int64) for sku in skus}
        if not pool.locations:
            return found
        index = self._indexes.get(pool.pool)
        if index is None:
            if len(self._indexes) > _POOLS:
                self._indexes.clear()
            index = self._indexes[pool.pool] = _Index(pool.locations)
        for sku, spots in await reading.available_packed(reader, skus):
            index.put(spots, found[sku])
        return found
