"""Channels, and the rules by which each may promise stock."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, MetaData, Table, text

from comptoir.runtime.columns import flag, id_column, instant, key, uuid_column, words

metadata = MetaData(schema="channels")

channels = Table(
    "channels",
    metadata,
    id_column(),
    key("code", unique=True),
    words("name"),
    key("kind"),
    uuid_column("pool_id"),
    key("market"),
    flag("active", default=True),
    flag("backorder", default=False),
    Column("buffer", Integer, nullable=False, server_default=text("0")),
    Column("publish_percent", Integer, nullable=False, server_default=text("100")),
    Column("publish_max", Integer),
    Column("publish_min", Integer, nullable=False, server_default=text("0")),
    Column("stop_below", Integer, nullable=False, server_default=text("0")),
    Column("hold_for", Integer, nullable=False, server_default=text("600")),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint(
        "kind IN ('web', 'app', 'pos', 'marketplace', 'social', 'phone', 'email', 'b2b', 'agent')", name="channels_kind"
    ),
    CheckConstraint(
        "buffer >= 0 AND publish_percent BETWEEN 0 AND 100 AND publish_max >= 0 AND publish_min >= 0 AND stop_below >= 0 "
        "AND hold_for BETWEEN 1 AND 2592000",
        name="channels_rules",
    ),
)
"""`hold_for` is in seconds. What a channel may promise of a SKU: available in its pool, less `buffer`, times `publish_percent`,
at most `publish_max`, at least `publish_min` (never more than there is), and nothing below `stop_below`."""
