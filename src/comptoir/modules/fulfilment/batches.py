"""Batches: orders that nobody has begun, decided together, so that the whole costs less than one after another.

A run decides what waited for it, and may also improve what is on somebody's list already, as long as nobody has
begun it, nobody has chosen it by hand, and it pays: whoever sees work go off their list wants a reason.

Finding the best takes seconds, and no transaction waits for that: what is decided is carried out only where it is still so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment.contracts import Fulfilment, Method, NotedRun, Request, State
from comptoir.modules.fulfilment.domain import ACTIVE, NOT_BEGUN
from comptoir.modules.fulfilment.fitting import DEFAULT
from comptoir.modules.fulfilment.release import Setting, job_of, loads_of, profile_of, settle
from comptoir.modules.fulfilment.remedies import cancel_stuck
from comptoir.modules.fulfilment.retiming import open_early
from comptoir.modules.fulfilment.store import reading, work
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.locations.contracts import LocationId, PoolId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ExceptionFilter, ExceptionKind, OpenOrder, OrderException, OrderId, Placing
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import Network, Situation, Taken, Waits
from comptoir.modules.routing.contracts import Decision, DecisionKind, Job, Pick, Rules, RuleSet, Run
from comptoir.runtime.database import Reader, Tx

MOST = 5_000
"""Orders that are decided at once. Of a run with more of them each part finds what the one before has left."""
LEAST_SAVED = 100
LEAST_SHARE = 0.1
"""For each order that goes from one list to another, so many minor units at least, and such a share of what it costs now."""
_PAGE = 100


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run whose time has come, or a part of one, with the orders of which it is the turn."""

    waits: Waits
    orders: tuple[OrderId, ...]
    at: datetime
    early: bool = False
    """A person wants it before its time. Of several parts the last one is."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Orders of one run, of one pool and under the same rules, with what there is for them: their own units are free again."""

    waits: Waits
    network: Network
    rule_set: RuleSet | None
    """None where the pool's priority decides, then the distance."""
    jobs: tuple[Job, ...]
    before: dict[OrderId, tuple[Pick, ...]]
    available: dict[Spot, int]
    load: dict[LocationId, int]
    at: datetime
    decided: frozenset[OrderId] = frozenset()
    """Those that are on somebody's list already."""
    arrives: Mapping[OrderId, date] = field(default_factory=dict[OrderId, date])
    """When the last of each is to come, as it is now."""
    sold_daily: Mapping[Spot, float] = field(default_factory=dict[Spot, float])
    """Where the rules ask for how long stock lasts."""

    @property
    def rules(self) -> Rules:
        return DEFAULT if self.rule_set is None else self.rule_set.rules


@dataclass(slots=True)
class _Turn:
    """Whose turn it is with a run: what waits for it, then what it may improve, and whether anything waits."""

    orders: list[OrderId] = field(default_factory=list[OrderId])
    late: bool = False


class _Free(NamedTuple):
    """An order that may be decided again, the work that it is now, and which run it waits for."""

    order: OpenOrder
    work: list[Fulfilment]
    rule_set: RuleSet | None
    waits: Waits


@dataclass(slots=True)
class _Group:
    """What is to be decided together."""

    network: Network
    rule_set: RuleSet | None
    jobs: list[Job] = field(default_factory=list[Job])
    before: dict[OrderId, tuple[Pick, ...]] = field(default_factory=dict[OrderId, tuple[Pick, ...]])
    work: dict[OrderId, list[Fulfilment]] = field(default_factory=dict[OrderId, list[Fulfilment]])

    @property
    def rules(self) -> Rules:
        return DEFAULT if self.rule_set is None else self.rule_set.rules


async def due_runs(reader: Reader, setting: Setting, now: datetime) -> list[DueRun]:
    """The runs whose time has come, or of which an order's has, in the order in which they are decided: each takes of the stock
    before the next one looks. Where nothing waits for anything there are none.
    """
    await setting.atlas.refresh(reader)
    turns = setting.atlas.turns
    if not turns:
        return []
    noted = await reading.runs(reader)
    last = {key: run.at for key, run in noted.items()}
    due = {one.key for one in turns if one.is_due(last.get(one.key), now)}
    if not due and not await reading.any_due(reader, now):
        return []
    found = await _turns(reader, setting, now)
    wanted = [one for one in turns if one.key in due or (one.key in found and found[one.key].late)]
    return [
        part for one in wanted for part in _parts(DueRun(one, tuple(found[one.key].orders if one.key in found else ()), now))
    ]


