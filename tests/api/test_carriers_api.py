from __future__ import annotations

from typing import Any

from api.conftest import Api, fed, problem
from comptoir.modules.staff.contracts import Scope

NEAR: dict[str, Any] = {"up_to_km": 250.0, "base": 490, "per_kg": 50, "days": 1}
FAR: dict[str, Any] = {"up_to_km": 1200.5, "base": 690, "per_kg": 80, "days": 3}
HOME: dict[str, Any] = {"code": "colis-home", "name": "Colis à domicile", "zones": [NEAR, FAR], "countries": ["FR", "BE"]}
WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
PATH = "/v1/carrier-services"


async def test_a_carrier_service_is_added_read_changed_and_switched_off(api: Api) -> None:
    made = await api.post(PATH, HOME, key="c1")
    assert made.status_code == 201, made.text
    path = made.headers["location"]
    assert path == f"{PATH}/{made.json()['id']}"
    assert made.json()["id"].startswith("csv_")
    assert (await api.get(path)).json() == made.json()
    shown = made.json()
    assert (shown["zones"], shown["countries"], shown["service"]) == ([NEAR, FAR], ["FR", "BE"], "standard")
    assert (shown["delivers"], shown["max_weight"], shown["carbon"], shown["dangerous"]) == (WEEK[:6], 30_000, 0.1, False)
    changes = {"zones": [NEAR], "delivers": ["friday", "monday"], "active": False, "dangerous": True}
    changed = await api.patch(path, changes, headers={"if-match": made.headers["etag"]})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["zones"], changed.json()["delivers"]) == ([NEAR], ["monday", "friday"])
    assert (changed.json()["active"], changed.json()["dangerous"], changed.json()["version"]) == (False, True, 2)
    assert (changed.json()["name"], changed.json()["countries"]) == ("Colis à domicile", ["FR", "BE"]), "the rest stays"


async def test_carrier_services_are_listed_filtered_and_paged(api: Api) -> None:
    for body in (
        HOME,
        HOME | {"code": "chrono", "name": "Chrono 13h", "service": "express"},
        HOME | {"code": "old", "active": False},
    ):
        assert (await api.post(PATH, body)).status_code == 201

    async def codes(**params: Any) -> list[str]:
        return [one["code"] for one in (await api.get(PATH, **params)).json()["items"]]

    assert await codes() == ["chrono", "colis-home", "old"]
    assert await codes(sort="-code") == ["old", "colis-home", "chrono"]
    assert await codes(service="express") == ["chrono"]
    assert await codes(active="false") == ["old"]
    assert await codes(search="DOMICILE", active="true") == ["colis-home"]
    first = (await api.get(PATH, limit=2)).json()
    assert await codes(limit=2, cursor=first["next"]) == ["old"]


async def test_of_two_who_change_a_carrier_service_the_second_is_told(api: Api) -> None:
    made = await api.post(PATH, HOME)
    path, etag = made.headers["location"], made.headers["etag"]
    assert (await api.patch(path, {"name": "A"}, headers={"if-match": etag})).status_code == 200
    told = problem(await api.patch(path, {"name": "B"}, headers={"if-match": etag}), 412, "stale")
    assert told["data"] == {"kind": "carrier_service", "id": made.json()["id"], "version": 2}
    assert (await api.get(path)).json()["name"] == "A"


async def test_a_code_names_one_carrier_service(api: Api) -> None:
    await api.post(PATH, HOME)
    told = problem(await api.post(PATH, HOME), 409, "carrier_service_code_taken")
    assert told["data"] == {"code": "colis-home"}
    other = await api.post(PATH, HOME | {"code": "other"})
    problem(await api.patch(other.headers["location"], {"code": "colis-home"}), 409, "carrier_service_code_taken")
    problem(await api.get(f"{PATH}/csv_01kag8v6w3e9n8r2t5y7z4c6bd"), 404, "unknown_carrier_service")
    problem(await api.patch(f"{PATH}/csv_01kag8v6w3e9n8r2t5y7z4c6bd", {}), 404, "unknown_carrier_service")
    problem(await api.get(f"{PATH}/loc_01kag8v6w3e9n8r2t5y7z4c6bd"), 404, "not_found")


