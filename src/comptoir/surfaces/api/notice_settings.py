"""What buyers see of the shop, when telephones are silent, and who takes messages to them: for every channel at once."""

from __future__ import annotations

import asyncio
import base64
import binascii
import importlib
from dataclasses import replace
from typing import Annotated

from msgspec import Meta

from comptoir.kernel.checking import invalid
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.errors import UnknownChannel
from comptoir.modules.notices import api
from comptoir.modules.notices.contracts import Brand, Gateway, House, Logo
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.operations import MIB, Answer, Resource
from comptoir.surfaces.api.shapes import PRINTABLE, Request, Shape
from comptoir.surfaces.public.branding import logo_href
from comptoir.surfaces.return_pictures import NoPicture, PictureTooLarge

notice_settings = Resource(
    "Look and messages", "How the shop looks to its buyers, when telephones are silent, and who takes messages to them."
)

_HOUSE = ""
_MOST_BYTES = 1_000_000
_Time = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["21:00"])]
_Url = Annotated[str, Meta(min_length=1, max_length=2_000, pattern=PRINTABLE, examples=["https://example.com/messages"])]
_Active = Annotated[bool, Meta(description="Whether messages are handed over; else they go nowhere.", examples=[True])]


def _line(most: int, example: str, description: str = "") -> Meta:
    return Meta(max_length=most, pattern=PRINTABLE, examples=[example], description=description or None)


# How the shop looks


class BrandFields(Shape, frozen=True, kw_only=True):
    """How the shop looks; empty is nothing of its own."""

    name: Annotated[str, _line(80, "Étoffes & Cie", "Of the shop, on pages and in letters.")]
    colour: Annotated[str, _line(20, "#0b5b58", "Of buttons and lines.")]
    email: Annotated[str, _line(254, "shop@example.com")]
    phone: Annotated[str, _line(40, "+33 1 23 45 67 89")]
    imprint: Annotated[str, _line(500, "https://example.com/imprint", "The page that says who is behind the shop.")]
    logo: Annotated[str, Meta(description="The address of the picture; empty without one.", examples=["/track/logo/3f2a.png"])]


class BrandShape(Shape, frozen=True, kw_only=True):
    """What was said, and what buyers see: what a channel does not say itself is as the house has it."""

    own: BrandFields
    shown: BrandFields


class PutBrand(Request, frozen=True, kw_only=True):
    """How it is to look. What is left out or empty is as the house has it; the logo stays."""

    name: Annotated[str, _line(80, "Étoffes & Cie")] = ""
    colour: Annotated[str, _line(20, "#0b5b58", "White on it, and it on white, has to be read by everybody.")] = ""
    email: Annotated[str, _line(254, "shop@example.com")] = ""
    phone: Annotated[str, _line(40, "+33 1 23 45 67 89")] = ""
    imprint: Annotated[str, _line(500, "https://example.com/imprint")] = ""


class PutLogo(Request, frozen=True, kw_only=True):
    """A PNG, JPEG or WebP picture of at most a megabyte; it is drawn anew, without anything that was beside it."""

    picture: Annotated[
        str, Meta(min_length=1, max_length=1_400_000, description="In Base64 (RFC 4648).", examples=["iVBORw0KGgo="])
    ]


@notice_settings.get("/v1/brand", Scope.ROUTING_READ)
async def get_house_brand(call: Call) -> Answer[BrandShape]:
    """Get how the house looks to its buyers."""
    async with call.reading() as reader:
        return call.answer(await _brand(reader, _HOUSE))


@notice_settings.put("/v1/brand", Scope.ROUTING_WRITE)
async def put_house_brand(call: Call, body: PutBrand) -> Answer[BrandShape]:
    """Say how the house looks: channels that say nothing else look like it, on pages and in letters, from now on."""
    async with call.transaction() as tx:
        return await call.done(tx, await _put(call, tx, _HOUSE, body))


