"""Whoever types into a page keeps what they have typed, whatever part of the page is exchanged meanwhile."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser, Page, Route, expect

from comptoir.surfaces.services import Services
from support.back_office import signed_in
from support.browser import browser

__all__ = ["browser"]

PART = """
<div id="part" hx-get="/part" hx-trigger="again" hx-swap="morph:innerHTML" hx-include="this">{inside}</div>"""
FIELDS = """
<p id="news">{news}</p>
<label>Code <input id="code" name="code" value="{code}"></label>
<label>Note <textarea id="note" name="note">{note}</textarea></label>
<label>Why <select id="why" name="why"><option value="a"{a}>A</option><option value="b"{b}>B</option></select></label>
<label>Sure <input id="sure" name="sure" type="checkbox"{sure}></label>"""


def fields(news: str, *, code: str = "", note: str = "", why: str = "a", sure: bool = False) -> str:
    chosen = {one: " selected" if one == why else "" for one in ("a", "b")}
    return FIELDS.format(news=news, code=code, note=note, sure=" checked" if sure else "", **chosen)


async def with_part(page: Page) -> None:
    await page.goto("/orders")
    await page.evaluate(
        """html => { document.querySelector("main").insertAdjacentHTML("afterbegin", html);
          htmx.process(document.querySelector("#part")); }""",
        PART.format(inside=fields("before")),
    )


async def values(page: Page) -> dict[str, str | bool]:
    return await page.evaluate(
        """() => ({ code: document.querySelector("#code").value, note: document.querySelector("#note").value,
          why: document.querySelector("#why").value, sure: document.querySelector("#sure").checked })"""
    )


async def test_what_is_typed_while_an_answer_is_on_its_way_stays(browser: Browser, parts: Services) -> None:
    go_on = asyncio.Event()

    async def answer(route: Route) -> None:
        await go_on.wait()
        await route.fulfill(content_type="text/html", body=fields("after", note="from the server"))

    async with signed_in(browser, parts) as page:
        await page.route("**/part*", answer)
        await with_part(page)
        await page.fill("#code", "SCANNED")
        await page.evaluate("""() => htmx.trigger("#part", "again")""")
        await page.click("#note")
        await page.keyboard.type("half a sen")
        await page.select_option("#why", "b")
        await page.check("#sure")
        await page.click("#note")
        go_on.set()
        await expect(page.locator("#news")).to_have_text("after")
        # What was sent is as the server says; what came after it stays, and so does the cursor.
        assert await values(page) == {"code": "", "note": "half a sen", "why": "b", "sure": True}
        await expect(page.locator("#note")).to_be_focused()
        await page.keyboard.press("End")
        await page.keyboard.type("tence")
        assert (await values(page))["note"] == "half a sentence"


async def test_what_the_server_sends_by_itself_leaves_everything_that_was_typed(browser: Browser, parts: Services) -> None:
    async with signed_in(browser, parts) as page:
        await with_part(page)
        await page.fill("#code", "TYPED")
        await page.select_option("#why", "b")
        await page.check("#sure")
        for news, note in (("one", "theirs"), ("two", "theirs too")):
            await page.evaluate(
                """html => htmx.swap("#part", html, { swapStyle: "morph:innerHTML", swapDelay: 0, settleDelay: 0 },
                  { contextElement: document.querySelector("#part") })""",
                fields(news, note=note),
            )
            await expect(page.locator("#news")).to_have_text(news)
            assert await values(page) == {"code": "TYPED", "note": note, "why": "b", "sure": True}
