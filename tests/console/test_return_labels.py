"""Prepaid labels of returns: bought once, moved by what their carrier says, given back where nobody needs them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
import pytest_asyncio

from comptoir.kernel.time import utcnow
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import (
    Arrived,
    LabelStanding,
    PolicyDraft,
    RefundMoment,
    ReturnCase,
    ReturnDraft,
    Units,
)
from comptoir.modules.changes.errors import NoLabelGiven
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order
from comptoir.modules.payments import api as payments
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import AccountId, LabelState
from comptoir.modules.tracking.errors import LabelHasLeft
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.sdk.carriers import CarrierUnavailable, OutcomeUnknown
from comptoir.sdk.tracking import TrackingStatus
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.return_labels import NoCarrierForReturns, consumer
from comptoir.surfaces.services import Services
from console.test_return_pages import sent
from support.carrier_rigs import API_KEY, SIGNING
from support.carriers import simulated
from support.console import Shop, worker
from support.consumers import drained
from support.easypost_simulator import EasyPostSimulator
from support.parcel_desk import connected, say, scan, with_carriers


@pytest_asyncio.fixture(loop_scope="session")
async def far() -> AsyncGenerator[EasyPostSimulator]:
    async with simulated(EasyPostSimulator(API_KEY, SIGNING)) as simulator:
        yield simulator


@pytest_asyncio.fixture(loop_scope="session")
async def carried(parts: Services, far: EasyPostSimulator) -> AsyncGenerator[Services]:
    async with with_carriers(parts, far) as services:
        yield services


def movers(parts: Services) -> ConsumerRunner:
    return ConsumerRunner(parts.database, [*worker(parts)._consumers, consumer()])


@pytest_asyncio.fixture(loop_scope="session")
async def account(carried: Services) -> AccountId:
    return await connected(carried)


@pytest_asyncio.fixture(loop_scope="session")
async def order(parts: Services, shop: Shop) -> Order:
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE catalogue.variants SET weight = 400")
        await tx.run("UPDATE locations.locations SET line1 = '1 Main Street', postcode = '45202'")
    return await sent(parts, shop)


async def announced(parts: Services, order: Order, *, units: int = 1, **more: object) -> ReturnCase:
    """A return whose terms give a label, which its buyer wants."""
    terms = {"prepaid": True, "label_fee": 150, "moment": RefundMoment.FIRST_SCAN} | more
    async with parts.database.transaction() as tx:
        if not await changes.all_policies(tx):
            await changes.create_policy(tx, PolicyDraft(code="own", position=1, **terms))  # type: ignore[arg-type]
        draft = ReturnDraft(order_id=order.id, units=(Units(1, units),), label=True, location_id=None)
        return await changes.request_return(tx, draft, SETTING)


async def now(parts: Services, case: ReturnCase) -> ReturnCase:
    async with parts.database.read() as reader:
        return await changes.get_return(reader, case.id)


async def granted(parts: Services, order: Order) -> int:
    async with parts.database.read() as reader:
        return await payments.granted(reader, order.id)


async def test_a_label_is_bought_once_from_the_buyer_to_us(
    carried: Services, far: EasyPostSimulator, account: AccountId, order: Order
) -> None:
    case = await announced(carried, order)
    assert (case.state, case.label, case.prepaid) == ("approved", LabelStanding.WANTED, True)
    label = await carried.return_labels.obtain(case.id)
    again = await carried.return_labels.obtain(case.id)
    assert label.id == again.id
    assert far.bought() == 1
    after = await now(carried, case)
    assert (after.label, after.carrier, after.tracking_number) == (LabelStanding.BOUGHT, "USPS", label.tracking_number)
    (shipment,) = [one for one in far.shipments.values() if one["postage_label"]]
    assert shipment["is_return"] is True
    assert order.ship_to is not None
    assert shipment["from_address"]["zip"] == order.ship_to["postcode"]
    assert shipment["to_address"]["zip"] != order.ship_to["postcode"]
    assert await carried.return_labels.work() == 0


async def test_the_first_scan_sends_it_and_refunds_where_the_terms_say_so(
    carried: Services, account: AccountId, order: Order
) -> None:
    await movers(carried).register()
    case = await announced(carried, order)
    label = await carried.return_labels.obtain(case.id)
    await say(carried, account, scan("label_created"), number=label.tracking_number)
    await drained(carried.database, movers(carried))
    assert ((await now(carried, case)).state, await granted(carried, order)) == ("approved", 0)
    await say(carried, account, scan("in_transit"), number=label.tracking_number)
    await drained(carried.database, movers(carried))
    after = await now(carried, case)
    # Of 599, less the 150 that the label costs.
    assert (after.state, after.tracking_number, await granted(carried, order)) == ("in_transit", label.tracking_number, 449)
    async with carried.database.read() as reader:
        parcel = await tracking.coming.get(reader, case.id)
    assert parcel is not None
    assert parcel.status is TrackingStatus.IN_TRANSIT
    with pytest.raises(LabelHasLeft):
        await carried.parcels.void(label.id)


async def test_what_the_label_costs_is_kept_only_where_it_was_used(
    carried: Services, shop: Shop, account: AccountId, order: Order
) -> None:
    case = await announced(carried, order, moment=RefundMoment.RECEIPT)
    label = await carried.return_labels.obtain(case.id)
    async with carried.database.transaction() as tx:
        arrived = [Arrived(1, 1)]
        case = await changes.receive_return(tx, case.id, shop.locations["S367"], arrived, parcel=label.tracking_number)
    assert (case.fee_charged, case.label, await granted(carried, order)) == (150, LabelStanding.BOUGHT, 449)
    other = await announced(carried, order)
    await carried.return_labels.obtain(other.id)
    async with carried.database.transaction() as tx:
        other = await changes.receive_return(tx, other.id, shop.locations["S367"], [Arrived(1, 1)])
    assert (other.fee_charged, other.label) == (0, LabelStanding.TO_VOID)


async def test_a_lost_answer_is_looked_for_and_never_bought_again(
    carried: Services, far: EasyPostSimulator, account: AccountId, order: Order
) -> None:
    case = await announced(carried, order)
    far.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await carried.return_labels.obtain(case.id)
    after = await now(carried, case)
    assert (after.label, after.label_code, after.label_tries) == (LabelStanding.WANTED, "outcome_unknown", 1)
    label = await carried.return_labels.obtain(case.id)
    assert (label.state, far.bought()) == (LabelState.BOUGHT, 1)
    assert (await now(carried, case)).label is LabelStanding.BOUGHT


async def test_a_silent_carrier_is_asked_again_by_the_worker(
    carried: Services, far: EasyPostSimulator, account: AccountId, order: Order
) -> None:
    case = await announced(carried, order)
    far.fail(503)
    with pytest.raises(CarrierUnavailable):
        await carried.return_labels.obtain(case.id)
    assert (await now(carried, case)).label is LabelStanding.WANTED
    assert await carried.return_labels.work() == 0
    far.recover()
    async with carried.database.transaction() as tx:
        await tx.run("UPDATE changes.returns SET label_at = now() WHERE id = %(id)s", {"id": case.id})
    assert await carried.return_labels.work() == 1
    assert ((await now(carried, case)).label, far.bought()) == (LabelStanding.BOUGHT, 1)


async def test_where_no_carrier_sells_labels_for_returns_a_person_is_told(parts: Services, order: Order) -> None:
    case = await announced(parts, order)
    with pytest.raises(NoCarrierForReturns):
        await parts.return_labels.obtain(case.id)
    after = await now(parts, case)
    assert (after.state, after.label, after.label_code) == ("approved", LabelStanding.REFUSED, "no_carrier_for_returns")


async def test_a_return_that_is_given_up_gives_its_label_back(
    carried: Services, far: EasyPostSimulator, account: AccountId, order: Order
) -> None:
    case = await announced(carried, order)
    label = await carried.return_labels.obtain(case.id)
    async with carried.database.transaction() as tx:
        case = await changes.cancel_return(tx, case.id)
    assert case.label is LabelStanding.TO_VOID
    assert await carried.return_labels.work() == 1
    after = await now(carried, case)
    assert (after.label, after.tracking_number) == (LabelStanding.VOIDED, "")
    async with carried.database.read() as reader:
        assert (await tracking.labels.get(reader, label.id)).state in {LabelState.VOIDING, LabelState.VOIDED}


async def test_a_purchase_in_doubt_of_a_return_that_is_given_up_is_found_and_given_back(
    carried: Services, far: EasyPostSimulator, account: AccountId, order: Order
) -> None:
    case = await announced(carried, order)
    far.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await carried.return_labels.obtain(case.id)
    async with carried.database.transaction() as tx:
        await changes.cancel_return(tx, case.id)
    assert await carried.return_labels.work() == 1
    assert (await now(carried, case)).label is LabelStanding.VOIDED
    assert [one["refund_status"] for one in far.shipments.values() if one["postage_label"]] == ["submitted"]


async def test_a_label_that_nobody_uses_runs_out(
    carried: Services, far: EasyPostSimulator, account: AccountId, order: Order
) -> None:
    case = await announced(carried, order)
    await carried.return_labels.obtain(case.id)
    assert await carried.return_labels.work() == 0
    async with carried.database.transaction() as tx:
        long_ago = utcnow() - changes.LABEL_FOR - timedelta(hours=1)
        await tx.run("UPDATE changes.returns SET label_at = %(at)s WHERE id = %(id)s", {"at": long_ago, "id": case.id})
    assert await carried.return_labels.work() == 1
    after = await now(carried, case)
    assert (after.state, after.label) == ("approved", LabelStanding.VOIDED)


async def test_only_terms_that_give_a_label_give_one_and_anybody_of_us_may(
    carried: Services, account: AccountId, order: Order
) -> None:
    case = await announced(carried, order, prepaid=False)
    assert case.label is LabelStanding.NONE
    with pytest.raises(NoLabelGiven):
        async with carried.database.transaction() as tx:
            await changes.want_label(tx, case.id)
    async with carried.database.transaction() as tx:
        await changes.want_label(tx, case.id, regardless=True)
    await carried.return_labels.obtain(case.id)
    assert (await now(carried, case)).label is LabelStanding.BOUGHT


async def test_the_paper_is_the_carrier_s(carried: Services, far: EasyPostSimulator, account: AccountId, order: Order) -> None:
    case = await announced(carried, order)
    assert await carried.return_labels.document(case.id) is None
    label = await carried.return_labels.obtain(case.id)
    async with carried.database.transaction() as tx:
        await tracking.labels.keep_document(tx, label.id, b"%PDF-1.7 of the carrier")
    found = await carried.return_labels.document(case.id)
    assert found is not None
    assert (found[0].id, found[1][:4]) == (label.id, b"%PDF")


async def test_the_standing_of_an_order_is_not_touched_by_its_label(
    carried: Services, account: AccountId, order: Order
) -> None:
    async with carried.database.read() as reader:
        before = await orders.standing(reader, order.id)
    case = await announced(carried, order)
    await carried.return_labels.obtain(case.id)
    async with carried.database.read() as reader:
        assert await orders.standing(reader, order.id) == before
