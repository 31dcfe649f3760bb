"""What fulfilment does when something happens to orders or stock. Handlers get events in commit order."""

from __future__ import annotations

from comptoir.modules.fulfilment.departing import receive_elsewhere
from comptoir.modules.fulfilment.doubting import doubt_transfers
from comptoir.modules.fulfilment.release import PoolIdOf, Setting, follow
from comptoir.modules.fulfilment.retiming import follow_runs
from comptoir.modules.fulfilment.sweeping import settle_counts
from comptoir.modules.fulfilment.third_parties import ask_about, submit_new
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded

FOLLOWED = (
    "order.placed",
    "order.allocated",
    "order.moved",
    "order.released",
    "order.rejected",
    "order.cancelled",
    "order.shipped",
    "order.updated",
    "stock.received",
    "stock.loaded",
    "rule_set.changed",
    "run_schedule.changed",
    "carrier_service.changed",
    "location.changed",
    "pool.changed",
)


def consumers(pool_id_of: PoolIdOf) -> tuple[Consumer, ...]:
    """The consumers of fulfilment. `pool_id_of` says from which pool a channel sells."""
    setting = Setting(pool_id_of)

    async def release(tx: Tx, events: list[Recorded]) -> None:
        await follow(tx, events, setting)
        await follow_runs(tx, events, setting)
        await receive_elsewhere(tx, events)

    theirs = {"fulfilment.created": submit_new, "fulfilment.changed": submit_new, "exception.opened": ask_about}
    return (
        Consumer("fulfilment.release", dict.fromkeys(FOLLOWED, release), batch=250),
        Consumer("fulfilment.counts", {"stock.counted": settle_counts, "transfer.differs": doubt_transfers}),
        Consumer("fulfilment.third_parties", theirs),
    )
