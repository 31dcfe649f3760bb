"""Past orders under other rules: gathers what happened, and lets routing decide it again.

Reads are plain and short; what takes long is arithmetic, in a thread of its own. Nothing is changed by it.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from comptoir.kernel.time import utcnow
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Goods
from comptoir.modules.channels import api as channels
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Reservation, Spot
from comptoir.modules.locations.contracts import LocationId, LocationKind, PoolId
from comptoir.modules.orders import api as orders
from comptoir.modules.pricing import api as pricing
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import Atlas, Drill, Flow, Mishaps, Network, Past, Tally, Waits
from comptoir.modules.routing.contracts import Decision, Job, Need, Pick, Profile, Rehearsed, Rules, RuleSet, Schedule
from comptoir.modules.tracking import api as tracking
from comptoir.runtime.columnar import Columns, Texts
from comptoir.runtime.database import Database, Reader

_GOODS = 5_000
_LATELY = timedelta(days=90)
"""Of what came in that time it is measured how late parcels come."""
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Ground:
    """A stretch of the past, ready to be decided again."""

    network: Network
    jobs: tuple[tuple[int, str, Job], ...]
    """(when it was recorded, channel, job)."""
    flow: Flow
    sent: Mapping[UUID, tuple[Pick, ...]]
    """What left from where, by order."""
    categories: Mapping[str, frozenset[str]]
    """Of each SKU, with those above them."""
    sold_daily: Mapping[Spot, float] = field(default_factory=dict[Spot, float])
    """Units at each location, as it was when it begins."""
    gone: Mapping[UUID, Mapping[int, int]] = field(default_factory=dict[UUID, Mapping[int, int]])
    """Units by order and line that were cancelled for want of stock."""
    came: Mapping[UUID, date] = field(default_factory=dict[UUID, date])
    """When the last parcel of an order was at the door, where that is known."""
    brands: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of each SKU whose product names one."""
    currencies: Mapping[str, str] = field(default_factory=dict[str, str])
    """In which each channel sells, by its code."""
    schedules: tuple[Schedule, ...] = ()
    """The active schedules of runs."""
    worth: Mapping[UUID, int] = field(default_factory=dict[UUID, int])
    """What the buyer paid for the items of each order, in minor units."""

    def profile(self, channel: str, job: Job) -> Profile:
        """By what rule sets tell it apart."""
        skus = frozenset([need.sku for need in job.needs])
        own = [self.categories[sku] for sku in skus if sku in self.categories]
        return Profile(
            channel,
            job.country,
            job.service,
            frozenset[str]().union(*own),
            skus,
            frozenset([self.brands[sku] for sku in skus if sku in self.brands]),
            self.worth.get(job.id, 0),
            self.currencies.get(channel, ""),
        )


@dataclass(frozen=True, slots=True)
class Question:
    """Which past is asked about: the orders of these channels, which sell from one pool, placed from `since` up to `until`."""

    pool_id: PoolId
    channels: tuple[str, ...]
    since: datetime
    until: datetime


async def channels_of(reader: Reader, pool_id: PoolId) -> tuple[str, ...]:
    """The codes of the channels that sell from a pool."""
    return tuple([one.code for one in await channels.everything(reader) if one.pool_id == pool_id])


async def gather(database: Database, question: Question) -> Ground | None:
    """What there is to decide again; None where no order was placed."""
    span = (question.channels, question.since, question.until)
    async with database.read() as reader:
        clock = await orders.recorded_between(reader, *span)
        if clock is None:
            return None
        atlas = Atlas()
        await atlas.refresh(reader)
        network = await atlas.network(reader, question.pool_id)
        wanted = await orders.wanted(reader, *span)
        sent = await orders.sent(reader, *span)
        skus = sorted(set(wanted.texts["sku"].values))
        goods: dict[str, Goods] = {}
        for begin in range(0, len(skus), _GOODS):
            goods |= await catalogue.goods(reader, skus[begin : begin + _GOODS])
        opening = await inventory.opening(reader, skus, clock[0])
        flow = await inventory.flow(reader, skus, clock[0], clock[1] + timedelta(microseconds=1))
        daily = await inventory.sold_daily(reader, skus, question.since)
        came = await tracking.came(reader, question.channels, question.since)
        currencies = await _currencies(reader)
        schedules = tuple(atlas.schedules)
    with _uncollected():
        ground = await asyncio.to_thread(_ground, network, wanted, sent, goods, opening, flow)
    ground = replace(ground, sold_daily=daily, came=_came(came), gone=_gone(wanted), schedules=schedules)
    brands = {sku: one.brand for sku, one in goods.items() if one.brand}
    ground = replace(ground, brands=brands, currencies=currencies, worth=_worth(wanted))
    async with database.read() as reader:
        return _with_planned(ground, await inventory.reservations_of(reader, _unsent(ground)))


