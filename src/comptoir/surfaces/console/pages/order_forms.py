"""What the forms of an order's actions have in common: what they show, what comes back, and the units of each line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from comptoir.i18n import N_
from comptoir.modules.orders.contracts import (
    LineQuantity,
    Order,
    OrderDetails,
    OrderLine,
)
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.web import Done, Visit

Values = dict[str, object]
Work = Callable[[Tx, Order], Awaitable[str | Done]]
"""Does it with the locked order; gives what to say afterwards, and where to go on unless it is the order's page."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line in a form: at most so many of its units can go this way, and so many are proposed."""

    line: OrderLine
    most: int
    value: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A form to be shown: for which order, and what was typed or linked to."""

    visit: Visit
    reader: Reader
    details: OrderDetails
    typed: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that came in, and the order as it was just now."""

    visit: Visit
    fields: Fields
    order: Order


@dataclass(frozen=True, slots=True)
class Act:
    """An action: its words, what its form shows, and how to read it."""

    name: str
    title: str
    words: str
    confirm: str
    icon: str
    tone: Literal["primary", "danger"]
    show: Callable[[Asked], Awaitable[Values]]
    read: Callable[[Sent], Work]


def order_rows(order: Order, open_units: Callable[[OrderLine], int], *, propose: bool = True) -> list[Row]:
    return [Row(line, units, units if propose else 0) for line in order.lines if (units := open_units(line)) > 0]


def line_quantities(fields: Fields, order: Order, most: Mapping[int, int] | None = None) -> list[LineQuantity]:
    """The units that were typed for each line. What is more than the order has is refused here, the rest by the order."""
    chosen: list[LineQuantity] = []
    for line in order.lines:
        name = f"line-{line.line_no}"
        limit = line.quantity if most is None else most.get(line.line_no, line.quantity)
        units = fields.whole(name, least=0, most=limit, default=0)
        if units:
            chosen.append(LineQuantity(line.line_no, units))
    if not chosen and not fields.errors:
        fields.refuse("lines", N_("Choose at least one unit."))
    return chosen
