from __future__ import annotations

from typing import Any

from api.conftest import Api, problem


async def test_a_channel_is_told_what_it_may_promise(api: Api) -> None:
    answer = await api.get("/v1/availability/TEA", channel="web")
    assert answer.json() == {"sku": "TEA", "available": 15, "in_pool": 15}
    await api.post("/v1/orders", {"channel": "web", "lines": [{"sku": "TEA", "quantity": 4}]})
    assert (await api.get("/v1/availability/TEA", channel="web")).json()["available"] == 11
    assert (await api.get("/v1/availability/NOBODY%2FKNOWS", channel="web")).json() == {
        "sku": "NOBODY/KNOWS",
        "available": 0,
        "in_pool": 0,
    }
    problem(await api.get("/v1/availability/TEA", channel="nope"), 404, "unknown_channel")
    problem(await api.get("/v1/availability/TEA"), 422, "invalid_request")


async def test_the_channels_rules_count(api: Api) -> None:
    rules = {"buffer": 5, "publish_percent": 50, "publish_max": 3}
    assert (await api.patch("/v1/channels/web", {"rules": rules})).json()["rules"] == rules | {
        "publish_min": 0,
        "stop_below": 0,
    }
    api.services.counters.forget()
    assert (await api.get("/v1/availability/TEA", channel="web")).json() == {"sku": "TEA", "available": 3, "in_pool": 15}


async def test_many_skus_at_once_with_their_locations(api: Api) -> None:
    body = {"channel": "web", "skus": ["COFFEE", "TEA", "COFFEE", "NOPE"], "locations": True}
    items = (await api.post("/v1/availability", body)).json()["items"]
    assert [(item["sku"], item["available"]) for item in items] == [("COFFEE", 4), ("TEA", 15), ("COFFEE", 4), ("NOPE", 0)]
    assert {one["location_id"]: one["available"] for one in items[1]["locations"]} == {
        api.location("paris"): 10,
        api.location("lyon"): 5,
    }
    assert "locations" not in (await api.post("/v1/availability", {"channel": "web", "skus": ["TEA"]})).json()["items"][0]


async def test_what_has_changed_since(api: Api) -> None:
    start = (await api.get("/v1/availability/changes")).json()
    assert (start["items"], start["more"]) == ([], False)
    await api.post("/v1/orders", {"channel": "web", "lines": [{"sku": "TEA", "quantity": 4}]})
    await api.shop.settle()
    changes = (await api.get("/v1/availability/changes", after=start["next"], channel="web")).json()
    assert changes["items"] == [
        {"sku": "TEA", "location_id": api.location("paris"), "on_hand": 10, "reserved": 4, "available": 6}
    ]
    assert changes["promised"] == [{"sku": "TEA", "available": 11, "in_pool": 11}]
    assert (await api.get("/v1/availability/changes", after=changes["next"])).json()["items"] == []


async def level(api: Api, sku: str, location: str) -> dict[str, Any]:
    (found,) = (await api.get("/v1/stock/levels", sku=sku, location_id=api.location(location))).json()["items"]
    return found


async def test_stock_is_received_adjusted_counted_and_set_aside(api: Api) -> None:
    paris = api.location("paris")
    received = await api.post(
        "/v1/stock/receipts", {"location_id": paris, "lines": [{"sku": "TEA", "quantity": 5}], "reference": "N1"}, key="r1"
    )
    assert received.json()["levels"][0]["on_hand"] == 15
    await api.post(
        "/v1/stock/receipts", {"location_id": paris, "lines": [{"sku": "TEA", "quantity": 5}], "reference": "N1"}, key="r1"
    )
    assert (await level(api, "TEA", "paris"))["on_hand"] == 15

    adjust = {"location_id": paris, "reason": "lost", "lines": [{"sku": "TEA", "delta": -2, "expected": 15}]}
    assert (await api.post("/v1/stock/adjustments", adjust)).json()["levels"][0]["on_hand"] == 13
    told = problem(await api.post("/v1/stock/adjustments", adjust), 409, "stale_quantity")
    assert told["data"] == {"sku": "TEA", "expected": 15, "found": 13}
    both = {"location_id": paris, "reason": "lost", "lines": [{"sku": "TEA", "delta": -2, "to": 3}]}
    told = problem(await api.post("/v1/stock/adjustments", both), 422, "invalid")
    assert told["errors"][0]["path"] == "/lines/0"

    counted = await api.post("/v1/stock/counts", {"location_id": paris, "lines": [{"sku": "TEA", "counted": 12}]})
    made = counted.json()
    assert (counted.status_code, made["differences"], made["lines"][0]["difference"]) == (201, 1, -1)
    assert (await api.get(counted.headers["location"])).json() == made
    assert [one["id"] for one in (await api.get("/v1/stock/counts")).json()["items"]] == [made["id"]]

    safety = {"location_id": paris, "lines": [{"sku": "TEA", "safety": 2}]}
    assert (await api.post("/v1/stock/safety", safety)).json()["levels"][0]["available"] == 10
    units = {"location_id": paris, "lines": [{"sku": "TEA", "quantity": 3}]}
    assert (await api.post("/v1/stock/damaged", units | {"step": "mark"})).json()["levels"][0]["damaged"] == 3
    assert (await api.post("/v1/stock/damaged", units | {"step": "write_off"})).json()["levels"][0]["on_hand"] == 9
    problem(await api.post("/v1/stock/damaged", units | {"step": "repair"}), 422, "quantity_too_large")
    assert (await api.post("/v1/stock/quality", units | {"step": "hold"})).json()["levels"][0]["quality"] == 3
    failed = (await api.post("/v1/stock/quality", units | {"step": "fail"})).json()["levels"][0]
    assert (failed["quality"], failed["damaged"]) == (0, 3)

    entries = (await api.get("/v1/stock/ledger", sku="TEA", location_id=paris, sort="oldest")).json()["items"]
    assert [entry["kind"] for entry in entries] == [
        "received", "received", "adjusted", "counted", "safety", "damaged", "damaged", "quality", "quality",
    ]  # fmt: skip
    assert sum(entry["on_hand"] for entry in entries) == (await level(api, "TEA", "paris"))["on_hand"] == 9
    assert entries[3]["count_id"] == made["id"]
    assert entries[1]["actor"].startswith("token:tok_")
    await api.shop.doctors()


