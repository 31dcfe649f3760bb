"""The figures of all processes of `comptoir serve`, and of a worker by itself, as Prometheus scrapes them."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from cli.conftest import Command
from comptoir.surfaces.cli.exits import Exit
from support.figures import Scrape
from support.serving import PATIENCE, Serving, serving

ALL_UP = {"web-1": 1, "web-2": 1, "worker": 1}
Spawn = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files of what is started in the test."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def scraped(url: str) -> Scrape:
    """As often as it takes: a process that is killed hangs up on those that it was about to answer."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                assert answer.headers.get_content_type() == "text/plain"
                return Scrape(answer.read().decode())
        except (OSError, http.client.HTTPException):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def until(found: Callable[[Scrape], bool], scrape: Callable[[], Scrape]) -> Scrape:
    """On a machine that is busy, a process may once be too late with its figures."""
    deadline = time.monotonic() + PATIENCE
    while not found(now := scrape()):
        assert time.monotonic() < deadline, f"it was never so: {now.up}"
        time.sleep(0.05)
    return now


@contextlib.contextmanager
def stopped(processes: Sequence[psutil.Process]) -> Generator[None]:
    """Within it, they do nothing."""
    try:
        for process in processes:
            process.suspend()
        for process in processes:
            while process.status() != psutil.STATUS_STOPPED:
                time.sleep(0.01)
        yield
    finally:
        for process in processes:
            process.resume()


class Pinned:
    """A connection that one web process has accepted, and answers."""

    def __init__(self, server: Serving, name: str) -> None:
        others = [other for other in server.children("web") if other.name() != f"comptoir-{name}"]
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        with stopped(others):
            self.get("/readyz")

    def get(self, path: str) -> str:
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, text
        return text

    def close(self) -> None:
        self._connection.close()


def asked(scrape: Scrape) -> dict[str, float]:
    return scrape.by_process("comptoir_http_requests_total", route="/healthz")


def test_one_scrape_shows_all_processes_whoever_answers(tmp_path: Path, temporary: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, processes=2, worker=True) as server:
        with contextlib.closing(Pinned(server, "web-1")) as one, contextlib.closing(Pinned(server, "web-2")) as two:
            first = second = 0
            for more, others in ((3, 2), (4, 0), (1, 5)):
                for pinned, times in ((one, more), (two, others)):
                    for _ in range(times):
                        pinned.get("/healthz")
                first, second = first + more, second + others
                for pinned in (one, two):
                    scrape = until(
                        lambda now: now.up == ALL_UP and sum(asked(now).values()) >= first + second,  # noqa: B023
                        lambda: Scrape(pinned.get("/metrics")),  # noqa: B023
                    )
                    assert asked(scrape) == {"web-1": first, "web-2": second}
                    assert set(scrape.by_process("process_resident_memory_bytes")) == set(ALL_UP)
                    assert set(scrape.by_process("comptoir_db_pool", figure="pool_size")) == set(ALL_UP)
            lag = until(
                lambda now: bool(now.by_process("comptoir_consumer_lag_events")), lambda: Scrape(one.get("/metrics"))
            ).by_process("comptoir_consumer_lag_events")
            assert set(lag) == {"worker"}
        assert len(list(temporary.glob("comptoir-*/*"))) == 3
    assert list(temporary.iterdir()) == []
    assert "Traceback" not in server.said()


def test_who_is_killed_is_seen_again(tmp_path: Path, temporary: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, processes=2, worker=True) as server:
        url = f"http://127.0.0.1:{server.port}/metrics"
        scrape = until(lambda now: now.up == ALL_UP, lambda: scraped(url))
        before = scrape.by_process("process_start_time_seconds")
        assert server.kill("web-2")
        assert server.kill("worker")

        def again(scrape: Scrape) -> bool:
            begun = scrape.by_process("process_start_time_seconds")
            return scrape.up == ALL_UP and begun["web-2"] > before["web-2"] and begun["worker"] > before["worker"]

        scrape = until(again, lambda: scraped(url))
        assert scrape.by_process("process_start_time_seconds")["web-1"] == before["web-1"]
    assert list(temporary.iterdir()) == []


def test_a_worker_that_does_nothing_is_left_out_and_not_waited_for(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path, database_url=database_url, processes=2, worker=True) as server:
        url = f"http://127.0.0.1:{server.port}/metrics"
        with stopped(server.children("worker")):
            for _ in range(3):
                assert scraped(url).up["worker"] == 0
            scrape = until(lambda now: now.up == {"web-1": 1, "web-2": 1, "worker": 0}, lambda: scraped(url))
            assert scrape.told == {"web-1", "web-2"}
        until(lambda now: now.up == ALL_UP, lambda: scraped(url))


def test_a_worker_by_itself_shows_its_figures_where_it_is_told_to(spawn: Spawn, database_url: str) -> None:
    process = spawn("worker", "--metrics-port", 0, DATABASE_URL=database_url)
    assert process.stderr is not None
    said = process.stderr.readline()
    found = re.fullmatch(r"The figures are at (http://127\.0\.0\.1:\d+/metrics)\n", said)
    assert found is not None, said
    address = found[1]
    while "The worker is ready" not in (said := process.stderr.readline()):
        assert said, "it ended"
    scrape = scraped(address)
    assert set(scrape.by_process("comptoir_db_pool", figure="pool_size")) == {"worker"}
    assert scrape.up == {"worker": 1}
    assert scraped(f"{address}?name[]=comptoir_process_up").up == {"worker": 1}
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=PATIENCE)


def test_a_metrics_port_that_is_taken_is_told_with_what_to_do(comptoir: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = comptoir("worker", "--metrics-port", port)
    assert ended.code == Exit.REFUSED
    assert ended.err.strip() == (
        f"The port is in use: 127.0.0.1:{port}. Stop the program that uses it, or choose another with --metrics-port."
    )


def test_a_metrics_host_that_is_not_of_this_machine_is_told(comptoir: Command) -> None:
    ended = comptoir("worker", "--metrics-port", 0, "--metrics-host", "192.0.2.1")
    assert ended.code == Exit.REFUSED
    assert "metrics-host 192.0.2.1:0 cannot be listened on" in ended.err


def test_a_worker_by_itself_shows_its_figures_nowhere_unless_it_is_told_to(spawn: Spawn, database_url: str) -> None:
    process = spawn("worker", DATABASE_URL=database_url)
    assert process.stderr is not None
    while "The worker is ready" not in (said := process.stderr.readline()):
        assert said, "it ended"
        assert "figures" not in said
    listening = [one for one in psutil.Process(process.pid).net_connections() if one.status == psutil.CONN_LISTEN]
    assert listening == []
