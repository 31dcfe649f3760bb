"""Sellers, their series of numbers, and what was issued."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, ForeignKey, Index, Integer, MetaData, Table, text
from sqlalchemy.dialects.postgresql import UUID

from comptoir.runtime.columns import id_column, instant, json, key, uuid_column

metadata = MetaData(schema="invoicing")

sellers = Table(
    "sellers",
    metadata,
    key("code", primary_key=True),
    json("details"),
    instant("updated_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
)

series = Table(
    "series",
    metadata,
    key("seller", primary_key=True),
    key("kind", primary_key=True),
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
    Column("last_on", Date, nullable=False),
)
"""The last number of each seller, kind and year. Its row is locked until what has the number is committed: no number is lost,
and days do not run against numbers."""

invoices = Table(
    "invoices",
    metadata,
    id_column(),
    key("seller"),
    key("kind"),
    Column("year", Integer, nullable=False),
    Column("serial", Integer, nullable=False),
    key("number"),
    uuid_column("order_id"),
    Column("refers_to", UUID(as_uuid=True), ForeignKey("invoicing.invoices.id")),
    Column("issued_on", Date, nullable=False),
    instant("issued_at"),
    key("currency"),
    Column("total", BigInteger, nullable=False),
    json("content"),
    Column("erase_on", Date),
    Index("invoices_number", "seller", "kind", "year", "serial", unique=True),
    Index("invoices_order", "order_id", "issued_at"),
    Index("invoices_erase", "erase_on", postgresql_where=text("erase_on IS NOT NULL")),
    CheckConstraint("kind IN ('invoice', 'credit_note')", name="invoices_kind"),
    CheckConstraint("(kind = 'credit_note') = (refers_to IS NOT NULL)", name="invoices_refers"),
    CheckConstraint("total >= 0 AND serial > 0", name="invoices_numbers"),
)
"""Never changed, never deleted; `total` is in minor units. The name and address of an erased buyer come off on `erase_on`."""

proofs = Table(
    "proofs",
    metadata,
    uuid_column("order_id", primary_key=True),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    instant("barred_until", nullable=True),
    CheckConstraint("tries >= 0", name="proofs_tries"),
)
"""Wrong answers of those who asked for the papers of an order without an account."""
