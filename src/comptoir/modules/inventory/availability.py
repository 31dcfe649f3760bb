"""What pools may promise, remembered between questions and never out of date.

To add up a SKU over 457 locations takes the database a tenth of a millisecond, and a hundred SKUs a hundred times that,
although most of them have not changed since the last question. So the sums are kept, and each question first asks the ledger
which SKUs have changed since: one look at its end. A sum is given only if no entry of its SKU has become visible after it was
read; that holds whichever process wrote the entry, so nothing need be told to anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comptoir.modules.inventory.store import reading
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime import arrays
from comptoir.runtime.arrays import Packed
from comptoir.runtime.database import Reader


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question: how much may this pool promise of these SKUs.

    `pool` names the set of `locations`, by its id and version, say: under one name there is always the same set.
    """

    pool: str
    locations: tuple[LocationId, ...]
    skus: tuple[str, ...]


class AvailabilityCache:
    """Answers questions about availability, several at once. One per process, and one `read` at a time: give it to a `Batcher`.

    What it keeps is bounded: when there are `most` sums, the pool that was asked about least recently is forgotten.
    """

    def __init__(self, *, most: int = 200_000, most_changes: int = 10_000) -> None:
        self._most = most
        self._most_changes = most_changes
        self._sums: dict[str, dict[str, int]] = {}
        self._packed: dict[str, Packed] = {}
        self._snapshot: str | None = None
        self._reading = False

    async def read(self, reader: Reader, wanted: Sequence[Wanted]) -> list[list[int]]:
        """The sums for each question, in the order of its SKUs: as of now, or a moment that begins after the call."""
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
        answers = [[self._sums[question.pool][sku] for sku in question.skus] for question in wanted]
        self._shrink()
        return answers

    async def _forget(self, reader: Reader) -> None:
        """Drops what has changed since the last time."""
        if self._snapshot is None:
            self._snapshot = await reading.snapshot(reader)
            return
        self._snapshot, changed = await reading.changed_skus(reader, self._snapshot, self._most_changes)
        if changed is None:
            self._sums.clear()
            return
        for sums in self._sums.values():
            for sku in changed:
                sums.pop(sku, None)

    async def _learn(self, reader: Reader, wanted: Sequence[Wanted]) -> None:
        """Reads what is asked for and not there. The sums are younger than the snapshot: they lack nothing that it has."""
        missing: dict[str, dict[str, None]] = {}
        for question in wanted:
            # Taken out and put back, a pool that is asked for is the youngest.
            sums = self._sums[question.pool] = self._sums.pop(question.pool, {})
            if question.pool not in self._packed:
                self._packed[question.pool] = arrays.uuids(question.locations)
            for sku in question.skus:
                if sku not in sums:
                    missing.setdefault(question.pool, {})[sku] = None
        for pool, skus in missing.items():
            locations, sums = self._packed[pool], self._sums[pool]
            if len(skus) == 1:
                (sku,) = skus
                sums[sku] = await reading.available_one(reader, sku, locations)
            else:
                sums.update(dict.fromkeys(skus, 0))
                sums.update(await reading.available_of_pool(reader, list(skus), locations))

    def _shrink(self) -> None:
        kept = sum(map(len, self._sums.values()))
        while kept > self._most and self._sums:
            oldest = next(iter(self._sums))
            kept -= len(self._sums.pop(oldest))
            del self._packed[oldest]

    def _clear(self) -> None:
        self._sums.clear()
        self._packed.clear()
        self._snapshot = None
