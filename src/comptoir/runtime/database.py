"""The database: a pool of psycopg connections, and the one way to open a transaction.

Statements are text, or SQLAlchemy Core expressions that are compiled here and run on the same connection (see
docs/decisions/0002). Connections are in autocommit mode, so that a lone read costs one round trip; a `Tx` begins and commits.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, LiteralString, Never, Self, TypeVar, cast

import msgspec
import psycopg
import psycopg_pool
from psycopg import AsyncConnection, errors
from psycopg.rows import TupleRow, class_row, scalar_row
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import ClauseElement
from sqlalchemy.dialects import postgresql

from comptoir.kernel.errors import Fault, Remedy
from comptoir.kernel.ids import ActorId
from comptoir.kernel.time import utcnow
from comptoir.runtime.events import APPEND_EVENTS, Event, encode_events
from comptoir.runtime.presence import Presence
from comptoir.runtime.tasks import end

T = TypeVar("T")
Params = Mapping[str, object]
Statement = str | ClauseElement
Later = Callable[[], Awaitable[T]]
"""What has been asked of the database; called once, it gives the answer."""

set_json_dumps(msgspec.json.encode)
set_json_loads(msgspec.json.decode)

SYSTEM = ActorId("system")
WAKE_CHANNEL = "comptoir_events"
PATIENCE = 10.0
"""Seconds that a request waits for a connection while others work: a burst is served late rather than refused."""
_SHORT_PATIENCE = 2.0
"""The same while nothing can connect: whoever asks is told soon, and may come back."""
_SHORTEST_PATIENCE = 0.5
"""The same once it has been so for a while."""
SOCKET: Mapping[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A server that has vanished from the network is noticed in seconds rather than in a quarter of an hour."""
_WAKE_AFTER = 0.05
"""Seconds in which the commits of a process share one NOTIFY: one inside each transaction would serialise their commits."""

SURVEY = """
DO $$ DECLARE filled regclass;
BEGIN
  FOR filled IN
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND pg_relation_size(c.oid) > 0
  LOOP EXECUTE 'ANALYZE ' || filled; END LOOP;
END $$
"""
"""Lets the planner know what there is now. Empty tables are left out: it takes a table that was never looked at for a small
one, and one that was seen empty for empty; the plans of the first rush, foreign keys' included, would read it from end to end.
"""

_open_tx: ContextVar[bool] = ContextVar("open_tx", default=False)


def inside_transaction() -> bool:
    """Whether this task has a transaction open; calls out refuse then."""
    return _open_tx.get()


class DatabaseUnavailable(Fault):
    """The database did not answer, or was taken away in the middle. What was not acknowledged may be retried with its key."""

    code = "database_unavailable"


class Contended(DatabaseUnavailable):
    """Two writers were in each other's way and this one gave in; trying again at once is right."""

    code = "contended"


class Locked(DatabaseUnavailable):
    """Somebody else has held a row for longer than this process waits. Trying again at once would wait as long again."""

    code = "locked"


class Outrun(Contended):
    """What this transaction had seen was not there any more when it came to take it; a statement divides by zero to say so."""

    code = "outrun"


@lru_cache(maxsize=1)
def _dialect() -> postgresql.dialect:
    return postgresql.dialect(paramstyle="pyformat")


def _compiled(statement: Statement, params: Params | None) -> tuple[LiteralString, Params | None]:
    if isinstance(statement, str):
        return cast("LiteralString", statement), params
    compiled = statement.compile(dialect=_dialect(), compile_kwargs={"render_postcompile": True})
    values = dict(cast("Mapping[str, object]", compiled.params)) | dict(params or {})
    return cast("LiteralString", str(compiled)), values


class Context(msgspec.Struct, frozen=True):
    """Who asks, and as part of what; it goes with every event and audit entry."""

    actor: ActorId = SYSTEM
    request_id: str = ""
    channel: str = ""


