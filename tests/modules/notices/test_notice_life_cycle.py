"""The life cycle of a notice: the diagram in the documentation is the table in the code, and every state can be reached."""

from __future__ import annotations

from pathlib import Path

from comptoir.modules.notices.contracts import NoticeState
from comptoir.modules.notices.domain import NOTICE_STEPS

PAGE = (Path(__file__).parents[3] / "docs" / "lifecycles.md").read_text()


def test_the_diagram_of_a_notice_is_the_table() -> None:
    drawn = PAGE.partition("## A notice\n")[2].partition("```mermaid\n")[2].partition("```")[0].splitlines()
    arrows = [f"    {state} --> {to}: {step.replace('_', ' ')}" for (state, step), to in NOTICE_STEPS.items()]
    assert drawn == ["stateDiagram-v2", "    [*] --> pending", *arrows]


def test_every_state_of_a_notice_is_reached() -> None:
    assert {NoticeState("pending")} | set(NOTICE_STEPS.values()) == set(NoticeState)
