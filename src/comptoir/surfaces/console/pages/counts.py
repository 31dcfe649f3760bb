"""Counting: a form for scanner and keyboard that shows the differences before anything is written, and the counts there were.

The lines travel in the form. Each is written with what the books said when it was scanned, so that what is sold between
the shelf and the office is not undone.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from comptoir.i18n import N_
from comptoir.kernel.errors import Refusal
from comptoir.kernel.ids import to_text
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Counted, CountId, Level, StockCount
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.lists import Goods
from comptoir.surfaces.console.pages.naming import channels_of, people_of, places_of
from comptoir.surfaces.console.pages.stock import plain_quantity, sku_href, tabs
from comptoir.surfaces.console.pages.stock_acts import units
from comptoir.surfaces.console.pages.stock_words import COUNT_PREFIX
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("stock")

MOST_LINES = 500
_WHOLE = re.compile(r"-?\d{1,10}")


def count_href(count_id: CountId) -> str:
    return f"/counts/{to_text(COUNT_PREFIX, count_id)}"


@area.get("/counts", Permission.STOCK_READ)
async def count_list(visit: Visit) -> Answer:
    sort = visit.sort(("at",), "-at")
    wanted = visit.places()
    if visit.wants_csv:
        return visit.csv("counts", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await inventory.find_counts(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        places = await lists.sites(reader)
        people = await people_of(visit, reader, [one.actor for one in page.items], await channels_of(visit, reader))
    return visit.respond(
        "stock/counts.html",
        "stock/_counts.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        sites=places.own(visit),
        places=places,
        people=people,
        chips=lists.chips(visit, [(N_("Location"), "location", dict(places.options))]),
        tabs=tabs(visit, "counts"),
        href=count_href,
        is_empty=not page.items and not visit.param("location"),
    )


_COLUMNS = (N_("Time"), N_("Location"), N_("Who"), N_("SKUs"), N_("Differences"), N_("Note"))


async def _exported(visit: Visit, wanted: Sequence[LocationId], sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        places = await lists.sites(reader)
        channels = await channels_of(visit, reader)

        async def page_of(cursor: str | None) -> Page[StockCount]:
            return await inventory.find_counts(reader, wanted, sort=sort, limit=200, cursor=cursor)

        async for some in lists.by_many(lists.every(page_of)):
            people = await people_of(visit, reader, {one.actor for one in some}, channels)
            for one in some:
                yield one.at, places[one.location_id], people[one.actor], one.skus, one.differences, one.note


@area.get("/counts/{count_id:str}", Permission.STOCK_READ)
async def count_page(visit: Visit) -> Answer:
    count_id = CountId(visit.path_id("count_id", COUNT_PREFIX))
    async with visit.read() as reader:
        found = await inventory.stock_count(reader, count_id)
        names = await lists.goods(reader, [line.sku for line in found.lines])
        if visit.wants_csv:
            header = [visit.say(word) for word in (N_("SKU"), N_("Product"), N_("Expected"), N_("Counted"), N_("Difference"))]
            return visit.csv("count", header, _exported_lines(found, names))
        places = await places_of(reader, [found.location_id])
        people = await people_of(visit, reader, [found.actor], await channels_of(visit, reader))
    rows = sorted(found.lines, key=lambda line: (-abs(line.difference), line.sku))
    return visit.respond(
        "stock/count.html",
        found=found,
        rows=rows,
        names=names,
        place=places[found.location_id],
        who=people[found.actor],
        href=sku_href,
        location=to_text(LOCATION_PREFIX, found.location_id),
    )


async def _exported_lines(found: StockCount, names: Goods) -> AsyncIterator[Sequence[object]]:
    for line in found.lines:
        weighed = names.is_weighed(line.sku)
        figures = (plain_quantity(weighed, n) for n in (line.expected, line.counted, line.difference))
        yield (line.sku, names[line.sku], *figures)


# The form


@dataclass(frozen=True, slots=True)
class Line:
    """What was scanned: so many were found where the books said `expected`."""

    sku: str
    counted: int
    expected: int

    @property
    def difference(self) -> int:
        return self.counted - self.expected


@dataclass(frozen=True, slots=True)
class Sheet:
    """A count that is under way. The line that was scanned last stands first."""

    location_id: LocationId
    lines: tuple[Line, ...] = ()

    def with_line(self, added: Line) -> Sheet:
        return replace(self, lines=(added, *(line for line in self.lines if line.sku != added.sku)))

    def line(self, sku: str) -> Line | None:
        return next((line for line in self.lines if line.sku == sku), None)

    @property
    def differences(self) -> int:
        return sum(1 for line in self.lines if line.difference)


@area.get("/counts/new", Permission.STOCK_COUNT)
async def new_count(visit: Visit) -> Answer:
    location = visit.optional_id("location", LOCATION_PREFIX)
    async with visit.read() as reader:
        places = await lists.sites(reader)
    if location is None:
        return visit.respond("stock/count_where.html", sites=places.own_active(visit))
    place = places.find(LocationId(location))
    return await _show(visit, Sheet(place.id))


def _read(fields: Fields, location_id: LocationId) -> Sheet:
    """The lines that the form carries. A line whose number was cleared is taken away."""
    lines: list[Line] = []
    expected = fields.starting("expected:")
    for sku, text in fields.starting("counted:").items():
        if _WHOLE.fullmatch(text) and _WHOLE.fullmatch(expected.get(sku, "")) and 0 <= int(text) <= MAX_QUANTITY:
            lines.append(Line(sku, int(text), int(expected[sku])))
        elif text:
            fields.refuse(f"counted:{sku}", N_("Type a whole number."))
    return Sheet(location_id, tuple(lines[:MOST_LINES]))


@area.post("/counts/new", Permission.STOCK_COUNT)
async def scan(visit: Visit) -> Answer:
    """Adds a line, or shows what would be written, or writes it, as the button says."""
    fields = visit.fields()
    location_id = LocationId(fields.id("location", LOCATION_PREFIX))
    step = fields.one_of("step", ("add", "review", "back", "confirm"), "add")
    try:
        fields.done()
    except Refusal:
        return visit.redirect("/counts/new")
    sheet = _read(fields, location_id)
    note = fields.text("note", most=500)
    if step == "add" and fields.raw("code"):
        async with visit.read() as reader:
            sheet = await _added(reader, fields, sheet)
    elif step == "confirm" and sheet.lines and not fields.errors:
        return await _write(visit, sheet, note)
    reviewing = step in {"review", "confirm"} and bool(sheet.lines) and not fields.errors
    return await _show(visit, sheet, fields, reviewing=reviewing)


async def _added(reader: Reader, fields: Fields, sheet: Sheet) -> Sheet:
    """A code without a number is one unit more; a number says how many there are."""
    sku = await lists.sku_of(reader, fields.raw("code")[:100])
    if sku is None:
        fields.refuse("code", N_("The catalogue does not know the code %(code)s."), code=fields.raw("code")[:100])
        return sheet
    before = sheet.line(sku)
    if before is None and len(sheet.lines) >= MOST_LINES:
        fields.refuse("code", N_("That is %(most)s lines: confirm this count, then begin another."), most=MOST_LINES)
        return sheet
    weighed = (await lists.goods(reader, [sku])).is_weighed(sku)
    if not fields.raw("number") and weighed:
        fields.refuse("number", N_("Type a quantity such as 1.250."))
        return sheet
    counted = units(fields, "number", weighed=weighed, default=1 + (before.counted if before else 0))
    if fields.errors:
        return sheet
    if before is not None:
        return sheet.with_line(replace(before, counted=counted))
    level = (await inventory.levels_at(reader, [(sku, sheet.location_id)])).get((sku, sheet.location_id), Level())
    return sheet.with_line(Line(sku, counted, level.on_hand))


async def _show(visit: Visit, sheet: Sheet, fields: Fields | None = None, *, reviewing: bool = False) -> Answer:
    async with visit.read() as reader:
        places = await places_of(reader, [sheet.location_id])
        names = await lists.goods(reader, [line.sku for line in sheet.lines])
    errors = fields.errors if fields else {}
    lines = sorted(sheet.lines, key=lambda line: -abs(line.difference)) if reviewing else sheet.lines
    return visit.respond(
        "stock/count_form.html",
        "stock/_count_form.html",
        status=422 if errors else 200,
        sheet=sheet,
        lines=lines,
        names=names,
        place=places[sheet.location_id],
        location=to_text(LOCATION_PREFIX, sheet.location_id),
        reviewing=reviewing,
        errors=errors,
        code=(fields.raw("code") if errors else "") if fields else visit.param("code")[:100],
        number=fields.raw("number") if fields and errors else "",
        note=fields.raw("note") if fields else "",
        most=MOST_LINES,
    )


async def _write(visit: Visit, sheet: Sheet, note: str) -> Answer:
    rows = [Counted(line.sku, line.counted, line.expected) for line in sheet.lines]

    async def work(tx: Tx) -> Done:
        made = await inventory.count(tx, sheet.location_id, rows, note)
        subject = to_text(COUNT_PREFIX, made.id)
        await visit.record(tx, "stock.counted", subject, {"skus": made.skus, "differences": made.differences, "note": note})
        words = visit.says("%(num)s SKU is counted.", "%(num)s SKUs are counted.", made.skus)
        return Done(count_href(made.id), words)

    return await visit.act(work)
