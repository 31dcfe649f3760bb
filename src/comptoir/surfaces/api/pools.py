"""Stock pools: the locations that channels may sell from."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from comptoir.modules.locations import api
from comptoir.modules.locations.contracts import LocationId, Pool, PoolDraft, PoolId, PoolSummary
from comptoir.modules.locations.errors import PoolCodeTaken, UnknownPool
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import show, show_location
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import Code, FreeCode, LocationRef, PageQuery, PoolRef, Request, Shape, Version, Words
from comptoir.surfaces.api.stock import place

pools = Resource("Stock pools", "Named, ordered sets of locations that channels may sell from.")

_Priority = Annotated[int, Meta(ge=0, le=1_000_000, description="The lower, the earlier it is asked.", examples=[0])]


class MemberGiven(Request, frozen=True, kw_only=True):
    location_id: LocationRef
    priority: _Priority = 0


class MemberShape(Shape, frozen=True, kw_only=True):
    """A location as a pool sees it."""

    location_id: LocationRef
    code: FreeCode
    priority: _Priority
    ships: bool
    pickup: bool
    active: bool


class PoolShape(Shape, frozen=True, kw_only=True):
    """A pool with its locations, by priority."""

    id: PoolRef
    code: Code
    name: str
    version: Version
    members: list[MemberShape]


class PoolSummaryShape(Shape, frozen=True, kw_only=True):
    id: PoolRef
    code: Code
    name: str
    version: Version
    size: Annotated[int, Meta(description="How many locations it has.", examples=[12])]


class NewPool(Request, frozen=True, kw_only=True):
    """A pool that is to be."""

    code: Code
    name: Words = ""
    members: Annotated[tuple[MemberGiven, ...], Meta(max_length=10_000)] = ()


class ChangePool(Request, frozen=True, kw_only=True):
    """What is to be otherwise. `members`, when they are named, are all of them."""

    code: Code | UnsetType = UNSET
    name: Words | UnsetType = UNSET
    members: Annotated[tuple[MemberGiven, ...], Meta(max_length=10_000)] | UnsetType = UNSET


class PoolQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["code", "-code"] = "code"


@pools.get("/v1/pools", Scope.LOCATIONS_READ)
async def list_pools(call: Call, query: PoolQuery) -> Answer[PageOf[PoolSummaryShape]]:
    """List stock pools."""
    async with call.reading() as reader:
        page = await api.find_pools(reader, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _summary)


@pools.post("/v1/pools", Scope.LOCATIONS_WRITE, status=201, refuses=(PoolCodeTaken,))
async def create_pool(call: Call, body: NewPool) -> Answer[PoolShape]:
    """Add a stock pool."""
    draft = PoolDraft(code=body.code, name=body.name, members=_members(body.members))
    async with call.transaction() as tx:
        return await call.done(tx, _shape(await api.create_pool(tx, draft)))


@pools.get("/v1/pools/{pool_id}", Scope.LOCATIONS_READ, refuses=(UnknownPool,))
async def get_pool(call: Call) -> Answer[PoolShape]:
    """Get a stock pool with its locations."""
    async with call.reading() as reader:
        return call.answer(_shape(await api.pool(reader, PoolId(call.id("pool")))))


@pools.patch("/v1/pools/{pool_id}", Scope.LOCATIONS_WRITE, refuses=(UnknownPool, PoolCodeTaken))
async def change_pool(call: Call, body: ChangePool) -> Answer[PoolShape]:
    """Change a stock pool. Channels sell by it within a second."""
    async with call.transaction() as tx:
        there = await api.pool(tx, PoolId(call.id("pool")))
        draft = PoolDraft(
            code=there.code if body.code is UNSET else body.code,
            name=there.name if body.name is UNSET else body.name,
            members=[(one.id, one.priority) for one in there.members] if body.members is UNSET else _members(body.members),
        )
        changed = await api.update_pool(tx, there.id, draft, version=call.decided_on(there.version))
        return await call.done(tx, _shape(changed))


def _members(members: tuple[MemberGiven, ...]) -> list[tuple[LocationId, int]]:
    return [(place(one.location_id), one.priority) for one in members]


def _summary(pool: PoolSummary) -> PoolSummaryShape:
    return PoolSummaryShape(id=show("pool", pool.id), code=pool.code, name=pool.name, version=pool.version, size=pool.size)


def _shape(pool: Pool) -> PoolShape:
    return PoolShape(
        id=show("pool", pool.id),
        code=pool.code,
        name=pool.name,
        version=pool.version,
        members=[
            MemberShape(
                location_id=show_location(one.id),
                code=one.code,
                priority=one.priority,
                ships=one.ships,
                pickup=one.pickup,
                active=one.active,
            )
            for one in pool.members
        ],
    )
