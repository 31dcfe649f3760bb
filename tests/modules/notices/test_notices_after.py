"""What buyers are told after the sale, once for each thing."""

from __future__ import annotations

import msgspec
import pytest

from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Arrived, CancelUnits, ChangeDraft, ChangeKind, Reason, ReturnDraft, Units
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import Content, NoticeFilter, NoticeKind
from comptoir.modules.notices.subscribers import PURPOSE
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, OrderId
from comptoir.modules.payments.contracts import EntryKind
from comptoir.runtime.database import Tx
from comptoir.runtime.events import Recorded
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.notices import wording
from comptoir.surfaces.notices.samples import sample
from support.depot import BUYER, HOME, Depot, scan
from support.post import plain_links


async def told(depot: Depot, order_id: OrderId) -> list[tuple[str, Content]]:
    """What is in the outbox after the confirmation, and what it says."""
    await depot.settle()
    async with depot.database.read() as reader:
        rows = await reader.rows(
            "SELECT kind, sealed FROM notices.outbox WHERE order_id = %(id)s AND kind NOT IN ('confirmed', 'shipped') "
            "ORDER BY created_at, id",
            {"id": order_id},
        )
    return [
        (kind, msgspec.json.decode(depot.keyring.decrypt(sealed, PURPOSE), type=tuple[str, Content])[1])
        for kind, sealed in rows
    ]


async def paid(depot: Depot, units: int = 2) -> OrderId:
    order_id = (await depot.shop.place("web", {"TEA": units}, buyer=BUYER, ship_to=HOME)).id
    async with depot.database.transaction() as tx:
        await orders.pay(tx, order_id, EntryKind.CAPTURED, "card", 500 * units, "pi_1")
    return order_id


async def changed(tx: Tx, draft: ChangeDraft) -> None:
    change, _ = await changes.request_change(tx, draft, SETTING)
    await changes.confirm_change(tx, change.id, SETTING)


async def test_a_cancelled_part_is_told_with_what_it_was_and_what_comes_back(depot: Depot) -> None:
    order_id = await paid(depot)
    draft = ChangeDraft(
        order_id=order_id, kind=ChangeKind.CANCEL, actions=(CancelUnits(line_no=1, quantity=1),), reason="stock"
    )
    async with depot.database.transaction() as tx:
        await changed(tx, draft)
    ((kind, content),) = await told(depot, order_id)
    assert (kind, content.whole, content.lines, content.refund) == ("cancelled", False, (("TEA", 1),), 500)
    async with depot.database.transaction() as tx:
        await orders.cancel(tx, order_id, None, "customer")
    _, (kind, content) = await told(depot, order_id)
    assert (kind, content.whole, content.lines) == ("cancelled", True, ())


async def test_what_a_channel_cancels_and_what_is_exchanged_is_told_by_others(depot: Depot) -> None:
    order_id = await paid(depot)
    for reason in ("channel", "exchange"):
        async with depot.database.transaction() as tx:
            await orders.cancel(tx, order_id, [LineQuantity(1, 1)], reason)
    assert await told(depot, order_id) == []


async def test_a_refund_is_announced_and_then_told_once_with_how_and_how_much(depot: Depot) -> None:
    order_id = await paid(depot)
    async with depot.database.transaction() as tx:
        await orders.cancel(tx, order_id, [LineQuantity(1, 1)], "channel")
    async with depot.database.transaction() as tx:
        await orders.grant_refund(tx, order_id, 500, "goodwill")
    async with depot.database.transaction() as tx:
        await orders.pay(tx, order_id, EntryKind.REFUNDED, "card", 500, "re_1")
    (granted, first), (refunded, second) = await told(depot, order_id)
    assert (granted, first.refund) == ("refund_granted", 500)
    assert (refunded, second.refund, second.method) == ("refunded", 500, "card")
    async with depot.database.transaction() as tx:
        rows = await tx.rows("SELECT tx::text::bigint, seq, id, type, at, actor, request_id, subject, data FROM runtime.events")
        again = [event for row in rows if (event := Recorded(*row)).type in {"refund.granted", "order.paid"}]
        await notices.write(tx, [*again, *again], depot.keyring, plain_links)
    assert len(await told(depot, order_id)) == 2


