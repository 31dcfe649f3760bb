"""Small batches for the exact comparison: real networks with their costs, a published instance, and random ones."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from comptoir.modules.carriers.contracts import CarrierServiceDraft, Zone
from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.routing.contracts import Job, Need, Objective, Rating, Rules, Site, Splitting, Weight
from comptoir.modules.routing.domain.network import Network

DATA = Path(__file__).parents[2] / "shared" / "data" / "order_routing"
"""Beside the repository; without it all instances are random."""
NOW = datetime(2026, 3, 3, 15, tzinfo=UTC)

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Instance:
    network: Network
    rules: Rules
    jobs: tuple[Job, ...]
    stock: dict[Spot, int]
    load: dict[LocationId, int]
    objective: Objective


def instances(count: int, seed: int = 1) -> Iterator[Instance]:
    """So many: three tenths from each of the two retailers, a tenth from the published instance, the rest random."""
    chance = random.Random(seed)
    there = DATA.exists()
    for n in range(count):
        if there and n % 10 < 6:
            yield _retailer(chance, DATA / ("ipmof_retailer1" if n % 2 else "ipmof_retailer2"))
        elif there and n % 10 == 6:
            yield _published(chance)
        else:
            yield _random(chance)


def _site(n: int, point: Point, **more: Any) -> Site:
    plain: dict[str, Any] = {
        "id": LocationId(UUID(int=n + 1)),
        "code": f"L{n}",
        "name": f"Location {n}",
        "kind": LocationKind.WAREHOUSE,
        "country": "US",
        "time_zone": "America/New_York",
        "latitude": point[0],
        "longitude": point[1],
    }
    return Site(**(plain | more))


def _job(n: int, needs: Sequence[Need], point: Point, needed_by: date | None = None) -> Job:
    return Job(id=UUID(int=1_000 + n), needs=tuple(needs), country="US", destination=point, placed_at=NOW, needed_by=needed_by)


def _point(chance: random.Random) -> Point:
    return chance.uniform(30, 45), chance.uniform(-110, -80)


def _pairwise(
    sites: Sequence[Site], points: Sequence[Point], rates: dict[tuple[int, int], tuple[int, int]]
) -> CarrierServiceDraft:
    """One carrier with a zone for each pair of site and destination, each at its own distance: rates are (base, per kg)."""
    network = Network(sites, ())
    by_code = {site.code: i for i, site in enumerate(network.sites)}
    far = {
        (s, p): float(network.distances(point)[by_code[sites[s].code]])
        for p, point in enumerate(points)
        for s in range(len(sites))
    }
    ordered = sorted(rates, key=lambda pair: far[pair])
    zones = tuple(Zone(far[pair] + 1e-6, *rates[pair], 2) for pair in ordered)
    return CarrierServiceDraft(code="lane", name="Lanes", zones=zones, max_weight=1_000_000)


def _retailer(chance: random.Random, folder: Path) -> Instance:
    """A warehouse of the region and one of the front line; demand, stock and the day's work are ours."""
    with (folder / "sku_info.csv").open(encoding="utf-8") as file:
        weights = [round(float(row["sku_weight"]) * 1000) for row in csv.DictReader(file)]
    with (folder / "trans_info.csv").open(encoding="utf-8") as file:
        lanes = [row for row in csv.DictReader(file) if row["type"] == "fulfillment"]
    centres = sorted({row["from"] for row in lanes})
    regions = sorted({row["to"] for row in lanes})
    jobs_in = chance.randint(4, 8)
    places = [_site(n, _point(chance), capacity=chance.choice([None, jobs_in - 2])) for n in range(len(centres))]
    points = [_point(chance) for _ in regions]
    rates = {
        (centres.index(row["from"]), regions.index(row["to"])): (
            round(float(row["intercept"]) * 100),
            round(float(row["coef"]) * 100),
        )
        for row in lanes
    }
    skus = chance.sample(range(len(weights)), 4)
    jobs = [_job(n, _needs(chance, skus, weights), chance.choice(points)) for n in range(jobs_in)]
    stock = {(f"S{sku}", place.id): chance.randint(0, 6) for sku in skus for place in places}
    network = Network(places, (_pairwise(places, points, rates),))
    return Instance(network, Rules(), tuple(jobs), stock, {}, Objective())


