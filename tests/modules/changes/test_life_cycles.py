"""Life cycles: the diagrams in the documentation are the tables in the code, and every state can be reached."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from comptoir.modules.changes.api import CHANGE_STEPS, RETURN_STEPS
from comptoir.modules.changes.contracts import ChangeState, ReturnState
from comptoir.modules.payments.api import GRANT_STEPS
from comptoir.modules.payments.contracts import GrantState

PAGE = (Path(__file__).parents[3] / "docs" / "lifecycles.md").read_text()

TABLES: dict[str, tuple[str, type[StrEnum], Mapping[Any, Any]]] = {
    "A change of an order": ("requested", ChangeState, CHANGE_STEPS),
    "A return": ("requested", ReturnState, RETURN_STEPS),
    "A granted refund": ("pending", GrantState, GRANT_STEPS),
}


@pytest.mark.parametrize("title", TABLES)
def test_a_diagram_is_its_table(title: str) -> None:
    first, _, steps = TABLES[title]
    drawn = PAGE.partition(f"## {title}\n")[2].partition("```mermaid\n")[2].partition("```")[0].splitlines()
    arrows = [f"    {state} --> {to}: {step.replace('_', ' ')}" for (state, step), to in steps.items()]
    assert drawn == ["stateDiagram-v2", f"    [*] --> {first}", *arrows]


@pytest.mark.parametrize("title", TABLES)
def test_every_state_is_reached(title: str) -> None:
    first, states, steps = TABLES[title]
    reached = {first}
    for _ in steps:
        reached |= {to for (state, _), to in steps.items() if state in reached}
    assert reached == set(states)
