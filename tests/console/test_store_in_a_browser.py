"""The store on a phone: accessible in both languages, by keys alone, without scripts, and without a network for a while."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from comptoir.kernel.ids import ActorId, to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, Unit, VariantDraft
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, RejectReason, WaveKind
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Quantity
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import PriceDraft
from comptoir.modules.staff import api as staff
from comptoir.runtime.database import Context
from comptoir.surfaces.console.pages.store_desk import COOKIE, text_of
from comptoir.surfaces.services import Services
from support.back_office import looked_at
from support.browser import browser
from support.console import PASSWORD, Shop, application, place, served, worker
from support.consumers import drained
from support.gate import Gate, gated

__all__ = ["browser"]

LOAF, COFFEE, BATTERIES, SHAMPOO = "840361", "995242", "1070820", "883404"
PHONE: ViewportSize = {"width": 390, "height": 844}
PICTURES = os.environ.get("COMPTOIR_PICTURES", "")
"""A folder for pictures of the screens, for whoever wants to look at them."""


async def work(
    parts: Services, lines: list[tuple[str, int]], *, person: int = 0, pickup: LocationId | None = None, paid: bool = True
) -> Fulfilment:
    made = await place(parts, "web", lines, person=person, pickup=pickup, paid=paid)
    await drained(parts.database, worker(parts))
    async with parts.database.read() as reader:
        (found,) = await fulfilment.of_orders(reader, [made.id])
    return found


async def picked(parts: Services, one: Fulfilment) -> int:
    async with parts.database.read() as reader:
        return (await fulfilment.get(reader, one.id)).picked


async def owner_of(parts: Services) -> Context:
    async with parts.database.read() as reader:
        return Context(staff.user_principal(await staff.user_by_email(reader, "owner@example.com")).actor)


@asynccontextmanager
async def at_work(browser: Browser, parts: Services, one: Fulfilment) -> AsyncGenerator[Page]:
    """The owner's phone, at the place of this work."""
    complaints: list[str] = []
    async with served(application(parts)) as address:
        context = await browser.new_context(base_url=address, viewport=PHONE, has_touch=True, reduced_motion="reduce")
        page = await context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto("/sign-in")
        await page.fill("#email", "owner@example.com")
        await page.fill("#password", PASSWORD)
        await page.click("button[type=submit]:has-text('Sign in')")
        await expect(page.locator("nav .nav-list").first).to_be_attached()
        await context.add_cookies([{"name": COOKIE, "value": to_text("loc", one.location_id), "url": address}])
        yield page
        await context.close()
    # A network that is away, and what is refused, is what is tried here.
    assert [one for one in complaints if "ERR_INTERNET_DISCONNECTED" not in one and "409" not in one] == []


async def photographed(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


async def stocked(parts: Services, shop: Shop) -> tuple[Fulfilment, Fulfilment, Fulfilment, Fulfilment]:
    """Something to pick (with bins), something in boxes, something on the counter, and a walk for two."""
    context = await owner_of(parts)
    first = await work(parts, [(LOAF, 2), (BATTERIES, 1), (SHAMPOO, 1)])
    boxed = await work(parts, [(BATTERIES, 2)])
    another = await work(parts, [(LOAF, 1)])
    async with parts.database.transaction(context) as tx:
        await fulfilment.put_bins(tx, first.location_id, {LOAF: "A-03-2", BATTERIES: "A-01-4"})
        await inventory.receive(tx, shop.locations["S367"], [Quantity(COFFEE, 2)], reference="for the counter")
    pickup = await work(parts, [(COFFEE, 2)], person=1, pickup=shop.locations["S367"])
    async with parts.database.transaction(context) as tx:
        await fulfilment.pick(tx, boxed.id)
        await fulfilment.pack(tx, boxed.id)
        await fulfilment.pick(tx, pickup.id)
        await fulfilment.ready(tx, pickup.id)
        await fulfilment.reject(tx, another.id, None, RejectReason.NOT_FOUND)
    return first, boxed, pickup, another


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("fr", "dark")])
async def test_every_page_of_the_store_is_accessible_and_fits_a_phone(
    browser: Browser, parts: Services, shop: Shop, language: str, theme: str
) -> None:
    first, boxed, pickup, _ = await stocked(parts, shop)
    async with parts.database.transaction(await owner_of(parts)) as tx:
        wave = await fulfilment.start(tx, [first.id], WaveKind.ZONE)
        await fulfilment.take_zone(tx, wave.id, "A")
    pages = {
        "home": "/store",
        "here": "/store/here",
        "pick-list": "/store/pick",
        "pick": f"/store/pick/{text_of(first.id)}",
        "wave": f"/store/waves/{to_text('wav', wave.id)}",
        "pack-list": "/store/pack",
        "pack": f"/store/pack/{text_of(boxed.id)}",
        "out": "/store/out",
        "ready": "/store/ready",
        "collect": f"/store/collect/{text_of(pickup.id)}?code=1-2222",
        "receive": "/store/receive",
        "counts": "/store/counts",
        "found": f"/store/find?q={LOAF}",
        "nothing": "/store/find?q=zzz",
        "away": "/store/away",
        "order": "/orders/new?from=store",
    }
    async with at_work(browser, parts, first) as page:
        await page.context.add_cookies([{"name": "theme", "value": theme, "url": page.url}])
        await looked_at(page, language, pages.values())
        await page.set_viewport_size(PHONE)
        for name, address in pages.items():
            await page.goto(address)
            await photographed(page, f"{name}-{language}")


