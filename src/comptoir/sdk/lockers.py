"""What a system of lockers has to do for us: give a code that opens a compartment, and forget it again.

A wall of lockers with a system of its own is connected by a class with these two methods. Neither is called inside a
transaction, and each may be called again with the same `reference`: the same answer is then given, and nothing done twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupation:
    """A compartment, and for what it is wanted. `reference` is the same for all calls about one stay in it."""

    location: str
    """The location's code."""
    bank: str
    compartment: str
    reference: str


class LockerSystem(Protocol):
    """Whoever runs the lockers. Raises a Fault that says who can put it right."""

    async def occupy(self, wanted: Occupation) -> str:
        """Opens the compartment for whoever puts something in; gives the code that opens it for the buyer."""
        ...

    async def vacate(self, left: Occupation) -> None:
        """The code opens nothing any more. What is not occupied stays as it is."""
        ...
