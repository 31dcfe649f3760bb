"""Buyers who wait outside, and new work: looked for while a page of the store is open, and sent as they come."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime

from comptoir.i18n import N_
from comptoir.kernel.errors import Fault
from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Stage
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import store_desk, store_next
from comptoir.surfaces.console.pages.store_next import Work
from comptoir.surfaces.console.rendering import render
from comptoir.surfaces.console.web import Visit

EVERY = 3.0
REFRESH = 30.0
"""Seconds after which what is left of the time is told anew."""
LASTS = 300.0
"""Seconds after which a stream ends and the browser opens it again: who may watch is asked anew."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A buyer who waits, and what they collect."""

    title: str
    href: str
    number: int
    car: str
    spot: str
    shelf: str
    waited: str


async def arrivals(visit: Visit, reader: Reader, location_id: LocationId, now: datetime) -> list[Arrival]:
    """Who came first is first."""
    found = await fulfilment.at_counter(reader, location_id, Stage.READY, limit=50)
    waiting = await fulfilment.waiting(reader, [one.id for one in found])
    rows: list[Arrival] = []
    for one in found:
        there = waiting.get(one.id)
        if there is None or there.here_at is None:
            continue
        minutes = max(1.0, (now - there.here_at).total_seconds() // 60)
        rows.append(
            Arrival(
                one.recipient or visit.say(N_("Order %(number)s"), number=one.order_number),
                store_desk.page_of(one),
                one.number,
                there.car,
                there.spot,
                there.shelf,
                formatting.duration(minutes * 60, visit.page.locale),
            )
        )
    return rows


def fragment(visit: Visit, rows: list[Arrival]) -> str:
    return render("store/_arrivals.html", visit.page, visit=visit, arrivals=rows)


async def watch(visit: Visit, location_id: LocationId) -> AsyncIterator[str]:
    """The list of them, what is best done next and how much waits, each time when it has changed."""
    yield "retry: 3000\n\n"
    ends = time.monotonic() + LASTS
    sent: dict[str, str] = {}
    seen, looked = None, float("-inf")
    rows: list[Arrival] = []
    while time.monotonic() < ends:
        now = utcnow()
        visit.page = replace(visit.page, now=now)
        pieces: dict[str, str] = {}
        with contextlib.suppress(Fault):
            async with visit.read() as reader:
                count = await fulfilment.waiting_count(reader, location_id, now)
                rows = await arrivals(visit, reader, location_id, now) if count.here else []
                pieces["arrivals"] = fragment(visit, rows)
                pulse = (await fulfilment.pulse(reader, location_id), count)
                if pulse != seen or time.monotonic() - looked > REFRESH:
                    seen, looked = pulse, time.monotonic()
                    pieces |= _work(visit, await store_next.work(visit, reader, location_id, count, outside=bool(rows)), rows)
        for name, text in pieces.items():
            if text != sent.get(name):
                sent[name] = text
                yield "".join((f"event: {name}\n", *(f"data: {line}\n" for line in text.split("\n")), "\n"))
        await asyncio.sleep(EVERY)


def _work(visit: Visit, work: Work, rows: list[Arrival]) -> dict[str, str]:
    return {
        "work": render("store/_best.html", visit.page, visit=visit, work=work, arrivals=rows),
        "tiles": render("store/_tiles.html", visit.page, visit=visit, work=work),
    }
