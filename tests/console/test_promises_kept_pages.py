"""Promises kept and what was learned, on screen and over the API's reading: doors, counters, and what has not left."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from comptoir.modules.fulfilment.contracts import Broken
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.surfaces import keeping
from comptoir.surfaces.keeping import Cause
from comptoir.surfaces.services import Services
from support.back_office import said
from support.console import Shop, Staff, counted_statements

PROMISES, LESSONS = "/routing/promises", "/routing/lessons"


async def came(
    parts: Services, shop: Shop, *, promised: date, on: date | None, carrier: str = "dpd", number: int = 7001
) -> None:
    """A parcel that a carrier tells of, at the door on that day, or nowhere yet."""
    async with parts.database.transaction() as tx:
        account = await tx.row("SELECT id FROM tracking.accounts LIMIT 1")
        if account is None:
            account = (uuid4(),)
            await tx.run(
                "INSERT INTO tracking.accounts (id, connector, name, carriers, credentials, created_at) "
                "VALUES (%(id)s, 'easypost', 'EasyPost', '{dpd}', '', %(now)s)",
                {"id": account[0], "now": tx.now},
            )
        await tx.run(
            """
            INSERT INTO tracking.parcels (id, shipment_id, order_id, order_number, channel, location_id, kind, account_id,
              carrier, service, tracking_number, tracking_url, origin_country, origin_region, destination_country,
              destination_region, zone, shipped_at, promised_on, status, delivered_at, signed_by)
            VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), %(number)s, 'web', %(place)s, 'parcel',
              %(account)s, %(carrier)s, 'classic', 'T1', '', 'FR', '', 'FR', '', 'Europe/Paris', %(shipped)s,
              %(promised)s, %(status)s, %(at)s, '')""",
            {
                "number": number,
                "place": next(iter(shop.locations.values())),
                "account": account[0],
                "carrier": carrier,
                "shipped": datetime.combine(promised - timedelta(days=2), datetime.min.time(), UTC),
                "promised": promised,
                "status": "in_transit" if on is None else "delivered",
                "at": None if on is None else datetime.combine(on, datetime.min.time(), UTC) + timedelta(hours=10),
            },
        )


async def test_before_anything_is_over_the_pages_say_so(owner: Staff, shop: Shop) -> None:
    assert "No promise is over yet" in said((await owner.get(PROMISES)).text)
    assert "Nothing was learned yet" in said((await owner.get(LESSONS)).text)
    assert LESSONS in (await owner.get(PROMISES)).text
    assert PROMISES in (await owner.get("/routing")).text


async def test_kept_and_broken_are_counted_and_the_broken_say_why(owner: Staff, parts: Services, shop: Shop) -> None:
    day = datetime.now(UTC).date() - timedelta(days=3)
    await came(parts, shop, promised=day, on=day)
    await came(parts, shop, promised=day, on=day + timedelta(days=1), number=7002)
    await came(parts, shop, promised=day, on=None, carrier="ups", number=7003)
    await came(parts, shop, promised=day + timedelta(days=30), on=None, number=7004)  # its day is still to come
    with counted_statements() as statements:
        page = await owner.get(f"{PROMISES}?by=carrier")
    assert len(statements) <= 14, statements
    told = said(page.text)
    assert "33.3%" in told
    assert "Came late with the carrier" in told
    for number, stands in (("7001", False), ("7002", True), ("7003", True), ("7004", False)):
        assert (f">{number}<" in page.text) is stands, number
    assert "not yet" in told
    for by in ("location", "channel", "service", "nonsense"):
        assert (await owner.get(f"{PROMISES}?by={by}")).status_code == 200
    tower = said((await owner.get("/operations")).text)
    assert "of those for the last seven days" in tower
    async with parts.database.read() as reader:
        found = await keeping.kept(
            reader, keeping.first_day(datetime.now(UTC).date()), datetime.now(UTC).date(), await keeping.zones_of(reader)
        )
    assert keeping.share(found) == (1, 3)
    assert {(one.carrier, one.kept, one.broken) for one in found} == {("dpd", 1, 1), ("ups", 0, 1)}


async def test_counters_count_by_the_day_or_the_time_and_what_has_not_left_is_broken(parts: Services, shop: Shop) -> None:
    today = datetime.now(UTC).date()
    day, noon = today - timedelta(days=2), datetime.combine(today - timedelta(days=2), datetime.min.time(), UTC)
    place = next(iter(shop.locations.values()))
    rows = [
        ("collect", day, None, noon, True),
        ("collect", day, None, noon + timedelta(days=1, hours=12), False),
        ("collect", None, noon + timedelta(hours=5), noon + timedelta(hours=4), True),
        ("collect", None, noon + timedelta(hours=5), noon + timedelta(hours=6), False),
        ("ship", day, None, None, False),
    ]
    async with parts.database.transaction() as tx:
        for number, (method, promised, due, ready, _) in enumerate(rows):
            await tx.run(
                """
                INSERT INTO fulfilment.orders (id, order_id, order_number, channel_code, location_id, state, request, method,
                  service, hold_note, carrier, leaves_by, promised_on, assignee, recipient, city, country, placed_at,
                  created_at, ready_at, quantity)
                VALUES (gen_random_uuid(), gen_random_uuid(), %(number)s, 'web', %(place)s, 'open', 'unsubmitted',
                  %(method)s, 'pickup', '', '', %(due)s, %(promised)s, '', '', '', 'FR', %(noon)s, %(noon)s, %(ready)s, 1)""",
                {
                    "number": number,
                    "place": place,
                    "method": method,
                    "due": due,
                    "promised": promised,
                    "noon": noon,
                    "ready": ready,
                },
            )
    async with parts.database.read() as reader:
        found = await keeping.kept(reader, today - timedelta(days=20), today, await keeping.zones_of(reader))
        missed = await keeping.missed(reader, today - timedelta(days=20), today, await keeping.zones_of(reader))
    assert keeping.share(found) == (2, 5)
    assert {one.broken.order_number for one in missed} == {n for n, row in enumerate(rows) if not row[4]}


async def test_what_was_given_back_first_is_why(shop: Shop) -> None:
    place = LocationId(uuid4())
    broken = Broken(OrderId(uuid4()), 1, "web", "classic", place, "dpd", date(2026, 3, 2), date(2026, 3, 3))
    assert keeping.cause(broken, [], given_back=True) is Cause.GIVEN_BACK
    assert keeping.cause(broken, [], given_back=False) is Cause.CARRIER


async def test_what_was_learned_is_shown_with_what_it_adds(owner: Staff, parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        await tx.run(
            "INSERT INTO routing.lessons (subject, key, parcels, on_time, slack, learned_at) VALUES "
            "('carrier', 'dpd', 200, 150, 2, '2026-02-03 04:00+00'), ('site', %(place)s, 80, 80, 0, '2026-02-03 04:00+00')",
            {"place": str(next(iter(shop.locations.values())))},
        )
    with counted_statements() as statements:
        page = await owner.get(LESSONS)
    assert len(statements) <= 8, statements
    told = said(page.text)
    for words in ("dpd", "75%", "2 days", "Locations", "100%"):
        assert words in told, words
