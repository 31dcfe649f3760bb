"""What a carrier is told of a packed box: from where it goes, to whom, and what is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import Conflict
from comptoir.kernel.money import Currency, Money, round_half_even
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Goods, Unit
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentId, Method, Parcel, ParcelId
from comptoir.modules.fulfilment.errors import NotInThatState, NotPicked, UnknownFulfilment
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order, OrderId, OrderLine, Tracking
from comptoir.modules.routing import api as routing
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import LabelState, PurchasedLabel
from comptoir.modules.tracking.errors import LabelNotTakenBack, LabelStillThere
from comptoir.runtime.database import Context, Database, Reader, Tx
from comptoir.sdk import carriers
from comptoir.sdk import orders as sdk
from comptoir.sdk.carriers import Address, CarrierCannot, Item, RateRequest
from comptoir.surfaces.parcels import ParcelDesk, address_of


class NowhereToSend(Conflict):
    """The order says no address: there is nobody to whom a carrier could bring it."""

    code = "nowhere_to_send"
    title = "The order has no address to send to"


class LabelMissing(Conflict):
    """`data["parcel_ids"]` are boxes that have neither a bought label nor a number of their own."""

    code = "label_missing"
    title = "A box has no label"


@dataclass(frozen=True, slots=True)
class Box:
    """A packed box that is still here, as a carrier is told of it."""

    parcel_id: ParcelId
    order_id: OrderId
    currency: Currency
    """Of the order."""
    shipment: RateRequest
    sent: tracking.Sent
    """What the rules of the house look at."""


async def box(reader: Reader, fulfilment_id: FulfilmentId, parcel_id: ParcelId | None, weight: int = 0) -> Box:
    """Without `parcel_id`, the first box that is still here. `weight`, where it is given, is what the scales say, in grams.

    Raises UnknownFulfilment, NotInThatState, NotPicked, NowhereToSend, BoxRecalled for one that is to be opened first, and
    Invalid where nobody knows what it weighs.
    """
    one = await fulfilment.get(reader, fulfilment_id)
    if one.method not in {Method.SHIP, Method.SEND_TO_STORE}:
        raise NotInThatState(step="label", state=one.method)
    parcel = _chosen(await fulfilment.parcels(reader, [one.id]), parcel_id, one.quantity - one.packed)
    return await described(reader, one, parcel, weight)


async def described(reader: Reader, one: Fulfilment, parcel: Parcel, weight: int = 0) -> Box:
    """As `box`, of any box, also of one that has left."""
    order = await orders.order(reader, one.order_id)
    goods = await catalogue.goods(reader, [line.sku for line in order.lines if line.sku is not None])
    inside = [(line, goods.get(line.sku or ""), units) for line, units in _inside(order, parcel)]
    grams = weight or parcel.weight
    if not grams:
        raise invalid("weight", "is needed: neither the box nor the catalogue has one")
    shipment = RateRequest(
        sender=address_of(await locations.get(reader, one.location_id)),
        recipient=await _recipient(reader, one, order),
        parcel=carriers.Parcel(weight=grams, length=parcel.length, width=parcel.width, height=parcel.height),
        items=tuple(_item(order.currency, line, known, units) for line, known, units in inside),
        dangerous=any(known is not None and known.dangerous for _, known, _ in inside),
        invoice_number=str(order.number),
        invoiced_on=order.placed_at.date(),
        place=one.location_id,
    )
    within = [known for _, known, _ in inside if known is not None]
    sent = sent_as(shipment, within, channel=order.channel_code, location_id=one.location_id, service=one.service)
    return Box(parcel.id, order.id, order.currency, shipment, sent)


def sent_as(
    shipment: RateRequest, goods: Iterable[Goods], *, channel: str, location_id: LocationId | None, service: str = ""
) -> tracking.Sent:
    """What rules about carriers look at of a parcel. `location_id` is ours, where it leaves or arrives."""
    there = shipment.sender if shipment.is_return else shipment.recipient
    return tracking.Sent(
        channel=channel,
        location_id=location_id,
        country=there.country,
        postcode=there.postcode,
        service=service,
        weight=shipment.parcel.weight,
        categories=frozenset(
            [routing.category_text(one.category[:depth]) for one in goods for depth in range(1, len(one.category) + 1)]
        ),
        dangerous=shipment.dangerous,
    )


def _chosen(boxes: list[Parcel], parcel_id: ParcelId | None, unpacked: int) -> Parcel:
    here = [parcel for parcel in boxes if parcel.shipment_id is None]
    if parcel_id is None:
        wanted = [parcel for parcel in here if not parcel.recalled]
        if not wanted:
            fulfilment.require_wanted(here)
            raise NotPicked(left=unpacked)
        return wanted[0]
    found = next((parcel for parcel in boxes if parcel.id == parcel_id), None)
    if found is None:
        raise UnknownFulfilment(kind="parcel", id=parcel_id)
    if found.shipment_id is not None:
        raise NotInThatState(step="label", state="shipped")
    fulfilment.require_wanted([found])
    return found


def _inside(order: Order, parcel: Parcel) -> list[tuple[OrderLine, int]]:
    lines = {line.line_no: line for line in order.lines}
    return [(lines[units.line_no], units.quantity) for units in parcel.lines]


async def _recipient(reader: Reader, one: Fulfilment, order: Order) -> Address:
    """Whoever gets it: the counter where the buyer collects it, or the buyer. What the address leaves out of how to reach
    them is the buyer's.
    """
    if one.method is Method.SEND_TO_STORE and order.pickup_location_id is not None:
        return address_of(await locations.get(reader, order.pickup_location_id))
    if not order.ship_to:
        raise NowhereToSend(order_id=order.id)
    there = msgspec.convert(order.ship_to, sdk.Address)
    buyer = msgspec.convert(order.buyer or {}, sdk.Buyer)
    known: dict[str, Any] = msgspec.structs.asdict(there)
    known |= {"name": there.name or buyer.name, "phone": there.phone or buyer.phone}
    return Address(**known, email=buyer.email)


def _item(currency: Currency, line: OrderLine, goods: Goods | None, units: int) -> Item:
    """What is weighed goes as one piece, worth and weighing as much as all of it."""
    whole = goods is not None and goods.unit is not Unit.UNIT
    pieces, share = (1, units) if whole else (units, 1)
    return Item(
        description=line.name or line.sku or "",
        quantity=pieces,
        value=Money(round_half_even(Decimal(line.total) * share / line.quantity), currency),
        weight=0 if goods is None else goods.weighs(share),
        sku=line.sku or "",
        hs_code="" if goods is None else goods.hs_code,
        origin="" if goods is None else goods.origin,
    )


async def carried(
    tx: Tx, fulfilment_id: FulfilmentId, given: Mapping[ParcelId, Tracking] | None, *, labels_needed: bool = True
) -> dict[ParcelId, Tracking]:
    """Who carries the boxes that are still here, by their bought labels; a number that is given goes first.

    `given` chooses the boxes, None is all of them. Nobody gives their labels back while this transaction lasts. Raises
    LabelMissing; where labels are not needed, only for a label that is in doubt or is being given back; and BoxRecalled.
    """
    one = await fulfilment.get(tx, fulfilment_id)
    boxes = await fulfilment.parcels(tx, [fulfilment_id])
    chosen = [parcel for parcel in boxes if parcel.shipment_id is None and (given is None or parcel.id in given)]
    fulfilment.require_wanted(chosen)
    here = [parcel.id for parcel in chosen]
    standing = await tracking.labels.hold(tx, here)
    known: dict[ParcelId, Tracking] = {}
    missing: list[ParcelId] = []
    for key in here:
        typed, label = (given or {}).get(key), standing.get(key)
        if typed is not None and typed.number:
            known[key] = typed
        elif label is not None and _usable(label, tx.now):
            known[key] = Tracking(label.carrier, label.tracking_number, label.tracking_url)
        elif labels_needed or (label is not None and not _never_bought(label)):
            missing.append(key)
        else:
            known[key] = typed or Tracking(one.carrier)
    if missing:
        raise LabelMissing(parcel_ids=missing)
    return known


def _usable(label: PurchasedLabel, now: datetime) -> bool:
    """Not while somebody asks the carrier to take it back."""
    return label.state is LabelState.BOUGHT and (label.busy_until is None or label.busy_until <= now)


def _never_bought(label: PurchasedLabel) -> bool:
    return label.state is LabelState.ASKED and bool(label.problem_code)


async def buy(desk: ParcelDesk, database: Database, wanted: tracking.labels.Wanted, context: Context | None) -> PurchasedLabel:
    """The label of a box, bought once (see `ParcelDesk.buy`).

    Of one that was asked for in vain, and certainly not bought, nothing is left over: another carrier may be asked, and what
    was corrected since counts.
    """
    async with database.transaction(context) as tx:
        there = (await tracking.labels.hold(tx, [wanted.subject_id])).get(wanted.subject_id)
        if there is not None and _never_bought(there):
            await tracking.labels.give_up(tx, there.id)
    return await desk.buy(wanted, context)


async def without_label(
    desk: ParcelDesk, database: Database, parcel_id: ParcelId, context: Context | None, *, abandon: bool = False
) -> None:
    """Gives back the label of a box that is about to be opened, outside of any transaction.

    Raises LabelNotTakenBack, unless it is to be abandoned: then it stays paid for. What is in doubt is looked for first, and
    raises OutcomeUnknown or what the carrier's silence is called while nobody knows.
    """
    async with database.read() as reader:
        label = (await tracking.labels.standing(reader, [parcel_id])).get(parcel_id)
    if label is None or label.state is LabelState.VOIDING:
        return
    if label.state in {LabelState.ASKED, LabelState.UNKNOWN} and not _never_bought(label):
        label = await desk.settle(label.id, context, buy=False)
    if _never_bought(label):
        async with database.transaction(context) as tx:
            await tracking.labels.give_up(tx, label.id)
        return
    if label.state is not LabelState.BOUGHT:
        return
    try:
        label = await desk.void(label.id, context)
    except CarrierCannot as cannot:
        if not abandon:
            raise LabelNotTakenBack(kind="label", id=label.id, reason=str(cannot)) from cannot
        return
    if label.state is LabelState.BOUGHT and not abandon:
        raise LabelNotTakenBack(kind="label", id=label.id, reason=label.problem)


async def unpack(tx: Tx, fulfilment_id: FulfilmentId, parcel_id: ParcelId, *, abandon: bool = False) -> Fulfilment:
    """The box is opened. Raises LabelStillThere where it has a label after all, as when somebody has just bought one."""
    label = (await tracking.labels.hold(tx, [parcel_id])).get(parcel_id)
    fine = label is None or label.state is LabelState.VOIDING or (abandon and label.state is LabelState.BOUGHT)
    if label is not None and not fine:
        raise LabelStillThere(kind="label", id=label.id, state=label.state)
    return await fulfilment.unpack(tx, fulfilment_id, parcel_id)
