from __future__ import annotations

from typing import Any

from api.conftest import Api, fed, problem
from comptoir.modules.staff.contracts import Scope
from comptoir.modules.webhooks import subscribers
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.surfaces.api.identifiers import outward

LOCATION: dict[str, Any] = {
    "code": "NICE-1",
    "name": "Nice",
    "kind": "store",
    "country": "FR",
    "time_zone": "Europe/Paris",
    "opening_hours": [[["09:00", "12:30"], ["14:00", "19:00"]], [], [], [], [], [], []],
}


async def test_a_location_is_closed_on_days_and_on_public_holidays(api: Api) -> None:
    closed = [{"first": "2027-01-04", "last": "2027-01-05", "reason": "Stocktaking"}]
    made = await api.post("/v1/locations", LOCATION | {"closures": closed, "public_holidays": "FR", "open_on": ["05-08"]})
    assert made.status_code == 201, made.text
    path = made.headers["location"]
    there = (await api.patch(path, {"opening_hours": []})).json()
    assert (there["opening_hours"], there["closures"], there["public_holidays"]) == ([], closed, "FR")
    there = (await api.patch(path, {"closures": []})).json()
    assert (there["closures"], there["public_holidays"], there["open_on"]) == ([], "FR", ["05-08"])
    told = problem(await api.patch(path, {"closures": [{"first": "2027-01-04", "last": "2027-01-03"}]}), 422, "invalid")
    assert told["errors"][0]["path"] == "/closures/0/last"
    problem(await api.patch(path, {"public_holidays": "XX"}), 422, "invalid")


async def test_locations(api: Api) -> None:
    made = await api.post("/v1/locations", LOCATION, key="l1")
    assert made.status_code == 201, made.text
    path = made.headers["location"]
    assert (await api.get(path)).json() == made.json()
    assert made.json()["opening_hours"] == LOCATION["opening_hours"]
    changed = await api.patch(path, {"pickup": True, "daily_capacity": 80}, headers={"if-match": made.headers["etag"]})
    assert (changed.json()["pickup"], changed.json()["daily_capacity"], changed.json()["name"]) == (True, 80, "Nice")
    problem(await api.patch(path, {"name": "X"}, headers={"if-match": made.headers["etag"]}), 412, "stale")
    assert (await api.patch(path, {"daily_capacity": None})).json()["daily_capacity"] is None
    problem(await api.post("/v1/locations", LOCATION), 409, "location_code_taken")
    told = problem(await api.post("/v1/locations", LOCATION | {"code": "X", "time_zone": "Mars/Base"}), 422, "invalid")
    assert told["errors"][0]["path"] == "/time_zone"
    assert [one["code"] for one in (await api.get("/v1/locations", kind="store")).json()["items"]] == ["NICE-1", "lyon"]


async def test_pools(api: Api) -> None:
    body = {"code": "north", "members": [{"location_id": api.location("paris"), "priority": 1}]}
    made = await api.post("/v1/pools", body)
    assert made.status_code == 201, made.text
    assert made.json()["members"][0]["code"] == "paris"
    problem(await api.post("/v1/pools", body), 409, "pool_code_taken")
    changed = await api.patch(made.headers["location"], {"members": []}, headers={"if-match": made.headers["etag"]})
    assert changed.json()["members"] == []
    assert {one["code"]: one["size"] for one in (await api.get("/v1/pools")).json()["items"]} == {"north": 0, "pool-web": 2}
    unknown = {"code": "x", "members": [{"location_id": "loc_01kag8v6w3e9n8r2t5y7z4c6bd"}]}
    told = problem(await api.post("/v1/pools", unknown), 422, "invalid")
    assert told["errors"][0]["path"] == "/members/0"


