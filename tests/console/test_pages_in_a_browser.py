from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from support.browser import Axe, browser, drawn, serve
from support.gallery import screens

__all__ = ["browser"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve() as address:
        yield address


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, address: str) -> AsyncIterator[Page]:
    """A page that fails the test when its console says anything is wrong, the content security policy included."""
    complaints: list[str] = []
    context = await browser.new_context(base_url=address, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = await context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await context.close()
    assert complaints == []


async def repainted(page: Page, before: str) -> None:
    """Returns when the chart looks otherwise. (`wait_for_function` would need `eval`, which the page's policy forbids.)"""
    for _ in range(100):
        if await picture(page) != before:
            return
        await page.wait_for_timeout(50)
    pytest.fail("the chart still looks the same after five seconds")


async def picture(page: Page) -> str:
    return await page.locator("#orders-per-minute canvas").evaluate("canvas => canvas.toDataURL()")


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("fr", "dark")])
@pytest.mark.parametrize("screen", list(screens("en")))
async def test_a_screen_is_accessible_and_fits_its_width(
    page: Page, screen: str, language: str, theme: str, width: int
) -> None:
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto(f"/{screen}/{language}/{theme}")
    await drawn(page)
    results = await Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


async def test_keys_search_move_through_rows_and_show_themselves(page: Page) -> None:
    await page.goto("/orders/en/light")
    await page.keyboard.press("/")
    assert await page.evaluate("document.activeElement.dataset.search") == "page"
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    assert await page.evaluate("document.activeElement.textContent") == "C-104\u202f282"
    await page.keyboard.press("k")
    assert await page.evaluate("document.activeElement.textContent") == "C-104\u202f283"
    await page.keyboard.press("?")
    assert await page.locator("#keys").is_visible()
    await page.keyboard.press("Escape")
    assert not await page.locator("#keys").is_visible()


async def test_the_theme_that_was_chosen_is_remembered(page: Page) -> None:
    await page.goto("/live/en/light")
    await page.locator("[data-theme-toggle]").click()
    await page.reload()
    assert await page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


async def test_what_was_typed_survives_a_reload_and_can_be_dropped(page: Page) -> None:
    await page.goto("/order/en/light")
    await page.get_by_role("button", name="Cancel order").click()
    await page.locator("#reason").select_option("fraud")
    await page.reload()
    assert await page.locator("#reason").input_value() == "fraud"
    await page.get_by_role("button", name="Start afresh").click()
    assert await page.locator("#reason").input_value() == ""
    await page.reload()
    assert await page.locator("#reason").input_value() == ""


async def test_a_request_that_fails_says_what_to_do_with_its_id(browser: Browser, address: str) -> None:
    page = await browser.new_page(base_url=address)
    await page.route("**/orders?**", lambda route: route.fulfill(status=500, headers={"X-Request-Id": "req_500"}, body="boom"))
    await page.goto("/orders/en/light")
    await page.locator("[data-search=page]").fill("coffee")
    note = page.locator(".toast-bad")
    await note.wait_for()
    assert "That did not work" in await note.inner_text()
    assert "req_500" in await note.inner_text()
    assert await page.locator("[data-search=page]").input_value() == "coffee"
    await page.close()


async def test_a_chart_is_drawn_again_when_its_figures_change(page: Page) -> None:
    await page.goto("/live/en/light")
    await drawn(page)
    before = await picture(page)
    await page.evaluate("""() => {
        const data = document.getElementById('orders-per-minute-data');
        const spec = JSON.parse(data.textContent);
        spec.series[0].values.fill(300);
        data.textContent = JSON.stringify(spec);
    }""")
    await repainted(page, before)


async def test_without_scripts_a_page_still_shows_its_figures(browser: Browser, address: str) -> None:
    context = await browser.new_context(base_url=address, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/live/en/light")
    await page.get_by_text("Show as a table").click()
    assert await page.get_by_role("columnheader", name="Web shop").is_visible()
    await context.close()


async def test_a_chart_follows_the_stream_of_events(browser: Browser, address: str) -> None:
    said = '"title": "Per hour", "words": "One."'
    spec = f'{{"kind": "bar", {said}, "labels": ["\\u003cb\\u003e"], "series": [{{"name": "s", "values": [1]}}]}}'
    event = f"event: chart\ndata: {spec}\n\n"
    page = await browser.new_page(base_url=address)  # its console says when the stream ends, which is meant here
    await page.route("**/live/events", lambda route: route.fulfill(content_type="text/event-stream", body=event))
    await page.goto("/live/en/light")
    await drawn(page)
    before = await picture(page)
    await page.evaluate("""() => {
        document.getElementById('orders-per-minute-data').setAttribute('sse-swap', 'chart');
        const main = document.getElementById('main');
        main.setAttribute('hx-ext', 'sse');
        main.setAttribute('sse-connect', '/live/events');
        htmx.process(main);
    }""")
    await repainted(page, before)
    assert '"values": [1]' in await page.locator("#orders-per-minute-data").evaluate("data => data.textContent")
    # Its caption, its name for screen readers and its table come along.
    figure = page.locator("#orders-per-minute")
    await expect(figure.locator(".card-title")).to_have_text("Per hour")
    await expect(figure.locator(".figure-words")).to_have_text("One.")
    await expect(figure.get_by_role("img")).to_have_attribute("aria-label", "Per hour. One.")
    await figure.get_by_text("Show as a table").click()
    await expect(figure.locator("tbody tr")).to_have_text(["<b>1"])
    await page.close()
