"""The rules of channels, as functions of values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from comptoir.kernel.checking import Checks
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.channels.contracts import ChannelDraft, ChannelKind, PublishRules

MAX_HOLD = 30 * 24 * 3600


def publishable(available: Iterable[int], rules: PublishRules) -> int:
    """What a channel may promise of a SKU, from what each location of its pool has available (net of safety stock).

    A location that is short (below 0) lacks nothing to the others.
    """
    return publishable_of(sum(units for units in available if units > 0), rules)


def publishable_of(total: int, rules: PublishRules) -> int:
    """The same from the sum over the pool, which is >= 0.

    While the pool has fewer than `stop_below`: nothing. Otherwise `publish_percent` of the total less the buffer, at most
    `publish_max` and at least `publish_min`, but never more than is left after the buffer.
    """
    left = total - rules.buffer
    if left <= 0 or total < rules.stop_below:
        return 0
    share = left * rules.publish_percent // 100
    if rules.publish_max is not None:
        share = min(share, rules.publish_max)
    return min(left, max(share, rules.publish_min))


def checked(draft: ChannelDraft, checks: Checks) -> ChannelDraft:
    """The draft with clean values; what is wrong with it is in `checks`."""
    rules = draft.rules
    within = checks.at("rules.")
    for path in ("buffer", "publish_min", "stop_below"):
        within.whole(path, getattr(rules, path), 0, MAX_QUANTITY)
    within.whole("publish_percent", rules.publish_percent, 0, 100)
    if rules.publish_max is not None:
        within.whole("publish_max", rules.publish_max, 0, MAX_QUANTITY)
        within.require("publish_min", rules.publish_min <= rules.publish_max, "is not above publish_max")
    code = checks.code("code", draft.code)
    return replace(
        draft,
        code=code,
        name=checks.words("name", draft.name) or code,
        kind=checks.parsed("kind", ChannelKind, draft.kind, ChannelKind.WEB),
        market=checks.code("market", draft.market),
        hold_for=checks.whole("hold_for", draft.hold_for, 1, MAX_HOLD),
    )
