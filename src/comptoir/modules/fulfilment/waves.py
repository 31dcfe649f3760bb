"""Waves: fulfilment orders that are picked together, on one way through the shop or the warehouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from comptoir.kernel.checking import Checks, invalid
from comptoir.kernel.ids import uuid7
from comptoir.kernel.quantities import sku as clean_sku
from comptoir.modules.fulfilment import domain, working
from comptoir.modules.fulfilment.contracts import (
    CountTask,
    Fulfilment,
    FulfilmentId,
    LineUnits,
    Stop,
    Wave,
    WaveId,
    WaveKind,
)
from comptoir.modules.fulfilment.errors import NotTogether, UnknownWave
from comptoir.modules.fulfilment.store import picking, work
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page

MAX_WAVE = 200
MAX_BIN = 40


async def start(tx: Tx, ids: Sequence[FulfilmentId], kind: WaveKind) -> Wave:
    """Whoever asks picks these together; all of them are at one location, and nobody else works on them.

    Raises Invalid, NotTogether, SomebodyElse and NotInThatState.
    """
    if not 1 <= len(set(ids)) <= MAX_WAVE:
        raise invalid("fulfilments", f"are 1 to {MAX_WAVE}")
    found = await work.get(tx, sorted(set(ids)), lock=True)
    if len(found) != len(set(ids)) or len({one.location_id for one in found}) != 1:
        raise NotTogether
    wave_id = WaveId(uuid7())
    await picking.insert_wave(tx, wave_id, found[0].location_id, kind)
    for one in found:
        await working.begin(tx, one.id)
    await work.put(tx, [one.id for one in found], {"wave_id": wave_id})
    return await get(tx, wave_id)


async def get(reader: Reader, wave_id: WaveId) -> Wave:
    """Raises UnknownWave."""
    found = await picking.wave(reader, wave_id)
    if found is None:
        raise UnknownWave(kind="wave", id=wave_id)
    return found


async def find(reader: Reader, location_id: LocationId, *, limit: int = 50, cursor: str | None = None) -> Page[Wave]:
    """Of a location, the latest first."""
    return await picking.WAVES.page(reader, picking.at_location(location_id), sort="-created", limit=limit, cursor=cursor)


async def members(reader: Reader, wave_id: WaveId) -> list[Fulfilment]:
    """In the order in which they were placed."""
    ids = await picking.in_wave(reader, wave_id)
    found = {one.id: one for one in await work.get(reader, ids)}
    return [found[key] for key in ids]


async def route(reader: Reader, wave_id: WaveId) -> list[Stop]:
    """The way to go, bin by bin; in a wave of single orders, one order after another."""
    wave = await get(reader, wave_id)
    orders = await members(reader, wave_id)
    if wave.kind is not WaveKind.SINGLE:
        return await stops(reader, wave.location_id, orders)
    return [stop for one in orders for stop in await stops(reader, wave.location_id, [one])]


async def stops(reader: Reader, location_id: LocationId, orders: Sequence[Fulfilment]) -> list[Stop]:
    """Where to take what for these orders, in S-shape through the aisles. What has no bin comes last, by SKU."""
    lines = [(one, line) for one in orders for line in one.lines if line.open]
    bins = await picking.bins(reader, location_id, sorted({line.sku for _, line in lines}))
    takes: dict[str, list[tuple[FulfilmentId, int, int]]] = {}
    units: Counter[str] = Counter()
    picked: Counter[str] = Counter()
    names: dict[str, str] = {}
    for one, line in lines:
        takes.setdefault(line.sku, []).append((one.id, line.line_no, line.open))
        units[line.sku] += line.open
        picked[line.sku] += line.picked - line.gone
        names[line.sku] = line.name
    places = {code: n for n, code in enumerate(domain.route([bins.get(sku, "") for sku in takes]))}
    walk = sorted(takes, key=lambda sku: (places[bins.get(sku, "")], sku))
    return [Stop(bins.get(sku, ""), sku, names[sku], units[sku], picked[sku], tuple(takes[sku])) for sku in walk]


async def take(tx: Tx, wave_id: WaveId, sku: str, units: int) -> list[Fulfilment]:
    """So many units of a SKU are in hand: they go to the orders of the wave, the oldest first. Raises NotThatMany."""
    changed: list[Fulfilment] = []
    left = units
    for one in await members(tx, wave_id):
        for line in one.lines:
            part = min(left, line.quantity - line.picked)
            if line.sku == sku and part > 0:
                changed.append(await working.pick(tx, one.id, [LineUnits(line.line_no, part)]))
                left -= part
    if left or units < 1:
        raise working.NotThatMany(lines=[{"sku": sku, "asked": units, "open": units - left}])
    return changed


async def bins(reader: Reader, location_id: LocationId, skus: Sequence[str]) -> dict[str, str]:
    """Where these SKUs lie; those that have no bin are left out."""
    return await picking.bins(reader, location_id, skus)


async def put_bins(tx: Tx, location_id: LocationId, wanted: Mapping[str, str]) -> None:
    """Where SKUs lie from now on; an empty bin takes a SKU out of its own. Raises Invalid."""
    checks = Checks()
    clean = {
        checks.parsed(f"bins.{sku[:40]}", clean_sku, sku, ""): checks.words(f"bins.{sku[:40]}", code, most=MAX_BIN)
        for sku, code in wanted.items()
    }
    checks.done()
    if clean:
        await picking.put_bins(tx, location_id, clean)


async def count_tasks(reader: Reader, location_id: LocationId, limit: int = 100) -> list[CountTask]:
    """SKUs that somebody should count there, the oldest doubt first."""
    return await picking.count_tasks(reader, location_id, limit)
