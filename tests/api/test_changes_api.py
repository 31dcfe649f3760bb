"""Changes, returns, refunds and gift cards over the API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2

from api.conftest import Api, problem
from comptoir.app import Application
from comptoir.kernel.ids import to_text, uuid7
from comptoir.runtime.limits import Limiter
from comptoir.surfaces.api.routes import routes
from comptoir.surfaces.services import Services

NOBODY = "T0000-00000-00000-00000"


async def placed(api: Api, *, paid: bool = True, shipped: bool = True, **units: int) -> dict[str, Any]:
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in units.items()]
    answer = await api.post("/v1/orders", {"channel": "web", "lines": lines})
    assert answer.status_code == 201, answer.text
    order = answer.json()
    path = f"/v1/orders/{order['id']}"
    if paid:
        body = {"kind": "captured", "method": "card", "amount": order["total"], "reference": "c"}
        assert (await api.post(f"{path}/payments", body)).status_code == 200
    if shipped:
        assert (await api.post(f"{path}/ship", {"location_id": api.location("paris")})).status_code == 200
    return (await api.get(path)).json()


async def done(api: Api, path: str, body: Any = None, status: int = 200, **more: Any) -> dict[str, Any]:
    answer = await api.post(path, body, **more)
    assert answer.status_code == status, answer.text
    return answer.json()


def cancelling(order: dict[str, Any], quantity: int = 1, **more: Any) -> dict[str, Any]:
    actions = [{"do": "cancel", "line_no": 1, "quantity": quantity}]
    return {"order_id": order["id"], "kind": "cancel", "actions": actions, "reason": "asked"} | more


async def test_a_change_is_previewed_asked_for_and_confirmed_once(api: Api) -> None:
    order = await placed(api, TEA=3, shipped=False)
    seen = await done(api, "/v1/change-previews", cancelling(order))
    (effect,) = seen["effects"]
    assert (effect["do"], effect["value"], seen["granted"], seen["after"]["granted"]) == ("cancel", -500, 500, 500)
    assert effect["stock"] == [
        {"line_no": 1, "sku": "TEA", "location_id": None, "reserved": 0, "waiting": 0, "cancelled": 1, "returned": 0},
        {
            "line_no": 1,
            "sku": "TEA",
            "location_id": api.location("paris"),
            "reserved": -1,
            "waiting": 0,
            "cancelled": 0,
            "returned": 0,
        },
    ]
    assert (await api.get(f"/v1/orders/{order['id']}")).json() == order
    made = await done(api, "/v1/changes", cancelling(order, order_version=order["version"]), 201, key="k")
    assert await done(api, "/v1/changes", cancelling(order, order_version=order["version"]), 201, key="k") == made
    assert (made["state"], made["outcome"]) == ("requested", seen)
    problem(await api.post("/v1/changes", cancelling(order)), 409, "change_open")
    confirmed = await done(api, f"/v1/changes/{made['id']}/confirm")
    assert (confirmed["state"], confirmed["outcome"]["after"]) == ("confirmed", seen["after"])
    assert (await done(api, f"/v1/changes/{made['id']}/confirm"))["outcome"] is None
    listed = (await api.get("/v1/changes", order_id=order["id"], state="confirmed")).json()
    assert [one["id"] for one in listed["items"]] == [made["id"]]
    assert (await api.get(f"/v1/changes/{made['id']}")).json()["version"] == 2
    problem(await api.post(f"/v1/changes/{made['id']}/cancel"), 409, "change_step_refused")


async def test_a_stale_change_says_so(api: Api) -> None:
    order = await placed(api, TEA=3, shipped=False)
    problem(await api.post("/v1/changes", cancelling(order, order_version=order["version"] + 1)), 412, "stale")
    made = await done(api, "/v1/changes", cancelling(order), 201)
    await done(api, f"/v1/orders/{order['id']}/cancel", {"lines": [{"line_no": 1, "quantity": 1}]})
    told = problem(await api.post(f"/v1/changes/{made['id']}/confirm"), 412, "stale")
    assert told["data"]["id"] == order["id"]
    assert (await done(api, f"/v1/changes/{made['id']}/cancel"))["state"] == "cancelled"


async def test_every_action_has_its_form(api: Api) -> None:
    order = await placed(api, TEA=2, shipped=False)
    body = {
        "order_id": order["id"],
        "kind": "edit",
        "actions": [
            {"do": "add_item", "sku": "COFFEE", "quantity": 1},
            {"do": "add_charge", "kind": "shipping", "name": "Express", "amount": 700},
            {"do": "change_address", "address": {"city": "Lille", "country": "FR"}},
            {"do": "change_service", "service": "express"},
        ],
    }
    made = await done(api, "/v1/changes", body, 201)
    changed = await done(api, f"/v1/changes/{made['id']}/confirm")
    assert changed["outcome"]["after"]["owed_by_buyer"] == 1900
    order = (await api.get(f"/v1/orders/{order['id']}")).json()
    assert (order["ship_to"]["city"], order["service"], order["total"]) == ("Lille", "express", 2900)
    told = problem(await api.post("/v1/change-previews", body | {"kind": "cancel"}), 422, "action_not_allowed")
    assert told["data"]["actions"] == [0, 2, 3]
    problem(await api.post("/v1/change-previews", body | {"actions": [{"do": "dance"}]}), 422, "invalid_request")


async def test_a_change_is_declined_with_a_reason_and_renewed_when_the_order_has_changed(api: Api) -> None:
    order = await placed(api, TEA=3, shipped=False)
    made = await done(api, "/v1/changes", cancelling(order), 201)
    await done(api, f"/v1/orders/{order['id']}/cancel", {"lines": [{"line_no": 1, "quantity": 1}]})
    problem(await api.post(f"/v1/changes/{made['id']}/confirm"), 412, "stale")
    renewed = await done(api, f"/v1/changes/{made['id']}/renew")
    assert (renewed["state"], renewed["outcome"]["granted"]) == ("requested", 1000)
    assert (renewed["outcome"]["given"], renewed["outcome"]["approval_above"], renewed["outcome"]["recalls"]) == (500, None, [])
    declined = await done(api, f"/v1/changes/{made['id']}/decline", {"reason": "once is enough"})
    assert (declined["state"], declined["decision"]) == ("declined", "once is enough")


async def test_an_order_is_collected_from_now_on(api: Api) -> None:
    order = await placed(api, TEA=1, shipped=False)
    body = {"order_id": order["id"], "kind": "edit", "actions": [{"do": "change_pickup", "location_id": api.location("paris")}]}
    problem(await api.post("/v1/change-previews", body), 422, "not_collected_there")
    nowhere = body | {"actions": [{"do": "change_pickup", "location_id": None}]}
    problem(await api.post("/v1/change-previews", nowhere), 422, "no_address")


async def test_money_goes_back_as_it_was_paid(api: Api) -> None:
    order = await placed(api, TEA=2, shipped=False)
    await done(api, f"/v1/orders/{order['id']}/cancel", {"lines": [{"line_no": 1, "quantity": 1}]})
    money = await done(api, f"/v1/orders/{order['id']}/grants", {"amount": 500, "reason": "Cancelled"})
    assert money["methods"] == [{"method": "card", "captured": 1000, "refunded": 0, "left": 1000}]
    path = f"/v1/orders/{order['id']}/grants/{money['grants'][0]['id']}/execute"
    told = problem(await api.post(path, {"amount": 500, "method": "cash"}), 409, "over_method")
    assert told["data"] == {"method": "cash", "left": 0, "asked": 500}
    money = await done(api, path, {"amount": 500, "method": "card", "reference": "r"})
    assert money["methods"][0]["left"] == 500


async def test_approval_is_needed_over_what_the_policy_says(api: Api) -> None:
    policy = await done(api, "/v1/return-policies", {"code": "careful", "position": 1, "approval_above": 600}, 201)
    order = await placed(api, TEA=3, shipped=False)
    made = await done(api, "/v1/changes", cancelling(order, 2), 201)
    assert made["needs_approval"]
    problem(await api.post(f"/v1/changes/{made['id']}/confirm"), 409, "approval_needed")
    approved = await done(api, f"/v1/changes/{made['id']}/approve", {"reason": "all right"})
    assert approved["decided_by"].startswith("token:tok_")
    assert (await done(api, f"/v1/changes/{made['id']}/confirm"))["state"] == "confirmed"
    changed = await api.ask("PUT", f"/v1/return-policies/{policy['id']}", {"code": "careful", "position": 2, "fee": 100})
    assert (changed.json()["version"], changed.json()["approval_above"]) == (2, None)
    assert len((await api.get("/v1/return-policies")).json()["items"]) == 1
    problem(await api.post("/v1/return-policies", {"code": "careful", "position": 1}), 409, "policy_code_taken")


async def test_a_policy_names_its_articles_and_holds_for_these_alone(api: Api) -> None:
    final = {"code": "final", "position": 1, "skus": ["TEA"], "final_sale": True, "exempt": True}
    policy = await done(api, "/v1/return-policies", final, 201)
    assert (policy["skus"], policy["category"]) == (["TEA"], [])
    order = await placed(api, TEA=1, shipped=True)
    (offer,) = (await api.get(f"/v1/orders/{order['id']}/return-offers")).json()["items"]
    assert (offer["allowed"], offer["why"]) == (False, "final_sale")
    unknown = await api.post("/v1/return-policies", final | {"code": "other", "skus": ["TEA", "NOTHING"]})
    assert unknown.json()["errors"] == [{"path": "/skus/1", "message": "is no SKU of the catalogue"}]
    changed = await api.ask("PUT", f"/v1/return-policies/{policy['id']}", final | {"skus": []})
    assert changed.json()["skus"] == []


async def test_a_return_from_the_offer_to_the_money(api: Api) -> None:
    order = await placed(api, TEA=3)
    offers = (await api.get(f"/v1/orders/{order['id']}/return-offers")).json()["items"]
    assert [(one["line_no"], one["allowed"], one["why"]) for one in offers] == [(1, True, "withdrawal")]
    body = {"order_id": order["id"], "lines": [{"line_no": 1, "quantity": 2, "reason": "too_small"}]}
    made = await done(api, "/v1/returns", body, 201)
    path = f"/v1/returns/{made['id']}"
    assert made["state"] == "approved"
    await done(api, f"{path}/send", {"carrier": "Colissimo", "tracking_number": "6A1"})
    arrived = {"location_id": api.location("lyon"), "lines": [{"line_no": 1, "quantity": 2}], "parcel": "6A1"}
    received = await done(api, f"{path}/receive", arrived)
    assert (await done(api, f"{path}/receive", arrived))["received"] == received["received"]
    row = received["received"][0]
    assert (row["value"], row["released"], row["fate"]) == (1000, True, None)
    look = {"received_id": row["id"], "quantity": 2, "condition": "used", "fate": "damaged", "deduct": 300}
    looked = await done(api, f"{path}/inspect", {"lines": [look]})
    assert looked["state"] == "inspected"
    problem(await api.post(f"{path}/inspect", {"lines": [look]}), 409, "return_step_refused")
    assert (await done(api, f"{path}/close"))["state"] == "closed"
    money = (await api.get(f"/v1/orders/{order['id']}/money")).json()
    assert (money["standing"]["granted"], money["standing"]["owed_to_buyer"]) == (700, 700)
    grant = next(one for one in money["grants"] if one["open"])
    grants = f"/v1/orders/{order['id']}/grants"
    problem(await api.post(f"{grants}/{grant['id']}/execute", {"amount": 701, "method": "card"}), 409, "over_grant")
    problem(
        await api.post(f"{grants}/{grant['id']}/execute", {"amount": 1, "method": "card_terminal"}), 422, "reference_missing"
    )
    money = await done(api, f"{grants}/{grant['id']}/execute", {"amount": 700, "method": "card", "reference": "r"})
    assert (money["standing"]["refunded"], money["standing"]["granted"]) == (700, 0)
    problem(await api.post(f"{grants}/{grant['id']}/withdraw", {}), 409, "grant_closed")
    problem(await api.post(grants, {"amount": 1, "reason": "more"}), 409, "over_owed")
    problem(await api.post(f"{grants}/{to_text('grn', uuid7())}/withdraw", {}), 404, "unknown_grant")


async def test_what_nobody_announced_is_received_anywhere(api: Api) -> None:
    order = await placed(api, TEA=1)
    found = (await api.get("/v1/returnable", search=str(order["number"]))).json()["items"]
    assert found[0]["lines"] == [{"line_no": 1, "sku": "TEA", "quantity": 1}]
    body = {"location_id": api.location("lyon"), "order_id": order["id"], "lines": [{"line_no": 1, "quantity": 1}]}
    case = await done(api, "/v1/return-receipts", body)
    assert (case["state"], case["announced"]) == ("received", False)
    problem(await api.post("/v1/return-receipts", body), 409, "not_returnable")
    unknown = {"location_id": api.location("lyon"), "sku": "ODD", "quantity": 1}
    case = await done(api, "/v1/return-receipts", unknown)
    assert (case["order_id"], case["why"]) == (None, "not_sold_by_us")
    problem(await api.post(f"/v1/returns/{case['id']}/pay-out"), 409, "not_sold_by_us")
    problem(await api.post("/v1/return-receipts", unknown | {"order_id": order["id"]}), 422, "invalid")
    states = [one["state"] for one in (await api.get("/v1/returns", state="received")).json()["items"]]
    assert states == ["received", "received"]


async def test_a_channel_has_the_last_word_on_its_returns(api: Api) -> None:
    order = await placed(api, TEA=2)
    body = {"location_id": api.location("paris"), "lines": [{"line_no": 1, "quantity": 1}], "external_id": "R1"}
    case = await done(api, f"/v1/orders/{order['id']}/channel-returns", body)
    assert (case["state"], case["fact"]) == ("closed", True)
    assert (await done(api, f"/v1/orders/{order['id']}/channel-returns", body))["id"] == case["id"]


async def test_a_gift_card_is_issued_looked_up_and_spent(api: Api) -> None:
    new = {"kind": "gift_card", "currency": "EUR", "amount": 800}
    made = await done(api, "/v1/accounts", new, 201, key="g")
    assert (await done(api, "/v1/accounts", new, 201, key="g"))["code"] == made["code"]
    found = await done(api, "/v1/account-lookups", {"code": made["code"].lower()})
    assert (found["id"], found["balance"], made["code"][-4:]) == (made["id"], 800, found["last4"])
    order = await placed(api, paid=False, TEA=1)
    money = await done(api, f"/v1/orders/{order['id']}/spend", {"code": made["code"]})
    assert (money["standing"]["captured"], money["standing"]["owed_by_buyer"]) == (500, 0)
    other = await placed(api, paid=False, TEA=1)
    path = f"/v1/orders/{other['id']}/spend"
    problem(await api.post(path, {"account_id": made["id"], "amount": 400}), 409, "balance_too_low")
    problem(await api.post(path, {"account_id": made["id"], "amount": 501}), 409, "over_owed")
    await done(api, f"/v1/accounts/{made['id']}/adjust", {"amount": 100, "reference": "goodwill"})
    entries = (await api.get(f"/v1/accounts/{made['id']}/entries")).json()["items"]
    assert [(one["kind"], one["amount"], one["balance"]) for one in entries] == [
        ("issued", 800, 800),
        ("spent", -500, 300),
        ("adjusted", 100, 400),
    ]
    assert (await api.get(f"/v1/accounts/{made['id']}")).json()["balance"] == 400


async def test_store_credit_is_paid_out_with_a_code(api: Api) -> None:
    order = await placed(api, TEA=1)
    body = {"location_id": api.location("lyon"), "order_id": order["id"], "lines": [{"line_no": 1, "quantity": 1}]}
    case = await done(api, "/v1/return-receipts", body)
    paid = await done(api, f"/v1/returns/{case['id']}/pay-out", key="p")
    assert (paid["amount"], paid["account"]["balance"]) == (500, 500)
    assert (await done(api, f"/v1/returns/{case['id']}/pay-out", key="p")) == paid
    assert (await done(api, "/v1/account-lookups", {"code": paid["code"]}))["kind"] == "store_credit"
    problem(await api.post(f"/v1/returns/{case['id']}/pay-out"), 409, "nothing_to_pay_out")


async def test_whoever_guesses_codes_has_to_wait(api: Api) -> None:
    problem(await api.post("/v1/account-lookups", {"code": NOBODY}), 404, "unknown_account")
    limited = replace(api.services, strangers=Limiter(burst=2, seconds=60))
    guarded = _api_with(api, limited)
    for _ in range(2):
        problem(await guarded.post("/v1/account-lookups", {"code": NOBODY}), 404, "unknown_account")
    answer = await guarded.post("/v1/account-lookups", {"code": NOBODY})
    assert problem(answer, 429, "too_many_requests")
    assert int(answer.headers["retry-after"]) >= 1
    order = await placed(api, paid=False, TEA=1)
    problem(await guarded.post(f"/v1/orders/{order['id']}/spend", {"code": NOBODY}), 429, "too_many_requests")


def _api_with(api: Api, services: Services) -> Api:
    answer, handlers = routes(services)
    app = Application(handlers, openapi_config=None, logging_config=None)
    app.answer_api = answer
    transport: Any = httpx2.ASGITransport(app=app)
    client = httpx2.AsyncClient(transport=transport, base_url="http://testserver")
    return Api(services, app, client, api.shop, api.token)


async def test_an_exchange_that_is_gone_by_its_approval_goes_on_otherwise(api: Api) -> None:
    await done(api, "/v1/return-policies", {"code": "careful", "position": 1, "approval_above": 100}, 201)
    order = await placed(api, TEA=1)
    exchange = [{"sku": "COFFEE", "quantity": 1}]
    body = {"order_id": order["id"], "lines": [{"line_no": 1, "quantity": 1, "reason": "too_small"}], "exchange": exchange}
    made = await done(api, "/v1/returns", body, 201)
    assert made["state"] == "requested"
    assert len((await api.get(f"/v1/orders/{order['id']}")).json()["lines"]) == 1
    await placed(api, COFFEE=4, shipped=False)
    path = f"/v1/returns/{made['id']}"
    problem(await api.post(f"{path}/approve"), 409, "insufficient_stock")
    problem(await api.post(f"{path}/approve-otherwise", {"instead": "other_item", "sku": "COFFEE"}), 422, "invalid")
    approved = await done(api, f"{path}/approve-otherwise", {"instead": "other_item", "sku": "TEA"})
    assert approved["state"] == "approved"
    assert [line["sku"] for line in (await api.get(f"/v1/orders/{order['id']}")).json()["lines"]] == ["TEA", "TEA"]


async def test_a_customer_is_erased_with_what_is_kept_told(api: Api) -> None:
    identity = {"kind": "email", "value": "ada@example.com"}
    made = await done(api, "/v1/customers", {"name": "Ada", "identities": [identity]}, 201)
    erased = await done(api, f"/v1/customers/{made['id']}/erase", key="once")
    assert erased == {"id": made["id"], "kept": []}
    assert (await done(api, f"/v1/customers/{made['id']}/erase", key="once")) == erased
    there = (await api.get(f"/v1/customers/{made['id']}")).json()
    assert (there["name"], there["identities"]) == ("", [])
    assert (await api.post("/v1/customers", {"name": "Ada", "identities": [identity]})).status_code == 201
