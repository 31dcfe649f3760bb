"""Store credit instead of money: what is promised to the buyer of an order goes to an account of theirs."""

from __future__ import annotations

from comptoir.modules.changes.errors import NothingToPayOut
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Account, AccountDraft, AccountKind, GrantId
from comptoir.runtime.database import Tx


async def credit_out(
    tx: Tx, order_id: OrderId, grant_id: GrantId | None = None, *, at: LocationId | None = None
) -> tuple[Account, str | None, int]:
    """Puts what is promised to the buyer, all of it or this grant, on store credit: the customer's own, or a new one, whose
    code is told this once. `at` is the desk that does so.

    Gives the account, the code of a new one, and how much. Raises NothingToPayOut.
    """
    order = await orders.load(tx, order_id)
    open_ones = [one for one in await payments.grants_of(tx, order.id) if one.open and grant_id in {None, one.id}]
    if not open_ones:
        raise NothingToPayOut
    own = await payments.accounts_of(tx, order.customer_id) if order.customer_id is not None else []
    account = next(
        (
            one
            for one in own
            if one.kind is AccountKind.STORE_CREDIT and one.currency == order.currency and not one.expired(tx.now)
        ),
        None,
    )
    code: str | None = None
    if account is None:
        draft = AccountDraft(kind=AccountKind.STORE_CREDIT, currency=order.currency, amount=0, customer_id=order.customer_id)
        account, code = await payments.issue(tx, draft)
    total = 0
    for one in open_ones:
        await orders.execute_refund(
            tx, order.id, one.id, one.open, AccountKind.STORE_CREDIT, account_id=account.id, location_id=at
        )
        total += one.open
    return await payments.get_account(tx, account.id), code, total
