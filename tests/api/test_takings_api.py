"""Money by day, method, channel and place over the API; where a payment moved is said when it is recorded."""

from __future__ import annotations

from typing import Any

from api.conftest import Api, problem
from comptoir.kernel.ids import to_text, uuid7
from comptoir.modules.locations.contracts import LOCATION_PREFIX
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope

SUMMARY = "/v1/payments/summary"


def place(api: Api, code: str) -> str:
    return to_text(LOCATION_PREFIX, api.shop.locations[code])


async def ordered(api: Api) -> str:
    body = {"channel": "web", "lines": [{"sku": "TEA", "quantity": 3}], "ship_to": {"country": "FR"}}
    return (await api.post("/v1/orders", body)).json()["id"]


async def pay(api: Api, order: str, amount: int, at: str | None, **more: Any) -> Any:
    body = {"kind": "captured", "method": "cash", "amount": amount, "location_id": at and place(api, at)}
    return await api.post(f"/v1/orders/{order}/payments", body, **more)


async def test_what_was_taken_is_summed_up_by_place(api: Api) -> None:
    order = await ordered(api)
    for amount, at in ((100, "lyon"), (200, "lyon"), (50, "paris"), (7, None)):
        assert (await pay(api, order, amount, at)).status_code == 200
    back = {"method": "cash", "amount": 30, "location_id": place(api, "lyon")}
    shown = (await api.post(f"/v1/orders/{order}/refunds", back)).json()["payments"][-1]
    assert (shown["channel"], shown["location_id"]) == ("web", place(api, "lyon"))
    rows = (await api.get(SUMMARY)).json()["items"]
    told = {(row["location_id"], row["captured"], row["refunded"], row["net"], row["movements"]) for row in rows}
    assert told == {(place(api, "lyon"), 300, 30, 270, 3), (place(api, "paris"), 50, 0, 50, 1), (None, 7, 0, 7, 1)}
    (only,) = (await api.get(SUMMARY, location_id=place(api, "paris"))).json()["items"]
    assert only["net"] == 50
    assert (await api.get(SUMMARY, channel="tills")).json()["items"] == []
    problem(await api.get(SUMMARY, since="2026-02-01", until="2026-01-01"), 422, "invalid")
    problem(await api.get(SUMMARY, since="2020-02-01", until="2026-01-01"), 422, "invalid")
    problem(await api.get(SUMMARY, time_zone="Mars/Olympus"), 422, "invalid")
    for edge in ("0001-01-01", "9999-12-31"):
        assert (await api.get(SUMMARY, until=edge)).status_code in {200, 422}
    nowhere = {"kind": "captured", "method": "cash", "amount": 1, "location_id": to_text(LOCATION_PREFIX, uuid7())}
    assert (await api.post(f"/v1/orders/{order}/payments", nowhere)).status_code == 404


async def test_a_token_of_one_store_pays_there_and_sees_what_moved_there(api: Api) -> None:
    async with api.services.database.transaction() as tx:
        token, secret = await staff.create_token(tx, "lyon", [Scope.ORDERS_READ, Scope.ORDERS_WRITE])
        await staff.limit_token(tx, token.id, [api.shop.locations["lyon"]])
    order = await ordered(api)
    problem(await pay(api, order, 10, "paris", token=secret), 403, "other_location")
    assert (await pay(api, order, 10, "lyon", token=secret)).status_code == 200
    assert (await pay(api, order, 20, "paris")).status_code == 200
    seen = (await api.get(SUMMARY, token=secret)).json()["items"]
    assert [(row["location_id"], row["net"]) for row in seen] == [(place(api, "lyon"), 10)]
    problem(await api.get(SUMMARY, token=secret, location_id=place(api, "paris")), 403, "other_location")
