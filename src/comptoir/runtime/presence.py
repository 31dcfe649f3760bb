"""Whether the database answers, as this process finds out by connecting; told once when it goes and once when it is back.

Pools and workers meet an outage many times a second. None of them talks about it: they ask `troubled`, and leave the word to
this.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

log = structlog.get_logger("comptoir.database")

REMIND_EVERY = 60.0
"""Seconds between two lines of an outage that goes on."""
_SLOW = 1.5
"""Seconds after which an attempt to connect counts as one that will come to nothing."""
_DOUBT = 3.0
"""Seconds for which a lost connection may be the first sign of an outage."""


class Presence:
    """What is known of one database. Its methods are called by connections as they come and go."""

    def __init__(self, application: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._application = application
        self._clock = clock
        self._gone_at: float | None = None
        self._told_at = 0.0
        self._lost_at: float | None = None
        self._connecting: dict[object, float] = {}

    @property
    def away_for(self) -> float:
        """Seconds for which nothing could connect; 0 while connecting works."""
        now = self._clock()
        if self._gone_at is not None:
            return now - self._gone_at
        oldest = min(self._connecting.values(), default=now)
        return now - oldest if now - oldest > _SLOW else 0.0

    @property
    def troubled(self) -> bool:
        """Whether it is away, or a connection was lost so lately that it may turn out to be."""
        doubtful = self._lost_at is not None and self._clock() - self._lost_at < _DOUBT
        return doubtful or self._gone_at is not None or self.away_for > 0

    def lost(self) -> None:
        """A connection ended in the middle of something."""
        self._lost_at = self._clock()

    def failed(self, problem: BaseException) -> None:
        """An attempt to connect came to nothing."""
        now = self._clock()
        if self._gone_at is None:
            self._gone_at = self._told_at = now
            log.error("the database does not answer", application=self._application, problem=str(problem).strip())
        elif now - self._told_at >= REMIND_EVERY:
            self._told_at = now
            log.warning(
                "the database still does not answer",
                application=self._application,
                seconds=round(now - self._gone_at),
                problem=str(problem).strip(),
            )

    def answered(self) -> None:
        """Something connected."""
        self._lost_at = None
        if self._gone_at is not None:
            seconds = round(self._clock() - self._gone_at, 1)
            self._gone_at = None
            log.warning("the database answers again", application=self._application, seconds=seconds)

    @contextlib.asynccontextmanager
    async def connecting(self) -> AsyncGenerator[None]:
        """Around an attempt to connect."""
        mark = object()
        self._connecting[mark] = self._clock()
        try:
            yield
        except psycopg.Error as problem:
            self.failed(problem)
            raise
        else:
            self.answered()
        finally:
            del self._connecting[mark]

    def connections(self) -> type[AsyncConnection[TupleRow]]:
        """The class of connections that tell this of their coming."""
        presence = self

        class Watched(AsyncConnection[TupleRow]):
            @classmethod
            async def connect(cls, conninfo: str = "", **options: Any) -> AsyncConnection[TupleRow]:
                async with presence.connecting():
                    return await super().connect(conninfo, **options)

        return Watched
