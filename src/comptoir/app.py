"""The composition root: the one place that knows every part of Comptoir."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp

from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.lots import api as lots
from comptoir.modules.notices import api as notices
from comptoir.modules.orders import api as orders
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.tracking import api as tracking
from comptoir.modules.webhooks import subscribers as webhooks
from comptoir.runtime import log
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.embedded import EmbeddedPostgres
from comptoir.runtime.settings import Settings
from comptoir.surfaces import changing, coming_back, credited_returns, damages, invoicing, return_labels
from comptoir.surfaces.api import routes as api
from comptoir.surfaces.api.identifiers import outward
from comptoir.surfaces.api.mounting import ROOT
from comptoir.surfaces.console import pages
from comptoir.surfaces.console.web import unknown_address
from comptoir.surfaces.documents import api as documents
from comptoir.surfaces.outside import Outside
from comptoir.surfaces.pools import pool_id_of, pool_of
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.services import Services

Web = Request[Any, Any, Any]
Life = Callable[[Litestar], AbstractAsyncContextManager[None]]


class Application(Litestar):
    """The API's addresses are answered before the framework looks for a route: it has nothing to add to them but its time."""

    answer_api: ASGIApp

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and f"{scope['path']}/".startswith(ROOT):
            await self.answer_api(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(services: Services, *life: Life) -> Litestar:
    """The web application of one process. `services` are opened by whoever runs it, or by what is given as `life`."""
    console = pages.console(services)
    answer, handlers = api.routes(services)
    outside = Outside(services)
    routes: list[BaseRouteHandler] = [*handlers, *outside.routes(), *pages.routes(services, console)]

    def told(request: Web, problem: Exception) -> Response[Any]:
        """What no route answered."""
        return unknown_address(console, request, problem)

    app = Application(
        routes,
        openapi_config=None,
        logging_config=None,
        exception_handlers=cast("Any", {HTTPException: told, Exception: told}),
        on_startup=[console.start],
        on_shutdown=[console.stop, documents.close],
        lifespan=[*life],
    )
    app.answer_api = answer
    return app


@contextlib.asynccontextmanager
async def settled(_: Litestar) -> AsyncGenerator[None]:
    """For a process that serves one application as long as it lives: what is loaded now stays, so that the collector need not
    look at it again, and may look at the rest rarely. Its pauses were the largest single entry in the profile of the capture
    path. Whoever makes one application after the other would keep them all.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
    yield


def create_app_from_env() -> Litestar:
    """For servers that make the application themselves in each of their processes: `uvicorn --factory`.

    Everything comes from the environment; the embedded server, where it is used, is started by somebody else.
    """
    settings = Settings.load()
    log.setup(settings.log, settings.log_level)
    services = Services.assemble(settings, settings.database_url or EmbeddedPostgres(settings.data).url())

    @contextlib.asynccontextmanager
    async def running(_: Litestar) -> AsyncGenerator[None]:
        async with services.running():
            yield

    return create_app(services, running, settled)


def consumers(services: Services) -> Sequence[Consumer]:
    """Who follows the event log: what the worker runs."""
    links = PublicLinks(services.keyring, services.settings.public_url)
    return (
        *orders.consumers(pool_of),
        *fulfilment.consumers(pool_id_of),
        *tracking.consumers(),
        *purchasing.consumers(),
        *lots.consumers(),
        *notices.consumers(services.keyring, links),
        return_labels.consumer(),
        changing.consumer(),
        invoicing.consumer(),
        coming_back.consumer(),
        damages.consumer(),
        credited_returns.consumer(services.settings),
        webhooks.consumer(outward),
    )
