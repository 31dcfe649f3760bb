"""The way of a parcel as a small drawing: coasts and borders from the vendored map, and the places that are known."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from comptoir.surfaces.console.rendering import STATIC

WIDTH, HEIGHT = 640.0, 320.0
_LEAST_DEGREES = 4.0
_MARGIN = 1.35
_COARSE = 10.0
"""Destinations are drawn to a tenth of a degree: the map is no address."""


class Point(NamedTuple):
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Sketch:
    """Paths of land, and the places in order, in the drawing's own units."""

    land: tuple[str, ...]
    way: str
    begin: tuple[float, float]
    stops: tuple[tuple[float, float], ...]
    end: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Ring:
    points: tuple[tuple[float, float], ...]
    west: float
    south: float
    east: float
    north: float


@lru_cache(maxsize=1)
def _rings() -> tuple[_Ring, ...]:
    found: list[_Ring] = []
    world: Any = json.loads((STATIC / "vendor/world.geo.json").read_text(encoding="utf-8"))
    for feature in world["features"]:
        shape = feature["geometry"]
        polygons = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
        for polygon in polygons:
            points = tuple((float(x), float(y)) for x, y, *_ in polygon[0])
            xs, ys = [x for x, _ in points], [y for _, y in points]
            found.append(_Ring(points, min(xs), min(ys), max(xs), max(ys)))
    return tuple(found)


def coarse(point: Point) -> Point:
    return Point(round(point.latitude * _COARSE) / _COARSE, round(point.longitude * _COARSE) / _COARSE)


def sketch(begin: Point, stops: Iterable[Point], end: Point) -> Sketch:
    """Equirectangular around the middle of the way: what is near keeps its shape."""
    middle_way = list(stops)
    places = [begin, *middle_way, end]
    north, south = max(p.latitude for p in places), min(p.latitude for p in places)
    east, west = max(p.longitude for p in places), min(p.longitude for p in places)
    middle = Point((north + south) / 2, (east + west) / 2)
    squeeze = max(0.2, abs(_cosine(middle.latitude)))
    span = max((north - south) * _MARGIN, (east - west) * squeeze * HEIGHT / WIDTH * _MARGIN, _LEAST_DEGREES)
    scale = HEIGHT / span

    def at(latitude: float, longitude: float) -> tuple[float, float]:
        x = WIDTH / 2 + (longitude - middle.longitude) * squeeze * scale
        return round(x, 1), round(HEIGHT / 2 - (latitude - middle.latitude) * scale, 1)

    half_x, half_y = WIDTH / 2 / scale / squeeze, span / 2
    near = [
        ring
        for ring in _rings()
        if ring.west < middle.longitude + half_x
        and ring.east > middle.longitude - half_x
        and ring.south < middle.latitude + half_y
        and ring.north > middle.latitude - half_y
    ]
    land = tuple(_path([at(y, x) for x, y in ring.points]) + "Z" for ring in near)
    drawn = [at(*place) for place in places]
    return Sketch(land, _path(drawn), drawn[0], tuple(drawn[1:-1]), drawn[-1])


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _cosine(degrees: float) -> float:

    return math.cos(math.radians(degrees))
