"""Lockers: compartments in which an order waits until somebody types its code."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import (
    MANUAL_LOCKERS,
    FulfilmentId,
    Locker,
    LockerDraft,
    LockerId,
    LockerSize,
    LockerState,
    LockerStep,
)
from comptoir.modules.fulfilment.errors import (
    LockerCodeTaken,
    LockerStepRefused,
    NoLocker,
    NotInThatState,
    NotPaid,
    UnknownFulfilment,
    UnknownLocker,
    WrongPickupCode,
)
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.lots.errors import LotRecalled
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, parsed_some, show, show_location, show_some
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import PRINTABLE, Code, FulfilmentRef, Instant, LocationRef, LockerRef, Request, Shape
from comptoir.surfaces.lockers import LockerDesk

lockers = Resource("Lockers", "Compartments in which orders wait until somebody types their code.")

_Bank = Annotated[
    str,
    Meta(max_length=60, pattern=PRINTABLE, description="The part of the location where it stands.", examples=["Entrance"]),
]
_Typed = Annotated[str, Meta(min_length=1, max_length=20, examples=["402817"])]


class LockerShape(Shape, frozen=True, kw_only=True):
    """A compartment. What opens it is told in the answer to putting something in, and to the buyer."""

    id: LockerRef
    location_id: LocationRef
    code: Code
    bank: str
    size: LockerSize
    system: Annotated[str, Meta(description="Whose lockers they are.", examples=[MANUAL_LOCKERS])]
    state: LockerState
    fulfilment_id: Annotated[FulfilmentRef, Meta(description="What lies in it.")] | None
    changed_at: Instant


class LockersShape(Shape, frozen=True, kw_only=True):
    items: list[LockerShape]


class LockerQuery(Request, frozen=True, kw_only=True):
    location_id: LocationRef


class NewLocker(Request, frozen=True, kw_only=True):
    location_id: LocationRef
    code: Code
    size: LockerSize
    bank: _Bank = ""
    system: Annotated[Code, Meta(examples=[MANUAL_LOCKERS])] = MANUAL_LOCKERS


class PutIn(Request, frozen=True, kw_only=True):
    """Into this locker, or the smallest free one of that size or above."""

    locker_id: LockerRef | None = None
    size: LockerSize = LockerSize.S
    bank: _Bank = ""


class PlacedInLockerShape(Shape, frozen=True, kw_only=True):
    """`code` opens it; it is told here and to the buyer."""

    locker: LockerShape
    code: _Typed


class OpenLocker(Request, frozen=True, kw_only=True):
    code: _Typed


@lockers.get("/v1/lockers", Scope.ORDERS_READ)
async def list_lockers(call: Call, query: LockerQuery) -> Answer[LockersShape]:
    """List the lockers of a location, by part and code."""
    async with call.reading() as reader:
        found = await api.lockers_at(reader, LocationId(parsed("location", query.location_id)))
    return call.answer(LockersShape(items=[_shape(one) for one in found]))


@lockers.post("/v1/lockers", Scope.LOCATIONS_WRITE, status=201, refuses=(LockerCodeTaken, UnknownLocation))
async def create_locker(call: Call, body: NewLocker) -> Answer[LockerShape]:
    """Add a locker to a location."""
    draft = LockerDraft(
        location_id=LocationId(parsed("location", body.location_id)),
        code=body.code,
        size=body.size,
        bank=body.bank,
        system=body.system,
    )
    async with call.transaction() as tx:
        return await call.done(tx, _shape(await api.create_locker(tx, draft)))


@lockers.get("/v1/lockers/{locker_id}", Scope.ORDERS_READ, refuses=(UnknownLocker,))
async def get_locker(call: Call) -> Answer[LockerShape]:
    """Get a locker."""
    async with call.reading() as reader:
        return call.answer(_shape(await api.get_locker(reader, _id(call))))


@lockers.post(
    "/v1/collections/{fulfilment_id}/locker",
    Scope.FULFILMENT_WRITE,
    refuses=(UnknownFulfilment, UnknownLocker, NotInThatState, NotPaid, NoLocker, LockerStepRefused, LotRecalled),
    sealed=True,
)
async def put_into_locker(call: Call, body: PutIn) -> Answer[PlacedInLockerShape]:
    """Put what is paid into a locker: it is ready then, and its buyer is told the code."""
    named = parsed_some("locker", body.locker_id)
    async with call.transaction():  # who asks again gets the same answer, before anything is asked of the lockers
        pass
    locker, code, _ = await _desk(call).put_in(
        call.context,
        FulfilmentId(call.id("fulfilment")),
        locker_id=None if named is None else LockerId(named),
        size=body.size,
        bank=body.bank,
    )
    async with call.transaction() as tx:
        return await call.done(tx, PlacedInLockerShape(locker=_shape(await api.get_locker(tx, locker.id)), code=code))


@lockers.delete("/v1/collections/{fulfilment_id}/locker", Scope.FULFILMENT_WRITE, status=204, refuses=(UnknownFulfilment,))
async def take_out_of_locker(call: Call) -> Answer[None]:
    """Take it out of its locker: it lies on the counter again, and the code opens nothing."""
    await _desk(call).take_out(call.context, FulfilmentId(call.id("fulfilment")))
    async with call.transaction() as tx:
        return await call.done(tx, None)


@lockers.post(
    "/v1/lockers/{locker_id}/open",
    Scope.FULFILMENT_WRITE,
    refuses=(UnknownLocker, LockerStepRefused, WrongPickupCode, LotRecalled),
    sealed=True,
)
async def open_locker(call: Call, body: OpenLocker) -> Answer[LockerShape]:
    """Tell of a code that was typed: the right one hands out what lies in the locker, which is free then."""
    async with call.transaction():
        pass
    await _desk(call).open(call.context, _id(call), body.code)
    return await _done(call)


@lockers.post("/v1/lockers/{locker_id}/empty", Scope.FULFILMENT_WRITE, refuses=(UnknownLocker, LockerStepRefused))
async def empty_locker(call: Call) -> Answer[LockerShape]:
    """Say that what was not collected has been taken out."""
    await _desk(call).step(call.context, _id(call), LockerStep.EMPTY)
    return await _done(call)


@lockers.post("/v1/lockers/{locker_id}/break", Scope.FULFILMENT_WRITE, refuses=(UnknownLocker, LockerStepRefused))
async def break_locker(call: Call) -> Answer[LockerShape]:
    """Say that a free locker is out of order."""
    await _desk(call).step(call.context, _id(call), LockerStep.BREAK)
    return await _done(call)


@lockers.post("/v1/lockers/{locker_id}/mend", Scope.FULFILMENT_WRITE, refuses=(UnknownLocker, LockerStepRefused))
async def mend_locker(call: Call) -> Answer[LockerShape]:
    """Say that a locker works again."""
    await _desk(call).step(call.context, _id(call), LockerStep.MEND)
    return await _done(call)


def _id(call: Call) -> LockerId:
    return LockerId(call.id("locker"))


def _desk(call: Call) -> LockerDesk:
    return LockerDesk(call.services.database, call.services.keyring)


async def _done(call: Call) -> Answer[LockerShape]:
    async with call.transaction() as tx:
        return await call.done(tx, _shape(await api.get_locker(tx, _id(call))))


def _shape(one: Locker) -> LockerShape:
    return LockerShape(
        id=show("locker", one.id),
        location_id=show_location(one.location_id),
        code=one.code,
        bank=one.bank,
        size=one.size,
        system=one.system,
        state=one.state,
        fulfilment_id=show_some("fulfilment", one.fulfilment_id),
        changed_at=one.changed_at,
    )
