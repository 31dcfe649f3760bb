from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, Route, expect

from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import LedgerFilter, SafetyStock, SupplyFilter, TransferFilter, TransferState
from comptoir.surfaces.services import Services
from support.back_office import FRAGMENT, HOSTILE, as_role, audited, level, looked_at, place, rows, said, signed_in, statuses
from support.browser import browser
from support.console import Shop, Staff, counted_statements, fields_of

__all__ = ["browser"]

BANANAS, MILK, COFFEE, BUTTER = "1082185", "1029743", "995242", "981760"


async def adjust(owner: Staff, shop: Shop, code: str = "S381", **values: str) -> tuple[int, str, str]:
    """The form for bananas at a location, filled in and sent: status, text and where it leads."""
    form = {"mode": "by", "quantity": "-4", "reason": "theft", "note": ""} | values
    answer = await owner.submit(
        f"/stock-changes/adjust?sku={BANANAS}&location={place(shop, code)}", "/stock-changes/adjust", form
    )
    return answer.status_code, answer.text, answer.headers.get("location", "")


# Lists


async def test_the_list_by_sku_searches_filters_and_sorts(owner: Staff, parts: Services, shop: Shop) -> None:
    assert len(await rows(owner, "/stock")) == 8
    assert await rows(owner, "/stock?q=1082") == ["Bananas, yellow, per pound"]
    assert await rows(owner, "/stock?q=strawberries") == ["Whole strawberries, 16 oz"]
    assert await rows(owner, "/stock?q=nothing-like-it") == []
    ordered = await rows(owner, "/stock?sort=-available")
    assert ordered[0] == "Bananas, yellow, per pound"
    assert "Dark roast coffee, 12 oz" in await rows(owner, "/stock?state=out")
    assert "Bananas, yellow, per pound" not in await rows(owner, "/stock?state=out")
    assert await rows(owner, "/stock?state=out&q=banana") == []
    async with parts.database.transaction() as tx:
        await inventory.set_safety(tx, shop.locations["S367"], [SafetyStock("840361", 10_000)])
    assert "Sourdough loaf" in await rows(owner, "/stock?state=low")


async def test_the_list_by_location_shows_what_lies_there(owner: Staff, shop: Shop) -> None:
    here = await owner.get(f"/stock?location={place(shop, 'S367')}")
    assert "Store 367, Columbus" in here.text
    assert len(await rows(owner, f"/stock?by=location&location={place(shop, 'S367')}")) == 8
    assert set(await rows(owner, f"/stock?by=location&q={BANANAS}")) == {"Bananas, yellow, per pound"}
    assert len(await rows(owner, f"/stock?by=location&q={BANANAS}")) == 6


async def test_lists_page_by_key_and_come_back(owner: Staff) -> None:
    first = await owner.get("/stock-ledger")
    after = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert after is not None
    second = await owner.get(after[1].replace("&amp;", "&"))
    assert second.status_code == 200
    assert 'rel="prev"' in second.text
    assert (await owner.get("/stock-ledger?after=nonsense")).status_code == 422


async def test_every_list_is_a_file_too(owner: Staff, shop: Shop) -> None:
    for address, heading in (
        ("/stock?format=csv", "SKU,Product,On hand"),
        ("/stock?state=out&format=csv", "SKU,Product,On hand"),
        ("/stock?by=location&format=csv", "Location,SKU,Product"),
        ("/stock-ledger?format=csv", "Time,Kind,SKU"),
        ("/transfers?format=csv", "Number,State,From"),
        ("/supplies?format=csv", "SKU,Product,Location"),
        ("/counts?format=csv", "Time,Location,Who"),
    ):
        answer = await owner.get(address)
        assert answer.headers["content-type"].startswith("text/csv"), address
        assert answer.content.decode("utf-8-sig").startswith(heading), address
    whole = (await owner.get("/stock?format=csv")).content.decode("utf-8-sig").splitlines()
    assert len(whole) == 9
    owner.client.cookies.set("language", "fr")
    french = (await owner.get("/stock?format=csv")).content.decode("utf-8-sig")
    assert french.startswith("SKU;Produit;Stock physique;")


