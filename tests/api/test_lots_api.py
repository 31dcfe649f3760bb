"""Lots over the API: received with their dates, kept from buyers, picked, recalled, and found in the orders that got them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from api.conftest import Api, fed, problem
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.surfaces.api.identifiers import show_location


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


async def test_products_say_what_they_ask_for_of_lots(api: Api) -> None:
    asked = {"tracks": "expiry", "shelf_life_left": 7, "transit_days": 1}
    variants = [{"sku": "CREAM", "dangerous": True, "lots": asked}, {"sku": "SOAP"}]
    made = await api.post("/v1/products", {"code": "CARE", "names": {"en": "Care"}, "variants": variants})
    assert made.status_code == 201, made.text
    assert [(one["sku"], one["dangerous"], one["lots"]) for one in made.json()["variants"]] == [
        ("CREAM", True, asked),
        ("SOAP", False, None),
    ]
    path = made.headers["location"]
    kept = await api.patch(path, {"variants": [{"sku": "CREAM"}]})
    assert kept.json()["variants"][0]["lots"] == asked, "what is left out stays"
    assert (await api.get("/v1/variants/CREAM")).json()["lots"] == asked
    gone = await api.patch(path, {"variants": [{"sku": "CREAM", "lots": None}]})
    assert gone.json()["variants"][0]["lots"] is None
    many = {"products": [{"code": "CARE", "names": {"en": "Care"}, "variants": [{"sku": "SOAP", "lots": {"tracks": "lot"}}]}]}
    assert (await api.ask("PUT", "/v1/products", many)).status_code == 200
    (listed,) = (await api.get("/v1/products", search="CARE")).json()["items"]
    assert [one["lots"] for one in listed["variants"]] == [None, {"tracks": "lot", "shelf_life_left": 0, "transit_days": 2}]


async def test_a_transfer_and_a_supply_name_their_lots(api: Api) -> None:
    await api.shop.product("MILK", 300, stock={"lyon": 6, "paris": 0})
    lyon, paris = [show_location(api.shop.locations[code]) for code in ("lyon", "paris")]
    await api.ask("PUT", "/v1/lots/terms", {"rows": [{"sku": "MILK", "tracks": "lot", "shelf_life_left": 5}]})
    lines = [{"sku": "MILK", "quantity": 2, "lot": "A", "expires_on": day(30)}, {"sku": "MILK", "quantity": 3, "lot": "B"}]
    await api.post("/v1/lots/names", {"location_id": lyon, "lines": lines})
    body = {"from_location_id": lyon, "to_location_id": paris, "lines": [{"sku": "MILK", "quantity": 3}]}
    transfer = (await api.post("/v1/transfers", body)).json()["id"]
    said = {"lines": [{"sku": "MILK", "quantity": 1, "lot": "B"}]}
    (read,) = (await api.post(f"/v1/transfers/{transfer}/lots/sent", said)).json()["items"]
    assert (read["lot"], read["read_out"], read["sent"]) == ("B", 1, 0)
    problem(
        await api.post(f"/v1/transfers/{transfer}/lots/sent", {"lines": [{"sku": "SALT", "quantity": 1, "lot": "B"}]}),
        409,
        "lots_not_asked",
    )
    assert (await api.post(f"/v1/transfers/{transfer}/send", {})).status_code == 200
    items = (await api.get(f"/v1/transfers/{transfer}/lots")).json()["items"]
    assert [(one["lot"], one["sent"], one["assumed"]) for one in items] == [("A", 1, True), ("B", 1, False), ("", 1, False)]
    await api.post("/v1/lots/block", {"sku": "MILK", "lot": "A"})
    problem(await api.post(f"/v1/transfers/{transfer}/lots/sent", {"lines": [lines[0]]}), 409, "lot_refused")
    await api.post(f"/v1/transfers/{transfer}/lots/received", {"lines": [lines[0]]})
    assert (await api.post(f"/v1/transfers/{transfer}/receive", {})).status_code == 200
    (level,) = [one for one in (await api.get("/v1/stock/levels", sku="MILK")).json()["items"] if one["location_id"] == paris]
    assert (level["on_hand"], level["quality"]) == (3, 2), "what is recalled is held where it arrives, at once"
    due = {"sku": "MILK", "location_id": paris, "quantity": 5, "expected_on": day(1)}
    (supply,) = (await api.post("/v1/supplies", {"lines": [due]})).json()["supplies"]
    came = {"supply_id": supply["id"], "sku": "MILK", "quantity": 5, "lot": "C", "expires_on": day(3)}
    problem(await api.post("/v1/supplies/receipts", {"lines": [came | {"lot": "A"}]}), 409, "lot_differs")
    (level,) = (await api.post("/v1/supplies/receipts", {"lines": [came]})).json()["levels"]
    assert (await api.get("/v1/lots", lot="C")).json()["items"][0]["held"] == 5
    await api.shop.doctors()


async def test_a_scan_may_ask_for_the_order_of_lots_and_what_is_recalled_does_not_leave(api: Api) -> None:
    await api.shop.product("MILK", 300, stock={"lyon": 6})
    await api.shop.settle()
    (level,) = (await api.get("/v1/stock/levels", sku="MILK")).json()["items"]
    await api.ask("PUT", "/v1/lots/terms", {"rows": [{"sku": "MILK", "tracks": "lot"}]})
    lines = [{"sku": "MILK", "quantity": 2, "lot": code, "expires_on": day(n)} for code, n in (("A", 20), ("B", 30))]
    await api.post("/v1/lots/names", {"location_id": level["location_id"], "lines": lines})
    milk = ProductDraft(code="MILK", names={"en": "MILK"}, variants=[VariantDraft(sku="MILK", gtin="4006381333931")])
    async with api.shop.database.transaction() as tx:
        await catalogue.upsert(tx, [milk])
    order_id = (await api.post("/v1/orders", {"channel": "web", "lines": [{"sku": "MILK", "quantity": 1}]})).json()["id"]
    await api.shop.settle()
    (one,) = (await api.get("/v1/fulfilments", order_id=order_id)).json()["items"]
    scan, code = f"/v1/fulfilments/{one['id']}/scan", "010400638133393110B"
    problem(await api.post(scan, {"code": code, "in_order": True}), 409, "lot_not_first")
    assert (await api.post(scan, {"code": code})).json()["outcome"] == "all_picked"
    assert (await api.post(f"/v1/fulfilments/{one['id']}/pack", {})).status_code == 200
    await api.post("/v1/lots/block", {"sku": "MILK", "lot": "B"})
    problem(await api.post(f"/v1/fulfilments/{one['id']}/hand-over", {}), 409, "lot_recalled")
    await api.post("/v1/lots/unblock", {"sku": "MILK", "lot": "B"})
    assert (await api.post(f"/v1/fulfilments/{one['id']}/hand-over", {})).status_code == 200
