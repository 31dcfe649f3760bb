"""The life cycle of a transfer: the diagram in the documentation is the table in the code."""

from __future__ import annotations

from pathlib import Path

from comptoir.modules.inventory.domain import TRANSFER_STEPS

PAGE = (Path(__file__).parents[3] / "docs" / "lifecycles.md").read_text()


def test_the_diagram_of_a_transfer_is_the_table() -> None:
    drawn = PAGE.partition("## A transfer\n")[2].partition("```mermaid\n")[2].partition("```")[0].splitlines()
    arrows = [f"    {state} --> {to}: {step.replace('_', ' ')}" for (state, step), to in TRANSFER_STEPS.items()]
    assert drawn == ["stateDiagram-v2", "    [*] --> draft", *arrows]
