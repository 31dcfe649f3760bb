"""Simulations over the API: asked, run by the worker, and read side by side with what happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from api.conftest import Api, problem
from comptoir.kernel.ids import from_text
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId, Tracking
from comptoir.surfaces.jobs.simulations import SimulationJob

NEAREST = {"mode": "ranked", "ratings": [{"rating": "distance"}]}


async def traded(api: Api) -> None:
    """Two orders that went out from Paris, of a buyer in Lyon."""
    place = {"latitude": 45.76, "longitude": 4.86, "country": "FR"}
    for _ in range(2):
        body = {"channel": "web", "lines": [{"sku": "TEA", "quantity": 1}], "ship_to": place}
        placed = (await api.post("/v1/orders", body)).json()
        async with api.shop.database.transaction() as tx:
            await orders.ship_all(tx, {OrderId(from_text("ord", placed["id"])): Tracking("acme", "1")})


def span(**more: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "channels": ["web"],
        "since": (now - timedelta(days=1)).isoformat(),
        "until": (now + timedelta(days=1)).isoformat(),
    } | more


async def run(api: Api, simulation: dict[str, Any]) -> dict[str, Any]:
    await SimulationJob(api.services.database)(str(from_text("sim", simulation["id"])))
    return (await api.get(f"/v1/simulations/{simulation['id']}")).json()


async def test_a_draft_is_tried_on_the_past(api: Api) -> None:
    await traded(api)
    made = (await api.post("/v1/rule-sets", {"code": "near", "name": "Nearest", "rules": NEAREST})).json()
    asked = await api.post("/v1/simulations", span(rule_set_id=made["id"]))
    assert asked.status_code == 202, asked.text
    assert (asked.json()["state"], asked.json()["name"], asked.json()["happened"]) == ("queued", "Nearest", None)
    done = await run(api, asked.json())
    assert (done["state"], done["orders"], done["done"]) == ("done", 2, 2)
    happened, tried = done["happened"], done["tried"]
    assert happened["load"] == [{"location_id": api.location("paris"), "parcels": 2}]
    assert tried["load"] == [{"location_id": api.location("lyon"), "parcels": 2}]
    assert tried["distance_km"] < happened["distance_km"]
    assert [one["id"] for one in (await api.get("/v1/simulations")).json()["items"]] == [done["id"]]


async def test_what_is_cancelled_is_not_run_and_what_is_done_is_not_cancelled(api: Api) -> None:
    await traded(api)
    asked = (await api.post("/v1/simulations", span())).json()
    assert (await api.post(f"/v1/simulations/{asked['id']}/cancel")).json()["state"] == "cancelled"
    assert (await run(api, asked))["state"] == "cancelled"
    again = (await api.post("/v1/simulations", span())).json()
    assert (await run(api, again))["state"] == "done"
    problem(await api.post(f"/v1/simulations/{again['id']}/cancel"), 409, "simulation_over")


async def test_a_past_without_orders_fails_with_its_reason(api: Api) -> None:
    asked = (await api.post("/v1/simulations", span())).json()
    told = await run(api, asked)
    assert (told["state"], told["problem"]) == ("failed", "no_orders")


async def test_what_cannot_be_asked_is_refused(api: Api) -> None:
    now = datetime.now(UTC).isoformat()
    problem(await api.post("/v1/simulations", span(until=now, since=now)), 422, "invalid")
    problem(await api.post("/v1/simulations", span(channels=["nowhere"])), 404, "unknown_channel")
    await api.shop.channel("other", ["lyon"])
    problem(await api.post("/v1/simulations", span(channels=["web", "other"])), 422, "invalid")


async def test_what_has_not_left_yet_counts_where_it_is_promised(api: Api) -> None:
    place = {"latitude": 45.76, "longitude": 4.86, "country": "FR"}
    await api.post("/v1/orders", {"channel": "web", "lines": [{"sku": "TEA", "quantity": 1}], "ship_to": place})
    done = await run(api, (await api.post("/v1/simulations", span())).json())
    assert (done["happened"]["parcels"], done["happened"]["lacking"]) == (1, 0)


async def test_it_says_for_how_many_it_decided_and_takes_runs_and_mishaps_along(api: Api) -> None:
    await traded(api)
    first = (await api.post("/v1/rule-sets", {"code": "first", "rules": NEAREST, "position": 1})).json()
    live = await api.post(f"/v1/rule-sets/{first['id']}/state", {"state": "live"})
    assert live.status_code == 200, live.text
    then = (await api.post("/v1/rule-sets", {"code": "then", "rules": {**NEAREST, "every": 60}, "position": 2})).json()
    behind = await run(api, (await api.post("/v1/simulations", span(rule_set_id=then["id"], for_all=True))).json())
    assert (behind["state"], behind["reached"], behind["rehearsed"]) == ("done", 0, None)
    asked = await api.post("/v1/simulations", span(rule_set_id=first["id"], with_runs=True, with_mishaps=True))
    done = await run(api, asked.json())
    assert (done["reached"], done["with_runs"], done["with_mishaps"]) == (2, True, True)
    told = done["rehearsed"]
    # Nothing was measured to go wrong, so that nothing does.
    assert (told["kept"], told["rejected"], told["rejects"], told["late"]) == (told["promised"], 0, 0.0, 0.0)


async def test_promises_kept_are_measured_by_week(api: Api) -> None:
    await traded(api)
    assert (await api.get("/v1/promises/kept-by-week")).json() == {"kept": 0, "broken": 0, "items": []}
    async with api.shop.database.transaction() as tx:
        await tx.run(
            """
            INSERT INTO tracking.parcels (id, shipment_id, order_id, order_number, channel, location_id, kind, carrier, service,
              tracking_number, tracking_url, origin_country, origin_region, destination_country, destination_region, zone,
              shipped_at, promised_on, status, delivered_at, signed_by)
            SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), n, 'web', %(place)s, 'parcel', 'dpd', 'classic', '',
              '', 'FR', '', 'FR', '', 'UTC', '2026-03-02', '2026-03-04', 'delivered', %(first)s + n * interval '1 day', ''
            FROM generate_series(0, 2) AS n""",
            {"place": api.shop.locations["paris"], "first": datetime(2026, 3, 3, 12, tzinfo=UTC)},
        )
    told = (await api.get("/v1/promises/kept-by-week?since=2026-03-05")).json()
    assert (told["kept"], told["broken"]) == (2, 1)
    (week,) = told["items"]
    assert (week["week"], week["carrier"], week["location_id"]) == ("2026-03-02", "dpd", api.location("paris"))
