"""What somebody has scanned or typed about a return: its code, an order, a receipt, an e-mail address, a tracking number, an
article. One field understands them all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from comptoir.kernel.ids import from_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Found, ReturnCase, ReturnFilter, ReturnState
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CustomerFilter
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, OrderFilter, OrderId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.web import Visit

OPEN = (
    ReturnState.REQUESTED, ReturnState.APPROVED, ReturnState.IN_TRANSIT, ReturnState.RECEIVED, ReturnState.INSPECTED,
)  # fmt: skip
COMING = (ReturnState.REQUESTED, ReturnState.APPROVED, ReturnState.IN_TRANSIT)
_SLIP = re.compile(r"R(\d{1,18})", re.IGNORECASE)
"""The code on the slip that lay in the parcel: R and the order's number."""
_FEW = 20


@dataclass(frozen=True, slots=True)
class Findings:
    """What fits: returns, and orders of which something may come back. `sku` is what was scanned, if it is one."""

    q: str
    cases: tuple[ReturnCase, ...]
    found: tuple[Found, ...]
    sku: str


def plain(q: str) -> str:
    """An order's number where a slip of ours was scanned."""
    slip = _SLIP.fullmatch(q)
    return slip[1] if slip else q.removeprefix("#")


async def find(visit: Visit, reader: Reader, text: str, states: tuple[ReturnState, ...] = OPEN) -> Findings:
    q = plain(text.strip()[:200])
    if not q:
        return Findings("", (), (), "")
    wanted = ReturnFilter(search=q, states=states)
    cases = (await changes.find_returns(reader, wanted, limit=_FEW)).items
    if changes.return_number(q) is not None and not q.isdecimal():
        return Findings(q, tuple(await changes.with_units(reader, cases)), (), "")
    sku = await lists.sku_of(reader, q) or ""
    found = await _orders(visit, reader, q, sku)
    own = {one.order_id for one in found}
    if own and not cases:
        cases = (await changes.find_returns(reader, ReturnFilter(search_orders=tuple(own), states=states), limit=_FEW)).items
    return Findings(q, tuple(await changes.with_units(reader, cases)), tuple(found), sku)


async def _orders(visit: Visit, reader: Reader, q: str, sku: str) -> list[Found]:
    """By number, receipt or id; else by tracking number; else by whose it is; else by what it is."""
    if sku and not q.isdecimal():
        return await changes.look_for(reader, sku=sku)
    found = await changes.look_for(reader, number=q)
    exact = [one for one in found if str(one.number) == q]
    found = exact or found or await changes.look_for(reader, tracking=q)
    if not found and visit.may(Permission.CUSTOMERS_READ) and any(char.isalpha() for char in q):
        for one in (await customers.find(reader, CustomerFilter(search=q), limit=3)).items:
            found += await changes.look_for(reader, customer=one.id)
    if not found and sku:
        found = await changes.look_for(reader, sku=sku)
    return found


async def orders_meant(visit: Visit, reader: Reader, q: str) -> tuple[OrderId, ...]:
    """The orders that a search in the list of returns means."""
    if not q:
        return ()
    text = plain(q)
    people = ()
    if visit.may(Permission.CUSTOMERS_READ) and any(char.isalpha() for char in text):
        people = tuple([one.id for one in (await customers.find(reader, CustomerFilter(search=text), limit=20)).items])
    page = await orders.find(reader, OrderFilter(search=text, search_customers=people), limit=200)
    return (*[one.id for one in page.items], *await orders.by_tracking(reader, text, _FEW))


def order_named(text: str) -> OrderId | None:
    try:
        return OrderId(from_text(ORDER_PREFIX, text))
    except ValueError:
        return None
