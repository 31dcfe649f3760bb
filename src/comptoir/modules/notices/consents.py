"""Who wants which messages.

A letter about an order needs nobody's leave, and goes out until somebody says that they want none. A telephone is written to
only where that was asked for. What somebody says is kept for the address that it is about, with its time and its source; the
latest holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from comptoir.kernel.checking import Checks
from comptoir.modules.customers import api as customers
from comptoir.modules.notices import store_house
from comptoir.modules.notices.contracts import ON_PHONES, Consent, ConsentSource, Medium
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order, OrderId
from comptoir.runtime.database import Reader, Tx

_MOST = 100
_STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "arret", "arrêt"})
_START = frozenset({"start", "unstop"})


def address_key(medium: Medium, text: str, region: str = "") -> str:
    """The address as consents are kept for it; empty for what is none. `region` is the country of numbers without one."""
    try:
        return customers.email_key(text) if medium is Medium.EMAIL else customers.phone_number(text, region)
    except ValueError:
        return ""


def answer_of(text: str) -> bool | None:
    """What a buyer writes back: False for STOP, True for START, None for anything else."""
    words = text.strip().casefold().strip(".!\"'")
    return False if words in _STOP else True if words in _START else None


def asked_with(order: Order) -> frozenset[Medium]:
    """What the buyer asked for with the order."""
    named = (order.buyer or {}).get("notify") or ()
    return frozenset(medium for medium in ON_PHONES if isinstance(named, Collection) and medium.value in named)


def phone_of(order: Order) -> str:
    return str((order.buyer or {}).get("phone") or (order.ship_to or {}).get("phone") or "")


def email_of(order: Order) -> str:
    return str((order.buyer or {}).get("email") or "")


def addresses_of(order: Order) -> dict[Medium, str]:
    """Where each kind of message would go, as consents are kept for it."""
    region = str((order.ship_to or {}).get("country") or "")
    phone = address_key(Medium.SMS, phone_of(order), region)
    found = {Medium.EMAIL: address_key(Medium.EMAIL, email_of(order)), Medium.SMS: phone, Medium.WHATSAPP: phone}
    return {medium: address for medium, address in found.items() if address}


async def standing(reader: Reader, order: Order) -> dict[Medium, Consent | None]:
    """What holds for each medium by which the buyer of an order can be reached; None where nobody has said anything."""
    where = addresses_of(order)
    latest = {(one.medium, one.address): one for one in await store_house.latest_consents(reader, sorted(set(where.values())))}
    asked = asked_with(order)
    found: dict[Medium, Consent | None] = {}
    for medium, address in where.items():
        one = latest.get((medium, address))
        if one is None and medium in asked:
            one = _with_order(order, medium, address)
        found[medium] = one
    return found


def wanted(standing: Mapping[Medium, Consent | None]) -> frozenset[Medium]:
    """The media that may be used."""
    return frozenset(medium for medium, one in standing.items() if (one.allowed if one is not None else medium is Medium.EMAIL))


async def still_wanted(reader: Reader, order_id: OrderId, medium: Medium) -> bool:
    """Whether a message that is about to go may go."""
    order = await orders.order(reader, order_id)
    if medium not in addresses_of(order):
        return medium is Medium.EMAIL or medium in asked_with(order)  # nobody can have said anything else about it
    return medium in wanted(await standing(reader, order))


def _with_order(order: Order, medium: Medium, address: str) -> Consent:
    return Consent(
        medium=medium,
        address=address,
        allowed=True,
        source=ConsentSource.ORDER,
        at=order.placed_at,
        order_id=order.id,
    )


async def keep_of_order(tx: Tx, order: Order) -> None:
    """Writes down, once, what the buyer asked for with the order."""
    where = addresses_of(order)
    given = [_with_order(order, medium, where[medium]) for medium in sorted(asked_with(order)) if medium in where]
    if given:
        await store_house.add_consents(tx, given)


async def say(
    tx: Tx,
    address: str,
    media: Sequence[Medium],
    source: ConsentSource,
    *,
    allowed: bool,
    order_id: OrderId | None = None,
) -> list[Consent]:
    """Writes down that messages of these media are wanted at an address, or no more. Raises Invalid."""
    checks = Checks()
    checks.require("media", bool(media), "names at least one")
    made: list[Consent] = []
    for medium in dict.fromkeys(media):
        key = address_key(medium, address)
        checks.require("address", bool(key), "is an e-mail address, or a number that begins with +")
        made.append(
            Consent(medium=medium, address=key, allowed=allowed, source=source, at=tx.now, actor=tx.actor, order_id=order_id)
        )
    checks.done()
    await store_house.add_consents(tx, made)
    return made


async def history(reader: Reader, address: str) -> list[Consent]:
    """All that was said for an address, the latest first."""
    keys = {address_key(Medium.EMAIL, address), address_key(Medium.SMS, address)} - {""}
    return [one for key in sorted(keys) for one in await store_house.consents_of(reader, key, _MOST)]


async def latest(reader: Reader, addresses: Sequence[str]) -> list[Consent]:
    """What holds for addresses as they are kept: e-mail in small letters, numbers with + and their country."""
    return await store_house.latest_consents(reader, addresses) if addresses else []
