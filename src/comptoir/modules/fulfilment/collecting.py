"""Click & collect: what is ready waits for its buyer for a while, is handed to whoever may have it, or goes back to the stock.

Locks are taken in the order that everybody keeps to: the order, the fulfilment order, its collection. That is what decides
between a buyer who collects and a clock that gives back: whoever comes second finds nothing left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import TypedDict

from comptoir.kernel.checking import Checks
from comptoir.modules.fulfilment import domain, waiting
from comptoir.modules.fulfilment.contracts import (
    BackReason,
    BuyerHere,
    CodeVerdict,
    CollectorNamed,
    Fulfilment,
    FulfilmentCollected,
    FulfilmentExtended,
    FulfilmentGivenBack,
    FulfilmentId,
    FulfilmentReady,
    FulfilmentReceived,
    FulfilmentReminded,
    GivenBack,
    HandingOver,
    LineUnits,
    Method,
    PutBackId,
    Stage,
    State,
    ToPay,
    Waiting,
)
from comptoir.modules.fulfilment.domain import is_taken
from comptoir.modules.fulfilment.errors import (
    NoCurbside,
    NoMoreTime,
    NotInThatState,
    NotPaid,
    NotPicked,
    UnknownFulfilment,
    UnknownPutBack,
)
from comptoir.modules.fulfilment.shelving import set_aside
from comptoir.modules.fulfilment.store import collecting as store
from comptoir.modules.fulfilment.store import work
from comptoir.modules.fulfilment.terms import terms_at
from comptoir.modules.fulfilment.working import gone_out, lessen, load, load_with_order, named_units, unstocked
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Disposition, Quantity
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, Order, OrderId, OrderLine, ReturnLine
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import EntryKind, Standing
from comptoir.runtime.database import Reader, Tx

AT_COUNTERS = (Method.COLLECT, Method.HAND_OUT)
_NOBODY = HandingOver()
_MOST_WORDS = 120


def _require_counter(one: Fulfilment, step: str) -> None:
    if one.method not in AT_COUNTERS or one.state not in domain.ACTIVE:
        raise NotInThatState(step=step, state=one.state if one.method in AT_COUNTERS else one.method)


async def load_waiting(tx: Tx, fulfilment_id: FulfilmentId) -> tuple[Fulfilment, Waiting, tuple[int, ...]]:
    """What is ready, locked with its collection, and the days of its reminders. Raises NotInThatState for what is not."""
    one = await load(tx, fulfilment_id)
    found = await store.lock(tx, fulfilment_id)
    if found is None or one.stage is not Stage.READY:
        raise NotInThatState(step="collect", state=one.stage)
    return one, found[0], found[2]


# Ready


async def ready(tx: Tx, fulfilment_id: FulfilmentId, *, shelf: str | None = None) -> Fulfilment:
    """All of it is on the counter, for the buyer, and waits as long as the terms say. What was sent there is received with
    that. Raises NotPicked, and NotInThatState for what is sent to a buyer.
    """
    one = await load(tx, fulfilment_id)
    _require_counter(one, "ready")
    if one.picked < one.quantity:
        raise NotPicked(left=one.quantity - one.picked)
    there = (await store.get(tx, [one.id])).get(one.id)
    if there is None or there.waits_until is None:
        place = await locations.get(tx, one.location_id)
        terms = await terms_at(tx, one.location_id)
        until = waiting.waits_until(tx.now, terms.days, place.opening_hours, place.time_zone)
        remind_at = waiting.next_reminder(until, terms.reminders, tx.now)
        await store.open_(tx, one.id, one.order_id, one.location_id, terms=terms, until=until, remind_at=remind_at)
        if one.method is Method.HAND_OUT:
            await store.put(tx, one.id, {"received_at": tx.now})
            tx.emit(FulfilmentReceived(**about(one)))
        await work.put(tx, [one.id], {"ready_at": tx.now})
        tx.emit(FulfilmentReady(**about(one)))
    if shelf is not None:
        await shelve(tx, fulfilment_id, shelf)
    return await load(tx, one.id)


class _About(TypedDict):
    """What all events of a fulfilment order say."""

    order_id: OrderId
    fulfilment_id: FulfilmentId
    location_id: LocationId
    number: int


def about(one: Fulfilment) -> _About:
    return _About(order_id=one.order_id, fulfilment_id=one.id, location_id=one.location_id, number=one.number)


async def shelve(tx: Tx, fulfilment_id: FulfilmentId, shelf: str) -> None:
    """Where it lies. Raises NotInThatState for what is not ready."""
    checks = Checks()
    shelf = checks.words("shelf", shelf, most=60)
    checks.done()
    await load_waiting(tx, fulfilment_id)
    await store.put(tx, fulfilment_id, {"shelf": shelf})


# Who may have it


async def name_collector(tx: Tx, order_id: OrderId, name: str, *, by_buyer: bool) -> None:
    """Somebody else may collect the order; no name takes that back."""
    checks = Checks()
    name = checks.words("name", name, most=_MOST_WORDS)
    checks.done()
    await orders.load(tx, order_id)
    known = (await store.collectors(tx, [order_id])).get(order_id)
    if (known.name if known else "") == name:
        return
    if name:
        await store.put_collector(tx, order_id, name)
    else:
        await store.drop_collector(tx, order_id)
    tx.emit(CollectorNamed(order_id=order_id, named=bool(name), by_buyer=by_buyer))


async def try_code(tx: Tx, fulfilment_id: FulfilmentId, *, right: bool) -> CodeVerdict:
    """What becomes of a pickup code that somebody has typed: after some wrong ones none is looked at for a while.

    The caller knows whether it is right, and commits what this writes also when it is not.
    """
    await load(tx, fulfilment_id)
    found = await store.lock(tx, fulfilment_id)
    if found is None:
        return CodeVerdict.RIGHT if right else CodeVerdict.WRONG
    there, tries, _ = found
    if there.barred_until is not None and there.barred_until > tx.now:
        return CodeVerdict.BARRED
    until = None if right else waiting.barred(tries + 1, tx.now)
    await store.put(tx, fulfilment_id, {"tries": 0 if right or until else tries + 1, "barred_until": until})
    return CodeVerdict.RIGHT if right else CodeVerdict.WRONG


async def buyer_here(tx: Tx, fulfilment_id: FulfilmentId, *, car: str = "", spot: str = "", waits: bool = True) -> None:
    """The buyer waits outside, or (`waits` false) does not any more. Raises NoCurbside where nothing is brought out."""
    checks = Checks()
    car = checks.words("car", car, most=60)
    spot = checks.words("spot", spot, most=60)
    checks.done()
    one, there, _ = await load_waiting(tx, fulfilment_id)
    if waits and not there.curbside:
        raise NoCurbside
    if not waits:
        car = spot = ""
    await store.put(tx, one.id, {"here_at": (there.here_at or tx.now) if waits else None, "car": car, "spot": spot})
    if waits != (there.here_at is not None):
        tx.emit(BuyerHere(**about(one), waits=waits))


# What has to be paid


async def to_pay(reader: Reader, fulfilment_id: FulfilmentId, lines: Sequence[LineUnits] | None = None) -> ToPay:
    """What the buyer pays before these units are handed out (None is all of it), and for everything of the order."""
    found = await work.get(reader, [fulfilment_id])
    if not found:
        raise UnknownFulfilment(kind="fulfilment", id=fulfilment_id)
    order = await orders.order(reader, found[0].order_id)
    most = _collectable(found[0], order)
    return await _to_pay(reader, order, dict(lines) if lines is not None else most)


async def _to_pay(reader: Reader, order: Order, units: Mapping[int, int]) -> ToPay:
    """What is left of the order's value without what stays with us, less what is paid or authorised.

    Charges and what is not stocked go with the first units. Money that was authorised is as good as paid, by method: a buyer
    who has a card authorised and pays a part in cash is asked for what neither covers.
    """
    off = await orders.allowances(reader, order.id)
    standing = await orders.standing_of(reader, order)
    kept = await _kept(reader, order)
    staying = 0
    for line in order.lines:
        left = max(0, kept.get(line.line_no, 0) - units.get(line.line_no, 0))
        end = line.quantity - line.cancelled
        staying += orders.worth(line, off, max(line.returned, end - left), end)
    secured = await _secured(reader, order, standing)
    return ToPay(max(0, standing.value - staying - secured), max(0, standing.value - secured), order.currency)


async def _kept(reader: Reader, order: Order) -> dict[int, int]:
    """Units of each line that the buyer does not have yet: neither left, nor handed out where they were sent."""
    kept = {line.line_no: line.quantity - line.cancelled - line.shipped for line in order.lines if line.stocked}
    for one in await work.of_orders(reader, [order.id]):
        if one.method is Method.HAND_OUT and one.state in domain.ACTIVE:
            for line_no, units in _collectable(one, order).items():
                kept[line_no] = kept.get(line_no, 0) + units
    return kept


async def _secured(reader: Reader, order: Order, standing: Standing) -> int:
    sums: dict[str, dict[EntryKind, int]] = {}
    for entry in await payments.entries_of(reader, order.id):
        own = sums.setdefault(entry.method, dict.fromkeys(EntryKind, 0))
        own[entry.kind] += entry.amount
    held = sum(max(own[EntryKind.AUTHORISED] - own[EntryKind.VOIDED], own[EntryKind.CAPTURED]) for own in sums.values())
    return held - standing.refunded


def _collectable(one: Fulfilment, order: Order) -> dict[int, int]:
    """Units that can be handed out. What came back of an order while it lay on the counter is not among them."""
    by_no = {line.line_no: line for line in order.lines}
    found = {line.line_no: line.picked - line.gone for line in one.lines}
    if one.method is Method.HAND_OUT:
        found = {no: min(units, by_no[no].shipped - by_no[no].returned) for no, units in found.items()}
    return {no: units for no, units in found.items() if units > 0}


# Handed out


async def collect(tx: Tx, fulfilment_id: FulfilmentId, lines: Sequence[LineUnits] | None = None) -> Fulfilment:
    """Another system has handed these units out; None is all that are ready. What it took for them is for it to know."""
    return await _hand_out(tx, fulfilment_id, lines, _NOBODY, paid=False)


async def hand_out(tx: Tx, fulfilment_id: FulfilmentId, lines: Sequence[LineUnits] | None, given: HandingOver) -> Fulfilment:
    """Whoever may have it takes these units (None is all that are ready). What they leave stays on the counter.

    Raises NotPaid for what has to be paid first, NotThatMany, and NotInThatState for what is not ready.
    """
    return await _hand_out(tx, fulfilment_id, lines, given, paid=True)


async def _hand_out(
    tx: Tx, fulfilment_id: FulfilmentId, lines: Sequence[LineUnits] | None, given: HandingOver, *, paid: bool
) -> Fulfilment:
    checks = Checks()
    name = checks.words("collector", given.collector, most=_MOST_WORDS)
    checks.done()
    one = await load_with_order(tx, fulfilment_id)
    _require_counter(one, "collect")
    if one.stage is not Stage.READY and (paid or one.method is Method.HAND_OUT):
        raise NotInThatState(step="collect", state=one.stage)
    order = await orders.load(tx, one.order_id)
    named = named_units(one, lines, _collectable(one, order))
    if paid:
        owed = await _to_pay(tx, order, named)
        if owed.due:
            raise NotPaid(due=owed.due, currency=owed.currency)
    if one.method is Method.COLLECT:
        inside = [LineQuantity(no, units) for no, units in sorted(named.items())]
        await orders.ship(tx, one.order_id, one.location_id, [*inside, *await unstocked(tx, one.order_id)])
    taken = tuple([LineUnits(no, units) for no, units in sorted(named.items())])
    await store.insert_handout(tx, one.id, HandingOver(collector=name, checked=given.checked, at=given.at), taken)
    tx.emit(FulfilmentCollected(**about(one), lines=taken, checked=given.checked, at=given.at))
    after = await gone_out(tx, one, named, in_hand=True)
    if after.state is not State.CLOSED:
        await store.put(tx, one.id, {"here_at": None, "car": "", "spot": "", "tries": 0, "barred_until": None})
    return after


# Given back


async def give_back(tx: Tx, fulfilment_id: FulfilmentId, lines: Sequence[LineUnits] | None, reason: BackReason) -> GivenBack:
    """These units (None is all that are ready) do not go to the buyer: the store's own are cancelled, what was sent there
    comes into the store's stock, and somebody is asked to put them back. What is owed for them is for the caller to grant.
    """
    one = await load_with_order(tx, fulfilment_id)
    _require_counter(one, "give_back")
    if one.stage is not Stage.READY:
        raise NotInThatState(step="give_back", state=one.stage)
    order = await orders.load(tx, one.order_id)
    return await _give_back(tx, one, order, named_units(one, lines, _collectable(one, order)), reason)


async def came_short(tx: Tx, fulfilment_id: FulfilmentId, lines: Sequence[LineUnits], reason: BackReason) -> GivenBack:
    """Of what was sent to this counter, these units are missing or damaged: the buyer does not get them. What is damaged is the
    counter's, as damaged; what is missing is nobody's. What is owed for them is for the caller to grant.

    Raises NotInThatState for what is not on its way, and NotThatMany.
    """
    one = await load_with_order(tx, fulfilment_id)
    if one.stage is not Stage.TO_RECEIVE:
        raise NotInThatState(step="receive", state=one.stage)
    order = await orders.load(tx, one.order_id)
    return await _give_back(tx, one, order, named_units(one, lines, _collectable(one, order)), reason)


async def _give_back(tx: Tx, one: Fulfilment, order: Order, named: Mapping[int, int], reason: BackReason) -> GivenBack:
    before = await orders.standing_of(tx, order)
    damaged = reason is BackReason.DAMAGED
    if one.method is Method.HAND_OUT:
        missing = reason is BackReason.MISSING
        fate = Disposition.DAMAGED if damaged or missing else Disposition.RESTOCK
        back = [ReturnLine(no, units, fate) for no, units in sorted(named.items())]
        await orders.take_back(tx, order.id, one.location_id, back, reason, moves_stock=not missing)
    else:
        await orders.cancel(
            tx, order.id, [LineQuantity(no, units) for no, units in sorted(named.items())], reason, at=one.location_id
        )
        if damaged:
            await inventory.mark_damaged(tx, one.location_id, _by_sku(one, named), f"F{one.number}")
    await _give_back_beside(tx, one, reason)
    if reason is not BackReason.MISSING:
        await set_aside(tx, one, named, reason)
    await lessen(tx, one, named)
    worth = before.value - (await orders.standing(tx, order.id)).value
    gone = tuple([LineUnits(no, units) for no, units in sorted(named.items())])
    tx.emit(FulfilmentGivenBack(**about(one), lines=gone, reason=reason, worth=worth))
    return GivenBack(fulfilment_id=one.id, order_id=order.id, units=sum(named.values()), worth=worth)


def _by_sku(one: Fulfilment, named: Mapping[int, int]) -> list[Quantity]:
    rows = sorted((line.sku, named[line.line_no]) for line in one.lines if line.line_no in named)
    return [Quantity(sku, sum(units for _, units in group)) for sku, group in groupby(rows, key=lambda row: row[0])]


async def _give_back_beside(tx: Tx, one: Fulfilment, reason: BackReason) -> None:
    """When the buyer keeps nothing of an order and nothing comes any more, they pay neither its charges nor what went along."""
    order = await orders.load(tx, one.order_id)
    if any(line.stocked and line.quantity - line.cancelled > line.returned for line in order.lines):
        return
    along = [
        ReturnLine(line.line_no, line.shipped - line.returned)
        for line in order.lines
        if line.sku is not None and not line.stocked and line.shipped > line.returned
    ]
    if along:
        await orders.take_back(tx, order.id, one.location_id, along, reason)
    rest = [LineQuantity(line.line_no, _left(line)) for line in order.lines if _left(line) > 0]
    if rest:
        await orders.cancel(tx, order.id, rest, reason)


def _left(line: OrderLine) -> int:
    """Units of a charge, or of what is not stocked, that have not gone anywhere."""
    return 0 if line.stocked else line.quantity - line.cancelled - line.shipped


async def done_put_backs(tx: Tx, ids: Sequence[PutBackId]) -> int:
    """Somebody has put these back; raises UnknownPutBack when none of them was to be."""
    done = await store.done_put_backs(tx, ids)
    if not done:
        raise UnknownPutBack(kind="put_back")
    return done


# The clock


async def give_back_overdue(tx: Tx) -> GivenBack | None:
    """Gives back what has waited for longest beyond its time; None when nothing has. One at a time, so that locks are taken
    in order. Whoever has said that they are there is waited for. Where a third party keeps it, they are asked to stop first.
    """
    for key in await store.overdue(tx, tx.now, tx.now - waiting.HERE_FOR, 1):
        one = await load_with_order(tx, key)
        found = await store.lock(tx, key)
        assert found is not None, "collections are never deleted"
        order = await orders.load(tx, one.order_id)
        units = _collectable(one, order)
        if found[0].waits_until is None or found[0].waits_until > tx.now:
            return GivenBack(fulfilment_id=key, order_id=one.order_id, units=0, worth=0)
        if one.stage is not Stage.READY or not units:  # it is not on the counter any more: its time begins when it is again
            await store.put(tx, key, {"waits_until": None, "remind_at": None})
            return GivenBack(fulfilment_id=key, order_id=one.order_id, units=0, worth=0)
        if is_taken(one):
            kept = {(no, one.location_id): n for no, n in units.items()}
            await orders.wait_for_stop(tx, one.order_id, kept, BackReason.NOT_COLLECTED)
            await store.put(tx, key, {"waits_until": None, "remind_at": None})
            return GivenBack(fulfilment_id=key, order_id=one.order_id, units=0, worth=0)
        return await _give_back(tx, one, order, units, BackReason.NOT_COLLECTED)
    return None


async def remind(tx: Tx, limit: int = 100) -> int:
    """Has the buyers reminded whose reminder is due; says how many there were."""
    due = await store.to_remind(tx, limit)
    known = {one.id: one for one in await work.get(tx, [key for key, *_ in due])}
    for key, until, days, reminded in due:
        await store.put(tx, key, {"reminded": reminded + 1, "remind_at": waiting.next_reminder(until, days, tx.now)})
        if known[key].stage is Stage.READY:
            tx.emit(FulfilmentReminded(**about(known[key]), reminder=reminded + 1, waits_until=until))
    return len(due)


async def extend(tx: Tx, fulfilment_id: FulfilmentId, days: int) -> datetime:
    """Somebody who works there lets it wait longer: so many days from its end, or from now. Raises Invalid."""
    checks = Checks()
    checks.whole("days", days, 1, waiting.MOST_DAYS)
    checks.done()
    one, there, reminders = await load_waiting(tx, fulfilment_id)
    return await _extended(tx, one, there, reminders, days, by_buyer=False)


async def extend_for_buyer(tx: Tx, fulfilment_id: FulfilmentId) -> datetime:
    """The buyer asks for more time: once, for as long as the terms say. Raises NoMoreTime."""
    one, there, reminders = await load_waiting(tx, fulfilment_id)
    if not there.may_extend:
        raise NoMoreTime
    return await _extended(tx, one, there, reminders, there.extension, by_buyer=True)


async def _extended(
    tx: Tx, one: Fulfilment, there: Waiting, reminders: Sequence[int], days: int, *, by_buyer: bool
) -> datetime:
    place = await locations.get(tx, one.location_id)
    last = max(tx.now, (there.waits_until or tx.now) - timedelta(seconds=1))
    until = waiting.waits_until(last, days, place.opening_hours, place.time_zone)
    await store.put(
        tx,
        one.id,
        {
            "waits_until": until,
            "remind_at": waiting.next_reminder(until, reminders, tx.now),
            "extended": there.extended or by_buyer,
        },
    )
    tx.emit(FulfilmentExtended(**about(one), waits_until=until, by_buyer=by_buyer))
    return until