@notice_settings.post("/v1/brand/logo", Scope.ROUTING_WRITE, refuses=(NoPicture, PictureTooLarge), max_body=2 * MIB)
async def put_house_logo(call: Call, body: PutLogo) -> Answer[BrandShape]:
    """Give the house a logo, in place of what it had."""
    logo = await _drawn(body)
    async with call.transaction() as tx:
        return await call.done(tx, await _put_logo(call, tx, _HOUSE, logo))


@notice_settings.delete("/v1/brand/logo", Scope.ROUTING_WRITE)
async def remove_house_logo(call: Call) -> Answer[None]:
    """Take the house's logo away."""
    async with call.transaction() as tx:
        await _put_logo(call, tx, _HOUSE, None)
        return await call.done(tx, None)


@notice_settings.get("/v1/brands/{code}", Scope.ROUTING_READ, refuses=(UnknownChannel,))
async def get_channel_brand(call: Call) -> Answer[BrandShape]:
    """Get how a channel looks to its buyers."""
    async with call.reading() as reader:
        return call.answer(await _brand(reader, await _channel(call, reader)))


@notice_settings.put("/v1/brands/{code}", Scope.ROUTING_WRITE, refuses=(UnknownChannel,))
async def put_channel_brand(call: Call, body: PutBrand) -> Answer[BrandShape]:
    """Say how a channel looks where it looks like something else than the house."""
    async with call.transaction() as tx:
        return await call.done(tx, await _put(call, tx, await _channel(call, tx), body))


@notice_settings.post(
    "/v1/brands/{code}/logo", Scope.ROUTING_WRITE, refuses=(UnknownChannel, NoPicture, PictureTooLarge), max_body=2 * MIB
)
async def put_channel_logo(call: Call, body: PutLogo) -> Answer[BrandShape]:
    """Give a channel a logo of its own."""
    logo = await _drawn(body)
    async with call.transaction() as tx:
        return await call.done(tx, await _put_logo(call, tx, await _channel(call, tx), logo))


@notice_settings.delete("/v1/brands/{code}/logo", Scope.ROUTING_WRITE, refuses=(UnknownChannel,))
async def remove_channel_logo(call: Call) -> Answer[None]:
    """Take a channel's own logo away: it shows the house's."""
    async with call.transaction() as tx:
        await _put_logo(call, tx, await _channel(call, tx), None)
        return await call.done(tx, None)


async def _channel(call: Call, reader: Reader) -> str:
    return (await channels.by_code(reader, call.text("code"))).code


async def _brand(reader: Reader, code: str) -> BrandShape:
    return BrandShape(own=_fields(await api.own_brand(reader, code)), shown=_fields(await api.brand(reader, code)))


def _fields(one: Brand) -> BrandFields:
    return BrandFields(
        name=one.name, colour=one.colour, email=one.email, phone=one.phone, imprint=one.imprint, logo=logo_href(one)
    )


async def _put(call: Call, tx: Tx, code: str, body: PutBrand) -> BrandShape:
    there = await api.own_brand(tx, code)
    wanted = {name: getattr(body, name).strip() for name in body.__struct_fields__}
    return await _kept(call, tx, code, replace(there, **wanted))


async def _put_logo(call: Call, tx: Tx, code: str, logo: Logo | None) -> BrandShape:
    return await _kept(call, tx, code, replace(await api.own_brand(tx, code), logo=logo))


async def _kept(call: Call, tx: Tx, code: str, brand: Brand) -> BrandShape:
    made = await api.put_brand(tx, code, brand)
    data = {"name": made.name, "colour": made.colour, "email": made.email, "imprint": made.imprint, "logo": made.logo_tag}
    await staff.record(tx, "brand.set", code or "house", data, address=call.address)
    return await _brand(tx, code)