async def test_channels(api: Api) -> None:
    (pool,) = (await api.get("/v1/pools")).json()["items"]
    body = {"code": "app", "name": "App", "kind": "app", "pool_id": pool["id"], "market": "fr", "backorder": True}
    made = await api.post("/v1/channels", body)
    assert (made.status_code, made.headers["location"]) == (201, "/v1/channels/app"), made.text
    assert (await api.get("/v1/channels/app")).json() == made.json()
    assert (await api.patch("/v1/channels/app", {"hold_for": 60})).json()["hold_for"] == 60
    problem(await api.post("/v1/channels", body), 409, "channel_code_taken")
    told = problem(await api.post("/v1/channels", body | {"code": "b", "market": "xx"}), 422, "invalid")
    assert told["errors"][0]["path"] == "/market"
    assert [one["code"] for one in (await api.get("/v1/channels", kind="app")).json()["items"]] == ["app"]


async def test_products_and_variants(api: Api) -> None:
    variant = {"sku": "MUG-1", "gtin": "4006381333931", "options": {"colour": "blue"}}
    made = await api.post("/v1/products", {"code": "MUG", "names": {"fr": "Tasse"}, "variants": [variant]})
    assert made.status_code == 201, made.text
    path = made.headers["location"]
    assert (await api.get(path)).json() == made.json()
    assert made.json()["variants"][0]["name"] == "Tasse"
    changed = await api.patch(path, {"brand": "Comptoir", "variants": [variant | {"active": False}, {"sku": "MUG-2"}]})
    assert [one["sku"] for one in changed.json()["variants"]] == ["MUG-1", "MUG-2"]
    assert (await api.get("/v1/variants/MUG-1")).json()["active"] is False
    assert [one["sku"] for one in (await api.get("/v1/variants", search="4006381333931")).json()["items"]] == ["MUG-1"]
    problem(await api.get("/v1/variants/NOPE"), 404, "unknown_variant")
    problem(await api.post("/v1/products", {"code": "X", "names": {"fr": "X"}, "variants": [{"sku": "TEA"}]}), 409, "sku_taken")
    told = problem(
        await api.post("/v1/products", {"code": "X", "names": {"fr": "X"}, "variants": [{"sku": "X", "gtin": "123"}]}),
        422,
        "invalid",
    )
    assert told["errors"][0]["path"] == "/variants/0/gtin"
    many = {"products": [{"code": f"P{n}", "names": {"fr": "p"}, "variants": [{"sku": f"S{n}"}]} for n in range(20)]}
    assert (await api.ask("PUT", "/v1/products", many)).json() == {"created": 20, "changed": 0, "unchanged": 0}
    assert (await api.ask("PUT", "/v1/products", many)).json() == {"created": 0, "changed": 0, "unchanged": 20}


async def test_markets_and_prices(api: Api) -> None:
    made = await api.post("/v1/markets", {"code": "ch", "currency": "CHF", "country": "CH", "tax_name": "TVA"})
    assert (made.status_code, made.headers["location"]) == (201, "/v1/markets/ch"), made.text
    prices = {"prices": [{"sku": "TEA", "amount": 600, "tax_rate": "0.081"}]}
    assert (await api.post("/v1/markets/ch/prices", prices)).json() == {"created": 1, "changed": 0, "unchanged": 0}
    (price,) = (await api.get("/v1/markets/ch/prices")).json()["items"]
    assert (price["amount"], price["tax_rate"]) == (600, "0.081")
    problem(await api.patch("/v1/markets/ch", {"currency": "EUR"}), 409, "currency_fixed")
    assert (await api.patch("/v1/markets/ch", {"name": "Suisse"})).json()["name"] == "Suisse"
    problem(await api.get("/v1/markets/xx"), 404, "unknown_market")
    assert [one["code"] for one in (await api.get("/v1/markets")).json()["items"]] == ["ch", "fr"]


