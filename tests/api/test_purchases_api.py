"""Drop-ship over the API: suppliers with a token of their own location, the merchant's own acts, and files."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest_asyncio

from api.conftest import Api, fed, problem
from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.locations.contracts import LocationKind
from comptoir.modules.orders import api as orders
from comptoir.modules.purchasing import api as purchasing
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.surfaces.pools import pool_id_of, pool_of
from support.consumers import drained


@pytest_asyncio.fixture
async def runner(api: Api) -> ConsumerRunner:
    """A supplier and a second one, a shop that sells from them, and whoever follows."""
    shop = api.shop
    await shop.location("acme", LocationKind.SUPPLIER)
    await shop.location("bolt", LocationKind.SUPPLIER)
    await shop.channel("drop", ["acme", "bolt"])
    await shop.product("LAMP", 4000, stock={"acme": 10, "bolt": 10})
    own = (*orders.consumers(pool_of), *fulfilment.consumers(pool_id_of), *purchasing.consumers())
    made = ConsumerRunner(api.services.database, own)
    await drained(api.services.database, made)
    return made


async def suppliers_token(api: Api, code: str) -> str:
    async with api.services.database.transaction() as tx:
        _, secret = await staff.create_token(tx, code, [Scope.PURCHASES_ANSWER], location_id=api.shop.locations[code])
    return secret


async def asked(api: Api, runner: ConsumerRunner, units: int = 2) -> dict[str, Any]:
    """The purchase order of a new order."""
    body = {
        "channel": "drop",
        "lines": [{"sku": "LAMP", "quantity": units}],
        "ship_to": {"name": "=Camille", "line1": "3 rue des Lilas", "postcode": "13001", "city": "Marseille", "country": "FR"},
    }
    placed = (await api.post("/v1/orders", body)).json()
    await drained(api.services.database, runner)
    (one,) = (await api.get("/v1/purchases", order_id=placed["id"])).json()["items"]
    return one


async def test_a_supplier_accepts_in_part_and_ships(api: Api, runner: ConsumerRunner) -> None:
    place = f"/v1/suppliers/{api.location('acme')}"
    terms = {"email": "orders@acme.example", "locale": "en", "currency": "EUR", "answer_within": 8, "remind_after": 2}
    assert (await api.ask("PUT", f"{place}/terms", terms)).json() == {"location_id": api.location("acme"), **terms}
    row = {"sku": "LAMP", "supplier_sku": "AC-1", "cost": 1750}
    assert (await api.ask("PUT", f"{place}/articles", {"rows": [row]})).json() == {"rows": 1}
    assert (await api.get(f"{place}/articles")).json()["items"] == [row]
    one = await asked(api, runner, 3)
    assert (one["state"], one["cost"], one["ship_to"]["city"]) == ("asked", 5250, "Marseille")
    token = await suppliers_token(api, "acme")
    (mine,) = (await api.get("/v1/supplier/purchases", token=token, state="asked")).json()["items"]
    assert mine["id"] == one["id"]
    path = f"/v1/supplier/purchases/{one['id']}"
    day = (utcnow() + timedelta(days=1)).date().isoformat()
    body = {"lines": [{"line_no": 1, "accepted": 2, "reason": "out_of_stock"}], "promised_on": day}
    accepted = (await api.post(f"{path}/acknowledge", body, token=token, key="a1")).json()
    assert (accepted["state"], accepted["promised_on"], accepted["lines"][0]["rejected"]) == ("acknowledged", day, 1)
    assert (await api.post(f"{path}/acknowledge", body, token=token, key="a1")).json() == accepted
    problem(await api.post(f"{path}/acknowledge", body, token=token), 409, "purchase_step_refused")
    left = (await api.post(f"{path}/ship", {"parcels": [{"carrier": "dhl", "tracking_number": "JD1"}]}, token=token)).json()
    assert (left["state"], left["booked"], left["answered_by"].split(":")[0]) == ("shipped", 3500, "token")
    order = (await api.get(f"/v1/orders/{one['order_id']}")).json()
    assert [shipment["tracking_number"] for shipment in order["shipments"]] == ["JD1"]
    await drained(api.services.database, runner)
    others = (await api.get("/v1/purchases", order_id=one["order_id"])).json()["items"]
    assert [(p["location_id"], p["state"]) for p in others] == [
        (api.location("bolt"), "asked"),
        (api.location("acme"), "shipped"),
    ]
    moves = [event["data"] for event in await fed(api, "purchase.moved", 5)]
    assert moves[0]["purchase_id"] == one["id"]
    assert [move["step"] for move in moves if move["purchase_id"] == one["id"]] == ["ask", "acknowledge", "reject", "finish"]
    assert [letter["kind"] for letter in (await api.get(f"/v1/purchases/{one['id']}")).json()["letters"]] == ["order"]


async def test_a_suppliers_token_opens_nothing_of_anybody_else(api: Api, runner: ConsumerRunner) -> None:
    one = await asked(api, runner)
    other = await suppliers_token(api, "bolt")
    path = f"/v1/supplier/purchases/{one['id']}"
    assert (await api.get("/v1/supplier/purchases", token=other)).json()["items"] == []
    assert (await api.get("/v1/supplier/purchases", token=other, location_id=api.location("acme"))).json()["items"] == []
    problem(await api.get(path, token=other), 404, "unknown_purchase")
    problem(await api.post(f"{path}/acknowledge", {}, token=other), 404, "unknown_purchase")
    problem(await api.post(f"{path}/decline", {"reason": "other"}, token=other), 404, "unknown_purchase")
    problem(await api.post(f"{path}/ship", {"parcels": [{}]}, token=other), 404, "unknown_purchase")
    feed = {"rows": [{"sku": "LAMP", "quantity": 0}]}
    problem(await api.ask("PUT", f"/v1/suppliers/{api.location('acme')}/stock", feed, token=other), 404, "unknown_location")
    for address in ("/v1/purchases", "/v1/orders", "/v1/stock/levels", f"/v1/suppliers/{api.location('bolt')}/terms"):
        assert (await api.get(address, token=other)).status_code in {403, 404}, address
    assert (await api.get(f"/v1/purchases/{one['id']}")).json()["state"] == "asked"


async def test_a_token_is_of_one_supplier_or_of_the_house(api: Api, runner: ConsumerRunner) -> None:
    del runner
    body = {"name": "Acme", "scopes": ["purchases:answer"], "location_id": api.location("acme")}
    made = (await api.post("/v1/tokens", body)).json()
    assert made["location_id"] == api.location("acme")
    assert (await api.get("/v1/supplier/purchases", token=made["secret"])).status_code == 200
    problem(await api.post("/v1/tokens", body | {"scopes": ["purchases:answer", "orders:read"]}), 422, "invalid")
    nowhere = to_text("loc", api.shop.terms["web"].channel_id)
    problem(await api.post("/v1/tokens", body | {"location_id": nowhere}), 404, "unknown_location")


async def test_the_same_as_a_file(api: Api, runner: ConsumerRunner) -> None:
    one = await asked(api, runner)
    token = await suppliers_token(api, "acme")
    answer = await api.get(f"/v1/supplier/purchases/{one['id']}/file", token=token)
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["sku"], row["quantity"], row["ship_to_city"], row["ship_to_name"]) == ("LAMP", "2", "Marseille", "'=Camille")


async def test_we_withdraw_write_again_and_decline_for_them(api: Api, runner: ConsumerRunner) -> None:
    one = await asked(api, runner)
    path = f"/v1/purchases/{one['id']}"
    problem(await api.post(f"{path}/send-again"), 409, "purchase_step_refused")
    await api.ask("PUT", f"/v1/suppliers/{api.location('acme')}/terms", {"email": "orders@acme.example"})
    assert (await api.post(f"{path}/send-again")).status_code == 200
    assert (await api.post(f"{path}/withdraw")).json()["state"] == "cancelled"
    await drained(api.services.database, runner)
    second = (await api.get("/v1/purchases", order_id=one["order_id"], state="asked")).json()["items"][0]
    body = {"reason": "address", "lines": [{"line_no": 1, "quantity": 1}]}
    partly = (await api.post(f"/v1/supplier/purchases/{second['id']}/decline", body)).json()
    assert (partly["state"], partly["lines"][0]["wanted"]) == ("asked", 1)
    problem(await api.get(f"/v1/suppliers/{api.location('paris')}/terms"), 409, "not_a_supplier")


async def test_the_feed_sets_the_suppliers_stock(api: Api, runner: ConsumerRunner) -> None:
    del runner
    token = await suppliers_token(api, "acme")
    path = f"/v1/suppliers/{api.location('acme')}/stock"
    assert (await api.ask("PUT", path, {"rows": [{"sku": "LAMP", "quantity": 3}]}, token=token)).json() == {"changed": 1}
    assert (await api.shop.level("LAMP", "acme")).available == 3
    problem(await api.ask("PUT", path, {"rows": [{"sku": "NONE", "quantity": 3}]}, token=token), 422, "invalid")
