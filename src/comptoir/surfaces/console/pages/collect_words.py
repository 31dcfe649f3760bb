"""Click & collect in words: what was looked at, how it was paid, why it goes back, lockers."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.modules.fulfilment.contracts import BackReason, Checked, LockerSize, LockerState
from comptoir.surfaces.collecting import PaidBy

CHECKED_WORDS: Mapping[Checked, str] = {
    Checked.CODE: N_("the pickup code"),
    Checked.ID_CARD: N_("an identity card"),
    Checked.KNOWN: N_("known to us"),
    Checked.LOCKER: N_("the code of the locker"),
    Checked.NOTHING: N_("nothing was noted"),
}
CHECKS = (Checked.CODE, Checked.ID_CARD, Checked.KNOWN)
"""What somebody at a counter can say."""
PAID_WORDS: Mapping[PaidBy, str] = {
    PaidBy.CASH: N_("Cash"),
    PaidBy.CARD_TERMINAL: N_("Card, on the terminal"),
    PaidBy.ACCOUNT: N_("Gift card or store credit"),
}
REFUSE_WORDS: Mapping[BackReason, str] = {
    BackReason.REFUSED: N_("The buyer does not want it"),
    BackReason.DAMAGED: N_("It is damaged"),
}
BACK_WORDS: Mapping[BackReason, str] = {
    BackReason.NOT_COLLECTED: N_("not collected"),
    BackReason.REFUSED: N_("not wanted"),
    BackReason.DAMAGED: N_("damaged"),
    BackReason.MISSING: N_("did not come"),
    BackReason.RECALLED: N_("cancelled"),
}
SIZE_WORDS: Mapping[LockerSize, str] = {
    LockerSize.S: N_("Small"),
    LockerSize.M: N_("Medium"),
    LockerSize.L: N_("Large"),
    LockerSize.XL: N_("Very large"),
}
LOCKER_WORDS: Mapping[LockerState, str] = {
    LockerState.FREE: N_("Free"),
    LockerState.TAKEN: N_("In use"),
    LockerState.TO_EMPTY: N_("To be emptied"),
    LockerState.OUT_OF_ORDER: N_("Out of order"),
}
LOCKER_TONES: Mapping[LockerState, tuple[str, str]] = {
    LockerState.FREE: ("good", "circle-check"),
    LockerState.TAKEN: ("active", "lock"),
    LockerState.TO_EMPTY: ("warn", "package-off"),
    LockerState.OUT_OF_ORDER: ("bad", "ban"),
}
