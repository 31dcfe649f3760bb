"""Who works here: users, their sessions, API tokens, and the audit trail."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Identity, Index, LargeBinary, MetaData, Table
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from comptoir.runtime.columns import KeyText, flag, id_column, instant, json, key, uuid_column, words

metadata = MetaData(schema="staff")


def _locations() -> Column[object]:
    """Whose work they may do; empty is every location's."""
    return Column("locations", ARRAY(UUID(as_uuid=True)), nullable=False, server_default="{}")


users = Table(
    "users",
    metadata,
    id_column(),
    key("email", unique=True),
    words("name"),
    key("role"),
    key("password_hash"),
    key("locale"),
    key("time_zone"),
    flag("active", default=True),
    instant("created_at", default=True),
    instant("signed_in_at", nullable=True),
    _locations(),
    CheckConstraint("role IN ('owner', 'operations', 'store', 'buyer', 'support', 'analyst')", name="users_role"),
    CheckConstraint("email = lower(email)", name="users_email"),
    CheckConstraint("role <> 'owner' OR locations = '{}'", name="users_locations"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", UUID(as_uuid=True), ForeignKey("staff.users.id", ondelete="CASCADE"), nullable=False, index=True),
    instant("created_at", default=True),
    instant("expires_at"),
    key("address"),
    words("agent"),
)

tokens = Table(
    "tokens",
    metadata,
    id_column(),
    words("name"),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(KeyText), nullable=False),
    uuid_column("created_by", nullable=True),
    instant("created_at", default=True),
    instant("expires_at", nullable=True),
    instant("used_at", nullable=True),
    instant("revoked_at", nullable=True),
    uuid_column("location_id", nullable=True),
    _locations(),
    CheckConstraint("location_id IS NULL OR locations = '{}'", name="tokens_locations"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    instant("at"),
    key("actor"),
    key("action"),
    key("subject"),
    json("data", default="{}"),
    key("address"),
    key("request_id"),
    Index("audit_actor", "actor", "id"),
    Index("audit_subject", "subject", "id"),
)
