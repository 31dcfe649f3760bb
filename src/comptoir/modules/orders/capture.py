"""Capture: what arrives together is promised together.

The hot path. For a whole batch: one read of what is sold and at what price, one lock of the levels involved in key order, a
decision for each request in the order of arrival, and one statement per table. Whatever is refused is refused alone.

In a hurry it decides at a glance, without locks, first by what each request's first candidate has, and takes it on condition
that it is still there at the very end, right before the commit: batches that want the same rows hardly wait for each other.
Where somebody else was faster the transaction fails as `Outrun`, and is done again without hurry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import msgspec

from comptoir.kernel.errors import Refusal
from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import MAX_MINOR, Currency, added_tax, exponent, included_tax, round_half_even
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Sellable, Unit
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Allocation, Demand, HoldId, PromiseId, Reservation, Spot
from comptoir.modules.inventory.errors import HoldGone, InsufficientStock
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import store
from comptoir.modules.orders.contracts import (
    Fill,
    Held,
    HoldRequest,
    OrderId,
    OrderPlaced,
    Placed,
    PlacedLine,
    Placement,
    Terms,
    Widen,
)
from comptoir.modules.orders.errors import (
    BackorderNotAllowed,
    DuplicateOrder,
    EmptyOrder,
    NotForSale,
    TotalChanged,
    TotalTooLarge,
    UnknownSku,
)
from comptoir.modules.orders.store import consents
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Entry, EntryKind, PaymentId
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import Price
from comptoir.runtime.database import Later, Tx
from comptoir.sdk.orders import LineKind

_ExternalKey = store.Key
CaptureRequest = Placement | HoldRequest
CaptureAnswer = Placed | Held | Widen | Refusal

_encode = msgspec.json.Encoder().encode


class Prepared(NamedTuple):
    """Requests, and what has been asked of the database for them."""

    requests: Sequence[CaptureRequest]
    sellable: Later[dict[str, Sellable]]
    prices: Mapping[str, Later[dict[str, Price]]]
    """By market."""
    known: Later[dict[_ExternalKey, store.Known]] | None
    available: Later[dict[Spot, int]] | None
    """What the first candidates have at a glance; None for whoever locks before looking."""


async def prepare(tx: Tx, requests: Sequence[CaptureRequest], *, hurried: bool = False) -> Prepared:
    """Asks what `capture_prepared` will read. In a pipeline, all of it and what else was asked takes one wait."""
    skus: dict[str, set[str]] = {}
    spots: set[Spot] = set()
    for request in requests:
        own = [line.sku for line in request.lines]
        skus.setdefault(request.terms.market, set()).update(own)
        for location in request.candidates.locations[:1]:
            spots.update([(sku, location) for sku in own])
    keys = [key for key in map(_external_key, requests) if key is not None]
    # Whoever takes over a hold locks its levels first, and must not wait for others later.
    hurried = hurried and all(request.hold_id is None for request in requests)
    return Prepared(
        requests,
        await catalogue.ask_sellable(tx, list(set[str]().union(*skus.values()))),
        {market: await pricing.ask_prices(tx, market, list(wanted)) for market, wanted in skus.items()},
        await store.ask_known(tx, keys) if keys else None,
        await inventory.ask_available(tx, list(spots)) if hurried else None,
    )


async def capture(tx: Tx, requests: Sequence[CaptureRequest], *, hurried: bool = False) -> list[CaptureAnswer]:
    """One answer per request, in order: an order or a hold that is promised, a refusal, or `Widen`.

    `Widen` says that the request's candidates do not have it all and that its pool has others: nothing was done for it, and
    it should be asked again, in another transaction, with `Candidates.complete`. In a hurry the transaction may fail with
    `Outrun` as it commits.
    """
    return await capture_prepared(tx, await prepare(tx, requests, hurried=hurried), range(len(requests)))


async def capture_prepared(tx: Tx, prepared: Prepared, wanted: Sequence[int]) -> list[CaptureAnswer]:
    """As `capture`, for those of the requests whose index is `wanted`."""
    drafts = await _draft(prepared, wanted)
    if prepared.known is not None:
        _refuse_known(drafts, await prepared.known())
    open_drafts = [draft for draft in drafts if draft.refusal is None]
    if open_drafts:
        await _take_over_holds(tx, open_drafts)
        await _apply_limits(tx, open_drafts)
        late = prepared.available is not None
        if prepared.available is not None:
            available = await prepared.available()
            for draft in open_drafts:
                locations = draft.request.candidates.locations
                draft.candidates, draft.others = locations[:1], locations[1:]
        else:
            available = await _lock(tx, open_drafts)
        accepted: dict[_ExternalKey, _Draft] = {}
        for draft in open_drafts:
            _settle(draft, available, accepted)
        further = [draft for draft in open_drafts if draft.look_further]
        if further:
            await _look_further(tx, further, available)
            for draft in further:
                _settle(draft, available, accepted)
        await _write(tx, [draft for draft in open_drafts if draft.accepted], late=late)
    return [draft.answer for draft in drafts]


class _Line(NamedTuple):
    """A line with its price, before it is known where its units come from."""

    line_no: int
    kind: LineKind
    sku: str | None
    name: str
    quantity: int
    unit_price: int
    amount: int
    tax: int
    total: int
    tax_rate: Decimal
    requested: int
    per: int


class _Draft(msgspec.Struct):
    """One request on its way to an answer."""

    request: CaptureRequest
    lines: list[_Line] = []
    placed: tuple[PlacedLine, ...] = ()
    demands: list[Demand] = []
    refusal: Refusal | None = None
    widen: bool = False
    candidates: tuple[LocationId, ...] = ()
    others: tuple[LocationId, ...] = ()
    """Candidates whose levels are not locked yet."""
    look_further: bool = False
    """The candidates do not have it all; the others may."""
    limits: dict[str, int] = {}
    took_over: bool = False
    """A hold is replaced by this; `released` are the units that it kept."""
    released: list[Reservation] = []
    repeats: _Draft | None = None
    """An earlier request of the batch that placed the same order of the channel."""
    result: Placed | Held | None = None

    @property
    def terms(self) -> Terms:
        return self.request.terms

    @property
    def external_key(self) -> _ExternalKey | None:
        return _external_key(self.request)

    @property
    def accepted(self) -> bool:
        return self.refusal is None and self.repeats is None and not self.widen and not self.look_further

    @property
    def answer(self) -> CaptureAnswer:
        if self.refusal is not None:
            return self.refusal
        if self.repeats is not None and self.external_key is not None:
            assert isinstance(self.repeats.result, Placed)
            return DuplicateOrder(order_id=str(self.repeats.result.id), external_id=self.external_key[1])
        if self.widen:
            return Widen()
        assert self.result is not None, "a request that is neither refused nor widened has been written"
        return self.result


def _external_key(request: CaptureRequest) -> _ExternalKey | None:
    if isinstance(request, Placement) and request.external_id is not None:
        return (request.terms.channel_id, request.external_id)
    return None


async def _draft(prepared: Prepared, wanted: Sequence[int]) -> list[_Draft]:
    """Names and prices for every line, or the reason why there is none."""
    drafts = [_Draft(prepared.requests[i]) for i in wanted]
    sellable = await prepared.sellable()
    prices = {market: await asked() for market, asked in prepared.prices.items()}
    for draft in drafts:
        try:
            _price(draft, sellable, prices[draft.terms.market])
        except Refusal as refusal:
            draft.refusal = refusal
    return drafts


def _price(draft: _Draft, sellable: Mapping[str, Sellable], prices: Mapping[str, Price]) -> None:
    request = draft.request
    if not request.lines:
        raise EmptyOrder
    line_no = 0
    for line in request.lines:
        line_no += 1
        variant = sellable.get(line.sku)
        price = prices.get(line.sku)
        if variant is None:
            raise UnknownSku(skus=[x.sku for x in request.lines if x.sku not in sellable])
        if not variant.active or (price is None and line.unit_price is None):
            raise NotForSale(skus=[line.sku])
        unit_price = line.unit_price if line.unit_price is not None else price.amount if price else 0
        rate = price.tax_rate if price else Decimal(0)
        per = _PER.get(variant.unit, 1)
        amount = _cost(unit_price, line.quantity, per)
        draft.lines.append(
            _line(request.terms, line_no, LineKind.ITEM, line.sku, variant.name, line.quantity, unit_price, amount, rate, per)
        )
        if variant.stocked:
            draft.demands.append(Demand(line_no, line.sku, line.quantity))
    if isinstance(request, Placement):
        for charge in request.charges:
            line_no += 1
            unit_price = charge.amount // charge.quantity
            rate = Decimal(charge.tax_rate)
            draft.lines.append(
                _line(request.terms, line_no, charge.kind, None, charge.name, charge.quantity, unit_price, charge.amount, rate)
            )
    if sum([abs(line.total) for line in draft.lines]) > MAX_MINOR:
        raise TotalTooLarge(limit=MAX_MINOR)


def _line(
    terms: Terms,
    line_no: int,
    kind: LineKind,
    sku: str | None,
    name: str,
    quantity: int,
    unit_price: int,
    amount: int,
    rate: Decimal,
    per: int = 1,
) -> _Line:
    if not rate:
        tax, total = 0, amount
    elif terms.tax_included:
        tax, total = included_tax(amount, rate), amount
    else:
        tax = added_tax(amount, rate)
        total = amount + tax
    return _Line(line_no, kind, sku, name, quantity, unit_price, amount, tax, total, rate, quantity, per)


_PER: dict[str, int] = {Unit.THOUSANDTH: 1000}
"""For how much of a SKU its price is."""


def _cost(unit_price: int, quantity: int, per: int) -> int:
    """What a quantity costs, rounded once, half to even, where the price is for more than one."""
    return unit_price * quantity if per == 1 else round_half_even(Decimal(unit_price * quantity) / per)


async def _take_over_holds(tx: Tx, drafts: Sequence[_Draft]) -> None:
    """Locks the holds that these requests replace; their units are at the requests' disposal."""
    wanted = sorted({draft.request.hold_id for draft in drafts if draft.request.hold_id is not None})
    if not wanted:
        return
    there = await inventory.lock_holds(tx, wanted)
    reserved: dict[HoldId, list[Reservation]] = {}
    for reservation in await inventory.reservations_of(tx, list(there)):
        reserved.setdefault(HoldId(reservation.promise_id), []).append(reservation)
    taken: set[HoldId] = set()
    for draft in drafts:
        hold_id = draft.request.hold_id
        if hold_id is None:
            continue
        gone = hold_id not in there or hold_id in taken or there[hold_id] <= tx.now
        if gone and isinstance(draft.request, Placement):
            draft.refusal = HoldGone(hold_id=str(hold_id))
        elif not gone:
            taken.add(hold_id)
            draft.took_over = True
            draft.released = reserved.get(hold_id, [])