async def test_customers(api: Api) -> None:
    body = {"name": "Camille", "identities": [{"kind": "email", "value": "Camille@Example.com"}]}
    made = await api.post("/v1/customers", body)
    assert made.status_code == 201, made.text
    path = made.headers["location"]
    assert made.json()["identities"] == [{"kind": "email", "value": "camille@example.com"}]
    told = problem(await api.post("/v1/customers", body), 409, "identity_taken")
    assert told["data"]["customer_id"] == made.json()["id"]
    phone = {"identities": [{"kind": "phone", "value": "06 12 34 56 78"}], "region": "FR"}
    assert len((await api.post(f"{path}/identities", phone)).json()["identities"]) == 2
    gone = await api.post(f"{path}/identities/detach", {"kind": "email", "value": "camille@example.com"})
    assert gone.json()["identities"] == [{"kind": "phone", "value": "+33612345678"}]
    assert (await api.patch(path, {"tags": ["vip"]})).json()["tags"] == ["vip"]
    assert [one["name"] for one in (await api.get("/v1/customers", search="camille")).json()["items"]] == ["Camille"]


async def test_webhooks(api: Api) -> None:
    await ConsumerRunner(api.services.database, [subscribers.consumer(outward)]).register()
    made = await api.post("/v1/webhooks/endpoints", {"url": "https://example.com/hook", "types": ["order.*"]}, key="w1")
    assert made.status_code == 201, made.text
    assert made.json()["secret"].startswith("whsec_")
    path = made.headers["location"]
    assert "secret" not in (await api.get(path)).json()
    assert (await api.post(f"{path}/secret", {})).json()["secret"] != made.json()["secret"]
    delivery = (await api.post(f"{path}/test")).json()["delivery_id"]
    shown = (await api.get(f"/v1/webhooks/deliveries/{delivery}")).json()
    assert (shown["type"], shown["state"], shown["payload"]["type"]) == ("webhook.tested", "pending", "webhook.tested")
    assert (await api.post(f"/v1/webhooks/deliveries/{delivery}/replay")).json() == {"deliveries": 1}
    replay = {"endpoint_id": made.json()["id"], "state": "failed"}
    assert (await api.post("/v1/webhooks/deliveries/replay", replay)).json() == {"deliveries": 0}
    off = await api.patch(path, {"active": False, "description": "off"})
    assert (off.json()["active"], off.json()["description"]) == (False, "off")
    assert [one["id"] for one in (await api.get("/v1/webhooks/deliveries", endpoint_id=made.json()["id"])).json()["items"]] == [
        delivery
    ]
    assert (await api.ask("DELETE", path)).status_code == 204
    problem(await api.get(path), 404, "unknown_endpoint")


async def test_users_and_tokens_are_for_owners(api: Api) -> None:
    made = await api.post("/v1/users", {"email": "Ana@example.com", "name": "Ana", "role": "store"})
    assert made.status_code == 201, made.text
    path = made.headers["location"]
    assert (await api.get(path)).json()["email"] == "ana@example.com"
    assert (await api.patch(path, {"role": "buyer", "active": False})).json()["role"] == "buyer"
    problem(await api.post("/v1/users", {"email": "ana@example.com", "name": "A", "role": "store"}), 409, "email_taken")
    operator = await api.new_token(*[scope for scope in Scope if scope is not Scope.STAFF_WRITE])
    problem(await api.get("/v1/users", token=operator), 403, "not_permitted")
    staff_only = await api.new_token(Scope.STAFF_WRITE)
    told = problem(
        await api.post("/v1/tokens", {"name": "x", "scopes": ["orders:read"]}, token=staff_only), 403, "scope_beyond_you"
    )
    assert told["data"] == {"scopes": ["orders:read"]}
    token = (await api.post("/v1/tokens", {"name": "till", "scopes": ["orders:read", "stock:read"]})).json()
    me = (await api.get("/v1/me", token=token["secret"])).json()
    assert (me["name"], me["scopes"], me["actor"]) == ("till", ["orders:read", "stock:read"], f"token:{token['id']}")
    assert "secret" not in (await api.get(f"/v1/tokens/{token['id']}")).json()
    assert len((await api.get("/v1/tokens")).json()["items"]) == 4


