"""The door to routing."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg.errors

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing.atlas import Atlas
from comptoir.modules.routing.contracts import (
    KeptSettings,
    RuleSet,
    RuleSetChanged,
    RuleSetDraft,
    RuleSetId,
    RuleSetState,
    RuleSetVersion,
    SiteSettings,
)
from comptoir.modules.routing.domain import rules as domain
from comptoir.modules.routing.domain.choosing import as_placed, choose, explain, rank_sites, serve
from comptoir.modules.routing.domain.drilling import NEVER, By, Drill, Drilled, Seen, Worse
from comptoir.modules.routing.domain.learning import Lesson, Lessons
from comptoir.modules.routing.domain.network import Network
from comptoir.modules.routing.domain.optimising import Plan, improve
from comptoir.modules.routing.domain.promising import (
    Collection,
    Delivery,
    Planned,
    collection,
    collections,
    delivery,
    planned,
)
from comptoir.modules.routing.domain.quoting import worth
from comptoir.modules.routing.domain.rating import rates_lasting, rates_load
from comptoir.modules.routing.domain.rehearsing import Mishaps, rehearse
from comptoir.modules.routing.domain.rules import (
    MAX_AIM,
    MAX_ANSWER,
    MAX_COST,
    MAX_GIVE_UP,
    MAX_KM,
    MAX_PARCELS,
    MAX_POSITION,
    MAX_PREPARATION,
    MAX_TOLERANCE,
    MAX_VALUE,
    MAX_WEIGHT,
    STEPS,
    aims,
    asks_value,
    brands_of,
    categories_of,
    category_text,
    is_for,
    matching,
    takes_all,
    usual_own_order,
)
from comptoir.modules.routing.domain.simulating import Flow, Past, Tally, compare, simulate
from comptoir.modules.routing.domain.stock import Situation
from comptoir.modules.routing.domain.stopping import SPLIT, stops
from comptoir.modules.routing.domain.timetables import (
    LAST_OF_ALL,
    MAX_TIMES,
    Timetable,
    Waits,
    every,
    timetable,
    turns,
    waits_for,
)
from comptoir.modules.routing.errors import RuleSetCodeTaken, RuleSetRetired, UnknownRuleSet
from comptoir.modules.routing.lessons import arrived, lateness, learn_again, learned, lessons
from comptoir.modules.routing.log import Taken, decisions, explained, record
from comptoir.modules.routing.schedules import create_schedule, delete_schedule, schedule, schedules, update_schedule
from comptoir.modules.routing.selling import sold_daily
from comptoir.modules.routing.simulations import (
    cancel_simulation,
    create_simulation,
    outcome,
    simulated,
    simulated_orders,
    simulation,
    simulation_begun,
    simulation_done,
    simulation_failed,
    simulation_goes_on,
    simulations,
)
from comptoir.modules.routing.sites import site_settings, sites
from comptoir.modules.routing.store import sets as store
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page

__all__ = [
    "LAST_OF_ALL",
    "MAX_AIM",
    "MAX_ANSWER",
    "MAX_COST",
    "MAX_GIVE_UP",
    "MAX_KM",
    "MAX_PARCELS",
    "MAX_POSITION",
    "MAX_PREPARATION",
    "MAX_TIMES",
    "MAX_TOLERANCE",
    "MAX_VALUE",
    "MAX_WEIGHT",
    "NEVER",
    "SPLIT",
    "Atlas",
    "By",
    "Collection",
    "Delivery",
    "Drill",
    "Drilled",
    "Flow",
    "Lesson",
    "Lessons",
    "Mishaps",
    "Network",
    "Past",
    "Plan",
    "Planned",
    "Seen",
    "Situation",
    "Taken",
    "Tally",
    "Timetable",
    "Waits",
    "Worse",
    "aims",
    "arrived",
    "as_placed",
    "asks_value",
    "brands_of",
    "cancel_simulation",
    "categories_of",
    "category_text",
    "choose",
    "collection",
    "collections",
    "compare",
    "create_schedule",
    "create_simulation",
    "decisions",
    "delete_schedule",
    "delivery",
    "every",
    "explain",
    "explained",
    "improve",
    "is_for",
    "lateness",
    "learn_again",
    "learned",
    "lessons",
    "matching",
    "outcome",
    "planned",
    "rank_sites",
    "rates_lasting",
    "rates_load",
    "record",
    "rehearse",
    "schedule",
    "schedules",
    "serve",
    "simulate",
    "simulated",
    "simulated_orders",
    "simulation",
    "simulation_begun",
    "simulation_done",
    "simulation_failed",
    "simulation_goes_on",
    "simulations",
    "site_settings",
    "sites",
    "sold_daily",
    "stops",
    "takes_all",
    "timetable",
    "turns",
    "update_schedule",
    "usual_own_order",
    "waits_for",
    "worth",
]


async def create(tx: Tx, draft: RuleSetDraft) -> RuleSet:
    """A draft that decides nothing yet. Raises Invalid and RuleSetCodeTaken."""
    clean = _checked(draft)
    made = await store.insert(tx, clean)
    if made is None:
        raise RuleSetCodeTaken(code=clean.code)
    tx.emit(_changed(made, created=True))
    return made


async def update(tx: Tx, rule_set_id: RuleSetId, draft: RuleSetDraft, *, version: int | None = None) -> RuleSet:
    """The rule set as the draft has it, in the state that it is in; what it said before is kept as a version.

    `version` is the one that the caller decided on; None is whichever. Raises Invalid, UnknownRuleSet, Stale, RuleSetRetired
    and RuleSetCodeTaken.
    """
    clean = _checked(draft)
    try:
        changed = await store.update(tx, rule_set_id, clean, version)
    except psycopg.errors.UniqueViolation as problem:
        raise RuleSetCodeTaken(code=clean.code) from problem
    if changed is None:
        raise await _why(tx, rule_set_id, version)
    tx.emit(_changed(changed))
    return changed


async def move(tx: Tx, rule_set_id: RuleSetId, state: RuleSetState, *, version: int | None = None) -> RuleSet:
    """Puts it live, takes it back, or retires it for good; gives it as it is, where it is in that state already.

    Raises UnknownRuleSet, Stale and RuleSetRetired.
    """
    before = [old for old, new in STEPS if new is state]
    moved = await store.move(tx, rule_set_id, state, before, version)
    if moved is None:
        there = await get(tx, rule_set_id)
        if there.state is state:
            return there
        raise await _why(tx, rule_set_id, version)
    tx.emit(_changed(moved))
    return moved


async def _why(reader: Reader, rule_set_id: RuleSetId, version: int | None) -> Exception:
    there = await get(reader, rule_set_id)
    if there.state is RuleSetState.RETIRED:
        return RuleSetRetired(code=there.code)
    assert version is not None, "it is there, and not retired"
    return Stale(kind="rule_set", id=rule_set_id, version=there.version)


def _changed(rule_set: RuleSet, *, created: bool = False) -> RuleSetChanged:
    return RuleSetChanged(rule_set_id=rule_set.id, code=rule_set.code, state=rule_set.state, created=created)


def _checked(draft: RuleSetDraft) -> RuleSetDraft:
    checks = Checks()
    clean = domain.checked(draft, checks)
    checks.done()
    return clean


async def get(reader: Reader, rule_set_id: RuleSetId) -> RuleSet:
    found = await store.get(reader, rule_set_id)
    if found is None:
        raise UnknownRuleSet(kind="rule_set", id=rule_set_id)
    return found


async def find(
    reader: Reader,
    state: RuleSetState | None = None,
    search: str = "",
    *,
    retired: bool = True,
    sort: str = "position",
    limit: int = 50,
    cursor: str | None = None,
) -> Page[RuleSet]:
    """Sorts: position (in which they are asked), code, and each with a `-` before it. `retired` is whether also those are."""
    wanted = store.where(state, search, retired=retired)
    return await store.LISTING.page(reader, wanted, sort=sort, limit=limit, cursor=cursor)


async def live(reader: Reader) -> list[RuleSet]:
    """The rule sets that decide now, in the order in which they are asked."""
    return await store.live(reader)


async def said(reader: Reader, rule_set_id: RuleSetId, version: int) -> RuleSetVersion:
    """What a rule set said in a version. Raises UnknownRuleSet."""
    found = await store.version(reader, rule_set_id, version)
    if found is None:
        raise UnknownRuleSet(kind="rule_set", id=rule_set_id, version=version)
    return found


async def versions(
    reader: Reader, rule_set_id: RuleSetId, *, limit: int = 50, cursor: str | None = None
) -> Page[RuleSetVersion]:
    """Everything that a rule set ever said, the latest first. Raises UnknownRuleSet."""
    page = await store.VERSIONS.page(reader, store.of_rule_set(rule_set_id), sort="-version", limit=limit, cursor=cursor)
    if not page.items and cursor is None:
        raise UnknownRuleSet(kind="rule_set", id=rule_set_id)
    return page


async def settings(reader: Reader, location_id: LocationId) -> KeptSettings:
    """What routing knows of one location, with its version, for who wants to change it."""
    return await store.site(reader, location_id) or KeptSettings(location_id=location_id)


async def put_settings(tx: Tx, wanted: SiteSettings, *, version: int | None = None) -> KeptSettings:
    """What routing is to know of one location. `version` is the one that the caller decided on; None is whichever.

    Raises Invalid and Stale. That there is such a location is for the caller to know.
    """
    checks = Checks()
    domain.checked_site(wanted, checks)
    checks.done()
    kept = await store.put_site(tx, wanted, version)
    if kept is None:
        there = await settings(tx, wanted.location_id)
        raise Stale(kind="location", id=wanted.location_id, version=there.version)
    return kept


async def put_sites(tx: Tx, wanted: Sequence[SiteSettings]) -> None:
    """What routing is to know of these locations, each named once. Raises Invalid."""
    checks = Checks()
    for n, one in enumerate(wanted):
        domain.checked_site(one, checks.at(f"[{n}]."))
    named = {one.location_id for one in wanted}
    checks.require("location_id", len(named) == len(wanted), "is named twice")
    checks.done()
    if wanted:
        await store.put_sites(tx, wanted)


async def version(reader: Reader) -> int:
    """Grows with every change of a rule set or of what is known of a location."""
    return await store.stamp(reader)
