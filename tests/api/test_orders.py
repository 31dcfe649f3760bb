from __future__ import annotations

from typing import Any

from api.conftest import Api, problem


async def placed(api: Api, **units: int) -> dict[str, Any]:
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in units.items()]
    answer = await api.post("/v1/orders", {"channel": "web", "lines": lines})
    assert answer.status_code == 201, answer.text
    return (await api.get(f"/v1/orders/{answer.json()['id']}")).json()


async def test_an_order_is_shown_with_everything_around_it(api: Api) -> None:
    order = await placed(api, TEA=2, COFFEE=1)
    answer = await api.get(f"/v1/orders/{order['id']}")
    assert answer.headers["etag"].startswith(f'"{order["version"]}-')
    assert (order["fulfilment_status"], order["payment_status"], order["return_status"]) == ("unfulfilled", "pending", "none")
    assert (order["quantity"], order["total"], order["currency"]) == (3, 2200, "EUR")
    tea, coffee = order["lines"]
    assert (tea["unit_price"], tea["exact_unit_price"], tea["total"]) == (500, "5", 1000)
    assert coffee["allocations"] == [{"location_id": api.location("lyon"), "quantity": 1}]


async def test_orders_are_listed_page_by_page(api: Api) -> None:
    orders = [(await placed(api, TEA=1))["id"] for _ in range(5)]
    seen: list[str] = []
    answer = await api.get("/v1/orders", sort="placed", limit=2)
    while True:
        page = answer.json()
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        assert f'cursor={page["next"]}>; rel="next"' in answer.headers["link"]
        answer = await api.client.get(
            answer.headers["link"].partition(">")[0].removeprefix("<"), headers={"authorization": f"Bearer {api.token}"}
        )
    assert seen == orders
    assert 'rel="prev"' in answer.headers["link"]


async def test_orders_are_found_by_what_they_are(api: Api) -> None:
    one, other = await placed(api, TEA=1), await placed(api, COFFEE=1)
    await api.post(f"/v1/orders/{one['id']}/cancel", {})

    async def found(**params: Any) -> set[str]:
        answer = await api.get("/v1/orders", **params)
        assert answer.status_code == 200, answer.text
        return {order["id"] for order in answer.json()["items"]}

    assert await found(fulfilment="cancelled") == {one["id"]}
    assert await found(fulfilment=["cancelled", "unfulfilled"]) == {one["id"], other["id"]}
    assert await found(sku="COFFEE") == {other["id"]}
    assert await found(search=str(one["number"])) == {one["id"]}
    assert await found(total_from=1000) == {other["id"]}
    assert await found(channel="nope") == set()
    assert await found(has_exception="true") == set()
    assert await found(placed_before="2020-01-01T00:00:00Z") == set()


async def test_an_order_goes_through_its_life(api: Api) -> None:
    order = await placed(api, TEA=3, COFFEE=1)
    path, paris, lyon = f"/v1/orders/{order['id']}", api.location("paris"), api.location("lyon")

    shipped = await api.post(
        f"{path}/ship",
        {"location_id": lyon, "lines": [{"line_no": 1, "quantity": 2}], "carrier": "Colissimo", "tracking_number": "6A1"},
        key="s1",
    )
    assert shipped.status_code == 200, shipped.text
    again = await api.post(
        f"{path}/ship",
        {"location_id": lyon, "lines": [{"line_no": 1, "quantity": 2}], "carrier": "Colissimo", "tracking_number": "6A1"},
        key="s1",
    )
    assert (again.content, again.headers["idempotency-replayed"]) == (shipped.content, "true")
    assert again.headers["etag"] == shipped.headers["etag"]
    now = shipped.json()
    assert (now["fulfilment_status"], now["shipped"]) == ("partial", 2)
    (parcel,) = now["shipments"]
    assert (parcel["carrier"], parcel["lines"]) == ("Colissimo", [{"line_no": 1, "quantity": 2}])

    cancelled = (await api.post(f"{path}/cancel", {"lines": [{"line_no": 1, "quantity": 1}], "reason": "changed"})).json()
    assert cancelled["lines"][0]["cancelled"] == 1
    returned = (
        await api.post(f"{path}/return", {"location_id": paris, "lines": [{"line_no": 1, "quantity": 1}], "reason": "small"})
    ).json()
    assert (returned["return_status"], returned["returns"][0]["refundable"]) == ("partial", 500)
    assert (await api.shop.level("TEA", "paris")).on_hand == 11

    paid = (
        await api.post(f"{path}/payments", {"kind": "captured", "method": "card", "amount": 2700, "reference": "p1"})
    ).json()
    assert (paid["value"], paid["owed"]) == (1700, 1000), "a tea was cancelled, and one came back"
    assert (paid["captured"], paid["payment_status"]) == (2700, "overpaid")
    problem(await api.post(f"{path}/refunds", {"method": "card", "amount": 2701}), 409, "over_refund")
    refunded = (await api.post(f"{path}/refunds", {"method": "card", "amount": 500})).json()
    assert (refunded["refunded"], refunded["payment_status"], refunded["owed"]) == (500, "overpaid", 500)
    (listed,) = (await api.get("/v1/orders?owed=to_buyer")).json()["items"]
    assert (listed["id"], listed["owed"], listed["payment_status"]) == (order["id"], 500, "overpaid")
    assert (await api.get("/v1/orders?owed=by_buyer")).json()["items"] == []
    refunded = (await api.post(f"{path}/refunds", {"method": "card", "amount": 500})).json()
    assert (refunded["payment_status"], refunded["owed"]) == ("partly_refunded", 0)

    timeline = (await api.get(f"{path}/timeline")).json()["items"]
    assert [entry["type"] for entry in timeline] == [
        "order.placed",
        "order.shipped",
        "order.cancelled",
        "order.returned",
        "order.paid",
        "order.paid",
        "order.paid",
    ]
    assert timeline[1]["data"]["location_id"] == lyon
    assert timeline[1]["actor"].startswith("token:tok_")
    await api.shop.doctors()