async def test_a_sku_shows_where_it_is_and_what_each_channel_may_promise_and_why(owner: Staff, shop: Shop) -> None:
    await owner.submit(
        "/channels/market",
        "/channels/market/rules",
        {"buffer": "20", "publish_percent": "50", "publish_min": "0", "stop_below": "0"},
    )
    words = said((await owner.get(f"/stock/{BANANAS}")).text)
    assert "Bananas, yellow, per pound" in words
    assert "Store 381, Dallas" in words
    assert "buffer of 20 · 50% of the rest" in words
    assert (await owner.get("/stock/NO-SUCH-SKU")).status_code == 404


async def test_pages_ask_the_database_few_questions(owner: Staff, shop: Shop) -> None:
    for address, most in (
        ("/stock", 8),
        (f"/stock?by=location&location={place(shop, 'S367')}", 9),
        (f"/stock/{BANANAS}", 18),
        ("/stock-ledger", 9),
        ("/transfers", 8),
        ("/supplies", 8),
        ("/counts", 8),
    ):
        await owner.get(address)
        with counted_statements() as sent:
            assert (await owner.get(address)).status_code == 200
        assert len(sent) <= most, (address, len(sent), sent)


# Changes


async def test_an_adjustment_is_written_to_the_ledger_and_the_audit_trail(owner: Staff, parts: Services, shop: Shop) -> None:
    before = await level(parts, shop, BANANAS, "S381")
    status, _, location = await adjust(owner, shop, note="Camera 3")
    assert (status, location) == (303, f"/stock/{BANANAS}")
    assert (await level(parts, shop, BANANAS, "S381")).on_hand == before.on_hand - 4
    async with parts.database.read() as reader:
        (entry, *_) = (await inventory.ledger(reader, LedgerFilter(skus=(BANANAS,)))).items
    assert (entry.change.on_hand, entry.reason, entry.note) == (-4, "theft", "Camera 3")
    (last, *_) = await audited(parts)
    assert (last.action, last.subject) == ("stock.adjust", BANANAS)
    assert "Camera 3" in (await owner.get(f"/stock/{BANANAS}")).text


async def test_an_adjustment_to_a_figure_sets_it(owner: Staff, parts: Services, shop: Shop) -> None:
    assert (await adjust(owner, shop, mode="to", quantity="12", reason="correction"))[0] == 303
    assert (await level(parts, shop, BANANAS, "S381")).on_hand == 12


