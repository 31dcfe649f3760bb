"""What the demo's house has set up for the life in it: suppliers, lockers and curbside, what needs a second person, from where
stores are filled up, and boxes. All of it once, so that what a viewer changes stays changed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import PolicyDraft
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import CollectionTerms, LockerDraft, LockerSize
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import ReplenishmentTerms
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationDraft, LocationId, LocationKind, PoolDraft
from comptoir.modules.packing import api as packing
from comptoir.modules.packing.contracts import CartonDraft
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.purchasing.contracts import Article, Terms
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.demo.dropping import SUPPLIERS, dropped
from comptoir.surfaces.demo.places import distance_km
from comptoir.surfaces.demo.plan import Plan

LIVELY = 20
"""So many of the largest stores have their counters staffed: what is collected there waits for its buyer."""
FILLED_UP = 5
"""So many of them get what they sell from the distribution centre that is nearest."""
WITH_LOCKERS, WITH_CURBSIDE = (1, 3), (1, 2, 5)
"""Ranks of the stores that have them."""
APPROVAL_ABOVE = 1_500
"""Cents: what gives more back waits for a second person."""

_POOL = "shared"
_LAST = 9
_BANK = (LockerSize.S, LockerSize.S, LockerSize.S, LockerSize.M, LockerSize.M, LockerSize.M, LockerSize.L, LockerSize.L)
_MARGIN = 62
"""Percent of the shelf price that a supplier asks."""
_CARTONS = (
    CartonDraft(code="bag", name="Mailer bag", length=350, width=250, height=60, weight=20, max_weight=2_000, cost=18),
    CartonDraft(code="box-s", name="Small box", length=250, width=180, height=120, weight=120, max_weight=5_000, cost=34),
    CartonDraft(code="box-m", name="Medium box", length=380, width=280, height=200, weight=260, max_weight=12_000, cost=61),
    CartonDraft(code="box-l", name="Large box", length=580, width=380, height=340, weight=520, max_weight=20_000, cost=118),
)


def lively(plan: Plan) -> list[str]:
    """The codes of the stores whose counters are staffed, the largest first."""
    return [place.code for place in sorted(plan.stores, key=lambda place: place.rank)[:LIVELY]]


async def furnish(tx: Tx, plan: Plan) -> None:
    ids = await locations.ids(tx, [place.code for place in plan.places])
    await _suppliers(tx, plan)
    await _counters(tx, plan, ids)
    await _filling_up(tx, plan, ids)
    policy = PolicyDraft(code="house", position=10, window=60, approval_above=APPROVAL_ABOVE)
    if all(one.code != policy.code for one in await changes.all_policies(tx)):
        await changes.create_policy(tx, policy)
    if not (await packing.find(tx)).items:
        for carton in _CARTONS:
            await packing.create(tx, carton)


async def _suppliers(tx: Tx, plan: Plan) -> None:
    await locations.upsert(
        tx,
        [
            LocationDraft(
                code=one.code,
                name=one.name,
                kind=LocationKind.SUPPLIER,
                country="US",
                time_zone=one.time_zone,
                city=one.city,
                region=one.region,
                latitude=one.latitude,
                longitude=one.longitude,
                returns=False,
            )
            for one in SUPPLIERS
        ],
    )
    ids = await locations.ids(tx, [one.code for one in SUPPLIERS])
    pool = await locations.pool_by_code(tx, _POOL)
    members = [(member.id, member.priority) for member in pool.members if member.id not in ids.values()]
    members += [(location_id, _LAST) for location_id in ids.values()]
    await locations.put_pool(tx, PoolDraft(code=pool.code, name=pool.name, members=members))
    theirs = np.flatnonzero(dropped(plan.year, plan.catalogue)).tolist()
    known = await catalogue.known(tx, [plan.catalogue.sku(product) for product in theirs])
    articles = [
        Article(sku=sku, supplier_sku=f"MV-{sku[-5:]}", cost=max(1, price * _MARGIN // 100))
        for product in theirs
        if (sku := plan.catalogue.sku(product)) in known and (price := int(plan.catalogue.price[product])) >= 0
    ]
    for location_id in ids.values():
        await purchasing.put_terms(
            tx, Terms(location_id=location_id, locale="en", currency="USD", answer_within=4, remind_after=2)
        )
        if articles:
            await purchasing.put_articles(tx, location_id, articles)


async def _counters(tx: Tx, plan: Plan, ids: dict[str, LocationId]) -> None:
    by_rank = {place.rank: ids[place.code] for place in plan.stores}
    for rank in WITH_CURBSIDE:
        await fulfilment.put_terms(tx, CollectionTerms(days=5, curbside=True), location_id=by_rank[rank])
    for rank in WITH_LOCKERS:
        if not await fulfilment.lockers_at(tx, by_rank[rank]):
            wanted = [
                LockerDraft(location_id=by_rank[rank], code=f"A{number:02d}", size=size, bank="Entrance")
                for number, size in enumerate(_BANK, 1)
            ]
            await put_lockers(tx, wanted)


async def lockers(reader: Reader, plan: Plan) -> list[LockerDraft]:
    """All that there are, those of viewers too."""
    ids = await locations.ids(reader, [place.code for place in plan.places])
    found = [one for location_id in ids.values() for one in await fulfilment.lockers_at(reader, location_id)]
    return [
        LockerDraft(location_id=one.location_id, code=one.code, size=one.size, bank=one.bank, system=one.system)
        for one in found
    ]


async def put_lockers(tx: Tx, wanted: Sequence[LockerDraft]) -> None:
    for draft in wanted:
        await fulfilment.create_locker(tx, draft)


async def _filling_up(tx: Tx, plan: Plan, ids: dict[str, LocationId]) -> None:
    """From the centre that is nearest, a few days at a time: these sell by the minute here."""
    centres: Sequence[LocationId] = [ids[place.code] for place in plan.warehouses]
    latitudes = np.array([place.latitude for place in plan.warehouses])
    longitudes = np.array([place.longitude for place in plan.warehouses])
    known = {place.code: place for place in plan.stores}
    for code in lively(plan)[:FILLED_UP]:
        nearest = int(distance_km(latitudes, longitudes, known[code].latitude, known[code].longitude).argmin())
        await inventory.put_replenishment(
            tx, ReplenishmentTerms(source_id=centres[nearest], location_id=ids[code], weeks=1, cover_days=10, reorder_days=7)
        )
