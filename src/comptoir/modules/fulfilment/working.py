"""The work itself: beginning, picking, giving back, packing, handing over. Each step loads, decides, writes and tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from comptoir.kernel.checking import Checks, invalid
from comptoir.kernel.ids import uuid7
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit
from comptoir.modules.fulfilment import domain
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentCreated,
    FulfilmentId,
    FulfilmentLine,
    FulfilmentMerged,
    FulfilmentPacked,
    FulfilmentPicked,
    FulfilmentSplit,
    HoldReason,
    LineUnits,
    Method,
    Parcel,
    ParcelDraft,
    ParcelId,
    RejectReason,
    Scan,
    Scanned,
    State,
    Step,
)
from comptoir.modules.fulfilment.errors import (
    AtThirdParty,
    NothingToDo,
    NotInThatState,
    NotPicked,
    NotRecalled,
    NotThatMany,
    NotTogether,
    SomebodyElse,
    UnknownFulfilment,
)
from comptoir.modules.fulfilment.fitting import changed
from comptoir.modules.fulfilment.forwarding import announce
from comptoir.modules.fulfilment.hours import answer_by
from comptoir.modules.fulfilment.recalling import InHand, noted, reduce, require_wanted, take_out
from comptoir.modules.fulfilment.store import collecting as collections
from comptoir.modules.fulfilment.store import picking, work
from comptoir.modules.fulfilment.store.work import NewFulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Quantity
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, OrderId, Placing, ShipmentId, Tracking
from comptoir.runtime.database import Tx

MAX_BOX = 1_000_000


async def load(tx: Tx, fulfilment_id: FulfilmentId) -> Fulfilment:
    """With its lines, locked. Raises UnknownFulfilment."""
    found = await work.get(tx, [fulfilment_id], lock=True)
    if not found:
        raise UnknownFulfilment(kind="fulfilment", id=fulfilment_id)
    return found[0]


async def load_with_order(tx: Tx, fulfilment_id: FulfilmentId) -> Fulfilment:
    """As `load`, with the order locked before it."""
    ids = await work.order_ids(tx, [fulfilment_id])
    if not ids:
        raise UnknownFulfilment(kind="fulfilment", id=fulfilment_id)
    await orders.load(tx, ids[0])
    return await load(tx, fulfilment_id)


def next_step(one: Fulfilment, step: Step) -> State:
    state = domain.next_state(one.state, step)
    if one.method is Method.HAND_OUT and step not in {Step.CLOSE, Step.CANCEL}:
        state = None  # it was picked and packed elsewhere
    if state is None:
        raise NotInThatState(step=step, state=one.state)
    return state


def named_units(one: Fulfilment, lines: Sequence[LineUnits] | None, most: Mapping[int, int]) -> dict[int, int]:
    """Units by line: those named, or all that there are. Refuses more than `most`, and nothing at all."""
    if lines is None:
        named = {no: units for no, units in most.items() if units > 0}
    else:
        named = dict[int, int]()
        for line_no, quantity in lines:
            if quantity < 1:
                raise invalid("lines", "name at least one unit each")
            named[line_no] = named.get(line_no, 0) + quantity
    over = [{"line_no": no, "asked": n, "open": most.get(no, 0)} for no, n in named.items() if n > most.get(no, 0)]
    if over:
        raise NotThatMany(lines=over)
    if not named:
        raise NothingToDo(fulfilment=one.number)
    return named


async def _move_on(tx: Tx, one: Fulfilment, step: Step, values: Mapping[str, object], reason: str = "") -> Fulfilment:
    state = next_step(one, step)
    await work.put(tx, [one.id], {"state": state, **values})
    tx.emit(changed(one, step, state, reason))
    return await load(tx, one.id)


async def hold(tx: Tx, fulfilment_id: FulfilmentId, reason: HoldReason, note: str = "") -> Fulfilment:
    """Nobody begins it until it is resumed, and nobody is waited for. Raises NotInThatState for what has been begun."""
    checks = Checks()
    note = checks.words("note", note, most=500)
    checks.done()
    return await _move_on(
        tx, await load(tx, fulfilment_id), Step.HOLD, {"hold_reason": reason, "hold_note": note, "answer_by": None}, reason
    )


async def resume(tx: Tx, fulfilment_id: FulfilmentId) -> Fulfilment:
    """It can be begun again; whoever does it has the whole time to answer once more."""
    one = await load(tx, fulfilment_id)
    values = {"hold_reason": None, "hold_note": "", "answer_by": await _answer_by(tx, one)}
    return await _move_on(tx, one, Step.RESUME, values)


async def _answer_by(tx: Tx, one: Fulfilment) -> datetime | None:
    """Until when it has to be begun, from now on; None where its rules do not say."""
    if not one.answer_within:
        return None
    place = await locations.get(tx, one.location_id)
    return answer_by(place.opening_hours, place.time_zone, tx.now, one.answer_within)


async def begin(tx: Tx, fulfilment_id: FulfilmentId, *, take_over: bool = False) -> Fulfilment:
    """Whoever asks works on it from now on; gives it as it is where they do already.

    Raises SomebodyElse where another person does, unless it is taken over, and NotInThatState.
    """
    return await _begun(tx, await load(tx, fulfilment_id), take_over=take_over)


async def _begun(tx: Tx, one: Fulfilment, *, take_over: bool = False, together: bool = False) -> Fulfilment:
    """With `together` it stays everybody's, where it is."""
    if one.state is State.IN_PROGRESS:
        if one.assignee == tx.actor or (together and not one.assignee):
            return one
        if one.assignee and not take_over:
            raise SomebodyElse(assignee=one.assignee)
        await work.put(tx, [one.id], {"assignee": tx.actor})
        return await load(tx, one.id)
    begun_at = one.begun_at or tx.now
    return await _move_on(tx, one, Step.BEGIN, {"assignee": tx.actor, "begun_at": begun_at, "answer_by": None})


