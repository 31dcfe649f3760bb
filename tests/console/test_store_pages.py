"""The store: what is best done next, picking with a scanner, boxes and their papers, handing over and handing out."""

from __future__ import annotations

import os
import re

import pytest
import pytest_asyncio

from comptoir.kernel.ids import ActorId, to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import ProductDraft, Unit, VariantDraft
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FULFILMENT_PREFIX, Fulfilment, FulfilmentFilter, HoldReason, Method, Stage
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Quantity
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import PriceDraft
from comptoir.modules.staff import api as staff
from comptoir.runtime.database import Context
from comptoir.surfaces.console.pages import store_desk, store_papers, store_sheets
from comptoir.surfaces.console.pages.store_desk import COOKIE
from comptoir.surfaces.documents.errors import DocumentsUnavailable
from comptoir.surfaces.services import Services
from support.back_office import as_role, said
from support.console import Shop, Staff, counted_statements, fields_of, place, worker
from support.consumers import drained
from support.paper import images, texts

LOAF, COFFEE, BATTERIES = "840361", "995242", "1070820"
GTIN = "4006381333931"
PICTURES = os.environ.get("COMPTOIR_PICTURES", "")
"""A folder for pictures of the papers, for whoever wants to look at them."""


async def work(parts: Services, order_id: OrderId) -> Fulfilment:
    async with parts.database.read() as reader:
        (found,) = await fulfilment.of_orders(reader, [order_id])
    return found


async def placed(
    parts: Services, lines: list[tuple[str, int]], *, person: int = 0, pickup: LocationId | None = None, paid: bool = True
) -> Fulfilment:
    """An order of the web shop whose work is there."""
    made = await place(parts, "web", lines, person=person, pickup=pickup, paid=paid)
    await drained(parts.database, worker(parts))
    return await work(parts, made.id)


def key(one: Fulfilment) -> str:
    return to_text(FULFILMENT_PREFIX, one.id)


def stand(visitor: Staff, one: Fulfilment) -> None:
    visitor.client.cookies.set(COOKIE, to_text("loc", one.location_id))


@pytest_asyncio.fixture(loop_scope="session")
async def parcel(parts: Services, owner: Staff) -> Fulfilment:
    """Two loaves and a pack of batteries to send, and the owner stands where they are."""
    one = await placed(parts, [(LOAF, 2), (BATTERIES, 1)])
    stand(owner, one)
    return one


async def test_a_device_is_asked_once_where_it_stands(owner: Staff, shop: Shop) -> None:
    first = await owner.get("/store")
    assert (first.status_code, first.headers["location"]) == (303, "/store/here?next=%2Fstore")
    asked = (await owner.get("/store/here")).text
    assert asked.index("Store 343, Louisville") < asked.index("Cincinnati warehouse")
    chosen = await owner.submit("/store/here", "/store/here", {"location": to_text("loc", shop.locations["WH-CIN"])})
    assert chosen.headers["location"] == "/store"
    home = await owner.get("/store")
    assert "<h1>Cincinnati warehouse</h1>" in home.text
    assert home.headers["permissions-policy"].startswith("camera=(self)")


async def test_the_store_says_what_to_do_next(owner: Staff, parcel: Fulfilment) -> None:
    with counted_statements() as statements:
        told = (await owner.get("/store")).text
    assert "Pick this now" in told
    assert f'data-newest="{parcel.number}"' in told
    assert len(statements) <= 19


# Finding


async def test_the_field_understands_numbers_products_and_names(owner: Staff, parcel: Fulfilment) -> None:
    href = f"/store/pick/{key(parcel)}"
    for q in (str(parcel.order_number), f"#{parcel.order_number}", f"F{parcel.number}", f"f{parcel.number}"):
        found = await owner.get(f"/store/find?q={q.replace('#', '%23')}")
        assert (found.status_code, found.headers.get("location")) == (303, href), q
    by_product = said((await owner.get(f"/store/find?q={LOAF}")).text)
    assert "Sourdough loaf" in by_product
    assert "These orders lack it" in by_product
    assert f"F{parcel.number}" in by_product
    by_name = (await owner.get("/store/find?q=Am")).text
    assert href in by_name
    nothing = said((await owner.get("/store/find?q=nobody-at-all")).text)
    assert "Nothing open here fits" in nothing


