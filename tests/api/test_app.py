"""The whole application: API and console side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.conftest import problem
from comptoir.app import consumers, create_app, create_app_from_env
from comptoir.surfaces.services import Services


async def test_each_face_tells_in_its_own_way_what_is_not_there(services: Services) -> None:
    transport: Any = httpx2.ASGITransport(app=create_app(services))  # pyright: ignore[reportArgumentType]
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        problem(await client.get("/v1/nope"), 404, "unknown_route")
        problem(await client.delete("/v1/orders"), 405, "method_not_allowed")
        problem(await client.get("/v1/orders", headers={"cookie": "comptoir=x"}), 401, "unauthenticated")
        page = await client.get("/nowhere")
        assert page.status_code == 404
        assert page.headers["content-type"].startswith("text/html")
        assert (await client.get("/docs")).status_code == 200
        assert (await client.get("/readyz")).json() == {"status": "ready"}


def test_every_consumer_has_a_name_of_its_own(services: Services) -> None:
    names = [one.name for one in consumers(services)]
    assert set(names) == {
        "orders.promises", "orders.trade", "orders.customers", "fulfilment.release", "fulfilment.counts",
        "fulfilment.third_parties", "changes.third_parties", "invoicing.issue", "tracking.parcels",
        "notices.outbox", "purchasing.follow", "webhooks", "tracking.damages", "returns.undelivered", "returns.credit",
        "returns.parcels", "lots.transfers",
    }  # fmt: skip
    assert len(set(names)) == len(names)


async def test_a_server_that_makes_the_application_itself(
    shop_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", shop_url)
    monkeypatch.setenv("COMPTOIR_DATA", str(tmp_path))
    monkeypatch.setattr("comptoir.app.log.setup", lambda *_: None)
    app = create_app_from_env()
    transport: Any = httpx2.ASGITransport(app=app)  # pyright: ignore[reportArgumentType]
    async with app.lifespan(), httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        assert (await client.get("/readyz")).json() == {"status": "ready"}
