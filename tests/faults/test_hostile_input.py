"""What nobody means well: every field full of SQL, HTML and worse, bodies that are too much, requests that are none."""

from __future__ import annotations

import asyncio
import copy
import html
import itertools
import json
import re
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import httpx2
import psycopg
import pytest
import pytest_asyncio

from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Role, UserDraft
from comptoir.runtime.database import Database
from comptoir.runtime.embedded import EmbeddedPostgres
from support.serving import Buyer, Reply, Serving, open_shop, serving
from support.shop import Shop

PASSWORD = "a long enough phrase"
SQL = "Robert'); DROP TABLE orders.orders; --"
HTML = "<script>alert('x')</script>&amp;\"><img src=x onerror=alert(1)>"
HARMLESS = [
    SQL,
    HTML,
    "{{ 7 * 7 }}${7*7}<%= 7 %> 100% %s %(sku)s {0} {x} \\ \\x00 \\u0000 ../../etc/passwd",
    "=cmd|'/C calc'!A0 👩‍👩‍👧 Z͑ͫ̓ﷺ İıſß é",
]
"""Unpleasant, but text: it comes out as it went in, or is refused because of what the field is."""
HARMFUL = ["a\0b", "a\x1b[31m\x07b", "x" * 100_000, "a\r\nSet-Cookie: x=1", "\u202egnp.exe\u2028b"]
"""Refused, or kept as it is."""


@dataclass
class House:
    url: str
    server: Serving
    token: str
    shop: Shop
    serial: Iterator[int]

    def buyer(self) -> Buyer:
        return Buyer(self.server.port, self.token)

    @property
    def web(self) -> int:
        """The process that answers."""
        (one,) = self.server.children("web")
        return int(one.pid)


@pytest.fixture(scope="module")
def own_database(postgres: EmbeddedPostgres, template: str, worker_id: str) -> Generator[str]:
    name = f"hostile_{worker_id}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
        yield postgres.url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest_asyncio.fixture(scope="module")
