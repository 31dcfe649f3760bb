"""Why an order comes from where it comes from: each decision in words, with what was thought of every location."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency
from comptoir.modules.lots import api as lots
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, OrderId, Rejection
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import (
    RULE_SET_PREFIX,
    DecisionKind,
    Explained,
    Fence,
    Logged,
    Mode,
    Verdict,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.decision_words import (
    FAR,
    FENCE_WORDS,
    KIND_WORDS,
    cell,
    head,
    name_of,
    number,
    occasion,
    sentence,
    stopped_words,
    withheld_words,
)
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.web import Answer, Area, Visit

area = Area("orders")

SHOWN = 12
"""So many of those who might have sent it are shown before somebody asks for all."""


@dataclass(frozen=True, slots=True)
class Row:
    """One location as the page shows it."""

    name: str
    code: str
    chosen: bool
    place: str
    """Its rank, or its score."""
    cells: tuple[str, ...]
    fence: str
    withheld: str
    """What lies there and may not be sold, of a location that may send the rest."""


@dataclass(frozen=True, slots=True)
class Told:
    """A decision as the page tells it."""

    id: str
    kind: str
    at: object
    by: str
    rules: str
    rules_href: str
    occasion: str
    sentence: str
    parcels: tuple[tuple[str, str], ...]
    lacking: str


@area.get("/orders/{order_id:str}/routing", Permission.ORDERS_READ)
async def order_routing(visit: Visit) -> Answer:
    order_id = OrderId(visit.path_id("order_id", ORDER_PREFIX))
    wanted = visit.param("decision")
    everybody = visit.param("all") == "yes"
    async with visit.read() as reader:
        order = await orders.order(reader, order_id)
        decisions = await routing.decisions(reader, order_id)
        shown = next((one for one in decisions if str(one.id) == wanted), decisions[0] if decisions else None)
        told = None if shown is None else await routing.explained(reader, shown.id, lots.withheld)
        channels = await channels_of(visit, reader)
        people = await people_of(visit, reader, [one.actor for one in decisions], channels)
        again = shown is not None and shown.kind is DecisionKind.REROUTED
        rejections = await orders.rejections(reader, [order_id]) if again else []
    able = [] if told is None else [verdict for verdict in told.verdicts if verdict.fence is None]
    stopped = [] if told is None else [verdict for verdict in told.verdicts if verdict.fence is not None]
    heads = [] if told is None else [head(visit, told, one.rating) for one in told.rules.ratings]
    listed = able if everybody else able[:SHOWN]
    return visit.respond(
        "orders/routing.html",
        order=order,
        href=order_href(order_id),
        decisions=[(str(one.id), visit.say(KIND_WORDS[one.kind]), one.at, one is shown) for one in decisions],
        told=None if told is None else _told(visit, told, people[told.decision.actor], order.currency, rejections, decisions),
        heads=heads,
        rows=[] if told is None else [_row(visit, told, one, order.currency) for one in listed],
        more=len(able) - len(listed),
        fences=[] if told is None else _fences(visit, stopped),
        stopped=[] if told is None or not everybody else [_row(visit, told, one, order.currency) for one in stopped],
        everybody=everybody,
        locations=len(able) + len(stopped),
        able=len(able),
    )


def _told(
    visit: Visit,
    told: Explained,
    by: str,
    currency: Currency,
    rejections: Sequence[Rejection],
    decisions: Sequence[Logged],
) -> Told:
    """`decisions` are all of the order, the latest first."""
    one = told.decision
    earlier = next((other for other in decisions if (other.at, other.id) < (one.at, one.id)), None)
    rules = told.rule_set or visit.say(N_("The stock pool’s priority, then the distance"))
    href = f"/routing/{to_text(RULE_SET_PREFIX, one.rule_set_id)}" if one.rule_set_id is not None else ""
    units = sum(units for _, units in one.lacking)
    lacking = ""
    if units:
        lacking = visit.says("Nobody might send %(num)s unit.", "Nobody might send %(num)s units.", units)
    return Told(
        id=str(one.id),
        kind=visit.say(KIND_WORDS[one.kind]),
        at=one.at,
        by=by,
        rules=rules,
        rules_href=href,
        occasion=occasion(visit, told, by, currency, rejections, earlier),
        sentence=sentence(visit, told, by, currency),
        parcels=tuple(_parcels(visit, told, currency)),
        lacking=lacking,
    )


def _parcels(visit: Visit, told: Explained, currency: Currency) -> list[tuple[str, str]]:
    """What each location does: (name, the rest)."""
    found: list[tuple[str, str]] = []
    for parcel in told.decision.parcels:
        units = sum(pick.quantity for pick in parcel.picks)
        parts = [visit.says("%(num)s unit", "%(num)s units", units)]
        if parcel.carrier:
            parts.append(parcel.carrier)
        if 0 < parcel.distance < FAR:
            parts.append(visit.say(N_("%(number)s km"), number=number(visit, parcel.distance)))
        if parcel.cost:
            parts.append(formatting.money(parcel.cost, currency, visit.page.locale))
        parts.append(
            visit.say(N_("there on %(day)s"), day=formatting.day(parcel.arrives_on, visit.page.locale, visit.page.zone))
        )
        found.append((name_of(told, parcel.site), " · ".join(parts)))
    return found


def _fences(visit: Visit, stopped: Sequence[Verdict]) -> list[tuple[str, int]]:
    """What stopped how many, that first which stopped most."""
    words = [visit.say(FENCE_WORDS[one.fence]) if one.fence is Fence.EXPIRY else stopped_words(visit, one) for one in stopped]
    return Counter(words).most_common()


def _row(visit: Visit, told: Explained, one: Verdict, currency: Currency) -> Row:
    site = told.sites[one.site]
    place = ""
    if one.score is not None:
        weighted = told.rules.mode is Mode.WEIGHTED and len(told.rules.ratings) > 1
        place = number(visit, one.score, 3) if weighted else str(int(one.score) + 1)
    cells = tuple(
        [
            cell(visit, told, weight.rating, one.ratings[weight.rating], currency) if weight.rating in one.ratings else ""
            for weight in told.rules.ratings
        ]
    )
    return Row(
        name=site.name,
        code=site.code,
        chosen=any(parcel.site == one.site for parcel in told.decision.parcels),
        place=place,
        cells=cells,
        fence=stopped_words(visit, one),
        withheld=withheld_words(visit, one) if one.fence is None else "",
    )
