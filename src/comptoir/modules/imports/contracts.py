"""What crosses the door of imports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NewType
from uuid import UUID

from comptoir.runtime.events import Event

RunId = NewType("RunId", UUID)

RUN_PREFIX = "imp"


class ImportKind(StrEnum):
    ORDERS = "orders"
    PRODUCTS = "products"
    STOCK = "stock"
    LOCATIONS = "locations"
    POSTCODES = "postcodes"
    BINS = "bins"


class RunState(StrEnum):
    WAITING = "waiting"
    """Not begun, or put aside: it goes on where it stopped."""
    RUNNING = "running"
    """Somebody works on it, or died doing so."""
    DONE = "done"
    FAILED = "failed"
    """It stopped at something that a person has to put right; it may go on afterwards."""
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What may be done to a run; `domain.STEPS` says when, and what it leads to."""

    BEGIN = "begin"
    ADVANCE = "advance"
    PAUSE = "pause"
    FINISH = "finish"
    FAIL = "fail"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDraft:
    """A file as somebody wants it imported. `file_hash` tells its content from every other one.

    `options` are how it is to be read and what to do with it: whatever a resumption needs to know again.
    """

    kind: ImportKind
    file_name: str
    file_hash: str
    layout: str = ""
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(RunDraft):
    """An import as it stands.

    `position` says how far the file has been dealt with, in a measure of its reader's; it moves in the transaction of the
    effects. `size` is the whole in the same measure, 0 while it is not known. `report` holds the counts.
    """

    id: RunId
    state: RunState
    position: int
    size: int
    report: Mapping[str, object]
    problem: str
    actor: str
    started_at: datetime
    moved_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that could not be taken. `file` counts from 0 where an import has several files; `cells` are in its order."""

    line: int
    code: str
    reason: str
    advice: str
    cells: Mapping[str, str]
    file: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """None and empty do not filter. `search` is words of the file's name."""

    search: str = ""
    kind: ImportKind | None = None
    state: RunState | None = None
    dry_run: bool | None = None


class ImportStarted(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "import.started"
    run_id: RunId
    kind: str
    file_name: str

    @property
    def subject(self) -> UUID:
        return self.run_id


class ImportEnded(Event, frozen=True, kw_only=True):
    """A run is over, for now at least: done, failed or cancelled."""

    type: ClassVar[str] = "import.ended"
    run_id: RunId
    kind: str
    file_name: str
    state: str
    rejected: int
    """Rows that could not be taken."""

    @property
    def subject(self) -> UUID:
        return self.run_id
