"""Returns: asked for, decided on, on their way, received and looked at, at any location.

Locks are taken in the order that everybody keeps to: the order, then the return, then levels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from uuid import UUID

from comptoir.kernel.checking import Checks, invalid
from comptoir.modules.changes import domain
from comptoir.modules.changes.applying import add
from comptoir.modules.changes.contracts import (
    LabelStanding,
    OtherWay,
    Reason,
    RefundMethod,
    RefundMoment,
    ReturnCase,
    ReturnCaseId,
    ReturnDraft,
    ReturnItem,
    ReturnMoved,
    ReturnPapersSent,
    ReturnState,
    ReturnStep,
    Setting,
    Units,
    Verdict,
    WayOn,
    Why,
)
from comptoir.modules.changes.errors import (
    GoodsStillHere,
    NotReturnable,
    NotSoldByUs,
    OwnApproval,
    ReturnNotAllowed,
    ReturnStepRefused,
    UnknownReturn,
)
from comptoir.modules.changes.gone import replaced
from comptoir.modules.changes.settling import settle
from comptoir.modules.changes.store import returns as store
from comptoir.modules.changes.terms import Terms, terms
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, Order, OrderId, OrderLine
from comptoir.modules.orders.errors import UnknownLine
from comptoir.runtime.database import Reader, Tx

_LATEST = (RefundMoment.FIRST_SCAN, RefundMoment.RECEIPT, RefundMoment.INSPECTION)


async def get_return(reader: Reader, case_id: ReturnCaseId) -> ReturnCase:
    """Raises UnknownReturn."""
    found = await store.get(reader, case_id)
    if found is None:
        raise UnknownReturn(kind="return_case", id=case_id)
    return found


async def load(tx: Tx, case_id: ReturnCaseId) -> tuple[ReturnCase, Order | None]:
    """The return and its order, both locked, the order first. Raises UnknownReturn."""
    found = await get_return(tx, case_id)
    order = None if found.order_id is None else await orders.load(tx, found.order_id)
    locked = await store.get(tx, case_id, lock=True)
    assert locked is not None, "returns are never deleted"
    return locked, order


def following(case: ReturnCase, step: ReturnStep) -> ReturnState:
    """Raises ReturnStepRefused."""
    state = domain.return_state(case.state, step)
    if state is None:
        raise ReturnStepRefused(step=step, state=case.state)
    return state


async def move(tx: Tx, case: ReturnCase, step: ReturnStep, **values: object) -> ReturnCase:
    """Takes a step and tells it. Raises ReturnStepRefused."""
    state = following(case, step)
    await store.put(tx, case.id, {"state": state, **values})
    tx.emit(ReturnMoved(return_case_id=case.id, order_id=case.order_id, state=state, step=step))
    return await get_return(tx, case.id)


async def settled(tx: Tx, case: ReturnCase) -> ReturnCase:
    """Promises the buyer what this return entitles them to by now."""
    if case.order_id is not None:
        await settle(tx, case.order_id, "return", about="return", about_id=case.id)
    return case


async def request_return(tx: Tx, draft: ReturnDraft, setting: Setting) -> ReturnCase:
    """Announces units that are to come back. It is approved at once unless it gives back more than may be without a person.

    Raises UnknownLine, NotReturnable and ReturnNotAllowed.
    """
    order = await orders.load(tx, draft.order_id)
    units = merged(draft.units)
    _check(draft)
    await require_returnable(tx, order, units)
    found = await terms(tx, order, {no: one.reason for no, one in units.items()}, setting, tx.now)
    late = {no: verdict for no, verdict in found.verdicts.items() if not verdict.allowed}
    if late and not draft.override:
        raise ReturnNotAllowed(lines=[{"line_no": no, "why": v.why, "until": v.until} for no, v in late.items()])
    moment, method, fee, why = combined(found)
    prepaid, label_fee = label_terms(found)
    case_id = await store.insert(
        tx,
        order,
        ReturnState.REQUESTED,
        items_of(order, units.values()),
        moment=moment,
        method=RefundMethod.STORE_CREDIT if draft.method is RefundMethod.STORE_CREDIT else method,
        fee=fee,
        why=late[min(late)].why if late else why,
        announced=True,
        fact=False,
        note=draft.note,
        exchange=draft.exchange,
        location_id=draft.location_id,
        prepaid=prepaid,
        label_fee=label_fee,
        label=LabelStanding.WANTED if draft.label and prepaid else LabelStanding.NONE,
    )
    case = await get_return(tx, case_id)
    tx.emit(ReturnMoved(return_case_id=case_id, order_id=order.id, state=case.state, step="request"))
    limits = [verdict.approval_above for verdict in found.verdicts.values()]
    given = await _worth(tx, order, units)
    if late or domain.needs_approval(given, limits):
        return case
    return await let_come(tx, case_id, setting)


def _check(draft: ReturnDraft) -> None:
    checks = Checks()
    checks.words("note", draft.note, most=500)
    checks.require("units", bool(draft.units), "names at least one unit")
    checks.done()


def merged(units: Iterable[Units]) -> dict[int, Units]:
    """One for each line. Raises Invalid for less than a unit."""
    found: dict[int, Units] = {}
    for one in units:
        if one.quantity < 1:
            raise invalid("units", "name at least one unit each")
        before = found[one.line_no].quantity if one.line_no in found else 0
        found[one.line_no] = one._replace(quantity=one.quantity + before)
    return found


async def require_returnable(tx: Tx, order: Order, units: Mapping[int, Units]) -> None:
    """Raises UnknownLine, and NotReturnable for more than the buyer has and has not announced already."""
    lines = {line.line_no: line for line in order.lines if line.sku is not None}
    unknown = units.keys() - lines.keys()
    if unknown:
        raise UnknownLine(line_no=min(unknown))
    coming: Counter[int] = Counter()
    for case in await store.of_order(tx, order.id):
        if case.state in domain.EXPECTED:
            for item in case.items:
                coming[item.line_no] += max(0, item.quantity - item.received)
    over = [
        {"line_no": no, "asked": one.quantity, "open": max(0, lines[no].shipped - lines[no].returned - coming[no])}
        for no, one in units.items()
        if one.quantity > lines[no].shipped - lines[no].returned - coming[no]
    ]
    if over:
        raise NotReturnable(lines=over)


def items_of(order: Order, units: Iterable[Units]) -> list[ReturnItem]:
    """What is announced. Raises UnknownLine."""
    skus = {line.line_no: line.sku for line in order.lines if line.sku is not None}
    items: list[ReturnItem] = []
    for one in units:
        if one.line_no not in skus:
            raise UnknownLine(line_no=one.line_no)
        items.append(ReturnItem(one.line_no, skus[one.line_no], one.quantity, 0, one.reason))
    return items


def combined(found: Terms) -> tuple[RefundMoment, RefundMethod, int, Why]:
    """What holds for a return of several lines: the latest moment, and otherwise what is best for the buyer."""
    verdicts: list[Verdict] = list(found.verdicts.values())
    moment = max((v.moment for v in verdicts), key=_LATEST.index, default=RefundMoment.INSPECTION)
    original = any(v.method is RefundMethod.ORIGINAL for v in verdicts)
    fee = min((v.fee for v in verdicts), default=0)
    whys = [v.why for v in verdicts if v.why is not Why.WITHDRAWAL] or [Why.WITHDRAWAL]
    return moment, RefundMethod.ORIGINAL if original else RefundMethod.STORE_CREDIT, fee, whys[0]


def label_terms(found: Terms) -> tuple[bool, int]:
    """Whether we buy the label of a return of several lines, and what it costs the buyer: what is best for them."""
    fees = [verdict.label_fee for verdict in found.verdicts.values() if verdict.prepaid]
    return bool(fees), min(fees, default=0)


async def _worth(tx: Tx, order: Order, units: Mapping[int, Units]) -> int:
    off = await orders.allowances(tx, order.id)
    lines: dict[int, OrderLine] = {line.line_no: line for line in order.lines}
    return sum(orders.worth(lines[no], off, lines[no].returned, lines[no].returned + one.quantity) for no, one in units.items())


async def approve_return(tx: Tx, case_id: ReturnCaseId, setting: Setting, way: WayOn | None = None) -> ReturnCase:
    """Somebody approves it who has neither asked for it nor taken it in, unless nobody else could.

    What the buyer wants instead is promised now, and not before. Where it is gone by now it is refused, unless `way` says what
    is done then (`gone_of` says what there is). Raises ReturnStepRefused, OwnApproval and InsufficientStock.
    """
    case = await get_return(tx, case_id)
    following(case, ReturnStep.APPROVE)
    if await setting.are_one(tx, tx.actor, [case.requested_by, *[row.received_by for row in case.received]]):
        others = [one for one in await setting.approvers_of(tx) if not await setting.are_one(tx, tx.actor, [one])]
        if others:
            raise OwnApproval(return_case_id=case_id, approvers=others)
    return await let_come(tx, case_id, setting, way)


async def let_come(tx: Tx, case_id: ReturnCaseId, setting: Setting, way: WayOn | None = None) -> ReturnCase:
    """The buyer may send it; what they want instead is promised at once. Raises ReturnStepRefused and InsufficientStock."""
    case, order = await load(tx, case_id)
    lines: list[int] = []
    if case.exchange and order is not None:
        following(case, ReturnStep.APPROVE)
        wanted = case.exchange if way is None else await replaced(tx, case, order, setting, way)
        if wanted != case.exchange:
            await store.put(tx, case_id, {"exchange": store.encoded(wanted)})
        items = [orders.Addition(one.sku, one.quantity, one.unit_price) for one in wanted]
        waits = way is not None and way.way is OtherWay.BACKORDER
        lines = await add(tx, order.id, items, setting, backorder=waits) if items else []
    done = await move(tx, case, ReturnStep.APPROVE, decided_at=tx.now, decided_by=tx.actor, exchange_lines=lines)
    return await settled(tx, done)


async def cancel_return(tx: Tx, case_id: ReturnCaseId) -> ReturnCase:
    """It does not come; what was promised instead and has not left is cancelled."""
    case, order = await load(tx, case_id)
    done = await move(tx, case, ReturnStep.CANCEL, closed_at=tx.now, closed_by=tx.actor, **unlabelled(tx, case))
    if order is not None:
        await give_up_exchange(tx, order, case)
    return await settled(tx, done)


def unlabelled(tx: Tx, case: ReturnCase) -> dict[str, object]:
    """What changes of a return whose label nobody needs any more: it is given back outside of this transaction."""
    return {"label": domain.without_label(case).value, "label_at": tx.now}


async def give_up_exchange(tx: Tx, order: Order, case: ReturnCase) -> None:
    lines = [
        LineQuantity(line.line_no, line.open) for line in order.lines if line.line_no in case.exchange_lines and line.open > 0
    ]
    if lines:
        await fulfilment.withdraw(tx, order.id, lines, "exchange")


async def send_return(tx: Tx, case_id: ReturnCaseId, carrier: str = "", tracking_number: str = "") -> ReturnCase:
    """A carrier has it; without a number it is that of the label that we have bought. With another our label is not used."""
    checks = Checks()
    carrier = checks.words("carrier", carrier)
    tracking_number = checks.words("tracking_number", tracking_number)
    checks.done()
    case, _ = await load(tx, case_id)
    ours = case.label is LabelStanding.BOUGHT and tracking_number in {"", case.tracking_number}
    values: dict[str, object] = {"carrier": carrier, "tracking_number": tracking_number, "sent_at": tx.now}
    if ours:
        values |= {"carrier": case.carrier, "tracking_number": case.tracking_number}
    else:
        values |= unlabelled(tx, case)
    return await settled(tx, await move(tx, case, ReturnStep.SEND, **values))


async def send_papers(tx: Tx, case_id: ReturnCaseId) -> ReturnCase:
    """Has the buyer told where the label and the slip of an announced return are. Raises NotSoldByUs and ReturnStepRefused."""
    case, order = await load(tx, case_id)
    if order is None:
        raise NotSoldByUs(return_case_id=case_id)
    if case.state not in {ReturnState.APPROVED, ReturnState.IN_TRANSIT}:
        raise ReturnStepRefused(step="send_papers", state=case.state)
    tx.emit(ReturnPapersSent(return_case_id=case_id, order_id=order.id, code=domain.return_code(case.number)))
    return case


async def close_return(tx: Tx, case_id: ReturnCaseId) -> ReturnCase:
    """Nothing more is done about it: all that came was looked at, or it is lost on the road.

    Raises ReturnStepRefused, and GoodsStillHere for what was declined and is still here.
    """
    case, _ = await load(tx, case_id)
    if case.to_give_back:
        raise GoodsStillHere(return_case_id=case_id, units=case.to_give_back)
    return await settled(tx, await move(tx, case, ReturnStep.CLOSE, closed_at=tx.now, closed_by=tx.actor))


async def returns_of(reader: Reader, order_id: OrderId) -> list[ReturnCase]:
    """All of an order, the oldest first."""
    return await store.of_order(reader, order_id)


def reason_of(case: ReturnCase, line_no: int) -> Reason:
    return next((item.reason for item in case.items if item.line_no == line_no), Reason.OTHER)


def subject(case: ReturnCase) -> UUID:
    return case.order_id or case.id
