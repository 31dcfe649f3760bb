"""The door to routing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg.errors

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.modules.locations.contracts import Location, LocationId
from comptoir.modules.routing import store
from comptoir.modules.routing.contracts import (
    RuleSet,
    RuleSetChanged,
    RuleSetDraft,
    RuleSetId,
    RuleSetState,
    RuleSetVersion,
    Site,
    SiteSettings,
)
from comptoir.modules.routing.domain import rules as domain
from comptoir.modules.routing.domain.rules import STEPS, is_for, matching
from comptoir.modules.routing.errors import RuleSetCodeTaken, RuleSetRetired, UnknownRuleSet
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page

__all__ = ["is_for", "matching"]


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
    sort: str = "position",
    limit: int = 50,
    cursor: str | None = None,
) -> Page[RuleSet]:
    return await store.LISTING.page(reader, store.where(state, search), sort=sort, limit=limit, cursor=cursor)


async def live(reader: Reader) -> list[RuleSet]:
    """The rule sets that decide now, in the order in which they are asked."""
    return await store.live(reader)


async def said(reader: Reader, rule_set_id: RuleSetId, version: int) -> RuleSetVersion:
    """What a rule set said in a version. Raises UnknownRuleSet."""
    found = await store.version(reader, rule_set_id, version)
    if found is None:
        raise UnknownRuleSet(kind="rule_set", id=rule_set_id, version=version)
    return found


async def put_sites(tx: Tx, settings: Sequence[SiteSettings]) -> None:
    """What routing is to know of these locations, each named once. Raises Invalid."""
    checks = Checks()
    for n, one in enumerate(settings):
        domain.checked_site(one, checks.at(f"[{n}]."))
    named = {one.location_id for one in settings}
    checks.require("location_id", len(named) == len(settings), "is named twice")
    checks.done()
    if settings:
        await store.put_sites(tx, settings)


async def site_settings(reader: Reader, locations: Sequence[LocationId]) -> dict[LocationId, SiteSettings]:
    """Of each of these locations; the defaults where nobody has said anything."""
    there = await store.sites(reader, locations)
    return {location: there.get(location) or SiteSettings(location_id=location) for location in locations}


async def sites(reader: Reader, locations: Sequence[Location], priorities: Mapping[LocationId, int]) -> list[Site]:
    """These locations as routing sees them. `priorities` are those of the pool, 0 where it does not say."""
    settings = await site_settings(reader, [location.id for location in locations])
    return [_site(location, settings[location.id], priorities.get(location.id, 0)) for location in locations]


def _site(location: Location, settings: SiteSettings, priority: int) -> Site:
    return Site(
        id=location.id,
        code=location.code,
        name=location.name,
        kind=location.kind,
        country=location.country,
        time_zone=location.time_zone,
        latitude=location.latitude,
        longitude=location.longitude,
        priority=priority,
        active=location.active,
        ships=location.ships,
        pickup=location.pickup,
        hours=location.opening_hours,
        capacity=location.daily_capacity,
        pick_cost=settings.pick_cost,
        pack_cost=settings.pack_cost,
        cut_off=settings.cut_off,
        preparation=settings.preparation,
        works=settings.works,
    )


async def version(reader: Reader) -> int:
    """Grows with every change of a rule set or of what is known of a location."""
    return await store.stamp(reader)
