"""Networks of pools, the live rule sets and the schedules of runs, kept until something about them changes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from comptoir.modules.carriers import api as carriers
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationFilter, LocationId, PoolId
from comptoir.modules.routing.contracts import Profile, RuleSet, Schedule
from comptoir.modules.routing.domain.network import Network
from comptoir.modules.routing.domain.rules import matching
from comptoir.modules.routing.domain.timetables import Waits, turns, waits_for
from comptoir.modules.routing.lessons import lessons
from comptoir.modules.routing.sites import sites
from comptoir.modules.routing.store import schedules as store_schedules
from comptoir.modules.routing.store import sets as store
from comptoir.runtime.database import Reader

Stamp = tuple[int, int, int]


class Atlas:
    """Asks for a few numbers each time, and for what they stand for only when they have changed: networks and rules remember
    what they were asked, and are worth keeping.
    """

    def __init__(self) -> None:
        self._stamp: Stamp | None = None
        self._networks: dict[PoolId, Network] = {}
        self._live: list[RuleSet] = []
        self._schedules: list[Schedule] = []

    async def refresh(self, reader: Reader) -> Stamp:
        """Forgets what is no longer so, and reads the live rule sets and the schedules. What is asked after this is as of now.

        What it gives is the same as long as nothing has changed.
        """
        stamp = (await locations.pools_version(reader), await carriers.version(reader), await store.stamp(reader))
        if stamp != self._stamp:
            live = await store.live(reader)
            schedules = [one for one in await store_schedules.everything(reader) if one.active]
            self._networks, self._live, self._schedules, self._stamp = {}, live, schedules, stamp
        return stamp

    @property
    def live(self) -> Sequence[RuleSet]:
        """In the order in which they are asked."""
        return self._live

    @property
    def schedules(self) -> Sequence[Schedule]:
        """The active ones, in the order in which orders look whether one is for them."""
        return self._schedules

    @property
    def turns(self) -> list[Waits]:
        """Whatever has runs, in the order in which those that fall together are decided."""
        return turns(self._schedules, self._live)

    def waits_for(self, rule_set: RuleSet | None, order: Profile) -> Waits | None:
        """What an order waits for that this rule set decides; None where it is decided at once."""
        return waits_for(self._schedules, rule_set, order)

    def rule_set(self, key: UUID, order: Profile) -> RuleSet | None:
        """The live one that decides for an order; None where there is none."""
        return matching(self._live, key, order) if self._live else None

    async def network(self, reader: Reader, pool_id: PoolId) -> Network:
        """The locations of a pool with what carriers take from them. Raises UnknownPool."""
        kept = self._networks  # whoever refreshes meanwhile begins another
        known = kept.get(pool_id)
        if known is None:
            pool = await locations.pool(reader, pool_id)
            priorities: dict[LocationId, int] = {member.id: member.priority for member in pool.members}
            places = [place async for place in locations.stream(reader, LocationFilter(pool=pool_id))]
            services = [service for service in await carriers.everything(reader) if service.active]
            learned = (await lessons(reader)).carriers
            slack = {code: lesson.slack for code, lesson in learned.items() if lesson.slack}
            known = kept[pool_id] = Network(await sites(reader, places, priorities), services, slack)
        return known
