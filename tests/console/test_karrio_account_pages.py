"""An account with a Karrio server on screen: its address is checked, and its secrets are never shown."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio
from playwright.async_api import Browser

from comptoir.kernel.ids import to_text
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import ACCOUNT_PREFIX, Account
from comptoir.runtime.http import HttpClient
from comptoir.surfaces.carriage import Carriage
from comptoir.surfaces.parcels import ParcelDesk
from comptoir.surfaces.services import Services
from support.back_office import looked_at, said, signed_in
from support.browser import browser
from support.carriers import simulated
from support.console import Staff
from support.karrio_rig import API_KEY, SECRET
from support.karrio_simulator import KarrioSimulator

__all__ = ["browser"]

NEW = "/carriers/accounts/new?connector=karrio"


def form(server: str, **more: str) -> dict[str, str]:
    return {
        "name": "Our Karrio", "cred:server": server, "cred:api_key": API_KEY, "cred:webhook_secret": SECRET, "active": "yes",
    } | more  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session")
async def far() -> AsyncIterator[KarrioSimulator]:
    async with simulated(KarrioSimulator(API_KEY, SECRET)) as simulator:
        yield simulator


@pytest_asyncio.fixture(loop_scope="session")
async def parts(parts: Services) -> AsyncIterator[Services]:
    """With the connectors that there are, and a private network that may be called."""
    async with HttpClient(allow_private=True) as http:
        carriage = Carriage(parts.database, parts.keyring, http, allow_private=True)
        yield replace(parts, carriage=carriage, parcels=ParcelDesk(parts.database, parts.keyring, http, carriage))


async def only(parts: Services) -> Account:
    async with parts.database.read() as reader:
        (found,) = await tracking.accounts.everything(reader)
    return found


async def connected(owner: Staff, parts: Services, far: KarrioSimulator) -> str:
    answer = await owner.submit(NEW, NEW, form(far.url))
    assert answer.status_code == 303, answer.text
    return f"/carriers/accounts/{to_text(ACCOUNT_PREFIX, (await only(parts)).id)}"


async def test_a_karrio_server_is_connected_tested_and_never_shows_its_key(
    owner: Staff, parts: Services, far: KarrioSimulator
) -> None:
    assert 'href="/carriers/accounts/new?connector=karrio"' in (await owner.get("/carriers/accounts/new")).text
    page = said((await owner.get(NEW)).text)
    for words in ("Address of the server", "begins with key_", "begins with whsec_", "Connections to ask"):
        assert words in page
    assert "EZTK" not in page, "what is true of another carrier's key"
    here = await connected(owner, parts, far)
    await owner.submit(here, f"{here}/test", {})
    page = (await owner.get(here)).text
    assert "It works: the carrier knows our key" in said(page)
    assert "Messages are checked" in said(page)
    for address in (here, f"{here}/edit", "/carriers/accounts"):
        text = (await owner.get(address)).text
        assert API_KEY not in text
        assert SECRET not in text
    assert f'value="{far.url}"' in (await owner.get(f"{here}/edit")).text
    far.revoke()
    await owner.submit(here, f"{here}/test", {})
    assert "does not accept our key" in said((await owner.get(here)).text)
    assert API_KEY not in (await owner.get(here)).text


async def test_an_address_that_may_not_be_called_comes_back_with_what_to_write(owner: Staff, parts: Services) -> None:
    for server, words in (
        ("karrio.example.com", "Write an address such as"),
        ("http://karrio.example.com", "Begin the address with https://"),
        ("https://me:pw@karrio.example.com", "without a user name or a password"),
    ):
        refused = await owner.submit(NEW, NEW, form(server))
        assert refused.status_code == 422
        assert words in said(refused.text), server
        assert 'id="cred:server-error"' in refused.text
        assert f'value="{server}"' in refused.text, "what was typed is kept"
        assert API_KEY not in refused.text
    missing = await owner.submit(NEW, NEW, form(""))
    assert 'id="cred:server-error"' in missing.text
    async with parts.database.read() as reader:
        assert await tracking.accounts.everything(reader) == []


async def test_a_private_network_is_called_only_where_the_house_allows_it(owner: Staff, parts: Services) -> None:
    parts.carriage.allow_private = False
    try:
        refused = await owner.submit(NEW, NEW, form("http://localhost:5002"))
    finally:
        parts.carriage.allow_private = True
    assert refused.status_code == 422
    assert "COMPTOIR_ALLOW_PRIVATE_HOSTS=yes" in said(refused.text)


async def test_karrio_makes_the_secret_of_its_messages_itself(owner: Staff, parts: Services, far: KarrioSimulator) -> None:
    here = await connected(owner, parts, far)
    page = (await owner.get(here)).text
    assert f'href="{here}/secret"' not in page
    assert "The carrier makes the secret" in said(page)
    assert (await owner.get(f"{here}/secret")).status_code == 404
    assert re.search(r"hooks/carriers/cac_", page)


async def test_the_pages_of_a_karrio_account_are_accessible_and_fit_a_phone(
    browser: Browser, owner: Staff, parts: Services, far: KarrioSimulator
) -> None:
    here = await connected(owner, parts, far)
    async with signed_in(browser, parts) as page:
        await looked_at(page, "en", [here, NEW])
        await looked_at(page, "fr", [f"{here}/edit", "/carriers/accounts/new"])
