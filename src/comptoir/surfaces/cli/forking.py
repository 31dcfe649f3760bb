"""Processes that are copies of their parent: what all of them need is loaded once, and its memory is shared.

The parent has no threads, no event loop and no connections when it makes them. A copy keeps the descriptors that it is told to
keep, closes the others, and never returns into its parent's code.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence

from comptoir.surfaces.cli.exits import Exit

_HEAVY = ("comptoir.surfaces.cli.web", "comptoir.surfaces.cli.worker")
_NAME_LENGTH = 15


class Forked:
    """A child process, told of as `subprocess.Popen` does."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, None while it runs; minus the number of the signal that ended it."""
        return self._waited(os.WNOHANG)

    def wait(self) -> int:
        code = self._waited(0)
        assert code is not None, "waited for"
        return code

    def _waited(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def preload() -> None:
    """Loads what the processes will need, and keeps the collector of cycles from touching it: what is touched is copied."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start threads, which do not survive a fork
    for name in _HEAVY:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def forked(
    name: str, run: Callable[[int], int], environment: Mapping[str, str], keep: Sequence[int] = ()
) -> Callable[[int], Forked]:
    """What starts such a process, given the number of its end of the socket pair; `run` is given the same, and gives the exit
    code.
    """

    def start(control: int) -> Forked:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            return Forked(pid)
        code = int(Exit.FAULT)
        try:
            _become(name, environment, {control, *keep})
            code = run(control)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else Exit.FAULT
        except BaseException:  # noqa: BLE001 - the outermost edge of the process
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    return start


def _become(name: str, environment: Mapping[str, str], keep: set[int]) -> None:
    """Leaves behind what is the parent's."""
    os.setsid()  # Ctrl-C is for the parent, who passes it on
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    kept = sorted({0, 1, 2, *keep})
    for low, high in zip(kept, [*kept[1:], os.sysconf("SC_OPEN_MAX")], strict=True):
        os.closerange(low + 1, high)
    with contextlib.suppress(OSError), open("/proc/self/comm", "w") as comm:  # noqa: PTH123 - only Linux has it
        comm.write(f"comptoir-{name}"[:_NAME_LENGTH])
    os.environ.clear()
    os.environ.update(environment)
