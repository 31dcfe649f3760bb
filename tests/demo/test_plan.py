"""The demo's year against the data set itself."""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from comptoir.kernel import quantities
from comptoir.sdk.orders import LineKind
from comptoir.surfaces.demo import source, stream, wording
from comptoir.surfaces.demo.catalogue import ITEM, KINDS
from comptoir.surfaces.demo.pace import UNLIMITED, Pace
from comptoir.surfaces.demo.places import PlaceKind
from comptoir.surfaces.demo.plan import Plan, build
from comptoir.surfaces.demo.replenishment import Stock
from comptoir.surfaces.demo.stream import CHANNELS, Channel

LINES, BASKETS, CENTS = 1_469_307, 155_848, 459_603_958


@pytest.fixture(scope="module")
def plan() -> Plan:
    return build()


def level(plan: Plan, *stocks: Stock) -> np.ndarray:
    """Quantities by place and product."""
    found = np.zeros(len(plan.places) * len(plan.catalogue.ids), np.int64)
    for stock in stocks:
        np.add.at(found, stock.location.astype(np.int64) * len(plan.catalogue.ids) + stock.product, stock.quantity)
    return found


def test_the_year_is_the_data_set_to_the_line_and_to_the_cent(plan: Plan) -> None:
    totals = plan.expected_totals()
    assert totals.of("lines") == len(plan.year.total) == LINES
    assert totals.of("baskets") == len(plan.year) == len(np.unique(plan.year.number)) == BASKETS
    assert totals.of("cents") == int(plan.year.total.sum()) == CENTS
    assert len(plan.stores) == 457
    assert len(plan.households) == 2_469
    assert plan.catalogue.count == 92_331
    assert int(plan.catalogue.sold.sum()) == 68_509
    assert len(plan.catalogue.unlisted) == 17


def test_every_line_keeps_its_row(plan: Plan) -> None:
    year = plan.year
    of_line = np.repeat(np.arange(len(year)), np.diff(year.start))
    assert (year.number[of_line] == source.integers("transactions", "basket_id")).all()
    assert (year.at[of_line] == source.seconds("transactions", "transaction_timestamp")).all()
    assert (year.week[of_line] == source.integers("transactions", "week")).all()
    assert (year.store_ids[year.store[of_line]] == source.integers("transactions", "store_id")).all()
    assert (year.household_ids[year.household[of_line]] == source.integers("transactions", "household_id")).all()
    assert (plan.catalogue.ids[year.product] == source.integers("transactions", "product_id")).all()
    assert (year.total == source.cents("transactions", "sales_value")).all()
    assert (year.retail == source.cents("transactions", "retail_disc")).all()
    assert (year.coupon_match == source.cents("transactions", "coupon_match_disc")).all()
    assert (year.coupon == source.cents("transactions", "coupon_disc")).all()
    assert (year.quantity == np.maximum(source.integers("transactions", "quantity"), 1)).all()


def test_odd_rows_are_classified_as_documented(plan: Plan) -> None:
    year, raw = plan.year, source.integers("transactions", "quantity")
    fuel = plan.catalogue.weighed[year.product]
    assert int((raw == 0).sum()) == 8_869
    assert int(((raw == 0) & (year.total + year.retail + year.coupon_match == 0)).sum()) == 8_837
    assert (year.kind[raw == 0] == KINDS.index(LineKind.ADJUSTMENT)).all()
    assert int(fuel.sum()) == 14_697
    assert int((fuel & (year.kind == ITEM)).sum()) == 13_509
    assert {kind: int((year.kind == code).sum()) for code, kind in enumerate(KINDS) if (year.kind == code).any()} == {
        LineKind.ITEM: 1_457_180,
        LineKind.GIFT_CARD: 402,
        LineKind.DEPOSIT: 47,
        LineKind.FEE: 2_369,
        LineKind.ADJUSTMENT: 9_309,
    }
    # What is not weighed is counted in plausible units.
    assert int(year.quantity[~fuel].max()) == 144


def test_every_line_can_be_placed(plan: Plan) -> None:
    year = plan.year
    assert int(year.quantity.min()) >= 1
    assert int(year.quantity.max()) <= quantities.MAX_QUANTITY
    for column in (year.total, year.retail, year.coupon_match, year.coupon):
        assert int(column.min()) >= 0
    for product in np.unique(year.product).tolist():
        assert quantities.sku(plan.catalogue.sku(product)) == plan.catalogue.sku(product)
    # A line that is not an item never has a product outside the catalogue as one that moves stock.
    assert int(year.product[year.kind == ITEM].max()) < plan.catalogue.count


