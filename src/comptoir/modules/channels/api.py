"""Channels, and the rules by which each may promise stock."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg.errors

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.modules.channels import domain, store
from comptoir.modules.channels.contracts import (
    Channel,
    ChannelChanged,
    ChannelDraft,
    ChannelFilter,
    ChannelId,
    SellingChannel,
)
from comptoir.modules.channels.domain import MAX_HOLD, publishable, publishable_of
from comptoir.modules.channels.errors import ChannelCodeTaken, UnknownChannel
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.errors import UnknownPool
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import Market
from comptoir.modules.pricing.errors import UnknownMarket
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Count, Page

__all__ = ["MAX_HOLD", "publishable", "publishable_of"]


async def create(tx: Tx, draft: ChannelDraft) -> Channel:
    """Raises Invalid (also for a pool or market that does not exist) and ChannelCodeTaken."""
    clean = await _checked(tx, draft)
    made = await store.insert(tx, clean)
    if made is None:
        raise ChannelCodeTaken(code=clean.code)
    tx.emit(ChannelChanged(channel_id=made.id, code=made.code, created=True))
    return made


async def update(tx: Tx, channel_id: ChannelId, draft: ChannelDraft, *, version: int | None = None) -> Channel:
    """The channel as the draft has it. `version` is the one that the caller decided on; None is whichever.

    Raises Invalid, UnknownChannel, Stale and ChannelCodeTaken.
    """
    clean = await _checked(tx, draft)
    try:
        changed = await store.update(tx, channel_id, clean, version)
    except psycopg.errors.UniqueViolation as problem:
        raise ChannelCodeTaken(code=clean.code) from problem
    if changed is None:
        there = await get(tx, channel_id)
        raise Stale(kind="channel", id=channel_id, version=there.version)
    tx.emit(ChannelChanged(channel_id=channel_id, code=changed.code))
    return changed


async def put(tx: Tx, draft: ChannelDraft) -> Channel:
    """The channel of that code as the draft has it, new or not."""
    there = await store.by_code(tx, draft.code.strip())
    return await create(tx, draft) if there is None else await update(tx, there.id, draft)


async def _checked(tx: Tx, draft: ChannelDraft) -> ChannelDraft:
    checks = Checks()
    clean = domain.checked(draft, checks)
    try:
        await locations.pool(tx, clean.pool_id)
    except UnknownPool:
        checks.refuse("pool_id", "is no stock pool")
    try:
        await pricing.market(tx, clean.market)
    except UnknownMarket:
        checks.refuse("market", "is no market")
    checks.done()
    return clean


async def get(reader: Reader, channel_id: ChannelId) -> Channel:
    found = await store.get(reader, channel_id)
    if found is None:
        raise UnknownChannel(kind="channel", id=channel_id)
    return found


async def by_code(reader: Reader, code: str) -> Channel:
    found = await store.by_code(reader, code)
    if found is None:
        raise UnknownChannel(kind="channel", code=code)
    return found


async def everything(reader: Reader) -> list[Channel]:
    """All of them, by code; there are dozens, not thousands."""
    return await store.everything(reader)


async def selling(reader: Reader, code: str) -> SellingChannel:
    """Raises UnknownChannel. Whether it is `active` is for the caller to judge: what an inactive one sold is still a fact."""
    channel = await by_code(reader, code)
    return _selling(channel, await pricing.market(reader, channel.market))


async def all_selling(reader: Reader) -> dict[str, SellingChannel]:
    """Every channel by code, in two statements, for whoever keeps them until `version` moves."""
    markets = {market.code: market for market in await pricing.markets(reader)}
    return {channel.code: _selling(channel, markets[channel.market]) for channel in await store.everything(reader)}


def _selling(channel: Channel, market: Market) -> SellingChannel:
    return SellingChannel(
        id=channel.id,
        code=channel.code,
        name=channel.name,
        kind=channel.kind,
        active=channel.active,
        market=market,
        pool_id=channel.pool_id,
        backorder=channel.backorder,
        rules=channel.rules,
        hold_for=channel.hold_for,
    )


async def version(reader: Reader) -> int:
    """Grows whenever any channel or market is changed: what `selling` gave under the same number is still so."""
    return await store.stamp(reader) + await pricing.markets_version(reader)


async def find(
    reader: Reader, wanted: ChannelFilter, *, sort: str = "code", limit: int = 50, cursor: str | None = None
) -> Page[Channel]:
    """Sorts: code, name, kind, and each with a `-` before it."""
    return await store.LISTING.page(reader, store.where(wanted), sort=sort, limit=limit, cursor=cursor)


async def count(reader: Reader, wanted: ChannelFilter) -> Count:
    return await store.LISTING.count(reader, store.where(wanted))


def stream(reader: Reader, wanted: ChannelFilter, *, sort: str = "code") -> AsyncIterator[Channel]:
    """Every one of them, in order, for exports."""
    return store.LISTING.stream(reader, store.where(wanted), sort=sort)
