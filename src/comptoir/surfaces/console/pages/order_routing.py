"""Why an order comes from where it comes from: each decision in words, with what was thought of every location."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, OrderId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import (
    RULE_SET_PREFIX,
    DecisionKind,
    Explained,
    Fence,
    Logged,
    Mode,
    Rating,
    Verdict,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.web import Answer, Area, Visit

area = Area("orders")

SHOWN = 12
"""So many of those who might have sent it are shown before somebody asks for all."""

KIND_WORDS: Mapping[DecisionKind, str] = {
    DecisionKind.CAPTURED: N_("As it was promised"),
    DecisionKind.ROUTED: N_("By a rule set, right after the order"),
    DecisionKind.REROUTED: N_("Again, because it was given back or could not be sent"),
    DecisionKind.BATCH: N_("Together with other orders"),
    DecisionKind.PERSON: N_("By somebody"),
}
FENCE_WORDS: Mapping[Fence, str] = {
    Fence.EXCLUDED: N_("Left out by the rules"),
    Fence.REJECTED: N_("Has given this order back"),
    Fence.UNABLE: N_("Closed, or does not send"),
    Fence.NO_CARRIER: N_("No carrier takes it from there to this address"),
    Fence.TOO_LATE: N_("Too late for the promised day"),
    Fence.CAPACITY: N_("Has as many orders as it can prepare in a day"),
    Fence.STOCK: N_("Has none of it above its safety stock"),
    Fence.MINIMUM_PICK: N_("Too little to be worth a parcel"),
}
RATING_HEADS: Mapping[Rating, str] = {
    Rating.PRIORITY: N_("Priority"),
    Rating.DISTANCE: N_("Distance"),
    Rating.DELIVERY: N_("Days"),
    Rating.COST: N_("Cost"),
    Rating.PARCELS: N_("Lacks"),
    Rating.COVER: N_("Share of its stock"),
    Rating.MARKDOWN: N_("Lies for"),
    Rating.LOAD: N_("Busy"),
    Rating.CARBON: N_("CO₂"),
}


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


@dataclass(frozen=True, slots=True)
class Told:
    """A decision as the page tells it."""

    id: str
    kind: str
    at: object
    by: str
    rules: str
    rules_href: str
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
        told = None if shown is None else await routing.explained(reader, shown.id)
        channels = await channels_of(visit, reader)
        people = await people_of(visit, reader, [one.actor for one in decisions], channels)
    able = [] if told is None else [verdict for verdict in told.verdicts if verdict.fence is None]
    stopped = [] if told is None else [verdict for verdict in told.verdicts if verdict.fence is not None]
    heads = [] if told is None else [visit.say(RATING_HEADS[one.rating]) for one in told.rules.ratings]
    listed = able if everybody else able[:SHOWN]
    return visit.respond(
        "orders/routing.html",
        order=order,
        href=order_href(order_id),
        decisions=[(str(one.id), visit.say(KIND_WORDS[one.kind]), one.at, one is shown) for one in decisions],
        told=None if told is None else _told(visit, told, people[told.decision.actor], order.currency),
        heads=heads,
        rows=[] if told is None else [_row(visit, told, one, order.currency) for one in listed],
        more=len(able) - len(listed),
        fences=[] if told is None else _fences(visit, stopped),
        stopped=[] if told is None or not everybody else [_row(visit, told, one, order.currency) for one in stopped],
        everybody=everybody,
        locations=len(able) + len(stopped),
        able=len(able),
    )


def _told(visit: Visit, told: Explained, by: str, currency: Currency) -> Told:
    one = told.decision
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
        sentence=sentence(visit, told, currency),
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
        if 0 < parcel.distance < _FAR:
            parts.append(visit.say(N_("%(number)s km"), number=_number(visit, parcel.distance)))
        if parcel.cost:
            parts.append(formatting.money(parcel.cost, currency, visit.page.locale))
        parts.append(
            visit.say(N_("there on %(day)s"), day=formatting.day(parcel.arrives_on, visit.page.locale, visit.page.zone))
        )
        found.append((_name(told, parcel.site), " · ".join(parts)))
    return found


def sentence(visit: Visit, told: Explained, currency: Currency) -> str:
    """Why the winner won, in a sentence."""
    chosen = [parcel.site for parcel in told.decision.parcels]
    if not chosen:
        return visit.say(N_("No location may send it."))
    if told.decision.kind is DecisionKind.PERSON:
        return _by_hand(visit, told, chosen)
    if len(chosen) > 1:
        names = ", ".join(_name(told, site) for site in chosen)
        return visit.say(N_("No location may send all of it: %(names)s share it."), names=names)
    return _the_only_one(visit, told, chosen[0], currency)


def _by_hand(visit: Visit, told: Explained, chosen: Sequence[LocationId]) -> str:
    names = ", ".join(_name(told, site) for site in chosen)
    if len(chosen) > 1:
        return visit.say(N_("%(names)s were chosen by hand."), names=names)
    against = next((verdict.fence for verdict in told.verdicts if verdict.site == chosen[0]), None)
    if against is None:
        return visit.say(N_("%(name)s was chosen by hand."), name=names)
    words = visit.say(FENCE_WORDS[against])
    return visit.say(N_("%(name)s was chosen by hand, although the rules say: %(words)s."), name=names, words=words)


def _the_only_one(visit: Visit, told: Explained, chosen: LocationId, currency: Currency) -> str:
    """Why one location sends all of it."""
    able = [verdict for verdict in told.verdicts if verdict.fence is None]
    name, places = _name(told, chosen), [verdict.site for verdict in able]
    if chosen not in places:
        return visit.say(N_("%(name)s was chosen by hand, or had it when it was promised."), name=name)
    if len(able) == 1:
        return visit.say(N_("%(name)s is the only location that may send it."), name=name)
    if places.index(chosen) > 0:
        best = _name(told, places[0])
        return visit.say(N_("%(best)s comes first, but does not have all of it; %(name)s does."), best=best, name=name)
    return _beaten(visit, told, able, currency)


def _beaten(visit: Visit, told: Explained, able: Sequence[Verdict], currency: Currency) -> str:
    """By which rating the first one is before the second."""
    first, second = able[0], able[1]
    name, other = _name(told, first.site), _name(told, second.site)
    if told.rules.mode is Mode.WEIGHTED and len(told.rules.ratings) > 1:
        return visit.say(
            N_("%(name)s weighs best: %(score)s against %(second)s of %(other)s; 0 would be best in everything."),
            name=name,
            other=other,
            score=_number(visit, first.score or 0.0, 3),
            second=_number(visit, second.score or 0.0, 3),
        )
    for one in told.rules.ratings:
        mine, theirs = first.ratings[one.rating], second.ratings[one.rating]
        if mine != theirs:
            return visit.say(
                N_("%(name)s is first by %(rating)s: %(mine)s against %(theirs)s of %(other)s."),
                name=name,
                other=other,
                rating=visit.say(RATING_HEADS[one.rating]).lower(),
                mine=cell(visit, one.rating, mine, currency),
                theirs=cell(visit, one.rating, theirs, currency),
            )
    return visit.say(N_("%(name)s and %(other)s are equal; the order of the stock pool decides."), name=name, other=other)


def _fences(visit: Visit, stopped: Sequence[Verdict]) -> list[tuple[str, int]]:
    """Which fence stopped how many, the one that stopped most first."""
    counts = Counter(verdict.fence for verdict in stopped if verdict.fence is not None)
    return [(visit.say(FENCE_WORDS[fence]), count) for fence, count in counts.most_common()]


def _row(visit: Visit, told: Explained, one: Verdict, currency: Currency) -> Row:
    site = told.sites[one.site]
    place = ""
    if one.score is not None:
        weighted = told.rules.mode is Mode.WEIGHTED and len(told.rules.ratings) > 1
        place = _number(visit, one.score, 3) if weighted else str(int(one.score) + 1)
    cells = tuple(
        [
            cell(visit, weight.rating, one.ratings[weight.rating], currency) if weight.rating in one.ratings else ""
            for weight in told.rules.ratings
        ]
    )
    return Row(
        name=site.name,
        code=site.code,
        chosen=any(parcel.site == one.site for parcel in told.decision.parcels),
        place=place,
        cells=cells,
        fence="" if one.fence is None else visit.say(FENCE_WORDS[one.fence]),
    )


def cell(visit: Visit, rating: Rating, value: float, currency: Currency) -> str:
    """A rating in its own unit."""
    match rating:
        case Rating.DISTANCE:
            return visit.say(N_("unknown")) if value >= _FAR else visit.say(N_("%(number)s km"), number=_number(visit, value))
        case Rating.COST:
            return formatting.money(round(value), currency, visit.page.locale)
        case Rating.COVER | Rating.LOAD:
            return formatting.percent(value, visit.page.locale)
        case Rating.CARBON:
            return visit.say(N_("%(number)s g"), number=_number(visit, value))
        case Rating.MARKDOWN:
            return visit.say(N_("%(number)s such orders"), number=_number(visit, -value))
        case _:
            return _number(visit, value)


def _number(visit: Visit, value: float, digits: int = 1) -> str:
    return formatting.number(round(value, digits), visit.page.locale)


def _name(told: Explained, site: LocationId) -> str:
    return told.sites[site].name if site in told.sites else str(site)


def title(visit: Visit, one: Logged) -> str:
    """What a decision is called in a list."""
    return visit.say(KIND_WORDS[one.kind])


_FAR = 40_000.0
