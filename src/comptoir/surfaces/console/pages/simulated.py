"""From a simulation down to its orders: which would be late, dearer or split more than what happened, where, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, OrderId
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import By, Drilled, Worse
from comptoir.modules.routing.contracts import (
    SIMULATION_PREFIX,
    DecisionId,
    DecisionKind,
    Explained,
    Logged,
    Mode,
    Parcel,
    Simulation,
    SimulationId,
    Site,
    Verdict,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.amounts import house_currency
from comptoir.surfaces.console.pages.decision_words import cell, head, number, sentence, stopped_words
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.web import Answer, Area, Visit

area = Area("routing")

MOST = 50
GROUPS = 8
"""So many groups of each kind are shown beside the figures; the list has a choice of all."""
KIND_WORDS: Mapping[Worse, tuple[str, str]] = {
    Worse.LATE: (N_("Promises that would be broken"), N_("After the promised day, or not whole")),
    Worse.DEARER: (N_("Orders that would cost more"), N_("Than what happened")),
    Worse.SPLIT: (N_("Orders that would be split more"), N_("Into more parcels than what happened")),
}
BY_WORDS: Mapping[By, str] = {
    By.PLACE: N_("By location"),
    By.CHANNEL: N_("By channel"),
    By.SERVICE: N_("By service"),
    By.WEEK: N_("By week"),
}
_SERVICES = {Service.STANDARD: N_("Standard"), Service.EXPRESS: N_("Express"), Service.PICKUP: N_("Pickup")}


@dataclass(frozen=True, slots=True)
class Group:
    value: str
    name: str
    count: int
    href: str


@dataclass(frozen=True, slots=True)
class Names:
    """What places, channels, services and weeks are called."""

    visit: Visit
    sites: Mapping[LocationId, Site]
    channels: Mapping[str, str]

    def of(self, by: By, value: str) -> str:
        match by:
            case By.PLACE:
                return self.place(UUID(value))
            case By.CHANNEL:
                return self.channels.get(value, value)
            case By.SERVICE:
                return self.visit.say(_SERVICES[Service(value)]) if value in set(Service) else value
            case By.WEEK:
                day = formatting.day(date.fromisoformat(value), self.visit.page.locale, self.visit.page.zone)
                return self.visit.say(N_("Week of %(day)s"), day=day)

    def place(self, key: UUID) -> str:
        site = self.sites.get(LocationId(key))
        return str(key) if site is None else site.name or site.code


def href_of(simulation_id: SimulationId, kind: Worse, by: By | None = None, value: str = "") -> str:
    here = f"/routing/simulations/{to_text(SIMULATION_PREFIX, simulation_id)}/orders?kind={kind.value}"
    return here if by is None else f"{here}&by={by.value}&value={value}"


def panels(one: Simulation, names: Names) -> list[tuple[str, str, str, list[tuple[str, list[Group]]]]]:
    """By kind: (words, meaning, address, [(by, the largest groups)]); a kind of which there is none is left out."""
    found: list[tuple[str, str, str, list[tuple[str, list[Group]]]]] = []
    for kind, (words, meaning) in KIND_WORDS.items():
        if one.groups.get(kind.value):
            parts = [(names.visit.say(BY_WORDS[by]), _largest(groups_of(one, kind, by, names))) for by in By]
            found.append((names.visit.say(words), names.visit.say(meaning), href_of(one.id, kind), parts))
    return found


def _largest(groups: Sequence[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: -group.count)[:GROUPS]


def groups_of(one: Simulation, kind: Worse, by: By, names: Names) -> list[Group]:
    """The largest first; weeks in their order."""
    counts = one.groups.get(kind.value, {}).get(by.value, {})
    rows = [Group(value, names.of(by, value), count, href_of(one.id, kind, by, value)) for value, count in counts.items()]
    return sorted(rows, key=lambda row: (row.value if by is By.WEEK else "", -row.count, row.name))


async def names_of(visit: Visit, reader: Reader, one: Simulation) -> Names:
    atlas = visit.console.services.releasing.atlas
    await atlas.refresh(reader)
    network = await atlas.network(reader, one.pool_id)
    channels = {channel.code: channel.name or channel.code for channel in await visit.console.channels(reader)}
    return Names(visit, {site.id: site for site in network.sites}, channels)


@dataclass(frozen=True, slots=True)
class Row:
    """An order of the list."""

    href: str
    number: str
    amount: str
    places: str
    happened: str
    channel: str
    day: date


@area.get("/routing/simulations/{simulation_id:str}/orders", Permission.ROUTING_READ)
async def worse_orders(visit: Visit) -> Answer:
    """The orders of a group, the worst first."""
    simulation_id = SimulationId(visit.path_id("simulation_id", SIMULATION_PREFIX))
    kind = Worse(visit.param("kind")) if visit.param("kind") in set(Worse) else Worse.LATE
    by = By(visit.param("by")) if visit.param("by") in set(By) else None
    value = visit.param("value")
    async with visit.read() as reader:
        one = await routing.simulation(reader, simulation_id)
        counts = one.groups.get(kind.value, {})
        if by is not None and value not in counts.get(by.value, {}):
            by, value = None, ""
        found = await routing.simulated_orders(reader, simulation_id, kind, by, value, limit=MOST)
        numbers = await orders.numbers(reader, [OrderId(row.order_id) for row in found])
        names = await names_of(visit, reader, one)
        currency = await house_currency(reader)
    total = sum(counts.get(By.CHANNEL.value, {}).values()) if by is None else counts[by.value][value]
    here = f"/routing/simulations/{to_text(SIMULATION_PREFIX, simulation_id)}"
    return visit.respond(
        "routing/simulated.html",
        title=visit.say(KIND_WORDS[kind][0]),
        meaning=visit.say(KIND_WORDS[kind][1]),
        here=here,
        name=one.name or visit.say(N_("As is decided now")),
        group="" if by is None else names.of(by, value),
        kinds=[(visit.say(KIND_WORDS[each][0]), href_of(one.id, each), each is kind, None) for each in Worse],
        parts=[(visit.say(word), groups_of(one, kind, each, names), each is by) for each, word in BY_WORDS.items()],
        value=value,
        rows=[_row(visit, here, kind, row, numbers, names, currency) for row in found],
        total=total,
        all_href=href_of(one.id, kind),
    )


def _row(
    visit: Visit, here: str, kind: Worse, one: Drilled, numbers: Mapping[OrderId, int], names: Names, currency: Currency
) -> Row:
    known = numbers.get(OrderId(one.order_id))
    return Row(
        f"{here}/orders/{to_text(ORDER_PREFIX, one.order_id)}",
        str(known) if known is not None else visit.say(N_("Gone")),
        amount_words(visit, kind, one.amounts[kind], currency),
        ", ".join(names.place(place) for place in one.places),
        ", ".join(dict.fromkeys(names.place(parcel.site) for parcel in one.seen.happened)),
        names.of(By.CHANNEL, one.channel),
        one.seen.job.placed_at.date(),
    )


def amount_words(visit: Visit, kind: Worse, amount: int, currency: Currency) -> str:
    if kind is Worse.DEARER:
        return f"+{formatting.money(amount, currency, visit.page.locale)}"
    if kind is Worse.SPLIT:
        return visit.says("%(num)s parcel more", "%(num)s parcels more", amount)
    if amount >= routing.NEVER:
        return visit.say(N_("not whole"))
    return visit.says("%(num)s day late", "%(num)s days late", amount)


# Why


@area.get("/routing/simulations/{simulation_id:str}/orders/{order_id:str}", Permission.ROUTING_READ)
async def why(visit: Visit) -> Answer:
    """One order as it would have been decided, with what was thought of every location, beside what happened."""
    simulation_id = SimulationId(visit.path_id("simulation_id", SIMULATION_PREFIX))
    order_id = OrderId(visit.path_id("order_id", ORDER_PREFIX))
    async with visit.read() as reader:
        one = await routing.simulation(reader, simulation_id)
        found = await routing.simulated(reader, simulation_id, order_id)
        known = (await orders.numbers(reader, [order_id])).get(order_id)
        if known is None:
            raise NotFound(kind="order", id=str(order_id))
        names = await names_of(visit, reader, one)
        currency = await house_currency(reader)
    told = _explained(one, found, names)
    able = [verdict for verdict in told.verdicts if verdict.fence is None and verdict.site in told.sites]
    stopped = [verdict for verdict in told.verdicts if verdict.fence is not None and verdict.site in told.sites]
    return visit.respond(
        "routing/simulated_order.html",
        number=known,
        order_href=order_href(order_id),
        really_href=f"{order_href(order_id)}/routing",
        here=f"/routing/simulations/{to_text(SIMULATION_PREFIX, simulation_id)}",
        name=one.name or visit.say(N_("As is decided now")),
        sentence=sentence(visit, told, "", currency) if all(p.site in told.sites for p in told.decision.parcels) else "",
        worse=[(visit.say(KIND_WORDS[kind][0]), amount_words(visit, kind, n, currency)) for kind, n in found.amounts.items()],
        would=[_parcel(visit, parcel, names, currency) for parcel in found.seen.parcels],
        lacking=sum(units for _, units in found.seen.lacking),
        happened=[_parcel(visit, parcel, names, currency) for parcel in found.seen.happened],
        promised=found.seen.job.needed_by,
        heads=[head(visit, told, weight.rating) for weight in told.rules.ratings],
        rows=[_verdict(visit, told, verdict, currency) for verdict in able],
        more=found.seen.able - len(able),
        stopped=[(told.sites[verdict.site].name, stopped_words(visit, verdict)) for verdict in stopped],
        placed_at=found.seen.job.placed_at,
    )


def _explained(one: Simulation, found: Drilled, names: Names) -> Explained:
    """As the log of decisions has it, so that the same words tell it."""
    seen = found.seen
    logged = Logged(
        id=DecisionId(found.order_id),
        order_id=found.order_id,
        kind=DecisionKind.ROUTED,
        at=seen.job.placed_at,
        actor="",
        job=seen.job,
        before=(),
        parcels=seen.parcels,
        lacking=seen.lacking,
        rule_set_id=one.rule_set_id if seen.rules == one.rules else None,
        version=one.version,
        load={},
    )
    return Explained(logged, seen.rules, one.name if seen.rules == one.rules else "", dict(names.sites), seen.verdicts)


def _parcel(visit: Visit, parcel: Parcel, names: Names, currency: Currency) -> tuple[str, str]:
    locale = visit.page.locale
    parts = [visit.says("%(num)s unit", "%(num)s units", sum(pick.quantity for pick in parcel.picks)), parcel.carrier]
    if parcel.cost:
        parts.append(formatting.money(parcel.cost, currency, locale))
    parts.append(visit.say(N_("there on %(day)s"), day=formatting.day(parcel.arrives_on, locale, visit.page.zone)))
    return names.place(parcel.site), " · ".join([part for part in parts if part])


def _verdict(visit: Visit, told: Explained, one: Verdict, currency: Currency) -> tuple[str, bool, str, Sequence[str]]:
    """(location, whether it would send, its place, its figures)."""
    place = ""
    if one.score is not None:
        weighted = told.rules.mode is Mode.WEIGHTED and len(told.rules.ratings) > 1
        place = number(visit, one.score, 3) if weighted else str(int(one.score) + 1)
    cells = [
        cell(visit, told, weight.rating, one.ratings[weight.rating], currency) if weight.rating in one.ratings else ""
        for weight in told.rules.ratings
    ]
    return told.sites[one.site].name, any(parcel.site == one.site for parcel in told.decision.parcels), place, cells


# While it runs


def left_words(visit: Visit, one: Simulation, now: datetime) -> str:
    """How long it will take yet, as far as it can be told; empty until it can."""
    if one.began_at is None or not one.orders or one.done * 50 < one.orders:
        return ""
    if one.done >= one.orders:
        return visit.say(N_("Everything is decided; the figures are being put together."))
    gone = max(now.astimezone(UTC) - one.began_at, timedelta(seconds=1)).total_seconds()
    return visit.say(
        N_("About %(time)s left"),
        time=formatting.duration(max(1.0, round(gone * (one.orders - one.done) / one.done)), visit.page.locale),
    )
