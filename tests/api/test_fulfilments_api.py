"""Fulfilment over the API: from the list to the carrier, and back when a location cannot."""

from __future__ import annotations

from typing import Any

from api.conftest import Api, problem
from comptoir.modules.staff.contracts import Scope


async def one_to_pick(api: Api, units: int = 2, **more: Any) -> dict[str, Any]:
    """The fulfilment order of a new order of the web shop."""
    await api.shop.settle()
    body = {"channel": "web", "lines": [{"sku": "TEA", "quantity": units}]} | more
    placed = (await api.post("/v1/orders", body)).json()
    await api.shop.settle()
    found = (await api.get("/v1/fulfilments", order_id=placed["id"])).json()["items"]
    assert [one["stage"] for one in found] == ["to_pick"]
    return (await api.get(f"/v1/fulfilments/{found[0]['id']}")).json()


async def test_from_the_list_to_the_carrier(api: Api) -> None:
    one = await one_to_pick(api)
    path = f"/v1/fulfilments/{one['id']}"
    assert one["lines"][0] | {"name": ""} == {
        "line_no": 1,
        "sku": "TEA",
        "name": "",
        "quantity": 2,
        "picked": 0,
        "packed": 0,
        "gone": 0,
    }
    scans = [(await api.post(f"{path}/scan", {"code": "TEA"})).json() for _ in range(3)]
    assert [(scan["outcome"], scan["left"]) for scan in scans] == [("picked", 1), ("all_picked", 0), ("too_many", 0)]
    packed = (await api.post(f"{path}/pack", {"carton": "S", "weight": 350})).json()
    (parcel,) = packed["parcels"]
    assert (packed["stage"], parcel["carton"], parcel["weight"]) == ("to_hand_over", "S", 350)
    carried = {"parcel_id": parcel["id"], "carrier": "acme", "tracking_number": "1Z1"}
    left = (await api.post(f"{path}/hand-over", {"parcels": [carried]})).json()
    assert (left["state"], left["stage"]) == ("closed", "done")
    order = (await api.get(f"/v1/orders/{one['order_id']}")).json()
    assert order["fulfilment_status"] == "fulfilled"
    assert [shipment["tracking_number"] for shipment in order["shipments"]] == ["1Z1"]
    await api.shop.settle()
    await api.shop.doctors()


async def test_a_retried_scan_counts_once(api: Api) -> None:
    one = await one_to_pick(api)
    path = f"/v1/fulfilments/{one['id']}/scan"
    first = await api.post(path, {"code": "TEA"}, key="scan-1")
    again = await api.post(path, {"code": "TEA"}, key="scan-1")
    assert first.content == again.content
    assert (await api.get(f"/v1/fulfilments/{one['id']}")).json()["picked"] == 1


async def test_what_is_given_back_goes_elsewhere_and_the_log_says_so(api: Api) -> None:
    one = await one_to_pick(api)
    answer = await api.post(f"/v1/fulfilments/{one['id']}/reject", {"reason": "not_found"})
    assert answer.json()["state"] == "cancelled"
    await api.shop.settle()
    items = (await api.get("/v1/fulfilments", order_id=one["order_id"], stage="to_pick")).json()["items"]
    assert [item["location_id"] for item in items] == [api.location("lyon")]
    tasks = (await api.get(f"/v1/locations/{one['location_id']}/count-tasks")).json()["items"]
    assert [(task["sku"], task["units"], task["reason"]) for task in tasks] == [("TEA", 2, "not_found")]
    log = (await api.get(f"/v1/orders/{one['order_id']}/decisions")).json()["items"]
    assert [decision["kind"] for decision in log] == ["rerouted", "captured"]
    told = (await api.get(f"/v1/decisions/{log[0]['id']}")).json()
    by_code = {place["code"]: place for place in told["locations"]}
    assert by_code["paris"]["fence"] == "rejected"
    assert (by_code["paris"]["detail"], by_code["paris"]["reason"]) == (None, "It has given this order back.")
    assert (by_code["lyon"]["chosen"], by_code["lyon"]["fence"], by_code["lyon"]["lacking"]) == (True, None, 0)
    assert (told["cause"], told["run"]) == ("given_back", None)
    await api.shop.doctors()


