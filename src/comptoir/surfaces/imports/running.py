"""The one loop that every import goes through: chunk after chunk, each committed with the position after it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
import structlog

from comptoir.kernel.errors import Fault, Refusal, Remedy
from comptoir.kernel.ids import ActorId
from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import ImportKind, Rejection, Run, RunId
from comptoir.modules.imports.errors import NotInThatState, TakenOver
from comptoir.runtime.database import Contended, Context, Database, DatabaseUnavailable
from comptoir.sdk.orderfiles import RejectedRow
from comptoir.surfaces.imports.advice import Origin
from comptoir.surfaces.imports.bins import BinImporter
from comptoir.surfaces.imports.locations import LocationImporter
from comptoir.surfaces.imports.lot_stock import stock_importer
from comptoir.surfaces.imports.orders import OrderImporter
from comptoir.surfaces.imports.postcodes import PostcodeImporter
from comptoir.surfaces.imports.products import ProductImporter
from comptoir.surfaces.imports.reading import Chunk, Importer, Seen, Watch, ahead
from comptoir.surfaces.imports.report import Report
from comptoir.surfaces.imports.request import ImportRequest, request_of

log = structlog.get_logger("comptoir.imports")

_ATTEMPTS = 8
_SHOWN = 20
_MANY = 50_000
"""After a go at so many rows, the planner's statistics are refreshed."""
_KEPT = 10_000
"""How many rejected rows a dry run keeps: for showing at once, and on record."""


def _nobody(_: Seen) -> None:
    """Watches nothing."""


async def open_importer(request: ImportRequest, watch: Watch = _nobody) -> Importer[Any]:
    """The file, opened by whoever reads its kind. Raises what reading refuses, such as UnreadableFile and UnknownLayout."""
    match request.kind:
        case ImportKind.ORDERS:
            return await asyncio.to_thread(OrderImporter, request, watch)
        case ImportKind.PRODUCTS:
            return await asyncio.to_thread(ProductImporter, request, watch)
        case ImportKind.STOCK:
            return await asyncio.to_thread(stock_importer, request, watch)
        case ImportKind.LOCATIONS:
            return await asyncio.to_thread(LocationImporter, request, watch)
        case ImportKind.POSTCODES:
            return await asyncio.to_thread(PostcodeImporter, request, watch)
        case ImportKind.BINS:
            return await asyncio.to_thread(BinImporter, request, watch)


async def execute(database: Database, run_id: RunId, watch: Watch = _nobody) -> Run:
    """Does what a run was asked to do, from opening its file on: for workers, which are given nothing but its id.

    What is refused is kept as the run's problem and raised. Raises NotInThatState for a run that is over.
    """
    async with database.read() as reader:
        run = await imports.get(reader, run_id)
    context = Context(ActorId(run.actor))
    try:
        importer = await open_importer(request_of(run), watch)
    except Refusal as problem:
        async with database.transaction(context) as tx:
            await imports.begin(tx, run_id)
        await _note(database, run_id, context, problem)
        raise
    importer.origin = Origin.of(run.actor)
    if run.dry_run:
        return await _rehearse(database, run_id, importer, context, watch)
    return await run_import(database, run_id, importer, context, watch)


async def _rehearse(database: Database, run_id: RunId, importer: Importer[Any], context: Context, watch: Watch) -> Run:
    """A dry run that is kept, for somebody to look at.

    It moves on with each chunk, so that people see how far it is, and so that it stops as a real one does when it is cancelled.
    It changes nothing, so it has nothing to go on with: one that was put aside begins again.
    """
    async with database.transaction(context) as tx:
        run = await imports.restart(tx, run_id)

    async def move(found: Preview, rejected: Sequence[RejectedRow]) -> None:
        nonlocal run
        async with database.transaction(context) as tx:
            run = await imports.advance(
                tx,
                run,
                position=found.position,
                size=max(importer.size, found.position),
                report=found.report.to_json(),
                layout=importer.layout,
                rejections=_rejections(rejected),
            )

    async with _kept(database, run_id, context):
        await move(await preview(database, importer, watch, keep=_KEPT, move=move), ())
    async with database.transaction(context) as tx:
        return await imports.finish(tx, run_id)


async def run_import(
    database: Database, run_id: RunId, importer: Importer[Any], context: Context, watch: Watch = _nobody
) -> Run:
    """Begins a run or goes on with it, to its end.

    What it has done when it is cancelled or killed stays, and so does its place. A Refusal or a Fault is kept as the run's
    problem and raised; it may be run again. Raises NotInThatState for a run that is over.
    """
    async with database.transaction(context) as tx:
        begun = await imports.begin(tx, run_id)
    async with _kept(database, run_id, context):
        run = await _advance_all(database, begun, importer, context, watch)
    async with database.transaction(context) as tx:
        done = await imports.finish(tx, run.id)
    if done.position - begun.position >= _MANY:
        await _survey(database, done)
    return done


@contextlib.asynccontextmanager
async def _kept(database: Database, run_id: RunId, context: Context) -> AsyncGenerator[None]:
    """What stops a run is on record: it is put aside when this process ends, and has a problem when it broke."""
    try:
        yield
    except TakenOver:
        raise
    except asyncio.CancelledError:
        await _put_aside(database, run_id, context)
        raise
    except Exception as problem:
        if not isinstance(problem, DatabaseUnavailable):
            await _note(database, run_id, context, problem)
        raise


