from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from comptoir.kernel.errors import Invalid, Stale
from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import Currency
from comptoir.modules.channels import api
from comptoir.modules.channels.contracts import (
    ChannelChanged,
    ChannelDraft,
    ChannelFilter,
    ChannelId,
    ChannelKind,
    PublishRules,
)
from comptoir.modules.channels.errors import ChannelCodeTaken, UnknownChannel
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import PoolDraft, PoolId
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import MarketDraft
from comptoir.runtime.database import Database, Tx

FRANCE = MarketDraft(code="fr", currency=Currency("EUR"), country="FR", tax_name="TVA")


async def web(tx: Tx) -> ChannelDraft:
    await pricing.put_market(tx, FRANCE)
    pool = await locations.put_pool(tx, PoolDraft(code="all"))
    return ChannelDraft(
        code="web",
        name="Boutique en ligne",
        kind=ChannelKind.WEB,
        pool_id=pool.id,
        market="fr",
        backorder=True,
        rules=PublishRules(buffer=2, publish_percent=80, publish_max=50, publish_min=1, stop_below=3),
        hold_for=900,
    )


async def test_a_channel_is_read_back_as_it_was_made(database: Database) -> None:
    async with database.transaction() as tx:
        draft = await web(tx)
        made = await api.create(tx, draft)
        assert tx.emitted[-1] == ChannelChanged(channel_id=made.id, code="web", created=True)
    async with database.read() as reader:
        assert await api.get(reader, made.id) == await api.by_code(reader, "web") == made
        assert await api.everything(reader) == [made]
    assert (made.rules, made.hold_for, made.backorder, made.version) == (draft.rules, 900, True, 1)


async def test_selling_says_all_that_an_order_needs(database: Database) -> None:
    async with database.transaction() as tx:
        made = await api.create(tx, replace(await web(tx), active=False))
        selling = await api.selling(tx, "web")
        assert await api.all_selling(tx) == {"web": selling}
        with pytest.raises(UnknownChannel):
            await api.selling(tx, "shop")
    assert (selling.id, selling.kind, selling.active, selling.backorder) == (made.id, ChannelKind.WEB, False, True)
    assert (selling.market.currency, selling.market.tax_included) == ("EUR", True)
    assert (selling.pool_id, selling.rules) == (made.pool_id, made.rules)


async def test_everything_that_is_wrong_with_a_channel_is_said_at_once(database: Database) -> None:
    async with database.transaction() as tx:
        rules = PublishRules(buffer=-1, publish_percent=101, publish_max=1, publish_min=2, stop_below=-1)
        wrong = replace(
            await web(tx),
            code="web fr",
            kind="fax",
            market="de",
            pool_id=PoolId(uuid7()),
            rules=rules,
            hold_for=0,
        )
        with pytest.raises(Invalid) as refused:
            await api.create(tx, wrong)
        assert (await api.count(tx, ChannelFilter())).rows == 0
    errors: Any = refused.value.data["errors"]
    assert {error["path"] for error in errors} == {
        "code",
        "kind",
        "market",
        "pool_id",
        "rules.buffer",
        "rules.publish_percent",
        "rules.publish_min",
        "rules.stop_below",
        "hold_for",
    }


async def test_a_change_on_an_old_version_is_refused_and_changes_nothing(database: Database) -> None:
    async with database.transaction() as tx:
        made = await api.create(tx, await web(tx))
        before = await api.version(tx)
        changed = await api.update(tx, made.id, replace(made, active=False), version=1)
        assert (changed.active, changed.version) == (False, 2)
        assert await api.version(tx) == before + 1
        with pytest.raises(Stale):
            await api.update(tx, made.id, made, version=1)
        with pytest.raises(UnknownChannel):
            await api.update(tx, ChannelId(uuid7()), made)
        assert await api.get(tx, made.id) == changed


async def test_a_code_names_one_channel(database: Database) -> None:
    async with database.transaction() as tx:
        made = await api.create(tx, await web(tx))
        pos = await api.put(tx, replace(made, code="pos", kind=ChannelKind.POS))
        with pytest.raises(ChannelCodeTaken):
            await api.create(tx, made)
    with pytest.raises(ChannelCodeTaken):
        async with database.transaction() as tx:
            await api.update(tx, pos.id, made)
    async with database.read() as reader:
        assert await api.get(reader, pos.id) == pos


async def test_channels_are_searched_filtered_and_sorted(database: Database) -> None:
    async with database.transaction() as tx:
        draft = await web(tx)
        for code, name, kind in [
            ("web", "Été en ligne", "web"),
            ("pos", "Caisses", "pos"),
            ("amazon", "Amazon", "marketplace"),
        ]:
            await api.create(tx, replace(draft, code=code, name=name, kind=ChannelKind(kind), active=code != "amazon"))

        async def found(sort: str = "code", **wanted: Any) -> list[str]:
            return [channel.code for channel in (await api.find(tx, ChannelFilter(**wanted), sort=sort)).items]

        assert await found() == ["amazon", "pos", "web"]
        assert await found(sort="-name") == ["web", "pos", "amazon"]
        assert await found(search="ete") == ["web"]
        assert await found(search="am") == ["amazon"]
        assert await found(kind=ChannelKind.POS) == ["pos"]
        assert await found(active=False) == ["amazon"]
        assert await found(pool=draft.pool_id, market="fr") == ["amazon", "pos", "web"]
        assert [channel.code async for channel in api.stream(tx, ChannelFilter())] == ["amazon", "pos", "web"]
