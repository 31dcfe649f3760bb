"""Life cycles of fulfilment: the diagrams in the documentation are the tables in the code, and every state can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from comptoir.modules.fulfilment.api import HANDSHAKE, LOCKER_STEPS, STEPS
from comptoir.modules.fulfilment.contracts import LockerState, Request, State

PAGE = (Path(__file__).parents[3] / "docs" / "lifecycles.md").read_text()

TABLES: dict[str, tuple[set[str], type[StrEnum], Mapping[Any, Any]]] = {
    "A fulfilment order": ({"open", "scheduled", "on_hold"}, State, STEPS),
    "A locker": ({"free"}, LockerState, LOCKER_STEPS),
    "The handshake with a third party": ({"unsubmitted"}, Request, HANDSHAKE),
}


@pytest.mark.parametrize("title", TABLES)
def test_a_diagram_is_its_table(title: str) -> None:
    _, _, steps = TABLES[title]
    drawn = PAGE.partition(f"## {title}\n")[2].partition("```mermaid\n")[2].partition("```")[0].splitlines()
    arrows = [f"    {state} --> {to}: {step.replace('_', ' ')}" for (state, step), to in steps.items()]
    assert drawn[2:] == arrows


@pytest.mark.parametrize("title", TABLES)
def test_every_state_is_reached(title: str) -> None:
    first, states, steps = TABLES[title]
    reached = set(first)
    for _ in steps:
        reached |= {to for (state, _), to in steps.items() if state in reached}
    assert reached == set(states)
