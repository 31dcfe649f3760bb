"""Staff and tokens of some locations: what they see, what they may not, where they still help any buyer, and how it is set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from comptoir.kernel.errors import Invalid
from comptoir.kernel.ids import from_text, to_text, uuid7
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FULFILMENT_PREFIX, WaveKind
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Counted, Quantity
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.locations.errors import UnknownLocation
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ExceptionFilter
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import AuditFilter, Permission, Role, Scope, TokenFilter, UserDraft, UserFilter
from comptoir.modules.staff.errors import LocationBeyondYou
from comptoir.surfaces import reach
from comptoir.surfaces.console.pages.store_desk import COOKIE
from comptoir.surfaces.reach import FINDERS
from comptoir.surfaces.services import Services
from support.console import PASSWORD, Shop, Staff, application, counted_statements, place, visiting, worker
from support.consumers import drained

OWN, OTHER = "S367", "WH-CIN"
EMAIL = "clerk@example.com"


@pytest_asyncio.fixture(loop_scope="session")
async def clerk(parts: Services, shop: Shop) -> AsyncIterator[Staff]:
    """Somebody of the store in Columbus."""
    draft = UserDraft(email=EMAIL, name="Clara", role=Role.STORE, locale="en", locations=(shop.locations[OWN],))
    async with parts.database.transaction() as tx:
        await staff.create_user(tx, draft, PASSWORD)
    async with visiting(application(parts)) as visitor:
        await visitor.sign_in(EMAIL)
        yield visitor


async def work_of(parts: Services, **more: Any) -> str:
    made = await place(parts, "web", [("840361", 1)], **more)
    await drained(parts.database, worker(parts))
    async with parts.database.read() as reader:
        (one,) = await fulfilment.of_orders(reader, [made.id])
    return to_text(FULFILMENT_PREFIX, one.id)


def text(shop: Shop, code: str) -> str:
    return to_text("loc", shop.locations[code])


async def audit(parts: Services, action: str) -> list[dict[str, Any]]:
    async with parts.database.read() as reader:
        found = (await staff.find_audit(reader, AuditFilter(action=action))).items
    return [{"subject": one.subject, "actor": one.actor, **one.data} for one in found]


async def limit(parts: Services, *at: LocationId) -> None:
    async with parts.database.transaction() as tx:
        user = await staff.user_by_email(tx, EMAIL)
        await staff.update_user(tx, user.id, UserDraft(email=EMAIL, name="Clara", role=Role.STORE, locale="en", locations=at))


# At the console


async def test_who_works_at_one_store_stands_there_without_being_asked(clerk: Staff) -> None:
    home = await clerk.get("/store")
    assert (home.status_code, "<h1>Store 367, Columbus</h1>" in home.text) == (200, True)


async def test_the_chooser_names_only_the_stores_of_theirs(parts: Services, clerk: Staff, shop: Shop) -> None:
    await limit(parts, shop.locations[OWN], shop.locations["S406"])
    asked = (await clerk.get("/store/here")).text
    assert ("Store 367" in asked, "Store 406" in asked, "Cincinnati warehouse" in asked) == (True, True, False)
    refused = await clerk.submit("/store/here", "/store/here", {"location": text(shop, OTHER)})
    assert (refused.status_code, "comptoir_store" in refused.headers.get("set-cookie", "")) == (403, False)


async def test_a_device_that_remembers_another_store_asks_again(parts: Services, clerk: Staff, shop: Shop) -> None:
    await limit(parts, shop.locations[OWN], shop.locations["S406"])
    clerk.client.cookies.set(COOKIE, text(shop, OTHER))
    assert (await clerk.get("/store/pick")).headers["location"].startswith("/store/here")


async def test_the_work_of_another_store_is_refused_in_words_and_leaves_a_trace(parts: Services, clerk: Staff) -> None:
    theirs = await work_of(parts)
    for path in (f"/store/pick/{theirs}", f"/store/pack/{theirs}", f"/store/papers/{theirs}/pick-list.pdf"):
        refused = await clerk.get(path)
        assert (refused.status_code, "This belongs to another store" in refused.text) == (403, True), path
    told = await audit(parts, "access.refused")
    assert {one["subject"] for one in told} == {theirs}
    assert told[-1]["path"] == f"/store/pick/{theirs}"
    assert told[0]["actor"].startswith("user:")


async def test_what_was_refused_was_not_done(parts: Services, clerk: Staff, shop: Shop) -> None:
    async with parts.database.read() as reader:
        before = await reader.value("SELECT count(*) FROM inventory.entries")
    form = {"sku": "840361", "location": text(shop, OTHER), "quantity": "5", "mode": "by", "reason": "correction"}
    own = form | {"location": text(shop, OWN)}
    page = "/stock-changes/adjust"
    assert (await clerk.submit(page, page, form)).status_code == 403
    async with parts.database.read() as reader:
        assert await reader.value("SELECT count(*) FROM inventory.entries") == before
    assert (await clerk.submit(page, page, own)).status_code == 303


async def test_lists_show_what_is_theirs(parts: Services, clerk: Staff, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        own = await inventory.count(tx, shop.locations[OWN], [Counted("840361", 3, 3)], "own")
        other = await inventory.count(tx, shop.locations[OTHER], [Counted("840361", 3, 3)], "other")
        sent = await inventory.create_transfer(
            tx, shop.locations[OTHER], shop.locations["S406"], [Quantity("840361", 1)], "between others"
        )
        coming = await inventory.create_transfer(
            tx, shop.locations[OTHER], shop.locations[OWN], [Quantity("840361", 1)], "to them"
        )
    listed = (await clerk.get("/counts")).text
    assert (to_text("cnt", own.id) in listed, to_text("cnt", other.id) in listed) == (True, False)
    listed = (await clerk.get("/transfers")).text
    assert (to_text("trf", coming.id) in listed, to_text("trf", sent.id) in listed) == (True, False)
    assert (await clerk.get(f"/transfers/{to_text('trf', coming.id)}")).status_code == 200
    assert (await clerk.get(f"/transfers/{to_text('trf', sent.id)}")).status_code == 403
    assert (await clerk.get(f"/counts?location={text(shop, OTHER)}")).status_code == 403
    assert "Cincinnati" not in (await clerk.get("/stock-ledger")).text
    exceptions = (await clerk.get("/exceptions")).text
    async with parts.database.read() as reader:
        open_there = (await orders.find_exceptions(reader, ExceptionFilter(locations=(shop.locations[OTHER],)))).items
    assert open_there
    assert all(to_text("exc", one.exception.id) not in exceptions for one in open_there)


async def test_who_gets_a_transfer_receives_it_and_does_not_send_it(parts: Services, clerk: Staff, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        coming = await inventory.create_transfer(tx, shop.locations[OTHER], shop.locations[OWN], [Quantity("840361", 2)], "")
    href = f"/transfers/{to_text('trf', coming.id)}"
    assert "/send" not in (await clerk.get(href)).text
    token = await form_token(clerk)
    assert (await clerk.send(f"{href}/send", {"_token": token})).status_code == 403
    async with parts.database.transaction() as tx:
        await inventory.send_transfer(tx, coming.id)
    received = await clerk.submit(f"{href}/receive", f"{href}/receive", {"close": "yes"})
    assert received.status_code == 303, received.text[-2000:]


async def form_token(visitor: Staff) -> str:
    page = (await visitor.get("/account")).text
    return page.split('name="_token" value="')[1].split('"')[0]


# What helps a buyer is there


async def test_stock_of_other_stores_is_seen(clerk: Staff) -> None:
    page = await clerk.get("/stock/840361")
    assert (page.status_code, "Cincinnati" in page.text) == (200, True)
    assert (await clerk.get("/stock")).status_code == 200


async def test_any_order_is_found_for_a_return_over_the_counter(parts: Services, clerk: Staff, shop: Shop) -> None:
    number, order = shop.numbers["shipped"], to_text("ord", shop.orders["shipped"])
    found = await clerk.get(f"/returns/new?q={number}")
    assert (found.status_code, order in found.headers.get("location", "")) == (303, True)
    page = await clerk.get(f"/returns/new?order={order}")
    assert (page.status_code, "Store 367, Columbus" in page.text) == (200, True)
    values = {"_token": await form_token(clerk), "order": order, "units-1": "1", "step": "do", "money": "later"}
    taken = await clerk.send("/returns/new", values)
    assert taken.status_code == 303, taken.text[:500]
    async with parts.database.read() as reader:
        at = await reader.value("SELECT location_id FROM changes.received ORDER BY id DESC LIMIT 1")
    assert at == shop.locations[OWN]


async def test_orders_are_placed_for_what_only_others_have(clerk: Staff) -> None:
    assert (await clerk.get("/orders/new")).status_code == 200
    refused = await clerk.send("/orders/new", {"_token": await form_token(clerk)})
    assert refused.status_code == 422, "the form wants a line: it was not refused for a location"


async def test_an_order_of_another_store_is_seen_noted_and_not_cancelled(parts: Services, clerk: Staff, shop: Shop) -> None:
    order = to_text("ord", shop.orders["fresh"])
    page = await clerk.get(f"/orders/{order}")
    assert (page.status_code, "/change/cancel" in page.text, "/note" in page.text) == (200, False, True)
    token = await form_token(clerk)
    assert (await clerk.send(f"/orders/{order}/change/cancel", {"_token": token})).status_code == 403
    assert (await clerk.send(f"/orders/{order}/release", {"_token": token, "version": "1"})).status_code == 403
    noted = await clerk.submit(f"/orders/{order}/note", f"/orders/{order}/note", {"note": "called"})
    assert noted.status_code == 303
    assert await audit(parts, "order.note")


# Who they are is asked anew with every click


async def test_a_limit_holds_from_the_next_click_on(parts: Services, clerk: Staff, shop: Shop) -> None:
    theirs = await work_of(parts)
    assert (await clerk.get(f"/store/pick/{theirs}")).status_code == 403
    await limit(parts)
    assert (await clerk.get(f"/store/pick/{theirs}")).status_code == 200
    await limit(parts, shop.locations[OWN])
    assert (await clerk.get(f"/store/pick/{theirs}")).status_code == 403
    changed = await audit(parts, "user.changed")
    assert changed[0]["locations"] == {"from": [], "to": [text(shop, OWN)]}


async def test_what_is_of_the_company_is_taken_from_their_role(parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        draft = UserDraft(email="ops@example.com", name="Ops", role=Role.OPERATIONS, locations=(shop.locations[OWN],))
        ops = staff.user_principal(await staff.create_user(tx, draft))
    assert ops.may(Permission.FULFIL)
    assert not any(
        ops.may(one)
        for one in (Permission.SETTINGS_TOKENS, Permission.CHANNELS_WRITE, Permission.IMPORTS_RUN, Permission.EVENTS_READ)
    )


async def test_an_owner_works_everywhere_and_nobody_works_nowhere_that_there_is(parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        with pytest.raises(Invalid):
            await staff.create_user(
                tx, UserDraft(email="o@example.com", name="O", role=Role.OWNER, locations=(shop.locations[OWN],))
            )
        with pytest.raises(UnknownLocation):
            await staff.create_user(
                tx, UserDraft(email="o@example.com", name="O", role=Role.STORE, locations=(LocationId(uuid7()),))
            )
        ops = UserDraft(email="o@example.com", name="O", role=Role.OPERATIONS, locations=(shop.locations[OWN],))
        limited = staff.user_principal(await staff.create_user(tx, ops))
        token, _ = await staff.create_token(tx, "any", [Scope.STOCK_READ])
        with pytest.raises(LocationBeyondYou):
            await staff.limit_token(tx, token.id, [], by=limited)
        with pytest.raises(LocationBeyondYou):
            await staff.limit_token(tx, token.id, [shop.locations[OTHER]], by=limited)


# Tokens


async def test_a_token_of_a_store_sees_and_moves_what_is_of_that_store(parts: Services, shop: Shop) -> None:
    theirs = await work_of(parts)
    async with parts.database.transaction() as tx:
        token, secret = await staff.create_token(tx, "till", list(Scope), limited_to=[shop.locations[OWN]])
        other = await inventory.count(tx, shop.locations[OTHER], [Counted("840361", 3, 3)], "other")
    async with visiting(application(parts)) as visitor:
        visitor.client.headers["authorization"] = f"Bearer {secret}"
        ask = visitor.client
        assert (await ask.get("/v1/me")).json()["location_ids"] == [text(shop, OWN)]
        listed = (await ask.get("/v1/fulfilments?limit=200")).json()["items"]
        assert {one["location_id"] for one in listed} == {text(shop, OWN)}
        for path in (
            f"/v1/fulfilments/{theirs}",
            f"/v1/stock/counts/{to_text('cnt', other.id)}",
            f"/v1/waves?location_id={text(shop, OTHER)}",
            f"/v1/collections?location_id={text(shop, OTHER)}",
            f"/v1/stock/ledger?location_id={text(shop, OTHER)}",
        ):
            refused = await ask.get(path)
            assert (refused.status_code, refused.json()["code"]) == (403, "other_location"), path
        assert refused.json()["data"]["named"] == text(shop, OTHER)
        for path in ("/v1/stock/ledger", "/v1/stock/counts", "/v1/supplies", "/v1/exceptions"):
            rows = (await ask.get(path)).json()["items"]
            assert {one["location_id"] for one in rows} <= {text(shop, OWN)}, path
        levels = (await ask.get("/v1/stock/levels?sku=840361")).json()["items"]
        assert len({one["location_id"] for one in levels}) > 1, "what others have is seen"
        body = {"location_id": text(shop, OTHER), "lines": [{"sku": "840361", "counted": 1}]}
        assert (await ask.post("/v1/stock/counts", json=body)).json()["code"] == "other_location"
        body["location_id"] = text(shop, OWN)
        assert (await ask.post("/v1/stock/counts", json=body)).status_code == 201
        plan = {
            "from_location_id": text(shop, OWN),
            "to_location_id": text(shop, OTHER),
            "lines": [{"sku": "840361", "quantity": 1}],
        }
        made = await ask.post("/v1/transfers", json=plan)
        assert made.status_code == 201, made.text
        plan |= {"from_location_id": text(shop, OTHER), "to_location_id": text(shop, OWN)}
        assert (await ask.post("/v1/transfers", json=plan)).status_code == 403
        sold = {"orders": [{"external_id": "T-1", "location_code": OTHER}]}
        assert (await ask.post("/v1/channels/tills/orders", json=sold)).json()["code"] == "other_location"
        assert (await ask.get("/v1/events")).json()["code"] == "not_permitted"
    assert {one["actor"] for one in await audit(parts, "access.refused")} == {f"token:{token.id}"}


async def test_a_change_of_what_others_keep_is_decided_by_others(parts: Services, shop: Shop) -> None:
    async with parts.database.transaction() as tx:
        _, admin = await staff.create_token(tx, "admin", list(Scope))
        _, store = await staff.create_token(tx, "store", list(Scope), limited_to=[shop.locations[OWN]])
    asked = {
        "order_id": to_text("ord", shop.orders["fresh"]),
        "kind": "cancel",
        "actions": [{"do": "cancel", "line_no": 1, "quantity": 1}],
    }
    ours, theirs = ({"authorization": f"Bearer {token}"} for token in (store, admin))
    async with visiting(application(parts)) as visitor:
        ask = visitor.client
        assert (await ask.post("/v1/changes", json=asked, headers=ours)).json()["code"] == "other_location"
        made = await ask.post("/v1/changes", json=asked, headers=theirs)
        assert made.status_code == 201, made.text
        path = f"/v1/changes/{made.json()['id']}"
        assert (await ask.get(path, headers=ours)).status_code == 200
        for step in ("approve", "confirm"):
            assert (await ask.post(f"{path}/{step}", json={}, headers=ours)).json()["code"] == "other_location", step
        assert (await ask.post(f"{path}/cancel", json={}, headers=ours)).status_code == 200


async def test_a_token_that_is_limited_is_so_at_once(parts: Services, shop: Shop) -> None:
    theirs = await work_of(parts)
    async with parts.database.transaction() as tx:
        token, secret = await staff.create_token(tx, "till", [Scope.ORDERS_READ])
        _, admin = await staff.create_token(tx, "admin", list(Scope))
    async with visiting(application(parts)) as visitor:
        ask, given = visitor.client, {"authorization": f"Bearer {secret}"}
        assert (await ask.get(f"/v1/fulfilments/{theirs}", headers=given)).status_code == 200
        path = f"/v1/tokens/{to_text('tok', token.id)}"
        changed = await ask.patch(path, json={"location_ids": [text(shop, OWN)]}, headers={"authorization": f"Bearer {admin}"})
        assert (changed.status_code, changed.json()["location_ids"]) == (200, [text(shop, OWN)])
        assert (await ask.get(f"/v1/fulfilments/{theirs}", headers=given)).status_code == 403
    assert (await audit(parts, "token.limited"))[0]["locations"] == {"from": [], "to": [text(shop, OWN)]}


# How it is set


async def test_an_owner_ticks_the_locations_of_a_user(parts: Services, owner: Staff, shop: Shop) -> None:
    form = (await owner.get("/settings/users/new")).text
    assert ("every location" in form, "data-pick" in form, "Store 367, Columbus · S367" in form) == (True, True, True)
    values = {"name": "Nina", "email": "nina@example.com", "role": "store", "locale": "en", "time_zone": "Europe/Paris"}
    at = {"at": [text(shop, OWN), text(shop, "S406")]}
    refused = await owner.submit("/settings/users/new", "/settings/users/new", values | at | {"email": "nobody"})
    assert refused.status_code == 422
    assert refused.text.count("checked") >= 2 + 1, "what was ticked is still ticked"
    assert (await owner.submit("/settings/users/new", "/settings/users/new", values | at)).status_code == 303
    listed = (await owner.get("/settings/users")).text
    assert "Store 367, Columbus and Store 406, Dayton" in listed
    async with parts.database.read() as reader:
        (nina,) = (await staff.find_users(reader, UserFilter(search="nina"))).items
    assert set(nina.locations) == {shop.locations[OWN], shop.locations["S406"]}
    edit = f"/settings/users/{to_text('user', nina.id)}/edit"
    refused = await owner.submit(edit, edit, values | at | {"role": "owner"})
    assert (refused.status_code, "An owner works at every location" in refused.text) == (422, True)
    assert (await owner.submit(edit, edit, values)).status_code == 303
    async with parts.database.read() as reader:
        assert (await staff.get_user(reader, nina.id)).locations == ()


async def test_an_owner_ticks_the_locations_of_a_token(parts: Services, owner: Staff, shop: Shop) -> None:
    new = "/settings/tokens/new"
    values = {"name": "Till", "life": "30", "scope": ["orders:read"], "at": [text(shop, OWN)]}
    assert (await owner.submit(new, new, values)).status_code == 303
    async with parts.database.read() as reader:
        (token,) = (await staff.find_tokens(reader, TokenFilter(search="Till"))).items
    assert token.locations == (shop.locations[OWN],)
    href = f"/settings/tokens/{to_text('tok', token.id)}/locations"
    assert "Store 367, Columbus" in (await owner.get(href)).text
    assert (await owner.submit(href, href, {"at": [text(shop, "S406")]})).status_code == 303
    async with parts.database.read() as reader:
        assert (await staff.get_token(reader, token.id)).locations == (shop.locations["S406"],)


# Where things are


async def test_the_guard_knows_of_everything_whose_it_is(parts: Services, shop: Shop) -> None:
    work = await work_of(parts)
    async with parts.database.transaction() as tx:
        made = await fulfilment.start(tx, [from_text("ful", work)], WaveKind.BATCH)  # type: ignore[list-item]
        there = made.location_id
        for kind, find in FINDERS.items():
            assert kind == "loc" or await find(tx, kind, [uuid7()]) == [], kind
        found = await FINDERS["ful"](tx, "ful", [from_text("ful", work)])
        assert [one.location_id for one in found] == [there]
        assert [one.location_id for one in await FINDERS["wav"](tx, "wav", [made.id])] == [there]


async def test_whoever_is_not_limited_pays_nothing_for_it(
    parts: Services, owner: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_given: object, **_more: object) -> None:
        raise AssertionError("nobody asked")

    monkeypatch.setattr(reach, "check", never)
    with counted_statements() as statements:
        await owner.get("/counts")
    assert len(statements) < 20
