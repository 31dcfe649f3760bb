"""On which terms each channel sells, kept at hand: taking an order must not read its channel and pool again.

What is kept is at most `FRESH_FOR` seconds old, so a change of a channel or a pool holds everywhere within that time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from comptoir.kernel.errors import Refusal
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Goods, Unit
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import PublishRules, SellingChannel
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.api import PoolGeometry
from comptoir.modules.locations.contracts import LocationId, PoolMember
from comptoir.modules.orders.contracts import Candidates, ChannelId, OrderId, Terms
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import Price
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import Atlas, Network
from comptoir.modules.routing.contracts import Condition, Job, Need, Profile, Rules, RuleSet, Schedule
from comptoir.runtime.database import Database, Reader
from comptoir.sdk.orders import Address

FRESH_FOR = 1.0
GOODS_FOR = 300.0
PRICES_FOR = 30.0
_MOST_GOODS = 200_000
_MOST_PLACES = 50_000
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
    rule_sets: tuple[RuleSet, ...] = ()
    """The live ones that may be for an order of this channel, in the order in which they are asked."""
    network: Network | None = None
    """Its pool as routing sees it; None for whoever keeps no atlas."""
    schedules: tuple[Schedule, ...] = ()
    """The active ones that may be for an order of this channel, in the order in which orders look for theirs."""

    @property
    def conditions(self) -> Iterator[Condition]:
        """By which its orders are told apart."""
        yield from (one.rules.condition for one in self.rule_sets)
        yield from (one.condition for one in self.schedules)

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

    def rule_set(self, order_id: OrderId, order: Profile) -> RuleSet | None:
        """The live rule set that decides for an order; None where the pool's priority and the distance do."""
        return routing.matching(self.rule_sets, order_id, order) if self.rule_sets else None

    def begins_at(self, rule_set: RuleSet | None, order: Profile, now: datetime) -> datetime | None:
        """When anybody may begin an order that is placed now; None where it waits for no run."""
        waits = routing.waits_for(self.schedules, rule_set, order)
        return None if waits is None else waits.table.next_run(now)

    def ranked(self, rules: Rules, job: Job, *, whole_pool: bool = False) -> Candidates:
        """As `candidates`, by rules: those that these let serve, as far as can be said without stock and load, the best first.

        Whoever they stop comes after all others: what is there can be promised, and routing says what becomes of it.
        """
        assert self.network is not None, "rule sets come with their network"
        sites = self.network.sites
        few = not whole_pool and len(self.senders.members) > NEAREST
        found = routing.rank_sites(self.network, rules, job, job.placed_at, NEAREST if few else None)
        best = [sites[i].id for i in found]
        if few and len(best) == NEAREST:
            return Candidates(tuple(best), complete=False)
        others = self.candidates(job.destination, whole_pool=True).locations
        return Candidates(tuple(dict.fromkeys((*best, *others))), complete=True)


def _paid(price: Price | None, terms: Terms) -> int:
    """By the buyer for one, in minor units."""
    if price is None:
        return 0
    return price.amount if terms.tax_included else round(price.amount * (1 + price.tax_rate))


def _holds_back(rules: PublishRules) -> bool:
    return rules != PublishRules()


