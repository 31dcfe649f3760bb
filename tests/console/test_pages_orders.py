from __future__ import annotations

import asyncio
import re

from comptoir.kernel.ids import to_text
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CUSTOMER_PREFIX, LOYALTY, CustomerDraft, Identity
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Quantity
from comptoir.modules.locations.contracts import LOCATION_PREFIX
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, Order, OrderFilter
from comptoir.modules.staff import api as staff_api
from comptoir.modules.staff.contracts import AuditFilter
from comptoir.surfaces.services import Services
from support.console import Shop, Staff, counted_statements, fields_of

HOSTILE = "</textarea><script>alert(1)</script><img src=x onerror=alert(2)>\"'"


def href(shop: Shop, name: str) -> str:
    return f"/orders/{to_text(ORDER_PREFIX, shop.orders[name])}"


def place(shop: Shop, code: str) -> str:
    return to_text(LOCATION_PREFIX, shop.locations[code])


async def order(parts: Services, shop: Shop, name: str) -> Order:
    async with parts.database.read() as reader:
        return await orders.order(reader, shop.orders[name])


async def actions(parts: Services) -> list[str]:
    async with parts.database.read() as reader:
        return [entry.action for entry in (await staff_api.find_audit(reader, AuditFilter())).items]


async def test_the_list_filters_searches_and_sorts(owner: Staff, shop: Shop) -> None:
    numbers = shop.numbers

    async def found(query: str) -> list[int]:
        page = (await owner.get(f"/orders?{query}", **{"hx-request": "true"})).text
        assert "<html" not in page
        return [int(number) for number in re.findall(r'class="row-link" href="/orders/ord_[^"]+">(\d+)<', page)]

    assert set(await found("")) == set(numbers.values())
    assert set(await found("tab=waiting")) == {numbers["waiting"]}
    assert set(await found("tab=exceptions")) == {numbers["fresh"], numbers["pickup"]}
    assert set(await found("channel=market")) == {numbers["market"]}
    assert set(await found("payment=authorised")) == {numbers["unpaid"]}
    assert set(await found("fulfilment=fulfilled")) == {numbers["shipped"]}
    assert set(await found("q=1127831")) == {numbers["market"]}
    assert set(await found("q=am%C3%A9lie")) == {numbers["fresh"], numbers["waiting"]}
    assert set(await found(f"q=%23{numbers['shipped']}")) == {numbers["shipped"]}
    assert set(await found("on_to=2020-01-01")) == set()
    assert (await found("sort=total"))[-1] == numbers["waiting"]
    assert await found("sort=number") == sorted(numbers.values())


async def test_a_list_that_is_empty_says_what_to_do(owner: Staff) -> None:
    assert "No order fits" in (await owner.get("/orders?channel=none")).text


async def test_the_export_is_a_file_that_a_spreadsheet_opens(owner: Staff, shop: Shop) -> None:
    answer = await owner.get("/orders?format=csv&sort=number")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("Order,Channel,")
    assert len(lines) == 1 + len(shop.orders)
    assert lines[1].split(",")[0] == str(shop.numbers["fresh"])
    await owner.get("/preferences/language?to=fr&next=/")
    french = (await owner.get("/orders?format=csv&sort=number")).content.decode("utf-8-sig").splitlines()
    assert french[0].startswith("Commande;Canal;")
    assert ";13,44;" in french[1]


async def test_a_page_costs_few_statements(owner: Staff, shop: Shop) -> None:
    budget = {
        "/orders": 9,
        "/orders?q=840361": 10,
        href(shop, "fresh"): 20,
        "/orders?q=am%C3%A9lie": 10,
        "/exceptions": 15,
        "/customers": 5,
    }
    for path, most in budget.items():
        await owner.get(path)
        with counted_statements() as sent:
            assert (await owner.get(path)).status_code == 200
        assert len(sent) <= most, (path, len(sent), sent)


async def test_an_order_shows_lines_money_places_and_what_happened(owner: Staff, shop: Shop) -> None:
    page = (await owner.get(href(shop, "fresh"))).text
    for words in ("Bananas, yellow, per pound", "$13.44", "Cincinnati warehouse", "Amélie Fontaine", "Placed and promised"):
        assert words in page, words
    assert "To ship" in page
    shipped = (await owner.get(href(shop, "shipped"))).text
    assert "1Z999AA10123456784" in shipped
    assert "Shipped from Cincinnati warehouse" in shipped


async def test_shipping_takes_the_units_off_the_stock_and_leaves_a_trail(owner: Staff, parts: Services, shop: Shop) -> None:
    where, act = href(shop, "unpaid"), f"{href(shop, 'unpaid')}/ship"
    form = fields_of((await owner.get(f"{act}?from={place(shop, 'WH-CIN')}")).text, act)
    answer = await owner.send(act, form | {"line-1": "1", "line-2": "1", "carrier": "UPS", "tracking_number": "1Z"})
    assert (answer.status_code, answer.headers["location"]) == (303, where)
    assert "2 units have been shipped." in (await owner.get(where)).text
    now = await order(parts, shop, "unpaid")
    assert [line.shipped for line in now.lines] == [1, 1]
    assert now.fulfilment_status == "partial"
    assert "order.ship" in await actions(parts)


