from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import psycopg
import pytest

from comptoir.kernel.ids import ActorId
from comptoir.migrations import schema
from comptoir.runtime.database import Contended, Context, Database, DatabaseUnavailable, Reader, inside_transaction


async def _make_table(database: Database) -> None:
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE t (id int PRIMARY KEY, n int)")
        await connection.execute("INSERT INTO t VALUES (1, 0), (2, 0)")


@pytest.mark.parametrize("pipelined", [False, True])
async def test_a_block_that_raises_leaves_nothing_behind(database: Database, *, pipelined: bool) -> None:
    await _make_table(database)
    with pytest.raises(KeyError):
        async with database.transaction(pipelined=pipelined) as tx:
            await tx.run("UPDATE t SET n = 1 WHERE id = 1")
            assert await tx.value("SELECT n FROM t WHERE id = 1") == 1
            assert inside_transaction()
            raise KeyError
    assert not inside_transaction()
    async with database.read() as reader:
        assert await reader.value("SELECT sum(n) FROM t") == 0


@pytest.mark.parametrize("pipelined", [False, True])
async def test_what_a_statement_complains_of_rolls_everything_back(database: Database, *, pipelined: bool) -> None:
    await _make_table(database)
    with pytest.raises(psycopg.errors.UniqueViolation):
        async with database.transaction(pipelined=pipelined) as tx:
            await tx.run("UPDATE t SET n = 1")
            await tx.run("INSERT INTO t VALUES (1, 1)")
    async with database.read() as reader:
        assert await reader.value("SELECT sum(n) FROM t") == 0


@pytest.mark.parametrize("pipelined", [False, True])
async def test_what_is_asked_is_read_in_any_order(database: Database, *, pipelined: bool) -> None:
    async with database.transaction(pipelined=pipelined) as tx:
        asked = [await tx.ask(lambda rows: rows[0][0], "SELECT %(n)s::int", {"n": n}) for n in range(3)]
        assert [await later() for later in reversed(asked)] == [2, 1, 0]


async def test_what_is_read_together_is_waited_for_once(database: Database) -> None:
    async def at(reader: Reader) -> datetime:
        return await reader.value("SELECT clock_timestamp() FROM pg_sleep(0.1)")

    async def twice(reader: Reader) -> tuple[int, list[int]]:
        first = await reader.row("SELECT 1")
        assert first is not None
        return first[0], await reader.values("SELECT generate_series(%(n)s::int, 3)", {"n": first[0]})

    async with database.read() as reader:
        before, (one, more), after = await reader.together(at, twice, at)
        assert await reader.value("SELECT 7") == 7
    assert (one, more) == (1, [1, 2, 3])
    assert timedelta(seconds=0.1) <= after - before < timedelta(seconds=0.2)  # in this order, none of them late


async def test_of_what_is_read_together_the_first_complaint_is_told_and_the_connection_goes_on(database: Database) -> None:
    async def wrong(reader: Reader) -> int:
        return await reader.value("SELECT no_such_column")

    async def well(reader: Reader) -> int:
        return await reader.value("SELECT 1")

    async def refused(_: Reader) -> int:
        raise KeyError

    async with database.read() as reader:
        with pytest.raises(psycopg.errors.UndefinedColumn):
            await reader.together(well, wrong, well)
        with pytest.raises(KeyError):
            await reader.together(well, refused)
        assert await reader.together(well, well) == [1, 1]
    async with database.transaction(snapshot=True) as tx:
        assert await tx.together(well, well) == [1, 1]


async def test_a_pipeline_sends_what_is_asked_when_the_first_answer_is_read(database: Database) -> None:
    """psycopg would send each statement by itself, at more cost than all else that it does."""
    async with database.transaction(pipelined=True) as tx:
        await tx.value("SELECT 1")
        later = await tx.ask(lambda rows: rows[0][0], "SELECT clock_timestamp()")
        await asyncio.sleep(0.2)
        read = await tx.value("SELECT clock_timestamp()")
        assert read - await later() < timedelta(seconds=0.1)


async def test_two_that_wait_for_each_other_are_told_to_try_again(database: Database) -> None:
    await _make_table(database)
    ready = asyncio.Barrier(2)

    async def update(first: int, second: int) -> None:
        async with database.transaction() as tx:
            await tx.run("UPDATE t SET n = n + 1 WHERE id = %(id)s", {"id": first})
            await ready.wait()
            await tx.run("UPDATE t SET n = n + 1 WHERE id = %(id)s", {"id": second})

    results = await asyncio.gather(update(1, 2), update(2, 1), return_exceptions=True)
    assert sorted(type(r).__name__ for r in results) == ["Contended", "NoneType"]
    assert any(isinstance(r, Contended) for r in results)
    async with database.read() as reader:
        assert await reader.values("SELECT n FROM t ORDER BY id") == [1, 1]


async def test_a_database_that_is_taken_away_is_a_fault_and_the_pool_recovers(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as fault:
        async with database.transaction() as tx:
            own = await tx.value("SELECT pg_backend_pid()")
            async with await psycopg.AsyncConnection.connect(database.url, autocommit=True) as other:
                await other.execute("SELECT pg_terminate_backend(%s)", (own,))
            await tx.run("SELECT 1")
    assert fault.value.retry_after
    async with database.transaction() as tx:
        assert await tx.value("SELECT 1") == 1


async def test_nobody_listens_on_a_closed_door() -> None:
    nowhere = Database("postgresql://nobody@localhost:1/nothing")
    with pytest.raises(DatabaseUnavailable):
        await asyncio.wait_for(nowhere.connection().__aenter__(), 30)


async def test_a_snapshot_shows_every_statement_the_same(database: Database) -> None:
    await _make_table(database)
    async with database.transaction(snapshot=True) as tx:
        assert await tx.value("SELECT sum(n) FROM t") == 0
        async with await psycopg.AsyncConnection.connect(database.url, autocommit=True) as other:
            await other.execute("UPDATE t SET n = 1")
        assert await tx.value("SELECT sum(n) FROM t") == 0
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await tx.run("UPDATE t SET n = 2")


async def test_events_name_who_asked_for_them(database: Database) -> None:
    from comptoir.runtime.events import Event  # noqa: PLC0415

    class Happened(Event, frozen=True, kw_only=True):
        type = "test.happened"
        n: int

    async with database.transaction(Context(ActorId("user:1"), "req-1")) as tx:
        tx.emit(Happened(n=1))
        tx.emit(Happened(n=2), context=Context(ActorId("token:2"), "req-2"))
    async with database.read() as reader:
        rows = await reader.rows("SELECT actor, request_id, data FROM runtime.events ORDER BY seq")
    assert rows == [("user:1", "req-1", {"n": 1}), ("token:2", "req-2", {"n": 2})]


def test_the_migrations_make_what_the_code_describes(database_url: str) -> None:
    schema.check(database_url)
    schema.differences(database_url)


def test_a_database_of_another_version_is_named(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE public.alembic_version SET version_num = '0000'")
    with pytest.raises(schema.MigrationsBehind, match="comptoir migrate"):
        schema.check(database_url)
