"""The life of a unit of an order: the diagram in the documentation is the table in the code, and the counters follow it."""

from __future__ import annotations

from pathlib import Path

import pytest

from comptoir.modules.orders.domain import UNIT_STEPS, Counters, UnitPlace, UnitStep, counted

PAGE = (Path(__file__).parents[3] / "docs" / "lifecycles.md").read_text()


def test_the_diagram_of_a_unit_is_the_table() -> None:
    drawn = PAGE.partition("## An order\n")[2].partition("```mermaid\n")[2].partition("```")[0].splitlines()
    arrows = [f"    {place} --> {to}: {step.replace('_', ' ')}" for (place, step), to in UNIT_STEPS.items()]
    assert drawn == ["stateDiagram-v2", "    [*] --> reserved", "    [*] --> waiting", *arrows]


def test_a_unit_gets_everywhere() -> None:
    assert {UnitPlace.RESERVED, UnitPlace.WAITING} | set(UNIT_STEPS.values()) == set(UnitPlace)


@pytest.mark.parametrize(("place", "step"), UNIT_STEPS)
def test_a_step_takes_units_out_of_one_place_and_puts_them_into_another(place: UnitPlace, step: UnitStep) -> None:
    before, to = dict.fromkeys(UnitPlace, 5), UNIT_STEPS[place, step]
    change = counted(step, {place: 3})
    after = Counters(
        25,
        cancelled=5 + change.cancelled,
        backordered=5 + change.backordered,
        shipped=10 + change.shipped,
        returned=5 + change.returned,
    )
    there = {
        UnitPlace.RESERVED: after.reserved,
        UnitPlace.WAITING: after.backordered,
        UnitPlace.CANCELLED: after.cancelled,
        UnitPlace.SHIPPED: after.shipped - after.returned,
        UnitPlace.RETURNED: after.returned,
    }
    assert there == before | {place: 2, to: 8}


def test_a_step_that_does_not_lead_on_is_a_bug() -> None:
    with pytest.raises(KeyError):
        counted(UnitStep.CANCEL, {UnitPlace.SHIPPED: 1})
