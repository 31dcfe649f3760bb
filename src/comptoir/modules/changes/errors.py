"""What changes and returns refuse."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound, Refusal


class UnknownChange(NotFound):
    code = "unknown_change"
    title = "No such change"


class UnknownReturn(NotFound):
    code = "unknown_return"
    title = "No such return"


class UnknownPolicy(NotFound):
    code = "unknown_policy"
    title = "No such return policy"


class ChangeOpen(Conflict):
    """Another change of this order is open: confirm or cancel it first. `data["change_id"]`."""

    code = "change_open"
    title = "Another change of this order is open"


class ChangeStepRefused(Conflict):
    """The step cannot be taken now: `data` has the step and the state."""

    code = "change_step_refused"
    title = "The change is not in a state for that"


class ApprovalNeeded(Conflict):
    """It gives more back than may be given without approval: approve it first."""

    code = "approval_needed"
    title = "Somebody has to approve this first"


class OwnApproval(Conflict):
    """Whoever asked for a change, or took a return, does not approve it, as long as somebody else may: `data["approvers"]`."""

    code = "own_approval"
    title = "Somebody else has to approve this"


class NotCollectedThere(Refusal):
    """Nothing is collected at this location."""

    code = "not_collected_there"
    status = 422
    title = "This location hands nothing out"


class NoAddress(Refusal):
    """The order has no address to send it to: change the address first, in the same change."""

    code = "no_address"
    status = 422
    title = "There is no address to send it to"


class ActionNotAllowed(Refusal):
    """A change of this kind does not do that: `data` has the kind and which `actions`, counted from 0. Use another kind."""

    code = "action_not_allowed"
    status = 422
    title = "A change of this kind does not do that"


class PickingBegun(Conflict):
    """Somebody is at it: cancel the units instead, or put the work back first. `data["fulfilments"]`."""

    code = "picking_begun"
    title = "Picking has begun"


class NotASale(Refusal):
    """A credit is a fact of its channel: it is corrected there."""

    code = "not_a_sale"
    status = 409
    title = "A credit is not changed here"


class ReturnStepRefused(Conflict):
    """The step cannot be taken now: `data` has the step and the state."""

    code = "return_step_refused"
    title = "The return is not in a state for that"


class ReturnNotAllowed(Refusal):
    """The policy does not take it back: `data["lines"]` has {line_no, why, until}. A person may with `override`."""

    code = "return_not_allowed"
    status = 409
    title = "This may not be returned any more"


class NoLabelGiven(Conflict):
    """The terms of this return give no label, nobody waits for its parcel, or its last label is not given back yet."""

    code = "no_label_given"
    title = "There is no label for this return"


class NothingToGiveBack(Conflict):
    """Nothing of it is here that was declined."""

    code = "nothing_to_give_back"
    title = "Nothing is here that was declined"


class GoodsStillHere(Conflict):
    """What was declined is still here: give it back, or keep it by agreement, first. `data["units"]`."""

    code = "goods_still_here"
    title = "What was declined is still here"


class UnknownPicture(NotFound):
    code = "unknown_picture"
    title = "No such picture"


class TooManyPictures(Refusal):
    """A return has at most `data["most"]` pictures."""

    code = "too_many_pictures"
    status = 422
    title = "There are enough pictures of this"


class NotReturnable(Refusal):
    """More units were named than the buyer has, or than are not on their way back: `data["lines"]`, {line_no, asked, open}."""

    code = "not_returnable"
    status = 409
    title = "The buyer does not have that many to return"


class NotSoldByUs(Refusal):
    """We never sold this: it is kept as found stock, and there is nobody to refund. Look for the order, or give it back."""

    code = "not_sold_by_us"
    status = 409
    title = "This was not sold by us"


class UnknownReceived(NotFound):
    """The return has received nothing under this id."""

    code = "unknown_received"
    title = "Nothing was received under this id"


class InspectedAlready(Conflict):
    """Somebody has looked at these units: `data["open"]` of them are left."""

    code = "inspected_already"
    title = "That many units are not left to look at"


class OverDeduction(Refusal):
    """More would be kept than the units were worth: `data` has worth and asked."""

    code = "over_deduction"
    status = 422
    title = "More than the units were worth"


class NothingToPayOut(Refusal):
    """Nothing is promised to the buyer of this order that has not moved."""

    code = "nothing_to_pay_out"
    status = 409
    title = "Nothing is to be refunded"


class MarketplacePays(Refusal):
    """The order was sold on a marketplace, which gives the money back by its own rules: tell it that the units are here."""

    code = "marketplace_pays"
    status = 409
    title = "The marketplace gives the money back"


class PolicyCodeTaken(Conflict):
    code = "policy_code_taken"
    title = "Another policy has this code"
