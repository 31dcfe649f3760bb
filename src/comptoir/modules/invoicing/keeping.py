"""For how long an invoice keeps its buyer: as long as the law wants the books to be kept, and not a day longer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from comptoir.modules.invoicing import store
from comptoir.modules.invoicing.contracts import Issued
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Tx

KEPT_FOR_YEARS = 10
"""Code de commerce, article L123-22: from the end of the financial year, which is taken to be that of the calendar."""


def kept_until(one: Issued) -> date:
    """The last day on which the buyer has to stand on it."""
    return date(one.issued_on.year + KEPT_FOR_YEARS, 12, 31)


async def forget_buyers(tx: Tx, order_ids: Sequence[OrderId]) -> None:
    """The buyer of these orders comes off their invoices as soon as the law lets it: at once, or by `forget_due` later."""
    await store.mark_erased(tx, order_ids, KEPT_FOR_YEARS)
    while await forget_due(tx):
        pass


async def forget_due(tx: Tx, limit: int = 1_000) -> int:
    """Takes erased buyers off invoices that need not be kept any more; of addresses the country stays. Says how many there
    were.
    """
    return await store.forget_due(tx, tx.now.date(), limit)
