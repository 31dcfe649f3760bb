"""The client that calls out: what it refuses, what it limits, and what it makes of failures."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import ssl
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import stamina
import trustme
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.errors import Fault, Remedy
from comptoir.runtime.database import Database
from comptoir.runtime.http import (
    BadAnswer,
    BlockedAddress,
    Declined,
    HttpClient,
    Response,
    Unreachable,
    checked_addresses,
    is_public,
    parse_retry_after,
)


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Request], Awaitable[bytes | None]]


@dataclass
class Server:
    """Speaks just enough HTTP to misbehave in every way."""

    answer: Answer
    port: int = 0
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            request = Request(method, target, headers, body)
            self.requests.append(request)
            answer = await self.answer(request)
            if answer is not None:
                writer.write(answer)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Server]:
    server = Server(answer)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await asyncio.sleep(0)


def reply(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    lines = {"content-length": str(len(body)), "connection": "close"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return "\r\n".join([f"HTTP/1.1 {status} X", *(f"{k}: {v}" for k, v in lines.items()), "", ""]).encode() + body


def always(answer: bytes | None) -> Answer:
    async def handler(_: Request) -> bytes | None:
        return answer

    return handler


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient(allow_private=True, timeout=5, connect_timeout=2) as client:
        yield client


@pytest.fixture(autouse=True)
def _quick_retries() -> Generator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


async def test_an_answer_comes_back_whole(client: HttpClient) -> None:
    async with serving(always(reply(201, b'{"id": 7}', x_more="yes"))) as server:
        response = await client.request("POST", f"{server.url}/things?x=1", json={"name": "é"}, headers={"X-Key": "k"})
    assert (response.status, response.json(), response.headers["x-more"]) == (201, {"id": 7}, "yes")
    (request,) = server.requests
    assert (request.method, request.target, request.body) == ("POST", "/things?x=1", '{"name":"é"}'.encode())
    assert (request.headers["x-key"], request.headers["content-type"]) == ("k", "application/json")


async def test_calling_out_inside_a_transaction_is_a_bug(client: HttpClient, database: Database) -> None:
    async with serving(always(reply())) as server:
        async with database.transaction():
            with pytest.raises(AssertionError, match="commit first"):
                await client.exchange("GET", server.url)
        assert server.requests == []
        assert (await client.exchange("GET", server.url)).status == 200


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (500, Remedy.WAIT), (503, Remedy.WAIT), (429, Remedy.WAIT), (408, Remedy.WAIT),
        (401, Remedy.MERCHANT), (403, Remedy.MERCHANT), (402, Remedy.MERCHANT),
        (400, Remedy.NOBODY), (404, Remedy.NOBODY), (422, Remedy.NOBODY), (302, Remedy.NOBODY),
    ],
)  # fmt: skip
async def test_an_error_status_says_who_can_put_it_right(client: HttpClient, status: int, remedy: Remedy) -> None:
    async with serving(always(reply(status, b"why", location="/", retry_after="120"))) as server:
        with pytest.raises(Declined) as fault:
            await client.request("POST", f"{server.url}/orders?api_key=hush")
    assert fault.value.remedy is remedy
    assert fault.value.retry_after == (120.0 if remedy is Remedy.WAIT else None)
    assert fault.value.data == {"status": status, "body": "why"}
    assert fault.value.detail == f"POST 127.0.0.1/orders answered {status}", "no query: it may hold a secret"
    assert len(server.requests) == 1


async def test_only_what_may_be_repeated_is_tried_again(client: HttpClient) -> None:
    answers = [reply(500), reply(503, retry_after="0"), reply(200, b"at last")]

    async def handler(_: Request) -> bytes:
        return answers[min(len(server.requests), len(answers)) - 1]

    async with serving(handler) as server:
        assert (await client.request("GET", server.url)).body == b"at last"
        assert len(server.requests) == 3
    async with serving(handler) as server:
        assert (await client.request("POST", server.url, idempotent=True)).body == b"at last"
    async with serving(handler) as server:
        with pytest.raises(Declined):
            await client.request("POST", server.url)
        assert len(server.requests) == 1
    async with serving(handler) as server:
        with pytest.raises(Declined):
            await client.request("GET", server.url, attempts=2)
        assert len(server.requests) == 2


async def test_a_long_retry_after_is_left_to_a_job(client: HttpClient) -> None:
    async with serving(always(reply(503, retry_after="60"))) as server:
        with pytest.raises(Declined) as fault:
            await client.request("GET", server.url)
    assert (len(server.requests), fault.value.retry_after) == (1, 60.0)


async def test_nobody_listening_a_broken_connection_and_silence_mean_wait(client: HttpClient) -> None:
    async with serving(always(None)) as server:
        with pytest.raises(Unreachable) as broken:
            await client.exchange("GET", f"{server.url}/?secret=hush")
    with pytest.raises(Unreachable) as closed:
        await client.exchange("GET", f"{server.url}/?secret=hush")

    async def silent(_: Request) -> bytes:
        await asyncio.sleep(5)
        return reply()

    async with serving(silent) as server:
        with pytest.raises(Unreachable) as late:
            await client.exchange("GET", server.url, timeout=0.2)
    assert [fault.value.remedy for fault in (broken, closed, late)] == [Remedy.WAIT] * 3
    sent = [fault.value.sent for fault in (broken, closed, late)]
    assert sent == [True, False, True], "where nobody listens, nothing was asked"
    assert "hush" not in f"{broken.value}{closed.value}"


async def test_an_answer_that_drips_is_cut_off(client: HttpClient) -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()

    listener = await asyncio.start_server(dripping, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        begun = asyncio.get_running_loop().time()
        with pytest.raises(Unreachable):
            await client.exchange("GET", f"http://127.0.0.1:{port}/", timeout=0.3)
        assert asyncio.get_running_loop().time() - begun < 2
        await asyncio.sleep(0.1)


async def test_an_answer_over_the_limit_is_refused_announced_or_not_packed_or_not(client: HttpClient) -> None:
    big = b"x" * 200_000
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n30d40\r\n" + big + b"\r\n0\r\n\r\n"
    for answer in (reply(200, big), chunked, reply(200, gzip.compress(big), content_encoding="gzip")):
        async with serving(always(answer)) as server:
            with pytest.raises(BadAnswer) as fault:
                await client.exchange("GET", server.url, max_bytes=100_000)
            assert fault.value.remedy is Remedy.NOBODY
            assert (await client.exchange("GET", server.url, max_bytes=200_000)).body == big


async def test_a_stranger_gets_no_chance_to_unpack_a_bomb(client: HttpClient) -> None:
    packed = zlib.compress(b"\0" * 1_000_000)
    async with serving(always(reply(200, packed, content_encoding="deflate"))) as server:
        response = await client.exchange("POST", server.url, compressed=False, max_bytes=10_000)
    assert response.body == packed
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    "answer", [b"\x00\x01\x02 nonsense\r\n\r\n", b"HTTP/1.1 999999 X\r\n\r\n", b"HTTP/1.1 200 OK\r\nbroken"]
)
async def test_what_is_not_http_is_a_fault(client: HttpClient, answer: bytes) -> None:
    async with serving(always(answer)) as server:
        with pytest.raises(Fault):
            await client.exchange("GET", server.url)


async def test_what_is_not_the_json_it_should_be_is_a_fault(client: HttpClient) -> None:
    async with serving(always(reply(200, b"<html>"))) as server:
        response = await client.exchange("GET", server.url)
    with pytest.raises(BadAnswer):
        response.json()
    with pytest.raises(BadAnswer):
        Response(200, response.headers, b'"text"').decoded(int)
    assert response.text == "<html>"


async def test_redirects_are_followed_only_when_told_and_never_with_the_headers_of_another_origin(client: HttpClient) -> None:
    async with serving(always(reply(200, b"there"))) as there:

        async def redirecting(request: Request) -> bytes:
            return reply(302, location=f"{there.url}/end" if request.target == "/start" else "/start")

        async with serving(redirecting) as here:
            assert (await client.exchange("GET", f"{here.url}/start")).status == 302
            response = await client.exchange(
                "GET",
                f"{here.url}/",
                redirects=True,
                headers={"Authorization": "Bearer hush", "X-Api-Key": "hush"},
                auth=("u", "p"),
            )
            assert response.body == b"there"
            assert (await client.exchange("POST", f"{here.url}/", redirects=True)).status == 302
    assert [request.target for request in there.requests] == ["/end"]
    assert not {"authorization", "x-api-key"} & set(there.requests[0].headers)
    assert here.requests[1].headers["authorization"] == here.requests[2].headers["authorization"]


async def test_redirects_end(client: HttpClient) -> None:
    async with serving(always(reply(302, location="/again"))) as server:
        with pytest.raises(BadAnswer, match="redirects"):
            await client.exchange("GET", server.url, redirects=True)
        assert len(server.requests) == 6
    async with serving(always(reply(302, location="file:///etc/passwd"))) as server:
        with pytest.raises(BlockedAddress):
            await client.exchange("GET", server.url, redirects=True)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",  # noqa: E501
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "::127.0.0.1", "2001:db8::1",
    ],
)  # fmt: skip
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"])
def test_an_address_outside_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://2130706433:{port}/", "http://0x7f.1:{port}/",
        "http://127.1:{port}/", "http://[::1]:{port}/", "http://[::ffff:127.0.0.1]:{port}/", "http://0:{port}/",
        "http://user:hush@127.0.0.1:{port}/", "ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:{port}/", "//127.0.0.1/",  # noqa: E501
        "http:///", "http://", "", "not an address", "http://[::1", "http://a\x00b/", "unix:/tmp/x",
    ],
)  # fmt: skip
async def test_an_address_inside_or_of_another_kind_is_not_called(url: str) -> None:
    async with serving(always(reply())) as server, HttpClient(connect_timeout=2) as client:
        with pytest.raises(Fault) as fault:
            await client.exchange("GET", url.format(port=server.port))
        assert fault.value.remedy in {Remedy.MERCHANT, Remedy.WAIT}
        assert "hush" not in str(fault.value)
        assert server.requests == []


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.216.34", "10.0.0.1"]

    with pytest.raises(BlockedAddress) as fault:
        await checked_addresses("mixed.example", 443, allow_private=False, resolve=resolve)
    assert fault.value.remedy is Remedy.MERCHANT
    assert await checked_addresses("mixed.example", 443, allow_private=True, resolve=resolve) == ["93.184.216.34", "10.0.0.1"]


async def test_an_unknown_name_means_wait() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    async with HttpClient(resolve=resolve) as client:
        with pytest.raises(Unreachable) as fault:
            await client.exchange("GET", "http://nowhere.example/")
    assert fault.value.remedy is Remedy.WAIT


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that leads outside when it is checked and inside when it is called (DNS rebinding) is asked once."""
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ["93.184.216.34"] if len(asked) == 1 else ["127.0.0.1"]

    async with serving(always(reply())) as server:
        async with HttpClient(resolve=rebinding, connect_timeout=0.3, timeout=1) as client:
            with pytest.raises(Unreachable):
                await client.exchange("GET", f"http://rebind.example:{server.port}/")
            with pytest.raises(BlockedAddress):
                await client.exchange("GET", f"http://rebind.example:{server.port}/")
        assert asked == ["rebind.example", "rebind.example"], "once per connection"
        assert server.requests == []


