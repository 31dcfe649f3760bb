"""Returns at the console: the list, the desk, parcels that come, looking at them, one return, and the terms."""

from __future__ import annotations

import re

import pytest_asyncio

from comptoir.kernel.ids import to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import (
    PolicyDraft,
    ReturnCase,
    ReturnDraft,
    ReturnFilter,
    ReturnState,
    Units,
)
from comptoir.modules.inventory import api as inventory
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, Order, OrderId
from comptoir.modules.payments import api as payments
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.console.pages.return_words import return_href
from comptoir.surfaces.console.pages.store_desk import COOKIE
from comptoir.surfaces.services import Services
from support.back_office import as_role, audited, level, rows, said
from support.back_office import place as place_text
from support.console import Shop, Staff, counted_statements, fields_of, place, worker
from support.consumers import drained

LOAF, BATTERIES = "840361", "1070820"


async def sent(parts: Services, shop: Shop, channel: str = "web", *, paid: bool = True, number: str = "1ZBACK") -> Order:
    """Two loaves and a pack of batteries that have left."""
    made = await place(parts, channel, [(LOAF, 2), (BATTERIES, 1)], person=1, paid=paid)
    async with parts.database.transaction() as tx:
        held = await inventory.reservations_for(tx, made.id)
        for location in sorted({one.location_id for one in held}):
            await orders.ship(tx, made.id, location, None, carrier="UPS", tracking_number=number)
    await drained(parts.database, worker(parts))
    async with parts.database.read() as reader:
        return await orders.order(reader, made.id)


async def case_of(parts: Services, order: Order) -> ReturnCase:
    async with parts.database.read() as reader:
        return (await changes.returns_of(reader, order.id))[-1]


async def announced(parts: Services, order: Order, units: int = 1) -> ReturnCase:
    async with parts.database.transaction() as tx:
        return await changes.request_return(tx, ReturnDraft(order_id=order.id, units=(Units(1, units),)), SETTING)


async def refunded(parts: Services, order_id: OrderId) -> tuple[int, int]:
    """(promised and not moved, refunded)."""
    async with parts.database.read() as reader:
        there = await orders.standing(reader, order_id)
        return await payments.granted(reader, order_id), there.refunded


def desk_href(order: Order) -> str:
    return f"/returns/new?order={to_text(ORDER_PREFIX, order.id)}"


@pytest_asyncio.fixture(loop_scope="session")
async def clerk(owner: Staff, shop: Shop) -> Staff:
    """The owner, who stands in the store in Columbus."""
    owner.client.cookies.set(COOKIE, place_text(shop, "S367"))
    return owner


@pytest_asyncio.fixture(loop_scope="session")
async def order(parts: Services, shop: Shop) -> Order:
    return await sent(parts, shop)


# The list


async def test_an_empty_list_says_what_to_do(owner: Staff) -> None:
    page = said((await owner.get("/returns")).text)
    assert "Nothing has come back yet" in page
    assert "Take something back" in page


async def test_the_list_has_tabs_filters_and_a_search_for_everything(clerk: Staff, parts: Services, order: Order) -> None:
    case = await announced(parts, order)
    code = changes.return_code(case.number)
    with counted_statements() as statements:
        listed = await rows(clerk, "/returns")
    assert listed == [code]
    assert len(statements) <= 20
    for query in (
        "tab=coming", "channel=web", "reason=changed_mind", f"q={code}", f"q={order.number}", "q=1ZBACK",
        "q=marcus.bell@example.com",
    ):  # fmt: skip
        assert await rows(clerk, f"/returns?{query}") == [code], query
    for query in ("tab=approve", "tab=done", "channel=app", "reason=damaged", "late=yes", "q=nothing-like-it"):
        assert await rows(clerk, f"/returns?{query}") == [], query


async def test_what_waits_too_long_is_late(clerk: Staff, parts: Services, order: Order) -> None:
    case = await announced(parts, order)
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE changes.returns SET decided_at = now() - interval '20 days' WHERE id = %(id)s", {"id": case.id})
    assert await rows(clerk, "/returns?late=yes") == [changes.return_code(case.number)]
    assert "Late" in said((await clerk.get(return_href(case.id))).text)


async def test_the_list_goes_into_a_file(clerk: Staff, parts: Services, order: Order) -> None:
    case = await announced(parts, order)
    answer = await clerk.get("/returns?format=csv&tab=coming")
    assert answer.headers["content-type"].startswith("text/csv")
    assert changes.return_code(case.number) in answer.text
    assert "Changed their mind" in answer.text


