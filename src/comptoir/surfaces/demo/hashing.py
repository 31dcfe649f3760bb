"""Numbers that look random and are the same on every machine and in every run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def scramble(keys: NDArray[np.integer[Any]], salt: int = 0) -> NDArray[np.uint64]:
    """Each key as 64 well-mixed bits (splitmix64, Steele and others 2014); another salt gives independent ones."""
    offset = np.uint64((salt + 1) * int(_SPREAD) % 2**64)
    mixed = keys.astype(np.uint64) * _SPREAD + offset
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


def below(keys: NDArray[np.integer[Any]], limit: int, salt: int = 0) -> NDArray[np.int64]:
    """For each key a number from 0 to `limit` - 1."""
    return (scramble(keys, salt) % np.uint64(limit)).astype(np.int64)
