"""Drivers who are to come for parcels: written down before the carrier is asked, as labels are.

A carrier is asked again with the same reference, and then says whether the driver comes already: nobody is called twice.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import Fault, Refusal
from comptoir.kernel.ids import to_text, uuid7
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.tracking.contracts import PICKUP_PREFIX, Driver, DriverWanted, LabelStep, PickupId, PickupStanding
from comptoir.modules.tracking.domain.states import step_of_failure
from comptoir.modules.tracking.errors import LabelBusy, UnknownPickup
from comptoir.modules.tracking.store import drivers as store
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.carriers import Pickup, PickupState

_LEASE = timedelta(minutes=3)


async def ask(tx: Tx, wanted: DriverWanted) -> tuple[Driver, bool]:
    """The driver for these parcels and hours, and whether whoever asks is to call the carrier now.

    Raises Invalid, and LabelBusy while somebody else calls.
    """
    if not wanted.label_ids or wanted.until_at <= wanted.from_at or wanted.weight <= 0:
        raise invalid("pickup", "needs parcels, their weight, and hours in their order")
    pickup_id = PickupId(uuid7())
    await store.insert(tx, pickup_id, to_text(PICKUP_PREFIX, pickup_id), _same(wanted), wanted)
    row = await store.lock_same(tx, _same(wanted))
    assert row is not None, "the row was written, or was there"
    if row.state is PickupStanding.SCHEDULED:
        return row, False
    if row.busy_until is not None and row.busy_until > tx.now:
        raise LabelBusy(id=row.id, until=row.busy_until.isoformat())
    await store.put(tx, row.id, {"busy_until": tx.now + _LEASE})
    return row, True


def _same(wanted: DriverWanted) -> str:
    said = [str(wanted.account_id), str(wanted.location_id), wanted.from_at.isoformat(), wanted.until_at.isoformat()]
    return hashlib.sha256("|".join([*said, *sorted(map(str, wanted.label_ids))]).encode()).hexdigest()


async def scheduled(tx: Tx, pickup_id: PickupId, came: Pickup) -> Driver:
    """What the carrier says of the driver: comes, or comes no more."""
    state = PickupStanding.CANCELLED if came.state is PickupState.CANCELLED else PickupStanding.SCHEDULED
    values = {
        "state": state.value,
        "carrier_ref": came.id,
        "confirmation": came.confirmation,
        "problem": "",
        "busy_until": None,
    }
    await store.put(tx, pickup_id, values)
    return await get(tx, pickup_id)


async def failed(tx: Tx, pickup_id: PickupId, problem: Refusal | Fault) -> Driver:
    """The carrier was asked in vain: it may be asked again, may have heard, or has said no."""
    states = {LabelStep.LOSE: PickupStanding.UNKNOWN, LabelStep.REFUSE: PickupStanding.REFUSED}
    step = step_of_failure(problem)
    state = PickupStanding.ASKED if step is None else states[step]
    await store.put(tx, pickup_id, {"state": state.value, "problem": str(problem)[:500], "busy_until": None})
    return await get(tx, pickup_id)


async def of_location(reader: Reader, location_id: LocationId, until_after: datetime, limit: int = 50) -> list[Driver]:
    """Those who were asked to come there and whose hours had not ended by then, the next one first."""
    return await store.of_location(reader, location_id, until_after, limit)


async def get(reader: Reader, pickup_id: PickupId) -> Driver:
    found = await store.get(reader, pickup_id)
    if found is None:
        raise UnknownPickup(kind="pickup", id=pickup_id)
    return found
