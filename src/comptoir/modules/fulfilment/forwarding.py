"""What a location sends to the counter of another one: there it is work of its own, until it is collected or given back.

Its units are shipped: they are off the stock of whoever sent them, and on nobody's until they are collected or given back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from comptoir.kernel.ids import uuid7
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentCreated,
    FulfilmentId,
    FulfilmentLine,
    Method,
    State,
)
from comptoir.modules.fulfilment.store import collecting as store
from comptoir.modules.fulfilment.store import work
from comptoir.modules.fulfilment.store.work import NewFulfilment
from comptoir.modules.locations.contracts import LocationId
from comptoir.runtime.database import Tx


async def announce(tx: Tx, sent: Fulfilment, units: Mapping[int, int], counter: LocationId) -> FulfilmentId:
    """These units of a fulfilment order have left for a counter, which will receive them."""
    lines = tuple(
        [FulfilmentLine(line.line_no, line.sku, line.name, units[line.line_no]) for line in sent.lines if units[line.line_no]]
    )
    new = NewFulfilment(
        id=FulfilmentId(uuid7()),
        order_id=sent.order_id,
        order_number=sent.order_number,
        channel_code=sent.channel_code,
        location_id=counter,
        state=State.OPEN,
        method=Method.HAND_OUT,
        service=sent.service,
        hold_reason=None,
        carrier=sent.carrier,
        leaves_by=None,
        arrives_on=sent.arrives_on,
        promised_on=sent.promised_on,
        answer_by=None,
        release_at=None,
        recipient=sent.recipient,
        city=sent.city,
        country=sent.country,
        placed_at=sent.placed_at,
        lines=lines,
    )
    numbers = await work.insert(tx, [new])
    await work.put_lines(tx, [(new.id, replace(line, picked=line.quantity, packed=line.quantity)) for line in lines])
    await store.open_(tx, new.id, sent.order_id, counter, origin_id=sent.id)
    tx.emit(
        FulfilmentCreated(
            order_id=sent.order_id,
            fulfilment_id=new.id,
            location_id=counter,
            number=numbers[new.id],
            state=State.OPEN,
            units=sum(line.quantity for line in lines),
        )
    )
    return new.id
