"""Whose location it is: the one place that keeps whoever is limited to some locations to the work and the stock of those.

Every request of somebody who is limited passes `check` before its page or its operation sees it (`console/reaching.py`,
`api/reaching.py`). What is looked at is what the request *names*: every id in its address and in all that was sent, whichever
field it stands in. So a new route is guarded without a word of its own. A write that names nothing of theirs is refused; routes
for which that is wrong say so, by a `Rule`, in the table of their surface, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import CHANGE_PREFIX, RECEIVED_PREFIX, ChangeId, ChangeKind
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    FULFILMENT_PREFIX,
    LOCKER_PREFIX,
    PARCEL_PREFIX,
    PUT_BACK_PREFIX,
    TERMS_PREFIX,
    WAVE_PREFIX,
)
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId, Whereabouts
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import EXCEPTION_PREFIX, ORDER_PREFIX
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.purchasing.contracts import PURCHASE_PREFIX
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Principal
from comptoir.modules.staff.errors import OtherLocation
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    HAND_SCAN_PREFIX,
    LABEL_PREFIX,
    MANIFEST_PREFIX,
    PICKUP_PREFIX,
    TRACKED_PREFIX,
    TROUBLE_PREFIX,
)
from comptoir.runtime.database import Context, Database, Reader
from comptoir.runtime.limits import Limiter, TooManyRequests

Finder = Callable[[Reader, str, Sequence[UUID]], Awaitable[list[Whereabouts]]]


async def _itself(_reader: Reader, _kind: str, ids: Sequence[UUID]) -> list[Whereabouts]:
    """Locations: those that there are not are nobody's, and harm nobody."""
    return [Whereabouts(one, LocationId(one)) for one in ids]


FINDERS: Final[Mapping[str, Finder]] = {
    LOCATION_PREFIX: _itself,
    FULFILMENT_PREFIX: fulfilment.whereabouts,
    WAVE_PREFIX: fulfilment.whereabouts,
    PARCEL_PREFIX: fulfilment.whereabouts,
    PUT_BACK_PREFIX: fulfilment.whereabouts,
    TERMS_PREFIX: fulfilment.whereabouts,
    LOCKER_PREFIX: fulfilment.whereabouts,
    "trf": inventory.whereabouts,
    "prp": inventory.whereabouts,
    "sup": inventory.whereabouts,
    "cnt": inventory.whereabouts,
    PURCHASE_PREFIX: purchasing.whereabouts,
    RECEIVED_PREFIX: changes.whereabouts,
    EXCEPTION_PREFIX: orders.whereabouts,
    TRACKED_PREFIX: tracking.whereabouts,
    TROUBLE_PREFIX: tracking.whereabouts,
    HAND_SCAN_PREFIX: tracking.whereabouts,
    LABEL_PREFIX: tracking.whereabouts,
    MANIFEST_PREFIX: tracking.whereabouts,
    PICKUP_PREFIX: tracking.whereabouts,
}
"""By prefix: what belongs to a location, and who knows to which."""

UNBOUND: Final[frozenset[str]] = frozenset({
    "ord", "inv", "shp", "ret", "pay", "grn", "acc", "chg", "rtn", "pol", "hold", "sbt", "pool", "chan", "csv", "rul", "sch",
    "dec", "sim",
    "ctn", "cac", "ntc", "pic", "prod", "var", "cust", "evt", "whe", "whd", "user", "tok", "imp",
})  # fmt: skip
"""The prefixes of what is the company's: orders, returns (they are taken back anywhere) and all that is set up once for all. An
id whose prefix is in neither list fails `tests/reach/test_every_route_is_guarded.py`: say there whose it is."""

_OPEN_ORDER = frozenset({ORDER_PREFIX, CHANGE_PREFIX})
_ID = re.compile(r"(?<![^\W_])(" + "|".join(sorted({*FINDERS, *_OPEN_ORDER})) + r")_([^\W_]{26})(?![^\W_])")
"""Letters of any script: the Kelvin sign is a `k` to `from_text`, and has to be one here."""


class Bound(StrEnum):
    """How a route is tied to locations."""

    WITHIN = "within"
    """All that it names has to be theirs; a write names something."""
    NAMED = "named"
    """All that it names has to be theirs; what names nothing does nothing (a form that comes back to be filled in),
    or nothing of any location (money that moves over a wire)."""
    HERE = "here"
    """It acts where this device stands, and what it names has to be theirs."""
    ORDER = "order"
    """It acts on what is promised to an order: all of that has to be promised by locations of theirs."""
    SEEN = "seen"
    """It only shows, and may show every location: to help a buyer, a store sees what others have."""
    ANYWHERE = "anywhere"
    """It moves nothing of any location: money, words, and orders as buyers place them."""
    COMPANY = "company"
    """It is for all locations at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a route may name."""

    bound: Bound = Bound.WITHIN
    free: tuple[str, ...] = ()
    """The beginnings of the names of fields that may name any location: where something goes."""
    side: str = "from"
    """Of what lies between two locations, the end that a write acts at; reading takes either."""
    either: bool = False
    """One of all that is named is enough."""


