from __future__ import annotations

from pathlib import Path

import pytest
from psycopg import OperationalError

from comptoir import __version__
from comptoir.modules.staff.contracts import Role
from comptoir.surfaces.console.rendering import CONTENT_SECURITY_POLICY
from comptoir.surfaces.console.web import own_address
from comptoir.surfaces.services import Services
from support.console import PASSWORD, Shop, Staff, application, parts_of, visiting

HOSTILE = "</textarea><script>alert(1)</script>\"'"


async def test_whoever_is_not_signed_in_is_asked_to_and_comes_back(stranger: Staff) -> None:
    answer = await stranger.get("/orders?tab=ship")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Forders%3Ftab%3Dship"
    fragment = await stranger.get("/orders", **{"hx-request": "true"})
    assert fragment.status_code == 401
    signed = await stranger.send("/sign-in", {"email": "owner@example.com", "password": PASSWORD, "next": "/orders?tab=ship"})
    assert (signed.status_code, signed.headers["location"]) == (303, "/orders?tab=ship")
    assert (await stranger.get("/orders")).status_code == 200


async def test_a_wrong_password_keeps_the_address_and_says_no_more(stranger: Staff) -> None:
    for email in ("owner@example.com", "nobody@example.com"):
        answer = await stranger.sign_in(email, "not the password")
        assert answer.status_code == 401
        assert "E-mail address or password is wrong." in answer.text
        assert f'value="{email}"' in answer.text
        assert "not the password" not in answer.text


async def test_guessing_is_slowed_down(stranger: Staff) -> None:
    answers = [(await stranger.sign_in("owner@example.com", f"guess {n}")).status_code for n in range(12)]
    assert answers[-1] == 429
    late = await stranger.sign_in()
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    "next_to", ["//evil.example/x", "https://evil.example", "/\\evil.example", "/sign-out", "javascript:alert(1)"]
)
def test_nobody_is_sent_elsewhere_after_signing_in(next_to: str) -> None:
    assert own_address(next_to) == "/"


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: Staff) -> None:
    cookie = (await stranger.sign_in()).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert "Path=/" in cookie


async def test_signing_out_ends_the_session_itself(owner: Staff) -> None:
    cookies = dict(owner.client.cookies)
    answer = await owner.submit("/account", "/sign-out", {})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    owner.client.cookies.update(cookies)
    assert (await owner.get("/account")).status_code == 303


async def test_every_page_is_sent_with_its_safety_headers(owner: Staff) -> None:
    answer = await owner.get("/orders", **{"x-request-id": "mine-1"})
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "HX-Request" in answer.headers["vary"]
    assert answer.headers["x-request-id"] == "mine-1"
    assert "<script>" not in answer.text.replace('<script type="application/json"', "")


async def test_static_files_are_kept_for_ever_under_their_version(stranger: Staff) -> None:
    page = (await stranger.get("/sign-in")).text
    address = page.split('href="/static/app.css')[1].split('"')[0]
    versioned = await stranger.get(f"/static/app.css{address}")
    assert "immutable" in versioned.headers["cache-control"]
    assert versioned.headers["content-type"].startswith("text/css")
    again = await stranger.get("/static/app.css", **{"if-none-match": versioned.headers["etag"]})
    assert again.status_code == 304
    assert "immutable" not in again.headers["cache-control"]
    for outside in ("/static/../web.py", "/static/%2e%2e/web.py", "/static/none.css"):
        assert (await stranger.get(outside)).status_code == 404


# Forms from elsewhere


FOREIGN = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://testserver:8080"},
)


async def test_a_form_from_another_site_changes_nothing(owner: Staff) -> None:
    values = {"name": "Hacked", "locale": "en", "time_zone": "UTC", "theme": "auto"}
    for headers in FOREIGN:
        answer = await owner.submit("/account", "/account/preferences", values, **headers)
        assert answer.status_code == 403, headers
    assert "Dana Owner" in (await owner.get("/account")).text


async def test_a_form_without_its_token_changes_nothing(owner: Staff) -> None:
    values = {"name": "Hacked", "locale": "en", "time_zone": "UTC", "theme": "auto"}
    assert (await owner.send("/account/preferences", values)).status_code == 403
    assert (await owner.send("/account/preferences", values | {"_token": "00" * 32})).status_code == 403
    assert "Dana Owner" in (await owner.get("/account")).text


