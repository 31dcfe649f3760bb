"""Parcels on screen: where they are, what went wrong, and what can be done about it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    TROUBLE_PREFIX,
    AnswerKind,
    CaseState,
    TroubleKind,
)
from comptoir.runtime.http import HttpClient
from comptoir.sdk.carriers import CarrierCannot, OutcomeUnknown
from comptoir.sdk.tracking import TrackingStatus
from comptoir.surfaces.carriage import ConnectorKind
from comptoir.surfaces.services import Services
from support.back_office import FRAGMENT, HOSTILE, as_role, audited, looked_at, rows, said, signed_in, statuses
from support.browser import browser
from support.carrier_rigs import API_KEY, SIGNING
from support.carriers import simulated
from support.console import Shop, Staff, counted_statements
from support.doorstep import INFO as DOORSTEP
from support.doorstep import Doorstep, DoorstepSimulator
from support.easypost_simulator import EasyPostSimulator
from support.parcel_desk import NUMBER, bought, connected, details, left, say, scan, with_carriers

__all__ = ["browser"]

S = TrackingStatus
ENOUGH = 14
"""Statements that a page may take, with session and menu."""


@pytest_asyncio.fixture(loop_scope="session")
async def far() -> AsyncIterator[EasyPostSimulator]:
    async with simulated(EasyPostSimulator(API_KEY, SIGNING)) as simulator:
        yield simulator


@pytest_asyncio.fixture(loop_scope="session")
async def parts(parts: Services, far: EasyPostSimulator) -> AsyncIterator[Services]:
    async with with_carriers(parts, far) as connected_parts:
        yield connected_parts


# The list


async def test_a_shop_without_parcels_is_told_what_to_do_first(owner: Staff) -> None:
    page = (await owner.get("/parcels")).text
    assert "No parcel has left yet" in page
    assert 'href="/carriers/accounts"' in page
    assert "Nothing went wrong" in (await owner.get("/parcels/troubles")).text


async def test_the_list_shows_where_parcels_are_and_narrows_to_what_is_asked(owner: Staff, parts: Services, shop: Shop) -> None:
    account = await connected(parts)
    await left(parts, shop, promised_on=(utcnow() - timedelta(days=3)).date())
    await say(parts, account, scan(S.IN_TRANSIT, hours=5, place="Columbus, OH"))
    page = (await owner.get("/parcels")).text
    text = said(page)
    assert NUMBER in text
    assert "On its way" in text
    assert re.search(r"\d days late", text)
    number = shop.numbers["shipped"]
    for found in (f"q={number}", f"q={NUMBER[:6]}", "state=moving", "state=in_transit", "carrier=UPS", "country=US",
                  "look=late", "look=troubled", "channel=web"):  # fmt: skip
        assert await rows(owner, f"/parcels?{found}") == [NUMBER], found
    for missed in ("q=999999", "q=ZZ", "state=arrived", "state=never", "carrier=DHL", "country=FR", "look=in_time",
                   "channel=app", "on_to=2020-01-01"):  # fmt: skip
        assert await rows(owner, f"/parcels?{missed}") == [], missed


async def test_the_list_sorts_pages_and_leaves_as_a_file(owner: Staff, parts: Services, shop: Shop) -> None:
    await connected(parts)
    await left(parts, shop)
    for sort in ("shipped", "-shipped", "number", "-number", "nonsense"):
        assert await rows(owner, f"/parcels?sort={sort}") == [NUMBER]
    file = (await owner.get("/parcels?format=csv")).text
    assert file.startswith("\ufeffOrder,Channel,Location,Carrier")
    assert NUMBER in file
    with counted_statements() as sent:
        await owner.get("/parcels")
    assert len(sent) <= ENOUGH, sent


# One parcel


async def test_a_parcel_shows_the_carriers_words_beside_ours_and_how_the_day_was_corrected(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    account = await connected(parts)
    parcel = await left(parts, shop, promised_on=(utcnow() + timedelta(days=1)).date())
    await say(
        parts,
        account,
        scan(S.PICKED_UP, hours=30, text="Picked up by driver", raw_code="OR"),
        scan(S.EXCEPTION, hours=3, text="Severe weather", raw_code="X1", place="Columbus"),
    )
    page = (await owner.get(f"/parcels/{parcel}")).text
    text = said(page)
    for words in ("Held up: the carrier is looking into it", "Severe weather", "X1", "Columbus", "Picked up by driver",
                  "How the day was corrected", "Promised for", "Nothing: this channel writes to nobody"):  # fmt: skip
        assert words in text, words
    assert f'value="{parts.settings.public_url}/track/' in page
    assert f"/orders/{to_text('ord', shop.orders['shipped'])}/change/claim" in page
    with counted_statements() as sent:
        await owner.get(f"/parcels/{parcel}")
    assert len(sent) <= ENOUGH + 6, sent


async def test_the_order_leads_to_its_parcel(owner: Staff, parts: Services, shop: Shop) -> None:
    parcel = await left(parts, shop)
    page = (await owner.get(f"/orders/{to_text('ord', shop.orders['shipped'])}")).text
    assert f'href="/parcels/{parcel}"' in page


async def test_the_carrier_is_asked_at_once_and_its_news_stand_on_the_page(
    owner: Staff, parts: Services, shop: Shop, far: EasyPostSimulator
) -> None:
    await connected(parts)
    parcel = await left(parts, shop)
    far._tracker(NUMBER, "UPS")
    far.scan(NUMBER, "in_transit", utcnow() - timedelta(hours=1))
    answer = await owner.submit(f"/parcels/{parcel}", f"/parcels/{parcel}/poll", {})
    assert answer.headers["location"] == f"/parcels/{parcel}"
    assert "The carrier has something new to say" in (await owner.get(f"/parcels/{parcel}")).text
    assert (await details(parts, shop)).parcel.status is S.IN_TRANSIT
    assert (await audited(parts))[0].action == "parcel.asked"


async def test_a_carrier_that_does_not_answer_is_told_in_words_and_remembered(
    owner: Staff, parts: Services, shop: Shop, far: EasyPostSimulator
) -> None:
    account = await connected(parts)
    parcel = await left(parts, shop)
    far.revoke()
    await owner.submit(f"/parcels/{parcel}", f"/parcels/{parcel}/poll", {})
    assert "does not accept our key" in said((await owner.get(f"/parcels/{parcel}")).text)
    async with parts.database.read() as reader:
        found = await tracking.accounts.get(reader, account)
    assert "not accepted" in found.problem
    assert found.problem_at is not None


async def test_nobody_is_asked_about_a_parcel_that_no_account_tells_of(owner: Staff, parts: Services, shop: Shop) -> None:
    parcel = await left(parts, shop)
    page = (await owner.get(f"/parcels/{parcel}")).text
    assert f'action="/parcels/{parcel}/poll"' not in page
    assert "No account with a carrier tells of it" in said(page)
    signed = next(iter((await owner.get(f"/parcels/{parcel}/scans/new")).text.split('name="_token" value="')[1:]))
    await owner.send(f"/parcels/{parcel}/poll", {"_token": signed.partition('"')[0]})
    assert "nobody can be asked" in said((await owner.get(f"/parcels/{parcel}")).text)


async def test_a_scan_by_hand_counts_as_the_carriers_and_can_be_taken_back(owner: Staff, parts: Services, shop: Shop) -> None:
    parcel = await left(parts, shop)
    form = f"/parcels/{parcel}/scans/new"
    given = {"status": "delivered", "at": "2020-01-01T10:00", "text": HOSTILE, "place": "Dallas"}
    refused = await owner.submit(form, form, given)
    assert refused.status_code == 422
    assert "Dallas" in refused.text
    assert "<script>alert(1)" not in refused.text
    async with parts.database.read() as reader:
        zone_now = await reader.value("SELECT to_char(now() AT TIME ZONE 'America/New_York', 'YYYY-MM-DD\"T\"HH24:MI')")
    answer = await owner.submit(form, form, given | {"at": zone_now})
    assert answer.status_code == 303, answer.text
    found = await details(parts, shop)
    assert found.parcel.status is S.DELIVERED
    (own,) = found.by_hand
    page = (await owner.get(f"/parcels/{parcel}")).text
    assert "Dana Owner" in said(page)
    assert "<script>alert(1)" not in page
    back = f"/parcels/{parcel}/scans/{own.partition(':')[2]}/back"
    assert (await owner.submit(back, back, {})).status_code == 303
    assert (await details(parts, shop)).parcel.status is S.UNKNOWN
    assert [entry.action for entry in (await audited(parts))[:2]] == ["parcel.scan_taken_back", "parcel.scan_noted"]
    assert (await owner.get(back)).status_code == 404


async def test_scans_by_hand_are_counted_for_the_lane_and_taken_off_again(parts: Services, shop: Shop) -> None:
    await left(parts, shop, promised_on=(utcnow() - timedelta(days=2)).date())
    tracked_id = (await details(parts, shop)).parcel.id

    async def counts() -> tuple[int, int, int]:
        async with parts.database.read() as reader:
            found = await tracking.performance(reader, utcnow().date() - timedelta(days=40))
        return (
            sum(one.counts.delivered for one in found),
            sum(one.counts.late for one in found),
            sum(one.counts.late_days for one in found),
        )

    async with parts.database.transaction() as tx:
        await tracking.note_by_hand(tx, tracked_id, scan(S.DELIVERED))
    delivered, late, days = await counts()
    assert (delivered, late) == (1, 1)
    assert days in {1, 2, 3}
    own = next(iter((await details(parts, shop)).by_hand))
    async with parts.database.transaction() as tx:
        await tracking.take_back_scan(tx, tracked_id, own)
    assert await counts() == (0, 0, 0)


# Failed deliveries


async def test_one_answers_for_the_buyer_and_says_that_the_carrier_knows(owner: Staff, parts: Services, shop: Shop) -> None:
    account = await connected(parts)
    parcel = await left(parts, shop)
    await say(parts, account, scan(S.DELIVERY_FAILED, hours=1, text="Customer not home"))
    text = said((await owner.get(f"/parcels/{parcel}")).text)
    for words in ("Failed delivery", "The buyer is asked", "nobody was there", "it is tried once more"):
        assert words in text, words
    form = f"/parcels/{parcel}/answer"
    refused = await owner.submit(form, form, {"kind": "address", "line1": "4 Elm Street", "note": "Ring twice"})
    assert refused.status_code == 422
    assert "4 Elm Street" in refused.text
    assert "Ring twice" in refused.text
    too_far = await owner.submit(form, form, {"kind": "date", "on": (utcnow() + timedelta(days=40)).date().isoformat()})
    assert "next two weeks" in too_far.text
    on = (utcnow() + timedelta(days=3)).date()
    assert (await owner.submit(form, form, {"kind": "date", "on": on.isoformat(), "line1": "ignored"})).status_code == 303
    case = (await details(parts, shop)).case
    assert case is not None
    assert case.state is CaseState.ANSWERED
    assert case.answer is not None
    assert (case.answer.kind, case.answer.on, case.answer.line1) == (AnswerKind.DATE, on, "")
    told = f"/parcels/{parcel}/carry-out?step=try_again"
    assert (await owner.submit(told, told, {})).status_code == 303
    case = (await details(parts, shop)).case
    assert case is not None
    assert case.state is CaseState.REATTEMPT
    assert [entry.action for entry in (await audited(parts))[:2]] == ["parcel.carried_out", "parcel.answered"]


async def test_a_carrier_that_takes_no_instructions_is_called_and_the_list_says_so(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    account = await connected(parts)
    parcel = await left(parts, shop)
    await say(parts, account, scan(S.DELIVERY_FAILED, hours=1))
    form = f"/parcels/{parcel}/answer"
    await owner.submit(form, form, {"kind": "return"})
    page = f"/parcels/{parcel}"
    assert f'action="{page}/instruct"' not in (await owner.get(page)).text
    with pytest.raises(CarrierCannot):
        await parts.parcels.teller.instruct((await details(parts, shop)).parcel.id)
    assert "cannot be told from here: call the carrier" in said((await owner.get(page)).text)
    told = said((await owner.get("/parcels/troubles")).text)
    assert "EasyPost takes no instructions" in told
    assert "Tell the carrier: send it back" in told


async def test_a_carrier_that_takes_instructions_is_told_from_the_page(owner: Staff, parts: Services, shop: Shop) -> None:
    account = await connected(parts)
    parcel = await left(parts, shop)
    await say(parts, account, scan(S.DELIVERY_FAILED, hours=1))
    async with HttpClient(allow_private=True) as http, simulated(DoorstepSimulator()) as door:
        door.parcels.add(NUMBER)
        kinds = {**parts.carriage.kinds, "easypost": ConnectorKind(DOORSTEP, lambda *_: Doorstep(http, door.url))}
        parts.carriage.kinds = kinds
        form, page = f"/parcels/{parcel}/answer", f"/parcels/{parcel}"
        await owner.submit(form, form, {"kind": "return"})
        assert f'action="{page}/instruct"' in (await owner.get(page)).text
        await owner.submit(page, f"{page}/instruct", {})
        assert [one["kind"] for one in door.taken.values()] == ["return"]
    text = said((await owner.get(page)).text)
    assert "It goes back" in text
    assert "the carrier was told · DS-1" in text
    assert "Could not be handed over" not in said((await owner.get("/parcels/troubles")).text)
    assert (await audited(parts))[0].action == "parcel.instructed"


async def test_what_is_decided_cannot_be_carried_out_again(owner: Staff, parts: Services, shop: Shop) -> None:
    account = await connected(parts)
    parcel = await left(parts, shop)
    await say(parts, account, scan(S.DELIVERY_FAILED, hours=1))
    told = f"/parcels/{parcel}/carry-out?step=try_again"
    assert (await owner.get(told)).status_code == 409
    assert (await owner.get(f"/parcels/{parcel}/carry-out?step=nonsense")).status_code == 404


# Troubles


async def test_troubles_stand_by_urgency_each_with_its_next_step(owner: Staff, parts: Services, shop: Shop) -> None:
    account = await connected(parts)
    parcel = await left(parts, shop, promised_on=(utcnow() - timedelta(days=3)).date())
    await say(parts, account, scan(S.DELIVERY_FAILED, hours=1, text="Address incorrect"))
    page = (await owner.get("/parcels/troubles")).text
    text = said(page)
    assert text.index("Could not be handed over", text.index("Next step")) < text.index("Late", text.index("Next step"))
    assert "Answer for the buyer" in text
    assert f"/parcels/{parcel}/poll" in page
    assert "the address is wrong or incomplete" in text
    (kind,) = re.findall(r'href="(/parcels/troubles\?kind=late)"', page)
    only = said((await owner.get(kind, **FRAGMENT)).text)
    assert "Answer for the buyer" not in only
    with counted_statements() as sent:
        await owner.get("/parcels/troubles")
    assert len(sent) <= ENOUGH, sent
    file = (await owner.get("/parcels/troubles?format=csv")).text
    assert file.count("\r\n") == 3


async def test_a_lost_parcel_leads_to_a_claim(owner: Staff, parts: Services, shop: Shop) -> None:
    account = await connected(parts)
    await left(parts, shop)
    await say(parts, account, scan(S.LOST, hours=1))
    page = (await owner.get("/parcels/troubles?kind=lost")).text
    assert f"/orders/{to_text('ord', shop.orders['shipped'])}/change/claim" in page
    claim = await owner.get(f"/orders/{to_text('ord', shop.orders['shipped'])}/change/claim")
    assert claim.status_code == 200


async def test_what_was_looked_at_is_dismissed_once_with_its_entry(owner: Staff, parts: Services, shop: Shop) -> None:
    account = await connected(parts)
    await left(parts, shop, promised_on=(utcnow() - timedelta(days=3)).date())
    await say(parts, account, scan(S.IN_TRANSIT, hours=1))
    async with parts.database.read() as reader:
        (trouble,) = (await tracking.find_troubles(reader)).items
    assert trouble.kind is TroubleKind.LATE
    key = to_text(TROUBLE_PREFIX, trouble.id)
    await owner.submit("/parcels/troubles", "/parcels/troubles", {"id": [key, "nonsense"]})
    (entry,) = [one for one in await audited(parts) if one.action == "parcel.trouble_dismissed"]
    assert (entry.subject, entry.data["kind"]) == (key, "late")
    page = (await owner.get("/parcels/troubles?state=resolved")).text
    assert "looked at, nothing left to do" in said(page)


async def test_lateness_ends_by_itself_when_the_parcel_arrives(parts: Services, shop: Shop) -> None:
    account = await connected(parts)
    await left(parts, shop, promised_on=(utcnow() - timedelta(days=3)).date())
    await say(parts, account, scan(S.IN_TRANSIT, hours=2))
    await say(parts, account, scan(S.DELIVERED, hours=1))
    async with parts.database.read() as reader:
        assert (await tracking.find_troubles(reader)).items == []
        (over,) = (await tracking.find_troubles(reader, resolved_only=True)).items
    assert over.resolution == "delivered"


# Labels


async def test_labels_stand_with_their_cost_and_are_given_back_after_a_question(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    account = await connected(parts)
    label = await bought(parts, shop, account)
    assert label.cost is not None
    assert await rows(owner, "/carriers/labels") == [label.tracking_number]
    assert await rows(owner, f"/carriers/labels?q={shop.numbers['fresh']}") == [label.tracking_number]
    assert await rows(owner, f"/carriers/labels?q={label.tracking_number[:8]}") == [label.tracking_number]
    assert await rows(owner, "/carriers/labels?state=doubt") == []
    here = f"/carriers/labels/{to_text('lbl', label.id)}"
    assert f"{label.cost / 100:.2f}" in (await owner.get(here)).text
    back = f"{here}/give-back"
    assert "This cannot be undone" in (await owner.get(back)).text
    await owner.submit(back, back, {})
    assert said((await owner.get(here)).text).count("give it back") == 0
    assert (await audited(parts))[0].action == "label.given_back"
    assert label.tracking_number in (await owner.get("/carriers/labels?format=csv")).text
    with counted_statements() as sent:
        await owner.get("/carriers/labels")
    assert len(sent) <= ENOUGH, sent


async def test_a_label_in_doubt_says_what_to_do_and_is_looked_for(
    owner: Staff, parts: Services, shop: Shop, far: EasyPostSimulator
) -> None:
    account = await connected(parts)
    far.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await bought(parts, shop, account)
    page = (await owner.get("/carriers/labels")).text
    assert "1 label is not settled" in said(page)
    (here,) = re.findall(r'class="row-link" href="(/carriers/labels/[^"]+)"', page)
    assert "it may be there, and it may not" in said((await owner.get(here)).text)
    await owner.submit(here, f"{here}/look", {})
    assert "The label is there, and stays bought" in said((await owner.get(here)).text)
    assert far.bought() == 1


# How carriers do


async def test_how_carriers_do_is_told_by_service_and_lane_with_what_it_costs(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    assert "No parcel has arrived yet" in (await owner.get("/carriers/performance")).text
    account = await connected(parts)
    await left(parts, shop, promised_on=(utcnow() - timedelta(days=2)).date())
    await say(parts, account, scan(S.DELIVERED, hours=1))
    page = said((await owner.get("/carriers/performance")).text)
    for words in ("UPS", "On time", "Late by", "a late parcel counts as $5.00", "too few to say"):
        assert words in page, words
    lanes = said((await owner.get("/carriers/performance?by=lane&months=1&carrier=UPS&country=US", **FRAGMENT)).text)
    assert "United States OH → United States TX" in lanes
    assert (await owner.get("/carriers/performance?format=csv")).text.count("\r\n") == 2
    for sort in ("name", "-parcels", "on_time", "days", "-extra"):
        assert (await owner.get(f"/carriers/performance?sort={sort}")).status_code == 200


async def test_the_cost_of_a_label_is_counted_for_the_lane_when_its_parcel_leaves(
    owner: Staff, parts: Services, shop: Shop
) -> None:
    account = await connected(parts)
    label = await bought(parts, shop, account)
    async with parts.database.transaction() as tx:
        await tx.run(
            "UPDATE orders.shipments SET tracking_number = %(number)s WHERE order_id = %(id)s",
            {"number": label.tracking_number, "id": shop.orders["shipped"]},
        )
    parcel = await left(parts, shop)
    async with parts.database.read() as reader:
        (spent,) = await tracking.spent(reader, utcnow().date() - timedelta(days=3))
    assert (spent.parcels, spent.cost, spent.currency) == (1, label.cost, label.currency)
    assert "Label" in (await owner.get(f"/parcels/{parcel}")).text
    assert f"/carriers/labels/{to_text('lbl', label.id)}" in (await owner.get(f"/parcels/{parcel}")).text


# Who may what


async def test_roles_see_and_do_what_is_theirs(owner: Staff, parts: Services, shop: Shop) -> None:
    account = await connected(parts)
    parcel = await left(parts, shop)
    await say(parts, account, scan(S.DELIVERY_FAILED, hours=1))
    analyst = await as_role(owner, "analyst")
    assert await statuses(
        analyst,
        ["/parcels", f"/parcels/{parcel}", "/parcels/troubles", "/carriers/labels", "/carriers/performance", "/notices",
         f"/parcels/{parcel}/answer", f"/parcels/{parcel}/scans/new"],
    ) == {
        "/parcels": 200, f"/parcels/{parcel}": 200, "/parcels/troubles": 200, "/carriers/labels": 200,
        "/carriers/performance": 200, "/notices": 200, f"/parcels/{parcel}/answer": 403, f"/parcels/{parcel}/scans/new": 403,
    }  # fmt: skip
    page = (await analyst.get(f"/parcels/{parcel}")).text
    assert "Answer for the buyer" not in page
    assert "Ask the carrier now" not in page
    support = await as_role(owner, "support")
    assert "Answer for the buyer" in (await support.get(f"/parcels/{parcel}")).text


async def test_what_is_no_parcel_is_not_found(owner: Staff) -> None:
    found = await statuses(owner, ["/parcels/nonsense", "/parcels/trk_01kag8v6w3e9n8r2t5y7z4c6bd", "/carriers/labels/nonsense"])
    assert set(found.values()) == {404}


async def test_parcels_are_told_in_french(owner: Staff, parts: Services, shop: Shop) -> None:
    account = await connected(parts)
    parcel = await left(parts, shop)
    await say(parts, account, scan(S.DELIVERY_FAILED, hours=1))
    await owner.get("/preferences/language?to=fr&next=/parcels")
    text = said((await owner.get(f"/parcels/{parcel}")).text)
    for words in ("Livraison échouée", "Répondre pour l’acheteur", "Colis"):
        assert words in text, words


async def test_the_pages_of_parcels_are_accessible_and_fit_a_phone(browser: Browser, parts: Services, shop: Shop) -> None:
    account = await connected(parts)
    label = await bought(parts, shop, account)
    parcel = await left(parts, shop, promised_on=(utcnow() - timedelta(days=3)).date())
    await say(
        parts, account,
        scan(S.PICKED_UP, hours=40, text="Picked up"),
        scan(S.IN_TRANSIT, hours=20, text="Arrived at facility", place="Columbus"),
        scan(S.DELIVERY_FAILED, hours=1, text="Customer not home"),
    )  # fmt: skip
    async with signed_in(browser, parts) as page:
        addresses = [
            "/parcels", f"/parcels/{parcel}", "/parcels/troubles", "/carriers/labels",
            f"/carriers/labels/{to_text('lbl', label.id)}", "/carriers/performance", "/notices", "/carriers/accounts",
        ]  # fmt: skip
        await looked_at(page, "en", addresses)
        await looked_at(page, "fr", [f"/parcels/{parcel}", "/parcels/troubles"])
        await page.goto("/preferences/language?to=en&next=/parcels/troubles")
        await page.click("text=Answer for the buyer")
        await expect(page.locator("#act h2")).to_have_text("Answer for the buyer")
        await page.click("#act input[value=pickup]")
        await page.fill("#act #pickup_point", "Locker 12")
        await page.click("#act button[type=submit]")
        await expect(page.locator("main")).to_contain_text("Locker 12")
