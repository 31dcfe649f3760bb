"""What is owed and what is recalled, over the API."""

from __future__ import annotations

from typing import Any

from api.conftest import Api, problem
from comptoir.modules.staff.contracts import Scope


async def placed(api: Api, units: int) -> dict[str, Any]:
    await api.shop.settle()
    body = {"channel": "web", "lines": [{"sku": "TEA", "quantity": units}]}
    made = (await api.post("/v1/orders", body)).json()
    await api.shop.settle()
    return made


async def test_what_is_cancelled_in_a_box_is_taken_out_before_it_leaves(api: Api) -> None:
    order = await placed(api, 3)
    (one,) = (await api.get("/v1/fulfilments", order_id=order["id"])).json()["items"]
    path = f"/v1/fulfilments/{one['id']}"
    await api.post(f"{path}/pick", {})
    (box,) = (await api.post(f"{path}/pack", {})).json()["parcels"]
    assert (box["recalled"], box["recalled_at"]) == ([], None)
    lines = [{"line_no": 1, "quantity": 1}]
    assert (await api.post(f"/v1/orders/{order['id']}/cancel", {"lines": lines})).status_code == 200
    await api.shop.settle()
    (box,) = (await api.get(path)).json()["parcels"]
    assert (box["lines"], box["recalled"]) == ([{"line_no": 1, "quantity": 2}], lines)
    assert box["recalled_at"] is not None
    refused = problem(await api.post(f"{path}/hand-over", {}), 409, "box_recalled")
    assert box["id"] in str(refused)
    out = f"{path}/parcels/{box['id']}/take-out"
    problem(await api.post(out, {"lines": [{"line_no": 1, "quantity": 2}]}), 409, "not_that_many")
    (box,) = (await api.post(out, {})).json()["parcels"]
    assert (box["recalled"], box["recalled_at"]) == ([], None)
    problem(await api.post(out, {}), 409, "nothing_to_do")
    left = (await api.post(f"{path}/hand-over", {})).json()
    assert (left["state"], left["gone"]) == ("closed", 2)


async def test_refunds_of_all_orders_are_listed_until_they_have_moved(api: Api) -> None:
    order = await placed(api, 2)
    path = f"/v1/orders/{order['id']}"
    await api.post(f"{path}/payments", {"kind": "captured", "method": "card", "amount": order["total"]})
    await api.post(f"{path}/cancel", {})
    (owed,) = (await api.get("/v1/orders", owed="to_buyer")).json()["items"]
    assert (owed["id"], owed["owed"], owed["payment_status"]) == (order["id"], order["total"], "overpaid")
    money = (await api.post(f"{path}/grants", {"amount": order["total"], "reason": "cancelled"})).json()
    grant = money["grants"][0]["id"]
    wanted = {"state": ["pending", "partly_executed"]}
    (row,) = (await api.get("/v1/refunds", **wanted)).json()["items"]
    assert (row["id"], row["order_id"], row["order_number"], row["open"]) == (
        grant,
        order["id"],
        order["number"],
        order["total"],
    )
    assert row["as_paid"] == [{"method": "card", "amount": order["total"]}]
    assert (await api.get("/v1/refunds?method=cash")).json()["items"] == []
    await api.post(f"{path}/grants/{grant}/execute", {"amount": order["total"], "method": "card"})
    assert (await api.get("/v1/refunds", **wanted)).json()["items"] == []
    (row,) = (await api.get("/v1/refunds", state="executed")).json()["items"]
    assert (row["id"], row["executed"], row["as_paid"]) == (grant, order["total"], [])
    assert (await api.get("/v1/orders", owed="to_buyer")).json()["items"] == []
    reader = await api.new_token(Scope.STOCK_READ)
    problem(await api.get("/v1/refunds", token=reader), 403, "not_permitted")
