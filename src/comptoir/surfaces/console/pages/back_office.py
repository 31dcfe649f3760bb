"""The areas behind the counter: stock, locations, channels, imports and settings."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from comptoir.surfaces.console.pages import (
    carriers,
    channels,
    counts,
    imports,
    locations,
    pools,
    routing,
    routing_sets,
    routing_sites,
    settings,
    settings_audit,
    settings_system,
    settings_tokens,
    settings_webhooks,
    simulations,
    stock,
    stock_acts,
    stock_ledger,
    stock_sku,
    store,
    store_collect,
    store_pack,
    store_papers,
    store_pick,
    store_waves,
    supplies,
    transfer_plans,
    transfer_steps,
    transfers,
)
from comptoir.surfaces.console.web import Area, Console

AREAS: tuple[Area, ...] = (
    store.area,
    store_pick.area,
    store_waves.area,
    store_pack.area,
    store_collect.area,
    store_papers.area,
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
    routing.area,
    routing_sets.area,
    routing_sites.area,
    simulations.area,
    carriers.area,
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