WITHIN: Final = Rule()
ANYWHERE: Final = Rule(bound=Bound.ANYWHERE)
SEEN: Final = Rule(bound=Bound.SEEN)


class Named(NamedTuple):
    """An id in a request, and the field that it stood in, or was the name of."""

    kind: str
    id: UUID
    field: str

    @property
    def text(self) -> str:
        return to_text(self.kind, self.id)


def named_in(field: str, text: str) -> Iterator[Named]:
    """Every id in a text that `FINDERS` knows, or that is an order's, however it is surrounded."""
    for kind, body in _ID.findall(text):
        try:
            yield Named(kind, from_text(kind, f"{kind}_{body}"), field)
        except ValueError:
            continue  # no id: whoever reads the field refuses it


async def check(
    reader: Reader,
    principal: Principal,
    rule: Rule,
    named: Iterable[Named],
    *,
    writes: bool,
    here: LocationId | None = None,
    unknown: bool = False,
) -> None:
    """Raises OtherLocation where somebody limited reaches for what is not theirs.

    `here` is where their device stands. What is not there at all is left to the route to say, where its address names it
    (`unknown`).
    """
    if not principal.limited or rule.bound is Bound.ANYWHERE or (rule.bound is Bound.SEEN and not writes):
        return
    found = list(dict.fromkeys(named))
    if rule.bound is Bound.ORDER:
        await _check_order(reader, principal, found)
        return
    if rule.bound in {Bound.COMPANY, Bound.SEEN}:
        raise OtherLocation
    if here is not None and not principal.reaches(here):
        raise OtherLocation(named=to_text(LOCATION_PREFIX, here))
    looked_at = [one for one in found if one.kind in FINDERS and not one.field.startswith(rule.free or ("\0",))]
    ends = await _whereabouts(reader, looked_at)
    own = [one for one in looked_at if one.id in ends and _reaches(principal, ends[one.id], rule, writes=writes)]
    others = [one for one in looked_at if one.id in ends and one not in own]
    if others and not (rule.either and own):
        raise OtherLocation(named=others[0].text)
    if writes and rule.bound is Bound.WITHIN and not own and not (unknown and looked_at):
        raise OtherLocation


def _reaches(principal: Principal, ends: Sequence[Whereabouts], rule: Rule, *, writes: bool) -> bool:
    """Whether it is theirs; what is no location's may be looked at."""
    sides = [one for one in ends if not writes or rule.either or not one.side or one.side == rule.side]
    if all(one.location_id is None for one in sides):
        return not writes
    return any(one.location_id is not None and principal.reaches(one.location_id) for one in sides)


async def _whereabouts(reader: Reader, named: Sequence[Named]) -> dict[UUID, list[Whereabouts]]:
    """A query for each kind."""
    by_kind: dict[str, list[UUID]] = {}
    for one in named:
        by_kind.setdefault(one.kind, []).append(one.id)
    found: dict[UUID, list[Whereabouts]] = {}
    for kind, ids in sorted(by_kind.items()):
        for one in await FINDERS[kind](reader, kind, sorted(set(ids))):
            found.setdefault(one.id, []).append(one)
    return found


_MOVING = frozenset({ChangeKind.EDIT, ChangeKind.CANCEL})
"""Changes that give back what locations keep for an order; the others are about what its buyer has."""


async def _check_order(reader: Reader, principal: Principal, named: Sequence[Named]) -> None:
    ids = {one.id for one in named if one.kind == ORDER_PREFIX}
    for one in named:
        if one.kind == CHANGE_PREFIX:
            try:
                change = await changes.get_change(reader, ChangeId(one.id))
            except NotFound:
                continue
            ids |= {change.order_id} if change.kind in _MOVING else set()
    for place in await inventory.whereabouts(reader, ORDER_PREFIX, sorted(ids)):
        if place.location_id is not None and not principal.reaches(place.location_id):
            raise OtherLocation(named=to_text(ORDER_PREFIX, place.id))


# What is refused leaves a trace

_TRACES = Limiter(burst=30, seconds=10)
"""Somebody who asks a thousand times fills no audit trail: thirty entries each, then one every ten seconds."""


async def leave_trace(
    database: Database, context: Context, refusal: OtherLocation, method: str, path: str, *, address: str = ""
) -> None:
    """Writes down that whoever asks has reached for another location."""
    try:
        _TRACES.take(context.actor)
    except TooManyRequests:
        return
    data = {"method": method, "path": path[:300]}
    async with database.transaction(context) as tx:
        await staff.refused(tx, str(refusal.data.get("named", "")), data, address=address)
