"""Transfers on the floor: picked and packed where they leave, scanned and taken in where they arrive."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import DamageReason, Packed, TransferId
from comptoir.modules.inventory.errors import NothingPicked, QuantityTooLarge, TransferStateRefused, UnknownTransfer
from comptoir.modules.lots import api as lots
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces import transferring
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import Day, Quantity, Reference, Request, Shape, SkuText, Words
from comptoir.surfaces.api.stock import MAX_ROWS, UnitsOf, units
from comptoir.surfaces.api.transfers import DamagedLines, SettledLines, TransferShape, damaged, settled, transfer_shape
from comptoir.surfaces.transferring import Scan, ScanOutcome

transfer_floor = Resource(
    "Transfers by scan",
    "Transfers where they leave and where they arrive: scanned by as many people as there are, with what is otherwise than was "
    "sent. A tally moves nothing until it is taken in.",
)

_STEP = (UnknownTransfer, TransferStateRefused)
_Units = Annotated[tuple[UnitsOf, ...], Meta(max_length=MAX_ROWS)]


class ScanTransfer(Request, frozen=True, kw_only=True):
    code: Annotated[
        Reference,
        Meta(
            min_length=1,
            description="A GTIN, a SKU, or a GS1 element string with a GTIN and the net weight, as read.",
            examples=["4006381333931"],
        ),
    ]
    weight: (
        Annotated[int, Meta(ge=1, le=2_000_000_000, description="Thousandths, of what is weighed.", examples=[1250])] | None
    ) = None


class TransferScanShape(Shape, frozen=True, kw_only=True):
    """What became of a scan. Only `counted` and `complete` changed anything."""

    outcome: ScanOutcome
    sku: str
    units: Annotated[int, Meta(description="Of this SKU, with this scan.", examples=[2])]
    left: Annotated[int, Meta(description="To scan of the whole transfer.", examples=[3])]


class UnitsOfTransfer(Request, frozen=True, kw_only=True):
    sku: SkuText
    quantity: Quantity = 1


class LackForTransfer(Request, frozen=True, kw_only=True):
    """Units of the plan that are not on the shelf."""

    sku: SkuText
    quantity: Quantity = 1
    damaged: Annotated[bool, Meta(description="They are there, and damaged.")] = False


class PackTransfer(Request, frozen=True, kw_only=True):
    """What is picked is packed, and is all that leaves."""

    boxes: Annotated[int, Meta(ge=1, le=999, examples=[2])] = 1
    carrier: Words = ""
    tracking_number: Words = ""
    expected_on: Annotated[Day, Meta(description="When it should arrive.")] | None = None


class TallyUnits(Request, frozen=True, kw_only=True):
    """Units that are there, without a scan."""

    sku: SkuText
    quantity: Quantity = 1
    damage: (
        Annotated[DamageReason, Meta(description="Why they are damaged: those counted before, where there are any.")] | None
    ) = None
    on_top: Annotated[bool, Meta(description="Also what is not on the transfer, or more than was sent.")] = False


class TalliedShape(Shape, frozen=True, kw_only=True):
    sku: SkuText
    quantity: Annotated[int, Meta(examples=[2])]
    damage: DamageReason | None


class TallyShape(Shape, frozen=True, kw_only=True):
    """What is scanned, and not taken in yet."""

    items: list[TalliedShape]


class TakeInTransfer(Request, frozen=True, kw_only=True):
    """What became of what did not come; the rest of it stays on the road."""

    settled: SettledLines = ()


class SettleTransfer(Request, frozen=True, kw_only=True):
    lines: Annotated[SettledLines, Meta(min_length=1)]


class FindLost(Request, frozen=True, kw_only=True):
    """Units that were given up as lost, and have turned up."""

    lines: _Units = ()
    damaged: DamagedLines = ()


class ExpectTransfer(Request, frozen=True, kw_only=True):
    expected_on: Day


# Where it leaves


@transfer_floor.post("/v1/transfers/{transfer_id}/pick", Scope.STOCK_WRITE, refuses=_STEP)
async def pick_transfer(call: Call, body: ScanTransfer) -> Answer[TransferScanShape]:
    """Pick one piece by its label. What does not belong to the transfer, or is too many, changes nothing, and is told."""
    async with call.transaction() as tx:
        return await call.done(tx, _scan(await transferring.scan_out(tx, _id(call), body.code, body.weight)))


@transfer_floor.post("/v1/transfers/{transfer_id}/unpick", Scope.STOCK_WRITE, refuses=(*_STEP, QuantityTooLarge))
async def unpick_transfer(call: Call, body: UnitsOfTransfer) -> Answer[TransferShape]:
    """Say that picked units lie in their place again."""
    async with call.transaction() as tx:
        await api.unpick_transfer(tx, _id(call), body.sku, body.quantity)
        return await call.done(tx, transfer_shape(await api.transfer(tx, _id(call))))


@transfer_floor.post("/v1/transfers/{transfer_id}/pick-all", Scope.STOCK_WRITE, refuses=_STEP)
async def pick_whole_transfer(call: Call) -> Answer[TransferShape]:
    """Say that all of a transfer is picked."""
    async with call.transaction() as tx:
        return await call.done(tx, transfer_shape(await api.pick_whole_transfer(tx, _id(call))))


@transfer_floor.post("/v1/transfers/{transfer_id}/lack", Scope.STOCK_WRITE, refuses=(*_STEP, QuantityTooLarge))
async def lack_for_transfer(call: Call, body: LackForTransfer) -> Answer[TransferShape]:
    """Say that units of the plan are not there, or are damaged. They do not leave, and the shelf is to be counted."""
    async with call.transaction() as tx:
        after = await api.lack_for_transfer(tx, _id(call), body.sku, body.quantity, damaged=body.damaged)
        return await call.done(tx, transfer_shape(after))


@transfer_floor.post("/v1/transfers/{transfer_id}/pack", Scope.STOCK_WRITE, refuses=(*_STEP, NothingPicked), if_match=True)
async def pack_transfer(call: Call, body: PackTransfer) -> Answer[TransferShape]:
    """Pack what is picked. What is not picked stays, and is `short` of the plan; send it when it is handed over."""
    packed = Packed(body.boxes, body.carrier, body.tracking_number, body.expected_on)
    async with call.transaction() as tx:
        after = await api.pack_transfer(tx, _id(call), packed, version=call.expected_version())
        return await call.done(tx, transfer_shape(after))


@transfer_floor.post("/v1/transfers/{transfer_id}/unpack", Scope.STOCK_WRITE, refuses=_STEP, if_match=True)
async def unpack_transfer(call: Call) -> Answer[TransferShape]:
    """Open a packed transfer again, to pick what was left behind."""
    async with call.transaction() as tx:
        after = await api.unpack_transfer(tx, _id(call), version=call.expected_version())
        return await call.done(tx, transfer_shape(after))


# Where it arrives


@transfer_floor.get("/v1/transfers/{transfer_id}/tally", Scope.STOCK_READ, refuses=(UnknownTransfer,))
async def get_tally(call: Call) -> Answer[TallyShape]:
    """Get what is scanned of a transfer where it arrives, and not taken in yet."""
    async with call.reading() as reader:
        transfer = await api.transfer(reader, _id(call))
        rows = await api.tallies(reader, transfer.id)
    return call.answer(TallyShape(items=[TalliedShape(sku=row.sku, quantity=row.units, damage=row.damage) for row in rows]))


@transfer_floor.post("/v1/transfers/{transfer_id}/scan", Scope.STOCK_WRITE, refuses=_STEP)
async def scan_transfer(call: Call, body: ScanTransfer) -> Answer[TransferScanShape]:
    """Count one piece that has arrived, by its label.

    What is not on the transfer, or more than was sent, is not counted, and is told: count it with `on_top` where it did come.
    """
    async with call.transaction() as tx:
        return await call.done(tx, _scan(await transferring.scan_in(tx, _id(call), body.code, body.weight)))


@transfer_floor.post("/v1/transfers/{transfer_id}/tally", Scope.STOCK_WRITE, refuses=(*_STEP, QuantityTooLarge))
async def tally_transfer(call: Call, body: TallyUnits) -> Answer[TransferScanShape]:
    """Count units that have arrived, good or damaged."""
    async with call.transaction() as tx:
        found = await api.tally_transfer(tx, _id(call), body.sku, body.quantity, damage=body.damage, on_top=body.on_top)
        shape = TransferScanShape(outcome=ScanOutcome(found.outcome.value), sku=found.sku, units=found.units, left=found.left)
        return await call.done(tx, shape)


@transfer_floor.post("/v1/transfers/{transfer_id}/untally", Scope.STOCK_WRITE, refuses=(*_STEP, QuantityTooLarge))
async def untally_transfer(call: Call, body: UnitsOfTransfer) -> Answer[TransferShape]:
    """Say that counted units are not there after all."""
    async with call.transaction() as tx:
        return await call.done(tx, transfer_shape(await api.untally_transfer(tx, _id(call), body.sku, body.quantity)))


@transfer_floor.post("/v1/transfers/{transfer_id}/take-in", Scope.STOCK_WRITE, refuses=(*_STEP, QuantityTooLarge))
async def take_in_transfer(call: Call, body: TakeInTransfer) -> Answer[TransferShape]:
    """Take in what is counted: it is on hand. What became of the rest may be said with it."""
    async with call.transaction() as tx:
        after = await api.take_in_transfer(tx, _id(call), settled=settled(body.settled))
        await lots.follow_transfer(tx, after)
        return await call.done(tx, transfer_shape(after))


@transfer_floor.post("/v1/transfers/{transfer_id}/settle", Scope.STOCK_WRITE, refuses=(*_STEP, QuantityTooLarge), if_match=True)
async def settle_transfer(call: Call, body: SettleTransfer) -> Answer[TransferShape]:
    """Say what became of units that did not arrive.

    Those that were never sent are on hand at the origin again, held until somebody has counted them.
    """
    async with call.transaction() as tx:
        after = await api.settle_transfer(tx, _id(call), settled(body.lines), version=call.expected_version())
        await lots.follow_transfer(tx, after)
        return await call.done(tx, transfer_shape(after))


@transfer_floor.post("/v1/transfers/{transfer_id}/find", Scope.STOCK_WRITE, refuses=(*_STEP, QuantityTooLarge), if_match=True)
async def find_lost(call: Call, body: FindLost) -> Answer[TransferShape]:
    """Say that lost units have turned up where they were to go."""
    async with call.transaction() as tx:
        after = await api.find_lost(
            tx, _id(call), units(body.lines), damaged=damaged(body.damaged), version=call.expected_version()
        )
        await lots.follow_transfer(tx, after)
        return await call.done(tx, transfer_shape(after))


@transfer_floor.post("/v1/transfers/{transfer_id}/expect", Scope.STOCK_WRITE, refuses=_STEP, if_match=True)
async def expect_transfer(call: Call, body: ExpectTransfer) -> Answer[TransferShape]:
    """Say on which day a transfer arrives. It is late after that day."""
    async with call.transaction() as tx:
        after = await api.expect_transfer(tx, _id(call), body.expected_on, version=call.expected_version())
        return await call.done(tx, transfer_shape(after))


def _id(call: Call) -> TransferId:
    return TransferId(call.id("transfer"))


def _scan(found: Scan) -> TransferScanShape:
    return TransferScanShape(outcome=found.outcome, sku=found.sku, units=found.units, left=found.left)
