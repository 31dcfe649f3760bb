"""The stock ledger: every change, with who made it and why."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind, LedgerEntry, LedgerFilter
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import lists, stock_words
from comptoir.surfaces.console.pages.lists import Goods, Sites
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.stock import sku_href, tabs
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Visit

area = Area("stock")


@dataclass(frozen=True, slots=True)
class Told:
    """An entry in words."""

    entry: LedgerEntry
    kind: str
    icon: str
    name: str
    weighed: bool
    place: str
    cause: stock_words.Cause
    reason: str
    changes: list[tuple[str, int]]


def told(visit: Visit, entries: Iterable[LedgerEntry], names: Goods, places: Sites) -> list[Told]:
    by_id = {one.id: lists.label(one) for one in places.rows}
    rows: list[Told] = []
    for entry in entries:
        why = stock_words.cause(visit, entry)
        reason = stock_words.reason(visit, entry.reason)
        rows.append(
            Told(
                entry,
                visit.say(stock_words.KIND_WORDS[entry.kind]),
                stock_words.KIND_ICONS[entry.kind],
                names[entry.sku],
                names.is_weighed(entry.sku),
                by_id.get(entry.location_id, Sites.text(entry.location_id)),
                why,
                reason if reason != why.words else "",
                stock_words.changes(visit, entry.change),
            )
        )
    return rows


async def _wanted(visit: Visit, reader: Reader) -> LedgerFilter:
    q = visit.param("q").strip()
    kind = lists.chosen(visit, "kind", EntryKind)
    return LedgerFilter(
        skus=(q, *await lists.skus_found(reader, q)) if q else None,
        location_ids=visit.places() or None,
        kinds=None if kind is None else (kind,),
        since=visit.day("on_from"),
        until=visit.day("on_to", end=True),
    )


@area.get("/stock-ledger", Permission.STOCK_READ)
async def ledger(visit: Visit) -> Answer:
    sort = visit.param("sort") if visit.param("sort") in {"newest", "oldest"} else "newest"
    async with visit.read() as reader:
        wanted = await _wanted(visit, reader)
        places = await lists.sites(reader)
        if visit.wants_csv:
            header = [visit.say(word) for word in _LEDGER]
            return visit.csv("stock-ledger", header, _exported_ledger(visit, wanted, sort, places))
        page = await inventory.ledger(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        names = await lists.goods(reader, [entry.sku for entry in page.items])
        people = await people_of(visit, reader, [entry.actor for entry in page.items], await channels_of(visit, reader))
    kinds = lists.options_of(visit, stock_words.KIND_WORDS)
    return visit.respond(
        "stock/ledger.html",
        "stock/_ledger.html",
        rows=told(visit, page.items, names, places),
        before=page.previous,
        after=page.next,
        sort=sort,
        people=people,
        sites=places.own(visit),
        kinds=kinds,
        chips=lists.chips(
            visit,
            [
                (N_("Location"), "location", dict(places.options)),
                (N_("Kind"), "kind", dict(kinds)),
                (N_("From"), "on_from", {}),
                (N_("To"), "on_to", {}),
            ],
        ),
        tabs=tabs(visit, "ledger"),
        href=sku_href,
        is_empty=not page.items and not visit.page.query,
    )


_LEDGER = (
    N_("Time"), N_("Kind"), N_("SKU"), N_("Location"), N_("On hand"), N_("Reserved"), N_("Safety stock"), N_("Damaged"),
    N_("Quality hold"), N_("Incoming"), N_("Cause"), N_("Reason"), N_("Note"), N_("Who"),
)  # fmt: skip


async def _exported_ledger(visit: Visit, wanted: LedgerFilter, sort: str, places: Sites) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        tags = await channels_of(visit, reader)
        by_id = {one.id: lists.label(one) for one in places.rows}
        async for entry in inventory.stream_ledger(reader, wanted, sort=sort):
            yield (
                entry.at,
                visit.say(stock_words.KIND_WORDS[entry.kind]),
                entry.sku,
                by_id.get(entry.location_id, ""),
                *entry.change,
                stock_words.cause(visit, entry).words,
                stock_words.reason(visit, entry.reason),
                entry.note or "",
                tags[entry.actor.partition(":")[2]].name if entry.actor.startswith("channel:") else entry.actor,
            )
