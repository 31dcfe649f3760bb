"""The demo's year, ready to play: who sells what where, from which stock, and in which order. No database.

`build()` reads the data set and decides all that is ours to decide, in the same way every time: it takes about two seconds and
nothing in it depends on a seed, a clock or the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from comptoir.kernel.money import Currency
from comptoir.sdk.orders import Address, Buyer, ChannelLine, ChannelOrder, ChannelPayment, Discount, PaymentKind
from comptoir.surfaces.demo import catalogue as products
from comptoir.surfaces.demo import replenishment, source, stream
from comptoir.surfaces.demo.catalogue import Catalogue, Product
from comptoir.surfaces.demo.places import WAREHOUSE_TOWNS, Capability, Place, PlaceKind, distance_km, homes, places, towns
from comptoir.surfaces.demo.replenishment import Replenishment, Stock
from comptoir.surfaces.demo.stream import CHANNELS, FACTS, Basket, Channel, Chunk, Mark, Totals, Year

ABOUT = (
    "The sales are The Complete Journey by 84.51°: one year of purchases by 2,469 households at 457 stores, 1,469,307 lines "
    "worth $4,596,039.58. Ours are the placing of the stores on real towns, the three distribution centres, the homes, the "
    "stock and its deliveries, and which baskets came by web, app, phone or marketplace. There are no taxes, because the data "
    "has none."
)
ABOUT_FR = (
    "Les ventes sont celles de « The Complete Journey » de 84.51° : une année d’achats de 2 469 foyers dans 457 magasins, soit "
    "1 469 307 lignes pour 4 596 039,58 $. De notre fait : l’emplacement des magasins dans de vraies villes, les trois centres "
    "de distribution, les domiciles, le stock et ses livraisons, et le choix des paniers venus du web, de l’application, du "
    "téléphone ou d’une place de marché. Il n’y a pas de taxes, car les données n’en comportent pas."
)

USD = Currency("USD")
RETAIL, COUPON_MATCH = "retail", "coupon_match"
"""Discount codes: the loyalty card's price, and the retailer's own matching of a manufacturer's coupon."""
MANUFACTURER_COUPON, UNRECORDED = "manufacturer_coupon", "other"
"""Means of payment. The data does not say how the rest was paid."""

_FIRST_STORE = len(WAREHOUSE_TOWNS)
_DEMOGRAPHICS = ("age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count")


@dataclass(frozen=True, slots=True)
class Household:
    """A customer known by a loyalty number alone; `tags` are `key:value` of the demographics, where the data has them (801 do).

    `store` is the index of the store where it shops most, beside which we have placed its home.
    """

    number: str
    tags: tuple[str, ...]
    store: int
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class ChannelSetup:
    """One channel and, as place codes, the pool that it sells from, in order of priority: groups of equals, nearest first."""

    channel: Channel
    name: str
    name_fr: str
    fact: bool
    """Whether its orders have already happened when we hear of them."""
    pool: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The year. `places` are the warehouses and then the stores; a basket's `store` and `household` are indexes into
    `stores` and `households`, and `source` gives by basket the index into `places` of where its stock is planned to come from.
    """

    places: tuple[Place, ...]
    catalogue: Catalogue
    households: tuple[Household, ...]
    channels: tuple[ChannelSetup, ...]
    year: Year
    source: NDArray[np.int16]
    stock: Replenishment

    @property
    def warehouses(self) -> tuple[Place, ...]:
        return self.places[:_FIRST_STORE]

    @property
    def stores(self) -> tuple[Place, ...]:
        return self.places[_FIRST_STORE:]

    @property
    def weeks(self) -> tuple[Mark, ...]:
        """Where each of the 53 weeks begins: its receipts are due before the basket at its position."""
        return self.year.weeks

    @property
    def days(self) -> tuple[Mark, ...]:
        return self.year.days

    def products(self, chunk: int = 5_000) -> Iterator[list[Product]]:
        return self.catalogue.products(chunk)

    def baskets(self, from_position: int = 0, *, chunk: int = stream.CHUNK, until: int | None = None) -> Iterator[Chunk]:
        """The baskets from that position on, in time order; no chunk crosses the beginning of a week."""
        return self.year.baskets(from_position, chunk=chunk, until=until)

    def opening_stock(self, chunk: int = replenishment.CHUNK) -> Iterator[Stock]:
        """What lies there before the first basket, ordered by place and product."""
        return self.stock.opening.chunks(chunk)

    def receipts(self, week: int) -> Stock:
        """What arrives at the beginning of that week (1 to 53), ordered by place and product."""
        return self.stock.of_week(week)

    def expected_totals(self, until: int | None = None) -> Totals:
        """What must have been recorded once the baskets before position `until` have played; of the year by default."""
        return self.year.expected_totals(until)

    def external_id(self, basket: Basket) -> str:
        """The basket's number as its channel writes it; unique within the year."""
        return str(basket.number) if basket.channel is Channel.POS else f"{basket.channel.value.upper()}-{basket.number}"

    def order(self, basket: Basket) -> ChannelOrder:
        """The basket as a channel would tell it. Its lines' totals add up to what the retailer receives, to the cent."""
        household, store = self.households[basket.household], self.places[_FIRST_STORE + basket.store]
        at_store = basket.channel is Channel.POS or basket.pickup
        return ChannelOrder(
            external_id=self.external_id(basket),
            version="1",
            placed_at=basket.at,
            currency=USD,
            lines=tuple(self._line(line) for line in basket.lines),
            buyer=Buyer(loyalty_number=household.number),
            ship_to=None if at_store else self.ship_to(basket.household),
            location_code=store.code if at_store else "",
            pickup=basket.pickup,
            payments=self._payments(basket),
            tags=("demo",),
        )

    def ship_to(self, household: int) -> Address:
        """The household's home: a town and a point, with the loyalty number in place of a name."""
        home = self.households[household]
        town = self.places[_FIRST_STORE + home.store]
        return Address(
            name=home.number,
            city=town.city,
            region=town.region,
            country=town.country,
            latitude=home.latitude,
            longitude=home.longitude,
        )

    def _line(self, line: stream.Line) -> ChannelLine:
        reductions = ((RETAIL, "Loyalty price", line.retail), (COUPON_MATCH, "Coupon match", line.coupon_match))
        return ChannelLine(
            kind=line.kind,
            name=self.catalogue.name(line.product),
            quantity=line.quantity,
            amount=line.amount,
            sku=self.catalogue.sku(line.product),
            discounts=tuple(Discount(amount, code, label) for code, label, amount in reductions if amount),
        )

    def _payments(self, basket: Basket) -> tuple[ChannelPayment, ...]:
        due = sum(line.total for line in basket.lines)
        coupons = min(due, sum(line.coupon for line in basket.lines))
        paid = ((MANUFACTURER_COUPON, coupons), (UNRECORDED, due - coupons))
        return tuple(ChannelPayment(PaymentKind.CAPTURED, method, amount, basket.at) for method, amount in paid if amount)