async def _survey(database: Database, run: Run) -> None:
    """The planner is told of the rows. The import is done by now: when this fails, autovacuum comes by later."""
    try:
        await database.survey()
    except DatabaseUnavailable as fault:
        log.warning("the statistics could not be refreshed", run_id=str(run.id), problem=fault.detail)


async def _advance_all(database: Database, run: Run, importer: Importer[Any], context: Context, watch: Watch) -> Run:
    report = Report.from_json(run.report)
    importer.run_id = run.id
    await importer.prepare(database, context, report)
    chunks: AsyncIterator[Chunk[Any]] = ahead(importer.chunks(run.position))
    async with contextlib.aclosing(cast("Any", chunks)):
        async for chunk in chunks:
            run, report = await _advance(database, run, report, importer, chunk, context)
            watch(Seen("importing", run.position, max(importer.size, run.position)))
    importer.conclude(report)
    async with database.transaction(context) as tx:
        return await imports.advance(
            tx, run, position=run.position, size=importer.size, report=report.to_json(), layout=importer.layout
        )


async def _advance(
    database: Database, run: Run, report: Report, importer: Importer[Any], chunk: Chunk[Any], context: Context
) -> tuple[Run, Report]:
    """One chunk. One item that the database refuses does not take its neighbours with it: it is found by halving."""
    try:
        return await _attempt(database, run, report, importer, chunk, context)
    except (Refusal, psycopg.DataError, psycopg.IntegrityError) as problem:
        if isinstance(problem, (TakenOver, NotInThatState)):
            raise
        if len(chunk.items) > 1:
            for half in chunk.halves():
                run, report = await _advance(database, run, report, importer, half, context)
            return run, report
        log.warning("a row was refused", file=run.file_name, position=chunk.position, problem=str(problem))
        rejected = importer.reject(chunk.items[0][1], problem)
        report = report.copy()
        report.reject(rejected)
        async with database.transaction(context) as tx:
            moved = await imports.advance(
                tx,
                run,
                position=chunk.position,
                size=importer.size,
                report=report.to_json(),
                layout=importer.layout,
                rejections=_rejections(rejected),
            )
        return moved, report


async def _attempt(
    database: Database, run: Run, report: Report, importer: Importer[Any], chunk: Chunk[Any], context: Context
) -> tuple[Run, Report]:
    for attempt in range(_ATTEMPTS):
        added = report.copy()
        try:
            async with database.transaction(context) as tx:
                rejected = await importer.apply(tx, chunk, added)
                moved = await imports.advance(
                    tx,
                    run,
                    position=chunk.position,
                    size=importer.size,
                    report=added.to_json(),
                    layout=importer.layout,
                    rejections=_rejections(rejected),
                )
        except DatabaseUnavailable as fault:
            if fault.remedy is not Remedy.WAIT or attempt == _ATTEMPTS - 1:
                raise
            await asyncio.sleep(0.1 if isinstance(fault, Contended) else min(2.0**attempt, 10.0))
            found = await _where(database, run.id)
            if found is not None and found.position == chunk.position:
                return found, added  # it had committed, and only the answer was lost
        else:
            return moved, added
    raise AssertionError


async def _where(database: Database, run_id: RunId) -> Run | None:
    """The run as it stands; None while the database is still away."""
    with contextlib.suppress(DatabaseUnavailable):
        async with database.read() as reader:
            return await imports.get(reader, run_id)
    return None


def _rejections(rows: Sequence[RejectedRow]) -> list[Rejection]:
    return [Rejection(row.row.line, row.code, row.reason, row.advice, row.cells, row.row.file) for row in rows]


async def _put_aside(database: Database, run_id: RunId, context: Context) -> None:
    with contextlib.suppress(Refusal, Fault):
        async with database.transaction(context) as tx:
            await imports.pause(tx, run_id)


async def _note(database: Database, run_id: RunId, context: Context, problem: Exception) -> None:
    words = str(problem) if isinstance(problem, (Refusal, Fault)) else f"{type(problem).__name__}: {problem}"
    with contextlib.suppress(Refusal, Fault):
        async with database.transaction(context) as tx:
            await imports.fail(tx, run_id, words[:2000].replace("\0", ""))


@dataclass(slots=True)
class Preview:
    """What an import would do."""

    report: Report = field(default_factory=Report)
    rejected: list[RejectedRow] = field(default_factory=list[RejectedRow])
    position: int = 0


Move = Callable[[Preview, Sequence[RejectedRow]], Awaitable[None]]
"""Is told of each chunk: what has been found so far, and the rows of this one that were rejected and are kept."""


async def preview(
    database: Database,
    importer: Importer[Any],
    watch: Watch = _nobody,
    *,
    keep: int | None = _SHOWN,
    move: Move | None = None,
) -> Preview:
    """Goes through the file and changes nothing. `keep` is how many rejected rows to keep, None for all; what `move` raises
    ends it.
    """
    found = Preview()
    chunks: AsyncIterator[Chunk[Any]] = ahead(importer.chunks(0))
    async with contextlib.aclosing(cast("Any", chunks)):
        async for chunk in chunks:
            async with database.transaction(snapshot=True) as tx:
                rejected = await importer.preview(tx, chunk, found.report)
            room = len(rejected) if keep is None else max(0, keep - len(found.rejected))
            found.rejected.extend(rejected[:room])
            found.position = chunk.position
            if move is not None:
                await move(found, rejected[:room])
            watch(Seen("importing", chunk.position, max(importer.size, chunk.position)))
    importer.conclude(found.report)
    return found
