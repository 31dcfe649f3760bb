"""Changes of orders on screen: asked for, seen before they are done, done, approved by somebody else."""

from __future__ import annotations

import html
import re
from typing import Any

from comptoir.kernel.ids import to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Change, ChangeFilter, ChangeState, PolicyDraft, ReturnState
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Quantity
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, Order, OrderId
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import EntryKind, Standing
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import PriceDraft
from comptoir.surfaces.services import Services
from support.back_office import HOSTILE, as_role, audited, said
from support.console import Shop, Staff, counted_statements, place, worker
from support.consumers import drained


def href(shop: Shop, name: str) -> str:
    return f"/orders/{to_text(ORDER_PREFIX, shop.orders[name])}"


def form_of(text: str, action: str) -> dict[str, list[str]]:
    """Every hidden field of the form with this action, those of one name together."""
    found = re.search(rf'<form\b[^>]*method="post"[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', text, re.DOTALL)
    assert found is not None, f"no form for {action}"
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found.group(1)):
        fields.setdefault(name, []).append(html.unescape(value))
    return fields


async def ask(visitor: Staff, action: str, values: dict[str, Any]) -> str:
    """Fills in the form and presses the button that shows what it comes to; gives the page that says so."""
    page = (await visitor.get(action)).text
    answer = await visitor.send(action, form_of(page, action) | values | {"step": "preview"})
    assert answer.status_code == 200, said(answer.text)
    assert "What it comes to" in answer.text
    return answer.text


async def do(visitor: Staff, action: str, values: dict[str, Any], **more: Any) -> str:
    """The same, and then does it; gives where that leads."""
    seen = await ask(visitor, action, values)
    answer = await visitor.send(action, form_of(seen, action) | {"step": "confirm"} | more)
    assert answer.status_code == 303, said(answer.text)
    return answer.headers["location"]


async def order(parts: Services, order_id: OrderId) -> Order:
    async with parts.database.read() as reader:
        return await orders.order(reader, order_id)


async def standing(parts: Services, order_id: OrderId) -> Standing:
    async with parts.database.read() as reader:
        return await orders.standing(reader, order_id)


async def all_changes(parts: Services, *states: ChangeState) -> list[Change]:
    async with parts.database.read() as reader:
        return (await changes.find_changes(reader, ChangeFilter(states=states))).items


async def careful(parts: Services, above: int) -> None:
    async with parts.database.transaction() as tx:
        await changes.create_policy(tx, PolicyDraft(code="careful", position=1, approval_above=above))


async def sizes(parts: Services, shop: Shop) -> OrderId:
    """A pullover in two sizes; the small one has been sold and sent."""
    async with parts.database.transaction() as tx:
        variants = [VariantDraft(sku="PULL-S", name="Pullover S"), VariantDraft(sku="PULL-L", name="Pullover L")]
        await catalogue.upsert(tx, [ProductDraft(code="PULL", names={"en": "Pullover"}, variants=variants)])
        await pricing.set_prices(tx, "us", [PriceDraft("PULL-S", 4000), PriceDraft("PULL-L", 4200)])
        for sku in ("PULL-S", "PULL-L"):
            await inventory.receive(tx, shop.locations["WH-CIN"], [Quantity(sku, 3)], reference="truck")
    placed = await place(parts, "web", [("PULL-S", 1)], person=2, paid=False)
    async with parts.database.transaction() as tx:
        await orders.pay(tx, placed.id, EntryKind.CAPTURED, "card", 4000, "ch_9")
        await orders.ship(tx, placed.id, shop.locations["WH-CIN"], None)
    return placed.id


# Asking


async def test_the_menu_offers_what_is_possible(owner: Staff, shop: Shop) -> None:
    fresh = (await owner.get(href(shop, "fresh"))).text
    shipped = (await owner.get(href(shop, "shipped"))).text
    for kind, still_here, gone in (
        ("edit", True, False), ("cancel", True, False), ("exchange", False, True), ("claim", False, True),
        ("adjustment", True, True),
    ):  # fmt: skip
        assert (f"{href(shop, 'fresh')}/change/{kind}" in fresh, f"{href(shop, 'shipped')}/change/{kind}" in shipped) == (
            still_here, gone,
        )  # fmt: skip
    assert f"/returns/new?order={to_text(ORDER_PREFIX, shop.orders['shipped'])}" in shipped


