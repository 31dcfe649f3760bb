"""What changes in an order after it was placed: lines that come on top, what is allowed off, where it goes, and its money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from comptoir.kernel.checking import Checks, invalid
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import MAX_MINOR, Money, added_tax, included_tax, round_half_even
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Demand, PromiseId, Reservation
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import allowances as domain
from comptoir.modules.orders import store
from comptoir.modules.orders.allowances import Allowance
from comptoir.modules.orders.contracts import (
    Charge,
    LineQuantity,
    Order,
    OrderId,
    OrderLine,
    OrderUpdated,
)
from comptoir.modules.orders.errors import NotForSale, NothingLeft, OverAllowance, TotalTooLarge, UnknownLine, UnknownSku
from comptoir.modules.orders.lifecycle import load, pay
from comptoir.modules.orders.store import changing as changes
from comptoir.modules.orders.store.changing import History
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import (
    AccountId,
    AccountKind,
    EntryKind,
    Grant,
    GrantId,
    Standing,
)
from comptoir.modules.payments.errors import BalanceTooLow, OverOwed
from comptoir.modules.pricing import api as pricing
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.orders import Address, LineKind

_encode = msgspec.json.Encoder().encode
_PER = {Unit.THOUSANDTH: 1000}


@dataclass(frozen=True, slots=True)
class Addition:
    """Units of a SKU that come on top. `unit_price` is minor units; None takes the market's price of today."""

    sku: str
    quantity: int
    unit_price: int | None = None


async def standing(reader: Reader, order_id: OrderId) -> Standing:
    """How the order stands between the buyer and us. Raises NotFound."""
    order = await store.load(reader, order_id)
    if order is None:
        raise NotFound(kind="order", id=str(order_id))
    return await standing_of(reader, order)


async def standing_of(
    reader: Reader, order: Order, off: Sequence[Allowance] | None = None, grants: Sequence[Grant] | None = None
) -> Standing:
    """As `standing`, of an order that has been read; with what was allowed off it and its grants, where they have been too."""
    off = await changes.allowances(reader, order.id) if off is None else off
    grants = await payments.grants_of(reader, order.id) if grants is None else grants
    return Standing(
        currency=order.currency,
        total=order.total,
        value=domain.value(order.lines, off),
        authorised=order.authorised,
        captured=order.captured,
        refunded=order.refunded,
        granted=sum(grant.open for grant in grants),
    )


async def allowances(reader: Reader, order_id: OrderId) -> list[Allowance]:
    """What was allowed off the price of an order's units, the oldest first."""
    return await changes.allowances(reader, order_id)


async def history(reader: Reader, customer_id: UUID, since: datetime) -> History:
    """What a customer has bought and returned since."""
    return await changes.history(reader, customer_id, since)


async def by_tracking(reader: Reader, number: str, limit: int = 20) -> list[OrderId]:
    """Orders of which a shipment has this tracking number, the newest first."""
    return await changes.ids_by_tracking(reader, number, limit)


async def allow(tx: Tx, order_id: OrderId, line_no: int | None, amount: int, reason: str, *, units: int | None = None) -> None:
    """Allows an amount off what the buyer pays: for a whole line, for the last `units` of it that have left, or (`line_no`
    None) for the whole order. Raises UnknownLine, OverAllowance and NothingLeft.
    """
    if amount < 1:
        raise invalid("amount", "is at least one minor unit")
    order = await load(tx, order_id)
    there = await changes.allowances(tx, order_id)
    rows: list[Allowance] = []
    for line, part in _parts(order, there, line_no, amount):
        first, last = line.returned, line.quantity - line.cancelled
        if units is not None:
            first, last = line.shipped - units, line.shipped
            if units < 1 or first < line.returned:
                raise NothingLeft(line_no=line.line_no, units=line.shipped - line.returned)
        most = domain.worth(line, there, first, last)
        if part > most:
            raise OverAllowance(line_no=line.line_no, left=max(0, most), asked=part)
        rows += domain.spread(line, there, part, first, last)
    await changes.insert_allowances(tx, order_id, rows, reason)
    await _updated(tx, order, [])


def _parts(order: Order, there: Sequence[Allowance], line_no: int | None, amount: int) -> list[tuple[OrderLine, int]]:
    """Which line bears how much of it."""
    if line_no is not None:
        line = next((line for line in order.lines if line.line_no == line_no), None)
        if line is None:
            raise UnknownLine(line_no=line_no)
        return [(line, amount)]
    lines = [line for line in order.lines if domain.left(line, there) > 0]
    weights = [domain.left(line, there) for line in lines]
    if amount > sum(weights):
        raise OverAllowance(line_no=None, left=sum(weights), asked=amount)
    parts = Money(amount, order.currency).split(weights)
    return [(line, part.minor) for line, part in zip(lines, parts, strict=True) if part.minor]


