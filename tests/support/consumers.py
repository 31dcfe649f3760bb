"""Waiting for those who read the event log."""

from __future__ import annotations

import asyncio

from comptoir.runtime.consumers import ConsumerRunner, lag
from comptoir.runtime.database import Database


async def drained(database: Database, runner: ConsumerRunner) -> None:
    """Lets the runner handle all there is, also what a neighbour's transaction on this server keeps back for a moment."""
    async with asyncio.timeout(20):
        while True:
            await runner.drain()
            async with database.read() as reader:
                if not any(one.events for one in await lag(reader)):
                    return
            await asyncio.sleep(0.01)
