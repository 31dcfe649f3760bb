"""The money of an order on screen: refunds granted, paid out and withdrawn, and gift cards and store credit."""

from __future__ import annotations

import html
import re

from comptoir.kernel.ids import to_text
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CUSTOMER_PREFIX, EMAIL, CustomerDraft, CustomerId, Identity
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, LineQuantity
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import (
    ACCOUNT_PREFIX,
    GRANT_PREFIX,
    Account,
    AccountDraft,
    AccountKind,
    EntryKind,
    Grant,
    Standing,
)
from comptoir.surfaces.services import Services
from support.back_office import as_role, audited, said
from support.console import USD, Shop, Staff, fields_of


def href(shop: Shop, name: str) -> str:
    return f"/orders/{to_text(ORDER_PREFIX, shop.orders[name])}"


async def owed(parts: Services, shop: Shop, name: str = "fresh") -> None:
    """Two pounds of bananas less: the buyer is owed $1.58, and nobody has promised it yet."""
    async with parts.database.transaction() as tx:
        await orders.cancel(tx, shop.orders[name], [LineQuantity(1, 2)], "customer")


async def grants(parts: Services, shop: Shop, name: str = "fresh") -> list[Grant]:
    async with parts.database.read() as reader:
        return await payments.grants_of(reader, shop.orders[name])


async def standing(parts: Services, shop: Shop, name: str = "fresh") -> Standing:
    async with parts.database.read() as reader:
        return await orders.standing(reader, shop.orders[name])


async def granted(owner: Staff, parts: Services, shop: Shop) -> str:
    """The refund is promised; gives the id of the grant."""
    await owed(parts, shop)
    act = f"{href(shop, 'fresh')}/refund"
    assert (await owner.submit(act, act, {"amount": "1.58", "reason": "goodwill"})).status_code == 303
    (grant,) = await grants(parts, shop)
    return to_text(GRANT_PREFIX, grant.id)


async def customer_of(parts: Services, shop: Shop, name: str = "fresh") -> CustomerId:
    async with parts.database.read() as reader:
        found = (await orders.order(reader, shop.orders[name])).customer_id
    assert found is not None
    return CustomerId(found)


async def opened(parts: Services, customer: CustomerId | None, amount: int) -> tuple[Account, str]:
    async with parts.database.transaction() as tx:
        draft = AccountDraft(kind=AccountKind.GIFT_CARD, currency=USD, amount=amount, customer_id=customer)
        return await payments.issue(tx, draft)


async def test_what_is_owed_is_granted_then_paid_out_as_it_was_paid(owner: Staff, parts: Services, shop: Shop) -> None:
    await owed(parts, shop)
    page = said((await owner.get(href(shop, "fresh"))).text)
    assert "Owed to the buyer $1.58" in page
    assert "Grant the refund" in page
    act = f"{href(shop, 'fresh')}/refund"
    too_much = await owner.submit(act, act, {"amount": "2", "reason": "goodwill"})
    assert too_much.status_code == 422
    assert "That is more than is owed." in too_much.text
    assert (await owner.submit(act, act, {"amount": "1.58", "reason": "goodwill"})).status_code == 303
    (grant,) = await grants(parts, shop)
    page = said((await owner.get(href(shop, "fresh"))).text)
    for words in ("to be paid out", "Goodwill", "As it was paid: card $1.58", "Pay it out"):
        assert words in page, words
    payout = f"{href(shop, 'fresh')}/payout"
    form = (await owner.get(f"{payout}?grant={to_text(GRANT_PREFIX, grant.id)}")).text
    assert "card, up to $13.44" in form
    assert "m:cash" not in form
    values = {"amount": "1", "way": "m:card", "reference": "re_1"}
    answer = await owner.send(payout, fields_of(form, payout) | values)
    assert answer.status_code == 303, said(answer.text)
    there = await standing(parts, shop)
    assert (there.refunded, there.granted) == (100, 58)
    assert "partly paid out" in (await owner.get(href(shop, "fresh"))).text
    assert [one.action for one in (await audited(parts))[:2]] == ["order.payout", "order.refund"]


