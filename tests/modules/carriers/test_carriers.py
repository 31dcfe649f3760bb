from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from comptoir.kernel.errors import Invalid, Stale
from comptoir.kernel.ids import uuid7
from comptoir.modules.carriers import api
from comptoir.modules.carriers.contracts import (
    CarrierServiceChanged,
    CarrierServiceDraft,
    CarrierServiceFilter,
    CarrierServiceId,
    Origins,
    Service,
    Zone,
)
from comptoir.modules.carriers.errors import CarrierServiceCodeTaken, UnknownCarrierService
from comptoir.runtime.database import Database

NEAR, FAR = Zone(100, 490, 50, 1), Zone(1_000.5, 690, 80, 3)
HOME = CarrierServiceDraft(
    code="colis-home", name="Colis à domicile", zones=(NEAR, FAR), countries=("FR", "BE"), max_weight=30_000, carbon=0.07
)


async def test_a_service_is_read_back_as_it_was_made(database: Database) -> None:
    async with database.transaction() as tx:
        made = await api.create(tx, HOME)
        assert tx.emitted == [CarrierServiceChanged(carrier_service_id=made.id, code="colis-home", created=True)]
        quick = await api.create(tx, replace(HOME, code="chrono", name="", service=Service.EXPRESS, countries=()))
    async with database.read() as reader:
        assert await api.get(reader, made.id) == made
        assert await api.everything(reader) == [quick, made]
        page = await api.find(reader, CarrierServiceFilter(search="domicile"))
        assert page.items == [made]
        assert (await api.find(reader, CarrierServiceFilter(service=Service.EXPRESS))).items == [quick]
        assert (await api.find(reader, CarrierServiceFilter(active=False))).items == []
    assert (made.zones, made.countries, made.delivers) == (HOME.zones, ("FR", "BE"), HOME.delivers)
    assert (quick.name, quick.version) == ("chrono", 1)


async def test_everything_that_is_wrong_with_a_service_is_said_at_once(database: Database) -> None:
    wrong = CarrierServiceDraft(
        code="a b",
        service=Service.PICKUP,
        zones=(Zone(500, -1, 0, 1), Zone(100, 0, 0, 999), Zone(float("nan"), 0, 0, 1)),
        countries=("France",),
        max_weight=0,
        carbon=-1,
        delivers=(False,) * 7,
    )
    async with database.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await api.create(tx, wrong)
        with pytest.raises(Invalid):
            await api.create(tx, replace(HOME, zones=()))
    errors: Any = refused.value.data["errors"]
    assert {error["path"] for error in errors} == {
        "code",
        "service",
        "zones",
        "zones[0].base",
        "zones[1].days",
        "zones[2].up_to_km",
        "countries",
        "max_weight",
        "carbon",
        "delivers",
    }


async def test_a_service_changes_only_from_the_version_that_was_seen(database: Database) -> None:
    async with database.transaction() as tx:
        made = await api.create(tx, HOME)
        before = await api.version(tx)
        changed = await api.update(tx, made.id, replace(made, zones=(NEAR,), active=False), version=1)
        assert (changed.zones, changed.active, changed.version) == ((NEAR,), False, 2)
        assert await api.version(tx) == before + 1
        with pytest.raises(Stale):
            await api.update(tx, made.id, HOME, version=1)


async def test_a_code_names_one_service(database: Database) -> None:
    async with database.transaction() as tx:
        await api.create(tx, HOME)
        with pytest.raises(CarrierServiceCodeTaken):
            await api.create(tx, HOME)
        other = await api.create(tx, replace(HOME, code="other"))
    async with database.transaction() as tx:
        with pytest.raises(CarrierServiceCodeTaken):
            await api.update(tx, other.id, HOME)
    async with database.transaction() as tx:
        with pytest.raises(UnknownCarrierService):
            await api.update(tx, CarrierServiceId(uuid7()), replace(HOME, code="third"))


async def test_where_a_service_collects_is_read_back(database: Database) -> None:
    place = uuid7()
    said = Origins(locations=(place, place), kinds=("store",), countries=("fr",))
    async with database.transaction() as tx:
        made = await api.create(tx, replace(HOME, origins=said))
        assert made.origins == Origins(locations=(place,), kinds=("store",), countries=("FR",))
        assert (await api.update(tx, made.id, replace(made, origins=Origins()))).origins == Origins()
        with pytest.raises(Invalid) as refused:
            await api.create(tx, replace(HOME, code="b", origins=Origins(kinds=("a shop",), countries=("France",))))
    errors: Any = refused.value.data["errors"]
    assert {error["path"] for error in errors} == {"origins.kinds", "origins.countries"}
