"""From promises to work: units that are promised at a location become fulfilment orders there.

Level-triggered: whatever has happened to an order, what is promised where is compared with the fulfilment orders that it has,
and these are made to fit. What is promised and not yet anybody's work is routed first, where a rule set is live for it; what a
person wants to come from a location stays there, and is written into the log as theirs.

Locks are taken in the order that everybody keeps to: orders by id, fulfilment orders by id, levels by key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Goods
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    HoldReason,
    Method,
)
from comptoir.modules.fulfilment.domain import ACTIVE
from comptoir.modules.fulfilment.fitting import DEFAULT, Place, Routed, Units, fit
from comptoir.modules.fulfilment.parking import Parking, keep, known
from comptoir.modules.fulfilment.store import parking as parked_orders
from comptoir.modules.fulfilment.store import reading, work
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.locations.contracts import LocationId, PoolId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ChannelId, Chosen, OpenOrder, OrderId, Placing
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import Atlas, Network, Situation, Taken
from comptoir.modules.routing.contracts import Decision, DecisionKind, Job, Need, Parcel, Pick, Profile, Rules, RuleSet
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.events import Recorded

_RETRIED = 50
"""Orders that no location might send and that are tried again in one transaction; the clock looks after the others."""
_HELPFUL = frozenset(
    {"rule_set.changed", "carrier_service.changed", "location.changed", "pool.changed", "stock.loaded", "stock.received"}
)
"""What may let somebody send what nobody might."""

PoolIdOf = Callable[[Reader, ChannelId], Awaitable[PoolId]]
"""Which pool a channel sells from; whoever knows channels provides it."""


@dataclass(slots=True)
class Setting:
    """What releasing orders needs to know of the house."""

    pool_id_of: PoolIdOf
    atlas: Atlas = field(default_factory=Atlas)


class Covered(NamedTuple):
    """An order with what is promised where, and what of that is somebody's work already."""

    order: OpenOrder
    promised: Units
    work: Units
    chosen: Mapping[Place, Chosen]
    """Where a person wants units to come from."""
    fresh: Mapping[Place, int]
    """Promised, nobody's work yet, and for the rules to decide."""
    kept: Mapping[Place, int]
    """Promised and nobody's work yet, where a person wants it."""


def _covered(order: OpenOrder, promised: Units, work: Units, chosen: Mapping[Place, Chosen]) -> Covered:
    new = {place: units - work[place] for place, units in promised.items() if units > work[place]}
    kept = {place: units for place, units in new.items() if place in chosen} if chosen else {}
    fresh = {place: units for place, units in new.items() if place not in chosen} if chosen else new
    return Covered(order, promised, work, chosen, fresh, kept)


async def follow(tx: Tx, events: Sequence[Recorded], setting: Setting) -> None:
    """Brings the fulfilment orders of these events' orders up to date, and tries again what may go now."""
    seen: dict[OrderId, int] = {}
    rejected: set[OrderId] = set()
    ids: set[OrderId] = set()
    arrived: set[str] = set()
    for event in events:
        if event.type == "stock.received":
            arrived.update(msgspec.convert(event.data["skus"], list[str]))
        if event.subject is None or not event.type.startswith("order."):
            continue
        order_id = OrderId(event.subject)
        ids.add(order_id)
        if event.type == "order.placed":
            seen[order_id] = event.tx
        elif event.type == "order.rejected":
            rejected.add(order_id)
    stuck = set[OrderId]()
    may_go = any(event.type in _HELPFUL for event in events) and await parked_orders.any_(tx)
    if may_go:
        stuck = set(await _due(tx, setting, sorted(arrived)))
    await settle(tx, ids | stuck, setting, seen=seen, rejected=rejected, stuck=stuck)
    loaded = any(event.type == "stock.loaded" for event in events)
    if may_go and (loaded or len(stuck) >= _RETRIED):
        await parked_orders.wake(tx, sorted(arrived), everything=loaded)


