"""Values of the payment ledger that others may hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from comptoir.kernel.money import Currency

PaymentId = NewType("PaymentId", UUID)


class EntryKind(StrEnum):
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Entry:
    """Money that moved, or was promised to move, for one order. `amount` is positive minor units."""

    id: PaymentId
    order_id: UUID
    kind: EntryKind
    method: str
    amount: int
    currency: Currency
    reference: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Balance:
    """The sums of an order's entries."""

    authorised: int = 0
    captured: int = 0
    refunded: int = 0
