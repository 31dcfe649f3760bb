"""Parcels that come back to the sender, on the pages of whoever has to see to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest_asyncio

from comptoir.kernel.time import utcnow
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import ReturnCase
from comptoir.runtime.consumers import ConsumerRunner, lag
from comptoir.sdk.tracking import TrackingStatus
from comptoir.surfaces import coming_back
from comptoir.surfaces.console.pages.return_words import return_href
from comptoir.surfaces.services import Services
from support.back_office import audited, said
from support.carrier_rigs import API_KEY, SIGNING
from support.carriers import simulated
from support.console import Shop, Staff, worker
from support.easypost_simulator import EasyPostSimulator
from support.parcel_desk import NUMBER, connected, left, say, scan, with_carriers

S = TrackingStatus


@pytest_asyncio.fixture(loop_scope="session")
async def parts(parts: Services) -> AsyncIterator[Services]:
    async with simulated(EasyPostSimulator(API_KEY, SIGNING)) as far, with_carriers(parts, far) as connected_parts:
        yield connected_parts


async def worked_off(parts: Services, runners: Sequence[ConsumerRunner]) -> None:
    async with asyncio.timeout(20):
        while True:
            for runner in runners:
                await runner.drain()
            async with parts.database.read() as reader:
                if not any(one.events for one in await lag(reader)):
                    return
            await asyncio.sleep(0.01)


async def brought_back(parts: Services, shop: Shop, *statuses: TrackingStatus) -> tuple[str, ReturnCase]:
    account = await connected(parts)
    parcel = await left(parts, shop)
    runners = (ConsumerRunner(parts.database, (coming_back.consumer(),)), worker(parts))
    await worked_off(parts, runners)
    for status in statuses:
        await say(parts, account, scan(status, at=utcnow()))
        await worked_off(parts, runners)
    async with parts.database.read() as reader:
        (case,) = await changes.returns_of(reader, shop.orders["shipped"])
    return parcel, case


async def test_what_comes_back_is_in_the_list_of_the_place_where_it_left(owner: Staff, parts: Services, shop: Shop) -> None:
    parcel, case = await brought_back(parts, shop, S.RETURNING)
    assert "It comes back to" in said((await owner.get(f"/parcels/{parcel}")).text)
    page = (await owner.get("/returns")).text
    assert return_href(case.id) in page
    told = said((await owner.get(return_href(case.id))).text)
    for words in ("It could not be delivered", NUMBER, "when somebody has looked at it"):
        assert words in told, words
    assert "Return fee" not in told


async def test_what_is_back_is_a_task_with_its_best_remedy_everywhere(owner: Staff, parts: Services, shop: Shop) -> None:
    parcel, case = await brought_back(parts, shop, S.RETURNING, S.RETURNED)
    receive = f'href="/returns/receive?return={return_href(case.id).rpartition("/")[2]}"'
    page = (await owner.get(f"/parcels/{parcel}")).text
    assert (receive in page, "receive it, then send it again or refund it" in said(page)) == (True, True)
    troubles = (await owner.get("/parcels/troubles")).text
    assert (receive in troubles, "Back at the sender" in said(troubles)) == (True, True)
    operations = said((await owner.get("/operations/orders?stage=trouble")).text)
    assert "Back at the sender" in operations
    here = return_href(case.id)
    assert "Send it to the buyer again" in said((await owner.get(here)).text)
    assert (await owner.submit(here, f"{here}/send-again", {})).status_code == 303
    assert (await audited(parts))[0].action == "return.sent_again"
    assert "Send it to the buyer again" not in said((await owner.get(here)).text)