async def try_again(tx: Tx, setting: Setting) -> int:
    """Tries what nobody might send and whose time has come, that first which was not tried for longest; says how many orders
    that were.
    """
    if not await parked_orders.any_(tx):
        return 0
    due = await _due(tx, setting)
    await settle(tx, due, setting, stuck=due)
    return len(due)


async def _due(tx: Tx, setting: Setting, skus: Sequence[str] = ()) -> list[OrderId]:
    stamp = _text(await setting.atlas.refresh(tx))
    return await parked_orders.due(tx, tx.now, stamp, _RETRIED, skus)


def _text(stamp: tuple[int, ...]) -> str:
    return ".".join(map(str, stamp))


async def settle(
    tx: Tx,
    ids: Iterable[OrderId],
    setting: Setting,
    *,
    seen: Mapping[OrderId, int] | None = None,
    rejected: Iterable[OrderId] = (),
    stuck: Collection[OrderId] = (),
    decided: Mapping[OrderId, tuple[Decision, Rules, Network]] | None = None,
) -> None:
    """Makes the fulfilment orders of these orders fit what is promised where.

    `seen` has the transactions in which orders were promised, for the log. Of those that are `rejected`, units that a location
    gave back are routed again; of those that are `stuck`, units that no location might send. Orders that are
    `decided`, in this transaction, are not routed again, and wait for no run.
    """
    everything = sorted(ids)
    reservations = await _promised(tx, everything)
    existing = await _existing(tx, everything)
    concerned = sorted({*(key for key in everything if key in reservations or key in existing), *rejected, *stuck})
    if not concerned:
        return
    opened = await orders.open_orders(tx, concerned)
    if decided is not None:
        routed = _as_decided(decided)
    else:
        parking = await known(tx, concerned)
        retried = {*stuck, *parking.before}
        chosen: dict[OrderId, dict[Place, Chosen]] = {}
        for one in await orders.choices(tx, concerned):
            chosen.setdefault(one.order_id, {})[one.line_no, one.location_id] = one
        covered = [
            _covered(
                opened[key],
                reservations.get(key, Counter()),
                _worked_on(existing.get(key, ()), retried=key in retried),
                chosen.get(key, {}),
            )
            for key in concerned
            if key in opened
        ]
        routed = await _route(tx, covered, setting, seen or {}, parking, again=set(rejected), stuck=retried)
        over = sorted(retried - routed.tried)
        if over:  # nothing of them is open, or wants a location, any more
            await parked_orders.drop(tx, over)
    if routed.moved:
        reservations |= await _promised(tx, sorted(routed.moved))
    await fit(tx, concerned, opened, reservations, existing, routed)


async def _promised(reader: Reader, ids: Sequence[OrderId]) -> dict[OrderId, Units]:
    found: dict[OrderId, Units] = {}
    for r in await inventory.reservations_of(reader, ids):
        found.setdefault(OrderId(r.promise_id), Counter())[r.line_no, r.location_id] += r.quantity
    return found


async def _existing(tx: Tx, ids: Sequence[OrderId]) -> dict[OrderId, list[Fulfilment]]:
    found: dict[OrderId, list[Fulfilment]] = {}
    for one in await work.of_orders(tx, ids):
        if one.method is not Method.HAND_OUT:  # nothing of it is promised: it has left where it was
            found.setdefault(one.order_id, []).append(one)
    return found


def _worked_on(existing: Iterable[Fulfilment], *, retried: bool) -> Units:
    units: Units = Counter()
    for one in existing:
        if one.state in ACTIVE and not (retried and one.hold_reason is HoldReason.UNROUTABLE):
            for line in one.lines:
                units[line.line_no, one.location_id] += line.open
    return units


def _by_place(parcels: Iterable[Parcel]) -> dict[LocationId, Parcel]:
    """Of several from one place the one that comes last, with everything; their carriers are chosen when they are packed."""
    found: dict[LocationId, Parcel] = {}
    for parcel in parcels:
        there = found.get(parcel.site)
        if there is None:
            found[parcel.site] = parcel
        else:
            last = max(there, parcel, key=lambda one: (one.arrives_on, one.ready_at))
            carrier = parcel.carrier if there.carrier == parcel.carrier else ""
            found[parcel.site] = replace(last, picks=(*there.picks, *parcel.picks), carrier=carrier)
    return found


