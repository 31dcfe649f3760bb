"""What notices refuse."""

from __future__ import annotations

from comptoir.kernel.errors import NotFound


class UnknownNotice(NotFound):
    code = "unknown_notice"
    title = "No such notice"


class UnknownSender(NotFound):
    code = "unknown_sender"
    title = "This channel writes to nobody"
