"""The checks, one after the other; each reads, none changes anything unless it is asked to treat."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from comptoir.kernel.ids import to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import AuditKind, AuditReport
from comptoir.modules.imports.contracts import RUN_PREFIX
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations import api as locations
from comptoir.modules.lots import api as lots
from comptoir.modules.orders import api as orders
from comptoir.modules.payments import api as payments
from comptoir.runtime import consumers
from comptoir.runtime.database import Context, Database
from comptoir.surfaces.doctor import queries
from comptoir.surfaces.pools import pool_id_of

LATE = 60.0
"""Seconds that a consumer may be behind before somebody should know."""

_MOMENT = 2.0
_SHOWN = 1000
_ROUNDS = 10_000
_MOST_BURNT = 500_000_000
_BURN = 1_000_000
_MARGIN = 1_000_000
"""How much further the counter is moved: readers of the feeds may hold positions that are younger than the newest entry."""


class Finding(NamedTuple):
    """One thing that is not as it should be: what it is, what it means, what to do."""

    code: str
    what: str
    meaning: str
    advice: str
    data: dict[str, Any] = {}  # noqa: RUF012 - never changed


@dataclass(frozen=True, slots=True)
class Examined:
    """What a check has seen: `seen` says how much it looked at, also where all is well."""

    seen: str
    findings: Sequence[Finding] = field(default=())
    count: int = -1
    """How many there are, where not all are listed."""

    @property
    def total(self) -> int:
        return len(self.findings) if self.count < 0 else self.count


Look = Callable[[Database], Awaitable[Examined]]
Treat = Callable[[Database, Context], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    look: Look
    treat: Treat | None = None
    """Puts right what it finds, and says what it did; None where only a person can."""


async def examine(database: Database, check: Check) -> Examined:
    return await check.look(database)


async def treat(database: Database, check: Check, context: Context) -> str:
    """What was done; empty where there is nothing that a program could do."""
    return await check.treat(database, context) if check.treat is not None else ""


async def _server(database: Database) -> Examined:
    async with database.read() as reader:
        row = await reader.row(queries.FACTS)
    assert row is not None
    version, size, durable, written = row
    found: list[Finding] = []
    if not (durable and written):
        found.append(
            Finding(
                "not_durable",
                "The server does not write to disk before it answers (fsync, full_page_writes or synchronous_commit is off).",
                "After a power cut, acknowledged orders may be missing or the database unusable.",
                "Set fsync, full_page_writes and synchronous_commit to on.",
            )
        )
    return Examined(f"PostgreSQL {version}, {size}", found)


async def _event_log(database: Database) -> Examined:
    known, counter = await _counters(database)
    newest = max(known.values())
    ahead = newest - counter + 1
    if ahead <= 0:
        return Examined(f"transaction {newest:,} of {counter:,}")
    finding = Finding(
        "log_ahead",
        f"The event log and the stock ledger are {ahead:,} transactions ahead of the server's counter.",
        "The database was restored from a dump into a new server: consumers, and with them webhooks and live figures, stand "
        "still until the counter has caught up, and new events would be sorted before old ones.",
        "Run `comptoir doctor --repair` before anything is sold: it moves the counter on.",
        {**known, "counter": counter},
    )
    return Examined(f"transaction {newest:,} of {counter:,}", [finding])


async def _counters(database: Database) -> tuple[dict[str, int], int]:
    """The newest transaction that each log knows, and the next one of the server."""
    async with database.read() as reader:
        row = await reader.row(queries.LOG_AHEAD)
    assert row is not None
    return {"log": row[0], "cursor": row[1], "ledger": row[2]}, row[3]


async def _catch_up(database: Database, _context: Context) -> str:
    known, counter = await _counters(database)
    ahead = max(known.values()) - counter + 1
    if ahead <= 0:
        return ""
    if ahead > _MOST_BURNT:
        return f"The gap of {ahead:,} is too wide: stop the server and set the counter with pg_resetwal --next-transaction-id."
    left = ahead + _MARGIN
    async with database.connection() as connection:
        await connection.execute("SET statement_timeout = 0")
        try:
            while left > 0:
                await connection.execute(queries.BURN.format(count=min(left, _BURN)).encode())
                left -= _BURN
        finally:
            await connection.execute("RESET statement_timeout")
    return f"The counter was moved on by {ahead + _MARGIN:,}."


async def _consumers(database: Database) -> Examined:
    async with database.read() as reader:
        lags = await consumers.lag(reader)
    found = [
        Finding(
            "consumer_late",
            f"{one.name} is {one.events:,} events and {one.seconds:,.0f} seconds behind.",
            "What follows from events (mended promises, figures, webhooks) comes late.",
            "See that a worker runs (`comptoir serve` or `comptoir worker`), and look into its log.",
            {"consumer": one.name, "events": one.events, "seconds": one.seconds},
        )
        for one in lags
        if one.events and one.seconds > LATE
    ]
    return Examined(f"{len(lags)} consumers", found)


async def _parked(database: Database) -> Examined:
    async with database.read() as reader:
        parked = await consumers.parked(reader, limit=_SHOWN)
        count = sum(one.parked for one in await consumers.lag(reader))
    found = [
        Finding(
            "event_parked",
            f"{one.consumer} could not handle {one.type or 'an event that is gone'} ({one.event_id}): {one.problem}",
            "What should follow from this event has not happened; everything after it has.",
            "Put the cause right, then run `comptoir doctor --repair`, which has it handled again.",
            {"consumer": one.consumer, "event_id": str(one.event_id)},
        )
        for one in parked
    ]
    return Examined("events that broke a consumer", found, count)


async def _unpark(database: Database, context: Context) -> str:
    async with database.transaction(context) as tx:
        parked = [one for one in await consumers.parked(tx, limit=_SHOWN) if one.attempts]
        for one in parked:
            await consumers.unpark(tx, one.consumer, one.event_id)
    return f"{len(parked):,} events will be handled again by the worker." if parked else ""


async def _jobs(database: Database) -> Examined:
    async with database.read() as reader:
        stalled = await reader.rows(queries.STALLED_JOBS)
        waiting = await reader.rows(queries.WAITING_JOBS)
        failed = await reader.rows(queries.FAILED_JOBS)
    found = [
        Finding(
            "jobs_stalled",
            f"{count:,} jobs {task} were begun by a worker that is gone.",
            "They are not being done.",
            "Start a worker: it takes them over within seconds.",
            {"task": task, "jobs": count},
        )
        for task, count in stalled
    ]
    found += [
        Finding(
            "jobs_waiting",
            f"{count:,} jobs {task} have been waiting for more than ten minutes.",
            "No worker takes them, or there are too few.",
            "Start a worker, or another one.",
            {"task": task, "jobs": count},
        )
        for task, count in waiting
    ]
    found += [
        Finding(
            "jobs_failed",
            f"{count:,} jobs {task} have failed for good.",
            "What they were to do has not been done. They are forgotten after 90 days.",
            "Look into the worker's log; when the cause is gone, ask for the same again (an import: resume it).",
            {"task": task, "jobs": count},
        )
        for task, count in failed
    ]
    return Examined("the queue of jobs", found)


async def _imports(database: Database) -> Examined:
    async with database.read() as reader:
        rows = await reader.rows(queries.STANDING_IMPORTS)
    found = [
        Finding(
            "import_stands",
            f"The import of {name} stands at {position:,} since {moved_at:%Y-%m-%d %H:%M} UTC.",
            "Whoever ran it is gone. What it has done is kept; the rest of the file is not in.",
            "Run the same command again: it goes on where it stopped. An upload is taken over by the worker.",
            {"run": to_text(RUN_PREFIX, run_id)},
        )
        for run_id, name, position, moved_at in rows
    ]
    return Examined("import runs", found)


async def _stock(database: Database) -> Examined:
    async with database.transaction(snapshot=True) as tx:
        report = await inventory.audit(tx, limit=_SHOWN)
        names = await locations.names(tx, list({one.location_id for one in report.findings}))
    found = [
        Finding(
            f"stock_{one.kind.value}",
            f"{one.sku} at {names.get(one.location_id, ('?', ''))[0]}: {one.bucket} is {one.found:,}, and should be "
            f"{one.expected:,}.",
            "The level and what it is the sum of differ: too much or too little may be promised.",
            "Run `comptoir doctor --repair`: it writes entries into the ledger that make up for it.",
            {"sku": one.sku, "location_id": str(one.location_id), "found": one.found, "expected": one.expected},
        )
        for one in report.findings
    ]
    return Examined(f"{report.levels:,} levels, {report.entries:,} ledger entries", found, report.spots + report.dangling)


async def _mend_stock(database: Database, context: Context) -> str:
    spots = released = 0
    for _ in range(_ROUNDS):
        async with database.transaction(context) as tx:
            done = await inventory.repair(tx, limit=_SHOWN)
        spots, released = spots + done.spots, released + done.released
        if not done.more:
            break
    return f"{spots:,} levels were put right, {released:,} reservations given back." if spots + released else ""


async def _orders(database: Database) -> Examined:
    async with database.transaction(snapshot=True) as tx:
        report = await orders.audit(tx, limit=_SHOWN)
    found = [
        Finding(
            f"order_{one.kind.value}",
            f"Order {one.order_id}{'' if one.line_no is None else f', line {one.line_no}'}: {one.what} is {one.found:,}, and "
            f"should be {one.expected:,}.",
            "A status or a sum that is shown for this order is wrong, or units are kept for nobody.",
            "Run `comptoir doctor --repair`; what it leaves has to be looked at by a person.",
            {"order_id": str(one.order_id), "found": one.found, "expected": one.expected},
        )
        for one in report.findings
    ]
    return Examined(f"{report.orders:,} orders", found, sum(report.counts.values()))


async def _mend_orders(database: Database, context: Context) -> str:
    mended = released = 0
    for _ in range(_ROUNDS):
        async with database.transaction(context) as tx:
            done = await orders.repair(tx, limit=_SHOWN)
        mended, released = mended + done.orders, released + done.released
        if not done.orders and not done.released:
            break
    return f"{mended:,} orders were put right, {released:,} reservations given back." if mended + released else ""


async def _work(database: Database) -> Examined:
    async with database.transaction(snapshot=True) as tx:
        report = await fulfilment.audit(tx, limit=_SHOWN)
    if report.findings:  # work follows promises a moment later: what is still so after a while is wrong
        await asyncio.sleep(_MOMENT)
        async with database.transaction(snapshot=True) as tx:
            again = await fulfilment.audit(tx, limit=_SHOWN, only=sorted({one.order_id for one in report.findings}))
            names = await locations.names(tx, list({one.location_id for one in again.findings}))
        report = AuditReport(report.orders, tuple(one for one in again.findings if one in report.findings))
    else:
        names = {}
    found = [
        Finding(
            f"work_{one.kind.value}",
            f"Order {one.order_id}{'' if one.line_no is None else f', line {one.line_no}'} at "
            f"{names.get(one.location_id, ('?', ''))[0]}: {one.what} is {one.found:,}, and should be {one.expected:,}.",
            "Somebody is to prepare what is not promised from there, or nobody prepares what is.",
            "Run `comptoir doctor --repair`: it makes work fit promises; what it leaves has to be looked at by a person.",
            {"order_id": str(one.order_id), "found": one.found, "expected": one.expected},
        )
        for one in report.findings
    ]
    return Examined(f"{report.orders:,} orders at work", found)


async def _mend_work(database: Database, context: Context) -> str:
    setting = fulfilment.Setting(pool_id_of)
    async with database.transaction(context) as tx:
        report = await fulfilment.audit(tx, limit=_SHOWN)
        mended = await fulfilment.repair(tx, [one.order_id for one in report.findings if one.kind is AuditKind.WORK], setting)
    return f"The work of {mended:,} orders was put right." if mended else ""


async def _money(database: Database) -> Examined:
    async with database.transaction(snapshot=True) as tx:
        report = await payments.audit(tx, limit=_SHOWN)
    found = [
        Finding(
            f"money_{one.kind.value}",
            f"{one.kind.value.capitalize()} {one.id}: it is {one.found:,}, and should be {one.expected:,}.",
            "A gift card, a store credit or a granted refund shows a wrong amount.",
            "Somebody has written past the program: compare its entries, and adjust the balance or the refund.",
            {"id": str(one.id), "found": one.found, "expected": one.expected},
        )
        for one in report.findings
    ]
    return Examined(f"{report.grants:,} granted refunds, {report.accounts:,} gift cards and store credits", found)


async def _trade(database: Database) -> Examined:
    async with database.transaction(snapshot=True) as tx:
        compared, wrong = await orders.trade_drift(tx)
    found = [
        Finding(
            "trade_drift",
            f"{wrong:,} minutes and hours of the sales figures are not what the orders' history adds up to.",
            "The live page and the charts show wrong sums; no order and no stock is wrong.",
            "Run `comptoir doctor --repair`: it adds them up again.",
            {"rows": wrong},
        )
    ]
    return Examined(f"{compared:,} minutes and hours of sales", found if wrong else [], wrong)


async def _mend_trade(database: Database, context: Context) -> str:
    async with database.transaction(context) as tx:
        wrong = await orders.rebuild_trade(tx)
    return f"{wrong:,} minutes and hours of the sales figures were added up again." if wrong else ""


async def _lots(database: Database) -> Examined:
    async with database.transaction(snapshot=True) as tx:
        wrong = await lots.audit(tx, _SHOWN)
        shelves = await lots.count(tx)
        names = await locations.names(tx, list({one.location_id for one in wrong}))
    found = [
        Finding(
            "lot_sum",
            f"{one.sku}, lot {one.code} at {names.get(one.location_id, ('?', ''))[0]}: {one.found:,} units, and the sum of its "
            f"entries is {one.expected:,}.",
            "A recall may miss units, or somebody is told to take a lot that is not there. No order and no level is wrong.",
            "Run `comptoir doctor --repair`: it makes the lots what their ledger says; then count these shelves.",
            {"sku": one.sku, "lot": one.code, "location_id": str(one.location_id)},
        )
        for one in wrong
    ]
    return Examined(f"{shelves:,} lots at locations", found)


async def _mend_lots(database: Database, context: Context) -> str:
    mended = 0
    for _ in range(_ROUNDS):
        async with database.transaction(context) as tx:
            done = await lots.repair(tx, _SHOWN)
            left = len(await lots.audit(tx, _SHOWN))
        mended += done
        if not done or left >= done:
            break
    return f"{mended:,} lots were put right." if mended else ""


CHECKS: tuple[Check, ...] = (
    Check("server", _server),
    Check("event log", _event_log, _catch_up),
    Check("consumers", _consumers),
    Check("parked events", _parked, _unpark),
    Check("jobs", _jobs),
    Check("imports", _imports),
    Check("stock", _stock, _mend_stock),
    Check("lots", _lots, _mend_lots),
    Check("orders", _orders, _mend_orders),
    Check("work", _work, _mend_work),
    Check("refunds and credit", _money),
    Check("sales figures", _trade, _mend_trade),
)
"""In this order: without the server nothing, without the log no repair."""
