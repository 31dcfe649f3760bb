"""The page of a purchase order: a supplier without an account accepts it, declines it, and gives the numbers of parcels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, cast
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import structlog
from litestar import Response
from litestar.handlers import HTTPRouteHandler

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, Invalid, NotFound, Refusal, Stale
from comptoir.kernel.ids import ActorId
from comptoir.kernel.time import utcnow
from comptoir.modules.locations.contracts import Location
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.purchasing.contracts import (
    Answer,
    DeclineReason,
    LineAnswer,
    Purchase,
    PurchaseId,
    PurchaseLine,
    PurchaseState,
    Sent,
    Units,
)
from comptoir.runtime.database import Context, Database, Reader, Tx
from comptoir.runtime.limits import Limiter, TooManyRequests, address_key
from comptoir.surfaces.console.rendering import CONTENT_SECURITY_POLICY
from comptoir.surfaces.console.web import Answer as WebAnswer
from comptoir.surfaces.console.web import Web
from comptoir.surfaces.documents import api as documents
from comptoir.surfaces.public.web import render
from comptoir.surfaces.supplying import SUPPLYING, SupplierLinks, address, csv_of, json_of, name_of, paper_of

log = structlog.get_logger("comptoir.supplying")

ACTOR = ActorId("supplier")
_MOST_BYTES = 65_536
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}
STATE_WORDS: Mapping[PurchaseState, str] = {
    PurchaseState.ASKED: N_("Waiting for your answer"),
    PurchaseState.ACKNOWLEDGED: N_("You send it"),
    PurchaseState.PARTLY_SHIPPED: N_("Sent in part"),
    PurchaseState.SHIPPED: N_("All of it has left"),
    PurchaseState.DECLINED: N_("You do not send it"),
    PurchaseState.EXPIRED: N_("Too late: somebody else sends it"),
    PurchaseState.CANCELLED: N_("Cancelled: please do not send it"),
}
REASON_WORDS: Mapping[DeclineReason, str] = {
    DeclineReason.OUT_OF_STOCK: N_("Out of stock"),
    DeclineReason.DISCONTINUED: N_("No longer made"),
    DeclineReason.PRICE: N_("Not at this price"),
    DeclineReason.ADDRESS: N_("We do not deliver there"),
    DeclineReason.TOO_LATE: N_("Not for this day"),
    DeclineReason.OTHER: N_("Another reason"),
}
_WORDS = {
    "not_that_many_open": N_("There are not that many units open."),
    "stale": N_("It has changed meanwhile: look at it again, then send it once more."),
    "purchase_step_refused": N_("This has been answered already."),
    "not_in_that_state": N_("We are looking into this order just now: try again later."),
}


@dataclass(frozen=True, slots=True)
class View:
    """A purchase order as its supplier sees it."""

    one: Purchase
    place: Location
    locale: str


class SupplierPages:
    """The pages of this process. `strangers` slows down whoever guesses."""

    def __init__(self, database: Database, links: SupplierLinks, *, strangers: Limiter | None = None) -> None:
        self._database = database
        self._links = links
        self._strangers = Limiter(burst=40, seconds=1) if strangers is None else strangers

    def routes(self) -> list[HTTPRouteHandler]:
        page = f"{SUPPLYING}/{{token:str}}"
        return [
            _route(page, "GET", self.look),
            _route(page, "POST", self.answer),
            _route(f"{page}/order.pdf", "GET", self.printed),
            _route(f"{page}/order.csv", "GET", self.as_csv),
            _route(f"{page}/order.json", "GET", self.as_json),
        ]

    async def look(self, request: Web) -> WebAnswer:
        return await self._guarded(request, lambda: self._shown(request, {}, ""))

    async def answer(self, request: Web) -> WebAnswer:
        """One of the page's forms; who sends it again sees how it stands."""

        async def taken() -> WebAnswer:
            given = _fields(await request.body())
            try:
                async with self._database.transaction(Context(ACTOR, "")) as tx:
                    await _act(tx, self._purchase_id(request), given)
            except Invalid as refused:
                return await self._shown(request, given, N_("Something is missing, or cannot be done."), refused)
            except NotFound:
                raise
            except Refusal as refused:
                return await self._shown(request, given, _WORDS.get(refused.code, N_("This cannot be done now.")), refused)
            location = request.url.path + _chosen(request)
            return Response(None, status_code=303, headers={"Location": location, **_HEADERS})

        return await self._guarded(request, taken)

    async def printed(self, request: Web) -> WebAnswer:
        async def page() -> WebAnswer:
            async with self._database.read() as reader:
                one = await purchasing.get(reader, self._purchase_id(request))
                paper, locale = await paper_of(reader, one, self._links, utcnow())
            chosen = request.query_params.get("lang", "")
            body = await documents.render(paper, chosen if chosen in i18n.LANGUAGES else locale)
            return self._file(body, "application/pdf", f"{name_of(one)}.pdf")

        return await self._guarded(request, page)

    async def as_csv(self, request: Web) -> WebAnswer:
        async def page() -> WebAnswer:
            one = (await self._view(request)).one
            return self._file(csv_of(one), "text/csv; charset=utf-8", f"{name_of(one)}.csv")

        return await self._guarded(request, page)

    async def as_json(self, request: Web) -> WebAnswer:
        async def page() -> WebAnswer:
            one = (await self._view(request)).one
            return self._file(json_of(one), "application/json", f"{name_of(one)}.json")

        return await self._guarded(request, page)

    # Around the pages

    def _purchase_id(self, request: Web) -> PurchaseId:
        found = self._links.purchase_of(request.path_params["token"], utcnow())
        if found is None:
            raise NotFound(kind="purchase")
        return found

    async def _view(self, request: Web) -> View:
        async with self._database.read() as reader:
            return await view(reader, self._purchase_id(request))

    async def _shown(self, request: Web, given: Mapping[str, str], said: str, refused: Refusal | None = None) -> WebAnswer:
        seen = await self._view(request)
        language = _language(request, seen.locale)
        errors = cast("Sequence[Mapping[str, str]]", refused.data.get("errors", ())) if refused is not None else ()
        one = seen.one
        text = render(
            "supply.html",
            language,
            one=one,
            name=name_of(one),
            place=seen.place,
            to=address(one.ship_to),
            zone=ZoneInfo(seen.place.time_zone),
            state=STATE_WORDS[one.state],
            live=one.state in purchasing.LIVE,
            asked=one.state is PurchaseState.ASKED,
            reasons=REASON_WORDS,
            units=_typed,
            given=given,
            said=said,
            wrong={error["path"] for error in errors},
            here=request.url.path,
            chosen=_chosen(request),
            today=utcnow().date(),
        )
        return self._html(text, 200 if refused is None else 422 if refused.status == 422 else 409)

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
            log.warning("a page for a supplier could not be given", code=fault.code)
            return self._told(request, "fault", 503, {"Retry-After": str(max(1, round(fault.retry_after or 2)))})

    def _told(self, request: Web, what: str, status: int, more: Mapping[str, str] | None = None) -> WebAnswer:
        text = render("told.html", _language(request, ""), what=what, here=request.url.path)
        return self._html(text, status, more)

    def _html(self, text: str, status: int = 200, more: Mapping[str, str] | None = None) -> WebAnswer:
        headers = {**_HEADERS, **(more or {})}
        return Response(text, media_type="text/html; charset=utf-8", status_code=status, headers=headers)

    def _file(self, body: bytes, media_type: str, name: str) -> WebAnswer:
        headers = {**_HEADERS, "Content-Disposition": f'inline; filename="{name}"'}
        return Response(body, media_type=media_type, headers=headers)


