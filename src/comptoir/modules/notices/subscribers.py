"""What buyers are told when something happens: each event becomes at most one notice a medium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from comptoir.kernel.ids import uuid7
from comptoir.kernel.zones import zone_of_country
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CustomerId
from comptoir.modules.fulfilment.contracts import FulfilmentId
from comptoir.modules.locations import api as locations
from comptoir.modules.notices import consents, store, store_house
from comptoir.modules.notices.collections import address_of, collected
from comptoir.modules.notices.contracts import Content, House, Letter, Links, Medium, NoticeKind, Sender
from comptoir.modules.notices.domain import STALE, language_of, media_of, quiet_until
from comptoir.modules.notices.occasions import (
    BESIDE,
    TOGETHER,
    TOLD,
    Occasion,
    methods_of,
    occasion,
    refund_of,
    together,
    units_gone,
    whole,
)
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order, OrderId, OrderLine
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded

_MOST_LINES = 30
_OF_RETURNS = frozenset({NoticeKind.RETURN, NoticeKind.RETURN_DECLINED, NoticeKind.RETURN_GIVEN_BACK})
_UNEXPECTED = frozenset(NoticeKind) - frozenset(
    {NoticeKind.CONFIRMED, NoticeKind.SHIPPED, NoticeKind.CHANGED, NoticeKind.OUT_FOR_DELIVERY}
)
"""What tells no day on which something is expected, unless the event does."""
PURPOSE = "notice"


def consumers(keyring: Keyring, links: Links) -> tuple[Consumer, ...]:
    """`links` gives the addresses of the pages that notices lead to."""

    async def tell(tx: Tx, events: list[Recorded]) -> None:
        await write(tx, events, keyring, links)

    return (Consumer("notices.outbox", dict.fromkeys([*TOLD, *TOGETHER], tell)),)


async def write(tx: Tx, events: Sequence[Recorded], keyring: Keyring, links: Links) -> None:
    """Puts what buyers are to be told into the outbox, once for each thing that happened."""
    senders = {channel: sender for channel, sender in (await store.senders(tx)).items() if sender.active}
    if not senders:
        return
    fresh = [event for event in events if tx.now - event.at < STALE]
    beside = await store.beside(tx, [event for event in fresh if event.type in TOGETHER], BESIDE)
    occasions = [one for event in fresh if (one := occasion(event, beside)) is not None]
    known = await store.known(tx, [one.about for one in occasions])
    rows: list[dict[str, object]] = []
    for one in occasions:
        if (one.about, one.kind.value) not in known:
            known.add((one.about, one.kind.value))
            order = await orders.order(tx, one.order_id)
            sender = senders.get(order.channel_code)
            if sender is not None and not _is_between_us(one, order):
                rows += await _letters(tx, one, order, sender, keyring, links)
    if rows:
        await store.insert(tx, rows)


async def tell_credit(tx: Tx, order_id: OrderId, amount: int, code: str, keyring: Keyring, links: Links) -> None:
    """Tells the buyer of an order the code of store credit that this transaction has made for them. What the events of the
    same transaction say of it is told with it.
    """
    order = await orders.order(tx, order_id)
    sender = (await store.senders(tx)).get(order.channel_code)
    if sender is None or not sender.active:
        return
    number = await store.current_tx(tx)
    data: dict[str, object] = {"order_id": str(order_id), "kind": "refunded", "method": "store_credit", "amount": amount}
    event = Recorded(number, 0, uuid7(), "order.paid", tx.now, "", "", order_id, data)
    one = Occasion(NoticeKind.CREDITED, order_id, together(order_id, number), event, (("order.paid", data),), code)
    rows = await _letters(tx, one, order, sender, keyring, links)
    if rows:
        await store.insert(tx, rows)


async def reaches(tx: Tx, order_id: OrderId, kind: NoticeKind) -> bool:
    """Whether the buyer of an order would be told such a thing by any means."""
    order = await orders.order(tx, order_id)
    sender = (await store.senders(tx)).get(order.channel_code)
    return sender is not None and sender.active and bool(media_of(kind, sender, await _wanted(tx, order, _where(order))))


def _is_between_us(one: Occasion, order: Order) -> bool:
    """What a carrier does with a parcel that goes to the store where it is collected is no news for the buyer."""
    return order.pickup_location_id is not None and one.event.type.startswith("parcel.")


async def _letters(
    tx: Tx, one: Occasion, order: Order, sender: Sender, keyring: Keyring, links: Links
) -> list[dict[str, object]]:
    if one.kind is NoticeKind.CONFIRMED:
        await consents.keep_of_order(tx, order)
    where = _where(order)
    media = media_of(one.kind, sender, await _wanted(tx, order, where))
    if not media:
        return []
    ship_to = order.ship_to or {}
    country = str(ship_to.get("country") or "")
    if not country and order.pickup_location_id is not None:  # who collects it lives near the counter, most likely
        country = (await locations.get(tx, order.pickup_location_id)).country
    locale = (await customers.get(tx, CustomerId(order.customer_id))).locale if order.customer_id is not None else ""
    zone = zone_of_country(country)
    content = await _weighed(tx, one, order, await _content(tx, one, order, keyring, links))
    rules = await store_house.house(tx) if set(media) - {Medium.EMAIL} else House()
    return [
        {
            "order_id": order.id,
            "channel": order.channel_code,
            "kind": one.kind.value,
            "medium": medium.value,
            "about": one.about,
            "locale": language_of(locale, country),
            "zone": zone,
            "sealed": sealed(keyring, Letter(where[medium], content)),
            "next_at": quiet_until(medium, tx.now, zone, rules),
        }
        for medium in media
    ]


def _where(order: Order) -> dict[Medium, str]:
    """Where messages would go: as it was typed, where that is no address that we know how to write."""
    known = consents.addresses_of(order)
    phone = consents.phone_of(order)
    typed = {Medium.EMAIL: consents.email_of(order), Medium.SMS: phone, Medium.WHATSAPP: phone}
    return {medium: text if medium is Medium.EMAIL else known.get(medium, text) for medium, text in typed.items() if text}


async def _wanted(tx: Tx, order: Order, where: Mapping[Medium, str]) -> frozenset[Medium]:
    """What the buyer can be reached by and has not stopped, and, of telephones, has asked for."""
    standing = await consents.standing(tx, order)
    asked = consents.asked_with(order)
    unknown = {medium for medium in where if medium not in standing and (medium is Medium.EMAIL or medium in asked)}
    return consents.wanted(standing) | unknown


async def _content(tx: Tx, one: Occasion, order: Order, keyring: Keyring, links: Links) -> Content:
    bare = _bare(one, order, tx.now, links)
    if one.kind in _OF_RETURNS:
        code, link = str(one.event.data["code"]), links.returning(order.id, tx.now)
        goods = str(one.event.data.get("goods") or "")
        return msgspec.structs.replace(bare, on=None, code=code, link=link, goods=goods)
    if one.kind is NoticeKind.RETURN_RECEIVED:
        return msgspec.structs.replace(bare, on=None, link=links.returning(order.id, tx.now))
    if one.event.type.startswith("fulfilment."):
        return await collected(tx, bare, FulfilmentId(UUID(str(one.event.data["fulfilment_id"]))), keyring, tx.now)
    if one.kind is NoticeKind.SHIPPED and order.pickup_location_id is not None:
        return msgspec.structs.replace(bare, place=address_of(await locations.get(tx, order.pickup_location_id)))
    return bare


def _bare(one: Occasion, order: Order, now: datetime, links: Links) -> Content:
    data = one.event.data
    buyer, ship_to = order.buyer or {}, order.ship_to or {}
    until = _instant(data.get("answer_until"))
    confirmed = one.kind is NoticeKind.CONFIRMED
    items = [(line.name, line.quantity) for line in _goods(order)]
    return Content(
        number=order.number,
        name=str(buyer.get("name") or ship_to.get("name") or ""),
        on=_day(data.get("estimated_on")) or (order.promised_on if one.kind not in _UNEXPECTED else None),
        was_on=_day(data.get("promised_on")) if one.kind is NoticeKind.DELAYED else None,
        until=until,
        reason=_reason(one),
        carrier=str(data.get("carrier") or ""),
        tracking_number=str(data.get("tracking_number") or ""),
        lines=tuple(items) if confirmed else _instead(one) or _gone(one, order),
        weighed=(0,) if data.get("weighed") else (),
        total=order.total if confirmed else None,
        currency=order.currency,
        refund=int(str(data["difference"])) if one.kind is NoticeKind.SUBSTITUTED else refund_of(one) or None,
        method=methods_of(one) if one.kind is NoticeKind.REFUNDED else "",
        whole=whole(one),
        credit_code=one.code,
        stop=links.stopping(order.id, now),
        link=links.tracking(order.id, now) if until is None else links.answer(UUID(str(data["tracked_id"])), until),
    )


def _reason(one: Occasion) -> str:
    """Why it could not be delivered; of a substitution, what was not there."""
    data = one.event.data
    match one.kind:
        case NoticeKind.FAILED | NoticeKind.RETURN_DECLINED:
            return str(data.get("reason") or "")
        case NoticeKind.CANCELLED:
            return str(data.get("reason") or "")
        case NoticeKind.SUBSTITUTED:
            return str(data.get("name") or data.get("sku") or "")
        case _:
            return ""


def _instead(one: Occasion) -> tuple[tuple[str, int], ...]:
    """What was taken instead."""
    if one.kind is not NoticeKind.SUBSTITUTED:
        return ()
    data = one.event.data
    return ((f"{data['by_name'] or data['by_sku']}", int(str(data["quantity"]))),)


def _gone(one: Occasion, order: Order) -> tuple[tuple[str, int], ...]:
    """What was cancelled of a part; of a whole order nothing has to be named."""
    if one.kind is not NoticeKind.CANCELLED or whole(one):
        return ()
    units = units_gone(one)
    return tuple([(line.name or line.sku or "", units[line.line_no]) for line in _cut(one, order)])


def _cut(one: Occasion, order: Order) -> list[OrderLine]:
    units = units_gone(one)
    return [line for line in _goods(order) if line.line_no in units]


def _goods(order: Order) -> list[OrderLine]:
    """What a confirmation names."""
    return [line for line in order.lines if line.sku is not None][:_MOST_LINES]


async def _weighed(tx: Tx, one: Occasion, order: Order, content: Content) -> Content:
    """Says of which lines the units are thousandths."""
    if one.kind not in {NoticeKind.CONFIRMED, NoticeKind.CANCELLED} or not content.lines:
        return content
    skus = [line.sku or "" for line in (_goods(order) if one.kind is NoticeKind.CONFIRMED else _cut(one, order))]
    known = await catalogue.goods(tx, sorted(set(skus)))
    weighed = tuple([n for n, sku in enumerate(skus) if sku in known and known[sku].unit is Unit.THOUSANDTH])
    return msgspec.structs.replace(content, weighed=weighed)


def _day(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else None


def _instant(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


def sealed(keyring: Keyring, letter: Letter) -> bytes:
    return keyring.encrypt(msgspec.json.encode((letter.to, letter.content)), PURPOSE)
