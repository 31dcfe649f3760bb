from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from comptoir.kernel.errors import Invalid, Stale
from comptoir.kernel.ids import uuid7
from comptoir.modules.catalogue import api
from comptoir.modules.catalogue.contracts import (
    ProductChanged,
    ProductDraft,
    ProductFilter,
    ProductId,
    Sellable,
    Unit,
    Upserted,
    VariantDraft,
    VariantFilter,
)
from comptoir.modules.catalogue.errors import GtinTaken, ProductCodeTaken, SkuTaken, UnknownProduct, UnknownVariant
from comptoir.runtime.database import Database

NUTELLA, CREME = "3017620422003", "96385074"
SHIRT = ProductDraft(
    code="SHIRT",
    names={"fr": "Chemise d'été", "en": "Summer shirt"},
    brand="Comptoir",
    category=("Vêtements", "Chemises"),
    variants=[
        VariantDraft(sku="SHIRT-S", options={"size": "S"}, gtin=NUTELLA),
        VariantDraft(sku="SHIRT-M", name="Chemise d'été M", options={"size": "M"}),
    ],
)
CHEESE = ProductDraft(
    code="CHEESE", names={"fr": "Comté"}, category=("Frais",), variants=[VariantDraft(sku="COMTE", unit=Unit.THOUSANDTH)]
)


def many(count: int, brand: str = "") -> list[ProductDraft]:
    return [
        ProductDraft(code=f"P{n:05}", names={"en": f"Thing {n}"}, brand=brand, variants=[VariantDraft(sku=f"P{n:05}")])
        for n in range(count)
    ]


def errors(refused: pytest.ExceptionInfo[Invalid]) -> list[str]:
    found: Any = refused.value.data["errors"]
    return [error["path"] for error in found]


async def test_a_product_is_read_back_as_it_was_made(database: Database) -> None:
    async with database.transaction() as tx:
        made = await api.create(tx, SHIRT)
        skus = ("SHIRT-S", "SHIRT-M")
        assert tx.emitted == [ProductChanged(product_id=made.id, code="SHIRT", skus=skus, created=True)]
    async with database.read() as reader:
        assert await api.get(reader, made.id) == await api.by_code(reader, "SHIRT") == made
        assert await api.by_sku(reader, "SHIRT-S") == made.variants[1]
    assert dict(made.names) == SHIRT.names
    assert made.category == ("Vêtements", "Chemises")
    assert [(v.sku, v.name, v.options, v.gtin) for v in made.variants] == [
        ("SHIRT-M", "Chemise d'été M", {"size": "M"}, None),
        ("SHIRT-S", "Chemise d'été", {"size": "S"}, NUTELLA),
    ]


async def test_everything_that_is_wrong_with_a_product_is_said_at_once(database: Database) -> None:
    wrong = ProductDraft(
        code=" ",
        names={"French": "x"},
        brand="b" * 201,
        category=("a\0b",),
        variants=[
            VariantDraft(sku="", gtin="3017620422004"),
            VariantDraft(sku="A", unit="kg"),  # pyright: ignore[reportArgumentType] - as it may come in
            VariantDraft(sku="A"),
        ],
    )
    async with database.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await api.create(tx, wrong)
    assert set(errors(refused)) == {
        "code",
        "names",
        "brand",
        "category[0]",
        "variants[0].sku",
        "variants[0].gtin",
        "variants[1].unit",
        "variants",
    }


async def test_a_code_a_sku_and_a_gtin_have_one_owner(database: Database) -> None:
    async with database.transaction() as tx:
        shirt = await api.create(tx, SHIRT)
    for draft, refusal in [
        (SHIRT, ProductCodeTaken),
        (replace(CHEESE, variants=[VariantDraft(sku="SHIRT-M")]), SkuTaken),
        (replace(CHEESE, variants=[VariantDraft(sku="COMTE", gtin="0" + NUTELLA)]), GtinTaken),
    ]:
        with pytest.raises(refusal):
            async with database.transaction() as tx:
                await api.create(tx, draft)
    async with database.transaction() as tx:
        cheese = await api.create(tx, CHEESE)
    with pytest.raises(ProductCodeTaken):
        async with database.transaction() as tx:
            await api.update(tx, cheese.id, replace(cheese, code="SHIRT"))
    async with database.read() as reader:
        assert await api.get(reader, shirt.id) == shirt
        assert await api.get(reader, cheese.id) == cheese
        assert await api.gtin_owners(reader, [NUTELLA, CREME]) == {NUTELLA: "SHIRT-S"}


