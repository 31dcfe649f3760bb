"""Telling carriers what is to become of parcels that they could not hand over, each call between two transactions."""

from __future__ import annotations

import asyncio

import structlog

from comptoir.kernel.errors import Fault, Refusal
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import CaseInstruction, TrackedId
from comptoir.modules.tracking.errors import AccountInactive, CarrierBeingTold, CaseClosed, NotFollowed, UnknownTracked
from comptoir.runtime.database import Context, Database, DatabaseUnavailable
from comptoir.sdk.carriers import Instructed, NotAuthorised, OutcomeUnknown
from comptoir.surfaces.carriage import Carriage

log = structlog.get_logger("comptoir.parcels")


class CarrierTeller:
    """Tells carriers for this process."""

    def __init__(self, database: Database, carriage: Carriage, patience: float) -> None:
        self._database = database
        self._carriage = carriage
        self._patience = patience

    async def instruct(self, tracked_id: TrackedId, context: Context | None = None) -> CaseInstruction:
        """Tells the carrier of a parcel what is to become of it: once, however often it is asked for.

        Raises what `tracking.instructing.ask` does, NotFollowed where there is nobody to tell, CarrierCannot with the reason,
        what the carrier says no with, and OutcomeUnknown when no answer came: it is told again with the same reference.
        """
        async with self._database.transaction(context) as tx:
            telling = await tracking.instructing.ask(tx, tracked_id)
        try:
            answer = await self._told(telling)
        except (Refusal, Fault) as problem:
            await self._not_told(tracked_id, problem, context)
            raise
        async with self._database.transaction(context) as tx:
            return await tracking.instructing.told(tx, telling.id, answer)

    async def _told(self, telling: tracking.instructing.Telling) -> Instructed:
        if telling.account_id is None:
            raise NotFollowed(id=telling.tracked_id)
        account, carrier = await self._carriage.account(telling.account_id)
        if not account.active:
            raise AccountInactive(id=account.id)
        try:
            return await asyncio.wait_for(carrier.instruct(telling.instruction), self._patience)
        except TimeoutError:
            detail = f"no answer within {self._patience:g} seconds"
        raise OutcomeUnknown(carrier.info.key, telling.instruction.reference, detail)

    async def _not_told(self, tracked_id: TrackedId, problem: Refusal | Fault, context: Context | None) -> None:
        """If the database is away as well, the row still says that it was to be told, and is taken up when its lease ends."""
        if isinstance(problem, DatabaseUnavailable):
            return
        async with self._database.transaction(context) as tx:
            row = await tracking.instructing.failed(tx, tracked_id, problem)
            if isinstance(problem, NotAuthorised) and row is not None and row.account_id is not None:
                await tracking.accounts.tell_problem(tx, row.account_id, problem.detail)

    async def instruct_all(self, limit: int = 50) -> int:
        """Tells carriers what has been decided and nobody has told them; gives how many were told."""
        async with self._database.transaction() as tx:
            waiting = await tracking.instructing.due(tx, limit)
        told = 0
        for tracked_id in waiting:
            try:
                await self.instruct(tracked_id)
            except (CarrierBeingTold, CaseClosed, UnknownTracked):
                continue  # somebody else was quicker
            except (Refusal, Fault) as problem:
                log.info("a carrier is not told", parcel=str(tracked_id), code=problem.code)
                continue
            told += 1
        return told
