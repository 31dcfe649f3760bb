"""Reading the order book."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence

from comptoir.kernel.errors import NotFound
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.inventory import api as inventory
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import store
from comptoir.modules.orders.contracts import (
    Choice,
    Departure,
    ExceptionDetails,
    ExceptionFilter,
    ExceptionId,
    ExceptionKind,
    ExceptionSummary,
    Order,
    OrderDetails,
    OrderException,
    OrderFilter,
    OrderId,
    OrderSummary,
    PoolOf,
    Shipment,
    ShipmentId,
    Source,
    TimelineEntry,
)
from comptoir.modules.orders.domain import senders
from comptoir.modules.orders.store import reading
from comptoir.modules.payments import api as payments
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Count, Page, Where, storable


async def find(
    reader: Reader, wanted: OrderFilter, *, sort: str = "-placed", limit: int = 50, cursor: str | None = None
) -> Page[OrderSummary]:
    """Sorts: placed, total, number, and each with a `-` before it."""
    return await reading.ORDERS.page(reader, await _where(reader, wanted), sort=sort, limit=limit, cursor=cursor)


async def count(reader: Reader, wanted: OrderFilter) -> Count:
    return await reading.ORDERS.count(reader, await _where(reader, wanted))


async def stream(reader: Reader, wanted: OrderFilter, *, sort: str = "-placed") -> AsyncIterator[OrderSummary]:
    """Every one of them, in order, for exports."""
    async for row in reading.ORDERS.stream(reader, await _where(reader, wanted), sort=sort):
        yield row


async def _where(reader: Reader, wanted: OrderFilter) -> Where:
    text = storable(wanted.search).strip()
    return reading.where_orders(wanted, sku=bool(text) and text in await catalogue.known(reader, [text]))


async def numbers(reader: Reader, ids: Sequence[OrderId]) -> dict[OrderId, int]:
    """What people call these orders; one that is not there is left out."""
    return await reading.numbers(reader, ids) if ids else {}


async def id_of(reader: Reader, number: int) -> OrderId | None:
    """The order with this number, if there is one."""
    return await reading.id_by_number(reader, number)


async def order(reader: Reader, order_id: OrderId) -> Order:
    """With its lines, not locked. Raises NotFound."""
    found = await store.load(reader, order_id)
    if found is None:
        raise NotFound(kind="order", id=str(order_id))
    return found


async def get(reader: Reader, order_id: OrderId) -> OrderDetails:
    """An order and everything around it. Raises NotFound."""
    return OrderDetails(
        order=await order(reader, order_id),
        reservations=tuple(await inventory.reservations_of(reader, [order_id])),
        shipments=tuple(await reading.shipments(reader, order_id)),
        returns=tuple(await reading.returns(reader, order_id)),
        payments=tuple(await payments.entries_of(reader, order_id)),
        exceptions=tuple(await reading.exceptions_of(reader, order_id)),
    )


async def shipments_of(reader: Reader, order_id: OrderId) -> list[Shipment]:
    """What has left of an order; nothing of one that there is not."""
    return await reading.shipments(reader, order_id)


async def by_number(reader: Reader, number: int) -> OrderDetails:
    found = await reading.id_by_number(reader, number)
    if found is None:
        raise NotFound(kind="order", number=number)
    return await get(reader, found)


async def by_external(reader: Reader, channel_code: str, external_id: str) -> OrderDetails:
    """The order that a channel knows by that id."""
    found = await reading.id_by_external(reader, channel_code, external_id)
    if found is None:
        raise NotFound(kind="order", channel=channel_code, external_id=external_id)
    return await get(reader, found)


async def timeline(
    reader: Reader, order_id: OrderId, *, sort: str = "at", limit: int = 50, cursor: str | None = None
) -> Page[TimelineEntry]:
    """What happened to an order: who did what when. Sorts: at, -at."""
    return await reading.TIMELINE.page(reader, reading.where_timeline(order_id), sort=sort, limit=limit, cursor=cursor)


async def departures(reader: Reader, ids: Sequence[ShipmentId]) -> list[Departure]:
    """These shipments, each with what whoever follows it has to know of its order; by id."""
    return await reading.departures(reader, ids)


async def find_exceptions(
    reader: Reader, wanted: ExceptionFilter, *, sort: str = "-opened", limit: int = 50, cursor: str | None = None
) -> Page[ExceptionSummary]:
    """Sorts: opened, quantity, and each with a `-` before it."""
    return await reading.EXCEPTIONS.page(reader, reading.where_exceptions(wanted), sort=sort, limit=limit, cursor=cursor)


async def count_exceptions(reader: Reader, wanted: ExceptionFilter) -> Count:
    return await reading.EXCEPTIONS.count(reader, reading.where_exceptions(wanted))


def stream_exceptions(reader: Reader, wanted: ExceptionFilter, *, sort: str = "-opened") -> AsyncIterator[ExceptionSummary]:
    """Every one of them, in order, for exports."""
    return reading.EXCEPTIONS.stream(reader, reading.where_exceptions(wanted), sort=sort)


async def counts_of_exceptions(reader: Reader) -> dict[ExceptionKind, int]:
    """How many of each kind are open; a kind with none is left out."""
    return await reading.count_open(reader)


_CHOICES = {
    ExceptionKind.SHORTFALL: (Choice.MOVE, Choice.BACKORDER, Choice.CANCEL, Choice.WAIT),
    ExceptionKind.NEGATIVE_STOCK: (Choice.COUNT, Choice.DISMISS),
    ExceptionKind.UNKNOWN_SKU: (Choice.IDENTIFY, Choice.CANCEL, Choice.DISMISS),
    ExceptionKind.OVERDUE_BACKORDER: (Choice.CANCEL, Choice.WAIT, Choice.DISMISS),
    ExceptionKind.UNROUTABLE: (Choice.SEND, Choice.RETRY, Choice.SERVICE, Choice.CANCEL, Choice.WAIT, Choice.DISMISS),
    ExceptionKind.AT_THIRD_PARTY: (Choice.EXPECT_BACK, Choice.ASK_AGAIN, Choice.WAIT, Choice.DISMISS),
}


async def exception(reader: Reader, exception_id: ExceptionId, pool_of: PoolOf) -> ExceptionDetails:
    """An exception with every choice that there is. Raises NotFound."""
    found = await store.exception(reader, exception_id)
    if found is None:
        raise NotFound(kind="exception", id=str(exception_id))
    own = await store.load(reader, found.order_id) if found.order_id is not None else None
    line = None if own is None else next((line for line in own.lines if line.line_no == found.line_no), None)
    bare = ExceptionDetails(found, own, line, (), (), ())
    return bare if found.state != "open" else await _with_choices(reader, bare, pool_of)


async def _with_choices(reader: Reader, bare: ExceptionDetails, pool_of: PoolOf) -> ExceptionDetails:
    found, own = bare.exception, bare.order
    choices = [choice for choice in _CHOICES[found.kind] if _possible(choice, bare)]
    if (
        own is None
        or found.sku is None
        or found.kind
        not in {
            ExceptionKind.SHORTFALL,
            ExceptionKind.OVERDUE_BACKORDER,
            ExceptionKind.UNROUTABLE,
        }
    ):
        return ExceptionDetails(found, own, bare.line, tuple(choices), (), ())
    pool = await pool_of(reader, own.channel_id)
    sources = await _sources(reader, found, [location for location in senders(pool) if location != found.location_id])
    if found.kind is ExceptionKind.UNROUTABLE:
        sources = await _with_promised(reader, own, found, sources)
    arrivals = (await inventory.incoming(reader, [found.sku], [place.location_id for place in pool]))[found.sku]
    offered = tuple(choice for choice in choices if choice not in {Choice.MOVE, Choice.SEND} or sources)
    return ExceptionDetails(found, own, bare.line, offered, sources, tuple(arrivals))


_OF_UNITS = frozenset({Choice.CANCEL, Choice.SEND, Choice.RETRY, Choice.SERVICE})


def _possible(choice: Choice, bare: ExceptionDetails) -> bool:
    if choice is Choice.SERVICE and (bare.order is None or not (bare.order.ship_to or {}).get("country")):
        return False  # there is no address that it could go to
    if choice is Choice.ASK_AGAIN:  # who was asked and has not answered is not asked again
        return "refused" in bare.exception.data and bare.line is not None and bare.line.open > 0
    if choice is Choice.EXPECT_BACK:
        return "expect_back" not in bare.exception.data
    return choice not in _OF_UNITS or (bare.line is not None and bare.line.open > 0)


async def _with_promised(reader: Reader, order: Order, found: OrderException, there: tuple[Source, ...]) -> tuple[Source, ...]:
    """What nobody may send is promised somewhere, as a rule: those have it too."""
    units = Counter({one.location_id: one.available for one in there})
    for r in await inventory.reservations_of(reader, [order.id]):
        if r.line_no == found.line_no:
            units[r.location_id] += r.quantity
    return tuple(sorted((Source(location, n) for location, n in units.items()), key=lambda s: (-s.available, s)))


async def _sources(reader: Reader, found: OrderException, pool: list[LocationId]) -> tuple[Source, ...]:
    assert found.sku is not None
    there = await inventory.available_in_pool(reader, [found.sku], pool)
    return tuple(sorted((Source(location, available) for _, location, available in there), key=lambda s: (-s.available, s)))