async def test_no_money_goes_back_another_way_than_it_came(owner: Staff, parts: Services, shop: Shop) -> None:
    key = await granted(owner, parts, shop)
    payout = f"{href(shop, 'fresh')}/payout"
    form = fields_of((await owner.get(f"{payout}?grant={key}")).text, payout)
    cash = await owner.send(payout, form | {"amount": "1", "way": "m:cash"})
    assert cash.status_code == 422
    assert "refund it as it was paid, or as store credit" in cash.text
    terminal = await owner.send(payout, form | {"amount": "1", "way": "m:card_terminal"})
    assert "Type the number of the terminal" in terminal.text
    assert (await standing(parts, shop)).refunded == 0
    assert (await owner.send(payout, form | {"amount": "1", "way": "m:card_terminal", "reference": "T7"})).status_code == 303


async def test_a_refund_goes_to_new_store_credit_whose_code_is_shown_once(owner: Staff, parts: Services, shop: Shop) -> None:
    key = await granted(owner, parts, shop)
    payout = f"{href(shop, 'fresh')}/payout"
    form = fields_of((await owner.get(f"{payout}?grant={key}")).text, payout)
    answer = await owner.send(payout, form | {"amount": "1.58", "way": "new:store_credit"})
    page = (await owner.get(answer.headers["location"])).text
    code = re.search(r'id="secret" value="([0-9A-Z-]+)"', page)
    assert code is not None
    async with parts.database.read() as reader:
        account = await payments.account_by_code(reader, code.group(1))
    assert (account.kind, account.balance, account.customer_id) == ("store_credit", 158, await customer_of(parts, shop))
    assert 'id="secret"' not in (await owner.get(href(shop, "fresh"))).text
    assert code.group(1) not in str([one.data for one in await audited(parts)])
    customer = (await owner.get(f"/customers/{to_text(CUSTOMER_PREFIX, await customer_of(parts, shop))}")).text
    assert f"····{account.last4}" in customer
    assert "$1.58" in customer


async def test_a_refund_goes_to_a_gift_card_by_its_code(owner: Staff, parts: Services, shop: Shop) -> None:
    key = await granted(owner, parts, shop)
    card, code = await opened(parts, None, 0)
    payout = f"{href(shop, 'fresh')}/payout"
    form = fields_of((await owner.get(f"{payout}?grant={key}")).text, payout)
    wrong = await owner.send(payout, form | {"amount": "1", "way": "code", "code": "T0000-00000-00000-00000"})
    assert wrong.status_code == 422
    assert 'value="T0000-00000-00000-00000"' in wrong.text
    typed = {"amount": "1", "way": "code", "code": code.lower()}
    assert (await owner.send(payout, form | typed)).status_code == 303
    async with parts.database.read() as reader:
        assert (await payments.get_account(reader, card.id)).balance == 100
    assert code.lower() not in str([one.data for one in await audited(parts)])


async def test_another_customers_account_gets_nothing(owner: Staff, parts: Services, shop: Shop) -> None:
    key = await granted(owner, parts, shop)
    async with parts.database.transaction() as tx:
        stranger = await customers.create(tx, CustomerDraft(name="Eve"), [Identity(EMAIL, "eve@example.com")])
    card, _ = await opened(parts, stranger.id, 0)
    payout = f"{href(shop, 'fresh')}/payout"
    form = fields_of((await owner.get(f"{payout}?grant={key}")).text, payout)
    answer = await owner.send(payout, form | {"amount": "1", "way": f"a:{to_text(ACCOUNT_PREFIX, card.id)}"})
    assert answer.status_code == 422
    assert (await standing(parts, shop)).refunded == 0


async def test_a_grant_is_withdrawn_with_a_reason(owner: Staff, parts: Services, shop: Shop) -> None:
    key = await granted(owner, parts, shop)
    act = f"{href(shop, 'fresh')}/withdraw"
    form = fields_of((await owner.get(f"{act}?grant={key}")).text, act)
    assert (await owner.send(act, form | {"reason": ""})).status_code == 422
    assert (await owner.send(act, form | {"reason": "Promised twice"})).status_code == 303
    (grant,) = await grants(parts, shop)
    assert grant.state == "withdrawn"
    page = said((await owner.get(href(shop, "fresh"))).text)
    assert "withdrawn" in page
    assert "Grant the refund" in page