def _as_decided(decided: Mapping[OrderId, tuple[Decision, Rules, Network]]) -> Routed:
    return Routed(
        parcels={key: _by_place(decision.parcels) for key, (decision, _, _) in decided.items()},
        moved=set(decided),
        rules={key: rules for key, (_, rules, _) in decided.items()},
        networks={key: network for key, (_, _, network) in decided.items()},
        reason="batch",
    )


@dataclass(slots=True)
class _Case:
    """An order's units that want a location."""

    covered: Covered
    job: Job
    before: tuple[Pick, ...]
    rule_set: RuleSet | None
    network: Network
    kind: DecisionKind

    @property
    def order_id(self) -> OrderId:
        return self.covered.order.id


async def _route(
    tx: Tx,
    covered: Sequence[Covered],
    setting: Setting,
    seen: Mapping[OrderId, int],
    parking: Parking,
    *,
    again: set[OrderId],
    stuck: set[OrderId],
) -> Routed:
    routed = Routed()
    wanting = [one for one in covered if one.fresh or one.kept or one.order.id in again or one.order.id in stuck]
    if not wanting:
        return routed
    stamp = _text(await setting.atlas.refresh(tx))
    cases = await _cases(tx, wanting, setting, again, stuck)
    by_person = [case for case in cases if case.kind is DecisionKind.PERSON]
    by_rules = [case for case in cases if case.kind is not DecisionKind.PERSON]
    decided = [case for case in by_rules if case.rule_set is not None or case.kind is DecisionKind.REROUTED]
    loads = await _loads(tx, decided) if decided else {}
    decisions = await _decide(tx, decided, loads, parking)
    placings = {case.order_id: _placings(case, decisions[case.order_id]) for case in decided}
    failed = await orders.assign(tx, placings, "routed") if placings else set[OrderId]()
    routed.moved, parking.failed = set(placings) - failed, failed
    taken: list[Taken] = []
    for case in by_rules:
        decision = decisions.get(case.order_id)
        if case.order_id in failed:  # it stays where it is promised
            _note_rules(routed, case)
            continue
        promised = decision is None
        decision = decision or routing.as_placed(case.network, case.job, case.before, tx.now)
        _note(routed, parking, case, decision)
        if promised or decision.parcels or not parking.is_same(case.order_id):
            taken.append(_taken(case, decision, loads, seen.get(case.order_id, 0) if promised else 0, promised=promised))
    for case in by_person:
        decision = routing.as_placed(case.network, case.job, case.before, tx.now)
        _note(routed, parking, case, decision)
        routed.kept |= {(case.order_id, parcel.site) for parcel in decision.parcels}
        taken.append(_chosen(case, decision, loads))
    routed.freed = stuck & routed.tried - failed
    await routing.record(tx, taken)
    await keep(tx, parking, stamp)
    return routed


def _note(routed: Routed, parking: Parking, case: _Case, decision: Decision) -> None:
    key, lacking = case.order_id, dict(decision.lacking)
    _note_rules(routed, case)
    routed.parcels.setdefault(key, {}).update(_by_place(decision.parcels))
    if lacking:
        routed.unroutable.setdefault(key, set()).update(lacking)
    parking.note(key, case.job.needs, lacking)


def _note_rules(routed: Routed, case: _Case) -> None:
    routed.tried.add(case.order_id)
    routed.networks[case.order_id] = case.network
    if case.rule_set is not None:
        routed.rules[case.order_id] = case.rule_set.rules
    if case.job.begins_at is not None:
        routed.begins[case.order_id] = case.job.begins_at


def _taken(case: _Case, decision: Decision, loads: Mapping[LocationId, int], seen: int, *, promised: bool) -> Taken:
    """What is written into the log; where it was `promised` so, it stays."""
    return Taken(
        order_id=case.order_id,
        kind=case.kind,
        job=case.job,
        decision=decision,
        network=case.network,
        rule_set=case.rule_set,
        before=() if promised else case.before,
        load={site: n for site, n in loads.items() if site in case.network.position},
        seen=seen,
    )


