from __future__ import annotations

import asyncio
from typing import Any

from api.conftest import Api, problem
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import Postcode
from comptoir.modules.staff.contracts import Scope

ORDER: dict[str, Any] = {"channel": "web", "lines": [{"sku": "TEA", "quantity": 2}]}


async def test_an_order_is_placed_and_its_units_are_reserved(api: Api) -> None:
    answer = await api.post("/v1/orders", ORDER)
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert answer.headers["location"] == f"/v1/orders/{order['id']}"
    assert (order["channel"], order["currency"], order["amount"], order["total"]) == ("web", "EUR", 1000, 1000)
    (line,) = order["lines"]
    assert line["allocations"] == [{"location_id": api.location("paris"), "quantity": 2}]
    assert (line["unit_price"], line["tax"], line["tax_rate"]) == (500, 167, "0.2")
    assert (await api.shop.level("TEA", "paris")).reserved == 2
    await api.shop.doctors()


async def test_the_same_key_gives_the_same_bytes_and_no_second_order(api: Api) -> None:
    first = await api.post("/v1/orders", ORDER, key="k1")
    again = await api.post("/v1/orders", ORDER, key="k1")
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert await api.counted("orders.orders") == 1


async def test_many_at_once_with_one_key_place_one_order(api: Api) -> None:
    answers = await asyncio.gather(*(api.post("/v1/orders", ORDER, key="same") for _ in range(20)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert await api.counted("orders.orders") == 1


async def test_a_key_belongs_to_one_request(api: Api) -> None:
    await api.post("/v1/orders", ORDER, key="k1")
    other = {"channel": "web", "lines": [{"sku": "TEA", "quantity": 1}]}
    problem(await api.post("/v1/orders", other, key="k1"), 422, "idempotency_key_reused")
    assert await api.counted("orders.orders") == 1


async def test_a_key_belongs_to_one_token(api: Api) -> None:
    other = await api.new_token(Scope.ORDERS_WRITE)
    await api.post("/v1/orders", ORDER, key="k1")
    assert (await api.post("/v1/orders", ORDER, key="k1", token=other)).status_code == 201
    assert await api.counted("orders.orders") == 2


async def test_what_is_not_there_is_refused_with_what_there_is_and_the_refusal_is_remembered(api: Api) -> None:
    body = {"channel": "web", "lines": [{"sku": "COFFEE", "quantity": 5}]}
    first = await api.post("/v1/orders", body, key="k1")
    told = problem(first, 409, "insufficient_stock")
    assert told["data"] == {"lines": [{"sku": "COFFEE", "requested": 5, "available": 4}]}
    await api.shop.receive("COFFEE", "lyon", 10)
    again = await api.post("/v1/orders", body, key="k1")
    assert again.content == first.content
    assert again.headers["content-type"] == "application/problem+json"
    assert (await api.post("/v1/orders", body, key="k2")).status_code == 201


async def test_part_of_an_order_is_taken_when_that_is_asked_for(api: Api) -> None:
    body = {"channel": "web", "lines": [{"sku": "COFFEE", "quantity": 5}], "fill": "partial"}
    (line,) = (await api.post("/v1/orders", body)).json()["lines"]
    assert (line["requested"], line["quantity"], line["total"]) == (5, 4, 4800)


async def test_a_channel_without_backorders_takes_none(api: Api) -> None:
    body = {"channel": "web", "lines": [{"sku": "COFFEE", "quantity": 5}], "fill": "backorder"}
    problem(await api.post("/v1/orders", body), 409, "backorder_not_allowed")


async def test_the_pickup_location_serves_first(api: Api) -> None:
    body = ORDER | {"pickup_location_id": api.location("lyon")}
    (line,) = (await api.post("/v1/orders", body)).json()["lines"]
    assert line["allocations"] == [{"location_id": api.location("lyon"), "quantity": 2}]
    told = problem(await api.post("/v1/orders", ORDER | {"pickup_location_id": api.location("paris")}), 422, "invalid")
    assert told["errors"][0]["path"] == "/pickup_location_id"


async def test_the_nearest_location_serves_first_among_equals(api: Api) -> None:
    pools = (await api.get("/v1/pools")).json()["items"]
    members = [{"location_id": api.location(code), "priority": 0} for code in ("paris", "lyon")]
    assert (await api.patch(f"/v1/pools/{pools[0]['id']}", {"members": members})).status_code == 200
    api.services.counters.forget()
    body = ORDER | {"ship_to": {"city": "Grenoble", "country": "FR", "latitude": 45.19, "longitude": 5.72}}
    (line,) = (await api.post("/v1/orders", body)).json()["lines"]
    assert line["allocations"] == [{"location_id": api.location("lyon"), "quantity": 2}]


async def test_what_is_sent_comes_from_where_parcels_are_sent(api: Api) -> None:
    home = {"ship_to": {"city": "Paris", "country": "FR", "latitude": 48.86, "longitude": 2.35}}
    assert (await api.patch(f"/v1/locations/{api.location('paris')}", {"ships": False})).status_code == 200
    api.services.counters.forget()
    for more in (home, {}):
        (line,) = (await api.post("/v1/orders", ORDER | more)).json()["lines"]
        assert line["allocations"] == [{"location_id": api.location("lyon"), "quantity": 2}]
    assert (await api.patch(f"/v1/locations/{api.location('lyon')}", {"ships": False})).status_code == 200
    api.services.counters.forget()
    (line,) = (await api.post("/v1/orders", ORDER)).json()["lines"]
    assert line["allocations"] == [{"location_id": api.location("paris"), "quantity": 2}], (
        "all is collected, where nobody ships"
    )


async def test_what_is_collected_where_nobody_ships_comes_from_there_alone(api: Api) -> None:
    for code in ("paris", "lyon"):
        assert (await api.patch(f"/v1/locations/{api.location(code)}", {"ships": False, "pickup": True})).status_code == 200
    api.services.counters.forget()
    there = {"pickup_location_id": api.location("lyon")}
    (line,) = (await api.post("/v1/orders", ORDER | there)).json()["lines"]
    assert line["allocations"] == [{"location_id": api.location("lyon"), "quantity": 2}]
    much = ORDER | there | {"lines": [{"sku": "TEA", "quantity": 6}]}
    problem(await api.post("/v1/orders", much), 409, "insufficient_stock")


async def test_a_total_that_the_buyer_was_not_shown_is_refused(api: Api) -> None:
    told = problem(await api.post("/v1/orders", ORDER | {"expected_total": 999}), 409, "total_changed")
    assert told["data"] == {"expected": 999, "total": 1000}
    assert (await api.post("/v1/orders", ORDER | {"expected_total": 1000})).status_code == 201


async def test_charges_and_payments_are_part_of_the_order(api: Api) -> None:
    body = ORDER | {
        "charges": [{"kind": "shipping", "name": "Home", "amount": 490, "tax_rate": "0.2"}],
        "payments": [{"kind": "captured", "method": "card", "amount": 1490, "reference": "pi_1"}],
        "buyer": {"name": "Camille", "email": "camille@example.com"},
        "external_id": "1042",
        "tags": ["gift"],
        "note": "Ring twice",
    }
    placed = (await api.post("/v1/orders", body)).json()
    assert placed["total"] == 1490
    order = (await api.get(f"/v1/orders/{placed['id']}")).json()
    assert (order["payment_status"], order["captured"], order["external_id"]) == ("paid", 1490, "1042")
    assert (order["tags"], order["note"], order["buyer"]["name"]) == (["gift"], "Ring twice", "Camille")
    assert [line["kind"] for line in order["lines"]] == ["item", "shipping"]
    told = problem(await api.post("/v1/orders", body), 409, "duplicate_order")
    assert told["data"]["order_id"] == placed["id"]


async def test_unknown_channels_skus_and_closed_channels_are_told_apart(api: Api) -> None:
    problem(await api.post("/v1/orders", ORDER | {"channel": "nope"}), 404, "unknown_channel")
    told = problem(await api.post("/v1/orders", ORDER | {"lines": [{"sku": "NOPE", "quantity": 1}]}), 422, "unknown_sku")
    assert told["data"] == {"skus": ["NOPE"]}
    assert (await api.patch("/v1/channels/web", {"active": False})).status_code == 200
    api.services.counters.forget()
    problem(await api.post("/v1/orders", ORDER), 409, "channel_closed")


async def test_sums_that_no_column_holds_are_refused(api: Api) -> None:
    lines = [{"sku": "TEA", "quantity": 1_000_000_000}] * 3
    problem(await api.post("/v1/orders", {"channel": "web", "lines": lines}), 422, "invalid")
    dear = [{"sku": "TEA", "quantity": 1_000_000_000, "unit_price": 2**53}]
    problem(await api.post("/v1/orders", {"channel": "web", "lines": dear}), 422, "invalid")
    assert await api.counted("orders.orders") == 0


async def test_a_hold_keeps_units_until_an_order_takes_them_over(api: Api) -> None:
    body = {"channel": "web", "cart": "c1", "lines": [{"sku": "COFFEE", "quantity": 3}]}
    answer = await api.post("/v1/holds", body, key="h1")
    assert answer.status_code == 201, answer.text
    hold = answer.json()
    assert answer.headers["location"] == f"/v1/holds/{hold['id']}"
    kept = (await api.get(f"/v1/holds/{hold['id']}")).json()
    assert kept["units"] == [{"line_no": 1, "sku": "COFFEE", "location_id": api.location("lyon"), "quantity": 3}]
    other = {"channel": "web", "lines": [{"sku": "COFFEE", "quantity": 2}]}
    problem(await api.post("/v1/orders", other), 409, "insufficient_stock")
    own = {"channel": "web", "lines": [{"sku": "COFFEE", "quantity": 3}], "hold_id": hold["id"]}
    assert (await api.post("/v1/orders", own)).status_code == 201
    problem(await api.get(f"/v1/holds/{hold['id']}"), 409, "hold_gone")
    await api.shop.doctors()


async def test_a_hold_is_replaced_and_released(api: Api) -> None:
    body: dict[str, Any] = {"channel": "web", "cart": "c1", "lines": [{"sku": "COFFEE", "quantity": 4}], "seconds": 60}
    first = (await api.post("/v1/holds", body)).json()
    smaller = body | {"lines": [{"sku": "COFFEE", "quantity": 1}]}
    answer = await api.ask("PUT", f"/v1/holds/{first['id']}", smaller)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] != first["id"]
    assert (await api.shop.level("COFFEE", "lyon")).reserved == 1
    gone = await api.ask("DELETE", f"/v1/holds/{answer.json()['id']}", key="d1")
    assert (gone.status_code, gone.content) == (204, b"")
    again = await api.ask("DELETE", f"/v1/holds/{answer.json()['id']}", key="d1")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (204, "true")
    problem(await api.ask("DELETE", f"/v1/holds/{answer.json()['id']}"), 409, "hold_gone")
    assert (await api.shop.level("COFFEE", "lyon")).reserved == 0


async def test_an_address_without_a_place_is_where_its_postcode_is(api: Api) -> None:
    async with api.shop.database.transaction() as tx:
        await locations.put_postcodes(tx, [Postcode("FR", "69002", 45.76, 4.83, "Lyon")])
    to = {"name": "Zoé", "line1": "1 rue du Lac", "postcode": "69 002", "city": "Lyon", "country": "FR"}
    placed = (await api.post("/v1/orders", ORDER | {"ship_to": to})).json()
    shown = (await api.get(f"/v1/orders/{placed['id']}")).json()["ship_to"]
    assert (shown["latitude"], shown["longitude"]) == (45.76, 4.83)
    there = to | {"latitude": 45.7, "longitude": 4.8}
    placed = (await api.post("/v1/orders", ORDER | {"ship_to": there})).json()
    shown = (await api.get(f"/v1/orders/{placed['id']}")).json()["ship_to"]
    assert (shown["latitude"], shown["longitude"]) == (45.7, 4.8), "who says it knows better"
    placed = (await api.post("/v1/orders", ORDER | {"ship_to": to | {"postcode": "99999"}})).json()
    assert (await api.get(f"/v1/orders/{placed['id']}")).json()["ship_to"].get("latitude") is None
