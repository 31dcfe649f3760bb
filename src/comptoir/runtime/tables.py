"""The tables of the plumbing: the event log, its consumers, and the idempotency record."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, text

from comptoir.runtime.columns import Xid8, instant, json, key, uuid_column, words

metadata = MetaData(schema="runtime")

events = Table(
    "events",
    metadata,
    Column("tx", Xid8, primary_key=True, server_default=text("pg_current_xact_id()")),
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    uuid_column("id"),
    key("type"),
    instant("at"),
    key("actor"),
    key("request_id"),
    uuid_column("subject", nullable=True),
    json("data"),
    Index("events_subject", "subject", postgresql_where=text("subject IS NOT NULL")),
)

consumers = Table(
    "consumers",
    metadata,
    key("name", primary_key=True),
    Column("tx", Xid8, nullable=False, server_default=text("'0'::xid8")),
    Column("seq", BigInteger, nullable=False, server_default=text("0")),
    instant("moved_at", default=True),
)

parked_events = Table(
    "parked_events",
    metadata,
    key("consumer", primary_key=True),
    uuid_column("event_id", primary_key=True),
    Column("tx", Xid8, nullable=False),
    Column("seq", BigInteger, nullable=False),
    words("problem"),
    Column("attempts", Integer, nullable=False),
    instant("at"),
)

idempotency = Table(
    "idempotency",
    metadata,
    key("scope", primary_key=True),
    key("key", primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    instant("at"),
    Index("idempotency_at", "at", postgresql_using="brin"),
)
