from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime
from html import escape

from comptoir.surfaces.console import pages
from comptoir.surfaces.console.pages.feed import Feed
from comptoir.surfaces.console.web import Console
from comptoir.surfaces.demo import state as demo
from comptoir.surfaces.services import Services
from support.console import Shop, Staff, counted_statements, place


async def test_it_shows_what_is_sold_moved_and_waiting(owner: Staff, shop: Shop) -> None:
    page = (await owner.get("/")).text
    spec = json.loads(re.findall(r'id="orders-per-span-data"[^>]*>(.*?)</script>', page, re.DOTALL)[0])
    assert sum(sum(series["values"]) for series in spec["series"]) == len(shop.orders)
    assert {series["name"] for series in spec["series"]} == {"Web shop", "App", "Marketplace"}
    where = json.loads(re.findall(r'id="locations-map-data"[^>]*>(.*?)</script>', page, re.DOTALL)[0])
    assert where["map"] == "us"
    # What stands over a figure is in its data as well: a stream brings both.
    for figure in (spec, where):
        assert f'<p class="figure-words">{escape(figure["words"])}</p>' in page
    assert {point["name"]: point["tone"] for point in where["points"]}["Cincinnati warehouse"] == "bad"
    for words in ("$618.55", "Promised units are not there", "2% white milk, gallon", "Sold at the till", "Jobs waiting"):
        assert words in page, words


async def feed_of(parts: Services) -> tuple[Console, Feed]:
    console = pages.console(parts)
    feed = console.extras["feed"]
    assert isinstance(feed, Feed)
    return console, feed


async def test_many_viewers_cost_one_look(parts: Services) -> None:
    _, feed = await feed_of(parts)

    async def watch() -> list[int]:
        seen: list[int] = []
        async for snapshot in feed.watch():
            seen.append(snapshot.number)
            if len(seen) == 2:
                break
        return seen

    with counted_statements() as sent:
        looks = await asyncio.gather(*(watch() for _ in range(20)))
    await feed.stop()
    assert max(look[-1] for look in looks) <= 3
    assert len(sent) < 3 * 25


async def test_a_new_order_is_on_the_next_look(parts: Services) -> None:
    _, feed = await feed_of(parts)
    stream = feed.watch()
    await anext(stream)
    placed = await place(parts, "web", [("981760", 1)])
    for _ in range(5):
        if (await anext(stream)).latest[0].number == placed.number:
            break
    else:
        raise AssertionError("it did not show within five looks")
    await feed.stop()


async def test_the_stream_ends_with_the_process(parts: Services) -> None:
    console, feed = await feed_of(parts)

    async def watch() -> None:
        async for _ in feed.watch():
            pass

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.2)
    await console.stop()
    await asyncio.wait_for(watching, 5)


async def test_a_replay_is_told_in_its_own_time_and_can_be_held(owner: Staff, parts: Services) -> None:
    begins, ends = datetime(2017, 1, 1, tzinfo=UTC), datetime(2018, 1, 1, tzinfo=UTC)
    async with parts.database.transaction() as tx:
        await demo.begin(tx, opening_weeks=4, baskets=1000, begins_at=begins, ends_at=ends)
        await demo.report(tx, datetime(2017, 3, 1, 17, tzinfo=UTC), lines=250, baskets=26, behind=0)
    page = (await owner.get("/")).text
    assert "Replay of a real year of trade" in page
    assert "Mar 1, 2017" in page
    assert "Orders per hour" in page
    # Nothing of the year has been sold on that day yet, whatever came in since midnight here.
    assert re.search(r"Orders today.{0,200}?>0<", (await owner.get("/channels/web")).text, re.DOTALL)
    page = (await owner.get("/")).text
    streamed = page[page.index('sse-swap="replay"') : page.index('sse-swap="tiles"')]
    assert "<form" not in streamed, "what is streamed has no token"
    assert (await owner.submit("/", "/live/replay", {"paused": "yes"})).status_code == 303
    assert (await owner.submit("/", "/live/replay", {"speed": "10000.0"})).status_code == 303
    async with parts.database.read() as reader:
        status = await demo.status(reader)
    assert status is not None
    assert (status.paused, status.speed) == (True, 10000)
