"""Webhooks out, as Standard Webhooks 1.0 has them: endpoints, the deliveries of events to them, and the log of every attempt.

A delivery is made in the consumer's transaction for every endpoint that listens to the event, and sent in three steps by
whoever runs `surfaces.jobs.webhooks`: `claim` (a transaction), the POST (none), `record` (a transaction). It arrives at least
once, under the same webhook-id each time. The order of events is not kept: a delivery that has to be repeated holds up no
other. Receivers go by the timestamp, or read the feed of events.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import Stale
from comptoir.kernel.ids import to_text, uuid7
from comptoir.modules.webhooks import domain, store
from comptoir.modules.webhooks.contracts import (
    ENDPOINT_PREFIX,
    EVENT_PREFIX,
    TEST_TYPE,
    Attempt,
    Claimed,
    Delivery,
    DeliveryDetail,
    DeliveryFilter,
    DeliveryId,
    DeliveryState,
    Endpoint,
    EndpointDisabled,
    EndpointDraft,
    EndpointFigures,
    EndpointId,
    Result,
)
from comptoir.modules.webhooks.domain import SEND_WITHIN, Outward, pause_for
from comptoir.modules.webhooks.errors import UnknownDelivery, UnknownEndpoint
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.events import Recorded
from comptoir.runtime.paging import Count, Page

__all__ = ["SEND_WITHIN", "pause_for"]

_PURPOSE = "webhook-secret"


# Endpoints


async def create_endpoint(
    tx: Tx, keyring: Keyring, draft: EndpointDraft, *, allow_private: bool = False
) -> tuple[Endpoint, str]:
    """An endpoint and its signing secret, which is shown this once. It gets what happens from now on. Raises Invalid."""
    clean = domain.checked(draft, allow_private=allow_private)
    secret = domain.new_secret()
    sealed = keyring.encrypt(domain.pack_secrets([domain.Secret(secret)]), _PURPOSE)
    return await store.insert_endpoint(tx, clean, sealed), secret


async def update_endpoint(
    tx: Tx, endpoint_id: EndpointId, draft: EndpointDraft, *, version: int | None = None, allow_private: bool = False
) -> Endpoint:
    """The endpoint as the draft has it, also for what is still to be delivered. Raises Invalid, UnknownEndpoint and Stale."""
    clean = domain.checked(draft, allow_private=allow_private)
    endpoint = await store.update_endpoint(tx, endpoint_id, clean, version)
    if endpoint is None:
        there = await get_endpoint(tx, endpoint_id)
        raise Stale(kind="endpoint", id=endpoint_id, version=there.version)
    return endpoint


async def set_active(tx: Tx, endpoint_id: EndpointId, *, active: bool) -> Endpoint:
    """Switches an endpoint on or off. What was pending stays so, and is sent when it is on again; what happens while it is
    off is not for it. Raises UnknownEndpoint.
    """
    endpoint = await store.set_active(tx, endpoint_id, active=active)
    if endpoint is None:
        raise UnknownEndpoint(kind="endpoint", id=endpoint_id)
    return endpoint


async def delete_endpoint(tx: Tx, endpoint_id: EndpointId) -> None:
    """Also its deliveries and their log. Raises UnknownEndpoint."""
    if not await store.delete_endpoint(tx, endpoint_id):
        raise UnknownEndpoint(kind="endpoint", id=endpoint_id)


async def rotate_secret(tx: Tx, keyring: Keyring, endpoint_id: EndpointId, *, overlap: timedelta = domain.OVERLAP) -> str:
    """A new signing secret, shown this once. The old one signs beside it until the overlap ends. Raises Invalid and
    UnknownEndpoint.
    """
    if not timedelta(0) <= overlap <= domain.MAX_OVERLAP:
        raise invalid("overlap", f"is at most {domain.MAX_OVERLAP.days} days")
    sealed = await store.lock_secret(tx, endpoint_id)
    if sealed is None:
        raise UnknownEndpoint(kind="endpoint", id=endpoint_id)
    ring = domain.unpack_secrets(keyring.decrypt(sealed, _PURPOSE))
    secret = domain.new_secret()
    ring = domain.rotated(ring, secret, tx.now, overlap)
    await store.set_secret(tx, endpoint_id, keyring.encrypt(domain.pack_secrets(ring), _PURPOSE))
    return secret


async def seal_again(tx: Tx, keyring: Keyring) -> int:
    """After a change of the secret key: encrypts with the new one what an older one had encrypted; gives how many."""
    old = [(key, sealed) for key, sealed in await store.secrets(tx) if not keyring.is_current(sealed)]
    for key, sealed in old:
        await store.set_secret(tx, key, keyring.encrypt(keyring.decrypt(sealed, _PURPOSE), _PURPOSE))
    return len(old)


async def get_endpoint(reader: Reader, endpoint_id: EndpointId) -> Endpoint:
    found = await store.get_endpoint(reader, endpoint_id)
    if found is None:
        raise UnknownEndpoint(kind="endpoint", id=endpoint_id)
    return found


async def find_endpoints(
    reader: Reader,
    search: str = "",
    *,
    active: bool | None = None,
    sort: str = "created",
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Endpoint]:
    """Sorts: created, url, and each with a `-` before it."""
    return await store.ENDPOINTS.page(
        reader, store.endpoints_where(search, active=active), sort=sort, limit=limit, cursor=cursor
    )


async def count_endpoints(reader: Reader, search: str = "", *, active: bool | None = None) -> Count:
    return await store.ENDPOINTS.count(reader, store.endpoints_where(search, active=active))


async def figures(reader: Reader) -> dict[EndpointId, EndpointFigures]:
    """Of the endpoints that have something pending or failed."""
    return {one.endpoint_id: one for one in await store.figures(reader)}


# Deliveries


async def fan_out(tx: Tx, events: Sequence[Recorded], outward: Outward) -> int:
    """Makes a delivery of each event for each active endpoint that listens to it; gives how many. Doing it again makes no
    more. The ids in it are `outward`: a receiver asks the API with them.
    """
    endpoints = await store.listening(tx)
    if not endpoints:
        return 0
    rows = [
        (endpoint, event.id, event.type, domain.payload(event, outward))
        for event in events
        for endpoint, types in endpoints
        if domain.wants(types, event.type)
    ]
    return await store.fan_out(tx, rows) if rows else 0


async def send_test(tx: Tx, endpoint_id: EndpointId) -> DeliveryId:
    """A delivery of type `webhook.tested`, to see whether it arrives. Raises UnknownEndpoint."""
    await get_endpoint(tx, endpoint_id)
    event_id = uuid7()
    body = {
        "type": TEST_TYPE,
        "timestamp": tx.now,
        "data": {"endpoint_id": to_text(ENDPOINT_PREFIX, endpoint_id)},
        "id": to_text(EVENT_PREFIX, event_id),
    }
    await store.fan_out(tx, [(endpoint_id, event_id, TEST_TYPE, msgspec.json.encode(body))])
    page = await find_deliveries(tx, DeliveryFilter(endpoint_id=endpoint_id, event_id=event_id), limit=1)
    return page.items[0].id


async def claim(tx: Tx, *, limit: int, each: int, busy: Mapping[EndpointId, int]) -> list[Claimed]:
    """Deliveries that are due, at most `limit` and at most `each` per endpoint, those that are `busy` counted in.

    They are ours for a minute. Other workers that claim at the same time get others.
    """
    return await store.claim(tx, limit, each, busy, tx.now + domain.LEASE)


def message(claimed: Claimed, keyring: Keyring, now: datetime) -> tuple[bytes, Mapping[str, str]]:
    """Body and headers of an attempt; raises Undecipherable."""
    ring = domain.unpack_secrets(keyring.decrypt(claimed.secret, _PURPOSE))
    message_id = to_text(EVENT_PREFIX, claimed.event_id)
    return claimed.payload.encode(), domain.headers(ring, message_id, claimed.payload, now)


async def record(
    tx: Tx, claimed: Claimed, result: Result, *, at: datetime, seconds: float, jitter: float
) -> domain.Verdict | None:
    """Writes an attempt down and decides what comes next; None when the lease was lost, and with it the say.

    410 Gone, and days without any success, switch the endpoint off.
    """
    decision = domain.decide(result, claimed.attempts + 1, tx.now, jitter)
    state = domain.DELIVERY_STEPS[DeliveryState.PENDING, decision.verdict]
    attempt = Attempt(
        n=0,
        at=at,
        status=result.status,
        problem=result.problem[: domain.MAX_RESPONSE],
        duration_ms=round(seconds * 1000),
        response=result.response[: domain.MAX_RESPONSE],
    )
    if not await store.record(tx, claimed, state, decision.next_at, attempt):
        return None
    if decision.verdict == "delivered":
        await store.went_well(tx, claimed.endpoint_id)
        return decision.verdict
    await store.went_wrong(tx, claimed.endpoint_id)
    if decision.verdict == "gone":
        reason, before = "it answered 410 Gone", None
    else:
        reason, before = f"it has failed for {domain.DISABLE_AFTER.days} days", tx.now - domain.DISABLE_AFTER
    url = await store.disable(tx, claimed.endpoint_id, reason, before)
    if url is not None:
        tx.emit(EndpointDisabled(endpoint_id=claimed.endpoint_id, url=url, reason=reason))
    return decision.verdict


async def get_delivery(reader: Reader, delivery_id: DeliveryId) -> DeliveryDetail:
    """With its payload and every attempt. Raises UnknownDelivery."""
    found = await store.get_delivery(reader, delivery_id)
    if found is None:
        raise UnknownDelivery(kind="delivery", id=delivery_id)
    return found


async def find_deliveries(
    reader: Reader, wanted: DeliveryFilter, *, sort: str = "-created", limit: int = 50, cursor: str | None = None
) -> Page[Delivery]:
    """Sorts: created and -created."""
    return await store.DELIVERIES.page(reader, store.deliveries_where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count_deliveries(reader: Reader, wanted: DeliveryFilter) -> Count:
    return await store.DELIVERIES.count(reader, store.deliveries_where(wanted))


def stream_deliveries(reader: Reader, wanted: DeliveryFilter, *, sort: str = "-created") -> AsyncIterator[Delivery]:
    return store.DELIVERIES.stream(reader, store.deliveries_where(wanted), sort=sort)


async def replay(tx: Tx, delivery_id: DeliveryId) -> None:
    """Sends it again now, with the whole schedule of retries before it; also one that has arrived. Raises UnknownDelivery."""
    if not await store.replay(tx, delivery_id):
        raise UnknownDelivery(kind="delivery", id=delivery_id)


async def replay_many(tx: Tx, wanted: DeliveryFilter) -> int:
    """`replay` for all that the filter finds: the failed ones of an outage, say; gives how many. Raises Invalid without an
    endpoint.
    """
    if wanted.endpoint_id is None:
        raise invalid("endpoint_id", "is needed: replaying is one endpoint's affair")
    return await store.replay_many(tx, store.deliveries_where(wanted))


async def purge(tx: Tx, older_than: datetime, *, limit: int = 5_000) -> int:
    """Forgets ended deliveries from before an instant, and their log, at most `limit`; gives how many."""
    return await store.purge(tx, older_than, limit)
