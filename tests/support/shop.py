"""A small retailer for tests, made through the doors of the modules: places, channels, products with prices and stock.

shop = Shop(database)
await shop.market()
await shop.location("paris")
await shop.channel("web", ["paris"])
await shop.product("TEA", 500, stock={"paris": 10})
placed = await shop.place("web", {"TEA": 2})
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from comptoir.kernel.errors import Refusal
from comptoir.kernel.money import Currency
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, Unit, VariantDraft
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import ChannelDraft, ChannelKind, PublishRules
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind, Level, Movement, Reservation
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationDraft, LocationId, LocationKind, PoolDraft
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import (
    Candidates,
    ChannelId,
    ExceptionFilter,
    Fact,
    Held,
    HoldRequest,
    Order,
    OrderDetails,
    OrderException,
    OrderId,
    Place,
    Placed,
    Placement,
    PlacementLine,
    Recorded,
    Terms,
    Widen,
)
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import MarketDraft, PriceDraft
from comptoir.runtime.consumers import ConsumerRunner, lag, parked
from comptoir.runtime.database import Database, Reader
from comptoir.sdk.orders import ChannelLine, ChannelOrder, LineKind
from comptoir.surfaces.pools import pool_id_of, pool_of
from support.consumers import drained

EUR = Currency("EUR")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(slots=True)
class Shop:
    """Everything by its code; each verb is a transaction of its own."""

    database: Database
    locations: dict[str, LocationId] = field(default_factory=dict[str, LocationId])
    terms: dict[str, Terms] = field(default_factory=dict[str, Terms])
    _serial: itertools.count[int] = field(default_factory=itertools.count)
    _runner: ConsumerRunner | None = None

    async def market(self, code: str = "fr", *, currency: str = "EUR", tax_included: bool = True) -> None:
        async with self.database.transaction() as tx:
            await pricing.put_market(
                tx,
                MarketDraft(
                    code=code, name=code, currency=Currency(currency), country="FR", tax_included=tax_included, tax_name="TVA"
                ),
            )

    async def location(self, code: str, kind: LocationKind = LocationKind.WAREHOUSE, **more: Any) -> LocationId:
        draft = LocationDraft(code=code, name=code, kind=kind, country="FR", time_zone="Europe/Paris", **more)
        async with self.database.transaction() as tx:
            self.locations[code] = (await locations.create(tx, draft)).id
        return self.locations[code]

    async def channel(
        self,
        code: str,
        pool: Sequence[str],
        *,
        market: str = "fr",
        backorder: bool = False,
        rules: PublishRules | None = None,
        kind: ChannelKind = ChannelKind.WEB,
    ) -> Terms:
        """A channel that sells from these locations, the first of them first, and the terms on which it does."""
        members = [(self.locations[location], n) for n, location in enumerate(pool)]
        own = rules or PublishRules()
        async with self.database.transaction() as tx:
            stock_pool = await locations.create_pool(tx, PoolDraft(code=f"pool-{code}", name=code, members=members))
            made = await channels.create(
                tx,
                ChannelDraft(
                    code=code, name=code, kind=kind, pool_id=stock_pool.id, market=market, backorder=backorder, rules=own
                ),
            )
            of = await pricing.market(tx, market)
        self.terms[code] = Terms(
            channel_id=ChannelId(made.id),
            channel_code=code,
            market=market,
            currency=of.currency,
            tax_included=of.tax_included,
            tax_name=of.tax_name,
            backorder=backorder,
            pool=tuple(location for location, _ in members),
            publishable=None if rules is None else lambda total: channels.publishable_of(total, own),
        )
        return self.terms[code]

    async def product(
        self,
        sku: str,
        price: int | None = 1000,
        *,
        tax: str = "0.2",
        market: str = "fr",
        stock: Mapping[str, int] | None = None,
        stocked: bool = True,
        active: bool = True,
        unit: Unit = Unit.UNIT,
    ) -> None:
        """A product with one variant of the same name; `price` is in minor units, None where it has none."""
        variant = VariantDraft(sku=sku, stocked=stocked, active=active, unit=unit)
        async with self.database.transaction() as tx:
            await catalogue.create(tx, ProductDraft(code=f"p-{sku}", names={"fr": sku}, variants=[variant]))
            if price is not None:
                await pricing.set_prices(tx, market, [PriceDraft(sku, price, Decimal(tax))])
        for location, quantity in (stock or {}).items():
            await self.receive(sku, location, quantity)

    async def receive(self, sku: str, location: str, quantity: int) -> None:
        """Units come in (or go, below 0) without any other cause than that."""
        movement = Movement(EntryKind.RECEIVED, sku, self.locations[location], on_hand=quantity, reason="test")
        async with self.database.transaction() as tx:
            await inventory.record(tx, [movement])

    def candidates(self, channel: str, *, nearest: int | None = None) -> Candidates:
        pool = self.terms[channel].pool
        return Candidates(pool, True) if nearest is None else Candidates(pool[:nearest], nearest >= len(pool))

    def placement(self, channel: str, units: Mapping[str, int], *, nearest: int | None = None, **more: Any) -> Placement:
        """An order to ask for; `more` are fields of `Placement`."""
        lines = more.pop("lines", None) or tuple(PlacementLine(sku, quantity) for sku, quantity in units.items())
        return Placement(self.terms[channel], self.candidates(channel, nearest=nearest), lines, **more)

    def hold_request(self, channel: str, units: Mapping[str, int], *, seconds: int = 600, **more: Any) -> HoldRequest:
        lines = tuple(PlacementLine(sku, quantity) for sku, quantity in units.items())
        cart = str(more.pop("cart", f"cart-{next(self._serial)}"))
        return HoldRequest(self.terms[channel], self.candidates(channel), lines, cart, seconds, **more)

    async def ask(self, *requests: Placement | HoldRequest) -> list[Placed | Held | Widen | Refusal]:
        """One batch of capture, in one transaction."""
        async with self.database.transaction() as tx:
            return await orders.capture(tx, requests)

    async def place(self, channel: str, units: Mapping[str, int], **more: Any) -> Placed:
        """An order that is promised; raises what refuses it."""
        (answer,) = await self.ask(self.placement(channel, units, **more))
        if isinstance(answer, Refusal):
            raise answer
        assert isinstance(answer, Placed)
        return answer

    async def hold(self, channel: str, units: Mapping[str, int], **more: Any) -> Held:
        (answer,) = await self.ask(self.hold_request(channel, units, **more))
        if isinstance(answer, Refusal):
            raise answer
        assert isinstance(answer, Held)
        return answer

    def reported(
        self, channel: str, lines: Mapping[str, int] | Sequence[ChannelLine], *, nearest: int | None = None, **more: Any
    ) -> Fact:
        """An order as a channel tells it. `more` are fields of `ChannelOrder`, and `location`, `moves_stock` and `shipped`."""
        location = more.pop("location", None)
        moves_stock = bool(more.pop("moves_stock", True))
        shipped = bool(more.pop("shipped", False))
        if isinstance(lines, Mapping):
            lines = [sold(sku, quantity, shipped=quantity if shipped else 0) for sku, quantity in lines.items()]
        named: dict[str, Any] = {
            "external_id": f"E{next(self._serial)}",
            "version": "1",
            "placed_at": NOON,
            "currency": EUR,
        } | more
        return Fact(
            self.terms[channel],
            ChannelOrder(lines=tuple(lines), **named),
            self.candidates(channel, nearest=nearest),
            location_id=None if location is None else self.locations[location],
            moves_stock=moves_stock,
        )

    async def report(self, *facts: Fact) -> list[Recorded]:
        async with self.database.transaction() as tx:
            return await orders.record(tx, facts)

    async def tell(self, channel: str, lines: Mapping[str, int] | Sequence[ChannelLine], **more: Any) -> Recorded:
        """One order of a channel, recorded."""
        (answer,) = await self.report(self.reported(channel, lines, **more))
        return answer

    async def ring_up(self, location: str, units: Mapping[str, int], channel: str = "till", **more: Any) -> Recorded:
        """A sale at the till of a store: it has happened, and the units are gone."""
        return await self.tell(channel, units, location=location, shipped=True, **more)

    async def order(self, order_id: OrderId) -> Order:
        async with self.database.read() as reader:
            return await orders.order(reader, order_id)

    async def details(self, order_id: OrderId) -> OrderDetails:
        async with self.database.read() as reader:
            return await orders.get(reader, order_id)

    async def level(self, sku: str, location: str) -> Level:
        spot = (sku, self.locations[location])
        async with self.database.read() as reader:
            return (await inventory.levels_at(reader, [spot])).get(spot, Level())

    async def reserved(self, order_id: OrderId) -> dict[tuple[int, str], int]:
        """What is reserved for an order, by line and location code."""
        codes = {location_id: code for code, location_id in self.locations.items()}
        async with self.database.read() as reader:
            found: list[Reservation] = await inventory.reservations_of(reader, [order_id])
        return {(r.line_no, codes[r.location_id]): r.quantity for r in found}

    async def work(self, order_id: OrderId) -> list[Fulfilment]:
        """The fulfilment orders of an order, the oldest first."""
        async with self.database.read() as reader:
            return sorted(await fulfilment.of_orders(reader, [order_id]), key=lambda one: one.number)

    async def open_exceptions(self) -> list[OrderException]:
        async with self.database.read() as reader:
            page = await orders.find_exceptions(reader, ExceptionFilter(), sort="opened", limit=200)
        return [row.exception for row in page.items]

    async def pool_of(self, reader: Reader, channel_id: ChannelId) -> Sequence[Place]:
        return await pool_of(reader, channel_id)

    async def settle(self) -> None:
        """Lets the consumers of orders and fulfilment do all there is to do. The first call also begins to watch."""
        if self._runner is None:
            own = (*orders.consumers(self.pool_of), *fulfilment.consumers(pool_id_of))
            self._runner = ConsumerRunner(self.database, own)
        await drained(self.database, self._runner)

    async def doctors(self) -> None:
        """Fails when stock or orders do not add up, or somebody's work is not what is promised from there."""
        async with self.database.transaction(snapshot=True) as tx:
            stock, book = await inventory.audit(tx), await orders.audit(tx)
            followed = self._runner is not None and all(one.events == 0 for one in await lag(tx))
            work = await fulfilment.audit(tx) if followed else None
            broken = await parked(tx)
        assert stock.clean, stock.findings
        assert book.clean, book.findings
        assert not broken, broken
        assert work is None or work.clean, work.findings


def sold(sku: str, quantity: int, price: int = 1000, **more: Any) -> ChannelLine:
    """A line of a channel's order; `more` are fields of `ChannelLine`."""
    return ChannelLine(LineKind.ITEM, sku, quantity, price * quantity, sku=sku, **more)
