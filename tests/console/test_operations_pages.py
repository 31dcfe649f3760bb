"""The control tower: open work by stage and age, promises at risk, exceptions with their remedies, locations and carriers."""

from __future__ import annotations

import asyncio
import html
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import AgeCount, Fulfilment, HoldReason, OpenWork, Stage
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Location, LocationId, LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import EXCEPTION_PREFIX, ExceptionFilter, ExceptionKind, Fill, WaitingAge
from comptoir.modules.tracking.contracts import Counts, LaneKey, ParcelAge, Performance, TroubleKind
from comptoir.runtime.database import Database
from comptoir.surfaces.console.pages import operations, operations_carriers, operations_heat, operations_places
from comptoir.surfaces.console.pages.operations_standings import BANDS, Standing, bounds, span
from comptoir.surfaces.demo import state as demo
from comptoir.surfaces.services import Services
from support.back_office import as_role, looked_at, said, signed_in
from support.back_office import place as loc
from support.browser import browser
from support.console import Shop, Staff, counted_statements, place, worker
from support.consumers import drained

__all__ = ["browser"]

LOAF, BATTERIES = "840361", "1070820"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def change(database: Database, one: Fulfilment, **values: object) -> None:
    async with database.transaction() as tx:
        columns = ", ".join(f"{name} = %({name})s" for name in values)
        await tx.run(f"UPDATE fulfilment.orders SET {columns} WHERE id = %(id)s", values | {"id": one.id})


async def placed(parts: Services, lines: list[tuple[str, int]], channel: str = "web", **values: object) -> Fulfilment:
    """An order whose work is there, with these columns."""
    made = await place(parts, channel, lines, fill=Fill.ALL)
    await drained(parts.database, worker(parts))
    async with parts.database.read() as reader:
        (one,) = await fulfilment.of_orders(reader, [made.id])
    if values:
        await change(parts.database, one, **values)
    return one


async def parcel(parts: Services, one: Fulfilment, number: str, **values: object) -> None:
    """A parcel of the order on its way, of which a carrier tells."""
    given: dict[str, object] = {
        "id": uuid4(), "shipment": uuid4(), "order": one.order_id, "number": one.order_number, "location": one.location_id,
        "account": uuid4(), "tracking": number, "shipped_at": utcnow() - 5 * HOUR, "promised_on": None, "estimated_on": None,
    }  # fmt: skip
    async with parts.database.transaction() as tx:
        await tx.run(
            "INSERT INTO tracking.accounts (id, connector, name, carriers, credentials, problem, created_at) "
            "VALUES (%(account)s, 'easypost', 'EasyPost', '{}', '', '', now())",
            {"account": given["account"]},
        )
        await tx.run(
            """INSERT INTO tracking.parcels (id, shipment_id, order_id, order_number, channel, location_id, kind, account_id,
              carrier, service, tracking_number, tracking_url, origin_country, origin_region, destination_country,
              destination_region, zone, shipped_at, promised_on, status, estimated_on, signed_by)
            VALUES (%(id)s, %(shipment)s, %(order)s, %(number)s, 'web', %(location)s, 'parcel', %(account)s, 'ups', '',
              %(tracking)s, '', 'US', 'oh', 'US', 'ky', 'America/New_York', %(shipped_at)s, %(promised_on)s, 'in_transit',
              %(estimated_on)s, '')""",
            given | values,
        )


async def stuck(parts: Services, number: str, kind: str = "stuck") -> None:
    async with parts.database.transaction() as tx:
        await tx.run(
            "INSERT INTO tracking.troubles (id, kind, about, tracked_id, order_id, reason, opened_at) SELECT "
            "gen_random_uuid(), %(kind)s, id, id, order_id, 'silent', now() FROM tracking.parcels "
            "WHERE tracking_number = %(number)s",
            {"kind": kind, "number": number},
        )


