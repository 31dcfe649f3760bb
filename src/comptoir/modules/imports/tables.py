"""Imports of files: what each run read, and every row that it could not take."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, MetaData, Table, text
from sqlalchemy.dialects.postgresql import UUID

from comptoir.runtime.columns import flag, id_column, instant, json, key, words

metadata = MetaData(schema="imports")

runs = Table(
    "runs",
    metadata,
    id_column(),
    key("kind"),
    key("layout"),
    words("file_name"),
    key("file_hash"),
    json("options", default="{}"),
    key("state"),
    flag("dry_run", default=False),
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    Column("size", BigInteger, nullable=False, server_default=text("0")),
    json("report", default="{}"),
    words("problem"),
    key("actor"),
    instant("started_at"),
    instant("moved_at"),
    instant("finished_at", nullable=True),
    Index("runs_started", "started_at", "id"),
    Index("runs_file", "file_hash", "kind"),
    CheckConstraint("kind IN ('orders', 'products', 'stock', 'locations', 'postcodes', 'bins', 'customers')", name="runs_kind"),
    CheckConstraint("state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name="runs_state"),
)
"""`position` counts what has been dealt with, in the same transaction as its effects: a run resumes there. `report` holds the
counts of rows by outcome; when the run is done they add up to the rows of the file."""

rejected_rows = Table(
    "rejected_rows",
    metadata,
    Column("run_id", UUID(as_uuid=True), ForeignKey("imports.runs.id", ondelete="CASCADE"), primary_key=True),
    Column("line", BigInteger, primary_key=True, autoincrement=False),
    key("code"),
    words("reason"),
    words("advice"),
    json("cells"),
)
"""`line` is the line in the file, and 10^12 more for each file before it. `cells` are pairs of a column and its text, since the
keys of a JSON object would lose the order of the file."""

adjustments = Table(
    "adjustments",
    metadata,
    key("channel", primary_key=True),
    key("external_id", primary_key=True),
    Column("run_id", UUID(as_uuid=True), nullable=False),
)
"""Corrections of stock that files of orders have told and that the ledger has: each is done once, however often it is told."""
