"""What purchasing refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound


class UnknownPurchase(NotFound):
    code = "unknown_purchase"
    title = "No such purchase order"


class NotASupplier(Conflict):
    """The location is of another kind: `data["location_id"]`."""

    code = "not_a_supplier"
    title = "This location is no supplier"


class PurchaseStepRefused(Conflict):
    """The step cannot be taken now: `data` has the step and the state."""

    code = "purchase_step_refused"
    title = "The purchase order does not allow that now"


class NotThatManyOpen(Conflict):
    """More units were named than are open: `data["lines"]` has {line_no, asked, open}."""

    code = "not_that_many_open"
    title = "There are not that many units open"
