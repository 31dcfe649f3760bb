"""A mail server that keeps what it gets and refuses as it is told, and links that lead nowhere."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import warnings
from datetime import datetime
from email.message import EmailMessage
from functools import partial
from typing import Any
from uuid import UUID

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from comptoir.runtime.mail import MailServer

USER, PASSWORD = "comptoir", "s3cret-of-the-post"


class _Links:
    def returning(self, order_id: UUID, now: datetime) -> str:
        del now
        return f"https://shop.example.com/return/{order_id}"

    def tracking(self, order_id: UUID, now: datetime) -> str:
        del now
        return f"https://shop.example.com/track/{order_id}"

    def stopping(self, order_id: UUID, now: datetime) -> str:
        del now
        return f"https://shop.example.com/messages/{order_id}"

    def answer(self, tracked_id: UUID, until: datetime) -> str:
        del until
        return f"https://shop.example.com/answer/{tracked_id}?a=1&b=2"


plain_links = _Links()


def _calm(handler: Any, **options: Any) -> SMTP:
    """aiosmtpd warns of passwords without TLS, and does not know that all of the connection is under it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return SMTP(handler, **options)


class Post:
    """`refuse` is what it says to a step (MAIL, RCPT or DATA), such as {"RCPT": "550 5.1.1 no such user"}."""

    def __init__(self) -> None:
        self.refuse: dict[str, str] = {}
        self.silent = False
        self.got: list[EmailMessage] = []
        self.secured = 0
        authority = trustme.CA()
        self.offered = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(self.offered)
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)
        self._servers: list[asyncio.Server] = []
        self.port = 0
        self.tls_port = 0

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        auth: dict[str, Any] = {
            "authenticator": self._check, "auth_required": True, "auth_require_tls": True, "require_starttls": True,
            "hostname": "localhost",
        }  # fmt: skip
        plain = await loop.create_server(partial(SMTP, self, tls_context=self.offered, **auth), "127.0.0.1", 0)
        auth |= {"auth_require_tls": False, "require_starttls": False}
        secured = await loop.create_server(partial(_calm, self, **auth), "127.0.0.1", 0, ssl=self.offered)
        self._servers = [plain, secured]
        self.port, self.tls_port = (server.sockets[0].getsockname()[1] for server in self._servers)

    async def close(self) -> None:
        for server in self._servers:
            server.close()

    def server(self, **more: Any) -> MailServer:
        named: dict[str, Any] = {
            "host": "localhost", "port": self.port, "security": "starttls", "user": USER, "password": PASSWORD,
            "seconds": 5.0, "trust": self.trust,
        }  # fmt: skip
        return MailServer(**named | more)

    def _check(self, _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        del mechanism
        assert isinstance(data, LoginPassword)
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)

    # What aiosmtpd calls

    async def handle_MAIL(self, _s: SMTP, _ss: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if "MAIL" in self.refuse:
            return self.refuse["MAIL"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, _s: SMTP, _ss: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802
        if "RCPT" in self.refuse:
            return self.refuse["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.silent:
            await asyncio.sleep(30)
        if "DATA" in self.refuse:
            return self.refuse["DATA"]
        content = envelope.content
        assert isinstance(content, bytes)
        self.secured += session.ssl is not None
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.got.append(parsed)
        return "250 OK"