async def test_a_double_click_ships_once(owner: Staff, parts: Services, shop: Shop) -> None:
    act = f"{href(shop, 'unpaid')}/ship"
    form = fields_of((await owner.get(f"{act}?from={place(shop, 'WH-CIN')}")).text, act) | {"line-2": "1"}
    answers = await asyncio.gather(*(owner.send(act, form) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {303}
    assert [line.shipped for line in (await order(parts, shop, "unpaid")).lines] == [0, 1]
    assert (await actions(parts)).count("order.ship") == 1


async def test_someone_else_was_faster(owner: Staff, parts: Services, shop: Shop) -> None:
    act = f"{href(shop, 'unpaid')}/release"
    form = fields_of((await owner.get(act)).text, act) | {"line-1": "1", "line-2": "0", "reason": "a doubt"}
    async with parts.database.transaction() as tx:
        held = await inventory.reservations_for(tx, shop.orders["unpaid"])
        await orders.ship(tx, shop.orders["unpaid"], held[0].location_id, None)
    answer = await owner.send(act, form)
    assert answer.status_code == 422
    assert "Someone else has changed this order" in answer.text
    assert "Shipped from Cincinnati warehouse (Comptoir itself)" in answer.text
    assert 'value="a doubt"' in answer.text
    assert (await order(parts, shop, "unpaid")).backordered == 0


async def test_units_move_to_the_nearest_that_has_them(owner: Staff, parts: Services, shop: Shop) -> None:
    act = f"{href(shop, 'fresh')}/move"
    page = (await owner.get(f"{act}?from={place(shop, 'WH-CIN')}&line=1")).text
    targets = re.findall(r'<option value="(loc_[^"]+)"', page)
    assert targets[0] == place(shop, "S406"), "Dayton is nearer to Cincinnati than Columbus"
    form = fields_of(page, act) | {"quantity": "2", "to": targets[0]}
    assert (await owner.send(act, form)).status_code == 303
    async with parts.database.read() as reader:
        held = await inventory.reservations_for(reader, shop.orders["fresh"])
    assert {(r.location_id, r.quantity) for r in held if r.line_no == 1} == {
        (shop.locations["WH-CIN"], 1),
        (shop.locations["S406"], 2),
    }
    assert "Moved from Cincinnati warehouse to Store 406, Dayton" in (await owner.get(href(shop, "fresh"))).text


async def test_money_is_written_down_once(owner: Staff, parts: Services, shop: Shop) -> None:
    act = f"{href(shop, 'unpaid')}/payment"
    values = {"kind": "captured", "amount": "5,99", "method": "card", "reference": "ch_2"}
    assert (await owner.submit(act, act, values)).status_code == 303
    assert (await owner.submit(act, act, values)).status_code == 303
    by_card = await owner.submit(act, act, values | {"method": "gift card", "reference": "ch_3"})
    assert by_card.status_code == 422
    assert "Let the gift card or store credit pay instead" in by_card.text
    assert (await order(parts, shop, "unpaid")).captured == 599


async def test_waiting_units_find_stock_that_has_come(owner: Staff, parts: Services, shop: Shop) -> None:
    act = f"{href(shop, 'waiting')}/allocate"
    assert (await owner.submit(act, act, {})).status_code == 303
    before = (await order(parts, shop, "waiting")).backordered
    async with parts.database.transaction() as tx:
        await inventory.receive(tx, shop.locations["S367"], [Quantity("995242", 5)], reference="truck")
    assert (await owner.submit(act, act, {})).status_code == 303
    assert (await order(parts, shop, "waiting")).backordered == before - 5


async def test_hostile_text_is_only_ever_text(owner: Staff, shop: Shop) -> None:
    where = href(shop, "fresh")
    assert (await owner.submit(f"{where}/note", f"{where}/note", {"note": HOSTILE})).status_code == 303
    refused = await owner.submit(
        f"{where}/payment", f"{where}/payment", {"kind": HOSTILE, "amount": HOSTILE, "method": HOSTILE}
    )
    assert refused.status_code == 422
    search = await owner.client.get("/search", params={"q": HOSTILE})
    listed = await owner.client.get("/orders", params={"q": HOSTILE, "channel": HOSTILE, "tab": HOSTILE, "on_from": ""})
    for page in (await owner.get(where), refused, search, listed):
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text


# An order by phone


async def test_an_order_by_phone_is_promised_at_once(owner: Staff, parts: Services, shop: Shop) -> None:
    found = (await owner.get("/orders/new/products?find=butter&channel=phone")).text
    assert "Unsalted butter" in found
    assert "out of stock" not in found.lower()
    row = (await owner.get("/orders/new/line?sku=981760&channel=phone")).text
    assert 'name="sku" value="981760"' in row
    values = {
        "channel": "phone", "sku": ["981760", "883404"], "quantity": ["2", "1"], "buyer_name": "Ada",
        "buyer_email": "ada@example.org", "to_line1": "1 Main Street", "to_city": "Dayton", "to_postcode": "45402",
        "to_country": "United States", "shipping": "5.00", "fill": "all",
    }  # fmt: skip
    form = fields_of((await owner.get("/orders/new")).text, "/orders/new") | values
    answers = await asyncio.gather(owner.send("/orders/new", form), owner.send("/orders/new", form))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    page = (await owner.get(answers[0].headers["location"])).text
    for words in ("Phone orders", "$21.47", "Ada, 1 Main Street, 45402 Dayton, US", "Dana Owner"):
        assert words in page, words
    async with parts.database.read() as reader:
        assert (await orders.count(reader, OrderFilter(channels=("phone",)))).rows == 1
    assert "order.placed" in await actions(parts)


async def test_what_is_short_is_said_and_offered_in_part(owner: Staff, parts: Services) -> None:
    values = {"channel": "phone", "sku": "1127831", "quantity": "500", "pickup": "", "fill": "all", "buyer_name": "Ada",
              "to_line1": "1 Main Street", "to_city": "Dayton", "to_country": "US"}  # fmt: skip
    form = fields_of((await owner.get("/orders/new")).text, "/orders/new") | values
    refused = await owner.send("/orders/new", form)
    assert refused.status_code == 422
    assert "1127831: 500 asked" in refused.text
    assert "Take what there is" in refused.text
    assert "Let the rest wait for stock" in refused.text
    assert 'value="500"' in refused.text
    assert 'value="1 Main Street"' in refused.text
    again = fields_of(refused.text, "/orders/new") | values | {"fill": "backorder"}
    placed = await owner.send("/orders/new", again)
    assert placed.status_code == 303
    assert "wait for stock" in (await owner.get(placed.headers["location"])).text


async def test_an_order_without_a_product_or_an_address_is_sent_back(owner: Staff) -> None:
    empty = await owner.submit("/orders/new", "/orders/new", {"channel": "phone", "fill": "all"})
    assert empty.status_code == 422
    assert "Add at least one product." in empty.text
    nowhere = await owner.submit(
        "/orders/new", "/orders/new",
        {"channel": "phone", "sku": "981760", "quantity": "x", "to_country": "Atlantis", "fill": "all", "buyer_email": "no"},
    )  # fmt: skip
    assert nowhere.status_code == 422
    for words in ("Type a whole number.", "This is no country that we know.", "This is no e-mail address."):
        assert words in nowhere.text, words


async def test_an_action_that_has_no_units_left_says_so_and_offers_no_form(owner: Staff, shop: Shop) -> None:
    page = (await owner.get(f"{href(shop, 'shipped')}/release")).text
    assert "The order has no units that this could be done with." in page
    assert "Units to release" not in page


async def test_what_is_collected_is_handed_over_and_not_shipped(owner: Staff, shop: Shop) -> None:
    assert "To hand over" in (await owner.get(href(shop, "pickup"))).text
    assert "To hand over" not in (await owner.get(href(shop, "fresh"))).text


async def test_a_view_that_is_empty_now_says_more_than_that_nothing_fits(owner: Staff) -> None:
    assert "No order stands here now" in (await owner.get("/orders?tab=returns")).text
    assert "No order fits" in (await owner.get("/orders?tab=returns&q=nothing-like-it")).text


# Search and customers


async def test_a_customer_without_a_name_goes_by_the_first_key(owner: Staff, parts: Services) -> None:
    async with parts.database.transaction() as tx:
        made = await customers.create(tx, CustomerDraft(tags=("regular",)), [Identity(LOYALTY, "H0001")])
    assert re.search(r'class="row-link"[^>]*>H0001</a>', (await owner.get("/customers?q=H0001")).text)
    page = (await owner.get(f"/customers/{to_text(CUSTOMER_PREFIX, made.id)}")).text
    assert re.search(r"<h1>H0001\s*</h1>", page)
    assert "Without a name" in page
    assert "<li>regular</li>" in page


async def test_search_jumps_to_what_was_surely_meant(owner: Staff, shop: Shop) -> None:
    assert (await owner.get(f"/search?q={shop.numbers['fresh']}")).headers["location"] == href(shop, "fresh")
    assert (await owner.get("/search?q=981760")).headers["location"] == "/stock/981760"
    assert (await owner.get("/search?q=S367")).headers["location"].startswith("/stock?location=loc_")
    assert (await owner.get("/search?q=amelie@example.org")).headers["location"].startswith("/customers/cust_")
    many = await owner.get("/search?q=store")
    assert many.status_code == 200
    assert "Store 367, Columbus" in many.text
    assert "Nothing found" in (await owner.get("/search?q=zzzzqq")).text


async def test_a_customer_shows_keys_and_orders(owner: Staff, shop: Shop) -> None:
    where = (await owner.get("/search?q=amelie@example.org")).headers["location"]
    page = (await owner.get(where)).text
    assert "amelie@example.org" in page
    assert f">{shop.numbers['fresh']}<" in page
    assert where in (await owner.get(href(shop, "fresh"))).text
