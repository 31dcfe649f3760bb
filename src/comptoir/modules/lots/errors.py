"""What lots refuse."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound


class UnknownLot(NotFound):
    code = "unknown_lot"
    title = "No such lot"


class LotRefused(Conflict):
    """Nobody may get it: `data` has sku, lot, and `why`: blocked, expired or too_soon."""

    code = "lot_refused"
    title = "Nobody may get this lot"


class LotsNotAsked(Conflict):
    """The SKU has no lots: `data["sku"]`. Say first what it asks for."""

    code = "lots_not_asked"
    title = "This product has no lots"


class LotDiffers(Conflict):
    """The lot is known with another date: `data` has sku, lot, known and said."""

    code = "lot_differs"
    title = "The lot has another date"


class TooManyInLots(Conflict):
    """There are not so many such units: `data` has sku, lot, asked and open."""

    code = "too_many_in_lots"
    title = "There are not so many of this lot"


class LotRecalled(Conflict):
    """It was picked before it was recalled, and is not to leave: `data` has sku, lot and units. It is taken out first."""

    code = "lot_recalled"
    title = "Part of it is recalled"


class LotNotFirst(Conflict):
    """Another lot expires sooner and lies there, too: `data` has sku, lot, first and, where it has one, its day `expires_on`.
    Whoever takes this one all the same says so.
    """

    code = "lot_not_first"
    title = "Another lot is to be taken first"


class LotNotSaid(Conflict):
    """These units have a lot, and nobody knows which: `data["sku"]`."""

    code = "lot_not_said"
    title = "Say which lot it is"