async def test_scans_made_without_a_network_are_counted_kept_and_sent_in_order(browser: Browser, parts: Services) -> None:
    one = await work(parts, [(LOAF, 2), (BATTERIES, 1)])
    async with at_work(browser, parts, one) as page:
        await page.goto(f"/store/pick/{text_of(one.id)}")
        await page.fill("#code", LOAF)
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-said]")).to_contain_text("Right: Sourdough loaf")
        await expect(page.locator("#work")).to_have_attribute("data-left", "2")
        await page.context.set_offline(True)
        for code in (LOAF, "nonsense", LOAF, BATTERIES):
            await page.keyboard.type(code)
            await page.keyboard.press("Enter")
            if code == "nonsense":
                await expect(page.locator(".said-bad")).to_contain_text("nonsense is not in this order")
                await photographed(page, "offline")
        await expect(page.locator("[data-unsent]")).to_contain_text("4 scans wait on this device")
        await expect(page.locator(".item-done")).to_have_count(2)
        await expect(page.locator(".pick-progress")).to_contain_text("3 of 3")
        assert await picked(parts, one) == 1
        await page.context.set_offline(False)
        await expect(page.locator("[data-unsent]")).to_be_hidden()
        await expect(page.locator("[data-refused-scans] li")).to_have_count(2)
        await expect(page.locator("#work")).to_have_attribute("data-left", "0")
        await photographed(page, "replayed")
        assert await picked(parts, one) == 3
        await page.reload()
        await expect(page.locator("[data-refused-scans] li")).to_have_count(2)
        await page.get_by_role("button", name="I have seen them").click()
        await expect(page.locator("[data-refused-scans]")).to_be_hidden()
        await page.get_by_role("link", name="Pack it").click()
        await expect(page).to_have_url(re.compile(f"/store/pack/{text_of(one.id)}$"))


async def test_what_waits_on_a_device_is_sent_from_whatever_page_is_opened_next(browser: Browser, parts: Services) -> None:
    one = await work(parts, [(LOAF, 2)])
    async with at_work(browser, parts, one) as page:
        await page.goto(f"/store/pick/{text_of(one.id)}")
        await page.context.set_offline(True)
        await page.get_by_role("button", name="Take all", exact=True).click()
        await expect(page.locator("[data-unsent]")).to_contain_text("One scan")
        await page.evaluate("window.stop()")
        await page.context.set_offline(False)
        await page.goto("/store")
        await expect(page.locator("h1")).to_be_visible()
        for _ in range(100):
            if await picked(parts, one) == 2:
                break
            await page.wait_for_timeout(50)
        assert await picked(parts, one) == 2


async def test_a_walk_goes_on_without_a_network(browser: Browser, parts: Services) -> None:
    one, other = await work(parts, [(LOAF, 1)]), await work(parts, [(LOAF, 1), (BATTERIES, 1)])
    async with parts.database.transaction(await owner_of(parts)) as tx:
        wave = await fulfilment.start(tx, [one.id, other.id], WaveKind.BATCH)
    async with at_work(browser, parts, one) as page:
        await page.goto(f"/store/waves/{to_text('wav', wave.id)}")
        await page.fill("#code", LOAF)
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-said]")).to_contain_text("Into slot 1: Sourdough loaf")
        await page.context.set_offline(True)
        await page.locator(".item", has_text="AA batteries").get_by_role("button", name="Take it").click()
        await page.fill("#code", LOAF)
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-unsent]")).to_contain_text("2 scans")
        await page.context.set_offline(False)
        await expect(page.locator("#work")).to_have_attribute("data-left", "0")
        assert (await picked(parts, one), await picked(parts, other)) == (1, 2)


