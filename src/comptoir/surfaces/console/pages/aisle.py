"""The endless aisle: what a store orders for somebody who stands there. Through which channel, where it lies nearest, and when.

The dates are those of the promise desk, so that what is said at the counter, or on the phone, is what routing will keep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from comptoir.i18n import N_
from comptoir.kernel.ids import uuid7
from comptoir.kernel.time import utcnow
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.channels.contracts import Channel, ChannelKind
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationId, PoolMember
from comptoir.modules.routing.api import Collection, Delivery
from comptoir.modules.routing.contracts import Job, Profile
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.visits import REMEMBER_FOR
from comptoir.surfaces.console.web import Visit
from comptoir.surfaces.selling import ChannelClosed, Counter

COOKIE = "comptoir_aisle"
"""The channel through which this device has ordered last."""
COUNTERS = 3
_FAR = 40_000
SERVICES = {Service.STANDARD: N_("Sent home"), Service.EXPRESS: N_("Sent home, express")}


@dataclass(frozen=True, slots=True)
class Told:
    """One way in which the customer can get it, in words."""

    word: str
    when: str
    words: str
    good: bool
    pickup: str = ""
    """The id of the counter, where it is collected."""
    service: str = ""
    """How it is sent, where it is."""
    day: str = ""
    """The day that this says, as the order keeps it: YYYY-MM-DD."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a product lies, seen from a store."""

    here: int
    nearest: str = ""
    there: int = 0
    kilometres: int | None = None


async def channel_of(visit: Visit, channels: Sequence[Channel], own: Location, chosen: str) -> str:
    """What is chosen; what this device has ordered through; the store's own, which is that of its tills where that sells more
    than what is in the store; or the first of those whose orders are typed in.
    """
    codes = [one.code for one in channels]
    remembered = visit.request.cookies.get(COOKIE, "")
    for code in (chosen, remembered):
        if code in codes:
            return code
    for one in channels:
        if one.kind is not ChannelKind.POS:
            continue
        try:
            counter = await visit.console.services.counters.get(one.code)
        except ChannelClosed:
            continue
        if own.id in counter.ids and len(counter.ids) > 1:
            return one.code
    return next((one.code for one in channels if one.kind is not ChannelKind.POS), codes[0] if codes else "")


def remember(visit: Visit, code: str) -> None:
    visit.set_cookie(COOKIE, code, REMEMBER_FOR)


async def whereabouts(reader: Reader, counter: Counter, own: Location, skus: Sequence[str]) -> dict[str, Whereabouts]:
    """Of each of these SKUs, how much is here and where the nearest is."""
    members = {one.id: one for one in counter.members}
    free: dict[str, dict[LocationId, int]] = {sku: {} for sku in skus}
    for one in await inventory.levels(reader, list(skus)) if skus else []:
        if one.level.available > 0:
            free[one.sku][one.location_id] = one.level.available
    names = await lists.sites(reader)
    found: dict[str, Whereabouts] = {}
    for sku, places in free.items():
        here = places.get(own.id, 0)
        others = sorted((_away(own, members[key]), key) for key in places if key in members and key != own.id)
        if not others:
            found[sku] = Whereabouts(here)
            continue
        away, nearest = others[0]
        found[sku] = Whereabouts(here, names[nearest], places[nearest], None if away >= _FAR else round(away))
    return found


def _away(own: Location, member: PoolMember) -> float:
    if own.latitude is None or own.longitude is None or member.latitude is None or member.longitude is None:
        return _FAR
    return locations.distance_km((own.latitude, own.longitude), (member.latitude, member.longitude))


