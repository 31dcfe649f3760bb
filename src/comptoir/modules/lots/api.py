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
from comptoir.kernel.time import time_zone
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentId
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind as StockEntry
from comptoir.modules.inventory.contracts import Level, Movement, Spot
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import domain, store
from comptoir.modules.lots.contracts import (
    MAX_CODE,
    EntryKind,
    Finding,
    Lot,
    LotBlocked,
    LotHeld,
    LotNamed,
    LotUnblocked,
    Move,
    Named,
    Picked,
    Shelf,
    ShelfFilter,
    Terms,
    Why,
)
from comptoir.modules.lots.errors import LotDiffers, LotRefused, LotsNotAsked, TooManyInLots, UnknownLot
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page

MAX_ROWS = 1000
_SPOTS = 25
"""So many levels are locked at once by the clock: buyers wait for them."""

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
        level, shelves = await _locked(tx, spot)
        await _hold(tx, spot, level, shelves, dict.fromkeys((one.code for one in shelves), 0), {})
        await store.post(tx, [_gone(EntryKind.ADJUSTED, one, one.on_hand, 0, "no_lots") for one in shelves])
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
    clean = _checked(rows)
    await locations.get(tx, location_id)
    known = await store.terms(tx, sorted({row.sku for row in clean}))
    for row in clean:
        if row.sku not in known:
            raise LotsNotAsked(sku=row.sku)
    for sku in sorted({row.sku for row in clean}):
        spot = (sku, location_id)
        level, shelves = await _locked(tx, spot)
        free = max(0, level.on_hand) - sum(one.on_hand for one in shelves)
        for row in (row for row in clean if row.sku == sku):
            if row.quantity > free:
                raise TooManyInLots(sku=sku, lot=row.code, asked=row.quantity, open=max(0, free))
            free -= row.quantity
            expires_on = await _known_as(tx, row)
            await store.post(tx, [Move(EntryKind.NAMED, sku, row.code, location_id, row.quantity, 0, "named")])
            tx.emit(LotNamed(sku=sku, code=row.code, location_id=location_id, quantity=row.quantity, expires_on=expires_on))
        await settle(tx, spot, known[sku])


def _checked(rows: Sequence[Named]) -> list[Named]:
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


async def _known_as(tx: Tx, row: Named) -> date | None:
    """The day on which the lot expires, which is the same wherever it lies."""
    there = await store.lot(tx, row.sku, row.code)
    if there is not None and there.expires_on and row.expires_on and there.expires_on != row.expires_on:
        raise LotDiffers(sku=row.sku, lot=row.code, known=there.expires_on.isoformat(), said=row.expires_on.isoformat())
    await store.add_lot(tx, Lot(row.sku, row.code, row.expires_on))
    return row.expires_on or (there.expires_on if there is not None else None)


async def adjust(tx: Tx, location_id: LocationId, sku: str, code: str, to: int, note: str = "") -> None:
    """So many units of the lot are there; the level stays as it is. Raises Invalid, UnknownLot and TooManyInLots."""
    checks = Checks()
    checks.whole("to", to, 0, MAX_QUANTITY)
    note = checks.words("note", note, most=500)
    checks.done()
    spot = (sku, location_id)
    level, shelves = await _locked(tx, spot)
    one = await store.shelf(tx, sku, code, location_id)
    if one is None:
        raise UnknownLot(sku=sku, lot=code)
    others = sum(row.on_hand for row in shelves if row.code != code)
    if to > one.on_hand and to + others > max(0, level.on_hand):
        raise TooManyInLots(sku=sku, lot=code, asked=to, open=max(0, level.on_hand - others))
    if one.held > to:
        await _hold(tx, spot, level, shelves, {row.code: to if row.code == code else row.held for row in shelves}, {})
    await store.post(tx, [Move(EntryKind.ADJUSTED, sku, code, location_id, to - one.on_hand, 0, "adjusted", note)])
    await _settle_known(tx, spot)


async def write_off(tx: Tx, location_id: LocationId, sku: str, code: str, quantity: int, note: str = "") -> None:
    """Units of the lot were taken off the shelf and thrown away: they leave the lot, its hold and what is on hand. Raises
    UnknownLot and TooManyInLots.
    """
    spot = (sku, location_id)
    level, shelves = await _locked(tx, spot)
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
    await store.post(tx, [_gone(EntryKind.WRITTEN_OFF, one, quantity, held, "expired", note)])
    await _settle_known(tx, spot)