async def _apply_limits(tx: Tx, drafts: Sequence[_Draft]) -> None:
    """For channels that hold something back: what each SKU's pool total lets them promise. Read without locks: a limit is a
    policy, the levels themselves are checked under lock.
    """
    by_pool: dict[tuple[LocationId, ...], set[str]] = {}
    for draft in drafts:
        if draft.terms.publishable is not None:
            by_pool.setdefault(draft.terms.pool, set()).update(demand.sku for demand in draft.demands)
    totals: dict[tuple[LocationId, ...], dict[str, int]] = {}
    for pool, skus in by_pool.items():
        sums = dict.fromkeys(skus, 0)
        for sku, _, available in await inventory.available_in_pool(tx, list(skus), pool):
            sums[sku] += available
        totals[pool] = sums
    for draft in drafts:
        if draft.terms.publishable is not None:
            # One dictionary per pool, shared by the batch: what an earlier order takes, a later one does not see.
            draft.limits = totals[draft.terms.pool]


def _settle(draft: _Draft, available: dict[Spot, int], accepted: dict[_ExternalKey, _Draft]) -> None:
    draft.look_further = False
    key = draft.external_key
    draft.repeats = None if key is None else accepted.get(key)
    if draft.repeats is None and draft.refusal is None and not draft.widen:
        _decide(draft, available)
    if key is not None and draft.accepted:
        accepted[key] = draft