class Counters:
    """The channels of this house by code."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._atlas = Atlas()
        self._goods: dict[str, tuple[float, Goods | None]] = {}
        self._asked: set[str] = set()
        self._prices: dict[tuple[str, str], tuple[float, int]] = {}
        self._places: dict[tuple[str, str], tuple[float, tuple[float, float] | None]] = {}
        self._reading: asyncio.Task[None] | None = None
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
                found = await load(reader, code, self._atlas)
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

    async def goods(self, skus: Iterable[str]) -> dict[str, Goods]:
        """What moving these SKUs takes, as it was at most `GOODS_FOR` seconds ago; SKUs that nobody knows are left out."""
        now, wanted = time.monotonic(), set(skus)
        while stale := [sku for sku in wanted if sku not in self._goods or now - self._goods[sku][0] > GOODS_FOR]:
            self._asked.update(stale)
            if self._reading is None:
                self._reading = asyncio.create_task(self._read_goods(), name="goods")
            await asyncio.shield(self._reading)
        there = {sku: self._goods[sku][1] for sku in wanted}
        return {sku: one for sku, one in there.items() if one is not None}

    async def _read_goods(self) -> None:
        """Reads what all callers of this moment have asked for."""
        try:
            await asyncio.sleep(0)
            asked, self._asked = self._asked, set()
            async with self._database.read() as reader:
                read = await catalogue.goods(reader, list(asked))
            if len(self._goods) > _MOST_GOODS:
                self._goods.clear()
            now = time.monotonic()
            self._goods |= {sku: (now, read.get(sku)) for sku in asked}
        finally:
            self._reading = None

    async def located(self, address: Address) -> Address:
        """With the middle of its postcode as its place, where nobody has said a better one and that is known."""
        if address.latitude is not None or address.longitude is not None or not (address.country and address.postcode):
            return address
        place = await self.place_of(address.country, address.postcode)
        return address if place is None else msgspec.structs.replace(address, latitude=place[0], longitude=place[1])

    async def place_of(self, country: str, postcode: str) -> tuple[float, float] | None:
        """(latitude, longitude) of the middle of a postcode; None where nobody knew it a moment ago."""
        key, now = (country, postcode), time.monotonic()
        known = self._places.get(key)
        if known is None or now - known[0] > (GOODS_FOR if known[1] else FRESH_FOR):
            if len(self._places) > _MOST_PLACES:
                self._places.clear()
            async with self._database.read() as reader:
                known = self._places[key] = (now, await locations.place_of(reader, country, postcode))
        return known[1]

    async def profile(
        self, counter: Counter, service: Service, country: str, lines: Sequence[tuple[str, int, int | None]]
    ) -> Profile:
        """By what rule sets and schedules tell an order of these lines apart, (SKU, units, price of one or None for the
        market's). What none of the channel's asks for is not read.
        """
        asked = list(counter.conditions)
        skus = [sku for sku, _, _ in lines]
        goods: dict[str, Goods] = {}
        if any(one.categories or one.brands for one in asked):
            goods = await self.goods(skus)
        return Profile(
            counter.channel.code,
            country,
            service,
            routing.categories_of(goods.values()),
            frozenset(skus),
            routing.brands_of(goods.values()),
            await self._worth(counter, lines) if any(routing.asks_value(one) for one in asked) else 0,
            counter.terms.currency,
        )

    async def _worth(self, counter: Counter, lines: Sequence[tuple[str, int, int | None]]) -> int:
        """What the buyer pays for all of it, in minor units."""
        goods = await self.goods([sku for sku, _, _ in lines])
        prices = await self._values(counter, [sku for sku, _, price in lines if price is None])
        total = 0
        for sku, units, price in lines:
            value = units * (prices.get(sku, 0) if price is None else price)
            total += value if sku not in goods or goods[sku].unit is Unit.UNIT else round(value / 1000)
        return total

    async def needs(self, counter: Counter, lines: Sequence[tuple[str, int, int | None]]) -> tuple[Need, ...]:
        """Lines of (SKU, units, price of one or None for the market's), numbered from 1 on, as routing sees them. What nobody
        knows has only its number.
        """
        goods = await self.goods([sku for sku, _, _ in lines])
        prices = await self._values(counter, [sku for sku, _, price in lines if price is None])
        found: list[Need] = []
        for n, (sku, units, price) in enumerate(lines, start=1):
            one = goods.get(sku)
            weight = 0 if one is None else one.weighs(units) // units
            value = prices.get(sku, 0) if price is None else price
            if one is not None and one.unit is not Unit.UNIT:
                value //= 1000  # a thousandth's
            found.append(Need(n, sku, units, weight, value, one is not None and one.dangerous))
        return tuple(found)

    async def _values(self, counter: Counter, skus: Sequence[str]) -> dict[str, int]:
        """What one of each costs in the channel's market, as it was at most `PRICES_FOR` seconds ago; nothing is asked where
        nothing of the channel looks at what a parcel or an order is worth.
        """
        of_parcels = any(one.rules.minimum_pick or one.rules.splitting.least_value for one in counter.rule_sets)
        if not skus or not (of_parcels or any(routing.asks_value(one) for one in counter.conditions)):
            return {}
        terms, now = counter.terms, time.monotonic()
        market = terms.market
        stale = [sku for sku in skus if now - self._prices.get((market, sku), (-PRICES_FOR, 0))[0] > PRICES_FOR]
        if stale:
            async with self._database.read() as reader:
                read = await pricing.prices(reader, market, stale)
            if len(self._prices) > _MOST_GOODS:
                self._prices.clear()
            self._prices |= {(market, sku): (now, _paid(read.get(sku), terms)) for sku in stale}
        return {sku: self._prices[market, sku][1] for sku in skus}

    def forget(self) -> None:
        """Loads everything anew when it is asked for next."""
        self._goods.clear()
        self._prices.clear()
        self._places.clear()
        self._kept.clear()
        self._loading.clear()


async def load(reader: Reader, code: str, atlas: Atlas | None = None) -> Counter:
    """The channel as it is now, active or not. `atlas` is asked for rule sets and their network, where somebody keeps one."""
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
    senders = PoolGeometry.of(ships or members)
    if atlas is None:
        return Counter(channel, terms, members, senders, time.monotonic())
    await atlas.refresh(reader)
    own = tuple([one for one in atlas.live if channel.code in (one.rules.condition.channels or (channel.code,))])
    schedules = tuple([one for one in atlas.schedules if channel.code in (one.condition.channels or (channel.code,))])
    network = await atlas.network(reader, channel.pool_id)
    return Counter(channel, terms, members, senders, time.monotonic(), own, network, schedules)
