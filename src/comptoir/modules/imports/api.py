"""Import runs: how far each has come, what became of its rows, and which of them were rejected."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from comptoir.modules.imports import domain, store
from comptoir.modules.imports.contracts import (
    ImportEnded,
    ImportKind,
    ImportStarted,
    Rejection,
    Run,
    RunDraft,
    RunFilter,
    RunId,
    RunState,
    Step,
)
from comptoir.modules.imports.domain import rejected_rows, resumable
from comptoir.modules.imports.errors import NotInThatState, TakenOver, UnknownRun
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Count, Page

__all__ = ["rejected_rows", "resumable"]


async def create(tx: Tx, draft: RunDraft) -> Run:
    """A run that waits to be begun."""
    return await store.insert(tx, draft)


async def begin(tx: Tx, run_id: RunId) -> Run:
    """Begins it, or goes on with it from its position. Raises UnknownRun, and NotInThatState where it is over."""
    run = await _step(tx, run_id, Step.BEGIN)
    tx.emit(ImportStarted(run_id=run.id, kind=run.kind, file_name=run.file_name))
    return run


async def restart(tx: Tx, run_id: RunId) -> Run:
    """Begins it at the start of its file, and forgets how far it had come and what it had rejected: for a dry run, which has
    done nothing to go on with. Raises as `begin` does.
    """
    await begin(tx, run_id)
    return await store.forget(tx, run_id)


async def advance(
    tx: Tx,
    run: Run,
    *,
    position: int,
    size: int,
    report: Mapping[str, object],
    layout: str = "",
    rejections: Sequence[Rejection] = (),
) -> Run:
    """Moves a run on, in the transaction of what it has just done.

    Raises TakenOver when the run is not where `run` says: the caller's transaction must not commit then.
    """
    moved = await store.advance(tx, run, position, size, layout or run.layout, report)
    if moved is None:
        raise TakenOver(kind="import", id=run.id)
    if rejections:
        await store.reject(tx, run.id, rejections)
    return moved


async def pause(tx: Tx, run_id: RunId) -> Run:
    """Puts it aside; `begin` goes on with it. Raises UnknownRun and NotInThatState."""
    return await _step(tx, run_id, Step.PAUSE)


async def finish(tx: Tx, run_id: RunId) -> Run:
    """Raises UnknownRun and NotInThatState."""
    return await _step(tx, run_id, Step.FINISH)


async def fail(tx: Tx, run_id: RunId, problem: str) -> Run:
    """Stops it at a problem, which says what a person has to do. Raises UnknownRun and NotInThatState."""
    return await _step(tx, run_id, Step.FAIL, problem)


async def cancel(tx: Tx, run_id: RunId) -> Run:
    """Stops it for good, keeping what it has done. Raises UnknownRun and NotInThatState."""
    return await _step(tx, run_id, Step.CANCEL)


async def _step(tx: Tx, run_id: RunId, step: Step, problem: str = "") -> Run:
    run = await store.get(tx, run_id, lock=True)
    if run is None:
        raise UnknownRun(kind="import", id=run_id)
    state = domain.after(run.state, step)
    if state is None:
        raise NotInThatState(kind="import", id=run_id, state=run.state.value, step=step.value)
    moved = await store.set_state(tx, run_id, state, ended=state in domain.ENDED, problem=problem)
    if state in domain.ENDED:
        rejected = domain.rejected_rows(run.report)
        tx.emit(ImportEnded(run_id=run_id, kind=run.kind, file_name=run.file_name, state=state, rejected=rejected))
    return moved


async def get(reader: Reader, run_id: RunId) -> Run:
    found = await store.get(reader, run_id)
    if found is None:
        raise UnknownRun(kind="import", id=run_id)
    return found


async def same_file(reader: Reader, kind: ImportKind, file_hash: str, *, channel: str = "") -> Run | None:
    """The latest run of this very file into this channel that says something: one that is done, else one that may go on."""
    runs = await store.same_file(reader, kind, file_hash, channel)
    done = next((run for run in runs if run.state is RunState.DONE), None)
    return done or next((run for run in runs if domain.resumable(run.state)), None)


async def claim_adjustments(tx: Tx, run_id: RunId, channel: str, external_ids: Sequence[str]) -> set[str]:
    """Those of a channel's corrections of stock that nobody has done yet; they count as done from now on."""
    return await store.claim(tx, run_id, channel, external_ids) if external_ids else set()


async def find(
    reader: Reader, wanted: RunFilter, *, sort: str = "-started", limit: int = 50, cursor: str | None = None
) -> Page[Run]:
    """Sorts: started, file, and each with a `-` before it."""
    return await store.RUNS.page(reader, store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count(reader: Reader, wanted: RunFilter) -> Count:
    return await store.RUNS.count(reader, store.where(wanted))


def stream(reader: Reader, wanted: RunFilter, *, sort: str = "-started") -> AsyncIterator[Run]:
    """Every one of them, in order, for exports."""
    return store.RUNS.stream(reader, store.where(wanted), sort=sort)


async def rejections(
    reader: Reader, run_id: RunId, *, sort: str = "line", limit: int = 50, cursor: str | None = None
) -> Page[Rejection]:
    """Sorts: line, -line."""
    return await store.REJECTIONS.page(reader, store.rejections_of(run_id), sort=sort, limit=limit, cursor=cursor)


async def count_rejections(reader: Reader, run_id: RunId) -> Count:
    return await store.REJECTIONS.count(reader, store.rejections_of(run_id))


def stream_rejections(reader: Reader, run_id: RunId) -> AsyncIterator[Rejection]:
    """Every rejected row, file by file and line by line, for the file that can be corrected."""
    return store.REJECTIONS.stream(reader, store.rejections_of(run_id), sort="line")
