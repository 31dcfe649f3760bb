"""The pages of the console, one file per area. `routes` is what the application mounts."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from comptoir.modules.orders import api as orders_api
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import assets
from comptoir.surfaces.console.pages import (
    back_office,
    customers,
    exception_page,
    exceptions,
    live,
    order_acts,
    order_page,
    order_routing,
    orders,
    placing,
    search,
)
from comptoir.surfaces.console.pages.access import access
from comptoir.surfaces.console.pages.feed import Feed
from comptoir.surfaces.console.web import Area, Console, Needs, mounted

AREAS: tuple[Area, ...] = (
    access,
    live.area,
    orders.area,
    order_page.area,
    order_routing.area,
    order_acts.area,
    placing.area,
    exceptions.area,
    exception_page.area,
    customers.area,
    search.area,
    *back_office.AREAS,
)


def console(services: Needs) -> Console:
    """The console of this process; `routes` mounts it, `web.unknown_address` words for it what no route answered."""
    made = Console(services)
    feed = Feed(made, services.metrics)
    made.extras["feed"] = feed
    made.ending.append(feed.stop)
    made.counts["exceptions"] = _open_exceptions
    return made


async def _open_exceptions(reader: Reader) -> int:
    return sum((await orders_api.counts_of_exceptions(reader)).values())


def routes(services: Needs, made: Console | None = None) -> list[HTTPRouteHandler]:
    """Every page, and the static files."""
    own = made or console(services)
    return [assets.route(), *back_office.routes(own), *mounted(own, AREAS)]
