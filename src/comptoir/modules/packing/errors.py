"""What packing refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound


class UnknownCarton(NotFound):
    """No carton has this id. They are never deleted: look for it in the list."""

    code = "unknown_carton"
    title = "No such carton"


class CartonCodeTaken(Conflict):
    """`data["code"]` names another carton already: choose another code, or change that carton."""

    code = "carton_code_taken"
    title = "Another carton has this code"
