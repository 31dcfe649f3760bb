"""Which connectors to carriers there are, and the connector of each account, made when it is first asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from comptoir.connectors import carrierfile, clickpost, easypost, karrio
from comptoir.connectors.carrierfile import FileCarrier
from comptoir.connectors.clickpost import ClickPost, ClickPostAccount
from comptoir.connectors.easypost import EasyPost, EasyPostAccount
from comptoir.connectors.karrio import Karrio, KarrioAccount
from comptoir.kernel.checking import Checks
from comptoir.kernel.time import utcnow
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import HOUSE, Account, AccountDraft, AccountId
from comptoir.modules.tracking.errors import UnknownAccount
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database, Reader, Tx
from comptoir.runtime.http import HttpClient
from comptoir.sdk.carriers import CarrierConnector, CarrierInfo, PartialCarrier
from comptoir.sdk.tracking import TrackingStatus
from comptoir.surfaces import own_carriers
from comptoir.surfaces.own_carriers import TABLES, OwnCarrier

Make = Callable[[HttpClient, Mapping[str, str]], CarrierConnector]

_FRESH_FOR = 5.0
"""Seconds for which an account is taken as it was read: a storm of messages reads it once in a while."""


@dataclass(frozen=True, slots=True)
class ConnectorKind:
    """A connector that accounts may have: what it says of itself, and how it is made from credentials."""

    info: CarrierInfo
    make: Make
    by_tables: bool = False
    """Its prices are the house's own tables, and its labels are ours: see `own_carriers`."""


def _easypost(http: HttpClient, given: Mapping[str, str]) -> CarrierConnector:
    account = EasyPostAccount(given["api_key"], given.get("webhook_secret", ""), given.get("customs_signer", ""))
    return EasyPost(http, account)


def _clickpost(http: HttpClient, given: Mapping[str, str]) -> CarrierConnector:
    account = ClickPostAccount(given["username"], given["key"], given.get("webhook_key", ""), given.get("tax_number", ""))
    return ClickPost(http, account)


def _karrio(http: HttpClient, given: Mapping[str, str]) -> CarrierConnector:
    account = KarrioAccount(
        given["server"],
        given["api_key"],
        given.get("webhook_secret", ""),
        karrio.connections_of(given.get("connections", "")),
        given.get("customs_signer", ""),
    )
    return Karrio(http, account)


def _files(http: HttpClient, given: Mapping[str, str]) -> CarrierConnector:
    del http
    return file_carrier(given)


def _tables(http: HttpClient, given: Mapping[str, str]) -> CarrierConnector:
    del http, given
    carrier = PartialCarrier()
    carrier.info = own_carriers.TABLES
    return carrier


def file_carrier(given: Mapping[str, str]) -> FileCarrier:
    """With the carrier's own words for our statuses, such as `LIV=delivered; ENL=picked_up`. Raises ValueError."""
    pairs = [part.partition("=") for part in given.get("codes", "").replace("\n", ";").split(";") if part.strip()]
    return FileCarrier({code.strip(): TrackingStatus(status.strip().casefold()) for code, _, status in pairs})


KINDS: Final[Mapping[str, ConnectorKind]] = {
    easypost.INFO.key: ConnectorKind(easypost.INFO, _easypost),
    clickpost.INFO.key: ConnectorKind(clickpost.INFO, _clickpost),
    karrio.INFO.key: ConnectorKind(karrio.INFO, _karrio),
    carrierfile.INFO.key: ConnectorKind(own_carriers.info_of(carrierfile.INFO), _files, by_tables=True),
    own_carriers.TABLES.key: ConnectorKind(own_carriers.TABLES, _tables, by_tables=True),
}


