"""Rules as they stand in a form: everything as it was typed, so that nothing is lost, and what it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency, exponent
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId, LocationKind
from comptoir.modules.routing.api import (
    MAX_AIM,
    MAX_ANSWER,
    MAX_GIVE_UP,
    MAX_KM,
    MAX_PARCELS,
    MAX_POSITION,
    MAX_TOLERANCE,
    MAX_VALUE,
    MAX_WEIGHT,
)
from comptoir.modules.routing.contracts import Mode, Objective, Rating, Rules, RuleSetDraft, Splitting, Weight
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import condition_blanks
from comptoir.surfaces.console.pages.amounts import amount, decimal, plain, plain_or_empty
from comptoir.surfaces.console.pages.condition_blanks import enums
from comptoir.surfaces.console.pages.routing_words import SHARES

MANY = (*condition_blanks.MANY, "kinds", "excluded")
"""Blanks in which several things can be ticked."""
SINGLE = (
    "code", "name", "position", "share", "version", "mode", "parcels", "least_value", "safety", "minimum_pick",
    "max_distance", "full", "late", "every", "answer_within", "give_up_after", "doubt", "late_day", "carbon_kg",
    "own_order", *condition_blanks.SINGLE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rated:
    """A rating with what was typed beside it."""

    rating: str
    weight: str = "1"
    tolerance: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A rule set on a form."""

    values: Mapping[str, str]
    ticked: Mapping[str, Sequence[str]]
    ratings: Sequence[Rated]
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    moved: str = ""
    """The step that it comes from: who moves a rating about stays with it."""

    @property
    def weighs(self) -> bool:
        return self.values.get("mode") == Mode.WEIGHTED

    @property
    def left(self) -> list[Rating]:
        """The ratings that are not in it yet."""
        there = {row.rating for row in self.ratings}
        return [rating for rating in Rating if rating.value not in there]


# From rules to the form


def written(draft: RuleSetDraft, currency: Currency, locale: str) -> Sheet:
    rules = draft.rules
    own, ticked_orders = condition_blanks.written(rules.condition, currency, locale)
    values = own | {
        "code": draft.code,
        "name": draft.name,
        "position": str(draft.position),
        "share": str(draft.share),
        "mode": rules.mode.value,
        "parcels": str(rules.splitting.parcels),
        "least_value": plain_or_empty(rules.splitting.least_value, currency, locale),
        "safety": str(rules.safety or ""),
        "minimum_pick": plain_or_empty(rules.minimum_pick, currency, locale),
        "max_distance": "" if rules.max_distance is None else plain(rules.max_distance, locale),
        "full": "more" if not rules.respect_capacity else "",
        "late": "out" if rules.insist_on_date else "",
        "doubt": "" if rules.count_unanswered else "nothing",
        "every": str(rules.every or ""),
        "answer_within": str(rules.answer_within or ""),
        "give_up_after": str(rules.give_up_after or ""),
        "late_day": plain_or_empty(rules.objective.late_day, currency, locale) or "0",
        "carbon_kg": plain_or_empty(rules.objective.carbon_kg, currency, locale),
        "own_order": _own_order(rules.objective, currency, locale),
    }
    ticked = ticked_orders | {
        "kinds": [kind.value for kind in rules.kinds],
        "excluded": [to_text(LOCATION_PREFIX, one) for one in rules.excluded],
    }
    return Sheet(values, ticked, [_rated(one, currency, locale) for one in rules.ratings])


def _rated(one: Weight, currency: Currency, locale: str) -> Rated:
    tolerance = plain(one.tolerance * _scale(one.rating, currency), locale) if one.tolerance else ""
    if one.rating is Rating.COST and one.tolerance == round(one.tolerance):
        tolerance = plain_or_empty(round(one.tolerance), currency, locale)
    return Rated(one.rating.value, plain(one.weight, locale), tolerance)


def _own_order(aim: Objective, currency: Currency, locale: str) -> str:
    """Empty where it is the usual: the money that is meant by it follows from the ratings."""
    return "" if aim.own_order is None else plain_or_empty(aim.own_order, currency, locale) or "0"


def _scale(rating: Rating, currency: Currency) -> float:
    """From a rating's own unit to the one in which it is typed."""
    if rating is Rating.COST:
        return 10.0 ** -exponent(currency)
    return 100.0 if rating in SHARES else 1.0


# From the form to the form: rows are added, moved and taken away


def typed(fields: Fields, *, keeps: bool = True) -> Sheet:
    """The form as it came in. A tolerance is only kept with `keeps`, where the rating beside it has become another one."""
    values = {name: fields.raw(name) for name in SINGLE}
    rows = sorted(int(n) for n in fields.starting("rating:") if n.isascii() and n.isdigit() and len(n) < 4)
    return Sheet(
        values,
        {name: [value for value in fields.all(name) if value] for name in MANY},
        [_row(fields, n, keeps=keeps) for n in rows[: 2 * len(Rating)]],
        fields.errors,
    )


def _row(fields: Fields, n: int, *, keeps: bool) -> Rated:
    rating = fields.raw(f"rating:{n}")
    tolerance = fields.raw(f"tolerance:{n}") if keeps or fields.raw(f"was:{n}") in {"", rating} else ""
    return Rated(rating, fields.raw(f"weight:{n}"), tolerance)


