"""Stock: levels, the ledger that they are the sums of, and what people do to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta

from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import (
    Adjustment,
    AdjustReason,
    CountId,
    EntryKind,
    LedgerEntry,
    LedgerFilter,
    Level,
    LevelFilter,
    LevelState,
    Quantity,
    SafetyStock,
    Spot,
    SpotLevel,
    SupplyId,
    TransferId,
)
from comptoir.modules.inventory.errors import QuantityTooLarge, StaleQuantity, UnknownSupply
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Named
from comptoir.modules.lots.errors import LotDiffers, LotsNotAsked, TooManyInLots
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import Tx
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show_actor, show_location, show_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    Actor,
    Count,
    CountRef,
    Day,
    HoldRef,
    ImportRef,
    Instant,
    LocationRef,
    Note,
    OrderRef,
    PageQuery,
    Request,
    ReturnRef,
    Shape,
    ShipmentRef,
    SkuText,
    SupplyRef,
    TransferRef,
)
from comptoir.surfaces.api.shapes import Quantity as QuantityField

stock = Resource("Stock", "Levels, the ledger that they are the sums of, and what people do to them.")

MAX_ROWS = 1000
UnitCount = Annotated[int, Meta(examples=[12])]
UnitChange = Annotated[int, Meta(examples=[-2])]


class LevelShape(Shape, frozen=True, kw_only=True):
    """A SKU at a location. On hand includes what is reserved, damaged and held for quality; `available` may be promised."""

    sku: SkuText
    location_id: LocationRef
    on_hand: UnitCount
    reserved: UnitCount
    safety: UnitCount
    damaged: UnitCount
    quality: UnitCount
    incoming: UnitCount
    available: UnitCount


class Levels(Shape, frozen=True, kw_only=True):
    """The levels as they are after the change."""

    levels: list[LevelShape]


class LevelQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal[
        "sku", "-sku", "location", "-location", "available", "-available", "on_hand", "-on_hand", "reserved", "-reserved",
        "incoming", "-incoming",
    ] = "sku"  # fmt: skip
    sku: tuple[SkuText, ...] = ()
    sku_begins: Annotated[str, Meta(max_length=80)] = ""
    location_id: tuple[LocationRef, ...] = ()
    state: LevelState | None = None


class LedgerQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["newest", "oldest"] = "newest"
    sku: tuple[SkuText, ...] = ()
    location_id: tuple[LocationRef, ...] = ()
    kind: tuple[EntryKind, ...] = ()
    order_id: OrderRef | None = None
    transfer_id: TransferRef | None = None
    count_id: CountRef | None = None
    supply_id: SupplyRef | None = None
    since: Instant | None = None
    until: Annotated[Instant, Meta(description="Not included.")] | None = None


class EntryShape(Shape, frozen=True, kw_only=True):
    """One entry of the ledger: by how much it changed each bucket, who wrote it, and why."""

    at: Instant
    kind: EntryKind
    sku: SkuText
    location_id: LocationRef
    on_hand: UnitChange
    reserved: UnitChange
    safety: UnitChange
    damaged: UnitChange
    quality: UnitChange
    incoming: UnitChange
    actor: Actor
    order_id: OrderRef | None
    hold_id: HoldRef | None
    shipment_id: ShipmentRef | None
    return_id: ReturnRef | None
    transfer_id: TransferRef | None
    supply_id: SupplyRef | None
    count_id: CountRef | None
    import_id: ImportRef | None
    reason: str | None
    note: str | None


class UnitsOf(Request, frozen=True, kw_only=True):
    """So many units of a SKU."""

    sku: SkuText
    quantity: QuantityField


_UnitLines = Annotated[tuple[UnitsOf, ...], Meta(min_length=1, max_length=MAX_ROWS)]


class ReceivedUnits(UnitsOf, frozen=True, kw_only=True):
    """Units of a SKU, and the lot that is written on them where it has lots."""

    lot: Annotated[str, Meta(max_length=40, pattern="^[^\\x00]*$", examples=["L2481"])] = ""
    expires_on: Annotated[Day | None, Meta(description="The last day.")] = None


class ReceiveStock(Request, frozen=True, kw_only=True):
    """Units that have arrived."""

    location_id: LocationRef
    lines: Annotated[tuple[ReceivedUnits, ...], Meta(min_length=1, max_length=MAX_ROWS)]
    reference: Annotated[Note, Meta(examples=["Delivery note 4711"])] = ""
    supply_id: Annotated[SupplyRef, Meta(description="What they were expected as: then there is one line.")] | None = None


class AdjustLine(Request, frozen=True, kw_only=True):
    """A correction by `delta`, or to `to`; `expected` is what you believe is on hand now."""

    sku: SkuText
    delta: Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000, examples=[-1])] | None = None
    to: Count | None = None
    expected: Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000)] | None = None


class AdjustStock(Request, frozen=True, kw_only=True):
    """Corrections of what is on hand."""

    location_id: LocationRef
    lines: Annotated[tuple[AdjustLine, ...], Meta(min_length=1, max_length=MAX_ROWS)]
    reason: AdjustReason
    note: Note = ""


class SafetyLine(Request, frozen=True, kw_only=True):
    """So many units are kept back; `expected` is what you believe is kept back now."""

    sku: SkuText
    safety: Count
    expected: Count | None = None


class SetSafety(Request, frozen=True, kw_only=True):
    location_id: LocationRef
    lines: Annotated[tuple[SafetyLine, ...], Meta(min_length=1, max_length=MAX_ROWS)]
    note: Note = ""


class ChangeDamaged(Request, frozen=True, kw_only=True):
    """`mark` sets units aside, `repair` makes them good again, `write_off` lets them leave for good."""

    step: Literal["mark", "repair", "write_off"]
    location_id: LocationRef
    lines: _UnitLines
    note: Note = ""


class ChangeQuality(Request, frozen=True, kw_only=True):
    """`hold` sets units aside for somebody to look at; they `pass`, or `fail` and are damaged."""

    step: Literal["hold", "pass", "fail"]
    location_id: LocationRef
    lines: _UnitLines
    note: Note = ""


@stock.get("/v1/stock/levels", Scope.STOCK_READ)
async def list_stock_levels(call: Call, query: LevelQuery) -> Answer[PageOf[LevelShape]]:
    """List stock levels."""
    wanted = LevelFilter(query.sku or None, query.sku_begins, locations_of(query.location_id), query.state)
    async with call.reading() as reader:
        page = await api.find_levels(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, level_shape)


@stock.get("/v1/stock/ledger", Scope.STOCK_READ)
async def list_stock_ledger(call: Call, query: LedgerQuery) -> Answer[PageOf[EntryShape]]:
    """List entries of the stock ledger.

    The ledger is only ever added to, and is found quickly by SKU and location: name them where you can.
    """
    transfer, count, supply = (
        parsed_some("transfer", query.transfer_id),
        parsed_some("count", query.count_id),
        parsed_some("supply", query.supply_id),
    )
    wanted = LedgerFilter(
        query.sku or None,
        locations_of(query.location_id),
        query.kind or None,
        parsed_some("order", query.order_id),
        None if transfer is None else TransferId(transfer),
        None if count is None else CountId(count),
        None if supply is None else SupplyId(supply),
        query.since,
        query.until,
    )
    async with call.reading() as reader:
        page = await api.ledger(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _entry)


@stock.post(
    "/v1/stock/receipts",
    Scope.STOCK_WRITE,
    refuses=(UnknownLocation, UnknownSupply, LotsNotAsked, LotDiffers, TooManyInLots),
)
async def receive_stock(call: Call, body: ReceiveStock) -> Answer[Levels]:
    """Receive units."""
    supply = parsed_some("supply", body.supply_id)
    async with call.transaction() as tx:
        levels = await api.receive(
            tx,
            place(body.location_id),
            units(body.lines),
            reference=body.reference,
            supply_id=None if supply is None else SupplyId(supply),
        )
        read = [Named(line.sku, line.quantity, line.lot, line.expires_on) for line in body.lines if line.lot or line.expires_on]
        if read:
            await lots.name(tx, place(body.location_id), read)
        return await call.done(tx, shown(levels))


@stock.post("/v1/stock/adjustments", Scope.STOCK_WRITE, refuses=(UnknownLocation, StaleQuantity, QuantityTooLarge))
async def adjust_stock(call: Call, body: AdjustStock) -> Answer[Levels]:
    """Correct what is on hand.

    All lines or none. With `expected` a line is refused when somebody else was faster.
    """
    lines = [Adjustment(line.sku, line.delta, line.to, line.expected) for line in body.lines]
    async with call.transaction() as tx:
        levels = await api.adjust(tx, place(body.location_id), lines, body.reason, body.note)
        return await call.done(tx, shown(levels))


@stock.post("/v1/stock/safety", Scope.STOCK_WRITE, refuses=(UnknownLocation, StaleQuantity))
async def set_safety_stock(call: Call, body: SetSafety) -> Answer[Levels]:
    """Keep units back from being promised."""
    lines = [SafetyStock(line.sku, line.safety, line.expected) for line in body.lines]
    async with call.transaction() as tx:
        levels = await api.set_safety(tx, place(body.location_id), lines, body.note)
        return await call.done(tx, shown(levels))


@stock.post("/v1/stock/damaged", Scope.STOCK_WRITE, refuses=(UnknownLocation, QuantityTooLarge))
async def change_damaged_stock(call: Call, body: ChangeDamaged) -> Answer[Levels]:
    """Mark units as damaged, or say what became of them."""
    step = {"mark": api.mark_damaged, "repair": api.repair_damaged, "write_off": api.write_off_damaged}[body.step]
    return await _set_aside(call, body, step)


@stock.post("/v1/stock/quality", Scope.STOCK_WRITE, refuses=(UnknownLocation, QuantityTooLarge))
async def change_quality_stock(call: Call, body: ChangeQuality) -> Answer[Levels]:
    """Hold units for quality, or say what was found."""

    async def release(tx: Tx, location_id: LocationId, lines: Sequence[Quantity], note: str) -> dict[Spot, Level]:
        return await api.release_quality(tx, location_id, lines, note, damaged=body.step == "fail")

    return await _set_aside(call, body, api.hold_quality if body.step == "hold" else release)


_Step = Callable[[Tx, LocationId, Sequence[Quantity], str], Awaitable[dict[Spot, Level]]]


async def _set_aside(call: Call, body: ChangeDamaged | ChangeQuality, step: _Step) -> Answer[Levels]:
    async with call.transaction() as tx:
        levels = await step(tx, place(body.location_id), units(body.lines), body.note)
        return await call.done(tx, shown(levels))


def place(text: str) -> LocationId:
    return LocationId(parsed("location", text))


def locations_of(texts: tuple[str, ...]) -> tuple[LocationId, ...] | None:
    return tuple(place(text) for text in texts) or None


def units(lines: Sequence[UnitsOf]) -> list[Quantity]:
    return [Quantity(line.sku, line.quantity) for line in lines]


def level_shape(spot: SpotLevel) -> LevelShape:
    level = spot.level
    return LevelShape(
        sku=spot.sku,
        location_id=show_location(spot.location_id),
        on_hand=level.on_hand,
        reserved=level.reserved,
        safety=level.safety,
        damaged=level.damaged,
        quality=level.quality,
        incoming=level.incoming,
        available=level.available,
    )


def shown(levels: Mapping[Spot, Level]) -> Levels:
    return Levels(levels=[level_shape(SpotLevel(*spot, level)) for spot, level in sorted(levels.items())])


def _entry(entry: LedgerEntry) -> EntryShape:
    causes: dict[str, Any] = {f"{kind}_id": show_some(kind, cause) for kind, cause in _causes(entry).items()}
    return EntryShape(
        at=entry.at,
        kind=entry.kind,
        sku=entry.sku,
        location_id=show_location(entry.location_id),
        **dict(zip(Level._fields, entry.change, strict=True)),
        actor=show_actor(entry.actor),
        reason=entry.reason,
        note=entry.note,
        **causes,
    )


def _causes(entry: LedgerEntry) -> Mapping[str, UUID | None]:
    return {
        "order": entry.order_id,
        "hold": entry.hold_id,
        "shipment": entry.shipment_id,
        "return": entry.return_id,
        "transfer": entry.transfer_id,
        "supply": entry.supply_id,
        "count": entry.count_id,
        "import": entry.import_id,
    }
