"""Processes that are kept running: started, started again, and stopped in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from comptoir.surfaces.cli import sockets, supervisor
from comptoir.surfaces.cli.sockets import PortTaken, listening
from comptoir.surfaces.cli.supervisor import NeverReady, Plan, Supervisor

_WELL = """
import os, signal, socket, sys, time
folder, control = sys.argv[1], socket.socket(fileno=int(sys.argv[2]))
open(os.path.join(folder, str(os.getpid())), "w").close()
def stop(*_):
    open(os.path.join(folder, "stopped"), "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
control.send(b"ready")
control.recv(1)
"""
_DEAF = """
import signal, socket, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
socket.socket(fileno=int(sys.argv[2])).send(b"ready")
time.sleep(60)
"""


def _plan(program: str, folder: Path) -> Plan:
    def start(control: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-S", "-c", program, str(folder), str(control)], pass_fds=[control])

    return Plan("child", start)


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Supervisor], threading.Thread]:
    """Runs a supervisor in a thread, where signals are not to be had."""
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(supervisor.signal, "signal", lambda *_: signal.SIG_DFL)

    def begin(one: Supervisor) -> threading.Thread:
        thread = threading.Thread(target=one.run)
        thread.start()
        return thread

    return begin


def _until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not found():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def test_a_process_that_is_killed_is_started_again_and_stopped_cleanly(
    tmp_path: Path, watch: Callable[[Supervisor], threading.Thread]
) -> None:
    ready: list[bool] = []
    one = Supervisor([_plan(_WELL, tmp_path)], when_ready=lambda: ready.append(True))
    thread = watch(one)
    _until(lambda: bool(ready))
    first = next(iter(tmp_path.iterdir()))
    os.kill(int(first.name), signal.SIGKILL)
    _until(lambda: len(list(tmp_path.iterdir())) == 2)
    time.sleep(0.2)
    one.ask_to_stop()
    thread.join(20)
    assert not thread.is_alive()
    assert (tmp_path / "stopped").exists()
    assert ready == [True]


def test_a_process_that_does_not_stop_in_time_is_killed(
    tmp_path: Path, watch: Callable[[Supervisor], threading.Thread]
) -> None:
    ready = threading.Event()
    one = Supervisor([_plan(_DEAF, tmp_path)], when_ready=ready.set, grace=0.3)
    thread = watch(one)
    assert ready.wait(20)
    begun = time.monotonic()
    one.ask_to_stop()
    thread.join(20)
    assert 0.3 <= time.monotonic() - begun < 10


def test_who_is_asked_twice_does_not_wait(tmp_path: Path, watch: Callable[[Supervisor], threading.Thread]) -> None:
    ready = threading.Event()
    one = Supervisor([_plan(_DEAF, tmp_path)], when_ready=ready.set, grace=60)
    thread = watch(one)
    assert ready.wait(20)
    one.ask_to_stop()
    time.sleep(0.1)
    one.ask_to_stop()
    thread.join(20)
    assert not thread.is_alive()


def test_a_process_that_never_becomes_ready_ends_it_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_FIRST_PAUSE", 0.01)
    with pytest.raises(NeverReady) as fault:
        Supervisor([_plan("raise SystemExit(7)", tmp_path)]).run()
    assert "ended 5 times before it was ready" in fault.value.detail


def test_a_database_that_was_killed_is_started_again(tmp_path: Path, watch: Callable[[Supervisor], threading.Thread]) -> None:
    class Server:
        up = False
        starts = 0

        def running(self) -> bool:
            return self.up

        def start(self) -> str:
            self.up, self.starts = True, self.starts + 1
            return ""

    server = Server()
    one = Supervisor([_plan(_WELL, tmp_path)], server)
    thread = watch(one)
    _until(lambda: server.starts == 1)
    server.up = False
    _until(lambda: server.starts == 2)
    one.ask_to_stop()
    thread.join(20)


def test_a_port_that_is_taken_is_told_with_what_to_do() -> None:
    first = listening("127.0.0.1", 0)
    try:
        port = first[0].getsockname()[1]
        with pytest.raises(PortTaken) as refusal:
            listening("127.0.0.1", port)
        assert refusal.value.data["port"] == port
        assert "--port" in str(refusal.value.data["advice"])
    finally:
        sockets.close(first)


def test_all_addresses_of_a_host_get_the_same_free_port() -> None:
    found = listening("localhost", 0)
    try:
        assert len({one.getsockname()[1] for one in found}) == 1
    finally:
        sockets.close(found)
