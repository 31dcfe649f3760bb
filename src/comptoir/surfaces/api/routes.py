"""Every route of the API."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers import ASGIRouteHandler

from comptoir.runtime import log
from comptoir.surfaces.api.answering import Front, failure
from comptoir.surfaces.api.availability import availability
from comptoir.surfaces.api.channels import channels
from comptoir.surfaces.api.counts import stock
from comptoir.surfaces.api.customers import customers
from comptoir.surfaces.api.docs import Docs
from comptoir.surfaces.api.events import events
from comptoir.surfaces.api.examples import Json
from comptoir.surfaces.api.exceptions import exceptions
from comptoir.surfaces.api.facts import facts
from comptoir.surfaces.api.health import health
from comptoir.surfaces.api.holds import holds
from comptoir.surfaces.api.imports import imports
from comptoir.surfaces.api.locations import locations
from comptoir.surfaces.api.mounting import documented, mounted
from comptoir.surfaces.api.openapi import describe
from comptoir.surfaces.api.operations import Resource
from comptoir.surfaces.api.orders import orders
from comptoir.surfaces.api.pools import pools
from comptoir.surfaces.api.prices import prices
from comptoir.surfaces.api.problems import BadRequest, MethodNotAllowed, UnknownRoute
from comptoir.surfaces.api.products import products
from comptoir.surfaces.api.staff import staff
from comptoir.surfaces.api.supplies import supplies
from comptoir.surfaces.api.transfers import transfers
from comptoir.surfaces.api.webhooks import webhooks
from comptoir.surfaces.services import Services

RESOURCES: tuple[Resource, ...] = (
    orders,
    facts,
    holds,
    availability,
    stock,
    supplies,
    transfers,
    locations,
    pools,
    channels,
    products,
    prices,
    customers,
    exceptions,
    events,
    webhooks,
    imports,
    staff,
    health,
)


def routes(services: Services) -> list[ASGIRouteHandler]:
    """For the application."""
    front = Front(services)
    return [*mounted(front, RESOURCES), *documented(Docs(front, description(services.settings.public_url)))]


@lru_cache(maxsize=1)
def description(url: str) -> Json:
    """The OpenAPI document for the API at that address."""
    return describe(RESOURCES, url)


def unrouted(request: Request[Any, Any, Any], problem: Exception) -> Response[bytes]:
    """For the application's exception handlers: a request that got to no handler of ours."""
    refusal = problem
    if isinstance(problem, HTTPException):
        match problem.status_code:
            case 404:
                refusal = UnknownRoute()
            case 405:
                refusal = MethodNotAllowed(allow=(problem.headers or {}).get("allow", ""))
            case _:
                refusal = BadRequest(problem.detail)
    with log.request(request.headers.get("x-request-id", "")) as request_id:
        answer = failure(refusal, request_id)
    headers = {name.decode(): value.decode() for name, value in answer.headers} | {"X-Request-Id": request_id}
    return Response(answer.body, status_code=answer.status, media_type=answer.content_type.decode(), headers=headers)
