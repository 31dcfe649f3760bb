"""Changes of orders, returns, and the terms on which something may come back."""

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
    LargeBinary,
    MetaData,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from comptoir.modules.changes.contracts import LabelStanding
from comptoir.runtime.columns import KeyText, amount, flag, id_column, instant, json, key, uuid_column, words

metadata = MetaData(schema="changes")


def _version() -> Column[int]:
    return Column("version", Integer, nullable=False, server_default=text("1"))


def _texts(name: str) -> Column[list[str]]:
    return Column(name, ARRAY(KeyText), nullable=False, server_default=text("'{}'"))


changes = Table(
    "changes",
    metadata,
    id_column(),
    Column("number", BigInteger, Identity(start=1), nullable=False),
    uuid_column("order_id"),
    key("kind"),
    key("state"),
    json("actions"),
    words("reason"),
    words("note"),
    flag("needs_approval", default=False),
    Column("given", BigInteger, nullable=False, server_default=text("0")),
    Column("order_version", Integer, nullable=False),
    instant("requested_at"),
    key("requested_by"),
    instant("decided_at", nullable=True),
    key("decided_by", nullable=True),
    words("decision"),
    instant("ended_at", nullable=True),
    key("ended_by", nullable=True),
    instant("waits_since", nullable=True),
    uuid_column("shipment_id", nullable=True),
    _version(),
    Index("changes_open", "order_id", unique=True, postgresql_where=text("state IN ('requested', 'approved')")),
    Index("changes_order", "order_id", "requested_at"),
    Index("changes_requested", "requested_at", "id"),
    CheckConstraint("state IN ('requested', 'approved', 'declined', 'confirmed', 'cancelled')", name="changes_state"),
    CheckConstraint("kind IN ('edit', 'cancel', 'return', 'exchange', 'claim', 'adjustment')", name="changes_kind"),
    CheckConstraint("state <> 'confirmed' OR NOT needs_approval OR decided_at IS NOT NULL", name="changes_approved"),
)
"""What a change comes to is never kept: it is computed by doing it."""

policies = Table(
    "policies",
    metadata,
    id_column(),
    key("code", unique=True),
    Column("position", Integer, nullable=False),
    _texts("category"),
    _texts("skus"),
    _texts("channels"),
    _texts("countries"),
    Column("valid_from", Date),
    Column("valid_until", Date),
    Column("window", Integer, nullable=False),
    amount("fee"),
    _texts("free_reasons"),
    key("moment"),
    key("method"),
    flag("prepaid", default=False),
    amount("label_fee", default=0),
    Column("approval_above", BigInteger),
    flag("final_sale", default=False),
    flag("exempt", default=False),
    flag("active", default=True),
    _version(),
    CheckConstraint('"window" >= 0 AND fee >= 0 AND label_fee >= 0', name="policies_numbers"),
)

returns = Table(
    "returns",
    metadata,
    id_column(),
    Column("number", BigInteger, Identity(start=1), nullable=False),
    uuid_column("order_id", nullable=True),
    key("state"),
    key("moment"),
    key("method"),
    amount("fee"),
    Column("fee_charged", BigInteger),
    key("why"),
    flag("announced", default=True),
    flag("fact", default=False),
    words("note"),
    words("carrier"),
    words("tracking_number"),
    json("exchange", default="[]"),
    Column("exchange_lines", ARRAY(Integer), nullable=False, server_default=text("'{}'")),
    instant("requested_at"),
    key("requested_by"),
    instant("decided_at", nullable=True),
    key("decided_by", nullable=True),
    instant("sent_at", nullable=True),
    instant("closed_at", nullable=True),
    key("closed_by", nullable=True),
    Column("channel", KeyText, nullable=False, server_default=""),
    Column("order_number", BigInteger),
    uuid_column("location_id", nullable=True),
    words("sender"),
    flag("prepaid", default=False),
    amount("label_fee", default=0),
    Column("label", KeyText, nullable=False, server_default="none"),
    words("label_problem"),
    Column("label_code", KeyText, nullable=False, server_default=""),
    Column("label_tries", Integer, nullable=False, server_default=text("0")),
    instant("label_at", nullable=True),
    words("declined_because"),
    words("agreement"),
    Column("fee_line", Integer),
    Column("shipping_lines", ARRAY(Integer), nullable=False, server_default=text("'{}'")),
    uuid_column("shipment_id", nullable=True),
    _version(),
    Index("returns_order", "order_id", "requested_at"),
    Index("returns_state", "state", "requested_at", "id"),
    Index("returns_number", "number", unique=True),
    Index("returns_order_number", "order_number"),
    Index("returns_requested", "requested_at", "id"),
    Index("returns_shipment", "shipment_id", postgresql_where=text("shipment_id IS NOT NULL")),
    Index("returns_tracking", "tracking_number", postgresql_where=text("tracking_number <> ''")),
    Index("returns_labels", "label", "label_at", postgresql_where=text("label IN ('wanted', 'bought', 'to_void', 'refused')")),
    CheckConstraint(
        f"label IN ({', '.join(repr(one.value) for one in LabelStanding)})",
        name="returns_label",
    ),
)

items = Table(
    "items",
    metadata,
    Column("return_id", UUID(as_uuid=True), ForeignKey("changes.returns.id"), primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    key("sku"),
    Column("quantity", Integer, nullable=False),
    Column("received", Integer, nullable=False, server_default=text("0")),
    key("reason"),
    CheckConstraint("quantity >= 0 AND received >= 0", name="items_quantities"),
)

parcels = Table(
    "parcels",
    metadata,
    key("parcel", primary_key=True),
    Column("return_id", UUID(as_uuid=True), ForeignKey("changes.returns.id"), nullable=False),
    instant("at"),
    key("actor"),
    Index("parcels_return", "return_id"),
)
"""Each parcel is received once, whoever scans it however often."""

received = Table(
    "received",
    metadata,
    id_column(),
    Column("return_id", UUID(as_uuid=True), ForeignKey("changes.returns.id"), nullable=False, index=True),
    Column("line_no", Integer),
    key("sku"),
    Column("quantity", Integer, nullable=False),
    amount("value"),
    flag("released", default=False),
    uuid_column("location_id"),
    key("parcel"),
    flag("stocked", default=True),
    key("condition", nullable=True),
    key("fate", nullable=True),
    amount("deduct", default=0),
    instant("received_at"),
    key("received_by"),
    instant("inspected_at", nullable=True),
    key("inspected_by", nullable=True),
    key("goods", nullable=True),
    CheckConstraint("quantity > 0", name="received_quantity"),
    CheckConstraint("deduct BETWEEN 0 AND value", name="received_deduct"),
    Index("received_open", "location_id", "received_at", postgresql_where=text("fate IS NULL AND goods IS NULL")),
    Index("received_waiting", "return_id", postgresql_where=text("goods = 'waiting'")),
)
"""`value` is what these units were worth to the buyer when they came; `goods` what becomes of them where they were declined."""

pictures = Table(
    "pictures",
    metadata,
    id_column(),
    Column("return_id", UUID(as_uuid=True), ForeignKey("changes.returns.id"), nullable=False),
    Column("received_id", UUID(as_uuid=True), ForeignKey("changes.received.id")),
    Column("digest", LargeBinary, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("thumb", LargeBinary, nullable=False),
    instant("added_at"),
    key("added_by"),
    Index("pictures_once", "return_id", "digest", unique=True),
)
"""Drawn anew from what was sent: nothing of the file is kept but what one sees. `digest` is of that, so that none is kept
twice."""
