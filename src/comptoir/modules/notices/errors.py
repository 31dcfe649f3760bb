"""What notices refuse."""

from __future__ import annotations

from comptoir.kernel.errors import NotFound, Refusal


class UnknownNotice(NotFound):
    code = "unknown_notice"
    title = "No such notice"


class UnknownSender(NotFound):
    code = "unknown_sender"
    title = "This channel writes to nobody"


class NoGateway(Refusal):
    """What was sent is not signed by the gateway of messages to telephones, or none is set up."""

    code = "no_gateway"
    status = 401
    title = "This is not from the gateway of messages"
