"""Runs our processes: starts them, starts again what dies, and stops them all in time.

The parent does nothing else, so that there is little in it that could break. Each child holds one end of a socket pair: it says
through it that it is ready, and learns from its closing that the parent is gone, however the parent went.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

import structlog

from comptoir.kernel.errors import Fault, Remedy

log = structlog.get_logger("comptoir.supervisor")

READY = b"ready"
_TICK = 0.1
_LOOK_EVERY = 0.5
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_STEADY_AFTER = 30.0
"""Seconds after which a process that dies counts as one that worked."""
_GIVE_UP_AFTER = 5
"""Deaths in a row before anything of that kind was ever ready."""


class NeverReady(Fault):
    """A process dies each time before it is ready; the log says why."""

    code = "never_ready"


class Server(Protocol):
    """The embedded database, as far as it is kept running."""

    def start(self) -> str: ...
    def running(self) -> bool: ...


class Process(Protocol):
    """A process that was started, as `subprocess.Popen` is one."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self) -> int: ...


@dataclass(frozen=True)
class Plan:
    """One process to keep running. `start` is given the number of its end of the socket pair, which it passes on."""

    name: str
    start: Callable[[int], Process]


@dataclass(slots=True)
class _Child:
    plan: Plan
    process: Process | None = None
    control: socket.socket | None = None
    started_at: float = 0.0
    again_at: float = 0.0
    pause: float = _FIRST_PAUSE
    ready: bool = False
    was_ready: bool = False
    deaths: int = 0


@dataclass
class Supervisor:
    """`run` blocks until it is told to stop, by a signal or by `ask_to_stop`."""

    plans: Sequence[Plan]
    server: Server | None = None
    when_ready: Callable[[], None] = lambda: None
    grace: float = 8.0
    _children: list[_Child] = field(init=False)
    _asked: int = field(init=False, default=0)
    _selector: selectors.BaseSelector = field(init=False, default_factory=selectors.DefaultSelector)

    def __post_init__(self) -> None:
        self._children = [_Child(plan) for plan in self.plans]

    def ask_to_stop(self) -> None:
        """Once for a clean stop, twice for an immediate one."""
        self._asked += 1

    def run(self) -> None:
        """Raises NeverReady when a process does not even start."""
        with self._signals():
            try:
                self._watch()
            finally:
                self._stop()
                self._selector.close()

    def _watch(self) -> None:
        told, looked = False, time.monotonic()
        while not self._asked:
            now = time.monotonic()
            for child in self._children:
                if child.process is None and now >= child.again_at:
                    self._start(child)
                elif child.process is not None and child.process.poll() is not None:
                    self._died(child, now)
            self._hear(_TICK)
            if not told and all(child.ready for child in self._children):
                told = True
                self.when_ready()
            if self.server is not None and now - looked > _LOOK_EVERY:
                self._keep_server(self.server)
                looked = now

    @contextlib.contextmanager
    def _signals(self) -> Generator[None]:
        def asked(_number: int, _frame: FrameType | None) -> None:
            self.ask_to_stop()

        before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _start(self, child: _Child) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            child.process = child.plan.start(theirs.fileno())
        ours.setblocking(False)
        child.control, child.started_at, child.ready = ours, time.monotonic(), False
        self._selector.register(ours, selectors.EVENT_READ, child)
        log.debug("started", process=child.plan.name, pid=child.process.pid)

    def _hear(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            child: _Child = key.data
            assert child.control is not None
            said = b""
            with contextlib.suppress(OSError):
                said = child.control.recv(64)
            if said:
                child.ready = child.was_ready = True
                child.deaths = 0
            else:
                self._selector.unregister(child.control)
                child.control.close()
                child.control = None

    def _died(self, child: _Child, now: float) -> None:
        assert child.process is not None
        code = child.process.returncode
        if now - child.started_at > _STEADY_AFTER:
            child.pause = _FIRST_PAUSE
        child.deaths += 1
        self._forget(child)
        if not child.was_ready and child.deaths >= _GIVE_UP_AFTER:
            raise NeverReady(
                f"The {child.plan.name} process ended {child.deaths} times before it was ready; the log above says why. "
                "Nothing was lost.",
                remedy=Remedy.NOBODY,
            )
        log.error("a process ended and is started again", process=child.plan.name, code=code, seconds=child.pause)
        child.again_at = now + child.pause
        child.pause = min(child.pause * 2, _LONGEST_PAUSE)

    def _forget(self, child: _Child) -> None:
        if child.control is not None:
            self._selector.unregister(child.control)
            child.control.close()
        child.process, child.control, child.ready = None, None, False

    def _keep_server(self, server: Server) -> None:
        """The database is started again when it was killed; what it had committed is there."""
        if server.running():
            return
        log.error("the database has stopped and is started again")
        try:
            server.start()
        except Fault as fault:
            log.error("the database did not start", problem=fault.detail)  # noqa: TRY400 - the fault says it all

    def _stop(self) -> None:
        """Lets everybody finish within the grace, at once when asked twice."""
        alive = [child for child in self._children if child.process is not None]
        _send(alive, signal.SIGTERM)
        asked, deadline = self._asked, time.monotonic() + self.grace
        while alive and time.monotonic() < deadline and self._asked <= max(asked, 1):
            alive = [child for child in alive if child.process is not None and child.process.poll() is None]
            if alive:
                time.sleep(0.02)
        _send(alive, signal.SIGKILL)
        for child in self._children:
            if child.process is not None:
                child.process.wait()
                self._forget(child)


def _send(children: Sequence[_Child], number: signal.Signals) -> None:
    for child in children:
        if child.process is not None and child.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.process.pid, number)
