"""Rule sets as values: whether they make sense, and which of them is for an order."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from comptoir.kernel import money, quantities
from comptoir.kernel.checking import Checks
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.catalogue.contracts import Goods
from comptoir.modules.locations.contracts import DAY
from comptoir.modules.routing.contracts import (
    Condition,
    Mode,
    Objective,
    Profile,
    Rating,
    Rules,
    RuleSet,
    RuleSetDraft,
    RuleSetState,
    SiteSettings,
)

MAX_PARCELS = 10
MAX_POSITION = 1_000_000
MAX_VALUE = 10**12
MAX_KM = 25_000.0
MAX_WEIGHT = 1_000_000.0
MAX_TOLERANCE = 1e9
MAX_COST = 10**9
MAX_PREPARATION = 30 * DAY
MAX_ANSWER = 30 * DAY
MAX_GIVE_UP = 365
MAX_AIM = 10_000_000
USUAL_OWN_ORDER = 5_000
"""Minor units for each place in the own order, where it is not money and days that the rules are about."""
WEEK = 7
_ABOVE = " > "

STEPS: Mapping[tuple[RuleSetState, RuleSetState], bool] = {
    (RuleSetState.DRAFT, RuleSetState.LIVE): True,
    (RuleSetState.LIVE, RuleSetState.DRAFT): True,
    (RuleSetState.DRAFT, RuleSetState.RETIRED): True,
    (RuleSetState.LIVE, RuleSetState.RETIRED): True,
}
"""A rule set's life: tried as a draft, live, taken back to be changed or tried again, and retired for good."""


def checked(draft: RuleSetDraft, checks: Checks) -> RuleSetDraft:
    """The draft with clean values; what is wrong with it is in `checks`."""
    code = checks.code("code", draft.code)
    return replace(
        draft,
        code=code,
        name=checks.words("name", draft.name) or code,
        rules=_checked_rules(draft.rules, checks.at("rules.")),
        position=checks.whole("position", draft.position, 0, MAX_POSITION),
        share=checks.whole("share", draft.share, 0, 100),
    )


def checked_condition(asked: Condition, checks: Checks) -> Condition:
    """The condition with clean values; what is wrong with it is in `checks`."""
    for n, sku in enumerate(asked.skus):
        checks.parsed(f"skus[{n}]", quantities.sku, sku, None)
    least, most = asked.least_value, asked.most_value
    checks.whole("least_value", 0 if least is None else least, 0, MAX_VALUE)
    checks.whole("most_value", 0 if most is None else most, 0, MAX_VALUE)
    if least is None and most is None:
        return replace(asked, currency="")
    checks.require("most_value", least is None or most is None or least <= most, "is not below least_value")
    checks.parsed("currency", money.currency, asked.currency, None)
    return asked


def _checked_rules(rules: Rules, checks: Checks) -> Rules:
    rules = replace(rules, condition=checked_condition(rules.condition, checks.at("condition.")))
    checks.require("ratings", len(rules.ratings) >= 1, "has one at least")
    checks.require("ratings", len({one.rating for one in rules.ratings}) == len(rules.ratings), "names a rating twice")
    for n, one in enumerate(rules.ratings):
        at = checks.at(f"ratings[{n}].")
        at.require("weight", math.isfinite(one.weight) and 0 < one.weight <= MAX_WEIGHT, f"is above 0, up to {MAX_WEIGHT:.0f}")
        within = math.isfinite(one.tolerance) and 0 <= one.tolerance <= MAX_TOLERANCE
        at.require("tolerance", within, f"is from 0 to {MAX_TOLERANCE:.0f}")
    checks.whole("splitting.parcels", rules.splitting.parcels, 1, MAX_PARCELS)
    checks.whole("splitting.least_value", rules.splitting.least_value, 0, MAX_VALUE)
    checks.require("kinds", bool(rules.kinds), "has one at least")
    checks.whole("safety", rules.safety, 0, MAX_QUANTITY)
    checks.whole("minimum_pick", rules.minimum_pick, 0, MAX_VALUE)
    checks.whole("every", rules.every, 0, DAY)
    checks.whole("answer_within", rules.answer_within, 0, MAX_ANSWER)
    checks.whole("give_up_after", rules.give_up_after, 0, MAX_GIVE_UP)
    checks.whole("objective.late_day", rules.objective.late_day, 0, MAX_AIM)
    checks.whole("objective.carbon_kg", rules.objective.carbon_kg, 0, MAX_AIM)
    checks.whole("objective.lacking_unit", rules.objective.lacking_unit, 1, MAX_AIM)
    if rules.objective.own_order is not None:
        checks.whole("objective.own_order", rules.objective.own_order, 0, MAX_AIM)
    far = rules.max_distance
    if far is not None:
        checks.require("max_distance", math.isfinite(far) and 0 < far <= MAX_KM, f"is above 0, up to {MAX_KM:.0f}")
    return rules


