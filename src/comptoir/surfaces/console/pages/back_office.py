"""The areas behind the counter: stock, locations, channels, imports and settings."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from comptoir.surfaces.console.pages import (
    channels,
    counts,
    imports,
    locations,
    pools,
    settings,
    settings_audit,
    settings_system,
    settings_tokens,
    settings_webhooks,
    stock,
    stock_acts,
    stock_ledger,
    stock_sku,
    supplies,
    transfer_plans,
    transfer_steps,
    transfers,
)
from comptoir.surfaces.console.web import Area, Console

AREAS: tuple[Area, ...] = (
    stock.area,
    stock_acts.area,
    stock_ledger.area,
    stock_sku.area,
    counts.area,
    transfers.area,
    transfer_plans.area,
    transfer_steps.area,
    supplies.area,
    locations.area,
    pools.area,
    channels.area,
    imports.area,
    settings.area,
    settings_tokens.area,
    settings_webhooks.area,
    settings_audit.area,
    settings_system.area,
)


def routes(console: Console) -> list[HTTPRouteHandler]:
    """Those that need more than an area gives: files are larger than forms."""
    return [imports.upload_route(console)]