def require_own(tx: Tx, one: Fulfilment, *, take_over: bool = False) -> None:
    """Nobody puts back or gives away what another person has in hand. Raises SomebodyElse, unless it is taken over."""
    if one.state is State.IN_PROGRESS and one.assignee not in {"", tx.actor} and not take_over:
        raise SomebodyElse(assignee=one.assignee)


async def share(tx: Tx, ids: Sequence[FulfilmentId]) -> None:
    """These, which have begun, are nobody's alone: several people pick them together."""
    await work.put(tx, ids, {"assignee": ""})


async def put_back(tx: Tx, fulfilment_id: FulfilmentId, *, take_over: bool = False) -> Fulfilment:
    """Whoever worked on it stops: what is picked and not packed goes back, and somebody else may begin.

    Raises SomebodyElse where another person works on it, unless it is taken over.
    """
    one = await load(tx, fulfilment_id)
    next_step(one, Step.PUT_BACK)
    require_own(tx, one, take_over=take_over)
    if any(line.packed > line.gone for line in one.lines):
        raise NotInThatState(step=Step.PUT_BACK, state="packed")
    loose = [(one.id, replace(line, picked=line.gone, packed=line.gone)) for line in one.lines if line.picked > line.gone]
    if loose:
        await work.put_lines(tx, loose)
    values = {"assignee": "", "wave_id": None, "picked_at": None, "ready_at": None, "answer_by": await _answer_by(tx, one)}
    return await _move_on(tx, one, Step.PUT_BACK, values)


# Picking


async def pick(
    tx: Tx, fulfilment_id: FulfilmentId, lines: Sequence[LineUnits] | None = None, *, together: bool = False
) -> Fulfilment:
    """These units are in hand; None is all that are left. Begins what nobody has begun; what several people pick together
    stays everybody's. Raises NotThatMany, SomebodyElse.
    """
    one = await _begun(tx, await load(tx, fulfilment_id), together=together)
    named = named_units(one, lines, {line.line_no: line.quantity - line.picked for line in one.lines})
    return await _picked(tx, one, named)