# Picking


async def test_a_scan_picks_one_and_the_same_scan_sent_again_does_nothing(
    owner: Staff, parts: Services, parcel: Fulfilment
) -> None:
    page = f"/store/pick/{key(parcel)}"
    fields = fields_of((await owner.get(page)).text, f"{page}/scan") | {"code": LOAF, "_key": "a" * 32}
    for _ in range(2):
        answer = await owner.send(f"{page}/scan", fields, x_scan="yes")
        assert 'data-tone="good"' in answer.text
        assert 'data-words="Right: Sourdough loaf"' in answer.text
        assert "<html" not in answer.text
    assert (await work(parts, parcel.order_id)).picked == 1
    await owner.send(f"{page}/scan", fields | {"_key": "b" * 32})
    many = await owner.send(f"{page}/scan", fields | {"_key": "c" * 32}, x_scan="yes")
    assert 'data-outcome="too_many"' in many.text
    foreign = await owner.send(f"{page}/scan", fields | {"_key": "d" * 32, "code": COFFEE}, x_scan="yes")
    assert 'data-words="995242 is not in this order. Put it back."' in foreign.text
    unknown = await owner.send(f"{page}/scan", fields | {"_key": "e" * 32, "code": "nobody"}, x_scan="yes")
    assert 'data-outcome="unknown"' in unknown.text
    last = await owner.send(f"{page}/scan", fields | {"_key": "f" * 32, "code": BATTERIES}, x_scan="yes")
    assert 'data-outcome="all_picked"' in last.text
    assert (await work(parts, parcel.order_id)).stage is Stage.TO_PACK


async def test_a_barcode_is_as_good_as_a_sku(owner: Staff, parts: Services, parcel: Fulfilment) -> None:
    variant = VariantDraft(sku=LOAF, gtin=GTIN)
    async with parts.database.transaction() as tx:
        await catalogue.upsert(tx, [ProductDraft(code=f"P{LOAF}", names={"en": "Sourdough loaf"}, variants=[variant])])
    page = f"/store/pick/{key(parcel)}"
    assert f'data-codes="{LOAF} {GTIN}"' in (await owner.get(page)).text
    await owner.submit(page, f"{page}/scan", {"code": GTIN})
    assert (await work(parts, parcel.order_id)).picked == 1
    assert "These orders lack it" in (await owner.get(f"/store/find?q={GTIN}")).text


async def ham(parts: Services, shop: Shop, *orders: int) -> list[Fulfilment]:
    """Orders of so many grams of what is weighed."""
    variant = VariantDraft(sku="HAM", unit=Unit.THOUSANDTH)
    async with parts.database.transaction() as tx:
        await catalogue.upsert(tx, [ProductDraft(code="HAM", names={"en": "Ham"}, variants=[variant])])
        await pricing.set_prices(tx, "us", [PriceDraft("HAM", 2000)])
        await inventory.receive(tx, shop.locations["WH-CIN"], [Quantity("HAM", 5000)], reference="ham")
    return [await placed(parts, [("HAM", grams)], paid=False) for grams in orders]


