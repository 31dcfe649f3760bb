"""How the carrier of a parcel is chosen: what the retailer has said once for all of them."""

from __future__ import annotations

from dataclasses import replace

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.modules.tracking.domain.choosing import Ruling
from comptoir.modules.tracking.store import manifests as store
from comptoir.runtime.database import Reader, Tx

MOST_COST = 10**8
MOST_SHARE = 1_000
_MOST_CARRIERS = 100
_MOST_NAME = 100


async def get(reader: Reader) -> tuple[Ruling, int]:
    """With its version, which is 0 while nobody has said anything."""
    return await store.ruling(reader)


async def put(tx: Tx, wanted: Ruling, *, version: int | None = None) -> tuple[Ruling, int]:
    """Raises Invalid and Stale. Days and prices are said for each parcel, and are not kept."""
    clean = _checked(replace(wanted, within_days=None, at_most=None))
    if not await store.put_ruling(tx, clean, version):
        raise Stale(kind="carrier_choice", version=(await store.ruling(tx))[1])
    return await store.ruling(tx)


def _checked(wanted: Ruling) -> Ruling:
    checks = Checks()
    excluded = frozenset(checks.words("excluded", one, least=1, most=_MOST_NAME) for one in wanted.excluded)
    shares = {checks.words("shares", one, least=1, most=_MOST_NAME): n for one, n in (wanted.shares or {}).items()}
    checks.require("excluded", len(excluded) <= _MOST_CARRIERS, f"has at most {_MOST_CARRIERS} carriers")
    checks.require("shares", len(shares) <= _MOST_CARRIERS, f"has at most {_MOST_CARRIERS} carriers")
    checks.require("shares", all(0 <= n <= MOST_SHARE for n in shares.values()), f"are from 0 to {MOST_SHARE}")
    checks.require("shares", not shares or any(shares.values()), "name one carrier that gets something")
    checks.require("at_least_on_time", 0 <= wanted.at_least_on_time <= 1, "is a fraction from 0 to 1")
    for name in ("late_costs", "loss_costs", "tolerance"):
        checks.whole(name, getattr(wanted, name), 0, MOST_COST)
    checks.done()
    return replace(wanted, excluded=excluded, shares=shares or None)
