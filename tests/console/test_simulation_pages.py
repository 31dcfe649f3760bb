"""Simulations on screen: asked for, followed, and read beside what happened."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.async_api import Browser, expect

from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import RULE_SET_PREFIX, Rating, Rules, RuleSet, RuleSetDraft, RuleSetState, Weight
from comptoir.surfaces.jobs.simulations import SimulationJob
from comptoir.surfaces.services import Services
from support.back_office import looked_at, said, signed_in
from support.browser import browser
from support.console import Shop, Staff, counted_statements

__all__ = ["browser"]

NEW = "/routing/simulations/new"
DAY = datetime.now(UTC).date().isoformat()
DAY_BEFORE = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
"""The shop's orders were placed some hours ago: soon after midnight that is yesterday."""


async def nearest(parts: Services) -> RuleSet:
    async with parts.database.transaction() as tx:
        return await routing.create(
            tx, RuleSetDraft(code="near", name="Nearest first", rules=Rules(ratings=(Weight(Rating.DISTANCE),)))
        )


async def asked(owner: Staff, **values: object) -> str:
    """Where the simulation that was asked for is shown."""
    answer = await owner.submit(NEW, NEW, {"channels": ["web"], "since": DAY_BEFORE, "until": DAY} | values)
    assert answer.status_code in {302, 303}, answer.text
    return answer.headers["location"]


async def run(parts: Services, href: str) -> None:
    await SimulationJob(parts.database)(str(from_text("sim", href.rsplit("/", 1)[1])))


async def test_before_the_first_one_the_page_says_what_to_do(owner: Staff, shop: Shop) -> None:
    told = said((await owner.get("/routing/simulations")).text)
    assert "Nothing has been simulated yet" in told
    assert "New simulation" in told


async def test_a_draft_is_tried_and_put_live(owner: Staff, parts: Services, shop: Shop) -> None:
    rules = await nearest(parts)
    identity = to_text(RULE_SET_PREFIX, rules.id)
    assert f"{NEW}?rule_set={identity}" in (await owner.get(f"/routing/{identity}")).text
    href = await asked(owner, rule_set=identity)
    waiting = (await owner.get(href)).text
    assert "every 1s" in waiting
    assert "Reads what happened" in waiting
    await run(parts, href)
    with counted_statements() as statements:
        done = await owner.get(href)
    assert len(statements) <= 12, statements
    told = said(done.text)
    assert "every 1s" not in done.text
    for figure in ("Parcels", "Cost", "Distance", "CO₂", "Days to the last parcel", "happened"):
        assert figure in told, figure
    assert "Put Nearest first live?" in told
    answer = await owner.submit(href, f"/routing/{identity}/state", {"to": "live", "version": rules.version, "share": 20})
    assert answer.status_code in {302, 303}
    async with parts.database.read() as reader:
        there = await routing.get(reader, rules.id)
    assert (there.state, there.share) == (RuleSetState.LIVE, 20)
    listed = said((await owner.get("/routing/simulations")).text)
    assert "Nearest first" in listed
    assert "parcels" in listed


async def test_rules_that_changed_since_are_told(owner: Staff, parts: Services, shop: Shop) -> None:
    rules = await nearest(parts)
    href = await asked(owner, rule_set=to_text(RULE_SET_PREFIX, rules.id))
    await run(parts, href)
    async with parts.database.transaction() as tx:
        await routing.update(tx, rules.id, RuleSetDraft(code="near", name="Nearest first", rules=Rules()))
    told = said((await owner.get(href)).text)
    assert "now it is version 2" in told
    assert "Put Nearest first live?" not in told  # nobody has seen what this version would do
    assert "Simulate again" in told


async def test_it_is_stopped(owner: Staff, parts: Services, shop: Shop) -> None:
    href = await asked(owner)
    answer = await owner.submit(href, f"{href}/cancel", {})
    assert answer.status_code in {302, 303}
    await run(parts, href)
    assert "The simulation was stopped" in said((await owner.get(href)).text)


async def test_a_form_that_is_not_right_says_what_is_and_keeps_what_was_typed(owner: Staff, shop: Shop) -> None:
    typed = {"channels": [], "since": DAY, "until": DAY, "name": "My winter"}
    refused = await owner.submit(NEW, NEW, typed)
    assert refused.status_code == 422
    assert "Tick at least one." in refused.text
    assert 'value="My winter"' in refused.text
    assert f'value="{DAY}"' in refused.text
    for field, value, sentence in (
        ("since", "yesterday", "Type a day such as 2026-03-03."),
        ("until", "2001-01-01", "This is before the first day."),
        ("since", "2001-01-01", "At most three years at once."),
    ):
        refused = await owner.submit(NEW, NEW, typed | {"channels": ["web"], field: value})
        assert refused.status_code == 422, value
        assert sentence in refused.text, value


