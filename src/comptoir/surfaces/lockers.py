"""Putting orders into lockers, and out of them: between our own books and whoever runs the lockers.

A locker is ours from the first transaction on; its system is asked outside of any; the second writes down its code. What
breaks in between leaves a locker that holds nothing yet, and the same request again goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import structlog

from comptoir.kernel.errors import Fault, Remedy
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    MANUAL_LOCKERS,
    CodeVerdict,
    Fulfilment,
    FulfilmentId,
    Locker,
    LockerId,
    LockerSize,
    LockerState,
    LockerStep,
)
from comptoir.modules.fulfilment.errors import LockerStepRefused, WrongPickupCode
from comptoir.modules.locations import api as locations
from comptoir.modules.lots import api as lots
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Context, Database, Reader
from comptoir.sdk.lockers import LockerSystem, Occupation

log = structlog.get_logger("comptoir.lockers")


class NoLockerSystem(Fault):
    """A locker belongs to a system that is not connected here."""

    code = "no_locker_system"


class ManualLockers:
    """Lockers without a system: whoever puts something in sets the code that we make."""

    async def occupy(self, wanted: Occupation) -> str:
        del wanted
        return fulfilment.new_locker_code()

    async def vacate(self, left: Occupation) -> None:
        del left


SYSTEMS: Mapping[str, LockerSystem] = MappingProxyType({MANUAL_LOCKERS: ManualLockers()})


class LockerDesk:
    """All that is done with lockers and needs their system."""

    def __init__(self, database: Database, keyring: Keyring, systems: Mapping[str, LockerSystem] = SYSTEMS) -> None:
        self._database = database
        self._keyring = keyring
        self._systems = systems

    async def put_in(
        self,
        context: Context,
        fulfilment_id: FulfilmentId,
        *,
        locker_id: LockerId | None = None,
        size: LockerSize = LockerSize.S,
        bank: str = "",
    ) -> tuple[Locker, str, Fulfilment]:
        """It lies in a locker, and is ready: gives the locker, the code that opens it, and the work as it is now.

        Raises what `fulfilment.assign` refuses, and a Fault of the lockers' system; the locker is free again then.
        """
        async with self._database.transaction(context) as tx:
            await lots.require_not_recalled(tx, fulfilment_id)
            there = await self._given(tx, fulfilment_id)
            locker = there or await fulfilment.assign(tx, fulfilment_id, locker_id=locker_id, size=size, bank=bank)
            stay = await _stay(tx, locker)
        try:
            code = await self._system(locker).occupy(stay)
        except Fault:
            async with self._database.transaction(context) as tx:
                await fulfilment.take_out(tx, fulfilment_id)
            raise
        async with self._database.transaction(context) as tx:
            after = await fulfilment.stow(tx, fulfilment_id, fulfilment.seal_locker_code(self._keyring, code))
        return locker, code, after

    async def _given(self, reader: Reader, fulfilment_id: FulfilmentId) -> Locker | None:
        """The locker that was taken for it before, and never got its code."""
        found = (await fulfilment.waiting(reader, [fulfilment_id])).get(fulfilment_id)
        if found is None or found.locker_id is None or found.locker_code is not None:
            return None
        return await fulfilment.get_locker(reader, found.locker_id)

    async def take_out(self, context: Context, fulfilment_id: FulfilmentId) -> None:
        """It lies on the counter again, and its code opens nothing."""
        async with self._database.transaction(context) as tx:
            found = (await fulfilment.waiting(tx, [fulfilment_id])).get(fulfilment_id)
            before = None if found is None or found.locker_id is None else await fulfilment.get_locker(tx, found.locker_id)
            await fulfilment.take_out(tx, fulfilment_id)
            stay = None if before is None else await _stay(tx, before)
        if before is not None and stay is not None:
            await self._vacated(before, stay)

    async def open(self, context: Context, locker_id: LockerId, typed: str) -> None:
        """Somebody types a code at a locker: the right one hands out what lies in it.

        Raises WrongPickupCode, UnknownLocker, LockerStepRefused where nothing lies, and LotRecalled.
        """
        async with self._database.transaction(context) as tx:
            locker = await fulfilment.get_locker(tx, locker_id)
            if locker.state is not LockerState.TAKEN or locker.sealed_code is None:
                raise LockerStepRefused(step=LockerStep.OPEN, state=locker.state)
            right = fulfilment.same_code(typed, fulfilment.locker_code(self._keyring, locker.sealed_code))
            if right and locker.fulfilment_id is not None:
                await lots.require_not_recalled(tx, locker.fulfilment_id)
            verdict = await fulfilment.open_locker(tx, locker_id, right=right)
            stay = await _stay(tx, locker)
        if verdict is not CodeVerdict.RIGHT:
            raise WrongPickupCode(barred=verdict is CodeVerdict.BARRED)
        await self._vacated(locker, stay)

    async def step(self, context: Context, locker_id: LockerId, step: LockerStep) -> Locker:
        """Emptied, broken, or mended."""
        async with self._database.transaction(context) as tx:
            before = await fulfilment.get_locker(tx, locker_id)
            after = await fulfilment.step_locker(tx, locker_id, step)
            stay = await _stay(tx, before)
        if step is LockerStep.EMPTY:
            await self._vacated(before, stay)
        return after

    async def _vacated(self, locker: Locker, stay: Occupation) -> None:
        """What happened has happened: a system that does not answer is told of it by its next stay."""
        try:
            await self._system(locker).vacate(stay)
        except Fault as fault:
            log.warning("a locker's code could not be taken back", locker=locker.code, code=fault.code)

    def _system(self, locker: Locker) -> LockerSystem:
        system = self._systems.get(locker.system)
        if system is None:
            raise NoLockerSystem(f"no system of lockers named {locker.system} is connected", remedy=Remedy.MERCHANT)
        return system


async def _stay(reader: Reader, locker: Locker) -> Occupation:
    place = await locations.get(reader, locker.location_id)
    return Occupation(
        location=place.code, bank=locker.bank, compartment=locker.code, reference=str(locker.fulfilment_id or locker.id)
    )