def build(*, opening_weeks: int = replenishment.WEEKS) -> Plan:
    """The plan of the year; raises DemoDataMissing when the demo's packages are not installed.

    `opening_weeks` trades the length of the opening against that of the receipts; see `replenishment.replenish`.
    """
    among = towns()
    catalogue = products.read(stream.product_ids())
    year = stream.read(catalogue)
    _set_prices(catalogue, year)
    stands = places(among, year.store_ids, np.bincount(year.store, weights=year.cents).astype(np.int64), _sales_by_hour(year))
    households = _households(year, stands[_FIRST_STORE:])
    drawn = _sources(year, stands[:_FIRST_STORE], households)
    return Plan(
        places=stands,
        catalogue=catalogue,
        households=households,
        channels=_channels(stands),
        year=year,
        source=drawn,
        stock=replenishment.replenish(year, catalogue, drawn, opening_weeks=opening_weeks),
    )


def _set_prices(catalogue: Catalogue, year: Year) -> None:
    amount = year.total + year.retail + year.coupon_match
    priced = (year.kind != stream.ADJUSTMENT) & (year.kind != stream.FEE) & (amount > 0)
    product, quantity, amount = year.product[priced], year.quantity[priced], amount[priced]
    unit_price = np.where(catalogue.weighed[product], 1000, 1) * amount
    unit_price += quantity // 2
    unit_price //= quantity
    products.set_prices(catalogue, product, unit_price)


def _sales_by_hour(year: Year) -> NDArray[np.int64]:
    """For each store, its baskets by hour of the chain's day."""
    cells = year.store.astype(np.int64) * 24 + stream.local_hours(year.at) % 24
    return np.bincount(cells, minlength=len(year.store_ids) * 24).reshape(-1, 24)


def _households(year: Year, stores: tuple[Place, ...]) -> tuple[Household, ...]:
    visits = np.bincount(
        year.household.astype(np.int64) * len(stores) + year.store, minlength=len(year.household_ids) * len(stores)
    ).reshape(-1, len(stores))
    main = visits.argmax(axis=1).tolist()
    latitude, longitude = homes(year.household_ids, [stores[store] for store in main])
    known = {cast("int", number): values for number, *values in source.rows("demographics", ("household_id", *_DEMOGRAPHICS))}
    return tuple(
        Household(
            number=f"H{number:04d}",
            tags=tuple(f"{key}:{value}" for key, value in zip(_DEMOGRAPHICS, known.get(number, ()), strict=False) if value),
            store=store,
            latitude=where[0],
            longitude=where[1],
        )
        for number, store, where in zip(
            year.household_ids.tolist(), main, zip(latitude.tolist(), longitude.tolist(), strict=True), strict=True
        )
    )


def _sources(year: Year, warehouses: tuple[Place, ...], households: tuple[Household, ...]) -> NDArray[np.int16]:
    """By basket, the place whose stock it draws on: its store when carried home, else the warehouse nearest to the home."""
    latitude = np.array([household.latitude for household in households])
    longitude = np.array([household.longitude for household in households])
    far = np.stack([distance_km(latitude, longitude, place.latitude, place.longitude) for place in warehouses])
    nearest = far.argmin(axis=0)[year.household]
    at_store = (year.channel == CHANNELS.index(Channel.POS)) | year.pickup
    return np.where(at_store, year.store + len(warehouses), nearest).astype(np.int16)


def _channels(stands: tuple[Place, ...]) -> tuple[ChannelSetup, ...]:
    warehouses = tuple(place.code for place in stands if place.kind is PlaceKind.WAREHOUSE)
    stores = sorted((place for place in stands if place.kind is PlaceKind.STORE), key=lambda place: place.rank)
    shipping = tuple(place.code for place in stores if Capability.SHIPS in place.capabilities)
    every = tuple(place.code for place in stores)
    names = {
        Channel.POS: ("Tills", "Caisses", (every,)),
        Channel.WEB: ("Web shop", "Boutique en ligne", (warehouses, every)),
        Channel.APP: ("Mobile app", "Application mobile", (warehouses, every)),
        Channel.MARKETPLACE: ("Marketplace", "Place de marché", (warehouses, shipping)),
        Channel.PHONE: ("Telephone", "Téléphone", (warehouses, every)),
    }
    return tuple(
        ChannelSetup(channel, english, french, channel in FACTS, pool) for channel, (english, french, pool) in names.items()
    )