async def test_an_update_keeps_the_variants_that_it_does_not_name(database: Database) -> None:
    async with database.transaction() as tx:
        made = await api.create(tx, SHIRT)
    async with database.transaction() as tx:
        new = VariantDraft(sku="SHIRT-L", gtin=CREME)
        changed = await api.update(tx, made.id, replace(made, brand="Atelier", variants=(new,)), version=1)
        assert tx.emitted == [ProductChanged(product_id=made.id, code="SHIRT", skus=("SHIRT-L",))]
    assert (changed.brand, changed.version) == ("Atelier", 2)
    assert [variant.sku for variant in changed.variants] == ["SHIRT-L", "SHIRT-M", "SHIRT-S"]
    async with database.transaction() as tx:
        with pytest.raises(Stale) as refused:
            await api.update(tx, made.id, SHIRT, version=1)
        assert refused.value.data["version"] == 2
        assert await api.get(tx, made.id) == changed


async def test_what_is_not_there_is_unknown(database: Database) -> None:
    async with database.transaction() as tx:
        with pytest.raises(UnknownProduct):
            await api.get(tx, ProductId(uuid7()))
        with pytest.raises(UnknownProduct):
            await api.update(tx, ProductId(uuid7()), SHIRT)
        with pytest.raises(UnknownVariant):
            await api.by_sku(tx, "NOPE")


async def test_a_bulk_tells_what_is_new_what_changed_and_what_was_so_already(database: Database) -> None:
    async with database.transaction() as tx:
        assert await api.upsert(tx, many(5200)) == Upserted(created=5200)
        assert len(tx.emitted) == 5200
    async with database.transaction() as tx:
        assert await api.upsert(tx, many(5200)) == Upserted(unchanged=5200)
        assert not tx.emitted
        assert await api.upsert(tx, [*many(10, brand="x"), *many(5210)[5200:]]) == Upserted(created=10, changed=10)
        renamed = replace(many(1, brand="x")[0], variants=[VariantDraft(sku="P00000", name="Other")])
        assert await api.upsert(tx, [renamed]) == Upserted(changed=1)
        product = await api.by_code(tx, "P00000")
    assert (product.version, product.variants[0].name, product.variants[0].version) == (3, "Other", 2)


async def test_a_bulk_moves_a_sku_to_the_product_that_names_it_now(database: Database) -> None:
    async with database.transaction() as tx:
        await api.create(tx, SHIRT)
        moved = replace(CHEESE, variants=[VariantDraft(sku="SHIRT-M", name="Moved")])
        assert await api.upsert(tx, [moved]) == Upserted(created=1)
        assert [v.sku for v in (await api.by_code(tx, "SHIRT")).variants] == ["SHIRT-S"]
        assert [v.sku for v in (await api.by_code(tx, "CHEESE")).variants] == ["SHIRT-M"]


async def test_a_bulk_may_pass_gtins_among_its_variants_but_takes_none_from_others(database: Database) -> None:
    a, b = (replace(draft, variants=[VariantDraft(sku=draft.code)]) for draft in many(2))

    def having(draft: ProductDraft, gtin: str) -> ProductDraft:
        return replace(draft, variants=[replace(draft.variants[0], gtin=gtin)])

    async with database.transaction() as tx:
        await api.upsert(tx, [having(a, NUTELLA), having(b, CREME)])
        assert await api.upsert(tx, [having(a, CREME), having(b, NUTELLA)]) == Upserted(changed=2)
        assert await api.gtin_owners(tx, [NUTELLA, CREME]) == {NUTELLA: "P00001", CREME: "P00000"}
        with pytest.raises(GtinTaken) as refused:
            await api.upsert(tx, [having(a, NUTELLA)])
        assert refused.value.data["taken"] == [{"gtin": NUTELLA, "sku": "P00000", "owner": "P00001"}]
        with pytest.raises(Invalid):
            await api.upsert(tx, [having(a, NUTELLA), having(b, NUTELLA)])


async def test_a_bulk_with_one_bad_row_names_it_and_writes_none(database: Database) -> None:
    drafts = many(3)
    drafts[2] = replace(drafts[2], variants=[VariantDraft(sku="X", gtin="1")])
    async with database.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await api.upsert(tx, drafts)
        assert errors(refused) == ["[2].variants[0].gtin"]
        assert (await api.count(tx, VariantFilter())).rows == 0