async def test_what_was_an_action_of_its_own_leads_to_where_it_is_done_now(owner: Staff, shop: Shop) -> None:
    old = await owner.get(f"{href(shop, 'fresh')}/cancel")
    assert (old.status_code, old.headers["location"]) == (303, f"{href(shop, 'fresh')}/change/cancel")
    back = await owner.get(f"{href(shop, 'shipped')}/return")
    assert back.headers["location"] == f"/returns/new?order={to_text(ORDER_PREFIX, shop.orders['shipped'])}"


async def test_a_cancellation_in_part_is_seen_before_it_is_done(owner: Staff, parts: Services, shop: Shop) -> None:
    action = f"{href(shop, 'fresh')}/change/cancel"
    seen = await ask(owner, action, {"extent": "part", "line-1": "2", "reason": "customer", "fee": "0.50"})
    told = said(seen)
    for words in (
        "2 × Bananas, yellow, per pound cancelled",
        "−$1.58",
        "Cancellation fee +$0.50",
        "$1.08 more is to be refunded",
        "As it was paid: card $1.08",
        "2 × Bananas, yellow, per pound given back at Cincinnati warehouse: can be sold again",
    ):
        assert words in told, (words, told)
    assert (await order(parts, shop.orders["fresh"])).cancelled == 0
    answer = await owner.send(action, form_of(seen, action) | {"step": "confirm"})
    assert (answer.status_code, answer.headers["location"]) == (303, href(shop, "fresh"))
    now = await order(parts, shop.orders["fresh"])
    assert [line.cancelled for line in now.lines] == [2, 0, 0, 0]
    assert (await standing(parts, now.id)).granted == 108
    (change,) = await all_changes(parts)
    assert (change.state, change.reason) == (ChangeState.CONFIRMED, "customer")
    assert (await audited(parts))[0].action == "change.done"


async def test_a_whole_cancellation_takes_everything_that_has_not_left(owner: Staff, parts: Services, shop: Shop) -> None:
    await do(owner, f"{href(shop, 'unpaid')}/change/cancel", {"extent": "whole", "reason": "payment"})
    assert (await order(parts, shop.orders["unpaid"])).fulfilment_status == "cancelled"


async def test_a_second_click_does_it_once(owner: Staff, parts: Services, shop: Shop) -> None:
    action = f"{href(shop, 'fresh')}/change/cancel"
    seen = form_of(await ask(owner, action, {"extent": "part", "line-1": "1", "reason": "customer"}), action)
    for _ in range(2):
        assert (await owner.send(action, seen | {"step": "confirm"})).status_code == 303
    assert (await order(parts, shop.orders["fresh"])).cancelled == 1


async def test_what_changed_in_between_is_told_and_seen_anew(owner: Staff, parts: Services, shop: Shop) -> None:
    action = f"{href(shop, 'fresh')}/change/cancel"
    seen = form_of(await ask(owner, action, {"extent": "part", "line-1": "2", "reason": "customer"}), action)
    async with parts.database.transaction() as tx:
        await orders.allow(tx, shop.orders["fresh"], 1, 100, "late")
    stale = await owner.send(action, seen | {"step": "confirm"})
    assert stale.status_code == 422
    assert "Someone else has changed this order since you opened it." in stale.text
    assert "Below is what it comes to now." in stale.text
    assert (await order(parts, shop.orders["fresh"])).cancelled == 0
    assert await all_changes(parts) == []
    again = await owner.send(action, form_of(stale.text, action) | {"step": "confirm"})
    assert again.status_code == 303
    assert (await order(parts, shop.orders["fresh"])).cancelled == 2


