"""The life of a simulation. docs/lifecycles.md is drawn from this table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from comptoir.modules.routing.contracts import SimulationState


class SimulationStep(StrEnum):
    BEGIN = "begin"
    FINISH = "finish"
    FAIL = "fail"
    CANCEL = "cancel"


_S, _D = SimulationState, SimulationStep
SIMULATION_STEPS: Mapping[tuple[SimulationState, SimulationStep], SimulationState] = {
    (_S.QUEUED, _D.BEGIN): _S.RUNNING,
    (_S.RUNNING, _D.BEGIN): _S.RUNNING,  # whoever ran it has died
    (_S.RUNNING, _D.FINISH): _S.DONE,
    (_S.QUEUED, _D.FAIL): _S.FAILED,
    (_S.RUNNING, _D.FAIL): _S.FAILED,
    (_S.QUEUED, _D.CANCEL): _S.CANCELLED,
    (_S.RUNNING, _D.CANCEL): _S.CANCELLED,
}
"""Each step leads to one state, wherever it is taken. What is over stays so."""
