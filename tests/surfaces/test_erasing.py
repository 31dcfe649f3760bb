"""Erasing a customer: nothing says any more who they were, but what the law wants kept, for as long as it says."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import date

import pytest
import pytest_asyncio
from PIL import Image

from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import ReturnDraft, Units
from comptoir.modules.customers import api as customers
from comptoir.modules.customers.contracts import CustomerId, Identity
from comptoir.modules.customers.errors import CustomerStillServed
from comptoir.modules.invoicing import api as invoicing
from comptoir.modules.invoicing.contracts import SellerDetails
from comptoir.modules.notices import api as notices
from comptoir.modules.notices.contracts import ConsentSource, Medium
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.payments.contracts import EntryKind
from comptoir.runtime.database import Database
from comptoir.surfaces import erasing
from comptoir.surfaces import invoicing as issuing
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.return_drawing import draw
from support.depot import Depot, open_depot

SELLER = SellerDetails(name="Maison Lumen", legal_name="Lumen & Filles", line1="12, rue Mercière", city="Lyon", country="FR")
SECRETS = ("camille", "roux", "lilas", "13001", "+33612345678")


@dataclass(frozen=True, slots=True)
class Bought:
    depot: Depot
    order_id: OrderId
    customer_id: CustomerId

    async def everything(self) -> str:
        """All that stands in any table that may know of people, but for invoices, the log and what is only keys."""
        async with self.depot.database.read() as reader:
            tables = await reader.values(
                "SELECT format('%%I.%%I', table_schema, table_name) FROM information_schema.tables WHERE table_schema IN "
                "('customers', 'orders', 'fulfilment', 'changes', 'notices', 'tracking', 'purchasing')",
                {},
            )
            found = [str(await reader.rows(f"SELECT t::text FROM {table} t", {})) for table in tables]
        return "\n".join(found).casefold()


@pytest_asyncio.fixture
async def bought(database: Database) -> AsyncGenerator[Bought]:
    async with open_depot(database) as depot:
        order_id = await depot.shipped("TRK1")
        async with depot.database.transaction() as tx:
            total = (await orders.order(tx, order_id)).total
            await orders.pay(tx, order_id, EntryKind.CAPTURED, "card", total, "c")
        await depot.settle()
        async with depot.database.transaction() as tx:
            await invoicing.put_seller(tx, SELLER)
            await issuing.issue(tx, order_id)
            await notices.say(tx, "camille@example.com", [Medium.EMAIL], ConsentSource.STAFF, allowed=False)
            found = (await orders.order(tx, order_id)).customer_id
        assert found is not None
        yield Bought(depot, order_id, CustomerId(found))


async def test_nothing_says_any_more_who_it_was_but_the_invoice(bought: Bought) -> None:
    depot, order_id = bought.depot, bought.order_id
    before = await bought.everything()
    assert all(secret in before for secret in SECRETS), before
    async with depot.database.transaction() as tx:
        kept = await erasing.erase(tx, bought.customer_id)
    after = await bought.everything()
    assert [secret for secret in SECRETS if secret in after] == []
    async with depot.database.read() as reader:
        (one,) = await invoicing.of_order(reader, order_id)
        order = await orders.order(reader, order_id)
        there = await customers.get(reader, bought.customer_id)
        assert await customers.known_by(reader, Identity("email", "camille@example.com")) is None
    assert kept == (erasing.Kept(one.number, date(one.issued_on.year + 10, 12, 31)),)
    assert issuing.read(one).paper.buyer.address.name == "Camille Roux"
    assert (order.ship_to, order.buyer, order.total) == ({"country": "FR"}, None, 500)
    assert (there.name, there.identities) == ("", ())
    async with depot.database.transaction() as tx:
        assert await erasing.erase(tx, bought.customer_id) == kept  # once more changes nothing


async def test_an_invoice_loses_its_buyer_when_the_books_need_not_be_kept(bought: Bought) -> None:
    depot = bought.depot
    async with depot.database.transaction() as tx:
        await erasing.erase(tx, bought.customer_id)
        assert await invoicing.forget_due(tx) == 0
        await tx.run("UPDATE invoicing.invoices SET erase_on = erase_on - interval '11 years'")
    async with depot.database.transaction() as tx:
        assert [await invoicing.forget_due(tx), await invoicing.forget_due(tx)] == [1, 0]
        (one,) = await invoicing.of_order(tx, bought.order_id)
    buyer = issuing.read(one).paper.buyer
    assert (buyer.address.name, buyer.address.line1, buyer.address.country) == ("", "", "FR")
    assert one.total == 500


async def test_what_is_old_enough_goes_at_once(bought: Bought) -> None:
    async with bought.depot.database.transaction() as tx:
        await tx.run("UPDATE invoicing.invoices SET issued_on = issued_on - interval '12 years'")
        assert await erasing.erase(tx, bought.customer_id) == ()
        (one,) = await invoicing.of_order(tx, bought.order_id)
    assert issuing.read(one).paper.buyer.address.name == ""


async def test_pictures_go_and_what_is_to_come_back_is_waited_for(bought: Bought) -> None:
    depot, order_id = bought.depot, bought.order_id
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(out, "JPEG")
    async with depot.database.transaction() as tx:
        case = await changes.request_return(
            tx, ReturnDraft(order_id=order_id, units=(Units(1, 1),), note="from Camille"), SETTING
        )
        await changes.add_pictures(tx, case.id, [draw("a.jpg", out.getvalue())])
    number = (await depot.shop.order(order_id)).number
    with pytest.raises(CustomerStillServed) as refused:
        async with depot.database.transaction() as tx:
            await erasing.erase(tx, bought.customer_id)
    assert refused.value.data["orders"] == [number]
    async with depot.database.transaction() as tx:
        assert (await erasing.outlook(tx, bought.customer_id, tx.now.date())).pictures == 1
        await changes.cancel_return(tx, case.id)
        await erasing.erase(tx, bought.customer_id)
        assert await changes.pictures_of(tx, case.id) == []
        assert (await changes.get_return(tx, case.id)).note == ""


async def test_an_order_on_its_way_is_waited_for(bought: Bought) -> None:
    order_id = await bought.depot.order()
    await bought.depot.settle()
    with pytest.raises(CustomerStillServed):
        async with bought.depot.database.transaction() as tx:
            await erasing.erase(tx, bought.customer_id)
    assert (await bought.depot.shop.order(order_id)).buyer is not None