def _needs(chance: random.Random, skus: Sequence[int], weights: Sequence[int]) -> list[Need]:
    chosen = chance.sample(list(skus), chance.randint(1, min(3, len(skus))))
    return [Need(n, f"S{sku}", chance.randint(1, 3), max(1, weights[sku]), 1_000) for n, sku in enumerate(chosen, start=1)]


def _published(chance: random.Random) -> Instance:
    """Nextmv's order of five products over two centres, with their stock and handling, given out in several orders.

    Its carriers fill by volume, which ours do not: each is taken at its rate for light goods, growing as its tiers do.
    """
    told = json.loads((DATA / "nextmv_orderfulfillment_input.json").read_text())
    centres = told["distribution_centers"]
    places = [_site(n, _point(chance), pick_cost=round(c["handling_cost"] * 100)) for n, c in enumerate(centres)]
    stock = {
        (item, place.id): units for place, c in zip(places, centres, strict=True) for item, units in c["inventory"].items()
    }
    services: list[CarrierServiceDraft] = []
    for carrier in ("carrier1", "carrier2"):
        tiers = told["carrier_delivery_costs"]["distribution_center_1"][carrier]
        rates, grams = tiers["weight_rates"], tiers["weight_tiers"]
        per_kg = round((rates[-1] - rates[0]) * 100 / (grams[-1] - grams[0])) + 1
        zone = Zone(20_000, round(rates[0] * 100), per_kg, 2)
        services.append(
            CarrierServiceDraft(code=carrier, name=carrier, zones=(zone,), max_weight=chance.choice([6_000, 10_000]))
        )
    left = {item["item_id"]: item["quantity"] for item in told["items"]}
    grams_of = {item["item_id"]: round(item["unit_weight"] * 1000) for item in told["items"]}
    jobs: list[Job] = []
    while any(left.values()):
        chosen = chance.sample([item for item, units in left.items() if units], min(3, sum(1 for u in left.values() if u)))
        needs: list[Need] = []
        for n, item in enumerate(chosen, start=1):
            units = chance.randint(1, left[item])
            left[item] -= units
            needs.append(Need(n, item, units, grams_of[item], 1_000))
        jobs.append(_job(len(jobs), needs, _point(chance)))
    return Instance(Network(places, services), Rules(), tuple(jobs), stock, {}, Objective())


def _random(chance: random.Random) -> Instance:
    sites, skus = chance.randint(3, 8), list(range(chance.randint(2, 5)))
    weights = [chance.choice([150, 800, 2_400, 6_000]) for _ in skus]
    places = [
        _site(
            n,
            _point(chance),
            kind=chance.choice([LocationKind.STORE, LocationKind.WAREHOUSE]),
            capacity=chance.choice([None, 1, 2, 3]),
            pack_cost=chance.randint(50, 300),
            pick_cost=chance.randint(10, 80),
            works=chance.choice([(True,) * 7, (False, False, False, True, True, False, False)]),
        )
        for n in range(sites)
    ]
    jobs = [
        _job(n, _needs(chance, skus, weights), _point(chance), chance.choice([None, date(2026, 3, 5), date(2026, 3, 7)]))
        for n in range(chance.randint(3, 8))
    ]
    stock = {(f"S{sku}", place.id): max(0, chance.randint(-2, 3)) for sku in skus for place in places}
    ground = tuple(
        Zone(km, base, base // 12, days)
        for km, base, days in ((300, 490, 1), (900, 690, 2), (2_000, 990, 3), (9_000, 1_490, 5))
    )
    letters = (Zone(9_000, chance.randint(300, 700), chance.randint(100, 500), 3),)
    services = (
        CarrierServiceDraft(code="ground", name="Ground", zones=ground, max_weight=15_000),
        CarrierServiceDraft(code="letters", name="Letters", zones=letters, max_weight=7_000),
    )
    rules = Rules(
        ratings=(Weight(chance.choice([Rating.COST, Rating.DISTANCE])),),
        splitting=Splitting(chance.randint(1, 3), chance.choice([0, 0, 2_000])),
        safety=chance.choice([0, 0, 1]),
        minimum_pick=chance.choice([0, 0, 1_500]),
    )
    objective = Objective(late_day=chance.choice([0, 300]), carbon_kg=chance.choice([0, 20]))
    return Instance(Network(places, services), rules, tuple(jobs), stock, {}, objective)
