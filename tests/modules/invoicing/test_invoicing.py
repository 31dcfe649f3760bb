"""Numbers without gaps, what stands on an invoice, and credit notes for what is taken off later."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import pytest_asyncio

from comptoir.modules.invoicing import api
from comptoir.modules.invoicing.contracts import Issued, Kind, SellerDetails
from comptoir.modules.invoicing.errors import NothingToInvoice, SellerUnknown
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, OrderId
from comptoir.runtime.database import Database
from comptoir.surfaces import invoicing
from comptoir.surfaces.documents import api as documents
from support.shop import Shop

DETAILS = SellerDetails(
    name="Maison Lumen",
    legal_name="Lumen & Filles",
    form="SAS",
    capital=1_000_000,
    siren="552100554",
    register="RCS Lyon",
    vat_number="FR83552100554",
    line1="12, rue de la République",
    postcode="69001",
    city="Lyon",
    country="FR",
)


@pytest_asyncio.fixture
async def shop(database: Database) -> Shop:
    shop = Shop(database)
    await shop.market()
    await shop.location("paris", latitude=48.86, longitude=2.35)
    await shop.channel("web", ["paris"])
    await shop.product("TEA", 1099, stock={"paris": 500})
    await shop.product("CUP", 333, stock={"paris": 500})
    await shop.settle()
    return shop


async def sold(shop: Shop, *, known: bool = True, **units: int) -> OrderId:
    if known:
        async with shop.database.transaction() as tx:
            await api.put_seller(tx, DETAILS)
    placed = await shop.place("web", units)
    await shop.settle()
    return placed.id


async def issued(shop: Shop, order_id: OrderId) -> Issued:
    async with shop.database.transaction() as tx:
        return await invoicing.issue(tx, order_id)


def serial(one: Issued) -> int:
    return int(one.number.rpartition("-")[2])


async def test_an_invoice_says_what_was_sold_to_the_cent(shop: Shop) -> None:
    order_id = await sold(shop, TEA=3, CUP=1)
    one = await issued(shop, order_id)
    order = await shop.order(order_id)
    paper = invoicing.read(one).paper
    assert (one.kind, one.total) == (Kind.INVOICE, order.value)
    assert paper.total.minor == order.total
    assert paper.tax.minor == order.tax
    assert [line.quantity for line in paper.lines if line.sku] == [3, 1]
    assert (await documents.render(paper, "fr_FR")).startswith(b"%PDF")
    with pytest.raises(NothingToInvoice):
        await issued(shop, order_id)


async def test_without_a_seller_there_is_no_invoice_and_no_number_is_lost(shop: Shop) -> None:
    order_id = await sold(shop, known=False, TEA=1)
    async with shop.database.transaction() as tx:
        await tx.run("DELETE FROM invoicing.sellers")
        with pytest.raises(SellerUnknown):
            await invoicing.issue(tx, order_id)


async def test_numbers_have_no_gaps_whoever_issues_at_once_and_whatever_fails(shop: Shop) -> None:
    ids = [await sold(shop, CUP=1) for _ in range(8)]
    first = serial(await issued(shop, ids[0]))

    async def fail() -> None:
        async with shop.database.transaction() as tx:
            await invoicing.issue(tx, ids[1])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    made = await asyncio.gather(*(issued(shop, one) for one in ids[1:]))
    assert sorted(serial(one) for one in made) == list(range(first + 1, first + 8))


async def test_days_do_not_run_against_numbers(shop: Shop) -> None:
    order_id, later = await sold(shop, CUP=1), await sold(shop, CUP=1)
    async with shop.database.transaction() as tx:
        one = await invoicing.issue(tx, order_id)
        ahead = one.issued_on + timedelta(days=1)
        await tx.run("UPDATE invoicing.series SET last_on = %(on)s", {"on": ahead})
        assert (await invoicing.issue(tx, later)).issued_on == ahead
        await tx.run("UPDATE invoicing.series SET last_on = %(on)s", {"on": one.issued_on})


async def test_what_is_taken_off_later_is_credited_once_and_to_the_cent(shop: Shop) -> None:
    order_id = await sold(shop, TEA=3, CUP=2)
    one = await issued(shop, order_id)
    async with shop.database.transaction() as tx:
        await orders.cancel(tx, order_id, [LineQuantity(1, 1)], "asked")
        note = await invoicing.correct(tx, order_id)
        assert note is not None
        assert await invoicing.correct(tx, order_id) is None
        await orders.cancel(tx, order_id, None, "asked")
        rest = await invoicing.correct(tx, order_id)
    assert rest is not None
    assert (note.kind, note.refers_to) == (Kind.CREDIT_NOTE, one.id)
    assert note.total + rest.total == one.total
    papers = [invoicing.read(found).paper for found in (note, rest)]
    assert sum(paper.tax.minor for paper in papers) == invoicing.read(one).paper.tax.minor
    assert papers[0].refers_to == one.number
    assert note.number.startswith("A")


async def test_what_has_left_is_invoiced_by_itself(shop: Shop) -> None:
    order_id = await sold(shop, TEA=1)
    follow = invoicing.consumer()
    async with shop.database.transaction() as tx:
        await orders.ship(tx, order_id, shop.locations["paris"], None)
    assert "order.shipped" in follow.handlers
    async with shop.database.read() as reader:
        events = [event for event in (await orders.timeline(reader, order_id)).items if event.type == "order.shipped"]
    assert events
    async with shop.database.transaction() as tx:
        await invoicing.bring_up_to_date(tx, order_id)
        found = await api.of_order(tx, order_id)
        await invoicing.bring_up_to_date(tx, order_id)
        assert await api.of_order(tx, order_id) == found
    assert [one.kind for one in found] == [Kind.INVOICE]
