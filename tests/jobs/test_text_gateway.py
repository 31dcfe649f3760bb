"""Messages to telephones through a real gateway: signed, tried again, refused; and STOP, which comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from comptoir.kernel.errors import Invalid
from comptoir.kernel.time import utcnow
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import ConsentSource, House, Medium, NoticeFilter, NoticeState, Sender
from comptoir.modules.notices.contracts import Notice as Row
from comptoir.modules.notices.errors import NoGateway
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.surfaces.jobs.notices import NoticeSender
from comptoir.surfaces.notices.texts import GatewayProvider, Refuses
from support.depot import AGREED, BUYER, KEY, Depot, open_depot, scan
from support.post import plain_links
from support.receiver import Receiver

PHONE = Sender(channel="web", name="Étoffes & Cie", email="o@example.com", phone="ETOFFES", media=(Medium.SMS,))


@pytest_asyncio.fixture
async def depot(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database, *notices.consumers(Keyring(KEY), plain_links)) as opened:
        async with database.transaction() as tx:
            await notices.put_sender(tx, PHONE)
            await notices.put_quiet_hours(tx, 0, 0)
        yield opened


@pytest_asyncio.fixture
async def gateway() -> AsyncGenerator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    yield receiver
    server.close()


def office(depot: Depot) -> NoticeSender:
    provider = GatewayProvider(depot.database, depot.keyring, depot.http, Refuses())
    return NoticeSender(depot.database, depot.keyring, None, provider)


async def attached(depot: Depot, gateway: Receiver) -> str:
    async with depot.database.transaction() as tx:
        secret = await notices.put_gateway(tx, depot.keyring, gateway.url(), allow_private=True)
    assert secret is not None
    return secret


async def out_today(depot: Depot, number: str) -> OrderId:
    order_id = await depot.shipped(number, buyer=AGREED)
    await depot.say(number, scan("out_for_delivery"))
    await depot.settle()
    return order_id


async def rows(depot: Depot, order_id: OrderId) -> list[Row]:
    async with depot.database.read() as reader:
        return list((await notices.find(reader, NoticeFilter(order_id=order_id))).items)


async def test_the_gateway_gets_what_is_to_go_and_can_check_that_we_sent_it(depot: Depot, gateway: Receiver) -> None:
    secret = await attached(depot, gateway)
    order_id = await out_today(depot, "G1")
    await office(depot).send_some()
    (row,) = await rows(depot, order_id)
    assert (row.state, row.medium) == (NoticeState.SENT, Medium.SMS)
    (got,) = gateway.got
    said = got.verified(secret)
    assert said["type"] == "message.send"
    assert said["id"] == got.message_id
    data = said["data"]
    assert isinstance(data, dict)
    assert (data["medium"], data["from"], data["to"], data["kind"]) == ("sms", "ETOFFES", "+33612345678", "out_for_delivery")
    assert "https://shop.example.com/track/" in data["text"]
    async with depot.database.read() as reader:
        assert secret.encode() not in bytes(await reader.value("SELECT gateway_secret FROM notices.house"))


@pytest.mark.parametrize(("status", "state"), [(429, "pending"), (503, "pending"), (400, "failed"), (302, "failed")])
async def test_what_is_for_now_is_tried_again_and_what_is_refused_is_shown(
    depot: Depot, gateway: Receiver, status: int, state: str
) -> None:
    await attached(depot, gateway)
    gateway.statuses = [status, 200]
    order_id = await out_today(depot, "G2")
    await office(depot).send_some()
    (row,) = await rows(depot, order_id)
    assert (row.state.value, str(status) in row.problem) == (state, True)
    assert "+336" not in row.problem
    if state == "pending":
        async with depot.database.transaction() as tx:
            await tx.run("UPDATE notices.outbox SET next_at = now()")
        await office(depot).send_some()
        assert (await rows(depot, order_id))[0].state is NoticeState.SENT
        assert gateway.got[0].message_id == gateway.got[1].message_id


async def test_an_address_that_anybody_may_read_on_the_way_is_refused(depot: Depot) -> None:
    for url in ("http://example.com/x", "https://a:b@example.com/x", "ftp://example.com", "https://example.com/#x", ""):
        with pytest.raises(Invalid):
            async with depot.database.transaction() as tx:
                await notices.put_gateway(tx, depot.keyring, url)
    async with depot.database.read() as reader:
        assert (await notices.house(reader)).gateway is None


async def test_who_has_not_asked_for_it_gets_no_message_on_a_telephone(depot: Depot, gateway: Receiver) -> None:
    await attached(depot, gateway)
    order_id = await depot.shipped("G3", buyer=BUYER)
    await depot.say("G3", scan("out_for_delivery"))
    await depot.settle()
    assert await rows(depot, order_id) == []


async def test_what_was_asked_for_with_an_order_is_kept_once_with_its_source(depot: Depot) -> None:
    order_id = await depot.order(buyer=AGREED)
    await depot.settle()
    async with depot.database.read() as reader:
        kept = await notices.history(reader, "+33 6 12 34 56 78")
    assert {(one.medium, one.allowed, one.source, one.order_id) for one in kept} == {
        (Medium.SMS, True, ConsentSource.ORDER, order_id),
        (Medium.WHATSAPP, True, ConsentSource.ORDER, order_id),
    }


def signed(secret: str, said: object, at: datetime | None = None) -> tuple[dict[str, str], bytes]:
    body = json.dumps(said)
    now = at or utcnow()
    stamp = str(int(now.timestamp()))
    sign = Webhook(secret).sign("msg_1", now, body)
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": sign}, body.encode()


async def test_stop_is_obeyed_even_by_what_waits_already(depot: Depot, gateway: Receiver) -> None:
    await attached(depot, gateway)
    order_id = await out_today(depot, "G4")
    async with depot.database.transaction() as tx:
        await notices.say(tx, "+33612345678", [Medium.SMS], ConsentSource.MESSAGE, allowed=False)
    await office(depot).send_some()
    (row,) = await rows(depot, order_id)
    assert (row.state, gateway.got) == (NoticeState.FAILED, [])
    assert "no such messages" in row.problem
    again = await depot.shipped("G5", buyer=BUYER)
    await depot.say("G5", scan("out_for_delivery"))
    await depot.settle()
    assert await rows(depot, again) == []


async def test_only_the_gateway_is_believed(depot: Depot, gateway: Receiver) -> None:
    said = {"type": "message.received", "data": {"from": "+33612345678", "text": "Stop.", "medium": "sms"}}
    async with depot.database.read() as reader:
        with pytest.raises(NoGateway):
            await notices.from_gateway(reader, depot.keyring, *signed("whsec_c2VjcmV0LXRoYXQtaXMtbm90LW91cnM=", said))
    secret = await attached(depot, gateway)
    async with depot.database.read() as reader:
        assert await notices.from_gateway(reader, depot.keyring, *signed(secret, said)) == said
        for headers, body in (
            signed(secret, said, utcnow() - timedelta(hours=1)),
            signed("whsec_c2VjcmV0LXRoYXQtaXMtbm90LW91cnM=", said),
            ({}, b"{}"),
        ):
            with pytest.raises(NoGateway):
                await notices.from_gateway(reader, depot.keyring, headers, body)


@pytest.mark.parametrize(
    ("text", "answer"),
    [("STOP", False), (" stop. ", False), ("Arrêt", False), ("START", True), ("Stop the press", None), ("", None)],
)
def test_only_a_plain_stop_is_one(text: str, answer: bool | None) -> None:
    assert notices.answer_of(text) is answer


@pytest.mark.parametrize(
    ("begins", "ends", "hour", "quiet"),
    [(21, 8, 22, True), (21, 8, 9, False), (12, 14, 13, True), (12, 14, 15, False), (0, 0, 3, False)],
)
def test_quiet_hours_are_as_the_house_sets_them(begins: int, ends: int, hour: int, quiet: bool) -> None:
    now = utcnow().replace(hour=hour, minute=30)
    house = House(quiet_from=begins * 60, quiet_until=ends * 60)
    until = notices.quiet_until(Medium.SMS, now, "UTC", house)
    assert (until > now) is quiet
    assert not quiet or (until.hour, until.minute) == (ends, 0)
