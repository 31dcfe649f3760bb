"""On which terms each channel sells, kept at hand: taking an order must not read its channel and pool again.

What is kept is at most `FRESH_FOR` seconds old, so a change of a channel or a pool holds everywhere within that time.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from comptoir.kernel.errors import Refusal
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import PublishRules, SellingChannel
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.api import PoolGeometry
from comptoir.modules.locations.contracts import LocationId, PoolMember
from comptoir.modules.orders.contracts import Candidates, ChannelId, Terms
from comptoir.runtime.database import Database, Reader

FRESH_FOR = 1.0
NEAREST = 4
"""How many locations an order looks at before the whole pool: more finds a place at once more often, fewer locks less."""


class ChannelClosed(Refusal):
    """The channel is switched off."""

    code = "channel_closed"
    status = 409
    title = "The channel does not sell now"


@dataclass(frozen=True, slots=True)
class Counter:
    """A channel, ready to sell: its terms, and who of its pool is nearest."""

    channel: SellingChannel
    terms: Terms
    members: tuple[PoolMember, ...]
    """The active ones of its pool."""
    senders: PoolGeometry
    """Those of them that ship; all of them where nobody does."""
    loaded_at: float

    @property
    def ships(self) -> bool:
        """Whether anybody sends anything."""
        return any(member.ships for member in self.senders.members[:1])

    @property
    def ids(self) -> tuple[LocationId, ...]:
        return self.terms.pool

    def candidates(self, destination: tuple[float, float] | None, *, whole_pool: bool = False) -> Candidates:
        """Who may send an order to there, (latitude, longitude) in degrees: the nearest, or all in order."""
        members = self.senders.members
        first = None if whole_pool or len(members) <= NEAREST else NEAREST
        return Candidates(tuple([members[i].id for i in locations.rank(self.senders, destination, first)]), first is None)


def _holds_back(rules: PublishRules) -> bool:
    return rules != PublishRules()


class Counters:
    """The channels of this house by code."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[str, Counter] = {}
        self._loading: dict[str, asyncio.Task[Counter]] = {}

    async def get(self, code: str) -> Counter:
        """Raises NotFound for an unknown channel and ChannelClosed for one that is switched off."""
        kept = self._kept.get(code)
        if kept is None or time.monotonic() - kept.loaded_at > FRESH_FOR:
            kept = await self._loaded(code)
        if not kept.channel.active:
            raise ChannelClosed(channel=code)
        return kept

    async def _loaded(self, code: str) -> Counter:
        """Those who ask at once read once, and hear the same. Nothing stays of codes that nobody knows."""
        task = self._loading.get(code)
        if task is None:
            task = self._loading[code] = asyncio.create_task(self._load(code), name=f"counter-{code}")
            task.add_done_callback(lambda done: self._ended(code, done))
        return await asyncio.shield(task)

    async def _load(self, code: str) -> Counter:
        try:
            async with self._database.read() as reader:
                found = await load(reader, code)
        except Refusal:
            self._kept.pop(code, None)
            raise
        if self._loading.get(code) is asyncio.current_task():  # else everything was to be forgotten meanwhile
            self._kept[code] = found
        return found

    def _ended(self, code: str, task: asyncio.Task[Counter]) -> None:
        if self._loading.get(code) is task:
            del self._loading[code]
        if not task.cancelled():
            task.exception()  # whoever asked may have gone away: a refusal that nobody hears is no bug

    def forget(self) -> None:
        """Loads everything anew when it is asked for next."""
        self._kept.clear()
        self._loading.clear()


async def load(reader: Reader, code: str) -> Counter:
    """The channel as it is now, active or not."""
    channel = await channels.selling(reader, code)
    pool = await locations.pool(reader, channel.pool_id)
    members = tuple([member for member in pool.members if member.active])
    rules = channel.rules

    def publishable(total: int) -> int:
        return channels.publishable_of(total, rules)

    terms = Terms(
        channel_id=ChannelId(channel.id),
        channel_code=channel.code,
        market=channel.market.code,
        currency=channel.market.currency,
        tax_included=channel.market.tax_included,
        tax_name=channel.market.tax_name,
        backorder=channel.backorder,
        pool=tuple([member.id for member in members]),
        publishable=publishable if _holds_back(rules) else None,
    )
    # Where nobody ships, what is sold is collected or handed out: anybody may promise it.
    ships = [member for member in members if member.ships]
    return Counter(channel, terms, members, PoolGeometry.of(ships or members), time.monotonic())
