"""The rejected rows of an import as a file that can be corrected and imported again."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from comptoir.kernel.errors import Refusal
from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import Rejection, Run, RunId
from comptoir.runtime.database import Database, Reader
from comptoir.sdk.orderfiles import RejectedRow, RowId
from comptoir.sdk.rejects import COLUMNS, RejectWriter
from comptoir.sdk.tabular import open_table
from comptoir.surfaces.imports.request import ImportRequest, request_of

Headers = Sequence[tuple[Sequence[str], str]]
_FLUSH = 65_536


def report_path(path: Path, file: int) -> Path:
    """Where the rejected rows of the second and further files go."""
    return path if file == 0 else path.with_name(f"{path.stem}-{file + 1}{path.suffix}")


class _Writers:
    """One file for each that was read, made when it has a row. Each comes whole or not at all."""

    def __init__(self, path: Path, headers: Headers, stack: ExitStack) -> None:
        self._drafts = [report_path(path, file).with_suffix(".part") for file in range(len(headers))]
        self._paths = [report_path(path, file) for file in range(len(headers))]
        self._writers = [
            stack.enter_context(RejectWriter(draft, header, separator=separator))
            for draft, (header, separator) in zip(self._drafts, headers, strict=True)
        ]

    def write(self, row: RejectedRow) -> None:
        self._writers[row.row.file].write(row)

    def finish(self) -> list[Path]:
        done: list[Path] = []
        for writer, draft, path in zip(self._writers, self._drafts, self._paths, strict=True):
            if writer.count:
                writer.flush()
                draft.replace(path)
                done.append(path)
        return done


def write_rejected(path: Path, headers: Headers, rows: Iterable[RejectedRow]) -> list[Path]:
    """The files that were written; none where there was nothing to write."""
    with ExitStack() as stack:
        writers = _Writers(path, headers, stack)
        for row in rows:
            writers.write(row)
        return writers.finish()


async def write_rejections(reader: Reader, run_id: RunId, path: Path, headers: Headers) -> list[Path]:
    """The same from the record of a run."""
    with ExitStack() as stack:
        writers = _Writers(path, headers, stack)
        async for rejection in imports.stream_rejections(reader, run_id):
            writers.write(_row(rejection))
        return writers.finish()


async def reject_lines(reader: Reader, run_id: RunId) -> AsyncIterator[RejectedRow]:
    """Every rejected row of a run, as the readers of files gave it."""
    async for rejection in imports.stream_rejections(reader, run_id):
        yield _row(rejection)


async def rejected_csv(database: Database, run: Run, file: int) -> AsyncIterator[bytes]:
    """The rejected rows of one of a run's files, as `RejectWriter` writes them."""
    header, separator = await asyncio.to_thread(_header, request_of(run), file)
    if not header:
        header = await _columns(database, run, file)
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    begun = False
    yield b"\xef\xbb\xbf"
    async with database.read() as reader:
        async for row in reject_lines(reader, run.id):
            if row.row.file != file:
                continue
            if not begun:
                writer.writerow([*header, *COLUMNS])
                begun = True
            remarks = [row.row.line, f"{row.reason} ({row.code})", row.advice]
            writer.writerow([*(row.cells.get(name, "") for name in header), *remarks])
            if buffer.tell() > _FLUSH:
                yield buffer.getvalue().encode()
                buffer.seek(0)
                buffer.truncate()
    yield buffer.getvalue().encode()


def _header(request: ImportRequest, file: int) -> tuple[tuple[str, ...], str]:
    """Of the uploaded file; nothing when it has been cleared away meanwhile."""
    try:
        table = open_table(request.paths[file], request.options)
    except Refusal:
        return (), ","
    return tuple(table.header), table.dialect.separator or ","


async def _columns(database: Database, run: Run, file: int) -> tuple[str, ...]:
    """Of the rejected rows: as in the longest of them, then what only others have."""
    longest: Sequence[str] = ()
    others: dict[str, None] = {}
    async with database.read() as reader:
        async for row in reject_lines(reader, run.id):
            if row.row.file == file:
                longest = max(longest, tuple(row.cells), key=len)
                others |= dict.fromkeys(row.cells)
    return tuple(dict.fromkeys([*longest, *others]))


def _row(rejection: Rejection) -> RejectedRow:
    row = RowId(rejection.file, rejection.line)
    return RejectedRow(row, rejection.code, rejection.reason, rejection.advice, rejection.cells)
