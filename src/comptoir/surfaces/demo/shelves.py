"""Whoever looks after what expires, in the demo: some food and drugs have lots, which are read where they are picked, and one
day a supplier calls one of them back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import ClassVar

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentFilter, Stage
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Named, ShelfFilter, Terms, Tracks
from comptoir.runtime.database import Database, Reader, Tx
from comptoir.surfaces.demo.loading import supplier_ids
from comptoir.surfaces.demo.shift import Shift
from comptoir.surfaces.demo.wording import department

FOOD = frozenset(department(one, "en") for one in ("GROCERY", "DELI", "NUTRITION", "MEAT-PCKGD", "SEAFOOD-PCKGD"))
DRUGS = frozenset(department(one, "en") for one in ("DRUG GM", "COSMETICS"))
_SEEN = 60
_MOST_SKUS, _MOST_SPOTS = 24, 6
"""So many products have lots, and so many shelves are read in one look: what is held could be needed elsewhere."""
_LEAST, _MOST = 8, 30
"""Units that a shelf must have to be read, and that are read at most."""
_LEFT, _TRANSIT = 3, 2
_OLD = 1
"""Units that a reader finds at the back of the shelf: nobody may get them any more."""
_RECALLED_AT = 40
"""Looks after which a lot is called back, once."""
_WHY = "The supplier: the label does not name all allergens"


class Shelves(Shift):
    every: ClassVar[float] = 5.0

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._looks = 0
        self._skus: set[str] = set()

    async def look(self, now: datetime) -> int:
        self._looks += 1
        async with self.database.read() as reader:
            spots = await self._unread(reader)
        done = sum([await self.do(lambda tx, spot=spot: _read(tx, spot, now.date())) for spot in spots])
        if self._looks == _RECALLED_AT:
            done += await self.do(_recall)
        return done

    async def _unread(self, reader: Reader) -> list[Spot]:
        """Shelves of food and drugs that somebody picks from and of which no lot is known yet."""
        page = await fulfilment.find(reader, FulfilmentFilter(stages=(Stage.TO_PICK,)), limit=_SEEN)
        works = await fulfilment.get_all(reader, [one.id for one in page.items])
        foreign = frozenset(await supplier_ids(reader))
        found = dict.fromkeys(
            (line.sku, one.location_id) for one in works if one.location_id not in foreign for line in one.lines
        )
        skus = sorted({sku for sku, _ in found})
        goods, known = await catalogue.goods(reader, skus), await lots.terms(reader, skus)
        self._skus |= set(known)
        fresh = [sku for sku in skus if sku not in self._skus and _perishes(goods[sku].category)]
        self._skus |= set(fresh[: max(0, _MOST_SKUS - len(self._skus))])
        spots = [spot for spot in found if spot[0] in self._skus]
        there = await _lying(reader, [sku for sku, _ in spots])
        return [spot for spot in spots if spot not in there][:_MOST_SPOTS]


def _perishes(category: Sequence[str]) -> bool:
    return bool(category) and category[0] in FOOD | DRUGS


async def _lying(reader: Reader, skus: Sequence[str]) -> set[Spot]:
    """Where lots of these SKUs are known."""
    found: set[Spot] = set()
    for sku in sorted(set(skus)):
        found |= {(one.sku, one.location_id) for one in (await lots.find(reader, ShelfFilter(sku=sku), limit=200)).items}
    return found


async def _read(tx: Tx, spot: Spot, today: date) -> bool:
    """What stands on the units of a shelf that nobody is promised: most of two lots, and one that lay at the back."""
    sku, location_id = spot
    goods = (await catalogue.goods(tx, [sku]))[sku]
    if sku not in await lots.terms(tx, [sku]):
        tracks = Tracks.LOT if goods.category[0] in DRUGS else Tracks.EXPIRY
        await lots.put_terms(tx, [Terms(sku, tracks, _LEFT, _TRANSIT)])
    level = (await inventory.lock_levels(tx, [spot]))[spot]
    units = min(level.available, _MOST)
    if units < _LEAST:
        return False
    mark = sum(sku.encode()) % 90 + 10
    first = units // 3
    rows = [
        Named(sku, _OLD, f"L{mark}A", today + timedelta(days=_TRANSIT)),
        Named(sku, first, f"L{mark}B", today + timedelta(days=20 + mark % 30)),
        Named(sku, units - first - _OLD, f"L{mark}C", today + timedelta(days=120 + mark)),
    ]
    await lots.name(tx, location_id, rows)
    return True


async def _recall(tx: Tx) -> bool:
    """Calls back the lot that lies at most places, unless one was called back before."""
    shelves = (await lots.find(tx, ShelfFilter(), limit=200)).items
    if any(one.blocked for one in shelves):
        return False
    places: dict[tuple[str, str], int] = {}
    for one in shelves:
        if not one.held:
            places[one.sku, one.code] = places.get((one.sku, one.code), 0) + 1
    if not places:
        return False
    sku, code = max(sorted(places), key=lambda lot: places[lot])
    await lots.block(tx, sku, code, _WHY)
    return True


async def pick(tx: Tx, one: Fulfilment) -> None:
    """Picks all of it, and reads on each unit which lot it is: what expires first is taken."""
    after = await fulfilment.pick(tx, one.id)
    before: Mapping[int, int] = {line.line_no: line.picked for line in one.lines}
    first = await lots.proposed(tx, one.location_id, sorted({line.sku for line in one.lines}), tx.now.date())
    for line in after.lines:
        left = line.picked - before.get(line.line_no, 0)
        for shelf in list(first.get(line.sku, [])):
            n = min(left, shelf.on_hand - shelf.held)
            if n > 0:
                await lots.pick(tx, one.id, line.line_no, shelf.code, n)
                left -= n
                first[line.sku].remove(shelf)