class Reader:
    """Statements on one connection. Each runs on its own snapshot unless a `Tx` is around it."""

    def __init__(self, connection: AsyncConnection[TupleRow]) -> None:
        self.connection = connection

    async def run(self, statement: Statement, params: Params | None = None) -> int:
        """Runs it and gives the number of rows that it touched."""
        cursor = await self.connection.execute(*_compiled(statement, params))
        return cursor.rowcount

    async def rows(self, statement: Statement, params: Params | None = None) -> list[TupleRow]:
        cursor = await self.connection.execute(*_compiled(statement, params))
        await self._asked()
        return await cursor.fetchall()

    async def ask(self, read: Callable[[list[TupleRow]], T], statement: Statement, params: Params | None = None) -> Later[T]:
        """As `rows`, to be read later. In a pipeline, questions that are asked before the first answer is read go to the
        database together and are waited for once.
        """
        cursor = await self.connection.execute(*_compiled(statement, params))

        async def later() -> T:
            return read(await cursor.fetchall())

        return later

    async def row(self, statement: Statement, params: Params | None = None) -> TupleRow | None:
        cursor = await self.connection.execute(*_compiled(statement, params))
        await self._asked()
        return await cursor.fetchone()

    async def all(self, kind: type[T], statement: Statement, params: Params | None = None) -> list[T]:
        """Every row as a `kind`, whose fields are named as the columns."""
        async with self.connection.cursor(row_factory=class_row(kind)) as cursor:
            await cursor.execute(*_compiled(statement, params))
            await self._asked()
            return await cursor.fetchall()

    async def one(self, kind: type[T], statement: Statement, params: Params | None = None) -> T | None:
        async with self.connection.cursor(row_factory=class_row(kind)) as cursor:
            await cursor.execute(*_compiled(statement, params))
            await self._asked()
            return await cursor.fetchone()

    async def value(self, statement: Statement, params: Params | None = None) -> Any:
        """The first column of the first row, None where there is none."""
        async with self.connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(*_compiled(statement, params))
            await self._asked()
            return await cursor.fetchone()

    async def values(self, statement: Statement, params: Params | None = None) -> list[Any]:
        async with self.connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(*_compiled(statement, params))
            await self._asked()
            return await cursor.fetchall()

    async def many(self, statement: str, params: Sequence[Params]) -> None:
        """The same statement for each set of parameters, in one round trip."""
        async with self.connection.cursor() as cursor:
            await cursor.executemany(cast("LiteralString", statement), params)

    async def together(self, *works: Callable[[Reader], Awaitable[Any]]) -> list[Any]:
        """What each of these reads: their first questions go to the database together and are waited for once, then their
        second ones, and so on. For a page that asks several modules for what has nothing to do with each other.

        Raises what the first of them raises. They only read.
        """
        beside = _Beside(self.connection)
        async with _pipeline(self.connection, pipelined=True):
            answers = await asyncio.gather(*(work(beside) for work in works), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return answers

    async def _asked(self) -> None:
        """Between a question and its answer."""


class _Beside(Reader):
    """One of several that read on the same connection: it lets the others ask before it waits."""

    async def _asked(self) -> None:
        await asyncio.sleep(0)


class Tx(Reader):
    """One open transaction: one time, one actor, and the events that will be written with it."""

    def __init__(self, connection: AsyncConnection[TupleRow], context: Context, now: datetime, races: set[str]) -> None:
        super().__init__(connection)
        self.context = context
        self.now = now
        self._races = races
        self._events: list[tuple[Event, Context]] = []
        self._last: list[Callable[[], Awaitable[None]]] = []

    @property
    def actor(self) -> ActorId:
        return self.context.actor

    def emit(self, *events: Event, context: Context | None = None) -> None:
        """Writes events in this transaction, in this order, when it commits.

        `context` is who asked for them, where that is not who opened the transaction: a batch works for many at once.
        """
        self._events.extend((event, context or self.context) for event in events)

    def race(self, constraint: str) -> None:
        """Makes a row that breaks this unique constraint mean that another transaction was faster: this one fails as `Outrun`.

        Cheaper than ON CONFLICT, which looks twice at every row and logs it twice, and nobody has to look at its result.
        """
        self._races.add(constraint)

    def defer(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does this last of all, after the events and right before the commit: rows that many want are then held for as short
        as can be.
        """
        self._last.append(work)

    async def do_deferred(self) -> None:
        for work in self._last:
            await work()
        self._last.clear()

    @contextlib.asynccontextmanager
    async def rehearsal(self) -> AsyncGenerator[None]:
        """What is done in the block is undone at its end, its events too: to see what would come of it. Locks stay."""
        told, last = len(self._events), len(self._last)
        await self.run("SAVEPOINT rehearsal")
        try:
            yield
        finally:
            await self.run("ROLLBACK TO SAVEPOINT rehearsal")
            del self._events[told:], self._last[last:]

    @property
    def emitted(self) -> Sequence[Event]:
        return [event for event, _ in self._events]

    async def flush_events(self) -> bool:
        """Writes what was emitted so far; says whether there was any."""
        if not self._events:
            return False
        events = [(event, context.actor, context.request_id) for event, context in self._events]
        await self.run(APPEND_EVENTS, encode_events(events, self.now))
        self._events.clear()
        return True


_CONTENDED = (errors.DeadlockDetected, errors.SerializationFailure)
_FAULTS: tuple[tuple[type[Exception], str, Remedy, float], ...] = (
    (psycopg_pool.PoolTimeout, "no connection became free in time", Remedy.WAIT, 1),
    (errors.DiskFull, "the database's disk is full: free some space", Remedy.MERCHANT, 30),
    (errors.TooManyConnections, "the database has no connection left", Remedy.WAIT, 1),
    (errors.QueryCanceled, "the database took too long", Remedy.WAIT, 1),
    (errors.IdleInTransactionSessionTimeout, "the transaction was open for too long", Remedy.WAIT, 1),
    (errors.TransactionTimeout, "the transaction was open for too long", Remedy.WAIT, 1),
    (psycopg.OperationalError, "the database went away", Remedy.WAIT, 1),
    (psycopg.InterfaceError, "the database went away", Remedy.WAIT, 1),
)
"""The first that fits: the later ones are the base classes of the earlier."""


def _fault(problem: Exception) -> DatabaseUnavailable | None:
    if isinstance(problem, errors.LockNotAvailable):
        return Locked("somebody else has held what this needs for too long", remedy=Remedy.WAIT, retry_after=1)
    if isinstance(problem, errors.DivisionByZero):
        return Outrun("somebody else was faster", remedy=Remedy.WAIT, retry_after=0.1)
    if isinstance(problem, _CONTENDED):
        return Contended("two writers were in each other's way", remedy=Remedy.WAIT, retry_after=0.1)
    for kind, detail, remedy, retry_after in _FAULTS:
        if isinstance(problem, kind):
            return DatabaseUnavailable(detail, remedy=remedy, retry_after=retry_after)
    return None


@contextlib.contextmanager
def database_faults() -> Generator[None]:
    """Turns a database that does not answer into a `DatabaseUnavailable`; lets bugs through."""
    try:
        yield
    except (psycopg.Error, psycopg_pool.PoolTimeout) as problem:
        fault = _fault(problem)
        if fault is None:
            raise
        raise fault from problem


def _hung_up(connection: AsyncConnection[TupleRow]) -> bool:
    """Whether the server has ended an idle connection, which is seen without asking it anything."""
    poll = select.poll()
    try:
        poll.register(connection.pgconn.socket, select.POLLIN)
        while poll.poll(0):
            connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return True
    return False


@contextlib.asynccontextmanager
async def _outrun(races: set[str]) -> AsyncGenerator[None]:
    try:
        yield
    except errors.UniqueViolation as problem:
        if problem.diag.constraint_name not in races:
            raise
        raise Outrun("somebody else was faster", remedy=Remedy.WAIT, retry_after=0.1) from problem


@contextlib.asynccontextmanager
async def _pipeline(connection: AsyncConnection[TupleRow], *, pipelined: bool) -> AsyncGenerator[None]:
    if pipelined:
        async with connection.pipeline() as pipeline:
            vars(pipeline)["_communicate_gen"] = partial(_queue, pipeline.command_queue)
            yield
    else:
        yield


def _queue(commands: deque[Callable[[], None]]) -> Generator[Never, None, None]:
    """Leaves statements in libpq's buffer until a result is asked for, or the pipeline ends: psycopg sends each by itself, with
    two looks at the socket and two writes, which costs more than all else that it does for a statement.
    """
    while commands:
        commands.popleft()()
    return
    yield


@dataclass(slots=True)
class Database:
    """A pool on one PostgreSQL. `open` it before use and `close` it after."""

    url: str
    max_connections: int = 10
    application: str = "comptoir"
    statement_timeout_ms: int = 30_000
    lock_timeout_ms: int = 0
    """How long a statement waits for who holds a row; 0 for as long as it takes."""
    presence: Presence = field(init=False)
    _pool: psycopg_pool.AsyncConnectionPool[AsyncConnection[TupleRow]] = field(init=False)
    _used: int = field(init=False, default=0)
    _wake: asyncio.Task[None] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.presence = Presence(self.application)
        self._pool = psycopg_pool.AsyncConnectionPool(
            self.url,
            connection_class=self.presence.connections(),
            open=False,
            min_size=1,
            max_size=self.max_connections,
            timeout=PATIENCE,
            max_idle=300,
            reconnect_timeout=2,  # the next who asks begins anew: the pauses between attempts stay short
            kwargs={
                **SOCKET,
                "autocommit": True,
                "application_name": self.application,
                "prepare_threshold": 2,
                "options": f"-c statement_timeout={self.statement_timeout_ms} -c lock_timeout={self.lock_timeout_ms} "
                "-c idle_in_transaction_session_timeout=60000 -c timezone=UTC -c jit=off",
            },
        )

    async def open(self) -> None:
        with database_faults():
            await self._pool.open(wait=True, timeout=15)

    async def close(self) -> None:
        if self._wake is not None:
            await end(self._wake)
            self._wake = None
        await self._pool.close(timeout=5)

    def stats(self) -> dict[str, int]:
        """How the pool is doing: sizes, waiting requests, errors (psycopg_pool's names)."""
        return self._pool.get_stats()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncGenerator[AsyncConnection[TupleRow]]:
        """A bare connection in autocommit mode; give it back soon.

        Those that the server has ended while they were idle are passed over: a restart of the database fails nobody who comes
        after it.
        """
        with database_faults():
            while True:
                connection = await self._taken()
                async with self._lent(connection):
                    if _hung_up(connection):
                        continue
                    yield connection
                    return

    async def _taken(self) -> AsyncConnection[TupleRow]:
        """A connection of the pool. Whether waiting makes sense is looked at again while it takes long."""
        left = self._pool.timeout
        look = _SHORT_PATIENCE if self._gone_for() < _SHORT_PATIENCE else _SHORTEST_PATIENCE
        while look < left:
            try:
                return await self._pool.getconn(look)
            except psycopg_pool.PoolTimeout:
                if self._gone_for():
                    raise
            left -= look
            look *= 2
        return await self._pool.getconn(left)

    def _gone_for(self) -> float:
        """Seconds since nothing connects; 0 as long as somebody has a connection that works."""
        return 0.0 if self._used else self.presence.away_for

    @contextlib.asynccontextmanager
    async def _lent(self, connection: AsyncConnection[TupleRow]) -> AsyncGenerator[None]:
        self._used += 1
        try:
            async with connection:
                yield
        finally:
            self._used -= 1
            if connection.closed:
                self.presence.lost()
            await self._pool.putconn(connection)

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncGenerator[Reader]:
        """For reads that need no common snapshot: no BEGIN, no COMMIT."""
        async with self.connection() as connection:
            yield Reader(connection)

    @contextlib.asynccontextmanager
    async def transaction(
        self, context: Context | None = None, *, snapshot: bool = False, pipelined: bool = False
    ) -> AsyncGenerator[Tx]:
        """A transaction that commits when the block ends and rolls back when it raises.

        `snapshot=True` gives every statement the same picture (repeatable read, read only), for pages and reports. With
        `pipelined=True` only reading rows waits for the database: what a statement complains of comes up at a later one, and
        `run` does not count. For paths whose statements are many and whose waits are few.
        """
        assert not _open_tx.get(), "a transaction is open already: pass its tx on instead"
        races: set[str] = set()
        async with self.connection() as connection, _outrun(races), _pipeline(connection, pipelined=pipelined):
            begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if snapshot else "BEGIN"
            await connection.execute(begin)
            tx = Tx(connection, context or Context(), utcnow(), races)
            token = _open_tx.set(True)
            try:
                yield tx
                woke = await tx.flush_events()
                await tx.do_deferred()
            except BaseException:
                if not connection.closed:
                    with contextlib.suppress(psycopg.Error):
                        await connection.execute("ROLLBACK")
                raise
            else:
                await connection.execute("COMMIT")
            finally:
                _open_tx.reset(token)
        if woke:
            self.wake_consumers()

    async def survey(self) -> None:
        """Lets the planner know what there is after a load: until autovacuum comes by, it takes full tables for small ones."""
        async with self.connection() as connection:
            await connection.execute(SURVEY)

    def wake_consumers(self) -> None:
        """Tells the consumers that there is something to read, soon and once for all commits until then.

        A notice that is lost with the process costs a consumer its polling interval, nothing else.
        """
        if self._wake is None or self._wake.done():
            self._wake = asyncio.create_task(self._notify())

    async def _notify(self) -> None:
        await asyncio.sleep(_WAKE_AFTER)
        with contextlib.suppress(Fault):
            async with self.connection() as connection:
                await connection.execute(f"NOTIFY {WAKE_CHANNEL}")

    async def listen(self, *channels: str) -> AsyncIterator[psycopg.Notify | None]:
        """Notices on a connection of its own; yields None once listening and after each quiet second."""
        connection = await self.presence.connections().connect(
            self.url, autocommit=True, application_name=f"{self.application}-listen", **SOCKET
        )
        async with connection:
            for channel in channels:
                await connection.execute(cast("LiteralString", f"LISTEN {channel}"))
            yield None
            while True:
                async for notice in connection.notifies(timeout=1.0):
                    yield notice
                yield None
