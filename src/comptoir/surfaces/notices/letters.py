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
from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.notices.contracts import NOTICE_PREFIX, Claimed, Letter, Sender
from comptoir.surfaces.documents.barcodes import qr_png
from comptoir.surfaces.notices.wording import Reader, Words, facts, greeting, words

TEMPLATES = Path(__file__).parent / "templates"


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


def html(reader: Reader, said: Words, sender: str, picture: str = "") -> str:
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
        )
    )
    drawn = mrml.to_html(source, render_options=mrml.RenderOptions(fonts={}))
    return drawn.content


def plain(reader: Reader, said: Words, sender: str) -> str:
    hello = greeting(reader)
    table = "\n".join(f"{label} {value}" for label, value in facts(reader))
    colon = "\N{NARROW NO-BREAK SPACE}:" if reader.locale == "fr" else ":"
    action = f"{said.action}{colon}\n{reader.content.link}"
    parts = [hello, said.lead, *said.more, table, action if reader.content.link else "", f"-- \n{sender}"]
    return "\n\n".join(part for part in parts if part) + "\n"


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
    message.set_content(plain(reader, said, sender.name))
    squares = None if given.content.locker else qr_png(given.content.code)
    picture = f"pickup-code@{sender.email.rpartition('@')[2]}"
    drawn = html(reader, said, sender.name, f"cid:{picture}" if squares else "")
    message.add_alternative(drawn, subtype="html")
    if squares is not None:
        part = cast("list[EmailMessage]", message.get_payload())[1]
        part.add_related(squares, "image", "png", cid=f"<{picture}>", disposition="inline", filename="code.png")
    return message


def preview(reader: Reader, said: Words, sender: str) -> str:
    """The HTML part with its picture in it, for whoever looks at it in a browser."""
    squares = None if reader.content.locker else qr_png(reader.content.code)
    return html(reader, said, sender, f"data:image/png;base64,{b64encode(squares).decode()}" if squares else "")


def text(claimed: Claimed, sender: Sender, given: Letter) -> str:
    """For a telephone: one sentence and the address of the page."""
    said = words(claimed.kind, Reader(claimed.locale, claimed.zone, given.content))
    return f"{sender.name}: {said.short}. {given.content.link}".strip()
