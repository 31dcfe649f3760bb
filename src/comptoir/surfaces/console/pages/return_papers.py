"""The papers of a return as PDF: the slip with its QR code, and the address to stick on the box."""

from __future__ import annotations

from comptoir.kernel.errors import Fault, NotFound
from comptoir.modules.changes import api as changes
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import DatabaseUnavailable
from comptoir.surfaces.console.pages.return_inspect import case_id_of
from comptoir.surfaces.console.web import Answer, Area, Visit
from comptoir.surfaces.documents import api as documents
from comptoir.surfaces.documents.errors import DocumentsUnavailable
from comptoir.surfaces.public import returning_papers
from comptoir.surfaces.public.returning_papers import TYPES

area = Area("returns")


@area.get("/returns/{return_id:str}/slip.pdf", Permission.ORDERS_READ)
async def slip(visit: Visit) -> Answer:
    return await _printed(visit, "slip")


@area.get("/returns/{return_id:str}/label.pdf", Permission.ORDERS_READ)
async def label(visit: Visit) -> Answer:
    """The carrier's, where we have bought one; in its own format."""
    try:
        found = await visit.console.services.return_labels.document(case_id_of(visit))
    except DatabaseUnavailable:
        raise
    except Fault:
        return visit.respond("store/no_paper.html", status=503, missing=False, again=visit.page.url)
    if found is None:
        return await _printed(visit, "label")
    bought, content = found
    return visit.file(f"{bought.tracking_number}.{bought.format.value}", content, TYPES[bought.format])


@area.get("/returns/{return_id:str}/back.pdf", Permission.ORDERS_ACT)
async def back(visit: Visit) -> Answer:
    """The address of the buyer, for what was declined and goes back."""
    return await _printed(visit, "back")


async def _printed(visit: Visit, kind: str) -> Answer:
    """In the buyer's language: it is the buyer who holds it."""
    async with visit.read() as reader:
        case = await changes.get_return(reader, case_id_of(visit))
        if case.order_id is None:
            raise NotFound(kind="paper", id=kind)
        papers = await returning_papers.papers(reader, case)
    try:
        paper = {"slip": papers.slip, "label": papers.label, "back": papers.back}[kind]()
        content = await documents.render(paper, papers.locale)
    except Fault as fault:
        missing = isinstance(fault, DocumentsUnavailable)
        return visit.respond("store/no_paper.html", status=503, missing=missing, again=visit.page.url)
    return visit.pdf(f"{changes.return_code(case.number)}-{kind}", content)
