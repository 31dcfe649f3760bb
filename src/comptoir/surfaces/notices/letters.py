"""A notice as an e-mail: MJML drawn as HTML that old mail programs show as well, and the same as plain text beside it."""

from __future__ import annotations

from base64 import b64encode
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache
from pathlib import Path
from typing import cast

import mrml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.notices.contracts import NOTICE_PREFIX, Brand, Claimed, Letter, Logo, Sender
from comptoir.surfaces.documents.barcodes import qr_png
from comptoir.surfaces.notices.wording import Reader, Words, facts, greeting, words

TEMPLATES = Path(__file__).parent / "templates"
_PLAIN = Brand()
_COLOUR = "#1d4ed8"
"""Of buttons, where nobody has chosen one."""
_LOGO_WIDE, _LOGO_HIGH = 240, 40


@lru_cache(maxsize=len(i18n.LANGUAGES))
def environment(language: str) -> Environment:
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    env.install_gettext_translations(i18n.translations(language), newstyle=True)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    return env


def html(reader: Reader, said: Words, sender: str, picture: str = "", brand: Brand = _PLAIN, logo: str = "") -> str:
    """The HTML part. It fetches nothing from anywhere: no font, no counter of who reads; `picture` is the address of the
    pickup code's squares, which come with the message.
    """
    language = i18n.language(reader.locale)
    source = (
        environment(language)
        .get_template("letter.html")
        .render(
            language=language,
            words=said,
            sender=sender,
            greeting=greeting(reader),
            facts=facts(reader),
            link=reader.content.link,
            picture=picture,
            code=reader.content.code,
            brand=brand,
            colour=brand.colour or _COLOUR,
            logo=logo,
            logo_width=_shown_width(brand.logo),
            stop=reader.content.stop,
        )
    )
    drawn = mrml.to_html(source, render_options=mrml.RenderOptions(fonts={}))
    return drawn.content


def plain(reader: Reader, said: Words, sender: str, brand: Brand = _PLAIN) -> str:
    hello = greeting(reader)
    table = "\n".join(f"{label} {value}" for label, value in facts(reader))
    colon = "\N{NARROW NO-BREAK SPACE}:" if reader.locale == "fr" else ":"
    action = f"{said.action}{colon}\n{reader.content.link}"
    parts = [hello, said.lead, *said.more, table, action if reader.content.link else "", _foot(reader, sender, brand)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _foot(reader: Reader, sender: str, brand: Brand) -> str:
    """Below the line: who writes, where they are asked, and how messages are stopped."""
    rows = ["-- ", sender, " · ".join(one for one in (brand.email, brand.phone) if one), brand.imprint]
    if reader.content.stop:
        rows += ["", reader.say(N_("Choose which messages you get")), reader.content.stop]
    return "\n".join(one for n, one in enumerate(rows) if one or n > 3)


def letter(claimed: Claimed, sender: Sender, given: Letter) -> EmailMessage:
    """The message. Its id is the notice's, so that one that arrives twice is known for the same."""
    reader = Reader(claimed.locale, claimed.zone, given.content)
    said = words(claimed.kind, reader)
    message = EmailMessage()
    message["From"] = Address(sender.name, addr_spec=sender.email)
    message["To"] = Address(addr_spec=given.to)
    if sender.reply_to:
        message["Reply-To"] = Address(addr_spec=sender.reply_to)
    message["Subject"] = said.subject
    message["Date"] = format_datetime(utcnow())
    message["Message-ID"] = f"<{to_text(NOTICE_PREFIX, claimed.id)}@{sender.email.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = claimed.locale
    message.set_content(plain(reader, said, claimed.brand.name or sender.name, claimed.brand))
    squares = None if given.content.locker else qr_png(given.content.code)
    picture = f"pickup-code@{sender.email.rpartition('@')[2]}"
    brand, host = claimed.brand, sender.email.rpartition("@")[2]
    name = brand.name or sender.name
    logo = f"cid:logo@{host}" if brand.logo is not None else ""
    drawn = html(reader, said, name, f"cid:{picture}" if squares else "", brand, logo)
    message.add_alternative(drawn, subtype="html")
    if squares is not None:
        part = cast("list[EmailMessage]", message.get_payload())[1]
        part.add_related(squares, "image", "png", cid=f"<{picture}>", disposition="inline", filename="code.png")
    if brand.logo is not None:
        part = cast("list[EmailMessage]", message.get_payload())[1]
        kind = brand.logo.kind
        part.add_related(brand.logo.body, "image", kind, cid=f"<logo@{host}>", disposition="inline", filename=f"logo.{kind}")
    return message


def _shown_width(logo: Logo | None) -> int:
    """At most 40 points high and 240 wide; it is kept with more of them."""
    if logo is None:
        return 0
    scale = min(1.0, _LOGO_HIGH / max(1, logo.height), _LOGO_WIDE / max(1, logo.width))
    return max(1, round(logo.width * scale))


def preview(reader: Reader, said: Words, sender: str) -> str:
    """The HTML part with its picture in it, for whoever looks at it in a browser."""
    squares = None if reader.content.locker else qr_png(reader.content.code)
    return html(reader, said, sender, f"data:image/png;base64,{b64encode(squares).decode()}" if squares else "")


def text(claimed: Claimed, sender: Sender, given: Letter) -> str:
    """For a telephone: one sentence and the address of the page."""
    said = words(claimed.kind, Reader(claimed.locale, claimed.zone, given.content))
    return f"{sender.name}: {said.short}. {given.content.link}".strip()
