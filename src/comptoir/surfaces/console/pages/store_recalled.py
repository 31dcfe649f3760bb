"""Boxes that are to be opened again: what is cancelled comes out of them before the rest leaves, or nothing leaves at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import PARCEL_PREFIX, Fulfilment, FulfilmentId, LineUnits, Parcel, ParcelId
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import PurchasedLabel
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces import handing
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import store_desk
from comptoir.surfaces.console.web import Visit
from comptoir.surfaces.opening import label_of_recalled, scan_out, take_out

STEPS = frozenset({"take-out", "scan-out"})


@dataclass(frozen=True, slots=True)
class Recalled:
    """A box that is to be opened, in words."""

    id: str
    number: str
    href: str
    recipient: str
    units: str
    """What is to be taken out."""
    unwanted: bool
    """Nothing of it leaves."""


def units_of(one: Fulfilment, units: Sequence[LineUnits]) -> str:
    """`2 × Tea, 1 × Cup`."""
    names = {line.line_no: line.name or line.sku for line in one.lines}
    return ", ".join(f"{quantity} × {names.get(no, '')}" for no, quantity in units)


async def boxes_at(reader: Reader, location_id: LocationId) -> tuple[list[Parcel], dict[FulfilmentId, Fulfilment]]:
    """With their work, those recalled first first."""
    boxes = await fulfilment.recalled_boxes(reader, location_id)
    if not boxes:
        return [], {}
    works = await fulfilment.get_all(reader, sorted({box.fulfilment_id for box in boxes}))
    return boxes, {one.id: one for one in works}


def rows_of(boxes: Sequence[Parcel], works: Mapping[FulfilmentId, Fulfilment]) -> list[Recalled]:
    return [
        Recalled(
            to_text(PARCEL_PREFIX, box.id),
            f"F{one.number}-{box.number}",
            f"/store/pack/{store_desk.text_of(one.id)}#{to_text(PARCEL_PREFIX, box.id)}",
            one.recipient,
            units_of(one, box.recalled),
            box.unwanted,
        )
        for box in boxes
        if (one := works[box.fulfilment_id])
    ]


async def scanned(reader: Reader, location_id: LocationId, code: str) -> Recalled | None:
    """The recalled box that a label means, also one whose label was given back."""
    boxes, works = await boxes_at(reader, location_id)
    if not boxes:
        return None
    labels: dict[ParcelId, PurchasedLabel] = {}
    for label in await tracking.labels.of_subjects(reader, [box.id for box in boxes]):
        if label.tracking_number:
            labels[ParcelId(label.subject_id)] = label
    found = set(handing.read(code, boxes, works, labels))
    return next(iter(rows_of([box for box in boxes if box.id in found], works)), None)


def stop_words(visit: Visit, row: Recalled) -> tuple[str, str]:
    """What is said, loudly, of a recalled box that somebody is about to give to the driver; and what to do."""
    words = visit.say(N_("Stop: %(number)s does not leave"), number=row.number)
    if row.unwanted:
        return words, visit.say(N_("Everything in it was cancelled. Keep it here, take out %(units)s."), units=row.units)
    return words, visit.say(N_("Part of it was cancelled. Open it and take out %(units)s first."), units=row.units)


async def before(visit: Visit, fields: Fields) -> ParcelId:
    """Gives the label of a box back of which nothing leaves; the carrier is asked outside of any transaction."""
    parcel_id = ParcelId(fields.id("parcel", PARCEL_PREFIX))
    fields.done()
    await label_of_recalled(visit.console.services.parcels, visit.database, parcel_id, visit.context)
    return parcel_id


async def take(visit: Visit, tx: Tx, step: str, fulfilment_id: FulfilmentId, fields: Fields) -> str:
    """What was taken out, in words."""
    parcel_id = ParcelId(fields.id("parcel", PARCEL_PREFIX))
    if step == "take-out":
        fields.done()
        after = await take_out(tx, fulfilment_id, parcel_id)
    elif step == "scan-out":
        code = fields.text("code", required=True, most=200)
        fields.done()
        sku, after = await scan_out(tx, fulfilment_id, parcel_id, code)
        if after is not None and after.recalled:
            return visit.say(N_("%(sku)s is out. There is more to take out."), sku=sku)
    else:
        raise NotFound(kind="page", id=step[:40])
    if after is None:
        return visit.say(N_("The box is empty. Put back what was in it."))
    return visit.say(N_("The rest may leave. Put back what you took out."))
