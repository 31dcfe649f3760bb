"""Locations: the list and the map of them, each with its address, hours and what it can do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from datetime import date
from functools import lru_cache
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import get_day_names

from comptoir.i18n import N_
from comptoir.kernel.errors import Stale
from comptoir.kernel.time import time_zone
from comptoir.modules.channels.contracts import Channel
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import LevelFilter, LevelState
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import (
    LOCATION_PREFIX,
    POOL_PREFIX,
    Closures,
    Interval,
    Location,
    LocationDraft,
    LocationFilter,
    LocationId,
    LocationKind,
    OpeningHours,
    PoolId,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, closing, lists, routing_sites
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.lists import Sites
from comptoir.surfaces.console.pages.settings_tabs import tabs
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("settings")

KIND_WORDS = {
    LocationKind.STORE: N_("Store"),
    LocationKind.WAREHOUSE: N_("Warehouse"),
    LocationKind.SUPPLIER: N_("Supplier"),
    LocationKind.TRANSIT: N_("In transit"),
}
KIND_ICONS = {
    LocationKind.STORE: "building-store",
    LocationKind.WAREHOUSE: "building-warehouse",
    LocationKind.SUPPLIER: "building-factory-2",
    LocationKind.TRANSIT: "truck",
}
_SPAN = re.compile(r"(\d{1,2}:\d{2})\s*[-–]\s*(\d{1,2}:\d{2})")
_US = (-125.0, 24.0, -66.0, 50.0)
_EUROPE = (-11.0, 35.0, 32.0, 66.0)


def location_href(location_id: LocationId) -> str:
    return f"/locations/{Sites.text(location_id)}"


# The list and the map


@area.get("/locations", Permission.LOCATIONS_READ)
async def location_list(visit: Visit) -> Answer:
    sort = visit.sort(("code", "name", "city", "kind"), "name")
    pool = visit.optional_id("pool", POOL_PREFIX)
    wanted = LocationFilter(
        search=visit.param("q"),
        kind=lists.chosen(visit, "kind", LocationKind),
        active={"yes": True, "no": False}.get(visit.param("active")),
        ships=True if visit.param("can") == "ships" else None,
        pickup=True if visit.param("can") == "pickup" else None,
        pool=PoolId(pool) if pool else None,
    )
    if visit.wants_csv:
        return visit.csv("locations", _CSV, _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await locations.find(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        total = await locations.count(reader, wanted)
        everywhere = await lists.sites(reader) if not visit.is_fragment else Sites(())
    kinds, can = lists.options_of(visit, KIND_WORDS), _can(visit)
    return visit.respond(
        "locations/list.html",
        "locations/_results.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        words=lists.rows_words(visit, total),
        sort=sort,
        kinds=kinds,
        kind_words=dict(kinds),
        kind_icons=KIND_ICONS,
        can=can,
        spec=map_of(visit, everywhere.rows),
        chips=lists.chips(
            visit,
            [
                (N_("Kind"), "kind", dict(kinds)),
                (N_("Can"), "can", dict(can)),
                (N_("Active"), "active", {"yes": visit.say(N_("yes")), "no": visit.say(N_("no"))}),
                (N_("Stock pool"), "pool", {}),
            ],
        ),
        tabs=tabs(visit, "locations"),
        href=location_href,
        is_empty=not page.items and not visit.page.query,
    )


def _can(visit: Visit) -> list[tuple[str, str]]:
    return [("ships", visit.say(N_("Ships parcels"))), ("pickup", visit.say(N_("Hands out orders")))]


def map_of(
    visit: Visit, rows: Iterable[Location], sized: Callable[[Location], tuple[float, str]] | None = None
) -> dict[str, object] | None:
    """The locations on the map that holds them all, `sized` with a value and words; None where none has coordinates."""

    def usual(one: Location) -> tuple[float, str]:
        words = ", ".join(filter(None, (visit.say(KIND_WORDS[one.kind]), one.city)))
        return 2 if one.kind is LocationKind.WAREHOUSE else 1, words

    drawn = sized or usual
    placed = [(one, one.longitude, one.latitude) for one in rows if one.longitude is not None and one.latitude is not None]
    if not placed:
        return None
    points = [(longitude, latitude) for _, longitude, latitude in placed]
    return {
        "map": "us" if _within(points, _US) else "europe" if _within(points, _EUROPE) else "world",
        "points": [
            {
                "name": lists.label(one),
                "lon": longitude,
                "lat": latitude,
                "value": drawn(one)[0],
                "tone": "" if one.active else "warn",
                "href": location_href(one.id),
                "words": drawn(one)[1],
            }
            for one, longitude, latitude in placed
        ],
    }


def _within(points: Iterable[tuple[float, float]], box: tuple[float, float, float, float]) -> bool:
    west, south, east, north = box
    return all(west <= longitude <= east and south <= latitude <= north for longitude, latitude in points)


_CSV = (
    "code", "name", "kind", "active", "line1", "line2", "postcode", "city", "region", "country", "latitude", "longitude",
    "contact", "phone", "email", "time_zone", "opening_hours", "ships", "pickup", "returns", "daily_capacity",
    "closed_on", "public_holidays", "open_on",
)  # fmt: skip
"""As the import of locations reads them, so that a list can be taken out, corrected and brought back."""

_OSM_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")


def hours_text(hours: OpeningHours) -> str:
    """`Mo 09:00-19:00; …`, as `imports.hours` reads it."""
    if not hours.stated:
        return ""
    days = (f"{day} {_intervals(spans) or 'off'}" for day, spans in zip(_OSM_DAYS, hours.days, strict=True))
    return "; ".join(days)


def closed_text(closures: Closures) -> str:
    """`2027-01-04..2027-01-05 Stocktaking; …`, as `imports.hours` reads it; `no` where there are none."""
    return "; ".join(f"{one.first}..{one.last} {one.reason}".strip() for one in closures.days) or "no"


def _intervals(spans: Iterable[Interval]) -> str:
    return ",".join(f"{_clock(span.opens)}-{_clock(span.closes)}" for span in spans)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


async def _exported(visit: Visit, wanted: LocationFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        async for one in locations.stream(reader, wanted, sort=sort):
            yield (
                one.code, one.name, one.kind.value, _yes(one.active), one.line1, one.line2, one.postcode, one.city, one.region,
                one.country, one.latitude, one.longitude, one.contact, one.phone, one.email, one.time_zone,
                hours_text(one.opening_hours), _yes(one.ships), _yes(one.pickup), _yes(one.returns), one.daily_capacity,
                closed_text(one.opening_hours.closures), one.opening_hours.closures.public_holidays or "no",
                ", ".join(one.opening_hours.closures.open_on),
            )  # fmt: skip


def _yes(value: bool) -> str:
    return "yes" if value else "no"


# One location


def _id(visit: Visit) -> LocationId:
    return LocationId(visit.path_id("location_id", LOCATION_PREFIX))


def days_of(visit: Visit) -> list[str]:
    names = get_day_names("wide", locale=visit.page.locale)
    return [names[day].capitalize() for day in range(7)]


@area.get("/locations/{location_id:str}", Permission.LOCATIONS_READ)
async def location_page(visit: Visit) -> Answer:
    location_id = _id(visit)
    async with visit.read() as reader:
        one = await locations.get(reader, location_id)
        here = LevelFilter(location_ids=(location_id,))
        levels = await inventory.count_levels(reader, here)
        out = await inventory.count_levels(reader, replace(here, state=LevelState.OUT))
        short = await inventory.count_levels(reader, replace(here, state=LevelState.OVERSOLD))
        fed = await _channels_from(visit, reader, location_id)
        sends = await routing_sites.sending(visit, reader, one)
    opens_next = None if locations.is_open(one, visit.page.now) else locations.next_opening(one, visit.page.now)
    return visit.respond(
        "locations/detail.html",
        one=one,
        name=lists.label(one),
        text=Sites.text(location_id),
        href=location_href(location_id),
        kind=visit.say(KIND_WORDS[one.kind]),
        kind_icon=KIND_ICONS[one.kind],
        address=", ".join(
            filter(None, (one.line1, one.line2, " ".join(filter(None, (one.postcode, one.city, one.region))), one.country))
        ),
        hours=[
            (day, _intervals(spans).replace("-", " – ").replace(",", ", ") or visit.say(N_("closed")))
            for day, spans in zip(days_of(visit), one.opening_hours.days, strict=False)
        ],
        is_open=locations.is_open(one, visit.page.now),
        opens_next=opens_next,
        levels=levels,
        out=out,
        short=short,
        fed=fed,
        sending=sends,
        closures=closing.told(visit, one.opening_hours.closures, _today(visit, one.time_zone)),
        spec=map_of(visit, [one]),
    )


def _today(visit: Visit, zone: str) -> date:
    return visit.page.now.astimezone(ZoneInfo(zone)).date()


async def _channels_from(visit: Visit, reader: Reader, location_id: LocationId) -> list[Channel]:
    """The channels whose pools it is in."""
    if not visit.may(Permission.CHANNELS_READ):
        return []
    found = await visit.console.channels(reader)
    fed: list[Channel] = []
    for pool_id in sorted({channel.pool_id for channel in found}):
        pool = await locations.pool(reader, pool_id)
        if any(member.id == location_id for member in pool.members):
            fed += [channel for channel in found if channel.pool_id == pool_id]
    return fed


# The form


@lru_cache(maxsize=1)
def zones() -> list[tuple[str, str]]:
    names = (name for name in available_timezones() if name == "UTC" or ("/" in name and not name.startswith("Etc/")))
    return [(name, name.replace("_", " ")) for name in sorted(names)]


@area.get("/locations/new", Permission.LOCATIONS_WRITE)
async def new_location(visit: Visit) -> Answer:
    return await _form(visit, None, asking.NOTHING_TYPED)


@area.get("/locations/{location_id:str}/edit", Permission.LOCATIONS_WRITE)
async def edit_location(visit: Visit) -> Answer:
    async with visit.read() as reader:
        one = await locations.get(reader, _id(visit))
    return await _form(visit, one, asking.NOTHING_TYPED)


def _proposed(visit: Visit, one: Location | None) -> dict[str, object]:
    if one is None:
        assert visit.signed is not None
        zone = visit.signed.user.time_zone
        return {"time_zone": zone, "kind": LocationKind.STORE.value, "ships": "yes", "returns": "yes", "active": "yes"}
    values: dict[str, object] = {
        item.name: getattr(one, item.name) for item in dataclass_fields(LocationDraft) if item.name != "opening_hours"
    }
    values = {name: "" if value is None else value for name, value in values.items()}
    values |= {f"day:{n}": _intervals(spans) for n, spans in enumerate(one.opening_hours.days)}
    return values | closing.proposed(one.opening_hours.closures) | {"kind": one.kind.value, "version": one.version}


async def _form(visit: Visit, one: Location | None, typed: Typed) -> Answer:
    here = "/locations" if one is None else location_href(one.id)
    question = Question(
        title=visit.say(N_("New location")) if one is None else lists.label(one),
        fields="locations/_fields.html",
        action="/locations/new" if one is None else f"{here}/edit",
        back=here,
        confirm=visit.say(N_("Create")) if one is None else visit.say(N_("Save")),
        crumbs=[(visit.say(N_("Locations")), "/locations")] + ([] if one is None else [(lists.label(one), here)]),
    )
    # A box that is not ticked is not sent: what was typed without it was meant without it.
    proposed = _proposed(visit, one)
    if typed.refused:
        boxes = ("ships", "pickup", "returns", "active", *closing.BOXES)
        proposed = {name: value for name, value in proposed.items() if not name.startswith(boxes)}
    values = dict(proposed) | dict(typed.values)
    zone = visit.signed.user.time_zone if one is None and visit.signed else "UTC" if one is None else one.time_zone
    known = Closures() if one is None else one.opening_hours.closures
    country = str(values.get("country", "")).strip().upper()
    return asking.ask(
        visit,
        question,
        replace(typed, values=dict(typed.values) | ({"version": str(one.version)} if one else {})) if typed.refused else typed,
        proposed,
        kinds=lists.options_of(visit, KIND_WORDS),
        zones=zones(),
        days=list(enumerate(days_of(visit))),
        closed_rows=closing.rows(values),
        holiday_boxes=closing.boxes(visit, known, country, _today(visit, zone)),
    )


def _draft(fields: Fields, before: Closures, today: date) -> LocationDraft:
    country = fields.parsed("country", _country, "", N_("Two letters, such as FR."))
    return LocationDraft(
        code=fields.text("code", required=True, most=64),
        name=fields.text("name", required=True),
        kind=fields.choice("kind", LocationKind),
        country=country,
        time_zone=fields.parsed("time_zone", lambda text: time_zone(text).key, "UTC", N_("Choose one.")),
        active=fields.checked("active"),
        line1=fields.text("line1"),
        line2=fields.text("line2"),
        postcode=fields.text("postcode", most=40),
        city=fields.text("city"),
        region=fields.text("region"),
        latitude=_degrees(fields, "latitude", 90),
        longitude=_degrees(fields, "longitude", 180),
        contact=fields.text("contact"),
        phone=fields.text("phone", most=40),
        email=fields.text("email"),
        opening_hours=OpeningHours(_hours(fields).days, closing.meant(fields, before, country, today)),
        ships=fields.checked("ships"),
        pickup=fields.checked("pickup"),
        returns=fields.checked("returns"),
        third_party=fields.checked("third_party"),
        daily_capacity=fields.whole("daily_capacity", least=0) if fields.raw("daily_capacity") else None,
    )


def _country(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}", text):
        raise ValueError(text)
    return text.upper()


def _degrees(fields: Fields, name: str, most: float) -> float | None:
    text = fields.raw(name).replace(",", ".").replace("\N{MINUS SIGN}", "-")
    if not text:
        return None
    if not re.fullmatch(r"-?\d{1,3}(\.\d{1,12})?", text) or abs(float(text)) > most:
        fields.refuse(name, N_("Type degrees such as 48.8566."))
        return None
    return float(text)


def _hours(fields: Fields) -> OpeningHours:
    """Seven fields such as `09:00-12:30, 14:00-19:00`. All empty is not stated, an empty one beside others is closed."""
    texts = [fields.raw(f"day:{n}") for n in range(7)]
    if not any(texts):
        return OpeningHours()
    days: list[list[list[str]]] = []
    for n, text in enumerate(texts):
        spans = [_SPAN.fullmatch(part.strip()) for part in text.split(",") if part.strip()]
        if not all(spans):
            fields.refuse(f"day:{n}", N_("Type times such as 09:00-12:30, 14:00-19:00."))
        days.append([[span[1], span[2]] for span in spans if span])
    try:
        return locations.hours_from_json(days)
    except ValueError:
        fields.refuse("day:0", N_("Type times such as 09:00-12:30, 14:00-19:00."))
        return OpeningHours()


@area.post("/locations/new", Permission.LOCATIONS_WRITE)
async def create_location(visit: Visit) -> Answer:
    fields = visit.fields()
    draft = _draft(fields, Closures(), visit.page.now.date())

    async def work(tx: Tx) -> Done:
        made = await locations.create(tx, draft)
        await visit.record(tx, "location.created", Sites.text(made.id), {"code": made.code, "name": made.name})
        return Done(location_href(made.id), visit.say(N_("The location is created. Put it into a stock pool to sell from it.")))

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, None, typed))


@area.post("/locations/{location_id:str}/edit", Permission.LOCATIONS_WRITE)
async def save_location(visit: Visit) -> Answer:
    fields, location_id = visit.fields(), _id(visit)
    async with visit.read() as reader:
        one = await locations.get(reader, location_id)
    draft = _draft(fields, one.opening_hours.closures, _today(visit, one.time_zone))
    version = fields.whole("version", least=0, default=0)

    async def work(tx: Tx) -> Done:
        saved = await locations.update(tx, location_id, draft, version=version)
        changes = {name: value for name, value in _differences(one, saved).items() if name != "opening_hours"}
        before, after = (closing.written(hours.closures) for hours in (one.opening_hours, saved.opening_hours))
        changes |= {"closures": {"from": before, "to": after}} if before != after else {}
        await visit.record(tx, "location.changed", Sites.text(saved.id), changes)
        return Done(location_href(saved.id), visit.say(N_("The location is saved.")))

    async def show(typed: Typed) -> Answer:
        if isinstance(typed.refusal, Stale):
            async with visit.read() as reader:
                now = await locations.get(reader, location_id)
            return await _form(visit, now, replace(typed, refused=_what_differs(visit, now, draft)))
        return await _form(visit, one, typed)

    return await asking.answer(visit, fields, work, show)


def _differences(before: LocationDraft, after: LocationDraft) -> dict[str, object]:
    pairs = {item.name: (getattr(before, item.name), getattr(after, item.name)) for item in dataclass_fields(LocationDraft)}
    return {name: {"from": str(old), "to": str(new)} for name, (old, new) in pairs.items() if old != new}


FIELD_WORDS: Mapping[str, str] = {
    "code": N_("Code"), "name": N_("Name"), "kind": N_("Kind"), "country": N_("Country"), "time_zone": N_("Time zone"),
    "active": N_("Active"), "line1": N_("Address"), "line2": N_("Address, second line"), "postcode": N_("Postcode"),
    "city": N_("City"), "region": N_("Region"), "latitude": N_("Latitude"), "longitude": N_("Longitude"),
    "contact": N_("Contact"), "phone": N_("Phone"), "email": N_("E-mail address"),
    "opening_hours": N_("Opening hours"), "third_party": N_("A third party runs it"), "ships": N_("Ships parcels"),
    "pickup": N_("Hands out orders"),
    "returns": N_("Takes returns back"), "daily_capacity": N_("Orders a day"),
}  # fmt: skip


def _what_differs(visit: Visit, now: Location, draft: LocationDraft) -> str:
    """Somebody else was faster: what stands there now where this form says something else."""
    names = [visit.say(FIELD_WORDS[name]) for name in _differences(now, draft)]
    words = visit.say(N_("Someone else has saved this location since you opened it."))
    return (
        f"{words} {visit.say(N_('It differs from yours in: %(names)s. Send it again to have yours.'), names=', '.join(names))}"
    )


def stock_here(location_id: LocationId, **more: str) -> str:
    return "/stock?" + urlencode({"by": "location", "location": Sites.text(location_id), **more})
