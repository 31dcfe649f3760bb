"""What the demo's suppliers send to buyers themselves: goods that only web, app and phone sell, and only to the door.

Each supplier stands in for one distribution centre and has its stock of these goods. The data set knows nothing of that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comptoir.modules.locations.contracts import LocationId
from comptoir.surfaces.demo.catalogue import ITEM, Catalogue
from comptoir.surfaces.demo.hashing import below
from comptoir.surfaces.demo.stream import CHANNELS, Channel, Year

_PER_CENT = 25
"""Of the goods that suppliers could send, so many are theirs: of what is sent to doors, about one order in forty."""


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier, and where it ships from. Real towns, made-up firms."""

    code: str
    name: str
    city: str
    region: str
    latitude: float
    longitude: float
    time_zone: str


SUPPLIERS = (
    Supplier("D01", "Miami Valley Wholesale", "Dayton", "OH", 39.75895, -84.19161, "America/New_York"),
    Supplier("D02", "Bluegrass Provisions", "Lexington", "KY", 37.98869, -84.47772, "America/New_York"),
    Supplier("D03", "Lakeshore Trading", "Grand Rapids", "MI", 42.96336, -85.66809, "America/Detroit"),
)
"""In the order of the distribution centres that they stand in for."""

Source = Callable[[int, int], LocationId]
"""Where the stock of a product lies that the plan has at a place: the place itself, or a supplier."""


def dropped(year: Year, catalogue: Catalogue) -> NDArray[np.bool_]:
    """By product, whether suppliers send it."""
    at_door = np.isin(year.channel, [CHANNELS.index(one) for one in (Channel.WEB, Channel.APP, Channel.PHONE)]) & ~year.pickup
    items, of_line = year.kind == ITEM, np.repeat(at_door, np.diff(year.start))
    products = len(catalogue.ids)
    sold = np.bincount(year.product[items], minlength=products)
    to_doors = np.bincount(year.product[items & of_line], minlength=products)
    drawn = below(np.arange(products), 100, salt=31) < _PER_CENT
    return (sold > 0) & (sold == to_doors) & drawn & (catalogue.kind == ITEM)


def source(places: Sequence[LocationId], suppliers: Sequence[LocationId], theirs: NDArray[np.bool_]) -> Source:
    """`places` are the plan's, the distribution centres first; without suppliers everything lies where the plan says."""

    def where(place: int, product: int) -> LocationId:
        return suppliers[place] if place < len(suppliers) and theirs[product] else places[place]

    return where