async def unpick(tx: Tx, fulfilment_id: FulfilmentId, lines: Sequence[LineUnits], *, together: bool = False) -> Fulfilment:
    """These units lie where they were: it was the wrong one, or one too many."""
    one = await _begun(tx, await load(tx, fulfilment_id), together=together)
    named = named_units(one, lines, {line.line_no: line.picked - line.packed for line in one.lines})
    await work.put_lines(
        tx, [(one.id, replace(line, picked=line.picked - named[line.line_no])) for line in one.lines if line.line_no in named]
    )
    await work.put(tx, [one.id], {"picked_at": None})
    return await load(tx, one.id)


async def _picked(tx: Tx, one: Fulfilment, named: Mapping[int, int]) -> Fulfilment:
    await work.put_lines(
        tx, [(one.id, replace(line, picked=line.picked + named[line.line_no])) for line in one.lines if line.line_no in named]
    )
    after = await load(tx, one.id)
    if after.picked == after.quantity and one.picked < one.quantity:
        await work.put(tx, [one.id], {"picked_at": tx.now})
        tx.emit(
            FulfilmentPicked(
                order_id=one.order_id,
                fulfilment_id=one.id,
                location_id=one.location_id,
                number=one.number,
                units=after.quantity,
            )
        )
    return after


async def scan(tx: Tx, fulfilment_id: FulfilmentId, code: str, units: int | None = None, *, together: bool = False) -> Scan:
    """One unit by its SKU or its GTIN, as a scanner or a camera read it. Nothing is changed by what does not belong to it.

    Of what is weighed, as much as its label says, or as `units` does: what is on the scales is rarely what was ordered, so that
    a little more (see `domain.HEAVIER`) is what was ordered.
    """
    one = await _begun(tx, await load(tx, fulfilment_id), together=together)
    sku, said = await _read(tx, code)
    own = [line for line in one.lines if line.sku == sku]
    left = one.quantity - one.picked
    sold = await catalogue.sellable(tx, [sku]) if sku else {}
    if not own:
        return Scan(Scanned.NOT_IN_ORDER if sku in sold else Scanned.UNKNOWN, sku, None, left)
    line = next((line for line in own if line.picked < line.quantity), None)
    if line is None:
        return Scan(Scanned.TOO_MANY, sku, own[-1], left)
    amount: int | None = 1
    if sku in sold and sold[sku].unit == Unit.THOUSANDTH:
        amount = domain.weighed(units if units is not None else said, line.quantity - line.picked)
        if amount is None:
            return Scan(Scanned.WEIGH if said is None and units is None else Scanned.TOO_MANY, sku, line, left)
    after = await _picked(tx, one, {line.line_no: amount})
    there = next(other for other in after.lines if other.line_no == line.line_no)
    outcome = Scanned.PICKED if after.picked < after.quantity else Scanned.ALL_PICKED
    return Scan(outcome, sku, there, after.quantity - after.picked)


async def sku_of(tx: Tx, code: str) -> str:
    """The SKU that a code on a label means: a GTIN, an element string with one, or the SKU itself."""
    return (await _read(tx, code))[0]


async def _read(tx: Tx, code: str) -> tuple[str, int | None]:
    """The SKU, and how many thousandths the label says that there are."""
    label = catalogue.read_label(code)
    if not label.gtin:
        return code.strip(), None
    return (await catalogue.gtin_owners(tx, [label.gtin])).get(label.gtin, code.strip()), label.thousandths


# Giving back


