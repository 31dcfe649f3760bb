"""The pages on which buyers send something back: found by a signed address, or by order number and e-mail or postcode.

No account, no cookie, no script. Whoever has the address of an order may announce a return of it, once however often the button
is pressed, and gets its papers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlsplit
from uuid import uuid4

import msgspec
import structlog
from babel.dates import format_date
from litestar import Response
from litestar.datastructures import UploadFile
from litestar.handlers import HTTPRouteHandler

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, NotFound, Refusal
from comptoir.kernel.ids import ActorId, from_text, to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import (
    PICTURE_PREFIX,
    RETURN_CASE_PREFIX,
    Foreseen,
    PictureId,
    ReturnCase,
    ReturnCaseId,
)
from comptoir.modules.notices import api as notices
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime import idempotency
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Contended, Context, Database, Reader
from comptoir.runtime.limits import Limiter, TooManyRequests, address_key
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.rendering import CONTENT_SECURITY_POLICY
from comptoir.surfaces.console.web import Answer as WebAnswer
from comptoir.surfaces.console.web import Web
from comptoir.surfaces.documents import api as documents
from comptoir.surfaces.foreseeing import foresee
from comptoir.surfaces.public import returning_words
from comptoir.surfaces.public.branding import look_of
from comptoir.surfaces.public.links import RETURN, PublicLinks
from comptoir.surfaces.public.returning_form import announce, draft, lacking, options_of, owned, read
from comptoir.surfaces.public.returning_papers import TYPES, home_of, papers, qr
from comptoir.surfaces.public.returning_views import OPEN, Instead, Portal, portal
from comptoir.surfaces.public.returning_words import Money, Way
from comptoir.surfaces.public.web import render
from comptoir.surfaces.return_labels import ReturnLabels, wants_label
from comptoir.surfaces.return_pictures import ACCEPT, AT_ONCE, FORM_BYTES, drawn

log = structlog.get_logger("comptoir.returning")

ACTOR = ActorId("buyer")
_MOST_BYTES = 32_768
_MOST_FIELDS = 600
_TRIES = 4
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}
_REFUSED: Mapping[str, str] = {
    "not_returnable": N_("That many are not left to return: some are on their way back already. Look at your returns below."),
    "return_not_allowed": N_("Not all of this can be returned for that reason. See what stands beside each article."),
    "insufficient_stock": N_("What you want instead has just been sold. Choose something else, or your money back."),
    "return_step_refused": N_("That is not possible any more: see how your return stands."),
    "too_many_pictures": N_("We have enough pictures of this return, thank you."),
    "picture_too_large": N_("This picture is too large: 12 MB at most."),
}
_NO_PICTURE = N_("The pictures were not added: they have to be JPEG, PNG or WebP, of 12 MB each at most.")
_LABEL_WITHIN = 15.0
_OTHERWISE = N_("That did not work. Nothing was sent: look at it again, and try once more.")


class Forged(Refusal):
    """The form did not come from the page of this address."""

    code = "forged"
    status = 403
    title = "This form did not come from this page"


@dataclass(frozen=True, slots=True)
class Shown:
    """A step of the form: what was typed, what comes of it, and what is wrong."""

    values: Mapping[str, str]
    foreseen: Foreseen | None = None
    options: Mapping[int, list[Instead]] | None = None
    refused: str = ""
    key: str = ""
    """The same for both presses of the button; empty while there is nothing to confirm."""
    about: str = ""
    """The return whose pictures were refused."""


class ReturnPages:
    """The pages of this process.

    `strangers` slows down whoever asks too often; `guesses` whoever tries order numbers that they do not have the e-mail
    address or postcode of, by where they ask from and by the number.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        links: PublicLinks,
        *,
        strangers: Limiter | None = None,
        guesses: Limiter | None = None,
        labels: ReturnLabels | None = None,
        pictures: Limiter | None = None,
    ) -> None:
        """`labels` buys what the terms give; without it buyers print our own address. `pictures` slows down who sends many."""
        self._database = database
        self._labels = labels
        self._pictures = Limiter(burst=12, seconds=20) if pictures is None else pictures
        self._buying: set[asyncio.Task[None]] = set()
        self._keyring = keyring
        self._links = links
        self._strangers = Limiter(burst=40, seconds=1) if strangers is None else strangers
        self._guesses = Limiter(burst=6, seconds=60) if guesses is None else guesses

    def routes(self) -> list[HTTPRouteHandler]:
        page = f"{RETURN}/{{token:str}}"
        return [
            _route(RETURN, "GET", self.start),
            _route(RETURN, "POST", self.look_up),
            _route(page, "GET", self.page),
            _route(page, "POST", self.act),
            _route(f"{page}/{{return_id:str}}/{{paper:str}}", "GET", self.paper),
            _route(f"{page}/{{return_id:str}}/pictures", "POST", self.add_pictures, most=FORM_BYTES),
            _route(f"{page}/{{return_id:str}}/pictures/{{picture_id:str}}", "GET", self.picture),
        ]

    # Finding the order

    async def start(self, request: Web) -> WebAnswer:
        async def shown() -> WebAnswer:
            return self._looked_up(request, {"number": request.query_params.get("number", "")[:60]})

        return await self._guarded(request, shown)

    async def look_up(self, request: Web) -> WebAnswer:
        """Leads to the page of the order; of what does not fit nobody learns whether the number exists."""

        async def found() -> WebAnswer:
            given = _fields(await request.body())
            number, proof = given.get("number", "").strip()[:60], given.get("proof", "").strip()[:200]
            who = address_key(request.client.host if request.client is not None else "")
            keys = (f"from {who}", f"number {number.casefold()}")
            for key in keys:
                self._guesses.check(key)
            async with self._database.read() as reader:
                order_id = await owned(reader, number, proof)
            if order_id is None:
                for key in keys:
                    self._guesses.take(key)
                return self._looked_up(request, given, 422)
            there = urlsplit(self._links.returning(order_id, utcnow())).path
            return _redirect(there + _chosen(request))

        return await self._guarded(request, found)

    def _looked_up(self, request: Web, given: Mapping[str, str], status: int = 200) -> WebAnswer:
        text = render(
            "return_start.html", self._language(request, None), here=request.url.path, chosen=_chosen(request), given=given,
            wrong=status != 200,
        )  # fmt: skip
        return self._html(text, status)

    # The page of an order

    async def page(self, request: Web) -> WebAnswer:
        return await self._guarded(request, lambda: self._show(request, Shown({})))

    async def act(self, request: Web) -> WebAnswer:
        """Looks at what comes of it, confirms it, or gives a return up."""

        async def done() -> WebAnswer:
            body = await request.body()
            given = _fields(body)
            self._require_own(request, given)
            match given.get("step"):
                case "confirm":
                    return await self._confirm(request, given)
                case "give_up":
                    return await self._give_up(request, given)
                case "label":
                    return await self._want_label(request, given)
                case _:
                    return await self._look(request, given)

        return await self._guarded(request, done)

    def _require_own(self, request: Web, given: Mapping[str, str]) -> None:
        """Raises Forged for what another site made this browser send, or made up."""
        site = request.headers.get("sec-fetch-site")
        try:
            mac = bytes.fromhex(given.get("form", ""))
        except ValueError:
            mac = b""
        fits = self._keyring.mac_fits(mac, request.path_params["token"].encode(), "return-form")
        if site not in {None, "same-origin", "none"} or not fits:
            raise Forged

    def _order_id(self, request: Web) -> OrderId:
        found = self._links.returned_by(request.path_params["token"], utcnow())
        if found is None:
            raise NotFound(kind="order")
        return OrderId(found)

    async def _look(self, request: Web, given: Mapping[str, str], refused: str = "") -> WebAnswer:
        order_id = self._order_id(request)
        async with self._database.read() as reader:
            view = await portal(reader, order_id, utcnow())
            wish = read(view, given)
            options = await options_of(reader, view.order, wish)
            home = await home_of(reader, view.order)
        if not wish.units:
            told = refused or N_("Choose what you want to return, and how many.")
            return await self._show(request, Shown(given, refused=told), view, 422)
        try:
            foreseen, _ = await foresee(self._database, Context(ACTOR), draft(view, wish, options), home.id)
        except Refusal as refusal:
            told = _REFUSED.get(refusal.code, _OTHERWISE)
            return await self._show(request, Shown(given, options=options, refused=told), view, 422)
        key = "" if foreseen.refused or lacking(wish, options) else (given.get("key", "")[:64] or uuid4().hex)
        shown = Shown(given, foreseen, options, refused, key)
        return await self._show(request, shown, view, 422 if refused else 200)

    async def _confirm(self, request: Web, given: Mapping[str, str]) -> WebAnswer:
        order_id, key = self._order_id(request), given.get("key", "")[:64]
        if not key.isalnum():
            return await self._look(request, given)
        digest = idempotency.fingerprint("POST", request.url.path, key.encode())
        for attempt in range(_TRIES):
            try:
                text = await self._announced(order_id, key, digest, given)
            except Contended:
                if attempt == _TRIES - 1:
                    raise
            except Refusal as refusal:
                return await self._look(request, given, _REFUSED.get(refusal.code, _OTHERWISE))
            else:
                await self._buy_labels(order_id)
                return _redirect(f"{request.url.path}{_chosen(request)}#{text}")
        raise AssertionError

    async def _announced(self, order_id: OrderId, key: str, digest: bytes, given: Mapping[str, str]) -> str:
        """The code of the return: made now, or when the button was pressed before."""
        scope = f"return:{order_id}"
        async with self._database.transaction(Context(ACTOR)) as tx:
            await idempotency.lock(tx, scope, key)
            known = await idempotency.lookup(tx, scope, key, digest)
            if known is not None:
                return msgspec.json.decode(known.answer, type=str)
            code = changes.return_code((await announce(tx, order_id, given)).number)
            await idempotency.store(tx, scope, key, digest, 303, msgspec.json.encode(code))
            return code

    # The label that we buy

    async def _want_label(self, request: Web, given: Mapping[str, str]) -> WebAnswer:
        order_id = self._order_id(request)
        try:
            async with self._database.transaction(Context(ACTOR)) as tx:
                case = await _own(tx, order_id, given.get("return", ""))
                await changes.want_label(tx, case.id)
        except NotFound:
            raise
        except Refusal:
            log.info("a label was asked for that is not given")
            return _redirect(request.url.path + _chosen(request))
        await self._buy_labels(order_id)
        return _redirect(f"{request.url.path}{_chosen(request)}#{changes.return_code(case.number)}")

    async def _buy_labels(self, order_id: OrderId) -> None:
        """Buys what the buyer wants now, and waits for it for a moment: a carrier that is slow or away is asked on without the
        buyer, and by the worker.
        """
        if self._labels is None:
            return
        async with self._database.read() as reader:
            wanted = [one.id for one in await changes.returns_of(reader, order_id) if wants_label(one)]
        for case_id in wanted:
            task = asyncio.create_task(self._buy_label(self._labels, case_id), name="return-label")
            self._buying.add(task)
            task.add_done_callback(self._buying.discard)
            await asyncio.wait({task}, timeout=_LABEL_WITHIN)

    async def _buy_label(self, labels: ReturnLabels, case_id: ReturnCaseId) -> None:
        """What goes wrong stands in the return, and on its page."""
        try:
            await labels.obtain(case_id, Context(ACTOR))
        except (Refusal, Fault) as problem:
            log.warning("a label for a return was not bought", code=problem.code)

    # Pictures

    async def add_pictures(self, request: Web) -> WebAnswer:
        """Pictures of what is wrong with it, by its buyer, while the return is open."""

        async def added() -> WebAnswer:
            who = address_key(request.client.host if request.client is not None else "")
            self._pictures.take(f"pictures {who}")
            order_id = self._order_id(request)
            form = await request.form()
            self._require_own(request, {"form": str(form.get("form", ""))})
            async with self._database.read() as reader:
                case = await _own(reader, order_id, request.path_params["return_id"])
            files = [one for _, one in form.multi_items() if isinstance(one, UploadFile) and one.filename][:AT_ONCE]
            told = ""
            if case.state not in OPEN or not files:
                told = _NO_PICTURE
            else:
                try:
                    made = await drawn([(one.filename, await one.read()) for one in files])
                    async with self._database.transaction(Context(ACTOR)) as tx:
                        await changes.add_pictures(tx, case.id, made, by_buyer=True)
                except NotFound:
                    raise
                except Refusal as refusal:
                    told = _REFUSED.get(refusal.code, _NO_PICTURE)
            there = self._address(request)
            if told:
                return await self._show(request, Shown({}, refused=told, about=_text_of(case)), status=422, here=there)
            return _redirect(f"{there}{_chosen(request)}#{changes.return_code(case.number)}")

        return await self._guarded(request, added)

    async def picture(self, request: Web) -> WebAnswer:
        """A small one of the buyer's own: JPEG that we have drawn ourselves."""

        async def shown() -> WebAnswer:
            order_id = self._order_id(request)
            try:
                picture_id = PictureId(from_text(PICTURE_PREFIX, request.path_params["picture_id"].removesuffix(".jpg")))
            except ValueError as problem:
                raise NotFound(kind="picture") from problem
            async with self._database.read() as reader:
                case = await _own(reader, order_id, request.path_params["return_id"])
                found, content = await changes.picture(reader, case.id, picture_id, small=True)
            if found.added_by != ACTOR:
                raise NotFound(kind="picture")
            return Response(content, media_type="image/jpeg", headers={**_HEADERS, "Content-Disposition": "inline"})

        return await self._guarded(request, shown)

    def _address(self, request: Web) -> str:
        """Of the page of the order."""
        return f"{RETURN}/{request.path_params['token']}"

    async def _give_up(self, request: Web, given: Mapping[str, str]) -> WebAnswer:
        order_id = self._order_id(request)
        try:
            async with self._database.transaction(Context(ACTOR)) as tx:
                await changes.cancel_return(tx, (await _own(tx, order_id, given.get("return", ""))).id)
        except NotFound:
            raise
        except Refusal:
            log.info("a return was given up too late")
        return _redirect(request.url.path + _chosen(request))

    async def _show(
        self, request: Web, shown: Shown, view: Portal | None = None, status: int = 200, here: str = ""
    ) -> WebAnswer:
        async with self._database.read() as reader:
            view = await portal(reader, self._order_id(request), utcnow()) if view is None else view
            pictures = {
                _text_of(one.case): [
                    to_text(PICTURE_PREFIX, own.id)
                    for own in await changes.pictures_of(reader, one.case.id)
                    if own.added_by == ACTOR
                ]
                for one in view.coming
            }
        language = self._language(request, view)
        order = view.order
        one = shown.foreseen

        def money(amount: int) -> str:
            return formatting.money(amount, order.currency, language)

        async with self._database.read() as reader:
            brand = await look_of(reader, view.order.channel_code)
        text = render(
            "return.html",
            language,
            brand,
            view=view,
            order=order,
            shown=shown,
            one=one,
            pays=0 if one is None else max(0, one.costs - one.worth + one.fee),
            told=returning_words,
            money=money,
            day=partial(format_date, format="long", locale=language),
            qr=qr,
            ways=list(Way),
            monies=list(Money),
            reasons=list(returning_words.REASONS),
            form=self._keyring.mac(request.path_params["token"].encode(), "return-form").hex(),
            here=here or request.url.path,
            pictures=pictures,
            most_pictures=changes.MOST_BY_BUYER,
            accept=ACCEPT,
            prepaid=any(line.verdict is not None and line.verdict.prepaid for line in view.lines) and self._labels is not None,
            chosen=_chosen(request),
            back=self._links.tracking(order.id, utcnow()),
            text_of=_text_of,
        )
        return self._html(text, status)

    # Papers

    async def paper(self, request: Web) -> WebAnswer:
        """The slip or the label of a return of this order."""

        async def printed() -> WebAnswer:
            order_id, kind = self._order_id(request), request.path_params["paper"].removesuffix(".pdf")
            if kind not in {"slip", "label"}:
                raise NotFound(kind="paper")
            async with self._database.read() as reader:
                case = await _own(reader, order_id, request.path_params["return_id"])
                found = await papers(reader, case)
            bought = await self._labels.document(case.id) if kind == "label" and self._labels is not None else None
            if bought is not None:
                label, content = bought
                name = quote(f"{changes.return_code(case.number)}-label.{label.format.value}")
                headers = _HEADERS | {"Content-Disposition": f"inline; filename*=UTF-8''{name}"}
                return Response(content, media_type=TYPES[label.format], headers=headers)
            content = await documents.render(found.slip() if kind == "slip" else found.label(), found.locale)
            name = quote(f"{changes.return_code(case.number)}-{kind}.pdf")
            headers = _HEADERS | {"Content-Disposition": f"inline; filename*=UTF-8''{name}"}
            return Response(content, media_type="application/pdf", headers=headers)

        return await self._guarded(request, printed)

    # Around the pages

    async def _guarded(self, request: Web, page: Callable[[], Awaitable[WebAnswer]]) -> WebAnswer:
        """Who asks too often, addresses that lead nowhere, forms of others, a database or a printer that is away."""
        try:
            self._strangers.take(address_key(request.client.host if request.client is not None else ""))
            return await page()
        except TooManyRequests as refused:
            seconds = max(1, round(float(str(refused.data["retry_after"]))))
            return self._told(request, "too_many", 429, {"Retry-After": str(seconds)})
        except NotFound:
            return self._told(request, "missing", 404)
        except Forged:
            return self._told(request, "forged", 403)
        except Fault as fault:
            log.warning("a page for a return could not be given", code=fault.code)
            return self._told(request, "fault", 503, {"Retry-After": str(max(1, round(fault.retry_after or 2)))})

    def _language(self, request: Web, view: Portal | None) -> str:
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


