from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.errors import Invalid, Stale
from comptoir.kernel.ids import ActorId, uuid7
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue.contracts import Goods, Unit
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationDraft, LocationId, LocationKind
from comptoir.modules.routing import api
from comptoir.modules.routing.contracts import (
    Condition,
    Mode,
    Profile,
    Rating,
    Rules,
    RuleSet,
    RuleSetChanged,
    RuleSetDraft,
    RuleSetId,
    RuleSetState,
    SiteSettings,
    Splitting,
    Weight,
)
from comptoir.modules.routing.errors import RuleSetCodeTaken, RuleSetRetired, UnknownRuleSet
from comptoir.runtime.database import Context, Database

CHEAP = Rules(
    condition=Condition(channels=("web",), countries=("FR",), services=(Service.STANDARD,)),
    mode=Mode.WEIGHTED,
    ratings=(Weight(Rating.COST, 3.0), Weight(Rating.LOAD, 1.0, 0.1)),
    splitting=Splitting(2, 2_000),
    kinds=(LocationKind.WAREHOUSE,),
    excluded=(LocationId(UUID(int=7)),),
    safety=2,
    minimum_pick=1_500,
    max_distance=800.0,
    respect_capacity=False,
    insist_on_date=True,
)
DRAFT = RuleSetDraft(code="cheap", name="Cheapest first", rules=CHEAP, position=3, share=20)


async def test_a_rule_set_is_read_back_as_it_was_made(database: Database) -> None:
    async with database.transaction() as tx:
        made = await api.create(tx, DRAFT)
        assert tx.emitted == [RuleSetChanged(rule_set_id=made.id, code="cheap", state="draft", created=True)]
    async with database.read() as reader:
        assert await api.get(reader, made.id) == made
        assert (await api.find(reader, RuleSetState.DRAFT, "cheapest")).items == [made]
        assert await api.live(reader) == [], "a draft decides nothing"
    assert (made.rules, made.state, made.position, made.share) == (CHEAP, RuleSetState.DRAFT, 3, 20)


async def test_everything_that_is_wrong_with_a_rule_set_is_said_at_once(database: Database) -> None:
    wrong = replace(
        CHEAP,
        ratings=(Weight(Rating.COST, 0.0), Weight(Rating.COST, 1.0, -1.0)),
        splitting=Splitting(0, -1),
        kinds=(),
        safety=-1,
        max_distance=float("inf"),
    )
    async with database.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await api.create(tx, RuleSetDraft(code="", rules=wrong, share=101))
        with pytest.raises(Invalid):
            await api.create(tx, RuleSetDraft(code="none", rules=Rules(ratings=())))
    errors: Any = refused.value.data["errors"]
    assert {error["path"] for error in errors} == {
        "code",
        "share",
        "rules.ratings",
        "rules.ratings[0].weight",
        "rules.ratings[1].tolerance",
        "rules.splitting.parcels",
        "rules.splitting.least_value",
        "rules.kinds",
        "rules.safety",
        "rules.max_distance",
    }


async def test_what_a_rule_set_said_is_kept_with_who_said_it(database: Database) -> None:
    async with database.transaction(Context(actor=ActorId("user:1"))) as tx:
        made = await api.create(tx, DRAFT)
        await api.move(tx, made.id, RuleSetState.LIVE)
    async with database.transaction(Context(actor=ActorId("user:2"))) as tx:
        changed = await api.update(tx, made.id, replace(made, rules=Rules()), version=2)
        assert (changed.state, changed.version) == (RuleSetState.LIVE, 3)
        first, last = await api.said(tx, made.id, 1), await api.said(tx, made.id, 3)
        assert (first.rules, first.actor) == (CHEAP, "user:1")
        assert (last.rules, last.actor) == (Rules(), "user:2")
        with pytest.raises(UnknownRuleSet):
            await api.said(tx, made.id, 4)
        with pytest.raises(Stale):
            await api.update(tx, made.id, DRAFT, version=2)


async def test_a_rule_set_goes_live_and_back_and_is_retired_for_good(database: Database) -> None:
    async with database.transaction() as tx:
        made = await api.create(tx, DRAFT)
        live = await api.move(tx, made.id, RuleSetState.LIVE, version=1)
        assert await api.live(tx) == [live]
        assert await api.move(tx, made.id, RuleSetState.LIVE) == live, "it is so already"
        with pytest.raises(Stale):
            await api.move(tx, made.id, RuleSetState.DRAFT, version=1)
        assert (await api.move(tx, made.id, RuleSetState.DRAFT)).state is RuleSetState.DRAFT
        retired = await api.move(tx, made.id, RuleSetState.RETIRED)
        for step in (RuleSetState.LIVE, RuleSetState.DRAFT):
            with pytest.raises(RuleSetRetired):
                await api.move(tx, made.id, step)
        with pytest.raises(RuleSetRetired):
            await api.update(tx, made.id, DRAFT)
        assert await api.get(tx, made.id) == retired
        with pytest.raises(UnknownRuleSet):
            await api.move(tx, RuleSetId(uuid7()), RuleSetState.LIVE)


