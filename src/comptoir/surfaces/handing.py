"""What happens when a driver comes: who is called for which parcels, and what a scan of a parcel's label means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from comptoir.kernel.errors import Fault, Refusal
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentId, Parcel, ParcelId
from comptoir.modules.tracking.contracts import Driver, DriverWanted, LabelId, PurchasedLabel
from comptoir.runtime.database import Context
from comptoir.surfaces.carriage import Carriage
from comptoir.surfaces.parcels import ParcelDesk

_LEAST_NUMBER = 8
"""Characters of a tracking number that may stand at the end of a longer barcode: carriers put a postcode before it."""
_OWN = re.compile(r"F(\d{1,12})(?:-(\d{1,4}))?", re.ASCII)
_NOISE = re.compile(r"[^0-9A-Za-z]")


@dataclass(frozen=True, slots=True)
class Called:
    """Drivers who were asked for; `problems` are what carriers said instead, by the labels that they were asked for."""

    drivers: tuple[Driver, ...]
    problems: tuple[tuple[tuple[LabelId, ...], Refusal | Fault], ...] = ()


async def call_drivers(
    desk: ParcelDesk,
    carriage: Carriage,
    wanted: DriverWanted,
    labels: Sequence[PurchasedLabel],
    weights: Mapping[LabelId, int],
    context: Context,
) -> Called:
    """Asks for a driver for parcels of one account, in as many calls as its carrier wants them in.

    `wanted` says where, when and with which words. One call that fails does not keep the others back.
    """
    _, carrier = await carriage.account(wanted.account_id)
    drivers: list[Driver] = []
    problems: list[tuple[tuple[LabelId, ...], Refusal | Fault]] = []
    for group in _together(labels, carrier.info.pickup_at_once):
        ids = tuple(label.id for label in group)
        weight = max(1, sum(weights.get(key, 0) for key in ids))
        try:
            drivers.append(await desk.call_driver(replace(wanted, label_ids=ids, weight=weight), context))
        except (Refusal, Fault) as problem:
            problems.append((ids, problem))
    return Called(tuple(drivers), tuple(problems))


def _together(labels: Sequence[PurchasedLabel], at_once: int) -> list[list[PurchasedLabel]]:
    """By service, since a courier comes for its own parcels, and as many as the carrier takes in one call."""
    by_service: dict[str, list[PurchasedLabel]] = {}
    for label in labels:
        by_service.setdefault(label.service, []).append(label)
    size = at_once or max(1, len(labels))
    return [own[begin : begin + size] for own in by_service.values() for begin in range(0, len(own), size)]


def read(
    code: str,
    boxes: Sequence[Parcel],
    works: Mapping[FulfilmentId, Fulfilment],
    labels: Mapping[ParcelId, PurchasedLabel],
) -> list[ParcelId]:
    """The boxes that a scan of a label means: by the tracking number, also at the end of a carrier's longer barcode, or by our
    own number (`F17`, `F17-2`). None where it means none of them.
    """
    text = _NOISE.sub("", code).upper()
    own = _OWN.fullmatch(code.strip().upper())
    if own is not None:
        number, box = int(own[1]), own[2]
        return [
            one.id for one in boxes if works[one.fulfilment_id].number == number and (box is None or one.number == int(box))
        ]
    found: list[ParcelId] = []
    for one in boxes:
        label = labels.get(one.id)
        number = _NOISE.sub("", label.tracking_number if label else one.tracking_number).upper()
        if number and (text == number or (len(number) >= _LEAST_NUMBER and text.endswith(number))):
            found.append(one.id)
    return found
