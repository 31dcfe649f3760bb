from __future__ import annotations

from typing import Any

from api.conftest import Api, fed, problem
from comptoir.modules.staff.contracts import Scope

PATH = "/v1/rule-sets"
USUAL: dict[str, Any] = {
    "condition": {
        "channels": [],
        "countries": [],
        "services": [],
        "categories": [],
        "skus": [],
        "brands": [],
        "least_value": None,
        "most_value": None,
        "currency": None,
    },
    "mode": "ranked",
    "ratings": [
        {"rating": "priority", "weight": 1.0, "tolerance": 0.0},
        {"rating": "distance", "weight": 1.0, "tolerance": 0.0},
    ],
    "splitting": {"parcels": 3, "least_value": 0},
    "kinds": ["warehouse", "store", "supplier"],
    "excluded": [],
    "safety": 0,
    "minimum_pick": 0,
    "max_distance": None,
    "respect_capacity": True,
    "every": 0,
    "answer_within": 0,
    "give_up_after": 0,
    "insist_on_date": False,
    "count_unanswered": True,
    "objective": {"late_day": 300, "carbon_kg": 0, "own_order": None},
}


def every_rule(api: Api) -> dict[str, Any]:
    return {
        "condition": {
            "channels": ["web"],
            "countries": ["FR", "BE"],
            "services": ["express"],
            "categories": [],
            "skus": ["TEA"],
            "brands": [],
            "least_value": 5000,
            "most_value": 20000,
            "currency": "EUR",
        },
        "mode": "weighted",
        "ratings": [{"rating": "cost", "weight": 3.0, "tolerance": 0.0}, {"rating": "load", "weight": 1.5, "tolerance": 0.1}],
        "splitting": {"parcels": 2, "least_value": 2000},
        "kinds": ["store"],
        "excluded": [api.location("paris")],
        "safety": 2,
        "minimum_pick": 1500,
        "max_distance": 800.0,
        "respect_capacity": False,
        "every": 15,
        "answer_within": 120,
        "give_up_after": 7,
        "insist_on_date": True,
        "count_unanswered": False,
        "objective": {"late_day": 250, "carbon_kg": 15, "own_order": 40},
    }


async def test_a_rule_set_carries_all_of_its_rules(api: Api) -> None:
    body = {"code": "quick", "name": "Quickest", "position": 3, "share": 20, "rules": every_rule(api)}
    made = await api.post(PATH, body)
    assert made.status_code == 201, made.text
    shown = made.json()
    assert shown["id"].startswith("rul_")
    assert (shown["state"], shown["version"]) == ("draft", 1), "it decides nothing yet"
    assert {name: shown[name] for name in body} == body
    assert (await api.get(made.headers["location"])).json() == shown
    usual = await api.post(PATH, {"code": "usual"})
    assert usual.json()["rules"] == USUAL
    assert (usual.json()["name"], usual.json()["position"], usual.json()["share"]) == ("usual", 0, 100)


async def test_rule_sets_are_listed_in_the_order_in_which_they_are_asked(api: Api) -> None:
    for code, position in (("rest", 90), ("express", 1), ("abroad", 20)):
        assert (await api.post(PATH, {"code": code, "name": f"For {code}", "position": position})).status_code == 201
    items = (await api.get(PATH)).json()["items"]
    assert [one["code"] for one in items] == ["express", "abroad", "rest"]
    assert (await api.post(f"{PATH}/{items[0]['id']}/state", {"state": "live"})).status_code == 200

    async def codes(**params: Any) -> list[str]:
        return [one["code"] for one in (await api.get(PATH, **params)).json()["items"]]

    assert await codes(state="live") == ["express"]
    assert await codes(state="draft", sort="-position") == ["rest", "abroad"]
    assert await codes(search="for REST") == ["rest"]
    first = (await api.get(PATH, limit=2)).json()
    assert await codes(limit=2, cursor=first["next"]) == ["rest"]
    problem(await api.get(PATH, state="gone"), 422, "invalid_request")


