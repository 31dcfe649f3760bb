"""Alembic's environment: every module's tables, one PostgreSQL schema each."""

from __future__ import annotations

from alembic import context
from sqlalchemy import NullPool, create_engine

from comptoir.migrations.schema import METADATAS, SCHEMAS

config = context.config
url = config.attributes["url"]

engine = create_engine(url, poolclass=NullPool)  # a migration that fails leaves no connection behind
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=METADATAS,
        include_schemas=True,
        include_name=lambda name, kind, _parents: name in SCHEMAS if kind == "schema" else True,
        version_table="alembic_version",
        version_table_schema="public",
        compare_server_default=False,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()