async def test_money_that_goes_at_once_is_told_once_and_cash_in_the_hand_not_at_all(depot: Depot) -> None:
    order_id = await paid(depot)
    async with depot.database.transaction() as tx:
        await orders.cancel(tx, order_id, [LineQuantity(1, 2)], "channel")
        await orders.grant_refund(tx, order_id, 1_000, "goodwill")
        await orders.pay(tx, order_id, EntryKind.REFUNDED, "card", 700, "re_1")
        await orders.pay(tx, order_id, EntryKind.REFUNDED, "cash", 300)
    ((kind, content),) = await told(depot, order_id)
    assert (kind, content.refund, content.method) == ("refunded", 700, "card")


async def test_new_store_credit_is_told_with_its_code_and_credit_that_is_there_without_one(depot: Depot) -> None:
    order_id = await paid(depot)
    async with depot.database.transaction() as tx:
        await orders.cancel(tx, order_id, [LineQuantity(1, 1)], "channel")
        await orders.grant_refund(tx, order_id, 500, "goodwill")
        _, code, amount = await changes.credit_out(tx, order_id)
        assert code is not None
        await notices.tell_credit(tx, order_id, amount, code, depot.keyring, plain_links)
    ((kind, content),) = await told(depot, order_id)
    assert (kind, content.refund, content.credit_code) == ("credited", 500, code)
    reader = wording.Reader("en", "Europe/Paris", content)
    assert ("Code of your store credit", code) in wording.facts(reader)
    assert code not in repr(await depot.events(""))
    async with depot.database.transaction() as tx:
        await orders.cancel(tx, order_id, [LineQuantity(1, 1)], "channel")
        await orders.grant_refund(tx, order_id, 500, "goodwill")
    async with depot.database.transaction() as tx:
        await changes.credit_out(tx, order_id)
    told_later = (await told(depot, order_id))[1:]
    assert [kind for kind, _ in told_later] == ["refund_granted", "credited"]


async def test_a_return_that_arrives_is_told_with_what_comes_back(depot: Depot) -> None:
    order_id = await paid(depot)
    await depot.ship(order_id, "R1")
    async with depot.database.transaction() as tx:
        case = await changes.request_return(
            tx, ReturnDraft(order_id=order_id, units=(Units(1, 1, Reason.CHANGED_MIND),)), SETTING
        )
        if case.state.value == "requested":
            case = await changes.approve_return(tx, case.id, SETTING)
    async with depot.database.transaction() as tx:
        await changes.receive_return(tx, case.id, depot.shop.locations["paris"], [Arrived(1, 1)])
    ((kind, content),) = await told(depot, order_id)
    assert (kind, content.link) == ("return_received", f"https://shop.example.com/return/{order_id}")


async def test_a_parcel_that_is_lost_or_comes_back_is_told_once(depot: Depot) -> None:
    lost = await depot.shipped("L1")
    back = await depot.shipped("L2")
    for _ in range(2):
        await depot.say("L1", scan("in_transit", hours=9), scan("lost", hours=2))
        await depot.say("L2", scan("in_transit", hours=9), scan("returning", hours=2))
    assert [kind for kind, _ in await told(depot, lost)] == ["lost"]
    assert [kind for kind, _ in await told(depot, back)] == ["returning"]


async def test_an_order_that_is_changed_is_told_as_changed(depot: Depot) -> None:
    order_id = await paid(depot)
    draft = ChangeDraft(order_id=order_id, kind=ChangeKind.EDIT, actions=(CancelUnits(line_no=1, quantity=1),), reason="error")
    async with depot.database.transaction() as tx:
        await changed(tx, draft)
    ((kind, content),) = await told(depot, order_id)
    assert (kind, content.refund) == ("changed", 500)


@pytest.mark.parametrize("kind", list(NoticeKind))
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_notice_has_words_in_both_languages(kind: NoticeKind, language: str) -> None:
    from comptoir.kernel.time import utcnow  # noqa: PLC0415

    reader = wording.Reader(language, "Europe/Paris", sample(kind, "https://shop.example.com", utcnow()))
    said = wording.words(kind, reader)
    assert all([said.subject, said.title, said.lead, said.action, said.short])
    assert "None" not in repr(said)


async def test_the_outbox_counts_what_was_told(depot: Depot) -> None:
    order_id = await paid(depot)
    async with depot.database.transaction() as tx:
        await orders.cancel(tx, order_id, None, "payment")
    await depot.settle()
    async with depot.database.read() as reader:
        page = await notices.find(reader, NoticeFilter(order_id=order_id, kind=NoticeKind.CANCELLED))
    assert len(page.items) == 1