async def reject(
    tx: Tx,
    fulfilment_id: FulfilmentId,
    lines: Sequence[LineUnits] | None,
    reason: RejectReason,
    *,
    take_over: bool = False,
) -> Fulfilment:
    """The location cannot send these units (None is all that are not packed): they are routed again, never to it.

    What was not found is held for quality, what is damaged is set aside as damaged; both are counted. Raises NotThatMany, and
    SomebodyElse where another person works on it, unless it is taken over.
    """
    one = await load_with_order(tx, fulfilment_id)
    if one.state not in domain.ACTIVE:
        raise NotInThatState(step="reject", state=one.state)
    require_own(tx, one, take_over=take_over)
    named = named_units(one, lines, {line.line_no: line.quantity - line.packed for line in one.lines})
    await orders.reject(tx, one.order_id, one.location_id, [LineQuantity(no, n) for no, n in named.items()], reason)
    after = await lessen(tx, one, named)
    skus: Counter[str] = Counter()
    for line in one.lines:
        skus[line.sku] += named.get(line.line_no, 0)
    await _put_in_doubt(tx, one, +skus, reason)
    return after


async def lessen(tx: Tx, one: Fulfilment, units: Mapping[int, int]) -> Fulfilment:
    """The fulfilment order without these units, which whoever gives them up has in hand; without any it is over."""
    taken = InHand()
    lessened = [noted(line, _lessened(line, units[line.line_no]), taken) for line in one.lines if line.line_no in units]
    await work.put_lines(tx, [(one.id, line) for line in lessened])
    await reduce(tx, one, taken.boxed)
    after = await load(tx, one.id)
    if all(line.open == 0 for line in after.lines):
        step = Step.CLOSE if after.gone else Step.CANCEL
        if one.ready_at is not None:
            await collections.end(tx, [one.id], emptied=False)
        return await _move_on(tx, after, step, {"closed_at": tx.now, "hold_reason": None})
    return after


def _lessened(line: FulfilmentLine, units: int) -> FulfilmentLine:
    quantity = line.quantity - units
    return replace(line, quantity=quantity, picked=min(line.picked, quantity), packed=min(line.packed, quantity))


_UNANSWERED = frozenset({RejectReason.NO_ANSWER, RejectReason.NO_STAFF})


async def _put_in_doubt(tx: Tx, one: Fulfilment, skus: Mapping[str, int], reason: RejectReason) -> None:
    """What was not found or is damaged is set aside, and counted: where one is broken, others may be. That nobody came to look
    says nothing about what is there, so nothing is set aside; it is counted all the same, unless the rules want it otherwise.
    """
    if not skus:
        return
    if reason in _UNANSWERED and one.count_unanswered:
        await picking.doubt(tx, one.location_id, dict.fromkeys(skus, 0), reason, one.order_id)
    if reason not in {RejectReason.NOT_FOUND, RejectReason.DAMAGED}:
        return
    levels = await inventory.lock_levels(tx, sorted((sku, one.location_id) for sku in skus))
    there: dict[str, int] = {}
    for sku, units in skus.items():
        level = levels.get((sku, one.location_id))
        good = 0 if level is None else level.on_hand - level.damaged - level.quality
        there[sku] = max(0, min(units, good))
    aside = [Quantity(sku, units) for sku, units in there.items() if units]
    note = f"F{one.number}"
    if reason is RejectReason.DAMAGED:
        if aside:
            await inventory.mark_damaged(tx, one.location_id, aside, note)
        await picking.doubt(tx, one.location_id, dict.fromkeys(skus, 0), reason, one.order_id)
        return
    if aside:
        await inventory.hold_quality(tx, one.location_id, aside, note)
    await picking.doubt(tx, one.location_id, there, reason, one.order_id)


# Packing and handing over


