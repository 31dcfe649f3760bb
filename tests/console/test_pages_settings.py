from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, expect

from comptoir.kernel.ids import to_text, uuid7
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Role, TokenFilter, User
from comptoir.modules.webhooks import api as webhooks
from comptoir.modules.webhooks.contracts import EVENT_PREFIX, DeliveryFilter, DeliveryState
from comptoir.surfaces.services import Services
from support.back_office import FRAGMENT, HOSTILE, as_role, audited, looked_at, rows, said, signed_in, statuses
from support.browser import browser
from support.console import Staff, counted_statements, fields_of

__all__ = ["browser"]

NOE = {"name": "Noé Laurent", "email": "noe@example.com", "role": "buyer", "locale": "fr", "time_zone": "Europe/Paris"}
PLACES = [
    "/settings/users", "/settings/tokens", "/settings/webhooks", "/settings/audit", "/settings/system", "/locations", "/pools",
]  # fmt: skip


def secret_in(html: str) -> str:
    found = re.search(r'id="secret" value="([^"]+)"', html)
    assert found is not None, "no secret is shown"
    return found[1]


async def user(parts: Services, email: str) -> User:
    async with parts.database.read() as reader:
        return await staff.user_by_email(reader, email)


async def created(owner: Staff, page: str, values: dict[str, object]) -> str:
    """Sends a form that creates something; gives where it leads."""
    answer = await owner.submit(page, page, values)
    assert answer.status_code == 303, said(answer.text)
    return answer.headers["location"]


# Users


async def test_a_user_is_created_with_a_password_that_is_shown_once_and_works(owner: Staff, parts: Services) -> None:
    leads = await created(owner, "/settings/users/new", dict(NOE))
    shown = (await owner.get(leads)).text
    password = secret_in(shown)
    assert password not in (await owner.get("/settings/users")).text
    made = await user(parts, "noe@example.com")
    assert (made.role, made.locale) == (Role.BUYER, "fr")
    assert password not in str([entry.data for entry in await audited(parts)])
    await owner.send("/sign-out", {})
    owner.client.cookies.clear()
    assert (await owner.sign_in("noe@example.com", password)).status_code == 303
    assert (await owner.get(leads)).status_code == 403


async def test_what_is_shown_once_is_for_this_session(owner: Staff) -> None:
    leads = await created(owner, "/settings/users/new", dict(NOE))
    visitor = await as_role(owner, "owner")
    assert 'id="secret"' not in (await visitor.get(leads)).text
    assert (await visitor.get("/settings/users?shown=nonsense")).status_code == 200


async def test_a_double_click_creates_one_user_and_shows_one_password(owner: Staff, parts: Services) -> None:
    form = fields_of((await owner.get("/settings/users/new")).text, "/settings/users/new") | NOE
    answers = await asyncio.gather(*(owner.send("/settings/users/new", form) for _ in range(2)))
    assert [answer.status_code for answer in answers] == [303, 303]
    first, second = [secret_in((await owner.get(answer.headers["location"])).text) for answer in answers]
    assert first == second


async def test_users_that_cannot_be_are_refused_by_their_field(owner: Staff) -> None:
    for values, words in (
        ({"email": "no address"}, "This is no e-mail address."),
        ({"email": "owner@example.com"}, "Another user has this e-mail address."),
        ({"name": ""}, "Fill this in."),
        ({"role": "king"}, "Choose one."),
    ):
        answer = await owner.submit("/settings/users/new", "/settings/users/new", NOE | values)
        assert answer.status_code == 422, values
        assert words in answer.text, values
        assert values.get("name", 'value="Noé Laurent"') in answer.text