async def early_run(reader: Reader, setting: Setting, key: UUID, now: datetime) -> list[DueRun]:
    """A run of this schedule before its time, with all that waits for it; nothing where nothing can wait for it."""
    await setting.atlas.refresh(reader)
    waits = next((one for one in setting.atlas.turns if one.key == key), None)
    if waits is None:
        return []
    found = await _turns(reader, setting, _EVER)
    return _parts(DueRun(waits, tuple(found[key].orders if key in found else ()), now, early=True))


def _parts(run: DueRun) -> list[DueRun]:
    """The run in parts that can be decided at once; one at least."""
    firsts = range(0, max(1, len(run.orders)), MOST)
    parts = [replace(run, orders=run.orders[n : n + MOST], early=False) for n in firsts]
    return [*parts[:-1], replace(parts[-1], early=run.early)]


_EVER = datetime(9999, 1, 1, tzinfo=UTC)


async def _turns(reader: Reader, setting: Setting, now: datetime) -> dict[UUID, _Turn]:
    """All that waits until now, and `MOST` that may be improved, by what they wait for."""
    found: dict[UUID, _Turn] = {}
    ids = await reading.batched(reader, now, MOST)
    for n in range(0, len(ids), MOST):
        for key, own in (await _sorted_out(reader, setting, ids[n : n + MOST])).items():
            turn = found.setdefault(key, _Turn())
            turn.orders += [free.order.id for free in own]
            turn.late = turn.late or any(_waits(free.work) for free in own)
    return found


async def due_batches(reader: Reader, setting: Setting, run: DueRun) -> list[Batch]:
    """What a run decides, as it is now."""
    await setting.atlas.refresh(reader)
    free = (await _sorted_out(reader, setting, run.orders)).get(run.waits.key, [])
    return [await _batch(reader, run, group) for group in await _groups(reader, setting, free)]


async def finish_run(tx: Tx, setting: Setting, run: DueRun) -> None:
    """It has been, even if there was nothing to do; what a person did not want to wait can be begun at once."""
    await reading.note_run(tx, run.waits.key, NotedRun(run.at))
    if run.early:
        await open_early(tx, setting, run.waits.key)


async def _sorted_out(reader: Reader, setting: Setting, ids: Sequence[OrderId]) -> dict[UUID, list[_Free]]:
    """Those of these orders that may be decided again, by what they wait for."""
    by_order: dict[OrderId, list[Fulfilment]] = {}
    for one in await work.of_orders(reader, ids) if ids else ():
        if one.state in ACTIVE:
            by_order.setdefault(one.order_id, []).append(one)
    if not by_order:
        return {}
    chosen = {one.order_id for one in await orders.choices(reader, list(by_order))}
    wanted = [key for key, own in by_order.items() if key not in chosen and all(_untouched(one) for one in own)]
    opened = await orders.open_orders(reader, wanted)
    goods = await catalogue.goods(reader, sorted({line.sku for order in opened.values() for line in order.lines}))
    found: dict[UUID, list[_Free]] = {}
    for key, order in opened.items():
        profile = profile_of(order, goods)
        rule_set = setting.atlas.rule_set(key, profile)
        waits = setting.atlas.waits_for(rule_set, profile)
        if waits is not None:
            found.setdefault(waits.key, []).append(_Free(order, by_order[key], rule_set, waits))
    return found


async def _groups(reader: Reader, setting: Setting, free: Sequence[_Free]) -> list[_Group]:
    """By network and rules."""
    if not free:
        return []
    goods = await catalogue.goods(reader, sorted({line.sku for one in free for line in one.order.lines}))
    rejected: dict[OrderId, set[LocationId]] = {}
    for rejection in await orders.rejections(reader, [one.order.id for one in free]):
        rejected.setdefault(rejection.order_id, set()).add(rejection.location_id)
    pools: dict[object, PoolId] = {}
    groups: dict[tuple[Network, object], _Group] = {}
    for order, own, rule_set, _ in free:
        if order.channel_id not in pools:
            pools[order.channel_id] = await setting.pool_id_of(reader, order.channel_id)
        network = await setting.atlas.network(reader, pools[order.channel_id])
        picks = tuple(
            [Pick(line.line_no, line.sku, one.location_id, line.open) for one in own for line in one.lines if line.open]
        )
        units: dict[int, int] = {}
        for pick in picks:
            units[pick.line_no] = units.get(pick.line_no, 0) + pick.quantity
        group = groups.setdefault((network, None if rule_set is None else rule_set.id), _Group(network, rule_set))
        group.jobs.append(job_of(order, units, goods, sorted(rejected.get(order.id, ()))))
        group.before[order.id], group.work[order.id] = picks, own
    return list(groups.values())