async def test_the_token_of_another_session_does_not_do(parts: Services) -> None:
    async with visiting(application(parts)) as one, visiting(application(parts)) as other:
        await one.sign_in()
        await other.sign_in()
        token = (await one.get("/account")).text.split('name="_token" value="')[1].split('"')[0]
        values = {"name": "Hacked", "locale": "en", "time_zone": "UTC", "_token": token}
        assert (await other.send("/account/preferences", values)).status_code == 403


# Roles

PAGES = {
    "/": {"owner", "operations", "buyer", "analyst"},
    "/orders": {"owner", "operations", "store", "buyer", "support", "analyst"},
    "/orders/new": {"owner", "operations", "store", "support"},
    "/exceptions": {"owner", "operations", "store", "buyer", "support", "analyst"},
    "/customers": {"owner", "operations", "store", "support"},
    "/orders?format=csv": {"owner", "operations", "buyer", "analyst"},
    "/live/stream": set[str](),
}


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_sees_its_pages_and_no_others(stranger: Staff, role: Role) -> None:
    await stranger.sign_in(f"{role}@example.com")
    for path, allowed in PAGES.items():
        if path == "/live/stream":
            continue
        answer = await stranger.get(path)
        if path == "/" and role not in allowed:
            assert answer.headers["location"] == ("/store" if role is Role.STORE else "/orders")
        else:
            assert answer.status_code == (200 if role in allowed else 403), path


async def test_a_role_that_may_only_look_is_offered_no_action_and_refused_one(stranger: Staff, shop: Shop) -> None:
    await stranger.sign_in("analyst@example.com")
    page = (await stranger.get("/orders")).text
    assert "/orders/new" not in page
    token = page.split('name="_token" value="')[1].split('"')[0]
    answer = await stranger.send("/orders/new", {"_token": token, "channel": "phone", "sku": "981760", "quantity": "1"})
    assert answer.status_code == 403


# The first run


async def test_the_first_owner_is_made_on_the_server_itself_and_only_once(database_url: str, tmp_path: Path) -> None:
    async with parts_of(database_url, tmp_path) as empty, visiting(application(empty)) as visitor:
        visitor.client.base_url = "http://localhost"
        assert (await visitor.get("/sign-in")).headers["location"] == "/first-run"
        assert 'name="password"' not in (await visitor.get("/first-run", **{"x-forwarded-for": "203.0.113.9"})).text
        assert 'name="password"' not in (await visitor.get("/first-run", host="rebound.example")).text
        values = {"name": "Ada", "email": "ada@example.com", "password": "a sentence of mine", "again": "a sentence of yours"}
        origin = {"origin": "http://localhost"}
        refused = await visitor.send("/first-run", values, **origin)
        assert refused.status_code == 422
        assert "This is not the same password." in refused.text
        assert 'value="Ada"' in refused.text
        assert "a sentence of" not in refused.text
        made = await visitor.send("/first-run", values | {"again": "a sentence of mine"}, **origin)
        assert (made.status_code, made.headers["location"]) == (303, "/")
        assert (await visitor.get("/account")).status_code == 200
        assert (await visitor.get("/first-run")).status_code == 404
        assert (await visitor.send("/first-run", values, **origin)).status_code in {403, 404}


# Accounts


async def test_preferences_change_language_zone_and_theme(owner: Staff) -> None:
    values = {"name": "Amélie", "locale": "fr", "time_zone": "Europe/Paris", "theme": "dark"}
    answer = await owner.submit("/account", "/account/preferences", values)
    assert answer.status_code == 303
    page = (await owner.get("/account")).text
    assert 'lang="fr"' in page
    assert 'data-theme="dark"' in page
    assert "Vos préférences sont enregistrées." in page
    assert "Vos préférences sont enregistrées." not in (await owner.get("/account")).text


