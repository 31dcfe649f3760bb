"""The job that imports a file which somebody has uploaded."""

from __future__ import annotations

from uuid import UUID

import structlog

from comptoir.modules.imports.contracts import RunId
from comptoir.modules.imports.errors import NotInThatState, TakenOver
from comptoir.runtime.database import Database
from comptoir.surfaces import imports

log = structlog.get_logger("comptoir.imports")


class ImportJob:
    """Done again after a crash, it goes on where the run stopped."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, run_id: str) -> None:
        try:
            run = await imports.execute(self._database, RunId(UUID(run_id)))
        except (NotInThatState, TakenOver) as refusal:
            # Somebody has stopped it or goes on with it: there is nothing left to do here.
            log.info("an import is not ours to do", run_id=run_id, reason=refusal.title)
        else:
            log.info("an import is done", run_id=run_id, kind=run.kind, file=run.file_name, rows=run.report.get("rows"))
