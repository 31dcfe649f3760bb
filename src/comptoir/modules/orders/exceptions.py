"""Exceptions: what a fact broke, until it is put right by a rule or by a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Level, Spot
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import store
from comptoir.modules.orders.contracts import (
    ExceptionId,
    ExceptionKind,
    ExceptionOpened,
    ExceptionResolved,
    OrderException,
    OrderId,
    Resolution,
)
from comptoir.modules.orders.errors import ExceptionClosed
from comptoir.runtime.database import Tx


@dataclass(frozen=True, slots=True)
class Opening:
    """An exception to be."""

    kind: ExceptionKind
    order_id: OrderId | None
    line_no: int | None
    sku: str | None
    location_id: LocationId | None
    quantity: int
    data: Mapping[str, object] = field(default_factory=dict[str, object])
    """What is known of it; added to what is known of one that is open already."""


async def open_exceptions(tx: Tx, openings: Sequence[Opening]) -> list[ExceptionId]:
    """Opens them, and gives the new ones; one that is open already for the same thing takes the new quantity."""
    if not openings:
        return []
    ids = [ExceptionId(uuid7()) for _ in openings]
    new = await store.open_exceptions(
        tx,
        [
            (i, o.kind, o.order_id, o.line_no, o.sku, o.location_id, o.quantity, o.data)
            for i, o in zip(ids, openings, strict=True)
        ],
    )
    for i, o in zip(ids, openings, strict=True):
        if i in new:
            tx.emit(
                ExceptionOpened(
                    exception_id=i,
                    kind=o.kind,
                    order_id=o.order_id,
                    sku=o.sku,
                    location_id=o.location_id,
                    quantity=o.quantity,
                )
            )
    return [i for i in ids if i in new]


async def close(tx: Tx, found: OrderException, resolution: Resolution) -> bool:
    """Closes one that is open; False when somebody was faster."""
    if not await store.close_exception(tx, found.id, resolution):
        return False
    tx.emit(ExceptionResolved(exception_id=found.id, kind=found.kind, order_id=found.order_id, resolution=resolution))
    return True


async def resolve(tx: Tx, exception_id: ExceptionId, resolution: Resolution) -> OrderException:
    """A person closes it as it is: counted, or dismissed. Raises NotFound and ExceptionClosed."""
    found = await get(tx, exception_id)
    if not await close(tx, found, resolution):
        raise ExceptionClosed(resolution=(await get(tx, exception_id)).resolution)
    return found


async def get(tx: Tx, exception_id: ExceptionId) -> OrderException:
    """Raises NotFound."""
    found = await store.exception(tx, exception_id)
    if found is None:
        raise NotFound(kind="exception", id=str(exception_id))
    return found


async def note_negative(tx: Tx, levels: Mapping[Spot, Level]) -> None:
    """Asks for a count where more has left than there was thought to be. The levels are locked."""
    await open_exceptions(
        tx,
        [
            Opening(ExceptionKind.NEGATIVE_STOCK, None, None, sku, location_id, -level.on_hand)
            for (sku, location_id), level in sorted(levels.items())
            if level.on_hand < 0
        ],
    )


async def review_negative(tx: Tx, found: Sequence[OrderException], resolution: Resolution) -> None:
    """Closes the NEGATIVE_STOCK among these whose level is not below nothing any more."""
    by_spot = {(one.sku, one.location_id): one for one in found if one.sku is not None and one.location_id is not None}
    if not by_spot:
        return
    for spot, level in (await inventory.lock_levels(tx, sorted(by_spot))).items():
        if level.on_hand >= 0:
            await close(tx, by_spot[spot], resolution)
