"""Notices: in whose name buyers are written to, and what is to go out."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, LargeBinary, MetaData, Table, text
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

house = Table(
    "house",
    metadata,
    Column("single", Integer, primary_key=True, server_default=text("1")),
    Column("quiet_from", Integer, nullable=False, server_default=text("1260")),
    Column("quiet_until", Integer, nullable=False, server_default=text("480")),
    words("gateway_url"),
    Column("gateway_secret", LargeBinary),
    flag("gateway_active", default=False),
    CheckConstraint("single = 1", name="house_one"),
    CheckConstraint("quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439", name="house_quiet"),
    CheckConstraint("NOT gateway_active OR gateway_secret IS NOT NULL", name="house_gateway"),
)
"""What holds for every channel; one row, or none where nobody has changed anything."""

brands = Table(
    "brands",
    metadata,
    key("channel", primary_key=True),
    words("name"),
    key("colour"),
    words("email"),
    words("phone"),
    words("imprint"),
    Column("logo", LargeBinary),
    key("logo_kind"),
    Column("logo_width", Integer, nullable=False, server_default=text("0")),
    Column("logo_height", Integer, nullable=False, server_default=text("0")),
    key("logo_tag"),
    CheckConstraint("(logo IS NULL) = (logo_tag = '')", name="brands_logo"),
)
"""How it looks to buyers; the empty channel is the house."""

consents = Table(
    "consents",
    metadata,
    id_column(),
    key("medium"),
    key("address"),
    Column("allowed", Boolean, nullable=False),
    key("source"),
    instant("at"),
    key("actor"),
    uuid_column("order_id", nullable=True),
    Index("consents_address", "address", "medium", "id"),
    Index(
        "consents_order", "order_id", "medium", unique=True, postgresql_where=text("order_id IS NOT NULL AND source = 'order'")
    ),
)
"""Who wants which messages; a row is never changed, and the latest of an address and a medium holds."""

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