async def test_the_name_stays_the_name_for_host_header_and_certificate() -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("shop.example").configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with serving(always(reply(200, b"hello")), tls) as server:
        async with HttpClient(allow_private=True, tls=trusting, resolve=resolve) as client:
            response = await client.exchange("GET", f"https://shop.example:{server.port}/")
            assert (response.body, server.requests[0].headers["host"]) == (b"hello", f"shop.example:{server.port}")
            with pytest.raises(Unreachable):
                await client.exchange("GET", f"https://other.example:{server.port}/")
        async with HttpClient(allow_private=True, resolve=resolve) as suspicious:
            with pytest.raises(Unreachable):
                await suspicious.exchange("GET", f"https://shop.example:{server.port}/")


async def test_the_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with serving(always(reply())) as server, HttpClient(allow_private=True) as client:
        assert (await client.exchange("GET", server.url)).status == 200


async def test_secrets_are_not_logged(client: HttpClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with serving(always(reply(500))) as server:
            with pytest.raises(Declined):
                await client.request(
                    "GET", f"{server.url}/?token=hush", headers={"authorization": "Bearer hush"}, auth=("hush", "hush")
                )
    assert "hush" not in caplog.text


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0.0), ("120", 120.0), ("999999999999999", 86_400.0), (None, None), ("", None), ("soon", None), ("-5", None)],
)
def test_retry_after_in_seconds(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value) == seconds


def test_retry_after_as_a_date() -> None:
    soon = parse_retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    assert soon is not None
    assert 85 < soon <= 90
    assert parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


@given(st.text())
def test_retry_after_never_breaks(value: str) -> None:
    seconds = parse_retry_after(value)
    assert seconds is None or 0 <= seconds <= 86_400


async def test_an_answer_over_the_limit_may_be_cut(client: HttpClient) -> None:
    async with serving(always(reply(200, b"x" * 200_000))) as server:
        response = await client.exchange("GET", server.url, max_bytes=1000, compressed=False, cut=True)
    assert (response.status, response.body) == (200, b"x" * 1000)
