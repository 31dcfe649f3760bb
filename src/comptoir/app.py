"""The composition root: the one place that knows every part."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import AsyncGenerator, Sequence

from litestar import Litestar
from litestar.handlers import BaseRouteHandler

from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import ChannelId as OwnChannelId
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ChannelId
from comptoir.modules.webhooks import subscribers as webhooks
from comptoir.runtime.consumers import Consumer
from comptoir.runtime.database import Reader
from comptoir.surfaces.api.resources import routes as api_routes
from comptoir.surfaces.console.pages import routes as console_routes
from comptoir.surfaces.services import Services


def create_app(services: Services) -> Litestar:
    """The web application of one process. `services` are opened by whoever runs it."""

    @contextlib.asynccontextmanager
    async def settled(_: Litestar) -> AsyncGenerator[None]:
        # What is loaded now stays: the collector need not look at it again, and may look at the rest rarely. Its pauses were
        # the largest single entry in the profile of the capture path.
        gc.collect()
        gc.freeze()
        gc.set_threshold(100_000, 50, 1000)
        yield

    routes: list[BaseRouteHandler] = [*api_routes(services), *console_routes(services)]
    return Litestar(routes, openapi_config=None, lifespan=[settled], logging_config=None)


def consumers(services: Services) -> Sequence[Consumer]:  # noqa: ARG001 - every part is made from the services
    """Who follows the event log."""
    return (*orders.consumers(pool_of), webhooks.CONSUMER)


async def pool_of(reader: Reader, channel_id: ChannelId) -> Sequence[LocationId]:
    """The locations that a channel may sell from, by priority."""
    channel = await channels.get(reader, OwnChannelId(channel_id))
    pool = await locations.pool(reader, channel.pool_id)
    return [member.id for member in pool.members if member.active]
