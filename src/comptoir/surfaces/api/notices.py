"""Messages to buyers: in whose name each channel writes, what has gone out, and sending again what has not."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from comptoir.kernel.time import utcnow
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.errors import UnknownChannel
from comptoir.modules.notices import api
from comptoir.modules.notices.contracts import (
    Consent,
    ConsentSource,
    Medium,
    Notice,
    NoticeFilter,
    NoticeId,
    NoticeKind,
    NoticeState,
    Sender,
)
from comptoir.modules.notices.errors import UnknownNotice, UnknownSender
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Reader
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed_some, show
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import PRINTABLE, Code, Instant, NoticeRef, OrderRef, PageQuery, Request, Shape, Words
from comptoir.surfaces.notices import letters, wording
from comptoir.surfaces.notices.samples import sample

notices = Resource("Notices", "Messages to buyers about their orders: in whose name, which of them, and what became of each.")

_Email = Annotated[str, Meta(max_length=254, pattern=PRINTABLE, examples=["shop@example.com"])]
_Phone = Annotated[str, Meta(max_length=40, pattern=PRINTABLE, description="A number, or up to eleven letters.", examples=[""])]


_Address = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=254,
        pattern=PRINTABLE,
        description="An e-mail address, or a number that begins with +.",
        examples=["+33612345678"],
    ),
]


class NoticeSenderShape(Shape, frozen=True, kw_only=True):
    """In whose name a channel's buyers are written to."""

    channel: Code
    name: str
    email: str
    reply_to: str
    phone: str
    media: list[Medium]
    active: bool


class NoticeSendersShape(Shape, frozen=True, kw_only=True):
    items: list[NoticeSenderShape]


class PutNoticeSender(Request, frozen=True, kw_only=True):
    """In whose name a channel is to write. A channel without it writes to nobody."""

    name: Annotated[Words, Meta(min_length=1, examples=["Étoffes & Cie"])]
    email: Annotated[_Email, Meta(description="Needed for messages by e-mail.")] = ""
    reply_to: Annotated[_Email, Meta(description="Where answers go; empty for `email`.")] = ""
    phone: _Phone = ""
    media: Annotated[tuple[Medium, ...], Meta(max_length=3, examples=[["email"]])] = (Medium.EMAIL,)
    active: Annotated[bool, Meta(examples=[True])] = True


class NoticeShape(Shape, frozen=True, kw_only=True):
    """A message to a buyer. To whom it goes is not told, and forgotten once it has gone."""

    id: NoticeRef
    order_id: OrderRef
    channel: Code
    kind: NoticeKind
    medium: Medium
    locale: Annotated[str, Meta(examples=["fr"])]
    state: NoticeState
    attempts: int
    problem: Annotated[str, Meta(examples=[""])]
    created_at: Instant
    next_at: Annotated[Instant, Meta(description="When it is tried next.")] | None
    sent_at: Instant | None


class NoticeQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["created", "-created"] = "-created"
    order_id: OrderRef | None = None
    state: NoticeState | None = None
    channel: Code | None = None


class NoticePreviewQuery(Request, frozen=True, kw_only=True):
    kind: NoticeKind
    locale: Literal["en", "fr"] = "en"


class NoticePreviewShape(Shape, frozen=True, kw_only=True):
    """What a message looks like, with an order that there is not."""

    subject: str
    text: str
    html: str
    short: Annotated[str, Meta(description="For a telephone.")]


class NoticeConsentShape(Shape, frozen=True, kw_only=True):
    """That messages of a medium to an address are wanted, or not, since `at`. The latest of a medium holds."""

    medium: Medium
    address: _Address
    allowed: bool
    source: ConsentSource
    at: Instant
    order_id: OrderRef | None


class NoticeConsentsShape(Shape, frozen=True, kw_only=True):
    items: list[NoticeConsentShape]


class NoticeConsentQuery(Request, frozen=True, kw_only=True):
    address: _Address


class SayNoticeConsent(Request, frozen=True, kw_only=True):
    """What somebody said of messages. E-mail about an order needs no consent, and can be stopped; SMS and WhatsApp need it."""

    address: _Address
    media: Annotated[tuple[Medium, ...], Meta(min_length=1, max_length=3, examples=[["sms"]])]
    allowed: Annotated[bool, Meta(examples=[False])]


@notices.get("/v1/notice-senders", Scope.ROUTING_READ)
async def list_notice_senders(call: Call) -> Answer[NoticeSendersShape]:
    """List in whose name each channel writes."""
    async with call.reading() as reader:
        found = await api.senders(reader)
    return call.answer(NoticeSendersShape(items=[_sender(one) for one in found.values()]))


@notices.get("/v1/notice-senders/{code}", Scope.ROUTING_READ, refuses=(UnknownSender,))
async def get_notice_sender(call: Call) -> Answer[NoticeSenderShape]:
    """Get in whose name a channel writes."""
    async with call.reading() as reader:
        return call.answer(_sender(await _of(reader, call.text("code"))))


