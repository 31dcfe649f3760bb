"""The look of a shop on its buyers' pages: a style sheet for each colour, and the logo. Both stand at addresses that say all
of it, so that nothing has to be in a page that may hold no style of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Brand
from comptoir.runtime.database import Reader

ASSETS: Final = "/track/assets"
COLOURS: Final = f"{ASSETS}/colours"
LOGOS: Final = f"{ASSETS}/logos"


async def look_of(reader: Reader, channel: str) -> Brand:
    """How a channel's pages look. Without a name of its own the shop is called as its letters are signed."""
    found = await notices.brand(reader, channel)
    if found.name or not channel:
        return found
    sender = (await notices.senders(reader)).get(channel)
    return found if sender is None else replace(found, name=sender.name)


def style_href(brand: Brand) -> str:
    """Empty where nobody has chosen a colour."""
    return f"{COLOURS}/{brand.colour[1:]}.css" if brand.colour else ""


def swatch_href(colour: str) -> str:
    """A picture of the colour, for whoever chooses it."""
    return f"{COLOURS}/{colour[1:]}.svg" if colour else ""


def logo_href(brand: Brand) -> str:
    return f"{LOGOS}/{brand.logo_tag}.png" if brand.logo_tag else ""


def colour_named(file: str, kind: str) -> str | None:
    """The colour that such an address names; None for any other."""
    stem, _, ending = file.partition(".")
    if ending != kind or len(stem) != 6:
        return None
    try:
        return notices.colour(stem)
    except ValueError:
        return None


def style_of(colour: str) -> str:
    """What the colour changes: by day white is written on it, at night it is lighter and black is."""
    day, night = notices.shades(colour)
    return (
        f":root {{ --accent: {day}; --on-accent: #fff; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ --accent: {night}; --on-accent: #000; }} }}\n"
    )


def swatch_of(colour: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path fill="{colour}" d="M0 0h8v8H0z"/></svg>\n'
