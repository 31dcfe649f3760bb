"""Orders from a file of any layout: facts of a channel, recorded a few hundred at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from comptoir.connectors.orderlayouts import ORDER_LAYOUTS
from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import Conflict, Refusal
from comptoir.kernel.money import Currency
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.errors import UnknownChannel
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import Sighting
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.imports import api as imports
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import AdjustReason, EntryKind, Movement
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Fact, RecordOutcome
from comptoir.runtime.database import Context, Database, Reader, Tx
from comptoir.sdk.orderfiles import (
    OrderFile,
    OrderFileLayout,
    RejectedRow,
    RowId,
    Settled,
    SkippedRow,
    StockAdjustmentRow,
    TakenOrder,
    Tally,
    UnknownLayout,
    choose_layout,
)
from comptoir.sdk.orders import ChannelOrder, LineKind
from comptoir.sdk.tabular import open_table
from comptoir.surfaces import selling
from comptoir.surfaces.imports.cells import reject_rows
from comptoir.surfaces.imports.products import UNDETERMINED
from comptoir.surfaces.imports.reading import Chunk, Importer, Seen, Watch
from comptoir.surfaces.imports.ready import ready_channel
from comptoir.surfaces.imports.report import Report, add
from comptoir.surfaces.imports.request import ImportRequest
from comptoir.surfaces.selling import Counter

HISTORIES = frozenset({"uci"})
"""Layouts of past years, whose products are made where the catalogue does not know them unless somebody says otherwise."""

_ROWS = 4000
"""A chunk ends with the order that brings it to so many rows."""
_MAX_NAME = 200
_ATTEMPTS = 3


@dataclass(slots=True)
class _Sorted:
    """What is in a chunk."""

    orders: list[ChannelOrder] = field(default_factory=list[ChannelOrder])
    adjustments: list[StockAdjustmentRow] = field(default_factory=list[StockAdjustmentRow])
    rejected: list[RejectedRow] = field(default_factory=list[RejectedRow])


class OrderImporter(Importer[Settled]):
    def __init__(self, request: ImportRequest, watch: Watch) -> None:
        tables = [open_table(path, request.options) for path in request.paths]
        chosen = _layout(request.layout, tables[0].header)
        self.file = OrderFile(chosen, tables, request.options, lambda seen: watch(Seen("reading", *seen)))
        self.file.watch = None  # from here on the rows that are written say how far it is
        self.layout = chosen.name
        self.size = self.file.rows
        self.channel = request.channel or chosen.name
        self._request = request
        self._create = chosen.name in HISTORIES if request.create_products is None else request.create_products
        self._counter: Counter | None = None

    @property
    def headers(self) -> Sequence[tuple[Sequence[str], str]]:
        return [(table.header, table.dialect.separator) for table in self.file.tables]

    async def prepare(self, database: Database, context: Context, report: Report) -> None:
        report.prepared += await self._ready_channel(database, context)
        async with database.read() as reader:
            self._counter = await selling.load(reader, self.channel)
        if not self._counter.ids:
            raise invalid("channel", f"{self.channel} has no active location in its stock pool: add one first")

    async def _ready_channel(self, database: Database, context: Context) -> list[str]:
        """Somebody else may be making the same at the same time: then it is looked for again."""
        currency = await asyncio.to_thread(self._currency)
        for attempt in range(_ATTEMPTS):
            try:
                async with database.transaction(context) as tx:
                    return await ready_channel(
                        tx,
                        self.channel,
                        layout=self.layout,
                        currency=currency,
                        market=self._request.market,
                        zone=self.file.setting.zone.key,
                    )
            except Conflict:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError

    def _currency(self) -> Currency:
        """The currency that is set, or that of the first order."""
        if self._request.options.currency is not None:
            return self._request.options.currency
        outcomes = (outcome for settled in self.file.settle() for outcome in settled.outcomes)
        return next((one.order.currency for one in outcomes if isinstance(one, TakenOrder)), Currency("EUR"))

    def chunks(self, after: int) -> Iterator[Chunk[Settled]]:
        items: list[tuple[int, Settled]] = []
        rows = 0
        for settled in self.file.settle(after):
            items.append((settled.position, settled))
            rows += sum(len(one.rows) if isinstance(one, TakenOrder) else 1 for one in settled.outcomes)
            if rows >= _ROWS:
                yield Chunk(items)
                items, rows = [], 0
        if items:
            yield Chunk(items)

    async def apply(self, tx: Tx, chunk: Chunk[Settled], report: Report) -> Sequence[RejectedRow]:
        found = _sort(chunk, report)
        await self._make_products(tx, found, report)
        for recorded in await orders.record(tx, await self._facts(tx, found.orders), fulfilment.bound):
            add(report.outcomes, {recorded.outcome.value: 1})
            add(report.made, {"units_short": recorded.short})
        await self._correct_stock(tx, found.adjustments, report)
        return found.rejected

    async def preview(self, reader: Reader, chunk: Chunk[Settled], report: Report) -> Sequence[RejectedRow]:
        found = _sort(chunk, report)
        names = _named(found)
        known = await catalogue.known(reader, list(names))
        report.unknown_skus.update(names.keys() - known)
        await self._foresee(reader, found.orders, report)
        return found.rejected

    async def _foresee(self, reader: Reader, told: Sequence[ChannelOrder], report: Report) -> None:
        """Which orders are there already: a channel that an import would make has none."""
        try:
            channel = await channels.by_code(reader, self.channel)
        except UnknownChannel:
            add(report.outcomes, {RecordOutcome.CREATED.value: len(told)})
            return
        outcomes = await orders.foresee(reader, channel.id, [(order.external_id, order.version) for order in told])
        for order, outcome in zip(told, outcomes, strict=True):
            add(report.outcomes, {outcome.value: 1})
            if outcome is not RecordOutcome.CREATED:
                report.foresee(outcome.value, order.external_id)

    def conclude(self, report: Report) -> None:
        report.see(self.file.facets)

    def reject(self, item: Settled, problem: Exception) -> Sequence[RejectedRow]:
        rows: list[RowId] = []
        rejected = [outcome for outcome in item.outcomes if isinstance(outcome, RejectedRow)]
        for outcome in item.outcomes:
            match outcome:
                case TakenOrder():
                    rows += outcome.rows
                case StockAdjustmentRow() | SkippedRow():
                    rows.append(outcome.row)
                case RejectedRow():
                    pass
        remark = ("not_recorded", f"The order could not be recorded: {problem}.", "Correct the row.")
        return rejected + reject_rows(self.file.tables, dict.fromkeys(rows, remark))

    async def _make_products(self, tx: Tx, found: _Sorted, report: Report) -> None:
        if not self._create:
            return
        names = _named(found)
        known = await catalogue.known(tx, list(names))
        drafts = [_stub(sku, name) for sku, name in names.items() if sku not in known]
        if drafts:
            add(report.made, {"products": (await catalogue.upsert(tx, drafts)).created})

    async def _facts(self, tx: Tx, told: Sequence[ChannelOrder]) -> list[Fact]:
        counter = self._counter
        assert counter is not None, "`prepare` has run"
        home = counter.channel.market.country
        who = await customers.recognise_many(tx, [Sighting(order.buyer, self.channel, _region(order, home)) for order in told])
        codes = {order.location_code for order in told if order.location_code}
        places = await locations.ids(tx, sorted(codes)) if codes else {}
        return [
            Fact(
                terms=counter.terms,
                order=order,
                candidates=counter.candidates(_destination(order)),
                location_id=places.get(order.location_code),
                customer_id=customer,
                moves_stock=self._request.moves_stock,
            )
            for order, customer in zip(told, who, strict=True)
        ]

    async def _correct_stock(self, tx: Tx, rows: Sequence[StockAdjustmentRow], report: Report) -> None:
        """Corrections of stock move it only where the orders do; else they are accounted for, and no more."""
        if not rows or not self._request.moves_stock:
            return
        assert self.run_id is not None
        new = await imports.claim_adjustments(tx, self.run_id, self.channel, [row.external_id for row in rows])
        movements = [self._movement(row, self._home) for row in rows if row.external_id in new]
        await inventory.record(tx, movements)
        add(report.made, {"stock_corrections": len(movements)})

    @property
    def _home(self) -> LocationId:
        assert self._counter is not None, "`prepare` has run"
        return self._counter.candidates(None).locations[0]

    def _movement(self, row: StockAdjustmentRow, location: LocationId) -> Movement:
        reason = AdjustReason.FOUND if row.quantity > 0 else AdjustReason.LOST
        return Movement(
            kind=EntryKind.ADJUSTED,
            sku=row.sku,
            location_id=location,
            on_hand=row.quantity,
            import_id=self.run_id,
            reason=reason.value,
            note=f"{self.channel} {row.external_id}: {row.reason}".rstrip(": ")[:_MAX_NAME],
        )


def _layout(name: str, header: Sequence[str]) -> OrderFileLayout:
    if not name:
        return choose_layout(ORDER_LAYOUTS, header)
    found = next((layout for layout in ORDER_LAYOUTS if layout.name == name), None)
    if found is None:
        raise UnknownLayout(layout=name, layouts=sorted(layout.name for layout in ORDER_LAYOUTS))
    return found


def _sort(chunk: Chunk[Settled], report: Report) -> _Sorted:
    found, tally = _Sorted(), Tally()
    for _, settled in chunk.items:
        tally.add(settled)
        for outcome in settled.outcomes:
            match outcome:
                case TakenOrder():
                    found.orders.append(outcome.order)
                case StockAdjustmentRow():
                    found.adjustments.append(outcome)
                case RejectedRow():
                    found.rejected.append(outcome)
                case SkippedRow():
                    pass
    report.count(tally)
    return found


def _named(found: _Sorted) -> Mapping[str, str]:
    """The SKUs of a chunk, each with the first name that a line has for it."""
    names: dict[str, str] = {}
    for order in found.orders:
        for line in order.lines:
            if line.kind is LineKind.ITEM:
                names[line.sku] = names.get(line.sku) or line.name
    for row in found.adjustments:
        names.setdefault(row.sku, "")
    return names


def _stub(sku: str, name: str) -> ProductDraft:
    """As much of a product as an order line tells. A name that the catalogue would not take gives way to the SKU."""
    words = " ".join(name.split())[:_MAX_NAME]
    own = (VariantDraft(sku=sku),)
    try:
        return catalogue.check(ProductDraft(code=sku, names={UNDETERMINED: words}, variants=own))
    except Refusal:
        return ProductDraft(code=sku, names={UNDETERMINED: sku}, variants=own)


def _region(order: ChannelOrder, home: str) -> str:
    """The country whose phone numbers need no country code."""
    places = (place.country for place in (order.ship_to, order.bill_to) if place is not None and place.country)
    return next(places, home)


def _destination(order: ChannelOrder) -> tuple[float, float] | None:
    place = order.ship_to
    if place is None or place.latitude is None or place.longitude is None:
        return None
    return place.latitude, place.longitude