async def pack(tx: Tx, fulfilment_id: FulfilmentId, draft: ParcelDraft | None = None) -> Parcel:
    """Puts picked units into a box. Raises NotPicked where there are none, NotThatMany, and Invalid."""
    one = await _begun(tx, await load(tx, fulfilment_id))
    draft = _checked_parcel(draft or ParcelDraft())
    loose = {line.line_no: line.picked - line.packed for line in one.lines}
    if not any(loose.values()):
        raise NotPicked(left=one.quantity - one.picked)
    named = named_units(one, draft.lines or None, loose)
    parcel_id = ParcelId(uuid7())
    there = await work.parcels(tx, [one.id])
    weight = draft.weight or await _weight(tx, one, named)
    lines = tuple([LineUnits(no, units) for no, units in sorted(named.items())])
    number = max((parcel.number for parcel in there), default=0) + 1
    await work.insert_parcel(tx, parcel_id, one.id, number, replace(draft, lines=lines, weight=weight))
    await work.put_lines(
        tx, [(one.id, replace(line, packed=line.packed + named[line.line_no])) for line in one.lines if line.line_no in named]
    )
    after = await load(tx, one.id)
    if after.packed == after.quantity:
        await work.put(tx, [one.id], {"packed_at": tx.now})
        tx.emit(
            FulfilmentPacked(
                order_id=one.order_id,
                fulfilment_id=one.id,
                location_id=one.location_id,
                number=one.number,
                parcels=len(there) + 1,
            )
        )
    return next(parcel for parcel in await work.parcels(tx, [one.id]) if parcel.id == parcel_id)


def _checked_parcel(draft: ParcelDraft) -> ParcelDraft:
    checks = Checks()
    clean = replace(
        draft,
        carton=checks.words("carton", draft.carton, most=64),
        weight=checks.whole("weight", draft.weight, 0, MAX_BOX),
        length=checks.whole("length", draft.length, 0, MAX_BOX),
        width=checks.whole("width", draft.width, 0, MAX_BOX),
        height=checks.whole("height", draft.height, 0, MAX_BOX),
    )
    checks.done()
    return clean


async def _weight(tx: Tx, one: Fulfilment, units: Mapping[int, int]) -> int:
    """By the catalogue, where nobody has weighed it."""
    goods = await catalogue.goods(tx, sorted({line.sku for line in one.lines}))
    return sum(goods[line.sku].weighs(units.get(line.line_no, 0)) for line in one.lines if line.sku in goods)


async def unpack(tx: Tx, fulfilment_id: FulfilmentId, parcel_id: ParcelId) -> Fulfilment:
    """The box is opened again; its units are in hand. Raises NotInThatState for one that has left.

    What is not wanted any more is out of it with that: somebody is asked already to put it back.
    """
    one = await load(tx, fulfilment_id)
    parcel = await _box_here(tx, one, parcel_id, "unpack")
    inside = dict(parcel.lines)
    await work.delete_parcels(tx, [parcel_id])
    if inside:
        await work.put_lines(
            tx,
            [
                (one.id, replace(line, packed=line.packed - inside[line.line_no]))
                for line in one.lines
                if line.line_no in inside
            ],
        )
        await work.put(tx, [one.id], {"packed_at": None})
    return await load(tx, one.id)


async def _box_here(tx: Tx, one: Fulfilment, parcel_id: ParcelId, step: str) -> Parcel:
    parcel = next((parcel for parcel in await work.parcels(tx, [one.id]) if parcel.id == parcel_id), None)
    if parcel is None:
        raise UnknownFulfilment(kind="parcel", id=parcel_id)
    if parcel.shipment_id is not None:
        raise NotInThatState(step=step, state="shipped")
    return parcel


async def take_recalled(
    tx: Tx, fulfilment_id: FulfilmentId, parcel_id: ParcelId, lines: Sequence[LineUnits] | None = None
) -> Parcel | None:
    """These units, which are not wanted any more (None is all of them), are out of their box: the rest of it may leave.

    Gives the box as it is then, None where nothing is left in it. Raises NotThatMany, and NothingToDo for a box that is not
    to be opened.
    """
    one = await load(tx, fulfilment_id)
    parcel = await _box_here(tx, one, parcel_id, "take_out")
    return await take_out(tx, one, parcel, named_units(one, lines, dict(parcel.recalled)))


