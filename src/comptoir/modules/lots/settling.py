"""Brings lots in line with their level: no more in lots than on hand, and in the hold what nobody may get."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from comptoir.kernel.checking import Checks
from comptoir.kernel.quantities import MAX_QUANTITY, Sku
from comptoir.kernel.quantities import sku as clean_sku
from comptoir.kernel.time import time_zone
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind as StockEntry
from comptoir.modules.inventory.contracts import Level, Movement, Spot
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import domain, store
from comptoir.modules.lots.contracts import MAX_CODE, EntryKind, Lot, LotHeld, Move, Named, Shelf, Terms, Why
from comptoir.modules.lots.errors import LotDiffers, LotRefused
from comptoir.runtime.database import Reader, Tx

MAX_ROWS = 1000
_SPOTS = 25
"""So many levels are locked at once by the clock: buyers wait for them."""


async def review(tx: Tx, after: Spot | None = None) -> Spot | None:
    """Brings some spots in line with the day and with their levels; gives where to go on, None at the end."""
    found = await store.spots(tx, after, _SPOTS)
    known = await store.terms(tx, sorted({sku for sku, _ in found}))
    for spot in found:
        if spot[0] in known:
            await settle(tx, spot, known[spot[0]])
    return found[-1] if len(found) == _SPOTS else None


async def settle_sku(tx: Tx, sku: str) -> None:
    known = (await store.terms(tx, [sku])).get(sku)
    if known is not None:
        for spot in await store.spots(tx, None, MAX_ROWS, sku):
            await settle(tx, spot, known)


async def settle_known(tx: Tx, spot: Spot) -> None:
    known = (await store.terms(tx, [spot[0]])).get(spot[0])
    if known is not None:
        await settle(tx, spot, known)


async def settle(tx: Tx, spot: Spot, known: Terms) -> None:
    """No more in lots than on hand, and in the hold what nobody may get."""
    level, shelves = await locked(tx, spot)
    excess = sum(one.on_hand for one in shelves) - max(0, level.on_hand)
    if excess > 0:
        freed = sum(one.held for one in shelves) - level.quality
        gone = domain.shed(shelves, excess, freed)
        lost = [(one, *gone[one.code]) for one in shelves if one.code in gone]
        # Held units that are gone leave the level's hold too, unless they have left it already.
        out = min(level.quality, max(0, sum(held for *_, held in lost) - max(0, freed)))
        await _move_hold(tx, spot, level, -out)
        await store.post(tx, [leaving(EntryKind.ASSUMED, one, units, held, "gone") for one, units, held in lost])
        level, shelves = await locked(tx, spot)
    if shelves:
        today = await today_at(tx, spot[1])
        ours = min(sum(one.held for one in shelves), level.quality)
        room = max(0, level.on_hand - level.damaged - level.quality) + ours
        wanted = domain.holds(shelves, known, today, room)
        why = {one.code: domain.why_not(one.expires_on, known, today, blocked=one.blocked) for one in shelves}
        await hold(tx, spot, level, shelves, wanted, {code: word for code, word in why.items() if word})


async def hold(tx: Tx, spot: Spot, level: Level, shelves: Sequence[Shelf], wanted: dict[str, int], why: dict[str, Why]) -> None:
    """Holds so many units of each lot, and tells the store what to take off the shelf."""
    ours = min(sum(one.held for one in shelves), level.quality)
    await _move_hold(tx, spot, level, sum(wanted.values()) - ours)
    moves: list[Move] = []
    for one in shelves:
        change = wanted.get(one.code, 0) - one.held
        reason = why.get(one.code)
        kind = EntryKind.HELD if change > 0 else EntryKind.FREED
        moves.append(Move(kind, one.sku, one.code, one.location_id, 0, change, str(reason or "free")))
        if change > 0 and reason is not None:
            tx.emit(
                LotHeld(
                    sku=one.sku,
                    code=one.code,
                    location_id=one.location_id,
                    quantity=change,
                    why=reason,
                    expires_on=one.expires_on,
                )
            )
    await store.post(tx, moves)


async def _move_hold(tx: Tx, spot: Spot, level: Level, change: int) -> None:
    if change:
        reason = "lot_held" if change > 0 else "lot_freed"
        await inventory.record_locked(
            tx, {spot: level}, [Movement(StockEntry.QUALITY, spot[0], spot[1], quality=change, reason=reason)]
        )


async def locked(tx: Tx, spot: Spot) -> tuple[Level, list[Shelf]]:
    level = (await inventory.lock_levels(tx, [spot]))[spot]
    return level, await store.shelves(tx, spot[1], [spot[0]])


async def today_at(tx: Tx, location_id: LocationId) -> date:
    return await day_at(tx, location_id, tx.now)


async def day_at(reader: Reader, location_id: LocationId, at: datetime) -> date:
    """The day that it is there then."""
    place = await locations.get(reader, location_id)
    return at.astimezone(time_zone(place.time_zone)).date()


def leaving(kind: EntryKind, one: Shelf, units: int, held: int, reason: str, note: str = "") -> Move:
    return Move(kind, one.sku, one.code, one.location_id, -units, -held, reason, note)


# What somebody has read


def checked(rows: Sequence[Named]) -> list[Named]:
    checks = Checks()
    checks.require("lines", 1 <= len(rows) <= MAX_ROWS, f"has 1 to {MAX_ROWS} rows")
    clean: list[Named] = []
    for n, row in enumerate(rows):
        at = checks.at(f"lines[{n}].")
        code = at.words("lot", row.code, most=MAX_CODE) or (row.expires_on.isoformat() if row.expires_on else "")
        at.require("lot", bool(code), "or expires_on says which lot it is")
        quantity = at.whole("quantity", row.quantity, 1, MAX_QUANTITY)
        clean.append(Named(at.parsed("sku", clean_sku, row.sku, Sku("")), quantity, code, row.expires_on))
    checks.done()
    return clean


async def known_as(tx: Tx, row: Named) -> date | None:
    """The day on which the lot expires, which is the same wherever it lies."""
    there = await store.lot(tx, row.sku, row.code)
    if there is not None and there.expires_on and row.expires_on and there.expires_on != row.expires_on:
        raise LotDiffers(sku=row.sku, lot=row.code, known=there.expires_on.isoformat(), said=row.expires_on.isoformat())
    await store.add_lot(tx, Lot(row.sku, row.code, row.expires_on))
    return row.expires_on or (there.expires_on if there is not None else None)


async def require_good(tx: Tx, row: Named, known: Terms, location_id: LocationId, expires_on: date | None) -> None:
    there = await store.lot(tx, row.sku, row.code)
    blocked = there is not None and there.blocked_at is not None
    why = domain.why_not(expires_on, known, await today_at(tx, location_id), blocked=blocked)
    if why is not None:
        raise LotRefused(sku=row.sku, lot=row.code, why=why.value)
