"""Carriers by the house's own tables and carriers that send files, among the offers while packing."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Browser

from comptoir.kernel.ids import to_text
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Origins, Zone
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import FULFILMENT_PREFIX, PARCEL_PREFIX, Fulfilment, Parcel
from comptoir.modules.orders import api as orders
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import HOUSE, AccountDraft, LabelState, PurchasedLabel, TrackedFilter
from comptoir.surfaces.console.pages.store_desk import COOKIE
from comptoir.surfaces.own_carriers import number_of
from comptoir.surfaces.services import Services
from support.back_office import audited, looked_at, said, signed_in
from support.browser import browser
from support.console import Shop, Staff, counted_statements, fields_of, place, worker
from support.consumers import drained

__all__ = ["browser"]

VAN = CarrierServiceDraft(code="van", name="Our van", zones=(Zone(4_000, 450, 100, 1),))
POST = CarrierServiceDraft(code="post", name="Post", zones=(Zone(5_000, 900, 0, 3),))


async def served(parts: Services, *services: CarrierServiceDraft) -> None:
    async with parts.database.transaction() as tx:
        for one in services:
            await carriers.create(tx, one)


async def packed(owner: Staff, parts: Services) -> tuple[Fulfilment, Parcel]:
    made = await place(parts, "web", [("840361", 1)])
    await drained(parts.database, worker(parts))
    async with parts.database.transaction() as tx:
        (one,) = await fulfilment.of_orders(tx, [made.id])
        await fulfilment.pick(tx, one.id)
        await fulfilment.pack(tx, one.id)
        (box,) = await fulfilment.parcels(tx, [one.id])
        one = await fulfilment.get(tx, one.id)
    owner.client.cookies.set(COOKIE, to_text("loc", one.location_id))
    return one, box


def page_of(one: Fulfilment) -> str:
    return f"/store/pack/{to_text(FULFILMENT_PREFIX, one.id)}"


async def offers(owner: Staff, one: Fulfilment, box: Parcel) -> str:
    address = f"{page_of(one)}/label?parcel={to_text(PARCEL_PREFIX, box.id)}&weight=900"
    return (await owner.get(address)).text


async def take(owner: Staff, one: Fulfilment, box: Parcel, service: str, **more: str) -> Any:
    html, action = await offers(owner, one, box), f"{page_of(one)}/label"
    offer = re.search(rf'name="offer" value="([^"]*\|{service})"', html)
    assert offer is not None, said(html)
    form = {"offer": offer[1], "parcel": to_text(PARCEL_PREFIX, box.id), "weight": "900"}
    return await owner.send(action, fields_of(html, action) | form | more)


async def labels(parts: Services, box: Parcel) -> list[PurchasedLabel]:
    async with parts.database.read() as reader:
        return await tracking.labels.of_subjects(reader, [box.id])


async def test_carriers_by_tables_are_offered_with_price_and_day(owner: Staff, parts: Services) -> None:
    await served(parts, VAN, POST, replace(VAN, code="off", name="Switched off", active=False))
    one, box = await packed(owner, parts)
    with counted_statements() as sent:
        html = await offers(owner, one, box)
    assert len(sent) <= 45, len(sent)
    words = said(html)
    assert re.search(r"Our van.*\$5\.50", words), words
    assert re.search(r"Post.*\$9\.00", words), words
    assert "there on" in words
    assert "Switched off" not in words
    assert "No account with a carrier yet" not in words


async def test_the_label_of_a_carrier_by_tables_is_ours_and_goes_out_with_its_box(owner: Staff, parts: Services) -> None:
    await served(parts, VAN)
    one, box = await packed(owner, parts)
    answer = await take(owner, one, box, "van", format="zpl")
    assert answer.status_code == 303, said(answer.text)
    (label,) = await labels(parts, box)
    assert (label.state, label.account_id, label.carrier, label.cost) == (LabelState.BOUGHT, HOUSE, "van", 550)
    assert label.tracking_number == number_of(label.reference)
    paper = await owner.get(f"/store/labels/{to_text('lbl', label.id)}/paper")
    assert paper.content.startswith(b"%PDF"), paper.text[:200]
    assert (await parts.parcels.void(label.id)).state is LabelState.VOIDED
    assert (await take(owner, one, box, "van")).status_code == 303
    page = page_of(one)
    gone = await owner.submit(page, f"{page}/hand-over", {})
    assert gone.status_code == 303, said(gone.text)
    async with parts.database.transaction() as tx:
        await tracking.begin(tx, [shipment.id for shipment in (await orders.get(tx, one.order_id)).shipments])
    async with parts.database.read() as reader:
        parcels = (await tracking.find(reader, TrackedFilter(carrier="van"))).items
    assert [(one.carrier, one.service, one.account_id) for one in parcels] == [("van", "van", None)], "nobody tells us of it"


async def test_what_does_not_collect_at_the_place_is_not_offered(owner: Staff, parts: Services, shop: Shop) -> None:
    await served(
        parts,
        replace(VAN, origins=Origins(kinds=("store",))),
        replace(POST, origins=Origins(kinds=("warehouse", "store"), countries=("US",))),
    )
    one, box = await packed(owner, parts)
    async with parts.database.read() as reader:
        there = await fulfilment.get(reader, one.id)
    assert there.location_id == shop.locations["WH-CIN"]
    words = said(await offers(owner, one, box))
    assert "Our van" not in words
    assert "Post" in words


async def test_a_carrier_that_sends_files_has_its_own_services(owner: Staff, parts: Services) -> None:
    await served(parts, VAN, POST)
    async with parts.database.transaction() as tx:
        account = await parts.carriage.connect(
            tx, AccountDraft(connector="carrierfile", name="Post by files", carriers=("post",)), {}
        )
    one, box = await packed(owner, parts)
    assert (await take(owner, one, box, "post")).status_code == 303
    (label,) = await labels(parts, box)
    assert (label.state, label.account_id, label.service) == (LabelState.BOUGHT, account.id, "post")
    here = f"/carriers/accounts/{to_text('cac', account.id)}"
    assert "Tell it of the parcels" in (await owner.get(f"{here}/file")).text
    file = (await owner.get(f"{here}/parcels.csv")).content.decode("utf-8-sig").splitlines()
    assert file[0].startswith('"reference","service","to_name"')
    assert file[1].startswith(f'"{label.tracking_number}","post",')
    assert len(file) == 2
    assert (await audited(parts))[0].action == "carrier_account.parcels_given"
    empty = await owner.get(f"{here}/parcels.csv?on=2020-01-01")
    assert len(empty.content.decode("utf-8-sig").splitlines()) == 1


async def test_who_is_switched_off_offers_nothing(owner: Staff, parts: Services) -> None:
    await served(parts, VAN)
    async with parts.database.transaction() as tx:
        await parts.carriage.ensure(tx, HOUSE)
        account = await tracking.accounts.get(tx, HOUSE)
        await tracking.accounts.update(tx, parts.keyring, HOUSE, replace(account, active=False))
    one, box = await packed(owner, parts)
    assert "Our van" not in said(await offers(owner, one, box))


async def test_a_service_that_an_account_names_is_not_the_houses(owner: Staff, parts: Services) -> None:
    await served(parts, VAN, replace(POST, code="ups-ground", name="UPS Ground"))
    async with parts.database.transaction() as tx:
        draft = AccountDraft(connector="carrierfile", name="UPS", carriers=("UPS",))
        await parts.carriage.connect(tx, draft, {})
    one, box = await packed(owner, parts)
    words = said(await offers(owner, one, box))
    assert ("Our van" in words, "UPS Ground" in words) == (True, False)


async def test_the_house_account_is_listed_with_the_first_service(owner: Staff) -> None:
    form = {"name": "Van", "code": "van", "service": "standard", "active": "yes", "km:0": "500", "base:0": "4", "days:0": "1"}
    form |= {"max_weight": "30", "carbon": "0.1", "days": "0"}
    assert (await owner.submit("/carriers/new", "/carriers/new", form)).status_code == 303
    words = said((await owner.get("/carriers/accounts")).text)
    assert "Your own tables" in words
    assert "nobody is called" in words
    assert "Your own tables" not in said((await owner.get("/carriers/accounts/new")).text)
    here = f"/carriers/accounts/{to_text('cac', HOUSE)}"
    assert (await owner.get(here)).status_code == 200
    renamed = await owner.submit(f"{here}/edit", f"{here}/edit", {"name": "Our carriers", "carriers": "", "active": "yes"})
    assert renamed.status_code == 303, said(renamed.text)
    assert (await owner.submit(here, f"{here}/switch", {"to": "off"})).status_code == 303
    words = said((await owner.get("/carriers/accounts")).text)
    assert ("Our carriers" in words, "Switched off" in words) == (True, True)
    new = "/carriers/accounts/new?connector=tablerate"
    assert (await owner.send(new, {"name": "Another", "active": "yes"})).status_code in {403, 404, 422}


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_offers_are_accessible_and_fit_a_phone(
    browser: Browser, owner: Staff, parts: Services, language: str
) -> None:
    await served(parts, VAN, POST)
    one, box = await packed(owner, parts)
    async with signed_in(browser, parts) as page:
        await looked_at(page, language, [f"{page_of(one)}/label?parcel={to_text(PARCEL_PREFIX, box.id)}&weight=900"])
