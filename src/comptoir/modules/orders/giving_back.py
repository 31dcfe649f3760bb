"""What had come back and was not taken is the buyer's again."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.kernel.ids import uuid7
from comptoir.modules.inventory.contracts import Disposition
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import store
from comptoir.modules.orders.contracts import LineQuantity, OrderGivenBack, OrderId, ReturnId
from comptoir.modules.orders.domain import UnitPlace, UnitStep, share
from comptoir.modules.orders.errors import QuantityNotOpen
from comptoir.modules.orders.lifecycle import load, open_lines, stepped
from comptoir.runtime.database import Tx


async def give_back(
    tx: Tx, order_id: OrderId, location_id: LocationId, lines: Sequence[LineQuantity], reason: str
) -> tuple[ReturnId, int]:
    """Undoes `take_back` for so many units of each line, the last ones that came; stock is moved by whoever has them.

    It is written down as a return of fewer than no units, so that nothing that happened is lost. Gives what they stand for, in
    minor units, to the cent. Raises UnknownLine, and QuantityNotOpen for more than has come back.
    """
    order = await load(tx, order_id)
    chosen = open_lines(order, lines, {line.line_no: line.returned for line in order.lines})
    if not chosen:
        raise QuantityNotOpen(lines=[])
    rows = [
        (line.line_no, Disposition.QUALITY, -units, -share(line.total, line.quantity, line.returned - units, units))
        for line, units in chosen
    ]
    return_id = ReturnId(uuid7())
    await store.insert_return(tx, return_id, order_id, location_id, reason, rows)
    given = [stepped(line.line_no, UnitStep.GIVE_BACK, {UnitPlace.RETURNED: units}) for line, units in chosen]
    await store.change_lines(tx, order_id, given)
    worth = -sum(amount for *_, amount in rows)
    tx.emit(
        OrderGivenBack(
            order_id=order_id,
            number=order.number,
            channel=order.channel_code,
            lines=tuple(LineQuantity(line.line_no, units) for line, units in chosen),
            return_id=return_id,
            location_id=location_id,
            reason=reason,
            units=sum(units for line, units in chosen if line.sku is not None),
            worth=worth,
        )
    )
    return return_id, worth
