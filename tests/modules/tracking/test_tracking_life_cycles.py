from __future__ import annotations

import re
from pathlib import Path

import pytest

from comptoir.modules.tracking.contracts import CaseState, InstructionState, LabelState
from comptoir.modules.tracking.domain.states import CASE_STEPS, INSTRUCTION_STEPS, LABEL_STEPS

PAGE = (Path(__file__).parents[3] / "docs" / "lifecycles.md").read_text()


@pytest.mark.parametrize(
    ("title", "table"),
    [("A label", LABEL_STEPS), ("A failed delivery", CASE_STEPS), ("What a carrier is to be told", INSTRUCTION_STEPS)],
)
def test_the_picture_is_what_the_table_says(
    title: str, table: dict[tuple[CaseState | InstructionState | LabelState, str], str]
) -> None:
    section = PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    drawn = set(re.findall(r"^    (\w+) --> (\w+): (.+)$", section, re.MULTILINE))
    assert drawn == {(str(state), str(after), str(step).replace("_", " ")) for (state, step), after in table.items()}
