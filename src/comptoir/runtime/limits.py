"""How often a stranger may try: token buckets in this process's memory.

They slow down guessing at sign-in and at API tokens; they are no quota. Each web process counts for itself, so that N processes
allow N times the rate, and a restart forgets: both are fine against guessing 256-bit tokens and argon2 passwords. Memory is
bounded: when all places are taken by keys that are still being slowed down, newcomers share one bucket, so that flooding the
table with keys does not buy fresh tries.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

from comptoir.kernel.errors import Refusal


class TooManyRequests(Refusal):
    """Try again after `data["retry_after"]` seconds."""

    code = "too_many_requests"
    status = 429
    title = "Too many attempts"


class Limiter:
    """`burst` tries at once per key, then one per `seconds`."""

    def __init__(
        self, *, burst: int, seconds: float, max_keys: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        assert burst >= 1
        assert seconds > 0
        assert max_keys >= 1
        self._burst = burst
        self._seconds = seconds
        self._max_keys = max_keys
        self._clock = clock
        self._free_at: OrderedDict[str, float] = OrderedDict()
        """When a key's bucket is full again; least recently used first. A bucket is this one number (GCRA)."""
        self._shared = float("-inf")

    def __len__(self) -> int:
        return len(self._free_at)

    def take(self, key: str) -> None:
        """Counts a try; raises `TooManyRequests`, which counts for nothing, when the key has none left."""
        now = self._clock()
        full_at, own = self._full_at(key, now)
        full_at = max(full_at, now) + self._seconds
        wait = full_at - now - self._burst * self._seconds
        if wait > 1e-9:
            raise TooManyRequests(retry_after=round(wait, 3))
        if own:
            self._free_at[key] = full_at
            self._free_at.move_to_end(key)
        else:
            self._shared = full_at

    def check(self, key: str) -> None:
        """Raises `TooManyRequests` as `take` would, and counts nothing: for tries that count only when they fail."""
        now = self._clock()
        full_at, _ = self._full_at(key, now)
        wait = max(full_at, now) + self._seconds - now - self._burst * self._seconds
        if wait > 1e-9:
            raise TooManyRequests(retry_after=round(wait, 3))

    def forget(self, key: str) -> None:
        """Whoever it was has shown who they are."""
        self._free_at.pop(key, None)

    def _full_at(self, key: str, now: float) -> tuple[float, bool]:
        """When its bucket is full again, and whether it has one of its own."""
        found = self._free_at.get(key)
        if found is not None:
            return found, True
        while self._free_at:
            oldest, full_at = next(iter(self._free_at.items()))
            if full_at > now:
                break
            del self._free_at[oldest]
        if len(self._free_at) < self._max_keys:
            return now, True
        return self._shared, False


def address_key(address: str) -> str:
    """What stands for whoever calls from there: an IPv4 address, or the /64 of an IPv6 one, which one line has to itself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
