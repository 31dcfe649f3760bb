"""What the forms of changes have in common: the order as it stands, what was typed, and the lines that it is about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.modules.changes.contracts import AnyAction, ChangeDraft, ChangeKind, ReturnDraft
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.api import Allowance
from comptoir.modules.orders.contracts import Order, OrderLine
from comptoir.modules.payments.contracts import Standing
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages.change_words import REASON_WORDS, line_name
from comptoir.surfaces.console.web import Visit

Values = dict[str, object]
Wanted = ChangeDraft | ReturnDraft


@dataclass(frozen=True, slots=True)
class Case:
    """An order that is to be changed, as it stands, and what was typed; `fresh` where nothing was yet."""

    visit: Visit
    reader: Reader
    order: Order
    off: Sequence[Allowance]
    there: Standing
    fields: Fields
    fresh: bool

    def worth(self, line: OrderLine, units: int) -> int:
        """What the last of these units that have left are worth to the buyer."""
        return orders.worth(line, self.off, line.shipped - units, line.shipped)

    def left(self, line: OrderLine) -> int:
        return orders.left(line, self.off)

    def draft(self, kind: ChangeKind, actions: Sequence[AnyAction], reason: str) -> ChangeDraft:
        note = self.fields.text("note", most=500, lines=True)
        return ChangeDraft(order_id=self.order.id, kind=kind, actions=tuple(actions), reason=reason, note=note)


@dataclass(frozen=True, slots=True)
class Row:
    """A line in a form: so many of its units at least and at most, and so many are proposed."""

    line_no: int
    sku: str
    name: str
    least: int
    most: int
    value: int
    worth: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of change as it is asked for on screen: its words, its form, and how to read it."""

    kind: ChangeKind
    words: str
    template: str
    show: Callable[[Case], Awaitable[Values]]
    read: Callable[[Case], Awaitable[Wanted]]


def with_buyer(case: Case) -> list[Row]:
    """The lines of which the buyer has units."""
    return [
        Row(line.line_no, line.sku or "", line_name(case.visit, line), 0, units, 0, case.worth(line, units))
        for line in case.order.lines
        if line.sku is not None and (units := line.shipped - line.returned) > 0
    ]


def chosen_units(case: Case, rows: Sequence[Row]) -> Mapping[int, int]:
    """The units that were typed for each line, of which there is at least one."""
    chosen = {row.line_no: case.fields.whole(f"line-{row.line_no}", least=0, most=row.most, default=0) for row in rows}
    if not any(chosen.values()) and not case.fields.errors:
        case.fields.refuse("lines", N_("Choose at least one unit."))
    return {line_no: units for line_no, units in chosen.items() if units}


def reasons(visit: Visit, codes: Sequence[str]) -> list[tuple[str, str]]:
    return [(code, visit.say(REASON_WORDS[code])) for code in codes]
