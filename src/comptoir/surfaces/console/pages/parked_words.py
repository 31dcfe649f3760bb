"""Why no location may send what is parked, in words: as it was when it was parked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from comptoir.i18n import N_
from comptoir.modules.orders.contracts import OrderException
from comptoir.modules.routing.api import SPLIT
from comptoir.surfaces.console.pages.decision_words import FENCE_WORDS
from comptoir.surfaces.console.web import Visit

_WORDS: Mapping[str, str] = {fence.value: words for fence, words in FENCE_WORDS.items()} | {
    SPLIT: N_("Each has only a part of it, and the rules do not split it further"),
}


def reasons(visit: Visit, one: OrderException) -> list[str]:
    """Each reason with how many locations it keeps from it, the main one first; nothing where none is known."""
    sites, first = cast("Mapping[str, int]", one.data.get("sites", {})), one.data.get("reason")
    ordered = sorted(sites, key=lambda code: (code != first, -sites[code], code))
    return [
        visit.says("%(why)s (%(num)s location)", "%(why)s (%(num)s locations)", sites[code], why=visit.say(_WORDS[code]))
        for code in ordered
        if code in _WORDS
    ]


def main_reason(visit: Visit, one: OrderException) -> str:
    """The first of them; empty where none is known."""
    return next(iter(reasons(visit, one)), "")