async def test_a_wave_and_the_way_to_go(api: Api) -> None:
    one = await one_to_pick(api)
    bins = {"bins": {"TEA": "A-03-2"}}
    assert (await api.ask("PUT", f"/v1/locations/{one['location_id']}/bins", bins)).json() == bins
    wave = (await api.post("/v1/waves", {"fulfilment_ids": [one["id"]]})).json()
    assert [(stop["bin"], stop["sku"], stop["quantity"]) for stop in wave["stops"]] == [("A-03-2", "TEA", 2)]
    done = (await api.post(f"/v1/waves/{wave['id']}/take", {"sku": "TEA", "quantity": 2})).json()
    assert (done["state"], done["picked"]) == ("done", 2)
    problem(await api.post(f"/v1/waves/{wave['id']}/take", {"sku": "TEA"}), 409, "not_that_many")
    listed = (await api.get("/v1/waves", location_id=one["location_id"])).json()["items"]
    assert [one["id"] for one in listed] == [wave["id"]]


async def test_stages_are_counted_and_lists_are_filtered(api: Api) -> None:
    one = await one_to_pick(api)
    (stage,) = (await api.get("/v1/fulfilments/stages")).json()["items"]
    assert (stage["location_id"], stage["stage"], stage["count"], stage["units"]) == (one["location_id"], "to_pick", 1, 2)
    for wanted, count in (({"search": str(one["order_number"])}, 1), ({"search": "zzz"}, 0), ({"stage": "ready"}, 0)):
        assert len((await api.get("/v1/fulfilments", **wanted)).json()["items"]) == count


async def test_who_may_read_may_not_pick(api: Api) -> None:
    one = await one_to_pick(api)
    reader = await api.new_token(Scope.ORDERS_READ)
    assert (await api.get(f"/v1/fulfilments/{one['id']}", token=reader)).status_code == 200
    problem(await api.post(f"/v1/fulfilments/{one['id']}/pick", {}, token=reader), 403, "not_permitted")


async def test_what_is_not_there_and_what_cannot_be_is_told(api: Api) -> None:
    one = await one_to_pick(api)
    path = f"/v1/fulfilments/{one['id']}"
    problem(await api.get("/v1/fulfilments/ful_nothing"), 404, "not_found")
    problem(await api.post(f"{path}/hand-over", {}), 409, "not_picked")
    problem(await api.post(f"{path}/ready", {}), 409, "not_in_that_state")
    problem(await api.post(f"{path}/pick", {"lines": [{"line_no": 9, "quantity": 1}]}), 409, "not_that_many")
    await api.shop.location("empty")
    problem(await api.post(f"{path}/move", {"location_id": api.location("empty")}), 409, "insufficient_stock")
    problem(await api.post("/v1/fulfilments/merge", {"fulfilment_ids": [one["id"], one["id"]]}), 409, "not_together")
    held = (await api.post(f"{path}/hold", {"reason": "address", "note": "no number"})).json()
    assert (held["state"], held["stage"], held["hold_note"]) == ("on_hold", "waiting", "no number")
    assert (await api.post(f"{path}/resume")).json()["state"] == "open"


async def test_nobody_puts_back_or_gives_away_what_another_token_picks(api: Api) -> None:
    one = await one_to_pick(api)
    path = f"/v1/fulfilments/{one['id']}"
    assert (await api.post(f"{path}/begin", {})).status_code == 200
    other = await api.new_token(Scope.FULFILMENT_WRITE, Scope.ORDERS_READ)
    problem(await api.post(f"{path}/put-back", token=other), 409, "somebody_else_works_on_it")
    problem(await api.post(f"{path}/reject", {"reason": "no_staff"}, token=other), 409, "somebody_else_works_on_it")
    taken = await api.post(f"{path}/put-back?take_over=true", token=other)
    assert (taken.status_code, taken.json()["state"]) == (200, "open")


