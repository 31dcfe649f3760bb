"""The doctor of fulfilment: whether what locations have to do is what is promised from there, and its counters add up.

Work follows promises with the events that tell of them, a moment later. Whoever looks while there is trade looks again at what
was found, and believes what is still so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from comptoir.modules.fulfilment.contracts import AuditFinding, AuditKind, AuditReport
from comptoir.modules.fulfilment.release import Setting, settle
from comptoir.modules.fulfilment.store import auditing as store
from comptoir.modules.inventory import api as inventory
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Reader, Tx

_BATCH = 2_000


async def audit(reader: Reader, *, limit: int = 1000, only: Sequence[OrderId] = ()) -> AuditReport:
    """What does not fit, at most `limit` findings; of some orders only, where they are named. Give it one snapshot."""
    found = await store.miscounted(reader, limit, only)
    if only:
        return AuditReport(len(only), tuple([*found, *await _compared(reader, only)][:limit]))
    orders, last = 0, None
    while len(found) < limit and (batch := await store.at_work(reader, last, _BATCH)):
        orders, last = orders + len(batch), batch[-1]
        found += await _compared(reader, batch)
    return AuditReport(orders, tuple(found[:limit]))


async def _compared(reader: Reader, orders: Sequence[OrderId]) -> list[AuditFinding]:
    work = Counter(await store.work_of(reader, orders))
    promised = Counter[store.Part]()
    for one in await inventory.reservations_of(reader, orders):
        promised[store.Part(OrderId(one.promise_id), one.line_no, one.location_id)] += one.quantity
    return [
        AuditFinding(AuditKind.WORK, part.order_id, part.line_no, part.location_id, "work", work[part], promised[part])
        for part in sorted(work.keys() | promised.keys())
        if work[part] != promised[part]
    ]


async def repair(tx: Tx, orders: Iterable[OrderId], setting: Setting) -> int:
    """Makes the work of these orders fit what is promised; gives how many were looked at. Counters are for a person."""
    known = sorted(set(orders))
    await settle(tx, known, setting)
    return len(known)
