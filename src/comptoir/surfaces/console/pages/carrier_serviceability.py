"""Who goes there: which carriers take a parcel to a postcode, before anything is packed; one asked, or many looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from babel import Locale

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import from_text
from comptoir.kernel.money import MAX_MINOR, Currency
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking.contracts import Account, Counts
from comptoir.runtime.database import Reader
from comptoir.sdk.carriers import CarrierCannot, Rate, ShipmentRejected
from comptoir.sdk.countries import country_code
from comptoir.surfaces import serviceability
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, naming, picks
from comptoir.surfaces.console.pages.amounts import affixes, amount, house_currency
from comptoir.surfaces.console.pages.carrier_many import read_lines
from comptoir.surfaces.console.pages.carrier_words import AGAINST_WORDS, FAULT_WORDS
from comptoir.surfaces.console.pages.parcels_tabs import carrier_tabs
from comptoir.surfaces.console.pages.picks import Option
from comptoir.surfaces.console.web import Answer, Area, Visit
from comptoir.surfaces.own_carriers import TABLES
from comptoir.surfaces.serviceability import MOST_ROWS, NOTHING_OFFERED, Found, Line, Origin, Stand, Told, Wanted, Way, Why

area = Area("parcels")

_HERE = "/carriers/serviceability"
_MOST_WEIGHT = 1_000_000
_MOST_LENGTH = 10_000
_MOST_BYTES = 100_000
_NO_COUNTRIES = frozenset({"XA", "XB"})
"""Accents and writing directions for those who try out programs."""
_STANDS: Mapping[Stand, tuple[str, str, str]] = {
    Stand.SERVES: (N_("Goes there"), "good", "check"),
    Stand.STEERED_AWAY: (N_("Goes there, is not used"), "warn", "adjustments-horizontal"),
    Stand.REFUSES: (N_("Does not go there"), "neutral", "x"),
    Stand.NO_ANSWER: (N_("Did not answer"), "bad", "wifi-off"),
    Stand.NOT_ASKED: (N_("Cannot be asked"), "neutral", "info-circle"),
}
_REASONS: Mapping[str, str] = {
    Why.ORIGIN: N_("it does not collect at this location"),
    Why.COUNTRY: N_("it does not deliver to this country"),
    Why.WEIGHT: N_("the parcel is too heavy for it"),
    Why.DANGEROUS: N_("it takes no dangerous goods"),
    Why.DISTANCE: N_("it is too far for it"),
    NOTHING_OFFERED: N_("it offers nothing for this parcel"),
}
_FAULTS: Mapping[str, str] = {
    "carrier_unavailable": N_("No answer within %(seconds)s seconds, or not just now. Ask again in a minute."),
    "carrier_busy": N_("It wants to be asked less often. Ask again in a minute."),
    "carrier_not_understood": N_("It answered something that nobody understands."),
}


@dataclass(frozen=True, slots=True)
class Row:
    """What an account says, or one of its services, in words."""

    name: str
    account: str
    place: str
    stand: str
    tone: str
    icon: str
    price: str
    arrives: str
    measured: str
    reason: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class ManyRow:
    """Who goes to one postcode, in words."""

    postcode: str
    country: str
    weight: str
    located: bool
    ways: Sequence[tuple[str, str]]
    """(service, what it costs and takes)."""
    others: Sequence[tuple[str, str]]
    """(service, why not)."""


@area.get(_HERE, Permission.ORDERS_READ)
async def serviceability_page(visit: Visit) -> Answer:
    return await _one(visit)


async def _one(visit: Visit) -> Answer:
    """One parcel, asked for in the address: it can be kept, and sent to somebody."""
    asked = not visit.page.query.keys().isdisjoint({"postcode", "weight"})
    fields = Fields({name: [value] for name, value in visit.page.query.items()}, visit.page.locale)
    async with visit.read() as reader:
        sheet = await _sheet(visit, reader)
    wanted = _wanted(fields, sheet) if asked else None
    told: Told | None = None
    if wanted is not None and not fields.errors:
        told = await serviceability.ask(
            visit.database,
            visit.console.services.carriage,
            wanted,
            visit.page.now,
            places=_places(fields.raw("location"), sheet),
            within=visit.principal.locations,
        )
    return _page(visit, sheet, fields.values if asked else {}, fields.errors, told=told)


@area.post(_HERE, Permission.ORDERS_READ)
async def many_postcodes(visit: Visit) -> Answer:
    """Many at once, from the tables alone. Nothing is kept of it."""
    fields = visit.fields()
    text = "\n".join(part for part in (fields.raw("postcodes"), await _uploaded(visit, fields)) if part)
    async with visit.read() as reader:
        sheet = await _sheet(visit, reader)
        common = Wanted(
            country=fields.one_of("many_country", [code for code, _ in sheet.countries]),
            weight=fields.whole("many_weight", least=1, most=_MOST_WEIGHT),
            dangerous=fields.checked("many_dangerous"),
        )
        rows = read_lines(fields, "postcodes", text, common, MOST_ROWS)
        places = _places(fields.raw("many_location"), sheet)
        if fields.errors:
            found = None
        else:
            carriage = visit.console.services.carriage
            found = await serviceability.look_up(
                reader, carriage, rows, visit.page.now, places=places, within=visit.principal.locations
            )
    return _page(visit, sheet, fields.values | {"postcodes": text}, fields.errors, found=found)


async def _uploaded(visit: Visit, fields: Fields) -> str:
    """The text of the file, which is put where one types: it is not lost when something is wrong with it."""
    given = [one for one in visit.files.get("file", ()) if one.filename]
    if not given:
        return ""
    content = await given[0].read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        fields.refuse("file", N_("The file is too large: at most %(most)s postcodes."), most=MOST_ROWS)
        return ""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    return text.replace("\x00", "").strip()


# What can be chosen, and what was


@dataclass(frozen=True, slots=True)
class _Sheet:
    currency: Currency
    countries: Sequence[Option]
    country: str
    places: Sequence[Option]
    channels: Sequence[Option]
    sites: lists.Sites


async def _sheet(visit: Visit, reader: Reader) -> _Sheet:
    sites = await lists.sites(reader)
    own = [one for one in sites.rows if one.active and one.ships and visit.principal.reaches(one.id)]
    seen = [one.country for one in own]
    return _Sheet(
        currency=await house_currency(reader),
        countries=_countries(visit.page.locale),
        country=max(seen, key=seen.count, default=""),
        places=[(sites.text(one.id), lists.label(one)) for one in own],
        channels=(await naming.channels_of(visit, reader)).options,
        sites=sites,
    )


def _countries(locale: str) -> list[Option]:
    territories = cast("Mapping[str, str]", Locale.parse(locale).territories)
    known = (one for one in territories if len(one) == 2 and country_code(one) == one and one not in _NO_COUNTRIES)
    return picks.country_options(known, locale)


def _places(text: str, sheet: _Sheet) -> tuple[LocationId, ...]:
    """Raises NotFound for what is none of those that can be chosen."""
    if not text:
        return ()
    if text not in dict(sheet.places):
        raise NotFound(kind="location", id=text)
    return (LocationId(from_text(LOCATION_PREFIX, text)),)


def _wanted(fields: Fields, sheet: _Sheet) -> Wanted:
    sides = [fields.whole(name, most=_MOST_LENGTH, default=0) for name in ("length", "width", "height")]
    if any(sides) and not all(sides):
        fields.refuse("length", N_("Type all three measures, or none."))
    return Wanted(
        country=fields.one_of("country", [code for code, _ in sheet.countries]),
        postcode=fields.text("postcode", required=True, most=20),
        city=fields.text("city", most=100),
        weight=fields.whole("weight", least=1, most=_MOST_WEIGHT),
        length=sides[0],
        width=sides[1],
        height=sides[2],
        dangerous=fields.checked("dangerous"),
        worth=amount(fields, "worth", sheet.currency, most=MAX_MINOR),
        channel=fields.one_of("channel", [code for code, _ in sheet.channels], default=""),
    )


def _page(
    visit: Visit,
    sheet: _Sheet,
    values: Mapping[str, str],
    errors: Mapping[str, str],
    *,
    told: Told | None = None,
    found: Sequence[Found] | None = None,
) -> Answer:
    proposed = {"country": sheet.country, "many_country": sheet.country, "weight": "1000", "many_weight": "1000"}
    return visit.respond(
        "carriers/serviceability.html",
        status=422 if errors else 200,
        values=proposed | dict(values),
        errors=errors,
        refused=visit.say(N_("Something is not right yet.")) if errors else "",
        countries=sheet.countries,
        places=sheet.places,
        channels=sheet.channels,
        coin=affixes(sheet.currency, visit.page.locale),
        told=told,
        rows=[] if told is None else [_row(visit, told, one) for one in told.lines],
        origins=[] if told is None else [_origin_words(visit, one) for one in told.origins],
        found=None if found is None else [_many_row(visit, one) for one in found],
        patience=serviceability.PATIENCE,
        nowhere=0 if found is None else sum(not one.ways for one in found),
        most=MOST_ROWS,
        own_tabs=carrier_tabs(visit, "serviceability"),
        may_rule=visit.may(Permission.ROUTING_WRITE),
        href=_HERE,
    )


# In words


def _row(visit: Visit, told: Told, one: Line) -> Row:
    stand, tone, icon = _STANDS[one.stand]
    offered, locale = one.offered, visit.page.locale
    origin = next(origin for origin in told.origins if origin.location.id == one.location_id)
    return Row(
        name=_name(one.name, one.carrier, one.service_code) or _account_name(visit, one.account),
        account=_account_name(visit, one.account) if one.carrier else "",
        place=lists.label(origin.location),
        stand=visit.say(stand),
        tone=tone,
        icon=icon,
        price="" if offered is None else formatting.money(offered.rate.cost, None, locale),
        arrives="" if offered is None else _arrives(visit, offered.rate),
        measured="" if offered is None else _measured(visit, offered.counts),
        reason=_reason(visit, one, origin),
        chosen=one.chosen,
    )


def _account_name(visit: Visit, account: Account) -> str:
    """The house's own as the console calls it, unless somebody has named it."""
    return visit.say(N_("Your own tables")) if account.name == TABLES.name else account.name


