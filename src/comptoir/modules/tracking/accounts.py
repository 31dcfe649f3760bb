"""Accounts with carriers. What a carrier wants to know of us is encrypted at rest and never given back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.modules.tracking.contracts import HOUSE, Account, AccountDraft, AccountId
from comptoir.modules.tracking.errors import UnknownAccount
from comptoir.modules.tracking.store import accounts as store
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Reader, Tx

_PURPOSE = "carrier-account"
_MOST_NAME = 200


def _checked(draft: AccountDraft) -> AccountDraft:
    checks = Checks()
    name = draft.name.strip()
    checks.require("name", bool(name), "is needed")
    checks.require("name", len(name) <= _MOST_NAME, f"has at most {_MOST_NAME} characters")
    checks.done()
    return replace(draft, name=name)


async def create(tx: Tx, keyring: Keyring, draft: AccountDraft, credentials: Mapping[str, str]) -> Account:
    """Raises Invalid. That the connector exists, and which credentials it wants, is for whoever knows connectors to check."""
    return await store.insert(tx, _checked(draft), _sealed(keyring, credentials))


async def ensure_house(tx: Tx, keyring: Keyring, connector: str, name: str) -> None:
    """The account `HOUSE` is there from now on; what it is called and whether it is used is left as it is."""
    await store.insert_once(tx, HOUSE, AccountDraft(connector=connector, name=name), _sealed(keyring, {}))


async def update(
    tx: Tx,
    keyring: Keyring,
    account_id: AccountId,
    draft: AccountDraft,
    credentials: Mapping[str, str] | None = None,
    *,
    version: int | None = None,
) -> Account:
    """Without credentials the stored ones stay. Raises Invalid, UnknownAccount and Stale."""
    sealed = None if credentials is None else _sealed(keyring, credentials)
    found = await store.update(tx, account_id, _checked(draft), sealed, version)
    if found is None:
        there = await get(tx, account_id)
        raise Stale(kind="carrier_account", id=account_id, version=there.version)
    return found


async def get(reader: Reader, account_id: AccountId) -> Account:
    found = await store.get(reader, account_id)
    if found is None:
        raise UnknownAccount(kind="carrier_account", id=account_id)
    return found


async def everything(reader: Reader) -> list[Account]:
    return await store.everything(reader)


async def credentials(reader: Reader, keyring: Keyring, account_id: AccountId) -> dict[str, str]:
    """For making the connector. Raises UnknownAccount and Undecipherable."""
    sealed = await store.credentials(reader, account_id)
    if sealed is None:
        raise UnknownAccount(kind="carrier_account", id=account_id)
    return msgspec.json.decode(keyring.decrypt(sealed, _PURPOSE), type=dict[str, str])


async def seal_again(tx: Tx, keyring: Keyring) -> int:
    """After a change of the secret key: encrypts with the new one what an older one had encrypted; gives how many."""
    old = [(key, sealed) for key, sealed in await store.all_credentials(tx) if not keyring.is_current(sealed)]
    for key, sealed in old:
        await store.set_credentials(tx, key, keyring.encrypt(keyring.decrypt(sealed, _PURPOSE), _PURPOSE))
    return len(old)


async def tell_problem(tx: Tx, account_id: AccountId, problem: str) -> None:
    """The carrier refuses us, or with "" has answered as it should."""
    if problem:
        await store.set_problem(tx, account_id, problem)
    else:
        await store.set_answered(tx, account_id)


def _sealed(keyring: Keyring, credentials: Mapping[str, str]) -> bytes:
    return keyring.encrypt(msgspec.json.encode(dict(credentials)), _PURPOSE)
