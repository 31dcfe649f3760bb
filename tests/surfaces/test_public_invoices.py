"""The buyer finds the invoice beside the parcel, and only their own, once they have said what only they know of the order."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from comptoir.kernel.time import utcnow
from comptoir.modules.invoicing import api as invoicing
from comptoir.modules.invoicing import proving
from comptoir.modules.invoicing.contracts import Issued, SellerDetails
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.database import Database
from comptoir.runtime.limits import Limiter
from comptoir.surfaces import invoicing as issuing
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.web import PublicPages
from support.asking import Client, asking
from support.depot import Depot, open_depot

SELLER = SellerDetails(name="Maison Lumen", legal_name="Lumen & Filles", line1="12, rue Mercière", city="Lyon", country="FR")


@dataclass(frozen=True, slots=True)
class Desk:
    """An order with its invoice, and a stranger with a browser."""

    depot: Depot
    links: PublicLinks
    client: Client
    order_id: OrderId
    one: Issued

    def tracking(self, order_id: OrderId | None = None) -> str:
        return urlsplit(self.links.tracking(order_id or self.order_id, utcnow())).path

    @property
    def door(self) -> str:
        return f"{self.tracking()}/papers?lang=en"

    async def say(self, proof: str) -> tuple[int, str, str]:
        """What it answers: (status, text, where it led to)."""
        answer = await self.client.post(self.door, data={"proof": proof})
        return answer.status_code, answer.text, answer.url.path

    async def later(self, minutes: int) -> None:
        """As if so long had gone by."""
        async with self.depot.database.transaction() as tx:
            await tx.run("UPDATE invoicing.proofs SET barred_until = barred_until - %(by)s", {"by": timedelta(minutes=minutes)})


@pytest_asyncio.fixture
async def desk(database: Database) -> AsyncGenerator[Desk]:
    async with open_depot(database) as depot:
        links = PublicLinks(depot.keyring, "http://testserver.local")
        pages = PublicPages(depot.database, links, strangers=Limiter(burst=600, seconds=60))
        order_id = await depot.shipped("INV1")
        async with depot.database.transaction() as tx:
            await invoicing.put_seller(tx, SELLER)
            one = await issuing.issue(tx, order_id)
        async with asking(Litestar([*pages.routes()], openapi_config=None)) as client:
            yield Desk(depot, links, client, order_id, one)


async def test_the_page_of_the_order_names_no_paper_and_asks_first(desk: Desk) -> None:
    page = (await desk.client.get(f"{desk.tracking()}?lang=en")).text
    assert "Invoices of your order" in page
    assert desk.one.number not in page
    door = (await desk.client.get(desk.door)).text
    assert "Your postcode, or the e-mail address of the order" in door
    assert desk.one.number not in door
    once = await desk.client.get(f"{desk.tracking()}/invoices/{desk.one.number}.pdf")  # where they were before
    assert (once.status_code, once.content[:4] == b"%PDF", "proof" in once.text) == (200, False, True)


async def test_whoever_knows_the_postcode_or_the_address_sees_the_papers(desk: Desk) -> None:
    for proof in ("13001", " 13 001 ", "Camille@Example.com"):
        status, text, shown = await desk.say(proof)
        assert (status, shown.startswith("/papers/")) == (200, True)
        assert f"Invoice {desk.one.number}" in text
    paper = await desk.client.get(f"{shown}/{desk.one.number}.pdf")
    assert (paper.headers["content-type"], paper.content[:4]) == ("application/pdf", b"%PDF")
    assert paper.headers["cache-control"] == "private, no-store"


async def test_the_papers_of_another_order_are_not_there(desk: Desk) -> None:
    other = await desk.depot.shipped("INV2")
    _, _, shown = await desk.say("13001")
    async with desk.depot.database.transaction() as tx:
        theirs = await issuing.issue(tx, other)
    assert (await desk.client.get(f"{shown}/{theirs.number}.pdf")).status_code == 404
    signed = desk.tracking().rpartition("/")[2]  # signed for following a parcel, not for papers
    assert (await desk.client.get(f"/papers/{signed}/{desk.one.number}.pdf")).status_code == 404
    old = urlsplit(desk.links.papers(desk.order_id, utcnow() - timedelta(minutes=61))).path
    assert (await desk.client.get(f"{old}/{desk.one.number}.pdf")).status_code == 404


async def test_a_wrong_answer_says_nothing_and_stays_in_the_field(desk: Desk) -> None:
    status, text, _ = await desk.say("13002")
    assert (status, 'value="13002"' in text, desk.one.number in text) == (422, True, False)
    assert "That is not what the order says." in text


async def test_after_five_wrong_answers_not_even_the_right_one_is_heard_for_a_while(desk: Desk) -> None:
    assert [(await desk.say(f"1300{n}"))[0] for n in range(2, 7)] == [422] * 5
    status, text, _ = await desk.say("13001")
    assert (status, "Try again in 15 minutes." in text) == (429, True)
    await desk.later(15)
    assert [(await desk.say("x"))[0] for _ in range(5)] == [422] * 5
    await desk.later(15)
    assert (await desk.say("13001"))[0] == 429  # it is 30 minutes now
    await desk.later(16)
    assert (await desk.say("13001"))[0] == 200
    assert (await desk.say("x"))[0] == 422  # the right one has begun anew


async def test_an_order_of_nobody_in_particular_sends_to_the_shop(desk: Desk) -> None:
    async with desk.depot.database.transaction() as tx:
        await tx.run("UPDATE orders.orders SET buyer = NULL, ship_to = NULL, bill_to = NULL")
    assert "Ask the shop for them." in (await desk.client.get(desk.door)).text
    assert (await desk.say(""))[0] == 422


def test_the_door_closes_for_longer_each_time_and_for_a_day_at_most() -> None:
    minutes = [int(wait.total_seconds() // 60) for n in range(1, 60) if (wait := proving.barred_for(n)) is not None]
    assert minutes == [15, 30, 60, 120, 240, 480, 960, 1440, 1440, 1440, 1440]


@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=4))
def test_only_what_is_known_fits_and_nothing_never_does(given_text: str, known: list[str]) -> None:
    wanted = proving.plain(given_text)
    assert proving.fits(given_text, known) == (bool(wanted) and wanted in [proving.plain(one) for one in known])
