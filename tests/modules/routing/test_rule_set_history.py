from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from comptoir.kernel.errors import Invalid, Stale
from comptoir.kernel.ids import ActorId, uuid7
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.routing import api
from comptoir.modules.routing.contracts import (
    Condition,
    KeptSettings,
    Rating,
    Rules,
    RuleSet,
    RuleSetDraft,
    RuleSetId,
    RuleSetState,
    SiteSettings,
    Weight,
)
from comptoir.modules.routing.errors import UnknownRuleSet
from comptoir.runtime.database import Context, Database

CHEAP = Rules(ratings=(Weight(Rating.COST),))
HERE = LocationId(UUID(int=7))


async def test_the_history_of_a_rule_set_has_all_that_it_said_the_latest_first(database: Database) -> None:
    async with database.transaction(Context(actor=ActorId("user:1"))) as tx:
        made = await api.create(tx, RuleSetDraft(code="web", name="Web", position=3, share=20))
    async with database.transaction(Context(actor=ActorId("user:2"))) as tx:
        await api.update(tx, made.id, replace(made, rules=CHEAP, share=50))
        await api.move(tx, made.id, RuleSetState.LIVE)
        await api.create(tx, RuleSetDraft(code="other"))
    async with database.read() as reader:
        page = await api.versions(reader, made.id)
        assert [(one.version, one.state, one.share, one.actor) for one in page.items] == [
            (3, RuleSetState.LIVE, 50, "user:2"),
            (2, RuleSetState.DRAFT, 50, "user:2"),
            (1, RuleSetState.DRAFT, 20, "user:1"),
        ]
        assert [one.rules for one in page.items] == [CHEAP, CHEAP, Rules()]
        assert (page.items[2].code, page.items[2].name, page.items[2].position) == ("web", "Web", 3)
        first = await api.versions(reader, made.id, limit=2)
        rest = await api.versions(reader, made.id, limit=2, cursor=first.next)
        assert [one.version for one in (*first.items, *rest.items)] == [3, 2, 1]
        assert await api.said(reader, made.id, 2) == page.items[1]
        with pytest.raises(UnknownRuleSet):
            await api.versions(reader, RuleSetId(uuid7()))


async def test_rule_sets_are_paged_in_the_order_in_which_they_are_asked(database: Database) -> None:
    async with database.transaction() as tx:
        for code, position in (("c", 0), ("a", 20), ("b", 3)):
            await api.create(tx, RuleSetDraft(code=code, position=position))
        gone = await api.create(tx, RuleSetDraft(code="gone"))
        await api.move(tx, gone.id, RuleSetState.RETIRED)
    async with database.read() as reader:
        codes: list[str] = []
        cursor = None
        for _ in range(3):
            page = await api.find(reader, retired=False, limit=1, cursor=cursor)
            codes += [one.code for one in page.items]
            cursor = page.next
        assert (codes, cursor) == (["c", "b", "a"], None)
        assert [one.code for one in (await api.find(reader)).items] == ["c", "gone", "b", "a"]


async def test_of_two_who_set_how_a_location_sends_the_second_is_told(database: Database) -> None:
    own = SiteSettings(location_id=HERE, pick_cost=30)
    async with database.transaction() as tx:
        assert await api.settings(tx, HERE) == KeptSettings(location_id=HERE, version=0)
        with pytest.raises(Stale):
            await api.put_settings(tx, own, version=4)
        first = await api.put_settings(tx, own, version=0)
        assert (first.version, first.pick_cost, await api.settings(tx, HERE)) == (1, 30, first)
        with pytest.raises(Stale) as stale:
            await api.put_settings(tx, replace(own, pick_cost=40), version=0)
        assert stale.value.data["version"] == 1
        assert (await api.put_settings(tx, replace(own, pick_cost=40), version=1)).version == 2
        assert (await api.put_settings(tx, replace(own, pick_cost=50))).pick_cost == 50
        with pytest.raises(Invalid):
            await api.put_settings(tx, replace(own, pick_cost=-1))
        assert (await api.settings(tx, HERE)).version == 3


def rule_set(code: str, *, position: int = 0, share: int = 100, **condition: Any) -> RuleSet:
    at: Any = None
    return RuleSet(
        id=RuleSetId(uuid7()),
        code=code,
        state=RuleSetState.LIVE,
        version=1,
        created_at=at,
        updated_at=at,
        position=position,
        share=share,
        rules=Rules(condition=Condition(**condition)),
    )


def test_what_stands_behind_a_rule_set_that_takes_everything_is_never_reached() -> None:
    web = rule_set("web", position=1, channels=("web", "app"))
    abroad = rule_set("abroad", position=2, channels=("web",), countries=("BE",))
    everybody = rule_set("rest", position=3)
    assert api.takes_all(web, abroad)
    assert not api.takes_all(abroad, web), "it is asked later"
    assert not api.takes_all(web, everybody), "it is not meant for all"
    assert api.takes_all(rule_set("all"), everybody)
    assert not api.takes_all(rule_set("trial", share=99), everybody)
    assert not api.takes_all(rule_set("quick", services=(Service.EXPRESS,)), abroad)
    assert not api.takes_all(rule_set("food", categories=("Food",)), abroad)
    assert not api.takes_all(rule_set("web", channels=("web",)), rule_set("web"))
