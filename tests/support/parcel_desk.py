"""The console's shop with a simulated EasyPost in EasyPost's place, and parcels that have left with it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from comptoir.connectors import carrierfile
from comptoir.connectors.easypost import INFO, EasyPost, EasyPostAccount
from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.orders import api as orders
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import TRACKED_PREFIX, AccountDraft, AccountId, PurchasedLabel, TrackedDetails
from comptoir.runtime.http import HttpClient
from comptoir.sdk.tracking import Scan, TrackingStatus, TrackingUpdate
from comptoir.surfaces.carriage import Carriage, ConnectorKind, file_carrier
from comptoir.surfaces.parcels import ParcelDesk
from comptoir.surfaces.return_labels import ReturnLabels
from comptoir.surfaces.services import Services
from support.carrier_rigs import API_KEY, PATIENCE, SIGNING, american
from support.console import Shop
from support.easypost_simulator import EasyPostSimulator

NUMBER = "1Z999AA10123456784"
"""Of the shop's order that has been shipped."""


def scan(status: TrackingStatus | str, *, hours: float = 0, at: datetime | None = None, **more: Any) -> Scan:
    named: dict[str, Any] = {"raw_code": str(status), **more}
    return Scan(status=TrackingStatus(status), at=at or utcnow() - timedelta(hours=hours), **named)


@asynccontextmanager
async def with_carriers(parts: Services, far: EasyPostSimulator) -> AsyncGenerator[Services]:
    async with HttpClient(allow_private=True) as http:

        def make(client: HttpClient, given: Mapping[str, str]) -> EasyPost:
            account = EasyPostAccount(given["api_key"], given.get("webhook_secret", ""), url=f"{far.url}/v2")
            return EasyPost(client, account, seconds=PATIENCE)

        kinds = {
            "easypost": ConnectorKind(INFO, make),
            "carrierfile": ConnectorKind(carrierfile.INFO, lambda _, given: file_carrier(given)),
        }
        carriage = Carriage(parts.database, parts.keyring, http, kinds)
        desk = ParcelDesk(parts.database, parts.keyring, http, carriage)
        labels = ReturnLabels(parts.database, desk, carriage)
        yield replace(parts, carriage=carriage, parcels=desk, return_labels=labels)


async def connected(parts: Services, name: str = "EasyPost", *carriers: str) -> AccountId:
    async with parts.database.transaction() as tx:
        draft = AccountDraft(connector="easypost", name=name, carriers=carriers or ("UPS",))
        return (await parts.carriage.connect(tx, draft, {"api_key": API_KEY, "webhook_secret": SIGNING})).id


async def left(parts: Services, shop: Shop, name: str = "shipped", *, promised_on: date | None = None) -> str:
    """The id of the parcel of a shipped order, as addresses have it."""
    order_id = shop.orders[name]
    async with parts.database.transaction() as tx:
        if promised_on is not None:
            await tx.run("UPDATE orders.orders SET promised_on = %(on)s WHERE id = %(id)s", {"on": promised_on, "id": order_id})
        shipments = (await orders.get(tx, order_id)).shipments
        await tracking.begin(tx, [one.id for one in shipments])
        (found,) = await tracking.of_order(tx, order_id)
    return to_text(TRACKED_PREFIX, found.parcel.id)


async def say(parts: Services, account_id: AccountId, *scans: Scan, number: str = NUMBER, **more: Any) -> None:
    async with parts.database.transaction() as tx:
        await tracking.apply(tx, account_id, [TrackingUpdate(tracking_number=number, scans=scans, **more)])


async def details(parts: Services, shop: Shop, name: str = "shipped") -> TrackedDetails:
    async with parts.database.read() as reader:
        (found,) = await tracking.of_order(reader, shop.orders[name])
    return found


async def bought(parts: Services, shop: Shop, account_id: AccountId, name: str = "fresh", **more: Any) -> PurchasedLabel:
    """A label for a box of an order. Raises what the carrier says no with."""
    wanted = tracking.labels.Wanted(
        account_id=account_id,
        subject_id=uuid4(),
        order_id=shop.orders[name],
        shipment=american(),
        service="USPS/GroundAdvantage",
    )
    return await parts.parcels.buy(replace(wanted, **more))
