"""The counter: parcels that come in, who may have what, paying there, what goes back, lockers, and for how long it waits."""

from __future__ import annotations

import re

import pytest_asyncio
from playwright.async_api import Browser, expect

from comptoir.kernel.ids import ActorId, to_text
from comptoir.kernel.money import Currency
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    FULFILMENT_PREFIX,
    CollectionTerms,
    Fulfilment,
    Method,
    Stage,
)
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Quantity
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderFilter
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import AccountDraft, AccountKind
from comptoir.runtime.database import Context
from comptoir.surfaces import collecting
from comptoir.surfaces.console.pages.store_desk import COOKIE
from comptoir.surfaces.services import Services
from support.back_office import as_role, audited, looked_at, said, signed_in
from support.browser import browser
from support.console import Shop, Staff, counted_statements, place, worker
from support.consumers import drained

__all__ = ["browser"]

COFFEE, LOAF = "995242", "840361"
ANNA = Context(ActorId("usr_anna"))


def key(one: Fulfilment) -> str:
    return to_text(FULFILMENT_PREFIX, one.id)


async def work(parts: Services, one: Fulfilment) -> Fulfilment:
    async with parts.database.read() as reader:
        return await fulfilment.get(reader, one.id)


async def at_the_counter(parts: Services, shop: Shop, units: int = 2, *, paid: bool = True) -> Fulfilment:
    """Coffee, of which alone the store in Columbus has some: on its counter, for Marcus Bell."""
    columbus = shop.locations["S367"]
    async with parts.database.transaction() as tx:
        await inventory.receive(tx, columbus, [Quantity(COFFEE, units)], reference="for the counter")
    made = await place(parts, "web", [(COFFEE, units)], person=1, pickup=columbus, paid=paid)
    await drained(parts.database, worker(parts))
    async with parts.database.transaction(ANNA) as tx:
        (one,) = await fulfilment.of_orders(tx, [made.id])
        assert one.method is Method.COLLECT
        await fulfilment.pick(tx, one.id)
        return await fulfilment.ready(tx, one.id, shelf="B-2")


async def on_its_way(parts: Services, shop: Shop) -> Fulfilment:
    """Two loaves that the warehouse has sent to Columbus."""
    made = await place(parts, "web", [(LOAF, 2)], person=1, pickup=shop.locations["S367"])
    await drained(parts.database, worker(parts))
    async with parts.database.transaction(ANNA) as tx:
        (one,) = await fulfilment.of_orders(tx, [made.id])
        assert one.method is Method.SEND_TO_STORE
        await fulfilment.pick(tx, one.id)
        await fulfilment.pack(tx, one.id)
        await fulfilment.hand_over(tx, one.id)
        return next(other for other in await fulfilment.of_orders(tx, [made.id]) if other.method is Method.HAND_OUT)


@pytest_asyncio.fixture(loop_scope="session")
async def columbus(owner: Staff, shop: Shop) -> Staff:
    owner.client.cookies.set(COOKIE, to_text("loc", shop.locations["S367"]))
    return owner


async def test_a_parcel_that_comes_in_is_put_on_the_counter(columbus: Staff, parts: Services, shop: Shop) -> None:
    one = await on_its_way(parts, shop)
    page = f"/store/collect/{key(one)}"
    listed = (await columbus.get("/store/receive")).text
    assert page in listed
    found = await columbus.get(f"/store/receive?q={one.order_number}")
    assert (found.status_code, found.headers["location"]) == (303, page)
    assert "No parcel for a buyer fits" in (await columbus.get("/store/receive?q=nonsense")).text
    assert "It is on its way here" in (await columbus.get(page)).text
    answer = await columbus.submit(page, f"{page}/receive", {"shelf": "C-1"})
    assert answer.headers["location"] == page
    assert (await work(parts, one)).stage is Stage.READY
    assert "C-1" in (await columbus.get("/store/ready")).text
    await columbus.submit(page, page, {"units:1": "2", "collector": "Marcus Bell", "checked": "id_card"})
    assert (await work(parts, one)).stage is Stage.DONE
    assert [entry.action for entry in await audited(parts)][:2] == ["fulfilment.collected", "fulfilment.received"]


