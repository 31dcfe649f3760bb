"""Recalled boxes at the bench: what is not wanted is taken out, and the label of a box of which nothing leaves goes back."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FulfilmentId, LineUnits, Parcel, ParcelId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import LabelState, PurchasedLabel
from comptoir.modules.tracking.errors import LabelNotTakenBack
from comptoir.runtime.database import Context, Database, Tx
from comptoir.surfaces.parcels import ParcelDesk
from comptoir.surfaces.sending import without_label


async def label_of_recalled(desk: ParcelDesk, database: Database, parcel_id: ParcelId, context: Context) -> None:
    """Gives back the label of a box of which nothing leaves, outside of any transaction.

    What a carrier does not take back is put before a person, and holds nobody up at the bench. Raises what a carrier's silence
    is called.
    """
    async with database.read() as reader:
        box = next(iter(await fulfilment.some_parcels(reader, [parcel_id])), None)
    if box is None or not box.unwanted:
        return
    try:
        await without_label(desk, database, parcel_id, context)
    except LabelNotTakenBack as refused:
        async with database.transaction(context) as tx:
            label = (await tracking.labels.standing(tx, [parcel_id])).get(parcel_id)
            if label is not None:
                await tracking.labels.tell_unused(tx, label.id, str(refused.data.get("reason", "")))


async def take_out(
    tx: Tx, fulfilment_id: FulfilmentId, parcel_id: ParcelId, lines: Sequence[LineUnits] | None = None
) -> Parcel | None:
    """As `fulfilment.take_recalled`; a label that is left over by a box that is no more is put before a person."""
    label = (await tracking.labels.hold(tx, [parcel_id])).get(parcel_id)
    after = await fulfilment.take_recalled(tx, fulfilment_id, parcel_id, lines)
    await _tell(tx, label, after)
    return after


async def scan_out(tx: Tx, fulfilment_id: FulfilmentId, parcel_id: ParcelId, code: str) -> tuple[str, Parcel | None]:
    """As `fulfilment.scan_recalled`, and so for a label that is left over."""
    label = (await tracking.labels.hold(tx, [parcel_id])).get(parcel_id)
    sku, after = await fulfilment.scan_recalled(tx, fulfilment_id, parcel_id, code)
    await _tell(tx, label, after)
    return sku, after


async def _tell(tx: Tx, label: PurchasedLabel | None, after: Parcel | None) -> None:
    if after is None and label is not None and label.state is LabelState.BOUGHT:
        await tracking.labels.tell_unused(tx, label.id, label.problem or "nothing is left in its box")