async def test_a_rule_set_is_changed_from_the_version_that_was_seen(api: Api) -> None:
    made = await api.post(PATH, {"code": "web", "share": 50})
    path, etag = made.headers["location"], made.headers["etag"]
    changed = await api.patch(path, {"rules": every_rule(api)}, headers={"if-match": etag})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["version"], changed.json()["share"], changed.json()["rules"]) == (2, 50, every_rule(api))
    told = problem(await api.patch(path, {"share": 1}, headers={"if-match": etag}), 412, "stale")
    assert told["data"] == {"kind": "rule_set", "id": made.json()["id"], "version": 2}
    problem(await api.patch(path, {"share": 1}, headers={"if-match": "nonsense"}), 422, "invalid_request")
    assert (await api.patch(path, {"share": 1})).json()["share"] == 1
    assert (await api.get(path)).json()["rules"] == every_rule(api), "what is not named stays"


async def test_a_rule_set_goes_live_is_taken_back_and_is_retired_for_good(api: Api) -> None:
    made = await api.post(PATH, {"code": "web"})
    path = made.headers["location"]

    async def move(state: str, **more: Any) -> Any:
        return await api.post(f"{path}/state", {"state": state}, **more)

    live = await move("live", headers={"if-match": made.headers["etag"]})
    assert (live.json()["state"], live.json()["version"]) == ("live", 2)
    assert (await move("live")).json() == live.json(), "it is so already"
    problem(await move("draft", headers={"if-match": made.headers["etag"]}), 412, "stale")
    assert (await api.patch(path, {"name": "Web"})).json()["state"] == "live", "a change leaves it where it is"
    assert (await move("draft")).json()["state"] == "draft"
    assert (await move("retired")).json()["state"] == "retired"
    told = problem(await move("live"), 409, "rule_set_retired")
    assert told["data"] == {"code": "web"}
    problem(await api.patch(path, {"name": "Again"}), 409, "rule_set_retired")
    problem(await move("gone"), 422, "invalid_request")
    states = [one["state"] for one in (await api.get(f"{path}/versions")).json()["items"]]
    assert states == ["retired", "draft", "live", "live", "draft"]


async def test_every_version_of_a_rule_set_can_be_read_with_who_made_it(api: Api) -> None:
    me = (await api.get("/v1/me")).json()["actor"]
    made = await api.post(PATH, {"code": "web", "position": 4})
    path = made.headers["location"]
    await api.patch(path, {"rules": every_rule(api), "name": "Web"})
    first = (await api.get(f"{path}/versions/1")).json()
    assert (first["rules"], first["actor"], first["state"], first["position"]) == (USUAL, me, "draft", 4)
    items = (await api.get(f"{path}/versions")).json()["items"]
    assert [one["version"] for one in items] == [2, 1]
    assert (items[0]["rules"], items[0]["name"], items[1]) == (every_rule(api), "Web", first)
    page = (await api.get(f"{path}/versions", limit=1)).json()
    assert (await api.get(f"{path}/versions", limit=1, cursor=page["next"])).json()["items"] == [first]
    problem(await api.get(f"{path}/versions/3"), 404, "unknown_rule_set")
    problem(await api.get(f"{path}/versions/first"), 404, "not_found")
    problem(await api.get(f"{path}/versions/0"), 404, "unknown_rule_set")
    problem(await api.get(f"{PATH}/rul_01kag8v6w3e9n8r2t5y7z4c6bd/versions"), 404, "unknown_rule_set")


async def test_what_a_rule_set_names_has_to_be_there(api: Api) -> None:
    nowhere = "loc_01kag8v6w3e9n8r2t5y7z4c6bd"
    rules = {"excluded": [api.location("paris"), nowhere], "condition": {"channels": ["web", "wbe"]}}
    told = problem(await api.post(PATH, {"code": "web", "rules": rules}), 422, "invalid")
    assert told["errors"] == [
        {"path": "/rules/condition/channels/1", "message": "is no channel: name one by its code"},
        {"path": "/rules/excluded/1", "message": "is no location: name one by its id"},
    ]
    told = problem(
        await api.post(PATH, {"code": "web", "rules": {"condition": {"categories": ["Food > Dairy"]}}}), 422, "invalid"
    )
    assert told["errors"] == [{"path": "/rules/condition/categories/0", "message": "is no category of a product"}]
    made = await api.post(PATH, {"code": "web"})
    problem(await api.patch(made.headers["location"], {"rules": {"excluded": [nowhere]}}), 422, "invalid")
    assert (await api.get(made.headers["location"])).json() == made.json()
    assert await api.counted("routing.rule_sets") == 1


