"""Webhooks from the event to the receiver: signed, retried, logged, replayed, and nobody held up by anybody."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from comptoir.kernel.errors import Invalid, Stale
from comptoir.kernel.ids import to_text, uuid7
from comptoir.modules.webhooks import api as webhooks
from comptoir.modules.webhooks import domain
from comptoir.modules.webhooks.contracts import (
    DeliveryDetail,
    DeliveryFilter,
    DeliveryId,
    DeliveryState,
    Endpoint,
    EndpointDraft,
    EndpointFigures,
    EndpointId,
    Result,
)
from comptoir.modules.webhooks.errors import UnknownDelivery, UnknownEndpoint
from comptoir.modules.webhooks.subscribers import consumer
from comptoir.runtime.consumers import ConsumerRunner, read_log
from comptoir.runtime.crypto import Keyring, Undecipherable
from comptoir.runtime.database import Database
from comptoir.runtime.events import Event, Position, Recorded
from comptoir.runtime.http import HttpClient
from comptoir.surfaces.api.identifiers import outward
from comptoir.surfaces.jobs.webhooks import WebhookSender
from support.receiver import Office, Receiver


class Rung(Event, frozen=True):
    type: ClassVar[str] = "bell.rung"
    n: int


class Cracked(Event, frozen=True):
    type: ClassVar[str] = "bell.cracked"
    n: int


async def happen(database: Database, *events: Event) -> None:
    """Emits events and makes their deliveries, as the consumer does."""
    async with database.transaction() as tx:
        before = await tx.value("SELECT coalesce(max(seq), 0) FROM runtime.events")
        tx.emit(*events)
        await tx.flush_events()
        rows = await tx.all(
            Recorded,
            "SELECT tx::text::bigint AS tx, seq, id, type, at, actor, request_id, subject, data FROM runtime.events "
            "WHERE seq > %(before)s ORDER BY seq",
            {"before": before},
        )
        await webhooks.fan_out(tx, rows, outward)
        assert await webhooks.fan_out(tx, rows, outward) == 0, "making them again makes no more"


async def deliveries(database: Database, wanted: DeliveryFilter | None = None) -> list[DeliveryDetail]:
    async with database.read() as reader:
        found = [one async for one in webhooks.stream_deliveries(reader, wanted or DeliveryFilter(), sort="created")]
        return [await webhooks.get_delivery(reader, one.id) for one in found]


async def endpoint_of(database: Database, endpoint: Endpoint) -> Endpoint:
    async with database.read() as reader:
        return await webhooks.get_endpoint(reader, endpoint.id)


async def make_due(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.run("UPDATE webhooks.deliveries SET next_at = %(now)s WHERE state = 'pending'", {"now": tx.now})


async def test_an_event_arrives_signed_at_everybody_who_listens(
    database: Database, receiver: Receiver, office: Office, sender: WebhookSender
) -> None:
    _, all_secret = await office.endpoint(receiver.url("/all"))
    _, some_secret = await office.endpoint(receiver.url("/some"), "bell.cracked")
    await office.endpoint(receiver.url("/none"), "order.*")
    await happen(database, Rung(n=1), Cracked(n=2))
    await sender.drain()
    assert sorted(got.path for got in receiver.got) == ["/all", "/all", "/some"]
    secrets = {"/all": all_secret, "/some": some_secret}
    for got in receiver.got:
        said = got.verified(secrets[got.path])
        assert set(said) == {"type", "timestamp", "data", "id"}
        assert said["id"] == got.message_id
        assert said["data"] == {"n": 1 if said["type"] == "bell.rung" else 2}
        with pytest.raises(WebhookVerificationError):
            got.verified(domain.new_secret())
        assert got.headers["content-type"] == "application/json"
    for one in await deliveries(database):
        assert (one.delivery.state, one.delivery.attempts, one.delivery.next_at) == (DeliveryState.DELIVERED, 1, None)
        assert one.delivery.delivered_at is not None
        assert [(attempt.n, attempt.status, attempt.problem) for attempt in one.attempts] == [(1, 204, "")]


async def test_the_consumer_makes_the_deliveries_of_what_was_committed(
    database: Database, receiver: Receiver, office: Office
) -> None:
    runner = ConsumerRunner(database, [consumer(outward)])
    await runner.register()
    await office.endpoint(receiver.url())
    async with database.transaction() as tx:
        tx.emit(Rung(n=1), Rung(n=2))
    async with asyncio.timeout(20):
        while len(await deliveries(database)) < 2:
            await runner.drain()
    async with database.read() as reader:
        log, _ = await read_log(reader, Position())
    assert [one.delivery.event_id for one in await deliveries(database)] == [event.id for event in log]


async def test_a_failure_is_retried_by_the_schedule_and_logged(
    database: Database, receiver: Receiver, office: Office, sender: WebhookSender
) -> None:
    receiver.statuses, receiver.body = [500, 302, 200], b"why\x00 not" + b"x" * 5000
    receiver.headers = "location: /elsewhere\r\n"
    endpoint, secret = await office.endpoint(receiver.url())
    await happen(database, Rung(n=1))
    await sender.drain()
    (one,) = await deliveries(database)
    assert (one.delivery.state, one.delivery.attempts) == (DeliveryState.PENDING, 1)
    assert one.delivery.next_at is not None
    wait = one.delivery.next_at - one.attempts[0].at
    assert timedelta(seconds=5) <= wait < timedelta(seconds=7)
    assert (await endpoint_of(database, endpoint)).failing_since is not None
    await sender.drain()
    assert len(receiver.got) == 1, "not before its time"
    await make_due(database)
    await sender.drain()
    await make_due(database)
    await sender.drain()
    (one,) = await deliveries(database)
    assert one.delivery.state is DeliveryState.DELIVERED
    assert [(attempt.n, attempt.status, attempt.problem) for attempt in one.attempts] == [
        (1, 500, "answered 500"),
        (2, 302, "answered 302"),
        (3, 200, ""),
    ]
    assert one.attempts[0].response.startswith("why")
    assert len(one.attempts[0].response) == 1000
    assert len({got.message_id for got in receiver.got}) == 1, "the same id each time"
    assert all(got.verified(secret)["type"] == "bell.rung" for got in receiver.got)
    assert [got.path for got in receiver.got] == ["/hook"] * 3, "redirects are not followed"
    assert (await endpoint_of(database, endpoint)).failing_since is None


async def test_after_ten_attempts_it_has_failed_and_can_be_replayed(
    database: Database, receiver: Receiver, office: Office, sender: WebhookSender
) -> None:
    receiver.statuses = [500] * 10 + [200]
    await office.endpoint(receiver.url())
    await happen(database, Rung(n=1))
    for _ in range(12):
        await make_due(database)
        await sender.drain()
    (one,) = await deliveries(database)
    assert (one.delivery.state, one.delivery.attempts, one.delivery.next_at) == (DeliveryState.FAILED, 10, None)
    assert len(receiver.got) == 10
    async with database.transaction() as tx:
        await webhooks.replay(tx, one.delivery.id)
    await sender.drain()
    (one,) = await deliveries(database)
    assert (one.delivery.state, one.delivery.attempts) == (DeliveryState.DELIVERED, 1)
    assert [attempt.n for attempt in one.attempts] == list(range(1, 12))


async def test_a_stretch_of_time_is_replayed_at_once(
    database: Database, receiver: Receiver, office: Office, sender: WebhookSender
) -> None:
    endpoint, _ = await office.endpoint(receiver.url("/a"))
    await office.endpoint(receiver.url("/b"))
    await happen(database, Rung(n=1))
    await happen(database, Rung(n=2), Cracked(n=3))
    await sender.drain()
    first, *_ = await deliveries(database, DeliveryFilter(endpoint_id=endpoint.id))
    after = first.delivery.created_at + timedelta(microseconds=1)
    wanted = DeliveryFilter(endpoint_id=endpoint.id, since=after, type="bell.*")
    receiver.got.clear()
    async with database.transaction() as tx:
        assert await webhooks.replay_many(tx, replace(wanted, state=DeliveryState.FAILED)) == 0
        assert await webhooks.replay_many(tx, wanted) == 2
        with pytest.raises(Invalid):
            await webhooks.replay_many(tx, DeliveryFilter(since=after))
    await sender.drain()
    assert Counter(got.path for got in receiver.got) == {"/a": 2}


async def test_410_gone_disables_the_endpoint_and_says_so(
    database: Database, receiver: Receiver, office: Office, sender: WebhookSender
) -> None:
    receiver.statuses = [410]
    endpoint, _ = await office.endpoint(receiver.url())
    await happen(database, Rung(n=1))
    await sender.drain()
    gone = await endpoint_of(database, endpoint)
    assert (gone.active, gone.disabled_reason) == (False, "it answered 410 Gone")
    async with database.read() as reader:
        event = await reader.row("SELECT type, data FROM runtime.events ORDER BY seq DESC LIMIT 1")
    assert event == (
        "webhook_endpoint.disabled",
        {"endpoint_id": str(endpoint.id), "url": endpoint.url, "reason": "it answered 410 Gone"},
    )
    await happen(database, Rung(n=2))
    await make_due(database)
    await sender.drain()
    assert len(receiver.got) == 1
    assert [one.delivery.state for one in await deliveries(database)] == [DeliveryState.FAILED]


async def test_days_of_failure_disable_the_endpoint_and_what_is_pending_waits_for_it(
    database: Database, receiver: Receiver, office: Office, sender: WebhookSender
) -> None:
    receiver.statuses = [500, 500, 200]
    endpoint, _ = await office.endpoint(receiver.url())
    await happen(database, Rung(n=1))
    await sender.drain()
    assert (await endpoint_of(database, endpoint)).active
    async with database.transaction() as tx:
        await tx.run("UPDATE webhooks.endpoints SET failing_since = failing_since - interval '5 days'")
    await make_due(database)
    await sender.drain()
    off = await endpoint_of(database, endpoint)
    assert (off.active, off.disabled_reason) == (False, "it has failed for 5 days")
    await make_due(database)
    await sender.drain()
    assert len(receiver.got) == 2
    async with database.transaction() as tx:
        on = await webhooks.set_active(tx, endpoint.id, active=True)
    assert (on.active, on.disabled_reason, on.failing_since) == (True, "", None)
    await sender.drain()
    assert len(receiver.got) == 3


async def test_no_answer_is_a_failure_with_its_reason(
    database: Database, receiver: Receiver, office: Office, http: HttpClient, keyring: Keyring
) -> None:
    receiver.slow = 2
    await office.endpoint(receiver.url("/slow?secret=hush"))
    await office.endpoint("http://127.0.0.1:1/")
    await happen(database, Rung(n=1))
    await WebhookSender(database, http, keyring, send_within=0.2).drain()
    found = sorted(one.attempts[0].problem for one in await deliveries(database))
    assert len(found) == 2
    assert found[1] == "POST 127.0.0.1/slow: no answer in time"
    assert all(
        one.attempts[0].status is None and one.delivery.state is DeliveryState.PENDING for one in await deliveries(database)
    )


async def test_an_endpoint_inside_is_not_called(
    database: Database, receiver: Receiver, office: Office, keyring: Keyring
) -> None:
    await office.endpoint(receiver.url())
    await happen(database, Rung(n=1))
    async with HttpClient() as http:
        await WebhookSender(database, http, keyring).drain()
    assert receiver.got == []
    (one,) = await deliveries(database)
    assert one.attempts[0].problem == "127.0.0.1 leads to an address that may not be called"


async def test_a_slow_endpoint_holds_up_nobody_but_itself(
    database: Database, receiver: Receiver, office: Office, sender: WebhookSender
) -> None:
    receiver.slow = 1.0
    await office.endpoint(receiver.url("/slow"))
    await office.endpoint(receiver.url("/quick"))
    await happen(database, *(Rung(n=n) for n in range(12)))
    task = asyncio.create_task(sender.run())
    async with asyncio.timeout(20):
        while sum(got.path == "/quick" for got in receiver.got) < 12:  # noqa: ASYNC110 - what is waited for is the other side's
            await asyncio.sleep(0.01)
    assert sum(got.path == "/slow" for got in receiver.got) == 0, (
        "all quick ones arrived before the first slow one was answered"
    )
    await sender.stop()
    await task
    assert sum(got.path == "/slow" for got in receiver.got) == 4, "four at a time; what was under way has ended"
    assert Counter(one.delivery.state for one in await deliveries(database)) == {
        DeliveryState.DELIVERED: 16,
        DeliveryState.PENDING: 8,
    }


async def test_an_overloaded_endpoint_is_left_alone(
    database: Database, receiver: Receiver, office: Office, sender: WebhookSender
) -> None:
    receiver.statuses, receiver.headers = [429], "retry-after: 60\r\n"
    await office.endpoint(receiver.url())
    await happen(database, *(Rung(n=n) for n in range(10)))
    await sender.drain()
    assert len(receiver.got) == 4, "those that were under way"
    tried = [one for one in await deliveries(database) if one.attempts]
    assert all(
        one.delivery.next_at is not None and one.delivery.next_at - one.attempts[0].at >= timedelta(seconds=59) for one in tried
    )


async def test_two_workers_send_everything_once(
    database: Database, receiver: Receiver, office: Office, http: HttpClient, keyring: Keyring
) -> None:
    for n in range(3):
        await office.endpoint(receiver.url(f"/{n}"))
    await happen(database, *(Rung(n=n) for n in range(40)))
    await asyncio.gather(*(WebhookSender(database, http, keyring).drain() for _ in range(2)))
    assert Counter(got.path for got in receiver.got) == {"/0": 40, "/1": 40, "/2": 40}
    assert len({(got.path, got.message_id) for got in receiver.got}) == 120
    assert receiver.busiest <= 24


async def test_the_claims_of_a_worker_that_died_are_sent_by_another_after_a_minute(
    database: Database, receiver: Receiver, office: Office, sender: WebhookSender
) -> None:
    await office.endpoint(receiver.url())
    await happen(database, Rung(n=1))
    async with database.transaction() as tx:
        (claimed,) = await webhooks.claim(tx, limit=10, each=10, busy={})
        assert claimed.lease == tx.now + timedelta(seconds=60)
    await sender.drain()
    assert receiver.got == [], "it is another's for now"
    await make_due(database)
    await sender.drain()
    assert len(receiver.got) == 1
    async with database.transaction() as tx:  # the first one was not dead, only very slow
        assert await webhooks.record(tx, claimed, Result(status=500), at=tx.now, seconds=70, jitter=0) is None
    (one,) = await deliveries(database)
    assert (one.delivery.state, len(one.attempts)) == (DeliveryState.DELIVERED, 1)


async def test_a_rotated_secret_and_the_one_before_both_verify(
    database: Database, receiver: Receiver, office: Office, sender: WebhookSender, keyring: Keyring
) -> None:
    endpoint, old = await office.endpoint(receiver.url())
    async with database.transaction() as tx:
        new = await webhooks.rotate_secret(tx, keyring, endpoint.id)
    await happen(database, Rung(n=1))
    await sender.drain()
    assert receiver.got[0].verified(old) == receiver.got[0].verified(new)
    async with database.transaction() as tx:
        newest = await webhooks.rotate_secret(tx, keyring, endpoint.id, overlap=timedelta(0))
        with pytest.raises(Invalid):
            await webhooks.rotate_secret(tx, keyring, endpoint.id, overlap=timedelta(days=8))
    await happen(database, Rung(n=2))
    await sender.drain()
    receiver.got[1].verified(newest)
    for secret in (old, new):
        with pytest.raises(WebhookVerificationError):
            receiver.got[1].verified(secret)


async def test_secrets_are_encrypted_at_rest_and_move_to_a_new_key(
    database: Database, receiver: Receiver, office: Office, http: HttpClient, keyring: Keyring
) -> None:
    endpoint, secret = await office.endpoint(receiver.url())
    async with database.read() as reader:
        stored = await reader.value("SELECT secret FROM webhooks.endpoints")
    assert secret.encode() not in stored
    assert secret not in repr(endpoint)
    new = Keyring(b"n" * 32, previous=[b"k" * 32])
    async with database.transaction() as tx:
        assert await webhooks.seal_again(tx, new) == 1
        assert await webhooks.seal_again(tx, new) == 0
    await happen(database, Rung(n=1))
    await WebhookSender(database, http, Keyring(b"n" * 32)).drain()
    receiver.got[0].verified(secret)
    with pytest.raises(Undecipherable):
        async with database.transaction() as tx:
            await webhooks.rotate_secret(tx, keyring, endpoint.id)


async def test_without_the_key_a_delivery_fails_with_the_reason(
    database: Database, receiver: Receiver, office: Office, http: HttpClient
) -> None:
    await office.endpoint(receiver.url())
    await happen(database, Rung(n=1))
    await WebhookSender(database, http, Keyring(b"x" * 32)).drain()
    (one,) = await deliveries(database)
    assert "restore the key" in one.attempts[0].problem
    assert receiver.got == []


async def test_an_endpoint_is_changed_found_tested_and_deleted(
    database: Database, receiver: Receiver, office: Office, sender: WebhookSender
) -> None:
    endpoint, secret = await office.endpoint(receiver.url(), "order.*")
    async with database.transaction() as tx:
        changed = await webhooks.update_endpoint(
            tx, endpoint.id, replace(endpoint, description="Été"), version=1, allow_private=True
        )
        assert (changed.description, changed.version) == ("Été", 2)
        with pytest.raises(Stale) as stale:
            await webhooks.update_endpoint(tx, endpoint.id, endpoint, version=1, allow_private=True)
        assert stale.value.data["version"] == 2
        with pytest.raises(Invalid):
            await webhooks.update_endpoint(tx, endpoint.id, endpoint)
        delivery_id = await webhooks.send_test(tx, endpoint.id)
    await sender.drain()
    said = receiver.got[0].verified(secret)
    assert (said["type"], said["data"]) == ("webhook.tested", {"endpoint_id": to_text("whe", endpoint.id)})
    async with database.read() as reader:
        detail = await webhooks.get_delivery(reader, delivery_id)
        assert receiver.got[0].message_id == to_text("evt", detail.delivery.event_id)
        assert detail.payload.encode() == receiver.got[0].body
        assert (await webhooks.find_endpoints(reader, "ete")).items == [changed]
        assert (await webhooks.find_endpoints(reader, "'; --\x00")).items == []
        assert (await webhooks.find_endpoints(reader, active=False)).items == []
        assert (await webhooks.count_endpoints(reader)).rows == 1
    async with database.transaction() as tx:
        await webhooks.delete_endpoint(tx, endpoint.id)
    assert await deliveries(database) == []


async def test_the_log_of_deliveries_is_filtered_and_summed_up(
    database: Database, receiver: Receiver, office: Office, sender: WebhookSender
) -> None:
    receiver.statuses = [200, 410]
    endpoint, _ = await office.endpoint(receiver.url())
    await happen(database, Rung(n=1))
    await sender.drain()
    await happen(database, Cracked(n=2))
    await sender.drain()
    other, _ = await office.endpoint(receiver.url("/other"))
    await happen(database, Rung(n=3))
    for wanted, count in [
        (DeliveryFilter(), 3),
        (DeliveryFilter(endpoint_id=endpoint.id), 2),
        (DeliveryFilter(state=DeliveryState.FAILED), 1),
        (DeliveryFilter(type="bell.rung"), 2),
        (DeliveryFilter(type="bell.*"), 3),
        (DeliveryFilter(type="*"), 3),
        (DeliveryFilter(type="%"), 0),
        (DeliveryFilter(event_id=uuid7()), 0),
    ]:
        async with database.read() as reader:
            assert (await webhooks.count_deliveries(reader, wanted)).rows == count
    async with database.read() as reader:
        assert await webhooks.figures(reader) == {
            endpoint.id: EndpointFigures(endpoint_id=endpoint.id, pending=0, failed=1),
            other.id: EndpointFigures(endpoint_id=other.id, pending=1, failed=0),
        }
    async with database.transaction() as tx:
        assert await webhooks.purge(tx, tx.now - timedelta(days=1)) == 0
        assert await webhooks.purge(tx, tx.now + timedelta(days=1)) == 2
    assert [one.delivery.state for one in await deliveries(database)] == [DeliveryState.PENDING]


async def test_what_is_not_there_is_not_found(database: Database, keyring: Keyring) -> None:
    nowhere = EndpointId(uuid7())
    draft = EndpointDraft(url="https://shop.example/", types=("*",))
    for step in (
        lambda tx: webhooks.get_endpoint(tx, nowhere),
        lambda tx: webhooks.update_endpoint(tx, nowhere, draft),
        lambda tx: webhooks.set_active(tx, nowhere, active=True),
        lambda tx: webhooks.delete_endpoint(tx, nowhere),
        lambda tx: webhooks.rotate_secret(tx, keyring, nowhere),
        lambda tx: webhooks.send_test(tx, nowhere),
    ):
        with pytest.raises(UnknownEndpoint):
            async with database.transaction() as tx:
                await step(tx)
    for step in (
        lambda tx: webhooks.get_delivery(tx, DeliveryId(uuid7())),
        lambda tx: webhooks.replay(tx, DeliveryId(uuid7())),
    ):
        with pytest.raises(UnknownDelivery):
            async with database.transaction() as tx:
                await step(tx)
