"""The life cycle of a rule set: the diagram in the documentation is the table in the code, and every state can be reached."""

from __future__ import annotations

from pathlib import Path

from comptoir.modules.routing.contracts import RuleSetState
from comptoir.modules.routing.domain.rules import STEPS

PAGE = (Path(__file__).parents[3] / "docs" / "lifecycles.md").read_text()


def test_the_diagram_of_a_rule_set_is_the_table() -> None:
    drawn = PAGE.partition("## A rule set of routing\n")[2].partition("```mermaid\n")[2].partition("```")[0].splitlines()
    assert drawn == ["stateDiagram-v2", "    [*] --> draft", *[f"    {state} --> {to}" for state, to in STEPS]]


def test_every_state_of_a_rule_set_is_reached() -> None:
    assert {RuleSetState.DRAFT} | {to for _, to in STEPS} == set(RuleSetState)
