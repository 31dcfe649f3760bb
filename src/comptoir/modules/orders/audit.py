"""The doctor of the order book: adds everything up again, and puts right what can be put right openly.

Lines say how orders stand, reservations what is promised, and the payment ledger what was paid; what is kept beside them as a
sum yields to them. Stock that is reserved for nobody is released through the ledger; units that a line believes to be promised
and that are not, wait for stock again. Each repaired order has an `order.repaired` in its timeline.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from uuid import UUID

from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Reservation
from comptoir.modules.orders import lifecycle, store
from comptoir.modules.orders.contracts import Finding, FindingKind, Order, OrderId, OrderRepaired, Repaired, Report
from comptoir.modules.orders.domain import UnitPlace, UnitStep
from comptoir.modules.orders.store import auditing
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Balance
from comptoir.runtime.database import Reader, Tx

_BEGINNING = UUID(int=0)
_STRETCH = 10_000
_DANGLING = 1000

_MENDABLE = frozenset({FindingKind.COUNTERS, FindingKind.TOTALS, FindingKind.RESERVED, FindingKind.PAYMENTS})


async def audit(reader: Reader, *, limit: int = 1000) -> Report:
    """What does not add up, at most `limit` findings in detail. Give it a `transaction(snapshot=True)`: what is written in the
    middle would look like a fault.
    """
    found: list[Finding] = []
    counts: Counter[FindingKind] = Counter()
    orders = 0
    after = _BEGINNING
    while ids := await auditing.stretch(reader, after, _STRETCH):
        orders += len(ids)
        after = ids[-1]
        own = await _stretch(reader, ids)
        counts.update(finding.kind for finding in own)
        found.extend(own[: max(0, limit - len(found))])
    dangling = [_dangling(r) for r in await auditing.dangling(reader, _DANGLING)]
    counts.update(finding.kind for finding in dangling)
    found.extend(dangling[: max(0, limit - len(found))])
    return Report(orders, tuple(found), dict(counts))


async def _stretch(reader: Reader, ids: Sequence[OrderId]) -> list[Finding]:
    first, last = ids[0], ids[-1]
    return [
        *await auditing.findings(reader, first, last),
        *await _reserved(reader, ids),
        *_paid(await auditing.paid(reader, first, last), await payments.balances(reader, ids)),
    ]


async def _reserved(reader: Reader, ids: Sequence[OrderId]) -> list[Finding]:
    promised = await auditing.promised(reader, ids[0], ids[-1])
    expected = {(line.order_id, line.line_no, line.sku): line.quantity for line in promised}
    found: Counter[tuple[UUID, int, str]] = Counter()
    for r in await inventory.reservations_of(reader, ids):
        found[r.promise_id, r.line_no, r.sku] += r.quantity
    return [
        Finding(FindingKind.RESERVED, order_id, line_no, sku, found[order_id, line_no, sku], units)
        for (order_id, line_no, sku) in sorted(expected.keys() | found.keys())
        if (units := expected.get((OrderId(order_id), line_no, sku), 0)) != found[order_id, line_no, sku]
    ]


def _paid(columns: dict[UUID, Balance], ledger: dict[UUID, Balance]) -> list[Finding]:
    return [
        Finding(FindingKind.PAYMENTS, order_id, None, what, getattr(column, what), getattr(true, what))
        for order_id, column in columns.items()
        if (true := ledger.get(order_id, Balance())) != column
        for what in ("authorised", "captured", "refunded")
        if getattr(column, what) != getattr(true, what)
    ]


def _dangling(r: Reservation) -> Finding:
    return Finding(FindingKind.DANGLING, r.promise_id, r.line_no, r.sku, r.quantity, 0)


async def repair(tx: Tx, *, limit: int = 1000) -> Repaired:
    """Puts right the first `limit` findings; `left` are those of them that a person has to look at. Call it again, in another
    transaction, as long as it repairs something.
    """
    report = await audit(tx, limit=limit)
    kinds: dict[OrderId, set[FindingKind]] = defaultdict(set)
    for finding in report.findings:
        if finding.kind in _MENDABLE:
            kinds[OrderId(finding.order_id)].add(finding.kind)
    await store.lock(tx, sorted(kinds))
    for order_id in sorted(kinds):
        await _repair(tx, order_id, kinds[order_id])
    released = await _release_dangling(tx)
    left = tuple(f for f in report.findings if f.kind not in _MENDABLE and f.kind is not FindingKind.DANGLING)
    return Repaired(len(kinds), released, left)


async def _repair(tx: Tx, order_id: OrderId, kinds: set[FindingKind]) -> None:
    order = await lifecycle.load(tx, order_id)
    if FindingKind.RESERVED in kinds:
        await _match_reservations(tx, order)
    if kinds & {FindingKind.COUNTERS, FindingKind.TOTALS}:
        was = (await auditing.counters(tx, [order_id]))[order_id]
        await store.sum_up(tx, order_id)
        _tell(tx, order, "sums", was, (await auditing.counters(tx, [order_id]))[order_id])
    if FindingKind.PAYMENTS in kinds:
        true = await payments.balance_of(tx, order_id)
        await auditing.set_paid(tx, order_id, true)
        _tell(tx, order, "payments", _figures(Balance(order.authorised, order.captured, order.refunded)), _figures(true))


async def _match_reservations(tx: Tx, order: Order) -> None:
    """What is reserved without need is released; what is needed and not reserved waits for stock."""
    reservations = await inventory.reservations_of(tx, [order.id])
    wanted = {line.line_no: line for line in order.lines if line.stocked}
    freed: list[Reservation] = []
    waiting: list[store.LineChange] = []
    was = {f"reserved_{r.line_no}": 0 for r in reservations} | {f"reserved_{no}": 0 for no in wanted}
    now = dict(was)
    for r in reservations:
        was[f"reserved_{r.line_no}"] += r.quantity
    for no in sorted({r.line_no for r in reservations} | set(wanted)):
        line = wanted.get(no)
        own = [r for r in reservations if r.line_no == no and line is not None and r.sku == line.sku]
        foreign = [r for r in reservations if r.line_no == no and r not in own]
        there, needed = sum(r.quantity for r in own), line.reserved if line is not None else 0
        freed.extend(foreign)
        if there > needed:
            freed.extend(inventory.take(own, no, there - needed))
        elif there < needed:
            waiting.append(lifecycle.stepped(no, UnitStep.RELEASE, {UnitPlace.RESERVED: needed - there}))
        now[f"reserved_{no}"] = min(there, needed)
    await inventory.release(tx, freed)
    if waiting:
        await store.change_lines(tx, order.id, waiting)
    _tell(tx, order, "reservations", was, now)


def _tell(tx: Tx, order: Order, what: str, was: dict[str, int], now: dict[str, int]) -> None:
    differing = [name for name in was if was[name] != now[name]]
    if differing:
        tx.emit(
            OrderRepaired(
                order_id=order.id,
                number=order.number,
                what=what,
                was={name: was[name] for name in differing},
                now={name: now[name] for name in differing},
            )
        )


def _figures(balance: Balance) -> dict[str, int]:
    return {"authorised": balance.authorised, "captured": balance.captured, "refunded": balance.refunded}


async def _release_dangling(tx: Tx) -> int:
    """Gives back what is reserved for orders that do not exist; says how many reservations."""
    found = await auditing.dangling(tx, _DANGLING)
    if not found:
        return 0
    await inventory.lock_levels(tx, sorted({(r.sku, r.location_id) for r in found}))
    found = await auditing.dangling(tx, _DANGLING)
    await inventory.release(tx, found)
    return len(found)
