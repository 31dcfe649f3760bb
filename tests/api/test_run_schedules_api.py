from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from api.conftest import Api, fed, problem
from comptoir.kernel.ids import from_text
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.metrics import Metrics
from comptoir.surfaces.jobs.housekeeping import Housekeeping

PATH = "/v1/run-schedules"


def whole(**more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "code": "express",
        "name": "Express orders",
        "active": True,
        "condition": {
            "channels": ["web"],
            "countries": ["FR"],
            "services": ["express"],
            "categories": [],
            "skus": ["TEA"],
            "brands": [],
            "least_value": 1000,
            "most_value": None,
            "currency": "EUR",
        },
        "rule_set_id": None,
        "time_zone": "Europe/Paris",
        "days": ["monday", "friday"],
        "times": ["10:00", "14:30"],
        "every": 30,
        "opens": "08:00",
        "closes": "24:00",
        "rests_in": "FR",
        "priority": 2,
    }
    return body | more


async def test_a_schedule_carries_all_that_it_says_and_tells_its_next_run(api: Api) -> None:
    made = await api.post(PATH, whole())
    assert made.status_code == 201, made.text
    shown = made.json()
    assert shown["id"].startswith("sch_")
    assert {name: shown[name] for name in whole()} == whole()
    assert (await api.get(made.headers["location"])).json() == shown
    assert datetime.fromisoformat(shown["next_run_at"]) > datetime.now(UTC)
    assert shown["last_run"] is None
    usual = (await api.post(PATH, {"code": "all", "every": 60})).json()
    assert (usual["name"], usual["times"], usual["opens"], usual["closes"]) == ("all", [], "00:00", "24:00")
    assert (usual["time_zone"], len(usual["days"]), usual["rests_in"], usual["priority"]) == ("UTC", 7, None, 0)
    items = (await api.get(PATH)).json()["items"]
    assert [one["code"] for one in items] == ["all", "express"], "the lower priority first"
    told = await fed(api, "run_schedule.changed", 2)
    assert {one["data"]["code"] for one in told} == {"all", "express"}


async def test_a_schedule_is_replaced_and_deleted(api: Api) -> None:
    made = await api.post(PATH, whole())
    at, tag = made.headers["location"], made.headers["etag"]
    changed = await api.ask("PUT", at, {"code": "express", "times": ["09:00"], "active": False}, headers={"if-match": tag})
    assert changed.status_code == 200, changed.text
    told = changed.json()
    assert (told["version"], told["times"], told["condition"]["skus"], told["next_run_at"]) == (2, ["09:00"], [], None)
    problem(await api.ask("PUT", at, whole(), headers={"if-match": tag}), 412, "stale")
    problem(await api.post(f"{at}/run"), 409, "run_schedule_off")
    assert (await api.ask("DELETE", at)).status_code == 204
    problem(await api.get(at), 404, "unknown_run_schedule")
    problem(await api.ask("DELETE", at), 404, "unknown_run_schedule")
    assert (await api.get(PATH)).json()["items"] == []
    assert (await api.post(PATH, whole())).status_code == 201, "its code is free again"


async def test_what_makes_no_sense_is_refused_and_nothing_is_kept(api: Api) -> None:
    assert (await api.post(PATH, whole())).status_code == 201
    problem(await api.post(PATH, whole()), 409, "run_schedule_code_taken")
    for wrong, path in (
        ({"code": "a", "times": []}, "/every"),
        ({"code": "a", "every": 5, "time_zone": "Mars"}, "/time_zone"),
        ({"code": "a", "every": 5, "rests_in": "ZZ"}, "/rests_in"),
        ({"code": "a", "every": 5, "opens": "10:00", "closes": "09:00"}, "/closes"),
        ({"code": "a", "every": 5, "condition": {"least_value": 5}}, "/condition/currency"),
        ({"code": "a", "every": 5, "condition": {"skus": ["NOPE"]}}, "/condition/skus/0"),
        ({"code": "a", "every": 5, "condition": {"brands": ["Nope"]}}, "/condition/brands/0"),
    ):
        told = problem(await api.post(PATH, wrong), 422, "invalid")
        assert [error["path"] for error in told["errors"]] == [path], told
    unknown = "rul_01kag8v6w3e9n8r2t5y7z4c6bd"
    problem(await api.post(PATH, whole(code="b", rule_set_id=unknown)), 404, "unknown_rule_set")
    assert len((await api.get(PATH)).json()["items"]) == 1


async def test_who_may_only_read_changes_nothing(api: Api) -> None:
    made = (await api.post(PATH, whole())).json()
    reader = await api.new_token(Scope.ROUTING_READ)
    assert (await api.get(PATH, token=reader)).status_code == 200
    at = f"{PATH}/{made['id']}"
    for method, path, body in (
        ("POST", PATH, whole(code="b")),
        ("PUT", at, whole()),
        ("DELETE", at, None),
        ("POST", f"{at}/run", None),
    ):
        assert (await api.ask(method, path, body, token=reader)).status_code == 403


async def test_a_run_that_is_asked_for_is_the_workers_and_is_told_when_it_is_done(api: Api) -> None:
    made = (await api.post(PATH, {"code": "all", "every": 60})).json()
    asked = await api.post(f"{PATH}/{made['id']}/run")
    assert asked.status_code == 202, asked.text
    assert (await api.post(f"{PATH}/{made['id']}/run")).status_code == 202, "once is enough"
    async with api.services.database.read() as reader:
        jobs = await reader.rows("SELECT args FROM procrastinate_jobs WHERE task_name = 'fulfilment.run'")
    key = UUID(bytes=from_text("sch", made["id"]).bytes)
    assert [row[0] for row in jobs] == [{"key": str(key)}]
    housekeeping = Housekeeping(api.services.database, api.services.settings, Metrics())
    await housekeeping.run_now(str(key))
    last = (await api.get(f"{PATH}/{made['id']}")).json()["last_run"]
    assert (last["orders"], last["moved"], last["saved"]) == (0, 0, 0)