async def test_what_is_sellable_is_known_by_sku(database: Database) -> None:
    async with database.transaction() as tx:
        await api.create(tx, SHIRT)
        await api.create(tx, replace(CHEESE, active=False))
        gift = VariantDraft(sku="GIFT", stocked=False, active=False)
        await api.create(tx, ProductDraft(code="GIFT", names={"fr": "Emballage"}, variants=[gift]))
    async with database.read() as reader:
        assert await api.sellable(reader, ["SHIRT-M", "COMTE", "GIFT", "NOPE"]) == {
            "SHIRT-M": Sellable("SHIRT-M", "Chemise d'été M", stocked=True, active=True, unit="unit"),
            "COMTE": Sellable("COMTE", "Comté", stocked=True, active=False, unit="thousandth"),
            "GIFT": Sellable("GIFT", "Emballage", stocked=False, active=False, unit="unit"),
        }
        assert await api.known(reader, ["SHIRT-M", "NOPE"]) == {"SHIRT-M"}
        assert await api.sellable(reader, []) == {}


async def test_a_product_that_is_not_active_sells_none_of_its_variants_and_wakes_those_that_were(database: Database) -> None:
    async with database.transaction() as tx:
        off = VariantDraft(sku="SHIRT-L", active=False)
        made = await api.create(tx, replace(SHIRT, variants=[*SHIRT.variants, off]))

        async def selling() -> list[str]:
            found = await api.sellable(tx, ["SHIRT-S", "SHIRT-M", "SHIRT-L"])
            return sorted(sku for sku, sellable in found.items() if sellable.active)

        assert await selling() == ["SHIRT-M", "SHIRT-S"]
        await api.update(tx, made.id, replace(made, active=False, variants=()))
        assert await selling() == []
        await api.upsert(tx, [replace(SHIRT, variants=[])])
        assert await selling() == ["SHIRT-M", "SHIRT-S"]
        await api.upsert(tx, [replace(SHIRT, active=False, variants=SHIRT.variants[:1])])
        assert await selling() == []
        woken = await api.update(tx, made.id, replace(await api.get(tx, made.id), active=True))
        assert await selling() == ["SHIRT-M", "SHIRT-S"]
        assert [variant.active for variant in woken.variants] == [False, True, True]


async def test_variants_are_searched_filtered_and_sorted(database: Database) -> None:
    async with database.transaction() as tx:
        await api.create(tx, SHIRT)
        await api.create(tx, replace(CHEESE, active=False))

    async def found(sort: str = "sku", **wanted: Any) -> list[str]:
        async with database.read() as reader:
            return [row.sku for row in (await api.find(reader, VariantFilter(**wanted), sort=sort)).items]

    assert await found() == ["COMTE", "SHIRT-M", "SHIRT-S"]
    assert await found(sort="-name") == ["COMTE", "SHIRT-M", "SHIRT-S"]
    assert await found(sort="name") == ["SHIRT-S", "SHIRT-M", "COMTE"]
    assert await found(search="ETE chem") == ["SHIRT-M", "SHIRT-S"]
    assert await found(search="SHIRT-") == ["SHIRT-M", "SHIRT-S"]
    assert await found(search="shirt-") == []
    assert await found(search="0" + NUTELLA) == ["SHIRT-S"]
    assert await found(active=True) == ["SHIRT-M", "SHIRT-S"]
    assert await found(category=("Vêtements",)) == ["SHIRT-M", "SHIRT-S"]
    assert await found(category=("Vêtements", "Robes")) == []
    assert await found(brand="Comptoir") == ["SHIRT-M", "SHIRT-S"]
    async with database.read() as reader:
        assert await api.categories(reader) == [("Frais",), ("Vêtements", "Chemises")]
        assert [row.sku async for row in api.stream(reader, VariantFilter())] == ["COMTE", "SHIRT-M", "SHIRT-S"]


async def test_products_are_listed_with_their_variants(database: Database) -> None:
    async with database.transaction() as tx:
        shirt = await api.create(tx, SHIRT)
        cheese = await api.create(tx, CHEESE)
        page = await api.find_products(tx, ProductFilter(), limit=1)
        assert page.items == [cheese]
        assert (await api.find_products(tx, ProductFilter(), limit=1, cursor=page.next)).items == [shirt]
        assert (await api.find_products(tx, ProductFilter(search="ete"))).items == [shirt]
        assert (await api.find_products(tx, ProductFilter(search="CHEESE"))).items == [cheese]
        assert (await api.find_products(tx, ProductFilter(search=NUTELLA))).items == [shirt]
        assert (await api.count_products(tx, ProductFilter(category=("Frais",)))).rows == 1