async def test_a_user_is_changed_shut_out_and_let_in(owner: Staff, parts: Services) -> None:
    await created(owner, "/settings/users/new", dict(NOE))
    made = await user(parts, "noe@example.com")
    here = f"/settings/users/{to_text('user', made.id)}"
    await created_at(owner, f"{here}/edit", NOE | {"name": HOSTILE, "role": "support"})
    assert (await user(parts, "noe@example.com")).role is Role.SUPPORT
    assert "<script>alert" not in (await owner.get("/settings/users")).text
    assert "<script>alert" not in (await owner.get(f"{here}/deactivate")).text
    await created_at(owner, f"{here}/deactivate", {})
    assert not (await user(parts, "noe@example.com")).active
    await created_at(owner, f"{here}/activate", {})
    assert (await user(parts, "noe@example.com")).active
    answer = await owner.submit(f"{here}/password", f"{here}/password", {})
    assert secret_in((await owner.get(answer.headers["location"])).text)


async def created_at(owner: Staff, page: str, values: dict[str, str]) -> None:
    answer = await owner.submit(page, page, values)
    assert answer.status_code == 303, said(answer.text)


async def test_nobody_shuts_themselves_or_the_last_owner_out(owner: Staff, parts: Services) -> None:
    me = await user(parts, "owner@example.com")
    here = f"/settings/users/{to_text('user', me.id)}"
    refused = await owner.submit(f"{here}/deactivate", f"{here}/deactivate", {})
    assert refused.status_code == 422
    assert "This is you" in refused.text
    values = {"name": "Dana Owner", "email": "owner@example.com", "role": "store", "locale": "en", "time_zone": "UTC"}
    demoted = await owner.submit(f"{here}/edit", f"{here}/edit", values)
    assert demoted.status_code == 422
    assert "This is the last active owner" in demoted.text
    assert (await user(parts, "owner@example.com")).role is Role.OWNER


async def test_users_are_searched_filtered_and_exported(owner: Staff) -> None:
    assert await rows(owner, "/settings/users?q=buyer") == ["Dana Buyer"]
    assert await rows(owner, "/settings/users?role=analyst") == ["Dana Analyst"]
    assert len(await rows(owner, "/settings/users?active=yes")) == 6
    assert (await rows(owner, "/settings/users?sort=-name"))[0] == "Dana Support"
    answer = await owner.get("/settings/users?format=csv")
    assert answer.content.decode("utf-8-sig").startswith("Name,E-mail,Role")


# Tokens


async def test_a_token_is_created_works_and_is_revoked(owner: Staff, parts: Services) -> None:
    values: dict[str, object] = {"name": "Web shop", "scope": ["orders:read", "stock:read"], "life": "30"}
    secret = secret_in((await owner.get(await created(owner, "/settings/tokens/new", values))).text)
    async with parts.database.read() as reader:
        principal = await staff.authenticate(reader, secret)
        (token,) = (await staff.find_tokens(reader, TokenFilter())).items
    assert principal.name == "Web shop"
    assert token.expires_at is not None
    assert "read orders · read stock" in said((await owner.get("/settings/tokens")).text)
    here = f"/settings/tokens/{to_text('tok', token.id)}/revoke"
    await created_at(owner, here, {})
    assert await rows(owner, "/settings/tokens?revoked=yes") == ["Web shop"]
    async with parts.database.read() as reader:
        with pytest.raises(Exception, match="valid token"):
            await staff.authenticate(reader, secret)


async def test_a_token_says_what_it_may_and_may_no_more_than_its_maker(owner: Staff) -> None:
    nothing = await owner.submit("/settings/tokens/new", "/settings/tokens/new", {"name": "Empty", "life": "30"})
    assert nothing.status_code == 422
    assert "Choose what it may do." in nothing.text
    assert 'value="Empty"' in nothing.text
    visitor = await as_role(owner, "operations")
    assert "staff:write" not in (await visitor.get("/settings/tokens/new")).text
    beyond = await visitor.submit(
        "/settings/tokens/new", "/settings/tokens/new", {"name": "Sly", "scope": "staff:write", "life": "30"}
    )
    assert beyond.status_code == 422
    assert "A token cannot do more than the person who makes it." in beyond.text