async def _lock(tx: Tx, drafts: Sequence[_Draft]) -> dict[Spot, int]:
    """What is available at every spot that these requests may take from, locked."""
    wide = [draft for draft in drafts if draft.refusal is None and draft.request.candidates.complete]
    stocked = await _stocked(tx, wide)
    spots: set[Spot] = set()
    for draft in drafts:
        if draft.refusal is not None:
            continue
        locations = draft.request.candidates.locations
        skus = {demand.sku for demand in draft.demands}
        if draft.request.candidates.complete and len(locations) > _WORTH_A_LOOK:
            locations = tuple(loc for loc in locations if any((sku, loc) in stocked for sku in skus))
        held = tuple(r.location_id for r in draft.released)
        draft.candidates = tuple(dict.fromkeys(held + locations)) if held else locations
        spots.update((sku, location) for sku in skus for location in draft.candidates)
        spots.update((r.sku, r.location_id) for r in draft.released)
    return await inventory.lock_available(tx, sorted(spots, key=inventory.key_order)) if spots else {}


async def held_up(tx: Tx, requests: Sequence[CaptureRequest]) -> list[bool]:
    """For each request whether somebody else has locked a level that it would have to wait for now."""
    spots = {(line.sku, location) for one in requests for line in one.lines for location in one.candidates.locations}
    busy = await inventory.locked_by_others(tx, list(spots)) if spots else set[Spot]()
    return [
        any((line.sku, location) in busy for line in one.lines for location in one.candidates.locations) for one in requests
    ]


