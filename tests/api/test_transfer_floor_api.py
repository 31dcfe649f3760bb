"""Transfers by scan over the API: picked and packed, counted and taken in, and what became of what did not come."""

from __future__ import annotations

from typing import Any

from api.conftest import Api, problem
from comptoir.modules.staff.contracts import Scope


async def planned(api: Api, units: int = 6) -> str:
    plan = {
        "from_location_id": api.location("paris"),
        "to_location_id": api.location("lyon"),
        "lines": [{"sku": "TEA", "quantity": units}],
        "expected_on": "2030-01-02",
    }
    return (await api.post("/v1/transfers", plan)).headers["location"]


async def level(api: Api, place: str) -> dict[str, Any]:
    found = (await api.get("/v1/stock/levels", sku="TEA", location_id=api.location(place))).json()["items"]
    return found[0] if found else {"on_hand": 0, "incoming": 0, "damaged": 0, "quality": 0}


def line(answer: Any) -> dict[str, int]:
    (found,) = answer.json()["lines"]
    return {name: value for name, value in found.items() if value and name != "sku"}


async def test_a_transfer_is_picked_packed_sent_counted_and_taken_in(api: Api) -> None:
    path = await planned(api)
    before = {place: await level(api, place) for place in ("paris", "lyon")}
    told = (await api.get(path)).json()
    assert (told["stage"], told["expected_on"]) == ("to_pick", "2030-01-02")
    scans = [(await api.post(f"{path}/pick", {"code": "TEA"})).json() for _ in range(4)]
    assert [(one["outcome"], one["units"], one["left"]) for one in scans[-2:]] == [("counted", 3, 3), ("counted", 4, 2)]
    assert (await api.post(f"{path}/pick", {"code": "nobody"})).json()["outcome"] == "unknown"
    assert line(await api.post(f"{path}/unpick", {"sku": "TEA"}))["picked"] == 3
    assert line(await api.post(f"{path}/lack", {"sku": "TEA", "quantity": 1})) == {
        "quantity": 5, "open": 5, "picked": 3, "short": 1,
    }  # fmt: skip
    packed = await api.post(f"{path}/pack", {"boxes": 2, "carrier": "Shuttle"})
    assert (packed.json()["stage"], packed.json()["boxes"], line(packed)["short"]) == ("to_hand_over", 2, 3)
    problem(await api.post(f"{path}/pick", {"code": "TEA"}), 409, "transfer_state")
    assert (await api.post(f"{path}/unpack")).json()["stage"] == "to_pick"
    packed = await api.post(f"{path}/pack", {})
    sent = await api.post(f"{path}/send", {}, headers={"if-match": packed.headers["etag"]})
    assert (sent.json()["stage"], line(sent)) == ("to_receive", {"quantity": 3, "open": 3, "picked": 3, "short": 3})

    scans = [(await api.post(f"{path}/scan", {"code": "TEA"})).json() for _ in range(4)]
    assert [one["outcome"] for one in scans] == ["counted", "counted", "complete", "too_many"]
    assert (await api.post(f"{path}/tally", {"sku": "TEA", "on_top": True})).json()["units"] == 4
    broken = (await api.post(f"{path}/tally", {"sku": "TEA", "damage": "wet"})).json()
    assert broken["units"] == 4
    assert (await api.get(f"{path}/tally")).json()["items"] == [
        {"sku": "TEA", "quantity": 3, "damage": None},
        {"sku": "TEA", "quantity": 1, "damage": "wet"},
    ]
    assert (await level(api, "lyon"))["on_hand"] == before["lyon"]["on_hand"]
    done = await api.post(f"{path}/take-in", {})
    assert (done.json()["state"], line(done)) == (
        "received", {"quantity": 3, "received": 4, "surplus": 1, "damaged": 1, "picked": 3, "short": 3},
    )  # fmt: skip
    after = {place: await level(api, place) for place in ("paris", "lyon")}
    assert after["paris"]["on_hand"] == before["paris"]["on_hand"] - 4
    assert after["lyon"]["on_hand"] == before["lyon"]["on_hand"] + 4
    assert after["lyon"]["damaged"] == before["lyon"]["damaged"] + 1
    await api.shop.settle()
    await api.shop.doctors()


async def test_what_did_not_come_is_waited_for_settled_and_found(api: Api) -> None:
    await api.shop.settle()
    path = await planned(api)
    await api.post(f"{path}/send", {})
    before = await level(api, "paris")
    waiting = await api.post(f"{path}/expect", {"expected_on": "2020-01-01"})
    assert waiting.json()["expected_on"] == "2020-01-01"
    late = (await api.get("/v1/transfers", late="true")).json()["items"]
    assert [f"/v1/transfers/{one['id']}" for one in late] == [path]
    body = {
        "lines": [{"sku": "TEA", "quantity": 1}],
        "damaged": [{"sku": "TEA", "quantity": 1, "reason": "crushed"}],
        "settled": [{"sku": "TEA", "quantity": 1, "fate": "never_sent"}],
    }
    part = await api.post(f"{path}/receive", body)
    assert line(part) == {"quantity": 6, "received": 2, "unsent": 1, "damaged": 1, "open": 3}
    told = problem(
        await api.post(f"{path}/settle", {"lines": [{"sku": "TEA", "quantity": 4, "fate": "lost"}]}), 422, "quantity_too_large"
    )
    assert told["data"] == {"sku": "TEA", "open": 3, "asked": 4}
    lost = await api.post(f"{path}/settle", {"lines": [{"sku": "TEA", "quantity": 3, "fate": "lost"}]})
    assert (lost.json()["state"], line(lost)["missing"]) == ("received", 3)
    found = await api.post(f"{path}/find", {"lines": [{"sku": "TEA", "quantity": 2}]})
    assert line(found) == {"quantity": 6, "received": 4, "unsent": 1, "missing": 1, "damaged": 1}
    after = await level(api, "paris")
    assert (after["on_hand"], after["quality"]) == (before["on_hand"] + 1, before["quality"] + 1)
    await api.shop.settle()
    tasks = (await api.get(f"/v1/locations/{api.location('paris')}/count-tasks")).json()["items"]
    assert [(one["sku"], one["units"], one["reason"]) for one in tasks] == [("TEA", 1, "never_sent")]
    await api.shop.doctors()


async def test_scans_need_the_scope_of_stock(api: Api) -> None:
    path = await planned(api)
    token = await api.new_token(Scope.STOCK_READ)
    problem(await api.post(f"{path}/pick", {"code": "TEA"}, token=token), 403, "not_permitted")