async def view(reader: Reader, purchase_id: PurchaseId) -> View:
    """Raises UnknownPurchase."""
    one = await purchasing.get(reader, purchase_id)
    place = await purchasing.supplier(reader, one.location_id)
    return View(one, place, (await purchasing.terms_of(reader, one.location_id)).locale)


async def _act(tx: Tx, purchase_id: PurchaseId, given: Mapping[str, str]) -> None:
    """Does what the form says, on what the supplier has seen. Raises Stale where it is another one since."""
    one = await purchasing.get(tx, purchase_id)
    note = given.get("note", "").replace("\0", "")
    if given.get("version") != str(one.version):
        raise Stale(kind="purchase", id=purchase_id, version=one.version)
    match given.get("act"):
        case "accept":
            reason = _reason(given)
            lines = [
                LineAnswer(
                    line.line_no, _amount(line, given.get(f"accept-{line.line_no}", ""), f"accept-{line.line_no}"), reason
                )
                for line in one.lines
                if line.open
            ]
            await purchasing.acknowledge(tx, purchase_id, Answer(lines=tuple(lines), promised_on=_day(given), note=note))
        case "decline":
            await purchasing.decline(tx, purchase_id, None, _reason(given), note)
        case "ship":
            rows = [
                Units(line.line_no, _amount(line, given.get(f"ship-{line.line_no}", ""), f"ship-{line.line_no}"))
                for line in one.lines
                if line.open
            ]
            inside = tuple([row for row in rows if row.quantity])
            if not inside:
                raise _wrong("ship", "has at least one unit")
            names = ("carrier", "tracking_number", "tracking_url")
            carried = {name: given.get(name, "").strip().replace("\0", "") for name in names}
            if not carried["tracking_number"]:
                raise _wrong("tracking_number", "is missing")
            await purchasing.ship(tx, purchase_id, [Sent(lines=inside, **carried)])
        case _:
            raise _wrong("act", "is none of the page's")


