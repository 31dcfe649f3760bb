"""What the counter, the API, the pages for buyers and the clock do alike about what is collected: money, refunds, time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from comptoir.kernel.errors import Refusal
from comptoir.modules.changes import api as changes
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import BackReason, Fulfilment, FulfilmentId, GivenBack, LineUnits, State
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import CARD_TERMINAL, CASH, EntryKind
from comptoir.modules.payments.errors import OverOwed
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Tx


class PaidBy(StrEnum):
    """How something is paid at the counter."""

    CASH = CASH
    CARD_TERMINAL = CARD_TERMINAL
    ACCOUNT = "account"
    """A gift card or store credit, by its code."""


class AlreadyPaid(Refusal):
    """Nothing is left to pay for these units."""

    code = "already_paid"
    status = 409
    title = "That is paid already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tender:
    """Money that is taken at the counter. Without an amount, all that these units cost, as far as it is there."""

    method: PaidBy
    amount: int | None = None
    reference: str = ""
    """The terminal's receipt."""
    code: str = ""
    """Of the gift card or the store credit."""


def code_of(keyring: Keyring, one: Fulfilment) -> str:
    """The pickup code of a fulfilment order."""
    return fulfilment.pickup_code(keyring, one.id, one.number)


async def take(tx: Tx, fulfilment_id: FulfilmentId, lines: Sequence[LineUnits] | None, tender: Tender) -> int:
    """Takes the money for these units (None is all that are ready) and gives how much it was.

    Raises AlreadyPaid, OverOwed for more than the buyer owes, ReferenceMissing, and what a gift card refuses.
    """
    one = await fulfilment.get(tx, fulfilment_id)
    order = await orders.load(tx, one.order_id)
    owed = await fulfilment.to_pay(tx, fulfilment_id, lines)
    if not owed.whole or (tender.amount is None and not owed.due):
        raise AlreadyPaid
    if tender.amount is not None and tender.amount > owed.whole:
        raise OverOwed(owed=owed.whole, granted=0, asked=tender.amount)
    amount = owed.due if tender.amount is None else tender.amount
    return await _taken(tx, one.order_id, amount, tender, order.pickup_location_id or one.location_id)


async def take_for_order(tx: Tx, order_id: OrderId, tender: Tender, at: LocationId | None = None) -> int:
    """Takes the money for a whole order, as far as it is there, and gives how much it was: 0 when nothing is owed. `at` is the
    store that takes it.
    """
    order = await orders.load(tx, order_id)
    owed = (await orders.standing_of(tx, order)).owed_by_buyer
    return await _taken(tx, order_id, owed, tender, at) if owed else 0


async def _taken(tx: Tx, order_id: OrderId, amount: int, tender: Tender, at: LocationId | None) -> int:
    if tender.method is PaidBy.ACCOUNT:
        account = await payments.account_by_code(tx, tender.code)
        enough = tender.amount or account.balance >= amount or not account.balance
        return await orders.spend(tx, order_id, account.id, amount if enough else account.balance, location_id=at)
    payments.check_method(tender.method, tender.reference)
    await orders.pay(tx, order_id, EntryKind.CAPTURED, tender.method, amount, tender.reference, location_id=at)
    return amount


async def give_back(tx: Tx, fulfilment_id: FulfilmentId, lines: Sequence[LineUnits] | None, reason: BackReason) -> GivenBack:
    """Units go back to the stock instead of to the buyer, who is promised what they have paid for them."""
    given = await fulfilment.give_back(tx, fulfilment_id, lines, reason)
    await _settle(tx, given, reason)
    return given


async def receive(
    tx: Tx, fulfilment_id: FulfilmentId, short: Mapping[BackReason, Sequence[LineUnits]], *, shelf: str | None = None
) -> Fulfilment:
    """What another location has sent is here, without the units that are `short`: those are paid back, and only what is left is
    on the counter and told to the buyer. Without any it is over.
    """
    for reason, lines in short.items():
        if lines:
            await _settle(tx, await fulfilment.came_short(tx, fulfilment_id, lines, reason), reason)
    after = await fulfilment.get(tx, fulfilment_id)
    if after.state in {State.CLOSED, State.CANCELLED}:
        return after
    return await fulfilment.ready(tx, fulfilment_id, shelf=shelf)


async def _settle(tx: Tx, given: GivenBack, reason: BackReason) -> None:
    await changes.settle(tx, given.order_id, reason, about="collection", about_id=given.fulfilment_id)


async def give_back_overdue(tx: Tx) -> int:
    """Gives back what has waited for too long, one at a time; 0 when nothing has."""
    given = await fulfilment.give_back_overdue(tx)
    if given is None:
        return 0
    if given.units:
        await _settle(tx, given, BackReason.NOT_COLLECTED)
    return 1