async def test_a_rule_set_that_cannot_be_is_refused_by_its_fields(api: Api) -> None:
    for wrong, path in (
        ({"ratings": []}, "/rules/ratings"),
        ({"ratings": [{"rating": "luck"}]}, "/rules/ratings/0/rating"),
        ({"ratings": [{"rating": "cost", "weight": 0}]}, "/rules/ratings/0/weight"),
        ({"ratings": [{"rating": "cost", "tolerance": -1}]}, "/rules/ratings/0/tolerance"),
        ({"splitting": {"parcels": 0}}, "/rules/splitting/parcels"),
        ({"kinds": []}, "/rules/kinds"),
        ({"kinds": ["transit"]}, "/rules/kinds/0"),
        ({"excluded": ["paris"]}, "/rules/excluded/0"),
        ({"max_distance": 0}, "/rules/max_distance"),
        ({"condition": {"countries": ["France"]}}, "/rules/condition/countries/0"),
        ({"nonsense": True}, "/rules"),
    ):
        told = problem(await api.post(PATH, {"code": "x", "rules": wrong}), 422, "invalid_request")
        assert told["errors"][0]["path"] == path, told
    problem(await api.post(PATH, {"code": "x", "share": 101}), 422, "invalid_request")
    twice = {"ratings": [{"rating": "cost"}, {"rating": "cost"}]}
    told = problem(await api.post(PATH, {"code": "x", "rules": twice}), 422, "invalid")
    assert told["errors"] == [{"path": "/rules/ratings", "message": "names a rating twice"}]
    await api.post(PATH, {"code": "web"})
    told = problem(await api.post(PATH, {"code": "web"}), 409, "rule_set_code_taken")
    assert told["data"] == {"code": "web"}
    problem(await api.get(f"{PATH}/rul_01kag8v6w3e9n8r2t5y7z4c6bd"), 404, "unknown_rule_set")
    problem(await api.post(f"{PATH}/rul_01kag8v6w3e9n8r2t5y7z4c6bd/state", {"state": "live"}), 404, "unknown_rule_set")
    assert await api.counted("routing.rule_sets") == 1


async def test_a_location_is_told_when_it_sends_and_what_that_costs(api: Api) -> None:
    path = f"/v1/locations/{api.location('lyon')}/routing"
    usual = await api.get(path)
    assert usual.json() == {
        "location_id": api.location("lyon"),
        "pick_cost": 0,
        "pack_cost": 0,
        "cut_off": "14:00",
        "preparation": 120,
        "working_days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
        "version": 0,
    }
    body = {"pick_cost": 35, "pack_cost": 90, "cut_off": "16:30", "preparation": 60, "working_days": ["saturday", "monday"]}
    put = await api.ask("PUT", path, body, headers={"if-match": usual.headers["etag"]})
    assert put.status_code == 200, put.text
    assert put.json() == usual.json() | body | {"working_days": ["monday", "saturday"], "version": 1}
    assert (await api.get(path)).json() == put.json()
    problem(await api.ask("PUT", path, body, headers={"if-match": usual.headers["etag"]}), 412, "stale")
    midnight = await api.ask("PUT", path, {"cut_off": "24:00", "working_days": []}, headers={"if-match": put.headers["etag"]})
    assert (midnight.json()["cut_off"], midnight.json()["pick_cost"], midnight.json()["working_days"]) == ("24:00", 0, [])


