"""Products that may come on top of an order, with their price in its market and what is there of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit, VariantFilter
from comptoir.modules.catalogue.errors import UnknownVariant
from comptoir.modules.inventory import api as inventory
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order
from comptoir.modules.pricing import api as pricing
from comptoir.runtime.database import Reader
from comptoir.surfaces.changing import SETTING

FOUND = 8
VARIANTS = 50


@dataclass(frozen=True, slots=True)
class Offer:
    """A product as it could be added now. `price` is minor units; None where the market has none."""

    sku: str
    name: str
    price: int | None
    available: int
    per: int
    """How many units the price is for: 1000 of what is weighed."""
    quantity: str = "1"
    error: str = ""


async def offers_of(reader: Reader, order: Order, skus: Sequence[str]) -> dict[str, Offer]:
    """By SKU; those that nobody knows are left out."""
    wanted = [sku for sku in dict.fromkeys(skus) if sku]
    if not wanted:
        return {}
    known = await catalogue.sellable(reader, wanted)
    prices = await pricing.prices(reader, order.market, list(known))
    places = orders.senders(await SETTING.pool_of(reader, order.channel_id))
    there: Counter[str] = Counter()
    for sku, _, available in await inventory.available_in_pool(reader, list(known), list(places)):
        there[sku] += available
    return {
        sku: Offer(
            sku,
            one.name,
            prices[sku].amount if sku in prices else None,
            there[sku],
            1000 if one.unit == Unit.THOUSANDTH else 1,
        )
        for sku, one in known.items()
        if one.active
    }


async def found(reader: Reader, order: Order, text: str) -> list[Offer]:
    """What fits the words."""
    if not text.strip():
        return []
    page = await catalogue.find(reader, VariantFilter(search=text.strip(), active=True), limit=FOUND)
    return list((await offers_of(reader, order, [one.sku for one in page.items])).values())


async def variants_of(reader: Reader, order: Order, sku: str) -> list[Offer]:
    """The variants of the same product, this one too; what is there first."""
    try:
        product = (await catalogue.by_sku(reader, sku)).product_id
    except UnknownVariant:
        return []
    page = await catalogue.find(reader, VariantFilter(product=product, active=True), limit=VARIANTS)
    offers = (await offers_of(reader, order, [one.sku for one in page.items])).values()
    return sorted(offers, key=lambda one: (one.available <= 0, one.name, one.sku))
