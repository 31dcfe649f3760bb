"""Lots on the road, on their way back, at the shelf and in the log of routing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import pytest_asyncio

from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import LineUnits
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Quantity, Transfer
from comptoir.modules.lots import api
from comptoir.modules.lots.contracts import Look, Named, ShelfFilter, Terms, Tracks
from comptoir.modules.lots.domain import earlier
from comptoir.modules.lots.errors import LotNotFirst, LotNotSaid, LotRecalled, LotRefused, LotsNotAsked, TooManyInLots
from comptoir.modules.lots.subscribers import consumers
from comptoir.modules.orders import api as orders
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import Fence
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.runtime.database import Database, Tx
from comptoir.surfaces.pools import pool_id_of
from support.consumers import drained
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
    async with database.transaction() as tx:
        rows = [Named("MILK", 3, "A", in_days(20)), Named("MILK", 4, "B", in_days(30)), Named("MILK", 1, "C", in_days(3))]
        await api.name(tx, shop.locations["store"], rows)
    return shop


async def lying(shop: Shop, location: str) -> dict[str, tuple[int, int]]:
    async with shop.database.read() as reader:
        assert await api.audit(reader) == []
        found = (await api.find(reader, ShelfFilter(location_ids=(shop.locations[location],)), limit=200)).items
    return {one.code: (one.on_hand, one.held) for one in found}


async def road(shop: Shop, transfer: Transfer) -> dict[str, tuple[int, int, int, bool]]:
    async with shop.database.read() as reader:
        return {one.code: (one.sent, one.received, one.missing, one.assumed) for one in await api.carried(reader, transfer.id)}


async def sent(tx: Tx, shop: Shop, units: int) -> Transfer:
    made = await inventory.create_transfer(tx, shop.locations["store"], shop.locations["other"], [Quantity("MILK", units)])
    return await inventory.send_transfer(tx, made.id)


async def test_what_is_sent_names_its_lots_and_arrives_in_them(shop: Shop) -> None:
    async with shop.database.transaction() as tx:
        transfer = await sent(tx, shop, 6)
        for wrong, refusal in (
            (Named("SALT", 1, "A"), LotsNotAsked),
            (Named("MILK", 7, "B"), TooManyInLots),
            (Named("MILK", 1, "C"), LotRefused),
        ):
            with pytest.raises(refusal):
                await api.follow_transfer(tx, transfer, [wrong])
        await api.follow_transfer(tx, transfer, [Named("MILK", 2, "B")])
    # Of eight units in lots four are left: two were said, what expires first is assumed, and two lay in no lot.
    assert await road(shop, transfer) == {"A": (2, 0, 0, True), "B": (2, 0, 0, False), "": (2, 0, 0, False)}
    assert await lying(shop, "store") == {"A": (1, 0), "B": (2, 0), "C": (1, 1)}
    async with shop.database.transaction() as tx:
        after = await inventory.receive_transfer(tx, transfer.id, [Quantity("MILK", 3)])
        await api.follow_transfer(tx, after, [Named("MILK", 1, "B"), Named("MILK", 1, "Z", in_days(40))])
    assert (await road(shop, transfer))["Z"] == (1, 1, 0, False), "one of those of which nobody knew"
    assert await lying(shop, "other") == {"A": (1, 0), "B": (1, 0), "Z": (1, 0)}
    async with shop.database.transaction() as tx:
        after = await inventory.receive_transfer(tx, transfer.id, [Quantity("MILK", 1)], close=True)
        await api.follow_transfer(tx, after)
        await api.follow_transfer(tx, after)
    found = await road(shop, transfer)
    assert sum(one[1] for one in found.values()) == 4
    assert sum(one[2] for one in found.values()) == 2
    assert await lying(shop, "other") == {"A": (2, 0), "B": (1, 0), "Z": (1, 0)}


async def test_a_lot_that_is_recalled_on_the_road_is_held_where_it_arrives(shop: Shop) -> None:
    async with shop.database.transaction() as tx:
        transfer = await sent(tx, shop, 4)
        await api.follow_transfer(tx, transfer, [Named("MILK", 3, "A")])
        await api.block(tx, "MILK", "A")
        after = await inventory.receive_transfer(tx, transfer.id)
        await api.follow_transfer(tx, after)
    assert (await lying(shop, "other"))["A"] == (3, 3)
    assert (await shop.level("MILK", "other")).available == 5


async def test_transfers_that_nobody_told_of_are_followed_by_their_events(shop: Shop) -> None:
    all_of_them = (*orders.consumers(shop.pool_of), *fulfilment.consumers(pool_id_of), *consumers())
    runner = ConsumerRunner(shop.database, all_of_them)
    await drained(shop.database, runner)
    async with shop.database.transaction() as tx:
        transfer = await sent(tx, shop, 8)
    await drained(shop.database, runner)
    assert await road(shop, transfer) == {"A": (3, 0, 0, True), "B": (3, 0, 0, True), "": (2, 0, 0, False)}
    async with shop.database.transaction() as tx:
        await inventory.receive_transfer(tx, transfer.id)
    await drained(shop.database, runner)
    assert await lying(shop, "other") == {"A": (3, 0), "B": (3, 0)}
    assert await lying(shop, "store") == {"B": (1, 0), "C": (1, 1)}


async def test_labels_that_are_scanned_at_either_end_say_the_lots(shop: Shop) -> None:
    def label(code: str, days: int) -> str:
        return f"010400638133393117{in_days(days):%y%m%d}10{code}"

    async with shop.database.transaction() as tx:
        made = await inventory.create_transfer(tx, shop.locations["store"], shop.locations["other"], [Quantity("MILK", 3)])
        for _ in range(2):
            await api.read_on_road(tx, made.id, "MILK", label("B", 30), leaving=True)
        with pytest.raises(LotRefused):
            await api.read_on_road(tx, made.id, "MILK", label("C", 3), leaving=True)
        await api.read_on_road(tx, made.id, "SALT", label("C", 3), leaving=True)
        await api.read_on_road(tx, made.id, "MILK", "4006381333931", leaving=True)
        await api.follow_transfer(tx, made)
        assert [(one.code, one.sent, one.read_out) for one in await api.carried(tx, made.id)] == [("B", 0, 2)]
        transfer = await inventory.send_transfer(tx, made.id)
        await api.follow_transfer(tx, transfer)
    assert await road(shop, transfer) == {"B": (2, 0, 0, False), "": (1, 0, 0, False)}
    async with shop.database.transaction() as tx:
        await api.read_on_road(tx, transfer.id, "MILK", label("B", 30), leaving=False)
        await api.read_on_road(tx, transfer.id, "MILK", label("C", 3), leaving=False)
        await api.follow_transfer(tx, transfer)
        after = await inventory.receive_transfer(tx, transfer.id)
        await api.follow_transfer(tx, after)
    assert await road(shop, transfer) == {"B": (2, 2, 0, False), "C": (1, 1, 0, False)}
    assert await lying(shop, "other") == {"B": (2, 0), "C": (1, 1)}


async def test_what_comes_back_says_its_lot_and_an_old_one_stays_off_the_shelf(shop: Shop) -> None:
    store = shop.locations["store"]
    placed = await shop.place("web", {"MILK": 2})
    await shop.settle()
    (one,) = await shop.work(placed.id)
    async with shop.database.transaction() as tx:
        await fulfilment.pick(tx, one.id, [LineUnits(1, 2)])
        with pytest.raises(LotNotSaid):
            await api.looked_at(tx, store, [Look("MILK", 1, order_id=placed.id)])
        await api.pick(tx, one.id, 1, "A", 2)
        assert await api.known_of(tx, placed.id, ["MILK", "SALT"]) == {"MILK": [Named("MILK", 2, "A")]}
        (known,) = await api.looked_at(tx, store, [Look("MILK", 1, order_id=placed.id), Look("SALT", 1)])
        assert (known.code, known.expires_on) == ("A", in_days(20))
        for read, why in ((Look("MILK", 1, "C"), "too_soon"), (Look("MILK", 1, "", in_days(-1)), "expired")):
            with pytest.raises(LotRefused) as refused:
                await api.looked_at(tx, store, [read])
            assert refused.value.data["why"] == why
        assert await api.looked_at(tx, store, [Look("MILK", 1, "C", sellable=False)]) == []
        await inventory.receive(tx, store, [Quantity("MILK", 1)])
        await api.on_the_shelf_again(tx, store, [known])
    assert (await lying(shop, "store"))["A"] == (2, 0)


async def test_a_lot_out_of_turn_is_taken_when_somebody_insists(shop: Shop) -> None:
    label = f"010400638133393117{in_days(30):%y%m%d}10B"
    placed = await shop.place("web", {"MILK": 2})
    await shop.settle()
    (one,) = await shop.work(placed.id)
    async with shop.database.transaction() as tx:
        await fulfilment.pick(tx, one.id, [LineUnits(1, 2)])
        with pytest.raises(LotNotFirst) as refused:
            await api.scanned(tx, one.id, label, 1, in_order=True)
        assert refused.value.data == {"sku": "MILK", "lot": "B", "first": "A", "expires_on": in_days(20).isoformat()}
        with pytest.raises(LotNotFirst):
            await api.scanned_on_walk(tx, [one.id], label, "MILK", in_order=True)
        await api.scanned(tx, one.id, label, 1)
        assert [row.code for row in await api.of_order(tx, placed.id)] == ["B"]
        here = (await api.lying(tx, one.location_id, ["MILK", "SALT"], tx.now))["MILK"]
    assert ([row.code for row in here.good], [row.code for row in here.barred]) == (["A", "B"], ["C"])
    assert earlier(here.good, "A", None) is None
    assert earlier(here.good, "NEW", in_days(25)) is here.good[0]
    assert earlier(here.good, "NEW", in_days(10)) is None


async def test_the_log_says_that_it_was_for_its_date(shop: Shop) -> None:
    async with shop.database.transaction() as tx:
        await api.name(tx, shop.locations["store"], [Named("MILK", 2, "D", in_days(4))])
        await api.name(tx, shop.locations["other"], [Named("MILK", 4, "D", None)])
        await api.block(tx, "MILK", "B", "glass")
    placed = await shop.place("web", {"MILK": 3})
    await shop.settle()
    async with shop.database.read() as reader:
        (logged,) = await routing.decisions(reader, placed.id)
        plain = await routing.explained(reader, logged.id)
        told = await routing.explained(reader, logged.id, api.withheld)
    assert [one.fence for one in plain.verdicts] == [None, Fence.STOCK]
    able, stopped = told.verdicts
    assert (able.site, able.withheld) == (shop.locations["store"], ())
    assert (stopped.site, stopped.fence, stopped.lacking) == (shop.locations["other"], Fence.EXPIRY, 3)
    assert [(row.lot, row.quantity, row.why, row.expires_on) for row in stopped.withheld] == [("D", 4, "too_soon", in_days(4))]
    # What is decided later sees what was so then.
    async with shop.database.transaction() as tx:
        await api.drop_terms(tx, "MILK")
    async with shop.database.read() as reader:
        again = await routing.explained(reader, logged.id, api.withheld)
    assert again.verdicts == told.verdicts


async def test_what_was_picked_before_its_recall_does_not_leave(shop: Shop) -> None:
    placed = await shop.place("web", {"MILK": 2})
    await shop.settle()
    (one,) = await shop.work(placed.id)
    async with shop.database.transaction() as tx:
        await fulfilment.pick(tx, one.id, [LineUnits(1, 2)])
        await api.pick(tx, one.id, 1, "A")
        await api.require_not_recalled(tx, one.id)
        await api.block(tx, "MILK", "A", "glass")
        with pytest.raises(LotRecalled) as refused:
            await api.require_not_recalled(tx, one.id)
        assert refused.value.data == {"sku": "MILK", "lot": "A", "units": 1}
        after = await fulfilment.unpick(tx, one.id, [LineUnits(1, 2)])
        await api.follow(tx, after)
        await api.require_not_recalled(tx, one.id)
    assert (await lying(shop, "store"))["A"] == (3, 3)