async def test_what_is_not_paid_is_paid_at_the_counter_part_by_part(columbus: Staff, parts: Services, shop: Shop) -> None:
    one = await at_the_counter(parts, shop, paid=False)
    page = f"/store/collect/{key(one)}"
    assert "$17.98" in (await columbus.get(page)).text
    first = {"units:1": "1", "collector": "Marcus Bell", "checked": "id_card"}
    refused = await columbus.submit(page, page, first)
    assert (refused.status_code, "$8.99 has to be paid first" in said(refused.text)) == (409, True)
    assert 'value="Marcus Bell"' in refused.text
    missing = await columbus.submit(page, page, first | {"method": "card_terminal"})
    assert (missing.status_code, 'id="reference-error"' in missing.text) == (422, True)
    await columbus.submit(page, page, first | {"method": "cash"})
    assert (await work(parts, one)).gone == 1
    async with parts.database.transaction() as tx:
        draft = AccountDraft(kind=AccountKind.GIFT_CARD, currency=Currency("USD"), amount=500)
        _, code = await payments.issue(tx, draft)
    second = {"units:1": "1", "collector": "Joan Bell", "checked": "known"}
    short = await columbus.submit(page, page, second | {"method": "account", "card": code})
    assert short.headers["location"] == page
    assert "$3.99 is still to be paid" in said((await columbus.get(page)).text)
    assert (await work(parts, one)).gone == 1
    done = await columbus.submit(page, page, second | {"method": "card_terminal", "reference": "T-77"})
    assert done.headers["location"] == "/store/ready"
    async with parts.database.read() as reader:
        standing = await orders.standing(reader, one.order_id)
        handouts = await fulfilment.handouts(reader, one.id)
    assert (standing.paid, standing.owed_by_buyer) == (1798, 0)
    assert [(row.collector, row.checked) for row in handouts] == [("Marcus Bell", "id_card"), ("Joan Bell", "known")]


async def test_a_code_that_was_not_right_does_not_count_as_looked_at(columbus: Staff, parts: Services, shop: Shop) -> None:
    one = await at_the_counter(parts, shop)
    page = f"/store/collect/{key(one)}"
    given = {"units:1": "2", "collector": "Eve", "checked": "code", "code": f"{one.number}-2222"}
    refused = await columbus.submit(page, page, given)
    assert (refused.status_code, "The code was not right" in refused.text) == (422, True)
    for _ in range(5):
        await columbus.get(f"{page}?code={one.number}-2222")
    right = collecting.code_of(parts.keyring, one)
    assert "Too many wrong codes" in (await columbus.get(f"{page}?code={right}")).text
    still = await columbus.submit(page, page, given | {"code": right})
    assert still.status_code == 422
    assert (await work(parts, one)).gone == 0
    await columbus.submit(page, page, given | {"checked": "id_card"})
    assert (await work(parts, one)).stage is Stage.DONE


async def test_what_they_do_not_want_goes_back_to_the_shelf(columbus: Staff, parts: Services, shop: Shop) -> None:
    one = await at_the_counter(parts, shop)
    page = f"/store/collect/{key(one)}"
    nothing = await columbus.submit(page, f"{page}/refuse", {"refused:1": "0"})
    assert (nothing.status_code, "Say what they do not want." in nothing.text) == (422, True)
    await columbus.submit(page, f"{page}/refuse", {"refused:1": "1", "reason": "refused"})
    assert (await work(parts, one)).quantity == 1
    async with parts.database.read() as reader:
        assert await payments.granted(reader, one.order_id) == 899
    listed = await columbus.get("/store/put-back")
    assert "Dark roast coffee" in listed.text
    none = await columbus.submit("/store/put-back", "/store/put-back", {})
    assert "Tick what you have put back." in none.text
    found = re.search(r'name="chosen" value="([^"]+)"', listed.text)
    assert found is not None
    await columbus.submit("/store/put-back", "/store/put-back", {"chosen": found[1]})
    assert "Nothing is to be put back" in (await columbus.get("/store/put-back")).text