async def test_an_order_is_picked_packed_and_handed_over_by_keys_alone(browser: Browser, parts: Services) -> None:
    one = await work(parts, [(BATTERIES, 1)])
    async with at_work(browser, parts, one) as page:
        await page.goto("/store")
        await expect(page.locator("#q")).to_be_focused()
        await page.keyboard.type(f"F{one.number}")
        await page.keyboard.press("Enter")
        await expect(page.locator("#code")).to_be_focused()
        await page.wait_for_load_state()  # before its script has run the browser would send the form by itself
        await page.keyboard.type(BATTERIES)
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-said]")).to_contain_text("Everything is picked")
        await _tabbed(page, "Pack it")
        await _tabbed(page, "Close this box")
        await expect(page.get_by_role("heading", name="Box 1")).to_be_visible()
        await _tabbed(page, "Hand over 1 box")
        await expect(page.locator(".state", has_text="Done")).to_be_visible()


async def _tabbed(page: Page, name: str) -> None:
    """Goes there with the tabulator, and presses Enter."""
    await expect(page.get_by_text(name, exact=True)).to_be_visible()
    for _ in range(60):
        if (await page.evaluate("document.activeElement.textContent")).strip() == name:
            await page.keyboard.press("Enter")
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"nobody gets to {name} with the tabulator")


async def test_without_scripts_an_order_is_picked_and_packed(browser: Browser, parts: Services) -> None:
    one = await work(parts, [(LOAF, 1)])
    async with served(application(parts)) as address:
        context = await browser.new_context(base_url=address, java_script_enabled=False, viewport=PHONE)
        page = await context.new_page()
        await page.goto("/sign-in")
        await page.fill("#email", "owner@example.com")
        await page.fill("#password", PASSWORD)
        await page.click("button[type=submit]:has-text('Sign in')")
        await page.goto("/store")
        await page.get_by_role("button", name="Cincinnati warehouse").click()
        await page.fill("#q", f"F{one.number}")
        await page.keyboard.press("Enter")
        await page.fill("#code", LOAF)
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="Pack it").click()
        await page.get_by_role("button", name="Close this box").click()
        await expect(page.get_by_role("button", name="Hand over 1 box")).to_be_visible()
        await context.close()


_FAKE_CAMERA = """
  window.BarcodeDetector = class { async detect() { return window.seen ? [{ rawValue: window.seen }] : []; } };
  Object.defineProperty(navigator, "mediaDevices", { value: { getUserMedia: async () => new MediaStream() } });
"""


async def test_a_camera_that_reads_barcodes_scans(browser: Browser, parts: Services) -> None:
    one = await work(parts, [(LOAF, 2)])
    async with at_work(browser, parts, one) as page:
        await page.add_init_script(_FAKE_CAMERA)
        await page.goto(f"/store/pick/{text_of(one.id)}")
        await page.get_by_role("button", name="Scan with the camera").click()
        await expect(page.get_by_text("Point the camera at the label")).to_be_visible()
        await page.evaluate(f"window.seen = '{LOAF}'")
        await expect(page.locator("#work")).to_have_attribute("data-left", "1")
        await page.wait_for_timeout(600)  # the same label stays in view: it is not read again
        assert await picked(parts, one) == 1
        await page.get_by_role("button", name="Stop the camera").click()
        await expect(page.locator(".camera-view")).to_have_count(0)


async def test_a_scan_that_the_server_refuses_by_its_state_is_told_and_not_sent_for_ever(
    browser: Browser, parts: Services
) -> None:
    one = await work(parts, [(LOAF, 2)])
    async with at_work(browser, parts, one) as page:
        await page.goto(f"/store/pick/{text_of(one.id)}")
        async with parts.database.transaction(Context(ActorId("user:somebody"))) as tx:
            await fulfilment.begin(tx, one.id)
        await page.fill("#code", LOAF)
        await page.keyboard.press("Enter")
        await expect(page.locator(".said-bad")).to_contain_text("works on it")
        await expect(page.locator("[data-refused-scans] li")).to_have_count(1)
        await expect(page.get_by_role("button", name="Take it over")).to_be_visible()
        assert await picked(parts, one) == 0


