"""replay_year: the demo's year as fast as it goes, through the paths that trade takes, on a fresh database.

Everything counts that the year needs once it is set up: what lorries bring, sales at tills, orders of web, app and phone
through capture, what the marketplace tells, and sending what was ordered. Consumers run elsewhere and are not part of it.
"""

from __future__ import annotations

import time

import psutil
import psycopg

from comptoir.runtime.database import Database
from comptoir.surfaces.demo import checking, loading
from comptoir.surfaces.demo.plan import build
from comptoir.surfaces.demo.player import Player
from comptoir.surfaces.demo.playing import leave_alone


async def measure(url: str, *, weeks: int | None = None) -> dict[str, float]:
    """Rates of the whole year, or of its first weeks. `url` is a migrated database that is ours alone; it keeps the rows.

    Raises ValueError when what was recorded is not the data set's to the cent.
    """
    plan = build()
    until = len(plan.year) if weeks is None else plan.weeks[weeks].position
    async with Database(url, max_connections=8, statement_timeout_ms=0) as database:
        begun = time.perf_counter()
        await loading.load(database, plan)
        loaded = time.perf_counter() - begun
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM inventory.levels")
            connection.execute("CHECKPOINT")
        player = Player(database, plan)
        leave_alone()
        begun = time.perf_counter()
        await player.run(until=until)
        seconds = time.perf_counter() - begun
        async with database.transaction(snapshot=True) as tx:
            verdict = await checking.verify(tx, plan)
    if verdict.differences or verdict.position != until:
        msg = f"{len(verdict.differences)} sums are not the data set's, the first: {verdict.differences[:1]}"
        raise ValueError(msg)
    return {
        "load_s": loaded,
        "seconds": seconds,
        "lines": player.tally.lines,
        "orders": player.tally.baskets,
        "lines_per_second": player.tally.lines / seconds,
        "orders_per_second": player.tally.baskets / seconds,
        "contended": player.tally.contended,
        "memory_mb": psutil.Process().memory_info().rss / 1e6,
    }
