"""What crosses the door of packing. Lengths are millimetres inside the carton, weights grams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, NewType
from uuid import UUID

from comptoir.modules.locations.contracts import LocationId

CartonId = NewType("CartonId", UUID)

CARTON_PREFIX = "ctn"


@dataclass(frozen=True, slots=True, kw_only=True)
class CartonDraft:
    """A carton as somebody wants it."""

    code: str
    name: str = ""
    location_id: LocationId | None = None
    """Where it is used; None is everywhere."""
    length: int
    width: int
    height: int
    weight: int = 0
    """Of the empty carton, with what goes around the goods."""
    max_weight: int = 30_000
    """Of what lies in it."""
    cost: int = 0
    """Minor units of the house's currency."""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Carton(CartonDraft):
    """A carton as it is. It is also a draft: `replace(carton, name=…)` is what `update` takes."""

    id: CartonId
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def volume(self) -> int:
        return self.length * self.width * self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class CartonFilter:
    """None and empty do not filter. `search` is words of the name, or the beginning of the code."""

    search: str = ""
    location_id: LocationId | None = None
    """Those that are used there: its own, and those of everywhere."""
    active: bool | None = None


class Load(NamedTuple):
    """So many units of a line that want a carton; of weighed goods, thousandths."""

    line_no: int
    sku: str
    quantity: int


class Share(NamedTuple):
    """So many units of a line in one box."""

    line_no: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedBox:
    """One box of a proposal."""

    carton: Carton | None
    """None for a piece that fits no carton: it goes as it is, or in something that somebody finds for it."""
    shares: tuple[Share, ...]
    weight: int
    """Of the goods, as far as the catalogue knows, and of the carton."""
    filled: float
    """The share of the carton's room that the goods take up; 0 without a carton."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Boxes that hold all units. Without any carton in use there are none."""

    boxes: tuple[ProposedBox, ...] = ()
    guessed: tuple[str, ...] = ()
    """SKUs whose measures nobody knows (see `domain.guessed_volume`)."""
    unweighed: tuple[str, ...] = ()
    """SKUs whose weight nobody knows: they count as nothing."""