# Webhooks


HOOK: dict[str, object] = {
    "url": "https://example.com/hook",
    "type": ["order.*"],
    "description": "The ERP",
    "others": "stock.short",
}


async def test_a_webhook_is_created_tested_switched_rotated_and_deleted(owner: Staff, parts: Services) -> None:
    leads = await created(owner, "/settings/webhooks/new", HOOK)
    here = leads.partition("?")[0]
    first = secret_in((await owner.get(leads)).text)
    assert first.startswith("whsec_")
    assert "order.*" in (await owner.get(here)).text
    tested = await owner.submit(here, f"{here}/test", {})
    words = said((await owner.get(tested.headers["location"])).text)
    assert "webhook.tested" in words
    assert "It has not been tried yet." in words
    rotated = await owner.submit(here, f"{here}/rotate", {})
    assert secret_in((await owner.get(rotated.headers["location"])).text) != first
    assert (await owner.submit(here, f"{here}/off", {})).status_code == 303
    assert await rows(owner, "/settings/webhooks?active=no") == ["https://example.com/hook"]
    assert (await owner.submit(here, f"{here}/on", {})).status_code == 303
    assert (await owner.submit(here, f"{here}/delete", {})).status_code == 303
    assert (await owner.get(here)).status_code == 404
    actions = [entry.action for entry in await audited(parts)]
    assert actions[:6] == [f"webhook.{what}" for what in ("delete", "on", "off", "rotate", "test", "created")]
    assert first not in str([entry.data for entry in await audited(parts)])


async def test_what_failed_is_sent_again(owner: Staff, parts: Services) -> None:
    here = (await created(owner, "/settings/webhooks/new", HOOK)).partition("?")[0]
    delivery = (await owner.submit(here, f"{here}/test", {})).headers["location"]
    async with parts.database.transaction() as tx:
        await tx.run("UPDATE webhooks.deliveries SET state = 'failed'")
    assert "Send the failed again" in (await owner.get(here)).text
    assert (await owner.submit(here, f"{here}/replay", {})).status_code == 303
    async with parts.database.read() as reader:
        (again,) = (await webhooks.find_deliveries(reader, DeliveryFilter())).items
    assert again.state is DeliveryState.PENDING
    assert (await owner.submit(delivery, f"{delivery}/replay", {})).status_code == 303
    assert await rows(owner, f"{here}?state=pending") == ["webhook.tested"]
    assert await rows(owner, f"{here}?q=order.*") == []
    answer = await owner.get(f"{here}?format=csv")
    assert answer.content.decode("utf-8-sig").startswith("Time,Event,State")


async def test_a_webhook_that_cannot_be_is_refused_and_keeps_what_was_typed(owner: Staff) -> None:
    for values, words in (
        ({"url": "ftp://example.com"}, "An address begins with https://."),
        ({"url": "https://127.0.0.1/x"}, "This cannot be taken as it is."),
        ({"type": [], "others": ""}, "Choose what it wants to hear of."),
    ):
        answer = await owner.submit("/settings/webhooks/new", "/settings/webhooks/new", HOOK | values)
        assert answer.status_code == 422, values
        assert words in answer.text, values
        assert 'value="The ERP"' in answer.text


async def test_of_two_who_change_a_webhook_the_second_is_told(owner: Staff) -> None:
    here = (await created(owner, "/settings/webhooks/new", HOOK)).partition("?")[0]
    form = fields_of((await owner.get(f"{here}/edit")).text, f"{here}/edit")
    assert (await owner.send(f"{here}/edit", form | HOOK | {"description": "First"})).status_code == 303
    stale = await owner.send(f"{here}/edit", form | HOOK | {"description": "Second", "_key": "other"})
    assert stale.status_code == 422
    assert 'value="Second"' in stale.text


# The audit trail


