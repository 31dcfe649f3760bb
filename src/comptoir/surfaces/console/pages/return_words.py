"""Returns in words: reasons, conditions, what becomes of units, how far a return is, and why the terms say yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, assert_never

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import (
    RETURN_CASE_PREFIX,
    Fate,
    ItemCondition,
    Reason,
    RefundMethod,
    RefundMoment,
    ReturnCase,
    ReturnCaseId,
    ReturnState,
    Sign,
    Signal,
    Verdict,
    Why,
)
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.web import Visit

REASON_WORDS: Mapping[Reason, str] = {
    Reason.CHANGED_MIND: N_("Changed their mind"),
    Reason.TOO_SMALL: N_("Too small"),
    Reason.TOO_LARGE: N_("Too large"),
    Reason.NOT_AS_DESCRIBED: N_("Not as described"),
    Reason.DEFECTIVE: N_("Does not work"),
    Reason.DAMAGED: N_("Arrived damaged"),
    Reason.WRONG_ITEM: N_("The wrong article was sent"),
    Reason.LATE: N_("Came too late"),
    Reason.REFUSED: N_("Refused at the door, or never collected"),
    Reason.OTHER: N_("Another reason"),
}
CONDITION_WORDS: Mapping[ItemCondition, str] = {
    ItemCondition.NEW: N_("As new, unopened"),
    ItemCondition.OPENED: N_("Opened, can be sold"),
    ItemCondition.USED: N_("Used"),
    ItemCondition.DAMAGED: N_("Damaged"),
    ItemCondition.UNUSABLE: N_("Unusable"),
}
FATE_WORDS: Mapping[Fate, str] = {
    Fate.RESTOCK: N_("Back into stock here"),
    Fate.SEND_ON: N_("Send on to another location"),
    Fate.REFURBISH: N_("Refurbish: it stays in quality hold"),
    Fate.DAMAGED: N_("Keep as damaged"),
    Fate.MISSING: N_("Missing: the box was empty"),
    Fate.DESTROY: N_("Destroy"),
}
STATE_WORDS: Mapping[ReturnState, tuple[str, str, str]] = {
    ReturnState.REQUESTED: (N_("To approve"), "warn", "hourglass"),
    ReturnState.APPROVED: (N_("Announced"), "active", "circle-dot"),
    ReturnState.DECLINED: (N_("Declined"), "neutral", "ban"),
    ReturnState.IN_TRANSIT: (N_("On its way"), "active", "truck"),
    ReturnState.RECEIVED: (N_("To inspect"), "warn", "package-import"),
    ReturnState.INSPECTED: (N_("Inspected"), "good", "clipboard-check"),
    ReturnState.CLOSED: (N_("Done"), "good", "circle-check"),
    ReturnState.CANCELLED: (N_("Given up"), "neutral", "ban"),
}
"""Word, tone and icon."""
MOMENT_WORDS: Mapping[RefundMoment, str] = {
    RefundMoment.FIRST_SCAN: N_("as soon as the carrier has it"),
    RefundMoment.RECEIPT: N_("when it is received"),
    RefundMoment.INSPECTION: N_("when somebody has looked at it"),
}
METHOD_WORDS: Mapping[RefundMethod, str] = {
    RefundMethod.ORIGINAL: N_("as it was paid"),
    RefundMethod.STORE_CREDIT: N_("as store credit"),
}
SIGN_TITLES: Mapping[Sign, str] = {
    Sign.SERIAL_RETURNER: N_("This buyer sends most things back"),
    Sign.WRONG_ITEM: N_("Something else was in the box"),
    Sign.HIGH_VALUE: N_("This is worth a lot"),
}
PAID_BY: Mapping[str, str] = {
    "card": N_("card"),
    "card_terminal": N_("card at the terminal"),
    "cash": N_("cash"),
    "gift_card": N_("gift card"),
    "store_credit": N_("store credit"),
    "bank transfer": N_("bank transfer"),
}


class Stamp(NamedTuple):
    word: str
    tone: str
    icon: str


def return_href(case_id: ReturnCaseId) -> str:
    return f"/returns/{to_text(RETURN_CASE_PREFIX, case_id)}"


def stamp(visit: Visit, case: ReturnCase) -> Stamp:
    word, tone, icon = STATE_WORDS[case.state]
    return Stamp(visit.say(word), tone, icon)


def reasons(visit: Visit, case: ReturnCase) -> str:
    """Why it comes back; of several reasons each once."""
    return ", ".join(visit.say(REASON_WORDS[one]) for one in dict.fromkeys(item.reason for item in case.items))


def method_word(visit: Visit, method: str) -> str:
    return visit.say(PAID_BY[method]) if method in PAID_BY else method


_VERDICTS: Mapping[Why, tuple[str, str]] = {
    Why.WITHDRAWAL: (
        N_("May be returned until %(day)s: the buyer has the right of withdrawal."),
        N_("May be returned: the 14 days of the right of withdrawal begin with the delivery."),
    ),
    Why.WITHIN_WINDOW: (
        N_("May be returned until %(day)s."),
        N_("May be returned: its days begin with the delivery."),
    ),
    Why.DEFECT: (
        N_("May be returned until %(day)s: goods that are not as sold are guaranteed."),
        N_("May be returned: goods that are not as sold are guaranteed."),
    ),
    Why.FINAL_SALE: (N_("Not returnable: a final sale."), N_("Not returnable: a final sale.")),
    Why.TOO_LATE: (
        N_("Not returnable any more: the last day was %(day)s."),
        N_("Not returnable any more."),
    ),
}
"""With a day, and where there is none yet."""


def verdict_words(visit: Visit, one: Verdict) -> str:
    """Whether it may come back, until when, and why."""
    with_day, without = _VERDICTS[one.why]
    day = "" if one.until is None else formatting.day(one.until, visit.page.locale, visit.page.zone)
    return visit.say(with_day, day=day) if day else visit.say(without)


def why_words(visit: Visit, why: str) -> str:
    """On which ground a return was taken."""
    found = {
        Why.WITHIN_WINDOW: N_("Within the days of the return policy"),
        Why.WITHDRAWAL: N_("Right of withdrawal"),
        Why.DEFECT: N_("Guarantee: not as it was sold"),
        Why.FINAL_SALE: N_("A final sale, taken back by a person"),
        Why.TOO_LATE: N_("Too late, taken back by a person"),
        "not_sold_by_us": N_("Not sold by us"),
        "channel": N_("Decided by the channel"),
        changes.UNDELIVERABLE: N_("It could not be delivered"),
    }
    return visit.say(found[why]) if why in found else why


def signal_words(visit: Visit, one: Signal) -> str:
    """What a person should look at before money moves, with its figures."""
    data = one.data
    match one.sign:
        case Sign.SERIAL_RETURNER:
            return visit.say(
                N_("%(share)s %% of the %(units)s units of the last twelve months came back, from %(orders)s orders."),
                share=data["share"], units=data["shipped"], orders=data["orders"],
            )  # fmt: skip
        case Sign.WRONG_ITEM:
            return visit.says(
                "%(num)s unit is not what was sold. It lies in quality hold, and nobody is refunded for it.",
                "%(num)s units are not what was sold. They lie in quality hold, and nobody is refunded for them.",
                data["units"],
            )
        case Sign.HIGH_VALUE:
            return visit.say(N_("Have a second person look at it before the money goes back."))
        case _:
            assert_never(one.sign)