def _said(code: str, note: str) -> str:
    return f"{code}: {note}" if note else code


def _gone(kind: EntryKind, one: Shelf, units: int, held: int, reason: str, note: str = "") -> Move:
    return Move(kind, one.sku, one.code, one.location_id, -units, -held, reason, note)


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


async def _settle_known(tx: Tx, spot: Spot) -> None:
    known = (await store.terms(tx, [spot[0]])).get(spot[0])
    if known is not None:
        await settle(tx, spot, known)


async def settle(tx: Tx, spot: Spot, known: Terms) -> None:
    """No more in lots than on hand, and in the hold what nobody may get."""
    level, shelves = await _locked(tx, spot)
    excess = sum(one.on_hand for one in shelves) - max(0, level.on_hand)
    if excess > 0:
        freed = sum(one.held for one in shelves) - level.quality
        gone = domain.shed(shelves, excess, freed)
        lost = [(one, *gone[one.code]) for one in shelves if one.code in gone]
        # Held units that are gone leave the level's hold too, unless they have left it already.
        out = min(level.quality, max(0, sum(held for *_, held in lost) - max(0, freed)))
        await _move_hold(tx, spot, level, -out)
        await store.post(tx, [_gone(EntryKind.ASSUMED, one, units, held, "gone") for one, units, held in lost])
        level, shelves = await _locked(tx, spot)
    if shelves:
        today = await _today(tx, spot[1])
        ours = min(sum(one.held for one in shelves), level.quality)
        room = max(0, level.on_hand - level.damaged - level.quality) + ours
        wanted = domain.holds(shelves, known, today, room)
        why = {one.code: domain.why_not(one.expires_on, known, today, blocked=one.blocked) for one in shelves}
        await _hold(tx, spot, level, shelves, wanted, {code: word for code, word in why.items() if word})


async def _hold(
    tx: Tx, spot: Spot, level: Level, shelves: Sequence[Shelf], wanted: dict[str, int], why: dict[str, Why]
) -> None:
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


async def _locked(tx: Tx, spot: Spot) -> tuple[Level, list[Shelf]]:
    level = (await inventory.lock_levels(tx, [spot]))[spot]
    return level, await store.shelves(tx, spot[1], [spot[0]])


async def _today(tx: Tx, location_id: LocationId) -> date:
    place = await locations.get(tx, location_id)
    return tx.now.astimezone(time_zone(place.time_zone)).date()


# At the shelf


async def proposed(reader: Reader, location_id: LocationId, skus: Sequence[str], today: date) -> dict[str, list[Shelf]]:
    """By SKU the lots that may be taken here, what expires first first; a SKU without lots is not in it."""
    known = await terms(reader, skus)
    return domain.proposed(await store.shelves(reader, location_id, sorted(known)), known, today) if known else {}


async def pick(tx: Tx, fulfilment_id: FulfilmentId, line_no: int, code: str, quantity: int = 1, on: date | None = None) -> None:
    """So many picked units of this line are of this lot; `on` is the day that is written on them. A lot of which nothing is
    known to lie here is written down all the same.

    Raises UnknownFulfilment, LotsNotAsked, LotDiffers, LotRefused, and TooManyInLots where fewer units are picked.
    """
    one = await fulfilment.get(tx, fulfilment_id)
    line = next((row for row in one.lines if row.line_no == line_no), None)
    said = sum(row.quantity for row in await store.picks_of(tx, fulfilment_id=fulfilment_id) if row.line_no == line_no)
    if line is None or not 1 <= quantity <= line.picked - said:
        raise TooManyInLots(lot=code, asked=quantity, open=0 if line is None else line.picked - said)
    known = (await store.terms(tx, [line.sku])).get(line.sku)
    if known is None:
        raise LotsNotAsked(sku=line.sku)
    (row,) = _checked([Named(line.sku, quantity, code, on)])
    _, shelves = await _locked(tx, (line.sku, one.location_id))
    expires_on = await _known_as(tx, row)
    await _require_good(tx, row, known, one.location_id, expires_on)
    there = next((shelf for shelf in shelves if shelf.code == row.code), None)
    taken = 0 if there is None else min(quantity, there.on_hand - there.held)
    moves = [
        Move(
            EntryKind.PICKED,
            line.sku,
            row.code,
            one.location_id,
            -taken,
            0,
            "picked",
            order_id=one.order_id,
            fulfilment_id=one.id,
        )
    ]
    await store.post(tx, moves)
    await store.add_pick(
        tx,
        Picked(
            fulfilment_id=one.id,
            line_no=line_no,
            sku=line.sku,
            code=row.code,
            order_id=one.order_id,
            location_id=one.location_id,
            quantity=quantity,
            at=tx.now,
            actor=tx.actor,
        ),
    )


