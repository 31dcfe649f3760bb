"""From the box to the carrier's hands over the API: cartons, labels given back or refused, manifests, drivers, choice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest_asyncio

from api.conftest import Api, problem
from api.test_parcels_api import GROUND, PAPER, Far, api, bought, connected, packed, services, wanted
from comptoir.kernel.time import utcnow
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.sdk.orders import Address
from comptoir.surfaces.api.identifiers import id_example, parsed
from support.carrier_rigs import API_KEY, SIGNING
from support.carriers import Call, Reply, simulated

__all__ = ["api", "services"]

M = {"code": "M", "name": "Carton M", "length": 300, "width": 200, "height": 150, "weight": 180, "cost": 45}


class Printing(Far):
    """Whose manifests have papers, too."""

    def _handled(self, call: Call) -> Reply:
        if call.path.startswith("/forms/"):
            return Reply(200, PAPER, {"content-type": "application/pdf"})
        return super()._handled(call)


@pytest_asyncio.fixture
async def far() -> AsyncIterator[Far]:
    async with simulated(Printing(API_KEY, SIGNING)) as simulator:
        yield simulator


async def measured(api: Api) -> None:
    variant = VariantDraft(sku="TEA", weight=250, length=180, width=90, height=70)
    async with api.services.database.transaction() as tx:
        await catalogue.upsert(tx, [ProductDraft(code="p-TEA", names={"fr": "Thé"}, variants=[variant])])


async def labelled(api: Api, **more: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    account = await connected(api)
    one, box = await packed(api, **more)
    return one, box, await bought(api, account, one, box)


# Cartons


async def test_cartons_are_kept_and_proposed(api: Api) -> None:
    await measured(api)
    made = await api.post("/v1/cartons", M)
    assert (made.status_code, made.json()["max_weight"], made.json()["location_id"]) == (201, 30_000, None)
    problem(await api.post("/v1/cartons", M), 409, "carton_code_taken")
    path = f"/v1/cartons/{made.json()['id']}"
    changed = await api.patch(path, {"max_weight": 900}, headers={"if-match": made.headers["etag"]})
    assert changed.json()["max_weight"] == 900
    problem(await api.patch(path, {"cost": 1}, headers={"if-match": made.headers["etag"]}), 412, "stale")
    problem(await api.get(f"/v1/cartons/{id_example('carton')}"), 404, "unknown_carton")
    told = problem(await api.post("/v1/cartons", M | {"code": "X", "location_id": id_example("location")}), 422, "invalid")
    assert [error["path"] for error in told["errors"]] == ["/location_id"]

    lines = [{"sku": "TEA", "quantity": 4}]
    order = (
        await api.post("/v1/orders", {"channel": "web", "lines": lines, "ship_to": {"country": "FR", "city": "Lyon"}})
    ).json()
    await api.shop.settle()
    (one,) = (await api.get("/v1/fulfilments", order_id=order["id"])).json()["items"]
    found = (await api.get(f"/v1/fulfilments/{one['id']}/cartons")).json()
    assert [(box["carton"], box["lines"][0]["quantity"], box["weight"]) for box in found["boxes"]] == [
        ("M", 3, 930),
        ("M", 1, 430),
    ]
    assert (found["guessed"], found["unweighed"]) == ([], [])
    await api.post(f"/v1/fulfilments/{one['id']}/pick", {})
    first = found["boxes"][0]
    packed_one = await api.post(f"/v1/fulfilments/{one['id']}/pack", {"carton": "M", "lines": first["lines"]})
    (box,) = packed_one.json()["parcels"]
    assert (box["weight"], box["length"], box["width"], box["height"]) == (930, 300, 200, 150)
    weighed = await api.post(f"/v1/fulfilments/{one['id']}/pack", {"carton": "M", "weight": 511, "length": 10})
    assert [(box["weight"], box["length"]) for box in weighed.json()["parcels"]][-1] == (511, 10)
    await api.patch(path, {"active": False})
    assert (await api.get(f"/v1/fulfilments/{one['id']}/cartons")).json()["boxes"] == []
    listed = (await api.get("/v1/cartons", active=False, search="car")).json()["items"]
    assert [item["code"] for item in listed] == ["M"]
    log = [entry["action"] for entry in (await api.get("/v1/audit")).json()["items"]]
    assert log[:3] == ["carton.changed", "carton.changed", "carton.created"]


# Labels


async def test_what_a_carrier_refuses_is_told_as_422_with_its_field(api: Api, far: Far) -> None:
    account = await connected(api)
    one, box = await packed(api)
    far.buy_error = (422, "ADDRESS.ZIP.INVALID")
    told = problem(await api.post("/v1/labels", wanted(account, one, box)), 422, "shipment_rejected")
    assert "It was not to be." in told["detail"]
    assert told["data"] == {"carrier": "easypost", "reason": "ADDRESS.ZIP.INVALID", "field": "recipient.postcode"}
    assert (await api.post("/v1/labels", wanted(account, one, box))).json()["state"] == "bought"


async def test_another_carrier_may_be_asked_after_one_that_was_away(api: Api, far: Far) -> None:
    first, second = await connected(api), await connected(api, name="Another")
    one, box = await packed(api)
    far.fail(503)
    problem(await api.post("/v1/labels", wanted(first, one, box)), 503, "carrier_unavailable")
    far.recover()
    label = await bought(api, second, one, box)
    assert label["account_id"] == second["id"]
    states = [item["state"] for item in (await api.get("/v1/labels", fulfilment_id=one["id"])).json()["items"]]
    assert (states, far.bought()) == (["refused", "bought"], 1)


async def test_a_box_that_is_opened_gives_its_label_back(api: Api, far: Far) -> None:
    one, box, label = await labelled(api)
    far.refund_status = "refunded"
    path = f"/v1/fulfilments/{one['id']}/parcels/{box['id']}/unpack"
    opened = await api.post(path, key="open")
    assert opened.json()["parcels"] == []
    assert (await api.get(f"/v1/labels/{label['id']}")).json()["state"] == "voided"
    assert (await api.post(path, key="open")).content == opened.content


async def test_a_label_that_is_not_taken_back_keeps_the_box_closed(api: Api, far: Far) -> None:
    one, box, label = await labelled(api)
    far.refund_status = "rejected"
    path = f"/v1/fulfilments/{one['id']}/parcels/{box['id']}/unpack"
    told = problem(await api.post(path), 409, "label_not_taken_back")
    assert told["data"]["id"] == label["id"]
    assert len((await api.get(f"/v1/fulfilments/{one['id']}")).json()["parcels"]) == 1
    assert (await api.post(path, abandon_label=True)).json()["parcels"] == []
    assert (await api.get(f"/v1/labels/{label['id']}")).json()["state"] == "bought"


async def test_what_has_left_keeps_its_label(api: Api) -> None:
    one, _, label = await labelled(api)
    await api.post(f"/v1/fulfilments/{one['id']}/hand-over", {})
    (gone,) = (await api.get(f"/v1/fulfilments/{one['id']}")).json()["parcels"]
    assert gone["tracking_number"] == label["tracking_number"], "the label of a box goes with it, asked for or not"
    problem(await api.post(f"/v1/labels/{label['id']}/void"), 409, "label_has_left")
    assert (await api.get(f"/v1/labels/{label['id']}")).json()["state"] == "bought"


async def test_the_sender_of_a_label_is_whom_the_location_names(api: Api, far: Far) -> None:
    person = {"contact": "Dana Dock", "phone": "+33472000000", "email": "dock@example.com"}
    changed = await api.patch(f"/v1/locations/{api.location('paris')}", person)
    assert {name: changed.json()[name] for name in person} == person
    wrong = problem(await api.patch(f"/v1/locations/{api.location('paris')}", {"email": "nobody"}), 422, "invalid")
    assert wrong["errors"][0]["path"] == "/email"
    await labelled(api)
    (shipment,) = (one for one in far.shipments.values() if one["postage_label"])
    sender = shipment["from_address"]
    assert (sender["name"], sender["phone"], sender["email"]) == ("Dana Dock", "+33472000000", "dock@example.com")


# Handing over


async def test_a_manifest_is_made_once_and_printed_again(api: Api) -> None:
    one, _, label = await labelled(api)
    body = {"label_ids": [label["id"]], "location_id": one["location_id"]}
    made = await api.post("/v1/manifests", body, key="manifest")
    (manifest,) = made.json()["items"]
    assert (manifest["tracking_numbers"], manifest["ready"]) == ([label["tracking_number"]], True)
    assert (await api.post("/v1/manifests", body, key="manifest")).content == made.content
    assert (await api.post("/v1/manifests", body)).json()["items"] == [], "what is on one goes on no other"
    paper = await api.get(f"/v1/manifests/{manifest['id']}/document")
    assert (paper.headers["content-type"], paper.content) == ("application/pdf", PAPER)
    listed = (await api.get("/v1/manifests", location_id=one["location_id"])).json()["items"]
    assert [item["id"] for item in listed] == [manifest["id"]]
    problem(await api.get(f"/v1/manifests/{id_example('manifest')}/document"), 404, "unknown_manifest")


async def test_a_driver_is_called_once_and_sent_away(api: Api, far: Far) -> None:
    one, _, label = await labelled(api)
    begin = utcnow().replace(microsecond=0) + timedelta(hours=3)
    hours = {"from_at": begin.isoformat(), "until_at": (begin + timedelta(hours=4)).isoformat()}
    body = {"label_ids": [label["id"]], "location_id": one["location_id"], "instructions": "Ring twice"} | hours
    called = (await api.post("/v1/pickups", body)).json()
    (driver,) = called["items"]
    assert (driver["state"], driver["weight"], driver["confirmation"], called["problems"]) == (
        "scheduled",
        350,
        "WTC00000001",
        [],
    )
    again = (await api.post("/v1/pickups", body)).json()["items"]
    assert (again[0]["id"], len(far.pickups)) == (driver["id"], 1)
    listed = (await api.get("/v1/pickups", location_id=one["location_id"])).json()["items"]
    assert [item["id"] for item in listed] == [driver["id"]]
    cancelled = await api.post(f"/v1/pickups/{driver['id']}/cancel")
    assert cancelled.json()["state"] == "cancelled"
    far.fail(503)
    problem(await api.post("/v1/pickups", body), 503, "carrier_unavailable")
    problem(await api.post("/v1/pickups", body | {"until_at": hours["from_at"]}), 422, "invalid")


# How carriers are chosen


async def test_what_the_house_says_of_carriers_decides_which_is_proposed(api: Api) -> None:
    await connected(api)
    one, box = await packed(api)

    async def chosen() -> list[str]:
        found = (await api.get("/v1/carrier-offers", fulfilment_id=one["id"], parcel_id=box["id"], currency="USD")).json()
        return [offer["service"] for offer in found["items"] if offer["chosen"]]

    before = (await api.get("/v1/carrier-choice")).json()
    assert (before["excluded"], before["shares"], before["version"]) == ([], None, 0)
    assert await chosen() == [GROUND]
    said = await api.ask("PUT", "/v1/carrier-choice", {"excluded": ["USPS"], "late_costs": 700})
    assert (said.json()["excluded"], said.json()["late_costs"], said.json()["version"]) == (["USPS"], 700, 1)
    assert await chosen() == ["UPS/Ground"]
    shared = await api.ask("PUT", "/v1/carrier-choice", {"shares": {"USPS": 1, "UPS": 9}, "tolerance": 500})
    assert (shared.json()["shares"], shared.json()["version"]) == ({"USPS": 1, "UPS": 9}, 2)
    assert await chosen() == ["UPS/Ground"]
    stale = await api.ask("PUT", "/v1/carrier-choice", {}, headers={"if-match": '"1"'})
    ruled = {"name": "Not by post", "weight_from": 1, "effects": [{"do": "exclude", "carrier": "USPS"}]}
    kept = (await api.ask("PUT", "/v1/carrier-choice", {"rules": [ruled]})).json()
    (rule,) = kept["rules"]
    assert (rule["name"], rule["weight_from"], rule["effects"][0]["do"]) == ("Not by post", 1, "exclude")
    assert await chosen() == ["UPS/Ground"]
    told = (await api.get("/v1/carrier-offers", fulfilment_id=one["id"], parcel_id=box["id"], currency="USD")).json()
    against = {offer["against"] for offer in told["items"] if offer["carrier"] == "USPS"}
    assert (told["rule"], against) == (1, {"the rule excludes it"})
    problem(await api.ask("PUT", "/v1/carrier-choice", {"rules": [{"effects": []}]}), 422, "invalid_request")
    problem(stale, 412, "stale")
    problem(await api.ask("PUT", "/v1/carrier-choice", {"shares": {"USPS": 0}}), 422, "invalid")
    assert "carrier_choice.changed" in [entry["action"] for entry in (await api.get("/v1/audit")).json()["items"]]


async def test_work_that_is_open_goes_to_the_orders_new_address(api: Api) -> None:
    one, _ = await packed(api)
    assert one["city"] == "Marseille"
    home = Address(name="Léo Roux", line1="5 rue Servient", postcode="69003", city="Lyon", country="FR")
    async with api.services.database.transaction() as tx:
        await orders.change_delivery(tx, OrderId(parsed("order", one["order_id"])), ship_to=home)
    await api.shop.settle()
    after = (await api.get(f"/v1/fulfilments/{one['id']}")).json()
    assert (after["recipient"], after["city"], after["country"]) == ("Léo Roux", "Lyon", "FR")