@notices.put("/v1/notice-senders/{code}", Scope.ROUTING_WRITE, refuses=(UnknownChannel,))
async def put_notice_sender(call: Call, body: PutNoticeSender) -> Answer[NoticeSenderShape]:
    """Say in whose name a channel writes; what was said before is replaced."""
    async with call.transaction() as tx:
        channel = await channels.by_code(tx, call.text("code"))
        sender = Sender(
            channel=channel.code,
            name=body.name.strip(),
            email=body.email.strip(),
            reply_to=body.reply_to.strip(),
            phone=body.phone.strip(),
            media=tuple(dict.fromkeys(body.media)),
            active=body.active,
        )
        await api.put_sender(tx, sender)
        data = {"name": sender.name, "email": sender.email, "active": sender.active}
        await staff.record(tx, "notice_sender.set", channel.code, data, address=call.address)
        return await call.done(tx, _sender(sender))


@notices.get("/v1/notice-senders/{code}/preview", Scope.ROUTING_READ, refuses=(UnknownSender,))
async def preview_notice(call: Call, query: NoticePreviewQuery) -> Answer[NoticePreviewShape]:
    """See what a channel's messages look like."""
    async with call.reading() as reader:
        sender = await _of(reader, call.text("code"))
    about = wording.Reader(query.locale, "Europe/Paris", sample(query.kind, call.services.settings.public_url, utcnow()))
    said = wording.words(query.kind, about)
    return call.answer(
        NoticePreviewShape(
            subject=said.subject,
            text=letters.plain(about, said, sender.name),
            html=letters.preview(about, said, sender.name),
            short=f"{sender.name}: {said.short}.",
        )
    )


@notices.get("/v1/notices", Scope.ORDERS_READ)
async def list_notices(call: Call, query: NoticeQuery) -> Answer[PageOf[NoticeShape]]:
    """List messages to buyers, and what became of them."""
    order_id = parsed_some("order", query.order_id)
    wanted = NoticeFilter(
        order_id=None if order_id is None else OrderId(order_id), state=query.state, channel=query.channel or ""
    )
    async with call.reading() as reader:
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _notice)


@notices.post("/v1/notices/{notice_id}/retry", Scope.ORDERS_WRITE, status=204, refuses=(UnknownNotice,))
async def retry_notice(call: Call) -> Answer[None]:
    """Send a message again that failed.

    One that has not failed, or whose address is forgotten by now, is unknown here.
    """
    async with call.transaction() as tx:
        await api.retry(tx, NoticeId(call.id("notice")))
        return await call.done(tx, None)


@notices.get("/v1/notice-consents", Scope.ORDERS_READ)
async def list_notice_consents(call: Call, query: NoticeConsentQuery) -> Answer[NoticeConsentsShape]:
    """List what was said of messages to an e-mail address or a number, the latest first."""
    async with call.reading() as reader:
        found = await api.history(reader, query.address)
    return call.answer(NoticeConsentsShape(items=[_consent(one) for one in found]))


@notices.post("/v1/notice-consents", Scope.ORDERS_WRITE, status=201)
async def say_notice_consent(call: Call, body: SayNoticeConsent) -> Answer[NoticeConsentsShape]:
    """Write down that somebody wants messages, or wants them no more.

    It holds from now on, also for what waits to go out.
    """
    async with call.transaction() as tx:
        made = await api.say(tx, body.address, body.media, ConsentSource.API, allowed=body.allowed)
        data = {"media": [medium.value for medium in body.media], "allowed": body.allowed}
        await staff.record(tx, "notice_consent.set", "", data, address=call.address)
        return await call.done(tx, NoticeConsentsShape(items=[_consent(one) for one in made]), 201)


def _consent(one: Consent) -> NoticeConsentShape:
    return NoticeConsentShape(
        medium=one.medium,
        address=one.address,
        allowed=one.allowed,
        source=one.source,
        at=one.at,
        order_id=None if one.order_id is None else show("order", one.order_id),
    )


async def _of(reader: Reader, channel: str) -> Sender:
    found = (await api.senders(reader)).get(channel)
    if found is None:
        raise UnknownSender(kind="notice_sender", channel=channel)
    return found


def _sender(one: Sender) -> NoticeSenderShape:
    return NoticeSenderShape(
        channel=one.channel,
        name=one.name,
        email=one.email,
        reply_to=one.reply_to,
        phone=one.phone,
        media=list(one.media),
        active=one.active,
    )


def _notice(one: Notice) -> NoticeShape:
    return NoticeShape(
        id=show("notice", one.id),
        order_id=show("order", one.order_id),
        channel=one.channel,
        kind=one.kind,
        medium=one.medium,
        locale=one.locale,
        state=one.state,
        attempts=one.attempts,
        problem=one.problem,
        created_at=one.created_at,
        next_at=one.next_at,
        sent_at=one.sent_at,
    )
