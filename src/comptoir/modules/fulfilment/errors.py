"""What fulfilment refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound, Refusal


class UnknownFulfilment(NotFound):
    code = "unknown_fulfilment"
    title = "No such fulfilment order"


class UnknownWave(NotFound):
    code = "unknown_wave"
    title = "No such wave"


class NotInThatState(Conflict):
    """The step cannot be taken now: `data` has the step and the state."""

    code = "not_in_that_state"
    title = "That is not possible in its present state"


class SomebodyElse(Conflict):
    """Another person works on it: `data["assignee"]`."""

    code = "somebody_else_works_on_it"
    title = "Somebody else works on it"


class NotThatMany(Refusal):
    """More units were named than there are: `data["lines"]` has {line_no, asked, open}."""

    code = "not_that_many"
    status = 409
    title = "There are not that many units"


class NotPicked(Conflict):
    """Not everything that is to go has been picked: `data["left"]` units."""

    code = "not_picked"
    title = "Pick it first"


class NothingToDo(Conflict):
    """No unit is left for this step."""

    code = "nothing_to_do"
    title = "Nothing is left to do"


class NotTogether(Conflict):
    """Only fulfilment orders of one order, one location and one method that nobody has begun become one."""

    code = "not_together"
    title = "These cannot become one"
