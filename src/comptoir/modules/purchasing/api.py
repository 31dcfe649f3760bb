"""The door to purchasing."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import OrderId
from comptoir.modules.purchasing.answering import acknowledge, decline, ship, withdraw
from comptoir.modules.purchasing.asking import (
    articles,
    claim,
    letters,
    put_articles,
    put_terms,
    remind,
    send_again,
    settle_letter,
    supplier,
    take_feed,
    terms_of,
)
from comptoir.modules.purchasing.contracts import Purchase, PurchaseFilter, PurchaseId, PurchaseState, Terms
from comptoir.modules.purchasing.domain import LIVE, STEPS, cost_of
from comptoir.modules.purchasing.errors import UnknownPurchase
from comptoir.modules.purchasing.following import consumers, follow, review, suppliers
from comptoir.modules.purchasing.store import asking as terms_store
from comptoir.modules.purchasing.store import purchases as store
from comptoir.modules.purchasing.store.forgetting import forget_buyers
from comptoir.modules.purchasing.store.whereabouts import whereabouts
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Count, Page

__all__ = [
    "LIVE",
    "STEPS",
    "acknowledge",
    "articles",
    "claim",
    "consumers",
    "cost_of",
    "decline",
    "follow",
    "forget_buyers",
    "letters",
    "put_articles",
    "put_terms",
    "remind",
    "review",
    "send_again",
    "settle_letter",
    "ship",
    "supplier",
    "suppliers",
    "take_feed",
    "terms_of",
    "whereabouts",
    "withdraw",
]


async def find(
    reader: Reader, wanted: PurchaseFilter, *, sort: str = "-number", limit: int = 50, cursor: str | None = None
) -> Page[Purchase]:
    """With their lines. Sorts: number, -number."""
    page = await store.LISTING.page(reader, store.where(wanted), sort=sort, limit=limit, cursor=cursor)
    return Page(await store.with_lines(reader, page.items), page.next, page.previous)


async def count(reader: Reader, wanted: PurchaseFilter) -> Count:
    return await store.LISTING.count(reader, store.where(wanted))


async def counts(reader: Reader) -> dict[PurchaseState, int]:
    """How many are in each state that is not over."""
    return await store.counts(reader)


async def get(reader: Reader, purchase_id: PurchaseId, *, at: LocationId | None = None) -> Purchase:
    """With its lines. Raises UnknownPurchase, also for one of another location than `at`."""
    found = await store.get(reader, [purchase_id])
    if not found or at not in {None, found[0].location_id}:
        raise UnknownPurchase(kind="purchase", id=purchase_id)
    return found[0]


async def all_terms(reader: Reader, ids: Sequence[LocationId]) -> dict[LocationId, Terms]:
    """Of those of these locations that somebody has set."""
    return await terms_store.terms(reader, ids)


async def of_orders(reader: Reader, ids: Sequence[OrderId]) -> list[Purchase]:
    """All of these orders', by number, with their lines."""
    return await store.of_orders(reader, ids)
