"""What invoicing refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound, Refusal


class UnknownInvoice(NotFound):
    code = "unknown_invoice"
    title = "No such invoice"


class SellerUnknown(Conflict):
    """Nobody has said yet who sells: an invoice without that is none."""

    code = "seller_unknown"
    title = "Say first who sells"


class NothingToInvoice(Conflict):
    """Nothing of the order has left, or all of it was cancelled."""

    code = "nothing_to_invoice"
    title = "There is nothing to invoice yet"


class ProofBarred(Refusal):
    """Too many wrong answers to who the buyer is: nothing is looked at for `data["retry_after"]` seconds."""

    code = "proof_barred"
    status = 429
    title = "Too many wrong answers"
