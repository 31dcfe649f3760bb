"""What buyers are told when something happens: each event becomes at most one notice a medium."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import msgspec

from comptoir.kernel.zones import zone_of_country
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CustomerId
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.notices import store
from comptoir.modules.notices.contracts import Content, Letter, Links, Medium, NoticeKind, Sender
from comptoir.modules.notices.domain import STALE, language_of, media_of, quiet_until
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order, OrderId
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded

_MOST_LINES = 30
PURPOSE = "notice"


@dataclass(frozen=True, slots=True)
class _Occasion:
    """An event that somebody is told of."""

    kind: NoticeKind
    order_id: OrderId
    about: str
    event: Recorded


def _placed(event: Recorded) -> tuple[NoticeKind, str] | None:
    """A channel that reports an order has confirmed it itself."""
    return None if event.data.get("fact") else (NoticeKind.CONFIRMED, str(event.data["order_id"]))


def _shipped(event: Recorded) -> tuple[NoticeKind, str] | None:
    """What is taken at a counter has no carrier, and its buyer stands there."""
    sent = event.data.get("carrier") or event.data.get("tracking_number")
    return (NoticeKind.SHIPPED, str(event.data["shipment_id"])) if sent else None


def _moved(event: Recorded) -> tuple[NoticeKind, str] | None:
    match event.data["status"]:
        case "out_for_delivery":
            return NoticeKind.OUT_FOR_DELIVERY, str(event.data["tracked_id"])
        case "available_for_pickup":
            return NoticeKind.READY, str(event.data["tracked_id"])
        case _:
            return None


_TOLD: Mapping[str, Callable[[Recorded], tuple[NoticeKind, str] | None]] = {
    "order.placed": _placed,
    "order.shipped": _shipped,
    "fulfilment.ready": lambda event: (NoticeKind.READY, str(event.data["fulfilment_id"])),
    "parcel.moved": _moved,
    "parcel.failed": lambda event: (NoticeKind.FAILED, f"{event.data['tracked_id']}:{event.data['attempts']}"),
    "parcel.delivered": lambda event: (NoticeKind.DELIVERED, str(event.data["tracked_id"])),
    "parcel.delayed": lambda event: (NoticeKind.DELAYED, str(event.data["tracked_id"])),
}


def consumers(keyring: Keyring, links: Links) -> tuple[Consumer, ...]:
    """`links` gives the addresses of the pages that notices lead to."""

    async def tell(tx: Tx, events: list[Recorded]) -> None:
        await write(tx, events, keyring, links)

    return (Consumer("notices.outbox", dict.fromkeys(_TOLD, tell)),)


async def write(tx: Tx, events: Sequence[Recorded], keyring: Keyring, links: Links) -> None:
    """Puts what buyers are to be told into the outbox, once for each thing that happened."""
    senders = {channel: sender for channel, sender in (await store.senders(tx)).items() if sender.active}
    if not senders:
        return
    occasions = [one for event in events if tx.now - event.at < STALE and (one := _occasion(event)) is not None]
    known = await store.known(tx, [one.about for one in occasions])
    rows: list[dict[str, object]] = []
    for one in occasions:
        if (one.about, one.kind.value) not in known:
            order = await orders.order(tx, one.order_id)
            sender = senders.get(order.channel_code)
            if sender is not None:
                rows += await _letters(tx, one, order, sender, keyring, links)
    if rows:
        await store.insert(tx, rows)


def _occasion(event: Recorded) -> _Occasion | None:
    found = _TOLD[event.type](event)
    if found is None:
        return None
    kind, about = found
    return _Occasion(kind, OrderId(UUID(str(event.data["order_id"]))), about, event)


async def _letters(
    tx: Tx, one: _Occasion, order: Order, sender: Sender, keyring: Keyring, links: Links
) -> list[dict[str, object]]:
    buyer, ship_to = order.buyer or {}, order.ship_to or {}
    email, phone = str(buyer.get("email") or ""), str(buyer.get("phone") or ship_to.get("phone") or "")
    media = media_of(one.kind, sender, email=bool(email), phone=bool(phone))
    if not media:
        return []
    country = str(ship_to.get("country") or "")
    locale = (await customers.get(tx, CustomerId(order.customer_id))).locale if order.customer_id is not None else ""
    zone = zone_of_country(country)
    content = await _content(tx, one, order, links)
    return [
        {
            "order_id": order.id,
            "channel": order.channel_code,
            "kind": one.kind.value,
            "medium": medium.value,
            "about": one.about,
            "locale": language_of(locale, country),
            "zone": zone,
            "sealed": sealed(keyring, Letter(email if medium is Medium.EMAIL else phone, content)),
            "next_at": quiet_until(medium, tx.now, zone),
        }
        for medium in media
    ]


async def _content(tx: Tx, one: _Occasion, order: Order, links: Links) -> Content:
    data = one.event.data
    buyer, ship_to = order.buyer or {}, order.ship_to or {}
    until = _instant(data.get("answer_until"))
    confirmed = one.kind is NoticeKind.CONFIRMED
    items = [(line.name, line.quantity) for line in order.lines if line.sku is not None]
    return Content(
        number=order.number,
        name=str(buyer.get("name") or ship_to.get("name") or ""),
        on=_day(data.get("estimated_on")) or (order.promised_on if one.kind is not NoticeKind.DELIVERED else None),
        was_on=_day(data.get("promised_on")) if one.kind is NoticeKind.DELAYED else None,
        until=until,
        place=await _place(tx, one),
        reason=str(data.get("reason") or "") if one.kind is NoticeKind.FAILED else "",
        carrier=str(data.get("carrier") or ""),
        tracking_number=str(data.get("tracking_number") or ""),
        lines=tuple(items[:_MOST_LINES]) if confirmed else (),
        total=order.total if confirmed else None,
        currency=order.currency if confirmed else "",
        link=links.tracking(order.id, tx.now) if until is None else links.answer(UUID(str(data["tracked_id"])), until),
    )


async def _place(tx: Tx, one: _Occasion) -> str:
    if one.kind is not NoticeKind.READY or one.event.type != "fulfilment.ready":
        return ""
    place = await locations.get(tx, LocationId(UUID(str(one.event.data["location_id"]))))
    street = ", ".join(part for part in (place.line1, place.line2) if part)
    town = " ".join(part for part in (place.postcode, place.city) if part)
    return ", ".join(part for part in (place.name, street, town) if part)


def _day(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else None


def _instant(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


def sealed(keyring: Keyring, letter: Letter) -> bytes:
    return keyring.encrypt(msgspec.json.encode((letter.to, letter.content)), PURPOSE)