async def test_a_carrier_service_that_cannot_be_is_refused_by_its_fields(api: Api) -> None:
    for wrong, path in (
        ({"zones": []}, "/zones"),
        ({"zones": [NEAR | {"up_to_km": 0}]}, "/zones/0/up_to_km"),
        ({"zones": [NEAR | {"base": -1}]}, "/zones/0/base"),
        ({"zones": [NEAR | {"price": 4}]}, "/zones/0"),
        ({"countries": ["France"]}, "/countries/0"),
        ({"service": "pickup"}, "/service"),
        ({"delivers": []}, "/delivers"),
        ({"delivers": ["someday"]}, "/delivers/0"),
        ({"max_weight": 0}, "/max_weight"),
        ({"carbon": -0.1}, "/carbon"),
        ({"code": "a b"}, "/code"),
    ):
        told = problem(await api.post(PATH, HOME | wrong), 422, "invalid_request")
        assert told["errors"][0]["path"] == path, told
    told = problem(await api.post(PATH, HOME | {"zones": [FAR, NEAR]}), 422, "invalid")
    assert told["errors"] == [{"path": "/zones", "message": "go from near to far"}]
    assert await api.counted("carriers.services") == 0


async def test_a_carrier_service_is_added_once_under_its_key(api: Api) -> None:
    first = await api.post(PATH, HOME, key="once")
    again = await api.post(PATH, HOME, key="once")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert await api.counted("carriers.services") == 1
    problem(await api.post(PATH, HOME | {"name": "Other"}, key="once"), 422, "idempotency_key_reused")


async def test_carrier_services_are_for_who_has_the_scope(api: Api) -> None:
    path = (await api.post(PATH, HOME)).headers["location"]
    stranger = await api.new_token(Scope.LOCATIONS_READ, Scope.LOCATIONS_WRITE)
    reader = await api.new_token(Scope.ROUTING_READ)
    writer = await api.new_token(Scope.ROUTING_WRITE)
    problem(await api.get(PATH, token=stranger), 403, "not_permitted")
    problem(await api.get(PATH, token=""), 401, "unauthenticated")
    problem(await api.patch(path, {"name": "X"}, token=reader), 403, "not_permitted")
    problem(await api.post(PATH, HOME | {"code": "x"}, token=reader), 403, "not_permitted")
    assert (await api.get(path, token=reader)).status_code == 200
    assert (await api.patch(path, {"name": "X"}, token=writer)).status_code == 200
    problem(await api.get(path, token=writer), 403, "not_permitted")


async def test_a_change_of_a_carrier_service_is_in_the_feed_of_events(api: Api) -> None:
    made = (await api.post(PATH, HOME)).json()
    (event,) = await fed(api, "carrier_service.changed", 1)
    assert event["data"] == {"carrier_service_id": made["id"], "code": "colis-home", "created": True}


async def test_where_a_carrier_collects_is_said_and_taken_back(api: Api) -> None:
    store = {"code": "van", "name": "Van", "kind": "store", "country": "FR", "time_zone": "Europe/Paris"}
    place = (await api.post("/v1/locations", store)).json()["id"]
    said = {"locations": [place], "kinds": ["warehouse"], "countries": ["FR"]}
    made = await api.post(PATH, HOME | {"origins": said})
    assert made.status_code == 201, made.text
    assert made.json()["origins"] == said
    changed = await api.patch(made.headers["location"], {"origins": {}})
    assert changed.json()["origins"] == {"locations": [], "kinds": [], "countries": []}
    gone = place[:-4] + ("0000" if place[-4:] != "0000" else "1111")
    told = problem(await api.post(PATH, HOME | {"code": "b", "origins": {"locations": [gone]}}), 422, "invalid")
    assert [error["path"] for error in told["errors"]] == ["/origins/locations/0"]


async def test_a_decision_names_the_carrier_that_does_not_collect_and_the_place(api: Api) -> None:
    van = HOME | {"code": "van", "name": "Van", "countries": [], "zones": [FAR | {"up_to_km": 9000}]}
    assert (await api.post(PATH, van | {"origins": {"kinds": ["store"]}})).status_code == 201
    await api.shop.settle()
    body = {"channel": "web", "lines": [{"sku": "TEA", "quantity": 2}], "ship_to": {"country": "FR", "city": "Paris"}}
    made = (await api.post("/v1/orders", body)).json()
    await api.shop.settle()
    log = (await api.get(f"/v1/orders/{made['id']}/decisions")).json()["items"]
    told = (await api.get(f"/v1/decisions/{log[0]['id']}")).json()
    paris = next(place for place in told["locations"] if place["code"] == "paris")
    assert (paris["fence"], paris["detail"]) == ("no_carrier", "not_collected")
    assert paris["reason"] == "paris is not collected at by Van, which would take it."
    lyon = next(place for place in told["locations"] if place["code"] == "lyon")
    assert lyon["fence"] is None
