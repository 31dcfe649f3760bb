"""Rule sets with everything that they ever said, and what routing knows of locations."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Integer, MetaData, Table, text
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from comptoir.runtime.columns import amount, id_column, instant, json, key, uuid_column, words

metadata = MetaData(schema="routing")

rule_sets = Table(
    "rule_sets",
    metadata,
    id_column(),
    key("code", unique=True),
    words("name"),
    key("state"),
    Column("position", Integer, nullable=False, server_default=text("0")),
    Column("share", Integer, nullable=False, server_default=text("100")),
    json("rules"),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("state IN ('draft', 'live', 'retired')", name="rule_sets_state"),
    CheckConstraint("share BETWEEN 0 AND 100", name="rule_sets_share"),
)

rule_set_versions = Table(
    "rule_set_versions",
    metadata,
    Column("rule_set_id", UUID(as_uuid=True), ForeignKey("routing.rule_sets.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    json("rules"),
    instant("at"),
    key("actor"),
)
"""Written with every change and never changed: a decision names the version that it was taken under."""

sites = Table(
    "sites",
    metadata,
    uuid_column("location_id", primary_key=True),
    amount("pick_cost", default=0),
    amount("pack_cost", default=0),
    Column("cut_off", Integer, nullable=False),
    Column("preparation", Integer, nullable=False),
    Column("works", ARRAY(Boolean), nullable=False),
    instant("updated_at", default=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint(
        "pick_cost >= 0 AND pack_cost >= 0 AND cut_off BETWEEN 0 AND 1440 AND preparation >= 0 AND cardinality(works) = 7",
        name="sites_limits",
    ),
)
"""`cut_off` and `preparation` are minutes; locations without a row have the defaults of `SiteSettings`."""
