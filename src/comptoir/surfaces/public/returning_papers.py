"""The papers of a return: the slip to put into the box, the address to stick on it, and its code as a square to scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import segno
from markupsafe import Markup

from comptoir import i18n
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import ReturnCase
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import ChannelId
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationFilter, LocationId, LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order
from comptoir.runtime.database import Reader
from comptoir.sdk.carriers import LabelFormat
from comptoir.surfaces.documents.contracts import (
    Item,
    ParcelLabel,
    ReturnReason,
    ReturnSlip,
    Seller,
)
from comptoir.surfaces.parties import locale_of, order_address, site_address, zone_of
from comptoir.surfaces.public.returning_words import REASONS

TYPES: Mapping[LabelFormat, str] = {
    LabelFormat.PDF: "application/pdf",
    LabelFormat.ZPL: "application/zpl",
    LabelFormat.PNG: "image/png",
}


def qr(text: str) -> Markup:
    """The code as a square, drawn as wide as its box; nothing in it is anybody's text."""
    code = segno.make(text, error="m", micro=False)
    cells = [(x, y) for y, row in enumerate(code.matrix) for x, dark in enumerate(row) if dark]
    size = len(code.matrix) + 8
    path = "".join(f"M{x + 4} {y + 4}h1v1h-1z" for x, y in cells)
    return Markup('<svg viewBox="0 0 {0} {0}" role="img" aria-label="{1}" class="qr"><path d="{2}"/></svg>').format(
        size, text, path
    )


@dataclass(frozen=True, slots=True)
class Papers:
    """All that the papers of one return are made of."""

    case: ReturnCase
    order: Order
    place: Location
    seller: Seller
    on: date

    @property
    def locale(self) -> str:
        return locale_of(order_address(self.order).country or self.place.country)

    def slip(self) -> ReturnSlip:
        names = {line.line_no: line.name for line in self.order.lines}
        language = i18n.language(self.locale)
        return ReturnSlip(
            seller=self.seller,
            order_number=str(self.order.number),
            return_code=changes.return_code(self.case.number),
            lines=tuple(
                [
                    Item(sku=item.sku, name=names.get(item.line_no) or item.sku, quantity=item.quantity, weighed=False)
                    for item in self.case.items
                ]
            ),
            reasons=tuple(
                [ReturnReason(str(n), i18n.gettext(language, REASONS[reason])) for n, reason in enumerate(REASONS, 1)]
            ),
            return_to=site_address(self.place),
            customer=order_address(self.order),
        )

    def label(self) -> ParcelLabel:
        code = changes.return_code(self.case.number)
        return ParcelLabel(
            sender=order_address(self.order),
            recipient=site_address(self.place),
            carrier=self.case.carrier,
            service="",
            tracking_number=self.case.tracking_number or code,
            parcel=1,
            parcels=1,
            order_number=str(self.order.number),
            shipped_on=self.on,
        )

    def back(self) -> ParcelLabel:
        """For what was declined: the address of the buyer, from where it lies."""
        return replace(self.label(), sender=site_address(self.place), recipient=order_address(self.order), carrier="")


async def papers(reader: Reader, case: ReturnCase) -> Papers:
    """Of a return of an order of ours."""
    assert case.order_id is not None, "what was not sold by us has no papers"
    order = await orders.order(reader, case.order_id)
    place = await (locations.get(reader, case.location_id) if case.location_id is not None else home_of(reader, order))
    channel = await channels.get(reader, ChannelId(order.channel_id))
    seller = Seller(name=channel.name or channel.code, address=site_address(place))
    at = case.decided_at or case.requested_at
    return Papers(case, order, place, seller, at.astimezone(zone_of(place)).date())


async def home_of(reader: Reader, order: Order) -> Location:
    """Where what comes back of an order is sent: from where it left, else a warehouse, as long as returns are taken there."""
    shipments = (await orders.get(reader, order.id)).shipments
    sent = [await locations.get(reader, LocationId(one)) for one in dict.fromkeys(one.location_id for one in shipments)]
    takes = [one for one in sent if one.active and one.returns]
    if takes:
        return _first(takes)
    others = [one async for one in locations.stream(reader, LocationFilter(active=True)) if one.returns]
    return _first(others or sent)


def _first(found: Sequence[Location]) -> Location:
    return min(found, key=lambda one: (one.kind != LocationKind.WAREHOUSE, one.code))
