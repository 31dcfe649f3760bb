"""A decision of routing in words: on which occasion it was taken, why it came out as it did, and what stopped a location."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date

from comptoir.i18n import N_
from comptoir.kernel.money import Currency
from comptoir.modules.fulfilment.contracts import RejectReason
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import Rejection
from comptoir.modules.routing.contracts import (
    Cause,
    DecisionKind,
    Detail,
    Explained,
    Fence,
    Logged,
    Mode,
    Rating,
    Run,
    Verdict,
    Weight,
)
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.picks import listed
from comptoir.surfaces.console.pages.work_words import REJECT_WORDS
from comptoir.surfaces.console.web import Visit

KIND_WORDS: Mapping[DecisionKind, str] = {
    DecisionKind.CAPTURED: N_("As it was promised"),
    DecisionKind.ROUTED: N_("By a rule set, at once"),
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
    Fence.EXPIRY: N_("What lies there may not be sold: it expires too soon, or is recalled"),
    Fence.MINIMUM_PICK: N_("Too little to be worth a parcel"),
}
DETAIL_WORDS: Mapping[Detail, str] = {
    Detail.LISTED: N_("The rules name it as one that never sends"),
    Detail.KIND: N_("The rules use no locations of its kind"),
    Detail.TOO_FAR: N_("Farther away than the rules allow"),
    Detail.OTHER_COUNTER: N_("It is collected at another location"),
    Detail.CLOSED: N_("Closed for good"),
    Detail.SENDS_NOTHING: N_("Sends nothing, or hands nothing out"),
    Detail.NEVER_OPEN: N_("Its opening hours have no open day"),
    Detail.SERVICE: N_("No carrier service is set up for this kind of delivery"),
    Detail.COUNTRY: N_("No carrier service goes to this country"),
    Detail.DANGEROUS: N_("No carrier service takes dangerous goods there"),
    Detail.WEIGHT: N_("Too heavy for every carrier service"),
    Detail.TOGETHER: N_("No carrier service takes all of it together"),
    Detail.NOT_COLLECTED: N_("No carrier service that takes it collects there"),
    Detail.DISTANCE: N_("Beyond the last zone of every carrier service"),
    Detail.NO_DAY: N_("No parcel ever leaves there"),
}
_DAYS_HEADS: Mapping[Rating, str] = {Rating.COVER: N_("Lasts for"), Rating.MARKDOWN: N_("Lies for")}
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
_CAUSE_WORDS: Mapping[Cause, str] = {
    Cause.FIRST: N_("The order was new."),
    Cause.ADDED: N_("Units were promised that nothing had been decided about yet."),
    Cause.GIVEN_BACK: N_("A location gave it back."),
    Cause.RULES: N_("Nobody might send it; it was tried again because the rules have changed."),
    Cause.PLACES: N_("Nobody might send it; it was tried again because locations or carriers have changed."),
    Cause.STOCK: N_("Nobody might send it; it was tried again because stock has come."),
    Cause.LATER: N_("Nobody might send it; it was tried again after some time."),
}
FAR = 40_000.0


def withheld_words(visit: Visit, one: Verdict) -> str:
    """What lies there and may not be sold; empty where there is nothing, or where it would change nothing."""
    told: list[str] = []
    for row in one.withheld:
        if row.why == "blocked":
            word = visit.says("%(num)s unit of lot %(lot)s is recalled", "%(num)s units of lot %(lot)s are recalled",
                              row.quantity, lot=row.lot)  # fmt: skip
        elif row.why == "expired":
            word = visit.says("%(num)s unit of lot %(lot)s expired on %(day)s",
                              "%(num)s units of lot %(lot)s expired on %(day)s",
                              row.quantity, lot=row.lot, day=_day(visit, row.expires_on))  # fmt: skip
        else:
            word = visit.says("%(num)s unit of lot %(lot)s expires too soon, on %(day)s",
                              "%(num)s units of lot %(lot)s expire too soon, on %(day)s",
                              row.quantity, lot=row.lot, day=_day(visit, row.expires_on))  # fmt: skip
        told.append(word)
    return "; ".join(told)


def _day(visit: Visit, day: date | None) -> str:
    return "" if day is None else formatting.day(day, visit.page.locale, visit.page.zone)


def stopped_words(visit: Visit, one: Verdict) -> str:
    """What stopped a location, as exactly as it is known."""
    if one.fence is Fence.EXPIRY and one.withheld:
        return withheld_words(visit, one)
    if one.carriers:
        names = listed(one.carriers, visit.page.locale)
        return visit.say(N_("Not collected there by %(carriers)s, which would take it"), carriers=names)
    if one.detail is not None:
        return visit.say(DETAIL_WORDS[one.detail])
    return "" if one.fence is None else visit.say(FENCE_WORDS[one.fence])


def occasion(
    visit: Visit, told: Explained, who: str, currency: Currency, rejections: Sequence[Rejection], earlier: Logged | None
) -> str:
    """Why it was decided then; `earlier` is the decision before it, of the same order."""
    one = told.decision
    match told.cause:
        case Cause.PERSON:
            return visit.say(N_("%(who)s wanted it so."), who=who)
        case Cause.RUN:
            return _run(visit, one, currency)
        case Cause.GIVEN_BACK:
            return _given_back(visit, told, rejections, earlier) or visit.say(_CAUSE_WORDS[told.cause])
        case _:
            return visit.say(_CAUSE_WORDS[told.cause])


def _run(visit: Visit, one: Logged, currency: Currency) -> str:
    run = one.run
    if run is None:
        return visit.say(N_("It was the turn of a run that decides orders together."))
    return " ".join(
        [_moved(visit, run, currency), *([visit.say(N_("The run is “%(code)s”."), code=run.code)] if run.code else [])]
    )


def _moved(visit: Visit, run: Run, currency: Currency) -> str:
    if run.saved <= 0:
        return visit.says(
            "A run decided orders together and moved %(num)s of them.",
            "A run decided orders together and moved %(num)s of them.",
            run.orders,
        )
    saved = formatting.money(run.saved, currency, visit.page.locale)
    return visit.says(
        "A run decided orders together and moved %(num)s of them; all together that saves %(saved)s.",
        "A run decided orders together and moved %(num)s of them; all together that saves %(saved)s.",
        run.orders,
        saved=saved,
    )


def _given_back(visit: Visit, told: Explained, rejections: Sequence[Rejection], earlier: Logged | None) -> str:
    at = told.decision.at
    lines = {need.line_no for need in told.decision.job.needs}
    found = [
        one
        for one in rejections
        if one.at <= at and (earlier is None or one.at >= earlier.at) and one.line_no in lines
        and one.location_id in told.decision.job.rejected_by
    ]  # fmt: skip
    parts = dict.fromkeys((one.location_id, one.reason) for one in found)
    words = [
        visit.say(N_("%(name)s gave it back: %(reason)s."), name=name_of(told, place), reason=_reason(visit, reason))
        for place, reason in parts
    ]
    return " ".join(words)


def _reason(visit: Visit, reason: str) -> str:
    known = {one.value: one for one in RejectReason}
    return visit.say(REJECT_WORDS[known[reason]]) if reason in known else reason


def sentence(visit: Visit, told: Explained, who: str, currency: Currency) -> str:
    """Why it comes from there, in a sentence."""
    decision = told.decision
    chosen = [parcel.site for parcel in decision.parcels]
    if not chosen:
        return visit.say(N_("No location may send it."))
    if decision.kind is DecisionKind.PERSON:
        return _by_hand(visit, told, who, chosen)
    if decision.kind is not DecisionKind.CAPTURED and _go_apart(told, chosen):
        return _apart(visit, told, chosen)
    if len(chosen) > 1:
        return _shared(visit, told, chosen, currency)
    return _the_only_one(visit, told, chosen[0], currency)


def _by_hand(visit: Visit, told: Explained, who: str, chosen: Sequence[LocationId]) -> str:
    names = names_of(visit, told, chosen)
    against = next((one for one in told.verdicts if one.site in chosen and one.fence is not None), None)
    if against is None:
        return visit.say(N_("%(who)s chose %(names)s."), who=who, names=names)
    words = stopped_words(visit, against)
    return visit.say(N_("%(who)s chose %(names)s, although the rules say: %(words)s."), who=who, names=names, words=words)


def _able(told: Explained) -> list[Verdict]:
    return [verdict for verdict in told.verdicts if verdict.fence is None]


def _shared(visit: Visit, told: Explained, chosen: Sequence[LocationId], currency: Currency) -> str:
    """Why several share it."""
    names, job = names_of(visit, told, chosen), told.decision.job
    if job.pickup_at is not None and job.pickup_at in chosen:
        others = names_of(visit, told, [site for site in chosen if site != job.pickup_at])
        counter = name_of(told, job.pickup_at)
        return visit.say(N_("%(counter)s, where it is collected, lacks some of it: %(names)s send that there."),
                         counter=counter, names=others)  # fmt: skip
    able = _able(told)
    whole = next((one for one in able if not one.lacking), None)
    if whole is not None:
        return _rather_than(visit, told, whole, chosen, currency)
    if any(not one.lacking for one in told.verdicts):
        return visit.say(N_("No location that may send it has all of it: %(names)s share it."), names=names)
    return visit.say(N_("No location has all of it: %(names)s share it."), names=names)


_OF_GOODS = frozenset({Detail.TOGETHER, Detail.DANGEROUS, Detail.WEIGHT})


def _go_apart(told: Explained, chosen: Sequence[LocationId]) -> bool:
    """Whether no carrier takes all of it together from any of those that send it."""
    details = {one.site: one.detail for one in told.verdicts}
    return all(details.get(site) in _OF_GOODS for site in chosen)


def _apart(visit: Visit, told: Explained, chosen: Sequence[LocationId]) -> str:
    """Of what no carrier takes together."""
    places = list(dict.fromkeys(chosen))
    names = names_of(visit, told, places)
    if len(places) == 1:
        words = N_("No carrier takes all of it together: %(name)s sends each part with one that takes it.")
        return visit.say(words, name=names)
    return visit.say(N_("No carrier takes all of it together: %(names)s each send a part that a carrier takes."), names=names)


def _rather_than(visit: Visit, told: Explained, best: Verdict, chosen: Sequence[LocationId], currency: Currency) -> str:
    """Why these, although the rules alone would have taken one that has all of it."""
    values = {"best": name_of(told, best.site), "names": names_of(visit, told, chosen)}
    kind, alone = told.decision.kind, told.alone
    if kind is DecisionKind.CAPTURED:
        return visit.say(
            N_("It was promised from %(names)s, and no rule set moves it; by these rules %(best)s comes first."), **values
        )
    if kind is not DecisionKind.BATCH:
        return visit.say(
            N_("%(best)s comes first, but orders that were decided in the same moment came before this one: %(names)s."),
            **values,
        )
    cost = sum(parcel.cost for parcel in told.decision.parcels)
    if alone is not None and not alone.lacking and cost < alone.cost:
        values["best"] = names_of(visit, told, [parcel.site for parcel in alone.parcels])
        values["cost"] = formatting.money(cost, currency, visit.page.locale)
        values["other"] = formatting.money(alone.cost, currency, visit.page.locale)
        return visit.say(
            N_("By itself it would come from %(best)s, for %(other)s; from %(names)s it costs %(cost)s."), **values
        )
    return visit.say(N_("By itself it would come from %(best)s; the run needed that for other orders: %(names)s."), **values)


def _the_only_one(visit: Visit, told: Explained, chosen: LocationId, currency: Currency) -> str:
    """Why one location sends what is sent of it."""
    able = _able(told)
    name, places = name_of(told, chosen), [verdict.site for verdict in able]
    if chosen not in places:
        return _stopped_now(visit, told, chosen)
    own = able[places.index(chosen)]
    ahead = able[: places.index(chosen)]
    if len(able) == 1:
        return visit.say(N_("%(name)s is the only location that may send it."), name=name)
    if own.lacking and all(one.lacking for one in able):
        return visit.say(N_("No location may send all of it; %(name)s sends the most."), name=name)
    if not ahead:
        return _beaten(visit, told, able, currency)
    whole = next((one for one in ahead if not one.lacking), None)
    if whole is not None:
        return _rather_than(visit, told, whole, [chosen], currency)
    best = name_of(told, ahead[0].site)
    return visit.say(N_("%(best)s comes first, but does not have all of it; %(name)s does."), best=best, name=name)


def _stopped_now(visit: Visit, told: Explained, chosen: LocationId) -> str:
    """Of a location that the rules stop all the same."""
    name = name_of(told, chosen)
    against = next((one for one in told.verdicts if one.site == chosen), None)
    words = "" if against is None else stopped_words(visit, against)
    if told.decision.kind is not DecisionKind.CAPTURED:
        return visit.say(N_("%(name)s might send it as it was decided; as the books stand it says: %(words)s."), name=name,
                         words=words)  # fmt: skip
    if not words:
        return visit.say(N_("It was promised from %(name)s, and no rule set moves it."), name=name)
    return visit.say(
        N_("It was promised from %(name)s, and no rule set moves it; by these rules: %(words)s."), name=name, words=words
    )


def _beaten(visit: Visit, told: Explained, able: Sequence[Verdict], currency: Currency) -> str:
    """By which rating the first one is before the second."""
    first, second = able[0], able[1]
    name, other = name_of(told, first.site), name_of(told, second.site)
    if told.rules.mode is Mode.WEIGHTED and len(told.rules.ratings) > 1:
        return visit.say(
            N_("%(name)s weighs best: %(score)s against %(second)s of %(other)s; 0 would be best in everything."),
            name=name,
            other=other,
            score=number(visit, first.score or 0.0, 3),
            second=number(visit, second.score or 0.0, 3),
        )
    equals = list(able)
    for one in told.rules.ratings:
        steps = _steps(one, [verdict.ratings[one.rating] for verdict in equals])
        if steps[0] != steps[1]:
            return visit.say(
                N_("%(name)s is first by %(rating)s: %(mine)s against %(theirs)s of %(other)s."),
                name=name,
                other=other,
                rating=head(visit, told, one.rating).lower(),
                mine=cell(visit, told, one.rating, first.ratings[one.rating], currency),
                theirs=cell(visit, told, one.rating, second.ratings[one.rating], currency),
            )
        equals = [verdict for verdict, step in zip(equals, steps, strict=True) if step == steps[0]]
    return visit.say(N_("%(name)s and %(other)s are equal; the order of the stock pool decides."), name=name, other=other)


def head(visit: Visit, told: Explained, rating: Rating) -> str:
    """What the column of a rating is called."""
    return visit.say((_DAYS_HEADS if told.by_days and rating in _DAYS_HEADS else RATING_HEADS)[rating])


def _steps(one: Weight, values: Sequence[float]) -> list[float]:
    """What is closer than the tolerance falls on one step, counted from the best."""
    best = min(values)
    return [math.floor((value - best) / one.tolerance) if one.tolerance else value for value in values]


def cell(visit: Visit, told: Explained, rating: Rating, value: float, currency: Currency) -> str:
    """A rating in its own unit."""
    if told.by_days and rating in _DAYS_HEADS:
        return visit.says("%(shown)s day", "%(shown)s days", 1 if value >= -1 else 2, shown=number(visit, 0.0 - value))
    shown = number(visit, value)
    match rating:
        case Rating.DISTANCE:
            shown = visit.say(N_("unknown")) if value >= FAR else visit.say(N_("%(number)s km"), number=shown)
        case Rating.COST:
            shown = formatting.money(round(value), currency, visit.page.locale)
        case Rating.COVER | Rating.LOAD:
            shown = formatting.percent(value, visit.page.locale)
        case Rating.CARBON:
            shown = visit.say(N_("%(number)s g"), number=shown)
        case Rating.MARKDOWN:
            shown = visit.say(N_("%(number)s such orders"), number=number(visit, -value))
        case _:
            pass
    return shown


def number(visit: Visit, value: float, digits: int = 1) -> str:
    return formatting.number(round(value, digits), visit.page.locale)


def name_of(told: Explained, site: LocationId) -> str:
    return told.sites[site].name if site in told.sites else str(site)


def names_of(visit: Visit, told: Explained, sites: Sequence[LocationId]) -> str:
    return listed([name_of(told, site) for site in sites], visit.page.locale)


def title(visit: Visit, one: Logged) -> str:
    """What a decision is called in a list."""
    return visit.say(KIND_WORDS[one.kind])
