"""Replenishment: what stores should get, proposed from what they sell."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import Proposal, ProposalFilter, ProposalId, ProposalState, ReplenishmentTerms
from comptoir.modules.inventory.errors import ProposalGone
from comptoir.modules.locations.contracts import PoolId
from comptoir.modules.locations.errors import UnknownLocation, UnknownPool
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, show, show_location, show_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    Instant,
    LocationRef,
    PageQuery,
    PoolRef,
    ProposalRef,
    Quantity,
    Request,
    Shape,
    SkuText,
    TransferRef,
)
from comptoir.surfaces.api.stock import place
from comptoir.surfaces.api.transfers import TransferShape, transfer_shape

replenishment = Resource(
    "Replenishment", "Transfers that are proposed from what locations sell; accepted they are transfers to be sent."
)

_Units = Annotated[int, Meta(examples=[12])]
_Days = Annotated[int, Meta(examples=[14])]


class TransferProposalShape(Shape, frozen=True, kw_only=True):
    """Units that should go somewhere, and what was seen when that was thought."""

    id: ProposalRef
    from_location_id: LocationRef
    to_location_id: LocationRef
    sku: SkuText
    quantity: _Units
    state: ProposalState
    sold: Annotated[int, Meta(description="There, in so many `days`.", examples=[14])]
    days: Annotated[int, Meta(examples=[28])]
    free: Annotated[int, Meta(description="What was there, with its safety stock.", examples=[2])]
    incoming: _Units
    lasts: Annotated[int, Meta(description="Days that what is there lasts; null where nothing sells.", examples=[4])] | None
    wanted: Annotated[int, Meta(description="There in all, of which this may be a part.", examples=[12])]
    created_at: Instant
    transfer_id: TransferRef | None


class TransferProposalQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["lasts", "-lasts", "sku", "-sku", "created", "-created"] = "lasts"
    state: tuple[ProposalState, ...] = (ProposalState.OPEN,)
    from_location_id: LocationRef | None = None
    to_location_id: LocationRef | None = None
    location_id: Annotated[tuple[LocationRef, ...], Meta(description="At either end one of these.")] = ()


class ProposalRunShape(Shape, frozen=True, kw_only=True):
    proposals: Annotated[int, Meta(description="How many there are now.", examples=[3])]


class ChosenProposal(Request, frozen=True, kw_only=True):
    proposal_id: ProposalRef
    quantity: Annotated[Quantity, Meta(description="Without it, as proposed.")] | None = None


class AcceptProposals(Request, frozen=True, kw_only=True):
    proposals: Annotated[tuple[ChosenProposal, ...], Meta(min_length=1, max_length=500)]


class MadeTransfers(Shape, frozen=True, kw_only=True):
    """One draft for each origin and destination."""

    transfers: list[TransferShape]


class DismissProposals(Request, frozen=True, kw_only=True):
    proposal_ids: Annotated[tuple[ProposalRef, ...], Meta(min_length=1, max_length=500)]


class DismissedProposals(Shape, frozen=True, kw_only=True):
    dismissed: _Units


class ReplenishmentTermsShape(Shape, frozen=True, kw_only=True):
    """How a location is filled up, or those of a pool that have no terms of their own."""

    location_id: LocationRef | None
    pool_id: PoolRef | None
    source_id: LocationRef
    active: bool
    weeks: Annotated[int, Meta(description="Of sales that are looked at.", examples=[4])]
    cover_days: Annotated[int, Meta(description="It is filled up to last so long.", examples=[14])]
    reorder_days: Annotated[int, Meta(description="As soon as it lasts less than that.", examples=[7])]
    overstock_days: (
        Annotated[int, Meta(description="What lasts longer it gives to its neighbours; null is nothing.", examples=[60])] | None
    )
    keep_days: Annotated[int, Meta(description="Of its own sales that the source keeps.", examples=[0])]
    quiet_days: Annotated[int, Meta(description="So long a dismissed SKU is left alone.", examples=[14])]


class ReplenishmentTermsList(Shape, frozen=True, kw_only=True):
    items: list[ReplenishmentTermsShape]


class PutReplenishment(Request, frozen=True, kw_only=True):
    """Of one location, or of a pool."""

    source_id: LocationRef
    location_id: LocationRef | None = None
    pool_id: PoolRef | None = None
    active: bool = True
    weeks: Annotated[int, Meta(ge=1, le=52, examples=[4])] = 4
    cover_days: Annotated[int, Meta(ge=1, le=365, examples=[14])] = 14
    reorder_days: Annotated[int, Meta(ge=1, le=365, examples=[7])] = 7
    overstock_days: Annotated[int, Meta(ge=1, le=1000, examples=[60])] | None = None
    keep_days: Annotated[int, Meta(ge=0, le=365, examples=[0])] = 0
    quiet_days: Annotated[int, Meta(ge=0, le=365, examples=[14])] = 14


class PackOf(Request, frozen=True, kw_only=True):
    sku: SkuText
    multiple: Annotated[int, Meta(ge=1, le=1_000_000, description="Units; 1 is any number.", examples=[6])]


class PutPacks(Request, frozen=True, kw_only=True):
    rows: Annotated[tuple[PackOf, ...], Meta(min_length=1, max_length=5000)]


class WrittenPacks(Shape, frozen=True, kw_only=True):
    rows: _Units


@replenishment.get("/v1/replenishment/proposals", Scope.STOCK_READ)
async def list_proposals(call: Call, query: TransferProposalQuery) -> Answer[PageOf[TransferProposalShape]]:
    """List what is proposed, what runs out first at the head."""
    wanted = ProposalFilter(
        query.state,
        None if query.from_location_id is None else place(query.from_location_id),
        None if query.to_location_id is None else place(query.to_location_id),
        tuple(place(one) for one in query.location_id),
    )
    async with call.reading() as reader:
        page = await api.find_proposals(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _shape)


@replenishment.post("/v1/replenishment/run", Scope.STOCK_WRITE)
async def propose_transfers(call: Call) -> Answer[ProposalRunShape]:
    """Think again about what every location should get. It is done each night too; what nobody decided on is replaced."""
    async with call.transaction() as tx:
        return await call.done(tx, ProposalRunShape(proposals=await api.propose(tx)))


@replenishment.post("/v1/replenishment/accept", Scope.STOCK_WRITE, refuses=(ProposalGone,))
async def accept_proposals(call: Call, body: AcceptProposals) -> Answer[MadeTransfers]:
    """Make transfers of proposals: drafts, which are sent as others are."""
    chosen = {ProposalId(parsed("proposal", one.proposal_id)): one.quantity for one in body.proposals}
    async with call.transaction() as tx:
        made = await api.accept_proposals(tx, chosen)
        return await call.done(tx, MadeTransfers(transfers=[transfer_shape(one) for one in made]))


@replenishment.post("/v1/replenishment/dismiss", Scope.STOCK_WRITE, refuses=(ProposalGone,))
async def dismiss_proposals(call: Call, body: DismissProposals) -> Answer[DismissedProposals]:
    """Say that they are not wanted: nothing is proposed there for a while."""
    ids = [ProposalId(parsed("proposal", one)) for one in body.proposal_ids]
    async with call.transaction() as tx:
        return await call.done(tx, DismissedProposals(dismissed=await api.dismiss_proposals(tx, ids)))


@replenishment.get("/v1/replenishment/terms", Scope.STOCK_READ)
async def list_replenishment_terms(call: Call) -> Answer[ReplenishmentTermsList]:
    """List how locations and pools are filled up."""
    async with call.reading() as reader:
        return call.answer(ReplenishmentTermsList(items=[_terms(one) for one in await api.replenishment(reader)]))


@replenishment.put(
    "/v1/replenishment/terms",
    Scope.STOCK_WRITE,
    refuses=(UnknownLocation, UnknownPool),
    example={"location_id": "loc_01kag8v6w3e9n8r2t5y7z4c6bd", "source_id": "loc_01kag8v6w3e9n8r2t5y7z4c6be", "cover_days": 14},
)
async def put_replenishment_terms(call: Call, body: PutReplenishment) -> Answer[ReplenishmentTermsShape]:
    """Say how a location, or a pool's stores, are filled up from now on."""
    terms = ReplenishmentTerms(
        source_id=place(body.source_id),
        location_id=None if body.location_id is None else place(body.location_id),
        pool_id=None if body.pool_id is None else PoolId(parsed("pool", body.pool_id)),
        active=body.active,
        weeks=body.weeks,
        cover_days=body.cover_days,
        reorder_days=body.reorder_days,
        overstock_days=body.overstock_days,
        keep_days=body.keep_days,
        quiet_days=body.quiet_days,
    )
    async with call.transaction() as tx:
        return await call.done(tx, _terms(await api.put_replenishment(tx, terms)))


