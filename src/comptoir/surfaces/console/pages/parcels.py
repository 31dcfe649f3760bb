"""Parcels: where each is that has left, whether it comes in time, and which of them somebody has to look at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    TRACKED_PREFIX,
    Kept,
    Kind,
    Tracked,
    TrackedFilter,
    TrackedId,
    TrackingStatus,
)
from comptoir.sdk.tracking import FINAL
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists, picks
from comptoir.surfaces.console.pages.naming import channels_of, places_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.parcel_words import TRACKING_WORDS
from comptoir.surfaces.console.pages.parcels_tabs import parcel_tabs
from comptoir.surfaces.console.pages.parcels_words import STATUS_TONES, Tones
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Visit

area = Area("parcels")

SORTS = ("shipped", "number")
_S = TrackingStatus
GROUPS: dict[str, tuple[str, tuple[TrackingStatus, ...]]] = {
    "moving": (
        N_("On the way"),
        tuple(status for status in TrackingStatus if status not in FINAL),
    ),
    "arrived": (N_("Arrived"), (_S.DELIVERED,)),
    "never": (N_("Will not arrive"), (_S.LOST, _S.DAMAGED, _S.CANCELLED, _S.EXPIRED, _S.RETURNED)),
}
LOOKS = {"late": N_("Late"), "in_time": N_("In time"), "troubled": N_("To look at")}


@dataclass(frozen=True, slots=True)
class Row:
    """A parcel in the list, in words."""

    parcel: Tracked
    name: str
    href: str
    status: str
    tones: Tones
    country: str
    expected: date | None
    """The day on which it came, or is going to."""
    note: str
    """`2 days late`, or nothing."""
    tone: str


def parcel_text(tracked_id: TrackedId) -> str:
    return to_text(TRACKED_PREFIX, tracked_id)


def parcel_href(tracked_id: TrackedId) -> str:
    return f"/parcels/{parcel_text(tracked_id)}"


def parcel_name(visit: Visit, parcel: Tracked) -> str:
    """Its number, or what it is called that has none."""
    if parcel.tracking_number:
        return parcel.tracking_number
    return visit.say(N_("Collected")) if parcel.kind is Kind.COLLECTION else visit.say(N_("Without a number"))


def safe_url(url: str) -> str:
    """An address of a carrier's that a link may lead to."""
    return url if url.startswith(("https://", "http://")) else ""


def _wanted(visit: Visit) -> TrackedFilter:
    state, look = visit.param("state"), visit.param("look")
    statuses = GROUPS[state][1] if state in GROUPS else (TrackingStatus(state),) if state in set(TrackingStatus) else ()
    return TrackedFilter(
        statuses=statuses,
        carrier=visit.param("carrier"),
        locations=visit.places(),
        channel=visit.param("channel"),
        destination_country=visit.param("country"),
        shipped_from=visit.day("on_from"),
        shipped_before=visit.day("on_to", end=True),
        late={"late": True, "in_time": False}.get(look),
        stuck=True if look == "troubled" else None,
        search=visit.param("q").strip().removeprefix("#"),
    )


@area.get("/parcels", Permission.ORDERS_READ)
async def parcel_list(visit: Visit) -> Answer:
    wanted, sort = _wanted(visit), visit.sort(SORTS, "-shipped")
    if visit.wants_csv:
        return visit.csv("parcels", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await tracking.find(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        total = await tracking.count(reader, wanted)
        carriers, countries = await tracking.known_words(reader)
        channels = await channels_of(visit, reader)
    states = [(code, visit.say(word)) for code, (word, _) in GROUPS.items()]
    states += [(code.value, visit.say(word)) for code, word in TRACKING_WORDS.items()]
    looks = [(code, visit.say(word)) for code, word in LOOKS.items()]
    named = picks.country_options(countries, visit.page.locale)
    return visit.respond(
        "parcels/list.html",
        "parcels/_results.html",
        rows=[row_of(visit, parcel) for parcel in page.items],
        before=page.previous,
        after=page.next,
        sort=sort,
        total=lists.rows_words(visit, total),
        states=states,
        looks=looks,
        carriers=[(name, name) for name in carriers],
        countries=named,
        channels=channels,
        chips=lists.chips(
            visit,
            [
                (N_("State"), "state", dict(states)),
                (N_("Which"), "look", dict(looks)),
                (N_("Carrier"), "carrier", {}),
                (N_("Country"), "country", dict(named)),
                (N_("Channel"), "channel", dict(channels.options)),
                (N_("From"), "on_from", {}),
                (N_("To"), "on_to", {}),
            ],
        ),
        tabs=parcel_tabs(visit, "parcels"),
        order_href=order_href,
        is_empty=not page.items and not visit.page.query,
    )


def row_of(visit: Visit, parcel: Tracked) -> Row:
    note, tone = lateness(visit, parcel)
    return Row(
        parcel,
        parcel_name(visit, parcel),
        parcel_href(parcel.id),
        visit.say(TRACKING_WORDS[parcel.status]),
        STATUS_TONES[parcel.status],
        picks.country_name(parcel.destination_country, visit.page.locale),
        tracking.promise_of(parcel, visit.page.now).happened_on or parcel.estimated_on,
        note,
        tone,
    )


def lateness(visit: Visit, parcel: Tracked) -> tuple[str, str]:
    """How the promise stands in words, with its tone; nothing while there is nothing to say."""
    promise = tracking.promise_of(parcel, visit.page.now)
    match promise.kept:
        case Kept.KEPT:
            return visit.say(N_("in time")), "good"
        case Kept.LATE:
            return visit.says("%(num)s day late", "%(num)s days late", promise.days_late), "warn"
        case Kept.OVERDUE | Kept.OPEN if promise.days_late or tracking.is_late(parcel):
            days = max(promise.days_late, _behind(parcel))
            tone = "bad" if promise.kept is Kept.OVERDUE else "warn"
            return visit.says("%(num)s day late", "%(num)s days late", days), tone
        case Kept.BROKEN:
            return visit.say(N_("will not arrive")), "bad"
        case _:
            return "", ""


def _behind(parcel: Tracked) -> int:
    """Days by which it is expected after the promised one."""
    if parcel.estimated_on is None or parcel.promised_on is None:
        return 0
    return (parcel.estimated_on - parcel.promised_on).days


_COLUMNS = (
    N_("Order"), N_("Channel"), N_("Location"), N_("Carrier"), N_("Service"), N_("Tracking number"), N_("State"), N_("Since"),
    N_("Left"), N_("Promised for"), N_("Expected on"), N_("Delivered"), N_("Days late"), N_("Attempts"), N_("Country"),
    N_("Region"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: TrackedFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        channels = await channels_of(visit, reader)
        names: dict[object, str] = {}
        async for one in tracking.stream(reader, wanted, sort=sort):
            if one.location_id not in names:
                names[one.location_id] = (await places_of(reader, [one.location_id]))[one.location_id]
            late = tracking.promise_of(one, visit.page.now).days_late
            yield (
                one.order_number,
                channels[one.channel].name,
                names[one.location_id],
                one.carrier,
                one.service,
                one.tracking_number,
                visit.say(TRACKING_WORDS[one.status]),
                one.since,
                one.shipped_at,
                one.promised_on,
                one.estimated_on,
                one.delivered_at,
                formatting.number(late, visit.page.locale) if late else "",
                one.attempts,
                one.destination_country,
                one.destination_region.upper(),
            )
