"""The values of the papers of a store, gathered from the fulfilment order, its order, its location and the catalogue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentLine, Method, Parcel, Wave
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationId
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Lying, Shelf
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.lists import Goods
from comptoir.surfaces.documents.contracts import (
    Address,
    Interval,
    Item,
    ItemLot,
    Manifest,
    ManifestParcel,
    PackingSlip,
    Paper,
    ParcelLabel,
    PickLine,
    PickList,
    PickupNotice,
    ReturnReason,
    ReturnSlip,
    Seller,
)
from comptoir.surfaces.parties import locale_of, order_address, site_address, zone_of


@dataclass(frozen=True, slots=True)
class Case:
    """All that the papers of one fulfilment order are made of."""

    one: Fulfilment
    parcels: tuple[Parcel, ...]
    order: Order
    place: Location
    to: Address
    names: Goods
    seller: Seller
    lots: Mapping[int, tuple[ItemLot, ...]] = field(default_factory=dict[int, tuple[ItemLot, ...]])
    """By line the lots that were picked, as far as somebody has read them."""

    @property
    def number(self) -> str:
        return str(self.order.number)

    @property
    def here(self) -> Address:
        return site_address(self.place)

    @property
    def locale(self) -> str:
        """The buyer's language, as far as the country tells it."""
        return locale_of(self.to.country or self.place.country)

    def item(self, line: FulfilmentLine, quantity: int) -> Item:
        lots_in = self.lots.get(line.line_no, ())
        if sum(lot.quantity for lot in lots_in) != quantity:  # some of it is elsewhere, and nobody knows which
            lots_in = tuple([replace(lot, quantity=0) for lot in lots_in])
        return Item(
            sku=line.sku,
            name=line.name or self.names[line.sku],
            quantity=quantity,
            weighed=self.names.is_weighed(line.sku),
            lots=lots_in,
        )

    def day(self, at: datetime) -> datetime:
        return at.astimezone(zone_of(self.place))


async def case_of(reader: Reader, one: Fulfilment, seller: str) -> Case:
    place = await locations.get(reader, one.location_id)
    order = await orders.order(reader, one.order_id)
    return Case(
        one=one,
        parcels=tuple(await fulfilment.parcels(reader, [one.id])),
        order=order,
        place=place,
        to=await _destination(reader, one, order),
        names=await lists.goods(reader, [line.sku for line in one.lines]),
        seller=Seller(name=seller, address=site_address(place)),
        lots=await _picked(reader, one),
    )


async def _picked(reader: Reader, one: Fulfilment) -> dict[int, tuple[ItemLot, ...]]:
    """By line the lots that were picked, what expires first first."""
    found: dict[int, list[ItemLot]] = {}
    for row, day in await lots.with_days(reader, await lots.of_fulfilment(reader, one.id)):
        found.setdefault(row.line_no, []).append(ItemLot(row.code, row.quantity, day))
    return {no: tuple(sorted(rows, key=lambda lot: (lot.expires_on or date.max, lot.code))) for no, rows in found.items()}


class _Taking:
    """The lots that are taken on a round, what expires first first, each unit once."""

    def __init__(self, there: Mapping[str, Lying]) -> None:
        self._left = {sku: [(one, one.on_hand - one.held) for one in here.good] for sku, here in there.items()}

    def take(self, sku: str, quantity: int) -> tuple[ItemLot, ...]:
        taken: list[ItemLot] = []
        rest: list[tuple[Shelf, int]] = []
        for one, there in self._left.get(sku, []):
            n = min(there, quantity)
            quantity -= n
            if n:
                taken.append(ItemLot(one.code, n, one.expires_on))
            if there > n:
                rest.append((one, there - n))
        self._left[sku] = rest
        return tuple(taken)


async def _destination(reader: Reader, one: Fulfilment, order: Order) -> Address:
    """What is collected elsewhere goes to that counter, in the buyer's name."""
    own = order_address(order)
    if one.method is not Method.SEND_TO_STORE or order.pickup_location_id is None:
        return own
    counter = site_address(await locations.get(reader, order.pickup_location_id))
    return replace(counter, name=own.name, company=counter.name)


async def pick_list(
    reader: Reader, found: Sequence[Fulfilment], place: Location, *, number: str, paper: Paper, picker: str, now: datetime
) -> PickList:
    """What is still to be picked, for one order or a wave, whose orders have their slots as totes."""
    skus = sorted({line.sku for one in found for line in one.lines})
    names, bins = await lists.goods(reader, skus), await fulfilment.bins(reader, place.id, skus)
    day = now.astimezone(zone_of(place)).date()
    taking = _Taking(await lots.lying(reader, place.id, skus, now))
    lines = [
        PickLine(
            bin=bins.get(line.sku, ""),
            sku=line.sku,
            name=line.name or names[line.sku],
            quantity=line.quantity - line.picked,
            order_number=str(one.order_number),
            weighed=names.is_weighed(line.sku),
            tote=str(slot) if len(found) > 1 else "",
            lots=taking.take(line.sku, line.quantity - line.picked),
        )
        for slot, one in enumerate(found, 1)
        for line in one.lines
        if line.quantity > line.picked
    ]
    return PickList(number=number, location=lists.label(place), lines=tuple(lines), on=day, picker=picker, paper=paper)


