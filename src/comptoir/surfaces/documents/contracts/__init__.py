"""The values that documents are made of. They know no module: who asks for a document fills them in.

Texts are what the database may hold. Amounts are `kernel.money.Money`, weights grams, days `date`; an instant is shown in the
time zone that it comes in. Quantities are whole units; of weighed goods they count thousandths.
"""

from __future__ import annotations

from comptoir.surfaces.documents.contracts.customs import (
    CustomsDeclaration,
    CustomsForm,
    CustomsItem,
    CustomsKind,
)
from comptoir.surfaces.documents.contracts.handing import Interval, PickupNotice, ReturnReason, ReturnSlip
from comptoir.surfaces.documents.contracts.invoices import (
    BankAccount,
    Buyer,
    Exemption,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    PaymentMade,
    SupplyNature,
    VatTotal,
)
from comptoir.surfaces.documents.contracts.parties import Address, Item, ItemLot, LegalIdentity, Seller
from comptoir.surfaces.documents.contracts.purchasing import PurchaseItem, PurchaseOrder
from comptoir.surfaces.documents.contracts.shipping import (
    Manifest,
    ManifestParcel,
    PackingSlip,
    Paper,
    ParcelLabel,
    PickLine,
    PickList,
)

Document = (
    PickList | PackingSlip | ParcelLabel | Manifest | Invoice | ReturnSlip | PickupNotice | CustomsDeclaration | PurchaseOrder
)

KINDS: dict[str, type[Document]] = {
    kind.__name__: kind
    for kind in (
        PickList,
        PackingSlip,
        ParcelLabel,
        Manifest,
        Invoice,
        ReturnSlip,
        PickupNotice,
        CustomsDeclaration,
        PurchaseOrder,
    )
}
"""Every kind of document by its name."""

__all__ = [
    "KINDS",
    "Address",
    "BankAccount",
    "Buyer",
    "CustomsDeclaration",
    "CustomsForm",
    "CustomsItem",
    "CustomsKind",
    "Document",
    "Exemption",
    "Interval",
    "Invoice",
    "InvoiceKind",
    "InvoiceLine",
    "Item",
    "ItemLot",
    "LegalIdentity",
    "Manifest",
    "ManifestParcel",
    "PackingSlip",
    "Paper",
    "ParcelLabel",
    "PaymentMade",
    "PickLine",
    "PickList",
    "PickupNotice",
    "PurchaseItem",
    "PurchaseOrder",
    "ReturnReason",
    "ReturnSlip",
    "Seller",
    "SupplyNature",
    "VatTotal",
]