async def test_what_is_weighed_is_put_on_the_scales(owner: Staff, parts: Services, shop: Shop) -> None:
    (one,) = await ham(parts, shop, 1250)
    stand(owner, one)
    page = f"/store/pick/{key(one)}"
    told = said((await owner.get(page)).text)
    assert "1.25" in told
    assert "0 of 1" in told
    fields = fields_of((await owner.get(page)).text, f"{page}/scan")
    asked = await owner.send(f"{page}/scan", fields | {"_key": "a" * 32, "code": "HAM"}, x_scan="yes")
    assert 'data-outcome="weigh:HAM"' in asked.text
    assert "Put it on the scales and type its weight: Ham" in asked.text
    assert (await work(parts, one.order_id)).picked == 0
    wrong = await owner.send(f"{page}/scan", fields | {"_key": "b" * 32, "code": "HAM", "weight": "a lot"}, x_scan="yes")
    assert "Type the weight in kilograms, such as 1.250." in wrong.text
    heavy = await owner.send(f"{page}/scan", fields | {"_key": "c" * 32, "code": "HAM", "weight": "3"}, x_scan="yes")
    assert "Ham: that is more than was ordered." in heavy.text
    part = await owner.send(f"{page}/scan", fields | {"_key": "d" * 32, "code": "HAM", "weight": "0,5"}, x_scan="yes")
    assert 'data-outcome="picked"' in part.text
    assert (await work(parts, one.order_id)).picked == 500
    await owner.send(f"{page}/scan", fields | {"_key": "e" * 32, "code": "HAM", "weight": "0.760"}, x_scan="yes")
    assert (await work(parts, one.order_id)).picked == 1250
    box = f"/store/pack/{key(one)}"
    await owner.submit(box, f"{box}/box", {})
    assert (await work(parts, one.order_id)).packed == 1250


async def test_without_scripts_what_is_weighed_is_asked_for_and_typed(owner: Staff, parts: Services, shop: Shop) -> None:
    (one,) = await ham(parts, shop, 1250)
    stand(owner, one)
    page = f"/store/pick/{key(one)}"
    await owner.submit(page, f"{page}/scan", {"code": "HAM"})
    assert "Put it on the scales" in said((await owner.get(page)).text)
    await owner.submit(page, f"{page}/scan", {"code": "HAM", "weight": "1.25"})
    assert (await work(parts, one.order_id)).picked == 1250


async def test_on_a_walk_each_order_is_weighed_by_itself(owner: Staff, parts: Services, shop: Shop) -> None:
    first, second = await ham(parts, shop, 1000, 500)
    stand(owner, first)
    started = await owner.submit("/store/pick", "/store/waves", {"chosen": [key(first), key(second)]})
    wave = started.headers["location"]
    fields = fields_of((await owner.get(wave)).text, f"{wave}/scan")
    asked = await owner.send(f"{wave}/scan", fields | {"code": "HAM", "_key": "a" * 32, "quantity": ""}, x_scan="yes")
    assert 'data-outcome="weigh:HAM"' in asked.text
    assert [(await work(parts, one.order_id)).picked for one in (first, second)] == [0, 0]
    for weight, digit in (("1.040", "b"), ("0,5", "c")):
        given = fields | {"code": "HAM", "weight": weight, "quantity": "", "_key": digit * 32}
        taken = await owner.send(f"{wave}/scan", given, x_scan="yes")
        assert 'data-outcome="picked"' in taken.text
    assert [(await work(parts, one.order_id)).picked for one in (first, second)] == [1000, 500]


async def test_without_scripts_a_scan_comes_back_with_words(owner: Staff, parcel: Fulfilment) -> None:
    page = f"/store/pick/{key(parcel)}"
    wrong = await owner.submit(page, f"{page}/scan", {"code": COFFEE})
    assert wrong.headers["location"] == page
    assert "995242 is not in this order. Put it back." in (await owner.get(page)).text


async def test_buttons_take_put_one_back_and_take_all(owner: Staff, parts: Services, parcel: Fulfilment) -> None:
    page = f"/store/pick/{key(parcel)}"
    await owner.submit(page, f"{page}/take", {"line": 1, "quantity": 2})
    assert (await work(parts, parcel.order_id)).picked == 2
    await owner.submit(page, f"{page}/undo", {"line": 1, "quantity": 1})
    assert (await work(parts, parcel.order_id)).picked == 1
    await owner.submit(page, f"{page}/all", {})
    assert (await work(parts, parcel.order_id)).picked == 3
    refused = await owner.send(f"{page}/all", fields_of((await owner.get("/store/here")).text, "/store/here"))
    assert refused.status_code == 409
    assert "Nothing is left to do here." in said(refused.text)


