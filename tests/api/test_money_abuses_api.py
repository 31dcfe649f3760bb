"""What somebody may try who holds a token and means no good: refunds elsewhere, approving their own, and being paid twice."""

from __future__ import annotations

from typing import Any

from api.conftest import Api, problem
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Role, Scope, UserDraft


async def paid(api: Api, units: int = 3) -> dict[str, Any]:
    """An order of tea from Paris, paid by card."""
    body = {"channel": "web", "lines": [{"sku": "TEA", "quantity": units}], "ship_to": {"country": "FR"}}
    order = (await api.post("/v1/orders", body)).json()
    money = {"kind": "captured", "method": "card", "amount": order["total"], "reference": "c"}
    answer = await api.post(f"/v1/orders/{order['id']}/payments", money)
    assert answer.status_code == 200, answer.text
    return order


async def of_lyon(api: Api) -> str:
    """A token of a store that has nothing to do with what leaves Paris."""
    async with api.services.database.transaction() as tx:
        token, secret = await staff.create_token(tx, "lyon", [Scope.ORDERS_READ, Scope.ORDERS_WRITE, Scope.ORDERS_APPROVE])
        await staff.limit_token(tx, token.id, [api.shop.locations["lyon"]])
    return secret


async def refunded(api: Api, order: dict[str, Any]) -> int:
    return (await api.get(f"/v1/orders/{order['id']}/money")).json()["standing"]["refunded"]


async def test_a_store_gives_nothing_back_of_an_order_of_another_one(api: Api) -> None:
    order, lyon = await paid(api), await of_lyon(api)
    lines = {"lines": [{"line_no": 1, "quantity": 1}]}
    problem(await api.post(f"/v1/orders/{order['id']}/cancel", lines, token=lyon), 403, "other_location")
    cancelling = {"order_id": order["id"], "kind": "cancel", "actions": [{"do": "cancel", "line_no": 1, "quantity": 1}]}
    problem(await api.post("/v1/changes", cancelling, token=lyon), 403, "other_location")
    grants = f"/v1/orders/{order['id']}/grants"
    problem(await api.post(grants, {"amount": 500, "reason": "because"}, token=lyon), 409, "over_owed")
    own = (await api.post("/v1/changes", cancelling)).json()
    problem(await api.post(f"/v1/changes/{own['id']}/confirm", token=lyon), 403, "other_location")
    assert (await api.get(f"/v1/orders/{order['id']}/money")).json()["standing"]["granted"] == 0


async def test_nobody_approves_what_they_have_asked_for_themselves(api: Api) -> None:
    async with api.services.database.transaction() as tx:
        boss = await staff.create_user(tx, UserDraft(email="boss@example.com", name="Boss", role=Role.OWNER), "a long password")
        clerk = await staff.create_user(
            tx, UserDraft(email="clerk@example.com", name="Clerk", role=Role.OWNER), "another one here"
        )
        hands = [
            (await staff.create_token(tx, name, [Scope.ORDERS_WRITE, Scope.ORDERS_APPROVE], by=staff.user_principal(clerk)))[1]
            for name in ("one", "two")
        ]
        other = (await staff.create_token(tx, "boss", [Scope.ORDERS_APPROVE], by=staff.user_principal(boss)))[1]
    await api.post("/v1/return-policies", {"code": "careful", "position": 1, "approval_above": 100})
    order = await paid(api)
    cancelling = {"order_id": order["id"], "kind": "cancel", "actions": [{"do": "cancel", "line_no": 1, "quantity": 2}]}
    made = (await api.post("/v1/changes", cancelling, token=hands[0])).json()
    assert made["needs_approval"]
    for hand in hands:  # another token of the same person is the same person
        problem(await api.post(f"/v1/changes/{made['id']}/approve", {"reason": "mine"}, token=hand), 409, "own_approval")
        problem(await api.post(f"/v1/changes/{made['id']}/confirm", token=hand), 409, "approval_needed")
        await api.post(f"/v1/changes/{made['id']}/renew", token=hand)  # looking at it anew is no way round
    approved = await api.post(f"/v1/changes/{made['id']}/approve", {"reason": "seen"}, token=other)
    assert approved.status_code == 200, approved.text
    problem(await api.post(f"/v1/changes/{made['id']}/confirm", token=other), 403, "not_permitted")
    assert (await api.post(f"/v1/changes/{made['id']}/confirm", token=hands[0])).status_code == 200


async def test_a_refund_that_is_sent_again_under_another_key_moves_nothing(api: Api) -> None:
    order = await paid(api)
    await api.post(f"/v1/orders/{order['id']}/cancel", {"lines": [{"line_no": 1, "quantity": 1}]})
    money = (await api.post(f"/v1/orders/{order['id']}/grants", {"amount": 500, "reason": "Cancelled"})).json()
    execute = f"/v1/orders/{order['id']}/grants/{money['grants'][0]['id']}/execute"
    body = {"amount": 500, "method": "card", "reference": "r-1"}
    assert (await api.post(execute, body, key="first")).status_code == 200
    again = await api.post(execute, body, key="second")
    assert (again.status_code, await refunded(api, order)) in {(200, 500), (409, 500)}
    problem(await api.post(execute, body | {"reference": "r-2"}, key="third"), 409, "grant_closed")
    problem(await api.post(f"/v1/orders/{order['id']}/grants", {"amount": 1, "reason": "more"}), 409, "over_owed")
    direct = {"kind": "refunded", "method": "card", "amount": 500, "reference": "r-3"}
    assert (await api.post(f"/v1/orders/{order['id']}/payments", direct)).status_code == 422  # money goes back by grants alone
    assert await refunded(api, order) == 500
