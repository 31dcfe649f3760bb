"""What carriers refuse."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound


class UnknownCarrierService(NotFound):
    """No service of a carrier has this id. They are never deleted: look for it in the list."""

    code = "unknown_carrier_service"
    title = "No such service of a carrier"


class CarrierServiceCodeTaken(Conflict):
    """`data["code"]` names another service already: choose another code, or change that service."""

    code = "carrier_service_code_taken"
    title = "Another service has this code"
