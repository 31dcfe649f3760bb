"""The life cycle of an import run: the diagram in the documentation is the table in the code; every state can be reached."""

from __future__ import annotations

from pathlib import Path

from comptoir.modules.imports.contracts import RunState
from comptoir.modules.imports.domain import STEPS

PAGE = (Path(__file__).parents[2] / "docs" / "lifecycles.md").read_text()


def test_the_diagram_of_a_run_is_the_table() -> None:
    drawn = PAGE.partition("## An import run\n")[2].partition("```mermaid\n")[2].partition("```")[0].splitlines()
    arrows = [f"    {state} --> {to}: {step.replace('_', ' ')}" for (state, step), to in STEPS.items()]
    assert drawn == ["stateDiagram-v2", "    [*] --> waiting", *arrows]


def test_every_state_of_a_run_is_reached() -> None:
    assert {RunState("waiting")} | set(STEPS.values()) == set(RunState)
