"""The products of the demo, kept as columns of codes and written out a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from comptoir.sdk.orders import LineKind
from comptoir.surfaces.demo import source, wording

KINDS = tuple(LineKind)
"""Line kinds are kept as their position here."""
ITEM = KINDS.index(LineKind.ITEM)

_CHUNK = 5_000
_PRICE_BITS = 32
_PREPARED = ("SALAD BAR", "RESTAURANT", "CHEF SHOPPE")
_QUALITIES = frozenset(
    {
        "PREMIUM",
        "MAINSTREAM",
        "TRADITIONAL",
        "REGULAR",
        "LEAN",
        "PRIMAL",
        "ECONOMY",
        "GRINDS",
        "ANGUS",
        "ENHANCED",
        "BLENDS",
        "SPECIALTY",
        "AUTHENTIC",
        "BASIC",
        "VALUE",
        "SELECT",
        "SUPER PREMIUM",
        "SMOKED/COOKED",
        "BETTER FOR YOU",
        "STICKS/ENROBED",
        "PREMIUM - MEAT",
        "OTHER",
        "MISCELLANEOUS",
        "ORGANIC",
        "FRESH",
        "FROZEN",
        "NATURAL",
    }
)
"""Product types that say how good a thing is but not what it is; their category does."""


@dataclass(frozen=True, slots=True)
class Product:
    """One product that is also its only variant.

    `price` is the median shelf price of the year in cents, before discounts, and None for what nobody bought; of a weighed
    product it is the price of a thousand thousandths. `tax_rate` is 0: the data has no taxes.
    """

    sku: str
    name: str
    brand: str
    manufacturer: str
    path: tuple[str, ...]
    path_fr: tuple[str, ...]
    price: int | None
    weighed: bool
    sold: bool
    kind: LineKind
    """Of its lines; all but items move no stock."""
    tax_rate: int = 0


@dataclass(frozen=True, slots=True)
class _Coded:
    index: NDArray[np.int32]
    texts: tuple[str, ...]

    def of(self, product: int) -> str:
        return self.texts[int(self.index[product])]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The `count` products of the product file and, behind them, the few that were sold without being in it."""

    ids: NDArray[np.int32]
    count: int
    kind: NDArray[np.uint8]
    weighed: NDArray[np.bool_]
    till_only: NDArray[np.bool_]
    """Fuel, and what is prepared at a counter."""
    sold: NDArray[np.bool_]
    price: NDArray[np.int32]
    """-1 for none."""
    _manufacturer: NDArray[np.int32]
    _department: _Coded
    _category: _Coded
    _type: _Coded
    _size: _Coded
    _brand: _Coded

    @property
    def unlisted(self) -> tuple[str, ...]:
        return tuple(str(number) for number in self.ids[self.count :].tolist())

    def sku(self, index: int) -> str:
        return str(self.ids[index])

    def name(self, index: int) -> str:
        if index >= self.count:
            return f"Unlisted product {self.ids[index]}"
        kind = self._type.of(index)
        category = self._category.of(index)
        if kind in _QUALITIES and category:
            kind = f"{category} - {kind}"
        return _name(kind or category or f"PRODUCT {self.ids[index]}", self._size.of(index))

    def product(self, index: int) -> Product:
        price = int(self.price[index])
        department = self._department.of(index)
        category = self._category.of(index)
        kind = self._type.of(index)
        return Product(
            sku=self.sku(index),
            name=self.name(index),
            brand=self._brand.of(index),
            manufacturer=str(self._manufacturer[index]),
            path=_path(department, category, kind, "en"),
            path_fr=_path(department, category, kind, "fr"),
            price=price if price >= 0 else None,
            weighed=bool(self.weighed[index]),
            sold=bool(self.sold[index]),
            kind=KINDS[int(self.kind[index])],
        )

    def products(self, chunk: int = _CHUNK) -> Iterator[list[Product]]:
        """The products of the file, in its order."""
        for first in range(0, self.count, chunk):
            yield [self.product(index) for index in range(first, min(first + chunk, self.count))]


