"""Return policies that name articles: they hold for these and no others, and beside a category either is enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from comptoir.kernel.errors import Invalid
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.changes import api as changes
from comptoir.modules.changes import policies
from comptoir.modules.changes.contracts import MOST_SKUS, Policy, PolicyDraft, Reason, Sold, Why
from comptoir.runtime.database import Database


def sold(sku: str, *category: str, delivered: date | None = date(2026, 3, 2)) -> Sold:
    """Bought by an American, whom no law of ours lets withdraw."""
    return Sold(
        category=category,
        sku=sku,
        channel="web",
        country="US",
        distance=True,
        consumer=True,
        bought_on=date(2026, 3, 1),
        delivered_on=delivered,
        reason=Reason.CHANGED_MIND,
    )


@pytest.mark.parametrize(
    ("category", "skus", "fit"),
    [
        ((), (), ["HAT", "SHOE", "BOOT", ""]),
        ((), ("HAT", "BOOT"), ["HAT", "BOOT"]),
        (("shoes",), (), ["SHOE", "BOOT"]),
        (("shoes",), ("HAT",), ["HAT", "SHOE", "BOOT"]),
        (("shoes", "boots"), ("BOOT",), ["BOOT"]),
        (("shoes",), ("hat",), ["SHOE", "BOOT"]),
    ],
)
def test_a_policy_is_for_what_is_in_its_category_or_among_its_articles(
    category: tuple[str, ...], skus: tuple[str, ...], fit: list[str]
) -> None:
    policy = Policy(code="p", position=1, category=category, skus=skus)
    things = [sold("HAT", "hats"), sold("SHOE", "shoes"), sold("BOOT", "shoes", "boots"), sold("")]
    assert [one.sku for one in things if policies.fits(policy, one)] == fit


def test_channel_country_and_date_restrict_what_names_articles_too() -> None:
    named = Policy(code="p", position=1, skus=("HAT",))
    assert policies.fits(named, sold("HAT"))
    others = (
        replace(named, channels=("till",)),
        replace(named, countries=("FR",)),
        replace(named, valid_from=date(2026, 3, 2)),
        replace(named, active=False),
    )
    assert [one for one in others if policies.fits(one, sold("HAT"))] == []


def test_one_article_is_a_final_sale_and_another_has_a_window_of_its_own() -> None:
    every = [
        Policy(code="final", position=1, skus=("HAT",), final_sale=True),
        Policy(code="long", position=2, skus=("BOOT",), window=90),
        Policy(code="all", position=3, window=30),
    ]
    asked = date(2026, 3, 2) + timedelta(days=31)
    found = {one.sku: policies.first_fit(every, one) for one in (sold("HAT"), sold("BOOT"), sold("SHOE"))}
    assert {sku: one.code for sku, one in found.items()} == {"HAT": "final", "BOOT": "long", "SHOE": "all"}
    verdicts = {sku: policies.allowed(one, sold(sku), asked) for sku, one in found.items()}
    assert {sku: one.why for sku, one in verdicts.items()} == {
        "HAT": Why.FINAL_SALE,
        "BOOT": Why.WITHIN_WINDOW,
        "SHOE": Why.TOO_LATE,
    }
    assert verdicts["BOOT"].until == date(2026, 5, 31)


async def hats(database: Database, *skus: str) -> None:
    async with database.transaction() as tx:
        variants = [VariantDraft(sku=sku, options={"size": sku}) for sku in skus]
        await catalogue.upsert(tx, [ProductDraft(code="HATS", names={"en": "Hat"}, variants=variants)])


async def test_articles_are_kept_as_they_were_named_and_changed_with_the_policy(database: Database) -> None:
    await hats(database, "HAT-S", "HAT-L")
    async with database.transaction() as tx:
        made = await changes.create_policy(tx, PolicyDraft(code="hats", position=1, skus=("HAT-S", "HAT-L")))
        assert made.id is not None
        assert (await changes.get_policy(tx, made.id)).skus == ("HAT-S", "HAT-L")
        changed = await changes.update_policy(tx, made.id, PolicyDraft(code="hats", position=1, skus=("HAT-L",)))
    assert (changed.skus, changed.version) == (("HAT-L",), 2)


async def test_an_article_that_the_catalogue_does_not_have_is_refused_by_its_place(database: Database) -> None:
    await hats(database, "HAT-S")
    async with database.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await changes.create_policy(tx, PolicyDraft(code="hats", position=1, skus=("HAT-S", "HAT-M")))
        assert refused.value.data["errors"] == [{"path": "skus[1]", "message": "is no SKU of the catalogue"}]
        many = tuple(f"HAT-{n}" for n in range(MOST_SKUS + 1))
        with pytest.raises(Invalid):
            await changes.create_policy(tx, PolicyDraft(code="hats", position=1, skus=many))
        assert await changes.all_policies(tx) == []


async def test_what_a_policy_named_before_stays_when_the_catalogue_has_it_no_more(database: Database) -> None:
    await hats(database, "HAT-S")
    async with database.transaction() as tx:
        made = await changes.create_policy(tx, PolicyDraft(code="hats", position=1, skus=("HAT-S",)))
        await tx.run("DELETE FROM catalogue.variants WHERE sku = 'HAT-S'")
        assert made.id is not None
        changed = await changes.update_policy(tx, made.id, PolicyDraft(code="hats", position=2, skus=("HAT-S",)))
    assert (changed.skus, changed.position) == (("HAT-S",), 2)