async def actions(visitor: Staff, query: str) -> list[tuple[str, str]]:
    """What the audit trail shows was done, the latest first: in words, and the code beside."""
    html = (await visitor.get(f"/settings/audit?{query}", **FRAGMENT)).text
    assert "<html" not in html
    return re.findall(r'>([^<>]+?)\s*<code class="audit-code">([^<]*)</code>', html)


async def test_the_audit_trail_is_searched_filtered_and_exported(owner: Staff, parts: Services) -> None:
    await created(owner, "/settings/users/new", dict(NOE))
    me = await user(parts, "owner@example.com")
    text = (await owner.get("/settings/audit?what=user.")).text
    assert '<option value="user." selected>Users</option>' in text
    assert '<option value="user.created">\N{EM SPACE}User created</option>' in text
    assert ("User created", "user.created") in await actions(owner, "q=user.created")
    assert ("User created", "user.created") in await actions(owner, f"who=user:{me.id}")
    assert "No entry fits" in (await owner.get("/settings/audit?on_to=2020-01-01")).text
    assert (await owner.get("/settings/audit?on_from=yesterday")).status_code == 422
    answer = await owner.get("/settings/audit?format=csv")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("Time,Who,What,Code,Subject")
    assert any("Dana Owner,User created,user.created," in line for line in lines)


async def test_the_audit_trail_is_narrowed_to_a_group_and_to_one_action(owner: Staff, parts: Services) -> None:
    await created(owner, "/settings/users/new", dict(NOE))
    noe = await user(parts, "noe@example.com")
    async with parts.database.transaction() as tx:
        await staff.set_active(tx, noe.id, active=False)
        await staff.record(tx, "user.of_another_version", "x")
    everything = await actions(owner, "")
    assert ("Signed in", "session.opened") in everything
    of_users = await actions(owner, "what=user.")
    assert of_users[:2] == [("user.of_another_version", "user.of_another_version"), ("User shut out", "user.deactivated")]
    assert of_users == [one for one in everything if one[1].startswith("user.")]
    assert await actions(owner, "what=user.deactivated") == [("User shut out", "user.deactivated")]
    assert await actions(owner, "what=user.deactivate") == []
    chip = re.search(r'<li class="chip">(.*?)<a ', (await owner.get("/settings/audit?what=user.deactivated")).text)
    assert chip is not None
    assert said(chip[1]).strip() == "What User shut out"
    exported = await owner.get("/settings/audit?what=user.deactivated&format=csv")
    line = exported.content.decode("utf-8-sig").splitlines()[1:]
    assert len(line) == 1
    assert ",User shut out,user.deactivated," in line[0]


# The system


async def test_the_system_shows_versions_lag_and_what_is_parked(owner: Staff, parts: Services) -> None:
    words = said((await owner.get("/settings/system")).text)
    assert "PostgreSQL 18" in words
    assert "nothing is stuck" in words
    event_id = uuid7()
    async with parts.database.transaction() as tx:
        row = await tx.row("SELECT tx::text, seq, id FROM runtime.events ORDER BY tx, seq LIMIT 1")
        assert row is not None
        name = await tx.value("SELECT name FROM runtime.consumers ORDER BY name LIMIT 1")
        await tx.run(
            "INSERT INTO runtime.parked_events (consumer, event_id, tx, seq, problem, attempts, at) "
            "VALUES (%(name)s, %(id)s, %(tx)s::text::xid8, %(seq)s, %(problem)s, 5, now())",
            {"name": name, "id": row[2], "tx": row[0], "seq": row[1], "problem": HOSTILE},
        )
    text = (await owner.get("/settings/system")).text
    assert "need a person" in text
    assert "<script>alert" not in text
    here = f"/settings/system/parked/{name}/{to_text(EVENT_PREFIX, row[2])}"
    assert (await owner.submit("/settings/system", f"{here}/unpark", {})).status_code == 303
    assert "is tried again" in (await owner.get("/settings/system")).text
    assert (await owner.submit("/settings/system", f"{here}/discard", {})).status_code == 303
    assert "nothing is stuck" in (await owner.get("/settings/system")).text
    assert [entry.action for entry in await audited(parts)][:2] == ["event.discard", "event.unpark"]
    token = fields_of((await owner.get("/account")).text, "/account/preferences")
    gone = f"/settings/system/parked/{name}/{to_text(EVENT_PREFIX, event_id)}/discard"
    assert (await owner.send(gone, {"_token": token["_token"]})).status_code == 404


