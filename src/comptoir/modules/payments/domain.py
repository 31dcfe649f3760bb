"""The arithmetic of payments."""

from __future__ import annotations

from collections.abc import Iterable

from comptoir.modules.payments.contracts import Balance, Entry, EntryKind


def balance(entries: Iterable[Entry]) -> Balance:
    """What the entries add up to; what is voided is no longer authorised."""
    authorised = captured = refunded = 0
    for entry in entries:
        match entry.kind:
            case EntryKind.AUTHORISED:
                authorised += entry.amount
            case EntryKind.VOIDED:
                authorised -= entry.amount
            case EntryKind.CAPTURED:
                captured += entry.amount
            case EntryKind.REFUNDED:
                refunded += entry.amount
    return Balance(authorised, captured, refunded)
