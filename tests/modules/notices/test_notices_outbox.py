from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comptoir.kernel.errors import Invalid
from comptoir.kernel.time import utcnow
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CustomerDraft, Identity
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import (
    Medium,
    NoticeFilter,
    NoticeKind,
    NoticeState,
    Outcome,
    Result,
    Sender,
)
from comptoir.modules.notices.contracts import Notice as Row
from comptoir.modules.notices.domain import PAUSES, language_of, next_try, quiet_until
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.events import Recorded
from comptoir.sdk.orders import Address, Buyer
from support.depot import AGREED, HOME, Depot, scan
from support.post import plain_links

BOTH = Sender(
    channel="web", name="Shop", email="orders@example.com", phone="SHOP", media=(Medium.EMAIL, Medium.SMS, Medium.WHATSAPP)
)


async def outbox(depot: Depot, order_id: OrderId | None = None) -> list[Row]:
    async with depot.database.read() as reader:
        return list((await notices.find(reader, NoticeFilter(order_id=order_id), sort="created")).items)


async def kinds(depot: Depot, order_id: OrderId) -> list[tuple[str, str]]:
    return [(row.kind.value, row.medium.value) for row in await outbox(depot, order_id)]


async def test_each_thing_that_happens_to_an_order_is_told_once(depot: Depot) -> None:
    order_id = await depot.shipped("N1", promised_on=utcnow().date())
    await depot.say("N1", scan("in_transit", hours=8), scan("out_for_delivery", hours=5))
    await depot.settle()
    await depot.say("N1", scan("delivery_failed", hours=3))
    await depot.settle()
    await depot.say("N1", scan("delivered"))
    await depot.settle()
    told = [kind for kind, _ in await kinds(depot, order_id)]
    assert told == ["confirmed", "shipped", "out_for_delivery", "failed", "delivered"] or set(told) == {
        "confirmed",
        "shipped",
        "out_for_delivery",
        "failed",
        "delayed",
        "delivered",
    }


async def test_events_that_repeat_tell_nobody_twice(depot: Depot) -> None:
    await depot.shipped("N2")
    before = len(await outbox(depot))
    async with depot.database.transaction() as tx:
        rows = await tx.rows("SELECT tx::text::bigint, seq, id, type, at, actor, request_id, subject, data FROM runtime.events")
        events = [event for row in rows if (event := Recorded(*row)).type in {"order.placed", "order.shipped"}]
        await notices.write(tx, [*events, *events], depot.keyring, plain_links)
    assert len(await outbox(depot)) == before == 2


async def test_what_happened_days_ago_tells_nobody(depot: Depot) -> None:
    order_id = await depot.order()
    async with depot.database.transaction() as tx:
        old = Recorded(
            1, 1, order_id, "order.placed", tx.now - timedelta(days=3), "", "", order_id, {"order_id": str(order_id)}
        )
        await notices.write(tx, [old], depot.keyring, plain_links)
    assert await outbox(depot, order_id) == []


async def test_a_channel_without_a_sender_writes_to_nobody(depot: Depot) -> None:
    async with depot.database.transaction() as tx:
        await notices.put_sender(tx, Sender(channel="web", name="Shop", email="orders@example.com", active=False))
    order_id = await depot.shipped("N3")
    assert await outbox(depot, order_id) == []


async def test_an_order_that_a_channel_reports_is_confirmed_by_the_channel(depot: Depot) -> None:
    recorded = await depot.shop.tell("web", {"TEA": 1}, buyer=Buyer(email="a@example.com"))
    await depot.settle()
    assert await outbox(depot, recorded.order_id) == []


async def test_telephones_get_what_needs_somebody_to_be_somewhere(depot: Depot) -> None:
    async with depot.database.transaction() as tx:
        await notices.put_sender(tx, BOTH)
    order_id = await depot.shipped("N4", buyer=AGREED)
    await depot.say("N4", scan("out_for_delivery"))
    await depot.settle()
    assert set(await kinds(depot, order_id)) == {
        ("confirmed", "email"), ("shipped", "email"), ("out_for_delivery", "email"), ("out_for_delivery", "sms"),
        ("out_for_delivery", "whatsapp"),
    }  # fmt: skip


async def test_who_has_left_no_address_is_told_nothing(depot: Depot) -> None:
    order_id = await depot.shipped("N5", buyer=Buyer(name="Nobody"), ship_to=None)
    assert await outbox(depot, order_id) == []


