"""The people of the demo: staff, buyers, customer service, suppliers and the buyers' desk, on a day or two of orders."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.lots import api as lots
from comptoir.modules.orders import api as orders
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.tracking import api as tracking
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.surfaces.demo import service, shelves, state, visitors, wishes
from comptoir.surfaces.demo.crew import Crew
from comptoir.surfaces.demo.dispatch import People
from comptoir.surfaces.demo.dropping import SUPPLIERS, dropped, source
from comptoir.surfaces.demo.furnishing import lively
from comptoir.surfaces.demo.plan import Plan
from comptoir.surfaces.demo.planning import Planner
from comptoir.surfaces.demo.player import Player
from comptoir.surfaces.demo.road import Road
from comptoir.surfaces.demo.service import CustomerService
from comptoir.surfaces.demo.shelves import Shelves
from comptoir.surfaces.demo.shift import Shift, luck
from comptoir.surfaces.demo.supply import Suppliers
from comptoir.surfaces.demo.visitors import Visitors
from comptoir.surfaces.demo.wishes import Wish
from comptoir.surfaces.pools import pool_id_of, pool_of
from support.consumers import drained
from support.replay import UNTIL, add_up, verdict

_ROUNDS = 10


async def test_whatever_people_do_the_year_is_the_data_sets_to_the_cent_and_everything_adds_up(
    shop: Database, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = (Wish(25, wishes.cancelled), Wish(50, wishes.without_one), Wish(60, wishes.express), Wish(70, wishes.elsewhere))
    monkeypatch.setattr(service, "_BEFORE", often)
    monkeypatch.setattr(visitors, "_KEPT", 0)
    keyring, stores = Keyring(b"k" * 32), [place.code for place in plan.stores]
    customer_service = CustomerService(shop)
    monkeypatch.setattr(
        customer_service, "_after", (Wish(40, wishes.broken), Wish(80, wishes.wrong), Wish(100, wishes.much_off))
    )
    people: list[Shift] = [
        Crew(shop, keyring, stores[:0]),
        Visitors(shop, keyring, stores),
        Road(shop, keyring),
        customer_service,
        Suppliers(shop),
        Planner(shop),
        Shelves(shop),
    ]
    monkeypatch.setattr(shelves, "_RECALLED_AT", 5)
    own = (*orders.consumers(pool_of), *fulfilment.consumers(pool_id_of), *tracking.consumers(), *purchasing.consumers(),
           *lots.consumers())  # fmt: skip
    followers = ConsumerRunner(shop, own)
    await drained(shop, followers)
    for one in people:
        assert await one.work(utcnow()) == 0, "as fast as it goes nobody watches"
    await Player(shop, plan).run(until=UNTIL)
    await drained(shop, followers)
    async with shop.transaction() as tx:
        await state.control(tx, speed=1_000.0)
    later = utcnow()
    for _ in range(_ROUNDS):
        later += timedelta(minutes=10)
        for one in people:
            await one.work(later)
        await drained(shop, followers)
    async with shop.read() as reader:
        stages = dict(await reader.rows("SELECT method || ' ' || stage, count(*) FROM fulfilment.orders GROUP BY 1"))
        kinds = dict(await reader.rows("SELECT kind || ' ' || state, count(*) FROM changes.changes GROUP BY 1"))
        added = await reader.value("SELECT count(*) FROM orders.lines WHERE unit_price = 0 AND kind = 'item' AND total = 0")
        handed = await reader.value("SELECT count(*) FROM fulfilment.handouts")
        recalled = await reader.rows("SELECT sku, code FROM lots.lots WHERE blocked_at IS NOT NULL")
        read = await reader.value("SELECT count(*) FROM lots.picks")
        assert await lots.audit(reader) == []
    assert handed > 0, "buyers came"
    assert (len(recalled), read > 0) == (1, True), "some have lots, which are read, and one lot is called back"
    assert stages["ship done"] > 10, stages
    assert {"edit confirmed", "claim confirmed"} <= kinds.keys(), kinds
    assert {key for key in kinds if key.startswith("cancel ")}, kinds
    assert added > 0, "something was sent again for nothing"
    assert (await verdict(shop, plan)).differences == ()
    await add_up(shop)
    async with shop.transaction(snapshot=True) as tx:
        assert (await fulfilment.audit(tx)).clean


def test_suppliers_have_what_only_goes_to_doors_and_what_they_and_buyers_see_to_is_left_to_them(plan: Plan) -> None:
    theirs = dropped(plan.year, plan.catalogue)
    assert 100 < int(theirs.sum()) < 3_000
    places, suppliers = [UUID(int=n) for n in range(5)], [UUID(int=100 + n) for n in range(len(SUPPLIERS))]
    where = source(places, suppliers, theirs)  # type: ignore[arg-type]
    product, other = int(theirs.argmax()), int(theirs.argmin())
    assert [where(place, product) for place in range(5)] == [*suppliers, *places[3:]]
    assert [where(place, other) for place in range(5)] == places
    people, codes = People(plan), lively(plan)
    baskets = [basket for chunk in plan.baskets(0, until=UNTIL) for basket in chunk.baskets()]
    left = [basket for basket in baskets if people.see_to(basket)]
    assert 0 < len(left) < len(baskets) // 10
    assert all(plan.stores[one.store].code in codes or any(theirs[line.product] for line in one.lines) for one in left)


def test_the_draws_of_an_id_are_always_the_same_and_have_nothing_to_do_with_each_other() -> None:
    key = UUID(int=987_654_321)
    assert [luck(key, draw) for draw in range(5)] == [21, 43, 65, 87, 9]