async def test_a_scan_of_what_is_weighed_asks_for_the_scales_also_without_a_network(
    browser: Browser, parts: Services, shop: Shop
) -> None:
    variant = VariantDraft(sku="HAM", unit=Unit.THOUSANDTH)
    async with parts.database.transaction() as tx:
        await catalogue.upsert(tx, [ProductDraft(code="HAM", names={"en": "Ham"}, variants=[variant])])
        await pricing.set_prices(tx, "us", [PriceDraft("HAM", 2000)])
        await inventory.receive(tx, shop.locations["WH-CIN"], [Quantity("HAM", 5000)], reference="ham")
    one = await work(parts, [("HAM", 1250)], paid=False)
    async with at_work(browser, parts, one) as page:
        await page.goto(f"/store/pick/{text_of(one.id)}")
        weight = page.locator("[data-weighs] input[name=weight]")
        await page.fill("#code", "HAM")
        await page.press("#code", "Enter")
        await expect(page.locator("[data-said]")).to_contain_text("Put it on the scales and type its weight: Ham")
        await expect(weight).to_be_focused()
        await photographed(page, "weigh")
        await page.context.set_offline(True)
        await page.keyboard.type("0,5")
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-number]")).to_contain_text("0.750")
        await expect(page.locator("[data-unsent]")).to_contain_text("One scan waits on this device")
        await page.context.set_offline(False)
        await expect(page.locator("[data-unsent]")).to_be_hidden()
        await expect(page.locator("[data-number]")).to_contain_text("0.750")
    assert await picked(parts, one) == 500


@asynccontextmanager
async def at_a_gate(browser: Browser, parts: Services, one: Fulfilment) -> AsyncGenerator[tuple[Page, Gate]]:
    """As `at_work`, where the server can be out of reach although there is a network."""
    errors: list[str] = []
    async with served(application(parts)) as server, gated(server) as gate:
        context = await browser.new_context(base_url=gate.address, viewport=PHONE, has_touch=True, reduced_motion="reduce")
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto("/sign-in")
        await page.fill("#email", "owner@example.com")
        await page.fill("#password", PASSWORD)
        await page.click("button[type=submit]:has-text('Sign in')")
        await expect(page.locator("nav .nav-list").first).to_be_attached()
        await context.add_cookies([{"name": COOKIE, "value": to_text("loc", one.location_id), "url": gate.address}])
        yield page, gate
        await context.close()
    # The browser looks for a newer worker by itself, also where the server is away on purpose.
    assert [error for error in errors if "fetching the script" not in error] == []


async def test_the_store_goes_on_when_the_server_is_out_of_reach_and_tells_what_was_not_taken(
    browser: Browser, parts: Services
) -> None:
    one, other = await work(parts, [(LOAF, 2), (BATTERIES, 1)]), await work(parts, [(BATTERIES, 3)])
    async with at_a_gate(browser, parts, one) as (page, gate):
        await page.goto("/store/pick")
        await expect(page.locator("html[data-kept]")).to_be_attached()
        await page.goto(f"/store/pick/{text_of(one.id)}")
        await page.fill("#code", LOAF)
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-said]")).to_contain_text("Right: Sourdough loaf")
        await expect(page.locator("#work")).to_have_attribute("data-left", "2")
        await gate.shut()
        await page.locator(".item", has_text="Sourdough loaf").get_by_role("button", name="Take it").click()
        await expect(page.locator("[data-unsent]")).to_contain_text("One scan waits on this device")
        await expect(page.locator("[data-away]")).to_be_visible()
        await page.reload()
        await expect(page.locator("[data-kept-at]")).to_contain_text("As it was on")
        await expect(page.locator(".pick-progress")).to_contain_text("2 of 3")
        await page.fill("#code", BATTERIES)
        await page.keyboard.press("Enter")
        await expect(page.locator("[data-said]")).to_contain_text("go on with the next one")
        await photographed(page, "away-picked")
        await page.goto("/store/pick")
        await expect(page.get_by_text("2 scans on this device")).to_be_visible()
        await photographed(page, "away-list")
        await page.goto(f"/store/pick/{text_of(other.id)}")
        await page.locator(".item").get_by_text("Some of them").click()
        await page.get_by_label("How many of 3").fill("2")
        await page.get_by_role("button", name="Take so many").click()
        await expect(page.locator("[data-number]")).to_contain_text("1")
        await page.goto(f"/store/pack/{text_of(one.id)}")
        await expect(page.get_by_text("Packing waits for the server", exact=True)).to_be_visible()
        await photographed(page, "away-pack")
        assert (await picked(parts, one), await picked(parts, other)) == (1, 0)
        async with parts.database.transaction(Context(ActorId("user:somebody"))) as tx:
            await fulfilment.begin(tx, other.id, take_over=True)
        await gate.open()
        await page.goto("/store")
        await expect(page.locator("[data-refused-scans] li")).to_contain_text(
            "AA batteries, 8 pack × 2 was not taken, because:"
        )
        await expect(page.locator("[data-refused-scans] li")).to_contain_text("works on it")
        await photographed(page, "away-refused")
        assert (await picked(parts, one), await picked(parts, other)) == (3, 0)


