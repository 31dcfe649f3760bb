"""What the order book refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Refusal


class EmptyOrder(Refusal):
    """Nothing was ordered."""

    code = "empty_order"
    status = 422
    title = "An order needs at least one line"


class UnknownSku(Refusal):
    """The catalogue does not know these: `data["skus"]`."""

    code = "unknown_sku"
    status = 422
    title = "Unknown SKU"


class NotForSale(Refusal):
    """These are known but not sold now, or have no price in the channel's market: `data["skus"]`."""

    code = "not_for_sale"
    status = 409
    title = "Not for sale on this channel"


class TotalChanged(Refusal):
    """The order comes to another total than the buyer was shown: `data` has expected and total."""

    code = "total_changed"
    status = 409
    title = "The total has changed"


class BackorderNotAllowed(Refusal):
    """The channel does not take orders for what is not there."""

    code = "backorder_not_allowed"
    status = 409
    title = "This channel does not take backorders"


class QuantityNotOpen(Refusal):
    """More units were named than can go this way: `data["lines"]` has {line_no, asked, open}."""

    code = "quantity_not_open"
    status = 409
    title = "Not that many units are open"


class UnknownLine(Refusal):
    """The order has no such line: `data["line_no"]`."""

    code = "unknown_line"
    status = 422
    title = "The order has no such line"


class NotReservedThere(Refusal):
    """The units to ship are not reserved at that location: `data["lines"]` has {line_no, asked, reserved}."""

    code = "not_reserved_there"
    status = 409
    title = "These units are not reserved at that location"


class TotalTooLarge(Refusal):
    """Prices times quantities come to more than an order may: `data["limit"]` in minor units."""

    code = "total_too_large"
    status = 422
    title = "The order comes to more than can be kept"


class DuplicateOrder(Refusal):
    """The channel has an order of that external id already: `data["order_id"]`."""

    code = "duplicate_order"
    status = 409
    title = "This order has been placed already"


class OverRefund(Refusal):
    """More would be refunded than was captured: `data` has captured, refunded and asked."""

    code = "over_refund"
    status = 409
    title = "More than was paid"


class ExceptionClosed(Refusal):
    """It has been resolved already."""

    code = "exception_closed"
    status = 409
    title = "Already resolved"


class OverVoid(Refusal):
    """More would be voided than is authorised: `data` has authorised and asked."""

    code = "over_void"
    status = 409
    title = "More than was authorised"


class NotThatKind(Refusal):
    """Another kind of exception can be resolved that way: `data["kind"]` is what it is."""

    code = "not_that_kind"
    status = 409
    title = "This exception cannot be resolved that way"


class OverAllowance(Refusal):
    """More would be allowed off than is left to pay for it: `data` has line_no, left and asked."""

    code = "over_allowance"
    status = 409
    title = "More than is left of the price"


class NothingLeft(Refusal):
    """Fewer units of the line have left and are still with the buyer: `data` has line_no and how many `units` are."""

    code = "nothing_left"
    status = 409
    title = "The buyer does not have that many units"
