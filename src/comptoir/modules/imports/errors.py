"""What imports refuse."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound


class UnknownRun(NotFound):
    code = "unknown_import"
    title = "No such import"


class NotInThatState(Conflict):
    """`data` has the `state` that the run is in and the `step` that does not go with it."""

    code = "import_state"
    title = "The import is in a state that does not allow this"


class TakenOver(Conflict):
    """Another process has moved this run on, or stopped it: what this one was about to write has not been written."""

    code = "import_taken_over"
    title = "Somebody else goes on with this import"


class AlreadyImported(Conflict):
    """The very file has been imported: `data` has the `id` of that run and when it was over."""

    code = "already_imported"
    title = "This file has been imported already"
