"""Why a document is not printed."""

from __future__ import annotations

from comptoir.kernel.errors import Fault, Refusal, Remedy


class DocumentsUnavailable(Fault):
    """PDFs are made with Pango and HarfBuzz, which this machine lacks. `tools/pango.sh` installs them on Debian and Ubuntu, and
    says what to install elsewhere. Everything but documents works without.
    """

    code = "documents_unavailable"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, remedy=Remedy.MERCHANT)


class DocumentsBusy(Fault):
    """As many documents wait to be printed by this process as will be soon. Retry."""

    code = "documents_busy"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, remedy=Remedy.WAIT, retry_after=5)


class DocumentNotPrinted(Fault):
    """Printing took too long or broke off twice. The document itself was not changed."""

    code = "document_not_printed"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, remedy=Remedy.NOBODY)


class DocumentTooLarge(Refusal):
    """`data` has how many documents and lines were asked for, and how many may be at once: ask for fewer at a time."""

    code = "document_too_large"
    status = 413
    title = "That is too much for one PDF"
