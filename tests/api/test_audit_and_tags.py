"""The audit trail, answers that the asker has already, and numbers that are too large together."""

from __future__ import annotations

from datetime import timedelta

from api.conftest import Api, problem
from comptoir.kernel.money import MAX_MINOR
from comptoir.kernel.time import utcnow
from comptoir.modules.staff.contracts import Scope


async def test_the_audit_trail_is_read_page_by_page_by_who_may(api: Api) -> None:
    me = (await api.get("/v1/me")).json()["actor"]
    answers = [await api.post("/v1/tokens", {"name": f"till {n}", "scopes": ["stock:read"]}) for n in range(5)]
    assert [answer.status_code for answer in answers] == [201] * 5
    made = answers[-1]
    newest = made.json()["id"]
    seen: list[str] = []
    path = "/v1/audit?action=token.&limit=2"
    while path:
        answer = await api.get(path)
        assert answer.status_code == 200, answer.text
        seen += [entry["subject"] for entry in answer.json()["items"] if entry["actor"] == me]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert len(seen) == 5
    assert seen[0] == newest
    (entry,) = (await api.get("/v1/audit", subject=newest, actor=me)).json()["items"]
    assert (entry["action"], entry["actor"], entry["request_id"]) == (
        "token.created", me, made.headers["x-request-id"],
    )  # fmt: skip
    assert (await api.get("/v1/audit", actor="token:tok_01kag8v6w3e9n8r2t5y7z4c6bd")).json()["items"] == []
    assert (await api.get("/v1/audit", since=(utcnow() + timedelta(hours=1)).isoformat())).json()["items"] == []
    problem(await api.post("/v1/audit", {}), 405, "method_not_allowed")
    other = await api.new_token(Scope.STAFF_WRITE, Scope.EVENTS_READ)
    problem(await api.get("/v1/audit", token=other), 403, "not_permitted")
    own = await api.new_token(Scope.AUDIT_READ)
    assert (await api.get("/v1/audit", token=own)).status_code == 200
    problem(await api.get("/v1/users", token=own), 403, "not_permitted")


async def test_what_is_still_so_is_not_sent_again(api: Api) -> None:
    placed = (await api.post("/v1/orders", {"channel": "web", "lines": [{"sku": "TEA", "quantity": 2}]})).json()
    path = f"/v1/orders/{placed['id']}"
    first = await api.get(path)
    tag = first.headers["etag"]
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = await api.get(path, headers={"if-none-match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-type" not in again.headers
        assert again.headers["x-request-id"]
    assert (await api.ask("HEAD", path, headers={"if-none-match": tag})).status_code == 304
    assert (await api.get(path, headers={"if-none-match": '"0-00000000"'})).json() == first.json()
    cancelled = await api.post(f"{path}/cancel", {"reason": "asked"}, headers={"if-match": tag})
    assert cancelled.status_code == 200, cancelled.text
    changed = await api.get(path, headers={"if-none-match": tag})
    assert (changed.status_code, changed.json()["fulfilment_status"]) == (200, "cancelled")
    problem(await api.post(f"{path}/cancel", {"reason": "asked"}, headers={"if-match": tag}), 412, "stale")


async def test_a_sum_beyond_what_can_be_kept_is_refused_and_nothing_is_done(api: Api) -> None:
    await api.shop.product("GOLD", MAX_MINOR, stock={"paris": 10**9})
    for lines in (
        [{"sku": "GOLD", "quantity": 2}],
        [{"sku": "GOLD", "quantity": 10**6}],
        [{"sku": "GOLD", "quantity": 1}] * 2,
    ):
        problem(await api.post("/v1/orders", {"channel": "web", "lines": lines}), 422, "total_too_large")
    assert await api.counted("orders.orders") == 0
    (level,) = (await api.get("/v1/stock/levels", sku="GOLD")).json()["items"]
    assert level["reserved"] == 0
    fits = await api.post("/v1/orders", {"channel": "web", "lines": [{"sku": "GOLD", "quantity": 1}]}, key="k1")
    assert (fits.status_code, fits.json()["total"]) == (201, MAX_MINOR)
    problem(
        await api.post("/v1/markets/fr/prices", {"prices": [{"sku": "GOLD", "amount": MAX_MINOR + 1}]}), 422, "invalid_request"
    )
    await api.shop.doctors()
