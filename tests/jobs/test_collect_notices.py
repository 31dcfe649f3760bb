"""What buyers are told of what they collect: ready with its code and squares, reminded, given back."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator
from dataclasses import replace
from email.message import EmailMessage

import pytest_asyncio

from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import CollectionTerms, LockerDraft, LockerSize
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Interval, OpeningHours
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Medium, NoticeFilter, NoticeKind, Sender
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Context, Database
from comptoir.surfaces import collecting
from comptoir.surfaces.jobs.notices import NoticeSender
from comptoir.surfaces.lockers import LockerDesk
from comptoir.surfaces.notices.texts import Refuses, TextMessage
from support.counter import arrived, made_ready, paid, time_is_over
from support.depot import AGREED, BUYER, KEY, Depot, open_depot
from support.post import Post, plain_links

SHOP = Sender(channel="web", name="Étoffes", email="orders@example.com", phone="Etoffes")


class Phones:
    """Takes what goes to telephones."""

    def __init__(self) -> None:
        self.got: list[tuple[Medium, str]] = []

    async def send(self, message: TextMessage) -> None:
        self.got.append((message.medium, message.text))


@pytest_asyncio.fixture
async def depot(database: Database) -> AsyncGenerator[Depot]:
    async with open_depot(database, *notices.consumers(Keyring(KEY), plain_links)) as opened:
        await opened.shop.product("CUP", 700, stock={"store": 20})
        async with database.transaction() as tx:
            place = await locations.get(tx, opened.shop.locations["store"])
            hours = OpeningHours(tuple(((Interval(540, 1140),),) * 7))
            await locations.update(tx, place.id, replace(place, line1="17 rue de Rome", opening_hours=hours))
            await fulfilment.put_terms(tx, CollectionTerms(reminders=(2,)))
            await notices.put_sender(tx, SHOP)
        yield opened


@pytest_asyncio.fixture
async def post() -> AsyncGenerator[Post]:
    post = Post()
    await post.open()
    yield post
    await post.close()


async def told(depot: Depot, post: Post) -> list[EmailMessage]:
    """The letters that go out now."""
    await depot.settle()
    before = len(post.got)
    server = post.server(security="starttls", port=post.port)
    while await NoticeSender(depot.database, depot.keyring, server, Refuses()).send_some():
        pass
    return post.got[before:]


def plain(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return body.get_content()


async def test_the_letter_has_the_code_its_squares_the_place_the_hours_and_the_day(depot: Depot, post: Post) -> None:
    one = await made_ready(depot, {"CUP": 1}, payments=paid(700), buyer=BUYER)
    code = collecting.code_of(depot.keyring, one)
    letter = next(one for one in await told(depot, post) if code in plain(one))
    for words in ("17 rue de Rome", "09:00–19:00"):
        assert words in plain(letter), words
    pictures = [part for part in letter.walk() if part.get_content_type() == "image/png"]
    assert len(pictures) == 1
    assert pictures[0].get_content()[:8] == b"\x89PNG\r\n\x1a\n"
    assert pictures[0]["content-disposition"].startswith("inline")
    html = letter.get_body(("related", "html"))
    assert html is not None
    drawn = next(part for part in letter.walk() if part.get_content_type() == "text/html").get_content()
    assert f"cid:{pictures[0]['content-id'].strip('<>')}" in drawn


async def test_a_parcel_to_the_store_is_told_when_it_leaves_and_when_it_is_there(depot: Depot, post: Post) -> None:
    await arrived(depot, {"TEA": 1}, payments=paid(500), buyer=BUYER)
    await told(depot, post)
    async with depot.database.read() as reader:
        kinds = [one.kind for one in (await notices.find(reader, NoticeFilter(), sort="created")).items]
    assert kinds == [NoticeKind.CONFIRMED, NoticeKind.READY]


async def test_a_reminder_and_then_that_it_was_put_back(depot: Depot, post: Post) -> None:
    one = await made_ready(depot, {"CUP": 1}, payments=paid(700), buyer=BUYER)
    await told(depot, post)
    async with depot.database.transaction() as tx:
        await tx.run("UPDATE fulfilment.collections SET remind_at = now() - interval '1 minute'")
    async with depot.database.transaction() as tx:
        assert await fulfilment.remind(tx) == 1
    (letter,) = await told(depot, post)
    assert collecting.code_of(depot.keyring, one) in plain(letter)
    await time_is_over(depot.database)
    async with depot.database.transaction() as tx:
        assert await collecting.give_back_overdue(tx) == 1
    (letter,) = await told(depot, post)
    assert "7,00" in plain(letter)
    assert [part for part in letter.walk() if part.get_content_type() == "image/png"] == []


async def test_a_telephone_is_told_the_code_or_the_locker(depot: Depot, post: Post) -> None:
    async with depot.database.transaction() as tx:
        await notices.put_sender(tx, replace(SHOP, media=(Medium.SMS, Medium.WHATSAPP)))
        draft = LockerDraft(location_id=depot.shop.locations["store"], code="A1", size=LockerSize.S)
        await fulfilment.create_locker(tx, draft)
    one = await made_ready(depot, {"CUP": 1}, payments=paid(700), buyer=AGREED)
    await depot.settle()
    phones = Phones()
    async with depot.database.transaction() as tx:
        await tx.run("UPDATE notices.outbox SET zone = %(zone)s", {"zone": _waking_zone()})
        await tx.run("UPDATE notices.outbox SET next_at = now()")
    office = NoticeSender(depot.database, depot.keyring, None, phones)
    while await office.send_some():
        pass
    assert {medium for medium, _ in phones.got} == {Medium.SMS, Medium.WHATSAPP}
    assert all(collecting.code_of(depot.keyring, one) in text for _, text in phones.got)
    _, code, _ = await LockerDesk(depot.database, depot.keyring).put_in(Context(), one.id)
    await depot.settle()
    async with depot.database.transaction() as tx:
        await tx.run("UPDATE notices.outbox SET zone = %(zone)s, next_at = now()", {"zone": _waking_zone()})
    while await office.send_some():
        pass
    assert len(phones.got) == 4
    assert all(code in text and "A1" in text for _, text in phones.got[2:])


def _waking_zone() -> str:
    """Where it is about noon now: telephones are silent at night."""
    hour = dt.datetime.now(dt.UTC).hour
    ahead = (12 - hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/UTC"
