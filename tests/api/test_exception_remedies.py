"""What can be done by the API about units that no location may send."""

from __future__ import annotations

from typing import Any

from api.conftest import Api, problem

HOME = {"name": "Zoé", "line1": "1 rue", "city": "Marseille", "country": "FR", "latitude": 43.3, "longitude": 5.4}


async def stuck(api: Api) -> tuple[str, dict[str, Any]]:
    """The address of an exception about a unit that is in Paris alone, which the rules leave out; and the exception."""
    await api.shop.settle()
    rules = {"excluded": [api.location("paris")], "kinds": ["warehouse", "store"]}
    made = (await api.post("/v1/rule-sets", {"code": "no-paris", "rules": rules})).json()
    answer = await api.post(f"/v1/rule-sets/{made['id']}/state", {"state": "live"})
    assert answer.status_code == 200, answer.text
    await api.shop.product("VASE", 1000, stock={"paris": 2})
    body = {"channel": "web", "lines": [{"sku": "VASE", "quantity": 1}], "ship_to": HOME}
    placed = await api.post("/v1/orders", body)
    assert placed.status_code == 201, placed.text
    await api.shop.settle()
    (one,) = (await api.get("/v1/exceptions", kind="unroutable")).json()["items"]
    path = f"/v1/exceptions/{one['id']}"
    return path, (await api.get(path)).json()


async def test_each_location_says_what_is_against_it_and_what_is_best_is_named(api: Api) -> None:
    _, one = await stuck(api)
    assert one["choices"] == ["send", "retry", "service", "cancel", "wait", "dismiss"]
    assert one["sources"] == [{"location_id": api.location("paris"), "available": 2, "against": "excluded"}]
    assert one["best"] == {"choice": "send", "location_id": api.location("paris"), "service": None}
    assert one["services"] == ["express"]


async def test_a_location_sends_it_anyway(api: Api) -> None:
    path, one = await stuck(api)
    told = problem(await api.post(f"{path}/resolve", {"choice": "send"}), 422, "invalid")
    assert told["errors"][0]["path"] == "/location_id"
    lyon = {"choice": "send", "location_id": api.location("lyon")}
    problem(await api.post(f"{path}/resolve", lyon), 409, "insufficient_stock")
    answer = await api.post(f"{path}/resolve", {"choice": "send", "location_id": api.location("paris")})
    assert (answer.status_code, answer.json()["resolution"]) == (200, "sent_anyway"), answer.text
    await api.shop.settle()
    (work,) = (await api.get("/v1/fulfilments", order_id=one["order_id"])).json()["items"]
    assert (work["state"], work["location_id"]) == ("open", api.location("paris"))
    latest, _ = (await api.get(f"/v1/orders/{one['order_id']}/decisions")).json()["items"]
    assert latest["kind"] == "person"
    await api.shop.doctors()


async def test_the_rules_decide_again_and_it_stays_open_where_they_stop_everybody(api: Api) -> None:
    path, _ = await stuck(api)
    answer = await api.post(f"{path}/resolve", {"choice": "retry"})
    assert (answer.status_code, answer.json()["state"]) == (200, "open")
    told = problem(await api.post(f"{path}/resolve", {"choice": "service"}), 422, "invalid")
    assert told["errors"][0]["path"] == "/service"
    answer = await api.post(f"{path}/resolve", {"choice": "service", "service": "express"})
    assert (answer.status_code, answer.json()["state"], answer.json()["services"]) == (200, "open", ["standard"])
    await api.shop.receive("VASE", "lyon", 1)
    answer = await api.post(f"{path}/resolve", {"choice": "retry"})
    assert (answer.json()["state"], answer.json()["resolution"]) == ("resolved", "moved")
    await api.shop.settle()
    await api.shop.doctors()


async def test_what_nobody_sends_is_cancelled(api: Api) -> None:
    path, one = await stuck(api)
    answer = await api.post(f"{path}/resolve", {"choice": "cancel", "reason": "Nobody sends it"})
    assert answer.json()["resolution"] == "cancelled"
    assert (await api.get(f"/v1/orders/{one['order_id']}")).json()["fulfilment_status"] == "cancelled"