# Who may what


async def test_places_under_settings_are_for_those_who_may(owner: Staff) -> None:
    assert set((await statuses(owner, PLACES)).values()) == {200}
    assert (await owner.get("/settings")).headers["location"] == "/settings/users"
    visitor = await as_role(owner, "operations")
    assert (await visitor.get("/settings/users")).status_code == 403
    assert (await visitor.get("/settings")).headers["location"] == "/settings/tokens"
    visitor = await as_role(visitor, "support")
    found = await statuses(visitor, PLACES)
    assert {address for address, status in found.items() if status == 200} == {"/locations", "/pools"}
    assert set(found.values()) == {200, 403}
    assert (await visitor.get("/settings/tokens/new")).status_code == 403


async def test_nul_bytes_and_foreign_forms_are_refused(owner: Staff) -> None:
    for address in PLACES[:4]:
        assert (await owner.get(f"{address}?q=%00")).status_code == 422, address
    assert (await owner.submit("/settings/users/new", "/settings/users/new", NOE | {"name": "a\0b"})).status_code == 422
    assert (await owner.send("/settings/users/new", NOE)).status_code == 403
    assert (await owner.send("/settings/users/new", NOE, origin="https://evil.example")).status_code == 403


async def test_pages_of_settings_ask_the_database_few_questions(owner: Staff) -> None:
    for address, most in (
        ("/settings/users", 7), ("/settings/tokens", 7), ("/settings/webhooks", 7), ("/settings/audit", 8),
        ("/settings/system", 9),
    ):  # fmt: skip
        await owner.get(address)
        with counted_statements() as sent:
            assert (await owner.get(address)).status_code == 200
        assert len(sent) <= most, (address, len(sent), sent)


# In a browser


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_pages_of_settings_are_accessible_and_fit_their_width(
    browser: Browser, parts: Services, owner: Staff, language: str
) -> None:
    hook = (await created(owner, "/settings/webhooks/new", HOOK)).partition("?")[0]
    delivery = (await owner.submit(hook, f"{hook}/test", {})).headers["location"]
    await created(owner, "/settings/tokens/new", {"name": "Web shop", "scope": ["orders:read"], "life": "never"})
    async with signed_in(browser, parts) as page:
        await looked_at(
            page,
            language,
            [
                *PLACES[:5], "/settings/users/new", "/settings/tokens/new", "/settings/webhooks/new", hook, f"{hook}/edit",
                delivery,
            ],
        )  # fmt: skip


async def test_a_secret_is_shown_with_a_button_that_copies_it(browser: Browser, parts: Services) -> None:
    async with signed_in(browser, parts) as page:
        await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await page.goto("/settings/tokens")
        await page.get_by_role("link", name="New API token").first.click()
        await page.fill("#name", "Till")
        await page.get_by_role("button", name="Create").click()
        await expect(page.locator("#act")).to_contain_text("Choose what it may do.")
        await expect(page.locator("#name")).to_have_value("Till")
        await page.check("input[value='orders:read']")
        await page.get_by_role("button", name="Create").click()
        await expect(page.locator("#secret")).to_be_visible()
        secret = await page.input_value("#secret")
        await page.locator("[data-copy]").click()
        await expect(page.locator("[data-copy]")).to_contain_text("Copied")
        assert await page.evaluate("navigator.clipboard.readText()") == secret
