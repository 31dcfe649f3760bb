"""The label and the pictures of a return, as its page shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.changes.contracts import PICTURE_PREFIX, Goods, LabelStanding, Picture, ReturnCase
from comptoir.modules.tracking.contracts import Coming
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.carrier_words import code_words
from comptoir.surfaces.console.pages.naming import People
from comptoir.surfaces.console.pages.parcel_words import TRACKING_WORDS
from comptoir.surfaces.console.pages.return_words import Stamp, return_href
from comptoir.surfaces.console.web import Visit

LABEL_WORDS: Mapping[LabelStanding, tuple[str, str, str]] = {
    LabelStanding.NONE: (N_("None"), "neutral", "circle"),
    LabelStanding.WANTED: (N_("To be bought"), "warn", "hourglass"),
    LabelStanding.BOUGHT: (N_("Bought"), "good", "tag"),
    LabelStanding.REFUSED: (N_("No carrier sells it"), "bad", "alert-triangle"),
    LabelStanding.TO_VOID: (N_("Being given back"), "warn", "arrow-back-up"),
    LabelStanding.VOIDED: (N_("Given back"), "neutral", "arrow-back-up"),
}
"""Word, tone and icon."""
GOODS_WORDS: Mapping[Goods, str] = {
    Goods.WAITING: N_("Declined, still here"),
    Goods.SENT: N_("Declined, sent back"),
    Goods.HANDED: N_("Declined, handed back"),
    Goods.KEPT: N_("Declined, kept by agreement"),
}
_CODES: Mapping[str, str] = {
    "no_carrier_for_returns": N_("No carrier sells a label for this return."),
    "weight_unknown": N_("Neither the catalogue nor the box says what it weighs: type the weight."),
    "nowhere_to_send": N_("The order has no address of the buyer's."),
    "label_has_left": N_("A carrier has the parcel: its label is used."),
    "label_not_taken_back": N_("The carrier does not take the label back: it stays paid for."),
}


@dataclass(frozen=True, slots=True)
class Shown:
    href: str
    words: str
    width: int
    height: int


def label_stamp(visit: Visit, case: ReturnCase) -> Stamp:
    word, tone, icon = LABEL_WORDS[case.label]
    return Stamp(visit.say(word), tone, icon)


def label_problem(visit: Visit, case: ReturnCase) -> str:
    """Why there is none; empty where nothing is wrong."""
    if not case.label_code:
        return ""
    known = _CODES.get(case.label_code)
    if known is None:
        return code_words(visit, case.label_code, case.label_problem)
    words = visit.say(known)
    said = case.label_problem if case.label_code == "no_carrier_for_returns" else ""
    return f"{words} {said}".strip()


def way_on(visit: Visit) -> str:
    return visit.say(N_("The buyer can send it with our own address label and the code, or bring it to a store."))


def parcel_rows(visit: Visit, parcel: Coming | None) -> list[tuple[str, str]]:
    """What the carrier says of the parcel."""
    if parcel is None:
        return []
    rows = [
        (N_("Carrier"), parcel.carrier),
        (N_("Tracking number"), parcel.tracking_number),
        (N_("Where it is"), visit.say(TRACKING_WORDS[parcel.status])),
        (N_("Last news"), formatting.instant(parcel.last_at, visit.page.locale, visit.page.zone) if parcel.last_at else ""),
    ]
    return [(visit.say(word), value) for word, value in rows if value]


def pictures(visit: Visit, case: ReturnCase, found: Sequence[Picture], people: People) -> list[Shown]:
    return [
        Shown(
            f"{return_href(case.id)}/pictures/{to_text(PICTURE_PREFIX, one.id)}",
            f"{people[one.added_by]}, {formatting.instant(one.added_at, visit.page.locale, visit.page.zone)}",
            one.width,
            one.height,
        )
        for one in found
    ]
