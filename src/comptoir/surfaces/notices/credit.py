"""The code of new store credit: its buyer is told it, as the page shows it this once."""

from __future__ import annotations

from typing import Protocol

from comptoir.modules.notices import api as notices
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Tx
from comptoir.runtime.settings import Settings
from comptoir.surfaces.public.links import PublicLinks


class Needs(Protocol):
    """What the services of a process give."""

    @property
    def keyring(self) -> Keyring: ...
    @property
    def settings(self) -> Settings: ...


async def tell_credit(tx: Tx, services: Needs, order_id: OrderId, amount: int, code: str | None) -> None:
    """In the transaction that has made it; nothing without a code: then the event of the payment tells the rest."""
    if code is not None:
        links = PublicLinks(services.keyring, services.settings.public_url)
        await notices.tell_credit(tx, order_id, amount, code, services.keyring, links)
