"""What a supplier answers: that they send it, in whole or in part, that they do not, and what has left with which number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from comptoir.kernel.checking import Checks
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, Handshake, LineUnits, ParcelDraft, ParcelId, RejectReason
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Adjustment, AdjustReason
from comptoir.modules.orders.contracts import Tracking
from comptoir.modules.purchasing import domain, writing
from comptoir.modules.purchasing.contracts import (
    EMPTY_SHELF,
    Answer,
    DeclineReason,
    LetterKind,
    LineAnswer,
    Purchase,
    PurchaseId,
    PurchaseState,
    PurchaseStep,
    Sent,
    Units,
)
from comptoir.modules.purchasing.errors import NotThatManyOpen, PurchaseStepRefused
from comptoir.runtime.database import Tx

_LATEST = timedelta(days=365)
MAX_PARCELS = 100


async def acknowledge(tx: Tx, purchase_id: PurchaseId, answer: Answer) -> Purchase:
    """The supplier sends it: all of it, or of the lines that they name as much as they say. The others go
    elsewhere.

    Raises UnknownPurchase, Invalid, NotThatManyOpen, and PurchaseStepRefused for what was answered before.
    """
    one = await writing.load(tx, purchase_id)
    if one.state is not PurchaseState.ASKED:
        raise PurchaseStepRefused(step=PurchaseStep.ACKNOWLEDGE, state=one.state)
    note = _checked(tx, answer)
    named = {line.line_no: line for line in answer.lines}
    _require_open(one, {no: line.accepted for no, line in named.items()})
    rejected = {
        line.line_no: (line.open - named[line.line_no].accepted, named[line.line_no].reason)
        for line in one.lines
        if line.line_no in named and named[line.line_no].accepted < line.open
    }
    if sum(units for units, _ in rejected.values()) == one.open:
        return await _refused(tx, one, rejected, note)
    lines = [replace(line, promised_on=_promised(named.get(line.line_no), answer)) for line in one.lines]
    days = [line.promised_on for line in lines if line.promised_on is not None]
    own = await _fulfilment(tx, one)
    if (own.request, Handshake.ACCEPT) in fulfilment.HANDSHAKE:
        await fulfilment.say(tx, own.id, Handshake.ACCEPT, note)
    else:
        await fulfilment.begin(tx, own.id, take_over=True)
    after = await writing.save(
        tx,
        one,
        lines,
        PurchaseStep.ACKNOWLEDGE,
        promised_on=max(days, default=None),
        note=note,
        answered_at=tx.now,
        answered_by=tx.actor,
    )
    writing.tell(tx, after, PurchaseStep.ACKNOWLEDGE, note=note)
    return await _refused(tx, after, rejected, note) if rejected else after


def _promised(line: LineAnswer | None, answer: Answer) -> date | None:
    return (line.promised_on if line is not None else None) or answer.promised_on


def _checked(tx: Tx, answer: Answer) -> str:
    checks = Checks()
    note = checks.words("note", answer.note, most=500)
    today = tx.now.date()
    days = [("promised_on", answer.promised_on)]
    days += [(f"lines[{n}].promised_on", line.promised_on) for n, line in enumerate(answer.lines)]
    for path, day in days:
        within = day is None or today - timedelta(days=1) <= day <= today + _LATEST
        checks.require(path, within, "is a day within a year from now")
    numbers = [line.line_no for line in answer.lines]
    checks.require("lines", len(set(numbers)) == len(numbers), "names a line twice")
    checks.require("lines", all(line.accepted >= 0 for line in answer.lines), "accepts no fewer than none")
    checks.done()
    return note


def _require_open(one: Purchase, units: Mapping[int, int]) -> None:
    there = {line.line_no: line.open for line in one.lines}
    over = [{"line_no": no, "asked": n, "open": there.get(no, 0)} for no, n in units.items() if n > there.get(no, -1)]
    if over:
        raise NotThatManyOpen(lines=over)


async def decline(
    tx: Tx, purchase_id: PurchaseId, lines: Sequence[Units] | None, reason: DeclineReason, note: str = ""
) -> Purchase:
    """The supplier does not send these units, or (None) nothing of what has not left: they go elsewhere. Also after they have
    said that they would. Raises UnknownPurchase, PurchaseStepRefused, Invalid and NotThatManyOpen.
    """
    one = await writing.load(tx, purchase_id)
    writing.require_live(one, PurchaseStep.DECLINE)
    checks = Checks()
    note = checks.words("note", note, most=500)
    checks.require("lines", lines is None or all(units.quantity > 0 for units in lines), "names at least one unit each")
    checks.done()
    wanted = {line.line_no: line.open for line in one.lines if line.open} if lines is None else _summed(lines)
    _require_open(one, wanted)
    return await _refused(tx, one, {no: (units, reason) for no, units in wanted.items()}, note)


def _summed(lines: Sequence[Units]) -> dict[int, int]:
    found: dict[int, int] = {}
    for line_no, units in lines:
        found[line_no] = found.get(line_no, 0) + units
    return found


async def _refused(tx: Tx, one: Purchase, rejected: Mapping[int, tuple[int, DeclineReason]], note: str) -> Purchase:
    """These units go elsewhere, and where nothing is there any more the supplier's stock says so until their feed does."""
    lines = [
        replace(line, rejected=line.rejected + rejected[line.line_no][0], reason=rejected[line.line_no][1])
        if line.line_no in rejected
        else line
        for line in one.lines
    ]
    step = domain.step_of(one.lines, lines, PurchaseStep.DECLINE)
    own = await _fulfilment(tx, one)
    if step is PurchaseStep.DECLINE and (own.request, Handshake.REJECT) in fulfilment.HANDSHAKE:
        await fulfilment.say(tx, own.id, Handshake.REJECT, note)  # which gives all of it back
    else:
        units = [LineUnits(no, n) for no, (n, _) in sorted(rejected.items())]
        await fulfilment.reject(tx, own.id, units, RejectReason.OTHER, take_over=True)
    answered: dict[str, object] = {"note": note} if note else {}
    if one.answered_at is None:
        answered |= {"answered_at": tx.now, "answered_by": tx.actor}
    after = await writing.save(tx, one, lines, step, **answered)
    reasons = {reason for _, reason in rejected.values()}
    told = next(iter(reasons)) if len(reasons) == 1 else ""
    named = [Units(no, n) for no, (n, _) in sorted(rejected.items())] if step is None else []
    writing.tell(tx, after, step or "reject", named, reason=told, note=note)
    await _empty(
        tx, one, [line.sku for line in one.lines if line.line_no in rejected and rejected[line.line_no][1] in EMPTY_SHELF]
    )
    return after


