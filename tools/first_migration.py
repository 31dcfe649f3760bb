"""Rewrites the first migration from the tables in code.

Only until the first release: as long as nobody has a database to keep, the schema has one version and not a history.
Usage: first_migration.py URL, where URL is an empty PostgreSQL 18 database.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import psycopg

from comptoir.migrations import schema
from comptoir.runtime.functions import PLAIN

VERSIONS = Path(schema.__file__).parent / "versions"
HEADER = '''"""The tables as they were first."""

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

SCHEMAS = {schemas}
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gist")


def upgrade() -> None:
    for extension in EXTENSIONS:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {{extension}}")
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {{schema}}")
    op.execute(PLAIN)
'''
FOOTER = """
    procrastinate = SchemaManager.get_schema()
    op.get_bind().exec_driver_sql(procrastinate.replace("%", "%%"))
"""


def main(url: str) -> None:
    target = VERSIONS / "0001_initial.py"
    target.unlink(missing_ok=True)
    schemas = tuple(str(metadata.schema) for metadata in schema.METADATAS)
    with psycopg.connect(url, autocommit=True) as connection:
        for extension in ("pg_trgm", "unaccent", "btree_gist"):
            connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}".encode())
        for name in schemas:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}".encode())
        connection.execute(PLAIN)
    schema.revision(url, "initial")
    (written,) = VERSIONS.glob("*_initial.py")
    body = written.read_text().split("def upgrade() -> None:\n", 1)[1].rstrip()
    written.unlink()
    body = re.sub(r"\n    # ### .*", "", body).replace("comptoir.runtime.columns.Xid8", "Xid8")
    body = re.sub(r"\A    # ### .*\n", "", body)
    listed = "(\n" + "".join(f'    "{name}",\n' for name in schemas) + ")"
    target.write_text(HEADER.format(schemas=listed) + body + "\n" + FOOTER)


if __name__ == "__main__":
    main(sys.argv[1])
