"""What a buyer wants instead, and is gone by the time somebody approves the exchange; and what becomes of it then."""

from __future__ import annotations

from collections import Counter

import msgspec

from comptoir.kernel.checking import Checks
from comptoir.modules.changes.applying import candidates
from comptoir.modules.changes.contracts import Extra, Gone, OtherWay, ReturnCase, Setting, WayOn
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationFilter, LocationId
from comptoir.modules.orders.contracts import Order
from comptoir.runtime.database import Reader


async def gone_of(reader: Reader, case: ReturnCase, order: Order, setting: Setting) -> list[Gone]:
    """What the buyer wants instead, and could not be promised now from where the channel sends; nothing where all of it is."""
    wanted: Counter[str] = Counter()
    for one in case.exchange:
        wanted[one.sku] += one.quantity
    if not wanted:
        return []
    own = set(await candidates(reader, order, setting))
    free = await _free(reader, sorted(wanted), sorted(own))
    short = [sku for sku, units in sorted(wanted.items()) if sum(free.get(sku, Counter()).values()) < units]
    if not short:
        return []
    others = [place.id async for place in locations.stream(reader, LocationFilter(active=True)) if place.id not in own]
    elsewhere = await _free(reader, short, sorted(others))
    return [
        Gone(
            sku,
            wanted[sku],
            sum(free.get(sku, Counter()).values()),
            tuple([one for one in elsewhere.get(sku, Counter[LocationId]()).most_common() if one[1] >= wanted[sku]]),
        )
        for sku in short
    ]


async def _free(reader: Reader, skus: list[str], places: list[LocationId]) -> dict[str, Counter[LocationId]]:
    found: dict[str, Counter[LocationId]] = {}
    for sku, place, units in await inventory.available_in_pool(reader, skus, places):
        found.setdefault(sku, Counter())[place] += units
    return found


async def replaced(reader: Reader, case: ReturnCase, order: Order, setting: Setting, way: WayOn) -> tuple[Extra, ...]:
    """What the buyer gets instead, by this way on: what is gone is replaced, left out, or waited for. Raises Invalid."""
    gone = {one.sku for one in await gone_of(reader, case, order, setting)}
    if way.way is OtherWay.OTHER_ITEM:
        checks = Checks()
        checks.require("sku", bool(way.sku) and way.sku not in gone, "is something else that there is")
        checks.done()
        return tuple([msgspec.structs.replace(one, sku=way.sku) if one.sku in gone else one for one in case.exchange])
    if way.way is OtherWay.REFUND:
        return tuple([one for one in case.exchange if one.sku not in gone])
    return case.exchange