async def test_a_gift_card_pays_what_is_owed(owner: Staff, parts: Services, shop: Shop) -> None:
    card, code = await opened(parts, None, 500)
    act = f"{href(shop, 'unpaid')}/spend"
    assert "Still to pay $29.47" in said((await owner.get(act)).text)
    form = fields_of((await owner.get(act)).text, act)
    assert (await owner.send(act, form | {"way": "code", "code": code})).status_code == 303
    there = await standing(parts, shop, "unpaid")
    assert (there.captured, there.owed_by_buyer) == (500, 2447)
    again = await owner.send(act, fields_of((await owner.get(act)).text, act) | {"way": "code", "code": code})
    assert again.status_code == 422
    async with parts.database.read() as reader:
        assert (await payments.get_account(reader, card.id)).balance == 0
        entries = await payments.entries_of(reader, shop.orders["unpaid"])
    assert [one.method for one in entries if one.kind == EntryKind.CAPTURED] == ["gift_card"]


# Accounts


async def test_credit_is_issued_shown_once_and_corrected_with_a_reason(owner: Staff, parts: Services, shop: Shop) -> None:
    customer = f"/customers/{to_text(CUSTOMER_PREFIX, await customer_of(parts, shop))}"
    act = f"{customer}/accounts/new"
    values = {"kind": "store_credit", "currency": "USD", "amount": "25", "reason": "Three late parcels", "until": "2020-01-01"}
    past = await owner.submit(act, act, values)
    assert past.status_code == 422
    assert "Type a day in the future." in past.text
    assert 'value="Three late parcels"' in past.text
    answer = await owner.submit(act, act, values | {"until": "2099-12-31"})
    where = answer.headers["location"]
    assert 'id="secret"' in (await owner.get(where)).text
    where = where.partition("?")[0]
    adjust = f"{where}/adjust"
    low = await owner.submit(adjust, adjust, {"way": "off", "amount": "26", "reason": "Mistake"})
    assert low.status_code == 422
    assert (await owner.submit(adjust, adjust, {"way": "off", "amount": "5", "reason": "Mistake"})).status_code == 303
    page = html.unescape(said((await owner.get(where)).text))
    for words in ("Issued Three late parcels", "Corrected Mistake", "$20.00", "Dana Owner"):
        assert words in page, words
    assert 'id="secret"' not in (await owner.get(where)).text
    assert [one.action for one in (await audited(parts))[:2]] == ["account.adjusted", "account.issued"]


async def test_only_who_may_approve_puts_money_on_accounts(owner: Staff, parts: Services, shop: Shop) -> None:
    customer = f"/customers/{to_text(CUSTOMER_PREFIX, await customer_of(parts, shop))}"
    card, _ = await opened(parts, await customer_of(parts, shop), 500)
    where = f"/accounts/{to_text(ACCOUNT_PREFIX, card.id)}"
    await as_role(owner, "support")
    assert (await owner.get(where)).status_code == 200
    assert "Correct the balance" not in (await owner.get(where)).text
    assert (await owner.get(f"{where}/adjust")).status_code == 403
    assert (await owner.get(f"{customer}/accounts/new")).status_code == 403
    await as_role(owner, "buyer")
    assert (await owner.get(where)).status_code == 403


async def test_a_marketplace_gives_its_money_back_itself(owner: Staff, parts: Services, shop: Shop) -> None:
    await owed(parts, shop, "market")
    act = f"{href(shop, 'market')}/refund"
    assert (await owner.submit(act, act, {"amount": "1", "reason": "goodwill"})).status_code == 303
    (grant,) = await grants(parts, shop, "market")
    page = (await owner.get(href(shop, "market"))).text
    assert "The marketplace gives this back by its own rules" in page
    assert "/payout" not in page
    payout = f"{href(shop, 'market')}/payout"
    form = fields_of((await owner.get(f"{payout}?grant={to_text(GRANT_PREFIX, grant.id)}")).text, payout)
    assert (await owner.send(payout, form | {"amount": "1", "way": "m:card"})).status_code == 422
    assert (await standing(parts, shop, "market")).refunded == 0
