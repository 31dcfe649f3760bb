"""Logs: structlog, as text for people or JSON for machines, one line per event, with the request that it belongs to.

Secrets do not get into them: values under telling names, and what looks like one of our tokens inside any text, are replaced.
The standard library's loggers (uvicorn, procrastinate, …) go the same way.
"""

from __future__ import annotations

import logging
import math
import re
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, Literal, TextIO, cast

import psycopg
import psycopg_pool
import structlog
from structlog.typing import Processor

from comptoir.kernel.ids import uuid7_hex

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request or job that this task serves; empty outside."""

REDACTED = "[redacted]"
MAX_REQUEST_ID = 64

_SECRET_WORDS = frozenset(
    {
        "password",
        "passwd",
        "passphrase",
        "secret",
        "secrets",
        "token",
        "tokens",
        "authorization",
        "cookie",
        "cookies",
        "key",
        "apikey",
        "credential",
        "credentials",
        "signature",
        "csrf",
        "session",
        "jwt",
        "pin",
    }
)
_HARMLESS_ENDS = frozenset(["id", "ids", "count", "name", "names", "type", "types", "error", "scopes", "length"])
_HARMLESS = frozenset({"key", "idempotency_key", "message_key", "sort_key"})
"""A bare `key` is a name for something; `api_key` and `secret_key` are secrets."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
_SECRET_TEXT = re.compile(
    r"\b(?:ctk|cse|whsec|whsk|sk_live|sk_test|shpat|xox[bp]|ghp)_[A-Za-z0-9+/=_-]{8,}"
    r"|(?<=earer )[A-Za-z0-9._~+/=-]{8,}"
    r"|(?<=asic )[A-Za-z0-9+/=]{8,}"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
_QUIET = {
    "procrastinate": logging.WARNING,
    "httpx2": logging.WARNING,
    "httpcore2": logging.WARNING,
    "asyncio": logging.WARNING,
    "alembic": logging.WARNING,
    "psycopg.pool": logging.ERROR,
}
"""They log addresses or arguments with every step, or every attempt to connect while the database is away."""


class _Seldom:
    """A processor: an entry that says `seldom=60` is left out when the same event (of the same `code`) was told less than 60
    seconds ago; the next one that is told says how many were `left_out`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[tuple[str, str, str], tuple[float, int]] = {}

    def __call__(self, logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        every = entry.pop("seldom", None)
        if every is None:
            return entry
        what = (str(getattr(logger, "name", "")), str(entry.get("event")), str(entry.get("code", "")))
        said_at, left_out = self._said.get(what, (-math.inf, 0))
        if self._clock() - said_at < every:
            self._said[what] = (said_at, left_out + 1)
            raise structlog.DropEvent
        self._said[what] = (self._clock(), 0)
        if left_out:
            entry["left_out"] = left_out
        return entry


def _of_an_outage(record: logging.LogRecord) -> bool:
    """Whether procrastinate tells, with a traceback, of a database that is away; `Presence` has told it in a line."""
    if not record.name.startswith("procrastinate") or not record.exc_info:
        return False
    problem = record.exc_info[1]
    while problem is not None:
        if isinstance(problem, (psycopg.OperationalError, psycopg.InterfaceError, psycopg_pool.PoolTimeout)):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name is likely to be a secret."""
    if name.lower() in _HARMLESS:
        return False
    words = [word.lower() for word in _WORDS.findall(name)]
    return bool(words) and words[-1] not in _HARMLESS_ENDS and not _SECRET_WORDS.isdisjoint(words)


def redacted(value: object, depth: int = 6) -> object:
    """The same value without the secrets in it."""
    if isinstance(value, str):
        return _SECRET_TEXT.sub(REDACTED, value)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if depth == 0 or not isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return value
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value)
        return {
            name: REDACTED if isinstance(name, str) and is_secret_name(name) and item else redacted(item, depth - 1)
            for name, item in pairs.items()
        }
    return [redacted(item, depth - 1) for item in cast("list[object]", value)]


def _redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", redacted(dict(event)))


def _add_request_id(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    current = request_id.get()
    if current:
        event.setdefault("request_id", current)
    return event


def _one_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A line break in what a stranger sent must not look like a second entry."""
    for name, value in event.items():
        if isinstance(value, str) and name != "exception":
            event[name] = value.translate(_CONTROLS)
    return event


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127)} | {10: "\\n", 13: "\\r", 9: "\\t"}


def setup(form: Literal["text", "json"] = "text", level: str = "info", stream: TextIO | None = None) -> None:
    """Sets up logging for this process; may be called again."""
    out = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_request_id,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _redact,
        _one_line,
    ]
    renderer: Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    else:
        plain = structlog.dev.plain_traceback  # rich ones show local variables, and with them secrets
        renderer = structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=plain, sort_keys=False)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            _Seldom(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.addFilter(lambda record: not _of_an_outage(record))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, number))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "litestar"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.captureWarnings(capture=True)


class _Request:
    """The context of `request`; as a generator it would take three times as long, for every request."""

    __slots__ = ("_current", "_token")

    def __init__(self, current: str) -> None:
        self._current = current

    def __enter__(self) -> str:
        self._token = request_id.set(self._current)
        return self._current

    def __exit__(self, *_: object) -> None:
        request_id.reset(self._token)


def request(given: str = "") -> AbstractContextManager[str]:
    """Gives all that is logged inside an id: the caller's own, when it is short and plain, else a new one."""
    own = bool(given) and len(given) <= MAX_REQUEST_ID and _PLAIN_ID.fullmatch(given) is not None
    return _Request(given if own else uuid7_hex())


_PLAIN_ID = re.compile(r"[A-Za-z0-9._:-]+")
