"""Money that is owed, over all orders: in the order book, and in the list of what is to be paid out."""

from __future__ import annotations

from datetime import timedelta

from comptoir.kernel.ids import to_text
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, OrderFilter, Owed
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import GRANT_PREFIX, EntryKind, Grant, GrantFilter, GrantState
from comptoir.surfaces.services import Services
from support.back_office import as_role, said
from support.console import Shop, Staff, counted_statements


def href(shop: Shop, name: str) -> str:
    return f"/orders/{to_text(ORDER_PREFIX, shop.orders[name])}"


async def owed(parts: Services, shop: Shop, name: str = "fresh", *, granted: bool = True) -> int:
    """The order is paid, and wholly cancelled then; gives what the buyer is owed."""
    async with parts.database.transaction() as tx:
        order = await orders.order(tx, shop.orders[name])
        left = order.total - order.captured
        if left > 0:
            await orders.pay(tx, order.id, EntryKind.CAPTURED, "card", left)
        await orders.cancel(tx, order.id, None, "customer")
        amount = (await orders.standing(tx, order.id)).owed_to_buyer
        if granted:
            await orders.grant_refund(tx, order.id, amount, "cancelled")
    return amount


async def of_order(parts: Services, shop: Shop, name: str = "fresh") -> list[Grant]:
    async with parts.database.read() as reader:
        return await payments.grants_of(reader, shop.orders[name])


async def test_a_paid_order_that_is_cancelled_is_found_by_what_is_owed(owner: Staff, parts: Services, shop: Shop) -> None:
    await owed(parts, shop, granted=False)
    async with parts.database.read() as reader:
        (found,) = (await orders.find(reader, OrderFilter(owed=Owed.TO_BUYER))).items
    assert (found.id, found.payment_status) == (shop.orders["fresh"], "overpaid")
    assert found.owed == found.captured - found.refunded > 0
    with counted_statements() as statements:
        listed = said((await owner.get("/orders?owed=to_buyer")).text)
    assert len(statements) <= 14, statements
    assert (str(shop.numbers["fresh"]) in listed, "to the buyer" in listed, "Overpaid" in listed) == (True, True, True)
    assert str(shop.numbers["shipped"]) not in listed


async def test_what_is_to_be_paid_out_stands_in_a_list_until_it_has_moved(owner: Staff, parts: Services, shop: Shop) -> None:
    empty = said((await owner.get("/orders/refunds")).text)
    assert "Nothing is to be paid out" in empty
    await owed(parts, shop)
    (grant,) = await of_order(parts, shop)
    with counted_statements() as statements:
        page = (await owner.get("/orders/refunds")).text
    assert len(statements) <= 16, statements
    assert str(shop.numbers["fresh"]) in said(page)
    act = f"{href(shop, 'fresh')}/payout?grant={to_text(GRANT_PREFIX, grant.id)}&back=refunds"
    assert act.replace("&", "&amp;") in page
    async with parts.database.read() as reader:
        parts_of = payments.as_paid(await payments.entries_of(reader, shop.orders["fresh"]), grant.open)
    for method, part in parts_of:
        form = (await owner.get(act)).text
        assert 'name="back" value="refunds"' in form
        sent = await owner.submit(
            act,
            f"{href(shop, 'fresh')}/payout",
            {"way": f"m:{method}", "amount": str(part / 100), "reference": f"r{part}"},
        )
        assert (sent.status_code, sent.headers["location"]) == (303, "/orders/refunds"), said(sent.text)
    assert "Nothing is to be paid out" in said((await owner.get("/orders/refunds")).text)
    assert str(shop.numbers["fresh"]) in said((await owner.get("/orders/refunds?tab=done")).text)
    async with parts.database.read() as reader:
        assert (await orders.order(reader, shop.orders["fresh"])).payment_status == "refunded"


async def test_refunds_are_found_by_age_method_and_order(owner: Staff, parts: Services, shop: Shop) -> None:
    await owed(parts, shop)
    number = str(shop.numbers["fresh"])
    (grant,) = await of_order(parts, shop)
    async with parts.database.read() as reader:
        (method, *_) = await payments.methods_to_pay(reader)
        later = GrantFilter(granted_before=grant.granted_at + timedelta(seconds=1), states=(GrantState.PENDING,))
        assert [one.id for one in (await payments.find_grants(reader, later)).items] == [grant.id]
        (sums,) = await payments.to_pay(reader)
    assert (sums.count, sums.amount, sums.oldest) == (1, grant.amount, grant.granted_at)
    for query, there in (
        (f"method={method}", True),
        ("method=cheque", False),
        ("age=1", False),
        (f"q={number}", True),
        ("q=1", False),
        ("tab=withdrawn", False),
    ):
        page = await owner.get(f"/orders/refunds?{query}")
        assert (href(shop, "fresh") in page.text) is there, query
    csv = (await owner.get("/orders/refunds?format=csv")).content.decode("utf-8-sig").splitlines()
    assert (len(csv), csv[1].split(",")[0]) == (2, number)


async def test_who_may_not_refund_sees_what_is_owed_and_pays_nothing(owner: Staff, parts: Services, shop: Shop) -> None:
    await owed(parts, shop)
    analyst = await as_role(owner, "analyst")
    page = await analyst.get("/orders/refunds")
    assert (page.status_code, "/payout" in page.text) == (200, False)


async def test_the_list_reads_well_in_french(owner: Staff, parts: Services, shop: Shop) -> None:
    await owed(parts, shop)
    await owner.get("/preferences/language?to=fr&next=/")
    page = said((await owner.get("/orders/refunds")).text)
    assert ("Remboursements à effectuer" in page, "Rendu par" in page) == (True, True)