def _untouched(one: Fulfilment) -> bool:
    """Whether nobody has done anything about it: nor printed it in a wave, nor accepted it, nor put a name to it."""
    return (
        one.state in NOT_BEGUN
        and one.hold_reason is None
        and one.picked == 0
        and one.method is Method.SHIP
        and one.begun_at is None
        and one.wave_id is None
        and not one.assignee
        and one.request in {Request.UNSUBMITTED, Request.REJECTED}
    )


def _waits(own: Iterable[Fulfilment]) -> bool:
    """Whether some of it is on nobody's list yet."""
    return any(one.state is State.SCHEDULED for one in own)


async def _batch(reader: Reader, run: DueRun, group: _Group) -> Batch:
    network, jobs, before, now = group.network, group.jobs, group.before, run.at
    skus = sorted({need.sku for job in jobs for need in job.needs})
    places = [site.id for site in network.sites]
    available: dict[Spot, int] = {
        (sku, place): units for sku, place, units in await inventory.available_in_pool(reader, skus, places)
    }
    load = await loads_of(reader, [network], now, everybody=routing.rates_load(group.rules))
    for picks in before.values():
        for pick in picks:
            available[pick.sku, pick.site] = available.get((pick.sku, pick.site), 0) + pick.quantity
        for place in {pick.site for pick in picks}:
            if place in load:
                load[place] -= 1  # what they have now is theirs to give away
    arrives: dict[OrderId, date] = {}
    for key, own in group.work.items():
        days = [one.arrives_on for one in own if one.arrives_on is not None]
        if days:
            arrives[key] = max(days)
    decided = frozenset([key for key, own in group.work.items() if not _waits(own)])
    daily = await routing.sold_daily(reader, [group.rules], skus, now)
    return Batch(run.waits, network, group.rule_set, tuple(jobs), before, available, load, now, decided, arrives, daily)


def decide_together(batch: Batch, *, seconds: float = 10.0) -> tuple[Decision, ...]:
    """A decision for each job, in their order: never worse than one after another. It takes long: call it in a thread."""
    situation = Situation(batch.network, batch.available, batch.load, batch.sold_daily)
    return routing.improve(batch.network, batch.rules, batch.jobs, situation, batch.at, seconds=seconds).decisions


async def carry_out(tx: Tx, setting: Setting, batch: Batch, decisions: Sequence[Decision]) -> int:
    """Moves what goes elsewhere than it was; says how many orders that were. Where somebody has begun since, or something is
    not there any more, an order stays as it is.
    """
    jobs = {OrderId(job.id): job for job in batch.jobs}
    wanted = _worthwhile(batch, jobs, dict(zip(jobs, decisions, strict=True)))
    begun = {one.order_id for one in await work.of_orders(tx, sorted(wanted)) if one.state in ACTIVE and not _untouched(one)}
    begun |= {one.order_id for one in await orders.choices(tx, sorted(wanted))}
    moving = {key: decision for key, decision in wanted.items() if key not in begun}
    placings = {key: _placings(decision) for key, decision in moving.items()}
    failed = await orders.assign(tx, placings, "batch") if placings else set[OrderId]()
    done = sorted(set(moving) - failed)
    run = Run(len(done), _saved(batch, jobs, {key: moving[key] for key in done}), batch.waits.code)
    await reading.note_run(tx, batch.waits.key, NotedRun(batch.at, len(jobs), run.orders, run.saved))
    await routing.record(
        tx,
        [
            Taken(
                order_id=key,
                kind=DecisionKind.BATCH,
                job=jobs[key],
                decision=moving[key],
                network=batch.network,
                rule_set=batch.rule_set,
                before=batch.before[key],
                load=batch.load,
                run=run,
            )
            for key in done
        ],
    )
    if done:
        await settle(tx, done, setting, decided={key: (moving[key], batch.rules, batch.network) for key in done})
    return len(done)


def _placings(decision: Decision) -> list[Placing]:
    return [Placing(pick.line_no, pick.site, pick.quantity) for parcel in decision.parcels for pick in parcel.picks]


def _worthwhile(batch: Batch, jobs: Mapping[OrderId, Job], decisions: Mapping[OrderId, Decision]) -> dict[OrderId, Decision]:
    """What goes elsewhere than it was, and is worth it. Orders that take what others give up stand and fall together."""
    wanted: dict[OrderId, Decision] = {}
    for key, decision in decisions.items():
        picks = {(pick.line_no, pick.site): pick.quantity for parcel in decision.parcels for pick in parcel.picks}
        held = {(pick.line_no, pick.site): pick.quantity for pick in batch.before[key]}
        if not decision.lacking and picks != held:
            wanted[key] = decision
    kept: dict[OrderId, Decision] = {}
    for group in _together(batch, wanted):
        if _pays(batch, jobs, {key: wanted[key] for key in group}):
            kept |= {key: wanted[key] for key in group}
    return kept