async def test_units_are_moved_released_and_allocated(api: Api) -> None:
    order = await placed(api, TEA=2)
    path = f"/v1/orders/{order['id']}"
    move = {
        "line_no": 1,
        "quantity": 1,
        "from_location_id": api.location("paris"),
        "to_location_id": api.location("lyon"),
    }
    moved = (await api.post(f"{path}/move", move)).json()
    assert {a["location_id"]: a["quantity"] for a in moved["lines"][0]["allocations"]} == {
        api.location("paris"): 1,
        api.location("lyon"): 1,
    }
    released = (await api.post(f"{path}/release", {})).json()
    assert (released["backordered"], released["fulfilment_status"]) == (2, "backordered")
    allocated = (await api.post(f"{path}/allocate", {"location_ids": [api.location("lyon")]})).json()
    assert allocated["lines"][0]["allocations"] == [{"location_id": api.location("lyon"), "quantity": 2}]
    assert (await api.post(f"{path}/release", {"lines": [{"line_no": 1, "quantity": 1}]})).status_code == 200
    assert (await api.post(f"{path}/allocate", {})).json()["backordered"] == 0
    await api.shop.doctors()


async def test_steps_are_refused_with_their_reason_and_change_nothing(api: Api) -> None:
    order = await placed(api, TEA=1)
    path = f"/v1/orders/{order['id']}"
    told = problem(await api.post(f"{path}/cancel", {"lines": [{"line_no": 1, "quantity": 5}]}), 409, "quantity_not_open")
    assert told["data"]["lines"] == [{"line_no": 1, "asked": 5, "open": 1}]
    problem(await api.post(f"{path}/cancel", {"lines": [{"line_no": 9, "quantity": 1}]}), 422, "unknown_line")
    problem(await api.post(f"{path}/ship", {"location_id": api.location("lyon")}), 409, "not_reserved_there")
    nowhere = "loc_01kag8v6w3e9n8r2t5y7z4c6bd"
    told = problem(await api.post(f"{path}/ship", {"location_id": nowhere}), 404, "unknown_location")
    assert told["data"] == {"kind": "location", "id": nowhere}
    problem(await api.post(f"{path}/payments", {"kind": "voided", "method": "card", "amount": 1}), 409, "over_void")
    assert (await api.get(path)).json() == order


async def test_whoever_decided_on_an_older_version_is_told(api: Api) -> None:
    order = await placed(api, TEA=2)
    path, seen = f"/v1/orders/{order['id']}", f'"{order["version"]}"'
    assert (await api.post(f"{path}/cancel", {"lines": [{"line_no": 1, "quantity": 1}]}, headers={"if-match": seen})).is_success
    told = problem(await api.post(f"{path}/cancel", {}, headers={"if-match": seen}), 412, "stale")
    assert told["data"] == {"kind": "order", "id": order["id"], "version": order["version"] + 1}
    assert (await api.post(f"{path}/cancel", {}, headers={"if-match": "*"})).is_success
    problem(await api.post(f"{path}/cancel", {}, headers={"if-match": "yesterday"}), 422, "invalid_request")


REPORTED: dict[str, Any] = {
    "external_id": "#10/42",
    "version": "1",
    "placed_at": "2026-11-23T10:30:00+01:00",
    "currency": "EUR",
    "lines": [{"sku": "TEA", "name": "Tea", "quantity": 20, "amount": 10000, "unit_price": "5.00"}],
    "payments": [{"kind": "captured", "method": "card", "amount": 10000, "at": "2026-11-23T09:30:00Z"}],
}


