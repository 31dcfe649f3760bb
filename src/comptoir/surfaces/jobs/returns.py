"""What the worker does for returns: buys labels that are wanted, gives back what nobody needs, forgets old pictures."""

from __future__ import annotations

from comptoir.modules.changes import api as changes
from comptoir.runtime.database import Database
from comptoir.runtime.jobs import JobRunner, Recurrence
from comptoir.surfaces.return_labels import ReturnLabels

_BATCH = 20
_FORGOTTEN = 200
_PASSES = 500


class Returns:
    """Add its jobs to a runner with `add_to`."""

    def __init__(self, database: Database, labels: ReturnLabels) -> None:
        self._database = database
        self._labels = labels

    def add_to(self, runner: JobRunner) -> None:
        runner.add("returns.labels", self.label, every=Recurrence("1-59/2 * * * *"), attempts=2)
        runner.add("returns.pictures", self.forget, every=Recurrence("52 3 * * *"), attempts=2)

    async def label(self) -> None:
        """In small batches, as long as something comes of it."""
        for _ in range(_PASSES):
            if await self._labels.work(_BATCH) < _BATCH:
                return

    async def forget(self) -> None:
        for _ in range(_PASSES):
            async with self._database.transaction() as tx:
                if not await changes.forget_pictures(tx, _FORGOTTEN):
                    return