def _name(name: str, carrier: str, service: str) -> str:
    """Of a service by our own tables the name that we gave it; of others the carrier and its service."""
    if carrier == service:
        return name or service
    return " ".join(part for part in (carrier, service.rpartition("/")[2]) if part)


def _arrives(visit: Visit, rate: Rate) -> str:
    parts: list[str] = []
    if rate.deliver_on is not None:
        parts.append(formatting.day(rate.deliver_on, visit.page.locale, visit.page.zone))
    if rate.days is not None:
        parts.append(visit.says("%(num)s day", "%(num)s days", rate.days))
    return " · ".join(parts)


def _measured(visit: Visit, counts: Counts) -> str:
    if not counts.promised:
        return ""
    share = formatting.percent(counts.on_time / counts.promised, visit.page.locale, 0)
    return visit.say(N_("%(share)s on time of %(count)s"), share=share, count=counts.promised)


def _reason(visit: Visit, one: Line, origin: Origin) -> str:
    if not one.reason:
        return ""
    if one.code in {ShipmentRejected.code, CarrierCannot.code} or one.stand is Stand.NOT_ASKED:
        return f"“{one.reason}”"
    if one.code:
        known = _FAULTS.get(one.code) or FAULT_WORDS.get(one.code)
        return one.reason if known is None else visit.say(known, seconds=serviceability.PATIENCE)
    if one.reason in _REASONS:
        return visit.say(_REASONS[one.reason])
    words = _against(visit, one.reason)
    if one.stand is Stand.STEERED_AWAY and one.reason.startswith("the rule") and origin.rule_no is not None:
        name = f" ({origin.rule_name})" if origin.rule_name else ""
        return visit.say(N_("Rule %(number)s%(name)s: %(reason)s"), number=origin.rule_no, name=name, reason=words)
    return words


