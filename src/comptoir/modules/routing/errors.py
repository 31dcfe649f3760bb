"""What routing refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound


class UnknownRuleSet(NotFound):
    """No rule set has this id, or it never had that version. They are never deleted: look for it in the list."""

    code = "unknown_rule_set"
    title = "No such rule set"


class RuleSetCodeTaken(Conflict):
    """`data["code"]` names another rule set already: choose another code, or change that rule set."""

    code = "rule_set_code_taken"
    title = "Another rule set has this code"


class RuleSetRetired(Conflict):
    """What is retired stays as it was, so that its decisions can be explained. A copy may be made of it."""

    code = "rule_set_retired"
    title = "The rule set is retired"


class UnknownDecision(NotFound):
    code = "unknown_decision"
    title = "No such decision"


class UnknownSimulation(NotFound):
    code = "unknown_simulation"
    title = "No such simulation"


class SimulationOver(Conflict):
    """It has ended already: `data["state"]`."""

    code = "simulation_over"
    title = "The simulation is over"


class UnknownSchedule(NotFound):
    """No schedule of runs has this id, or it was deleted."""

    code = "unknown_run_schedule"
    title = "No such schedule of runs"


class ScheduleCodeTaken(Conflict):
    """`data["code"]` names another schedule already: choose another code, or change that schedule."""

    code = "run_schedule_code_taken"
    title = "Another schedule of runs has this code"


class ScheduleOff(Conflict):
    """No order waits for a schedule that is switched off: switch it on first."""

    code = "run_schedule_off"
    title = "The schedule of runs is switched off"
