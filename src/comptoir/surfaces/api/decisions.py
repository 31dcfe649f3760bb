"""The decision log of routing: why an order comes from where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta

from comptoir.i18n import N_, gettext
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.lots import api as lots
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.routing import api
from comptoir.modules.routing.contracts import (
    Cause,
    DecisionId,
    DecisionKind,
    Detail,
    Explained,
    Fence,
    Logged,
    Rating,
    Verdict,
)
from comptoir.modules.routing.errors import UnknownDecision
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces import papers
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import show, show_actor, show_location, show_some
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import (
    Actor,
    Day,
    DecisionRef,
    Instant,
    LineNo,
    LocationRef,
    Minor,
    OrderRef,
    Quantity,
    RuleSetRef,
    Shape,
    SkuText,
)

decisions = Resource("Decisions", "Why an order comes from where it comes from: each decision with its inputs.")


class PickShape(Shape, frozen=True, kw_only=True):
    line_no: LineNo
    sku: SkuText
    quantity: Quantity


class DecidedParcel(Shape, frozen=True, kw_only=True):
    """What one location does."""

    location_id: LocationRef
    carrier: str
    distance_km: float
    cost: Minor
    carbon_g: float
    ready_at: Instant
    arrives_on: Day
    picks: list[PickShape]


class LackingUnits(Shape, frozen=True, kw_only=True):
    line_no: LineNo
    quantity: Quantity


class RunShape(Shape, frozen=True, kw_only=True):
    """Orders that were decided together."""

    orders: Annotated[int, Meta(ge=0, examples=[12], description="That went elsewhere by it.")]
    saved: Annotated[int, Meta(examples=[2350], description="What these cost less than before, all together, in minor units.")]
    code: Annotated[str, Meta(examples=["express"], description="Of the schedule, or of the rule set whose own run it was.")]


class DecisionShape(Shape, frozen=True, kw_only=True):
    """A decision, as it was taken."""

    id: DecisionRef
    order_id: OrderRef
    kind: DecisionKind
    at: Instant
    actor: Actor
    rule_set_id: Annotated[RuleSetRef, Meta(description="None where none was live: priority and distance decided.")] | None
    rule_set_version: int
    service: Service
    begins_at: (
        Annotated[Instant, Meta(description="When it may be begun, with the run that it waits for; null at once.")] | None
    )
    parcels: list[DecidedParcel]
    lacking: Annotated[list[LackingUnits], Meta(description="What nobody might send.")]
    run: Annotated[RunShape, Meta(description="With which others it was decided; none where it was decided by itself.")] | None


class DecisionsShape(Shape, frozen=True, kw_only=True):
    """The latest first."""

    items: list[DecisionShape]


class WithheldShape(Shape, frozen=True, kw_only=True):
    """Units of a lot that lie there and that nobody may get."""

    sku: SkuText
    lot: Annotated[str, Meta(examples=["L2481"])]
    expires_on: Annotated[Day | None, Meta(description="The last day.")]
    quantity: Quantity
    why: Annotated[Literal["too_soon", "expired", "blocked"], Meta(description="`blocked`: it is recalled.")]


class VerdictShape(Shape, frozen=True, kw_only=True):
    """What was thought of one location."""

    location_id: LocationRef
    code: str
    name: str
    chosen: bool
    fence: Annotated[Fence, Meta(description="What stopped it; none for who was rated.")] | None
    detail: (
        Annotated[Detail, Meta(description="What exactly the fence found, where one fence stands for several things.")] | None
    )
    reason: Annotated[
        str,
        Meta(
            examples=["No carrier service takes dangerous goods there."],
            description="The same in a sentence, in the language of `Accept-Language`; empty for who was rated.",
        ),
    ]
    lacking: Annotated[int, Meta(ge=0, examples=[0], description="Units of the order that it did not have.")]
    withheld: Annotated[
        list[WithheldShape],
        Meta(description="What lay there and could not be sold, where the location would have lacked less with it."),
    ]
    ratings: Annotated[
        dict[Rating, float], Meta(description="As measured; less is better in each.", examples=[{"distance": 12.5}])
    ]
    score: Annotated[float, Meta(description="0 is best; ranked rules give the place.")] | None


class ExplainedShape(DecisionShape, frozen=True, kw_only=True):
    """A decision with what was thought of every location: the best first, then those that a fence stopped."""

    rule_set: str
    cause: Annotated[
        Cause,
        Meta(
            description="Why it was decided then: the order was new (`first`), units were `added`, a location had it "
            "`given_back`, nobody might send it and since then the `rules` or the `places` have changed, `stock` has come, or "
            "some time has passed (`later`), it was the turn of a `run`, or a `person` wanted it."
        ),
    ]
    locations: list[VerdictShape]


@decisions.get("/v1/orders/{order_id}/decisions", Scope.ORDERS_READ)
async def list_decisions(call: Call) -> Answer[DecisionsShape]:
    """List what was decided for an order, the latest first."""
    order_id = OrderId(call.id("order"))
    async with call.reading() as reader:
        await orders.order(reader, order_id)
        found = await api.decisions(reader, order_id)
    return call.answer(DecisionsShape(items=[DecisionShape(**_fields(one)) for one in found]))


@decisions.get("/v1/decisions/{decision_id}", Scope.ORDERS_READ, refuses=(UnknownDecision,), worded=True)
async def explain_decision(call: Call) -> Answer[ExplainedShape]:
    """Explain a decision: for each location which fence stopped it, or how it scored.

    Reckoned again by the code that decided, with the rules, the locations and the stock as they were. The reasons are in words
    as well, in the language that `Accept-Language` likes best of `en` and `fr`; in English without it.
    """
    language = papers.wanted(call.headers.get(b"accept-language", b"").decode("latin-1")) or "en"
    async with call.reading() as reader:
        told = await api.explained(reader, DecisionId(call.id("decision")), lots.withheld)
    chosen = {parcel.site for parcel in told.decision.parcels}
    answer = call.answer(
        ExplainedShape(
            **_fields(told.decision),
            rule_set=told.rule_set,
            cause=told.cause,
            locations=[_verdict(told, one, language, chosen=one.site in chosen) for one in told.verdicts],
        )
    )
    headers = ((b"content-language", language.encode()), (b"vary", b"Accept-Language"))
    return msgspec.structs.replace(answer, headers=headers)


def _verdict(told: Explained, one: Verdict, language: str, *, chosen: bool) -> VerdictShape:
    site = told.sites[one.site]
    return VerdictShape(
        location_id=show_location(one.site),
        code=site.code,
        name=site.name,
        chosen=chosen,
        fence=one.fence,
        detail=one.detail,
        reason=_reason(site.name or site.code, one, language),
        lacking=one.lacking,
        withheld=[
            WithheldShape(
                sku=row.sku,
                lot=row.lot,
                expires_on=row.expires_on,
                quantity=row.quantity,
                why=cast("Literal['too_soon', 'expired', 'blocked']", row.why),
            )
            for row in one.withheld
        ],
        ratings={rating: round(value, 6) for rating, value in one.ratings.items()},
        score=None if one.score is None else round(one.score, 6),
    )


def _reason(place: str, one: Verdict, language: str) -> str:
    if one.fence is None:
        return ""
    if one.carriers:
        said = N_("%(place)s is not collected at by %(carriers)s, which would take it.")
        return gettext(language, said, place=place, carriers=", ".join(one.carriers))
    return gettext(language, _FENCES[one.fence] if one.detail is None else _DETAILS[one.detail])


_FENCES: Mapping[Fence, str] = {
    Fence.EXCLUDED: N_("The rules leave it out."),
    Fence.REJECTED: N_("It has given this order back."),
    Fence.UNABLE: N_("It is closed, or does not send."),
    Fence.NO_CARRIER: N_("No carrier takes it from there to this address."),
    Fence.TOO_LATE: N_("It is too late for the promised day."),
    Fence.CAPACITY: N_("It has as many orders as it can prepare in a day."),
    Fence.STOCK: N_("It has none of it above its safety stock."),
    Fence.EXPIRY: N_("What lies there expires too soon, has expired or is recalled."),
    Fence.MINIMUM_PICK: N_("It is too little to be worth a parcel."),
}
_DETAILS: Mapping[Detail, str] = {
    Detail.LISTED: N_("The rules name it as one that never sends."),
    Detail.KIND: N_("The rules use no locations of its kind."),
    Detail.TOO_FAR: N_("It is farther away than the rules allow."),
    Detail.OTHER_COUNTER: N_("It is collected at another location."),
    Detail.CLOSED: N_("It is closed for good."),
    Detail.SENDS_NOTHING: N_("It sends nothing, or hands nothing out."),
    Detail.NEVER_OPEN: N_("Its opening hours have no open day."),
    Detail.SERVICE: N_("No carrier service is set up for this kind of delivery."),
    Detail.COUNTRY: N_("No carrier service goes to this country."),
    Detail.DANGEROUS: N_("No carrier service takes dangerous goods there."),
    Detail.WEIGHT: N_("It is too heavy for every carrier service."),
    Detail.TOGETHER: N_("No carrier service takes all of it together."),
    Detail.NOT_COLLECTED: N_("No carrier service that takes it collects there."),
    Detail.DISTANCE: N_("The address is beyond the last zone of every carrier service."),
    Detail.NO_DAY: N_("No parcel ever leaves there."),
}


def _fields(one: Logged) -> dict[str, Any]:
    return {
        "id": show("decision", one.id),
        "order_id": show("order", one.order_id),
        "kind": one.kind,
        "at": one.at,
        "actor": show_actor(one.actor),
        "rule_set_id": show_some("rule_set", one.rule_set_id),
        "rule_set_version": one.version,
        "service": one.job.service,
        "begins_at": one.job.begins_at,
        "parcels": [
            DecidedParcel(
                location_id=show_location(parcel.site),
                carrier=parcel.carrier,
                distance_km=round(parcel.distance, 1),
                cost=parcel.cost,
                carbon_g=round(parcel.carbon, 1),
                ready_at=parcel.ready_at,
                arrives_on=parcel.arrives_on,
                picks=[PickShape(line_no=pick.line_no, sku=pick.sku, quantity=pick.quantity) for pick in parcel.picks],
            )
            for parcel in one.parcels
        ],
        "lacking": [LackingUnits(line_no=no, quantity=units) for no, units in one.lacking],
        "run": None if one.run is None else RunShape(orders=one.run.orders, saved=one.run.saved, code=one.run.code),
    }
