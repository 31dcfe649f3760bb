"""Whether the rules of routing name what there is and is asked: a condition that nobody looks at would be for all orders."""

from __future__ import annotations

from comptoir.kernel.checking import Checks
from comptoir.modules.channels import api as channels
from comptoir.modules.locations import api as locations
from comptoir.modules.routing.contracts import Rules
from comptoir.runtime.database import Reader


async def require_known(reader: Reader, rules: Rules) -> None:
    """Raises Invalid for channels and locations that there are not, with paths such as `rules.excluded[2]`, and for categories.

    `routing.matching` knows an order's channel, country and delivery. What is in it is not asked there, so that a rule set for
    some categories would decide for all.
    """
    checks = Checks()
    nothing = not rules.condition.categories
    checks.require("rules.condition.categories", nothing, "cannot tell orders apart yet: leave it empty")
    if rules.condition.channels:
        there = {channel.code for channel in await channels.everything(reader)}
        for n, code in enumerate(rules.condition.channels):
            checks.require(f"rules.condition.channels[{n}]", code in there, "is no channel: name one by its code")
    if rules.excluded:
        known = await locations.names(reader, list(rules.excluded))
        for n, location in enumerate(rules.excluded):
            checks.require(f"rules.excluded[{n}]", location in known, "is no location: name one by its id")
    checks.done()