def _wrong(path: str, message: str) -> Invalid:
    return Invalid(f"{path} {message}", errors=[{"path": path, "message": message}])


def _reason(given: Mapping[str, str]) -> DeclineReason:
    try:
        return DeclineReason(given.get("reason", "") or DeclineReason.OUT_OF_STOCK)
    except ValueError as problem:
        raise _wrong("reason", "is none that can be chosen") from problem


def _day(given: Mapping[str, str]) -> date | None:
    text = given.get("promised_on", "").strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as problem:
        raise _wrong("promised_on", "is no day") from problem


def _amount(line: PurchaseLine, text: str, path: str) -> int:
    """Units as they are typed: whole ones, or kilograms of what is weighed; nothing typed is none."""
    try:
        number = Decimal(text.strip().replace(",", ".") or "0") * (1000 if line.weighed else 1)
    except InvalidOperation as problem:
        raise _wrong(path, "is no number") from problem
    if not number.is_finite() or number != number.to_integral_value() or not 0 <= number <= line.open:
        raise _wrong(path, "is from none to all that is open")
    return int(number)


def _typed(line: PurchaseLine, quantity: int) -> str:
    """As it stands in a field."""
    return f"{quantity / 1000:.3f}" if line.weighed else str(quantity)


def _chosen(request: Web) -> str:
    chosen = request.query_params.get("lang", "")
    return f"?lang={chosen}" if chosen in i18n.LANGUAGES else ""


def _language(request: Web, locale: str) -> str:
    """The one that was just chosen, the supplier's own, or what the browser asks for."""
    chosen = request.query_params.get("lang", "")
    if chosen in i18n.LANGUAGES:
        return str(chosen)
    if locale:
        return i18n.language(locale)
    wanted = [part.partition(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")]
    return next((code for code in wanted if code in i18n.LANGUAGES), "en")


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=1500))
    except ValueError:
        return {}


def _route(path: str, method: Literal["GET", "POST"], handler: Callable[[Web], Awaitable[WebAnswer]]) -> HTTPRouteHandler:
    async def answer_page(request: Web) -> WebAnswer:  # a function: the framework copies what methods are bound to
        return await handler(request)

    methods: list[Any] = ["GET", "HEAD"] if method == "GET" else ["POST"]
    return HTTPRouteHandler(
        path, http_method=methods, status_code=200, include_in_schema=False, request_max_body_size=_MOST_BYTES
    )(answer_page)
