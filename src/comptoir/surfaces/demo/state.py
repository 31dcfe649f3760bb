"""The rows by which the player, the command line and the console know of each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import cast

from comptoir.kernel.checking import invalid
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.demo.pace import SLOWEST, UNLIMITED

DEFAULT_SPEED = 5_000.0
"""A day of trade takes seventeen seconds, the year an hour and three quarters: about 25 orders a second."""
SPEEDS = (1_000.0, 2_000.0, 5_000.0, 10_000.0, 25_000.0, UNLIMITED)
"""What the console offers; any other from real time on is as good."""


@dataclass(frozen=True, slots=True)
class DemoState:
    """The row as it stands: see `tables.state`."""

    opening_weeks: int
    baskets: int
    speed: float
    paused: bool
    resetting: bool
    begins_at: datetime
    ends_at: datetime
    data_at: datetime
    lines_per_second: float
    baskets_per_second: float
    behind_for: float
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class DemoStatus:
    """What the Live page shows of the replay. `position` of `of` baskets have played, up to `data_at` in the data's time."""

    position: int
    of: int
    data_at: datetime
    begins_at: datetime
    ends_at: datetime
    speed: float
    """How many times real time; 0 is as fast as it goes."""
    paused: bool
    resetting: bool
    lines_per_second: float
    baskets_per_second: float
    behind_for: float
    """Seconds by which the player is late at this speed."""
    moved_at: datetime
    """When the player gave its last sign of life."""

    @property
    def finished(self) -> bool:
        return self.position >= self.of

    @property
    def share(self) -> float:
        """How much of the year has played, from 0 to 1."""
        return self.position / self.of if self.of else 1.0


_READ = """
SELECT opening_weeks, baskets, speed, paused, resetting, begins_at, ends_at, data_at, lines_per_second, baskets_per_second,
  behind_for, moved_at
FROM demo.state
"""

_BEGIN = """
INSERT INTO demo.state (id, opening_weeks, baskets, speed, begins_at, ends_at, data_at, moved_at)
VALUES (1, %(opening_weeks)s, %(baskets)s, %(speed)s, %(begins_at)s, %(ends_at)s, %(begins_at)s, %(now)s)
ON CONFLICT (id) DO NOTHING
"""

_REPORT = """
UPDATE demo.state SET data_at = %(data_at)s, lines_per_second = %(lines)s, baskets_per_second = %(baskets)s,
  behind_for = %(behind)s, moved_at = clock_timestamp()
"""

_STEP = """
INSERT INTO demo.steps (name, done, at) VALUES (%(name)s, %(done)s, %(now)s)
ON CONFLICT (name) DO UPDATE SET done = excluded.done, at = excluded.at
"""

_LANE = """
INSERT INTO demo.lanes (name, position) VALUES (%(name)s, %(position)s)
ON CONFLICT (name) DO UPDATE SET position = excluded.position
"""

PLAYING = ("tills", "more tills", "orders", "marketplace")
"""The lanes that play baskets."""


async def read(reader: Reader) -> DemoState | None:
    """None where no demo has been loaded."""
    return await reader.one(DemoState, _READ)


async def status(reader: Reader) -> DemoStatus | None:
    """Where the replay is; None where this is no demo."""
    found = await read(reader)
    if found is None:
        return None
    at = await lanes(reader)
    return DemoStatus(
        position=min(at.get(name, 0) for name in PLAYING),
        of=found.baskets,
        data_at=found.data_at,
        begins_at=found.begins_at,
        ends_at=found.ends_at,
        speed=found.speed,
        paused=found.paused,
        resetting=found.resetting,
        lines_per_second=found.lines_per_second,
        baskets_per_second=found.baskets_per_second,
        behind_for=found.behind_for,
        moved_at=found.moved_at,
    )


async def control(tx: Tx, *, speed: float | None = None, paused: bool | None = None, reset: bool = False) -> None:
    """The viewer's wishes; the player follows within a second. `reset` empties the order book and begins the year anew.

    Raises Invalid for a speed that is neither 0 (as fast as it goes) nor at least 1.
    """
    if speed is not None and speed != UNLIMITED and not SLOWEST <= speed < inf:
        raise invalid("speed", "is 0, as fast as it goes, or at least 1")
    await tx.run(
        "UPDATE demo.state SET speed = coalesce(%(speed)s, speed), paused = coalesce(%(paused)s, paused), "
        "resetting = resetting OR %(reset)s",
        {"speed": speed, "paused": paused, "reset": reset},
    )


async def begin(
    tx: Tx, *, opening_weeks: int, baskets: int, begins_at: datetime, ends_at: datetime, speed: float = DEFAULT_SPEED
) -> DemoState:
    """Makes the row where there is none; gives the one that there is."""
    await tx.run(
        _BEGIN,
        {
            "opening_weeks": opening_weeks,
            "baskets": baskets,
            "speed": speed,
            "begins_at": begins_at,
            "ends_at": ends_at,
            "now": tx.now,
        },
    )
    found = await read(tx)
    assert found is not None, "it has just been written"
    return found


async def report(tx: Tx, data_at: datetime, *, lines: float, baskets: float, behind: float) -> None:
    await tx.run(_REPORT, {"data_at": data_at, "lines": lines, "baskets": baskets, "behind": behind})


async def steps(reader: Reader) -> dict[str, int]:
    return dict(cast("list[tuple[str, int]]", await reader.rows("SELECT name, done FROM demo.steps")))


async def step(tx: Tx, name: str, done: int) -> None:
    await tx.run(_STEP, {"name": name, "done": done, "now": tx.now})


async def lanes(reader: Reader) -> Mapping[str, int]:
    return dict(cast("list[tuple[str, int]]", await reader.rows("SELECT name, position FROM demo.lanes")))


async def move(tx: Tx, lane: str, position: int) -> None:
    await tx.run(_LANE, {"name": lane, "position": position})


async def begin_anew(tx: Tx) -> None:
    """Nothing has played, and the opening stock has to be loaded; the wish for it is fulfilled."""
    await tx.run("DELETE FROM demo.lanes")
    await tx.run("DELETE FROM demo.steps WHERE name IN ('stock', 'simulation')")
    await tx.run("UPDATE demo.state SET resetting = false, data_at = begins_at, lines_per_second = 0, baskets_per_second = 0")
