"""How the carrier of a parcel is chosen: what the retailer has said, with rules for some of them."""

from __future__ import annotations

from dataclasses import replace

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.modules.tracking.domain.choosing import Ruling
from comptoir.modules.tracking.domain.steering import CarrierRule, Do
from comptoir.modules.tracking.store import manifests as store
from comptoir.runtime.database import Reader, Tx

MOST_COST = 10**8
MOST_SHARE = 1_000
_MOST_CARRIERS = 100
_MOST_NAME = 100
_MOST_WEIGHT = 1_000_000
MOST_RULES = 50


async def get(reader: Reader) -> tuple[Ruling, int]:
    """With its version, which is 0 while nobody has said anything."""
    return await store.ruling(reader)


async def put(tx: Tx, wanted: Ruling, *, version: int | None = None) -> tuple[Ruling, int]:
    """Raises Invalid and Stale. Days and prices are said for each parcel, and are not kept."""
    clean = _checked(replace(wanted, within_days=None, at_most=None, effects=(), rule_no=None))
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
    checks.require("rules", len(wanted.rules) <= MOST_RULES, f"are at most {MOST_RULES}")
    rules = tuple(_rule(checks, n, rule) for n, rule in enumerate(wanted.rules[:MOST_RULES]))
    checks.done()
    return replace(wanted, excluded=excluded, shares=shares or None, rules=rules)


def _rule(checks: Checks, n: int, rule: CarrierRule) -> CarrierRule:
    at = f"rules[{n}]"
    effects = tuple(
        replace(
            one,
            carrier=checks.words(f"{at}.effects[{m}].carrier", one.carrier, least=1, most=_MOST_NAME),
            service=checks.words(f"{at}.effects[{m}].service", one.service, most=_MOST_NAME),
        )
        for m, one in enumerate(rule.effects[:_MOST_CARRIERS])
    )
    checks.require(f"{at}.effects", 0 < len(rule.effects) <= _MOST_CARRIERS, "name at least one carrier")
    for m, one in enumerate(effects):
        is_share = one.do is Do.SHARE
        checks.require(f"{at}.effects[{m}].share", not is_share or 1 <= one.share <= MOST_SHARE, f"is from 1 to {MOST_SHARE}")
        checks.require(f"{at}.effects[{m}].service", not is_share or not one.service, "is left out: a share is a carrier's")
    for name in ("weight_from", "weight_to"):
        weight = getattr(rule, name)
        checks.require(f"{at}.{name}", weight is None or 0 <= weight <= _MOST_WEIGHT, "is grams, up to a ton")
    turned = rule.weight_from is not None and rule.weight_to is not None and rule.weight_from > rule.weight_to
    checks.require(f"{at}.weight_to", not turned, "is not below the other weight")
    lists = ("channels", "countries", "postcodes", "services", "categories")
    texts = {
        name: tuple(dict.fromkeys(checks.words(f"{at}.{name}", one, least=1, most=_MOST_NAME) for one in getattr(rule, name)))
        for name in lists
    }
    for name in (*lists, "locations"):
        checks.require(f"{at}.{name}", len(getattr(rule, name)) <= _MOST_CARRIERS, f"are at most {_MOST_CARRIERS}")
    return replace(rule, name=checks.words(f"{at}.name", rule.name, most=_MOST_NAME), effects=effects, **texts)
