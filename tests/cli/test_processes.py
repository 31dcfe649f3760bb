"""`comptoir` in processes of its own: serving, killed in the middle of an import, two copies side by side."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty, Queue

import psutil
import psycopg
import pytest

from comptoir.runtime.embedded import EmbeddedPostgres
from comptoir.surfaces.cli.supervisor import READY
from support import uci

_WORKER = """
import sys
from comptoir.runtime.neighbours import Neighbours, meeting_place
from comptoir.surfaces.cli.child import run_worker

with meeting_place() as folder:
    sys.exit(run_worker("worker", Neighbours(folder, ["worker"]), int(sys.argv[1])))
"""
Spawn = Callable[..., "subprocess.Popen[str]"]
_PATIENCE = 60.0


def _address(process: subprocess.Popen[str]) -> str:
    """Where it says that it is ready."""
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    stream = process.stdout

    def read() -> None:
        for line in stream:
            lines.put(line)

    threading.Thread(target=read, daemon=True).start()
    try:
        found = re.search(r"ready at (http://\S+)", lines.get(timeout=_PATIENCE))
    except Empty:
        pytest.fail("it did not become ready")
    assert found is not None
    return found[1]


def _healthy(address: str) -> bool:
    with urllib.request.urlopen(f"{address}/healthz", timeout=20) as answer:
        return answer.status == 200


def test_serve_answers_survives_its_children_and_stops_in_seconds(spawn: Spawn, database_url: str) -> None:
    process = spawn("serve", "--port", 0, DATABASE_URL=database_url)
    address = _address(process)
    assert _healthy(address)
    children = psutil.Process(process.pid).children()
    assert len(children) == 2
    web = next(child for child in children if child.name() == "comptoir-web-1")
    web.kill()
    assert _healthy(address)  # the port stays open: whoever connects meanwhile is answered by the next process
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(_PATIENCE) == 0
    assert time.monotonic() - begun < 15
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_children_do_not_outlive_a_parent_that_is_killed(spawn: Spawn, database_url: str) -> None:
    with tempfile.TemporaryDirectory(prefix="t") as temporary:
        process = spawn("serve", "--port", 0, DATABASE_URL=database_url, TMPDIR=temporary)
        _address(process)
        children = psutil.Process(process.pid).children()
        process.kill()
        _, alive = psutil.wait_procs(children, 30)
        assert alive == []
        assert list(Path(temporary).iterdir()) == []


def test_an_import_that_is_killed_goes_on_and_comes_out_exact(spawn: Spawn, database_url: str, tmp_path: Path) -> None:
    rows = uci.orders(3_000, lines=8)
    path = uci.write(tmp_path / "year.csv", rows)
    process = spawn("import", "orders", path, DATABASE_URL=database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:

        def position() -> int:
            found = connection.execute("SELECT position FROM imports.runs").fetchone()
            return found[0] if found else 0

        deadline = time.monotonic() + _PATIENCE
        while not position():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert 0 < position() < len(rows)
        again = spawn("import", "orders", path, DATABASE_URL=database_url)
        out, said = again.communicate(timeout=_PATIENCE)
        assert again.returncode == 0, said
        assert "Going on with the run" in said
        assert "24,000 rows, all accounted for" in out
        book = connection.execute("SELECT count(*), sum(total)::bigint FROM orders.orders").fetchone()
        assert book == (3_000, uci.net(rows))
        assert connection.execute("SELECT count(*) FROM orders.lines").fetchone() == (24_000,)
        third = spawn("import", "orders", path, DATABASE_URL=database_url)
        out, _ = third.communicate(timeout=_PATIENCE)
        assert third.returncode == 0
        assert out.startswith("Nothing to do: this file was imported on ")


def test_ctrl_c_leaves_an_import_where_it_was(spawn: Spawn, database_url: str, tmp_path: Path) -> None:
    path = uci.write(tmp_path / "year.csv", uci.orders(3_000, lines=8))
    process = spawn("import", "orders", path, DATABASE_URL=database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        deadline = time.monotonic() + _PATIENCE
        while connection.execute("SELECT FROM imports.runs WHERE position > 0").fetchone() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=_PATIENCE)
        assert process.returncode == 130
        assert "goes on where this one stopped" in said
        assert connection.execute("SELECT state FROM imports.runs").fetchone() == ("waiting",)


def test_two_copies_with_their_own_data_run_side_by_side(spawn: Spawn, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    started = [spawn("user", "add", f"{f.name}@example.com", "--role", "owner", COMPTOIR_DATA=str(f)) for f in folders]
    for process in started:
        _, said = process.communicate(timeout=_PATIENCE)
        assert process.returncode == 0, said
    for folder in folders:
        with EmbeddedPostgres(folder) as server, psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT email FROM staff.users").fetchall() == [(f"{folder.name}@example.com",)]


def test_a_process_of_serve_leaves_nothing_open(environment: Mapping[str, str], database_url: str) -> None:
    """It stops when its parent is gone, and closes its end of the line to it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [sys.executable, "-W", "always::ResourceWarning", "-c", _WORKER]
        process = subprocess.Popen(
            [*command, str(theirs.fileno())],
            env={name: value for name, value in environment.items() if name != "PYTHONWARNINGS"}
            | {"DATABASE_URL": database_url},
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        theirs.close()
        ours.settimeout(_PATIENCE)
        with process:
            try:
                assert ours.recv(64) == READY
                ours.shutdown(socket.SHUT_WR)
                said, _ = process.communicate(timeout=_PATIENCE)
            finally:
                process.kill()  # nothing, when it has ended
    assert process.returncode == 0, said
    assert "ResourceWarning" not in said
    assert "setup plugin" not in said
