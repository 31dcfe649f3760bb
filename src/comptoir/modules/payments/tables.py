"""The payment ledger of orders, the refunds that were granted, and gift cards and store credit."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, text
from sqlalchemy.dialects.postgresql import UUID

from comptoir.runtime.columns import amount, id_column, instant, key, uuid_column, words

metadata = MetaData(schema="payments")

entries = Table(
    "entries",
    metadata,
    id_column(),
    uuid_column("order_id"),
    key("kind"),
    key("method"),
    amount("amount"),
    key("currency"),
    key("reference"),
    instant("at"),
    key("actor"),
    key("channel_code"),
    uuid_column("location_id", nullable=True),
    Index("entries_order", "order_id"),
    Index("entries_at", "at", postgresql_using="brin"),
    Index(
        "entries_reference", "order_id", "kind", "method", "reference", unique=True, postgresql_where=text("reference <> ''")
    ),
    CheckConstraint("amount > 0", name="entries_amount"),
    CheckConstraint("kind IN ('authorised', 'captured', 'voided', 'refunded')", name="entries_kind"),
)
"""Money that moved: `channel_code` is the channel that took it, `location_id` the store or desk where it moved, if any."""

grants = Table(
    "grants",
    metadata,
    id_column(),
    uuid_column("order_id"),
    amount("amount"),
    key("currency"),
    words("reason"),
    key("about"),
    uuid_column("about_id", nullable=True),
    instant("granted_at"),
    key("actor"),
    instant("withdrawn_at", nullable=True),
    key("withdrawn_by", nullable=True),
    amount("executed", default=0),
    Index("grants_order", "order_id", "granted_at", "id"),
    Index("grants_open", "granted_at", "id", postgresql_where=text("withdrawn_at IS NULL AND executed < amount")),
    Index("grants_granted", "granted_at", "id"),
    CheckConstraint("amount > 0", name="grants_amount"),
)
"""Refunds that were promised; `executed`, what has moved of one, is the sum of its executions."""

executions = Table(
    "executions",
    metadata,
    Column("grant_id", UUID(as_uuid=True), ForeignKey("payments.grants.id"), primary_key=True),
    Column("payment_id", UUID(as_uuid=True), ForeignKey("payments.entries.id"), primary_key=True),
    amount("amount"),
    CheckConstraint("amount > 0", name="executions_amount"),
)

accounts = Table(
    "accounts",
    metadata,
    id_column(),
    key("kind"),
    key("currency"),
    Column("code_hash", LargeBinary, nullable=False, unique=True),
    key("last4"),
    uuid_column("customer_id", nullable=True),
    instant("expires_at", nullable=True),
    instant("issued_at"),
    key("actor"),
    words("note"),
    Index("accounts_customer", "customer_id", postgresql_where=text("customer_id IS NOT NULL")),
    CheckConstraint("kind IN ('store_credit', 'gift_card')", name="accounts_kind"),
)
"""Gift cards and store credit. The code is known to its holder alone."""

account_entries = Table(
    "account_entries",
    metadata,
    Column("account_id", UUID(as_uuid=True), ForeignKey("payments.accounts.id"), primary_key=True),
    Column("serial", Integer, primary_key=True, autoincrement=False),
    key("kind"),
    Column("amount", BigInteger, nullable=False),
    amount("balance"),
    uuid_column("order_id", nullable=True),
    uuid_column("payment_id", nullable=True),
    key("reference"),
    instant("at"),
    key("actor"),
    CheckConstraint("balance >= 0", name="account_entries_balance"),
    CheckConstraint("amount <> 0 OR kind = 'issued'", name="account_entries_amount"),
    CheckConstraint("kind IN ('issued', 'spent', 'given_back', 'expired', 'adjusted')", name="account_entries_kind"),
)
"""Append-only. `balance` is the one before plus `amount`; the serial lets no two entries follow the same one."""
