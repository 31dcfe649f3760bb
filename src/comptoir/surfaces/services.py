"""What a process of Comptoir is made of: opened once, passed to every surface, closed in the opposite order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import structlog

from comptoir.kernel.errors import Fault
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Principal
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Database
from comptoir.runtime.http import HttpClient
from comptoir.runtime.limits import Limiter
from comptoir.runtime.metrics import Metrics
from comptoir.runtime.settings import Settings
from comptoir.runtime.tasks import end
from comptoir.surfaces.availability import AvailabilityDesk
from comptoir.surfaces.capture import CaptureDesk
from comptoir.surfaces.carriage import Carriage
from comptoir.surfaces.parcels import ParcelDesk
from comptoir.surfaces.pools import pool_id_of
from comptoir.surfaces.promising import PromiseDesk
from comptoir.surfaces.return_labels import ReturnLabels
from comptoir.surfaces.selling import Counters

log = structlog.get_logger("comptoir.services")

_MARK_USED_EVERY = 30.0
_LOCK_WITHIN_MS = 2000
"""Who answers people and shops does not wait longer for somebody who holds a row; bulk work elsewhere does."""


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one process. `assemble` makes them; they work while `running`."""

    settings: Settings
    database: Database
    metrics: Metrics
    keyring: Keyring
    desk: CaptureDesk
    counters: Counters
    availability: AvailabilityDesk
    promises: PromiseDesk
    http: HttpClient
    """For all calls out of this process, which never happen inside a transaction."""
    carriage: Carriage
    parcels: ParcelDesk
    return_labels: ReturnLabels
    tokens: staff.TokenCache
    strangers: Limiter
    """Slows down whoever guesses tokens; by address."""
    may_call_private: bool = False
    """Whether calls may go to private addresses: only where a test or a developer says so."""
    releasing: fulfilment.Setting = field(default_factory=lambda: fulfilment.Setting(pool_id_of))
    """What routing knows of the house, asked for once and again when it has changed."""
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while `running`."""

    @classmethod
    def assemble(
        cls,
        settings: Settings,
        url: str,
        *,
        application: str = "comptoir-web",
        connections: int = 10,
        metrics: Metrics | None = None,
    ) -> Services:
        """Makes the parts without opening any: no connection, no task."""
        database = Database(url, max_connections=connections, application=application, lock_timeout_ms=_LOCK_WITHIN_MS)
        metrics = metrics or Metrics()
        metrics.watch_pool("main", database.stats)
        keyring = Keyring(settings.secret_key)
        http = HttpClient(allow_private=settings.allow_private_hosts)
        carriage = Carriage(database, keyring, http, allow_private=settings.allow_private_hosts)
        parcels = ParcelDesk(database, keyring, http, carriage)

        async def lookup(secret: str) -> Principal:
            async with database.read() as reader:
                return await staff.authenticate(reader, secret)

        return cls(
            settings=settings,
            database=database,
            metrics=metrics,
            keyring=keyring,
            desk=CaptureDesk(database, metrics),
            counters=Counters(database),
            availability=AvailabilityDesk(database),
            promises=PromiseDesk(database),
            http=http,
            carriage=carriage,
            parcels=parcels,
            return_labels=ReturnLabels(database, parcels, carriage),
            tokens=staff.TokenCache(lookup),
            strangers=Limiter(burst=20, seconds=3),
            may_call_private=settings.allow_private_hosts,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[Services]:
        """Opens everything, and closes it at the end: first what takes work, then what the work needs."""
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self.metrics.told())
            await stack.enter_async_context(self.database)
            stack.push_async_callback(self.http.close)
            self.desk.start()
            stack.push_async_callback(self.desk.stop)
            self.availability.start()
            stack.push_async_callback(self.availability.stop)
            self.promises.start()
            stack.push_async_callback(self.promises.stop)
            marking = asyncio.create_task(self._mark_used(), name="tokens-used")
            stack.push_async_callback(end, marking)
            self.ready.set()
            stack.callback(self.ready.clear)
            yield self

    async def _mark_used(self) -> None:
        while True:
            await asyncio.sleep(_MARK_USED_EVERY)
            await self.mark_used()

    async def mark_used(self) -> None:
        """Writes down which tokens were used: a courtesy to whoever looks at the list, and not missed when it fails."""
        used = self.tokens.take_used()
        if not used:
            return
        try:
            async with self.database.transaction() as tx:
                await staff.mark_used(tx, used)
        except Fault as fault:
            log.warning("the use of tokens could not be written down", problem=fault.detail)


@contextlib.asynccontextmanager
async def open_services(
    settings: Settings,
    url: str | None = None,
    *,
    application: str = "comptoir-web",
    connections: int = 10,
    metrics: Metrics | None = None,
) -> AsyncGenerator[Services]:
    """The parts of this process, opened. `url` is for when the settings name no database: the embedded server's."""
    where = url or settings.database_url
    assert where is not None, "start the embedded server first and give its address"
    services = Services.assemble(settings, where, application=application, connections=connections, metrics=metrics)
    async with services.running():
        yield services
