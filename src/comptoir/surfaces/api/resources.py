"""Every resource of the API, and the routes that they make."""

from __future__ import annotations

from litestar.handlers import ASGIRouteHandler

from comptoir.surfaces.api.answering import Front
from comptoir.surfaces.api.availability import availability
from comptoir.surfaces.api.docs import Docs
from comptoir.surfaces.api.facts import facts
from comptoir.surfaces.api.health import health
from comptoir.surfaces.api.holds import holds
from comptoir.surfaces.api.mounting import documented, mounted
from comptoir.surfaces.api.openapi import describe
from comptoir.surfaces.api.orders import orders
from comptoir.surfaces.api.placing import placing
from comptoir.surfaces.api.stock import stock
from comptoir.surfaces.api.supplies import supplies
from comptoir.surfaces.api.transfers import transfers
from comptoir.surfaces.services import Services

RESOURCES = (placing, orders, facts, holds, availability, stock, supplies, transfers, health)


def routes(services: Services) -> list[ASGIRouteHandler]:
    front = Front(services)
    return [*mounted(front, RESOURCES), documented(Docs(front, describe(RESOURCES, services.settings.public_url)))]
