"""Webhooks out: who listens to which events, and what became of each delivery."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, text
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from comptoir.runtime.columns import KeyText, flag, id_column, instant, json, key, uuid_column, words

metadata = MetaData(schema="webhooks")

endpoints = Table(
    "endpoints",
    metadata,
    id_column(),
    words("url"),
    words("description"),
    Column("secret", LargeBinary, nullable=False),
    Column("types", ARRAY(KeyText), nullable=False),
    flag("active", default=True),
    instant("created_at", default=True),
    instant("failing_since", nullable=True),
    words("disabled_reason"),
    Column("version", Integer, nullable=False, server_default=text("1")),
)
"""`secret` is encrypted. `types` are event types, or prefixes such as `order.*`."""

deliveries = Table(
    "deliveries",
    metadata,
    id_column(),
    Column("endpoint_id", UUID(as_uuid=True), ForeignKey("webhooks.endpoints.id", ondelete="CASCADE"), nullable=False),
    uuid_column("event_id"),
    key("type"),
    json("payload"),
    key("state"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    instant("created_at"),
    instant("next_at", nullable=True),
    instant("delivered_at", nullable=True),
    Index("deliveries_event", "endpoint_id", "event_id", unique=True),
    Index("deliveries_due", "endpoint_id", "next_at", postgresql_where=text("state = 'pending'")),
    Index("deliveries_created", "endpoint_id", "created_at", "id"),
    CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="deliveries_state"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("delivery_id", UUID(as_uuid=True), ForeignKey("webhooks.deliveries.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    instant("at"),
    Column("status", SmallInteger),
    words("problem"),
    Column("duration_ms", Integer, nullable=False),
    words("response"),
)
