"""The tables as they were first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

from comptoir.runtime.columns import Xid8
from comptoir.runtime.functions import PLAIN

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMAS = (
    "runtime",
    "locations",
    "carriers",
    "catalogue",
    "customers",
    "pricing",
    "inventory",
    "packing",
    "payments",
    "routing",
    "orders",
    "fulfilment",
    "changes",
    "channels",
    "staff",
    "webhooks",
    "tracking",
    "notices",
    "purchasing",
    "substitution",
    "lots",
    "invoicing",
    "imports",
    "demo",
)
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gist")


def upgrade() -> None:
    for extension in EXTENSIONS:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {schema}")
    op.execute(PLAIN)
    op.create_table(
        "consumers",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("tx", Xid8(), server_default=sa.text("'0'::xid8"), nullable=False),
        sa.Column("seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="runtime",
    )
    op.create_table(
        "events",
        sa.Column("tx", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("request_id", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.UUID(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("tx", "seq"),
        schema="runtime",
    )
    op.create_index(
        "events_subject", "events", ["subject"], unique=False, schema="runtime", postgresql_where=sa.text("subject IS NOT NULL")
    )
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key"),
        schema="runtime",
    )
    op.create_index("idempotency_at", "idempotency", ["at"], unique=False, schema="runtime", postgresql_using="brin")
    op.create_table(
        "parked_events",
        sa.Column("consumer", sa.Text(collation="C"), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("tx", Xid8(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id"),
        schema="runtime",
    )
    op.create_table(
        "locations",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("line1", sa.Text(), server_default="", nullable=False),
        sa.Column("line2", sa.Text(), server_default="", nullable=False),
        sa.Column("postcode", sa.Text(), server_default="", nullable=False),
        sa.Column("city", sa.Text(), server_default="", nullable=False),
        sa.Column("region", sa.Text(), server_default="", nullable=False),
        sa.Column("country", sa.Text(collation="C"), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("contact", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("time_zone", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "opening_hours", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("closures", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("ships", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("pickup", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("returns", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("third_party", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("daily_capacity", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("kind IN ('warehouse', 'store', 'supplier', 'transit')", name="locations_kind"),
        sa.CheckConstraint("daily_capacity >= 0", name="locations_capacity"),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="locations_coordinates"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        schema="locations",
    )
    op.create_table(
        "pools",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        schema="locations",
    )
    op.create_table(
        "postcodes",
        sa.Column("country", sa.Text(collation="C"), nullable=False),
        sa.Column("postcode", sa.Text(collation="C"), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="postcodes_coordinates"),
        sa.PrimaryKeyConstraint("country", "postcode"),
        schema="locations",
    )
    op.create_table(
        "pool_members",
        sa.Column("pool_id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["location_id"],
            ["locations.locations.id"],
        ),
        sa.ForeignKeyConstraint(["pool_id"], ["locations.pools.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("pool_id", "location_id"),
        schema="locations",
    )
    op.create_table(
        "services",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("service", sa.Text(collation="C"), nullable=False),
        sa.Column("zones", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("countries", postgresql.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("dangerous", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("max_weight", sa.Integer(), server_default=sa.text("30000"), nullable=False),
        sa.Column("carbon", sa.Double(), server_default=sa.text("0.1"), nullable=False),
        sa.Column("delivers", postgresql.ARRAY(sa.Boolean()), nullable=False),
        sa.Column("delivers_on_holidays", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("origin_locations", postgresql.ARRAY(sa.UUID()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("origin_kinds", postgresql.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("origin_countries", postgresql.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("service IN ('standard', 'express')", name="services_service"),
        sa.CheckConstraint("max_weight > 0 AND carbon >= 0 AND cardinality(delivers) = 7", name="services_limits"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        schema="carriers",
    )
    op.create_table(
        "products",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("names", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("brand", sa.Text(), server_default="", nullable=False),
        sa.Column("category", postgresql.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        schema="catalogue",
    )
    op.create_table(
        "variants",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("names", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("gtin", sa.Text(collation="C"), nullable=True),
        sa.Column("unit", sa.Text(collation="C"), nullable=False),
        sa.Column("stocked", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("sellable", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("weight", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("length", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("width", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("height", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("dangerous", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("hs_code", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False),
        sa.Column("origin", sa.Text(collation="C"), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("weight >= 0 AND length >= 0 AND width >= 0 AND height >= 0", name="variants_measures"),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["catalogue.products.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sku"),
        schema="catalogue",
    )
    op.create_index(op.f("ix_catalogue_variants_product_id"), "variants", ["product_id"], unique=False, schema="catalogue")
    op.create_index(
        "variants_gtin", "variants", ["gtin"], unique=True, schema="catalogue", postgresql_where=sa.text("gtin IS NOT NULL")
    )
    op.create_index(
        "variants_name",
        "variants",
        [sa.literal_column("runtime.plain(name)").label("plain_name")],
        unique=False,
        schema="catalogue",
        postgresql_using="gin",
        postgresql_ops={"plain_name": "gin_trgm_ops"},
    )
    op.create_index(
        "variants_name_order", "variants", [sa.literal_column("runtime.plain(name)"), "sku"], unique=False, schema="catalogue"
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("company", sa.Text(), server_default="", nullable=False),
        sa.Column("locale", sa.Text(collation="C"), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="customers",
    )
    op.create_index("customers_created", "customers", ["created_at", "id"], unique=False, schema="customers")
    op.create_index(
        "customers_name",
        "customers",
        [sa.literal_column("runtime.plain(name)").label("plain_name")],
        unique=False,
        schema="customers",
        postgresql_using="gin",
        postgresql_ops={"plain_name": "gin_trgm_ops"},
    )
    op.create_index(
        "customers_name_order", "customers", [sa.literal_column("runtime.plain(name)"), "id"], unique=False, schema="customers"
    )
    op.create_table(
        "identities",
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("value", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.customers.id"],
        ),
        sa.PrimaryKeyConstraint("kind", "value"),
        schema="customers",
    )
    op.create_index(
        op.f("ix_customers_identities_customer_id"), "identities", ["customer_id"], unique=False, schema="customers"
    )
    op.create_table(
        "markets",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("country", sa.Text(collation="C"), nullable=False),
        sa.Column("tax_included", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("tax_name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("code"),
        schema="pricing",
    )
    op.create_table(
        "prices",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("market", sa.Text(collation="C"), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", sa.Numeric(precision=6, scale=5), server_default=sa.text("0"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount >= 0", name="prices_amount"),
        sa.CheckConstraint("tax_rate BETWEEN 0 AND 1", name="prices_tax_rate"),
        sa.ForeignKeyConstraint(
            ["market"],
            ["pricing.markets.code"],
        ),
        sa.PrimaryKeyConstraint("sku", "market"),
        schema="pricing",
    )
    op.create_table(
        "counts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="inventory",
    )
    op.create_index("counts_at", "counts", ["at", "id"], unique=False, schema="inventory")
    op.create_table(
        "dismissals",
        sa.Column("to_location_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("to_location_id", "sku"),
        schema="inventory",
    )
    op.create_table(
        "entries",
        sa.Column("tx", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("on_hand", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("safety", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("damaged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("quality", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("incoming", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("hold_id", sa.UUID(), nullable=True),
        sa.Column("shipment_id", sa.UUID(), nullable=True),
        sa.Column("return_id", sa.UUID(), nullable=True),
        sa.Column("transfer_id", sa.UUID(), nullable=True),
        sa.Column("supply_id", sa.UUID(), nullable=True),
        sa.Column("count_id", sa.UUID(), nullable=True),
        sa.Column("import_id", sa.UUID(), nullable=True),
        sa.Column("reason", sa.Text(collation="C"), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "num_nonnulls(order_id, hold_id, shipment_id, return_id, transfer_id, supply_id, count_id, import_id, reason) > 0",
            name="entries_cause",
        ),
        sa.PrimaryKeyConstraint("tx", "seq"),
        schema="inventory",
    )
    op.create_index(
        "entries_at",
        "entries",
        ["at"],
        unique=False,
        schema="inventory",
        postgresql_using="brin",
        postgresql_with={"autosummarize": "on"},
    )
    op.create_index(
        "entries_location",
        "entries",
        [sa.literal_column("(ARRAY[location_id])")],
        unique=False,
        schema="inventory",
        postgresql_using="gin",
    )
    op.create_index("entries_sku", "entries", ["sku", "location_id"], unique=False, schema="inventory")
    op.create_table(
        "holds",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("channel_id", sa.UUID(), nullable=False),
        sa.Column("cart", sa.Text(collation="C"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        schema="inventory",
    )
    op.create_index(
        "holds_open", "holds", ["expires_at"], unique=False, schema="inventory", postgresql_where=sa.text("released_at IS NULL")
    )
    op.create_table(
        "levels",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("on_hand", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("safety", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("damaged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("quality", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("incoming", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "reserved >= 0 AND safety >= 0 AND damaged >= 0 AND quality >= 0 AND incoming >= 0", name="levels_not_negative"
        ),
        sa.PrimaryKeyConstraint("sku", "location_id"),
        schema="inventory",
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index("levels_location", "levels", ["location_id", "sku"], unique=False, schema="inventory")
    op.create_table(
        "packs",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("multiple", sa.Integer(), nullable=False),
        sa.CheckConstraint("multiple > 0", name="packs_multiple"),
        sa.PrimaryKeyConstraint("sku"),
        schema="inventory",
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("from_location_id", sa.UUID(), nullable=False),
        sa.Column("to_location_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("sold", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("free", sa.Integer(), nullable=False),
        sa.Column("incoming", sa.Integer(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transfer_id", sa.UUID(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'accepted', 'dismissed')", name="proposals_state"),
        sa.CheckConstraint("quantity > 0 AND from_location_id <> to_location_id", name="proposals_quantity"),
        sa.PrimaryKeyConstraint("id"),
        schema="inventory",
    )
    op.create_index(
        "proposals_open",
        "proposals",
        ["to_location_id", "from_location_id", "sku"],
        unique=True,
        schema="inventory",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "replenishment_terms",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=True),
        sa.Column("pool_id", sa.UUID(), nullable=True),
        sa.Column("source_id", sa.UUID(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("weeks", sa.Integer(), nullable=False),
        sa.Column("cover_days", sa.Integer(), nullable=False),
        sa.Column("reorder_days", sa.Integer(), nullable=False),
        sa.Column("overstock_days", sa.Integer(), nullable=True),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.Column("quiet_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("(location_id IS NULL) <> (pool_id IS NULL)", name="replenishment_terms_of_one"),
        sa.CheckConstraint(
            "weeks > 0 AND 0 < reorder_days AND reorder_days <= cover_days AND overstock_days >= cover_days AND keep_days >= 0 AND quiet_days >= 0",
            name="replenishment_terms_days",
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="inventory",
    )
    op.create_index(
        "replenishment_terms_of",
        "replenishment_terms",
        ["location_id", "pool_id"],
        unique=True,
        schema="inventory",
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "reservations",
        sa.Column("promise_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name="reservations_quantity"),
        sa.PrimaryKeyConstraint("promise_id", "line_no", "location_id"),
        schema="inventory",
    )
    op.create_index("reservations_sku", "reservations", ["sku", "location_id"], unique=False, schema="inventory")
    op.create_table(
        "supplies",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0 AND received >= 0 AND cancelled >= 0", name="supplies_quantity"),
        sa.PrimaryKeyConstraint("id"),
        schema="inventory",
    )
    op.create_index("supplies_at", "supplies", ["at", "id"], unique=False, schema="inventory")
    op.create_index(
        "supplies_open",
        "supplies",
        ["sku", "expected_on"],
        unique=False,
        schema="inventory",
        postgresql_where=sa.text("received + cancelled < quantity"),
    )
    op.create_table(
        "transfers",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("from_location_id", sa.UUID(), nullable=False),
        sa.Column("to_location_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("boxes", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("carrier", sa.Text(), server_default="", nullable=False),
        sa.Column("tracking_number", sa.Text(), server_default="", nullable=False),
        sa.Column("packed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'in_transit', 'partly_received', 'received', 'cancelled')", name="transfers_state"
        ),
        sa.CheckConstraint("boxes >= 0", name="transfers_boxes"),
        sa.CheckConstraint("from_location_id <> to_location_id", name="transfers_locations"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
        schema="inventory",
    )
    op.create_index(
        "transfers_open",
        "transfers",
        ["to_location_id"],
        unique=False,
        schema="inventory",
        postgresql_where=sa.text("state IN ('draft', 'in_transit', 'partly_received')"),
    )
    op.create_table(
        "count_lines",
        sa.Column("count_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["count_id"],
            ["inventory.counts.id"],
        ),
        sa.PrimaryKeyConstraint("count_id", "sku"),
        schema="inventory",
    )
    op.create_table(
        "transfer_lines",
        sa.Column("transfer_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("missing", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("unsent", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("surplus", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("damaged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("picked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("short", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "least(quantity, received, missing, unsent, surplus, damaged, picked, short) >= 0 AND damaged <= received AND received + missing + unsent <= quantity + surplus",
            name="transfer_lines_quantity",
        ),
        sa.ForeignKeyConstraint(
            ["transfer_id"],
            ["inventory.transfers.id"],
        ),
        sa.PrimaryKeyConstraint("transfer_id", "sku"),
        schema="inventory",
    )
    op.create_table(
        "transfer_tallies",
        sa.Column("transfer_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("damage", sa.Text(collation="C"), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.CheckConstraint("units > 0", name="transfer_tallies_units"),
        sa.ForeignKeyConstraint(
            ["transfer_id"],
            ["inventory.transfers.id"],
        ),
        sa.PrimaryKeyConstraint("transfer_id", "sku", "damage"),
        schema="inventory",
    )
    op.create_table(
        "cartons",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=True),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_weight", sa.Integer(), nullable=False),
        sa.Column("cost", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("length > 0 AND width > 0 AND height > 0", name="cartons_measures"),
        sa.CheckConstraint("weight >= 0 AND max_weight > 0 AND cost >= 0", name="cartons_limits"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        schema="packing",
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last4", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("kind IN ('store_credit', 'gift_card')", name="accounts_kind"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code_hash"),
        schema="payments",
    )
    op.create_index(
        "accounts_customer",
        "accounts",
        ["customer_id"],
        unique=False,
        schema="payments",
        postgresql_where=sa.text("customer_id IS NOT NULL"),
    )
    op.create_table(
        "entries",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("method", sa.Text(collation="C"), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("reference", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("channel_code", sa.Text(collation="C"), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=True),
        sa.CheckConstraint("kind IN ('authorised', 'captured', 'voided', 'refunded')", name="entries_kind"),
        sa.CheckConstraint("amount > 0", name="entries_amount"),
        sa.PrimaryKeyConstraint("id"),
        schema="payments",
    )
    op.create_index("entries_at", "entries", ["at"], unique=False, schema="payments", postgresql_using="brin")
    op.create_index("entries_order", "entries", ["order_id"], unique=False, schema="payments")
    op.create_index(
        "entries_reference",
        "entries",
        ["order_id", "kind", "method", "reference"],
        unique=True,
        schema="payments",
        postgresql_where=sa.text("reference <> ''"),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("about", sa.Text(collation="C"), nullable=False),
        sa.Column("about_id", sa.UUID(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Text(collation="C"), nullable=True),
        sa.Column("executed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("amount > 0", name="grants_amount"),
        sa.PrimaryKeyConstraint("id"),
        schema="payments",
    )
    op.create_index("grants_granted", "grants", ["granted_at", "id"], unique=False, schema="payments")
    op.create_index(
        "grants_open",
        "grants",
        ["granted_at", "id"],
        unique=False,
        schema="payments",
        postgresql_where=sa.text("withdrawn_at IS NULL AND executed < amount"),
    )
    op.create_index("grants_order", "grants", ["order_id", "granted_at", "id"], unique=False, schema="payments")
    op.create_table(
        "account_entries",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("serial", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("payment_id", sa.UUID(), nullable=True),
        sa.Column("reference", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("amount <> 0 OR kind = 'issued'", name="account_entries_amount"),
        sa.CheckConstraint("kind IN ('issued', 'spent', 'given_back', 'expired', 'adjusted')", name="account_entries_kind"),
        sa.CheckConstraint("balance >= 0", name="account_entries_balance"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["payments.accounts.id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "serial"),
        schema="payments",
    )
    op.create_table(
        "executions",
        sa.Column("grant_id", sa.UUID(), nullable=False),
        sa.Column("payment_id", sa.UUID(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount > 0", name="executions_amount"),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["payments.grants.id"],
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"],
            ["payments.entries.id"],
        ),
        sa.PrimaryKeyConstraint("grant_id", "payment_id"),
        schema="payments",
    )
    op.create_table(
        "arrivals",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("carrier", sa.Text(collation="C"), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("late", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parcels", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("location_id", "carrier", "month", "late"),
        schema="routing",
    )
    op.create_table(
        "lessons",
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("parcels", sa.BigInteger(), nullable=False),
        sa.Column("on_time", sa.BigInteger(), nullable=False),
        sa.Column("slack", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("subject IN ('carrier', 'site')", name="lessons_subject"),
        sa.CheckConstraint("slack >= 0", name="lessons_slack"),
        sa.PrimaryKeyConstraint("subject", "key"),
        schema="routing",
    )
    op.create_table(
        "networks",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("digest", sa.Text(collation="C"), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
        schema="routing",
    )
    op.create_table(
        "rule_sets",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("share", sa.Integer(), server_default=sa.text("100"), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'live', 'retired')", name="rule_sets_state"),
        sa.CheckConstraint("share BETWEEN 0 AND 100", name="rule_sets_share"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        schema="routing",
    )
    op.create_table(
        "schedules",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("condition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rule_set_id", sa.UUID(), nullable=True),
        sa.Column("time_zone", sa.Text(collation="C"), nullable=False),
        sa.Column("works", postgresql.ARRAY(sa.Boolean()), nullable=False),
        sa.Column("times", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("every", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("opens", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("closes", sa.Integer(), server_default=sa.text("1440"), nullable=False),
        sa.Column("rests_in", sa.Text(collation="C"), nullable=False),
        sa.Column("priority", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("cardinality(works) = 7", name="schedules_works"),
        sa.CheckConstraint("every > 0 OR cardinality(times) > 0", name="schedules_runs"),
        sa.CheckConstraint(
            "every BETWEEN 0 AND 1440 AND opens BETWEEN 0 AND closes AND closes <= 1440", name="schedules_clock"
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="routing",
    )
    op.create_index(
        "schedules_code", "schedules", ["code"], unique=True, schema="routing", postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.create_table(
        "simulated",
        sa.Column("simulation_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("service", sa.Text(collation="C"), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("places", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("late", sa.Integer(), nullable=True),
        sa.Column("dearer", sa.BigInteger(), nullable=True),
        sa.Column("split", sa.Integer(), nullable=True),
        sa.Column("seen", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("simulation_id", "order_id"),
        schema="routing",
    )
    op.create_table(
        "simulations",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("pool_id", sa.UUID(), nullable=False),
        sa.Column("channels", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rule_set_id", sa.UUID(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("for_all", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("with_runs", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("with_mishaps", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("orders", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(collation="C"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name="simulations_state"),
        sa.PrimaryKeyConstraint("id"),
        schema="routing",
    )
    op.create_index("simulations_created", "simulations", ["created_at", "id"], unique=False, schema="routing")
    op.create_table(
        "sites",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("pick_cost", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("pack_cost", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cut_off", sa.Integer(), nullable=False),
        sa.Column("preparation", sa.Integer(), nullable=False),
        sa.Column("works", postgresql.ARRAY(sa.Boolean()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "pick_cost >= 0 AND pack_cost >= 0 AND cut_off BETWEEN 0 AND 1440 AND preparation >= 0 AND cardinality(works) = 7",
            name="sites_limits",
        ),
        sa.PrimaryKeyConstraint("location_id"),
        schema="routing",
    )
    op.create_table(
        "bases",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("rule_set_id", sa.UUID(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("network_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["network_id"],
            ["routing.networks.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("rule_set_id", "version", "network_id", name="bases_what", postgresql_nulls_not_distinct=True),
        schema="routing",
    )
    op.create_table(
        "rule_set_versions",
        sa.Column("rule_set_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_set_id"],
            ["routing.rule_sets.id"],
        ),
        sa.PrimaryKeyConstraint("rule_set_id", "version"),
        schema="routing",
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("basis_id", sa.Integer(), nullable=False),
        sa.Column("seen", Xid8(), nullable=False),
        sa.Column("job", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("load", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("kind IN ('captured', 'routed', 'rerouted', 'batch', 'person')", name="decisions_kind"),
        sa.ForeignKeyConstraint(
            ["basis_id"],
            ["routing.bases.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="routing",
    )
    op.create_index("decisions_order", "decisions", ["order_id", "at"], unique=False, schema="routing")
    op.create_table(
        "exceptions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("line_no", sa.Integer(), nullable=True),
        sa.Column("sku", sa.Text(collation="C"), nullable=True),
        sa.Column("location_id", sa.UUID(), nullable=True),
        sa.Column("quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.Text(collation="C"), nullable=True),
        sa.Column("actor", sa.Text(collation="C"), nullable=True),
        sa.CheckConstraint("state IN ('open', 'resolved')", name="exceptions_state"),
        sa.PrimaryKeyConstraint("id"),
        schema="orders",
    )
    op.create_index(
        "exceptions_open",
        "exceptions",
        ["kind", "order_id", "line_no", "sku", "location_id"],
        unique=True,
        schema="orders",
        postgresql_where=sa.text("state = 'open'"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_index("exceptions_opened", "exceptions", ["opened_at", "id"], unique=False, schema="orders")
    op.create_index(
        "exceptions_order",
        "exceptions",
        ["order_id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        "exceptions_spot",
        "exceptions",
        ["sku", "location_id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "exceptions_waiting",
        "exceptions",
        ["opened_at", "id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False, start=1001), nullable=False),
        sa.Column("channel_id", sa.UUID(), nullable=False),
        sa.Column("channel_code", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("external_id", sa.Text(collation="C"), nullable=True),
        sa.Column("external_version", sa.Text(collation="C"), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("market", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("tax_included", sa.Boolean(), nullable=False),
        sa.Column("customer_id", sa.UUID(), nullable=True),
        sa.Column("buyer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("ship_to", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("bill_to", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("service", sa.Text(collation="C"), nullable=False),
        sa.Column("promised_on", sa.Date(), nullable=True),
        sa.Column("pickup_location_id", sa.UUID(), nullable=True),
        sa.Column("location_id", sa.UUID(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("tax", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("authorised", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("captured", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("backordered", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("shipped", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("returned", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "fulfilment_status",
            sa.Text(collation="C"),
            sa.Computed(
                "CASE\nWHEN quantity = 0 THEN 'fulfilled'\nWHEN cancelled = quantity THEN 'cancelled'\nWHEN cancelled + shipped = quantity THEN 'fulfilled'\nWHEN shipped > 0 THEN 'partial'\nWHEN backordered > 0 THEN 'backordered'\nELSE 'unfulfilled' END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "payment_status",
            sa.Text(collation="C"),
            sa.Computed(
                "CASE\nWHEN captured > 0 AND captured - refunded > value THEN 'overpaid'\nWHEN refunded > 0 AND refunded >= captured AND refunded >= -value THEN 'refunded'\nWHEN refunded > 0 THEN 'partly_refunded'\nWHEN captured = 0 AND value = 0 AND total <> 0 AND authorised > 0 THEN 'authorised'\nWHEN captured = 0 AND value = 0 AND total <> 0 THEN 'nothing_due'\nWHEN captured >= value AND value >= 0 THEN 'paid'\nWHEN captured > 0 THEN 'partial'\nWHEN authorised > 0 THEN 'authorised'\nELSE 'pending' END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "return_status",
            sa.Text(collation="C"),
            sa.Computed(
                "CASE\nWHEN returned = 0 THEN 'none'\nWHEN returned = shipped THEN 'returned'\nELSE 'partial' END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("owed", sa.BigInteger(), sa.Computed("captured - refunded - value", persisted=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text(collation="C")), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("kind IN ('sale', 'credit')", name="orders_kind"),
        sa.CheckConstraint(
            "cancelled >= 0 AND backordered >= 0 AND shipped >= 0 AND returned BETWEEN 0 AND shipped AND cancelled + backordered + shipped <= quantity",
            name="orders_quantities",
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="orders",
    )
    op.create_index(
        "orders_customer",
        "orders",
        ["customer_id", "placed_at"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("customer_id IS NOT NULL"),
    )
    op.create_index(
        "orders_external",
        "orders",
        ["external_id", "channel_id"],
        unique=True,
        schema="orders",
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_index(
        "orders_location",
        "orders",
        ["location_id", "placed_at", "id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("location_id IS NOT NULL"),
    )
    op.create_index("orders_number", "orders", ["number"], unique=True, schema="orders")
    op.create_index(
        "orders_open",
        "orders",
        ["placed_at", "id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("fulfilment_status IN ('unfulfilled', 'partial', 'backordered')"),
    )
    op.create_index(
        "orders_owed_by_buyers",
        "orders",
        ["placed_at", "id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("owed < 0"),
    )
    op.create_index(
        "orders_owed_to_buyers",
        "orders",
        ["placed_at", "id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("owed > 0"),
    )
    op.create_index("orders_placed", "orders", ["placed_at", "id"], unique=False, schema="orders")
    op.create_index(
        "orders_returned",
        "orders",
        ["placed_at", "id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("return_status <> 'none'"),
    )
    op.create_index(
        "orders_unsettled",
        "orders",
        ["placed_at", "id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("payment_status NOT IN ('pending', 'authorised', 'paid')"),
    )
    op.create_table(
        "trade",
        sa.Column("clock", sa.Text(collation="C"), nullable=False),
        sa.Column("grain", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel_code", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("orders", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("credits", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lines", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("units", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cancelled", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cancelled_total", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("returned", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("returned_total", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("clock IN ('placed', 'recorded')", name="trade_clock"),
        sa.CheckConstraint("grain IN ('minute', 'hour')", name="trade_grain"),
        sa.PrimaryKeyConstraint("clock", "grain", "at", "channel_code", "currency"),
        schema="orders",
    )
    op.create_table(
        "allowances",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("first >= 0 AND units > 0 AND amount > 0", name="allowances_amount"),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.orders.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="orders",
    )
    op.create_index(op.f("ix_orders_allowances_order_id"), "allowances", ["order_id"], unique=False, schema="orders")
    op.create_table(
        "choices",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.orders.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "line_no", "location_id"),
        schema="orders",
    )
    op.create_table(
        "consents",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("consent", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("consent IN ('none', 'same_price', 'any')", name="consents_consent"),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.orders.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "line_no"),
        schema="orders",
    )
    op.create_table(
        "lines",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("stocked", sa.Boolean(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=20, scale=6), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("tax", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("discounts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("taxes", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("external_id", sa.Text(collation="C"), nullable=True),
        sa.Column("cancelled", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("backordered", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("shipped", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("returned", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("(kind = 'item') = (sku IS NOT NULL)", name="lines_sku"),
        sa.CheckConstraint("kind = 'item' OR NOT stocked", name="lines_stocked"),
        sa.CheckConstraint(
            "cancelled >= 0 AND backordered >= 0 AND shipped >= 0 AND returned BETWEEN 0 AND shipped AND cancelled + backordered + shipped <= quantity",
            name="lines_quantities",
        ),
        sa.CheckConstraint("quantity > 0", name="lines_quantity"),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.orders.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "line_no"),
        schema="orders",
    )
    op.create_index(
        "lines_by_sku",
        "lines",
        [sa.literal_column("(ARRAY[sku])")],
        unique=False,
        schema="orders",
        postgresql_using="gin",
        postgresql_where=sa.text("sku IS NOT NULL"),
    )
    op.create_index(
        "lines_waiting",
        "lines",
        ["sku", "order_id"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("backordered > 0"),
    )
    op.create_table(
        "rejections",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("quantity > 0", name="rejections_quantity"),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.orders.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "line_no", "location_id"),
        schema="orders",
    )
    op.create_index("rejections_at", "rejections", ["at"], unique=False, schema="orders")
    op.create_table(
        "returns",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.orders.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="orders",
    )
    op.create_index(op.f("ix_orders_returns_order_id"), "returns", ["order_id"], unique=False, schema="orders")
    op.create_table(
        "shipments",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("carrier", sa.Text(), server_default="", nullable=False),
        sa.Column("tracking_number", sa.Text(), server_default="", nullable=False),
        sa.Column("tracking_url", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["orders.orders.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="orders",
    )
    op.create_index(op.f("ix_orders_shipments_order_id"), "shipments", ["order_id"], unique=False, schema="orders")
    op.create_index("shipments_location", "shipments", ["location_id", "order_id"], unique=False, schema="orders")
    op.create_index(
        "shipments_tracking",
        "shipments",
        ["tracking_number"],
        unique=False,
        schema="orders",
        postgresql_where=sa.text("tracking_number <> ''"),
    )
    op.create_table(
        "return_lines",
        sa.Column("return_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("disposition", sa.Text(collation="C"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("refundable", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["return_id"],
            ["orders.returns.id"],
        ),
        sa.PrimaryKeyConstraint("return_id", "line_no", "disposition"),
        schema="orders",
    )
    op.create_table(
        "shipment_lines",
        sa.Column("shipment_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shipment_id"],
            ["orders.shipments.id"],
        ),
        sa.PrimaryKeyConstraint("shipment_id", "line_no"),
        schema="orders",
    )
    op.create_table(
        "bin_places",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("bin", sa.Text(collation="C"), nullable=False),
        sa.Column("zone", sa.Text(), server_default="", nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.CheckConstraint("sequence >= 0", name="bin_places_sequence"),
        sa.PrimaryKeyConstraint("location_id", "bin"),
        schema="fulfilment",
    )
    op.create_table(
        "bins",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("bin", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("location_id", "sku"),
        schema="fulfilment",
    )
    op.create_table(
        "collection_terms",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=True),
        sa.Column("pool_id", sa.UUID(), nullable=True),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("reminders", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("extension", sa.Integer(), nullable=False),
        sa.Column("curbside", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("days > 0 AND extension >= 0", name="collection_terms_numbers"),
        sa.CheckConstraint("location_id IS NULL OR pool_id IS NULL", name="collection_terms_of_one"),
        sa.PrimaryKeyConstraint("id"),
        schema="fulfilment",
    )
    op.create_index(
        "collection_terms_of",
        "collection_terms",
        ["location_id", "pool_id"],
        unique=True,
        schema="fulfilment",
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "collectors",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("named_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("named_by", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
        schema="fulfilment",
    )
    op.create_table(
        "count_tasks",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("units >= 0", name="count_tasks_units"),
        sa.PrimaryKeyConstraint("location_id", "sku"),
        schema="fulfilment",
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False, start=1), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("order_number", sa.BigInteger(), nullable=False),
        sa.Column("channel_code", sa.Text(collation="C"), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("request", sa.Text(collation="C"), nullable=False),
        sa.Column("method", sa.Text(collation="C"), nullable=False),
        sa.Column("service", sa.Text(collation="C"), nullable=False),
        sa.Column("hold_reason", sa.Text(collation="C"), nullable=True),
        sa.Column("hold_note", sa.Text(), server_default="", nullable=False),
        sa.Column("carrier", sa.Text(collation="C"), nullable=False),
        sa.Column("leaves_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrives_on", sa.Date(), nullable=True),
        sa.Column("promised_on", sa.Date(), nullable=True),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_within", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("count_unanswered", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("release_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assignee", sa.Text(collation="C"), nullable=False),
        sa.Column("wave_id", sa.UUID(), nullable=True),
        sa.Column("recipient", sa.Text(), server_default="", nullable=False),
        sa.Column("city", sa.Text(), server_default="", nullable=False),
        sa.Column("country", sa.Text(collation="C"), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("picked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("packed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("picked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("packed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("gone", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "stage",
            sa.Text(collation="C"),
            sa.Computed(
                "CASE\nWHEN state = 'cancelled' THEN 'cancelled'\nWHEN state = 'closed' THEN 'done'\nWHEN state IN ('scheduled', 'on_hold', 'incomplete') THEN 'waiting'\nWHEN method = 'hand_out' AND ready_at IS NULL THEN 'to_receive'\nWHEN method = 'hand_out' THEN 'ready'\nWHEN picked < quantity THEN 'to_pick'\nWHEN method = 'collect' AND ready_at IS NOT NULL THEN 'ready'\nWHEN packed < quantity OR method = 'collect' THEN 'to_pack'\nELSE 'to_hand_over' END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("(state = 'on_hold') = (hold_reason IS NOT NULL)", name="orders_hold"),
        sa.CheckConstraint(
            "state IN ('scheduled', 'open', 'on_hold', 'in_progress', 'incomplete', 'closed', 'cancelled')", name="orders_state"
        ),
        sa.CheckConstraint("gone <= quantity AND picked <= quantity AND packed <= picked", name="orders_order_of_things"),
        sa.CheckConstraint("gone >= 0 AND picked >= 0 AND packed >= 0 AND quantity >= 0", name="orders_counters"),
        sa.PrimaryKeyConstraint("id"),
        schema="fulfilment",
    )
    op.create_index(
        "orders_answer",
        "orders",
        ["answer_by"],
        unique=False,
        schema="fulfilment",
        postgresql_where=sa.text("state = 'open' AND answer_by IS NOT NULL"),
    )
    op.create_index(
        "orders_asked",
        "orders",
        ["request", "placed_at", "id"],
        unique=False,
        schema="fulfilment",
        postgresql_where=sa.text("request <> 'unsubmitted' AND stage NOT IN ('done', 'cancelled')"),
    )
    op.create_index("orders_created", "orders", ["location_id", "created_at"], unique=False, schema="fulfilment")
    op.create_index("orders_number", "orders", ["number"], unique=True, schema="fulfilment")
    op.create_index("orders_order", "orders", ["order_id"], unique=False, schema="fulfilment")
    op.create_index(
        "orders_promised", "orders", ["promised_on", "leaves_by"], unique=False, schema="fulfilment", postgresql_using="brin"
    )
    op.create_index(
        "orders_release",
        "orders",
        ["release_at"],
        unique=False,
        schema="fulfilment",
        postgresql_where=sa.text("state IN ('scheduled', 'open') AND release_at IS NOT NULL"),
    )
    op.create_index(
        "orders_unbegun",
        "orders",
        ["placed_at"],
        unique=False,
        schema="fulfilment",
        postgresql_where=sa.text("state = 'open' AND begun_at IS NULL"),
    )
    op.create_index(
        "orders_wave", "orders", ["wave_id"], unique=False, schema="fulfilment", postgresql_where=sa.text("wave_id IS NOT NULL")
    )
    op.create_index(
        "orders_work",
        "orders",
        ["location_id", "stage", "placed_at", "id"],
        unique=False,
        schema="fulfilment",
        postgresql_where=sa.text("stage NOT IN ('done', 'cancelled')"),
    )
    op.create_table(
        "parked",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("stamp", sa.Text(collation="C"), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
        schema="fulfilment",
    )
    op.create_index("parked_due", "parked", ["due_at"], unique=False, schema="fulfilment")
    op.create_index("parked_tried", "parked", ["tried_at", "order_id"], unique=False, schema="fulfilment")
    op.create_table(
        "runs",
        sa.Column("of_id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("orders", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("saved", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("of_id"),
        schema="fulfilment",
    )
    op.create_table(
        "waves",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False, start=1), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="fulfilment",
    )
    op.create_index("waves_location", "waves", ["location_id", "created_at"], unique=False, schema="fulfilment")
    op.create_table(
        "collections",
        sa.Column("fulfilment_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("origin_id", sa.UUID(), nullable=True),
        sa.Column("shelf", sa.Text(), server_default="", nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waits_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("extended", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("extension", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("curbside", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reminders", postgresql.ARRAY(sa.Integer()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("reminded", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("barred_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("here_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("car", sa.Text(), server_default="", nullable=False),
        sa.Column("spot", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("extension >= 0 AND reminded >= 0 AND tries >= 0", name="collections_counters"),
        sa.ForeignKeyConstraint(
            ["fulfilment_id"],
            ["fulfilment.orders.id"],
        ),
        sa.PrimaryKeyConstraint("fulfilment_id"),
        schema="fulfilment",
    )
    op.create_index(
        "collections_ends",
        "collections",
        ["waits_until"],
        unique=False,
        schema="fulfilment",
        postgresql_where=sa.text("ended_at IS NULL AND waits_until IS NOT NULL"),
    )
    op.create_index(
        "collections_open",
        "collections",
        ["location_id"],
        unique=False,
        schema="fulfilment",
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("collections_order", "collections", ["order_id"], unique=False, schema="fulfilment")
    op.create_index(
        "collections_reminded",
        "collections",
        ["remind_at"],
        unique=False,
        schema="fulfilment",
        postgresql_where=sa.text("ended_at IS NULL AND remind_at IS NOT NULL"),
    )
    op.create_table(
        "handouts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("fulfilment_id", sa.UUID(), nullable=False),
        sa.Column("collector", sa.Text(), server_default="", nullable=False),
        sa.Column("checked", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.Text(collation="C"), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["fulfilment_id"],
            ["fulfilment.orders.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="fulfilment",
    )
    op.create_index(
        op.f("ix_fulfilment_handouts_fulfilment_id"), "handouts", ["fulfilment_id"], unique=False, schema="fulfilment"
    )
    op.create_table(
        "lines",
        sa.Column("fulfilment_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("picked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("packed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("gone", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "gone >= 0 AND packed >= 0 AND gone <= quantity AND picked <= quantity AND packed <= picked", name="lines_counters"
        ),
        sa.ForeignKeyConstraint(
            ["fulfilment_id"],
            ["fulfilment.orders.id"],
        ),
        sa.PrimaryKeyConstraint("fulfilment_id", "line_no"),
        schema="fulfilment",
    )
    op.create_table(
        "lockers",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("bank", sa.Text(), server_default="", nullable=False),
        sa.Column("size", sa.Text(collation="C"), nullable=False),
        sa.Column("system", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("fulfilment_id", sa.UUID(), nullable=True),
        sa.Column("sealed_code", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("barred_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(fulfilment_id IS NOT NULL) = (state IN ('taken', 'to_empty'))", name="lockers_holds"),
        sa.CheckConstraint("state IN ('free', 'taken', 'to_empty', 'out_of_order')", name="lockers_state"),
        sa.ForeignKeyConstraint(
            ["fulfilment_id"],
            ["fulfilment.orders.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="fulfilment",
    )
    op.create_index("lockers_code", "lockers", ["location_id", "code"], unique=True, schema="fulfilment")
    op.create_index(
        "lockers_of",
        "lockers",
        ["fulfilment_id"],
        unique=True,
        schema="fulfilment",
        postgresql_where=sa.text("state = 'taken'"),
    )
    op.create_table(
        "parcels",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("fulfilment_id", sa.UUID(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("carton", sa.Text(collation="C"), nullable=False),
        sa.Column("weight", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("length", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("width", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("height", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("carrier", sa.Text(collation="C"), nullable=False),
        sa.Column("tracking_number", sa.Text(), server_default="", nullable=False),
        sa.Column("tracking_url", sa.Text(), server_default="", nullable=False),
        sa.Column("shipment_id", sa.UUID(), nullable=True),
        sa.Column("packed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("packed_by", sa.Text(collation="C"), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["fulfilment_id"],
            ["fulfilment.orders.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="fulfilment",
    )
    op.create_index(
        op.f("ix_fulfilment_parcels_fulfilment_id"), "parcels", ["fulfilment_id"], unique=False, schema="fulfilment"
    )
    op.create_index("parcels_number", "parcels", ["fulfilment_id", "number"], unique=True, schema="fulfilment")
    op.create_index(
        "parcels_recalled",
        "parcels",
        ["recalled_at", "id"],
        unique=False,
        schema="fulfilment",
        postgresql_where=sa.text("recalled_at IS NOT NULL AND shipment_id IS NULL"),
    )
    op.create_table(
        "parked_lines",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["fulfilment.parked.order_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("order_id", "line_no"),
        schema="fulfilment",
    )
    op.create_index("parked_lines_sku", "parked_lines", ["sku"], unique=False, schema="fulfilment")
    op.create_table(
        "put_backs",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("fulfilment_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=False),
        sa.Column("shelf", sa.Text(), server_default="", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Text(collation="C"), nullable=True),
        sa.CheckConstraint("units > 0", name="put_backs_units"),
        sa.ForeignKeyConstraint(
            ["fulfilment_id"],
            ["fulfilment.orders.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="fulfilment",
    )
    op.create_index(
        op.f("ix_fulfilment_put_backs_fulfilment_id"), "put_backs", ["fulfilment_id"], unique=False, schema="fulfilment"
    )
    op.create_index(
        "put_backs_open",
        "put_backs",
        ["location_id", "opened_at"],
        unique=False,
        schema="fulfilment",
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_table(
        "wave_zones",
        sa.Column("wave_id", sa.UUID(), nullable=False),
        sa.Column("zone", sa.Text(collation="C"), nullable=False),
        sa.Column("assignee", sa.Text(collation="C"), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["wave_id"],
            ["fulfilment.waves.id"],
        ),
        sa.PrimaryKeyConstraint("wave_id", "zone"),
        schema="fulfilment",
    )
    op.create_table(
        "parcel_lines",
        sa.Column("parcel_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("recalled", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("quantity >= 0 AND recalled >= 0", name="parcel_lines_quantity"),
        sa.ForeignKeyConstraint(["parcel_id"], ["fulfilment.parcels.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("parcel_id", "line_no"),
        schema="fulfilment",
    )
    op.create_table(
        "changes",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False, start=1), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("actions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("needs_approval", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("given", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("order_version", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.Text(collation="C"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(collation="C"), nullable=True),
        sa.Column("decision", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(collation="C"), nullable=True),
        sa.Column("waits_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipment_id", sa.UUID(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("kind IN ('edit', 'cancel', 'return', 'exchange', 'claim', 'adjustment')", name="changes_kind"),
        sa.CheckConstraint("state <> 'confirmed' OR NOT needs_approval OR decided_at IS NOT NULL", name="changes_approved"),
        sa.CheckConstraint("state IN ('requested', 'approved', 'declined', 'confirmed', 'cancelled')", name="changes_state"),
        sa.PrimaryKeyConstraint("id"),
        schema="changes",
    )
    op.create_index(
        "changes_open",
        "changes",
        ["order_id"],
        unique=True,
        schema="changes",
        postgresql_where=sa.text("state IN ('requested', 'approved')"),
    )
    op.create_index("changes_order", "changes", ["order_id", "requested_at"], unique=False, schema="changes")
    op.create_index("changes_requested", "changes", ["requested_at", "id"], unique=False, schema="changes")
    op.create_table(
        "policies",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("category", postgresql.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("skus", postgresql.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("channels", postgresql.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("countries", postgresql.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("window", sa.Integer(), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("free_reasons", postgresql.ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("moment", sa.Text(collation="C"), nullable=False),
        sa.Column("method", sa.Text(collation="C"), nullable=False),
        sa.Column("prepaid", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("label_fee", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("approval_above", sa.BigInteger(), nullable=True),
        sa.Column("final_sale", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("exempt", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint('"window" >= 0 AND fee >= 0 AND label_fee >= 0', name="policies_numbers"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        schema="changes",
    )
    op.create_table(
        "returns",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False, start=1), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("moment", sa.Text(collation="C"), nullable=False),
        sa.Column("method", sa.Text(collation="C"), nullable=False),
        sa.Column("fee", sa.BigInteger(), nullable=False),
        sa.Column("fee_charged", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(collation="C"), nullable=False),
        sa.Column("announced", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("fact", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("carrier", sa.Text(), server_default="", nullable=False),
        sa.Column("tracking_number", sa.Text(), server_default="", nullable=False),
        sa.Column("exchange", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("exchange_lines", postgresql.ARRAY(sa.Integer()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.Text(collation="C"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(collation="C"), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(collation="C"), nullable=True),
        sa.Column("channel", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("order_number", sa.BigInteger(), nullable=True),
        sa.Column("location_id", sa.UUID(), nullable=True),
        sa.Column("sender", sa.Text(), server_default="", nullable=False),
        sa.Column("prepaid", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("label_fee", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("label", sa.Text(collation="C"), server_default="none", nullable=False),
        sa.Column("label_problem", sa.Text(), server_default="", nullable=False),
        sa.Column("label_code", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("label_tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("label_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("declined_because", sa.Text(), server_default="", nullable=False),
        sa.Column("agreement", sa.Text(), server_default="", nullable=False),
        sa.Column("fee_line", sa.Integer(), nullable=True),
        sa.Column("shipping_lines", postgresql.ARRAY(sa.Integer()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("shipment_id", sa.UUID(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("label IN ('none', 'wanted', 'bought', 'refused', 'to_void', 'voided')", name="returns_label"),
        sa.PrimaryKeyConstraint("id"),
        schema="changes",
    )
    op.create_index(
        "returns_labels",
        "returns",
        ["label", "label_at"],
        unique=False,
        schema="changes",
        postgresql_where=sa.text("label IN ('wanted', 'bought', 'to_void', 'refused')"),
    )
    op.create_index("returns_number", "returns", ["number"], unique=True, schema="changes")
    op.create_index("returns_order", "returns", ["order_id", "requested_at"], unique=False, schema="changes")
    op.create_index("returns_order_number", "returns", ["order_number"], unique=False, schema="changes")
    op.create_index("returns_requested", "returns", ["requested_at", "id"], unique=False, schema="changes")
    op.create_index(
        "returns_shipment",
        "returns",
        ["shipment_id"],
        unique=False,
        schema="changes",
        postgresql_where=sa.text("shipment_id IS NOT NULL"),
    )
    op.create_index("returns_state", "returns", ["state", "requested_at", "id"], unique=False, schema="changes")
    op.create_index(
        "returns_tracking",
        "returns",
        ["tracking_number"],
        unique=False,
        schema="changes",
        postgresql_where=sa.text("tracking_number <> ''"),
    )
    op.create_table(
        "items",
        sa.Column("return_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("quantity >= 0 AND received >= 0", name="items_quantities"),
        sa.ForeignKeyConstraint(
            ["return_id"],
            ["changes.returns.id"],
        ),
        sa.PrimaryKeyConstraint("return_id", "line_no"),
        schema="changes",
    )
    op.create_table(
        "parcels",
        sa.Column("parcel", sa.Text(collation="C"), nullable=False),
        sa.Column("return_id", sa.UUID(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["return_id"],
            ["changes.returns.id"],
        ),
        sa.PrimaryKeyConstraint("parcel"),
        schema="changes",
    )
    op.create_index("parcels_return", "parcels", ["return_id"], unique=False, schema="changes")
    op.create_table(
        "received",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("return_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=True),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("parcel", sa.Text(collation="C"), nullable=False),
        sa.Column("stocked", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("condition", sa.Text(collation="C"), nullable=True),
        sa.Column("fate", sa.Text(collation="C"), nullable=True),
        sa.Column("deduct", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_by", sa.Text(collation="C"), nullable=False),
        sa.Column("inspected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("inspected_by", sa.Text(collation="C"), nullable=True),
        sa.Column("goods", sa.Text(collation="C"), nullable=True),
        sa.CheckConstraint("deduct BETWEEN 0 AND value", name="received_deduct"),
        sa.CheckConstraint("quantity > 0", name="received_quantity"),
        sa.ForeignKeyConstraint(
            ["return_id"],
            ["changes.returns.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="changes",
    )
    op.create_index(op.f("ix_changes_received_return_id"), "received", ["return_id"], unique=False, schema="changes")
    op.create_index(
        "received_open",
        "received",
        ["location_id", "received_at"],
        unique=False,
        schema="changes",
        postgresql_where=sa.text("fate IS NULL AND goods IS NULL"),
    )
    op.create_index(
        "received_waiting",
        "received",
        ["return_id"],
        unique=False,
        schema="changes",
        postgresql_where=sa.text("goods = 'waiting'"),
    )
    op.create_table(
        "pictures",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("return_id", sa.UUID(), nullable=False),
        sa.Column("received_id", sa.UUID(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("thumb", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["received_id"],
            ["changes.received.id"],
        ),
        sa.ForeignKeyConstraint(
            ["return_id"],
            ["changes.returns.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="changes",
    )
    op.create_index("pictures_once", "pictures", ["return_id", "digest"], unique=True, schema="changes")
    op.create_table(
        "channels",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("pool_id", sa.UUID(), nullable=False),
        sa.Column("market", sa.Text(collation="C"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("backorder", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("buffer", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("publish_percent", sa.Integer(), server_default=sa.text("100"), nullable=False),
        sa.Column("publish_max", sa.Integer(), nullable=True),
        sa.Column("publish_min", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("stop_below", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("hold_for", sa.Integer(), server_default=sa.text("600"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('web', 'app', 'pos', 'marketplace', 'social', 'phone', 'email', 'b2b', 'agent')", name="channels_kind"
        ),
        sa.CheckConstraint(
            "buffer >= 0 AND publish_percent BETWEEN 0 AND 100 AND publish_max >= 0 AND publish_min >= 0 AND stop_below >= 0 AND hold_for BETWEEN 1 AND 2592000",
            name="channels_rules",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
        schema="channels",
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("action", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("address", sa.Text(collation="C"), nullable=False),
        sa.Column("request_id", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="staff",
    )
    op.create_index("audit_actor", "audit", ["actor", "id"], unique=False, schema="staff")
    op.create_index("audit_subject", "audit", ["subject", "id"], unique=False, schema="staff")
    op.create_table(
        "tokens",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("created_by", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("location_id", sa.UUID(), nullable=True),
        sa.Column("locations", postgresql.ARRAY(sa.UUID()), server_default="{}", nullable=False),
        sa.CheckConstraint("location_id IS NULL OR locations = '{}'", name="tokens_locations"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_hash"),
        schema="staff",
    )
    op.create_table(
        "users",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("role", sa.Text(collation="C"), nullable=False),
        sa.Column("password_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("locale", sa.Text(collation="C"), nullable=False),
        sa.Column("time_zone", sa.Text(collation="C"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locations", postgresql.ARRAY(sa.UUID()), server_default="{}", nullable=False),
        sa.CheckConstraint("role <> 'owner' OR locations = '{}'", name="users_locations"),
        sa.CheckConstraint("role IN ('owner', 'operations', 'store', 'buyer', 'support', 'analyst')", name="users_role"),
        sa.CheckConstraint("email = lower(email)", name="users_email"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
        schema="staff",
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.UUID(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.Text(collation="C"), nullable=False),
        sa.Column("agent", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["staff.users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash"),
        schema="staff",
    )
    op.create_index(op.f("ix_staff_sessions_user_id"), "sessions", ["user_id"], unique=False, schema="staff")
    op.create_table(
        "endpoints",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="webhooks",
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("endpoint_id", sa.UUID(), nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=False),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="deliveries_state"),
        sa.ForeignKeyConstraint(["endpoint_id"], ["webhooks.endpoints.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        schema="webhooks",
    )
    op.create_index("deliveries_created", "deliveries", ["endpoint_id", "created_at", "id"], unique=False, schema="webhooks")
    op.create_index(
        "deliveries_due",
        "deliveries",
        ["endpoint_id", "next_at"],
        unique=False,
        schema="webhooks",
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("deliveries_event", "deliveries", ["endpoint_id", "event_id"], unique=True, schema="webhooks")
    op.create_table(
        "attempts",
        sa.Column("delivery_id", sa.UUID(), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("response", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["webhooks.deliveries.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("delivery_id", "n"),
        schema="webhooks",
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("connector", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("carriers", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("credentials", sa.LargeBinary(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("problem_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="tracking",
    )
    op.create_table(
        "choice",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("id = 1", name="choice_one"),
        sa.PrimaryKeyConstraint("id"),
        schema="tracking",
    )
    op.create_table(
        "lanes",
        sa.Column("carrier", sa.Text(collation="C"), nullable=False),
        sa.Column("service", sa.Text(collation="C"), nullable=False),
        sa.Column("origin_country", sa.Text(collation="C"), nullable=False),
        sa.Column("origin_region", sa.Text(collation="C"), nullable=False),
        sa.Column("destination_country", sa.Text(collation="C"), nullable=False),
        sa.Column("destination_region", sa.Text(collation="C"), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("parcels", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("delivered", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("promised", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("on_time", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("days", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_time", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("damaged", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lost", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("late", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("late_days", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint(
            "carrier", "service", "origin_country", "origin_region", "destination_country", "destination_region", "month"
        ),
        schema="tracking",
    )
    op.create_table(
        "spending",
        sa.Column("carrier", sa.Text(collation="C"), nullable=False),
        sa.Column("service", sa.Text(collation="C"), nullable=False),
        sa.Column("origin_country", sa.Text(collation="C"), nullable=False),
        sa.Column("origin_region", sa.Text(collation="C"), nullable=False),
        sa.Column("destination_country", sa.Text(collation="C"), nullable=False),
        sa.Column("destination_region", sa.Text(collation="C"), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("parcels", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cost", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint(
            "carrier",
            "service",
            "origin_country",
            "origin_region",
            "destination_country",
            "destination_region",
            "month",
            "currency",
        ),
        schema="tracking",
    )
    op.create_table(
        "coming",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("tracking_number", sa.Text(collation="C"), nullable=False),
        sa.Column("tracking_url", sa.Text(), server_default="", nullable=False),
        sa.Column("carrier", sa.Text(collation="C"), nullable=False),
        sa.Column("service", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(collation="C"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_poll_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('unknown', 'label_created', 'awaiting_pickup', 'picked_up', 'in_transit', 'on_hold', 'exception', 'out_for_delivery', 'delivery_failed', 'available_for_pickup', 'cancelled', 'expired', 'damaged', 'lost', 'delivered', 'returning', 'returned')",
            name="status_known",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tracking.accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="tracking",
    )
    op.create_index(
        "coming_due",
        "coming",
        ["next_poll_at"],
        unique=False,
        schema="tracking",
        postgresql_where=sa.text("next_poll_at IS NOT NULL"),
    )
    op.create_index("coming_number", "coming", ["tracking_number", "account_id"], unique=False, schema="tracking")
    op.create_table(
        "inbox",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("dedup", sa.Text(collation="C"), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'done', 'failed')", name="state_known"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tracking.accounts.id"],
        ),
        sa.PrimaryKeyConstraint("seq"),
        schema="tracking",
    )
    op.create_index(
        "inbox_failed",
        "inbox",
        ["account_id", "seq"],
        unique=False,
        schema="tracking",
        postgresql_where=sa.text("state = 'failed'"),
    )
    op.create_index("inbox_once", "inbox", ["account_id", "dedup"], unique=True, schema="tracking")
    op.create_index("inbox_received", "inbox", ["account_id", "received_at"], unique=False, schema="tracking")
    op.create_index(
        "inbox_waiting", "inbox", ["seq"], unique=False, schema="tracking", postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_table(
        "labels",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("reference", sa.Text(collation="C"), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("subject_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("service", sa.Text(collation="C"), nullable=False),
        sa.Column("format", sa.Text(collation="C"), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("problem_code", sa.Text(collation="C"), nullable=False),
        sa.Column("tracking_number", sa.Text(collation="C"), nullable=False),
        sa.Column("tracking_url", sa.Text(), server_default="", nullable=False),
        sa.Column("shipment_ref", sa.Text(collation="C"), nullable=False),
        sa.Column("carrier", sa.Text(collation="C"), nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("manifest_ref", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(collation="C"), nullable=False),
        sa.Column("bought_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_return", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("state IN ('asked', 'bought', 'unknown', 'refused', 'voiding', 'voided')", name="state_known"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tracking.accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
        schema="tracking",
    )
    op.create_index("labels_created", "labels", ["created_at", "id"], unique=False, schema="tracking")
    op.create_index(
        "labels_number",
        "labels",
        ["tracking_number"],
        unique=False,
        schema="tracking",
        postgresql_where=sa.text("tracking_number <> ''"),
    )
    op.create_index(
        "labels_one",
        "labels",
        ["subject_id"],
        unique=True,
        schema="tracking",
        postgresql_where=sa.text("state NOT IN ('refused', 'voided')"),
    )
    op.create_index(
        "labels_open",
        "labels",
        ["created_at"],
        unique=False,
        schema="tracking",
        postgresql_where=sa.text("state IN ('asked', 'unknown', 'voiding')"),
    )
    op.create_index("labels_order", "labels", ["order_id"], unique=False, schema="tracking")
    op.create_table(
        "manifests",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=True),
        sa.Column("label_ids", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("carrier_ref", sa.Text(collation="C"), nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("tracking_numbers", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tracking.accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="tracking",
    )
    op.create_index("manifests_location", "manifests", ["location_id", "created_at"], unique=False, schema="tracking")
    op.create_table(
        "parcels",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("shipment_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("order_number", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("carrier", sa.Text(collation="C"), nullable=False),
        sa.Column("service", sa.Text(collation="C"), nullable=False),
        sa.Column("tracking_number", sa.Text(collation="C"), nullable=False),
        sa.Column("tracking_url", sa.Text(), server_default="", nullable=False),
        sa.Column("origin_country", sa.Text(collation="C"), nullable=False),
        sa.Column("origin_region", sa.Text(collation="C"), nullable=False),
        sa.Column("destination_country", sa.Text(collation="C"), nullable=False),
        sa.Column("destination_region", sa.Text(collation="C"), nullable=False),
        sa.Column("zone", sa.Text(collation="C"), nullable=False),
        sa.Column("usual_days", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("promised_on", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(collation="C"), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("carrier_estimate", sa.Date(), nullable=True),
        sa.Column("estimated_on", sa.Date(), nullable=True),
        sa.Column("signed_by", sa.Text(), server_default="", nullable=False),
        sa.Column("claimed", sa.Text(collation="C"), server_default="", nullable=False),
        sa.Column("delay_told", sa.Date(), nullable=True),
        sa.Column("next_poll_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("polls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("kind IN ('parcel', 'collection')", name="kind_known"),
        sa.CheckConstraint(
            "status IN ('unknown', 'label_created', 'awaiting_pickup', 'picked_up', 'in_transit', 'on_hold', 'exception', 'out_for_delivery', 'delivery_failed', 'available_for_pickup', 'cancelled', 'expired', 'damaged', 'lost', 'delivered', 'returning', 'returned')",
            name="status_known",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tracking.accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("shipment_id"),
        schema="tracking",
    )
    op.create_index("parcels_carrier", "parcels", ["carrier", "shipped_at"], unique=False, schema="tracking")
    op.create_index("parcels_country", "parcels", ["destination_country", "shipped_at"], unique=False, schema="tracking")
    op.create_index(
        "parcels_due",
        "parcels",
        ["next_poll_at"],
        unique=False,
        schema="tracking",
        postgresql_where=sa.text("next_poll_at IS NOT NULL"),
    )
    op.create_index(
        "parcels_moving",
        "parcels",
        ["shipped_at", "id"],
        unique=False,
        schema="tracking",
        postgresql_where=sa.text(
            "kind = 'parcel' AND account_id IS NOT NULL AND status NOT IN ('delivered', 'returned', 'lost', 'damaged', 'cancelled', 'expired')"
        ),
    )
    op.create_index(
        "parcels_number",
        "parcels",
        ["tracking_number"],
        unique=False,
        schema="tracking",
        postgresql_where=sa.text("tracking_number <> ''"),
    )
    op.create_index("parcels_order", "parcels", ["order_id"], unique=False, schema="tracking")
    op.create_index("parcels_order_number", "parcels", ["order_number", "id"], unique=False, schema="tracking")
    op.create_index("parcels_promised", "parcels", ["promised_on"], unique=False, schema="tracking", postgresql_using="brin")
    op.create_index("parcels_shipped", "parcels", ["shipped_at", "id"], unique=False, schema="tracking")
    op.create_table(
        "pickups",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("reference", sa.Text(collation="C"), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("label_ids", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("carrier_ref", sa.Text(collation="C"), nullable=False),
        sa.Column("confirmation", sa.Text(), server_default="", nullable=False),
        sa.Column("same", sa.Text(collation="C"), nullable=False),
        sa.Column("weight", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("instructions", sa.Text(), server_default="", nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('asked', 'scheduled', 'unknown', 'refused', 'cancelled')", name="state_known"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tracking.accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
        schema="tracking",
    )
    op.create_index("pickups_location", "pickups", ["location_id", "until_at"], unique=False, schema="tracking")
    op.create_index(
        "pickups_once",
        "pickups",
        ["same"],
        unique=True,
        schema="tracking",
        postgresql_where=sa.text("state IN ('asked', 'scheduled', 'unknown')"),
    )
    op.create_table(
        "scans",
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("tracking_number", sa.Text(collation="C"), nullable=False),
        sa.Column("digest", sa.Text(collation="C"), nullable=False),
        sa.Column("status", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raw_code", sa.Text(collation="C"), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("carrier_id", sa.Text(collation="C"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tracking.accounts.id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "tracking_number", "digest"),
        schema="tracking",
    )
    op.create_table(
        "cases",
        sa.Column("tracked_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'answered', 'unanswered', 'reattempt', 'returning', 'delivered', 'returned')",
            name="state_known",
        ),
        sa.ForeignKeyConstraint(
            ["tracked_id"],
            ["tracking.parcels.id"],
        ),
        sa.PrimaryKeyConstraint("tracked_id"),
        schema="tracking",
    )
    op.create_index(
        "cases_chased", "cases", ["due_at"], unique=False, schema="tracking", postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.create_index(
        "cases_due", "cases", ["answer_until"], unique=False, schema="tracking", postgresql_where=sa.text("state = 'asked'")
    )
    op.create_index(
        "cases_to_tell",
        "cases",
        ["tracked_id"],
        unique=False,
        schema="tracking",
        postgresql_where=sa.text("state IN ('answered', 'unanswered')"),
    )
    op.create_table(
        "hand_scans",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("tracked_id", sa.UUID(), nullable=False),
        sa.Column("status", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("noted_by", sa.Text(collation="C"), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('unknown', 'label_created', 'awaiting_pickup', 'picked_up', 'in_transit', 'on_hold', 'exception', 'out_for_delivery', 'delivery_failed', 'available_for_pickup', 'cancelled', 'expired', 'damaged', 'lost', 'delivered', 'returning', 'returned')",
            name="status_known",
        ),
        sa.ForeignKeyConstraint(
            ["tracked_id"],
            ["tracking.parcels.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="tracking",
    )
    op.create_index("hand_scans_parcel", "hand_scans", ["tracked_id", "at"], unique=False, schema="tracking")
    op.create_table(
        "instructions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("reference", sa.Text(collation="C"), nullable=False),
        sa.Column("tracked_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("case_version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("confirmation", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('reattempt', 'address', 'pickup', 'return')", name="kind_known"),
        sa.CheckConstraint("state IN ('asked', 'unknown', 'told', 'refused', 'cannot')", name="state_known"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["tracking.accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["tracked_id"],
            ["tracking.parcels.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
        schema="tracking",
    )
    op.create_index("instructions_once", "instructions", ["tracked_id", "case_version"], unique=True, schema="tracking")
    op.create_table(
        "troubles",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("about", sa.UUID(), nullable=False),
        sa.Column("tracked_id", sa.UUID(), nullable=True),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.Text(collation="C"), nullable=True),
        sa.CheckConstraint(
            "kind IN ('stuck', 'failed', 'lost', 'damaged', 'returned', 'late', 'rejected', 'unused')", name="kind_known"
        ),
        sa.ForeignKeyConstraint(
            ["tracked_id"],
            ["tracking.parcels.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="tracking",
    )
    op.create_index("troubles_about", "troubles", ["about", "opened_at", "id"], unique=False, schema="tracking")
    op.create_index(
        "troubles_open",
        "troubles",
        ["about", "kind"],
        unique=True,
        schema="tracking",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index("troubles_opened", "troubles", ["opened_at", "id"], unique=False, schema="tracking")
    op.create_table(
        "brands",
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("colour", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("imprint", sa.Text(), server_default="", nullable=False),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("logo_kind", sa.Text(collation="C"), nullable=False),
        sa.Column("logo_width", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("logo_height", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("logo_tag", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("(logo IS NULL) = (logo_tag = '')", name="brands_logo"),
        sa.PrimaryKeyConstraint("channel"),
        schema="notices",
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("medium", sa.Text(collation="C"), nullable=False),
        sa.Column("address", sa.Text(collation="C"), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        schema="notices",
    )
    op.create_index("consents_address", "consents", ["address", "medium", "id"], unique=False, schema="notices")
    op.create_index(
        "consents_order",
        "consents",
        ["order_id", "medium"],
        unique=True,
        schema="notices",
        postgresql_where=sa.text("order_id IS NOT NULL AND source = 'order'"),
    )
    op.create_table(
        "house",
        sa.Column("single", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("quiet_from", sa.Integer(), server_default=sa.text("1260"), nullable=False),
        sa.Column("quiet_until", sa.Integer(), server_default=sa.text("480"), nullable=False),
        sa.Column("gateway_url", sa.Text(), server_default="", nullable=False),
        sa.Column("gateway_secret", sa.LargeBinary(), nullable=True),
        sa.Column("gateway_active", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("NOT gateway_active OR gateway_secret IS NOT NULL", name="house_gateway"),
        sa.CheckConstraint("quiet_from BETWEEN 0 AND 1439 AND quiet_until BETWEEN 0 AND 1439", name="house_quiet"),
        sa.CheckConstraint("single = 1", name="house_one"),
        sa.PrimaryKeyConstraint("single"),
        schema="notices",
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("medium", sa.Text(collation="C"), nullable=False),
        sa.Column("about", sa.Text(collation="C"), nullable=False),
        sa.Column("locale", sa.Text(collation="C"), nullable=False),
        sa.Column("zone", sa.Text(collation="C"), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'sent', 'failed')", name="outbox_state"),
        sa.PrimaryKeyConstraint("id"),
        schema="notices",
    )
    op.create_index("outbox_created", "outbox", ["created_at", "id"], unique=False, schema="notices")
    op.create_index(
        "outbox_due", "outbox", ["next_at"], unique=False, schema="notices", postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index("outbox_once", "outbox", ["about", "kind", "medium"], unique=True, schema="notices")
    op.create_index(
        "outbox_open",
        "outbox",
        ["state"],
        unique=False,
        schema="notices",
        postgresql_where=sa.text("state <> 'sent' AND sealed IS NOT NULL"),
    )
    op.create_index("outbox_order", "outbox", ["order_id"], unique=False, schema="notices")
    op.create_table(
        "senders",
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("reply_to", sa.Text(), server_default="", nullable=False),
        sa.Column("phone", sa.Text(), server_default="", nullable=False),
        sa.Column("media", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("channel"),
        schema="notices",
    )
    op.create_table(
        "articles",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("supplier_sku", sa.Text(collation="C"), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("cost >= 0", name="articles_cost"),
        sa.PrimaryKeyConstraint("location_id", "sku"),
        schema="purchasing",
    )
    op.create_table(
        "purchases",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False, start=1), nullable=False),
        sa.Column("fulfilment_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("order_number", sa.BigInteger(), nullable=False),
        sa.Column("channel_code", sa.Text(collation="C"), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("service", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("ship_to", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("requested_on", sa.Date(), nullable=True),
        sa.Column("promised_on", sa.Date(), nullable=True),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Text(collation="C"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("booked", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "(state IN ('asked', 'acknowledged', 'partly_shipped')) = (ended_at IS NULL)", name="purchases_ended"
        ),
        sa.CheckConstraint(
            "state IN ('asked', 'acknowledged', 'partly_shipped', 'shipped', 'declined', 'expired', 'cancelled')",
            name="purchases_state",
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="purchasing",
    )
    op.create_index(
        "purchases_live",
        "purchases",
        ["fulfilment_id"],
        unique=True,
        schema="purchasing",
        postgresql_where=sa.text("state IN ('asked', 'acknowledged', 'partly_shipped')"),
    )
    op.create_index("purchases_location", "purchases", ["location_id", "number"], unique=False, schema="purchasing")
    op.create_index("purchases_number", "purchases", ["number"], unique=True, schema="purchasing")
    op.create_index("purchases_order", "purchases", ["order_id"], unique=False, schema="purchasing")
    op.create_index(
        "purchases_remind",
        "purchases",
        ["remind_at"],
        unique=False,
        schema="purchasing",
        postgresql_where=sa.text("state = 'asked' AND remind_at IS NOT NULL"),
    )
    op.create_table(
        "terms",
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("email", sa.Text(), server_default="", nullable=False),
        sa.Column("locale", sa.Text(collation="C"), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("answer_within", sa.Integer(), nullable=False),
        sa.Column("remind_after", sa.Integer(), nullable=False),
        sa.CheckConstraint("answer_within > 0 AND remind_after >= 0", name="terms_hours"),
        sa.PrimaryKeyConstraint("location_id"),
        schema="purchasing",
    )
    op.create_table(
        "letters",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("purchase_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'sent', 'failed')", name="letters_state"),
        sa.ForeignKeyConstraint(
            ["purchase_id"],
            ["purchasing.purchases.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="purchasing",
    )
    op.create_index(
        "letters_due", "letters", ["next_at"], unique=False, schema="purchasing", postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index("letters_purchase", "letters", ["purchase_id"], unique=False, schema="purchasing")
    op.create_table(
        "lines",
        sa.Column("purchase_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("supplier_sku", sa.Text(collation="C"), nullable=False),
        sa.Column("weighed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("shipped", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(collation="C"), nullable=True),
        sa.Column("promised_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "quantity > 0 AND rejected >= 0 AND cancelled >= 0 AND shipped >= 0 AND rejected + cancelled + shipped <= quantity",
            name="lines_counters",
        ),
        sa.ForeignKeyConstraint(
            ["purchase_id"],
            ["purchasing.purchases.id"],
        ),
        sa.PrimaryKeyConstraint("purchase_id", "line_no"),
        schema="purchasing",
    )
    op.create_table(
        "substitutes",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("substitute", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("sku <> substitute AND rank > 0", name="substitutes_other"),
        sa.PrimaryKeyConstraint("sku", "rank"),
        schema="substitution",
    )
    op.create_index("substitutes_once", "substitutes", ["sku", "substitute"], unique=True, schema="substitution")
    op.create_table(
        "substitutions",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("fulfilment_id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("by_line_no", sa.Integer(), nullable=False),
        sa.Column("by_sku", sa.Text(collation="C"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("difference", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("quantity > 0 AND unit_price >= 0 AND difference >= 0", name="substitutions_amounts"),
        sa.PrimaryKeyConstraint("id"),
        schema="substitution",
    )
    op.create_index("substitutions_order", "substitutions", ["order_id"], unique=False, schema="substitution")
    op.create_table(
        "carried",
        sa.Column("transfer_id", sa.UUID(), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("sent", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("received", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("missing", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("assumed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("read_out", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("read_in", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "sent >= 0 AND received >= 0 AND missing >= 0 AND read_out >= 0 AND read_in >= 0", name="carried_units"
        ),
        sa.PrimaryKeyConstraint("transfer_id", "sku", "code"),
        schema="lots",
    )
    op.create_index("carried_lot", "carried", ["sku", "code"], unique=False, schema="lots")
    op.create_table(
        "entries",
        sa.Column("tx", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=True),
        sa.Column("fulfilment_id", sa.UUID(), nullable=True),
        sa.Column("transfer_id", sa.UUID(), nullable=True),
        sa.Column("reason", sa.Text(collation="C"), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("on_hand <> 0 OR held <> 0", name="entries_change"),
        sa.PrimaryKeyConstraint("tx", "seq"),
        schema="lots",
    )
    op.create_index("entries_lot", "entries", ["sku", "code", "location_id"], unique=False, schema="lots")
    op.create_table(
        "lots",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("blocked_note", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("sku", "code"),
        schema="lots",
    )
    op.create_table(
        "picks",
        sa.Column("fulfilment_id", sa.UUID(), nullable=False),
        sa.Column("line_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.CheckConstraint("quantity > 0", name="picks_quantity"),
        sa.PrimaryKeyConstraint("fulfilment_id", "line_no", "sku", "code"),
        schema="lots",
    )
    op.create_index("picks_lot", "picks", ["sku", "code", "at"], unique=False, schema="lots")
    op.create_index("picks_order", "picks", ["order_id"], unique=False, schema="lots")
    op.create_table(
        "terms",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("tracks", sa.Text(collation="C"), nullable=False),
        sa.Column("shelf_life_left", sa.Integer(), nullable=False),
        sa.Column("transit_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("tracks IN ('lot', 'expiry')", name="terms_tracks"),
        sa.CheckConstraint("shelf_life_left >= 0 AND transit_days >= 0", name="terms_days"),
        sa.PrimaryKeyConstraint("sku"),
        schema="lots",
    )
    op.create_table(
        "shelves",
        sa.Column("sku", sa.Text(collation="C"), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("location_id", sa.UUID(), nullable=False),
        sa.Column("on_hand", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("held", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("0 <= held AND held <= on_hand", name="shelves_held"),
        sa.ForeignKeyConstraint(
            ["sku", "code"],
            ["lots.lots.sku", "lots.lots.code"],
        ),
        sa.PrimaryKeyConstraint("sku", "code", "location_id"),
        schema="lots",
    )
    op.create_index("shelves_location", "shelves", ["location_id", "sku"], unique=False, schema="lots")
    op.create_table(
        "invoices",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("seller", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("refers_to", sa.UUID(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("erase_on", sa.Date(), nullable=True),
        sa.CheckConstraint("(kind = 'credit_note') = (refers_to IS NOT NULL)", name="invoices_refers"),
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name="invoices_kind"),
        sa.CheckConstraint("total >= 0 AND serial > 0", name="invoices_numbers"),
        sa.ForeignKeyConstraint(
            ["refers_to"],
            ["invoicing.invoices.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        schema="invoicing",
    )
    op.create_index(
        "invoices_erase",
        "invoices",
        ["erase_on"],
        unique=False,
        schema="invoicing",
        postgresql_where=sa.text("erase_on IS NOT NULL"),
    )
    op.create_index("invoices_number", "invoices", ["seller", "kind", "year", "serial"], unique=True, schema="invoicing")
    op.create_index("invoices_order", "invoices", ["order_id", "issued_at"], unique=False, schema="invoicing")
    op.create_table(
        "proofs",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("barred_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("tries >= 0", name="proofs_tries"),
        sa.PrimaryKeyConstraint("order_id"),
        schema="invoicing",
    )
    op.create_table(
        "sellers",
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("code"),
        schema="invoicing",
    )
    op.create_table(
        "series",
        sa.Column("seller", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("seller", "kind", "year"),
        schema="invoicing",
    )
    op.create_table(
        "adjustments",
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("external_id", sa.Text(collation="C"), nullable=False),
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "external_id"),
        schema="imports",
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("layout", sa.Text(collation="C"), nullable=False),
        sa.Column("file_name", sa.Text(), server_default="", nullable=False),
        sa.Column("file_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("dry_run", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("size", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(collation="C"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('orders', 'products', 'stock', 'locations', 'postcodes', 'bins', 'customers')", name="runs_kind"
        ),
        sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name="runs_state"),
        sa.PrimaryKeyConstraint("id"),
        schema="imports",
    )
    op.create_index("runs_file", "runs", ["file_hash", "kind"], unique=False, schema="imports")
    op.create_index("runs_started", "runs", ["started_at", "id"], unique=False, schema="imports")
    op.create_table(
        "rejected_rows",
        sa.Column("run_id", sa.UUID(), nullable=False),
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("advice", sa.Text(), server_default="", nullable=False),
        sa.Column("cells", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["imports.runs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "line"),
        schema="imports",
    )
    op.create_table(
        "lanes",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="demo",
    )
    op.create_table(
        "state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("opening_weeks", sa.Integer(), nullable=False),
        sa.Column("baskets", sa.BigInteger(), nullable=False),
        sa.Column("speed", sa.Double(), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("resetting", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lines_per_second", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("baskets_per_second", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("behind_for", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name="state_one"),
        sa.CheckConstraint("speed = 0 OR speed >= 1", name="state_speed"),
        sa.PrimaryKeyConstraint("id"),
        schema="demo",
    )
    op.create_table(
        "steps",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="demo",
    )

    procrastinate = SchemaManager.get_schema()
    op.get_bind().exec_driver_sql(procrastinate.replace("%", "%%"))