async def test_a_past_without_orders_says_so(owner: Staff, parts: Services, shop: Shop) -> None:
    href = await asked(owner)
    async with parts.database.transaction() as tx:
        long_ago = datetime.now(UTC) - timedelta(days=400)
        await tx.run(
            "UPDATE routing.simulations SET since = %(since)s, until = %(until)s",
            {"since": long_ago, "until": long_ago + timedelta(days=1)},
        )
    await run(parts, href)
    assert "No order of these channels was placed in that time." in said((await owner.get(href)).text)


async def test_rubbish_finds_nothing(owner: Staff, shop: Shop) -> None:
    assert (await owner.get("/routing/simulations/sim_nothing")).status_code == 404


async def test_the_pages_are_accessible_in_both_languages(browser: Browser, parts: Services, shop: Shop) -> None:
    rules = await nearest(parts)
    async with signed_in(browser, parts) as page:
        await page.goto(f"{NEW}?rule_set={to_text(RULE_SET_PREFIX, rules.id)}")
        await page.get_by_role("button", name="Simulate").click()
        await expect(page.locator("h1")).to_contain_text("Nearest first")
        href = page.url.split("?")[0]
        path = href[href.index("/routing") :]
        await run(parts, path)
        # What runs is followed: the page fills itself.
        await expect(page.locator("#simulation")).to_contain_text("Parcels over time", timeout=10_000)
        await expect(page.locator("main")).not_to_contain_text("Running")
        for language in ("en", "fr"):
            await looked_at(page, language, [NEW, "/routing/simulations", path])


async def test_the_days_up_to_the_latest_order_are_proposed(owner: Staff, parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE orders.orders SET placed_at = '2017-03-05 18:00+00'")
    page = (await owner.get(NEW)).text
    assert re.search(r'name="since"[^>]*value="2017-02-04"', page)
    assert re.search(r'name="until"[^>]*value="2017-03-05"', page)


async def test_from_the_figures_down_to_an_order_and_why(owner: Staff, parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE orders.orders SET promised_on = placed_at::date WHERE channel_code = 'web'")
    href = await asked(owner)
    await run(parts, href)
    page = (await owner.get(href)).text
    assert "Promises that would be broken" in said(page)
    listed = f"{href}/orders?kind=late"
    assert listed in page.replace("&amp;", "&")
    with counted_statements() as statements:
        text = (await owner.get(listed)).text
    assert len(statements) <= 10, statements
    assert "By location" in said(text)
    group = re.search(r'href="([^"]*by=channel&amp;value=web)"', text)
    assert group is not None
    assert "Show the worst of all groups" in said((await owner.get(group[1].replace("&amp;", "&"))).text)
    order = re.search(r'href="([^"]*/orders/ord_[a-z0-9]+)"', text)
    assert order is not None
    with counted_statements() as statements:
        why = said((await owner.get(order[1])).text)
    assert len(statements) <= 10, statements
    for words in ("Would have been", "Happened", "Who might have sent it", "Why it really came from there"):
        assert words in why
    assert (await owner.get(f"{href}/orders?kind=none&by=place&value=x")).status_code == 200
    assert (await owner.get(order[1][:-4] + "0000")).status_code == 404


async def test_while_it_runs_it_says_how_long_is_left(owner: Staff, parts: Services, shop: Shop) -> None:
    href = await asked(owner)
    async with parts.database.transaction() as tx:
        await tx.run(
            "UPDATE routing.simulations SET state = 'running', orders = 1000, done = 250, began_at = now() - interval '60 s'"
        )
    told = said((await owner.get(href)).text)
    assert "250 / 1,000" in told
    assert "About 3 min left" in told
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE routing.simulations SET done = 1000")
    assert "Everything is decided" in said((await owner.get(href)).text)


async def test_what_leads_from_the_figures_to_an_order_is_accessible(browser: Browser, parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE orders.orders SET promised_on = placed_at::date WHERE channel_code = 'web'")
    async with signed_in(browser, parts) as page:
        await page.goto(NEW)
        await page.get_by_role("button", name="Simulate").click()
        await expect(page.locator("#simulation")).to_be_visible()
        href = page.url.split("?")[0]
        path = href[href.index("/routing") :]
        await run(parts, path)
        await page.goto(f"{path}/orders?kind=late")
        order = await page.locator("a.row-link").first.get_attribute("href")
        assert order is not None
        for language in ("en", "fr"):
            await looked_at(page, language, [path, f"{path}/orders?kind=late", order])
