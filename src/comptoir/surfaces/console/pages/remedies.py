"""The best remedy of each exception: the one click that puts most of it right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.channels.contracts import Channel
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.api import MILD, WaysOut
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId, Pool, PoolId, PoolMember
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import (
    Choice,
    ExceptionId,
    ExceptionKind,
    ExceptionSummary,
    Place,
)
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages.decision_words import FENCE_WORDS
from comptoir.surfaces.console.pages.naming import Places, places_of
from comptoir.surfaces.console.pages.sources import distance
from comptoir.surfaces.console.web import Visit

_AT_ONCE = frozenset({Choice.MOVE, Choice.BACKORDER, Choice.RETRY, Choice.SEND})
_SENT_AS = {
    Service.STANDARD: N_("Send it as standard"),
    Service.EXPRESS: N_("Send it by express"),
}
REMEDY_ICONS = {
    Choice.MOVE: "switch-horizontal",
    Choice.BACKORDER: "hourglass",
    Choice.RETRY: "refresh",
    Choice.SEND: "truck",
    Choice.SERVICE: "truck-delivery",
    Choice.CANCEL: "ban",
    Choice.EXPECT_BACK: "arrow-back-up",
    Choice.ASK_AGAIN: "hand-stop",
}


@dataclass(frozen=True, slots=True)
class Remedy:
    """The one click that puts most of it right."""

    choice: Choice
    words: str
    to: str = ""
    against: str = ""
    """What the rules say against it."""
    looked_at: bool = False
    """Whether it takes a look before the click."""

    @property
    def at_once(self) -> bool:
        return self.choice in _AT_ONCE and not self.looked_at

    @property
    def for_many(self) -> bool:
        """Whether it may be done with others, without anybody having read what the rules say against it."""
        return self.at_once and not self.against

    @property
    def icon(self) -> str:
        return REMEDY_ICONS.get(self.choice, "check")

    @property
    def query(self) -> str:
        return f"&to={self.to}" if self.to else ""


async def best_remedies(
    visit: Visit, reader: Reader, found: Sequence[ExceptionSummary], known: Mapping[str, Channel]
) -> dict[ExceptionId, Remedy]:
    """For each shortfall the nearest location that has it all; else to wait, where some is on its way; else to cancel. For each
    that no location may send, what fulfilment thinks best.
    """
    stops = {one.exception.id: remedy for one in found if (remedy := _of_stop(visit, one)) is not None}
    return stops | await _of_shortfalls(visit, reader, found, known) | await _of_parked(visit, reader, found)


def _of_stop(visit: Visit, one: ExceptionSummary) -> Remedy | None:
    """What a third party could not stop comes back; as long as it has not answered there is nothing to do."""
    own = one.exception
    if own.kind != ExceptionKind.AT_THIRD_PARTY or "refused" not in own.data or "expect_back" in own.data:
        return None
    return Remedy(Choice.EXPECT_BACK, visit.say(N_("Expect it back")), looked_at=True)


async def _of_parked(visit: Visit, reader: Reader, found: Sequence[ExceptionSummary]) -> dict[ExceptionId, Remedy]:
    parked = [one.exception for one in found if one.exception.kind == ExceptionKind.UNROUTABLE]
    if not parked:
        return {}
    ways = await fulfilment.ways_out(reader, visit.console.services.releasing, parked, visit.page.now)
    places = await places_of(reader, [one.location_id for one in ways.values()])
    remedies = {key: _of_ways(visit, one, places) for key, one in ways.items()}
    return {key: one for key, one in remedies.items() if one is not None}


def _of_ways(visit: Visit, ways: WaysOut, places: Places) -> Remedy | None:
    match ways.best:
        case Choice.RETRY:
            return Remedy(Choice.RETRY, visit.say(N_("Try again now")))
        case Choice.SEND if ways.location_id is not None:
            words = visit.say(N_("Send from %(place)s anyway"), place=places[ways.location_id])
            against = "" if ways.fence is None else visit.say(FENCE_WORDS[ways.fence])
            to = to_text(LOCATION_PREFIX, ways.location_id)
            return Remedy(Choice.SEND, words, to, against, looked_at=ways.fence is not None and ways.fence not in MILD)
        case Choice.SERVICE if ways.service is not None:
            return Remedy(Choice.SERVICE, visit.say(_SENT_AS[ways.service]), looked_at=True)
        case Choice.CANCEL:
            return Remedy(Choice.CANCEL, visit.say(N_("Cancel these units")), looked_at=True)
        case _:
            return None


async def _of_shortfalls(
    visit: Visit, reader: Reader, found: Sequence[ExceptionSummary], known: Mapping[str, Channel]
) -> dict[ExceptionId, Remedy]:
    short = [one for one in found if one.exception.state == "open" and one.exception.kind == ExceptionKind.SHORTFALL]
    if not short:
        return {}
    pools: dict[PoolId, Pool] = {}
    codes = {one.channel_code for one in short if one.channel_code is not None} & set(known)
    for pool_id in sorted({known[code].pool_id for code in codes}):
        pools[pool_id] = pools.get(pool_id) or await locations.pool(reader, pool_id)
    members = {member.id: member for pool in pools.values() for member in pool.members if member.active}
    skus = sorted({one.exception.sku for one in short if one.exception.sku is not None})
    stock: dict[str, list[tuple[LocationId, int]]] = {sku: [] for sku in skus}
    for sku, location, available in await inventory.available_in_pool(reader, skus, list(members)):
        stock[sku].append((location, available))
    coming = await inventory.incoming(reader, skus, list(members))
    places = await places_of(reader, {location for rows in stock.values() for location, _ in rows})
    result: dict[ExceptionId, Remedy] = {}
    for one in short:
        own = one.exception
        channel = known.get(one.channel_code or "")
        pool = pools.get(channel.pool_id) if channel is not None else None
        inside = set[LocationId]() if pool is None else set(orders.senders([Place(one.id, one.ships) for one in pool.members]))
        fits = [row for row in stock.get(own.sku or "", []) if row[1] >= own.quantity and row[0] in inside]
        target = _nearest(own.location_id, [location for location, _ in fits if location != own.location_id], members)
        if target is not None:
            words = visit.say(N_("Move to %(place)s"), place=places[target])
            result[own.id] = Remedy(Choice.MOVE, words, to_text(LOCATION_PREFIX, target))
        elif coming.get(own.sku or ""):
            result[own.id] = Remedy(Choice.BACKORDER, visit.say(N_("Let it wait for stock")))
        else:
            result[own.id] = Remedy(Choice.CANCEL, visit.say(N_("Cancel these units")))
    return result


def _nearest(
    here: LocationId | None, others: Sequence[LocationId], members: Mapping[LocationId, PoolMember]
) -> LocationId | None:
    def far(location: LocationId) -> tuple[bool, float, LocationId]:
        kilometres = distance(members.get(here) if here is not None else None, members[location])
        return (kilometres is None, kilometres or 0.0, location)

    return min(others, key=far, default=None)
