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
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple, TypedDict
from zoneinfo import ZoneInfo

import msgspec

from comptoir.kernel.ids import uuid7
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Goods
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentChanged,
    FulfilmentCreated,
    FulfilmentGrown,
    FulfilmentId,
    FulfilmentLine,
    FulfilmentRecalled,
    HoldReason,
    LineUnits,
    Method,
    State,
    Step,
)
from comptoir.modules.fulfilment.domain import ACTIVE, NOT_BEGUN, gone_past
from comptoir.modules.fulfilment.hours import answer_by
from comptoir.modules.fulfilment.parking import Parking, keep, known
from comptoir.modules.fulfilment.recalling import InHand, left_past, noted
from comptoir.modules.fulfilment.shelving import recall
from comptoir.modules.fulfilment.store import parking as parked_orders
from comptoir.modules.fulfilment.store import reading, work
from comptoir.modules.fulfilment.store.work import NewFulfilment
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
_DEFAULT = Rules()
"""Where no rule set is live: the pool's priority, then the distance."""

PoolIdOf = Callable[[Reader, ChannelId], Awaitable[PoolId]]
"""Which pool a channel sells from; whoever knows channels provides it."""

Place = tuple[int, LocationId]
"""(line, location)."""
Units = Counter[Place]


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

    @property
    def fresh(self) -> Units:
        """Promised, nobody's work yet, and for the rules to decide."""
        return Counter({place: units for place, units in self._new().items() if place not in self.chosen})

    @property
    def kept(self) -> Units:
        """Promised and nobody's work yet, where a person wants it."""
        return Counter({place: units for place, units in self._new().items() if place in self.chosen})

    def _new(self) -> Units:
        return Counter({place: units - self.work[place] for place, units in self.promised.items() if units > self.work[place]})


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
            Covered(
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
    await _fit(tx, concerned, opened, reservations, existing, routed)


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


# Routing


@dataclass(slots=True)
class _Routed:
    """What was decided for what is nobody's work yet."""

    parcels: dict[OrderId, dict[LocationId, Parcel]] = field(default_factory=dict[OrderId, dict[LocationId, Parcel]])
    unroutable: dict[OrderId, set[int]] = field(default_factory=dict[OrderId, set[int]])
    """Lines of which units may come from nowhere under the rules."""
    moved: set[OrderId] = field(default_factory=set[OrderId])
    tried: set[OrderId] = field(default_factory=set[OrderId])
    """Of which something wanted a location."""
    rules: dict[OrderId, Rules] = field(default_factory=dict[OrderId, Rules])
    """By which those are decided that a rule set is live for."""
    networks: dict[OrderId, Network] = field(default_factory=dict[OrderId, Network])
    kept: set[tuple[OrderId, LocationId]] = field(default_factory=set[tuple[OrderId, LocationId]])
    """Where a person wants units to come from: no run takes them away."""
    freed: set[OrderId] = field(default_factory=set[OrderId])
    """Of which units were tried again that no location might send."""
    reason: str = ""
    """Why work is taken off a location, where more than one order was the reason."""

    def is_held(self, order_id: OrderId, line_no: int, place: LocationId) -> bool:
        """Whether what is promised of this line there is what nobody may send."""
        if line_no not in self.unroutable.get(order_id, ()):
            return False
        parcel = self.parcels.get(order_id, {}).get(place)
        return parcel is None or all(pick.line_no != line_no for pick in parcel.picks)


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


def _as_decided(decided: Mapping[OrderId, tuple[Decision, Rules, Network]]) -> _Routed:
    return _Routed(
        parcels={key: _by_place(decision.parcels) for key, (decision, _, _) in decided.items()},
        moved=set(decided),
        rules={key: replace(rules, every=0) for key, (_, rules, _) in decided.items()},
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
) -> _Routed:
    routed = _Routed()
    wanting = [one for one in covered if one.fresh or one.kept or one.order.id in again or one.order.id in stuck]
    if not wanting:
        return routed
    stamp = _text(await setting.atlas.refresh(tx))
    cases = await _cases(tx, wanting, setting, again, stuck)
    by_person = [case for case in cases if case.kind is DecisionKind.PERSON]
    by_rules = [case for case in cases if case.kind is not DecisionKind.PERSON]
    decided = [case for case in by_rules if case.rule_set is not None or case.kind is DecisionKind.REROUTED]
    loads = await _loads(tx, decided) if decided else {}
    decisions = await _decide(tx, decided, loads)
    placings = {case.order_id: _placings(case, decisions[case.order_id]) for case in decided}
    failed = await orders.assign(tx, placings, "routed") if placings else set[OrderId]()
    routed.moved, parking.failed = set(placings) - failed, failed
    taken: list[Taken] = []
    for case in by_rules:
        decision = decisions.get(case.order_id)
        if case.order_id in failed:  # it stays where it is promised
            _note_rules(routed, case)
            continue
        _note(routed, parking, case, decision or routing.as_placed(case.network, case.job, case.before, tx.now))
        if decision is None or decision.parcels or not parking.is_same(case.order_id):
            taken.append(_taken(case, decision, loads, seen, tx.now))
    for case in by_person:
        decision = routing.as_placed(case.network, case.job, case.before, tx.now)
        _note(routed, parking, case, decision)
        routed.kept |= {(case.order_id, parcel.site) for parcel in decision.parcels}
        taken.append(_chosen(case, decision, loads))
    routed.freed = stuck & routed.tried - failed
    await routing.record(tx, taken)
    await keep(tx, parking, stamp)
    return routed


def _note(routed: _Routed, parking: Parking, case: _Case, decision: Decision) -> None:
    key, lacking = case.order_id, dict(decision.lacking)
    _note_rules(routed, case)
    routed.parcels.setdefault(key, {}).update(_by_place(decision.parcels))
    if lacking:
        routed.unroutable.setdefault(key, set()).update(lacking)
    parking.note(key, case.job.needs, lacking)


def _note_rules(routed: _Routed, case: _Case) -> None:
    routed.tried.add(case.order_id)
    routed.networks[case.order_id] = case.network
    if case.rule_set is not None:
        routed.rules[case.order_id] = case.rule_set.rules


def _taken(
    case: _Case, decision: Decision | None, loads: Mapping[LocationId, int], seen: Mapping[OrderId, int], now: datetime
) -> Taken:
    """What is written into the log; without a decision it was promised so, and stays."""
    own = {site: n for site, n in loads.items() if site in case.network.position}
    return Taken(
        order_id=case.order_id,
        kind=case.kind,
        job=case.job,
        decision=decision or routing.as_placed(case.network, case.job, case.before, now),
        network=case.network,
        rule_set=case.rule_set,
        before=() if decision is None else case.before,
        load=own,
        seen=seen.get(case.order_id, 0) if decision is None else 0,
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
        rule_set = setting.atlas.rule_set(order.id, profile_of(order, goods))
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
            cases.append(_Case(one, job, _picks(order, one.fresh), rule_set, network, kind))
        kept: Counter[int] = Counter()
        for (no, _), quantity in one.kept.items():
            kept[no] += quantity
        job = job_of(order, kept, goods)
        if job.needs:
            cases.append(_Case(one, job, _picks(order, one.kept), rule_set, network, DecisionKind.PERSON))
    return cases


def _picks(order: OpenOrder, units: Units) -> tuple[Pick, ...]:
    return tuple([Pick(no, _sku(order, no), place, quantity) for (no, place), quantity in sorted(units.items())])


def profile_of(order: OpenOrder, goods: Mapping[str, Goods]) -> Profile:
    """By what rule sets tell it apart."""
    own = [goods[line.sku] for line in order.lines if line.sku in goods]
    return Profile(order.channel_code, order.country, order.service, routing.categories_of(own))


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


async def _decide(tx: Tx, cases: Sequence[_Case], loads: Mapping[LocationId, int]) -> dict[OrderId, Decision]:
    """One after another, each with what the ones before have left."""
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
            rules = _DEFAULT if case.rule_set is None else case.rule_set.rules
            decision = routing.serve(network, rules, case.job, situation, tx.now)
            situation.take(decision)
            found[case.order_id] = decision
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
    stays = (case.covered.work & case.covered.promised) + case.covered.kept
    wanted: Units = Counter({place: units for place, units in stays.items() if place[0] in lines})
    for parcel in decision.parcels:
        for pick in parcel.picks:
            wanted[pick.line_no, pick.site] += pick.quantity
    return [Placing(no, place, units) for (no, place), units in sorted((+wanted).items())]


# Making fulfilment orders fit


async def _fit(
    tx: Tx,
    ids: Sequence[OrderId],
    opened: Mapping[OrderId, OpenOrder],
    promised: Mapping[OrderId, Units],
    existing: Mapping[OrderId, Sequence[Fulfilment]],
    routed: _Routed,
) -> None:
    have = [key for key in ids if key in existing]
    locked = await work.of_orders(tx, have, lock=True) if have else []
    await _readdress(tx, locked, opened)
    own: dict[OrderId, list[Fulfilment]] = {}
    for one in locked:
        if one.method is not Method.HAND_OUT:
            own.setdefault(one.order_id, []).append(one)
    shipped = await orders.shipped_from(tx, have) if have else {}
    changes = _Changes(reason=routed.reason)
    for key in ids:
        wanted = promised.get(key, Counter())
        left = _note_gone(own.get(key, []), shipped.get(key, Counter()), changes)
        missing = _shrink(left, wanted, changes)
        order = opened.get(key)
        if key in routed.freed and order is not None:
            missing += _free(left, order, routed, changes, tx.now)
        if order is not None and missing:
            _grow(order, left, missing, routed, changes, tx.now)
    await _write(tx, changes)


async def _readdress(tx: Tx, locked: Sequence[Fulfilment], opened: Mapping[OrderId, OpenOrder]) -> None:
    """Work that is still to be done goes to whoever its order names now, where it names them."""
    for one in locked:
        order = opened.get(one.order_id)
        if order is None or one.state not in ACTIVE:
            continue
        there = {"recipient": order.name, "city": order.city, "country": order.country}
        if there != {"recipient": one.recipient, "city": one.city, "country": one.country}:
            await work.put(tx, [one.id], there)
        method = _method(order, one.location_id)
        own = one.state in NOT_BEGUN and one.method in _CHOSEN
        if own and (one.service, one.method) != (order.service, method):
            # What carries it was chosen for another way: it is chosen again when it is packed.
            await work.put(tx, [one.id], {"service": order.service, "method": method, "carrier": ""})


@dataclass(slots=True)
class _Changes:
    new: list[NewFulfilment] = field(default_factory=list[NewFulfilment])
    lines: dict[tuple[FulfilmentId, int], FulfilmentLine] = field(
        default_factory=dict[tuple[FulfilmentId, int], FulfilmentLine]
    )
    recalled: list[FulfilmentRecalled] = field(default_factory=list[FulfilmentRecalled])
    taken: dict[FulfilmentId, InHand] = field(default_factory=dict[FulfilmentId, InHand])
    """What of that was in somebody's hands."""
    left: dict[FulfilmentId, Counter[int]] = field(default_factory=dict[FulfilmentId, Counter[int]])
    """What has left past us and was in boxes, by line."""
    grown: list[FulfilmentGrown] = field(default_factory=list[FulfilmentGrown])
    resumed: list[tuple[Fulfilment, dict[str, object]]] = field(default_factory=list[tuple[Fulfilment, dict[str, object]]])
    """What was held because no location might send it, and what it is now that one may."""
    reason: str = ""
    touched: dict[FulfilmentId, Fulfilment] = field(default_factory=dict[FulfilmentId, Fulfilment])

    def put(self, one: Fulfilment, line: FulfilmentLine) -> Fulfilment:
        """The fulfilment order with this line as it is now."""
        lines = [line if there.line_no == line.line_no else there for there in one.lines]
        if all(there.line_no != line.line_no for there in one.lines):
            lines.append(line)
        changed = replace(one, lines=tuple(lines))
        self.lines[one.id, line.line_no] = line
        self.touched[one.id] = changed
        return changed


def _note_gone(existing: Sequence[Fulfilment], shipped: Units, changes: _Changes) -> list[Fulfilment]:
    """Units that left without a word to us are gone all the same. Gives the active ones as they are then."""
    told: Units = Counter()
    for one in existing:
        for line in one.lines:
            told[line.line_no, one.location_id] += line.gone
    active: list[Fulfilment] = []
    for one in existing:
        if one.state not in ACTIVE:
            continue
        current = one
        for line in one.lines:
            place = (line.line_no, one.location_id)
            gone = min(line.open, shipped[place] - told[place])
            if gone > 0:
                told[place] += gone
                after, boxed = gone_past(line, gone)
                current = changes.put(current, after)
                if boxed:
                    changes.left.setdefault(one.id, Counter())[line.line_no] += boxed
        active.append(current)
    return active


def _shrink(active: list[Fulfilment], wanted: Units, changes: _Changes) -> Units:
    """Takes away what is not promised here any more, first from what nobody has begun; gives what is promised beyond."""
    have: Units = Counter()
    for one in active:
        for line in one.lines:
            have[line.line_no, one.location_id] += line.open
    surplus = have - wanted
    for n in sorted(range(len(active)), key=lambda n: (active[n].state not in NOT_BEGUN, active[n].number)):
        lost: list[LineUnits] = []
        taken = InHand()
        for line in active[n].lines:
            place = (line.line_no, active[n].location_id)
            less = min(line.open, surplus[place])
            if less > 0:
                surplus[place] -= less
                quantity = line.quantity - less
                lost.append(LineUnits(line.line_no, less))
                after = replace(line, quantity=quantity, picked=min(line.picked, quantity), packed=min(line.packed, quantity))
                active[n] = changes.put(active[n], noted(line, after, taken))
        if lost:
            one = active[n]
            if taken.units:
                changes.taken[one.id] = taken
            changes.recalled.append(
                FulfilmentRecalled(
                    order_id=one.order_id,
                    fulfilment_id=one.id,
                    location_id=one.location_id,
                    number=one.number,
                    lines=tuple(lost),
                    picked=sum(taken.units.values()),
                    boxed=sum(taken.boxed.values()),
                )
            )
    return wanted - have


def _free(active: list[Fulfilment], order: OpenOrder, routed: _Routed, changes: _Changes, now: datetime) -> Units:
    """What was held because no location might send it, and is where one may now, can be begun; where that is true of some lines
    alone, these are taken off, and given back to be work of their own.
    """
    apart: Units = Counter()
    for n, one in enumerate(active):
        if one.hold_reason is not HoldReason.UNROUTABLE:
            continue
        free = [line for line in one.lines if line.open and not routed.is_held(order.id, line.line_no, one.location_id)]
        if not free:
            continue
        if len(free) == sum(line.open > 0 for line in one.lines):
            plan = _planned(order, one.location_id, routed, now)
            # It is its location's work from now on: it takes a place of this day.
            values = {"state": State.OPEN, "hold_reason": None, "hold_note": "", "created_at": now}
            changes.resumed.append((one, values | plan))
            active[n] = replace(one, state=State.OPEN, hold_reason=None)
            continue
        for line in free:
            apart[line.line_no, one.location_id] += line.open
            active[n] = changes.put(active[n], replace(line, quantity=line.gone))
    return apart


def _grow(
    order: OpenOrder,
    active: Sequence[Fulfilment],
    missing: Units,
    routed: _Routed,
    changes: _Changes,
    now: datetime,
) -> None:
    """What is promised and nobody's work joins what nobody has begun at its location, or is a fulfilment order of its own."""
    places: dict[tuple[LocationId, bool], Counter[int]] = {}
    for (line_no, place), units in missing.items():
        places.setdefault((place, routed.is_held(order.id, line_no, place)), Counter())[line_no] += units
    names = {line.line_no: line for line in order.lines}
    for (place, held), units in places.items():
        there = next(
            (one for one in active if one.location_id == place and one.state in NOT_BEGUN and _is_like(one, held=held)),
            None,
        )
        if there is not None:
            for line_no, quantity in units.items():
                line = next((line for line in there.lines if line.line_no == line_no), None)
                line = line or FulfilmentLine(line_no, names[line_no].sku, names[line_no].name, 0)
                there = changes.put(there, replace(line, quantity=line.quantity + quantity))
            changes.grown.append(_grown(there, units))
            continue
        lines = [
            FulfilmentLine(no, names[no].sku, names[no].name, quantity) for no, quantity in sorted(units.items()) if no in names
        ]
        if lines:
            changes.new.append(_new(order, place, tuple(lines), routed, held=held, now=now))


def _is_like(one: Fulfilment, *, held: bool) -> bool:
    return one.hold_reason is HoldReason.UNROUTABLE if held else one.state is not State.ON_HOLD


_CHOSEN = (Method.SHIP, Method.COLLECT, Method.SEND_TO_STORE)


def _method(order: OpenOrder, place: LocationId) -> Method:
    if order.service is Service.PICKUP and order.pickup_location_id is not None:
        return Method.COLLECT if order.pickup_location_id == place else Method.SEND_TO_STORE
    return Method.SHIP


def _new(
    order: OpenOrder,
    place: LocationId,
    lines: tuple[FulfilmentLine, ...],
    routed: _Routed,
    *,
    held: bool,
    now: datetime,
) -> NewFulfilment:
    rules = routed.rules.get(order.id, _DEFAULT)
    at_once = held or not rules.every or (order.id, place) in routed.kept
    release_at = None if at_once else next_run(now, rules.every)
    plan = _planned(order, place, routed, now, begins=release_at, held=held)
    return NewFulfilment(
        id=FulfilmentId(uuid7()),
        order_id=order.id,
        order_number=order.number,
        channel_code=order.channel_code,
        location_id=place,
        state=State.ON_HOLD if held else State.OPEN if release_at is None else State.SCHEDULED,
        method=_method(order, place),
        service=order.service,
        hold_reason=HoldReason.UNROUTABLE if held else None,
        promised_on=order.promised_on,
        release_at=release_at,
        recipient=order.name,
        city=order.city,
        country=order.country,
        placed_at=order.placed_at,
        lines=lines,
        **plan,
    )


class _Plan(TypedDict):
    """How work is to go, as it was decided."""

    carrier: str
    leaves_by: datetime
    arrives_on: date | None
    answer_by: datetime | None
    answer_within: int
    count_unanswered: bool


def _planned(
    order: OpenOrder, place: LocationId, routed: _Routed, now: datetime, *, begins: datetime | None = None, held: bool = False
) -> _Plan:
    """`begins` is when somebody may begin it, if that is not now."""
    rules = routed.rules.get(order.id, _DEFAULT)
    parcel = routed.parcels.get(order.id, {}).get(place)
    network = routed.networks.get(order.id)
    site = None if network is None or place not in network.position else network.sites[network.position[place]]
    planned = None if parcel is None or parcel.ready_at <= now else parcel
    within = 0 if site is None else rules.answer_within
    until = None if held or site is None else answer_by(site.hours, site.time_zone, begins or now, within)
    return {
        "carrier": "" if parcel is None else parcel.carrier,
        "leaves_by": now + timedelta(days=1) if planned is None else planned.ready_at,
        "arrives_on": None if planned is None else planned.arrives_on,
        "answer_by": until,
        "answer_within": within,
        "count_unanswered": rules.count_unanswered,
    }


def next_run(now: datetime, every: int) -> datetime:
    """The next full multiple of so many minutes after midnight, in UTC."""
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    step = timedelta(minutes=every)
    return midnight + ((now - midnight) // step + 1) * step


async def _write(tx: Tx, changes: _Changes) -> None:
    if changes.lines:
        await work.put_lines(tx, [(key, line) for (key, _), line in sorted(changes.lines.items())])
    ended = [one for one in changes.touched.values() if all(line.open == 0 for line in one.lines)]
    for step, group in (
        (Step.CLOSE, [one for one in ended if any(line.gone for line in one.lines)]),
        (Step.CANCEL, [one for one in ended if not any(line.gone for line in one.lines)]),
    ):
        if group:
            state = State.CLOSED if step is Step.CLOSE else State.CANCELLED
            await work.put(tx, [one.id for one in group], {"state": state, "hold_reason": None, "closed_at": tx.now})
            tx.emit(*(changed(one, step, state, changes.reason) for one in group))
    for one, values in changes.resumed:
        await work.put(tx, [one.id], values)
        tx.emit(changed(one, Step.RESUME, State.OPEN))
    over = {one.id for one in ended}
    for key, boxed in sorted(changes.left.items()):
        await left_past(tx, changes.touched[key], boxed)
    if changes.taken or any(one.ready_at is not None for one in ended):
        await recall(tx, changes.taken, changes.touched, sorted(over))
    tx.emit(*(one for one in changes.recalled if one.fulfilment_id not in over or one.picked))
    tx.emit(*changes.grown)
    if changes.new:
        numbers = await work.insert(tx, changes.new)
        tx.emit(*(_created(one, numbers[one.id]) for one in changes.new))


def changed(one: Fulfilment, step: Step, state: State, reason: str = "") -> FulfilmentChanged:
    return FulfilmentChanged(
        order_id=one.order_id,
        fulfilment_id=one.id,
        location_id=one.location_id,
        number=one.number,
        step=step,
        state=state,
        reason=reason,
    )


def _grown(one: Fulfilment, units: Mapping[int, int]) -> FulfilmentGrown:
    return FulfilmentGrown(
        order_id=one.order_id,
        fulfilment_id=one.id,
        location_id=one.location_id,
        number=one.number,
        lines=tuple([LineUnits(no, quantity) for no, quantity in sorted(units.items())]),
    )


def _created(one: NewFulfilment, number: int) -> FulfilmentCreated:
    return FulfilmentCreated(
        order_id=one.order_id,
        fulfilment_id=one.id,
        location_id=one.location_id,
        number=number,
        state=one.state,
        units=sum(line.quantity for line in one.lines),
    )