async def _require_good(tx: Tx, row: Named, known: Terms, location_id: LocationId, expires_on: date | None) -> None:
    there = await store.lot(tx, row.sku, row.code)
    blocked = there is not None and there.blocked_at is not None
    why = domain.why_not(expires_on, known, await _today(tx, location_id), blocked=blocked)
    if why is not None:
        raise LotRefused(sku=row.sku, lot=row.code, why=why.value)


async def scanned(tx: Tx, fulfilment_id: FulfilmentId, code: str, line_no: int) -> None:
    """A unit of this line was picked by this code: where the code says its lot or its date, that is written down. Raises what
    `pick` raises, but for SKUs that have no lots.
    """
    label = catalogue.read_label(code)
    if not label.lot and label.expires_on is None:
        return
    try:
        await pick(tx, fulfilment_id, line_no, label.lot, 1, label.expires_on)
    except LotsNotAsked:
        return


async def scanned_on_walk(tx: Tx, fulfilment_ids: Sequence[FulfilmentId], code: str, sku: str) -> None:
    """As `scanned`, of a unit of this SKU that went to one of these orders."""
    label = catalogue.read_label(code)
    if label.lot or label.expires_on is not None:
        for fulfilment_id in fulfilment_ids:
            said = await store.picks_of(tx, fulfilment_id=fulfilment_id)
            for line in (await fulfilment.get(tx, fulfilment_id)).lines:
                if line.sku == sku and line.picked > sum(row.quantity for row in said if row.line_no == line.line_no):
                    await scanned(tx, fulfilment_id, code, line.line_no)
                    break


async def follow(tx: Tx, one: Fulfilment) -> None:
    """Units that are picked no more lie in their lots again, the latest first."""
    picked = {line.line_no: line.picked for line in one.lines}
    said: dict[int, int] = {}
    rows = await store.picks_of(tx, fulfilment_id=one.id)
    for row in rows:
        said[row.line_no] = said.get(row.line_no, 0) + row.quantity
    for row in rows:
        back = min(row.quantity, said[row.line_no] - picked.get(row.line_no, 0))
        if back > 0:
            said[row.line_no] -= back
            await _put_back(tx, row, back)


async def _put_back(tx: Tx, row: Picked, units: int) -> None:
    spot = (row.sku, row.location_id)
    level, shelves = await _locked(tx, spot)
    free = max(0, level.on_hand) - sum(one.on_hand for one in shelves)
    await store.lessen_pick(tx, row, units)
    move = Move(
        EntryKind.PUT_BACK,
        row.sku,
        row.code,
        row.location_id,
        max(0, min(units, free)),
        0,
        "put_back",
        order_id=row.order_id,
        fulfilment_id=row.fulfilment_id,
    )
    await store.post(tx, [move])
    await _settle_known(tx, spot)


async def of_order(reader: Reader, order_id: OrderId) -> list[Picked]:
    """Which lots an order got, the latest first."""
    return await store.picks_of(reader, order_id=order_id)


async def of_fulfilment(reader: Reader, fulfilment_id: FulfilmentId) -> list[Picked]:
    """Which lots went into a fulfilment order, the latest first."""
    return await store.picks_of(reader, fulfilment_id=fulfilment_id)


async def orders_of(reader: Reader, sku: str, code: str, *, limit: int = 50, cursor: str | None = None) -> Page[Picked]:
    """Who got the lot, the latest first."""
    return await store.PICKS.page(reader, store.picks_where(sku, code), sort="-oldest", limit=limit, cursor=cursor)


async def audit(reader: Reader, limit: int = 100) -> list[Finding]:
    """Shelves that are not the sums of their entries; there should be none."""
    return await store.findings(reader, limit)
