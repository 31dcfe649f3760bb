"""Collections and lockers over the API: ready, paid, handed out, given back, and who may ask."""

from __future__ import annotations

from typing import Any

from api.conftest import Api, fed, problem
from comptoir.modules.staff.contracts import Scope
from support.counter import made_ready, paid, sent


async def ready(api: Api, units: int = 2, **more: Any) -> dict[str, Any]:
    """Coffee, which only the store in Lyon has, on its counter."""
    await api.shop.settle()
    one = await made_ready(api.shop, {"COFFEE": units}, at="lyon", **more)
    found = (await api.get("/v1/collections", location_id=api.location("lyon"))).json()["items"]
    return next(item for item in found if item["number"] == one.number)


async def test_nothing_is_handed_out_before_it_is_paid_and_a_part_costs_its_part(api: Api) -> None:
    one = await ready(api)
    path = f"/v1/collections/{one['fulfilment_id']}"
    whole = (await api.get(path)).json()
    assert (whole["due"], whole["stage"], whole["shelf"], whole["handouts"]) == (2400, "ready", "B-2", [])
    part = [{"line_no": 1, "quantity": 1}]
    hand = {"checked": "id_card", "collector": "Camille", "lines": part}
    refused = problem(await api.post(f"{path}/hand-out", hand), 409, "not_paid")
    assert (refused["data"]["due"], refused["data"]["currency"]) == (1200, "EUR")
    problem(await api.post(f"{path}/payments", {"method": "card_terminal", "lines": part}), 422, "reference_missing")
    taken = (await api.post(f"{path}/payments", {"method": "cash", "lines": part})).json()
    assert taken == {"taken": 1200, "due": 0, "whole": 1200, "currency": "EUR"}
    after = (await api.post(f"{path}/hand-out", hand)).json()
    assert (after["stage"], after["due"], after["lines"][0]["gone"]) == ("ready", 1200, 1)
    assert [(row["collector"], row["checked"], row["lines"]) for row in after["handouts"]] == [("Camille", "id_card", part)]
    paying = {"method": "card_terminal", "reference": "T-1"}
    assert (await api.post(f"{path}/payments", paying)).json()["taken"] == 1200
    problem(await api.post(f"{path}/payments", paying), 409, "already_paid")
    assert (await api.post(f"{path}/hand-out", {"checked": "known"})).json()["stage"] == "done"
    await api.shop.settle()
    await api.shop.doctors()


async def test_a_gift_card_pays_what_is_on_it(api: Api) -> None:
    card = (await api.post("/v1/accounts", {"kind": "gift_card", "currency": "EUR", "amount": 1000})).json()
    one = await ready(api)
    path = f"/v1/collections/{one['fulfilment_id']}/payments"
    problem(await api.post(path, {"method": "account", "code": "nonsense"}), 404, "unknown_account")
    taken = (await api.post(path, {"method": "account", "code": card["code"]})).json()
    assert (taken["taken"], taken["due"]) == (1000, 1400)
    problem(await api.post(path, {"method": "account", "code": card["code"]}), 409, "balance_too_low")
    problem(await api.post(path, {"method": "cash", "amount": 1500}), 409, "over_owed")
    assert (await api.post(path, {"method": "cash", "amount": 1400})).json()["due"] == 0


async def test_a_code_is_checked_so_often_and_no_more(api: Api) -> None:
    one = await ready(api, payments=paid(2400))
    path = f"/v1/collections/{one['fulfilment_id']}"
    checks = [(await api.post(f"{path}/check-code", {"code": "1-AAAA"})).json()["verdict"] for _ in range(4)]
    assert checks == ["wrong"] * 4
    refused = await api.post(f"{path}/hand-out", {"checked": "code", "code": "1-AAAA"})
    assert problem(refused, 422, "wrong_pickup_code")["data"]["barred"] is False
    assert (await api.post(f"{path}/check-code", {"code": "1-AAAA"})).json()["verdict"] == "barred"
    assert (await api.post(f"{path}/hand-out", {"checked": "id_card"})).json()["stage"] == "done"


async def test_what_comes_from_elsewhere_is_received_and_not_wanted(api: Api) -> None:
    await api.shop.settle()
    one = await sent(api.shop, {"TEA": 2}, at="lyon", payments=paid(1000))
    place = api.location("lyon")
    (coming,) = (await api.get("/v1/collections", location_id=place, stage="to_receive")).json()["items"]
    assert (coming["number"], coming["stage"], coming["ready_at"]) == (one.number, "to_receive", None)
    path = f"/v1/collections/{coming['fulfilment_id']}"
    here = (await api.post(f"{path}/ready", {"shelf": "C-1"})).json()
    assert (here["stage"], here["shelf"], here["received_at"] is not None) == ("ready", "C-1", True)
    given = (await api.post(f"{path}/give-back", {"reason": "refused"})).json()
    assert given == {"units": 2, "worth": 1000}
    money = (await api.get(f"/v1/orders/{coming['order_id']}/money")).json()
    assert [(grant["open"], grant["about"]) for grant in money["grants"]] == [(1000, "collection")]
    (task,) = (await api.get("/v1/put-backs", location_id=place)).json()["items"]
    assert (task["sku"], task["units"], task["reason"], task["shelf"]) == ("TEA", 2, "refused", "C-1")
    assert (await api.post(f"/v1/put-backs/{task['id']}/done")).status_code == 204
    problem(await api.post(f"/v1/put-backs/{task['id']}/done"), 404, "unknown_put_back")
    assert [e["data"]["reason"] for e in await fed(api, "fulfilment.given_back", 1)] == ["refused"]