def wave_number(wave: Wave) -> str:
    return f"W{wave.number}"


def packing_slip(case: Case, parcel: Parcel | None) -> PackingSlip:
    """Of a box, or of all that is here where there is none."""
    inside = (
        {line.line_no: line.quantity for line in parcel.lines}
        if parcel
        else {line.line_no: line.quantity for line in case.one.lines}
    )
    boxed = {line.line_no: sum(n.quantity for p in case.parcels for n in p.lines if n.line_no == line.line_no)
             for line in case.one.lines}  # fmt: skip
    later = [(line, line.quantity - boxed[line.line_no]) for line in case.one.lines] if parcel else []
    return PackingSlip(
        seller=case.seller,
        order_number=case.number,
        lines=tuple([case.item(line, inside[line.line_no]) for line in case.one.lines if inside.get(line.line_no)]),
        ship_to=case.to,
        to_follow=tuple([case.item(line, units) for line, units in later if units > 0]),
        shipment_number=f"F{case.one.number}" + (f"-{parcel.number}" if parcel else ""),
        ordered_on=case.day(case.order.placed_at).date(),
        packed_on=case.day(parcel.packed_at).date() if parcel else None,
        carrier=(parcel.carrier if parcel else "") or case.one.carrier,
        tracking_number=parcel.tracking_number if parcel else "",
        parcel=parcel.number if parcel else 1,
        parcels=max([one.number for one in case.parcels], default=1),
    )


def label(case: Case, parcel: Parcel, tracking: str, carrier: str, service: str, now: datetime) -> ParcelLabel:
    return ParcelLabel(
        sender=case.here,
        recipient=case.to,
        carrier=parcel.carrier or carrier or case.one.carrier,
        service=service,
        tracking_number=parcel.tracking_number or tracking,
        weight=parcel.weight or None,
        parcel=parcel.number,
        parcels=max(one.number for one in case.parcels),
        order_number=case.number,
        shipped_on=case.day(now).date(),
    )


def return_slip(case: Case, reasons: Sequence[tuple[str, str]]) -> ReturnSlip:
    return ReturnSlip(
        seller=case.seller,
        order_number=case.number,
        return_code=f"R{case.number}",
        lines=tuple([case.item(line, line.quantity) for line in case.one.lines if line.quantity]),
        reasons=tuple([ReturnReason(code, text) for code, text in reasons]),
        return_to=case.here,
        customer=case.to,
    )


def pickup_notice(case: Case, code: str) -> PickupNotice:
    ready = case.one.ready_at
    return PickupNotice(
        seller=case.seller,
        order_number=case.number,
        pickup_code=code,
        store=case.here,
        lines=tuple([case.item(line, line.picked - line.gone) for line in case.one.lines if line.picked > line.gone]),
        collectors=(case.to.name,) if case.to.name else (),
        hours=tuple([tuple([Interval(one.opens, one.closes) for one in day]) for day in case.place.opening_hours.days]),
        ready_on=case.day(ready).date() if ready else None,
    )


async def manifest(reader: Reader, place: Location, carrier: str, now: datetime) -> Manifest:
    """What has left a location with a carrier today, by the clock that hangs there."""
    zone = zone_of(place)
    begin = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    found = {one.id: one for one in await _departed(reader, place.id, begin.astimezone(UTC))}
    parcels = [one for one in await fulfilment.parcels(reader, sorted(found)) if one.shipment_id and one.carrier == carrier]
    gone = {
        one.id: one
        for one in await orders.departures(reader, [one.shipment_id for one in parcels if one.shipment_id])
        if one.shipped_at >= begin
    }
    rows = [
        ManifestParcel(
            tracking_number=parcel.tracking_number,
            order_number=str(found[parcel.fulfilment_id].order_number),
            city=found[parcel.fulfilment_id].city,
            postcode=gone[shipment_id].postcode,
            country=found[parcel.fulfilment_id].country,
            weight=parcel.weight or None,
        )
        for parcel in parcels
        if (shipment_id := parcel.shipment_id) in gone and shipment_id is not None
    ]
    return Manifest(
        seller=Seller(name=lists.label(place), address=site_address(place)),
        number=f"{place.code}-{begin:%Y%m%d}",
        carrier=carrier,
        location=lists.label(place),
        parcels=tuple(rows),
        on=begin.date(),
    )


async def _departed(reader: Reader, location_id: LocationId, since: datetime) -> list[Fulfilment]:
    return await fulfilment.get_all(reader, await fulfilment.departed(reader, location_id, since))


async def carriers_today(reader: Reader, place: Location, now: datetime) -> list[str]:
    """With whom something has left today."""
    begin = now.astimezone(zone_of(place)).replace(hour=0, minute=0, second=0, microsecond=0)
    ids = await fulfilment.departed(reader, place.id, begin.astimezone(UTC))
    parcels = await fulfilment.parcels(reader, ids) if ids else []
    return sorted({one.carrier for one in parcels if one.shipment_id is not None})