async def _drawn(body: PutLogo) -> Logo:
    """The picture, drawn anew outside of any transaction. Raises Invalid, NoPicture and PictureTooLarge."""
    try:
        content = base64.b64decode(body.picture, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise invalid("picture", "is in Base64") from problem
    if len(content) > _MOST_BYTES:
        raise PictureTooLarge(name="picture", most=_MOST_BYTES)
    drawing = importlib.import_module("comptoir.surfaces.logo_drawing")
    return await asyncio.to_thread(drawing.draw_logo, "picture", content)


# When telephones are silent, and who takes messages to them


class GatewayShape(Shape, frozen=True, kw_only=True):
    """Who takes messages to telephones. The secret that messages are signed with is never told again."""

    url: str
    active: bool


class NoticeSettingsShape(Shape, frozen=True, kw_only=True):
    """What holds for the messages of every channel."""

    quiet_from: Annotated[_Time, Meta(description="By the clock of whoever gets a message.")]
    quiet_until: Annotated[_Time, Meta(examples=["08:00"], description="Where both are the same there is no such time.")]
    gateway: GatewayShape | None


class PutQuietHours(Request, frozen=True, kw_only=True):
    """When no telephone is written to: what would go out then waits until the end. Letters do not wait."""

    quiet_from: _Time
    quiet_until: Annotated[_Time, Meta(examples=["08:00"], description="The same as `quiet_from` is never.")]


class PutGateway(Request, frozen=True, kw_only=True):
    """Where each SMS and WhatsApp message is posted as JSON, signed by Standard Webhooks."""

    url: _Url
    active: _Active = True
    new_secret: Annotated[bool, Meta(description="Whether the secret is made anew; the old one signs nothing any more.")] = (
        False
    )


class KeptGatewayShape(GatewayShape, frozen=True, kw_only=True):
    """The gateway as it is from now on."""

    secret: (
        Annotated[
            str, Meta(description="What messages are signed with, told this once; null where it stays.", examples=["whsec_…"])
        ]
        | None
    )


@notice_settings.get("/v1/notice-settings", Scope.ROUTING_READ)
async def get_notice_settings(call: Call) -> Answer[NoticeSettingsShape]:
    """Get when telephones are silent, and who takes messages to them."""
    async with call.reading() as reader:
        return call.answer(_settings(await api.house(reader)))


@notice_settings.put("/v1/notice-settings/quiet-hours", Scope.ROUTING_WRITE)
async def put_quiet_hours(call: Call, body: PutQuietHours) -> Answer[NoticeSettingsShape]:
    """Say when telephones are silent."""
    async with call.transaction() as tx:
        changed = await api.put_quiet_hours(tx, _minutes(body.quiet_from), _minutes(body.quiet_until))
        data = {"from": body.quiet_from, "until": body.quiet_until}
        await staff.record(tx, "notice_sender.quiet", "house", data, address=call.address)
        return await call.done(tx, _settings(changed))


@notice_settings.post("/v1/notice-settings/gateway", Scope.WEBHOOKS_WRITE, sealed=True)
async def put_gateway(call: Call, body: PutGateway) -> Answer[KeptGatewayShape]:
    """Say who takes messages to telephones, in place of whoever did.

    The first time, and whenever it is asked for, there is a new secret, which is told this once.
    """
    async with call.transaction() as tx:
        secret = await api.put_gateway(
            tx,
            call.services.keyring,
            body.url.strip(),
            active=body.active,
            new_secret=body.new_secret,
            allow_private=call.services.may_call_private,
        )
        data = {"url": body.url.strip(), "active": body.active, "secret": secret is not None}
        await staff.record(tx, "notice_sender.gateway", "house", data, address=call.address)
        return await call.done(tx, KeptGatewayShape(url=body.url.strip(), active=body.active, secret=secret))


@notice_settings.delete("/v1/notice-settings/gateway", Scope.WEBHOOKS_WRITE)
async def remove_gateway(call: Call) -> Answer[None]:
    """Take the gateway away: messages to telephones go nowhere from now on."""
    async with call.transaction() as tx:
        await api.remove_gateway(tx)
        await staff.record(tx, "notice_sender.gateway_removed", "house", {}, address=call.address)
        return await call.done(tx, None)


def _settings(house: House) -> NoticeSettingsShape:
    return NoticeSettingsShape(
        quiet_from=_clock(house.quiet_from), quiet_until=_clock(house.quiet_until), gateway=_gateway(house.gateway)
    )


def _gateway(one: Gateway | None) -> GatewayShape | None:
    return None if one is None else GatewayShape(url=one.url, active=one.active)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
