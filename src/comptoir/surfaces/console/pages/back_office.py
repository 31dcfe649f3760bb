"""The areas behind the counter: stock, locations, channels, imports and settings."""

from __future__ import annotations

from comptoir.surfaces.console.pages import (
    counts,
    stock,
    stock_acts,
    stock_ledger,
    stock_sku,
    supplies,
    transfers,
)
from comptoir.surfaces.console.web import Area

AREAS: tuple[Area, ...] = (
    stock.area,
    stock_acts.area,
    stock_ledger.area,
    stock_sku.area,
    counts.area,
    transfers.area,
    supplies.area,
)
