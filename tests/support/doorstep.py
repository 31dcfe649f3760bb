"""A carrier that takes what is to become of parcels that it could not hand over, and the connector to it.

No carrier of ours describes such a call, so that this one stands for those that retailers connect themselves.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from comptoir.runtime.http import HttpClient
from comptoir.sdk.carriers import (
    Caller,
    Capability,
    CarrierInfo,
    Instructed,
    Instruction,
    InstructionKind,
    PartialCarrier,
    RateRequest,
    ShipmentRejected,
    Waybill,
)
from comptoir.sdk.tracking import TrackingUpdate
from support.carrier_rigs import IMPATIENCE, NOW, PATIENCE, american
from support.carriers import Call, Reply, Simulator, simulated

KEY = "doorstep-71d0c9a6f"

INFO = CarrierInfo(
    key="doorstep",
    name="Doorstep",
    capabilities=frozenset({Capability.INSTRUCT, Capability.TRACK}),
    missing=dict.fromkeys(
        set(Capability) - {Capability.INSTRUCT, Capability.TRACK}, "Doorstep knows what has left, and no more."
    ),
    spec="none: a simulator's own",
)


class DoorstepSimulator(Simulator):
    purchases: ClassVar[Mapping[tuple[str, str], str]] = {("POST", "/parcels/([^/]+)/instructions"): "instruct"}
    routes: ClassVar[Mapping[tuple[str, str], str]] = {("GET", "/parcels"): "track"}

    def __init__(self) -> None:
        super().__init__()
        self.parcels: set[str] = set()
        self.taken: dict[str, dict[str, Any]] = {}
        """By reference."""

    def refused(self, call: Call) -> Reply | None:
        if self.revoked or call.headers.get("authorization") != f"Bearer {KEY}":
            return Reply(401, {"message": f"{KEY} is not known"})
        return None

    def track(self, call: Call) -> Reply:
        del call
        return Reply(200, [])

    def instruct(self, call: Call, number: str) -> Reply:
        if number not in self.parcels:
            return Reply(422, {"message": "we have no such parcel"})
        said = call.json() | {"number": number}
        before = self.taken.setdefault(said["reference"], said)
        if before != said:
            return Reply(409, {"message": "this reference said something else"})
        return Reply(200, {"confirmation": f"DS-{list(self.taken).index(said['reference']) + 1}"})


class _Taken(msgspec.Struct):
    confirmation: str = ""
    message: str = ""


class Doorstep(PartialCarrier):
    info = INFO

    def __init__(self, http: HttpClient, url: str, key: str = KEY, *, seconds: float = PATIENCE) -> None:
        self._caller = Caller(http, INFO.key, (key,), seconds=seconds)
        self._url, self._key = url, key

    async def track(self, waybills: Sequence[Waybill]) -> list[TrackingUpdate]:
        del waybills
        return []

    async def instruct(self, instruction: Instruction) -> Instructed:
        if instruction.kind is InstructionKind.PICKUP:
            self.cannot(Capability.INSTRUCT, "Doorstep has no pickup points.")
        to = instruction.recipient
        body = {
            "reference": instruction.reference,
            "kind": instruction.kind.value,
            "on": None if instruction.on is None else instruction.on.isoformat(),
            "to": [to.name, to.line1, to.postcode, to.city, to.country],
            "note": instruction.note,
        }
        url = f"{self._url}/parcels/{instruction.waybill.tracking_number}/instructions"
        headers = {"authorization": f"Bearer {self._key}"}
        response = await self._caller.purchase(instruction.reference, "POST", url, json=body, headers=headers)
        answer = self._caller.decoded(response, _Taken)
        if response.status != 200:
            raise ShipmentRejected(INFO.key, self._caller.clean(answer.message))
        return Instructed(reference=instruction.reference, confirmation=answer.confirmation)


class DoorstepRig:
    secrets: Sequence[str] = (KEY,)
    service = "home"
    signs_bodies = False
    now: datetime = NOW

    def __init__(self, http: HttpClient, far: DoorstepSimulator) -> None:
        self.far = far
        self.carrier = Doorstep(http, far.url)
        self._numbers = itertools.count(1)

    def request(self) -> RateRequest:
        return american()

    def lose_answer(self, status: int | None = None) -> None:
        self.far.lose_answer(status)

    def stall(self) -> None:
        self.far.stall()
        self.carrier._caller._seconds = IMPATIENCE

    def fail(self, status: int, retry_after: int | None = None) -> None:
        self.far.fail(status, retry_after)

    def revoke(self) -> None:
        self.far.revoke()

    def recover(self) -> None:
        self.far.recover()
        self.carrier._caller._seconds = PATIENCE

    def undelivered(self) -> Waybill:
        number = f"DS{next(self._numbers):06d}"
        self.far.parcels.add(number)
        return Waybill(number, self.service)

    def instructions(self) -> int:
        return len(self.far.taken)

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name}: Doorstep sells and scans nothing")


@contextlib.asynccontextmanager
async def doorstep_rig() -> AsyncGenerator[DoorstepRig]:
    async with HttpClient(allow_private=True) as http, simulated(DoorstepSimulator()) as far:
        yield DoorstepRig(http, far)
