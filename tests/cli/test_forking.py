"""Processes that are copies of their parent."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import os, socket, sys, time
from comptoir.surfaces.cli.forking import forked

other, wanted = os.pipe(), os.pipe()
ours, theirs = socket.socketpair()

def look(control):
    assert os.environ == {"ONLY": "this"}, os.environ
    assert os.getsid(0) == os.getpid()
    assert sys.stdin.read() == ""
    for number in other:
        try:
            os.fstat(number)
        except OSError:
            continue
        raise AssertionError(f"{number} is still open")
    os.write(wanted[1], open("/proc/self/comm", "rb").read())
    socket.socket(fileno=control).send(b"ready")
    return 7

def fail(control):
    raise RuntimeError("told on the error output")

process = forked("web-12345678", look, {"ONLY": "this"}, wanted)(theirs.fileno())
theirs.close()
assert ours.recv(5) == b"ready"
assert os.read(wanted[0], 20) == b"comptoir-web-12\\n"
assert process.wait() == 7 == process.poll()
assert forked("b", fail, {})(ours.fileno()).wait() > 0
sleeper = forked("c", lambda control: time.sleep(60) or 0, {})(ours.fileno())
assert sleeper.poll() is None
os.kill(sleeper.pid, 15)
assert sleeper.wait() == -15
for number in (*other, *wanted):
    os.fstat(number)
print("parent", os.getpid() != process.pid)
"""


def test_a_copy_keeps_what_it_is_told_to_and_says_how_it_ended() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _SCRIPT], capture_output=True, text=True, input="typed", timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "parent True\n"), done.stderr
    assert "told on the error output" in done.stderr


_HASHING = """
import asyncio, socket, threading
from comptoir.runtime.crypto import hash_password, password_fits
from comptoir.surfaces.cli.forking import forked

ours, theirs = socket.socketpair()
known = asyncio.run(hash_password("a long secret"))

def sign_in(control):
    return 0 if asyncio.run(asyncio.wait_for(password_fits(known, "a long secret"), 20)) else 1

process = forked("web-1", sign_in, {})(theirs.fileno())
assert threading.active_count() == 1, threading.enumerate()
assert process.wait() == 0
assert asyncio.run(password_fits(known, "a long secret"))
print("fits")
"""


def test_a_copy_signs_people_in_though_its_parent_has_hashed_before() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _HASHING], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "fits\n"), done.stderr
