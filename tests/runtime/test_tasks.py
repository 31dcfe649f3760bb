"""Tasks that are told to end, and those that do not hear it at once."""

from __future__ import annotations

import asyncio
import contextlib

from comptoir.runtime.tasks import end


async def _deaf(times: int) -> None:
    """Takes so many cancellations for something else, as a wait that ends in the same instant does."""
    for _ in range(times):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
    await asyncio.sleep(3600)


async def test_a_task_that_missed_its_cancellation_is_cancelled_again() -> None:
    deaf = asyncio.create_task(_deaf(1))
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        await end(deaf)
    assert deaf.cancelled()


async def test_what_is_over_or_breaks_while_it_ends_disturbs_nobody() -> None:
    async def breaks() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            raise ValueError("broken")

    async def over() -> None:
        return

    tasks = [asyncio.create_task(breaks()), asyncio.create_task(over())]
    await asyncio.sleep(0)
    await end(*tasks)
    assert all(task.done() for task in tasks)
    assert isinstance(tasks[0].exception(), ValueError)
