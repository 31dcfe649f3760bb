"""The payment ledger of orders: what was authorised, captured and refunded, by which method."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, MetaData, Table, text

from comptoir.runtime.columns import amount, id_column, instant, key, uuid_column

metadata = MetaData(schema="payments")

entries = Table(
    "entries",
    metadata,
    id_column(),
    uuid_column("order_id"),
    key("kind"),
    key("method"),
    amount("amount"),
    key("currency"),
    key("reference"),
    instant("at"),
    key("actor"),
    Index("entries_order", "order_id"),
    Index(
        "entries_reference", "order_id", "kind", "method", "reference", unique=True, postgresql_where=text("reference <> ''")
    ),
    CheckConstraint("amount > 0", name="entries_amount"),
    CheckConstraint("kind IN ('authorised', 'captured', 'voided', 'refunded')", name="entries_kind"),
)
