"""The whole application on a real database, asked without a network between."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
import pytest_asyncio

from comptoir.app import Application
from comptoir.kernel.ids import to_text
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Database
from comptoir.runtime.embedded import EmbeddedPostgres
from comptoir.runtime.limits import Limiter
from comptoir.runtime.settings import Settings
from comptoir.surfaces.api.routes import routes
from comptoir.surfaces.services import Services, open_services
from support.shop import Shop

_serial = itertools.count()


@dataclass
class Api:
    """Asks as the holder of a token with every scope, unless another is named."""

    services: Services
    app: Application
    client: httpx2.AsyncClient
    shop: Shop
    token: str

    async def new_token(self, *scopes: Scope) -> str:
        async with self.services.database.transaction() as tx:
            _, secret = await staff.create_token(tx, "test", scopes)
        return secret

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **params: Any,
    ) -> httpx2.Response:
        given = {"authorization": f"Bearer {self.token if token is None else token}"} | dict(headers or {})
        if key is not None:
            given["idempotency-key"] = key
        if isinstance(body, bytes):
            given.setdefault("content-type", "application/json")
            return await self.client.request(method, path, content=body, headers=given, params=params or None)
        return await self.client.request(method, path, json=body, headers=given, params=params or None)

    async def get(self, path: str, **more: Any) -> httpx2.Response:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx2.Response:
        return await self.ask("POST", path, body, **more)

    async def patch(self, path: str, body: Any, **more: Any) -> httpx2.Response:
        return await self.ask("PATCH", path, body, **more)

    def location(self, code: str) -> str:
        return to_text("loc", self.shop.locations[code])

    async def counted(self, table: str) -> int:
        async with self.services.database.read() as reader:
            return await reader.value(f"SELECT count(*) FROM {table}")


async def fed(api: Api, kind: str, count: int) -> list[dict[str, Any]]:
    """The feed's events of a kind, as soon as there are so many: it waits for whatever is being written, also elsewhere."""
    for _ in range(200):
        found = (await api.get("/v1/events", type=kind)).json()["items"]
        if len(found) >= count:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"there are not {count} events of {kind}")


def problem(response: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """What a failure says, when it is the one that is expected."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert (told["status"], told["code"]) == (status, code), told
    assert told["type"] == f"/docs/errors#{code}"
    assert told["request_id"] == response.headers["x-request-id"]
    assert told["title"]
    return told


async def furnish(shop: Shop) -> None:
    """A shop that sells tea and coffee from Paris and Lyon through the channel `web`."""
    await shop.market()
    await shop.location("paris", latitude=48.8566, longitude=2.3522)
    await shop.location("lyon", LocationKind.STORE, latitude=45.7606, longitude=4.8610, pickup=True)
    await shop.channel("web", ["paris", "lyon"])
    await shop.product("TEA", 500, stock={"paris": 10, "lyon": 5})
    await shop.product("COFFEE", 1200, stock={"lyon": 4})


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def furnished(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[tuple[str, Shop, str]]:
    """The name of a database with the shop in it, the shop, and a token with every scope."""
    name = f"api_{os.getpid()}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
        async with Database(postgres.url(name)) as database:
            shop = Shop(database)
            await furnish(shop)
            async with database.transaction() as tx:
                _, token = await staff.create_token(tx, "test", list(Scope))
        yield name, shop, token
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def shop_url(postgres: EmbeddedPostgres, furnished: tuple[str, Shop, str]) -> Iterator[str]:
    """A copy of the shop's database, gone after the test."""
    name = f"{furnished[0]}_{next(_serial)}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {furnished[0]} STRATEGY FILE_COPY".encode())
        yield postgres.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest_asyncio.fixture
async def services(shop_url: str, tmp_path: Path) -> AsyncIterator[Services]:
    settings = Settings(data=tmp_path, given_secret="x" * 40)
    async with open_services(settings, shop_url) as opened:
        yield replace(opened, may_call_private=True, strangers=Limiter(burst=10_000, seconds=0.01))


@pytest_asyncio.fixture
async def api(services: Services, furnished: tuple[str, Shop, str]) -> AsyncIterator[Api]:
    answer, handlers = routes(services)
    app = Application(handlers, openapi_config=None, logging_config=None)
    app.answer_api = answer
    _, original, token = furnished
    shop = Shop(services.database, dict(original.locations), dict(original.terms))
    transport: Any = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield Api(services, app, client, shop, token)
