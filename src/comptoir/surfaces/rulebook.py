"""Whether the rules of routing name what there is and is asked: a condition that nobody looks at would be for all orders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from comptoir.kernel.checking import Checks
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.channels import api as channels
from comptoir.modules.locations import api as locations
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Condition, Rules
from comptoir.runtime.database import Reader


async def categories(reader: Reader) -> list[str]:
    """Every category in use and those above them, as rules write them, in their order."""
    paths = await catalogue.categories(reader)
    every = {tuple(path[:depth]) for path in paths for depth in range(1, len(path) + 1)}
    return [routing.category_text(path) for path in sorted(every)]


async def require_known(reader: Reader, rules: Rules) -> None:
    """Raises Invalid for what rules name that there is not, with paths such as `rules.excluded[2]`."""
    checks = Checks()
    await check_condition(reader, rules.condition, checks.at("rules.condition."))
    if rules.excluded:
        known = await locations.names(reader, list(rules.excluded))
        for n, location in enumerate(rules.excluded):
            checks.require(f"rules.excluded[{n}]", location in known, "is no location: name one by its id")
    checks.done()


async def require_condition(reader: Reader, condition: Condition) -> None:
    """Raises Invalid for what a condition names that there is not, with paths such as `condition.skus[2]`."""
    checks = Checks()
    await check_condition(reader, condition, checks.at("condition."))
    checks.done()


async def check_condition(reader: Reader, condition: Condition, checks: Checks) -> None:
    """Whether there are such channels, categories, brands and products."""
    if condition.categories:
        _check(checks, "categories", condition.categories, await categories(reader), "is no category of a product")
    if condition.brands:
        _check(checks, "brands", condition.brands, await catalogue.brands(reader), "is no brand of a product")
    if condition.skus:
        _check(checks, "skus", condition.skus, await catalogue.known(reader, condition.skus), "is no SKU of the catalogue")
    if condition.channels:
        there = [channel.code for channel in await channels.everything(reader)]
        _check(checks, "channels", condition.channels, there, "is no channel: name one by its code")


def _check(checks: Checks, path: str, named: Sequence[str], there: Iterable[str], words: str) -> None:
    known = set(there)
    for n, one in enumerate(named):
        checks.require(f"{path}[{n}]", one in known, words)
