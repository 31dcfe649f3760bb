"""The rules of routing as they come in and go out."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.modules.routing.api import (
    MAX_AIM,
    MAX_ANSWER,
    MAX_GIVE_UP,
    MAX_KM,
    MAX_PARCELS,
    MAX_TOLERANCE,
    MAX_VALUE,
    MAX_WEIGHT,
)
from comptoir.modules.routing.contracts import Condition, Mode, Objective, Rating, Rules, Splitting, Weight
from comptoir.surfaces.api.identifiers import parsed, show_location
from comptoir.surfaces.api.shapes import PRINTABLE, Code, CountryCode, CurrencyCode, LocationRef, Request, SkuText

_MANY = 1_000

_Value = Annotated[
    int, Meta(ge=0, le=MAX_VALUE, examples=[2000], description="Minor units (cents) of the currency that the house reckons in.")
]
_Category = Annotated[str, Meta(min_length=1, max_length=500, pattern=PRINTABLE, examples=["Food > Dairy"])]
_Brand = Annotated[str, Meta(min_length=1, max_length=200, pattern=PRINTABLE, examples=["Acme"])]
_Worth = Annotated[
    int,
    Meta(ge=0, le=MAX_VALUE, examples=[5000], description="What the buyer pays for the items, in minor units of `currency`."),
]
_Kind = Literal["warehouse", "store", "supplier"]


class ConditionShape(Request, frozen=True, kw_only=True):
    """Which orders are meant. What is empty or null does not restrict: by default all are."""

    channels: Annotated[tuple[Code, ...], Meta(max_length=_MANY, examples=[["web-fr"]], description="By their codes.")] = ()
    countries: Annotated[
        tuple[CountryCode, ...], Meta(max_length=_MANY, examples=[["FR", "BE"]], description="That the goods go to.")
    ] = ()
    services: Annotated[
        tuple[Service, ...], Meta(max_length=_MANY, examples=[["standard"]], description="How the buyer gets the goods.")
    ] = ()
    categories: Annotated[
        tuple[_Category, ...],
        Meta(
            max_length=_MANY,
            examples=[["Food > Dairy"]],
            description="Of products, as files of products write them: orders that have a product of one, or below it.",
        ),
    ] = ()
    skus: Annotated[
        tuple[SkuText, ...], Meta(max_length=_MANY, examples=[["TEE-RED-M"]], description="Orders that have one of them.")
    ] = ()
    brands: Annotated[
        tuple[_Brand, ...],
        Meta(max_length=_MANY, examples=[["Acme"]], description="Orders that have a product of one of them."),
    ] = ()
    least_value: _Worth | None = None
    most_value: Annotated[_Worth, Meta(examples=[20000])] | None = None
    currency: (
        Annotated[CurrencyCode, Meta(description="Of these values; orders in another one are not meant. It comes with them.")]
        | None
    ) = None


class WeightShape(Request, frozen=True, kw_only=True):
    """What makes one location better than another, and how much it counts."""

    rating: Annotated[
        Rating,
        Meta(
            description="Less is better in each. `priority` of the pool; `distance` (kilometres); `delivery` (days to the door "
            "or the counter); `cost` (minor units); `parcels` (SKUs that come from elsewhere); `cover` and `markdown` (days "
            "that its stock lasts by what it sold in four weeks, below zero: after the order, of the SKU that runs out first, "
            "or on the average of the SKUs as it is; where nobody has sold any, the share of its stock that the order takes, "
            "and how many such orders it would last, below zero); `load` (orders of the day as a share of what it prepares; "
            "without a limit of its own, of the average limit of the others, or of the busiest); `carbon` (grams of CO2)."
        ),
    ]
    weight: Annotated[
        float,
        Meta(gt=0, le=MAX_WEIGHT, examples=[1.0], description="Where they are weighted: how much it counts."),
    ] = 1.0
    tolerance: Annotated[
        float,
        Meta(
            ge=0,
            le=MAX_TOLERANCE,
            examples=[0.0],
            description="Where they are ranked: differences below this do not count. In the rating's own unit.",
        ),
    ] = 0.0


class SplittingShape(Request, frozen=True, kw_only=True):
    """When an order goes in parts."""

    parcels: Annotated[int, Meta(ge=1, le=MAX_PARCELS, examples=[3], description="At most so many; 1 never splits.")] = 3
    least_value: Annotated[_Value, Meta(description="Each part is worth at least so much.")] = 0


_Aim = Annotated[int, Meta(ge=0, le=MAX_AIM, examples=[300], description="Minor units.")]


class ObjectiveShape(Request, frozen=True, kw_only=True):
    """What runs make small, as money: the cost of the parcels, and this. What is decided at once goes by the ratings alone."""

    late_day: Annotated[_Aim, Meta(description="For each day that a parcel comes after the promised one.")] = 300
    carbon_kg: Annotated[_Aim, Meta(examples=[20], description="For each kilogram of CO2.")] = 0
    own_order: (
        Annotated[
            _Aim,
            Meta(
                examples=[5000],
                description="For each place that a parcel's location stands behind the first by the ratings, 20 places at "
                "most. null is the usual: 0 where cost or delivery comes first, else 5000.",
            ),
        ]
        | None
    ) = None


def _once(rating: Rating) -> WeightShape:
    return WeightShape(rating=rating)


class RoutingRulesShape(Request, frozen=True, kw_only=True):
    """How locations are chosen: first who may, then who is best, then whether the order is split."""

    condition: ConditionShape = ConditionShape()
    mode: Annotated[
        Mode,
        Meta(description="`ranked`: the first rating decides, the next only between equals. `weighted`: all count by weight."),
    ] = Mode.RANKED
    ratings: Annotated[
        tuple[WeightShape, ...], Meta(min_length=1, max_length=len(Rating), description="Each of them once.")
    ] = (_once(Rating.PRIORITY), _once(Rating.DISTANCE))
    splitting: SplittingShape = SplittingShape()
    kinds: Annotated[
        tuple[_Kind, ...],
        Meta(min_length=1, max_length=3, description="Of locations that may serve."),
    ] = ("warehouse", "store", "supplier")
    excluded: Annotated[tuple[LocationRef, ...], Meta(max_length=10_000, description="Locations that never serve.")] = ()
    safety: Annotated[
        int,
        Meta(
            ge=0,
            le=MAX_QUANTITY,
            examples=[1],
            description="Units of each SKU that a store keeps for its own customers, beside its safety stock.",
        ),
    ] = 0
    minimum_pick: Annotated[_Value, Meta(description="The value below which a store does not begin a parcel.")] = 0
    max_distance: (
        Annotated[
            float,
            Meta(
                gt=0,
                le=MAX_KM,
                examples=[800.0],
                description="Kilometres beyond which nobody serves; null for any.",
            ),
        ]
        | None
    ) = None
    respect_capacity: Annotated[
        bool, Meta(description="Whether a location that has as many orders as it prepares in a day gets no more.")
    ] = True
    every: Annotated[
        int,
        Meta(ge=0, le=1440, examples=[0], description="Minutes between runs that decide orders together; 0 decides at once."),
    ] = 0
    answer_within: Annotated[
        int,
        Meta(
            ge=0,
            le=MAX_ANSWER,
            examples=[120],
            description="Minutes in which whoever was chosen begins, or the order goes elsewhere; only those count in which it "
            "is open. 0 is no limit.",
        ),
    ] = 0
    give_up_after: Annotated[
        int,
        Meta(
            ge=0,
            le=MAX_GIVE_UP,
            examples=[7],
            description="Days after which what nobody may send is cancelled; 0 leaves it to a person.",
        ),
    ] = 0
    insist_on_date: Annotated[
        bool, Meta(description="Whether who cannot keep the promised date is out, rather than only later than others.")
    ] = False
    count_unanswered: Annotated[
        bool,
        Meta(
            description="Whether also who does not begin in time, or has no staff, counts what it was to send. Who does not "
            "find it, or finds it damaged, always does."
        ),
    ] = True
    objective: ObjectiveShape = ObjectiveShape()


def condition_of(shape: ConditionShape) -> Condition:
    return Condition(
        shape.channels,
        shape.countries,
        shape.services,
        shape.categories,
        shape.skus,
        shape.brands,
        shape.least_value,
        shape.most_value,
        shape.currency or "",
    )


def condition_shape(condition: Condition) -> ConditionShape:
    return ConditionShape(
        channels=condition.channels,
        countries=condition.countries,
        services=condition.services,
        categories=condition.categories,
        skus=condition.skus,
        brands=condition.brands,
        least_value=condition.least_value,
        most_value=condition.most_value,
        currency=condition.currency or None,
    )


def rules_of(shape: RoutingRulesShape) -> Rules:
    return Rules(
        condition=condition_of(shape.condition),
        mode=shape.mode,
        ratings=tuple(Weight(one.rating, one.weight, one.tolerance) for one in shape.ratings),
        splitting=Splitting(shape.splitting.parcels, shape.splitting.least_value),
        kinds=tuple(LocationKind(kind) for kind in shape.kinds),
        excluded=tuple(LocationId(parsed("location", one)) for one in shape.excluded),
        safety=shape.safety,
        minimum_pick=shape.minimum_pick,
        max_distance=shape.max_distance,
        respect_capacity=shape.respect_capacity,
        every=shape.every,
        answer_within=shape.answer_within,
        give_up_after=shape.give_up_after,
        insist_on_date=shape.insist_on_date,
        count_unanswered=shape.count_unanswered,
        objective=Objective(
            late_day=shape.objective.late_day, carbon_kg=shape.objective.carbon_kg, own_order=shape.objective.own_order
        ),
    )


_KINDS: dict[LocationKind, _Kind] = {
    LocationKind.WAREHOUSE: "warehouse",
    LocationKind.STORE: "store",
    LocationKind.SUPPLIER: "supplier",
}


def rules_shape(rules: Rules) -> RoutingRulesShape:
    return RoutingRulesShape(
        condition=condition_shape(rules.condition),
        mode=rules.mode,
        ratings=tuple(WeightShape(rating=one.rating, weight=one.weight, tolerance=one.tolerance) for one in rules.ratings),
        splitting=SplittingShape(parcels=rules.splitting.parcels, least_value=rules.splitting.least_value),
        kinds=tuple(_KINDS[kind] for kind in rules.kinds if kind in _KINDS),
        excluded=tuple(show_location(one) for one in rules.excluded),
        safety=rules.safety,
        minimum_pick=rules.minimum_pick,
        max_distance=rules.max_distance,
        respect_capacity=rules.respect_capacity,
        every=rules.every,
        answer_within=rules.answer_within,
        give_up_after=rules.give_up_after,
        insist_on_date=rules.insist_on_date,
        count_unanswered=rules.count_unanswered,
        objective=ObjectiveShape(
            late_day=rules.objective.late_day, carbon_kg=rules.objective.carbon_kg, own_order=rules.objective.own_order
        ),
    )
