"""Parcels with a Karrio server, through the whole of it: labels of two carriers, their papers, their drivers, their news."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import uuid4

import pytest
import pytest_asyncio

from comptoir.kernel.errors import Invalid
from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    ACCOUNT_PREFIX,
    AccountDraft,
    AccountId,
    DriverWanted,
    LabelFilter,
    LabelState,
    PurchasedLabel,
)
from comptoir.runtime.http import HttpClient
from comptoir.sdk.carriers import OutcomeUnknown
from comptoir.surfaces.carriage import Carriage
from comptoir.surfaces.parcels import ParcelDesk
from comptoir.surfaces.services import Services
from support.carriers import simulated
from support.console import Shop, Staff
from support.karrio_rig import API_KEY, SECRET, SERVICE, canadian
from support.karrio_simulator import LABEL, MANIFEST, KarrioSimulator

EXPRESS = "dhl_express/dhl_express_worldwide"


@pytest_asyncio.fixture(loop_scope="session")
async def far() -> AsyncIterator[KarrioSimulator]:
    async with simulated(KarrioSimulator(API_KEY, SECRET)) as simulator:
        yield simulator


@pytest_asyncio.fixture(loop_scope="session")
async def parts(parts: Services) -> AsyncIterator[Services]:
    async with HttpClient(allow_private=True) as http:
        carriage = Carriage(parts.database, parts.keyring, http, allow_private=True)
        yield replace(parts, carriage=carriage, parcels=ParcelDesk(parts.database, parts.keyring, http, carriage))


@pytest_asyncio.fixture(loop_scope="session")
async def account_id(parts: Services, far: KarrioSimulator) -> AccountId:
    draft = AccountDraft(connector="karrio", name="Karrio")
    async with parts.database.transaction() as tx:
        known = {"server": far.url, "api_key": API_KEY, "webhook_secret": SECRET, "connections": "canadapost-main, dhl-main"}
        return (await parts.carriage.connect(tx, draft, known)).id


async def bought(parts: Services, shop: Shop, account_id: AccountId, service: str = SERVICE) -> PurchasedLabel:
    wanted = tracking.labels.Wanted(
        account_id=account_id, subject_id=uuid4(), order_id=shop.orders["fresh"], shipment=canadian(), service=service
    )
    return await parts.parcels.buy(wanted)


async def test_a_label_is_bought_with_its_paper_and_given_back(
    parts: Services, shop: Shop, far: KarrioSimulator, account_id: AccountId
) -> None:
    label = await bought(parts, shop, account_id)
    assert (label.state, label.carrier, label.cost, label.currency) == (LabelState.BOUGHT, "canadapost", 10_671, "CAD")
    calls = len(far.calls)
    assert await parts.parcels.document(label.id) == LABEL
    assert len(far.calls) == calls, "it came along"
    (draft,) = far.shipments.values()
    assert draft["carrier_ids"] == ["canadapost-main", "dhl-main"]
    assert (await parts.parcels.void(label.id)).state is LabelState.VOIDED


async def test_a_label_whose_answer_was_lost_is_found_and_not_bought_again(
    parts: Services, shop: Shop, far: KarrioSimulator, account_id: AccountId
) -> None:
    far.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await bought(parts, shop, account_id)
    async with parts.database.read() as reader:
        (row,) = (await tracking.labels.find(reader, LabelFilter(account_id=account_id))).items
    assert row.state is LabelState.UNKNOWN
    settled = await parts.parcels.settle(row.id, buy=False)
    assert (settled.state, far.bought()) == (LabelState.BOUGHT, 1)
    assert await parts.parcels.document(row.id) == LABEL


async def test_the_parcels_of_each_carrier_go_on_a_manifest_of_their_own(
    parts: Services, shop: Shop, far: KarrioSimulator, account_id: AccountId
) -> None:
    labels = [await bought(parts, shop, account_id, service) for service in (SERVICE, EXPRESS, SERVICE)]
    made = await parts.parcels.manifest([one.id for one in labels])
    assert sorted(len(one.label_ids) for one in made) == [1, 2]
    assert {one["carrier_name"] for one in far.manifests.values()} == {"canadapost", "dhl_express"}
    for one in made:
        assert await parts.parcels.manifest_document(one.id) == MANIFEST
    assert await parts.parcels.manifest([one.id for one in labels]) == []


async def test_a_driver_is_called_by_the_clock_of_the_place(
    parts: Services, shop: Shop, far: KarrioSimulator, account_id: AccountId
) -> None:
    label = await bought(parts, shop, account_id)
    begin = datetime(2027, 1, 5, 15, 0, tzinfo=UTC)
    wanted = DriverWanted(
        account_id=account_id, location_id=shop.locations["WH-CIN"], label_ids=(label.id,), from_at=begin,
        until_at=begin + timedelta(hours=3), weight=1_868,
    )  # fmt: skip
    driver = await parts.parcels.call_driver(wanted)
    (pickup,) = far.pickups.values()
    assert (pickup["pickup_date"], pickup["ready_time"], pickup["closing_time"]) == ("2027-01-05", "10:00", "13:00")
    assert driver.confirmation == "27241"
    await parts.parcels.send_driver_away(driver.id)
    assert pickup["status"] == "cancelled"


async def test_what_karrio_tells_of_itself_is_believed_by_its_secret_only(
    owner: Staff, parts: Services, shop: Shop, far: KarrioSimulator, account_id: AccountId
) -> None:
    label = await bought(parts, shop, account_id)
    far.scan(label.tracking_number, "out_for_delivery", utcnow())
    headers, body = far.webhook(label.tracking_number)
    address = f"/hooks/carriers/{to_text(ACCOUNT_PREFIX, account_id)}"
    for forged in ({}, {"X-Event-Id": "whsec_other"}):
        assert (await owner.client.post(address, headers=forged, content=body)).status_code == 401
    assert (await owner.client.post(address, headers=headers, content=body)).status_code == 204
    assert (await owner.client.post(address, headers=headers, content=body)).status_code == 200, "told twice, kept once"


async def test_an_account_by_api_has_its_servers_address_checked(parts: Services) -> None:
    draft = AccountDraft(connector="karrio", name="Karrio")
    for server, message in (
        ("http://karrio.example.com", "begins with https://"),
        ("", "is needed"),
        ("karrio", "is an address"),
    ):
        with pytest.raises(Invalid) as refused:
            parts.carriage.checked(draft, {"server": server, "api_key": API_KEY})
        (error,) = cast("list[dict[str, str]]", refused.value.data["errors"])
        assert error["path"] == "credentials.server"
        assert message in error["message"]
