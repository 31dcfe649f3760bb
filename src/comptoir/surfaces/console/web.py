"""How a page of the console is answered: who is there, may they, is this really their form, and what to say when it fails.

A page is a function of a `Visit`, put into an `Area`:

    orders = Area("orders")

    @orders.get("/orders/{order_id:str}", Permission.ORDERS_READ)
    async def order_page(visit: Visit) -> Answer:
        async with visit.read() as reader:
            ...
        return visit.respond("orders/detail.html", order=order)

Everything around it happens here, for every page alike: session, permission, cross-site checks, the tokens of forms, request
id, security headers, and the pages that tell of a refusal or a fault. See console/README.md, "How to answer a request".
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import urlencode, urlsplit

import structlog
from litestar import Litestar, Response
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, NotFound, Refusal
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.staff.errors import Unauthenticated
from comptoir.runtime import log
from comptoir.runtime.database import DatabaseUnavailable
from comptoir.runtime.limits import TooManyRequests
from comptoir.surfaces.console.exporting import plain_amount
from comptoir.surfaces.console.guarding import SAFE_METHODS, ForeignForm, Rule, prepare, recognise, stranger
from comptoir.surfaces.console.rendering import render, render_error
from comptoir.surfaces.console.visits import PAGE_SIZE, REMEMBER_FOR, Answer, Console, Done, Needs, Visit, Web

__all__ = [
    "PAGE_SIZE",
    "REMEMBER_FOR",
    "Answer",
    "Area",
    "Console",
    "Done",
    "ForeignForm",
    "Needs",
    "Visit",
    "Web",
    "mounted",
    "own_address",
    "plain_amount",
    "unknown_address",
]

logger = structlog.get_logger("comptoir.console")

Handler = Callable[[Visit], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    rule: Rule


class Area:
    """The pages of one place. `place` is the NavItem that they stand under."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.routes: list[Route] = []

    def get(self, path: str, permission: Permission | None = None, *, public: bool = False) -> Callable[[Handler], Handler]:
        """A page for whoever has the permission; None is whoever is signed in, `public` is anybody."""
        return self._add("GET", path, permission, public=public)

    def post(self, path: str, permission: Permission | None = None, *, public: bool = False) -> Callable[[Handler], Handler]:
        return self._add("POST", path, permission, public=public)

    def _add(
        self, method: Literal["GET", "POST"], path: str, permission: Permission | None, *, public: bool
    ) -> Callable[[Handler], Handler]:
        def keep(handler: Handler) -> Handler:
            self.routes.append(Route(method, path, handler, Rule(self.place, permission, public)))
            return handler

        return keep


def mounted(console: Console, areas: Sequence[Area]) -> list[HTTPRouteHandler]:
    """The areas' pages as Litestar's route handlers."""
    return [_mounted(console, route) for area in areas for route in area.routes]


def _mounted(console: Console, route: Route) -> HTTPRouteHandler:
    async def answer_page(request: Web) -> Answer:
        return await answer(console, route, request)

    methods: list[Any] = ["GET", "HEAD"] if route.method == "GET" else ["POST"]
    return HTTPRouteHandler(route.path, http_method=methods, status_code=200, include_in_schema=False)(answer_page)


async def answer(console: Console, route: Route, request: Web) -> Answer:
    """Everything that happens around a page."""
    given = log.request_id.get()
    with contextlib.nullcontext(given) if given else log.request(request.headers.get("x-request-id", "")) as request_id:
        visit = Visit(console, request, stranger(request, request_id, route.rule.place))
        try:
            await prepare(visit, route.rule, route.path)
            return await route.handler(visit)
        except (Refusal, Fault, HTTPException) as problem:
            return failed(visit, problem)
        except Exception:
            logger.exception("page_failed", path=request.url.path)
            return visit.html(render_error(visit.page, 500), 500)


def failed(visit: Visit, problem: Exception) -> Answer:
    """The answer to a page that could not be given."""
    match problem:
        case Unauthenticated():
            return _sign_in_first(visit)
        case Refusal():
            # That it is not there is what the page itself says.
            detail = "" if type(problem) is NotFound else visit.refusal(problem)
            response = visit.html(render_error(visit.page, problem.status, detail=detail), problem.status)
            if isinstance(problem, TooManyRequests):
                response.headers["Retry-After"] = str(max(1, round(float(str(problem.data["retry_after"])))))
            return response
        case Fault():
            logger.warning("fault", code=problem.code, detail=problem.detail, path=visit.request.url.path)
            status = 503 if isinstance(problem, DatabaseUnavailable) else 502
            response = visit.html(render_error(visit.page, 503), status)
            response.headers["Retry-After"] = str(max(1, round(problem.retry_after or 2)))
            return response
        case HTTPException():
            status = problem.status_code
            return visit.html(render_error(visit.page, status), status)
        case _:
            logger.error("page_failed", exc_info=problem, path=visit.request.url.path)
            return visit.html(render_error(visit.page, 500), 500)


def _sign_in_first(visit: Visit) -> Answer:
    if visit.is_fragment:
        return visit.html("", 401)
    if visit.request.method in SAFE_METHODS:
        return visit.redirect("/sign-in?" + urlencode({"next": visit.page.url}) if visit.page.url != "/" else "/sign-in")
    back = urlsplit(visit.request.headers.get("referer", ""))
    text = render(
        "sign_in.html",
        visit.page,
        error=visit.say(N_("You have been signed out. What you typed is kept on this device.")),
        email="",
        next=own_address(back.path + (f"?{back.query}" if back.query else "")),
    )
    # What was typed has not been accepted: app.js brings it back after the sign-in.
    return visit.html(text.replace('<main class="sign-in"', '<main class="sign-in" data-failed', 1), 401)


def own_address(text: str) -> str:
    """The address to go on to, when it is one of ours; else the start."""
    ours = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text if ours and not text.startswith("/sign-") else "/"


def unknown_address(console: Console, request: Web, problem: Exception) -> Answer:
    """For the application's exception handlers: what no page answered, as a page that knows who is there."""

    async def told() -> Answer:
        given = log.request_id.get()
        with contextlib.nullcontext(given) if given else log.request(request.headers.get("x-request-id", "")) as request_id:
            visit = Visit(console, request, stranger(request, request_id))
            with contextlib.suppress(Fault):
                await recognise(visit, "")
            return failed(visit, problem)

    return _Later(told)


class _Later(Response[bytes]):
    """An answer that is made while it is sent: an exception handler cannot wait for the database, its answer can."""

    def __init__(self, make: Callable[[], Awaitable[Answer]]) -> None:
        super().__init__(b"")
        self._make = make

    def to_asgi_response(self, app: Litestar | None, request: Web, **options: Any) -> ASGIResponse:
        async def send_it(scope: Scope, receive: Receive, send: Send) -> None:
            made: Any = await self._make()
            await made.to_asgi_response(app, request, **options)(scope, receive, send)

        return cast("ASGIResponse", send_it)
