"""Clients that begin and do not go on: each is hung up on, so that they cannot use up what is there for buyers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Callable
from typing import Any, cast

import pytest
import uvicorn
from litestar.types import Receive, Scope, Send

from comptoir.surfaces.api.answering import WHOLE, SendWhole
from comptoir.surfaces.cli import connections
from support.serving import PATIENCE, Buyer

LARGE = 64 * 1024 * 1024


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Says how long the body was, or something very long, or answers before the body has come."""
    assert scope["type"] == "http"
    size = 0
    while scope["path"] != "/at-once":
        message = await receive()
        if message["type"] != "http.request":
            return
        size += len(message["body"])
        if not message["more_body"]:
            break
    body = b"x" * LARGE if scope["path"] == "/large" else str(size).encode()
    if scope["path"] == "/whole":
        whole: SendWhole = cast("Any", scope)["extensions"][WHOLE]
        assert whole(200, b"content-length: %d\r\nx-size: %d\r\n" % (len(body), size), body)
        return
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


@contextlib.asynccontextmanager
async def listening() -> AsyncGenerator[uvicorn.Server]:
    config = uvicorn.Config(
        application, http=connections.Connection, ws="none", lifespan="off", log_config=None, access_log=False, loop="none"
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # pyright: ignore[reportAttributeAccessIssue]
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        running = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            yield server
        finally:
            server.force_exit = server.should_exit = True
            await running


def port_of(server: uvicorn.Server) -> int:
    return int(server.servers[0].sockets[0].getsockname()[1])


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - somebody else's state
            await asyncio.sleep(0.01)


async def rest(reader: asyncio.StreamReader) -> bytes:
    """Everything until the other side hangs up."""
    async with asyncio.timeout(PATIENCE):
        try:
            return await reader.read(-1)
        except ConnectionError:
            return b""


WHOLE_REQUEST = b"POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"


async def test_answers_in_one_piece_come_in_the_order_of_their_requests_and_keep_the_connection() -> None:
    async with listening() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(WHOLE_REQUEST * 3 + WHOLE_REQUEST.replace(b"/whole", b"/") + WHOLE_REQUEST)
        for _ in range(5):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"connection: close" not in head
            assert await reader.readexactly(1) == b"2"
        writer.close()


@pytest.mark.parametrize("head", [b"HTTP/1.0\r\n", b"HTTP/1.1\r\nConnection: close\r\n"])
async def test_an_answer_in_one_piece_is_the_last_where_the_client_says_so(head: bytes) -> None:
    async with listening() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(WHOLE_REQUEST.replace(b"HTTP/1.1\r\n", head))
        answer = await rest(reader)
        assert b"connection: close\r\n" in answer
        assert answer.endswith(b"\r\n\r\n2")
        writer.close()


HALF = [b"", b"POST /orders HT", b"POST /orders HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"\r\n"]


@pytest.mark.parametrize("begun", HALF)
async def test_who_does_not_finish_the_head_is_hung_up_on(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN", 0.2)
    async with listening() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(begun)
        assert await rest(reader) == b""
        writer.close()


async def test_dripping_bytes_gains_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN", 0.3)
    async with listening() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")

        async def drip() -> None:
            while True:
                writer.write(b"X-A: b\r\n")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        assert await rest(reader) == b""
        dripping.cancel()
        writer.close()


async def test_the_head_of_a_second_request_has_a_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN", 0.2)
    async with listening() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n0")
        writer.write(b"GET / HT")
        assert await rest(reader) == b""
        writer.close()


@pytest.mark.parametrize("line", [b"X-Long: " + b"a" * 4000 + b"\r\n", b"a" * 4000])
async def test_a_head_without_end_is_refused(line: bytes) -> None:
    async with listening() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-First: ")

        async def pour() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    writer.write(line)
                    await writer.drain()
                    await asyncio.sleep(0)

        pouring = asyncio.create_task(pour())
        answer = await rest(reader)
        pouring.cancel()
        writer.close()
        # Who goes on sending may find the connection reset before the answer was read.
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")


async def test_a_body_may_take_longer_than_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN", 0.2)
    async with listening() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n")
        for _ in range(8):
            await asyncio.sleep(0.05)
            writer.write(b"x")
        assert (await reader.readuntil(b"\r\n\r\n8")).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_who_was_answered_early_and_sends_on_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LINGER", 0.2)
    async with listening() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        writer.write(b"POST /at-once HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx")
        assert (await rest(reader)).startswith(b"HTTP/1.1 200 ")
        writer.close()


async def test_who_was_answered_early_and_sends_the_rest_may_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LINGER", PATIENCE)
    async with listening() as server, Buyer(port_of(server)) as buyer:
        assert (await buyer.send(b"POST /at-once HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")).status == 200
        assert (await buyer.send(b"xxxPOST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nyy")).body == b"2"


async def test_who_does_not_read_the_answer_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "READ_WITHIN", 0.2)
    async with listening() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server), limit=1024)
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: len(server.server_state.connections) == 1)
        await until(lambda: not server.server_state.connections)
        assert len(await rest(reader)) < LARGE
        writer.close()


async def test_one_connection_asks_many_times_also_after_a_pause_and_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN", 0.2)
    async with listening() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        one = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        for _ in range(3):
            writer.write(one)
            await reader.readuntil(b"\r\n\r\n3")
            await asyncio.sleep(0.25)
        writer.write(one * 5)
        for _ in range(5):
            await reader.readuntil(b"\r\n\r\n3")
        assert len(server.server_state.connections) == 1
        writer.close()
