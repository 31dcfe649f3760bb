"""At the shelf: which lot to take first, which was taken, and which lies in its place again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentId
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import domain, store
from comptoir.modules.lots.contracts import EntryKind, Lying, Move, Named, Picked, Shelf
from comptoir.modules.lots.errors import LotNotFirst, LotRecalled, LotsNotAsked, TooManyInLots
from comptoir.modules.lots.settling import checked, day_at, known_as, locked, require_good, settle_known, today_at
from comptoir.runtime.database import Reader, Tx


async def proposed(reader: Reader, location_id: LocationId, skus: Sequence[str], today: date) -> dict[str, list[Shelf]]:
    """By SKU the lots that may be taken here, what expires first first; a SKU without lots is not in it."""
    known = await store.terms(reader, skus) if skus else {}
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
    (row,) = checked([Named(line.sku, quantity, code, on)])
    _, shelves = await locked(tx, (line.sku, one.location_id))
    expires_on = await known_as(tx, row)
    await require_good(tx, row, known, one.location_id, expires_on)
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


async def scanned(tx: Tx, fulfilment_id: FulfilmentId, code: str, line_no: int, *, in_order: bool = False) -> None:
    """A unit of this line was picked by this code: where the code says its lot or its date, that is written down. Raises what
    `pick` raises, but for SKUs that have no lots; `in_order`: and LotNotFirst where another lot is to be taken first.
    """
    label = catalogue.read_label(code)
    if not label.lot and label.expires_on is None:
        return
    if in_order:
        await _require_first(tx, fulfilment_id, line_no, label)
    try:
        await pick(tx, fulfilment_id, line_no, label.lot, 1, label.expires_on)
    except LotsNotAsked:
        return


async def _require_first(tx: Tx, fulfilment_id: FulfilmentId, line_no: int, label: catalogue.Label) -> None:
    one = await fulfilment.get(tx, fulfilment_id)
    sku = next((line.sku for line in one.lines if line.line_no == line_no), None)
    if sku is None:
        return
    today = await today_at(tx, one.location_id)
    shelves = (await proposed(tx, one.location_id, [sku], today)).get(sku, [])
    code = label.lot or (label.expires_on.isoformat() if label.expires_on else "")
    known = await store.lot(tx, sku, code)
    if known is not None and known.blocked_at is not None:
        return  # it is refused for worse
    first = domain.earlier(shelves, code, label.expires_on or (known.expires_on if known else None))
    if first is not None:
        day = first.expires_on.isoformat() if first.expires_on else None
        raise LotNotFirst(sku=sku, lot=code, first=first.code, expires_on=day)


async def scanned_on_walk(
    tx: Tx, fulfilment_ids: Sequence[FulfilmentId], code: str, sku: str, *, in_order: bool = False
) -> None:
    """As `scanned`, of a unit of this SKU that went to one of these orders."""
    label = catalogue.read_label(code)
    if label.lot or label.expires_on is not None:
        for fulfilment_id in fulfilment_ids:
            said = await store.picks_of(tx, fulfilment_id=fulfilment_id)
            for line in (await fulfilment.get(tx, fulfilment_id)).lines:
                if line.sku == sku and line.picked > sum(row.quantity for row in said if row.line_no == line.line_no):
                    await scanned(tx, fulfilment_id, code, line.line_no, in_order=in_order)
                    break


async def lying(reader: Reader, location_id: LocationId, skus: Sequence[str], now: datetime) -> dict[str, Lying]:
    """By SKU with lots what lies here: what may be taken, what expires first first, and the lots that nobody may get, on the
    day that it is there.
    """
    known = await store.terms(reader, skus) if skus else {}
    if not known:
        return {}
    today = await day_at(reader, location_id, now)
    shelves = await store.shelves(reader, location_id, sorted(known))
    good = domain.proposed(shelves, known, today)
    bad: dict[str, list[Shelf]] = {}
    for one in domain.first_expired(shelves):
        if domain.why_not(one.expires_on, known[one.sku], today, blocked=one.blocked) is not None:
            bad.setdefault(one.sku, []).append(one)
    return {sku: Lying(tuple(good.get(sku, ())), tuple(bad.get(sku, ()))) for sku in known}


async def stamps(reader: Reader, location_id: LocationId) -> dict[str, str]:
    """By SKU what changes whenever its lots here do; what has no lots is not in it."""
    return await store.stamps(reader, location_id)


async def require_not_recalled(tx: Tx, fulfilment_id: FulfilmentId) -> None:
    """What was picked before its lot was recalled does not leave. Raises LotRecalled while some of it is still here."""
    found = await store.recalled_picks(tx, fulfilment_id)
    if not found:
        return
    here = {line.line_no: line.picked - line.gone for line in (await fulfilment.get(tx, fulfilment_id)).lines}
    for line_no, sku, code, units in found:
        if here.get(line_no, 0) > 0:
            raise LotRecalled(sku=sku, lot=code, units=min(units, here[line_no]))


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
    level, shelves = await locked(tx, spot)
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
    await settle_known(tx, spot)
