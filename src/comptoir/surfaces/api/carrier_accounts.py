"""Accounts with carriers: how labels are bought and parcels followed. What a carrier knows us by never comes out again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from comptoir.kernel.errors import Fault
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.modules.tracking import api
from comptoir.modules.tracking.contracts import Account, AccountDraft, AccountId
from comptoir.modules.tracking.errors import UnknownAccount
from comptoir.runtime.database import DatabaseUnavailable, Tx
from comptoir.sdk.carriers import Capability, CarrierCannot, CarrierInfo, LabelFormat
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import show
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import (
    PRINTABLE,
    CarrierAccountRef,
    Code,
    Instant,
    Request,
    Shape,
    Version,
    Words,
    given,
)
from comptoir.surfaces.carriage import ConnectorKind
from comptoir.surfaces.hooks.carriers import PATH

carrier_accounts = Resource("Carrier accounts", "With whom labels are bought, and who tells where parcels are.")

_Name = Annotated[Words, Meta(min_length=1, examples=["EasyPost"])]
_Connector = Annotated[Code, Meta(description="Which connector speaks to the carrier.", examples=["easypost"])]
_Carriers = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=100, pattern=PRINTABLE)], ...],
    Meta(
        max_length=100,
        examples=[["USPS"]],
        description="What shipments call the carriers whose parcels this account tells of; its own labels need none.",
    ),
]
_Secret = Annotated[str, Meta(max_length=4000, pattern=PRINTABLE)]
_SAMPLE = {"api_key": "EZTK5b2f9c81d9f04b0c9a6f"}
_Credentials = Annotated[
    dict[Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,63}$")], _Secret],
    Meta(
        max_length=50,
        examples=[_SAMPLE],
        description="What the carrier knows us by, as the connector names it. It is kept encrypted and never given out.",
    ),
]
_Test = Annotated[bool, Meta(description="Its labels are worth nothing; nothing is polled for it.", examples=[False])]
_Active = Annotated[bool, Meta(description="Switched off, nothing is bought through it.", examples=[True])]


class MissingCapabilityShape(Shape, frozen=True, kw_only=True):
    """Something that carriers may do and this connector does not."""

    capability: Capability
    reason: str


class CredentialFieldShape(Shape, frozen=True, kw_only=True):
    """Something that the connector wants to know of an account."""

    name: str
    label: str
    secret: bool
    required: bool
    help: str


class CarrierConnectorShape(Shape, frozen=True, kw_only=True):
    """A kind of account that there may be, with what it can and what it cannot."""

    key: Code
    name: str
    credentials: list[CredentialFieldShape]
    capabilities: list[Capability]
    missing: list[MissingCapabilityShape]
    formats: list[LabelFormat]
    covers: Annotated[
        list[str], Meta(description="Countries from which it takes parcels; none for no limit.", examples=[["IN"]])
    ]


class CarrierConnectorsShape(Shape, frozen=True, kw_only=True):
    items: list[CarrierConnectorShape]


class CarrierAccountShape(Shape, frozen=True, kw_only=True):
    """An account with a carrier, without what the carrier knows us by."""

    id: CarrierAccountRef
    connector: Code
    name: str
    carriers: list[str]
    active: bool
    test: bool
    problem: Annotated[str, Meta(description="Why the carrier last refused us; empty since it has not.", examples=[""])]
    webhook_url: (
        Annotated[
            str,
            Meta(
                description="What the carrier is to call with news; null where the connector takes none.",
                examples=["https://comptoir.example.com/hooks/carriers/cac_01kag8v6w3e9n8r2t5y7z4c6bd"],
            ),
        ]
        | None
    )
    capabilities: list[Capability]
    missing: list[MissingCapabilityShape]
    created_at: Instant
    version: Version


class CarrierAccountsShape(Shape, frozen=True, kw_only=True):
    items: list[CarrierAccountShape]


class NewCarrierAccount(Request, frozen=True, kw_only=True):
    """An account that is to be."""

    connector: _Connector
    name: _Name
    credentials: _Credentials
    carriers: _Carriers = ()
    active: _Active = True
    test: _Test = False


class ChangeCarrierAccount(Request, frozen=True, kw_only=True):
    """What is to be otherwise; the rest stays, also of the credentials. An empty one is forgotten."""

    name: _Name | UnsetType = UNSET
    credentials: _Credentials | UnsetType = UNSET
    carriers: _Carriers | UnsetType = UNSET
    active: _Active | UnsetType = UNSET
    test: _Test | UnsetType = UNSET


@carrier_accounts.get("/v1/carrier-connectors", Scope.ROUTING_READ)
async def list_carrier_connectors(call: Call) -> Answer[CarrierConnectorsShape]:
    """List the connectors to carriers, with what each can, what it cannot and why."""
    kinds = call.services.carriage.kinds
    return call.answer(CarrierConnectorsShape(items=[_connector(kinds[key].info) for key in sorted(kinds)]))


@carrier_accounts.get("/v1/carrier-accounts", Scope.ROUTING_READ)
async def list_carrier_accounts(call: Call) -> Answer[CarrierAccountsShape]:
    """List the accounts with carriers."""
    async with call.reading() as reader:
        found = await api.accounts.everything(reader)
    return call.answer(CarrierAccountsShape(items=[_shape(call, one) for one in found]))


@carrier_accounts.post("/v1/carrier-accounts", Scope.ROUTING_WRITE, status=201, sealed=True)
async def create_carrier_account(call: Call, body: NewCarrierAccount) -> Answer[CarrierAccountShape]:
    """Add an account with a carrier."""
    draft = AccountDraft(connector=body.connector, name=body.name, carriers=body.carriers, active=body.active, test=body.test)
    async with call.transaction() as tx:
        made = await call.services.carriage.connect(tx, draft, body.credentials)
        data = {"name": made.name, "connector": made.connector}
        await staff.record(tx, "carrier_account.created", show("carrier_account", made.id), data, address=call.address)
        return await call.done(tx, _shape(call, made))


@carrier_accounts.get("/v1/carrier-accounts/{carrier_account_id}", Scope.ROUTING_READ, refuses=(UnknownAccount,))
async def get_carrier_account(call: Call) -> Answer[CarrierAccountShape]:
    """Get an account with a carrier."""
    async with call.reading() as reader:
        return call.answer(_shape(call, await api.accounts.get(reader, _id(call))))


@carrier_accounts.patch(
    "/v1/carrier-accounts/{carrier_account_id}", Scope.ROUTING_WRITE, refuses=(UnknownAccount,), sealed=True
)
async def change_carrier_account(call: Call, body: ChangeCarrierAccount) -> Answer[CarrierAccountShape]:
    """Change an account with a carrier. It is used as it is then within seconds."""
    changes: dict[str, Any] = given(body)
    fresh: Mapping[str, str] | None = changes.pop("credentials", None)
    services = call.services
    async with call.transaction() as tx:
        there = await api.accounts.get(tx, _id(call))
        draft = replace(there, **changes)
        credentials = None
        if fresh is not None:
            known = await api.accounts.credentials(tx, services.keyring, there.id)
            credentials = services.carriage.checked(draft, {**known, **fresh})
        changed = await api.accounts.update(
            tx, services.keyring, there.id, draft, credentials, version=call.decided_on(there.version)
        )
        data = {"name": changed.name, "changed": sorted([*changes, *(["credentials"] if fresh is not None else [])])}
        await staff.record(tx, "carrier_account.changed", show("carrier_account", changed.id), data, address=call.address)
        return await call.done(tx, _shape(call, changed))


@carrier_accounts.post(
    "/v1/carrier-accounts/{carrier_account_id}/test", Scope.ROUTING_WRITE, refuses=(UnknownAccount, CarrierCannot)
)
async def test_carrier_account(call: Call) -> Answer[CarrierAccountShape]:
    """Ask a carrier whether it knows our key.

    It is asked for a label that is not there; nothing is bought or changed. What the carrier says no with is the answer
    (`carrier_not_authorised`, say), and stays in the account's `problem`.
    """
    services = call.services
    async with call.transaction() as tx:
        await api.accounts.get(tx, _id(call))
    try:
        await services.parcels.test(_id(call), call.context)
    except Fault as fault:
        if not isinstance(fault, DatabaseUnavailable):
            await _tested(call, works=False)
        raise
    async with call.transaction() as tx:
        await _record_test(tx, call, works=True)
        return await call.done(tx, _shape(call, await api.accounts.get(tx, _id(call))))


async def _tested(call: Call, *, works: bool) -> None:
    async with call.services.database.transaction(call.context) as tx:
        await _record_test(tx, call, works=works)


async def _record_test(tx: Tx, call: Call, *, works: bool) -> None:
    name = show("carrier_account", _id(call))
    await staff.record(tx, "carrier_account.tested", name, {"works": works}, address=call.address)


def _id(call: Call) -> AccountId:
    return AccountId(call.id("carrier_account"))


def _shape(call: Call, account: Account) -> CarrierAccountShape:
    kind: ConnectorKind | None = call.services.carriage.kinds.get(account.connector)
    name = show("carrier_account", account.id)
    told = kind is not None and Capability.WEBHOOKS in kind.info.capabilities
    return CarrierAccountShape(
        id=name,
        connector=account.connector,
        name=account.name,
        carriers=list(account.carriers),
        active=account.active,
        test=account.test,
        problem=account.problem,
        webhook_url=f"{call.services.settings.public_url.rstrip('/')}{PATH}/{name}" if told else None,
        capabilities=[] if kind is None else sorted(kind.info.capabilities),
        missing=[] if kind is None else _missing(kind.info),
        created_at=account.created_at,
        version=account.version,
    )


def _missing(info: CarrierInfo) -> list[MissingCapabilityShape]:
    return [MissingCapabilityShape(capability=one, reason=reason) for one, reason in sorted(info.missing.items())]


def _connector(info: CarrierInfo) -> CarrierConnectorShape:
    return CarrierConnectorShape(
        key=info.key,
        name=info.name,
        credentials=[
            CredentialFieldShape(name=one.name, label=one.label, secret=one.secret, required=one.required, help=one.help)
            for one in info.auth
        ],
        capabilities=sorted(info.capabilities),
        missing=_missing(info),
        formats=sorted(info.formats),
        covers=list(info.covers),
    )
