"""What lists have in common: counts in words, options of locations, and every row of a list that has no stream."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit, VariantFilter
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, Location, LocationFilter, LocationId
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Count, Page
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.web import Visit

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

Option = tuple[str, str]
Chips = list[tuple[str, str, str]]

MANY = 200
"""So many rows of an export are made at once."""
MOST_FOUND = 200
"""So many products of a search are looked for in stock and ledger."""


def rows_words(visit: Visit, total: Count) -> str:
    """`1,204 rows`, `about 12,000 rows`."""
    shown = formatting.number(total.rows, visit.page.locale)
    if not total.exact:
        return visit.say(N_("about %(shown)s rows"), shown=shown)
    return visit.says("%(shown)s row", "%(shown)s rows", total.rows, shown=shown)


async def every(page_of: Callable[[str | None], Awaitable[Page[T]]]) -> AsyncIterator[T]:
    """All rows of a list, page by page, for exports."""
    cursor: str | None = None
    while True:
        page = await page_of(cursor)
        for row in page.items:
            yield row
        cursor = page.next
        if cursor is None:
            return


async def by_many(rows: AsyncIterable[T], most: int = MANY) -> AsyncIterator[list[T]]:
    """The same rows, so many at a time: what an export says of them is looked up for all of those at once."""
    batch: list[T] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == most:
            yield batch
            batch = []
    if batch:
        yield batch


def options_of(visit: Visit, words: Mapping[E, str]) -> list[Option]:
    return [(code.value, visit.say(word)) for code, word in words.items()]


def chosen(visit: Visit, name: str, kind: type[E]) -> E | None:
    """The value of an enumeration that the address names, if it is one."""
    text = visit.param(name)
    return kind(text) if text in set(kind) else None


def chips(visit: Visit, known: Iterable[tuple[str, str, Mapping[str, str]]]) -> Chips:
    """The filters that hold, of (label, parameter, words of its values), so that each can be taken away."""
    return [
        (visit.say(label), words.get(visit.param(name), visit.param(name)), name)
        for label, name, words in known
        if visit.param(name)
    ]


@dataclass(frozen=True, slots=True)
class Sites:
    """Every location, for choosing one."""

    rows: tuple[Location, ...]

    @property
    def options(self) -> list[Option]:
        return [(self.text(one.id), label(one)) for one in self.rows]

    @property
    def active(self) -> list[Option]:
        return [(self.text(one.id), label(one)) for one in self.rows if one.active]

    def own(self, visit: Visit) -> list[Option]:
        """Those whose work is this reader's, to choose one in a list or for something that is done there."""
        return [(self.text(one.id), label(one)) for one in self.rows if visit.principal.reaches(one.id)]

    def own_active(self, visit: Visit) -> list[Option]:
        return [(self.text(one.id), label(one)) for one in self.rows if one.active and visit.principal.reaches(one.id)]

    @staticmethod
    def text(location_id: LocationId) -> str:
        return to_text(LOCATION_PREFIX, location_id)

    def __getitem__(self, location_id: LocationId) -> str:
        found = next((one for one in self.rows if one.id == location_id), None)
        return label(found) if found else self.text(location_id)

    def find(self, location_id: LocationId) -> Location:
        found = next((one for one in self.rows if one.id == location_id), None)
        if found is None:
            raise NotFound(kind="location", id=location_id)
        return found


def label(location: Location) -> str:
    return location.name or location.code


async def sites(reader: Reader) -> Sites:
    found = [one async for one in locations.stream(reader, LocationFilter())]
    return Sites(tuple(sorted(found, key=lambda one: (label(one).casefold(), one.code))))


@dataclass(frozen=True, slots=True)
class Goods:
    """What SKUs are called, and whether they are weighed."""

    names: Mapping[str, str]
    weighed: frozenset[str]

    def __getitem__(self, sku: str) -> str:
        return self.names.get(sku) or sku

    def is_known(self, sku: str) -> bool:
        return sku in self.names

    def is_weighed(self, sku: str) -> bool:
        return sku in self.weighed


async def goods(reader: Reader, skus: Iterable[str]) -> Goods:
    wanted = sorted(set(skus))
    found = await catalogue.sellable(reader, wanted) if wanted else {}
    weighed = frozenset(sku for sku, one in found.items() if one.unit == Unit.THOUSANDTH)
    return Goods({sku: one.name for sku, one in found.items()}, weighed)


async def skus_found(reader: Reader, text: str) -> list[str]:
    """The SKUs that a search means: by the beginning of the SKU, words of the name, or a GTIN. At most MOST_FOUND."""
    page = await catalogue.find(reader, VariantFilter(search=text), limit=MOST_FOUND)
    return [row.sku for row in page.items]


async def sku_of(reader: Reader, text: str) -> str | None:
    """What a scanner or a hand has put in, as a SKU: a SKU, a GTIN of one, or an element string with that. None for what the
    catalogue does not know.
    """
    clean = text.strip()
    if clean.isprintable() and clean and clean in await catalogue.known(reader, [clean]):
        return clean
    number = catalogue.read_label(clean).gtin
    return (await catalogue.gtin_owners(reader, [number])).get(number) if number else None


def first_of(texts: Sequence[str]) -> str:
    return texts[0] if texts else ""
