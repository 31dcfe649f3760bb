"""How fast the year plays: a pure mapping between the data's time and the viewer's."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

UNLIMITED = 0.0
SLOWEST = 1.0
"""Real time. The console offers 1,000 and up: at 1,000 the year takes under nine hours."""


@dataclass(frozen=True, slots=True)
class Pace:
    """At `wall` (a monotonic clock, in seconds) the year was at `data` (seconds since 1970), and runs `speed` times as fast.

    A speed of 0 is as fast as it goes. Changing the speed gives another pace anchored where the year then is, so that
    nothing is skipped and nothing plays twice.
    """

    speed: float
    data: float
    wall: float
    paused: bool = False

    def __post_init__(self) -> None:
        if self.speed != UNLIMITED and not SLOWEST <= self.speed < inf:
            msg = f"a speed is 0 (as fast as it goes) or at least {SLOWEST:g}"
            raise ValueError(msg)

    def due(self, at: float) -> float:
        """When, on the wall, what happened at that time of the data is to be played; never, when paused."""
        if self.paused:
            return inf
        if self.speed == UNLIMITED:
            return self.wall
        return self.wall + (at - self.data) / self.speed

    def reached(self, wall: float) -> float:
        """Up to which time of the data everything is due at that wall time."""
        if self.paused:
            return self.data
        if self.speed == UNLIMITED:
            return inf
        return self.data + (wall - self.wall) * self.speed

    def wait(self, at: float, wall: float) -> float:
        """Seconds from that wall time until it is due; 0 when it is late."""
        return max(0.0, self.due(at) - wall)

    def changed(self, *, wall: float, next_at: float, speed: float | None = None, paused: bool | None = None) -> Pace:
        """The pace from that wall time on. `next_at` is the time of the data of what is to be played next: a player that lags
        behind goes on from there, rather than catch up at once with what the old speed had made due.
        """
        return Pace(
            speed=self.speed if speed is None else speed,
            data=min(next_at, self.reached(wall)),
            wall=wall,
            paused=self.paused if paused is None else paused,
        )
