"""Cartons."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, MetaData, Table, text

from comptoir.runtime.columns import flag, id_column, instant, key, uuid_column, words

metadata = MetaData(schema="packing")


def _number(name: str, default: int | None = None) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=None if default is None else text(str(default)))


cartons = Table(
    "cartons",
    metadata,
    id_column(),
    key("code", unique=True),
    words("name"),
    uuid_column("location_id", nullable=True),
    _number("length"),
    _number("width"),
    _number("height"),
    _number("weight", 0),
    _number("max_weight"),
    Column("cost", BigInteger, nullable=False, server_default=text("0")),
    flag("active", default=True),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    _number("version", 1),
    CheckConstraint("length > 0 AND width > 0 AND height > 0", name="cartons_measures"),
    CheckConstraint("weight >= 0 AND max_weight > 0 AND cost >= 0", name="cartons_limits"),
)
"""Lengths are millimetres inside, weights grams; a carton without a location is used everywhere."""
