"""What locations refuse."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound


class UnknownLocation(NotFound):
    code = "unknown_location"
    title = "No such location"


class UnknownPool(NotFound):
    code = "unknown_pool"
    title = "No such stock pool"


class LocationCodeTaken(Conflict):
    """`data["code"]` names another location already."""

    code = "location_code_taken"
    title = "Another location has this code"


class PoolCodeTaken(Conflict):
    """`data["code"]` names another pool already."""

    code = "pool_code_taken"
    title = "Another stock pool has this code"