@pytest_asyncio.fixture(loop_scope="session")
async def yard(parts: Services, shop: Shop) -> dict[str, Fulfilment]:
    """Something at every stage, some of it late, and one promise that will be missed."""
    now = utcnow()
    today = now.date()
    batteries, loaf = [(BATTERIES, 1)], [(LOAF, 1)]
    await drained(parts.database, worker(parts))
    async with parts.database.transaction() as tx:  # of what the shop has only the order that waits for stock counts here
        await tx.run("UPDATE fulfilment.orders SET state = 'cancelled', hold_reason = NULL")
    found = {
        "fresh": await placed(parts, loaf, leaves_by=now + 9 * HOUR),
        "late": await placed(parts, batteries, placed_at=now - 30 * HOUR, leaves_by=now - 3 * HOUR),
        "soon": await placed(parts, batteries, leaves_by=now + 2 * HOUR),
        "held": await placed(parts, loaf, "market", leaves_by=None),
        "stuck": await placed(parts, loaf, placed_at=now - 9 * DAY, leaves_by=None, state="on_hold", hold_reason="unroutable"),
        "boxed": await placed(parts, batteries, leaves_by=now + 30 * HOUR),
        "counter": await placed(parts, loaf, leaves_by=None, method="collect"),
        "gone": await placed(parts, loaf, leaves_by=None),
        "slow": await placed(parts, loaf, leaves_by=None),
    }
    async with parts.database.transaction() as tx:
        await fulfilment.hold(tx, found["held"].id, HoldReason.ADDRESS, "no such street")
        await fulfilment.pick(tx, found["boxed"].id)
        await fulfilment.pack(tx, found["boxed"].id)
    await change(parts.database, found["counter"], picked=1, packed=0, ready_at=now)
    for name in ("gone", "slow"):
        await change(parts.database, found[name], state="closed", closed_at=now)
    await parcel(parts, found["gone"], "1Z1", shipped_at=now - 30 * HOUR, promised_on=today + 5 * DAY)
    await parcel(parts, found["slow"], "1Z2", promised_on=today + DAY, estimated_on=today + 3 * DAY)
    return found


def cells(text: str) -> dict[tuple[str, str], tuple[int, str]]:
    """What the table of ages counts: by stage and age how many, and where they are."""
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for href, count in re.findall(r'class="heat-link" href="([^"]+)"[^>]*>.*?<span class="heat-count">([\d,]+)<', text):
        address = html.unescape(href)
        stage = re.search(r"stage=(\w+)", address)
        age = re.search(r"[?&]age=(\w+)", address)
        assert stage is not None
        found[stage[1], age[1] if age else ""] = (int(count.replace(",", "")), address)
    return found


def rows_of(text: str) -> list[int]:
    """The orders of a list, in its order."""
    return [int(number) for number in re.findall(r'class="row-link" href="/orders/[^"]+">(\d+)<', text)]


# Stage and age


async def test_open_work_stands_by_stage_and_age_and_each_figure_leads_to_exactly_what_it_counts(
    owner: Staff, yard: dict[str, Fulfilment]
) -> None:
    with counted_statements() as statements:
        page = await owner.get("/operations")
    assert page.status_code == 200
    assert len(statements) <= 30, statements  # two of them, promises kept, once in five minutes
    counted = cells(page.text)
    assert {place: count for place, (count, _) in counted.items()} == {
        ("stock", "4h"): 1, ("stock", ""): 1,
        ("to_route", "older"): 1, ("to_route", ""): 1,
        ("held", "4h"): 1, ("held", ""): 1,
        ("to_pick", "4h"): 2, ("to_pick", "1d"): 1, ("to_pick", ""): 3,
        ("to_hand_over", "4h"): 1, ("to_hand_over", ""): 1,
        ("ready", "4h"): 1, ("ready", ""): 1,
        ("on_the_way", "24h"): 1, ("on_the_way", "1d"): 1, ("on_the_way", ""): 2,
    }  # fmt: skip
    assert "To do at locations 6 fulfilment orders" in said(page.text)
    assert len(rows_of((await owner.get("/operations/orders")).text)) == 6
    for count, address in counted.values():
        listed = await owner.get(address)
        assert listed.status_code == 200, address
        assert len(rows_of(listed.text)) == count, address
        assert f"{count} row" in said(listed.text), address
    assert rows_of((await owner.get("/operations/orders?stage=to_pick&age=1d")).text) == [yard["late"].order_number]


