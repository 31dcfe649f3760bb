"""Simulators of carriers: real servers with a memory, that can be told to fail in the ways that carriers do."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

S = TypeVar("S", bound="Simulator")


@dataclass
class Call:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


@dataclass
class Reply:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def encoded(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else msgspec.json.encode(self.body)
        lines = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"} | self.headers
        head = "\r\n".join([f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in lines.items()), "", ""])
        return head.encode() + body


Handler = Callable[..., Reply]


class Simulator:
    """A carrier. Subclasses name their calls in `routes`: (method, path) to a method; groups of the path are its arguments."""

    routes: ClassVar[Mapping[tuple[str, str], str]] = {}
    purchases: ClassVar[Mapping[tuple[str, str], str]] = {}
    """Which of the routes cost money: their answers can get lost."""

    def __init__(self) -> None:
        self.port = 0
        self.calls: list[Call] = []
        self.revoked = False
        self._broken: Reply | None = None
        self._silence = asyncio.Event()
        self._silence.set()
        self._lost: list[int | None] = []
        self._serving: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # How it is made to fail

    def lose_answer(self, status: int | None = None) -> None:
        self._lost.append(status)

    def stall(self) -> None:
        self._silence = asyncio.Event()

    def fail(self, status: int, retry_after: int | None = None) -> None:
        self._broken = Reply(status, {}, {} if retry_after is None else {"retry-after": str(retry_after)})

    def revoke(self) -> None:
        self.revoked = True

    def recover(self) -> None:
        self._broken, self.revoked = None, False
        self._silence.set()
        self._lost.clear()

    # How it serves

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            call = await _read(reader)
            self.calls.append(call)
            reply = await self._answer(call)
            if reply is not None:
                writer.write(reply.encoded())
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        self._serving.discard(task)

    async def finish(self) -> None:
        """Lets go of whoever waits."""
        self.recover()
        await asyncio.gather(*self._serving)

    async def _answer(self, call: Call) -> Reply | None:
        if not self._silence.is_set():
            await self._silence.wait()
            return None
        if self._broken is not None:
            return self._broken
        reply = self._handled(call)
        if reply.status < 300 and self._lost and self._is_purchase(call):
            status = self._lost.pop()
            return None if status is None else Reply(status, {})
        return reply

    def _handled(self, call: Call) -> Reply:
        refused = self.refused(call)
        if refused is not None:
            return refused
        for (method, path), name in {**self.routes, **self.purchases}.items():
            match = re.fullmatch(path, call.path)
            if method == call.method and match:
                return getattr(self, name)(call, *map(unquote, match.groups()))
        return Reply(404, {"error": {"code": "NOT_FOUND", "message": "no such route"}})

    def _is_purchase(self, call: Call) -> bool:
        return any(method == call.method and re.fullmatch(path, call.path) for method, path in self.purchases)

    def refused(self, call: Call) -> Reply | None:
        """What it says to whoever may not ask."""
        raise NotImplementedError


async def _read(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return Call(method, parts.path, dict(parse_qsl(parts.query)), headers, body)


@contextlib.asynccontextmanager
async def simulated(simulator: S) -> AsyncGenerator[S]:
    listener = await asyncio.start_server(simulator.serve, "127.0.0.1", 0)
    simulator.port = listener.sockets[0].getsockname()[1]
    try:
        yield simulator
    finally:
        listener.close()
        await simulator.finish()
