"""What a person can do about units that no location may send: let the rules try again, choose who sends them, change how they
go, or give them up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from comptoir.kernel.checking import invalid
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment.contracts import HoldReason
from comptoir.modules.fulfilment.domain import ACTIVE, NOT_BEGUN
from comptoir.modules.fulfilment.errors import NotInThatState
from comptoir.modules.fulfilment.fitting import Units
from comptoir.modules.fulfilment.release import Setting, job_of, loads_of, profile_of, settle
from comptoir.modules.fulfilment.store import work
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations.contracts import LocationId, PoolId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import (
    ChannelId,
    Choice,
    ExceptionId,
    ExceptionKind,
    OpenOrder,
    OrderException,
    OrderId,
    Placing,
    Resolution,
)
from comptoir.modules.orders.errors import ExceptionClosed, NotThatKind
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import Network, Situation
from comptoir.modules.routing.contracts import Fence, Job, Rules
from comptoir.runtime.database import Reader, Tx

MILD = (Fence.MINIMUM_PICK, Fence.STOCK, Fence.CAPACITY, Fence.TOO_LATE)
"""Fences that a person may well break, the one first that hurts least; `STOCK` is the safety stock, where there is some."""
_WORSE = (Fence.EXCLUDED, Fence.NO_CARRIER, Fence.REJECTED)
_SEVERITY: Mapping[Fence | None, int] = {None: 0} | {fence: n for n, fence in enumerate((*MILD, *_WORSE), start=1)}
_SPEEDS = (Service.STANDARD, Service.EXPRESS)
_DEFAULT = Rules()


@dataclass(frozen=True, slots=True)
class Way:
    """A location that could send the units, and what the rules say against it; None where nothing."""

    location_id: LocationId
    available: int
    fence: Fence | None


@dataclass(frozen=True, slots=True)
class WaysOut:
    """What can be done about units that no location may send, and what is best."""

    ways: tuple[Way, ...]
    """Those first that have all of it, then those that break least, then the nearest."""
    would_go: bool
    """Whether the rules would send them now: something has changed since they were tried."""
    services: tuple[Service, ...]
    """How they could go instead."""
    helping: tuple[Service, ...]
    """With which of these somebody may send them."""
    best: Choice
    location_id: LocationId | None = None
    """For `Choice.SEND`."""
    fence: Fence | None = None
    service: Service | None = None
    """For `Choice.SERVICE`."""


@dataclass(frozen=True, slots=True)
class _Case:
    """Units that no location may send, with what there is."""

    job: Job
    units: int
    network: Network
    situation: Situation
    available: Mapping[LocationId, int]
    rules: Rules
    expected: bool
    """Whether more of it is on its way."""


async def ways_out(
    reader: Reader, setting: Setting, found: Sequence[OrderException], now: datetime
) -> dict[ExceptionId, WaysOut]:
    """Of those of these exceptions that are open, about units that no location may send. In a handful of queries for all."""
    asked = [one for one in found if one.kind == ExceptionKind.UNROUTABLE and one.state == "open"]
    ids = sorted({one.order_id for one in asked if one.order_id is not None})
    opened = await orders.open_orders(reader, ids) if ids else {}
    if not opened:
        return {}
    await setting.atlas.refresh(reader)
    goods = await catalogue.goods(reader, sorted({line.sku for order in opened.values() for line in order.lines}))
    by_network: dict[Network, list[tuple[OrderException, OpenOrder]]] = {}
    pools: dict[ChannelId, PoolId] = {}
    for one in asked:
        order = None if one.order_id is None else opened.get(one.order_id)
        if order is None or all(line.line_no != one.line_no for line in order.lines):
            continue
        if order.channel_id not in pools:
            pools[order.channel_id] = await setting.pool_id_of(reader, order.channel_id)
        by_network.setdefault(await setting.atlas.network(reader, pools[order.channel_id]), []).append((one, order))
    result: dict[ExceptionId, WaysOut] = {}
    held = await _held(reader, ids)
    barred: dict[tuple[OrderId, int], list[LocationId]] = {}
    for rejection in await orders.rejections(reader, ids):
        barred.setdefault((rejection.order_id, rejection.line_no), []).append(rejection.location_id)
    for network, own in by_network.items():
        stock = await _stock(reader, network, own, now)
        for one, order in own:
            job = job_of(order, {one.line_no or 0: one.quantity}, goods, barred.get((order.id, one.line_no or 0), ()))
            rule_set = setting.atlas.rule_set(order.id, profile_of(order, goods))
            rules = _DEFAULT if rule_set is None else rule_set.rules
            result[one.id] = _ways_out(stock.case(one, job, held.get(order.id, Counter()), rules), now)
    return result


async def _held(reader: Reader, ids: Sequence[OrderId]) -> dict[OrderId, Units]:
    """What is promised somewhere and held there, because no location may send it."""
    found: dict[OrderId, Units] = {}
    for one in await work.of_orders(reader, ids):
        if one.state in ACTIVE and one.hold_reason is HoldReason.UNROUTABLE:
            for line in one.lines:
                found.setdefault(one.order_id, Counter())[line.line_no, one.location_id] += line.open
    return found


@dataclass(frozen=True, slots=True)
class _Stock:
    """What there is of some SKUs in a network, and what its sites have to do."""

    network: Network
    free: Mapping[tuple[str, LocationId], int]
    coming: Mapping[str, Sequence[object]]
    loads: Mapping[LocationId, int]

    def case(self, one: OrderException, job: Job, held: Units, rules: Rules) -> _Case:
        """An exception with what there is for it: what is held for it, it may have."""
        sku = one.sku or ""
        available = {place: self.free.get((sku, place), 0) for place in self.network.position}
        for (line_no, place), units in held.items():
            if line_no == one.line_no and place in available:
                available[place] += units
        situation = Situation(self.network, {(sku, place): units for place, units in available.items() if units}, self.loads)
        return _Case(job, one.quantity, self.network, situation, available, rules, bool(self.coming.get(sku)))


async def _stock(reader: Reader, network: Network, own: Sequence[tuple[OrderException, OpenOrder]], now: datetime) -> _Stock:
    skus = sorted({one.sku for one, _ in own if one.sku is not None})
    places = [site.id for site in network.sites]
    free = {(sku, place): units for sku, place, units in await inventory.available_in_pool(reader, skus, places)}
    coming = await inventory.incoming(reader, skus, places)
    return _Stock(network, free, coming, await loads_of(reader, [network], now))


def _ways_out(case: _Case, now: datetime) -> WaysOut:
    job, network = case.job, case.network
    would_go = bool(job.needs) and not routing.serve(network, case.rules, job, case.situation, now).lacking
    ways = _ways(case, now)
    services = tuple([one for one in _SPEEDS if one is not job.service]) if job.country else ()
    helping = tuple([one for one in services if not would_go and _helps(case, one, now)])
    whole = next((way for way in ways if way.available >= case.units), None)
    bare = WaysOut(ways, would_go, services, helping, Choice.RETRY)
    if would_go:
        return bare
    if whole is not None and whole.fence in MILD:
        return replace(bare, best=Choice.SEND, location_id=whole.location_id, fence=whole.fence)
    if helping:
        return replace(bare, best=Choice.SERVICE, service=helping[0])
    if whole is not None:
        return replace(bare, best=Choice.SEND, location_id=whole.location_id, fence=whole.fence)
    return replace(bare, best=Choice.WAIT if case.expected else Choice.CANCEL)


def _ways(case: _Case, now: datetime) -> tuple[Way, ...]:
    job, network = case.job, case.network
    fences = {one.site: one.fence for one in routing.explain(network, case.rules, job, case.situation, now)}
    if job.pickup_at is not None and job.pickup_at in network.position:  # what the counter does not have, others may send to it
        counter = network.sites[network.position[job.pickup_at]]
        place = None if counter.latitude is None or counter.longitude is None else (counter.latitude, counter.longitude)
        sent = replace(job, service=Service.STANDARD, country=counter.country, destination=place, pickup_at=None)
        own = fences[counter.id]
        fences = {one.site: one.fence for one in routing.explain(network, case.rules, sent, case.situation, now)}
        fences[counter.id] = own
    far = network.distances(job.destination)
    ways = [
        Way(place, case.available[place], fence)
        for place, fence in fences.items()
        if case.available[place] > 0 and fence is not Fence.UNABLE
    ]

    def key(way: Way) -> tuple[bool, int, float]:
        return (way.available < case.units, _SEVERITY[way.fence], float(far[network.position[way.location_id]]))

    return tuple(sorted(ways, key=key))


def _helps(case: _Case, service: Service, now: datetime) -> bool:
    """Whether somebody may send it that way."""
    job = replace(case.job, service=service, pickup_at=None)
    return bool(job.needs) and not routing.serve(case.network, case.rules, job, case.situation, now).lacking


# What is decided


async def retry(tx: Tx, setting: Setting, exception_id: ExceptionId) -> bool:
    """The rules decide again, now; says whether somebody sends it. Raises NotThatKind and ExceptionClosed."""
    _, order_id = await _parked(tx, exception_id)
    await settle(tx, [order_id], setting, stuck=[order_id])
    return await _is_over(tx, exception_id)


async def send_anyway(tx: Tx, setting: Setting, exception_id: ExceptionId, location_id: LocationId) -> None:
    """The units come from this location, whatever the rules say, and routing leaves them there.

    Raises NotThatKind, ExceptionClosed, Invalid for a location that cannot send, and InsufficientStock.
    """
    one, order_id = await _parked(tx, exception_id)
    order = (await orders.open_orders(tx, [order_id])).get(order_id)
    line = None if order is None else next((line for line in order.lines if line.line_no == one.line_no), None)
    if order is None or line is None:
        raise ExceptionClosed(resolution=one.resolution)
    await _check_able(tx, setting, order, location_id)
    held = {
        place: units
        for (no, place), units in (await _held(tx, [order_id])).get(order_id, Counter()).items()
        if no == line.line_no
    }
    waiting = min(line.backordered, max(0, min(one.quantity, line.open) - sum(held.values())))
    wanted: Counter[LocationId] = Counter()
    for r in await inventory.reservations_of(tx, [order_id]):
        if r.line_no == line.line_no:
            wanted[r.location_id] += r.quantity
    wanted.subtract(held)
    wanted[location_id] += sum(held.values()) + waiting
    placings = [Placing(line.line_no, place, units) for place, units in sorted((+wanted).items())]
    if await orders.assign(tx, {order_id: placings}, "person"):
        there = (await inventory.levels_at(tx, [(line.sku, location_id)])).get((line.sku, location_id))
        available = held.get(location_id, 0) + (0 if there is None else max(0, there.available))
        asked = sum(held.values()) + waiting
        raise InsufficientStock(lines=[{"sku": line.sku, "requested": asked, "available": available}])
    await orders.choose(tx, order_id, [(line.line_no, location_id)])
    await orders.resolve(tx, exception_id, Resolution.SENT_ANYWAY)
    await settle(tx, [order_id], setting, stuck=[order_id])


async def send_as(tx: Tx, setting: Setting, exception_id: ExceptionId, service: Service) -> bool:
    """It goes another way from now on, and the rules decide again; says whether somebody sends it. What the buyer has paid for
    the way stays as it is. Raises NotThatKind, ExceptionClosed, Invalid, and NotInThatState for a pickup that is begun.
    """
    _, order_id = await _parked(tx, exception_id)
    order = (await orders.open_orders(tx, [order_id])).get(order_id)
    if order is None or service not in _SPEEDS or service is order.service or not order.country:
        raise invalid("service", "is another way to an address that is known")
    if order.service is Service.PICKUP:
        begun = [one for one in await work.of_orders(tx, [order_id]) if one.state in ACTIVE and one.state not in NOT_BEGUN]
        if begun:
            raise NotInThatState(step="send_as", state=begun[0].state)
        await orders.change_pickup(tx, order_id, None, service)
    else:
        await orders.change_delivery(tx, order_id, service=service)
    await settle(tx, [order_id], setting, stuck=[order_id])
    return await _is_over(tx, exception_id)


async def cancel_stuck(tx: Tx, exception_id: ExceptionId, reason: str) -> int:
    """The buyer does not get the units: those that are held because no location may send them go first. Gives what they stand
    for, in minor units. Raises NotThatKind and ExceptionClosed.
    """
    one, order_id = await _parked(tx, exception_id)
    held = (await _held(tx, [order_id])).get(order_id, Counter())
    places = sorted(place for (line_no, place), units in held.items() if line_no == one.line_no and units)
    return await orders.choose_cancel(tx, exception_id, reason, at=places[0] if places else None)


async def _parked(tx: Tx, exception_id: ExceptionId) -> tuple[OrderException, OrderId]:
    """An open exception about units that no location may send, with its order locked."""
    one = await orders.get_exception(tx, exception_id)
    if one.kind != ExceptionKind.UNROUTABLE or one.order_id is None:
        raise NotThatKind(kind=one.kind)
    await orders.load(tx, one.order_id)
    one = await orders.get_exception(tx, exception_id)
    if one.state != "open":
        raise ExceptionClosed(resolution=one.resolution)
    assert one.order_id is not None
    return one, one.order_id


async def _check_able(tx: Tx, setting: Setting, order: OpenOrder, location_id: LocationId) -> None:
    await setting.atlas.refresh(tx)
    network = await setting.atlas.network(tx, await setting.pool_id_of(tx, order.channel_id))
    position = network.position.get(location_id)
    site = None if position is None else network.sites[position]
    collected = site is not None and site.pickup and order.service is Service.PICKUP and order.pickup_location_id == site.id
    if site is None or not site.active or not (site.ships or collected):
        raise invalid("location_id", "is a location that the channel sells from and that sends")


async def _is_over(tx: Tx, exception_id: ExceptionId) -> bool:
    return (await orders.get_exception(tx, exception_id)).state != "open"