@lru_cache(maxsize=20_000)
def _name(kind: str, size: str) -> str:
    return f"{wording.words(kind)}, {wording.size(size)}" if size else wording.words(kind)


@lru_cache(maxsize=10_000)
def _path(department: str, category: str, kind: str, language: str) -> tuple[str, ...]:
    names = (
        wording.department(department, language),
        wording.category(category, language),
        wording.words(kind) if kind else "",
    )
    return tuple(name for name in names if name)


def _kind_of(department: str, category: str, kind: str) -> LineKind:
    """What a line of such a product is: most are stocked, some are only sums on the receipt."""
    if department == "COUPON" or category.startswith("COUPONS/"):
        return LineKind.ADJUSTMENT
    if "GIFT CARD" in kind and "MISC" in category:
        return LineKind.GIFT_CARD
    if category == "BOTTLE DEPOSITS" or kind.startswith("CRV DEPOSIT"):
        return LineKind.DEPOSIT
    if kind in {"MISC SALES TRANS", "TICKETS"}:
        return LineKind.FEE
    return LineKind.ITEM


def _classify(
    department: _Coded, category: _Coded, kind: _Coded
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]:
    """For each product its line kind, whether it is fuel, and whether a counter prepares it."""
    triples, inverse = np.unique(np.stack([department.index, category.index, kind.index]), axis=1, return_inverse=True)
    codes = cast("list[list[int]]", triples.T.tolist())
    texts = [(department.texts[d], category.texts[c], kind.texts[k]) for d, c, k in codes]
    kinds = np.array([KINDS.index(_kind_of(*text)) for text in texts], np.uint8)
    fuel = np.array([text.startswith("GASOLINE") for _, _, text in texts])
    prepared = np.array([text in _PREPARED for text, _, _ in texts])
    return kinds[inverse], fuel[inverse], prepared[inverse]


def read(sold_ids: NDArray[np.int32]) -> Catalogue:
    """The catalogue, with those of the sold products that the file does not list behind it; prices are found later."""
    listed = source.small_integers("products", "product_id")
    ids = np.concatenate([listed, np.setdiff1d(sold_ids, listed)])
    department, category, kind, size, brand = (
        _Coded(*source.codes("products", column))
        for column in ("department", "product_category", "product_type", "package_size", "brand")
    )
    listed_kind, is_fuel, prepared = _classify(department, category, kind)
    beyond = len(ids) - len(listed)
    return Catalogue(
        ids=ids,
        count=len(listed),
        kind=np.concatenate([listed_kind, np.full(beyond, KINDS.index(LineKind.ADJUSTMENT), np.uint8)]),
        weighed=np.append(is_fuel, np.zeros(beyond, np.bool_)),
        till_only=np.append(is_fuel | prepared, np.zeros(beyond, np.bool_)),
        sold=np.isin(ids, sold_ids),
        price=np.full(len(ids), -1, np.int32),
        _manufacturer=source.small_integers("products", "manufacturer_id"),
        _department=department,
        _category=category,
        _type=kind,
        _size=size,
        _brand=brand,
    )


def set_prices(catalogue: Catalogue, product: NDArray[np.int32], unit_price: NDArray[np.int64]) -> None:
    """Take for each product the median of its lines' unit prices (the lower one of two). Uses up `unit_price`."""
    # Both in one number, which sorts in place: the columns are long, and an index of them would be longer.
    unit_price += product.astype(np.int64) << _PRICE_BITS
    unit_price.sort()
    count = np.bincount(product, minlength=len(catalogue.ids))
    priced = np.flatnonzero(count)
    middle = (np.cumsum(count) - count + (count - 1) // 2)[priced]
    catalogue.price[priced] = unit_price[middle] & ((1 << _PRICE_BITS) - 1)