def _chosen(case: _Case, decision: Decision, loads: Mapping[LocationId, int]) -> Taken:
    """As `_taken`, by whoever wanted it, and when they did."""
    chosen = case.covered.chosen
    last = max((chosen[pick.line_no, pick.site] for pick in case.before), key=lambda one: one.at)
    own = {site: n for site, n in loads.items() if site in case.network.position}
    return Taken(
        order_id=case.order_id,
        kind=DecisionKind.PERSON,
        job=case.job,
        decision=decision,
        network=case.network,
        rule_set=case.rule_set,
        before=case.before,
        load=own,
        actor=last.actor,
        at=last.at,
    )


async def _cases(tx: Tx, wanting: Sequence[Covered], setting: Setting, again: set[OrderId], stuck: set[OrderId]) -> list[_Case]:
    """The jobs that these are. Orders whose channel has no pool any more are left alone."""
    goods = await catalogue.goods(tx, sorted({line.sku for one in wanting for line in one.order.lines}))
    barred: dict[OrderId, list[tuple[int, LocationId]]] = {}
    for rejection in await orders.rejections(tx, [one.order.id for one in wanting]):
        barred.setdefault(rejection.order_id, []).append((rejection.line_no, rejection.location_id))
    pools: dict[ChannelId, PoolId] = {}
    cases: list[_Case] = []
    for one in wanting:
        order = one.order
        if order.channel_id not in pools:
            pools[order.channel_id] = await setting.pool_id_of(tx, order.channel_id)
        network = await setting.atlas.network(tx, pools[order.channel_id])
        rule_set, begins_at = _rules_for(order, goods, setting, tx.now)
        gone = barred.get(order.id, [])
        waiting = order.id in again or (order.id in stuck and bool(gone))
        retried = waiting or (order.id in stuck and rule_set is not None)
        kind = DecisionKind.REROUTED if retried else DecisionKind.CAPTURED if rule_set is None else DecisionKind.ROUTED
        units = Counter({no: 0 for no, _ in gone} if waiting else {})
        for (no, _), quantity in one.fresh.items():
            units[no] += quantity
        if waiting:
            for line in order.lines:
                if line.line_no in {no for no, _ in gone}:
                    units[line.line_no] += line.backordered
        job = job_of(order, +units, goods, sorted({place for _, place in gone}))
        if job.needs:
            job = replace(job, begins_at=begins_at)
            cases.append(_Case(one, job, _picks(order, one.fresh), rule_set, network, kind))
        if not one.kept:
            continue
        kept: Counter[int] = Counter()
        for (no, _), quantity in one.kept.items():
            kept[no] += quantity
        job = job_of(order, kept, goods)
        if job.needs:
            cases.append(_Case(one, job, _picks(order, one.kept), rule_set, network, DecisionKind.PERSON))
    return cases


def _rules_for(
    order: OpenOrder, goods: Mapping[str, Goods], setting: Setting, now: datetime
) -> tuple[RuleSet | None, datetime | None]:
    """Who decides for it, and the run that it waits for."""
    profile = profile_of(order, goods)
    rule_set = setting.atlas.rule_set(order.id, profile)
    waits = setting.atlas.waits_for(rule_set, profile)
    return rule_set, None if waits is None else waits.table.next_run(now)


def _picks(order: OpenOrder, units: Mapping[Place, int]) -> tuple[Pick, ...]:
    return tuple([Pick(no, _sku(order, no), place, quantity) for (no, place), quantity in sorted(units.items())])


def profile_of(order: OpenOrder, goods: Mapping[str, Goods]) -> Profile:
    """By what rule sets and schedules tell it apart."""
    own = [goods[line.sku] for line in order.lines if line.sku in goods]
    return Profile(
        order.channel_code,
        order.country,
        order.service,
        routing.categories_of(own),
        frozenset([line.sku for line in order.lines]),
        routing.brands_of(own),
        order.value,
        order.currency,
    )


