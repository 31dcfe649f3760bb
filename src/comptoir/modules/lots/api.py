"""The door to lots.

Levels stay what everybody promises by. Lots stand beside them: what may not reach a buyer any more, or is recalled, is put into
the quality hold of its level, so that availability, promises and routing see it without knowing of lots. Units of which nobody
has read a lot are in no lot. Whoever writes lots has locked the level first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from comptoir.kernel.checking import Checks
from comptoir.kernel.quantities import MAX_QUANTITY, Sku
from comptoir.kernel.quantities import sku as clean_sku
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment.contracts import FulfilmentId
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind as StockEntry
from comptoir.modules.inventory.contracts import Movement
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import store
from comptoir.modules.lots.coming_back import known_of, looked_at, of_channel, on_the_shelf_again
from comptoir.modules.lots.contracts import (
    EntryKind,
    Finding,
    Lot,
    LotBlocked,
    LotNamed,
    LotUnblocked,
    Move,
    Named,
    Picked,
    Shelf,
    ShelfFilter,
    Terms,
)
from comptoir.modules.lots.counting import put_shelves
from comptoir.modules.lots.errors import LotsNotAsked, TooManyInLots, UnknownLot
from comptoir.modules.lots.picking import follow, lying, pick, proposed, require_not_recalled, scanned, scanned_on_walk, stamps
from comptoir.modules.lots.settling import (
    MAX_ROWS,
    checked,
    hold,
    known_as,
    leaving,
    locked,
    review,
    settle,
    settle_known,
    settle_sku,
)
from comptoir.modules.lots.subscribers import consumers
from comptoir.modules.lots.travelling import carried, follow_transfer, read_on_road, tell_on_road, under_way
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.routing.contracts import Withheld
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page

__all__ = [
    "MAX_ROWS",
    "carried",
    "consumers",
    "follow",
    "follow_transfer",
    "known_of",
    "looked_at",
    "lying",
    "of_channel",
    "on_the_shelf_again",
    "pick",
    "proposed",
    "put_shelves",
    "read_on_road",
    "require_not_recalled",
    "review",
    "scanned",
    "scanned_on_walk",
    "settle_sku",
    "stamps",
    "tell_on_road",
    "under_way",
]

# What SKUs ask for


async def put_terms(tx: Tx, rows: Sequence[Terms]) -> None:
    """These SKUs have lots from now on. Raises Invalid."""
    checks = Checks()
    checks.require("rows", 1 <= len(rows) <= MAX_ROWS, f"has 1 to {MAX_ROWS} rows")
    clean: dict[str, Terms] = {}
    for n, row in enumerate(rows):
        at = checks.at(f"rows[{n}].")
        name = at.parsed("sku", clean_sku, row.sku, Sku(""))
        left = at.whole("shelf_life_left", row.shelf_life_left, 0, 3650)
        clean[name] = Terms(name, row.tracks, left, at.whole("transit_days", row.transit_days, 0, 60))
    known = await catalogue.known(tx, sorted(clean)) if not checks.errors else set(clean)
    checks.require("rows", set(clean) <= known, f"has unknown SKUs: {', '.join(sorted(set(clean) - known)[:5])}")
    checks.done()
    await store.put_terms(tx, [clean[sku] for sku in sorted(clean)])
    for sku in sorted(clean):
        await settle_sku(tx, sku)


async def drop_terms(tx: Tx, sku: str) -> None:
    """The SKU asks for no lots any more. What lies in lots is forgotten for its hold, not for its orders."""
    for spot in await store.spots(tx, None, MAX_ROWS, sku):
        level, shelves = await locked(tx, spot)
        await hold(tx, spot, level, shelves, dict.fromkeys((one.code for one in shelves), 0), {})
        await store.post(tx, [leaving(EntryKind.ADJUSTED, one, one.on_hand, 0, "no_lots") for one in shelves])
    await store.drop_terms(tx, sku)


async def terms(reader: Reader, skus: Sequence[str]) -> dict[str, Terms]:
    """Of those of these SKUs that have lots."""
    return await store.terms(reader, skus) if skus else {}


# What lies where


async def find(reader: Reader, wanted: ShelfFilter, *, limit: int = 50, cursor: str | None = None) -> Page[Shelf]:
    return await store.LISTING.page(reader, store.where(wanted), sort="sku", limit=limit, cursor=cursor)


async def lot(reader: Reader, sku: str, code: str) -> Lot:
    """Raises UnknownLot."""
    found = await store.lot(reader, sku, code)
    if found is None:
        raise UnknownLot(sku=sku, lot=code)
    return found


async def name(tx: Tx, location_id: LocationId, rows: Sequence[Named]) -> None:
    """Somebody has read which lot units are that are on hand and in none yet, as a rule when they arrive.

    Raises Invalid, UnknownLocation, LotsNotAsked, LotDiffers, and TooManyInLots where fewer units are in no lot.
    """
    clean = checked(rows)
    await locations.get(tx, location_id)
    known = await store.terms(tx, sorted({row.sku for row in clean}))
    for row in clean:
        if row.sku not in known:
            raise LotsNotAsked(sku=row.sku)
    for sku in sorted({row.sku for row in clean}):
        spot = (sku, location_id)
        level, shelves = await locked(tx, spot)
        free = max(0, level.on_hand) - sum(one.on_hand for one in shelves)
        for row in (row for row in clean if row.sku == sku):
            if row.quantity > free:
                raise TooManyInLots(sku=sku, lot=row.code, asked=row.quantity, open=max(0, free))
            free -= row.quantity
            expires_on = await known_as(tx, row)
            await store.post(tx, [Move(EntryKind.NAMED, sku, row.code, location_id, row.quantity, 0, "named")])
            tx.emit(LotNamed(sku=sku, code=row.code, location_id=location_id, quantity=row.quantity, expires_on=expires_on))
        await settle(tx, spot, known[sku])


async def adjust(tx: Tx, location_id: LocationId, sku: str, code: str, to: int, note: str = "") -> None:
    """So many units of the lot are there; the level stays as it is. Raises Invalid, UnknownLot and TooManyInLots."""
    checks = Checks()
    checks.whole("to", to, 0, MAX_QUANTITY)
    note = checks.words("note", note, most=500)
    checks.done()
    spot = (sku, location_id)
    level, shelves = await locked(tx, spot)
    one = await store.shelf(tx, sku, code, location_id)
    if one is None:
        raise UnknownLot(sku=sku, lot=code)
    others = sum(row.on_hand for row in shelves if row.code != code)
    if to > one.on_hand and to + others > max(0, level.on_hand):
        raise TooManyInLots(sku=sku, lot=code, asked=to, open=max(0, level.on_hand - others))
    if one.held > to:
        await hold(tx, spot, level, shelves, {row.code: to if row.code == code else row.held for row in shelves}, {})
    await store.post(tx, [Move(EntryKind.ADJUSTED, sku, code, location_id, to - one.on_hand, 0, "adjusted", note)])
    await settle_known(tx, spot)


async def write_off(tx: Tx, location_id: LocationId, sku: str, code: str, quantity: int, note: str = "") -> None:
    """Units of the lot were taken off the shelf and thrown away: they leave the lot, its hold and what is on hand. Raises
    UnknownLot and TooManyInLots.
    """
    spot = (sku, location_id)
    level, shelves = await locked(tx, spot)
    one = next((row for row in shelves if row.code == code), None)
    if one is None:
        raise UnknownLot(sku=sku, lot=code)
    if not 1 <= quantity <= min(one.on_hand, max(0, level.on_hand)):
        raise TooManyInLots(sku=sku, lot=code, asked=quantity, open=one.on_hand)
    held = min(one.held, quantity)
    await inventory.record_locked(
        tx,
        {spot: level},
        [
            Movement(
                StockEntry.ADJUSTED,
                sku,
                location_id,
                on_hand=-quantity,
                quality=-min(held, level.quality),
                reason="expired",
                note=_said(code, note),
            )
        ],
    )
    await store.post(tx, [leaving(EntryKind.WRITTEN_OFF, one, quantity, held, "expired", note)])
    await settle_known(tx, spot)


def _said(code: str, note: str) -> str:
    return f"{code}: {note}" if note else code


# What nobody may get


async def block(tx: Tx, sku: str, code: str, note: str = "") -> None:
    """A recall: the lot is kept from buyers everywhere, at once. Raises Invalid and UnknownLot."""
    checks = Checks()
    note = checks.words("note", note, most=500)
    checks.done()
    found = await _locked_lot(tx, sku, code)
    if found.blocked_at is not None:
        return
    await store.block(tx, sku, code, note, blocked=True)
    tx.emit(LotBlocked(sku=sku, code=code, note=note))
    await settle_sku(tx, sku)


async def unblock(tx: Tx, sku: str, code: str) -> None:
    """It may be sold again. Raises UnknownLot."""
    found = await _locked_lot(tx, sku, code)
    if found.blocked_at is None:
        return
    await store.block(tx, sku, code, "", blocked=False)
    tx.emit(LotUnblocked(sku=sku, code=code))
    await settle_sku(tx, sku)


async def _locked_lot(tx: Tx, sku: str, code: str) -> Lot:
    """Locked after the levels of its SKU, as everybody does who writes lots."""
    spots = await store.spots(tx, None, MAX_ROWS, sku)
    if spots:
        await inventory.lock_levels(tx, spots)
    found = await store.lot(tx, sku, code, lock=True)
    if found is None:
        raise UnknownLot(sku=sku, lot=code)
    return found


async def of_order(reader: Reader, order_id: OrderId) -> list[Picked]:
    """Which lots an order got, the latest first."""
    return await store.picks_of(reader, order_id=order_id)


async def of_fulfilment(reader: Reader, fulfilment_id: FulfilmentId) -> list[Picked]:
    """Which lots went into a fulfilment order, the latest first."""
    return await store.picks_of(reader, fulfilment_id=fulfilment_id)


async def with_days(reader: Reader, rows: Sequence[Picked]) -> list[tuple[Picked, date | None]]:
    """The same, each with the last day of its lot."""
    known = await days(reader, sorted({(row.sku, row.code) for row in rows}))
    return [(row, known.get((row.sku, row.code))) for row in rows]


async def days(reader: Reader, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], date | None]:
    """By (SKU, lot) the last day, of the lots that are known."""
    return await store.days(reader, wanted) if wanted else {}


async def orders_of(reader: Reader, sku: str, code: str, *, limit: int = 50, cursor: str | None = None) -> Page[Picked]:
    """Who got the lot, the latest first."""
    return await store.PICKS.page(reader, store.picks_where(sku, code), sort="-oldest", limit=limit, cursor=cursor)


async def withheld(reader: Reader, skus: Sequence[str], before: int) -> list[Withheld]:
    """What of these SKUs nobody might get before a transaction, and why: for the log of routing."""
    return await store.withheld(reader, skus, before) if skus else []


async def count(reader: Reader) -> int:
    """How many lots lie somewhere, each location by itself."""
    return await store.count(reader)


async def audit(reader: Reader, limit: int = 100) -> list[Finding]:
    """Shelves that are not the sums of their entries; there should be none."""
    return await store.findings(reader, limit)


async def repair(tx: Tx, limit: int = 100) -> int:
    """Makes shelves what their entries say, and holds of them what is to be held. Gives how many were wrong."""
    found = await store.findings(tx, limit)
    for spot in sorted({(one.sku, one.location_id) for one in found}):
        await inventory.lock_levels(tx, [spot])
        for one in found:
            if (one.sku, one.location_id) == spot:
                await store.mend(tx, one)
        await settle_known(tx, spot)
    return len(found)