def _against(visit: Visit, against: str) -> str:
    return visit.say(AGAINST_WORDS[against]) if against in AGAINST_WORDS else against


def _origin_words(visit: Visit, one: Origin) -> str:
    name = lists.label(one.location)
    if one.kilometres is None:
        return name
    away = visit.say(N_("%(number)s km"), number=formatting.number(round(one.kilometres), visit.page.locale))
    return f"{name} ({away})"


def _many_row(visit: Visit, one: Found) -> ManyRow:
    locale = visit.page.locale
    others = [(way.service.name or way.service.code, _against(visit, way.against)) for way in one.ruled_out]
    others += [(service.name or service.code, visit.say(_REASONS[why])) for service, why in one.not_there]
    return ManyRow(
        postcode=one.wanted.postcode,
        country=picks.country_name(one.wanted.country, locale),
        weight=visit.say(N_("%(number)s g"), number=formatting.number(one.wanted.weight, locale)),
        located=one.located,
        ways=[(way.service.name or way.service.code, _way_words(visit, way)) for way in one.ways],
        others=others,
    )


def _way_words(visit: Visit, way: Way) -> str:
    parts = [formatting.money(way.rate.cost, None, visit.page.locale)]
    if way.rate.days is not None:
        parts.append(visit.says("%(num)s day", "%(num)s days", way.rate.days))
    parts.append(visit.say(N_("from %(place)s"), place=lists.label(way.place)))
    return " · ".join(parts)
