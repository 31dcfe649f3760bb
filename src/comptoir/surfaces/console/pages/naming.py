"""What things are called on a page: channels, locations and people, each looked up once for all that the page shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.channels.contracts import ChannelKind
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.staff import api as staff
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.web import Visit

ICONS: Mapping[ChannelKind, str] = {
    ChannelKind.POS: "building-store",
    ChannelKind.WEB: "world",
    ChannelKind.APP: "device-mobile",
    ChannelKind.MARKETPLACE: "shopping-bag",
    ChannelKind.SOCIAL: "users-group",
    ChannelKind.PHONE: "phone",
    ChannelKind.EMAIL: "mail",
    ChannelKind.B2B: "building-factory-2",
    ChannelKind.AGENT: "sparkles",
}


class Tag(NamedTuple):
    name: str
    icon: str


class Channels:
    """Every channel's name and icon by its code; one that is gone shows its code."""

    def __init__(self, tags: Mapping[str, Tag]) -> None:
        self.tags = tags

    def __getitem__(self, code: str | None) -> Tag:
        return self.tags.get(code or "") or Tag(code or "", "route")

    @property
    def options(self) -> list[tuple[str, str]]:
        return sorted(((code, tag.name) for code, tag in self.tags.items()), key=lambda option: option[1].casefold())


async def channels_of(visit: Visit, reader: Reader) -> Channels:
    return Channels({c.code: Tag(c.name or c.code, ICONS[c.kind]) for c in await visit.console.channels(reader)})


class Places:
    """Names of locations by id; one that is gone shows its id."""

    def __init__(self, names: Mapping[LocationId, tuple[str, str]]) -> None:
        self._names = names

    def __getitem__(self, location_id: UUID | None) -> str:
        if location_id is None:
            return ""
        found = self._names.get(LocationId(location_id))
        return (found[1] or found[0]) if found else to_text(LOCATION_PREFIX, location_id)


async def places_of(reader: Reader, ids: Iterable[UUID | None]) -> Places:
    wanted = sorted({LocationId(one) for one in ids if one is not None})
    return Places(await locations.names(reader, wanted) if wanted else {})


class People:
    """Who did it, in words."""

    def __init__(self, names: Mapping[str, str], channels: Channels, system: str, outside: Mapping[str, str]) -> None:
        """`outside` is what those are called who act on pages of their own, without an account."""
        self._names = names
        self._channels = channels
        self._system = system
        self._outside = outside

    def __getitem__(self, actor: str) -> str:
        kind, _, rest = actor.partition(":")
        if actor in self._names:
            return self._names[actor]
        if actor in self._outside:
            return self._outside[actor]
        if kind == "channel":
            return self._channels[rest].name
        return self._system if kind in {"system", "consumer", "job"} else actor


async def people_of(visit: Visit, reader: Reader, actors: Iterable[str], channels: Channels) -> People:
    wanted = sorted({actor for actor in actors if actor.partition(":")[0] in {"user", "token"}})
    found: dict[str, str] = {str(actor): name for actor, name in (await staff.names(reader, wanted)).items()} if wanted else {}
    outside = {"buyer": visit.say(N_("The buyer")), "supplier": visit.say(N_("The supplier"))}
    return People(found, channels, visit.say(N_("Comptoir itself")), outside)
