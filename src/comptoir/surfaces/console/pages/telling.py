"""How the timeline's sentences are told: what they are given, and what they give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from comptoir.kernel.money import Currency
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.naming import Places
from comptoir.surfaces.console.web import Visit


@dataclass(frozen=True, slots=True)
class Teller:
    visit: Visit
    places: Places
    lines: Mapping[int, str]
    currency: Currency

    def say(self, text: str, **values: object) -> str:
        return self.visit.say(text, **values)

    def money(self, minor: object) -> str:
        return formatting.money(int(str(minor)), self.currency, self.visit.page.locale)

    def place(self, value: object) -> str:
        found = uuid_of(value)
        return self.places[found] if found is not None else ""

    def units(self, data: Mapping[str, object]) -> str:
        """The lines that were meant: `3 × Bananas`."""
        rows = cast("Sequence[object]", data.get("lines") or ())
        parts: list[str] = []
        for row in rows:
            if isinstance(row, dict):
                entry = cast("Mapping[str, object]", row)
                number, quantity = int(str(entry["line_no"])), entry["quantity"]
                parts.append(f"{quantity} × {self.lines.get(number, number)}")
        return ", ".join(parts[:5]) + ("…" if len(parts) > 5 else "")


Words = tuple[str, str, str, str]
"""(what, icon, tone, detail)."""


def uuid_of(value: object) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def joined(*parts: object) -> str:
    return " · ".join(str(part) for part in parts if part)


def other(_: Teller, type_: str, __: Mapping[str, object]) -> Words:
    return type_, "point", "neutral", ""
