"""Real servers for the fault tests: `comptoir serve` in processes of its own, a shop behind it, and buyers who do not give up.

with serving(folder, database_url=url) as server:
    async with Buyer(server.port, token) as buyer:
        reply = await buyer.order({"TEA": 1}, key="k1")
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil

from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Clock, Grain
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.consumers import lag
from comptoir.runtime.database import Database
from support.shop import Shop

PATIENCE = 180.0
"""Seconds after which something that should happen counts as never happening; long, for machines that are busy."""
MIME_PROBLEM = "application/problem+json"
_READY = re.compile(r"ready at http://[^\s:]+:(\d+)")


@dataclass
class Serving:
    """A running `comptoir serve`."""

    port: int
    process: psutil.Process
    log: Path

    def children(self, role: str) -> list[psutil.Process]:
        """The processes of one role: web or worker."""
        found: list[psutil.Process] = []
        for child in self.process.children():
            with contextlib.suppress(psutil.Error):
                if child.name().startswith(f"comptoir-{role}"):
                    found.append(child)
        return found

    def kill(self, role: str, which: int = 0) -> bool:
        """`kill -9` for one process of a role; False when there is none just now."""
        found = self.children(role)
        if not found:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            found[which % len(found)].kill()
        return True

    def said(self) -> str:
        return self.log.read_text(errors="replace")


@contextlib.contextmanager
def serving(
    folder: Path,
    *,
    database_url: str | None = None,
    data: Path | None = None,
    processes: int = 1,
    worker: bool = False,
) -> Generator[Serving]:
    """A server on a free port. Without a URL it uses the embedded PostgreSQL of its data folder, `data` or `folder`/data."""
    log = folder / f"serve-{time.monotonic_ns()}.log"
    given = {name: value for name, value in os.environ.items() if not name.startswith(("COMPTOIR_", "DATABASE_URL"))}
    own = {"COMPTOIR_DATA": str(data or folder / "data"), "COMPTOIR_LOG_LEVEL": "warning", "PYTHONWARNINGS": "default"}
    own |= {} if database_url is None else {"DATABASE_URL": database_url}
    command = [str(Path(sys.executable).with_name("comptoir")), "serve", "--port", "0", "--processes", str(processes)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--worker" if worker else "--no-worker"],
            env={**given, **own},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield Serving(_port(process, log), psutil.Process(process.pid), log)
    finally:
        _end(process)


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    """Waits until everything answers."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = _READY.search(log.read_text(errors="replace"))
        if found is not None:
            return int(found.group(1))
        assert process.poll() is None, f"the server ended with {process.returncode}: {log.read_text()[-4000:]}"
        time.sleep(0.05)
    raise AssertionError(f"the server was not ready in time: {log.read_text()[-4000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    children = _ours(process)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(children, 30)
    assert not alive, f"left behind: {alive}"


def _ours(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Everything that has to be gone when the server has stopped; the database may have other users."""
    found: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.name() != "postgres":
                    found.append(child)
    return found


@dataclass(frozen=True)
class Reply:
    """An answer as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of a refusal or a fault, which has to be a problem document."""
        assert self.headers["content-type"] == MIME_PROBLEM, (self.status, self.headers, self.body)
        problem = self.json
        assert problem["status"] == self.status
        assert problem["title"]
        assert problem["request_id"] == self.headers["x-request-id"] or "idempotency-replayed" in self.headers
        return str(problem["code"])

    @property
    def replayed(self) -> bool:
        return "idempotency-replayed" in self.headers

    @property
    def outcome(self) -> tuple[int, bytes]:
        """What has to be the same whenever the same key asks."""
        return self.status, self.body


@dataclass
class Buyer:
    """Somebody with one keep-alive connection, who opens another one when it breaks."""

    port: int
    token: str = ""
    channel: str = "web"
    hiccups: int = 0
    """How often it was not answered, or told to come again."""
    hiccup_codes: set[str] = field(default_factory=set[str])
    _reader: asyncio.StreamReader | None = None
    _writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request, one answer. Raises ConnectionError when there was none. `body` is bytes, or a value for JSON."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(content))}
        given |= {"Authorization": f"Bearer {self.token}"} if self.token else {}
        given |= {"Content-Type": "application/json"} if body is not None else {}
        given |= {"Idempotency-Key": key} if key is not None else {}
        head = "".join(f"{name}: {value}\r\n" for name, value in (given | dict(headers or {})).items())
        return await self.send(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content)

    async def send(self, request: bytes) -> Reply:
        """Raw bytes and what comes back. Raises ConnectionError."""
        try:
            async with asyncio.timeout(PATIENCE):
                if self._writer is None:
                    self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
                assert self._reader is not None
                # Who refuses a body may answer and close before all of it is sent: the answer counts.
                with contextlib.suppress(ConnectionError):
                    self._writer.write(request)
                    await self._writer.drain()
                return await self._reply(self._reader)
        except (OSError, asyncio.IncompleteReadError) as problem:
            self.hang_up()
            raise ConnectionError(str(problem)) from problem

    async def _reply(self, reader: asyncio.StreamReader) -> Reply:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            self.hang_up()
        return Reply(int(head[0].split(" ")[1]), headers, body)

    async def insist(self, method: str, path: str, body: Any, *, key: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Asks with the same key until the answer is one: not a lost connection, and not «come again»."""
        deadline = time.monotonic() + PATIENCE
        last: object = None
        while time.monotonic() < deadline:
            try:
                reply = await self.ask(method, path, body, key=key, headers=headers)
            except ConnectionError as problem:
                last = problem
            else:
                if reply.status not in {502, 503}:
                    return reply
                self.hiccup_codes.add(reply.code if reply.headers["content-type"] == MIME_PROBLEM else reply.body.decode())
                last = reply
            self.hiccups += 1
            await asyncio.sleep(0.05)
        raise AssertionError(f"{method} {path} was never answered: {last}")

    def wanted(self, units: Mapping[str, int], **more: Any) -> dict[str, Any]:
        """The body of an order."""
        return {
            "channel": self.channel,
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in units.items()],
            "ship_to": {"country": "FR", "latitude": 48.8566, "longitude": 2.3522},
        } | more

    async def order(self, units: Mapping[str, int], key: str, **more: Any) -> Reply:
        return await self.insist("POST", "/v1/orders", self.wanted(units, **more), key=key)


async def open_shop(
    database: Database, stock: Mapping[str, int], *, places: Sequence[str] = ("paris",), channel: str = "web"
) -> tuple[Shop, str]:
    """A shop with so many units of each SKU in its first place, and a token that may do everything."""
    shop = Shop(database)
    await shop.market()
    for place in places:
        await shop.location(place)
    await shop.channel(channel, places)
    for sku, quantity in stock.items():
        await shop.product(sku, stock={places[0]: quantity} if quantity else None)
    async with database.transaction() as tx:
        _, secret = await staff.create_token(tx, "buyers", list(Scope))
    return shop, secret


async def caught_up(database: Database) -> None:
    """Waits until the consumers that a worker runs have read everything; none of it may be parked."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        async with database.read() as reader:
            found = await lag(reader)
        assert not sum(one.parked for one in found), found
        if found and not sum(one.events for one in found):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the consumers did not catch up in time")


async def rolled_up(database: Database) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Orders, units and total: as the consumer of the event log has added them up, and as they stand in the order book."""
    async with database.transaction(snapshot=True) as tx:
        told = await orders.trade(tx, Clock.RECORDED, Grain.ALL)
        row = await tx.row("SELECT count(*), coalesce(sum(quantity), 0), coalesce(sum(total), 0) FROM orders.orders")
    assert row is not None
    return (sum(t.orders for t in told), sum(t.units for t in told), sum(t.total for t in told)), (
        int(row[0]),
        int(row[1]),
        int(row[2]),
    )
