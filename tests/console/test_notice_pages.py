"""Messages to buyers on screen: what was sent, sending again, and in whose name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from comptoir.kernel.time import utcnow
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Content, Letter, NoticeFilter, NoticeState, Outcome, Result
from comptoir.surfaces.console.pages import notices_senders
from comptoir.surfaces.services import Services
from support.back_office import HOSTILE, as_role, audited, looked_at, said, signed_in, statuses
from support.browser import browser
from support.console import Shop, Staff, application, counted_statements, visiting
from support.post import Post

__all__ = ["browser"]

SENDER: dict[str, Any] = {"name": "Étoffes & Cie", "email": "shop@example.com", "media": ["email"], "active": "yes"}
EDIT = "/settings/senders/web/edit"


async def written(parts: Services, shop: Shop, *, failed: bool) -> None:
    """A message about an order, sent or not."""
    row: dict[str, object] = {
        "order_id": shop.orders["fresh"], "channel": "web", "kind": "shipped", "medium": "email", "about": f"one-{failed}",
        "locale": "en", "zone": "UTC", "next_at": utcnow(),
        "sealed": notices.sealed(parts.keyring, Letter("amelie@example.org", Content(number=1))),
    }  # fmt: skip
    async with parts.database.transaction() as tx:
        from comptoir.modules.notices import store  # noqa: PLC0415 - as its subscribers do

        await store.insert(tx, [row])
        (claimed,) = await notices.claim(tx, 5)
        outcome = Result(Outcome.NEVER, "the mail server refuses the recipient (550)") if failed else Result(Outcome.SENT)
        await notices.settle(tx, claimed, outcome, jitter=0)


async def test_before_anybody_was_told_the_page_says_how_to_begin(owner: Staff) -> None:
    page = (await owner.get("/notices")).text
    assert "Nobody was told anything yet" in page
    assert 'href="/settings/senders"' in page


async def test_what_was_sent_and_what_was_not_stands_with_its_problem(owner: Staff, parts: Services, shop: Shop) -> None:
    await written(parts, shop, failed=True)
    await written(parts, shop, failed=False)
    page = said((await owner.get("/notices")).text)
    for words in ("it has left", "refuses the recipient (550)", "Send again", "Sent"):
        assert words in page, words
    assert "amelie@example.org" not in page
    number = shop.numbers["fresh"]
    for found in (f"q={number}", "kind=shipped", "medium=email", "channel=web", "state=failed"):
        assert "it has left" in said((await owner.get(f"/notices?{found}", **{"hx-request": "true"})).text), found
    for missed in ("q=99999999", "q=nonsense", "kind=ready", "medium=sms", "channel=app", "state=pending"):
        assert "No message fits" in (await owner.get(f"/notices?{missed}", **{"hx-request": "true"})).text, missed
    file = (await owner.get("/notices?format=csv")).text
    assert file.count("\r\n") == 3
    assert "amelie" not in file
    with counted_statements() as sent:
        await owner.get("/notices")
    assert len(sent) <= 12, sent


async def test_what_failed_is_sent_again(owner: Staff, parts: Services, shop: Shop) -> None:
    await written(parts, shop, failed=True)
    async with parts.database.read() as reader:
        (notice,) = (await notices.find(reader, NoticeFilter())).items
    page = (await owner.get("/notices")).text
    one = page.split('name="one" value="')[1].partition('"')[0]
    await owner.submit("/notices", "/notices", {"one": one})
    async with parts.database.read() as reader:
        (again,) = (await notices.find(reader, NoticeFilter())).items
    assert (again.id, again.state, again.attempts) == (notice.id, NoticeState.PENDING, 0)
    assert (await audited(parts))[0].action == "notice.retried"
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE notices.outbox SET state = 'failed', sealed = NULL")
    await owner.submit("/notices", "/notices", {"id": [one]})
    assert "its address is forgotten" in said((await owner.get("/notices")).text)


async def test_a_channel_says_in_whose_name_it_writes(owner: Staff, parts: Services) -> None:
    page = (await owner.get("/settings/senders")).text
    assert "Writes to nobody" in page
    assert "No mail server is set up" in page
    refused = await owner.submit(EDIT, EDIT, {"name": HOSTILE, "media": ["email", "sms"], "email": "nobody"})
    assert refused.status_code == 422
    assert "&lt;script&gt;" in refused.text
    assert 'id="email-error"' in refused.text
    assert 'id="phone-error"' in refused.text
    assert 'value="sms" checked' in refused.text
    assert (await owner.submit(EDIT, EDIT, SENDER)).status_code == 303
    async with parts.database.read() as reader:
        sender = (await notices.senders(reader))["web"]
    assert (sender.name, sender.email, sender.active) == ("Étoffes & Cie", "shop@example.com", True)
    page = (await owner.get("/settings/senders/web?kind=delayed&language=fr")).text
    assert "Camille Roux" in page
    assert "1042" in page
    assert (await owner.get("/settings/senders/nowhere")).status_code == 404
    assert (await audited(parts))[0].action == "notice_sender.set"


@pytest_asyncio.fixture(loop_scope="session")
async def post() -> AsyncIterator[Post]:
    server = Post()
    await server.open()
    yield server
    await server.close()


async def test_a_letter_is_sent_to_try_it(parts: Services, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = replace(parts, settings=replace(parts.settings, smtp_host="localhost"))
    monkeypatch.setattr(notices_senders, "server_of", lambda _: post.server())
    test = "/settings/senders/web/test"
    async with visiting(application(ready)) as owner:
        await owner.sign_in()
        await owner.submit(EDIT, EDIT, SENDER)
        here = "/settings/senders/web?kind=delivered&language=fr"
        await owner.submit(here, test, {"to": "dana@example.com"})
        (letter,) = post.got
        assert letter["To"] == "dana@example.com"
        assert "1042" in str(letter["Subject"])
        assert "A letter is on its way to dana@example.com" in said((await owner.get(here)).text)
        post.refuse = {"RCPT": "550 5.1.1 no such user"}
        await owner.submit(here, test, {"to": "nobody@example.com"})
        assert "The letter did not go out" in said((await owner.get(here)).text)
        await owner.submit(here, test, {"to": "none"})
        assert "Type an e-mail address" in said((await owner.get(here)).text)
    assert [entry.data["works"] for entry in (await audited(parts))[:2]] == [False, True]


async def test_only_those_who_may_change_senders(owner: Staff) -> None:
    support = await as_role(owner, "support")
    assert await statuses(support, ["/notices", "/settings/senders", "/settings/senders/web", EDIT]) == {
        "/notices": 200, "/settings/senders": 200, "/settings/senders/web": 200, EDIT: 403,
    }  # fmt: skip


async def test_the_pages_of_messages_are_accessible_and_fit_a_phone(browser: Browser, parts: Services, shop: Shop) -> None:
    await written(parts, shop, failed=True)
    async with visiting(application(parts)) as owner:
        await owner.sign_in()
        await owner.submit(EDIT, EDIT, SENDER)
    async with signed_in(browser, parts) as page:
        await looked_at(page, "en", ["/notices", "/settings/senders", "/settings/senders/web", EDIT])
