"""The main pages cost few statements, however much they show: what the menu counts is remembered for a while."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from comptoir.kernel.ids import to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import AddItem, ChangeDraft, ChangeKind
from comptoir.modules.orders.contracts import ORDER_PREFIX
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.console import visits
from comptoir.surfaces.console.pages.change_words import change_href
from comptoir.surfaces.services import Services
from support.console import PRODUCTS, Shop, Staff, application, counted_statements, visiting

LISTS = {
    "/orders": 4, "/orders?tab=ship": 4, "/parcels": 5, "/parcels/troubles": 4, "/returns": 4, "/stock": 4, "/stock-ledger": 5,
    "/exceptions": 16, "/channels": 8, "/orders/changes": 4, "/orders/refunds": 7, "/orders/takings": 5,
    "/transfers": 4, "/purchases": 4,
    "/supplies": 4, "/counts": 4, "/locations": 5, "/customers": 4, "/notices": 5, "/imports": 4, "/settings/audit": 5,
    "/settings/users": 4, "/carriers": 5, "/carriers/labels": 6,
}  # fmt: skip
"""Who is signed in, the list, what is counted, and the names of what it speaks of. Exceptions propose what to do as well."""
AT_HAND = ("1082185", "981760", "840361", "1070820", "883404")
COUNTED = re.compile(r"FROM (orders\.exceptions|tracking\.troubles) WHERE \S+ (?:= 'open'|IS NULL) GROUP BY kind")


def counting(statements: Sequence[str]) -> int:
    """How often what waits was counted for the menu."""
    return len([one for one in statements if COUNTED.search(re.sub(r"\s+", " ", one))])


@pytest.fixture(autouse=True)
def _however_slow_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "WAITING_FOR", 600.0)


@pytest.mark.parametrize("address", LISTS)
async def test_a_list_costs_few_statements(owner: Staff, address: str) -> None:
    await owner.get("/account")  # after which what the menu counts is known
    await owner.get(address)
    with counted_statements() as statements:
        page = await owner.get(address)
    assert page.status_code == 200
    assert len(statements) <= LISTS[address], "\n".join(statements)


async def test_what_the_menu_counts_is_remembered_and_counted_anew_for_who_has_done_something(
    parts: Services, shop: Shop, owner: Staff
) -> None:
    await owner.get("/account")
    with counted_statements() as statements:
        await owner.get("/account")
    assert counting(statements) == 0
    href = f"/orders/{to_text(ORDER_PREFIX, shop.orders['fresh'])}"
    # Another process of the same console, which remembers what it counted before.
    async with visiting(application(parts)) as elsewhere:
        elsewhere.client.cookies = owner.client.cookies
        await elsewhere.get("/account")
        done = await owner.submit(f"{href}/note", f"{href}/note", {"note": "Called them."})
        assert done.status_code == 303
        elsewhere.client.cookies = owner.client.cookies
        with counted_statements() as statements:
            await elsewhere.get(href)
        assert counting(statements) == 2


async def test_a_change_of_many_items_costs_no_more_than_one_of_two(owner: Staff, parts: Services, shop: Shop) -> None:
    order_id = shop.orders["market"]
    costs: list[int] = []
    for skus in (AT_HAND[:2], AT_HAND):
        items = tuple(AddItem(sku=sku, quantity=1) for sku in skus)
        async with parts.database.transaction() as tx:
            draft = ChangeDraft(order_id=order_id, kind=ChangeKind.EDIT, actions=items, reason="asked")
            change, foreseen = await changes.request_change(tx, draft, SETTING)
        prices = {sku: price for sku, _, price, _ in PRODUCTS}
        assert [effect.value for effect in foreseen.effects] == [prices[item.sku] for item in items]
        assert [[one.sku for one in effect.stock] for effect in foreseen.effects] == [[item.sku] for item in items]
        await owner.get("/account")
        with counted_statements() as statements:
            page = await owner.get(change_href(change.id))
        assert page.status_code == 200
        costs.append(len(statements))
        async with parts.database.transaction() as tx:
            await changes.cancel_change(tx, change.id)
    assert costs[1] <= costs[0] <= 70, costs


async def test_a_list_in_a_file_costs_no_statement_for_each_row(owner: Staff, parts: Services, shop: Shop) -> None:
    costs: list[int] = []
    for name in ("fresh", "market", "shipped"):
        async with parts.database.transaction() as tx:
            await tx.run(
                "INSERT INTO payments.grants (id, order_id, amount, currency, reason, about, granted_at, actor) "
                "VALUES (uuidv7(), %(order)s, 100, 'USD', 'goodwill', 'order', now(), 'system')",
                {"order": shop.orders[name]},
            )
        await owner.get("/account")
        with counted_statements() as statements:
            answer = await owner.get("/orders/refunds?format=csv")
        assert str(shop.numbers[name]) in answer.text
        costs.append(len(statements))
    assert max(costs) <= 6, costs
