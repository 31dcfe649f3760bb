"""In whose name each channel writes to its buyers: who, by which ways, what it looks like, and a letter to try it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.errors import Fault
from comptoir.kernel.ids import uuid7
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import Channel
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Claimed, Letter, Medium, NoticeId, NoticeKind, Sender
from comptoir.modules.notices.errors import UnknownSender
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime import mail
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists, shown_once
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.notices_house import GATEWAY, QUIET, quiet_words
from comptoir.surfaces.console.pages.parcel_words import NOTICE_WORDS
from comptoir.surfaces.console.pages.parcels_words import MEDIUM_WORDS
from comptoir.surfaces.console.pages.settings_tabs import tabs
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.jobs.notices import server_of
from comptoir.surfaces.notices import letters, wording
from comptoir.surfaces.notices.samples import sample

area = Area("settings")

HERE = "/settings/senders"
BRAND = "/settings/brand"


@dataclass(frozen=True, slots=True)
class Row:
    """A channel, and in whose name it writes."""

    channel: Channel
    sender: Sender | None
    media: str

    @property
    def href(self) -> str:
        return f"{HERE}/{self.channel.code}"


async def _of(visit: Visit) -> tuple[Channel, Sender | None]:
    async with visit.read() as reader:
        channel = await channels.by_code(reader, visit.path("code"))
        return channel, (await notices.senders(reader)).get(channel.code)


def _media_words(visit: Visit, sender: Sender | None) -> str:
    return ", ".join(visit.say(MEDIUM_WORDS[medium]) for medium in sender.media) if sender is not None else ""


@area.get(HERE, Permission.ROUTING_READ)
async def sender_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        known = await notices.senders(reader)
        house = await notices.house(reader)
        found = await visit.console.channels(reader)
    settings = visit.console.settings
    rows = [
        Row(one, known.get(one.code), _media_words(visit, known.get(one.code)))
        for one in sorted(found, key=lambda one: (one.name or one.code).casefold())
    ]
    on_phones = any(set(row.sender.media) - {Medium.EMAIL} for row in rows if row.sender is not None)
    return visit.respond(
        "notices/senders.html",
        rows=rows,
        server=f"{settings.smtp_host}:{settings.smtp_port}" if settings.smtp_host else "",
        security=settings.smtp_security,
        texts=settings.texts,
        on_phones=on_phones,
        gateway=house.gateway,
        gateway_href=GATEWAY,
        quiet=quiet_words(visit, house),
        quiet_href=QUIET,
        brand_href=BRAND,
        may_write=visit.may(Permission.ROUTING_WRITE),
        may_gateway=visit.may(Permission.SETTINGS_WEBHOOKS),
        shown=shown_once.shown(visit),
        tabs=tabs(visit, "senders"),
    )


@area.get(HERE + "/{code:str}", Permission.ROUTING_READ)
async def sender_page(visit: Visit) -> Answer:
    channel, sender = await _of(visit)
    kind = lists.chosen(visit, "kind", NoticeKind) or NoticeKind.SHIPPED
    language = visit.param("language") if visit.param("language") in i18n.LANGUAGES else visit.page.language
    return visit.respond(
        "notices/sender.html",
        channel=channel,
        name=channel.name or channel.code,
        sender=sender,
        href=f"{HERE}/{channel.code}",
        media=_media_words(visit, sender),
        preview=None if sender is None else _preview(visit, sender, kind, language),
        kind=kind.value,
        kinds=[(code.value, visit.say(word)) for code, word in NOTICE_WORDS.items()],
        language=language,
        tongues=[("en", "English"), ("fr", "Français")],
        mail_ready=visit.console.settings.smtp_host is not None,
        mine=visit.page.user.email if visit.page.user is not None else "",
        may_write=visit.may(Permission.ROUTING_WRITE),
        tabs=tabs(visit, "senders"),
    )


def _preview(visit: Visit, sender: Sender, kind: NoticeKind, language: str) -> tuple[str, str, str]:
    """(subject, text, what a telephone shows)."""
    locale: Literal["en", "fr"] = "fr" if language == "fr" else "en"
    about = wording.Reader(locale, str(visit.page.zone), sample(kind, visit.console.settings.public_url, visit.page.now))
    said = wording.words(kind, about)
    return said.subject, letters.plain(about, said, sender.name), f"{sender.name}: {said.short}."


# Changing it


@area.get(HERE + "/{code:str}/edit", Permission.ROUTING_WRITE)
async def edit_sender(visit: Visit) -> Answer:
    return await _form(visit, asking.NOTHING_TYPED)


async def _form(visit: Visit, typed: Typed) -> Answer:
    channel, sender = await _of(visit)
    name, href = channel.name or channel.code, f"{HERE}/{channel.code}"
    question = Question(
        title=visit.say(N_("In whose name %(channel)s writes"), channel=name),
        fields="notices/_sender_fields.html",
        action=f"{href}/edit",
        back=href,
        confirm=visit.say(N_("Save")),
        words=visit.say(
            N_("Only news of an order is sent. E-mail needs no consent; SMS and WhatsApp go to those who have asked for them.")
        ),
        crumbs=[(visit.say(N_("Messages to buyers")), HERE), (name, href)],
    )
    values: dict[str, object] = {"name": name, "active": "yes"}
    ticked = {Medium.EMAIL.value}
    if sender is not None:
        values = {
            "name": sender.name,
            "email": sender.email,
            "reply_to": sender.reply_to,
            "phone": sender.phone,
            "active": "yes" if sender.active else "",
        }
        ticked = {medium.value for medium in sender.media}
    if typed.refused:
        ticked = set(visit.form.get("media", ()))
        typed = Typed({"active": "", **typed.values}, typed.errors, typed.refused, typed.refusal)
    return asking.ask(visit, question, typed, values, media=lists.options_of(visit, MEDIUM_WORDS), ticked=ticked)


def _meant(fields: Fields, channel: str) -> Sender:
    media = tuple(medium for medium in Medium if medium.value in set(fields.all("media")))
    email = fields.text("email", most=254)
    phone = fields.text("phone", most=40)
    if not media:
        fields.refuse("media", N_("Tick at least one."))
    if Medium.EMAIL in media and "@" not in email:
        fields.refuse("email", N_("Type an e-mail address."))
    if set(media) - {Medium.EMAIL} and not phone:
        fields.refuse("phone", N_("Fill this in."))
    return Sender(
        channel=channel,
        name=fields.text("name", required=True),
        email=email,
        reply_to=fields.text("reply_to", most=254),
        phone=phone,
        media=media,
        active=fields.checked("active"),
    )


@area.post(HERE + "/{code:str}/edit", Permission.ROUTING_WRITE)
async def save_sender(visit: Visit) -> Answer:
    channel, _ = await _of(visit)
    fields = visit.fields()
    sender = _meant(fields, channel.code)

    async def work(tx: Tx) -> Done:
        await notices.put_sender(tx, sender)
        data = {"name": sender.name, "email": sender.email, "active": sender.active}
        await visit.record(tx, "notice_sender.set", channel.code, data)
        return Done(f"{HERE}/{channel.code}", visit.say(N_("It is saved. Send yourself a letter to see it.")))

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, typed))


# Trying it


@area.post(HERE + "/{code:str}/test", Permission.ROUTING_WRITE)
async def send_test(visit: Visit) -> Answer:
    """A letter as buyers get it, about an order that there is not."""
    channel, sender = await _of(visit)
    if sender is None:
        raise UnknownSender(kind="notice_sender", channel=channel.code)
    fields = visit.fields()
    href = f"{HERE}/{channel.code}"
    to, kind = fields.text("to", required=True, most=254), fields.choice("kind", NoticeKind, NoticeKind.SHIPPED)
    language = fields.one_of("language", list(i18n.LANGUAGES), visit.page.language)
    if "@" not in to or fields.errors:
        return visit.finish(Done(href, visit.say(N_("Type an e-mail address.")), tone="bad"))
    server = server_of(visit.console.settings)
    if server is None:
        return visit.finish(Done(href, visit.say(_NO_SERVER), detail=visit.say(_NO_SERVER_MORE), tone="bad"))
    claimed = Claimed(
        id=NoticeId(uuid7()),
        order_id=OrderId(uuid7()),
        channel=channel.code,
        kind=kind,
        medium=Medium.EMAIL,
        locale=language,
        zone=str(visit.page.zone),
        attempts=0,
        lease=visit.page.now,
        sender=sender,
        sealed=b"",
    )
    given = Letter(to, sample(kind, visit.console.settings.public_url, visit.page.now))
    problem = await _sent(server, claimed, sender, given)

    async def work(tx: Tx) -> Done:
        await visit.record(tx, "notice_sender.tested", channel.code, {"kind": kind.value, "works": not problem})
        if problem:
            return Done(href, visit.say(N_("The letter did not go out.")), detail=problem, tone="bad")
        return Done(href, visit.say(N_("A letter is on its way to %(address)s."), address=to))

    return await visit.act(work)


async def _sent(server: mail.MailServer, claimed: Claimed, sender: Sender, given: Letter) -> str:
    """What went wrong; nothing when it has gone."""
    try:
        await mail.send(server, letters.letter(claimed, sender, given))
    except Fault as fault:
        return fault.detail
    except (ValueError, UnicodeError):
        return "the address is none"
    return ""


_NO_SERVER = N_("No mail server is set up.")
_NO_SERVER_MORE = N_("Whoever runs Comptoir sets COMPTOIR_SMTP_HOST and what belongs to it.")
