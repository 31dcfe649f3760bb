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

from comptoir.runtime.columns import Xid8, flag, id_column, instant, key, uuid_column, words

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
    # The ledger of a location, which those who work there always ask for. A B-tree would be written to at a page of its own for
    # every row that is captured; this one gathers rows and takes them in together, and is a twentieth as large.
    Index("entries_location", text("(ARRAY[location_id])"), postgresql_using="gin"),
    # A few pages for millions of rows: they come in the order of time.
    Index("entries_at", "at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
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
    Column("expected_on", Date),
    _quantity("boxes"),
    words("carrier"),
    words("tracking_number"),
    instant("packed_at", nullable=True),
    Index("transfers_open", "to_location_id", postgresql_where=text("state IN ('draft', 'in_transit', 'partly_received')")),
    CheckConstraint("boxes >= 0", name="transfers_boxes"),
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
    _quantity("unsent"),
    _quantity("surplus"),
    _quantity("damaged"),
    _quantity("picked"),
    _quantity("short"),
    # A line of quantity 0 is a SKU that arrived without having been sent, or of which nothing was found.
    CheckConstraint(
        "least(quantity, received, missing, unsent, surplus, damaged, picked, short) >= 0 AND damaged <= received "
        "AND received + missing + unsent <= quantity + surplus",
        name="transfer_lines_quantity",
    ),
)

transfer_tallies = Table(
    "transfer_tallies",
    metadata,
    Column("transfer_id", UUID(as_uuid=True), ForeignKey("inventory.transfers.id"), primary_key=True),
    key("sku", primary_key=True),
    key("damage", primary_key=True),
    _quantity("units", default=None),
    CheckConstraint("units > 0", name="transfer_tallies_units"),
)
"""What was scanned at the target and is not taken in yet, by why it is damaged; empty is good."""

replenishment_terms = Table(
    "replenishment_terms",
    metadata,
    id_column(),
    uuid_column("location_id", nullable=True),
    uuid_column("pool_id", nullable=True),
    uuid_column("source_id"),
    flag("active", default=True),
    Column("weeks", Integer, nullable=False),
    Column("cover_days", Integer, nullable=False),
    Column("reorder_days", Integer, nullable=False),
    Column("overstock_days", Integer),
    Column("keep_days", Integer, nullable=False),
    Column("quiet_days", Integer, nullable=False),
    Index("replenishment_terms_of", "location_id", "pool_id", unique=True, postgresql_nulls_not_distinct=True),
    CheckConstraint("(location_id IS NULL) <> (pool_id IS NULL)", name="replenishment_terms_of_one"),
    CheckConstraint(
        "weeks > 0 AND 0 < reorder_days AND reorder_days <= cover_days AND overstock_days >= cover_days "
        "AND keep_days >= 0 AND quiet_days >= 0",
        name="replenishment_terms_days",
    ),
)
"""From where and how far a location is filled up, or those of a pool that have no terms of their own."""

packs = Table(
    "packs",
    metadata,
    key("sku", primary_key=True),
    _quantity("multiple", default=None),
    CheckConstraint("multiple > 0", name="packs_multiple"),
)
"""SKUs that move in whole packs of so many units."""

proposals = Table(
    "proposals",
    metadata,
    id_column(),
    uuid_column("from_location_id"),
    uuid_column("to_location_id"),
    key("sku"),
    _quantity("quantity", default=None),
    key("state"),
    _quantity("sold", default=None),
    _quantity("days", default=None),
    _quantity("free", default=None),
    _quantity("incoming", default=None),
    _quantity("wanted", default=None),
    instant("created_at"),
    uuid_column("transfer_id", nullable=True),
    Index("proposals_open", "to_location_id", "from_location_id", "sku", unique=True, postgresql_where=text("state = 'open'")),
    CheckConstraint("state IN ('open', 'accepted', 'dismissed')", name="proposals_state"),
    CheckConstraint("quantity > 0 AND from_location_id <> to_location_id", name="proposals_quantity"),
)
"""Transfers that are proposed, SKU by SKU, with what was seen then: `sold` in so many `days`, what was `free` at the target and
`incoming`, and how much was `wanted` there in all."""

dismissals = Table(
    "dismissals",
    metadata,
    uuid_column("to_location_id", primary_key=True),
    key("sku", primary_key=True),
    instant("until"),
)
"""Proposals that somebody did not want: for so long nothing is proposed there."""

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
