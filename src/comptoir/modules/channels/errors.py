"""What channels refuse."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound


class UnknownChannel(NotFound):
    code = "unknown_channel"
    title = "No such channel"


class ChannelCodeTaken(Conflict):
    """`data["code"]` names another channel already."""

    code = "channel_code_taken"
    title = "Another channel has this code"
