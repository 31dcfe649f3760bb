"""simulate_year: the demo's year decided again under another rule set, after it was replayed. dates_kept: the same year
rehearsed with mishaps, and the days that its orders would have been promised.

Reading what happened counts, as does every decision; what did happen is not reckoned.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from comptoir.modules.carriers.contracts import Service
from comptoir.modules.channels import api as channels
from comptoir.modules.routing.api import Past
from comptoir.modules.routing.contracts import Rating, Rules, Weight
from comptoir.modules.routing.domain.rehearsing import Mishaps, Record, rehearse
from comptoir.runtime.database import Database
from comptoir.surfaces import simulation
from comptoir.surfaces.demo.stream import Channel
from comptoir.surfaces.simulation import Ground, Question

TARGET, WARM = 0.98, 6
"""The share of dates that is to be kept, as in the settings, and the weeks before anything is counted."""
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
        record, blind = (_rehearsed(ground, target) for target in (TARGET, 0.0))
    return {
        "orders": tally.orders,
        "seconds": seconds,
        "gather": read,
        "kept": record.share,
        "promised": record.promised,
        "days": record.days / record.promised,
        "blind_kept": blind.share,
        "blind_days": blind.days / blind.promised,
    }


def _rehearsed(ground: Ground, target: float) -> Record:
    """What is sent to the door: promised, decided and sent with mishaps; the first weeks are for learning."""
    orders = [Past(at, replace(job, needed_by=None), RULES) for at, _, job in ground.jobs if job.service is not Service.PICKUP]
    return rehearse(ground.network, orders, ground.flow, Mishaps(), target=target, chance=random.Random(1), warm=WARM)