async def test_a_code_names_one_rule_set(database: Database) -> None:
    async with database.transaction() as tx:
        await api.create(tx, DRAFT)
        with pytest.raises(RuleSetCodeTaken):
            await api.create(tx, DRAFT)
        other = await api.create(tx, replace(DRAFT, code="other"))
    async with database.transaction() as tx:
        with pytest.raises(RuleSetCodeTaken):
            await api.update(tx, other.id, DRAFT)


async def test_a_location_has_settings_of_its_own_or_the_usual_ones(database: Database) -> None:
    async with database.transaction() as tx:
        paris, lyon = [
            await locations.create(
                tx, LocationDraft(code=code, name=code, kind=LocationKind.STORE, country="FR", time_zone="Europe/Paris")
            )
            for code in ("paris", "lyon")
        ]
        before = await api.version(tx)
        own = SiteSettings(location_id=paris.id, pick_cost=30, pack_cost=90, cut_off=17 * 60, works=(True,) * 7)
        await api.put_sites(tx, [own])
        assert await api.version(tx) == before + 1
        await api.put_sites(tx, [replace(own, pick_cost=40)])
        settings = await api.site_settings(tx, [paris.id, lyon.id])
        assert settings == {paris.id: replace(own, pick_cost=40), lyon.id: SiteSettings(location_id=lyon.id)}
        site, usual = await api.sites(tx, [paris, lyon], {lyon.id: 4})
        assert (site.code, site.pick_cost, site.cut_off, site.priority) == ("paris", 40, 17 * 60, 0)
        assert (usual.priority, usual.kind, usual.time_zone) == (4, LocationKind.STORE, "Europe/Paris")
        with pytest.raises(Invalid):
            await api.put_sites(tx, [own, own])
        with pytest.raises(Invalid):
            await api.put_sites(tx, [replace(own, pick_cost=-1, cut_off=1441, works=())])


def rule_set(code: str, *, position: int = 0, share: int = 100, **condition: Any) -> RuleSet:
    at: Any = None
    return RuleSet(
        id=RuleSetId(UUID(int=sum(code.encode()))),
        code=code,
        state=RuleSetState.LIVE,
        version=1,
        created_at=at,
        updated_at=at,
        position=position,
        share=share,
        rules=Rules(condition=Condition(**condition)),
    )


def test_the_first_that_is_meant_decides() -> None:
    quick = rule_set("quick", services=(Service.EXPRESS,))
    abroad = rule_set("abroad", position=1, countries=("BE", "DE"))
    web = rule_set("web", position=2, channels=("web",))
    live = [web, abroad, quick]

    def decides(channel: str, country: str, service: Service = Service.STANDARD) -> str:
        found = api.matching(live, UUID(int=1), Profile(channel, country, service))
        return "" if found is None else found.code

    assert decides("web", "FR", Service.EXPRESS) == "quick"
    assert decides("web", "BE") == "abroad"
    assert decides("web", "FR") == "web"
    assert decides("phone", "FR") == "", "nobody said anything about it"


def goods(*path: str) -> Goods:
    return Goods("X", Unit.UNIT, 0, 0, 0, 0, False, "", "", path)


def test_what_has_a_product_of_a_category_or_below_it_is_meant() -> None:
    food = Condition(categories=("Food > Dairy", "Drinks"))

    def meant(*paths: tuple[str, ...]) -> bool:
        return api.is_for(food, Profile("web", "FR", Service.STANDARD, api.categories_of([goods(*path) for path in paths])))

    assert meant(("Food", "Dairy", "Cheese"))
    assert meant(("Garden",), ("Drinks",))
    assert not meant(("Food", "Bread"))
    assert not meant(("Dairy",))
    assert not meant(())


@given(keys=st.lists(st.uuids(version=4), min_size=300, max_size=300, unique=True), share=st.integers(0, 100))
def test_a_share_of_the_orders_goes_one_way_and_always_the_same(keys: list[UUID], share: int) -> None:
    trial, rest = rule_set("trial", share=share), rule_set("rest", position=1)
    chosen = [api.matching([trial, rest], key, Profile("web", "FR", Service.STANDARD)) for key in keys]
    again = [api.matching([rest, trial], key, Profile("web", "FR", Service.STANDARD)) for key in keys]
    assert chosen == again
    found = sum(one is trial for one in chosen)
    assert abs(found - 3 * share) <= 60, "about so many, and exactly none or all at the ends"
    assert found == 3 * share or 0 < share < 100