async def add_lines(
    tx: Tx,
    order_id: OrderId,
    items: Sequence[Addition],
    charges: Sequence[Charge],
    candidates: Sequence[LocationId],
    *,
    backorder: bool,
) -> list[int]:
    """Lines on top, at the prices of now, frozen; what the candidates have is promised at once, in their order. Gives the
    numbers of the lines, items first.

    What is lacking waits for stock with `backorder`, and is refused otherwise. Raises UnknownSku, NotForSale, InsufficientStock
    and TotalTooLarge.
    """
    order = await load(tx, order_id)
    first = max((line.line_no for line in order.lines), default=0) + 1
    _check(items)
    rows = await _rows(tx, order, first, items, charges)
    demands = [Demand(row.line_no, row.sku, row.quantity) for row in rows if row.stocked and row.sku is not None]
    spots = sorted({(demand.sku, location) for demand in demands for location in candidates})
    available = await inventory.lock_available(tx, spots) if spots else {}
    allocations, lacking = inventory.allocate(demands, list(candidates), dict(available)) if demands else ([], [])
    if lacking and not backorder:
        raise _insufficient(demands, lacking)
    waits: Counter[int] = Counter()
    for demand in lacking:
        waits[demand.line_no] += demand.quantity
    await store.insert_lines(tx, [msgspec.structs.replace(row, backordered=waits[row.line_no]) for row in rows])
    skus = {row.line_no: row.sku or "" for row in rows}
    if allocations:
        await inventory.reserve(
            tx, [Reservation(PromiseId(order_id), a.line_no, a.location_id, skus[a.line_no], a.quantity) for a in allocations]
        )
    await _updated(tx, order, [LineQuantity(row.line_no, row.quantity) for row in rows])
    return [row.line_no for row in rows]


def _check(items: Sequence[Addition]) -> None:
    checks = Checks()
    for n, item in enumerate(items):
        checks.whole(f"lines[{n}].quantity", item.quantity, 1, MAX_QUANTITY)
        checks.whole(f"lines[{n}].unit_price", item.unit_price or 0, 0, MAX_MINOR)
    checks.done()


def _insufficient(demands: Sequence[Demand], lacking: Sequence[Demand]) -> InsufficientStock:
    missing = {demand.line_no: demand.quantity for demand in lacking}
    return InsufficientStock(
        lines=[
            {"sku": d.sku, "requested": d.quantity, "available": d.quantity - missing[d.line_no]}
            for d in demands
            if d.line_no in missing
        ]
    )


async def _rows(tx: Tx, order: Order, first: int, items: Sequence[Addition], charges: Sequence[Charge]) -> list[store.NewLine]:
    skus = list({item.sku for item in items})
    sellable = await catalogue.sellable(tx, skus) if skus else {}
    prices = await pricing.prices(tx, order.market, skus) if skus else {}
    tax_name = (await pricing.market(tx, order.market)).tax_name
    rows: list[store.NewLine] = []
    for line_no, item in enumerate(items, first):
        variant, price = sellable.get(item.sku), prices.get(item.sku)
        if variant is None:
            raise UnknownSku(skus=[item.sku])
        if not variant.active or (price is None and item.unit_price is None):
            raise NotForSale(skus=[item.sku])
        unit_price = item.unit_price if item.unit_price is not None else price.amount if price else 0
        per = _PER.get(Unit(variant.unit), 1)
        amount = round_half_even(Decimal(unit_price * item.quantity) / per)
        rate = price.tax_rate if price else Decimal(0)
        row = _row(order, line_no, LineKind.ITEM, item.sku, variant.name, item.quantity, amount, rate, tax_name)
        rows.append(
            msgspec.structs.replace(row, stocked=variant.stocked, unit_price=str(Money(unit_price, order.currency).major))
        )
    for line_no, charge in enumerate(charges, first + len(items)):
        rate = Decimal(charge.tax_rate)
        rows.append(_row(order, line_no, charge.kind, None, charge.name, charge.quantity, charge.amount, rate, tax_name))
    if abs(order.total) + sum(abs(row.total) for row in rows) > MAX_MINOR:
        raise TotalTooLarge(limit=MAX_MINOR)
    return rows


def _row(
    order: Order,
    line_no: int,
    kind: LineKind,
    sku: str | None,
    name: str,
    quantity: int,
    amount: int,
    rate: Decimal,
    tax_name: str,
) -> store.NewLine:
    tax = (included_tax if order.tax_included else added_tax)(amount, rate) if rate else 0
    return store.NewLine(
        order_id=order.id,
        line_no=line_no,
        kind=kind,
        sku=sku,
        name=name,
        stocked=False,
        quantity=quantity,
        unit_price=str(round(Money(amount, order.currency).major / quantity, 6)),
        amount=amount,
        discount=0,
        tax=tax,
        total=amount if order.tax_included else amount + tax,
        discounts=None,
        taxes=_encode([{"name": tax_name, "rate": rate, "amount": tax}]) if rate else None,
        external_id=None,
        cancelled=0,
        backordered=0,
        shipped=0,
        returned=0,
    )


