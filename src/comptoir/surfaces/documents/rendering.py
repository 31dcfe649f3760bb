"""Pages as PDF, by WeasyPrint. It is loaded by the first `Printer`, which belongs into a process of its own.

The type comes from our own files, so that a page looks the same wherever it is printed. Letters that our typeface lacks (it has
Latin, Greek and Cyrillic) are taken from what is installed on the machine; where that has none either, it is told.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import re
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comptoir.surfaces.documents.contracts import Document
from comptoir.surfaces.documents.pages import Page, page_of

STATIC = Path(__file__).parent / "static"
_FONT = "font:"
"""The scheme of our own fonts in style sheets."""
_VARIANT = "pdf/ua-1"
"""Tagged, so that it can be read aloud."""
_NOTDEF = re.compile(r"\(U\+([0-9A-F]+)\)")
_LONGEST = 3000
"""Millimetres of a roll in one piece, as in receipt.css."""
_TEAR = 6
"""Millimetres that stay white at the end of a roll."""
_PIXELS_PER_MM = 96 / 25.4


@dataclass(frozen=True, slots=True)
class Printed:
    pdf: bytes
    pages: int
    without_font: tuple[str, ...] = ()
    """Scripts that no font of this machine has; their letters are empty boxes."""


class LibraryMissing(Exception):  # noqa: N818 - named by what it is
    """Pango, HarfBuzz or Fontconfig is not installed."""


class Printer:
    """Makes PDFs; fonts and style sheets are read once. Raises LibraryMissing."""

    def __init__(self) -> None:
        self._weasyprint = _weasyprint()
        self._urls: Any = importlib.import_module("weasyprint.urls")
        self._fonts: Any = importlib.import_module("weasyprint.text.fonts").FontConfiguration()
        self._log = _Log()
        logger = logging.getLogger("weasyprint")
        logger.handlers = [self._log]
        logger.propagate = False
        self._styles = {path.stem: self._style(path.read_text(encoding="utf-8")) for path in sorted(STATIC.glob("*.css"))}

    def printed(self, sheets: Sequence[tuple[Document, str]]) -> Printed:
        """One PDF of all the documents, each in its own language and with page numbers of its own. There is at least one."""
        self._log.lines.clear()
        images: dict[str, Any] = {}  # a logo that is on every page is in the file once
        made = [self._laid_out(page_of(document, locale), images) for document, locale in sheets]
        whole = made[0]
        if len(made) > 1:
            whole = whole.copy([page for one in made for page in one.pages])
            first, last = made[0].metadata, made[-1].metadata
            whole.metadata = type(first)(title=f"{first.title} – {last.title}", authors=first.authors, lang=first.lang)
        return Printed(whole.write_pdf(pdf_variant=_VARIANT), len(whole.pages), self._log.scripts())

    def _laid_out(self, page: Page, images: dict[str, Any]) -> Any:
        styles = [self._styles["common"], self._styles[page.style]]
        document = self._render(page, styles, images)
        if page.roll and len(document.pages) == 1:
            end = float(document.pages[0].anchors["end"][1])
            height = end / _PIXELS_PER_MM + _TEAR
            assert height <= _LONGEST, "it is on one page"
            document = self._render(page, [*styles, self._style(f"@page {{ size: 80mm {height:.1f}mm }}")], images)
        return document

    def _render(self, page: Page, styles: list[Any], images: dict[str, Any]) -> Any:
        html = self._weasyprint.HTML(string=page.html, url_fetcher=self._fetcher(page.pictures))
        return html.render(font_config=self._fonts, stylesheets=styles, cache=images, pdf_variant=_VARIANT)

    def _style(self, text: str) -> Any:
        return self._weasyprint.CSS(string=text, font_config=self._fonts, url_fetcher=self._fetcher({}))

    def _fetcher(self, pictures: Mapping[str, bytes]) -> Any:
        """Gives the fonts that are ours and the pictures that came with the document, and nothing else in the world."""
        answer = self._urls.URLFetcherResponse

        class Own(self._urls.URLFetcher):
            def fetch(self, url: str, headers: object = None) -> Any:
                del headers
                if url in pictures:
                    return answer(url, pictures[url])
                name = url.removeprefix(_FONT)
                if name == url or name not in _fonts():
                    raise ValueError("documents ask for nothing from elsewhere")
                return answer(url, (STATIC / "vendor" / name).read_bytes())

        return Own(allowed_protocols=())


def _weasyprint() -> Any:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        # Without HarfBuzz's subsetter, fonts are subset in Python: slower, but no less good.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return importlib.import_module("weasyprint")
        except OSError as problem:  # it explains itself at length, on the standard output too
            raise LibraryMissing(str(problem).partition(":")[0]) from problem


def _fonts() -> set[str]:
    return {path.name for path in (STATIC / "vendor").glob("*.woff2")}


class _Log(logging.Handler):
    """What WeasyPrint complained about while it made one PDF."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def scripts(self) -> tuple[str, ...]:
        """Which scripts lack a font: names of scripts, not the letters, which may be somebody's name."""
        found = {chr(int(point, 16)) for line in self.lines if ".notdef" in line for point in _NOTDEF.findall(line)}
        return tuple(sorted({unicodedata.name(one, "UNKNOWN").partition(" ")[0].title() for one in found}))
