"""Carriers: their services with what they ask by distance, where they go, and in how many days."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal, Stale
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import (
    CARRIER_SERVICE_PREFIX,
    CarrierService,
    CarrierServiceDraft,
    CarrierServiceFilter,
    CarrierServiceId,
    Service,
)
from comptoir.modules.routing import api as routing
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking.contracts import HOUSE
from comptoir.runtime.database import Tx
from comptoir.runtime.paging import Page
from comptoir.surfaces import origins
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.exporting import plain_amount
from comptoir.surfaces.console.pages import carrier_origins, lists, picks
from comptoir.surfaces.console.pages.amounts import affixes, house_currency, plain
from comptoir.surfaces.console.pages.carrier_form import SERVICE_WORDS, Sheet, meant, stepped, typed, written
from comptoir.surfaces.console.pages.days import days_words, week
from comptoir.surfaces.console.pages.parcels_tabs import carrier_tabs
from comptoir.surfaces.console.pages.picks import Option, Pick
from comptoir.surfaces.console.pages.routing_sites import lesson_words
from comptoir.surfaces.console.pages.settings_tabs import tabs
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("settings")


def service_text(service_id: CarrierServiceId) -> str:
    return to_text(CARRIER_SERVICE_PREFIX, service_id)


def service_href(service_id: CarrierServiceId) -> str:
    return f"/carriers/{service_text(service_id)}"


def _id(visit: Visit) -> CarrierServiceId:
    return CarrierServiceId(visit.path_id("service_id", CARRIER_SERVICE_PREFIX))


# The list


@dataclass(frozen=True, slots=True)
class Shown:
    """A service in the list, in words."""

    service: CarrierService
    countries: str
    prices: str
    reach: str
    days: str
    origins: str = ""
    """Where it collects; empty for everywhere."""


@area.get("/carriers", Permission.ROUTING_READ)
async def carrier_list(visit: Visit) -> Answer:
    sort = visit.sort(("code", "name"), "name")
    wanted = CarrierServiceFilter(
        search=visit.param("q"),
        service=lists.chosen(visit, "service", Service),
        active={"yes": True, "no": False}.get(visit.param("active")),
    )
    if visit.wants_csv:
        return visit.csv("carriers", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await carriers.find(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        currency = await house_currency(reader)
        names = await carrier_origins.names_of(reader, page.items)
    services = lists.options_of(visit, SERVICE_WORDS)
    return visit.respond(
        "carriers/list.html",
        "carriers/_results.html",
        rows=[_shown(visit, one, currency, names) for one in page.items],
        before=page.previous,
        after=page.next,
        sort=sort,
        services=services,
        service_words=dict(services),
        chips=lists.chips(
            visit,
            [
                (N_("Delivery"), "service", dict(services)),
                (N_("Active"), "active", {"yes": visit.say(N_("yes")), "no": visit.say(N_("no"))}),
            ],
        ),
        tabs=tabs(visit, "carriers"),
        own_tabs=carrier_tabs(visit, "services"),
        href=service_href,
        is_empty=not page.items and not visit.page.query,
    )


def _shown(visit: Visit, one: CarrierService, currency: Currency, places: Mapping[str, str]) -> Shown:
    locale = visit.page.locale
    names = [picks.country_name(code, locale) for code in one.countries]
    bases = [zone.base for zone in one.zones]
    days = sorted({zone.days for zone in one.zones})
    prices = formatting.money(min(bases), currency, locale)
    if max(bases) > min(bases):
        prices = visit.say(N_("%(least)s to %(most)s"), least=prices, most=formatting.money(max(bases), currency, locale))
    return Shown(
        one,
        picks.listed(names, locale) or visit.say(N_("all countries")),
        prices,
        visit.say(N_("%(number)s km"), number=formatting.number(one.zones[-1].up_to_km, locale)),
        str(days[0]) if len(days) == 1 else f"{days[0]} – {days[-1]}",
        carrier_origins.words(visit, one, places),
    )


_COLUMNS = (
    N_("Code"), N_("Name"), N_("Delivery"), N_("Active"), N_("Countries"), N_("Up to km"), N_("For the parcel"),
    N_("For each kilogram"), N_("Days"), N_("Heaviest box, kg"), N_("Dangerous goods"), N_("g of CO₂ per kg and km"),
    N_("Collects from"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: CarrierServiceFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    """A row for each zone."""
    async with visit.read() as reader:
        currency = await house_currency(reader)

        async def page_of(cursor: str | None) -> Page[CarrierService]:
            return await carriers.find(reader, wanted, sort=sort, limit=200, cursor=cursor)

        places = dict((await lists.sites(reader)).options)
        yes, no, locale = visit.say(N_("yes")), visit.say(N_("no")), visit.page.locale
        async for one in lists.every(page_of):
            for zone in one.zones:
                yield (
                    one.code, one.name, visit.say(SERVICE_WORDS[one.service]), yes if one.active else no,
                    " ".join(one.countries), plain(zone.up_to_km, locale), plain_amount(zone.base, currency, locale),
                    plain_amount(zone.per_kg, currency, locale), zone.days, plain(one.max_weight / 1000, locale),
                    yes if one.dangerous else no, plain(one.carbon, locale), carrier_origins.words(visit, one, places),
                )  # fmt: skip


# One service, as a form


@area.get("/carriers/new", Permission.ROUTING_WRITE)
async def new_service(visit: Visit) -> Answer:
    async with visit.read() as reader:
        currency = await house_currency(reader)
    return await _show(visit, written(CarrierServiceDraft(code=""), None, currency, visit.page.locale))


@area.get("/carriers/{service_id:str}", Permission.ROUTING_READ)
async def service_page(visit: Visit) -> Answer:
    async with visit.read() as reader:
        service = await carriers.get(reader, _id(visit))
        currency = await house_currency(reader)
    return await _show(visit, written(service, service, currency, visit.page.locale))


async def _show(visit: Visit, sheet: Sheet, refused: str = "") -> Answer:
    async with visit.read() as reader:
        currency = await house_currency(reader)
        places = await lists.sites(reader)
        known = await picks.countries_of_the_house(reader, places.rows)
        learned = (await routing.lessons(reader)).carriers.get(sheet.service.code) if sheet.service else None
    service, problems = sheet.service, bool(sheet.errors)
    return visit.respond(
        "carriers/service.html",
        "carriers/_form.html",
        status=422 if problems or refused else 200,
        sheet=sheet,
        rows=list(enumerate(sheet.rows)),
        service=service,
        title=visit.say(N_("New service")) if service is None else service.name,
        href="/carriers/new" if service is None else service_href(service.id),
        version="" if service is None else service.version,
        services=lists.options_of(visit, SERVICE_WORDS),
        countries=_countries(visit, known, sheet),
        origins=carrier_origins.blanks(
            visit, places, known, sheet.origins, sheet.values.get(carrier_origins.OTHERS, ""), sheet.errors
        ),
        days=week(visit, sheet.delivers),
        coin=affixes(currency, visit.page.locale),
        refused=refused or (visit.say(N_("Something is not right yet.")) if problems else ""),
        facts=[] if service is None else _facts(visit, service, currency, dict(places.options)),
        zones=[] if service is None else _zones_words(visit, service, currency),
        learned=lesson_words(visit, learned),
        may_write=visit.may(Permission.ROUTING_WRITE),
    )


def _countries(visit: Visit, known: set[str], sheet: Sheet) -> Pick:
    return Pick(
        "countries",
        visit.say(N_("Countries")),
        visit.say(N_("all countries")),
        picks.country_options([*known, *sheet.countries], visit.page.locale),
        sheet.countries,
        visit.page.locale,
        other=visit.say(N_("Other countries")),
        typed=sheet.values.get("countries_other", ""),
        error=sheet.errors.get("countries", ""),
    )


def _facts(visit: Visit, service: CarrierService, currency: Currency, names: Mapping[str, str]) -> list[Option]:
    """The service in words, for who may not change it."""
    shown, locale = _shown(visit, service, currency, names), visit.page.locale
    heaviest = formatting.number(service.max_weight / 1000, locale)
    return [
        (visit.say(N_("Delivery")), visit.say(SERVICE_WORDS[service.service])),
        (visit.say(N_("Collects from")), shown.origins or visit.say(N_("all locations"))),
        (visit.say(N_("Countries")), shown.countries),
        (visit.say(N_("Delivers on")), days_words(visit, service.delivers)),
        (visit.say(N_("Delivers on public holidays")), visit.say(N_("yes") if service.delivers_on_holidays else N_("no"))),
        (visit.say(N_("Heaviest box")), visit.say(N_("%(number)s kg"), number=heaviest)),
        (visit.say(N_("Dangerous goods")), visit.say(N_("yes") if service.dangerous else N_("no"))),
        (visit.say(N_("CO₂")), visit.say(N_("%(number)s g per kg and km"), number=formatting.number(service.carbon, locale))),
    ]


def _zones_words(visit: Visit, service: CarrierService, currency: Currency) -> list[tuple[str, str, str, str]]:
    """Each zone: from where to where, what is asked, and in how many days."""
    locale = visit.page.locale
    ends = [0.0, *(zone.up_to_km for zone in service.zones)]
    return [
        (
            f"{formatting.number(begin, locale)} – {visit.say(N_('%(number)s km'), number=formatting.number(end, locale))}",
            formatting.money(zone.base, currency, locale),
            formatting.money(zone.per_kg, currency, locale),
            formatting.number(zone.days, locale),
        )
        for (begin, end), zone in zip(pairwise(ends), service.zones, strict=True)
    ]


# Saving


@area.post("/carriers/new", Permission.ROUTING_WRITE)
async def create_service(visit: Visit) -> Answer:
    return await _save(visit, None)


@area.post("/carriers/{service_id:str}", Permission.ROUTING_WRITE)
async def save_service(visit: Visit) -> Answer:
    async with visit.read() as reader:
        service = await carriers.get(reader, _id(visit))
    return await _save(visit, service)


async def _save(visit: Visit, service: CarrierService | None) -> Answer:
    """Adds a zone to the form, takes one away, or keeps the service, as the button says."""
    fields = visit.fields()
    step = fields.raw("step") or "keep"
    if step != "keep":
        return await _show(visit, stepped(typed(fields, service), step))
    async with visit.read() as reader:
        currency = await house_currency(reader)
    draft, version = meant(fields, currency), fields.whole("version", default=0)
    if fields.errors:
        return await _show(visit, typed(fields, service))

    async def work(tx: Tx) -> Done:
        await origins.require(tx, draft.origins)
        if service is None:
            kept = await carriers.create(tx, draft)
            await visit.console.services.carriage.ensure(tx, HOUSE)
        else:
            kept = await carriers.update(tx, service.id, draft, version=version)
        action = "carrier_service.created" if service is None else "carrier_service.changed"
        await visit.record(tx, action, service_text(kept.id), {"code": kept.code, "name": kept.name, "version": kept.version})
        return Done("/carriers", visit.say(N_("%(name)s is saved. Routing reckons with it from now on."), name=kept.name))

    try:
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _refused(visit, typed(fields, service), refusal, currency)


async def _refused(visit: Visit, sheet: Sheet, refusal: Refusal, currency: Currency) -> Answer:
    """The form with what was typed. Who was slower is told what holds now."""
    if refusal.code == "invalid" and any(
        one["path"].startswith("origins.locations") for one in cast("Sequence[Mapping[str, str]]", refusal.data["errors"])
    ):
        gone = visit.say(N_("One of these locations is not there any more."))
        return await _show(visit, replace(sheet, errors={carrier_origins.LOCATIONS: gone}))
    if sheet.service is None or not isinstance(refusal, Stale):
        return await _show(visit, sheet, visit.refusal(refusal))
    async with visit.read() as reader:
        now = await carriers.get(reader, sheet.service.id)
    zones = "; ".join(f"{where}: {base} + {kg}" for where, base, kg, _ in _zones_words(visit, now, currency)[:5])
    said = visit.say(N_("Someone else has changed this since you opened it. What holds now: %(words)s."), words=zones)
    return await _show(visit, replace(sheet, service=now), f"{said} {visit.say(N_('Send yours again to have them.'))}")
