"""How the shop looks to its buyers, on their pages and in their letters: the house, and what a channel has otherwise."""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass, replace
from typing import Final

from comptoir.i18n import N_
from comptoir.modules.channels import api as channels
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Brand, Logo
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking
from comptoir.surfaces.console.pages.asking import NOTHING_TYPED, Typed
from comptoir.surfaces.console.pages.notices_house import SENDERS
from comptoir.surfaces.console.pages.settings_tabs import tabs
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.public.branding import logo_href, swatch_href
from comptoir.surfaces.return_pictures import NoPicture, PictureTooLarge

area = Area("settings")

HERE: Final = "/settings/brand"
HOUSE: Final = ""
MOST_BYTES: Final = 1_000_000
ACCEPT: Final = "image/png,image/jpeg,image/webp"


@dataclass(frozen=True, slots=True)
class Row:
    """A channel, and how it looks where it looks like something else than the house."""

    name: str
    href: str
    own: bool


def _href(code: str) -> str:
    return f"{HERE}/{code}" if code else HERE


@area.get(HERE, Permission.ROUTING_READ)
async def house_brand(visit: Visit) -> Answer:
    return await _page(visit, HOUSE, NOTHING_TYPED)


@area.get(HERE + "/{code:str}", Permission.ROUTING_READ)
async def channel_brand(visit: Visit) -> Answer:
    return await _page(visit, visit.path("code"), NOTHING_TYPED)


async def _page(visit: Visit, code: str, typed: Typed) -> Answer:
    async with visit.read() as reader:
        known = await visit.console.channels(reader)
        channel = await channels.by_code(reader, code) if code else None
        own = await notices.own_brand(reader, code)
        shown = await notices.brand(reader, code)
        others = await notices.own_brands(reader, [one.code for one in known])
    values: dict[str, object] = {
        "name": own.name, "colour": own.colour, "email": own.email, "phone": own.phone, "imprint": own.imprint,
    }  # fmt: skip
    name = (channel.name or channel.code) if channel is not None else ""
    return visit.respond(
        "notices/brand.html",
        status=422 if typed.refused else 200,
        name=name,
        house=channel is None,
        action=_href(code),
        values=values | dict(typed.values),
        errors=typed.errors,
        refused=typed.refused,
        own=own,
        brand=shown,
        logo=logo_href(shown),
        own_logo=logo_href(own),
        swatch=swatch_href(shown.colour),
        accept=ACCEPT,
        rows=[
            Row(one.name or one.code, _href(one.code), one.code in others)
            for one in sorted(known, key=lambda one: (one.name or one.code).casefold())
        ],
        may_write=visit.may(Permission.ROUTING_WRITE),
        crumbs=[(visit.say(N_("Messages to buyers")), SENDERS), *([] if channel is None else [(visit.say(_TITLE), HERE)])],
        tabs=tabs(visit, "senders"),
    )


_TITLE = N_("How the shop looks")
_TOO_LARGE = N_("The picture is too large: at most 1 MB.")


@area.post(HERE, Permission.ROUTING_WRITE)
async def save_house(visit: Visit) -> Answer:
    return await _save(visit, HOUSE)


@area.post(HERE + "/{code:str}", Permission.ROUTING_WRITE)
async def save_channel(visit: Visit) -> Answer:
    code = visit.path("code")
    async with visit.read() as reader:
        await channels.by_code(reader, code)
    return await _save(visit, code)


async def _save(visit: Visit, code: str) -> Answer:
    fields = visit.fields()
    meant = _meant(visit, fields)
    logo = await _uploaded(visit, fields)
    if logo is not None:
        meant = replace(meant, logo=logo)

    async def work(tx: Tx) -> Done:
        there = await notices.own_brand(tx, code)
        keeps = logo is None and not fields.checked("no_logo")
        made = await notices.put_brand(tx, code, replace(meant, logo=there.logo if keeps else logo))
        data = {"name": made.name, "colour": made.colour, "email": made.email, "imprint": made.imprint, "logo": made.logo_tag}
        await visit.record(tx, "brand.set", code or "house", data)
        return Done(_href(code), visit.say(N_("It is saved: pages and letters look like this from now on.")))

    return await asking.answer(visit, fields, work, lambda typed: _page(visit, code, typed))


def _meant(visit: Visit, fields: Fields) -> Brand:
    """What was typed; a colour that not everybody can read is refused with the nearest one that all can."""
    del visit
    tint = ""
    typed = fields.text("colour", most=20)
    if typed:
        try:
            tint = notices.colour(typed)
        except ValueError:
            fields.refuse("colour", N_("Type a colour such as #0b5b58."))
    if tint and not notices.readable(tint):
        words = N_("Too light: white on it, and it on white, cannot be read by everybody. %(other)s can.")
        fields.refuse("colour", words, other=notices.shades(tint).day)
    email, imprint = fields.text("email", most=254), fields.text("imprint", most=500)
    if email and "@" not in email:
        fields.refuse("email", N_("Type an e-mail address."))
    if imprint and not imprint.startswith("https://"):
        fields.refuse("imprint", N_("Type an address that begins with https://."))
    return Brand(
        name=fields.text("name", most=80), colour=tint, email=email, phone=fields.text("phone", most=40), imprint=imprint
    )


async def _uploaded(visit: Visit, fields: Fields) -> Logo | None:
    """The picture that was sent, drawn anew; None without one, or with one that is refused."""
    file = next((one for one in visit.files.get("logo", ()) if one.filename), None)
    if file is None:
        return None
    content = await file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        fields.refuse("logo", _TOO_LARGE)
        return None
    drawing = importlib.import_module("comptoir.surfaces.logo_drawing")
    try:
        return await asyncio.to_thread(drawing.draw_logo, file.filename, content)
    except PictureTooLarge:
        fields.refuse("logo", _TOO_LARGE)
    except NoPicture:
        fields.refuse("logo", N_("Choose a PNG, JPEG or WebP picture. An SVG can hold scripts: save it as PNG."))
    return None