async def test_what_is_not_found_goes_elsewhere_and_is_to_be_counted(owner: Staff, parts: Services, parcel: Fulfilment) -> None:
    page = f"/store/pick/{key(parcel)}"
    await owner.submit(page, f"{page}/give-back", {"line": 1, "quantity": 1, "reason": "not_found"})
    async with parts.database.read() as reader:
        after = await fulfilment.get(reader, parcel.id)
    assert after.quantity == 2
    counts = (await owner.get("/store/counts")).text
    assert "Sourdough loaf" in counts
    link = re.search(r'href="(/counts/new\?[^"]*code=840361)"', counts)
    assert link is not None
    assert 'name="code" value="840361"' in (await owner.get(link[1].replace("&amp;", "&"))).text


async def test_what_another_person_works_on_is_theirs_until_it_is_taken_over(
    owner: Staff, parts: Services, parcel: Fulfilment
) -> None:
    page = f"/store/pick/{key(parcel)}"
    async with parts.database.transaction(Context(await _actor(parts, "store@example.com"))) as tx:
        await fulfilment.begin(tx, parcel.id)
    told = (await owner.get(page)).text
    assert "Dana Store works on it" in told
    assert "data-scans" not in told
    assert "Dana Store" in (await owner.get("/store/pick")).text
    fields = fields_of(told, f"{page}/begin")
    scan = await owner.send(f"{page}/scan", fields | {"code": LOAF, "_key": "a" * 32}, x_scan="yes")
    assert scan.status_code == 409
    assert (await work(parts, parcel.order_id)).picked == 0
    await owner.send(f"{page}/begin", fields)
    assert "data-scans" in (await owner.get(page)).text
    await owner.submit(page, f"{page}/put-back", {})
    assert (await work(parts, parcel.order_id)).assignee == ""


async def _actor(parts: Services, email: str) -> ActorId:
    async with parts.database.read() as reader:
        return staff.user_principal(await staff.user_by_email(reader, email)).actor


async def test_what_is_held_says_why_and_cannot_be_picked(owner: Staff, parts: Services, parcel: Fulfilment) -> None:
    async with parts.database.transaction() as tx:
        await fulfilment.hold(tx, parcel.id, HoldReason.PAYMENT, "the card expired")
    page = f"/store/pick/{key(parcel)}"
    told = (await owner.get(page)).text
    assert "Held: the payment" in told
    assert "the card expired" in told
    assert "data-scans" not in told
    assert f"F{parcel.number}" in said((await owner.get("/store/pick")).text)
    token = re.search(r'data-store="([0-9a-f]+)"', told)
    assert token is not None
    refused = await owner.send(f"{page}/all", {"_token": token[1]})
    assert refused.status_code == 409
    assert "That is not possible in its present state" in said(refused.text)
    assert (await work(parts, parcel.order_id)).picked == 0


async def test_nobody_gets_to_work_that_is_not_there(owner: Staff, parcel: Fulfilment) -> None:
    for address in ("/store/pick/ful_nothing", "/store/waves/wav_nothing", "/store/collect/ful_nothing"):
        assert (await owner.get(address)).status_code == 404, address
    token = fields_of((await owner.get("/store/here")).text, "/store/here")
    assert (await owner.send(f"/store/pick/{key(parcel)}/dance", token)).status_code == 404
    assert (await owner.send(f"/store/pack/{key(parcel)}/dance", token)).status_code == 404
    wave = await owner.send("/store/waves", token)
    assert wave.headers["location"] == "/store/pick"