# The desk


async def test_a_device_that_stands_nowhere_is_asked_and_comes_back(owner: Staff, shop: Shop) -> None:
    asked = await owner.get("/returns/new?q=1")
    assert asked.headers["location"] == "/store/here?next=%2Freturns%2Fnew%3Fq%3D1"
    chosen = {"location": place_text(shop, "S367")}
    done = await owner.submit(asked.headers["location"], "/store/here", chosen)
    assert done.headers["location"] == "/returns/new?q=1"


async def test_one_field_finds_the_order_by_whatever_is_known(clerk: Staff, order: Order) -> None:
    for q in (str(order.number), f"%23{order.number}", f"R{order.number}", "1ZBACK", "marcus.bell@example.com"):
        answer = await clerk.get(f"/returns/new?q={q}")
        if answer.status_code == 200:
            assert desk_href(order).partition("?")[2] in answer.text, q
        else:
            assert answer.headers["location"] == desk_href(order), q
    scanned = await clerk.get(f"/returns/new?q={BATTERIES}")
    assert f"sku={BATTERIES}" in (scanned.headers.get("location") or scanned.text)


async def test_what_was_never_sold_has_a_way_on(clerk: Staff) -> None:
    page = said((await clerk.get("/returns/new?q=XYZ-1")).text)
    assert "No order of ours fits" in page
    assert "Keep it all the same" in page


async def test_the_desk_says_what_the_terms_are_and_what_it_comes_to(clerk: Staff, order: Order) -> None:
    with counted_statements() as statements:
        page = await clerk.get(desk_href(order) + f"&sku={LOAF}")
    text = said(page.text)
    assert "May be returned" in text
    assert "$5.99" in text
    assert "Now, as it was paid $5.99 by card" in text
    assert "Back into stock here" in text
    assert len(statements) <= 158
    assert page.headers["permissions-policy"].startswith("camera=(self)")


async def test_looking_at_it_changes_nothing(clerk: Staff, parts: Services, order: Order) -> None:
    await clerk.submit(desk_href(order), "/returns/new", {"units-1": "2", "step": "look"})
    assert await refunded(parts, order.id) == (0, 0)
    async with parts.database.read() as reader:
        assert await changes.returns_of(reader, order.id) == []


async def test_a_scan_adds_a_unit_and_keeps_what_was_typed(clerk: Staff, order: Order) -> None:
    given = {"units-1": "1", "reason-1": "defective", "code": LOAF, "step": "scan"}
    page = (await clerk.submit(desk_href(order), "/returns/new", given)).text
    assert re.search(r'name="units-1"[^>]*value="2"', page)
    assert re.search(r'value="defective" selected', page)
    foreign = await clerk.submit(desk_href(order), "/returns/new", {"code": "995242", "step": "scan"})
    assert "is not in this order" in said(foreign.text)


async def test_units_are_taken_back_anywhere_and_the_money_goes_back_at_once(
    clerk: Staff, parts: Services, shop: Shop, order: Order
) -> None:
    before = await level(parts, shop, LOAF, "S367")
    given = {"units-1": "2", "reason-1": "changed_mind", "money": "now", "step": "do"}
    done = await clerk.submit(desk_href(order), "/returns/new", given)
    case = await case_of(parts, order)
    assert (done.status_code, done.headers["location"]) == (303, return_href(case.id))
    assert case.state is ReturnState.INSPECTED
    assert (await level(parts, shop, LOAF, "S367")).available == before.available + 2
    assert await refunded(parts, order.id) == (0, 1198)
    page = said((await clerk.get(return_href(case.id))).text)
    assert "Inspected" in page
    assert "$11.98" in page
    assert [one.action for one in (await audited(parts))[:2]] == ["return.paid_out", "return.taken"]


async def test_a_double_click_takes_it_once(clerk: Staff, parts: Services, order: Order) -> None:
    page = (await clerk.get(desk_href(order))).text
    given = fields_of(page, "/returns/new") | {"units-1": "1", "step": "do"}
    first, second = await clerk.send("/returns/new", given), await clerk.send("/returns/new", given)
    assert first.headers["location"] == second.headers["location"]
    async with parts.database.read() as reader:
        assert len(await changes.returns_of(reader, order.id)) == 1