async def test_a_form_that_needs_the_server_waits_and_what_was_kept_goes_with_the_sign_out(
    browser: Browser, parts: Services
) -> None:
    one = await work(parts, [(BATTERIES, 1)])
    async with parts.database.transaction(await owner_of(parts)) as tx:
        await fulfilment.pick(tx, one.id)
    async with at_a_gate(browser, parts, one) as (page, gate):
        await page.goto(f"/store/pack/{text_of(one.id)}")
        await gate.shut()
        await page.get_by_role("button", name="Close this box").click()
        await expect(page.locator("[data-said]")).to_contain_text("Packing waits for the server")
        await gate.open()
        await page.get_by_role("button", name="Close this box").click()
        await expect(page.get_by_role("heading", name="Box 1")).to_be_visible()
        await expect(page.locator("html[data-kept]")).to_be_attached()
        assert await page.evaluate("caches.has('comptoir-store-pages')")
        await page.evaluate("document.querySelector(\"form[action='/sign-out']\").requestSubmit()")
        await expect(page.locator("#password")).to_be_visible()
        await page.wait_for_function("async () => !(await caches.has('comptoir-store-pages'))")


_CODE_39 = {
    "0": "000110100", "1": "100100001", "3": "101100000", "4": "000110001", "6": "001110000", "8": "100100100",
    "*": "010010100",
}  # fmt: skip
_DRAWN_CAMERA = """
  (bars) => {
    delete window.BarcodeDetector;
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 360];
    const pen = canvas.getContext("2d");
    const draw = () => {
      pen.fillStyle = "#fff"; pen.fillRect(0, 0, 640, 360); pen.fillStyle = "#000";
      let x = 60;
      for (const [width, dark] of bars) { if (dark) { pen.fillRect(x, 100, width * 4, 160); } x += width * 4; }
    };
    draw(); setInterval(draw, 50);
    const stream = canvas.captureStream(20);
    Object.defineProperty(navigator, "mediaDevices", { value: { getUserMedia: async () => stream } });
  }
"""


async def test_a_browser_without_a_detector_reads_labels_with_ours(browser: Browser, parts: Services) -> None:
    one = await work(parts, [(LOAF, 2)])
    bars = [
        (2 if wide == "1" else 1, n % 2 == 0) if n < 9 else (1, False)
        for sign in f"*{LOAF}*"
        for n, wide in enumerate(f"{_CODE_39[sign]}0")
    ]
    async with at_work(browser, parts, one) as page:
        await page.add_init_script(f"({_DRAWN_CAMERA})({json.dumps(bars)})")
        await page.goto(f"/store/pick/{text_of(one.id)}")
        await page.get_by_role("button", name="Scan with the camera").click()
        await expect(page.locator("#work")).to_have_attribute("data-left", "1", timeout=15000)
        await photographed(page, "camera")
        assert await picked(parts, one) == 1


async def test_new_work_tells_of_itself(browser: Browser, parts: Services) -> None:
    first = await work(parts, [(LOAF, 1)])
    async with at_work(browser, parts, first) as page:
        await page.goto("/store")
        await page.get_by_label("New work is told by").select_option("silent")
        await expect(page.locator("[data-newest]")).to_have_attribute("data-newest", str(first.number))
        other = await work(parts, [(LOAF, 1)])
        await expect(page.locator("[data-said]")).to_contain_text(f"New work: F{other.number}", timeout=15000)
        await expect(page.locator("[data-newest]")).to_have_attribute("data-newest", str(other.number))
        assert await page.evaluate("localStorage.getItem('store:voice')") == "silent"
