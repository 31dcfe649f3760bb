"""One return at the console: declining what is here, its pictures, and the label that we buy for it."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest_asyncio
from PIL import Image

from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Arrived, Goods, LabelStanding, PolicyDraft, ReturnCase, ReturnDraft, Units
from comptoir.modules.orders.contracts import Order
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.console.pages.return_words import return_href
from comptoir.surfaces.services import Services
from console.test_return_pages import LOAF, refunded, sent
from support.back_office import audited, level, rows, said
from support.console import Shop, Staff, counted_statements, fields_of


@pytest_asyncio.fixture(loop_scope="session")
async def order(parts: Services, shop: Shop) -> Order:
    return await sent(parts, shop)


@pytest_asyncio.fixture(loop_scope="session")
async def here(parts: Services, shop: Shop, order: Order) -> ReturnCase:
    """A return whose loaf lies in the store in Columbus."""
    async with parts.database.transaction() as tx:
        case = await changes.request_return(tx, ReturnDraft(order_id=order.id, units=(Units(1, 1),)), SETTING)
        return await changes.receive_return(tx, case.id, shop.locations["S367"], [Arrived(1, 1)])


async def now(parts: Services, case: ReturnCase) -> ReturnCase:
    async with parts.database.read() as reader:
        return await changes.get_return(reader, case.id)


async def declined(owner: Staff, case: ReturnCase) -> None:
    href = return_href(case.id)
    await owner.submit(href, f"{href}/decline", {"reason": "It was eaten."})


async def test_goods_are_declined_with_a_reason_and_given_back(
    owner: Staff, parts: Services, shop: Shop, order: Order, here: ReturnCase
) -> None:
    href, before = return_href(here.id), await level(parts, shop, LOAF, "S367")
    page = await owner.get(href)
    without = await owner.submit(href, f"{href}/decline", {"reason": ""})
    assert without.status_code == 422
    await declined(owner, here)
    assert (await now(parts, here)).to_give_back == 1
    assert await refunded(parts, order.id) == (0, 0)
    assert await rows(owner, "/returns?goods=here") == [changes.return_code(here.number)]
    with counted_statements() as statements:
        page = await owner.get(href)
    assert len(statements) <= 40
    assert "It was eaten." in said(page.text)
    paper = await owner.get(f"{href}/back.pdf")
    assert (paper.status_code, paper.content[:4]) == (200, b"%PDF")
    done = await owner.submit(href, f"{href}/give-back", {"by": "parcel", "back_carrier": "UPS", "back_number": "1ZGO"})
    assert done.status_code == 303
    assert (await now(parts, here)).received[0].goods is Goods.SENT
    assert (await level(parts, shop, LOAF, "S367")).on_hand == before.on_hand - 1
    assert [one.action for one in (await audited(parts))[:2]] == ["return.given_back", "return.declined"]
    assert "Declined, sent back" in said((await owner.get(href)).text)


async def test_what_is_kept_needs_an_agreement(owner: Staff, parts: Services, here: ReturnCase) -> None:
    href = return_href(here.id)
    await declined(owner, here)
    without = await owner.submit(href, f"{href}/keep", {"agreement": "", "keep_fate": "restock"})
    assert without.status_code == 422
    assert (await now(parts, here)).to_give_back == 1
    await owner.submit(href, f"{href}/keep", {"agreement": "mail of 2 May", "keep_fate": "restock"})
    after = await now(parts, here)
    assert (after.agreement, after.received[0].goods) == ("mail of 2 May", Goods.KEPT)


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), (10, 90, 60)).save(out, "PNG")
    return out.getvalue()


async def upload(owner: Staff, case: ReturnCase, content: bytes) -> Any:
    href = return_href(case.id)
    fields = fields_of((await owner.get(href)).text, f"{href}/pictures")
    files = {"picture": ("damage.png", content, "image/png")}
    return await owner.client.post(
        f"{href}/pictures", data=fields, files=files, headers={"origin": "http://testserver"}, follow_redirects=False
    )


async def test_pictures_are_added_seen_and_removed(owner: Staff, parts: Services, here: ReturnCase) -> None:
    done = await upload(owner, here, photo())
    assert done.status_code == 303, done.text
    page = (await owner.get(return_href(here.id))).text
    found = re.search(r'<img src="([^"]+/pictures/pic_\w+)\?small"', page)
    assert found is not None
    for address in (found[1], f"{found[1]}?small"):
        shown = await owner.get(address)
        assert (shown.headers["content-type"], shown.content[:3]) == ("image/jpeg", b"\xff\xd8\xff")
    await owner.submit(return_href(here.id), f"{found[1]}/remove", {})
    assert (await owner.get(found[1])).status_code == 404
    assert [one.action for one in (await audited(parts))[:2]] == ["return.picture_removed", "return.pictures_added"]


async def test_what_is_no_picture_is_told(owner: Staff, here: ReturnCase) -> None:
    answer = await upload(owner, here, b"<svg onload=alert(1)>")
    assert answer.status_code == 422
    assert "This is no picture that we can read" in said(answer.text)


async def test_where_no_carrier_sells_a_label_the_page_says_what_to_do(owner: Staff, parts: Services, order: Order) -> None:
    async with parts.database.transaction() as tx:
        await changes.create_policy(tx, PolicyDraft(code="own", position=1, prepaid=True, label_fee=150))
        draft = ReturnDraft(order_id=order.id, units=(Units(1, 1),), label=True)
        case = await changes.request_return(tx, draft, SETTING)
    href = return_href(case.id)
    page = said((await owner.get(href)).text)
    assert "To be bought" in page
    assert "$1.50" in page
    refused = await owner.submit(href, f"{href}/label", {"weight": "400"})
    assert refused.status_code == 422
    assert (await now(parts, case)).label is LabelStanding.REFUSED
    page = said((await owner.get(href)).text)
    assert "No carrier sells a label for this return." in page
    assert "our own address label" in page
    assert await rows(owner, "/returns?label=doubt") == [changes.return_code(case.number)]
    paper = await owner.get(f"{href}/label.pdf")
    assert (paper.status_code, paper.content[:4]) == (200, b"%PDF")