async def test_two_clerks_at_once_get_a_way_on(clerk: Staff, parts: Services, order: Order) -> None:
    given = fields_of((await clerk.get(desk_href(order))).text, "/returns/new") | {"units-1": "2", "step": "do"}
    await announced(parts, order, 2)
    late = await clerk.send("/returns/new", given)
    text = said(late.text)
    assert late.status_code == 422
    assert "The buyer does not have that many units to return" in text
    assert "Returns of this order" in text
    assert re.search(r'name="units-1"[^>]*value="2"', late.text)


async def test_store_credit_shows_its_code_once(clerk: Staff, parts: Services, order: Order) -> None:
    given = {"units-1": "1", "money": "credit", "step": "do"}
    done = await clerk.submit(desk_href(order), "/returns/new", given)
    shown = said((await clerk.get(done.headers["location"])).text)
    assert "The code of the store credit" in shown
    case = await case_of(parts, order)
    assert "The code of the store credit" not in said((await clerk.get(return_href(case.id))).text)
    assert await refunded(parts, order.id) == (0, 599)


async def test_no_more_goes_back_than_was_paid(clerk: Staff, parts: Services, shop: Shop) -> None:
    unpaid = await sent(parts, shop, "phone", paid=False)
    page = said((await clerk.submit(desk_href(unpaid), "/returns/new", {"units-1": "1", "step": "look"})).text)
    assert "No more goes back than was paid" in page
    done = await clerk.submit(desk_href(unpaid), "/returns/new", {"units-1": "1", "money": "now", "step": "do"})
    assert done.status_code == 303
    assert await refunded(parts, unpaid.id) == (0, 0)


async def test_a_marketplace_gives_the_money_back_itself(clerk: Staff, parts: Services, shop: Shop) -> None:
    sold = await sent(parts, shop, "market")
    page = said((await clerk.submit(desk_href(sold), "/returns/new", {"units-1": "1", "step": "look"})).text)
    assert "The marketplace gives the money back" in page
    await clerk.submit(desk_href(sold), "/returns/new", {"units-1": "1", "money": "now", "step": "do"})
    assert (await refunded(parts, sold.id))[1] == 0


async def test_another_article_is_kept_and_not_refunded(clerk: Staff, parts: Services, order: Order) -> None:
    given = {"units-1": "1", "other-1": "BRICK", "step": "do"}
    await clerk.submit(desk_href(order), "/returns/new", given)
    case = await case_of(parts, order)
    assert [(row.line_no, row.sku, row.value) for row in case.received] == [(None, "BRICK", 0)]
    assert await refunded(parts, order.id) == (0, 0)
    assert "Something else was in the box" in said((await clerk.get(return_href(case.id))).text)


async def final_sale(parts: Services) -> None:
    async with parts.database.transaction() as tx:
        await changes.create_policy(tx, PolicyDraft(code="final", position=1, final_sale=True))


async def test_what_the_terms_refuse_is_taken_by_a_person_and_approved(clerk: Staff, parts: Services, order: Order) -> None:
    await final_sale(parts)
    refused = await clerk.submit(desk_href(order), "/returns/new", {"units-1": "1", "step": "do"})
    assert refused.status_code in {409, 422}
    assert "Not returnable: a final sale." in said(refused.text)
    waits = {"units-1": "1", "override": "yes", "step": "do"}
    await clerk.submit(desk_href(order), "/returns/new", waits)
    case = await case_of(parts, order)
    assert (case.state, changes.undecided(case)) == (ReturnState.RECEIVED, True)
    assert await refunded(parts, order.id) == (0, 0)
    inspecting = said((await clerk.get(f"{return_href(case.id)}/inspect")).text)
    assert "Somebody has to approve it first" in inspecting
    own = await clerk.get(return_href(case.id))
    assert "somebody else has to approve it" in said(own.text)
    refused = await clerk.send(f"{return_href(case.id)}/approve", fields_of(own.text, f"{return_href(case.id)}/decline"))
    assert refused.status_code == 422 or changes.undecided(await case_of(parts, order))
    await as_role(clerk, "operations")
    await clerk.submit(return_href(case.id), f"{return_href(case.id)}/approve", {})
    page = await clerk.get(f"{return_href(case.id)}/inspect")
    key = re.search(r'name="units-(rcv_\w+)"', page.text)
    assert key is not None
    looked = {f"units-{key[1]}": "1", f"condition-{key[1]}": "new"}
    await clerk.submit(f"{return_href(case.id)}/inspect", f"{return_href(case.id)}/inspect", looked)
    assert await refunded(parts, order.id) == (599, 0)


