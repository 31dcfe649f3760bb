"""Channels: where we sell, and how much of what there is each may promise."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from comptoir.modules.channels import api
from comptoir.modules.channels.contracts import Channel, ChannelDraft, ChannelFilter, ChannelKind, PublishRules
from comptoir.modules.channels.errors import ChannelCodeTaken, UnknownChannel
from comptoir.modules.locations.contracts import PoolId
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    ChannelRef,
    Code,
    Count,
    Instant,
    PageQuery,
    PoolRef,
    Request,
    Search,
    Shape,
    Version,
    Words,
    given,
)

channels = Resource("Channels", "Where we sell: own shops, tills, marketplaces, agents. A channel is addressed by its code.")

_HoldFor = Annotated[
    int, Meta(ge=1, le=2_592_000, examples=[600], description="Seconds that a cart keeps what is put into it.")
]


class RulesShape(Request, frozen=True, kw_only=True):
    """How much of what its pool has a channel may promise. The default is everything."""

    buffer: Annotated[Count, Meta(description="Units held back from this channel.", examples=[0])] = 0
    publish_percent: Annotated[int, Meta(ge=0, le=100, description="Of what is left, rounded down.", examples=[100])] = 100
    publish_max: Annotated[Count, Meta(description="At most so many.", examples=[50])] | None = None
    publish_min: Annotated[Count, Meta(description="At least so many where there are.", examples=[0])] = 0
    stop_below: Annotated[Count, Meta(description="Nothing at all while the pool has fewer.", examples=[0])] = 0


class ChannelShape(Shape, frozen=True, kw_only=True):
    """A channel."""

    id: ChannelRef
    code: Code
    name: str
    kind: ChannelKind
    pool_id: PoolRef
    market: Code
    active: bool
    backorder: bool
    rules: RulesShape
    hold_for: _HoldFor
    version: Version
    created_at: Instant
    updated_at: Instant


class NewChannel(Request, frozen=True, kw_only=True):
    """A channel that is to be."""

    code: Code
    name: Words = ""
    kind: ChannelKind
    pool_id: PoolRef
    market: Code
    active: bool = True
    backorder: Annotated[bool, Meta(description="Whether it may take orders for what is not there.")] = False
    rules: RulesShape = RulesShape()
    hold_for: _HoldFor = 600


class ChangeChannel(Request, frozen=True, kw_only=True):
    """What is to be otherwise. `rules`, when they are named, are all of them."""

    name: Words | UnsetType = UNSET
    kind: ChannelKind | UnsetType = UNSET
    pool_id: PoolRef | UnsetType = UNSET
    market: Code | UnsetType = UNSET
    active: bool | UnsetType = UNSET
    backorder: bool | UnsetType = UNSET
    rules: RulesShape | UnsetType = UNSET
    hold_for: _HoldFor | UnsetType = UNSET


class ChannelQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["code", "-code", "name", "-name", "kind", "-kind"] = "code"
    search: Annotated[Search, Meta(description="Words of the name, or the beginning of the code.")] = ""
    kind: ChannelKind | None = None
    active: bool | None = None
    pool_id: PoolRef | None = None
    market: Code | None = None


@channels.get("/v1/channels", Scope.CHANNELS_READ)
async def list_channels(call: Call, query: ChannelQuery) -> Answer[PageOf[ChannelShape]]:
    """List channels."""
    pool = parsed_some("pool", query.pool_id)
    wanted = ChannelFilter(
        search=query.search,
        kind=query.kind,
        active=query.active,
        pool=None if pool is None else PoolId(pool),
        market=query.market,
    )
    async with call.reading() as reader:
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _shape)


@channels.post("/v1/channels", Scope.CHANNELS_WRITE, status=201, refuses=(ChannelCodeTaken,), by_code=True)
async def create_channel(call: Call, body: NewChannel) -> Answer[ChannelShape]:
    """Add a channel."""
    async with call.transaction() as tx:
        return await call.done(tx, _shape(await api.create(tx, ChannelDraft(**_fields(given(body))))))


@channels.get("/v1/channels/{code}", Scope.CHANNELS_READ, refuses=(UnknownChannel,))
async def get_channel(call: Call) -> Answer[ChannelShape]:
    """Get a channel."""
    async with call.reading() as reader:
        return call.answer(_shape(await api.by_code(reader, call.text("code"))))


@channels.patch("/v1/channels/{code}", Scope.CHANNELS_WRITE, refuses=(UnknownChannel,))
async def change_channel(call: Call, body: ChangeChannel) -> Answer[ChannelShape]:
    """Change a channel. It sells by it within a second."""
    changes = _fields(given(body))
    async with call.transaction() as tx:
        there = await api.by_code(tx, call.text("code"))
        changed = await api.update(tx, there.id, replace(there, **changes), version=call.decided_on(there.version))
        return await call.done(tx, _shape(changed))


def _fields(fields: dict[str, Any]) -> dict[str, Any]:
    if "pool_id" in fields:
        fields["pool_id"] = PoolId(parsed("pool", fields["pool_id"]))
    if "rules" in fields:
        fields["rules"] = PublishRules(**given(fields["rules"]))
    return fields


def _shape(channel: Channel) -> ChannelShape:
    rules = channel.rules
    return ChannelShape(
        id=show("channel", channel.id),
        code=channel.code,
        name=channel.name,
        kind=channel.kind,
        pool_id=show("pool", channel.pool_id),
        market=channel.market,
        active=channel.active,
        backorder=channel.backorder,
        rules=RulesShape(
            buffer=rules.buffer,
            publish_percent=rules.publish_percent,
            publish_max=rules.publish_max,
            publish_min=rules.publish_min,
            stop_below=rules.stop_below,
        ),
        hold_for=channel.hold_for,
        version=channel.version,
        created_at=channel.created_at,
        updated_at=channel.updated_at,
    )