def test_orders_say_what_the_columns_say(plan: Plan) -> None:
    seen: set[Channel] = set()
    for chunk in plan.baskets(3_000, until=3_400):
        for basket in chunk.baskets():
            seen.add(basket.channel)
            order = plan.order(basket)
            due = sum(line.amount - sum(discount.amount for discount in line.discounts) for line in order.lines)
            assert due == int(plan.year.cents[basket.position])
            assert sum(payment.amount for payment in order.payments) == due
            assert order.placed_at == datetime.fromtimestamp(int(plan.year.at[basket.position]), UTC)
            assert order.buyer.loyalty_number == plan.households[basket.household].number
            at_store = basket.channel is Channel.POS or basket.pickup
            assert order.location_code == (plan.stores[basket.store].code if at_store else "")
            assert (order.ship_to is None) == at_store
            assert not (basket.pickup and basket.channel in stream.FACTS)
    assert seen == set(CHANNELS)


def test_baskets_come_in_time_order_and_chunks_stay_within_weeks(plan: Plan) -> None:
    position, last = 0, 0
    for chunk in plan.baskets(chunk=700):
        assert chunk.position == position
        assert int(chunk.at[0]) >= last
        assert (np.diff(chunk.at) >= 0).all()
        assert (plan.year.week[position : position + len(chunk)] == chunk.week).all()
        assert chunk.at[0] >= plan.weeks[chunk.week - 1].at
        position, last = position + len(chunk), int(chunk.at[-1])
    assert position == BASKETS


def test_playing_on_from_a_position_gives_the_rest_of_the_same_year(plan: Plan) -> None:
    whole = [basket for chunk in plan.baskets(until=2_000) for basket in chunk.baskets()]
    parts = [basket for chunk in plan.baskets(until=777, chunk=64) for basket in chunk.baskets()]
    parts += [basket for chunk in plan.baskets(777, until=2_000, chunk=10) for basket in chunk.baskets()]
    assert parts == whole
    assert list(plan.baskets(BASKETS)) == []


def test_the_data_sets_weeks_begin_at_midnight_in_new_york(plan: Plan) -> None:
    assert len(plan.weeks) == 53
    assert len(plan.days) == 365
    ends = [*(mark.position for mark in plan.weeks[1:]), BASKETS]
    for mark, end in zip(plan.weeks, ends, strict=True):
        assert (plan.year.week[mark.position : end] == mark.number).all()
    first, last = (datetime.fromtimestamp(int(plan.year.at[i]), ZoneInfo("America/New_York")) for i in (0, -1))
    assert (first.date().isoformat(), last.date().isoformat()) == ("2017-01-01", "2017-12-31")
    assert plan.year.position_at(plan.weeks[20].at - 1) == plan.weeks[20].position


def test_partial_totals_add_up_to_the_year(plan: Plan) -> None:
    half = plan.expected_totals(80_000)
    assert half.of("baskets") == 80_000
    assert half.of("cents") == int(plan.year.total[: plan.year.start[80_000]].sum())
    assert plan.expected_totals(0).of("lines") == 0
    year = plan.expected_totals()
    assert sum(year.of("cents", channel) for channel in CHANNELS) == CENTS
    assert year.cents.sum(axis=0).tolist() == [
        int(plan.year.cents[plan.year.week == week].sum()) for week in range(1, 54)
    ]  # fmt: skip


def test_channels_have_their_shares_and_only_what_can_be_packed_is_shipped(plan: Plan) -> None:
    year = plan.expected_totals()
    shares = {channel: round(100 * year.of("baskets", channel) / BASKETS, 1) for channel in CHANNELS}
    assert shares == {Channel.POS: 68.6, Channel.WEB: 14.1, Channel.APP: 8.5, Channel.MARKETPLACE: 6.8, Channel.PHONE: 2.1}
    remote = np.repeat(plan.year.channel != CHANNELS.index(Channel.POS), np.diff(plan.year.start))
    assert (plan.year.kind[remote] == ITEM).all()
    assert not plan.catalogue.till_only[plan.year.product[remote]].any()


@pytest.mark.parametrize("opening_weeks", [53, 4])
def test_what_opens_and_arrives_less_what_is_sold_is_what_closes(plan: Plan, opening_weeks: int) -> None:
    chosen = plan if opening_weeks == 53 else build(opening_weeks=opening_weeks)
    receipts = [chosen.receipts(week) for week in range(1, 54)]
    assert all((arrived.quantity > 0).all() for arrived in receipts)
    closing = level(chosen, *chosen.opening_stock(chunk=200_000), *receipts)
    stocked = chosen.year.kind == ITEM
    drawn = np.repeat(chosen.source, np.diff(chosen.year.start))[stocked]
    closing = closing - level(chosen, Stock(drawn, chosen.year.product[stocked], chosen.year.quantity[stocked]))
    assert (closing == level(chosen, chosen.stock.closing)).all()
    if opening_weeks != 53:
        assert len(chosen.stock.opening) < len(plan.stock.opening) / 5
        assert (closing == level(plan, plan.stock.closing)).all()