async def test_several_orders_are_one_walk_with_slots(owner: Staff, parts: Services, parcel: Fulfilment) -> None:
    other = await placed(parts, [(LOAF, 1)], person=0)
    ids = [key(parcel), key(other)]
    started = await owner.submit("/store/pick", "/store/waves", {"chosen": ids})
    wave = started.headers["location"]
    told = said((await owner.get(wave)).text)
    assert "1 × 2" in told
    assert "2 × 1" in told
    fields = fields_of((await owner.get(wave)).text, f"{wave}/scan")
    first = await owner.send(f"{wave}/scan", fields | {"code": LOAF, "_key": "a" * 32}, x_scan="yes")
    assert 'data-words="Into slot 1: Sourdough loaf"' in first.text
    await owner.send(f"{wave}/scan", fields | {"code": LOAF, "_key": "b" * 32}, x_scan="yes")
    third = await owner.send(f"{wave}/scan", fields | {"code": LOAF, "_key": "c" * 32}, x_scan="yes")
    assert 'data-words="Into slot 2: Sourdough loaf"' in third.text
    many = await owner.send(f"{wave}/scan", fields | {"code": LOAF, "_key": "d" * 32}, x_scan="yes")
    assert 'data-outcome="too_many"' in many.text
    assert (await work(parts, other.order_id)).picked == 1
    assert wave in (await owner.get("/store/pick")).text


# Packing and handing over


async def picked(parts: Services, one: Fulfilment) -> None:
    async with parts.database.transaction(Context(await _actor(parts, "owner@example.com"))) as tx:
        await fulfilment.pick(tx, one.id)


async def test_boxes_are_closed_opened_again_and_handed_over(owner: Staff, parts: Services, parcel: Fulfilment) -> None:
    await picked(parts, parcel)
    page = f"/store/pack/{key(parcel)}"
    empty = await owner.submit(page, f"{page}/box", {"units:1": "0", "units:2": "0"})
    assert (empty.status_code, "Put something into the box." in empty.text) == (422, True)
    await owner.submit(page, f"{page}/box", {"units:1": "2", "units:2": "0", "carton": "M", "weight": "1300"})
    await owner.submit(page, f"{page}/box", {"units:1": "", "units:2": "1"})
    told = said((await owner.get(page)).text)
    assert "Box 1 · M · 1,300 g" in told
    assert "Box 2" in told
    await owner.submit(page, f"{page}/open", {})
    assert "Into the next box" in (await owner.get(page)).text
    await owner.submit(page, f"{page}/box", {"units:1": "2"})
    async with parts.database.read() as reader:
        boxes = await fulfilment.parcels(reader, [parcel.id])
    tracking = {f"tracking:{to_text('pcl', one.id)}": f"1Z{one.number}" for one in boxes}
    html = (await owner.get(page)).text
    form = fields_of(html, f"{page}/hand-over") | tracking | {"carrier": "ups"}
    for _ in range(2):
        left = await owner.send(f"{page}/hand-over", form)
        assert left.status_code == 303
    assert (await work(parts, parcel.order_id)).stage is Stage.DONE
    async with parts.database.read() as reader:
        assert {one.tracking_number for one in await fulfilment.parcels(reader, [parcel.id])} == set(tracking.values())
    assert "carrier=ups" in (await owner.get("/store/out")).text


async def test_several_leave_with_one_carrier(owner: Staff, parts: Services, parcel: Fulfilment) -> None:
    other = await placed(parts, [(LOAF, 1)])
    for one in (parcel, other):
        await picked(parts, one)
        async with parts.database.transaction(Context(await _actor(parts, "owner@example.com"))) as tx:
            await fulfilment.pack(tx, one.id)
    nothing = await owner.submit("/store/out", "/store/out", {})
    assert (nothing.status_code, "Tick what the carrier takes along." in nothing.text) == (409, True)
    answer = await owner.submit("/store/out", "/store/out", {"chosen": [key(parcel), key(other)], "carrier": "ups"})
    assert answer.headers["location"] == "/store/out"
    assert {(await work(parts, one.order_id)).stage for one in (parcel, other)} == {Stage.DONE}


# Collecting


@pytest_asyncio.fixture(loop_scope="session")
async def pickup(parts: Services, owner: Staff, shop: Shop) -> Fulfilment:
    """Two packs of coffee that the buyer collects in Columbus, where alone they are: picked, and on the counter."""
    async with parts.database.transaction() as tx:
        await inventory.receive(tx, shop.locations["S367"], [Quantity(COFFEE, 2)], reference="for the counter")
    one = await placed(parts, [(COFFEE, 2)], person=1, pickup=shop.locations["S367"])
    assert one.method is Method.COLLECT
    stand(owner, one)
    await picked(parts, one)
    page = f"/store/pick/{key(one)}"
    answer = await owner.submit(page, f"{page}/ready", {})
    assert answer.headers["location"] == f"/store/collect/{key(one)}"
    return one


