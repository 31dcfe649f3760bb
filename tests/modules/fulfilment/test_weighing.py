"""What is weighed is picked by its weight: typed, or read from a label that says it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Unit
from comptoir.modules.fulfilment import api
from comptoir.modules.fulfilment.contracts import Scanned
from comptoir.modules.fulfilment.domain import weighed
from support.shop import Shop


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_never_more_than_is_wanted_and_nothing_that_is_far_too_much(units: int, wanted: int) -> None:
    found = weighed(units, wanted)
    assert (found is None) == (units * 100 > wanted * 110)
    assert found is None or found == min(units, wanted)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("4006381333931", ("4006381333931", None)),
        ("01040063813339313103001250", ("4006381333931", 1250)),
        ("]C1010400638133393131020001251012AB", ("4006381333931", 1250)),
        ("01040063813339311012AB", ("4006381333931", None)),
        ("010400638133393", ("", None)),
        ("TEA", ("", None)),
        ("", ("", None)),
        ("x" * 5000, ("", None)),
    ],
)
def test_a_label_is_read(code: str, expected: tuple[str, int | None]) -> None:
    assert catalogue.read_label(code)[:2] == expected


async def test_what_is_weighed_is_picked_by_its_weight(shop: Shop) -> None:
    await shop.product("HAM", 3000, stock={"paris": 5_000}, unit=Unit.THOUSANDTH)
    async with shop.database.transaction() as tx:
        ham = await catalogue.by_sku(tx, "HAM")
        product = await catalogue.get(tx, ham.product_id)
        await catalogue.update(tx, product.id, replace(product, variants=(replace(ham, gtin="4006381333931"),)))
    placed = await shop.place("web", {"HAM": 1_500})
    await shop.settle()
    (one,) = await shop.work(placed.id)
    async with shop.database.transaction() as tx:
        asked = await api.scan(tx, one.id, "HAM")
        assert (asked.outcome, asked.left) == (Scanned.WEIGH, 1_500)
        label = await api.scan(tx, one.id, "]C1010400638133393131030006001012AB")
        assert (label.outcome, label.left) == (Scanned.PICKED, 900)
        assert (await api.scan(tx, one.id, "4006381333931", 1_000)).outcome is Scanned.TOO_MANY
        typed = await api.scan(tx, one.id, "4006381333931", 950)
        assert (typed.outcome, typed.left) == (Scanned.ALL_PICKED, 0)
