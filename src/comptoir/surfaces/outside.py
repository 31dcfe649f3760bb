"""What strangers may call without an account: the messages of carriers, and the pages of buyers."""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler

from comptoir.runtime.limits import Limiter
from comptoir.surfaces.hooks.carriers import CarrierHooks
from comptoir.surfaces.hooks.texts import TextHooks
from comptoir.surfaces.public.links import PublicLinks
from comptoir.surfaces.public.returning import ReturnPages
from comptoir.surfaces.public.supplying import SupplierPages
from comptoir.surfaces.public.web import PublicPages
from comptoir.surfaces.services import Services
from comptoir.surfaces.supplying import SupplierLinks


class Outside:
    """Of one web process."""

    def __init__(self, services: Services) -> None:
        self._hooks = CarrierHooks(services.database, services.carriage, Limiter(burst=20, seconds=3))
        self._texts = TextHooks(services.database, services.keyring, Limiter(burst=20, seconds=3))
        self._suppliers = SupplierPages(services.database, SupplierLinks(services.keyring, services.settings.public_url))
        links = PublicLinks(services.keyring, services.settings.public_url)
        self._returns = ReturnPages(services.database, services.keyring, links, labels=services.return_labels)
        self._pages = PublicPages(
            services.database,
            PublicLinks(services.keyring, services.settings.public_url),
            carriage=services.carriage,
        )

    def routes(self) -> list[HTTPRouteHandler]:
        return [
            self._hooks.route(),
            self._texts.route(),
            *self._pages.routes(),
            *self._returns.routes(),
            *self._suppliers.routes(),
        ]