async def promised(
    visit: Visit,
    counter: Counter,
    own: Location | None,
    lines: Sequence[tuple[str, int]],
    country: str,
    postcode: str,
    pickup: LocationId | None = None,
) -> list[Told]:
    """In which ways the customer gets these, the store itself first, or the counter that is chosen on the phone. Counters are
    sought around the postcode, or around the store; what is sent home is reckoned as for the order itself: without a postcode
    that is known, the farthest way, and not at all where nobody knows the country.
    """
    services = visit.console.services
    country = country or ("" if own is None else own.country)
    home = await services.counters.place_of(country, postcode) if country and postcode else None
    around = home
    if home is None and own is not None and own.latitude is not None and own.longitude is not None:
        around = (own.latitude, own.longitude)
    asked = [(sku, units, None) for sku, units in lines]
    job = Job(
        id=uuid7(),
        needs=await services.counters.needs(counter, asked),
        country=country,
        destination=home,
        placed_at=utcnow(),
    )
    profile = await services.counters.profile(counter, Service.STANDARD, job.country, asked)
    sent: Sequence[Delivery] = ()
    if country:
        sent = (await services.promises.options(counter, job, tuple(SERVICES), profile=profile, counters=0)).deliveries
    first, most = (pickup, COUNTERS if around else 0) if own is None else (own.id, COUNTERS)
    collections = await _collections(visit, counter, replace(job, destination=around), profile, first, most)
    told = [_collected(visit, counter, own, one) for one in collections]
    return told + [_delivered(visit, one) for one in sent]


async def _collections(
    visit: Visit, counter: Counter, job: Job, profile: Profile, first: LocationId | None, most: int
) -> list[Collection]:
    """So many counters around, and before them this one, if the channel may hand out there."""
    promises = visit.console.services.promises
    found: list[Collection] = []
    if most:
        found += (await promises.options(counter, job, (), profile=profile, counters=most)).collections
    network = counter.network
    at = None if network is None or first is None else network.position.get(first)
    hands_out = network is not None and at is not None and network.sites[at].pickup
    if hands_out and all(one.location_id != first for one in found):
        here = await promises.options(counter, job, (), profile=profile, counters=1, at=first)
        found = [*here.collections, *found[: COUNTERS - 1]]
    return sorted(found, key=lambda one: one.location_id != first)


def services_of(visit: Visit, counter: Counter) -> list[tuple[str, str]]:
    """How an order of this channel can be sent, for a form."""
    network = counter.network
    kinds = set(SERVICES) if network is None else {tariff.service.service for tariff in network.tariffs}
    return [(service.value, visit.say(word)) for service, word in SERVICES.items() if service in kinds]


def told_day(pickup: str, service: Service, said: Mapping[str, str]) -> date | None:
    """The day that the customer was told of the way that was chosen; None where the page has not said one."""
    try:
        return date.fromisoformat(said.get(f"told-{pickup or service.value}", ""))
    except ValueError:
        return None


def _collected(visit: Visit, counter: Counter, own: Location | None, one: Collection) -> Told:
    assert counter.network is not None, "a channel that is kept has its network"
    site = counter.network.sites[counter.network.position[one.location_id]]
    page = visit.page
    is_here = own is not None and one.location_id == own.id
    word = visit.say(N_("Collected here")) if is_here else site.name or site.code
    away = "" if one.distance >= _FAR or is_here else f"{one.distance:.0f} km"
    when = "" if one.ready_at is None else formatting.instant(one.ready_at, page.locale, page.zone)
    stock = visit.say(N_("lies there")) if one.in_stock else visit.say(N_("is sent there"))
    return Told(
        word,
        when or visit.say(N_("not to be had")),
        " · ".join(part for part in (away, stock if when else "", _lacking(visit, one.lacking)) if part),
        one.complete and bool(when),
        lists.Sites.text(one.location_id),
        day="" if one.ready_at is None else one.ready_at.astimezone(ZoneInfo(site.time_zone)).date().isoformat(),
    )


def _delivered(visit: Visit, one: Delivery) -> Told:
    page = visit.page
    when = "" if one.arrives_on is None else formatting.day(one.arrives_on, page.locale, page.zone)
    parcels = visit.says("%(num)s parcel", "%(num)s parcels", one.parcels) if one.parcels > 1 else ""
    return Told(
        visit.say(SERVICES[one.service]),
        when or visit.say(N_("not to be had")),
        " · ".join(part for part in (parcels, _lacking(visit, one.lacking)) if part),
        one.complete and bool(when),
        service=one.service.value,
        day="" if one.arrives_on is None else one.arrives_on.isoformat(),
    )


def _lacking(visit: Visit, lacking: Sequence[tuple[int, int]]) -> str:
    units = sum(count for _, count in lacking)
    return visit.says("%(num)s unit is lacking", "%(num)s units are lacking", units) if units else ""
