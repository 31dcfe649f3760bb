"""Purchase orders as e-mail: what is asked, the paper and the file with it, and the page where it is answered."""

from __future__ import annotations

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import mrml
from babel.dates import format_date
from babel.dates import format_datetime as written

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.notices.contracts import Sender
from comptoir.modules.purchasing.contracts import Claimed, LetterKind, Purchase
from comptoir.surfaces.console import formatting
from comptoir.surfaces.notices.letters import environment
from comptoir.surfaces.notices.wording import Words
from comptoir.surfaces.supplying import csv_of, name_of

_DAY = {"fr": "EEEE d MMMM", "en": "EEEE, MMMM d"}
_INSTANT = {"fr": "EEEE d MMMM, HH:mm", "en": "EEEE, MMMM d, HH:mm"}
_MOST_LINES = 30

_SUBJECTS = {
    LetterKind.ORDER: N_("Purchase order %(number)s"),
    LetterKind.CHANGED: N_("Purchase order %(number)s has changed"),
    LetterKind.REMINDER: N_("Purchase order %(number)s waits for your answer"),
    LetterKind.CANCELLED: N_("Purchase order %(number)s is cancelled"),
}
_LEADS = {
    LetterKind.ORDER: N_("Please send these goods to our customer, and tell us on this page whether you can."),
    LetterKind.CHANGED: N_("This is what is wanted now; it replaces what we asked before."),
    LetterKind.REMINDER: N_("We have asked you to send these goods, and do not know yet whether you can."),
    LetterKind.CANCELLED: N_("Nothing more of it is wanted: please do not send what has not left."),
}


def words(kind: LetterKind, one: Purchase, locale: str, zone: str) -> Words:
    def say(text: str, **values: object) -> str:
        return i18n.gettext(locale, text, **values)

    subject = say(_SUBJECTS[kind], number=name_of(one))
    more = ""
    if kind in {LetterKind.ORDER, LetterKind.REMINDER} and one.answer_by is not None:
        until = written(one.answer_by, _INSTANT[locale], tzinfo=ZoneInfo(zone), locale=locale)
        more = say(N_("We wait for your answer until %(until)s; after that we ask somebody else."), until=until)
    action = say(N_("Answer")) if kind is not LetterKind.CANCELLED else say(N_("Look at it"))
    return Words(subject, subject, say(_LEADS[kind]), action, subject, (more,) if more else ())


def facts(one: Purchase, locale: str) -> list[tuple[str, str]]:
    """What is wanted, line by line, and until when."""
    rows = [
        (line.supplier_sku or line.sku, f"{_units(line.wanted, locale, weighed=line.weighed)} × {line.name or line.sku}")
        for line in one.lines
        if line.wanted
    ][:_MOST_LINES]
    if one.requested_on is not None:
        rows.append((i18n.gettext(locale, N_("To leave by")), format_date(one.requested_on, _DAY[locale], locale=locale)))
    town = " ".join(str(one.ship_to.get(name) or "") for name in ("postcode", "city", "country")).strip()
    if town:
        rows.append((i18n.gettext(locale, N_("Goes to")), town))
    return rows


def _units(units: int, locale: str, *, weighed: bool) -> str:
    return f"{formatting.weighed(units, locale)} kg" if weighed else formatting.number(units, locale)


def letter(claimed: Claimed, sender: Sender, link: str, zone: str, pdf: bytes | None) -> EmailMessage:
    """The message, with the purchase order as PDF where it could be printed, and as CSV."""
    one, terms, kind = claimed.purchase, claimed.terms, claimed.letter.kind
    locale = i18n.language(terms.locale)
    said = words(kind, one, locale, zone)
    told = [] if kind is LetterKind.CANCELLED else facts(one, locale)
    message = EmailMessage()
    message["From"] = Address(sender.name, addr_spec=sender.email)
    message["To"] = Address(addr_spec=terms.email)
    if sender.reply_to:
        message["Reply-To"] = Address(addr_spec=sender.reply_to)
    message["Subject"] = said.subject
    message["Date"] = format_datetime(utcnow())
    message["Message-ID"] = f"<{to_text('ltr', claimed.letter.id)}@{sender.email.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = locale
    table = "\n".join(f"{label}\t{value}" for label, value in told)
    parts = [said.lead, *said.more, table, f"{said.action}\n{link}", f"-- \n{sender.name}"]
    message.set_content("\n\n".join(part for part in parts if part) + "\n")
    source = (
        environment(locale)
        .get_template("supplier.html")
        .render(language=locale, words=said, sender=sender.name, facts=told, link=link)
    )
    drawn = mrml.to_html(source, render_options=mrml.RenderOptions(fonts={}))
    message.add_alternative(drawn.content, subtype="html")
    if kind is not LetterKind.CANCELLED:
        if pdf is not None:
            message.add_attachment(pdf, maintype="application", subtype="pdf", filename=f"{name_of(one)}.pdf")
        message.add_attachment(csv_of(one), maintype="text", subtype="csv", filename=f"{name_of(one)}.csv")
    return message
