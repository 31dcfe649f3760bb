"""What channels may promise now: the questions of all callers are gathered and answered together."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from comptoir.modules.channels import api as channels
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.api import Wanted
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.batching import Batcher
from comptoir.runtime.database import Database
from comptoir.surfaces.selling import Counter


class AvailabilityDesk:
    """Open it with `start`, close it with `stop`. What it says holds at a moment after it was asked."""

    def __init__(self, database: Database, *, batch: int = 256) -> None:
        self._database = database
        self._cache = inventory.AvailabilityCache()
        self._batcher: Batcher[Wanted, list[int]] = Batcher(self._work, limit=batch, at_once=1)
        self._names: dict[str, tuple[tuple[LocationId, ...], str]] = {}

    def start(self) -> None:
        self._batcher.start()

    async def stop(self) -> None:
        await self._batcher.stop()

    async def promise(self, counter: Counter, skus: Sequence[str]) -> list[tuple[int, int]]:
        """For each SKU what the channel may promise and what its pool has; a SKU that nobody knows has nothing."""
        question = Wanted(self._pool_name(counter), counter.ids, tuple(skus))
        rules = counter.channel.rules
        return [(channels.publishable_of(total, rules), total) for total in await self._batcher.submit(question)]

    async def _work(self, questions: Sequence[Wanted]) -> Sequence[list[int]]:
        async with self._database.read() as reader:
            return await self._cache.read(reader, questions)

    def _pool_name(self, counter: Counter) -> str:
        """Names the set of locations by what is in it: two channels of one pool share their sums, and a pool that changes gets
        another name.
        """
        code = counter.channel.code
        ids, name = self._names.get(code, ((), ""))
        if ids is not counter.ids:
            if ids != counter.ids:
                packed = b"".join(sorted(one.bytes for one in counter.ids))
                name = f"{counter.channel.pool_id}:{blake2b(packed, digest_size=12).hexdigest()}"
            self._names[code] = (counter.ids, name)
        return name
