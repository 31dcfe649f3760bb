"""Papers as PDF: what is picked, what is in a box, and what comes back.

Their language is `locale`, or what `Accept-Language` likes best; without both, the buyer's, or English for who works here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from comptoir.kernel.errors import NotFound
from comptoir.kernel.time import utcnow
from comptoir.modules.fulfilment.contracts import FulfilmentId, WaveId
from comptoir.modules.fulfilment.errors import UnknownFulfilment, UnknownWave
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces import papers
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.operations import Answer, Resource
from comptoir.surfaces.api.shapes import Request
from comptoir.surfaces.documents import api as printing
from comptoir.surfaces.documents.contracts import Paper
from comptoir.surfaces.papers import Sheet

documents = Resource(
    "Papers",
    "Pick lists, packing slips and return slips as PDF; invoices, labels and manifests have their own addresses. In the "
    "language of `locale` or `Accept-Language`; without both, in the buyer's.",
)

Language = Literal["en", "fr"]


class PaperQuery(Request, frozen=True, kw_only=True):
    locale: Annotated[Language, Meta(description="Goes before `Accept-Language`.", examples=["fr"])] | None = None


class SlipQuery(PaperQuery, frozen=True, kw_only=True):
    parcel: (
        Annotated[int, Meta(ge=1, le=10_000, description="The number of a box; without it, all that goes.", examples=[1])]
        | None
    ) = None


class PickQuery(PaperQuery, frozen=True, kw_only=True):
    paper: Annotated[Paper, Meta(description="A sheet, or the roll of a receipt printer.")] = Paper.A4


@documents.get(
    "/v1/fulfilments/{fulfilment_id}/documents/packing-slip",
    Scope.ORDERS_READ,
    content_type="application/pdf",
    worded=True,
    refuses=(UnknownFulfilment, NotFound),
)
async def get_packing_slip(call: Call, query: SlipQuery) -> Answer[bytes]:
    """Download the packing slip of a box, or of all of a fulfilment order."""
    async with call.reading() as reader:
        sheet = await papers.packing_slip(reader, _id(call), query.parcel, language(call, query.locale))
    return await _printed(sheet)


@documents.get(
    "/v1/fulfilments/{fulfilment_id}/documents/return-slip",
    Scope.ORDERS_READ,
    content_type="application/pdf",
    worded=True,
    refuses=(UnknownFulfilment,),
)
async def get_return_slip(call: Call, query: PaperQuery) -> Answer[bytes]:
    """Download the slip that a buyer fills in to send something back."""
    async with call.reading() as reader:
        sheet = await papers.return_slip(reader, _id(call), language(call, query.locale))
    return await _printed(sheet)


@documents.get(
    "/v1/fulfilments/{fulfilment_id}/documents/pick-list",
    Scope.ORDERS_READ,
    content_type="application/pdf",
    worded=True,
    refuses=(UnknownFulfilment,),
)
async def get_pick_list(call: Call, query: PickQuery) -> Answer[bytes]:
    """Download what is still to be picked of a fulfilment order, bin by bin."""
    async with call.reading() as reader:
        sheet = await papers.pick_list(reader, _id(call), query.paper, language(call, query.locale), "", utcnow())
    return await _printed(sheet)


@documents.get(
    "/v1/waves/{wave_id}/documents/pick-list",
    Scope.ORDERS_READ,
    content_type="application/pdf",
    worded=True,
    refuses=(UnknownWave,),
)
async def get_wave_pick_list(call: Call, query: PickQuery) -> Answer[bytes]:
    """Download what is still to be picked of a wave, bin by bin, with the slot of each order."""
    wave_id = WaveId(call.id("wave"))
    async with call.reading() as reader:
        sheet = await papers.wave_list(reader, wave_id, query.paper, language(call, query.locale), "", utcnow())
    return await _printed(sheet)


def language(call: Call, wanted: Language | None) -> str:
    """What is asked for; empty for nothing."""
    return wanted or papers.wanted(call.headers.get(b"accept-language", b"").decode("latin-1"))


def pdf(content: bytes, name: str, locale: str) -> Answer[bytes]:
    headers = (
        (b"content-disposition", f'inline; filename="{name}.pdf"'.encode()),
        (b"content-language", locale[:2].encode()),
        (b"vary", b"Accept-Language"),
    )
    return Answer(200, content, b"application/pdf", headers)


async def _printed(sheet: Sheet) -> Answer[bytes]:
    return pdf(await printing.render(sheet.paper, sheet.locale), sheet.name, sheet.locale)


def _id(call: Call) -> FulfilmentId:
    return FulfilmentId(call.id("fulfilment"))
