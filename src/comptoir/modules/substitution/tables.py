"""Substitutes of SKUs, and what was taken instead of what. What buyers have agreed to is in the order book."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, MetaData, Table

from comptoir.runtime.columns import id_column, instant, key, uuid_column

metadata = MetaData(schema="substitution")

substitutes = Table(
    "substitutes",
    metadata,
    key("sku", primary_key=True),
    Column("rank", Integer, primary_key=True, autoincrement=False),
    key("substitute"),
    Index("substitutes_once", "sku", "substitute", unique=True),
    CheckConstraint("sku <> substitute AND rank > 0", name="substitutes_other"),
)

substitutions = Table(
    "substitutions",
    metadata,
    id_column(),
    uuid_column("order_id"),
    uuid_column("fulfilment_id"),
    uuid_column("location_id"),
    Column("line_no", Integer, nullable=False),
    key("sku"),
    Column("by_line_no", Integer, nullable=False),
    key("by_sku"),
    Column("quantity", Integer, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Column("difference", BigInteger, nullable=False),
    instant("at"),
    key("actor"),
    Index("substitutions_order", "order_id"),
    CheckConstraint("quantity > 0 AND unit_price >= 0 AND difference >= 0", name="substitutions_amounts"),
)