async def test_a_new_password_needs_the_old_one_and_ends_the_other_sessions(parts: Services) -> None:
    async with visiting(application(parts)) as one, visiting(application(parts)) as other:
        await one.sign_in()
        await other.sign_in()
        new = {"password": "another long phrase", "again": "another long phrase"}
        wrong = await one.submit("/account", "/account/password", new | {"current": "not it at all"})
        assert wrong.status_code == 422
        assert "This is not your password." in wrong.text
        assert (await one.submit("/account", "/account/password", new | {"current": PASSWORD})).status_code == 303
        assert (await one.get("/account")).status_code == 200
        assert (await other.get("/account")).status_code == 303
        assert (await other.sign_in("owner@example.com", "another long phrase")).status_code == 303


async def test_the_language_is_changed_by_a_link_and_leads_back(stranger: Staff) -> None:
    answer = await stranger.get("/preferences/language?to=fr&next=/sign-in")
    assert answer.headers["location"] == "/sign-in"
    assert 'lang="fr"' in (await stranger.get("/sign-in")).text
    assert (await stranger.get("/preferences/language?to=xx&next=//evil.example")).headers["location"] == "/"


# What goes wrong


async def test_what_is_not_there_says_so_and_keeps_the_menu(owner: Staff) -> None:
    known = ("/orders/ord_nonsense", "/exceptions/exc_00000000000000000000000000")
    for path in ("/nothing", *known, "/settings/nothing", "/orders/a/b/c", "/nothing/at/all"):
        answer = await owner.get(path)
        assert answer.status_code == 404, path
        assert "There is nothing at this address" in answer.text
        assert 'href="/orders"' in answer.text
        assert 'href="/account"' in answer.text
    assert (await owner.client.put("/orders")).status_code == 405


async def test_a_stranger_is_told_no_menu_where_nothing_is(stranger: Staff) -> None:
    for path in ("/nothing", "/settings/nothing", "/orders/a/b/c"):
        answer = await stranger.get(path)
        assert answer.status_code == 404, path
        assert "There is nothing at this address" in answer.text
        assert 'href="/orders"' not in answer.text


async def test_every_page_names_the_release_of_comptoir(owner: Staff) -> None:
    for path in ("/", "/pools/new", "/transfers/new", "/settings/system"):
        assert f"Comptoir {__version__}</span>" in (await owner.get(path)).text, path


async def test_nul_in_an_address_is_refused(owner: Staff) -> None:
    for path in ["/orders?q=%00", "/search?q=a%00b", "/orders?after=%00", "/orders/a%00b", "/customers?q=%00"]:
        assert (await owner.get(path)).status_code == 422, path


async def test_nul_in_a_form_is_refused(owner: Staff) -> None:
    values = {"name": "a\0b", "locale": "en", "time_zone": "UTC"}
    assert (await owner.submit("/account", "/account/preferences", values)).status_code == 422


async def test_a_senseless_address_is_no_failure_of_ours(owner: Staff) -> None:
    for path in ["/orders?after=x", "/orders?on_from=never", "/orders?sort=colour", "/orders?customer=x"]:
        assert (await owner.get(path)).status_code in {200, 422}, path


async def test_without_its_database_it_says_what_to_do_and_no_more(parts: Services) -> None:
    async with visiting(application(parts)) as visitor:
        await visitor.sign_in()
        with pytest.MonkeyPatch.context() as patch:

            async def gone(*_: object, **__: object) -> None:
                raise OperationalError("connection to server at 10.0.0.1 failed: secret detail")

            patch.setattr("psycopg.AsyncCursor.execute", gone)
            answer = await visitor.get("/orders")
        assert answer.status_code == 503
        assert "Comptoir cannot answer just now" in answer.text
        assert "data-failed" in answer.text
        assert "10.0.0.1" not in answer.text
        assert "secret" not in answer.text


async def test_a_bug_shows_its_request_id_and_nothing_of_itself(owner: Staff) -> None:
    with pytest.MonkeyPatch.context() as patch:

        async def broken(*_: object, **__: object) -> object:
            raise ZeroDivisionError("a secret inside")

        patch.setattr("comptoir.modules.orders.api.find", broken)
        answer = await owner.get("/orders")
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.text
    assert "secret" not in answer.text
    assert "ZeroDivisionError" not in answer.text
