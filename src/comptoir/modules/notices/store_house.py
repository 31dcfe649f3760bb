"""The SQL of what holds for the house: quiet hours, the gateway, brands, and who wants which messages."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.notices.contracts import Brand, Consent, ConsentSource, Gateway, House, Logo, Medium
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Reader, Tx

_PUT_HOUSE = """
INSERT INTO notices.house (single, quiet_from, quiet_until, gateway_url, gateway_secret, gateway_active)
VALUES (1, %(quiet_from)s, %(quiet_until)s, %(url)s, %(sealed)s, %(active)s)
ON CONFLICT (single) DO UPDATE SET quiet_from = excluded.quiet_from, quiet_until = excluded.quiet_until,
  gateway_url = excluded.gateway_url, gateway_secret = excluded.gateway_secret, gateway_active = excluded.gateway_active"""

_PUT_BRAND = """
INSERT INTO notices.brands (channel, name, colour, email, phone, imprint, logo, logo_kind, logo_width, logo_height, logo_tag)
VALUES (%(channel)s, %(name)s, %(colour)s, %(email)s, %(phone)s, %(imprint)s, %(logo)s, %(kind)s, %(width)s, %(height)s,
  %(tag)s)
ON CONFLICT (channel) DO UPDATE SET name = excluded.name, colour = excluded.colour, email = excluded.email,
  phone = excluded.phone, imprint = excluded.imprint, logo = excluded.logo, logo_kind = excluded.logo_kind,
  logo_width = excluded.logo_width, logo_height = excluded.logo_height, logo_tag = excluded.logo_tag"""

_CONSENT = "medium, address, allowed, source, at, actor, order_id"

_ADD_CONSENT = f"""
INSERT INTO notices.consents (id, {_CONSENT})
VALUES (%(id)s, %(medium)s, %(address)s, %(allowed)s, %(source)s, %(at)s, %(actor)s, %(order_id)s)
ON CONFLICT DO NOTHING"""


async def house(reader: Reader) -> House:
    rows = await reader.rows(
        "SELECT quiet_from, quiet_until, gateway_url, gateway_secret, gateway_active FROM notices.house WHERE single = 1"
    )
    if not rows:
        return House()
    quiet_from, quiet_until, url, sealed, active = rows[0]
    gateway = None if sealed is None else Gateway(url=url, sealed=sealed, active=active)
    return House(quiet_from=quiet_from, quiet_until=quiet_until, gateway=gateway)


async def put_house(tx: Tx, house: House) -> None:
    gateway = house.gateway
    await tx.run(
        _PUT_HOUSE,
        {
            "quiet_from": house.quiet_from,
            "quiet_until": house.quiet_until,
            "url": "" if gateway is None else gateway.url,
            "sealed": None if gateway is None else gateway.sealed,
            "active": gateway is not None and gateway.active,
        },
    )


async def brands(reader: Reader, channels: Sequence[str]) -> dict[str, Brand]:
    """Those that were set, with their logos."""
    rows = await reader.rows(
        "SELECT channel, name, colour, email, phone, imprint, logo, logo_kind, logo_width, logo_height, logo_tag "
        "FROM notices.brands WHERE channel = ANY(%(channels)s::text[])",
        {"channels": list(channels)},
    )
    return {row[0]: _brand(row) for row in rows}


def _brand(row: TupleRow) -> Brand:
    _, name, colour, email, phone, imprint, logo, kind, width, height, tag = row
    found = None if logo is None else Logo(logo, kind, width, height)
    return Brand(name=name, colour=colour, email=email, phone=phone, imprint=imprint, logo=found, logo_tag=tag)


async def logo(reader: Reader, tag: str) -> Logo | None:
    rows = await reader.rows(
        "SELECT logo, logo_kind, logo_width, logo_height FROM notices.brands WHERE logo_tag = %(tag)s AND logo IS NOT NULL",
        {"tag": tag},
    )
    return Logo(*rows[0]) if rows else None


async def put_brand(tx: Tx, channel: str, brand: Brand) -> None:
    logo = brand.logo
    await tx.run(
        _PUT_BRAND,
        {
            "channel": channel,
            "name": brand.name,
            "colour": brand.colour,
            "email": brand.email,
            "phone": brand.phone,
            "imprint": brand.imprint,
            "logo": None if logo is None else logo.body,
            "kind": "" if logo is None else logo.kind,
            "width": 0 if logo is None else logo.width,
            "height": 0 if logo is None else logo.height,
            "tag": "" if logo is None else brand.logo_tag,
        },
    )


async def add_consents(tx: Tx, consents: Sequence[Consent]) -> None:
    """What an order said is written once."""
    await tx.many(
        _ADD_CONSENT,
        [
            {
                "id": uuid7(),
                "medium": one.medium.value,
                "address": one.address,
                "allowed": one.allowed,
                "source": one.source.value,
                "at": one.at,
                "actor": one.actor,
                "order_id": one.order_id,
            }
            for one in consents
        ],
    )


async def latest_consents(reader: Reader, addresses: Sequence[str]) -> list[Consent]:
    """What holds for each of them, by medium."""
    rows = await reader.rows(
        f"SELECT DISTINCT ON (address, medium) {_CONSENT} FROM notices.consents "
        "WHERE address = ANY(%(addresses)s::text[]) ORDER BY address, medium, id DESC",
        {"addresses": list(addresses)},
    )
    return [_consent(row) for row in rows]


async def consents_of(reader: Reader, address: str, limit: int) -> list[Consent]:
    """The latest first."""
    rows = await reader.rows(
        f"SELECT {_CONSENT} FROM notices.consents WHERE address = %(address)s ORDER BY id DESC LIMIT %(limit)s",
        {"address": address, "limit": limit},
    )
    return [_consent(row) for row in rows]


def _consent(row: TupleRow) -> Consent:
    medium, address, allowed, source, at, actor, order_id = row
    return Consent(
        medium=Medium(medium),
        address=address,
        allowed=allowed,
        source=ConsentSource(source),
        at=at,
        actor=actor,
        order_id=None if order_id is None else OrderId(order_id),
    )
