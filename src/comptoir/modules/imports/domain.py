"""The life of an import run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from comptoir.modules.imports.contracts import RunState, Step

_WAITING, _RUNNING, _DONE, _FAILED, _CANCELLED = RunState

STEPS: dict[tuple[RunState, Step], RunState] = {
    (_WAITING, Step.BEGIN): _RUNNING,
    (_RUNNING, Step.BEGIN): _RUNNING,  # whoever ran it has died; one that is alive finds out with its next step
    (_FAILED, Step.BEGIN): _RUNNING,
    (_RUNNING, Step.ADVANCE): _RUNNING,
    (_RUNNING, Step.PAUSE): _WAITING,
    (_RUNNING, Step.FINISH): _DONE,
    (_RUNNING, Step.FAIL): _FAILED,
    (_WAITING, Step.CANCEL): _CANCELLED,
    (_RUNNING, Step.CANCEL): _CANCELLED,
    (_FAILED, Step.CANCEL): _CANCELLED,
}
"""The states of a run, and what leads from one to another. What is done or cancelled stays so."""

ENDED = frozenset({_DONE, _FAILED, _CANCELLED})


def after(state: RunState, step: Step) -> RunState | None:
    """The state that a step leads to; None where it may not be taken."""
    return STEPS.get((state, step))


def resumable(state: RunState) -> bool:
    return after(state, Step.BEGIN) is not None


def rejected_rows(report: Mapping[str, object]) -> int:
    """How many rows a report counts as rejected."""
    counts = report.get("rejected", {})
    return sum(cast("Mapping[str, int]", counts).values()) if isinstance(counts, Mapping) else 0
