"""What a buyer holds in hand: to bring something back, and to collect something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from comptoir.kernel.money import Money
from comptoir.surfaces.documents.contracts.parties import Address, Item, Seller


@dataclass(frozen=True, slots=True)
class ReturnReason:
    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnSlip:
    """To fill in and put into the box, with the address to cut out and stick on it."""

    seller: Seller
    order_number: str
    return_code: str
    """Printed as a QR code and in letters."""
    lines: tuple[Item, ...]
    """What may come back."""
    reasons: tuple[ReturnReason, ...]
    return_to: Address
    customer: Address
    until: date | None = None
    prepaid: bool = False
    """The label that the carrier gave is stuck on instead of the address, and nothing is paid."""
    note: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Open from one local time to another of the same day, in minutes after midnight: 0 <= opens < closes <= 1440."""

    opens: int
    closes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PickupNotice:
    """An order waits in a store: with what code, until when, and who may fetch it."""

    seller: Seller
    order_number: str
    pickup_code: str
    store: Address
    lines: tuple[Item, ...]
    collectors: tuple[str, ...] = ()
    """Who may fetch it by name."""
    proxy: bool = True
    """Anybody else may too who brings this page."""
    hours: tuple[tuple[Interval, ...], ...] = ()
    """The seven days from Monday on; none at all are not stated."""
    closed_on: tuple[date, ...] = ()
    ready_on: date | None = None
    keep_until: date | None = None
    due: Money | None = None
    """What is left to pay in the store."""
    directions: str = ""
    scan: str = ""
    """What the QR code holds; the pickup code where it is empty."""
