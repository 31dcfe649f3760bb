"""Services of carriers with their table rates."""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, Double, Integer, MetaData, Table, text
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from comptoir.runtime.columns import KeyText, flag, id_column, instant, json, key, words

metadata = MetaData(schema="carriers")

services = Table(
    "services",
    metadata,
    id_column(),
    key("code", unique=True),
    words("name"),
    key("service"),
    json("zones"),
    Column("countries", ARRAY(KeyText), nullable=False, server_default=text("'{}'")),
    flag("dangerous", default=False),
    Column("max_weight", Integer, nullable=False, server_default=text("30000")),
    Column("carbon", Double, nullable=False, server_default=text("0.1")),
    Column("delivers", ARRAY(Boolean), nullable=False),
    flag("delivers_on_holidays", default=False),
    Column("origin_locations", ARRAY(UUID(as_uuid=True)), nullable=False, server_default=text("'{}'")),
    Column("origin_kinds", ARRAY(KeyText), nullable=False, server_default=text("'{}'")),
    Column("origin_countries", ARRAY(KeyText), nullable=False, server_default=text("'{}'")),
    flag("active", default=True),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("service IN ('standard', 'express')", name="services_service"),
    CheckConstraint("max_weight > 0 AND carbon >= 0 AND cardinality(delivers) = 7", name="services_limits"),
)
"""`zones` is a list of [up to kilometres, base, per begun kilogram, days], from near to far; `max_weight` is of a box; and
`origin_…` where it is collected, all of them empty for everywhere.
"""
