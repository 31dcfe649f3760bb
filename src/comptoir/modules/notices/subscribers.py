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
from comptoir.modules.fulfilment.contracts import FulfilmentId
from comptoir.modules.locations import api as locations
from comptoir.modules.notices import store
from comptoir.modules.notices.collections import address_of, collected
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


def _stowed(event: Recorded) -> tuple[NoticeKind, str] | None:
    """What goes into a locker at once is ready in it; what was ready on the counter is told again, with the locker."""
    about = f"{event.data['fulfilment_id']}:{event.data['locker_id']}:{event.tx}"
    return (NoticeKind.READY, about) if event.data.get("moved") else None


def _reminded(event: Recorded) -> tuple[NoticeKind, str]:
    return NoticeKind.REMINDER, f"{event.data['fulfilment_id']}:{event.data['reminder']}"


def _given_back(event: Recorded) -> tuple[NoticeKind, str] | None:
    """Whoever refuses something at the counter stands there."""
    in_time = event.data.get("reason") != "not_collected"
    return None if in_time else (NoticeKind.GIVEN_BACK, str(event.data["fulfilment_id"]))


_TOLD: Mapping[str, Callable[[Recorded], tuple[NoticeKind, str] | None]] = {
    "order.placed": _placed,
    "order.shipped": _shipped,
    "fulfilment.ready": lambda event: (NoticeKind.READY, f"{event.data['fulfilment_id']}:{event.tx}"),
    "fulfilment.stowed": _stowed,
    "fulfilment.reminded": _reminded,
    "fulfilment.given_back": _given_back,
    "parcel.moved": _moved,
    "parcel.failed": lambda event: (NoticeKind.FAILED, f"{event.data['tracked_id']}:{event.data['attempts']}"),
    "parcel.delivered": lambda event: (NoticeKind.DELIVERED, str(event.data["tracked_id"])),
    "parcel.delayed": lambda event: (NoticeKind.DELAYED, f"{event.data['tracked_id']}:{event.data['estimated_on']}"),
    "order.substituted": lambda event: (NoticeKind.SUBSTITUTED, str(event.data["substitution_id"])),
    "return.papers_sent": lambda event: (NoticeKind.RETURN, f"{event.data['return_case_id']}:{event.tx}"),
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
            if sender is not None and not _is_between_us(one, order):
                rows += await _letters(tx, one, order, sender, keyring, links)
    if rows:
        await store.insert(tx, rows)


def _is_between_us(one: _Occasion, order: Order) -> bool:
    """What a carrier does with a parcel that goes to the store where it is collected is no news for the buyer."""
    return order.pickup_location_id is not None and one.event.type.startswith("parcel.")


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
    if not country and order.pickup_location_id is not None:  # who collects it lives near the counter, most likely
        country = (await locations.get(tx, order.pickup_location_id)).country
    locale = (await customers.get(tx, CustomerId(order.customer_id))).locale if order.customer_id is not None else ""
    zone = zone_of_country(country)
    content = await _content(tx, one, order, keyring, links)
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


async def _content(tx: Tx, one: _Occasion, order: Order, keyring: Keyring, links: Links) -> Content:
    bare = _bare(one, order, tx.now, links)
    if one.kind is NoticeKind.RETURN:
        code, link = str(one.event.data["code"]), links.returning(order.id, tx.now)
        return msgspec.structs.replace(bare, on=None, code=code, link=link)
    if one.event.type.startswith("fulfilment."):
        return await collected(tx, bare, FulfilmentId(UUID(str(one.event.data["fulfilment_id"]))), keyring, tx.now)
    if one.kind is NoticeKind.SHIPPED and order.pickup_location_id is not None:
        return msgspec.structs.replace(bare, place=address_of(await locations.get(tx, order.pickup_location_id)))
    return bare


def _bare(one: _Occasion, order: Order, now: datetime, links: Links) -> Content:
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
        reason=_reason(one),
        carrier=str(data.get("carrier") or ""),
        tracking_number=str(data.get("tracking_number") or ""),
        lines=tuple(items[:_MOST_LINES]) if confirmed else _instead(one),
        total=order.total if confirmed else None,
        currency=order.currency,
        refund=int(str(data["difference"])) if one.kind is NoticeKind.SUBSTITUTED else None,
        link=links.tracking(order.id, now) if until is None else links.answer(UUID(str(data["tracked_id"])), until),
    )


def _reason(one: _Occasion) -> str:
    """Why it could not be delivered; of a substitution, what was not there."""
    data = one.event.data
    match one.kind:
        case NoticeKind.FAILED:
            return str(data.get("reason") or "")
        case NoticeKind.SUBSTITUTED:
            return str(data.get("name") or data.get("sku") or "")
        case _:
            return ""


def _instead(one: _Occasion) -> tuple[tuple[str, int], ...]:
    """What was taken instead; of what is weighed, once."""
    if one.kind is not NoticeKind.SUBSTITUTED:
        return ()
    data = one.event.data
    units = 1 if data.get("weighed") else int(str(data["quantity"]))
    return ((f"{data['by_name'] or data['by_sku']}", units),)


def _day(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else None


def _instant(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


def sealed(keyring: Keyring, letter: Letter) -> bytes:
    return keyring.encrypt(msgspec.json.encode((letter.to, letter.content)), PURPOSE)
