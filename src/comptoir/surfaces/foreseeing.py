"""What a return would come to, asked in a transaction of its own that leaves nothing behind."""

from __future__ import annotations

from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Foreseen, ReturnDraft
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Entry
from comptoir.runtime.database import Contended, Context, Database
from comptoir.surfaces.changing import SETTING

_TRIES = 4


async def foresee(
    database: Database, context: Context, draft: ReturnDraft, location_id: LocationId
) -> tuple[Foreseen, list[Entry]]:
    """With what has moved of the order's money. Asked again where somebody else was in the way; raises what `foresee` does."""
    for attempt in range(_TRIES):
        try:
            async with database.transaction(context) as tx:
                found = await changes.foresee(tx, draft, SETTING, location_id)
                return found, await payments.entries_of(tx, draft.order_id)
        except Contended:
            if attempt == _TRIES - 1:
                raise
    raise AssertionError
