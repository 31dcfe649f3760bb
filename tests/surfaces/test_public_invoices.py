"""The buyer finds the invoice beside the parcel, and only their own."""

from __future__ import annotations

from urllib.parse import urlsplit

from litestar import Litestar
from litestar.testing import AsyncTestClient

from comptoir.kernel.time import utcnow
from comptoir.modules.invoicing import api as invoicing
from comptoir.modules.invoicing.contracts import SellerDetails
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Database
from comptoir.runtime.limits import Limiter
from comptoir.surfaces import invoicing as issuing
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.web import PublicPages
from support.depot import open_depot

SELLER = SellerDetails(name="Maison Lumen", legal_name="Lumen & Filles", line1="12, rue Mercière", city="Lyon", country="FR")


async def test_an_order_s_invoice_is_on_its_page_and_on_no_other(database: Database) -> None:
    async with open_depot(database) as depot:
        links = PublicLinks(depot.keyring, "http://testserver.local")
        pages = PublicPages(depot.database, links, strangers=Limiter(burst=60, seconds=60))
        own, other = await depot.shipped("INV1"), await depot.shipped("INV2")
        async with depot.database.transaction() as tx:
            await invoicing.put_seller(tx, SELLER)
            one = await issuing.issue(tx, own)

        def page(order_id: OrderId) -> str:
            return urlsplit(links.tracking(order_id, utcnow())).path

        async with AsyncTestClient(Litestar([*pages.routes()], openapi_config=None)) as client:
            href = f"{page(own)}/invoices/{one.number}.pdf"
            assert f"Invoice {one.number}" in (await client.get(f"{page(own)}?lang=en")).text
            paper = await client.get(href)
            assert (paper.headers["content-type"], paper.content[:4]) == ("application/pdf", b"%PDF")
            assert paper.headers["cache-control"] == "private, no-store"
            assert one.number not in (await client.get(page(other))).text
            assert (await client.get(f"{page(other)}/invoices/{one.number}.pdf")).status_code == 404
