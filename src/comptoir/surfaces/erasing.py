"""Erasing a customer: what every module knows of who they were goes; what the law wants kept stays, for as long as it says.

Orders keep what was sold, for how much, and to which country. Invoices keep their buyer until the last day on which the books
have to be kept; those that are older lose it at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from comptoir.modules.changes import api as changes
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import EMAIL, PHONE, Customer, CustomerId
from comptoir.modules.customers.errors import CustomerStillServed
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.invoicing import api as invoicing
from comptoir.modules.notices import api as notices
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.tracking import api as tracking
from comptoir.runtime.database import Reader, Tx


@dataclass(frozen=True, slots=True)
class Kept:
    """An invoice, or a credit note, on which the buyer has to stay."""

    number: str
    until: date


@dataclass(frozen=True, slots=True)
class Outlook:
    """What erasing a customer comes to."""

    customer: Customer
    orders: int
    pictures: int
    consents: int
    kept: tuple[Kept, ...]
    """The latest first."""
    open: tuple[int, ...]
    """The numbers of the orders that stand against it."""


async def outlook(reader: Reader, customer_id: CustomerId, today: date) -> Outlook:
    """Raises UnknownCustomer."""
    customer = await customers.get(reader, customer_id)
    ids = await orders.ids_of_customer(reader, customer_id)
    return Outlook(
        customer,
        len(ids),
        await changes.count_pictures(reader, ids),
        len(await notices.latest(reader, _addresses(customer))),
        await _kept(reader, ids, today),
        await _open(reader, ids),
    )


async def erase(tx: Tx, customer_id: CustomerId) -> tuple[Kept, ...]:
    """Erases them everywhere; gives what has to be kept. Doing it twice changes nothing. Raises UnknownCustomer and
    CustomerStillServed.
    """
    customer = await customers.get(tx, customer_id)
    ids = await orders.ids_of_customer(tx, customer_id)
    for order_id in ids:
        await orders.load(tx, order_id)
    still = await _open(tx, ids)
    if still:
        raise CustomerStillServed(customer_id=customer_id, orders=list(still))
    kept = await _kept(tx, ids, tx.now.date())
    await customers.erase(tx, customer_id)
    await orders.forget_buyers(tx, ids)
    await fulfilment.forget_buyers(tx, ids)
    await purchasing.forget_buyers(tx, ids)
    await tracking.forget_buyers(tx, ids)
    await changes.forget_buyers(tx, ids)
    await notices.forget_buyers(tx, _addresses(customer), ids)
    await invoicing.forget_buyers(tx, ids)
    return kept


def _addresses(customer: Customer) -> list[str]:
    return [key.value for key in customer.identities if key.kind in {EMAIL, PHONE}]


async def _open(reader: Reader, ids: Sequence[OrderId]) -> tuple[int, ...]:
    return tuple(sorted({*await orders.unsettled(reader, ids), *await changes.coming_back(reader, ids)}))


async def _kept(reader: Reader, ids: Sequence[OrderId], today: date) -> tuple[Kept, ...]:
    found = [Kept(one.number, invoicing.kept_until(one)) for one in await invoicing.of_orders(reader, ids)]
    still = [one for one in found if one.until >= today]
    return tuple(sorted(still, key=lambda one: (one.until, one.number), reverse=True))
