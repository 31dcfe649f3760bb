"""Markets and one price per SKU and market."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, MetaData, Numeric, Table, Text, text

from comptoir.runtime.columns import KeyText, amount, flag, instant, key, words

metadata = MetaData(schema="pricing")

markets = Table(
    "markets",
    metadata,
    key("code", primary_key=True),
    words("name"),
    key("currency"),
    key("country"),
    flag("tax_included", default=True),
    Column("tax_name", Text, nullable=False, server_default=text("''")),
    Column("version", Integer, nullable=False, server_default=text("1")),
)

prices = Table(
    "prices",
    metadata,
    key("sku", primary_key=True),
    Column("market", KeyText, ForeignKey("pricing.markets.code"), primary_key=True),
    amount("amount"),
    Column("tax_rate", Numeric(6, 5), nullable=False, server_default=text("0")),
    instant("updated_at", default=True),
    CheckConstraint("amount >= 0", name="prices_amount"),
    CheckConstraint("tax_rate BETWEEN 0 AND 1", name="prices_tax_rate"),
)
