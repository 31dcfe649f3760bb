"""The routes of pages for buyers. No account, no cookie, no script, nothing from elsewhere."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from litestar.handlers import HTTPRouteHandler

from comptoir import i18n
from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import Fault, Invalid, NotFound
from comptoir.kernel.time import utcnow
from comptoir.modules.invoicing.errors import ProofBarred
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Brand
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Answer, AnswerKind, TrackedId
from comptoir.modules.tracking.errors import CaseClosed
from comptoir.runtime.database import Database
from comptoir.runtime.limits import Limiter, TooManyRequests, address_key
from comptoir.surfaces import invoicing as issuing
from comptoir.surfaces import points
from comptoir.surfaces.carriage import Carriage
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.rendering import CONTENT_SECURITY_POLICY
from comptoir.surfaces.console.web import Answer as WebAnswer
from comptoir.surfaces.console.web import Web
from comptoir.surfaces.documents import api as documents
from comptoir.surfaces.notices.wording import REASONS
from comptoir.surfaces.points import Point
from comptoir.surfaces.public import branding, collecting, messages, papers, wording
from comptoir.surfaces.public.links import ANSWER, PAPERS, STOP, TRACKING, PublicLinks
from comptoir.surfaces.public.maps import HEIGHT, WIDTH
from comptoir.surfaces.public.messages import MessagesView
from comptoir.surfaces.public.pages import AnswerView, OrderView, answer_view, order_view
from comptoir.surfaces.public.wording import DECIDED

log = structlog.get_logger("comptoir.public")

HERE = Path(__file__).parent
STYLE = f"{TRACKING}/assets/public.css"
_MOST_BYTES = 16_384
_TEXTS = ("line1", "line2", "postcode", "city", "pickup_point", "note")
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@lru_cache(maxsize=1)
def style() -> tuple[bytes, str]:
    """The one style sheet, and its address, which changes with it."""
    body = (HERE / "public.css").read_bytes()
    return body, f"{STYLE}?v={hashlib.sha256(body).hexdigest()[:12]}"


@lru_cache(maxsize=len(i18n.LANGUAGES))
def _environment(language: str) -> Environment:
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    env.install_gettext_translations(i18n.translations(language), newstyle=True)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    return env


@dataclass(frozen=True, slots=True)
class Teller:
    """Writes values as the buyer reads them."""

    language: str

    def kilometres(self, value: float) -> str:
        return formatting.number(round(value, 1) if value < 10 else round(value), self.language)

    def day(self, value: date) -> str:
        pattern = "EEEE d MMMM" if self.language == "fr" else "EEEE, MMMM d"
        return format_date(value, pattern, locale=self.language)

    def money(self, minor: int, currency: str) -> str:
        return formatting.money(minor, currency, self.language)

    def instant(self, value: datetime, zone: ZoneInfo) -> str:
        return formatting.instant(value, self.language, zone)


def render(template: str, language: str, brand: Brand = Brand(), **values: object) -> str:  # noqa: B008 - it is frozen
    text = _environment(language).get_template(template)
    return text.render(
        language=language,
        tell=Teller(language),
        style=style()[1],
        tint=branding.style_href(brand),
        logo=branding.logo_href(brand),
        brand=brand,
        words=wording,
        width=WIDTH,
        height=HEIGHT,
        **values,
    )


def _route(path: str, method: Literal["GET", "POST"], handler: Callable[[Web], Awaitable[WebAnswer]]) -> HTTPRouteHandler:
    async def answer_page(request: Web) -> WebAnswer:  # a function: the framework copies what methods are bound to
        return await handler(request)

    methods: list[Any] = ["GET", "HEAD"] if method == "GET" else ["POST"]
    return HTTPRouteHandler(
        path, http_method=methods, status_code=200, include_in_schema=False, request_max_body_size=_MOST_BYTES
    )(answer_page)


class PublicPages:
    """The pages of this process."""

    def __init__(
        self,
        database: Database,
        links: PublicLinks,
        *,
        strangers: Limiter | None = None,
        carriage: Carriage | None = None,
    ) -> None:
        """`strangers` slows down whoever guesses; each address has a burst of 40 pages, then one each second. Without
        `carriage` no carrier is asked for its pickup points.
        """
        self._database = database
        self._links = links
        self._carriage = carriage
        self._strangers = Limiter(burst=40, seconds=1) if strangers is None else strangers

    def routes(self) -> list[HTTPRouteHandler]:
        return [
            _route(STYLE, "GET", self.style),
            _route(f"{branding.COLOURS}/{{name:str}}", "GET", self.colour),
            _route(f"{branding.LOGOS}/{{name:str}}", "GET", self.logo),
            _route(f"{TRACKING}/{{token:str}}", "GET", self.track),
            _route(f"{TRACKING}/{{token:str}}/papers", "GET", self.papers),
            _route(f"{TRACKING}/{{token:str}}/papers", "POST", self.prove),
            _route(f"{TRACKING}/{{token:str}}/invoices/{{number:str}}", "GET", self.papers),
            _route(f"{PAPERS}/{{token:str}}", "GET", self.shown_papers),
            _route(f"{PAPERS}/{{token:str}}/{{number:str}}", "GET", self.invoice),
            _route(f"{TRACKING}/{{token:str}}/{{fulfilment:str}}/{{step:str}}", "POST", self.collect),
            _route(f"{STOP}/{{token:str}}", "GET", self.messages),
            _route(f"{STOP}/{{token:str}}", "POST", self.say),
            _route(f"{ANSWER}/{{token:str}}", "GET", self.ask),
            _route(f"{ANSWER}/{{token:str}}", "POST", self.answer),
        ]

    async def style(self, request: Web) -> WebAnswer:
        del request
        return Response(style()[0], media_type="text/css", headers=_FOR_EVER)

    async def colour(self, request: Web) -> WebAnswer:
        """What a colour changes of the style sheet, or a picture of it. It says no more than its address."""
        name = str(request.path_params["name"])
        by_day, swatch = branding.colour_named(name, "css"), branding.colour_named(name, "svg")
        if by_day is not None:
            return Response(branding.style_of(by_day), media_type="text/css", headers=_FOR_EVER)
        if swatch is not None:
            return Response(branding.swatch_of(swatch), media_type="image/svg+xml", headers=_FOR_EVER)
        return self._told(request, "missing", 404)

    async def logo(self, request: Web) -> WebAnswer:
        """A logo that we have drawn ourselves; another one has another address."""

        async def picture() -> WebAnswer:
            async with self._database.read() as reader:
                found = await notices.logo(reader, str(request.path_params["name"]).removesuffix(".png"))
            if found is None:
                raise NotFound(kind="logo")
            return Response(found.body, media_type=f"image/{found.kind}", headers=_FOR_EVER)

        return await self._guarded(request, picture)

    async def track(self, request: Web) -> WebAnswer:
        """Where the parcels of an order are."""

        async def page() -> WebAnswer:
            order_id = self._links.order_of(request.path_params["token"], utcnow())
            if order_id is None:
                raise NotFound(kind="order")
            async with self._database.read() as reader:
                view = await order_view(reader, OrderId(order_id), self._links, utcnow())
            language = self._language(request, view)
            return self._html(
                render("track.html", language, view.brand, order=view, here=request.url.path, chosen=_chosen(request))
            )

        return await self._guarded(request, page)

    async def papers(self, request: Web) -> WebAnswer:
        """Asks who wants to see the invoices for what only the buyer knows: they bear the address."""
        return await self._guarded(request, lambda: self._ask_for_proof(request))

    async def prove(self, request: Web) -> WebAnswer:
        """What was said: who knows it sees them for an hour, by an address of its own."""

        async def done() -> WebAnswer:
            order_id = self._tracked(request)
            given = _fields(await request.body()).get("proof", "")
            try:
                if not await papers.prove(self._database, order_id, given):
                    return await self._ask_for_proof(request, given[:200], wrong=True)
            except ProofBarred as refused:
                return await self._ask_for_proof(request, barred=math.ceil(float(str(refused.data["retry_after"])) / 60))
            shown = urlsplit(self._links.papers(order_id, utcnow())).path
            return Response(None, status_code=303, headers={"Location": shown + _chosen(request), **_HEADERS})

        return await self._guarded(request, done)

    async def _ask_for_proof(self, request: Web, given: str = "", *, wrong: bool = False, barred: int = 0) -> WebAnswer:
        order_id = self._tracked(request)
        async with self._database.read() as reader:
            view = await order_view(reader, order_id, self._links, utcnow())
            provable = await papers.provable(reader, order_id)
        return self._papers_page(request, view, order_id, 429 if barred else 422 if wrong else 200, given=given, wrong=wrong,
                                 barred=barred, provable=provable)  # fmt: skip

    async def shown_papers(self, request: Web) -> WebAnswer:
        """The invoices of an order, for whoever has shown that it is theirs."""

        async def page() -> WebAnswer:
            order_id = self._proved(request)
            async with self._database.read() as reader:
                view = await order_view(reader, order_id, self._links, utcnow())
            return self._papers_page(request, view, order_id, shown=True)

        return await self._guarded(request, page)

    def _papers_page(self, request: Web, view: OrderView, order_id: OrderId, status: int = 200, **more: object) -> WebAnswer:
        values: dict[str, object] = {"shown": False, "given": "", "wrong": False, "barred": 0, "provable": True} | more
        text = render(
            "papers.html",
            self._language(request, view),
            view.brand,
            order=view,
            here=request.url.path,
            chosen=_chosen(request),
            back=self._links.tracking(order_id, utcnow()),
            door=f"{TRACKING}/{request.path_params['token']}/papers",
            **values,
        )
        return self._html(text, status)

    def _tracked(self, request: Web) -> OrderId:
        found = self._links.order_of(request.path_params["token"], utcnow())
        if found is None:
            raise NotFound(kind="order")
        return OrderId(found)

    def _proved(self, request: Web) -> OrderId:
        found = self._links.papers_of(request.path_params["token"], utcnow())
        if found is None:
            raise NotFound(kind="order")
        return OrderId(found)

    async def invoice(self, request: Web) -> WebAnswer:
        """An invoice or a credit note of the order, as it was issued."""

        async def paper() -> WebAnswer:
            wanted = str(request.path_params["number"]).removesuffix(".pdf")
            async with self._database.read() as reader:
                one = await papers.paper_of(reader, self._proved(request), wanted)
            content = await documents.render(issuing.read(one).paper, issuing.locale(one))
            headers = {**_HEADERS, "Content-Disposition": f'inline; filename="{one.number}.pdf"'}
            return Response(content, media_type="application/pdf", headers=headers)

        return await self._guarded(request, paper)

    async def collect(self, request: Web) -> WebAnswer:
        """What the buyer says of what they collect: who comes, that they need more time, that they are there."""

        async def done() -> WebAnswer:
            order_id = self._links.order_of(request.path_params["token"], utcnow())
            if order_id is None:
                raise NotFound(kind="order")
            path = request.path_params
            await collecting.act(self._database, order_id, path["fulfilment"], path["step"], _fields(await request.body()))
            back = f"{TRACKING}/{path['token']}{_chosen(request)}"
            return Response(None, status_code=303, headers={"Location": back, **_HEADERS})

        return await self._guarded(request, done)

    async def messages(self, request: Web) -> WebAnswer:
        """Which messages the buyer of an order gets."""

        async def page() -> WebAnswer:
            order_id = self._stopped(request)
            async with self._database.read() as reader:
                view = await messages.messages_view(reader, order_id)
            text = render(
                "messages.html",
                self._language(request, view),
                view.brand,
                view=view,
                saved=request.query_params.get("said") == "saved",
                here=request.url.path,
                chosen=_chosen(request),
                back=self._links.tracking(order_id, utcnow()),
            )
            return self._html(text)

        return await self._guarded(request, page)

    async def say(self, request: Web) -> WebAnswer:
        """What the buyer says of messages; nothing happens by opening the page, as programs that read letters do."""

        async def done() -> WebAnswer:
            await messages.say(self._database, self._stopped(request), _fields(await request.body()))
            chosen = _chosen(request)
            back = f"{request.url.path}{chosen}{'&' if chosen else '?'}said=saved"
            return Response(None, status_code=303, headers={"Location": back, **_HEADERS})

        return await self._guarded(request, done)

    def _stopped(self, request: Web) -> UUID:
        found = self._links.stopped_by(request.path_params["token"], utcnow())
        if found is None:
            raise NotFound(kind="order")
        return found

    async def ask(self, request: Web) -> WebAnswer:
        """What is to happen to a parcel that could not be delivered."""
        return await self._guarded(request, lambda: self._asked(request, {}, {}))

    async def answer(self, request: Web) -> WebAnswer:
        """The buyer's answer; who sends it again, or too late, sees how it stands."""

        async def taken() -> WebAnswer:
            given = _fields(await request.body())
            try:
                async with self._database.transaction() as tx:
                    await tracking.cases.answer(tx, self._parcel(request), _answer(given))
            except Invalid as refused:
                wrong = {error["path"]: True for error in cast("list[dict[str, str]]", refused.data["errors"])}
                return await self._asked(request, given, wrong, status=422)
            except CaseClosed:
                log.info("an answer came too late")
            return Response(None, status_code=303, headers={"Location": request.url.path + _chosen(request), **_HEADERS})

        return await self._guarded(request, taken)

    async def _asked(
        self, request: Web, given: Mapping[str, str], wrong: Mapping[str, bool], *, status: int = 200
    ) -> WebAnswer:
        tracked_id = self._parcel(request)
        async with self._database.read() as reader:
            view = await answer_view(reader, tracked_id, self._links, utcnow())
            order = await orders.order(reader, view.case.order_id)
        found: list[Point] = []
        if view.case.state in tracking.ANSWERABLE and AnswerKind.PICKUP in tracking.cases.choices(view.case):
            found = await points.near(self._database, self._carriage, view.parcel, order, utcnow())
        return self._html(self._form(request, view, given, wrong, found), status)

    def _parcel(self, request: Web) -> TrackedId:
        found = self._links.parcel_of(request.path_params["token"], utcnow())
        if found is None:
            raise NotFound(kind="parcel")
        return TrackedId(found)

    async def _guarded(self, request: Web, page: Callable[[], Awaitable[WebAnswer]]) -> WebAnswer:
        """Everything around a page: who asks too often, addresses that lead nowhere, a database that is away."""
        try:
            self._strangers.take(address_key(request.client.host if request.client is not None else ""))
            return await page()
        except TooManyRequests as refused:
            seconds = max(1, round(float(str(refused.data["retry_after"]))))
            return self._told(request, "too_many", 429, {"Retry-After": str(seconds)})
        except NotFound:
            return self._told(request, "missing", 404)
        except Fault as fault:
            log.warning("a page for a buyer could not be given", code=fault.code)
            return self._told(request, "fault", 503, {"Retry-After": str(max(1, round(fault.retry_after or 2)))})

    def _form(
        self,
        request: Web,
        view: AnswerView,
        given: Mapping[str, str],
        wrong: Mapping[str, bool],
        found: Sequence[Point] = (),
    ) -> str:
        language = self._language(request, view.order)
        now = utcnow()
        return render(
            "answer.html",
            language,
            view.order.brand,
            view=view,
            case=view.case,
            open=view.case.state in tracking.ANSWERABLE,
            over=now >= view.case.answer_until,
            decided=DECIDED.get(view.case.state, ""),
            choices=tracking.cases.choices(view.case),
            reason=REASONS[view.case.reason.value],
            today=now.astimezone(view.zone).date(),
            day=timedelta(days=1),
            given=given,
            wrong=wrong,
            points=found,
            point_value=point_value,
            here=request.url.path,
            chosen=_chosen(request),
            back=self._links.tracking(view.case.order_id, now),
        )

    # Around the pages

    def _language(self, request: Web, view: OrderView | MessagesView | None) -> str:
        """The one that was just chosen, the buyer's own, what the browser asks for, what people read there."""
        if _chosen(request):
            return str(request.query_params["lang"])
        if view is not None and view.locale:
            return i18n.language(view.locale)
        for wanted in request.headers.get("accept-language", "").split(","):
            code = wanted.partition(";")[0].strip().partition("-")[0].lower()
            if code in i18n.LANGUAGES:
                return code
        return notices.language_of("", view.country if view is not None else "")

    def _html(self, text: str, status: int = 200, more: Mapping[str, str] | None = None) -> WebAnswer:
        headers = {**_HEADERS, **(more or {})}
        return Response(text, media_type="text/html; charset=utf-8", status_code=status, headers=headers)

    def _told(self, request: Web, what: str, status: int, more: Mapping[str, str] | None = None) -> WebAnswer:
        return self._html(render("told.html", self._language(request, None), what=what, here=request.url.path), status, more)


def _chosen(request: Web) -> str:
    """What the addresses of further pages carry, where a language was chosen."""
    chosen = request.query_params.get("lang", "")
    return f"?lang={chosen}" if chosen in i18n.LANGUAGES else ""


def _fields(body: bytes) -> dict[str, str]:
    """Of a form; nothing of what is none."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        return {}


def _answer(given: Mapping[str, str]) -> Answer:
    """Raises Invalid for a kind that there is not; what is no day is none."""
    try:
        kind = AnswerKind(given.get("kind", ""))
    except ValueError as problem:
        raise invalid("kind", "is none that can be chosen") from problem
    try:
        on = date.fromisoformat(given.get("on", ""))
    except ValueError:
        on = None
    texts = {name: given.get(name, "").replace("\0", "") for name in _TEXTS}
    if point := given.get("point", "").replace("\0", ""):
        texts["point_id"], _, texts["pickup_point"] = point.partition("|")
    return Answer(kind=kind, on=on, **texts)


def point_value(one: Point) -> str:
    """What is sent for a point that is chosen: what the carrier calls it, and all of it in one line."""
    return f"{one.point_id.replace('|', ' ')}|{one.text}"
