"""Transfers: units that go from one location to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from comptoir.kernel.time import utcnow
from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import (
    Absence,
    Damaged,
    DamageReason,
    Settled,
    Transfer,
    TransferFilter,
    TransferId,
    TransferStage,
    TransferState,
)
from comptoir.modules.inventory.errors import (
    InsufficientStock,
    NothingPicked,
    QuantityTooLarge,
    TransferStateRefused,
    UnknownTransfer,
)
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.lots import api as lots
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import show, show_actor, show_location
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    Actor,
    Day,
    Instant,
    LocationRef,
    Note,
    PageQuery,
    Request,
    Shape,
    SkuText,
    TransferRef,
    Version,
    given,
)
from comptoir.surfaces.api.shapes import Quantity as QuantityField
from comptoir.surfaces.api.stock import MAX_ROWS, UnitsOf, place, units

transfers = Resource("Transfers", "Units that go from one location to another: a draft, then on the road, then received.")

_Lines = Annotated[tuple[UnitsOf, ...], Meta(min_length=1, max_length=MAX_ROWS)]


class TransferLineShape(Shape, frozen=True, kw_only=True):
    sku: SkuText
    quantity: Annotated[int, Meta(examples=[6])]
    received: Annotated[int, Meta(examples=[0])]
    missing: Annotated[int, Meta(description="Units that were lost on the road.", examples=[0])]
    unsent: Annotated[
        int, Meta(description="Units that had never left: at the origin again, held until counted.", examples=[0])
    ]
    surplus: Annotated[int, Meta(description="Units that came without having been sent: off the origin's books.", examples=[0])]
    damaged: Annotated[int, Meta(description="Of those received.", examples=[0])]
    open: Annotated[int, Meta(description="Still on the road.", examples=[6])]
    picked: Annotated[int, Meta(description="At the origin, before it is sent.", examples=[6])]
    short: Annotated[int, Meta(description="Units of the plan that were not there, and did not leave.", examples=[0])]


class TransferShape(Shape, frozen=True, kw_only=True):
    """A transfer. `lines` is empty in a list, and `stage` says no more there than the state does."""

    id: TransferRef
    number: int
    from_location_id: LocationRef
    to_location_id: LocationRef
    state: TransferState
    stage: Annotated[TransferStage, Meta(description="What is to be done next.")]
    note: str
    expected_on: Annotated[Day, Meta(description="When it should arrive, where somebody has said so.")] | None
    boxes: Annotated[int, Meta(examples=[2])]
    carrier: str
    tracking_number: str
    packed_at: Instant | None
    created_at: Instant
    sent_at: Instant | None
    received_at: Instant | None
    actor: Actor
    version: Version
    lines: list[TransferLineShape]


class TransferQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["number", "-number", "state", "-state"] = "-number"
    state: tuple[TransferState, ...] = ()
    from_location_id: LocationRef | None = None
    to_location_id: LocationRef | None = None
    location_id: Annotated[tuple[LocationRef, ...], Meta(description="At either end one of these.")] = ()
    late: Annotated[bool, Meta(description="Only what should have arrived before today.")] = False


class NewTransfer(Request, frozen=True, kw_only=True):
    """A plan: nothing moves yet, nothing is kept back."""

    from_location_id: LocationRef
    to_location_id: LocationRef
    lines: _Lines
    note: Note = ""
    expected_on: Day | None = None


class EditTransfer(Request, frozen=True, kw_only=True):
    """What is to be otherwise; the rest stays."""

    from_location_id: LocationRef | UnsetType = UNSET
    to_location_id: LocationRef | UnsetType = UNSET
    lines: _Lines | UnsetType = UNSET
    note: Note | UnsetType = UNSET
    expected_on: Day | UnsetType = UNSET


class SendTransfer(Request, frozen=True, kw_only=True):
    force: Annotated[
        bool, Meta(description="It has gone: also what is promised or kept back there. What that breaks is told.")
    ] = False


class DamagedUnits(Request, frozen=True, kw_only=True):
    """Units that arrived damaged: on hand as damaged stock."""

    sku: SkuText
    quantity: QuantityField
    reason: DamageReason = DamageReason.BROKEN


class SettledUnits(Request, frozen=True, kw_only=True):
    """What became of units that did not arrive."""

    sku: SkuText
    quantity: QuantityField
    fate: Absence


DamagedLines = Annotated[tuple[DamagedUnits, ...], Meta(max_length=MAX_ROWS)]
SettledLines = Annotated[tuple[SettledUnits, ...], Meta(max_length=MAX_ROWS)]


class ReceiveTransfer(Request, frozen=True, kw_only=True):
    """What has arrived; without `lines` all that was on the road."""

    lines: Annotated[tuple[UnitsOf, ...], Meta(max_length=MAX_ROWS)] | None = None
    damaged: Annotated[DamagedLines, Meta(description="Came as well, and is not in `lines`.")] = ()
    settled: Annotated[SettledLines, Meta(description="What became of some that did not come.")] = ()
    close: Annotated[bool, Meta(description="No more will come: what is still on the road is lost.")] = False


@transfers.get("/v1/transfers", Scope.STOCK_READ)
async def list_transfers(call: Call, query: TransferQuery) -> Answer[PageOf[TransferShape]]:
    """List transfers."""
    wanted = TransferFilter(
        query.state or None,
        None if query.from_location_id is None else place(query.from_location_id),
        None if query.to_location_id is None else place(query.to_location_id),
        tuple(place(one) for one in query.location_id),
        utcnow().date() if query.late else None,
    )
    async with call.reading() as reader:
        page = await api.find_transfers(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, transfer_shape)


@transfers.post("/v1/transfers", Scope.STOCK_WRITE, status=201, refuses=(UnknownLocation,))
async def create_transfer(call: Call, body: NewTransfer) -> Answer[TransferShape]:
    """Plan a transfer."""
    async with call.transaction() as tx:
        made = await api.create_transfer(
            tx,
            place(body.from_location_id),
            place(body.to_location_id),
            units(body.lines),
            body.note,
            expected_on=body.expected_on,
        )
        return await call.done(tx, transfer_shape(made))


@transfers.get("/v1/transfers/{transfer_id}", Scope.STOCK_READ, refuses=(UnknownTransfer,))
async def get_transfer(call: Call) -> Answer[TransferShape]:
    """Get a transfer with its lines."""
    async with call.reading() as reader:
        found = await api.transfer(reader, _id(call))
    return call.answer(transfer_shape(found))


@transfers.patch(
    "/v1/transfers/{transfer_id}", Scope.STOCK_WRITE, refuses=(UnknownTransfer, UnknownLocation, TransferStateRefused)
)
async def edit_transfer(call: Call, body: EditTransfer) -> Answer[TransferShape]:
    """Change the plan of a transfer that has not been sent."""
    changes: dict[str, Any] = given(body)
    changes |= {name: place(changes[name]) for name in ("from_location_id", "to_location_id") if name in changes}
    changes |= {"lines": units(changes["lines"])} if "lines" in changes else {}
    async with call.transaction() as tx:
        edited = await api.edit_transfer(tx, _id(call), version=call.expected_version(), **changes)
        return await call.done(tx, transfer_shape(edited))


@transfers.post(
    "/v1/transfers/{transfer_id}/send",
    Scope.STOCK_WRITE,
    refuses=(UnknownTransfer, TransferStateRefused, InsufficientStock, NothingPicked),
    if_match=True,
)
async def send_transfer(call: Call, body: SendTransfer) -> Answer[TransferShape]:
    """Send a transfer: its units leave the one location and are incoming at the other."""
    async with call.transaction() as tx:
        sent = await api.send_transfer(tx, _id(call), force=body.force, version=call.expected_version())
        await lots.follow_transfer(tx, sent)
        return await call.done(tx, transfer_shape(sent))


@transfers.post(
    "/v1/transfers/{transfer_id}/receive",
    Scope.STOCK_WRITE,
    refuses=(UnknownTransfer, TransferStateRefused, QuantityTooLarge),
    if_match=True,
)
async def receive_transfer(call: Call, body: ReceiveTransfer) -> Answer[TransferShape]:
    """Receive a transfer, whole or in part. What came without having been sent is taken off the origin's books."""
    arrived = None if body.lines is None else units(body.lines)
    async with call.transaction() as tx:
        received = await api.receive_transfer(
            tx,
            _id(call),
            arrived,
            damaged=damaged(body.damaged),
            settled=settled(body.settled),
            close=body.close,
            version=call.expected_version(),
        )
        await lots.follow_transfer(tx, received)
        return await call.done(tx, transfer_shape(received))


