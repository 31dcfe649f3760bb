"""What tracking refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound


class UnknownAccount(NotFound):
    code = "unknown_carrier_account"
    title = "No such carrier account"


class UnknownTracked(NotFound):
    code = "unknown_tracked_parcel"
    title = "No such parcel on its way"


class UnknownLabel(NotFound):
    code = "unknown_label"
    title = "No such label"


class UnknownTrouble(NotFound):
    code = "unknown_trouble"
    title = "No such trouble with a parcel"


class AccountInactive(Conflict):
    """The account is switched off: nothing is bought through it."""

    code = "carrier_account_inactive"
    title = "The carrier account is switched off"


class UnknownPickup(NotFound):
    code = "unknown_pickup"
    title = "No such driver was asked for"


class LabelBusy(Conflict):
    """Somebody is asking the carrier for this label right now; `data["until"]` is when at the latest that ends."""

    code = "label_busy"
    title = "This label is being bought"


class LabelNotInThatState(Conflict):
    code = "label_not_in_that_state"
    title = "The label is not in a state for that"


class CaseClosed(Conflict):
    """It has been decided already, or the time to answer has passed."""

    code = "case_closed"
    title = "This can no longer be answered"
