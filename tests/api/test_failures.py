from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx2
import psycopg
import pytest

from api.conftest import Api, problem
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.limits import Limiter
from comptoir.surfaces.api import orders as orders_routes

LINES = [{"sku": "TEA", "quantity": 1}]
ORDER: dict[str, Any] = {"channel": "web", "lines": LINES}


async def test_an_address_that_there_is_not(api: Api) -> None:
    for path in ("/v1", "/v1/nope", "/v1/orders/x/y/z", "/v1/orders/%ff", "/v1//orders"):
        problem(await api.get(path), 404, "unknown_route")


async def test_a_method_that_an_address_has_not(api: Api) -> None:
    answer = await api.ask("DELETE", "/v1/orders")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"


async def test_head_is_get_without_a_body(api: Api) -> None:
    answer, full = await api.ask("HEAD", "/v1/orders"), await api.get("/v1/orders")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == full.headers["content-length"]


async def test_without_a_token_nobody_gets_in(api: Api) -> None:
    for headers in (
        {},
        {"authorization": ""},
        {"authorization": "Basic x"},
        {"authorization": "Bearer"},
        {"cookie": "session=x"},
    ):
        answer = await api.client.get("/v1/orders", headers=headers)
        told = problem(answer, 401, "unauthenticated")
        assert told["data"]["reason"] == "missing"
        assert answer.headers["www-authenticate"] == 'Bearer realm="comptoir"'


async def test_a_token_that_is_none(api: Api) -> None:
    told = problem(await api.get("/v1/orders", token="ctk_nonsense"), 401, "unauthenticated")
    assert told["data"]["reason"] == "unknown"


async def test_a_revoked_token_gets_in_no_more(api: Api) -> None:
    made = (await api.post("/v1/tokens", {"name": "till", "scopes": ["orders:read"]})).json()
    assert (await api.get("/v1/orders", token=made["secret"])).status_code == 200
    assert (await api.post(f"/v1/tokens/{made['id']}/revoke")).status_code == 200
    told = problem(await api.get("/v1/orders", token=made["secret"]), 401, "unauthenticated")
    assert told["data"]["reason"] == "revoked"


async def test_a_scope_that_is_lacking_is_named(api: Api) -> None:
    reader = await api.new_token(Scope.ORDERS_READ)
    assert (await api.get("/v1/orders", token=reader)).status_code == 200
    told = problem(await api.post("/v1/orders", ORDER, token=reader), 403, "not_permitted")
    assert told["data"] == {"scope": "orders:write"}
    assert await api.counted("orders.orders") == 0


async def test_whoever_guesses_tokens_is_slowed_down_and_others_are_not(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    guarded = Limiter(burst=3, seconds=60)
    monkeypatch.setattr(type(api.services), "strangers", guarded)
    assert (await api.get("/v1/me")).status_code == 200
    for _ in range(3):
        problem(await api.get("/v1/me", token="ctk_guess"), 401, "unauthenticated")
    answer = await api.get("/v1/me", token="ctk_guess")
    problem(answer, 429, "too_many_requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert (await api.get("/v1/me")).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"channel": }',
        b"\xff\xfe",
        b'{"channel": "\xff"}',
        b'{"channel": "\\ud800"}',
        b'{"channel": "a\x00b"}',
        b"[" * 100_000,
    ],
    ids=["empty", "open", "gap", "utf16", "latin1", "surrogate", "raw-nul", "deep"],
)
async def test_what_is_no_json(api: Api, body: bytes) -> None:
    answer = await api.post("/v1/orders", body)
    assert answer.status_code in {400, 422}
    problem(answer, answer.status_code, "malformed_json" if answer.status_code == 400 else "invalid_request")


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ([], "", "Expected `object`, got `array`"),
        ({"lines": LINES}, "", "Object missing required field `channel`"),
        (ORDER | {"colour": "red"}, "", "Object contains unknown field `colour`"),
        (ORDER | {"channel": 1}, "/channel", "Expected `str`, got `int`"),
        (ORDER | {"lines": []}, "/lines", "Expected `array` of length >= 1"),
        (
            {"channel": "web", "lines": [*LINES, {"sku": "TEA", "quantity": "2"}]},
            "/lines/1/quantity",
            "Expected `int`, got `str`",
        ),
        ({"channel": "web", "lines": [{"sku": "TEA", "quantity": 0}]}, "/lines/0/quantity", "Expected `int` >= 1"),
        (
            {"channel": "web", "lines": [{"sku": "TEA", "quantity": 10**30}]},
            "/lines/0/quantity",
            "Expected `int` <= 1000000000",
        ),
        ({"channel": "web", "lines": [{"sku": "TEA", "quantity": 1.5}]}, "/lines/0/quantity", "Expected `int`, got `float`"),
        (ORDER | {"fill": "some"}, "/fill", "Invalid enum value 'some'"),
        (ORDER | {"lines": LINES * 501}, "/lines", "Expected `array` of length <= 500"),
    ],
)
async def test_what_has_not_the_form_that_is_asked_for(api: Api, body: Any, path: str, message: str) -> None:
    told = problem(await api.post("/v1/orders", body), 422, "invalid_request")
    assert told["errors"] == [{"path": path, "message": message}]


