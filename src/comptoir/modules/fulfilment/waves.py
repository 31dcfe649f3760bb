"""Waves: fulfilment orders that are picked together, on one way through the shop or the warehouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from comptoir.kernel.checking import Checks, invalid
from comptoir.kernel.ids import uuid7
from comptoir.kernel.quantities import sku as clean_sku
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import VariantFilter
from comptoir.modules.fulfilment import domain, working
from comptoir.modules.fulfilment.contracts import (
    CountTask,
    Fulfilment,
    FulfilmentId,
    FulfilmentLine,
    LineUnits,
    RejectReason,
    Scan,
    SkuBin,
    State,
    Stop,
    Wave,
    WaveId,
    WaveKind,
    WaveZone,
)
from comptoir.modules.fulfilment.errors import NotThatMany, NotTogether, SomebodyElse, UnknownFulfilment, UnknownWave
from comptoir.modules.fulfilment.store import picking, work
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page, storable

MAX_WAVE = 200
MAX_BIN = 40


async def start(tx: Tx, ids: Sequence[FulfilmentId], kind: WaveKind) -> Wave:
    """These are picked together, by whoever asks, or by zones by whoever takes a zone; all of them are at one location, and
    nobody else works on them. Raises Invalid, NotTogether, SomebodyElse and NotInThatState.
    """
    if not 1 <= len(set(ids)) <= MAX_WAVE:
        raise invalid("fulfilments", f"are 1 to {MAX_WAVE}")
    found = await work.get(tx, sorted(set(ids)), lock=True)
    if len(found) != len(set(ids)) or len({one.location_id for one in found}) != 1 or any(map(_shared, found)):
        raise NotTogether
    wave_id = WaveId(uuid7())
    await picking.insert_wave(tx, wave_id, found[0].location_id, kind)
    for one in found:
        await working.begin(tx, one.id)
    await work.put(tx, [one.id for one in found], {"wave_id": wave_id})
    if kind is WaveKind.ZONE:
        await working.share(tx, [one.id for one in found])
    return await get(tx, wave_id)


def _shared(one: Fulfilment) -> bool:
    """Several people pick it together."""
    return one.wave_id is not None and one.state is State.IN_PROGRESS and not one.assignee


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


async def route(reader: Reader, wave: Wave, orders: Sequence[Fulfilment]) -> list[Stop]:
    """The way to go for its `orders`, bin by bin; in a wave of single orders, one order after another."""
    if wave.kind is not WaveKind.SINGLE:
        return await stops(reader, wave.location_id, orders)
    return [stop for one in orders for stop in await stops(reader, wave.location_id, [one])]


async def stops(reader: Reader, location_id: LocationId, orders: Sequence[Fulfilment]) -> list[Stop]:
    """Where to take what for these orders, in S-shape through the aisles. What has no bin comes last, by SKU."""
    lines = [(one, line) for one in orders for line in one.lines if line.open]
    shelves = await picking.shelves(reader, location_id, sorted({line.sku for _, line in lines}))
    takes: dict[str, list[tuple[FulfilmentId, int, int]]] = {}
    units: Counter[str] = Counter()
    picked: Counter[str] = Counter()
    names: dict[str, str] = {}
    for one, line in lines:
        takes.setdefault(line.sku, []).append((one.id, line.line_no, line.open))
        units[line.sku] += line.open
        picked[line.sku] += line.picked - line.gone
        names[line.sku] = line.name
    where = {sku: shelves.get(sku, SkuBin(sku, "")) for sku in takes}
    places = domain.walked(list(shelves.values()))
    walk = sorted(takes, key=lambda sku: (places.get(where[sku].bin, len(places)), sku))
    return [
        Stop(where[sku].bin, sku, names[sku], units[sku], picked[sku], tuple(takes[sku]), _zone(where[sku])) for sku in walk
    ]


def _zone(shelf: SkuBin) -> str:
    return shelf.zone.upper() or domain.zone(shelf.bin)


async def walk(reader: Reader, location_id: LocationId, skus: Sequence[str]) -> list[SkuBin]:
    """These SKUs in the order in which they are picked; what has no bin comes last."""
    shelves = await picking.shelves(reader, location_id, skus)
    places = domain.walked(list(shelves.values()))
    found = [shelves.get(sku, SkuBin(sku, "")) for sku in skus]
    return sorted(found, key=lambda one: (places.get(one.bin, len(places)), one.sku))


# On the walk


async def take(tx: Tx, wave_id: WaveId, sku: str, units: int) -> list[Fulfilment]:
    """So many units of a SKU are in hand: they go to the orders of the wave, the oldest first. An order that somebody else
    has taken over is theirs, and does not keep the others back. Whoever takes from a zone that nobody picks picks that zone.

    Raises NotThatMany, and SomebodyElse where nothing of it is left for whoever asks.
    """
    found = await _of_mine(tx, await get(tx, wave_id), sku)
    shares = _shared_out(found, units, lambda line: line.quantity - line.picked)
    if shares is None:
        raise NotThatMany(lines=[{"sku": sku, "asked": units, "open": sum(line.quantity - line.picked for _, line in found)}])
    return [await working.pick(tx, one.id, [LineUnits(line.line_no, part)], together=True) for one, line, part in shares]


async def weigh(tx: Tx, wave_id: WaveId, code: str, units: int | None) -> tuple[FulfilmentId, Scan]:
    """As `working.scan`, of what is weighed: each order is weighed by itself, the oldest that lacks it first.

    Raises NotThatMany where none lacks it, and SomebodyElse where nothing of it is left for whoever asks.
    """
    sku = await working.sku_of(tx, code)
    found = await _of_mine(tx, await get(tx, wave_id), sku)
    first = next((one for one, line in found if line.picked < line.quantity), None)
    if first is None:
        raise NotThatMany(lines=[{"sku": sku, "asked": units or 1, "open": 0}])
    return first.id, await working.scan(tx, first.id, code, units, together=True)


async def put_down(tx: Tx, wave_id: WaveId, sku: str, units: int) -> list[Fulfilment]:
    """So many units of a SKU lie where they were, of the youngest orders first. Raises NotThatMany and SomebodyElse."""
    found = (await _of_mine(tx, await get(tx, wave_id), sku))[::-1]
    shares = _shared_out(found, units, lambda line: line.picked - line.packed)
    if shares is None:
        raise NotThatMany(lines=[{"sku": sku, "asked": units, "open": sum(line.picked - line.packed for _, line in found)}])
    return [await working.unpick(tx, one.id, [LineUnits(line.line_no, part)], together=True) for one, line, part in shares]


async def give_up(tx: Tx, wave_id: WaveId, sku: str, units: int, reason: RejectReason) -> list[Fulfilment]:
    """So many units of a SKU that are still to be picked cannot be sent from here: the youngest orders go without, and their
    units are routed again. Raises NotThatMany and SomebodyElse.
    """
    found = (await _of_mine(tx, await get(tx, wave_id), sku))[::-1]
    shares = _shared_out(found, units, lambda line: line.quantity - line.picked)
    if shares is None:
        raise NotThatMany(lines=[{"sku": sku, "asked": units, "open": sum(line.quantity - line.picked for _, line in found)}])
    return [await working.reject(tx, one.id, [LineUnits(line.line_no, part)], reason) for one, line, part in shares]


async def _of_mine(tx: Tx, wave: Wave, sku: str) -> list[tuple[Fulfilment, FulfilmentLine]]:
    """The lines of a SKU that whoever asks may work on, the oldest order first."""
    if wave.kind is WaveKind.ZONE:
        where = await picking.shelves(tx, wave.location_id, [sku])
        await take_zone(tx, wave.id, _zone(where.get(sku, SkuBin(sku, ""))))
    lines = [(one, line) for one in await members(tx, wave.id) for line in one.lines if line.sku == sku]
    mine = [(one, line) for one, line in lines if one.assignee in {"", tx.actor}]
    if lines and not mine:
        raise SomebodyElse(assignee=lines[0][0].assignee)
    return mine


def _shared_out(
    lines: Sequence[tuple[Fulfilment, FulfilmentLine]], units: int, most: Callable[[FulfilmentLine], int]
) -> list[tuple[Fulfilment, FulfilmentLine, int]] | None:
    """How many of the units each line gets, in this order; None where they are more than there are, or none."""
    shares: list[tuple[Fulfilment, FulfilmentLine, int]] = []
    left = units
    for one, line in lines:
        part = min(left, most(line))
        if part > 0:
            shares.append((one, line, part))
            left -= part
    return None if left or units < 1 else shares


async def drop(tx: Tx, wave_id: WaveId, fulfilment_id: FulfilmentId, *, take_over: bool = False) -> Fulfilment:
    """An order leaves the walk. What is picked of it stays picked, and whoever worked on it still does.

    Raises UnknownFulfilment, and SomebodyElse where another person works on it, unless it is taken over.
    """
    one = await working.load(tx, fulfilment_id)
    if one.wave_id != wave_id:
        raise UnknownFulfilment(kind="fulfilment", id=fulfilment_id)
    working.require_own(tx, one, take_over=take_over)
    await work.put(tx, [one.id], {"wave_id": None})
    return await working.load(tx, one.id)


async def leave(tx: Tx, wave_id: WaveId) -> list[Fulfilment]:
    """Whoever asks stops walking: what is not picked in whole is left to others, and what they had picked of it goes back.

    What is complete stays as it is. Of a zone wave only the zones are left. Gives what was left.
    """
    wave = await get(tx, wave_id)
    if wave.kind is WaveKind.ZONE:
        for code, assignee in (await picking.zone_assignees(tx, wave_id)).items():
            if assignee == tx.actor:
                await picking.drop_zone(tx, wave_id, code)
        return []
    mine = [one for one in await members(tx, wave_id) if one.state is State.IN_PROGRESS and one.assignee == tx.actor]
    return [await working.put_back(tx, one.id) for one in mine if one.picked < one.quantity and one.packed <= one.gone]


# By zones


async def zones(reader: Reader, wave: Wave, way: Iterable[Stop]) -> list[WaveZone]:
    """In the order of its way, with who picks them. A wave that is not picked by zones has none."""
    if wave.kind is not WaveKind.ZONE:
        return []
    assignees = await picking.zone_assignees(reader, wave.id)
    units: Counter[str] = Counter()
    picked: Counter[str] = Counter()
    for stop in way:
        units[stop.zone] += stop.quantity
        picked[stop.zone] += stop.picked
    return [WaveZone(code, assignees.get(code, ""), units[code], picked[code]) for code in units]


async def take_zone(tx: Tx, wave_id: WaveId, zone: str, *, take_over: bool = False) -> None:
    """Whoever asks picks this zone from now on. Raises UnknownWave, and SomebodyElse unless it is taken over."""
    wave = await get(tx, wave_id)
    if wave.kind is not WaveKind.ZONE:
        raise NotTogether
    await picking.lock_wave(tx, wave_id)
    assignee = (await picking.zone_assignees(tx, wave_id)).get(zone, "")
    if assignee == tx.actor:
        return
    if assignee and not take_over:
        raise SomebodyElse(assignee=assignee)
    await picking.put_zone(tx, wave_id, zone)


async def leave_zone(tx: Tx, wave_id: WaveId, zone: str) -> None:
    """Nobody picks this zone; what is picked of it stays picked. Raises UnknownWave and SomebodyElse."""
    await get(tx, wave_id)
    await picking.lock_wave(tx, wave_id)
    assignee = (await picking.zone_assignees(tx, wave_id)).get(zone, "")
    if assignee not in {"", tx.actor}:
        raise SomebodyElse(assignee=assignee)
    await picking.drop_zone(tx, wave_id, zone)


# Where it lies


async def bins(reader: Reader, location_id: LocationId, skus: Sequence[str]) -> dict[str, str]:
    """Where these SKUs lie; those that have no bin are left out."""
    return await picking.bins(reader, location_id, skus)


async def find_bins(
    reader: Reader,
    location_id: LocationId,
    *,
    search: str = "",
    sort: str = "bin",
    limit: int = 50,
    cursor: str | None = None,
) -> Page[SkuBin]:
    """What lies where at a location. `search` is a product, or the beginning of a SKU or of a bin. Sorts: bin, sku."""
    text = storable(search).strip()[:80]
    found = await catalogue.find(reader, VariantFilter(search=text), limit=50) if text else None
    skus = [] if found is None else [row.sku for row in found.items]
    return await picking.BINS.page(reader, picking.bins_at(location_id, skus, text), sort=sort, limit=limit, cursor=cursor)


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