async def test_a_list_says_what_each_piece_waits_for_who_has_it_and_how_long_it_has(
    owner: Staff, parts: Services, yard: dict[str, Fulfilment]
) -> None:
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE fulfilment.orders SET assignee = 'user:nobody' WHERE id = %(id)s", {"id": yard["soon"].id})
    with counted_statements() as statements:
        picking = await owner.get("/operations/orders?stage=to_pick")
    assert len(statements) <= 12, statements
    assert rows_of(picking.text) == [yard[name].order_number for name in ("late", "soon", "fresh")]
    told = said(picking.text)
    assert "late by 3 hr" in told
    assert "somebody who begins" in told
    assert "who has picked 0 of 1" in told
    assert f'href="/store/pick/{to_text("ful", yard["late"].id)}"' in picking.text
    held = said((await owner.get("/operations/orders?stage=held")).text)
    assert "held: the address · no such street" in held
    routed = (await owner.get("/operations/orders?stage=to_route")).text
    assert "a location that may send it" in said(routed)
    assert re.search(r'href="/orders/[^"]+/routing">See why<', routed)
    stock = said((await owner.get("/operations/orders?stage=stock")).text)
    assert "stock of Dark roast coffee" in stock
    way = said((await owner.get("/operations/orders?stage=on_the_way")).text)
    assert "there on" in way
    assert "2 days late" in way


async def test_lists_are_narrowed_by_location_channel_method_lateness_and_search(
    owner: Staff, shop: Shop, yard: dict[str, Fulfilment]
) -> None:
    async def numbers(query: str) -> list[int]:
        answer = await owner.get(f"/operations/orders?{query}", **{"hx-request": "true"})
        assert "<html" not in answer.text
        return rows_of(answer.text)

    assert await numbers("late=yes") == [yard["late"].order_number]
    assert await numbers("stage=ready&method=collect") == [yard["counter"].order_number]
    assert await numbers("method=collect") == []
    assert await numbers("channel=market") == [yard["held"].order_number]
    assert await numbers(f"q={yard['boxed'].order_number}") == [yard["boxed"].order_number]
    assert len(await numbers(f"location={loc(shop, 'WH-CIN')}")) == 6
    assert await numbers(f"location={loc(shop, 'S381')}") == []
    assert await numbers("stage=on_the_way&q=1Z2") == [yard["slow"].order_number]
    assert await numbers("stage=on_the_way&late=yes") == [yard["slow"].order_number]
    assert await numbers("stage=stock&late=yes") == []
    empty = said((await owner.get("/operations/orders?stage=to_pack&age=4h")).text)
    assert "Nothing fits" in empty
    assert "Nothing stands here now" in said((await owner.get("/operations/orders?stage=to_pack")).text)


