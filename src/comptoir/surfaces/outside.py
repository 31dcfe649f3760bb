"""What strangers may call without an account: the messages of carriers, and the pages of buyers."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from comptoir.runtime.http import HttpClient
from comptoir.runtime.limits import Limiter
from comptoir.surfaces.carriage import Carriage
from comptoir.surfaces.hooks.carriers import CarrierHooks
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.web import PublicPages
from comptoir.surfaces.services import Services


class Outside:
    """Of one web process; `close` it at the end."""

    def __init__(self, services: Services) -> None:
        self._http = HttpClient(allow_private=services.may_call_private)
        carriage = Carriage(services.database, services.keyring, self._http)
        self._hooks = CarrierHooks(services.database, carriage, Limiter(burst=20, seconds=3))
        self._pages = PublicPages(services.database, PublicLinks(services.keyring, services.settings.public_url))

    def routes(self) -> list[HTTPRouteHandler]:
        return [self._hooks.route(), *self._pages.routes()]

    async def close(self) -> None:
        await self._http.close()
