"""Products and their variants."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, Table, func, literal_column, text
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from comptoir.runtime.columns import KeyText, flag, id_column, instant, json, key, words

metadata = MetaData(schema="catalogue")

products = Table(
    "products",
    metadata,
    id_column(),
    key("code", unique=True),
    json("names"),
    words("brand"),
    Column("category", ARRAY(KeyText), nullable=False, server_default=text("'{}'")),
    flag("active", default=True),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
)

variants = Table(
    "variants",
    metadata,
    id_column(),
    Column("product_id", UUID(as_uuid=True), ForeignKey("catalogue.products.id"), nullable=False, index=True),
    key("sku", unique=True),
    words("name"),
    json("names", default="{}"),
    json("options", default="{}"),
    key("gtin", nullable=True),
    key("unit"),
    flag("stocked", default=True),
    flag("active", default=True),
    flag("sellable", default=True),
    *[Column(name, Integer, nullable=False, server_default=text("0")) for name in ("weight", "length", "width", "height")],
    flag("dangerous", default=False),
    *[Column(name, KeyText, nullable=False, server_default=text("''")) for name in ("hs_code", "origin")],
    instant("created_at", default=True),
    instant("updated_at", default=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("weight >= 0 AND length >= 0 AND width >= 0 AND height >= 0", name="variants_measures"),
    Index("variants_gtin", "gtin", unique=True, postgresql_where=text("gtin IS NOT NULL")),
    Index(
        "variants_name",
        func.runtime.plain(literal_column("name")).label("plain_name"),
        postgresql_using="gin",
        postgresql_ops={"plain_name": "gin_trgm_ops"},
    ),
    Index("variants_name_order", text("runtime.plain(name)"), "sku"),
)
"""`name` is the name in the retailer's own language, which searches and order lines use; `names` holds the others by language.
`sellable` is whether the variant and its product are active, kept here so that the capture of orders reads one table. `unit` is
`unit`, or `thousandth` where a quantity counts thousandths of a kilogram, litre or metre. `weight` is grams, `length`, `width`
and `height` millimetres, 0 where nobody knows."""