async def test_what_is_ready_is_found_by_its_code_and_handed_out_in_parts(
    owner: Staff, parts: Services, pickup: Fulfilment
) -> None:
    page = f"/store/collect/{key(pickup)}"
    async with parts.database.read() as reader:
        ready = await fulfilment.find(reader, FulfilmentFilter(stages=(Stage.READY,)))
    assert pickup.id in {one.id for one in ready.items}
    code = store_desk.pickup_code(parts.keyring, pickup)
    found = await owner.get(f"/store/find?q={code.lower()}")
    assert found.headers["location"] == f"{page}?code={code}"
    assert "The pickup code is right" in (await owner.get(f"{page}?code={code}")).text
    wrong = (await owner.get(f"{page}?code={pickup.number}-2222")).text
    assert "That is not the pickup code of this order" in wrong
    assert f"F{pickup.number}" in (await owner.get("/store/ready")).text
    nobody = await owner.submit(page, page, {"units:1": "0"})
    assert (nobody.status_code, "Say what they take along." in nobody.text) == (422, True)
    part = await owner.submit(page, page, {"units:1": "1", "collector": "Marcus Bell"})
    assert part.headers["location"] == page
    assert (await work(parts, pickup.order_id)).gone == 1
    rest = await owner.submit(page, page, {"units:1": "1", "collector": "Joan Bell"})
    assert rest.headers["location"] == "/store/ready"
    assert (await work(parts, pickup.order_id)).stage is Stage.DONE
    assert "not ready to collect" in (await owner.get(page)).text


async def test_transfers_on_the_road_are_received_from_the_store(owner: Staff, parts: Services, shop: Shop) -> None:
    origin, target = shop.locations["WH-CIN"], shop.locations["S367"]
    async with parts.database.transaction() as tx:
        made = await inventory.create_transfer(tx, origin, target, [Quantity(LOAF, 2)])
        await inventory.send_transfer(tx, made.id)
    owner.client.cookies.set(COOKIE, to_text("loc", target))
    told = (await owner.get("/store/receive")).text
    assert "Cincinnati warehouse" in told
    assert "/receive" in told


# Who may


async def test_others_may_look_but_not_act(owner: Staff, parts: Services, parcel: Fulfilment) -> None:
    page = f"/store/pick/{key(parcel)}"
    form = fields_of((await owner.get(page)).text, f"{page}/all")
    assert (await owner.send(f"{page}/all", {**form, "_token": "00"})).status_code == 403
    await as_role(owner, "analyst")
    stand(owner, parcel)
    seen = await owner.get(page)
    assert seen.status_code == 200
    assert "data-scans" not in seen.text
    token = re.search(r'data-store="([0-9a-f]+)"', seen.text)
    assert token is not None
    for act in (f"{page}/all", f"{page}/scan", "/store/waves", "/store/out", f"/store/collect/{key(parcel)}"):
        assert (await owner.send(act, {"_token": token[1], "code": LOAF})).status_code == 403, act
    assert (await work(parts, parcel.order_id)).picked == 0


async def test_the_store_is_the_first_page_of_shop_staff(owner: Staff, parcel: Fulfilment) -> None:
    await as_role(owner, "store")
    stand(owner, parcel)
    assert (await owner.get("/")).headers["location"] == "/store"
    home = (await owner.get("/store")).text
    assert home.index('href="/store"') < home.index('href="/orders"')


# Papers


