"""simulate_year: the demo's year decided again under another rule set, after it was replayed.

Reading what happened counts, as does every decision; what did happen is not reckoned.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from comptoir.modules.channels import api as channels
from comptoir.modules.routing.contracts import Rating, Rules, Weight
from comptoir.runtime.database import Database
from comptoir.surfaces import simulation
from comptoir.surfaces.demo.stream import Channel
from comptoir.surfaces.simulation import Question

RULES = Rules(ratings=(Weight(Rating.PARCELS), Weight(Rating.DISTANCE)))


async def measure(url: str) -> dict[str, float]:
    """`url` is a database in which the year has been replayed."""
    async with Database(url, max_connections=2, statement_timeout_ms=0) as database:
        async with database.read() as reader:
            web = await channels.by_code(reader, Channel.WEB)
            names = [name for name in await simulation.channels_of(reader, web.pool_id) if name != Channel.POS]
        now = datetime.now(UTC)
        begun = time.perf_counter()
        ground = await simulation.gather(database, Question(web.pool_id, tuple(names), now - timedelta(days=20_000), now))
        assert ground is not None, "the year has orders"
        read = time.perf_counter() - begun
        tally = simulation.tried(ground, lambda _, __: RULES)
        seconds = time.perf_counter() - begun
    return {
        "orders": tally.orders,
        "seconds": seconds,
        "gather": read,
        "parcels": tally.parcels,
        "kept": 1 - tally.late / tally.promised if tally.promised else 1.0,
    }
