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


class BoxRecalled(Conflict):
    """What is in these boxes is not wanted any more, in whole or in part: `data["parcel_ids"]` are to be opened first."""

    code = "box_recalled"
    title = "The box is not to leave: open it first"


class NotRecalled(Refusal):
    """It is not among what is to be taken out of this box: `data["sku"]`."""

    code = "not_recalled"
    status = 409
    title = "That is not to be taken out"


class NothingToDo(Conflict):
    """No unit is left for this step."""

    code = "nothing_to_do"
    title = "Nothing is left to do"


class NotTogether(Conflict):
    """Only fulfilment orders of one order, one location and one method that nobody has begun become one."""

    code = "not_together"
    title = "These cannot become one"


class AtThirdParty(Conflict):
    """A third party has accepted it, and has to stop first: `data["fulfilments"]` are the numbers of what it does."""

    code = "at_third_party"
    title = "A third party does it, and has to answer first"


class NotPaid(Conflict):
    """Nothing is handed out before it is paid: `data` has `due` minor units and the `currency`."""

    code = "not_paid"
    title = "It has to be paid first"


class WrongPickupCode(Refusal):
    """The letters are not those of this collection. `data["barred"]` is true when no code is looked at for a while."""

    code = "wrong_pickup_code"
    status = 422
    title = "That is not its pickup code"


class NoMoreTime(Conflict):
    """The buyer has had more time already, or it is not waiting."""

    code = "no_more_time"
    title = "It cannot wait any longer"


class NoCurbside(Conflict):
    """Nobody comes out to cars there, or it is not ready."""

    code = "no_curbside"
    title = "It is not brought out there"


class UnknownTerms(NotFound):
    code = "unknown_collection_terms"
    title = "No such terms"


class UnknownPutBack(NotFound):
    code = "unknown_put_back"
    title = "Nothing is to be put back there"


class UnknownLocker(NotFound):
    code = "unknown_locker"
    title = "No such locker"


class LockerCodeTaken(Conflict):
    """Two lockers of a location have different codes."""

    code = "locker_code_taken"
    title = "That location has a locker of this code"


class NoLocker(Conflict):
    """No locker of that size or a larger one is free there."""

    code = "no_locker"
    title = "No locker is free"


class LockerStepRefused(Conflict):
    """The step cannot be taken now: `data` has the step and the state."""

    code = "locker_step_refused"
    title = "That is not possible with this locker now"