def stepped(sheet: Sheet, step: str, added: str) -> Sheet:
    """The form after a button in it: `add`, `up:cost`, `down:cost`, `away:cost`. Any other one shows it anew."""
    what, _, name = step.partition(":")
    rows = list(sheet.ratings)
    at = next((n for n, row in enumerate(rows) if row.rating == name), None)
    if what == "add" and added in {rating.value for rating in sheet.left}:
        return replace(sheet, ratings=[*rows, Rated(added)], moved=f"add:{added}")
    if at is None:
        return sheet
    row = rows.pop(at)
    if what == "away":
        return replace(sheet, ratings=rows or [row])
    rows.insert(max(0, at - 1) if what == "up" else at + 1 if what == "down" else at, row)
    return replace(sheet, ratings=rows, moved=step)


# From the form to rules


def meant(fields: Fields, currency: Currency) -> RuleSetDraft:
    """What the form says; what is wrong with it is in `fields.errors`."""
    return RuleSetDraft(
        code=fields.text("code", required=True, most=64),
        name=fields.text("name"),
        position=fields.whole("position", most=MAX_POSITION, default=0),
        share=fields.whole("share", most=100, default=100),
        rules=_rules(fields, currency),
    )


def _rules(fields: Fields, currency: Currency) -> Rules:
    sheet = typed(fields)
    far = fields.raw("max_distance")
    kinds = enums(fields, "kinds", LocationKind)
    if not kinds:
        fields.refuse("kinds", N_("Tick at least one."))
    return Rules(
        condition=condition_blanks.meant(fields, currency),
        mode=fields.choice("mode", Mode, Mode.RANKED),
        ratings=tuple(_weight(fields, n, row, currency) for n, row in enumerate(sheet.ratings)) or Rules().ratings,
        splitting=Splitting(
            fields.whole("parcels", least=1, most=MAX_PARCELS, default=3),
            amount(fields, "least_value", currency, most=MAX_VALUE),
        ),
        kinds=kinds,
        excluded=tuple(_ids(fields, "excluded")),
        safety=fields.whole("safety", most=MAX_QUANTITY, default=0),
        minimum_pick=amount(fields, "minimum_pick", currency, most=MAX_VALUE),
        max_distance=decimal(fields, "max_distance", least=0.001, most=MAX_KM) if far else None,
        respect_capacity=fields.raw("full") != "more",
        every=fields.whole("every", most=1440, default=0),
        answer_within=fields.whole("answer_within", most=MAX_ANSWER, default=0),
        give_up_after=fields.whole("give_up_after", most=MAX_GIVE_UP, default=0),
        insist_on_date=fields.raw("late") == "out",
        count_unanswered=fields.raw("doubt") != "nothing",
        objective=Objective(
            late_day=amount(fields, "late_day", currency, most=MAX_AIM) if fields.raw("late_day") else Objective().late_day,
            carbon_kg=amount(fields, "carbon_kg", currency, most=MAX_AIM),
            own_order=amount(fields, "own_order", currency, most=MAX_AIM) if fields.raw("own_order") else None,
        ),
    )


def _weight(fields: Fields, n: int, row: Rated, currency: Currency) -> Weight:
    name = f"rating:{n}"
    given = Fields({name: [row.rating], "weight": [row.weight], "tolerance": [row.tolerance]}, fields.locale)
    rating = given.choice(name, Rating)
    if any(other.rating == row.rating for other in typed(fields).ratings[:n]):
        given.refuse(name, N_("This stands here twice: take one away."))
    if row.tolerance and fields.raw(f"was:{n}") not in {"", row.rating}:
        given.refuse(name, N_("Another rating is measured otherwise: look at its number again."))
    weight = decimal(given, "weight", least=0.000001, most=MAX_WEIGHT, default=1.0)
    scale = _scale(rating, currency)
    tolerance = decimal(given, "tolerance", most=MAX_TOLERANCE * scale, default=0.0)
    for words in given.errors.values():
        fields.errors.setdefault(name, words)
    return Weight(rating, weight, round(tolerance / scale, 6))


def _ids(fields: Fields, name: str) -> list[LocationId]:
    found: dict[LocationId, None] = {}
    for text in fields.all(name):
        given = Fields({name: [text]}, fields.locale)
        location = given.optional_id(name, LOCATION_PREFIX)
        if location is not None:
            found[LocationId(location)] = None
        fields.errors.update(given.errors)
    return list(found)


# Where to begin

_Start = tuple[str, Callable[[], Rules]]
STARTS: Mapping[str, _Start] = {
    "nearest": (N_("Nearest first"), lambda: Rules(ratings=(Weight(Rating.DISTANCE), Weight(Rating.COST)))),
    "cheapest": (N_("Cheapest first"), lambda: Rules(ratings=(Weight(Rating.COST), Weight(Rating.DELIVERY)))),
    "quickest": (
        N_("Quickest first"),
        lambda: Rules(ratings=(Weight(Rating.DELIVERY), Weight(Rating.COST)), insist_on_date=True),
    ),
    "together": (
        N_("In as few parcels as possible"),
        lambda: Rules(ratings=(Weight(Rating.PARCELS), Weight(Rating.COST)), splitting=Splitting(parcels=2)),
    ),
    "clearing": (
        N_("Clear what does not sell"),
        lambda: Rules(ratings=(Weight(Rating.MARKDOWN), Weight(Rating.COST)), safety=1),
    ),
    "balanced": (
        N_("A bit of everything"),
        lambda: Rules(
            mode=Mode.WEIGHTED,
            ratings=(Weight(Rating.COST, 5.0), Weight(Rating.DELIVERY, 3.0), Weight(Rating.LOAD, 2.0)),
        ),
    ),
}
"""Rules that many want, to begin from; by their name in the address."""