async def _currencies(reader: Reader) -> dict[str, str]:
    """In which each channel sells, by its code."""
    markets = {market.code: market.currency for market in await pricing.markets(reader)}
    return {one.code: markets.get(one.market, "") for one in await channels.everything(reader)}


@contextmanager
def _uncollected() -> Generator[None]:
    """Hundreds of thousands of values are made that all stay: looking again and again whether any of them can go takes four
    fifths of the time.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _unsent(ground: Ground) -> list[UUID]:
    """The orders of which something has not left yet."""
    return [
        job.id
        for _, _, job in ground.jobs
        if sum([pick.quantity for pick in ground.sent.get(job.id, ())]) < sum([need.quantity for need in job.needs])
    ]


def _with_planned(ground: Ground, planned: Sequence[Reservation]) -> Ground:
    """What is still to leave counts as sent from where it is promised."""
    sent = dict(ground.sent)
    known = {(job.id, need.line_no) for _, _, job in ground.jobs for need in job.needs}
    for one in planned:
        if (one.promise_id, one.line_no) not in known:
            continue
        sent[one.promise_id] = (*sent.get(one.promise_id, ()), Pick(one.line_no, one.sku, one.location_id, one.quantity))
    return replace(ground, sent=sent)


def _ground(
    network: Network, wanted: Columns, sent: Columns, goods: Mapping[str, Goods], opening: Columns, flow: Columns
) -> Ground:
    skus = sorted(set(wanted.texts["sku"].values))
    rows = {sku: n for n, sku in enumerate(skus)}
    sites = {str(place): n for place, n in network.position.items()}
    first = np.zeros((len(skus), len(network.sites)), np.int32)
    sku, site = _numbered(opening.texts["sku"], rows), _numbered(opening.texts["location"], sites)
    known = (sku >= 0) & (site >= 0)
    first[sku[known], site[known]] = np.maximum(opening.numbers["units"][known], 0)
    sku, site = _numbered(flow.texts["sku"], rows), _numbered(flow.texts["location"], sites)
    known = (sku >= 0) & (site >= 0)
    moved = Flow(skus, first, flow.numbers["at"][known], sku[known], site[known], flow.numbers["units"][known])
    jobs = tuple(_jobs(wanted, goods))
    by_path = {path: routing.categories_of([one]) for one in goods.values() if (path := one.category)}
    categories = {sku: by_path[one.category] for sku, one in goods.items() if one.category}
    return Ground(network, jobs, moved, _sent(sent, {job.id: job for _, _, job in jobs}), categories)


def _came(came: Columns) -> dict[UUID, date]:
    days: list[int] = came.numbers["day"].tolist()
    return {UUID(key): _EPOCH + timedelta(days=day) for key, day in zip(came.texts["order"].each(), days, strict=True)}


def _gone(wanted: Columns) -> dict[UUID, dict[int, int]]:
    """Few: only their rows are looked at."""
    found: dict[UUID, dict[int, int]] = {}
    units, lines, keys = wanted.numbers["gone"], wanted.numbers["line_no"], wanted.texts["order"]
    codes: list[int] = keys.codes.tolist()
    rows: list[int] = np.flatnonzero(units > 0).tolist()
    for n in rows:
        found.setdefault(UUID(keys.values[codes[n]]), {})[int(lines[n])] = int(units[n])
    return found


def _worth(wanted: Columns) -> dict[UUID, int]:
    keys = wanted.texts["order"]
    totals = np.zeros(len(keys.values), np.int64)
    np.add.at(totals, keys.codes, wanted.numbers["total"])
    found: list[int] = totals.tolist()
    return dict(zip(map(UUID, keys.values), found, strict=True))


def _numbered(texts: Texts, numbers: Mapping[str, int]) -> NDArray[np.int32]:
    """For each row the number of its text; -1 for those that have none."""
    own = np.array([numbers.get(value, -1) for value in texts.values] or [-1], dtype=np.int32)
    return own[texts.codes]


def _jobs(wanted: Columns, goods: Mapping[str, Goods]) -> list[tuple[int, str, Job]]:
    found: list[tuple[int, str, Job]] = []
    codes = wanted.texts["order"].codes
    edges = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), wanted.rows]
    lines = wanted.numbers["line_no"].tolist()
    units, values = wanted.numbers["units"].tolist(), wanted.numbers["value"].tolist()
    latitude, longitude = wanted.numbers["latitude"].tolist(), wanted.numbers["longitude"].tolist()
    placed, recorded = wanted.numbers["placed"].tolist(), wanted.numbers["recorded"].tolist()
    promised = wanted.numbers["promised"].tolist()
    text = {name: column.each() for name, column in wanted.texts.items()}
    for begin, end in pairwise(edges):
        if begin == end:
            continue
        needs: list[Need] = []
        for n in range(begin, end):
            one = goods.get(text["sku"][n])
            weight = 0 if one is None else one.weighs(units[n]) // units[n]
            needs.append(Need(lines[n], text["sku"][n], units[n], weight, values[n], one is not None and one.dangerous))
        pickup = text["pickup"][begin]
        job = Job(
            id=UUID(text["order"][begin]),
            needs=tuple(needs),
            service=Service(text["service"][begin]),
            country=text["country"][begin],
            destination=None if latitude[begin] != latitude[begin] else (latitude[begin], longitude[begin]),
            pickup_at=LocationId(UUID(pickup)) if pickup else None,
            placed_at=datetime.fromtimestamp(placed[begin] / 1e6, UTC),
            needed_by=_EPOCH + timedelta(days=promised[begin]) if promised[begin] >= 0 else None,
        )
        found.append((recorded[begin], text["channel"][begin], job))
    return found


def _sent(sent: Columns, jobs: Mapping[UUID, Job]) -> dict[UUID, tuple[Pick, ...]]:
    found: dict[UUID, list[Pick]] = {}
    ids = [UUID(value) for value in sent.texts["order"].values]
    places = [LocationId(UUID(value)) for value in sent.texts["location"].values]
    skus = {key: {need.line_no: need.sku for need in job.needs} for key, job in jobs.items()}
    codes: list[int] = sent.texts["order"].codes.tolist()
    sites: list[int] = sent.texts["location"].codes.tolist()
    lines: list[int] = sent.numbers["line_no"].tolist()
    for order, place, line_no, units in zip(codes, sites, lines, sent.numbers["units"].tolist(), strict=True):
        sku = skus.get(ids[order], {}).get(line_no)
        if sku is not None:
            found.setdefault(ids[order], []).append(Pick(line_no, sku, places[place], units))
    return {key: tuple(picks) for key, picks in found.items()}


Chooser = Callable[[Job, Profile], RuleSet | Rules | None]
"""By which rules an order is decided: those of a rule set, or as they stand; None by priority, then distance."""


@dataclass(slots=True)
class ByRules:
    """The rule sets that would be live with the one that is tried, which stands where its position puts it."""

    live: Sequence[RuleSet]
    tried: RuleSet | None = None
    reached: int = 0
    """Orders that the one that is tried has decided."""

    def __call__(self, job: Job, order: Profile) -> RuleSet | None:
        found = routing.matching(self.live, job.id, order)
        if found is not None and found is self.tried:
            self.reached += 1
        return found


def by_rules(tried: RuleSet | None, live: Sequence[RuleSet], *, for_all: bool = False) -> ByRules:
    """As it would be with the rule set that is tried put live: at its position, for its share of the orders, or `for_all` that
    reach it. An older version of it decides nothing beside it.
    """
    if tried is None:
        return ByRules(live)
    asked = replace(tried, share=100) if for_all else tried
    return ByRules([*(one for one in live if one.id != tried.id), asked], asked)


RUN_SECONDS = 1.0
"""So long at most is searched in each run of a simulation."""


def tried(
    ground: Ground,
    chooser: Chooser,
    watch: Callable[[int], None] | None = None,
    *,
    with_runs: bool = False,
    drill: Drill | None = None,
) -> Tally:
    """What would have happened. Takes seconds for tens of thousands of orders, with runs up to a second more for each of them:
    call it in a thread.
    """
    return routing.simulate(
        ground.network,
        _past(ground, chooser),
        ground.flow,
        sold_daily=ground.sold_daily,
        watch=watch,
        runs=RUN_SECONDS if with_runs else 0.0,
        look=drill,
    )


def drill_of(ground: Ground) -> Drill:
    """What compares each order with what happened to it."""
    jobs = {job.id: job for _, _, job in ground.jobs}

    def happened_to(order_id: UUID) -> Decision:
        return routing.as_placed(ground.network, jobs[order_id], ground.sent.get(order_id, ()), jobs[order_id].placed_at)

    return Drill(ground.network, happened_to, {job.id: channel for _, channel, job in ground.jobs})


_NOBODY = UUID(int=0)
_AS_PROMISED = Rules(respect_capacity=False)
"""Where no rule set would be live: only rules look at the day's limit."""