async def test_settings_that_cannot_be_are_refused_and_change_nothing(api: Api) -> None:
    path = f"/v1/locations/{api.location('lyon')}/routing"
    for wrong in (
        {"cut_off": "24:01"},
        {"cut_off": "4pm"},
        {"pick_cost": -1},
        {"preparation": 50_000},
        {"working_days": ["someday"]},
        {"pack": 4},
    ):
        told = problem(await api.ask("PUT", path, wrong), 422, "invalid_request")
        assert told["errors"], wrong
    nowhere = "/v1/locations/loc_01kag8v6w3e9n8r2t5y7z4c6bd/routing"
    problem(await api.get(nowhere), 404, "unknown_location")
    problem(await api.ask("PUT", nowhere, {}), 404, "unknown_location")
    assert await api.counted("routing.sites") == 0


async def test_a_change_of_routing_is_made_once_under_its_key(api: Api) -> None:
    first = await api.post(PATH, {"code": "web"}, key="once")
    again = await api.post(PATH, {"code": "web"}, key="once")
    assert (again.status_code, again.content, again.headers["idempotency-replayed"]) == (201, first.content, "true")
    path = first.headers["location"]
    for method, where, body in (
        ("PATCH", path, {"share": 10}),
        ("POST", f"{path}/state", {"state": "live"}),
        ("PUT", f"/v1/locations/{api.location('lyon')}/routing", {"pick_cost": 1}),
    ):
        done = await api.ask(method, where, body, key=where)
        twice = await api.ask(method, where, body, key=where)
        assert (done.status_code, twice.content, twice.headers["idempotency-replayed"]) == (200, done.content, "true")
    assert (await api.get(path)).json()["version"] == 3
    assert await api.counted("routing.rule_set_versions") == 3


async def test_routing_is_for_who_has_the_scope(api: Api) -> None:
    path = (await api.post(PATH, {"code": "web"})).headers["location"]
    site = f"/v1/locations/{api.location('lyon')}/routing"
    stranger = await api.new_token(Scope.LOCATIONS_READ, Scope.LOCATIONS_WRITE)
    reader = await api.new_token(Scope.ROUTING_READ)
    for where in (PATH, path, f"{path}/versions", f"{path}/versions/1", site):
        problem(await api.get(where, token=stranger), 403, "not_permitted")
        assert (await api.get(where, token=reader)).status_code == 200
    for method, where, body in (
        ("POST", PATH, {"code": "x"}),
        ("PATCH", path, {"share": 1}),
        ("POST", f"{path}/state", {"state": "live"}),
        ("PUT", site, {}),
    ):
        problem(await api.ask(method, where, body, token=reader), 403, "not_permitted")


async def test_a_change_of_a_rule_set_is_in_the_feed_of_events(api: Api) -> None:
    made = (await api.post(PATH, {"code": "web"})).json()
    await api.post(f"{PATH}/{made['id']}/state", {"state": "live"})
    events = await fed(api, "rule_set.changed", 2)
    assert [event["data"] for event in events] == [
        {"rule_set_id": made["id"], "code": "web", "state": "draft", "created": True},
        {"rule_set_id": made["id"], "code": "web", "state": "live", "created": False},
    ]


async def test_what_was_learned_from_promises_can_be_seen(api: Api) -> None:
    assert (await api.get("/v1/routing/lessons")).json() == {"carriers": [], "locations": []}
    async with api.services.database.transaction() as tx:
        await tx.run(
            "INSERT INTO routing.lessons (subject, key, parcels, on_time, slack, learned_at) "
            "SELECT 'carrier', 'post', 90, 80, 1, %(now)s UNION ALL SELECT 'site', id::text, 40, 40, 0, %(now)s "
            "FROM locations.locations WHERE code = 'paris'",
            {"now": tx.now},
        )
    learned = (await api.get("/v1/routing/lessons")).json()
    assert learned["carriers"] == [{"parcels": 90, "on_time": 80, "slack": 1, "carrier": "post"}]
    assert learned["locations"] == [{"parcels": 40, "on_time": 40, "slack": 0, "location_id": api.location("paris")}]