async def scan_recalled(tx: Tx, fulfilment_id: FulfilmentId, parcel_id: ParcelId, code: str) -> tuple[str, Parcel | None]:
    """One unit that is not wanted any more is out of its box, by its SKU or its GTIN; of what is weighed, all of it.

    Gives its SKU, and the box as it is then. Raises NotRecalled for what is to stay inside, or never was in it.
    """
    one = await load(tx, fulfilment_id)
    parcel = await _box_here(tx, one, parcel_id, "take_out")
    sku = await sku_of(tx, code)
    skus = {line.line_no: line.sku for line in one.lines}
    found = next((units for units in parcel.recalled if skus.get(units.line_no) == sku), None)
    if found is None:
        raise NotRecalled(sku=sku[:80])
    weighed = (await catalogue.sellable(tx, [sku]))[sku].unit == Unit.THOUSANDTH
    return sku, await take_out(tx, one, parcel, {found.line_no: found.quantity if weighed else 1})


async def hand_over(
    tx: Tx, fulfilment_id: FulfilmentId, tracking: Mapping[ParcelId, Tracking] | None = None
) -> tuple[Fulfilment, list[ShipmentId]]:
    """The packed boxes that are still here leave with the carrier: those of which the tracking is given, or all of them.

    What is packed nowhere stays. Raises NotPicked where no box is packed, and BoxRecalled where one is to be opened first.
    """
    one = await load_with_order(tx, fulfilment_id)
    order = await orders.load(tx, one.order_id)
    here = [parcel for parcel in await work.parcels(tx, [one.id]) if parcel.shipment_id is None]
    chosen = [parcel for parcel in here if tracking is None or parcel.id in tracking]
    if not chosen or one.state not in domain.ACTIVE:
        if one.state not in domain.ACTIVE:
            raise NotInThatState(step="hand_over", state=one.state)
        raise NotPicked(left=one.quantity - one.packed)
    require_wanted(chosen)
    beside = await unstocked(tx, one.order_id)
    shipments: list[ShipmentId] = []
    gone: Counter[int] = Counter()
    for parcel in chosen:
        carried = (tracking or {}).get(parcel.id, Tracking(one.carrier))
        inside = [LineQuantity(line.line_no, line.quantity) for line in parcel.lines]
        shipment_id = await orders.ship(
            tx,
            one.order_id,
            one.location_id,
            [*inside, *beside],
            carrier=carried.carrier,
            tracking_number=carried.number,
            tracking_url=carried.url,
        )
        beside = []  # what is not stocked goes with the first parcel
        await work.parcel_left(tx, parcel.id, shipment_id, carried.carrier, carried.number, carried.url)
        shipments.append(shipment_id)
        gone.update({line.line_no: line.quantity for line in parcel.lines})
    if one.method is Method.SEND_TO_STORE and order.pickup_location_id is not None:
        await announce(tx, one, gone, order.pickup_location_id)
    return await gone_out(tx, one, gone), shipments


async def unstocked(tx: Tx, order_id: OrderId) -> list[LineQuantity]:
    order = (await orders.open_orders(tx, [order_id])).get(order_id)
    lines = () if order is None else order.lines
    return [LineQuantity(line.line_no, line.open) for line in lines if not line.stocked]


async def gone_out(tx: Tx, one: Fulfilment, units: Mapping[int, int], *, in_hand: bool = False) -> Fulfilment:
    """These units have left: in their boxes, or (`in_hand`) out of somebody's hands."""
    boxed: Counter[int] = Counter()
    left: list[FulfilmentLine] = []
    for line in one.lines:
        if line.line_no in units and in_hand:
            gone, boxed[line.line_no] = domain.gone_past(line, units[line.line_no], in_hand=True)
            left.append(gone)
        elif line.line_no in units:
            left.append(replace(line, gone=line.gone + units[line.line_no]))
    await work.put_lines(tx, [(one.id, line) for line in left])
    await reduce(tx, one, +boxed)
    after = await load(tx, one.id)
    if all(line.open == 0 for line in after.lines):
        if one.ready_at is not None:
            await collections.end(tx, [one.id], emptied=True)
        return await _move_on(tx, after, Step.CLOSE, {"closed_at": tx.now, "hold_reason": None})
    return after


# Elsewhere, apart, together