async def test_what_does_not_fit_on_a_page_is_turned_by_cursor(
    owner: Staff, yard: dict[str, Fulfilment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comptoir.surfaces.console.pages.operations_sources.PAGE_SIZE", 2)
    seen: list[int] = []
    address = "/operations/orders"
    for _ in range(4):
        text = (await owner.get(address)).text
        seen += rows_of(text)
        more = re.search(r'rel="next" href="([^"]+)"', text)
        if more is None:
            break
        address = html.unescape(more[1])
    assert len(seen) == len(set(seen)) == 6
    assert seen[:2] == [yard["late"].order_number, yard["soon"].order_number]


async def test_in_a_replayed_year_ages_count_up_to_its_own_time(
    owner: Staff, parts: Services, yard: dict[str, Fulfilment]
) -> None:
    began = datetime(2017, 3, 10, 12, tzinfo=UTC)
    async with parts.database.transaction() as tx:
        await demo.begin(tx, opening_weeks=1, baskets=9, begins_at=began, ends_at=began + 300 * DAY)
        await tx.run("UPDATE fulfilment.orders SET placed_at = %(at)s WHERE stage = 'to_pick'", {"at": began - 30 * HOUR})
    counted = cells((await owner.get("/operations")).text)
    assert counted["to_pick", "1d"][0] == 3
    assert len(rows_of((await owner.get(counted["to_pick", "1d"][1])).text)) == 3


async def test_a_list_is_taken_away_as_a_file(owner: Staff, yard: dict[str, Fulfilment]) -> None:
    file = await owner.get("/operations/orders?stage=to_pick&format=csv")
    assert file.headers["content-type"].startswith("text/csv")
    lines = file.text.strip().splitlines()
    assert len(lines) == 4
    assert lines[0].removeprefix("\ufeff").startswith("Order,For,Waits for")
    assert lines[1].startswith(str(yard["late"].order_number))


# Troubles


async def test_troubles_are_counted_by_kind_and_lead_to_their_parcels(
    owner: Staff, parts: Services, yard: dict[str, Fulfilment]
) -> None:
    await stuck(parts, "1Z1")
    await stuck(parts, "1Z2", "lost")
    page = (await owner.get("/operations")).text
    assert cells(page)["trouble", ""][0] == 2
    assert ("on_the_way", "") not in cells(page)
    assert "Nothing heard of it" in said(page)
    listed = await owner.get("/operations/orders?stage=trouble&kind=lost")
    assert rows_of(listed.text) == [yard["slow"].order_number]
    assert "Lost on the way" in said(listed.text)


# Promises


async def test_promises_at_risk_come_with_their_reason_and_the_next_step_the_most_urgent_first(
    owner: Staff, yard: dict[str, Fulfilment]
) -> None:
    page = (await owner.get("/operations")).text
    risks = page[page.index('id="risks"') :]
    risks = risks[: risks.index("</section>")]
    numbers = [int(number) for number in re.findall(r">Order (\d+)<", risks)]
    assert numbers == [yard["late"].order_number, yard["soon"].order_number, yard["slow"].order_number]
    told = said(risks)
    assert "late by 3 hr" in told
    assert "Pick" in told
    assert "promised for" in told
    passed = (await owner.get("/operations?within=0")).text
    assert f"Order {yard['soon'].order_number}<" not in passed
    assert f"Order {yard['late'].order_number}<" in passed
    longer = (await owner.get("/operations?within=48")).text
    assert f"Order {yard['boxed'].order_number}<" in longer


async def test_all_promises_at_risk_are_in_three_lists(owner: Staff, yard: dict[str, Fulfilment]) -> None:
    here = await owner.get("/operations/promises?within=48")
    assert rows_of(here.text) == [yard[name].order_number for name in ("late", "soon", "fresh", "boxed")]
    way = await owner.get("/operations/promises?where=carriers")
    assert rows_of(way.text) == [yard["slow"].order_number]
    assert rows_of((await owner.get("/operations/promises?where=stock")).text) == []
    assert "With carriers 1" in said(way.text)


# Exceptions


async def test_the_best_remedy_of_an_exception_is_one_click_away(owner: Staff, parts: Services, shop: Shop) -> None:
    page = (await owner.get("/operations")).text
    posts = [html.unescape(found) for found in re.findall(r'form="remedy" formaction="([^"]+)"', page)]
    assert posts, "no remedy is offered"
    assert all("back=operations" in one for one in posts)
    assert f"/counts/new?location={loc(shop, 'WH-CIN')}&amp;code=1029743" in page
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page[page.index('id="remedy"') :]))
    answer = await owner.send(posts[0], {"_token": hidden["_token"], "_key": hidden["_key"], "choice": "move"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/operations")
    async with parts.database.read() as reader:
        left = (await orders.find_exceptions(reader, ExceptionFilter(kinds=(ExceptionKind.SHORTFALL,)))).items
    assert left
    assert not any(to_text(EXCEPTION_PREFIX, one.exception.id) in posts[0] for one in left)
    assert "The units come from another location now." in (await owner.get("/operations")).text


async def test_whoever_may_not_decide_sees_exceptions_without_buttons(owner: Staff, parts: Services, shop: Shop) -> None:
    page = (await (await as_role(owner, "analyst")).get("/operations")).text
    assert "Promised units are not there" in page
    assert "formaction" not in page


# Locations


async def test_locations_stand_with_their_load_against_todays_capacity(
    owner: Staff, parts: Services, shop: Shop, yard: dict[str, Fulfilment]
) -> None:
    async with parts.database.transaction() as tx:
        place_ = await locations.get(tx, shop.locations["WH-CIN"])
        await tx.run("UPDATE locations.locations SET daily_capacity = 4 WHERE id = %(id)s", {"id": place_.id})
        await orders.reject(tx, yard["fresh"].order_id, shop.locations["WH-CIN"], None, "not_found")
    with counted_statements() as statements:
        text = (await owner.get("/operations/locations")).text
    assert len(statements) <= 12, statements
    assert f'"href": "/operations/orders?location={loc(shop, "WH-CIN")}"' in text
    assert '"tone": "bad"' in text
    told = said(text)
    assert "1 given back today" in told
    assert "8 of 4" in told, "what no location may send is not its work"
    listed = (await owner.get(f"/operations/orders?location={loc(shop, 'WH-CIN')}&late=yes")).text
    assert rows_of(listed) == [yard["late"].order_number]


def test_a_location_is_marked_by_what_needs_somebody() -> None:
    assert operations_heat.shade(0, 900) == 0
    assert [operations_heat.shade(n, 1000) for n in (1, 30, 1000)] == [1, 3, 5]
    assert operations_heat.shade(1, 1) == 1


def test_ages_meet_without_a_gap_and_without_overlap() -> None:
    now = datetime(2026, 3, 10, 15, tzinfo=UTC)
    limits = bounds(now)
    for age in (timedelta(), HOUR * 3.99, HOUR * 4, DAY - HOUR, DAY, 2 * DAY, 3 * DAY, 90 * DAY):
        began = now - age
        counted = len(BANDS) - 1 - sum(1 for limit in limits if limit <= began)
        inside = [
            band.code
            for band in BANDS
            for since, before in [span(band.code, now)]
            if (since is None or began >= since) and (before is None or began < before)
        ]
        # What began exactly at a bound is counted with the younger ones, as its list has it.
        assert inside == [BANDS[counted].code], age
    assert span("nonsense", now) == (None, None)


def test_what_is_counted_is_summed_by_standing() -> None:
    work = OpenWork(
        ages=(AgeCount(Stage.WAITING, False, 0, 2, 1, 2), AgeCount(Stage.WAITING, True, 4, 3, 0, 1)),
        places=(),
    )
    parcels = [ParcelAge(None, 4, 5, 1, 2), ParcelAge(TroubleKind.LOST, 0, 1, 0, 0)]
    ages = operations_heat.summed(work, [WaitingAge(3, 7, 2, 3)], parcels)
    assert dict(ages.counts) == {
        (Standing.TO_ROUTE, 4): 2,
        (Standing.HELD, 0): 3,
        (Standing.STOCK, 1): 7,
        (Standing.ON_THE_WAY, 0): 5,
        (Standing.TROUBLE, 4): 1,
    }
    assert (ages.at_risk, ages.all_late) == (2 + 1 + 3 + 2, 1 + 2 + 1 + 1)
    assert dict(ages.troubles) == Counter({TroubleKind.LOST: 1})


def test_today_begins_at_each_locations_own_midnight() -> None:
    def there(zone: str) -> Location:
        return Location(
            id=LocationId(uuid4()), code=zone, name="", kind=LocationKind.STORE, country="US", time_zone=zone, version=1,
            created_at=NOON, updated_at=NOON,
        )  # fmt: skip

    east, west = there("America/New_York"), there("America/Los_Angeles")
    begun = dict(operations_places.midnights([east, west], datetime(2026, 3, 10, 5, tzinfo=UTC)))
    assert begun[east.id] == datetime(2026, 3, 10, 4, tzinfo=UTC)
    assert begun[west.id] == datetime(2026, 3, 9, 7, tzinfo=UTC)


# Carriers


async def test_carriers_are_compared_and_lanes_that_lose_or_are_late_are_named(owner: Staff, parts: Services) -> None:
    async with parts.database.transaction() as tx:
        for carrier, region, sums in (
            ("ups", "oh", (100, 100, 90, 88, 210)),
            ("ups", "ky", (40, 36, 40, 20, 160)),
            ("fedex", "oh", (10, 10, 10, 10, 20)),
        ):
            parcels, delivered, due, on_time, days = sums
            await tx.run(
                "INSERT INTO tracking.lanes (carrier, service, origin_country, origin_region, destination_country, "
                "destination_region, month, parcels, delivered, promised, on_time, days, first_time, damaged, lost) VALUES "
                "(%(carrier)s, 'ground', 'US', 'oh', 'US', %(region)s, %(month)s, %(parcels)s, %(delivered)s, %(due)s, "
                "%(on_time)s, %(days)s, 0, 0, 0)",
                {
                    "carrier": carrier, "region": region, "month": utcnow().date().replace(day=1), "parcels": parcels,
                    "delivered": delivered, "due": due, "on_time": on_time, "days": days,
                },
            )  # fmt: skip
    told = said((await owner.get("/operations")).text)
    assert "Lanes to watch" in told
    assert "ground · US OH → US KY" in told
    assert "83.1%" in told
    assert "too few to say" in told


def test_lanes_that_lose_come_before_those_that_are_late() -> None:
    class Reader:
        def say(self, text: str, **_: object) -> str:
            return text

    def lane(to: str, counts: Counts) -> Performance:
        return Performance(LaneKey("ups", "", "US", "oh", "US", to), counts)

    late = lane("a", Counts(parcels=100, delivered=100, promised=100, on_time=50))
    losing = lane("b", Counts(parcels=100, delivered=95, promised=100, on_time=95, lost=5))
    fine = lane("c", Counts(parcels=100, delivered=100, promised=100, on_time=100))
    found = operations_carriers.scored(Reader(), [late, losing, fine], date(2026, 1, 1))  # pyright: ignore[reportArgumentType]
    assert [one.lane for one in found.watched] == ["US OH → US B", "US OH → US A"]
    assert [one.performance.counts.parcels for one in found.rows] == [300]


# Who, when, and while one looks


async def test_who_may_not_see_figures_does_not_see_the_tower_but_the_lists(owner: Staff, shop: Shop) -> None:
    assert 'href="/operations"' in (await owner.get("/account")).text
    clerk = await as_role(owner, "store")
    assert 'href="/operations"' not in (await clerk.get("/account")).text
    assert (await clerk.get("/operations")).status_code == 403
    assert (await clerk.get("/operations/stream")).status_code == 403
    assert (await clerk.get("/operations/locations")).status_code == 403
    assert (await clerk.get("/operations/orders")).status_code == 200
    assert (await clerk.get("/operations/promises")).status_code == 200


async def test_before_the_first_order_the_tower_says_what_to_do(owner: Staff, parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE locations.locations SET active = false")
        await tx.run("UPDATE orders.orders SET backordered = 0")
        await tx.run("UPDATE orders.exceptions SET state = 'resolved'")
        await tx.run("TRUNCATE fulfilment.orders CASCADE")
    told = said((await owner.get("/operations")).text)
    assert "Nothing to prepare yet" in told
    assert "everything is in time" in told
    assert "Every promise will be kept" in told
    assert "Nothing waits for a person." in told
    assert "No parcel has reached its end yet" in told
    assert "There is no location yet." in said((await owner.get("/operations/locations")).text)


async def test_what_is_not_made_work_yet_is_told(owner: Staff, parts: Services, shop: Shop) -> None:
    runner = worker(parts)
    await drained(parts.database, runner)
    await place(parts, "web", [(LOAF, 1)])
    assert "behind" not in said((await owner.get("/operations")).text)
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE runtime.events SET at = at - interval '3 minutes'")
    assert re.search(r"\d+ events? behind \(3 min\)", said((await owner.get("/operations")).text))


async def test_the_tower_reads_itself_again(owner: Staff, parts: Services, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "EVERY", 0.05)
    monkeypatch.setattr(operations, "STREAM_FOR", 0.2)
    await placed(parts, [(LOAF, 1)])
    body = (await asyncio.wait_for(owner.get("/operations/stream?within=24"), 10)).text
    for name in ("at", "tiles", "heat", "risks", "exceptions", "places", "carriers", "map"):
        assert f"event: {name}\n" in body, name
    assert body.count("event: heat\n") == 1, "what has not changed is not sent again"
    assert body.count("event: at\n") >= 1


async def test_links_lead_from_an_order_to_its_task_and_its_location(owner: Staff, yard: dict[str, Fulfilment]) -> None:
    one = yard["soon"]
    page = (await owner.get(f"/orders/{to_text('ord', one.order_id)}")).text
    assert f'href="/store/pick/{to_text("ful", one.id)}"' in page
    assert f'href="/operations/orders?location={to_text("loc", one.location_id)}"' in page


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_pages_are_accessible_and_fit_a_phone(
    browser: Browser, parts: Services, shop: Shop, yard: dict[str, Fulfilment], language: str
) -> None:
    await stuck(parts, "1Z1")
    async with signed_in(browser, parts) as page:
        pages = ["/operations", "/operations/orders", "/operations/promises?within=48", "/operations/locations"]
        await looked_at(page, language, pages)


async def test_the_tower_changes_while_somebody_looks_and_a_remedy_is_a_click(
    browser: Browser, parts: Services, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "EVERY", 0.3)
    async with signed_in(browser, parts) as page:
        await page.goto("/operations")
        await expect(page.get_by_text("Promised units are not there").first).to_be_visible()
        to_pick = page.locator('.heat-link[href="/operations/orders?stage=to_pick"] .heat-count')
        before = int(await to_pick.inner_text())
        await page.locator('.heat-link[href="/operations/orders?stage=to_pick"]').focus()
        await page.evaluate("window.focused = document.activeElement")
        await placed(parts, [(LOAF, 1)])
        await expect(to_pick).to_have_text(str(before + 1))
        assert await page.evaluate("window.focused === document.activeElement"), "the focus stays where it was"
        await page.get_by_role("button", name=re.compile("^Move to")).first.click()
        await expect(page.get_by_text("The units come from another location now.")).to_be_visible()
        await page.locator('.heat-link[href="/operations/orders?stage=to_pick"]').click()
        await expect(page.get_by_role("heading", name="To pick")).to_be_visible()
