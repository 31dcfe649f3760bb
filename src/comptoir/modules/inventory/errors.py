"""What inventory refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound, Refusal


class InsufficientStock(Refusal):
    """Fewer units can be promised than were asked for. `data["lines"]` has {sku, requested, available} for each short SKU."""

    code = "insufficient_stock"
    status = 409
    title = "Not enough stock"


class StaleQuantity(Refusal):
    """The caller expected another quantity than there is: `data` has sku, expected and found."""

    code = "stale_quantity"
    status = 409
    title = "The stock has changed since you read it"


class HoldGone(Refusal):
    """The hold has expired, was released or has become an order already."""

    code = "hold_gone"
    status = 409
    title = "The hold is no longer there"


class TransferStateRefused(Refusal):
    """The transfer is not in a state in which this can be done: `data` has state and step."""

    code = "transfer_state"
    status = 409
    title = "The transfer cannot do that now"


class NothingPicked(Refusal):
    """Nothing of the transfer is picked: there is nothing to pack. Drop the plan instead."""

    code = "nothing_picked"
    status = 409
    title = "Nothing is picked"


class QuantityTooLarge(Refusal):
    """More than what is open was named: `data` has sku, open and asked."""

    code = "quantity_too_large"
    status = 422
    title = "More than there is to do"


class UnknownSupply(NotFound):
    code = "unknown_supply"
    title = "No such supply"


class ProposalGone(Conflict):
    """It was accepted, dismissed or replaced by a newer one meanwhile: `data["ids"]`."""

    code = "proposal_gone"
    title = "That is not proposed any more"


class UnknownTransfer(NotFound):
    code = "unknown_transfer"
    title = "No such transfer"


class UnknownCount(NotFound):
    code = "unknown_count"
    title = "No such count"
