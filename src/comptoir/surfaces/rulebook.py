"""Whether the rules of routing name what there is and is asked: a condition that nobody looks at would be for all orders."""

from __future__ import annotations

from comptoir.kernel.checking import Checks
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.channels import api as channels
from comptoir.modules.locations import api as locations
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Rules
from comptoir.runtime.database import Reader


async def categories(reader: Reader) -> list[str]:
    """Every category in use and those above them, as rules write them, in their order."""
    paths = await catalogue.categories(reader)
    every = {tuple(path[:depth]) for path in paths for depth in range(1, len(path) + 1)}
    return [routing.category_text(path) for path in sorted(every)]


async def require_known(reader: Reader, rules: Rules) -> None:
    """Raises Invalid for channels, categories and locations that there are not, with paths such as `rules.excluded[2]`."""
    checks = Checks()
    if rules.condition.categories:
        used = await categories(reader)
        for n, name in enumerate(rules.condition.categories):
            checks.require(f"rules.condition.categories[{n}]", name in used, "is no category of a product")
    if rules.condition.channels:
        there = {channel.code for channel in await channels.everything(reader)}
        for n, code in enumerate(rules.condition.channels):
            checks.require(f"rules.condition.channels[{n}]", code in there, "is no channel: name one by its code")
    if rules.excluded:
        known = await locations.names(reader, list(rules.excluded))
        for n, location in enumerate(rules.excluded):
            checks.require(f"rules.excluded[{n}]", location in known, "is no location: name one by its id")
    checks.done()
