"""Quantities: whole units; weighed goods count thousandths."""

from __future__ import annotations

from typing import NewType

Sku = NewType("Sku", str)
"""Names what is stocked and sold. Case matters, spaces at the ends do not exist."""

MAX_QUANTITY = 1_000_000_000
"""Far above any stock level, far below what a 4-byte integer holds, so that sums of two never overflow a column."""

MAX_SKU_LENGTH = 80


def sku(text: str) -> Sku:
    """A clean SKU; raises ValueError when it is empty, too long or holds control characters."""
    clean = text.strip()
    if not clean or len(clean) > MAX_SKU_LENGTH or not clean.isprintable():
        msg = f"a SKU has 1 to {MAX_SKU_LENGTH} printable characters"
        raise ValueError(msg)
    return Sku(clean)


def quantity(value: int) -> int:
    """A quantity to sell or move: 1 to MAX_QUANTITY; raises ValueError otherwise."""
    if not 1 <= value <= MAX_QUANTITY:
        msg = f"a quantity is a whole number from 1 to {MAX_QUANTITY}"
        raise ValueError(msg)
    return value
