"""The pages of the console, one file per area. `routes` is what the application mounts."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from comptoir.modules.orders import api as orders_api
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import assets
from comptoir.surfaces.console.pages import (
    accounts,
    back_office,
    change_page,
    changes,
    customer_erasure,
    customers,
    exception_page,
    exceptions,
    invoices,
    live,
    operations,
    operations_acts,
    operations_requests,
    order_acts,
    order_page,
    order_routing,
    orders,
    placing,
    refunds,
    return_desk,
    return_goods,
    return_inspect,
    return_page,
    return_papers,
    return_policies,
    return_receive,
    returns,
    search,
    takings,
)
from comptoir.surfaces.console.pages.access import access
from comptoir.surfaces.console.pages.feed import Feed
from comptoir.surfaces.console.pages.parcels_tabs import open_troubles
from comptoir.surfaces.console.web import Area, Console, Needs, mounted

AREAS: tuple[Area, ...] = (
    access,
    live.area,
    operations.area,
    operations_acts.area,
    operations_requests.area,
    orders.area,
    accounts.area,
    changes.area,
    refunds.area,
    takings.area,
    change_page.area,
    order_page.area,
    order_routing.area,
    invoices.area,
    invoices.settings,
    order_acts.area,
    placing.area,
    returns.area,
    return_desk.area,
    return_receive.area,
    return_inspect.area,
    return_policies.area,
    return_goods.area,
    return_papers.area,
    return_page.area,
    exceptions.area,
    exception_page.area,
    customers.area,
    customer_erasure.area,
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
    made.counts["parcels"] = open_troubles
    made.counts["returns"] = returns.waiting
    made.counts["changes"] = changes.count_waiting
    made.counts["refunds"] = refunds.count_open
    return made


async def _open_exceptions(reader: Reader) -> int:
    return sum((await orders_api.counts_of_exceptions(reader)).values())


def routes(services: Needs, made: Console | None = None) -> list[HTTPRouteHandler]:
    """Every page, and the static files."""
    own = made or console(services)
    return [assets.route(), *back_office.routes(own), *mounted(own, AREAS)]
