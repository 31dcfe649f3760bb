from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from comptoir.kernel.errors import Invalid, Stale
from comptoir.kernel.ids import uuid7
from comptoir.modules.locations import api
from comptoir.modules.locations.contracts import (
    LocationChanged,
    LocationDraft,
    LocationFilter,
    LocationId,
    LocationKind,
    PoolChanged,
    PoolDraft,
    Upserted,
)
from comptoir.modules.locations.errors import LocationCodeTaken, PoolCodeTaken, UnknownLocation, UnknownPool
from comptoir.runtime.database import Database

LYON = LocationDraft(
    code="LYO1",
    name="Lyon Part-Dieu",
    kind=LocationKind.STORE,
    country="FR",
    time_zone="Europe/Paris",
    city="Lyon",
    latitude=45.76,
    longitude=4.86,
    opening_hours=api.hours_from_json([[["10:00", "20:00"]]] * 6 + [[]]),
    pickup=True,
    daily_capacity=40,
)


def stores(count: int) -> list[LocationDraft]:
    return [replace(LYON, code=f"S{n:03}", name=f"Magasin {n}") for n in range(count)]


async def test_a_location_is_read_back_as_it_was_made(database: Database) -> None:
    async with database.transaction() as tx:
        made = await api.create(tx, LYON)
        assert tx.emitted == [LocationChanged(location_id=made.id, code="LYO1", created=True)]
    async with database.read() as reader:
        assert await api.get(reader, made.id) == made
        assert await api.by_code(reader, "LYO1") == made
    assert (made.version, made.city, made.opening_hours, made.daily_capacity) == (1, "Lyon", LYON.opening_hours, 40)


async def test_everything_that_is_wrong_with_a_location_is_said_at_once(database: Database) -> None:
    wrong = LocationDraft(
        code="\t",
        name="",
        kind="cave",  # pyright: ignore[reportArgumentType] - as it may come in
        country="France",
        time_zone="Paris",
        latitude=91.0,
        daily_capacity=-1,
        opening_hours=api.hours_from_json([[["12:00", "10:00"]], [["09:00", "12:00"], ["11:00", "13:00"]]]),
    )
    async with database.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await api.create(tx, wrong)
        assert not tx.emitted
    errors: Any = refused.value.data["errors"]
    paths = {error["path"] for error in errors}
    assert paths == {
        "code",
        "name",
        "kind",
        "country",
        "time_zone",
        "latitude",
        "daily_capacity",
        "opening_hours",
        "opening_hours[0]",
        "opening_hours[1]",
    }


async def test_a_code_names_one_location(database: Database) -> None:
    async with database.transaction() as tx:
        await api.create(tx, LYON)
        other = await api.create(tx, replace(LYON, code="LYO2"))
    async with database.transaction() as tx:
        with pytest.raises(LocationCodeTaken):
            await api.create(tx, LYON)
        assert not tx.emitted
    with pytest.raises(LocationCodeTaken):
        async with database.transaction() as tx:
            await api.update(tx, other.id, LYON)
    async with database.read() as reader:
        assert await api.get(reader, other.id) == other


async def test_a_change_on_an_old_version_is_refused_and_changes_nothing(database: Database) -> None:
    async with database.transaction() as tx:
        made = await api.create(tx, LYON)
    async with database.transaction() as tx:
        renamed = await api.update(tx, made.id, replace(made, name="Lyon Confluence"), version=1)
        assert (renamed.name, renamed.version) == ("Lyon Confluence", 2)
    async with database.transaction() as tx:
        with pytest.raises(Stale) as refused:
            await api.update(tx, made.id, replace(made, name="Lyon Bellecour"), version=1)
        assert refused.value.data["version"] == 2
    async with database.read() as reader:
        assert await api.get(reader, made.id) == renamed


async def test_a_location_that_nobody_made_is_unknown(database: Database) -> None:
    async with database.transaction() as tx:
        nobody = LocationId(uuid7())
        with pytest.raises(UnknownLocation):
            await api.get(tx, nobody)
        with pytest.raises(UnknownLocation):
            await api.update(tx, nobody, LYON)
        with pytest.raises(UnknownLocation):
            await api.by_code(tx, "LYO9")


async def test_a_bulk_tells_what_is_new_what_changed_and_what_was_so_already(database: Database) -> None:
    drafts = stores(457)
    async with database.transaction() as tx:
        assert await api.upsert(tx, drafts) == Upserted(created=457)
        assert len(tx.emitted) == 457
    async with database.transaction() as tx:
        assert await api.upsert(tx, drafts) == Upserted(unchanged=457)
        assert not tx.emitted
        changed = [replace(draft, ships=False) for draft in drafts[:3]] + stores(460)[457:]
        assert await api.upsert(tx, changed) == Upserted(created=3, changed=3)
        assert [event.code for event in tx.emitted if isinstance(event, LocationChanged)] == [d.code for d in changed]
    async with database.read() as reader:
        assert (await api.by_code(reader, "S000")).version == 2
        assert (await api.by_code(reader, "S003")).version == 1


