"""The demo's busiest week for routing: what was promised and shipped, day by day, from the stock that is free for it.

Places, capacities, baskets and stock are the demo's. Ours are the rates of the carriers, the costs of a pick and a parcel, and
the weights (100 g to 1.1 kg by product), which the data set does not have.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from comptoir.modules.carriers.contracts import CarrierServiceDraft, Zone
from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.routing.contracts import Job, Need, Site
from comptoir.modules.routing.domain.network import Network
from comptoir.surfaces.demo.catalogue import ITEM
from comptoir.surfaces.demo.hashing import below
from comptoir.surfaces.demo.places import Capability, PlaceKind
from comptoir.surfaces.demo.plan import Plan, build
from comptoir.surfaces.demo.replenishment import Stock
from comptoir.surfaces.demo.stream import CHANNELS, Channel

GROUND = CarrierServiceDraft(
    code="ground",
    name="Ground",
    zones=(Zone(80, 560, 25, 1), Zone(240, 690, 40, 2), Zone(480, 850, 60, 2), Zone(1_600, 1_090, 90, 3)),
)
"""A parcel network's table: a parcel pays for the first miles, each kilogram for the distance."""
_PACK = {PlaceKind.WAREHOUSE: 60, PlaceKind.STORE: 110}
_PICK = {PlaceKind.WAREHOUSE: 15, PlaceKind.STORE: 35}


@dataclass(frozen=True, slots=True)
class Week:
    number: int
    network: Network
    days: tuple[tuple[datetime, tuple[Job, ...]], ...]
    """Each with the hour at which its batch is routed."""
    stock: dict[Spot, int]

    @property
    def jobs(self) -> int:
        return sum(len(jobs) for _, jobs in self.days)


def busiest() -> Week:
    plan = build()
    year = plan.year
    shipped = (year.channel != CHANNELS.index(Channel.POS)) & ~year.pickup
    number = int(np.bincount(year.week[shipped]).argmax())
    sites = _sites(plan)
    free = _free(plan, shipped, number)
    skus, ids = plan.catalogue.sku, [site.id for site in sites]
    place, product = np.nonzero(free)
    stock = {
        (skus(p), ids[at]): units
        for at, p, units in zip(place.tolist(), product.tolist(), free[place, product].tolist(), strict=True)
    }
    return Week(number, Network(sites, (GROUND,)), tuple(_days(plan, number)), stock)


def _sites(plan: Plan) -> list[Site]:
    return [
        Site(
            id=LocationId(UUID(int=n + 1)),
            code=place.code,
            name=place.name,
            kind=LocationKind(place.kind.value),
            country=place.country,
            time_zone=place.time_zone,
            latitude=place.latitude,
            longitude=place.longitude,
            priority=0 if place.kind is PlaceKind.WAREHOUSE else 1,
            ships=Capability.SHIPS in place.capabilities,
            pickup=Capability.PICKUP in place.capabilities,
            capacity=place.daily_capacity,
            pick_cost=_PICK[place.kind],
            pack_cost=_PACK[place.kind],
            works=(True,) * 7,
        )
        for n, place in enumerate(plan.places)
    ]


def _free(plan: Plan, shipped: NDArray[np.bool_], week: int) -> NDArray[np.int32]:
    """By place and product: what lies there at the week's beginning, less what tills and counters will hand out in it."""
    year = plan.year
    free = np.zeros((len(plan.places), len(plan.catalogue.ids)), np.int32)

    def receive(stock: Stock) -> None:
        np.add.at(free, (stock.location, stock.product), stock.quantity)

    receive(plan.stock.opening)
    for number in range(1, week + 1):
        receive(plan.receipts(number))
    basket = np.repeat(np.arange(len(year)), np.diff(year.start))
    drawn = (year.kind == ITEM) & ((year.week[basket] < week) | ((year.week[basket] == week) & ~shipped[basket]))
    np.subtract.at(free, (plan.source[basket[drawn]], year.product[drawn]), year.quantity[drawn])
    return np.maximum(free, 0)


def _days(plan: Plan, week: int) -> list[tuple[datetime, tuple[Job, ...]]]:
    mark = plan.weeks[week - 1]
    until = plan.weeks[week].position if week < len(plan.weeks) else len(plan.year)
    grams = below(np.arange(len(plan.catalogue.ids), dtype=np.int32), 1_000, salt=77) + 100
    days: dict[int, list[Job]] = {}
    for chunk in plan.baskets(mark.position, until=until):
        for basket in chunk.baskets():
            if basket.channel is Channel.POS or basket.pickup:
                continue
            home = plan.households[basket.household]
            needs = tuple(
                Need(n, plan.catalogue.sku(line.product), line.quantity, int(grams[line.product]), line.total // line.quantity)
                for n, line in enumerate(basket.lines, start=1)
            )
            job = Job(
                id=UUID(int=basket.number),
                needs=needs,
                country="US",
                destination=(home.latitude, home.longitude),
                placed_at=basket.at,
                needed_by=(basket.at + timedelta(days=4)).date(),
            )
            days.setdefault(int(basket.at.timestamp() - mark.at) // 86_400, []).append(job)
    begin = datetime.fromtimestamp(mark.at, UTC)
    return [(begin + timedelta(days=day, hours=23), tuple(jobs)) for day, jobs in sorted(days.items())]