async def test_a_price_that_changed_in_between_is_told_as_well(owner: Staff, parts: Services, shop: Shop) -> None:
    action = f"{href(shop, 'fresh')}/change/edit"
    seen = form_of(await ask(owner, action, {"sku": ["883404"], "quantity": ["1"]}), action)
    async with parts.database.transaction() as tx:
        await pricing.set_prices(tx, "us", [PriceDraft("883404", 999)])
    stale = await owner.send(action, seen | {"step": "confirm"})
    assert stale.status_code == 422
    assert "Prices, stock or work have changed since you looked." in stale.text
    assert "+$9.99" in said(stale.text)


async def test_nothing_that_was_typed_is_lost(owner: Staff, shop: Shop) -> None:
    action = f"{href(shop, 'fresh')}/change/cancel"
    typed = {"extent": "part", "line-1": "9", "line-2": "1", "reason": "fraud", "note": "Look at the address"}
    page = (await owner.get(action)).text
    refused = await owner.send(action, form_of(page, action) | typed | {"step": "preview"})
    assert refused.status_code == 422
    for words in ("Type a number from 0 to 3.", 'value="9"', 'value="fraud" selected', "Look at the address", 'part" checked'):
        assert words in refused.text, words
    seen = await ask(owner, action, typed | {"line-1": "1"})
    back = await owner.send(action, form_of(seen, action) | {"step": "back"})
    assert back.status_code == 200
    assert 'name="line-1" min="0" max="3" value="1"' in back.text
    assert "Look at the address" in back.text


# Edits


async def test_products_are_found_added_taken_away_and_ordered(owner: Staff, parts: Services, shop: Shop) -> None:
    action = f"{href(shop, 'fresh')}/change/edit"
    form = form_of((await owner.get(action)).text, action)
    found = await owner.send(action, form | {"step": "find", "find": "shampoo"})
    assert "Shampoo, aloe, 400 ml" in found.text
    assert "$7.49" in found.text
    assert 'value="add:883404"' in found.text
    added = await owner.send(action, form | {"step": "add:883404"})
    assert '<input type="hidden" name="sku" value="883404">' in added.text
    gone = await owner.send(action, form | {"sku": ["883404"], "quantity": ["1"], "step": "drop:0"})
    assert 'name="sku"' not in gone.text
    values = {"sku": ["883404"], "quantity": ["2"], "keep-1": "1", "charge": "5", "charge_kind": "shipping"}
    told = said(await ask(owner, action, values))
    for words in ("2 × Shampoo, aloe, 400 ml on top", "2 × Bananas, yellow, per pound cancelled", "Shipping +$5.00",
                  "The buyer has to pay $18.40", "reserved at Cincinnati warehouse"):  # fmt: skip
        assert words in told, (words, told)
    await do(owner, action, values)
    now = await order(parts, shop.orders["fresh"])
    first = now.lines[0]
    assert (first.name, first.quantity, first.cancelled) == ("Bananas, yellow, per pound", 3, 2)
    assert ("Shipping", 500) in [(line.name, line.total) for line in now.lines]


async def test_more_of_a_line_is_bought_at_the_price_of_today(owner: Staff, parts: Services, shop: Shop) -> None:
    action = f"{href(shop, 'fresh')}/change/edit"
    await do(owner, action, {"keep-2": "3"})
    now = await order(parts, shop.orders["fresh"])
    assert [(line.sku, line.quantity) for line in now.lines] == [("1082185", 3), ("1029743", 2), ("981760", 1), ("1029743", 1)]


async def test_the_address_and_the_service_change(owner: Staff, parts: Services, shop: Shop) -> None:
    action = f"{href(shop, 'fresh')}/change/edit"
    address = {"to_name": "Ada", "to_line1": "1 Main Street", "to_city": "Dayton", "to_postcode": "45402", "to_country": "USA"}
    missing = await owner.send(
        action, form_of((await owner.get(action)).text, action) | address | {"to_country": "Atlantis", "step": "preview"}
    )
    assert "This is no country that we know." in missing.text
    await do(owner, action, address | {"way": "express"})
    now = await order(parts, shop.orders["fresh"])
    assert ((now.ship_to or {})["city"], (now.ship_to or {})["country"], now.service) == ("Dayton", "US", "express")
    await drained(parts.database, worker(parts))
    async with parts.database.read() as reader:
        (work,) = await fulfilment.of_orders(reader, [now.id])
    assert (work.recipient, work.city, work.service) == ("Ada", "Dayton", "express")