async def _look_further(tx: Tx, drafts: Sequence[_Draft], available: dict[Spot, int]) -> None:
    """Adds what is available at the other candidates of these."""
    spots = {spot for draft in drafts for spot in _spots(draft, draft.others) if spot not in available}
    if spots:
        available.update(await inventory.available(tx, list(spots)))
    for draft in drafts:
        draft.candidates, draft.others = draft.candidates + draft.others, ()


def _spots(draft: _Draft, locations: Sequence[LocationId]) -> list[Spot]:
    return [(sku, location) for sku in {demand.sku for demand in draft.demands} for location in locations]


_WORTH_A_LOOK = 8
"""Up to here it is cheaper to lock every candidate than to look first which of them has anything."""


async def _stocked(tx: Tx, drafts: Iterable[_Draft]) -> set[Spot]:
    by_pool: dict[tuple[LocationId, ...], set[str]] = {}
    for draft in drafts:
        if len(draft.request.candidates.locations) > _WORTH_A_LOOK:
            by_pool.setdefault(draft.terms.pool, set()).update(demand.sku for demand in draft.demands)
    found: set[Spot] = set()
    for pool, skus in by_pool.items():
        found.update((sku, loc) for sku, loc, _ in await inventory.available_in_pool(tx, list(skus), pool))
    return found


def _decide(draft: _Draft, available: dict[Spot, int]) -> None:
    """Takes units for one request off `available`, or leaves everything as it was and says why."""
    request = draft.request
    for reservation in draft.released:
        available[reservation.sku, reservation.location_id] += reservation.quantity
    allocations, lacking = inventory.allocate(draft.demands, draft.candidates, available)
    over = _over_limit(draft)
    skus = {demand.line_no: demand.sku for demand in draft.demands}
    try:
        if lacking and draft.others:
            draft.look_further = True
        elif lacking and not request.candidates.complete:
            draft.widen = True
        else:
            _accept(draft, allocations, lacking, over)
    except Refusal as refusal:
        draft.refusal = refusal
    if not draft.accepted:
        inventory.give_back(allocations, skus, available)
        for reservation in draft.released:
            available[reservation.sku, reservation.location_id] -= reservation.quantity
        return
    if over:
        # What the channel may not promise stays for the others.
        inventory.give_back(allocations, skus, available)
        allocations = [allocation for line in draft.placed for allocation in line.allocations]
        for allocation in allocations:
            available[skus[allocation.line_no], allocation.location_id] -= allocation.quantity
    if draft.terms.publishable is not None:
        for allocation in allocations:
            draft.limits[skus[allocation.line_no]] -= allocation.quantity
        for reservation in draft.released:
            draft.limits[reservation.sku] = draft.limits.get(reservation.sku, 0) + reservation.quantity


