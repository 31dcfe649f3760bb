"""What a carrier is told of a packed box: from where it goes, to whom, and what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import Conflict
from comptoir.kernel.money import Currency, Money, round_half_even
from comptoir.kernel.time import utcnow
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Goods, Unit
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FulfilmentId, Method, Parcel, ParcelId
from comptoir.modules.fulfilment.errors import NotInThatState, NotPicked, UnknownFulfilment
from comptoir.modules.locations import api as locations
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order, OrderId, OrderLine, Tracking
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import LabelState
from comptoir.runtime.database import Reader
from comptoir.sdk import carriers
from comptoir.sdk import orders as sdk
from comptoir.sdk.carriers import Address, Item, RateRequest
from comptoir.surfaces.parcels import address_of


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


async def box(reader: Reader, fulfilment_id: FulfilmentId, parcel_id: ParcelId | None, weight: int = 0) -> Box:
    """Without `parcel_id`, the first box that is still here. `weight`, where it is given, is what the scales say, in grams.

    Raises UnknownFulfilment, NotInThatState, NotPicked, NowhereToSend, and Invalid where nobody knows what the box weighs.
    """
    one = await fulfilment.get(reader, fulfilment_id)
    if one.method is not Method.SHIP:
        raise NotInThatState(step="label", state=one.method)
    parcel = _chosen(await fulfilment.parcels(reader, [one.id]), parcel_id, one.quantity - one.packed)
    order = await orders.order(reader, one.order_id)
    goods = await catalogue.goods(reader, [line.sku for line in order.lines if line.sku is not None])
    inside = [(line, goods.get(line.sku or ""), units) for line, units in _inside(order, parcel)]
    grams = weight or parcel.weight
    if not grams:
        raise invalid("weight", "is needed: neither the box nor the catalogue has one")
    shipment = RateRequest(
        sender=address_of(await locations.get(reader, one.location_id)),
        recipient=_recipient(order),
        parcel=carriers.Parcel(weight=grams, length=parcel.length, width=parcel.width, height=parcel.height),
        items=tuple(_item(order.currency, line, known, units) for line, known, units in inside),
        dangerous=any(known is not None and known.dangerous for _, known, _ in inside),
        invoice_number=str(order.number),
        invoiced_on=order.placed_at.date(),
    )
    return Box(parcel.id, order.id, order.currency, shipment)


def _chosen(boxes: list[Parcel], parcel_id: ParcelId | None, unpacked: int) -> Parcel:
    here = [parcel for parcel in boxes if parcel.shipment_id is None]
    if parcel_id is None:
        if not here:
            raise NotPicked(left=unpacked)
        return here[0]
    found = next((parcel for parcel in boxes if parcel.id == parcel_id), None)
    if found is None:
        raise UnknownFulfilment(kind="parcel", id=parcel_id)
    if found.shipment_id is not None:
        raise NotInThatState(step="label", state="shipped")
    return found


def _inside(order: Order, parcel: Parcel) -> list[tuple[OrderLine, int]]:
    lines = {line.line_no: line for line in order.lines}
    return [(lines[units.line_no], units.quantity) for units in parcel.lines]


def _recipient(order: Order) -> Address:
    """Whoever gets it; what the address leaves out of how to reach them is the buyer's."""
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
    reader: Reader, fulfilment_id: FulfilmentId, given: Mapping[ParcelId, Tracking] | None
) -> dict[ParcelId, Tracking]:
    """Who carries the boxes that are still here, by their bought labels; a number that is given goes first.

    `given` chooses the boxes, None is all of them. Raises LabelMissing.
    """
    boxes = await fulfilment.parcels(reader, [fulfilment_id])
    here = [parcel.id for parcel in boxes if parcel.shipment_id is None and (given is None or parcel.id in given)]
    known = {key: one for key, one in (given or {}).items() if one.number and key in here}
    for label in await tracking.labels.of_subjects(reader, [key for key in here if key not in known]):
        given_back = label.busy_until is not None and label.busy_until > utcnow()  # somebody asks the carrier right now
        if label.state is LabelState.BOUGHT and not given_back:
            known[ParcelId(label.subject_id)] = Tracking(label.carrier, label.tracking_number, label.tracking_url)
    missing = [key for key in here if key not in known]
    if missing:
        raise LabelMissing(parcel_ids=missing)
    return known
