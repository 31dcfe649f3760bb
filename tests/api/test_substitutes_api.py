"""Substitutes over the API: kept by the merchant, agreed to by the buyer, taken at the shelf, and told."""

from __future__ import annotations

from typing import Any

from api.conftest import Api, fed, problem


async def ready(api: Api) -> None:
    await api.shop.product("MILK", 300, stock={"lyon": 5, "paris": 5})
    await api.shop.product("SOY", 250, stock={"lyon": 5, "paris": 5})
    await api.shop.product("OAT", 450, stock={"lyon": 5, "paris": 5})
    rows = [{"sku": "MILK", "substitutes": ["OAT", "SOY"]}]
    assert (await api.ask("PUT", "/v1/substitutes", {"rows": rows})).json() == {"rows": 1}
    assert (await api.get("/v1/substitutes", sku="MI")).json()["items"] == rows
    await api.shop.settle()


async def placed(api: Api, **more: Any) -> tuple[str, str]:
    """(order, fulfilment order)."""
    body = {"channel": "web", "lines": [{"sku": "TEA", "quantity": 1}, {"sku": "MILK", "quantity": 2}]} | more
    order_id = (await api.post("/v1/orders", body)).json()["id"]
    await api.shop.settle()
    (one,) = (await api.get("/v1/fulfilments", order_id=order_id)).json()["items"]
    return order_id, one["id"]


async def test_what_was_agreed_to_when_it_was_ordered_is_taken_at_the_shelf(api: Api) -> None:
    await ready(api)
    order_id, one = await placed(api, substitutions="any")
    offers = (await api.get(f"/v1/fulfilments/{one}/substitutes")).json()["items"]
    assert [(row["line_no"], row["sku"], row["unit_price"]) for row in offers] == [(2, "OAT", 300), (2, "SOY", 250)]
    body = {"line_no": 2, "quantity": 2, "code": "SOY"}
    taken = (await api.post(f"/v1/fulfilments/{one}/substitute", body, key="s1")).json()
    assert (taken["by_sku"], taken["unit_price"], taken["difference"]) == ("SOY", 250, 100)
    assert (await api.post(f"/v1/fulfilments/{one}/substitute", body, key="s1")).json() == taken
    problem(await api.post(f"/v1/fulfilments/{one}/substitute", body), 409, "not_that_many")
    (event,) = await fed(api, "order.substituted", 1)
    assert event["data"]["by_name"] == "SOY"
    told = (await api.get(f"/v1/orders/{order_id}/substitutions")).json()
    assert (told["substitutions"], told["taken"]) == ("any", [taken])
    await api.shop.settle()
    await api.shop.doctors()


async def test_a_line_of_its_own_mind_and_a_change_of_mind(api: Api) -> None:
    await ready(api)
    lines = [{"sku": "MILK", "quantity": 1, "substitutions": "same_price"}]
    order_id, one = await placed(api, lines=lines)
    assert (await api.get(f"/v1/orders/{order_id}/substitutions")).json() == {
        "substitutions": "none", "lines": [{"line_no": 1, "substitutions": "same_price"}], "taken": [],
    }  # fmt: skip
    body = {"line_no": 1, "quantity": 1, "code": "OAT"}
    problem(await api.post(f"/v1/fulfilments/{one}/substitute", body), 409, "not_a_substitute")
    assert (await api.ask("PUT", f"/v1/orders/{order_id}/substitutions", {"substitutions": "none"})).status_code == 200
    problem(await api.post(f"/v1/fulfilments/{one}/substitute", body), 409, "substitution_not_allowed")
    wrong = {"substitutions": "any", "lines": [{"line_no": 7, "substitutions": "any"}]}
    problem(await api.ask("PUT", f"/v1/orders/{order_id}/substitutions", wrong), 422, "unknown_line")


async def test_an_unknown_sku_stands_in_for_nothing(api: Api) -> None:
    rows = [{"sku": "TEA", "substitutes": ["NOTHING"]}]
    problem(await api.ask("PUT", "/v1/substitutes", {"rows": rows}), 422, "invalid")
