"""Third parties on screen: who has to answer, a person who answers for them, and a cancellation that waits until they have."""

from __future__ import annotations

from dataclasses import replace

from comptoir.kernel.ids import to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import CancelUnits, Change, ChangeDraft, ChangeKind, ChangeState
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FULFILMENT_PREFIX, Fulfilment, Handshake, Request, State
from comptoir.modules.locations import api as locations
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Place
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.runtime.database import Reader
from comptoir.surfaces.changing import SETTING, consumer
from comptoir.surfaces.console.pages.exceptions import exception_href
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.pools import pool_id_of
from comptoir.surfaces.services import Services
from support.back_office import said
from support.console import Shop, Staff, counted_statements, place
from support.consumers import drained

LOAF = "840361"
PAGE = "/operations/requests"


WANTED = {
    "orders.trade", "orders.customers", "fulfilment.release", "fulfilment.counts", "fulfilment.third_parties",
    "changes.third_parties",
}  # fmt: skip


async def settled(parts: Services) -> None:
    """All that follows; whoever follows reads from the first time on."""
    every = (*orders.consumers(_nobody), *fulfilment.consumers(pool_id_of), consumer())
    await drained(parts.database, ConsumerRunner(parts.database, [one for one in every if one.name in WANTED]))


async def _nobody(_reader: Reader, _channel: object) -> list[Place]:
    return []


async def taken(parts: Services) -> Fulfilment:
    """Work that a third party has accepted."""
    await settled(parts)
    made = await place(parts, "web", [(LOAF, 2)])
    await settled(parts)
    async with parts.database.transaction() as tx:
        (one,) = await fulfilment.of_orders(tx, [made.id])
        await fulfilment.say(tx, one.id, Handshake.SUBMIT)
        return await fulfilment.say(tx, one.id, Handshake.ACCEPT)


async def now(parts: Services, one: Fulfilment) -> Fulfilment:
    async with parts.database.read() as reader:
        return await fulfilment.get(reader, one.id)


async def cancelling(parts: Services, one: Fulfilment) -> Change:
    draft = ChangeDraft(
        order_id=one.order_id, kind=ChangeKind.CANCEL, actions=(CancelUnits(line_no=1, quantity=2),), reason="changed_mind"
    )
    async with parts.database.transaction() as tx:
        made, _ = await changes.request_change(tx, draft, SETTING)
        after, effects = await changes.confirm_change(tx, made.id, SETTING)
    assert effects is None
    return after


async def test_work_of_a_location_that_a_third_party_runs_waits_for_its_answer(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    async with parts.database.transaction() as tx:
        for location_id in shop.locations.values():
            there = await locations.get(tx, location_id)
            await locations.update(tx, location_id, replace(there, third_party=True))
    await settled(parts)
    made = await place(parts, "web", [(LOAF, 1)])
    await settled(parts)
    async with parts.database.read() as reader:
        (one,) = await fulfilment.of_orders(reader, [made.id])
    assert one.request is Request.SUBMITTED
    with counted_statements() as statements:
        text = (await owner.get(PAGE)).text
    assert f"F{one.number}" in text
    assert len(statements) <= 12
    key = to_text(FULFILMENT_PREFIX, one.id)
    await owner.submit(PAGE, f"{PAGE}/{key}/accept", {})
    assert (await now(parts, one)).request is Request.ACCEPTED
    again = await owner.send(f"{PAGE}/{key}/reject", {"_token": owner_token(text)})
    assert again.status_code == 409
    assert f"F{one.number}" in (await owner.get(f"{PAGE}?show=accepted")).text


def owner_token(text: str) -> str:
    return text.split('name="_token" value="', 1)[1].split('"', 1)[0]


async def test_a_cancellation_waits_until_the_third_party_has_stopped(owner: Staff, parts: Services, shop: Shop) -> None:
    one = await taken(parts)
    waiting = await cancelling(parts, one)
    assert (waiting.state, waiting.waits_since is not None) == (ChangeState.REQUESTED, True)
    asked = await now(parts, one)
    assert (asked.request, asked.quantity) == (Request.CANCELLATION_REQUESTED, 2)
    page = (await owner.get(f"/orders/changes/{to_text('chg', waiting.id)}")).text
    assert "A third party has been asked to stop." in said(page)
    await owner.submit(PAGE, f"{PAGE}/{to_text(FULFILMENT_PREFIX, one.id)}/accept_cancellation", {})
    await settled(parts)
    async with parts.database.read() as reader:
        assert (await changes.get_change(reader, waiting.id)).state is ChangeState.CONFIRMED
        order = await orders.order(reader, one.order_id)
        assert all(found.state is State.CANCELLED for found in await fulfilment.of_orders(reader, [one.order_id]))
    assert order.cancelled == 2


async def test_a_cancellation_is_given_up_where_they_could_not_stop(owner: Staff, parts: Services, shop: Shop) -> None:
    one = await taken(parts)
    waiting = await cancelling(parts, one)
    async with parts.database.transaction() as tx:
        await fulfilment.say(tx, one.id, Handshake.REJECT_CANCELLATION, "it has left")
    await settled(parts)
    async with parts.database.read() as reader:
        assert (await changes.get_change(reader, waiting.id)).state is ChangeState.CANCELLED
        assert (await orders.order(reader, one.order_id)).cancelled == 0
    assert (await now(parts, one)).quantity == 2


async def test_what_could_not_be_stopped_is_expected_back_by_a_person(owner: Staff, parts: Services, shop: Shop) -> None:
    one = await taken(parts)
    await cancelling(parts, one)
    async with parts.database.transaction() as tx:
        await fulfilment.say(tx, one.id, Handshake.REJECT_CANCELLATION, "it is packed")
    await settled(parts)
    async with parts.database.read() as reader:
        (stop,) = await orders.stops(reader, [one.order_id])
    page = exception_href(stop.id)
    with counted_statements() as statements:
        told = said((await owner.get(page)).text)
    assert len(statements) <= 14, statements
    for words in ("They could not stop.", "it is packed", "Expect it back", "Ask them once more to stop"):
        assert words in told
    assert "Expect it back" in said((await owner.get("/exceptions?kind=at_third_party")).text)
    assert "could not stop" in said((await owner.get(order_href(one.order_id))).text)
    again = await owner.submit(page, page, {"choice": "ask_again"})
    assert again.status_code in {302, 303}
    assert (await now(parts, one)).request is Request.CANCELLATION_REQUESTED
    assert "A third party has been asked to stop." in said((await owner.get(page)).text)
    await owner.submit(page, page, {"choice": "expect_back"})
    assert "A return is announced for it as soon as it has left." in said((await owner.get(page)).text)