async def _empty(tx: Tx, one: Purchase, skus: Sequence[str]) -> None:
    if not skus:
        return
    levels = await inventory.lock_levels(tx, sorted({(sku, one.location_id) for sku in skus}))
    gone = [Adjustment(sku, delta=-level.available) for (sku, _), level in sorted(levels.items()) if level.available > 0]
    if gone:
        await inventory.adjust(tx, one.location_id, gone, AdjustReason.CORRECTION, f"P{one.number}")


async def _fulfilment(tx: Tx, one: Purchase) -> Fulfilment:
    return await fulfilment.get(tx, one.fulfilment_id)


async def ship(tx: Tx, purchase_id: PurchaseId, parcels: Sequence[Sent]) -> Purchase:
    """These parcels have left the supplier; each is a shipment of the order and is followed as any other. Whoever ships has
    accepted. Raises UnknownPurchase, PurchaseStepRefused, Invalid and NotThatManyOpen.
    """
    one = await writing.load(tx, purchase_id)
    writing.require_live(one, PurchaseStep.SHIP)
    clean = _checked_parcels(parcels)
    left = {line.line_no: line.open for line in one.lines}
    contents: list[dict[int, int]] = []
    for parcel in clean:
        inside = _summed(parcel.lines) if parcel.lines else {no: units for no, units in left.items() if units}
        over = [{"line_no": no, "asked": n, "open": left.get(no, 0)} for no, n in inside.items() if n > left.get(no, 0)]
        if over or not inside:
            raise NotThatManyOpen(lines=over)
        left = {no: units - inside.get(no, 0) for no, units in left.items()}
        contents.append(inside)
    if one.state is PurchaseState.ASKED:
        one = await acknowledge(tx, purchase_id, Answer())
    await fulfilment.begin(tx, one.fulfilment_id, take_over=True)
    carried: dict[ParcelId, Tracking] = {}
    for parcel, inside in zip(clean, contents, strict=True):
        units = tuple([LineUnits(no, n) for no, n in sorted(inside.items())])
        await fulfilment.pick(tx, one.fulfilment_id, units)
        box = await fulfilment.pack(tx, one.fulfilment_id, ParcelDraft(lines=units))
        carried[box.id] = Tracking(parcel.carrier, parcel.tracking_number, parcel.tracking_url)
    await fulfilment.hand_over(tx, one.fulfilment_id, carried)
    gone = _summed([Units(no, n) for inside in contents for no, n in inside.items()])
    lines = [replace(line, shipped=line.shipped + gone.get(line.line_no, 0)) for line in one.lines]
    step = domain.step_of(one.lines, lines, PurchaseStep.DECLINE)
    after = await writing.save(tx, one, lines, step)
    writing.tell(tx, after, step or PurchaseStep.SHIP, [Units(no, n) for no, n in sorted(gone.items())])
    return after


def _checked_parcels(parcels: Sequence[Sent]) -> list[Sent]:
    checks = Checks()
    checks.require("parcels", 1 <= len(parcels) <= MAX_PARCELS, f"has 1 to {MAX_PARCELS} parcels")
    clean: list[Sent] = []
    for n, parcel in enumerate(parcels):
        url = checks.words(f"parcels[{n}].tracking_url", parcel.tracking_url, most=500)
        checks.require(f"parcels[{n}].tracking_url", not url or url.startswith(("https://", "http://")), "is a web address")
        checks.require(f"parcels[{n}].lines", all(row.quantity > 0 for row in parcel.lines), "names at least one unit each")
        clean.append(
            replace(
                parcel,
                carrier=checks.words(f"parcels[{n}].carrier", parcel.carrier),
                tracking_number=checks.words(f"parcels[{n}].tracking_number", parcel.tracking_number),
                tracking_url=url,
            )
        )
    checks.done()
    return clean


async def withdraw(tx: Tx, purchase_id: PurchaseId) -> Purchase:
    """We do not want from this supplier what has not left: it goes elsewhere, and they are told. Raises UnknownPurchase and
    PurchaseStepRefused.
    """
    one = await writing.load(tx, purchase_id)
    writing.require_live(one, PurchaseStep.CANCEL)
    lines = [replace(line, cancelled=line.cancelled + line.open) for line in one.lines]
    step = domain.step_of(one.lines, lines, PurchaseStep.CANCEL)
    units = [LineUnits(line.line_no, line.open) for line in one.lines if line.open]
    await fulfilment.reject(tx, one.fulfilment_id, units, RejectReason.OTHER, take_over=True)
    after = await writing.save(tx, one, lines, step, revision=one.revision + 1)
    await writing.write_to(tx, after, LetterKind.CANCELLED)
    writing.tell(tx, after, step or PurchaseStep.CANCEL, [Units(*unit) for unit in units])
    return after