def _past(ground: Ground, chooser: Chooser) -> Iterator[Past]:
    for recorded, channel, job in ground.jobs:
        order = ground.profile(channel, job)
        found = chooser(job, order)
        rule_set = found if isinstance(found, RuleSet) else None
        rules = found if isinstance(found, Rules) else _AS_PROMISED if found is None else found.rules
        waits = routing.waits_for(ground.schedules, rule_set, order)
        if waits is None and rules.every:  # rules of no rule set
            waits = Waits(_NOBODY, "", routing.LAST_OF_ALL, routing.every(rules.every))
        begins_at = None if waits is None else waits.table.next_run(job.placed_at)
        yield Past(recorded, replace(job, begins_at=begins_at), rules, ground.gone.get(job.id), waits)


@dataclass(frozen=True, slots=True)
class Measured:
    """How often what went wrong in the past that is asked about."""

    rejects: float
    """Parts that stores gave back, of those that they were to send."""
    late: Mapping[int, float]
    """Parcels by days after their plan, as shares."""


async def measured(database: Database, question: Question, ground: Ground) -> Measured:
    """Of what nothing is known nothing goes wrong."""
    async with database.read() as reader:
        parts = await orders.given_back(reader, question.channels, question.since, question.until)
        late = await routing.lateness(reader, utcnow().date() - _LATELY)
    stores = {site.id for site in ground.network.sites if site.kind is LocationKind.STORE}
    own = [(back, all_) for place, back, all_ in parts if place in stores]
    sent, parcels = sum([all_ for _, all_ in own]), sum(late.values())
    return Measured(
        sum([back for back, _ in own]) / sent if sent else 0.0,
        {days: count / parcels for days, count in late.items() if days > 0},
    )


