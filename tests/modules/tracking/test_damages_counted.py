"""Damage and loss that are found after the delivery count for the carrier's lane."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
import pytest_asyncio

from comptoir.kernel.time import utcnow
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import (
    Allow,
    Arrived,
    ChangeDraft,
    ChangeKind,
    Fate,
    ItemCondition,
    Look,
    Reason,
    ReturnDraft,
    Units,
)
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import Counts
from comptoir.runtime.database import Database
from comptoir.surfaces import damages
from comptoir.surfaces.changing import SETTING
from support.depot import Depot, open_depot, scan


@pytest_asyncio.fixture
async def blaming(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database, damages.consumer()) as opened:
        yield opened


async def delivered(depot: Depot, number: str) -> OrderId:
    order_id = await depot.shipped(number)
    await depot.say(number, scan("delivered", at=utcnow()))
    await depot.settle()
    return order_id


async def counted(depot: Depot) -> Counts:
    async with depot.database.read() as reader:
        lanes = await tracking.performance(reader, utcnow().date() - timedelta(days=60))
    total = Counts()
    for one in lanes:
        total = total.plus(one.counts)
    return total


async def claim(depot: Depot, order_id: OrderId, reason: str) -> None:
    draft = ChangeDraft(
        order_id=order_id, kind=ChangeKind.CLAIM, actions=(Allow(amount=100, line_no=1, units=1),), reason=reason
    )
    async with depot.database.transaction() as tx:
        made, _ = await changes.request_change(tx, draft, SETTING)
        await changes.confirm_change(tx, made.id, SETTING)
    await depot.settle()


@pytest.mark.parametrize(("reason", "expected"), [("damaged", (1, 1, 1, 0)), ("lost", (1, 0, 0, 1)), ("wrong", (1, 1, 0, 0))])
async def test_a_claim_after_the_delivery_counts_for_the_lane(
    blaming: Depot, reason: str, expected: tuple[int, int, int, int]
) -> None:
    order_id = await delivered(blaming, "D1")
    for _ in range(2):  # another claim about the same parcel is no other damage
        await claim(blaming, order_id, reason)
    found = await counted(blaming)
    assert (found.parcels, found.delivered, found.damaged, found.lost) == expected


@pytest.mark.parametrize(("why", "damaged"), [(Reason.DAMAGED, 1), (Reason.CHANGED_MIND, 0)])
async def test_an_inspection_that_finds_damage_of_the_way_counts_for_the_lane(
    blaming: Depot, why: Reason, damaged: int
) -> None:
    order_id = await delivered(blaming, "D2")
    async with blaming.database.transaction() as tx:
        case = await changes.request_return(tx, ReturnDraft(order_id=order_id, units=(Units(1, 1, why),)), SETTING)
        case = await changes.receive_return(tx, case.id, blaming.shop.locations["paris"], [Arrived(1, 1)])
        (row,) = case.received
        await changes.inspect_return(tx, case.id, [Look(row.id, 1, ItemCondition.DAMAGED, Fate.DAMAGED)])
    await blaming.settle()
    found = await counted(blaming)
    assert (found.parcels, found.delivered, found.damaged) == (1, 1, damaged)
