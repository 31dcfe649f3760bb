"""A shop whose parcels go with a simulated EasyPost: orders, labels, scans, messages, and what becomes of them.

async with open_depot(database) as depot:
    order_id = await depot.shipped("TRK1", promised_on=date(2026, 3, 5))
    await depot.say("TRK1", scan("delivered", hours=20))
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from comptoir.connectors.easypost import INFO, EasyPost, EasyPostAccount
from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    AccountDraft,
    AccountId,
    Case,
    PurchasedLabel,
    Tracked,
    TrackedDetails,
    Trouble,
)
from comptoir.runtime.consumers import Consumer, ConsumerRunner
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.runtime.http import HttpClient
from comptoir.sdk.orders import Address, Buyer
from comptoir.sdk.tracking import Scan, TrackingStatus, TrackingUpdate
from comptoir.surfaces.carriage import Carriage, ConnectorKind
from comptoir.surfaces.parcels import ParcelDesk
from comptoir.surfaces.pools import pool_id_of, pool_of
from support.carrier_rigs import API_KEY, PATIENCE, SIGNING, american
from support.carriers import simulated
from support.consumers import drained
from support.easypost_simulator import EasyPostSimulator
from support.shop import Shop

BUYER = Buyer(name="Camille Roux", email="camille@example.com", phone="+33612345678")
AGREED = Buyer(name="Camille Roux", email="camille@example.com", phone="+33612345678", notify=("sms", "whatsapp"))
"""Who wants messages on a telephone as well."""
HOME = Address(name="Camille Roux", line1="3 rue des Lilas", postcode="13001", city="Marseille", country="FR")
KEY = b"k" * 32


def scan(status: TrackingStatus | str, *, hours: float = 0, at: datetime | None = None, **more: Any) -> Scan:
    """A scan so many hours ago."""
    return Scan(status=TrackingStatus(status), at=at or utcnow() - timedelta(hours=hours), raw_code=str(status), **more)


@dataclass(slots=True)
class Depot:
    database: Database
    shop: Shop
    keyring: Keyring
    http: HttpClient
    far: EasyPostSimulator
    carriage: Carriage
    desk: ParcelDesk
    account_id: AccountId
    runner: ConsumerRunner

    async def settle(self) -> None:
        await drained(self.database, self.runner)

    async def order(self, *, promised_on: date | None = None, **more: Any) -> OrderId:
        named = {"buyer": BUYER, "ship_to": HOME, "promised_on": promised_on} | more
        return (await self.shop.place("web", {"TEA": 1}, **named)).id

    async def ship(self, order_id: OrderId, number: str, *, carrier: str = "easypost", at: str = "paris") -> None:
        async with self.database.transaction() as tx:
            await orders.ship(tx, order_id, self.shop.locations[at], None, carrier=carrier, tracking_number=number)
        await self.settle()

    async def shipped(self, number: str, *, promised_on: date | None = None, **more: Any) -> OrderId:
        """An order whose parcel has left with EasyPost."""
        order_id = await self.order(promised_on=promised_on, **more)
        await self.ship(order_id, number)
        return order_id

    async def aged(self, order_id: OrderId, days: float) -> None:
        """As if it had left so long ago."""
        async with self.database.transaction() as tx:
            await tx.run(
                "UPDATE tracking.parcels SET shipped_at = shipped_at - %(age)s WHERE order_id = %(id)s",
                {"id": order_id, "age": timedelta(days=days)},
            )

    async def say(self, number: str, *scans: Scan, **more: Any) -> int:
        """The carrier tells of a parcel."""
        return await self.tell([TrackingUpdate(tracking_number=number, scans=scans, **more)])

    async def tell(self, updates: Sequence[TrackingUpdate]) -> int:
        async with self.database.transaction() as tx:
            return await tracking.apply(tx, self.account_id, updates)

    async def parcel(self, order_id: OrderId) -> Tracked:
        return (await self.details(order_id)).parcel

    async def details(self, order_id: OrderId) -> TrackedDetails:
        async with self.database.read() as reader:
            (found,) = await tracking.of_order(reader, order_id)
        return found

    async def case(self, order_id: OrderId) -> Case:
        found = (await self.details(order_id)).case
        assert found is not None
        return found

    async def troubles(self) -> list[Trouble]:
        async with self.database.read() as reader:
            return list((await tracking.find_troubles(reader)).items)

    async def events(self, prefix: str = "parcel.") -> list[tuple[str, dict[str, Any]]]:
        async with self.database.read() as reader:
            rows = await reader.rows(
                "SELECT type, data FROM runtime.events WHERE starts_with(type, %(prefix)s) ORDER BY tx, seq", {"prefix": prefix}
            )
        return [(row[0], row[1]) for row in rows]

    def wanted(self, order_id: OrderId, subject_id: UUID | None = None, **more: Any) -> tracking.labels.Wanted:
        made = tracking.labels.Wanted(
            account_id=self.account_id,
            subject_id=subject_id or uuid4(),
            order_id=order_id,
            shipment=american(),
            service="USPS/GroundAdvantage",
        )
        return replace(made, **more)

    async def label(self, label_id: Any) -> PurchasedLabel:
        async with self.database.read() as reader:
            return await tracking.labels.get(reader, label_id)

    async def free(self) -> None:
        """As if every lease had ended."""
        async with self.database.transaction() as tx:
            await tx.run("UPDATE tracking.labels SET busy_until = NULL, created_at = created_at - interval '10 minutes'")


@contextlib.asynccontextmanager
async def open_depot(database: Database, *consumers: Consumer) -> AsyncGenerator[Depot]:
    shop = Shop(database)
    await shop.market()
    await shop.location("paris", postcode="75011", city="Paris", latitude=48.86, longitude=2.35)
    await shop.location("store", LocationKind.STORE, pickup=True, postcode="13001", latitude=43.3, longitude=5.37)
    await shop.channel("web", ["paris", "store"])
    await shop.product("TEA", 500, stock={"paris": 1_000, "store": 100})
    keyring = Keyring(KEY)
    async with HttpClient(allow_private=True) as http, simulated(EasyPostSimulator(API_KEY, SIGNING)) as far:

        def make(client: HttpClient, given: Any) -> EasyPost:
            account = EasyPostAccount(given["api_key"], given["webhook_secret"], url=f"{far.url}/v2")
            return EasyPost(client, account, seconds=PATIENCE)

        carriage = Carriage(database, keyring, http, {"easypost": ConnectorKind(INFO, make)})
        async with database.transaction() as tx:
            account = await carriage.connect(
                tx,
                AccountDraft(connector="easypost", name="EasyPost", carriers=("easypost",), test=True),
                {"api_key": API_KEY, "webhook_secret": SIGNING},
            )
        own = (*orders.consumers(pool_of), *fulfilment.consumers(pool_id_of), *tracking.consumers(), *consumers)
        runner = ConsumerRunner(database, own)
        await drained(database, runner)
        yield Depot(
            database,
            shop,
            keyring,
            http,
            far,
            carriage,
            ParcelDesk(database, keyring, http, carriage),
            account.id,
            runner,
        )