async def house(own_database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    """A server for all of it. At the end nothing has broken in it, it has not been restarted, and everything adds up."""
    folder: Path = tmp_path_factory.mktemp("hostile")
    async with Database(own_database, max_connections=2) as database:
        shop, token = await open_shop(database, {"TEA": 1_000_000}, places=("paris", "lyon"))
        async with database.transaction() as tx:
            await staff.create_user(tx, UserDraft(email="owner@example.com", name="Owner", role=Role.OWNER), PASSWORD)
        with serving(folder, database_url=own_database) as server:
            found = House(own_database, server, token, shop, itertools.count())
            before = found.web
            yield found
            assert found.web == before
        assert "request_broke" not in server.said()
        assert "Traceback" not in server.said()
        await shop.doctors()


def kinds(house: House, name: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """For each kind of thing where it is made, and a good one with everything in it; what has to be unique holds `name`."""
    where = {"name": "A", "company": "B", "line1": "C", "line2": "D", "postcode": "E", "city": "F", "region": "G"}
    where |= {"country": "FR", "phone": "+33472000000"}
    order: dict[str, Any] = {
        "channel": "web",
        "lines": [{"sku": "TEA", "quantity": 1}],
        "charges": [{"kind": "shipping", "name": "Home", "amount": 490, "tax_rate": "0.2"}],
        "buyer": {
            "name": "Camille",
            "email": "c@example.com",
            "phone": "+33612345678",
            "loyalty_number": "L1",
            "external_id": "X1",
            "company": "Co",
            "purchase_order": "PO",
        },
        "ship_to": where,
        "bill_to": where,
        "external_id": name,
        "payments": [{"kind": "captured", "method": "card", "amount": 100, "reference": "pi"}],
        "note": "n",
        "tags": ["gift"],
    }
    return {
        "order": ("/v1/orders", order),
        "hold": ("/v1/holds", {"channel": "web", "cart": name, "lines": [{"sku": "TEA", "quantity": 1}], "seconds": 60}),
        "product": (
            "/v1/products",
            {
                "code": name,
                "names": {"fr": "Thé", "en": "Tea"},
                "brand": "B",
                "category": ["Food", "Tea"],
                "variants": [{"sku": f"V-{name}", "name": "N", "names": {"en": "V"}, "options": {"size": "M"}}],
            },
        ),
        "location": (
            "/v1/locations",
            {
                "code": name,
                "name": "Lyon",
                "kind": "store",
                "country": "FR",
                "time_zone": "Europe/Paris",
                **{field: where[field] for field in ("line1", "line2", "postcode", "city", "region")},
            },
        ),
        "customer": (
            "/v1/customers",
            {
                "name": "Camille",
                "company": "Co",
                "locale": "fr-FR",
                "tags": ["vip"],
                "identities": [{"kind": "loyalty", "value": name}, {"kind": "email", "value": f"{name}@example.com"}],
            },
        ),
        "market": ("/v1/markets", {"code": name, "currency": "EUR", "country": "FR", "name": "M", "tax_name": "TVA"}),
        "pool": ("/v1/pools", {"code": name, "name": "P"}),
    }


Path_ = tuple[str | int, ...]


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Where text stands in it."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            yield from places(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(cast("list[Any]", value)):
            yield from places(item, (*path, number))


def instead(value: Any, path: Path_, text: str) -> Any:
    """A copy with another text at that place."""
    changed = copy.deepcopy(value)
    around = changed
    for step in path[:-1]:
        around = around[step]
    around[path[-1]] = text
    return changed


def texts(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    items = list(cast("dict[str, Any]", value).items()) if isinstance(value, dict) else value
    if not isinstance(items, (list, tuple)):
        return set()
    return {text for item in cast("Sequence[Any]", items) for text in texts(item)}


@pytest.mark.parametrize("kind", ["order", "hold", "product", "location", "customer", "market", "pool"])
async def test_whatever_stands_in_a_field_comes_out_as_it_went_in_or_is_refused(house: House, kind: str) -> None:
    _, example = kinds(house, "x")[kind]
    made = 0
    async with house.buyer() as buyer:
        for path in places(example):
            for text in [*HARMLESS, *HARMFUL]:
                where, body = kinds(house, f"h{next(house.serial)}")[kind]
                reply = await buyer.ask("POST", where, instead(body, path, text), key=f"key-{next(house.serial)}")
                if reply.status != 201:
                    assert reply.status in {404, 409, 422}, (path, text[:40], reply.status, reply.body)
                    assert reply.code not in {"internal_error", "database_unavailable"}
                    continue
                made += 1
                if kind not in {"hold", "market"}:
                    shown = await buyer.ask("GET", reply.headers["location"])
                    assert shown.status == 200
                    assert text in texts(shown.json), (path, text[:40], shown.json)
    assert made > 0


async def test_html_in_every_field_is_text_on_every_page_of_the_console(house: House) -> None:
    pages = ["/orders", "/customers", "/locations", "/pools", "/stock", "/stock-ledger", "/exceptions"]
    async with house.buyer() as buyer:
        for kind in ("order", "product", "location", "customer", "pool"):
            where, body = kinds(house, f"p{next(house.serial)}")[kind]
            for path in places(body):
                changed = instead(body, path, HTML)
                if (await buyer.ask("POST", where, changed, key=f"page-{next(house.serial)}")).status == 201:
                    body = changed if path not in {("external_id",), ("code",)} else body
            where, unique = kinds(house, f"p{next(house.serial)}")[kind]
            for name in ("external_id", "code"):
                body |= {name: unique[name]} if name in unique else {}
            if kind == "product":
                body["variants"][0]["sku"] = unique["variants"][0]["sku"]
            if kind == "customer":
                body["identities"] = unique["identities"]
            made = await buyer.ask("POST", where, body, key=f"page-{next(house.serial)}")
            assert made.status == 201, made.body
            if kind in {"order", "customer", "location", "pool"}:
                pages.append(f"/{kind}s/{made.json['id']}")
    asked = httpx2.QueryParams({"q": HTML, "search": HTML, "sku": HTML, "tab": HTML, "sort": HTML, "cursor": HTML})
    async with signed_in(house) as client:
        shown = 0
        for page in [*pages, *(f"{page}?{asked}" for page in pages), f"/search?{asked}", f"/{HTML}", f"/orders/{SQL}"]:
            answer = await client.get(page, follow_redirects=True)
            assert answer.status_code in {200, 400, 404, 422}, (page, answer.status_code)
            assert "<script>alert" not in answer.text, page
            assert "<img src=x" not in answer.text, page
            shown += html.escape(HTML).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in answer.text
        assert shown > 4, "the pages show what was put in"


def signed_in(house: House) -> httpx2.AsyncClient:
    return _SignedIn(base_url=f"http://127.0.0.1:{house.server.port}", timeout=60)


class _SignedIn(httpx2.AsyncClient):
    async def __aenter__(self) -> Self:
        await super().__aenter__()
        form = {"email": "owner@example.com", "password": PASSWORD, "next": "/"}
        answer = await self.post("/sign-in", data=form, headers={"Origin": str(self.base_url).rstrip("/")})
        assert answer.status_code in {200, 303}, answer.text
        assert (await self.get("/orders")).status_code == 200
        return self


NUMBERS = ["-1", "0", "1.5", "1e400", "1e3", "NaN", "Infinity", "true", "null", '"1"', "9223372036854775808", "9" * 400, "[]"]


@pytest.mark.parametrize("number", NUMBERS)
async def test_a_quantity_that_is_none_is_refused(house: House, number: str) -> None:
    body = f'{{"channel": "web", "lines": [{{"sku": "TEA", "quantity": {number}}}]}}'
    async with house.buyer() as buyer:
        reply = await buyer.ask("POST", "/v1/orders", body.encode())
        if reply.status == 201:  # a whole number, written in another way
            assert reply.json["lines"][0]["quantity"] == float(number)
        else:
            assert (reply.status, reply.code) in {(422, "invalid_request"), (400, "malformed_json")}


GOOD = b'{"channel": "web", "lines": [{"sku": "TEA", "quantity": 1}]}'
BODIES: Mapping[str, tuple[bytes, int, str]] = {
    "too large": (b'{"note": "' + b"x" * 2_000_000 + b'"}', 413, "body_too_large"),
    "deep": (b"[" * 200_000 + b"]" * 200_000, 422, "invalid_request"),
    "deep where anything may stand": (b'{"channel": "web", "lines": ' + b"[" * 100_000, 422, "invalid_request"),
    "deep in a field that nobody knows": (b'{"zzz": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, 422, "invalid_request"),
    "10,000 lines": (
        b'{"channel": "web", "lines": [' + b",".join([b'{"sku": "TEA", "quantity": 1}'] * 10_000) + b"]}",
        422,
        "invalid_request",
    ),
    "a lone surrogate": (GOOD.replace(b"TEA", b"\\ud800"), 400, "malformed_json"),
    "half a pair": (GOOD.replace(b"TEA", b"a\\udc00b"), 400, "malformed_json"),
    "a surrogate in UTF-8": (GOOD.replace(b"TEA", b"\xed\xa0\x80"), 400, "malformed_json"),
    "latin-1": (GOOD.replace(b"TEA", b"TH\xc9"), 400, "malformed_json"),
    "UTF-16": (GOOD.decode().encode("utf-16"), 400, "malformed_json"),
    "NUL, escaped": (GOOD.replace(b"TEA", b"T\\u0000A"), 422, "invalid_request"),
    "NUL, bare": (GOOD.replace(b"TEA", b"T\x00A"), 400, "malformed_json"),
    "nothing": (b"", 400, "malformed_json"),
    "something else": (b"<xml/>", 400, "malformed_json"),
    "cut off": (GOOD[:-3], 400, "malformed_json"),
    "two of them": (GOOD + GOOD, 400, "malformed_json"),
    "a list": (b"[1, 2]", 422, "invalid_request"),
    "null": (b"null", 422, "invalid_request"),
    "a field that nobody knows": (b'{"channel": "web", "lines": [], "__proto__": {}}', 422, "invalid_request"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_cannot_be_is_refused_clearly(house: House, name: str) -> None:
    body, status, code = BODIES[name]
    async with house.buyer() as buyer:
        try:
            reply = await buyer.ask("POST", "/v1/orders", body)
        except ConnectionError:
            assert status == 413  # who goes on sending may not hear why it was refused
        else:
            assert reply.code in {code, "malformed_json", "invalid_request"}
            assert reply.status in {status, 400, 422}
        assert (await buyer.ask("POST", "/v1/orders", GOOD)).status == 201


async def test_a_body_in_chunks_has_the_same_limit(house: House) -> None:
    head = f"POST /v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%s\r\n" % (100_000, b" " * 100_000)
    async with house.buyer() as buyer:
        try:
            reply = await buyer.send(head.encode() + chunk * 30 + b"0\r\n\r\n")
        except ConnectionError:
            pass
        else:
            assert (reply.status, reply.code) == (413, "body_too_large")


async def test_an_order_of_500_lines_is_an_order(house: House) -> None:
    async with house.buyer() as buyer:
        body = {"channel": "web", "lines": [{"sku": "TEA", "quantity": 1}] * 500}
        reply = await buyer.ask("POST", "/v1/orders", body, key=f"key-{next(house.serial)}")
    assert reply.status == 201
    assert len(reply.json["lines"]) == 500


ADDRESSES = [
    "/v1/orders/%00",
    "/v1/orders/..%2f..%2fetc%2fpasswd",
    "/v1/orders/%ff%fe",
    "/v1/orders/ord_%C3%28",
    "/v1/orders/ord_",
    "//",
    "/v1/orders/../../x",
    "/v1/orders/" + "a" * 9000,
    "/v1/orders?" + "a" * 9000,
    "/v1/orders?limit=99999999999999999999999",
    "/v1/orders?limit=-1",
    "/v1/orders?cursor=bm9uZQ",
    "/v1/orders?cursor=%27%3B--",
    "/v1/orders?search=%00",
    "/v1/orders?x=1",
    "/v1/orders?search=%ff",
    "/v1/orders?sort=%27%3B%20DROP%20TABLE",
    "/v1/orders?placed_from=0001-01-01",
    "/v1/orders?%",
    "/v1/availability/%00?channel=web",
    "/v1/availability/TEA?channel=%27",
    "/v1/nothing",
    "/v1",
    "/docs/static/..%2f..%2fapp.py",
    "/orders/%00",
    "/static/..%2f..%2f..%2fapp.py",
    "/static/%00",
    "/sign-in?next=//evil.example",
    "/orders?cursor=%27",
    "/%ff",
]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_an_address_that_means_nothing_is_answered_politely(house: House, address: str) -> None:
    async with house.buyer() as buyer:
        for method in ("GET", "POST", "DELETE", "OPTIONS", "TRACE", "FOO"):
            reply = await buyer.ask(method, address, None if method == "GET" else {})
            assert reply.status < 500, (method, address, reply.body)
            assert "evil.example" not in reply.headers.get("location", "")
            assert b"composition root" not in reply.body


@pytest.mark.parametrize("key", ["", " ", "x" * 300, "é", "a\tb", "'; DROP TABLE x; --", "<b>", "%s"])
async def test_any_idempotency_key_is_taken_or_refused(house: House, key: str) -> None:
    async with house.buyer() as buyer:
        headers = {"Idempotency-Key": key} if key else {"Idempotency-Key": " "}
        first = await buyer.ask("POST", "/v1/orders", GOOD, headers=headers)
        again = await buyer.ask("POST", "/v1/orders", GOOD, headers=headers)
        assert first.status in {201, 422}
        assert again.status == first.status
        assert first.status == 422 or again.outcome == first.outcome


@pytest.mark.parametrize("request_id", ["<script>", "x" * 5000, "a b", "é", "%s", '"', "${jndi:ldap://x}"])
async def test_a_request_id_of_any_kind_breaks_neither_log_nor_answer(house: House, request_id: str) -> None:
    async with house.buyer() as buyer:
        reply = await buyer.ask("POST", "/v1/orders", {"channel": "none", "lines": []}, headers={"X-Request-Id": request_id})
    assert reply.code == "invalid_request"


GARBAGE = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFFFF\r\n",
    b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    b"\r\n" * 100 + b"nonsense\r\n\r\n",
]


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_what_is_not_http_is_hung_up_on(house: House, garbage: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(garbage)
    writer.write_eof()
    async with asyncio.timeout(60):
        try:
            answer = await reader.read(-1)
        except ConnectionError:
            answer = b""
    writer.close()
    assert re.match(rb"HTTP/1.1 [34]\d\d ", answer) or not answer, answer


async def test_while_300_connections_stand_half_open_buyers_are_served(house: House) -> None:
    head = b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nX-Slow: "
    slow = [await asyncio.open_connection("127.0.0.1", house.server.port) for _ in range(300)]
    for n, (_, writer) in enumerate(slow):
        writer.write(head if n % 2 else b"POST /v1/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    async with house.buyer() as buyer:
        replies: list[Reply] = [await buyer.ask("POST", "/v1/orders", GOOD) for _ in range(20)]
    assert [reply.status for reply in replies] == [201] * 20
    for _, writer in slow:
        writer.close()


async def test_the_table_of_orders_is_still_there(house: House) -> None:
    async with house.buyer() as buyer:
        assert (await buyer.ask("POST", "/v1/orders", json.dumps(json.loads(GOOD) | {"note": SQL}).encode())).status == 201
        listed = await buyer.ask("GET", "/v1/orders?limit=1")
    assert len(listed.json["items"]) == 1
