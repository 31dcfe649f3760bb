"""Routing: the rule sets that choose a location for each order, and what routing knows of locations."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from comptoir.kernel.errors import NotFound
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.routing import api
from comptoir.modules.routing.api import MAX_COST, MAX_POSITION, MAX_PREPARATION
from comptoir.modules.routing.contracts import (
    KeptSettings,
    RuleSet,
    RuleSetDraft,
    RuleSetId,
    RuleSetState,
    RuleSetVersion,
    SiteSettings,
)
from comptoir.modules.routing.errors import RuleSetCodeTaken, RuleSetRetired, UnknownRuleSet
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces import rulebook
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import show, show_actor, show_location
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.rule_shapes import RoutingRulesShape, rules_of, rules_shape
from comptoir.surfaces.api.shapes import (
    Actor,
    Code,
    Instant,
    LocationRef,
    PageQuery,
    Request,
    RuleSetRef,
    Search,
    Shape,
    Version,
    Words,
    given,
)
from comptoir.surfaces.api.weekdays import Weekday, flags, weekdays

routing = Resource(
    "Routing",
    "Which location serves an order: of the live rule sets that are meant for it the first one decides, by its ratings. "
    "Where none is, the priority of the pool decides, then the distance.",
)

_Position = Annotated[
    int, Meta(ge=0, le=MAX_POSITION, examples=[10], description="The lower, the earlier it is asked; of equal ones by code.")
]
_Share = Annotated[
    int, Meta(ge=0, le=100, examples=[100], description="Per cent of the orders that it is for; the others go on to the next.")
]
_Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", examples=["14:00"])]
_Cost = Annotated[
    int, Meta(ge=0, le=MAX_COST, examples=[60], description="Minor units (cents) of the currency that the house reckons in.")
]


class RuleSetShape(Shape, frozen=True, kw_only=True):
    """A rule set: for which orders, and how their locations are chosen."""

    id: RuleSetRef
    code: Code
    name: str
    state: RuleSetState
    position: _Position
    share: _Share
    rules: RoutingRulesShape
    version: Version
    created_at: Instant
    updated_at: Instant


class RuleSetVersionShape(Shape, frozen=True, kw_only=True):
    """What a rule set said once, and who said it. Decisions name the version that they were taken under."""

    version: Version
    state: RuleSetState
    code: Code
    name: str
    position: _Position
    share: _Share
    rules: RoutingRulesShape
    at: Instant
    actor: Actor


class NewRuleSet(Request, frozen=True, kw_only=True):
    """A rule set that is to be. It is a draft, which decides nothing."""

    code: Code
    name: Words = ""
    position: _Position = 0
    share: _Share = 100
    rules: RoutingRulesShape = RoutingRulesShape()


class ChangeRuleSet(Request, frozen=True, kw_only=True):
    """What is to be otherwise; the rest stays. `rules`, when they are named, are all of them."""

    code: Code | UnsetType = UNSET
    name: Words | UnsetType = UNSET
    position: _Position | UnsetType = UNSET
    share: _Share | UnsetType = UNSET
    rules: RoutingRulesShape | UnsetType = UNSET


class MoveRuleSet(Request, frozen=True, kw_only=True):
    """The state that it is to be in."""

    state: RuleSetState


class RuleSetQuery(PageQuery, frozen=True, kw_only=True):
    sort: Annotated[
        Literal["position", "-position", "code", "-code"], Meta(description="`position` is the order in which they are asked.")
    ] = "position"
    search: Annotated[Search, Meta(description="Words of the name, or the beginning of the code.")] = ""
    state: RuleSetState | None = None


_RULES = {
    "condition": {"channels": ["web-fr"], "countries": ["FR"], "services": ["standard"]},
    "mode": "ranked",
    "ratings": [{"rating": "cost", "tolerance": 50.0}, {"rating": "distance"}],
    "splitting": {"parcels": 2, "least_value": 1500},
}


@routing.get("/v1/rule-sets", Scope.ROUTING_READ)
async def list_rule_sets(call: Call, query: RuleSetQuery) -> Answer[PageOf[RuleSetShape]]:
    """List rule sets, in the order in which they are asked."""
    async with call.reading() as reader:
        page = await api.find(reader, query.state, query.search, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _shape)


@routing.post(
    "/v1/rule-sets",
    Scope.ROUTING_WRITE,
    status=201,
    refuses=(RuleSetCodeTaken,),
    example={"code": "web-cheap", "name": "Web, cheapest first", "position": 10, "rules": _RULES},
)
async def create_rule_set(call: Call, body: NewRuleSet) -> Answer[RuleSetShape]:
    """Add a rule set, as a draft: it decides nothing before it is put live."""
    draft = RuleSetDraft(**_fields(given(body)))
    async with call.transaction() as tx:
        await rulebook.require_known(tx, draft.rules)
        return await call.done(tx, _shape(await api.create(tx, draft)))


@routing.get("/v1/rule-sets/{rule_set_id}", Scope.ROUTING_READ, refuses=(UnknownRuleSet,))
async def get_rule_set(call: Call) -> Answer[RuleSetShape]:
    """Get a rule set."""
    async with call.reading() as reader:
        return call.answer(_shape(await api.get(reader, _id(call))))


@routing.patch(
    "/v1/rule-sets/{rule_set_id}",
    Scope.ROUTING_WRITE,
    refuses=(UnknownRuleSet, RuleSetCodeTaken, RuleSetRetired),
    example={"share": 20, "rules": _RULES},
)
async def change_rule_set(call: Call, body: ChangeRuleSet) -> Answer[RuleSetShape]:
    """Change a rule set. Where it is live, orders go by it within a second. What it said before is kept as a version."""
    changes = _fields(given(body))
    async with call.transaction() as tx:
        if "rules" in changes:
            await rulebook.require_known(tx, changes["rules"])
        there = await api.get(tx, _id(call))
        changed = await api.update(tx, there.id, replace(there, **changes), version=call.decided_on(there.version))
        return await call.done(tx, _shape(changed))


@routing.post(
    "/v1/rule-sets/{rule_set_id}/state",
    Scope.ROUTING_WRITE,
    refuses=(UnknownRuleSet, RuleSetRetired),
    if_match=True,
    example={"state": "live"},
)
async def move_rule_set(call: Call, body: MoveRuleSet) -> Answer[RuleSetShape]:
    """Put a rule set live, take it back, or retire it.

    `live`: it decides from now on. `draft`: it decides nothing, and may be put live again. `retired`: for good; it is kept, so
    that what it decided can be explained. In that state already, it is answered as it is.
    """
    async with call.transaction() as tx:
        moved = await api.move(tx, _id(call), body.state, version=call.expected_version())
        return await call.done(tx, _shape(moved))


@routing.get("/v1/rule-sets/{rule_set_id}/versions", Scope.ROUTING_READ, refuses=(UnknownRuleSet,))
async def list_rule_set_versions(call: Call, query: PageQuery) -> Answer[PageOf[RuleSetVersionShape]]:
    """List everything that a rule set ever said, the latest first."""
    async with call.reading() as reader:
        page = await api.versions(reader, _id(call), limit=query.limit, cursor=query.cursor)
    return call.page(page, _version_shape)


@routing.get("/v1/rule-sets/{rule_set_id}/versions/{version}", Scope.ROUTING_READ, refuses=(UnknownRuleSet,))
async def get_rule_set_version(call: Call) -> Answer[RuleSetVersionShape]:
    """Get what a rule set said in one version: what a decision that names it was taken under."""
    async with call.reading() as reader:
        return call.answer(_version_shape(await api.said(reader, _id(call), _number(call))))


class LocationRoutingShape(Shape, frozen=True, kw_only=True):
    """What routing knows of a location beside what it is: what sending costs there, and when parcels leave."""

    location_id: LocationRef
    pick_cost: Annotated[_Cost, Meta(description="Of picking one line.")]
    pack_cost: Annotated[_Cost, Meta(description="Of packing one parcel.")]
    cut_off: _Clock
    preparation: int
    working_days: tuple[Weekday, ...]
    version: Annotated[int, Meta(ge=0, examples=[3], description="Grows with every change; 0 while these are the usual ones.")]


class PutLocationRouting(Request, frozen=True, kw_only=True):
    """All that routing is to know of a location. What is left out is as it usually is."""

    pick_cost: Annotated[_Cost, Meta(description="Of picking one line.")] = 0
    pack_cost: Annotated[_Cost, Meta(description="Of packing one parcel.", examples=[90])] = 0
    cut_off: Annotated[_Clock, Meta(description="Local time: what comes later leaves on the next working day.")] = "14:00"
    preparation: Annotated[
        int,
        Meta(ge=0, le=MAX_PREPARATION, examples=[120], description="Minutes until what is collected lies on the counter."),
    ] = 120
    working_days: Annotated[
        tuple[Weekday, ...], Meta(max_length=7, description="On which parcels leave; without any none ever does.")
    ] = (Weekday.MONDAY, Weekday.TUESDAY, Weekday.WEDNESDAY, Weekday.THURSDAY, Weekday.FRIDAY)


@routing.get("/v1/locations/{location_id}/routing", Scope.ROUTING_READ, refuses=(UnknownLocation,))
async def get_location_routing(call: Call) -> Answer[LocationRoutingShape]:
    """Get what routing knows of a location."""
    async with call.reading() as reader:
        location = await locations.get(reader, LocationId(call.id("location")))
        return call.answer(_settings_shape(await api.settings(reader, location.id)))


@routing.put(
    "/v1/locations/{location_id}/routing",
    Scope.ROUTING_WRITE,
    refuses=(UnknownLocation,),
    if_match=True,
    example={"pick_cost": 35, "pack_cost": 90, "cut_off": "16:30", "working_days": ["monday", "wednesday", "friday"]},
)
async def put_location_routing(call: Call, body: PutLocationRouting) -> Answer[LocationRoutingShape]:
    """Say what routing is to know of a location. Decisions go by it within a second."""
    async with call.transaction() as tx:
        location = await locations.get(tx, LocationId(call.id("location")))
        wanted = SiteSettings(
            location_id=location.id,
            pick_cost=body.pick_cost,
            pack_cost=body.pack_cost,
            cut_off=_minutes(body.cut_off),
            preparation=body.preparation,
            works=flags(body.working_days),
        )
        kept = await api.put_settings(tx, wanted, version=call.expected_version())
        return await call.done(tx, _settings_shape(kept))


class LessonShape(Shape, frozen=True, kw_only=True):
    """How often the first plan was kept, and what follows from it."""

    parcels: Annotated[int, Meta(ge=0, description="That came in the last three months.", examples=[212])]
    on_time: Annotated[int, Meta(ge=0, description="Of them, on the day that was planned first, or before.", examples=[190])]
    slack: Annotated[int, Meta(ge=0, description="Days that are added to dates, in promises and in decisions.", examples=[1])]


class CarrierLessonShape(LessonShape, frozen=True, kw_only=True):
    carrier: Annotated[
        str, Meta(description="The code of the carrier service; empty where none was set up.", examples=["ground"])
    ]


class LocationLessonShape(LessonShape, frozen=True, kw_only=True):
    location_id: LocationRef


class LessonsShape(Shape, frozen=True, kw_only=True):
    carriers: list[CarrierLessonShape]
    locations: list[LocationLessonShape]


@routing.get("/v1/routing/lessons", Scope.ROUTING_READ)
async def get_lessons(call: Call) -> Answer[LessonsShape]:
    """See what was learned from promises that were kept and broken.

    It is looked at every night. So many days are added that the share of `COMPTOIR_PROMISES_KEPT` comes in time; of fewer than
    30 parcels nothing is concluded.
    """
    async with call.reading() as reader:
        found = await api.lessons(reader)
    return call.answer(
        LessonsShape(
            carriers=[
                CarrierLessonShape(carrier=code, parcels=one.parcels, on_time=one.on_time, slack=one.slack)
                for code, one in sorted(found.carriers.items())
            ],
            locations=[
                LocationLessonShape(location_id=show_location(place), parcels=one.parcels, on_time=one.on_time, slack=one.slack)
                for place, one in sorted(found.sites.items())
            ],
        )
    )


def _id(call: Call) -> RuleSetId:
    return RuleSetId(call.id("rule_set"))


def _number(call: Call) -> int:
    """The version in the path; what cannot be one is not found."""
    text = call.text("version")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound(kind="rule_set_version", id=text[:64])
    return int(text)


def _fields(fields: dict[str, Any]) -> dict[str, Any]:
    if "rules" in fields:
        fields["rules"] = rules_of(fields["rules"])
    return fields


def _shape(rule_set: RuleSet) -> RuleSetShape:
    return RuleSetShape(
        id=show("rule_set", rule_set.id),
        code=rule_set.code,
        name=rule_set.name,
        state=rule_set.state,
        position=rule_set.position,
        share=rule_set.share,
        rules=rules_shape(rule_set.rules),
        version=rule_set.version,
        created_at=rule_set.created_at,
        updated_at=rule_set.updated_at,
    )


def _version_shape(said: RuleSetVersion) -> RuleSetVersionShape:
    return RuleSetVersionShape(
        version=said.version,
        state=said.state,
        code=said.code,
        name=said.name,
        position=said.position,
        share=said.share,
        rules=rules_shape(said.rules),
        at=said.at,
        actor=show_actor(said.actor),
    )


def _settings_shape(kept: KeptSettings) -> LocationRoutingShape:
    return LocationRoutingShape(
        location_id=show_location(kept.location_id),
        pick_cost=kept.pick_cost,
        pack_cost=kept.pack_cost,
        cut_off=f"{kept.cut_off // 60:02}:{kept.cut_off % 60:02}",
        preparation=kept.preparation,
        working_days=weekdays(kept.works),
        version=kept.version,
    )


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