async def test_what_was_to_be_sent_is_collected_and_the_other_way_round(owner: Staff, parts: Services, shop: Shop) -> None:
    action = f"{href(shop, 'fresh')}/change/edit"
    store = shop.locations["S367"]
    told = said(await ask(owner, action, {"way": to_text("loc", store)}))
    assert "Collected at Store 367, Columbus" in told
    assert "3 × Bananas, yellow, per pound reserved at Store 367, Columbus" in told
    await do(owner, action, {"way": to_text("loc", store)})
    now = await order(parts, shop.orders["fresh"])
    assert (now.pickup_location_id, now.service) == (store, "pickup")
    async with parts.database.read() as reader:
        held = await inventory.reservations_for(reader, now.id)
    assert {one.location_id for one in held if one.line_no in {1, 3}} == {store}
    await do(owner, action, {"way": "standard"})
    now = await order(parts, shop.orders["fresh"])
    assert (now.pickup_location_id, now.service) == (None, "standard")


async def test_nothing_different_is_no_change(owner: Staff, shop: Shop) -> None:
    action = f"{href(shop, 'fresh')}/change/edit"
    same = await owner.send(action, form_of((await owner.get(action)).text, action) | {"step": "preview"})
    assert same.status_code == 422
    assert "Nothing is different yet" in same.text


