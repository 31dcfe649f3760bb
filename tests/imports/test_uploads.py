"""Imports that the console or the API starts, and a worker does."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from pathlib import Path

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.kernel.ids import ActorId
from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import ImportKind, Run, RunState
from comptoir.modules.imports.errors import AlreadyImported
from comptoir.runtime.database import Context, Database, Reader
from comptoir.sdk.orderfiles import RejectedRow, Settled, UnknownLayout
from comptoir.surfaces.imports import ImportRequest, Report, forget_uploads, start_again, start_import, store_upload
from comptoir.surfaces.imports.orders import OrderImporter
from comptoir.surfaces.imports.reading import Chunk
from comptoir.surfaces.imports.uploads import TooLarge
from comptoir.surfaces.jobs.imports import ImportJob
from support import uci

MARIE = Context(ActorId("user:marie"))


async def _parts(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def _request(path: Path, *, dry_run: bool = False) -> ImportRequest:
    return ImportRequest(kind=ImportKind.ORDERS, files=(str(path),), names=("Été.csv",), dry_run=dry_run)


async def test_an_upload_is_kept_under_a_name_of_its_own(tmp_path: Path) -> None:
    upload = await store_upload(tmp_path, "../../étc/pass wd.csv", _parts(b"a,b\n", b"1,2\n"))
    assert upload.path.parent == tmp_path / "imports"
    assert (upload.name, upload.size, upload.path.read_bytes()) == ("pass wd.csv", 8, b"a,b\n1,2\n")
    assert upload.path.stat().st_mode & 0o077 == 0


async def test_an_upload_that_is_too_large_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        await store_upload(tmp_path, "big.csv", _parts(b"x" * 60, b"x" * 60), most=100)
    assert list((tmp_path / "imports").iterdir()) == []


async def test_old_uploads_are_forgotten(tmp_path: Path) -> None:
    await store_upload(tmp_path, "a.csv", _parts(b"a"))
    assert (forget_uploads(tmp_path), forget_uploads(tmp_path, older_than=-1.0)) == (0, 1)


async def test_a_started_import_waits_for_a_worker_and_is_done_by_it(database: Database, tmp_path: Path) -> None:
    path = uci.write(tmp_path / "year.csv", uci.orders(12))
    async with database.transaction(MARIE) as tx:
        run = await start_import(tx, _request(path))
    assert (run.state, run.file_name, run.actor) == (RunState.WAITING, "Été.csv", "user:marie")
    async with database.read() as reader:
        waiting = await reader.row("SELECT task_name, args->>'run_id', queue_name FROM procrastinate_jobs")
    assert waiting is not None
    assert tuple(waiting) == ("imports.run", str(run.id), "imports")
    await ImportJob(database)(run_id=str(run.id))
    async with database.read() as reader:
        done = await imports.get(reader, run.id)
        actors = await reader.values("SELECT DISTINCT actor FROM runtime.events WHERE type = 'order.placed'")
    assert (done.state, done.report["rows"]) == (RunState.DONE, 36)
    assert actors == ["user:marie"]
    await ImportJob(database)(run_id=str(run.id))  # a job that is done twice finds it done


async def test_a_dry_run_is_kept_and_followed_by_the_real_one(database: Database, tmp_path: Path) -> None:
    path = uci.write(tmp_path / "year.csv", [*uci.orders(4), uci.row("600001", quantity=0)])
    async with database.transaction(MARIE) as tx:
        dry = await start_import(tx, _request(path, dry_run=True))
    await ImportJob(database)(run_id=str(dry.id))
    async with database.read() as reader:
        seen = await imports.get(reader, dry.id)
        assert (seen.state, seen.report["rows"], seen.position) == (RunState.DONE, 13, 13)
        assert (await imports.count_rejections(reader, dry.id)).rows == 1
        assert await reader.value("SELECT count(*) FROM orders.orders") == 0
    async with database.transaction(MARIE) as tx:
        real = await start_again(tx, dry.id)
    await ImportJob(database)(run_id=str(real.id))
    async with database.read() as reader:
        assert await reader.value("SELECT count(*) FROM orders.orders") == 4
    with pytest.raises(AlreadyImported) as refusal:
        async with database.transaction(MARIE) as tx:
            await start_import(tx, _request(path))
    assert refusal.value.data["id"] == real.id


class Rehearsed(OrderImporter):
    """Tells of each chunk that it has looked at."""

    chunks_seen = 0
    then: Callable[[int], Coroutine[None, None, None]]

    async def preview(self, reader: Reader, chunk: Chunk[Settled], report: Report) -> Sequence[RejectedRow]:
        rejected = await super().preview(reader, chunk, report)
        type(self).chunks_seen += 1
        # Not in the transaction that this is in.
        await asyncio.create_task(type(self).then(self.chunks_seen), context=contextvars.Context())
        return rejected


async def _rehearsal(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: Callable[[Run, int], Awaitable[None]]
) -> Run:
    """A dry run of ten chunks with a bad row in the first, which is interrupted after one of them."""
    monkeypatch.setattr("comptoir.surfaces.imports.orders._ROWS", 12)
    path = uci.write(tmp_path / "year.csv", [uci.row("600001", quantity=0), *uci.orders(40)])
    async with database.transaction(MARIE) as tx:
        run = await start_import(tx, _request(path, dry_run=True))

    class Interrupted(Rehearsed):
        chunks_seen = 0

        @staticmethod
        async def then(seen: int) -> None:
            await then(run, seen)

    monkeypatch.setattr("comptoir.surfaces.imports.running.OrderImporter", Interrupted)
    return run


async def test_a_dry_run_that_is_cancelled_stops_with_the_next_chunk(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    async def cancel(run: Run, chunk: int) -> None:
        seen.append(chunk)
        if chunk == 3:
            async with database.transaction(MARIE) as tx:
                await imports.cancel(tx, run.id)

    dry = await _rehearsal(database, tmp_path, monkeypatch, cancel)
    await ImportJob(database)(run_id=str(dry.id))
    assert seen == [1, 2, 3]
    async with database.read() as reader:
        stopped = await imports.get(reader, dry.id)
        assert (await imports.count_rejections(reader, dry.id)).rows == 1
        assert await reader.value("SELECT count(*) FROM orders.orders") == 0
    assert stopped.state is RunState.CANCELLED
    assert 0 < stopped.position < 36
    assert stopped.report["rows"] == stopped.position


async def test_people_see_how_far_a_dry_run_is(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    positions: list[int] = []

    async def look(run: Run, _: int) -> None:
        async with database.read() as reader:
            positions.append((await imports.get(reader, run.id)).position)

    dry = await _rehearsal(database, tmp_path, monkeypatch, look)
    await ImportJob(database)(run_id=str(dry.id))
    assert len(positions) == 10
    assert positions == sorted(set(positions))
    assert positions[0] == 0
    async with database.read() as reader:
        done = await imports.get(reader, dry.id)
    assert (done.state, done.position, done.report["rows"]) == (RunState.DONE, 121, 121)


@pytest.mark.parametrize(
    ("problem", "state"), [(asyncio.CancelledError(), RunState.WAITING), (ValueError("what is this?"), RunState.FAILED)]
)
async def test_a_dry_run_that_stops_in_the_middle_begins_again_and_tells_what_holds_then(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException, state: RunState
) -> None:
    async def stop(_: Run, chunk: int) -> None:
        if chunk == 3:
            raise problem

    dry = await _rehearsal(database, tmp_path, monkeypatch, stop)
    with pytest.raises(type(problem)):
        await ImportJob(database)(run_id=str(dry.id))
    async with database.read() as reader:
        stopped = await imports.get(reader, dry.id)
    assert (stopped.state, stopped.position > 0) == (state, True)
    assert stopped.problem == ("ValueError: what is this?" if state is RunState.FAILED else "")
    uci.write(tmp_path / "year.csv", [uci.row("600001", quantity=2), *uci.orders(40)])  # it was corrected meanwhile
    await ImportJob(database)(run_id=str(dry.id))
    async with database.read() as reader:
        done = await imports.get(reader, dry.id)
        assert (await imports.count_rejections(reader, dry.id)).rows == 0
    assert (done.state, done.problem, done.report["rows"], done.report["rejected"]) == (RunState.DONE, "", 121, {})


async def test_a_file_that_cannot_be_read_fails_with_its_reason(database: Database, tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("colour,shape\nred,round\n")
    async with database.transaction(MARIE) as tx:
        run = await start_import(tx, _request(tmp_path / "odd.csv"))
    with pytest.raises(UnknownLayout):
        await ImportJob(database)(run_id=str(run.id))
    async with database.read() as reader:
        failed = await imports.get(reader, run.id)
    assert (failed.state, failed.problem) == (RunState.FAILED, "No known layout has these columns")


async def test_a_request_without_a_file_is_refused(database: Database) -> None:
    with pytest.raises(Invalid):
        async with database.transaction() as tx:
            await start_import(tx, ImportRequest(kind=ImportKind.STOCK, files=()))
