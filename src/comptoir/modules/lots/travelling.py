"""Lots on the road: which lots a transfer took along, which have come, and where that differs.

What somebody has read on the goods is told here by whoever moves the transfer, in the same transaction. What nobody has said
follows from what became of it, as soon as its events are read: what left is of what expires first, as far as lots have to have
left; units that lay in no lot travel without one. Following twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Transfer, TransferId, TransferLine
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import domain, store
from comptoir.modules.lots.contracts import Carried, EntryKind, Move, Named, Shelf, Terms
from comptoir.modules.lots.errors import LotsNotAsked, TooManyInLots
from comptoir.modules.lots.settling import checked, known_as, locked, require_good, settle
from comptoir.runtime.database import Reader, Tx


async def carried(reader: Reader, transfer_id: TransferId) -> list[Carried]:
    """The lots of a transfer, what expires first first."""
    found = await store.carried(reader, transfer_id)
    return [one for one in found if one.sent or one.received or one.missing or one.read_out or one.read_in]


async def under_way(reader: Reader, sku: str, code: str) -> list[Carried]:
    """The transfers that have units of a lot on the road."""
    return await store.under_way(reader, sku, code)


async def follow_transfer(tx: Tx, transfer: Transfer, said: Sequence[Named] = ()) -> None:
    """A transfer was sent, or something became of what was on the road; `said` is what somebody has read on what went, or on
    what came just now. A lot that was never sent is taken in all the same, and shows as a difference.

    Raises Invalid, LotsNotAsked, LotDiffers, LotRefused for what nobody may get and is to be sent, and TooManyInLots for more
    of a SKU than has been moved.
    """
    rows = checked(said) if said else []
    skus = sorted({line.sku for line in transfer.lines} | {row.sku for row in rows})
    known = await store.terms(tx, skus) if skus else {}
    for row in rows:
        if row.sku not in known:
            raise LotsNotAsked(sku=row.sku)
    if not known or transfer.sent_at is None:
        return
    ends = (transfer.from_location_id, transfer.to_location_id)
    await inventory.lock_levels(tx, [(sku, place) for sku in known for place in ends])
    road = await store.carried(tx, transfer.id)
    for line in sorted((line for line in transfer.lines if line.sku in known), key=lambda line: line.sku):
        own = {one.code: one for one in road if one.sku == line.sku}
        read = [row for row in rows if row.sku == line.sku]
        on_its_way = line.received == line.missing == line.unsent == 0
        if not any(one.sent or one.received or one.missing for one in own.values()):
            own = await _send(tx, transfer, line, own, read if on_its_way else (), known[line.sku])
        if not on_its_way:
            await _arrive(tx, transfer, line, own, read, known[line.sku])


async def _send(
    tx: Tx,
    transfer: Transfer,
    line: TransferLine,
    scanned: dict[str, Carried],
    said: Sequence[Named],
    known: Terms,
) -> dict[str, Carried]:
    spot = (line.sku, transfer.from_location_id)
    level, shelves = await locked(tx, spot)
    there = {one.code: one.on_hand - one.held for one in shelves}
    gone = {code: replace(one, read_out=0) for code, one in scanned.items()}
    left = line.quantity
    for code, one in scanned.items():
        n = min(left, one.read_out)
        gone[code] = _more(gone[code], sent=n)
        left -= n
    for row in said:
        if row.quantity > left:
            raise TooManyInLots(sku=line.sku, lot=row.code, asked=row.quantity, open=left)
        await require_good(tx, row, known, spot[1], await known_as(tx, row))
        gone[row.code] = _more(gone.get(row.code, Carried(transfer.id, line.sku, row.code)), sent=row.quantity)
        left -= row.quantity
    taken = {code: min(one.sent, max(0, there.get(code, 0))) for code, one in gone.items()}
    unexplained = sum(one.on_hand for one in shelves) - sum(taken.values()) - max(0, level.on_hand)
    for code, n in _assumed(shelves, taken, min(left, unexplained)):
        before = gone.get(code, Carried(transfer.id, line.sku, code, assumed=True))
        gone[code] = _more(before, sent=n)
        taken[code] = taken.get(code, 0) + n
        left -= n
    if left:
        gone[""] = Carried(transfer.id, line.sku, "", sent=left)
    await store.put_carried(tx, list(gone.values()))
    await store.post(tx, [_move(EntryKind.SENT, transfer, line.sku, code, spot[1], -n) for code, n in taken.items()])
    await settle(tx, spot, known)
    return gone


def _assumed(shelves: Sequence[Shelf], taken: dict[str, int], units: int) -> list[tuple[str, int]]:
    """Of what expires first and is not held, so many units more."""
    found: list[tuple[str, int]] = []
    for one in domain.first_expired(shelves):
        n = min(units, one.on_hand - one.held - taken.get(one.code, 0))
        if n > 0:
            found.append((one.code, n))
            units -= n
    return found


async def read_on_road(tx: Tx, transfer_id: TransferId, sku: str, label: str, units: int = 1, *, leaving: bool) -> None:
    """Units of a transfer were scanned where it leaves, or where it arrives: where the label says their lot or their date, that
    is kept until they have left, or are taken in. Raises LotDiffers, and LotRefused for what nobody may get and is to leave.
    """
    read = catalogue.read_label(label)
    if not read.lot and read.expires_on is None:
        return
    known = (await store.terms(tx, [sku])).get(sku)
    if known is None:
        return
    await _keep_read(tx, transfer_id, Named(sku, units, read.lot, read.expires_on), known, leaving=leaving)


async def tell_on_road(tx: Tx, transfer_id: TransferId, rows: Sequence[Named], *, leaving: bool) -> None:
    """As `read_on_road`, of what somebody has typed. Raises also Invalid, LotsNotAsked and UnknownTransfer."""
    clean = checked(rows)
    await inventory.transfer(tx, transfer_id)
    known = await store.terms(tx, sorted({row.sku for row in clean}))
    for row in clean:
        if row.sku not in known:
            raise LotsNotAsked(sku=row.sku)
        await _keep_read(tx, transfer_id, row, known[row.sku], leaving=leaving)


async def _keep_read(tx: Tx, transfer_id: TransferId, said: Named, known: Terms, *, leaving: bool) -> None:
    (row,) = checked([said])
    expires_on = await known_as(tx, row)
    if leaving:
        transfer = await inventory.transfer(tx, transfer_id)
        await require_good(tx, row, known, transfer.from_location_id, expires_on)
    read_out, read_in = (row.quantity, 0) if leaving else (0, row.quantity)
    await store.add_read(tx, Carried(transfer_id, row.sku, row.code, read_out=read_out, read_in=read_in))


async def _arrive(
    tx: Tx, transfer: Transfer, line: TransferLine, before: dict[str, Carried], said: Sequence[Named], known: Terms
) -> None:
    road = dict(before)
    came = line.received - sum(one.received for one in road.values())
    for row in said:
        if row.quantity > came:
            raise TooManyInLots(sku=line.sku, lot=row.code, asked=row.quantity, open=max(0, came))
        await known_as(tx, row)
        road.setdefault(row.code, Carried(transfer.id, line.sku, row.code))
        _come(road, row.code, row.quantity)
        came -= row.quantity
    for code, read_in in [(one.code, one.read_in) for one in road.values()]:
        n = max(0, min(came, read_in))
        road[code] = replace(road[code], read_in=read_in - n if line.open else 0)
        _come(road, code, n)
        came -= n
    lost = line.missing - sum(one.missing for one in road.values())
    _find(road, -lost)
    _back(road, sum(one.sent for one in road.values()) - (line.quantity - line.unsent))
    for code in domain.on_the_road(road.values()):
        n = min(came, road[code].open)
        if n > 0:
            road[code] = _more(road[code], received=n)
            came -= n
    if came > 0:
        road[""] = _more(road.get("", Carried(transfer.id, line.sku, "")), received=came)
    for code in domain.on_the_road(road.values()):
        n = min(lost, road[code].open)
        if n > 0:
            road[code] = _more(road[code], missing=n)
            lost -= n
    await _write(tx, transfer, line.sku, before, road, known)


def _come(road: dict[str, Carried], code: str, units: int) -> None:
    """Units of a lot have come: those of which nobody knew the lot when they left turn out to be of it, as far as need be."""
    bare = road.get("")
    found = 0 if bare is None else max(0, min(units - road[code].open, bare.open))
    if bare is not None and found:
        road[""] = _more(bare, sent=-found)
    road[code] = _more(road[code], sent=found, received=units)


def _find(road: dict[str, Carried], units: int) -> None:
    """So many of what was lost have turned up."""
    for code in domain.on_the_road(road.values()):
        n = min(units, road[code].missing)
        if n > 0:
            road[code] = _more(road[code], missing=-n)
            units -= n


def _back(road: dict[str, Carried], units: int) -> None:
    """So many were never sent: of what has no lot first, then of what expires last."""
    for code in reversed(domain.on_the_road(road.values())):
        n = min(units, road[code].open)
        if n > 0:
            road[code] = _more(road[code], sent=-n)
            units -= n


async def _write(
    tx: Tx, transfer: Transfer, sku: str, before: dict[str, Carried], road: dict[str, Carried], known: Terms
) -> None:
    """Saves what has changed, and moves the units of lots: those that came, and those that lie at the origin again."""
    changed = [one for code, one in road.items() if before.get(code) != one]
    if not changed:
        return
    nothing = Carried(transfer.id, sku, "")
    came = {one.code: one.received - before.get(one.code, nothing).received for one in changed if one.code}
    back = {one.code: before.get(one.code, one).sent - one.sent for one in changed if one.code}
    places = ((transfer.to_location_id, came, EntryKind.ARRIVED), (transfer.from_location_id, back, EntryKind.PUT_BACK))
    await store.put_carried(tx, changed)
    for place, units, kind in places:
        level, shelves = await locked(tx, (sku, place))
        room = max(0, level.on_hand) - sum(one.on_hand for one in shelves)
        moves: list[Move] = []
        for code, n in units.items():
            put = max(0, min(n, room))  # what has left again meanwhile is in no lot here
            moves.append(_move(kind, transfer, sku, code, place, put))
            room -= put
        await store.post(tx, moves)
        if shelves or any(move.on_hand for move in moves):
            await settle(tx, (sku, place), known)


def _more(one: Carried, *, sent: int = 0, received: int = 0, missing: int = 0) -> Carried:
    return replace(one, sent=one.sent + sent, received=one.received + received, missing=one.missing + missing)


def _move(kind: EntryKind, transfer: Transfer, sku: str, code: str, place: LocationId, units: int) -> Move:
    return Move(kind, sku, code, place, units, 0, "transfer", transfer_id=transfer.id)
