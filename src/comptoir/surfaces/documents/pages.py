"""Documents as HTML, by Jinja. No I/O but reading templates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from comptoir.surfaces.documents import reading
from comptoir.surfaces.documents.contracts import (
    CustomsDeclaration,
    CustomsForm,
    Document,
    Invoice,
    Manifest,
    PackingSlip,
    Paper,
    ParcelLabel,
    PickList,
    PickupNotice,
    PurchaseOrder,
    ReturnSlip,
)
from comptoir.surfaces.documents.picking import stops

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Page:
    """A document as HTML, with what it takes to print it."""

    html: str
    style: str
    """Which style sheet it wants beside the common one."""
    pictures: dict[str, bytes]
    """By their addresses."""

    @property
    def roll(self) -> bool:
        """It is as long as what is on it."""
        return self.style == "receipt"


def page_of(document: Document, locale: str) -> Page:
    """The document in the language of the locale where we have its words, and in English otherwise."""
    template, style = _form(document)
    with reading.reading(locale) as reader:
        html = environment().get_template(f"{template}.html").render(it=document, **_beside(document))
    return Page(html, style, reader.pictures)


def _form(document: Document) -> tuple[str, str]:
    """Its template and its style sheet."""
    match document:
        case PickList():
            form = ("pick_receipt", "receipt") if document.paper is Paper.RECEIPT else ("pick_list", "a4")
        case PackingSlip():
            form = "packing_slip", "a4"
        case ParcelLabel():
            form = "parcel_label", "label"
        case Manifest():
            form = "manifest", "a4"
        case Invoice():
            form = "invoice", "a4"
        case ReturnSlip():
            form = "return_slip", "a4"
        case PickupNotice():
            form = "pickup_notice", "a4"
        case PurchaseOrder():
            form = "purchase_order", "a4"
        case CustomsDeclaration():
            form = ("cn22", "label") if document.form is CustomsForm.CN22 else ("cn23", "cn23")
    return form


def _beside(document: Document) -> dict[str, object]:
    """What the template needs beside the document itself."""
    return {"stops": stops(document.lines)} if isinstance(document, PickList) else {}


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The one environment of documents."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=reading.clean,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        optimized=False,  # it would fold words into the language of whoever came first
        extensions=["jinja2.ext.i18n"],
    )
    env.install_gettext_callables(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        reading.gettext, reading.ngettext, newstyle=True, pgettext=reading.pgettext, npgettext=reading.npgettext
    )
    cast("dict[str, object]", env.filters).update(reading.FILTERS)
    cast("dict[str, object]", env.globals).update(reading.FUNCTIONS)
    return env