async def test_nul_is_refused_wherever_it_stands(api: Api) -> None:
    told = problem(await api.post("/v1/orders", ORDER | {"tags": ["a", "b\0"]}), 422, "invalid_request")
    assert told["errors"][0]["path"] == "/tags/1"
    note = {"note": "a\0b"}
    order = (await api.post("/v1/orders", ORDER)).json()["id"]
    problem(await api.post(f"/v1/orders/{order}/notes", note), 422, "invalid_request")
    problem(await api.get("/v1/orders", search="a\0b"), 422, "invalid_request")
    problem(await api.get("/v1/availability/a%00b", channel="web"), 422, "invalid_request")
    problem(await api.get("/v1/channels/a%00b"), 422, "invalid_request")
    assert (await api.post(f"/v1/orders/{order}/notes", {"note": "\\u0000 is not a NUL"})).status_code == 200


HOSTILE = [
    "'; DROP TABLE orders.orders; --",
    "<script>alert(1)</script>",
    "%s %(x)s {0}",
    "\u202e\ufeff",
    "🫖" * 40,
    "\\",
    '"',
    "$1",
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_text(api: Api, text: str) -> None:
    body = ORDER | {
        "buyer": {"name": text, "company": text, "purchase_order": text},
        "ship_to": {"name": text, "line1": text, "city": text},
        "note": text,
        "tags": [text],
        "external_id": text,
        "charges": [{"kind": "fee", "name": text, "amount": 1}],
        "payments": [{"kind": "captured", "method": text, "amount": 1, "reference": text}],
    }
    answer = await api.post("/v1/orders", body, key="k1")
    assert answer.status_code == 201, answer.text
    order = (await api.get(f"/v1/orders/{answer.json()['id']}")).json()
    assert (order["note"], order["tags"], order["external_id"], order["buyer"]["name"]) == (text, [text], text, text)
    assert order["ship_to"]["city"] == text
    for path in ("/v1/orders", "/v1/customers", "/v1/products", "/v1/variants", "/v1/locations", "/v1/channels"):
        assert (await api.get(path, search=text)).status_code == 200
    assert (await api.get("/v1/orders", sku=text, tag=text)).status_code == 200
    found = await api.ask(
        "GET", f"/v1/channels/web/orders/{httpx2.QueryParams({'x': text})}".replace("x=", "", 1).replace("+", "%20")
    )
    assert found.json()["id"] == order["id"]


async def test_a_body_of_another_kind(api: Api) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        problem(await api.post("/v1/orders", b"{}", headers={"content-type": kind}), 415, "unsupported_media_type")
    kind = {"content-type": "application/vnd.api+json; charset=utf-8"}
    problem(await api.post("/v1/orders", b"{}", headers=kind), 422, "invalid_request")


async def test_a_body_that_is_too_large(api: Api) -> None:
    body = b'{"note": "' + b"x" * 1_048_576 + b'"}'
    told = problem(await api.post("/v1/orders", body), 413, "body_too_large")
    assert told["data"] == {"limit": 1_048_576}

    async def parts() -> AsyncGenerator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    headers = {"authorization": f"Bearer {api.token}", "content-type": "application/json"}
    problem(await api.client.post("/v1/orders", content=parts(), headers=headers), 413, "body_too_large")
    problem(await api.post("/v1/orders", b"{}", headers={"content-length": "x"}), 413, "body_too_large")


@pytest.mark.parametrize(
    ("params", "path"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "9" * 30}, "limit"),
        ({"sort": "colour"}, "sort"),
        ({"colour": "red"}, "colour"),
        ({"has_exception": "yes"}, "has_exception"),
        ({"placed_from": "yesterday"}, "placed_from"),
        ({"placed_from": "2026-01-01T00:00:00"}, "placed_from"),
        ({"customer_id": "ord_x"}, "customer_id"),
        ({"limit": ["1", "2"]}, "limit"),
        ({"fulfilment": ["fulfilled", "lost"]}, "fulfilment"),
    ],
)
async def test_a_parameter_that_says_nothing(api: Api, params: Mapping[str, Any], path: str) -> None:
    answer = await api.client.get("/v1/orders", params=dict(params), headers={"authorization": f"Bearer {api.token}"})
    told = problem(answer, 422, "invalid_request")
    assert told["errors"][0]["path"] == f"/{path}"


