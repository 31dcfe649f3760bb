"""Who goes there, on the console: one parcel asked for, many postcodes looked up, in both languages and on a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from markupsafe import escape
from playwright.async_api import Browser

from comptoir.kernel.ids import to_text
from comptoir.modules.carriers import api as carriers
from comptoir.modules.carriers.contracts import CarrierServiceDraft, Zone
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, Postcode
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import AccountDraft
from comptoir.surfaces import own_carriers, serviceability
from comptoir.surfaces.carriage import KINDS, Carriage
from comptoir.surfaces.services import Services
from support.back_office import HOSTILE, looked_at, said, signed_in
from support.browser import browser
from support.carrier_rigs import API_KEY, SIGNING
from support.carriers import simulated
from support.console import Shop, Staff, application, counted_statements, fields_of, visiting
from support.easypost_simulator import EasyPostSimulator
from support.parcel_desk import with_carriers

__all__ = ["browser"]

PAGE = "/carriers/serviceability"
VAN = CarrierServiceDraft(code="van", name="Our van", zones=(Zone(300, 450, 100, 1),), countries=("US",))
POST = CarrierServiceDraft(code="post", name="Post", zones=(Zone(5_000, 900, 0, 3),))
MANY = {"many_country": "US", "many_weight": "900"}
ASKED = f"{PAGE}?country=US&postcode=45202&weight=900"


async def served(parts: Services, *services: CarrierServiceDraft) -> None:
    async with parts.database.transaction() as tx:
        for one in services:
            await carriers.create(tx, one)
        known = [Postcode("US", "45202", 39.1, -84.5, "Cincinnati"), Postcode("US", "98101", 47.61, -122.33, "Seattle")]
        await locations.put_postcodes(tx, known)


@pytest_asyncio.fixture(loop_scope="session")
async def far() -> AsyncIterator[EasyPostSimulator]:
    async with simulated(EasyPostSimulator(API_KEY, SIGNING)) as simulator:
        yield simulator


@pytest_asyncio.fixture(loop_scope="session")
async def mixed(parts: Services, far: EasyPostSimulator) -> AsyncIterator[Services]:
    """With an account that is asked, beside our own tables."""
    async with with_carriers(parts, far) as rigged:
        tables = own_carriers.TABLES.key
        kinds = {**rigged.carriage.kinds, tables: KINDS[tables]}
        carriage = Carriage(parts.database, parts.keyring, rigged.carriage._http, kinds)
        async with parts.database.transaction() as tx:
            await carriage.connect(tx, AccountDraft(connector="easypost", name="Parcels by post"), {"api_key": API_KEY})
        yield replace(rigged, carriage=carriage)


async def test_without_a_carrier_it_is_said_what_to_do(owner: Staff) -> None:
    form = (await owner.get(PAGE)).text
    assert 'name="postcode"' in form
    assert "There is no carrier to ask" not in form
    told = said((await owner.get(ASKED)).text)
    assert "There is no carrier to ask" in told
    assert "Connect an account with a carrier" in told


async def test_who_goes_there_is_told_with_price_and_day_and_who_does_not_with_why(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    await served(parts, VAN, POST, replace(POST, code="light", name="Letters", max_weight=100))
    place = to_text(LOCATION_PREFIX, shop.locations["WH-CIN"])
    with counted_statements() as sent:
        answer = await owner.get(f"{ASKED}&location={place}&city=Cincinnati")
    assert len(sent) <= 30, len(sent)
    html, words = answer.text, said(answer.text)
    assert answer.status_code == 200
    assert "Our van Your own tables Goes there would be taken $5.50" in words, words
    assert "the parcel is too heavy for it" in words
    for kept in ('value="45202"', 'value="900"', 'value="Cincinnati"', f'value="{place}" selected'):
        assert kept in html, kept
    far_away = said((await owner.get(f"{PAGE}?country=US&postcode=98101&weight=900&location={place}")).text)
    assert "it is too far for it" in far_away
    unknown = said((await owner.get(f"{PAGE}?country=US&postcode=00000&weight=900&location={place}")).text)
    assert "Nobody has said where this postcode is" in unknown


async def test_the_rule_that_steers_a_carrier_away_stands_beside_it(owner: Staff, parts: Services) -> None:
    await served(parts, VAN, POST)
    rule = tracking.CarrierRule(
        name="Far", postcodes=("452",), effects=(tracking.Effect(do=tracking.Do.EXCLUDE, carrier="van"),)
    )
    async with parts.database.transaction() as tx:
        await tracking.ruling.put(tx, tracking.Ruling(rules=(rule,)))
    words = said((await owner.get(ASKED)).text)
    assert "Goes there, is not used" in words
    assert "Rule 1 (Far): the rule excludes it" in words
    answer = await owner.send(PAGE, fields_of((await owner.get(PAGE)).text, f"{PAGE}#many") | MANY | {"postcodes": "45202"})
    assert "the rule excludes it" in said(answer.text)


async def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(owner: Staff) -> None:
    answer = await owner.get(f"{PAGE}?country=US&postcode=&weight=heavy&city=Lyon&length=30")
    assert answer.status_code == 422
    for words in ("Fill this in.", "Type a whole number.", "Type all three measures, or none."):
        assert words in answer.text, words
    for kept in ('value="heavy"', 'value="Lyon"', 'value="30"'):
        assert kept in answer.text, kept
    assert (await owner.get(f"{ASKED}&location=loc_nowhere")).status_code == 404


async def test_an_account_that_is_slow_did_not_answer_and_the_others_are_told(
    mixed: Services, far: EasyPostSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    await served(mixed, VAN)
    monkeypatch.setattr(serviceability.ask, "__kwdefaults__", {"places": (), "within": (), "patience": 0.3})
    async with visiting(application(mixed)) as visitor:
        await visitor.sign_in("owner@example.com")
        quick = said((await visitor.get(ASKED)).text)
        assert "USPS GroundAdvantage" in quick, quick
        far.stall()
        slow = said((await visitor.get(ASKED)).text)
        assert "Parcels by post Cincinnati warehouse Did not answer" in slow, slow
        assert "Our van" in slow
        far.recover()


async def test_many_postcodes_are_looked_up_in_the_tables_and_no_account_is_asked(
    mixed: Services, far: EasyPostSimulator
) -> None:
    await served(mixed, VAN, POST)
    async with visiting(application(mixed)) as visitor:
        await visitor.sign_in("owner@example.com")
        form = fields_of((await visitor.get(PAGE)).text, f"{PAGE}#many") | MANY
        text = "Postcode;Country;Grams\n45202\n98101;US;2500\n69002;France\n45202;;40000"
        with counted_statements() as sent:
            answer = await visitor.send(PAGE, form | {"postcodes": text})
        assert len(sent) <= 25, len(sent)
        words = said(answer.text)
        assert answer.status_code == 200, words
        assert "4 postcodes" in words
        assert "Nobody goes to 1 of them" in words
        assert "45202 United States · 900 g Our van $5.50 · 1 day · from Cincinnati warehouse" in words, words
        assert "98101 United States · 2,500 g Post $9.00" in words
        assert "69002 France · 900 g nobody knows where it is Post $9.00" in words
        assert "it does not deliver to this country" in words
        assert "Postcode;Country;Grams" in answer.text, "what was pasted is still there"
        assert far.calls == []


async def test_lines_that_cannot_be_read_are_named_and_all_of_them_come_back(owner: Staff, parts: Services) -> None:
    await served(parts, POST)
    form = fields_of((await owner.get(PAGE)).text, f"{PAGE}#many") | MANY
    for text, words in (
        ("", "Paste postcodes, one a line, or choose a file."),
        ("45202\n45203;Narnia", "Line 2: nobody knows the country Narnia."),
        ("45202;US;heavy", "Line 1: the weight is a whole number of grams."),
        ("\n".join(str(10000 + n) for n in range(201)), "At most 200 postcodes at once; these are 201."),
        (f"1{HOSTILE}", "this is no postcode"),
    ):
        answer = await owner.send(PAGE, form | {"postcodes": text})
        assert answer.status_code == 422, text
        assert words in answer.text, words
        assert "<script>alert" not in answer.text
        assert str(escape(text)) in answer.text


async def test_a_file_is_read_as_what_is_pasted(owner: Staff, parts: Services) -> None:
    await served(parts, POST)
    form = fields_of((await owner.get(PAGE)).text, f"{PAGE}#many") | MANY
    files = {"file": ("postcodes.csv", b"\xef\xbb\xbf45202,US,900\r\n98101,US,100\r\n", "text/csv")}
    answer = await owner.client.post(PAGE, data=form, files=files, headers={"origin": "http://testserver"})
    words = said(answer.text)
    assert (answer.status_code, "2 postcodes" in words, "Somebody goes to each of them." in words) == (200, True, True), words
    assert "98101,US,100" in answer.text


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_page_is_accessible_and_fits_a_phone(browser: Browser, mixed: Services, language: str) -> None:
    await served(mixed, VAN, POST, replace(POST, code="light", name="Letters", max_weight=100))
    async with signed_in(browser, mixed) as page:
        await looked_at(page, language, [PAGE, ASKED, f"{PAGE}?country=US&postcode=&weight="])
        await page.goto(PAGE)
        await page.fill("#postcodes", "45202\n98101\n69002;FR")
        await page.click("form[method=post][enctype] button[type=submit]")
        await page.wait_for_selector("#many table")
