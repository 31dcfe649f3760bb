"""Parcels and their troubles, for staff and tokens of some locations."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from comptoir.kernel.ids import to_text
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Role, Scope, UserDraft
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import TrackedFilter, TroubleKind
from comptoir.sdk.tracking import TrackingStatus
from comptoir.surfaces.services import Services
from support.back_office import rows, said
from support.carrier_rigs import API_KEY, SIGNING
from support.carriers import simulated
from support.console import PASSWORD, Shop, Staff, application, visiting
from support.easypost_simulator import EasyPostSimulator
from support.parcel_desk import NUMBER, connected, left, say, scan, with_carriers

EMAIL = "clerk@example.com"


@pytest_asyncio.fixture(loop_scope="session")
async def far() -> AsyncIterator[EasyPostSimulator]:
    async with simulated(EasyPostSimulator(API_KEY, SIGNING)) as simulator:
        yield simulator


@pytest_asyncio.fixture(loop_scope="session")
async def parts(parts: Services, far: EasyPostSimulator) -> AsyncIterator[Services]:
    async with with_carriers(parts, far) as connected_parts:
        yield connected_parts


@pytest_asyncio.fixture(loop_scope="session")
async def clerk(parts: Services, shop: Shop) -> AsyncIterator[Staff]:
    draft = UserDraft(email=EMAIL, name="Clara", role=Role.STORE, locale="en", locations=(shop.locations["S292"],))
    async with parts.database.transaction() as tx:
        await staff.create_user(tx, draft, PASSWORD)
    async with visiting(application(parts)) as visitor:
        await visitor.sign_in(EMAIL)
        yield visitor


async def limit(parts: Services, at: LocationId) -> None:
    async with parts.database.transaction() as tx:
        user = await staff.user_by_email(tx, EMAIL)
        draft = UserDraft(email=EMAIL, name="Clara", role=Role.STORE, locale="en", locations=(at,))
        await staff.update_user(tx, user.id, draft)


async def lost_parcel(parts: Services, shop: Shop) -> LocationId:
    """A parcel with a trouble, and where it left."""
    account = await connected(parts)
    await left(parts, shop)
    await say(parts, account, scan(TrackingStatus.LOST, hours=1))
    async with parts.database.read() as reader:
        ((one,), troubles) = (
            (await tracking.find(reader, TrackedFilter())).items,
            await tracking.find_troubles(reader, [TroubleKind.LOST]),
        )
    assert len(troubles.items) == 1
    return one.location_id


async def test_lists_of_parcels_show_those_that_left_from_their_locations(
    clerk: Staff, owner: Staff, parts: Services, shop: Shop
) -> None:
    there = await lost_parcel(parts, shop)
    assert there != shop.locations["S292"]
    assert await rows(owner, "/parcels") == [NUMBER]
    assert await rows(clerk, "/parcels") == []
    assert NUMBER not in (await clerk.get("/parcels?format=csv")).text
    assert NUMBER not in said((await clerk.get("/parcels/troubles")).text)
    assert (await clerk.get(f"/parcels?location={to_text('loc', there)}")).status_code == 403
    await limit(parts, there)
    assert await rows(clerk, "/parcels") == [NUMBER]
    assert NUMBER in said((await clerk.get("/parcels/troubles")).text)


async def test_a_token_of_some_locations_lists_their_parcels(parts: Services, shop: Shop) -> None:
    there = await lost_parcel(parts, shop)
    numbers: list[tuple[list[str], int]] = []
    for at in (shop.locations["S292"], there):
        async with parts.database.transaction() as tx:
            _, secret = await staff.create_token(tx, f"at {at}", [Scope.ORDERS_READ], limited_to=[at])
        async with visiting(application(parts)) as visitor:
            headers = {"authorization": f"Bearer {secret}"}
            found = await visitor.client.get("/v1/parcels", headers=headers)
            troubles = await visitor.client.get("/v1/parcel-troubles", headers=headers)
        listed = [one["tracking_number"] for one in found.json()["items"]]
        numbers.append((listed, len(troubles.json()["items"])))
    assert numbers == [([], 0), ([NUMBER], 1)]