@replenishment.put("/v1/replenishment/packs", Scope.STOCK_WRITE)
async def put_packs(call: Call, body: PutPacks) -> Answer[WrittenPacks]:
    """Say in packs of how many units SKUs move."""
    async with call.transaction() as tx:
        await api.put_packs(tx, {row.sku: row.multiple for row in body.rows})
        return await call.done(tx, WrittenPacks(rows=len(body.rows)))


def _shape(one: Proposal) -> TransferProposalShape:
    return TransferProposalShape(
        id=show("proposal", one.id),
        from_location_id=show_location(one.from_location_id),
        to_location_id=show_location(one.to_location_id),
        sku=one.sku,
        quantity=one.quantity,
        state=one.state,
        sold=one.sold,
        days=one.days,
        free=one.free,
        incoming=one.incoming,
        lasts=one.lasts,
        wanted=one.wanted,
        created_at=one.created_at,
        transfer_id=show_some("transfer", one.transfer_id),
    )


def _terms(one: ReplenishmentTerms) -> ReplenishmentTermsShape:
    return ReplenishmentTermsShape(
        location_id=show_some("location", one.location_id),
        pool_id=show_some("pool", one.pool_id),
        source_id=show_location(one.source_id),
        active=one.active,
        weeks=one.weeks,
        cover_days=one.cover_days,
        reorder_days=one.reorder_days,
        overstock_days=one.overstock_days,
        keep_days=one.keep_days,
        quiet_days=one.quiet_days,
    )
