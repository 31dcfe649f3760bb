"""Returns over the counter: what one would come to, taking it all at once, and giving the money back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from comptoir.modules.changes import domain
from comptoir.modules.changes.contracts import (
    Arrived,
    Foreseen,
    Look,
    ReturnCase,
    ReturnCaseId,
    ReturnDraft,
    ReturnState,
    Seen,
    Setting,
)
from comptoir.modules.changes.errors import MarketplacePays, NothingToPayOut, NotSoldByUs
from comptoir.modules.changes.finding import signals_of
from comptoir.modules.changes.receiving import inspect_return, pay_out_credit, receive_return
from comptoir.modules.changes.returning import (
    approve_return,
    label_terms,
    let_come,
    load,
    merged,
    request_return,
    require_returnable,
)
from comptoir.modules.changes.terms import terms
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Account, AccountKind, EntryKind
from comptoir.runtime.database import Tx


class PaidBack(NamedTuple):
    """What was given back by which method; `code` is told this once, of store credit that is new."""

    parts: tuple[tuple[str, int], ...]
    account: Account | None = None
    code: str | None = None


async def foresee(tx: Tx, draft: ReturnDraft, setting: Setting, location_id: LocationId) -> Foreseen:
    """What a return would come to if all of it came: it is done, looked at and undone.

    What the policy does not take is foreseen as well, as if a person took it. Raises UnknownLine, NotReturnable, and what
    stands against an exchange.
    """
    order = await orders.load(tx, draft.order_id)
    units = merged(draft.units)
    await require_returnable(tx, order, units)
    found = await terms(tx, order, {no: one.reason for no, one in units.items()}, setting, tx.now)
    facts = await setting.facts_of(tx, order.channel_id)
    before = await orders.standing_of(tx, order)
    async with tx.rehearsal():
        case = await request_return(tx, replace(draft, override=True), setting)
        needs_approval = case.state is ReturnState.REQUESTED
        if needs_approval:
            case = await let_come(tx, case.id, setting)
        asked = await orders.standing(tx, order.id)
        arrived = [Arrived(one.line_no, one.quantity) for one in units.values()]
        case = await receive_return(tx, case.id, location_id, arrived)
        after = await orders.standing(tx, order.id)
        signals = tuple(await signals_of(tx, case))
    fee = case.fee_charged or 0
    prepaid, label_fee = label_terms(found)
    label_fee = min(label_fee, asked.value - after.value) if draft.label and prepaid else 0
    return Foreseen(
        verdicts=found.verdicts,
        fits=found.fits,
        worth=asked.value - after.value + fee,
        fee=fee,
        costs=asked.value - before.value,
        granted=max(0, domain.promised(after, 0, 0) - before.granted - label_fee),
        owed_by_buyer=after.owed_by_buyer,
        needs_approval=needs_approval,
        marketplace=facts.marketplace,
        label_fee=label_fee,
        signals=signals,
    )


async def take_over_counter(
    tx: Tx, draft: ReturnDraft, location_id: LocationId, seen: Sequence[Seen], setting: Setting, *, approve: bool
) -> ReturnCase:
    """Units that somebody has in hand: asked for, received and looked at in one go.

    With `approve` whoever asks approves it as well, where nobody else could; what needs approval and has none is received, and
    waits for it. Raises whatever the steps raise.
    """
    case = await request_return(tx, replace(draft, location_id=location_id), setting)
    if case.state is ReturnState.REQUESTED and approve:
        case = await approve_return(tx, case.id, setting)
    arrived = [Arrived(one.line_no, one.quantity, one.sku) for one in seen]
    case = await receive_return(tx, case.id, location_id, arrived)
    if domain.undecided(case):
        return case
    return await inspect_return(tx, case.id, _looks(case, seen))


def _looks(case: ReturnCase, seen: Sequence[Seen]) -> list[Look]:
    """What was seen of each row that was received just now; what is another article keeps its place under quality hold."""
    by_line = {one.line_no: one for one in seen}
    return [
        Look(row.id, row.quantity, one.condition, one.fate, one.deduct, one.to_location_id)
        for row in case.received
        if row.line_no is not None and row.fate is None and (one := by_line.get(row.line_no)) is not None
    ]


async def pay_back(
    tx: Tx, case_id: ReturnCaseId, setting: Setting, reference: str = "", *, at: LocationId | None = None
) -> PaidBack:
    """Gives back what is promised to the buyer of a return, now, as it was paid; what was paid with a gift card or store credit
    becomes store credit. `reference` is the receipt of the terminal, `at` the desk that pays.

    Raises NotSoldByUs, MarketplacePays, NothingToPayOut and ReferenceMissing.
    """
    case, order = await load(tx, case_id)
    if order is None:
        raise NotSoldByUs(return_case_id=case.id)
    if (await setting.facts_of(tx, order.channel_id)).marketplace:
        raise MarketplacePays(order_id=order.id)
    amount = sum(one.open for one in await payments.grants_of(tx, order.id))
    if not amount:
        raise NothingToPayOut
    parts: list[tuple[str, int]] = []
    for method, part in payments.as_paid(await payments.entries_of(tx, order.id), amount):
        if method in set(AccountKind):
            continue
        payments.check_method(method, reference)
        await orders.pay(tx, order.id, EntryKind.REFUNDED, method, part, reference, location_id=at)
        parts.append((method, part))
    if sum(part for _, part in parts) == amount:
        return PaidBack(tuple(parts))
    account, code, rest = await pay_out_credit(tx, case_id, setting, at=at)
    return PaidBack((*parts, (AccountKind.STORE_CREDIT.value, rest)), account, code)
