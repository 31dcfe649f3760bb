"""The process that prints: `python -m comptoir.surfaces.documents.process`.

It reads a job, answers it, and waits for the next. It ends when nobody has asked for a minute, when whoever started it is gone,
and when it has grown large. `press` starts it and talks to it, in `frames`.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import traceback

import msgspec
import psutil

from comptoir.surfaces.documents.frames import Answer, Job, read_frame, write_frame
from comptoir.surfaces.documents.rendering import LibraryMissing, Printer

IDLE = 60.0
"""Seconds without a job after which it ends."""
_LARGE = 400_000_000
"""Bytes that it may hold on to after a job; with more it makes room for a new one."""
_NICENESS = 10
"""Orders go first."""


def _answer(printer: Printer, job: bytes) -> Answer:
    try:
        asked = msgspec.msgpack.decode(job, type=Job)
        printed = printer.printed([sheet.opened() for sheet in asked.sheets])
    except Exception:  # noqa: BLE001 - the outermost edge of this process: whoever asked is told
        return Answer(problem=traceback.format_exc())
    return Answer(pdf=printed.pdf, pages=printed.pages, without_font=printed.without_font)


def _grown_large() -> bool:
    return psutil.Process().memory_info().rss > _LARGE  # the peak of getrusage would be that of whoever started us


def main() -> int:
    asked = os.fdopen(os.dup(0), "rb")
    told = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is none of our answers
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    try:
        printer = Printer()
    except LibraryMissing as problem:
        read_frame(asked)
        write_frame(told, msgspec.msgpack.encode(Answer(missing=str(problem))))
        return 0
    while not _grown_large() and select.select([asked], [], [], IDLE)[0]:
        job = read_frame(asked)
        if job is None:
            break
        write_frame(told, msgspec.msgpack.encode(_answer(printer, job)))
    return 0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):  # nobody waits for the answer any more
        sys.exit(main())