async def test_a_zone_wave_says_who_picks_what(api: Api) -> None:
    one = await one_to_pick(api)
    await api.ask("PUT", f"/v1/locations/{one['location_id']}/bins", {"bins": {"TEA": "A-03-2"}})
    wave = (await api.post("/v1/waves", {"fulfilment_ids": [one["id"]], "kind": "zone"})).json()
    assert [(zone["zone"], zone["assignee"], zone["units"]) for zone in wave["zones"]] == [("A", "", 2)]
    path = f"/v1/waves/{wave['id']}"
    taken = (await api.post(f"{path}/take-zone", {"zone": "A"})).json()
    assert taken["zones"][0]["assignee"].startswith("token:tok_")
    other = await api.new_token(Scope.FULFILMENT_WRITE, Scope.ORDERS_READ)
    problem(await api.post(f"{path}/take", {"sku": "TEA"}, token=other), 409, "somebody_else_works_on_it")
    assert (await api.post(f"{path}/take", {"sku": "TEA", "quantity": 2})).json()["picked"] == 2
    assert (await api.post(f"{path}/put-down", {"sku": "TEA"})).json()["picked"] == 1
    lost = (await api.post(f"{path}/give-up", {"sku": "TEA"})).json()
    assert (lost["units"], lost["state"]) == (1, "done")
    assert (await api.post(f"{path}/leave-zone", {"zone": "A"})).json()["zones"][0]["assignee"] == ""
    assert (await api.post(f"{path}/drop", {"fulfilment_id": one["id"]})).json()["orders"] == 0


async def test_nobody_takes_from_a_third_party_what_it_has_in_hand(api: Api) -> None:
    one = await one_to_pick(api)
    order = f"/v1/orders/{one['order_id']}"
    for step in ("submit", "accept"):
        answer = await api.post(f"/v1/fulfilments/{one['id']}/request", {"step": step})
        assert answer.status_code == 200, answer.text
    lines = {"lines": [{"line_no": 1, "quantity": 1}]}
    problem(await api.post(f"{order}/cancel", lines), 409, "at_third_party")
    problem(await api.post(f"{order}/release", lines), 409, "at_third_party")
    away = {"line_no": 1, "quantity": 1, "from_location_id": api.location("paris"), "to_location_id": api.location("lyon")}
    problem(await api.post(f"{order}/move", away), 409, "at_third_party")
    assert (await api.get(f"/v1/fulfilments/{one['id']}")).json()["quantity"] == 2


async def test_what_a_channel_cancels_at_a_third_party_is_an_exception_until_it_has_stopped(api: Api) -> None:
    await api.shop.settle()
    path = "/v1/channels/web/orders"
    line = {"kind": "item", "sku": "TEA", "name": "Tea", "quantity": 2, "amount": 1000}
    told = {"external_id": "M1", "version": "1", "placed_at": "2026-03-02T12:00:00Z", "currency": "EUR", "lines": [line]}
    (made,) = (await api.post(path, {"orders": [told]})).json()["results"]
    await api.shop.settle()
    (one,) = (await api.get("/v1/fulfilments", order_id=made["order_id"])).json()["items"]
    request = f"/v1/fulfilments/{one['id']}/request"
    for step in ("submit", "accept"):
        assert (await api.post(request, {"step": step})).status_code == 200
    await api.post(path, {"orders": [told | {"version": "2", "lines": [line | {"cancelled": 2}]}]})
    await api.shop.settle()
    (stop,) = (await api.get("/v1/exceptions", kind="at_third_party")).json()["items"]
    assert (stop["quantity"], stop["order_id"]) == (2, made["order_id"])
    assert (await api.get(f"/v1/fulfilments/{one['id']}")).json()["request"] == "cancellation_requested"
    problem(await api.post(f"/v1/exceptions/{stop['id']}/resolve", {"choice": "ask_again"}), 409, "not_that_kind")
    assert (await api.post(request, {"step": "reject_cancellation", "note": "gone"})).status_code == 200
    found = (await api.get(f"/v1/exceptions/{stop['id']}")).json()
    assert (found["data"]["note"], found["choices"]) == ("gone", ["expect_back", "ask_again", "wait", "dismiss"])
    await api.post(f"/v1/exceptions/{stop['id']}/resolve", {"choice": "ask_again"})
    assert (await api.post(request, {"step": "accept_cancellation"})).status_code == 200
    assert (await api.get(f"/v1/exceptions/{stop['id']}")).json()["resolution"] == "cancelled"
    await api.shop.settle()
    await api.shop.doctors()