async def test_whoever_takes_it_approves_it_only_where_nobody_else_may(clerk: Staff, parts: Services, order: Order) -> None:
    await final_sale(parts)
    look = {"units-1": "1", "override": "yes", "step": "look"}
    page = await clerk.submit(desk_href(order), "/returns/new", look)
    assert 'name="approve"' not in page.text
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE staff.users SET active = false WHERE email <> 'owner@example.com'")
    page = await clerk.submit(desk_href(order), "/returns/new", look)
    assert 'name="approve"' in page.text
    given = {"units-1": "1", "override": "yes", "approve": "yes", "money": "now", "step": "do"}
    await clerk.submit(desk_href(order), "/returns/new", given)
    assert (await case_of(parts, order)).state is ReturnState.INSPECTED
    assert await refunded(parts, order.id) == (0, 599)


async def test_a_clerk_may_not_approve(clerk: Staff, parts: Services, shop: Shop, order: Order) -> None:
    await final_sale(parts)
    await as_role(clerk, "store")
    clerk.client.cookies.set(COOKIE, place_text(shop, "S367"))
    page = await clerk.submit(desk_href(order), "/returns/new", {"units-1": "1", "step": "look"})
    assert "Somebody has to approve this" in said(page.text)
    given = {"units-1": "1", "override": "yes", "approve": "yes", "step": "do"}
    await clerk.submit(desk_href(order), "/returns/new", given)
    case = await case_of(parts, order)
    assert changes.undecided(case)
    own = await clerk.get(return_href(case.id))
    assert f'action="{return_href(case.id)}/approve"' not in own.text


async def test_a_wrong_amount_comes_back_at_its_field_with_everything_else(clerk: Staff, parts: Services, order: Order) -> None:
    given = {"units-1": "1", "reason-1": "damaged", "deduct-1": "much", "note": "box <open>", "step": "do"}
    page = await clerk.submit(desk_href(order), "/returns/new", given)
    assert page.status_code == 422
    assert 'id="deduct-1-error"' in page.text
    assert "box &lt;open&gt;" in page.text
    too_much = await clerk.submit(desk_href(order), "/returns/new", given | {"deduct-1": "99"})
    assert "More would be kept than the units were worth" in said(too_much.text)
    async with parts.database.read() as reader:
        assert await changes.returns_of(reader, order.id) == []


# Parcels


async def test_a_scanned_return_is_received_inspected_and_done(clerk: Staff, parts: Services, shop: Shop, order: Order) -> None:
    case = await announced(parts, order, 2)
    text = return_href(case.id).rpartition("/")[2]
    found = await clerk.get(f"/returns/receive?q={changes.return_code(case.number)}")
    assert f"return={text}" in found.headers["location"]
    page = await clerk.get(found.headers["location"])
    assert re.search(r'name="units-1"[^>]*value="2"', page.text)
    done = await clerk.submit(found.headers["location"], "/returns/receive", {"units-1": "2", "parcel": "BOX1"})
    assert done.headers["location"] == f"{return_href(case.id)}/inspect"
    listed = said((await clerk.get("/returns/inspect")).text)
    assert "2 units wait for a look" in listed
    by_article = await clerk.get(f"/returns/inspect?q={LOAF}")
    assert by_article.headers["location"] == f"{return_href(case.id)}/inspect"
    inspecting = await clerk.get(f"{return_href(case.id)}/inspect")
    (key,) = set(re.findall(r'name="units-(rcv_\w+)"', inspecting.text))
    wrong = {f"units-{key}": "1", f"condition-{key}": "used", f"fate-{key}": "send_on"}
    refused = await clerk.submit(f"{return_href(case.id)}/inspect", f"{return_href(case.id)}/inspect", wrong)
    assert refused.status_code == 422
    assert "Say where it goes." in refused.text
    some = {f"units-{key}": "1", f"condition-{key}": "damaged", f"deduct-{key}": "1.50"}
    half = await clerk.submit(f"{return_href(case.id)}/inspect", f"{return_href(case.id)}/inspect", some)
    assert half.headers["location"] == f"{return_href(case.id)}/inspect"
    rest = await clerk.get(f"{return_href(case.id)}/inspect")
    (key,) = set(re.findall(r'name="units-(rcv_\w+)"', rest.text))
    await clerk.submit(
        f"{return_href(case.id)}/inspect", f"{return_href(case.id)}/inspect", {f"units-{key}": "1", f"condition-{key}": "new"}
    )
    assert (await case_of(parts, order)).state is ReturnState.INSPECTED
    assert (await level(parts, shop, LOAF, "S367")).damaged == 1
    assert await refunded(parts, order.id) == (1198 - 150, 0)
    await clerk.submit(return_href(case.id), f"{return_href(case.id)}/close", {})
    assert (await case_of(parts, order)).state is ReturnState.CLOSED