async def test_more_than_a_column_holds_is_refused(api: Api) -> None:
    receipt = {"location_id": api.location("paris"), "lines": [{"sku": "TEA", "quantity": 1_000_000_000}]}
    answers = [await api.post("/v1/stock/receipts", receipt) for _ in range(4)]
    assert {answer.status_code for answer in answers} <= {200, 409, 422}
    assert answers[-1].status_code != 200
    await api.shop.doctors()


async def test_supplies_are_announced_moved_received_and_cancelled(api: Api) -> None:
    line = {"sku": "TEA", "location_id": api.location("paris"), "quantity": 10, "expected_on": "2026-12-01"}
    (supply,) = (await api.post("/v1/supplies", {"lines": [line], "reference": "PO-1"})).json()["supplies"]
    path = f"/v1/supplies/{supply['id']}"
    assert (await level(api, "TEA", "paris"))["incoming"] == 10
    assert (await api.post(f"{path}/move", {"expected_on": "2026-12-08"})).json()["expected_on"] == "2026-12-08"
    receipt = {"lines": [{"supply_id": supply["id"], "sku": "TEA", "quantity": 4}]}
    assert (await api.post("/v1/supplies/receipts", receipt)).json()["levels"][0]["on_hand"] == 14
    assert (await api.get(path)).json()["open"] == 6
    assert (await api.post(f"{path}/cancel")).json()["open"] == 0
    assert [one["id"] for one in (await api.get("/v1/supplies", reference="PO")).json()["items"]] == [supply["id"]]
    problem(await api.get("/v1/supplies/sup_01kag8v6w3e9n8r2t5y7z4c6bd"), 404, "unknown_supply")


async def test_a_transfer_goes_from_place_to_place(api: Api) -> None:
    plan = {
        "from_location_id": api.location("paris"),
        "to_location_id": api.location("lyon"),
        "lines": [{"sku": "TEA", "quantity": 6}],
    }
    answer = await api.post("/v1/transfers", plan)
    transfer = answer.json()
    path = answer.headers["location"]
    assert (answer.status_code, transfer["state"], answer.headers["etag"]) == (201, "draft", '"1"')
    edited = await api.patch(path, {"lines": [{"sku": "TEA", "quantity": 5}]}, headers={"if-match": '"1"'})
    assert (edited.json()["lines"][0]["quantity"], edited.headers["etag"]) == (5, '"2"')
    problem(await api.patch(path, {"note": "x"}, headers={"if-match": '"1"'}), 412, "stale")
    assert (await api.post(f"{path}/send", {})).json()["state"] == "in_transit"
    told = problem(await api.post(f"{path}/cancel"), 409, "transfer_state")
    assert told["data"] == {"state": "in_transit", "step": "cancel"}
    part = (await api.post(f"{path}/receive", {"lines": [{"sku": "TEA", "quantity": 3}]})).json()
    assert (part["state"], part["lines"][0]["open"]) == ("partly_received", 2)
    closed = (await api.post(f"{path}/receive", {"lines": [], "close": True})).json()
    assert (closed["state"], closed["lines"][0]["missing"]) == ("received", 2)
    assert ((await level(api, "TEA", "paris"))["on_hand"], (await level(api, "TEA", "lyon"))["on_hand"]) == (5, 8)
    assert [one["id"] for one in (await api.get("/v1/transfers", state="received")).json()["items"]] == [transfer["id"]]
    await api.shop.doctors()
