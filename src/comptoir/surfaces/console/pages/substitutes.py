"""What may be taken instead of what, kept by whoever knows the goods."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from comptoir.i18n import N_
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.substitution import api as substitution
from comptoir.modules.substitution.contracts import MOST
from comptoir.runtime.database import Tx
from comptoir.runtime.paging import Page
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.stock import sku_href, tabs
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("stock")

_MOST_ROWS = 5000


@area.get("/substitutes", Permission.CATALOGUE_READ)
async def substitute_list(visit: Visit) -> Answer:
    q = visit.param("q").strip()
    if visit.wants_csv:
        columns = [visit.say(N_("SKU")), visit.say(N_("Product")), visit.say(N_("Instead"))]
        return visit.csv("substitutes", columns, _exported(visit, q))
    async with visit.read() as reader:
        page = await substitution.find(reader, q, limit=PAGE_SIZE, cursor=visit.cursor)
        names = await lists.goods(reader, {sku for row in page.items for sku in (row[0], *row[1])})
    return visit.respond(
        "substitutes/list.html",
        "substitutes/_results.html",
        rows=[{"sku": sku, "others": others} for sku, others in page.items],
        before=page.previous,
        after=page.next,
        names=names,
        href=sku_href,
        tabs=tabs(visit, "substitutes"),
        is_empty=not page.items and not q,
    )


async def _exported(visit: Visit, q: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:

        async def page_of(cursor: str | None) -> Page[tuple[str, tuple[str, ...]]]:
            return await substitution.find(reader, q, limit=200, cursor=cursor)

        async for sku, others in lists.every(page_of):
            yield sku, (await lists.goods(reader, [sku]))[sku], ";".join(others)


@area.get("/substitutes/edit", Permission.CATALOGUE_WRITE)
async def edit_form(visit: Visit) -> Answer:
    return await _form(visit, asking.NOTHING_TYPED)


async def _form(visit: Visit, typed: Typed) -> Answer:
    sku = visit.param("sku")
    async with visit.read() as reader:
        there = await substitution.substitutes(reader, [sku]) if sku else {}
    question = Question(
        title=visit.say(N_("What is taken instead")),
        fields="substitutes/_form.html",
        action="/substitutes/edit",
        back="/substitutes",
        confirm=visit.say(N_("Save")),
        words=visit.say(N_("Only for buyers who agree to it, and never for more than what they ordered costs.")),
        crumbs=[(visit.say(N_("Substitutes")), "/substitutes")],
    )
    return asking.ask(visit, question, typed, {"rows": ";".join([sku, *there.get(sku, ())]) if sku else ""}, most=MOST)


@area.post("/substitutes/edit", Permission.CATALOGUE_WRITE)
async def put(visit: Visit) -> Answer:
    fields = visit.fields()
    rows = _rows(fields)
    async with visit.read() as reader:
        named = {sku for own, others in rows.items() for sku in (own, *others)}
        names = await lists.goods(reader, named)
    unknown = sorted(sku for sku in named if not names.is_known(sku))
    if unknown:
        fields.refuse("rows", N_("The catalogue does not know %(skus)s."), skus=", ".join(unknown[:5]))

    async def work(tx: Tx) -> Done:
        await substitution.put_substitutes(tx, rows)
        await visit.record(tx, "substitutes.changed", next(iter(rows)), {"rows": len(rows)})
        return Done("/substitutes", visit.say(N_("It counts from the next pick on.")))

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, typed))


def _rows(fields: Fields) -> dict[str, list[str]]:
    """A SKU a line, then what is taken instead, the best first; by tabs or semicolons."""
    text = fields.text("rows", required=True, most=500_000, lines=True)
    found: dict[str, list[str]] = {}
    for n, line in enumerate((line for line in text.splitlines() if line.strip()), 1):
        sku, *others = [cell.strip() for cell in line.split("\t" if "\t" in line else ";")]
        named = [one for one in others if one]
        if not sku or sku in named or len(set(named)) < len(named) or len(named) > MOST:
            fields.refuse("rows", N_("Line %(number)s: a SKU, then up to %(most)s others, each once."), number=n, most=MOST)
        found[sku] = named
    if len(found) > _MOST_ROWS:
        fields.refuse("rows", N_("These are too many lines at once: at most %(most)s."), most=_MOST_ROWS)
    return found
