"""Stock: the levels, the ledger that is their only writer, reservations, and what moves stock."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import UUID

from comptoir.runtime.columns import Xid8, id_column, instant, key, uuid_column, words

metadata = MetaData(schema="inventory")

BUCKETS = ("on_hand", "reserved", "safety", "damaged", "quality", "incoming")


def _quantity(name: str, *, default: int | None = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=None if default is None else text(str(default)))


levels = Table(
    "levels",
    metadata,
    key("sku", primary_key=True),
    uuid_column("location_id", primary_key=True),
    *[_quantity(bucket) for bucket in BUCKETS],
    Index("levels_location", "location_id", "sku"),
    # On hand may be negative: a sale at the till of what was never counted is a fact.
    CheckConstraint(
        "reserved >= 0 AND safety >= 0 AND damaged >= 0 AND quality >= 0 AND incoming >= 0", name="levels_not_negative"
    ),
    postgresql_with={"fillfactor": "80"},
)

entries = Table(
    "entries",
    metadata,
    Column("tx", Xid8, primary_key=True, server_default=text("pg_current_xact_id()")),
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    instant("at"),
    key("kind"),
    key("sku"),
    uuid_column("location_id"),
    *[_quantity(bucket) for bucket in BUCKETS],
    key("actor"),
    uuid_column("order_id", nullable=True),
    uuid_column("hold_id", nullable=True),
    uuid_column("shipment_id", nullable=True),
    uuid_column("return_id", nullable=True),
    uuid_column("transfer_id", nullable=True),
    uuid_column("supply_id", nullable=True),
    uuid_column("count_id", nullable=True),
    uuid_column("import_id", nullable=True),
    key("reason", nullable=True),
    words("note", nullable=True),
    Index("entries_sku", "sku", "location_id"),
    CheckConstraint(
        "num_nonnulls(order_id, hold_id, shipment_id, return_id, transfer_id, supply_id, count_id, import_id, reason) > 0",
        name="entries_cause",
    ),
)
"""Append-only. Each row changes the level's buckets by these amounts; the level is the sum of its rows."""

reservations = Table(
    "reservations",
    metadata,
    uuid_column("promise_id", primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    uuid_column("location_id", primary_key=True),
    key("sku"),
    _quantity("quantity", default=None),
    instant("hold_until", nullable=True),
    instant("at"),
    Index("reservations_sku", "sku", "location_id"),
    CheckConstraint("quantity > 0", name="reservations_quantity"),
)
"""What is promised now: a row goes when its units are shipped or released. `promise_id` is an order's id, or a cart hold's,
which is the case exactly when `hold_until` is set."""

holds = Table(
    "holds",
    metadata,
    id_column(),
    uuid_column("channel_id"),
    key("cart"),
    instant("expires_at"),
    instant("at"),
    instant("released_at", nullable=True),
    uuid_column("order_id", nullable=True),
    Index("holds_open", "expires_at", postgresql_where=text("released_at IS NULL")),
)

supplies = Table(
    "supplies",
    metadata,
    id_column(),
    key("sku"),
    uuid_column("location_id"),
    _quantity("quantity", default=None),
    _quantity("received"),
    _quantity("cancelled"),
    Column("expected_on", Date, nullable=False),
    words("reference"),
    instant("at"),
    Index("supplies_open", "sku", "expected_on", postgresql_where=text("received + cancelled < quantity")),
    Index("supplies_at", "at", "id"),
    CheckConstraint("quantity > 0 AND received >= 0 AND cancelled >= 0", name="supplies_quantity"),
)
"""What is on its way from a supplier, with the day it is promised for."""

transfers = Table(
    "transfers",
    metadata,
    id_column(),
    Column("number", BigInteger, Identity(), nullable=False, unique=True),
    uuid_column("from_location_id"),
    uuid_column("to_location_id"),
    key("state"),
    words("note"),
    instant("created_at"),
    instant("sent_at", nullable=True),
    instant("received_at", nullable=True),
    key("actor"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("state IN ('draft', 'in_transit', 'partly_received', 'received', 'cancelled')", name="transfers_state"),
    CheckConstraint("from_location_id <> to_location_id", name="transfers_locations"),
)

transfer_lines = Table(
    "transfer_lines",
    metadata,
    Column("transfer_id", UUID(as_uuid=True), ForeignKey("inventory.transfers.id"), primary_key=True),
    key("sku", primary_key=True),
    _quantity("quantity", default=None),
    _quantity("received"),
    _quantity("missing"),
    # A line of quantity 0 is a SKU that arrived without having been sent.
    CheckConstraint("quantity >= 0 AND received >= 0 AND missing >= 0", name="transfer_lines_quantity"),
)

counts = Table(
    "counts",
    metadata,
    id_column(),
    uuid_column("location_id"),
    instant("at"),
    key("actor"),
    words("note"),
    Index("counts_at", "at", "id"),
)

count_lines = Table(
    "count_lines",
    metadata,
    Column("count_id", UUID(as_uuid=True), ForeignKey("inventory.counts.id"), primary_key=True),
    key("sku", primary_key=True),
    _quantity("expected", default=None),
    _quantity("counted", default=None),
)
