"""What the page of a buyer's returns shows, as values: what may come back, what is on its way, and what there is instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from comptoir.kernel.errors import NotFound
from comptoir.kernel.zones import zone_of_country
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit, Variant
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Extra, ReturnCase, ReturnState, Verdict
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CustomerId
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationFilter, LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order, OrderId, OrderLine
from comptoir.modules.payments import api as payments
from comptoir.modules.pricing import api as pricing
from comptoir.runtime.database import Reader
from comptoir.surfaces.changing import SETTING, facts_of
from comptoir.surfaces.pools import pool_of

OPEN = (ReturnState.REQUESTED, ReturnState.APPROVED, ReturnState.IN_TRANSIT)
_MOST_STORES = 5


@dataclass(frozen=True, slots=True)
class Line:
    """Something that the buyer has; `open` units of it are not on their way back already."""

    line: OrderLine
    open: int
    verdict: Verdict | None
    weighed: bool = False
    """It comes back whole."""

    @property
    def name(self) -> str:
        return self.line.name or self.line.sku or ""


@dataclass(frozen=True, slots=True)
class Coming:
    """A return as its buyer sees it."""

    case: ReturnCase
    code: str
    names: tuple[tuple[str, int], ...]
    """(name, units)."""

    @property
    def open(self) -> bool:
        """Whether it can still be given up, and its papers are of use."""
        return self.case.state in OPEN


@dataclass(frozen=True, slots=True)
class Portal:
    order: Order
    locale: str
    """The buyer's own, empty where nobody knows."""
    country: str
    zone: ZoneInfo
    lines: tuple[Line, ...]
    coming: tuple[Coming, ...]
    marketplace: bool
    promised: int
    """What is to be refunded and has not moved."""
    stores: tuple[Location, ...]


@dataclass(frozen=True, slots=True)
class Instead:
    """Another version of an article: what it is called, and what it costs as an exchange."""

    sku: str
    name: str
    extra: Extra


async def portal(reader: Reader, order_id: OrderId, now: datetime) -> Portal:
    """Raises NotFound."""
    order = await orders.order(reader, order_id)
    cases = await changes.returns_of(reader, order_id)
    facts = await facts_of(reader, order.channel_id)
    found = await changes.offers(reader, order_id, SETTING, now) if order.shipped > order.returned else {}
    address = order.ship_to or {}
    country = str(address.get("country") or "")
    names = {line.line_no: line.name or line.sku or "" for line in order.lines}
    promised = sum(one.open for one in await payments.grants_of(reader, order_id)) if cases else 0
    return Portal(
        order=order,
        locale=await _locale(reader, order),
        country=country,
        zone=ZoneInfo(zone_of_country(country)),
        lines=tuple(_lines(order, cases, found, await _weighed(reader, order))),
        coming=tuple(
            [
                Coming(
                    one, changes.return_code(one.number), tuple([(names[item.line_no], item.quantity) for item in one.items])
                )
                for one in reversed(cases)
            ]
        ),
        marketplace=facts.marketplace,
        promised=promised,
        stores=tuple(await _stores(reader, order)),
    )


async def _weighed(reader: Reader, order: Order) -> set[str]:
    skus = sorted({line.sku for line in order.lines if line.sku is not None and line.shipped > line.returned})
    found = await catalogue.sellable(reader, skus) if skus else {}
    return {sku for sku, one in found.items() if one.unit == Unit.THOUSANDTH}


def _lines(order: Order, cases: Sequence[ReturnCase], verdicts: Mapping[int, Verdict], weighed: Collection[str]) -> list[Line]:
    coming: dict[int, int] = {}
    for case in cases:
        if case.state not in {ReturnState.DECLINED, ReturnState.CANCELLED, ReturnState.CLOSED}:
            for item in case.items:
                coming[item.line_no] = coming.get(item.line_no, 0) + max(0, item.quantity - item.received)
    return [
        Line(
            line,
            line.shipped - line.returned - coming.get(line.line_no, 0),
            verdicts.get(line.line_no),
            line.sku in weighed,
        )
        for line in order.lines
        if line.sku is not None and line.shipped > line.returned
    ]


async def _locale(reader: Reader, order: Order) -> str:
    if order.customer_id is None:
        return ""
    try:
        return (await customers.get(reader, CustomerId(order.customer_id))).locale
    except NotFound:
        return ""


async def _stores(reader: Reader, order: Order) -> list[Location]:
    """Stores that take returns, the nearest first where anybody knows how far they are."""
    address = order.ship_to or {}
    country = str(address.get("country") or "") or None
    wanted = LocationFilter(kind=LocationKind.STORE, active=True, country=country)
    found = [one async for one in locations.stream(reader, wanted) if one.returns]
    latitude, longitude = address.get("latitude"), address.get("longitude")

    def far(one: Location) -> tuple[float, str]:
        if not (
            isinstance(latitude, float)
            and isinstance(longitude, float)
            and one.latitude is not None
            and one.longitude is not None
        ):
            return (0.0 if one.city and one.city == address.get("city") else 1.0, one.name)
        return (locations.distance_km((latitude, longitude), (one.latitude, one.longitude)), one.name)

    return sorted(found, key=far)[:_MOST_STORES]


async def instead(reader: Reader, order: Order, line: OrderLine) -> list[Instead]:
    """Other versions of what a line is, as far as they are there.

    What costs today what the line's article does is an even exchange, at the price that was paid; anything else costs what it
    costs today.
    """
    assert line.sku is not None, "whoever calls has looked"
    try:
        product = await catalogue.get(reader, (await catalogue.by_sku(reader, line.sku)).product_id)
    except NotFound:
        return []
    others = [one for one in product.variants if one.sku != line.sku and one.active]
    if not others or not product.active:
        return []
    prices = await pricing.prices(reader, order.market, [line.sku, *[one.sku for one in others]])
    senders = list(orders.senders(await pool_of(reader, order.channel_id)))
    there: dict[str, int] = {}
    for sku, _place, units in await inventory.available_in_pool(reader, [one.sku for one in others], senders):
        there[sku] = max(there.get(sku, 0), units)
    found: list[Instead] = []
    for one in others:
        price, own = prices.get(one.sku), prices.get(line.sku)
        if price is None or (one.stocked and there.get(one.sku, 0) < 1):
            continue
        even = own is not None and own.amount == price.amount and line.quantity and line.amount % line.quantity == 0
        paid = (line.amount - line.discount) // line.quantity if even else None
        found.append(Instead(one.sku, _name(one), Extra(one.sku, 1, paid)))
    return found


def _name(one: Variant) -> str:
    return ", ".join(one.options.values()) or one.name or one.sku
