"""Table rates: what a parcel costs by distance and weight, and when it arrives."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.connectors.tablerate import TableRates
from comptoir.kernel.money import Currency, Money
from comptoir.modules.carriers.contracts import Zone as KeptZone
from comptoir.sdk.carriers import Address, CarrierCannot, Parcel, Tariff, Zone
from support.carrier_rigs import NOW, american, table_rates

USD = Currency("USD")


async def test_a_parcel_is_priced_by_its_distance_and_begun_kilograms() -> None:
    road, air = await table_rates().rates(american())
    assert (road.service, road.cost, road.days, road.deliver_on) == ("road", Money(690 + 2 * 45, USD), 2, date(2026, 3, 4))
    assert (air.service, air.cost, air.days, air.deliver_on) == ("air", Money(1_500 + 2 * 300, USD), 1, date(2026, 3, 3))
    assert (road.carrier, road.name) == ("Lumen", "road")


@pytest.mark.parametrize(
    ("kilometres", "weight", "costs"),
    [
        (100.0, 1_000, {"road": 470, "air": 1_800}),
        (100.1, 1_001, {"road": 780, "air": 2_100}),
        (2_000.1, 1_000, {"road": 2_190}),
        (500.0, 5_001, {"road": 960}),
        (500.0, 30_001, {}),
        (25_000.1, 1_000, {}),
    ],
)
async def test_beyond_its_table_a_service_does_not_go(kilometres: float, weight: int, costs: dict[str, int]) -> None:
    request = replace(american(), distance=kilometres, parcel=Parcel(weight=weight))
    assert {rate.service: rate.cost.minor for rate in await table_rates().rates(request)} == costs


async def test_dangerous_goods_and_countries_are_limits() -> None:
    assert [rate.service for rate in await table_rates().rates(replace(american(), dangerous=True))] == ["road"]
    here = Tariff(service="s", currency=USD, zones=(Zone(25_000.0, 1, 0, 0),), countries=("MX",))
    assert await TableRates([here], ZoneInfo("UTC")).rates(american()) == []
    with pytest.raises(CarrierCannot, match="no price"):
        await table_rates().rates(replace(american(), collect=Money(1, USD)))


async def test_without_coordinates_nothing_is_known_of_the_distance() -> None:
    nowhere = msgspec.structs.replace(american().recipient, latitude=None)
    assert await table_rates().rates(replace(american(), recipient=nowhere)) == []


def test_a_quarter_of_the_equator_is_ten_thousand_kilometres() -> None:
    ends = [Address(latitude=0.0, longitude=degrees) for degrees in (-100.0, -10.0)]
    quarter = replace(american(), sender=ends[0], recipient=ends[1])
    assert quarter.kilometres() == pytest.approx(10_007.56, abs=0.01)
    assert replace(quarter, recipient=ends[0]).kilometres() == 0
    assert replace(quarter, distance=12.5).kilometres() == 12.5


async def test_the_day_is_that_of_where_it_leaves_from() -> None:
    friday_evening = datetime(2026, 3, 7, 2, 0, tzinfo=UTC)
    rates = {rate.service: rate.deliver_on for rate in await table_rates().rates(replace(american(), ship_at=friday_evening))}
    assert rates == {"air": date(2026, 3, 7), "road": date(2026, 3, 9)}, "Friday in California; nothing comes on a Sunday"


@given(st.floats(0, 25_000), st.integers(1, 30_000), st.integers(1, 30_000))
async def test_the_heavier_parcel_is_never_the_cheaper_one(kilometres: float, one: int, other: int) -> None:
    tariff = Tariff(service="s", currency=USD, zones=(Zone(100.0, 450, 20, 1), Zone(25_000.0, 690, 45, 2)))
    leaves_on = NOW.date()
    light, heavy = (
        tariff.rate(replace(american(), distance=kilometres, parcel=Parcel(weight=weight)), leaves_on)
        for weight in sorted((one, other))
    )
    assert light is not None
    assert heavy is not None
    assert light.cost <= heavy.cost


def test_the_mirrored_zone_is_the_one_that_is_kept() -> None:
    assert [(name, kind) for name, kind in Zone.__annotations__.items()] == list(KeptZone.__annotations__.items())
