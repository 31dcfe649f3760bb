"""Fulfilment orders are made to fit what is promised where: shrunk, freed, grown, begun and ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TypedDict

from comptoir.kernel.ids import uuid7
from comptoir.modules.carriers.contracts import Service
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
from comptoir.modules.fulfilment.recalling import InHand, left_past, noted
from comptoir.modules.fulfilment.shelving import recall
from comptoir.modules.fulfilment.store import work
from comptoir.modules.fulfilment.store.work import NewFulfilment
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OpenOrder, OrderId
from comptoir.modules.routing.api import Network
from comptoir.modules.routing.contracts import Parcel, Rules
from comptoir.runtime.database import Tx

DEFAULT = Rules()
"""Where no rule set is live: the pool's priority, then the distance."""

Place = tuple[int, LocationId]
"""(line, location)."""
Units = Counter[Place]


@dataclass(slots=True)
class Routed:
    """What was decided for what is nobody's work yet."""

    parcels: dict[OrderId, dict[LocationId, Parcel]] = field(default_factory=dict[OrderId, dict[LocationId, Parcel]])
    unroutable: dict[OrderId, set[int]] = field(default_factory=dict[OrderId, set[int]])
    """Lines of which units may come from nowhere under the rules."""
    moved: set[OrderId] = field(default_factory=set[OrderId])
    tried: set[OrderId] = field(default_factory=set[OrderId])
    """Of which something wanted a location."""
    rules: dict[OrderId, Rules] = field(default_factory=dict[OrderId, Rules])
    """By which those are decided that a rule set is live for."""
    begins: dict[OrderId, datetime] = field(default_factory=dict[OrderId, datetime])
    """With the run that they wait for; what is not here can be begun at once."""
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


async def fit(
    tx: Tx,
    ids: Sequence[OrderId],
    opened: Mapping[OrderId, OpenOrder],
    promised: Mapping[OrderId, Units],
    existing: Mapping[OrderId, Sequence[Fulfilment]],
    routed: Routed,
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


def _free(active: list[Fulfilment], order: OpenOrder, routed: Routed, changes: _Changes, now: datetime) -> Units:
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
    routed: Routed,
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
    routed: Routed,
    *,
    held: bool,
    now: datetime,
) -> NewFulfilment:
    at_once = held or (order.id, place) in routed.kept
    release_at = None if at_once else routed.begins.get(order.id)
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
    order: OpenOrder, place: LocationId, routed: Routed, now: datetime, *, begins: datetime | None = None, held: bool = False
) -> _Plan:
    """`begins` is when somebody may begin it, if that is not now."""
    rules = routed.rules.get(order.id, DEFAULT)
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
