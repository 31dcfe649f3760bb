"""Letters through a real mail server, with TLS, passwords and every way of saying no."""

from __future__ import annotations

import io
import logging
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import pytest_asyncio
import structlog

from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Brand, Logo, Medium, NoticeFilter, NoticeState, Sender
from comptoir.modules.notices.contracts import Notice as Row
from comptoir.runtime import log
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.runtime.mail import MailNotAuthorised, MailServer, MailUnavailable, send
from comptoir.runtime.settings import Settings
from comptoir.surfaces.jobs.notices import NoticeSender, server_of
from comptoir.surfaces.notices.texts import LogProvider, Refuses, provider
from support.depot import AGREED, KEY, Depot, open_depot, scan
from support.post import PASSWORD, Post, plain_links

SHOP = Sender(channel="web", name="Étoffes & Cie", email="orders@example.com", reply_to="help@example.com")


@pytest_asyncio.fixture
async def depot(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database, *notices.consumers(Keyring(KEY), plain_links)) as opened:
        async with database.transaction() as tx:
            await notices.put_sender(tx, SHOP)
        yield opened


@pytest_asyncio.fixture
async def post() -> AsyncGenerator[Post]:
    post = Post()
    await post.open()
    yield post
    await post.close()


def office(depot: Depot, server: MailServer | None, texts: Any = None) -> NoticeSender:
    return NoticeSender(depot.database, depot.keyring, server, texts or Refuses())


async def rows(depot: Depot) -> list[Row]:
    async with depot.database.read() as reader:
        return list((await notices.find(reader, NoticeFilter(), sort="created")).items)


async def ordered(depot: Depot) -> None:
    await depot.order()
    await depot.settle()


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_letter_goes_out_once_over_tls_in_both_forms(depot: Depot, post: Post, security: str) -> None:
    await ordered(depot)
    sender = office(depot, post.server(security=security, port=post.port if security == "starttls" else post.tls_port))
    assert await sender.send_some() == 1
    assert await sender.send_some() == 0
    (row,) = await rows(depot)
    assert row.problem == ""
    (letter,) = post.got
    assert (row.state, row.attempts, row.locale) == (NoticeState.SENT, 1, "fr")
    assert letter["from"].addresses[0].display_name == "Étoffes & Cie"
    assert letter["to"] == "camille@example.com"
    assert letter["reply-to"] == "help@example.com"
    assert letter["message-id"].startswith("<ntc_")
    assert letter["auto-submitted"] == "auto-generated"
    plain, drawn = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert drawn is not None
    html = drawn.get_content()
    assert "https://shop.example.com/track/" in plain.get_content()
    assert "https://shop.example.com/track/" in html
    assert "fonts.googleapis" not in html
    assert "<img" not in html
    async with depot.database.read() as reader:
        assert await reader.value("SELECT sealed FROM notices.outbox") is None


async def test_a_letter_looks_like_the_shop_and_says_where_messages_are_stopped(depot: Depot, post: Post) -> None:
    logo = Logo(b"\x89PNG\r\n\x1a\n", "png", 320, 80)
    async with depot.database.transaction() as tx:
        await notices.put_brand(tx, "", Brand(name="La Maison", colour="#8a1538", email="aide@example.com", logo=logo))
        await notices.put_brand(tx, "web", Brand(phone="+33 1 23 45 67 89"))
    await ordered(depot)
    await office(depot, post.server()).send_some()
    (letter,) = post.got
    plain, drawn = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert drawn is not None
    html, text = drawn.get_content(), plain.get_content()
    for expected in ("#8a1538", "cid:logo@example.com", "aide@example.com", "+33 1 23 45 67 89", "/messages/"):
        assert expected in html, expected
    assert 'width="160"' in html
    for expected in ("La Maison", "aide@example.com", "https://shop.example.com/messages/"):
        assert expected in text, expected
    (picture,) = [part for part in letter.walk() if part.get_content_type() == "image/png"]
    assert picture["content-id"] == "<logo@example.com>"


async def test_the_letter_of_a_failed_delivery_leads_to_the_answer(depot: Depot, post: Post) -> None:
    order_id = await depot.shipped("M1")
    await depot.say("M1", scan("delivery_failed", detail="address_correction"))
    await depot.settle()
    while await office(depot, post.server()).send_some():
        pass
    letter = next(one for one in post.got if (body := one.get_body(("plain",))) and "/answer/" in body.get_content())
    drawn = letter.get_body(("html",))
    assert drawn is not None
    assert f"/answer/{(await depot.parcel(order_id)).id}?a=1&amp;b=2" in drawn.get_content()