def _route(
    path: str, method: Literal["GET", "POST"], handler: Callable[[Web], Awaitable[WebAnswer]], *, most: int = _MOST_BYTES
) -> HTTPRouteHandler:
    async def answer_page(request: Web) -> WebAnswer:  # a function: the framework copies what methods are bound to
        return await handler(request)

    methods: list[Any] = ["GET", "HEAD"] if method == "GET" else ["POST"]
    return HTTPRouteHandler(path, http_method=methods, status_code=200, include_in_schema=False, request_max_body_size=most)(
        answer_page
    )


def _chosen(request: Web) -> str:
    """What the addresses of further pages carry, where a language was chosen."""
    chosen = request.query_params.get("lang", "")
    return f"?lang={chosen}" if chosen in i18n.LANGUAGES else ""


def _redirect(location: str) -> WebAnswer:
    return Response(None, status_code=303, headers={"Location": location, **_HEADERS})


def _fields(body: bytes) -> dict[str, str]:
    """Of a form; nothing of what is none."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return {}
    return {name: value.replace("\0", "") for name, value in pairs}


def _text_of(case: ReturnCase) -> str:
    return to_text(RETURN_CASE_PREFIX, case.id)


async def _own(reader: Reader, order_id: OrderId, text: str) -> ReturnCase:
    """A return of this order. Raises NotFound for another's."""
    try:
        case = await changes.get_return(reader, ReturnCaseId(from_text(RETURN_CASE_PREFIX, text)))
    except ValueError as problem:
        raise NotFound(kind="return_case") from problem
    if case.order_id != order_id:
        raise NotFound(kind="return_case")
    return case
