"""Invoices over the API: who sells, what is issued, and its paper."""

from __future__ import annotations

from api.conftest import Api, problem

SELLER = {
    "name": "Maison Lumen",
    "legal_name": "Lumen & Filles",
    "country": "FR",
    "line1": "12, rue de la République",
    "city": "Lyon",
}


async def test_an_order_is_invoiced_on_demand_and_its_paper_is_a_pdf(api: Api) -> None:
    await api.shop.settle()
    placed = (await api.post("/v1/orders", {"channel": "web", "lines": [{"sku": "TEA", "quantity": 2}]})).json()
    path = f"/v1/orders/{placed['id']}/invoices"
    if (await api.get("/v1/seller")).status_code == 409:
        problem(await api.post(path), 409, "seller_unknown")
    said = (await api.ask("PUT", "/v1/seller", SELLER)).json()
    assert (await api.get("/v1/seller")).json() == said
    made = await api.post(path)
    assert made.status_code == 201, made.text
    one = made.json()
    assert (one["kind"], one["order_id"], one["refers_to"]) == ("invoice", placed["id"], None)
    assert (await api.get(path)).json()["items"] == [one]
    assert (await api.get(f"/v1/invoices/{one['id']}")).json() == one
    paper = await api.get(f"/v1/invoices/{one['id']}/document")
    assert (paper.headers["content-type"], paper.content[:4]) == ("application/pdf", b"%PDF")
    problem(await api.post(path), 409, "nothing_to_invoice")


async def test_a_task_is_opened_left_half_way_and_gone_on_with(api: Api) -> None:
    await api.shop.settle()
    placed = (await api.post("/v1/orders", {"channel": "web", "lines": [{"sku": "TEA", "quantity": 2}]})).json()
    await api.shop.settle()
    (one,) = (await api.get("/v1/fulfilments", order_id=placed["id"])).json()["items"]
    path = f"/v1/fulfilments/{one['id']}"
    problem(await api.post(f"{path}/release"), 409, "not_in_that_state")
    await api.post(f"{path}/scan", {"code": "TEA"})
    left = (await api.post(f"{path}/stop", {})).json()
    assert (left["state"], left["assignee"], left["picked"]) == ("incomplete", "", 1)
    assert (await api.post(f"{path}/begin", {})).json()["state"] == "in_progress"


async def test_requests_to_third_parties_are_listed_by_how_far_they_are(api: Api) -> None:
    await api.shop.settle()
    placed = (await api.post("/v1/orders", {"channel": "web", "lines": [{"sku": "TEA", "quantity": 1}]})).json()
    await api.shop.settle()
    (one,) = (await api.get("/v1/fulfilments", order_id=placed["id"])).json()["items"]
    path = f"/v1/fulfilments/{one['id']}"
    await api.post(f"{path}/request", {"step": "submit"})
    found = (await api.get("/v1/fulfilments", request="submitted", order_id=placed["id"])).json()["items"]
    assert [other["id"] for other in found] == [one["id"]]
    await api.post(f"{path}/request", {"step": "accept"})
    refused = await api.post(f"/v1/orders/{placed['id']}/cancel", {"reason": "asked"})
    problem(refused, 409, "at_third_party")
