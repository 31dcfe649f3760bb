"""What stands together above the pages about parcels, and above those about carriers; and what carriers say no with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, Remedy
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.runtime.database import DatabaseUnavailable, Reader
from comptoir.sdk.carriers import NotAuthorised, OutcomeUnknown
from comptoir.surfaces.console.web import Visit

Tabs = list[tuple[str, str, bool, int | None]]


class _Place(NamedTuple):
    key: str
    word: str
    href: str
    permission: Permission


_PARCELS: Sequence[_Place] = (
    _Place("parcels", N_("Parcels"), "/parcels", Permission.ORDERS_READ),
    _Place("troubles", N_("To look at"), "/parcels/troubles", Permission.ORDERS_READ),
    _Place("labels", N_("Labels"), "/carriers/labels", Permission.ORDERS_READ),
    _Place("notices", N_("Messages to buyers"), "/notices", Permission.ORDERS_READ),
    _Place("performance", N_("How carriers do"), "/carriers/performance", Permission.ORDERS_READ),
)
_CARRIERS: Sequence[_Place] = (
    _Place("services", N_("Services and prices"), "/carriers", Permission.ROUTING_READ),
    _Place("accounts", N_("Accounts"), "/carriers/accounts", Permission.ROUTING_READ),
    _Place("labels", N_("Labels"), "/carriers/labels", Permission.ORDERS_READ),
    _Place("performance", N_("How carriers do"), "/carriers/performance", Permission.ORDERS_READ),
    _Place("serviceability", N_("Who goes there?"), "/carriers/serviceability", Permission.ORDERS_READ),
    _Place("parcels", N_("Parcels"), "/parcels", Permission.ORDERS_READ),
)


async def open_troubles(reader: Reader) -> int:
    """How many parcels and labels wait for a person; also for the menu."""
    return sum((await tracking.counts_of_troubles(reader)).values())


def parcel_tabs(visit: Visit, current: str) -> Tabs:
    """The number beside the troubles is the menu's: it costs no query of its own."""
    waiting = visit.page.counts.get("parcels")
    return [
        (visit.say(place.word), place.href, place.key == current, waiting if place.key == "troubles" else None)
        for place in _PARCELS
        if visit.may(place.permission)
    ]


def carrier_tabs(visit: Visit, current: str) -> Tabs:
    return [
        (visit.say(place.word), place.href, place.key == current, None) for place in _CARRIERS if visit.may(place.permission)
    ]


def fault_words(visit: Visit, fault: Fault) -> tuple[str, str]:
    """What a carrier, or a mail server, did not do: what it means, and what it said. Raises what is not theirs."""
    if isinstance(fault, DatabaseUnavailable):
        raise fault
    match fault:
        case OutcomeUnknown():
            words = N_("No answer came: it may be done, or not. It is looked for by itself within minutes.")
        case NotAuthorised():
            words = N_("The carrier does not accept our key, or our account. Look at the carrier account.")
        case _ if fault.remedy is Remedy.WAIT:
            words = N_("No answer just now. Try again in a few minutes.")
        case _:
            words = N_("The answer is no.")
    return visit.say(words), fault.detail
