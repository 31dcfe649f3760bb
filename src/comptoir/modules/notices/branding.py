"""How a shop looks to its buyers: what a channel does not say itself is as the house has it. Colours are read by everybody.

Contrast is that of WCAG 2.2 (https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio); text needs 4.5 to 1 (criterion 1.4.3, AA).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import NamedTuple
from urllib.parse import urlsplit

from comptoir.kernel.checking import Checks
from comptoir.modules.notices import store_house
from comptoir.modules.notices.contracts import Brand, Logo
from comptoir.modules.notices.domain import email_address
from comptoir.runtime.database import Reader, Tx

HOUSE = ""
"""The code under which the house itself is kept."""
AA = 4.5
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_PAPERS = ("#ffffff", "#f8f6f1", "#f1eee7", "#f3f4f6")
"""What links are written on in daylight, on pages and in letters; the first is also what is written on buttons."""
_NIGHT = ("#2c312d", "#1c1f1d", "#141614")
"""The same at night."""
_STEPS = 100


def colour(text: str) -> str:
    """As #rrggbb. Raises ValueError."""
    clean = text.strip().lower()
    clean = clean if clean.startswith("#") else f"#{clean}"
    if re.fullmatch(r"#[0-9a-f]{3}", clean):
        clean = "#" + "".join(2 * digit for digit in clean[1:])
    if not _COLOUR.fullmatch(clean):
        raise ValueError("is a colour such as #0b5b58")
    return clean


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def readable(colour: str, papers: Sequence[str] = _PAPERS) -> bool:
    """Whether everybody can read it on these, and white on it."""
    return all(contrast(colour, paper) >= AA for paper in papers)


def _towards(colour: str, other: str, share: float) -> str:
    pairs = [(int(colour[n : n + 2], 16), int(other[n : n + 2], 16)) for n in (1, 3, 5)]
    return "#" + "".join(f"{round(mine + (theirs - mine) * share):02x}" for mine, theirs in pairs)


def _nearest(colour: str, other: str, papers: Sequence[str]) -> str:
    """The first on the way to black or white that can be read."""
    ways = (_towards(colour, other, step / _STEPS) for step in range(_STEPS + 1))
    return next((one for one in ways if readable(one, papers)), other)


class Shades(NamedTuple):
    """What a colour becomes: by day white is written on it, at night, lightened, black."""

    day: str
    night: str


def shades(colour: str) -> Shades:
    """Both can be read, whatever the colour is; one that is readable is kept as it is."""
    return Shades(_nearest(colour, "#000000", _PAPERS), _nearest(colour, "#ffffff", _NIGHT))


async def brand(reader: Reader, channel: str) -> Brand:
    """How this channel looks, as the house has it where it says nothing itself."""
    return (await brands(reader, [channel]))[channel]


async def brands(reader: Reader, channels: Sequence[str]) -> Mapping[str, Brand]:
    """The same of some."""
    own = await store_house.brands(reader, [HOUSE, *channels])
    house = own.get(HOUSE, Brand())
    return {channel: over(own.get(channel, Brand()), house) for channel in channels}


async def own_brand(reader: Reader, channel: str) -> Brand:
    """What was said for this channel alone; the house is the empty one."""
    return (await store_house.brands(reader, [channel])).get(channel, Brand())


async def own_brands(reader: Reader, channels: Sequence[str]) -> frozenset[str]:
    """Those of these channels that say something themselves."""
    found = await store_house.brands(reader, channels)
    return frozenset(channel for channel, one in found.items() if one != Brand())


def over(own: Brand, house: Brand) -> Brand:
    values = {one.name: getattr(own, one.name) or getattr(house, one.name) for one in fields(Brand)}
    return replace(own, **values)


async def put_brand(tx: Tx, channel: str, brand: Brand) -> Brand:
    """How a channel, or the house, looks from now on. Raises Invalid, also for a colour that not everybody can read."""
    checks = Checks()
    name = checks.words("name", brand.name, most=80)
    phone = checks.words("phone", brand.phone, most=40)
    email = checks.parsed("email", email_address, brand.email, "") if brand.email else ""
    tint = checks.parsed("colour", colour, brand.colour, "") if brand.colour else ""
    if tint and not readable(tint):
        checks.refuse("colour", f"is too light to be read: take {shades(tint).day}")
    imprint = checks.words("imprint", brand.imprint, most=500)
    if imprint:
        checks.require("imprint", _is_address(imprint), "is an address such as https://example.com/imprint")
    checks.done()
    tag = tag_of(brand.logo)
    made = replace(brand, name=name, phone=phone, email=email, colour=tint, imprint=imprint, logo_tag=tag)
    await store_house.put_brand(tx, channel, made)
    return made


def tag_of(logo: Logo | None) -> str:
    return "" if logo is None else hashlib.sha256(logo.body).hexdigest()[:20]


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and not any(char.isspace() for char in text)


async def logo(reader: Reader, tag: str) -> Logo | None:
    """A picture by what its address says."""
    return await store_house.logo(reader, tag)
