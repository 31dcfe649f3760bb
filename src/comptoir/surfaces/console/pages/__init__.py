"""The pages of the console, one file per area. `routes` is what the application mounts."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from comptoir.surfaces.console import assets
from comptoir.surfaces.console.pages.access import access
from comptoir.surfaces.console.web import Area, Console, Needs, mounted

AREAS: tuple[Area, ...] = (access,)


def console(services: Needs) -> Console:
    """The console of this process; `routes` mounts it, `web.unknown_address` words for it what no route answered."""
    return Console(services)


def routes(services: Needs, made: Console | None = None) -> list[HTTPRouteHandler]:
    """Every page, and the static files."""
    return [assets.route(), *mounted(made or console(services), AREAS)]
