"""Changes of orders: asked for, previewed, decided on, confirmed."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Refusal, Stale
from comptoir.modules.changes import domain
from comptoir.modules.changes.applying import carry_out
from comptoir.modules.changes.contracts import (
    CancelUnits,
    Change,
    ChangeDraft,
    ChangeFilter,
    ChangeId,
    ChangeMoved,
    ChangePickup,
    ChangeService,
    ChangeState,
    ChangeStep,
    Preview,
    Setting,
)
from comptoir.modules.changes.errors import (
    ActionNotAllowed,
    ApprovalNeeded,
    ChangeStepRefused,
    NotASale,
    OwnApproval,
    UnknownChange,
)
from comptoir.modules.changes.store import changes as store
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Request
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, Order, OrderId
from comptoir.modules.orders.errors import UnknownLine
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.events import Recorded
from comptoir.runtime.paging import Page
from comptoir.sdk.orders import OrderKind

MAX_ACTIONS = 100
_ANSWERS = frozenset({Request.CANCELLATION_ACCEPTED.value, Request.CANCELLATION_REJECTED.value})


async def preview(tx: Tx, draft: ChangeDraft, setting: Setting) -> Preview:
    """What a change would come to: it is done, looked at and undone. Raises whatever stands against it."""
    draft = _checked(draft)
    await _order(tx, draft)
    async with tx.rehearsal():
        return await carry_out(tx, draft, setting)


async def request_change(tx: Tx, draft: ChangeDraft, setting: Setting, *, version: int | None = None) -> tuple[Change, Preview]:
    """Asks for a change, which has to be possible now. `version` is the order's that the caller looked at.

    Raises Stale, ChangeOpen and whatever `preview` raises.
    """
    draft = _checked(draft)
    order = await _order(tx, draft)
    if version not in {None, order.version}:
        raise Stale(kind="order", id=order.id, version=order.version)
    found = await preview(tx, draft, setting)
    made = await store.insert(tx, draft, order.version, needs_approval=found.needs_approval)
    _tell(tx, made)
    return made, found


def _checked(draft: ChangeDraft) -> ChangeDraft:
    checks = Checks()
    checks.words("reason", draft.reason)
    checks.words("note", draft.note, most=500)
    checks.require("actions", 1 <= len(draft.actions) <= MAX_ACTIONS, f"has 1 to {MAX_ACTIONS} actions")
    checks.done()
    foreign = domain.foreign(draft.kind, draft.actions)
    if foreign:
        raise ActionNotAllowed(change=draft.kind, actions=foreign)
    return draft


async def _order(tx: Tx, draft: ChangeDraft) -> Order:
    order = await orders.load(tx, draft.order_id)
    if order.kind != OrderKind.SALE:
        raise NotASale
    unknown = domain.named_lines(draft.actions) - {line.line_no for line in order.lines}
    if unknown:
        raise UnknownLine(line_no=min(unknown))
    return order


async def renew_change(tx: Tx, change_id: ChangeId, setting: Setting) -> tuple[Change, Preview]:
    """Looks at an open change anew, on the order as it is now: what was approved of another version has to be approved again.

    Raises ChangeStepRefused and whatever `preview` raises.
    """
    change, order = await _load(tx, change_id)
    state = _next(change, ChangeStep.RENEW)
    found = await preview(tx, draft_of(change), setting)
    await store.renew(tx, change_id, state, order.version, needs_approval=found.needs_approval)
    return await _told(tx, change_id), found


async def approve_change(tx: Tx, change_id: ChangeId, setting: Setting, reason: str = "") -> Change:
    """Whoever asked for it does not approve it, by a token of theirs neither, unless nobody else could. Raises
    ChangeStepRefused and OwnApproval.
    """
    change, _ = await _load(tx, change_id)
    state = _next(change, ChangeStep.APPROVE)
    if await setting.are_one(tx, tx.actor, [change.requested_by]):
        others = [one for one in await setting.approvers_of(tx) if not await setting.are_one(tx, tx.actor, [one])]
        if others:
            raise OwnApproval(change_id=change_id, approvers=others)
    return await _decide(tx, change_id, state, reason)


async def decline_change(tx: Tx, change_id: ChangeId, reason: str = "") -> Change:
    """Raises ChangeStepRefused."""
    change, _ = await _load(tx, change_id)
    return await _decide(tx, change_id, _next(change, ChangeStep.DECLINE), reason)


async def _decide(tx: Tx, change_id: ChangeId, state: ChangeState, reason: str) -> Change:
    checks = Checks()
    reason = checks.words("reason", reason)
    checks.done()
    await store.decide(tx, change_id, state, reason)
    return await _told(tx, change_id)


async def cancel_change(tx: Tx, change_id: ChangeId) -> Change:
    """Nothing is done. Raises ChangeStepRefused for what has been."""
    change, _ = await _load(tx, change_id)
    await store.end(tx, change_id, _next(change, ChangeStep.CANCEL))
    return await _told(tx, change_id)


async def confirm_change(tx: Tx, change_id: ChangeId, setting: Setting) -> tuple[Change, Preview | None]:
    """Does it, once: whoever confirms what is confirmed already gets it as it is, and no effects.

    What a third party has accepted is not taken from it: it is asked to stop, and the change is done when it has (see
    `follow_third_parties`). Until then it is as it was, with `waits_since`, and no effects.

    Raises ApprovalNeeded, ChangeStepRefused, Stale when the order is not as it was when the change was asked for, and whatever
    stands against an action.
    """
    change, order = await _load(tx, change_id)
    if change.state is ChangeState.CONFIRMED:
        return change, None
    state = _next(change, ChangeStep.CONFIRM)
    if change.needs_approval and change.state is not ChangeState.APPROVED:
        raise ApprovalNeeded(change_id=change_id)
    if order.version != change.order_version:
        raise Stale(kind="order", id=order.id, version=order.version)
    if await _asks_third_parties(tx, change):
        await store.wait(tx, change_id)
        return await get_change(tx, change_id), None
    found = await carry_out(tx, draft_of(change), setting, change_id)
    await store.end(tx, change_id, state, given=found.given)
    return await _told(tx, change_id), found


async def _asks_third_parties(tx: Tx, change: Change) -> bool:
    """Whether somebody has to stop first; who was not asked yet is asked."""
    whole = any(isinstance(action, (ChangePickup, ChangeService)) for action in change.actions)
    lines = {action.line_no for action in change.actions if isinstance(action, CancelUnits)}
    if whole and await _is_placed_anew(tx, change):
        return bool(await fulfilment.ask_back(tx, change.order_id, None, change.reason))
    return bool(lines) and bool(await fulfilment.ask_back(tx, change.order_id, lines, change.reason))


async def _is_placed_anew(reader: Reader, change: Change) -> bool:
    """Whether all that has not left is taken off its locations: what is collected goes elsewhere, or is sent."""
    collected = (await orders.order(reader, change.order_id)).pickup_location_id is not None
    return collected or any(isinstance(action, ChangePickup) for action in change.actions)


async def follow_third_parties(tx: Tx, events: Sequence[Recorded], setting: Setting) -> None:
    """Third parties have answered: what waits for it is done, or given up where one of them could not stop; then the units
    stand before a person as an exception of their order.

    What stands against it by then, and what needs an approval that it did not need before, is left to a person.
    """
    answered: dict[OrderId, bool] = {}
    notes: dict[OrderId, str] = {}
    for event in events:
        if event.subject is not None and event.data.get("request") in _ANSWERS:
            order_id = OrderId(event.subject)
            answered[order_id] = answered.get(order_id, True) and event.data["request"] == Request.CANCELLATION_ACCEPTED
            notes[order_id] = str(event.data.get("note") or notes.get(order_id, ""))
    for order_id, stopped in sorted(answered.items()):
        await orders.load(tx, order_id)
        for change in await of_order(tx, order_id):
            if change.waits_since is None:
                continue
            if not stopped:
                await store.end(tx, change.id, _next(change, ChangeStep.CANCEL))
                await _told(tx, change.id)
                wanted = [LineQuantity(one.line_no, one.quantity) for one in change.actions if isinstance(one, CancelUnits)]
                await fulfilment.not_stopped(tx, order_id, wanted, change.reason, notes[order_id])
            elif not await _asks_third_parties(tx, change):
                await _after_waiting(tx, change, setting)


async def _after_waiting(tx: Tx, change: Change, setting: Setting) -> None:
    draft = draft_of(change)
    try:
        async with tx.rehearsal():
            seen = await carry_out(tx, draft, setting, change.id)
    except Refusal:
        await store.wait(tx, change.id, waits=False)
        return
    if seen.needs_approval and change.state is not ChangeState.APPROVED:
        await store.wait(tx, change.id, waits=False)
        await renew_change(tx, change.id, setting)
        return
    found = await carry_out(tx, draft, setting, change.id)
    await store.end(tx, change.id, _next(change, ChangeStep.CONFIRM), given=found.given)
    await _told(tx, change.id)


def draft_of(change: Change) -> ChangeDraft:
    """What was asked for."""
    return ChangeDraft(
        order_id=change.order_id,
        kind=change.kind,
        actions=change.actions,
        reason=change.reason,
        note=change.note,
        shipment_id=change.shipment_id,
    )


def _next(change: Change, step: ChangeStep) -> ChangeState:
    state = domain.change_state(change.state, step)
    if state is None:
        raise ChangeStepRefused(step=step, state=change.state)
    return state


async def _load(tx: Tx, change_id: ChangeId) -> tuple[Change, Order]:
    """The change and its order, both locked, the order first."""
    found = await get_change(tx, change_id)
    order = await orders.load(tx, found.order_id)
    locked = await store.get(tx, change_id, lock=True)
    assert locked is not None, "changes are never deleted"
    return locked, order


async def _told(tx: Tx, change_id: ChangeId) -> Change:
    change = await get_change(tx, change_id)
    _tell(tx, change)
    return change


def _tell(tx: Tx, change: Change) -> None:
    reason = change.decision or change.reason if change.state is ChangeState.DECLINED else change.reason
    tx.emit(ChangeMoved(order_id=change.order_id, change_id=change.id, kind=change.kind, state=change.state, reason=reason))


async def get_change(reader: Reader, change_id: ChangeId) -> Change:
    """Raises UnknownChange."""
    found = await store.get(reader, change_id)
    if found is None:
        raise UnknownChange(kind="change", id=change_id)
    return found


async def find_changes(
    reader: Reader, wanted: ChangeFilter, *, sort: str = "-requested", limit: int = 50, cursor: str | None = None
) -> Page[Change]:
    """Sorts: requested, -requested."""
    return await store.LISTING.page(reader, store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def of_order(reader: Reader, order_id: OrderId) -> list[Change]:
    """The changes of an order that are open: one, or none."""
    return (await find_changes(reader, ChangeFilter(order=order_id, states=domain.OPEN_CHANGES))).items


async def open_changes(reader: Reader) -> tuple[int, int]:
    """How many changes wait for approval, and how many are open in all."""
    counted = await store.counts(reader)
    waiting = sum(n for state, needs, n in counted if needs and state is ChangeState.REQUESTED)
    return waiting, sum(n for _, _, n in counted)
