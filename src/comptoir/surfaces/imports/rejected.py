"""The rejected rows of an import as a file that can be corrected and imported again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import Rejection, RunId
from comptoir.runtime.database import Reader
from comptoir.sdk.orderfiles import RejectedRow, RowId
from comptoir.sdk.rejects import RejectWriter

Headers = Sequence[tuple[Sequence[str], str]]


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


def _row(rejection: Rejection) -> RejectedRow:
    row = RowId(rejection.file, rejection.line)
    return RejectedRow(row, rejection.code, rejection.reason, rejection.advice, rejection.cells)