async def test_a_parcel_that_nobody_announced_is_received_for_its_order(clerk: Staff, parts: Services, order: Order) -> None:
    found = await clerk.get("/returns/receive?q=1ZBACK")
    page = await clerk.get(found.headers["location"])
    assert "Nobody announced this parcel" in said(page.text)
    nothing = await clerk.submit(found.headers["location"], "/returns/receive", {"sender": "M. Bell"})
    assert nothing.status_code == 422
    assert "Say what was in the parcel." in nothing.text
    assert 'value="M. Bell"' in nothing.text
    given = {"units-1": "1", "reason-1": "too_small", "sender": "M. Bell"}
    await clerk.submit(found.headers["location"], "/returns/receive", given)
    case = await case_of(parts, order)
    assert (case.announced, case.sender, case.state) == (False, "M. Bell", ReturnState.RECEIVED)


async def test_a_parcel_that_nobody_knows_is_kept_with_who_sent_it(clerk: Staff, parts: Services, shop: Shop) -> None:
    page = await clerk.get("/returns/receive?q=WHO-KNOWS")
    assert "Nobody knows this parcel" in said(page.text)
    missing = await clerk.submit("/returns/receive?unknown=yes", "/returns/receive", {"quantity": "2", "sender": ""})
    assert missing.status_code == 422
    given = {"quantity": "2", "sender": "Someone, Boston", "parcel": "WHO-KNOWS", "again": "yes"}
    done = await clerk.submit("/returns/receive?unknown=yes", "/returns/receive", given)
    assert done.headers["location"] == "/returns/receive"
    async with parts.database.read() as reader:
        (case,) = (await changes.find_returns(reader, ReturnFilter(search="WHO-KNOWS"))).items
    assert (case.order_id, case.sender) == (None, "Someone, Boston")
    assert (await level(parts, shop, "UNKNOWN", "S367")).quality == 2
    assert "Not sold by us" in said((await clerk.get(return_href(case.id))).text)


# One return


async def test_a_return_is_declined_given_up_or_on_its_way(clerk: Staff, parts: Services, shop: Shop, order: Order) -> None:
    case = await announced(parts, order)
    sent_off = {"carrier": "UPS", "tracking_number": "1ZHOME"}
    await clerk.submit(return_href(case.id), f"{return_href(case.id)}/send", sent_off)
    case = await case_of(parts, order)
    assert (case.state, case.tracking_number) == (ReturnState.IN_TRANSIT, "1ZHOME")
    again = await clerk.send(f"{return_href(case.id)}/send", {"_token": (await token(clerk, case))})
    assert again.status_code == 422
    assert "The return cannot do that in its present state" in said(again.text)
    other = await announced(parts, await sent(parts, shop, number="1ZB"))
    await clerk.submit(return_href(other.id), f"{return_href(other.id)}/cancel", {})
    assert "Given up" in said((await clerk.get(return_href(other.id))).text)
    resent = await clerk.submit(return_href(case.id), f"{return_href(case.id)}/resend", {})
    assert resent.status_code == 303


async def token(visitor: Staff, case: ReturnCase) -> str:
    found = re.search(r'name="_token" value="(\w+)"', (await visitor.get(return_href(case.id))).text)
    assert found is not None
    return found[1]


async def test_a_return_shows_its_life_in_few_statements_and_in_french(clerk: Staff, parts: Services, order: Order) -> None:
    case = await announced(parts, order)
    with counted_statements() as statements:
        page = await clerk.get(return_href(case.id))
    assert len(statements) <= 30
    assert "<svg" in page.text
    assert "Right of withdrawal" not in page.text
    await clerk.get(f"/preferences/language?to=fr&next={return_href(case.id)}")
    french = said((await clerk.get(return_href(case.id))).text)
    assert "Retour" in french
    assert "Dans le délai de la règle de retour" in french


async def test_its_papers_are_printed_for_the_buyer(clerk: Staff, parts: Services, order: Order) -> None:
    case = await announced(parts, order)
    for kind in ("slip", "label"):
        answer = await clerk.get(f"{return_href(case.id)}/{kind}.pdf")
        assert answer.headers["content-type"] == "application/pdf", kind
        assert answer.content.startswith(b"%PDF")


