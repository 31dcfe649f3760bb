"""The connector to Karrio with what stands in for a Karrio server, and a parcel to send with it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from datetime import datetime, timedelta

from comptoir.connectors.karrio import Karrio, KarrioAccount
from comptoir.kernel.money import Currency, Money
from comptoir.runtime.http import HttpClient
from comptoir.sdk.carriers import Address, Item, RateRequest, Waybill
from support.carrier_rigs import BOX, IMPATIENCE, NOW, PATIENCE
from support.carriers import simulated
from support.karrio_simulator import KarrioSimulator

API_KEY = "key_3f1a9c64d2b84e0fa2d3"
SECRET = "whsec_7c2d5e9b1f0a48d6"
SERVICE = "canadapost/canadapost_priority"

VANCOUVER = Address(
    name="Comptoir", line1="5840 Oak St", city="Vancouver", region="BC", postcode="V6M2V9", country="CA", phone="514 000 9999",
    email="depot@example.com", latitude=49.2333, longitude=-123.1278,
)  # fmt: skip
MONCTON = Address(
    name="Jane Doe", line1="125 Church St", city="Moncton", region="NB", postcode="E1C4Z8", country="CA", phone="514 000 0000",
)  # fmt: skip


def canadian() -> RateRequest:
    shirt = Item("T-shirt", 2, Money(1_000, Currency("CAD")), 142, "TEE", "610910", "CA")
    return RateRequest(sender=VANCOUVER, recipient=MONCTON, parcel=BOX, items=(shirt,), ship_at=NOW)


class KarrioRig:
    secrets: Sequence[str] = (API_KEY, SECRET)
    service = SERVICE
    signs_bodies = False
    now: datetime = NOW

    def __init__(self, http: HttpClient, far: KarrioSimulator) -> None:
        self.far = far
        self.later = timedelta(0)
        """By how much our own clock has gone on."""
        account = KarrioAccount(far.url, API_KEY, SECRET)
        self.carrier = Karrio(http, account, seconds=PATIENCE, clock=lambda: NOW + self.later)

    def request(self) -> RateRequest:
        return canadian()

    def lose_answer(self, status: int | None = None) -> None:
        self.far.lose_answer(status)

    def stall(self) -> None:
        self.far.stall()
        self.carrier._far.caller._seconds = IMPATIENCE

    def fail(self, status: int, retry_after: int | None = None) -> None:
        self.far.fail(status, retry_after)

    def revoke(self) -> None:
        self.far.revoke()

    def recover(self) -> None:
        self.far.recover()
        self.carrier._far.caller._seconds = PATIENCE

    def bought(self) -> int:
        return self.far.bought()

    def scan(self, tracking_number: str, code: str, at: datetime) -> None:
        self.far.scan(tracking_number, code, at)

    def codes(self) -> tuple[str, str, str]:
        return ("in_transit", "delivered", "beamed_up")

    def webhook(self, tracking_number: str) -> tuple[dict[str, str], bytes]:
        return self.far.webhook(tracking_number)

    def undelivered(self) -> Waybill:
        raise AssertionError("it takes no instructions")

    def instructions(self) -> int:
        raise AssertionError("it takes no instructions")


@contextlib.asynccontextmanager
async def karrio_rig(*, modern: bool = True) -> AsyncGenerator[KarrioRig]:
    async with HttpClient(allow_private=True) as http, simulated(KarrioSimulator(API_KEY, SECRET, modern=modern)) as far:
        yield KarrioRig(http, far)