async def test_a_foreign_cursor(api: Api) -> None:
    for cursor in ("x", "AAAA", "W10"):
        told = problem(await api.get("/v1/orders", cursor=cursor), 422, "invalid")
        assert told["errors"][0]["path"] == "/cursor"
    problem(await api.get("/v1/events", after="x"), 422, "invalid")
    problem(await api.get("/v1/availability/changes", after="_" * 22), 422, "invalid")


async def test_an_id_of_another_kind_names_nothing(api: Api) -> None:
    for path in ("/v1/orders/cust_01kag8v6w3e9n8r2t5y7z4c6bd", "/v1/orders/1", "/v1/orders/ord_01kag8v6w3e9n8r2t5y7z4c6bd"):
        told = problem(await api.get(path), 404, "not_found")
        assert told["data"]["kind"] == "order"


async def test_a_key_that_cannot_be_one(api: Api) -> None:
    for key in ("", " ", "k" * 256, '""'):
        told = problem(await api.post("/v1/orders", ORDER, key=key), 422, "invalid")
        assert told["errors"][0]["path"] == "Idempotency-Key"
    assert await api.counted("orders.orders") == 0


async def test_the_request_id_is_the_callers_or_a_new_one(api: Api) -> None:
    assert (await api.get("/v1/me", headers={"x-request-id": "mine-1"})).headers["x-request-id"] == "mine-1"
    for odd in ("x" * 65, "a b", "<x>"):
        assert re.fullmatch("[0-9a-f]{32}", (await api.get("/v1/me", headers={"x-request-id": odd})).headers["x-request-id"])
    placed = await api.post("/v1/orders", ORDER, headers={"x-request-id": "mine-2"})
    timeline = (await api.get(f"/v1/orders/{placed.json()['id']}/timeline")).json()["items"]
    assert [entry["request_id"] for entry in timeline] == ["mine-2"]


async def test_a_bug_tells_nothing_but_its_request(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(orders_routes.api, "find", broken)
    answer = await api.get("/v1/orders")
    problem(answer, 500, "internal_error")
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text


async def test_a_database_that_goes_away_is_told_and_comes_back(api: Api, shop_url: str) -> None:
    pool = api.services.database._pool
    pool.timeout = 0.5
    name = shop_url.rpartition("/")[2].partition("?")[0]
    admin = shop_url.replace(name, "postgres", 1)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        for answer in (
            await api.get("/v1/orders"),
            await api.get("/v1/orders"),
            await api.post("/v1/orders", ORDER, key="k1"),
            await api.get("/v1/availability/TEA", channel="web"),
            await api.post("/v1/customers", {"name": "Camille"}, key="k2"),
        ):
            told = problem(answer, 503, "database_unavailable")
            assert int(answer.headers["retry-after"]) >= 1
            assert "same Idempotency-Key" in told["detail"]
        told = problem(await api.get("/readyz"), 503, "not_ready")
        assert told["data"] == {"database": False, "migrations": False, "desk": True}
        assert (await api.get("/healthz")).json() == {"status": "ok"}
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    pool.timeout = 10
    async with asyncio.timeout(30):  # the pool tries again after a pause: until then a caller is told to come again, and does
        while (answer := await api.post("/v1/orders", ORDER, key="k1")).status_code == 503:
            problem(answer, 503, "database_unavailable")
    assert answer.status_code == 201
    assert (await api.get("/readyz")).json() == {"status": "ready"}
    assert await api.counted("orders.orders") == 1