async def test_a_bulk_with_one_bad_row_names_it_and_writes_none(database: Database) -> None:
    drafts = stores(3)
    drafts[1] = replace(drafts[1], country="")
    async with database.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await api.upsert(tx, drafts)
        errors: Any = refused.value.data["errors"]
        assert [error["path"] for error in errors] == ["[1].country"]
        assert (await api.count(tx, LocationFilter())).rows == 0


async def test_locations_are_searched_filtered_and_sorted(database: Database) -> None:
    async with database.transaction() as tx:
        await api.upsert(
            tx,
            [
                LYON,
                replace(LYON, code="EPI", name="Épinal", city="Épinal", kind=LocationKind.WAREHOUSE, pickup=False),
                replace(LYON, code="GEN", name="Genève", city="Genève", country="CH", time_zone="Europe/Zurich"),
            ],
        )

    async def found(sort: str = "code", **wanted: Any) -> list[str]:
        async with database.read() as reader:
            return [location.code for location in (await api.find(reader, LocationFilter(**wanted), sort=sort)).items]

    assert await found() == ["EPI", "GEN", "LYO1"]
    assert await found(sort="-name") == ["LYO1", "GEN", "EPI"]
    assert await found(search="epinal") == ["EPI"]
    assert await found(search="LYO") == ["LYO1"]
    assert await found(search="part dieu lyon") == ["LYO1"]
    assert await found(kind=LocationKind.STORE) == ["GEN", "LYO1"]
    assert await found(country="CH", pickup=True) == ["GEN"]
    assert await found(search="lyo1 \0") == []
    async with database.read() as reader:
        assert [location.code async for location in api.stream(reader, LocationFilter())] == ["EPI", "GEN", "LYO1"]


async def test_the_members_of_a_pool_come_by_priority_then_code(database: Database) -> None:
    async with database.transaction() as tx:
        await api.upsert(tx, stores(3))
        ids = await api.ids(tx, ["S000", "S001", "S002", "S999"])
        pool = await api.create_pool(tx, PoolDraft(code="web", members=[(ids["S002"], 1), (ids["S001"], 1), (ids["S000"], 2)]))
        assert tx.emitted[-1] == PoolChanged(pool_id=pool.id, code="web", created=True)
    assert [(member.code, member.priority) for member in pool.members] == [("S001", 1), ("S002", 1), ("S000", 2)]
    assert pool.name == "web"
    async with database.read() as reader:
        assert await api.pool(reader, pool.id) == await api.pool_by_code(reader, "web") == pool
        page = await api.find(reader, LocationFilter(pool=pool.id))
        assert len(page.items) == 3
        assert [(summary.code, summary.size) for summary in (await api.find_pools(reader)).items] == [("web", 3)]


async def test_the_members_of_a_pool_are_replaced_as_a_whole(database: Database) -> None:
    async with database.transaction() as tx:
        await api.upsert(tx, stores(3))
        ids = await api.ids(tx, ["S000", "S001", "S002"])
        web = await api.create_pool(tx, PoolDraft(code="web", members=[(ids["S000"], 0), (ids["S001"], 0)]))
        other = await api.create_pool(tx, PoolDraft(code="other", members=[(ids["S000"], 0)]))
    async with database.transaction() as tx:
        draft = PoolDraft(code="web", members=[(ids["S001"], 5), (ids["S002"], 0)])
        changed = await api.update_pool(tx, web.id, draft, version=1)
        assert [(member.code, member.priority) for member in changed.members] == [("S002", 0), ("S001", 5)]
        assert changed.version == 2
        assert await api.pool(tx, other.id) == other
        assert await api.put_pool(tx, draft) == changed
        assert len(tx.emitted) == 1
        with pytest.raises(Stale):
            await api.update_pool(tx, web.id, draft, version=1)
    with pytest.raises(PoolCodeTaken):
        async with database.transaction() as tx:
            await api.update_pool(tx, other.id, PoolDraft(code="web"))


async def test_a_pool_refuses_locations_that_there_are_not(database: Database) -> None:
    async with database.transaction() as tx:
        made = await api.create(tx, LYON)
        with pytest.raises(Invalid) as refused:
            await api.create_pool(tx, PoolDraft(code="web", members=[(made.id, 0), (LocationId(uuid7()), 0)]))
        assert refused.value.data["errors"] == [{"path": "members[1]", "message": "is no location"}]
        with pytest.raises(UnknownPool):
            await api.pool_by_code(tx, "web")


async def test_the_version_of_the_pools_moves_with_every_change_of_theirs(database: Database) -> None:
    async with database.transaction() as tx:
        stamps = [await api.pools_version(tx)]
        made = await api.create(tx, LYON)
        stamps.append(await api.pools_version(tx))
        pool = await api.create_pool(tx, PoolDraft(code="web", members=[(made.id, 0)]))
        stamps.append(await api.pools_version(tx))
        await api.update(tx, made.id, replace(made, active=False))
        stamps.append(await api.pools_version(tx))
        await api.update_pool(tx, pool.id, PoolDraft(code="web"))
        stamps.append(await api.pools_version(tx))
        await api.put_pool(tx, PoolDraft(code="web"))
        assert await api.pools_version(tx) == stamps[-1]
    assert stamps == sorted(set(stamps))
