"""What customers refuse."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound


class UnknownCustomer(NotFound):
    code = "unknown_customer"
    title = "No such customer"


class CustomerStillServed(Conflict):
    """Orders need the address yet: `data["orders"]` are the numbers of those of which something is to be sent, to come back or
    to be paid.
    """

    code = "customer_still_served"
    title = "Something is still to be sent, to come back or to be paid"


class IdentityTaken(Conflict):
    """`data["kinds"]` are the kinds of the keys that another customer (`data["customer_id"]`, one of them) is known by."""

    code = "identity_taken"
    title = "Another customer has this e-mail address, phone or number"
