"""All the SQL of channels."""

from __future__ import annotations

from typing import Any

from psycopg.rows import TupleRow

from comptoir.kernel.ids import uuid7
from comptoir.modules.channels.contracts import (
    Channel,
    ChannelDraft,
    ChannelFilter,
    ChannelId,
    ChannelKind,
    PublishRules,
)
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Key, Listing, Where, sorts

_PLAIN = ("code", "name", "kind", "pool_id", "market", "active", "backorder", "hold_for")
_RULES = ("buffer", "publish_percent", "publish_max", "publish_min", "stop_below")
_FIELDS = (*_PLAIN, *_RULES)
_READ = ("id", "version", "created_at", "updated_at", *_FIELDS)
_COLUMNS = ", ".join(_READ)

INSERT = f"""
INSERT INTO channels.channels (id, created_at, updated_at, {", ".join(_FIELDS)})
VALUES (%(id)s, %(now)s, %(now)s, {", ".join(f"%({name})s" for name in _FIELDS)})
ON CONFLICT (code) DO NOTHING
RETURNING {_COLUMNS}"""

UPDATE = f"""
UPDATE channels.channels
SET {", ".join(f"{name} = %({name})s" for name in _FIELDS)}, version = version + 1, updated_at = %(now)s
WHERE id = %(id)s AND (%(version)s::int IS NULL OR version = %(version)s)
RETURNING {_COLUMNS}"""

STAMP = "SELECT coalesce(sum(version), 0) FROM channels.channels"
"""Channels are never deleted and every change adds to a version, so that what is committed has a sum of its own."""


def _channel(row: TupleRow) -> Channel:
    fields: dict[str, Any] = dict(zip(_READ, row, strict=True))
    rules = PublishRules(**{name: fields.pop(name) for name in _RULES})
    fields["kind"] = ChannelKind(fields["kind"])
    return Channel(**fields, rules=rules)


def _params(draft: ChannelDraft) -> dict[str, object]:
    plain = {name: getattr(draft, name) for name in _PLAIN}
    return plain | {name: getattr(draft.rules, name) for name in _RULES}


LISTING = Listing(
    _COLUMNS,
    "channels.channels",
    _channel,
    sorts(
        ("code", [Key("code")]),
        ("name", [Key("runtime.plain(name)"), Key("code")]),
        ("kind", [Key("kind"), Key("code")]),
    ),
)


def where(wanted: ChannelFilter) -> Where:
    where = Where()
    where.search(wanted.search, "name", code="code")
    where.equal("kind", wanted.kind)
    where.equal("active", wanted.active)
    where.equal("pool_id", wanted.pool)
    where.equal("market", wanted.market)
    return where


async def insert(tx: Tx, draft: ChannelDraft) -> Channel | None:
    """None when another channel has the code."""
    row = await tx.row(INSERT, _params(draft) | {"id": uuid7(), "now": tx.now})
    return None if row is None else _channel(row)


async def update(tx: Tx, channel_id: ChannelId, draft: ChannelDraft, version: int | None) -> Channel | None:
    """None when there is none with this id and version."""
    row = await tx.row(UPDATE, _params(draft) | {"id": channel_id, "version": version, "now": tx.now})
    return None if row is None else _channel(row)


async def get(reader: Reader, channel_id: ChannelId) -> Channel | None:
    row = await reader.row(f"SELECT {_COLUMNS} FROM channels.channels WHERE id = %(id)s", {"id": channel_id})
    return None if row is None else _channel(row)


async def by_code(reader: Reader, code: str) -> Channel | None:
    row = await reader.row(f"SELECT {_COLUMNS} FROM channels.channels WHERE code = %(code)s", {"code": code})
    return None if row is None else _channel(row)


async def everything(reader: Reader) -> list[Channel]:
    return [_channel(row) for row in await reader.rows(f"SELECT {_COLUMNS} FROM channels.channels ORDER BY code")]


async def stamp(reader: Reader) -> int:
    return int(await reader.value(STAMP))
