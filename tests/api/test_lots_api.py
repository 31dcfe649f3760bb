"""Lots over the API: received with their dates, kept from buyers, picked, recalled, and found in the orders that got them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from api.conftest import Api, fed, problem


def day(n: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=n)).isoformat()


async def test_a_lot_is_received_picked_recalled_and_found(api: Api) -> None:
    await api.shop.product("MILK", 300, stock={"lyon": 1})
    await api.shop.settle()
    (level,) = (await api.get("/v1/stock/levels", sku="MILK")).json()["items"]
    lyon = level["location_id"]
    line = {"sku": "MILK", "quantity": 4, "lot": "L1", "expires_on": day(30)}
    problem(await api.post("/v1/stock/receipts", {"location_id": lyon, "lines": [line]}), 409, "lots_not_asked")
    rows = [{"sku": "MILK", "tracks": "expiry", "shelf_life_left": 5}]
    assert (await api.ask("PUT", "/v1/lots/terms", {"rows": rows})).json() == {"rows": 1}
    old = {"sku": "MILK", "quantity": 2, "expires_on": day(4)}
    (after,) = (await api.post("/v1/stock/receipts", {"location_id": lyon, "lines": [line, old]})).json()["levels"]
    assert after["on_hand"] == 7
    (level,) = (await api.get("/v1/stock/levels", sku="MILK")).json()["items"]
    assert (level["on_hand"], level["quality"], level["available"]) == (7, 2, 5)
    (held,) = (await api.get("/v1/lots", sku="MILK", held="true")).json()["items"]
    assert (held["lot"], held["expires_on"], held["held"]) == (day(4), day(4), 2)
    (event,) = await fed(api, "lot.held", 1)
    assert event["data"]["why"] == "too_soon"
    body = {"channel": "web", "lines": [{"sku": "MILK", "quantity": 2}]}
    order_id = (await api.post("/v1/orders", body)).json()["id"]
    await api.shop.settle()
    (one,) = (await api.get("/v1/fulfilments", order_id=order_id)).json()["items"]
    pick = f"/v1/fulfilments/{one['id']}/lots"
    problem(await api.post(pick, {"line_no": 1, "quantity": 1, "lot": "L1"}), 409, "too_many_in_lots")
    assert (await api.post(f"/v1/fulfilments/{one['id']}/pick", {})).status_code == 200
    problem(await api.post(pick, {"line_no": 1, "quantity": 1, "lot": day(4)}), 409, "lot_refused")
    (used,) = (await api.post(pick, {"line_no": 1, "quantity": 2, "lot": "L1"})).json()["items"]
    assert (used["order_id"], used["quantity"]) == (order_id, 2)
    assert (await api.get(f"/v1/orders/{order_id}/lots")).json()["items"] == [used]
    assert (await api.post("/v1/lots/block", {"sku": "MILK", "lot": "L1", "note": "glass"})).status_code == 200
    assert (await api.get("/v1/lots/orders", sku="MILK", lot="L1")).json()["items"] == [used]
    problem(await api.post("/v1/lots/block", {"sku": "MILK", "lot": "L9"}), 404, "unknown_lot")
    gone = {"sku": "MILK", "lot": "L1", "location_id": lyon, "quantity": 2}
    assert (await api.post("/v1/lots/write-offs", gone)).status_code == 200
    assert (await api.get("/v1/lots", lot="L1")).json()["items"] == []
    (level,) = (await api.get("/v1/stock/levels", sku="MILK")).json()["items"]
    assert (level["on_hand"], level["quality"]) == (5, 2)
    await api.shop.doctors()
