"""The rules of purchase orders, as functions of values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from comptoir.modules.purchasing.contracts import PurchaseLine, PurchaseState, PurchaseStep, Terms

_S, _T = PurchaseState, PurchaseStep

STEPS: Mapping[tuple[PurchaseState, PurchaseStep], PurchaseState] = {
    (_S.ASKED, _T.ACKNOWLEDGE): _S.ACKNOWLEDGED,
    (_S.ASKED, _T.SHIP): _S.PARTLY_SHIPPED,
    (_S.ASKED, _T.FINISH): _S.SHIPPED,
    (_S.ASKED, _T.DECLINE): _S.DECLINED,
    (_S.ASKED, _T.EXPIRE): _S.EXPIRED,
    (_S.ASKED, _T.CANCEL): _S.CANCELLED,
    (_S.ACKNOWLEDGED, _T.SHIP): _S.PARTLY_SHIPPED,
    (_S.ACKNOWLEDGED, _T.FINISH): _S.SHIPPED,
    (_S.ACKNOWLEDGED, _T.DECLINE): _S.DECLINED,
    (_S.ACKNOWLEDGED, _T.CANCEL): _S.CANCELLED,
    (_S.PARTLY_SHIPPED, _T.SHIP): _S.PARTLY_SHIPPED,
    (_S.PARTLY_SHIPPED, _T.FINISH): _S.SHIPPED,
}
"""A purchase order's life. Of what has left in part the rest may still be declined or cancelled: that finishes it."""

LIVE = (_S.ASKED, _S.ACKNOWLEDGED, _S.PARTLY_SHIPPED)


def next_state(state: PurchaseState, step: PurchaseStep) -> PurchaseState | None:
    """None where the step cannot be taken."""
    return STEPS.get((state, step))


def step_of(before: Sequence[PurchaseLine], after: Sequence[PurchaseLine], cause: PurchaseStep) -> PurchaseStep | None:
    """The step that this change of lines is; None where the state stays. `cause` is why it ends, where nothing has left."""
    shipped = sum(line.shipped for line in after)
    if any(line.open for line in after):
        return PurchaseStep.SHIP if shipped > sum(line.shipped for line in before) else None
    return PurchaseStep.FINISH if shipped else cause


def fitted(lines: Iterable[PurchaseLine], wanted: Mapping[int, int], gone: Mapping[int, int]) -> list[PurchaseLine]:
    """The lines as they have to be, so that so many units of each are wanted and so many have left.

    More is asked of the supplier, less is cancelled; what they have rejected stays rejected.
    """
    found: list[PurchaseLine] = []
    for line in lines:
        change = wanted.get(line.line_no, 0) - line.wanted
        found.append(
            replace(
                line,
                quantity=line.quantity + max(0, change),
                cancelled=line.cancelled + max(0, -change),
                shipped=gone.get(line.line_no, 0),
            )
        )
    return found


def cost_of(line: PurchaseLine, units: int) -> int:
    """Minor units; what is weighed is rounded half up once for the line."""
    if line.cost is None:
        return 0
    return (line.cost * units + 500) // 1000 if line.weighed else line.cost * units


def costs(lines: Sequence[PurchaseLine]) -> tuple[int | None, int]:
    """What is wanted costs, and what has left. None where no cost is known."""
    known = [line for line in lines if line.cost is not None]
    cost = sum(cost_of(line, line.wanted) for line in known) if known else None
    return cost, sum(cost_of(line, line.shipped) for line in known)


def deadlines(terms: Terms, now: datetime) -> tuple[datetime, datetime | None]:
    """Until when the supplier has to answer, and when they are reminded."""
    answer_by = now + timedelta(hours=terms.answer_within)
    remind_at = now + timedelta(hours=terms.remind_after) if 0 < terms.remind_after < terms.answer_within else None
    return answer_by, remind_at