async def test_nobody_reads_returns_who_may_not_read_orders_and_analysts_do_nothing(
    clerk: Staff, parts: Services, order: Order
) -> None:
    case = await announced(parts, order)
    await as_role(clerk, "analyst")
    assert (await clerk.get("/returns")).status_code == 200
    assert (await clerk.get("/returns/new")).status_code == 403
    assert (await clerk.get("/returns/policies/new")).status_code == 403
    assert f'action="{return_href(case.id)}/cancel"' not in (await clerk.get(return_href(case.id))).text


# The terms


async def test_the_terms_are_written_as_sentences_and_tried_out(clerk: Staff, parts: Services, order: Order) -> None:
    assert "No policy of your own yet" in said((await clerk.get("/returns/policies")).text)
    given = {
        "code": "batteries", "position": "5", "category": "Grocery", "channels": "web", "window": "7", "fee": "2.50",
        "free_reasons": ["defective", "damaged"], "kind": "days", "moment": "inspection", "method": "original",
        "approval_above": "100", "active": "yes",
    }  # fmt: skip
    tried = await clerk.submit(
        "/returns/policies/new", "/returns/policies/new", given | {"order": str(order.number), "step": "try"}
    )
    assert "by this policy" in said(tried.text)
    assert "Fee: $2.50." in said(tried.text)
    done = await clerk.submit("/returns/policies/new", "/returns/policies/new", given)
    assert done.headers["location"] == "/returns/policies"
    async with parts.database.read() as reader:
        (made,) = await changes.all_policies(reader)
    assert (made.window, made.fee, made.category, made.approval_above) == (7, 250, ("Grocery",), 10_000)
    listed = said((await clerk.get(f"/returns/policies?order={order.number}")).text)
    assert "may come back within 7 days of the delivery, for a fee of $2.50" in listed
    assert "by batteries" in listed
    href = f"/returns/policies/{to_text('pol', made.id)}" if made.id else ""
    changed = await clerk.submit(href, href, given | {"window": "0", "kind": "final"})
    assert changed.status_code == 303
    stale = await clerk.send(href, given | {"version": "1", "_token": (await _token(clerk, href))})
    assert stale.status_code in {409, 412, 422}
    wrong = await clerk.submit(href, href, given | {"window": "soon", "fee": "much"})
    assert wrong.status_code == 422
    assert 'value="soon"' in wrong.text
    assert 'id="fee-error"' in wrong.text
    taken = await clerk.submit("/returns/policies/new", "/returns/policies/new", given)
    assert "Another return policy has this code" in said(taken.text)


async def _token(visitor: Staff, href: str) -> str:
    found = re.search(r'name="_token" value="(\w+)"', (await visitor.get(href)).text)
    assert found is not None
    return found[1]


async def test_of_thousands_of_categories_those_are_shown_that_fit_what_is_typed(clerk: Staff, parts: Services) -> None:
    async with parts.database.transaction() as tx:
        many = [ProductDraft(code=f"C{n}", names={"en": "Thing"}, category=("Home", f"Shelf {n}")) for n in range(300)]
        await catalogue.upsert(tx, many)
    page = await clerk.get("/returns/policies/new")
    assert len(page.text) < 80_000
    assert "Shelf 299" not in page.text
    fitting = (await clerk.get("/returns/policies/categories?category=home shelf 299")).text
    assert fitting.count("<option") == 1
    assert 'value="Home › Shelf 299"' in fitting
    assert 'value="Home"' in (await clerk.get("/returns/policies/categories?category=ho")).text
    given = {"code": "shelves", "position": "5", "window": "7", "kind": "days", "moment": "inspection", "method": "original"}
    wrong = await clerk.submit("/returns/policies/new", "/returns/policies/new", given | {"category": "Home › Shelf 2999"})
    assert wrong.status_code == 422
    assert "No product of yours is in this category" in wrong.text
    assert 'value="Home › Shelf 2999"' in wrong.text
    assert "Shelf 299" not in wrong.text.replace("Shelf 2999", "")
    done = await clerk.submit("/returns/policies/new", "/returns/policies/new", given | {"category": "Home ›Shelf 299"})
    assert done.headers["location"] == "/returns/policies"
    async with parts.database.read() as reader:
        (made,) = await changes.all_policies(reader)
    assert made.category == ("Home", "Shelf 299")