def test_each_day_a_few_lines_find_less_than_they_need_and_never_thousands(plan: Plan) -> None:
    shortages = plan.stock.shortages
    assert len(shortages) == 365
    assert 3 <= int(np.median(shortages)) <= 20
    assert int(shortages.max()) < 60
    assert len(plan.stock.opening) < 700_000
    assert len(plan.stock.receipts) < 200_000
    assert int((plan.stock.closing.quantity < 0).sum()) < 100


def test_shortages_are_those_that_playing_the_year_meets(plan: Plan) -> None:
    """The vectorised count of the first weeks against a plain replay, line by line."""
    levels: dict[tuple[int, int], int] = {}
    for chunk in plan.opening_stock():
        rows = zip(chunk.location.tolist(), chunk.product.tolist(), chunk.quantity.tolist(), strict=True)
        levels.update(((place, product), quantity) for place, product, quantity in rows)
    found = np.zeros(365, np.int64)
    day_at = [mark.position for mark in plan.days]
    until = plan.weeks[6].position
    for chunk in plan.baskets(until=until, chunk=100_000):
        arrived = plan.receipts(chunk.week)
        rows = zip(arrived.location.tolist(), arrived.product.tolist(), arrived.quantity.tolist(), strict=True)
        for place, product, quantity in rows:
            levels[place, product] = levels.get((place, product), 0) + quantity
        for basket in chunk.baskets():
            place = int(plan.source[basket.position])
            for line in basket.lines:
                if line.kind is LineKind.ITEM:
                    levels[place, line.product] -= line.quantity
                    if levels[place, line.product] < 0:
                        found[np.searchsorted(day_at, basket.position, side="right") - 1] += 1
    played = np.searchsorted(day_at, until)
    assert found[:played].tolist() == plan.stock.shortages[:played].tolist()
    assert found.sum() > 0


def test_places_are_apart_on_the_map_with_hours_that_cover_their_sales(plan: Plan) -> None:
    assert len({place.code for place in plan.places}) == len({place.name for place in plan.places}) == 460
    assert len({(place.latitude, place.longitude) for place in plan.places}) == 460
    assert [place.kind for place in plan.places[:4]] == [PlaceKind.WAREHOUSE] * 3 + [PlaceKind.STORE]
    for place in plan.places:
        assert ZoneInfo(place.time_zone).key == place.time_zone
        assert 36 < place.latitude < 48
        assert -91 < place.longitude < -77
    busiest = min(plan.stores, key=lambda store: store.rank)
    assert (busiest.code, busiest.name) == ("S0367", "Columbus – 1")
    assert sorted(store.rank for store in plan.stores) == list(range(1, 458))
    hour = stream.local_hours(plan.year.at) % 24
    opens = np.array([int(store.opens[:2]) for store in plan.stores])[plan.year.store]
    closes = np.array([int(store.closes[:2]) for store in plan.stores])[plan.year.store]
    assert ((opens <= hour) & (hour < closes)).all()


def test_every_channel_draws_on_places_that_exist(plan: Plan) -> None:
    codes = {place.code for place in plan.places}
    assert [setup.channel for setup in plan.channels] == list(CHANNELS)
    for setup in plan.channels:
        flat = [code for group in setup.pool for code in group]
        assert len(flat) == len(set(flat))
        assert set(flat) <= codes
        assert setup.fact == (setup.channel in {Channel.POS, Channel.MARKETPLACE})


def test_products_read_as_a_person_would_write_them(plan: Plan) -> None:
    listed = [product for chunk in plan.products() for product in chunk]
    assert len({product.sku for product in listed}) == 92_331
    ice = listed[0]
    assert (ice.sku, ice.name, ice.brand) == ("25671", "Ice – Crushed/Cubed, 22 lb", "National")
    assert ice.path == ("Grocery", "Frozen Ice", "Ice – Crushed/Cubed")
    assert ice.path_fr[0] == "Épicerie"
    assert all(product.name.strip() == product.name != "" for product in listed)
    assert all(product.price is None for product in listed if not product.sold)
    assert sum(product.price is not None for product in listed) == 68_170
    assert {product.brand for product in listed} == {"National", "Private"}
    gallon = [product.price for product in listed if product.weighed and product.price]
    assert all(200 < price < 300 for price in gallon)


