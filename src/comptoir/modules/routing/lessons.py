"""Promises that were kept or broken make the next ones more careful, or less."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from comptoir.modules.routing.contracts import Arrival, Learned
from comptoir.modules.routing.domain.learning import Lessons, learn
from comptoir.modules.routing.store import lessons as store
from comptoir.runtime.database import Reader, Tx

LOOK_BACK = timedelta(days=90)


async def arrived(tx: Tx, arrivals: Sequence[Arrival]) -> None:
    """Counts parcels that have come against the first plan of their orders; a correction is counted with -1."""
    if arrivals:
        await store.count(tx, arrivals)


async def learn_again(tx: Tx, target: float) -> Lessons:
    """Looks at what came in the last three months. From now on so many days are added that the share `target` comes in time."""
    lessons = learn(await store.came(tx, (tx.now - LOOK_BACK).date()), target)
    await store.learn(tx, lessons)
    return await store.lessons(tx)


async def lessons(reader: Reader) -> Lessons:
    """What was learned last, and is added to promises."""
    return await store.lessons(reader)


async def lateness(reader: Reader, since: date) -> dict[int, int]:
    """Parcels by how many days later than planned they came, in the month of that day or after it."""
    found: dict[int, int] = {}
    for one in await store.came(reader, since):
        found[one.late] = found.get(one.late, 0) + one.parcels
    return {days: parcels for days, parcels in sorted(found.items()) if parcels > 0}


async def learned(reader: Reader) -> list[Learned]:
    """What was learned of each carrier service and location of which parcels have come, with most parcels first."""
    return await store.learned(reader)
