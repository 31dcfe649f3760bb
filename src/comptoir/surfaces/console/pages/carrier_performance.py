"""How well carriers do: each service and lane on time, how late, how many days, what is lost or broken, and what it costs.

What is shown here is what counts when a carrier is chosen for a box, so that the page says what it makes of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from babel.dates import format_date

from comptoir.i18n import N_
from comptoir.kernel.money import Currency
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Counts, LaneKey, Monthly, Performance, Spent
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.exporting import plain_amount
from comptoir.surfaces.console.pages import lists, picks
from comptoir.surfaces.console.pages.amounts import house_currency
from comptoir.surfaces.console.pages.operations_carriers import VERDICT_WORDS
from comptoir.surfaces.console.pages.parcels_tabs import carrier_tabs, parcel_tabs
from comptoir.surfaces.console.web import Answer, Area, Visit

area = Area("parcels")

PERIODS = {"1": N_("This month"), "3": N_("Three months"), "6": N_("Six months"), "12": N_("A year")}
BYS = {"service": N_("Carrier and service"), "carrier": N_("Carrier"), "lane": N_("Lane")}
_SHOWN = 200
_LINES = 5
"""So many carriers stand in the chart."""
_NOTHING = Counts()


@dataclass(frozen=True, slots=True)
class Score:
    """How a carrier, a service of it, or one of its lanes did."""

    performance: Performance
    costs: Mapping[str, tuple[int, int]]
    """(parcels, cost) by currency."""
    extra: int
    """What being late, lost or damaged is reckoned with, for a parcel."""
    verdict: str
    tone: str
    lane: str
    cost: str

    @property
    def counts(self) -> Counts:
        return self.performance.counts

    @property
    def name(self) -> str:
        return self.performance.lane.carrier

    @property
    def service(self) -> str:
        return self.performance.lane.service


_SORTS: Mapping[str, Callable[[Score], tuple[float | int | str, ...]]] = {
    "name": lambda one: (one.name.casefold(), one.service.casefold(), one.lane),
    "parcels": lambda one: (one.counts.parcels, one.name),
    "on_time": lambda one: (-1 if one.performance.on_time is None else one.performance.on_time, one.name),
    "days": lambda one: (-1 if one.performance.days is None else one.performance.days, one.name),
    "extra": lambda one: (one.extra, one.name),
}


def begin_of(today: date, months: int) -> date:
    """The first day of so many months, this one among them."""
    first = today.replace(day=1)
    whole = first.year * 12 + first.month - months
    return date(whole // 12, whole % 12 + 1, 1)


@area.get("/carriers/performance", Permission.ORDERS_READ)
async def performance_page(visit: Visit) -> Answer:
    months = visit.param("months") if visit.param("months") in PERIODS else "6"
    by = visit.param("by") if visit.param("by") in BYS else "service"
    carrier, country = visit.param("carrier"), visit.param("country")
    sort = visit.sort(tuple(_SORTS), "-parcels")
    today = visit.page.now.astimezone(visit.page.zone).date()
    since = begin_of(today, int(months))
    wanted = _Wanted((carrier,) if carrier else (), country, since)
    async with visit.read() as reader:
        found = await _found(reader, wanted)
        monthly = await tracking.monthly(reader, since, carriers=wanted.carriers, destination_country=country)
        carriers, countries = await tracking.known_words(reader)
        currency = await house_currency(reader)
        ruling = (await tracking.ruling.get(reader))[0]
    rows = _sorted(_scores(visit, found, by, ruling), sort)
    if visit.wants_csv:
        return visit.csv("carriers-performance", [visit.say(word) for word in _COLUMNS], _exported(visit, rows, currency))
    named = picks.country_options(countries, visit.page.locale)
    return visit.respond(
        "carrier_performance/page.html",
        "carrier_performance/_results.html",
        rows=rows[:_SHOWN],
        more=max(0, len(rows) - _SHOWN),
        whole=_whole(found.lanes),
        paid=_cost_words(visit, found.spent),
        by=by,
        months=months,
        since=since,
        sort=sort,
        currency=currency,
        chart=_chart(visit, monthly, since, int(months)),
        chart_words=_chart_words(visit, rows, by),
        ruling=ruling,
        periods=[(code, visit.say(word)) for code, word in PERIODS.items() if code != "6"],
        bys=[(code, visit.say(word)) for code, word in BYS.items() if code != "service"],
        carriers=[(name, name) for name in carriers],
        countries=named,
        chips=lists.chips(visit, [(N_("Carrier"), "carrier", {}), (N_("Country"), "country", dict(named))]),
        tabs=parcel_tabs(visit, "performance"),
        own_tabs=carrier_tabs(visit, "performance"),
        is_empty=not found.lanes,
    )


def _whole(lanes: Iterable[Performance]) -> Performance:
    counts = _NOTHING
    for one in lanes:
        counts = counts.plus(one.counts)
    return Performance(LaneKey("", "", "", "", "", ""), counts)


@dataclass(frozen=True, slots=True)
class _Wanted:
    carriers: tuple[str, ...]
    country: str
    since: date


@dataclass(frozen=True, slots=True)
class _Found:
    lanes: Sequence[Performance]
    spent: Sequence[Spent]


async def _found(reader: Reader, wanted: _Wanted) -> _Found:
    return _Found(
        await tracking.performance(reader, wanted.since, carriers=wanted.carriers, destination_country=wanted.country),
        await tracking.spent(reader, wanted.since, carriers=wanted.carriers, destination_country=wanted.country),
    )


def _key(lane: LaneKey, by: str) -> LaneKey:
    if by == "lane":
        return lane
    return LaneKey(lane.carrier, lane.service if by == "service" else "", "", "", "", "")


def _scores(visit: Visit, found: _Found, by: str, ruling: tracking.Ruling) -> list[Score]:
    counted: dict[LaneKey, Counts] = {}
    for one in found.lanes:
        key = _key(one.lane, by)
        counted[key] = counted.get(key, _NOTHING).plus(one.counts)
    paid: dict[LaneKey, dict[str, tuple[int, int]]] = {}
    for one in found.spent:
        own = paid.setdefault(_key(one.lane, by), {})
        parcels, cost = own.get(one.currency, (0, 0))
        own[one.currency] = (parcels + one.parcels, cost + one.cost)
    return [_score(visit, Performance(key, counts), paid.get(key, {}), ruling) for key, counts in counted.items()]


def _score(visit: Visit, one: Performance, paid: Mapping[str, tuple[int, int]], ruling: tracking.Ruling) -> Score:
    verdict, tone = VERDICT_WORDS[tracking.verdict(one.counts)]
    offer = tracking.Offer(one.lane.carrier, one.lane.service, 0, counts=one.counts)
    ((_, extra),) = tracking.choose([offer], tracking.Ruling(late_costs=ruling.late_costs, loss_costs=ruling.loss_costs)).ranked
    costs = " + ".join(
        formatting.money(round(cost / parcels), currency, visit.page.locale) for currency, (parcels, cost) in paid.items()
    )
    return Score(one, paid, extra, visit.say(verdict), tone, _lane_words(visit, one.lane), costs)


def _lane_words(visit: Visit, lane: LaneKey) -> str:
    if not lane.destination_country:
        return ""
    ends = (
        (lane.origin_country, lane.origin_region),
        (lane.destination_country, lane.destination_region),
    )
    return " → ".join(
        " ".join(part for part in (picks.country_name(country, visit.page.locale), region.upper()) if part)
        for country, region in ends
    )


def _sorted(rows: Iterable[Score], sort: str) -> list[Score]:
    return sorted(rows, key=_SORTS[sort.removeprefix("-")], reverse=sort.startswith("-"))


def _cost_words(visit: Visit, spent: Sequence[Spent]) -> str:
    sums: dict[str, int] = {}
    for one in spent:
        sums[one.currency] = sums.get(one.currency, 0) + one.cost
    return " + ".join(formatting.money(cost, currency, visit.page.locale) for currency, cost in sums.items())


# The chart


def _chart(visit: Visit, monthly: Sequence[Monthly], since: date, months: int) -> dict[str, object]:
    """The share on time of the carriers with the most parcels, month by month."""
    days = [begin_of(since, 1 - n) for n in range(months)]
    totals: dict[str, int] = {}
    shares: dict[tuple[str, date], float | None] = {}
    for one in monthly:
        totals[one.carrier] = totals.get(one.carrier, 0) + one.counts.parcels
        shares[one.carrier, one.month] = one.counts.on_time / one.counts.promised if one.counts.promised else None
    most = sorted(totals, key=lambda name: (-totals[name], name))[:_LINES]
    labels = [format_date(day, "MMM y", locale=visit.page.locale) for day in days]
    return {
        "kind": "line" if months > 1 else "bar",
        "unit": "percent",
        "labels": labels,
        "series": [
            {"name": name or visit.say(N_("without a carrier")), "values": [shares.get((name, day)) for day in days]}
            for name in most
        ],
    }


def _chart_words(visit: Visit, rows: Sequence[Score], by: str) -> str:
    """Who is best and who is worst, of those with enough parcels to tell."""
    proven = [
        replace(one, costs={})
        for one in rows
        if tracking.verdict(one.counts) is not tracking.Verdict.UNPROVEN and one.performance.on_time is not None
    ]
    if not proven:
        return visit.say(N_("There are too few parcels yet to tell carriers apart."))
    ordered = sorted(proven, key=lambda one: one.performance.on_time or 0)
    best, worst = ordered[-1], ordered[0]
    told = {
        "best": _called(best, by),
        "best_share": formatting.percent(best.performance.on_time or 0, visit.page.locale, 0),
    }
    if len(proven) == 1:
        return visit.say(N_("%(best)s is on time with %(best_share)s of its parcels."), **told)
    told |= {
        "worst": _called(worst, by),
        "worst_share": formatting.percent(worst.performance.on_time or 0, visit.page.locale, 0),
    }
    return visit.say(N_("The most punctual is %(best)s with %(best_share)s, the least %(worst)s with %(worst_share)s."), **told)


def _called(one: Score, by: str) -> str:
    parts = [one.name, one.service if by != "carrier" else "", one.lane if by == "lane" else ""]
    return " ".join(part for part in parts if part)


_COLUMNS = (
    N_("Carrier"), N_("Service"), N_("From"), N_("Region"), N_("To"), N_("Region"), N_("Parcels"), N_("Delivered"),
    N_("With a promised day"), N_("On time"), N_("Late"), N_("Days late"), N_("Days"), N_("At the first attempt"),
    N_("Damaged"), N_("Lost"), N_("Labels"), N_("Cost"), N_("Currency"), N_("Reckoned with"),
)  # fmt: skip


async def _exported(visit: Visit, rows: Sequence[Score], currency: Currency) -> AsyncIterator[Sequence[object]]:
    locale = visit.page.locale
    for one in rows:
        lane, counts = one.performance.lane, one.counts
        extra = plain_amount(one.extra, currency, locale)
        for code, (labels, cost) in (one.costs or {"": (0, 0)}).items():
            yield (
                lane.carrier, lane.service, lane.origin_country, lane.origin_region.upper(), lane.destination_country,
                lane.destination_region.upper(), counts.parcels, counts.delivered, counts.promised, counts.on_time, counts.late,
                counts.late_days, counts.days, counts.first_time, counts.damaged, counts.lost, labels or "",
                plain_amount(cost, Currency(code), locale) if code else "", code, extra,
            )  # fmt: skip