def _together(batch: Batch, wanted: Mapping[OrderId, Decision]) -> list[list[OrderId]]:
    """In groups that share a SKU at a location, or a location's day."""
    limited = {site.id for site in batch.network.sites if site.capacity is not None}
    first: dict[tuple[str, LocationId], OrderId] = {}
    above = {key: key for key in wanted}

    def top(key: OrderId) -> OrderId:
        while above[key] != key:
            above[key] = above[above[key]]
            key = above[key]
        return key

    for key, decision in wanted.items():
        picks = [*batch.before[key], *(pick for parcel in decision.parcels for pick in parcel.picks)]
        for spot in {(pick.sku, pick.site) for pick in picks} | {("", pick.site) for pick in picks if pick.site in limited}:
            above[top(key)] = top(first.setdefault(spot, key))
    groups: dict[OrderId, list[OrderId]] = {}
    for key in wanted:
        groups.setdefault(top(key), []).append(key)
    return list(groups.values())


def _pays(batch: Batch, jobs: Mapping[OrderId, Job], decisions: Mapping[OrderId, Decision]) -> bool:
    """Whether what these cost less is worth taking work off somebody's list, and nobody gets it later for that."""
    decided = batch.decided & decisions.keys()
    if not decided:
        return True  # nobody has seen any of them: the run is what they waited for
    if any(_comes_late(batch, jobs[key], decisions[key]) for key in decided):
        return False
    costs = _costs_now(batch, jobs, decisions)
    return _saved(batch, jobs, decisions) >= sum(max(LEAST_SAVED, LEAST_SHARE * costs[key]) for key in decided)


def _costs_now(batch: Batch, jobs: Mapping[OrderId, Job], keys: Iterable[OrderId]) -> dict[OrderId, int]:
    """What these cost where they are."""
    now = {key: routing.as_placed(batch.network, jobs[key], batch.before[key], batch.at) for key in keys}
    return {key: routing.worth(jobs[key], one, batch.rules.objective) for key, one in now.items()}


def _saved(batch: Batch, jobs: Mapping[OrderId, Job], decisions: Mapping[OrderId, Decision]) -> int:
    """What these cost less than where they are, all together."""
    costs = sum(_costs_now(batch, jobs, decisions).values())
    return costs - sum(routing.worth(jobs[key], one, batch.rules.objective) for key, one in decisions.items())


def _comes_late(batch: Batch, job: Job, decision: Decision) -> bool:
    """Whether it would miss the day that was promised, or, where none was, come later than it is to come now."""
    planned = batch.arrives.get(OrderId(job.id))
    last = max((parcel.arrives_on for parcel in decision.parcels), default=date.min)
    if job.needed_by is not None:
        return last > (job.needed_by if planned is None else max(job.needed_by, planned))
    return planned is not None and last > planned


async def given_up(tx: Tx, setting: Setting) -> int:
    """Cancels what nobody may send for longer than its rule set has patience, that first which is parked for longest; says how
    many lines that were, no more than a page of them.
    """
    await setting.atlas.refresh(tx)
    patient = [one.rules.give_up_after for one in setting.atlas.live if one.rules.give_up_after]
    if not patient:
        return 0
    wanted = ExceptionFilter(kinds=(ExceptionKind.UNROUTABLE,), opened_before=tx.now - timedelta(days=min(patient)))
    found: list[OrderException] = []
    cursor: str | None = None
    while not found:  # who has more patience stands before others in the list, and may fill pages of it
        page = await orders.find_exceptions(tx, wanted, sort="opened", limit=_PAGE, cursor=cursor)
        found = await _past_patience(tx, setting, [row.exception for row in page.items])
        cursor = page.next
        if cursor is None:
            break
    for one in sorted(found, key=lambda one: (str(one.order_id), one.line_no or 0)):
        await cancel_stuck(tx, one.id, "unroutable")
    return len(found)


async def _past_patience(tx: Tx, setting: Setting, found: Sequence[OrderException]) -> list[OrderException]:
    opened = await orders.open_orders(tx, sorted({one.order_id for one in found if one.order_id is not None}))
    goods = await catalogue.goods(tx, sorted({line.sku for order in opened.values() for line in order.lines}))
    past: list[OrderException] = []
    for one in found:
        order = None if one.order_id is None else opened.get(one.order_id)
        if order is None or one.opened_at is None or all(line.line_no != one.line_no for line in order.lines):
            continue  # nothing of it is open any more: whoever follows the order closes it
        rule_set = setting.atlas.rule_set(order.id, profile_of(order, goods))
        days = 0 if rule_set is None else rule_set.rules.give_up_after
        if days and one.opened_at < tx.now - timedelta(days=days):
            past.append(one)
    return past
