"""The life cycle of a simulation: the diagram in the documentation is the table in the code, and every state can be reached."""

from __future__ import annotations

from pathlib import Path

from comptoir.modules.routing.contracts import SimulationState
from comptoir.modules.routing.domain.asking import SIMULATION_STEPS

PAGE = (Path(__file__).parents[3] / "docs" / "lifecycles.md").read_text()


def test_the_diagram_of_a_simulation_is_the_table() -> None:
    drawn = PAGE.partition("## A simulation\n")[2].partition("```mermaid\n")[2].partition("```")[0].splitlines()
    arrows = [f"    {state} --> {to}: {step.replace('_', ' ')}" for (state, step), to in SIMULATION_STEPS.items()]
    assert drawn == ["stateDiagram-v2", "    [*] --> queued", *arrows]


def test_every_state_of_a_simulation_is_reached() -> None:
    assert {SimulationState("queued")} | set(SIMULATION_STEPS.values()) == set(SimulationState)