async def test_terms_say_how_long_it_waits_and_staff_let_it_wait_longer(api: Api) -> None:
    place = api.location("lyon")
    terms = {"location_id": place, "days": 3, "reminders": [1], "extension": 0, "curbside": True}
    made = (await api.ask("PUT", "/v1/collection-terms", terms)).json()
    assert made | {"id": ""} == terms | {"id": "", "pool_id": None}
    assert (await api.get("/v1/collection-terms")).json()["items"] == [made]
    one = await ready(api, payments=paid(2400))
    path = f"/v1/collections/{one['fulfilment_id']}"
    longer = (await api.post(f"{path}/extend", {"days": 2})).json()
    assert longer["waits_until"] > one["waits_until"]
    assert longer["buyer_may_extend"] is False
    named = (await api.post(f"{path}/collector", {"name": "Alex"})).json()
    assert named["collector"] == "Alex"
    waiting = (await api.post(f"{path}/here", {"car": "red van", "spot": "3"})).json()
    assert (waiting["car"], waiting["spot"], waiting["here_since"] is not None) == ("red van", "3", True)
    assert (await api.post(f"{path}/here", {"waits": False})).json()["here_since"] is None
    assert (await api.post(f"{path}/shelf", {"shelf": "D-4"})).json()["shelf"] == "D-4"
    assert (await api.ask("DELETE", f"/v1/collection-terms/{made['id']}")).status_code == 204
    problem(await api.ask("DELETE", f"/v1/collection-terms/{made['id']}"), 404, "unknown_collection_terms")
    wrong = await api.ask(
        "PUT", "/v1/collection-terms", {"days": 3, "location_id": place, "pool_id": place.replace("loc", "pool")}
    )
    assert wrong.status_code == 422


async def test_a_locker_over_the_api(api: Api) -> None:
    body = {"location_id": api.location("lyon"), "code": "A1", "size": "m", "bank": "Entrance"}
    made = (await api.post("/v1/lockers", body)).json()
    assert (made["state"], made["system"]) == ("free", "manual")
    problem(await api.post("/v1/lockers", body), 409, "locker_code_taken")
    one = await ready(api, payments=paid(2400))
    inside = f"/v1/collections/{one['fulfilment_id']}/locker"
    first = await api.post(inside, {"size": "s"}, key="put-in")
    again = await api.post(inside, {"size": "s"}, key="put-in")
    assert first.content == again.content
    put = first.json()
    assert (put["locker"]["id"], put["locker"]["state"]) == (made["id"], "taken")
    path = f"/v1/lockers/{made['id']}"
    problem(await api.post(f"{path}/open", {"code": "x"}), 422, "wrong_pickup_code")
    problem(await api.post(f"{path}/break"), 409, "locker_step_refused")
    assert (await api.post(f"{path}/open", {"code": put["code"]}, key="open")).json()["state"] == "free"
    assert (await api.post(f"{path}/open", {"code": put["code"]}, key="open")).json()["state"] == "free"
    assert (await api.get(f"/v1/collections/{one['fulfilment_id']}")).json()["handouts"][0]["checked"] == "locker"
    assert (await api.post(f"{path}/break")).json()["state"] == "out_of_order"
    assert (await api.post(f"{path}/mend")).json()["state"] == "free"
    assert len((await api.get("/v1/lockers", location_id=api.location("lyon"))).json()["items"]) == 1


async def test_who_may_read_may_not_hand_out(api: Api) -> None:
    one = await ready(api, payments=paid(2400))
    reader = await api.new_token(Scope.ORDERS_READ)
    path = f"/v1/collections/{one['fulfilment_id']}"
    assert (await api.get(path, token=reader)).status_code == 200
    for step, body in (
        ("hand-out", {"checked": "known"}),
        ("give-back", {"reason": "refused"}),
        ("payments", {"method": "cash"}),
    ):
        problem(await api.post(f"{path}/{step}", body, token=reader), 403, "not_permitted")
    problem(await api.ask("PUT", "/v1/collection-terms", {"days": 3}, token=reader), 403, "not_permitted")
