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
