"""A small HTTP load generator: keep-alive connections, prebuilt requests, nothing parsed that need not be.

Closed loop: each connection sends its next request when it has its answer. With a rate, requests start on a clock and the
latency counts from when each was due, so that waiting in line is seen. Run as a process of its own: `python -m bench.load SPEC`
with a JSON spec, answers JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, cast

import uvloop


@dataclass(frozen=True, slots=True)
class Spec:
    """`kind` is orders, availability, many, promise or bare. `rate` is requests/s, 0 for as many as go."""

    port: int
    kind: str
    seconds: float = 4
    connections: int = 128
    rate: float = 0
    skus: int = 10_000
    hot: bool = False
    token: str = ""
    warm: float = 1.5
    batch: int = 1
    path: str = ""


@dataclass(slots=True)
class Result:
    per_second: float = 0
    refused: int = 0
    p50_ms: float = 0
    p99_ms: float = 0
    failures: list[str] = field(default_factory=list)


_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)\r\n")
_BODIES = 20_000
"""Different orders; many more than are sent before the first comes again."""


def sku(n: int) -> str:
    return f"SKU{n:08d}"


def requests(spec: Spec) -> Callable[[], bytes]:
    """A source of raw requests."""
    chance = random.Random(7)
    run, serial = uuid.uuid4().hex[:12], iter(range(1 << 60))
    auth = f"Authorization: Bearer {spec.token}\r\n" if spec.token else ""

    def body() -> str:
        a = 1 if spec.hot else chance.randint(1, spec.skus)
        b = chance.randint(1, spec.skus)
        if a == b:
            b = a % spec.skus + 1
        return json.dumps(
            {
                "channel": "web",
                "lines": [{"sku": sku(a), "quantity": 1}, {"sku": sku(b), "quantity": 1}],
                "ship_to": {
                    "country": "US",
                    "latitude": round(30 + chance.random() * 15, 4),
                    "longitude": round(-120 + chance.random() * 40, 4),
                },
            }
        )

    def source() -> Callable[[], bytes]:
        """All but the key is made beforehand: a buyer's own work is no part of what is measured."""
        head = (
            f"POST /v1/orders HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Type: application/json\r\nIdempotency-Key: {run}-"
        ).encode()
        rests = [f"\r\nContent-Length: {len(one)}\r\n\r\n{one}".encode() for one in (body() for _ in range(_BODIES))]
        return lambda: head + b"%d" % (n := next(serial)) + rests[n % _BODIES]

    def availability() -> bytes:
        n = chance.randint(1, spec.skus)
        return f"GET /v1/availability/{sku(n)}?channel=web HTTP/1.1\r\nHost: localhost\r\n{auth}\r\n".encode()

    def many() -> bytes:
        body = json.dumps({"channel": "web", "skus": [sku(n) for n in chance.sample(range(1, spec.skus + 1), spec.batch)]})
        return (
            f"POST /v1/availability HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def promise() -> bytes:
        body = json.dumps(
            {
                "channel": "web",
                "lines": [{"sku": sku(n)} for n in chance.sample(range(1, spec.skus + 1), spec.batch)],
                "country": "US",
                "latitude": round(30 + chance.random() * 15, 4),
                "longitude": round(-120 + chance.random() * 40, 4),
            }
        )
        return (
            f"POST /v1/promises HTTP/1.1\r\nHost: localhost\r\n{auth}Content-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def bare() -> bytes:
        return f"GET /bare/{sku(chance.randint(1, spec.skus))} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()

    return (
        source()
        if spec.kind == "orders"
        else {
            "availability": availability,
            "many": many,
            "promise": promise,
            "bare": bare,
        }[spec.kind]
    )


class Connection(asyncio.Protocol):
    """One keep-alive connection: at most one request under way."""

    def __init__(self, done: Callable[[Connection, int, float], None], broken: Callable[[str], None]) -> None:
        self._done = done
        self._broken = broken
        self._buffer = b""
        self._sent_at = 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def send(self, request: bytes, due: float) -> None:
        assert self.transport is not None
        self._sent_at = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        end = data.find(b"\r\n\r\n")
        found = _LENGTH.search(data, 0, end + 2) if end > 0 else None
        if found is None or len(data) < end + 4 + int(found[1]):
            self._buffer = data
            return
        self._buffer = b""
        status = int(data[9:12])
        if status >= 400 and status != 409:
            self._broken(f"{status}: {data[end + 4 : end + 300]!r}")
            return
        self._done(self, status, time.perf_counter() - self._sent_at)

    def connection_lost(self, exc: Exception | None) -> None:
        self._broken(f"a connection was lost: {exc!r}")


async def run(spec: Spec) -> Result:
    """Warms up, then measures."""
    source = requests(spec)
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    refused = 0
    until = 0.0
    idle: list[Connection] = []

    def done(connection: Connection, status: int, seconds: float) -> None:
        nonlocal refused
        latencies.append(seconds)
        refused += status >= 400
        now = time.perf_counter()
        if spec.rate or now >= until:
            idle.append(connection)
        else:
            connection.send(source(), now)

    failure: list[str] = []
    connections: list[Connection] = []
    for _ in range(spec.connections):
        _, connection = await loop.create_connection(lambda: Connection(done, failure.append), "127.0.0.1", spec.port)
        connections.append(connection)
    idle.extend(connections)

    async def phase(seconds: float) -> float:
        nonlocal until
        latencies.clear()
        started = time.perf_counter()
        until = started + seconds
        if spec.rate:
            await _on_a_clock(spec.rate, seconds, idle, source)
        else:
            while idle:
                idle.pop().send(source(), time.perf_counter())
        while len(idle) < len(connections):
            if failure:
                raise RuntimeError(failure[0])
            await asyncio.sleep(0.005)
        return len(latencies) / (time.perf_counter() - started)

    await phase(spec.warm)
    refused = 0
    per_second = await phase(spec.seconds)
    ordered = sorted(latencies)
    for connection in connections:
        assert connection.transport is not None
        connection.transport.close()
    return Result(
        per_second=per_second,
        refused=refused,
        p50_ms=ordered[len(ordered) // 2] * 1e3,
        p99_ms=ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e3,
    )


async def _on_a_clock(rate: float, seconds: float, idle: list[Connection], source: Callable[[], bytes]) -> None:
    started = time.perf_counter()
    sent = 0
    while (now := time.perf_counter()) < started + seconds:
        while sent < (now - started) * rate and idle:
            idle.pop().send(source(), started + sent / rate)
            sent += 1
        await asyncio.sleep(0.001)


if __name__ == "__main__":
    answer: dict[str, Any] = asdict(uvloop.run(run(Spec(**json.loads(sys.argv[1])))))
    sys.stdout.write(json.dumps(answer))
