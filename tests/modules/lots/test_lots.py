"""Lots beside the levels: what expires too soon is promised to nobody, a recall finds its orders, and everything adds up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import LineUnits
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Adjustment, AdjustReason, Quantity
from comptoir.modules.inventory.errors import InsufficientStock, QuantityTooLarge
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import api
from comptoir.modules.lots.contracts import Named, Shelf, ShelfFilter, Terms, Tracks, Why
from comptoir.modules.lots.domain import holds, shed, why_not
from comptoir.modules.lots.errors import LotDiffers, LotRefused, LotsNotAsked, TooManyInLots, UnknownLot
from comptoir.runtime.database import Database
from support.shop import Shop

TERMS = Terms("MILK", Tracks.EXPIRY, shelf_life_left=5, transit_days=2)


def in_days(n: int) -> date:
    return datetime.now(UTC).date() + timedelta(days=n)


@pytest_asyncio.fixture
async def shop(database: Database) -> Shop:
    shop = Shop(database)
    await shop.market()
    await shop.location("store")
    await shop.location("other")
    await shop.channel("web", ["store", "other"])
    await shop.product("MILK", 300, stock={"store": 10, "other": 4})
    await shop.product("SALT", 100, stock={"store": 10})
    async with database.transaction() as tx:
        await api.put_terms(tx, [TERMS])
    await shop.settle()
    return shop


async def named(shop: Shop, location: str, *rows: Named) -> None:
    async with shop.database.transaction() as tx:
        await api.name(tx, shop.locations[location], rows)


async def lying(shop: Shop) -> dict[tuple[str, LocationId], tuple[int, int]]:
    async with shop.database.read() as reader:
        found = (await api.find(reader, ShelfFilter(), limit=200)).items
        assert await api.audit(reader) == []
    return {(one.code, one.location_id): (one.on_hand, one.held) for one in found}


async def test_what_expires_too_soon_is_kept_from_buyers_and_comes_back_for_nobody(shop: Shop) -> None:
    store = shop.locations["store"]
    await named(shop, "store", Named("MILK", 3, "OLD", in_days(5)), Named("MILK", 4, "NEW", in_days(20)))
    assert await lying(shop) == {("OLD", store): (3, 3), ("NEW", store): (4, 0)}
    level = await shop.level("MILK", "store")
    assert (level.on_hand, level.quality, level.available) == (10, 3, 7)
    # Somebody who knows nothing of lots lets them go: they are held again.
    async with shop.database.transaction() as tx:
        await inventory.release_quality(tx, store, [Quantity("MILK", 3)])
    async with shop.database.transaction() as tx:
        assert await api.review(tx) is None
    assert (await shop.level("MILK", "store")).quality == 3
    with pytest.raises(InsufficientStock):
        await shop.place("web", {"MILK": 12})
    async with shop.database.transaction() as tx:
        await api.write_off(tx, store, "MILK", "OLD", 3)
    assert (await shop.level("MILK", "store"))[:5] == (7, 0, 0, 0, 0)
    assert await lying(shop) == {("NEW", store): (4, 0)}


async def test_a_recall_is_at_once_and_everywhere_and_finds_its_orders(shop: Shop) -> None:
    for location, units in (("store", 6), ("other", 4)):
        await named(shop, location, Named("MILK", units, "A", in_days(30)))
    await named(shop, "store", Named("MILK", 4, "B", in_days(40)))
    placed = await shop.place("web", {"MILK": 2})
    await shop.settle()
    (one,) = await shop.work(placed.id)
    async with shop.database.transaction() as tx:
        await fulfilment.pick(tx, one.id, [LineUnits(1, 2)])
        await api.pick(tx, one.id, 1, "A")
        with pytest.raises(TooManyInLots):
            await api.pick(tx, one.id, 1, "A", 2)
        await api.pick(tx, one.id, 1, "B")
    async with shop.database.transaction() as tx:
        await api.block(tx, "MILK", "A", "glass")
    assert (await shop.level("MILK", "store")).quality + (await shop.level("MILK", "other")).quality == 9
    async with shop.database.read() as reader:
        (got,) = (await api.orders_of(reader, "MILK", "A")).items
        assert (got.order_id, got.line_no, got.quantity) == (placed.id, 1, 1)
        assert {row.code for row in await api.of_order(reader, placed.id)} == {"A", "B"}
    async with shop.database.transaction() as tx:
        after = await fulfilment.unpick(tx, one.id, [LineUnits(1, 2)])
        await api.follow(tx, after)
        assert await api.of_order(tx, placed.id) == []
    assert sum(held for _, held in (await lying(shop)).values()) == 10
    async with shop.database.transaction() as tx:
        await fulfilment.pick(tx, one.id, [LineUnits(1, 1)])
        with pytest.raises(LotRefused) as refused:
            await api.pick(tx, one.id, 1, "A")
        assert refused.value.data["why"] == "blocked"
    async with shop.database.transaction() as tx:
        await api.unblock(tx, "MILK", "A")
    assert (await shop.level("MILK", "store")).quality == 0


async def test_a_label_says_the_lot_and_an_expired_one_is_refused(shop: Shop) -> None:
    code = "(01)04006381333931(17)310101(10)L7".replace("(", "").replace(")", "")
    label = catalogue.read_label(code)
    assert (label.lot, label.expires_on) == ("L7", date(2031, 1, 1))
    await named(shop, "store", Named("MILK", 5, "L7", date(2031, 1, 1)))
    placed = await shop.place("web", {"MILK": 2})
    await shop.settle()
    (one,) = await shop.work(placed.id)
    async with shop.database.transaction() as tx:
        await fulfilment.pick(tx, one.id, [LineUnits(1, 2)])
        await api.scanned(tx, one.id, "MILK", 1)
        await api.scanned(tx, one.id, code, 1)
        with pytest.raises(LotRefused):
            await api.scanned(tx, one.id, "010400638133393117200101" + "10OLD", 1)
        await api.scanned_on_walk(tx, [one.id], code, "MILK")
        await api.scanned_on_walk(tx, [one.id], code, "MILK")
    async with shop.database.read() as reader:
        assert [(row.code, row.quantity) for row in await api.of_order(reader, placed.id)] == [("L7", 2)]


async def test_what_is_not_so_is_refused_and_nothing_changes(shop: Shop) -> None:
    await named(shop, "store", Named("MILK", 5, "A", in_days(30)))
    before = await lying(shop)
    for row, refusal in (
        (Named("SALT", 1, "A"), LotsNotAsked),
        (Named("MILK", 6, "B"), TooManyInLots),
        (Named("MILK", 1, "A", in_days(31)), LotDiffers),
    ):
        with pytest.raises(refusal):
            await named(shop, "store", row)
    async with shop.database.transaction() as tx:
        with pytest.raises(UnknownLot):
            await api.block(tx, "MILK", "Z")
    assert await lying(shop) == before
    async with shop.database.transaction() as tx:
        await api.drop_terms(tx, "MILK")
    assert await lying(shop) == {}


async def test_what_leaves_unread_is_taken_to_be_what_expires_first(shop: Shop) -> None:
    store = shop.locations["store"]
    await named(shop, "store", Named("MILK", 4, "LATE", in_days(60)), Named("MILK", 6, "EARLY", in_days(30)))
    async with shop.database.transaction() as tx:
        await inventory.adjust(tx, store, [Adjustment("MILK", delta=-7)], AdjustReason.LOST)
        await api.review(tx)
    assert await lying(shop) == {("LATE", store): (3, 0)}


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_lots_are_no_more_than_what_is_on_hand(shop: Shop, seed: int) -> None:
    chance = Random(seed)
    places = [shop.locations["store"], shop.locations["other"]]
    async with shop.database.transaction() as tx:
        for _ in range(40):
            place, code, units = chance.choice(places), chance.choice("ABC"), chance.randint(1, 4)
            day = in_days({"A": 3, "B": 20, "C": 60}[code])
            try:
                match chance.randrange(9):
                    case 0:
                        await inventory.receive(tx, place, [Quantity("MILK", units)])
                    case 1 | 2:
                        await api.name(tx, place, [Named("MILK", units, code, day)])
                    case 3:
                        await inventory.adjust(tx, place, [Adjustment("MILK", delta=-units)], AdjustReason.LOST)
                    case 4:
                        await (api.block(tx, "MILK", code) if units > 2 else api.unblock(tx, "MILK", code))
                    case 5:
                        await api.adjust(tx, place, "MILK", code, units)
                    case 6:
                        await api.write_off(tx, place, "MILK", code, units)
                    case 7:
                        step = inventory.hold_quality if units > 2 else inventory.release_quality
                        await step(tx, place, [Quantity("MILK", units)])
                    case _:
                        other = places[place == places[0]]
                        made = await inventory.create_transfer(tx, place, other, [Quantity("MILK", units)])
                        await inventory.send_transfer(tx, made.id)
                        await inventory.receive_transfer(tx, made.id)
            except (TooManyInLots, UnknownLot, QuantityTooLarge, InsufficientStock):
                continue
            await api.review(tx)
            assert await api.audit(tx) == []
            shelves = (await api.find(tx, ShelfFilter(), limit=200)).items
            for location in places:
                here = [one for one in shelves if one.location_id == location]
                level = (await inventory.levels_at(tx, [("MILK", location)]))["MILK", location]
                assert sum(one.on_hand for one in here) <= max(0, level.on_hand)
                assert sum(one.held for one in here) <= level.quality
                room = level.on_hand - level.damaged
                barred = sum(one.on_hand for one in here if one.blocked or one.code == "A")
                assert sum(one.held for one in here) <= barred
                assert level.quality >= min(barred, room)


TODAY = date(2026, 3, 1)
HERE = LocationId(UUID(int=1))


@pytest.mark.parametrize(
    ("expires_on", "blocked", "expected"),
    [
        (None, False, None),
        (None, True, Why.BLOCKED),
        (date(2026, 2, 28), False, Why.EXPIRED),
        (date(2026, 3, 7), False, Why.TOO_SOON),
        (date(2026, 3, 8), False, None),
    ],
)
def test_a_lot_has_to_last_where_it_arrives(expires_on: date | None, *, blocked: bool, expected: Why | None) -> None:
    assert why_not(expires_on, TERMS, TODAY, blocked=blocked) is expected


_SHELVES = st.lists(
    st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(-10, 40), st.booleans()).map(
        lambda row: (max(row[0], row[1]), min(row[0], row[1]), row[2], row[3])
    ),
    max_size=6,
).map(
    lambda rows: [
        Shelf("MILK", str(n), HERE, TODAY + timedelta(days=d), b, total, held, datetime(2026, 1, 1, tzinfo=UTC))
        for n, (total, held, d, b) in enumerate(rows)
    ]
)


@given(_SHELVES, st.integers(0, 150), st.integers(-5, 60))
def test_what_is_gone_was_there_and_is_all_that_is_too_much(shelves: list[Shelf], excess: int, freed: int) -> None:
    gone = shed(shelves, excess, freed)
    by_code = {one.code: one for one in shelves}
    assert sum(units for units, _ in gone.values()) == min(excess, sum(one.on_hand for one in shelves))
    assert all(0 <= held <= min(units, by_code[code].held) for code, (units, held) in gone.items())
    assert all(units - held <= by_code[code].on_hand - by_code[code].held for code, (units, held) in gone.items())


@given(_SHELVES, st.integers(0, 100))
def test_what_is_held_is_barred_and_fits(shelves: list[Shelf], room: int) -> None:
    wanted = holds(shelves, TERMS, TODAY, room)
    barred = {one.code: one.on_hand for one in shelves if why_not(one.expires_on, TERMS, TODAY, blocked=one.blocked)}
    assert sum(wanted.values()) == min(room, sum(barred.values()))
    assert all(units <= barred.get(code, 0) for code, units in wanted.items())
