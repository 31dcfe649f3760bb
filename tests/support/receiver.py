"""A receiver of webhooks: a real server that answers as it is told and keeps what it got."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from standardwebhooks import Webhook

from comptoir.modules.webhooks import api as webhooks
from comptoir.modules.webhooks.contracts import Endpoint, EndpointDraft
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database


@dataclass
class Got:
    path: str
    headers: dict[str, str]
    body: bytes

    def verified(self, secret: str) -> dict[str, object]:
        """What it says, when it is signed with this secret; raises WebhookVerificationError."""
        return Webhook(secret).verify(self.body, self.headers)

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """Answers with `statuses` in turn, the last one for ever; `slow` seconds late on paths that begin with /slow."""

    statuses: list[int] = field(default_factory=lambda: [204])
    headers: str = ""
    body: bytes = b""
    slow: float = 0.0
    got: list[Got] = field(default_factory=list[Got])
    port: int = 0
    busy: int = 0
    busiest: int = 0

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            got = Got(head[0].split(" ")[1], headers, await reader.readexactly(int(headers["content-length"])))
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
            if got.path.startswith("/slow"):
                await asyncio.sleep(self.slow)
            self.busy -= 1
            status = self.statuses[min(len(self.got), len(self.statuses) - 1)]
            self.got.append(got)
            lines = f"HTTP/1.1 {status} X\r\ncontent-length: {len(self.body)}\r\nconnection: close\r\n{self.headers}\r\n"
            writer.write(lines.encode() + self.body)
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@dataclass
class Office:
    """Makes endpoints."""

    database: Database
    keyring: Keyring

    async def endpoint(self, url: str, *types: str) -> tuple[Endpoint, str]:
        async with self.database.transaction() as tx:
            draft = EndpointDraft(url=url, types=types or ("*",))
            return await webhooks.create_endpoint(tx, self.keyring, draft, allow_private=True)