def rehearsed(ground: Ground, chooser: Chooser, known: Measured, target: float) -> Rehearsed:
    """The days that buyers would have been told at the door, and how many would have been kept with what goes wrong. The same
    past gives the same figures.
    """
    mishaps = Mishaps(rejected=known.rejects, left_late=0.0, came_late=known.late, careless=0.0)
    past = (
        replace(one, job=replace(one.job, needed_by=None))
        for one in _past(ground, chooser)
        if one.job.service is not Service.PICKUP
    )
    chance = random.Random(1)  # noqa: S311 - mishaps are no secret
    record = routing.rehearse(ground.network, past, ground.flow, mishaps, target=target, chance=chance)
    return Rehearsed(
        promised=record.promised,
        kept=record.kept,
        days=record.days,
        rejected=record.rejected,
        rejects=known.rejects,
        late=sum(known.late.values()),
    )


def happened(ground: Ground) -> Tally:
    """What did happen, and will of what has not left yet, reckoned with the rates and calendars of now. Days at the door are
    those of the parcels, where they are known.
    """
    tally = Tally()
    for _, _, job in ground.jobs:
        picks = ground.sent.get(job.id, ())
        decision = routing.as_placed(ground.network, job, picks, job.placed_at)
        sent = dict.fromkeys([need.line_no for need in job.needs], 0)
        for pick in picks:
            sent[pick.line_no] += pick.quantity
        lacking = tuple([(n.line_no, n.quantity - sent[n.line_no]) for n in job.needs if n.quantity > sent[n.line_no]])
        whole = Decision(job.id, decision.parcels, lacking)
        tally.add(job, whole, gone=ground.gone.get(job.id), came_on=ground.came.get(job.id))
    return tally
