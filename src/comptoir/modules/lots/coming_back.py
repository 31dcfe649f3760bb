"""What buyers send back: which lot it is, and whether anybody may have it again."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import store
from comptoir.modules.lots.contracts import EntryKind, Look, Move, Named
from comptoir.modules.lots.errors import LotNotSaid
from comptoir.modules.lots.settling import checked, known_as, locked, require_good, settle
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Reader, Tx


async def known_of(reader: Reader, order_id: OrderId | None, skus: Sequence[str]) -> dict[str, list[Named]]:
    """By SKU with lots, of these: which lots the order got of it. What nobody has read is an empty list."""
    known = await store.terms(reader, skus) if skus else {}
    found: dict[str, list[Named]] = {sku: [] for sku in known}
    for row in await store.picks_of(reader, order_id=order_id) if known and order_id is not None else []:
        if row.sku in known:
            found[row.sku].append(Named(row.sku, row.quantity, row.code))
    return found


async def looked_at(tx: Tx, location_id: LocationId, looks: Sequence[Look]) -> list[Look]:
    """Before units that came back are put where they belong: the same with their lots, where these are sure.

    Of what goes back on the shelf the lot is asked; where nobody has read it, and the order got one lot only, it is that one.
    Raises Invalid, LotDiffers, LotNotSaid, and LotRefused for what has expired, does so too soon or is recalled.
    """
    known = await store.terms(tx, sorted({one.sku for one in looks})) if looks else {}
    told: list[Look] = []
    for one in looks:
        terms = known.get(one.sku)
        if terms is None or not one.sellable:
            continue
        read = await _read(tx, one)
        if read is None:
            raise LotNotSaid(sku=one.sku)
        expires_on = await known_as(tx, read)
        await require_good(tx, read, terms, location_id, expires_on)
        told.append(one._replace(code=read.code, expires_on=expires_on))
    return told


async def _read(tx: Tx, one: Look) -> Named | None:
    if one.code or one.expires_on is not None:
        return checked([Named(one.sku, one.quantity, one.code, one.expires_on)])[0]
    if one.order_id is None:
        return None
    codes = {row.code for row in await store.picks_of(tx, order_id=one.order_id) if row.sku == one.sku}
    return Named(one.sku, one.quantity, codes.pop()) if len(codes) == 1 else None


async def on_the_shelf_again(tx: Tx, location_id: LocationId, looks: Sequence[Look]) -> None:
    """Afterwards: what `looked_at` gave lies in its lots."""
    known = await store.terms(tx, sorted({one.sku for one in looks})) if looks else {}
    for one in looks:
        spot = (one.sku, location_id)
        level, shelves = await locked(tx, spot)
        free = max(0, level.on_hand) - sum(row.on_hand for row in shelves)
        move = Move(
            EntryKind.RETURNED,
            one.sku,
            one.code,
            location_id,
            max(0, min(one.quantity, free)),
            0,
            "returned",
            order_id=one.order_id,
        )
        await store.post(tx, [move])
        await settle(tx, spot, known[one.sku])


async def of_channel(tx: Tx, location_id: LocationId, looks: Sequence[Look]) -> None:
    """Units are on the shelf again whether anybody has looked or not, as a fact: in the lot that the order got, where that is
    sure. What nobody may get is held.
    """
    known = await store.terms(tx, sorted({one.sku for one in looks})) if looks else {}
    for one in looks:
        read = await _read(tx, one) if one.sku in known else None
        if read is not None and one.sellable:
            await on_the_shelf_again(tx, location_id, [one._replace(code=read.code)])
