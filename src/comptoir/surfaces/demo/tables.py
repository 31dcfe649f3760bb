"""The demo: what has been loaded, how far the year has played, and how fast it is to go on."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Double, Integer, MetaData, Table, text

from comptoir.runtime.columns import instant, key

metadata = MetaData(schema="demo")

state = Table(
    "state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("opening_weeks", Integer, nullable=False),
    Column("baskets", BigInteger, nullable=False),
    Column("speed", Double, nullable=False),
    Column("paused", Boolean, nullable=False, server_default=text("false")),
    Column("resetting", Boolean, nullable=False, server_default=text("false")),
    instant("begins_at"),
    instant("ends_at"),
    instant("data_at"),
    Column("lines_per_second", Double, nullable=False, server_default=text("0")),
    Column("baskets_per_second", Double, nullable=False, server_default=text("0")),
    Column("behind_for", Double, nullable=False, server_default=text("0")),
    instant("moved_at"),
    CheckConstraint("id = 1", name="state_one"),
    CheckConstraint("speed = 0 OR speed >= 1", name="state_speed"),
)
"""One row. `speed`, `paused` and `resetting` are the viewer's wishes; the rest is what the player tells, about once a second.
`behind_for` is by how many seconds of the viewer's clock the player is late."""

steps = Table(
    "steps",
    metadata,
    key("name", primary_key=True),
    Column("done", BigInteger, nullable=False),
    instant("at"),
)
"""How much of each step of the set-up is there, written in the transactions that do it."""

lanes = Table(
    "lanes",
    metadata,
    key("name", primary_key=True),
    Column("position", BigInteger, nullable=False),
)
"""How far each lane of the replay is, written in the transactions that have its effects: what is killed goes on there."""
