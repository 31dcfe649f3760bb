"""Imports that somebody starts from the console or the API: the file is kept in the data folder, and a worker reads it.

The worker must see the same data folder as the web process that took the file.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncIterable
from dataclasses import dataclass, replace
from pathlib import Path

from comptoir.kernel.errors import Invalid, Refusal
from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import Run, RunId, RunState
from comptoir.modules.imports.errors import AlreadyImported
from comptoir.runtime import jobs
from comptoir.runtime.database import Tx
from comptoir.surfaces.imports.keeping import FOLDER, IMPORT_TASK, MAX_UPLOAD
from comptoir.surfaces.imports.request import ImportRequest, hash_of, request_of

_PLAIN = re.compile(r"[^\w.-]+")


class TooLarge(Refusal):
    """The file has more bytes than `data["most"]`."""

    code = "upload_too_large"
    status = 413
    title = "The file is too large"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived. `name` is what it is called where it came from."""

    path: Path
    name: str
    size: int


async def store_upload(data: Path, name: str, parts: AsyncIterable[bytes], *, most: int = MAX_UPLOAD) -> Upload:
    """Keeps a file: whole or not at all. Raises TooLarge."""
    draft = await asyncio.to_thread(_draft, data / FOLDER)
    try:
        size = await _write(draft, name, parts, most)
        path = await asyncio.to_thread(_keep, draft, name)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return Upload(path, Path(name).name or path.name, size)


def _draft(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=".upload-", dir=folder)
    os.close(descriptor)
    return Path(draft)


async def _write(draft: Path, name: str, parts: AsyncIterable[bytes], most: int) -> int:
    size = 0
    with draft.open("wb") as file:
        async for part in parts:
            size += len(part)
            if size > most:
                raise TooLarge(f"{name} has more than {most} bytes", most=most)
            await asyncio.to_thread(file.write, part)
    return size


def _keep(draft: Path, name: str) -> Path:
    plain = _PLAIN.sub("_", Path(name).name)[-80:].lstrip(".") or "file"
    return draft.rename(draft.with_name(f"{draft.name.removeprefix('.upload-')}-{plain}"))


async def start_import(tx: Tx, request: ImportRequest, *, again: bool = False) -> Run:
    """A run of this request, which a worker begins as soon as the transaction has committed.

    Whether the file can be understood is found out by the worker, and stands in the run. Raises UnreadableFile, Invalid for a
    request without a file, and AlreadyImported for a file that has been through, unless it is to go through `again`.
    """
    if not request.files:
        raise Invalid("There is no file", errors=[{"path": "files", "message": "is missing"}])
    file_hash = await asyncio.to_thread(hash_of, request.paths)
    there = None if again or request.dry_run else await imports.same_file(tx, request.kind, file_hash, channel=request.channel)
    if there is not None and there.state is RunState.DONE:
        raise AlreadyImported(there.file_name, kind="import", id=there.id, finished_at=there.finished_at)
    run = await imports.create(tx, request.draft(file_hash))
    await _defer(tx, run.id)
    return run


async def start_again(tx: Tx, run_id: RunId, *, dry_run: bool = False, again: bool = False) -> Run:
    """What a dry run has shown, for real; or a run once more. Raises UnknownRun, and what `start_import` raises."""
    there = await imports.get(tx, run_id)
    return await start_import(tx, replace(request_of(there), dry_run=dry_run), again=again)


async def resume(tx: Tx, run_id: RunId) -> Run:
    """Lets a worker go on with a run that failed or was put aside. Raises UnknownRun."""
    run = await imports.get(tx, run_id)
    if imports.resumable(run.state):
        await _defer(tx, run_id)
    return run


async def _defer(tx: Tx, run_id: RunId) -> None:
    await jobs.defer(tx, IMPORT_TASK, queue="imports", once=f"{IMPORT_TASK}:{run_id}", run_id=str(run_id))
