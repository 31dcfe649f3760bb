"""Which messages a buyer gets about their orders, said by the buyer: the page that letters lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from comptoir.i18n import N_
from comptoir.kernel.ids import ActorId
from comptoir.kernel.zones import zone_of_country
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Brand, Consent, ConsentSource, Medium
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Context, Database, Reader
from comptoir.surfaces.public.branding import look_of

ACTOR = ActorId("buyer")
MEDIUM_WORDS: Mapping[Medium, str] = {
    Medium.EMAIL: N_("E-mail to %(address)s"),
    Medium.SMS: N_("SMS to %(address)s"),
    Medium.WHATSAPP: N_("WhatsApp to %(address)s"),
}


@dataclass(frozen=True, slots=True)
class Way:
    """One way of telling. The address is shown in part: whoever has the page's address need not know it."""

    medium: Medium
    words: str
    address: str
    wanted: bool
    since: datetime | None


@dataclass(frozen=True, slots=True)
class MessagesView:
    number: int
    country: str
    zone: ZoneInfo
    brand: Brand
    ways: tuple[Way, ...]
    locale: str = ""


def masked(address: str) -> str:
    """`c•••e@example.com`, `+33 •••78`."""
    name, at, domain = address.partition("@")
    if at:
        return f"{name[:1]}•••{name[-1:] if len(name) > 2 else ''}@{domain}"
    return f"{address[:3]} •••{address[-2:]}"


async def messages_view(reader: Reader, order_id: UUID) -> MessagesView:
    """Raises NotFound. A way that the channel does not use is shown only where something was said of it."""
    order = await orders.order(reader, OrderId(order_id))
    standing = await notices.standing(reader, order)
    sender = (await notices.senders(reader)).get(order.channel_code)
    used = set(sender.media) if sender is not None else set[Medium]()
    country = str((order.ship_to or {}).get("country") or "")
    where = notices.addresses_of(order)
    wanted = notices.wanted(standing)
    return MessagesView(
        number=order.number,
        country=country,
        zone=ZoneInfo(zone_of_country(country)),
        brand=await look_of(reader, order.channel_code),
        ways=tuple(
            [
                Way(medium, MEDIUM_WORDS[medium], masked(where[medium]), medium in wanted, _since(one))
                for medium, one in standing.items()
                if medium in used or one is not None
            ]
        ),
    )


def _since(one: Consent | None) -> datetime | None:
    return None if one is None else one.at


async def say(database: Database, order_id: UUID, given: Mapping[str, str]) -> None:
    """Writes down what has changed, and nothing of what stays as it was. Raises NotFound."""
    async with database.transaction(Context(ACTOR)) as tx:
        order = await orders.order(tx, OrderId(order_id))
        where = notices.addresses_of(order)
        now = notices.wanted(await notices.standing(tx, order))
        for medium in where:
            meant = given.get(medium.value) == "yes"
            if f"shown-{medium.value}" in given and meant != (medium in now):
                await notices.say(tx, where[medium], [medium], ConsentSource.LINK, allowed=meant, order_id=order.id)