async def test_what_is_picked_is_recalled_by_a_cancellation_and_left_alone_by_an_edit(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    async with parts.database.transaction() as tx:
        for one in await fulfilment.of_orders(tx, [shop.orders["unpaid"]]):
            await fulfilment.pick(tx, one.id)
    action = f"{href(shop, 'unpaid')}/change/edit"
    edit = await owner.send(action, form_of((await owner.get(action)).text, action) | {"keep-2": "1", "step": "preview"})
    assert edit.status_code == 422
    assert "Picking has begun" in edit.text
    told = said(await ask(owner, f"{href(shop, 'unpaid')}/change/cancel", {"extent": "whole", "reason": "payment"}))
    assert re.search(r"F\d+ at Cincinnati warehouse is called back: units to put back: 3", told), told


# Exchanges, claims and prices


async def test_another_size_is_proposed_and_reserved_at_once(owner: Staff, parts: Services, shop: Shop) -> None:
    order_id = await sizes(parts, shop)
    action = f"/orders/{to_text(ORDER_PREFIX, order_id)}/change/exchange"
    page = (await owner.get(action)).text
    assert "Pullover L" in page
    assert "3 available" in said(page)
    values = {"units": "1", "sku": "PULL-L", "place": to_text("loc", shop.locations["S367"]), "price": "same", "reason": "size"}
    told = said(await ask(owner, action, values))
    for words in ("1 × Pullover S comes back at Store 367, Columbus", "1 × Pullover L on top, at $40.00 each",
                  "Nothing is owed, either way.", "1 × Pullover L reserved at Cincinnati warehouse",
                  "1 × Pullover S on hand again at Store 367, Columbus"):  # fmt: skip
        assert words in told, (words, told)
    await do(owner, action, values)
    now = await order(parts, order_id)
    assert [(line.sku, line.returned, line.reserved) for line in now.lines] == [("PULL-S", 1, 0), ("PULL-L", 0, 1)]


async def test_an_exchange_by_parcel_announces_the_return(owner: Staff, parts: Services, shop: Shop) -> None:
    order_id = await sizes(parts, shop)
    action = f"/orders/{to_text(ORDER_PREFIX, order_id)}/change/exchange"
    values = {"units": "1", "sku": "PULL-L", "place": "sent", "price": "today", "reason": "size"}
    told = said(await ask(owner, action, values))
    assert "The buyer has to pay $42.00" in told
    await do(owner, action, values)
    async with parts.database.read() as reader:
        (case,) = await changes.returns_of(reader, order_id)
        held = await inventory.reservations_for(reader, order_id)
    assert (case.state, case.exchange[0].sku) == (ReturnState.APPROVED, "PULL-L")
    assert [(one.sku, one.quantity) for one in held] == [("PULL-L", 1)]


async def test_a_claim_is_refunded_in_part_or_sent_again(owner: Staff, parts: Services, shop: Shop) -> None:
    action = f"{href(shop, 'shipped')}/change/claim"
    too_much = await owner.send(
        action,
        form_of((await owner.get(action)).text, action)
        | {"line-2": "1", "reason": "damaged", "remedy": "part", "amount": "11", "step": "preview"},
    )
    assert "That is more than these units are worth." in too_much.text
    await do(owner, action, {"line-1": "1", "reason": "damaged", "remedy": "part", "amount": "2"})
    assert (await standing(parts, shop.orders["shipped"])).granted == 200
    await do(owner, action, {"line-1": "2", "line-2": "1", "reason": "lost", "remedy": "refund"})
    assert (await standing(parts, shop.orders["shipped"])).granted == 2297
    told = said(await ask(owner, action, {"line-2": "1", "reason": "lost", "remedy": "again"}))
    assert "1 × AA batteries, 8 pack on top, for nothing" in told


async def test_what_is_sent_again_for_nothing_counts_as_given(owner: Staff, parts: Services, shop: Shop) -> None:
    await careful(parts, 1000)
    action = f"{href(shop, 'shipped')}/change/claim"
    told = said(await ask(owner, action, {"line-2": "1", "reason": "lost", "remedy": "again"}))
    assert "$10.99 is given back or away: more than $10.00 needs somebody's approval." in html.unescape(told)


async def test_a_price_is_lowered_by_an_amount_or_a_share(owner: Staff, parts: Services, shop: Shop) -> None:
    action = f"{href(shop, 'shipped')}/change/adjustment"
    await do(owner, action, {"line": "1", "how": "percent", "number": "12,5", "reason": "late"})
    assert (await standing(parts, shop.orders["shipped"])).granted == 150
    await do(owner, action, {"line": "order", "how": "amount", "number": "1.50", "reason": "goodwill"})
    assert (await standing(parts, shop.orders["shipped"])).granted == 300
    form = form_of((await owner.get(action)).text, action)
    more = await owner.send(action, form | {"line": "2", "how": "amount", "number": "20", "reason": "late", "step": "preview"})
    assert "That is more than is left to pay for it." in more.text


async def test_store_credit_gets_it_at_once(owner: Staff, parts: Services, shop: Shop) -> None:
    action = f"{href(shop, 'shipped')}/change/adjustment"
    where = await do(
        owner, action, {"line": "order", "how": "amount", "number": "5", "reason": "goodwill"}, payout="store_credit"
    )
    page = html.unescape((await owner.get(where)).text)
    code = re.search(r'id="secret" value="([0-9A-Z-]+)"', page)
    assert code is not None
    async with parts.database.read() as reader:
        account = await payments.account_by_code(reader, code.group(1))
    there = await standing(parts, shop.orders["shipped"])
    assert (account.balance, there.granted, there.refunded) == (500, 0, 500)
    assert code.group(1) not in (await owner.get(href(shop, "shipped"))).text


# Approval


async def asked(visitor: Staff, parts: Services, shop: Shop) -> tuple[str, Change]:
    """Support asks for more than may be given without approval."""
    await careful(parts, 300)
    await as_role(visitor, "support")
    values = {"line": "order", "how": "amount", "number": "5", "reason": "goodwill", "note": "Third delay"}
    where = await do(visitor, f"{href(shop, 'shipped')}/change/adjustment", values)
    (change,) = await all_changes(parts, ChangeState.REQUESTED)
    return where, change


async def test_what_gives_much_back_waits_for_somebody_else(owner: Staff, parts: Services, shop: Shop) -> None:
    where, change = await asked(owner, parts, shop)
    assert change.needs_approval
    page = said((await owner.get(where)).text)
    assert "May approve it: Dana Owner, Dana Operations" in page
    assert "You have asked for it: somebody else has to approve it" in page
    assert "Approve and do it" not in page
    assert (await owner.send(f"{where}/approve", form_of((await owner.get(where)).text, f"{where}/cancel"))).status_code == 403
    assert "Waits for approval" in said((await owner.get(href(shop, "shipped"))).text)
    await as_role(owner, "operations")
    listed = said((await owner.get("/orders/changes")).text)
    assert f"C{change.number}" in listed
    assert "Third delay" in listed
    done = await owner.send(f"{where}/approve", form_of((await owner.get(where)).text, f"{where}/approve"))
    assert (done.status_code, done.headers["location"]) == (303, href(shop, "shipped"))
    assert (await standing(parts, shop.orders["shipped"])).granted == 500
    page = said((await owner.get(where)).text)
    assert "Dana Operations" in page
    assert "Nothing waits for approval" in (await owner.get("/orders/changes")).text
    assert f"C{change.number}" in (await owner.get("/orders/changes?tab=done")).text
    assert [one.action for one in (await audited(parts))[:1]] == ["change.approved"]


async def test_nobody_approves_what_they_have_asked_for_themselves(owner: Staff, parts: Services, shop: Shop) -> None:
    await careful(parts, 300)
    where = await do(owner, f"{href(shop, 'shipped')}/change/adjustment",
                     {"line": "order", "how": "amount", "number": "5", "reason": "goodwill"})  # fmt: skip
    page = (await owner.get(where)).text
    assert "Approve and do it" not in page
    refused = await owner.send(f"{where}/approve", form_of(page, f"{where}/decline") | {"version": "2", "seen": "x"})
    assert refused.status_code == 422
    assert (await standing(parts, shop.orders["shipped"])).granted == 0


async def test_the_only_one_who_may_approve_may_approve_their_own(owner: Staff, parts: Services, shop: Shop) -> None:
    await careful(parts, 300)
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE staff.users SET active = false WHERE email = 'operations@example.com'")
    where = await do(owner, f"{href(shop, 'shipped')}/change/adjustment",
                     {"line": "order", "how": "amount", "number": "5", "reason": "goodwill"})  # fmt: skip
    page = (await owner.get(where)).text
    assert "Nobody else may approve it" in page
    assert (await owner.send(f"{where}/approve", form_of(page, f"{where}/approve"))).status_code == 303
    entry = (await audited(parts))[0]
    assert (entry.action, entry.data["own"]) == ("change.approved", True)


async def test_a_change_is_declined_with_a_reason(owner: Staff, parts: Services, shop: Shop) -> None:
    where, change = await asked(owner, parts, shop)
    await as_role(owner, "owner")
    form = form_of((await owner.get(where)).text, f"{where}/decline")
    without = await owner.send(f"{where}/decline", form | {"reason": ""})
    assert without.status_code == 422
    assert "Fill this in." in without.text
    assert (await owner.send(f"{where}/decline", form | {"reason": "It came in time"})).status_code == 303
    page = said((await owner.get(where)).text)
    assert "It came in time" in page
    assert "Declined" in page
    assert f"C{change.number}" in (await owner.get("/orders/changes?tab=declined")).text
    assert (await standing(parts, shop.orders["shipped"])).granted == 0


async def test_an_order_that_changed_meanwhile_is_looked_at_anew_before_it_is_approved(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    where, change = await asked(owner, parts, shop)
    await as_role(owner, "owner")
    before = form_of((await owner.get(where)).text, f"{where}/approve")
    async with parts.database.transaction() as tx:
        await orders.allow(tx, change.order_id, None, 1000, "late")
    stale = await owner.send(f"{where}/approve", before)
    assert stale.status_code == 422
    assert "Something has changed since you looked." in stale.text
    assert "The order has changed since this was asked for" in stale.text
    assert (await owner.send(f"{where}/approve", form_of(stale.text, f"{where}/approve"))).status_code == 303
    assert (await standing(parts, change.order_id)).granted == 1500


async def test_a_change_that_is_open_stands_in_the_way_of_another(owner: Staff, parts: Services, shop: Shop) -> None:
    where, _ = await asked(owner, parts, shop)
    action = f"{href(shop, 'shipped')}/change/claim"
    page = (await owner.get(action)).text
    assert "Another change of this order is open" in page
    assert where in page
    seen = form_of(await ask(owner, action, {"line-2": "1", "reason": "lost", "remedy": "refund"}), action)
    refused = await owner.send(action, seen | {"step": "confirm"})
    assert refused.status_code == 422
    assert "Another change of this order is open" in refused.text
    assert (await owner.send(f"{where}/cancel", form_of((await owner.get(where)).text, f"{where}/cancel"))).status_code == 303
    assert (await owner.send(action, seen | {"step": "confirm"})).status_code == 303


# Around them


async def test_changes_are_listed_filtered_and_exported(owner: Staff, parts: Services, shop: Shop) -> None:
    await do(owner, f"{href(shop, 'shipped')}/change/adjustment",
             {"line": "order", "how": "amount", "number": "1", "reason": "price"})  # fmt: skip
    await do(owner, f"{href(shop, 'fresh')}/change/cancel", {"extent": "part", "line-1": "1", "reason": "customer"})
    fragment = await owner.get("/orders/changes?tab=done&kind=cancel", **{"hx-request": "true"})
    assert "<html" not in fragment.text
    assert len(re.findall(r'class="row-link"', fragment.text)) == 1
    file = (await owner.get("/orders/changes?tab=done&format=csv")).content.decode("utf-8-sig").splitlines()
    assert len(file) == 3
    assert file[0].startswith("Number,Order,Kind")
    assert "No change fits" in (await owner.get("/orders/changes?tab=done&kind=claim")).text


async def test_whoever_may_not_act_sees_and_does_nothing(owner: Staff, parts: Services, shop: Shop) -> None:
    where, _ = await asked(owner, parts, shop)
    await as_role(owner, "analyst")
    assert (await owner.get(f"{href(shop, 'fresh')}/change/cancel")).status_code == 403
    assert (await owner.get("/orders/changes")).status_code == 200
    page = (await owner.get(where)).text
    assert '<form method="post" action="/orders/changes' not in page
    assert "/change/" not in (await owner.get(href(shop, "fresh"))).text


async def test_hostile_text_stays_text(owner: Staff, parts: Services, shop: Shop) -> None:
    action = f"{href(shop, 'fresh')}/change/cancel"
    seen = await ask(owner, action, {"extent": "part", "line-1": "1", "reason": "customer", "note": HOSTILE})
    assert "<script>alert" not in seen
    answer = await owner.send(action, form_of(seen, action) | {"step": "confirm"})
    assert answer.status_code == 303
    (change,) = await all_changes(parts)
    assert change.note == HOSTILE
    listed = await owner.get("/orders/changes?tab=done")
    page = await owner.get(f"/orders/changes/{to_text('chg', change.id)}")
    assert "<script>alert" not in listed.text + page.text
    odd = await owner.send(action, form_of((await owner.get(action)).text, action) | {"extent": HOSTILE, "step": "preview"})
    assert odd.status_code == 422
    assert (await owner.get("/orders/changes/chg_nothing")).status_code == 404
    assert (await owner.get(f"{href(shop, 'fresh')}/change/nothing")).status_code == 404


async def test_the_pages_of_changes_cost_few_statements(owner: Staff, parts: Services, shop: Shop) -> None:
    where, _ = await asked(owner, parts, shop)
    for path, most in (
        ("/orders/changes", 8), (f"{href(shop, 'fresh')}/change/edit", 12), (f"{href(shop, 'fresh')}/change/cancel", 10),
        (where, 60),
    ):  # fmt: skip
        await owner.get(path)
        with counted_statements() as sent:
            assert (await owner.get(path)).status_code == 200
        assert len(sent) <= most, (path, len(sent), sent)


async def test_fees_are_told_in_the_language_of_the_reader(owner: Staff, shop: Shop) -> None:
    action = f"{href(shop, 'fresh')}/change/cancel"
    await do(owner, action, {"extent": "part", "line-1": "2", "reason": "customer", "fee": "1"})
    await owner.get("/preferences/language?to=fr&next=/")
    page = (await owner.get(href(shop, "fresh"))).text
    assert "Frais d’annulation" in page
    assert "Cancellation fee" not in page