def checked(
    kinds: Mapping[str, ConnectorKind], draft: AccountDraft, credentials: Mapping[str, str], *, allow_private: bool = False
) -> dict[str, str]:
    """The credentials that this connector wants, and no others. Raises Invalid, also for a server that may not be called."""
    checks = Checks()
    kind = kinds.get(draft.connector)
    checks.require("connector", kind is not None, f"is one of {', '.join(sorted(kinds))}")
    checks.done()
    assert kind is not None
    wanted = {field.name: field for field in kind.info.auth}
    for name in credentials:
        checks.require(f"credentials.{name}", name in wanted, "is not asked for by this carrier")
    clean = {name: credentials.get(name, "").strip() for name in wanted}
    for name, field in wanted.items():
        checks.require(f"credentials.{name}", bool(clean[name]) or not field.required, "is needed")
    if draft.connector == carrierfile.INFO.key:
        checks.parsed("credentials.codes", _readable, clean.get("codes", ""), "")
    if draft.connector == karrio.INFO.key and clean["server"]:
        problem = karrio.problem_of(clean["server"], allow_private=allow_private)
        checks.require("credentials.server", problem is None, str(problem))
    checks.done()
    return {name: text for name, text in clean.items() if text}


def _readable(codes: str) -> str:
    try:
        file_carrier({"codes": codes})
    except ValueError as problem:
        raise ValueError(f"is such as LIV=delivered; ENL=picked_up, with our statuses: {problem}") from problem
    return codes


def _house() -> Account:
    return Account(id=HOUSE, connector=TABLES.key, name=TABLES.name, version=0, created_at=utcnow())


class Carriage:
    """The connectors of this process."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        http: HttpClient,
        kinds: Mapping[str, ConnectorKind] = KINDS,
        *,
        allow_private: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.kinds = kinds
        self.allow_private = allow_private
        self._database = database
        self._keyring = keyring
        self._http = http
        self._clock = clock
        self._known: dict[AccountId, tuple[float, Account, CarrierConnector]] = {}

    async def account(self, account_id: AccountId) -> tuple[Account, CarrierConnector]:
        """At most a few seconds old. Raises UnknownAccount, and Undecipherable."""
        known = self._known.get(account_id)
        if known is not None and known[0] > self._clock():
            return known[1], known[2]
        async with self._database.read() as reader:
            account = await self._account(reader, account_id)
            if account.id == HOUSE:
                return account, self._made(account, {})
            if known is None or known[1].version != account.version:
                credentials = await tracking.accounts.credentials(reader, self._keyring, account_id)
                made = self._made(account, credentials)
            else:
                made = known[2]
        self._known[account_id] = (self._clock() + _FRESH_FOR, account, made)
        return account, made

    def forget(self, account_id: AccountId) -> None:
        """It is read again when it is next asked for."""
        self._known.pop(account_id, None)

    def _made(self, account: Account, credentials: Mapping[str, str]) -> CarrierConnector:
        kind = self.kinds.get(account.connector)
        if kind is None:
            raise UnknownAccount(kind="carrier_account", id=account.id)
        if kind.by_tables:
            return OwnCarrier(self._database, account, kind.info)
        return kind.make(self._http, credentials)

    async def accounts(self, reader: Reader) -> list[Account]:
        """All that may be asked: those that are used, and the house's own even before its first label."""
        found = await tracking.accounts.everything(reader)
        own = [] if any(one.id == HOUSE for one in found) or TABLES.key not in self.kinds else [_house()]
        return [account for account in [*found, *own] if account.active]

    async def ensure(self, tx: Tx, account_id: AccountId) -> None:
        """The house's own account is written down before something refers to it."""
        if account_id == HOUSE and TABLES.key in self.kinds:
            await tracking.accounts.ensure_house(tx, self._keyring, TABLES.key, TABLES.name)

    async def _account(self, reader: Reader, account_id: AccountId) -> Account:
        try:
            return await tracking.accounts.get(reader, account_id)
        except UnknownAccount:
            if account_id != HOUSE:
                raise
            return _house()

    async def connect(self, tx: Tx, draft: AccountDraft, credentials: Mapping[str, str]) -> Account:
        """A new account. Raises Invalid, also for the house's own tables: their account is there by itself."""
        checks = Checks()
        checks.require("connector", draft.connector != TABLES.key, "is there by itself, with the first carrier service")
        checks.done()
        return await tracking.accounts.create(tx, self._keyring, draft, self.checked(draft, credentials))

    def checked(self, draft: AccountDraft, credentials: Mapping[str, str]) -> dict[str, str]:
        """The credentials that are to be kept. Raises Invalid."""
        return checked(self.kinds, draft, credentials, allow_private=self.allow_private)
