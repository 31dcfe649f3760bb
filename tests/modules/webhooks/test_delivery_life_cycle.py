"""The life cycle of a delivery: the diagram in the documentation is the table in the code, and every state can be reached."""

from __future__ import annotations

from pathlib import Path

from comptoir.modules.webhooks.contracts import DeliveryState
from comptoir.modules.webhooks.domain import DELIVERY_STEPS

PAGE = (Path(__file__).parents[3] / "docs" / "lifecycles.md").read_text()


def test_the_diagram_of_a_delivery_is_the_table() -> None:
    drawn = PAGE.partition("## A webhook delivery\n")[2].partition("```mermaid\n")[2].partition("```")[0].splitlines()
    arrows = [f"    {state} --> {to}: {step.replace('_', ' ')}" for (state, step), to in DELIVERY_STEPS.items()]
    assert drawn == ["stateDiagram-v2", "    [*] --> pending", *arrows]


def test_every_state_of_a_delivery_is_reached() -> None:
    assert {DeliveryState("pending")} | set(DELIVERY_STEPS.values()) == set(DeliveryState)
