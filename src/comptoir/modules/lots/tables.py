"""Lots: what SKUs ask for, the lots, how much of each lies where, the ledger of that, and which order got which."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
)
from sqlalchemy import text as sql

from comptoir.runtime.columns import Xid8, instant, key, uuid_column, words

metadata = MetaData(schema="lots")

terms = Table(
    "terms",
    metadata,
    key("sku", primary_key=True),
    key("tracks"),
    Column("shelf_life_left", Integer, nullable=False),
    Column("transit_days", Integer, nullable=False),
    CheckConstraint("tracks IN ('lot', 'expiry')", name="terms_tracks"),
    CheckConstraint("shelf_life_left >= 0 AND transit_days >= 0", name="terms_days"),
)
"""The SKUs that have lots. All others have no row anywhere here, and cost nothing."""

lots = Table(
    "lots",
    metadata,
    key("sku", primary_key=True),
    key("code", primary_key=True),
    Column("expires_on", Date),
    instant("at"),
    instant("blocked_at", nullable=True),
    words("blocked_note"),
)

shelves = Table(
    "shelves",
    metadata,
    key("sku", primary_key=True),
    key("code", primary_key=True),
    uuid_column("location_id", primary_key=True),
    Column("on_hand", Integer, nullable=False, server_default=sql("0")),
    Column("held", Integer, nullable=False, server_default=sql("0")),
    instant("received_at"),
    instant("changed_at"),
    ForeignKeyConstraint(["sku", "code"], ["lots.lots.sku", "lots.lots.code"]),
    Index("shelves_location", "location_id", "sku"),
    CheckConstraint("0 <= held AND held <= on_hand", name="shelves_held"),
)
"""`held` of `on_hand` are in the quality hold of the level, so that nobody promises them."""

entries = Table(
    "entries",
    metadata,
    Column("tx", Xid8, primary_key=True, server_default=sql("pg_current_xact_id()")),
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    instant("at"),
    key("actor"),
    key("kind"),
    key("sku"),
    key("code"),
    uuid_column("location_id"),
    Column("on_hand", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    uuid_column("order_id", nullable=True),
    uuid_column("fulfilment_id", nullable=True),
    uuid_column("transfer_id", nullable=True),
    key("reason"),
    words("note"),
    Index("entries_lot", "sku", "code", "location_id"),
    CheckConstraint("on_hand <> 0 OR held <> 0", name="entries_change"),
)
"""Append-only: a shelf is the sum of its rows."""

picks = Table(
    "picks",
    metadata,
    uuid_column("fulfilment_id", primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    key("sku", primary_key=True),
    key("code", primary_key=True),
    uuid_column("order_id"),
    uuid_column("location_id"),
    Column("quantity", Integer, nullable=False),
    instant("at"),
    key("actor"),
    Index("picks_lot", "sku", "code", "at"),
    Index("picks_order", "order_id"),
    CheckConstraint("quantity > 0", name="picks_quantity"),
)
"""Which lot went into which line."""

carried = Table(
    "carried",
    metadata,
    uuid_column("transfer_id", primary_key=True),
    key("sku", primary_key=True),
    key("code", primary_key=True),
    Column("sent", Integer, nullable=False, server_default=sql("0")),
    Column("received", Integer, nullable=False, server_default=sql("0")),
    Column("missing", Integer, nullable=False, server_default=sql("0")),
    Column("assumed", Boolean, nullable=False, server_default=sql("false")),
    Column("read_out", Integer, nullable=False, server_default=sql("0")),
    Column("read_in", Integer, nullable=False, server_default=sql("0")),
    Index("carried_lot", "sku", "code"),
    CheckConstraint("sent >= 0 AND received >= 0 AND missing >= 0 AND read_out >= 0 AND read_in >= 0", name="carried_units"),
)
"""Which lots are in which transfer; those of which nobody knows have no code. `read_out` and `read_in` are units that somebody
has scanned at either end, and that have not left or been taken in yet.
"""
