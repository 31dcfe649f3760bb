"""Accounts with carriers on screen: typed in, tested, never shown again; and files of carriers that nobody can call."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio
from playwright.async_api import Browser

from comptoir.kernel.ids import to_text
from comptoir.kernel.time import utcnow
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import ACCOUNT_PREFIX, Account, AccountDraft, AccountId
from comptoir.sdk.tracking import TrackingStatus
from comptoir.surfaces.console.pages import carrier_accounts, carriers
from comptoir.surfaces.services import Services
from support.back_office import HOSTILE, as_role, audited, looked_at, said, signed_in, statuses
from support.browser import browser
from support.carrier_rigs import API_KEY, SIGNING
from support.carriers import simulated
from support.console import Shop, Staff, counted_statements, fields_of
from support.easypost_simulator import EasyPostSimulator
from support.parcel_desk import NUMBER, bought, connected, details, left, with_carriers

__all__ = ["browser"]

FORM = {"name": "EasyPost", "cred:api_key": API_KEY, "cred:webhook_secret": SIGNING, "carriers": "UPS, USPS", "active": "yes"}
NEW = "/carriers/accounts/new?connector=easypost"
ENOUGH = 12


@pytest_asyncio.fixture(loop_scope="session")
async def far() -> AsyncIterator[EasyPostSimulator]:
    async with simulated(EasyPostSimulator(API_KEY, SIGNING)) as simulator:
        yield simulator


@pytest_asyncio.fixture(loop_scope="session")
async def parts(parts: Services, far: EasyPostSimulator) -> AsyncIterator[Services]:
    async with with_carriers(parts, far) as connected_parts:
        yield connected_parts


async def only(parts: Services) -> Account:
    async with parts.database.read() as reader:
        (found,) = await tracking.accounts.everything(reader)
    return found


async def kept(parts: Services, account_id: AccountId) -> dict[str, str]:
    async with parts.database.read() as reader:
        return await tracking.accounts.credentials(reader, parts.keyring, account_id)


def page_of(account_id: AccountId) -> str:
    return f"/carriers/accounts/{to_text(ACCOUNT_PREFIX, account_id)}"


async def test_an_account_is_typed_in_and_its_secrets_are_never_shown(owner: Staff, parts: Services) -> None:
    assert "No account yet" in (await owner.get("/carriers/accounts")).text
    kinds = (await owner.get("/carriers/accounts/new")).text
    for key in ("easypost", "carrierfile"):
        assert f'href="/carriers/accounts/new?connector={key}"' in kinds
    answer = await owner.submit(NEW, NEW, FORM)
    assert answer.status_code == 303, answer.text
    account = await only(parts)
    assert (account.name, account.carriers, account.active, account.test) == ("EasyPost", ("UPS", "USPS"), True, False)
    assert (await kept(parts, account.id))["api_key"] == API_KEY
    here = page_of(account.id)
    for address in ("/carriers/accounts", here, f"{here}/edit"):
        page = (await owner.get(address)).text
        assert API_KEY not in page
        assert SIGNING not in page
    assert f"{parts.settings.public_url}/hooks/carriers/{to_text(ACCOUNT_PREFIX, account.id)}" in (await owner.get(here)).text
    (entry,) = [one for one in await audited(parts) if one.action == "carrier_account.created"]
    assert API_KEY not in repr(entry)


async def test_a_form_that_is_refused_keeps_what_was_typed_but_no_secret(owner: Staff, parts: Services) -> None:
    refused = await owner.submit(NEW, NEW, FORM | {"name": "", "carriers": HOSTILE})
    assert refused.status_code == 422
    assert API_KEY not in refused.text
    assert "<script>alert(1)" not in refused.text
    assert "&lt;script&gt;" in refused.text
    missing = await owner.submit(NEW, NEW, FORM | {"cred:api_key": ""})
    assert missing.status_code == 422
    assert 'id="cred:api_key-error"' in missing.text
    async with parts.database.read() as reader:
        assert await tracking.accounts.everything(reader) == []
    assert (await owner.get("/carriers/accounts/new?connector=nobody")).status_code == 404


async def test_what_is_not_typed_again_stays_and_what_is_to_be_forgotten_goes(owner: Staff, parts: Services) -> None:
    account_id = await connected(parts)
    edit = f"{page_of(account_id)}/edit"
    await owner.submit(edit, edit, {"name": "Ours", "active": "yes", "cred:api_key": "", "cred:customs_signer": "D. Owner"})
    assert await kept(parts, account_id) == {"api_key": API_KEY, "webhook_secret": SIGNING, "customs_signer": "D. Owner"}
    assert 'value="D. Owner"' in (await owner.get(edit)).text
    await owner.submit(edit, edit, {"name": "Ours", "active": "yes", "cred:api_key": "new", "forget:webhook_secret": "yes"})
    assert await kept(parts, account_id) == {"api_key": "new"}
    assert "Messages are refused" in said((await owner.get(page_of(account_id))).text)


async def test_whoever_was_slower_is_told(owner: Staff, parts: Services) -> None:
    account_id = await connected(parts)
    edit = f"{page_of(account_id)}/edit"
    hidden = fields_of((await owner.get(edit)).text, edit)
    await owner.submit(edit, edit, {"name": "First", "active": "yes"})
    slower = await owner.send(edit, hidden | {"name": "Second", "active": "yes"})
    assert slower.status_code == 422
    assert "Second" in slower.text
    assert (await only(parts)).name == "First"


async def test_the_connection_is_tested_and_its_health_is_told(owner: Staff, parts: Services, far: EasyPostSimulator) -> None:
    account_id = await connected(parts)
    here = page_of(account_id)
    assert "Not tested" in said((await owner.get(here)).text)
    await owner.submit(here, f"{here}/test", {})
    page = said((await owner.get(here)).text)
    assert "It works: the carrier knows our key" in page
    assert "In order" in said((await owner.get("/carriers/accounts")).text)
    assert far.bought() == 0
    far.revoke()
    await owner.submit(here, f"{here}/test", {})
    page = said((await owner.get(here)).text)
    assert "does not accept our key" in page
    assert "Does not work" in page
    assert API_KEY not in page
    far.recover()
    await owner.submit(here, f"{here}/test", {})
    assert "Does not work" not in said((await owner.get(here)).text)
    assert (await audited(parts))[0].action == "carrier_account.tested"


async def test_a_new_secret_of_its_messages_is_shown_once(owner: Staff, parts: Services) -> None:
    account_id = await connected(parts)
    here = page_of(account_id)
    answer = await owner.submit(f"{here}/secret", f"{here}/secret", {})
    shown = (await owner.get(answer.headers["location"])).text
    fresh = (await kept(parts, account_id))["webhook_secret"]
    assert fresh != SIGNING
    assert f'value="{fresh}"' in shown
    assert fresh not in (await owner.get(here)).text
    assert (await audited(parts))[0].action == "carrier_account.secret_renewed"


async def test_an_account_is_switched_off_and_on(owner: Staff, parts: Services) -> None:
    account_id = await connected(parts)
    here = page_of(account_id)
    await owner.submit(here, f"{here}/switch", {"to": "off"})
    assert not (await only(parts)).active
    assert "Switched off" in said((await owner.get(here)).text)
    await owner.submit(here, f"{here}/switch", {"to": "on"})
    assert (await only(parts)).active
    assert (await kept(parts, account_id))["api_key"] == API_KEY


async def test_messages_that_could_not_be_read_are_told_and_read_again(owner: Staff, parts: Services) -> None:
    account_id = await connected(parts)
    async with parts.database.transaction() as tx:
        await tracking.inbox.receive(tx, [tracking.inbox.delivery(account_id, b"nonsense")])
    await parts.parcels.work_off()
    here = page_of(account_id)
    assert "1 message could not be read" in said((await owner.get(here)).text)
    await owner.submit(here, f"{here}/read-again", {})
    async with parts.database.read() as reader:
        post = (await tracking.inbox.post(reader, [account_id]))[account_id]
    assert (post.waiting, post.failed) == (1, 0)
    assert post.received_at is not None


async def test_the_services_that_were_bought_stand_with_their_cost(owner: Staff, parts: Services, shop: Shop) -> None:
    account_id = await connected(parts)
    label = await bought(parts, shop, account_id)
    assert label.cost is not None
    page = said((await owner.get(page_of(account_id))).text)
    assert label.service in page
    assert f"${label.cost / 100:.2f}" in page
    with counted_statements() as sent:
        await owner.get(page_of(account_id))
    assert len(sent) <= ENOUGH, sent


async def test_a_carrier_that_sends_files_moves_parcels_by_them(owner: Staff, parts: Services, shop: Shop) -> None:
    new = "/carriers/accounts/new?connector=carrierfile"
    wrong = await owner.submit(new, new, {"name": "Lumen", "cred:codes": "LIV=nowhere", "active": "yes"})
    assert wrong.status_code == 422
    assert "LIV=nowhere" in wrong.text
    await owner.submit(new, new, {"name": "Lumen", "cred:codes": "LIV=delivered", "carriers": "UPS", "active": "yes"})
    account = await only(parts)
    await left(parts, shop)
    here = page_of(account.id)
    assert "Test the connection" not in (await owner.get(here)).text
    at = (utcnow() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = f"tracking_number,status,time,place\n{NUMBER},LIV,{at},Dallas\n,LIV,{at},Nowhere\n"
    hidden = fields_of((await owner.get(f"{here}/file")).text, f"{here}/file")
    for _ in range(2):
        answer = await owner.client.post(
            f"{here}/file", data=hidden, files={"file": ("scans.csv", rows.encode())}, headers={"origin": "http://testserver"}
        )
        assert answer.status_code == 200, answer.text
        assert "2 rows were read" in said(answer.text)
        assert "Rows that could not be taken" in answer.text
    assert (await details(parts, shop)).parcel.status is TrackingStatus.DELIVERED
    assert len((await details(parts, shop)).scans) == 1
    none = await owner.client.post(f"{here}/file", data=hidden, headers={"origin": "http://testserver"})
    assert "Choose a file" in none.text
    async with parts.database.transaction() as tx:
        draft = AccountDraft(connector="easypost", name="Other")
        other = await parts.carriage.connect(tx, draft, {"api_key": API_KEY})
    assert (await owner.get(f"{page_of(other.id)}/file")).status_code == 404


async def test_roles_see_accounts_and_only_some_change_them(owner: Staff, parts: Services) -> None:
    account_id = await connected(parts)
    here = page_of(account_id)
    support = await as_role(owner, "support")
    new = "/carriers/accounts/new"
    assert await statuses(support, ["/carriers/accounts", here, f"{here}/edit", f"{here}/secret", new]) == {
        "/carriers/accounts": 200, here: 200, f"{here}/edit": 403, f"{here}/secret": 403, new: 403,
    }  # fmt: skip
    page = (await support.get(here)).text
    assert "Test the connection" not in page
    assert re.search(r"hooks/carriers/cac_", page)


async def test_carriers_accounts_labels_and_figures_lead_to_each_other(owner: Staff) -> None:
    page = (await owner.get("/carriers")).text
    for address in ("/carriers/accounts", "/carriers/labels", "/carriers/performance", "/parcels"):
        assert f'href="{address}"' in page, address
    assert carriers.area.place == carrier_accounts.area.place


async def test_the_pages_of_accounts_are_accessible_and_fit_a_phone(browser: Browser, parts: Services, shop: Shop) -> None:
    account_id = await connected(parts)
    await bought(parts, shop, account_id)
    here = page_of(account_id)
    async with signed_in(browser, parts) as page:
        await looked_at(page, "en", ["/carriers/accounts", here, f"{here}/edit", "/carriers/accounts/new", "/carriers"])
        await looked_at(page, "fr", [here])
