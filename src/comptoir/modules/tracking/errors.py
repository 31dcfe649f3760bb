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


class UnknownManifest(NotFound):
    code = "unknown_manifest"
    title = "No such manifest"


class LabelBusy(Conflict):
    """Somebody is asking the carrier for this label right now; `data["until"]` is when at the latest that ends."""

    code = "label_busy"
    title = "This label is being bought"


class LabelHasLeft(Conflict):
    """The box left with this label: what the carrier has taken cannot be given back."""

    code = "label_has_left"
    title = "The box has left with this label"


class LabelStillThere(Conflict):
    """The box has a label, bought or perhaps bought: `data["state"]`. Give it back first."""

    code = "label_still_there"
    title = "The box has a label"


class LabelNotTakenBack(Conflict):
    """The carrier does not take the label back: `data["reason"]`. The box can be opened all the same; the label is paid."""

    code = "label_not_taken_back"
    title = "The carrier does not take the label back"


class LabelNotInThatState(Conflict):
    code = "label_not_in_that_state"
    title = "The label is not in a state for that"


class NotFollowed(Conflict):
    """No account with a carrier tells of it: nobody can be asked."""

    code = "parcel_not_followed"
    title = "No carrier can be asked about this parcel"


class NotCarried(Conflict):
    """The buyer took it at the counter."""

    code = "parcel_not_carried"
    title = "Nobody carries this parcel"


class CaseClosed(Conflict):
    """It has been decided already, or the time to answer has passed."""

    code = "case_closed"
    title = "This can no longer be answered"


class CarrierBeingTold(Conflict):
    """Somebody is telling the carrier what becomes of this parcel; `data["until"]` is when at the latest that ends."""

    code = "carrier_being_told"
    title = "The carrier is being told"
