"""Imports that the console or the API starts, and a worker does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.kernel.ids import ActorId
from comptoir.modules.imports import api as imports
from comptoir.modules.imports.contracts import ImportKind, RunState
from comptoir.modules.imports.errors import AlreadyImported
from comptoir.runtime.database import Context, Database
from comptoir.sdk.orderfiles import UnknownLayout
from comptoir.surfaces.imports import ImportRequest, forget_uploads, start_again, start_import, store_upload
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
