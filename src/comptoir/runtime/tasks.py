"""Ending tasks.

A task that is cancelled may not notice: `asyncio.wait_for` of Python 3.11 gives its result rather than the cancellation where
both come at once, and database drivers wait with it. Whoever needs a task to be over asks again.
"""

from __future__ import annotations

import asyncio

_AGAIN_AFTER = 0.25
"""Seconds until a task that still runs is cancelled once more."""


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancels tasks until they are over, however they end."""
    running = {task for task in tasks if not task.done()}
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=_AGAIN_AFTER)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # what they raised has been seen