async def test_staff_name_somebody_move_it_and_let_it_wait(columbus: Staff, parts: Services, shop: Shop) -> None:
    one = await at_the_counter(parts, shop)
    page = f"/store/collect/{key(one)}"
    await columbus.submit(page, f"{page}/collector", {"other": "Joan Bell"})
    await columbus.submit(page, f"{page}/shelf", {"shelf": "D-9"})
    wrong = await columbus.submit(page, f"{page}/extend", {"days": "0"})
    assert (wrong.status_code, 'id="days-error"' in wrong.text) == (422, True)
    async with parts.database.read() as reader:
        before = (await fulfilment.waiting(reader, [one.id]))[one.id].waits_until
    await columbus.submit(page, f"{page}/extend", {"days": "2"})
    async with parts.database.read() as reader:
        there = (await fulfilment.waiting(reader, [one.id]))[one.id]
    assert before is not None
    assert there.waits_until is not None
    assert there.waits_until > before
    assert there.shelf == "D-9"
    assert 'value="Joan Bell"' in (await columbus.get(page)).text


async def test_a_buyer_outside_is_what_is_best_done_next(columbus: Staff, parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        await fulfilment.put_terms(tx, CollectionTerms(curbside=True))
    one = await at_the_counter(parts, shop)
    async with parts.database.transaction() as tx:
        await fulfilment.buyer_here(tx, one.id, car="red van", spot="3")
    with counted_statements() as statements:
        home = (await columbus.get("/store")).text
    assert len(statements) <= 18
    assert home.index("Bring this out") < home.index("red van")
    with counted_statements() as statements:
        listed = said((await columbus.get("/store/ready")).text)
    assert len(statements) <= 12
    assert "red van" in listed
    assert "is here" in said((await columbus.get("/store/ready?q=Marcus")).text)
    page = f"/store/collect/{key(one)}"
    assert "Handed out at the car" in (await columbus.get(page)).text
    await columbus.submit(page, page, {"units:1": "2", "collector": "Marcus", "checked": "known", "car": "yes"})
    async with parts.database.read() as reader:
        assert (await fulfilment.handouts(reader, one.id))[0].at == "car"


async def test_whoever_watches_is_told_of_a_buyer_who_comes(browser: Browser, parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        await fulfilment.put_terms(tx, CollectionTerms(curbside=True))
    one = await at_the_counter(parts, shop)
    async with signed_in(browser, parts) as page:
        await page.goto("/store/here")
        await page.get_by_role("button", name="Store 367, Columbus").click()
        await page.goto("/store")
        async with parts.database.transaction() as tx:
            await fulfilment.buyer_here(tx, one.id, car="red van")
        await expect(page.get_by_text("red van")).to_be_visible(timeout=15_000)


async def test_lockers_are_added_filled_and_opened(columbus: Staff, parts: Services, shop: Shop) -> None:
    one = await at_the_counter(parts, shop)
    wrong = await columbus.submit("/store/lockers", "/store/lockers", {"codes": "A1-Z", "size": "m"})
    assert (wrong.status_code, 'value="A1-Z"' in wrong.text) == (422, True)
    await columbus.submit("/store/lockers", "/store/lockers", {"codes": "A1-A3", "size": "m", "bank": "Entrance"})
    page = f"/store/collect/{key(one)}"
    put = await columbus.submit(page, f"/store/stow/{key(one)}", {"size": "m"})
    assert put.headers["location"] == page
    told = said((await columbus.get(page)).text)
    code = re.search(r"Set this code: (\d{6})", told)
    assert code is not None
    listed = (await columbus.get("/store/lockers")).text
    locker = re.search(r'<option value="(lck_[^"]+)"', listed)
    assert locker is not None
    bad = await columbus.submit("/store/lockers", "/store/lockers/open", {"locker": locker[1], "typed": "000"})
    assert (bad.status_code, "not the right code" in bad.text) == (422, True)
    await columbus.submit("/store/lockers", "/store/lockers/open", {"locker": locker[1], "typed": code[1]})
    assert (await work(parts, one)).stage is Stage.DONE


async def test_terms_are_set_by_whoever_may_change_locations(columbus: Staff, parts: Services, shop: Shop) -> None:
    assert "7 days" in said((await columbus.get("/store/terms")).text)
    place_id = to_text("loc", shop.locations["S367"])
    wrong = await columbus.submit("/store/terms", "/store/terms", {"of": place_id, "days": "5", "reminders": "soon"})
    assert (wrong.status_code, 'value="soon"' in wrong.text, 'value="5"' in wrong.text) == (422, True, True)
    given = {"of": place_id, "days": "5", "reminders": "1, 3", "extension": "2", "curbside": "yes"}
    await columbus.submit("/store/terms", "/store/terms", given)
    async with parts.database.read() as reader:
        assert await fulfilment.terms_at(reader, shop.locations["S367"]) == (await fulfilment.all_terms(reader))[0]
        (rule,) = await fulfilment.all_terms(reader)
    assert (rule.days, rule.reminders, rule.extension, rule.curbside) == (5, (3, 1), 2, True)
    page = (await columbus.get("/store/terms")).text
    drop = re.search(r'action="(/store/terms/[^"]+/drop)"', page)
    assert drop is not None
    await columbus.submit("/store/terms", drop[1], {})
    await as_role(columbus, "store")
    columbus.client.cookies.set(COOKIE, place_id)
    assert (await columbus.get("/store/terms")).status_code == 403
    assert (await columbus.get("/store/ready")).status_code == 200


async def test_an_order_for_somebody_in_the_store_is_collected_here_and_paid_at_once(
    columbus: Staff, parts: Services, shop: Shop
) -> None:
    here = to_text("loc", shop.locations["S367"])
    form = (await columbus.get("/orders/new?from=store")).text
    assert f'<option value="{here}" selected' in form
    given = {
        "channel": "phone",
        "sku": LOAF,
        "quantity": "2",
        "pickup": here,
        "buyer_name": "Marcus Bell",
        "fill": "all",
        "method": "card_terminal",
    }
    missing = await columbus.submit("/orders/new?from=store", "/orders/new", given)
    assert (missing.status_code, 'id="reference-error"' in missing.text) == (422, True)
    assert f'<option value="{here}" selected' in missing.text
    made = await columbus.submit("/orders/new?from=store", "/orders/new", given | {"reference": "T-9"})
    assert made.status_code == 303
    assert "$11.98 taken" in said((await columbus.get(made.headers["location"])).text)
    await drained(parts.database, worker(parts))
    async with parts.database.read() as reader:
        found = await orders.find(reader, OrderFilter(channels=("phone",)), limit=1)
        (one,) = await fulfilment.of_orders(reader, [found.items[0].id])
        standing = await orders.standing(reader, found.items[0].id)
    assert (one.method, one.location_id, standing.owed_by_buyer) == (Method.COLLECT, shop.locations["S367"], 0)
    home = given | {
        "pickup": "",
        "to_line1": "1 Main",
        "to_city": "Dayton",
        "to_country": "US",
        "method": "account",
        "card": "no",
    }
    sent_home = await columbus.submit("/orders/new?from=store", "/orders/new", home)
    told = said((await columbus.get(sent_home.headers["location"])).text)
    assert "It is not paid: There is no gift card or store credit with this code." in told


async def test_whoever_may_only_look_changes_nothing(columbus: Staff, parts: Services, shop: Shop) -> None:
    one = await at_the_counter(parts, shop)
    page = f"/store/collect/{key(one)}"
    await as_role(columbus, "analyst")
    columbus.client.cookies.set(COOKIE, to_text("loc", shop.locations["S367"]))
    seen = (await columbus.get(page)).text
    assert 'action="' + page + '/refuse"' not in seen
    token = re.search(r'data-store="([0-9a-f]+)"', seen)
    assert token is not None
    for act in (f"{page}/refuse", f"{page}/extend", "/store/put-back", f"/store/stow/{key(one)}", "/store/lockers"):
        assert (await columbus.send(act, {"_token": token[1]})).status_code == 403, act


async def test_the_pages_are_accessible_and_fit_any_screen(browser: Browser, parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        await fulfilment.put_terms(tx, CollectionTerms(curbside=True))
    one = await at_the_counter(parts, shop, paid=False)
    async with parts.database.transaction() as tx:
        await fulfilment.buyer_here(tx, one.id, car="red van, ABC 123", spot="3")
    other = await on_its_way(parts, shop)
    async with signed_in(browser, parts) as page:
        await page.goto("/store/here")
        await page.get_by_role("button", name="Store 367, Columbus").click()
        addresses = (
            "/store/ready",
            f"/store/collect/{key(one)}",
            f"/store/collect/{key(other)}",
            "/store/lockers",
            "/store/terms",
        )
        for language in ("en", "fr"):
            await looked_at(page, language, addresses)
