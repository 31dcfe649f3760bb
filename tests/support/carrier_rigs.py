"""Connectors to carriers with what stands in for their carriers, and parcels to send with them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from comptoir.connectors.carrierfile import FileCarrier
from comptoir.connectors.clickpost import ClickPost, ClickPostAccount
from comptoir.connectors.easypost import EasyPost, EasyPostAccount
from comptoir.connectors.tablerate import TableRates
from comptoir.kernel.money import Currency, Money
from comptoir.runtime.http import HttpClient
from comptoir.sdk.carriers import Address, CarrierConnector, Item, Parcel, RateRequest, Tariff, Waybill, Zone
from support.carriers import Simulator, simulated
from support.clickpost_simulator import ClickPostSimulator
from support.easypost_simulator import EasyPostSimulator

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
PATIENCE, IMPATIENCE = 20.0, 0.2
"""Seconds until a simulator counts as silent: on a busy machine, and when it is known to be."""

API_KEY = "EZTK5b2f9c81d9f04b0c9a6f"
SIGNING = "ﬁn-d’année-ﾜ"
"""Letters that have another normal form."""
USERNAME, LICENSE, HOOK_KEY = "etoffes-india", "34be9be5-3de8-4223", "7e7cc4c4-273d-49ce"

SAN_FRANCISCO = Address(
    name="Comptoir", line1="417 Montgomery Street", city="San Francisco", region="CA", postcode="94104", country="US",
    phone="4153334445", email="depot@example.com", latitude=37.7935, longitude=-122.4032,
)  # fmt: skip
REDONDO_BEACH = Address(
    name="Dr. Steve Brule", line1="179 N Harbor Dr", city="Redondo Beach", region="CA", postcode="90277", country="US",
    phone="8573875756", latitude=33.8436, longitude=-118.3917,
)  # fmt: skip
SURAT = Address(
    name="Depot", line1="12 Ring Road", city="Surat", region="Gujarat", postcode="395002", country="IN", phone="9876543210",
    email="depot@example.com", tax_number="24AAACC1206D1ZM",
)  # fmt: skip
MUMBAI = Address(
    name="Rohan Das", line1="Flat 4B", line2="Green Apartments", city="Mumbai", region="Maharashtra", postcode="400001",
    country="IN", phone="9988776655",
)  # fmt: skip
BOX = Parcel(weight=1_868, length=513, width=277, height=127)


def american() -> RateRequest:
    shirt = Item("T-shirt", 2, Money(1_000, Currency("USD")), 142, "TEE", "610910", "US")
    return RateRequest(sender=SAN_FRANCISCO, recipient=REDONDO_BEACH, parcel=BOX, items=(shirt,), ship_at=NOW)


def indian() -> RateRequest:
    shirt = Item("Cotton T-Shirt", 1, Money(150_000, Currency("INR")), 500, "SKU_ABC_123", "610910", "IN")
    return RateRequest(sender=SURAT, recipient=MUMBAI, parcel=BOX, items=(shirt,), ship_at=NOW)


class _Rig:
    """What a simulator can be told is told to it."""

    carrier: EasyPost | ClickPost
    far: Simulator
    now: datetime = NOW

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
        raise AssertionError("it takes no instructions")

    def instructions(self) -> int:
        raise AssertionError("it takes no instructions")


class EasyPostRig(_Rig):
    secrets: Sequence[str] = (API_KEY, SIGNING)
    service = "USPS/GroundAdvantage"
    signs_bodies = True

    def __init__(self, http: HttpClient, far: EasyPostSimulator) -> None:
        self.far = far
        self.easypost = far
        account = EasyPostAccount(API_KEY, SIGNING, "Camille Roux", url=f"{far.url}/v2")
        self.carrier = EasyPost(http, account, seconds=PATIENCE)

    def request(self) -> RateRequest:
        return american()

    def bought(self) -> int:
        return self.easypost.bought()

    def scan(self, tracking_number: str, code: str, at: datetime) -> None:
        self.easypost.scan(tracking_number, code, at)

    def codes(self) -> tuple[str, str, str]:
        return ("in_transit", "delivered", "beamed_up")

    def webhook(self, tracking_number: str) -> tuple[dict[str, str], bytes]:
        return self.easypost.webhook(tracking_number, self.now)


class ClickPostRig(_Rig):
    secrets: Sequence[str] = (USERNAME, LICENSE, HOOK_KEY)
    service = "4/Delhivery_Express"
    signs_bodies = False

    def __init__(self, http: HttpClient, far: ClickPostSimulator) -> None:
        self.far = far
        self.clickpost = far
        account = ClickPostAccount(USERNAME, LICENSE, HOOK_KEY, "", far.url, far.url, far.url)
        self.carrier = ClickPost(http, account, seconds=PATIENCE, clock=lambda: NOW)

    def request(self) -> RateRequest:
        return indian()

    def bought(self) -> int:
        return self.clickpost.bought()

    def scan(self, tracking_number: str, code: str, at: datetime) -> None:
        self.clickpost.scan(tracking_number, code, at)

    def codes(self) -> tuple[str, str, str]:
        return ("5", "8", "4711")

    def webhook(self, tracking_number: str) -> tuple[dict[str, str], bytes]:
        return self.clickpost.webhook(tracking_number)


class QuietRig:
    """Of a carrier with nobody to call: whatever would need a far side is not asked for."""

    now = NOW
    secrets: Sequence[str] = ()
    signs_bodies = False

    def __init__(self, carrier: CarrierConnector, service: str) -> None:
        self.carrier = carrier
        self.service = service

    def request(self) -> RateRequest:
        return american()

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name}: there is nobody to call")


def table_rates() -> TableRates:
    zones = (Zone(100.0, 450, 20, 1), Zone(1_000.0, 690, 45, 2), Zone(25_000.0, 1_990, 200, 5))
    slow = Tariff(service="road", carrier="Lumen", currency=Currency("USD"), zones=zones, dangerous=True)
    fast = Tariff(
        service="air", carrier="Lumen", currency=Currency("USD"), zones=(Zone(2_000.0, 1_500, 300, 1),), max_weight=5_000
    )
    return TableRates((fast, slow), ZoneInfo("America/Los_Angeles"), clock=lambda: NOW)


@contextlib.asynccontextmanager
async def easypost_rig() -> AsyncGenerator[EasyPostRig]:
    async with HttpClient(allow_private=True) as http, simulated(EasyPostSimulator(API_KEY, SIGNING)) as far:
        yield EasyPostRig(http, far)


@contextlib.asynccontextmanager
async def clickpost_rig() -> AsyncGenerator[ClickPostRig]:
    async with HttpClient(allow_private=True) as http, simulated(ClickPostSimulator(USERNAME, LICENSE, HOOK_KEY)) as far:
        yield ClickPostRig(http, far)


def file_rig() -> QuietRig:
    return QuietRig(FileCarrier(), "parcel")


def table_rig() -> QuietRig:
    return QuietRig(table_rates(), "road")
