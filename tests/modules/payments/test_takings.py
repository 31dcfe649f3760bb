"""Money by day, method, channel and place: every sum of the summary is what the ledger says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comptoir.kernel.ids import uuid7
from comptoir.kernel.money import Currency
from comptoir.modules.payments import api
from comptoir.modules.payments.contracts import (
    Entry,
    EntryKind,
    GrantFilter,
    PaymentId,
    Taking,
    TakingsFilter,
    TakingsTotal,
)
from comptoir.runtime.database import Database

NIGHT = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
"""Half past eleven in Paris, on the last evening of winter time."""
EUR, USD = Currency("EUR"), Currency("USD")
LYON, PARIS = UUID(int=101), UUID(int=102)
ALWAYS = TakingsFilter(since=NIGHT - timedelta(days=9), until=NIGHT + timedelta(days=9), zone="Europe/Paris")


def moved(kind: EntryKind = EntryKind.CAPTURED, amount: int = 100, **more: object) -> Entry:
    made = Entry(PaymentId(uuid7()), UUID(int=1), kind, "cash", amount, EUR, "", NIGHT, "web", None)
    return replace(made, **more)


entries = st.builds(
    moved,
    kind=st.sampled_from(EntryKind),
    amount=st.integers(1, 2**40),
    method=st.sampled_from(("card", "cash")),
    currency=st.sampled_from((EUR, USD)),
    at=st.integers(0, 72).map(lambda hours: NIGHT + timedelta(hours=hours)),
    channel_code=st.sampled_from(("web", "tills")),
    location_id=st.sampled_from((None, LYON, PARIS)),
)


async def takings(database: Database, wanted: TakingsFilter = ALWAYS, *, at_a_time: int = 200) -> list[Taking]:
    """Page by page."""
    found: list[Taking] = []
    cursor: str | None = None
    async with database.read() as reader:
        while True:
            page = await api.find_takings(reader, wanted, sort="day", limit=at_a_time, cursor=cursor)
            found += page.items
            if page.next is None:
                return found
            cursor = page.next


async def write(database: Database, *some: Entry) -> None:
    async with database.transaction() as tx:
        await tx.run("DELETE FROM payments.entries")
        await api.record(tx, some)


@given(st.lists(entries, max_size=30))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_sums_of_the_summary_are_those_of_the_ledger(database: Database, written: list[Entry]) -> None:
    await write(database, *written)
    money = [one for one in written if one.kind in {EntryKind.CAPTURED, EntryKind.REFUNDED}]
    zone = ZoneInfo("Europe/Paris")
    told: Counter[tuple[object, ...]] = Counter()
    for one in money:
        of = (one.at.astimezone(zone).date(), one.method, one.channel_code, one.location_id, one.currency)
        told[*of, one.kind] += one.amount
    found = await takings(database, at_a_time=3)
    summed: Counter[tuple[object, ...]] = Counter()
    for row in found:
        of = (row.on, row.method, row.channel_code, row.location_id, row.currency)
        summed[*of, EntryKind.CAPTURED] += row.captured
        summed[*of, EntryKind.REFUNDED] += row.refunded
    assert +summed == told
    assert sum(row.movements for row in found) == len(money)
    async with database.read() as reader:
        totals = await api.takings_totals(reader, ALWAYS)
        assert (await api.count_takings(reader, ALWAYS)).rows == len(found)
    assert [(one.currency, one.net) for one in totals] == [
        (currency, sum(row.net for row in found if row.currency == currency))
        for currency in sorted({r.currency for r in found})
    ]


async def test_a_day_is_one_of_the_reader(database: Database) -> None:
    await write(database, moved(), moved(at=NIGHT + timedelta(minutes=31), amount=7))
    assert [(str(row.on), row.captured) for row in await takings(database)] == [("2026-03-28", 100), ("2026-03-29", 7)]
    in_utc = await takings(database, replace(ALWAYS, zone="UTC"))
    assert [(str(row.on), row.captured) for row in in_utc] == [("2026-03-28", 107)]


async def test_what_was_only_authorised_is_no_money_yet(database: Database) -> None:
    await write(database, moved(EntryKind.AUTHORISED), moved(EntryKind.VOIDED))
    assert await takings(database) == []


async def test_it_is_narrowed_to_places_channels_and_methods(database: Database) -> None:
    await write(
        database,
        moved(location_id=LYON, amount=5),
        moved(EntryKind.REFUNDED, location_id=LYON, amount=2, method="Card terminal"),
        moved(location_id=PARIS, channel_code="tills", amount=11),
        moved(amount=17),
    )
    lyon = replace(ALWAYS, locations=frozenset({LYON}))
    assert [(row.method, row.net) for row in await takings(database, lyon)] == [("Card terminal", -2), ("cash", 5)]
    assert [row.net for row in await takings(database, replace(ALWAYS, channels=("tills",)))] == [11]
    assert [row.net for row in await takings(database, replace(ALWAYS, method="TERM"))] == [-2]
    assert await takings(database, replace(ALWAYS, until=NIGHT)) == []
    async with database.read() as reader:
        assert await api.takings_totals(reader, lyon) == [TakingsTotal(EUR, 5, 2, 2)]


async def test_an_entry_keeps_its_channel_and_its_place(database: Database) -> None:
    one, other = moved(location_id=LYON), moved(channel_code="tills")
    await write(database, one, other)
    async with database.read() as reader:
        assert set(await api.entries_of(reader, one.order_id)) == {one, other}


async def test_refunds_are_found_by_the_channel_and_the_place_of_their_order(database: Database) -> None:
    await write(database, moved(location_id=LYON), moved(order_id=UUID(int=2), channel_code="tills"))
    async with database.transaction() as tx:
        first = await api.grant(tx, UUID(int=1), 10, EUR, "late")
        second = await api.grant(tx, UUID(int=2), 10, EUR, "late")
    wanted = [
        (GrantFilter(channels=("web",)), {first}),
        (GrantFilter(channels=("web", "tills")), {first, second}),
        (GrantFilter(location_id=LYON), {first}),
        (GrantFilter(location_id=PARIS), set()),
    ]
    async with database.read() as reader:
        for asked, expected in wanted:
            assert {one.id for one in (await api.find_grants(reader, asked)).items} == expected, asked