async def move(
    tx: Tx, fulfilment_id: FulfilmentId, to_location_id: LocationId, lines: Sequence[LineUnits] | None = None
) -> None:
    """A person sends units that are not picked to another location, which has to have them. Raises NotThatMany,
    InsufficientStock, and AtThirdParty for what a third party has accepted. The fulfilment order there follows at once.
    """
    one = await load_with_order(tx, fulfilment_id)
    if domain.is_taken(one):
        raise AtThirdParty(fulfilments=[one.number])
    named = named_units(one, lines, {line.line_no: line.quantity - line.picked for line in one.lines})
    for line_no, units in sorted(named.items()):
        await orders.move(
            tx,
            one.order_id,
            line_no,
            units,
            from_location_id=one.location_id,
            to_location_id=to_location_id,
            reason="person",
        )
    await lessen(tx, one, named)


async def split(tx: Tx, fulfilment_id: FulfilmentId, lines: Sequence[LineUnits]) -> Fulfilment:
    """These units, which nobody has picked, are a fulfilment order of their own. Gives that one."""
    one = await load(tx, fulfilment_id)
    if one.state not in domain.NOT_BEGUN:
        raise NotInThatState(step="split", state=one.state)
    named = named_units(one, lines, {line.line_no: line.quantity - line.picked for line in one.lines})
    if sum(named.values()) == one.quantity - one.gone:
        raise NothingToDo(fulfilment=one.number)
    own = {line.line_no: line for line in one.lines}
    apart = tuple([FulfilmentLine(no, own[no].sku, own[no].name, units) for no, units in sorted(named.items())])
    new = NewFulfilment(
        id=FulfilmentId(uuid7()),
        order_id=one.order_id,
        order_number=one.order_number,
        channel_code=one.channel_code,
        location_id=one.location_id,
        state=one.state,
        method=one.method,
        service=one.service,
        hold_reason=one.hold_reason,
        carrier=one.carrier,
        leaves_by=one.leaves_by,
        arrives_on=one.arrives_on,
        promised_on=one.promised_on,
        answer_by=one.answer_by,
        answer_within=one.answer_within,
        count_unanswered=one.count_unanswered,
        release_at=one.release_at,
        recipient=one.recipient,
        city=one.city,
        country=one.country,
        placed_at=one.placed_at,
        lines=apart,
    )
    await work.put_lines(tx, [(one.id, _lessened(line, named[line.line_no])) for line in one.lines if line.line_no in named])
    number = (await work.insert(tx, [new]))[new.id]
    tx.emit(
        FulfilmentSplit(
            order_id=one.order_id,
            fulfilment_id=one.id,
            location_id=one.location_id,
            number=one.number,
            lines=tuple([LineUnits(no, units) for no, units in sorted(named.items())]),
            into_fulfilment_id=new.id,
            into=number,
        ),
        FulfilmentCreated(
            order_id=one.order_id,
            fulfilment_id=new.id,
            location_id=one.location_id,
            number=number,
            state=one.state,
            units=sum(named.values()),
        ),
    )
    return await load(tx, new.id)


async def merge(tx: Tx, ids: Sequence[FulfilmentId]) -> Fulfilment:
    """Several that nobody has begun become the oldest of them. Raises NotTogether."""
    found = sorted(await work.get(tx, ids, lock=True), key=lambda one: one.number)
    if len(found) < 2 or len(found) != len(set(ids)):
        raise NotTogether
    first = found[0]
    alike = {(one.order_id, one.location_id, one.method, one.state) for one in found}
    if len(alike) > 1 or first.state not in domain.NOT_BEGUN or first.method is Method.HAND_OUT:
        raise NotTogether
    lines = {line.line_no: line for line in first.lines}
    for one in found[1:]:
        for line in one.lines:
            there = lines.get(line.line_no, replace(line, quantity=0, picked=0, packed=0, gone=0))
            lines[line.line_no] = replace(there, quantity=there.quantity + line.open)
    await work.put_lines(tx, [(first.id, line) for line in lines.values()])
    joined: Counter[int] = Counter()
    for one in found[1:]:
        joined.update({line.line_no: line.open for line in one.lines})
    tx.emit(
        FulfilmentMerged(
            order_id=first.order_id,
            fulfilment_id=first.id,
            location_id=first.location_id,
            number=first.number,
            lines=tuple([LineUnits(no, units) for no, units in sorted(joined.items())]),
            merged=tuple([one.number for one in found[1:]]),
        )
    )
    for one in found[1:]:
        await lessen(tx, one, {line.line_no: line.open for line in one.lines if line.open})
    return await load(tx, first.id)


