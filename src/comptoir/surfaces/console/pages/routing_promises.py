"""Promises kept: how many of the days and times that buyers were told were kept, week by week and by whom, and why others were
not; and what was learned from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from comptoir.i18n import N_
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.fulfilment.contracts import Kept
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Learned
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces import keeping
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.web import Answer, Area, Visit
from comptoir.surfaces.keeping import Cause

area = Area("routing")

CAUSES: Mapping[Cause, str] = {
    Cause.GIVEN_BACK: N_("Given back by a location"),
    Cause.NOT_BEGUN: N_("Begun too late"),
    Cause.PICKED_LATE: N_("Ready too late"),
    Cause.CARRIER: N_("Came late with the carrier"),
}
BYS: Mapping[str, str] = {
    "location": N_("Location"),
    "channel": N_("Channel"),
    "carrier": N_("Carrier"),
    "service": N_("Service"),
}
TILE_DAYS = 7
"""The control tower counts the promises of so many days."""


@dataclass(frozen=True, slots=True)
class Group:
    """The promises of one location, channel, carrier or service."""

    name: str
    kept: int
    broken: int

    @property
    def share(self) -> float:
        return self.kept / (self.kept + self.broken)


@area.get("/routing/promises", Permission.ROUTING_READ)
async def promises_kept(visit: Visit) -> Answer:
    today = _today(visit)
    since = keeping.first_day(today)
    by = visit.param("by") if visit.param("by") in BYS else "location"
    async with visit.read() as reader:
        sites = await lists.sites(reader)
        zones = {one.id: one.time_zone for one in sites.rows}
        rows = await keeping.kept(reader, since, today, zones)
        missed = await keeping.missed(reader, since, today, zones)
        channels = {one.code: one.name or one.code for one in await visit.console.channels(reader)}
    kept, all_ = keeping.share(rows)
    return visit.respond(
        "routing/promises.html",
        total=all_,
        kept=kept,
        share=kept / all_ if all_ else None,
        chart=_chart(visit, rows, since, today),
        tabs=[(visit.say(word), f"/routing/promises?by={code}", code == by, None) for code, word in BYS.items()],
        by_word=visit.say(BYS[by]),
        groups=_groups(rows, _names(visit, by, sites, channels)),
        missed=[(one, visit.say(CAUSES[one.cause]), order_href(one.broken.order_id)) for one in missed],
        causes=_causes(visit, [one.cause for one in missed]),
        places=sites,
    )


def _today(visit: Visit) -> date:
    """The day in the reader's time zone: only days before it are over."""
    return visit.page.now.astimezone(visit.page.zone).date()


def _names(visit: Visit, by: str, sites: lists.Sites, channels: Mapping[str, str]) -> Callable[[Kept], str]:
    def name(one: Kept) -> str:
        match by:
            case "channel":
                return channels.get(one.channel, one.channel)
            case "carrier":
                return one.carrier or visit.say(N_("Without a carrier"))
            case "service":
                return visit.say(N_("At the counter")) if one.service == Service.PICKUP else one.service or formatting.NOTHING
            case _:
                return sites[one.location_id]

    return name


def _groups(rows: Iterable[Kept], name: Callable[[Kept], str]) -> list[Group]:
    """Where most were broken first."""
    found: dict[str, tuple[int, int]] = {}
    for one in rows:
        kept, broken = found.get(name(one), (0, 0))
        found[name(one)] = kept + one.kept, broken + one.broken
    groups = [Group(label, *counts) for label, counts in found.items()]
    return sorted(groups, key=lambda one: (-one.broken, one.name.casefold()))


def _causes(visit: Visit, causes: Sequence[Cause]) -> list[tuple[str, int]]:
    counted = [(visit.say(word), causes.count(code)) for code, word in CAUSES.items()]
    return sorted([one for one in counted if one[1]], key=lambda one: -one[1])


def _chart(visit: Visit, rows: Sequence[Kept], since: date, today: date) -> dict[str, object]:
    weeks = [since + timedelta(days=7 * n) for n in range((today - since).days // 7 + 1)]
    own = [keeping.share([one for one in rows if one.week == week]) for week in weeks]
    return {
        "kind": "line",
        "unit": "percent",
        "labels": [formatting.day(week, visit.page.locale, visit.page.zone) for week in weeks],
        "series": [
            {
                "name": visit.say(N_("Promises kept")),
                "values": [round(kept / all_, 3) if all_ else None for kept, all_ in own],
            }
        ],
    }


async def of_the_week(visit: Visit, reader: Reader, sites: lists.Sites) -> tuple[int, int]:
    """(kept, all) of the last seven days that are over."""
    today = _today(visit)
    zones = {one.id: one.time_zone for one in sites.rows}
    return keeping.share(await keeping.kept(reader, today - timedelta(days=TILE_DAYS), today, zones))


# What was learned


@area.get("/routing/lessons", Permission.ROUTING_READ)
async def lessons(visit: Visit) -> Answer:
    async with visit.read() as reader:
        found = await routing.learned(reader)
        sites = await lists.sites(reader)
    rows = [(one, one.carrier or (sites[one.location_id] if one.location_id else "")) for one in found]
    return visit.respond(
        "routing/lessons.html",
        sections=[
            (visit.say(N_("Carriers")), _shown([row for row in rows if row[0].location_id is None])),
            (visit.say(N_("Locations")), _shown([row for row in rows if row[0].location_id is not None])),
        ],
        is_empty=not rows,
    )


def _shown(rows: Sequence[tuple[Learned, str]]) -> list[dict[str, object]]:
    return [{"name": name, "one": one, "share": one.on_time / one.parcels} for one, name in rows]
