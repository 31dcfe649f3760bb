"""The labels of boxes of which nothing leaves any more: they are given back, or somebody is told that they cannot be.

Level-triggered: as long as such a box lies here with a bought label, that is tried again; of what a carrier has said no to,
somebody is told once.
"""

from __future__ import annotations

from uuid import UUID

import structlog

from comptoir.kernel.errors import Fault, Refusal, Remedy
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Parcel
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import LabelId, LabelState, PurchasedLabel
from comptoir.modules.tracking.errors import LabelBusy, LabelNotInThatState
from comptoir.runtime.database import Database, DatabaseUnavailable
from comptoir.surfaces.parcels import ParcelDesk

log = structlog.get_logger("comptoir.parcels")

_BATCH = 100


async def give_back_unwanted(database: Database, desk: ParcelDesk) -> int:
    """Gives back the labels of all boxes that were recalled as a whole; says how many are given back, or about to be."""
    done = 0
    after: Parcel | None = None
    while True:
        async with database.read() as reader:
            boxes = await fulfilment.unwanted_boxes(reader, after, _BATCH)
            standing = await tracking.labels.standing(reader, [box.id for box in boxes])
            bought = [label for label in standing.values() if label.state is LabelState.BOUGHT]
            told = await tracking.labels.told_unused(reader, [label.id for label in bought]) if bought else set[UUID]()
        for label in bought:
            if label.id not in told:
                done += await _give_back(database, desk, label)
        if len(boxes) < _BATCH:
            return done
        after = boxes[-1]


async def _give_back(database: Database, desk: ParcelDesk, label: PurchasedLabel) -> bool:
    try:
        after = await desk.void(label.id)
    except (LabelBusy, LabelNotInThatState):
        return False  # somebody else is at it
    except (Refusal, Fault) as problem:
        if isinstance(problem, DatabaseUnavailable):
            raise
        if isinstance(problem, Fault) and problem.remedy is Remedy.WAIT:
            log.warning("a label is not given back yet", label=str(label.id), code=problem.code)
        else:
            await _tell(database, label.id, f"{problem.code}: {problem}")
        return False
    if after.state is LabelState.BOUGHT:
        await _tell(database, label.id, after.problem)
        return False
    return True


async def _tell(database: Database, label_id: LabelId, reason: str) -> None:
    async with database.transaction() as tx:
        await tracking.labels.tell_unused(tx, label_id, reason)