def _over_limit(draft: _Draft) -> list[tuple[str, int, int]]:
    """(sku, asked, allowed) where the channel may promise less than is asked."""
    publishable = draft.terms.publishable
    if publishable is None:
        return []
    asked: dict[str, int] = {}
    for demand in draft.demands:
        asked[demand.sku] = asked.get(demand.sku, 0) + demand.quantity
    held: dict[str, int] = {}
    for reservation in draft.released:
        held[reservation.sku] = held.get(reservation.sku, 0) + reservation.quantity
    over: list[tuple[str, int, int]] = []
    for sku, quantity in asked.items():
        allowed = publishable(draft.limits[sku]) + held.get(sku, 0)
        if quantity > allowed:
            over.append((sku, quantity, allowed))
    return over


def _accept(draft: _Draft, allocations: list[Allocation], lacking: list[Demand], over: list[tuple[str, int, int]]) -> None:
    request = draft.request
    fill = request.fill if isinstance(request, Placement) else Fill.ALL
    if over and fill is Fill.ALL:
        raise InsufficientStock(lines=[{"sku": sku, "requested": asked, "available": allowed} for sku, asked, allowed in over])
    if lacking or over:
        allocations, lacking = _within(draft, allocations, lacking, over)
        _fill(draft, fill, allocations, lacking)
    by_line: dict[int, list[Allocation]] = {}
    for allocation in allocations:
        by_line.setdefault(allocation.line_no, []).append(allocation)
    waiting = {demand.line_no: demand.quantity for demand in lacking} if fill is Fill.BACKORDER else {}
    draft.placed = tuple(
        PlacedLine(
            line.line_no,
            line.kind,
            line.sku,
            line.name,
            line.quantity,
            line.unit_price,
            line.amount,
            0,
            line.tax,
            line.total,
            line.tax_rate,
            waiting.get(line.line_no, 0),
            line.requested,
            tuple(by_line.get(line.line_no, ())),
        )
        for line in draft.lines
    )
    if isinstance(request, Placement) and request.expected_total is not None:
        total = sum([line.total for line in draft.placed])
        if request.expected_total != total:
            raise TotalChanged(expected=request.expected_total, total=total)


def _within(
    draft: _Draft, allocations: list[Allocation], lacking: list[Demand], over: list[tuple[str, int, int]]
) -> tuple[list[Allocation], list[Demand]]:
    """Cuts the allocations of a SKU down to what the channel may promise of it."""
    if not over:
        return allocations, lacking
    left = {sku: allowed for sku, _, allowed in over}
    skus = {demand.line_no: demand.sku for demand in draft.demands}
    kept: list[Allocation] = []
    missing = {demand.line_no: demand.quantity for demand in lacking}
    for allocation in allocations:
        sku = skus[allocation.line_no]
        quantity = min(allocation.quantity, left.get(sku, allocation.quantity))
        if sku in left:
            left[sku] -= quantity
        if quantity:
            kept.append(allocation._replace(quantity=quantity))
        if quantity < allocation.quantity:
            missing[allocation.line_no] = missing.get(allocation.line_no, 0) + allocation.quantity - quantity
    return kept, [Demand(line_no, skus[line_no], quantity) for line_no, quantity in missing.items()]


