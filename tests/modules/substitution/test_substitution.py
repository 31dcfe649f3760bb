"""Substitutes at the shelf: only what the merchant names and the buyer agrees to, never dearer, and everything adds up."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.errors import Invalid
from comptoir.kernel.ids import ActorId
from comptoir.kernel.money import added_tax, round_half_even
from comptoir.modules.catalogue.contracts import Unit
from comptoir.modules.changes import api as changes
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, Stage
from comptoir.modules.fulfilment.errors import NotThatMany, SomebodyElse
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId, Payment
from comptoir.modules.orders.errors import UnknownLine
from comptoir.modules.substitution import api
from comptoir.modules.substitution.contracts import Consent, SubstitutionId
from comptoir.modules.substitution.domain import consent_of, most_to_pay, price_of
from comptoir.modules.substitution.errors import NotASubstitute, SubstitutionNotAllowed
from comptoir.runtime.database import Context, Database, Tx
from comptoir.sdk.orders import PaymentKind
from support.shop import Shop


async def settle(tx: Tx, order_id: OrderId, substitution_id: SubstitutionId) -> int:
    return await changes.settle(tx, order_id, "substituted", about="substitution", about_id=substitution_id)


@pytest_asyncio.fixture
async def shop(database: Database) -> Shop:
    shop = Shop(database)
    await shop.market()
    await shop.location("store", LocationKind.STORE)
    await shop.location("other", LocationKind.STORE)
    await shop.channel("web", ["store", "other"])
    await shop.product("OAT", 1000, stock={"store": 10})
    await shop.product("SOY", 800, stock={"store": 10})
    await shop.product("NUT", 1500, stock={"store": 10})
    await shop.product("RICE", 900, stock={"other": 10})
    async with database.transaction() as tx:
        await api.put_substitutes(tx, {"OAT": ["NUT", "SOY", "RICE"]})
    await shop.settle()
    return shop


async def ordered(shop: Shop, units: Mapping[str, int], consent: Consent | None, **more: Any) -> Fulfilment:
    agreed = () if consent is None else ((0, consent.value),)
    placed = await shop.place("web", units, consents=agreed, **more)
    await shop.settle()
    (one,) = await shop.work(placed.id)
    return one


async def offered(shop: Shop, one: Fulfilment) -> list[tuple[str, int]]:
    async with shop.database.read() as reader:
        return [(row.sku, row.unit_price) for row in (await api.offers(reader, one.id)).get(1, [])]


async def taken(shop: Shop, one: Fulfilment, sku: str, quantity: int = 1) -> None:
    async with shop.database.transaction() as tx:
        await api.substitute(tx, one.id, 1, quantity, sku, settle)
    await shop.settle()


async def test_what_is_offered_follows_the_buyers_consent_and_what_lies_here(shop: Shop) -> None:
    for consent, expected in (
        (None, []),
        (Consent.NONE, []),
        (Consent.SAME_PRICE, [("SOY", 800)]),
        (Consent.ANY, [("NUT", 1000), ("SOY", 800)]),
    ):
        assert await offered(shop, await ordered(shop, {"OAT": 2}, consent)) == expected, consent


async def test_a_dearer_one_costs_no_more_and_is_picked_at_once(shop: Shop) -> None:
    paid = (Payment(PaymentKind.CAPTURED, "card", 3000, "ch_1"),)
    one = await ordered(shop, {"OAT": 3}, Consent.ANY, payments=paid)
    await taken(shop, one, "NUT", 2)
    order = await shop.order(one.order_id)
    assert [(line.sku, line.quantity, line.cancelled, line.total) for line in order.lines] == [
        ("OAT", 3, 2, 3000),
        ("NUT", 2, 0, 2000),
    ]
    (after,) = await shop.work(one.order_id)
    assert [(line.sku, line.quantity, line.picked) for line in after.lines] == [("OAT", 1, 0), ("NUT", 2, 2)]
    async with shop.database.read() as reader:
        there = await orders.standing(reader, one.order_id)
        (kept,) = await api.of_order(reader, one.order_id)
    assert (there.value, there.granted, kept.difference) == (3000, 0, 0)
    oat, nut = await shop.level("OAT", "store"), await shop.level("NUT", "store")
    assert (oat.reserved, oat.quality, nut.reserved) == (1, 2, 2), "what was not found is set aside until it is counted"
    await shop.doctors()


async def test_a_cheaper_one_gives_the_difference_back(shop: Shop) -> None:
    paid = (Payment(PaymentKind.CAPTURED, "card", 2000, "ch_1"),)
    one = await ordered(shop, {"OAT": 2}, Consent.SAME_PRICE, payments=paid)
    await taken(shop, one, "SOY", 2)
    async with shop.database.read() as reader:
        there = await orders.standing(reader, one.order_id)
        (kept,) = await api.of_order(reader, one.order_id)
    assert (there.value, there.granted, kept.difference, kept.unit_price) == (1600, 400, 400, 800)
    (after,) = await shop.work(one.order_id)
    assert (after.stage, after.picked, after.quantity) == (Stage.TO_PACK, 2, 2)
    assert [line.sku for line in after.lines if line.quantity] == ["SOY"]
    await shop.doctors()


async def test_a_line_may_be_of_another_mind_than_the_order(shop: Shop) -> None:
    placed = await shop.place("web", {"OAT": 1, "SOY": 1}, consents=((0, "any"), (1, "none")))
    await shop.settle()
    (one,) = await shop.work(placed.id)
    assert await offered(shop, one) == []
    async with shop.database.transaction() as tx:
        assert await api.consents(tx, placed.id) == {0: Consent.ANY, 1: Consent.NONE}
        with pytest.raises(UnknownLine):
            await api.agree(tx, placed.id, {9: Consent.ANY})
        await api.agree(tx, placed.id, {0: Consent.NONE, 1: Consent.ANY})
    assert [sku for sku, _ in await offered(shop, one)] == ["NUT", "SOY"]


async def test_what_is_not_allowed_changes_nothing(shop: Shop) -> None:
    never = await ordered(shop, {"OAT": 1}, None)
    with pytest.raises(SubstitutionNotAllowed):
        await taken(shop, never, "SOY")
    one = await ordered(shop, {"OAT": 1}, Consent.SAME_PRICE)
    for sku in ("NUT", "RICE", "OAT", "NOTHING"):
        with pytest.raises(NotASubstitute):
            await taken(shop, one, sku)
    with pytest.raises(NotThatMany):
        await taken(shop, one, "SOY", 2)
    await shop.receive("SOY", "store", -9)
    many = await ordered(shop, {"OAT": 3}, Consent.ANY)
    with pytest.raises(InsufficientStock):
        await taken(shop, many, "SOY", 2)
    for order_id in (one.order_id, many.order_id):
        assert len((await shop.order(order_id)).lines) == 1
    await shop.doctors()


async def test_who_else_works_on_it_is_left_alone(shop: Shop) -> None:
    one = await ordered(shop, {"OAT": 1}, Consent.ANY)
    async with shop.database.transaction(Context(ActorId("user:else"), "")) as tx:
        await fulfilment.begin(tx, one.id)
    with pytest.raises(SomebodyElse):
        await taken(shop, one, "SOY")


async def test_what_is_weighed_stands_in_for_what_is_weighed(shop: Shop) -> None:
    await shop.product("HAM", 3000, stock={"store": 5000}, unit=Unit.THOUSANDTH)
    await shop.product("BACON", 2000, stock={"store": 5000}, unit=Unit.THOUSANDTH)
    async with shop.database.transaction() as tx:
        await api.put_substitutes(tx, {"HAM": ["SOY", "BACON"]})
    one = await ordered(shop, {"HAM": 500}, Consent.ANY)
    assert await offered(shop, one) == [("BACON", 2000)]
    await taken(shop, one, "BACON", 500)
    async with shop.database.read() as reader:
        assert (await orders.standing(reader, one.order_id)).value == 1000


async def test_substitutes_are_checked(shop: Shop) -> None:
    async with shop.database.transaction() as tx:
        for wrong in ({}, {"OAT": ["OAT"]}, {"OAT": ["SOY", "SOY"]}, {"OAT": ["NOTHING"]}, {"NOTHING": ["OAT"]}):
            with pytest.raises(Invalid):
                await api.put_substitutes(tx, wrong)
        await api.put_substitutes(tx, {"SOY": ["OAT"], "NUT": []})
        assert list((await api.find(tx)).items) == [("OAT", ("NUT", "SOY", "RICE")), ("SOY", ("OAT",))]
        await api.put_substitutes(tx, {"OAT": []})
        assert await api.substitutes(tx, ["OAT", "SOY"]) == {"SOY": ["OAT"]}


def test_a_lines_own_consent_goes_before_the_orders() -> None:
    assert consent_of({}, 1) is Consent.NONE
    assert consent_of({0: Consent.ANY}, 1) is Consent.ANY
    assert consent_of({0: Consent.ANY, 1: Consent.SAME_PRICE}, 1) is Consent.SAME_PRICE


@given(
    st.integers(0, 10**7),
    st.integers(1, 500),
    st.integers(1, 500),
    st.sampled_from(["0", "0.055", "0.1", "0.2"]),
    st.booleans(),
)
def test_nobody_ever_pays_more(total: int, quantity: int, units: int, rate: str, tax_included: bool) -> None:
    units = min(units, quantity)
    price = most_to_pay(total, quantity, Decimal(rate), per=1, tax_included=tax_included)
    amount = price * units
    paid = amount if tax_included else amount + added_tax(amount, Decimal(rate))
    assert paid <= round_half_even(Decimal(total * units) / quantity) + (0 if tax_included else 1)
    assert price_of(Consent.ANY, price + 1, price) == price
    assert price_of(Consent.SAME_PRICE, price + 1, price) is None
    assert price_of(Consent.NONE, 0, price) is None