async def change_delivery(tx: Tx, order_id: OrderId, *, ship_to: Address | None = None, service: Service | None = None) -> None:
    """Where it goes and how from now on; None leaves it as it is. Whether that is still possible is for the caller to know."""
    order = await load(tx, order_id)
    await changes.set_delivery(tx, order_id, None if ship_to is None else _encode(ship_to), service)
    await _updated(tx, order, [])


async def change_pickup(tx: Tx, order_id: OrderId, location_id: LocationId | None, service: Service = Service.STANDARD) -> None:
    """Where it is collected from now on; None sends it to its address, with that service. What is promised where stays."""
    order = await load(tx, order_id)
    await changes.set_pickup(tx, order_id, location_id, service if location_id is None else Service.PICKUP)
    await _updated(tx, order, [])


async def _updated(tx: Tx, order: Order, lines: Sequence[LineQuantity]) -> None:
    """Sums the order up and tells that it is another one now."""
    total, quantity = await store.sum_up(tx, order.id)
    tx.emit(
        OrderUpdated(
            order_id=order.id,
            number=order.number,
            channel=order.channel_code,
            lines=tuple(lines),
            version=order.external_version or "",
            total=total,
            total_change=total - order.total,
            quantity_change=quantity - order.quantity,
        )
    )


async def grant_refund(tx: Tx, order_id: OrderId, amount: int, reason: str) -> GrantId:
    """Promises the buyer what they are owed, or a part of it. Raises OverOwed."""
    there = await standing_of(tx, await load(tx, order_id))
    if amount > there.owed_to_buyer - there.granted:
        raise OverOwed(owed=there.owed_to_buyer, granted=there.granted, asked=amount)
    return await payments.grant(tx, order_id, amount, there.currency, reason)


async def withdraw_refund(tx: Tx, order_id: OrderId, grant_id: GrantId, reason: str = "") -> None:
    """Raises UnknownGrant and GrantClosed."""
    await load(tx, order_id)
    await payments.withdraw(tx, order_id, grant_id, reason)


async def execute_refund(
    tx: Tx,
    order_id: OrderId,
    grant_id: GrantId,
    amount: int,
    method: str,
    reference: str = "",
    *,
    account_id: AccountId | None = None,
    anyhow: Collection[str] = (),
    location_id: UUID | None = None,
) -> bool:
    """Writes that so much of a granted refund has moved, by that method, at that store or desk; store credit and gift cards are
    credited with it.

    It goes back as it was paid, to accounts, or by the methods of `anyhow`. False when (method, reference) was known already.
    Raises UnknownGrant, GrantClosed, OverGrant, OverRefund, OverMethod, ReferenceMissing, and for accounts UnknownAccount,
    WrongCurrency and AccountExpired.
    """
    order = await load(tx, order_id)
    payments.check_method(method, reference)
    if reference and await payments.is_known(tx, order_id, EntryKind.REFUNDED, method, reference):
        return False
    await payments.executable(tx, order_id, grant_id, amount)
    await payments.check_as_paid(tx, order_id, method, amount, anyhow)
    payment_id = uuid7()
    if method in set(AccountKind):
        if account_id is None:
            raise invalid("account_id", "says which gift card or store credit gets it")
        kind = (await payments.get_account(tx, account_id)).kind
        if kind != method:
            raise invalid("method", f"is {kind} for this account")
    done = await pay(
        tx,
        order_id,
        EntryKind.REFUNDED,
        method,
        amount,
        reference,
        payment_id,
        grant_id=grant_id,
        location_id=location_id,
    )
    if account_id is not None and method in set(AccountKind):
        await payments.give_back(tx, account_id, amount, order.currency, order_id=order_id, payment_id=payment_id)
    return done


async def spend(
    tx: Tx, order_id: OrderId, account_id: AccountId, amount: int | None = None, *, location_id: UUID | None = None
) -> int:
    """Pays with a gift card or store credit: so much, or (None) as much as is owed and there, at that store. Gives how much.

    Raises OverOwed for more than the buyer owes, UnknownAccount, WrongCurrency, AccountExpired and BalanceTooLow.
    """
    order = await load(tx, order_id)
    there = await standing_of(tx, order)
    account = await payments.get_account(tx, account_id)
    wanted = min(there.owed_by_buyer, account.balance) if amount is None else amount
    if wanted == 0 < there.owed_by_buyer:
        raise BalanceTooLow(balance=account.balance, asked=there.owed_by_buyer)
    if wanted > there.owed_by_buyer or wanted == 0:
        raise OverOwed(owed=there.owed_by_buyer, granted=0, asked=wanted)
    payment_id = uuid7()
    await payments.spend(tx, account_id, wanted, order.currency, order_id=order_id, payment_id=payment_id)
    await pay(tx, order_id, EntryKind.CAPTURED, account.kind, wanted, payment_id=payment_id, location_id=location_id)
    return wanted
