"""Every route of the API."""

from __future__ import annotations

from functools import lru_cache, partial

from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp

from comptoir.surfaces.api.answering import Front
from comptoir.surfaces.api.audit import audit
from comptoir.surfaces.api.availability import availability
from comptoir.surfaces.api.carrier_accounts import carrier_accounts
from comptoir.surfaces.api.carriers import carriers
from comptoir.surfaces.api.cartons import cartons
from comptoir.surfaces.api.changes import changes
from comptoir.surfaces.api.channels import channels
from comptoir.surfaces.api.collections import collections
from comptoir.surfaces.api.counts import stock
from comptoir.surfaces.api.customers import customers
from comptoir.surfaces.api.decisions import decisions
from comptoir.surfaces.api.docs import Docs, written
from comptoir.surfaces.api.documents import documents
from comptoir.surfaces.api.events import events
from comptoir.surfaces.api.examples import Json
from comptoir.surfaces.api.exceptions import exceptions
from comptoir.surfaces.api.facts import facts
from comptoir.surfaces.api.fulfilments import fulfilments
from comptoir.surfaces.api.handover import handover
from comptoir.surfaces.api.health import health
from comptoir.surfaces.api.holds import holds
from comptoir.surfaces.api.imports import imports
from comptoir.surfaces.api.invoices import invoices
from comptoir.surfaces.api.labels import labels
from comptoir.surfaces.api.locations import locations
from comptoir.surfaces.api.lockers import lockers
from comptoir.surfaces.api.lots import lots
from comptoir.surfaces.api.mounting import documented, mounted
from comptoir.surfaces.api.notice_settings import notice_settings
from comptoir.surfaces.api.notices import notices
from comptoir.surfaces.api.openapi import describe
from comptoir.surfaces.api.operations import Resource
from comptoir.surfaces.api.orders import orders
from comptoir.surfaces.api.parcels import parcels
from comptoir.surfaces.api.pools import pools
from comptoir.surfaces.api.prices import prices
from comptoir.surfaces.api.products import products
from comptoir.surfaces.api.promises import promises
from comptoir.surfaces.api.purchases import purchases
from comptoir.surfaces.api.refunds import refunds
from comptoir.surfaces.api.replenishment import replenishment
from comptoir.surfaces.api.return_goods import returns
from comptoir.surfaces.api.routing import routing
from comptoir.surfaces.api.run_schedules import run_schedules
from comptoir.surfaces.api.serviceability import serviceability
from comptoir.surfaces.api.simulations import simulations
from comptoir.surfaces.api.staff import staff
from comptoir.surfaces.api.substitutes import substitutes
from comptoir.surfaces.api.suppliers import suppliers
from comptoir.surfaces.api.supplies import supplies
from comptoir.surfaces.api.takings import takings
from comptoir.surfaces.api.transfer_floor import transfer_floor
from comptoir.surfaces.api.transfers import transfers
from comptoir.surfaces.api.waves import waves
from comptoir.surfaces.api.webhooks import webhooks
from comptoir.surfaces.services import Services

RESOURCES: tuple[Resource, ...] = (
    orders,
    changes,
    returns,
    refunds,
    takings,
    invoices,
    fulfilments,
    collections,
    lockers,
    waves,
    documents,
    cartons,
    labels,
    handover,
    parcels,
    facts,
    holds,
    availability,
    promises,
    stock,
    supplies,
    transfers,
    transfer_floor,
    replenishment,
    substitutes,
    lots,
    purchases,
    suppliers,
    locations,
    pools,
    channels,
    routing,
    run_schedules,
    decisions,
    simulations,
    carriers,
    carrier_accounts,
    serviceability,
    notices,
    notice_settings,
    products,
    prices,
    customers,
    exceptions,
    events,
    webhooks,
    imports,
    staff,
    audit,
    health,
)


def routes(services: Services) -> tuple[ASGIApp, list[ASGIRouteHandler]]:
    """For the application: what answers all that is under `ROOT`, and the handlers of what is not."""
    front = Front(services)
    answer, others = mounted(front, RESOURCES)
    return answer, [*others, *documented(Docs(front, partial(_document, services.settings.public_url)))]


@lru_cache(maxsize=1)
def description(url: str) -> Json:
    """The OpenAPI document for the API at that address."""
    return describe(RESOURCES, url)


@lru_cache(maxsize=1)
def _document(url: str) -> bytes:
    return written(describe(RESOURCES, url))
