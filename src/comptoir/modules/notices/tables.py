"""Notices: in whose name buyers are written to, and what is to go out."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, MetaData, Table, text
from sqlalchemy.dialects.postgresql import ARRAY

from comptoir.runtime.columns import KeyText, flag, id_column, instant, key, uuid_column, words

metadata = MetaData(schema="notices")

senders = Table(
    "senders",
    metadata,
    key("channel", primary_key=True),
    words("name"),
    words("email"),
    words("reply_to"),
    words("phone"),
    Column("media", ARRAY(KeyText), nullable=False),
    flag("active", default=True),
)

outbox = Table(
    "outbox",
    metadata,
    id_column(),
    uuid_column("order_id"),
    key("channel"),
    key("kind"),
    key("medium"),
    key("about"),
    key("locale"),
    key("zone"),
    Column("sealed", LargeBinary),
    key("state"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    words("problem"),
    instant("created_at"),
    instant("next_at", nullable=True),
    instant("sent_at", nullable=True),
    Index("outbox_once", "about", "kind", "medium", unique=True),
    Index("outbox_due", "next_at", postgresql_where=text("state = 'pending'")),
    Index("outbox_order", "order_id"),
    Index("outbox_created", "created_at", "id"),
    Index("outbox_open", "state", postgresql_where=text("state <> 'sent' AND sealed IS NOT NULL")),
    CheckConstraint("state IN ('pending', 'sent', 'failed')", name="outbox_state"),
)
"""`about` is what happened: the order, the shipment, the parcel and its attempt. `sealed`, whom it goes to and what it says, is
encrypted, and forgotten once it has gone.
"""
