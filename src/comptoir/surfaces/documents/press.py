"""Where documents are printed: beside the event loop, in a process that is started when it is needed.

Laying out pages takes Python's whole attention for a while, 80 MB and a library in C; a web process lends none of that. One
process prints one job at a time. It goes away when there is nothing to print, and when its parent dies.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
import structlog

from comptoir.surfaces.documents.contracts import Document
from comptoir.surfaces.documents.errors import DocumentNotPrinted, DocumentsBusy, DocumentsUnavailable
from comptoir.surfaces.documents.frames import Answer, packed, read_frame, write_frame

log = structlog.get_logger("comptoir.documents")

COMMAND = (sys.executable, "-P", "-m", "comptoir.surfaces.documents.process")
PATIENCE = 300.0
"""Seconds that one job may take. The largest that is accepted takes a third of that on a slow machine."""
MOST_WAITING = 16
_LAST_WORDS = 5.0
_PASSED_ON = frozenset({
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYTHONHASHSEED",
    "LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "XDG_CACHE_HOME", "XDG_DATA_HOME", "FONTCONFIG_FILE", "FONTCONFIG_PATH",
})  # fmt: skip
"""Of the environment. Who prints needs neither the database nor a key."""


class Press:
    """Prints jobs in the order in which they come. Safe to use from any thread and any event loop."""

    def __init__(self, command: Sequence[str] = COMMAND, patience: float = PATIENCE) -> None:
        self._command = tuple(command)
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._begin()
        # Neither threads nor children outlive a fork: the copy has its own.
        os.register_at_fork(after_in_child=self._begin_anew)

    def _begin_anew(self) -> None:
        if self._process is not None:
            self._process.returncode = 0  # it is the parent's, who waits for it
        self._begin()

    def _begin(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._process = None
        self._waiting = 0
        self._counting = threading.Lock()

    async def printed(self, sheets: Sequence[tuple[Document, str]]) -> bytes:
        """One PDF of the documents. Raises DocumentsUnavailable, DocumentsBusy and DocumentNotPrinted."""
        with self._counting:
            if self._waiting >= MOST_WAITING:
                raise DocumentsBusy(f"{self._waiting} jobs wait already")
            self._waiting += 1
            if self._thread is None:
                self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")
                atexit.register(self.close)
            job = self._thread.submit(self._done, sheets)
        job.add_done_callback(self._one_less)  # also when nobody waits for it any more
        return await asyncio.wrap_future(job)

    def close(self) -> None:
        """Ends the process and the thread, after what they are doing. The next job starts new ones."""
        with self._counting:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown()
            atexit.unregister(self.close)
        self._drop()

    def _one_less(self, job: Future[bytes]) -> None:
        del job
        with self._counting:
            self._waiting -= 1

    def _done(self, sheets: Sequence[tuple[Document, str]]) -> bytes:
        answer = msgspec.msgpack.decode(self._ask(packed(sheets)), type=Answer)
        if answer.missing:
            raise DocumentsUnavailable(
                f"{answer.missing}. PDFs need Pango and HarfBuzz: run tools/pango.sh, or install libpango-1.0-0, "
                "libpangoft2-1.0-0 and libharfbuzz-subset0"
            )
        if answer.problem:
            log.error(
                "a document broke the press",
                documents=sorted({type(one).__name__ for one, _ in sheets}),
                problem=answer.problem,
            )
            raise DocumentNotPrinted("a document could not be laid out; the log says where")
        if answer.without_font:
            log.warning("no font for some letters: install one, such as fonts-noto-cjk", scripts=answer.without_font)
        return answer.pdf

    def _ask(self, job: bytes) -> bytes:
        """The answer to a job. A process that has just gone idle is gone: then another one is asked, once."""
        for _ in range(2):
            process = self._running()
            began = time.monotonic()
            timer = threading.Timer(self._patience, process.kill)
            timer.start()
            try:
                answer = _exchanged(process, job)
            finally:
                timer.cancel()
            if answer is not None:
                return answer
            self._drop()
            if time.monotonic() - began >= self._patience:
                raise DocumentNotPrinted(f"it was not printed within {self._patience:.0f} seconds")
        raise DocumentNotPrinted("the press broke off twice")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self._drop()
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(os.environ),
                start_new_session=True,  # Ctrl-C is for the parent
            )
        return self._process

    def _drop(self) -> None:
        """Lets go of the process: it ends by itself when nobody listens, and is made to when it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        for end in (process.stdin, process.stdout):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.close()
        try:
            process.wait(_LAST_WORDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _exchanged(process: subprocess.Popen[bytes], job: bytes) -> bytes | None:
    """The answer of the process; None when it is gone."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        write_frame(process.stdin, job)
    except OSError:
        return None
    return read_frame(process.stdout)


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in ours.items() if name in _PASSED_ON}
