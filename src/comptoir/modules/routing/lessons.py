"""Promises that were kept or broken make the next ones more careful, or less."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from comptoir.modules.routing.contracts import Arrival
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