def _fill(draft: _Draft, fill: Fill, allocations: Sequence[Allocation], lacking: Sequence[Demand]) -> None:
    """What becomes of a request that cannot be served whole."""
    missing = {demand.line_no: demand.quantity for demand in lacking}
    match fill:
        case Fill.BACKORDER:
            if not draft.terms.backorder:
                raise BackorderNotAllowed(channel=draft.terms.channel_code)
        case Fill.ALL:
            raise _insufficient(draft, missing)
        case Fill.PARTIAL:
            if not allocations:
                raise _insufficient(draft, missing)
            kept: list[_Line] = []
            for line in draft.lines:
                quantity = line.quantity - missing.get(line.line_no, 0)
                if quantity:
                    kept.append(_smaller(draft.terms, line, quantity) if quantity < line.quantity else line)
            draft.lines = kept


def _insufficient(draft: _Draft, missing: Mapping[int, int]) -> InsufficientStock:
    return InsufficientStock(
        lines=[
            {"sku": d.sku, "requested": d.quantity, "available": d.quantity - missing[d.line_no]}
            for d in draft.demands
            if d.line_no in missing
        ]
    )


def _smaller(terms: Terms, line: _Line, quantity: int) -> _Line:
    smaller = _line(
        terms,
        line.line_no,
        line.kind,
        line.sku,
        line.name,
        quantity,
        line.unit_price,
        _cost(line.unit_price, quantity, line.per),
        line.tax_rate,
        line.per,
    )
    return smaller._replace(requested=line.quantity)


async def _write(tx: Tx, drafts: Sequence[_Draft], *, late: bool) -> None:
    placements = [draft for draft in drafts if isinstance(draft.request, Placement)]
    await inventory.release(tx, [r for draft in drafts for r in draft.released])
    reservations = await _write_orders(tx, placements) if placements else []
    reservations += await _write_holds(tx, [draft for draft in drafts if isinstance(draft.request, HoldRequest)])
    if late:
        inventory.reserve_last(tx, reservations)
    else:
        await inventory.reserve(tx, reservations)
    ended = [
        (draft.request.hold_id, draft.result.id if isinstance(draft.result, Placed) else None)
        for draft in drafts
        if draft.took_over and draft.request.hold_id is not None
    ]
    if ended:
        await inventory.end_holds(tx, ended)


def _refuse_known(drafts: Sequence[_Draft], known: Mapping[_ExternalKey, store.Known]) -> None:
    """A channel's own order id is placed once. Refused before anything is decided: it takes no units from its neighbours."""
    for draft in drafts:
        key = draft.external_key
        if draft.refusal is None and key is not None and key in known:
            draft.refusal = DuplicateOrder(order_id=str(known[key][0]), external_id=key[1])


@lru_cache(maxsize=64)
def _scale(currency: Currency) -> int:
    return exponent(currency)


def _major(minor: int, currency: Currency) -> str:
    """Minor units as decimal text in major units."""
    digits = _scale(currency)
    if not digits:
        return str(minor)
    sign = "-" if minor < 0 else ""
    text = str(abs(minor)).rjust(digits + 1, "0")
    return f"{sign}{text[:-digits]}.{text[-digits:]}"


def _agreed(draft: _Draft) -> list[tuple[OrderId, int, str]]:
    """What the buyer has agreed to, of the order and of those of its lines that were placed."""
    request, placed = draft.request, draft.result
    if not isinstance(request, Placement) or not request.consents or not isinstance(placed, Placed):
        return []
    there = {0, *[line.line_no for line in draft.placed]}
    return [(placed.id, no, text) for no, text in sorted(dict(request.consents).items()) if no in there]


