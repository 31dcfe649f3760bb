"""What a buyer agrees to when something is not there: asked on the phone, written on the order, seen on its page."""

from __future__ import annotations

from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.orders.contracts import ORDER_PREFIX, OrderId
from comptoir.modules.substitution import api as substitution
from comptoir.modules.substitution.contracts import Consent
from comptoir.surfaces.services import Services
from support.back_office import audited, said
from support.console import Shop, Staff, counted_statements

LOAF = "840361"


async def agreed(parts: Services, order_id: OrderId) -> dict[int, Consent]:
    async with parts.database.read() as reader:
        return await substitution.consents(reader, order_id)


async def taken_by_phone(owner: Staff, shop: Shop, **more: str) -> OrderId:
    form = "/orders/new"
    given = {
        "channel": "phone", "sku": LOAF, "quantity": "1", "buyer_name": "Amélie Fontaine", "fill": "all",
        "pickup": to_text("loc", shop.locations["S367"]),
    }  # fmt: skip
    answer = await owner.submit(form, form, given | more)
    assert answer.status_code == 303, said(answer.text)
    return OrderId(from_text(ORDER_PREFIX, answer.headers["location"].rpartition("/")[2]))


async def test_who_orders_on_the_phone_is_asked_what_may_come_instead(owner: Staff, parts: Services, shop: Shop) -> None:
    assert "When something is not there" in (await owner.get("/orders/new")).text
    order_id = await taken_by_phone(owner, shop, substitutions="same_price")
    assert await agreed(parts, order_id) == {0: Consent.SAME_PRICE}
    page = said((await owner.get(f"/orders/{to_text(ORDER_PREFIX, order_id)}")).text)
    assert "When something is not there Something that usually costs no more" in page
    assert await agreed(parts, await taken_by_phone(owner, shop)) == {}


async def test_a_form_that_comes_back_keeps_what_was_agreed(owner: Staff, shop: Shop) -> None:
    form = "/orders/new"
    given = {"channel": "phone", "sku": LOAF, "quantity": "1", "fill": "all", "substitutions": "any"}
    refused = await owner.submit(form, form, given)
    assert refused.status_code == 422
    assert '<option value="any" selected>' in refused.text


async def test_what_was_agreed_is_changed_on_the_order_by_product(owner: Staff, parts: Services, shop: Shop) -> None:
    order_id = shop.orders["fresh"]
    page = f"/orders/{to_text(ORDER_PREFIX, order_id)}"
    assert "When something is not there" not in said((await owner.get(page)).text)
    form = f"{page}/consent"
    assert "Products for which it is otherwise" in (await owner.get(form)).text
    done = await owner.submit(form, form, {"substitutions": "any", "line-1": "none", "line-2": ""})
    assert done.status_code == 303, said(done.text)
    assert await agreed(parts, order_id) == {0: Consent.ANY, 1: Consent.NONE}
    told = said((await owner.get(page)).text)
    assert "Whatever comes closest; " in told
    assert "Nothing instead" in told
    assert (await audited(parts))[0].action == "order.consent"
    await owner.submit(form, form, {"substitutions": "none", "line-1": "", "line-2": ""})
    assert "When something is not there" not in said((await owner.get(page)).text)


async def test_the_page_of_an_order_takes_few_statements_with_it(owner: Staff, shop: Shop) -> None:
    page = f"/orders/{to_text(ORDER_PREFIX, shop.orders['fresh'])}"
    await owner.get(page)
    with counted_statements() as sent:
        await owner.get(page)
    assert len(sent) <= 20, sent