async def test_every_paper_is_a_pdf_that_says_what_it_has_to(owner: Staff, parts: Services, parcel: Fulfilment) -> None:
    papers = f"/store/papers/{key(parcel)}"
    number, code = str(parcel.order_number), f"R{parcel.order_number}"
    await owner.get("/preferences/language?to=fr&next=/store")
    pick = await paper(owner, f"{papers}/pick-list.pdf")
    assert ["Bon de préparation" in pick, "Sourdough loaf" in pick, f"F{parcel.number}" in pick] == [True] * 3
    assert "Sourdough loaf" in await paper(owner, f"{papers}/pick-list.pdf?paper=receipt")
    await picked_and_packed(parts, parcel)
    slip = await paper(owner, f"{papers}/slip.pdf?parcel=1")
    assert ["Packing slip" in slip, number in slip, "1240 Vine Street" in slip, "Web shop" in slip] == [True] * 4
    label = await paper(owner, f"{papers}/label.pdf?parcel=1&tracking=6C14&carrier=UPS")
    assert ["6C14" in label, "UPS" in label, "Amélie Fontaine" in label] == [True] * 3
    back = await paper(owner, f"{papers}/return.pdf")
    assert [code in back, "It does not fit" in back] == [True] * 2
    for name in ("label.pdf?parcel=9", "nonsense.pdf"):
        assert (await owner.get(f"{papers}/{name}")).status_code == 404
    page = f"/store/pack/{key(parcel)}"
    async with parts.database.read() as reader:
        (box,) = await fulfilment.parcels(reader, [parcel.id])
    await owner.submit(page, f"{page}/hand-over", {"carrier": "ups", f"tracking:{to_text('pcl', box.id)}": "1Z77"})
    assert "1Z77" in await paper(owner, "/store/papers/manifest.pdf?carrier=ups")
    assert "1Z77" not in await paper(owner, "/store/papers/manifest.pdf?carrier=dhl")


async def paper(visitor: Staff, address: str) -> str:
    """The text of a PDF."""
    answer = await visitor.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf"), address
    if PICTURES:
        images(answer.content, 1)[0].save(f"{PICTURES}/{re.sub(r'[^a-z]+', '-', address.rpartition('/')[2])}.png")
    return " ".join(texts(answer.content))


async def picked_and_packed(parts: Services, one: Fulfilment) -> None:
    await picked(parts, one)
    async with parts.database.transaction(Context(await _actor(parts, "owner@example.com"))) as tx:
        await fulfilment.pack(tx, one.id)


async def test_what_waits_on_the_counter_has_a_notice_with_its_code(owner: Staff, parts: Services, pickup: Fulfilment) -> None:
    notice = await paper(owner, f"/store/papers/{key(pickup)}/notice.pdf")
    assert store_desk.pickup_code(parts.keyring, pickup) in notice
    assert "Store 367, Columbus" in notice


async def test_a_walk_has_one_pick_list_with_its_slots(owner: Staff, parts: Services, parcel: Fulfilment) -> None:
    other = await placed(parts, [(LOAF, 1)])
    started = await owner.submit("/store/pick", "/store/waves", {"chosen": [key(parcel), key(other)]})
    address = started.headers["location"].replace("/store/", "/store/papers/")
    told = await paper(owner, f"{address}/pick-list.pdf")
    assert [str(one.order_number) in told for one in (parcel, other)] == [True] * 2


async def test_a_machine_that_makes_no_pdf_says_so(owner: Staff, parcel: Fulfilment, monkeypatch: pytest.MonkeyPatch) -> None:
    async def missing(*_: object) -> bytes:
        raise DocumentsUnavailable("no Pango here")

    monkeypatch.setattr(store_papers.documents, "render", missing)
    answer = await owner.get(f"/store/papers/{key(parcel)}/pick-list.pdf")
    assert answer.status_code == 503
    assert "This server cannot make PDFs" in answer.text


def test_papers_for_buyers_are_in_the_first_language_of_their_land() -> None:
    found = {country: store_sheets.locale_of(country) for country in ("FR", "MC", "BE", "US", "DE", "", "ZZ")}
    assert found == {
        "FR": "fr_FR", "MC": "fr_MC", "BE": "en_GB", "US": "en_US", "DE": "en_GB", "": "en_GB", "ZZ": "en_GB",
    }  # fmt: skip
