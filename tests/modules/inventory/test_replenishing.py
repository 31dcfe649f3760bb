"""Replenishment: the arithmetic has laws, the database does the same sums, and what is accepted or dismissed stays so."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.errors import Invalid
from comptoir.modules.inventory import api
from comptoir.modules.inventory.contracts import (
    EntryKind,
    Movement,
    Proposal,
    ProposalFilter,
    ProposalId,
    ProposalState,
    Quantity,
    ReplenishmentTerms,
    SafetyStock,
    TransferState,
)
from comptoir.modules.inventory.errors import ProposalGone
from comptoir.modules.inventory.replenishment_domain import Shelf, need, share, spare
from comptoir.modules.locations.contracts import LocationId, LocationKind
from comptoir.runtime.database import Database
from support.shop import Shop

_units = st.integers(-50, 500)
_more = st.integers(0, 200)
_shelves = st.builds(
    lambda free, safety, incoming, leaving, sold, weeks: Shelf(
        free=free, safety=safety, incoming=incoming, leaving=leaving, sold=sold, days=weeks * 7
    ),
    _units, _more, _more, _more, st.integers(0, 2000), st.integers(1, 8),
)  # fmt: skip
_days = st.tuples(st.integers(1, 60), st.integers(1, 60)).map(sorted)
_multiples = st.integers(1, 24)


@given(_shelves, _days, _multiples)
def test_nothing_is_needed_where_it_lasts_and_enough_otherwise(shelf: Shelf, days: list[int], multiple: int) -> None:
    reorder, cover = days
    units = need(shelf, cover=cover, reorder=reorder, multiple=multiple)
    there = shelf.free + shelf.incoming - shelf.leaving
    assert (units > 0) == (there < shelf.lasting(reorder))
    assert units % multiple == 0
    if units:
        assert there + units >= shelf.lasting(cover)
        assert there + units - multiple < shelf.lasting(cover), "not a pack more than it takes"


@given(_shelves, st.integers(0, 60), _multiples)
def test_nobody_gives_what_they_need_themselves(shelf: Shelf, keep: int, multiple: int) -> None:
    units = spare(shelf, keep=keep, multiple=multiple)
    assert units >= 0
    assert units % multiple == 0
    if units:
        assert shelf.free - shelf.leaving - units >= shelf.lasting(keep)


@given(st.lists(st.integers(0, 30), max_size=6), st.lists(st.integers(0, 30), max_size=6))
def test_what_is_shared_is_what_there_is_or_what_is_wanted(spares: list[int], needs: list[int]) -> None:
    shares = share(spares, needs)
    given_by, got_by = Counter[int](), Counter[int]()
    for one in shares:
        assert one.units > 0
        given_by[one.donor] += one.units
        got_by[one.needer] += one.units
    assert all(given_by[n] <= units for n, units in enumerate(spares))
    assert all(got_by[n] <= units for n, units in enumerate(needs))
    assert given_by.total() == min(sum(spares), sum(needs))
    for n, units in got_by.items():
        assert units
        assert all(got_by[m] == needs[m] for m in range(n)), "who comes first is served first"


@pytest.fixture
def shop(database: Database) -> Shop:
    return Shop(database)


async def network(shop: Shop, stores: int = 3, **more: object) -> None:
    await shop.location("depot")
    for n in range(stores):
        code = f"s{n}"
        await shop.location(code, LocationKind.STORE)
        terms = ReplenishmentTerms(
            source_id=shop.locations["depot"],
            location_id=shop.locations[code],
            **more,  # pyright: ignore[reportArgumentType]
        )
        async with shop.database.transaction() as tx:
            await api.put_replenishment(tx, terms)


async def sells(shop: Shop, sku: str, code: str, units: int, *, days_ago: float = 3) -> None:
    """So many left over the counter, some days ago; what was on hand before comes back on hand."""
    async with shop.database.transaction() as tx:
        movement = Movement(EntryKind.SOLD, sku, shop.locations[code], on_hand=-units, reason="test")
        await api.record(tx, [movement])
        await tx.run(
            "UPDATE inventory.entries SET at = at - %(age)s WHERE tx = pg_current_xact_id()", {"age": timedelta(days=days_ago)}
        )


async def proposed(shop: Shop, **more: object) -> list[Proposal]:
    async with shop.database.transaction() as tx:
        await api.propose(tx)
    return await listed(shop, **more)


async def listed(shop: Shop, **more: object) -> list[Proposal]:
    async with shop.database.read() as reader:
        return (await api.find_proposals(reader, ProposalFilter(**more), sort="sku", limit=200)).items  # pyright: ignore[reportArgumentType]


async def test_a_store_that_runs_out_is_filled_up_from_its_warehouse(shop: Shop) -> None:
    await network(shop)
    await shop.receive("TEA", "depot", 100)
    await shop.receive("TEA", "s0", 16)
    await sells(shop, "TEA", "s0", 14)
    (one,) = await proposed(shop)
    assert (one.from_location_id, one.to_location_id) == (shop.locations["depot"], shop.locations["s0"])
    assert (one.sold, one.days, one.free, one.lasts, one.quantity, one.wanted) == (14, 28, 2, 4, 5, 5)


async def test_what_sold_long_ago_does_not_count_nor_what_lasts(shop: Shop) -> None:
    await network(shop)
    await shop.receive("TEA", "depot", 100)
    await shop.receive("TEA", "s0", 50)
    await sells(shop, "TEA", "s0", 48, days_ago=29)
    await shop.receive("TEA", "s1", 60)
    await sells(shop, "TEA", "s1", 28)
    assert await proposed(shop) == []


async def test_the_warehouse_gives_no_more_than_it_can_spare_and_first_to_who_runs_out_first(shop: Shop) -> None:
    await network(shop)
    depot = shop.locations["depot"]
    await shop.receive("TEA", "depot", 20)
    async with shop.database.transaction() as tx:
        await api.set_safety(tx, depot, [SafetyStock("TEA", 4)])
        await api.mark_damaged(tx, depot, [Quantity("TEA", 2)], "test")
    for code, there in (("s0", 30), ("s1", 29), ("s2", 28)):
        await shop.receive("TEA", code, there)
        await sells(shop, "TEA", code, 28)
    found = {one.to_location_id: one.quantity for one in await proposed(shop)}
    assert found == {shop.locations["s2"]: 14}, "14 of 20 are free, and the empty one comes first"


async def test_packs_are_not_broken(shop: Shop) -> None:
    await network(shop)
    await shop.receive("TEA", "depot", 17)
    await shop.receive("TEA", "s0", 28)
    await sells(shop, "TEA", "s0", 28)
    async with shop.database.transaction() as tx:
        await api.put_packs(tx, {"TEA": 6})
        assert await api.packs(tx, ["TEA", "X"]) == {"TEA": 6}
    (one,) = await proposed(shop)
    assert (one.quantity, one.wanted) == (12, 18)


async def test_a_store_with_too_much_helps_where_the_warehouse_cannot(shop: Shop) -> None:
    await network(shop, overstock_days=30)
    await shop.receive("TEA", "depot", 4)
    await shop.receive("TEA", "s0", 28)
    await sells(shop, "TEA", "s0", 28)
    await shop.receive("TEA", "s1", 228)
    await sells(shop, "TEA", "s1", 28)
    found = {(one.from_location_id, one.to_location_id): one.quantity for one in await proposed(shop)}
    s0, s1, depot = (shop.locations[code] for code in ("s0", "s1", "depot"))
    assert found == {(depot, s0): 4, (s1, s0): 10}


async def test_what_is_planned_is_not_proposed_again(shop: Shop) -> None:
    await network(shop)
    await shop.receive("TEA", "depot", 100)
    await shop.receive("TEA", "s0", 28)
    await sells(shop, "TEA", "s0", 28)
    (one,) = await proposed(shop)
    async with shop.database.transaction() as tx:
        (transfer,) = await api.accept_proposals(tx, {one.id: 13})
    assert (transfer.state, [(line.sku, line.quantity) for line in transfer.lines]) == (TransferState.DRAFT, [("TEA", 13)])
    assert await proposed(shop) == []
    (done,) = await listed(shop, states=(ProposalState.ACCEPTED,))
    assert (done.transfer_id, done.quantity) == (transfer.id, 13)
    async with shop.database.transaction() as tx:
        await api.send_transfer(tx, transfer.id)
    assert await proposed(shop) == []
    with pytest.raises(ProposalGone):
        async with shop.database.transaction() as tx:
            await api.accept_proposals(tx, {one.id: None})


async def test_what_somebody_did_not_want_is_left_alone_for_a_while(shop: Shop) -> None:
    await network(shop, quiet_days=5)
    await shop.receive("TEA", "depot", 100)
    await shop.receive("TEA", "s0", 28)
    await sells(shop, "TEA", "s0", 28)
    (one,) = await proposed(shop)
    async with shop.database.transaction() as tx:
        assert await api.dismiss_proposals(tx, [one.id]) == 1
    assert await proposed(shop) == []
    async with shop.database.transaction() as tx:
        await tx.run("UPDATE inventory.dismissals SET until = until - interval '5 days'")
    assert len(await proposed(shop)) == 1


async def test_accepting_makes_one_transfer_for_each_way(shop: Shop) -> None:
    await network(shop)
    for sku in ("TEA", "CUP"):
        await shop.receive(sku, "depot", 100)
        for code in ("s0", "s1"):
            await shop.receive(sku, code, 28)
            await sells(shop, sku, code, 28)
    found = await proposed(shop)
    assert len(found) == 4
    async with shop.database.read() as reader:
        runs = await api.proposed(reader)
        own = await api.proposed(reader, [shop.locations["s0"]])
    assert [(run.lines, run.units) for run in runs] == [(2, 28), (2, 28)]
    assert [run.to_location_id for run in own] == [shop.locations["s0"]]
    async with shop.database.transaction() as tx:
        made = await api.accept_proposals(tx, {one.id: None for one in found})
    assert sorted(len(transfer.lines) for transfer in made) == [2, 2]


async def test_terms_are_checked_and_a_pools_hold_for_its_stores(shop: Shop) -> None:
    await shop.market()
    await shop.location("depot")
    await shop.location("s0", LocationKind.STORE)
    terms = await shop.channel("web", ["depot", "s0"])
    del terms
    depot, store = shop.locations["depot"], shop.locations["s0"]
    async with shop.database.transaction() as tx:
        for wrong in (
            ReplenishmentTerms(source_id=depot),
            ReplenishmentTerms(source_id=depot, location_id=depot),
            ReplenishmentTerms(source_id=depot, location_id=store, cover_days=3, reorder_days=5),
            ReplenishmentTerms(source_id=depot, location_id=store, cover_days=14, overstock_days=7),
            ReplenishmentTerms(source_id=depot, location_id=store, weeks=0),
        ):
            with pytest.raises(Invalid):
                await api.put_replenishment(tx, wrong)
        pool = await tx.value("SELECT id FROM locations.pools")
        await api.put_replenishment(tx, ReplenishmentTerms(source_id=depot, pool_id=pool))
        assert [one.pool_id for one in await api.replenishment(tx)] == [pool]
        with pytest.raises(Invalid):
            await api.put_packs(tx, {"TEA": 0})
        with pytest.raises(Invalid):
            await api.accept_proposals(tx, {})
    await shop.receive("TEA", "depot", 100)
    await shop.receive("TEA", "s0", 28)
    await sells(shop, "TEA", "s0", 28)
    assert [one.to_location_id for one in await proposed(shop)] == [store]
    async with shop.database.transaction() as tx:
        await api.put_replenishment(tx, ReplenishmentTerms(source_id=depot, location_id=store, active=False, cover_days=30))
    assert [one.quantity for one in await proposed(shop)] == [14], "what is switched off leaves it to the pool's"


@pytest.mark.parametrize("seed", range(4))
async def test_the_database_does_the_same_sums(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    await network(shop, stores=5, cover_days=20, reorder_days=10, overstock_days=25, keep_days=3)
    multiples = {"A": 1, "B": 6, "C": 4}
    shelves: dict[tuple[str, str], Shelf] = {}
    async with shop.database.transaction() as tx:
        await api.put_packs(tx, multiples)
    for sku in multiples:
        for code in ("depot", "s0", "s1", "s2", "s3", "s4"):
            sold, left = chance.choice([0, 3, 14, 40, 95]), chance.choice([0, 1, 5, 30, 120])
            safety = chance.choice([0, 0, 2, 7])
            await shop.receive(sku, code, sold + left)
            if sold:
                await sells(shop, sku, code, sold)
            async with shop.database.transaction() as tx:
                await api.set_safety(tx, shop.locations[code], [SafetyStock(sku, safety)])
            shelves[sku, code] = Shelf(free=left, safety=safety, sold=sold, days=28)
    expected: dict[tuple[str, LocationId, LocationId], int] = {}
    for sku, multiple in multiples.items():
        wanted = sorted(
            (shelf.free * 28 / shelf.sold if shelf.sold else -1.0, shop.locations[code],
             need(shelf, cover=20, reorder=10, multiple=multiple))
            for (name, code), shelf in shelves.items()
            if name == sku and code != "depot"
        )  # fmt: skip
        needs = [(place, units) for _, place, units in wanted if units]
        own = spare(shelves[sku, "depot"], keep=3, multiple=multiple)
        others = sorted(
            (-spare(shelf, keep=25, multiple=multiple), shop.locations[code])
            for (name, code), shelf in shelves.items()
            if name == sku and code != "depot"
        )
        spares = [(shop.locations["depot"], own), *[(place, -units) for units, place in others if units]]
        for one in share([units for _, units in spares], [units for _, units in needs]):
            expected[sku, spares[one.donor][0], needs[one.needer][0]] = one.units
    found = {(one.sku, one.from_location_id, one.to_location_id): one.quantity for one in await proposed(shop)}
    assert found == expected
    assert found
    given = defaultdict[tuple[str, LocationId], int](int)
    for (sku, origin, _), units in found.items():
        given[sku, origin] += units
    codes = {key: code for code, key in shop.locations.items()}
    for (sku, origin), units in given.items():
        shelf = shelves[sku, codes[origin]]
        assert shelf.free - units >= shelf.safety


async def test_an_unknown_proposal_is_gone(shop: Shop) -> None:

    with pytest.raises(ProposalGone):
        async with shop.database.transaction() as tx:
            await api.dismiss_proposals(tx, [ProposalId(uuid4())])
