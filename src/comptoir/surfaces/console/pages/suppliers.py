"""Suppliers: how each is asked, and what things cost there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency, exponent
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.purchasing.contracts import Article, PurchaseFilter, Terms
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.stock import tabs
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("stock")

_MOST_ROWS = 5000


def _href(location_id: LocationId) -> str:
    return f"/purchases/suppliers/{to_text(LOCATION_PREFIX, location_id)}"


def _id(visit: Visit) -> LocationId:
    return LocationId(visit.path_id("location_id", LOCATION_PREFIX))


@area.get("/purchases/suppliers", Permission.ORDERS_READ)
async def supplier_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        found = sorted((await purchasing.suppliers(reader)).values(), key=lambda one: lists.label(one).casefold())
        terms = {one.id: one for one in found}
        known = await purchasing.all_terms(reader, list(terms))
    return visit.respond(
        "purchases/suppliers.html",
        rows=found,
        terms=known,
        label=lists.label,
        href=_href,
        tabs=tabs(visit, "purchases"),
    )


@area.get("/purchases/suppliers/{location_id:str}", Permission.ORDERS_READ)
async def supplier_page(visit: Visit) -> Answer:
    location_id = _id(visit)
    async with visit.read() as reader:
        place = await purchasing.supplier(reader, location_id)
        terms = await purchasing.terms_of(reader, location_id)
        page = await purchasing.articles(reader, location_id, limit=PAGE_SIZE, cursor=visit.cursor)
        names = await lists.goods(reader, [one.sku for one in page.items])
        asked = await purchasing.count(reader, PurchaseFilter(locations=(location_id,), states=purchasing.LIVE))
    return visit.respond(
        "purchases/supplier.html",
        "purchases/_articles.html",
        place=place,
        label=lists.label(place),
        terms=terms,
        rows=page.items,
        before=page.previous,
        after=page.next,
        names=names,
        asked=asked,
        href=_href(location_id),
        locale_words={"fr": "Français", "en": "English"},
    )


# How they are asked


@area.get("/purchases/suppliers/{location_id:str}/terms", Permission.LOCATIONS_WRITE)
async def terms_form(visit: Visit) -> Answer:
    return await _terms(visit, asking.NOTHING_TYPED)


async def _terms(visit: Visit, typed: Typed) -> Answer:
    location_id = _id(visit)
    async with visit.read() as reader:
        place = await purchasing.supplier(reader, location_id)
        terms = await purchasing.terms_of(reader, location_id)
    question = Question(
        title=visit.say(N_("How %(name)s is asked"), name=lists.label(place)),
        fields="purchases/acts/terms.html",
        action=f"{_href(location_id)}/terms",
        back=_href(location_id),
        confirm=visit.say(N_("Save")),
        crumbs=[(visit.say(N_("Suppliers")), "/purchases/suppliers"), (lists.label(place), _href(location_id))],
    )
    values = {
        "email": terms.email,
        "locale": terms.locale,
        "currency": terms.currency,
        "answer_within": terms.answer_within,
        "remind_after": terms.remind_after,
    }
    return asking.ask(visit, question, typed, values, locales=[("fr", "Français"), ("en", "English")])


@area.post("/purchases/suppliers/{location_id:str}/terms", Permission.LOCATIONS_WRITE)
async def put_terms(visit: Visit) -> Answer:
    location_id, fields = _id(visit), visit.fields()
    terms = Terms(
        location_id=location_id,
        email=fields.text("email", most=254),
        locale=fields.one_of("locale", ("fr", "en"), "fr"),
        currency=fields.text("currency", required=True, most=3).upper(),
        answer_within=fields.whole("answer_within", least=1, most=2160),
        remind_after=fields.whole("remind_after", most=2160, default=0),
    )

    async def work(tx: Tx) -> Done:
        await purchasing.put_terms(tx, terms)
        data = {"answer_within": terms.answer_within, "remind_after": terms.remind_after}
        await visit.record(tx, "supplier.terms_changed", to_text(LOCATION_PREFIX, location_id), data)
        return Done(_href(location_id), visit.say(N_("The supplier is asked like this from now on.")))

    return await asking.answer(visit, fields, work, lambda typed: _terms(visit, typed))


# What things cost


@area.get("/purchases/suppliers/{location_id:str}/costs", Permission.CATALOGUE_WRITE)
async def costs_form(visit: Visit) -> Answer:
    return await _costs(visit, asking.NOTHING_TYPED)


async def _costs(visit: Visit, typed: Typed) -> Answer:
    location_id = _id(visit)
    async with visit.read() as reader:
        place = await purchasing.supplier(reader, location_id)
        terms = await purchasing.terms_of(reader, location_id)
    question = Question(
        title=visit.say(N_("Costs at %(name)s"), name=lists.label(place)),
        fields="purchases/acts/costs.html",
        action=f"{_href(location_id)}/costs",
        back=_href(location_id),
        confirm=visit.say(N_("Save")),
        words=visit.say(N_("Purchase orders that were made keep their costs.")),
        crumbs=[(visit.say(N_("Suppliers")), "/purchases/suppliers"), (lists.label(place), _href(location_id))],
    )
    return asking.ask(visit, question, typed, {"rows": ""}, currency=terms.currency)


@area.post("/purchases/suppliers/{location_id:str}/costs", Permission.CATALOGUE_WRITE)
async def put_costs(visit: Visit) -> Answer:
    location_id, fields = _id(visit), visit.fields()
    async with visit.read() as reader:
        terms = await purchasing.terms_of(reader, location_id)
        rows = _articles(fields, terms)
        names = await lists.goods(reader, [row.sku for row in rows])
    unknown = [row.sku for row in rows if not names.is_known(row.sku)]
    if unknown:
        fields.refuse("rows", N_("The catalogue does not know %(skus)s."), skus=", ".join(unknown[:5]))

    async def work(tx: Tx) -> Done:
        count = await purchasing.put_articles(tx, location_id, rows)
        await visit.record(tx, "supplier.costs_changed", to_text(LOCATION_PREFIX, location_id), {"rows": count})
        return Done(_href(location_id), visit.says("%(num)s cost is kept.", "%(num)s costs are kept.", count))

    return await asking.answer(visit, fields, work, lambda typed: _costs(visit, typed))


def _articles(fields: Fields, terms: Terms) -> Sequence[Article]:
    """One a line, as a spreadsheet copies them: SKU, the supplier's number, the cost; by tabs or semicolons."""
    text = fields.text("rows", required=True, most=500_000, lines=True)
    found: dict[str, Article] = {}
    for n, line in enumerate((line for line in text.splitlines() if line.strip()), 1):
        cells = [cell.strip() for cell in line.split("\t" if "\t" in line else ";")]
        sku, number, cost = [*cells, "", ""][:3]
        article = Article(sku=sku, supplier_sku=number)
        if cost:
            minor = _minor(cost, Currency(terms.currency))
            if minor is None:
                fields.refuse("rows", N_("Line %(number)s: %(cell)s is no amount."), number=n, cell=cost[:40])
            article = replace(article, cost=minor)
        if not sku:
            fields.refuse("rows", N_("Line %(number)s has no SKU."), number=n)
        found[sku] = article
    if len(found) > _MOST_ROWS:
        fields.refuse("rows", N_("These are too many lines at once: at most %(most)s."), most=_MOST_ROWS)
    return list(found.values())


def _minor(text: str, currency: Currency) -> int | None:
    try:
        amount = Decimal(text.replace(",", ".").replace("\u202f", "").replace(" ", "")).scaleb(exponent(currency))
    except InvalidOperation:
        return None
    return int(amount) if amount.is_finite() and amount == amount.to_integral_value() and 0 <= amount < 10**12 else None