async def join(tx: Tx, fulfilment_id: FulfilmentId, line: FulfilmentLine) -> Fulfilment:
    """A line that is promised here already becomes part of this work. Raises NotInThatState for what is over."""
    one = await load(tx, fulfilment_id)
    if one.state not in domain.ACTIVE:
        raise NotInThatState(step="join", state=one.state)
    await work.put_lines(tx, [(one.id, line)])
    return await load(tx, one.id)


async def await_answer(tx: Tx, fulfilment_id: FulfilmentId, until: datetime | None) -> None:
    """Whoever does the work has until then to begin; after that it goes elsewhere."""
    one = await load(tx, fulfilment_id)
    if one.state in domain.NOT_BEGUN:
        await work.put(tx, [one.id], {"answer_by": until})


async def stop(tx: Tx, fulfilment_id: FulfilmentId, *, take_over: bool = False) -> Fulfilment:
    """Whoever does it has stopped half-way: what is picked stays picked, and somebody else goes on with it.

    Raises SomebodyElse where another person works on it, unless it is taken over, and NotInThatState where nothing is left to
    pick or to pack.
    """
    one = await load(tx, fulfilment_id)
    next_step(one, Step.STOP)
    require_own(tx, one, take_over=take_over)
    if one.ready_at is not None or one.packed == one.quantity:
        raise NotInThatState(step=Step.STOP, state="packed")
    return await _move_on(tx, one, Step.STOP, {"assignee": "", "wave_id": None})


async def open_now(tx: Tx, fulfilment_id: FulfilmentId) -> Fulfilment:
    """What waits for its run can be begun at once. Raises NotInThatState for what does not wait."""
    one = await load(tx, fulfilment_id)
    values = {"release_at": tx.now, "answer_by": await _answer_by(tx, one)}
    return await _move_on(tx, one, Step.RELEASE, values)


async def place(tx: Tx, order_id: OrderId, placings: Sequence[Placing]) -> None:
    """A person decides where units come from: it stays so until a location gives them back. Raises InsufficientStock."""
    if await orders.assign(tx, {order_id: placings}, "person"):
        raise InsufficientStock(lines=await _lacking(tx, order_id, placings))
    await orders.choose(tx, order_id, [(one.line_no, one.location_id) for one in placings])


async def _lacking(tx: Tx, order_id: OrderId, placings: Sequence[Placing]) -> list[dict[str, object]]:
    """Of what is wanted from where, that of which too little is free."""
    skus = {line.line_no: line.sku for order in (await orders.open_orders(tx, [order_id])).values() for line in order.lines}
    own = Counter({(r.line_no, r.location_id): r.quantity for r in await inventory.reservations_of(tx, [order_id])})
    levels = await inventory.levels_at(tx, [(skus[one.line_no], one.location_id) for one in placings])
    found: list[dict[str, object]] = []
    for one in placings:
        sku = skus[one.line_no]
        level = levels.get((sku, one.location_id))
        there = own[one.line_no, one.location_id] + (0 if level is None else max(0, level.available))
        if there < one.quantity:
            found.append({"sku": sku, "requested": one.quantity, "available": there})
    return found


def is_late(one: Fulfilment, now: datetime) -> bool:
    """Whether it had to be ready before now."""
    return one.state in domain.ACTIVE and one.leaves_by is not None and one.leaves_by < now
