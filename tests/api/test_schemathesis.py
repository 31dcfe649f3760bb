"""Whatever fits the description is answered as it says; whatever does not is refused; nothing breaks.

schemathesis makes the requests from the OpenAPI document. What it cannot know is that a well-formed order may name a SKU that
nobody sells: such refusals (409, 412, 422) are fine, except `invalid_request`, which would say that the description and the
decoder disagree.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import negative_data_rejection

from api.conftest import furnish
from comptoir.app import Application
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.embedded import EmbeddedPostgres
from comptoir.runtime.limits import Limiter
from comptoir.runtime.settings import Settings
from comptoir.surfaces.api.routes import description, routes
from comptoir.surfaces.services import open_services
from support.effort import examples
from support.made_later import build_operations_later
from support.shop import Shop

T = TypeVar("T")

EXAMPLES = examples(2)
"""For each operation and way of making requests, beside those that cover every keyword of the schemas."""
PATIENCE = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
REFUSALS = ["2xx", "401", "403", "404", "409", "412", "422", "429"]


class Far:
    """The application on an event loop of its own, in a thread: schemathesis asks without one, and the pool belongs to one."""

    def __init__(self) -> None:
        self._app: Any = None
        self._loop: Any = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["path"] == "/openapi.json" and self._app is None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
            await send({"type": "http.response.body", "body": msgspec.json.encode(DOCUMENT)})
        else:
            for message in await asyncio.wrap_future(
                asyncio.run_coroutine_threadsafe(self._answer(scope, await _body(receive)), self._loop)
            ):
                await send(message)

    async def _answer(self, scope: Any, body: bytes) -> list[Any]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        return sent

    @asynccontextmanager
    async def _shop(self, url: str, folder: Path) -> AsyncGenerator[str]:
        async with open_services(Settings(data=folder, given_secret="x" * 40), url) as opened:
            services = replace(opened, may_call_private=True, strangers=Limiter(burst=10**6, seconds=0.001))
            await furnish(Shop(services.database))
            async with services.database.transaction() as tx:
                _, token = await staff.create_token(tx, "schemathesis", list(Scope))
            answer, handlers = routes(services)
            self._app = Application(handlers, openapi_config=None, logging_config=None)
            self._app.answer_api = answer
            yield token

    def serving(self, url: str, folder: Path) -> Iterator[str]:
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        shop = self._shop(url, folder)
        yield self.run(shop.__aenter__())
        self.run(shop.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        thread.join(10)
        self._loop.close()


async def _body(receive: Any) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


build_operations_later()
DOCUMENT: Any = description("http://testserver")
far = Far()
_serial = itertools.count()
schema: Any = schemathesis.openapi.from_asgi(
    "/openapi.json",
    far,
    config=schemathesis.Config.from_dict(
        {
            "generation": {"max-examples": EXAMPLES, "allow-x00": True},
            "checks": {"positive_data_acceptance": {"expected-statuses": REFUSALS}},
        }
    ),
)


@pytest.fixture(scope="session")
def token(postgres: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the application that is being asked; one for each worker."""
    name = f"schemathesis_{os.getpid()}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
        yield from far.serving(postgres.url(name), tmp_path_factory.mktemp("schemathesis"))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def description_and_decoder_agree(_: Any, response: Any, case: Any) -> None:
    """What fits the description has the form that is asked for, but for 2.0, which JSON Schema takes for a whole number."""
    generated = case.meta.generation.mode if case.meta else None
    if generated == schemathesis.GenerationMode.POSITIVE and response.status_code == 422 and "`float`" not in response.text:
        told = response.json()
        in_the_body = [error for error in told.get("errors", []) if error["path"].startswith("/")]  # headers lose their quotes
        assert told["code"] != "invalid_request" or not in_the_body, response.text


def one_of_a_list(case: Any) -> bool:
    """Whether a parameter that may come several times comes as bare text: on the wire that is a list of one, and no mistake."""
    described = DOCUMENT["paths"][case.operation.path][case.operation.method.lower()]["parameters"]
    lists = {one["name"] for one in described if one["schema"].get("type") == "array"}
    return any(isinstance(value, str) for name, value in (case.query or {}).items() if name in lists)


# Hypothesis watches the state of `random` while it draws. The application's pool, in its own thread, draws lots as well.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning")
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
def test_whatever_is_asked_is_answered_as_described(case: Any, token: str) -> None:
    case.call_and_validate(
        headers={"Authorization": f"Bearer {token}"},
        additional_checks=[description_and_decoder_agree],
        excluded_checks=[negative_data_rejection] if one_of_a_list(case) else [],
    )
