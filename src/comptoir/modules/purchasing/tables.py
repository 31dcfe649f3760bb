"""Purchase orders, how suppliers are asked, what things cost there, and the letters that go out."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, ForeignKey, Identity, Index, Integer, MetaData, Table, text
from sqlalchemy.dialects.postgresql import UUID

from comptoir.runtime.columns import flag, id_column, instant, json, key, uuid_column, words

metadata = MetaData(schema="purchasing")


def _counter(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text("0"))


terms = Table(
    "terms",
    metadata,
    uuid_column("location_id", primary_key=True),
    words("email"),
    key("locale"),
    key("currency"),
    Column("answer_within", Integer, nullable=False),
    Column("remind_after", Integer, nullable=False),
    CheckConstraint("answer_within > 0 AND remind_after >= 0", name="terms_hours"),
)

articles = Table(
    "articles",
    metadata,
    uuid_column("location_id", primary_key=True),
    key("sku", primary_key=True),
    key("supplier_sku"),
    Column("cost", BigInteger),
    CheckConstraint("cost >= 0", name="articles_cost"),
)
"""What a supplier calls a SKU, and what it costs."""

purchases = Table(
    "purchases",
    metadata,
    id_column(),
    Column("number", BigInteger, Identity(start=1), nullable=False),
    uuid_column("fulfilment_id"),
    uuid_column("order_id"),
    Column("order_number", BigInteger, nullable=False),
    key("channel_code"),
    uuid_column("location_id"),
    key("state"),
    Column("revision", Integer, nullable=False, server_default=text("1")),
    key("service"),
    key("currency"),
    json("ship_to"),
    Column("requested_on", Date),
    Column("promised_on", Date),
    instant("answer_by", nullable=True),
    instant("remind_at", nullable=True),
    instant("created_at"),
    instant("answered_at", nullable=True),
    key("answered_by"),
    instant("ended_at", nullable=True),
    words("note"),
    Column("cost", BigInteger),
    Column("booked", BigInteger, nullable=False, server_default=text("0")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Index("purchases_number", "number", unique=True),
    Index("purchases_order", "order_id"),
    # One at a time of a fulfilment order.
    Index(
        "purchases_live",
        "fulfilment_id",
        unique=True,
        postgresql_where=text("state IN ('asked', 'acknowledged', 'partly_shipped')"),
    ),
    Index("purchases_location", "location_id", "number"),
    Index("purchases_remind", "remind_at", postgresql_where=text("state = 'asked' AND remind_at IS NOT NULL")),
    CheckConstraint(
        "state IN ('asked', 'acknowledged', 'partly_shipped', 'shipped', 'declined', 'expired', 'cancelled')",
        name="purchases_state",
    ),
    CheckConstraint("(state IN ('asked', 'acknowledged', 'partly_shipped')) = (ended_at IS NULL)", name="purchases_ended"),
)
"""What is copied from the buyer's order does not change; `cost` and `booked` are the sums of the lines'."""

lines = Table(
    "lines",
    metadata,
    Column("purchase_id", UUID(as_uuid=True), ForeignKey("purchasing.purchases.id"), primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    key("sku"),
    words("name"),
    key("supplier_sku"),
    flag("weighed", default=False),
    Column("quantity", Integer, nullable=False),
    _counter("rejected"),
    _counter("cancelled"),
    _counter("shipped"),
    Column("cost", BigInteger),
    key("reason", nullable=True),
    Column("promised_on", Date),
    CheckConstraint(
        "quantity > 0 AND rejected >= 0 AND cancelled >= 0 AND shipped >= 0 AND rejected + cancelled + shipped <= quantity",
        name="lines_counters",
    ),
)

letters = Table(
    "letters",
    metadata,
    id_column(),
    Column("purchase_id", UUID(as_uuid=True), ForeignKey("purchasing.purchases.id"), nullable=False),
    key("kind"),
    Column("revision", Integer, nullable=False),
    key("state"),
    _counter("attempts"),
    words("problem"),
    instant("created_at"),
    instant("next_at", nullable=True),
    instant("sent_at", nullable=True),
    Index("letters_purchase", "purchase_id"),
    Index("letters_due", "next_at", postgresql_where=text("state = 'pending'")),
    CheckConstraint("state IN ('pending', 'sent', 'failed')", name="letters_state"),
)