def _sku(order: OpenOrder, line_no: int) -> str:
    return next(line.sku for line in order.lines if line.line_no == line_no)


def job_of(
    order: OpenOrder, units: Mapping[int, int], goods: Mapping[str, Goods], rejected_by: Sequence[LocationId] = ()
) -> Job:
    """These units of an order's lines, as routing sees them."""
    needs: list[Need] = []
    for line in order.lines:
        quantity = units.get(line.line_no, 0)
        if quantity > 0 and line.stocked:
            known = goods.get(line.sku)
            weight = 0 if known is None else known.weighs(quantity) // quantity
            dangerous = known is not None and known.dangerous
            needs.append(Need(line.line_no, line.sku, quantity, weight, line.value, dangerous))
    return Job(
        id=order.id,
        needs=tuple(needs),
        service=order.service,
        country=order.country,
        destination=order.destination,
        pickup_at=order.pickup_location_id if order.service is Service.PICKUP else None,
        placed_at=order.placed_at,
        needed_by=order.promised_on,
        rejected_by=tuple(rejected_by),
    )


async def _decide(tx: Tx, cases: Sequence[_Case], loads: Mapping[LocationId, int], parking: Parking) -> dict[OrderId, Decision]:
    """One after another, each with what the ones before have left. Why nobody may send what is parked now goes to `parking`."""
    by_network: dict[Network, list[_Case]] = {}
    for case in cases:
        by_network.setdefault(case.network, []).append(case)
    found: dict[OrderId, Decision] = {}
    for network, own in by_network.items():
        skus = sorted({need.sku for case in own for need in case.job.needs})
        places = [site.id for site in network.sites]
        available: dict[Spot, int] = {
            (sku, place): units for sku, place, units in await inventory.available_in_pool(tx, skus, places)
        }
        for case in own:
            for pick in case.before:
                available[pick.sku, pick.site] = available.get((pick.sku, pick.site), 0) + pick.quantity
        said = [case.rule_set.rules for case in own if case.rule_set is not None]
        situation = Situation(network, available, loads, await routing.sold_daily(tx, said, skus, tx.now))
        for case in own:
            rules = DEFAULT if case.rule_set is None else case.rule_set.rules
            decision = routing.serve(network, rules, case.job, situation, tx.now)
            situation.take(decision)
            found[case.order_id] = decision
            if decision.lacking and not parking.knows(case.order_id, decision.lacking):
                lacking = dict(decision.lacking)
                parking.why[case.order_id] = routing.stops(network, rules, case.job, lacking, situation, tx.now)
    return found


async def _loads(tx: Tx, cases: Sequence[_Case]) -> dict[LocationId, int]:
    everybody = any(case.rule_set is not None and routing.rates_load(case.rule_set.rules) for case in cases)
    return await loads_of(tx, [case.network for case in cases], tx.now, everybody=everybody)


async def loads_of(
    reader: Reader, networks: Iterable[Network], now: datetime, *, everybody: bool = False
) -> dict[LocationId, int]:
    """The orders that sites have to prepare today, by their clocks: those with a limit, or everybody, where rules rate it."""
    since: dict[LocationId, datetime] = {}
    for network in set(networks):
        for site in network.sites:
            if everybody or site.capacity is not None:
                since[site.id] = _midnight(now, site.time_zone)
    return await reading.load(reader, sorted(since.items())) if since else {}


def _midnight(now: datetime, zone: str) -> datetime:
    local = now.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date(), time(), ZoneInfo(zone)).astimezone(UTC)


def _placings(case: _Case, decision: Decision) -> list[Placing]:
    """Where all units of the job's lines are to come from: what is somebody's work already stays as it is, and what a person
    has chosen.
    """
    lines = {need.line_no for need in case.job.needs}
    stays = case.covered.work & case.covered.promised
    stays.update(case.covered.kept)
    wanted: Units = Counter({place: units for place, units in stays.items() if place[0] in lines})
    for parcel in decision.parcels:
        for pick in parcel.picks:
            wanted[pick.line_no, pick.site] += pick.quantity
    return [Placing(no, place, units) for (no, place), units in sorted((+wanted).items())]