async def test_a_figure_that_has_changed_meanwhile_is_told_and_what_was_typed_is_kept(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    form = f"/stock-changes/adjust?sku={BANANAS}&location={place(shop, 'S381')}"
    opened = fields_of((await owner.get(form)).text, "/stock-changes/adjust")
    was = (await level(parts, shop, BANANAS, "S381")).on_hand
    await adjust(owner, shop, quantity="-1")
    typed = {"mode": "to", "quantity": "33", "reason": "found", "note": "behind the shelf"}
    refused = await owner.send("/stock-changes/adjust", opened | typed)
    assert refused.status_code == 422
    assert f"there were {was}, now there are {was - 1}" in refused.text
    assert 'value="behind the shelf"' in refused.text
    assert 'value="33"' in refused.text
    assert (await level(parts, shop, BANANAS, "S381")).on_hand == was - 1
    again = await owner.send("/stock-changes/adjust", fields_of(refused.text, "/stock-changes/adjust") | typed)
    assert again.status_code == 303
    assert (await level(parts, shop, BANANAS, "S381")).on_hand == 33


async def test_a_double_click_adjusts_once(owner: Staff, parts: Services, shop: Shop) -> None:
    form = f"/stock-changes/adjust?sku={BANANAS}&location={place(shop, 'S381')}"
    values = fields_of((await owner.get(form)).text, "/stock-changes/adjust")
    values |= {"mode": "by", "quantity": "5", "reason": "found"}
    before = await level(parts, shop, BANANAS, "S381")
    answers = await asyncio.gather(*(owner.send("/stock-changes/adjust", values) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [303, 303]
    assert (await level(parts, shop, BANANAS, "S381")).on_hand == before.on_hand + 5


async def test_what_cannot_be_is_refused_by_its_field(owner: Staff, parts: Services, shop: Shop) -> None:
    before = await level(parts, shop, BANANAS, "S381")
    for values, words in (
        ({"quantity": "many"}, "Type a whole number."),
        ({"quantity": "0"}, "Nothing would change."),
        ({"reason": "no-reason"}, "Choose one."),
        ({"quantity": "-100000"}, "There are only"),
        ({"sku": "NOPE"}, "The catalogue does not know this SKU."),
        ({"location": "loc_nonsense"}, "Choose one."),
    ):
        status, text, _ = await adjust(owner, shop, **values)
        assert status == 422, values
        assert words in text, values
    assert await level(parts, shop, BANANAS, "S381") == before


async def test_hostile_words_are_shown_as_words(owner: Staff, shop: Shop) -> None:
    status, _, location = await adjust(owner, shop, note=HOSTILE)
    assert status == 303
    for address in (location, "/stock-ledger", f"/stock?q={HOSTILE}", "/settings/audit"):
        text = (await owner.get(address)).text
        assert "<script>alert" not in text, address
        assert "<img src=x" not in text, address
    _, text, _ = await adjust(owner, shop, note=HOSTILE, quantity="x")
    assert "<script>alert" not in text


async def test_nul_bytes_are_refused_everywhere(owner: Staff, shop: Shop) -> None:
    for address in ("/stock?q=%00", "/stock/%00", "/stock-ledger?q=a%00b", "/supplies?q=%00", "/counts?location=%00"):
        assert (await owner.get(address)).status_code == 422, address
    assert (await adjust(owner, shop, note="a\0b"))[0] == 422


async def test_a_foreign_form_changes_nothing(owner: Staff, parts: Services, shop: Shop) -> None:
    before = await level(parts, shop, BANANAS, "S381")
    values = {"sku": BANANAS, "location": place(shop, "S381"), "mode": "by", "quantity": "-1", "reason": "theft"}
    assert (await owner.send("/stock-changes/adjust", values)).status_code == 403
    assert (await owner.send("/stock-changes/adjust", values, origin="https://evil.example")).status_code == 403
    assert await level(parts, shop, BANANAS, "S381") == before


async def test_units_are_kept_back_set_aside_and_received(owner: Staff, parts: Services, shop: Shop) -> None:
    spot = f"sku={BANANAS}&location={place(shop, 'S381')}"
    before = await level(parts, shop, BANANAS, "S381")

    async def change(name: str, values: dict[str, str]) -> int:
        return (await owner.submit(f"/stock-changes/{name}?{spot}", f"/stock-changes/{name}", values)).status_code

    assert await change("safety", {"safety": "9"}) == 303
    assert await change("aside", {"move": "damaged", "quantity": "4"}) == 303
    assert await change("aside", {"move": "quality", "quantity": "3"}) == 303
    assert await change("aside", {"move": "passed", "quantity": "1"}) == 303
    assert await change("aside", {"move": "failed", "quantity": "2"}) == 303
    assert await change("aside", {"move": "repaired", "quantity": "1"}) == 303
    assert await change("aside", {"move": "written_off", "quantity": "5"}) == 303
    assert await change("receive", {"quantity": "50", "reference": "DN-1"}) == 303
    assert await change("aside", {"move": "repaired", "quantity": "1"}) == 422
    after = await level(parts, shop, BANANAS, "S381")
    assert (after.safety, after.damaged, after.quality) == (9, 0, 0)
    assert after.on_hand == before.on_hand - 5 + 50


async def test_roles_see_and_do_what_is_theirs(owner: Staff, shop: Shop) -> None:
    visitor = await as_role(owner, "analyst")
    page = (await visitor.get("/stock")).text
    assert "/stock-changes/adjust" not in page
    assert "Export CSV" in page
    assert await statuses(
        visitor, ["/stock", "/stock-ledger", "/transfers", "/supplies", "/counts", f"/stock/{BANANAS}"]
    ) == dict.fromkeys(("/stock", "/stock-ledger", "/transfers", "/supplies", "/counts", f"/stock/{BANANAS}"), 200)
    forbidden = ["/stock-changes/adjust", "/stock-changes/receive", "/counts/new", "/transfers/new", "/supplies/new"]
    assert set((await statuses(visitor, forbidden)).values()) == {403}
    visitor = await as_role(visitor, "buyer")
    assert (await visitor.get("/stock-changes/receive")).status_code == 200
    assert (await visitor.get("/stock-changes/adjust")).status_code == 403
    visitor = await as_role(visitor, "store")
    assert (await visitor.get("/stock-changes/adjust")).status_code == 200
    assert (await visitor.get("/stock?format=csv")).status_code == 403


# Counting


async def test_a_count_is_scanned_reviewed_and_written(owner: Staff, parts: Services, shop: Shop) -> None:
    here = place(shop, "S367")
    milk = await level(parts, shop, MILK, "S367")

    async def step(text: str, values: dict[str, str]) -> str:
        form = dict(re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', text)) | values
        answer = await owner.send("/counts/new", form, hx_request="true")
        assert answer.status_code in {200, 422}
        return answer.text if "hx-redirect" not in answer.headers else f"to {answer.headers['hx-redirect']}"

    text = (await owner.get(f"/counts/new?location={here}")).text
    text = await step(text, {"code": MILK, "number": "", "step": "add"})
    text = await step(text, {"code": MILK, "number": "", "step": "add"})
    assert f'name="counted:{MILK}" value="2"' in text
    text = await step(text, {"code": "NO-SUCH", "number": "", "step": "add"})
    assert "The catalogue does not know the code NO-SUCH." in text
    assert f'name="counted:{MILK}" value="2"' in text
    text = await step(text, {"code": MILK, "number": str(milk.on_hand - 3), "step": "add"})
    text = await step(text, {"code": BUTTER, "number": "1", "step": "add"})
    text = await step(text, {"code": "", "number": "", f"counted:{BUTTER}": "", "step": "review"})
    assert "1 SKU is not as the books say" in text
    assert BUTTER not in text
    assert (await level(parts, shop, MILK, "S367")) == milk
    done = await step(text, {"note": "Fridge 2", "step": "confirm"})
    assert done.startswith("to /counts/cnt_")
    assert (await level(parts, shop, MILK, "S367")).on_hand == milk.on_hand - 3
    words = said((await owner.get(done.removeprefix("to "))).text)
    assert "Fridge 2" in words
    assert "\N{MINUS SIGN}3" in words
    assert (await audited(parts))[0].action == "stock.counted"


async def test_what_is_sold_between_shelf_and_office_is_not_undone(owner: Staff, parts: Services, shop: Shop) -> None:
    here = place(shop, "S381")
    was = (await level(parts, shop, BANANAS, "S381")).on_hand
    form = fields_of((await owner.get(f"/counts/new?location={here}")).text, "/counts/new")
    counted = form | {"step": "confirm", f"counted:{BANANAS}": str(was), f"expected:{BANANAS}": str(was)}
    await adjust(owner, shop, quantity="-2")
    assert (await owner.send("/counts/new", counted)).status_code == 303
    assert (await level(parts, shop, BANANAS, "S381")).on_hand == was - 2


# Transfers


async def planned(owner: Staff, shop: Shop, **units: str) -> str:
    values = {"from": place(shop, "S406"), "to": place(shop, "S367"), "step": "keep"}
    answer = await owner.submit("/transfers/new", "/transfers/new", values | {f"quantity:{sku}": n for sku, n in units.items()})
    assert answer.status_code == 303, said(answer.text)
    return answer.headers["location"]


async def test_a_transfer_is_planned_sent_and_received_in_part_with_what_is_missing(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    before = await level(parts, shop, BANANAS, "S367"), await level(parts, shop, BANANAS, "S406")
    here = await planned(owner, shop, **{BANANAS: "30", MILK: "5"})
    assert await level(parts, shop, BANANAS, "S367") == before[0]
    assert (await owner.submit(f"{here}/send", f"{here}/send", {})).status_code == 303
    assert (await level(parts, shop, BANANAS, "S367")).incoming == before[0].incoming + 30
    nothing = await owner.submit(f"{here}/receive", f"{here}/receive", {f"line:{BANANAS}": "0", f"line:{MILK}": "0"})
    assert nothing.status_code == 422
    part = await owner.submit(f"{here}/receive", f"{here}/receive", {f"line:{BANANAS}": "20", f"line:{MILK}": "5"})
    assert part.status_code == 303
    assert "Partly received" in (await owner.get(here)).text
    rest = await owner.submit(f"{here}/receive", f"{here}/receive", {f"line:{BANANAS}": "8", "close": "yes"})
    assert rest.status_code == 303
    words = said((await owner.get(here)).text)
    assert "Some units never arrived" in words
    after = await level(parts, shop, BANANAS, "S367")
    assert (after.on_hand, after.incoming) == (before[0].on_hand + 28, before[0].incoming)
    assert (await level(parts, shop, BANANAS, "S406")).on_hand == before[1].on_hand - 30
    async with parts.database.read() as reader:
        found = await inventory.find_transfers(reader, TransferFilter(states=(TransferState.RECEIVED,)))
    assert len(found.items) == 1


async def test_more_than_is_free_is_sent_only_when_somebody_says_so(owner: Staff, parts: Services, shop: Shop) -> None:
    free = (await level(parts, shop, BANANAS, "S406")).available
    here = await planned(owner, shop, **{BANANAS: str(free + 1)})
    refused = await owner.submit(f"{here}/send", f"{here}/send", {})
    assert refused.status_code == 422
    assert "They have really left" in refused.text
    assert (await owner.submit(f"{here}/send", f"{here}/send", {"force": "yes"})).status_code == 303


async def turned_away(owner: Staff, here: str, *steps: str) -> set[str]:
    """What the transfer's page says when forms are opened that cannot be sent any more."""
    said_there: set[str] = set()
    for step in steps:
        answer = await owner.get(f"{here}/{step}")
        assert (answer.status_code, answer.headers["location"]) == (303, here), (step, answer.text)
        shown = re.findall(r'toast-note toast-(\w+)"[^>]*>.*?<strong>([^<]*)</strong>', (await owner.get(here)).text, re.DOTALL)
        assert [tone for tone, _ in shown] == ["warn"], shown
        said_there.add(shown[0][1])
        assert "toast-warn" not in (await owner.get(here)).text
    return said_there


async def test_a_step_that_cannot_be_taken_leads_to_the_transfer_which_says_why(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    here = await planned(owner, shop, **{BANANAS: "3"})
    assert await turned_away(owner, here, "receive") == {"This transfer has not been sent yet."}
    assert (await owner.get(f"{here}/send")).status_code == 200
    assert (await owner.submit(f"{here}/send", f"{here}/send", {})).status_code == 303
    await owner.get(here)
    assert await turned_away(owner, here, "send", "cancel") == {"This transfer is on the road already."}
    assert (await owner.submit(f"{here}/receive", f"{here}/receive", {f"line:{BANANAS}": "1"})).status_code == 303
    await owner.get(here)
    assert await turned_away(owner, here, "send", "cancel") == {"This transfer is on the road already."}
    open_form = fields_of((await owner.get(f"{here}/receive")).text, f"{here}/receive")
    assert (await owner.submit(f"{here}/receive", f"{here}/receive", {f"line:{BANANAS}": "2"})).status_code == 303
    await owner.get(here)
    complete = "This transfer is complete: nothing of it is on the road any more."
    assert await turned_away(owner, here, "receive", "send", "cancel") == {complete}
    before = await level(parts, shop, BANANAS, "S367")
    late = await owner.send(f"{here}/receive", open_form | {f"line:{BANANAS}": "2"})
    assert late.status_code == 422
    assert await level(parts, shop, BANANAS, "S367") == before
    assert (await owner.get(f"{here}/nonsense")).status_code == 404


async def test_nothing_is_done_with_a_plan_that_was_dropped(owner: Staff, shop: Shop) -> None:
    here = await planned(owner, shop, **{BANANAS: "3"})
    assert (await owner.submit(f"{here}/cancel", f"{here}/cancel", {})).status_code == 303
    await owner.get(here)
    assert await turned_away(owner, here, "send", "receive", "cancel") == {"This plan was dropped."}
    in_a_dialog = await owner.get(f"{here}/send", **FRAGMENT)
    assert (in_a_dialog.text, in_a_dialog.headers["hx-redirect"]) == ("", here)


async def test_a_plan_is_changed_with_the_version_that_was_looked_at(owner: Staff, parts: Services, shop: Shop) -> None:
    here = await planned(owner, shop, **{BANANAS: "3"})
    form = fields_of((await owner.get(f"{here}/edit")).text, f"{here}/edit")
    values = {"from": place(shop, "WH-CIN"), "to": place(shop, "S367"), "step": "keep"}
    first = await owner.send(f"{here}/edit", form | values | {f"quantity:{BANANAS}": "4", "note": "mine"})
    assert first.status_code == 303
    stale = await owner.send(f"{here}/edit", form | values | {f"quantity:{BANANAS}": "9", "note": "kept words"})
    assert stale.status_code == 422
    assert "kept words" in stale.text
    assert "Someone else has changed this" in stale.text
    assert (await owner.submit(f"{here}/cancel", f"{here}/cancel", {})).status_code == 303
    assert "Cancelled" in (await owner.get(here)).text
    assert (await owner.get(f"{here}/edit")).status_code == 303


async def test_lines_of_a_plan_are_added_by_code(owner: Staff, shop: Shop) -> None:
    form = fields_of((await owner.get("/transfers/new")).text, "/transfers/new")
    added = await owner.send("/transfers/new", form | {"step": "add", "code": BANANAS, "number": "7"}, hx_request="true")
    assert f'name="quantity:{BANANAS}" value="7"' in added.text
    unknown = await owner.send(
        "/transfers/new", form | {"step": "add", "code": "NOPE", f"quantity:{BANANAS}": "7"}, hx_request="true"
    )
    assert unknown.status_code == 422
    assert f'name="quantity:{BANANAS}" value="7"' in unknown.text
    empty = await owner.send("/transfers/new", form | {"step": "keep"})
    assert empty.status_code == 422
    assert "Add what is to be moved." in empty.text


# What is to come


async def test_a_delivery_is_announced_put_off_received_and_cancelled(owner: Staff, parts: Services, shop: Shop) -> None:
    before = await level(parts, shop, BANANAS, "S381")
    values = {
        "sku": BANANAS,
        "location": place(shop, "S381"),
        "quantity": "40",
        "expected_on": "2030-01-05",
        "reference": "PO-1",
    }
    assert (await owner.submit("/supplies/new", "/supplies/new", values)).status_code == 303
    bad = await owner.submit("/supplies/new", "/supplies/new", values | {"expected_on": "tomorrow"})
    assert bad.status_code == 422
    assert "Type a day such as" in bad.text
    text = (await owner.get("/supplies?q=PO-1")).text
    supply = re.search(r"/supplies/(sup_\w+)/receive", text)
    assert supply is not None
    here = f"/supplies/{supply[1]}"
    assert (await owner.submit(f"{here}/move", f"{here}/move", {"expected_on": "2030-02-01"})).status_code == 303
    assert "Feb 1, 2030" in (await owner.get("/supplies")).text
    assert (await owner.submit(f"{here}/receive", f"{here}/receive", {"quantity": "15"})).status_code == 303
    after = await level(parts, shop, BANANAS, "S381")
    assert (after.on_hand, after.incoming) == (before.on_hand + 15, before.incoming + 25)
    assert (await owner.submit(f"{here}/cancel", f"{here}/cancel", {})).status_code == 303
    assert (await level(parts, shop, BANANAS, "S381")).incoming == before.incoming
    async with parts.database.read() as reader:
        assert (await inventory.find_supplies(reader, SupplyFilter(open_only=True))).items == []


# In a browser


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_pages_of_stock_are_accessible_and_fit_their_width(
    browser: Browser, parts: Services, shop: Shop, owner: Staff, language: str
) -> None:
    transfer = await planned(owner, shop, **{BANANAS: "30"})
    async with signed_in(browser, parts) as page:
        await looked_at(
            page,
            language,
            [
                "/stock", "/stock?state=negative", f"/stock?location={place(shop, 'S367')}", f"/stock/{BANANAS}",
                "/stock-ledger", f"/stock-changes/adjust?sku={BANANAS}&location={place(shop, 'S367')}", "/transfers",
                transfer, f"{transfer}/edit", f"{transfer}/send", "/supplies", "/counts",
                f"/counts/new?location={place(shop, 'S367')}",
            ],
        )  # fmt: skip


async def test_a_count_survives_a_reload_and_is_written_with_the_keyboard_alone(
    browser: Browser, parts: Services, shop: Shop
) -> None:
    before = await level(parts, shop, BANANAS, "S381")
    async with signed_in(browser, parts) as page:
        await page.goto(f"/counts/new?location={place(shop, 'S381')}")
        await expect(page.locator("#code")).to_be_focused()
        for code in (BANANAS, BANANAS, MILK):
            await page.keyboard.type(code)
            await page.keyboard.press("Enter")
        await expect(page.locator(f'[name="counted:{BANANAS}"]')).to_have_value("2")
        await expect(page.locator(f'[name="counted:{MILK}"]')).to_have_value("1")
        await page.reload()
        await expect(page.locator(f'[name="counted:{BANANAS}"]')).to_have_value("2")
        await page.get_by_role("button", name="Show the differences").click()
        await page.get_by_role("button", name="Write to the ledger").click()
        await expect(page.locator("#toasts")).to_contain_text("2 SKUs are counted.")
        await page.goto(f"/counts/new?location={place(shop, 'S381')}")
        await expect(page.locator("#count")).to_contain_text("Scan the first code")
    assert (await level(parts, shop, BANANAS, "S381")).on_hand == 2 != before.on_hand


async def test_a_scanner_that_is_quicker_than_the_network_loses_nothing(browser: Browser, parts: Services, shop: Shop) -> None:
    async def slowly(route: Route) -> None:
        await asyncio.sleep(0.3)
        await route.continue_()

    async with signed_in(browser, parts) as page:
        await page.goto(f"/counts/new?location={place(shop, 'S381')}")
        await expect(page.locator("#code")).to_be_focused()
        await page.route("**/counts/new", slowly)
        for code in (BANANAS, MILK, BANANAS, "nothing", BANANAS):
            await page.keyboard.type(code)
            await page.keyboard.press("Enter")
        await page.keyboard.type(MILK[:3])
        # What nobody knows stays as a message, though the scanning goes on.
        await expect(page.locator("#toasts")).to_contain_text("The catalogue does not know the code nothing.")
        await expect(page.locator("#code")).to_have_value(MILK[:3])
        await page.keyboard.type(MILK[3:])
        await page.keyboard.press("Enter")
        await expect(page.locator(f'[name="counted:{BANANAS}"]')).to_have_value("3")
        await expect(page.locator(f'[name="counted:{MILK}"]')).to_have_value("2")


async def test_a_transfer_is_scanned_faster_than_the_network_and_loses_nothing(
    browser: Browser, parts: Services, shop: Shop
) -> None:
    async def slowly(route: Route) -> None:
        await asyncio.sleep(0.3)
        await route.continue_()

    async with signed_in(browser, parts) as page:
        await page.goto("/transfers/new")
        await page.select_option("#from", place(shop, "S367"))
        await page.select_option("#to", place(shop, "S381"))
        await page.route("**/transfers/new", slowly)
        await page.focus("#code")
        for code in (BANANAS, MILK, BANANAS, "nothing", BANANAS):
            await page.keyboard.type(code)
            await page.keyboard.press("Enter")
        await expect(page.locator("#toasts")).to_contain_text("The catalogue does not know the code nothing.")
        await page.get_by_role("button", name="Save the plan").click()
        await page.wait_for_url("**/transfers/trf_*")
        await expect(page.locator("tbody tr").filter(has_text=BANANAS)).to_contain_text("3")
    async with parts.database.read() as reader:
        newest = (await inventory.find_transfers(reader, TransferFilter(), sort="-number", limit=1, cursor=None)).items[0]
        found = await inventory.transfer(reader, newest.id)
    assert {line.sku: line.quantity for line in found.lines} == {BANANAS: 3, MILK: 1}


async def test_an_adjustment_opens_in_a_dialog_and_is_refused_there(browser: Browser, parts: Services, shop: Shop) -> None:
    async with signed_in(browser, parts) as page:
        await page.goto(f"/stock/{BANANAS}")
        await page.locator("td").get_by_role("link", name="Adjust: ").first.click()
        await expect(page.locator("dialog#act")).to_be_visible()
        await page.fill("#quantity", "lots")
        await page.select_option("#reason", "found")
        await page.locator("#act button[type=submit]").click()
        await expect(page.locator("#act")).to_contain_text("Type a whole number.")
        await page.fill("#quantity", "3")
        await page.locator("#act button[type=submit]").click()
        await expect(page.locator("#toasts")).to_contain_text("on hand now")
