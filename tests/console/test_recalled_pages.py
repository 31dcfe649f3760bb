"""What is cancelled after it was packed, at the bench: the box is struck through, opened, emptied; its label goes back."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from comptoir.kernel.ids import to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, VariantDraft
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FULFILMENT_PREFIX, PARCEL_PREFIX, Fulfilment, Parcel, Stage
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity
from comptoir.modules.payments.contracts import EntryKind
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import LabelState, PurchasedLabel, TroubleKind
from comptoir.runtime.consumers import ConsumerRunner
from comptoir.surfaces.console.pages.store_desk import COOKIE
from comptoir.surfaces.pools import pool_id_of, pool_of
from comptoir.surfaces.services import Services
from comptoir.surfaces.unwanted import give_back_unwanted
from support.back_office import looked_at, said, signed_in
from support.browser import browser
from support.carrier_rigs import API_KEY, SIGNING
from support.carriers import simulated
from support.console import PRODUCTS, Shop, Staff, counted_statements, fields_of, place
from support.consumers import drained
from support.easypost_simulator import EasyPostSimulator
from support.parcel_desk import connected, with_carriers

__all__ = ["browser"]

LOAF, SHAMPOO = "840361", "883404"


@pytest_asyncio.fixture(loop_scope="session")
async def far() -> AsyncIterator[EasyPostSimulator]:
    async with simulated(EasyPostSimulator(API_KEY, SIGNING)) as simulator:
        yield simulator


@pytest_asyncio.fixture(loop_scope="session")
async def parts(parts: Services, far: EasyPostSimulator) -> AsyncIterator[Services]:
    """With EasyPost's simulator in EasyPost's place, and what the products weigh."""
    async with parts.database.transaction() as tx:
        drafts = [
            ProductDraft(code=f"P{sku}", names={"en": name}, variants=[VariantDraft(sku=sku, weight=400)])
            for sku, name, _, _ in PRODUCTS
        ]
        await catalogue.upsert(tx, drafts)
    async with with_carriers(parts, far) as with_them:
        yield with_them


async def settled(parts: Services) -> None:
    every = (*orders.consumers(pool_of), *fulfilment.consumers(pool_id_of), *tracking.consumers())
    wanted = {"orders.trade", "orders.customers", "fulfilment.release", "fulfilment.counts", "tracking.parcels"}
    await drained(parts.database, ConsumerRunner(parts.database, [one for one in every if one.name in wanted]))


async def boxes(parts: Services, one: Fulfilment) -> list[Parcel]:
    async with parts.database.read() as reader:
        return await fulfilment.parcels(reader, [one.id])


def page_of(one: Fulfilment) -> str:
    return f"/store/pack/{to_text(FULFILMENT_PREFIX, one.id)}"


def box_id(one: Parcel) -> str:
    return to_text(PARCEL_PREFIX, one.id)


async def packed(owner: Staff, parts: Services, lines: list[tuple[str, int]]) -> tuple[Fulfilment, Parcel]:
    """An order in one box, where the owner stands."""
    made = await place(parts, "web", lines)
    await settled(parts)
    async with parts.database.read() as reader:
        (one,) = await fulfilment.of_orders(reader, [made.id])
    owner.client.cookies.set(COOKIE, to_text("loc", one.location_id))
    pick = f"/store/pick/{to_text(FULFILMENT_PREFIX, one.id)}"
    await owner.submit(pick, f"{pick}/all", {})
    await owner.submit(page_of(one), f"{page_of(one)}/box", {"weight": "900"})
    (box,) = await boxes(parts, one)
    return one, box


async def labelled(owner: Staff, parts: Services, one: Fulfilment, box: Parcel) -> PurchasedLabel:
    action = f"{page_of(one)}/label"
    html = (await owner.get(f"{action}?parcel={box_id(box)}")).text
    offer = re.search(r'name="offer" value="([^"]*)" checked', html)
    assert offer is not None, said(html)
    await owner.send(action, fields_of(html, action) | {"offer": offer[1], "parcel": box_id(box), "weight": "900"})
    return (await labels(parts, box))[0]


async def labels(parts: Services, box: Parcel) -> list[PurchasedLabel]:
    async with parts.database.read() as reader:
        return await tracking.labels.of_subjects(reader, [box.id])


async def cancelled(parts: Services, one: Fulfilment, *lines: LineQuantity) -> None:
    async with parts.database.transaction() as tx:
        await orders.cancel(tx, one.order_id, lines or None, "customer")
    await settled(parts)


async def troubles(parts: Services) -> list[TroubleKind]:
    async with parts.database.read() as reader:
        return [one.kind for one in (await tracking.find_troubles(reader)).items]


async def test_a_box_that_is_cancelled_in_part_is_opened_and_the_rest_leaves(owner: Staff, parts: Services) -> None:
    one, box = await packed(owner, parts, [(LOAF, 2), (SHAMPOO, 1)])
    await cancelled(parts, one, LineQuantity(1, 1))
    assert "Boxes to open" in (await owner.get("/store")).text
    with counted_statements() as statements:
        out = (await owner.get("/store/out")).text
    assert len(statements) <= 26, statements
    assert f"<s>F{one.number}-1</s>" in out
    assert "To be opened before the driver comes" in said(out)
    assert box_id(box) not in fields_of_boxes(out)
    html = (await owner.get(page_of(one))).text
    assert "Part of this box was cancelled" in said(html)
    refused = await owner.submit(page_of(one), f"{page_of(one)}/scan-out", {"parcel": box_id(box), "code": SHAMPOO})
    assert (refused.status_code, "That stays in the box" in said(refused.text)) == (409, True)
    await owner.submit(page_of(one), f"{page_of(one)}/scan-out", {"parcel": box_id(box), "code": LOAF})
    (after,) = await boxes(parts, one)
    assert (after.recalled, sum(units for _, units in after.lines)) == ((), 2)
    await owner.submit(page_of(one), f"{page_of(one)}/hand-over", {})
    async with parts.database.read() as reader:
        assert (await fulfilment.get(reader, one.id)).stage is Stage.DONE
    back = said((await owner.get("/store/put-back")).text)
    assert f"from F{one.number}-1" in back


def fields_of_boxes(html: str) -> set[str]:
    return set(re.findall(r'name="box" value="([^"]*)"', html))


async def test_scanning_a_recalled_parcel_at_the_hand_over_says_stop(
    owner: Staff, parts: Services, far: EasyPostSimulator
) -> None:
    await connected(parts)
    far.refund_status = "refunded"
    one, box = await packed(owner, parts, [(LOAF, 2)])
    label = await labelled(owner, parts, one, box)
    await cancelled(parts, one)
    assert await give_back_unwanted(parts.database, parts.parcels) == 1
    assert (await labels(parts, box))[0].state is LabelState.VOIDED
    for code in (label.tracking_number, f"F{one.number}-1"):
        stopped = await owner.submit("/store/out", "/store/out/scan", {"code": code})
        assert stopped.status_code == 409
        assert f"Stop: F{one.number}-1 does not leave" in said(stopped.text)
        assert "data-alarm" in stopped.text
    (still,) = await boxes(parts, one)
    assert still.marked_at is None


async def test_the_label_of_a_box_of_which_nothing_leaves_is_given_back_before_it_is_emptied(
    owner: Staff, parts: Services, far: EasyPostSimulator
) -> None:
    await connected(parts)
    far.refund_status = "refunded"
    one, box = await packed(owner, parts, [(LOAF, 1)])
    await labelled(owner, parts, one, box)
    await cancelled(parts, one)
    html = (await owner.get(page_of(one))).text
    assert "Nothing of this box leaves" in said(html)
    await owner.submit(page_of(one), f"{page_of(one)}/take-out", {"parcel": box_id(box)})
    assert await boxes(parts, one) == []
    assert (await labels(parts, box))[0].state is LabelState.VOIDED
    assert await troubles(parts) == []


async def test_a_label_that_is_not_taken_back_is_a_trouble_once_and_holds_nobody_up(
    owner: Staff, parts: Services, far: EasyPostSimulator
) -> None:
    await connected(parts)
    far.refund_status = "rejected"
    one, box = await packed(owner, parts, [(LOAF, 1)])
    await labelled(owner, parts, one, box)
    await cancelled(parts, one)
    far.fail(503)
    assert await give_back_unwanted(parts.database, parts.parcels) == 0
    assert await troubles(parts) == [], "a carrier that is down is asked again"
    far.recover()
    for _ in range(2):
        assert await give_back_unwanted(parts.database, parts.parcels) == 0
        assert await troubles(parts) == [TroubleKind.UNUSED]
    assert "Label not needed" in said((await owner.get("/parcels/troubles")).text)
    await owner.submit(page_of(one), f"{page_of(one)}/take-out", {"parcel": box_id(box)})
    assert await boxes(parts, one) == []


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_bench_reads_well_in_both_languages(owner: Staff, parts: Services, shop: Shop, language: str) -> None:
    one, _ = await packed(owner, parts, [(LOAF, 2)])
    await cancelled(parts, one, LineQuantity(1, 1))
    await owner.get(f"/preferences/language?to={language}&next=/")
    for address in ("/store", "/store/pack", "/store/out", page_of(one), "/store/put-back"):
        answer = await owner.get(address)
        assert answer.status_code == 200, address
    words = {"en": "Open it and take out", "fr": "Ouvrez-le et retirez"}
    assert words[language] in said((await owner.get(page_of(one))).text)


async def test_the_pages_are_accessible_on_a_phone_and_in_french(owner: Staff, parts: Services, browser: Browser) -> None:
    one, _ = await packed(owner, parts, [(LOAF, 2)])
    await cancelled(parts, one, LineQuantity(1, 1))
    gone, _ = await packed(owner, parts, [(SHAMPOO, 1)])
    await cancelled(parts, gone)
    async with parts.database.transaction() as tx:
        order = await orders.order(tx, gone.order_id)
        await orders.pay(tx, order.id, EntryKind.CAPTURED, "card", order.total)
        await orders.grant_refund(tx, order.id, order.total, "cancelled")
    addresses = ["/store/out", page_of(one), page_of(gone), "/orders/refunds", "/orders?owed=to_buyer"]
    async with signed_in(browser, parts) as page:
        await page.goto("/store/here?next=/store")
        await page.click(f'button[value="{to_text("loc", one.location_id)}"]')
        for language in ("en", "fr"):
            await looked_at(page, language, addresses)
            if folder := os.environ.get("COMPTOIR_PICTURES", ""):
                for n, address in enumerate(addresses):
                    for width in (390, 1440):
                        await page.set_viewport_size({"width": width, "height": 900})
                        await page.goto(address)
                        await page.wait_for_timeout(500)
                        await page.screenshot(path=f"{folder}/{n}-{language}-{width}.png", full_page=True)