def checked_site(settings: SiteSettings, checks: Checks) -> SiteSettings:
    """The settings; what is wrong with them is in `checks`."""
    checks.whole("pick_cost", settings.pick_cost, 0, MAX_COST)
    checks.whole("pack_cost", settings.pack_cost, 0, MAX_COST)
    checks.whole("cut_off", settings.cut_off, 0, DAY)
    checks.whole("preparation", settings.preparation, 0, MAX_PREPARATION)
    checks.require("works", len(settings.works) == WEEK, "has seven days, from Monday on")
    return settings


def is_for(condition: Condition, order: Profile) -> bool:
    """Whether an order is meant."""
    return (
        (not condition.channels or order.channel in condition.channels)
        and (not condition.countries or order.country in condition.countries)
        and (not condition.services or order.service in condition.services)
        and (not condition.categories or not order.categories.isdisjoint(condition.categories))
        and (not condition.brands or not order.brands.isdisjoint(condition.brands))
        and (not condition.skus or not order.skus.isdisjoint(condition.skus))
        and (not asks_value(condition) or _is_worth(condition, order))
    )


def asks_value(condition: Condition) -> bool:
    """Whether it looks at what an order is worth."""
    return condition.least_value is not None or condition.most_value is not None


def _is_worth(condition: Condition, order: Profile) -> bool:
    least, most = condition.least_value, condition.most_value
    within = (least is None or order.value >= least) and (most is None or order.value <= most)
    return within and order.currency == condition.currency


def aims(rules: Rules) -> Objective:
    """What runs under these rules improve, with nothing left open."""
    aim = rules.objective
    return aim if aim.own_order is not None else replace(aim, own_order=usual_own_order(rules))


def usual_own_order(rules: Rules) -> int:
    """Nothing where cost or days come first, since that is what runs improve; else so much that money alone changes little."""
    first = rules.ratings[0]
    if rules.mode is Mode.WEIGHTED:
        first = max(rules.ratings, key=lambda one: one.weight)
    return 0 if first.rating in {Rating.COST, Rating.DELIVERY} else USUAL_OWN_ORDER


def category_text(path: Sequence[str]) -> str:
    """A category as files of products write it, such as `Food > Dairy`."""
    return _ABOVE.join(path)


def categories_of(goods: Iterable[Goods]) -> frozenset[str]:
    """Those of the goods and all above them, as texts."""
    return frozenset(
        category_text(path[:depth]) for path in {one.category for one in goods} for depth in range(1, len(path) + 1)
    )


def brands_of(goods: Iterable[Goods]) -> frozenset[str]:
    """Those of the goods; what has none counts for nothing."""
    return frozenset([one.brand for one in goods if one.brand])


def matching(live: Iterable[RuleSet], key: UUID, order: Profile) -> RuleSet | None:
    """The rule set that decides for an order: of the live ones that are for it the first by position, then code, whose share
    it falls into. None where there is none.
    """
    for rule_set in sorted(live, key=lambda one: (one.position, one.code)):
        if is_for(rule_set.rules.condition, order) and falls_into(rule_set, key):
            return rule_set
    return None


def takes_all(first: RuleSet, then: RuleSet) -> bool:
    """Whether no order reaches `then`, because `first` is asked before it and takes whatever is meant for it."""
    before, after = first.rules.condition, then.rules.condition
    pairs = (
        (before.channels, after.channels),
        (before.countries, after.countries),
        (before.services, after.services),
        (before.categories, after.categories),
        (before.brands, after.brands),
        (before.skus, after.skus),
    )
    return (
        (first.position, first.code) < (then.position, then.code)
        and first.share >= 100
        and all(not wide or (bool(narrow) and set(narrow) <= set(wide)) for wide, narrow in pairs)
        and _is_wider(before, after)
    )


def _is_wider(wide: Condition, narrow: Condition) -> bool:
    """Whether an order of any value that `narrow` means has one that `wide` means, too."""
    if not asks_value(wide):
        return True
    low, high = narrow.least_value or 0, math.inf if narrow.most_value is None else narrow.most_value
    most = math.inf if wide.most_value is None else wide.most_value
    return asks_value(narrow) and wide.currency == narrow.currency and (wide.least_value or 0) <= low and high <= most


def falls_into(rule_set: RuleSet, key: UUID) -> bool:
    """Whether an order belongs to the share of a rule set: always the same for the same order, and each rule set draws anew."""
    if rule_set.share >= 100:
        return True
    drawn = int.from_bytes(hashlib.blake2b(rule_set.id.bytes + key.bytes, digest_size=8).digest(), "big")
    return drawn % 100 < rule_set.share
