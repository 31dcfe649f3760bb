"""Batches: orders that nobody has begun, decided together, so that the whole costs less than one after another.

Finding the best takes seconds, and no transaction waits for that: what is decided is carried out only where it is still so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment.contracts import Fulfilment, Method
from comptoir.modules.fulfilment.domain import ACTIVE, NOT_BEGUN
from comptoir.modules.fulfilment.release import Setting, job_of, loads_of, profile_of, settle
from comptoir.modules.fulfilment.store import reading, work
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.locations.contracts import LocationId, PoolId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ExceptionFilter, ExceptionKind, OrderId, Placing
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import Network, Situation, Taken
from comptoir.modules.routing.contracts import Decision, DecisionKind, Job, Pick, RuleSet
from comptoir.runtime.database import Reader, Tx

MOST = 5_000
"""Orders in one batch; the others are the next one's."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Orders of one pool under one rule set, with what there is for them: their own units are free again."""

    network: Network
    rule_set: RuleSet
    jobs: tuple[Job, ...]
    before: dict[OrderId, tuple[Pick, ...]]
    available: dict[Spot, int]
    load: dict[LocationId, int]
    at: datetime


async def due_batches(reader: Reader, setting: Setting, now: datetime) -> list[Batch]:
    """What is to be decided together now: orders whose run has come, with those of the runs before that nobody has begun."""
    if not await reading.any_due(reader, now):
        return []
    await setting.atlas.refresh(reader)
    every = await work.of_orders(reader, await reading.batched(reader, now, MOST))
    by_order: dict[OrderId, list[Fulfilment]] = {}
    for one in every:
        if one.state in ACTIVE:
            by_order.setdefault(one.order_id, []).append(one)
    free = [key for key, own in by_order.items() if all(_untouched(one) for one in own)]
    opened = await orders.open_orders(reader, free)
    skus = sorted({line.sku for order in opened.values() for line in order.lines})
    goods = await catalogue.goods(reader, skus)
    rejected: dict[OrderId, set[LocationId]] = {}
    for rejection in await orders.rejections(reader, list(opened)):
        rejected.setdefault(rejection.order_id, set()).add(rejection.location_id)
    pools: dict[object, PoolId] = {}
    groups: dict[tuple[Network, object, int], tuple[RuleSet, list[Job], dict[OrderId, tuple[Pick, ...]]]] = {}
    for key, order in opened.items():
        rule_set = setting.atlas.rule_set(key, profile_of(order, goods))
        if rule_set is None:
            continue
        if order.channel_id not in pools:
            pools[order.channel_id] = await setting.pool_id_of(reader, order.channel_id)
        network = await setting.atlas.network(reader, pools[order.channel_id])
        picks = tuple(
            [
                Pick(line.line_no, line.sku, one.location_id, line.open)
                for one in by_order[key]
                for line in one.lines
                if line.open
            ]
        )
        units: dict[int, int] = {}
        for pick in picks:
            units[pick.line_no] = units.get(pick.line_no, 0) + pick.quantity
        _, jobs, before = groups.setdefault((network, rule_set.id, rule_set.version), (rule_set, [], {}))
        jobs.append(job_of(order, units, goods, sorted(rejected.get(key, ()))))
        before[key] = picks
    return [
        await _batch(reader, network, rule_set, jobs, before, now)
        for (network, _, _), (rule_set, jobs, before) in groups.items()
    ]


def _untouched(one: Fulfilment) -> bool:
    return one.state in NOT_BEGUN and one.hold_reason is None and one.picked == 0 and one.method is Method.SHIP


async def _batch(
    reader: Reader,
    network: Network,
    rule_set: RuleSet,
    jobs: Sequence[Job],
    before: dict[OrderId, tuple[Pick, ...]],
    now: datetime,
) -> Batch:
    skus = sorted({need.sku for job in jobs for need in job.needs})
    places = [site.id for site in network.sites]
    available: dict[Spot, int] = {
        (sku, place): units for sku, place, units in await inventory.available_in_pool(reader, skus, places)
    }
    load = await loads_of(reader, [network], now)
    for picks in before.values():
        for pick in picks:
            available[pick.sku, pick.site] = available.get((pick.sku, pick.site), 0) + pick.quantity
        for place in {pick.site for pick in picks}:
            if place in load:
                load[place] -= 1  # what they have now is theirs to give away
    return Batch(network, rule_set, tuple(jobs), before, available, load, now)


def decide_together(batch: Batch, *, seconds: float = 10.0) -> tuple[Decision, ...]:
    """A decision for each job, in their order: never worse than one after another. It takes long: call it in a thread."""
    situation = Situation(batch.network, batch.available, batch.load)
    return routing.improve(batch.network, batch.rule_set.rules, batch.jobs, situation, batch.at, seconds=seconds).decisions


async def carry_out(tx: Tx, setting: Setting, batch: Batch, decisions: Sequence[Decision]) -> int:
    """Moves what goes elsewhere than it was; says how many orders that were. Where somebody has begun since, or something is
    not there any more, an order stays as it is.
    """
    wanted: dict[OrderId, Decision] = {}
    jobs: dict[OrderId, Job] = {}
    for job, decision in zip(batch.jobs, decisions, strict=True):
        key = OrderId(job.id)
        picks = {(pick.line_no, pick.site): pick.quantity for parcel in decision.parcels for pick in parcel.picks}
        held = {(pick.line_no, pick.site): pick.quantity for pick in batch.before[key]}
        if not decision.lacking and picks != held:
            wanted[key], jobs[key] = decision, job
    begun = {one.order_id for one in await work.of_orders(tx, sorted(wanted)) if one.state in ACTIVE and not _untouched(one)}
    moving = {key: decision for key, decision in wanted.items() if key not in begun}
    placings = {key: _placings(decision) for key, decision in moving.items()}
    failed = await orders.assign(tx, placings, "batch") if placings else set[OrderId]()
    done = sorted(set(moving) - failed)
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
            )
            for key in done
        ],
    )
    if done:
        await settle(tx, done, setting, decided={key: (moving[key], batch.rule_set.rules) for key in done})
    return len(done)


def _placings(decision: Decision) -> list[Placing]:
    return [Placing(pick.line_no, pick.site, pick.quantity) for parcel in decision.parcels for pick in parcel.picks]


async def given_up(tx: Tx, setting: Setting) -> int:
    """Cancels what nobody may send for longer than its rule set has patience; says how many lines that were."""
    await setting.atlas.refresh(tx)
    patient = [one.rules.give_up_after for one in setting.atlas.live if one.rules.give_up_after]
    if not patient:
        return 0
    before = tx.now - timedelta(days=min(patient))
    wanted = ExceptionFilter(kinds=(ExceptionKind.UNROUTABLE,), opened_before=before)
    count = 0
    for row in (await orders.find_exceptions(tx, wanted, sort="opened", limit=100)).items:
        found = row.exception
        opened = await orders.open_orders(tx, [] if found.order_id is None else [found.order_id])
        goods = await catalogue.goods(tx, sorted({line.sku for order in opened.values() for line in order.lines}))
        for order in opened.values():
            rule_set = setting.atlas.rule_set(order.id, profile_of(order, goods))
            days = 0 if rule_set is None else rule_set.rules.give_up_after
            if days and found.opened_at is not None and found.opened_at < tx.now - timedelta(days=days):
                await orders.choose_cancel(tx, found.id, "unroutable")
                count += 1
    return count