async def test_what_a_channel_sold_is_recorded_whatever_the_stock_says(api: Api) -> None:
    answer = await api.post("/v1/channels/web/orders", {"orders": [REPORTED]})
    assert answer.status_code == 200, answer.text
    (result,) = answer.json()["results"]
    assert (result["outcome"], result["short"]) == ("created", 5)
    found = await api.ask("GET", "/v1/channels/web/orders/%2310%2F42")
    order = found.json()
    assert (order["id"], order["external_id"], order["placed_at"]) == (result["order_id"], "#10/42", "2026-11-23T09:30:00Z")
    assert (order["total"], order["payment_status"]) == (10000, "paid")

    (known,) = (await api.post("/v1/channels/web/orders", {"orders": [REPORTED]})).json()["results"]
    assert (known["outcome"], known["order_id"]) == ("known", order["id"])
    newer = REPORTED | {"version": "2", "lines": [REPORTED["lines"][0] | {"cancelled": 15}]}
    (updated,) = (await api.post("/v1/channels/web/orders", {"orders": [newer]})).json()["results"]
    assert updated["outcome"] == "updated"
    assert (await api.get(f"/v1/orders/{order['id']}")).json()["cancelled"] == 15
    await api.shop.doctors()


async def test_a_batch_is_recorded_whole_and_in_order(api: Api) -> None:
    orders = [REPORTED | {"external_id": f"E{n}", "lines": [REPORTED["lines"][0] | {"quantity": 1}]} for n in range(100)]
    results = (await api.post("/v1/channels/web/orders", {"orders": orders}, key="b1")).json()["results"]
    assert [one["external_id"] for one in results] == [f"E{n}" for n in range(100)]
    bad = [*orders, REPORTED | {"external_id": "E100", "location_code": "nowhere"}]
    told = problem(await api.post("/v1/channels/web/orders", {"orders": bad}), 422, "invalid")
    assert told["errors"] == [{"path": "/orders/100/location_code", "message": "is no location"}]
    assert await api.counted("orders.orders") == 100


async def test_lines_that_contradict_themselves_are_refused(api: Api) -> None:
    shipping = {"kind": "shipping", "name": "Home", "sku": "TEA", "quantity": 1, "amount": 1}
    for line in (shipping, {"name": "x", "quantity": 1, "amount": 1}):
        told = problem(await api.post("/v1/channels/web/orders", {"orders": [REPORTED | {"lines": [line]}]}), 422, "invalid")
        assert told["errors"][0]["path"] == "/orders/0/lines/0/sku"
    problem(await api.post("/v1/channels/nope/orders", {"orders": [REPORTED]}), 404, "unknown_channel")


async def test_what_a_closed_channel_sold_is_still_a_fact(api: Api) -> None:
    await api.patch("/v1/channels/web", {"active": False})
    (result,) = (await api.post("/v1/channels/web/orders", {"orders": [REPORTED]})).json()["results"]
    assert result["outcome"] == "created"


async def test_an_exception_is_put_right_by_one_of_its_choices(api: Api) -> None:
    await api.shop.settle()
    order = await placed(api, COFFEE=3)
    count = {"location_id": api.location("lyon"), "lines": [{"sku": "COFFEE", "counted": 1}]}
    assert (await api.post("/v1/stock/counts", count)).status_code == 201
    await api.shop.settle()
    (one,) = (await api.get("/v1/exceptions")).json()["items"]
    assert (one["kind"], one["order_id"], one["quantity"], one["state"]) == ("shortfall", order["id"], 2, "open")
    path = f"/v1/exceptions/{one['id']}"
    assert set((await api.get(path)).json()["choices"]) == {"backorder", "cancel", "wait"}
    problem(await api.post(f"{path}/resolve", {"choice": "move", "location_id": api.location("paris")}), 409, "not_that_kind")
    await api.shop.receive("COFFEE", "paris", 2)
    details = (await api.get(path)).json()
    assert details["sources"] == [{"location_id": api.location("paris"), "available": 2, "against": None}]
    told = problem(await api.post(f"{path}/resolve", {"choice": "move"}), 422, "invalid")
    assert told["errors"][0]["path"] == "/location_id"
    body = {"choice": "move", "location_id": api.location("paris")}
    answer = await api.post(f"{path}/resolve", body, key="r1")
    assert (answer.status_code, answer.json()["state"], answer.json()["resolution"]) == (200, "resolved", "moved")
    assert (await api.post(f"{path}/resolve", body, key="r1")).content == answer.content
    problem(await api.post(f"{path}/resolve", body), 409, "exception_closed")
    assert (await api.shop.level("COFFEE", "paris")).reserved == 2
    await api.shop.doctors()
