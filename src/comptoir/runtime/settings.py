"""Settings: read once from the environment, checked, then passed on as one value."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar, cast
from urllib.parse import urlsplit

from comptoir.kernel.errors import Fault, Invalid, Remedy

T = TypeVar("T")
LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]
MailSecurity = Literal["tls", "starttls", "none"]
Texts = Literal["none", "log"]

KEY_BYTES = 32
MIN_SECRET_LENGTH = 32


@dataclass(frozen=True)
class Settings:
    """How this process runs. What may hold a password is left out of its `repr`."""

    data: Path = Path(".data")
    database_url: str | None = field(default=None, repr=False)
    """A libpq URL; None means the embedded server in the data folder."""
    host: str = "127.0.0.1"
    port: int = 8000
    web_processes: int = 1
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None
    """Where a worker that runs by itself shows its figures; None for nowhere."""
    log: LogFormat = "text"
    log_level: LogLevel = "info"
    given_secret: str | None = field(default=None, repr=False)
    public_url: str = "http://127.0.0.1:8000"
    """Where the outside reaches us, without a slash at the end."""
    secure_cookies: bool = False
    allow_private_hosts: bool = False
    """Whether webhooks and connectors may call addresses of private networks and of this machine."""
    keep_keys_days: int = 30
    """How long the answer to an idempotency key is kept."""
    keep_events_days: int = 0
    """How long events are kept that every consumer has read; 0 is for ever."""
    promises_kept: int = 98
    """Per cent of the parcels that are to come when it was promised: so many days are added as were measured to be needed.
    0 adds none."""
    third_party_hours: int = 0
    """After how many hours a third party that has not answered whether it could stop is taken to have; 0 waits for ever."""
    smtp_host: str | None = None
    """The server that takes our e-mail; None sends none."""
    smtp_port: int = 587
    smtp_security: MailSecurity = "starttls"
    """`tls` from the first byte (port 465), `starttls` after a greeting, `none` only to a server on this machine."""
    smtp_user: str | None = None
    smtp_password: str | None = field(default=None, repr=False)
    texts: Texts = "none"
    """What messages to telephones go out through; `log` only says in the log that there was one, for development."""
    refund_anyhow: tuple[str, ...] = ()
    """Methods by which may be refunded what was paid another way, besides gift cards and store credit."""

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None) -> Settings:
        """From the environment, or from `env`; an empty variable counts as unset.

        Raises Invalid with all the variables that say nothing usable. Touches no file.
        """
        read = _Reader(os.environ if env is None else env)
        host = read("COMPTOIR_HOST", _text, "127.0.0.1")
        port = read("COMPTOIR_PORT", _whole(0, 65535), 8000)
        public_url = read("COMPTOIR_PUBLIC_URL", _web_address, f"http://{authority(host, port)}")
        settings = cls(
            data=read("COMPTOIR_DATA", _folder, Path(".data").absolute()),
            database_url=read("DATABASE_URL", _database_url, None),
            host=host,
            port=port,
            web_processes=read("COMPTOIR_WEB_PROCESSES", _whole(1, 256), 1),
            metrics_host=read("COMPTOIR_METRICS_HOST", _text, "127.0.0.1"),
            metrics_port=read("COMPTOIR_METRICS_PORT", _whole(0, 65535), None),
            log=cast("LogFormat", read("COMPTOIR_LOG", _one_of("text", "json"), "text")),
            log_level=cast(
                "LogLevel", read("COMPTOIR_LOG_LEVEL", _one_of("debug", "info", "warning", "error", "critical"), "info")
            ),
            given_secret=read("COMPTOIR_SECRET_KEY", _secret, None),
            public_url=public_url,
            secure_cookies=read("COMPTOIR_SECURE_COOKIES", _yes_or_no, public_url.startswith("https:")),
            allow_private_hosts=read("COMPTOIR_ALLOW_PRIVATE_HOSTS", _yes_or_no, False),
            keep_keys_days=read("COMPTOIR_KEEP_KEYS_DAYS", _whole(1, 36_500), 30),
            keep_events_days=read("COMPTOIR_KEEP_EVENTS_DAYS", _whole(0, 36_500), 0),
            promises_kept=read("COMPTOIR_PROMISES_KEPT", _whole(0, 99), 98),
            third_party_hours=read("COMPTOIR_THIRD_PARTY_HOURS", _whole(0, 8760), 0),
            smtp_host=read("COMPTOIR_SMTP_HOST", _text, None),
            smtp_port=read("COMPTOIR_SMTP_PORT", _whole(1, 65535), 587),
            smtp_security=cast("MailSecurity", read("COMPTOIR_SMTP_SECURITY", _one_of("tls", "starttls", "none"), "starttls")),
            smtp_user=read("COMPTOIR_SMTP_USER", _text, None),
            smtp_password=read("COMPTOIR_SMTP_PASSWORD", _text, None),
            texts=cast("Texts", read("COMPTOIR_TEXTS", _one_of("none", "log"), "none")),
            refund_anyhow=read("COMPTOIR_REFUND_ANYHOW", _list, ()),
        )
        if read.errors:
            raise Invalid("; ".join(f"{error['path']} {error['message']}" for error in read.errors), errors=read.errors)
        return settings

    @cached_property
    def secret_key(self) -> bytes:
        """The 32 bytes that encrypt secrets at rest and sign sessions.

        They come from COMPTOIR_SECRET_KEY. Without it they are made once, in the file `secret.key` of the data folder, which
        only the account that runs Comptoir may read: whoever loses that file loses the stored credentials of every channel.
        """
        if self.given_secret is not None:
            return hashlib.sha256(self.given_secret.encode()).digest()
        path = self.data / "secret.key"
        if not path.exists():
            _create_key(path)
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise Fault(f"{path} does not hold a key of {KEY_BYTES} bytes: restore it from a backup", remedy=Remedy.MERCHANT)
        return key


def _create_key(path: Path) -> None:
    """Write a new key whole, or not at all; of two processes that try, the first one's stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=".secret-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()


class _Reader:
    """Reads variables one by one and collects what is wrong with them, so that one start tells it all."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.errors: list[dict[str, str]] = []

    def __call__(self, name: str, parse: Callable[[str], T], default: T) -> T:
        text = self._env.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as problem:
            self.errors.append({"path": name, "message": str(problem)})
            return default


def _text(text: str) -> str:
    return text


def _list(text: str) -> tuple[str, ...]:
    return tuple([word for word in (part.strip() for part in text.split(",")) if word])


def _folder(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValueError(f"must be a whole number from {least} to {most}, not {text!r}")
        return int(text)

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in words:
            raise ValueError(f"must be one of {', '.join(words)}, not {text!r}")
        return text.lower()

    return parse


def _yes_or_no(text: str) -> bool:
    answers = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in answers:
        raise ValueError(f"must be yes or no, not {text!r}")
    return answers[text.lower()]


def _database_url(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("must be an address of the form postgresql://user:password@host:port/database")
    return text


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"must be an address of the form https://shop.example.com, not {text!r}")
    return text.rstrip("/")


def _secret(text: str) -> str:
    if len(text) < MIN_SECRET_LENGTH:
        raise ValueError(f"must have at least {MIN_SECRET_LENGTH} characters, chosen at random")
    return text


def authority(host: str, port: int) -> str:
    """`host:port` as a browser on this machine would write it."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - only read
    return f"{reachable}:{port}"
