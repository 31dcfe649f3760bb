"""What substitution refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict


class SubstitutionNotAllowed(Conflict):
    """The buyer wants this and nothing else."""

    code = "substitution_not_allowed"
    title = "The buyer wants nothing else instead"


class NotASubstitute(Conflict):
    """`data["sku"]` does not stand in for `data["instead_of"]`, or the buyer has not agreed to its price."""

    code = "not_a_substitute"
    title = "This does not stand in for it"
