"""Replenishment over the API: terms, packs, proposals, and what becomes of them."""

from __future__ import annotations

from api.conftest import Api, problem
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind, Movement


async def sold(api: Api, sku: str, code: str, units: int) -> None:
    async with api.services.database.transaction() as tx:
        movement = Movement(EntryKind.SOLD, sku, api.shop.locations[code], on_hand=-units, reason="test")
        await inventory.record(tx, [movement])


async def test_from_the_terms_to_the_transfer(api: Api) -> None:
    paris, lyon = api.location("paris"), api.location("lyon")
    terms = {"location_id": lyon, "source_id": paris, "cover_days": 14, "reorder_days": 14}
    kept = (await api.ask("PUT", "/v1/replenishment/terms", terms)).json()
    assert (kept["weeks"], kept["overstock_days"], kept["location_id"]) == (4, None, lyon)
    assert (await api.get("/v1/replenishment/terms")).json()["items"] == [kept]
    assert (await api.ask("PUT", "/v1/replenishment/packs", {"rows": [{"sku": "TEA", "multiple": 2}]})).json() == {"rows": 1}
    await sold(api, "TEA", "lyon", 5)
    await sold(api, "COFFEE", "lyon", 4)
    assert (await api.post("/v1/replenishment/run")).json() == {"proposals": 1}, "there is no coffee in Paris"
    (one,) = (await api.get("/v1/replenishment/proposals", to_location_id=lyon)).json()["items"]
    assert {name: one[name] for name in ("sku", "quantity", "sold", "free", "lasts", "wanted")} == {
        "sku": "TEA", "quantity": 4, "sold": 5, "free": 0, "lasts": 0, "wanted": 4,
    }  # fmt: skip
    body = {"proposals": [{"proposal_id": one["id"], "quantity": 2}]}
    (transfer,) = (await api.post("/v1/replenishment/accept", body)).json()["transfers"]
    assert (transfer["state"], transfer["lines"][0]["quantity"]) == ("draft", 2)
    problem(await api.post("/v1/replenishment/accept", body), 409, "proposal_gone")
    (done,) = (await api.get("/v1/replenishment/proposals", state="accepted")).json()["items"]
    assert done["transfer_id"] == transfer["id"]


async def test_what_is_dismissed_does_not_come_back_at_once(api: Api) -> None:
    paris, lyon = api.location("paris"), api.location("lyon")
    await api.ask("PUT", "/v1/replenishment/terms", {"location_id": lyon, "source_id": paris, "reorder_days": 14})
    await sold(api, "TEA", "lyon", 5)
    await api.post("/v1/replenishment/run")
    (one,) = (await api.get("/v1/replenishment/proposals")).json()["items"]
    assert (await api.post("/v1/replenishment/dismiss", {"proposal_ids": [one["id"]]})).json() == {"dismissed": 1}
    assert (await api.post("/v1/replenishment/run")).json() == {"proposals": 0}


async def test_terms_that_make_no_sense_are_refused(api: Api) -> None:
    paris, lyon = api.location("paris"), api.location("lyon")
    for wrong in (
        {"source_id": paris},
        {"source_id": paris, "location_id": paris},
        {"source_id": paris, "location_id": lyon, "cover_days": 3},
    ):
        problem(await api.ask("PUT", "/v1/replenishment/terms", wrong), 422, "invalid")
