"""Pictures of what comes back, by the buyer and by whoever looks at it. Whoever adds one has drawn it anew before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from comptoir.modules.changes.contracts import Drawn, Picture, PictureId, ReceivedId, ReturnCaseId
from comptoir.modules.changes.errors import TooManyPictures, UnknownPicture, UnknownReceived
from comptoir.modules.changes.returning import load
from comptoir.modules.changes.store import pictures as store
from comptoir.runtime.database import Reader, Tx

MOST = 40
"""Of one return."""
MOST_BY_BUYER = 8
PICTURES_FOR = timedelta(days=400)
"""How long they are kept after the return has ended: as long as somebody may ask why."""


async def add_pictures(
    tx: Tx, case_id: ReturnCaseId, drawn: Sequence[Drawn], *, received_id: ReceivedId | None = None, by_buyer: bool = False
) -> list[Picture]:
    """Adds pictures to a return; one that is there already stays as it is.

    Raises UnknownReturn, UnknownReceived and TooManyPictures.
    """
    case, _ = await load(tx, case_id)
    if received_id is not None and received_id not in {row.id for row in case.received}:
        raise UnknownReceived(kind="received", id=received_id)
    there = await store.of_return(tx, case_id)
    own = sum(one.added_by == tx.actor for one in there)
    most = MOST_BY_BUYER if by_buyer else MOST
    if len(there) + len(drawn) > MOST or (by_buyer and own + len(drawn) > most):
        raise TooManyPictures(return_case_id=case_id, most=most)
    for one in drawn:
        await store.insert(tx, case_id, received_id, one, hashlib.sha256(one.content).digest())
    return await store.of_return(tx, case_id)


async def pictures_of(reader: Reader, case_id: ReturnCaseId) -> list[Picture]:
    """The oldest first."""
    return await store.of_return(reader, case_id)


async def picture(
    reader: Reader, case_id: ReturnCaseId, picture_id: PictureId, *, small: bool = False
) -> tuple[Picture, bytes]:
    """A picture of this return as JPEG, or a small one of it. Raises UnknownPicture."""
    found = await store.content(reader, case_id, picture_id, small=small)
    if found is None:
        raise UnknownPicture(kind="picture", id=picture_id)
    return found


async def remove_picture(tx: Tx, case_id: ReturnCaseId, picture_id: PictureId) -> None:
    """It shows what it should not. Raises UnknownPicture."""
    if not await store.remove(tx, case_id, picture_id):
        raise UnknownPicture(kind="picture", id=picture_id)


async def forget_pictures(tx: Tx, limit: int) -> int:
    """Removes those of returns that have ended long ago; gives how many."""
    return await store.forget(tx, tx.now - PICTURES_FOR, limit)