def test_prices_are_the_median_of_what_was_asked(plan: Plan) -> None:
    year = plan.year
    counted = (year.kind == ITEM) & ~plan.catalogue.weighed[year.product]
    index = int(np.bincount(year.product[counted]).argmax())
    lines = counted & (year.product == index)
    amount = (year.total + year.retail + year.coupon_match)[lines]
    unit = (amount + year.quantity[lines] // 2) // year.quantity[lines]
    expected = np.sort(unit[amount > 0])
    assert int(plan.catalogue.price[index]) == int(expected[(len(expected) - 1) // 2])


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("FRZN MEAT/MEAT DINNERS", "Frozen Meat/Meat Dinners"),
        ("BREAD:ITALIAN/FRENCH", "Bread – Italian/French"),
        ("CANDY BARS (SINGLES)(INCLUDING", "Candy Bars (Singles)"),
        ("MISC. DAIRY", "Miscellaneous Dairy"),
        ("BEERALEMALT LIQUORS", "Beer, Ale & Malt Liquors"),
    ],
)
def test_clipped_capitals_become_words(raw: str, words: str) -> None:
    assert wording.words(raw) == words


def test_households_are_numbers_and_what_the_survey_says_of_them(plan: Plan) -> None:
    assert plan.households[0].number == "H0001"
    assert "age:65+" in plan.households[0].tags
    assert sum(bool(household.tags) for household in plan.households) == 801


def test_the_same_plan_every_time(plan: Plan) -> None:
    again = build()
    assert again.places == plan.places
    assert again.households == plan.households
    for name in ("channel", "pickup", "kind", "start", "product"):
        assert (getattr(again.year, name) == getattr(plan.year, name)).all()
    assert (again.source == plan.source).all()
    for ours, theirs in ((again.stock.opening, plan.stock.opening), (again.stock.receipts, plan.stock.receipts)):
        assert (ours.location == theirs.location).all()
        assert (ours.product == theirs.product).all()
        assert (ours.quantity == theirs.quantity).all()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_planning_the_year_takes_less_than_250_mb_and_never_imports_pandas() -> None:
    script = (
        "import pathlib, sys; from comptoir.surfaces.demo.plan import build; plan = build();"
        "assert sum(len(chunk.total) for chunk in plan.baskets()) == 1_469_307; assert 'pandas' not in sys.modules;"
        "print(pathlib.Path('/proc/self/status').read_text())"
    )
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    peak = next(line for line in ran.stdout.splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 250 * 1024


class TestPace:
    def test_at_a_thousand_times_an_hour_takes_three_and_a_half_seconds(self) -> None:
        pace = Pace(1_000, data=500_000, wall=10)
        assert pace.due(500_000 + 3_600) == pytest.approx(13.6)
        assert pace.reached(13.6) == pytest.approx(503_600)
        assert pace.wait(503_600, wall=12) == pytest.approx(1.6)
        assert pace.wait(503_600, wall=20) == 0

    def test_without_limit_everything_is_due_at_once(self) -> None:
        pace = Pace(UNLIMITED, data=0, wall=10)
        assert pace.wait(10**9, wall=10) == 0
        assert pace.reached(10) == math.inf

    def test_a_change_of_speed_goes_on_from_where_the_year_is(self) -> None:
        pace = Pace(1_000, data=0, wall=0).changed(wall=5, next_at=9_000, speed=2_000)
        assert pace.reached(5) == pytest.approx(5_000)
        assert pace.reached(6) == pytest.approx(7_000)

    def test_a_player_that_lags_behind_goes_on_from_what_it_plays_next(self) -> None:
        assert Pace(UNLIMITED, data=0, wall=0).changed(wall=5, next_at=123, speed=1_000).reached(5) == pytest.approx(123)
        assert Pace(1_000, data=0, wall=0).changed(wall=5, next_at=100, speed=2_000).reached(5) == pytest.approx(100)

    def test_a_paused_year_stands_still_and_goes_on(self) -> None:
        paused = Pace(1_000, data=0, wall=0).changed(wall=1, next_at=2_000, paused=True)
        assert paused.reached(100) == pytest.approx(1_000)
        assert paused.due(1_500) == math.inf
        assert paused.changed(wall=100, next_at=2_000, paused=False).due(2_000) == pytest.approx(101)

    @pytest.mark.parametrize("speed", [-1, 0.5, math.inf, math.nan])
    def test_impossible_speeds_are_refused(self, speed: float) -> None:
        with pytest.raises(ValueError, match="a speed is 0"):
            Pace(speed, data=0, wall=0)