@pytest.mark.parametrize(
    ("refuse", "state"),
    [
        ({"RCPT": "550 5.1.1 no such user camille@example.com"}, NoticeState.FAILED),
        ({"RCPT": "450 4.2.1 try again, camille@example.com"}, NoticeState.PENDING),
        ({"DATA": "554 5.7.1 we do not like it"}, NoticeState.FAILED),
        ({"DATA": "451 4.3.0 disk full"}, NoticeState.PENDING),
        ({"MAIL": "550 5.7.1 not you"}, NoticeState.PENDING),
        ({"MAIL": "421 4.3.2 closing"}, NoticeState.PENDING),
    ],
)
async def test_what_is_for_now_is_tried_again_and_what_is_for_ever_is_seen(
    depot: Depot, post: Post, refuse: dict[str, str], state: NoticeState
) -> None:
    post.refuse = refuse
    await ordered(depot)
    await office(depot, post.server()).send_some()
    (row,) = await rows(depot)
    assert row.state is state
    assert row.problem
    assert "camille" not in row.problem
    assert post.got == []
    if state is NoticeState.PENDING:
        post.refuse = {}
        async with depot.database.transaction() as tx:
            await tx.run("UPDATE notices.outbox SET next_at = now()")
        await office(depot, post.server()).send_some()
        assert (await rows(depot))[0].state is NoticeState.SENT


async def test_a_wrong_password_waits_for_the_retailer(depot: Depot, post: Post) -> None:
    await ordered(depot)
    await office(depot, post.server(password="wrong")).send_some()
    (row,) = await rows(depot)
    assert (row.state, "password" in row.problem) == (NoticeState.PENDING, True)


async def test_a_server_that_says_nothing_is_not_waited_for(depot: Depot, post: Post) -> None:
    post.silent = True
    await ordered(depot)
    await office(depot, post.server(seconds=0.3)).send_some()
    assert (await rows(depot))[0].state is NoticeState.PENDING


async def test_a_certificate_that_nobody_trusts_gets_no_password(post: Post) -> None:
    from email.message import EmailMessage  # noqa: PLC0415

    message = EmailMessage()
    message["From"], message["To"] = "a@example.com", "b@example.com"
    with pytest.raises(MailNotAuthorised):
        await send(post.server(trust=None), message)
    with pytest.raises(MailUnavailable):
        await send(post.server(port=1), message)
    assert post.got == []


async def test_nothing_is_sent_where_nothing_is_set_up_and_everybody_can_see_it(depot: Depot) -> None:
    await ordered(depot)
    await office(depot, None).send_some()
    (row,) = await rows(depot)
    assert row.state is NoticeState.PENDING
    assert "COMPTOIR_SMTP_HOST" in row.problem


async def test_a_message_to_a_telephone_needs_a_provider(depot: Depot, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comptoir.surfaces.jobs.notices.notices.quiet_until", lambda _medium, now, _zone, *_: now)
    async with depot.database.transaction() as tx:
        await notices.put_sender(tx, Sender(channel="web", name="Shop", email="o@example.com", phone="S", media=(Medium.SMS,)))
    await depot.shipped("M2", buyer=AGREED)
    await depot.say("M2", scan("out_for_delivery"))
    await depot.settle()
    async with depot.database.transaction() as tx:
        await tx.run("UPDATE notices.outbox SET next_at = now()")
    await office(depot, post.server()).send_some()
    (row,) = await rows(depot)
    assert (row.medium, row.state) == (Medium.SMS, NoticeState.PENDING)
    assert "COMPTOIR_TEXTS" in row.problem
    async with depot.database.transaction() as tx:
        await tx.run("UPDATE notices.outbox SET next_at = now()")
    await office(depot, post.server(), LogProvider()).send_some()
    assert (await rows(depot))[0].state is NoticeState.SENT


async def test_no_address_and_no_password_is_ever_logged(depot: Depot, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    text = io.StringIO()
    log.setup(level="debug", stream=text)
    monkeypatch.setattr(logging.getLogger("mail.log"), "disabled", True)  # the far side's own
    try:
        post.refuse = {"RCPT": "450 4.2.1 try again, camille@example.com"}
        await ordered(depot)
        await office(depot, post.server()).send_some()
    finally:
        logging.captureWarnings(capture=False)
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.configure(**before)
    said = text.getvalue()
    assert "notice" in said
    assert "camille@example.com" not in said
    assert PASSWORD not in said


def test_settings_make_the_server_and_the_provider() -> None:
    assert server_of(Settings.load({})) is None
    assert isinstance(provider(Settings.load({})), Refuses)
    env = {"COMPTOIR_SMTP_HOST": "mail.example.com", "COMPTOIR_SMTP_SECURITY": "tls", "COMPTOIR_SMTP_PORT": "465"}
    loaded = Settings.load(env | {"COMPTOIR_SMTP_PASSWORD": "hush-hush", "COMPTOIR_TEXTS": "log"})
    assert server_of(loaded) == MailServer("mail.example.com", 465, "tls", None, "hush-hush")
    assert "hush-hush" not in repr(loaded)
    assert isinstance(provider(loaded), LogProvider)
