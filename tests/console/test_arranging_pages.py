"""Work that does not simply go its way: held, let go on, opened early, left half-way, split, merged and moved, on screen."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.kernel.ids import ActorId, to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FULFILMENT_PREFIX, Fulfilment, HoldReason, State
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import EntryKind, Movement
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Context
from comptoir.surfaces.services import Services
from support.back_office import as_role, said
from support.console import Shop, Staff, counted_statements, fields_of, place, worker
from support.consumers import drained

LOAF, BATTERIES = "840361", "1070820"


async def works(parts: Services, order_id: OrderId) -> list[Fulfilment]:
    async with parts.database.read() as reader:
        return await fulfilment.of_orders(reader, [order_id])


async def placed(parts: Services, lines: Sequence[tuple[str, int]]) -> Fulfilment:
    made = await place(parts, "web", list(lines))
    await drained(parts.database, worker(parts))
    (one,) = await works(parts, made.id)
    return one


def key(one: Fulfilment) -> str:
    return to_text(FULFILMENT_PREFIX, one.id)


async def now(parts: Services, one: Fulfilment) -> Fulfilment:
    async with parts.database.read() as reader:
        return await fulfilment.get(reader, one.id)


async def test_a_task_is_held_with_its_reason_and_let_go_on_where_it_is_worked_on(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    one = await placed(parts, [(LOAF, 2)])
    page = f"/store/tasks/{key(one)}"
    assert page in (await owner.get(f"/store/pick/{key(one)}")).text
    with counted_statements() as statements:
        await owner.get(page)
    assert len(statements) <= 14
    wrong = await owner.submit(page, f"{page}/hold", {"reason": "unroutable", "note": "no street number"})
    assert (wrong.status_code, 'value="no street number"' in wrong.text) == (422, True)
    await owner.submit(page, f"{page}/hold", {"reason": "address", "note": "no street number"})
    held = await now(parts, one)
    assert (held.state, held.hold_reason, held.hold_note) == (State.ON_HOLD, HoldReason.ADDRESS, "no street number")
    pick = f"/store/pick/{key(one)}"
    text = (await owner.get(pick)).text
    assert "Held: the address" in said(text)
    await owner.submit(pick, f"{page}/resume", {})
    assert (await now(parts, one)).state is State.OPEN
    audit = (await owner.get("/settings/audit")).text
    assert "Work held" in audit


async def test_it_is_left_half_way_and_somebody_else_goes_on(owner: Staff, parts: Services, shop: Shop) -> None:
    one = await placed(parts, [(LOAF, 2)])
    pick, page = f"/store/pick/{key(one)}", f"/store/tasks/{key(one)}"
    await owner.submit(pick, f"{pick}/scan", {"code": LOAF})
    await owner.submit(page, f"{page}/stop", {})
    left = await now(parts, one)
    assert (left.state, left.assignee, left.picked) == (State.INCOMPLETE, "", 1)
    await owner.submit(pick, f"{pick}/scan", {"code": LOAF})
    done = await now(parts, one)
    assert (done.state, done.picked) == (State.IN_PROGRESS, 2)


async def test_a_task_is_split_merged_and_moved_and_its_order_tells(owner: Staff, parts: Services, shop: Shop) -> None:
    one = await placed(parts, [(LOAF, 3)])
    page = f"/store/tasks/{key(one)}"
    nothing = await owner.submit(page, f"{page}/split", {"units:1": "0"})
    assert "Say how many units of what." in nothing.text
    await owner.submit(page, f"{page}/split", {"units:1": "2"})
    assert [x.quantity for x in await works(parts, one.order_id)] == [1, 2]
    assert "F" in (await owner.get(page)).text
    await owner.submit(page, f"{page}/merge", {})
    assert [x.quantity for x in await works(parts, one.order_id) if x.state is State.OPEN] == [3]
    target = next(place for place in shop.locations.values() if place != one.location_id)
    async with parts.database.transaction() as tx:
        await inventory.record(tx, [Movement(EntryKind.ADJUSTED, LOAF, target, on_hand=9, reason="test")])
    await drained(parts.database, worker(parts))
    to = to_text("loc", target)
    assert to in (await owner.get(page)).text
    await owner.submit(page, f"{page}/move", {"to": to, "units:1": "2"})
    await drained(parts.database, worker(parts))
    found = [(x.location_id, x.quantity) for x in await works(parts, one.order_id) if x.state is State.OPEN]
    assert sorted(found) == sorted([(one.location_id, 1), (target, 2)])
    told = said((await owner.get(f"/orders/{to_text('ord', one.order_id)}")).text)
    assert "Split: a part is F" in told
    assert "Merged with F" in told


async def test_several_are_held_and_let_go_on_at_once_and_what_cannot_be_is_told(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    first, second, begun = [await placed(parts, [(BATTERIES, 1)]) for _ in range(3)]
    async with parts.database.transaction(Context(ActorId("usr_anna"), "r")) as tx:
        await fulfilment.begin(tx, begun.id)
    page = "/operations/orders"
    fields = fields_of((await owner.get(page)).text, page)
    wrong = await owner.send(page, {**fields, "id": key(first), "act": "hold", "reason": "x", "note": "kept"})
    assert (wrong.status_code, 'value="kept"' in wrong.text) == (422, True)
    ids = [key(first), key(second), key(begun)]
    for one in ids:
        await owner.send(page, {**fields, "id": one, "act": "hold", "reason": "payment", "note": ""})
    assert [(await now(parts, one)).state for one in (first, second, begun)] == [
        State.ON_HOLD,
        State.ON_HOLD,
        State.IN_PROGRESS,
    ]
    assert "1 task stays as it is" in said((await owner.get(page)).text)
    await owner.send(page, {**fields, "id": key(first), "act": "resume"})
    assert (await now(parts, first)).state is State.OPEN
    none = await owner.send(page, {**fields, "act": "resume", "id": ""})
    assert none.status_code == 303


async def test_whoever_may_not_fulfil_sees_no_ticks(owner: Staff, parts: Services, shop: Shop) -> None:
    one = await placed(parts, [(LOAF, 1)])
    analyst = await as_role(owner, "analyst")
    assert 'name="act"' not in (await analyst.get("/operations/orders")).text
    assert "Hold it" not in (await analyst.get(f"/store/tasks/{key(one)}")).text
