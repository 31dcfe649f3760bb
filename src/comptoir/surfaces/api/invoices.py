"""Invoices and credit notes, and who sells."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, structs

from comptoir.kernel.errors import NotFound
from comptoir.modules.invoicing import api
from comptoir.modules.invoicing.contracts import InvoiceId, Issued, Kind, SellerDetails
from comptoir.modules.invoicing.errors import NothingToInvoice, SellerUnknown, UnknownInvoice
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces import invoicing, papers
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.documents import PaperQuery, language, pdf
from comptoir.surfaces.api.identifiers import show, show_some
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import CountryCode, Day, Instant, InvoiceRef, OrderRef, Request, Shape, Words
from comptoir.surfaces.documents import api as documents

invoices = Resource("Invoice", "Invoices and credit notes of orders: numbered without gaps, and never changed.")

_Total = Annotated[int, Meta(description="With tax, in minor units; of a credit note too, positive.", examples=[5990])]
_Currency = Annotated[str, Meta(examples=["EUR"])]


class InvoiceShape(Shape, frozen=True, kw_only=True):
    """An invoice, or a credit note that corrects one."""

    id: InvoiceRef
    kind: Kind
    number: Annotated[str, Meta(examples=["F2026-000042"])]
    order_id: OrderRef
    refers_to: Annotated[InvoiceRef, Meta(description="The invoice that a credit note corrects.")] | None
    issued_on: Day
    issued_at: Instant
    currency: _Currency
    total: _Total


class InvoicesShape(Shape, frozen=True, kw_only=True):
    items: list[InvoiceShape]


class SellerShape(Shape, frozen=True, kw_only=True):
    """Who answers for invoices."""

    name: str
    legal_name: Annotated[str, Meta(description="As it is registered.")]
    country: CountryCode
    form: Annotated[str, Meta(examples=["SAS"])]
    capital: Annotated[int, Meta(description="In minor units; 0 for none.")]
    capital_currency: _Currency
    siren: str
    siret: str
    register: Annotated[str, Meta(examples=["RCS Lyon"])]
    vat_number: str
    line1: str
    line2: str
    postcode: str
    city: str
    email: str
    phone: str
    website: str
    time_zone: str
    mention: str


class PutSeller(Request, frozen=True, kw_only=True):
    """Who answers for invoices from now on."""

    name: Words
    legal_name: Words
    country: CountryCode
    line1: Words
    city: Words
    form: Words = ""
    capital: Annotated[int, Meta(ge=0, le=9_007_199_254_740_992, examples=[1_000_000])] = 0
    siren: Words = ""
    siret: Words = ""
    register: Words = ""
    vat_number: Words = ""
    line2: Words = ""
    postcode: Words = ""
    email: Words = ""
    phone: Words = ""
    website: Words = ""
    time_zone: Annotated[str, Meta(max_length=64, examples=["Europe/Paris"])] = "Europe/Paris"
    mention: Annotated[str, Meta(max_length=600, description="Anything else that has to stand on each.")] = ""


_EXAMPLE = {
    "name": "Maison Lumen", "legal_name": "Lumen & Filles", "country": "FR", "line1": "12, rue de la République",
    "city": "Lyon", "postcode": "69001", "form": "SAS", "siren": "552100554", "vat_number": "FR83552100554",
}  # fmt: skip


@invoices.get("/v1/orders/{order_id}/invoices", Scope.ORDERS_READ, refuses=(NotFound,))
async def list_invoices(call: Call) -> Answer[InvoicesShape]:
    """List what was issued for an order, the oldest first."""
    async with call.reading() as reader:
        order = await orders.order(reader, OrderId(call.id("order")))
        return call.answer(InvoicesShape(items=[_shape(one) for one in await api.of_order(reader, order.id)]))


@invoices.post(
    "/v1/orders/{order_id}/invoices",
    Scope.ORDERS_WRITE,
    status=201,
    refuses=(NotFound, SellerUnknown, NothingToInvoice),
)
async def issue_invoice(call: Call) -> Answer[InvoiceShape]:
    """Invoice whatever of an order is not invoiced yet. An order of which all has left is invoiced by itself."""
    async with call.transaction() as tx:
        return await call.done(tx, _shape(await invoicing.issue(tx, OrderId(call.id("order")))))


@invoices.get("/v1/invoices/{invoice_id}", Scope.ORDERS_READ, refuses=(UnknownInvoice,))
async def get_invoice(call: Call) -> Answer[InvoiceShape]:
    """Get an invoice or a credit note."""
    async with call.reading() as reader:
        return call.answer(_shape(await api.get(reader, InvoiceId(call.id("invoice")))))


@invoices.get(
    "/v1/invoices/{invoice_id}/document", Scope.ORDERS_READ, content_type="application/pdf", refuses=(UnknownInvoice,)
)
async def get_invoice_document(call: Call, query: PaperQuery) -> Answer[bytes]:
    """Download the paper of an invoice or a credit note, in the buyer's language or the one that is asked for."""
    async with call.reading() as reader:
        one = await api.get(reader, InvoiceId(call.id("invoice")))
    locale = papers.locale_of(language(call, query.locale), invoicing.locale(one))
    return pdf(await documents.render(invoicing.read(one).paper, locale), one.number, locale)


@invoices.get("/v1/seller", Scope.CHANNELS_READ, refuses=(SellerUnknown,))
async def get_seller(call: Call) -> Answer[SellerShape]:
    """Get who answers for invoices."""
    async with call.reading() as reader:
        found = await api.seller(reader)
    if found is None:
        raise SellerUnknown
    return call.answer(_seller(found))


@invoices.put("/v1/seller", Scope.CHANNELS_WRITE, example=_EXAMPLE)
async def put_seller(call: Call, body: PutSeller) -> Answer[SellerShape]:
    """Say who answers for what is issued from now on. What was issued stays as it is."""
    async with call.transaction() as tx:
        return await call.done(tx, _seller(await api.put_seller(tx, SellerDetails(**structs.asdict(body)))))


def _shape(one: Issued) -> InvoiceShape:
    return InvoiceShape(
        id=show("invoice", one.id),
        kind=one.kind,
        number=one.number,
        order_id=show("order", one.order_id),
        refers_to=show_some("invoice", one.refers_to),
        issued_on=one.issued_on,
        issued_at=one.issued_at,
        currency=one.currency,
        total=one.total,
    )


def _seller(one: SellerDetails) -> SellerShape:
    return SellerShape(
        name=one.name,
        legal_name=one.legal_name,
        country=one.country,
        form=one.form,
        capital=one.capital,
        capital_currency=one.capital_currency,
        siren=one.siren,
        siret=one.siret,
        register=one.register,
        vat_number=one.vat_number,
        line1=one.line1,
        line2=one.line2,
        postcode=one.postcode,
        city=one.city,
        email=one.email,
        phone=one.phone,
        website=one.website,
        time_zone=one.time_zone,
        mention=one.mention,
    )
