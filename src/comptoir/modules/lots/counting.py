"""What lies in lots, said all at once: by a file, or by whoever has counted."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.modules.inventory.contracts import Spot
from comptoir.modules.lots import store
from comptoir.modules.lots.contracts import EntryKind, Move, Named, Terms
from comptoir.modules.lots.errors import TooManyInLots
from comptoir.modules.lots.settling import checked, hold, known_as, locked, settle
from comptoir.runtime.database import Tx


async def put_shelves(tx: Tx, spot: Spot, rows: Sequence[Named], known: Terms) -> bool:
    """These lots lie there and no others; units on hand beyond them are in no lot. Gives whether that is new.

    Raises Invalid, LotDiffers, and TooManyInLots for more than is on hand.
    """
    clean = checked(rows) if rows else []
    level, shelves = await locked(tx, spot)
    wanted: dict[str, int] = {}
    for row in clean:
        await known_as(tx, row)
        wanted[row.code] = wanted.get(row.code, 0) + row.quantity
    total = sum(wanted.values())
    if total > max(0, level.on_hand):
        raise TooManyInLots(sku=spot[0], lot=clean[0].code, asked=total, open=max(0, level.on_hand))
    there = {one.code: one for one in shelves}
    changes = {code: wanted.get(code, 0) - (there[code].on_hand if code in there else 0) for code in {*wanted, *there}}
    moves = [
        Move(EntryKind.COUNTED, spot[0], code, spot[1], change, 0, "counted")
        for code, change in sorted(changes.items())
        if change
    ]
    if moves:
        kept = {one.code: min(one.held, wanted.get(one.code, 0)) for one in shelves}
        await hold(tx, spot, level, shelves, kept, {})
        await store.post(tx, moves)
        await settle(tx, spot, known)
    return bool(moves)
