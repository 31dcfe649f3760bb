"""What tests of webhooks need: somebody who receives, somebody who sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.runtime.http import HttpClient
from comptoir.surfaces.jobs.webhooks import WebhookSender
from support.receiver import Office, Receiver


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    yield receiver
    server.close()


@pytest.fixture
def keyring() -> Keyring:
    return Keyring(b"k" * 32)


@pytest.fixture
async def http() -> AsyncGenerator[HttpClient]:
    async with HttpClient(allow_private=True) as client:
        yield client


@pytest.fixture
def sender(database: Database, http: HttpClient, keyring: Keyring) -> WebhookSender:
    return WebhookSender(database, http, keyring, poll=0.05)


@pytest.fixture
def office(database: Database, keyring: Keyring) -> Office:
    return Office(database, keyring)
