"""The declarations of the Universal Postal Union that go on a parcel which crosses a customs border."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from comptoir.kernel.money import Money, total
from comptoir.surfaces.documents.contracts.parties import Address


class CustomsForm(StrEnum):
    """CN 22 goes with a value of up to 300 special drawing rights, CN 23 with more; the caller knows the rate of the day."""

    CN22 = "cn22"
    CN23 = "cn23"


class CustomsKind(StrEnum):
    """What a parcel is to the customs."""

    SALE = "sale"
    GIFT = "gift"
    DOCUMENTS = "documents"
    SAMPLE = "sample"
    RETURN = "return"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomsItem:
    """`weight` is net, and with `value` that of all the units together."""

    description: str
    quantity: int
    weight: int
    value: Money
    hs_code: str = ""
    """The first six digits at least of its number in the Harmonised System."""
    origin: str = ""
    """The country where it was made, ISO 3166-1 alpha-2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomsDeclaration:
    """In French and English at once, whoever reads: French is the language of the postal union.

    Raises ValueError when nothing is declared, or when values are of several currencies.
    """

    form: CustomsForm
    kind: CustomsKind
    sender: Address
    recipient: Address
    items: tuple[CustomsItem, ...]
    tracking_number: str = ""
    gross_weight: int | None = None
    """With the packaging; the sum of the items where it is None."""
    explanation: str = ""
    """What `CustomsKind.OTHER` is."""
    sender_reference: str = ""
    """EORI or VAT number; IOSS for small consignments into the European Union."""
    recipient_reference: str = ""
    recipient_email: str = ""
    invoice_number: str = ""
    licence: str = ""
    certificate: str = ""
    postage: Money | None = None
    comments: str = ""
    declared_on: date | None = None
    signed_by: str = ""

    def __post_init__(self) -> None:
        if not self.items:
            raise ValueError("a customs declaration declares something")
        _ = self.value

    @property
    def value(self) -> Money:
        """Of all that is in the parcel."""
        return total((item.value for item in self.items), self.items[0].value.currency)

    @property
    def weight(self) -> int:
        return sum(item.weight for item in self.items) if self.gross_weight is None else self.gross_weight
