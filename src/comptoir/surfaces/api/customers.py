"""Customers, and the keys that they are known by."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from comptoir.kernel.errors import NotFound
from comptoir.modules.customers import api
from comptoir.modules.customers.contracts import Customer, CustomerDraft, CustomerFilter, CustomerId, Identity
from comptoir.modules.customers.errors import CustomerStillServed, IdentityTaken, UnknownCustomer
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces import erasing
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import show
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import (
    CountryCode,
    CustomerRef,
    Day,
    Instant,
    PageQuery,
    Request,
    Search,
    Shape,
    Version,
    Words,
    given,
)

customers = Resource("Customers", "People and companies, and the keys that they are known by.")

_KIND = r"^(email|phone|loyalty|channel:[A-Za-z0-9][A-Za-z0-9._-]{0,63})$"
_Kind = Annotated[str, Meta(pattern=_KIND, examples=["email"], description="email, phone, loyalty, or channel:<code>.")]
_Value = Annotated[Words, Meta(min_length=1, examples=["camille@example.com"])]
_Tags = Annotated[tuple[Annotated[Words, Meta(min_length=1, examples=["vip"])], ...], Meta(max_length=50)]
_Locale = Annotated[
    str, Meta(pattern=r"^([a-z]{2,3}([-_][A-Za-z0-9]{2,8})*)?$", examples=["fr-FR"], description="A BCP 47 tag.")
]
_Region = Annotated[CountryCode, Meta(description="Of phone numbers without a country code.")]


class IdentityShape(Request, frozen=True, kw_only=True):
    """One key that a customer is known by."""

    kind: _Kind
    value: _Value


class CustomerShape(Shape, frozen=True, kw_only=True):
    """A customer with all keys."""

    id: CustomerRef
    name: str
    company: str
    locale: str
    tags: list[str]
    identities: list[IdentityShape]
    version: Version
    created_at: Instant
    updated_at: Instant


class NewCustomer(Request, frozen=True, kw_only=True):
    """A customer that is to be."""

    name: Words = ""
    company: Words = ""
    locale: _Locale = ""
    tags: _Tags = ()
    identities: Annotated[tuple[IdentityShape, ...], Meta(max_length=20)] = ()
    region: _Region | None = None


class ChangeCustomer(Request, frozen=True, kw_only=True):
    """What is to be otherwise; keys are attached and detached on their own."""

    name: Words | UnsetType = UNSET
    company: Words | UnsetType = UNSET
    locale: _Locale | UnsetType = UNSET
    tags: _Tags | UnsetType = UNSET


class AttachIdentities(Request, frozen=True, kw_only=True):
    identities: Annotated[tuple[IdentityShape, ...], Meta(min_length=1, max_length=20)]
    region: _Region | None = None


class CustomerQuery(PageQuery, frozen=True, kw_only=True):
    sort: Literal["name", "-name", "created", "-created"] = "name"
    search: Annotated[Search, Meta(description="Words of the name, or a whole e-mail address, phone or loyalty number.")] = ""
    tag: Words = ""
    region: _Region | None = None


@customers.get("/v1/customers", Scope.CUSTOMERS_READ)
async def list_customers(call: Call, query: CustomerQuery) -> Answer[PageOf[CustomerShape]]:
    """List customers."""
    wanted = CustomerFilter(search=query.search, tag=query.tag, region=query.region or "")
    async with call.reading() as reader:
        page = await api.find(reader, wanted, sort=query.sort, limit=query.limit, cursor=query.cursor)
    return call.page(page, _shape)


@customers.post("/v1/customers", Scope.CUSTOMERS_WRITE, status=201, refuses=(IdentityTaken,))
async def create_customer(call: Call, body: NewCustomer) -> Answer[CustomerShape]:
    """Add a customer."""
    draft = CustomerDraft(name=body.name, company=body.company, locale=body.locale, tags=body.tags)
    async with call.transaction() as tx:
        made = await api.create(tx, draft, _identities(body.identities), region=body.region or "")
        return await call.done(tx, _shape(made))


@customers.get("/v1/customers/{customer_id}", Scope.CUSTOMERS_READ, refuses=(UnknownCustomer,))
async def get_customer(call: Call) -> Answer[CustomerShape]:
    """Get a customer."""
    async with call.reading() as reader:
        return call.answer(_shape(await api.get(reader, _id(call))))


@customers.patch("/v1/customers/{customer_id}", Scope.CUSTOMERS_WRITE, refuses=(UnknownCustomer,))
async def change_customer(call: Call, body: ChangeCustomer) -> Answer[CustomerShape]:
    """Change a customer."""
    changes: dict[str, Any] = given(body)
    async with call.transaction() as tx:
        there = await api.get(tx, _id(call))
        changed = await api.update(tx, there.id, replace(there, **changes), version=call.decided_on(there.version))
        return await call.done(tx, _shape(changed))


@customers.post("/v1/customers/{customer_id}/identities", Scope.CUSTOMERS_WRITE, refuses=(UnknownCustomer, IdentityTaken))
async def attach_identities(call: Call, body: AttachIdentities) -> Answer[CustomerShape]:
    """Let a customer be known by more keys."""
    async with call.transaction() as tx:
        changed = await api.attach(tx, _id(call), _identities(body.identities), region=body.region or "")
        return await call.done(tx, _shape(changed))


@customers.post("/v1/customers/{customer_id}/identities/detach", Scope.CUSTOMERS_WRITE, refuses=(UnknownCustomer, NotFound))
async def detach_identity(call: Call, body: IdentityShape) -> Answer[CustomerShape]:
    """Let a customer be known by one key less.

    The key travels in the body: addresses are written into logs, and keys of people do not belong there.
    """
    async with call.transaction() as tx:
        return await call.done(tx, _shape(await api.detach(tx, _id(call), Identity(body.kind, body.value))))


class KeptInvoice(Shape, frozen=True, kw_only=True):
    """An invoice, or a credit note, on which the buyer has to stay."""

    number: Annotated[str, Meta(examples=["F2026-000042"])]
    kept_until: Day


class Erased(Shape, frozen=True, kw_only=True):
    """What is left of an erased customer."""

    id: CustomerRef
    kept: Annotated[list[KeptInvoice], Meta(description="What the law wants kept with its buyer, the latest first.")]


@customers.post("/v1/customers/{customer_id}/erase", Scope.CUSTOMERS_ERASE, refuses=(UnknownCustomer, CustomerStillServed))
async def erase_customer(call: Call) -> Answer[Erased]:
    """Erase a customer for good.

    Name, keys, consents, addresses of orders, recipients, labels and pictures of returns go; what was sold, for how much and to
    which country stays. Invoices keep their buyer for as long as the law wants books to be kept: ten years in France.
    """
    customer_id = _id(call)
    async with call.transaction() as tx:
        kept = await erasing.erase(tx, customer_id)
        await staff.record(
            tx, "customer.erased", show("customer", customer_id), {"invoices_kept": len(kept)}, address=call.address
        )
        rows = [KeptInvoice(number=one.number, kept_until=one.until) for one in kept]
        return await call.done(tx, Erased(id=show("customer", customer_id), kept=rows))


def _id(call: Call) -> CustomerId:
    return CustomerId(call.id("customer"))


def _identities(identities: tuple[IdentityShape, ...]) -> list[Identity]:
    return [Identity(one.kind, one.value) for one in identities]


def _shape(customer: Customer) -> CustomerShape:
    return CustomerShape(
        id=show("customer", customer.id),
        name=customer.name,
        company=customer.company,
        locale=customer.locale,
        tags=list(customer.tags),
        identities=[IdentityShape(kind=one.kind, value=one.value) for one in customer.identities],
        version=customer.version,
        created_at=customer.created_at,
        updated_at=customer.updated_at,
    )