@transfers.post(
    "/v1/transfers/{transfer_id}/cancel", Scope.STOCK_WRITE, refuses=(UnknownTransfer, TransferStateRefused), if_match=True
)
async def cancel_transfer(call: Call) -> Answer[TransferShape]:
    """Drop the plan of a transfer."""
    async with call.transaction() as tx:
        cancelled = await api.cancel_transfer(tx, _id(call), version=call.expected_version())
        return await call.done(tx, transfer_shape(cancelled))


def _id(call: Call) -> TransferId:
    return TransferId(call.id("transfer"))


def damaged(rows: Sequence[DamagedUnits]) -> list[Damaged]:
    return [Damaged(row.sku, row.quantity, row.reason) for row in rows]


def settled(rows: Sequence[SettledUnits]) -> list[Settled]:
    return [Settled(row.sku, row.quantity, row.fate) for row in rows]


def transfer_shape(transfer: Transfer) -> TransferShape:
    return TransferShape(
        id=show("transfer", transfer.id),
        number=transfer.number,
        from_location_id=show_location(transfer.from_location_id),
        to_location_id=show_location(transfer.to_location_id),
        state=transfer.state,
        stage=transfer.stage,
        note=transfer.note,
        expected_on=transfer.expected_on,
        boxes=transfer.boxes,
        carrier=transfer.carrier,
        tracking_number=transfer.tracking_number,
        packed_at=transfer.packed_at,
        created_at=transfer.created_at,
        sent_at=transfer.sent_at,
        received_at=transfer.received_at,
        actor=show_actor(transfer.actor),
        version=transfer.version,
        lines=[
            TransferLineShape(
                sku=line.sku,
                quantity=line.quantity,
                received=line.received,
                missing=line.missing,
                unsent=line.unsent,
                surplus=line.surplus,
                damaged=line.damaged,
                open=line.open,
                picked=line.picked,
                short=line.short,
            )
            for line in transfer.lines
        ],
    )
