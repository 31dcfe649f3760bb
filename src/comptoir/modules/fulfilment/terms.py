"""For how long what is ready waits: the terms of locations and pools."""

from __future__ import annotations

from comptoir.kernel.checking import Checks
from comptoir.modules.fulfilment import waiting
from comptoir.modules.fulfilment.contracts import CollectionTerms, TermsId, TermsRule
from comptoir.modules.fulfilment.errors import UnknownTerms
from comptoir.modules.fulfilment.store import collecting as store
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId, PoolId
from comptoir.runtime.database import Reader, Tx


async def all_terms(reader: Reader) -> list[TermsRule]:
    """Everybody's first, then those of pools, then those of locations."""
    return await store.terms(reader)


async def terms_at(reader: Reader, location_id: LocationId) -> CollectionTerms:
    """What holds at a location."""
    rules = await store.terms(reader)
    pools: list[PoolId] = []
    for rule in rules:
        if rule.pool_id is not None:
            members = (await locations.pool(reader, rule.pool_id)).members
            pools += [rule.pool_id] * any(member.id == location_id for member in members)
    return waiting.terms_for(rules, location_id, pools)


async def put_terms(
    tx: Tx, draft: CollectionTerms, *, location_id: LocationId | None = None, pool_id: PoolId | None = None
) -> TermsRule:
    """For a location, the locations of a pool, or all others; what was said before is replaced. What waits already keeps its
    time. Raises Invalid, UnknownLocation and UnknownPool.
    """
    checks = Checks()
    checks.whole("days", draft.days, 1, waiting.MOST_DAYS)
    checks.whole("extension", draft.extension, 0, waiting.MOST_DAYS)
    checks.require("reminders", len(draft.reminders) <= waiting.MOST_REMINDERS, "are too many")
    for n, days in enumerate(draft.reminders):
        checks.whole(f"reminders[{n}]", days, 0, waiting.MOST_DAYS)
    checks.require("pool_id", location_id is None or pool_id is None, "cannot be named with a location")
    checks.done()
    if location_id is not None:
        await locations.get(tx, location_id)
    if pool_id is not None:
        await locations.pool(tx, pool_id)
    return await store.put_terms(tx, location_id, pool_id, draft)


async def drop_terms(tx: Tx, terms_id: TermsId) -> None:
    """Raises UnknownTerms."""
    if not await store.drop_terms(tx, terms_id):
        raise UnknownTerms(kind="terms", id=terms_id)
