"""*Operations*: the control tower. What is open and how old, which promises are at risk, what a person has to decide, which
locations are full and how well carriers do; as it is now, again every few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import structlog
from jinja2.utils import htmlsafe_json_dumps

from comptoir.kernel.errors import Fault
from comptoir.modules.orders import api as orders
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime import consumers
from comptoir.runtime.consumers import ConsumerLag
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import (
    lists,
    operations_carriers,
    operations_exceptions,
    operations_heat,
    operations_places,
    operations_risks,
    operations_transfers,
    routing_promises,
)
from comptoir.surfaces.console.pages.live import page_now
from comptoir.surfaces.console.pages.operations_standings import (
    AT_LOCATIONS,
    BANDS,
    OF_STAGE,
    WITHIN,
    Standing,
    clock,
    horizon,
    orders_href,
)
from comptoir.surfaces.console.rendering import render
from comptoir.surfaces.console.web import Answer, Area, Visit

logger = structlog.get_logger("comptoir.console")

area = Area("operations")

EVERY = 10.0
"""Seconds between two looks."""
STREAM_FOR = 300.0
"""Seconds after which a stream ends and the browser opens it again: who may watch is asked anew."""
PARTS = ("at", "tiles", "heat", "risks", "exceptions", "places", "carriers")
PLACES = 10
"""So many locations are named in the tower; the page of locations has them all."""
RELEASE = "fulfilment.release"
"""The consumer that makes promises the work of locations."""
_PROMISES_FOR = 300.0
"""Seconds for which promises kept are not counted again."""
BEHIND = 5.0
"""Seconds by which it may be behind without a word."""


class _KeptPromises(NamedTuple):
    """Promises kept and all, until they are counted again."""

    counted: tuple[int, int]
    until: float


@area.get("/operations", Permission.FIGURES_READ)
async def tower(visit: Visit) -> Answer:
    async with visit.read() as reader:
        values = await _values(visit, reader)
    return visit.respond("operations/tower.html", **values)


@area.get("/operations/stream", Permission.FIGURES_READ)
async def stream(visit: Visit) -> Answer:
    return visit.stream(_events(visit))


async def _events(visit: Visit) -> AsyncIterator[str]:
    """Parts of the page, each when it has changed; the page itself brought the first."""
    yield "retry: 3000\n\n"
    over = _over(visit)
    ends = time.monotonic() + STREAM_FOR
    sent: dict[str, str] = {}
    while time.monotonic() < ends:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EVERY):
                await over.wait()
        if over.is_set():
            return
        for name, text in (await _pieces(visit)).items():
            if sent.get(name) != text:
                sent[name] = text
                yield "".join((f"event: {name}\n", *(f"data: {line}\n" for line in text.split("\n")), "\n"))


def _over(visit: Visit) -> asyncio.Event:
    """Is set when the process ends: streams end with it."""
    found = visit.console.extras.get("operations")
    if isinstance(found, asyncio.Event):
        return found
    made = asyncio.Event()

    async def end() -> None:
        made.set()

    visit.console.extras["operations"] = made
    visit.console.ending.append(end)
    return made


async def _pieces(visit: Visit) -> Mapping[str, str]:
    """Nothing while the database does not answer: what is shown says of when it is."""
    visit.page = page_now(visit.page)
    try:
        async with visit.read() as reader:
            values = await _values(visit, reader)
    except Fault as fault:
        logger.warning("operations", problem=fault.detail)
        return {}
    pieces = {name: render(f"operations/_{name}.html", visit.page, visit=visit, **values) for name in PARTS}
    if values["places_map"] is not None:
        pieces["map"] = str(htmlsafe_json_dumps(values["places_map"]))
    return pieces


async def _values(visit: Visit, reader: Reader) -> dict[str, Any]:
    now, ahead = visit.page.now, horizon(visit)
    sites = await lists.sites(reader)
    ages = await operations_heat.read(reader, now, await clock(reader, now), ahead)
    places = await operations_places.read(reader, sites, ages.places, now)
    busy = [one for one in places if one.is_busy][:PLACES]
    return {
        "lines": operations_heat.table(visit, ages),
        "bands": [visit.say(band.word) for band in BANDS],
        "ages": ages,
        "todo": ages.sum([Standing.TO_ROUTE, *(OF_STAGE[stage] for stage in AT_LOCATIONS)]),
        "todo_href": orders_href(),
        "on_the_way": ages.sum([Standing.ON_THE_WAY]),
        "on_the_way_href": orders_href(stage=Standing.ON_THE_WAY.value),
        "in_trouble": ages.sum([Standing.TROUBLE]),
        "in_trouble_href": orders_href(stage=Standing.TROUBLE.value),
        "troubles": operations_heat.troubles(visit, ages),
        "risks": await operations_risks.most_urgent(visit, reader, sites, ahead),
        "ahead": ahead,
        "within": [(code, visit.say(word), code == ahead.code) for code, (word, _) in WITHIN.items()],
        "exceptions": await operations_exceptions.read(visit, reader, sites, ahead.risk.on),
        "late_transfers": await operations_transfers.read(visit, reader, sites),
        "late_transfers_href": operations_transfers.LIST,
        "promises": await _promises(visit, reader, sites),
        "open_exceptions": sum((await orders.counts_of_exceptions(reader)).values()),
        "places": busy,
        "places_map": operations_places.spec(visit, places),
        "more_places": len(places) - len(busy),
        "carriers": await operations_carriers.read(visit, reader, now.date()),
        "behind": await _behind(reader),
        "every": round(EVERY),
        "is_empty": not ages.counts and not busy,
    }


async def _promises(visit: Visit, reader: Reader, sites: lists.Sites) -> tuple[int, int]:
    """(kept, all) of a week; read again once in a while, as only days that are over are counted."""
    known = visit.console.extras.get("promises")
    if isinstance(known, _KeptPromises) and time.monotonic() < known.until:
        return known.counted
    counted = await routing_promises.of_the_week(visit, reader, sites)
    visit.console.extras["promises"] = _KeptPromises(counted, time.monotonic() + _PROMISES_FOR)
    return counted


async def _behind(reader: Reader) -> ConsumerLag | None:
    """How far the making of work is behind the orders, where that is worth a word: these are in no figure yet."""
    found = next((one for one in await consumers.lag(reader) if one.name == RELEASE), None)
    return found if found is not None and (found.parked or (found.events and found.seconds > BEHIND)) else None


@area.get("/operations/locations", Permission.FIGURES_READ)
async def all_locations(visit: Visit) -> Answer:
    """Every location with what it has to do, where the tower names the first ones."""
    now, ahead = visit.page.now, horizon(visit)
    async with visit.read() as reader:
        sites = await lists.sites(reader)
        ages = await operations_heat.read(reader, now, now, ahead)
        places = await operations_places.read(reader, sites, ages.places, now)
    return visit.respond("operations/locations.html", places=places, places_map=operations_places.spec(visit, places))
