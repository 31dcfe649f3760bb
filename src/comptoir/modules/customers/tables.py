"""Customers and the keys that they are known by."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, func, literal_column, text
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from comptoir.runtime.columns import KeyText, id_column, instant, key, words

metadata = MetaData(schema="customers")

customers = Table(
    "customers",
    metadata,
    id_column(),
    words("name"),
    words("company"),
    key("locale"),
    Column("tags", ARRAY(KeyText), nullable=False, server_default=text("'{}'")),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Index(
        "customers_name",
        func.runtime.plain(literal_column("name")).label("plain_name"),
        postgresql_using="gin",
        postgresql_ops={"plain_name": "gin_trgm_ops"},
    ),
    Index("customers_name_order", text("runtime.plain(name)"), "id"),
    Index("customers_created", "created_at", "id"),
)

identities = Table(
    "identities",
    metadata,
    key("kind", primary_key=True),
    key("value", primary_key=True),
    Column("customer_id", UUID(as_uuid=True), ForeignKey("customers.customers.id"), nullable=False, index=True),
    instant("created_at", default=True),
)
"""`kind` is `email`, `phone` (E.164), `loyalty`, or `channel:<code>` for the account id on a channel."""
