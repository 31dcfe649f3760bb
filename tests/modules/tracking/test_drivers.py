from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.kernel.time import utcnow
from comptoir.modules.tracking.contracts import DriverWanted, PickupStanding
from comptoir.modules.tracking.errors import LabelBusy
from comptoir.sdk.carriers import CarrierUnavailable, OutcomeUnknown
from support.depot import Depot


async def wanted(depot: Depot) -> DriverWanted:
    label = await depot.desk.buy(depot.wanted(await depot.order()))
    begin = utcnow() + timedelta(hours=2)
    return DriverWanted(
        account_id=depot.account_id,
        location_id=depot.shop.locations["paris"],
        label_ids=(label.id,),
        from_at=begin,
        until_at=begin + timedelta(hours=3),
        weight=1_868,
    )


async def test_a_driver_is_called_once_however_often_one_is_asked_for(depot: Depot) -> None:
    asked = await wanted(depot)
    first = await depot.desk.call_driver(asked)
    again = await depot.desk.call_driver(asked)
    assert first == again
    assert first.state is PickupStanding.SCHEDULED
    assert first.confirmation
    assert len(depot.far.pickups) == 1


async def test_a_driver_whose_answer_was_lost_is_not_called_twice(depot: Depot) -> None:
    asked = await wanted(depot)
    depot.far.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await depot.desk.call_driver(asked)
    assert (await depot.desk.call_driver(asked)).state is PickupStanding.SCHEDULED
    assert len([one for one in depot.far.pickups.values() if one["status"] == "scheduled"]) == 1


async def test_two_who_call_at_once_get_one_driver(depot: Depot) -> None:
    asked = await wanted(depot)
    answers = await asyncio.gather(*(depot.desk.call_driver(asked) for _ in range(4)), return_exceptions=True)
    assert all(isinstance(answer, LabelBusy) for answer in answers if isinstance(answer, BaseException))
    assert len(depot.far.pickups) == 1


async def test_a_driver_is_sent_away_and_may_be_called_again(depot: Depot) -> None:
    asked = await wanted(depot)
    driver = await depot.desk.call_driver(asked)
    assert (await depot.desk.send_driver_away(driver.id)).state is PickupStanding.CANCELLED
    assert (await depot.desk.send_driver_away(driver.id)).state is PickupStanding.CANCELLED
    assert (await depot.desk.call_driver(asked)).id != driver.id


async def test_a_carrier_that_is_down_leaves_the_wish_standing(depot: Depot) -> None:
    asked = await wanted(depot)
    depot.far.fail(503)
    with pytest.raises(CarrierUnavailable):
        await depot.desk.call_driver(asked)
    depot.far.recover()
    assert (await depot.desk.call_driver(asked)).state is PickupStanding.SCHEDULED


async def test_hours_that_end_before_they_begin_are_refused(depot: Depot) -> None:
    from dataclasses import replace  # noqa: PLC0415

    asked = await wanted(depot)
    with pytest.raises(Invalid):
        await depot.desk.call_driver(replace(asked, until_at=asked.from_at))