async def test_a_customer_is_written_to_in_the_language_that_is_theirs(depot: Depot) -> None:
    async with depot.database.transaction() as tx:
        await customers.create(tx, CustomerDraft(name="Camille", locale="en-GB"), [Identity("email", "camille@example.com")])
    english = await depot.shipped("N6")
    rows = await outbox(depot, english)
    assert {row.locale for row in rows} <= {"en", "fr"}
    stranger = Buyer(name="Léa", email="lea@example.org")
    french = await depot.shipped("N7", buyer=stranger)
    abroad = await depot.shipped("N8", buyer=stranger, ship_to=Address(name="Léa", city="Berlin", country="DE"))
    assert {row.locale for row in await outbox(depot, french)} == {"fr"}
    assert {row.locale for row in await outbox(depot, abroad)} == {"en"}


async def test_addresses_are_sealed_in_the_outbox_and_in_no_event(depot: Depot) -> None:
    await depot.shipped("N9")
    async with depot.database.read() as reader:
        sealed = await reader.values("SELECT sealed FROM notices.outbox")
    assert sealed
    assert all(b"camille" not in value for value in sealed)
    assert "camille@" not in repr(await depot.events("notice."))
    assert HOME.line1 not in repr(sealed)


async def test_a_letter_is_tried_for_a_day_and_then_somebody_sees_it(depot: Depot) -> None:
    await depot.order()
    await depot.settle()
    for attempt in range(len(PAUSES) + 1):
        async with depot.database.transaction() as tx:
            await tx.run("UPDATE notices.outbox SET next_at = now() - interval '1 second' WHERE state = 'pending'")
        async with depot.database.transaction() as tx:
            (claimed,) = await notices.claim(tx, 10)
            state = await notices.settle(tx, claimed, Result(Outcome.LATER, "busy"), jitter=0)
        assert state is (NoticeState.FAILED if attempt == len(PAUSES) else NoticeState.PENDING)
    ((kind, data),) = await depot.events("notice.")
    assert (kind, data["problem"]) == ("notice.failed", "busy")
    (row,) = await outbox(depot)
    async with depot.database.transaction() as tx:
        await notices.retry(tx, row.id)
    assert (await outbox(depot))[0].state is NoticeState.PENDING


async def test_a_lease_that_was_lost_has_no_say(depot: Depot) -> None:
    await depot.order()
    await depot.settle()
    async with depot.database.transaction() as tx:
        (claimed,) = await notices.claim(tx, 10)
        assert await notices.claim(tx, 10) == []
        await tx.run("UPDATE notices.outbox SET next_at = now() + interval '9 minutes'")
        assert await notices.settle(tx, claimed, Result(Outcome.SENT), jitter=0) is None


@pytest.mark.parametrize(
    "sender",
    [
        Sender(channel="web", name="", email="orders@example.com"),
        Sender(channel="web", name="Shop\nBcc: all", email="orders@example.com"),
        Sender(channel="web", name="Shop", email="orders"),
        Sender(channel="web", name="Shop", email="orders@example.com", media=(Medium.SMS,)),
    ],
)
async def test_a_sender_that_could_not_write_is_refused(depot: Depot, sender: Sender) -> None:
    with pytest.raises(Invalid):
        async with depot.database.transaction() as tx:
            await notices.put_sender(tx, sender)


INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds it
ZONES = st.sampled_from(["Europe/Paris", "America/Chicago", "Asia/Kolkata", "Pacific/Auckland", "UTC"])


@given(INSTANTS, ZONES)
def test_no_telephone_rings_at_night_and_none_waits_for_longer_than_one(now: datetime, zone: str) -> None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    until = quiet_until(Medium.SMS, now, zone)
    assert now <= until <= now + timedelta(hours=13)
    assert 8 <= until.astimezone(ZoneInfo(zone)).hour < 21
    assert quiet_until(Medium.SMS, until, zone) == until
    assert quiet_until(Medium.EMAIL, now, zone) == now


def test_pauses_grow_and_a_server_that_asks_for_more_gets_it() -> None:
    now = utcnow()
    pauses = [next_try(Result(Outcome.LATER), n + 1, now, 0.0) for n in range(len(PAUSES))]
    assert all(pause is not None for pause in pauses)
    assert next_try(Result(Outcome.LATER), len(PAUSES) + 1, now, 0.0) is None
    assert next_try(Result(Outcome.LATER, retry_after=7_200), 1, now, 0.0) == now + timedelta(seconds=7_200)
    assert next_try(Result(Outcome.NEVER), 1, now, 0.0) is None


def test_the_language_is_the_customers_else_the_countrys() -> None:
    assert [language_of(*one) for one in (("fr-CA", "US"), ("", "FR"), ("", "DE"), ("de", "FR"))] == ["fr", "fr", "en", "en"]


def test_every_kind_has_words() -> None:
    from comptoir.surfaces.notices.wording import _WORDS  # noqa: PLC0415

    assert set(_WORDS) == set(NoticeKind)
