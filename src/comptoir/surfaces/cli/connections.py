"""One HTTP connection: uvicorn's, for clients that cannot be trusted to be quick or brief.

uvicorn waits for ever for the rest of a request's head, takes a head of any size, and writes for ever to who does not read.
Each such connection counts against the number that a process takes, so that a few thousand idle sockets would close the shop.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from functools import partial
from typing import Any, cast
from weakref import ReferenceType, ref

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from comptoir.surfaces.api.answering import WHOLE

HEAD_WITHIN = 15.0
"""Seconds from the first sight of a connection, or of a request on it, to the end of that request's head."""
MAX_HEAD = 64 * 1024
"""Bytes of a head that has not ended."""
READ_WITHIN = 60.0
"""Seconds in which a client that has stopped reading has to go on."""
LINGER = 5.0
"""Seconds in which whoever was answered before the end of the body may notice it and stop sending."""


class _Part(Enum):
    """What the bytes that come next belong to."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


def _send_whole(of: ReferenceType[RequestResponseCycle], status: int, head: bytes, body: bytes) -> bool:
    """Does what the cycle's `send` does with the messages of an answer, in one write. Lines of `head` end with CRLF each."""
    cycle = of()
    if cycle is None or cycle.disconnected:
        return True
    if cycle.flow.write_paused or cycle.response_started:
        return False
    lines = [STATUS_LINE[status], *(b"%b: %b\r\n" % header for header in cycle.default_headers), head]
    lines.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
    cycle.waiting_for_100_continue = False
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(b"".join([*lines, body]))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True


class Connection(HttpToolsProtocol):
    """Hangs up on who does not finish what was begun."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._part = _Part.NOTHING
        self._head = 0
        self._patience: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._hang_up_in(HEAD_WITHIN)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_for_ever()
        self._reads_again()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._patience is None and self._owes_a_head():
            self._hang_up_in(HEAD_WITHIN)
        self._head = self._head + len(data) if self._part is _Part.HEAD else 0
        if self._head > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def _owes_a_head(self) -> bool:
        """Whether what came was not enough to be answered: the beginning of a head, or empty lines before it."""
        if self._part is _Part.NOTHING:
            return cast("RequestResponseCycle | None", self.cycle) is None or self.cycle.response_complete
        return self._part is _Part.HEAD

    def on_message_begin(self) -> None:
        self._part = _Part.HEAD
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._part = _Part.BODY
        self._wait_for_ever()  # for the body there is a time limit where it is read
        super().on_headers_complete()
        if getattr(self.cycle, "scope", None) is self.scope:  # else another protocol takes over
            cast("dict[str, Any]", self.scope)["extensions"] = {WHOLE: partial(_send_whole, ref(self.cycle))}

    def on_message_complete(self) -> None:
        self._part = _Part.NOTHING
        if self.cycle.response_complete:
            self._hang_up_in(self.timeout_keep_alive)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._part is _Part.BODY and self.cycle.response_complete:
            self._hang_up_in(LINGER)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writing = self.loop.call_later(READ_WITHIN, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reads_again()

    def _reads_again(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _hang_up_in(self, seconds: float) -> None:
        self._wait_for_ever()
        self._patience = self.loop.call_later(seconds, self._hang_up)

    def _wait_for_ever(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _hang_up(self) -> None:
        self._patience = None
        if not self.transport.is_closing():
            self.transport.close()
