"""The places under Settings, as far as one may see them."""

from __future__ import annotations

from typing import NamedTuple

from comptoir.i18n import N_
from comptoir.modules.staff.contracts import Permission
from comptoir.surfaces.console.web import Visit


class Place(NamedTuple):
    key: str
    word: str
    href: str
    permission: Permission


PLACES = (
    Place("users", N_("Users"), "/settings/users", Permission.SETTINGS_USERS),
    Place("tokens", N_("API tokens"), "/settings/tokens", Permission.SETTINGS_TOKENS),
    Place("webhooks", N_("Webhooks"), "/settings/webhooks", Permission.SETTINGS_WEBHOOKS),
    Place("locations", N_("Locations"), "/locations", Permission.LOCATIONS_READ),
    Place("pools", N_("Stock pools"), "/pools", Permission.LOCATIONS_READ),
    Place("carriers", N_("Carriers"), "/carriers", Permission.ROUTING_READ),
    Place("cartons", N_("Cartons"), "/cartons", Permission.ROUTING_READ),
    Place("seller", N_("Who sells"), "/settings/seller", Permission.CHANNELS_READ),
    Place("senders", N_("Messages to buyers"), "/settings/senders", Permission.ROUTING_READ),
    Place("audit", N_("Audit trail"), "/settings/audit", Permission.AUDIT_READ),
    Place("system", N_("System"), "/settings/system", Permission.AUDIT_READ),
)


def permitted(visit: Visit) -> list[Place]:
    return [place for place in PLACES if visit.may(place.permission)]


def tabs(visit: Visit, current: str) -> list[tuple[str, str, bool, int | None]]:
    return [(visit.say(place.word), place.href, place.key == current, None) for place in permitted(visit)]