async def test_the_feed_of_events_is_followed(api: Api) -> None:
    placed = (await api.post("/v1/orders", {"channel": "web", "lines": [{"sku": "TEA", "quantity": 1}]})).json()
    await api.shop.settle()
    await fed(api, "order.*", 1)
    seen: list[dict[str, Any]] = []
    after = ""
    while True:
        feed = (await api.get("/v1/events", after=after, limit=3)).json()
        seen += feed["items"]
        after = feed["next"]
        if feed["caught_up"]:
            break
    assert len({event["id"] for event in seen}) == len(seen)
    (order,) = [event for event in seen if event["type"] == "order.placed"]
    assert order["data"]["order_id"] == placed["id"]
    only = (await api.get("/v1/events", type="order.*")).json()["items"]
    assert [event["type"] for event in only] == ["order.placed"]


async def test_imports_are_shown(api: Api) -> None:
    assert (await api.get("/v1/imports")).json() == {"items": [], "next": None}
    problem(await api.get("/v1/imports/imp_01kag8v6w3e9n8r2t5y7z4c6bd"), 404, "unknown_import")


async def test_a_key_makes_every_kind_of_thing_once(api: Api) -> None:
    """The same request twice under one key: the same bytes, one effect."""
    (pool,) = (await api.get("/v1/pools")).json()["items"]
    requests: list[tuple[str, str, Any, str]] = [
        ("POST", "/v1/locations", LOCATION, "locations.locations"),
        ("POST", "/v1/pools", {"code": "p"}, "locations.pools"),
        ("POST", "/v1/channels", {"code": "c", "kind": "web", "pool_id": pool["id"], "market": "fr"}, "channels.channels"),
        ("POST", "/v1/markets", {"code": "be", "currency": "EUR", "country": "BE"}, "pricing.markets"),
        ("POST", "/v1/products", {"code": "N", "names": {"fr": "n"}}, "catalogue.products"),
        ("POST", "/v1/customers", {"name": "C"}, "customers.customers"),
        ("POST", "/v1/webhooks/endpoints", {"url": "https://e.com", "types": ["*"]}, "webhooks.endpoints"),
        ("POST", "/v1/users", {"email": "u@example.com", "name": "U", "role": "store"}, "staff.users"),
        ("POST", "/v1/tokens", {"name": "T", "scopes": ["orders:read"]}, "staff.tokens"),
    ]
    for method, path, body, table in requests:
        before = await api.counted(table)
        first = await api.ask(method, path, body, key=f"{method} {path}")
        again = await api.ask(method, path, body, key=f"{method} {path}")
        assert first.status_code == 201, first.text
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers.get("location") == first.headers.get("location")
        assert await api.counted(table) == before + 1


async def test_what_is_kept_under_a_key_gives_no_secret_away(api: Api) -> None:
    password = "correct horse battery staple"
    requests: list[tuple[str, Any]] = [
        ("/v1/tokens", {"name": "T", "scopes": ["orders:read"]}),
        ("/v1/webhooks/endpoints", {"url": "https://e.com", "types": ["*"]}),
        ("/v1/users", {"email": "u@example.com", "name": "U", "role": "store", "password": password}),
    ]
    for path, body in requests:
        first = await api.post(path, body, key=path)
        assert first.status_code == 201, first.text
        assert (await api.post(path, body, key=path)).content == first.content
        problem(
            await api.post(path, body | {"name": "other"} if "name" in body else body | {"types": ["order.*"]}, key=path),
            422,
            "idempotency_key_reused",
        )
        secret = first.json().get("secret", "no secret in here")
        async with api.services.database.read() as reader:
            kept = [bytes(answer) for answer in await reader.values("SELECT answer FROM runtime.idempotency")]
        assert not [answer for answer in kept if secret.encode() in answer]
        assert not [answer for answer in kept if b"example.com" in answer]