async def _write_orders(tx: Tx, drafts: Sequence[_Draft]) -> list[Reservation]:
    """Writes orders, lines, payments and events; gives the promises that they make."""
    numbers = await store.next_numbers(tx, len(drafts))
    orders: list[store.NewOrder] = []
    lines: list[store.NewLine] = []
    reservations: list[Reservation] = []
    entries: list[Entry] = []
    for draft, number in zip(drafts, numbers, strict=True):
        request, terms = draft.request, draft.terms
        assert isinstance(request, Placement)
        order_id = request.id or OrderId(uuid7())
        placed_at = request.placed_at or tx.now
        paid = [
            Entry(
                PaymentId(uuid7()),
                order_id,
                EntryKind(p.kind),
                p.method,
                p.amount,
                terms.currency,
                p.reference,
                placed_at,
                terms.channel_code,
            )
            for p in request.payments
        ]
        entries.extend(paid)
        stocked = {demand.line_no for demand in draft.demands}
        amount = tax = total = quantity = backordered = 0
        for line in draft.placed:
            amount += line.amount
            tax += line.tax
            total += line.total
            backordered += line.backordered
            if line.sku is not None:
                quantity += line.quantity
        orders.append(
            store.NewOrder(
                order_id,
                number,
                terms.channel_id,
                terms.channel_code,
                "sale",
                request.external_id,
                None,
                placed_at,
                terms.market,
                terms.currency,
                terms.tax_included,
                None,
                _encode(request.buyer) if request.buyer else None,
                _encode(request.ship_to) if request.ship_to else None,
                _encode(request.bill_to) if request.bill_to else None,
                Service.PICKUP if request.pickup_location_id is not None else request.service,
                None if request.promised_on is None else request.promised_on.isoformat(),
                request.pickup_location_id,
                request.pickup_location_id,
                amount,
                0,
                tax,
                total,
                total,
                sum([e.amount for e in paid if e.kind is EntryKind.AUTHORISED]) if paid else 0,
                sum([e.amount for e in paid if e.kind is EntryKind.CAPTURED]) if paid else 0,
                0,
                quantity,
                0,
                backordered,
                0,
                0,
                request.note or None,
                array_literal(request.tags) if request.tags else None,
            )
        )
        for line in draft.placed:
            lines.append(
                store.NewLine(
                    order_id,
                    line.line_no,
                    line.kind,
                    line.sku,
                    line.name,
                    line.line_no in stocked,
                    line.quantity,
                    _major(line.unit_price, terms.currency),
                    line.amount,
                    0,
                    line.tax,
                    line.total,
                    None,
                    _encode([{"name": terms.tax_name, "rate": line.tax_rate, "amount": line.tax}]) if line.tax_rate else None,
                    None,
                    0,
                    line.backordered,
                    0,
                    0,
                )
            )
            for allocation in line.allocations:
                assert line.sku is not None
                reservations.append(
                    Reservation(PromiseId(order_id), line.line_no, allocation.location_id, line.sku, allocation.quantity)
                )
        draft.result = Placed(order_id, number, terms.channel_code, placed_at, terms.currency, amount, tax, total, draft.placed)
        tx.emit(
            OrderPlaced(
                order_id=order_id,
                number=number,
                channel=terms.channel_code,
                kind="sale",
                currency=terms.currency,
                total=total,
                quantity=quantity,
                backordered=backordered,
                placed_at=placed_at,
                fact=False,
                lines=tuple((line.line_no, line.sku, line.quantity) for line in draft.placed),
            ),
            context=request.context,
        )
    await store.insert_orders(tx, orders)
    await store.insert_lines(tx, lines)
    agreed = [row for draft in drafts for row in _agreed(draft)]
    if agreed:
        await consents.insert(tx, agreed)
    await payments.record(tx, entries)
    return reservations


def array_literal(values: Iterable[str]) -> str:
    """A PostgreSQL array literal of texts."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


async def _write_holds(tx: Tx, drafts: Sequence[_Draft]) -> list[Reservation]:
    """Writes holds; gives the promises that they make."""
    holds: list[tuple[HoldId, UUID, str, datetime]] = []
    rows: list[Reservation] = []
    for draft in drafts:
        request = draft.request
        assert isinstance(request, HoldRequest)
        hold_id = HoldId(uuid7())
        expires_at = tx.now + timedelta(seconds=request.seconds)
        holds.append((hold_id, request.terms.channel_id, request.cart, expires_at))
        for line in draft.placed:
            rows.extend(
                Reservation(PromiseId(hold_id), line.line_no, a.location_id, line.sku or "", a.quantity, expires_at)
                for a in line.allocations
            )
        draft.result = Held(hold_id, request.cart, expires_at, draft.placed)
    if holds:
        await inventory.open_holds(tx, holds)
    return rows
