"""The articles that a return policy is for: typed or pasted as a list, or found and ticked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import VariantFilter
from comptoir.modules.changes.contracts import MOST_SKUS
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import picks
from comptoir.surfaces.console.pages.condition_blanks import is_sku, sku_lines
from comptoir.surfaces.console.pages.lists import Goods

SKUS = "skus"
FIND = "find_sku"
TICKED = "found_sku"
STEP = "find"
"""The button that searches without a script."""
_SHOWN = 20
_NAMED = 9


@dataclass(frozen=True, slots=True)
class FoundGoods:
    """What a search for articles has found: SKUs, each with its words."""

    typed: str = ""
    rows: Sequence[tuple[str, str]] = ()
    more: bool = False
    """More fit than are shown."""


def named(fields: Fields) -> list[str]:
    """Every SKU that stands in the list or is ticked, each once."""
    return list(dict.fromkeys([*sku_lines(fields.raw(SKUS)), *[one for one in fields.all(TICKED) if is_sku(one)]]))


async def read_skus(reader: Reader, fields: Fields, kept: Collection[str]) -> tuple[str, ...]:
    """The SKUs that the form names; those that the catalogue does not have are refused by name, but for those that the policy
    has `kept`.
    """
    found = named(fields)
    if len(found) > MOST_SKUS:
        fields.refuse(SKUS, N_("These are %(count)s SKUs: a policy names %(most)s at most."), count=len(found), most=MOST_SKUS)
        return ()
    possible = [one for one in found if is_sku(one)]
    known = {*(await catalogue.known(reader, possible) if possible else ()), *kept}
    unknown = [one[:80] for one in found if one not in known]
    if unknown:
        names = picks.listed(unknown, fields.locale, _NAMED)
        fields.refuse(SKUS, N_("The catalogue does not know %(skus)s. Correct it in the list, or take it out."), skus=names)
    return tuple(found)


async def found_goods(reader: Reader, text: str) -> FoundGoods:
    """What fits the words."""
    text = text.strip()[:100]
    if not text:
        return FoundGoods()
    page = await catalogue.find(reader, VariantFilter(search=text), limit=_SHOWN)
    return FoundGoods(text, [(row.sku, words(row.sku, row.name)) for row in page.items], page.next is not None)


def words(sku: str, name: str) -> str:
    """As an article is named among others: several have the same name."""
    return sku if name in {"", sku} else f"{name} ({sku})"


def in_words(skus: Sequence[str], goods: Goods, locale: str) -> str:
    """The first of them by name, and how many more."""
    return picks.listed([words(sku, goods[sku]) for sku in skus], locale)
