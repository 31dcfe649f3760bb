"""The code of new store credit: its buyer is told it, as the page shows it this once."""

from __future__ import annotations

from collections.abc import Iterable

from comptoir.modules.notices import api as notices
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.payments.contracts import AccountKind
from comptoir.runtime.crypto import Keyring
from comptoir.runtime.database import Tx
from comptoir.runtime.settings import Settings
from comptoir.surfaces.public.links import PublicLinks


async def tell_credit(tx: Tx, settings: Settings, order_id: OrderId, amount: int, code: str | None) -> None:
    """In the transaction that has made it; nothing without a code: then the event of the payment tells the rest."""
    if code is not None:
        keyring = Keyring(settings.secret_key)
        links = PublicLinks(keyring, settings.public_url)
        await notices.tell_credit(tx, order_id, amount, code, keyring, links)


def on_credit(parts: Iterable[tuple[str, int]]) -> int:
    """How much of what was paid back went there."""
    return sum(amount for method, amount in parts if method == AccountKind.STORE_CREDIT)
