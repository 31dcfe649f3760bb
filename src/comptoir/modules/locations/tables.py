"""Where stock is, and the pools that channels sell from."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Double, ForeignKey, Integer, MetaData, Table, text
from sqlalchemy.dialects.postgresql import UUID

from comptoir.runtime.columns import flag, id_column, instant, json, key, words

metadata = MetaData(schema="locations")

locations = Table(
    "locations",
    metadata,
    id_column(),
    key("code", unique=True),
    words("name"),
    key("kind"),
    flag("active", default=True),
    words("line1"),
    words("line2"),
    words("postcode"),
    words("city"),
    words("region"),
    key("country"),
    Column("latitude", Double),
    Column("longitude", Double),
    words("contact"),
    words("phone"),
    words("email"),
    key("time_zone"),
    json("opening_hours", default="[]"),
    json("closures", default="{}"),
    flag("ships", default=True),
    flag("pickup", default=False),
    flag("returns", default=True),
    flag("third_party", default=False),
    Column("daily_capacity", Integer),
    instant("created_at", default=True),
    instant("updated_at", default=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("kind IN ('warehouse', 'store', 'supplier', 'transit')", name="locations_kind"),
    CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="locations_coordinates"),
    CheckConstraint("daily_capacity >= 0", name="locations_capacity"),
)

postcodes = Table(
    "postcodes",
    metadata,
    key("country", primary_key=True),
    key("postcode", primary_key=True),
    Column("latitude", Double, nullable=False),
    Column("longitude", Double, nullable=False),
    words("place"),
    CheckConstraint("latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name="postcodes_coordinates"),
)
"""Where postcodes are, in the middle; as somebody has loaded them. Written without spaces, in capitals."""

pools = Table(
    "pools",
    metadata,
    id_column(),
    key("code", unique=True),
    words("name"),
    instant("created_at", default=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
)

pool_members = Table(
    "pool_members",
    metadata,
    Column("pool_id", UUID(as_uuid=True), ForeignKey("locations.pools.id", ondelete="CASCADE"), primary_key=True),
    Column("location_id", UUID(as_uuid=True), ForeignKey("locations.locations.id"), primary_key=True),
    Column("priority", Integer, nullable=False),
)
